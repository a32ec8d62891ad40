"""Anthropic's own library: Messages, streamed and not, its helpers, its tool runner, and its errors."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic, beta_tool
from asked import EMBEDDED, KEY, OSLO, SCRIPTED, SMALL, TWO_CALLS, WEATHER, WORDS, call, code_on_the_page, lines, say, think
from pydantic import BaseModel

MODEL = "scripted"
TOOLS: Any = [{"name": "get_weather", "description": WEATHER["description"], "input_schema": WEATHER["parameters"]},
              {"name": "get_time", "input_schema": {"type": "object", "properties": {}}}]
CITIES = [{"city": "Paris"}, {"city": OSLO}]
THINKING: Any = {"type": "enabled", "budget_tokens": 1024}


class Joke(BaseModel):
    setup: str
    punchline: str
    stars: int


@pytest.fixture
def client() -> Iterator[Anthropic]:
    with Anthropic(base_url=SCRIPTED, api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
def small() -> Iterator[Anthropic]:
    with Anthropic(base_url=EMBEDDED, api_key=KEY, timeout=300) as client:
        yield client


def user(text: str) -> Any:
    return [{"role": "user", "content": text}]


def asked(text: str, **more: Any) -> Any:
    return {"model": MODEL, "max_tokens": 2000, "messages": user(text), **more}


# -- a reply ---------------------------------------------------------------------------------------------------


def test_words(client: Anthropic) -> None:
    reply = client.messages.create(**asked(say(WORDS), system="Be short."))
    assert [block.model_dump(exclude_none=True) for block in reply.content] == [{"type": "text", "text": WORDS}]
    assert (reply.role, reply.type, reply.model, reply.stop_reason, reply.stop_sequence) == (
        "assistant", "message", MODEL, "end_turn", None)
    assert reply.usage.output_tokens == -(-len(WORDS) // 4) and reply.id.startswith("msg_")


def test_the_loop(client: Anthropic) -> None:
    messages = user(lines(say("Let me look."), TWO_CALLS))
    reply = client.messages.create(model=MODEL, max_tokens=2000, messages=messages, tools=TOOLS)
    words, *calls = reply.content
    assert words.text == "Let me look." and reply.stop_reason == "tool_use"
    assert [(one.type, one.name, one.input) for one in calls] == [("tool_use", "get_weather", city) for city in CITIES]
    assert len({one.id for one in calls}) == 2 and all(one.id.startswith("toolu_") for one in calls)
    messages += [{"role": "assistant", "content": reply.content}, {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": calls[0].id, "content": "0 degrees"},
        {"type": "tool_result", "tool_use_id": calls[1].id, "is_error": True,
         "content": [{"type": "text", "text": "no"}]}]}]
    last = client.messages.create(model=MODEL, max_tokens=2000, messages=messages, tools=TOOLS)
    assert (last.content[0].text, last.stop_reason) == ("It said: 0 degrees; Error: no.", "end_turn")


@pytest.mark.parametrize(("choice", "names"), [
    ({"type": "none"}, []), ({"type": "auto"}, []), ({"type": "any"}, ["get_weather"]),
    ({"type": "tool", "name": "get_time"}, ["get_time"]),
    ({"type": "any", "disable_parallel_tool_use": True}, ["get_weather"])])
def test_a_choice(client: Anthropic, choice: Any, names: list[str]) -> None:
    reply = client.messages.create(**asked("Hello!", tools=TOOLS, tool_choice=choice))
    assert [block.name for block in reply.content if block.type == "tool_use"] == names
    assert reply.stop_reason == ("tool_use" if names else "end_turn")


def test_thoughts_go_there_and_back(client: Anthropic) -> None:
    script = lines(think("They want the weather."), call("get_weather", city="Paris"))
    reply = client.messages.create(**asked(script, tools=TOOLS, thinking=THINKING))
    thought, made = reply.content
    assert (thought.type, thought.thinking) == ("thinking", "They want the weather.") and thought.signature
    messages = [*user(script), {"role": "assistant", "content": reply.content}, {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": made.id, "content": "22"}]}]
    more = {"model": MODEL, "tools": TOOLS, "thinking": THINKING}
    last = client.messages.create(max_tokens=2000, messages=messages, **more)
    assert last.content[0].text == "It said: 22."
    messages[1] = {"role": "assistant", "content": [made]}
    counted = client.messages.count_tokens(messages=messages, **more)
    assert counted.input_tokens < last.usage.input_tokens            # it was shown to the model


def test_a_stop_sequence(client: Anthropic) -> None:
    reply = client.messages.create(**asked(say("one two STOP three"), stop_sequences=["nothing", "STOP"]))
    assert (reply.content[0].text, reply.stop_reason, reply.stop_sequence) == ("one two ", "stop_sequence", "STOP")


def test_a_limit(client: Anthropic) -> None:
    reply = client.messages.create(**asked(say("0123456789abcdef"), max_tokens=2))
    assert (reply.content[0].text, reply.stop_reason, reply.usage.output_tokens) == ("01234567", "max_tokens", 2)


def test_a_shape(client: Anthropic) -> None:
    reply = client.messages.parse(**asked("A joke, 5 stars"), output_format=Joke)
    assert reply.parsed_output == Joke(setup="setup", punchline="punchline", stars=5)


@pytest.mark.parametrize("more", [{}, {"tools": TOOLS}, {"tools": TOOLS, "thinking": THINKING}, {"system": "Be short."}])
def test_tokens_are_counted(client: Anthropic, more: Any) -> None:
    counted = client.messages.count_tokens(model=MODEL, messages=user(say(WORDS)), **more)
    assert counted.input_tokens == client.messages.create(**asked(say(WORDS), **more)).usage.input_tokens


def test_what_caches_is_passed_over(client: Anthropic) -> None:
    mark: Any = {"type": "ephemeral"}
    reply = client.messages.create(
        model=MODEL, max_tokens=100, tools=[{**TOOLS[0], "cache_control": mark}], metadata={"user_id": "1"},
        system=[{"type": "text", "text": "Be short.", "cache_control": mark}],
        messages=[{"role": "user", "content": [{"type": "text", "text": say("Yes."), "cache_control": mark}]}])
    assert reply.content[0].text == "Yes."


# -- a stream --------------------------------------------------------------------------------------------------


def test_the_streaming_helper(client: Anthropic) -> None:
    with client.messages.stream(**asked(lines(say(WORDS), TWO_CALLS), tools=TOOLS)) as stream:
        events = list(stream)
        final = stream.get_final_message()
    assert "".join(event.text for event in events if event.type == "text") == WORDS
    assert "".join(event.partial_json for event in events if event.type == "input_json").count("city") == 2
    stopped = [event.content_block for event in events if event.type == "content_block_stop"]
    assert [block.type for block in stopped] == ["text", "tool_use", "tool_use"]
    assert [block.input for block in final.content[1:]] == [block.input for block in stopped[1:]] == CITIES
    assert final.stop_reason == "tool_use"
    whole = client.messages.create(**asked(lines(say(WORDS), TWO_CALLS), tools=TOOLS))
    assert (final.usage.input_tokens, final.usage.output_tokens) == (whole.usage.input_tokens, whole.usage.output_tokens)


def test_streamed_words_and_thoughts(client: Anthropic) -> None:
    with client.messages.stream(**asked(lines(think("Easy."), say("Four.")), thinking=THINKING)) as stream:
        events = list(stream)
        final = stream.get_final_message()
    assert "".join(event.thinking for event in events if event.type == "thinking") == "Easy."
    assert [event.signature for event in events if event.type == "signature"] == [final.content[0].signature]
    assert final.content[0].thinking == "Easy." and final.content[1].text == "Four."


def test_streamed_events_as_they_are(client: Anthropic) -> None:
    """Without the helper, as gateways and editors read them."""
    kinds, text = [], ""
    for event in client.messages.create(**asked(call("get_time"), tools=TOOLS, stream=True)):
        kinds.append(event.type)
        text += event.delta.partial_json if event.type == "content_block_delta" else ""
    assert kinds[0] == "message_start" and kinds[-2:] == ["message_delta", "message_stop"]
    assert json.loads(text or "{}") == {}


def test_a_streamed_shape(client: Anthropic) -> None:
    with client.messages.stream(**asked("A joke, 5 stars"), output_format=Joke) as stream:
        assert stream.get_final_message().parsed_output == Joke(setup="setup", punchline="punchline", stars=5)


# -- the beta half ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
def test_the_tool_runner(client: Anthropic, stream: bool) -> None:
    seen = []

    @beta_tool
    def get_weather(city: str) -> str:
        """The weather in a city.

        Args:
            city: which
        """
        seen.append(city)
        return f"{len(seen)} degrees"

    runner = client.beta.messages.tool_runner(**asked(TWO_CALLS), tools=[get_weather], stream=stream)
    last = runner.until_done()
    assert seen == ["Paris", OSLO] and last.content[0].text == "It said: 1 degrees; 2 degrees."


def test_beta_features_are_passed_over(client: Anthropic) -> None:
    reply = client.beta.messages.create(**asked(say("Yes.")), betas=["context-management-2025-06-27"],
                                        context_management={"edits": [{"type": "clear_tool_uses_20250919"}]})
    assert reply.content[0].text == "Yes."


def test_a_tool_of_anthropics_own_is_passed_over(client: Anthropic) -> None:
    raw = client.messages.with_raw_response.create(
        **asked(say("Yes."), tools=[{"type": "bash_20250124", "name": "bash"}, *TOOLS]))
    assert "bash" in raw.headers["x-toolglot-warning"] and raw.parse().content[0].text == "Yes."


# -- errors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("change", "kind", "words"), [
    ({"model": "other"}, anthropic.NotFoundError, "other"),
    ({"max_tokens": 0}, anthropic.BadRequestError, "max_tokens"),
    ({"messages": []}, anthropic.BadRequestError, "messages"),
    ({"tool_choice": {"type": "any"}}, anthropic.BadRequestError, "tool_choice"),
    ({"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": ""}]}]},
     anthropic.BadRequestError, "toolu_1"),
    ({"messages": user("word " * 9000)}, anthropic.BadRequestError, "9,0"),
])
def test_what_is_wrong_is_said(client: Anthropic, change: Any, kind: type[anthropic.APIStatusError], words: str) -> None:
    with pytest.raises(kind) as error:
        client.messages.create(**{**asked("Hello."), **change})
    body: Any = error.value.body
    assert body["type"] == "error" and words in body["error"]["message"]
    assert body["request_id"] == error.value.request_id == error.value.response.headers["request-id"]


def test_a_wrong_key() -> None:
    with Anthropic(base_url=SCRIPTED, api_key="sk-other", max_retries=0) as client, pytest.raises(
            anthropic.AuthenticationError) as error:
        client.messages.create(**asked("Hello."))
    assert error.value.body["error"]["type"] == "authentication_error"


def test_a_bearer_token() -> None:
    with Anthropic(base_url=SCRIPTED, auth_token=KEY, api_key=None, max_retries=0) as client:
        assert client.messages.create(**asked(say("Yes."))).content[0].text == "Yes."


@pytest.mark.parametrize(("status", "kind"), [(429, anthropic.RateLimitError), (503, anthropic.InternalServerError)])
def test_a_busy_engine_is_asked_again(client: Anthropic, status: int, kind: type[anthropic.APIError]) -> None:
    with pytest.raises(kind):
        client.messages.create(**asked(lines(f"!busy {status} {uuid.uuid4()}", say("Here."))))
    again = client.with_options(max_retries=2)
    reply = again.messages.create(**asked(lines(f"!busy {status} {uuid.uuid4()}", say("Here."))))
    assert reply.content[0].text == "Here."


def test_an_engine_that_fails_in_mid_stream(client: Anthropic) -> None:
    with pytest.raises(anthropic.APIStatusError, match="the engine is gone"), client.messages.stream(
            **asked(lines(say("one two"), "!fail"))) as stream:
        stream.get_final_message()


# -- models ----------------------------------------------------------------------------------------------------


def test_the_models(client: Anthropic) -> None:
    assert [model.id for model in client.models.list()] == [MODEL, "scripted-too"]
    assert client.models.retrieve(MODEL).display_name
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("other")


# -- the embedded model ----------------------------------------------------------------------------------------


def test_the_small_model_calls_what_it_must(small: Anthropic) -> None:
    question: Any = {"model": SMALL, "max_tokens": 60, "tools": TOOLS[:1],
                     "extra_body": {"temperature": 0}, "tool_choice": {"type": "any"},
                     "messages": user("What is the weather in Paris?")}
    reply = small.messages.create(**question)
    [made] = reply.content
    assert reply.stop_reason == "tool_use" and made.name == "get_weather" and isinstance(made.input["city"], str)
    with small.messages.stream(**question) as stream:
        assert stream.get_final_message().content[0].input == made.input
    question["messages"] += [{"role": "assistant", "content": reply.content}, {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": made.id, "content": "22 degrees"}]}]
    last = small.messages.create(**{**question, "tool_choice": {"type": "none"}, "max_tokens": 30})
    assert last.content[0].type == "text" and last.usage.output_tokens <= 30


def test_what_the_page_shows(capsys: pytest.CaptureFixture[str]) -> None:
    exec(code_on_the_page("anthropic"), {})
    assert "get_weather" in capsys.readouterr().out
