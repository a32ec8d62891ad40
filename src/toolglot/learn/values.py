"""How arguments are written: which encoding it is, and with which of its options.

The one rule: an encoding is recognised by its structure with one argument, and its options by values of every type; what
none of them can write is left to the proof, which decides whether it is read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..render import dumps, encode, in_tags
from ..spec import VALUE, Delimited, Encoding, Json, Pythonic, Tagged
from .probe import LearnError

SEPARATORS = ((", ", ": "), (",", ":"), (",", ": "), (", ", ":"))
TYPED: dict[str, Any] = {"city": "Paris", "days": 2, "ratio": 1.5, "near": True, "none": None, "tags": ["x", 1, None, True],
                         "place": {"lat": 1.5, "known": True, "note": "y"}, "bare": {}, "empty": []}
_DECODER = json.JSONDecoder()


class Found(NamedTuple):
    """Where the arguments of one call stand in a text, and how they are written there."""

    kind: str                                    # json, pythonic, delimited, tagged
    start: int
    end: int
    quote: str = ""


def find_arguments(text: str, key: str, value: str, after: int = 0) -> Found:
    """The one argument of a call, a word under a word. Raises LearnError for a shape that nothing here can write."""
    at = text.index(key, after)
    end = text.find(value, at)
    if end < 0:
        raise LearnError(f"arguments: the value of an argument does not stand behind its name: {text[at - 20:at + 60]!r}")
    end += len(value)
    if span := _json_around(text, at, {key: value}):
        return Found("json", *span)
    for quote in "'\"":
        if text[max(at - 2, 0):at] == "{" + quote and text[at + len(key)] == quote:
            raise LearnError(f"arguments: written as Python's repr of a dict, which no encoding here is: "
                             f"{text[at - 2:end + 3]!r}")
    if re.search(r"\{\\+\"$", text[:at]):
        raise LearnError(f"arguments: written as a JSON string that holds JSON: {text[max(at - 20, 0):end + 8]!r}")
    if m := re.compile(rf"{key}=(['\"]){value}\1").match(text, at):
        return Found("pythonic", at, m.end())
    if text[at - 1:at] == "{" and (m := re.compile(rf"{key}:\s?(\S+?){value}(\1)\}}").match(text, at)):
        return Found("delimited", at - 1, m.end(), m[1])
    if m := re.compile(rf"{key}=\s?{value}").match(text, at):
        raise LearnError(f"arguments: strings stand without quotes, so that their types are lost: {m[0]!r}")
    return Found("tagged", at, end)


def _json_around(text: str, at: int, value: Any) -> tuple[int, int] | None:
    """The innermost JSON object around a place, if it is this value."""
    begin = text.rfind("{", 0, at)
    while begin >= 0:
        try:
            found, end = _DECODER.raw_decode(text, begin)
        except ValueError:
            pass
        else:
            return (begin, end) if found == value and end > at else None
        begin = text.rfind("{", 0, begin)
    return None


def json_span(text: str, begin: int) -> tuple[Any, int] | None:
    """The JSON value that begins here, and where it ends."""
    try:
        found, end = _DECODER.raw_decode(text, begin)
    except ValueError:
        return None
    return found, end


def options(kind: str, quote: str) -> list[Encoding]:
    """The encodings that a kind may be, the likeliest first."""
    match kind:
        case "json":
            return [Json(s) for s in SEPARATORS]
        case "pythonic":
            return [Pythonic(), Pythonic(json=True)]
        case _:
            return [Delimited(quote), Delimited(quote, ordered=False)]


def nearest(encodings: list[Encoding], text: str, arguments: Mapping[str, Any]) -> tuple[Encoding, bool]:
    """The encoding that writes these arguments as they stand in the text; else the first, and False."""
    for encoding in encodings:
        if encode(encoding, arguments) in text:
            return encoding, True
    return encodings[0], False


def untagged(written: Mapping[str, str]) -> tuple[bool | str, bool]:
    """Tagged.python, of values of each type as they stand between tags, and whether all of them are written so."""
    for python in (False, "scalars", True, "all"):
        tagged = Tagged((VALUE,), python=python)
        if all("".join(t for t, _, _ in in_tags(tagged, TYPED[k])) == text for k, text in written.items()):
            return python, True
    scalars, lists, objects = (any(written.get(k) == str(TYPED[k]) != dumps(TYPED[k]) for k in keys)
                               for keys in (("near", "none"), ("tags",), ("place",)))
    return ("all" if objects else True if lists else "scalars" if scalars else False), False
