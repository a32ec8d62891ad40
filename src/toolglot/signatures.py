"""What a Python function's signature, type hints and docstring say of its arguments.

One rule: the hints are read in two directions, as a JSON schema for the model (`parameters_of`) and as the
Python value that the function wants (`bind`), and what the one promises the other keeps.

Optional hints become `nullable` beside the type, as Hugging Face's `get_json_schema` writes them: published
chat templates print `type` as one word.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import json
import re
import types
import typing
from collections import abc
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .message import ToolglotError

Schema = dict[str, Any]
Fields = dict[str, tuple[Any, bool, Schema]]  # of each member: its hint, whether it must be there, its default

_SIMPLE: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
_ARRAYS = (list, tuple, set, frozenset, abc.Sequence, abc.MutableSequence, abc.Iterable, abc.Collection, abc.Set)
_OBJECTS = (dict, abc.Mapping, abc.MutableMapping)
# Known by name, so that none of these modules has to be imported: schema, and the Python value of a JSON one.
_NAMED: dict[str, tuple[Schema, Callable[[Any, Any], Any]]] = {
    "datetime.datetime": ({"type": "string", "format": "date-time"}, lambda t, v: t.fromisoformat(_zulu(v))),
    "datetime.date": ({"type": "string", "format": "date"}, lambda t, v: t.fromisoformat(v)),
    "datetime.time": ({"type": "string", "format": "time"}, lambda t, v: t.fromisoformat(_zulu(v))),
    "decimal.Decimal": ({"type": "number"}, lambda t, v: t(str(v))),
    "uuid.UUID": ({"type": "string", "format": "uuid"}, lambda t, v: t(v)),
    "pathlib.Path": ({"type": "string"}, lambda t, v: t(v)),
}


def _zulu(text: str) -> str:
    return re.sub(r"[zZ]$", "+00:00", text)  # Python 3.10 does not read the Z


def describe(function: Callable[..., Any]) -> tuple[str, Schema]:
    """A function's description and the JSON schema of its parameters; ToolglotError says what stands in the way."""
    summary, notes = read_docstring(inspect.getdoc(function) or "")
    hints = _hints(function)
    properties: dict[str, Schema] = {}
    required: list[str] = []
    shared: dict[str, Schema] = {}
    for name, parameter in _signature(function).parameters.items():
        _refuse(function, name, parameter)
        where = f"the parameter `{name}` of the function {_name(function)}"
        schema = _schema(hints.get(name, Any), where, shared, ())
        if name in notes:
            schema.setdefault("description", notes[name])
        if parameter.default is inspect.Parameter.empty:
            required.append(name)
        else:
            schema |= _default(parameter.default)
            if parameter.default is None and "type" in schema and schema["type"] != "null":
                schema["nullable"] = True  # `x: int = None`: Python 3.10 reads this as Optional, later ones do not
        properties[name] = schema
    parameters: Schema = {"type": "object", "properties": properties}
    return summary, parameters | ({"required": required} if required else {}) | ({"$defs": shared} if shared else {})


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        raise ToolglotError(
            f"the function {_name(function)}: expected a signature that Python can show, found none; "
            "wrap it in a function of your own with type hints"
        ) from None


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function, include_extras=True)
    except Exception as error:  # a hint may be any expression
        raise ToolglotError(
            f"the function {_name(function)}: expected type hints that can be read, found {type(error).__name__}: "
            f"{error}; import what they name at run time, not only under TYPE_CHECKING"
        ) from None


def _refuse(function: Callable[..., Any], name: str, parameter: inspect.Parameter) -> None:
    found, fix = "", ""
    if parameter.kind is parameter.VAR_POSITIONAL:
        found, fix = f"*{name}", "give it a name and a list type"
    elif parameter.kind is parameter.VAR_KEYWORD:
        found, fix = f"**{name}", "name each argument"
    elif parameter.kind is parameter.POSITIONAL_ONLY:
        found, fix = f"the positional-only `{name}`", "take out the `/`"
    elif name in ("self", "cls") and "." in _name(function):
        found, fix = f"an unbound `{name}`", "give a method of an instance"
    if found:
        what = "expected only parameters that a call can name"
        raise ToolglotError(f"the function {_name(function)}: {what}, found {found}; {fix}")


