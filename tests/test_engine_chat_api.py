"""A chat API as an engine, against servers on this machine that check each request and play streams as they are on the
wire, and against llama.cpp's own server with a real model. No hosted API was asked: what they send is written here by
their documentation and by what clients report of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("aiohttp", reason="aiohttp is not installed")

from fakes import Answer, Asked, Fake, as_json
from toolglot.ask import Answered, Handed, Ran, Refused, Replied, Sent, Step, Stopped, Written, ask
from toolglot.chat import as_turns
from toolglot.cli.screen import dumps, step_json
from toolglot.engines import Chat, ChatRequest, Done, Engine, EngineError
from toolglot.engines.chat_api import ChatApi, open_chat
from toolglot.engines.chat_deltas import Deltas
from toolglot.engines.chat_messages import messages_of, offered
from toolglot.engines.http import Timeouts
from toolglot.engines.weights import find_model
from toolglot.message import (
    Assistant,
    Call,
    CallArgs,
    CallEnd,
    CallStart,
    Event,
    Problem,
    Reasoning,
    Reply,
    Result,
    System,
    Text,
    Tool,
    ToolglotError,
    User,
    fold,
)
from toolglot.tools import as_tools

KEY = "sk-this-is-secret"
QUICK = Timeouts(connect=2, answer=5, piece=5)
QUESTION = [{"role": "user", "content": "What is the weather in Paris?"}]
ran: list[str] = []


def get_weather(city: str, days: int = 1) -> str:
    """Get the weather."""
    ran.append(city)
    return f"sunny in {city}"


def now() -> str:
    """Tell the time."""
    ran.append("now")
    return "noon"


TOOLS = as_tools([get_weather, now])


# ---------------------------------------------------------------- a server

CHAT = "/v1/chat/completions"
MODELS = {"object": "list", "data": [{"id": "m", "object": "model"}]}


def serving(*answers: Any, models: Any = MODELS, prefix: str = "/v1") -> Fake:
    """Answers each POST with the next of `answers`, which may be functions of the body; wrong requests are refused."""
    left = list(answers)

    def play(asked: Asked) -> Answer:
        if (asked.method, asked.path) == ("GET", f"{prefix}/models"):
            return models if isinstance(models, Answer) else as_json(models)
        if (asked.method, asked.path) != ("POST", f"{prefix}/chat/completions"):
            return refusal("no such page", status=404)
        if wrong := complaints(asked.json):
            return refusal("; ".join(wrong))
        answer = left.pop(0)
        answer = answer(asked.json) if callable(answer) else answer
        return answer if isinstance(answer, Answer) else sse(answer)

    return Fake(play)


def sse(chunks: Sequence[Any]) -> Answer:
    return Answer([frame(chunk) for chunk in [*chunks, "[DONE]"]])


def frame(chunk: Any) -> bytes:
    text = chunk if isinstance(chunk, str) else json.dumps(chunk, ensure_ascii=False)
    return f"data: {text}\n\n".encode()


def refusal(message: str, status: int = 400) -> Answer:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return as_json({"error": error}, status)


def chunk(delta: Mapping[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}], **more}


def usage(prompt: int = 11, completion: int = 7) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [],
            "usage": {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}}


def piece(index: int | None = None, id: str | None = None, name: str | None = None,
          arguments: Any = None) -> dict[str, Any]:
    """A fragment of a call."""
    function = {k: v for k, v in (("name", name), ("arguments", arguments)) if v is not None}
    head = {k: v for k, v in (("index", index), ("id", id), ("type", "function" if id else None)) if v is not None}
    return {**head, "function": function}


def calls(*fragments: dict[str, Any]) -> dict[str, Any]:
    return chunk({"tool_calls": list(fragments)})


WORDS = [chunk({"role": "assistant", "content": "", "refusal": None}), chunk({"content": "It is "}),
         chunk({"content": "sunny – ☀️."}), chunk({}, "stop"), usage()]
CALLED = [chunk({"role": "assistant", "content": None}), calls(piece(0, "call_a1", "get_weather", "")),
          calls(piece(0, arguments='{"ci')), calls(piece(0, arguments='ty": "Par')), calls(piece(0, arguments='is"}')),
          chunk({}, "tool_calls"), usage()]
PARIS = Call("get_weather", {"city": "Paris"}, "call_a1")


# ---------------------------------------------------------------- what a request may be, by OpenAI's published shape

KNOWN = {"model", "messages", "tools", "tool_choice", "parallel_tool_calls", "max_tokens", "max_completion_tokens",
         "temperature", "seed", "stop", "stream", "stream_options", "response_format"}
FIELDS = {"system": {"role", "content"}, "user": {"role", "content"}, "tool": {"role", "content", "tool_call_id"},
          "assistant": {"role", "content", "tool_calls", "reasoning_content", "reasoning"}}


def complaints(body: dict[str, Any]) -> list[str]:
    """What is wrong with a request, in the words of a strict server."""
    found = [f"Unknown parameter: '{name}'" for name in set(body) - KNOWN]
    if not isinstance(body.get("model"), str) or not body.get("messages"):
        found.append("model and messages are required")
    if "max_tokens" in body and "max_completion_tokens" in body:
        found.append("max_tokens and max_completion_tokens exclude each other")
    if "stream_options" in body and body.get("stream") is not True:
        found.append("stream_options needs stream")
    match body.get("response_format", {"type": "text"}):
        case {"type": "text" | "json_object", **more} if not more:
            pass
        case {"type": "json_schema", "json_schema": {"name": str(), "schema": dict(), **more}, **other} if not other:
            found += [f"response_format.json_schema: {name}" for name in set(more) - {"strict", "description"}]
        case _:
            found.append("response_format is none")
    tools = body.get("tools")
    if tools is None and ("tool_choice" in body or "parallel_tool_calls" in body):
        found.append("'tool_choice' is only allowed when 'tools' are specified.")
    for tool in tools or ():
        function = tool["function"]
        if set(tool) != {"type", "function"} or set(function) - {"name", "description", "parameters", "strict"}:
            found.append(f"tool {tool} is none")
        if function["parameters"].get("type") != "object":
            found.append("parameters is not an object")
    if tools is not None and (not tools or body.get("tool_choice") not in ("auto", "none", "required")):
        found.append("tool_choice")
    return found + misplaced(body["messages"])


def misplaced(messages: list[dict[str, Any]]) -> list[str]:
    found, waiting = [], list[str]()
    for message in messages:
        role = message["role"]
        found += [f"{name} in a {role} message" for name in set(message) - FIELDS[role]]
        if role == "tool":
            if message["tool_call_id"] not in waiting:
                found.append("messages with role 'tool' must be a response to a preceding message with 'tool_calls'")
            else:
                waiting.remove(message["tool_call_id"])
        elif waiting:
            found.append(f"no result for {waiting}")
        if role == "assistant":
            waiting = [call["id"] for call in message.get("tool_calls", ())]
            if not waiting and not isinstance(message["content"], str):
                found.append("content is required")
            for call in message.get("tool_calls", ()):
                known = set(call) - {"extra_content"} == {"id", "type", "function"} and call["type"] == "function"
                if not known or not isinstance(json.loads(call["function"]["arguments"]), dict):
                    found.append(f"call {call} is none")
        elif not isinstance(message["content"], str):
            found.append("content is no text")
    return found + ([f"no result for {waiting}"] if waiting else [])


def test_the_check_of_requests_finds_what_is_wrong() -> None:
    good = {"model": "m", "messages": messages_of([User("a")]), "stream": False}
    call = {"role": "assistant", "content": None, "tool_calls": [
        {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}
    assert complaints(good) == []
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    for bad in ({"model": None}, {"prompt": 1}, {"tool_choice": "auto"}, {"stream_options": {}},
                {"max_tokens": 1, "max_completion_tokens": 1}, {"messages": [call]},
                {"response_format": {"type": "json_schema", "schema": {}}},
                {"messages": [{"role": "tool", "tool_call_id": "1", "content": "x"}]},
                {"messages": [{"role": "user", "content": None}]}, {"tools": [], "tool_choice": "auto"},
                {"messages": [{"role": "user", "content": "", "id": 1}]}, {"tools": [tool], "tool_choice": "auto"}):
        assert complaints({**good, **bad}), bad


# ---------------------------------------------------------------- asking it

async def opened(server: Fake, **options: Any) -> ChatApi:
    return await open_chat(server.url, **{"model": "m", "key": KEY, "timeouts": QUICK, **options})


async def heard(chat: Chat, request: ChatRequest | None = None) -> tuple[list[Event], Done]:
    items = [item async for item in chat.converse(request or ChatRequest([User("Hi")], TOOLS))]
    assert isinstance(items[-1], Done)
    assert not any(isinstance(item, Done) for item in items[:-1])
    return items[:-1], items[-1]       # type: ignore[return-value]


def said(*answers: Any, request: ChatRequest | None = None, opening: Mapping[str, Any] | None = None,
         **options: Any) -> tuple[list[Event], Done, Fake]:
    """What one request to a server gives."""
    async def run() -> tuple[list[Event], Done, Fake]:
        with serving(*answers, **options) as server:
            chat = await opened(server, **(opening or {}))
            events, done = await heard(chat, request)
            chat.close()
            return events, done, server

    return asyncio.run(run())


def read(chunks: Sequence[Mapping[str, Any]]) -> list[Event]:
    deltas = Deltas()
    events = [event for one in chunks for event in deltas.feed(one)]
    return events + deltas.close()


def well_nested(events: Sequence[Event]) -> bool:
    """Calls count up, nothing stands inside of one but its arguments, and those of a whole one are one JSON object."""
    open_: int | None = None
    count, text = 0, ""
    for event in events:
        match event:
            case CallStart(index):
                if open_ is not None or index != count:
                    return False
                open_, text = index, ""
            case CallArgs(index, delta):
                if index != open_ or not delta:
                    return False
                text += delta
            case CallEnd(index, problem):
                if index != open_ or (not (problem and problem.raw) and not isinstance(json.loads(text), dict)):
                    return False
                open_, count = None, count + 1
            case _:
                if open_ is not None:
                    return False
    return open_ is None


def test_words_come_as_they_are_written() -> None:
    events, done, server = said(WORDS)
    assert events == [Text("It is "), Text("sunny – ☀️.")]
    assert (done.finish, done.prompt_tokens, done.completion_tokens) == ("stop", 11, 7)
    assert done.prompt_seconds > 0 and done.completion_seconds >= 0
    assert server.requests[-1].headers["authorization"] == f"Bearer {KEY}"


def test_a_call_comes_as_it_is_written() -> None:
    events, _, _ = said(CALLED)
    assert events == [CallStart(0, "get_weather", "call_a1"), CallArgs(0, "{"), CallArgs(0, '"city": "Par'),
                      CallArgs(0, 'is"}'), CallEnd(0)]
    assert fold(events) == Reply((PARIS,))


def test_every_cut_of_the_bytes_gives_the_same_events() -> None:
    deltas: list[Any] = [{"content": "–☀️"}, {"tool_calls": [piece(0, "c", "now", "")]},
                         {"tool_calls": [piece(0, arguments='{"ö')]}, {"tool_calls": [piece(0, arguments='": 1}')]}]
    stream = [{"choices": [{"delta": delta}]} for delta in deltas] + [{"choices": [{"finish_reason": "stop"}]}]
    data = b"".join(frame(one) for one in [*stream, "[DONE]"])

    async def run() -> None:
        cuts = [[data[:at], data[at:]] for at in range(1, len(data))] + [[data[i:i + 1] for i in range(len(data))]]
        with serving(*[Answer(cut) for cut in cuts]) as server:
            chat = await opened(server)
            seen = [await heard(chat) for _ in cuts]
            chat.close()
        assert [events for events, _ in seen] == [read(stream)] * len(cuts)

    asyncio.run(run())


def test_a_whole_answer_is_read_like_a_stream() -> None:
    message = {"role": "assistant", "content": "Let me see.", "refusal": None, "reasoning_content": "Hm.", "tool_calls": [
        {"id": "call_a1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}},
        {"id": "call_b2", "type": "function", "function": {"name": "now", "arguments": "{}"}}]}
    answer = {"id": "chatcmpl-1", "object": "chat.completion", "choices": [
        {"index": 0, "message": message, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}}
    events, done, server = said(as_json(answer), opening={"stream": False})
    assert fold(events) == Reply((Reasoning("Hm."), Text("Let me see."), PARIS, Call("now", {}, "call_b2")))
    assert well_nested(events)
    assert (done.prompt_tokens, done.completion_tokens) == (3, 4)
    assert server.bodies(CHAT)[0]["stream"] is False


# ---------------------------------------------------------------- how servers differ

ROME = Call("get_weather", {"city": "Rome"}, "call_b2")
A, B = '{"city": "Paris"}', '{"city": "Rome"}'
BOTH = {
    "one after the other": [calls(piece(0, "call_a1", "get_weather", "")), calls(piece(0, arguments=A)),
                            calls(piece(1, "call_b2", "get_weather", "")), calls(piece(1, arguments=B))],
    "whole in one delta": [calls(piece(0, "call_a1", "get_weather", A), piece(1, "call_b2", "get_weather", B))],
    "interleaved": [calls(piece(0, "call_a1", "get_weather", "")), calls(piece(1, "call_b2", "get_weather", "")),
                    calls(piece(0, arguments=A[:7])), calls(piece(1, arguments=B[:9])),
                    calls(piece(1, arguments=B[9:])), calls(piece(0, arguments=A[7:]))],
    "every index 0": [calls(piece(0, "call_a1", "get_weather", A)), calls(piece(0, "call_b2", "get_weather", B))],
    "no index": [calls(piece(None, "call_a1", "get_weather", A)), calls(piece(None, "call_b2", "get_weather", B))],
    "no index, in fragments": [calls(piece(None, "call_a1", "get_weather", "")), calls(piece(arguments=A)),
                               calls(piece(None, "call_b2", "get_weather", "")), calls(piece(arguments=B))],
    "no index, in fragments with ids": [
        calls(piece(None, "call_a1", "get_weather", "")), calls(piece(None, "call_b2", "get_weather", "")),
        calls(piece(None, "call_a1", arguments=A)), calls(piece(None, "call_b2", arguments=B))],
    "name and id in every fragment": [calls(piece(n, id, "get_weather", part)) for n, id, text in
                                      ((0, "call_a1", A), (1, "call_b2", B)) for part in (text[:5], text[5:], "")],
    "arguments as an object": [calls(piece(0, "call_a1", "get_weather", {"city": "Paris"})),
                               calls(piece(1, "call_b2", "get_weather", {"city": "Rome"}))],
    "ids after names": [calls(piece(0, None, "get_weather", A[:4])), calls(piece(0, "call_a1", None, A[4:])),
                        calls(piece(1, None, "get_weather", B[:4])), calls(piece(1, "call_b2", None, B[4:]))],
    "arguments before the name": [calls(piece(0, "call_a1", None, A[:4])), calls(piece(0, None, "get_weather", A[4:])),
                                  calls(piece(1, "call_b2", None, B[:4])), calls(piece(1, None, "get_weather", B[4:]))],
}


@pytest.mark.parametrize("way", BOTH)
def test_parallel_calls_are_told_in_order_however_they_come(way: str) -> None:
    events = read([*BOTH[way], chunk({}, "tool_calls")])
    assert fold(events) == Reply((PARIS, ROME))
    assert [e.index for e in events if isinstance(e, CallStart)] == [0, 1]
    assert well_nested(events)


@given(st.lists(st.dictionaries(st.text(max_size=3), st.text(max_size=6), max_size=2), min_size=1, max_size=4), st.data())
def test_fragments_in_any_order_give_the_same_calls(arguments: list[dict[str, str]], data: st.DataObject) -> None:
    """The order of one call's fragments holds, and calls begin in order; the rest is as it may be."""
    queues = []
    for i, value in enumerate(arguments):
        text = json.dumps(value, ensure_ascii=False)
        cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=3)) | {0, len(text)})
        parts = [piece(i, arguments=text[a:b]) for a, b in pairwise(cuts)]
        queues.append([piece(i, f"id{i}", "f", ""), *parts])
    fragments, begun = list[Any](), 0
    while any(queues):
        at = data.draw(st.sampled_from([i for i, queue in enumerate(queues) if queue and i <= begun]))
        fragments.append(queues[at].pop(0))
        begun = max(begun, at + 1)
    events = read([*map(calls, fragments), chunk({}, "tool_calls")])
    assert fold(events) == Reply(tuple(Call("f", value, f"id{i}") for i, value in enumerate(arguments)))
    assert well_nested(events)


