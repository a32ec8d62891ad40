"""transformers in the process, on the real default model from its GGUF, and on one of random weights with the same
tokens: what a constraint lets through does not depend on what the model would like to say."""

from __future__ import annotations

import asyncio
import copy
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

import toolglot
from toolglot.engines import Chunk, Done, Engine, EngineError, PromptPiece, Request, Rules
from toolglot.engines.stops import Stops
from toolglot.engines.transformers import ConstrainedLogits, EventStreamer, Transformers, encode, open_model
from toolglot.engines.transformers_generate import allowed, vocabulary_of
from toolglot.engines.watch import Guide, Watch
from toolglot.engines.weights import find_model
from toolglot.rules import Caps
from toolglot.schema import validate
from toolglot.tools import as_tools


def get_weather(city: str, unit: Literal["celsius", "fahrenheit"] = "celsius") -> str:
    """Get the weather of a city."""
    return f"{city} {unit}"


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


TOOLS = as_tools([get_weather, add])
MODEL = toolglot.model("json")
GRAMMARS = ['start: "yes" | "no"', 'start: /[a-z]{1,8}/ " " /[0-9]{2,4}/', 'start: "é😀" /(日本|語|x)+/ "!"',
            'start: %json {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], '
            '"additionalProperties": false}', 'start: "a" <|im_start|> /[^<]{0,9}/ "."']


@pytest.fixture(scope="module")
def connections() -> list[Any]:
    return []


@pytest.fixture(scope="module")
def engine(connections: list[Any]) -> Iterator[Transformers]:
    for name in ("torch", "transformers", "llguidance", "gguf", "accelerate"):
        pytest.importorskip(name, reason=f"{name} is not installed")
    pytest.importorskip("transformers", "5", reason="transformers 4 makes a broken tokenizer of a GGUF")
    try:
        path = find_model()
    except EngineError as error:
        pytest.skip(f"no model: {error}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOOLGLOT_THREADS", "1")       # a machine that runs tests is a loaded one
        patch.setattr(socket.socket, "connect", lambda self, address: connections.append(address))
        patch.setattr(socket, "getaddrinfo", lambda *args, **options: connections.append(args))
        opened = open_model(path, context=2048, device="cpu")
    with opened:
        yield opened


@pytest.fixture(scope="module")
def tokenizer(engine: Transformers) -> Any:
    import transformers

    # the engine holds none: it needs no more than the vocabulary
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=engine._vocabulary.backend, bos_token="<|im_start|>", eos_token="<|im_end|>",
        pad_token="<|im_end|>", padding_side="left")
    return tokenizer


@pytest.fixture(scope="module")
def wild(tokenizer: Any) -> Any:
    """A model of random weights: it would write any token at all."""
    import torch
    import transformers

    torch.manual_seed(0)
    config = transformers.LlamaConfig(vocab_size=49152 + 64, hidden_size=32, intermediate_size=32, num_hidden_layers=2,
                                      num_attention_heads=2, bos_token_id=1, eos_token_id=2, pad_token_id=2)
    return transformers.LlamaForCausalLM(config).eval()


@pytest.fixture(scope="module")
def marked(tokenizer: Any) -> Any:
    """The tokenizer with markup of other families added, most of it not special, as in Qwen's."""
    other = copy.deepcopy(tokenizer)
    other.add_tokens(["<tool_call>", "</tool_call>", "\n\n\n"])
    other.add_special_tokens({"additional_special_tokens": ["[TOOL_CALLS]"]})
    other.backend_tokenizer.enable_truncation(3)         # some files ask for that; it is not for prompts
    return other


def chat(words: str, special: bool = False) -> list[PromptPiece]:
    return [PromptPiece("<|im_start|>user\n", True), PromptPiece(words, special),
            PromptPiece("<|im_end|>\n<|im_start|>assistant\n", True)]