def _name(function: Any) -> str:
    return getattr(function, "__qualname__", None) or repr(function)


def _default(value: Any) -> Schema:
    if isinstance(value, enum.Enum):
        value = _member(value)
    if isinstance(value, (set, frozenset)):
        value = sorted(value, key=repr)
    try:
        return {"default": json.loads(json.dumps(value, allow_nan=False))}
    except (TypeError, ValueError, RecursionError):
        return {}


# --- hint -> schema


def _schema(hint: Any, where: str, shared: dict[str, Schema], inside: tuple[Any, ...]) -> Schema:
    """The schema of a hint. `inside` are the classes being described; one that meets itself goes to `shared`."""
    hint, note = _bare(hint)
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    kind = origin or hint
    if not isinstance(kind, abc.Hashable):
        kind = ...  # no type at all, `x: ["a", "b"]`: refused below

    def inner(one: Any) -> Schema:
        return _schema(one, where, shared, inside)

    if kind in (Any, object, inspect.Parameter.empty) or isinstance(kind, typing.TypeVar):
        schema: Schema = {}
    elif kind in _SIMPLE:
        schema = {"type": _SIMPLE[kind]}
    elif _qualified(kind) in _NAMED:
        schema = dict(_NAMED[_qualified(kind)][0])
    elif kind is typing.Literal:
        schema = _enum(args)
    elif kind in (typing.Union, types.UnionType):
        schema = _union([inner(one) for one in args])
    elif kind in _ARRAYS:
        schema = _array(kind, args, inner)
    elif kind in _OBJECTS:
        schema = {"type": "object"} | ({"additionalProperties": inner(args[1])} if len(args) == 2 else {})
    elif isinstance(kind, type) and issubclass(kind, enum.Enum):
        schema = _enum([_member(one) for one in kind])
    elif isinstance(kind, type) and (fields := _fields(kind)) is not None:
        schema = _members(hint, fields, where, shared, inside)
    elif is_model(kind):
        schema = model_schema(kind)
        shared.update(schema.pop("$defs", {}))
    else:
        raise ToolglotError(
            f"{where}: expected a type that JSON can say (str, int, float, bool, list, dict, Literal, Enum, date, "
            f"a dataclass, TypedDict or pydantic model), found {inspect.formatannotation(hint)}; change the type hint"
        )
    return schema | ({"description": note} if note else {})


def _bare(hint: Any) -> tuple[Any, str]:
    """A hint without Annotated, Required, NewType and aliases, and the description that came with it."""
    note = ""
    while True:
        if isinstance(hint, str):
            return Any, note  # a forward reference inside an alias; nothing says where it points
        if hasattr(hint, "__metadata__"):
            for extra in hint.__metadata__:  # a string, pydantic's Field(description=…), typing's Doc
                extra = getattr(extra, "description", None) or getattr(extra, "documentation", None) or extra
                note = note or (extra if isinstance(extra, str) else "")
            hint = hint.__origin__
        elif getattr(typing.get_origin(hint), "_name", None) in ("Required", "NotRequired", "ReadOnly"):
            hint = typing.get_args(hint)[0]
        elif hasattr(hint, "__supertype__"):
            hint = hint.__supertype__
        elif type(hint).__name__ == "TypeAliasType":
            hint = hint.__value__
        else:
            return hint, note


def _qualified(kind: Any) -> str:
    module = str(getattr(kind, "__module__", "")).removesuffix("._local")  # pathlib since Python 3.13
    return f"{module}.{getattr(kind, '__qualname__', '')}"


def _member(member: enum.Enum) -> Any:
    """What a member of an Enum is called in JSON: its value, or its name if that is nothing JSON can say."""
    return member.value if isinstance(member.value, (str, int, float, type(None))) else member.name