TEXTS = st.none() | st.sampled_from(["", " ", "{", "}", '{"a": 1}', '"a"', ": 1", "[", "x", "null"])
FRAGMENTS = st.fixed_dictionaries({"function": st.fixed_dictionaries(
    {}, optional={"name": st.sampled_from(["f", "g", ""]), "arguments": TEXTS | st.just({"b": 2}) | st.just([1])})},
    optional={"index": st.none() | st.integers(0, 2), "id": st.none() | st.sampled_from(["", "a", "b"])})
DELTAS = st.fixed_dictionaries({}, optional={"content": TEXTS, "reasoning": TEXTS, "refusal": TEXTS,
                                             "tool_calls": st.lists(FRAGMENTS, max_size=3)})


@given(st.lists(DELTAS, max_size=8), st.sampled_from(["stop", "length", "tool_calls", "content_filter"]))
def test_whatever_comes_is_well_nested_and_nothing_is_lost(deltas: list[Any], reason: str) -> None:
    events = read([*map(chunk, deltas), chunk({}, reason)])
    assert well_nested(events)
    reply = fold(events)
    assert reply.reasoning == "".join(delta.get("reasoning") or "" for delta in deltas)
    assert reply.content == "".join((delta.get("content") or "") + (delta.get("refusal") or "") for delta in deltas)
    sent = [one["function"].get("arguments") or "" for delta in deltas for one in delta.get("tool_calls", ())]
    kept = [json.dumps(call.arguments) for call in reply.calls] + [problem.raw for problem in reply.problems]
    for sign in "x12":                                       # each stands in a call or in a problem, once
        assert "".join(kept).count(sign) == "".join(map(str, sent)).count(sign)


