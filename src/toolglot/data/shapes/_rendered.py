"""A dialect's own rendered text, read back into turns and tools.

The one rule: what is read is proved. The row is rendered again, and is given only if that is the text (white space at its
end aside); so a text of another dialect, or of a template that differs, is an error, and never half understood.

What a prompt does not hold cannot come back: reasoning that history drops, ids that are not on the wire, what `check.loss`
names. Refused by name are dialects that tell of their tools in another language than JSON or Python's values, that keep no
calls in history, or whose turns cannot be told apart: `shape_of` reads small conversations back before it gives a shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import islice
from typing import Any

from ...message import Assistant, Call, Result, System, Text, Tool, ToolglotError, Turn, User
from ...parse import parse
from ...prompt import prompt
from ...registry import find
from ...spec import DESCRIPTION, FUNCTION, NAME, PARAMETERS, TOOL, Dialect
from .. import loose
from ..declared import NONE, Declared, declared
from ..row import Row, RowError
from ..sound import Talk
from . import RENDERED, Shape
from ._frames import Reading, reading, variants
from .openchatml import text_in

_BEGINS = re.compile(r"[\[{]")
_NEXT = re.compile(r"[\s,]*[\[{]")
_ENDS = 64                  # places at which a list of tools may end, that are tried
_PROBE = (Tool("add", "Adds", {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}),)
_TALK: tuple[Turn, ...] = (
    User("What is 1 and 2?"), Assistant((Call("add", {"a": 1}, "call00001"),)), Result("3", "add", "call00001"),
    Assistant((Text("It is 3."),)))
_LONGER: tuple[Turn, ...] = (System("Be kind."), *_TALK, User("And 5?"), Assistant((Text("Six."),)))
_PLAIN: tuple[Turn, ...] = (User("Hello?"), Assistant((Text("Hello."),)))


@lru_cache(maxsize=64)
def shape_of(name: str) -> Shape:
    """The shape of a dialect's rendered text. Raises ToolglotError for one that cannot be read back."""
    dialect = find(name)
    if dialect.turns is None:
        raise ToolglotError(f"{RENDERED}{dialect.name}: it has no prompt side, so there is no text to read back")
    why = _refused(dialect)
    if why:
        raise ToolglotError(f"{RENDERED}{dialect.name}: its prompts cannot be read back ({why}); start from the data that "
                            "they were made of")
    return Shape(f"{RENDERED}{dialect.name}", f"text rendered in {dialect.name}", partial(_read_of, dialect.name), _none,
                 "toolglot's own dialect")


def _read_of(name: str, raw: Any) -> Row:
    return read(find(name), raw)


def _none(raw: Any) -> None:
    """No text says of itself which dialect it is rendered in."""


def _refused(dialect: Dialect) -> str:
    """Why small conversations do not come back, or ""."""
    for turns, tools in ((_TALK, _PROBE), (_LONGER, _PROBE), (_PLAIN, ())):
        text = str(prompt(dialect, turns, tools, today="2024-01-02", reply_starts=False))
        try:
            row = read(dialect, text)
        except RowError as error:
            return "its list of tools does not read as JSON" if error.reason == "no tools" else str(error)
        if _told(row.turns) != _told(turns):
            return "its history does not keep what was said"
    return ""


def _told(turns: Sequence[Turn]) -> list[Any]:
    """What a conversation says, but for ids."""
    return [(type(p), p.name, p.arguments) if isinstance(p, Call) else (type(p), p.text) for turn in turns
            for p in (turn.parts if isinstance(turn, Assistant) else (turn,))]


def read(dialect: Dialect, raw: Any) -> Row:
    """The row that renders to this text. Raises RowError."""
    text, wrong = text_in(raw), list[RowError]()
    for flags, thinking in variants(dialect.turns):
        try:
            found = _read(reading(dialect, flags), text)
        except RowError as error:
            wrong.append(error)
            continue
        if _proved(dialect, found, text, thinking):
            return found
    raise max(wrong, key=_how_far, default=RowError(
        "not this dialect's text", "", f"expected what {dialect.name} renders, found {loose.shown(text)}"))


def _how_far(error: RowError) -> int:
    if error.reason in ("no tools", "undeclared tool"):
        return -1                                   # it was read as if there were no tools
    return int(error.at[len("turns["):-1]) if error.at.startswith("turns[") else -1


def _proved(dialect: Dialect, row: Row, text: str, thinking: bool | None) -> bool:
    for today in dict.fromkeys(("", *re.findall(r"\d{4}-\d\d-\d\d", text[:4000])[:4])):
        again = str(prompt(dialect, row.turns, row.tools, today=today, thinking=thinking, reply_starts=False))
        if again.rstrip() == text.rstrip():
            return True
    return False


# -- reading


def _read(r: Reading, text: str) -> Row:
    tools, text = _section(r, text) if r.tools else (NONE, text)
    talk = Talk(tools, "turns")
    m = r.start.match(text)
    if m is None:
        raise RowError("no turns", "", f"expected the beginning of {r.dialect.name}'s prompts, found {loose.shown(text)}")
    p, last = m.end(), ""
    while len(text) - p >= 64 or text[p:].strip():
        role, inner = _opener(r, text, p, last)
        before, p = p, _turn(r, text, p, inner, role, talk)
        if p <= before:
            raise talk.wrong("broken turn", f"expected a turn, found {loose.shown(text[p:p + 80])}")
        talk.at, last = talk.at + 1, role
    return talk.row()


