"""The whole of a conversion: files in, a file out, with a journal between that a kill costs no finished shard.

The one rule: what can be known to fail is refused before the first row, and nothing is under the name of the output until
all of it is.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal

from .. import __version__
from ..evaluate.journal import Journal, JournalError, Kind
from ..message import ToolglotError
from .contamination import of_suite
from .conversion import AUTO, Converter, Job, Origin, place_of, read, stopped
from .doubles import doubles_of, read_doubles
from .files import STDIN, Input, Output, Text, found, output
from .raw import LIMIT, raw_rows
from .row import Row, RowError
from .shards import SIZE, Doer, Done, Shard, Stage, Work, cut, done_of, guessed, inline, part, pooled
from .sinks import join, join_rejects
from .tally import Place, Tally
from .wanted import Wanted
from .writer import Writer

CONVERSION = Kind("toolglot convert", 1, done_of)
Progress = Callable[[Tally, int, int], None]             # what was counted, bytes done, and bytes in all (0: nobody knows)
Note = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What is done with the rows: all but where they come from and go to.

    `shape` is a shape's name, auto, or rendered:DIALECT. `check_calls`: each is valid under its tool's schema. `against`:
    a suite whose questions may not be there: tier, bfcl, bfcl:FOLDER or a file. `dedup` leaves out rows that were there
    before. `text`: whether each line of plain text is a row, or each file of it. `max_row`: bytes of a row; `size`: bytes
    of input in a shard, and with `pack` no pack is of two shards. `limit`: rows that are read.
    """

    wanted: Wanted = field(default_factory=Wanted)
    shape: str = AUTO
    check_calls: bool = False
    against: str | None = None
    dedup: bool = False
    keep_garbled: bool = False
    text: Text = "line"
    strict: bool = False
    limit: int | None = None
    max_row: int = LIMIT
    size: int = SIZE


@dataclass(frozen=True)
class Converted:
    """What came of it. `rejects` is the file of rejects, None where there are none; `tally` counts."""

    out: str
    rejects: str | None
    tally: Tally


def convert(inputs: Any, out: str | os.PathLike[str], *, to: Literal["chat", "text", "tokens"] = "chat",
            dialect: str | None = None, rejects: str | os.PathLike[str] | None = None, jobs: int = 1,
            resume: bool = False, force: bool = False, engine: str | None = None,
            writer: Callable[[], Writer] | None = None, progress: Progress | None = None,
            note: Note = lambda words: None, **options: Any) -> Converted:
    """Conversations in any known shape -> records to train on, in order, in constant memory.

    `inputs` is one or several files, directories, globs, or "-"; `out` a name that ends in .jsonl (.gz, .zst, .xz, .bz2) or
    .parquet. `to` is chat, text or tokens, in `dialect`. Rows that cannot be read go to `rejects`, by default a file beside
    `out`. The rest are the fields of `Plan` and of `Wanted`. With `jobs` processes, each imports the caller's module: its
    own work belongs under `if __name__ == "__main__"`. `engine="ray"` has a Ray cluster do it. `writer` makes a writer
    of your own instead. With `resume` a conversion that was stopped goes on; with `force` it begins anew, and what is there
    is written over.

    Raises ToolglotError for what makes no sense, and under `strict` for the first row that cannot be read.
    """
    inner = {name: options.pop(name) for name in list(options) if name in Wanted.__dataclass_fields__}
    plan = Plan(wanted=Wanted(to=to, dialect=dialect, **inner), **options)
    paths = [inputs] if isinstance(inputs, (str, os.PathLike)) else list(inputs)
    place = placed(paths, out, rejects, plan, resume, force)
    if plan.wanted.preference is None:
        plan = replace(plan, wanted=replace(plan.wanted, preference=_prefers(place.files, plan)))
    job = job_of(plan, writer)
    converter = Converter(job)                           # what cannot be made is known before anything is read
    if engine not in (None, "ray"):
        raise ToolglotError(f"engine: expected ray or none, got {engine!r}")
    if engine == "ray":
        from .spread import by_ray

        do = by_ray(jobs)
    else:
        do = inline(converter) if jobs == 1 else pooled(jobs)
    with _told_of_the_disk():
        return _converted(place, plan, job, do, resume, progress, note)


@contextmanager
def _told_of_the_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise ToolglotError(f"{error.filename or 'a file'}: {error.strerror or error}; what is finished is kept: --resume "
                            "goes on with it") from error