def test_an_id_made_up_for_each_fragment_begins_no_call() -> None:
    events = read([calls(piece(0, "call_a1", "get_weather", "")), calls(piece(0, "x", None, A[:5])),
                   calls(piece(0, "y", None, A[5:])), chunk({}, "stop")])
    assert fold(events) == Reply((PARIS,))


def test_calls_without_ids_are_told_apart_by_being_as_json() -> None:
    events = read([calls(piece(0, "", "get_weather", A), piece(0, "", "get_weather", B)), chunk({}, "stop")])
    assert [call.arguments["city"] for call in fold(events).calls] == ["Paris", "Rome"]
    assert [call.id for call in fold(events).calls] == [None, None]
    same = read([calls(piece(0, "x", "now", "{}"), piece(1, "x", "now", "{}")), chunk({}, "stop")])
    assert [call.id for call in fold(same).calls] == ["x", None]             # an id is one call's


def test_the_first_call_streams_while_it_is_written() -> None:
    deltas = Deltas()
    assert deltas.feed(CALLED[1]) == [CallStart(0, "get_weather", "call_a1")]
    assert deltas.feed(CALLED[2]) == [CallArgs(0, "{")]          # a key is certain when it is whole
    assert deltas.feed(CALLED[3]) == [CallArgs(0, '"city": "Par')]
    assert deltas.feed(CALLED[4]) == [CallArgs(0, 'is"}')]       # not its end: more may come
    assert deltas.feed(calls(piece(1, "call_b2", "now", ""))) == [CallEnd(0), CallStart(1, "now", "call_b2")]
    assert deltas.feed(chunk({}, "tool_calls")) == []
    assert deltas.close() == [CallArgs(1, "{}"), CallEnd(1)]


