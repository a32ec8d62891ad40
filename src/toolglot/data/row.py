"""One conversation of a data set, in the one form that all shapes are read into and all writers take.

The one rule: a row is sound. Its turns are those of `message`, every result follows the call that it answers and has its
id, and the tools' parameters are JSON schemas; what cannot be brought to that is a `RowError`, never half a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..message import Part, Tool, ToolglotError, Turn


@dataclass(frozen=True, slots=True)
class Row:
    """`weights`: of the turns (by index) that the source weighs; 0 is no loss on that turn. `parallel`: whether several
    calls in a reply are wanted, None where the source does not say. `rejected`: of preference data, the parts of the worse
    last reply; the better one is the last turn. `extra`: what else the source said of the row, as it was."""

    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...] = ()
    weights: Mapping[int, float] = field(default_factory=dict)
    parallel: bool | None = None
    rejected: tuple[Part, ...] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


class RowError(ToolglotError):
    """A row that cannot be read. `reason` is a few words that many rows share (a heading of the summary), `at` the place
    within the row (`conversations[3].value`), and the rest of the message what was expected and what came."""

    def __init__(self, reason: str, at: str = "", detail: str = "") -> None:
        self.reason, self.at, self.detail = reason, at, detail
        super().__init__(": ".join(words for words in (at, reason, detail) if words))


__all__ = ["Row", "RowError"]
