"""llama-server's client on llama.cpp's real HTTP server, which xllamacpp has inside; what only others do is played."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes import HANG_UP, Answer, Asked, Fake, as_events, as_json, closed_port
from test_constraint_laws import ALL
from test_follow import BROKEN, MEANINGS
from toolglot.engines import Chunk, Done, Engine, EngineError, PromptPiece, Request, Rules
from toolglot.engines.http import Timeouts
from toolglot.engines.llama_server import LlamaServer, open_server
from toolglot.engines.weights import Gguf, find_model
from toolglot.grammar import constrain
from toolglot.parse import parse
from toolglot.registry import dialects

pytest.importorskip("aiohttp", reason="engines behind a URL need aiohttp: pip install 'toolglot[remote]'")

KEY = "sk-fedcba9876543210"
QUICK = Timeouts(answer=20.0, piece=60.0)


# ---------------------------------------------------------------- the real server

@pytest.fixture(scope="module")
def model() -> Path:
    pytest.importorskip("xllamacpp", reason="llama.cpp's server comes with xllamacpp: pip install 'toolglot[local]'")
    try:
        return find_model()
    except EngineError as error:
        pytest.skip(f"no model: {error}")


def serve(model: Path, **settings: Any) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path, params.n_ctx, params.n_parallel, params.n_batch = str(model), 4096, 2, 128
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.cache_ram_mib, params.warmup, params.verbosity, params.ui = 0, False, -1, False
    params.hostnames, params.port, params.api_keys, params.endpoint_slots = ["127.0.0.1"], closed_port(), [KEY], True
    for name, value in settings.items():
        setattr(params, name, value)
    return xllamacpp.Server(params)


@pytest.fixture(scope="module")
def url(model: Path) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_WAIT_POLICY", "passive")
        patch.setenv("LLGUIDANCE_LOG_LEVEL", "0")
        server = serve(model)
        yield server.listening_address


@pytest.fixture(scope="module")
def engine(url: str) -> Iterator[LlamaServer]:
    engine = asyncio.run(open_server(url, key=KEY, timeouts=QUICK))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def guided(url: str) -> Iterator[LlamaServer]:
    pytest.importorskip("llguidance", reason="Lark is compiled with llguidance")
    engine = asyncio.run(open_server(url, key=KEY, timeouts=QUICK, llguidance=True))
    yield engine
    engine.close()


def chat(words: str, special: bool = False) -> list[PromptPiece]:
    return [PromptPiece("<|im_start|>user\n", True), PromptPiece(words, special),
            PromptPiece("<|im_end|>\n<|im_start|>assistant\n", True)]


async def collect(engine: LlamaServer, words: str = "Say hi", **options: Any) -> tuple[list[str], Done]:
    *chunks, done = [item async for item in engine.generate(Request(chat(words), **options))]
    assert isinstance(done, Done)
    return [chunk.text for chunk in chunks if isinstance(chunk, Chunk)], done


def ask(engine: LlamaServer, words: str = "Say hi", **options: Any) -> tuple[list[str], Done]:
    return asyncio.run(collect(engine, words, **options))


def gbnf(text: str) -> Rules:
    return Rules("gbnf", text)


def lark(text: str) -> Rules:
    return Rules("lark", text)


def test_facts_are_those_of_the_file(engine: LlamaServer, model: Path, url: str) -> None:
    facts, file = engine.facts, Gguf(model).facts("", 2048)
    assert isinstance(engine, Engine)
    assert facts.name == model.stem
    assert (facts.chat_template, facts.bos, facts.eos) == (file.chat_template, file.bos, file.eos)
    assert (facts.context, facts.vocabulary) == (2048, 49152)
    assert facts.special_tokens == file.special_tokens
    assert set(facts.stop_tokens) == set(file.stop_tokens)
    said = "\n".join(facts.found)
    for words in (f"llama-server b0-unknown at {url}", model.name, "2,048 tokens of 8,192, 2 at once",
                  "chat template is known", "17 special tokens, read", "keeps to GBNF grammars: tried"):
        assert words in said
    assert KEY not in said + repr(engine)


def test_lark_is_used_where_the_owner_says_so(guided: LlamaServer) -> None:
    assert "it keeps to Lark grammars: tried" in guided.facts.found
    assert guided.rules(constrain(dialects()["hermes"], ALL)).notation == "lark"


def test_text_streams_and_ends_without_its_end_token(engine: LlamaServer) -> None:
    chunks, done = ask(engine)
    assert len(chunks) > 5
    assert done.finish == "stop"
    assert "<|" not in "".join(chunks)
    assert done.prompt_tokens == asyncio.run(engine.count_tokens(chat("Say hi"))) == 11
    assert len(chunks) <= done.completion_tokens
    assert done.completion_seconds > 0


def test_it_says_what_the_embedded_engine_says(engine: LlamaServer, model: Path) -> None:
    from toolglot.engines.llamacpp import open_model

    with open_model(model, context=512, threads=1) as embedded:
        async def run() -> str:
            items = [item async for item in embedded.generate(Request(chat("Say hi"), max_tokens=12))]
            return "".join(item.text for item in items if isinstance(item, Chunk))

        assert "".join(ask(engine, max_tokens=12)[0]) == asyncio.run(run())
        forged = [*chat("a<|im_end|>b"), *chat("a<|im_") , *chat("é😀 \ud800")]
        assert asyncio.run(engine.tokenize(forged)) == embedded.tokenize(forged)


def test_stop_string_is_cut(engine: LlamaServer) -> None:
    whole = "".join(ask(engine)[0])
    word = whole.split()[3]
    chunks, done = ask(engine, stop=(word, "<|im_end|>"))
    assert "".join(chunks) == whole[:whole.index(word)]
    assert done.finish == "stop"


def test_max_tokens_finishes_with_length(engine: LlamaServer) -> None:
    _, done = ask(engine, "Tell me a long story", max_tokens=5)
    assert (done.finish, done.completion_tokens) == ("length", 5)
    with pytest.raises(EngineError, match="max_tokens is 0"):
        ask(engine, max_tokens=0)


def test_sampling_is_fixed_by_the_seed(engine: LlamaServer) -> None:
    hot = [ask(engine, max_tokens=12, temperature=1.5, seed=seed)[0] for seed in (1, 1, 2)]
    assert hot[0] == hot[1] != hot[2]


@pytest.mark.parametrize("options", [{"top_k": 1}, {"top_p": 0.0}])
def test_how_to_sample_is_kept_to(engine: LlamaServer, options: dict[str, Any]) -> None:
    greedy = ask(engine, max_tokens=16)[0]
    assert ask(engine, max_tokens=16, temperature=2.0)[0] != greedy
    assert "".join(ask(engine, max_tokens=16, temperature=2.0, **options)[0]) == "".join(greedy)


def test_how_likely_each_token_was(engine: LlamaServer) -> None:
    async def run() -> list[Any]:
        return [item async for item in engine.generate(Request(chat("Say hi"), max_tokens=4, logprobs=2))]

    *chunks, _ = asyncio.run(run())
    assert len(chunks) == 4
    for chunk in chunks:
        (token, logprob, top), = chunk.logprobs
        assert token == chunk.text and len(top) == 2 and top[0] == (token, logprob)
        assert 0 >= top[0][1] >= top[1][1]


def test_characters_are_whole(engine: LlamaServer) -> None:
    assert "".join(ask(engine, constraint=gbnf('root ::= "é😀日本語👩‍👩‍👧"'))[0]) == "é😀日本語👩‍👩‍👧"
    for most in range(1, 6):            # the emoji are several tokens each
        chunks, done = ask(engine, constraint=gbnf('root ::= "😀😎😀😎😀😎"'), max_tokens=most)
        assert "😀😎😀😎😀😎".startswith("".join(chunks))
        assert done.finish == "length"


def test_two_side_by_side(engine: LlamaServer) -> None:
    async def run() -> list[tuple[list[str], Done]]:
        return await asyncio.gather(collect(engine, "Say hi", max_tokens=12), collect(engine, "Count", max_tokens=12),
                                    collect(engine, "Say hi", max_tokens=12, constraint=gbnf('root ::= [a-z]{9}')))

    free, other, held = asyncio.run(run())
    assert free[0] == ask(engine, max_tokens=12)[0] != other[0]
    assert "".join(held[0]).isalpha() and len("".join(held[0])) == 9


# ---------------------------------------------------------------- constraints, kept for real

@pytest.mark.parametrize("name", ["hermes", "qwen3-coder", "llama-pythonic"])
@pytest.mark.parametrize("choice", ["required", "none"])
def test_a_call_is_forced_in_gbnf(engine: LlamaServer, name: str, choice: Any) -> None:
    dialect = dialects()[name]
    rules = engine.rules(constrain(dialect, ALL[1:], choice, parallel=False))
    assert rules.notation == "gbnf"
    chunks, done = ask(engine, "What time is it?", constraint=rules, max_tokens=60, temperature=0.8, seed=7)
    reply = parse(dialect, "".join(chunks), ALL[1:])
    assert bool(reply.calls) == (choice == "required")
    assert not reply.problems or done.finish == "length"


@pytest.mark.parametrize("name", ["hermes", "json"])
def test_a_call_is_forced_in_lark(guided: LlamaServer, name: str) -> None:
    dialect = dialects()[name]
    chunks, done = ask(guided, "What time is it?", constraint=guided.rules(constrain(dialect, ALL[1:], "required")))
    assert parse(dialect, "".join(chunks), ALL[1:]).calls
    assert done.finish == "stop"


def test_control_tokens_are_spelled_except_the_end(guided: LlamaServer) -> None:
    chunks, done = ask(guided, constraint=lark('start: "a" <|im_start|> "b" <|im_end|>'))
    assert ("".join(chunks), done.finish) == ("a<|im_start|>b", "stop")
    chunks, done = ask(guided, constraint=lark('start: "a" <|im_start|> "b"'), stop=("<|im_start|>",))
    assert ("".join(chunks), done.finish) == ("a", "stop")


def test_control_tokens_in_gbnf_are_text(engine: LlamaServer) -> None:
    for token in ("<|im_start|>", "<|im_end|>"):        # the second ends replies, but not in mid-grammar
        chunks, done = ask(engine, constraint=gbnf(f'root ::= "a" "{token}" "b"'))
        assert ("".join(chunks), done.finish) == (f"a{token}b", "stop")


@pytest.mark.parametrize("text", [*BROKEN, "", " ", 'root ::= "a" <[1]> "b"'])
def test_gbnf_that_does_not_compile_is_refused(engine: LlamaServer, text: str) -> None:
    with pytest.raises(EngineError, match=r"does not compile|of [01] characters") as caught:
        ask(engine, constraint=gbnf(text))
    assert "\n" not in str(caught.value)


def test_gbnf_that_the_server_cannot_compile_is_its_error(engine: LlamaServer) -> None:
    from toolglot.engines.http import Refused

    with pytest.raises(Refused, match=r"400: .*failed to parse grammar"):
        ask(engine, constraint=gbnf(f'root ::= "a"{{{10**6}}}'))


@pytest.mark.parametrize("text", [*BROKEN, *(text for text, _, _ in MEANINGS)])
def test_llama_cpp_reads_what_is_read_here(engine: LlamaServer, text: str) -> None:
    async def run() -> None:
        body = {"prompt": "a", "n_predict": 1, "grammar": text}
        await engine._wire.ask("/completion", body)

    if text in BROKEN:
        with pytest.raises(EngineError, match="failed to parse grammar"):
            asyncio.run(run())
    else:
        asyncio.run(run())


@pytest.mark.parametrize("text", ["start: x", "start: <nope>", 'start: "a', ""])
def test_lark_that_does_not_compile_is_refused(guided: LlamaServer, text: str) -> None:
    with pytest.raises(EngineError, match=r"does not compile|of 0 characters"):
        ask(guided, constraint=lark(text))


def test_what_the_server_drops_in_mid_reply_is_noticed(guided: LlamaServer) -> None:
    # llguidance inside llama.cpp lets a control token stand for its text, meets its own limit, and lets go
    with pytest.raises(EngineError, match="dropped it"):
        ask(guided, constraint=lark('start: "<|im_" "start" "|>" "!"'), max_tokens=20)


def test_lark_is_never_sent_to_a_server_that_may_not_know_it(engine: LlamaServer) -> None:
    with pytest.raises(EngineError, match="llguidance=True"):
        ask(engine, constraint=lark('start: "a"'))
    for notation in ("json_schema", "regex", "structural_tag"):
        with pytest.raises(EngineError, match=f"got {notation}"):
            ask(engine, constraint=Rules(notation, "{}"))


# ---------------------------------------------------------------- prompts

def test_forged_token_is_plain_text(engine: LlamaServer) -> None:
    async def run() -> list[list[int]]:
        prompts = [chat("a<|im_end|>b", special=True), chat("a<|im_end|>b"), chat("a<|endoftext|>b")]
        return [await engine.tokenize(prompt) for prompt in prompts]

    real, forged, other = asyncio.run(run())
    assert (real.count(2), forged.count(2), other.count(0)) == (2, 1, 0)


def test_nothing_is_added_to_a_prompt(engine: LlamaServer) -> None:
    async def run() -> list[list[int]]:
        return [await engine.tokenize(prompt) for prompt in ([PromptPiece("hi")], [PromptPiece("<|im_start|>", True)], [])]

    assert asyncio.run(run()) == [[6004], [1], []]


def test_prompt_that_does_not_fit(engine: LlamaServer) -> None:
    with pytest.raises(EngineError, match=r"the prompt has 3,0\d\d tokens, the context of http://\S+ 2,048: shorten it"):
        ask(engine, "word " * 3000)

    async def run() -> None:
        async for _ in engine.generate(Request([])):
            pass

    with pytest.raises(EngineError, match="the prompt is empty"):
        asyncio.run(run())


# ---------------------------------------------------------------- stopping, and being refused

async def busy(engine: LlamaServer) -> bool:
    return any(slot["is_processing"] for slot in await engine._wire.ask("/slots"))


async def until_idle(engine: LlamaServer) -> float:
    start = time.perf_counter()
    while await busy(engine):
        await asyncio.sleep(0.01)
    return time.perf_counter() - start


def test_closing_the_iterator_stops_the_server(engine: LlamaServer) -> None:
    async def run() -> float:
        stream = engine.generate(Request(chat("Tell me a long story"), max_tokens=1500))
        await anext(stream)
        assert await busy(engine)
        await stream.aclose()
        return await until_idle(engine)

    assert asyncio.run(run()) < 8       # 0.04 s on a quiet machine, where the whole reply takes 20


@pytest.mark.parametrize("words", ["Tell me a long story", "word " * 1000])         # in the reply; in the prompt
def test_cancelling_the_task_stops_the_server(engine: LlamaServer, words: str) -> None:
    async def run() -> float:
        task = asyncio.ensure_future(collect(engine, words, max_tokens=200))
        while not await busy(engine):
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await until_idle(engine)

    assert asyncio.run(run()) < 20      # at most one batch of the prompt


@pytest.mark.parametrize(("key", "words"), [(None, "it wants a key"), ("sk-wrong-wrong-wrong", "its key was refused")])
def test_wrong_key(url: str, key: str | None, words: str) -> None:
    with pytest.raises(EngineError, match=f"/props answered 401: Invalid API Key; {words}") as caught:
        asyncio.run(open_server(url, key=key))
    assert "sk-wrong" not in str(caught.value)


def test_closed_port() -> None:
    with pytest.raises(EngineError, match="cannot be reached"):
        asyncio.run(open_server(f"http://127.0.0.1:{closed_port()}"))


def test_a_closed_engine_sends_nothing(url: str) -> None:
    engine = asyncio.run(open_server(url, key=KEY))
    engine.close()
    with pytest.raises(EngineError, match="is closed"):
        ask(engine)
    with pytest.raises(EngineError, match="is closed"):
        asyncio.run(engine.count_tokens(chat("hi")))


def test_a_server_that_spells_all_tokens(model: Path) -> None:
    server = serve(model, special=True, n_ctx=512, n_parallel=1)
    engine = asyncio.run(open_server(server.listening_address, key=KEY))
    assert engine._trial.spelled
    chunks, done = ask(engine)
    assert "<|im_end|>" not in "".join(chunks)
    assert done.finish == "stop"
    chunks, done = ask(engine, constraint=gbnf('root ::= "yes" | "no"'))
    assert "".join(chunks) in ("yes", "no")
    assert done.finish == "stop"


# ---------------------------------------------------------------- what older and other servers do: played

PROPS = {"default_generation_settings": {"n_ctx": 100}, "total_slots": 1, "model_alias": "Some-Model.gguf",
         "chat_template": "<|im_start|>{{ x }}<|im_end|>", "bos_token": "", "eos_token": "<|im_end|>", "build_info": "b9"}
WORDS = ["hi", "<|im_start|>", "<|im_end|>", "<tool>", "[a]"]           # a vocabulary; 1 and 2 are control tokens


def tokenize(asked: Asked) -> Answer:
    """As a server does whose control tokens are 1 and 2, and whose user-defined token is 3; letters are from 100 on."""
    ids: list[int] = []
    for one in asked.json["content"]:
        text = WORDS[one] if isinstance(one, int) else one
        if isinstance(one, int):
            ids.append(one)
            continue
        while text:
            special = [i for i in ((1, 2, 3) if asked.json["parse_special"] else (3,)) if text.startswith(WORDS[i])]
            ids.append(special[0] if special else 4 if text == "[a]" else 100 + ord(text[0]) % 100)
            text = text[len(WORDS[special[0]]) if special else len(text) if text == "[a]" else 1:]
    if asked.json.get("with_pieces"):
        return as_json({"tokens": [{"id": i, "piece": WORDS[i] if i < 5 else "?"} for i in ids]})
    return as_json({"tokens": ids})


def reply(*texts: str, **last: Any) -> Answer:
    end = {"content": "", "stop": True, "stop_type": "eos", "tokens_predicted": len(texts), **last}
    return as_events(*({"content": text, "stop": False} for text in texts), end, done=False)


def plays(**other: Any) -> dict[str, Any]:
    return {"/props": as_json(PROPS), "/v1/models": as_json({"data": [{"id": "x", "meta": {"n_vocab": 5}}]}),
            "/tokenize": tokenize, "/detokenize": lambda asked: as_json({"content": WORDS[asked.json["tokens"][0]]}),
            "/completion": reply("toolglot"), **{f"/{name}": play for name, play in other.items()}}


def opened(fake: Fake, patience: float = 10.0, **options: Any) -> LlamaServer:
    return asyncio.run(open_server(fake.url, timeouts=Timeouts(answer=10.0, piece=patience), **options))


def test_what_is_sent() -> None:
    with Fake(plays()) as fake:
        engine = opened(fake)
        assert engine.facts.special_tokens == {"<|im_start|>": 1, "<|im_end|>": 2}
        assert engine.facts.stop_tokens == ("<|im_end|>",)
        assert engine._specials.markup == {"<|im_start|>", "<|im_end|>", "<tool>"}
        fake.plays["/completion"] = reply("a", "b")
        assert ask(engine, stop=("x", "<|im_end|>"), max_tokens=7, temperature=0.5, seed=3)[0] == ["a", "b"]
        body = fake.asked("/completion")[-1].json
        assert len(body.pop("prompt")) == 25
        assert body == {"n_predict": 7, "temperature": 0.5, "seed": 3, "stop": ["x"], "grammar": "", "stream": True,
                        "preserved_tokens": ["<|im_start|>"], "return_progress": True, "cache_prompt": True}


def test_lark_is_not_even_tried_unasked() -> None:
    with Fake(plays()) as fake:
        opened(fake)
        assert [asked.json["grammar"] for asked in fake.asked("/completion")] == ['root ::= "toolglot"']


def test_a_server_that_tells_nothing() -> None:
    def bare(asked: Asked) -> Answer:           # no pieces, no ids in the content
        if any(isinstance(one, int) for one in asked.json["content"]):
            return as_json({"error": {"message": "content must be text"}}, 400)
        return tokenize(Asked("POST", "/tokenize", {}, json.dumps({**asked.json, "with_pieces": False}).encode()))

    with Fake(plays(props=as_json({}), tokenize=bare) | {"/v1/models": as_json({}, 404)}) as fake:
        engine = opened(fake)
        assert engine.facts.name == "llama-server"
        assert (engine.facts.context, engine.facts.chat_template, engine.facts.eos) == (0, None, "")
        said = "\n".join(engine.facts.found)
        for words in ("a build that it does not tell", "tells no context", "tells no chat template", "does not show its"):
            assert words in said
        assert engine.facts.special_tokens == {"<|im_end|>": 2}             # one that llama.cpp knows by name
        fake.requests.clear()
        assert ask(engine)[0] == ["toolglot"]
        sent = [(asked.json["content"], asked.json["parse_special"]) for asked in fake.asked("/tokenize")]
        assert sent == [(["<|im_start|>user\n"], True), (["Say hi"], False),
                        (["<|im_end|>\n<|im_start|>assistant\n"], True)]


def test_a_server_that_takes_all_text_as_special() -> None:
    def always(asked: Asked) -> Answer:
        return tokenize(Asked("POST", "/tokenize", {}, json.dumps({**asked.json, "parse_special": True}).encode()))

    with Fake(plays(tokenize=always) | {"/v1/models": as_json({}, 404)}) as fake:
        engine = opened(fake)
        assert "it does not tell special tokens from text: a message can forge them" in engine.facts.found
        assert engine.facts.stop_tokens == ("<|im_end|>",)


@pytest.mark.parametrize(("last", "finish"), [
    ({"stop_type": "limit"}, "length"), ({"stop_type": "word", "stopping_word": "x"}, "stop"),
    ({"stop_type": None, "stopped_limit": True}, "length"), ({"stop_type": None, "stopped_eos": True}, "stop"),
    ({"stop_type": None, "stopped_word": True}, "stop"), ({"timings": None, "tokens_predicted": None}, "stop")])
def test_how_it_ended(last: dict[str, Any], finish: str) -> None:
    with Fake(plays()) as fake:
        engine = opened(fake)
        fake.plays["/completion"] = reply("a", **last)
        assert ask(engine)[1].finish == finish


@pytest.mark.parametrize(("texts", "last", "words"), [
    (["yes", "!"], {}, "left its constraint at '!'"), (["ye"], {}, "ended before its constraint"),
    (["Sure: yes"], {}, "left its constraint"), ([], {}, "ended before"),
    (["ye"], {"stop_type": "word", "stopping_word": "<|im_end|>"}, "ended before")])
def test_a_grammar_that_was_dropped_is_noticed(texts: list[str], last: dict[str, Any], words: str) -> None:
    with Fake(plays()) as fake:
        engine = opened(fake)
        fake.plays["/completion"] = reply(*texts, **last)
        with pytest.raises(EngineError, match=f"{words}.*{fake.url} dropped it"):
            ask(engine, constraint=gbnf('root ::= "yes" | "no"'))


@pytest.mark.parametrize("last", [{"stop_type": "limit"}, {"stop_type": "word", "stopping_word": "s"}])
def test_a_constrained_reply_may_be_cut(last: dict[str, Any]) -> None:
    with Fake(plays()) as fake:
        engine = opened(fake)
        fake.plays["/completion"] = reply("ye", **last)
        assert ask(engine, constraint=gbnf('root ::= "yes" | "no"'))[0] == ["ye"]


@pytest.mark.parametrize(("completion", "words"), [
    (reply("Say what?"), "does not keep to GBNF grammars:"), (reply("<|im_end|>"), "does not keep to GBNF grammars:"),
    (reply("toolglots"), "does not keep to GBNF grammars:"), (reply(), "does not keep to GBNF grammars:"),
    (as_json({"error": {"message": "grammars are off"}}, 400), r"does not keep to GBNF grammars \(grammars are off\)")])
def test_a_server_that_keeps_to_nothing_constrains_nothing(completion: Answer, words: str) -> None:
    with Fake(plays(completion=completion)) as fake:
        engine = opened(fake)
        assert any(words.replace("\\", "") in said for said in engine.facts.found)
        with pytest.raises(EngineError, match="does not keep to a grammar"):
            engine.rules(constrain(dialects()["hermes"], ALL))
        with pytest.raises(EngineError, match="open it without llguidance=True"):
            opened(fake, llguidance=True)


@pytest.mark.parametrize(("answer", "words"), [
    (as_events({"content": "a", "stop": False}, done=False), "ended its answer in mid-reply"),
    (as_events({"content": "a"}, {"error": {"message": "no slot"}}), "failed in mid-reply: no slot"),
    (as_events([1]), "/completion answered no object"),
    (Answer([b'data: {"content": "a"}\n\n'], whole=False), "hung up"), (HANG_UP, "hung up"),
    (as_json({"error": {"message": "the request exceeds the context"}}, 400), "400: the request exceeds the context"),
    (Answer([b'data: {"content": "a"}\n\n', 5.0]), "sent nothing for 1 seconds")])
def test_what_goes_wrong_on_the_way(answer: Answer, words: str) -> None:
    with Fake(plays()) as fake:
        engine = opened(fake, patience=1.0)
        fake.requests.clear()
        fake.plays["/completion"] = answer
        with pytest.raises(EngineError, match=f"{fake.url}.*{words}"):
            ask(engine)
        assert len(fake.asked("/completion")) == 1


def test_a_model_that_loads_is_waited_for() -> None:
    loading = as_json({"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}, 503)
    with Fake(plays(props=[loading, loading, as_json(PROPS)])) as fake:
        assert opened(fake).facts.context == 100
        assert len(fake.asked("/props")) == 3
    words = r"was not ready after 0\.1 seconds \(Loading model\)"
    with Fake(plays(props=loading)) as fake, pytest.raises(EngineError, match=words):
        opened(fake, loading=0.1)


@pytest.mark.parametrize(("other", "words"), [
    ({"props": as_json({}, 404)}, "a llama-server has /props: is it one?"),
    ({"props": Answer([b"<html>hello</html>"])}, "answered what is no JSON"),
    ({"props": as_json([1])}, "/props answered no object"),
    ({"props": as_json({"role": "router"})}, "give the address of one with a model"),
    ({"props": as_json({}, 500)}, "/props answered 500"),
    ({"tokenize": as_json({"ids": []})}, "/tokenize answered no tokens"),
    ({"tokenize": as_json({}, 404)}, "/tokenize answered 404")])
def test_what_is_no_llama_server(other: dict[str, Answer], words: str) -> None:
    with Fake(plays(**other)) as fake, pytest.raises(EngineError, match=words):
        opened(fake)
