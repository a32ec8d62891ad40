"""The loop of `ask`, on an engine that plays scripts: what is run, what is told to the model, what stops it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import pytest

import toolglot
from toolglot.ask import (
    Answered,
    Denied,
    Handed,
    Prompted,
    Ran,
    Refused,
    Replied,
    Sent,
    Step,
    Stopped,
    Written,
    ask,
    model_for,
    step_choice,
)
from toolglot.engines import Engine, EngineError, ModelFacts, Request
from toolglot.engines.scripted import HANG_UP, Script, Scripted, ScriptedChat
from toolglot.message import Assistant, Call, CallArgs, CallEnd, CallStart, Result, System, Text, ToolglotError, User
from toolglot.registry import dialects
from toolglot.reply import in_words, reasoning_at
from toolglot.rules import Caps

QUESTION = [{"role": "user", "content": "What is the weather in Paris?"}]
CALL = '{"name": "get_weather", "arguments": {"city": "Paris"}}'
TAGGED = f"<tool_call>\n{CALL}\n</tool_call>"
ran: list[str] = []


def get_weather(city: str, days: int = 1) -> str:
    """Get the weather.

    Args:
        city: The city.
    """
    ran.append(city)
    return f"sunny in {city}"


def fail(why: str) -> str:
    """Fail."""
    raise RuntimeError(why)


def hang() -> None:
    """Hang."""
    time.sleep(20)


TOOLS = [get_weather, fail, hang]


def steps_of(replies: Sequence[Script], dialect: str = "qwen3", tools: Any = TOOLS,
             **options: Any) -> tuple[list[Step], Scripted]:
    """What happens, without the stretches of text, and the engine that has the requests."""
    ran.clear()
    engine = Scripted(replies)

    async def run() -> list[Step]:
        steps = ask(toolglot.model(dialect), engine, options.pop("messages", QUESTION), tools, **options)
        return [step async for step in steps if not isinstance(step, Written)]

    return asyncio.run(run()), engine


def kinds(steps: list[Step]) -> list[type]:
    return [type(step) for step in steps]


def text_of(request: Request) -> str:
    return "".join(piece.text for piece in request.prompt)


# ---------------------------------------------------------------- the loop

def test_a_call_is_run_and_its_result_told() -> None:
    steps, engine = steps_of([TAGGED, "It is sunny."])
    assert kinds(steps) == [Prompted, Replied, Ran, Prompted, Replied, Answered]
    assert steps[2].result == "sunny in Paris"
    assert not steps[2].failed
    assert steps[-1] == Answered("It is sunny.")
    assert ran == ["Paris"]
    assert "<tool_response>\nsunny in Paris\n</tool_response>" in text_of(engine.requests[1])
    assert [request.stop for request in engine.requests] == [dialects()["qwen3"].stop] * 2


def test_events_come_as_the_text_does() -> None:
    async def run() -> list[Step]:
        cut = TAGGED.index('"city"')
        engine = Scripted([[TAGGED[:cut], TAGGED[cut:]], ["It is ", "sunny."]])
        return [step async for step in ask(toolglot.model("qwen3"), engine, QUESTION, TOOLS)]

    written = [step for step in asyncio.run(run()) if isinstance(step, Written)]
    assert written[0].events == (CallStart(0, "get_weather"), CallArgs(0, "{"))
    assert [step.events for step in written[-2:]] == [(Text("It is"),), (Text(" sunny."),)]


def test_parallel_calls_are_all_run_in_order() -> None:
    both = TAGGED + "\n" + TAGGED.replace("Paris", "Rome")
    steps, engine = steps_of([both, "Sunny in both."])
    assert kinds(steps)[1:4] == [Replied, Ran, Ran]
    assert ran == ["Paris", "Rome"]
    assert text_of(engine.requests[1]).count("<tool_response>") == 2


def test_calls_get_ids_where_the_family_writes_them() -> None:
    reply = '[TOOL_CALLS] [{"name": "get_weather", "arguments": {"city": "Paris"}}]'
    _, engine = steps_of([reply, "Sunny."], "mistral-v3", constrain=False)
    assert text_of(engine.requests[1]).count("call00001") == 2


def test_an_answer_without_a_call() -> None:
    steps, _ = steps_of(["Hello."])
    assert steps[-1] == Answered("Hello.")
    assert ran == []


def test_without_tools_it_is_a_chat() -> None:
    steps, _ = steps_of(["Hello."], "json", tools=())
    assert kinds(steps) == [Prompted, Replied, Answered]


def test_it_ends_after_max_steps() -> None:
    steps, _ = steps_of([TAGGED] * 3, max_steps=2)
    assert steps[-1] == Stopped("there is no answer after 2 replies; allow more with max_steps")
    assert ran == ["Paris", "Paris"]


# ---------------------------------------------------------------- models that were never trained for tools

def test_a_zero_shot_model_must_call_and_then_answers_in_words() -> None:
    steps, engine = steps_of([CALL, "It is sunny."], "json")
    asked = [step for step in steps if isinstance(step, Prompted)]
    assert [step.choice for step in asked] == ["required", "none"]
    assert "get_weather" in str(asked[0].prompt)
    assert "get_weather" not in str(asked[1].prompt)
    told = "What is the weather in Paris?\n\nAnswer in one sentence that contains: sunny in Paris"
    assert told in str(asked[1].prompt)
    assert all(request.constraint for request in engine.requests)


def test_results_in_words_keep_the_rest_of_the_conversation() -> None:
    call = Call("f", {})
    turns = [System("s"), User("a"), Assistant((Text("b"),)), User("c"), Assistant((call,)), Result("1"), Result("2")]
    assert in_words(turns) == [System("s"), User("a"), Assistant((Text("b"),)),
                               User("c\n\nAnswer in one sentence that contains: 1\n2")]
    assert in_words(turns[:4]) == turns[:4]


@pytest.mark.parametrize(("dialect", "choice", "first", "later"), [
    ("json", None, "required", "none"), ("json", "auto", "auto", "auto"), ("json", "none", "none", "none"),
    ("json", {"name": "f"}, {"name": "f"}, "none"), ("qwen3", None, "auto", "auto"),
    ("qwen3", "required", "required", "auto"), ("qwen3", {"allowed": ["f"]}, {"allowed": ["f"]}, "auto")])
def test_the_choice_of_each_reply(dialect: str, choice: Any, first: Any, later: Any) -> None:
    assert step_choice(dialects()[dialect], choice, 0) == first
    assert step_choice(dialects()[dialect], choice, 1) == later


# ---------------------------------------------------------------- what is not run

def test_arguments_that_break_the_schema_are_not_run_and_the_model_is_told() -> None:
    bad = TAGGED.replace('"Paris"', '["Paris", 1]')
    steps, engine = steps_of([bad, "I give up."], constrain=False)
    assert isinstance(steps[2], Refused)
    assert "city" in steps[2].reasons[0]
    assert ran == []
    assert "error: The call of get_weather was not run: `city` must be a string" in text_of(engine.requests[1])


def test_what_was_not_constrained_may_be_in_any_shape() -> None:
    for text in (TAGGED.replace('"Paris"', '["Paris"]'), "```python\nget_weather('Paris')\n```"):
        ran.clear()
        steps, _ = steps_of([text, "It is sunny."], constrain=False)
        assert isinstance(steps[2], Ran) and steps[2].call.arguments == {"city": "Paris"}
        assert ran


def test_an_unknown_function_is_not_run_and_the_model_is_told() -> None:
    steps, engine = steps_of([TAGGED.replace("get_weather", "nothing"), "I give up."], constrain=False)
    assert isinstance(steps[2], Refused)
    assert "get_weather, fail, hang" in steps[2].reasons[0]
    assert "no function is named 'nothing'" in text_of(engine.requests[1])


def test_a_function_that_raises_is_told_in_one_line() -> None:
    steps, engine = steps_of([TAGGED.replace("get_weather", "fail").replace("city", "why"), "Sorry."])
    assert isinstance(steps[2], Ran)
    assert steps[2].failed
    assert steps[2].result.startswith("RuntimeError: Paris")
    assert "error: RuntimeError: Paris" in text_of(engine.requests[1])


def test_a_function_that_hangs_is_given_up() -> None:
    call = '<tool_call>\n{"name": "hang", "arguments": {}}\n</tool_call>'
    began = time.perf_counter()
    steps, _ = steps_of([call, "Sorry."], run_timeout=0.1)
    assert isinstance(steps[2], Ran)
    assert steps[2].failed
    assert "within 0.1 seconds" in steps[2].result
    assert time.perf_counter() - began < 10


@pytest.mark.parametrize("asynchronous", [False, True])
def test_what_is_not_approved_does_not_run(asynchronous: bool) -> None:
    asked: list[Call] = []

    def no(call: Call) -> bool:
        asked.append(call)
        return False

    async def no_later(call: Call) -> bool:
        await asyncio.sleep(0)
        return no(call)

    steps, engine = steps_of([TAGGED, "As you like."], approve=no_later if asynchronous else no)
    assert isinstance(steps[2], Denied)
    assert ran == []
    assert asked[0].arguments == {"city": "Paris"}
    assert "the user did not allow this call" in text_of(engine.requests[1])


def test_a_tool_without_a_function_is_handed_over() -> None:
    tool = {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
    steps, _ = steps_of([TAGGED], tools=[tool])
    assert isinstance(steps[-1], Handed)
    assert steps[-1].call.arguments == {"city": "Paris"}


# ---------------------------------------------------------------- never fail open

@pytest.mark.parametrize(("reply", "dialect", "options", "words"), [
    ("Sunny, I think.", "json", {}, "a call was required, and the reply holds none"),
    (CALL, "json", {"choice": "none"}, "was not allowed"),
    (TAGGED, "qwen3", {"choice": {"name": "hang"}}, "the call of get_weather was not allowed"),
    (TAGGED, "qwen3", {"choice": {"allowed": ["hang", "fail"]}}, "the call of get_weather was not allowed"),
    (TAGGED.replace("get_weather", "nothing"), "qwen3", {}, "did not keep its constraint: unknown function"),
    ("Hm</tool_call>", "qwen3", {}, "did not keep its constraint: stray markup"),
    (TAGGED[:-20], "qwen3", {}, "did not keep its constraint"),
    (TAGGED[:-20], "qwen3", {"constrain": False}, "holds no whole call"),
    ("", "qwen3", {}, "the reply holds no answer")])
def test_a_reply_that_is_not_what_it_had_to_be_runs_nothing(reply: str, dialect: str, options: Any, words: str) -> None:
    steps, _ = steps_of([reply], dialect, **options)
    assert isinstance(steps[-1], Stopped)
    assert words in steps[-1].why
    assert ran == []


def test_a_call_that_is_cut_is_not_run() -> None:
    steps, _ = steps_of([[TAGGED[:30], TAGGED[30:]]], max_tokens=1, choice="required")
    assert steps[-1] == Stopped("the reply was cut at 1 tokens before its call was whole")


def test_an_answer_that_is_cut_says_so() -> None:
    steps, _ = steps_of([["It is ", "sunny."]], max_tokens=1)
    assert steps[-1] == Answered("It is", cut=True)


def test_a_grammar_may_end_in_any_stop_token() -> None:
    ids = {"<|im_end|>": 2, "</s>": 0, "[X]": 5}
    constraint = toolglot.model("json").constrain(TOOLS, "none")
    ends = constraint.lark(ids, ("<|im_end|>", "</s>", "?"))
    assert ") (<[2]> | <[0]>)?\n" in ends and "<[2]>" not in constraint.lark(ids)


# ---------------------------------------------------------------- a chat API

CALLED = [CallStart(0, "get_weather", "a"), CallArgs(0, '{"city": "Paris"}'), CallEnd(0)]


def chat_steps(replies: Sequence[Script], *, model: Any = None, tools: Any = TOOLS,
               **options: Any) -> tuple[list[Step], ScriptedChat]:
    ran.clear()
    chat = ScriptedChat(replies)

    async def run() -> list[Step]:
        return [step async for step in ask(model, chat, QUESTION, tools, **options)]

    return asyncio.run(run()), chat


@pytest.mark.parametrize("model", [None, toolglot.model("json")])
def test_a_chat_is_told_the_conversation_and_needs_no_model(model: Any) -> None:
    steps, chat = chat_steps([CALLED, ["It is ", "sunny."]], model=model)
    assert kinds(steps) == [Sent, *[Written] * 3, Replied, Ran, Sent, *[Written] * 2, Replied, Answered]
    assert steps[-1] == Answered("It is sunny.")
    assert steps[0] == Sent(tuple(QUESTION), "auto")
    assert isinstance(steps[6], Sent)
    assert [message["role"] for message in steps[6].messages] == ["user", "assistant", "tool"]
    assert [step.events for step in steps[1:4]] == [(event,) for event in CALLED]    # type: ignore[union-attr]
    assert chat.requests[1].turns[1:] == [Assistant((Call("get_weather", {"city": "Paris"}, "a"),)),
                                          Result("sunny in Paris", "get_weather", "a")]
    assert [tool.name for tool in chat.requests[0].tools] == ["get_weather", "fail", "hang"]


def test_what_is_asked_of_a_chat_is_passed_on() -> None:
    _, chat = chat_steps(["Hi."], choice={"allowed": ["fail"]}, parallel=False, max_tokens=9, temperature=0.5, seed=3)
    [request] = chat.requests
    assert (request.choice, request.parallel, request.max_tokens, request.temperature, request.seed, request.stop) == (
        {"allowed": ["fail"]}, False, 9, 0.5, 3, ())


def test_calls_of_a_chat_without_ids_get_some() -> None:
    _, chat = chat_steps([[CallStart(0, "get_weather"), *CALLED[1:]], "Sunny."])
    assert chat.requests[1].turns[1].parts[0].id == chat.requests[1].turns[2].id == "call00001"    # type: ignore[union-attr]


def test_a_chat_takes_neither_thinking_nor_caps_and_an_engine_needs_a_model() -> None:
    for options in ({"thinking": True}, {"caps": Caps()}):
        with pytest.raises(ToolglotError, match="leave them out"):
            chat_steps(["Hi."], **options)

    async def run() -> None:
        async for _ in ask(None, Scripted(["Hi."]), QUESTION):
            pass

    with pytest.raises(ToolglotError, match="model_for"):
        asyncio.run(run())


def test_closing_it_stops_the_chat() -> None:
    chat = ScriptedChat([["word "] * 1000], delay=0.001)

    async def run() -> None:
        async with aclosing(ask(None, chat, QUESTION)) as steps:
            async for step in steps:
                if isinstance(step, Written):
                    break

    asyncio.run(run())
    assert chat.cancelled == 1


# ---------------------------------------------------------------- engines

@pytest.mark.parametrize("pieces", [[HANG_UP], ["It is sunny", HANG_UP], [TAGGED, HANG_UP]])
def test_an_engine_that_ends_without_saying_how_is_an_error(pieces: list[Any]) -> None:
    with pytest.raises(EngineError, match="hung up in mid-reply"):
        steps_of([pieces])
    with pytest.raises(EngineError, match="hung up in mid-reply"):
        chat_steps([pieces])
    assert ran == []


def test_one_call_where_one_was_asked_for() -> None:
    both = TAGGED + "\n" + TAGGED.replace("Paris", "Rome")
    steps, _ = steps_of([both], constrain=False, parallel=False)
    assert steps[-1] == Stopped("one call was allowed, and the reply holds 2")
    assert ran == []


def test_an_engine_that_fails_says_so() -> None:
    with pytest.raises(EngineError, match="out of memory"):
        steps_of([["Hel", EngineError("out of memory")]])


def test_closing_it_stops_the_engine() -> None:
    engine = Scripted([["word "] * 1000], delay=0.001)

    async def run() -> None:
        async with aclosing(ask(toolglot.model("qwen3"), engine, QUESTION)) as steps:
            async for step in steps:
                if isinstance(step, Written):
                    break

    asyncio.run(run())
    assert engine.cancelled == 1


def test_the_scripted_engine_is_an_engine() -> None:
    engine = Scripted(["a"])
    assert isinstance(engine, Engine)
    with pytest.raises(EngineError, match="1 replies"):
        steps_of([TAGGED])
    engine.close()
    assert engine.closed
    assert engine.cancelled == 0


@pytest.mark.parametrize(("messages", "tools", "words"), [
    ([{"role": "robot", "content": ""}], (), "messages[0].role"),
    ([{"role": "tool", "content": "x", "tool_call_id": "1"}], (), "no call '1'"),
    (QUESTION, [{"parameters": {}}], "name"),
    (QUESTION, [get_weather, get_weather], "get_weather")])
def test_bad_input_is_said_with_its_place(messages: Any, tools: Any, words: str) -> None:
    with pytest.raises(ToolglotError) as caught:
        steps_of(["x"], tools=tools, messages=messages)
    assert words in str(caught.value)


# ---------------------------------------------------------------- dialects of models

@pytest.mark.parametrize(("template", "name", "asked", "dialect"), [
    ("{{ messages }}<|im_start|>", "SmolLM2 135M Instruct", None, "json"),
    ("<tool_call> <|im_start|> \"arguments\": ", "anything", None, "qwen2.5"),
    ("<tool_call> <|im_start|> \"arguments\": ", "anything", "json", "json"),
    ("plain", "Hermes 3 Llama 3.1 8B", None, "hermes"),
    ("plain", "Some Model", None, "json"),
    (None, "Some Model", "qwen3", "qwen3")])
def test_the_dialect_of_a_model(template: str | None, name: str, asked: str | None, dialect: str) -> None:
    model = model_for(ModelFacts(name, chat_template=template, bos="<s>"), asked)
    assert model.dialect.name == dialect
    assert model.template == (template if dialect == "json" else None)


def test_where_reasoning_stands() -> None:
    qwen = toolglot.model("qwen3")
    assert reasoning_at(qwen.dialect, qwen.prompt(QUESTION), None) == "none"
    assert reasoning_at(qwen.dialect, qwen.prompt(QUESTION, thinking=True), True) == "first"
    assert reasoning_at(qwen.dialect, qwen.prompt(QUESTION, thinking=False), False) == "none"
    deepseek = toolglot.model("deepseek-v3.1")
    assert reasoning_at(deepseek.dialect, deepseek.prompt(QUESTION, thinking=True), True) == "open"
    assert reasoning_at(dialects()["json"], qwen.prompt(QUESTION), True) == "none"


def test_a_constrained_model_is_not_asked_to_think_unless_it_may() -> None:
    block = "<think>\n\n</think>"
    assert block in str(steps_of(["x"])[0][0].prompt)       # type: ignore[union-attr]
    assert block not in str(steps_of(["x"], constrain=False)[0][0].prompt)      # type: ignore[union-attr]
    steps, _ = steps_of(["<think>\nHm.\n</think>\n\nHello."], thinking=True)
    assert steps[-1] == Answered("Hello.")


@pytest.mark.parametrize("choice", ["auto", "required", "none"])
@pytest.mark.parametrize("dialect", dialects())
def test_every_constraint_compiles(dialect: str, choice: str) -> None:
    """An engine may drop a grammar that does not compile, without a word."""
    llguidance = pytest.importorskip("llguidance", reason="llguidance is not installed")
    steps, _ = steps_of(["x"], dialect, choice=choice, max_tokens=1)
    rules = steps[0].constraint     # type: ignore[union-attr]
    assert llguidance.LLMatcher.validate_grammar(rules.text) == ""
