"""The server over scripted engines: what it keeps, what it checks, what it says when something fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest

pytest.importorskip("starlette", reason="the server needs its extra: pip install 'toolglot[serve]'")
pytest.importorskip("jsonschema_rs", reason="the server needs its extra: pip install 'toolglot[serve]'")

import toolglot
from toolglot.engines import Chunk, EngineError, FieldError, ModelFacts, TokenLogprob, TooLong
from toolglot.engines.http import Refused, Unreachable
from toolglot.engines.scripted import HANG_UP, Scripted, ScriptedChat
from toolglot.message import Call, Text
from toolglot.serve.app import named
from toolglot.serve.service import Policy
from toolglot.serve.settings import Settings
from wire_exchanges import PARIS, WEATHER, application, ask, asking

HERMES = toolglot.model("hermes")
CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
TOOLS = [{"type": "function", "function": WEATHER}]
QUESTION = {"model": "scripted", "messages": [{"role": "user", "content": "What is it like in Paris?"}]}
INPUT = {"model": "scripted", "input": "What is it like in Paris?"}


def served(*replies: Any, policy: Policy = Policy(), dialect: str = "hermes", **settings: Any) -> tuple[Scripted, Any]:
    engine = Scripted([toolglot.model(dialect).write(r) if isinstance(r, tuple) else r for r in replies])
    return engine, application(engine, toolglot.model(dialect), policy, **settings)


def chat(app: Any, **more: Any) -> tuple[int, dict[str, str], Any]:
    status, headers, body = ask(app, CHAT, {**QUESTION, **more})
    return status, headers, json.loads(body)


# -- what is kept ----------------------------------------------------------------------------------------------


def test_a_response_goes_on_from_the_one_before() -> None:
    engine, app = served((PARIS,), (Text("Sunny."),))

    async def two() -> Any:
        async with app.router.lifespan_context(app):
            from wire_exchanges import one

            tools = [{"type": "function", **WEATHER}]
            first = json.loads((await one(app, "POST", RESPONSES, {**INPUT, "tools": tools}))[2])
            call = first["output"][0]
            result = {"type": "function_call_output", "call_id": call["call_id"], "output": "22 degrees"}
            second = json.loads((await one(app, "POST", RESPONSES, {
                "model": "scripted", "input": [result], "tools": tools, "previous_response_id": first["id"]}))[2])
            again = json.loads((await one(app, "GET", f"{RESPONSES}/{second['id']}", None))[2])
            items = json.loads((await one(app, "GET", f"{RESPONSES}/{second['id']}/input_items", None))[2])
            gone = await one(app, "DELETE", f"{RESPONSES}/{first['id']}", None)
            missing = await one(app, "GET", f"{RESPONSES}/{first['id']}", None)
            return first, second, again, items, gone, missing

    first, second, again, items, gone, missing = asyncio.run(two())
    assert first["output"][0]["name"] == "get_weather" and second["output"][0]["content"][0]["text"] == "Sunny."
    assert second["previous_response_id"] == first["id"] and again == second
    assert [(item["type"], item["output"]) for item in items["data"]] == [("function_call_output", "22 degrees")]
    prompt = "".join(piece.text for piece in engine.requests[1].prompt)
    assert "What is it like in Paris?" in prompt and "22 degrees" in prompt and '"city": "Paris"' in prompt
    assert gone[0] == 200 and json.loads(gone[2])["deleted"] is True
    assert missing[0] == 404 and first["id"] in json.loads(missing[2])["error"]["message"]


@pytest.mark.parametrize("stream", [True, False])
def test_nothing_is_kept_when_store_is_false(stream: bool) -> None:
    _, app = served((Text("Sunny."),))

    async def run() -> Any:
        async with app.router.lifespan_context(app):
            from wire_exchanges import one

            await one(app, "POST", RESPONSES, {**INPUT, "store": False, "stream": stream})
            return await app.state.served.store.count()

    assert asyncio.run(run()) == 0


def test_a_response_whose_engine_failed_is_not_kept() -> None:
    _, app = served(["one ", EngineError("gone")])

    async def run() -> Any:
        async with app.router.lifespan_context(app):
            from wire_exchanges import one

            await one(app, "POST", RESPONSES, {**INPUT, "stream": True})
            return await app.state.served.store.count()

    assert asyncio.run(run()) == 0


@pytest.mark.parametrize("dialect", ["hermes", "qwen3", "json"])
def test_tokens_are_counted_as_they_are_used(dialect: str) -> None:
    _, app = served("Sunny.", "Sunny.", dialect=dialect)
    tools = [{"type": "function", **WEATHER}]
    for more in ({}, {"tools": tools, "tool_choice": "none"}):
        (_, _, counted), (_, _, used) = asyncio.run(asking(app, [
            ("POST", f"{RESPONSES}/input_tokens", {**INPUT, **more}), ("POST", RESPONSES, {**INPUT, **more})]))
        assert json.loads(counted)["input_tokens"] == json.loads(used)["usage"]["input_tokens"]


@pytest.mark.parametrize("path", ["/v1/messages/count_tokens", f"{RESPONSES}/input_tokens"])
def test_an_engine_that_cannot_count_is_told_of(path: str) -> None:
    class Broken(Scripted):
        async def count_tokens(self, prompt: Any) -> int:
            raise EngineError("it is gone")

    app = application(Broken([]), toolglot.model("hermes"))
    status, _, body = ask(app, path, QUESTION if "messages" in path else INPUT)
    assert status == 502 and "it is gone" in json.loads(body)["error"]["message"]


def test_who_wants_a_thread_is_told_to_do_without() -> None:
    """Anthropic's tool runner looks for this code, and then sends the whole conversation."""
    _, app = served()
    status, _, body = ask(app, MESSAGES, {**QUESTION, "max_tokens": 9, "thread": {"type": "create"}})
    assert status == 400 and json.loads(body)["error"]["details"] == {"error_code": "thread_unsupported_request"}


