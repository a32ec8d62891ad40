"""The embedded engine on the real default model; without it, what needs it is skipped and says why."""

from __future__ import annotations

import asyncio
import os
import sys
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from toolglot.engines import Chunk, Done, Engine, EngineError, PromptPiece, Request, Rules, llamacpp
from toolglot.engines.llamacpp import LlamaCpp, default_threads, open_model
from toolglot.engines.spelling import Spelling, defuse
from toolglot.engines.weights import find_model

SPELLING = Spelling({"<|im_end|>", "<|im_start|>", "<|im", "[X]"})


@pytest.fixture(scope="module")
def model() -> Path:
    pytest.importorskip("xllamacpp", reason="the embedded engine is not installed")
    try:
        return find_model()
    except EngineError as error:
        pytest.skip(f"no model: {error}")


@pytest.fixture(scope="module")
def engine(model: Path) -> Iterator[LlamaCpp]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOOLGLOT_THREADS", "1")       # a machine that runs tests is a loaded one
        with open_model(model, context=2048) as engine:
            yield engine


def chat(words: str, special: bool = False) -> list[PromptPiece]:
    return [PromptPiece("<|im_start|>user\n", True), PromptPiece(words, special),
            PromptPiece("<|im_end|>\n<|im_start|>assistant\n", True)]


def ask(engine: LlamaCpp, words: str = "Say hi", constraint: str | None = None, **options: Any) -> tuple[list[str], Done]:
    options["constraint"] = Rules("lark", constraint) if constraint is not None else None

    async def run() -> list[Chunk | Done]:
        return [item async for item in engine.generate(Request(chat(words), **options))]

    *chunks, done = asyncio.run(run())
    assert isinstance(done, Done)
    return [chunk.text for chunk in chunks if isinstance(chunk, Chunk)], done


# ---------------------------------------------------------------- replies

def test_text_streams_and_ends_without_its_end_token(engine: LlamaCpp) -> None:
    chunks, done = ask(engine)
    assert len(chunks) > 5
    assert done.finish == "stop"
    assert "<|" not in "".join(chunks)
    assert done.prompt_tokens == asyncio.run(engine.count_tokens(chat("Say hi"))) == 11
    assert len(chunks) <= done.completion_tokens
    assert done.completion_seconds > 0


def test_one_request_after_another(engine: LlamaCpp) -> None:
    first, second = ask(engine, max_tokens=8), ask(engine, max_tokens=8)
    assert first[0] == second[0]
    assert first[1].prompt_tokens == second[1].prompt_tokens


def test_two_slots_side_by_side(model: Path) -> None:
    async def run(engine: LlamaCpp) -> tuple[list[Chunk | Done], ...]:
        async def one(words: str) -> list[Chunk | Done]:
            return [item async for item in engine.generate(Request(chat(words), max_tokens=5))]

        return await asyncio.gather(one("Say hi"), one("Count to three"))

    with open_model(model, context=512, threads=1, slots=2) as engine:
        assert engine.facts.context == 512
        assert all(isinstance(items[-1], Done) and len(items) > 1 for items in asyncio.run(run(engine)))


