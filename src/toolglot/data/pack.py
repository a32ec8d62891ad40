"""Whole rows side by side in sequences of one length.

The one rule: a row is in one pack, whole, and in the order in which rows came. Where it begins is known (`seq_lengths`,
`position_ids`), and its first token has no loss: it would be learned from another row's last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from .row import RowError
from .tokens import NO_LOSS, Tokens

OPEN = 64                                         # packs that are filled at a time, so that memory stays flat


def place(room: Sequence[int], length: int) -> int | None:
    """First fit: the first pack with so much room, None where there is none."""
    return next((n for n, left in enumerate(room) if left >= length), None)


def pack(lengths: Sequence[int], size: int) -> list[list[int]]:
    """Which rows go together, by their lengths. Raises RowError for a row longer than `size`."""
    packs: list[list[int]] = []
    room: list[int] = []
    for i, length in enumerate(lengths):
        check_length(length, size)
        n = place(room, length)
        if n is None:
            n = len(packs)
            packs.append([])
            room.append(size)
        packs[n].append(i)
        room[n] -= length
    return packs


def check_length(length: int, size: int) -> None:
    if length > size:
        raise RowError("too long", detail=f"expected {size:,} tokens at most, got {length:,}")


class Packs:
    """Packs while rows come. `add` gives those that are done: full, or the fullest of too many."""

    def __init__(self, size: int, most: int = OPEN) -> None:
        self.size, self.most = size, most
        self.rows: list[list[Tokens]] = []
        self.room: list[int] = []

    def add(self, row: Tokens) -> list[list[Tokens]]:
        check_length(len(row.ids), self.size)
        n = place(self.room, len(row.ids))
        if n is None:
            n = len(self.rows)
            self.rows.append([])
            self.room.append(self.size)
        self.rows[n].append(row)
        self.room[n] -= len(row.ids)
        done = [self._take(n)] if not self.room[n] else []
        if len(self.rows) > self.most:
            done.append(self._take(self.room.index(min(self.room))))
        return done

    def close(self) -> list[list[Tokens]]:
        rest, self.rows, self.room = self.rows, [], []
        return rest

    def _take(self, n: int) -> list[Tokens]:
        del self.room[n]
        return self.rows.pop(n)


def joined(rows: Sequence[Tokens], weighted: bool = False) -> dict[str, Any]:
    """A pack as a record. `seq_lengths` is what TRL reads, `position_ids` what others do."""
    labels = chain.from_iterable([NO_LOSS, *row.labels[1:]] for row in rows)
    record: dict[str, Any] = {"input_ids": [i for row in rows for i in row.ids], "labels": list(labels),
              "seq_lengths": [len(row.ids) for row in rows],
              "position_ids": [n for row in rows for n in range(len(row.ids))]}
    if weighted:
        record["weights"] = [w for row in rows for w in (0.0, *row.weights[1:])]
    return record


__all__ = ["OPEN", "Packs", "joined", "pack", "place"]
