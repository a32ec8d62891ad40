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

_STEPS = 500_000  # schemas and members looked at; a second or two
_MOST = 10**9  # characters or items that a keyword asks for
_LONGEST_PLACE = 8_000  # characters: engines have stacks that end
_REFS = 100  # `$ref`s that lead straight to one another
NOTES = frozenset(
    {"title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly", "$comment"}
    | {"$schema", "$id", "$defs", "definitions", "nullable", "optional"}
)


_PLAIN = NOTES - {"$defs", "definitions", "nullable", "$id"} | {"type", "properties", "required", "items", "enum"}


def is_plain(schema: Any, depth: int = 20) -> bool:
    """Whether all of a schema is held to in every notation, and nothing can be wrong in it. Most tools' schemas are so,
    and need not be read twice."""
    if not isinstance(schema, Mapping) or not schema.keys() <= _PLAIN or depth == 0:
        return False
    members, names = schema.get("properties", {}), schema.get("required", ())
    if not isinstance(members, Mapping) or not isinstance(names, (list, tuple)):
        return False
    kind = schema.get("type")
    choices = schema.get("enum")
    return (isinstance(kind, str) and type_name(kind) is not None
            and (choices is None or (isinstance(choices, (list, tuple)) and len(choices) > 0 and type_name(kind) == "string"
                                     and all([isinstance(one, str) for one in choices])))
            and all([isinstance(name, str) and name in members for name in names])
            and ("items" not in schema or is_plain(schema["items"], depth - 1))
            and all([isinstance(name, str) and is_plain(one, depth - 1) for name, one in members.items()]))


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
    narrowed: dict[str, None] = field(default_factory=dict)
    steps: int = 0

    def skip(self, at: str, key: str, why: str = "") -> None:
        """A sentence: this keyword at this place is not enforced."""
        self.unenforced[f"{place(at)}: `{key[:80]}`{': ' + why if why else ' is'} not enforced"] = None

    def narrow(self, at: str, why: str) -> None:
        """A sentence: at this place less is allowed than the schema does."""
        self.narrowed[f"{place(at)}: {why}"] = None

    def count(self, at: str, steps: int = 1) -> None:
        """Bounds the time that a hostile schema takes."""
        self.steps += steps
        if self.steps > _STEPS:
            raise ToolglotError(f"{place(at)}: the schema is too large, or `allOf` and `anyOf` multiply in it")

    def list_of(self, schema: Mapping[str, Any], key: str, at: str) -> list[Any]:
        value = schema.get(key)
        if value is not None and not isinstance(value, (list, tuple)):
            raise ToolglotError(f"{place(at)}: `{key}` must be a list, found {shown(value)}")
        return list(value or ())

    def map_of(self, schema: Mapping[str, Any], key: str, at: str) -> Mapping[str, Any]:
        value = schema.get(key)
        if value is not None and not isinstance(value, Mapping):
            raise ToolglotError(f"{place(at)}: `{key}` must be an object, found {shown(value)}")
        return value or {}

    def bounds(self, schema: Mapping[str, Any], low: str, high: str, at: str) -> tuple[int, int | None]:
        """The least and the greatest count that two keywords allow; None for no greatest."""
        counts: list[int | None] = []
        for key in (low, high):
            value = schema.get(key)
            whole = is_number(value) and value >= 0 and value == int(value)
            if key in schema and not whole:
                self.skip(at, key, f"{shown(value)} is no count, so it is")
            if is_number(value) and value > _MOST:
                self.skip(at, key, f"{shown(value)} is too many, so it is")
                whole = False
            counts.append(int(value) if is_number(value) and whole else None)
        least, most = counts[0] or 0, counts[1]
        if most is not None and least > most:
            raise Nothing(f"{place(at)}: no value satisfies it, for `{low}` is above `{high}`")
        return least, most

    def checked(self, schema: Any, at: str) -> Any:
        """The schema itself, if it is one that some value may satisfy."""
        self.count(at)
        if len(at) > _LONGEST_PLACE:
            raise ToolglotError(f"{place(at)}: the schema is nested too deeply; flatten it, or let it refer to itself")
        if schema is False:
            raise Nothing(f"{place(at)}: no value satisfies the schema `false`")
        if schema is not True and not isinstance(schema, Mapping):
            raise ToolglotError(f"{place(at)}: a schema is an object or a boolean, found {shown(schema)}")
        return schema

    def target(self, ref: Any, at: str) -> Any:
        """The schema that a `$ref` stands for. Nothing is fetched."""
        found = pointed(ref, self.root) if isinstance(ref, str) else None
        if not isinstance(found, (Mapping, bool)):
            remote = isinstance(ref, str) and not ref.startswith("#")
            why = "is remote, and nothing is fetched; put it under `$defs`" if remote else "leads nowhere"
            raise ToolglotError(f"{place(at)}: `$ref` {shown(ref)} {why}")
        return found

    def meant(self, schema: Any, at: str) -> Any:
        """What is at the end of a `$ref` that has nothing but notes beside it; else the schema itself."""
        for _ in range(_REFS):
            if not isinstance(schema, Mapping) or "$ref" not in schema or schema.keys() - NOTES - {"$ref"}:
                return schema
            if schema.get("nullable") is True:
                return schema
            schema = self.target(schema["$ref"], at)
        raise ToolglotError(f"{place(at)}: `$ref` {shown(schema['$ref'])} leads in a circle")

    def flat(self, schema: Any, at: str) -> dict[str, Any]:
        """One schema without `$ref`, `allOf` and `const` that asks for the same."""
        merged: dict[str, Any] = {}
        seen: dict[int, Any] = {}
        todo: list[tuple[Any, tuple[int, ...]]] = [(schema, ())]  # and the schemas that led to it
        while todo:
            part, path = todo.pop()
            if self.checked(part, at) is True:
                continue
            if part.get("nullable") is True:
                rest = {key: value for key, value in part.items() if key != "nullable"}
                merged = self.both(merged, {"anyOf": [rest, {"type": "null"}]}, at)
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
            merged = self.both(merged, _this_draft(own), at)
        return merged

    def both(self, one: dict[str, Any], other: dict[str, Any], at: str) -> dict[str, Any]:
        """One flat schema for two."""
        if not one or not other:
            return one or other
        self.count(at, len(one) + len(other))
        merged = {**other, **one}
        if "properties" in one or "properties" in other:
            merged["properties"] = self._members(one, other, at)
        if _lists(one) and _lists(other):
            merged.pop("additionalItems", None)
            merged["prefixItems"], merged["items"] = self._items(one, other, at)
        for key in (one.keys() & other.keys()) - NOTES - {"properties", *_ITEMS}:
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
                case "additionalProperties":
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


    def _items(self, one: dict[str, Any], other: dict[str, Any], at: str) -> tuple[list[Any], Any]:
        """The first items of both and the rest; where one lists fewer first items, its rest holds."""
        (mine, more), (theirs, others) = self.items_of(one, at), self.items_of(other, at)
        count = max(len(mine), len(theirs))
        self.count(at, count)
        firsts = [{"allOf": [a, b]} for a, b in zip(mine + [more] * (count - len(mine)),
                                                     theirs + [others] * (count - len(theirs)), strict=True)]
        return firsts, {"allOf": [more, others]}

    def items_of(self, schema: Mapping[str, Any], at: str) -> tuple[list[Any], Any]:
        """The schemas of an array's first items, and of all others."""
        if isinstance(schema.get("items"), list):  # before 2020-12
            return self.list_of(schema, "items", at), schema.get("additionalItems", True)
        return self.list_of(schema, "prefixItems", at), schema.get("items", True)


_ITEMS = ("prefixItems", "items", "additionalItems")


def _lists(schema: Mapping[str, Any]) -> bool:
    return not schema.keys().isdisjoint(_ITEMS)


def _this_draft(schema: dict[str, Any]) -> dict[str, Any]:
    """With `exclusiveMinimum` and `exclusiveMaximum` as numbers, where they are draft 4's true and false."""
    found = schema
    for key in ("minimum", "maximum"):
        strict = f"exclusive{key.capitalize()}"
        if isinstance(schema.get(strict), bool):
            found = {name: value for name, value in found.items() if name != strict}
            if schema[strict] and key in found:
                found[strict] = found.pop(key)
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


def shown(value: object, most: int | None = 100) -> str:
    """A value as errors and sentences show it."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of thousands of digits; a value deep inside itself
        text = f"{type(value).__name__} at {id(value):x}, too large to show"
    return text if most is None or len(text) <= most else text[: most - 1] + "…"
