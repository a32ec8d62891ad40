"""Events -> the response object, and the server-sent events that tell of it as it grows.

The one rule: there is one account of a reply. The items that a stream says are done are those of the response that it
ends in, and a response that is not streamed is the end of a stream that nobody saw. So a call that was cut off is among the
items, with the status `incomplete` and its arguments as far as they came: its stream said that it began.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from ..message import CallArgs, CallEnd, CallStart, Event, Reasoning, Text
from .answers import is_whole
from .chat import refusal
from .custom import Unquoted
from .query import Answer, ApiError, Ended, Likely, Made, Query
from .responses_items import sealed
from .responses_tools import Own

Kind = Literal["message", "reasoning", "function_call", "custom_tool_call"]
Status = Literal["in_progress", "completed", "incomplete"]

PREFIXES: Mapping[Kind, str] = {"message": "msg", "reasoning": "rs", "function_call": "fc", "custom_tool_call": "ctc"}
PARTS: Mapping[Kind, Mapping[str, Any]] = {
    "message": {"type": "output_text", "annotations": [], "logprobs": []}, "reasoning": {"type": "reasoning_text"}}
VALUES: Mapping[Kind, str] = {"message": "text", "reasoning": "text", "function_call": "arguments",
                              "custom_tool_call": "input"}
EVENTS: Mapping[Kind, str] = {
    "message": "response.output_text", "function_call": "response.function_call_arguments",
    "custom_tool_call": "response.custom_tool_call_input"}
FAILURES = {429: "rate_limit_exceeded", 400: "invalid_prompt"}       # OpenAI's library knows few codes; else server_error


@dataclass
class _Item:
    """An item of the output while it grows. `head` is its delta's event up to the text."""

    kind: Kind
    id: str
    index: int
    call: Mapping[str, Any] = field(default_factory=dict)
    head: bytes = b""
    tail: bytes = b',"sequence_number":'
    pieces: list[str] = field(default_factory=list)
    reader: Unquoted | None = None

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def place(self) -> dict[str, Any]:
        where = {"item_id": self.id, "output_index": self.index}
        return {**where, "content_index": 0} if self.kind in PARTS else where

    @property
    def part(self) -> dict[str, Any]:
        return {**PARTS[self.kind], "text": self.text}

    def shown(self, status: Status, keeps: bool = False) -> dict[str, Any]:
        """As it is now. `keeps`: the client keeps reasoning in a field of its own."""
        content = [] if status == "in_progress" else [self.part] if self.kind in PARTS else None
        base = {"id": self.id, "type": self.kind, "status": status}
        match self.kind:
            case "message":
                return {**base, "role": "assistant", "content": content}
            case "reasoning":
                kept = {"encrypted_content": sealed(self.text)} if keeps and content else {}
                return {**base, "summary": [], "content": content, **kept}
        return {**base, **self.call, VALUES[self.kind]: self.text}


