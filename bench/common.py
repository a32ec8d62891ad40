"""What the benchmarks share: the machine, tables, progress, timing. A table never says where on a disk it was made."""

from __future__ import annotations

import argparse
import datetime
import gc
import gzip
import json
import os
import platform
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

HERE = Path(__file__).resolve().parent
SHARED = HERE.parents[1] / "shared"         # published templates and recorded questions, beside the repository
RESULTS = HERE / "results"


def parser(doc: str | None) -> argparse.ArgumentParser:
    one = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    one.add_argument("--write", action="store_true", help="also write the table into bench/results")
    return one


def machine(libraries: Sequence[str] = ()) -> str:
    """One line: processor, cores, Python, date, and the libraries that took part."""
    cpu = platform.processor() or platform.machine()
    if (info := Path("/proc/cpuinfo")).is_file() and (named := re.search(r"model name\s*:\s*(.+)", info.read_text())):
        cpu = named[1]
    return ", ".join([cpu, f"{os.cpu_count()} cores", f"Python {platform.python_version()}",
                      *(f"{name} {_version(name)}" for name in ("toolglot", *libraries)),
                      datetime.date.today().isoformat()])


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:            # run from the source tree
        import toolglot

        return toolglot.__version__ if name == "toolglot" else "not installed"


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table; the first column is words, the others numbers."""
    lines = [list(head), ["---", *["--:"] * (len(head) - 1)], *([str(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def publish(name: str, title: str, body: str, libraries: Sequence[str], write: bool) -> None:
    """Prints the result, and keeps it in bench/results/<name>.md if asked to."""
    text = f"# {title}\n\n{body}\n\n{machine(libraries)}. `python bench/{name}.py` makes this table.\n"
    print(text)
    if write:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{name}.md").write_text(text, encoding="utf-8")


@contextmanager
def progress(total: int, what: str) -> Iterator[Callable[[str], None]]:
    """A bar on stderr, and what moves it on: a function of the words beside it. Silent where stderr is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(what, total=total)
        yield lambda words: bar.update(task, advance=1, description=words or what)


def pin() -> None:
    """Keeps this process on one core, so that it does not wander between caches."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def best(*runs: Callable[[], object], times: int) -> list[float]:
    """Seconds of the fastest of so many runs of each, taken in turn (A B A B): the least disturbed ones.

    Processor time of this thread: what else the machine does does not count. The collector of garbage stays on.
    """
    found = [float("inf")] * len(runs)
    gc.collect()
    for _ in range(times):
        for i, run in enumerate(runs):
            began = time.thread_time()
            run()
            found[i] = min(found[i], time.thread_time() - began)
    return found


def recorded(name: str) -> list[dict[str, Any]]:
    """The lines of a file of recorded questions or outputs of the Berkeley leaderboard."""
    path = SHARED / "recorded" / f"{name}.jsonl.gz"
    if not path.is_file():
        raise SystemExit(f"{path.name} is not here: shared/recorded should lie beside the repository")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def questions(category: str | None = None) -> list[dict[str, Any]]:
    """The recorded questions with their functions and accepted answers."""
    return [item for item in recorded("items") if category in (None, item["category"])]


def tools(count: int) -> list[dict[str, Any]]:
    """So many tools in OpenAI's shape, as people write them: three parameters with descriptions, one an enumeration."""
    kinds = ("weather", "forecast", "flights", "hotels", "rates", "events", "stocks", "routes", "people", "orders")
    return [{"type": "function", "function": {
        "name": f"get_{kinds[i % len(kinds)]}_{i}",
        "description": f"Get the {kinds[i % len(kinds)]} of a city for the next few days.",
        "parameters": {"type": "object", "properties": {
            "city": {"type": "string", "description": "The name of the city, and of its country if that is unclear."},
            "days": {"type": "integer", "description": "How many days ahead."},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "description": "The unit of temperatures."},
            "hourly": {"type": "boolean", "description": "Whether to give each hour."}},
            "required": ["city", "days"]}}} for i in range(count)]
