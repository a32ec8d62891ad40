"""Tools as Python functions with docstrings: how IQuest-Q1 is shown its functions.

Source: the chat template of IQuestLab/IQuest-Q1 (revision 5c21b063; macro `render_extra_keys` and the loop over tools).
The one rule: wherever that template prints, `docstrings` prints the same bytes.

    def f(city: string, days: integer = None) -> any:
        \"\"\"Get the weather.

        Args:
            city (string): Where
            days (integer, optional)
    <enum>[1, 2]</enum>
        \"\"\"

Nothing is escaped. Keys without a place of their own stand between tags at the beginning of a line; objects and lists are
JSON, everything else is what Python's str() gives.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any


def docstrings(tools: Sequence[Mapping[str, Any]]) -> str:
    """The text between `<tools>\\n` and `\\n</tools>` for tools in OpenAI's shape, or their function objects alone."""
    return "\n".join([_function(t.get("function", t)) for t in tools])


def _function(function: Mapping[str, Any]) -> str:
    schema = function.get("parameters")
    schema = schema if isinstance(schema, Mapping) else {}
    properties = schema.get("properties")
    required = schema.get("required")
    required = required if isinstance(required, (list, tuple)) else ()
    listed = ""
    if isinstance(properties, Mapping):
        listed = "\n\n    Args:" + "".join([_argument(k, v, required) for k, v in properties.items()])
    head = ", ".join([_parameter(k, v, required) for k, v in properties.items()] if isinstance(properties, Mapping) else [])
    described = str(function["description"]).strip() if "description" in function else ""
    return (f'def {function.get("name", "")}({head}) -> any:\n    """{described}{listed}'
            f'{_others(schema, ("type", "properties", "required"))}\n    """'
            f'{_others(function, ("type", "name", "description", "parameters"))}')


def _parameter(name: str, spec: Any, required: Collection[str]) -> str:
    kind = f": {spec['type']}" if isinstance(spec, Mapping) and "type" in spec else ""
    return f"{name}{kind}{'' if name in required else ' = None'}"


def _argument(name: str, spec: Any, required: Collection[str]) -> str:
    spec = spec if isinstance(spec, Mapping) else {}
    told = f": {str(spec['description']).strip()}" if "description" in spec else ""
    return (f"\n        {name} ({spec.get('type', 'any')}{'' if name in required else ', optional'}){told}"
            f"{_others(spec, ('name', 'type', 'description'))}")


def _others(spec: Mapping[str, Any], handled: Collection[str]) -> str:
    """The keys that have no place of their own."""
    return "".join([f"\n<{k}>{_value(v)}</{k}>" for k, v in spec.items() if k not in handled])


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (Mapping, list, tuple)) else str(value)
