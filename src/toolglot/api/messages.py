"""Anthropic's Messages: `/v1/messages` and `/v1/messages/count_tokens`.

Source: the types of the anthropic SDK and Anthropic's published reference, 2026. What is streamed and what is not are made
of the same blocks, so both say the same wherever every call is whole. A call that is cut stands in a stream nevertheless,
for a stream cannot take back what it told: its block is closed as it is, with the reason for it, `max_tokens` where that
was the limit. The unstreamed message leaves it out.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from ..message import CallArgs, CallEnd, CallStart, Event, Reasoning, Text
from .answers import Called, Part, calls_of, is_whole, parts_of
from .messages_request import COUNT, REQUEST, UNTHREADED, read, read_count, wire_id
from .query import Answer, ApiError, Ended, Likely, Made, Query

PING = b'event: ping\ndata: {"type":"ping"}\n\n'


# -- a reply ---------------------------------------------------------------------------------------------------


def whole(query: Query, made: Made, answers: Sequence[Answer]) -> dict[str, Any]:
    """The body of a reply that is not streamed."""
    answer = answers[0]
    content = [_block(part) for part in parts_of(answer.events)]
    return {**_message(made, content, usage(answer.ended)), **_stopped(answer.ended, bool(calls_of(answer)))}


def counted(tokens: int) -> dict[str, Any]:
    """The body that count_tokens is answered with."""
    return {"input_tokens": tokens}


def _message(made: Made, content: Sequence[Any], counts: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": made.id, "type": "message", "role": "assistant", "model": made.model, "content": list(content),
            "stop_reason": None, "stop_sequence": None, "usage": counts}


def _block(part: Part) -> dict[str, Any]:
    """Optional keys are left out rather than null: the Vercel AI SDK refuses a whole reply for `citations: null`."""
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case Reasoning(text):
            return {"type": "thinking", "thinking": text, "signature": _signed(hashlib.sha256(text.encode()))}
        case Called(id, name):
            return {"type": "tool_use", "id": wire_id(id), "name": name, "input": part.object}


def _signed(digest: Any) -> str:
    """Clients give a thought back with its signature, and refuse one without. It proves nothing here."""
    return base64.b64encode(digest.digest()).decode()


def _stopped(ended: Ended, called: bool) -> dict[str, Any]:
    if ended.finish != "stop":
        reason = {"length": "max_tokens", "filtered": "refusal"}[ended.finish]
    else:
        reason = "tool_use" if called else "end_turn" if ended.stop is None else "stop_sequence"
    return {"stop_reason": reason, "stop_sequence": ended.stop if reason == "stop_sequence" else None}


def usage(ended: Ended) -> dict[str, Any]:
    """Anthropic counts what was read from a cache apart from the rest of the input."""
    return {"input_tokens": ended.prompt_tokens - ended.cached_tokens, "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": ended.cached_tokens, "output_tokens": ended.completion_tokens,
            "output_tokens_details": {"thinking_tokens": ended.reasoning_tokens}}


# -- a stream --------------------------------------------------------------------------------------------------

FIELDS = {"text": ("text_delta", "text"), "thinking": ("thinking_delta", "thinking"),
          "tool_use": ("input_json_delta", "partial_json")}


class Stream:
    """Events -> server-sent events: `start`, then `feed` and `end`, then `finish`; or `fail`, at any time. A stream that is
    fed before it was started starts by itself. There is one reply: `choice` is for the other surfaces."""

    def __init__(self, query: Query, made: Made) -> None:
        self._made = made
        self._started = self._called = self._filled = False
        self._index, self._kind = -1, ""                 # of the block that is open; "" where none is
        self._head = b""                                 # of a delta of that block
        self._digest = hashlib.sha256()                  # of the thought that is open
        self._ended = Ended("stop")

    def start(self, input_tokens: int = 0) -> bytes:
        """`input_tokens` where they are known so early; the last event says them in any case."""
        self._started = True
        counts = usage(Ended("stop", input_tokens))
        return _event({"type": "message_start", "message": _message(self._made, (), counts)}) + PING

    def feed(self, choice: int, event: Event | Likely) -> bytes:
        match event:
            case Text(text):
                return self._words("text", event) if text else b""
            case Reasoning(text):
                return self._words("thinking", event) if text else b""
            case CallArgs(_, delta):
                if not delta or not (self._filled or delta.strip()):
                    return b""                           # Anthropic's client fails on input that begins with a blank alone
                self._filled = True
                return self._head + orjson.dumps(delta) + b"}}\n\n"
            case CallStart(_, name, id):
                self._filled = False
                return self._open(Called(id or "", name)) + self._head + b'""}}\n\n'
            case CallEnd():
                empty = b""
                if is_whole(event):
                    self._called = True
                    empty = b"" if self._filled else self._head + b'"{}"}}\n\n'
                return empty + self._close()
        return b""

    def end(self, choice: int, ended: Ended) -> bytes:
        self._ended = ended
        return self._begun() + self._close()

    def finish(self) -> bytes:
        return self._begun() + _event({"type": "message_delta", "delta": _stopped(self._ended, self._called),
                                       "usage": usage(self._ended)}) + _event({"type": "message_stop"})

    def fail(self, error: ApiError) -> bytes:
        return _event(refusal(error, self._made.request_id))

    def ping(self) -> bytes:
        return PING

    def _words(self, kind: str, event: Text | Reasoning) -> bytes:
        begun = b"" if kind == self._kind else self._open(type(event)(""))
        if kind == "thinking":
            self._digest.update(event.text.encode())
        return begun + self._head + orjson.dumps(event.text) + b"}}\n\n"

    def _open(self, part: Part) -> bytes:
        """A block as it is before anything of it has come."""
        before = self._begun() + self._close()
        block = _block(part)
        if "signature" in block:
            block["signature"], self._digest = "", hashlib.sha256()
        self._index += 1
        self._kind = block["type"]
        delta, field = FIELDS[self._kind]
        self._head = (f'event: content_block_delta\ndata: {{"type":"content_block_delta","index":{self._index},'
                      f'"delta":{{"type":"{delta}","{field}":').encode()
        return before + _event({"type": "content_block_start", "index": self._index, "content_block": block})

    def _close(self) -> bytes:
        if not self._kind:
            return b""
        signed = b""
        if self._kind == "thinking":
            signed = _event({"type": "content_block_delta", "index": self._index,
                             "delta": {"type": "signature_delta", "signature": _signed(self._digest)}})
        self._kind = ""
        return signed + _event({"type": "content_block_stop", "index": self._index})

    def _begun(self) -> bytes:
        return b"" if self._started else self.start()


def _event(data: Mapping[str, Any]) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (data["type"].encode(), orjson.dumps(data))


# -- an error --------------------------------------------------------------------------------------------------

KINDS = {401: "authentication_error", 402: "billing_error", 403: "permission_error", 404: "not_found_error",
         408: "timeout_error", 409: "conflict_error", 413: "request_too_large", 429: "rate_limit_error",
         503: "overloaded_error", 504: "timeout_error", 529: "overloaded_error"}


def refusal(error: ApiError, request_id: str = "") -> dict[str, Any]:
    """An error's body. It has no field for the place, so the message begins with it: `messages.0.content: …`."""
    kind = KINDS.get(error.status) or ("api_error" if error.status >= 500 else "invalid_request_error")
    details = {"details": {"error_code": error.code}} if error.code == UNTHREADED else {}
    return {"type": "error", "error": {"type": kind, "message": _placed(error), **details}, "request_id": request_id}


def _placed(error: ApiError) -> str:
    if not error.param:
        return error.message
    place = error.param.replace("[", ".").replace("]", "")
    if error.code == "missing_required_parameter":
        return f"{place}: Field required"
    return f"{place}: {error.message.removeprefix(f'Invalid value for {error.param!r}: ')}"


__all__ = ["COUNT", "REQUEST", "Stream", "counted", "read", "read_count", "refusal", "usage", "whole"]
