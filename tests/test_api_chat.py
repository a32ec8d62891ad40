"""Chat Completions: what is streamed is well formed, and says what the unstreamed body says.

The replies are generated: events as the service gives them, cut anywhere, with calls that never became whole. OpenAI's own
client reads them where it is installed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies import text, values
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
    Text,
    User,
)

pytest.importorskip("jsonschema_rs", reason="the shapes of requests are checked with jsonschema-rs")
orjson = pytest.importorskip("orjson", reason="the wire formats are written with orjson")

from toolglot.api import Answer, ApiError, Ended, Made, bodies, chat  # noqa: E402
from toolglot.api.custom import Unquoted  # noqa: E402
from toolglot.api.shapes import checker  # noqa: E402

ASKED = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
CUSTOM = {"type": "custom", "custom": {"name": "c"}}
MADE = Made("chatcmpl-1", 1_790_000_000, "m", lambda kind: f"{kind}_1", "req_1")
FIELDS = "reasoning_content"


# -- replies, as the service gives them


def pieces(draw: Any, whole: str) -> list[str]:
    """A text, cut anywhere; a piece may be empty."""
    cuts = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=4)))
    return [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]


@st.composite
def answers(draw: Any, names: Sequence[str] = ("f", "g"), custom: Sequence[str] = (), prefix: str = "call_") -> Answer:
    events: list[Event] = []
    index, finish = 0, draw(st.sampled_from(["stop", "stop", "stop", "length", "filtered"]))
    for kind in draw(st.lists(st.sampled_from(["text", "thought", "call", "call", "lost"]), max_size=6)):
        if kind in ("text", "thought"):
            events += [(Text if kind == "text" else Reasoning)(piece) for piece in pieces(draw, draw(text))]
            continue
        name = draw(st.sampled_from([*names, *custom]))
        given = {"input": draw(text)} if name in custom else draw(st.dictionaries(text, values, max_size=3))
        written = json.dumps(given, ensure_ascii=draw(st.booleans()))
        if not given and draw(st.booleans()):
            written = draw(st.sampled_from(["", " "]))
        lost = Problem("malformed", 0, "}", "nothing", "{", name) if kind == "lost" else None
        written = written[:len(written) // 2] if lost else written
        events += [CallStart(index, name, f"{prefix}{draw(st.integers(0, 9))}{index}"),
                   *(CallArgs(index, piece) for piece in pieces(draw, written)), CallEnd(index, lost)]
        index += 1
    counts = [draw(st.integers(0, 999)) for _ in range(3)]
    stop = draw(st.sampled_from([None, "END"])) if finish == "stop" else None
    return Answer(tuple(events), Ended(finish, counts[0], counts[1], counts[2], min(counts[0], 7), stop))


def mixed(draw: Any, many: Sequence[Answer]) -> Iterator[tuple[int, Event | Ended]]:
    """The events of several replies, in any order between them."""
    left = [[*answer.events, answer.ended] for answer in many]
    while any(left):
        i = draw(st.sampled_from([i for i, events in enumerate(left) if events]))
        yield i, left[i].pop(0)


def streamed(stream: Any, told: Iterator[tuple[int, Event | Ended]]) -> bytes:
    return b"".join([stream.end(i, event) if isinstance(event, Ended) else stream.feed(i, event)
                     for i, event in told] + [stream.finish()])


def lost(answer: Answer) -> set[int]:
    return {event.index for event in answer.events if isinstance(event, CallEnd) and event.problem}


def frames(sent: bytes) -> list[Any]:
    """The chunks of a stream, which is nothing but `data: {…}`, blank lines, and at last [DONE]."""
    *lines, last, rest = sent.decode().split("\n\n")
    assert last == "data: [DONE]" and rest == ""
    assert all(line.startswith("data: {") and "\n" not in line for line in lines)
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def joined(chunks: Sequence[Any], choice: int) -> dict[str, Any]:
    """What a careful client makes of one choice, checking the order of what comes."""
    message: dict[str, Any] = {"role": None, "content": None}
    calls: list[dict[str, Any]] = []
    finish = None
    for chunk in chunks:
        for one in chunk["choices"]:
            if one["index"] != choice:
                continue
            delta = dict(one["delta"])
            assert finish is None, "nothing comes after the reason to finish"
            if "role" in delta:
                assert message["role"] is None and not calls, "the role comes once, first"
                message["role"] = delta.pop("role")
                message["content"] = delta.pop("content")
            assert message["role"] == "assistant"
            for field in ("content", "reasoning_content"):
                if field in delta:
                    message[field] = (message.get(field) or "") + delta.pop(field)
            if "function_call" in delta:
                fragment = delta.pop("function_call")
                call = message.setdefault("function_call", {"name": fragment.get("name"), "arguments": ""})
                call["arguments"] += fragment["arguments"]
            for fragment in delta.pop("tool_calls", ()):
                kind = "custom" if "custom" in fragment else "function"
                field = "input" if kind == "custom" else "arguments"
                if "id" in fragment:
                    assert fragment["index"] == len(calls), "indices are dense"
                    calls.append({**fragment, kind: dict(fragment[kind])})
                    del calls[-1]["index"]
                else:
                    assert fragment.keys() == {"index", kind} and fragment[kind].keys() == {field}
                    assert fragment["index"] == len(calls) - 1
                    calls[-1][kind][field] += fragment[kind][field]
            assert not delta
            finish = one["finish_reason"]
    return {"index": choice, "logprobs": None, "finish_reason": finish, "message": message, "calls": calls}


# -- the laws

is_chunk, is_body, is_error = checker(bodies.CHAT_CHUNK), checker(bodies.CHAT_COMPLETION), checker(bodies.ERROR)


@settings(deadline=None)
@given(st.data(), st.booleans())
def test_a_stream_joins_to_the_body(data: st.DataObject, counted: bool) -> None:
    asked = {**ASKED, "tools": [TOOL, CUSTOM], "stream_options": {"include_usage": counted}}
    query = chat.read(asked)
    many = data.draw(st.lists(answers(custom=["c"]), min_size=1, max_size=3))
    chunks = frames(streamed(chat.Stream(query, MADE), mixed(data.draw, many)))
    body = chat.whole(query, MADE, many)
    is_body(body)
    assert json.loads(orjson.dumps(body)) == body
    for chunk in chunks:
        is_chunk(chunk)
        assert [chunk[key] for key in ("id", "created", "model")] == [body[key] for key in ("id", "created", "model")]
    begun = [one["index"] for chunk in chunks for one in chunk["choices"] if "role" in one["delta"]]
    assert begun == list(range(len(many))), "OpenAI's client fails where choice 1 begins before choice 0"
    said = [chunk["usage"] for chunk in chunks if chunk.get("usage")]
    assert said == ([body["usage"]] if counted else []) and all(("usage" in chunk) is counted for chunk in chunks)
    assert not counted or (chunks[-1]["choices"] == [] and chunks[-1]["usage"])
    for i, answer in enumerate(many):
        found, meant = joined(chunks, i), body["choices"][i]
        calls = [call for n, call in enumerate(found.pop("calls")) if n not in lost(answer)]
        message = {"refusal": None, "annotations": [], **found["message"], **({"tool_calls": calls} if calls else {})}
        assert {**found, "message": message} == meant
        for call in calls:
            assert call["type"] == "custom" or isinstance(json.loads(call["function"]["arguments"]), dict)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_function_call_of_old_is_streamed_as_it_is_written(data: st.DataObject) -> None:
    query = chat.read({**ASKED, "functions": [TOOL["function"]]})
    assert query.parallel is False
    answer = data.draw(answers().filter(lambda a: not lost(a) and sum(isinstance(e, CallStart) for e in a.events) < 2))
    found = joined(frames(streamed(chat.Stream(query, MADE), mixed(data.draw, [answer]))), 0)
    meant = chat.whole(query, MADE, [answer])["choices"][0]
    assert not found["calls"] and found["message"].get("function_call") == meant["message"].get("function_call")
    assert found["finish_reason"] == meant["finish_reason"]


@settings(max_examples=60, deadline=None)
@given(answers())
def test_a_reply_that_is_given_back_reads_as_it_was(answer: Answer) -> None:
    body = chat.whole(chat.read({**ASKED, "tools": [TOOL]}), MADE, [answer])["choices"][0]["message"]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "ok"} for call in body.get("tool_calls", ())]
    turns = chat.read({**ASKED, "messages": [*ASKED["messages"], body, *results]}).turns
    calls = [Call(call["function"]["name"], json.loads(call["function"]["arguments"]), call["id"])
             for call in body.get("tool_calls", ())]
    parts = [*([Reasoning(body[FIELDS])] if FIELDS in body else []),
             *([Text(body["content"])] if body["content"] or not calls else []), *calls]
    assert turns == (User("hi"), Assistant(tuple(parts)), *(Result("ok", call.name, call.id) for call in calls))


def clients(package: Any, path: str) -> Callable[[bytes], Any]:
    """The package's own client, whose server answers with these bytes."""
    httpx = pytest.importorskip(package.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0])
    answer = {"content": b"", "type": ""}

    def handle(request: Any) -> Any:
        assert request.url.path == path
        return httpx.Response(200, headers={"content-type": answer["type"]}, content=answer["content"])

    kind = package.OpenAI if hasattr(package, "OpenAI") else package.Anthropic
    client = kind(api_key="k", base_url="http://localhost" + ("/v1" if hasattr(package, "OpenAI") else ""),
                  http_client=package.DefaultHttpxClient(transport=httpx.MockTransport(handle)))

    def serve(content: bytes) -> Any:
        answer.update(content=content, type="application/json" if content[:1] == b"{" else "text/event-stream")
        return client

    return serve


