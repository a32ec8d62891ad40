"""Anthropic's Messages: what is streamed is well formed, says what the unstreamed message says, and reads back as it was.

Anthropic's own client reads the streams where it is installed.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolglot.message import (
    Assistant,
    Call,
    CallArgs,
    CallEnd,
    CallStart,
    Problem,
    Reasoning,
    Result,
    System,
    Text,
    User,
)

pytest.importorskip("jsonschema_rs", reason="the shapes of requests are checked with jsonschema-rs")
orjson = pytest.importorskip("orjson", reason="the wire formats are written with orjson")

from test_api_chat import answers, clients, given_keys, lost, mixed, streamed  # noqa: E402
from toolglot.api import Answer, ApiError, Ended, Made, bodies, messages  # noqa: E402
from toolglot.api.answers import Called  # noqa: E402
from toolglot.api.shapes import checker  # noqa: E402

USER = {"role": "user", "content": "hi"}
ASKED: dict[str, Any] = {"model": "m", "max_tokens": 9, "messages": [USER]}
TOOL = {"name": "f", "description": "does f", "input_schema": {"type": "object", "properties": {"a": {"type": "string"}}}}
BASH = {"type": "bash_20250124", "name": "bash"}
MADE = Made("msg_1", 1_790_000_000, "m", lambda kind: f"{kind}_1", "req_1")
QUERY = messages.read({**ASKED, "tools": [TOOL]})


def frames(sent: bytes) -> list[Any]:
    """The data of each event, whose name is its type."""
    *events, rest = sent.decode().split("\n\n")
    assert rest == ""
    found = []
    for event in events:
        name, data = event.split("\n")
        found.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {found[-1]['type']}"
    return found


def joined(events: Sequence[Any]) -> dict[str, Any]:
    """What a careful client makes of a stream, checking the order of what comes."""
    assert [event["type"] for event in events[:2]] == ["message_start", "ping"]
    assert [event["type"] for event in events[-2:]] == ["message_delta", "message_stop"]
    message = dict(events[0]["message"])
    assert message["content"] == [] and message["stop_reason"] is None
    blocks: list[dict[str, Any]] = []
    given: list[list[str]] = []
    is_open = False
    for event in events[2:-2]:
        match event["type"]:
            case "content_block_start":
                assert not is_open and event["index"] == len(blocks), "one block at a time, numbered densely"
                blocks.append(event["content_block"])
                given.append([])
                assert blocks[-1].get("input", {}) == {} and not blocks[-1].get("text") and not blocks[-1].get("signature")
                is_open = True
            case "content_block_delta":
                assert is_open and event["index"] == len(blocks) - 1
                match event["delta"]:
                    case {"type": "text_delta", "text": said}:
                        blocks[-1]["text"] += said
                    case {"type": "thinking_delta", "thinking": said}:
                        assert blocks[-1]["signature"] == ""
                        blocks[-1]["thinking"] += said
                    case {"type": "signature_delta", "signature": said}:
                        blocks[-1]["signature"] = said
                    case {"type": "input_json_delta", "partial_json": said}:
                        given[-1].append(said)
            case "content_block_stop":
                assert is_open and event["index"] == len(blocks) - 1
                is_open = False
            case kind:
                raise AssertionError(kind)
    assert not is_open
    for block, pieces in zip(blocks, given, strict=True):
        if block["type"] == "tool_use":
            assert pieces[0] == "", "the first fragment is empty"
            block["fragments"] = "".join(pieces)
    return {**message, **events[-2]["delta"], "usage": {**message["usage"], **events[-2]["usage"]}, "content": blocks}


# -- the laws

is_event, is_message, is_error = checker(bodies.MESSAGE_EVENT), checker(bodies.MESSAGE), checker(bodies.MESSAGE_ERROR)


@settings(deadline=None)
@given(st.data(), st.integers(0, 99))
def test_a_stream_joins_to_the_message(data: st.DataObject, known: int) -> None:
    answer = data.draw(answers())
    stream = messages.Stream(QUERY, MADE)
    started = stream.start(known) if known else b""      # one that nobody starts begins by itself
    events = frames(started + streamed(stream, mixed(data.draw, [answer])))
    assert events[0]["message"]["usage"]["input_tokens"] == known
    body = messages.whole(QUERY, MADE, [answer])
    for event in events:
        is_event(event)
    is_message(body)
    assert json.loads(orjson.dumps(body)) == body
    found = joined(events)
    calls, content = 0, []
    for block in found["content"]:
        cut = block["type"] == "tool_use" and calls in lost(answer)
        calls += block["type"] == "tool_use"
        if not cut:
            if block["type"] == "tool_use":
                block["input"] = Called("", "", [block.pop("fragments")]).object
            content.append(block)
    assert {**found, "content": content} == body
    called = any(block["type"] == "tool_use" for block in content)
    assert (body["stop_reason"] == "tool_use") == (called and answer.ended.finish == "stop")
    assert len({block["id"] for block in content if block["type"] == "tool_use"}) == sum(
        block["type"] == "tool_use" for block in content)


@settings(max_examples=60, deadline=None)
@given(answers())
def test_a_reply_that_is_given_back_reads_as_it_was(answer: Answer) -> None:
    content = messages.whole(QUERY, MADE, [answer])["content"]
    uses = [block for block in content if block["type"] == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": use["id"], "content": "ok"} for use in uses]
    told = [USER, {"role": "assistant", "content": content}, {"role": "user", "content": [*results, {
        "type": "text", "text": "go on"}]}]
    turns = messages.read({**ASKED, "messages": told}).turns
    starts = {event.index: event for event in answer.events if isinstance(event, CallStart)}
    written = {i: "".join(e.delta for e in answer.events if isinstance(e, CallArgs) and e.index == i) for i in starts}
    calls = [Call(start.name, json.loads(written[i].strip() or "{}"), start.id) for i, start in starts.items()
             if i not in lost(answer)]
    assert [part for part in turns[1].parts if isinstance(part, Call)] == calls          # type: ignore[union-attr]
    parts = turns[1].parts                                                              # type: ignore[union-attr]
    for kind in (Text, Reasoning):
        said = "".join(event.text for event in answer.events if isinstance(event, kind))
        assert "".join(part.text for part in parts if isinstance(part, kind)) == said
    shapes = [{"text": Text, "thinking": Reasoning, "tool_use": Call}[block["type"]] for block in content]
    assert [type(part) for part in parts] == (shapes or [Text])
    assert turns[2:] == (*(Result("ok", call.name, call.id) for call in calls), User("go on"))


@pytest.fixture(scope="module")
def anthropic() -> Callable[[bytes], Any]:
    return clients(pytest.importorskip("anthropic", reason="Anthropic's client is the judge"), "/v1/messages")


def test_anthropics_client_makes_the_same_of_a_stream_and_of_a_message(anthropic: Callable[[bytes], Any]) -> None:
    @settings(max_examples=60, deadline=None)
    @given(st.data())
    def law(data: st.DataObject) -> None:
        answer = data.draw(answers().filter(lambda a: not lost(a)))
        client = anthropic(streamed(messages.Stream(QUERY, MADE), mixed(data.draw, [answer])))
        with client.messages.stream(**ASKED) as stream:
            found = stream.get_final_message().to_dict()
        meant = anthropic(orjson.dumps(messages.whole(QUERY, MADE, [answer]))).messages.create(**ASKED).to_dict()
        assert given_keys(found) == given_keys(meant)

    law()


def test_anthropics_client_understands_an_error_in_a_stream(anthropic: Callable[[bytes], Any]) -> None:
    stream = messages.Stream(QUERY, MADE)
    sent = stream.feed(0, Text("a")) + stream.fail(ApiError(503, "The engine cannot be reached."))
    with pytest.raises(Exception, match=r"overloaded_error.*cannot be reached"):
        list(anthropic(sent).messages.create(**ASKED, stream=True))


# -- on the wire, byte for byte


def test_a_whole_exchange_on_the_wire() -> None:
    stream = messages.Stream(QUERY, MADE)
    sent = stream.start(12) + b"".join([stream.feed(0, event) for event in (
        Reasoning("hm"), Text("a"), Text("é\n"), CallStart(0, "f", "call_A1"), CallArgs(0, '{"a":'), CallArgs(0, ' "b"}'),
        CallEnd(0), CallStart(1, "f", "call_B2"), CallEnd(1))])
    sent += stream.end(0, Ended("stop", 12, 34, 5, 2)) + stream.finish()
    start = ('{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],'
             '"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":12,"cache_creation_input_tokens":0,'
             '"cache_read_input_tokens":0,"output_tokens":0,"output_tokens_details":{"thinking_tokens":0}}}}')
    signature = base64.b64encode(hashlib.sha256(b"hm").digest()).decode()
    block, delta = '{"type":"content_block_start","index":', '{"type":"content_block_delta","index":'
    stop = "content_block_stop"
    assert [line.removeprefix("data: ") for line in sent.decode().split("\n") if line.startswith("data: ")] == [
        start, '{"type":"ping"}',
        block + '0,"content_block":{"type":"thinking","thinking":"","signature":""}}',
        delta + '0,"delta":{"type":"thinking_delta","thinking":"hm"}}',
        delta + f'0,"delta":{{"type":"signature_delta","signature":"{signature}"}}}}',
        f'{{"type":"{stop}","index":0}}',
        block + '1,"content_block":{"type":"text","text":""}}',
        delta + '1,"delta":{"type":"text_delta","text":"a"}}', delta + '1,"delta":{"type":"text_delta","text":"é\\n"}}',
        f'{{"type":"{stop}","index":1}}',
        block + '2,"content_block":{"type":"tool_use","id":"toolu_A1","name":"f","input":{}}}',
        delta + '2,"delta":{"type":"input_json_delta","partial_json":""}}',
        delta + '2,"delta":{"type":"input_json_delta","partial_json":"{\\"a\\":"}}',
        delta + '2,"delta":{"type":"input_json_delta","partial_json":" \\"b\\"}"}}',
        f'{{"type":"{stop}","index":2}}',
        block + '3,"content_block":{"type":"tool_use","id":"toolu_B2","name":"f","input":{}}}',
        delta + '3,"delta":{"type":"input_json_delta","partial_json":""}}',
        delta + '3,"delta":{"type":"input_json_delta","partial_json":"{}"}}',
        f'{{"type":"{stop}","index":3}}',
        '{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":10,'
        '"cache_creation_input_tokens":0,"cache_read_input_tokens":2,"output_tokens":34,"output_tokens_details":'
        '{"thinking_tokens":5}}}',
        '{"type":"message_stop"}']
    assert stream.ping() == b'event: ping\ndata: {"type":"ping"}\n\n'


@pytest.mark.parametrize(("ended", "called", "reason", "sequence"), [
    (Ended("stop"), False, "end_turn", None), (Ended("stop"), True, "tool_use", None),
    (Ended("stop", stop="END"), False, "stop_sequence", "END"), (Ended("stop", stop="END"), True, "tool_use", None),
    (Ended("length"), False, "max_tokens", None), (Ended("length"), True, "max_tokens", None),
    (Ended("filtered"), False, "refusal", None)])
def test_why_a_reply_ended(ended: Ended, called: bool, reason: str, sequence: str | None) -> None:
    events = (CallStart(0, "f", "call_1"), CallArgs(0, "{}"), CallEnd(0)) if called else (Text("a"),)
    body = messages.whole(QUERY, MADE, [Answer(events, ended)])
    assert (body["stop_reason"], body["stop_sequence"]) == (reason, sequence)


def test_a_call_that_is_cut_is_closed_in_the_stream_and_left_out_of_the_message() -> None:
    cut = Problem("cut", 9, "}", "nothing", '{"a": "b', "f")
    events = (Text("a"), CallStart(0, "f", "call_1"), CallArgs(0, '{"a": "b'), CallEnd(0, cut))
    answer = Answer(events, Ended("length", 1, 2))
    found = joined(frames(streamed(messages.Stream(QUERY, MADE), iter([(0, e) for e in (*events, answer.ended)]))))
    assert found["content"][1]["fragments"] == '{"a": "b' and found["stop_reason"] == "max_tokens"
    assert messages.whole(QUERY, MADE, [answer])["content"] == [{"type": "text", "text": "a"}]


def test_a_call_is_closed_as_soon_as_it_is_whole() -> None:
    """Clients run it then: the rest of the reply may be long in coming."""
    stream = messages.Stream(QUERY, MADE)
    stream.feed(0, CallStart(0, "f", "call_1"))
    assert frames(stream.feed(0, CallArgs(0, "{}")) + stream.feed(0, CallEnd(0)))[-1] == {
        "type": "content_block_stop", "index": 0}
    assert stream.end(0, Ended("stop")) == b""


@pytest.mark.parametrize(("written", "input"), [
    ('{"a": 12345678901234567890123}', {"a": 1.2345678901234568e22}), ('{"a": 1e999}', {"a": 1.7976931348623157e308}),
    (f'{{"a": -{"9" * 400}, "b": 3}}', {"a": -1.7976931348623157e308, "b": 3}), ('{"a": "\\ud83d!"}', {"a": "\ufffd!"}),
    ("", {}), (" ", {}), ("{ }", {})])
def test_an_input_can_always_be_written(written: str, input: Any) -> None:
    events = (CallStart(0, "f", "call_1"), CallArgs(0, written), CallEnd(0))
    body = messages.whole(QUERY, MADE, [Answer(events, Ended("stop"))])
    assert json.loads(orjson.dumps(body))["content"][0]["input"] == input


# -- a conversation


def said(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words, "cache_control": {"type": "ephemeral"}}


def use(id: str, **input: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": id, "name": "f", "input": input}


def result(id: str, content: Any = "ok", **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": id, "content": content, **more}


def asked(*told: Any, **more: Any) -> dict[str, Any]:
    return {**ASKED, "messages": list(told), **more}


IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": ""}}
PAPER = {"type": "document", "title": "T", "source": {"type": "text", "media_type": "text/plain", "data": "words"}}
FOUND = {"type": "search_result", "title": "T", "source": "s", "content": [text("a"), text("b")]}
CALL = Call("f", {"a": "b"}, "call_1")


@pytest.mark.parametrize(("body", "turns"), [
    (asked(USER, system="be brief"), [System("be brief"), User("hi")]),
    (asked(USER, system=[text("a"), text("b")]), [System("a\n\nb"), User("hi")]),
    (asked(USER, system=[]), [User("hi")]),
    (asked(user(text("a")), USER, user(text("b"), text("c"))), [User("a\n\nhi\n\nb\n\nc")]),
    (asked(USER, {"role": "assistant", "content": "a"}, said(text("b")), USER),
     [User("hi"), Assistant((Text("a"), Text("b"))), User("hi")]),
    (asked(USER, said(), USER), [User("hi"), Assistant((Text(""),)), User("hi")]),
    (asked(USER, {"role": "system", "content": "from now on"}), [User("hi"), System("from now on")]),
    (asked(USER, said({"type": "thinking", "thinking": "hm", "signature": "x"}, {"type": "redacted_thinking", "data": "x"},
                      text("a"), use("toolu_1", a="b")), user(result("toolu_1"))),
     [User("hi"), Assistant((Reasoning("hm"), Text("a"), CALL)), Result("ok", "f", "call_1")]),
    (asked(USER, said(use("toolu_1", a="b"), use("own-2", a="b")),
           user(text("so"), result("own-2", [text("x"), text("y")])), user(result("toolu_1", "no", is_error=True))),
     [User("hi"), Assistant((CALL, Call("f", {"a": "b"}, "own-2"))), Result("x\n\ny", "f", "own-2"),
      Result("Error: no", "f", "call_1"), User("so")]),
    (asked(USER, said(use("toolu_1", a="b")), user({"type": "tool_result", "tool_use_id": "toolu_1"})),
     [User("hi"), Assistant((CALL,)), Result("", "f", "call_1")]),
    (asked(USER, said(use("toolu_1", a="b")),
           user(result("toolu_1", [{"type": "tool_reference", "tool_name": "g"}, FOUND]))),
     [User("hi"), Assistant((CALL,)), Result("g\n\nT (s)\n\na\n\nb", "f", "call_1")]),
    (asked(user(PAPER, FOUND)), [User("T\n\nwords\n\nT (s)\n\na\n\nb")]),
], ids=lambda value: None)
def test_a_conversation_is_read_as_turns(body: Any, turns: Any) -> None:
    assert list(messages.read(body).turns) == turns
    del body["max_tokens"]
    assert list(messages.read_count(body).turns) == turns


def test_a_request_says_what_it_asks() -> None:
    query = messages.read({
        **ASKED, "tools": [BASH, {**TOOL, "type": "custom", "cache_control": {"type": "ephemeral"}}], "temperature": 0.5,
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}, "stop_sequences": ["END"], "top_k": 5,
        "top_p": 0.9, "stream": True, "metadata": {"user_id": "u"}, "thinking": {"type": "enabled", "budget_tokens": 1024},
        "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {"type": "object"}}}, "unknown": 1})
    assert [tool.name for tool in query.tools] == ["f"] and query.choice == "auto" and query.parallel is False
    assert query.tools[0].parameters == TOOL["input_schema"]
    assert (query.max_tokens, query.stop, query.temperature, query.top_k, query.top_p, query.stream, query.thinking) == (
        9, ("END",), 0.5, 5, 0.9, True, True)
    assert query.answer == {"type": "object"} and query.model == "m" and query.n == 1
    (warning,) = query.warnings
    assert warning.startswith("tools[0]") and "bash_20250124" in warning


@pytest.mark.parametrize(("given", "choice", "parallel"), [
    ({}, "none", None), ({"tools": [TOOL]}, "auto", None), ({"tools": [BASH]}, "none", None),
    ({"tool_choice": {"type": "none"}}, "none", None), ({"tools": [TOOL], "tool_choice": {"type": "none"}}, "none", None),
    ({"tools": [TOOL], "tool_choice": {"type": "any", "disable_parallel_tool_use": False}}, "required", True),
    ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "f"}}, {"name": "f"}, None)])
def test_a_choice_is_what_it_is_elsewhere(given: Any, choice: Any, parallel: bool | None) -> None:
    query = messages.read({**ASKED, **given})
    assert (query.choice, query.parallel) == (choice, parallel)


@pytest.mark.parametrize(("kind", "thinking"), [
    (None, None), ("enabled", True), ("adaptive", True), ("between_tools", True), ("disabled", False)])
def test_thinking_is_asked_for_or_not(kind: str | None, thinking: bool | None) -> None:
    given = {"thinking": {"type": kind}} if kind else {}
    assert messages.read({**ASKED, **given}).thinking is thinking
    if kind != "enabled":                                # a forced call leaves no room for it
        forced = {"tools": [TOOL], "tool_choice": {"type": "any"}}
        assert messages.read({**ASKED, **given, **forced}).thinking is (None if kind is None else False)


def test_a_past_reply_is_known_again() -> None:
    told = [USER, said(text("a"), use("toolu_1")), user(result("toolu_1"))]
    first, again = (messages.read(json.loads(json.dumps(asked(*told)))).turns[1] for _ in range(2))
    other = messages.read(asked(USER, said(text("b"), use("toolu_1")), user(result("toolu_1")))).turns[1]
    assert first.key and first.key == again.key != other.key                            # type: ignore[union-attr]


# -- what is refused

NO_CALL = ("unexpected `tool_use_id` found in `tool_result` blocks: toolu_2. Each `tool_result` block must have a "
           "corresponding `tool_use` block in the previous message.")
NO_RESULT = ("messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1. Each "
             "`tool_use` block must have a corresponding `tool_result` block in the next message.")
REFUSED: list[tuple[Any, str]] = [
    ([], "Invalid value for 'body': expected an object, but got an array."),
    ({}, "model: Field required"),
    ({"model": "m", "messages": [USER]}, "max_tokens: Field required"),
    ({**ASKED, "max_tokens": 0}, "max_tokens: expected a number of at least 1, but got 0."),
    ({**ASKED, "max_tokens": "1"}, 'max_tokens: expected an integer, but got "1".'),
    ({**ASKED, "temperature": 1.5}, "temperature: expected a number of at most 1, but got 1.5."),
    ({**ASKED, "stream": "yes"}, 'stream: expected a boolean or null, but got "yes".'),
    ({**ASKED, "system": 3}, "system: expected a string or an array or null, but got 3."),
    ({**ASKED, "system": [IMAGE]}, "system.0.type: expected 'text', but got \"image\"."),
    ({**ASKED, "stop_sequences": [""]}, "stop_sequences.0: expected a text of at least 1 characters, but got \"\"."),
    (asked(), "messages: expected at least 1 of them, but got 0."),
    (asked({"role": "bot", "content": "x"}),
     "messages.0.role: expected one of 'user', 'assistant', 'system', but got \"bot\"."),
    (asked({"role": "user"}), "messages.0.content: Field required"),
    (asked(USER, {"role": "assistant", "content": 3}), "messages.1.content: expected a string or an array, but got 3."),
    (asked(user()), "messages.0: user messages must have non-empty content"),
    (asked({"role": "user", "content": ""}), "messages.0: user messages must have non-empty content"),
    (asked(user({"type": "zap"})),
     "messages.0.content.0.type: expected one of 'text', 'tool_use', 'tool_result', 'thinking', "
     "'redacted_thinking', 'image', 'document', 'search_result', but got \"zap\"."),
    (asked(user({"type": "text"})), "messages.0.content.0.text: Field required"),
    (asked(user(text("a"), IMAGE)), "messages.0.content.1: `image` blocks are not supported: this server reads text only; "
     "leave it out, or say in words what it shows"),
    (asked(USER, said(use("toolu_1")), user(result("toolu_1", [IMAGE]))),
     "messages.2.content.0.content.0: `image` blocks are not supported: this server reads text only; leave it out, or say "
     "in words what it shows"),
    (asked(USER, said(use("toolu_1")), user(result("toolu_1", 3))),
     "messages.2.content.0.content: expected a string or an array or null, but got 3."),
    (asked(user(use("toolu_1"))), "messages.0.content.0: `tool_use` blocks can only be in `assistant` messages"),
    (asked(USER, said(result("toolu_1")), USER),
     "messages.1.content.0: `tool_result` blocks can only be in `user` messages"),
    (asked(user(result("toolu_2"))), f"messages.0.content.0: {NO_CALL}"),
    (asked(USER, said(use("toolu_1")), user(result("toolu_1"), result("toolu_2"))), f"messages.2.content.1: {NO_CALL}"),
    (asked(USER, said(use("toolu_2")), user(result("toolu_2")), said(text("a")), user(result("toolu_2"))),
     f"messages.4.content.0: {NO_CALL}"),
    (asked(USER, said(use("toolu_1")), USER), NO_RESULT),
    (asked(USER, said(use("toolu_1"))), NO_RESULT),
    (asked(USER, said(use("toolu_1"), use("toolu_2")), user(result("toolu_2"))), NO_RESULT),
    (asked(USER, said(use("toolu_1")), {"role": "system", "content": "x"}, user(result("toolu_1"))), NO_RESULT),
    (asked(USER, said(use("toolu_1")), user(result("toolu_1")), user(result("toolu_1"))),
     "messages.3.content.0: each tool_use must have a single result. Found multiple `tool_result` blocks with id: toolu_1"),
    (asked(USER, said(use("toolu_1")), said(use("toolu_1")), user(result("toolu_1"))),
     "messages.2.content.0.id: `tool_use` ids must be unique"),
    (asked(USER, said(use("a b")), user(result("a b"))),
     'messages.1.content.0.id: expected a text of the form ^[a-zA-Z0-9_-]+$, but got "a b".'),
    (asked(USER, said({**use("toolu_1"), "input": "{}"}), user(result("toolu_1"))),
     'messages.1.content.0.input: expected an object, but got "{}".'),
    (asked(USER, said(text("pre"))),
     "messages.1: This model does not support assistant message prefill. The conversation must end with a user message."),
    ({**ASKED, "tools": [{"name": "f"}]}, "tools.0.input_schema: Field required"),
    ({**ASKED, "tools": [{"type": "function", "function": {"name": "f"}}]},
     "tools.0.type: expected 'custom' or null, but got \"function\"."),
    ({**ASKED, "tools": [TOOL, TOOL]},
     "tools.1: expected a name of its own, found 'f', which tools[0] has already; rename one"),
    ({**ASKED, "tools": [BASH, TOOL, BASH, {**TOOL, "name": "a b"}]}, "tools.3.name: expected no spaces, quotes or control "
     "characters, found ' ' in \"a b\"; use letters, digits, _ and -"),
    ({**ASKED, "tool_choice": {"type": "any"}},
     "tool_choice: tool_choice may only be specified while providing tools."),
    ({**ASKED, "tools": [BASH], "tool_choice": {"type": "any"}},
     "tool_choice: a tool has to be called, but none of those in 'tools' can be; give one with an input_schema."),
    ({**ASKED, "tools": [TOOL], "tool_choice": {"type": "tool"}}, "tool_choice.name: Field required"),
    ({**ASKED, "tools": [TOOL], "tool_choice": {"type": "tool", "name": "g"}},
     "tool_choice.name: no tool is named 'g'; the tools are f."),
    ({**ASKED, "tools": [TOOL], "tool_choice": "auto"}, 'tool_choice: expected an object or null, but got "auto".'),
    ({**ASKED, "tools": [TOOL], "tool_choice": {"type": "any"}, "thinking": {"type": "enabled", "budget_tokens": 2000}},
     "thinking: Thinking may not be enabled when tool_choice forces tool use."),
    ({**ASKED, "tools": [{"type": "bash_20250124", "name": "bash"}, {"name": "f", "input_schema": {
        "type": "object", "properties": {"c": {"minimum": "a"}}}}]},
     "tools.1: the schema of 'f' is none: at 'properties.c.minimum': \"a\" is not of type \"number\"."),
    ({**ASKED, "output_config": {"format": {"type": "json_schema", "schema": {"minimum": "a"}}}},
     "output_config.format.schema: it is no JSON schema: at 'minimum': \"a\" is not of type \"number\"."),
    ({**ASKED, "output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema: Field required"),
]


@pytest.mark.parametrize(("body", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_wrong_is_refused_by_its_place(body: Any, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        messages.read(body)
    answered = messages.refusal(caught.value, "req_1")
    is_error(answered)
    assert answered == {"type": "error", "request_id": "req_1",
                        "error": {"type": "invalid_request_error", "message": message}}


def test_to_count_takes_no_max_tokens() -> None:
    body = {"model": "m", "messages": [USER], "tools": [TOOL]}
    assert messages.read_count(body).max_tokens is None
    assert messages.counted(5) == {"input_tokens": 5}
    with pytest.raises(ApiError, match="'messages'"):
        messages.read_count({"model": "m"})


@pytest.mark.parametrize(("status", "kind"), [
    (400, "invalid_request_error"), (401, "authentication_error"), (403, "permission_error"), (404, "not_found_error"),
    (409, "conflict_error"), (413, "request_too_large"), (422, "invalid_request_error"), (429, "rate_limit_error"),
    (500, "api_error"), (501, "api_error"), (502, "api_error"), (503, "overloaded_error"), (504, "timeout_error"),
    (529, "overloaded_error")])
def test_an_error_has_the_type_of_its_status(status: int, kind: str) -> None:
    answered = messages.refusal(ApiError(status, "No."), "req_1")
    is_error(answered)
    assert answered["error"] == {"type": kind, "message": "No."}
