"""What a JSON schema says of the types of a value and of what is inside it, in whatever words a tool's author used.

One rule: nothing the model wrote is changed here. A raw value is read as one of the types that the schema
names, or stays a string.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

# JSON's own names first, then what tools in the wild write for them (Python, Java and C; lower case here).
_NAMES: dict[str, tuple[str, ...]] = {
    "string": ("string", "str", "char", "text"),
    "number": ("number", "float", "double", "decimal"),
    "integer": ("integer", "int", "long", "short", "byte", "bigint"),
    "boolean": ("boolean", "bool"),
    "object": ("object", "dict", "hashmap", "hashtable", "map"),
    "array": ("array", "list", "tuple", "set", "arraylist"),
    "null": ("null", "none", "nonetype"),
}
JSON_TYPES = frozenset(_NAMES)
_TYPES = {alias: name for name, aliases in _NAMES.items() for alias in aliases}
DEPTH, NODES = 32, 1_000  # how far into a schema to look for the types of one value
_NOTES = frozenset({"title", "description", "default", "examples", "deprecated", "$comment", "$defs", "definitions"})


def type_name(written: object) -> str | None:
    """JSON's name for a type as a schema writes it; None for "any" and for names that nobody knows."""
    return _TYPES.get(written.lower()) if isinstance(written, str) else None


def is_float(written: object) -> bool:
    """Whether a type is named as programming languages name it, which tell 5.0 from 5 as JSON does not."""
    return isinstance(written, str) and written.lower() in _NAMES["number"][1:]


def resolve(schema: object, root: object) -> dict[str, Any]:
    """The schema with its own `$ref` followed inside `root`; the result has none.

    What stands beside a `$ref` holds too; an `allOf` of one is the older way to write that (OpenAPI, pydantic 2.7).
    A reference that is remote, missing or a circle is left out.
    """
    seen: set[object] = set()
    while isinstance(schema, Mapping):
        word = "$ref" if "$ref" in schema else "allOf"
        rest = {key: value for key, value in schema.items() if key != word}
        match schema.get(word):
            case str() as ref if word == "$ref":
                target = None if ref in seen else pointed(ref, root)
                seen.add(ref)
            case [target] if word == "allOf":
                pass
            case _:
                return rest if word == "$ref" else dict(schema)
        if target is False:
            return {"not": {}}
        if not isinstance(target, Mapping):
            return rest
        clash = any(key in target and key not in _NOTES and target[key] != rest[key] for key in rest)
        schema = {"allOf": [target, rest]} if clash else {**target, **rest}
    return {"not": {}} if schema is False else {}


def pointed(ref: str, root: object) -> object:
    """What a JSON pointer in a fragment (RFC 6901) stands for; None if there is no such place."""
    if not re.fullmatch(r"#(/.*)?", ref, re.S):
        return None
    if "%" in ref:
        from urllib.parse import unquote

        ref = unquote(ref)
    place = root
    for step in ref.split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(place, Mapping):
            place = place.get(step)
        elif isinstance(place, list) and re.fullmatch(r"[0-9]{1,6}", step) and int(step) < len(place):
            place = place[int(step)]
        else:
            return None
    return place


def types_of(schema: object, root: object) -> tuple[str, ...] | None:
    """The JSON types that a value may have, in the schema's order; None where it does not say."""
    return _types(schema, root, DEPTH, iter(range(NODES)))


def _types(schema: object, root: object, depth: int, nodes: Iterator[int]) -> tuple[str, ...] | None:
    if depth == 0 or next(nodes, None) is None:
        return None
    schema = resolve(schema, root)
    said = [_union((name,) if (name := type_name(t)) else None for t in listed(schema.get("type")))]
    said.append(_union((_kind(value),) for value in listed(schema.get("enum"))))
    said.append((_kind(schema["const"]),) if "const" in schema else None)
    for word in ("anyOf", "oneOf"):
        branches = [branch for branch in listed(schema.get(word)) if branch is not False]
        said.append(_union(_types(branch, root, depth - 1, nodes) for branch in branches))
    if isinstance(schema.get("allOf"), list):
        said += [_types(branch, root, depth - 1, nodes) for branch in schema["allOf"]]
    types: tuple[str, ...] | None = None
    for more in said:
        types = _both(types, more)
    if types and schema.get("nullable") is True and "null" not in types:
        types += ("null",)
    return types