def _opener(r: Reading, text: str, p: int, last: str) -> tuple[str, int]:
    """Whose turn begins here, and where its content does. Where nobody's does, the reply goes on."""
    for opener, role in r.openers:
        if (role != "system" or not last) and (role != "later" or last) and (m := opener.match(text, p)):
            return role, p if role == "results" else m.end()
    return "reply", p


def _turn(r: Reading, text: str, p: int, inner: int, role: str, talk: Talk) -> int:
    """Tells one turn; where the next one begins."""
    if role == "results":
        return _results(r, text, p, talk)
    m = r.ends[role].search(text, inner)
    if m is None:
        raise talk.wrong("broken turn", f"expected the end of a turn of {role}, found none: {loose.shown(text[p:p + 80])}")
    said = text[inner:m.start()]
    if role == "user":
        talk.user(said)
    elif role in ("later", "system"):
        if said and not (r.default and not talk.turns and r.default.fullmatch(said)):
            talk.system(said)
    else:
        talk.reply(_parts(r, said, text[max(0, inner - 400):inner], talk))
    return m.end()


def _results(r: Reading, text: str, p: int, talk: Talk) -> int:
    m = r.results.match(text, p)
    assert m
    p = m.end()
    while m := r.result.match(text, p):
        given = m.groupdict()
        talk.result(_content(given), given.get("name"), given.get("id") or None)
        p = m.end()
        if b := r.between.match(text, p):
            p = b.end()
        if p == m.start():
            break
    end = r.ends["results"].match(text, p)
    if end is None:
        raise talk.wrong("broken turn", f"expected a result, found {loose.shown(text[p:p + 80])}")
    return end.end()


def _content(given: Mapping[str, str | None]) -> str:
    """What a result says: as it stands, as a JSON string, or as the JSON that was made of it."""
    text = given.get("content")
    if text is not None:
        return text
    text = given.get("quoted") or given.get("parsed") or ""
    try:
        value = loose.read(text, "")
    except RowError:
        return text
    return value if isinstance(value, str) else text


def _parts(r: Reading, said: str, before: str, talk: Talk) -> list[Any]:
    for one in r.silent:
        if m := one.match(said):
            said, before = said[m.end():], before + m[0]
            break
    found = parse(r.dialect, said, talk.declared.tools or None, prompt=before)
    lost = next((p for p in found.problems if p.raw), None)
    if lost:
        raise talk.wrong("broken call", str(lost))
    return list(found.parts)


# -- the tools


def _section(r: Reading, text: str) -> tuple[Declared, str]:
    """The tools, and the text without the section that tells of them."""
    assert r.tools
    before, behind = r.tools
    m = before.search(text)
    if m is None:
        raise RowError("no tools", "", "expected a section of tools, found none")
    ends = [(_listed_to(r, text, m.end()),) * 2] if behind is None else \
        [x.span() for x in islice(behind.finditer(text, m.end()), _ENDS)]
    for end, after in ends:
        found = _declared(r.dialect, text[m.end():end])
        if found.tools:
            return found, text[:m.start()] + text[after:]
    raise RowError("no tools", "", "expected tools in JSON, found none that could be read")


def _listed_to(r: Reading, text: str, p: int) -> int:
    """Where a list of tools ends that nothing stands behind."""
    assert r.dialect.turns
    last = r.dialect.turns.tool[-1]
    while m := _NEXT.match(text, p):
        p = loose.read_at(text, m.end() - 1, "tools")[1]
        p += len(last) if isinstance(last, str) and text.startswith(last, p) else 0
    return p


def _declared(d: Dialect, listed: str) -> Declared:
    """The tools of a list as this dialect writes it: objects of JSON or Python, or what its template says of each; none
    where the list is not whole."""
    assert d.turns
    if d.turns.listing is None and NAME in d.turns.tool and not {TOOL, FUNCTION} & {*d.turns.tool}:
        return declared(list(_by_template(d.turns.tool, listed)))
    found, p = list[Any](), 0
    try:
        while (p := _begins(listed, p)) >= 0:
            value, p = loose.read_at(listed, p, "tools")
            found += value if isinstance(value, list) else [value]
    except RowError:
        return NONE
    return declared([v for v in found if isinstance(v, dict) and ("function" in v or "name" in v)])


def _begins(text: str, p: int) -> int:
    m = _BEGINS.search(text, p)
    return m.start() if m else -1


def _by_template(template: Sequence[Any], listed: str) -> Iterator[dict[str, Any]]:
    slots = {NAME: r"(?P<name>[^\n]*?)", DESCRIPTION: r"(?P<description>.*?)"}
    said = template[:template.index(PARAMETERS)] if PARAMETERS in template else template
    before = "".join([re.escape(n) if isinstance(n, str) else slots.get(n, "") for n in said])
    p, table = 0, re.compile(before, re.S)
    while m := table.search(listed, p):
        value, p = loose.read_at(listed, m.end(), "tools")
        given = m.groupdict()
        words = {"description": given["description"]} if given.get("description") else {}
        yield {"name": given["name"], **words, "parameters": value}


__all__ = ["read", "shape_of"]
