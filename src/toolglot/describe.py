"""What is known of a dialect, in words: the example that it is shown with, its report, and what it cannot say.

The one rule: what counts for and against a format is read off its data, and what it cannot say is asked of `loss`; nothing
is typed in by hand. Values are Markdown, of which they use code spans alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .audit.ratings import rating
from .card import Card
from .check import loss
from .message import Call, Part, Reasoning, Text, Tool
from .plan import literals
from .render import render
from .spec import (
    ID,
    INDEX,
    IS_STR,
    SYSTEM,
    TOOLS,
    TYPE,
    Calls,
    Dialect,
    Object,
    Tagged,
    Turns,
    encoding_of,
    is_bare,
)

DAY = "2025-01-31"                               # of prompts that tell the date
PLACES = {"own": "in a turn of their own, before all others", "system": "in the system turn",
          "first-user": "in the first question",
          "last-user": "in the last question, so they move as the conversation grows"}


@dataclass(frozen=True)
class Report:
    """A report card. `stars` are those of `toolglot audit`, 0 for what it has not rated; `facts` are pairs of a name and a
    value."""

    title: str
    stars: int
    rating: str
    facts: tuple[tuple[str, str], ...]
    merits: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    cannot: tuple[str, ...] = ()

    def card(self) -> dict[str, Any]:
        """As a page shows a card, whatever it is about."""
        return {"title": self.title, "stars": self.stars, "rating": self.rating, "facts": self.facts, "for": self.merits,
                "against": self.faults, "cannot": self.cannot}


@lru_cache(maxsize=512)
def report(card: Card) -> Report:
    """A dialect's report card."""
    d = card.dialect
    repaired = "`prompts=\"repaired\"` mends what its template loses" if d.repaired else ""
    found = [("models", card.title), *facts(d), ("verified", card.verified), ("repaired", repaired),
             *(("differs", sentence) for sentence in card.differs)]
    stars, cost = rating(d.name)
    lost = [f"{'★' * points} {name}" for name, points in cost]
    return Report(d.name, stars, f"{card.tier}: {card.why}", tuple((n, v) for n, v in found if v), tuple(merits(d)),
                  (*lost, *faults(d)), cannot(d))


# -- the example -----------------------------------------------------------------------------------------------


def call(d: Dialect) -> str:
    """One call as the dialect writes it."""
    id = "call00001" if _writes(d.calls, ID) else None
    return render(d, [Call("get_current_temperature", {"location": "Paris, France"}, id)])


def _writes(calls: Calls, slot: Any) -> bool:
    return slot in calls.each or any(isinstance(n, Object) and any(v is slot for _, v in n.fields) for n in calls.each)


# -- what is read off its data ---------------------------------------------------------------------------------


def facts(d: Dialect) -> list[tuple[str, str]]:
    """How it tells of tools, how it calls, and where a reply ends: what each is, and how it is here."""
    t = d.turns
    assert t
    return [
        ("tools", f"{_told(t)}, {_place(t)}"),
        ("calls", f"{_notation(d)}, {_around(d)}"),
        ("several calls", "one a turn; further ones are told as turns of their own" if t.one_call else _several(d.calls)),
        ("ids", _ids(d)),
        ("reasoning", f"between {code(flat(_literals(d.reasoning, 0)))} and {code(flat(_literals(d.reasoning, 1)))}"
                      if d.reasoning and _literals(d.reasoning, 1) else
         f"behind {code(flat(_literals(d.reasoning, 0)))}" if d.reasoning else "none on the wire"),
        ("stops", ", ".join(code(flat(s)) for s in d.stop)),
        ("also read", f"{len(d.accept)} other spelling{'s' * (len(d.accept) > 1)}" if d.accept else ""),
    ]


def _told(t: Turns) -> str:
    if t.listing:
        return f"in a notation of their own (`{getattr(t.listing, 'func', t.listing).__name__}`)"
    return "as JSON" if t.tool_indent is None else f"as JSON, indented by {t.tool_indent}"


def _place(t: Turns) -> str:
    return "in the system message, inside a question" if SYSTEM in t.user and TOOLS not in t.user else PLACES[t.tools_at]