def test_tokens_are_counted_with_what_came_before() -> None:
    _, app = served("Sunny.", "Rainy.")

    async def run() -> Any:
        async with app.router.lifespan_context(app):
            from wire_exchanges import one

            first = json.loads((await one(app, "POST", RESPONSES, INPUT))[2])
            more = {"model": "scripted", "input": "And in Oslo?", "previous_response_id": first["id"]}
            counted = json.loads((await one(app, "POST", f"{RESPONSES}/input_tokens", more))[2])
            return counted, json.loads((await one(app, "POST", RESPONSES, more))[2])

    counted, used = asyncio.run(run())
    assert counted["input_tokens"] == used["usage"]["input_tokens"]


def test_an_item_of_no_known_type_is_passed_over() -> None:
    _, app = served("Yes.")
    items = [{"type": ""}, {"type": "compaction"}, {"role": "user", "content": "Hello!"}]
    assert ask(app, RESPONSES, {"model": "scripted", "input": items})[0] == 200


def test_what_is_kept_is_not_streamed() -> None:
    _, app = served()
    status, _, body = ask(app, f"{RESPONSES}/resp_1?stream=true", None, "GET")
    assert status == 400 and json.loads(body)["error"]["param"] == "stream"


def test_a_method_that_there_is_none_of_says_which_there_are() -> None:
    _, app = served()
    for path, allowed in ((CHAT, {"POST"}), ("/v1/models", {"GET", "HEAD"}),
                          (f"{RESPONSES}/resp_1", {"GET", "HEAD", "DELETE"})):
        status, headers, body = ask(app, path, None, "PUT")
        assert status == 405 and set(headers["allow"].split(", ")) == allowed and json.loads(body)["error"]["message"]


def test_a_choice_that_is_left_open_is_the_same_on_every_surface() -> None:
    """A model that was never trained for tools would rather talk: it must call, where the client does not choose."""
    tool = {"name": "get_weather", "input_schema": WEATHER["parameters"]}
    asked = [(CHAT, {**QUESTION, "tools": TOOLS}, "auto"),
             (RESPONSES, {**INPUT, "tools": [{"type": "function", **WEATHER}]}, "auto"),
             (MESSAGES, {**QUESTION, "max_tokens": 99, "tools": [tool]}, {"type": "auto"})]
    rules = []
    for path, body, auto in asked:
        for more in ({}, {"tool_choice": auto}):
            engine, app = served((PARIS,), dialect="json")
            assert ask(app, path, {**body, **more})[0] == 200
            rules.append(engine.requests[0].constraint)
    assert rules[0] == rules[2] == rules[4] != rules[1] == rules[3] == rules[5]


