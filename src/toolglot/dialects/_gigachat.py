"""Tools as TypeScript types: how GigaChat is shown its functions.

Sources: the chat templates of ai-sage/GigaChat3-10B-A1.8B and ai-sage/GigaChat3.5-432B-A28B (macros
`render_tool_namespace` and `json_schema_to_typescript`). The one rule: wherever those templates print, this prints the
same bytes.

    namespace functions {
    // Get the weather.
    type get_weather = (_: {
      // Where
      city: string,
      days?: number, // default: 2
    }) => any;

    } // namespace functions

GigaChat 3.5 (`later`) knows more of JSON Schema: unions, references, constants, integers. Numbers and truth in comments are
what Python's str() gives. Where a template fails, this says `any`, or leaves the comment out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

_SAID = ("format", "maxItems", "maximum", "minItems", "minimum", "pattern")
_SAID_LATER = (*_SAID, "minLength", "maxLength", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "uniqueItems",
               "minProperties", "maxProperties")
_NUMBERS = ("number", "integer", "int", "float")


def namespace(tools: Sequence[Mapping[str, Any]], later: bool = False) -> str:
    """The text from `namespace functions {` to its end, for tools in OpenAI's shape."""
    types = [_function(tool.get("function", tool), later) for tool in tools]
    return "\n".join(["namespace functions {", *types, "} // namespace functions"])


later_namespace = partial(namespace, later=True)


def _function(function: Mapping[str, Any], later: bool) -> str:
    takes, gives = _parameters(function, "parameters", later), _parameters(function, "return_parameters", later)
    said = "".join([f"// {line}\n" for line in _lines(function)])
    takes = "()" if takes is None else f"(_: {takes})"
    return f"{said}type {function['name']} = {takes} => {'any' if gives is None else gives};\n"


def _parameters(function: Mapping[str, Any], key: str, later: bool) -> str | None:
    schema = function.get(key)
    properties = isinstance(schema, Mapping) and schema.get("properties")
    return (_later if later else _type)(schema, "  ") if properties else None


def _lines(schema: Mapping[str, Any]) -> list[str]:
    said = schema.get("description")
    return [line for line in said.split("\n") if line.strip()] if isinstance(said, str) else []


def _type(schema: Any, indent: str) -> str:
    kind = schema.get("type") if isinstance(schema, Mapping) else None
    if kind == "object":
        members = [_member(key, s, indent, key in _list(schema, "required"), _type(s, indent + "  "), _SAID)
                   for key, s in _properties(schema).items()]
        if (rest := _rest(schema)) is not None:
            members.append(f"{indent}[key: string]: {_type(rest, indent + '  ')}\n")
        return "{\n" + "".join(members) + indent[:-2] + "}"
    if kind == "array":
        return _type(schema["items"], indent) + "[]" if "items" in schema else "Array<any>"
    if kind == "string":
        return _string(schema, [f'"{e}"' for e in _list(schema, "enum")])
    if kind in ("number", "integer"):
        return " | ".join(map(str, _list(schema, "enum"))) or "number"
    return "boolean" if kind == "boolean" else "any"


