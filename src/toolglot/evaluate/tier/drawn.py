"""What the suite `tier` is drawn with: a die that falls alike everywhere, tools, values and their spellings.

The one rule: the same seed gives the same items on every machine and in every version of Python; `random()` is all of the
standard library's chance that is promised to stay as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

from ..item import Accepted

T = TypeVar("T")
Schema = Mapping[str, Any]


class Dice:
    def __init__(self, *seed: object) -> None:
        self._random = Random(":".join(map(str, seed)))

    def pick(self, some: Sequence[T]) -> T:
        return some[int(self._random.random() * len(some))]

    def whole(self, least: int, most: int) -> int:
        return least + int(self._random.random() * (most - least + 1))

    def several(self, some: Sequence[T], count: int) -> list[T]:
        """So many different ones."""
        left = list(some)
        return [left.pop(int(self._random.random() * len(left))) for _ in range(count)]

    def mixed(self, some: Sequence[T]) -> list[T]:
        return self.several(some, len(some))


@dataclass(frozen=True)
class Drawn:
    """A request and the call that it asks for. `ask` is an order without its first capital and its full stop; `told`: of
    these, one stands in an answer that uses the result."""

    tool: Mapping[str, Any]
    ask: str
    call: Accepted
    result: Any = None
    told: tuple[str, ...] = ()


Scenario = Callable[[Dice], Drawn]


def tool(name: str, description: str, required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> dict[
        str, Any]:
    parameters = {"type": "object", "properties": {**required, **(optional or {})}, "required": list(required)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


def name_of(one: Mapping[str, Any]) -> str:
    return str(one["function"]["name"])


def call(of: Mapping[str, Any], **arguments: Any) -> Accepted:
    """The call of a tool with these arguments: a tuple is several right values, anything else is one. A parameter of the
    tool that may be left out and is not named here is optional with no value at all."""
    accepted = {name: value if isinstance(value, tuple) else (value,) for name, value in arguments.items()}
    required = of["function"]["parameters"]["required"]
    return Accepted(name_of(of), accepted, frozenset(accepted) - frozenset(required))


# -- schemas, short --------------------------------------------------------------------------------------------


def text(about: str = "", **more: Any) -> dict[str, Any]:
    return {"type": "string", **({"description": about} if about else {}), **more}


def whole(about: str = "", **more: Any) -> dict[str, Any]:
    return {**text(about), "type": "integer", **more}


def number(about: str = "", **more: Any) -> dict[str, Any]:
    return {**text(about), "type": "number", **more}


def flag(about: str = "") -> dict[str, Any]:
    return {**text(about), "type": "boolean"}


def one_of(*values: str, about: str = "") -> dict[str, Any]:
    return {**text(about), "enum": list(values)}


def some(items: Schema, about: str = "", **more: Any) -> dict[str, Any]:
    return {**text(about), "type": "array", "items": items, **more}


def members(about: str = "", optional: Sequence[str] = (), **properties: Schema) -> dict[str, Any]:
    return {**text(about), "type": "object", "properties": properties,
            "required": [name for name in properties if name not in optional], "additionalProperties": False}


# -- values, and how they may be spelled -----------------------------------------------------------------------


def spelled(*texts: str) -> tuple[str, ...]:
    """Words whose case means nothing: as they stand, with a capital, each with one, and small."""
    found = [form for one in texts for form in (one, one[:1].upper() + one[1:], capitals(one), one.lower())]
    return tuple(dict.fromkeys(found))


def capitals(words: str) -> str:
    return " ".join(word[:1].upper() + word[1:] for word in words.split(" "))


CITIES = (("Oslo", "Norway"), ("Lisbon", "Portugal"), ("Nairobi", "Kenya"), ("Kyoto", "Japan"), ("Lima", "Peru"),
          ("Toronto", "Canada"), ("Vienna", "Austria"), ("Dublin", "Ireland"), ("Cairo", "Egypt"), ("Helsinki", "Finland"))


def place(city: tuple[str, str]) -> tuple[str, ...]:
    return (*spelled(city[0]), f"{city[0]}, {city[1]}")


MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")


def day(dice: Dice) -> tuple[str, str]:
    """A day as it is said, and as YYYY-MM-DD."""
    month, number = dice.whole(1, 12), dice.whole(1, 28)
    return f"{number} {MONTHS[month - 1]} 2027", f"2027-{month:02}-{number:02}"


def clock(dice: Dice, first: int = 9, last: int = 21) -> tuple[str, tuple[str, ...]]:
    """A time of day as it is said, and as HH:MM."""
    hour, minute = dice.whole(first, last), dice.pick((0, 15, 30, 45))
    said = f"{hour:02}:{minute:02}"
    return said, tuple(dict.fromkeys((said, f"{hour}:{minute:02}")))


def amount(value: float) -> tuple[str, ...]:
    """A number as an answer may write it."""
    plain = f"{value:.2f}" if value != int(value) else f"{int(value)}"
    grouped = f"{value:,.2f}" if value != int(value) else f"{int(value):,}"
    short = plain.rstrip("0") if "." in plain else plain
    return tuple(dict.fromkeys((plain, grouped, short, f"{value:.2f}", f"{value:,.2f}")))
