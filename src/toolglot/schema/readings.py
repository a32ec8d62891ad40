"""What a text surely stands for as a value of another type.

One rule: a text is read only if nothing of it is lost.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection
from typing import Any

_NUMBER = re.compile(r"[+-]?(?P<whole>[0-9]*)(?:\.(?P<part>[0-9]*))?(?:[eE](?P<power>[+-]?[0-9]{1,3}))?")
_GROUPS = re.compile(r"[+-]?[1-9][0-9]{0,2}([,_ \u00a0\u202f])[0-9]{3}(?:\1[0-9]{3})*(?:\.[0-9]+)?")
_LONG = 300
_DIGITS = 17  # as many as a float keeps
_BETWEEN = re.compile(r"(?<=[^\W_])[\s_-]+(?=[^\W_])")


def read_number(text: str, types: Collection[str]) -> int | float | None:
    """The number that a text is, thousands grouped or not, of the types "integer" and "number" as they are due."""
    if len(text) > _LONG:
        return None
    if grouped := _GROUPS.fullmatch(text):
        text = text.replace(grouped[1], "")
    match = _NUMBER.fullmatch(text)
    if not match:
        return None
    digits, power = match["whole"] + (match["part"] or ""), int(match["power"] or 0) - len(match["part"] or "")
    if not digits:
        return None
    if "number" not in types:
        whole, rest = (digits[:power], digits[power:]) if power < 0 else (digits + "0" * power, "")
        return None if rest.strip("0") else int(whole or "0") * (-1 if text[0] == "-" else 1)
    if match["part"] is None and match["power"] is None:
        return int(text)
    number = float(text)
    kept = len(digits.strip("0")) <= _DIGITS and math.isfinite(number) and (number != 0 or not digits.strip("0"))
    return number if kept else None


def read_json(text: str) -> Any:
    """The object or the list that a JSON text is; None for any other, and for one with a name that comes twice."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text, object_pairs_hook=_members, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        return None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError
    return members


def _finite(written: str) -> float:
    number = float(written)
    if not math.isfinite(number):
        raise ValueError(written)
    return number


def _refuse(written: str) -> None:
    raise ValueError(written)


def folded(text: str) -> str:
    """The same for texts that differ in case, in the spaces around them, and in what parts their words."""
    return _BETWEEN.sub(" ", text.strip()).casefold()
