"""A tool's schema in JSON schema's own words, and what is made of one, kept while the schema says the same.

One rule: what makes no sense in a schema, or might be searched for ever, is left out and never guessed at.
"""

from __future__ import annotations

import marshal
import math
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeVar

from .types import is_float, listed, type_name

_Made = TypeVar("_Made")
_KEPT = 256
STEPS = 10_000  # keywords tried on one value, and a hundred more for each value inside it
FLOAT = "x-float"  # beside "number", where the schema says that it is not JSON's but a programming language's float
_MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_DATA = frozenset({"enum", "const", "dependentRequired"})
OTHERS = frozenset({"patternProperties", "additionalProperties", "unevaluatedProperties"})
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_SHAPES: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(_NUMBERS + _COUNTS, (int, float)),
    **dict.fromkeys(_MAPS | {"dependentRequired"}, Mapping),
    **dict.fromkeys(("enum", "required", "anyOf", "oneOf", "allOf", "prefixItems"), list),
    **dict.fromkeys(("pattern", "$ref", "$id", "$anchor", "$dynamicRef", "$dynamicAnchor"), str),
    **dict.fromkeys(("items", "additionalProperties", "not", "contains", "propertyNames"), (Mapping, bool)),
    **dict.fromkeys(("if", "then", "else", "unevaluatedProperties", "unevaluatedItems"), (Mapping, bool)),
    "uniqueItems": bool,
}


def kept(make: Callable[[Any, int], _Made]) -> Callable[[Any, int], _Made]:
    """`make(schema, longest)`, where `longest` is the longest name in a value, made once for each of the last schemas.

    A schema is known by its content: its author may change it, and what is made of it is made of a copy.
    """

    @lru_cache(_KEPT)
    def of(written: bytes, longest: int) -> _Made:
        return make(marshal.loads(written), longest)

    def find(schema: Any, longest: int) -> _Made:
        try:
            written = marshal.dumps(schema)
        except ValueError:  # it is no plain data (a mapping of another kind, say), or too deep
            return make(schema, longest)
        return of(written, longest if b"patternProperties" in written else 0)  # names are searched by nothing else

    return find


def plain(schema: object, longest: int) -> Any:
    """The schema in JSON schema's own words (type names, `nullable`, lists of items), without what makes no sense.

    No name in a value that it is meant for has more than `longest` characters.
    """
    return _plain(schema, longest, iter(range(STEPS * 10)))


def _plain(schema: object, longest: int, nodes: Iterator[int]) -> Any:
    if not isinstance(schema, Mapping):
        return {"not": {}} if schema is False else True  # jsonschema loses the place of a bare false
    if next(nodes, None) is None:
        raise RecursionError
    said: dict[str, Any] = {}
    for key, value in schema.items():
        shape = _SHAPES.get(key)
        if key == "items" and isinstance(value, list):  # before 2020-12
            key, shape = "prefixItems", list
        if key == "$schema" or (shape and not isinstance(value, shape)) or (value == [] and key != "const"):
            continue
        if key == "type":
            names = [type_name(t) for t in listed(value)]
            said |= {"type": names} if names and None not in names else {}
            said |= {FLOAT: True} if any(is_float(t) for t in listed(value)) else {}
        elif key in _NUMBERS + _COUNTS and (isinstance(value, bool) or (key == "multipleOf" and value <= 0)):
            continue
        elif key == "required":
            said[key] = [name for name in value if isinstance(name, str)]
        elif key in _MAPS:
            said[key] = {name: _plain(one, longest, nodes) for name, one in value.items()}
        elif key in _DATA or not isinstance(value, (Mapping, list)):
            said[key] = value
        elif isinstance(value, list):
            said[key] = [_plain(one, longest, nodes) for one in value]
        else:
            said[key] = _plain(value, longest, nodes)
    patterns = said.get("patternProperties", {})
    if not all(cheap(pattern, longest) for pattern in patterns):  # nothing is known of what they would have matched
        said = {k: v for k, v in said.items() if k not in OTHERS}
    return _nullable(said)


def _nullable(said: dict[str, Any]) -> dict[str, Any]:
    if said.pop("nullable", None) is not True:
        return said
    if "type" not in said:
        return {"anyOf": [said, {"type": ["null"]}]}
    said["type"] = [*said["type"], "null"]
    if "enum" in said:
        said["enum"] = [*said["enum"], None]
    return said


_ATOM = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.S)
_CHOICE = re.compile(r"(?P<group>\))?(?:[*+]|\{(?P<low>\d{0,9})(?P<to>,?)(?P<high>\d{0,9})\})|(?<!\()\?|\|")


def cheap(pattern: str, length: int) -> bool:
    """Whether searching `length` characters takes a second at most: its ways to backtrack, counted from above.

    Python's matcher tries every way to divide a text among the repeats, and cannot be stopped while it does.
    """
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return False
    ways, rounds = 1.0, 1.0
    for choice in _CHOICE.finditer(_ATOM.sub("x", pattern)):
        low, high = choice["low"] or "0", choice["high"] or str(length)
        if choice["to"] == "" and choice["low"]:
            high = low
        most = min(float(high), length + 1.0)
        repeated = choice["group"] or choice[0] not in "?|"
        ways *= max(most - float(low), 0) + 1 if repeated else 2
        rounds *= max(most, 1) if choice["group"] else 1
    return math.log10(length + 1) + rounds * math.log10(ways) < 8