def test_no_arguments_are_none() -> None:
    for text in ("", None, "{}", " ", {}):
        events = read([calls(piece(0, "c", "now", text)), chunk({}, "tool_calls")])
        assert fold(events) == Reply((Call("now", {}, "c"),)), text
        assert well_nested(events)


def test_words_among_the_fragments_of_a_call_wait_for_its_end() -> None:
    events = read([chunk({"content": "Let me "}), CALLED[1], CALLED[2], chunk({"content": "see."}), CALLED[3], CALLED[4],
                   chunk({"content": "Done."}), chunk({}, "stop")])
    assert fold(events) == Reply((Text("Let me "), PARIS, Text("see.Done.")))
    assert well_nested(events)


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_in_either_field(name: str) -> None:
    events = read([chunk({name: "Let "}), chunk({name: "me think."}), chunk({"content": "Hi."}), chunk({}, "stop")])
    assert events == [Reasoning("Let "), Reasoning("me think."), Text("Hi.")]
    both = read([chunk({"reasoning_content": "Hm.", "reasoning": "Hm."}), chunk({}, "stop")])
    assert both == [Reasoning("Hm.")]


def test_content_in_parts() -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    events = read([chunk({"content": [thought]}), chunk({"content": [{"type": "text", "text": "Hi."}]}),
                   chunk({"content": "!"}), chunk({}, "stop")])
    assert fold(events) == Reply((Reasoning("Hm."), Text("Hi.!")))


def test_the_function_call_of_old() -> None:
    events = read([chunk({"role": "assistant", "function_call": {"name": "get_weather", "arguments": ""}}),
                   chunk({"function_call": {"arguments": A[:6]}}), chunk({"function_call": {"arguments": A[6:]}}),
                   chunk({}, "function_call")])
    assert fold(events) == Reply((Call("get_weather", {"city": "Paris"}),))


def test_a_refusal_is_what_it_says() -> None:
    assert fold(read([chunk({"refusal": "I can"}), chunk({"refusal": "not."}), chunk({}, "stop")])).content == "I cannot."


@pytest.mark.parametrize(("reason", "finish"), [("stop", "stop"), ("tool_calls", "stop"), ("length", "length"),
                                                ("model_length", "length"), ("content_filter", "filtered")])
def test_how_a_reply_ended(reason: str, finish: str) -> None:
    assert said([WORDS[1], chunk({}, reason)])[1].finish == finish


def test_other_choices_and_empty_chunks_are_passed_over() -> None:
    other = {"choices": [{"index": 1, "delta": {"content": "no"}, "finish_reason": "length"}]}
    deltas = Deltas()
    empty = chunk({"content": None, "tool_calls": None, "reasoning": None, "function_call": None})
    assert [deltas.feed(one) for one in ({}, {"choices": None}, {"choices": []}, other, empty, WORDS[3])] == [[]] * 6
    assert deltas.done == "stop" and deltas.close() == []


# ---------------------------------------------------------------- calls that are none

@pytest.mark.parametrize(("text", "kind"), [
    ('{"city": "Par', "unfinished"), ('{"city" "Paris"}', "malformed"), ("Paris", "malformed"), ("[1]", "malformed"),
    ("null", "malformed"), (["Paris"], "malformed"), (3, "malformed"), ('{"city": "a", "city": "b"}', "duplicate key"),
    ('{}{"city": "Paris"}', "malformed"), ('{"a": NaN}', "malformed"), ("[" * 100, "malformed"),
    ('{"a":' * 100, "too deep")])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_arguments_that_are_no_object_are_a_problem_with_their_text(text: Any, kind: str, size: int) -> None:
    cut = [text[i:i + size] for i in range(0, len(text), size)] if isinstance(text, str) else [text]
    events = read([chunk({"content": "Hm "}), calls(piece(0, "c", "get_weather", "")),
                   *[calls(piece(0, arguments=part)) for part in cut], chunk({}, "tool_calls")])
    reply = fold(events)
    assert reply.calls == () and reply.content == "Hm "
    [problem] = reply.problems
    assert (problem.kind, problem.name) == (kind, "get_weather")
    assert problem.raw == (text if isinstance(text, str) else json.dumps(text))
    assert problem.offset >= 3
    assert well_nested(events)


def test_the_place_of_a_problem_counts_what_was_told_before() -> None:
    events = read([chunk({"content": "four"}), calls(piece(0, "c", "now", "{}")),
                   calls(piece(1, "d", "get_weather", '{"city" "x"}')), chunk({}, "tool_calls")])
    [problem] = fold(events).problems
    assert problem == Problem("malformed", 4 + 2 + 8, "':'", "'\"'", '{"city" "x"}', "get_weather")


def test_a_broken_call_costs_no_other() -> None:
    events = read([calls(piece(0, "x", "get_weather", '{"city": ')), calls(piece(1, "call_b2", "get_weather", B)),
                   chunk({}, "tool_calls")])
    reply = fold(events)
    assert reply.calls == (ROME,) and reply.problems[0].raw == '{"city": '
    assert well_nested(events)


def test_a_call_that_is_cut_is_not_one() -> None:
    for text in ("", '{"city": "Par'):
        reply = fold(read([calls(piece(0, "c", "get_weather", text)), chunk({}, "length")]))
        assert reply.calls == () and reply.problems[0].kind == "unfinished" and reply.problems[0].raw
    assert fold(read([calls(piece(0, "call_a1", "get_weather", A)), chunk({}, "length")])).calls == (PARIS,)


def test_a_call_without_a_name_is_a_problem() -> None:
    events = read([calls(piece(0, "c", None, '{"a": 1}')), calls(piece(1, "call_b2", "get_weather", B)), chunk({}, "stop")])
    assert fold(events) == Reply((ROME,))
    assert fold(events).problems[0].raw == '{"a": 1}'


def test_arguments_after_the_end_of_their_call_are_a_problem() -> None:
    events = read([*BOTH["one after the other"], calls(piece(0, arguments="more")), chunk({}, "stop")])
    assert fold(events) == Reply((PARIS, ROME))
    assert [problem.raw for problem in fold(events).problems] == ["more"]
    assert well_nested(events)


def test_arguments_encoded_twice_are_read_with_a_note() -> None:
    reply = fold(read([calls(piece(0, "call_a1", "get_weather", json.dumps(A))), chunk({}, "stop")]))
    assert reply.calls == (PARIS,)
    assert [problem.kind for problem in reply.problems] == ["double encoding"]


