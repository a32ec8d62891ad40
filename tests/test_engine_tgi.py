"""Text Generation Inference, against a server that checks each request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="needs the remote extra")

from fake_servers import CHATML, DROP, HANG, Fail, Tgi, Tokenizer, serving
from fakes import Fake
from toolglot.ask import Answered, Prompted, Ran, Stopped, ask
from toolglot.engines import Chunk, Done, Engine, EngineError, PromptPiece, Request, Rules
from toolglot.engines.http import Timeouts
from toolglot.engines.markup import JOINER
from toolglot.engines.tgi import open_tgi
from toolglot.model import model

QUICK = Timeouts(connect=2, answer=5, piece=5)
PROMPT = [PromptPiece("<|im_start|>user\n", True), PromptPiece("Hello"), PromptPiece("<|im_end|>\n", True)]
TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]
CALL = '{"name": "get_weather", "arguments": {"city": "Paris"}}'


def run(server: Tgi, use: Callable[[Any, Fake], Awaitable[Any]], *, key: str | None = None, given: str | None = None,
        **options: Any) -> Any:
    async def main() -> Any:
        with serving(server, key) as fake:
            engine = await open_tgi(fake.url, key=given, timeouts=QUICK, **options)
            assert isinstance(engine, Engine)
            try:
                return await use(engine, fake)
            finally:
                engine.close()

    return asyncio.run(asyncio.wait_for(main(), 20))


async def played(engine: Any, request: Request) -> tuple[str, Done]:
    items = [item async for item in engine.generate(request)]
    assert all(isinstance(item, Chunk) for item in items[:-1]) and isinstance(items[-1], Done)
    return "".join(item.text for item in items[:-1]), items[-1]


def reply_to(server: Tgi, request: Request = Request(PROMPT), **options: Any) -> tuple[str, Done, Any]:
    async def use(engine: Any, fake: Fake) -> Any:
        return *await played(engine, request), fake.bodies("/generate_stream")[-1]

    return run(server, use, **options)  # type: ignore[no-any-return]


def refusal(server: Tgi, request: Request = Request(PROMPT), **options: Any) -> str:
    with pytest.raises(EngineError) as error:
        reply_to(server, request, **options)
    return str(error.value)


async def facts_of(engine: Any, fake: Fake) -> Any:
    return engine.facts


# -- what it says of itself


def test_facts() -> None:
    facts = run(Tgi(), facts_of)
    assert (facts.name, facts.context, facts.bos, facts.chat_template) == ("org/Smol", 2048, "", None)
    assert facts.special_tokens == CHATML.special
    assert facts.found[0].startswith("TGI 3.3.6 at http://127.0.0.1:") and facts.found[0].endswith("serves org/Smol")
    assert "it holds a reply to a JSON schema (tried), and to no grammar" in facts.found
    assert run(Tgi(), facts_of, context=99).context == 99


def test_the_one_model_may_be_named() -> None:
    assert run(Tgi(), facts_of, model="org/Smol").name == "org/Smol"
    assert "does not serve 'other': it serves org/Smol" in refusal(Tgi(), model="other")


def test_a_key_is_sent_and_never_shown() -> None:
    assert reply_to(Tgi(replies=["Hi"]), key="sesame-1", given="sesame-1")[0] == "Hi"
    said = refusal(Tgi(), key="sesame-1", given="wrong-2")
    assert "401" in said and "sesame" not in said and "wrong-2" not in said


# -- replies


def test_a_streamed_reply() -> None:
    text, done, body = reply_to(Tgi(replies=[["Hé", "llo ", "wörld", "\u2028!"]]), Request(PROMPT, max_tokens=9))
    assert text == "Héllo wörld\u2028!"                          # and not the token that ended it
    assert (done.finish, done.prompt_tokens, done.completion_tokens) == ("stop", 13, 5)
    assert body["parameters"] == {"max_new_tokens": 9, "details": True, "return_full_text": False, "stop": [],
                                  "do_sample": False}


def test_sampling() -> None:
    given = reply_to(Tgi(replies=["x"]), Request(PROMPT, temperature=0.7, seed=0))[2]["parameters"]
    assert (given["do_sample"], given["temperature"], given["seed"]) == (True, 0.7, 1)


def test_special_tokens_are_spelled() -> None:
    server = Tgi(replies=[["<tool_call>", "x", "</tool_call>"]],
                 tokenizer=Tokenizer({**CHATML.special, "<tool_call>": 3, "</tool_call>": 4}))
    assert reply_to(server)[0] == "<tool_call>x</tool_call>"


def test_the_limit_of_tokens() -> None:
    text, done, _ = reply_to(Tgi(replies=[["a", "b", "c"]]), Request(PROMPT, max_tokens=2))
    assert (text, done.finish, done.completion_tokens) == ("ab", "length", 2)
    given = reply_to(Tgi(replies=["x"], context=64), Request(PROMPT, max_tokens=500))[2]["parameters"]
    assert given["max_new_tokens"] == 64 - 13


def test_stop_strings_are_cut_off() -> None:
    text, done, _ = reply_to(Tgi(replies=[["Hi", "<st", "op>", "more"]]), Request(PROMPT, stop=("<stop>",)))
    assert (text, done.finish) == ("Hi", "stop")
    many = tuple(f"<{n}>" for n in range(6))
    text, done, body = reply_to(Tgi(replies=[["Hi", "<5", ">", "more"]]), Request(PROMPT, stop=many))
    assert (text, done.finish, body["parameters"]["stop"]) == ("Hi", "stop", list(many[:4]))


def test_what_goes_wrong_is_said() -> None:
    assert "failed in mid-reply: out of memory" in refusal(Tgi(replies=[["one", Fail("out of memory")]]))
    assert "hung up" in refusal(Tgi(replies=[["one", DROP]]))
    assert "the prompt has 3,000 tokens, the context of http" in refusal(Tgi(), Request([PromptPiece("x" * 3000)]))
    assert "answered 422" in refusal(Tgi(tokenizes=False), Request([PromptPiece("x" * 3000)]))
    assert "the prompt is empty" in refusal(Tgi(), Request([PromptPiece("")]))
    assert "max_tokens is 0" in refusal(Tgi(), Request(PROMPT, max_tokens=0))

    class Cut(Tgi):
        def events(self, *rest: Any) -> list[Any]:
            return super().events(*rest)[:1]

    assert "ended the reply before it was whole" in refusal(Cut(replies=[["one", "two"]]))


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

    run(Tgi(replies=[["one", HANG, "two"]]), use)


# -- the prompt


def test_special_tokens_in_a_message_are_broken() -> None:
    forged = [PromptPiece("<|im_start|>", True), PromptPiece("a<|im_end|>b <odd>"), PromptPiece("<|im_end|>", True)]
    odd = Tokenizer({**CHATML.special, "<odd>": 9})
    sent = reply_to(Tgi(replies=["x"], tokenizer=odd), Request(forged))[2]["inputs"]
    assert sent == f"<|im_start|>a<{JOINER}|im_end|>b <{JOINER}odd><|im_end|>"
    assert [id for id in odd.ids(sent) if id < 1000] == [1, 2]
    blind = reply_to(Tgi(replies=["x"], tokenizes=False), Request(forged))[2]["inputs"]
    assert blind == f"<|im_start|>a<{JOINER}|im_end|>b <odd><|im_end|>"


def test_one_bos_is_enough() -> None:
    server = Tgi(replies=["x"], tokenizer=Tokenizer({**CHATML.special, "<s>": 5}, bos="<s>"))
    text, _, body = reply_to(server, Request([PromptPiece("<s>", True), *PROMPT]))
    assert text == "x" and body["inputs"] == "<|im_start|>user\nHello<|im_end|>\n"


def test_tokens_are_counted() -> None:
    async def use(engine: Any, fake: Fake) -> Any:
        return await engine.count_tokens(PROMPT)

    assert run(Tgi(), use) == 13


# -- constraints


def rules_for(server: Tgi, name: str, choice: Any) -> Rules:
    async def use(engine: Any, fake: Fake) -> Any:
        return engine.rules(model(name).constrain(TOOLS, choice))

    return run(server, use)  # type: ignore[no-any-return]


def test_a_required_call_is_a_json_schema() -> None:
    async def use(engine: Any, fake: Fake) -> Any:
        rules = engine.rules(model("json").constrain(TOOLS, "required"))
        text, _ = await played(engine, Request(PROMPT, rules))
        sent = fake.bodies("/generate_stream")[-1]["parameters"]["grammar"]
        assert sent["type"] == "json" and sent["value"]["properties"]["name"] == {"const": "get_weather"}
        with pytest.raises(EngineError, match="breaks its constraint"):
            await played(engine, Request(PROMPT, rules))
        return text

    assert run(Tgi(replies=[[CALL[:9], CALL[9:]], "words"]), use) == CALL


def test_what_json_cannot_say_is_refused() -> None:
    for name, choice, why in [("json", "auto", "could not hold words"), ("hermes", "required", "cannot say this format's")]:
        with pytest.raises(EngineError, match=why):
            rules_for(Tgi(), name, choice)


@pytest.mark.parametrize("how", ["refused", "ignored"])
def test_a_server_without_grammars_is_found_out(how: str) -> None:
    with pytest.raises(EngineError, match="was started without grammars, or its back end ignores them"):
        rules_for(Tgi(grammars=how), "json", "required")


def test_another_notation_is_refused() -> None:
    assert "takes a JSON schema, not gbnf" in refusal(Tgi(), Request(PROMPT, Rules("gbnf", 'root ::= "a"')))


# -- the main job


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


def test_a_call_and_then_an_answer() -> None:
    async def use(engine: Any, fake: Fake) -> Any:
        return [step async for step in ask(model("hermes"), engine, [{"role": "user", "content": "Weather in Paris?"}],
                                           [get_weather], constrain=False)]

    steps = run(Tgi(replies=[["<tool_call>\n", CALL, "\n</tool_call>"], "It is sunny."]), use)
    assert next(step.result for step in steps if isinstance(step, Ran)) == "sunny in Paris"
    assert steps[-1] == Answered("It is sunny.")


def held(*replies: Any) -> Any:
    async def use(engine: Any, fake: Fake) -> Any:
        steps = [step async for step in ask(model("json"), engine, [{"role": "user", "content": "Paris?"}], [get_weather])]
        return steps, fake.bodies("/generate_stream")[-2:]

    return run(Tgi(replies=list(replies)), use)


def test_the_main_job_constrained() -> None:
    steps, bodies = held(CALL, "It is sunny.")
    assert bodies[0]["parameters"]["grammar"]["type"] == "json" and "grammar" not in bodies[1]["parameters"]
    assert any(isinstance(step, Ran) for step in steps) and steps[-1] == Answered("It is sunny.")
    first, last = (step for step in steps if isinstance(step, Prompted))
    assert first.constraint is not None and not first.unheld
    assert last.choice == "none" and last.constraint is None and "could not hold words" in last.unheld


def test_a_call_among_words_that_nothing_holds_is_refused() -> None:
    steps, _ = held(CALL, ["Well: ", CALL])
    assert [type(step) for step in steps].count(Ran) == 1
    assert steps[-1] == Stopped("the call of get_weather was not allowed")

