"""Finding things in what a template printed.

The one rule: nothing here knows what a template is; it is given texts, and says where in them something stands.
"""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

_DECODER = json.JSONDecoder()
# what bounds the work on a prompt that was made to be slow to read
_OFTEN = 8                                       # places of a word that are looked at
_NEAREST = 64                                    # brackets before it in which its value may begin
_FARTHEST = 4000                                 # characters before a word in which its value may begin


class Stretch(NamedTuple):
    """Where one text differs from another: text[start:end] stands in the place of other[start:other_end]."""

    start: int
    end: int
    other_end: int


def difference(text: str, other: str) -> Stretch:
    """The stretch of `text` that is not in `other`, between what they begin with and what they end with."""
    start = len(os.path.commonprefix((text, other)))
    most = min(len(text), len(other)) - start
    tail = len(os.path.commonprefix((text[::-1][:most], other[::-1][:most])))
    if cut := re.search(r"[<\[][^<>\[\]\s]{0,40}$", text[:start]):      # a mark that both begin with is one mark
        start = cut.start()
    end = len(text) - tail
    if re.search(r"[<\[][^<>\[\]\s]{0,40}$", text[start:end]) and (rest := re.match(r"[^<>\[\]\s]{0,40}[>\]]", text[end:])):
        end += rest.end()
    return Stretch(start, end, len(other) - tail)


def value_around(text: str, word: str, at: int = 0) -> tuple[Any, int, int] | None:
    """The largest JSON list or object that holds the first `word` from `at` on, and where it begins and ends."""
    return next(_values(text, word, at, _json), None)


def literal_around(text: str, word: str) -> tuple[Any, int, int] | None:
    """The same of Python's literals."""
    return next(_values(text, word, 0, _python), None)


def _values(text: str, word: str, at: int, read: Any) -> Iterator[tuple[Any, int, int]]:
    place = text.find(word, at)
    for _ in range(_OFTEN):
        if place < 0:
            return
        begins = [m.start() for m in re.finditer(r"[\[{]", text[max(0, place - _FARTHEST):place])]
        for start in begins[-_NEAREST:]:
            start += max(0, place - _FARTHEST)
            found = read(text, start)
            if found is not None and found[1] > place:
                yield found[0], start, found[1]
                break
        place = text.find(word, place + 1)


def _json(text: str, start: int) -> tuple[Any, int] | None:
    try:
        return _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None


def _python(text: str, start: int) -> tuple[Any, int] | None:
    """A list or dict in Python's notation: up to the bracket that closes it, strings aside."""
    depth, quote, i = 0, "", start
    while i < min(len(text), start + 2 * _FARTHEST):
        c = text[i]
        if quote:
            if c == "\\":
                i += 1
            elif c == quote:
                quote = ""
        elif c in "'\"":
            quote = c
        elif c in "[{(":
            depth += 1
        elif c in "]})":
            depth -= 1
            if not depth:
                try:
                    return ast.literal_eval(text[start:i + 1]), i + 1
                except (ValueError, SyntaxError, MemoryError, RecursionError):
                    return None
        i += 1
    return None


def holds(value: Any, wanted: Any) -> bool:
    """Is this value, or anything inside it, the wanted one?"""
    if value == wanted and type(value) is type(wanted):
        return True
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(holds(one, wanted) for one in inside)


def named(value: Any, name: str) -> dict[str, Any] | None:
    """The innermost object with a member of this value: what describes or calls the function."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inside:
        if (found := named(one, name)) is not None:
            return found
    return value if isinstance(value, dict) and name in [v for v in value.values() if isinstance(v, str)] else None


def scattered(text: str, word: str) -> bool:
    """Do the word's characters stand there one by one, with the same kind of thing between them?"""
    if len(word) < 4 or word in text:
        return False
    gap = r"[^\w]{1,24}(?:\d{1,3}[^\w]{1,24})?"
    return re.search(gap.join(map(re.escape, word.replace(" ", "")[:6])), text) is not None


def shown(text: str, most: int = 160) -> str:
    """A stretch of text as evidence: the middle left out of what is long."""
    return text if len(text) <= most else f"{text[:most // 2]} … {text[-most // 2:]}"
