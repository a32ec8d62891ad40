"""Templates as regular expressions, as `response_template` holds them, both ways.

The one rule: white space is read about as freely as toolglot's own parser reads it, and beside TEXT and VALUE just so: what
is written, or less.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple, Union

from ..spec import ECHO, ID, INDEX, IS_STR, KEY, NAME, NUMBER, TYPE, VALUE, Either, Slot, Template

WORD = r"""[^\s<>()\[\]{}"'=,;|]+"""
NAMED = r"""[^\s<>()\[\]{}"'=,;:|]+"""
SLOTS = {NAME: f"(?P<name>{NAMED})", ECHO: NAMED, ID: f"(?P<id>{WORD})", INDEX: r"\d+", NUMBER: r"\d+",
         KEY: r'(?P<key>[^\n<>"]+)', VALUE: "(?P<value>.*?)", IS_STR: "(?:true|false)", TYPE: r"\w+"}
LINE = r"(?<![^\n])"                             # where a line begins


def exactly(text: str) -> str:
    """A literal that is matched as it is."""
    shown = {"\n": r"\n", "\t": r"\t"}
    return "".join([shown.get(c) or ("\\" + c if c in r"\.^$*+?{}[]|()" else c) for c in text])


def loosely(text: str) -> str:
    """A literal whose white space may be left out at its edges; a line break may be any other white space."""
    runs = re.findall(r"\s+|\S+", text)
    return "".join([r"\s*" if run == "\n" else exactly(run) if not run.isspace() or (0 < i < len(runs) - 1 and run == " ")
                    else optional(run) for i, run in enumerate(runs)])


def optional(space: str) -> str:
    """White space of which less may stand there."""
    return "".join([exactly(c) + "?" for c in space])


def any_of(patterns: Iterable[str]) -> str:
    """One of these: in their order, unless one begins another, for an engine takes the first that fits."""
    each = list(dict.fromkeys(patterns))
    if any(a != b and b.startswith(a) for a in each for b in each):
        each.sort(key=len, reverse=True)
    return each[0] if len(each) == 1 else f"(?:{'|'.join(each)})"


def spelled(template: Template) -> str:
    """Literals and slots in turn. A key that stands in its own closer again must be the same one."""
    out: list[str] = []
    for node in template:
        if isinstance(node, str):
            out.append(loosely(node))
        elif isinstance(node, Either):
            empty = "?" if "" in node.options else ""
            options = list(dict.fromkeys(loosely(o) for o in node.options if o))
            out.append((f"(?:{'|'.join(options)})" if len(options) > 1 or empty else options[0]) + empty)
        elif isinstance(node, Slot):
            out.append("(?P=key)" if node is KEY and SLOTS[KEY] in out else SLOTS[node])
    return "".join(out)


def opens(template: Template, line: bool = False, apart: bool = False) -> str:
    """What begins a block; with `line`, where a line begins, as words do; with `apart`, white space stands before it."""
    first = template[0]
    options = first.options if isinstance(first, Either) else (first,) if isinstance(first, str) else ()
    head: Template = (Either(*(o.lstrip() for o in options)), *template[1:]) if options else template
    return r"\s*" * apart + LINE * line + spelled(head)


def ahead(patterns: Iterable[str]) -> str:
    """One of these follows, whatever white space comes first."""
    return rf"(?=\s*{any_of(patterns)})"


# -- in: the few regular expressions that are markers, names and white space -----------------------------------


LONGEST = 2_000                                  # characters of a pattern
DEEPEST = 8                                      # groups within groups


class Space(NamedTuple):
    """White space that may be left out, as it would be written; a line break where the pattern does not say (`\\s*`)."""

    text: str
    said: bool = True


class Capture(NamedTuple):
    """A named group, and what it captures."""

    name: str
    body: str


class Some(NamedTuple):
    """Characters of one class, any number of them, that nobody captures."""

    of: str


class Again(NamedTuple):
    """What a named group captured, once more."""

    name: str


class Look(NamedTuple):
    """What must stand before or behind, without being part of it."""

    sign: str                                    # as it is written: (?= or (?<= or (?<!
    options: tuple[Sequence, ...]


class Edge(NamedTuple):
    """Where the text begins or ends."""

    sign: str


class Group(NamedTuple):
    """One of several, or none of them."""

    options: tuple[Sequence, ...]
    optional: bool = False


Item = Union[str, Space, Capture, Some, Again, Look, Edge, Group]
Sequence = tuple[Any, ...]                       # of Items
_PIECE = re.compile(
    r"\(\?P<(?P<capture>\w+)>|\(\?P=(?P<again>\w+)\)|(?P<look>\(\?<?[=!])|(?P<group>\(\?:)|(?P<end>\))|(?P<bar>\|)"
    r"|(?P<class>\[\^?\]?(?:\\.|[^\]\\])*\]|\\[sSwWdD]|\.)|(?P<edge>\\[AZz]|\^|\$)|\\(?P<escape>.)|(?P<bad>[(*+?{])|(?P<plain>.)",
    re.S)
_COUNT = re.compile(r"([*+?])\??")
_SIGNS = {"n": "\n", "t": "\t", "r": "\r"}


class Unreadable(ValueError):
    """A pattern that is more than markers, names and white space: what of it, from where on."""


def shown(item: Any) -> str:
    """An item, for an error."""
    match item:
        case Capture(name, body):
            return f"(?P<{name}>{body})"
        case Again(name):
            return f"(?P={name})"
        case Some(of):
            return of
    return "a group"


def alternatives(pattern: str) -> tuple[Sequence, ...]:
    """A pattern as the sequences that it is a choice of. Nothing of it is run. Raises Unreadable."""
    if len(pattern) > LONGEST:
        raise Unreadable(f"a pattern of {len(pattern):,} characters")
    options, at = _options(pattern, 0, 0)
    if at < len(pattern):
        raise Unreadable(repr(pattern[at:at + 40]))
    return options


def _options(pattern: str, at: int, depth: int) -> tuple[tuple[Sequence, ...], int]:
    """The choice that begins here, and where it ends: at a closing bracket, or with the pattern."""
    if depth > DEEPEST:
        raise Unreadable(f"groups nested deeper than {DEEPEST}")
    options: list[list[Item]] = [[]]
    while at < len(pattern):
        m = _PIECE.match(pattern, at)
        negative = m is not None and m["look"] in ("(?!", "(?<!") and not pattern.startswith(LINE, at)
        if m is None or m["bad"] or negative or (m["escape"] and m["escape"].isalnum() and m["escape"] not in _SIGNS):
            raise Unreadable(repr(pattern[at:at + 40]))
        if m["end"]:
            break
        if m["bar"]:
            options.append([])
            at = m.end()
            continue
        item, at = _item(pattern, m, depth)
        if count := _COUNT.match(pattern, at):
            item, at = _counted(item, count[1], pattern, at), count.end()
        options[-1] = _joined(options[-1], item)
    return tuple(tuple(o) for o in options), at


def _item(pattern: str, m: re.Match[str], depth: int) -> tuple[Any, int]:
    if m["again"]:
        return Again(m["again"]), m.end()
    if m["class"]:
        return Some(m["class"]), m.end()
    if m["edge"]:
        return Edge(m["edge"]), m.end()
    if m["plain"] or m["escape"]:
        return m["plain"] or _SIGNS.get(m["escape"], m["escape"]), m.end()
    if m["capture"]:
        end = _closing(pattern, m.end())
        return Capture(m["capture"], pattern[m.end():end]), end + 1
    options, end = _options(pattern, m.end(), depth + 1)
    if pattern[end:end + 1] != ")":
        raise Unreadable(f"a group that is never closed: {pattern[m.start():m.start() + 40]!r}")
    return (Look(m["look"], options) if m["look"] else Group(options)), end + 1


def _closing(pattern: str, at: int) -> int:
    """Where the group of a capture ends; there are no groups in it."""
    while at < len(pattern) and (m := _PIECE.match(pattern, at)):
        if m["end"]:
            return at
        if m["group"] or m["capture"] or m["look"]:
            break
        at = m.end() if not m["bad"] or m["bad"] == "(" else at + 1
    raise Unreadable(repr(pattern[at:at + 40]))


def _counted(item: Any, count: str, pattern: str, at: int) -> Item:
    """What `*`, `+` or `?` makes of the item before it."""
    match item:
        case Some(r"\s"):
            return Space("\n", False)
        case Some(of):
            return Some(of)
        case str() if item.isspace():
            return Space(item)
        case str() if count == "?":
            return Group(((item,),), True)
        case Group(options) if count == "?":
            return Group(options, True)
    raise Unreadable(repr(pattern[max(at - 20, 0):at + 1]))


def _joined(items: list[Item], item: Item) -> list[Item]:
    """Characters in a row are one text, and so is white space."""
    last = items[-1] if items else None
    if isinstance(item, str) and isinstance(last, str):
        return [*items[:-1], last + item]
    if isinstance(item, Space) and isinstance(last, Space):
        return [*items[:-1], Space(last.text + item.text * item.said, last.said and item.said) if last.said else item
                if item.said else last]
    return [*items, item]