def _enum(values: abc.Sequence[Any]) -> Schema:
    values = [_member(value) if isinstance(value, enum.Enum) else value for value in values]
    kept = [value for value in values if value is not None]
    names = list(dict.fromkeys(_SIMPLE[type(value)] for value in kept if type(value) in _SIMPLE))
    schema: Schema = {"type": names[0]} if len(names) == 1 else {}
    return schema | {"enum": kept} | ({"nullable": True} if len(kept) < len(values) else {})


def _union(schemas: list[Schema]) -> Schema:
    kept = [schema for schema in schemas if schema != {"type": "null"}]
    if any(not schema for schema in kept):
        return {}
    if len(kept) == 1:
        schema = kept[0]
    elif all(schema.keys() == {"type"} for schema in kept):
        schema = {"type": [schema["type"] for schema in kept]}
    else:
        schema = {"anyOf": kept}
    return schema | ({"nullable": True} if len(kept) < len(schemas) else {})


def _array(kind: Any, args: tuple[Any, ...], inner: Callable[[Any], Schema]) -> Schema:
    schema: Schema = {"type": "array"}
    if kind is tuple and args and args[-1] is not Ellipsis:
        items = [inner(one) for one in args if one != ()]
        same = {"items": items[0]} if items and all(one == items[0] for one in items) else {"prefixItems": items}
        return schema | (same if items else {}) | {"minItems": len(items), "maxItems": len(items)}
    if args and (items_schema := inner(args[0])):
        schema["items"] = items_schema
    return schema | ({"uniqueItems": True} if kind in (set, frozenset, abc.Set) else {})


def _fields(kind: Any) -> Fields | None:
    """The members of a dataclass or TypedDict; None of any other class."""
    if typing.is_typeddict(kind) or hasattr(kind, "__required_keys__"):
        hints = typing.get_type_hints(kind, include_extras=True)
        must = kind.__required_keys__
        marks = {name: getattr(typing.get_origin(hint), "_name", "") for name, hint in hints.items()}
        needed = {name: mark == "Required" or (name in must and mark != "NotRequired") for name, mark in marks.items()}
        return {name: (hint, needed[name], {}) for name, hint in hints.items()}
    if not dataclasses.is_dataclass(kind):
        return None
    hints, fields = typing.get_type_hints(kind, include_extras=True), {}
    for field in dataclasses.fields(kind):
        if field.init:
            must = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
            default = {} if field.default is dataclasses.MISSING else _default(field.default)
            fields[field.name] = (hints[field.name], must, default)
    return fields


def _members(kind: Any, fields: Fields, where: str, shared: dict[str, Schema], inside: tuple[Any, ...]) -> Schema:
    if kind in inside:
        shared.setdefault(kind.__name__, {})
        return {"$ref": f"#/$defs/{kind.__name__}"}
    doc = kind.__doc__ or ""
    summary, notes = read_docstring("" if doc.startswith((f"{kind.__name__}(", "dict(")) else inspect.cleandoc(doc))
    properties = {}
    for name, (hint, _, default) in fields.items():
        schema = _schema(hint, where, shared, (*inside, kind)) | default
        if name in notes:
            schema.setdefault("description", notes[name])
        properties[name] = schema
    required = [name for name, (_, must, _) in fields.items() if must]
    whole: Schema = {"type": "object"} | ({"description": summary} if summary else {}) | {"properties": properties}
    whole |= {"required": required} if required else {}
    if kind.__name__ not in shared:
        return whole
    shared[kind.__name__] = whole
    return {"$ref": f"#/$defs/{kind.__name__}"}


def is_model(kind: Any) -> bool:
    """Whether this is a pydantic (v2) model class; told by its methods, since pydantic need not be installed."""
    return isinstance(kind, type) and hasattr(kind, "model_json_schema") and hasattr(kind, "model_validate")


