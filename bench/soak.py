"""A thousand streams at a time through `toolglot serve`, for minutes: is any lost or mixed, and does memory grow?

The upstream is the scripted one, on loopback. Each stream has a marker of its own in its prompt, and all that comes back
has to carry it, words and call; its end has to be right, and its id nobody else's. When one is over the next begins. One
of ten is left by its client, in the middle of a long reply, and the upstream has to see that: a gateway that goes on
reading for nobody wastes a model's time. Memory is the resident set of the server and all its processes, every few
seconds; growth is counted from the second minute on (of a shorter run, its second half), as the median of the last minute
over that of the first one.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import common
import servers
import uvloop
from load import Line, Stream, judged, request
from scripted_upstream import EACH, Script
from servers import Server

FLAT = 1.05                     # of the first minute's memory: no more than this in the last one
STILL = 1.02                    # the same of the second half: what leaks goes on
LEAVES = 10                     # one of so many clients leaves
LONG = 20_000                   # milliseconds that a reply which is left would have taken, at least
SETTLING = 10.0                 # seconds until the upstream has to have seen that everybody has left


@dataclass
class Soaked:
    """What came of a run. `memory`: seconds since it began, bytes, and open connections and files."""

    seconds: float = 0.0        # that clients went on asking
    whole: int = 0
    pieces: int = 0
    left: int = 0
    wrong: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    at_most: int = 0            # streams that were open at a time, as the upstream has it
    seen_left: int = 0          # that the upstream saw left
    still_open: int = 0         # at the upstream, when all is over
    cpu: float = 0.0
    memory: list[tuple[float, int, int]] = field(default_factory=list)

    def growth(self) -> tuple[int, int]:
        """Median bytes of the first minute that counts, and of the last one."""
        start = min(60.0, self.seconds / 2)
        size = min(60.0, (self.seconds - start) / 2)
        first = [taken for at, taken, _ in self.memory if start <= at < start + size]
        last = [taken for at, taken, _ in self.memory if self.seconds - size <= at <= self.seconds]
        return int(statistics.median(first)), int(statistics.median(last))

    def later(self) -> tuple[int, int]:
        """Median bytes of the second half's first minute, and of the last one."""
        start, size = self.seconds / 2, min(60.0, self.seconds / 4)
        first = [taken for at, taken, _ in self.memory if start <= at < start + size]
        return int(statistics.median(first)), self.growth()[1]

    def by_minute(self) -> list[int]:
        """Median bytes of each minute."""
        return [int(statistics.median(taken for _, taken, _ in some)) for _, some in
                itertools.groupby([one for one in self.memory if one[0] < self.seconds], lambda one: int(one[0] // 60))]


def endless(given: Any) -> int:
    """The pieces of a reply that is far from its end when its client has left, however busy the machine is."""
    return min(EACH - 1, max(10 * given.pieces, LONG // max(1, given.pause)))


def half_way(pieces: int) -> Callable[[Stream], bool]:
    return lambda stream: stream.body.count(b"data: ") > pieces // 2


async def client(server: Server, markers: Iterator[int], until: float, given: Any, tools: list[Any],
                 soaked: Soaked) -> None:
    """One stream after another until the time is over; the last one is read to its end."""
    line = Line(server)
    await asyncio.sleep(random.random() * min(given.pieces * given.pause / 1000, given.minutes * 20))
    while time.monotonic() < until:
        marker = next(markers)
        leaves = marker % LEAVES == 0
        script = Script(marker, endless(given) if leaves else given.pieces, given.pause)
        stream = await line.get(script, request(script, tools), half_way(given.pieces) if leaves else None)
        note(soaked, stream, leaves)
    line.close()


def note(soaked: Soaked, stream: Stream, leaves: bool) -> None:
    """Counts a stream, and what is wrong with it."""
    soaked.pieces += stream.reads
    if leaves and not stream.wrong and not stream.whole:
        soaked.left += 1
        return
    wrong = stream.wrong or judged(stream)
    if not wrong:
        id = str(stream.events()[0]["id"])
        wrong = f"its id {id} is another's" if id in soaked.ids else ""
        soaked.ids.add(id)
    if wrong:
        soaked.wrong.append(f"{stream.script}: {wrong}")
    else:
        soaked.whole += 1


async def watch(server: Server, upstream: Server, soaked: Soaked, every: float, step: Callable[[str], None]) -> None:
    began = time.monotonic()
    while True:
        soaked.memory.append((time.monotonic() - began, server.memory(), server.sockets()))
        stats = await asyncio.to_thread(servers.ask, upstream, "/stats")
        soaked.at_most = max(soaked.at_most, stats["open"])
        step(f"{stats['open']} streams, {soaked.whole} whole, {len(soaked.wrong)} wrong, {soaked.memory[-1][1] >> 20} MiB")
        await asyncio.sleep(every)


async def soak(server: Server, upstream: Server, given: Any, step: Callable[[str], None] = lambda words: None) -> Soaked:
    soaked, markers, tools = Soaked(), itertools.count(1), common.tools(given.tools)
    began, cpu = time.monotonic(), server.cpu()
    watching = asyncio.create_task(watch(server, upstream, soaked, given.every, step))
    until = began + given.minutes * 60
    try:
        await asyncio.gather(*[client(server, markers, until, given, tools, soaked) for _ in range(given.streams)])
    finally:
        watching.cancel()
    soaked.seconds, soaked.cpu = given.minutes * 60, server.cpu() - cpu
    over = time.monotonic() + SETTLING
    while (stats := servers.ask(upstream, "/stats"))["open"] and time.monotonic() < over:
        await asyncio.sleep(0.2)
    soaked.still_open, soaked.seen_left = stats["open"], stats["left"]
    return soaked


def rows(soaked: Soaked, streams: int) -> list[list[str]]:
    first, last = soaked.growth()
    mixed = [one for one in soaked.wrong if "not those of" in one or "not that of" in one or "another's" in one]

    def met(one: bool) -> str:
        return "yes" if one else "**no**"

    return [
        ["streams at a time, as the upstream counted", str(soaked.at_most), met(soaked.at_most >= 0.9 * streams)],
        ["streams read to their end", f"{soaked.whole:,}", "–"],
        ["pieces read", f"{soaked.pieces:,}", "–"],
        ["lost or cut", str(len(soaked.wrong) - len(mixed)), met(len(soaked.wrong) == len(mixed))],
        ["mixed: another's words, call or id", str(len(mixed)), met(not mixed)],
        ["left by the client in mid-reply", f"{soaked.left:,}", "–"],
        ["of these, closed at the upstream", f"{soaked.seen_left:,}", met(soaked.seen_left == soaked.left)],
        ["open at the upstream when all is over", str(soaked.still_open), met(not soaked.still_open)],
        ["memory in the first minute that counts, MiB", f"{first / 2**20:.1f}", "–"],
        ["memory in the last minute, MiB", f"{last / 2**20:.1f}", met(last <= FLAT * first)],
        ["growth in the second half, MiB", f"{(soaked.later()[1] - soaked.later()[0]) / 2**20:.1f}",
         met(soaked.later()[1] <= STILL * soaked.later()[0])],
        ["most memory, MiB", f"{max(taken for _, taken, _ in soaked.memory) / 2**20:.1f}", "–"],
        ["processor time of the server, of one core", f"{soaked.cpu / soaked.seconds:.0%}", "–"]]


def arguments() -> Any:
    parser = common.parser(__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, metavar="N", help="default: 1; the full run has 10")
    parser.add_argument("--streams", type=int, default=1000, metavar="N", help="at a time; default: 1000")
    parser.add_argument("--pieces", type=int, default=30, metavar="N", help="of a reply's words; default: 30")
    parser.add_argument("--pause", type=int, default=500, metavar="MS", help="between two pieces; default: 500")
    parser.add_argument("--tools", type=int, default=10, metavar="N", help="default: 10")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="of the server; default: 1")
    parser.add_argument("--every", type=float, default=2.0, metavar="S", help="between two looks at memory; default: 2")
    return parser


def main() -> None:
    given = arguments().parse_args()
    with servers.upstream() as upstream, servers.toolglot(upstream, "--workers", str(given.workers)) as server, \
            common.progress(int(given.minutes * 60 / given.every), "soak") as step:
        soaked = uvloop.run(soak(server, upstream, given, step))
    for one in soaked.wrong[:10]:
        print(one, file=sys.stderr)
    body = common.table(["of the run", "found", "as it must be"], rows(soaked, given.streams)) + (
        f"\n\n{given.minutes:g} minutes, {given.streams} streams at a time, {given.tools} tools in each request, "
        f"{given.pieces} pieces of words and a call in each reply, {given.pause} ms between two pieces; "
        f"{given.workers} worker{'s' * (given.workers != 1)}, upstream and clients on the same machine.")
    body += f" Memory by the minute, MiB: {', '.join(f'{taken / 2**20:.0f}' for taken in soaked.by_minute())}."
    common.publish("soak", "A thousand streams at a time" if given.streams == 1000 else "Many streams at a time", body,
                   ["starlette", "uvicorn", "uvloop", "aiohttp"], given.write)
    if soaked.wrong or soaked.still_open:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
