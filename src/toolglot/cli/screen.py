"""What the command line prints: coloured where it is looked at, plain where it is piped.

The one rule: what comes from a model, a file or a function never reaches the terminal as a control character, and what
is piped holds no colour, no spinner and no progress bar.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from ..ask import Ran, Refused, Replied, Step, Written
from ..engines import Rules
from ..message import Call, CallArgs, CallEnd, CallStart, Event, Problem, Reasoning, Reply, Text
from ..parse import Feeds
from ..prompt import Prompt

Span = tuple[str, str]                           # a stretch of text, and what it is
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


class Spans:
    """Cuts a reply into what its stretches are, as it comes: the parser is fed one character at a time."""

    def __init__(self, parser: Feeds) -> None:
        self._parser, self._pending = parser, ""

    def feed(self, text: str) -> Iterator[Span]:
        for character in text:
            self._pending += character
            for event in self._parser.feed(character):
                yield from self._settle(event)

    def close(self) -> Iterator[Span]:
        for event in self._parser.close():
            yield from self._settle(event)
        yield from self._up_to(len(self._pending), "markup")

    def _settle(self, event: Event) -> Iterator[Span]:
        match event:
            case Text(text) | Reasoning(text):
                yield from self._found(text, "content" if isinstance(event, Text) else "reasoning")
            case CallStart(_, name):
                yield from self._found(name, "call")
            case CallArgs(_, delta):
                yield from self._found(delta, "call")
            case CallEnd(_, problem):
                yield from self._up_to(len(self._pending), "problem" if problem and problem.raw else "markup")
            case Problem(raw=raw) if raw:
                yield from self._found(raw, "problem")

    def _found(self, text: str, kind: str) -> Iterator[Span]:
        """`text` where it stands in what is not settled; all of that, where it was written otherwise."""
        at = max(self._pending.rfind(text), 0)
        spaced = kind == "call" and self._pending[:at].isspace()     # between the tokens of JSON
        yield from self._up_to(at, kind if spaced else "markup")
        yield from self._up_to(len(text) if self._pending.startswith(text) else len(self._pending), kind)

    def _up_to(self, end: int, kind: str) -> Iterator[Span]:
        if end:
            yield self._pending[:end], kind
            self._pending = self._pending[end:]


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


def reply_json(reply: Reply) -> dict[str, Any]:
    """A reply as plain data."""
    calls = [{"name": c.name, "arguments": c.arguments, **({"id": c.id} if c.id else {})} for c in reply.calls]
    return {"content": reply.content, "reasoning": reply.reasoning, "calls": calls,
            "problems": [str(p) for p in reply.problems],
            **({"repairs": [str(r) for r in reply.repairs]} if reply.repairs else {})}


def event_json(event: Event) -> dict[str, Any]:
    """An event as plain data: its kind, and its fields that say something."""
    fields = {name: getattr(event, name) for name in type(event).__dataclass_fields__}
    shown = {k: str(v) if isinstance(v, Problem) else v for k, v in fields.items() if v is not None}
    return {"event": type(event).__name__, **shown}


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

