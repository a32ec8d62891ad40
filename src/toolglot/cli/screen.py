"""What the command line prints: coloured where it is looked at, plain where it is piped.

The one rule: what comes from a model, a file or a function never reaches the terminal as a control character, and what
is piped holds no colour, no spinner and no progress bar.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

from ..ask import Ran, Refused, Replied, Step, Written
from ..engines import Rules
from ..message import Call, CallArgs, CallEnd, CallStart, Event, Problem, Reasoning, Reply, Text
from ..prompt import Prompt
from ..shown import event_json, reply_json

STYLES = {"markup": "magenta", "tools": "cyan", "content": "", "call": "bold green", "result": "yellow",
          "reasoning": "dim italic", "problem": "bold red", "label": "dim"}
LEGEND = ("markup", "tools", "content", "call", "result", "reasoning")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def visible(text: str) -> str:
    """Control characters as pictures of themselves: a model must not steer the terminal."""
    return _CONTROL.sub(lambda m: chr(0x2400 + ord(m[0])) if ord(m[0]) < 0x20 else "\ufffd", text)


def signature(call: Call) -> str:
    """get_weather(city='Paris')"""
    return visible(f"{call.name}({', '.join(f'{key}={value!r}' for key, value in call.arguments.items())})")


class Screen:
    """Where the output goes. `terminal`: someone looks at it, so it has colours."""

    def __init__(self, out: IO[str] | None = None) -> None:
        self.out = out or sys.stdout
        self.terminal = self.out.isatty()
        self._console: Any = None
        if self.terminal:
            from rich.console import Console

            self._console = Console(file=self.out, highlight=False, soft_wrap=True)
        self._at_start, self._kind = True, ""

    def write(self, text: str, kind: str = "") -> None:
        """Some text, without a line break of its own."""
        if not text:
            return
        text = visible(text)
        self._at_start = text.endswith("\n")
        if self._console:
            self._console.print(text, style=STYLES.get(kind) or None, end="", markup=False, emoji=False)
        else:
            self.out.write(text)
        self.out.flush()

    def rows(self, rows: Sequence[tuple[str, str, str]], narrow: int = 0) -> None:
        """Names and words in two columns; words that are too long go on below themselves. `narrow`: how wide names are."""
        width = narrow or max((len(name) for name, _, _ in rows), default=0)
        if not self._console:
            for name, words, _ in rows:
                self.write(f"{name:{width}}  {words}".rstrip() + "\n")
            return
        from rich.table import Table
        from rich.text import Text

        beside = self._console.width >= width + 24       # else each name stands above its words
        table = Table.grid(padding=(0, 2, 0, 0))
        if beside:
            table.add_column(min_width=width, no_wrap=True)
        table.add_column(overflow="fold")
        for name, words, kind in rows:
            cells = Text(visible(name), style=STYLES["label"]), Text(visible(words), style=STYLES.get(kind, ""))
            if beside:
                table.add_row(*cells)
            else:
                table.add_row(cells[0])
                table.add_row(cells[1])
        self._console.print(table, soft_wrap=False)
        self._at_start = True

    def span(self, text: str, kind: str) -> None:
        """A stretch of a prompt or a reply: in colour, or between brackets that say what it is."""
        if self._console:
            self.write(text, kind)
        elif text:
            if kind != self._kind:
                self.close_span()
                self.write(f"[{kind}]")
                self._kind = kind
            self.write(text)

    def close_span(self) -> None:
        if self._kind:
            self.write(f"[/{self._kind}]")
            self._kind = ""

    def line(self) -> None:
        """Begins a line, unless one has just begun."""
        if not self._at_start:
            self.write("\n")

    def prompt(self, prompt: Prompt) -> None:
        for piece in prompt.pieces:
            self.span(piece.text, piece.kind)
        self.close_span()

    def legend(self) -> None:
        if self._console:
            self.write("colours: ", "label")
            for kind in LEGEND:
                self.write(kind, kind)
                self.write(" ")
            self.write("\n\n")


class Story:
    """Tells the steps of `ask` as they happen, for people to read."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self._said: type[Event] | None = None    # what the line at hand holds

    def tell(self, step: Step) -> None:
        screen = self.screen
        match step:
            case Written(events=events):
                for event in events:
                    self._event(event)
            case Replied():
                screen.line()
                self._said = None
            case Ran(_, result, _, failed):
                screen.write("failed  " if failed else "result  ", "label")
                screen.write(result.rstrip("\n") + "\n", "problem" if failed else "result")
            case Refused(_, reasons):
                screen.write("refused ", "label")
                screen.write("; ".join(reasons) + "\n", "problem")

    def _event(self, event: Event) -> None:
        screen = self.screen
        if type(event) is not self._said and not isinstance(event, (CallArgs, CallEnd, Problem)):
            screen.line()
            self._said = type(event)
        match event:
            case Text(text):
                screen.write(text, "content")
            case Reasoning(text):
                screen.write(text, "reasoning")
            case CallStart(_, name):
                screen.line()
                screen.write("call    ", "label")
                screen.write(f"{name} ", "call")
            case CallArgs(_, delta):
                screen.write(delta, "call")
            case CallEnd():
                screen.line()
                self._said = None


# -- for machines ----------------------------------------------------------------------------------------------


def step_json(step: Step) -> dict[str, Any]:
    """A step as plain data."""
    out: dict[str, Any] = {"step": type(step).__name__.lower()}
    for name in type(step).__dataclass_fields__:
        value = getattr(step, name)
        match value:
            case Reply():
                out[name] = reply_json(value)
            case Call():
                out[name] = {"name": value.name, "arguments": value.arguments, "id": value.id}
            case Prompt():
                out[name] = str(value)
            case Rules():
                out[name] = value.text
            case tuple() if name == "events":
                out[name] = [event_json(event) for event in value]
            case _:
                out[name] = vars(value) if hasattr(value, "__dict__") else value
    return out


def dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


# -- while one waits -------------------------------------------------------------------------------------------


@contextmanager
def waiting(words: str) -> Iterator[None]:
    """A spinner on stderr, where that is a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(words):
        yield


@contextmanager
def fetching() -> Iterator[Callable[[int, int, str], None] | None]:
    """What shows the progress of `find_model`: a bar on stderr, where that is a terminal, else nothing."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, Any] = {}

        def report(done: int, total: int, label: str) -> None:
            if label not in tasks:
                tasks[label] = bar.add_task(label, total=total)
            bar.update(tasks[label], completed=done, total=total)

        yield report

