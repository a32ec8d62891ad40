"""Queries -> events: one model on one engine, asked as the client wants it, and what it writes checked.

The one rule: what a surface is given is true of the whole reply. A call that it is told has begun has a name and an id; one
that ends without a problem is whole; and `Ended` is the last thing of every reply that did not fail.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Union, cast

from ..api import ApiError, Ended, Likely, Query
from ..api.answers import is_whole
from ..engines import Chat, Done, Engine, EngineError, FieldError, PromptPiece, TokenLogprob, TooLong
from ..engines.stops import Stops
from ..grammar import Choice
from ..message import (
    Assistant,
    Call,
    CallArgs,
    CallEnd,
    CallStart,
    Event,
    Part,
    Problem,
    Reasoning,
    Repair,
    Result,
    Text,
    Tool,
    ToolglotError,
    Turn,
    User,
    sound,
)
from ..model import Model
from ..registry import untrained
from ..reply import Prompted, Replied, Terms, Written, prompted, sent, shown
from ..schema import explain, validate

Wire = Union[Text, Reasoning, CallStart, CallArgs, CallEnd, Likely, Ended]
Step = tuple[int, list[Wire]]           # the number of a reply, and what has come of it
# how servers say that a prompt is too long: vLLM and OpenAI, llama-server
OVERFLOW = re.compile("maximum context length|exceeds the available context")
NewId = Callable[[str], str]


@dataclass
class Facts:
    """What is known of a request when it is over, for headers, logs and metrics. Counts; nothing of what was said."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    calls: int = 0
    constrained: bool = False
    repaired: int = 0
    invalid: int = 0
    dropped: int = 0
    retried: int = 0
    broken: int = 0
    model: str = ""
    began: float | None = None          # seconds from the request's first byte to the reply's first event
    engine_error: bool = False

    def told(self) -> dict[str, Any]:
        """As logs and metrics know it."""
        outcomes = {"constrained" if self.constrained else "checked": self.calls, "repaired": self.repaired,
                    "retried": self.retried, "refused": self.invalid + self.dropped}
        told = {"model": self.model, "tokens_in": self.prompt_tokens, "tokens_out": self.completion_tokens,
                "first_token": self.began, "calls": {name: n for name, n in outcomes.items() if n},
                "engine_error": self.engine_error}
        return {name: value for name, value in told.items() if value}


@dataclass(frozen=True)
class Policy:
    """How the server holds replies to what was asked. `retry`: times that a reply which broke it is asked for again.
    `hold_calls`: a call is passed on when it is whole. `max_tokens` and
    `temperature`: of a reply whose client does not say."""

    constrain: bool = True
    retry: int = 0
    hold_calls: bool = False
    max_tokens: int = 4096
    temperature: float = 0.7


