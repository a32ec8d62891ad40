"""Tools as Python signatures beside their schema: how Hermes-2-Pro and Hermes-3 are shown their functions.

Source: the `tool_use` chat template of NousResearch/Hermes-2-Pro-Llama-3-8B and Hermes-3-Llama-3.1-8B (macro
`json_to_python_type` and the loop over tools; 2024). The one rule: wherever that template prints, `signatures` prints
the same bytes.

    {"type": "function", "function": {"name": "f", "description": "f(city: str, n: int) - Get the weather.

        Args:
            city(str): Where        n(int): Days", "parameters": {"type": "object", "properties": …}}

The JSON around the schema is pasted together: nothing in it is escaped and its last brace is missing. Every array is
`list[Union[]]`, and so is the type of a schema that has none (enum alone, anyOf, $ref): the template asks an iterator of
pairs for its type, which is undefined, which is iterable and empty.

Where the template fails, this does not:

- a type that it does not know makes it recurse without end over the letters of the name, alone or in a list.
  Here "null" is `None`, so that `["string", "null"]` is `Union[str,None]`, and any other name is `Any`;
- a tool's missing description is empty, and one that is no string is written as str() writes it;
- `parameters` that are missing, or whose `properties` are no object, are written `{}`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..message import ToolglotError

SCALARS = {"string": "str", "number": "float", "integer": "int", "boolean": "bool", "null": "None"}


def signatures(tools: Sequence[Mapping[str, Any]]) -> str:
    """The text between `<tools> ` and ` </tools>` for tools in OpenAI's shape, or their function objects alone.

    Raises ToolglotError for a schema that is nested too deeply to walk.
    """
    return "\n".join(_tool(tool.get("function", tool)) for tool in tools)


def _tool(function: Mapping[str, Any]) -> str:
    name = function.get("name", "")
    try:
        return (
            f'{{"type": "function", "function": {{"name": "{name}", "description": "{_description(name, function)}"'
            f', "parameters": {_parameters(function.get("parameters"))}}}'
        )
    except RecursionError:
        raise ToolglotError(f"tool {name!r}: its parameters are nested too deeply; flatten the schema") from None


def _description(name: str, function: Mapping[str, Any]) -> str:
    typed = [(key, _type(spec), spec) for key, spec in _properties(function.get("parameters")).items()]
    head = f"{name}({', '.join(f'{key}: {kind}' for key, kind, _ in typed)})"
    if "return" in function:
        head += f" -> {_type(function['return'])}"
    args = "".join(f"        {key}({kind}): {_trimmed(spec)}" for key, kind, spec in typed)
    args = f"    Args:\n{args}" if args else ""
    description = function.get("description")
    return f"{head} - {'' if description is None else description}\n\n{args}{_returns(function.get('return'))}"


def _trimmed(spec: Any) -> str:
    return str(spec.get("description", "")).strip() if isinstance(spec, Mapping) else ""


def _returns(spec: Any) -> str:
    if not isinstance(spec, Mapping) or "description" not in spec:
        return ""
    return f"\n    Returns:\n        {spec['description']}"


def _parameters(parameters: Any) -> str:
    return json.dumps(parameters, ensure_ascii=False) if _properties(parameters) else "{}"


def _properties(parameters: Any) -> Mapping[str, Any]:
    properties = parameters.get("properties") if isinstance(parameters, Mapping) else None
    return properties if isinstance(properties, Mapping) else {}


def _type(spec: Any) -> str:
    if not isinstance(spec, Mapping) or "type" not in spec:
        return "Union[]"
    if spec["type"] == "object" and "additionalProperties" in spec:
        return f"dict[str, {_type(spec['additionalProperties'])}]"
    return _named(spec["type"])


def _named(kind: Any) -> str:
    """The Python type that a schema's `type` names, be it one name or several."""
    if kind == "array":
        return "list[Union[]]"
    if kind == "object":
        return "dict"
    if isinstance(kind, str) and kind:
        return SCALARS.get(kind, "Any")
    if isinstance(kind, Iterable):
        return f"Union[{','.join(_named(one) for one in kind)}]"
    return "Any"
