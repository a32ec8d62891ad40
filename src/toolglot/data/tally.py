"""What was counted of rows: how many were read, as what, and which could not be, with the place of the first of each kind.

The one rule: every row that was read is either among the rows that were kept or in exactly one reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

Place = dict[str, Any]              # {"file": ..., "line" or "item": ..., "offset": ...}


@dataclass
class Rejected:
    count: int
    first: Place
    detail: str = ""                 # of the first


@dataclass
class Tally:
    """`lines` counts blank ones too. `rows` are those that were kept, `records` what was written of them."""

    lines: int = 0
    rows: int = 0
    records: int = 0
    shapes: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, Rejected] = field(default_factory=dict)

    @property
    def rejects(self) -> int:
        return sum(one.count for one in self.rejected.values())

    def add(self, other: Tally) -> None:
        """Counts what comes after as well."""
        self.lines += other.lines
        self.rows += other.rows
        self.records += other.records
        for name, count in other.shapes.items():
            self.shapes[name] = self.shapes.get(name, 0) + count
        for reason, one in other.rejected.items():
            self.reject(reason, one.first, one.detail, one.count)

    def reject(self, reason: str, place: Place, detail: str = "", count: int = 1) -> None:
        if reason in self.rejected:
            self.rejected[reason].count += count
        else:
            self.rejected[reason] = Rejected(count, place, detail)

    def moved(self, lines: int) -> Tally:
        """The same of a part that so many lines stand before."""
        rejected = {reason: Rejected(one.count, moved(one.first, lines), one.detail)
                    for reason, one in self.rejected.items()}
        return Tally(self.lines, self.rows, self.records, dict(self.shapes), rejected)


def moved(place: Mapping[str, Any], lines: int) -> Place:
    return {key: value + lines if key == "line" else value for key, value in place.items()}


def tally_of(given: Mapping[str, Any]) -> Tally:
    """From what `asdict` makes of one."""
    return Tally(**{**given, "rejected": {reason: Rejected(**one) for reason, one in given["rejected"].items()}})


def where(place: Mapping[str, Any]) -> str:
    """A place in words."""
    kind = next((one for one in ("line", "item") if one in place), None)
    return f"{place['file']}, {kind} {place[kind]}" if kind else str(place["file"])


def plain(tally: Tally) -> dict[str, Any]:
    """For machines; `rejects` is how many there are."""
    return {**asdict(tally), "rejects": tally.rejects}


__all__ = ["Place", "Rejected", "Tally", "moved", "plain", "tally_of", "where"]
