"""OpenAI's Responses API as pure functions: the laws of its streams, its items both ways, what is said of bad requests."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("orjson")
pytest.importorskip("jsonschema_rs")

from toolglot.api import Answer, ApiError, Ended, Made, Query, responses
from toolglot.api.responses_items import opened, sealed
from toolglot.api.responses_tools import joined, offer_of
from toolglot.message import (
    Assistant,
    Call,
    CallArgs,
    CallEnd,
    CallStart,
    Event,
    Problem,
    Reasoning,
    Result,
    System,
    Text,
    Turn,
    User,
    fold,
)

F = {"type": "function", "name": "f", "description": "does f", "parameters": {
    "type": "object", "properties": {"s": {"type": "string"}}}}
C = {"type": "custom", "name": "c"}
NAMESPACE = {"type": "namespace", "name": "mcp__docs", "description": "The documents.", "tools": [
    F, {"type": "custom", "name": "patch"}]}
TOOLS = [F, C, NAMESPACE, {"type": "web_search"}]
WIRES = {"f": (None, "f"), "c": (None, "c"), "mcp__docs__f": ("mcp__docs", "f"), "mcp__docs__patch": ("mcp__docs", "patch")}
CUSTOM = {"c", "mcp__docs__patch"}
MADE = Made("resp_0123456789abcdefghijABCD", 1_700_000_000, "small", lambda kind: f"{kind}_new")
KEYS = {
    "id", "object", "created_at", "completed_at", "status", "incomplete_details", "model", "previous_response_id",
    "instructions", "output", "error", "tools", "tool_choice", "truncation", "parallel_tool_calls", "text", "top_p",
    "presence_penalty", "frequency_penalty", "top_logprobs", "temperature", "reasoning", "usage", "max_output_tokens",
    "max_tool_calls", "store", "background", "service_tier", "metadata", "safety_identifier", "prompt_cache_key"}
EXAMPLES = int(os.environ.get("TOOLGLOT_EXAMPLES", "60"))
examples = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
LOST = Problem("json", 3, "a value", "the end", raw='{"s": "')


def ids() -> Callable[[str], str]:
    count = itertools.count()
    return lambda kind: f"{kind}_n{next(count)}"


def asked(**more: Any) -> Query:
    return responses.read({"model": "small", "input": "hi", "tools": TOOLS, **more})


# -- generated replies


text = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=12) | st.sampled_from(
    ['"', "\n\n", "data: x", "\u2028", "a\\u", "😀"])


def cut(text: str, places: Sequence[int]) -> list[str]:
    marks = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[a:b] for a, b in itertools.pairwise(marks)]


@st.composite
def replies(draw: Any, lost: bool = True) -> list[Event]:
    """Events, well nested, of a reply. `lost`: calls that never become whole may be among them."""
    events: list[Event] = []
    calls = 0
    for kind in draw(st.lists(st.sampled_from(["text", "reasoning", "call", "call"]), max_size=5)):
        if kind != "call":
            pieces = draw(st.lists(text, min_size=1, max_size=3))
            events += [(Text if kind == "text" else Reasoning)(piece) for piece in pieces]
            continue
        name = draw(st.sampled_from([*WIRES]))
        told = {"input": draw(text | st.just(""))} if name in CUSTOM else draw(
            st.dictionaries(text, text | st.integers(), max_size=2))
        arguments = json.dumps(told, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1])))
        if not told and draw(st.booleans()):
            arguments = ""
        pieces = cut(arguments, draw(st.lists(st.integers(0, 99), max_size=4)))
        whole = not lost or draw(st.integers(0, 4)) > 0
        if not whole:
            pieces = pieces[:draw(st.integers(0, len(pieces)))]
        events += [CallStart(calls, name, f"call_{calls}"), *[CallArgs(calls, piece) for piece in pieces],
                   CallEnd(calls, None if whole else LOST)]
        calls += 1
    return events


endings = st.builds(Ended, st.sampled_from(["stop", "stop", "length", "filtered"]), st.integers(0, 99), st.integers(0, 99),
                    st.integers(0, 9), st.integers(0, 9))


@st.composite
def told(draw: Any) -> tuple[list[Event], Ended]:
    """A reply and its end; one that is cut off may end anywhere."""
    events, ended = draw(replies()), draw(endings)
    return (events[:draw(st.integers(0, len(events)))] if ended.finish == "length" else events), ended


def frames(raw: bytes) -> Iterator[dict[str, Any]]:
    assert raw.endswith(b"\n\n") or not raw
    for frame in raw.split(b"\n\n")[:-1]:
        name, data = frame.split(b"\n")
        found = json.loads(data.removeprefix(b"data: "))
        assert name == b"event: " + found["type"].encode()
        yield found


def streamed(query: Query, events: Sequence[Event], ended: Ended,
             reasoning: str = "reasoning_text") -> list[dict[str, Any]]:
    stream = responses.Stream(query, MADE, reasoning, clock=lambda: 1_700_000_009)
    raw = stream.start() + b"".join([stream.feed(0, event) for event in events]) + stream.end(0, ended)
    kept = json.loads(json.dumps(stream.response))
    found = list(frames(raw + stream.finish()))
    assert found[-1]["response"] == kept                 # what is stored is what is sent
    return found


def replied(query: Query, events: Sequence[Event], ended: Ended = Ended("stop")) -> dict[str, Any]:
    return responses.whole(query, MADE, [Answer(tuple(events), ended)], clock=lambda: 1_700_000_009)


# -- the laws of a stream


@examples
@given(told())
def test_a_stream_ends_in_the_response_that_is_not_streamed(reply: tuple[list[Event], Ended]) -> None:
    query = asked()
    last = streamed(query, *reply)[-1]
    assert last["response"] == replied(query, *reply)
    assert last["type"] == ("response.completed" if reply[1].finish == "stop" else "response.incomplete")


@examples
@given(told())
def test_events_are_numbered_and_framed_by_the_response(reply: tuple[list[Event], Ended]) -> None:
    events = streamed(asked(), *reply)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
    for event in events[:2]:
        assert event["response"]["status"] == "in_progress" and not event["response"]["output"]
    assert len([event for event in events if "response" in event]) == 3


SHAPES = {                                               # of an item: its delta, what has its text, whether it has parts
    "message": ("response.output_text", "text", True), "reasoning": ("response.reasoning_text", "text", True),
    "function_call": ("response.function_call_arguments", "arguments", False),
    "custom_tool_call": ("response.custom_tool_call_input", "input", False)}


@examples
@given(told(), st.booleans())
def test_each_item_is_told_in_order_and_whole(reply: tuple[list[Event], Ended], keeps: bool) -> None:
    query = asked(include=["reasoning.encrypted_content"] if keeps else [])
    events = streamed(query, *reply)
    output = events[-1]["response"]["output"]
    by_item: dict[int, list[dict[str, Any]]] = {}
    for event in events[2:-1]:
        by_item.setdefault(event["output_index"], []).append(event)
    assert sorted(by_item) == list(range(len(output)))
    for index, own in by_item.items():
        check_item(own, output[index])
    assert len({item["id"] for item in output}) == len(output)
    assert not {item["id"] for item in output} & {item.get("call_id") for item in output}


def check_item(events: list[dict[str, Any]], item: dict[str, Any]) -> None:
    name, key, parts = SHAPES[item["type"]]
    deltas = [event for event in events if event["type"] == f"{name}.delta"]
    expected = ["response.output_item.added", *["response.content_part.added"] * parts, *[f"{name}.delta"] * len(deltas),
                f"{name}.done", *["response.content_part.done"] * parts, "response.output_item.done"]
    assert [event["type"] for event in events] == expected
    added, done = events[0]["item"], events[-1]["item"]
    assert added["id"] == done["id"] and added["status"] == "in_progress" and done == item
    assert all(event.get("item_id", item["id"]) == item["id"] for event in events)
    joined = "".join(event["delta"] for event in deltas)
    assert all(event["delta"] for event in deltas)
    said = next(event for event in events if event["type"] == f"{name}.done")
    assert said[key] == joined
    if parts:
        assert added["content"] == [] and [part["text"] for part in item["content"]] == [joined]
        assert events[-2]["part"] == item["content"][0] and events[1]["part"] == {**events[-2]["part"], "text": ""}
    else:
        assert added[key] == "" and item[key] == joined
    if item["type"] == "function_call":
        assert said["name"] == item["name"]
        assert item["status"] == "incomplete" or isinstance(json.loads(item["arguments"]), dict)


@examples
@given(replies(), st.sampled_from(["length", "filtered"]))
def test_what_is_cut_off_is_incomplete(events: list[Event], finish: Any) -> None:
    for end in range(len(events) + 1):
        found = replied(asked(), events[:end], Ended(finish))
        assert found["status"] == "incomplete" and found["completed_at"] is None
        assert found["incomplete_details"] == {"reason": "max_output_tokens" if finish == "length" else "content_filter"}
        whole = {event.index for event in events[:end] if isinstance(event, CallEnd) and not event.problem}
        called = [item for item in found["output"] if item["type"] not in ("message", "reasoning")]
        assert [n for n, item in enumerate(called) if item["status"] == "completed"] == sorted(whole)
        if end and isinstance(events[end - 1], (Text, Reasoning)):
            assert found["output"][-1]["status"] == "incomplete"


@examples
@given(told())
def test_open_responses_names_reasoning_otherwise(reply: tuple[list[Event], Ended]) -> None:
    ours, theirs = streamed(asked(), *reply), streamed(asked(), *reply, "reasoning")
    assert [{**event, "type": event["type"].replace("reasoning_text", "reasoning")} for event in ours] == theirs


def test_a_reply_event_by_event() -> None:
    reply = [Reasoning("hm"), Text("I "), Text("look"), CallStart(0, "mcp__docs__f", "call_a"), CallArgs(0, '{"s":'),
             CallArgs(0, '"x"}'), CallEnd(0), CallStart(1, "c", "call_b"), CallArgs(1, '{"input": "a\\n'),
             CallArgs(1, 'b"}'), CallEnd(1)]
    events = streamed(asked(), reply, Ended("stop", 7, 5, 2, 3))
    assert [event["type"].removeprefix("response.") for event in events] == [
        "created", "in_progress", "output_item.added", "content_part.added", "reasoning_text.delta", "reasoning_text.done",
        "content_part.done", "output_item.done", "output_item.added", "content_part.added", "output_text.delta",
        "output_text.delta", "output_text.done", "content_part.done", "output_item.done", "output_item.added",
        "function_call_arguments.delta", "function_call_arguments.delta", "function_call_arguments.done",
        "output_item.done",
        "output_item.added", "custom_tool_call_input.delta", "custom_tool_call_input.delta", "custom_tool_call_input.done",
        "output_item.done", "completed"]
    made = events[-1]["response"]
    mark = "0123456789abcdefghijABCD"
    assert made["output"] == [
        {"id": f"rs_{mark}_0", "type": "reasoning", "status": "completed", "summary": [],
         "content": [{"type": "reasoning_text", "text": "hm"}]},
        {"id": f"msg_{mark}_1", "type": "message", "status": "completed", "role": "assistant",
         "content": [{"type": "output_text", "annotations": [], "logprobs": [], "text": "I look"}]},
        {"id": f"fc_{mark}_2", "type": "function_call", "status": "completed", "call_id": "call_a", "name": "f",
         "namespace": "mcp__docs", "arguments": '{"s":"x"}'},
        {"id": f"ctc_{mark}_3", "type": "custom_tool_call", "status": "completed", "call_id": "call_b", "name": "c",
         "input": "a\nb"}]
    assert made["usage"] == {"input_tokens": 7, "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 0},
                             "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 2}, "total_tokens": 12}
    assert made["completed_at"] == 1_700_000_009 and made["created_at"] == 1_700_000_000


def test_calls_side_by_side_have_items_of_their_own() -> None:
    reply = [CallStart(0, "f", "call_a"), CallStart(1, "f", "call_b"), CallArgs(1, '{"s":"1"}'), CallArgs(0, '{"s":"0"}'),
             CallEnd(1), CallEnd(0)]
    events = streamed(asked(), reply, Ended("stop"))
    assert [(item["call_id"], item["arguments"]) for item in events[-1]["response"]["output"]] == [
        ("call_a", '{"s":"0"}'), ("call_b", '{"s":"1"}')]


def test_a_call_that_nobody_ended_is_not_whole() -> None:
    (item,) = replied(asked(), [CallStart(0, "f", "call_a"), CallArgs(0, '{"s":"x"}')])["output"]
    assert item["status"] == "incomplete"


def test_a_call_without_arguments_has_an_empty_object() -> None:
    for pieces in ([], [""], [" "]):
        events = [CallStart(0, "f", "call_a"), *[CallArgs(0, piece) for piece in pieces], CallEnd(0)]
        (item,) = replied(asked(), events)["output"]
        assert json.loads(item["arguments"]) == {}


@pytest.mark.parametrize("events", [[], [Reasoning("hm")], [Text("")]])
def test_a_reply_that_says_nothing_is_an_empty_message(events: list[Event]) -> None:
    found = replied(asked(), events)
    assert found["status"] == "completed" and found["output"][-1]["content"][0]["text"] == ""
    assert all(item["type"] != "message" for item in replied(asked(), events, Ended("length"))["output"])


@examples
@given(replies(), st.integers(0, 99), st.sampled_from([429, 400, 500, 503]))
def test_a_failure_is_told_in_both_ways(events: list[Event], at: int, status: int) -> None:
    stream = responses.Stream(asked(), MADE)
    raw = stream.start() + b"".join([stream.feed(0, event) for event in events[:at]])
    found = list(frames(raw + stream.fail(ApiError(status, "it broke", "input", "engine_failed"))))
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    failed, error = found[-2:]
    code = {429: "rate_limit_exceeded", 400: "invalid_prompt"}.get(status, "server_error")
    assert failed["type"] == "response.failed" and failed["response"]["status"] == "failed"
    assert failed["response"]["error"] == {"code": code, "message": "it broke"}
    assert error["type"] == "error" and error["error"] == responses.refusal(
        ApiError(status, "it broke", "input", "engine_failed"))["error"]
    assert (error["message"], error["param"], error["code"]) == ("it broke", "input", "engine_failed")
    done = [event["item"] for event in found if event["type"] == "response.output_item.done"]
    assert sorted(done, key=lambda item: int(item["id"].rpartition("_")[2])) == failed["response"]["output"]
    assert len(done) == len([event for event in found if event["type"] == "response.output_item.added"])


@examples
@given(told())
def test_the_sdk_knows_all_of_it(reply: tuple[list[Event], Ended]) -> None:
    pytest.importorskip("openai")
    from openai.types.responses import Response, ResponseStreamEvent
    from pydantic import TypeAdapter

    read = TypeAdapter(ResponseStreamEvent)
    for event in streamed(asked(include=["reasoning.encrypted_content"]), *reply):
        found = read.validate_json(json.dumps(event), strict=True)
        assert found.type == event["type"]
        kept = json.loads(found.model_dump_json(by_alias=True, exclude_unset=True))
        assert kept == event
    whole = Response.model_validate_json(json.dumps(replied(asked(), *reply)), strict=True)
    assert whole.output_text == "".join(event.text for event in reply[0] if isinstance(event, Text))


def test_the_sdk_knows_a_failure() -> None:
    pytest.importorskip("openai")
    from openai.types.responses import ResponseStreamEvent
    from pydantic import TypeAdapter

    stream = responses.Stream(asked(), MADE)
    for event in frames(stream.start() + stream.feed(0, Text("a")) + stream.fail(ApiError(503, "it broke"))):
        TypeAdapter(ResponseStreamEvent).validate_json(json.dumps(event), strict=True)


@pytest.mark.parametrize("finish", ["stop", "length", "broken"])
def test_the_sdk_itself_reads_it(finish: Any) -> None:
    openai, httpx = pytest.importorskip("openai"), pytest.importorskip("httpx2")
    reply: list[Event] = [Reasoning("hm"), Text("I "), Text("look"), CallStart(0, "f", "call_a"), CallArgs(0, '{"s":'),
                          CallArgs(0, '"x"}'), CallEnd(0), CallStart(1, "c", "call_b"), CallArgs(1, '{"input": "a'),
                          CallArgs(1, 'b"}'), CallEnd(1)]

    def served(request: Any) -> Any:
        query = responses.read(json.loads(request.content))
        if not query.stream:
            return httpx.Response(200, json=replied(query, reply, Ended(finish)))
        stream = responses.Stream(query, MADE)
        raw = stream.start() + b"".join([stream.feed(0, event) for event in reply])
        raw += (stream.fail(ApiError(503, "it broke", None, "engine_failed")) if finish == "broken" else
                stream.end(0, Ended(finish)) + stream.finish())
        return httpx.Response(200, content=raw, headers={"content-type": "text/event-stream"})

    client = openai.OpenAI(api_key="x", base_url="http://server/v1", max_retries=0, _strict_response_validation=True,
                           http_client=httpx.Client(transport=httpx.MockTransport(served)))
    asking = {"model": "small", "input": "hi", "tools": [C, {**F, "strict": True}]}
    if finish == "broken":
        with pytest.raises(openai.APIError, match="it broke"):
            list(client.responses.create(**asking, stream=True))
        return
    whole = client.responses.create(**asking)
    with client.responses.stream(**asking) as stream:
        last = list(stream)[-1].response
        assert (last.status, last.output_text) == (whole.status, whole.output_text)
        assert [item.id for item in last.output] == [item.id for item in whole.output]
        if finish == "stop":
            found = stream.get_final_response().output
            assert found[2].parsed_arguments == {"s": "x"} and found[3].input == "ab"


# -- the response object


def test_every_key_is_there_always() -> None:
    for query in (responses.read({"model": "m", "input": "hi"}), asked()):
        events = streamed(query, [Text("a")], Ended("stop"))
        for event in (events[0], events[1], events[-1]):
            assert not KEYS - event["response"].keys()


def test_what_was_asked_is_shown() -> None:
    body = {"model": "m", "input": "hi", "instructions": "be kind", "temperature": 0.5, "top_p": 0.25,
            "max_output_tokens": 9, "max_tool_calls": 3, "metadata": {"a": "b"}, "store": False, "truncation": "auto",
            "parallel_tool_calls": False, "reasoning": {"effort": "low"}, "previous_response_id": "resp_before",
            "prompt_cache_key": "k", "user": "u",
            "tools": [{"type": "function", "name": "f"}, {"type": "web_search", "search_context_size": "low"}],
            "tool_choice": {"type": "function", "name": "f"}, "safety_identifier": "s",
            "text": {"verbosity": "low", "format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}}}
    found = replied(responses.read(body), [Text("{}")])
    for key in ("instructions", "temperature", "top_p", "max_output_tokens", "max_tool_calls", "metadata", "store",
                "truncation", "parallel_tool_calls", "previous_response_id", "prompt_cache_key", "user", "tool_choice",
                "safety_identifier"):
        assert found[key] == body[key], key
    assert found["tools"] == [{"type": "function", "name": "f", "description": None, "parameters": None, "strict": False},
                              {"type": "web_search", "search_context_size": "low"}]
    assert found["text"] == {"verbosity": "low", "format": {
        "type": "json_schema", "name": "n", "schema": {"type": "object"}, "description": None, "strict": False}}
    assert found["reasoning"] == {"effort": "low", "summary": None}
    plain = replied(responses.read({"model": "m", "input": "hi"}), [Text("a")])
    assert (plain["tool_choice"], plain["store"], plain["truncation"], plain["parallel_tool_calls"]) == (
        "auto", True, "disabled", True)
    assert plain["text"] == {"format": {"type": "text"}} and plain["metadata"] == {} and plain["tools"] == []


def test_what_is_asked_of_the_engine() -> None:
    query = asked(max_output_tokens=9, temperature=0, top_p=1, presence_penalty=1, frequency_penalty=-1, stream=True,
                  parallel_tool_calls=False, top_logprobs=2, include=["message.output_text.logprobs"],
                  text={"format": {"type": "json_object"}}, reasoning={"effort": "none"})
    assert (query.max_tokens, query.temperature, query.top_p) == (9, 0, 1)
    assert (query.presence_penalty, query.frequency_penalty) == (1, -1)
    assert (query.stream, query.parallel, query.logprobs, query.answer, query.thinking) == (
        True, False, 2, {"type": "object"}, False)
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    assert asked(text={"format": {"type": "json_schema", "name": "n", "schema": schema}}).answer == schema
    plain = asked(top_logprobs=2, reasoning={"effort": None})
    assert (plain.logprobs, plain.answer, plain.thinking, plain.parallel, plain.stream) == (None, None, None, None, False)
    assert asked(reasoning={"effort": "high"}).thinking is True


# -- items -> turns


def turns_of(items: Any, **more: Any) -> tuple[Turn, ...]:
    return responses.read({"model": "m", "input": items, "tools": TOOLS}, **more).turns


def outputs_of(output: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"type": f"{item['type']}_output", "call_id": item["call_id"], "output": f"result of {item['call_id']}"}
            for item in output if "call_id" in item]


def expected(events: Sequence[Event]) -> tuple[Turn, ...]:
    parts = fold(events).parts or (Text(""),)
    calls = [part for part in parts if isinstance(part, Call)]
    return (User("hi"), Assistant(parts), *[Result(f"result of {call.id}", call.name, call.id) for call in calls])


@examples
@given(replies(lost=False))
def test_a_reply_given_back_is_the_turn_that_it_was(events: list[Event]) -> None:
    asked_for = [{"role": "user", "content": "hi"}]
    made = replied(asked(), events)
    output = made["output"]
    results = outputs_of(output)
    assert turns_of([*asked_for, *output, *results]) == expected(events)
    # remembered: of the chain that the client names; and referred to, item by item
    past = [*responses.items_of({"input": "hi"}, ids()), *output]
    if results:
        assert turns_of(results, past=past) == expected(events)
    references = [{"type": "item_reference", "id": item["id"]} for item in output]
    assert responses.sources({"input": [*asked_for, *references]}) == [made["id"]]
    assert turns_of([*asked_for, *references, *results], known=output) == expected(events)
    more = [*references, *results, {"role": "user", "content": "so?"}]
    assert turns_of(more, past=past) == (*expected(events), User("so?"))


@examples
@given(text)
def test_reasoning_comes_back_from_whichever_field_was_kept(thought: str) -> None:
    (item, _) = replied(asked(include=["reasoning.encrypted_content"]), [Reasoning(thought), Text("a")])["output"]
    summed = {"type": "reasoning", "summary": [{"type": "summary_text", "text": thought}]}
    for kept in (item, {**item, "content": None}, summed):
        assert turns_of([kept, {"role": "assistant", "content": "a"}]) == (Assistant((Reasoning(thought), Text("a"))),)
    assert opened(sealed(thought)) == thought


@pytest.mark.parametrize("given", [None, 3, "gAAAAAB", "toolglot:%%%", "toolglot:/w==", sealed("a") + "é"])
def test_what_another_server_sealed_is_passed_over(given: Any) -> None:
    assert opened(given) == ""


def test_a_reply_that_was_cut_off_can_be_gone_on_from() -> None:
    events = [Text("I look"), CallStart(0, "f", "call_a"), CallArgs(0, '{"s": "')]
    output = replied(asked(), events, Ended("length"))["output"]
    assert [item["status"] for item in output] == ["completed", "incomplete"]
    past = [{"role": "user", "content": "hi"}, *output]
    query = responses.read({"model": "m", "input": "go on", "tools": TOOLS}, past)
    assert query.turns == (User("hi"), Assistant((Text("I look"),)), User("go on"))
    assert any("never became whole" in warning for warning in query.warnings)


CALL_A = {"type": "function_call", "call_id": "a", "name": "f", "arguments": '{"s": "x"}'}
CALL_B = {"type": "function_call", "call_id": "b", "name": "f", "namespace": "mcp__docs", "arguments": ""}
OUT_A = {"type": "function_call_output", "call_id": "a", "output": "ra"}
OUT_B = {"type": "function_call_output", "call_id": "b", "output": [
    {"type": "input_text", "text": "r"}, {"type": "input_text", "text": "b"}]}
A, B = Call("f", {"s": "x"}, "a"), Call("mcp__docs__f", {}, "b")
RA, RB = Result("ra", "f", "a"), Result("rb", "mcp__docs__f", "b")


@pytest.mark.parametrize(("items", "turns"), [
    ("hi", [User("hi")]),
    ([{"role": "developer", "content": [{"type": "input_text", "text": "be "}, {"type": "text", "text": "kind"}]},
      {"type": "message", "role": "user", "content": "hi"}], [System("be kind"), User("hi")]),
    ([CALL_A, CALL_B, OUT_A, OUT_B], [Assistant((A, B)), RA, RB]),
    ([CALL_A, CALL_B, OUT_B, OUT_A], [Assistant((A, B)), RB, RA]),
    ([CALL_A, OUT_A, CALL_B, OUT_B], [Assistant((A,)), RA, Assistant((B,)), RB]),
    ([CALL_A, {"role": "user", "content": "wait"}, OUT_A], [Assistant((A,)), RA, User("wait")]),
    ([{"role": "assistant", "content": "one"}, {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}],
     [Assistant((Text("one"),)), Assistant((Text("no"),))]),
    ([{"role": "assistant", "content": ""}, CALL_A, OUT_A], [Assistant((A,)), RA]),
    ([{"type": "custom_tool_call", "call_id": "a", "name": "c", "input": "x\ny"},
      {"type": "custom_tool_call_output", "call_id": "a", "output": "ra"}],
     [Assistant((Call("c", {"input": "x\ny"}, "a"),)), Result("ra", "c", "a")]),
    ([CALL_A, OUT_A, CALL_A, OUT_A], [Assistant((A,)), RA, Assistant((A,)), RA]),
    ([{**CALL_A, "name": "gone", "namespace": "mcp__x"}, OUT_A],
     [Assistant((Call("mcp__x__gone", {"s": "x"}, "a"),)), Result("ra", "mcp__x__gone", "a")]),
])
def test_items_are_turns(items: Any, turns: list[Turn]) -> None:
    assert list(turns_of(items)) == turns


def test_instructions_are_of_this_turn_alone() -> None:
    past = [*responses.items_of({"input": "hi", "instructions": "be kind"}, ids()), {"role": "assistant", "content": "hi"}]
    query = responses.read({"model": "m", "input": "so?", "instructions": "be brief"}, past)
    assert query.turns == (System("be brief"), User("hi"), Assistant((Text("hi"),)), User("so?"))


def test_the_same_past_has_the_same_key() -> None:
    first, second = (turns_of([CALL_A, OUT_A])[0] for _ in range(2))
    assert isinstance(first, Assistant) and isinstance(second, Assistant)
    assert first.key and first.key == second.key
    other = turns_of([{**CALL_A, "arguments": "{}"}, OUT_A])[0]
    assert isinstance(other, Assistant) and other.key != first.key


@pytest.mark.parametrize("item", [
    {"type": "mcp_list_tools", "id": "x", "server_label": "s", "tools": []},
    {"type": "compaction", "encrypted_content": "x"}, {"type": "web_search_call", "id": "ws_1", "status": "completed"},
    {"type": "local_shell_call_output", "id": "x", "output": "x"}])
def test_items_that_say_nothing_here_are_passed_over(item: Any) -> None:
    query = responses.read({"model": "m", "input": [item, {"role": "user", "content": "hi"}]})
    assert query.turns == (User("hi"),) and item["type"] in query.warnings[0]


def test_a_picture_that_a_tool_gave_is_shown_as_its_type() -> None:
    query = responses.read({"model": "m", "tools": TOOLS, "input": [
        CALL_A, {**OUT_A, "output": [{"type": "input_image", "image_url": "data:image/png;base64,AA=="}]}]})
    assert query.turns[1] == Result("[input_image]", "f", "a") and len(query.warnings) == 2


# -- items as they are kept


def test_items_are_kept_with_ids_and_statuses() -> None:
    items = responses.items_of({"input": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"},
                                          {**CALL_A, "id": "fc_mine"}, OUT_A]}, ids())
    assert items == [
        {"id": "msg_n0", "type": "message", "role": "user", "status": "completed",
         "content": [{"type": "input_text", "text": "hi"}]},
        {"id": "msg_n1", "type": "message", "role": "assistant", "status": "completed",
         "content": [{"type": "output_text", "annotations": [], "logprobs": [], "text": "ho"}]},
        {**CALL_A, "id": "fc_mine", "status": "completed"}, {**OUT_A, "id": "fco_n2", "status": "completed"}]


@examples
@given(replies(lost=False))
def test_the_sdk_knows_a_list_of_items(events: list[Event]) -> None:
    pytest.importorskip("openai")
    from openai.types.responses import ResponseItemList

    output = replied(asked(), events)["output"]
    given = [{"role": "user", "content": "hi"}, *output, *outputs_of(output)]
    items = responses.items_of({"input": given}, ids())
    assert turns_of(items) == turns_of(given)
    ResponseItemList.model_validate_json(json.dumps(responses.input_items(items, limit=100)), strict=True)


def test_references_are_kept_as_what_they_refer_to() -> None:
    output = replied(asked(), [Text("a")])["output"]
    body = {"input": [{"id": output[0]["id"]}, {"role": "user", "content": "hi"}]}
    assert responses.items_of(body, ids(), output)[0] == output[0]


def test_items_are_shown_in_pages() -> None:
    items = [{"id": f"msg_{n}"} for n in range(5)]
    page = responses.input_items(items, limit=2)
    assert [item["id"] for item in page["data"]] == ["msg_4", "msg_3"]
    assert (page["object"], page["first_id"], page["last_id"], page["has_more"]) == ("list", "msg_4", "msg_3", True)
    rest = responses.input_items(items, "asc", "msg_2", 2)
    assert [item["id"] for item in rest["data"]] == ["msg_3", "msg_4"] and not rest["has_more"]
    assert responses.input_items([])["data"] == []
    with pytest.raises(ApiError) as caught:
        responses.input_items(items, "asc", "msg_9")
    assert caught.value.param == "after"


def test_the_small_bodies() -> None:
    assert responses.deleted("resp_1") == {"id": "resp_1", "object": "response", "deleted": True}
    assert responses.input_tokens(7) == {"object": "response.input_tokens", "input_tokens": 7}


@pytest.mark.parametrize("body", [
    None, 3, {}, {"input": "hi"}, {"input": [3, {"id": 4}, {"id": "x"}, {"type": "item_reference"}]}])
def test_sources_of_anything(body: Any) -> None:
    assert responses.sources(body) == []


# -- tools


@pytest.mark.parametrize(("name", "namespace", "wire"), [
    ("f", None, "f"), ("exec", "functions", "exec"), ("search", "mcp__docs", "mcp__docs__search"),
    ("search", "mcp__docs__", "mcp__docs__search"), ("search", "my docs/2", "my_docs_2__search"),
    ("n" * 40, "m" * 40, "m" * 22 + "__" + "n" * 40)])
def test_names_of_namespaces(name: str, namespace: str | None, wire: str) -> None:
    assert joined(name, namespace) == wire


def test_every_tool_has_a_name_of_its_own() -> None:
    def named(*names: str) -> list[dict[str, Any]]:
        return [{"type": "function", "name": name} for name in names]

    given = [{"type": "namespace", "name": "a__", "tools": named("f", "g")},
             {"type": "namespace", "name": "a", "tools": named("f")},
             {"type": "namespace", "name": "functions", "tools": named("h", "k")}, *named("a__f", "h")]
    offer = offer_of(given)
    assert [tool.name for tool in offer.tools] == ["a__f_2", "a__g", "a__f_3", "h_2", "k", "a__f", "h"]
    back = [(own.namespace, own.name) for own in offer.own.values()]
    assert back == [("a__", "f"), ("a__", "g"), ("a", "f"), ("functions", "h"), ("functions", "k"), (None, "a__f"),
                    (None, "h")]
    assert [offer.name(name, namespace) for namespace, name in back] == [tool.name for tool in offer.tools]
    query = responses.read({"model": "m", "input": "hi", "tools": given})
    (item,) = replied(query, [CallStart(0, "h_2", "call_a"), CallEnd(0)])["output"]
    assert (item["namespace"], item["name"]) == ("functions", "h")


@examples
@given(st.lists(st.tuples(st.none() | st.sampled_from(["a", "a_", "a__b", "functions"]),
                          st.sampled_from(["f", "b__f", "a__f", "f_2"])), unique=True, max_size=8))
def test_names_go_both_ways(tools: list[tuple[str | None, str]]) -> None:
    given = [{"type": "function", "name": name} if namespace is None else
             {"type": "namespace", "name": namespace, "tools": [{"type": "function", "name": name}]}
             for namespace, name in tools]
    offer = offer_of(given)
    assert [(offer.own[tool.name].namespace, offer.own[tool.name].name) for tool in offer.tools] == tools


def test_the_same_tools_are_the_same_tuple() -> None:
    assert asked().tools is asked().tools
    assert asked().tools is not asked(tools=[F]).tools


def test_what_is_kept_is_nobody_elses_to_change() -> None:
    given = json.loads(json.dumps([{**F, "description": "kept"}]))
    before = asked(tools=given)
    given[0]["parameters"]["properties"]["s"]["type"] = "integer"
    assert before.tools[0].parameters["properties"]["s"] == {"type": "string"}
    assert before.extra["shown"]["tools"][0]["parameters"] == F["parameters"]
    assert asked(tools=given).tools[0].parameters["properties"]["s"] == {"type": "integer"}


def test_tools_that_come_with_the_input() -> None:
    more = {"type": "additional_tools", "role": "developer", "tools": [
        {"type": "namespace", "name": "functions", "tools": [{"type": "custom", "name": "exec"}]}, F,
        {"type": "web_search"}]}
    query = asked(input=[more, {"role": "user", "content": "hi"}, more], tools=[F], tool_choice="auto")
    assert [tool.name for tool in query.tools] == ["f", "exec"] and query.choice == "auto"
    assert query.turns == (User("hi"),)
    (item,) = replied(query, [CallStart(0, "exec", "call_a"), CallArgs(0, '{"input":"ls"}'), CallEnd(0)])["output"]
    assert (item["type"], item["namespace"], item["name"], item["input"]) == ("custom_tool_call", "functions", "exec", "ls")
    past = [*responses.items_of({"input": [more]}, ids()), item, *outputs_of([item])]
    later = responses.read({"model": "m", "input": "so?"}, past)
    assert [tool.name for tool in later.tools] == ["exec", "f"]
    assert later.turns[0] == Assistant((Call("exec", {"input": "ls"}, "call_a"),))


def test_a_namespace_describes_what_does_not_describe_itself() -> None:
    offer = offer_of([{**NAMESPACE, "tools": [F, {"type": "function", "name": "g"}]}])
    assert [tool.description for tool in offer.tools] == ["does f", "The documents."]


HOSTED = ["web_search", "web_search_preview", "file_search", "code_interpreter", "image_generation", "computer_use_preview",
          "local_shell", "shell", "apply_patch", "tool_search", "mcp", "not_yet_known"]


@pytest.mark.parametrize("kind", HOSTED)
def test_hosted_tools_are_passed_over_and_never_refused(kind: str) -> None:
    hosted = {"type": kind, "server_label": "s", "name": "n"}
    for choice in (None, "auto", "none", "required", {"type": kind, "server_label": "s"},
                   {"type": "allowed_tools", "mode": "required", "tools": [{"type": kind}]}):
        alone = asked(tools=[hosted], tool_choice=choice)
        assert alone.tools == () and alone.choice == "none" and kind in alone.warnings[0]
        assert replied(alone, [Text("a")])["tools"] == [hosted]
    beside = asked(tools=[hosted, F], tool_choice={"type": kind})
    assert [tool.name for tool in beside.tools] == ["f"] and beside.choice == "auto" and len(beside.warnings) == 2
    allowed = {"type": "allowed_tools", "mode": "required", "tools": [{"type": kind}, {"type": "function", "name": "f"}]}
    assert asked(tools=[hosted, F], tool_choice=allowed).choice == {"allowed": ["f"], "mode": "required"}


@pytest.mark.parametrize(("given", "choice"), [
    (None, "auto"), ("auto", "auto"), ("none", "none"), ("required", "required"), ("f", {"name": "f"}),
    ({"type": "function", "name": "f"}, {"name": "f"}), ({"type": "custom", "name": "c"}, {"name": "c"}),
    ({"type": "custom", "name": "patch"}, {"name": "mcp__docs__patch"}),
    ({"type": "function", "name": "f", "namespace": "mcp__docs"}, {"name": "mcp__docs__f"}),
    ({"type": "function", "name": "mcp__docs__f"}, {"name": "mcp__docs__f"}),
    ({"type": "allowed_tools", "mode": "auto", "tools": [
        {"type": "function", "name": "f"}, {"type": "custom", "name": "c"}]},
     {"allowed": ["f", "c"], "mode": "auto"}),
    ({"type": "allowed_tools", "tools": [{"type": "namespace", "name": "mcp__docs"}]},
     {"allowed": ["mcp__docs__f", "mcp__docs__patch"], "mode": "auto"})])
def test_every_form_of_a_choice(given: Any, choice: Any) -> None:
    query = asked(tool_choice=given)
    assert query.choice == choice
    shown = replied(query, [Text("a")])["tool_choice"]
    assert shown == ({"type": "function", "name": "f"} if given == "f" else "auto" if given is None else
                     {"mode": "auto", **given} if isinstance(given, dict) and given["type"] == "allowed_tools" else given)


# -- bad requests


MISSING, TYPE, VALUE, TOOL = ("missing_required_parameter", "invalid_type", "invalid_value", "invalid_function_parameters")
USER = {"role": "user", "content": "hi"}


@pytest.mark.parametrize(("wrong", "param", "code"), [
    ({"model": None}, "model", TYPE), ({"input": None}, "input", MISSING), ({"input": []}, "input", MISSING),
    ({"input": 3}, "input", TYPE), ({"input": ["hi"]}, "input[0]", TYPE), ({"input": [{}]}, "input[0].role", MISSING),
    ({"input": [{"role": "user"}]}, "input[0].content", MISSING), ({"input": [{"content": "x"}]}, "input[0].role", MISSING),
    ({"input": [{"role": "tool", "content": "x"}]}, "input[0].role", VALUE),
    ({"input": [{"role": "user", "content": 3}]}, "input[0].content", TYPE),
    ({"input": [{"role": "user", "content": [{"text": "x"}]}]}, "input[0].content[0].type", MISSING),
    ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]}, "input[0].content[0]", VALUE),
    ({"input": [{"type": "function_call", "call_id": "a", "name": "f"}]}, "input[0].arguments", MISSING),
    ({"input": [{**CALL_A, "arguments": {}}, OUT_A]}, "input[0].arguments", TYPE),
    ({"input": [{**CALL_A, "arguments": "{"}, OUT_A]}, "input[0].arguments", VALUE),
    ({"input": [{**CALL_A, "arguments": "[1]"}, OUT_A]}, "input[0].arguments", VALUE),
    ({"input": [{**CALL_A, "arguments": "[" * 100_000}, OUT_A]}, "input[0].arguments", VALUE),
    ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id", MISSING),
    ({"input": [USER, OUT_A]}, "input[1].call_id", VALUE), ({"input": [OUT_A, CALL_A]}, "input[0].call_id", VALUE),
    ({"input": [CALL_A, OUT_A, OUT_A]}, "input[2].call_id", VALUE),
    ({"input": [CALL_A, CALL_A, OUT_A]}, "input[1].call_id", VALUE),
    ({"input": [CALL_A, USER]}, "input", VALUE),
    ({"input": [USER, {"type": "item_reference", "id": "msg_0123_0"}]}, "input[1].id", "item_not_found"),
    ({"input": [{"type": "item_reference"}]}, "input[0].id", MISSING),
    ({"input": [{"type": "reasoning", "summary": [{"text": "x"}]}]}, "input[0].summary[0].type", MISSING),
    ({"tools": {}}, "tools", TYPE), ({"tools": [{"name": "f"}]}, "tools[0].type", MISSING),
    ({"tools": [{"type": "function"}]}, "tools[0].name", MISSING),
    ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools[0].name", MISSING),
    ({"tools": [{"type": "web_search"}, F, F]}, "tools[2]", TOOL),
    ({"tools": [F, {"type": "function", "name": "g", "parameters": {"type": "string"}}]}, "tools[1].parameters.type", TOOL),
    ({"tools": [F, {**NAMESPACE, "tools": [{"type": "x"}, {"type": "function", "name": "a b"}]}]},
     "tools[1].tools[1].name", TOOL),
    ({"tools": [{"type": "web_search"}, {"type": "function", "name": "g",
                                         "parameters": {"properties": {"c": {"enum": 1}}}}]},
     "tools[1]", TOOL),
    ({"tools": [{"type": "namespace", "name": "n"}]}, "tools[0].tools", MISSING),
    ({"tools": [{"type": "web_search"}, {"type": "custom", "name": "c", "format": {"type": "grammar", "syntax": "bnf"}}]},
     "tools[1].format", TOOL),
    ({"input": [{"type": "additional_tools", "tools": [{"type": "function", "name": "a b"}]}, USER]},
     "input[0].tools[0].name", TOOL),
    ({"tools": [F], "tool_choice": "g"}, "tool_choice", VALUE), ({"tools": [F], "tool_choice": 3}, "tool_choice", TYPE),
    ({"tools": [F], "tool_choice": {"type": "function", "name": "g"}}, "tool_choice", VALUE),
    ({"tools": [F], "tool_choice": {"type": "function"}}, "tool_choice.name", MISSING),
    ({"tools": [F], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [
        {"type": "mcp"}, {"type": "function", "name": "g"}]}},
     "tool_choice.tools[1]", VALUE),
    ({"tools": [F], "tool_choice": {"type": "allowed_tools", "mode": "some", "tools": [F]}}, "tool_choice.mode", VALUE),
    ({"tools": [F], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": []}}, "tool_choice.tools", VALUE),
    ({"tool_choice": "required"}, "tool_choice", VALUE),
    ({"tool_choice": {"type": "function", "name": "g"}}, "tool_choice", VALUE),
    ({"text": {"format": {"type": "json_schema", "schema": {}}}}, "text.format.name", MISSING),
    ({"text": {"format": {"type": "json_schema", "name": "x", "schema": {"required": 1}}}}, "text.format.schema",
     "invalid_schema"),
    ({"text": {"format": {"type": "xml"}}}, "text.format.type", VALUE),
    ({"temperature": 3}, "temperature", VALUE), ({"max_output_tokens": 0}, "max_output_tokens", VALUE),
    ({"max_output_tokens": "9"}, "max_output_tokens", TYPE), ({"top_logprobs": 21}, "top_logprobs", VALUE),
    ({"reasoning": {"effort": "much"}}, "reasoning.effort", TYPE), ({"stream": "yes"}, "stream", TYPE),
    ({"metadata": {str(n): "a" for n in range(17)}}, "metadata", VALUE), ({"metadata": {"a": 1}}, "metadata.a", TYPE),
    ({"metadata": {"k" * 65: "a"}}, "metadata", VALUE), ({"metadata": {"a": "b" * 513}}, "metadata.a", VALUE),
    ({"background": True}, "background", "unsupported_parameter"),
    ({"conversation": "conv_1"}, "conversation", "unsupported_parameter"),
    ({"prompt": {"id": "p"}}, "prompt", "unsupported_parameter"),
])
def test_what_is_wrong_is_said_of_its_field(wrong: dict[str, Any], param: str, code: str) -> None:
    with pytest.raises(ApiError) as caught:
        responses.read({"model": "m", "input": "hi", **wrong})
    assert (caught.value.status, caught.value.param, caught.value.code) == (400, param, code), str(caught.value)
    error = responses.refusal(caught.value)["error"]
    assert error.keys() == {"message", "type", "param", "code"} and error["type"] == "invalid_request_error"
    assert len(error["message"]) < 500


@pytest.mark.parametrize(("items", "said"), [
    ([OUT_A], "No tool call found for function call output with call_id a."),
    ([{"type": "custom_tool_call_output", "call_id": "a", "output": ""}],
     "No tool call found for custom tool call output with call_id a."),
    ([CALL_A], "No tool output found for function call a.")])
def test_words_that_clients_know(items: Any, said: str) -> None:
    with pytest.raises(ApiError) as caught:
        turns_of(items)
    assert caught.value.message == said


@pytest.mark.parametrize("body", [None, [], "x", 3])
def test_a_body_that_is_none(body: Any) -> None:
    with pytest.raises(ApiError) as caught:
        responses.read(body)
    assert caught.value.status == 400


def test_what_is_newer_than_this_is_let_through() -> None:
    query = asked(service_tier="flex", context_management=[{"type": "compaction"}], prompt_cache_retention="24h",
                  stream_options={"include_obfuscation": False}, background=False, conversation=None, future={"a": 1})
    assert query.turns == (User("hi"),)