def test_as_many_slots_as_the_memory_has_room_for(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[int]()
    monkeypatch.setattr(llamacpp, "available_memory", lambda: 150_000_000)      # of 98.4 the weights, and 11.8 for each
    params = llamacpp._params
    monkeypatch.setattr(llamacpp, "_params", lambda *given: (asked.append(given[4]), params(*given))[1])
    open_model(model, context=512, threads=1, slots=16).close()
    assert asked == [4]


@pytest.mark.parametrize("options", [{"top_k": 1}, {"top_p": 0.0}])
def test_how_to_sample_is_kept_to(engine: LlamaCpp, options: dict[str, Any]) -> None:
    greedy = "".join(ask(engine, max_tokens=16)[0])
    assert "".join(ask(engine, max_tokens=16, temperature=2.0)[0]) != greedy
    assert "".join(ask(engine, max_tokens=16, temperature=2.0, **options)[0]) == greedy


def test_how_likely_each_token_was(engine: LlamaCpp) -> None:
    async def run(**options: Any) -> list[Any]:
        return [item async for item in engine.generate(Request([PromptPiece("The capital of France is")], max_tokens=4,
                                                               **options))]

    plain, none, three = (asyncio.run(run(**options)) for options in ({}, {"logprobs": 0}, {"logprobs": 3}))
    assert [chunk.logprobs for chunk in plain[:-1]] == [()] * 4
    assert [chunk.text for chunk in plain[:-1]] == [chunk.text for chunk in none[:-1]] == [c.text for c in three[:-1]]
    for chunk, other in zip(three[:-1], none[:-1], strict=True):
        (token, logprob, top), = chunk.logprobs
        assert token == chunk.text and logprob == pytest.approx(other.logprobs[0].logprob, abs=0.01)
        assert other.logprobs[0].top == ()
        assert len(top) == 3 and top[0] == (token, logprob)      # greedy: the likeliest
        assert 0 >= top[0][1] >= top[1][1] >= top[2][1]
    held = asyncio.run(run(logprobs=1, constraint=Rules("lark", 'start: "zebra"')))
    assert all(chunk.logprobs[0].logprob < -3 for chunk in held[:1])        # what the model says, not what it must


def test_penalties_are_paid(engine: LlamaCpp) -> None:
    grammar = 'start: (" yes" | " no"){8}'
    plain, paid = (ask(engine, constraint=grammar, frequency_penalty=penalty)[0] for penalty in (0.0, 2.0))
    assert min(plain.count(" yes"), plain.count(" no")) < min(paid.count(" yes"), paid.count(" no"))
    free, paid = (ask(engine, "Say yes ten times", max_tokens=16, presence_penalty=penalty)[0] for penalty in (0.0, 2.0))
    assert free != paid


def test_stop_string_is_cut(engine: LlamaCpp) -> None:
    whole = "".join(ask(engine)[0])
    word = whole.split()[3]
    chunks, done = ask(engine, stop=(word, "<|im_end|>"))
    assert "".join(chunks) == whole[:whole.index(word)]
    assert done.finish == "stop"


def test_control_token_as_a_stop_string(engine: LlamaCpp) -> None:
    chunks, done = ask(engine, constraint='start: "a" <|im_start|> "b"', stop=("<|im_start|>",))
    assert "".join(chunks) == "a"
    assert done.finish == "stop"


def test_max_tokens_finishes_with_length(engine: LlamaCpp) -> None:
    _, done = ask(engine, "Tell me a long story", max_tokens=5)
    assert done.finish == "length"
    assert done.completion_tokens == 5


def test_sampling_is_fixed_by_the_seed(engine: LlamaCpp) -> None:
    hot = [ask(engine, max_tokens=12, temperature=1.5, seed=seed)[0] for seed in (1, 1, 2)]
    assert hot[0] == hot[1] != hot[2]


def test_characters_are_whole(engine: LlamaCpp) -> None:
    chunks, done = ask(engine, constraint='start: "é😀日本語👩‍👩‍👧"')
    assert "".join(chunks) == "é😀日本語👩‍👩‍👧"
    assert done.finish == "stop"
    for most in range(1, 8):            # the emoji are several tokens each
        chunks, _ = ask(engine, constraint='start: "😀😎😀😎😀😎"', max_tokens=most)
        assert "😀😎😀😎😀😎".startswith("".join(chunks))
        assert "\ufffd" not in "".join(chunks)


# ---------------------------------------------------------------- constraints

@pytest.mark.parametrize("head", ["", "%llguidance {}\n"])
def test_constraint_is_obeyed(engine: LlamaCpp, head: str) -> None:
    chunks, done = ask(engine, constraint=head + 'start: "{" /"[a-z]{3,8}":[0-9]{1,3}/ "}"')
    assert "".join(chunks).startswith('{"')
    assert "".join(chunks).endswith("}")
    assert done.finish == "stop"


def test_control_tokens_are_spelled_except_the_end(engine: LlamaCpp) -> None:
    chunks, done = ask(engine, constraint='start: "a" <|im_start|> "b" <|im_end|>')
    assert "".join(chunks) == "a<|im_start|>b"
    assert done.finish == "stop"


def test_control_token_spelled_by_ordinary_tokens(engine: LlamaCpp) -> None:
    chunks, _ = ask(engine, constraint='start: "<|im_" ("start" | "end") "|>" "!"')
    assert "".join(chunks) in ("<|im_start|>!", "<|im_end|>!")


@pytest.mark.parametrize("grammar", ["start: x", "start: <nope>", 'start: "a', "start: /a(?=b)/", ""])
def test_grammar_that_does_not_compile_is_refused(engine: LlamaCpp, grammar: str) -> None:
    with pytest.raises(EngineError, match="does not compile") as caught:
        ask(engine, constraint=grammar)
    assert "\n" not in str(caught.value)


def test_constraint_without_llguidance_is_refused(engine: LlamaCpp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llguidance", None)
    engine.__dict__.pop("_guidance", None)
    with pytest.raises(EngineError, match="llguidance"):
        ask(engine, constraint='start: "a"')
    assert ask(engine, max_tokens=2)[0]


class Dropping:
    """A server that drops grammars, as llama.cpp does with those that it cannot use."""

    def __init__(self, real: Any) -> None:
        self.real = real

    def handle_completions(self, body: dict[str, Any], callback: Any) -> None:
        self.real.handle_completions({key: value for key, value in body.items() if key != "grammar"}, callback)


@pytest.mark.parametrize("grammar", ['start: "never"', 'start: /[^z]*/ "zzz"'])
def test_dropped_grammar_is_noticed(engine: LlamaCpp, monkeypatch: pytest.MonkeyPatch, grammar: str) -> None:
    monkeypatch.setattr(engine, "_server", [Dropping(engine._server[0])])
    with pytest.raises(EngineError, match="dropped the grammar"):
        ask(engine, constraint=grammar)


def test_control_token_in_a_string_of_the_grammar_does_not_end_it_early(engine: LlamaCpp) -> None:
    # llguidance inside llama.cpp lets the token itself stand for its text, which ends the reply in mid-grammar.
    with pytest.raises(EngineError, match="before its constraint"):
        ask(engine, constraint='start: "a" "<|im_end|>" "c"')


# ---------------------------------------------------------------- stopping

async def gone(engine: LlamaCpp) -> float:
    start = time.perf_counter()
    while engine._jobs:
        await asyncio.sleep(0.001)
    return time.perf_counter() - start


def test_closing_the_iterator_stops_the_engine(engine: LlamaCpp) -> None:
    async def run() -> float:
        stream = engine.generate(Request(chat("Tell me a long story"), max_tokens=1500))
        await anext(stream)
        await stream.aclose()
        return await gone(engine)

    assert asyncio.run(run()) < 2       # 0.01 s on a quiet machine
    assert ask(engine, max_tokens=2)[0]


@pytest.mark.parametrize("words", ["Tell me a long story", "word " * 1800])         # in the reply; in the prompt
def test_cancelling_the_task_stops_the_engine(engine: LlamaCpp, words: str) -> None:
    async def read() -> None:
        async for _ in engine.generate(Request(chat(words), max_tokens=200)):
            pass

    async def run() -> float:
        task = asyncio.ensure_future(read())
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await gone(engine)

    assert asyncio.run(run()) < 20      # at most one batch of the prompt


def test_close_ends_what_runs(model: Path) -> None:
    engine = open_model(model, context=512, threads=1)

    async def run() -> None:
        async for _ in engine.generate(Request(chat("Tell me a long story"), max_tokens=400)):
            engine.close()

    with pytest.raises(EngineError, match="closed"):
        asyncio.run(run())
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        asyncio.run(engine.count_tokens(chat("hi")))
    with pytest.raises(EngineError, match="closed"):
        ask(engine)


# ---------------------------------------------------------------- prompts

def test_forged_token_is_plain_text(engine: LlamaCpp) -> None:
    real, forged = engine.tokenize(chat("a<|im_end|>b", special=True)), engine.tokenize(chat("a<|im_end|>b"))
    assert real.count(2) == 2
    assert forged.count(2) == 1
    assert len(forged) > len(real)
    assert engine.tokenize(chat("a<|im_") + chat("end|>")).count(2) == 2
    assert engine.tokenize(chat("a<b")) == engine.tokenize([PromptPiece("".join(p.text for p in chat("a<b")), True)])


def test_nothing_is_added_to_a_prompt(engine: LlamaCpp) -> None:
    assert len(engine.tokenize([PromptPiece("hi")])) == 1
    assert engine.tokenize([PromptPiece("<|im_start|>", True)]) == [1]
    assert engine.tokenize([]) == []


@pytest.mark.parametrize(("pieces", "strings"), [
    ([("<|im_start|>", True), ("hi", False)], ["<|im_start|>hi"]),
    ([("<|im_start|>", False)], ["<", "|im_start|>"]),
    ([("a<|im_", False), ("end|>", False)], ["a<", "|im_end|>"]),
    ([("a<|im_", False), ("end|>", True)], ["a<", "|im_end|>"]),
    ([("a<|im_", True), ("end|>", True)], ["a<|im_end|>"]),
    ([("a<|im_", True), ("", False), ("end|>", True)], ["a<|im_end|>"]),
    ([("a[", True), ("X", False), ("]", True)], ["a[", "X]"]),
    ([("<|im<|im_end|>", False)], ["<", "|im<", "|im_end|>"]),
    ([("\ud800[X]", False)], ["?[", "X]"]),
    ([], [""]),
])
def test_defuse(pieces: list[tuple[str, bool]], strings: list[str]) -> None:
    found = defuse([PromptPiece(*piece) for piece in pieces], SPELLING)
    assert found == [s for s in strings if s]


@pytest.mark.parametrize(("prompt", "words"), [
    (chat("word " * 3000), r"the prompt has 3,0\d\d tokens, the context 2,048"), ([], "empty")])
def test_prompt_that_does_not_fit(engine: LlamaCpp, prompt: list[PromptPiece], words: str) -> None:
    async def run() -> None:
        async for _ in engine.generate(Request(prompt)):
            pass

    with pytest.raises(EngineError, match=words):
        asyncio.run(run())


def test_max_tokens_must_be_positive(engine: LlamaCpp) -> None:
    with pytest.raises(EngineError, match="max_tokens is 0"):
        ask(engine, max_tokens=0)


# ---------------------------------------------------------------- opening

def test_facts(engine: LlamaCpp) -> None:
    facts = engine.facts
    assert isinstance(engine, Engine)
    assert facts.architecture == "llama"
    assert "135M" in facts.name
    assert facts.chat_template
    assert "<|im_start|>" in facts.chat_template
    assert (facts.bos, facts.eos) == ("<|im_start|>", "<|im_end|>")
    assert "<|im_end|>" in facts.stop_tokens
    assert "<|im_start|>" not in facts.stop_tokens
    assert {"<|im_start|>", "<|im_end|>", "<jupyter_code>"} <= set(facts.special_tokens)
    assert facts.context == 2048
    assert facts.vocabulary == 49152


def test_nothing_is_printed(model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with open_model(model, context=256, threads=1) as engine:
        ask(engine, max_tokens=3, constraint='start: /[a-z]+/')
    assert capfd.readouterr() == ("", "")


def test_file_that_llama_cpp_cannot_load(model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    short = tmp_path / "short.gguf"
    with model.open("rb") as file:
        short.write_bytes(file.read(model.stat().st_size - 1000))
    with pytest.raises(EngineError, match=r"cannot load .*short\.gguf: the file is cut short"):
        open_model(short, threads=1)
    assert capfd.readouterr() == ("", "")


def test_model_too_large_for_memory(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llamacpp, "available_memory", lambda: 10**8)
    with pytest.raises(EngineError, match=r"needs 0\.\d GB .* 0\.1 GB are free"):
        open_model(model, threads=1)


def test_unknown_version_is_refused(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", types.SimpleNamespace(__version__="2027.1.5", Server=object))
    with pytest.raises(EngineError, match=r"xllamacpp 2027\.1\.5"):
        open_model(model)
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(EngineError, match=r"toolglot\[local\]"):
        open_model(model)


def test_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLGLOT_THREADS", "3")
    assert default_threads() == 3
    monkeypatch.setenv("TOOLGLOT_THREADS", "many")
    with pytest.raises(EngineError, match="TOOLGLOT_THREADS"):
        default_threads()
    monkeypatch.delenv("TOOLGLOT_THREADS")
    assert default_threads() >= 1
    files = {"/proc/cpuinfo": "".join(
        f"processor\t: {i}\nphysical id\t: 0\ncore id\t\t: {i // 2}\n\n" for i in range(8))}
    monkeypatch.setattr(llamacpp, "_proc", lambda path: files.get(path, ""))
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3, 4, 5}, raising=False)
    assert default_threads() == 3
    files["/sys/fs/cgroup/cpu.max"] = "200000 100000"
    assert default_threads() == 2
