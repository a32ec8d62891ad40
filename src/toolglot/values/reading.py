"""What one flat schema says of choices, types, members and items: read once, for rules and for llguidance's `%json`.

The one rule: whoever writes a schema down in another notation takes it from here, so all refuse and report the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from ..message import ToolglotError
from ..schema import type_name
from .keywords import NOTES, Keywords, Nothing, as_list, place, shown

T = TypeVar("T")

WORDS = {  # the keywords that speak of values of one type
    "object": ("properties", "required", "additionalProperties"),
    "array": ("items", "prefixItems", "additionalItems", "minItems", "maxItems"),
    "string": ("minLength", "maxLength", "pattern", "format"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
KNOWN = NOTES.union({"$ref", "allOf", "anyOf", "oneOf", "enum", "const", "type"}, *WORDS.values())
_MANY = 2_000  # members that others can be told from in bounded time


def whole(keywords: Keywords, schema: Any, at: str) -> dict[str, Any]:
    """The schema as one flat object; each keyword of it that nothing here reads is reported."""
    flat = keywords.flat(schema, at)
    for key in flat:
        if key not in KNOWN:
            keywords.skip(at, key)
    return flat


def types(keywords: Keywords, schema: Mapping[str, Any], at: str) -> list[str]:
    """JSON's names; where the schema names none, those that its keywords speak of; "value" for any."""
    found: dict[str, None] = {}
    for written in as_list(schema.get("type", "any")):
        name = type_name(written)
        if name is None and not (isinstance(written, str) and written.lower() == "any"):
            keywords.skip(at, "type", f"{shown(written)} names no type that is known, so it is")
        found[name or "value"] = None
    if not found:
        raise Nothing(f"{place(at)}: no value satisfies it, for none is of every `type` that is asked for")
    if "value" in found:
        found = {name: None for name, words in WORDS.items() if not schema.keys().isdisjoint(words)}
        if found:
            keywords.narrow(at, f"no `type` is said, so it is {' or '.join(found)}, which is what its keywords are for")
        return list(found) or ["value"]
    return [name for name in found if name != "integer" or "number" not in found]


def choices(keywords: Keywords, schema: Mapping[str, Any], at: str) -> list[Any]:
    """The values of `enum` that are of the types asked for; what else stands beside it is reported."""
    for key in sorted(schema.keys() & (KNOWN - NOTES - {"enum", "type"})):
        keywords.skip(at, key, "beside `enum` it is")
    names = types(keywords, schema, at) if "type" in schema else ["value"]
    listed = keywords.list_of(schema, "enum", at)
    keywords.count(at, len(listed))
    values = [value for value in listed if _is_of(value, names)]
    if not values:
        raise Nothing(f"{place(at)}: no value satisfies it, for none in `enum` or `const` is allowed")
    checked_values(values, at)
    return values


def _is_of(value: object, names: Sequence[str]) -> bool:
    match value:
        case None:
            name = "null"
        case bool():
            name = "boolean"
        case int() | float():
            name = "integer" if value == value // 1 and "integer" in names else "number"
        case str():
            name = "string"
        case Mapping():
            name = "object"
        case _:
            name = "array"
    return name in names or "value" in names


class Split(NamedTuple):
    """Of `anyOf` or `oneOf`: which, what holds beside it, and its schemas."""

    key: str
    base: dict[str, Any]
    branches: list[Any]


def branches(keywords: Keywords, schema: Mapping[str, Any], at: str) -> Split | None:
    """None where the schema has neither."""
    for key in ("anyOf", "oneOf"):
        if key in schema:
            base = {name: value for name, value in schema.items() if name != key and name not in NOTES}
            found = keywords.list_of(schema, key, at)
            if key == "oneOf" and len(found) > 1:
                keywords.skip(at, "oneOf", "that only one of its schemas holds is")
            return Split(key, base, found)
    return None


class Members(NamedTuple):
    """Of an object: each declared name with its schema and whether it must stand, and the schema of all others."""

    named: dict[str, tuple[Any, bool]]
    others: Any
    any: bool  # nothing is said


def members(keywords: Keywords, schema: Mapping[str, Any], at: str) -> Members:
    """What is not declared may come only where `additionalProperties` says so."""
    properties = keywords.map_of(schema, "properties", at)
    others = schema.get("additionalProperties", "properties" not in schema)
    if "additionalProperties" not in schema and "properties" in schema:
        keywords.narrow(at, "`additionalProperties` is not said, so no member may stand that is not declared")
    elif "patternProperties" in schema and others is not True:
        keywords.narrow(at, "members that `patternProperties` alone allows may not stand")
    needed = keywords.list_of(schema, "required", at)
    if not all(type(name) is str for name in needed):
        raise ToolglotError(f"{place(at)}: `required` must be a list of names, found {shown(needed)}")
    required = dict.fromkeys(needed)
    undeclared = schema.get("additionalProperties", True)
    for name in properties:
        checked_name(name, at)
    named = {name: (properties.get(name, undeclared), name in required) for name in (*properties, *required)}
    if len(named) > _MANY and others is not False:
        keywords.narrow(at, f"beside more than {_MANY:,} members no other may stand, whatever `additionalProperties` says")
        others = False
    return Members(named, others, not named and others is True)


class Items(NamedTuple):
    """Of an array: the schemas of its first items and of the rest, and how many there may be."""

    firsts: list[Any]
    rest: Any
    least: int
    most: int | None


def items(keywords: Keywords, schema: Mapping[str, Any], at: str) -> Items:
    return Items(*keywords.items_of(schema, at), *keywords.bounds(schema, "minItems", "maxItems", at))


def satisfiable(parts: Sequence[Callable[[], T]], why: str = "") -> list[T]:
    """What is made of those that some value satisfies. If there is none, it says `why`, or why not of the last one."""
    found: list[T] = []
    last = Nothing(why)
    for part in parts:
        try:
            found.append(part())
        except Nothing as error:
            last = Nothing(why or str(error))
    if not found:
        raise last
    return found


def checked_values(values: Sequence[Any], at: str) -> None:
    """Raises ToolglotError for what is no JSON, or no text: NaN, a number of thousands of digits, half a surrogate pair."""
    try:
        json.dumps(values, ensure_ascii=False, allow_nan=False).encode()
    except RecursionError:
        raise ToolglotError(f"{place(at)}: `enum` or `const` is nested too deeply") from None
    except (TypeError, ValueError):
        raise ToolglotError(f"{place(at)}: `enum` or `const` holds what JSON cannot write; leave NaN, Infinity, halves of "
                            "surrogate pairs and what is no JSON out of it") from None


def checked_name(name: object, at: str) -> None:
    try:
        assert isinstance(name, str)
        name.encode()
    except (AssertionError, ValueError):
        raise ToolglotError(f"{place(at)}: a name in `properties` must be a text, found {shown(name)}") from None
