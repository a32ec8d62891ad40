"""Tools as Gemma 4 and FunctionGemma are told of them: JSON schemas with bare keys, sorted, and types in capitals.

Source: the macros `format_function_declaration` and `format_parameters` of google/gemma-4-31B-it's chat template (July
2026). The one rule: wherever that template prints, `declarations` prints the same bytes.

    declaration:get_weather{description:<|"|>Get the weather.<|"|>,parameters:{properties:{city:{type:<|"|>STRING<|"|>}},\
required:[<|"|>city<|"|>],type:<|"|>OBJECT<|"|>}}

Ugly and true: of a parameter it prints only the description, the type, `nullable`, the `enum` of a string and what is in
arrays and objects; the other keys of an object without properties pass for properties.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..spec import Listed

_SCHEMA_WORDS = ("description", "type", "properties", "required", "nullable")
_Pieces = list[tuple[str, bool]]


def declarations(between: str, quote: str, described: bool = False) -> Callable[[Sequence[Mapping[str, Any]]], Listed]:
    """A listing of tools, with these tokens between two of them, and these about a string. `described`: a parameter
    without a description has an empty one."""
    return lambda tools: tuple([piece for i, tool in enumerate(tools) for piece in (
        *([(between, True)] if i else []), *_declaration(tool.get("function", tool), quote, described))])


def _declaration(function: Mapping[str, Any], quote: str, described: bool) -> _Pieces:
    parameters = function.get("parameters") or {}
    properties, required = parameters.get("properties"), parameters.get("required")
    members = [_member("properties", _braced(_properties(properties, quote, described)))] if properties else []
    members += [_member("required", _value(required, quote))] if required else []
    members += [_member("type", _value(str(parameters["type"]).upper(), quote))] if parameters.get("type") else []
    inside = [_member("description", _value(str(function.get("description", "")), quote)),
              *([_member("parameters", _braced(members))] if parameters else [])]
    return [(f"declaration:{function['name']}", False), *_braced(inside)]


def _properties(properties: Mapping[str, Any], quote: str, described: bool, skipped: Sequence[str] = ()) -> list[_Pieces]:
    return [_member(key, _braced(_schema(spec if isinstance(spec, Mapping) else {}, quote, described)))
            for key, spec in _sorted(properties) if key not in skipped]


def _schema(spec: Mapping[str, Any], quote: str, described: bool) -> list[_Pieces]:
    kind = str(spec.get("type", "")).upper()
    words = spec.get("description") or ""
    out = [_member("description", _value(str(words), quote))] if words or described else []
    items, properties, required = spec.get("items"), spec.get("properties"), spec.get("required")
    if kind == "STRING" and spec.get("enum"):
        out.append(_member("enum", _value(spec["enum"], quote)))
    if kind == "ARRAY" and items and isinstance(items, Mapping):
        out.append(_member("items", _braced([_member(k, _item(k, v, quote, described))
                                             for k, v in _sorted(items) if v is not None])))
    if spec.get("nullable"):
        out.append(_member("nullable", [("true", False)]))
    if kind == "OBJECT":
        given, skipped = (properties, ()) if isinstance(properties, Mapping) else (spec, _SCHEMA_WORDS)
        out.append(_member("properties", _braced(_properties(given, quote, described, skipped))))
        out += [_member("required", _value(required, quote))] if required else []
    return [*out, _member("type", _value(kind, quote))]


def _item(key: str, value: Any, quote: str, described: bool) -> _Pieces:
    """A member of the schema that an array's items have."""
    if key == "properties":
        return _braced(_properties(value, quote, described) if isinstance(value, Mapping) else [])
    if key == "type":
        return _value(value.upper() if isinstance(value, str) else [str(v).upper() for v in value], quote)
    return _value(value, quote)


def _value(value: Any, quote: str) -> _Pieces:
    """A value whose keys are quoted as its strings are."""
    if isinstance(value, str):
        return [(quote, True), (value, False), (quote, True)]
    if isinstance(value, Mapping):
        return _braced([[*_value(k, quote), (":", False), *_value(v, quote)] for k, v in _sorted(value)])
    if isinstance(value, Sequence):
        return _joined("[", [_value(v, quote) for v in value], "]")
    return [("null" if value is None else str(value).lower() if isinstance(value, bool) else str(value), False)]


def _sorted(mapping: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return sorted(mapping.items(), key=lambda item: item[0].lower())


def _member(key: str, value: _Pieces) -> _Pieces:
    return [(f"{key}:", False), *value]


def _braced(members: Iterable[_Pieces]) -> _Pieces:
    return _joined("{", members, "}")


def _joined(opener: str, items: Iterable[_Pieces], closer: str) -> _Pieces:
    inside = [piece for i, item in enumerate(items) for piece in ([(",", False)] * (i > 0) + item)]
    return [(opener, False), *inside, (closer, False)]
