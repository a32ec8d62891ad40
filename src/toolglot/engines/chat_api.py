"""A server with tool calls of its own, behind `/v1/chat/completions`: OpenAI, Mistral, Groq, DeepSeek, OpenRouter, vLLM's
or llama-server's own chat endpoint, and whoever else speaks it.

The one rule: it is passed through, and believed no further than it can be checked. A field that the server says it does
not know is left out from then on, which `facts.found` tells; what would leave it free to do something else never is. How to
sample is told as the request says, in OpenAI's fields and `top_k`: a server that refuses one is an error.
"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from ..message import Event
from . import ChatRequest, Done, EngineError, ModelFacts
from .chat_deltas import Deltas
from .chat_messages import messages_of, offered
from .http import Refused, Timeouts, Wire
from .sampling import OWN, sampled

PATH = "/chat/completions"
CONTEXT = ("max_model_len", "context_length", "context_window", "max_context_length")    # vLLM, OpenRouter, Groq, Mistral
# what a server may do without
SPARE = ("stream_options", "parallel_tool_calls", "seed", "temperature")
KEPT = 256                              # calls whose extras are remembered
_UNKNOWN = re.compile(r"(?:un|not |n't )(?:support|known|recogni|expect|permit|allow)|extra (?:input|field)|"
                      r"additional propert", re.IGNORECASE)


class ChatApi:
    """One model of a chat API; `open_chat` makes it. `stream` False asks for each reply as a whole."""

    def __init__(self, wire: Wire, facts: ModelFacts, stream: bool = True) -> None:
        self.facts, self.stream, self._wire = facts, stream, wire
        self._without: set[str] = set()
        self._limit = "max_tokens"      # the older name: a server that does not know the newer one might set no limit
        self._reasoning: str | None = None
        self._extras: dict[str, Any] = {}

    async def converse(self, request: ChatRequest) -> AsyncGenerator[Event | Done, None]:
        """Errors: EngineError for a server that cannot be reached, says no, or ends in mid-reply; ToolglotError for a
        choice of no known tool."""
        began, first, deltas = time.perf_counter(), 0.0, Deltas()
        async with aclosing(self._answer(request)) as chunks:
            async for chunk in chunks:
                first = first or (time.perf_counter() if self.stream else began)     # else nobody knows
                for event in self._read(deltas, chunk):
                    yield event
        if deltas.finish is None:
            hint = "it stopped half way" if first else "it sent nothing; if it cannot stream, open it with stream=False"
            raise EngineError(f"{self._wire.url}{PATH} did not end its reply: {hint}")
        if deltas.finish == "error":
            raise EngineError(f"{self._wire.url}{PATH} failed in mid-reply, and does not say why")
        for event in deltas.close():
            yield event
        self._reasoning = deltas.reasoning or self._reasoning
        self._extras = dict([*self._extras.items(), *deltas.extras.items()][-KEPT:])
        end, usage = time.perf_counter(), deltas.usage
        yield Done(deltas.done, int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0),
                   first - began, end - first)

    def close(self) -> None:
        self._wire.close()

    async def _answer(self, request: ChatRequest) -> AsyncGenerator[Any, None]:
        """The chunks of a reply. A request that was refused, hence was not carried out, is made again without the field
        that was the reason."""
        while True:
            body = self._body(request)
            try:
                async with aclosing(self._chunks(body)) as chunks:
                    async for chunk in chunks:
                        yield chunk
                return
            except Refused as refusal:
                if refusal.status not in (400, 422) or not self._learn(refusal.reason, body):
                    raise

    def _learn(self, said: str, body: Mapping[str, Any]) -> bool:
        """Whether the next request will differ, by what a server says is wrong with this one."""
        if self._limit == "max_tokens" and "max_completion_tokens" in said:
            self._limit = "max_completion_tokens"
            return True
        unknown = _UNKNOWN.search(said) is not None
        if not (unknown or self._told or "reasoning_content" in self._without) and "reasoning_content" in said:
            self._reasoning = "reasoning_content"        # DeepSeek wants it back with every call, others refuse it
            return True
        sent = [field for field in SPARE if field in body] + ([self._told] if self._told else [])
        named = [field for field in sent if unknown and re.search(rf"\b{field}\b", said)]
        self._without.update(named)
        lines = tuple(f"it refuses `{field}`, which is not sent any more" for field in named)
        self.facts = replace(self.facts, found=self.facts.found + lines)
        return bool(named)

    @property
    def _told(self) -> str | None:
        """The field in which it is told back what it thought."""
        return None if self._reasoning in self._without else self._reasoning

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        tools = offered(request.tools, request.choice)
        fields: dict[str, Any] = {
            "model": self.facts.name, "messages": messages_of(request.turns, self._told, self._extras), **tools,
            self._limit: request.max_tokens, "temperature": request.temperature, "stream": self.stream,
            **sampled(request, OWN, self._wire.url)}
        if request.temperature > 0:
            fields["seed"] = request.seed
        if request.stop:
            fields["stop"] = list(request.stop)
        if request.answer is not None:
            fields["response_format"] = _answering(request.answer)
        if self.stream:
            fields["stream_options"] = {"include_usage": True}
        if tools and request.parallel is not None:
            fields["parallel_tool_calls"] = request.parallel
        return {name: value for name, value in fields.items() if name not in self._without}

    async def _chunks(self, body: Mapping[str, Any]) -> AsyncGenerator[Any, None]:
        if self.stream:
            async with aclosing(self._wire.events(PATH, body)) as events:
                async for event in events:
                    yield event
            return
        answer = await self._wire.ask(PATH, body, generates=True)
        if isinstance(answer, Mapping) and answer.get("error"):
            raise EngineError(f"{self._wire.url}{PATH} failed: {self._wire.said(answer)}")
        yield answer

    def _read(self, deltas: Deltas, chunk: Any) -> list[Event]:
        try:
            return deltas.feed(chunk)
        except (AttributeError, KeyError, TypeError, ValueError):
            raise EngineError(f"{self._wire.url}{PATH} sent what is no chat completion: {self._wire.said(chunk)}: is it "
                              "the right address?") from None


def _answering(schema: Mapping[str, Any]) -> dict[str, Any]:
    """As OpenAI has it. `strict` is left out: it is refused of many a schema, and what comes is checked here."""
    if schema == {"type": "object"}:                     # more servers know any object than a schema
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


# -- opening ---------------------------------------------------------------------------------------------------


async def open_chat(url: str, *, model: str | None = None, key: str | None = None, timeouts: Timeouts = Timeouts(),
                    stream: bool = True) -> ChatApi:
    """The chat API at `url`, `https://api.openai.com/v1` say; without a path, `/v1` is meant. `key` is sent as a bearer
    token and shown nowhere. `model` may be left out where the server has but one.

    Errors: EngineError for an address that nobody answers at, a key that is refused, a model that is to be named.
    """
    wire, listed = await _models(url, key, timeouts)
    names = [str(entry["id"]) for entry in listed]
    if model is None:
        if len(names) != 1:
            some = f"it has {len(names)}, among them {', '.join(sorted(names)[:10])}" if names else "it lists none"
            wire.close()
            raise EngineError(f"{wire.url} needs the name of a model: {some}")
        model = names[0]
    entry = next((entry for entry in listed if entry["id"] == model), {})
    context = next((entry[field] for field in CONTEXT if isinstance(entry.get(field), int)), 0)
    where = f"{wire.url}, {'one of the' if entry else 'not listed among its'} {len(names)} models" if names else wire.url
    found = (f"{model} at {where}" + ("" if names else ", which lists no models"),
             "it is told the conversation: its prompt, its chat template and its tokens are not known",
             "how far it holds a call to its tool's schema is not known: each call is checked when it has come")
    return ChatApi(wire, ModelFacts(model, context=context, found=found), stream)


async def _models(url: str, key: str | None, timeouts: Timeouts) -> tuple[Wire, list[Mapping[str, Any]]]:
    """The server, at the first address that lists models, and what it lists; with nothing where none does."""
    base = url.rstrip("/").removesuffix(PATH)
    bare = not urlsplit(base if "://" in base else f"http://{base}").path
    wires = [Wire(base + path, key, timeouts) for path in (["/v1"] if bare else ["", "/v1"])]
    for wire in wires:
        try:
            answer = await wire.ask("/models")
        except Refused as refusal:
            if refusal.status not in (404, 405, 501):
                raise
            continue
        entries = answer.get("data") if isinstance(answer, Mapping) else answer      # Together sends the bare list
        return wire, [e for e in entries or () if isinstance(e, Mapping) and "id" in e]
    return wires[0], []


__all__ = ["ChatApi", "open_chat"]
