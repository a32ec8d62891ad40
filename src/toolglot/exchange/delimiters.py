"""The openers and closers of a response template as templates of a dialect.

The one rule: what was written with some leeway is written in one way here, and read as freely as dialects are read; where
the leeway is more than a dialect can have, it is an error with its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..spec import ECHO, ID, INDEX, KEY, NAME, VALUE, Either, Template
from .dialect_json import DialectError
from .patterns import NAMED, Again, Capture, Edge, Group, Look, Sequence, Some, Space, Unreadable, alternatives, shown

CAPTURED = {"name": NAME, "id": ID, "key": KEY, "value": VALUE}


@dataclass
class Findings:
    """What the fields of a template say of the whole reply, and what had to be guessed."""

    stop: list[str] = field(default_factory=list)
    noise: list[str] = field(default_factory=list)
    begins: list[str] = field(default_factory=list)      # what ends words without belonging to them, as it begins others
    joins: list[str] = field(default_factory=list)       # and what does so without any white space before it
    notes: list[str] = field(default_factory=list)

    def note(self, words: str) -> None:
        if words not in self.notes:
            self.notes.append(words)


def delimiter(one: Mapping[str, Any], key: str, at: str) -> tuple[Sequence, ...]:
    """An opener or closer as the sequences that it is a choice of; none where there is none."""
    if key in one and f"{key}_pattern" in one:
        raise DialectError(f"{at}: expected {key} or {key}_pattern, found both")
    if key in one:
        given = [one[key]] if isinstance(one[key], str) else one[key]
        if not isinstance(given, list) or not given or not all(isinstance(text, str) and text for text in given):
            raise DialectError(f"{at}.{key}: expected a text or a list of texts, found {one[key]!r}")
        return tuple((text,) for text in given)
    given = one.get(f"{key}_pattern")
    return () if given is None else pattern(given, f"{at}.{key}_pattern")


def pattern(given: Any, at: str) -> tuple[Sequence, ...]:
    if not isinstance(given, str):
        raise DialectError(f"{at}: expected a regular expression, found {given!r}")
    try:
        return alternatives(given)
    except Unreadable as error:
        raise DialectError(f"{at}: expected markers, names and white space, found {error}") from None


def one_of(options: tuple[Sequence, ...], at: str, found: Findings) -> Template:
    """A choice as a template: one sequence as it is, more as the spellings of one literal."""
    return nodes(options[0], at, found) if len(options) == 1 else (Either(*texts(options, at)),) if options else ()


def texts(options: Iterable[Sequence], at: str, inside: bool = False) -> list[str]:
    """The texts that a choice of plain markers is. White space at their edges counts `inside` of a longer one."""
    out: list[str] = []
    for items in options:
        parts = [""]
        for item in items:
            match item:
                case str():
                    parts = [p + item for p in parts]
                case Space(text, said):
                    parts = [p + (text if p or (inside and said) else "") for p in parts]
                case Group(inner, optional):
                    parts = [p + o for p in parts for o in (*texts(inner, at, inside), *([""] if optional else []))]
                case Edge() | Look():
                    pass                         # where it stands, or what else must, is the parser's to know
                case _:
                    raise DialectError(f"{at}: expected a marker, found {shown(item)}")
        if len(parts) * len(out) > 1_000:
            raise DialectError(f"{at}: expected a few markers, found more than 1,000")
        out += [p.rstrip() if items and isinstance(items[-1], Space) and not inside else p for p in parts]
    return [text for text in dict.fromkeys(out) if text.strip()]


def nodes(items: Sequence, at: str, found: Findings) -> Template:
    """A sequence as a template: literals, slots, and choices of literals."""
    out: list[Any] = []
    for item in items:
        match item:
            case str() | Space():
                out.append(item if isinstance(item, str) else item.text)
            case Capture(word) if word in CAPTURED:
                out.append(CAPTURED[word])
            case Again("key"):
                out.append(KEY)
            case Some(r"\d"):
                out.append(INDEX)
            case Some(of) if f"{of}+" == NAMED:
                out.append(ECHO)
            case Group(options, True) if not out and len(first := texts(options, at)) == 1:
                found.note(f"{at}: {first[0]!r} is always written; the template takes the words without it too")
                out += first
            case Group(options, optional):
                out += _choice(options, optional, at, found)
            case Look() | Edge():
                pass
            case _:
                raise DialectError(f"{at}: expected markers, white space and the groups {', '.join(CAPTURED)}, found "
                                   f"{shown(item)!r}, of which a dialect cannot tell what to write")
    return merged(out)


def merged(parts: Iterable[Any]) -> Template:
    """Texts in a row as one literal."""
    out: list[Any] = []
    for node in parts:
        if isinstance(node, str) and out and isinstance(out[-1], str):
            out[-1] += node
        elif node != "":
            out.append(node)
    return tuple(out)


def _choice(options: tuple[Sequence, ...], optional: bool, at: str, found: Findings) -> list[Any]:
    known = texts(options, at, inside=True)
    if any(items and isinstance(items[0], Edge) for items in options):
        found.note(f"{at}: what begins with the reply itself is known by its prompt here")
    if len(known) == 1 and not optional:
        return known
    return [Either(*known, *([""] if optional else []))] if known else []
