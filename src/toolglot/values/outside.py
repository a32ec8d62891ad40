"""What formats that write values without JSON's quotes hold of a schema: arguments in tags, raw text, quotes of their own.

The one rule: text that is written raw is held to a list of texts or to nothing, and each keyword that asks for more is
named. Values in JSON or Python are no matter of this module: of those `json_rules` says what is held.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .. import schema as schemas
from ..message import ToolglotError
from ..schema.types import kind_of, listed
from ..spec import Delimited, Pythonic, Raw, Tagged
from . import json_rules, reading
from .keywords import NOTES, Keywords, Nothing, is_plain, place

_ALL = frozenset({"type", "properties", "required", "additionalProperties"})  # what is held of all arguments together
_SAID = NOTES | {"type", "$ref"}
_CHOOSING = frozenset({"enum", "const", "anyOf", "oneOf", "allOf", "$ref", "nullable"})
_DEEP = 8
_MOST = 1_000  # arguments: beyond them llguidance runs out of its stack, or of what its lexer may be
_WRITTEN = frozenset({"number", "integer", "boolean", "null"})  # values that are rules of their own in every format


def arguments(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as an object whose `properties` are all that may stand: `$ref` followed, `allOf` brought together.

    Raises ToolglotError for a schema that is none, or that nothing satisfies.
    """
    if is_plain(parameters):
        return {"properties": {}, **parameters, "type": "object"}
    keywords = Keywords(parameters)
    flat = keywords.flat({**parameters, "type": "object"}, "")
    properties: dict[str, Any] = {}
    required: list[str] = []
    for name, (schema, must) in reading.members(keywords, flat, "").named.items():
        if must or _has_values(schema, parameters):
            properties[name] = schema
            required += [name] * must
    return {**flat, "properties": properties, "required": required}


def _has_values(schema: Any, root: Any) -> bool:
    if is_plain(schema):
        return True
    try:
        json_rules(schema, root)
    except Nothing:
        return False
    return True


def texts(schema: Any, root: Any) -> list[Any] | None:
    """The values that a schema allows, where it lists them all; None where it does not."""
    if isinstance(schema, Mapping) and schema.keys().isdisjoint(_CHOOSING) and schema.get("type") != "null":
        return None
    try:
        return _texts(Keywords(root), schema, 0)
    except Nothing:
        return []


def _texts(keywords: Keywords, schema: Any, depth: int) -> list[Any] | None:
    if not isinstance(schema, Mapping) or not schema or depth > _DEEP:
        return None
    flat = keywords.flat(schema, "")
    if "enum" in flat:
        return reading.choices(keywords, flat, "")
    if split := reading.branches(keywords, flat, ""):
        wholes = [{"allOf": [split.base, one]} for one in split.branches]
        found = [_texts(keywords, whole, depth + 1) for whole in wholes]
        return None if None in found else [value for one in found for value in one or ()]
    return [None] if flat.get("type") == "null" else None


def joined(one: Any, other: Any, root: Any) -> dict[str, Any] | None:
    """One flat schema for two; None where no value satisfies both."""
    try:
        flat = Keywords(root).flat({"allOf": [one, other]}, "")
    except Nothing:
        return None
    return None if flat.get("type") == [] else flat


def unheld(encoding: object, parameters: Mapping[str, Any]) -> list[str]:
    """A sentence for each keyword that this encoding of the arguments does not hold to, though JSON would be."""
    if not isinstance(encoding, (Pythonic, Tagged, Delimited, Raw)):
        return []
    given = arguments(parameters)
    if len(given["properties"]) > _MOST:
        raise ToolglotError(f"`properties`: {len(given['properties']):,} arguments, where engines can be held to {_MOST:,} "
                            "in this format; put some of them into an object")
    found = [_sentence("", key) for key in given if key not in _ALL | _SAID | {"allOf"}]
    if not isinstance(encoding, Pythonic):
        seen: dict[int, Any] = {}
        for name, value in given["properties"].items():
            found += _of_text(encoding, value, parameters, f".{name[:80]}", 0, seen)
    return list(dict.fromkeys(found))


def narrowed(encoding: object, parameters: Mapping[str, Any]) -> list[str]:
    """Where this encoding allows less than JSON would."""
    if not isinstance(encoding, (Pythonic, Tagged, Delimited, Raw)):
        return []
    others = parameters.get("additionalProperties", False)
    return ["in this format no argument may stand that is not declared"] * (others is not False)


def _of_text(encoding: object, value: Any, root: Any, at: str, depth: int, seen: dict[int, Any]) -> Iterator[str]:
    if id(value) in seen:  # a schema is told of once, where it stands first
        return
    seen[id(value)] = value
    flat, types = schemas.resolve(value, root), schemas.types_of(value, root)
    listed_all = texts(value, root)
    if listed_all is not None:
        if len(set(map(kind_of, listed_all))) > 1 and any(map(_looks_else, listed_all)):
            yield _sentence(at, "enum")
        return
    kinds = set(types or ("string", "object", "array"))
    nested = isinstance(encoding, Delimited) or (isinstance(encoding, Tagged) and bool(encoding.nested))
    raw = "string" in kinds or (nested and bool({"object", "array"} & kinds))
    if not raw:
        return
    held = set(_SAID)
    if nested and len(kinds - _WRITTEN) == 1 and depth < _DEEP:
        if "object" in kinds and isinstance(flat.get("properties"), Mapping):
            declared = flat["properties"].keys() >= set(listed(flat.get("required")))
            closed = not flat.get("additionalProperties")
            held |= {"properties", *["required"] * declared, *["additionalProperties"] * closed}
            for name, one in flat["properties"].items():
                yield from _of_text(encoding, one, root, f"{at}.{name}", depth + 1, seen)
        elif "array" in kinds and isinstance(flat.get("items", {}), Mapping):
            held |= {"items"}
            yield from _of_text(encoding, flat.get("items", {}), root, f"{at}[]", depth + 1, seen)
    yield from (_sentence(at, key) for key in flat if key not in held)


def _looks_else(value: object) -> bool:
    """Whether a text would be read as something that is no text, where that may stand too."""
    words = {"true", "false", "null", "None", "True", "False"}
    return isinstance(value, str) and (value.strip() in words or value.strip()[:1] in (*"-0123456789[{'\"",))


def _sentence(at: str, key: str) -> str:
    return f"{place(at)}: `{key[:80]}`: in this format it is not enforced"