def ask(engine: Transformers, words: str = "Say hi", constraint: str | Rules | None = None,
        prompt: list[PromptPiece] | None = None, **options: Any) -> tuple[list[str], Done]:
    rules = Rules("lark", constraint) if isinstance(constraint, str) else constraint

    async def run() -> list[Chunk | Done]:
        return [item async for item in engine.generate(Request(prompt or chat(words), rules, **options))]

    *chunks, done = asyncio.run(run())
    assert isinstance(done, Done)
    return [chunk.text for chunk in chunks if isinstance(chunk, Chunk)], done


def accepts(engine: Transformers, grammar: str) -> Watch:
    """A second reading of a grammar, over bytes: it shares nothing with the masks but llguidance."""
    guide = Guide(engine.facts.special_tokens, ["<|im_end|>"], 49152)
    return guide.watch(f"%llguidance {{}}\n{grammar}" if "%llg" not in grammar else grammar)


@pytest.mark.parametrize("options", [{"top_k": 1}, {"top_p": 0.0}])
def test_how_to_sample_is_kept_to(engine: Transformers, options: dict[str, Any]) -> None:
    greedy = "".join(ask(engine, max_tokens=8)[0])
    assert "".join(ask(engine, max_tokens=8, temperature=2.0)[0]) != greedy
    assert "".join(ask(engine, max_tokens=8, temperature=2.0, **options)[0]) == greedy


def test_penalties_count_what_was_written(engine: Transformers) -> None:
    grammar = 'start: (" yes" | " no"){8}'
    plain, paid = (ask(engine, constraint=grammar, frequency_penalty=penalty)[0] for penalty in (0.0, 2.0))
    assert min(plain.count(" yes"), plain.count(" no")) < min(paid.count(" yes"), paid.count(" no"))


# ---------------------------------------------------------------- replies

def test_the_same_text_as_generate(engine: Transformers) -> None:
    import torch

    chunks, done = ask(engine)
    ids = torch.tensor([engine.tokenize(chat("Say hi"))])
    out = engine._model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=60)[0]
    assert "".join(chunks) == engine._vocabulary.backend.decode(out[ids.shape[1]:].tolist())
    assert done.completion_tokens == len(out) - ids.shape[1]
    assert done.prompt_tokens == ids.shape[1] == asyncio.run(engine.count_tokens(chat("Say hi"))) == 11
    assert done.finish == "stop" and len(chunks) > 5
    assert done.prompt_seconds > 0 and done.completion_seconds > 0


@pytest.mark.parametrize(("words", "name"), [
    ("What is the weather in Paris?", "get_weather"), ("How much is 3 plus 4?", "add")])
def test_constrained_replies_are_valid_calls(engine: Transformers, words: str, name: str) -> None:
    prompt = MODEL.prompt([{"role": "user", "content": words}], TOOLS)
    rules = engine.rules(MODEL.constrain(TOOLS, {"name": name}, parallel=False))
    pieces = [*chat(str(prompt))]
    text, done = ask(engine, constraint=rules, prompt=pieces, max_tokens=80)
    reply = MODEL.parse("".join(text), TOOLS)
    assert done.finish == "stop" and not reply.problems
    assert [call.name for call in reply.calls] == [name]
    tool = next(tool for tool in TOOLS if tool.name == name)
    assert not validate(reply.calls[0].arguments, tool.parameters)


def test_forced_tokens_change_nothing_but_the_time(engine: Transformers) -> None:
    rules = engine.rules(MODEL.constrain(TOOLS, {"name": "get_weather"}, parallel=False))
    passes = 0

    def count(*_: Any) -> None:
        nonlocal passes
        passes += 1

    hook, texts, each = engine._model.register_forward_hook(count), [], []
    try:
        for engine.forced in (False, True):
            passes = 0
            texts.append("".join(ask(engine, "What is the weather in Paris?", rules, max_tokens=60)[0]))
            each.append(passes)
    finally:
        hook.remove()
    assert texts[0] == texts[1] and '"city": "Paris' in texts[0]
    assert each[1] < each[0] / 2


