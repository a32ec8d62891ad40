"""What a row becomes: records of a data set to train on.

The one rule: a writer is told of one row after another and gives records as it has them; what it has kept back (a pack that
is not full yet) comes with `close`. A record is a dict that JSON can say, the same keys in all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from .row import Row


class Writer(Protocol):
    def take(self, row: Row) -> Sequence[Mapping[str, Any]]:
        """The records that are done. Raises RowError for a row that cannot be said."""

    def close(self) -> Sequence[Mapping[str, Any]]:
        """The records that were kept back."""


__all__ = ["Writer"]
