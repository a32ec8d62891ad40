"""Tools, an answer -> one JSON schema, for engines that constrain a reply to JSON and to nothing else.

The one rule: a schema means here what it means alone: its references are led to where it now stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..message import ToolglotError
from ..schema import type_name

_DATA = frozenset({"enum", "const", "default", "examples", "example", "required", "dependentRequired"})
_MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_CHOICES = frozenset({"allOf", "anyOf", "oneOf", "if", "$ref"})
_OPEN = frozenset({"allOf", "not", "if", "then", "else", "contains", "propertyNames", "dependentSchemas"})
_BESIDE = frozenset({"properties", "allOf", "anyOf", "oneOf", "if", "patternProperties"})
_DEFS = ("$defs", "definitions")
_DEPTH = 200  # schemas inside one another
_LARGEST = 1e300
_NODES = 200_000  # of one schema: a mapping that stands in many places is written as often


def call_schema(
    calls: Sequence[tuple[str, Mapping[str, Any]]],
    name_key: str = "name",
    arguments_key: str = "arguments",
    many: bool = False,
    answer: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The schema of `{"name": ..., "arguments": {...}}` for these (name, parameters); with `many`, of a list of them; with
    `answer`, of one of them or of a value of that schema.

    Type names are made JSON's, `additionalProperties` that is absent is false. Parameters with references stand under
    `$defs`. Raises ToolglotError for no calls, for a `$ref` outside the tool's own schema and for too deep a schema.
    """
    if not calls:
        raise ToolglotError("json_schema: no schema says that nothing may be written; give it a tool")
    shared: dict[str, Any] = {}
    branches = []
    for number, (name, parameters) in enumerate(calls):
        base = f"tool-{number}"
        arguments = _Move(f"#/$defs/{base}", name, not _refers_openly(parameters)).moved(
            {"type": "object", **parameters}, 0, True)
        if _refers(arguments):
            shared[base] = arguments
            arguments = {"$ref": f"#/$defs/{base}"}
        branches.append(_call(name, arguments, name_key, arguments_key))
    if answer is not None:
        branches.append(answer_schema(answer, "#/$defs/answer"))
        if _refers(branches[-1]):
            shared["answer"] = branches[-1]
            branches[-1] = {"$ref": "#/$defs/answer"}
    one = branches[0] if len(branches) == 1 else {"anyOf": branches}
    whole = {"type": "array", "items": one, "minItems": 1} if many else one
    return {**whole, "$defs": shared} if shared else whole


def answer_schema(answer: Mapping[str, Any], base: str = "#") -> dict[str, Any]:
    """The schema of an answer, which stands at `base`. Where it declares members, it takes no others unless it says so."""
    made = _Move(base, "the answer's schema", not _refers_openly(answer)).moved(answer, 0, True)
    assert isinstance(made, dict)
    return made


def _call(name: str, arguments: Any, name_key: str, arguments_key: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name_key: {"const": name}, arguments_key: arguments},
        "required": [name_key, arguments_key],
        "additionalProperties": False,
    }


@dataclass
class _Move:
    """A schema whose root moves to `base`. Its `$defs` are closed only where all that refers to them may be."""

    base: str
    whose: str
    closed: bool
    left: Iterator[int] = field(default_factory=lambda: iter(range(_NODES)))

    def moved(self, schema: Any, depth: int, closed: bool) -> Any:
        """`closed`: no member may stand that `properties` does not name, unless the schema says so itself."""
        if depth > _DEPTH:
            raise ToolglotError(f"{self.whose}: json_schema: the schema is nested too deeply; flatten it")
        if next(self.left, None) is None:
            raise ToolglotError(f"{self.whose}: json_schema: the schema is too large; name its parts under `$defs`")
        if isinstance(schema, (list, tuple)):
            return [self.moved(one, depth + 1, closed) for one in schema]
        if not isinstance(schema, Mapping):
            return schema
        found: dict[str, Any] = {}
        for key, value in schema.items():
            if not _is_json(value):
                continue  # NaN, a number of thousands of digits: no JSON says it, and it says nothing
            inner = closed and key not in _OPEN and not (key in ("anyOf", "oneOf") and not _BESIDE.isdisjoint(schema))
            if key == "$ref":
                found[key] = _led(value, self.base, self.whose)
            elif key == "type":
                found |= _types(value)
            elif key in _MAPS and isinstance(value, Mapping):
                inner = self.closed if key in _DEFS else inner
                found[key] = {name: self.moved(one, depth + 1, inner) for name, one in value.items()}
            elif key not in ("$id", "$schema"):  # a base of its own would lead its references elsewhere
                found[key] = value if key in _DATA else self.moved(value, depth + 1, inner)
        if closed and "properties" in found and found.keys().isdisjoint(_CHOICES):
            found.setdefault("additionalProperties", False)
        return _this_draft(found)


def _refers_openly(schema: Any, depth: int = 0) -> bool:
    """Whether a `$ref` stands where closing what it leads to would change more than what may stand beside it."""
    if depth > _DEPTH:
        return True
    if isinstance(schema, (list, tuple)):
        return any(_refers_openly(one, depth + 1) for one in schema)
    if not isinstance(schema, Mapping):
        return False
    if "$ref" in schema and not _BESIDE.isdisjoint(schema):
        return True
    return any(_refers(value) if key in _OPEN else _refers_openly(value, depth + 1)
               for key, value in schema.items() if key not in _DATA)


def _is_json(value: Any) -> bool:
    return not isinstance(value, (int, float)) or abs(value) < _LARGEST


def _this_draft(schema: dict[str, Any]) -> dict[str, Any]:
    """In the words of 2020-12: lists of items, `nullable`, and draft 4's `exclusiveMinimum: true`."""
    if isinstance(schema.get("items"), list):
        schema["prefixItems"] = schema.pop("items")
        schema |= {"items": schema.pop("additionalItems")} if "additionalItems" in schema else {}
    for key in ("minimum", "maximum"):
        strict = f"exclusive{key.capitalize()}"
        if isinstance(schema.get(strict), bool) and schema.pop(strict) and key in schema:
            schema[strict] = schema.pop(key)
    return {"anyOf": [schema, {"type": "null"}]} if schema.pop("nullable", None) is True else schema


def _led(ref: Any, base: str, whose: str) -> str:
    if not isinstance(ref, str) or not re.fullmatch(r"#(/.*)?", ref, re.S):
        raise ToolglotError(f"{whose}: `$ref` {str(ref)[:200]!r} leads out of its schema; put it under `$defs`")
    return base + ref[1:]


def _types(written: Any) -> dict[str, Any]:
    """`type` in JSON's words; none where one of them may be anything."""
    names = [type_name(one) for one in (written if isinstance(written, (list, tuple)) else [written])]
    if not names or None in names:
        return {}
    return {"type": names[0] if len(names) == 1 else list(dict.fromkeys(names))}


def _refers(schema: Any) -> bool:
    todo = [schema]
    while todo:
        match todo.pop():
            case Mapping() as members:
                if isinstance(members.get("$ref"), str):
                    return True
                todo.extend(members.values())
            case list() as items:
                todo.extend(items)
    return False