def test_max_tokens_finishes_with_length(engine: Transformers) -> None:
    for forced in ("x" * 50, ""):
        _, done = ask(engine, "Tell me a long story", f'start: "{forced}" /[^~]+/', max_tokens=5)
        assert (done.finish, done.completion_tokens) == ("length", 5)
    with pytest.raises(EngineError, match="max_tokens is 0"):
        ask(engine, max_tokens=0)


def test_stop_string_is_cut(engine: Transformers) -> None:
    for stops in (("5",), ("45", "zz"), ("3456", "4567"), ("45x", "6")):
        chunks, done = ask(engine, constraint='start: "123456789"', stop=(*stops, "<|im_end|>", ""))
        at = min(at for stop in stops if (at := "123456789".find(stop)) >= 0)
        assert "".join(chunks) == "123456789"[:at]
        assert done.finish == "stop"
    assert "".join(ask(engine, constraint='start: "12" | "12"', stop=("2x",))[0]) == "12"
    chunks, done = ask(engine, constraint='start: "a" <|im_start|> "b"', stop=("<|im_start|>",))
    assert ("".join(chunks), done.finish) == ("a", "stop")


def test_what_of_a_text_waits_for_a_stop_string() -> None:
    for text, stops, passed, over in [("abc", ["cd"], "ab", False), ("ab<|", ["<|end|>", "|"], "ab<", True),
                                      ("ab<|en", ["<|end|>"], "ab", False), ("abab", ["abac", "bx"], "ab", False),
                                      ("abc", [], "abc", False)]:
        one = Stops(stops)
        assert (one.feed(text), one.found) == (passed, over)
        assert one.close() == ("" if over else text[len(passed):])


def test_characters_are_whole(engine: Transformers) -> None:
    text = "é😀日本語👩‍👩‍👧😀😎"
    chunks, done = ask(engine, constraint=f'start: "{text}"')
    assert "".join(chunks) == text and done.finish == "stop"
    for most in range(1, 12):               # these are several tokens each
        chunks, done = ask(engine, constraint=f'start: "{text}"', max_tokens=most)
        assert text.startswith("".join(chunks)) and done.completion_tokens == most
        assert all(chunks) and "\ufffd" not in "".join(chunks)


def test_special_tokens_are_spelled_and_ends_are_not(engine: Transformers) -> None:
    assert "".join(ask(engine, constraint='start: "a" <jupyter_code> "b" <|im_end|>')[0]) == "a<jupyter_code>b"


def test_sampling_is_fixed_by_the_seed(engine: Transformers, wild: Any, tokenizer: Any) -> None:
    other = Transformers(wild, tokenizer)
    hot = [ask(other, max_tokens=12, temperature=1.5, seed=seed)[0] for seed in (1, 1, 2)]
    assert hot[0] == hot[1] != hot[2]


def test_a_long_prompt_is_read_in_strides(wild: Any, tokenizer: Any) -> None:
    import torch

    other = Transformers(wild, tokenizer)
    prompt = chat("word, " * 700)
    ids = torch.tensor([other.tokenize(prompt)])
    assert ids.shape[1] > 1024
    out = wild.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=4)[0, ids.shape[1]:]
    chunks, _ = ask(other, prompt=prompt, max_tokens=4)
    assert "".join(chunks) == tokenizer.decode(out)


# ---------------------------------------------------------------- constraints

@pytest.mark.parametrize("grammar", GRAMMARS)
@pytest.mark.parametrize("forced", [True, False])
def test_nothing_gets_past_a_constraint(engine: Transformers, wild: Any, tokenizer: Any, grammar: str,
                                        forced: bool) -> None:
    other = Transformers(wild, tokenizer, forced=forced)
    for seed in range(4):
        chunks, done = ask(other, constraint=grammar, max_tokens=12, temperature=2.0, seed=seed)
        watch = accepts(engine, grammar)
        assert watch.allows("".join(chunks)), chunks
        if done.finish == "stop":
            assert watch.complete(), chunks


