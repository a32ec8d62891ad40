"""An engine that plays given texts: for tests, and for trying a loop without a model.

The one rule: it behaves as a real one does where it counts. Replies come in pieces, end with counts, are cut at
`max_tokens` (a piece counts as one token), and stop within a piece when the iterator is closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Union

from . import Chunk, Done, EngineError, ModelFacts, PromptPiece, Request

Script = Union[str, Sequence[Union[str, Exception]]]
FACTS = ModelFacts("scripted", context=8192)


class Scripted:
    """Plays `replies` one after another, one a request; a request beyond the last is an EngineError.

    A reply is a text, or its pieces; a piece that is an exception is raised in its place. `delay` is in seconds,
    before each piece. `requests` holds what was asked for, `cancelled` counts the generations that were closed early.
    Replies are played as they are: neither a constraint nor a stop string changes them.
    """

    def __init__(self, replies: Sequence[Script], facts: ModelFacts = FACTS, *, delay: float = 0.0) -> None:
        self.replies, self.facts, self.delay = list(replies), facts, delay
        self.requests: list[Request] = []
        self.cancelled = 0
        self.closed = False

    async def generate(self, request: Request) -> AsyncGenerator[Chunk | Done, None]:
        self.requests.append(request)
        if len(self.requests) > len(self.replies):
            raise EngineError(f"the script has {len(self.replies)} replies, and one more was asked for")
        script = self.replies[len(self.requests) - 1]
        pieces: Sequence[str | Exception] = [script] if isinstance(script, str) else script
        spoken, whole = 0, False
        try:
            for piece in pieces[:request.max_tokens]:
                await asyncio.sleep(self.delay)
                if isinstance(piece, Exception):
                    whole = True                 # it ends by itself: nobody cancelled it
                    raise piece
                yield Chunk(piece)
                spoken += 1
            whole = True
            yield Done("stop" if spoken == len(pieces) else "length", self.count_tokens(request.prompt), spoken)
        finally:
            self.cancelled += not whole

    def count_tokens(self, prompt: Sequence[PromptPiece]) -> int:
        """Words, as good as any: there is no vocabulary."""
        return len("".join(piece.text for piece in prompt).split())

    def close(self) -> None:
        self.closed = True
