"""Where a streamed reply ends: before the first of its stop strings, wherever the stream was cut.

The one rule: no part of a stop string is ever passed on, and no text is held back that cannot begin one. Servers differ
here: some stream the first half of a stop string, some all of it, some take four at most.
"""

from __future__ import annotations

import re
from collections.abc import Sequence


class Stops:
    """Fed the text of one reply; gives what may be passed on. `found`: the reply is over, by the stop string `which`."""

    def __init__(self, stops: Sequence[str]) -> None:
        stops = [stop for stop in stops if stop]
        self._whole = re.compile("|".join(map(re.escape, stops))) if stops else None
        self._longest = max(map(len, stops), default=0)
        self._begins = {stop[:n] for stop in stops for n in range(1, len(stop))}
        self._letters = {letter for begun in self._begins for letter in begun[-1:]}
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
        if text[-1:] not in self._letters:                # as nearly always: nothing of a stop string has begun
            self._held = ""
            return text
        keep = next((n for n in range(min(self._longest - 1, len(text)), 0, -1) if text[-n:] in self._begins), 0)
        self._held = text[len(text) - keep:]
        return text[:len(text) - keep]

    def close(self) -> str:
        """What was held back in case a stop string came, and none did."""
        held, self._held = self._held, ""
        return held


__all__ = ["Stops"]