class Stream:
    """Events -> server-sent events: `start`, `feed` each event, `end`, `finish`; or `fail`, at any time.

    `response` is the response object, whole after `end`. `reasoning` names its events: OpenAI has
    `response.reasoning_text.delta`, Open Responses has `response.reasoning.delta` ("reasoning") and knows no other. `clock`
    gives the time of the end, in seconds of Unix time.
    """

    def __init__(self, query: Query, made: Made, reasoning: str = "reasoning_text",
                 clock: Callable[[], int] | None = None) -> None:
        self._own: Mapping[str, Own] = query.extra.get("own") or {}
        self._keeps = bool(query.extra.get("keeps"))
        self._events = {**EVENTS, "reasoning": f"response.{reasoning}"}
        self._mark = made.id.partition("_")[2] or made.id
        self._clock = clock
        self._number = 0
        self._items: list[_Item] = []
        self._done: dict[int, dict[str, Any]] = {}
        self._said: _Item | None = None                  # words or reasoning that go on
        self._calls: dict[int, _Item] = {}               # calls that go on, by the index of their events
        self.response = described(query, made)

    def start(self) -> bytes:
        return self._event("response.created", response=self.response) + self._event(
            "response.in_progress", response=self.response)

    def feed(self, choice: int, event: Event | Likely) -> bytes:
        match event:
            case Text(text):
                return self._words("message", text)
            case Reasoning(text):
                return self._words("reasoning", text)
            case CallStart(index, name, id):
                return self._call(index, name, id)
            case CallArgs(index, delta):
                item = self._calls[index]
                return self._delta(item, item.reader.feed(delta) if item.reader else delta)
            case CallEnd(index):
                return self._called(self._calls.pop(index), is_whole(event))
        return b""

    def end(self, choice: int, ended: Ended) -> bytes:
        """What still goes on is over; `response` is whole."""
        whole = ended.finish == "stop"
        out = self._close("completed" if whole else "incomplete")
        if whole and all(item.kind == "reasoning" for item in self._items):      # who says nothing, says an empty message
            out += self._begin("message") + self._close("completed")
        self.response = {**self.response, "output": self._output(), "usage": usage(ended),
                         "status": "completed" if whole else "incomplete"}
        if whole:
            self.response["completed_at"] = self._clock() if self._clock else self.response["created_at"]
        else:
            reason = "max_output_tokens" if ended.finish == "length" else "content_filter"
            self.response["incomplete_details"] = {"reason": reason}
        return out

    def finish(self) -> bytes:
        return self._event(f"response.{self.response['status']}", response=self.response)

    def fail(self, error: ApiError) -> bytes:
        """The error's keys stand in the event, where OpenAI has them, and in its `error`, as Open Responses wants it and as
        OpenAI's library raises it."""
        out = self._close("incomplete")
        said = {"code": FAILURES.get(error.status, "server_error"), "message": error.message}
        self.response = {**self.response, "status": "failed", "error": said, "output": self._output(), "completed_at": None,
                         "incomplete_details": None}
        told = refusal(error)["error"]
        return out + self._event("response.failed", response=self.response) + self._event(
            "error", code=told["code"], message=told["message"], param=told["param"], error=told)

    # -- items

    def _words(self, kind: Kind, text: str) -> bytes:
        if not text:
            return b""
        if self._said is None or self._said.kind != kind:
            begun = self._over() + self._begin(kind)
            assert self._said
            return begun + self._delta(self._said, text)
        return self._delta(self._said, text)

    def _call(self, index: int, name: str, id: str | None) -> bytes:
        over, own = self._over(), self._own.get(name) or Own(name)
        call = {"call_id": id, "name": own.name, **({"namespace": own.namespace} if own.namespace is not None else {})}
        begun = self._begin("custom_tool_call" if own.custom else "function_call", call)
        self._calls[index] = self._items[-1]
        return over + begun

    def _called(self, item: _Item, whole: bool) -> bytes:
        empty = whole and item.kind == "function_call" and not item.text.strip()
        return (self._delta(item, "{}") if empty else b"") + self._end(item, "completed" if whole else "incomplete")

    def _begin(self, kind: Kind, call: Mapping[str, Any] | None = None) -> bytes:
        index = len(self._items)
        item = _Item(kind, f"{PREFIXES[kind]}_{self._mark}_{index}", index, call or {})
        name = f"{self._events[kind]}.delta"
        item.head = (f"event: {name}\ndata: ".encode() + orjson.dumps({"type": name, **item.place})[:-1] + b',"delta":')
        self._items.append(item)
        out = self._event("response.output_item.added", output_index=index, item=item.shown("in_progress"))
        if kind in PARTS:
            self._said = item
            if kind == "message":
                item.tail = b',"logprobs":[],"sequence_number":'
            return out + self._event("response.content_part.added", **item.place, part=item.part)
        if kind == "custom_tool_call":
            item.reader = Unquoted()
        return out

    def _delta(self, item: _Item, text: str) -> bytes:
        if not text:
            return b""
        item.pieces.append(text)
        number, self._number = self._number, self._number + 1
        return b"%b%b%b%d}\n\n" % (item.head, orjson.dumps(text), item.tail, number)

    def _over(self) -> bytes:
        """Words or reasoning are over where something else begins."""
        item, self._said = self._said, None
        return self._end(item, "completed") if item else b""

    def _close(self, status: Status) -> bytes:
        """All that goes on is over; a call that goes on never became whole."""
        open_ = [*self._calls.values(), *([self._said] if self._said else [])]
        self._calls, self._said = {}, None
        return b"".join([self._end(item, status if item.kind in PARTS else "incomplete")
                         for item in sorted(open_, key=lambda item: item.index)])

    def _end(self, item: _Item, status: Status) -> bytes:
        fields = {**item.place, VALUES[item.kind]: item.text}
        if item.kind == "message":
            fields["logprobs"] = []
        elif item.kind == "function_call":               # openai-openapi requires the name, the library has no field for it
            fields["name"] = item.call["name"]
        out = self._event(f"{self._events[item.kind]}.done", **fields)
        if item.kind in PARTS:
            out += self._event("response.content_part.done", **item.place, part=item.part)
        done = self._done[item.index] = item.shown(status, self._keeps)
        return out + self._event("response.output_item.done", output_index=item.index, item=done)

    def _output(self) -> list[dict[str, Any]]:
        return [self._done[index] for index in sorted(self._done)]

    def _event(self, name: str, /, **fields: Any) -> bytes:
        number, self._number = self._number, self._number + 1
        event = {"type": name, "sequence_number": number, **fields}
        return b"event: %b\ndata: %b\n\n" % (name.encode(), orjson.dumps(event))


def whole(query: Query, made: Made, answers: Sequence[Answer], clock: Callable[[], int] | None = None) -> dict[str, Any]:
    """The response object of a reply that is not streamed."""
    stream = Stream(query, made, clock=clock)
    for event in answers[0].events:
        stream.feed(0, event)
    stream.end(0, answers[0].ended)
    return stream.response


def described(query: Query, made: Made) -> dict[str, Any]:
    """The response object before there is anything in it. All keys are there, null or not: Open Responses wants them."""
    def given(value: Any, otherwise: Any) -> Any:
        return otherwise if value is None else value

    return {
        "id": made.id, "object": "response", "created_at": made.created, "completed_at": None, "status": "in_progress",
        "background": False, "error": None, "incomplete_details": None, "model": made.model, "output": [], "usage": None,
        "max_output_tokens": query.max_tokens,
        "temperature": given(query.temperature, 1.0), "top_p": given(query.top_p, 1.0),
        "presence_penalty": given(query.presence_penalty, 0.0), "frequency_penalty": given(query.frequency_penalty, 0.0),
        "top_logprobs": query.logprobs or 0, "parallel_tool_calls": query.parallel is not False, "service_tier": "default",
        "store": query.extra.get("store", True), "previous_response_id": query.extra.get("previous_response_id"),
        "user": query.extra.get("user"), **query.extra.get("shown", {})}


def usage(ended: Ended) -> dict[str, Any]:
    return {"input_tokens": ended.prompt_tokens,
            "input_tokens_details": {"cached_tokens": ended.cached_tokens, "cache_write_tokens": 0},
            "output_tokens": ended.completion_tokens, "output_tokens_details": {"reasoning_tokens": ended.reasoning_tokens},
            "total_tokens": ended.prompt_tokens + ended.completion_tokens}


__all__ = ["Stream", "described", "usage", "whole"]
