"""A conversation that is too long -> as much of it as fits, in whole exchanges.

The one rule: nothing is cut in two. A call keeps its results, a result its call, and a reply all of its words; the system
message and the tools stay. What is left begins with a question and ends with a reply.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from ..message import Assistant, System, User
from .row import Row, RowError

Keep = Literal["newest", "oldest"]


def cut(row: Row, fits: Callable[[Row], bool], keep: Keep = "newest") -> Row:
    """The longest part of the row that fits: without its oldest exchanges, or without its newest replies and whatever
    stands behind the last one kept. An exchange is a question and all that follows up to the next one.

    `fits` must hold for a shorter part where it does for a longer one. Of preference data the last reply is the one that
    matters, so only the oldest go. Raises RowError where not even the shortest part fits.
    """
    if fits(row):
        return row
    if keep == "newest" or row.rejected is not None:
        parts = _without_oldest(row)
    else:
        parts = _without_newest(row)
    n = bisect_left(range(len(parts)), True, key=lambda n: fits(parts[n]))
    if n == len(parts):
        raise RowError("too long", detail="not even " + ("its last exchange" if keep == "newest" else "its first reply")
                       + " fits")
    return parts[n]


def _without_oldest(row: Row) -> list[Row]:
    """The row's ends that begin with a question, the longest first."""
    head = _head(row)
    return [_part(row, head, start, len(row.turns)) for start, turn in enumerate(row.turns)
            if isinstance(turn, User) and start > head and any(isinstance(t, Assistant) for t in row.turns[start:])]


def _without_newest(row: Row) -> list[Row]:
    """The row's beginnings that end with a reply, the longest first."""
    head = _head(row)
    return [_part(row, head, head, end) for end in range(len(row.turns) - 1, 0, -1)
            if isinstance(row.turns[end - 1], Assistant)]


def _head(row: Row) -> int:
    """How many turns stand before the conversation: system messages."""
    return next((i for i, turn in enumerate(row.turns) if not isinstance(turn, System)), len(row.turns))


def _part(row: Row, head: int, start: int, end: int) -> Row:
    """The system messages, and the turns from `start` to `end`."""
    kept = [*range(head), *range(start, end)]
    weights = {n: row.weights[i] for n, i in enumerate(kept) if i in row.weights}
    return replace(row, turns=tuple([row.turns[i] for i in kept]), weights=weights)


__all__ = ["Keep", "cut"]