# -- what is settled before ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Places:
    """The files that are read and written. `folder` holds the parts until they are joined."""

    files: Sequence[Input]
    out: Output
    rejects: Output
    folder: Path | None


def placed(paths: Sequence[Any], out: str | os.PathLike[str], rejects: str | os.PathLike[str] | None, plan: Plan,
           resume: bool, force: bool) -> Places:
    """Refuses what would read what it writes, or write over what is there."""
    to = output(out)
    folder = None if to.path == STDIN else Path(f"{to.path}.parts")
    bad = output(rejects if rejects is not None else "rejects.jsonl" if to.path == STDIN else f"{to.path}.rejects.jsonl")
    if bad.parquet or bad.path == STDIN:
        raise ToolglotError(f"rejects: expected a file of JSON lines, a name that ends in .jsonl, got {bad.path}")
    files = found(paths, [folder] if folder else [], plan.text)
    stdin = any(one.path == STDIN for one in files)
    for given in files:
        for other in (to, bad):
            if _same(given.path, other.path):
                raise ToolglotError(f"{given.path} is to be read and written at once: give the output another name")
    if resume and (stdin or folder is None):
        raise ToolglotError("--resume needs files: nobody can read stdin, or write stdout, a second time")
    if stdin and plan.dedup:
        raise ToolglotError("--dedup reads its input twice, and stdin can be read once: write it to a file first")
    going_on = resume and folder is not None and folder.is_dir()
    for one in (to, bad):
        if one.path != STDIN and os.path.exists(one.path) and not force and not going_on:
            raise ToolglotError(f"{one.path} is there already: give another name, or --force to write over it")
        if one.path != STDIN and not Path(one.path).absolute().parent.is_dir():
            raise ToolglotError(f"{one.path}: there is no directory {Path(one.path).parent}; make it first")
    if force and not resume and folder is not None and folder.is_dir():
        shutil.rmtree(folder)
    return Places(files, to, bad, folder)


def _same(path: str, other: str) -> bool:
    if STDIN in (path, other) or not os.path.exists(other):
        return False
    return os.path.samefile(path, other)


def job_of(plan: Plan, writer: Callable[[], Writer] | None = None) -> Job:
    """Raises ToolglotError for a shape, a dialect or a check that there is none of."""
    from . import shapes

    if plan.shape != AUTO:
        shapes.find(plan.shape)
    return Job(writer or plan.wanted.writer, shape=plan.shape, check_calls=plan.check_calls,
               against=of_suite(plan.against) if plan.against else None,
               keep_garbled=plan.keep_garbled, max_row=plan.max_row, strict=plan.strict)


def pinned(places: Places, plan: Plan, writer: Any = None) -> dict[str, Any]:
    """All that the bytes of the output follow from."""
    said = {name: getattr(plan, name) for name in Plan.__dataclass_fields__ if name != "wanted"}
    files = {one.path: {"size": one.size, "changed": 0 if one.path == STDIN else os.stat(one.path).st_mtime_ns}
             for one in places.files}
    return {"version": __version__, "inputs": files, "output": os.path.splitext(places.out.path)[1],
            **said, **plan.wanted.words()}


# -- the run ---------------------------------------------------------------------------------------------------


def _converted(places: Places, plan: Plan, job: Job, do: Doer, resume: bool, progress: Progress | None,
               note: Note) -> Converted:
    if places.folder is None:
        with tempfile.TemporaryDirectory() as folder:
            return _journaled(places, plan, job, do, Path(folder), False, progress, note)
    found = _journaled(places, plan, job, do, places.folder, resume, progress, note)
    shutil.rmtree(places.folder)
    return found


def _journaled(places: Places, plan: Plan, job: Job, do: Doer, folder: Path, resume: bool, progress: Progress | None,
               note: Note) -> Converted:
    with Journal(folder / "journal.jsonl", pinned(places, plan), resume=resume, kind=CONVERSION) as journal:
        for torn in folder.glob(".*"):
            torn.unlink()                                # what a kill left half written
        run = Run(places, plan, job, do, folder, journal, progress, note)
        doubles = doubles_of(folder, run.carried_out("keys")) if plan.dedup else {}
        finished = run.carried_out("rows", doubles)
        tally, rejects = Tally(), list[tuple[Path, int]]()
        for one, lines in _in_place(finished):
            tally.add(one.tally.moved(lines))
            rejects.append((part(folder, one.number, ".rejects"), lines))
        rejects = [one for one in rejects if one[0].exists()]
        if rejects:
            join_rejects(rejects, Path(places.rejects.path), places.rejects.packing)
        else:
            Path(places.rejects.path).unlink(missing_ok=True)
        outs = (part(folder, one.number, ".out") for one in finished)
        join([one for one in outs if one.exists()], places.out)
    return Converted(places.out.path, places.rejects.path if rejects else None, tally)