@pytest.mark.parametrize(("given", "names"), [
    ({"model": "/models/Qwen3-4B-Q4_K_M.gguf"}, ("Qwen3-4B-Q4_K_M", "own")),
    ({"model": "~/Qwen2.5-7B"}, ("Qwen2.5-7B", "own")), ({"upstream": "http://127.0.0.1:1"}, ("own",))])
def test_a_model_is_called_as_its_file_is(given: dict[str, Any], names: tuple[str, ...]) -> None:
    assert named(Settings(**given), "own") == names


# -- what is checked -------------------------------------------------------------------------------------------

BAD = '<tool_call>\n{"name": "get_weather", "arguments": {"town": "Paris"}}\n</tool_call>'


def test_a_call_that_breaks_its_schema_is_sent_back_when_asked() -> None:
    engine, app = served(BAD, (PARIS,), policy=Policy(constrain=False, retry=1))
    status, headers, body = chat(app, tools=TOOLS)
    assert status == 200 and "retried=1" in headers["x-toolglot-calls"]
    assert json.loads(body["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]) == {"city": "Paris"}
    assert "town" in "".join(p.text for p in engine.requests[1].prompt) and len(engine.requests) == 2


def test_a_call_that_breaks_its_schema_is_counted() -> None:
    _, app = served(BAD, policy=Policy(constrain=False))
    status, headers, _ = chat(app, tools=TOOLS)
    assert status == 200 and "invalid=1" in headers["x-toolglot-calls"] and "checked" in headers["x-toolglot-calls"]


def test_a_call_in_another_shape_is_found() -> None:
    _, app = served('Sure: ```json\n{"name": "get_weather", "parameters": {"city": "Paris"}}\n```',
                    policy=Policy(constrain=False))
    _, headers, body = chat(app, tools=TOOLS)
    assert body["choices"][0]["finish_reason"] == "tool_calls" and "repaired=" in headers["x-toolglot-calls"]


@pytest.mark.parametrize("choice", ["none", None])
def test_nothing_is_called_that_was_not_to_be(choice: str | None) -> None:
    _, app = served((Text("No."), PARIS))
    _, _, body = chat(app, **({"tools": TOOLS, "tool_choice": choice} if choice else {}))
    assert body["choices"][0]["finish_reason"] == "stop" and body["choices"][0]["message"]["content"].strip() == "No."
    assert "tool_calls" not in body["choices"][0]["message"]


def test_a_whole_call_alone_is_passed_on_when_calls_are_held() -> None:
    text = HERMES.write((PARIS,))
    pieces = [text[i:i + 4] for i in range(0, len(text), 4)]
    _, app = served(pieces, policy=Policy(hold_calls=True))
    _, _, raw = ask(app, CHAT, {**QUESTION, "tools": TOOLS, "stream": True})
    assert raw.count(b'"name":"get_weather"') == 1
    _, app = served(pieces, policy=Policy(hold_calls=True))
    _, _, raw = ask(app, CHAT, {**QUESTION, "tools": TOOLS, "stream": True, "max_tokens": len(pieces) - 4})
    assert b"get_weather" not in raw and b'"finish_reason":"length"' in raw


def test_a_call_that_the_limit_cuts_is_in_no_unstreamed_reply() -> None:
    text = HERMES.write((PARIS,))
    _, app = served([text[:40], text[40:60], text[60:]])
    _, _, body = chat(app, tools=TOOLS, max_tokens=2)
    assert body["choices"][0]["finish_reason"] == "length" and "tool_calls" not in body["choices"][0]["message"]


@pytest.mark.parametrize("allowed", ["auto", "required"])
def test_an_allowed_subset_leaves_the_prompt_as_it_is(allowed: str) -> None:
    time = {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object", "properties": {}}}}
    engine, app = served((PARIS,), (PARIS,))
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": allowed, "tools": [
        {"type": "function", "function": {"name": "get_weather"}}]}}
    asyncio.run(asking(app, [("POST", CHAT, {**QUESTION, "tools": [*TOOLS, time]}),
                             ("POST", CHAT, {**QUESTION, "tools": [*TOOLS, time], "tool_choice": choice})]))
    first, second = engine.requests
    assert first.prompt == second.prompt and first.constraint != second.constraint
    assert second.constraint is not None and "get_time" not in second.constraint.text


