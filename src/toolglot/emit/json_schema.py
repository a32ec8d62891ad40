"""Tools -> one JSON schema, for engines that constrain a reply to JSON and to nothing else.

The one rule: a tool's schema means here what it means alone: its references are led to where it now stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..message import ToolglotError
from ..schema import type_name

_DATA = frozenset({"enum", "const", "default", "examples", "example", "required", "dependentRequired"})
_MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_CHOICES = frozenset({"allOf", "anyOf", "oneOf", "if", "$ref"})
_DEPTH = 200  # schemas inside one another


def call_schema(
    calls: Sequence[tuple[str, Mapping[str, Any]]],
    name_key: str = "name",
    arguments_key: str = "arguments",
    many: bool = False,
) -> dict[str, Any]:
    """The schema of `{"name": ..., "arguments": {...}}` for these (name, parameters); with `many`, of a list of them.

    Type names are made JSON's, `additionalProperties` that is absent is false. Parameters with references stand under
    `$defs`. Raises ToolglotError for no calls, for a `$ref` outside the tool's own schema and for too deep a schema.
    """
    if not calls:
        raise ToolglotError("json_schema: no schema says that nothing may be written; give it a tool")
    shared: dict[str, Any] = {}
    branches = []
    for number, (name, parameters) in enumerate(calls):
        base = f"tool-{number}"
        arguments = _moved({"type": "object", **parameters}, f"#/$defs/{base}", name, 0)
        if _refers(arguments):
            shared[base] = arguments
            arguments = {"$ref": f"#/$defs/{base}"}
        branches.append(_call(name, arguments, name_key, arguments_key))
    one = branches[0] if len(branches) == 1 else {"anyOf": branches}
    whole = {"type": "array", "items": one, "minItems": 1} if many else one
    return {**whole, "$defs": shared} if shared else whole


def _call(name: str, arguments: Any, name_key: str, arguments_key: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name_key: {"const": name}, arguments_key: arguments},
        "required": [name_key, arguments_key],
        "additionalProperties": False,
    }


def _moved(schema: Any, base: str, tool: str, depth: int) -> Any:
    """A schema of a tool whose root has moved to `base`."""
    if depth > _DEPTH:
        raise ToolglotError(f"tool {tool!r}: its parameters are nested too deeply; flatten the schema")
    if isinstance(schema, (list, tuple)):
        return [_moved(one, base, tool, depth + 1) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    found: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "$ref":
            found[key] = _led(value, base, tool)
        elif key == "type":
            found |= _types(value)
        elif key in _MAPS and isinstance(value, Mapping):
            found[key] = {name: _moved(one, base, tool, depth + 1) for name, one in value.items()}
        elif key not in ("$id", "$schema"):  # a base of its own would lead its references elsewhere
            found[key] = value if key in _DATA else _moved(value, base, tool, depth + 1)
    if "properties" in found and found.keys().isdisjoint(_CHOICES):
        found.setdefault("additionalProperties", False)
    return found


def _led(ref: Any, base: str, tool: str) -> str:
    if not isinstance(ref, str) or not re.fullmatch(r"#(/.*)?", ref, re.S):
        raise ToolglotError(f"tool {tool!r}: `$ref` {str(ref)[:200]!r} leads out of its schema; put it under `$defs`")
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
