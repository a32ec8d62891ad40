"""Exchanges with the application over a scripted engine: the same reply, asked for on each surface, streamed and not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import toolglot
from toolglot.engines import EngineError
from toolglot.engines.scripted import Scripted
from toolglot.message import Call, Part, Reasoning, Text
from toolglot.serve import app as serve
from toolglot.serve.service import Policy, Service
from toolglot.serve.settings import Settings
from toolglot.serve.store import open_store
from wire import MUTATIONS, RULES, TWINS, Exchange, Mutation, apart, broken_rules

WEATHER = {"name": "get_weather", "description": "The weather in a city.", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}
TIME = {"name": "get_time", "description": "What time it is.", "parameters": {"type": "object", "properties": {}}}
ECHO = {"name": "echo", "description": "Says it again."}
PARIS, OSLO, NOW = Call("get_weather", {"city": "Paris"}), Call("get_weather", {"city": "Os\"lo\n☃"}), Call("get_time", {})


@dataclass(frozen=True)
class Scenario:
    """What a model writes, and how the reply ends. `body` is what the request has beside model and messages, by surface;
    a surface that is not in `on` has no such thing."""

    name: str
    parts: tuple[Part, ...]
    finish: str = "stop"
    on: tuple[str, ...] = ("chat", "responses", "messages")
    tools: tuple[Mapping[str, Any], ...] = (WEATHER, TIME)
    body: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    dialect: str = "hermes"
    after: tuple[Any, ...] = ()         # pieces behind the reply's text
    calls: int | None = None


SCENARIOS = (
    Scenario("words", (Text("It is sunny."),), tools=()),
    Scenario("words, with tools", (Text("It is sunny, \U0001f31e and 3 < 4."),)),
    Scenario("a call", (PARIS,)),
    Scenario("words and a call", (Text("Let me look."), PARIS)),
    Scenario("two calls of one function", (PARIS, OSLO)),
    Scenario("a call without arguments, and one with", (NOW, PARIS)),
    Scenario("reasoning and a call", (Reasoning("They want the weather."), PARIS), dialect="qwen3",
             body={"chat": {"reasoning_effort": "low"}, "responses": {"reasoning": {"effort": "low"}},
                   "messages": {"thinking": {"type": "enabled", "budget_tokens": 1024}}}),
    Scenario("reasoning and words", (Reasoning("Easy."), Text("Four.")), dialect="qwen3", tools=(),
             body={"chat": {"reasoning_effort": "low"}, "responses": {"reasoning": {"effort": "low"}},
                   "messages": {"thinking": {"type": "enabled", "budget_tokens": 1024}}}),
    Scenario("usage is asked for", (Text("Yes."),), on=("chat",), tools=(),
             body={"chat": {"stream_options": {"include_usage": True}}}),
    Scenario("two replies", (Text("Yes."),), on=("chat",), tools=(), body={"chat": {"n": 2}}),
    Scenario("a call that must be", (PARIS,), body={
        "chat": {"tool_choice": "required"}, "responses": {"tool_choice": {"type": "function", "name": "get_weather"}},
        "messages": {"tool_choice": {"type": "any"}}}),
    Scenario("functions, as they were", (PARIS,), on=("chat",), tools=(), body={"chat": {"functions": [WEATHER]}}),
    Scenario("a custom tool", (Call("echo", {"input": 'say "it"\n\\ ☃'}),), on=("chat", "responses"), tools=(),
             body={"chat": {"tools": [{"type": "custom", "custom": ECHO}]},
                   "responses": {"tools": [{"type": "custom", **ECHO}]}}),
    Scenario("cut in words", (Text("one two three four five six seven"),), "length", tools=(),
             body={"chat": {"max_tokens": 3}, "responses": {"max_output_tokens": 3}, "messages": {"max_tokens": 3}}),
    Scenario("a stop string", (Text("one two STOP three"),), "stop_string", ("chat", "messages"), tools=(),
             body={"chat": {"stop": ["STOP"]}, "messages": {"stop_sequences": ["STOP"]}}),
    Scenario("the engine fails in mid-reply", (Text("one two"),), "error", after=(EngineError("the engine is gone"),)),
)
# what is wrong with a request: the surface, what is other in it, its status, and the field that the error names
REFUSED = (
    ("chat", {"messages": []}, 400, "messages"), ("chat", {"model": "other"}, 404, "model"),
    ("chat", {"temperature": "hot"}, 400, "temperature"), ("chat", {"tool_choice": "required"}, 400, "tool_choice"),
    ("responses", {"input": 5}, 400, "input"), ("responses", {"model": "other"}, 404, "model"),
    ("responses", {"previous_response_id": "resp_none"}, 400, "previous_response_id"),
    ("messages", {"messages": []}, 400, "messages"), ("messages", {"model": "other"}, 404, "model"),
    ("messages", {"max_tokens": None}, 400, "max_tokens"), ("messages", {"thread": {"type": "create"}}, 400, "thread"),
)
PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages"}


def request_of(scenario: Scenario, surface: str, stream: bool) -> dict[str, Any]:
    tools: list[Any] = [*scenario.tools]
    body: dict[str, Any] = {"model": "scripted", "stream": stream}
    question = [{"role": "user", "content": "What is it like?"}]
    match surface:
        case "chat":
            body |= {"messages": question, "tools": [{"type": "function", "function": tool} for tool in tools]}
        case "responses":
            body |= {"input": question, "tools": [{"type": "function", **tool} for tool in tools]}
        case "messages":
            body |= {"messages": question, "max_tokens": 4000, "tools": [
                {"name": t["name"], "description": t["description"], "input_schema": t["parameters"]} for t in tools]}
    if not tools:
        del body["tools"]
    return body | scenario.body.get(surface, {})


def exchanges(scenario: Scenario, surface: str, size: int = 5) -> tuple[Exchange, Exchange]:
    """The streamed one and its twin. The model's text comes in pieces of `size` characters."""
    model = toolglot.model(scenario.dialect)
    text = model.write(scenario.parts)
    pieces = [text[i:i + size] for i in range(0, len(text), size)]
    found = []
    for stream in (True, False):
        body = request_of(scenario, surface, stream)
        engine = Scripted([[*pieces, *scenario.after]] * (body.get("n") or 1))
        status, headers, raw = ask(application(engine, model), PATHS[surface], body)
        calls = sum(isinstance(part, Call) for part in scenario.parts)
        found.append(Exchange(surface, scenario.name, body, status, headers, raw, calls, scenario.finish))
    return found[0], found[1]


