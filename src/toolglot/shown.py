"""What is read, for people to look at: a reply by what its stretches are, and events as plain data.

The one rule: stretches are cut by what the parser says, one character after another; nothing is read by other rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .message import CallArgs, CallEnd, CallStart, Event, Problem, Reasoning, Reply, Text
from .parse import Feeds

Span = tuple[str, str]                           # a stretch of text, and what it is


class Spans:
    """Cuts a reply into what its stretches are, as it comes: the parser is fed one character at a time. `pending` is the
    text of which it is not known yet."""

    def __init__(self, parser: Feeds) -> None:
        self._parser, self.pending = parser, ""

    def feed(self, text: str) -> Iterator[Span]:
        for character in text:
            self.pending += character
            for event in self._parser.feed(character):
                yield from self._settle(event)

    def close(self) -> Iterator[Span]:
        for event in self._parser.close():
            yield from self._settle(event)
        yield from self._up_to(len(self.pending), "markup")

    def _settle(self, event: Event) -> Iterator[Span]:
        match event:
            case Text(text) | Reasoning(text):
                yield from self._found(text, "content" if isinstance(event, Text) else "reasoning")
            case CallStart(_, name):
                yield from self._found(name, "call")
            case CallArgs(_, delta):
                yield from self._found(delta, "call")
            case CallEnd(_, problem):
                yield from self._up_to(len(self.pending), "problem" if problem and problem.raw else "markup")
            case Problem(raw=raw) if raw:
                yield from self._found(raw, "problem")

    def _found(self, text: str, kind: str) -> Iterator[Span]:
        """`text` where it stands in what is not settled; all of that, where it was written otherwise."""
        at = max(self.pending.rfind(text), 0)
        spaced = kind == "call" and self.pending[:at].isspace()     # between the tokens of JSON
        yield from self._up_to(at, kind if spaced else "markup")
        yield from self._up_to(len(text) if self.pending.startswith(text) else len(self.pending), kind)

    def _up_to(self, end: int, kind: str) -> Iterator[Span]:
        if end:
            yield self.pending[:end], kind
            self.pending = self.pending[end:]


# -- as plain data ---------------------------------------------------------------------------------------------


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