# -- what fails ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("error", "status", "code"), [
    (Unreachable("http://x cannot be reached"), 503, "engine_unreachable"),
    (Refused("http://x", 429, "busy"), 429, "rate_limit_exceeded"),
    (Refused("http://x", 500, "broken"), 502, "engine_failed"),
    (EngineError("it broke"), 502, "engine_failed"),
    (FieldError("top_p", "it has no top_p"), 400, "unsupported_parameter"),
    (TooLong(9000, 8192), 400, "context_length_exceeded"),
    # in the words of vLLM, and of llama-server
    (Refused("http://x", 400, "This model's maximum context length is 8192 tokens."), 400, "context_length_exceeded"),
    (Refused("http://x", 400, "the request exceeds the available context size"), 400, "context_length_exceeded"),
])
@pytest.mark.parametrize("path", [CHAT, RESPONSES, MESSAGES])
@pytest.mark.parametrize("stream", [True, False])
def test_an_engine_that_fails_before_it_begins_has_a_status(error: EngineError, status: int, code: str, path: str,
                                                            stream: bool) -> None:
    _, app = served([error], (Text("Fine."),))
    body = {**(INPUT if path == RESPONSES else QUESTION), **({"max_tokens": 9} if path == MESSAGES else {})}
    first, second = asyncio.run(asking(app, [("POST", path, {**body, "stream": stream}), ("POST", path, body)]))
    assert first[0] == status and str(error) in json.loads(first[2])["error"]["message"]
    said, prompt = json.loads(first[2])["error"], "input" if path == RESPONSES else "messages"
    field = {"context_length_exceeded": prompt, "unsupported_parameter": "top_p"}.get(code)
    if path == MESSAGES:
        assert field is None or said["message"].startswith(f"{field}: ")
    else:
        assert (said["code"], said["param"]) == (code, field)
    assert second[0] == 200                              # the next request works


@pytest.mark.parametrize("path", [CHAT, RESPONSES, MESSAGES])
def test_an_engine_that_hangs_up_is_an_error_in_the_stream(path: str) -> None:
    _, app = served(["one ", HANG_UP])
    body = {**(INPUT if path == RESPONSES else QUESTION), **({"max_tokens": 9} if path == MESSAGES else {}), "stream": True}
    status, _, raw = ask(app, path, body)
    assert status == 200 and b"hung up" in raw.rstrip().rsplit(b"\n\n", 2)[-1] + raw.rstrip().rsplit(b"\n\n", 2)[-2]


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_hangs_up_stops_the_engine(stream: bool) -> None:
    engine, app = served(["one ", *[0.01, "word "] * 1000])

    async def run() -> None:
        async with app.router.lifespan_context(app):
            left = asyncio.Event()
            body = json.dumps({**QUESTION, "stream": stream}).encode()
            asked: list[Any] = [{"type": "http.request", "body": body}]

            async def receive() -> Any:
                if asked:
                    return asked.pop()
                await left.wait()
                return {"type": "http.disconnect"}

            async def send(message: Any) -> None:
                pass

            scope = {"type": "http", "method": "POST", "path": CHAT, "raw_path": b"", "query_string": b"", "headers": [],
                     "state": {}, "scheme": "http", "server": ("test", 80), "root_path": "", "http_version": "1.1"}
            task = asyncio.create_task(app(scope, receive, send))
            await asyncio.sleep(0.15)
            left.set()
            await asyncio.wait_for(task, 5)

    asyncio.run(run())
    assert engine.cancelled == 1


@pytest.mark.parametrize("raw", [b"", b"{", b'{"model": "scripted"', b"[1]", b"null", b'"x"', b"\xff\xfe",
                                 b'{"model": NaN}'])
@pytest.mark.parametrize("path", [CHAT, RESPONSES, MESSAGES, "/v1/messages/count_tokens", "/v1/responses/input_tokens"])
def test_a_body_that_is_none_is_refused(raw: bytes, path: str) -> None:
    _, app = served()
    status, _, body = ask(app, path, raw)
    assert status == 400 and json.loads(body)["error"]["message"]


@pytest.mark.parametrize(("change", "param"), [
    ({"messages": [{"role": "user", "content": "x"}] * 11}, "messages"), ({"tools": TOOLS * 4}, "tools"),
])
def test_more_than_the_server_takes_is_refused(change: dict[str, Any], param: str) -> None:
    _, app = served(max_messages=10, max_tools=3)
    status, _, body = chat(app, **change)
    assert status == 400 and body["error"]["param"] == param


