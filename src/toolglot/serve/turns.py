"""Whose turn it is: so many requests work at a time, so many more wait, and the rest is told when to come again.

The one rule: a turn that was given is taken back, however the request ends, and one whose client has left is given none.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from .exchange import Headers, Receive, Refusal, Refused
from .settings import Settings

if TYPE_CHECKING:
    from .metrics import Metrics

LONGEST = 60                    # seconds that a client is told to wait at most; many wait no longer


class Turns:
    """Requests at work, and those that wait for a turn. A body is read before its turn, so a slow client holds no one up;
    and before that it needs a place, so no more bodies are held than may work and wait."""

    def __init__(self, settings: Settings, metrics: Metrics | None) -> None:
        self.settings, self.metrics = settings, metrics
        self.slots = asyncio.Semaphore(settings.max_concurrent)
        self.inside = 0
        self.usual = 1.0                                 # seconds that a request works, of late

    def place(self) -> _Place:
        if self.inside >= self.settings.max_concurrent + self.settings.max_queue:
            raise Refused(Refusal(429, f"too many requests: {self.inside} are at work or waiting; try again later",
                                  "queue_full", self._later()))
        return _Place(self)

    def _later(self) -> Headers:
        """When it is worth another try: when those who wait now will have had their turn."""
        waiting = max(self.inside - self.settings.max_concurrent, 0) + 1
        seconds = math.ceil(self.usual * waiting / self.settings.max_concurrent)
        return ((b"retry-after", b"%d" % min(max(seconds, 1), LONGEST)),)

    @asynccontextmanager
    async def turn(self, receive: Receive) -> AsyncGenerator[bool, None]:
        """Whether its turn has come; False where the client left before it did. Raises Refused where it took too long."""
        if not self.slots.locked():
            await self.slots.acquire()                   # at once
        elif not await self._wait(receive):
            yield False
            return
        began = asyncio.get_running_loop().time()
        try:
            yield True
        finally:
            self.slots.release()
            self.usual += 0.1 * (asyncio.get_running_loop().time() - began - self.usual)

    async def _wait(self, receive: Receive) -> bool:
        turn, gone = asyncio.ensure_future(self.slots.acquire()), asyncio.ensure_future(_gone(receive))
        mine = False
        if self.metrics:
            self.metrics.queued.inc()
        try:
            done, _ = await asyncio.wait((turn, gone), timeout=self.settings.queue_timeout,
                                         return_when=asyncio.FIRST_COMPLETED)
            mine = turn in done and gone not in done
        finally:
            gone.cancel()
            if not turn.cancel() and not mine and not turn.cancelled():
                self.slots.release()
            if self.metrics:
                self.metrics.queued.dec()
        if not done:
            raise Refused(Refusal(503, f"no turn came within {self.settings.queue_timeout:g} seconds: the server is busy; "
                                       "try again later", "overloaded", self._later()))
        return mine


class _Place:
    """A place inside, for as long as the block runs."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns

    def __enter__(self) -> None:
        self.turns.inside += 1

    def __exit__(self, *error: object) -> None:
        self.turns.inside -= 1


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