# ---------------------------------------------------------------- what is sent

LOOKED = (Reasoning("Hm."), Text("I look."), Call("get_weather", {"city": "Zürich"}, "a"), Call("now", {}, "b"))
TALK = [System("Be brief."), User("Weather?"), Assistant(LOOKED), Result("sunny", "get_weather", "a"),
        Result("noon", "now", "b"), Assistant((Text("Sunny."),)), User("Thanks.")]


def test_turns_become_messages_and_messages_turns() -> None:
    messages = messages_of(TALK, "reasoning_content")
    assert misplaced(messages) == []
    assert messages[2] == {
        "role": "assistant", "content": "I look.", "reasoning_content": "Hm.", "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Zürich"}'}},
            {"id": "b", "type": "function", "function": {"name": "now", "arguments": "{}"}}]}
    assert as_turns(messages) == TALK
    assert "reasoning_content" not in messages_of(TALK)[2] and "reasoning_content" not in messages[5]
    assert messages_of([User("a"), Assistant((Call("f", {}),))])[1]["content"] is None


def test_ids_are_made_up_where_there_are_none_and_always_the_same() -> None:
    turns = [User("a"), Assistant((Call("f", {}), Call("g", {}, "call00001"), Call("g", {}))),
             Result("1", "g", "call00001"), Result("2", "g"), Result("3"), Assistant((Call("f", {}),)), Result("4", "f")]
    messages = messages_of(turns)
    assert messages == messages_of(turns) and misplaced(messages) == []
    assert [call["id"] for call in messages[1]["tool_calls"]] == ["call00002", "call00001", "call00003"]
    assert [message["tool_call_id"] for message in messages if message["role"] == "tool"] == [
        "call00001", "call00003", "call00002", "call00004"]
    with pytest.raises(ToolglotError, match=r"turns\[1\].*no call waits"):
        messages_of([User("a"), Result("1", "f")])


def test_tools_are_sent_in_openais_shape_and_with_nothing_else() -> None:
    function = {"name": "f", "strict": True, "x": 2, "parameters": {"type": "dict"}}
    odd = as_tools([{"type": "function", "x-note": 1, "function": function},
                    {"name": "g", "input_schema": {"type": "object", "properties": {}}}, now])
    assert complaints({"model": "m", "messages": messages_of([User("a")]), **offered(odd, "auto")}) == []
    assert offered(odd, "auto")["tools"][0] == {"type": "function", "function": {
        "name": "f", "parameters": odd[0].parameters, "strict": True}}


@pytest.mark.parametrize(("choice", "names", "word"), [
    ("auto", ["get_weather", "now"], "auto"), ("required", ["get_weather", "now"], "required"),
    ("none", ["get_weather", "now"], "none"), ({"name": "now"}, ["now"], "required"),
    ({"allowed": ["now"]}, ["now"], "required"), ({"allowed": ["now", "get_weather"]}, ["now", "get_weather"], "required")])
def test_what_may_be_called_is_all_that_is_offered(choice: Any, names: list[str], word: str) -> None:
    _, _, server = said(WORDS, request=ChatRequest([User("Hi")], TOOLS, choice))
    [body] = server.bodies(CHAT)
    assert [tool["function"]["name"] for tool in body["tools"]] == names
    assert body["tool_choice"] == word


@pytest.mark.parametrize("choice", [{"name": "x"}, {"allowed": []}, {"allowed": ["now", "x"]}, "any", {}])
def test_a_choice_of_no_tool_is_an_error(choice: Any) -> None:
    with pytest.raises(ToolglotError, match="choice"):
        offered(TOOLS, choice)
    with pytest.raises(ToolglotError, match="no tools"):
        offered((), "required")


def test_no_field_is_sent_without_a_reason() -> None:
    _, _, server = said(WORDS, request=ChatRequest([User("Hi")], max_tokens=9))
    assert server.bodies(CHAT) == [{"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9,
                              "temperature": 0.0, "stream": True, "stream_options": {"include_usage": True}}]
    request = ChatRequest([User("Hi")], TOOLS, parallel=False, stop=("x",), temperature=0.5, seed=7)
    body = said(WORDS, request=request)[2].bodies(CHAT)[0]
    assert (body["parallel_tool_calls"], body["stop"], body["temperature"], body["seed"]) == (False, ["x"], 0.5, 7)


# ---------------------------------------------------------------- fields that a server does not know

def strict(*unknown: str, say: Callable[[str], Any]) -> Callable[[dict[str, Any]], Any]:
    """A server that refuses these fields, one at a time."""
    def answer(body: dict[str, Any]) -> Any:
        bad = next((name for name in unknown if name in body), None)
        return say(bad) if bad else WORDS
    return answer


SAID = {
    "openai": lambda name: refusal(f"Unsupported parameter: '{name}' is not supported with this model."),
    "openai, of old": lambda name: refusal(f"Unrecognized request argument supplied: {name}"),
    "groq": lambda name: refusal(f"property '{name}' is unsupported"),
    "vllm": lambda name: as_json({"object": "error", "code": 400, "message": "[{'type': 'extra_forbidden', 'loc': ('body', "
                                f"'{name}'), 'msg': 'Extra inputs are not permitted', 'input': 1}}]"}, 400),
    "mistral": lambda name: as_json({"object": "error", "message": {"detail": [
        {"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted", "input": 1}]}}, 422),
}


@pytest.mark.parametrize("server", SAID)
def test_a_field_that_the_server_refuses_is_left_out_from_then_on(server: str) -> None:
    async def run() -> tuple[list[dict[str, Any]], tuple[str, ...]]:
        answer = strict("stream_options", "parallel_tool_calls", say=SAID[server])
        with serving(*[answer] * 4) as there:
            chat = await opened(there)
            for _ in range(2):
                events, _ = await heard(chat, ChatRequest([User("Hi")], TOOLS, parallel=True))
                assert fold(events).content == "It is sunny – ☀️."
            return there.bodies(CHAT), chat.facts.found

    bodies, found = asyncio.run(run())
    assert len(bodies) == 4                                  # two refusals, then never again
    assert "stream_options" not in bodies[3] and "parallel_tool_calls" not in bodies[3]
    assert bodies[3]["tool_choice"] == "auto" and bodies[3]["max_tokens"] == 512
    assert [line for line in found if "refuses" in line] == ["it refuses `stream_options`, which is not sent any more",
                                                             "it refuses `parallel_tool_calls`, which is not sent any more"]