def refused(surface: str, change: Mapping[str, Any]) -> Exchange:
    body = {key: value for key, value in (request_of(SCENARIOS[0], surface, False) | change).items() if value is not None}
    status, headers, raw = ask(application(Scripted([]), toolglot.model("hermes")), PATHS[surface], body)
    return Exchange(surface, f"refused: {json.dumps(change)}", body, status, headers, raw)


def application(engine: Any, model: Any, policy: Policy = Policy(), **settings: Any) -> Callable[..., Any]:
    async def opened() -> serve.Served:
        service = Service(engine, model, policy, ("scripted",))
        return serve.Served(service, await open_store(":memory:"), Settings(**settings))

    return serve.bare(opened)


def ask(app: Any, path: str, body: Any, method: str = "POST") -> tuple[int, dict[str, str], bytes]:
    """One request, and the bytes of its answer."""
    return asyncio.run(asking(app, [(method, path, body)]))[0]


async def asking(app: Any, requests: list[tuple[str, str, Any]]) -> list[tuple[int, dict[str, str], bytes]]:
    async with app.router.lifespan_context(app):
        return [await one(app, *request) for request in requests]


async def one(app: Any, method: str, path: str, body: Any, **given: str) -> tuple[int, dict[str, str], bytes]:
    """One request; `given` are its headers."""
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    asked: list[dict[str, Any]] = [{"type": "http.request", "body": raw, "more_body": False}]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        if asked:
            return asked.pop()
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(message)

    path, _, query = path.partition("?")
    sent_headers = [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items()]
    scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query.encode(),
             "headers": sent_headers, "state": {}, "scheme": "http", "server": ("test", 80), "root_path": "",
             "http_version": "1.1"}
    await app(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:])


@cache
def all_exchanges() -> list[tuple[Exchange, Exchange | None]]:
    """Every scenario on every surface, each with its twin where it has one; then what is refused."""
    return list(_all())


def _all() -> Iterator[tuple[Exchange, Exchange | None]]:
    for scenario in SCENARIOS:
        for surface in scenario.on:
            streamed, whole = exchanges(scenario, surface)
            if scenario.finish == "error":
                yield streamed, None
                yield replace(whole, finish="stop"), None
            else:
                yield streamed, whole
    for surface, change, _, _ in REFUSED:
        yield refused(surface, change), None


def noticed(mutation: Mutation) -> dict[str, int]:
    """The rules that notice a mutation, and on how many exchanges."""
    found: dict[str, int] = {}
    for streamed, whole in all_exchanges():
        if streamed.surface != mutation.surface:
            continue
        first, second = mutation.of(streamed), whole and mutation.of(whole)
        rules = [name for one in (first, second) if one is not None for name in broken_rules(one)]
        if second is not None and apart(first, second):
            rules.append(TWINS)
        for name in rules:
            found[name] = found.get(name, 0) + 1
    return found


def table() -> str:
    """The page that shows which rules notice which mutation, and on how many exchanges."""
    lines = []
    for m in MUTATIONS:
        if found := noticed(m):
            words = "; ".join(f"{name.partition(': ')[2]} ({n})" for name, n in found.items())
            lines.append(f"| {m.surface} | {m.name} | {words} |")
    rules = sum(len(rules) for rules in RULES.values()) + 1
    return "\n".join([
        "# The bytes on the wire", "",
        "What clients forgive and others do not is kept by rules over the raw bytes of every surface (`tests/wire.py`).",
        "To show that they can fail, what the server sends is made wrong, one thing at a time; this is which rules notice,",
        "and on how many of the exchanges. Made by `python docs/update.py`:",
        f"{rules} rules, {len(MUTATIONS)} mutations, {len(lines)} noticed.",
        "", "| surface | what is wrong | the rules that notice |", "| --- | --- | --- |", *lines]) + "\n"


__all__ = ["REFUSED", "SCENARIOS", "Scenario", "all_exchanges", "application", "ask", "asking", "exchanges", "noticed",
           "one", "refused", "table"]
