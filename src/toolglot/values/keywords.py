"""A JSON schema's keywords, brought together in one plain object: `$ref` followed, `allOf` merged, shapes checked.

The one rule: a schema that asks for what two others ask for allows nothing that one of them refuses; where the two
cannot be brought together exactly, a sentence says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from ..message import ToolglotError
from ..schema import pointed, type_name

_STEPS = 1_000_000  # schemas and members looked at; a few seconds
_REFS = 100  # `$ref`s that lead straight to one another
NOTES = frozenset(
    {"title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly", "$comment"}
    | {"$schema", "$id", "$defs", "definitions", "nullable", "optional"}
)


class Nothing(ToolglotError):
    """No value satisfies this schema; one that leaves other choices goes on without it."""


def place(at: str) -> str:
    """A place in a value, as errors and sentences name it."""
    return f"`{at.removeprefix('.')[-200:]}`" if at else "the value"


def is_number(value: object) -> TypeGuard[int | float]:
    """A finite number; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < float("inf")


def as_list(value: Any) -> list[Any]:
    """What a keyword names, be it one or a list of them."""
    return list(value) if isinstance(value, (list, tuple)) else [value]


@dataclass
class Keywords:
    """What is known of one schema as a whole: what its `$ref` points into, its sentences, how much has been read."""

    root: Any
    unenforced: dict[str, None] = field(default_factory=dict)
    steps: int = 0

    def skip(self, at: str, key: str, why: str = "") -> None:
        """A sentence: this keyword at this place is not enforced."""
        self.unenforced[f"{place(at)}: `{key[:80]}`{': ' + why if why else ' is'} not enforced"] = None

    def count(self, at: str, steps: int = 1) -> None:
        """Bounds the time that a hostile schema takes."""
        self.steps += steps
        if self.steps > _STEPS:
            raise ToolglotError(f"{place(at)}: the schema is too large, or `allOf` and `anyOf` multiply in it")

    def list_of(self, schema: Mapping[str, Any], key: str, at: str) -> list[Any]:
        value = schema.get(key)
        if value is not None and not isinstance(value, (list, tuple)):
            raise ToolglotError(f"{place(at)}: `{key}` must be a list, found {_cut(value)}")
        return list(value or ())

    def map_of(self, schema: Mapping[str, Any], key: str, at: str) -> Mapping[str, Any]:
        value = schema.get(key)
        if value is not None and not isinstance(value, Mapping):
            raise ToolglotError(f"{place(at)}: `{key}` must be an object, found {_cut(value)}")
        return value or {}

    def bounds(self, schema: Mapping[str, Any], low: str, high: str, at: str) -> tuple[int, int | None]:
        """The least and the greatest count that two keywords allow; None for no greatest."""
        counts: list[int | None] = []
        for key in (low, high):
            value = schema.get(key)
            whole = is_number(value) and value >= 0 and value == int(value)
            if key in schema and not whole:
                self.skip(at, key, f"{_cut(value)} is no count, so it is")
            counts.append(int(value) if is_number(value) and whole else None)
        least, most = counts[0] or 0, counts[1]
        if most is not None and least > most:
            raise Nothing(f"{place(at)}: no value satisfies it, for `{low}` is above `{high}`")
        return least, most

    def checked(self, schema: Any, at: str) -> Any:
        """The schema itself, if it is one that some value may satisfy."""
        self.count(at)
        if schema is False:
            raise Nothing(f"{place(at)}: no value satisfies the schema `false`")
        if schema is not True and not isinstance(schema, Mapping):
            raise ToolglotError(f"{place(at)}: a schema is an object or a boolean, found {_cut(schema)}")
        return schema

    def target(self, ref: Any, at: str) -> Any:
        """The schema that a `$ref` stands for. Nothing is fetched."""
        found = pointed(ref, self.root) if isinstance(ref, str) else None
        if not isinstance(found, (Mapping, bool)):
            remote = isinstance(ref, str) and not ref.startswith("#")
            why = "is remote, and nothing is fetched; put it under `$defs`" if remote else "leads nowhere"
            raise ToolglotError(f"{place(at)}: `$ref` {_cut(ref)} {why}")
        return found

    def meant(self, schema: Any, at: str) -> Any:
        """What is at the end of a `$ref` that has nothing but notes beside it; else the schema itself."""
        for _ in range(_REFS):
            if not isinstance(schema, Mapping) or "$ref" not in schema or schema.keys() - NOTES - {"$ref"}:
                return schema
            if schema.get("nullable") is True:
                return schema
            schema = self.target(schema["$ref"], at)
        raise ToolglotError(f"{place(at)}: `$ref` {_cut(schema['$ref'])} leads in a circle")

    def flat(self, schema: Any, at: str) -> dict[str, Any]:
        """One schema without `$ref`, `allOf` and `const` that asks for the same."""
        merged: dict[str, Any] = {}
        seen: dict[int, Any] = {}
        todo: list[tuple[Any, tuple[int, ...]]] = [(schema, ())]  # and the schemas that led to it
        while todo:
            part, path = todo.pop()
            if self.checked(part, at) is True:
                continue
            if id(part) in path or len(path) > _REFS:
                raise ToolglotError(f"{place(at)}: `$ref` and `allOf` lead in a circle, or are nested too deeply")
            if id(part) in seen:
                continue
            seen[id(part)] = part
            path = (*path, id(part))
            todo += [(one, path) for one in reversed(self.list_of(part, "allOf", at))]
            if "$ref" in part:
                todo.append((self.target(part["$ref"], at), path))
            own = {key: value for key, value in part.items() if key not in ("$ref", "allOf", "const")}
            if "const" in part:
                own = self.both(own, {"enum": [part["const"]]}, at)
            merged = self.both(merged, own, at)
        return merged

    def both(self, one: dict[str, Any], other: dict[str, Any], at: str) -> dict[str, Any]:
        """One flat schema for two."""
        if not one or not other:
            return one or other
        self.count(at, len(one) + len(other))
        merged = {**other, **one}
        if "properties" in one or "properties" in other:
            merged["properties"] = self._members(one, other, at)
        for key in one.keys() & other.keys() - NOTES - {"properties"}:
            a, b = one[key], other[key]
            match key:
                case "required":
                    merged[key] = [*as_list(a), *as_list(b)]
                case "type":
                    merged[key] = _narrow(as_list(a), as_list(b))
                case "enum":
                    merged[key] = _in_both(as_list(a), as_list(b))
                case "anyOf" | "oneOf":
                    merged[key] = [{"allOf": [branch, {key: b}]} for branch in self.list_of(one, key, at)]
                case "items" | "additionalProperties" if not isinstance(a, list) and not isinstance(b, list):
                    merged[key] = {"allOf": [a, b]}
                case "minimum" | "exclusiveMinimum" | "minLength" | "minItems" if is_number(a) and is_number(b):
                    merged[key] = max(a, b)
                case "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" if is_number(a) and is_number(b):
                    merged[key] = min(a, b)
                case _ if a is not b and a != b:
                    self.skip(at, key, "`allOf` gives it twice; the first is kept, the other")
        return merged

    def _members(self, one: dict[str, Any], other: dict[str, Any], at: str) -> dict[str, Any]:
        """The properties of both; where one does not name a property, what it says of additional ones holds."""
        mine, theirs = self.map_of(one, "properties", at), self.map_of(other, "properties", at)
        self.count(at, len(mine) + len(theirs))
        found: dict[str, Any] = {}
        for name in (*mine, *(name for name in theirs if name not in mine)):
            said = [
                known.get(name, side.get("additionalProperties", True))
                for known, side in ((mine, one), (theirs, other))
            ]
            parts = [part for part in said if part is not True]
            found[name] = {"allOf": parts} if len(parts) > 1 else parts[0] if parts else True
        return found


def _narrow(one: list[Any], other: list[Any]) -> list[Any]:
    names, others = ([type_name(written) for written in written_names] for written_names in (one, other))
    if None in names or None in others:  # "any", or a name that nobody knows
        return other if None in names else one
    wide = [{*these, "integer"} if "number" in these else {*these} for these in (names, others)]
    return [name for name in dict.fromkeys([*names, *others]) if all(name in these for these in wide)]


def _in_both(one: list[Any], other: list[Any]) -> list[Any]:
    known = {_key(value) for value in other}
    return [value for value in one if _key(value) in known]


def _key(value: Any) -> object:
    """Equal for equal JSON values: true is not 1, but 1.0 is."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else repr(value)


def _cut(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 100 else text[:99] + "…"
