"""A JSON schema in the subset that llguidance's `%json` takes and holds to.

The one rule: it is read as `values` reads it, and written again with nothing in it that llguidance would refuse or pass
over. So what `values` refuses is refused, and what is left out is what `values` says it does not enforce. llguidance's
own strengths (bounds of numbers, `multipleOf`, lengths beside a pattern) are used where some value surely remains.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..rules import Caps, Whitespace
from ..values import patterns, reading, scalars
from ..values.keywords import NOTES, Keywords, Nothing, is_number, shown
from ..values.literals import FORMATS, PATTERN
from ..values.patterns import Unsupported

_OWN_FORMATS = frozenset({"duration", "hostname", "ipv6"})  # llguidance knows them, `values` does not
_INLINE = 6  # schemas inside one another; llguidance's reader ends at some hundred brackets
_DIGITS = 9
_SILENT = NOTES - {"nullable", "$defs", "definitions"}
_MAPS = frozenset({"properties", "$defs", "definitions"})
_TOLD, _TOLD_DEPTH = 100_000, 60
_DIVISOR = 1_000  # the largest: llguidance has a state for each remainder
_TEXT = patterns.as_text(patterns.one_class)


def prepared(schema: Any, root: Any, caps: Caps, space: Whitespace) -> dict[str, Any]:
    """The schema, with what its `$ref`s into `root` stand for under `$defs`. Raises what `values` raises,
    but for a schema whose values have no end: whoever makes a constraint asks `values` first."""
    made = _Writer(Keywords(schema if root is None else root), caps)
    out = made.schema(schema, "", 0)
    while made.queue:
        name, later, at = made.queue.popleft()
        made.defs[name] = made.body(later, at, 0)
    return {**out, **({"$defs": made.defs} if made.defs else {}), "x-guidance": _spacing(space)}


def _spacing(space: Whitespace) -> dict[str, Any]:
    if space.most:
        return {"item_separator": ",", "key_separator": ":", "whitespace_pattern": f"[ \\n\\r\\t]{{1,{space.most}}}"}
    return {"whitespace_flexible": False, "item_separator": space.item, "key_separator": space.key}


@dataclass
class _Writer:
    """`schema` says in the subset what a schema allows; `at` is its place in the value, `depth` how far it stands in."""

    keywords: Keywords
    caps: Caps
    defs: dict[str, Any] = field(default_factory=dict)
    named: dict[int, tuple[str, Any]] = field(default_factory=dict)  # by identity, valid while the schema is held
    queue: deque[tuple[str, Any, str]] = field(default_factory=deque)

    def schema(self, schema: Any, at: str, depth: int) -> dict[str, Any]:
        if self.keywords.checked(schema, at) is True or not schema:
            return {}
        if "$ref" in schema or depth > _INLINE:
            return self.later(schema, at)
        return self.body(schema, at, depth)

    def later(self, schema: Any, at: str) -> dict[str, Any]:
        """A definition of its own, one for each schema: schemas may refer to themselves."""
        schema = self.keywords.meant(schema, at)
        if isinstance(schema, bool) or not schema:
            return self.schema(schema, at, 0)
        if id(schema) not in self.named:
            name = f"d{len(self.named)}"
            self.named[id(schema)] = name, schema
            self.queue.append((name, schema, at))
        return {"$ref": f"#/$defs/{self.named[id(schema)][0]}"}

    def body(self, schema: Mapping[str, Any], at: str, depth: int) -> dict[str, Any]:
        flat = reading.whole(self.keywords, schema, at)
        if "enum" in flat:
            return {"enum": list(reading.choices(self.keywords, flat, at))}
        if split := reading.branches(self.keywords, flat, at):
            found = reading.satisfiable([partial(self.branch, split.base, one, at, depth) for one in split.branches])
            return found[0] if len(found) == 1 else {"anyOf": found}
        names = reading.types(self.keywords, flat, at)
        if names == ["value"]:
            return {}
        found = reading.satisfiable([partial(self.typed, name, flat, at, depth) for name in names])
        if all(one.keys() == {"type"} for one in found):
            return {"type": [one["type"] for one in found] if len(found) > 1 else found[0]["type"]}
        return found[0] if len(found) == 1 else {"anyOf": found}

    def branch(self, base: dict[str, Any], branch: Any, at: str, depth: int) -> dict[str, Any]:
        if not base:
            return self.schema(branch, at, depth + 1)
        whole = {"allOf": [base, branch]}
        return self.later(whole, at) if depth > _INLINE else self.body(whole, at, depth + 1)

    def typed(self, name: str, schema: Mapping[str, Any], at: str, depth: int) -> dict[str, Any]:
        parts: dict[str, Callable[..., dict[str, Any]]] = {
            "object": self.object, "array": self.array, "string": self.string, "number": self.number,
            "integer": self.number}  # fmt: skip
        return {"type": name, **(parts[name](name, schema, at, depth) if name in parts else {})}

    def object(self, _: str, schema: Mapping[str, Any], at: str, depth: int) -> dict[str, Any]:
        said = reading.members(self.keywords, schema, at)
        if said.any:
            return {}
        properties: dict[str, Any] = {}
        for name, (inner, must) in said.named.items():
            try:
                properties[name] = self.schema(inner, f"{at}.{name[:80]}", depth + 1)
            except Nothing:
                if must:
                    raise
                properties[name] = False
        try:
            others: Any = self.schema(said.others, f"{at}.*", depth + 1)
        except Nothing:
            others = False
            properties = {name: one for name, one in properties.items() if one is not False}
        required = [name for name, (_, must) in said.named.items() if must]
        return {"properties": properties, **({"required": required} if required else {}), "additionalProperties": others}

    def array(self, _: str, schema: Mapping[str, Any], at: str, depth: int) -> dict[str, Any]:
        firsts, rest, least, most = reading.items(self.keywords, schema, at)
        if most is None and self.caps.items is not None:
            most = max(self.caps.items, least, len(firsts))
        out: dict[str, Any] = {}
        try:
            for number, one in enumerate(firsts[:most]):
                out.setdefault("prefixItems", []).append(self.schema(one, f"{at}[{number}]", depth + 1))
            if most is None or len(firsts) < most:
                out["items"] = self.schema(rest, f"{at}[]", depth + 1)
        except Nothing:
            most = len(out.get("prefixItems", ()))
            if least > most:
                raise
        return {**out, **({"minItems": least} if least else {}), **({} if most is None else {"maxItems": most})}

    def string(self, _: str, schema: Mapping[str, Any], at: str, depth: int) -> dict[str, Any]:
        least, most = self.keywords.bounds(schema, "minLength", "maxLength", at)
        out = {**({"minLength": least} if least else {}), **({} if most is None else {"maxLength": most})}
        if isinstance(schema.get("pattern"), str) and len(schema["pattern"]) <= PATTERN:
            try:
                text = patterns.read(schema["pattern"], _TEXT, search=True)
                room = scalars.fits(schema["pattern"], least, most, at)
                return {"pattern": f"^(?:{text})$", **(out if room else {})}
            except Unsupported:
                pass
        known = FORMATS.get(str(schema.get("format")))
        if known is not None:
            return {"pattern": f"^(?:{known})$"}
        if not out and schema.get("format") in _OWN_FORMATS:
            return {"format": schema["format"]}
        if most is None and self.caps.string is not None:
            out["maxLength"] = max(self.caps.string, least)
        return out

    def number(self, kind: str, schema: Mapping[str, Any], at: str, depth: int) -> dict[str, Any]:
        if kind == "integer":
            low, high = scalars.bounds(self.keywords, schema, at)
            out = {key: one for key, one in (("minimum", low), ("maximum", high)) if one is not None}
            step = schema.get("multipleOf")
            return {**out, "multipleOf": int(step)} if scalars.is_step(step) and step <= _DIVISOR else out
        ends = {key: schema[key] for key in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
                if is_number(schema.get(key)) and _is_short(schema[key])}
        return ends


def _is_short(bound: float) -> bool:
    """Whether llguidance holds to a bound of numbers exactly: it has few digits, and no exponent."""
    text = repr(bound)
    return len(text) <= _DIGITS and "e" not in text


# -- one rule for the same schema


def plain_schema(schema: Any) -> Any:
    """What tells a schema from others, as JSON: all but its notes; where it is deep or large, its identity."""
    return _told(schema, 0, iter(range(_TOLD)))


def _told(schema: Any, depth: int, left: Iterator[int]) -> Any:
    if not isinstance(schema, (Mapping, list)):
        return shown(schema, None)
    if depth > _TOLD_DEPTH or next(left, None) is None:
        return ["id", id(schema)]
    if isinstance(schema, list):
        return [_told(one, depth + 1, left) for one in schema]
    said: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("enum", "const"):
            said[key] = shown(value, None)
        elif key in _MAPS and isinstance(value, Mapping):
            said[key] = [[str(name), _told(one, depth + 1, left)] for name, one in value.items()]
        elif key not in _SILENT:
            said[str(key)] = _told(value, depth + 1, left)
    return said
