"""How often, and how sure that is: a rate with its interval, and whether two ways of asking can be told apart.

The one rule: no rate without its counts. An interval is Wilson's, which holds for few tries and for rates near 0 and 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

Z = 1.96                            # of 95 %


class Rate(NamedTuple):
    """`hits` of so many tries; of none, there is no rate, and the interval says nothing."""

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        return self.hits / self.of if self.of else None

    @property
    def low(self) -> float:
        return self._bound(-1)

    @property
    def high(self) -> float:
        return self._bound(1)

    def _bound(self, side: int) -> float:
        if not self.of:
            return (1 + side) / 2
        p, n = self.hits / self.of, self.of
        middle, spread = p + Z * Z / (2 * n), Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
        return min(1.0, max(0.0, (middle + side * spread) / (1 + Z * Z / n)))

    def __str__(self) -> str:
        if not self.of:
            return "–"
        return f"{100 * self.hits / self.of:.0f} % ({100 * self.low:.0f} to {100 * self.high:.0f})"


def rate(tries: Iterable[bool]) -> Rate:
    found = list(tries)
    return Rate(sum(found), len(found))


def told_apart(one: Mapping[str, bool], other: Mapping[str, bool]) -> bool:
    """Whether two ways differ on the items that both were asked: by McNemar's test, exact where few items differ."""
    shared = one.keys() & other.keys()
    wins = sum(one[key] and not other[key] for key in shared)
    losses = sum(other[key] and not one[key] for key in shared)
    n, few = wins + losses, min(wins, losses)
    return n > 0 and 2 * sum(math.comb(n, k) for k in range(few + 1)) / 2 ** n < 0.05
