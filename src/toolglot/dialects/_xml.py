"""Tools as XML: how Qwen3-Coder is shown its functions.

Source: the chat template of Qwen/Qwen3-Coder-30B-A3B-Instruct and -480B (macro `render_extra_keys` and the loop over
tools; July 2025). The one rule: `functions` prints the same bytes as that template.

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
Python's str() gives: `['Paris']`, `True`, `None`. vLLM's copy of the template writes lists as JSON instead.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..message import ToolglotError


def functions(tools: Sequence[Mapping[str, Any]]) -> str:
    """The text between `<tools>` and `\\n</tools>` for tools in OpenAI's shape, or their function objects alone.

    Raises ToolglotError for a schema that is nested too deeply to print.
    """
    return "".join(_function(tool.get("function", tool)) for tool in tools)


def _function(function: Mapping[str, Any]) -> str:
    name = function.get("name", "")
    try:
        return (
            f"\n<function>\n<name>{name}</name>{_description(function)}"
            f"\n<parameters>{_parameters(function.get('parameters'))}\n</parameters>"
            f"{_others(function, ('type', 'name', 'description', 'parameters'))}\n</function>"
        )
    except RecursionError:
        raise ToolglotError(f"tool {name!r}: its parameters are nested too deeply; flatten the schema") from None


def _parameters(parameters: Any) -> str:
    if not isinstance(parameters, Mapping):
        return ""
    properties = parameters.get("properties")
    listed = properties.items() if isinstance(properties, Mapping) else ()
    return "".join(_parameter(name, spec) for name, spec in listed) + _others(parameters, ("type", "properties"))


def _parameter(name: str, spec: Any) -> str:
    if not isinstance(spec, Mapping):
        return f"\n<parameter>\n<name>{name}</name>\n</parameter>"
    kind = f"\n<type>{spec['type']}</type>" if "type" in spec else ""
    others = _others(spec, ("name", "type", "description"))
    return f"\n<parameter>\n<name>{name}</name>{kind}{_description(spec)}{others}\n</parameter>"


def _description(spec: Mapping[str, Any]) -> str:
    return f"\n<description>{str(spec['description']).strip()}</description>" if "description" in spec else ""


def _others(spec: Mapping[str, Any], handled: Sequence[str]) -> str:
    """The keys that have no tag of their own."""
    return "".join(f"\n<{key}>{_value(value)}</{key}>" for key, value in spec.items() if key not in handled)


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping) else str(value)