def _later(schema: Any, indent: str, root: Any = None, followed: tuple[str, ...] = ()) -> str:
    """The same, as GigaChat 3.5 is told it. `followed` are the references that led here, in the schema `root`."""
    if not isinstance(schema, Mapping):
        return "any"
    root = schema if root is None else root
    inner = partial(_later, root=root, followed=followed)
    if isinstance(reference := schema.get("$ref"), str):
        target = None if reference in followed else _referred(root, reference)
        return _later(target, indent, root, (*followed, reference))
    for key, between in (("anyOf", " | "), ("oneOf", " | "), ("allOf", " & ")):
        if isinstance(schema.get(key), list):
            return between.join([f"({inner(branch, indent)})" for branch in schema[key]])
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join([f"({inner(_one_of(schema, k), indent)})" for k in kind])
    has_members = isinstance(schema.get("properties"), Mapping)
    if kind is None and not has_members and "const" in schema:
        return _constant(schema["const"])
    if kind is None and not has_members and _list(schema, "enum"):
        return " | ".join([f'"{e}"' if isinstance(e, str) else str(e) for e in schema["enum"]])
    if kind in ("object", "dict") or (kind is None and has_members):
        members = [(key, s, key in _list(schema, "required")) for key, s in _properties(schema).items()]
        if (rest := _rest(schema)) is not None:
            members.append(("[key: string]", rest, True))
        return "{\n" + "".join([_member(key, s, indent, required, inner(s, indent + "  "), _SAID_LATER)
                                for key, s, required in members]) + indent[:-2] + "}"
    if kind in ("string", *_NUMBERS) and "const" in schema:
        return _constant(schema["const"])
    if kind == "string":
        return _string(schema, [f'"{e}"' for e in _list(schema, "enum") if isinstance(e, str)])
    if kind in _NUMBERS:
        return " | ".join(map(str, _list(schema, "enum"))) or ("integer" if kind in ("integer", "int") else "number")
    if kind == "boolean":
        return _constant(schema["const"]) if isinstance(schema.get("const"), bool) else "boolean"
    if kind == "array":
        return _array(schema, [inner(s, indent) for s in _places(schema)], inner(schema.get("items"), indent))
    return "null" if kind == "null" else "unknown" if isinstance(schema.get("not"), Mapping) else "any"


def _member(key: str, schema: Any, indent: str, required: bool, kind: str, said: tuple[str, ...]) -> str:
    """One property's lines: what is said of it as comments, and its type."""
    known = schema if isinstance(schema, Mapping) else {}
    comments = [*_lines(known), *(f"{k}: {_default(v)}" for k, v in known.items() if k in said and v is not None)]
    default = next((f" // default: {_default(known[k])}" for k in ("default", "defalut_value") if k in known), "")
    return ("".join([f"{indent}// {line}\n" for line in comments])
            + f"{indent}{key}{'' if required else '?'}: {kind},{default}\n")


def _default(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _string(schema: Mapping[str, Any], options: list[str]) -> str:
    if _list(schema, "enum"):
        return " | ".join(options)
    return "Date" if schema.get("format") in ("date-time", "date") else "string"


def _constant(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return f'"{value}"' if isinstance(value, str) else str(value) if isinstance(value, (int, float)) else "any"


def _array(schema: Mapping[str, Any], places: list[str], each: str) -> str:
    if isinstance(schema.get("prefixItems"), list) or isinstance(schema.get("items"), list):
        return f"[{', '.join(places)}]"
    return f"({each})[]" if isinstance(schema.get("items"), Mapping) else "Array<any>"


def _places(schema: Mapping[str, Any]) -> list[Any]:
    return next((schema[k] for k in ("prefixItems", "items") if isinstance(schema.get(k), list)), [])


def _one_of(schema: Mapping[str, Any], kind: Any) -> dict[str, Any]:
    """The schema of one type among several: what of it has to do with that type."""
    kept = {"string": ("const", "enum", "format"), "boolean": ("const",), "array": ("prefixItems", "items"),
            "object": ("properties", "required", "additionalProperties"), "dict": ("properties", "required",
                                                                                   "additionalProperties"),
            **dict.fromkeys(_NUMBERS, ("const", "enum"))}.get(str(kind), ())
    return {"type": kind, **{k: schema[k] for k in kept if k in schema}}


def _referred(root: Any, reference: str) -> Any:
    """What `#/$defs/x` means in the schema, None where nothing."""
    if not reference.startswith("#/"):
        return None
    for part in reference[2:].split("/"):
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(root, Mapping):
            root = root.get(part)
        else:
            root = root[int(part)] if isinstance(root, list) and part.isdecimal() and int(part) < len(root) else None
    return root


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = schema.get("properties")
    return properties if isinstance(properties, Mapping) else {}


def _rest(schema: Mapping[str, Any]) -> Any:
    """The schema of properties that are not named, None where there are none."""
    rest = schema.get("additionalProperties")
    return {"type": "any"} if rest is True else rest if isinstance(rest, Mapping) else None


def _list(schema: Mapping[str, Any], key: str) -> Sequence[Any]:
    value = schema.get(key)
    return value if isinstance(value, list) else ()
