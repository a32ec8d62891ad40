"""What a JSON schema says of one string or number, as the regular expression of its literal.

The one rule: None is "any string" or "any number", and comes only where no keyword says more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..rules import Caps
from . import literals
from .keywords import Keywords, Nothing, is_number, place
from .literals import FORMATS, LONGEST, Notation
from .patterns import Unsupported

_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")


def string(keywords: Keywords, notation: Notation, caps: Caps, schema: Mapping[str, Any], at: str) -> str | None:
    """One of `pattern`, `format` and the lengths, in this order; the others of them are reported."""
    least, most = keywords.bounds(schema, "minLength", "maxLength", at)
    written = schema.keys() & {"minLength", "maxLength", "format"}
    known = FORMATS.get(str(schema.get("format")))
    text: str | None = None
    if "pattern" in schema:
        try:
            text = literals.matching(notation, schema["pattern"], caps.string)
        except Unsupported as error:
            keywords.skip(at, "pattern", f"{error} in it cannot be written as rules, so it is")
    if text is None and known is not None:
        text = literals.string(notation, lambda quote: f"(?:{known})")
        written.discard("format")
    elif text is None and "format" in written:
        keywords.skip(at, "format", f"{str(schema['format'])[:80]!r} is")
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
        if key in schema and not (key == "minimum" and schema[key] == 0):
            keywords.skip(at, key)
    least = (schema.get("minimum"), schema.get("exclusiveMinimum"))
    return literals.number(digits, sign=False) if any(is_number(one) and one >= 0 for one in least) else None


def integer(keywords: Keywords, digits: int | None, schema: Mapping[str, Any], at: str) -> str | None:
    """Every bound is enforced; `multipleOf` is reported."""
    if schema.get("multipleOf", 1) != 1:
        keywords.skip(at, "multipleOf")
    low, high = _limit(keywords, schema, "minimum", at), _limit(keywords, schema, "maximum", at)
    if low is None and high is None:
        return None
    if low is not None and high is not None and low > high:
        raise Nothing(f"{place(at)}: no value satisfies it, for `minimum` is above `maximum`")
    return literals.integers(low, high, digits)


def _limit(keywords: Keywords, schema: Mapping[str, Any], end: str, at: str) -> int | None:
    """The least or the greatest whole number allowed."""
    strict, sign = f"exclusive{end.capitalize()}", 1 if end == "minimum" else -1
    found: list[int] = []
    for key in (end, strict):
        value = schema.get(key)
        if value is None or isinstance(value, bool):
            continue
        if not is_number(value) or abs(value) >= 10**LONGEST:
            keywords.skip(at, key, f"{str(value)[:40]} cannot be held to, so it is")
            continue
        beyond = key == strict or schema.get(strict) is True  # true: as in draft 4
        nearest = math.ceil(value * sign)
        found.append(nearest + (beyond and nearest == value * sign))
    return sign * max(found) if found else None