def _in_place(finished: Iterable[Done]) -> Iterator[tuple[Done, int]]:
    """Each, with how many lines of its file stand before what it counted from."""
    file, lines = None, 0
    for one in finished:
        if one.file != file:
            file, lines = one.file, 0
        yield one, 0 if one.counted else lines
        lines += one.tally.lines


@dataclass
class Run:
    """One conversion on its way."""

    places: Places
    plan: Plan
    job: Job
    do: Doer
    folder: Path
    journal: Journal
    progress: Progress | None
    note: Note

    def carried_out(self, stage: Stage, doubles: Mapping[int, Path] | None = None) -> list[Done]:
        """Every shard of a stage, in order: those that the journal has, and the others done."""
        done = {one.number: one for one in self.journal.records if one.stage == stage}
        work = Work(self.job, stage, self.places.out, self.folder)
        counted, read, every = Tally(), 0, sum(one.size for one in self.places.files)
        waiting: dict[int, Done] = {}

        def coming() -> Iterator[Shard]:
            nonlocal read
            note = self.note if stage == "rows" else lambda words: None
            for shard in cut(self.places.files, self.job, self.plan.size, self.plan.limit, note):
                if shard.number in done:
                    read += shard.size
                    counted.add(done[shard.number].tally)
                else:
                    yield replace(shard, doubles=read_doubles((doubles or {}).get(shard.number)))

        for shard, tally in self.do(work, coming()):
            one = Done(stage, shard.number, shard.given.path, shard.before is not None, tally)
            if self.job.strict and tally.rejected:
                waiting[one.number] = one
                done[one.number] = one
                _stop_at_the_first(done, waiting)
            else:
                self.journal.write(one)
                done[one.number] = one
                _stop_at_the_first(done, waiting)
            read += shard.size
            counted.add(tally)
            if self.progress:
                self.progress(counted, min(read, every), every)
        return [done[number] for number in sorted(done)]


def _stop_at_the_first(done: Mapping[int, Done], bad: Mapping[int, Done]) -> None:
    """Under --strict: raises for the first reject, as soon as all before it is done."""
    if bad and all(number in done for number in range(min(bad))):
        first = min(bad)
        for one, lines in _in_place(done[number] for number in range(first + 1)):
            if one.number == first:
                raise stopped(one.tally.moved(lines))


def _prefers(files: Sequence[Input], plan: Plan) -> bool:
    """Whether the first row that can be read has a rejected reply. Of stdin nobody can know beforehand."""
    if any(one.path == STDIN for one in files):
        return False
    first = next(rows([one.path for one in files], plan.shape, lambda place, error: None, max_row=plan.max_row,
                      keep_garbled=True, text=plan.text), None)
    return first is not None and first.rejected is not None


# -- rows alone ------------------------------------------------------------------------------------------------


def rows(inputs: Any, shape: str = AUTO, rejected: Callable[[Place, RowError], None] | None = None, *,
         max_row: int = LIMIT, keep_garbled: bool = False, text: Text = "line") -> Iterator[Row]:
    """The rows of files, in canonical form. One that cannot be read is told to `rejected`, or else raised."""
    job = Job(_no_writer, shape, max_row=max_row, keep_garbled=keep_garbled)
    for given in found([inputs] if isinstance(inputs, (str, os.PathLike)) else list(inputs), text=text):
        raw = raw_rows(given, max_row)
        head = list(islice(raw, 20))
        origin = Origin(given.path, given.form, guessed(head, given, job)[0] if shape == AUTO else None)
        for one in chain(head, raw):
            if isinstance(one.row, bytes) and not one.row.strip():
                continue
            try:
                yield read(one, origin, job)[1]
            except RowError as error:
                if rejected is None:
                    raise
                rejected(place_of(one, origin), error)


def _no_writer() -> Writer:
    raise AssertionError("rows are read, and nothing is written")


__all__ = ["CONVERSION", "Converted", "JournalError", "Plan", "Progress", "convert", "job_of", "pinned", "placed", "rows"]
