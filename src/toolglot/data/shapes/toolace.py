r"""ToolACE: tools in the prose of the system text, calls as Python writes them, names with spaces.

Source: Team-ACE/ToolACE, as converters of it read it (NVlabs/Tool-N1 among them).

    {"system": "You are an expert in composing functions. … Here is a list of functions in JSON format that you can invoke:
                [{\"name\": \"Get Weather\", …, \"parameters\": {\"type\": \"dict\", …}, \"required\": null}] …",
     "conversations": [{"from": "user", "value": "…"}, {"from": "assistant", "value": "[Get Weather(city=\"Paris\")]"},
                       {"from": "tool", "value": "[{\"name\": \"Get Weather\", \"results\": {…}}]"}]}

Ugly and true: nothing marks a call but its brackets and the name of a tool, so what names none that is declared, and could
be words, is words. One turn holds the results of all calls: as a list with as many members as there are calls, it is told
as so many results. The system text is about composing functions from its first sentence on, and is dropped; what stands
before that sentence is kept, and the whole stays in `extra`. Whether rows have anything before it was not verified.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from ...cursor import Cursor, Limits, Mismatch
from ...encodings import keywords
from ...message import Call, Part, Text
from .. import loose
from ..declared import NONE, Declared, declared
from ..row import Row, RowError
from ..sound import Talk, an_object, cleaned, listed, others, text_of, words
from . import Shape
from ._roles import speaks, tell

_LIST = re.compile(r"functions? in JSON format[^\[{]{0,200}(?=[\[{])", re.I)
_SPOKEN = re.compile(r"You are an (?:AI )?expert in composing functions|Here is a list of functions in JSON", re.I)
_ANY = re.compile(r"\s*\[\s*([^\[\](){}=,\"']{1,256}?)\s*\(")
_ENDS = re.compile(r"\s*([,;\]])")
_NEXT = re.compile(r"\s*([^\[\](){}=,\"']{1,256}?)\s*\(")


def read(raw: Any) -> Row:
    row = an_object(raw)
    extra = others(row, "system", "conversations")
    system = text_of(row.get("system") or "", "system")
    tools, before = _system(system)
    talk = Talk(tools, "conversations")
    if before:
        talk.system(before)
    if before != system:
        extra["system"] = system
    tell(talk, listed(row, "conversations"), reply=reply)
    return talk.row(extra=extra)


def _system(text: str) -> tuple[Declared, str]:
    m = _LIST.search(text)
    if m is None:
        return NONE, text
    value, _ = loose.read_at(text, m.end(), "system")
    spoken = _SPOKEN.search(text)
    return declared(value, "system"), text[:spoken.start() if spoken else m.start()].rstrip()


def reply(text: str, talk: Talk) -> Sequence[Part]:
    """The calls of a reply, and the words around them."""
    m = _pattern(tuple(talk.declared.names)).search(text)
    known = m is not None
    if m is None:
        m = _ANY.match(text)
    if m is None:
        return words(text)
    try:
        calls, end = _calls(text, m.start(), f"{talk.key}[{talk.at}].value")
    except RowError:
        if known:
            raise
        return words(text)
    if not known and text[end:].strip():
        return words(text)
    before, after = text[:m.start()].strip(), text[end:].strip()
    return [*([Text(cleaned(before))] if before else []), *calls, *([Text(cleaned(after))] if after else [])]


@lru_cache(maxsize=512)
def _pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    """A list of calls that begins with one of these."""
    listed = "|".join(re.escape(n) for n in sorted(names, key=len, reverse=True))
    return re.compile(rf"\[\s{{0,64}}(?:{listed})\s{{0,64}}\(" if names else r"(?!)")


def _calls(text: str, start: int, at: str) -> tuple[list[Call], int]:
    """The calls of a list that begins at `start`, and where it ends. Raises RowError."""
    cursor, found, p = Cursor(Limits()), list[Call](), text.index("[", start) + 1
    cursor.feed(text)
    cursor.eof = True
    while True:
        m = _NEXT.match(text, p)
        if m is None:
            raise RowError("broken call", at, f"expected NAME(…), found {loose.shown(text[p:p + 80])}")
        cursor.pos, out = m.end(), list[str]()
        try:
            for _ in keywords(cursor, out.append):
                pass
        except Mismatch as wrong:
            raise RowError("broken call", at, f"expected {wrong.expected}, found {wrong.found} in the call of "
                           f"{loose.shown(m[1])}") from None
        p = cursor.pos
        if text[p:p + 1] != ")":
            raise RowError("broken call", at, f"expected ')', found {loose.shown(text[p:p + 20])}")
        found.append(Call(m[1], loose.read("".join(out), at)))
        end = _ENDS.match(text, p + 1)
        if end is None:
            raise RowError("broken call", at, f"expected ',' or ']', found {loose.shown(text[p + 1:p + 20])}")
        p = end.end()
        if end[1] == "]":
            return found, p


def evidence(raw: Any) -> str | None:
    if isinstance(raw, Mapping) and isinstance(raw.get("system"), str) and "tools" not in raw and speaks(
            turns := raw.get("conversations"), "from", "value"):
        if _LIST.search(raw["system"]):
            return "`system` with a list of functions in JSON format"
        if any(t["from"] == "assistant" and isinstance(t["value"], str) and _ANY.match(t["value"]) for t in turns):
            return "`conversations` with [NAME(…)] in turns from assistant"
    return None


SHAPE = Shape("toolace", "ToolACE", read, evidence, "Team-ACE/ToolACE (2024)")
