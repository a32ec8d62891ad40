"""Tools as Python functions with Chinese notes: how Seed-OSS is shown its functions.

Source: the chat template of ByteDance-Seed/Seed-OSS-36B-Instruct (macro `py_type` and the loop over tools). The one rule:
wherever that template prints, `functions` prints the same bytes.

    Function:
    def f(city: str,n: int):
        \"""
        Get the weather.

        Args:
        - city (str) [必填]: Where
        - n (int) [选填]: Days

        \"""

Numbers are `int`, objects and all else `Any`. Where the template fails, this does not: a tool without `parameters` or
`required` has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

TYPES = {"string": "str", "number": "int", "integer": "int", "boolean": "bool", "array": "list"}


def functions(tools: Sequence[Mapping[str, Any]]) -> str:
    """The text from the system message to the rules for calls, for tools in OpenAI's shape or function objects alone."""
    return "".join(_function(tool.get("function", tool)) for tool in tools)


def _function(function: Mapping[str, Any]) -> str:
    parameters = function.get("parameters")
    typed = [(key, _type(spec), spec) for key, spec in _properties(parameters).items()]
    required = parameters.get("required", ()) if isinstance(parameters, Mapping) else ()
    args = "".join(f"\n    - {key} ({kind}) {'[必填]' if key in required else '[选填]'}: {_description(spec)}"
                   for key, kind, spec in typed)
    returns = "".join(f"\n    - {key} ({_type(spec)}): {_description(spec)}"
                      for key, spec in _properties(function.get("returns")).items())
    return (f"\n\nFunction:\ndef {function.get('name', '')}({','.join(f'{key}: {kind}' for key, kind, _ in typed)}):\n"
            f'    """\n    {str(function.get("description") or "").strip()}\n\n'
            + (f"    Args:{args}\n" if args else "\n") + (f"    Returns:{returns}" if returns else "") + '\n    """')


def _properties(schema: Any) -> Mapping[str, Any]:
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    return properties if isinstance(properties, Mapping) else {}


def _type(spec: Any) -> str:
    kind = spec.get("type") if isinstance(spec, Mapping) else None
    return TYPES.get(kind, "Any") if isinstance(kind, str) else "Any"


def _description(spec: Any) -> str:
    return str(spec.get("description") or "") if isinstance(spec, Mapping) else ""
