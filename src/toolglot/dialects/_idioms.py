'''How a zero-shot dialect may tell of the tools, for models that were trained on none of this: five idioms.

The one rule: each names every tool, its parameters, what is said of them, which of them are required, and what their
values may be. `$ref` and `anyOf` are followed, and the members of objects are told where an idiom has room for them.

    // Get the weather.
    get_weather(city: string, days?: integer)

    {"name": "get_weather", "description": "Get the weather.", "parameters": …}

    // Get the weather.
    type get_weather = (_: {
    city: string,
    days?: number,
    }) => any;

    def get_weather(city: str, days: int = None):
        """Get the weather."""

    ## get_weather

    Get the weather.

    - city (string, required)
    - days (integer)
'''

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..render import dumps
from ..schema import resolve, types_of

Tools = Sequence[Mapping[str, Any]]
DEPTH = 5                                        # how far objects and lists are told in each other


class Member(NamedTuple):
    """One parameter, or one member of an object."""

    name: str
    schema: Mapping[str, Any]                    # resolved
    required: bool
    root: Any                                    # the schema that `$ref` points into
    above: frozenset[int]                        # the objects that it stands in: a `$ref` may go in circles

    @property
    def said(self) -> str:
        """What is said of it."""
        said = self.schema.get("description")
        return said if isinstance(said, str) else dumps(said) if said else ""

    @property
    def default(self) -> Any:
        return self.schema.get("default")

    @property
    def members(self) -> list[Member]:
        """The members of the object, or of the objects in the list, that its value is."""
        return _members(self.schema, self.root, self.above)

    def type(self, types: Types) -> str:
        return _type(self.schema, self.root, types)


class Types(NamedTuple):
    """How a language writes types: its words for JSON's, one of several values, and a list."""

    words: Mapping[str, str]
    values: Callable[[list[Any]], str]
    array: Callable[[str], str]


def _values(values: list[Any]) -> str:
    return " | ".join([dumps(v) for v in values])


def _array(inner: str) -> str:
    return f"({inner})[]" if " | " in inner else f"{inner}[]"


JSON = Types({}, _values, _array)
TYPESCRIPT = Types({"integer": "number"}, _values, _array)
PYTHON = Types({"string": "str", "integer": "int", "number": "float", "boolean": "bool", "array": "list",
                "object": "dict", "null": "None", "any": "Any"},
               lambda values: f"Literal[{', '.join([repr(v) for v in values])}]", lambda inner: f"list[{inner}]")


def function(tool: Mapping[str, Any]) -> tuple[str, str, list[Member]]:
    """A tool's name, what is said of it, and its parameters."""
    own = tool.get("function", tool)
    root = own.get("parameters") or {}
    return own["name"], own.get("description") or "", _members(root, root)


def _members(schema: Any, root: Any, above: frozenset[int] = frozenset()) -> list[Member]:
    out: dict[str, Member] = {}
    for one in _variants(schema, root):
        properties, required = one.get("properties"), one.get("required") or ()
        if isinstance(properties, Mapping) and id(properties) not in above and len(above) < DEPTH:
            within = above | {id(properties)}
            for name, inner in properties.items():
                out.setdefault(name, Member(name, resolve(inner, root), name in required, root, within))
        if "items" in one and len(above) < DEPTH:
            for member in _members(one["items"], root, above | {id(one["items"])}):
                out.setdefault(member.name, member)
    return list(out.values())


def _variants(schema: Any, root: Any, depth: int = DEPTH) -> list[dict[str, Any]]:
    """A schema, resolved: one a variant where it has several."""
    flat = resolve(schema, root)
    several = flat.get("anyOf") or flat.get("oneOf")
    if not isinstance(several, list) or not depth:
        return [flat]
    return [v for one in several for v in _variants(one, root, depth - 1)]


def _type(schema: Any, root: Any, types: Types, depth: int = DEPTH) -> str:
    found = [t for one in _variants(schema, root) for t in _types(one, root, types, depth)]
    return " | ".join(dict.fromkeys(found))


def _types(flat: Mapping[str, Any], root: Any, types: Types, depth: int) -> Iterator[str]:
    values = flat.get("enum") or ([flat["const"]] if "const" in flat else [])
    if isinstance(values, list) and values:
        yield types.values(values)
        return
    for name in types_of(flat, root) or ("any",):
        if name == "array" and depth:
            yield types.array(_type(flat.get("items"), root, types, depth - 1))
        else:
            yield types.words.get(name, name)