def test_a_server_that_wants_the_newer_name_of_the_limit_gets_it() -> None:
    words = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    heat = "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported."

    def answer(body: dict[str, Any]) -> Any:
        return refusal(words) if "max_tokens" in body else refusal(heat) if "temperature" in body else WORDS

    _, _, server = said(*[answer] * 3, request=ChatRequest([User("Hi")], max_tokens=9))
    assert server.bodies(CHAT)[2]["max_completion_tokens"] == 9
    assert "max_tokens" not in server.bodies(CHAT)[2] and "temperature" not in server.bodies(CHAT)[2]


@pytest.mark.parametrize("words", [
    "tool_choice 'required' is not supported", "temperature must be between 0 and 2", "stream_options: expected an object",
    "This model's maximum context length is 100 tokens, and max_tokens is 512", "messages[0].content is not supported"])
def test_what_is_no_unknown_field_is_an_error_at_once(words: str) -> None:
    async def run() -> Fake:
        with serving(refusal(words)) as server:
            chat = await opened(server)
            with pytest.raises(EngineError) as caught:
                await heard(chat, ChatRequest([User("Hi")], TOOLS, "required"))
            assert words in str(caught.value)
            return server

    assert len(asyncio.run(run()).bodies(CHAT)) == 1


def test_a_server_that_refuses_again_and_again_is_not_asked_for_ever() -> None:
    async def run() -> Fake:
        with serving(*[refusal("seed and temperature and stream_options are unknown")] * 9) as server:
            with pytest.raises(EngineError, match="are unknown"):
                await heard(await opened(server), ChatRequest([User("Hi")], TOOLS, temperature=1))
            return server

    assert len(asyncio.run(run()).bodies(CHAT)) == 2


THOUGHT = [chunk({"reasoning_content": "Hm."}), *CALLED]


def told_back(*answers: Any, turns: Sequence[Any] = ()) -> list[Any]:
    """The reasoning that goes with the last call, in the last request of two."""
    async def run() -> list[Any]:
        with serving(*answers) as server:
            chat = await opened(server)
            events, _ = await heard(chat, ChatRequest([User("Hi"), *turns], TOOLS))
            told = [User("Hi"), Assistant(fold(events).parts), Result("sunny", "get_weather", "call_a1")]
            if not turns:
                await heard(chat, ChatRequest(told, TOOLS))
            return [{k: v for k, v in m.items() if k.startswith("reasoning")} for m in server.bodies(CHAT)[-1]["messages"]
                    if "tool_calls" in m]

    return asyncio.run(run())


def test_reasoning_is_told_back_with_its_call_and_in_its_field_to_a_server_that_sends_it() -> None:
    assert told_back(THOUGHT, WORDS) == [{"reasoning_content": "Hm."}]
    assert told_back([chunk({"reasoning": "Hm."}), *CALLED], WORDS) == [{"reasoning": "Hm."}]
    assert told_back(CALLED, WORDS) == [{}]


def test_a_server_that_wants_its_reasoning_back_gets_it_and_one_that_does_not_does_not() -> None:
    past = [Assistant((Call("now", {}, "x"),)), Result("noon", "now", "x")]
    wants = refusal("The `reasoning_content` in the thinking mode must be passed back to the API.")
    assert told_back(wants, WORDS, turns=past) == [{"reasoning_content": ""}]        # even where there was none
    refuses = refusal("'messages.1' : property 'reasoning_content' is unsupported")
    assert told_back(THOUGHT, refuses, WORDS) == [{}]


def test_what_a_server_adds_to_a_call_is_told_back_with_it() -> None:
    signed = {**piece(0, "call_a1", "get_weather", A), "extra_content": {"google": {"thought_signature": "abc"}}}

    async def run() -> Any:
        with serving([calls(signed), chunk({}, "stop")], WORDS) as server:
            chat = await opened(server)
            events, _ = await heard(chat)
            result = Result("x", "get_weather", "call_a1")
            await heard(chat, ChatRequest([User("Hi"), Assistant(fold(events).parts), result]))
            return server.bodies(CHAT)[1]["messages"][1]["tool_calls"][0]["extra_content"]

    assert asyncio.run(run()) == {"google": {"thought_signature": "abc"}}


# ---------------------------------------------------------------- what goes wrong

def failure(*answers: Any, opening: Mapping[str, Any] | None = None, **options: Any) -> tuple[str, list[Event]]:
    """The error of a request, and the events before it."""
    async def run() -> tuple[str, list[Event]]:
        with serving(*answers, **options) as server:
            chat, events = await opened(server, **(opening or {})), list[Event]()

            async def listen() -> None:
                async for item in chat.converse(ChatRequest([User("Hi")])):
                    assert not isinstance(item, Done)
                    events.append(item)

            with pytest.raises(EngineError) as caught:
                await listen()
            assert server.url in str(caught.value)
            for text in (str(caught.value), repr(caught.value), repr(caught.value.__cause__), repr(chat), repr(chat.facts)):
                assert KEY not in text
            assert len(server.bodies(CHAT)) == 1                   # it may have arrived: it is not sent twice
            return str(caught.value), events

    return asyncio.run(run())


@pytest.mark.parametrize(("status", "words"), [
    (401, "its key was refused"), (403, "does not allow"), (404, "the right model"), (429, "too much"), (500, "500"),
    (503, "503")])
def test_a_server_that_says_no(status: int, words: str) -> None:
    error, events = failure(refusal("Sorry: stream_options is unknown.", status))
    assert words in error and "Sorry" in error
    assert events == []


@pytest.mark.parametrize(("answer", "words"), [
    (Answer([frame(WORDS[1]), frame({"error": {"message": "out of memory", "code": 500}})]), "out of memory"),
    (Answer([frame(WORDS[1]), b'event: error\ndata: {"error": {"message": "out of memory"}}\n\n']), "out of memory"),
    (Answer([frame(WORDS[1])], whole=False), "hung up"),
    (Answer([frame(WORDS[1])]), "did not end its reply: it stopped half way"),
    (Answer([frame(WORDS[1]), frame("[DONE]")]), "did not end its reply"),
    (Answer([frame(WORDS[1]), frame(chunk({}, "error"))]), "failed in mid-reply"),
    (Answer([frame(WORDS[1]), frame("{")]), "no JSON"),
    (Answer([frame(WORDS[1]), frame([1])]), "no chat completion: 1"),
    (Answer([frame(WORDS[1]), frame({"choices": [{"delta": {"content": 5}}]})]), "no chat completion"),
    (Answer([frame(WORDS[1]), frame({"choices": 7})]), "no chat completion"),
    (Answer([frame(WORDS[1]), frame(chunk({"tool_calls": ["x"]}))]), "no chat completion")])
def test_a_reply_that_breaks_off_or_is_none(answer: Answer, words: str) -> None:
    error, events = failure(answer)
    assert words in error
    assert events == [Text("It is ")]


