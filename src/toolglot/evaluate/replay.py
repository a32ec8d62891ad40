"""A conversation in which calls really do something: the leaderboard's multi-turn questions, by state.

The one rule: the classes run in a process of their own (`stage`), which is killed when it takes too long; here nothing of
theirs is imported. A turn is right where the state is the one that the right calls come to, and all that these return has
been returned; there may be more ways there than one, and more calls.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..message import ToolglotError
from .item import Step, World
from .judge import RIGHT, Judged, cut
from .record import Cause

SECONDS = 20.0                              # for the calls of one reply
MOST = 20                                   # replies with calls in one turn, as the leaderboard has it
LONGEST = 1 << 26                           # bytes of an answer
KEPT = ("PATH", "PYTHONPATH", "HOME", "LANG", "SYSTEMROOT")     # of the environment: no key is among them


@dataclass
class Replay:
    """One conversation. `called` and `replies` are those of the turn; `broken` says why there is no state any more."""

    process: asyncio.subprocess.Process
    seconds: float = SECONDS
    results: Counter[str] = field(default_factory=Counter)
    called: list[str] = field(default_factory=list)
    replies: int = 0
    broken: str = ""

    async def run(self, calls: Sequence[Mapping[str, Any]]) -> list[str]:
        """What the calls of one reply come to, a text each."""
        self.replies += 1
        self.called += [call["name"] for call in calls]
        told = await self._told({"side": "model", "calls": [[call["name"], call["arguments"]] for call in calls]})
        results = told.get("results", [f"Error: {self.broken}"] * len(calls))
        self.results.update(results)
        return list(results)

    async def verdict(self, step: Step) -> Judged:
        """Whether the turn that ends here came to what it should have. One without due calls is right in any case: what
        was called there shows in the state of the next."""
        called, replies, self.called, self.replies = self.called, self.replies, [], 0
        made = f"called {cut(', '.join(called))}"
        if replies >= MOST:
            return Judged(False, "wrong number", f"{made}; {MOST} replies with calls, and no end")
        if not step.calls:
            return RIGHT
        due = [one.name for one in step.calls]
        if not called:
            return Judged(False, "no call", f"{', '.join(due)} was due")
        calls = [[one.name, {name: values[0] for name, values in one.arguments.items()}] for one in step.calls]
        right = await self._told({"side": "truth", "calls": calls})
        state = await self._told({"compare": True})
        cause: Cause = "wrong arguments" if set(due) <= set(called) else "wrong tool"
        if self.broken:
            return Judged(False, "wrong arguments", self.broken)
        if differs := state["differences"]:
            return Judged(False, cause, f"{made}; the state is another one in {', '.join(differs)}")
        if missing := Counter(right["results"]) - self.results:
            return Judged(False, cause, f"{made}; nothing gave {cut(next(iter(missing)))}")
        return RIGHT

    async def _told(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        if self.broken:
            return {}
        assert self.process.stdin and self.process.stdout
        line = b""
        with suppress(asyncio.TimeoutError, ConnectionError, ValueError):
            self.process.stdin.write(json.dumps(asked).encode() + b"\n")
            line = await asyncio.wait_for(self._line(), self.seconds)
        if not line:
            self.broken = f"the calls took more than {self.seconds:g} s, or more memory than there is"
            await self.close()
            return {}
        found: dict[str, Any] = json.loads(line)
        return found

    async def _line(self) -> bytes:
        assert self.process.stdin and self.process.stdout
        await self.process.stdin.drain()
        return await self.process.stdout.readline()

    async def close(self) -> None:
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()


@asynccontextmanager
async def replayed(world: World, seconds: float = SECONDS) -> AsyncIterator[Replay]:
    """The world of an item, set up. Raises ToolglotError where its classes cannot be loaded."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(Path(__file__).with_name("stage.py")), stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, limit=LONGEST,
        env={name: os.environ[name] for name in KEPT if name in os.environ})
    replay = Replay(process)
    try:
        given = {"folder": world.folder, "classes": world.classes, "config": world.config, "long": world.long}
        told = await replay._told(given)
        if "ready" not in told:
            why = told.get("failed", replay.broken)
            raise ToolglotError(f"bfcl: the classes of a multi-turn question cannot be loaded: {why}; they need the "
                                "package bfcl-eval itself, and for MathAPI mpmath")
        replay.seconds = seconds
        yield replay
    finally:
        await replay.close()
