"""OpenAI's own library: Chat Completions and Responses, streamed and not, its helpers, and its errors."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from asked import (
    EMBEDDED,
    KEY,
    OSLO,
    SCRIPTED,
    SMALL,
    TIME,
    TWO_CALLS,
    WEATHER,
    WORDS,
    call,
    code_on_the_page,
    lines,
    say,
    think,
)
from openai import AsyncOpenAI, OpenAI, pydantic_function_tool
from pydantic import BaseModel

MODEL = "scripted"
TOOLS: Any = [{"type": "function", "function": WEATHER}, {"type": "function", "function": TIME}]
FLAT: Any = [{"type": "function", "strict": None, **WEATHER}, {"type": "function", "strict": None, **TIME}]
CITIES = [{"city": "Paris"}, {"city": OSLO}]


class get_weather(BaseModel):
    """The weather in a city."""

    city: str


class Joke(BaseModel):
    setup: str
    punchline: str
    stars: int


@pytest.fixture
def client() -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{SCRIPTED}/v1", api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
def small() -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{EMBEDDED}/v1", api_key=KEY, timeout=300) as client:
        yield client


def user(text: str) -> Any:
    return [{"role": "user", "content": text}]


def ask(client: OpenAI, text: str, **more: Any) -> Any:
    return client.chat.completions.create(model=MODEL, messages=user(text), **more)


# -- chat: a reply ---------------------------------------------------------------------------------------------


def test_words(client: OpenAI) -> None:
    reply = ask(client, say(WORDS))
    assert reply.id.startswith("chatcmpl-") and reply.model == MODEL and reply.object == "chat.completion"
    [choice] = reply.choices
    assert (choice.message.role, choice.message.content, choice.finish_reason) == ("assistant", WORDS, "stop")
    assert choice.message.tool_calls is None and choice.message.refusal is None
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
    assert reply.usage.completion_tokens == -(-len(WORDS) // 4)


def test_calls(client: OpenAI) -> None:
    [choice] = ask(client, TWO_CALLS, tools=TOOLS).choices
    assert choice.finish_reason == "tool_calls" and choice.message.content is None
    calls = choice.message.tool_calls
    assert [(one.type, one.function.name, json.loads(one.function.arguments)) for one in calls] == [
        ("function", "get_weather", city) for city in CITIES]
    assert len({one.id for one in calls}) == 2 and all(one.id.startswith("call_") for one in calls)


def test_words_and_a_call_without_arguments(client: OpenAI) -> None:
    [choice] = ask(client, lines(say("Let me look."), call("get_time")), tools=TOOLS).choices
    assert choice.message.content == "Let me look." and choice.message.tool_calls[0].function.arguments == "{}"


def test_the_loop(client: OpenAI) -> None:
    messages = user(TWO_CALLS)
    first = client.chat.completions.create(model=MODEL, messages=messages, tools=TOOLS).choices[0].message
    messages.append(first)
    messages += [{"role": "tool", "tool_call_id": one.id, "content": f"{n} degrees"}
                 for n, one in enumerate(first.tool_calls)]
    last = client.chat.completions.create(model=MODEL, messages=messages, tools=TOOLS).choices[0]
    assert (last.message.content, last.finish_reason) == ("It said: 0 degrees; 1 degrees.", "stop")


@pytest.mark.parametrize(("choice", "names"), [
    ("none", []), ("auto", []), ("required", ["get_weather"]),
    ({"type": "function", "function": {"name": "get_time"}}, ["get_time"]),
    ({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [
        {"type": "function", "function": {"name": "get_time"}}]}}, ["get_time"])])
def test_a_choice(client: OpenAI, choice: Any, names: list[str]) -> None:
    message = ask(client, "Hello!", tools=TOOLS, tool_choice=choice).choices[0].message
    assert [one.function.name for one in message.tool_calls or []] == names
    assert (message.content is None) == bool(names)


def test_functions_as_they_were(client: OpenAI) -> None:
    messages = user(call("get_weather", city="Paris"))
    [choice] = client.chat.completions.create(model=MODEL, messages=messages, functions=[WEATHER]).choices
    assert choice.finish_reason == "function_call" and choice.message.tool_calls is None
    made = choice.message.function_call
    assert (made.name, made.arguments) == ("get_weather", '{"city": "Paris"}')
    messages += [choice.message, {"role": "function", "name": "get_weather", "content": "22 degrees"}]
    last = client.chat.completions.create(model=MODEL, messages=messages, functions=[WEATHER])
    assert last.choices[0].message.content == "It said: 22 degrees."


def test_several_replies(client: OpenAI) -> None:
    reply = ask(client, call("get_weather", city="Paris"), tools=TOOLS, n=3)
    assert [choice.index for choice in reply.choices] == [0, 1, 2]
    assert len({choice.message.tool_calls[0].id for choice in reply.choices}) == 3


@pytest.mark.parametrize("stop", ["STOP", ["nothing", "STOP"]])
def test_a_stop_string(client: OpenAI, stop: Any) -> None:
    [choice] = ask(client, say("one two STOP three"), stop=stop).choices
    assert (choice.message.content, choice.finish_reason) == ("one two ", "stop")


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_limit(client: OpenAI, name: str) -> None:
    reply = ask(client, say("0123456789abcdef"), **{name: 2})
    assert (reply.choices[0].message.content, reply.choices[0].finish_reason) == ("01234567", "length")
    assert reply.usage.completion_tokens == 2


def test_reasoning_is_apart_and_can_be_given_back(client: OpenAI) -> None:
    script = lines(think("They want the weather."), call("get_weather", city="Paris"))
    message = ask(client, script, tools=TOOLS, reasoning_effort="low").choices[0].message
    assert message.reasoning_content == "They want the weather." and message.content is None
    messages = [*user(script), message.model_dump(exclude_none=True),
                {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "22"}]
    reply = client.chat.completions.create(model=MODEL, messages=messages, tools=TOOLS, reasoning_effort="low")
    assert reply.choices[0].message.content == "It said: 22."
    without = [messages[0], {k: v for k, v in messages[1].items() if k != "reasoning_content"}, messages[2]]
    bare = client.chat.completions.create(model=MODEL, messages=without, tools=TOOLS, reasoning_effort="low")
    assert bare.usage.prompt_tokens < reply.usage.prompt_tokens      # it was shown to the model


def test_a_custom_tool(client: OpenAI) -> None:
    text = 'say "it"\n\\ ☃'
    tools: Any = [{"type": "custom", "custom": {"name": "echo", "description": "Says it again."}}]
    [choice] = ask(client, call("echo", input=text), tools=tools).choices
    [made] = choice.message.tool_calls
    assert (made.type, made.custom.name, made.custom.input, choice.finish_reason) == ("custom", "echo", text, "tool_calls")
    reply = client.chat.completions.create(model=MODEL, tools=tools, messages=[
        *user(call("echo", input=text)), choice.message, {"role": "tool", "tool_call_id": made.id, "content": "said"}])
    assert reply.choices[0].message.content == "It said: said."


# -- chat: a stream --------------------------------------------------------------------------------------------


def test_streamed_words_and_usage(client: OpenAI) -> None:
    chunks = list(ask(client, say(WORDS), stream=True, stream_options={"include_usage": True}))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == WORDS
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop" and not chunks[-1].choices
    assert chunks[-1].usage == ask(client, say(WORDS)).usage and len({c.id for c in chunks}) == 1


def test_streamed_calls_by_hand(client: OpenAI) -> None:
    """As most programs do it: joined by index."""
    made: dict[int, list[str]] = {}
    finish = None
    for chunk in ask(client, TWO_CALLS, tools=TOOLS, stream=True):
        [choice] = chunk.choices
        finish = choice.finish_reason or finish
        for delta in choice.delta.tool_calls or []:
            one = made.setdefault(delta.index, ["", "", ""])
            for i, text in enumerate((delta.id, delta.function.name, delta.function.arguments)):
                one[i] += text or ""
    assert [(name, json.loads(arguments)) for _, name, arguments in made.values()] == [("get_weather", c) for c in CITIES]
    assert list(made) == [0, 1] and len({one[0] for one in made.values()}) == 2 and finish == "tool_calls"


def test_the_streaming_helper(client: OpenAI) -> None:
    tools = [pydantic_function_tool(get_weather)]
    script = lines(say("Let me look."), TWO_CALLS)
    with client.chat.completions.stream(model=MODEL, messages=user(script), tools=tools) as stream:
        events = list(stream)
        final = stream.get_final_completion()
    done = [event for event in events if event.type == "tool_calls.function.arguments.done"]
    assert [(one.index, one.parsed_arguments) for one in done] == [(i, get_weather(**c)) for i, c in enumerate(CITIES)]
    assert [event.content for event in events if event.type == "content.done"] == ["Let me look."]
    message = final.choices[0].message
    assert message.content == "Let me look." and final.choices[0].finish_reason == "tool_calls"
    assert [one.function.parsed_arguments for one in message.tool_calls] == [get_weather(**city) for city in CITIES]


def test_the_streaming_helper_with_a_shape(client: OpenAI) -> None:
    with client.chat.completions.stream(model=MODEL, messages=user("A joke, 5 stars"), response_format=Joke) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.parsed == Joke(setup="setup", punchline="punchline", stars=5)


def test_streamed_replies_side_by_side(client: OpenAI) -> None:
    made: dict[int, str] = {}
    for chunk in ask(client, say(WORDS), n=3, stream=True):
        for choice in chunk.choices:
            made[choice.index] = made.get(choice.index, "") + (choice.delta.content or "")
    assert made == dict.fromkeys(range(3), WORDS)


def test_streamed_functions_as_they_were(client: OpenAI) -> None:
    chunks = list(ask(client, call("get_weather", city=OSLO), functions=[WEATHER], stream=True))
    parts = [c.choices[0].delta.function_call for c in chunks if c.choices[0].delta.function_call]
    assert "".join(p.name or "" for p in parts) == "get_weather"
    assert json.loads("".join(p.arguments or "" for p in parts)) == {"city": OSLO}
    assert chunks[-1].choices[0].finish_reason == "function_call"


def test_streamed_reasoning(client: OpenAI) -> None:
    chunks = list(ask(client, lines(think("Easy."), say("Four.")), reasoning_effort="low", stream=True))
    deltas = [c.choices[0].delta for c in chunks]
    assert "".join(getattr(d, "reasoning_content", None) or "" for d in deltas) == "Easy."
    assert "".join(d.content or "" for d in deltas) == "Four."


def test_a_streamed_custom_tool(client: OpenAI) -> None:
    """The library has no type for it; the bytes are what other clients read."""
    tools: Any = [{"type": "custom", "custom": {"name": "echo"}}]
    made = ""
    for chunk in ask(client, call("echo", input="one\ntwo"), tools=tools, stream=True):
        for delta in chunk.choices[0].delta.tool_calls or []:
            made += delta.model_extra["custom"].get("input", "")
    assert made == "one\ntwo"


def test_many_at_once() -> None:
    async def run() -> list[str]:
        async with AsyncOpenAI(base_url=f"{SCRIPTED}/v1", api_key=KEY, max_retries=0) as client:
            async def one(n: int) -> str:
                messages = user(say(f"number {n} " * 20))
                stream = await client.chat.completions.create(model=MODEL, messages=messages, stream=True)
                return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

            return await asyncio.gather(*map(one, range(20)))

    assert asyncio.run(run()) == [f"number {n} " * 19 + f"number {n}" for n in range(20)]


def test_a_client_that_leaves_early(client: OpenAI) -> None:
    stream = ask(client, say("one two three " * 200), stream=True)
    next(iter(stream))
    stream.close()
    assert ask(client, say("Still here.")).choices[0].message.content == "Still here."


# -- chat: what a pydantic model stands for --------------------------------------------------------------------


def test_parsed_words(client: OpenAI) -> None:
    reply = client.chat.completions.parse(model=MODEL, messages=user("A joke, 4 stars"), response_format=Joke)
    assert reply.choices[0].message.parsed == Joke(setup="setup", punchline="punchline", stars=4)


def test_parsed_calls(client: OpenAI) -> None:
    tools = [pydantic_function_tool(get_weather)]
    message = client.chat.completions.parse(model=MODEL, messages=user(TWO_CALLS), tools=tools).choices[0].message
    assert [one.function.parsed_arguments for one in message.tool_calls] == [get_weather(**city) for city in CITIES]


def test_parsed_words_that_were_cut(client: OpenAI) -> None:
    with pytest.raises(openai.LengthFinishReasonError):
        client.chat.completions.parse(model=MODEL, messages=user("A joke"), response_format=Joke, max_tokens=2)


def test_json_of_any_shape(client: OpenAI) -> None:
    reply = ask(client, say('{"a": [1]}'), response_format={"type": "json_object"})
    assert json.loads(reply.choices[0].message.content) == {"a": [1]}


# -- responses -------------------------------------------------------------------------------------------------


def respond(client: OpenAI, text: Any, **more: Any) -> Any:
    return client.responses.create(model=MODEL, input=text, **more)


def test_a_response(client: OpenAI) -> None:
    reply = respond(client, say(WORDS), instructions="Be short.", metadata={"a": "b"}, temperature=0.5)
    assert (reply.output_text, reply.status, reply.error, reply.object) == (WORDS, "completed", None, "response")
    assert (reply.instructions, reply.metadata, reply.temperature) == ("Be short.", {"a": "b"}, 0.5)
    assert reply.usage.total_tokens == reply.usage.input_tokens + reply.usage.output_tokens
    assert reply.id.startswith("resp_") and reply.output[0].id.startswith("msg_")


def test_a_response_streamed(client: OpenAI) -> None:
    with client.responses.stream(model=MODEL, input=say(WORDS)) as stream:
        events = list(stream)
        final = stream.get_final_response()
    kinds = [event.type for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"] and kinds[-1] == "response.completed"
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == WORDS
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert final.output_text == WORDS and final.usage.output_tokens == -(-len(WORDS) // 4)


def test_a_response_that_calls(client: OpenAI) -> None:
    reply = respond(client, TWO_CALLS, tools=FLAT)
    assert [(one.type, one.name, json.loads(one.arguments), one.status) for one in reply.output] == [
        ("function_call", "get_weather", city, "completed") for city in CITIES]
    assert len({one.call_id for one in reply.output}) == len({one.id for one in reply.output}) == 2
    results = [{"type": "function_call_output", "call_id": one.call_id, "output": f"{n} degrees"}
               for n, one in enumerate(reply.output)]
    by_id = respond(client, results, tools=FLAT, previous_response_id=reply.id)
    by_items = respond(client, [*user(TWO_CALLS), *reply.output, *results], tools=FLAT)
    assert by_id.output_text == by_items.output_text == "It said: 0 degrees; 1 degrees."
    assert by_id.previous_response_id == reply.id and by_id.usage.input_tokens == by_items.usage.input_tokens


def test_streamed_calls_of_a_response(client: OpenAI) -> None:
    with client.responses.stream(model=MODEL, input=TWO_CALLS, tools=FLAT) as stream:
        events = list(stream)
        final = stream.get_final_response()
    done = [event for event in events if event.type == "response.function_call_arguments.done"]
    assert [json.loads(event.arguments) for event in done] == CITIES
    items = [event.item for event in events if event.type == "response.output_item.done"]
    assert [(i.call_id, i.arguments) for i in items] == [(i.call_id, i.arguments) for i in final.output]


def test_parsed_responses(client: OpenAI) -> None:
    reply = client.responses.parse(model=MODEL, input="A joke, 4 stars", text_format=Joke)
    assert reply.output_parsed == Joke(setup="setup", punchline="punchline", stars=4)
    made = client.responses.parse(model=MODEL, input=call("get_weather", city="Paris"),
                                  tools=[openai.pydantic_function_tool(get_weather)["function"] | {"type": "function"}])
    assert json.loads(made.output[0].arguments) == {"city": "Paris"}
    with client.responses.stream(model=MODEL, input="A joke, 5 stars", text_format=Joke) as stream:
        assert stream.get_final_response().output_parsed == Joke(setup="setup", punchline="punchline", stars=5)


def test_what_is_kept_of_a_response(client: OpenAI) -> None:
    reply = respond(client, say(WORDS))
    assert client.responses.retrieve(reply.id) == reply
    [item] = client.responses.input_items.list(reply.id)
    assert item.role == "user" and item.content[0].text == say(WORDS)
    with pytest.raises(openai.BadRequestError, match="stream"):
        client.responses.retrieve(reply.id, stream=True)
    client.responses.delete(reply.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(reply.id)
    forgotten = respond(client, say(WORDS), store=False)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(forgotten.id)
    with pytest.raises(openai.BadRequestError) as error:
        respond(client, "And now?", previous_response_id=forgotten.id)
    assert (error.value.param, error.value.code) == ("previous_response_id", "previous_response_not_found")


def test_input_items_in_pages(client: OpenAI) -> None:
    said = [{"role": "user", "content": f"part {n}"} for n in range(5)]
    reply = respond(client, [*said, {"role": "user", "content": say("Yes.")}])
    items = list(client.responses.input_items.list(reply.id, limit=2, order="asc"))
    assert [item.content[0].text for item in items] == [*(f"part {n}" for n in range(5)), say("Yes.")]


def test_tokens_are_counted(client: OpenAI) -> None:
    counted = client.responses.input_tokens.count(model=MODEL, input=say(WORDS), tools=FLAT)
    assert counted.input_tokens == respond(client, say(WORDS), tools=FLAT).usage.input_tokens


def test_a_custom_tool_of_a_response(client: OpenAI) -> None:
    grammar = {"type": "grammar", "syntax": "regex", "definition": "[a-z ]+"}
    tools: Any = [{"type": "custom", "name": "echo", "format": grammar}]
    reply = respond(client, call("echo", input="over and out"), tools=tools)
    [made] = reply.output
    assert (made.type, made.name, made.input) == ("custom_tool_call", "echo", "over and out")
    last = respond(client, [{"type": "custom_tool_call_output", "call_id": made.call_id, "output": "done"}], tools=tools,
                   previous_response_id=reply.id)
    assert last.output_text == "It said: done."
    with client.responses.stream(model=MODEL, input=call("echo", input="over"), tools=tools) as stream:
        done = [event.input for event in stream if event.type == "response.custom_tool_call_input.done"]
    assert done == ["over"]


def test_reasoning_of_a_response(client: OpenAI) -> None:
    script = lines(think("They want the weather."), call("get_weather", city="Paris"))
    reply = respond(client, script, tools=FLAT, reasoning={"effort": "low"}, store=False)
    thought, made = reply.output
    assert thought.type == "reasoning" and thought.content[0].text == "They want the weather."
    last = respond(client, [*user(script), thought, made, {
        "type": "function_call_output", "call_id": made.call_id, "output": "22"}], tools=FLAT, reasoning={"effort": "low"})
    assert last.output_text == "It said: 22."


def test_a_response_that_is_cut(client: OpenAI) -> None:
    reply = respond(client, say("0123456789abcdef"), max_output_tokens=2)
    assert (reply.status, reply.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert reply.output_text == "01234567"


def test_a_hosted_tool_is_passed_over(client: OpenAI) -> None:
    raw = client.responses.with_raw_response.create(model=MODEL, input=say("Yes."), tools=[{"type": "web_search"}, *FLAT])
    assert "web_search" in raw.headers["x-toolglot-warning"] and raw.parse().output_text == "Yes."


def test_a_response_whose_engine_fails(client: OpenAI) -> None:
    with pytest.raises(openai.InternalServerError):
        respond(client, "!fail")
    stream = respond(client, lines(say("one two"), "!fail"), stream=True)
    events = []
    with pytest.raises(openai.APIError):
        events += stream
    assert respond(client, say("Still here.")).output_text == "Still here."


# -- errors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("change", "kind", "param", "code"), [
    ({"model": "other"}, openai.NotFoundError, "model", "model_not_found"),
    ({"temperature": "hot"}, openai.BadRequestError, "temperature", "invalid_type"),
    ({"tool_choice": "required"}, openai.BadRequestError, "tool_choice", "invalid_value"),
    ({"messages": []}, openai.BadRequestError, "messages", "invalid_value"),
    ({"messages": [{"role": "tool", "tool_call_id": "call_1", "content": ""}]}, openai.BadRequestError, "messages[0].role",
     "invalid_value"),
    ({"tools": [{"type": "function", "function": {"name": "a", "parameters": {"type": "objekt"}}}]},
     openai.BadRequestError, "tools[0].function.parameters.type", "invalid_function_parameters"),
    ({"messages": user("word " * 9000)}, openai.BadRequestError, "messages", "context_length_exceeded"),
])
def test_what_is_wrong_is_said(client: OpenAI, change: Any, kind: type[openai.APIStatusError], param: str,
                               code: str) -> None:
    with pytest.raises(kind) as error:
        client.chat.completions.create(**{"model": MODEL, "messages": user("Hello."), **change})
    assert (error.value.param, error.value.code) == (param, code) and error.value.request_id


def test_a_wrong_key() -> None:
    with OpenAI(base_url=f"{SCRIPTED}/v1", api_key="sk-other", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError) as error:
            ask(client, "Hello.")
        assert error.value.code == "invalid_api_key"


@pytest.mark.parametrize(("status", "kind"), [(429, openai.RateLimitError), (503, openai.InternalServerError)])
def test_a_busy_engine_is_asked_again(client: OpenAI, status: int, kind: type[openai.APIError]) -> None:
    with pytest.raises(kind):
        ask(client, lines(f"!busy {status} {uuid.uuid4()}", say("Here.")))
    reply = ask(client.with_options(max_retries=2), lines(f"!busy {status} {uuid.uuid4()}", say("Here.")))
    assert reply.choices[0].message.content == "Here."


def test_an_engine_that_fails_in_mid_stream(client: OpenAI) -> None:
    with pytest.raises(openai.APIError, match="the engine is gone"):
        list(ask(client, lines(say("one two"), "!fail"), stream=True))


# -- models ----------------------------------------------------------------------------------------------------


def test_the_models(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [MODEL, "scripted-too"]
    assert client.models.retrieve(MODEL).id == MODEL
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("other")


# -- the embedded model ----------------------------------------------------------------------------------------


def test_the_small_model_calls_what_it_must(small: OpenAI) -> None:
    model = next(iter(small.models.list()))
    assert model.id == SMALL
    asked: Any = {"model": model.id, "messages": user("What is the weather in Paris?"), "tools": TOOLS[:1],
                  "tool_choice": "required", "temperature": 0, "max_tokens": 60}
    [choice] = small.chat.completions.create(**asked).choices
    [made] = choice.message.tool_calls
    assert choice.finish_reason == "tool_calls" and made.function.name == "get_weather"
    assert isinstance(json.loads(made.function.arguments)["city"], str)
    with small.chat.completions.stream(**asked) as stream:
        again = stream.get_final_completion().choices[0].message.tool_calls[0]
    assert again.function.arguments == made.function.arguments


def test_the_small_model_writes_what_is_parsed(small: OpenAI) -> None:
    class Answer(BaseModel):
        sunny: bool

    reply = small.chat.completions.parse(model=SMALL, messages=user("Is it sunny?"), response_format=Answer, max_tokens=40)
    assert isinstance(reply.choices[0].message.parsed, Answer)


def test_the_small_model_responds(small: OpenAI) -> None:
    first = small.responses.create(model=SMALL, input="What is the weather in Paris?", tools=FLAT[:1],
                                   tool_choice="required", max_output_tokens=60, temperature=0)
    [made] = first.output
    *_, last = small.responses.create(
        model=SMALL, previous_response_id=first.id, tools=FLAT[:1], tool_choice="none", max_output_tokens=30, stream=True,
        input=[{"type": "function_call_output", "call_id": made.call_id, "output": "22 degrees"}])
    assert last.type in ("response.completed", "response.incomplete")
    assert last.response.output_text.strip() and last.response.usage.output_tokens <= 30


def test_what_the_page_shows(capsys: pytest.CaptureFixture[str]) -> None:
    exec(code_on_the_page("openai"), {})
    assert "get_weather" in capsys.readouterr().out