def test_a_server_that_does_not_stream() -> None:
    answer = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi."}, "finish_reason": "stop"}]}
    assert "open it with stream=False" in failure(as_json(answer))[0]
    events, _, _ = said(as_json(answer), opening={"stream": False})
    assert events == [Text("Hi.")]
    assert "boom" in failure(as_json({"error": {"message": "boom"}}), opening={"stream": False})[0]
    assert "answered what is no JSON" in failure(Answer([b"<html>"]), opening={"stream": False})[0]
    assert "no chat completion" in failure(as_json([1]), opening={"stream": False})[0]


def test_leaving_early_hangs_up() -> None:
    async def run() -> None:
        with serving(Answer([frame(WORDS[1]), 20.0, frame(WORDS[2])])) as server:
            chat = await opened(server)
            async with aclosing(chat.converse(ChatRequest([User("Hi")]))) as items:
                async for item in items:
                    assert item == Text("It is ")
                    break
            assert await asyncio.to_thread(server.wait, lambda: server.left == [CHAT])
            chat.close()
            with pytest.raises(EngineError, match="closed"):
                await heard(chat)

    asyncio.run(run())


def test_a_server_that_is_silent_is_given_up() -> None:
    error, events = failure(Answer([frame(WORDS[1]), 5.0, frame(WORDS[2])]), opening={"timeouts": Timeouts(2, 5, 0.2)})
    assert "sent nothing for 0.2 seconds" in error and events == [Text("It is ")]


# ---------------------------------------------------------------- opening

def opening(models: Any, url: str = "", prefix: str = "/v1", **options: Any) -> ChatApi | str:
    """What it gives, or its error."""
    async def run() -> ChatApi | str:
        with serving(WORDS, models=models, prefix=prefix) as server:
            try:
                chat = await open_chat(server.url + url, timeouts=QUICK, **options)
                await heard(chat)
                return chat
            except EngineError as error:
                return str(error)

    found = asyncio.run(run())
    assert KEY not in str(found)
    return found


def models(*names: str, **more: Any) -> dict[str, Any]:
    return {"object": "list", "data": [{"id": name, "object": "model", **more} for name in names]}


def test_the_only_model_needs_no_name() -> None:
    chat = opening(models("qwen3-8b", max_model_len=4096))
    assert isinstance(chat, ChatApi) and isinstance(chat, Chat) and not isinstance(chat, Engine)
    assert (chat.facts.name, chat.facts.context, chat.facts.chat_template) == ("qwen3-8b", 4096, None)
    assert "one of the 1 models" in chat.facts.found[0]
    assert any("schema is not known" in line for line in chat.facts.found)


def test_one_of_many_models_must_be_named_and_some_are() -> None:
    error = opening(models(*[f"model-{n:03}" for n in range(300)]), key=KEY)
    assert isinstance(error, str) and "it has 300, among them model-000, model-001" in error and "model-050" not in error
    chat = opening(models("a", "b"), model="b")
    assert isinstance(chat, ChatApi) and chat.facts.name == "b"
    alias = opening(models("a", "b"), model="latest")
    assert isinstance(alias, ChatApi) and "not listed among its 2 models" in alias.facts.found[0]


def test_a_server_that_lists_no_models() -> None:
    nothing = Answer([b"no"], 404)
    assert "needs the name of a model: it lists none" in str(opening(nothing))
    chat = opening(nothing, model="m")
    assert isinstance(chat, ChatApi) and "lists no models" in chat.facts.found[0]
    assert isinstance(opening([{"id": "a"}]), ChatApi)                       # a bare list


@pytest.mark.parametrize(("url", "prefix"), [
    ("", "/v1"), ("/", "/v1"), ("/v1", "/v1"), ("/v1/", "/v1"), ("/v1/chat/completions", "/v1"), ("/api", "/api/v1"),
    ("/v1beta/openai", "/v1beta/openai")])
def test_where_the_api_is(url: str, prefix: str) -> None:
    assert isinstance(opening(models("m"), url, prefix), ChatApi)


def test_a_key_that_is_refused_and_nobody_there() -> None:
    assert "its key was refused" in str(opening(refusal("Invalid API key.", 401), model="m", key=KEY))
    assert "it wants a key" in str(opening(refusal("Missing API key.", 401), model="m"))
    with pytest.raises(EngineError, match="cannot be reached"):
        asyncio.run(open_chat("http://127.0.0.1:9", model="m", timeouts=Timeouts(0.5)))


# ---------------------------------------------------------------- the whole loop

def loop(*answers: Any, tools: Any = None, **options: Any) -> tuple[list[Step], Fake]:
    ran.clear()

    async def run() -> tuple[list[Step], Fake]:
        with serving(*answers) as server:
            chat = await opened(server)
            steps = [step async for step in ask(None, chat, QUESTION, TOOLS if tools is None else tools, **options)]
            chat.close()
            return steps, server

    return asyncio.run(run())


def test_a_call_is_run_its_result_told_and_the_answer_given() -> None:
    steps, server = loop(CALLED, WORDS)
    told = [step for step in steps if not isinstance(step, Written)]
    assert [type(step) for step in told] == [Sent, Replied, Ran, Sent, Replied, Answered]
    assert told[-1] == Answered("It is sunny – ☀️.")
    assert ran == ["Paris"]
    assert server.bodies(CHAT)[1]["messages"][1:] == [
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "call_a1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}}]},
        {"role": "tool", "tool_call_id": "call_a1", "content": "sunny in Paris"}]
    events = [event for step in steps if isinstance(step, Written) for event in step.events]
    assert fold(events[:events.index(CallEnd(0)) + 1]) == told[1].reply      # type: ignore[union-attr]
    assert [json.loads(dumps(step_json(step)))["step"] for step in told] == [
        "sent", "replied", "ran", "sent", "replied", "answered"]


def test_parallel_calls_are_all_run_and_told() -> None:
    both = [*BOTH["interleaved"], chunk({}, "tool_calls")]
    steps, server = loop(both, WORDS)
    assert ran == ["Paris", "Rome"] and isinstance(steps[-1], Answered)
    assert [m["content"] for m in server.bodies(CHAT)[1]["messages"][-2:]] == ["sunny in Paris", "sunny in Rome"]
    steps, server = loop(both, parallel=False)
    assert steps[-1] == Stopped("one call was allowed, and the reply holds 2") and ran == []
    assert server.bodies(CHAT)[0]["parallel_tool_calls"] is False


