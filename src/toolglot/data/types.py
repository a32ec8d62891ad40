"""Parameters as data sets describe them -> JSON schemas: Python's types, maps without `properties`, flags in members.

The one rule: a schema that is JSON schema already comes out as it is. What is changed is the spelling, never the meaning: a
type that nobody knows is left out, so that nothing is forbidden which the source allowed.

A member is required if the source says so (`required` as a list, or as a flag in the member); a map without
`properties`, xLAM's for one, requires what is neither `optional` nor has a default, as Python does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..schema import type_name
from ..schema.types import JSON_TYPES
from .loose import DEPTH, read, read_inner, shown
from .row import RowError

_LONGEST = 400              # characters of a type in words; a longer one says nothing
_PARAMETERIZED = 16         # levels of brackets in one
_LISTS = frozenset({"list", "array", "sequence", "iterable", "set", "frozenset", "collection", "arraylist"})
_MAPS = frozenset({"dict", "mapping", "map", "object", "defaultdict", "ordereddict", "hashmap"})
_STRINGS = frozenset({"date", "datetime", "time", "timestamp", "uuid", "url", "uri", "email", "path", "bytes", "enum",
                      "datetime.date", "datetime.datetime", "datetime.time", "file", "json", "character", "varchar"})
_NUMBERS = {"numeric": "number", "real": "number", "numbers": "number", "strings": "string", "integers": "integer",
            "floats": "number", "booleans": "boolean", "objects": "object", "dicts": "object", "dictionary": "object"}
_SIZED = re.compile(r"(u?int|float)\d{1,3}\Z")
_TOKEN = re.compile(r"""\s*(?:([A-Za-z_][\w.]*)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(-?\d[\w.]*)|(.))""", re.S)
_OPTIONAL = re.compile(r",?\s*\(?\boptional\b(?!\s*\[)\)?", re.I)      # not Python's Optional[…]
_REQUIRED = re.compile(r",?\s*\(?\brequired\b\)?", re.I)
_DEFAULT = re.compile(r",?\s*\(?\bdefaults?(?:\s+to)?\s*(?:is|[=:])?\s*(.+?)\)?\s*\Z", re.I | re.S)
_IN_SCHEMA = ("items", "additionalProperties", "not", "contains", "propertyNames")
_OF_SCHEMAS = ("anyOf", "oneOf", "allOf", "prefixItems")
_MAPS_OF_SCHEMAS = ("properties", "patternProperties", "$defs", "definitions")
_SIMPLE = frozenset({"type", "description", "enum", "default", "format", "minimum", "maximum", "pattern", "title"})
EMPTY: dict[str, Any] = {"type": "object", "properties": {}}


def parameters(given: Any, at: str) -> dict[str, Any]:
    """The schema, of type object, of a function's parameters. Raises RowError for what describes none."""
    given = read_inner(given, at) if isinstance(given, str) and given.strip() else given
    if given is None or given == "" or given == {} or given == []:
        return dict(EMPTY)
    if isinstance(given, list):
        given = _listed(given, at)
    if not isinstance(given, Mapping):
        raise RowError("not a schema", at, f"expected an object of parameters, found {shown(given)}")
    if _is_flat(given):
        return _of_members({k: v for k, v in given.items() if v is not None}, {}, at, DEPTH, flat=True)
    schema = _schema(given, at, DEPTH)
    if schema.get("type", "object") != "object":
        raise RowError("not a schema", f"{at}.type", f"expected an object, found {shown(schema['type'])}")
    if schema.get("type") is None:
        schema = {"type": "object", **schema}
    if "properties" not in schema and not any(word in schema for word in ("$ref", "anyOf", "oneOf", "allOf")):
        schema["properties"] = {}
    return schema


def _listed(given: list[Any], at: str) -> dict[str, Any]:
    """Parameters as a list of objects that have their name inside."""
    members = {}
    for one in given:
        if not isinstance(one, Mapping) or not isinstance(one.get("name"), str):
            raise RowError("not a schema", at, f"expected parameters with a name, found {shown(one)}")
        members[one["name"]] = {k: v for k, v in one.items() if k != "name"}
    return members