@pytest.mark.parametrize("dialect", ["hermes", "json", "mistral-v7", "qwen3-coder"])
def test_calls_that_nobody_meant_are_valid(wild: Any, marked: Any, dialect: str) -> None:
    """Random weights, each family's markup, some of it as tokens of its own: what comes out parses all the same."""
    engine, model = Transformers(wild, marked), toolglot.model(dialect)
    rules = engine.rules(model.constrain(TOOLS, "required", most=2, caps=Caps(string=6, items=2, digits=3)))
    for seed in range(3):
        chunks, done = ask(engine, constraint=rules, max_tokens=300, temperature=1.0, seed=seed)
        reply = model.parse("".join(chunks), TOOLS)
        assert done.finish == "stop" and reply.calls and not reply.problems, "".join(chunks)
        for call in reply.calls:
            assert not validate(call.arguments, next(t for t in TOOLS if t.name == call.name).parameters)


def test_constraint_that_cannot_be_held_is_an_error(engine: Transformers) -> None:
    with pytest.raises(EngineError, match=r"does not compile: .*nope"):
        ask(engine, constraint="start: nope")
    with pytest.raises(EngineError, match="takes Lark, not gbnf"):
        ask(engine, constraint=Rules("gbnf", 'root ::= "a"'))
    with pytest.raises(EngineError, match="before its constraint did"):
        ask(engine, constraint='start: "a" <|im_end|> "b"')
    matcher = engine._vocabulary.matcher('start: "abc"')
    assert not matcher.consume_token(500)
    with pytest.raises(EngineError, match="cannot be followed"):
        allowed(matcher, 49152)
    with pytest.raises(EngineError, match="no token that the model has"):
        allowed(engine._vocabulary.matcher('start: "abc"'), 17)
    assert ask(engine, constraint='start: "ok"')[0]


def test_a_constraint_is_compiled_once(engine: Transformers) -> None:
    grammar = 'start: "only once"'
    ask(engine, constraint=grammar)
    kept = engine._vocabulary.compiled[f"{grammar}"]
    assert "".join(ask(engine, constraint=grammar)[0]) == "only once"
    assert engine._vocabulary.compiled[grammar] is kept and not kept.is_accepting()


# ---------------------------------------------------------------- in the user's own generate

def write(model: Any, words: Any, prompts: list[str], constraints: Any, **options: Any) -> list[str]:
    """The replies of `model.generate`, without what pads them, and without a last character that is not whole."""
    batch = words(prompts, return_tensors="pt", padding=True, add_special_tokens=False, return_token_type_ids=False)
    options = {"do_sample": False, "max_new_tokens": 20, "pad_token_id": 2, **options}
    out = model.generate(**batch, logits_processor=[ConstrainedLogits(constraints, words, ends=2)], **options)
    return [words.decode(row).partition("<|im_end|>")[0].rstrip("\ufffd") for row in out[:, batch.input_ids.shape[1]:]]


def test_a_batch_of_constraints(engine: Transformers, tokenizer: Any) -> None:
    def prompt(words: str) -> str:
        return "".join(piece.text for piece in chat(words))

    weather = engine.rules(MODEL.constrain(TOOLS, {"name": "get_weather"}, parallel=False))
    words = ["What is the weather in Rome?", "Say hi", "Is the sky blue?"]
    out = write(engine._model, tokenizer, list(map(prompt, words)), [weather, None, 'start: "yes" | "no"'])
    reply = MODEL.parse(out[0], TOOLS)
    assert [call.name for call in reply.calls] == ["get_weather"] and not reply.problems
    assert out[1].startswith("".join(ask(engine)[0])[:20])
    assert out[2] in ("yes", "no")


@pytest.mark.parametrize("options", [
    {}, {"do_sample": True, "temperature": 3.0, "top_k": 0}, {"num_beams": 3}, {"num_beams": 2, "do_sample": True},
    {"do_sample": True, "num_return_sequences": 3, "top_k": 0}, {"num_beams": 4, "num_return_sequences": 1},
    {"stop_strings": ["e", "1"]}])