def test_a_choice_holds_for_the_first_reply_and_is_checked() -> None:
    steps, server = loop([calls(piece(0, "c", "now", "")), chunk({}, "stop")], WORDS, choice={"allowed": ["now"]})
    assert ran == ["now"] and isinstance(steps[-1], Answered)
    assert [len(body["tools"]) for body in server.bodies(CHAT)] == [1, 2]
    assert [body["tool_choice"] for body in server.bodies(CHAT)] == ["required", "auto"]
    for choice in ({"allowed": ["now"]}, {"name": "now"}, "none"):
        steps, _ = loop(CALLED, choice=choice)
        assert steps[-1] == Stopped("the call of get_weather was not allowed") and ran == []
    steps, _ = loop(WORDS, choice="required")
    assert steps[-1] == Stopped("a call was required, and the reply holds none") and ran == []


def test_an_answer_is_asked_for_in_openais_words_and_checked() -> None:
    person = {"type": "object", "properties": {"name": {"type": "string"}}}
    right, wrong = ([chunk({"content": text}), chunk({}, "stop")] for text in ('{"name": "Bob"}', '{"name": 5}'))
    steps, server = loop(CALLED, right, answer=person)
    asked = {"type": "json_schema", "json_schema": {"name": "answer", "schema": person}}
    assert [body["response_format"] for body in server.bodies(CHAT)] == [asked, asked]
    assert steps[-1] == Answered('{"name": "Bob"}')
    assert loop(wrong, answer=person)[0][-1] == Stopped("`name` must be a string, but came as 5")
    steps, server = loop(CALLED, wrong, choice="required", answer={"type": "object"})       # none is due with a call
    assert [body.get("response_format") for body in server.bodies(CHAT)] == [None, {"type": "json_object"}]
    assert steps[-1] == Answered('{"name": 5}')


def test_arguments_that_break_the_schema_are_not_run_and_the_model_is_told() -> None:
    steps, server = loop([calls(piece(0, "c", "get_weather", '{"city": 5}')), chunk({}, "stop")], WORDS)
    assert any(isinstance(step, Refused) for step in steps) and ran == []
    assert "`city` must be a string" in server.bodies(CHAT)[1]["messages"][-1]["content"]


@pytest.mark.parametrize(("reply", "words"), [
    ([calls(piece(0, "c", "get_weather", '{"city" "x"}')), chunk({}, "tool_calls")], "holds no whole call: malformed"),
    ([calls(piece(0, "c", "get_weather", '{"city": "x')), chunk({}, "length"), usage(1, 2)], "cut at 2 tokens: unfinished"),
    ([calls(piece(0, "c", "get_weather", '{"city": "x')), chunk({}, "length")], "cut at its limit of tokens: unfinished"),
    ([calls(piece(0, "c", "get_weather", A)), chunk({}, "content_filter")], "the server's content filter"),
    ([chunk({"content": "\n"}), chunk({}, "stop")], "the reply holds no answer"),
    ([chunk({"reasoning": "Hm."}), chunk({}, "length")], "all its tokens went into something else")])
def test_a_reply_that_is_not_what_it_had_to_be_runs_nothing(reply: list[Any], words: str) -> None:
    steps, _ = loop(reply)
    assert isinstance(steps[-1], Stopped) and words in steps[-1].why
    assert ran == []


def test_a_tool_without_a_function_is_handed_over() -> None:
    steps, _ = loop(CALLED, tools=[Tool("get_weather", parameters=TOOLS[0].parameters)])
    assert steps[-1] == Handed(PARIS)


def test_without_tools_it_is_a_chat() -> None:
    steps, server = loop(WORDS, tools=())
    assert steps[-1] == Answered("It is sunny – ☀️.")
    assert "tools" not in server.bodies(CHAT)[0] and "tool_choice" not in server.bodies(CHAT)[0]


# ---------------------------------------------------------------- a real server, with a real model

# SmolLM2's own template knows no tools; this one tells of them, and of past calls as Hermes writes them
TEMPLATE = """{%- if tools %}<|im_start|>system
{%- for tool in tools %}
{{ tool | tojson }}
{%- endfor %}
To call one write <tool_call>
{"name": <name>, "arguments": <arguments>}
</tool_call><|im_end|>
{% endif %}
{%- for message in messages %}<|im_start|>{{ message.role }}
{{ message.content or '' }}
{%- for call in message.tool_calls or [] %}<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


@pytest.fixture(scope="module")
def llama_server() -> Iterator[str]:
    """llama.cpp's own server, inside this process: its chat endpoint is the one of llama-server."""
    library = pytest.importorskip("xllamacpp", reason="the embedded engine is not installed")
    params = library.CommonParams()
    try:
        params.model.path = str(find_model())
    except EngineError as error:
        pytest.skip(f"no model: {error}")
    params.n_ctx, params.n_parallel, params.warmup, params.verbosity = 2048, 1, False, -1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.hostnames, params.port, params.api_keys, params.ui = ["127.0.0.1"], 0, [KEY], False
    params.use_jinja, params.chat_template = True, TEMPLATE
    server = library.Server(params)
    yield server.listening_address
    del server                                               # the last reference: it stops


def asked_before(city: str) -> list[dict[str, Any]]:
    """The tiny model calls when it sees that it has called."""
    turns = [User(f"What is the weather in {city}?"), Assistant((Call("get_weather", {"city": city}),)),
             Result(f"rainy in {city}"), Assistant((Text(f"It is rainy in {city}."),))]
    return messages_of(turns)


@pytest.mark.parametrize("stream", [True, False])
def test_a_real_server_calls_and_answers(llama_server: str, stream: bool) -> None:
    talk = [*asked_before("Rome"), *asked_before("Madrid"), *QUESTION]
    ran.clear()

    async def run() -> list[Step]:
        chat = await open_chat(llama_server, key=KEY, stream=stream)
        assert "SmolLM2" in chat.facts.name
        steps = [step async for step in ask(None, chat, talk, [get_weather], max_tokens=60, max_steps=2)]
        chat.close()
        return steps

    steps = asyncio.run(run())
    told = [step for step in steps if not isinstance(step, Written)]
    assert [type(step) for step in told] == [Sent, Replied, Ran, Sent, Replied, Answered]
    assert ran == ["Paris"]
    assert isinstance(told[-1], Answered) and "sunny in Paris" in told[-1].text
    assert isinstance(told[1], Replied) and told[1].done.completion_tokens > 10 and told[1].reply.calls[0].id
    pieces = [event for step in steps if isinstance(step, Written) for event in step.events if isinstance(event, CallArgs)]
    assert (len(pieces) > 2) == stream


def test_a_real_server_wants_its_key(llama_server: str) -> None:
    for key, words in (("sk-wrong", "its key was refused"), (None, "it wants a key")):
        with pytest.raises(EngineError, match=words):
            asyncio.run(open_chat(llama_server, key=key))
