"""The stars of every dialect's own prompt, kept: to audit them all takes a quarter of a minute.

The one rule: `ratings.json` is what `toolglot audit` says of each; `python docs/update.py` makes it, and CI sees when it is
stale.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from .report import Audit


class Rating(NamedTuple):
    """`stars` are 0 for what is not rated. `cost`: what took stars, and how many."""

    stars: int = 0
    cost: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        return ", ".join(f"{name} (−{points})" for name, points in self.cost)


def rating(dialect: str) -> Rating:
    """That of a dialect, by its name."""
    return _kept().get(dialect, Rating())


def rated(card: Audit) -> Rating:
    """What a report card comes to."""
    return Rating(card.stars, tuple((one.name, one.points) for one in card.deductions))


def dumps(ratings: Mapping[str, Rating]) -> str:
    """As the file has it: a line a dialect."""
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps([one.stars, dict(one.cost)])}"
                       for name, one in sorted(ratings.items()))
    return f"{{\n{lines}\n}}\n"


@lru_cache(maxsize=1)
def _kept() -> Mapping[str, Rating]:
    found = json.loads((files(__package__) / "ratings.json").read_text(encoding="utf-8"))
    return {name: Rating(stars, tuple(cost.items())) for name, (stars, cost) in found.items()}
