"""Arguments drawn from a tool's JSON schema.

The one rule: what is drawn is valid under the schema, or the schema is refused with its place: a draw is a guess that
`schema.validate` then judges, so no keyword can be got wrong in silence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, TypeGuard
from uuid import UUID

from ...evaluate.tier.drawn import Dice
from ...message import Tool, ToolglotError
from ...schema import resolve, type_name, validate
from ...schema.types import listed
from ...values.patterns import Build, Ranges, Unsupported, read
from . import pools

TRIES = 30
DEEP, DEEPEST = 4, 24               # from here on as little as possible; and no further
_SPEAKS = {"properties": "object", "required": "object", "items": "array", "prefixItems": "array", "minItems": "array",
           "pattern": "string", "format": "string", "minLength": "string", "maxLength": "string", "minimum": "number",
           "maximum": "number", "multipleOf": "number", "additionalProperties": "object"}
_PRINTED: Ranges = ((0x61, 0x7A), (0x30, 0x39), (0x41, 0x5A), (0x20, 0x7E),
                    (0xA1, 0xD7FF))     # the first that fit are used


class Undrawable(ToolglotError):
    """A tool of which no valid call could be drawn."""


def arguments(tool: Tool, dice: Dice) -> dict[str, Any]:
    """Arguments of the tool, valid under its schema. Raises Undrawable."""
    problems = ["it is too deep"]
    for _ in range(TRIES):
        try:
            drawn = _object(tool.parameters, tool.parameters, dice, 0)
            json.dumps(drawn).encode()
        except (RecursionError, TypeError, ValueError) as error:
            problems = [f"JSON cannot say it ({type(error).__name__})"]
            continue
        problems = validate(drawn, tool.parameters)
        if not problems:
            return drawn
    raise Undrawable(f"{tool.name}: expected a schema that values can be drawn from, found none in {TRIES} tries: "
                     f"{problems[0]}; give the parameter an `enum` or `examples`, or leave the tool out")


def value(schema: Any, root: Any, dice: Dice, name: str = "", depth: int = 0) -> Any:
    """A value that is likely to be valid. `name`: what it is called."""
    if depth > DEEPEST:
        raise RecursionError
    schema = _flat(schema, root, dice)
    if "const" in schema:
        return schema["const"]
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return dice.pick(schema["enum"])
    if isinstance(schema.get("examples"), list) and schema["examples"] and dice.whole(0, 1):
        return dice.pick(schema["examples"])
    match _type(schema, dice):
        case "object":
            return _object(schema, root, dice, depth)
        case "array":
            return _array(schema, root, dice, name, depth)
        case "integer" | "number" as kind:
            return _number(schema, kind, dice)
        case "boolean":
            return dice.pick((True, False))
        case "null":
            return None
        case _:
            return _string(schema, dice, name)


def _flat(schema: Any, root: Any, dice: Dice, left: int = 4) -> dict[str, Any]:
    """One schema of what a reference, a choice and a conjunction say: a branch is taken, parts are laid on each other."""
    flat = resolve(schema, root)
    for word in ("anyOf", "oneOf", "allOf"):
        branches = flat.get(word)
        if not isinstance(branches, list) or not branches or not left:
            continue
        rest = {key: one for key, one in flat.items() if key != word}
        useful = [one for one in branches if not (isinstance(one, Mapping) and one.get("type") == "null")]
        if word != "allOf":
            branches = [dice.pick(useful if useful and dice.whole(0, 5) else branches)]
        for branch in branches:
            rest = _laid(rest, _flat(branch, root, dice, left - 1))
        return _flat(rest, root, dice, left - 1)
    return flat


def _laid(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    both = {**one, **other}
    if isinstance(one.get("properties"), Mapping) and isinstance(other.get("properties"), Mapping):
        both["properties"] = {**one["properties"], **other["properties"]}
    if isinstance(one.get("required"), list) and isinstance(other.get("required"), list):
        both["required"] = [*dict.fromkeys([*one["required"], *other["required"]])]
    for word, pick in (("minimum", max), ("minLength", max), ("minItems", max), ("maximum", min), ("maxLength", min),
                       ("maxItems", min)):
        if _is_number(one.get(word)) and _is_number(other.get(word)):
            both[word] = pick(one[word], other[word])
    return both


def _type(schema: Mapping[str, Any], dice: Dice) -> str:
    names = [name for one in listed(schema.get("type")) if (name := type_name(one))]
    if not names:
        return next((kind for word, kind in _SPEAKS.items() if word in schema), "string")
    useful = [name for name in names if name != "null"]
    if schema.get("nullable") is True or len(useful) < len(names):
        return dice.pick(useful) if useful and dice.whole(0, 5) else "null"
    return dice.pick(names)


# -- objects and arrays ----------------------------------------------------------------------------------------


def _object(schema: Mapping[str, Any], root: Any, dice: Dice, depth: int) -> dict[str, Any]:
    schema = _flat(schema, root, dice)
    declared, rest = schema.get("properties"), schema.get("additionalProperties")
    declared = {one: declared[one] for one in declared if isinstance(one, str)} if isinstance(declared, Mapping) else {}
    required = [one for one in listed(schema.get("required")) if isinstance(one, str)]
    least = _whole(schema, "minProperties", 0)
    optional = [one for one in declared if one not in required and declared[one] is not False]
    many = 0 if depth >= DEEP else min(len(optional), dice.pick((0, 0, 0, 1, 1, 2, 3)))
    chosen = {*required, *dice.several(optional, min(len(optional), max(many, least - len(required))))}
    made = {one: value(declared[one], root, dice, one, depth + 1) for one in declared if one in chosen}
    open_ = rest if isinstance(rest, Mapping) else {} if rest in (None, True) and not declared and depth else None
    names = [one for one in required if one not in declared]
    if open_ is not None:
        names += dice.several(pools.THINGS, max(least - len(made), 0 if depth >= DEEP else dice.whole(0, 2)))
    return made | {one: value(open_ or {}, root, dice, one, depth + 1) for one in names}


def _array(schema: Mapping[str, Any], root: Any, dice: Dice, name: str, depth: int) -> list[Any]:
    first, items = schema.get("prefixItems"), schema.get("items")
    if isinstance(items, list):
        first, items = items, schema.get("additionalItems")
    first = first if isinstance(first, list) else []
    least = _whole(schema, "minItems", len(first) if first else 0 if depth >= DEEP else 1)
    most = _whole(schema, "maxItems", len(first) if items is False else max(least, 0 if depth >= DEEP else 3))
    singular = name[:-1] if name.endswith("s") else name
    made: list[Any] = []
    for _ in range(3 * most):
        if len(made) >= dice.whole(min(least, most), most):
            break
        one = first[len(made)] if len(made) < len(first) else {} if items is None else items
        drawn = value(one, root, dice, singular, depth + 1)
        if drawn not in made or len(made) < len(first):          # a thing said twice would read like a slip
            made.append(drawn)
    return made


# -- scalars ---------------------------------------------------------------------------------------------------


def _string(schema: Mapping[str, Any], dice: Dice, name: str) -> str:
    least, most = _whole(schema, "minLength", 0), _whole(schema, "maxLength", 10_000)
    if isinstance(schema.get("pattern"), str):
        return matching(schema["pattern"], dice, least, most)
    if schema.get("format") in FORMATS:
        return FORMATS[schema["format"]](dice)
    hints = str(schema.get("description"))
    pool = pools.date if "YYYY-MM-DD" in hints else pools.clock if "HH:MM" in hints else pools.pool_of(name)
    text = pool(dice)
    while len(text) < least:
        text += f" {dice.pick(pools.THINGS)}"
    return text if len(text) <= most else text[:most].rstrip() or "abcdefgh"[:most]


FORMATS: Mapping[str, pools.Pool] = {
    "date": pools.date, "time": lambda dice: f"{pools.clock(dice)}:00Z", "email": pools.mail, "uri": pools.site,
    "url": pools.site,
    "date-time": lambda dice: f"{pools.date(dice)}T{pools.clock(dice)}:00Z",
    "uuid": lambda dice: str(UUID(int=dice.whole(0, 2**52) << 70 | dice.whole(0, 2**52))),
    "ipv4": lambda dice: f"192.0.2.{dice.whole(1, 254)}", "ipv6": lambda dice: f"2001:db8::{dice.whole(1, 9999)}",
    "hostname": lambda dice: f"{dice.pick(pools.THINGS)}.example.org"}


def matching(pattern: str, dice: Dice, least: int = 0, most: int = 10_000) -> str:
    """A text that a regular expression matches, between its anchors; without them nothing need stand around it."""
    def char(ranges: Ranges) -> str:
        for low, high in _PRINTED:
            fit = [(max(low, a), min(high, b)) for a, b in ranges if a <= high and b >= low]
            if fit and (low != 0x61 or dice.whole(0, 2)):
                a, b = dice.pick(fit)
                return chr(dice.whole(a, b))
        return chr(ranges[0][0])

    def repeat(item: Any, low: int, high: int | None) -> Any:
        room = low + 3 if high is None else min(high, low + 8)
        wanted = max(room, low + least) if high is None or high > room else room
        wanted = wanted if high is None else min(wanted, high)
        return lambda: "".join(item() for _ in range(dice.whole(low, wanted)))

    # each part is a function of no arguments, so that the same part is drawn anew wherever it is repeated
    build: Build[Any] = Build(lambda ranges: lambda: char(ranges), lambda parts: lambda: "".join(one() for one in parts),
                              lambda options: lambda: dice.pick(options)(), repeat)
    try:
        drawn = read(pattern, build)
    except Unsupported:
        return pools.name(dice)                          # `validate` says whether it fits
    texts: list[str] = [drawn() for _ in range(20)]
    return next((text for text in texts if least <= len(text) <= most), texts[0])


def _number(schema: Mapping[str, Any], kind: str, dice: Dice) -> int | float:
    step = schema.get("multipleOf")
    unit = Decimal(str(step)) if _is_number(step) and step > 0 else Decimal(1) if kind == "integer" else dice.pick(
        (Decimal(1), Decimal(1), Decimal("0.5"), Decimal("0.25"), Decimal("0.1")))
    low, high = _bounds(schema)
    if low is None and high is None:
        low, high = Decimal(1), Decimal(dice.pick((12, 60, 500, 9999)))
    low = high - 100 * unit if low is None and high is not None else low
    assert low is not None
    high = low + 100 * unit if high is None else high
    while kind == "number" and not _is_number(step) and low < high < low + 4 * unit:
        unit /= 10
    first, last = (low / unit).to_integral_value(ROUND_CEILING), (high / unit).to_integral_value(ROUND_FLOOR)
    made = unit * dice.whole(int(first), int(min(last, first + 10**6))) if first <= last else (low + high) / 2
    return int(made) if made == made.to_integral_value() and (kind == "integer" or abs(made) < 10**15) else float(made)


def _bounds(schema: Mapping[str, Any]) -> tuple[Decimal | None, Decimal | None]:
    """The ends of what is allowed. One that is itself excluded is drawn now and then, and then drawn anew."""
    lows, highs = ([Decimal(str(schema[word])) for word in (f"m{end}", f"exclusiveM{end}") if _is_number(schema.get(word))]
                   for end in ("inimum", "aximum"))
    return max(lows, default=None), min(highs, default=None)


def _is_number(one: Any) -> TypeGuard[int | float]:
    return isinstance(one, (int, float)) and not isinstance(one, bool) and abs(one) < 1e300


def _whole(schema: Mapping[str, Any], key: str, otherwise: int) -> int:
    found = schema.get(key)
    return int(found) if _is_number(found) and 0 <= found < 10_000 else otherwise


__all__ = ["Undrawable", "arguments", "matching", "value"]
