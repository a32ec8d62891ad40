"""Tools as TypeScript types: how gpt-oss is shown its functions.

Source: the chat template of openai/gpt-oss-120b and -20b (macros `render_tool_namespace` and
`render_typescript_type`; August 2025). The one rule: wherever that template prints, `namespace` prints the same bytes.
It is not what OpenAI's own harmony library prints: the template leaves a nested property on a line of its own behind
16 spaces, ignores `nullable` on numbers and `enum` in arrays, and puts comments inside unions.

    ## functions

    namespace functions {

    // Get the weather.
    type get_weather = (_: {
    // Where
    city: string,
    unit?: "c" | "f", // default: c
    }) => any;

    } // namespace functions

Where the template fails, this does not: a tool without a description has no comment line; a description or a default
of an unexpected type is written as JSON; `properties`, `required`, `oneOf` or `enum` of the wrong shape count as absent.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..message import ToolglotError

SCALARS = {"number": "number", "integer": "number", "boolean": "boolean"}
LISTS = {"string": "string[]", "number": "number[]", "integer": "number[]", "boolean": "boolean[]"}
# the indentation of the template's own source, which it does not trim away here
PROPERTY = ": \n" + " " * 16
DEFAULT = " " * 20 + "// default: "
UNION = " | \n"
LONGEST = 50


def namespace(tools: Sequence[Mapping[str, Any]]) -> str:
    """The text from `## functions` to `} // namespace functions` for tools in OpenAI's shape.

    Raises ToolglotError for a schema that is nested too deeply to walk.
    """
    types = "".join(_function(tool.get("function", tool)) for tool in tools)
    return f"## functions\n\nnamespace functions {{\n\n{types}}} // namespace functions"


def _function(function: Mapping[str, Any]) -> str:
    name = function.get("name", "")
    try:
        return f"{_comment(function)}type {name} = {_signature(function.get('parameters'))} => any;\n\n"
    except RecursionError:
        raise ToolglotError(f"tool {name!r}: its parameters are nested too deeply; flatten the schema") from None


def _comment(function: Mapping[str, Any]) -> str:
    # "" still has its line; the template has it so
    description = function.get("description")
    return "" if description is None else f"// {_text(description)}\n"


def _signature(parameters: Any) -> str:
    properties = _properties(parameters)
    if not properties:
        return "()"
    required = _list(parameters, "required")
    return "(_: {\n" + "".join(parameter(key, spec, key in required) for key, spec in properties.items()) + "})"


def parameter(name: str, spec: Any, required: bool) -> str:
    """One parameter's lines: what is said of it as a comment, and its type."""
    description = _get(spec, "description")
    comment = f"// {_text(description)}\n" if description else ""
    return f"{comment}{name}{'' if required else '?'}: {_type(spec)}{_default(spec)},\n"


def _default(spec: Any) -> str:
    if not isinstance(spec, Mapping) or "default" not in spec:
        return ""
    if spec.get("enum"):
        return ", // default: " + _text(spec["default"])
    if spec.get("oneOf"):
        return "// default: " + _text(spec["default"])
    return ", // default: " + _json(spec["default"])


def _type(spec: Any) -> str:
    """One schema's type. The order of the cases is the template's and matters: an array's oneOf is not looked at."""
    kind = _get(spec, "type")
    if kind == "array":
        return _array(_get(spec, "items")) + _nullable(spec)
    if isinstance(kind, Sequence) and not isinstance(kind, str) and kind:
        return " | ".join(map(str, kind))
    variants = _list(spec, "oneOf")
    if variants:
        return _union(variants)
    if kind == "string":
        return _string(spec)
    if kind == "object":
        return _object(spec)
    return SCALARS.get(kind, "any") if isinstance(kind, str) else "any"


def _array(items: Any) -> str:
    kind = _get(items, "type")
    if isinstance(kind, str) and kind in LISTS:
        return LISTS[kind]
    inner = _type(items)
    return "any[]" if inner == "object | object" or len(inner) > LONGEST else inner + "[]"


def _union(variants: Collection[Any]) -> str:
    return UNION.join(_type(variant) + _variant_comments(variant) for variant in variants)


def _variant_comments(variant: Any) -> str:
    description = _get(variant, "description")
    comment = f"// {_text(description)}" if description else ""
    if isinstance(variant, Mapping) and "default" in variant:
        comment += DEFAULT + _json(variant["default"])
    return comment


def _string(spec: Mapping[str, Any]) -> str:
    enum = _list(spec, "enum")
    if enum:
        return '"' + '" | "'.join(map(str, enum)) + '"'
    return "string" + _nullable(spec)


def _object(spec: Mapping[str, Any]) -> str:
    properties = _properties(spec)
    if not properties:
        return "object"
    required = _list(spec, "required")
    return "{\n" + ", ".join(_property(key, inner, key in required) for key, inner in properties.items()) + "}"


def _property(name: str, spec: Any, required: bool) -> str:
    return f"{name}{'' if required else '?'}{PROPERTY}{_type(spec)}"


def _nullable(spec: Mapping[str, Any]) -> str:
    return " | null" if spec.get("nullable") else ""


def _properties(spec: Any) -> Mapping[str, Any]:
    properties = _get(spec, "properties")
    return properties if isinstance(properties, Mapping) else {}


def _list(spec: Any, key: str) -> Collection[Any]:
    value = _get(spec, key)
    return value if isinstance(value, Collection) else ()


def _get(spec: Any, key: str) -> Any:
    """What jinja's `spec.key` gives, None where it is undefined: booleans stand for schemas too."""
    return spec.get(key) if isinstance(spec, Mapping) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
