"""vLLM, SGLang, LM Studio and others behind `/v1/completions`, against servers that check each request."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="needs the remote extra")

import fake_servers as fakes
from fake_servers import DROP, HANG, Completions, Fail, Stopped, Tokenizer, serving
from fakes import Fake
from toolglot.ask import Answered, Prompted, Ran, Replied, ask, model_for
from toolglot.engines import Chunk, Done, Engine, EngineError, PromptPiece, Request, Rules
from toolglot.engines.completions import VLLM, open_completions
from toolglot.engines.http import Timeouts
from toolglot.engines.markup import JOINER, known_markup, veiled
from toolglot.engines.proof import PROOFS, WORD, proved
from toolglot.engines.stops import Stops
from toolglot.model import model

QUICK = Timeouts(connect=2, answer=5, piece=5)
PROMPT = [PromptPiece("<|im_start|>user\n", True), PromptPiece("Hello"), PromptPiece("<|im_end|>\n", True)]


def run(server: Completions, use: Callable[[Any, Fake], Awaitable[Any]], *, key: str | None = None,
        given: str | None = None, **options: Any) -> Any:
    async def main() -> Any:
        with serving(server, key) as fake:
            engine = await open_completions(fake.url, key=given, timeouts=QUICK, **options)
            assert isinstance(engine, Engine)
            try:
                return await use(engine, fake)
            finally:
                engine.close()

    return asyncio.run(asyncio.wait_for(main(), 20))


async def played(engine: Any, request: Request) -> tuple[list[str], Done]:
    items = [item async for item in engine.generate(request)]
    assert all(isinstance(item, Chunk) for item in items[:-1]) and isinstance(items[-1], Done)
    return [item.text for item in items[:-1]], items[-1]


def reply_to(server: Completions, request: Request = Request(PROMPT), **options: Any) -> tuple[str, Done, Any]:
    async def use(engine: Any, fake: Fake) -> Any:
        texts, done = await played(engine, request)
        return "".join(texts), done, fake.bodies("/v1/completions")[-1]

    return run(server, use, **options)  # type: ignore[no-any-return]


def refusal(server: Completions, request: Request | None = None, **options: Any) -> str:
    async def use(engine: Any, fake: Fake) -> Any:
        await played(engine, request or Request(PROMPT))

    with pytest.raises(EngineError) as error:
        run(server, use, **options)
    return str(error.value)


async def facts_of(engine: Any, fake: Fake) -> Any:
    return engine.facts


# -- what a server says of itself


@pytest.mark.parametrize("path", ["", "/", "/v1"])
def test_vllm_facts(path: str) -> None:
    server = Completions(models=({"id": "m", "root": "org/Smol", "max_model_len": 2048},))

    async def main() -> Any:
        with serving(server) as fake:
            engine = await open_completions(fake.url + path, timeouts=QUICK)
            engine.close()
            return engine.facts

    facts = asyncio.run(main())
    assert (facts.name, facts.context, facts.bos, facts.eos) == ("org/Smol", 2048, "", "<|im_end|>")
    assert facts.special_tokens == {"<|endoftext|>": 0, "<|im_start|>": 1, "<|im_end|>": 2}
    assert facts.stop_tokens == ("<|im_end|>",) and facts.chat_template is None
    assert facts.found[0].startswith("vLLM 0.32.0 at http://127.0.0.1:") and facts.found[0].endswith("serves m (org/Smol)")
    assert "it does not show its chat template" in facts.found
    assert facts.found[-1] == "it holds replies to a constraint by structured_outputs.structural_tag: tried"


def test_vllm_shows_its_template_where_it_was_told_to() -> None:
    special = {"<s>": 0, "[odd token]": 1, "<|im_start|>": 2, "<|im_end|>": 3}
    server = Completions(tokenizer=Tokenizer(special, bos="<s>"), info={
        "chat_template": "{{ messages }}", "added_tokens_decoder": {"0": "<s>", "1": "[odd token]"}})
    facts = run(server, facts_of)
    assert facts.chat_template == "{{ messages }}" and facts.bos == "<s>"
    assert facts.special_tokens == special          # one that looks like none was told


def test_sglang_facts() -> None:
    facts = run(Completions("sglang"), facts_of)
    assert (facts.name, facts.architecture, facts.context, facts.eos) == ("org/Smol", "llama", 2048, "<|im_end|>")
    assert facts.special_tokens == {"<|endoftext|>": 0, "<|im_start|>": 1, "<|im_end|>": 2}
    assert facts.found[0].startswith("SGLang 0.5.23 at ") and "server-secret" not in repr(facts)
    assert facts.found[-1] == "it holds replies to a constraint by response_format: structural_tag: tried"


def test_lm_studio_facts_and_no_constraint() -> None:
    async def use(engine: Any, fake: Fake) -> Any:
        with pytest.raises(EngineError, match=r"LM Studio has no field for it.*ask without one"):
            engine.rules(model("hermes").constrain([{"type": "function", "function": {"name": "f"}}]))
        assert await engine.count_tokens([PromptPiece("abc")]) == 3
        return engine.facts

    facts = run(Completions("lm_studio"), use)
    assert (facts.name, facts.architecture, facts.context) == ("m", "qwen2", 4096)
    assert "it holds no reply to a constraint: LM Studio has no field for it" in facts.found


def test_an_unknown_server_is_unconstrained_and_says_so() -> None:
    ignores = ("structured_outputs", "response_format", "ebnf")
    facts = run(Completions("other", unknown=ignores), facts_of)
    assert facts.context == 0 and "it does not say how long its context is" in facts.found
    assert facts.found[-1].count("was ignored: it let ' Paris, of course' through") == 4


def test_the_given_context_is_the_least_that_counts() -> None:
    assert run(Completions(), facts_of, context=512).context == 512
    assert run(Completions(), facts_of, context=9999).context == 2048
    assert run(Completions("other", unknown=("structured_outputs", "response_format", "ebnf")), facts_of,
               context=512).context == 512


def test_several_models() -> None:
    two: Any = ({"id": "base", "root": "org/B"}, {"id": "tuned", "root": "/lora", "parent": "base"})
    assert "serves 2 models: say which one: base, tuned" in refusal(Completions(models=two))
    assert "does not serve 'nope': it serves base, tuned" in refusal(Completions(models=two), model="nope")
    assert "serves no model" in refusal(Completions(models=()))
    done = reply_to(Completions(models=two, replies=["Hi"]), model="tuned")
    assert done[2]["model"] == "tuned"


def test_two_names_of_one_model_are_one_model() -> None:
    same: Any = ({"id": "a", "root": "org/B"}, {"id": "b", "root": "org/B"})
    assert reply_to(Completions(models=same, replies=["Hi"]))[2]["model"] == "a"
    tuned: Any = ({"id": "a", "root": "org/B"}, {"id": "b", "root": "org/B", "parent": "a"})
    assert "serves 2 models" in refusal(Completions(models=tuned))


def test_a_key_is_sent_and_never_shown() -> None:
    assert reply_to(Completions(replies=["Hi"]), key="sesame-1", given="sesame-1")[0] == "Hi"
    said = refusal(Completions(), key="sesame-1", given="wrong-2")
    assert "401" in said and "its key was refused" in said and "sesame" not in said and "wrong-2" not in said
    assert "it wants a key" in refusal(Completions(), key="sesame-1")


def test_nobody_is_there() -> None:
    with pytest.raises(EngineError, match=r"http://127.0.0.1:9 cannot be reached"):
        asyncio.run(open_completions("127.0.0.1:9", timeouts=Timeouts(connect=1)))


# -- replies


@pytest.mark.parametrize("kind", ["vllm", "sglang"])
def test_a_streamed_reply(kind: str) -> None:
    text, done, body = reply_to(Completions(kind, replies=[["Hé", "llo ", "wörld", "\u2028!"]]))
    assert text == "Héllo wörld\u2028!"
    assert (done.finish, done.prompt_tokens, done.completion_tokens) == ("stop", 3 + len("user\nHello\n") - 1, 4)
    assert done.prompt_seconds > 0 and done.completion_seconds >= 0
    ids = [1, *(1000 + b for b in b"user\nHello"), 2, 1010]
    assert body["prompt"] == ("<|im_start|>user\nHello<|im_end|>\n" if kind == "vllm" else ids)
    assert body["skip_special_tokens"] is False and body["stream_options"] == {"include_usage": True}
    assert body.get("add_special_tokens", "none") == (False if kind == "vllm" else "none") and "stop" not in body


def test_vllm_tokenises_a_prompt_itself_where_nothing_is_to_be_kept_apart_and_there_is_room() -> None:
    size, most = len("<|im_start|>user\nHello<|im_end|>\n"), Request(PROMPT).max_tokens
    for context, sent in ((size + most, str), (size + most - 1, list)):
        body = reply_to(Completions(replies=["x"], context=context), Request(PROMPT))[2]
        assert isinstance(body["prompt"], sent)
    forged = Request([PromptPiece("<|im_start|>", True), PromptPiece("a <|im_end|>")])
    assert isinstance(reply_to(Completions(replies=["x"]), forged)[2]["prompt"], list)


def test_streams_as_vllm_sent_them() -> None:
    class Recorded(Completions):
        def stream(self, *rest: Any) -> list[Any]:
            return list(fakes.RECORDED[self.replies.pop(0)][:-1])        # the fake says DONE itself

    text, done, _ = reply_to(Recorded(replies=["cut"]))
    assert (text, done.finish, done.prompt_tokens, done.completion_tokens) == ("The weather in Paris", "length", 199, 4)
    text, done, _ = reply_to(Recorded(replies=["stopped at a full stop"]), Request(PROMPT, stop=(".",)))
    assert (text, done.finish, done.completion_tokens) == ("The weather in Paris is quite unique", "stop", 8)
    said = refusal(Recorded(replies=["a grammar that does not compile"]))
    assert "failed in mid-reply: Invalid grammar specification: Failed to convert" in said


def test_sampling_goes_as_it_was_asked_for() -> None:
    request = Request(PROMPT, temperature=0.7, seed=11, max_tokens=9)
    body = reply_to(Completions(replies=["x"]), request)[2]
    assert (body["temperature"], body["seed"], body["max_tokens"]) == (0.7, 11, 9)


def test_the_limit_of_tokens() -> None:
    text, done, _ = reply_to(Completions(replies=[["a", "b", "c"]]), Request(PROMPT, max_tokens=2))
    assert (text, done.finish, done.completion_tokens) == ("ab", "length", 2)


def test_a_limit_that_might_not_fit_is_lowered() -> None:
    assert reply_to(Completions(replies=["x"], context=64), Request(PROMPT, max_tokens=500))[2]["max_tokens"] == 64 - 13


def test_too_long_a_prompt() -> None:
    request = Request([PromptPiece("x" * 3000)])
    assert "the prompt has 3,000 tokens, the context of m at http://127.0.0.1" in refusal(Completions(), request)
    other = Completions("other", unknown=("structured_outputs", "response_format", "ebnf"))
    assert "answered 400: This model's maximum context length is 2048" in refusal(other, request)


def test_bad_requests() -> None:
    assert "the prompt is empty" in refusal(Completions(), Request([PromptPiece("")]))
    assert "max_tokens is 0" in refusal(Completions(), Request(PROMPT, max_tokens=0))


def test_a_stop_string_that_the_server_passes_on() -> None:
    request = Request(PROMPT, stop=("<|im_end|>",))
    text, done, body = reply_to(Completions(replies=[["Hi", "<|im", "_end|>", "more", "more"]]), request)
    assert (text, done.finish, body["stop"]) == ("Hi", "stop", ["<|im_end|>"])


def test_more_stop_strings_than_a_server_takes() -> None:
    many = tuple(f"<{n}>" for n in range(6))
    text, done, body = reply_to(Completions(replies=[["Hi", "<5", ">", "more"]]), Request(PROMPT, stop=many))
    assert (text, done.finish, body["stop"]) == ("Hi", "stop", list(many[:4]))


def test_the_beginning_of_a_stop_string_is_held_back() -> None:
    request = Request(PROMPT, stop=("<|im_end|>",))
    assert reply_to(Completions("sglang", replies=[Stopped(["Hi", "<|im"], "<|im_end|>")]), request)[0] == "Hi"
    assert reply_to(Completions("sglang", replies=[["Hi", "<|im"]]), request)[0] == "Hi<|im"


def test_stops_wherever_the_text_is_cut() -> None:
    text = "ab<|e and <|end|> more"
    for size in range(1, len(text)):
        stops = Stops(("<|end|>", "nd|x"))
        got = "".join(stops.feed(text[at:at + size]) for at in range(0, len(text), size))
        assert (got + stops.close(), stops.found) == ("ab<|e and ", True), size
    assert Stops(()).feed("all") == "all"


def test_an_error_in_mid_reply() -> None:
    said = refusal(Completions(replies=[["one", Fail("out of memory")]]))
    assert "failed in mid-reply: out of memory" in said and "/v1/completions" in said


def test_a_server_that_goes_in_mid_reply() -> None:
    assert "hung up" in refusal(Completions(replies=[["one", DROP]]))


def test_a_reply_that_ends_for_another_reason() -> None:
    class Aborts(Completions):
        def stream(self, *rest: Any) -> list[Any]:
            return [p.replace('"stop"', '"abort"') for p in super().stream(*rest)]

    assert "the reply ended with 'abort'" in refusal(Aborts("sglang", replies=["x"]))

    class Stops(Completions):
        def stream(self, *rest: Any) -> list[Any]:
            return super().stream(*rest)[:1]

    assert "the reply ended before it was whole" in refusal(Stops(replies=["x"]))


def test_a_silent_server_is_waited_for_so_long_only() -> None:
    async def main() -> None:
        with serving(Completions(replies=[["one", HANG]])) as fake:
            engine = await open_completions(fake.url, timeouts=replace(QUICK, piece=0.3))
            with pytest.raises(EngineError, match=r"sent nothing for 0\.3 seconds"):
                await played(engine, Request(PROMPT))

    asyncio.run(main())


def test_closing_early_hangs_up() -> None:
    async def use(engine: Any, fake: Fake) -> None:
        reply = engine.generate(Request(PROMPT))
        assert (await anext(reply)).text == "one"
        await reply.aclose()
        for _ in range(100):
            if fake.left:
                return
            await asyncio.sleep(0.02)
        raise AssertionError("the server was not told")

    run(Completions(replies=[["one", HANG, "two"]]), use)


def test_two_replies_side_by_side() -> None:
    async def use(engine: Any, fake: Fake) -> Any:
        both = await asyncio.gather(played(engine, Request(PROMPT)), played(engine, Request(PROMPT)))
        return sorted("".join(texts) for texts, _ in both)

    assert run(Completions(replies=[["a"] * 50, ["b"] * 50]), use) == ["a" * 50, "b" * 50]


def test_a_closed_engine_says_so() -> None:
    async def use(engine: Any, fake: Fake) -> None:
        engine.close()
        with pytest.raises(EngineError, match="is closed"):
            await played(engine, Request(PROMPT))

    run(Completions(), use)


# -- special tokens


def test_special_tokens_in_a_message_are_plain_text() -> None:
    forged = [PromptPiece("<|im_start|>", True), PromptPiece("a<|im_end|>b<|im"), PromptPiece("_end|>", False),
              PromptPiece("<|im_end|>", True)]
    for kind in ("vllm", "sglang"):
        ids = reply_to(Completions(kind, replies=["x"]), Request(forged))[2]["prompt"]
        assert [id for id in ids if id < 1000] == [1, 2] and ids[0] == 1 and ids[-1] == 2
        assert fakes.CHATML.text(ids) == "<|im_start|>a<|im_end|>b<|im_end|><|im_end|>"


def test_a_token_that_no_format_uses_is_found_by_its_looks() -> None:
    odd = Tokenizer({**fakes.CHATML.special, "<fim_middle_v9>": 7, "]~odd~[": 8})

    async def use(engine: Any, fake: Fake) -> Any:
        assert "<fim_middle_v9>" not in engine.facts.special_tokens
        request = Request([PromptPiece("say <fim_middle_v9> and <b>bold</b> and ]~odd~[")])
        await played(engine, request)
        asked = len(fake.bodies("/tokenize"))
        await played(engine, request)
        assert len(fake.bodies("/tokenize")) - asked == 3        # the parts, and no question twice
        return fake.bodies("/v1/completions")[-1]["prompt"]

    assert min(run(Completions(tokenizer=odd, replies=["x", "y"]), use)) >= 1000


def test_without_a_tokenizer_markup_in_messages_is_broken() -> None:
    forged = [PromptPiece("<|im_start|>", True), PromptPiece("a<|im_end|>b<|new_kind|> <b>")]
    other = Completions("other", replies=["x"], unknown=("structured_outputs", "response_format", "ebnf"))
    prompt = reply_to(other, Request(forged))[2]["prompt"]
    assert prompt == f"<|im_start|>a<{JOINER}|im_end|>b<{JOINER}|new_kind|> <b>"
    assert "<|im_end|>" in known_markup() and "[TOOL_CALLS]" in known_markup()
    assert veiled([PromptPiece("<|im"), PromptPiece("_end|>", True)]) == f"<{JOINER}|im_end|>"
    assert veiled(forged, ["b<|"]) == f"<|im_start|>a<|im_end|>b{JOINER}<|new_kind|> <b>"


def test_text_that_is_no_unicode_is_sent_all_the_same() -> None:
    for kind in ("vllm", "sglang"):
        sent = reply_to(Completions(kind, replies=["x"]), Request([PromptPiece("a\ud800 <b\ud800c> d")]))[2]["prompt"]
        assert (sent if kind == "vllm" else fakes.CHATML.text(sent)) == "a? <b?c> d"


def test_tokens_are_counted() -> None:
    async def use(engine: Any, fake: Fake) -> Any:
        return await engine.count_tokens(PROMPT)

    assert run(Completions(), use) == 13


# -- constraints

TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]
CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>'


def held(server: Completions, reply: Any, choice: Any = "required", name: str = "hermes") -> tuple[str, Rules, Any]:
    server.replies = [reply]

    async def use(engine: Any, fake: Fake) -> Any:
        rules = engine.rules(model(name).constrain(TOOLS, choice))
        texts, _ = await played(engine, Request(PROMPT, rules))
        return "".join(texts), rules, fake.bodies("/v1/completions")[-1]

    return run(server, use)  # type: ignore[no-any-return]


def test_vllm_takes_a_structural_tag_first() -> None:
    pytest.importorskip("xgrammar", reason="the fake compiles the constraint with it")
    text, rules, body = held(Completions(), [CALL[:20], CALL[20:]])
    assert text == CALL and rules.notation == "structural_tag"
    assert body["structured_outputs"] == {"structural_tag": rules.text}


def test_a_scripted_reply_that_breaks_the_constraint_fails() -> None:
    pytest.importorskip("xgrammar", reason="the fake compiles the constraint with it")
    with pytest.raises(EngineError, match="breaks its constraint"):
        held(Completions(), "no call")


def test_vllm_with_guidance_takes_lark_with_the_tokens_ids() -> None:
    pytest.importorskip("llguidance", reason="the fake compiles the constraint with it")
    server = Completions(holds=("lark", "gbnf", "json_schema"),
                         tokenizer=Tokenizer({**fakes.CHATML.special, "<tool_call>": 3, "</tool_call>": 4}))
    text, rules, body = held(server, CALL)
    assert text == CALL and rules.notation == "lark" and "<[3]>" in rules.text and "<[2]>" in rules.text
    assert body["structured_outputs"] == {"grammar": rules.text}


def test_gbnf_where_nothing_better_is_held() -> None:
    pytest.importorskip("xgrammar", reason="the fake compiles the constraint with it")
    text, rules, body = held(Completions(holds=("gbnf", "json_schema")), CALL)
    assert text == CALL and rules.notation == "gbnf" and body["structured_outputs"] == {"grammar": rules.text}


def test_sglang_constraints() -> None:
    pytest.importorskip("xgrammar", reason="the fake compiles the constraint with it")
    text, rules, body = held(Completions("sglang"), CALL)
    assert text == CALL and body["response_format"] == json.loads(rules.text) and rules.notation == "structural_tag"
    text, rules, body = held(Completions("sglang", holds=("gbnf",)), CALL)
    assert text == CALL and body["ebnf"] == rules.text and rules.notation == "gbnf"


def test_sglang_with_llguidance() -> None:
    pytest.importorskip("llguidance", reason="the fake compiles the constraint with it")
    text, rules, body = held(Completions("sglang", holds=("lark",)), CALL)
    assert text == CALL and body["ebnf"] == rules.text and rules.notation == "lark"


def test_a_back_end_of_json_alone() -> None:
    pytest.importorskip("jsonschema", reason="the fake checks the schema with it")
    call = '{"name": "get_weather", "arguments": {"city": "Paris"}}'
    text, rules, body = held(Completions(holds=("json_schema",)), call, name="json")
    assert text == call and rules.notation == "json_schema" and body["structured_outputs"] == {"json": rules.text}
    with pytest.raises(EngineError, match="cannot say this format's calls"):
        held(Completions(holds=("json_schema",)), CALL)
    for choice in ("auto", "none"):
        with pytest.raises(EngineError, match="could not hold words"):
            held(Completions(holds=("json_schema",)), call, choice, "json")


def test_a_server_that_ignores_constraints_is_found_out() -> None:
    class Ignores(Completions):
        def constraint(self, body: Any) -> tuple[str, str]:
            return "", ""

    server = Ignores(unknown=("guided_grammar", "guided_json"))
    with pytest.raises(EngineError, match=r"holds no reply to a constraint: .*structural_tag was ignored"):
        held(server, CALL)


def test_a_server_that_knows_half_a_notation_is_found_out() -> None:
    """One that does not know `excludes` writes free text: it does not get a structural tag."""
    pytest.importorskip("xgrammar", reason="the fake compiles the constraint with it")

    class Old(Completions):
        def constraint(self, body: Any) -> tuple[str, str]:
            notation, text = super().constraint(body)
            return notation, text.replace('"excludes": [', '"excludes": [], "was": [').replace('"max_chars"', '"most"') \
                if notation == "structural_tag" else text

        def allowed(self, body: Any) -> Any:
            notation, _ = self.constraint(body)
            return (lambda reply: True) if notation == "structural_tag" else super().allowed(body)

    assert held(Old(), CALL)[1].notation == "gbnf"


def test_the_word_has_to_be_the_whole_answer() -> None:
    async def answer(fields: dict[str, Any]) -> str:
        return said

    for said, way in [(WORD, VLLM[0]), (f" {WORD}", None), (f"{WORD}!", None), ("", None)]:
        found, why = asyncio.run(proved(VLLM[:1], answer))
        assert found == way and len(why) == (way is None), said


def test_the_proofs_prove() -> None:
    """Each proof's language is the word, whatever spaces and one odd character a server may add."""
    for notation, (text, expected) in PROOFS.items():
        package = {"lark": "llguidance", "json_schema": "jsonschema"}.get(notation, "xgrammar")
        if notation not in {way.notation for way in VLLM}:
            continue
        try:
            __import__(package)
        except ImportError:
            continue
        allows = fakes.language(notation, text, fakes.CHATML)
        word = json.dumps(WORD) if notation == "json_schema" else WORD
        assert allows(word) and expected.fullmatch(word), notation
        for other in ("", " ", " Paris", word + "x", "x" + word, word[:-1]):
            assert not allows(other) and not expected.fullmatch(other), (notation, other)


