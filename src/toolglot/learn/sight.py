"""What a chat template prints, with a private character in place of everything that the conversation said.

The one rule: whatever is left as plain text in what is seen was written by the template itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ..message import Call, Part, Reasoning, Text
from ..render import dumps, reply_pieces
from ..spec import Dialect, Slot, Template
from .probe import Message, Probe

Tools = Sequence[Mapping[str, Any]]

# what was said, as one character each: first question, second, …
SAID = "\ue000"                                  # the system message
ASKED = "\ue010\ue011\ue012\ue013"
REPLIED = "\ue020\ue021\ue022\ue023\ue024\ue025"
RESULT = "\ue030\ue031\ue032\ue033"
LISTED = "\ue040"
DAY = "\ue041"
NAMED = "\ue050\ue051"
NUMBERED = "\ue054\ue055"
BEGINS = "\ue060"                                # where the reading of a text begins
_MARK = re.compile("[\ue000-\ue0ff]")


def template(seen: str, slots: Mapping[str, Slot]) -> Template:
    """A text that was seen, as a template: its characters of these kinds are slots."""
    out: list[Any] = []
    for piece in re.split("([\ue000-\ue0ff])", seen):
        if piece:
            out.append(slots.get(piece, piece))
    return tuple(out)


def unmarked(text: str) -> bool:
    """Did the template write all of it?"""
    return not _MARK.search(text)


def common_start(*texts: str) -> str:
    """What all of them begin with."""
    one, other = min(texts), max(texts)
    least, most = 0, min(len(one), len(other))
    while least < most:                              # halving: texts are long, and compared often
        middle = (least + most + 1) // 2
        if one.startswith(other[least:middle], least):
            least = middle
        else:
            most = middle - 1
    return one[:least]


_UNIT = re.compile(r"<[^<>\s]{1,40}>|\[/?[A-Z_]{2,30}\]|.", re.S)


def units(text: str) -> list[str]:
    """A text as markers and single characters."""
    return [m[0] for m in _UNIT.finditer(text)]


def common_units(one: str, other: str) -> int:
    """How many characters both begin with, without cutting a marker in two."""
    n = 0
    for a, b in zip(units(one), units(other), strict=False):
        if a != b:
            break
        n += len(a)
    return n


def common_last_units(one: str, other: str) -> int:
    """How many they end with."""
    n = 0
    for a, b in zip(reversed(units(one)), reversed(units(other)), strict=False):
        if a != b:
            break
        n += len(a)
    return n


def shared_start(*texts: str) -> str:
    """What all of them begin with, without cutting a marker in two."""
    shared = texts[0]
    for text in texts[1:]:
        shared = shared[:common_units(shared, text)]
    return shared


def shared_end(*texts: str) -> str:
    shared = texts[0]
    for text in texts[1:]:
        shared = shared[len(shared) - common_last_units(shared, text):]
    return shared


@dataclass(frozen=True)
class Spelled:
    """A date as `strftime` spells it."""

    form: str

    def __call__(self, day: date) -> str:
        return day.strftime(self.form)


FORMS = ("%Y-%m-%d", "%d %b %Y", "%d %B %Y", "%B %d, %Y", "%b %d %Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%Y年%m月%d日",
         "%A, %B %d, %Y", "%A, %d %B %Y", "%d-%m-%Y", "%Y-%m-%d %H:%M:%S", "%Y%m%d", "%B %Y")


class Sight:
    """A template, seen through the words of one dialect's replies."""

    def __init__(self, probe: Probe, dialect: Dialect) -> None:
        self.probe, self.dialect = probe, dialect
        self.form = self._form()
        self.arguments = self._arguments()

    def see(self, messages: Sequence[Message], tools: Tools = (), *, starts: bool = False,
            listing: Callable[[Tools], str] | None = None, **given: Any) -> str | None:
        """What the template prints, in characters; None where it refuses."""
        text = self.probe.attempt(messages, list(tools) or None, reply_starts=starts, **given)
        if text is None:
            return None
        if listing and tools:
            text = text.replace(listing(tools), LISTED)
        made = 0
        for n, m in enumerate([m for m in messages if m["role"] == "assistant"]):
            spoken = self.spoken(parts_of(m), made)
            made += len(m.get("tool_calls", ()))
            if spoken:
                text = text.replace(spoken, REPLIED[n], 1)
        if self.form:
            text = text.replace(date.fromisoformat(self.probe.today).strftime(self.form), DAY)
        for word, mark in self.marks():
            text = text.replace(word, mark)
        return text

    def spoken(self, parts: Sequence[Part], made: int = 0) -> str:
        return "".join([text for text, _, _ in reply_pieces(self.dialect, parts, None, made)])

    def marks(self) -> list[tuple[str, str]]:
        word = self.probe.word
        said = [(word("system"), SAID), *((word(f"user{n or ''}"), c) for n, c in enumerate(ASKED)),
                *((word(f"result{n or ''}"), c) for n, c in enumerate(RESULT)),
                (word("name"), NAMED[0]), (word("other"), NAMED[1]),
                (self.probe.id(0), NUMBERED[0]), (self.probe.id(1), NUMBERED[1])]
        quoted = [(dumps(w), chr(ord(c) + 8)) for w, c in said if c in RESULT]
        return [*quoted, *said] if self.quotes else said

    quotes = False                                   # are results JSON strings

    # -- conversations

    def system(self) -> dict[str, Any]:
        return {"role": "system", "content": self.probe.word("system")}

    def user(self, n: int = 0) -> dict[str, Any]:
        return self.probe.user(n)

    def answer(self, n: int = 0) -> dict[str, Any]:
        return self.probe.assistant(content=self.probe.word(f"answer{n or ''}"))

    def calls(self, count: int = 1, made: int = 0, **more: Any) -> dict[str, Any]:
        names = (self.probe.word("name"), self.probe.word("other"))
        return self.probe.assistant(*(self.probe.call(names[n], self.arguments, n + made) for n in range(count)), **more)

    def tools(self) -> list[dict[str, Any]]:
        return self.probe.tools(self.probe.word("name"), self.probe.word("other"))

    def _arguments(self) -> dict[str, Any]:
        """Arguments that the dialect writes as the template does: it may spell strings otherwise."""
        key = self.probe.word("key")
        for arguments in ({key: self.probe.word("value")}, {key: 7}, {}):
            reply = self.probe.assistant(self.probe.call(arguments=arguments))
            for before in ([], [self.system()]):
                messages = [*before, self.user(), reply, *self.probe.results(reply)]
                text = self.probe.attempt(messages, self.tools()) or self.probe.attempt(messages[:-1], self.tools()) or ""
                if self.spoken(parts_of(reply)) in text:
                    return arguments
        return {key: self.probe.word("value")}

    # -- the date

    def _form(self) -> str:
        """How the template writes the date it is told, for `strftime`; "" where it does not."""
        if "strftime_now" not in self.probe.names.variables:
            return ""
        now = self.probe.attempt([self.user()], None) or self.probe.attempt([self.system(), self.user()], None) or ""
        told = self.probe.attempt([self.user()], self.tools()) or ""
        day = date.fromisoformat(self.probe.today)
        own = [t for t in self.probe.names.texts if "%" in t and len(t) < 40]
        return next((f for f in (*own, *FORMS) if day.strftime(f) in now + told), "")


def parts_of(message: Message) -> tuple[Part, ...]:
    """What an assistant's message says."""
    parts: list[Part] = []
    if message.get("reasoning_content"):
        parts.append(Reasoning(message["reasoning_content"]))
    if message.get("content"):
        parts.append(Text(message["content"]))
    for call in message.get("tool_calls", ()):
        parts.append(Call(call["function"]["name"], call["function"]["arguments"], call["id"]))
    return tuple(parts)