def _is_flat(given: Mapping[str, Any]) -> bool:
    """Whether these are the members themselves rather than a schema that has them."""
    kind, inner = given.get("type"), given.get("properties")
    if isinstance(kind, (str, list)) or any(word in given for word in ("$ref", "anyOf", "oneOf", "allOf")):
        return False
    if isinstance(inner, Mapping):
        return isinstance(inner.get("type"), str) and not isinstance(inner.get("description", ""), Mapping)
    return all(v is None or isinstance(v, (Mapping, str)) for v in given.values())


def _of_members(members: Mapping[str, Any], rest: Mapping[str, Any], at: str, depth: int,
                flat: bool = False) -> dict[str, Any]:
    properties, required = {}, []
    for name, one in members.items():
        properties[name], said = _member(one, f"{at}.{name}", depth)
        if said or (flat and said is None and "default" not in properties[name]):
            required.append(name)
    out = {**({} if "type" in rest else {"type": "object"}), **rest, "properties": properties}
    if required and not isinstance(out.get("required"), list):
        out["required"] = required
    return out


def _member(one: Any, at: str, depth: int) -> tuple[Any, bool | None]:
    """The schema of one member, and whether it says of itself that it is required."""
    if isinstance(one, bool):
        return one, None
    if isinstance(one, str):                        # {"city": "str"}, or words about it
        schema, said = type_schema(one)
        return (schema or {"description": one}), said
    if not isinstance(one, Mapping):
        raise RowError("not a schema", at, f"expected what a parameter may be, found {shown(one)}")
    kind = one.get("type")
    if isinstance(kind, str) and kind in JSON_TYPES and one.keys() <= _SIMPLE and None not in one.values():
        return one, None                            # nearly all of them: nothing to change
    said = None
    if isinstance(one.get("type"), str) and type_name(one["type"]) is None:
        said = type_schema(one["type"])[1]
    if isinstance(flag := one.get("required"), bool):
        one, said = {k: v for k, v in one.items() if k != "required"}, flag
    if isinstance(flag := one.get("optional"), bool):
        one, said = {k: v for k, v in one.items() if k != "optional"}, not flag
    return _schema(one, at, depth - 1), said


def _schema(given: Mapping[str, Any], at: str, depth: int) -> dict[str, Any]:
    """A schema with the types in it named as JSON schema names them, and without members that say nothing."""
    if depth <= 0:
        raise RowError("nested too deep", at, f"expected a schema of at most {DEPTH} levels")
    out: dict[str, Any] = {}
    for key, value in given.items():
        if value is None and key not in ("default", "const", "example"):
            continue                                # a column of Parquet that other rows need
        if key == "type":
            out.update(_typed(value))
        elif key in _MAPS_OF_SCHEMAS and isinstance(value, Mapping):
            out[key] = {k: v for k, v in value.items() if v is not None}
        elif key in _IN_SCHEMA and isinstance(value, Mapping):
            out[key] = _schema(value, f"{at}.{key}", depth - 1)
        elif key in _IN_SCHEMA and isinstance(value, str):
            out[key] = type_schema(value)[0]
        elif key in _OF_SCHEMAS and isinstance(value, list):
            out[key] = [_schema(v, f"{at}.{key}", depth - 1) if isinstance(v, Mapping) else v for v in value]
        elif key == "required":
            out.update(_required(value))
        else:
            out[key] = value
    for key in _MAPS_OF_SCHEMAS[1:]:
        if key in out:
            out[key] = {k: _member(v, f"{at}.{key}.{k}", depth)[0] for k, v in out[key].items()}
    if "properties" not in out:
        return out
    if not isinstance(out["properties"], Mapping):
        raise RowError("not a schema", f"{at}.properties", f"expected parameters by name, found {shown(out['properties'])}")
    return _in_order(_of_members(out["properties"], out, at, depth), given)


