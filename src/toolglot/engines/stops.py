"""Where a streamed reply ends: before the first of its stop strings, wherever the stream was cut.

The one rule: no part of a stop string is ever passed on, and no text is held back that cannot begin one. Servers differ
here: some stream the first half of a stop string, some all of it, some take four at most.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache


class Stops:
    """Fed the text of one reply; gives what may be passed on. `found`: the reply is over, by the stop string `which`."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._whole, self._begins = _looked_for(tuple(stops))
        self._held = ""
        self.found = False
        self.which: str | None = None

    def feed(self, text: str) -> str:
        if self.found or self._whole is None:
            return "" if self.found else text
        text = self._held + text
        if match := self._whole.search(text):
            self._held, self.found, self.which = "", True, match[0]
            return text[:match.start()]
        self._held = next((begun for begun in self._begins.get(text[-1:], ()) if text.endswith(begun)), "")
        return text[:len(text) - len(self._held)] if self._held else text

    def close(self) -> str:
        """What was held back in case a stop string came, and none did."""
        held, self._held = self._held, ""
        return held


@lru_cache(maxsize=64)
def _looked_for(stops: tuple[str, ...]) -> tuple[re.Pattern[str] | None, Mapping[str, Sequence[str]]]:
    """Any of the strings, and all that begins one, by its last letter, the longest first."""
    stops = tuple(stop for stop in stops if stop)
    begins: dict[str, list[str]] = {}
    for begun in sorted({stop[:n] for stop in stops for n in range(1, len(stop))}, key=len, reverse=True):
        begins.setdefault(begun[-1], []).append(begun)
    return re.compile("|".join(map(re.escape, stops))) if stops else None, begins


__all__ = ["Stops"]
