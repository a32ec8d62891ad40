"""JSON as people wrote it: strict, with Python's literals in it, quoted once more than it should be.

The one rule: what comes out is what JSON can say (finite numbers, whole characters, at most 64 levels), or it is a
RowError. Nothing is evaluated, and the time is linear in the text.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

from ..cursor import Cursor, Limits, Mismatch, read_json
from ..message import sound
from .row import RowError

DEPTH = 64
_MOST = sys.float_info.max
_SHOWN = 60                 # characters of what came, in an error


def _float(text: str) -> float:
    return max(-_MOST, min(_MOST, float(text)))


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)              # NaN and Infinity: Python writes them, JSON has them not


_DECODER = json.JSONDecoder(parse_float=_float, parse_constant=_no_number, strict=False)
_decode = _DECODER.decode


def read(text: str, at: str) -> Any:
    """The value that a text holds: JSON, or what Python would have printed for it. Raises RowError."""
    try:
        value = _decode(text)
    except (ValueError, RecursionError):
        written = read_json(text, python=True)
        if written is None:
            raise RowError("broken JSON", at, f"expected a JSON value, found {shown(text)}") from None
        value = _decode(written)
    return _checked(value, text, at)


def read_at(text: str, start: int, at: str) -> tuple[Any, int]:
    """The value that begins at `start`, and where it ends. Raises RowError."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        written, end = _python_at(text, start, at)
        value = _decode(written)
    return _checked(value, text[start:end], at), end


def _python_at(text: str, start: int, at: str) -> tuple[str, int]:
    cursor, out = Cursor(Limits()), list[str]()
    cursor.feed(text)
    cursor.eof, cursor.pos = True, start
    try:
        for _ in cursor.value(out.append, True):
            pass
    except Mismatch as wrong:
        detail = f"expected {wrong.expected}, found {wrong.found}"
        raise RowError("broken JSON", at, f"{detail}, in {shown(text[start:start + 400])}") from None
    return "".join(out), cursor.pos


def _checked(value: Any, text: str, at: str) -> Any:
    """The value, looked into where the text says that it may hold what no JSON text in UTF-8 can."""
    if (text.isascii() and "\\u" not in text) and text.count("{") + text.count("[") <= DEPTH:
        return value
    return plain(value, at)


def plain(value: Any, at: str, depth: int = DEPTH) -> Any:
    """The value as new lists and dicts, with whole characters and finite numbers in it. Raises RowError for others."""
    if value.__class__ is str:
        return value if value.isascii() else sound(value)
    if value is None or value.__class__ is bool or value.__class__ is int:
        return value
    if depth == 0:
        raise RowError("nested too deep", at, f"expected at most {DEPTH} levels")
    if isinstance(value, Mapping):
        return {plain_key(k, at): plain(v, at, depth - 1) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v, at, depth - 1) for v in value]
    if isinstance(value, float) and -_MOST <= value <= _MOST:
        return value
    raise RowError("broken JSON", at, f"expected what JSON can say, found {shown(value)}")


def plain_key(key: Any, at: str) -> str:
    if not isinstance(key, str):
        raise RowError("broken JSON", at, f"expected keys that are strings, found {shown(key)}")
    return key if key.isascii() else sound(key)


def read_inner(value: Any, at: str) -> Any:
    """The value itself, or what its text holds where it was encoded once more, or twice."""
    for _ in range(2):
        if not isinstance(value, str):
            break
        value = read(value, at)
    return value


def dumps(value: Any) -> str:
    """A value as text, as results are written."""
    return json.dumps(value, ensure_ascii=False)


def shown(value: Any) -> str:
    """A value for people to see in an error, cut to a length."""
    if isinstance(value, (dict, list)):
        text = ("an object" if isinstance(value, dict) else "a list") + f" of {len(value)}"
    else:
        text = repr(value[:_SHOWN + 1] if isinstance(value, str) else value)
    return text if len(text) <= _SHOWN else text[:_SHOWN - 1] + "…"


__all__ = ["DEPTH", "dumps", "plain", "read", "read_at", "read_inner", "shown"]