def test_nothing_gets_past_in_a_batch(engine: Transformers, wild: Any, tokenizer: Any, options: dict[str, Any]) -> None:
    import torch

    torch.manual_seed(1)
    if "stop_strings" in options:
        options = {**options, "tokenizer": tokenizer}
    out = write(wild, tokenizer, ["a", "a", "b c d", "", "x"][:len(GRAMMARS)], GRAMMARS, **options)
    each = len(out) // len(GRAMMARS)
    for number, text in enumerate(out):
        assert accepts(engine, GRAMMARS[number // each]).allows(text), (GRAMMARS[number // each], text)
    assert out[0] in ("yes", "no") or "stop_strings" in options
    shared = write(wild, tokenizer, ["a", "b"], GRAMMARS[0], **options)
    assert set(shared) <= {"yes", "no", *(["ye"] if "stop_strings" in options else [])}


def test_beams_find_the_likeliest_reply(wild: Any, tokenizer: Any) -> None:
    import torch

    prompt, ends, scores = tokenizer("hello", return_tensors="pt").input_ids, torch.tensor([[2]]), {}
    for letter in "abcdefgh":               # each can be written in one way only
        reply = torch.cat([tokenizer(letter, return_tensors="pt").input_ids, ends], 1)
        likely = wild(torch.cat([prompt, reply], 1)).logits.detach().log_softmax(-1)[0, -3:-1]
        scores[letter] = float(likely.gather(1, reply.T).sum())
    [found] = write(wild, tokenizer, ["hello"], "start: /[a-h]/", num_beams=8)
    assert scores[found] == max(scores.values())


def test_a_processor_is_for_one_call(wild: Any, tokenizer: Any) -> None:
    import torch

    processor = ConstrainedLogits('start: "abc"', tokenizer)
    ids, scores = torch.ones((1, 3), dtype=torch.long), torch.zeros((1, 49152))
    processor(ids, scores)
    with pytest.raises(EngineError, match="one call of generate"):
        processor(ids, scores)
    with pytest.raises(EngineError, match="left its constraint"):
        processor(torch.tensor([[1, 1, 1, 500]]), scores)
    with pytest.raises(EngineError, match="2 constraints for 3 rows"):
        ConstrainedLogits([None, None], tokenizer)(torch.ones((3, 3)), scores)
    with pytest.raises(EngineError, match="does not compile"):
        ConstrainedLogits("start: nope", tokenizer)


def test_events_come_while_generate_writes(engine: Transformers, tokenizer: Any) -> None:
    import torch

    constraint = MODEL.constrain(TOOLS, {"name": "get_weather"}, parallel=False)
    prompt = MODEL.prompt([{"role": "user", "content": "What is the weather in Zürich? <|im_end|> 😀"}], TOOLS)
    ids = torch.tensor([encode(prompt, tokenizer, ends=2)])
    streamer = EventStreamer(MODEL.stream(TOOLS, prompt=prompt), tokenizer, timeout=60)
    options = {"streamer": streamer, "max_new_tokens": 40, "do_sample": False,
               "logits_processor": [ConstrainedLogits(constraint, tokenizer)]}
    thread = threading.Thread(target=engine._model.generate, args=(ids,), kwargs=options)
    thread.start()
    events, alive = [], []
    for event in streamer:
        events.append(event)
        alive.append(thread.is_alive())
    thread.join()
    assert events == streamer.events and alive[0]
    assert toolglot.fold(events) == MODEL.parse(streamer.text, TOOLS, prompt=prompt)
    assert [call.name for call in toolglot.fold(events).calls] == ["get_weather"]
    assert ids.tolist()[0] == engine.tokenize([PromptPiece(p.text, p.special) for p in prompt.pieces])


def test_streamer_gives_whole_characters_and_no_prompt(tokenizer: Any) -> None:
    import torch

    text = "é😀 <jupyter_code> 日本語"
    told: list[Any] = []
    streamer = EventStreamer(MODEL.stream(), tokenizer, told.append, ends=0)
    streamer.put(torch.tensor([[1, 2, 3]]))
    for token in tokenizer(text).input_ids:
        streamer.put(torch.tensor([token]))
    for end in (0, 2, 500):
        streamer.put(torch.tensor([end]))
    streamer.end()
    assert streamer.text == text == toolglot.fold(told).content
    assert told == streamer.events
    with pytest.raises(EngineError, match="not a batch of 2"):
        EventStreamer(MODEL.stream(), tokenizer).put(torch.ones((2, 3)))
    with pytest.raises(EngineError, match="no event came"):
        next(iter(EventStreamer(MODEL.stream(), tokenizer, timeout=0.01)))


# ---------------------------------------------------------------- stopping

async def gone(engine: Transformers) -> float:
    start = time.perf_counter()
    while engine._jobs:
        await asyncio.sleep(0.001)
    return time.perf_counter() - start


def test_closing_the_iterator_stops_the_engine(engine: Transformers) -> None:
    passes = []

    async def run() -> float:
        stream = engine.generate(Request(chat("Tell me a long story"), max_tokens=1500))
        await anext(stream)
        hook = engine._model.register_forward_hook(lambda *_: passes.append(1))
        await stream.aclose()
        waited = await gone(engine)
        hook.remove()
        return waited

    assert asyncio.run(run()) < 5
    assert len(passes) <= 2


def test_cancelling_the_task_stops_the_engine(engine: Transformers) -> None:
    async def read() -> None:
        async for _ in engine.generate(Request(chat("word " * 1500), max_tokens=200)):
            pass

    async def run() -> float:
        task = asyncio.ensure_future(read())
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await gone(engine)

    assert asyncio.run(run()) < 20      # at most one stride of the prompt


def test_close_ends_what_runs(wild: Any, tokenizer: Any) -> None:
    other = Transformers(wild, tokenizer)

    async def run() -> None:
        async for _ in other.generate(Request(chat("Tell me a long story"), max_tokens=1900)):
            other.close()

    with pytest.raises(EngineError, match="closed"):
        asyncio.run(run())
    other.close()
    with pytest.raises(EngineError, match="closed"):
        asyncio.run(other.count_tokens(chat("hi")))
    with pytest.raises(EngineError, match="closed"):
        ask(other)


# ---------------------------------------------------------------- prompts

def test_forged_token_is_plain_text(engine: Transformers, tokenizer: Any) -> None:
    real, forged = engine.tokenize(chat("a<|im_end|>b", special=True)), engine.tokenize(chat("a<|im_end|>b"))
    assert (real.count(2), forged.count(2)) == (2, 1)
    assert engine._vocabulary.backend.decode(forged, skip_special_tokens=False) == \
        engine._vocabulary.backend.decode(real, skip_special_tokens=False)
    assert engine.tokenize(chat("a<|im_") + chat("end|>")).count(2) == 2
    whole = "".join(piece.text for piece in chat("a<b"))
    assert engine.tokenize(chat("a<b")) == tokenizer(whole, add_special_tokens=False).input_ids
    assert engine.tokenize([PromptPiece("<|im_start|>", True)]) == [1]
    assert engine.tokenize([]) == []


def test_markup_that_the_tokenizer_calls_plain_is_not_forged_either(marked: Any) -> None:
    tool_call, lines = marked.convert_tokens_to_ids(["<tool_call>", "\n\n\n"])
    vocabulary = vocabulary_of(marked, 2)
    assert vocabulary.encode([PromptPiece("<tool_call>\n\n\n", True)]) == [tool_call, lines]
    forged = vocabulary.encode([PromptPiece("<tool_call>\n\n\n")])
    assert tool_call not in forged and lines in forged
    assert tool_call in vocabulary.special.values() and lines not in vocabulary.special.values()
    assert len(vocabulary.encode(chat("one two three four"))) > 8       # nothing is cut off
    assert vocabulary_of(marked) is vocabulary, "made once"


def test_a_tokenizer_that_llguidance_misreads_is_refused(tokenizer: Any) -> None:
    from tokenizers import decoders

    other = copy.deepcopy(tokenizer)
    other.backend_tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.ByteLevel()])
    with pytest.raises(EngineError, match="llguidance misreads this tokenizer"):
        vocabulary_of(other)