def _lines(text: str, before: str) -> list[str]:
    """A text, each of its lines with this before it."""
    return [f"{before}{line}".rstrip() for line in text.split("\n")] if text else []


# -- the idioms ------------------------------------------------------------------------------------------------


def sketches(tools: Tools) -> str:
    """`name(p: type, q?: type)` for each tool, its description before and its parameters' below, as comments."""
    return "\n".join([line for tool in tools for line in _sketch(*function(tool))])


def _sketch(name: str, said: str, members: list[Member]) -> Iterator[str]:
    yield from _lines(said, "// ")
    signature = [f"{m.name}{'' if m.required else '?'}: {m.type(JSON)}" for m in members]
    yield f"{name}({', '.join(signature)})"
    for m in members:
        if m.said:
            first, *rest = _lines(m.said, "//   ")
            yield f"//   {m.name}: {first[5:]}"
            yield from rest


def json_schema(tools: Tools) -> str:
    """One JSON object a line: name, description and schema, as its author wrote them."""
    return "\n".join([dumps(tool.get("function", tool)) for tool in tools])


def typescript(tools: Tools) -> str:
    """A namespace of function types. Unlike `_typescript`, which repeats gpt-oss's own template, it loses nothing."""
    functions = [line for tool in tools for line in (*_declared(*function(tool)), "")]
    return "\n".join(["namespace functions {", "", *functions, "} // namespace functions"])


def _declared(name: str, said: str, members: list[Member]) -> Iterator[str]:
    yield from _lines(said, "// ")
    if not members:
        yield f"type {name} = () => any;"
        return
    yield f"type {name} = (_: {{"
    yield from _fields(members, "")
    yield "}) => any;"


def _fields(members: list[Member], margin: str) -> Iterator[str]:
    for m in members:
        yield from _lines(m.said, f"{margin}// ")
        head = f"{margin}{m.name}{'' if m.required else '?'}: "
        default = f", // default: {dumps(m.default)}" if m.default is not None else ","
        inner = m.members
        before, found, after = m.type(TYPESCRIPT).partition("object")
        if inner and found:
            yield f"{head}{before}{{"
            yield from _fields(inner, margin + "  ")
            yield f"{margin}}}{after}{default}"
        else:
            yield f"{head}{before}{found}{after}{default}"


def python(tools: Tools) -> str:
    """`def` with types and a docstring."""
    return "\n\n".join(["\n".join(_defined(*function(tool))) for tool in tools])


def _defined(name: str, said: str, members: list[Member]) -> Iterator[str]:
    signature = [f"{m.name}: {m.type(PYTHON)}{'' if m.required else f' = {m.default!r}'}"
                 for m in sorted(members, key=lambda m: not m.required)]
    yield f"def {name}({', '.join(signature)}):"
    notes = list(_notes(members, "        "))
    words = "\n".join([*_lines(said, "    "), *(["", "    Args:", *notes, "    "] if notes else [])])
    yield f'    """{words.removeprefix("    ")}"""' if words else "    ..."


def _notes(members: list[Member], margin: str) -> Iterator[str]:
    for m in members:
        inner = m.members
        nested = len(margin) > 8                 # a member of an object: its type stands nowhere else
        kind = f" ({m.type(PYTHON)}{', required' if m.required else ''})" if nested else ""
        if m.said or inner or nested:
            first, *rest = _lines(m.said, margin + "    ") or [""]
            yield f"{margin}{m.name}{kind}: {first.strip()}".rstrip(": ")
            yield from rest
            yield from _notes(inner, margin + "    ")


def markdown(tools: Tools) -> str:
    """A heading a tool, a bullet a parameter."""
    return "\n\n".join(["\n".join(_section(*function(tool))) for tool in tools])


def _section(name: str, said: str, members: list[Member]) -> Iterator[str]:
    yield f"## {name}"
    yield from ("", *_lines(said, "")) if said else ()
    yield from ("", *_bullets(members, "")) if members else ()


def _bullets(members: list[Member], margin: str) -> Iterator[str]:
    for m in members:
        notes = [m.type(JSON), *["required"] * m.required,
                 *([f"default {dumps(m.default)}"] if m.default is not None else [])]
        first, *rest = _lines(m.said, margin + "  ") or [""]
        yield f"{margin}- {m.name} ({', '.join(notes)}){': ' if m.said else ''}{first.strip()}"
        yield from rest
        yield from _bullets(m.members, margin + "  ")


IDIOMS: dict[str, Callable[[Tools], str]] = {
    "sketch": sketches, "json-schema": json_schema, "typescript": typescript, "python": python, "markdown": markdown}
