"""What a schema asks of a value, looked up once for each schema: enough to say that a value surely breaks it.

One rule: in doubt, a value does not break a schema. Numbers' bounds, patterns, conditions and the like are for
`validate`; here only a type, an enum, what is required and what is inside count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .plain import FLOAT, kept, plain
from .types import DEPTH, JSON_TYPES, kind_of, resolve, same, types_of

_Shape = TypeVar("_Shape")
_DEEP = DEPTH * 2  # steps from a value into its parts, and from a schema into its alternatives


class Spent(Exception):
    """More looks were needed than such a value and such a schema are worth."""


@dataclass(frozen=True, slots=True)
class View:
    """One schema with its `$ref` followed. `due` are the types that all of it allows, `types` those of its own `type`, and
    `float` says that 5 is to be given as 5.0."""

    due: frozenset[str] | None
    types: frozenset[str] | None
    float: bool
    never: bool
    members: tuple[tuple[Any, ...], ...]
    keys: tuple[frozenset[object], ...]
    required: tuple[str, ...]
    properties: Mapping[str, object]
    rest: object
    prefix: tuple[object, ...]
    items: object
    parts: tuple[object, ...]
    choices: tuple[tuple[object, ...], ...]

    def at(self, place: str | int) -> object:
        """The schema of what stands at a place, or None."""
        if isinstance(place, str):
            return self.properties.get(place, self.rest)
        return self.prefix[place] if place < len(self.prefix) else self.items


@dataclass(slots=True)
class Look:
    """A whole schema in plain words, and what was looked up in it. `steps` are those of one look at one value.

    A schema stands beside what was found for it: by its address it is known only for as long as it lives.
    """

    root: Any
    views: dict[int, tuple[object, View]] = field(default_factory=dict)
    flats: dict[int, tuple[object, tuple[View, ...]]] = field(default_factory=dict)
    insides: dict[tuple[int, ...], object] = field(default_factory=dict)
    steps: Iterator[int] = field(default_factory=lambda: iter(()))

    def tick(self) -> None:
        if next(self.steps, None) is None:
            raise Spent

    def view(self, schema: object) -> View:
        found = self.views.get(id(schema))
        if found is None:
            found = self.views[id(schema)] = schema, _view(schema, self.root)
        return found[1]

    def flat(self, schema: object) -> tuple[View, ...]:
        """A schema and all of the `allOf` in it."""
        found = self.flats.get(id(schema))
        if found is None:
            found = self.flats[id(schema)] = schema, tuple(self._flat(schema, DEPTH))
        return found[1]

    def _flat(self, schema: object, depth: int) -> Iterator[View]:
        self.tick()
        view = self.view(schema)
        yield view
        for part in view.parts if depth else ():
            yield from self._flat(part, depth - 1)

    def inside(self, schema: object, place: str | int) -> object:
        """All that the schema says of what stands at a place, alternatives apart; None where it says nothing."""
        flat = self.flat(schema)
        if len(flat) == 1:
            return flat[0].at(place)
        said = [one for view in flat if (one := view.at(place)) is not None]
        if len(said) < 2:
            return said[0] if said else None
        return self.insides.setdefault(tuple(map(id, said)), {"allOf": said})


look = kept(lambda schema, _: Look(plain(schema, 0)))


def _view(schema: object, root: object) -> View:
    said = resolve(schema, root)                         # a `$ref` may lead to what was never meant for a schema
    due = types_of(schema, root)
    types = frozenset(one for one in _given(said, "type", list[Any]()) if isinstance(one, str) and one in JSON_TYPES)
    enum = said.get("enum")
    members = [tuple(enum)] if isinstance(enum, list) else []
    members += [(said["const"],)] if "const" in said else []
    return View(
        due=None if due is None else frozenset(due),
        types=types or None,
        float=said.get(FLOAT) is True,
        never="not" in said and said["not"] in ({}, True),
        members=tuple(members),
        keys=tuple(frozenset(map(_key, one)) for one in members),
        required=tuple(one for one in _given(said, "required", list[Any]()) if isinstance(one, str)),
        properties=_given(said, "properties", {}),
        rest=None if "patternProperties" in said else said.get("additionalProperties"),
        prefix=tuple(_given(said, "prefixItems", [])),
        items=said.get("items"),
        parts=tuple(_given(said, "allOf", [])),
        choices=tuple(tuple(said[word]) for word in ("anyOf", "oneOf") if _given(said, word, [])),
    )


def _given(said: Mapping[str, Any], word: str, empty: _Shape) -> _Shape:
    value = said.get(word)
    return value if isinstance(value, type(empty)) else empty


def _key(value: object) -> object:
    """The same for values that JSON schema takes for the same."""
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return value
    try:
        return ("json", same(value))
    except (TypeError, ValueError, RecursionError):
        return ("unknown",)


def is_one_of(value: object, kind: str, types: frozenset[str]) -> bool:
    """Whether a value of a kind has one of the types."""
    if kind in types:
        return True
    if kind == "number":
        return "integer" in types and isinstance(value, float) and value.is_integer()
    return kind == "integer" and "number" in types


def breaks(look: Look, value: object, schema: object, depth: int = 0) -> bool:
    """Whether a value surely breaks a schema."""
    look.tick()
    view, kind = look.view(schema), kind_of(value)
    if view.never:
        return True
    if depth > _DEEP or not kind:
        return False
    if view.types is not None and not is_one_of(value, kind, view.types):
        return True
    if view.keys and _is_no_member(value, kind, view):
        return True
    if kind == "object" and _breaks_inside_object(look, value, view, depth):
        return True
    if kind == "array" and _breaks_inside_array(look, value, view, depth):
        return True
    for part in view.parts:
        if breaks(look, value, part, depth + 1):
            return True
    return any(all(breaks(look, value, one, depth + 1) for one in choice) for choice in view.choices)


def _is_no_member(value: object, kind: str, view: View) -> bool:
    if kind in ("object", "array") and not any(isinstance(one, (dict, list)) for one in view.members[0]):
        return True
    key = _key(value)
    return key != ("unknown",) and any(key not in keys and ("unknown",) not in keys for keys in view.keys)


def _breaks_inside_object(look: Look, value: Any, view: View, depth: int) -> bool:
    for name in view.required:
        if name not in value:
            return True
    for name, one in value.items():
        schema = view.properties.get(name, view.rest)
        if schema is not None and breaks(look, one, schema, depth + 1):
            return True
    return False


def _breaks_inside_array(look: Look, value: Any, view: View, depth: int) -> bool:
    if view.prefix or view.items is not None:
        for place, one in enumerate(value):
            schema = view.at(place)
            if schema is not None and breaks(look, one, schema, depth + 1):
                return True
    return False