def _in_order(schema: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """As its author wrote it: `type` goes first only where there was none."""
    return {**{k: schema[k] for k in given if k in schema}, **schema} if "type" in given else schema


def _required(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        value = [value]
    return {"required": [v for v in value if isinstance(v, str)]} if isinstance(value, list) else {}


def _typed(value: Any) -> dict[str, Any]:
    """What `type` says, in JSON schema's words."""
    if isinstance(value, str):
        name = type_name(value)
        return {"type": name} if name else type_schema(value)[0]
    if isinstance(value, list):
        names = [type_name(v) for v in value]
        return {"type": names} if names and None not in names else {}
    return {}


# -- types in words


def type_schema(text: str) -> tuple[dict[str, Any], bool | None]:
    """The schema of a type as Python (`List[Dict[str, int]]`) or people (`list of str, optional, default 5`) write it, and
    whether that says it is required."""
    said: bool | None = None
    schema: dict[str, Any] = {}
    if len(text) > _LONGEST:
        return schema, said
    if m := _DEFAULT.search(text):
        text, said = text[:m.start()], False
        try:
            schema["default"] = read(m[1], "")
        except RowError:
            schema["default"] = m[1]
    text, optional = _OPTIONAL.subn("", text)
    text, required = _REQUIRED.subn("", text)
    said = False if optional or said is False else True if required else None
    found, nullable = _union(_Tokens(text.strip(" ,()")), _PARAMETERIZED)
    return {**found, **schema}, False if nullable else said


class _Tokens:
    def __init__(self, text: str) -> None:
        self.rest = [m.group(m.lastindex or 0) for m in _TOKEN.finditer(text)][::-1]

    def peek(self) -> str:
        return self.rest[-1] if self.rest else ""

    def take(self) -> str:
        return self.rest.pop() if self.rest else ""


def _union(tokens: _Tokens, depth: int) -> tuple[dict[str, Any], bool]:
    """Alternatives (`int | str`, `int or str`), and whether None is one of them."""
    found = [_one(tokens, depth)]
    while tokens.peek() in ("|", "/") or tokens.peek().lower() == "or":
        tokens.take()
        found.append(_one(tokens, depth))
    return _alternatives(found)


def _alternatives(found: list[tuple[dict[str, Any], bool]]) -> tuple[dict[str, Any], bool]:
    nullable = any(null for _, null in found)
    schemas = [s for s, _ in found if s != {"type": "null"}]
    distinct = [s for i, s in enumerate(schemas) if s not in schemas[:i]]
    nullable = nullable or len(schemas) < len(found)
    if len(distinct) == 1:
        return distinct[0], (nullable and len(found) > 1) or any(null for _, null in found)
    if not all(distinct):
        return {}, nullable                         # one of them may be anything
    if distinct and all(s.keys() == {"type"} and isinstance(s["type"], str) for s in distinct):
        return {"type": [s["type"] for s in distinct]}, nullable
    return ({"anyOf": distinct} if distinct else {"type": "null"}), nullable


def _one(tokens: _Tokens, depth: int) -> tuple[dict[str, Any], bool]:
    word = tokens.take()
    name = word.lower().removeprefix("typing.").removeprefix("t.")
    if tokens.peek().lower() == "of" and name in _LISTS:
        tokens.take()
        return {"type": "array", "items": _union(tokens, depth - 1)[0]} if depth else {"type": "array"}, False
    inner = _inner(tokens, depth, name) if tokens.peek() in ("[", "<") and depth > 0 else []
    if name in ("optional", "nullable") and inner:
        return inner[0][0], True
    if name == "union" and inner:
        return _alternatives(inner)
    if name == "literal":
        return {"enum": [s["const"] for s, _ in inner if "const" in s]} if inner else {}, False
    if name in _LISTS or name == "tuple":
        schemas = [s for s, _ in inner if s]
        items = _alternatives([(s, False) for s in schemas])[0] if schemas else {}
        return {"type": "array", **({"items": items} if items else {})}, False
    if name in _MAPS:
        values = inner[1][0] if len(inner) > 1 else {}
        return {"type": "object", **({"additionalProperties": values} if values else {})}, False
    if word[:1] in "\"'" or word[:1].isdigit() or word[:1] == "-":
        try:
            return ({"const": read(word, "")} if word else {}), False
        except RowError:
            return {}, False
    if name == "none":
        return {"type": "null"}, True
    sized = _SIZED.match(name)
    known = type_name(name) or _NUMBERS.get(name) or ("string" if name in _STRINGS else None)
    if sized:
        known = "number" if sized[1] == "float" else "integer"
    return ({"type": known} if known else {}), False


def _inner(tokens: _Tokens, depth: int, name: str) -> list[tuple[dict[str, Any], bool]]:
    """What stands between brackets, up to the closing one."""
    tokens.take()
    found = []
    while tokens.peek() and tokens.peek() not in ("]", ">"):
        found.append(_union(tokens, depth - 1))
        while tokens.peek() and tokens.peek() not in (",", "]", ">", "[", "<"):
            tokens.take()
        if tokens.peek() in (",", "[", "<"):
            tokens.take()
    tokens.take()
    return found


__all__ = ["parameters", "type_schema"]
