"""Tools as TypeScript types: how Functionary is shown its functions.

Source: the macro `generate_schema_from_functions` in the chat template of meetkai/functionary-medium-v3.2, which is also
MeetKai/functionary, prompt_template/jinja_templates/json_to_ts_schema.txt. The one rule: wherever that template prints,
`definitions` prints the same bytes.

    // Supported function definitions that should be called when necessary.
    namespace functions {

    // Get the weather.
    type get_weather = (_: {
    // The city's name. Default="Paris".
    city?: string,
    }) => any;

    } // namespace functions

Ugly and true: a schema without `type` and `oneOf` has no type at all, a `oneOf` always has a format, examples stand only
where something else is said of a parameter too, and an array of arrays of strings stands over two lines.

Where the template fails, this does not: a description that is missing or null is empty, a text of an unexpected type is
written as str() writes it, and `properties`, `items`, `required`, `examples` or `oneOf` of the wrong shape count as
absent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from ..message import ToolglotError

BOUNDS = {"maximum": "Maximum", "minimum": "Minimum", "maxLength": "Maximum length", "minLength": "Minimum length"}


def definitions(tools: Sequence[Mapping[str, Any]]) -> str:
    """The whole namespace for tools in OpenAI's shape, or their function objects alone.

    Raises ToolglotError for a schema that is nested too deeply to walk.
    """
    types = "".join([_function(tool.get("function") or tool) for tool in tools])
    return ("// Supported function definitions that should be called when necessary.\nnamespace functions {\n\n"
            f"{types}}} // namespace functions")


def _function(function: Mapping[str, Any]) -> str:
    name, description = function.get("name", ""), function.get("description")
    parameters = function.get("parameters")
    properties = _map(parameters, "properties")
    try:
        inside = f"(_: {{{_parameters(properties, parameters, 0)}\n}})" if properties else "()"
    except RecursionError:
        raise ToolglotError(f"tool {name!r}: its parameters are nested too deeply; flatten the schema") from None
    return f"// {'' if description is None else description}\ntype {name} = {inside} => any;\n\n"


def _parameters(properties: Mapping[str, Any], parent: Any, depth: int) -> str:
    """Each parameter in a line of its own, behind a line break."""
    required = parent.get("required", ()) if isinstance(parent, Mapping) else ()
    if not isinstance(required, Collection):
        required = properties                             # the template asks whether it can be searched
    return "".join([f"\n{line}" for key, spec in properties.items() if isinstance(spec, Mapping)
                    for line in _parameter(key, spec, key in required, depth)])


def _parameter(key: str, spec: Mapping[str, Any], required: bool, depth: int) -> Iterator[str]:
    margin, kind, named = "    " * depth, _type(spec), key if required else f"{key}?"
    comment = _comment(spec)
    nests = kind == "object" or (kind == "array" and "type" in _map(spec, "items"))
    if comment:
        yield margin + comment
    if comment or nests:
        yield from [f"{margin}// {one}".replace("'", '"') for one in _examples(key, spec)]
    if kind == "object":
        yield f"{margin}{named}: {{{_parameters(_map(spec, 'properties'), spec, depth + 1)}"
        yield f"{margin}}},"
    elif nests:
        yield _array(named, spec, depth).removeprefix("\n").removesuffix(",") + ","
    elif kind == "array":
        yield f"{margin}{named}: [],"
    else:
        kind = _enum(spec["enum"]) if isinstance(spec.get("enum"), Collection) else kind
        yield f"{margin}{named}: {kind}{' | null' if spec.get('nullable') else ''},"


def _type(spec: Mapping[str, Any]) -> str:
    if "type" in spec:
        kind = _named(spec["type"])
    else:
        one_of = spec.get("oneOf")
        kinds = [_named(s["type"]) for s in one_of if isinstance(s, Mapping) and "type" in s] if _is_list(one_of) else []
        kind = " | ".join(dict.fromkeys(kinds))
    return "number" if kind in ("integer", "float") else kind


def _named(kind: Any) -> str:
    return " | ".join(map(str, kind)) if isinstance(kind, (list, tuple, Mapping)) else str(kind)


def _comment(spec: Mapping[str, Any]) -> str:
    """What is said of a parameter, or nothing."""
    form = _format(spec)
    if "description" not in spec and "default" not in spec and form is None and not any(map(spec.get, BOUNDS)):
        return ""
    out = "//"
    if "description" in spec:
        text = str(spec["description"])
        out += f" {text if text.endswith('.') else text + '.'}"
    if "default" in spec:
        default = spec["default"]
        out += f' Default="{default}".' if spec.get("type") == "string" else f" Default={default}."
    if form is not None:
        out += f" Format={form}"
    return out + "".join([f" {name}={spec[key]}" for key, name in BOUNDS.items() if key in spec])


def _format(spec: Mapping[str, Any]) -> str | None:
    if "format" in spec:
        return str(spec["format"])
    if "oneOf" not in spec:
        return None
    one_of = spec["oneOf"] if _is_list(spec["oneOf"]) else ()
    formats = [s["format"] for s in one_of if isinstance(s, Mapping) and "format" in s]
    last = one_of[-1].get("format") if one_of and isinstance(one_of[-1], Mapping) else None
    return "".join([str(f) if f == last else f"{f} or " for f in formats])


def _examples(key: str, spec: Mapping[str, Any]) -> list[str]:
    examples = spec.get("examples")
    return [f"Example {key}:", *map(str, examples)] if _is_list(examples) else []


def _enum(options: Collection[Any]) -> str:
    last = options[-1] if options and isinstance(options, Sequence) else None
    return "".join([(f'"{v}"' if isinstance(v, str) else str(v)) + (" | " if v != last else "") for v in options])


def _array(named: str | None, spec: Mapping[str, Any], depth: int) -> str:
    """An array's whole declaration, or without a name its type: mostly behind a line break."""
    margin, items = "    " * depth, _map(spec, "items")
    head = f"\n{margin}{named}: " if named else f"\n{margin}"
    if not items:
        return f"{head}[]"
    kind = _type(items)
    if kind == "object":
        return f"{head}{{{_parameters(_map(items, 'properties'), items, depth + 1)}\n{margin}}}[]"
    if kind == "array":
        inner = _array(None, items, depth + 1)
        return f"{head}{inner.strip()}[]" if named else f"\n{inner}[]"
    if isinstance(items.get("enum"), Collection):
        return f"{head}({_enum(items['enum'])})[]" if named else f"({_enum(items['enum'])})[]"
    return f"{head}{kind}[]," if named else f"\n{kind}[]"


def _map(spec: Any, key: str) -> Mapping[str, Any]:
    found = spec.get(key) if isinstance(spec, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _is_list(value: Any) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, (list, tuple))
