"""Events -> what every surface says of a reply: its text, its reasoning, its calls, and why it ended.

The one rule: what a body says is what its stream says, joined. A call that never became whole is in neither's calls.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from ..message import CallArgs, CallEnd, CallStart, Event, Reasoning, Text, sound
from .custom import Unquoted
from .query import Answer, Likely


@dataclass
class Called:
    """A call as it is written: `arguments` is JSON text. `whole`: it has ended, and is a call."""

    id: str
    name: str
    fragments: list[str] = field(default_factory=list)
    whole: bool = False

    @property
    def arguments(self) -> str:
        """JSON, always: a call without arguments has an empty object."""
        text = "".join(self.fragments)
        return text if text.strip() else text + "{}"

    @property
    def input(self) -> str:
        """The one text of a custom tool's call."""
        return Unquoted().feed(self.arguments)

    @property
    def object(self) -> dict[str, Any]:
        """Of values that orjson can write again: numbers beyond its range become the nearest that it has, half of a pair
        of surrogates, which is no character, becomes U+FFFD."""
        try:
            found = orjson.loads(self.arguments)
        except orjson.JSONDecodeError:
            loose = json.dumps(json.loads(self.arguments, parse_float=_finite, parse_int=_finite), ensure_ascii=False)
            found = orjson.loads(sound(loose))
        return found if isinstance(found, dict) else {}


def _finite(text: str) -> int | float:
    if len(text) < 19 and text.lstrip("-").isdecimal():
        return int(text)
    return max(-sys.float_info.max, min(float(text), sys.float_info.max))


Part = Text | Reasoning | Called


def parts_of(events: Sequence[Event | Likely]) -> list[Part]:
    """The parts of a reply in order, neighbours joined, without calls that are not whole."""
    parts: list[Part] = []
    calls: dict[int, Called] = {}
    for event in events:
        match event:
            case Text(text) | Reasoning(text):
                if parts and isinstance(last := parts[-1], type(event)):
                    parts[-1] = type(event)(last.text + text)
                elif text:
                    parts.append(event)
            case CallStart(index, name, id):
                calls[index] = Called(id or "", name)
                parts.append(calls[index])
            case CallArgs(index, delta):
                calls[index].fragments.append(delta)
            case CallEnd(index):
                calls[index].whole = is_whole(event)
    return [part for part in parts if not isinstance(part, Called) or part.whole]


def is_whole(end: CallEnd) -> bool:
    return end.problem is None or not end.problem.raw


def calls_of(answer: Answer) -> list[Called]:
    return [part for part in parts_of(answer.events) if isinstance(part, Called)]


def text_of(parts: Sequence[Part]) -> str:
    return "".join(part.text for part in parts if isinstance(part, Text))


def reasoning_of(parts: Sequence[Part]) -> str:
    return "".join(part.text for part in parts if isinstance(part, Reasoning))