@dataclass(frozen=True)
class Service:
    """`model` is None before a chat API. `names` are those that the model is served by, the first its own."""

    engine: Engine | Chat
    model: Model | None
    policy: Policy = Policy()
    names: tuple[str, ...] = ()
    any_name: bool = False

    def named(self, name: str) -> str:
        """The name that a reply goes by. Raises ApiError for a model that is not served."""
        if self.any_name or name in self.names:
            return name
        known = ", ".join(self.names)
        raise ApiError(404, f"The model '{name}' does not exist; this server has {known}.", "model", "model_not_found")

    async def count_tokens(self, query: Query) -> int:
        """The tokens of the prompt that a query makes. Raises ApiError where nobody knows."""
        if self.model is None:
            raise ApiError(501, "The model is behind a chat API, which counts no tokens.", None, "not_supported")
        with told_apart(query.names):
            prompt = shown(self.model, query.turns, query.tools, *self._asked(query, query.turns))
            pieces = [PromptPiece(p.text, p.special) for p in prompt.pieces]
            return await cast(Engine, self.engine).count_tokens(pieces)

    def replies(self, query: Query, new_id: NewId, facts: Facts) -> AsyncGenerator[Step, None]:
        """What the replies to a query are made of, as it comes. Raises ApiError."""
        return self.reply(query, new_id, facts) if query.n == 1 else self._several(query, new_id, facts)

    async def _several(self, query: Query, new_id: NewId, facts: Facts) -> AsyncGenerator[Step, None]:
        queue: asyncio.Queue[Step | Exception | None] = asyncio.Queue(64)    # a slow client makes them wait

        async def one(i: int) -> None:
            asked = query if query.seed is None else replace(query, seed=query.seed + i)
            try:
                async with aclosing(self.reply(asked, new_id, facts, i)) as events:
                    async for item in events:
                        await queue.put(item)
            except Exception as error:
                await queue.put(error)
            else:
                await queue.put(None)

        tasks = [asyncio.create_task(one(i)) for i in range(query.n)]
        try:
            left = query.n
            while left:
                item = await queue.get()
                if isinstance(item, Exception):
                    raise item
                if item is None:
                    left -= 1
                else:
                    yield item
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def reply(self, query: Query, new_id: NewId, facts: Facts, number: int = 0) -> AsyncGenerator[Step, None]:
        """One reply, by its number. Raises ApiError."""
        if self.policy.retry:
            return self._tried(query, new_id, facts, number)
        return self._once(query, query.turns, new_id, facts, _Last(), number)

    async def _tried(self, query: Query, new_id: NewId, facts: Facts, number: int) -> AsyncGenerator[Step, None]:
        """One reply, asked for again while it breaks what was asked and there are tries left."""
        turns: list[Turn] = list(query.turns)
        for left in range(self.policy.retry, -1, -1):
            last = _Last(final=not left)
            async with aclosing(self._once(query, turns, new_id, facts, last, number)) as steps:
                held = [step async for step in steps]
            if not last.wrong or not left:
                for step in held:
                    yield step
                return
            facts.retried += 1
            turns += last.told()

    async def _once(self, query: Query, turns: Sequence[Turn], new_id: NewId, facts: Facts,
                    last: _Last, number: int) -> AsyncGenerator[Step, None]:
        reader = _Reader(query, new_id, facts, self.policy.hold_calls)
        with told_apart(query.names):
            async with aclosing(self._steps(query, turns)) as steps:
                async for step in steps:
                    match step:
                        case Written(_, events, likely):
                            if wire := reader.feed(events, likely):
                                yield number, wire
                            if reader.stops.found:
                                break
                        case Prompted(constraint=rules):
                            facts.constrained = rules is not None
                        case Replied():
                            last.replied = step
                            last.wrong = reader.wrong(step)
                            facts.broken += bool(last.wrong) and last.final
            done = last.replied.done if last.replied else None
            if wire := reader.close():
                yield number, wire
            yield number, [await self._ended(query, turns, reader, done, facts)]

    async def _ended(self, query: Query, turns: Sequence[Turn], reader: _Reader, done: Done | None, facts: Facts) -> Ended:
        if done is None:                                 # ended by a stop string: the engine was not asked to the end
            counted = await self.count_tokens(replace(query, turns=tuple(turns))) if self.model else 0
            done = Done("stop", counted, reader.pieces)
        share = reader.thoughts / reader.pieces if reader.pieces else 0.0
        facts.prompt_tokens = max(facts.prompt_tokens, done.prompt_tokens)
        facts.completion_tokens += done.completion_tokens
        return Ended(done.finish, done.prompt_tokens, done.completion_tokens, round(share * done.completion_tokens),
                     stop=reader.stops.which)

    def _steps(self, query: Query, turns: Sequence[Turn]) -> AsyncGenerator[Any, None]:
        choice, terms = self._asked(query, turns)
        if self.model is None:
            return sent(cast(Chat, self.engine), turns, query.tools, choice, replace(terms, thinking=None))
        return prompted(self.model, cast(Engine, self.engine), turns, query.tools, choice, terms)

    def _asked(self, query: Query, turns: Sequence[Turn]) -> tuple[Choice, Terms]:
        """What is asked of the engine: where the query leaves something open, this server's own."""
        context = self.engine.facts.context
        most = query.max_tokens or min(self.policy.max_tokens, context // 2 or self.policy.max_tokens)
        held = bool(query.tools) or query.answer is not None
        terms = Terms(
            constrain=self.policy.constrain and held, parallel=query.parallel, thinking=query.thinking, max_tokens=most,
            temperature=self.policy.temperature if query.temperature is None else query.temperature,
            seed=secrets.randbelow(2**31) if query.seed is None else query.seed, answer=query.answer, top_p=query.top_p,
            top_k=query.top_k or None, presence_penalty=query.presence_penalty or None,
            frequency_penalty=query.frequency_penalty or None,
            logprobs=query.logprobs, lenient=True)
        return suiting(self.model, turns, query.tools) if query.left else query.choice, terms


def suiting(model: Model | None, turns: Sequence[Turn], tools: Sequence[Tool]) -> Choice:
    """What a reply may be, where that is left open."""
    if not tools:
        return "none"
    if model is None or not untrained(model.dialect):
        return "auto"
    # it would rather talk than call: it must call what the user asks for, and then may say what came of it
    return "required" if turns and isinstance(turns[-1], User) else "none"


@dataclass
class _Last:
    """How a reply came out, and what the model is told of what it broke."""

    replied: Replied | None = None
    wrong: tuple[str, ...] = ()
    final: bool = True

    def told(self) -> list[Turn]:
        assert self.replied
        parts: list[Part] = []
        results: list[Turn] = []
        for n, part in enumerate(self.replied.reply.parts):
            if isinstance(part, Call):
                part = replace(part, id=part.id or f"call{n:05}")
                results.append(Result("error: " + " ".join(self.wrong), part.name, part.id))
            parts.append(part)
        return [Assistant(tuple(parts)), *results] if results else []


class _Reader:
    """The events of one reply as the wire has them: with ids, without what is not the client's, up to a stop string."""

    def __init__(self, query: Query, new_id: NewId, facts: Facts, hold: bool) -> None:
        self.query, self.new_id, self.facts, self.hold = query, new_id, facts, hold
        self.stops = Stops(query.stop)
        self.pieces = self.thoughts = 0
        self.likely: list[TokenLogprob] = []             # of what is not yet passed on
        self.index: dict[int, int] = {}                  # of a call of the reply: its number on the wire
        self.waiting: dict[int, list[Wire]] = {}         # calls that are held back

    def feed(self, events: Iterable[Event], likely: Iterable[TokenLogprob] = ()) -> list[Wire]:
        out: list[Wire] = []
        if likely:
            self.likely += likely
        self.pieces += 1
        for event in events:
            match event:
                case Text(text):
                    passed = self.stops.feed(text if text.isascii() else sound(text))
                    if passed:
                        if self.likely:
                            out += self._told()
                        out.append(event if passed is text else Text(passed))
                    if self.stops.found:
                        return out
                case Reasoning(text):
                    self.thoughts += 1
                    self.likely.clear()
                    out.append(event if text.isascii() else Reasoning(sound(text)))
                case CallStart() | CallArgs() | CallEnd():
                    self.likely.clear()                  # the tokens of markup are nobody's
                    out += self._flush()
                    out += self._call(event)
                case Repair():
                    self.facts.repaired += 1
                case Problem():
                    pass
        return out

    def close(self) -> list[Wire]:
        return [] if self.stops.found else self._flush()

    def _flush(self) -> list[Wire]:
        text = self.stops.close()
        return [*self._told(), Text(text)] if text else []

    def _told(self) -> list[Wire]:
        told, self.likely = self.likely, []
        return [Likely(tuple(told))] if told else []

    def _call(self, event: CallStart | CallArgs | CallEnd) -> list[Wire]:
        if self.query.choice == "none":                  # nothing was to be called: the client has no place for it
            self.facts.dropped += isinstance(event, CallStart)
            return []
        if isinstance(event, CallStart):
            self.index[event.index] = -1 if self.hold else len(self.index)
            event = replace(event, id=self.new_id("call"))
        elif isinstance(event, CallArgs) and not event.delta.isascii():
            event = CallArgs(event.index, sound(event.delta))
        if self.hold:
            return self._held(event)
        self.facts.calls += isinstance(event, CallEnd) and is_whole(event)
        return [replace(event, index=self.index[event.index])]

    def _held(self, event: CallStart | CallArgs | CallEnd) -> list[Wire]:
        held = self.waiting.setdefault(event.index, [])
        held.append(event)
        if not (isinstance(event, CallEnd) and is_whole(event)):
            return []
        number, self.facts.calls = self.facts.calls, self.facts.calls + 1
        return [replace(one, index=number) for one in held]  # type: ignore[arg-type]

    def wrong(self, replied: Replied) -> tuple[str, ...]:
        """What the reply broke, in sentences that the model can act on."""
        tools = {tool.name: tool for tool in self.query.tools}
        found = list(replied.broken)
        for call in replied.reply.calls:
            if call.name not in tools:
                reasons = [f"no function is named {call.name!r}; the functions are {', '.join(tools)}"]
            else:
                reasons = validate(call.arguments, tools[call.name].parameters)
            if reasons:
                self.facts.invalid += 1
                found.append(explain(call.name, reasons))
        return tuple(found)


@contextmanager
def told_apart(names: Mapping[str, str]) -> Iterator[None]:
    """What goes wrong in here is told to the client: whether it asked what cannot be, or the engine failed."""
    try:
        yield
    except ApiError:
        raise
    except EngineError as error:
        raise engine_failed(error, names) from error
    except ToolglotError as error:
        raise ApiError(400, str(error), None, "invalid_value") from error


def engine_failed(error: EngineError, names: Mapping[str, str]) -> ApiError:
    """What a client is told of an engine that failed. `names`: see Query."""
    from ..engines.http import Refused, Unreachable

    said = str(error)
    if isinstance(error, Unreachable):
        return ApiError(503, f"The engine cannot be reached: {said}", None, "engine_unreachable", retry_after=1)
    if isinstance(error, Refused) and error.status == 429:
        return ApiError(429, f"The engine is asked too much: {said}", None, "rate_limit_exceeded", retry_after=1)
    if isinstance(error, FieldError):
        return ApiError(400, said, names.get(error.field, error.field), "unsupported_parameter")
    if isinstance(error, TooLong) or OVERFLOW.search(said):
        return ApiError(400, said, names.get("messages", "messages"), "context_length_exceeded")
    if isinstance(error, Refused) and error.status in (400, 413, 422):
        return ApiError(400, f"The engine refused it: {said}", None, "engine_refused")
    return ApiError(502, f"The engine failed: {said}", None, "engine_failed")


__all__ = ["Facts", "Policy", "Service", "engine_failed", "suiting"]