def given_keys(value: Any) -> Any:
    """Without the keys that are null: the client puts some in."""
    if isinstance(value, dict):
        return {key: given_keys(one) for key, one in value.items() if one is not None}
    return [given_keys(one) for one in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def openai() -> Callable[[bytes], Any]:
    return clients(pytest.importorskip("openai", reason="OpenAI's client is the judge"), "/v1/chat/completions")


def test_openais_client_makes_the_same_of_a_stream_and_of_a_body(openai: Callable[[bytes], Any]) -> None:
    @settings(max_examples=40, deadline=None)
    @given(st.data())
    def law(data: st.DataObject) -> None:
        query = chat.read({**ASKED, "tools": [TOOL], "stream_options": {"include_usage": True}})
        many = data.draw(st.lists(answers().filter(lambda a: not lost(a)), min_size=1, max_size=2))
        client = openai(streamed(chat.Stream(query, MADE), mixed(data.draw, many)))
        with client.chat.completions.stream(**ASKED, stream_options={"include_usage": True}) as stream:
            for _ in stream:
                pass
            found = stream.current_completion_snapshot.to_dict()
        client = openai(orjson.dumps(chat.whole(query, MADE, many)))
        meant = client.chat.completions.create(**ASKED).to_dict()
        for one in found["choices"]:
            for n, call in enumerate(one["message"].get("tool_calls") or ()):
                assert call.pop("index") == n
                call["function"].pop("parsed_arguments", None)
            one["message"].pop("parsed", None)
        found["choices"].sort(key=lambda one: one["index"])
        for one in meant["choices"]:                     # which a stream says only where it is not empty
            assert one["message"].pop("annotations") == []
        found["object"] = meant["object"]
        assert given_keys(found) == given_keys(meant)

    law()


# -- a custom tool's text


@st.composite
def written(draw: Any) -> tuple[str, str]:
    """A text, and JSON for it: every character is written as it is, or in one of the ways to escape it."""
    said = draw(st.text(st.characters(), max_size=12) | st.text('"\\/\n\ud83d\ude00\udc00\ud800aé😀', max_size=12))
    out = []
    for char in said.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass"):
        units = char.encode("utf-16-be", "surrogatepass")
        ways = ["".join(f"\\u{units[i]:02x}{units[i + 1]:02X}" for i in range(0, len(units), 2))]
        if char not in '"\\' and char >= " " and not "\ud800" <= char <= "\udfff":
            ways.append(char)
        if char in '"\\/':
            ways.append(f"\\{char}")
        out.append(draw(st.sampled_from(ways)))
    space = draw(st.sampled_from(["", " ", "\n  "]))
    return said, f'{space}{{{space}"input"{space}:{space}"{"".join(out)}"{space}}}{space}'


@settings(deadline=None)
@given(written(), st.data())
def test_a_custom_text_is_the_same_however_it_is_cut(pair: tuple[str, str], data: st.DataObject) -> None:
    said, source = pair
    reader = Unquoted()
    found = "".join([reader.feed(piece) for piece in pieces(data.draw, source)])
    assert found == said.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    assert found == Unquoted().feed(source) and found.encode().decode() == found
    reader = Unquoted()
    assert "".join([reader.feed(char) for char in source]) == found


# -- what is refused


def messages(*given: Any) -> dict[str, Any]:
    return {"model": "m", "messages": list(given)}


def called(id: str = "1", **more: Any) -> dict[str, Any]:
    call = {"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}}
    return {"role": "assistant", "tool_calls": [{**call, **more}]}


USER = {"role": "user", "content": "hi"}
REFUSED: list[tuple[Any, str | None, str | None, str]] = [
    ([], None, "invalid_type", "expected an object, but got an array"),
    ({}, "model", "missing_required_parameter", "Missing required parameter: 'model'."),
    ({"model": "m"}, "messages", "missing_required_parameter", "'messages'"),
    ({**ASKED, "model": 1}, "model", "invalid_type", "expected a string, but got 1"),
    (messages(), "messages", "invalid_value", "expected at least 1 of them, but got 0"),
    (messages(3), "messages[0]", "invalid_type", "expected an object, but got 3"),
    (messages({"content": "x"}), "messages[0].role", "missing_required_parameter", "'messages[0].role'"),
    (messages({"role": "bot", "content": "x"}), "messages[0].role", "invalid_value",
     "one of 'system', 'developer', 'user', 'assistant', 'tool', 'function', but got \"bot\""),
    (messages({"role": "user"}), "messages[0].content", "missing_required_parameter", "'messages[0].content'"),
    (messages({"role": "user", "content": 3}), "messages[0].content", "invalid_type", "a string or an array, but got 3"),
    (messages({"role": "user", "content": [{"type": "text", "text": 3}]}), "messages[0].content[0].text", "invalid_type",
     "expected a string"),
    (messages({"role": "user", "content": [{"type": "image_url", "image_url": {}}]}), "messages[0].content[0]", None,
     "text only"),
    (messages({"role": "assistant"}), "messages[0].content", "missing_required_parameter", "needs 'content'"),
    (messages({"role": "tool", "content": "x", "tool_call_id": "q"}), "messages[0].role", "invalid_value",
     "messages with role 'tool' must be a response to a preceding message with 'tool_calls'"),
    (messages({"role": "tool", "content": "x"}), "messages[0].tool_call_id", "missing_required_parameter", "tool_call_id"),
    (messages({"role": "tool", "content": "x", "tool_call_id": 3}), "messages[0].tool_call_id", "invalid_type",
     "expected a string, but got 3"),
    (messages(USER, called(), USER), "messages[2].role", "invalid_value", "had no response: 1"),
    (messages(USER, called()), "messages[1].role", "invalid_value", "had no response: 1"),
    (messages(USER, {**called(), "tool_calls": called()["tool_calls"] * 2}), "messages[1].tool_calls", "invalid_value",
     "the same id"),
    (messages(called(type="zap")), "messages[0].tool_calls[0].type", "invalid_value", "one of 'function', 'custom'"),
    (messages(called(function={"name": "f", "arguments": {}})), "messages[0].tool_calls[0].function.arguments",
     "invalid_type", "expected a string, but got an object"),
    (messages(called(function={"name": "f", "arguments": "{x"}), {"role": "tool", "tool_call_id": "1", "content": ""}),
     "messages[0].tool_calls[0].function.arguments", None, "expected JSON"),
    ({**ASKED, "temperature": 3}, "temperature", "invalid_value", "a number of at most 2, but got 3"),
    ({**ASKED, "temperature": "hot"}, "temperature", "invalid_type", 'expected a number or null, but got "hot"'),
    ({**ASKED, "n": 0}, "n", "invalid_value", "at least 1, but got 0"),
    ({**ASKED, "stop": 5}, "stop", "invalid_type", "a string or an array or null, but got 5"),
    ({**ASKED, "stop": ["x"] * 17}, "stop", "invalid_value", "expected at most 16 of them, but got 17"),
    ({**ASKED, "reasoning_effort": "x"}, "reasoning_effort", "invalid_type", "'high', 'xhigh' or null, but got \"x\""),
    ({**ASKED, "response_format": "x"}, "response_format", "invalid_type", "an object or null"),
    ({**ASKED, "response_format": {"type": "xml"}}, "response_format.type", "invalid_value",
     "one of 'text', 'json_object', 'json_schema', but got \"xml\""),
    ({**ASKED, "response_format": {"type": "json_schema"}}, "response_format.json_schema", "missing_required_parameter",
     "'response_format.json_schema'"),
    ({**ASKED, "top_logprobs": 3}, "top_logprobs", "invalid_value", "only allowed when 'logprobs'"),
    ({**ASKED, "tools": {}}, "tools", "invalid_type", "an array or null, but got an object"),
    ({**ASKED, "tools": [{}]}, "tools[0].type", "missing_required_parameter", "'tools[0].type'"),
    ({**ASKED, "tools": [{"type": "zap"}]}, "tools[0].type", "invalid_value",
     "one of 'function', 'custom', but got \"zap\""),
    ({**ASKED, "tools": [{"type": "function"}]}, "tools[0].function", "missing_required_parameter", "'tools[0].function'"),
    ({**ASKED, "tools": [TOOL, TOOL]}, "tools[1]", "invalid_function_parameters", "which tools[0] has already"),
    ({**ASKED, "tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name",
     "invalid_function_parameters", "no spaces"),
    ({**ASKED, "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "string"}}}]},
     "tools[0].function.parameters.type", "invalid_function_parameters", 'expected "object", found "string"'),
    ({**ASKED, "tool_choice": "required"}, "tool_choice", "invalid_value",
     "'tool_choice' is only allowed when 'tools' are specified."),
    ({**ASKED, "tools": [TOOL], "tool_choice": "g"}, "tool_choice", "invalid_value",
     "no tool is named 'g'; the tools are f"),
    ({**ASKED, "tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "g"}}}, "tool_choice",
     "invalid_value", "no tool is named 'g'"),
    ({**ASKED, "tools": [TOOL], "tool_choice": {"type": "zap"}}, "tool_choice.type", "invalid_value",
     "one of 'function', 'custom', 'allowed_tools', but got \"zap\""),
    ({**ASKED, "tools": [TOOL], "tool_choice": 3}, "tool_choice", "invalid_type",
     "a string or an object or null, but got 3"),
    ({**ASKED, "tools": [TOOL], "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [
        {"type": "function", "function": {"name": "g"}}]}}}, "tool_choice.tools[0]", "invalid_value",
     "no tool is named 'g'"),
    ({**ASKED, "tools": [TOOL], "functions": [TOOL["function"]]}, "functions", "invalid_value", "cannot be given together"),
    ({**ASKED, "tools": [TOOL, {"type": "function", "function": {"name": "g", "parameters": {
        "type": "object", "properties": {"c": {"type": "strange"}}}}}]}, "tools[1]", "invalid_function_parameters",
     "at 'properties.c.type': \"strange\""),
    ({**ASKED, "tools": [{"type": "function", "function": {"name": "g", "parameters": {
        "type": "object", "properties": {"c": {"pattern": "("}}}}}]}, "tools[0]", "invalid_function_parameters",
     "at 'properties.c.pattern'"),
    ({**ASKED, "tools": [{"type": "function", "function": {"name": "g", "parameters": {
        "type": "object", "properties": {"c": {"$ref": "http://h.invalid/x"}}}}}]}, "tools[0]",
     "invalid_function_parameters", "are not fetched"),
    ({**ASKED, "tools": [{"type": "custom", "custom": {"name": "g", "format": {"type": "grammar", "grammar": {
        "syntax": "lark", "definition": "start: ("}}}}]}, "tools[0]", "invalid_grammar", "line 1, column 9"),
    ({**ASKED, "tools": [{"type": "custom", "custom": {"name": "g", "format": {"type": "grammar", "grammar": {
        "syntax": "regex", "definition": "("}}}}]}, "tools[0]", "invalid_grammar", "nothing closes"),
    ({**ASKED, "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "strange"}}}},
     "response_format.json_schema.schema", "invalid_schema", "at 'type': \"strange\""),
    ({**ASKED, "functions": [TOOL["function"]], "function_call": {"name": "g"}}, "function_call", "invalid_value",
     "no tool is named 'g'"),
]


def test_a_schema_of_an_older_draft_is_one() -> None:
    schema = {"$schema": "http://json-schema.org/draft-03/schema#", "type": "object",
              "properties": {"c": {"type": "number", "minimum": 0, "exclusiveMinimum": True}}}
    [tool] = chat.read({**ASKED, "tools": [{"type": "function", "function": {"name": "g", "parameters": schema}}]}).tools
    assert tool.parameters == schema


@pytest.mark.parametrize(("body", "param", "code", "said"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_wrong_is_refused_by_its_field(body: Any, param: str | None, code: str | None, said: str) -> None:
    with pytest.raises(ApiError) as caught:
        chat.read(body)
    error = caught.value
    assert (error.status, error.param, error.code) == (400, param, code) and said in error.message
    answered = chat.refusal(error)
    is_error(answered)
    assert answered["error"]["type"] == "invalid_request_error"


def test_an_error_in_a_stream_is_an_event_with_an_error() -> None:
    error = ApiError(502, "The engine failed.", None, "engine_failed")
    sent = chat.Stream(chat.read(ASKED), MADE).fail(error)
    assert json.loads(sent.removeprefix(b"data: ")) == {"error": {
        "message": "The engine failed.", "type": "server_error", "param": None, "code": "engine_failed"}}
    assert sent.endswith(b"}\n\n")


# -- what is asked


def test_a_request_says_what_it_asks() -> None:
    query = chat.read({
        **ASKED, "tools": [TOOL, CUSTOM], "parallel_tool_calls": False, "max_completion_tokens": 9, "stop": "END", "n": 2,
        "seed": 3, "temperature": 0.5, "logprobs": True, "top_logprobs": 2, "stream": True, "reasoning_effort": "none",
        "response_format": {"type": "json_object"}, "tool_choice": {"type": "allowed_tools", "allowed_tools": {
            "mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}]}}, "unknown": {}})
    assert [tool.name for tool in query.tools] == ["f", "c"]
    assert query.choice == {"allowed": ["f"], "mode": "required"} and query.parallel is False
    assert (query.max_tokens, query.stop, query.n, query.seed, query.temperature, query.logprobs, query.stream) == (
        9, ("END",), 2, 3, 0.5, 2, True)
    assert query.thinking is False and query.answer == {"type": "object"}


@pytest.mark.parametrize(("given", "choice"), [
    ({}, "none"), ({"tools": [TOOL]}, "auto"), ({"tools": [TOOL], "tool_choice": "none"}, "none"),
    ({"tool_choice": "none"}, "none"), ({"tools": [TOOL], "tool_choice": "required"}, "required"),
    ({"tools": [TOOL], "tool_choice": "f"}, {"name": "f"}),
    ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "f"}}}, {"name": "f"}),
    ({"tools": [CUSTOM], "tool_choice": {"type": "custom", "custom": {"name": "c"}}}, {"name": "c"}),
    ({"functions": [TOOL["function"]]}, "auto"), ({"functions": [TOOL["function"]], "function_call": "none"}, "none"),
    ({"functions": [TOOL["function"]], "function_call": {"name": "f"}}, {"name": "f"})])
def test_a_choice_in_any_form_is_one_choice(given: Any, choice: Any) -> None:
    assert chat.read({**ASKED, **given}).choice == choice


def test_a_custom_call_is_read_back_as_its_text() -> None:
    past = {"role": "assistant", "tool_calls": [{"id": "1", "type": "custom", "custom": {"name": "c", "input": 'a "b"'}}]}
    turns = chat.read(messages(USER, past, {"role": "tool", "tool_call_id": "1", "content": "ok"})).turns
    assert turns[1] == Assistant((Call("c", {"input": 'a "b"'}, "1"),))


def test_the_same_tools_are_read_once() -> None:
    first, again = (chat.read({**ASKED, "tools": [json.loads(json.dumps(TOOL))]}).tools for _ in range(2))
    assert first is again
