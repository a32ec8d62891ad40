"""The server in front of an engine that fails: each client hears of it in words its library understands, and goes on."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

pytest.importorskip("starlette", reason="the server needs its extra: pip install 'toolglot[serve]'")
pytest.importorskip("jsonschema_rs", reason="the server needs its extra: pip install 'toolglot[serve]'")

from fake_servers import Completions, Ollama, Tgi, serving
from fakes import HANG_UP, Answer, Asked, Fake, closed_port
from toolglot.engines import EngineError
from toolglot.serve import app as serve
from toolglot.serve.settings import Settings
from wire_exchanges import one

CHUNK = b'data: {"id":"c","model":"m","choices":[{"index":0,"text":"one ","finish_reason":null}]}\n\n'
EVENTS = {"Content-Type": "text/event-stream"}
# what the engine does instead of a reply
FAULTS = {
    "hangs up": HANG_UP,
    "is broken": Answer([b'{"error": {"message": "out of memory"}}'], 500, chunked=False),
    "is busy": Answer([b'{"error": {"message": "too many requests"}}'], 429, chunked=False),
    "finds the prompt too long": Answer([b'{"error": {"message": "This model\'s maximum context length is 2048 tokens."}}'],
                                        400, chunked=False),
    "sends a page": Answer([b"<html><body>Bad gateway</body></html>"], 200, {"Content-Type": "text/html"}),
    "sends what is no JSON": Answer([CHUNK, b"data: {oh no\n\n"], 200, EVENTS),
    "sends half an event": Answer([CHUNK, b'data: {"id":"c","obj'], 200, EVENTS, whole=False),
    "is cut after an event": Answer([CHUNK], 200, EVENTS, whole=False),
    "ends without an end": Answer([CHUNK], 200, EVENTS),
    "fails in mid-reply": Answer([CHUNK, b'data: {"error": {"message": "out of memory", "code": 500}}\n\n'], 200, EVENTS),
}
STATUS = {"is busy": 429, "finds the prompt too long": 400}
ASKED: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
    "/v1/responses": {"model": "m", "input": "hi"},
    "/v1/messages": {"model": "m", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]},
}


def failing(fault: Answer) -> Fake:
    """A vLLM whose first streamed reply is a fault; the next are good."""
    server, faults = Completions(replies=[["good"]] * 9), [fault]
    good = serving(server)

    def play(asked: Asked) -> Answer:
        streamed = asked.path == "/v1/completions" and asked.json.get("stream")
        return faults.pop() if streamed and faults else good.plays(asked)

    return Fake(play)


def asked(settings: Settings, requests: list[tuple[str, dict[str, Any]]]) -> list[tuple[int, dict[str, str], bytes]]:
    app = serve.bare(lambda: serve.open_served(settings))

    async def run() -> Any:
        async with app.router.lifespan_context(app):
            return [await one(app, "POST", path, body) for path, body in requests]

    return asyncio.run(run())  # type: ignore[no-any-return]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("path", list(ASKED))
@pytest.mark.parametrize("fault", list(FAULTS))
def test_what_an_engine_does_wrong_is_told_and_the_next_request_works(fault: str, path: str, stream: bool) -> None:
    with failing(FAULTS[fault]) as engine:
        settings = Settings(upstream=engine.url, dialect="hermes", store="none")
        first, second = asked(settings, [(path, {**ASKED[path], "stream": stream}), (path, ASKED[path])])
    if first[0] == 200:
        assert stream
        frames = [line[6:] for line in first[2].decode().split("\n") if line.startswith("data: ")]
        last = json.loads(frames[-1])
        error = last.get("error") or last
        assert error["message"] and (path == "/v1/chat/completions" or last["type"] == "error")
    else:
        assert first[0] == STATUS.get(fault, 502) and json.loads(first[2])["error"]["message"]
    assert second[0] == 200 and b"good" in second[2]


PERSON = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
ANSWERING: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": PERSON}}},
    "/v1/responses": {"text": {"format": {"type": "json_schema", "name": "a", "schema": PERSON}}},
    "/v1/messages": {"output_config": {"format": {"type": "json_schema", "schema": PERSON}}}}


@pytest.mark.parametrize("path", list(ANSWERING))
@pytest.mark.parametrize("server", [Ollama, Tgi])
def test_an_answer_is_held_to_its_schema(server: Any, path: str) -> None:
    """By servers that know a JSON schema alone: the fakes refuse a reply that breaks what they were given."""
    with serving(server(replies=['{"name": "Bob"}', "Bob."])) as engine:
        settings = Settings(upstream=engine.url, model_name=("*",), dialect="hermes", store="none")
        right, wrong = asked(settings, [(path, {**ASKED[path], **ANSWERING[path]})] * 2)
    assert right[0] == 200 and r'{\"name\": \"Bob\"}' in right[2].decode()
    assert wrong[0] == 502 and b"breaks its constraint" in wrong[2]


TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}
CALL = '{"name": "get_weather", "arguments": {"city": "Paris"}}'


@pytest.mark.parametrize("choice", ["auto", "required"])
@pytest.mark.parametrize("server", [Ollama, Tgi])
def test_a_call_that_the_engine_cannot_be_held_to_is_checked(server: Any, choice: str) -> None:
    path = "/v1/chat/completions"
    with serving(server(replies=[f"<tool_call>\n{CALL}\n</tool_call>"])) as engine:
        settings = Settings(upstream=engine.url, model_name=("*",), dialect="hermes", store="none")
        (status, headers, body), = asked(settings, [(path, {**ASKED[path], "tools": [TOOL], "tool_choice": choice})])
    assert (status, headers["x-toolglot-calls"]) == (200, "checked; calls=1")
    assert json.loads(body)["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "get_weather"


LONG = "word " * 3000
NO_TOP_K = Completions("other", unknown=("structured_outputs", "response_format", "ebnf"))


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("server", "path", "more", "field", "said"), [
    (Ollama(), "/v1/chat/completions", {"presence_penalty": 1}, "presence_penalty", "Ollama has no presence_penalty"),
    (Ollama(), "/v1/responses", {"include": ["message.output_text.logprobs"]}, "include", "Ollama has no logprobs"),
    (NO_TOP_K, "/v1/messages", {"top_k": 5}, "top_k", "has no top_k"),
    (Completions(), "/v1/chat/completions", {"messages": [{"role": "user", "content": LONG}]}, "messages", "2,048"),
    (Completions(), "/v1/responses", {"input": LONG}, "input", "2,048"),
    (Completions(), "/v1/messages", {"messages": [{"role": "user", "content": LONG}]}, "messages", "2,048")])
def test_what_an_engine_cannot_do_is_a_400_that_names_the_field(server: Any, path: str, more: Any, field: str, said: str,
                                                                stream: bool) -> None:
    with serving(server) as engine:
        settings = Settings(upstream=engine.url, model_name=("*",), dialect="hermes", store="none")
        (status, _, body), = asked(settings, [(path, {**ASKED[path], **more, "stream": stream})])
    error = json.loads(body)["error"]
    assert (status, error["type"]) == (400, "invalid_request_error") and said in error["message"]
    assert error["message"].startswith(f"{field}: ") if path == "/v1/messages" else error["param"] == field


def test_an_engine_that_is_not_there_is_said_before_anything_is_served() -> None:
    with pytest.raises(EngineError, match="cannot be reached"):
        asked(Settings(upstream=f"http://127.0.0.1:{closed_port()}", store="none"), [])


def test_an_engine_that_goes_away_is_a_503() -> None:
    engine = failing(HANG_UP)
    engine.__enter__()
    app = serve.bare(lambda: serve.open_served(Settings(upstream=engine.url, dialect="hermes", store="none")))

    async def run() -> Any:
        async with app.router.lifespan_context(app):
            await asyncio.to_thread(engine.__exit__)
            return await one(app, "POST", "/v1/chat/completions", ASKED["/v1/chat/completions"])

    status, headers, body = asyncio.run(run())
    assert status == 503 and headers["retry-after"] == "1"
    assert json.loads(body)["error"]["code"] == "engine_unreachable"
