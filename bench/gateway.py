"""What the gateway costs: processor time a request and a streamed piece, over a bare pass-through, beside LiteLLM's proxy.

One machine, one run: each server is a process of its own before the same scripted upstream, and is asked in turn for the
same replies, words and a call, streamed, with ten tools in each request. The upstream writes the pieces apart, so that
each is read and sent by itself. A piece costs what a long reply costs over a short one, by the pieces that it has more; a
request, what a short reply costs over its pieces. Processor time is that of the server's process, system calls included;
the least of several rounds counts, for what else the machine does adds to it. `--litellm` names a Python that has
`litellm[proxy]`.

toolglot writes the prompt and the constraint, is given the reply as text, and makes the call of it. The other two pass on
a conversation, and are told by the upstream what is a call.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import common
import servers
import uvloop
from load import Stream, many
from scripted_upstream import MODEL, Script, completion
from servers import Server

MOST_REQUEST, MOST_PIECE = 0.5, 30.0        # ms and µs over the bare pass-through
OURS, BARE = "toolglot", "bare pass-through"
FEW = 4                                     # pieces of words in a short reply
PAUSES = {1: 1, 32: 10}                     # ms between two pieces, by how many streams there are at a time


@dataclass
class Cost:
    """Of one server at one concurrency. `short` and `long`: seconds of processor time a reply, a value of each round."""

    short: list[float] = field(default_factory=list)
    long: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)        # seconds to the first bytes, of each short reply
    whole: list[float] = field(default_factory=list)        # seconds to its end
    reads: list[int] = field(default_factory=list)          # of each long reply: how often its client got something

    def line(self, pieces: int) -> tuple[float, float]:
        """Seconds a request, and a piece: the line through the least of both replies. `pieces` are those of a long one."""
        few, many = len(completion(Script(0, FEW, 0), 0)), len(completion(Script(0, pieces, 0), 0))
        piece = (min(self.long) - min(self.short)) / (many - few)
        return min(self.short) - few * piece, piece


def measure(server: Server, cost: Cost, at_a_time: int, short: int, long: int, pieces: int, tools: list[Any]) -> None:
    pause = PAUSES.get(at_a_time, 10)
    for count, size in ((max(short, at_a_time), FEW), (max(long, at_a_time), pieces)):
        uvloop.run(many(server, at_a_time, at_a_time, lambda n: Script(n, FEW, pause), tools))      # connections are kept
        began = server.cpu()
        streams: list[Stream] = uvloop.run(many(server, at_a_time, count, lambda n, s=size: Script(n, s, pause), tools))
        spent = (server.cpu() - began) / count
        if wrong := next((stream for stream in streams if stream.wrong), None):
            raise SystemExit(f"{server.name}: {wrong.wrong}\n{wrong.head.decode()}{bytes(wrong.body[:2000]).decode()}")
        if size == FEW:
            cost.short.append(spent)
            cost.first += [stream.first for stream in streams]
            cost.whole += [stream.whole for stream in streams]
        else:
            cost.long.append(spent)
            cost.reads += [stream.reads for stream in streams]


# -- the servers -----------------------------------------------------------------------------------------------


@contextmanager
def pass_through(upstream: Server) -> Iterator[Server]:
    port = servers.free_port()
    words = [sys.executable, "-m", "uvicorn", "pass_through:app", "--port", str(port), "--loop", "uvloop",
             "--no-access-log"]
    with servers.started(BARE, words, port, servers.environ(UPSTREAM=upstream.url)) as server:
        yield server


@contextmanager
def litellm(python: str, upstream: Server) -> Iterator[Server]:
    """LiteLLM's proxy as its own documentation starts it, with one worker; told of nothing but the upstream."""
    port = servers.free_port()
    with tempfile.TemporaryDirectory() as home:
        config = Path(home, "config.yaml")
        config.write_text(f"model_list:\n- model_name: {MODEL}\n  litellm_params:\n    model: openai/{MODEL}\n"
                          f"    api_base: {upstream.url}/v1\n    api_key: none\n", encoding="utf-8")
        words = [str(Path(python).with_name("litellm")), "--config", str(config), "--host", "127.0.0.1", "--port",
                 str(port)]
        environ = {"HOME": home, "PATH": f"{Path(python).parent}:/usr/bin:/bin", "LITELLM_LOCAL_MODEL_COST_MAP": "True",
                   "LITELLM_LOG": "ERROR", "NO_PROXY": "*", "LITELLM_TELEMETRY": "False"}
        with servers.started("LiteLLM", words, port, environ, "/health/liveliness") as server:
            yield server


