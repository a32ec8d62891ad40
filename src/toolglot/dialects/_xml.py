"""Tools as XML: how Qwen3-Coder and Nemotron 3 are shown their functions.

Sources: the chat templates of Qwen/Qwen3-Coder-30B-A3B-Instruct and -480B, and of NVIDIA-Nemotron-3-Nano-30B-A3B-BF16
(macro `render_extra_keys` and the loop over tools). The one rule: `functions` prints the same bytes as the first,
`json_functions` as the second.

    <function>
    <name>f</name>
    <description>Get the weather.</description>
    <parameters>
    <parameter>
    <name>city</name>
    <type>string</type>
    <description>Where</description>
    <enum>['Paris', 'Köln']</enum>
    </parameter>
    <required>['city']</required>
    </parameters>
    </function>

Nothing is escaped. Keys without a tag of their own follow in their order; objects are JSON and everything else is what
Python's str() gives: `['Paris']`, `True`, `None`. MiMo and Nemotron 3 write lists as JSON too; Nemotron 3, a parameter's
enum before its other keys, and what is required behind all of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..message import ToolglotError


def functions(tools: Sequence[Mapping[str, Any]]) -> str:
    """The text between `<tools>` and `\\n</tools>` for tools in OpenAI's shape, or their function objects alone.

    Raises ToolglotError for a schema that is nested too deeply to print.
    """
    return "".join(_function(tool.get("function", tool), _python) for tool in tools)


def verbatim_functions(tools: Sequence[Mapping[str, Any]]) -> str:
    """The same with lists as JSON."""
    return "".join(_function(tool.get("function", tool), _json) for tool in tools)


def json_functions(tools: Sequence[Mapping[str, Any]]) -> str:
    """The same with lists as JSON, and in Nemotron's order."""
    return "".join(_function(_ordered(tool.get("function", tool)), _json) for tool in tools)


def _ordered(function: Mapping[str, Any]) -> Mapping[str, Any]:
    parameters = function.get("parameters")
    if not isinstance(parameters, Mapping):
        return function
    out = {k: v for k, v in parameters.items() if k != "required"}
    if isinstance(properties := out.get("properties"), Mapping):
        out["properties"] = {k: {"enum": v["enum"], **v} if isinstance(v, Mapping) and "enum" in v else v
                             for k, v in properties.items()}
    return {**function, "parameters": out | ({"required": parameters["required"]} if "required" in parameters else {})}


_Write = Callable[[Any], str]


def _function(function: Mapping[str, Any], write: _Write) -> str:
    name = function.get("name", "")
    try:
        return (
            f"\n<function>\n<name>{name}</name>{_description(function)}"
            f"\n<parameters>{_parameters(function.get('parameters'), write)}\n</parameters>"
            f"{_others(function, ('type', 'name', 'description', 'parameters'), write)}\n</function>"
        )
    except RecursionError:
        raise ToolglotError(f"tool {name!r}: its parameters are nested too deeply; flatten the schema") from None


def _parameters(parameters: Any, write: _Write) -> str:
    if not isinstance(parameters, Mapping):
        return ""
    properties = parameters.get("properties")
    listed = properties.items() if isinstance(properties, Mapping) else ()
    return "".join(_parameter(name, spec, write) for name, spec in listed) + _others(
        parameters, ("type", "properties"), write)


def _parameter(name: str, spec: Any, write: _Write) -> str:
    if not isinstance(spec, Mapping):
        return f"\n<parameter>\n<name>{name}</name>\n</parameter>"
    kind = f"\n<type>{spec['type']}</type>" if "type" in spec else ""
    others = _others(spec, ("name", "type", "description"), write)
    return f"\n<parameter>\n<name>{name}</name>{kind}{_description(spec)}{others}\n</parameter>"


def _description(spec: Mapping[str, Any]) -> str:
    return f"\n<description>{str(spec['description']).strip()}</description>" if "description" in spec else ""


def _others(spec: Mapping[str, Any], handled: Sequence[str], write: _Write) -> str:
    """The keys that have no tag of their own."""
    return "".join(f"\n<{key}>{write(value)}</{key}>" for key, value in spec.items() if key not in handled)


def _python(value: Any) -> str:
    return _json(value) if isinstance(value, Mapping) else str(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (Mapping, list, tuple)) else str(value)