def _notation(d: Dialect) -> str:
    encoding = encoding_of(d.calls)
    if any(isinstance(n, Object) for n in d.calls.each):
        return "one JSON object a call"
    return {"Json": "the arguments as JSON", "Pythonic": "Python's keyword arguments", "Tagged": "one tag an argument",
            "Delimited": "JSON with bare keys and quotes of its own", "Raw": "raw text", "Custom": "a notation of its own"}[
                type(encoding).__name__]


def _around(d: Dialect) -> str:
    if d.calls.at_start:
        return "with no marker, at the beginning of a reply"
    return "in one section" if len(d.calls.around) > 1 else "each behind its own marker"


def _several(calls: Calls) -> str:
    return "in one section" if len(calls.around) > 1 else "one behind the other"


def _ids(d: Dialect) -> str:
    if _writes(d.calls, ID):
        return "on the wire"
    return "their number, on the wire" if _writes(d.calls, INDEX) else "none: results follow the order of the calls"


def _literals(template: Any, at: int) -> str:
    texts = [n if isinstance(n, str) else n.options[0] for n in template if isinstance(n, str) or hasattr(n, "options")]
    return texts[at] if at < len(texts) else ""


def merits(d: Dialect) -> list[str]:
    """What is good about the format."""
    marked = any(s in _all_of(d.calls) for s in d.special)
    return [text for text, holds in (
        ("calls stand between special tokens, which no message can forge", marked),
        ("the type of each argument is on the wire", not _untyped(d)),
        ("words may stand beside calls", not d.calls.at_start),
        ("content has markers of its own", not is_bare(d.content)),
    ) if holds]


def faults(d: Dialect) -> list[str]:
    """What is bad about it."""
    t = d.turns
    assert t
    return [text for text, holds in (
        ("a call has no marker: only a known function's name tells it from words", d.calls.at_start),
        ("a string and a number look alike: the tool's schema tells them apart", _untyped(d)),
        ("one call a turn", t.one_call),
        ("words beside a call are dropped from history", t.content_with_calls == "dropped"),
        ("calls are dropped from history", t.past_calls == "dropped"),
        ("the tools move to the last question, which spoils a cached prefix", t.tools_at == "last-user"),
    ) if holds]


def _untyped(d: Dialect) -> bool:
    encoding = encoding_of(d.calls)
    return isinstance(encoding, Tagged) and not {IS_STR, TYPE} & set(encoding.each)


def _all_of(calls: Calls) -> str:
    return "".join([*literals(calls.around), *literals(calls.each)])


# -- what it cannot say ----------------------------------------------------------------------------------------

_BOOK = Tool("book", "", {"type": "object", "properties": {"city": {"type": "string"}, "code": {}}})
_CALL = Call("book", {"city": "Paris"})
# what a format should have room for, and a reply that has it; `other` is no known tool
PROBES: tuple[tuple[str, tuple[Part, ...]], ...] = (
    ("reasoning apart from words", (Reasoning("They ask for a room."), Text("Hello."))),
    ("several calls in a reply", (_CALL, _CALL)),
    ("words before a call", (Text("I look."), _CALL)),
    ("words behind a call", (_CALL, Text("I have looked."))),
    ("a call without arguments", (Call("book", {}),)),
    ("a call of a function that is not known", (Call("other", {}),)),
    ("a text that looks like a number, unless the schema says that it is a text", (Call("book", {"code": "5"}),)),
    ("words that begin with `{`", (Text('{"a": 1} is JSON.'),)),
    ("words that begin with `[`", (Text("[1] is a note."),)),
)


@lru_cache(maxsize=512)
def cannot(d: Dialect) -> tuple[str, ...]:
    """What of the probes the format has no room for."""
    id = "call00001" if _writes(d.calls, ID) else None
    return tuple(what for what, parts in PROBES
                 if loss(d, [Call(p.name, p.arguments, id) if isinstance(p, Call) else p for p in parts], (_BOOK,)))


# -- words -----------------------------------------------------------------------------------------------------


def flat(text: str) -> str:
    return text.replace("\n", "\\n")


def code(text: str) -> str:
    """Inline code in Markdown."""
    ticks = "``" if "`" in text else "`"
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{space}{text}{space}{ticks}" if text else ""
