"""`toolglot evaluate`: a suite in, a verdict out, and a journal that loses nothing between."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..engines import Chat, Engine
    from ..evaluate.record import Record
    from ..evaluate.whole import Evaluation, Plan, Progress, Ready

AT_ONCE = 100_000                   # questions in a batch of Ray's


def evaluate(args: argparse.Namespace) -> int:
    """Asks what is not in the journal yet, and tells what it comes to."""
    from ..evaluate.reports import kind_of, write
    from ..evaluate.whole import from_journal

    for path in args.report:
        kind_of(path)                                    # before anything is asked
    found = from_journal(args.read) if args.read else _found(args)
    if isinstance(found, int):
        return found
    if args.json:
        from .screen import dumps

        print(dumps(found.report))
    else:
        _show(found)
    for path in args.report:
        write(found.report, path)
        print(f"toolglot: {path} is written", file=sys.stderr)
    return 0 if found.report["complete"] else 1


def _found(args: argparse.Namespace) -> Evaluation | int:
    if args.suite.partition(":")[0] == "recorded":
        from ..evaluate.whole import recorded_evaluation

        return recorded_evaluation(args.suite.partition(":")[2], args.model, args.dialect, args.limit)
    from ..evaluate.pinned import Source, source_of
    from ..evaluate.whole import AT_A_TIME, prepared
    from . import open_engine

    plan = _plan(args)
    if args.engine == "ray":
        from ..evaluate.spread import open_ray

        engine: Engine | Chat = open_ray(args.model, context=args.context)
        plan = replace(plan, concurrency=args.concurrency or AT_ONCE)
        source = Source(weights=Path(args.model)) if Path(args.model or "").is_dir() else Source()
    else:
        engine, source = open_engine(args, args.concurrency or AT_A_TIME), source_of(args.engine or args.model)
    try:
        return _asked(args, prepared(engine, source, plan))
    finally:
        engine.close()


def _plan(args: argparse.Namespace) -> Plan:
    from ..evaluate.whole import Plan

    return Plan(suite=args.suite, limit=args.limit, seed=args.seed, dialects=args.dialect, idioms=args.idiom,
                constrain=args.constrain, choice=args.choice, parallel=args.parallel, max_tokens=args.max_tokens,
                temperature=args.temperature, thinking=args.thinking, concurrency=args.concurrency)


def _asked(args: argparse.Namespace, ready: Ready) -> Evaluation | int:
    """The run, with a bar where somebody looks. What ends it early is told together with the way to go on."""
    from ..engines import EngineError
    from ..evaluate.journal import Journal
    from ..evaluate.whole import Evaluation, carried_out
    from . import FAILED, INTERRUPTED, _fail

    path = Path(args.journal) if args.journal else _kept(ready.header, args.resume)
    for note in ready.notes:
        _fail(note, 0)
    suite, settings = ready.header["suite"], len(ready.header["settings"])
    part = "" if suite["items"] == suite["of"] else f" of {suite['of']} (--limit all asks all)"
    print(f"toolglot: asking {suite['items']} items{part} of suite {suite['name']} in {settings} "
          f"setting{'s' * (settings > 1)}; journal: {path}", file=sys.stderr)
    with Journal(path, ready.header, resume=args.resume) as journal:
        try:
            with _bar() as progress:
                return Evaluation(ready.header, asyncio.run(carried_out(ready, journal, progress)), ready.notes)
        except KeyboardInterrupt:
            return _fail(f"stopped; what was answered is in {path}: --resume goes on, --read {path} shows it", INTERRUPTED)
        except EngineError as error:
            return _fail(error, FAILED)


def _kept(header: Any, resume: bool) -> Path:
    """The journal's place where none is given: one for each run that is the same. An earlier one is put aside."""
    from ..engines.weights import cache_directory

    name = hashlib.sha256(json.dumps(header, sort_keys=True).encode()).hexdigest()[:16]
    path = cache_directory() / "evaluate" / f"{name}.jsonl"
    if path.exists() and not resume:
        os.replace(path, path.with_suffix(".before.jsonl"))
    return path


@contextmanager
def _bar() -> Iterator[Progress | None]:
    """How far it is, how fast, how long it will take and how much is right so far; on stderr, where that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[speed]}"),
               TimeRemainingColumn(compact=True))
    with Progress(*columns, console=Console(stderr=True), transient=True, speed_estimate_period=120) as bar:
        task = bar.add_task("asking", total=None, speed="")
        right = [0, 0]

        def report(done: int, asked: int, record: Record | None) -> None:
            if record is not None:
                right[0] += record.right
                right[1] += 1
            speed = bar.tasks[task].speed
            bar.update(task, completed=done, total=asked, speed=f"{speed:.1f}/s" if speed else "",
                       description=f"{100 * right[0] / right[1]:.0f} % right" if right[1] else "asking")

        yield report


# -- what is shown ---------------------------------------------------------------------------------------------


def _show(found: Evaluation) -> None:
    """The verdict, the advice, the rates and what went wrong."""
    from ..evaluate.report import headline, what_was_asked
    from ..evaluate.reports import rows
    from .screen import Screen

    screen, report = Screen(), found.report
    for name, words in what_was_asked(report):
        screen.write(f"{name:10}", "label")
        screen.write(f"{words}\n")
    screen.line()
    screen.write("verdict   ", "label")
    screen.write(f"{headline(report)}\n\n", "call")
    if report["verdict"] is None:
        return
    for one in report["verdict"]["advice"]:
        screen.write(f"{one['what']:12}", "label")
        screen.write(one["choose"], "call")
        screen.write(f"  {one['why']}\n")
    if alike := report["verdict"]["alike"]:
        screen.write(f"{'':12}not told apart from it on these items: {'; '.join(alike[:4])}"
                     f"{f' and {len(alike) - 4} more' if len(alike) > 4 else ''}\n", "label")
    table(screen, "rates, with their 95 % intervals", *rows.compared(report))
    table(screen, "by kind", *rows.by_kind(report))
    if len(report["settings"]) > len(rows.chief(report)):
        table(screen, "settings", *rows.ranking(report))
    if report["causes"]:
        table(screen, "what went wrong", *rows.causes(report))
    for cause, some in report["examples"].items():
        screen.write(f"{cause}: ", "problem")
        screen.write(f"{some[0]['item']} ({some[0]['setting']}): {some[0]['detail']}\n")


def table(screen: Any, title: str, head: Sequence[str], body: Sequence[Sequence[str]]) -> None:
    """In colour and fitted to the terminal; in columns where it is piped."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from .screen import visible

    table = Table(title=title, title_justify="left", title_style="dim", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in head:
        table.add_column(Text(visible(name)), overflow="fold")
    for line in body:
        table.add_row(*(Text(visible(one)) for one in line))
    screen.line()
    console = Console(file=screen.out, highlight=False, width=None if screen.terminal else 160)
    console.print()
    console.print(table)
    console.print()


__all__ = ["evaluate"]