@pytest.mark.parametrize(("schema", "words"), [
    ({"type": "object", "properties": {"a": {"$ref": "#/$defs/nowhere"}}}, "get_it"),
    ({"type": "object", "properties": {"a": {"$ref": "https://example.org/schema"}}}, "get_it"),
    ({"type": "object", "properties": {"a": {"type": "integer", "minimum": 3, "maximum": 2}}, "required": ["a"]}, "get_it"),
])
def test_a_schema_that_cannot_be_kept_names_its_tool(schema: dict[str, Any], words: str) -> None:
    _, app = served((Text("x"),))
    status, _, body = chat(app, tools=[{"type": "function", "function": {"name": "get_it", "parameters": schema}}])
    assert status == 400 and words in body["error"]["message"]


def test_unknown_paths_and_methods_have_the_shape_of_their_surface() -> None:
    _, app = served()
    answers = asyncio.run(asking(app, [("GET", "/v1/nothing", None), ("GET", CHAT, None), ("GET", MESSAGES, None)]))
    assert [a[0] for a in answers] == [404, 405, 405]
    assert set(json.loads(answers[0][2])["error"]) == {"message", "type", "param", "code"}
    assert json.loads(answers[2][2])["type"] == "error"


# -- the rest --------------------------------------------------------------------------------------------------


def test_models_and_health() -> None:
    _, app = served()
    listed, one, other, health = asyncio.run(asking(app, [
        ("GET", "/v1/models", None), ("GET", "/v1/models/scripted", None), ("GET", "/v1/models/x", None),
        ("GET", "/health", None)]))
    assert [m["id"] for m in json.loads(listed[2])["data"]] == ["scripted"]
    assert json.loads(one[2])["id"] == "scripted" and other[0] == 404 and health[0] == 200


def test_tokens_are_counted() -> None:
    _, app = served()
    messages, items = asyncio.run(asking(app, [("POST", "/v1/messages/count_tokens", QUESTION),
                                               ("POST", "/v1/responses/input_tokens", INPUT)]))
    assert json.loads(messages[2])["input_tokens"] > 5
    assert json.loads(items[2])["input_tokens"] == json.loads(messages[2])["input_tokens"]


def test_a_chat_api_is_passed_through() -> None:
    engine = ScriptedChat([["Let me ", "look."], ["Fine."]], ModelFacts("scripted"))
    app = application(engine, None)
    status, _, body = chat(app, tools=TOOLS)
    assert status == 200 and body["choices"][0]["message"]["content"] == "Let me look."
    assert [tool.name for tool in engine.requests[0].tools] == ["get_weather"]


@pytest.mark.parametrize("dialect", ["hermes", "mistral-v3", "llama3.1", "qwen3-coder", "harmony", "kimi-k2",
                                     "deepseek-v3.1", "llama-pythonic", "gemma3", "glm-4.5", "json"])
@pytest.mark.parametrize("path", [CHAT, RESPONSES, MESSAGES])
def test_every_family_is_served_alike(dialect: str, path: str) -> None:
    call = Call("get_weather", {"city": "Paris"})
    engine, app = served((call,), (Text("Sunny."),), dialect=dialect)
    made, reads = LOOPS[path]
    body = {**made, "model": "scripted"}

    async def run() -> Any:
        async with app.router.lifespan_context(app):
            from wire_exchanges import one

            first = await one(app, "POST", path, body)
            assert first[0] == 200, first[2]
            second = await one(app, "POST", path, reads(body, json.loads(first[2])))
            assert second[0] == 200, second[2]
            return second[2]

    assert b"Sunny." in asyncio.run(run())
    assert "22 degrees" in "".join(piece.text for piece in engine.requests[1].prompt)


def _chat_again(body: dict[str, Any], answer: Any) -> dict[str, Any]:
    message = answer["choices"][0]["message"]
    result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "22 degrees"}
    return {**body, "messages": [*body["messages"], message, result]}


def _items_again(body: dict[str, Any], answer: Any) -> dict[str, Any]:
    call = next(item for item in answer["output"] if item["type"] == "function_call")
    return {**body, "input": [*body["input"], *answer["output"],
                              {"type": "function_call_output", "call_id": call["call_id"], "output": "22 degrees"}]}


def _blocks_again(body: dict[str, Any], answer: Any) -> dict[str, Any]:
    call = next(block for block in answer["content"] if block["type"] == "tool_use")
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call["id"], "content": "22 degrees"}]}
    return {**body, "messages": [*body["messages"], {"role": "assistant", "content": answer["content"]}, result]}


