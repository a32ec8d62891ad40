"""OpenAI's Chat Completions: `/v1/chat/completions`.

Source: openai-python's types and OpenAI's published OpenAPI document, 2026. `reasoning_content` is not OpenAI's: it is what
DeepSeek, SGLang, llama.cpp and LM Studio send, and `reasoning` what vLLM, OpenRouter and Ollama send.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from ..engines import TokenLogprob
from ..message import CallArgs, CallEnd, CallStart, Event, Reasoning, Text, Tool
from .answers import Called, calls_of, is_whole, parts_of, reasoning_of, text_of
from .custom import Unquoted
from .query import Answer, ApiError, Ended, Likely, Made, Query
from .reading import answer_of, choice_of, named, tools_of, turns_of
from .shapes import ANY, FLAG, TEXT, Shape, checker, either, integer, maybe, number, object_of, some, word

LEAST = -9999.0                         # OpenAI's word for never; JSON has none for minus infinity
NO_ANSWER = "messages with role 'tool' must be a response to a preceding message with 'tool_calls'."

_PART = object_of({"type": TEXT, "text": TEXT, "refusal": TEXT}, "type")
_CONTENT = either(TEXT, some(_PART))
_FUNCTION_CALL = object_of({"name": TEXT, "arguments": TEXT}, "name", "arguments")
_CALL = either(
    object_of({"id": TEXT, "type": word("function"), "function": _FUNCTION_CALL}, "id", "function"),
    object_of({"id": TEXT, "type": word("custom"), "custom": object_of({"name": TEXT, "input": TEXT}, "name", "input")},
              "id", "type", "custom"))
_MESSAGE = either(
    object_of({"role": word("system", "developer", "user"), "content": _CONTENT, "name": maybe(TEXT)}, "role", "content"),
    object_of({"role": word("assistant"), "content": maybe(_CONTENT), "tool_calls": maybe(some(_CALL)),
               "function_call": maybe(_FUNCTION_CALL), "refusal": maybe(TEXT), "reasoning_content": maybe(TEXT),
               "reasoning": maybe(TEXT)}, "role"),
    object_of({"role": word("tool"), "tool_call_id": TEXT, "content": _CONTENT}, "role", "tool_call_id", "content"),
    object_of({"role": word("function"), "name": TEXT, "content": maybe(TEXT)}, "role", "name"))
_NAMED = object_of({"name": TEXT}, "name")
_CHOSEN = either(object_of({"type": word("function"), "function": _NAMED}, "type", "function"),
                 object_of({"type": word("custom"), "custom": _NAMED}, "type", "custom"))
_FUNCTION = object_of({"name": TEXT, "description": maybe(TEXT), "parameters": maybe(object_of({})),
                       "strict": maybe(FLAG)}, "name")
REQUEST: Shape = object_of({
    "model": TEXT,
    "messages": some(_MESSAGE, 1),
    "tools": maybe(some(either(
        object_of({"type": word("function"), "function": _FUNCTION}, "type", "function"),
        object_of({"type": word("custom"), "custom": object_of({"name": TEXT, "description": maybe(TEXT), "format": ANY},
                                                               "name")}, "type", "custom")))),
    "tool_choice": maybe(either(TEXT, _CHOSEN, object_of({
        "type": word("allowed_tools"), "allowed_tools": object_of({
            "mode": word("auto", "required"), "tools": some(object_of({"type": TEXT}, "type"), 1)}, "mode", "tools")},
        "type", "allowed_tools"))),
    "parallel_tool_calls": maybe(FLAG),
    "functions": maybe(some(_FUNCTION)),
    "function_call": maybe(either(word("none", "auto"), _NAMED)),
    "response_format": maybe(either(
        object_of({"type": word("text", "json_object")}, "type"),
        object_of({"type": word("json_schema"), "json_schema": object_of({
            "name": TEXT, "description": maybe(TEXT), "strict": maybe(FLAG), "schema": maybe(object_of({}))}, "name")},
            "type", "json_schema"))),
    "max_tokens": maybe(integer(1)), "max_completion_tokens": maybe(integer(1)),
    "temperature": maybe(number(0, 2)), "top_p": maybe(number(0, 1)), "top_k": maybe(integer(0)),
    "presence_penalty": maybe(number(-2, 2)), "frequency_penalty": maybe(number(-2, 2)),
    "seed": maybe(integer(-2**63, 2**63 - 1)), "n": maybe(integer(1, 128)),
    "stop": maybe(either(TEXT, some(TEXT, 0, 16))),
    "stream": maybe(FLAG), "stream_options": maybe(object_of({"include_usage": maybe(FLAG)})),
    "logprobs": maybe(FLAG), "top_logprobs": maybe(integer(0, 20)),
    "reasoning_effort": maybe(word("none", "minimal", "low", "medium", "high", "xhigh")),
}, "model", "messages")
_check = checker(REQUEST)


# -- a request -------------------------------------------------------------------------------------------------


def read(body: Any) -> Query:
    """What a body asks for. Raises ApiError."""
    _check(body)
    get = body.get
    legacy = get("functions") is not None or get("function_call") is not None
    if legacy and (get("tools") or get("tool_choice")):
        raise ApiError(400, "'functions' and 'tools' cannot be given together; give 'tools'.", "functions", "invalid_value")
    tools = tools_of(get("functions"), "functions") if legacy else tools_of(get("tools"))
    choice = _legacy_choice(get("function_call"), tools) if legacy else choice_of(get("tool_choice"), tools)
    effort, top = get("reasoning_effort"), get("top_logprobs")
    if top is not None and not get("logprobs"):
        raise ApiError(400, "'top_logprobs' is only allowed when 'logprobs' is true.", "top_logprobs", "invalid_value")
    return Query(
        model=body["model"], turns=turns_of(_messages(body["messages"])), tools=tools, choice=choice,
        left=get("tool_choice") is None and get("function_call") is None,
        parallel=False if legacy else get("parallel_tool_calls"), answer=_answer(get("response_format")),
        stop=_stop(get("stop")), max_tokens=get("max_completion_tokens") or get("max_tokens"),
        temperature=get("temperature"), top_p=get("top_p"), top_k=get("top_k"),
        presence_penalty=get("presence_penalty"), frequency_penalty=get("frequency_penalty"), seed=get("seed"),
        n=get("n") or 1, logprobs=(top or 0) if get("logprobs") else None, stream=bool(get("stream")),
        thinking=None if effort is None else effort != "none",
        extra={"legacy": legacy, "custom": _custom_of(get("tools")),
               "usage": bool((get("stream_options") or {}).get("include_usage"))})


def _messages(messages: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    """The messages, if each result answers a call, and each call has a result; custom calls and refusals as what they are
    to a model."""
    waiting: dict[str, None] = {}
    out = list(messages)
    for i, message in enumerate(messages):
        role = message["role"]
        if role == "tool":
            if message["tool_call_id"] not in waiting:
                raise ApiError(400, f"Invalid parameter: {NO_ANSWER}", f"messages[{i}].role", "invalid_value")
            del waiting[message["tool_call_id"]]
            continue
        if waiting:
            break
        if role == "assistant":
            out[i], waiting = _assistant(message, i)
    if waiting:
        raise ApiError(400, "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
                       f"'tool_call_id'. These had no response: {', '.join(waiting)}.", f"messages[{i}].role",
                       "invalid_value")
    return out


def _assistant(message: dict[str, Any], i: int) -> tuple[dict[str, Any], dict[str, None]]:
    calls = message.get("tool_calls") or ()
    ids = dict.fromkeys(call["id"] for call in calls)
    if len(ids) < len(calls):
        raise ApiError(400, "Two calls of one message have the same id.", f"messages[{i}].tool_calls", "invalid_value")
    if any("custom" in call for call in calls):
        message = {**message, "tool_calls": [_as_function(call) for call in calls]}
    content = message.get("content")
    if content is None and not calls and not message.get("function_call"):
        if not message.get("refusal"):
            raise ApiError(400, "An assistant message without 'tool_calls' needs 'content'.", f"messages[{i}].content",
                           "missing_required_parameter")
        content = message["refusal"]
    elif isinstance(content, list):
        content = [{**part, "text": part["refusal"]} if "refusal" in part else part for part in content]
    return (message if content is message.get("content") else {**message, "content": content}), ids


def _as_function(call: Mapping[str, Any]) -> Mapping[str, Any]:
    if "custom" not in call:
        return call
    return {"id": call["id"], "function": {"name": call["custom"]["name"], "arguments": {"input": call["custom"]["input"]}}}


def _legacy_choice(given: Any, tools: Sequence[Tool]) -> Any:
    if isinstance(given, Mapping):
        return {"name": named(given["name"], tools, "function_call")}
    return given or ("auto" if tools else "none")


def _answer(given: Any) -> Mapping[str, Any] | None:
    kind = (given or {}).get("type")
    if kind == "json_schema":
        return answer_of(given["json_schema"].get("schema") or {"type": "object"}, "response_format.json_schema.schema")
    return {"type": "object"} if kind == "json_object" else None


def _stop(given: Any) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given or ())


# -- a reply ---------------------------------------------------------------------------------------------------


def whole(query: Query, made: Made, answers: Sequence[Answer], reasoning: str = "reasoning_content") -> dict[str, Any]:
    """The body of replies that are not streamed. `reasoning` names the fields that take it, apart by spaces."""
    choices = [{"index": i, "message": _message(query, answer, reasoning), "logprobs": _likely(query, answer),
                "finish_reason": _finish(query, answer.ended, bool(calls_of(answer)))} for i, answer in enumerate(answers)]
    return {"id": made.id, "object": "chat.completion", "created": made.created, "model": made.model, "choices": choices,
            "usage": usage([answer.ended for answer in answers]), "system_fingerprint": None}


def _message(query: Query, answer: Answer, reasoning: str) -> dict[str, Any]:
    parts = parts_of(answer.events)
    calls = [part for part in parts if isinstance(part, Called)]
    text, thought = text_of(parts), reasoning_of(parts)
    message: dict[str, Any] = {"role": "assistant", "content": text if text or not calls else None, "refusal": None,
                               "annotations": []}
    if thought:
        message.update(dict.fromkeys(reasoning.split(), thought))
    if calls and query.extra.get("legacy"):
        message["function_call"] = {"name": calls[0].name, "arguments": calls[0].arguments}
    elif calls:
        message["tool_calls"] = [_call(call, call.name in _custom(query)) for call in calls]
    return message


def _likely(query: Query, answer: Answer) -> dict[str, Any] | None:
    """How likely the tokens of the words were; those of calls and reasoning are not told."""
    if query.logprobs is None:
        return None
    return logprobs([token for event in answer.events if isinstance(event, Likely) for token in event.tokens])


def logprobs(tokens: Sequence[TokenLogprob]) -> dict[str, Any]:
    def one(token: str, value: float) -> dict[str, Any]:
        return {"token": token, "logprob": max(value, LEAST), "bytes": list(token.encode("utf-8", "replace"))}

    return {"content": [{**one(t.token, t.logprob), "top_logprobs": [one(*other) for other in t.top]} for t in tokens],
            "refusal": None}


def _call(call: Called, custom: bool) -> dict[str, Any]:
    if custom:
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.input}}
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _custom(query: Query) -> frozenset[str]:
    found: frozenset[str] = query.extra.get("custom", frozenset())
    return found


def _custom_of(tools: Sequence[Mapping[str, Any]] | None) -> frozenset[str]:
    return frozenset(tool["custom"]["name"] for tool in tools or () if tool["type"] == "custom")


def _finish(query: Query, ended: Ended, called: bool) -> str:
    if ended.finish == "stop" and called:
        return "function_call" if query.extra.get("legacy") else "tool_calls"
    return {"stop": "stop", "length": "length", "filtered": "content_filter"}[ended.finish]


def usage(ends: Sequence[Ended]) -> dict[str, Any]:
    """Of all replies: the prompt is one, however many they are."""
    read, written = max(e.prompt_tokens for e in ends), sum(e.completion_tokens for e in ends)
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written,
            "prompt_tokens_details": {"cached_tokens": max(e.cached_tokens for e in ends), "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": sum(e.reasoning_tokens for e in ends), "audio_tokens": 0,
                                          "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}}


# -- a stream --------------------------------------------------------------------------------------------------

PING = b": ping\n\n"                    # a comment: it says that the stream lives, and nothing else

class Stream:
    """Events -> server-sent events. `feed` what is of reply `choice`, `end` each, then `finish`; or `fail`, at any time."""

    def __init__(self, query: Query, made: Made, reasoning: str = "reasoning_content") -> None:
        self._query, self._fields, self._custom = query, reasoning.split(), _custom(query)
        self._usage = bool(query.extra.get("usage"))
        head = {"id": made.id, "object": "chat.completion.chunk", "created": made.created, "model": made.model,
                "system_fingerprint": None}
        self._head = b"data: " + orjson.dumps(head)[:-1] + b',"choices":['
        self._tail = (b',"usage":null' if self._usage else b"") + b"}\n\n"
        self._begun: set[int] = set()
        self._said: set[int] = set()
        self._called: set[int] = set()
        self._open: dict[tuple[int, int], Unquoted | bool] = {}      # calls: a custom one's reader, or whether it has text
        self._ends: list[Ended] = []
        self._likely: dict[int, Sequence[TokenLogprob]] = {}

    def start(self) -> bytes:
        """Nothing: the first chunk of a reply says whether it has words."""
        return b""

    def feed(self, choice: int, event: Event | Likely) -> bytes:
        if isinstance(event, Likely):
            self._likely[choice] = event.tokens
            return b""
        if isinstance(event, (Text, Reasoning)) and not event.text:
            return b""
        begun = b"" if choice in self._begun else self._begin(choice, "" if isinstance(event, Text) else None)
        match event:
            case Text(text):
                self._said.add(choice)
                likely = self._likely.pop(choice, None)
                return begun + self._chunk(choice, {"content": text}, None,
                                           None if likely is None else logprobs(likely))
            case Reasoning(text):
                return begun + self._chunk(choice, dict.fromkeys(self._fields, text))
            case CallStart(index, name, id):
                return begun + self._call(choice, index, name, id)
            case CallArgs(index, delta):
                return begun + self._arguments(choice, index, delta)
            case CallEnd(index):
                empty = self._open.pop((choice, index), True) is False
                if not is_whole(event):
                    return begun
                self._called.add(choice)
                return begun + (self._arguments(choice, index, "{}") if empty else b"")
        return begun

    def end(self, choice: int, ended: Ended) -> bytes:
        begun = b"" if choice in self._begun else self._begin(choice, "")
        if begun or choice in self._said or choice in self._called:
            words = b""
        else:
            words = self._chunk(choice, {"content": ""})         # null is for replies that hold calls and no words
        self._ends.append(ended)
        return begun + words + self._chunk(choice, {}, _finish(self._query, ended, choice in self._called))

    def finish(self) -> bytes:
        last = b""
        if self._usage:
            last = self._head + b'],"usage":' + orjson.dumps(usage(self._ends)) + b"}\n\n"
        return last + b"data: [DONE]\n\n"

    def fail(self, error: ApiError) -> bytes:
        return b"data: " + orjson.dumps(refusal(error)) + b"\n\n"

    def _begin(self, choice: int, content: str | None) -> bytes:
        """OpenAI's client fails where a choice begins before those of lower numbers, so they begin with it."""
        before = [i for i in range(choice) if i not in self._begun]
        self._begun.update(before, [choice])
        return b"".join([self._chunk(i, {"role": "assistant", "content": content if i == choice else None})
                         for i in (*before, choice)])

    def _call(self, choice: int, index: int, name: str, id: str | None) -> bytes:
        self._open[choice, index] = Unquoted() if name in self._custom else False
        if self._query.extra.get("legacy"):
            return self._chunk(choice, {"function_call": {"name": name, "arguments": ""}})
        own = {"type": "custom", "custom": {"name": name, "input": ""}} if name in self._custom else {
            "type": "function", "function": {"name": name, "arguments": ""}}
        return self._chunk(choice, {"tool_calls": [{"index": index, "id": id, **own}]})

    def _arguments(self, choice: int, index: int, delta: str) -> bytes:
        reader = self._open.get((choice, index))
        if isinstance(reader, Unquoted):
            text = reader.feed(delta)
            return self._chunk(choice, {"tool_calls": [{"index": index, "custom": {"input": text}}]}) if text else b""
        if not delta:
            return b""
        if not self._open.get((choice, index)) and delta.strip():
            self._open[choice, index] = True
        if self._query.extra.get("legacy"):
            return self._chunk(choice, {"function_call": {"arguments": delta}})
        return self._chunk(choice, {"tool_calls": [{"index": index, "function": {"arguments": delta}}]})

    def _chunk(self, choice: int, delta: Mapping[str, Any], finish: str | None = None,
               likely: Mapping[str, Any] | None = None) -> bytes:
        one = {"index": choice, "delta": delta, "logprobs": likely, "finish_reason": finish}
        return self._head + orjson.dumps(one) + b"]" + self._tail


# -- an error --------------------------------------------------------------------------------------------------

KINDS = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_exceeded"}


def refusal(error: ApiError) -> dict[str, Any]:
    """An error's body, on both of OpenAI's surfaces."""
    kind = KINDS.get(error.status) or ("server_error" if error.status >= 500 else "invalid_request_error")
    return {"error": {"message": error.message, "type": kind, "param": error.param, "code": error.code}}


__all__ = ["PING", "REQUEST", "Stream", "read", "refusal", "usage", "whole"]
