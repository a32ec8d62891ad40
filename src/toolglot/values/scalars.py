"""What a JSON schema says of one string or number, as the regular expression of its literal.

The one rule: None is "any string" or "any number", and comes only where no keyword says more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeGuard, Union

from ..rules import Caps
from . import literals
from .keywords import Keywords, Nothing, is_number, place, shown
from .literals import FORMATS, LONGEST, Notation
from .patterns import Build, Unsupported, read

_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")


def string(keywords: Keywords, notation: Notation, caps: Caps, schema: Mapping[str, Any], at: str) -> str | None:
    """One of `pattern`, `format` and the lengths, in this order; the others of them are reported."""
    least, most = keywords.bounds(schema, "minLength", "maxLength", at)
    written = schema.keys() & {"minLength", "maxLength", "format"}
    known = FORMATS.get(str(schema.get("format")))
    text: str | None = None
    if "pattern" in schema:
        try:
            matching = literals.matching(notation, schema["pattern"], caps.string)
            fits(schema["pattern"], least, most, at)
            text = matching
        except Unsupported as error:
            keywords.skip(at, "pattern", f"{error} in it cannot be written as rules, so it is")
    if text is None and known is not None:
        text = literals.string(notation, lambda quote: f"(?:{known})")
        written.discard("format")
    elif text is None and "format" in written:
        keywords.skip(at, "format", f"{shown(schema['format'])} is")
    if text is not None:
        for key in sorted(written):
            keywords.skip(at, key, "beside `pattern` or `format` it is")
        return text
    if most is None and caps.string is not None:
        most = max(caps.string, least)
    return None if (least, most) == (0, caps.string) else literals.any_string(notation, least, most)


def number(keywords: Keywords, digits: int | None, schema: Mapping[str, Any], at: str) -> str | None:
    """Of bounds only the sign is enforced: that is all there is to `minimum` 0, the others are reported."""
    for key in _NUMBERS:
        if key in schema and not (key == "minimum" and is_number(schema[key]) and schema[key] == 0):
            keywords.skip(at, key)
    low, high = _limit(schema, "minimum"), _limit(schema, "maximum")
    if low and high and (low[0] > high[0] or (low[0] == high[0] and (low[1] or high[1]))):
        raise Nothing(f"{place(at)}: no value satisfies it, for `minimum` is above `maximum`")
    return literals.number(digits, sign=False) if low and low[0] >= 0 else None


def integer(keywords: Keywords, digits: int | None, schema: Mapping[str, Any], at: str) -> str | None:
    """Every bound is enforced; `multipleOf` is reported."""
    if schema.get("multipleOf", 1) != 1:
        keywords.skip(at, "multipleOf")
    low, high = bounds(keywords, schema, at)
    return None if low is None and high is None else literals.integers(low, high, digits)


def bounds(keywords: Keywords, schema: Mapping[str, Any], at: str) -> tuple[int | None, int | None]:
    """The least and the greatest whole number allowed, as far as every notation can hold to them."""
    ends: list[int | None] = []
    for end in ("minimum", "maximum"):
        for key in (end, f"exclusive{end.capitalize()}"):
            if key in schema and not (is_number(schema[key]) and abs(schema[key]) < 10**LONGEST):
                keywords.skip(at, key, f"{shown(schema[key])} cannot be held to, so it is")
        limit = _limit(schema, end)
        if limit is None:
            ends.append(None)
            continue
        nearest = math.ceil(limit[0]) if end == "minimum" else math.floor(limit[0])
        step = 1 if end == "minimum" else -1
        ends.append(nearest + step * (limit[1] and nearest == limit[0]))
    low, high = ends
    if low is not None and high is not None:
        if low > high:
            raise Nothing(f"{place(at)}: no value satisfies it, for `minimum` is above `maximum`")
        step_of = schema.get("multipleOf")
        if is_step(step_of) and high // int(step_of) * int(step_of) < low:
            raise Nothing(f"{place(at)}: no value satisfies it, for no multiple of {shown(step_of)} is in its bounds")
    return low, high


def is_step(value: object) -> TypeGuard[int | float]:
    """Whether `multipleOf` is a whole number that can be divided by."""
    return is_number(value) and value >= 1 and value == int(value)


def _limit(schema: Mapping[str, Any], end: str) -> tuple[int | float, bool] | None:
    """The tighter of a bound and its strict form, and whether it is strict."""
    found = [(schema[key], key != end) for key in (end, f"exclusive{end.capitalize()}")
             if is_number(schema.get(key)) and abs(schema[key]) < 10**LONGEST]
    sign = 1 if end == "minimum" else -1
    return max(found, key=lambda one: (one[0] * sign, one[1]), default=None)


# -- lengths beside a pattern

FORCED = 5_000  # characters that a text must have: llguidance cuts forced ones into tokens at once, in quadratic time
_Room = tuple[int, Union[int, None], bool]  # the shortest text, the longest, and whether each length between is one
_LENGTHS: Build[_Room] = Build(
    lambda _: (1, 1, True),
    lambda items: _after(items),
    lambda options: _either(options),
    lambda item, least, most: _often(item, least, most),
)


def shortest(pattern: str) -> int:
    """The characters of the shortest text that a whole pattern matches."""
    return read(pattern, _LENGTHS)[0]


def fits(pattern: str, least: int, most: int | None, at: str) -> bool:
    """Whether a pattern's texts surely have some of so many characters; False where that is hard to say.

    Raises Nothing where they have none, and Unsupported where all of them are very long.
    """
    fewest, longest, dense = read(pattern, _LENGTHS, search=True)
    if (most is not None and fewest > most) or (longest is not None and longest < least):
        raise Nothing(f"{place(at)}: no value satisfies it, for no text that `pattern` matches has such a length")
    if fewest > FORCED:
        raise Unsupported(f"a text of more than {FORCED:,} characters")
    return dense


def _after(items: list[_Room]) -> _Room:
    longest = [one for _, one, _ in items]
    return (sum(one for one, _, _ in items), None if None in longest else sum(one or 0 for one in longest),
            all(dense for _, _, dense in items))


def _either(options: list[_Room]) -> _Room:
    dense = True
    reached: int | None = min(one for one, _, _ in options) - 1
    for shortest, longest, whole in sorted(options, key=lambda one: one[0]):
        dense = dense and whole and (reached is None or shortest <= reached + 1)
        reached = None if reached is None or longest is None else max(reached, longest)
    return min(one for one, _, _ in options), reached, dense


def _often(item: _Room, least: int, most: int | None) -> _Room:
    shortest, longest, dense = item
    most = 0 if longest == 0 else most
    end = None if longest is None or most is None else longest * most
    one_more = longest is None or (least + 1) * shortest <= least * longest + 1
    return shortest * least, 0 if most == 0 else end, dense and (most == least or one_more)