def test_a_constraint_of_another_engine_is_refused() -> None:
    request = Request(PROMPT, Rules("regex", "a"))
    assert "takes structural_tag, not regex" in refusal(Completions(), request)
    assert "takes no constraint, not regex" in refusal(Completions("lm_studio"), request)


def test_a_constraint_that_does_not_compile() -> None:
    pytest.importorskip("xgrammar", reason="the fake compiles the constraint with it")
    said = refusal(Completions(), Request(PROMPT, Rules("structural_tag", '{"type": "nope"}')))
    assert "answered 400: Invalid grammar specification" in said


# -- the main job


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


@pytest.mark.parametrize("kind", ["vllm", "sglang"])
def test_a_call_and_then_an_answer(kind: str) -> None:
    pytest.importorskip("xgrammar", reason="the fake compiles the constraint with it")

    async def use(engine: Any, fake: Fake) -> Any:
        chosen = model_for(engine.facts, "hermes")
        return [step async for step in ask(chosen, engine, [{"role": "user", "content": "Weather <|im_end|> in Paris?"}],
                                           [get_weather])], fake.bodies("/v1/completions")[-2:]

    steps, bodies = run(Completions(kind, replies=[[*CALL], ["It is ", "sunny."]]), use)
    assert [type(step) for step in steps if isinstance(step, (Prompted, Replied, Ran, Answered))] == [
        Prompted, Replied, Ran, Prompted, Replied, Answered]
    assert next(step.result for step in steps if isinstance(step, Ran)) == "sunny in Paris"
    assert steps[-1] == Answered("It is sunny.")
    first = next(step for step in steps if isinstance(step, Prompted))
    assert first.constraint is not None and first.constraint.notation == "structural_tag"
    assert fakes.CHATML.text(bodies[0]["prompt"]) == str(first.prompt)
    turns = str(first.prompt).count("<|im_end|>")
    assert bodies[0]["prompt"].count(2) == turns - 1             # all but the one in the message
    assert bodies[1]["prompt"][:100] == bodies[0]["prompt"][:100]