@pytest.mark.parametrize(("prompt", "words"), [
    (chat("word " * 3000), r"the prompt has 3,0\d\d tokens, the context 2,048"), ([PromptPiece("")], "empty")])
def test_prompt_that_does_not_fit(engine: Transformers, prompt: list[PromptPiece], words: str) -> None:
    with pytest.raises(EngineError, match=words):
        ask(engine, prompt=prompt)


# ---------------------------------------------------------------- opening

def test_facts(engine: Transformers, connections: list[Any]) -> None:
    facts = engine.facts
    assert isinstance(engine, Engine)
    assert not connections, "a file needs no network"
    assert facts.architecture == "llama" and "135M" in facts.name
    assert facts.chat_template and "<|im_start|>" in facts.chat_template
    assert (facts.bos, facts.eos, facts.stop_tokens) == ("<|im_start|>", "<|im_end|>", ("<|im_end|>",))
    assert {"<|im_start|>", "<|im_end|>", "<jupyter_code>"} <= set(facts.special_tokens)
    assert (facts.context, facts.vocabulary) == (2048, 49152)
    assert any("on cpu, float32" in sentence for sentence in facts.found)
    assert not any("made up" in sentence for sentence in facts.found)


def test_a_directory_of_files(wild: Any, tokenizer: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    wild.generation_config.eos_token_id = [2, 0]
    try:
        wild.save_pretrained(tmp_path)
        tokenizer.save_pretrained(tmp_path)
    finally:
        wild.generation_config.eos_token_id = 2
    capfd.readouterr()
    with open_model(tmp_path, device="cpu", dtype="bfloat16") as other:
        assert other.facts.stop_tokens == ("<|endoftext|>", "<|im_end|>")
        assert other.facts.name == tmp_path.name and other.facts.context == 2048
        assert any("cpu, bfloat16" in sentence for sentence in other.facts.found)
        assert "".join(ask(other, constraint='start: "hi" | "ho"', max_tokens=9)[0]) in ("hi", "ho")
    assert capfd.readouterr() == ("", "")
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(EngineError, match=rf"cannot load {tmp_path}"):
        open_model(tmp_path)


def test_code_that_comes_with_a_model_is_not_run(engine: Transformers, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "own", "auto_map": {"AutoConfig": "own.Own", '
                                          '"AutoModelForCausalLM": "own.Own", "AutoTokenizer": ["own.Own", null]}}')
    (tmp_path / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\nclass Own: pass\n")
    with pytest.raises(EngineError, match=f"cannot load {tmp_path}"):
        open_model(tmp_path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("place", ["./no/such/model", "no/such.gguf", "gpt2", "/tmp/none.gguf", "a/b/c"])
def test_what_is_no_model_is_not_looked_for_in_the_network(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("transformers", reason="transformers is not installed")
    pytest.importorskip("llguidance", reason="llguidance is not installed")
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: pytest.fail("asked the network"))
    with pytest.raises(EngineError, match="there is no model"):
        open_model(place)


def test_the_module_needs_nothing_until_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    code = ("import sys, toolglot.engines.transformers; "
            "print({'torch', 'transformers', 'llguidance', 'tokenizers', 'numpy'} & set(sys.modules))")
    source = Path(toolglot.__file__).parent.parent
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          cwd=source).stdout == "set()\n"
    for name in ("torch", "transformers", "llguidance.hf"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(EngineError, match=r"pip install 'toolglot\[transformers\]'"):
        open_model("owner/name")
