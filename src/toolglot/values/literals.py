"""How values are written, in JSON and in Python: strings, numbers and formats as regular expressions.

The one rule: what differs between the two notations is in `Notation`, and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..rules import Rule, Seq, Whitespace
from . import patterns
from .patterns import ANY, Ranges, Unsupported

LONGEST = 15  # digits of a bound that is enforced: llguidance holds to no longer ones


PATTERN = 20_000  # characters of a pattern that is enforced


@dataclass(frozen=True)
class Notation:
    """`words`: how true, false and null are written. `chars`: each quote, and one character between two of them.

    `escapes`: the characters that a pattern's string holds only as these. `write` gives a value's text. `gap` is what
    may stand between two tokens.
    """

    name: str
    words: Mapping[str, str]
    item: str
    key: str
    write: Callable[[Any], str]
    chars: Mapping[str, str]
    escapes: Mapping[str, str]
    gap: Rule


_HEX = "[0-9A-Fa-f]"
_BMP = rf"(?:[0-9A-CE-Fa-ce-f]{_HEX}{{3}}|[Dd][0-7]{_HEX}{{2}})"  # no half of a surrogate pair
_PAIR = rf"[Dd][89ABab]{_HEX}{{2}}\\u[Dd][C-Fc-f]{_HEX}{{2}}"
_JSON_CHAR = rf'(?:[^\x00-\x1F\x22\x5C]|\\(?:["\\/bfnrt]|u(?:{_BMP}|{_PAIR})))'
_PYTHON_ESCAPE = rf"""\\(?:[\\'"nrt]|x{_HEX}{{2}}|u{_BMP}|U00(?:0[1-9A-Fa-f]|10){_HEX}{{4}})"""
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\\": r"\\"}


def _dump(value: Any, item: str, key: str) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(item, key))
    lone = not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text)
    return json.dumps(value, allow_nan=False, separators=(item, key)) if lone else text


def _repr(value: Any) -> str:
    json.dumps(value, allow_nan=False)  # what is not JSON is no literal either
    return repr(value)


def json_notation(space: Whitespace) -> Notation:
    """JSON with these separators; a value's own text has every character as it is, where JSON allows that."""
    words = {"true": "true", "false": "false", "null": "null"}
    escapes = {**_SHORT, "\b": r"\b", "\f": r"\f"}
    write = partial(_dump, item=space.item, key=space.key)
    item, key = (",", ":") if space.most else (space.item, space.key)
    return Notation("json", words, item, key, write, {'"': _JSON_CHAR}, escapes, space.gap)


PYTHON = Notation(
    "python",
    {"true": "True", "false": "False", "null": "None"},
    ", ",
    ": ",
    _repr,
    {quote: rf"(?:[^\x00-\x1F\x5C\x{ord(quote):02X}]|{_PYTHON_ESCAPE})" for quote in "'\""},
    _SHORT,
    Seq(()),
)


def string(notation: Notation, inside: Callable[[str], str]) -> str:
    """A string; `inside` says for each quote what may stand between two of them."""
    return "|".join(quote + inside(quote) + quote for quote in notation.chars)


def any_string(notation: Notation, least: int, most: int | None) -> str:
    """A string of so many characters: a character is one however it is escaped."""
    return string(notation, lambda quote: notation.chars[quote] + patterns.times(least, most))


def matching(notation: Notation, pattern: object, longest: int | None) -> str:
    """A string in which a JSON schema pattern is found; `longest` for its open ends. Raises Unsupported.

    Each character has one spelling: itself, or its short escape. Other control characters cannot stand in it.
    """
    if not isinstance(pattern, str):
        raise Unsupported("what is no text")
    if len(pattern) > PATTERN:
        raise Unsupported(f"more than {PATTERN:,} characters")
    text = pattern

    def inside(quote: str) -> str:
        build = patterns.as_text(lambda chars: _spelled(notation, quote, chars), longest)
        return patterns.read(text, build, search=True)

    return string(notation, inside)


def other_than(notation: Notation, words: Iterable[str], longest: int | None) -> str:
    """A string that is none of `words`: it begins as one of them, or as none, and parts from it, or stops short of it.

    Up to where it parts each character has one spelling, so that no escape can smuggle a word in.
    """
    known = set(words)
    following: dict[str, set[str]] = {"": set()}
    for word in known:
        for at, char in enumerate(word):
            following.setdefault(word[:at], set()).add(char)
            following.setdefault(word[: at + 1], set())

    def inside(quote: str) -> str:
        def spelled(chars: Ranges) -> str:
            return _spelled(notation, quote, chars)

        def exactly(text: str) -> str:
            return "".join(spelled(((ord(char), ord(char)),)) for char in text)

        parted = [
            exactly(begin) + spelled(patterns.without(ANY, [(ord(char), ord(char)) for char in sorted(taken)]))
            for begin, taken in following.items()
        ]
        short = [exactly(begin) for begin in following if begin not in known]
        return f"(?:(?:{'|'.join(parted)}){notation.chars[quote]}{patterns.times(0, longest)}|{'|'.join(short)})"

    return string(notation, inside)


