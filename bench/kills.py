"""Is what the store reported complete there after SIGKILL? Workers that write are killed at random moments.

Each worker says an id when `put` has returned, and not before. Then the store is opened again: every id that was said is
there and whole, what was not said is whole or not there, and nothing else is. PostgreSQL is a cluster of this script's own.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import os
import random
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import common

from toolglot.serve.store import Store, Stored, StoreError, open_store

TASKS = 3               # that write at the same time in one worker
LINK = 20               # responses of a conversation
LARGEST = 1 << 16       # bytes of a response
PROGRAMS = ("initdb", "postgres", "pg_isready")
EARLY = 0.2             # of the workers are killed while they open the store, or make it
OPENING = 0.04          # seconds in which those are killed
WRITING = 0.1           # seconds in which the others are killed, counted from their first id
NAME = f"kills-{os.getpid()}"
PATIENCE = 60           # seconds after which a worker that says nothing is a failure
ROUNDS = 20             # that one store lives through
NOTE = f"""\
One worker in {1 / EARLY:.0f} is killed while it opens the store, the others within {WRITING} s of their first id; each has
{TASKS} `put`s under way. The server is stopped by SIGQUIT, which finishes nothing, and recovers from its log. The second
table is wall clock on a machine that does other things too: medians, and in brackets the fastest tenth. SIGKILL is no power
cut: that what was synced outlives one rests on SQLite's `synchronous=FULL`, PostgreSQL's `synchronous_commit` and the disk,
and is not tried here."""


# -- a PostgreSQL of one's own ---------------------------------------------------------------------------------


@dataclass
class Cluster:
    """A throwaway PostgreSQL on a port of its own; `url` names its superuser, `password` included."""

    binaries: Path
    directory: Path
    port: int
    password: str = "p@ss:word/1"
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql://toolglot:p%40ss%3Aword%2F1@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Returns when it answers."""
        words = [self.binaries / "postgres", "-D", self.directory / "data", "-p", str(self.port), "-h", "127.0.0.1",
                 "-k", self.directory, "-c", "shared_buffers=32MB"]
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log, cwd=self.directory, **as_somebody())
        ready = [self.binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        until = time.monotonic() + 60
        while subprocess.run(ready).returncode:
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError((self.directory / "log").read_text()[-2000:])
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: in order. SIGQUIT: at once, as in a crash: it recovers from its log when it is started again."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(60)
            self.process = None


def as_somebody() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid():
        return {}
    import pwd

    user = next(user for user in pwd.getpwall() if user.pw_name == "postgres" or user.pw_name == "nobody")
    return {"user": user.pw_uid, "group": user.pw_gid}


def binaries() -> Path | None:
    """Where PostgreSQL's programs lie; None if they are not here."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if all((place / name).exists() for name in PROGRAMS)), None)


@contextmanager
def cluster() -> Iterator[Cluster]:
    if (programs := binaries()) is None:
        raise FileNotFoundError("no PostgreSQL here: initdb, postgres and pg_isready")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place, socket.socket() as free:
        directory, who = Path(place), as_somebody()
        free.bind(("127.0.0.1", 0))
        one = Cluster(programs, directory, free.getsockname()[1])
        free.close()
        (directory / "password").write_text(one.password)
        if who:
            for path in (directory, directory / "password"):
                os.chown(path, who["user"], who["group"])
        subprocess.run([programs / "initdb", "-D", directory / "data", "-U", "toolglot", "-A", "scram-sha-256", "--no-sync",
                        "--pwfile", directory / "password", "-E", "UTF8", "--locale", "C"],
                       check=True, capture_output=True, cwd=directory, **who)
        try:
            one.start()
            yield one
        finally:
            one.stop()


# -- a worker that writes --------------------------------------------------------------------------------------


def response(id: str) -> Stored:
    """The response of an id, the same in every process: so it can be told whether it is whole."""
    name, _, number = id.rpartition(".")
    chance = random.Random(id)
    sizes = (int(LARGEST ** chance.random()) for _ in range(2))
    return Stored(id, "owner", int(number), f"{name}.{int(number) - 1}" if int(number) % LINK else None,
                  *(chance.randbytes(size) for size in sizes))


def write(url: str, name: str, say: Connection) -> None:
    """Puts responses until it is killed, and says each id after. The server may be gone before it is."""
    async def task(store: Store, number: int) -> None:
        for n in itertools.count():
            one = response(f"resp_{name}.{number}.{n}")
            await store.put(one)
            say.send_bytes(one.id.encode())

    async def work() -> None:
        say.send_bytes(b"?")
        try:
            store = await open_store(url)
            await asyncio.gather(*(task(store, number) for number in range(TASKS)))
        except StoreError as error:
            say.send_bytes(f"!{error}".encode())
            await asyncio.sleep(3600)

    asyncio.run(work())


# -- killing it ------------------------------------------------------------------------------------------------


@dataclass
class Tally:
    """What came of the kills so far."""

    kills: int = 0
    opening: int = 0                # while a worker opened the store, or before its first `put` returned
    said: int = 0
    lost: int = 0                   # said, and not there or not whole
    torn: int = 0                   # not said, there, and not whole
    unsaid: int = 0                 # not said, there and whole: killed between the commit and the word
    strange: int = 0                # in the store, and none of these
    unsound: int = 0                # times that `integrity_check` found something
    errors: list[str] = field(default_factory=list)     # that a store raised, unless its server died
    opened: list[float] = field(default_factory=list)      # milliseconds to open it again

    @property
    def bad(self) -> int:
        return self.lost + self.torn + abs(self.strange) + self.unsound + len(self.errors)


def processes() -> multiprocessing.context.ForkServerContext:
    """New processes that have imported what they need: a thousand of them cost what importing once costs."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["toolglot.serve.store", "psycopg", "sqlalchemy.dialects.sqlite", "rich.progress"])
    return context


@dataclass
class Worker:
    """One that writes. `soon`: it is killed while it opens the store. `heard`: "?" when it is there, then ids."""

    process: BaseProcess
    pipe: Connection
    soon: bool
    heard: list[str] = field(default_factory=list)

    def hear(self) -> None:
        if not self.pipe.poll(PATIENCE):
            raise TimeoutError(f"a worker said nothing for {PATIENCE} seconds")
        self.heard.append(self.pipe.recv_bytes().decode())

    def kill(self) -> None:
        """And listens to all that it has said."""
        self.process.kill()
        with closing(self.pipe), suppress(EOFError, OSError):       # OSError: killed within a word
            while True:
                self.hear()
        self.process.join()


def begin(url: str, name: str, soon: bool) -> Worker:
    pipe, says = processes().Pipe(duplex=False)
    worker = Worker(processes().Process(target=write, args=(url, name, says), daemon=True), pipe, soon)
    worker.process.start()
    says.close()
    return worker


def kill(url: str, name: str, workers: int, chance: random.Random, tally: Tally,
         instead: Callable[[], None] | None = None) -> list[str]:
    """Lets workers write, kills each at a moment of its own, and gives what they said. `instead` of them, the server."""
    all_of_them = [begin(named(url), f"{name}.{n}", instead is None and chance.random() < EARLY) for n in range(workers)]
    for worker in all_of_them:
        worker.hear()
    for worker in all_of_them:
        if worker.soon:
            time.sleep(chance.uniform(0, OPENING))
            worker.kill()
    late = [worker for worker in all_of_them if not worker.soon]
    for worker in late:
        worker.hear()
    if instead:
        time.sleep(chance.uniform(0, WRITING))
        instead()
    for worker in late:
        time.sleep(chance.uniform(0, WRITING / workers))
        worker.kill()
    words = [word for worker in all_of_them for word in worker.heard if word != "?"]
    tally.kills += 1 if instead else workers
    tally.opening += sum(worker.heard == ["?"] for worker in all_of_them)
    tally.errors += [word[1:] for word in words if word[0] == "!" and not instead]
    return [word for word in words if word[0] != "!"]


def named(url: str) -> str:
    """So that a PostgreSQL can tell these connections from others."""
    return f"{url}{'&' if '?' in url else '?'}application_name={NAME}" if "://" in url else url


def settle(url: str) -> None:
    """Waits until PostgreSQL has noticed that the workers are gone. It finishes first what they had asked: a response that
    nobody was told of may be committed a moment after its worker died."""
    if "://" not in url:
        return
    import psycopg

    left, until = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", time.monotonic() + PATIENCE
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(left, [NAME]).fetchone() != (0,):
            if time.monotonic() > until:
                raise TimeoutError(f"the server still has connections of killed workers after {PATIENCE} seconds")
            time.sleep(0.005)


async def look(url: str, name: str, workers: int, said: list[str], known: int, tally: Tally) -> int:
    """Opens the store again and holds it against what was said; how many responses are in it."""
    began = time.perf_counter()
    store = await open_store(url)
    tally.opened.append((time.perf_counter() - began) * 1000)
    there = 0
    for number, task in itertools.product(range(workers), range(TASKS)):
        mine = [id for id in said if id.startswith(f"resp_{name}.{number}.{task}.")]
        for id in mine:
            whole = await store.get(id, "owner") == response(id)
            there += whole
            tally.lost += not whole
        under_way = response(f"resp_{name}.{number}.{task}.{len(mine)}")
        if found := await store.get(under_way.id, "owner"):
            there += 1
            tally.unsaid += found == under_way
            tally.torn += found != under_way
    tally.said += len(said)
    count = await store.count()
    tally.strange += count - known - there
    await store.close()
    if "://" not in url:
        with closing(sqlite3.connect(url)) as file:
            tally.unsound += file.execute("PRAGMA integrity_check").fetchall() != [("ok",)]
    return count


def kills(url: Callable[[int], str], times: int, workers: int = 1, seed: int = 0,
          step: Callable[[str], None] = lambda words: None, crash: Cluster | None = None) -> Tally:
    """So many kills. `url` gives the store of a round, a new one each ROUNDS. `crash`: the server dies, not the workers."""
    chance, tally, known, store = random.Random(seed), Tally(), 0, ""
    for turn in itertools.count():
        if tally.kills >= times:
            return tally
        if (now := url(turn)) != store:
            store, known = now, asyncio.run(counted(now))
        name = f"{seed}.{workers}.{turn}{'c' if crash else ''}"
        said = kill(store, name, workers, chance, tally, (lambda: crash.stop(signal.SIGQUIT)) if crash else None)
        if crash:
            crash.start()
        settle(store)
        known = asyncio.run(look(store, name, workers, said, known, tally))
        step("")
    raise AssertionError


async def counted(url: str) -> int:
    """Responses in a store. A file that is not there is not made: the first worker is to make it."""
    if "://" not in url and not Path(url).exists():
        return 0
    store = await open_store(url)
    try:
        return await store.count()
    finally:
        await store.close()


# -- what it costs ---------------------------------------------------------------------------------------------


async def costs(url: str, times: int) -> list[str]:
    """Microseconds of wall clock, one after another: what a caller waits, threads and syncs included."""
    body = b'{"output": "' + b"x" * 2000 + b'"}'
    store = await open_store(url)
    ids = [f"resp_cost.{n}" for n in range(times)]
    put = await each(times, lambda n: store.put(Stored(ids[n], "", n, ids[n - 1] if n % LINK else None, body, body)))
    get = await each(times, lambda n: store.get(ids[n], ""))
    chain = await each(times // LINK, lambda n: store.chain(ids[(n + 1) * LINK - 1], ""))
    began = time.perf_counter()
    await asyncio.gather(*(store.put(Stored(f"resp_many.{n}", "", n, None, body, body)) for n in range(times)))
    many = times / (time.perf_counter() - began)
    delete = await each(times, lambda n: store.delete(ids[n], ""))
    await store.expire(times)
    await store.close()
    return [put, get, chain, delete, f"{many:,.0f}"]


async def each(times: int, run: Callable[[int], Awaitable[object]]) -> str:
    found = []
    for n in range(times):
        began = time.perf_counter()
        await run(n)
        found.append(time.perf_counter() - began)
    return f"{statistics.median(found) * 1e6:.0f} ({statistics.quantiles(found, n=10)[0] * 1e6:.0f}) µs"


def main() -> None:
    parser = common.parser(__doc__)
    parser.add_argument("--times", type=int, default=1000, metavar="N", help="kills in each row; default: 1000")
    parser.add_argument("--seed", type=int, default=0, help="for other moments")
    parser.add_argument("--directory", type=Path, metavar="PATH", help="where files are made, for their disk; default: the "
                        "one for temporary files")
    given = parser.parse_args()
    if not hasattr(signal, "SIGKILL"):
        raise SystemExit("there is no SIGKILL on this system")
    rows, prices, bad = [], [], 0

    def row(what: str, url: Callable[[int], str], times: int, workers: int, crash: Cluster | None = None) -> None:
        nonlocal bad
        with common.progress(-(-times // (1 if crash else workers)), what) as step:
            tally = kills(url, times, workers, given.seed, step, crash)
        bad += tally.bad
        rows.append([what, tally.kills, tally.opening, f"{tally.said:,}", tally.lost, tally.torn + abs(tally.strange),
                     tally.unsaid, len(tally.errors), tally.unsound if crash is None and "SQLite" in what else "–",
                     f"{statistics.median(tally.opened):.1f} ms"])

    with tempfile.TemporaryDirectory(dir=given.directory) as place:
        for workers, what in ((1, "SQLite, one worker"), (2, "SQLite, two workers")):
            row(what, lambda turn, w=workers: f"{place}/{w}-{turn // ROUNDS}.db", given.times, workers)      # type: ignore[misc]
        prices.append(["SQLite", *asyncio.run(costs(f"{place}/costs.db", max(given.times, 100)))])
    versions = [f"SQLite {sqlite3.sqlite_version}"]
    if programs := binaries():
        with cluster() as server:
            for workers, what in ((1, "PostgreSQL, one worker"), (2, "PostgreSQL, two workers")):
                row(what, lambda _: server.url, given.times, workers)
            row("PostgreSQL, the server itself", lambda _: server.url, -(-given.times // 20), 1, server)
            prices.append(["PostgreSQL", *asyncio.run(costs(server.url, max(given.times, 100)))])
        versions.append(subprocess.run([programs / "postgres", "-V"], capture_output=True, text=True).stdout.strip())
    else:
        print("no PostgreSQL here: its rows are left out", file=sys.stderr)
    common.publish("kills", f"The store, killed with SIGKILL {given.times:,} times a row", "\n\n".join([
        common.table(["killed", "kills", "before a first id", "ids said", "of these lost", "torn or strange",
                      "unsaid, whole", "errors", "unsound files", "opening again"], rows),
        common.table(["2 kB and 2 kB", "put", "get", f"chain of {LINK}", "delete", "puts a second, at once"], prices),
        f"{', '.join(versions)}.", NOTE]), ["sqlalchemy", "psycopg"], given.write)
    if bad:
        raise SystemExit("the store broke its word")


if __name__ == "__main__":
    main()