def inside(schema: object, root: object, place: str | int) -> object:
    """The schema of an object's member, by its name, or of a list's element, by its number; None where nothing is said."""
    return _inside(schema, root, place, DEPTH, iter(range(NODES)))


def _inside(schema: object, root: object, place: str | int, depth: int, nodes: Iterator[int]) -> object:
    if depth == 0 or next(nodes, None) is None:
        return None
    schema = resolve(schema, root)
    if isinstance(place, str):
        given, rest = schema.get("properties"), schema.get("additionalProperties")
        found = given.get(place) if isinstance(given, Mapping) else None
    else:
        found, rest = next(iter(listed(schema.get("prefixItems"))[place:]), None), schema.get("items")
    branches = (b for word in ("allOf", "anyOf", "oneOf") for b in listed(schema.get(word)))
    said = (x for x in (found, *(_inside(b, root, place, depth - 1, nodes) for b in branches), rest) if x is not None)
    return next(said, None)


def listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _union(said: Iterable[Any]) -> tuple[str, ...] | None:
    """All the types of the alternatives; None if one of them, or nobody, says nothing."""
    types: dict[str, None] = {}
    for one in said:
        if one is None:
            return None
        types.update(dict.fromkeys(one))
    return tuple(types) or None


def _both(a: tuple[str, ...] | None, b: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """The types that both allow; where they contradict each other, the first is believed."""
    if a is None or b is None:
        return b if a is None else a
    wide_a, wide_b = ({*types, "integer"} if "number" in types else {*types} for types in (a, b))
    return tuple(dict.fromkeys(t for t in a + b if t in wide_a and t in wide_b)) or a


def kind_of(value: object) -> str:
    """The JSON type of a value; "" for what JSON does not have."""
    match value:
        case str():
            return "string"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case None:
            return "null"
        case dict():
            return "object"
        case list():
            return "array"
    return ""


def _kind(value: object) -> str:
    """The JSON type of a value in a schema, which may be written in other mappings and sequences than JSON's."""
    return "object" if isinstance(value, Mapping) else kind_of(value) or "array"


def same(value: object) -> str:
    """The same text for values that JSON schema takes for the same: 5 is 5.0, and true is not 1."""
    return json.dumps(_whole(value), sort_keys=True)


def _whole(value: object) -> object:
    match value:
        case float() if value.is_integer():
            return int(value)
        case Mapping():
            return {name: _whole(one) for name, one in value.items()}
        case list():
            return [_whole(one) for one in value]
    return value


def read_text(raw: str, schema: object, root: object, read_json: Callable[[str], str | None]) -> str:
    """JSON text for a value that stands in a reply without quotes, as its schema says (None: there is none).

    `read_json` makes strict JSON of a JSON or Python literal, or says None. A string stays as it is; otherwise
    a literal of the first type that fits, else a string. Never raises, changes no value to please the schema.
    """
    types = types_of(schema, root)
    text = None if types == ("string",) else read_json(raw.strip())
    if text is None and types and "string" not in types and '\\"' in raw:
        text = read_json(f'"{raw.strip()}"')             # escaped as if it stood in a string
    if text is not None and text[0] == '"' and types and "string" not in types:
        inner = read_json(json.loads(text))              # encoded twice: nothing but the inner value fits
        text = inner if inner is not None and inner[0] in "{[" and _fits(inner, types) else text
    if text is None or (types and "string" in types and not _fits(text, types)):
        return json.dumps(raw, ensure_ascii=False)
    return text


_WHOLE = re.compile(r"-?[0-9]+(?:\.0+)?")
_FIRST = {"{": "object", "[": "array", '"': "string", "t": "boolean", "f": "boolean", "n": "null"}


def _fits(text: str, types: tuple[str, ...]) -> bool:
    """Whether strict JSON text is a value of one of the types that are not string."""
    kind = _FIRST.get(text[:1], "number")
    if kind == "number":
        return "number" in types or ("integer" in types and _WHOLE.fullmatch(text) is not None)
    return kind != "string" and kind in types
