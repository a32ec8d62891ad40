"""Engines that play scripts: for tests, and for trying a loop, or a fault, without a model.

The one rule: they behave as real ones do where it counts. Replies come in pieces of whole characters, end with counts,
are cut at `max_tokens` (a piece counts as one token), and stop within a piece when the iterator is closed.
"""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Union

from ..grammar import Constraint
from ..message import Event, Text
from . import ChatRequest, Chunk, Done, EngineError, ModelFacts, PromptPiece, Request, Rules
from .chat_deltas import Deltas
from .stops import Stops

HANG_UP = object()                       # a piece that ends the reply without a Done, as a broken connection does
FACTS = ModelFacts("scripted", context=8192)

Script = Union[str, Sequence[Any], Callable[[Any], Any]]


class Scripted:
    """Plays `replies` one after another, one a request; a request beyond the last is an EngineError.

    A reply is a text, its pieces, or a function of the Request that gives either. A piece is a text, bytes of UTF-8
    (cut anywhere: what is not yet a whole character waits), a Chunk with logprobs (passed on where they are asked for), a
    number of seconds to wait, an exception to raise, or HANG_UP. `delay` is in seconds, before each text. `requests` holds
    what was asked for, `cancelled` counts the generations that were closed early. A constraint changes nothing, and stop
    strings end a reply only with `stops`.
    """

    def __init__(self, replies: Sequence[Script], facts: ModelFacts = FACTS, *, delay: float = 0.0,
                 stops: bool = False) -> None:
        self.replies, self.facts, self.delay, self.stops = list(replies), facts, delay, stops
        self.requests: list[Request] = []
        self.cancelled = 0
        self.closed = False

    async def generate(self, request: Request) -> AsyncGenerator[Chunk | Done, None]:
        self.requests.append(request)
        stops, spoken = Stops(request.stop if self.stops else ()), 0
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        try:
            async with aclosing(_play(self.replies, self.requests, self.delay)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Done):
                        if text := stops.feed(decode(b"", True)) + stops.close():
                            yield Chunk(text)
                        yield piece
                        return
                    spoken += 1
                    told = piece.logprobs if isinstance(piece, Chunk) and request.logprobs is not None else ()
                    piece = piece.text if isinstance(piece, Chunk) else piece
                    if text := stops.feed(decode(piece) if isinstance(piece, bytes) else decode(b"", True) + piece):
                        yield Chunk(text, told)
                    if stops.found:
                        yield Done("stop", _words(request), spoken)
                        return
        except (GeneratorExit, asyncio.CancelledError):
            self.cancelled += 1
            raise

    def rules(self, constraint: Constraint) -> Rules:
        return Rules("lark", constraint.lark(self.facts.special_tokens, self.facts.stop_tokens), constraint.unenforced)

    async def count_tokens(self, prompt: Sequence[PromptPiece]) -> int:
        return _words(Request(prompt))

    def close(self) -> None:
        self.closed = True


class ScriptedChat:
    """A Chat that plays `replies`, as Scripted does. A piece is a text, an event, a chunk of a Chat Completions stream
    (a dict), a number of seconds, an exception, or HANG_UP; a chunk's `finish_reason` says how the reply ended."""

    def __init__(self, replies: Sequence[Script], facts: ModelFacts = FACTS, *, delay: float = 0.0) -> None:
        self.replies, self.facts, self.delay = list(replies), facts, delay
        self.requests: list[ChatRequest] = []
        self.cancelled = 0
        self.closed = False

    async def converse(self, request: ChatRequest) -> AsyncGenerator[Event | Done, None]:
        self.requests.append(request)
        deltas, chunked = Deltas(), False
        try:
            async with aclosing(_play(self.replies, self.requests, self.delay)) as pieces:
                async for piece in pieces:
                    match piece:
                        case Done(finish):
                            deltas.finish = "length" if finish == "length" else deltas.finish
                            for event in deltas.close():
                                yield event
                            if deltas.finish or not chunked:         # chunks without an end are a reply without one
                                yield replace(piece, finish=deltas.done)
                        case Mapping():
                            chunked = True
                            for event in deltas.feed(piece):
                                yield event
                        case _:
                            yield Text(piece) if isinstance(piece, str) else piece
        except (GeneratorExit, asyncio.CancelledError):
            self.cancelled += 1
            raise

    def close(self) -> None:
        self.closed = True


async def _play(replies: Sequence[Script], requests: Sequence[Any], delay: float) -> AsyncGenerator[Any, None]:
    """The pieces of the reply to the last request, up to `max_tokens`, then Done; without it after HANG_UP."""
    request, spoken = requests[-1], 0
    if len(requests) > len(replies):
        raise EngineError(f"the script has {len(replies)} replies, and one more was asked for")
    script = replies[len(requests) - 1]
    while callable(script):
        script = script(request)
    for piece in [script] if isinstance(script, (str, bytes)) else script:
        if spoken == request.max_tokens:
            yield Done("length", _words(request), spoken)
            return
        if piece is HANG_UP:
            return
        if isinstance(piece, Exception):
            raise piece
        if isinstance(piece, (int, float)):
            await asyncio.sleep(piece)
            continue
        await asyncio.sleep(delay)
        yield piece
        spoken += 1
    yield Done("stop", _words(request), spoken)


def _words(request: Request | ChatRequest) -> int:
    """As good as any count: there is no vocabulary."""
    if isinstance(request, Request):
        return len("".join(piece.text for piece in request.prompt).split())
    return sum(len(str(turn).split()) for turn in request.turns)