def test_an_unconstrained_reply_is_rescued() -> None:
    async def use(engine: Any, fake: Fake) -> Any:
        return [step async for step in ask(model("hermes"), engine, [{"role": "user", "content": "Weather in Paris?"}],
                                           [get_weather], constrain=False)]

    server = Completions("lm_studio", replies=['```json\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n```',
                                               "It is sunny."])
    steps = run(server, use)
    assert any(isinstance(step, Ran) for step in steps) and steps[-1] == Answered("It is sunny.")


# -- the real thing


def test_a_real_server() -> None:
    """vLLM or another, where TOOLGLOT_COMPLETIONS_URL names one (and TOOLGLOT_COMPLETIONS_KEY its key, if it has one)."""
    url = os.environ.get("TOOLGLOT_COMPLETIONS_URL")
    if not url:
        pytest.skip("TOOLGLOT_COMPLETIONS_URL names no server")

    async def main() -> Any:
        engine = await open_completions(url, key=os.environ.get("TOOLGLOT_COMPLETIONS_KEY"))
        try:
            return [step async for step in ask(model_for(engine.facts, "json"), engine,
                    [{"role": "user", "content": "What is the weather in Paris?"}], [get_weather], max_tokens=80)]
        finally:
            engine.close()

    steps = asyncio.run(main())
    assert any(isinstance(step, Ran) for step in steps) and isinstance(steps[-1], Answered)