ASKED = [{"role": "user", "content": "What is it like in Paris?"}]
LOOPS: dict[str, tuple[dict[str, Any], Callable[[dict[str, Any], Any], dict[str, Any]]]] = {
    CHAT: ({"messages": ASKED, "tools": TOOLS}, _chat_again),
    RESPONSES: ({"input": ASKED, "tools": [{"type": "function", **WEATHER}]}, _items_again),
    MESSAGES: ({"messages": ASKED, "max_tokens": 500, "tools": [
        {"name": "get_weather", "input_schema": WEATHER["parameters"]}]}, _blocks_again),
}


def test_how_likely_the_words_were_is_told_and_nothing_else() -> None:
    def piece(text: str) -> Chunk:
        return Chunk(text, (TokenLogprob(text, -0.5, ((text, -0.5), ("other", float("-inf")))),))

    text = HERMES.write((PARIS,))
    for stream in (True, False):
        _, app = served([piece("Let "), piece("me."), *[piece(text[i:i + 9]) for i in range(0, len(text), 9)]])
        _, _, raw = ask(app, CHAT, {**QUESTION, "tools": TOOLS, "stream": stream, "logprobs": True, "top_logprobs": 2})
        bodies = [json.loads(line[6:]) for line in raw.decode().split("\n") if line.startswith("data: {")] if stream else [
            json.loads(raw)]
        told = [one for body in bodies for choice in body["choices"]
                for one in (choice["logprobs"] or {}).get("content", ())]
        assert [one["token"] for one in told] == ["Let ", "me."]
        assert told[0]["top_logprobs"][1] == {"token": "other", "logprob": -9999.0, "bytes": list(b"other")}


def test_half_a_character_is_replaced_and_not_sent() -> None:
    for stream in (True, False):
        _, app = served(["one \ud83d", "two"])
        status, _, raw = ask(app, CHAT, {**QUESTION, "stream": stream})
        assert status == 200 and "one \N{REPLACEMENT CHARACTER}" in raw.decode() and b"two" in raw


def test_an_item_may_be_referred_to_by_its_id() -> None:
    engine, app = served((Text("Sunny."),), (Text("Yes."),))

    async def run() -> Any:
        async with app.router.lifespan_context(app):
            from wire_exchanges import one

            first = json.loads((await one(app, "POST", RESPONSES, INPUT))[2])
            items = [{"type": "item_reference", "id": first["output"][0]["id"]}, {"role": "user", "content": "Really?"}]
            store = app.state.served.store
            with patch.object(store, "get", wraps=store.get) as got:
                second = await one(app, "POST", RESPONSES, {"model": "scripted", "input": items})
            assert got.call_count == 1
            missing = await one(app, "POST", RESPONSES, {"model": "scripted", "input": [
                {"type": "item_reference", "id": "msg_nothing_0"}]})
            kept = await one(app, "GET", f"{RESPONSES}/{json.loads(second[2])['id']}/input_items?order=asc", None)
            return second, missing, json.loads(kept[2])

    second, missing, kept = asyncio.run(run())
    assert second[0] == 200 and "Sunny." in "".join(piece.text for piece in engine.requests[1].prompt)
    assert missing[0] == 400 and "msg_nothing_0" in missing[2].decode()
    assert [item["type"] for item in kept["data"]] == ["message", "message"]


def test_what_is_passed_over_is_said_in_a_header_that_nobody_can_break() -> None:
    _, app = served((Text("Fine."),))
    tools = [{"type": "web_search\r\nx-evil: 1"}, {"type": "function", **WEATHER}]
    status, headers, _ = ask(app, RESPONSES, {**INPUT, "tools": tools})
    assert status == 200 and "web_search??x-evil" in headers["x-toolglot-warning"]


def test_tokens_are_counted_with_what_went_before() -> None:
    _, app = served((Text("Sunny."),))

    async def run() -> Any:
        async with app.router.lifespan_context(app):
            from wire_exchanges import one

            first = json.loads((await one(app, "POST", RESPONSES, INPUT))[2])
            path = f"{RESPONSES}/input_tokens"
            return [json.loads((await one(app, "POST", path, {**INPUT, **more}))[2])["input_tokens"]
                    for more in ({}, {"previous_response_id": first["id"]})]

    alone, after = asyncio.run(run())
    assert after > alone
