"""The shapes of requests: JSON schemas, few words to write them with, and what is said of a body that does not fit.

The one rule: what is wrong is said of the field that is wrong, `messages[0].content`, in words that name what was expected.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jsonschema_rs

from .query import ApiError

Shape = Mapping[str, Any]
SHOWN = 60                              # characters of a value that an error shows
TAGS = ("role", "type")                 # what tells the shapes of a union apart

TEXT: Shape = {"type": "string"}
FLAG: Shape = {"type": "boolean"}
COUNT: Shape = {"type": "integer", "minimum": 0}
ANY: Shape = {}


def number(least: float, most: float) -> Shape:
    return {"type": "number", "minimum": least, "maximum": most}


def integer(least: int, most: int | None = None) -> Shape:
    return {"type": "integer", "minimum": least, **({} if most is None else {"maximum": most})}


def word(*values: str) -> Shape:
    return {"enum": list(values)} if len(values) > 1 else {"const": values[0]}


def some(item: Shape, least: int = 0, most: int | None = None) -> Shape:
    return {"type": "array", "items": item, **({"minItems": least} if least else {}),
            **({} if most is None else {"maxItems": most})}


def object_of(fields: Mapping[str, Shape], *required: str, **more: Any) -> Shape:
    """Fields that are not named are let through: clients send what is newer than this."""
    return {"type": "object", "properties": dict(fields), **({"required": list(required)} if required else {}), **more}


def other(*types: str, **more: Any) -> Shape:
    """An object of any type but these."""
    return object_of({"type": {"type": "string", "not": {"enum": list(types)}}}, "type", **more)


def either(*shapes: Shape) -> Shape:
    return {"anyOf": list(shapes)}


def maybe(shape: Shape) -> Shape:
    """Or null, which clients send for what they leave out."""
    kind = shape.get("type")
    if isinstance(kind, str) and "enum" not in shape:
        return {**shape, "type": [kind, "null"]}
    return either(shape, {"type": "null"})


def checker(shape: Shape) -> Callable[[Any], None]:
    """A function that raises ApiError for a body that does not fit the shape."""
    validator = jsonschema_rs.validator_for(dict(shape))

    def check(body: Any) -> None:
        if not validator.is_valid(body):
            raise _refused(_nearest(list(validator.iter_errors(body))))

    return check


def _refused(errors: Sequence[Any]) -> ApiError:
    """Of errors at one place: what any of them wants would do."""
    error = errors[0]
    param, kind = place(error.instance_path), _names(error)
    if kind == "Required":
        missing = place([*error.instance_path, error.kind.property])
        return ApiError(400, f"Missing required parameter: '{missing}'.", missing, "missing_required_parameter")
    got = len(error.instance) if kind in ("MinItems", "MaxItems") else shown(error.instance)
    return ApiError(400, f"Invalid value for '{param or 'body'}': expected {_expected(errors)}, but got {got}.",
                    param or None, "invalid_type" if kind in ("Type", "AnyOf") else "invalid_value")


def _nearest(errors: Sequence[Any]) -> Sequence[Any]:
    """The error that says most: inside of a union, that of the shape which was meant; those of all tags, if none was."""
    error = max(errors, key=lambda e: len(e.instance_path))
    if _names(error) != "AnyOf":
        return [error]
    depth, branches = len(error.instance_path) + 1, _branches(error)
    tags = [[e for e in branch if _mistagged(e, depth)] for branch in branches]
    if any(tags) and all(wrong or _other_kind(branch[0], depth) for branch, wrong in zip(branches, tags, strict=True)):
        return [e for wrong in tags for e in wrong if _names(e) != "Not"]
    within = [_nearest(branch) for branch, wrong in zip(branches, tags, strict=True) if not wrong]
    deep = [es for es in within if len(es[0].instance_path) >= depth or _names(es[0]) not in ("Type", "Constant", "Enum")]
    return max(deep, key=lambda es: len(es[0].instance_path)) if deep else within[0] if len(within) == 1 else [error]


def _branches(error: Any) -> list[Sequence[Any]]:
    """What each shape of a union has against a value; a union inside of one is part of it."""
    found: list[Sequence[Any]] = []
    for branch in error.kind.context:
        inner = branch[0] if len(branch) == 1 and _names(branch[0]) == "AnyOf" else None
        found += _branches(inner) if inner and inner.instance_path == error.instance_path else [branch]
    return found


def _mistagged(error: Any, depth: int) -> bool:
    """Whether it is said of the tag of an object at this depth."""
    path = error.instance_path
    if _names(error) == "Required":
        return bool(len(path) == depth - 1 and error.kind.property == "type")
    return len(path) == depth and path[-1] in TAGS and _names(error) in ("Constant", "Enum", "Not", "AnyOf")


def _other_kind(error: Any, depth: int) -> bool:
    return len(error.instance_path) < depth and _names(error) == "Type"


def _names(error: Any) -> str:
    return type(error.kind).__name__.rpartition("_")[2]


def _expected(errors: Sequence[Any]) -> str:
    values, others = list[str](), list[str]()
    for error in errors:
        match error.kind, _names(error):
            case kind, "Enum":
                values += map(_quoted, kind.options if isinstance(kind.options, list) else json.loads(kind.options))
            case kind, "Constant":
                values.append(_quoted(kind.expected_value))
            case _, name:
                others.append(_wanted(error, name))
    values = list(dict.fromkeys(values))
    alone = len(values) < 2
    return " or ".join([*([("" if alone else "one of ") + ", ".join(values)] if values else []), *dict.fromkeys(others)])


def _wanted(error: Any, name: str) -> str:
    kind = error.kind
    match name:
        case "AnyOf":
            here = [e for branch in _branches(error) for e in branch if len(e.instance_path) == len(error.instance_path)]
            return _expected(sorted(here, key=_is_null)) or "another value"
        case "Type":
            return " or ".join(_article(t) for t in sorted(kind.types, key=lambda t: t == "null"))
        case "Minimum" | "Maximum":
            return f"a number {'of at least' if name == 'Minimum' else 'of at most'} {kind.limit}"
        case "MinItems" | "MaxItems":
            return f"{'at least' if name == 'MinItems' else 'at most'} {kind.limit} of them"
        case "MaxProperties":
            return f"at most {kind.limit} of them"
        case "PropertyNames":
            return f"keys that are each {_expected([kind.error])}"
        case "MinLength" | "MaxLength":
            return f"a text of {'at least' if name == 'MinLength' else 'at most'} {kind.limit} characters"
        case "Pattern":
            return f"a text of the form {kind.pattern}"
    return "another value"


def _is_null(error: Any) -> bool:
    return list(getattr(error.kind, "types", ())) == ["null"]


def _quoted(value: Any) -> str:
    return "null" if value is None else repr(value)


def _article(kind: str) -> str:
    return kind if kind == "null" else f"a{'n' if kind[0] in 'aio' else ''} {kind}"


def place(path: Sequence[str | int]) -> str:
    """messages[0].content"""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def shown(value: Any) -> str:
    """A value as an error shows it: what kind it is, and its beginning."""
    kind = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}.get(type(value))
    if isinstance(value, (dict, list)) or value is None:
        return str(kind)
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else f"{text[:SHOWN - 1]}…"
