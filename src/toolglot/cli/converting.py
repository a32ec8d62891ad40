"""`toolglot convert`: data sets in, records to train on out, and a table of what could not be read."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..message import ToolglotError

if TYPE_CHECKING:
    from ..data.tally import Tally
    from ..data.wanted import Wanted
    from ..data.whole import Converted, Progress


def convert(args: argparse.Namespace) -> int:
    """The conversion, with a bar where somebody looks."""
    if args.look:
        return _look(args)
    from ..data.whole import convert as converted
    from . import FAILED, INTERRUPTED, _fail

    if not args.out:
        raise ToolglotError("convert: expected --out FILE (or --look N, which writes nothing)")
    wanted = _wanted(args)
    try:
        with _bar() as progress:
            found = converted(
                args.inputs, args.out, rejects=args.rejects, jobs=args.jobs or os.cpu_count() or 1, resume=args.resume,
                force=args.force, engine=args.engine, progress=progress, note=_note,
                shape=args.shape, check_calls=_checks(args, "calls"), against=args.against, dedup=args.dedup,
                keep_garbled=args.keep_garbled, text=args.text, strict=args.strict, limit=args.limit,
                max_row=args.max_row, size=args.shard,
                **vars(wanted))
    except KeyboardInterrupt:
        return _fail(f"stopped; what is finished is in {args.out}.parts: --resume goes on with it", INTERRUPTED)
    _show(found, args)
    return 0 if found.tally.rows else FAILED


def _checks(args: argparse.Namespace, what: str) -> bool:
    """--check alone is every check that there is for what is written."""
    return args.check is not None and (what in args.check or (not args.check and (what == "calls" or args.to != "chat")))


def _wanted(args: argparse.Namespace) -> Wanted:
    from ..data.wanted import Wanted
    from . import inputs

    said: dict[str, Any] = {name: getattr(args, name) for name in (
        "to", "dialect", "prompts", "idiom", "train", "reasoning", "thinking", "lossy", "preference", "arguments",
        "parallel", "tokenizer", "max_tokens", "end", "pack")}
    if args.today:
        said["today"] = args.today
    template = inputs.read(args.template) if args.template else None
    return Wanted(**said, template=template, check_mask=_checks(args, "mask"))


@contextmanager
def _bar() -> Iterator[Progress | None]:
    """Rows and bytes, how fast, how long it will take and what was rejected; on stderr, where that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TextColumn("{task.fields[speed]}"),
               TimeRemainingColumn(compact=True))
    with Progress(*columns, console=Console(stderr=True), transient=True, speed_estimate_period=60) as bar:
        task = bar.add_task("reading", total=None, speed="")
        began: list[float] = []

        def report(tally: Tally, read: int, every: int) -> None:
            clock = bar.get_time()
            rows = tally.rows + tally.rejects
            if not began:
                began.extend((clock, rows))              # what a resumed run had is not its speed
            speed = (rows - began[1]) / (clock - began[0]) if clock > began[0] else 0
            rejected = f", {tally.rejects:,} rejected" if tally.rejects else ""
            bar.update(task, completed=read, total=every or None, speed=f"{speed:,.0f} rows/s" if speed else "",
                       description=f"{rows:,} rows{rejected}")

        yield report


# -- what is shown ---------------------------------------------------------------------------------------------


def _show(found: Converted, args: argparse.Namespace) -> None:
    """The summary: on stdout, or on stderr where the records go there."""
    from ..data.tally import plain, where
    from .evaluating import table
    from .screen import Screen, dumps

    out = sys.stderr if args.out == "-" else sys.stdout
    tally = found.tally
    if args.json:
        print(dumps({"out": found.out, "rejects_file": found.rejects, **plain(tally)}), file=out)
        return
    screen = Screen(out)
    read = tally.rows + tally.rejects
    shapes = ", ".join(f"{count:,} {name}" for name, count in sorted(tally.shapes.items(), key=lambda one: -one[1]))
    lines = [("read", f"{read:,} rows{f': {shapes}' if shapes else ''}"),
             ("written", f"{tally.records:,} records of {tally.rows:,} rows: {found.out}")]
    if tally.rejects:
        lines.append(("rejected", f"{tally.rejects:,} rows: {found.rejects}"))
    for name, words in lines:
        screen.write(f"{name:10}", "label")
        screen.write(f"{words}\n")
    if tally.rejects:
        body = [(f"{one.count:,}", reason, where(one.first), one.detail)
                for reason, one in sorted(tally.rejected.items(), key=lambda one: -one[1].count)]
        table(screen, "what could not be read", ("rows", "reason", "the first", "what came"), body)


def _look(args: argparse.Namespace) -> int:
    """The first rows, as they become."""
    from itertools import islice

    from ..data.look import show
    from ..data.rendered import rendered
    from ..data.whole import rows
    from . import FAILED, _fail
    from .screen import Screen

    wanted, screen = _wanted(args), Screen()
    model = wanted.model()
    if model is None:
        raise ToolglotError("--look needs --dialect: it shows a row as a model sees it")
    found = rows(args.inputs, args.shape, _told, max_row=args.max_row,
                 keep_garbled=args.keep_garbled, text=args.text)
    number = 0
    for number, row in enumerate(islice(found, args.look), 1):
        screen.write(f"row {number}\n", "label")
        try:
            show(rendered(row, model, wanted.policy, today=wanted.today, lossy=wanted.lossy), screen.write)
        except ToolglotError as error:
            screen.write(f"{error}\n", "problem")
        screen.line()
    return 0 if number else _fail("not one row could be read", FAILED)


def _note(words: str) -> None:
    from . import _fail

    _fail(words, 0)


def _told(place: Any, error: ToolglotError) -> None:
    from ..data.tally import where
    from . import _fail

    _fail(f"{where(place)}: {error}", 0)


__all__ = ["convert"]
