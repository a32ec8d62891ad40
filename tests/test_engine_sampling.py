"""How to sample: every engine is told every field by its own name, or says that it cannot be."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="engines behind a URL need aiohttp: pip install 'toolglot[remote]'")

import fake_servers as servers
import test_opening
from fakes import Answer, Asked, Fake, as_events
from toolglot.engines import Chat, ChatRequest, Chunk, Done, EngineError, PromptPiece, Request, TokenLogprob
from toolglot.engines.http import Timeouts
from toolglot.engines.logprobs import read
from toolglot.engines.opening import open_engine
from toolglot.engines.sampling import OWN, choose, sampled
from toolglot.engines.scripted import Scripted, ScriptedChat
from toolglot.message import User

FIELDS = {"top_p": 0.5, "top_k": 7, "presence_penalty": 0.25, "frequency_penalty": -0.5}
LACKS = {"completions": {"top_k"}, "ollama": {"presence_penalty", "frequency_penalty"}, "tgi": {"presence_penalty"}}
INSIDE = {"ollama": "options", "tgi": "parameters"}
KINDS = (*test_opening.SERVERS, "chat, whole")


def chat_api(method: str, path: str, body: Any) -> Any:
    if path == "/v1/models":
        return 200, {"object": "list", "data": [{"id": "big"}]}
    choice = {"index": 0, "finish_reason": "stop"}
    if body["stream"]:
        return as_events({"choices": [{**choice, "delta": {"content": "hi"}}]})
    return 200, {"choices": [{**choice, "message": {"content": "hi"}}]}


def server(kind: str) -> Any:
    match kind:
        case "vllm" | "sglang":
            return servers.Completions(kind, replies=[["hi"]])
        case "lm-studio":
            return servers.Completions("lm_studio", replies=[["hi"]])
        case "completions":
            return servers.Completions("other", replies=[["hi"]], unknown=("structured_outputs", "response_format", "ebnf"))
        case "ollama":
            return servers.Ollama(replies=[["hi"]])
        case "tgi":
            return servers.Tgi(replies=[["hi"]])
        case "llama-server":
            return test_opening.llama_server
    return chat_api


async def asked(kind: str, options: Any) -> Any:
    """The fields of the request that a reply is asked for with."""
    with servers.serving(server(kind)) as fake:
        api: Any = kind.partition(",")[0]
        engine: Any = await open_engine(fake.url, api=api, timeouts=Timeouts(answer=20, piece=20))
        before = len(fake.requests)
        try:
            if isinstance(engine, Chat):
                engine.stream = "whole" not in kind                                     # type: ignore[attr-defined]
                reply: Any = engine.converse(ChatRequest([User("hi")], **options))
            else:
                reply = engine.generate(Request([PromptPiece("hi")], **options))
            found = [item async for item in reply]
        finally:
            engine.close()
            generated = [r.json for r in fake.requests[before:] if r.method == "POST" and "tokenize" not in r.path]
        assert found
    body, = generated
    return body[INSIDE[kind]] if kind in INSIDE else body


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("kind", KINDS)
def test_each_field_arrives_or_is_an_error(kind: str, field: str) -> None:
    options = {"temperature": 0.7, field: FIELDS[field]}
    if field in LACKS.get(kind, ()):
        with pytest.raises(EngineError, match=rf"has no {field}.*: leave it out, or use"):
            asyncio.run(asked(kind, options))
        return
    body = asyncio.run(asked(kind, options))
    assert {name: body[name] for name in FIELDS if name in body} == {field: FIELDS[field]}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_said_is_not_sent(kind: str) -> None:
    assert not set(FIELDS) & set(asyncio.run(asked(kind, {"temperature": 0.7})))


def test_a_field_that_a_chat_api_refuses_is_an_error() -> None:
    def play(asked: Asked) -> Answer:
        if asked.path == "/v1/models":
            return test_opening.as_json({"data": [{"id": "big"}]})
        return test_opening.as_json({"error": {"message": "Unrecognized request argument supplied: top_k"}}, 400)

    async def run(url: str) -> None:
        engine: Any = await open_engine(url, api="chat")
        with pytest.raises(EngineError, match="top_k"):
            _ = [event async for event in engine.converse(ChatRequest([User("hi")], top_k=3))]
        engine.close()

    with Fake(play) as fake:
        asyncio.run(run(fake.url))
        assert len(fake.asked("/v1/chat/completions")) == 1


@pytest.mark.parametrize(("options", "expected"), [
    ({"temperature": 0.0, "top_p": 0.5, "top_k": 3}, {}),            # greedy: they change nothing, and TGI would sample
    ({"temperature": 0.5, "top_p": 1.0}, {}), ({"temperature": 0.5, "top_p": 0.0}, {"top_k": 1}),
    ({"temperature": 0.0, "frequency_penalty": 1.0}, {"frequency_penalty": 1.0})])
def test_tgi_is_told_what_it_takes(options: Any, expected: Any) -> None:
    body = asyncio.run(asked("tgi", options))
    assert {name: body[name] for name in FIELDS if name in body} == expected


@pytest.mark.parametrize(("field", "value", "words"), [
    ("top_p", 1.5, "0 to 1"), ("top_p", -0.1, "0 to 1"), ("top_p", float("nan"), "0 to 1"), ("top_k", 0, "1 or more"),
    ("presence_penalty", 2.5, "-2 to 2"), ("frequency_penalty", -3, "-2 to 2")])
def test_what_is_out_of_bounds_is_refused_everywhere_alike(field: str, value: Any, words: str) -> None:
    for request in (Request([], **{field: value}), ChatRequest([], **{field: value})):
        with pytest.raises(EngineError, match=f"{field} is .*: give {words}"):
            sampled(request, OWN, "it")


def test_a_script_is_told_all() -> None:
    async def run() -> None:
        engine, chat = Scripted(["hi"]), ScriptedChat(["hi"])
        _ = [item async for item in engine.generate(Request([], **FIELDS))]                 # type: ignore[arg-type]
        _ = [item async for item in chat.converse(ChatRequest([], **FIELDS))]               # type: ignore[arg-type]
        for request in (engine.requests[0], chat.requests[0]):
            assert {name: getattr(request, name) for name in FIELDS} == FIELDS

    asyncio.run(run())


# ---------------------------------------------------------------- logprobs

async def generated(server: Any, kind: str, **options: Any) -> list[Any]:
    with servers.serving(server) as fake:
        api: Any = kind
        engine: Any = await open_engine(fake.url, api=api, timeouts=Timeouts(answer=20, piece=20))
        try:
            return [item async for item in engine.generate(Request([PromptPiece("hi")], **options))]
        finally:
            engine.close()


@pytest.mark.parametrize("kind", ["vllm", "sglang", "completions"])
@pytest.mark.parametrize("most", [0, 1, 3])
def test_completions_tell_how_likely_each_token_was(kind: str, most: int) -> None:
    one: Any = server(kind)
    one.replies = [["He", "l", "lo"]]
    *chunks, _ = asyncio.run(generated(one, kind, logprobs=most, stop=("lo!",)))
    top = (("<0>", -0.25), ("<1>", -0.5), ("<2>", -0.75))[:most]
    first, *held = [TokenLogprob(piece, -1.5, top) for piece in ("He", "l", "lo")]
    # "l" might begin the stop string, and so may "lo": neither goes without what is known of it
    assert chunks == [Chunk("He", (first,)), Chunk("l", tuple(held)), Chunk("lo")]


@pytest.mark.parametrize("kind", ["vllm", "completions"])
def test_logprobs_that_do_not_come_are_an_error(kind: str) -> None:
    one = server(kind)
    one.tells = False
    with pytest.raises(EngineError, match="was asked for logprobs, and sends none"):
        asyncio.run(generated(one, kind, logprobs=1))


def test_without_asking_there_are_none() -> None:
    *chunks, done = asyncio.run(generated(server("vllm"), "vllm"))
    assert chunks == [Chunk("hi")] and isinstance(done, Done)


@pytest.mark.parametrize("kind", ["lm-studio", "ollama", "tgi", "chat"])
def test_an_engine_without_logprobs_says_so(kind: str) -> None:
    with pytest.raises(EngineError, match=r"has no logprobs.*: leave it out"):
        asyncio.run(asked(kind, {"logprobs": 2}))


ENTRY = {"id": 7, "token": " Paris", "bytes": [], "logprob": -0.5}


@pytest.mark.parametrize(("told", "expected"), [
    (None, []), ([], []), ({"content": None}, []), ([ENTRY], [(" Paris", -0.5, ())]),
    ({"content": [{**ENTRY, "top_logprobs": [{"token": "b", "logprob": -3}, {"token": "a", "logprob": -1},
                                              {"token": "c", "logprob": -4}]}]},
     [(" Paris", -0.5, (("a", -1.0), ("b", -3.0)))]),
    ({"tokens": ["x", "y"], "token_logprobs": [None, -1], "top_logprobs": None, "text_offset": [0, 1]}, [("y", -1.0, ())]),
    ({"tokens": ["x"], "token_logprobs": [-1.0], "top_logprobs": [None]}, [("x", -1.0, ())])])
def test_both_shapes_are_read(told: Any, expected: Any) -> None:
    assert read(told, 2, "it") == tuple(expected)


@pytest.mark.parametrize("told", [
    [{"content": " Paris", "probs": [{"tok_str": " Paris", "prob": 0.5}]}],          # llama.cpp before December 2024
    {"tokens": ["x", "y"], "token_logprobs": [-1.0]}, {"token_logprobs": [-1.0]}, "words",
    [{"token": "x", "logprob": "?"}]])
def test_what_is_neither_is_an_error(told: Any) -> None:
    with pytest.raises(EngineError, match="it sent logprobs of an unknown shape"):
        read(told, 2, "it")


def test_a_script_tells_them_where_they_are_asked_for() -> None:
    told = Chunk("hi", (TokenLogprob("hi", -0.5),))

    async def run(logprobs: int | None) -> list[Any]:
        return [item async for item in Scripted([[told]]).generate(Request([], logprobs=logprobs))]

    assert asyncio.run(run(0))[0] == told
    assert asyncio.run(run(None))[0] == Chunk("hi")


# ---------------------------------------------------------------- chosen here

CHANCES = [0.5, 0.25, 0.15, 0.1]


@pytest.mark.parametrize(("options", "written", "possible"), [
    ({}, [], {0, 1, 2, 3}), ({"top_k": 2}, [], {0, 1}), ({"top_k": 9}, [], {0, 1, 2, 3}), ({"top_p": 0.0}, [], {0}),
    ({"top_p": 0.4}, [], {0}), ({"top_p": 0.6}, [], {0, 1}), ({"top_p": 1.0}, [], {0, 1, 2, 3}),
    ({"top_k": 3, "top_p": 0.8}, [], {0, 1}),                        # 0.5 and 0.25 of 0.9 make up 0.8
    ({"presence_penalty": 2.0, "top_k": 1}, [0], {1}),               # 0.5 is 0.07 then
    ({"frequency_penalty": 0.2, "top_k": 1}, [0], {0}), ({"frequency_penalty": 0.2, "top_k": 1}, [0] * 9, {1}),
    ({"presence_penalty": -2.0, "top_k": 1}, [3], {3}), ({"temperature": 0.0, "presence_penalty": 2.0}, [0, 1], {2})])
def test_tokens_that_may_be_chosen(options: Any, written: list[int], possible: set[int]) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    logits = torch.tensor(CHANCES).log()
    dice = torch.Generator().manual_seed(0)
    request = Request([], **{"temperature": 1.0, **options})
    assert {choose(torch, logits, request, written, dice) for _ in range(200)} == possible
    assert torch.equal(logits, torch.tensor(CHANCES).log())
