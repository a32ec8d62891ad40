"""The input in shards, each read, converted and written by itself, in as many processes as are wanted.

The one rule: how the input is cut depends on the input alone, never on who does the work or how fast; so the parts, joined
in order, are the same bytes whether one process made them or ten, in one run or after three kills.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ..message import ToolglotError
from .conversion import AUTO, Converter, Job, Origin, value_of
from .files import Damaged, Input, Output
from .raw import Lost, Raw, raw_rows, row_groups
from .row import RowError
from .sinks import Lines, Table, whole
from .tally import Tally, tally_of

SIZE = 4 << 20                       # bytes of input in a shard
SAMPLE = 20                          # rows that tell the shape of a file
NO_DIGEST = bytes(16)
Stage = Literal["keys", "rows"]
ENDING = {"keys": ".keys", "rows": ".out"}


@dataclass(frozen=True)
class Shard:
    """A part of a file: from `begin` to `end` (bytes, or row groups), or `rows`, where only who reads all before can find
    them. `before`: how many rows of the file there are before it, None where nobody has counted yet. `size`: bytes of the
    file that are done with it. `doubles`: see `Converter.convert`."""

    number: int
    given: Input
    begin: int = 0
    end: int | None = None
    rows: tuple[Raw, ...] | None = None
    guess: str | None = None
    before: int | None = 0
    size: int = 0
    doubles: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Done:
    """A shard that is finished, for the journal. `counted`: whether its places are those of the file already."""

    stage: Stage
    number: int
    file: str
    counted: bool
    tally: Tally


def done_of(line: Mapping[str, Any]) -> Done:
    return Done(**{**line, "tally": tally_of(line["tally"])})


# -- cutting ---------------------------------------------------------------------------------------------------


def cut(files: Sequence[Input], job: Job, size: int = SIZE, limit: int | None = None,
        note: Callable[[str], None] = lambda words: None) -> Iterator[Shard]:
    """The shards of all files, in order; `limit` rows of them. `note` is told what shape a file has and why."""
    number, left = 0, limit
    told: set[str] = set()
    for given in files:
        rows: Iterator[Raw] = raw_rows(given, job.max_row)
        head = list(islice(filter(_there, rows), SAMPLE))
        guess, why = guessed(head, given, job) if job.shape == AUTO else (None, "")
        if why and guess not in told:
            told.add(guess or "")
            note(f"{given.path}: {why}")
        if not head:
            nothing = Raw(1, 0, Lost("the file is empty", ""), 0)
            whole_file: Iterable[Shard] = [Shard(0, given, rows=(nothing,), size=given.size)]
        elif given.ranges and limit is None:
            whole_file = _ranges(given, size)
        elif given.form == "parquet" and limit is None and not isinstance(head[0].row, Lost):
            whole_file = _groups(given, size)
        else:
            whole_file = _read(given, chain(head, rows), size, left)
        for one in whole_file:
            yield Shard(number, given, one.begin, one.end, one.rows, guess, one.before, one.size)
            number += 1
            if left is not None:
                left -= sum(map(_there, one.rows or ()))
        if left is not None and left <= 0:
            return


def _there(raw: Raw) -> bool:
    return not isinstance(raw.row, bytes) or (bool(raw.row) and not raw.row.isspace())


def guessed(head: Iterable[Raw], given: Input, job: Job) -> tuple[str | None, str]:
    """The shape of most of the first rows, and why."""
    from . import shapes

    counts: dict[str, int] = {}
    evidence: dict[str, str] = {}
    total = 0
    for raw in head:
        total += 1
        try:
            found = shapes.detected(value_of(raw, given.form, True))
        except RowError:
            continue
        if found:
            name = found[0].name
            counts[name] = counts.get(name, 0) + 1
            evidence.setdefault(name, found[1])
    if not counts:
        return None, "no known shape in its first rows; each is looked at by itself" if total else ""
    name = max(counts, key=lambda one: counts[one])
    part = "" if counts[name] == total else f" (in {counts[name]} of its first {total} rows)"
    return name, f"{name}, for {evidence[name]}{part}"


def _ranges(given: Input, size: int) -> Iterator[Shard]:
    for begin in range(0, given.size, size):
        end = min(begin + size, given.size)
        yield Shard(0, given, begin, end, before=None, size=end - begin)


def _groups(given: Input, size: int) -> Iterator[Shard]:
    begin = before = rows = weight = 0
    try:
        groups = row_groups(given)
    except Damaged:                                      # its rows say so
        groups = []
    share = given.size / max(1, sum(rows for rows, _ in groups))
    for number, (count, volume) in enumerate(groups, 1):
        rows, weight = rows + count, weight + volume
        if weight >= size or number == len(groups):
            yield Shard(0, given, begin, number, before=before, size=int(rows * share))
            begin, before, rows, weight = number, before + rows, 0, 0


def _read(given: Input, rows: Iterator[Raw], size: int, left: int | None) -> Iterator[Shard]:
    """Shards of what is read here."""
    held: list[Raw] = []
    weight = read = 0
    for raw in rows:
        if _there(raw):
            held.append(raw)
            weight += len(raw.row) if isinstance(raw.row, bytes) else 1000
        if weight >= size or (left is not None and len(held) >= left):
            yield Shard(0, given, rows=tuple(held), size=raw.read - read)
            left, read = None if left is None else left - len(held), raw.read
            held, weight = [], 0
            if left is not None and left <= 0:
                return
    if held:
        yield Shard(0, given, rows=tuple(held), size=max(0, given.size - read))


# -- the work --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Work:
    """What is done to shards, and where their parts go."""

    job: Job
    stage: Stage
    output: Output
    folder: Path


class Made(NamedTuple):
    """What comes of a shard: bytes of its part and of its rejects."""

    tally: Tally
    part: bytes
    rejects: bytes


def made(converter: Converter, work: Work, shard: Shard) -> Made:
    """One shard, done. Under --strict it ends at the first reject."""
    origin = Origin(shard.given.path, shard.given.form, shard.guess, shard.before or 0)
    rows = shard.rows if shard.rows is not None else raw_rows(shard.given, work.job.max_row, shard.begin, shard.end)
    if work.stage == "keys":
        keys = b"".join(one or NO_DIGEST for one in converter.digests(rows, origin))
        return Made(Tally(rows=len(keys) // 16), keys, b"")
    out = Table() if work.output.parquet else Lines(work.output.packing)
    rejects = Lines()
    tally = converter.convert(rows, origin, out, rejects, shard.doubles)
    return Made(tally, out.close(), rejects.close())


def part(folder: Path, number: int, ending: str) -> Path:
    return folder / f"{number:08}{ending}"


def keep(work: Work, number: int, found: Made) -> Tally:
    """The part on the disk, under its name; under --strict nothing of one with a reject."""
    if not (work.job.strict and found.tally.rejected):
        for data, ending in ((found.part, ENDING[work.stage]), (found.rejects, ".rejects")):
            if data:
                with whole(part(work.folder, number, ending)) as file:
                    file.write(data)
    return found.tally


Doer = Callable[[Work, Iterable[Shard]], Iterator[tuple[Shard, Tally]]]


def inline(converter: Converter) -> Doer:
    """In this process, one after another."""
    def do(work: Work, shards: Iterable[Shard]) -> Iterator[tuple[Shard, Tally]]:
        for shard in shards:
            yield shard, keep(work, shard.number, made(converter, work, shard))

    return do


def pooled(jobs: int) -> Doer:
    """In so many processes. What was begun is finished when it is told to stop."""
    def do(work: Work, shards: Iterable[Shard]) -> Iterator[tuple[Shard, Tally]]:
        coming = iter(shards)
        pool = ProcessPoolExecutor(jobs, get_context("spawn"), _begin, (work,))
        waiting: dict[Future[Tally], Shard] = {}
        try:
            while True:
                for shard in islice(coming, 2 * jobs - len(waiting)):
                    waiting[pool.submit(_do, shard)] = replace(shard, rows=None)      # they are not held here as well
                if not waiting:
                    return
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    yield waiting.pop(future), future.result()
        except BrokenProcessPool:
            raise ToolglotError("a process was killed while it worked (out of memory?): what is finished is kept; go on "
                                "with --resume, and perhaps with fewer --jobs") from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    return do


_here: list[tuple[Converter, Work]] = []                 # in a process of the pool: what it was begun with


def _begin(work: Work) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)         # Ctrl-C is the parent's; a shard that was begun is finished
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _here.append((Converter(work.job), work))


def _die_with_parent() -> None:
    """A parent that was killed cannot say so, and its processes would wait for work for ever."""
    if parent := parent_process():
        connection.wait([parent.sentinel])
        os._exit(1)


def _do(shard: Shard) -> Tally:
    converter, work = _here[0]
    return keep(work, shard.number, made(converter, work, shard))


__all__ = ["ENDING", "SIZE", "Doer", "Done", "Made", "Shard", "Stage", "Work", "cut", "done_of", "inline", "keep", "made",
           "part", "pooled"]