def model_schema(model: Any) -> Schema:
    """A model's JSON schema without the titles that pydantic makes up from the names."""
    try:
        schema = model.model_json_schema()
    except Exception as error:  # pydantic's own errors, which cannot be named here
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ToolglotError(
            f"the pydantic model {model.__name__}: expected a model that JSON schema can say, found {first}; "
            "change the field's type"
        ) from None
    return dict(_untitled(schema, model.__name__))


def _untitled(schema: Any, name: str) -> Any:
    if isinstance(schema, list):
        return [_untitled(one, "") for one in schema]
    if not isinstance(schema, dict):
        return schema
    made_up = {name, name.replace("_", " ").title().strip()}
    kept: Schema = {}
    for key, value in schema.items():
        if key in ("properties", "$defs") and isinstance(value, dict):
            kept[key] = {inner: _untitled(one, inner) for inner, one in value.items()}
        elif key in ("default", "const", "enum", "examples"):
            kept[key] = value
        elif key != "title" or value not in made_up:
            kept[key] = _untitled(value, name if key == "items" else "")
    return kept


# --- JSON -> what the function wants


def bind(function: Callable[..., Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as the function's hints want them: a date, a member, a dataclass. Else TypeError or ValueError."""
    inspect.signature(function).bind(**arguments)
    try:
        hints = typing.get_type_hints(function)
    except Exception:  # a function that was never described; it gets what the model wrote
        return dict(arguments)
    return {name: _python(value, hints.get(name, Any), f"`{name}`") for name, value in arguments.items()}


def _python(value: Any, hint: Any, where: str) -> Any:
    hint, _ = _bare(hint)
    kind, args = typing.get_origin(hint) or hint, typing.get_args(hint)
    try:
        if kind in (typing.Union, types.UnionType):
            return _choose(value, args, where)
        if kind is float and type(value) is int:
            return float(value)
        if not isinstance(kind, type) or value is None:
            return value
        if _qualified(kind) in _NAMED:
            return value if isinstance(value, kind) else _NAMED[_qualified(kind)][1](kind, value)
        if issubclass(kind, enum.Enum):
            return value if isinstance(value, kind) else next(one for one in kind if _same(_member(one), value))
        if isinstance(value, list) and kind in _ARRAYS:
            return _sequence(value, kind, args, where)
        if isinstance(value, dict):
            return _mapping(value, kind, args, where)
    except (TypeError, ValueError, ArithmeticError, StopIteration, AttributeError) as error:
        if isinstance(error, _Unfit):
            raise
        shown = json.dumps(value, ensure_ascii=False, default=str)
        raise _Unfit(f"{where} must be a {inspect.formatannotation(hint)}, but came as {shown[:80]}") from None
    return value


class _Unfit(ValueError):
    """A value that the hint cannot take; it already names its place."""


def _same(one: Any, other: Any) -> bool:
    return bool(one == other and isinstance(one, bool) == isinstance(other, bool))


def _sequence(value: list[Any], kind: Any, args: tuple[Any, ...], where: str) -> Any:
    if kind is tuple and args and args[-1] is not Ellipsis:
        hints: Iterator[Any] = iter(args)
        items = [_python(one, next(hints, Any), f"{where}[{n}]") for n, one in enumerate(value)]
    else:
        items = [_python(one, args[0] if args else Any, f"{where}[{n}]") for n, one in enumerate(value)]
    return kind(items) if kind in (tuple, set, frozenset) else set(items) if kind is abc.Set else items


def _mapping(value: dict[str, Any], kind: Any, args: tuple[Any, ...], where: str) -> Any:
    if is_model(kind):
        return kind.model_validate(value)
    if kind in _OBJECTS:
        hint = args[1] if len(args) == 2 else Any
        return {name: _python(one, hint, f"{where}.{name}") for name, one in value.items()}
    fields = _fields(kind)
    if fields is None:
        return value
    hints = {name: hint for name, (hint, _, _) in fields.items()}
    members = {name: _python(one, hints.get(name, Any), f"{where}.{name}") for name, one in value.items()}
    made: Any = kind
    return made(**members) if dataclasses.is_dataclass(kind) else members


def _choose(value: Any, args: tuple[Any, ...], where: str) -> Any:
    """A value for a union: itself if it is one of the plain types, else the first alternative it can become."""
    kinds = [_bare(one)[0] for one in args]
    if type(value) in kinds and not isinstance(value, str):
        return value
    unfit: _Unfit | None = None
    for one in kinds:
        try:
            made = _python(value, one, where)
        except _Unfit as error:
            unfit = error
            continue
        if made is not value:
            return made
    if unfit and isinstance(value, str) and str not in kinds and not any(typing.get_origin(k) for k in kinds):
        raise unfit
    return value


# --- docstrings

_SECTION = re.compile(r"(args|arguments|parameters|params|keyword args|other parameters)\s*:?", re.I)
_HEADING = re.compile(r"[A-Z][A-Za-z ]{2,30}:")
_GOOGLE = re.compile(r"\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)")
_NUMPY = re.compile(r"(\*{0,2}\w+(?:\s*,\s*\*{0,2}\w+)*)\s*(?::.*)?")
_SPHINX = re.compile(r":(?:param|parameter|arg|argument|key|keyword)\s+(?:[^:]*\s)?\*{0,2}(\w+)\s*:\s*(.*)")


def read_docstring(text: str) -> tuple[str, dict[str, str]]:
    """The first paragraph of a cleaned docstring, and what it says of each parameter (Google, NumPy, Sphinx style)."""
    lines = text.splitlines()
    summary: list[str] = []
    for n, line in enumerate(lines):
        underlined = n + 1 < len(lines) and re.fullmatch(r"-{3,}", lines[n + 1].strip()) is not None
        heading = _SECTION.fullmatch(line.strip()) or (n and _HEADING.fullmatch(line.strip()))
        if not line.strip() or line.startswith(":") or heading or underlined:
            break
        summary.append(line.strip())
    return " ".join(summary), {**_sphinx(lines), **_sections(lines)}


def _sphinx(lines: list[str]) -> dict[str, str]:
    notes: dict[str, list[str]] = {}
    here: list[str] | None = None
    for line in lines:
        if found := _SPHINX.fullmatch(line.strip()):
            here = notes.setdefault(found[1], [])
            here.append(found[2])
        elif not line.strip() or not line[0].isspace():
            here = None
        elif here is not None:
            here.append(line.strip())
    return {name: " ".join(words).strip() for name, words in notes.items()}


def _sections(lines: list[str]) -> dict[str, str]:
    """The entries of each Args section: indented in Google's style, at the margin under dashes in NumPy's."""
    notes: dict[str, list[str]] = {}
    for start, line in enumerate(lines):
        if line[:1].isspace() or not _SECTION.fullmatch(line.strip()):
            continue
        numpy = re.fullmatch(r"-{3,}", "".join(lines[start + 1 : start + 2]).strip()) is not None
        body = lines[start + (2 if numpy else 1) :]
        margin = 0 if numpy else min((len(x) - len(x.lstrip()) for x in body[:1] if x.strip()), default=0)
        if numpy or (line.strip().endswith(":") and margin):
            _entries(body, margin, numpy, notes)
    return {name: " ".join(filter(None, words)) for name, words in notes.items()}


def _entries(body: list[str], margin: int, numpy: bool, notes: dict[str, list[str]]) -> None:
    here: list[list[str]] = []
    for n, line in enumerate(body):
        indent, words = len(line) - len(line.lstrip()), line.strip()
        if not words:
            continue
        ends = numpy and indent == 0 and re.fullmatch(r"-{3,}", "".join(body[n + 1 : n + 2]).strip()) is not None
        if indent < margin or ends:
            return
        found = (_NUMPY if numpy else _GOOGLE).fullmatch(words) if indent == margin else None
        if found:
            names = [name.strip().lstrip("*") for name in found[1].split(",")]
            here = [notes.setdefault(name, []) for name in names]
            if not numpy:
                here[0].append(found[2])
        elif indent > margin:
            for note in here:
                note.append(words)
        else:
            here = []