def _spelled(notation: Notation, quote: str, chars: Ranges) -> str:
    escapes = {**notation.escapes, quote: "\\" + quote}
    plain = patterns.without(chars, [(0, 31), *((ord(char), ord(char)) for char in escapes)])
    inside = [text for char, text in escapes.items() if any(low <= ord(char) <= high for low, high in chars)]
    options = [patterns.one_class(plain)] * bool(plain) + [text.replace("\\", r"\\") for text in inside]
    if not options:
        raise Unsupported("a class of control characters")
    return f"(?:{'|'.join(options)})" if len(options) > 1 else options[0]


# -- numbers


def number(digits: int | None, sign: bool = True) -> str:
    """A number that a double holds; at most `digits` before the point and as many after it."""
    fraction = patterns.times(1, None if digits is None else max(digits, 1))
    exponent = r"[eE](?:[+\-]?(?:[0-9]{1,2}|[12][0-9]{2}|30[0-8])|-3[0-2][0-9])"
    return f"{'-?' if sign else ''}{_whole(digits)}(?:\\.[0-9]{fraction})?(?:{exponent})?"


def integers(low: int | None, high: int | None, digits: int | None) -> str:
    """The whole numbers from `low` to `high`, both in; where one is None, as long as `digits` allow."""
    if low is None and high is None:
        return f"-?{_whole(digits)}"
    options: list[str] = []
    if low is None or low < 0:
        least = 1 if high is None else max(1, -high)
        options += ["-" + one for one in _magnitudes(least, None if low is None else -low, digits)]
    if high is None or high >= 0:
        options += _magnitudes(max(low or 0, 0), high, digits)
    return f"(?:{'|'.join(options)})"


def _whole(digits: int | None) -> str:
    return f"(?:0|[1-9][0-9]{patterns.times(0, None if digits is None else max(digits - 1, 0))})"


def _magnitudes(low: int, high: int | None, digits: int | None) -> list[str]:
    """For each length the numbers of that length; where all of several lengths are in, in one expression."""
    shortest = len(str(low))
    longest = shortest if high is None else len(str(high))
    found: list[str] = []
    for length in range(shortest, longest + 1):
        least = max(low, 10 ** (length - 1) if length > 1 else 0)
        most = 10**length - 1 if high is None else min(high, 10**length - 1)
        found += _same_length(str(least), str(most))
    if high is None and (digits is None or digits > shortest):
        found.append(f"[1-9][0-9]{patterns.times(shortest, None if digits is None else digits - 1)}")
    return found


def _same_length(low: str, high: str) -> list[str]:
    rest = len(low) - 1
    if set(low) <= {"0"} and set(high) <= {"9"}:
        return [f"[0-9]{patterns.times(len(low), len(low))}" if low else ""]
    if low[0] == high[0]:
        return [low[0] + more for more in _same_length(low[1:], high[1:])]
    first, last = int(low[0]), int(high[0])
    found: list[str] = []
    if set(low[1:]) - {"0"}:
        found += [low[0] + more for more in _same_length(low[1:], "9" * rest)]
        first += 1
    if set(high[1:]) - {"9"}:
        found += [high[0] + more for more in _same_length("0" * rest, high[1:])]
        last -= 1
    if first <= last:
        found.append(f"[{first}-{last}]" + (f"[0-9]{patterns.times(rest, rest)}" if rest else ""))
    return found


# -- formats (RFC 3339 without leap seconds, RFC 4122, RFC 791; of RFC 5321 the addresses that people have)

_LEAP = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29"
_DATE = (
    "(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    f"|02-(?:0[1-9]|1[0-9]|2[0-8]))|{_LEAP})"
)
_CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_TIME = rf"{_CLOCK}:[0-5][0-9](?:\.[0-9]{{1,9}})?(?:Z|[+\-]{_CLOCK})"
_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
_LOCAL = r"[A-Za-z0-9_+\-]{1,32}(?:\.[A-Za-z0-9_+\-]{1,32}){0,7}"
FORMATS: Mapping[str, str] = {  # none of them has a character that a string escapes
    "date": _DATE,
    "time": _TIME,
    "date-time": f"{_DATE}T{_TIME}",
    "uuid": "-".join(f"{_HEX}{{{count}}}" for count in (8, 4, 4, 4, 12)),
    "ipv4": rf"{_BYTE}(?:\.{_BYTE}){{3}}",
    "email": rf"{_LOCAL}@{_LABEL}(?:\.{_LABEL}){{1,7}}",
}