def version_of(python: str) -> str:
    code = "import importlib.metadata as m, platform as p; print(m.version('litellm'), 'on Python', p.python_version())"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


# -- the table -------------------------------------------------------------------------------------------------


def rows(costs: dict[tuple[int, str], Cost], pieces: int) -> list[list[str]]:
    out = []
    for (at_a_time, name), cost in costs.items():
        bare = costs[at_a_time, BARE].line(pieces)
        request, piece = cost.line(pieces)
        first, whole = sorted(cost.first), sorted(cost.whole)
        out.append([f"{name}, {at_a_time} at a time",
                    f"{1e3 * request:.2f}", *over(1e3 * (request - bare[0]), MOST_REQUEST, name, 2),
                    f"{1e6 * piece:.0f}", *over(1e6 * (piece - bare[1]), MOST_PIECE, name, 0),
                    f"{1e3 * statistics.median(first):.1f}", f"{1e3 * statistics.median(whole):.0f}",
                    f"{1e3 * whole[int(len(whole) * 0.99)]:.0f}"])
    return out


def over(more: float, most: float, name: str, digits: int) -> list[str]:
    """How much more than the bare pass-through, and whether that is what it must be."""
    if name == BARE:
        return ["–", "–"]
    return [f"{more:.{digits}f}", "–" if name != OURS else "yes" if more <= most else "**no**"]


HEAD = ["server", "ms CPU a request", "over bare", f"at most {MOST_REQUEST}", "µs CPU a piece", "over bare",
        f"at most {MOST_PIECE:.0f}", "ms to the first piece", "ms a short reply, p50", "p99"]


def main() -> None:
    parser = common.parser(__doc__)
    parser.add_argument("--litellm", metavar="PYTHON", help="an environment's Python that has litellm[proxy]")
    parser.add_argument("--rounds", type=int, default=8, metavar="N", help="default: 8")
    parser.add_argument("--short", type=int, default=64, metavar="N", help="short replies in a round; default: 64")
    parser.add_argument("--long", type=int, default=16, metavar="N", help="long replies in a round; default: 16")
    parser.add_argument("--pieces", type=int, default=200, metavar="N", help="of a long reply; default: 200")
    parser.add_argument("--tools", type=int, default=10, metavar="N", help="default: 10")
    parser.add_argument("--at-a-time", type=int, nargs="+", default=[1, 32], metavar="N", help="default: 1 32")
    given = parser.parse_args()
    tools, costs = common.tools(given.tools), {}
    with ExitStack() as stack:
        upstream = stack.enter_context(servers.upstream())
        found = [stack.enter_context(servers.toolglot(upstream)), stack.enter_context(pass_through(upstream))]
        if given.litellm:
            found.append(stack.enter_context(litellm(given.litellm, upstream)))
        step = stack.enter_context(common.progress(given.rounds * len(found) * len(given.at_a_time), "gateway"))
        for server in found:
            uvloop.run(many(server, 4, 20, lambda n: Script(n, 20, 1), tools))       # warm
        for at_a_time in given.at_a_time:
            for _ in range(given.rounds):
                for server in found:
                    step(f"{server.name}, {at_a_time} at a time")
                    measure(server, costs.setdefault((at_a_time, server.name), Cost()), at_a_time, given.short, given.long,
                            given.pieces, tools)
    missing = "" if given.litellm else " LiteLLM's proxy was not measured: `--litellm` was not given."
    beside = f" LiteLLM is {version_of(given.litellm)}." if given.litellm else ""
    count = len(completion(Script(0, given.pieces, 0), 0))
    apart = statistics.mean([reads for (_, name), cost in costs.items() if name == BARE for reads in cost.reads])
    body = common.table(HEAD, rows(costs, given.pieces)) + (
        f"\n\n{given.tools} tools, one worker each; short replies have {FEW} pieces of words and a call, long ones "
        f"{given.pieces} and a call; the least of {given.rounds} rounds, times of all of them. Of {count} pieces of a long "
        f"reply the pass-through's clients read {apart:.0f} apart.{beside}{missing}")
    common.publish("gateway", "What the gateway costs", body,
                   ["starlette", "uvicorn", "uvloop", "aiohttp", "orjson"], given.write)


if __name__ == "__main__":
    main()
