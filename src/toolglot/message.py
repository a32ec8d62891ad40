"""What a reply means, the events a stream of it becomes, and the tools it may name.

Everything here is plain data; `fold` is the one way from events to a reply.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Union

_HALF = re.compile("[\ud800-\udfff]")


class ToolglotError(ValueError):
    """Something the caller gave is wrong: where, what was expected, what came, what to do."""


def sound(text: str) -> str:
    """A text that can be written in UTF-8: two halves of a surrogate pair as their character, one alone as U+FFFD."""
    if _HALF.search(text):
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in model output. Never raised: it stands on the reply, with its place.

    `offset` counts characters of the reply's text from 0; `raw` is the text that is neither content
    nor a call because of the problem ("" when no text is lost to it); `name` is the function's, when known.
    """

    kind: str
    offset: int
    expected: str
    found: str
    raw: str = ""
    name: str | None = None

    def __str__(self) -> str:
        where = f" in the call of {self.name}" if self.name else ""
        return f"{self.kind} at {self.offset}{where}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True, slots=True)
class Repair:
    """Something that was read although it was not written as it should be: what it was, and what it was taken for.

    `offset` counts characters of the reply's text from 0; `name` is the function's, where it was in a call, and
    `path` the place in its arguments, `days` or `stops[0].city`.
    """

    kind: str
    offset: int
    before: str
    after: str
    name: str | None = None
    path: str = ""

    def __str__(self) -> str:
        where = f" in the call of {self.name}" if self.name else ""
        place = f", {self.path}" if self.path else ""
        return f"{self.kind} at {self.offset}{where}{place}: {self.before or 'nothing'} became {self.after or 'nothing'}"


@dataclass(frozen=True, slots=True)
class Text:
    """Words for the user; as an event, the next stretch of them."""

    text: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    """What the model thinks before it answers; as an event, the next stretch of it."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """One whole call. `problem` is a note that does not make it less whole (an unknown name, say)."""

    name: str
    arguments: dict[str, Any]
    id: str | None = None
    problem: Problem | None = field(default=None, compare=False)


Part = Union[Text, Reasoning, Call]


@dataclass(frozen=True, slots=True)
class CallStart:
    """A call has begun: its name is certain. `index` counts the calls of a reply from 0."""

    index: int
    name: str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class CallArgs:
    """A fragment of the arguments; the fragments of one call join to one JSON object."""

    index: int
    delta: str


@dataclass(frozen=True, slots=True)
class CallEnd:
    """The call is over. With a `problem` that has a `raw`, it never became whole and is not in the reply.

    `id` is the call's id where the format writes it after the arguments.
    """

    index: int
    problem: Problem | None = None
    id: str | None = None


Event = Union[Text, Reasoning, CallStart, CallArgs, CallEnd, Problem, Repair]


@dataclass(frozen=True, slots=True)
class Reply:
    """The ordered parts of one assistant turn, what was wrong with its text, and what of that was mended."""

    parts: tuple[Part, ...] = ()
    problems: tuple[Problem, ...] = field(default=(), compare=False)
    repairs: tuple[Repair, ...] = field(default=(), compare=False)

    @property
    def content(self) -> str:
        """The words for the user, without the calls between them."""
        return "".join(p.text for p in self.parts if isinstance(p, Text))

    @property
    def reasoning(self) -> str:
        return "".join(p.text for p in self.parts if isinstance(p, Reasoning))

    @property
    def calls(self) -> tuple[Call, ...]:
        return tuple(p for p in self.parts if isinstance(p, Call))


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call.

    `parameters` is a JSON schema of type object; `raw` is the tool as its author wrote it, in OpenAI's shape
    (`{"type": "function", "function": {...}}`), key order kept: chat templates print it as it is.
    `function` is what runs it, if anything does. `format` is of a custom tool, whose one argument is a text: "lark" or
    "regex", and the definition that the text is held to.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}})
    raw: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    function: Callable[..., Any] | None = field(default=None, compare=False, repr=False)
    format: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        if not self.raw:
            said = {"description": self.description} if self.description else {}
            parameters = dict(self.parameters) if isinstance(self.parameters, Mapping) else self.parameters
            function = {"name": self.name, **said, "parameters": parameters}
            object.__setattr__(self, "raw", {"type": "function", "function": function})


# -- a conversation: what the prompt side of a dialect renders


@dataclass(frozen=True, slots=True)
class System:
    text: str


@dataclass(frozen=True, slots=True)
class User:
    text: str


@dataclass(frozen=True, slots=True)
class Assistant:
    """`key` stands for the whole of it, where it came as a message that was seen before."""

    parts: tuple[Part, ...]
    key: bytes = field(default=b"", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Result:
    """What a function gave back, as text. `name` and `id` are those of the call it answers."""

    text: str
    name: str = ""
    id: str | None = None


Turn = Union[System, User, Assistant, Result]


def fold(events: Iterable[Event]) -> Reply:
    """The reply that a stream of events adds up to."""
    parts: list[Part] = []
    problems: list[Problem] = []
    repairs: list[Repair] = []
    words: list[str] = []
    arguments: list[str] = []
    start = CallStart(0, "")
    kind: type[Text] | type[Reasoning] = Text

    def flush() -> None:
        if text := "".join(words):
            parts.append(kind(text))
        words.clear()

    for event in events:
        match event:
            case Text(text) | Reasoning(text):
                if type(event) is not kind:
                    flush()
                    kind = type(event)
                words.append(text)
            case CallArgs(_, delta):
                arguments.append(delta)
            case CallStart():
                start = event
                arguments.clear()
            case CallEnd(_, problem, late_id):
                if problem:
                    problems.append(problem)
                if not (problem and problem.raw):
                    flush()
                    id = late_id if late_id is not None else start.id
                    parts.append(Call(start.name, json.loads("".join(arguments) or "{}"), id, problem))
            case Problem():
                problems.append(event)
            case Repair():
                repairs.append(event)
    flush()
    return Reply(tuple(parts), tuple(problems), tuple(repairs))
