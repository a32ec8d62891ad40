"""LangChain's standard tests of a chat model, over ChatOpenAI on both of OpenAI's surfaces, and ChatAnthropic.

The standard unit tests are left out: they ask no server. Images, audio and PDF are declared missing, as they are here.
"""

from typing import Any, Literal

import pytest
from asked import EMBEDDED, KEY, SCRIPTED, SMALL, TWO_CALLS, call, code_on_the_page, lines, say, think
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessageChunk, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests

MODEL, OTHER = "scripted", "scripted-too"
OPENAI: Any = {"base_url": f"{SCRIPTED}/v1", "api_key": KEY, "max_retries": 0, "model": MODEL}
ANTHROPIC: Any = {"base_url": SCRIPTED, "api_key": KEY, "max_retries": 0, "model": MODEL, "max_tokens": 2000}
Counted = Literal["audio_input", "audio_output", "reasoning_output", "cache_read_input", "cache_creation_input"]


class Standard(ChatModelIntegrationTests):
    """What is true of all three."""

    thinking: dict[str, Any] = {}

    @property
    def has_tool_choice(self) -> bool:
        return True

    @property
    def supports_json_mode(self) -> bool:
        return self.chat_model_class is ChatOpenAI       # ChatAnthropic has no such method

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True

    @property
    def supports_image_inputs(self) -> bool:
        return False

    @property
    def supports_model_override(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str:
        return OTHER

    @property
    def supported_usage_metadata_details(self) -> dict[Literal["invoke", "stream"], list[Counted]]:
        return {"invoke": ["reasoning_output", "cache_read_input"], "stream": ["reasoning_output", "cache_read_input"]}

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        model = self.chat_model_class(**{**self.chat_model_params, **self.thinking})
        return joined(model, lines(think("They count the reasoning. " * 4), say("Yes.")), stream)

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        return joined(self.chat_model_class(**self.chat_model_params), say("Yes."), stream)


def joined(model: BaseChatModel, text: str, stream: bool) -> Any:
    if not stream:
        return model.invoke(text)
    whole: BaseMessageChunk | None = None
    for chunk in model.stream(text):
        whole = chunk if whole is None else whole + chunk
    return whole


class TestChatOpenAI(Standard):
    thinking = {"reasoning_effort": "low"}

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {**OPENAI, "use_responses_api": False, "stream_usage": True}


class TestChatOpenAIResponses(Standard):
    thinking = {"reasoning": {"effort": "low"}}

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {**OPENAI, "use_responses_api": True}


class TestChatAnthropic(Standard):
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 1024}}

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatAnthropic

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return ANTHROPIC


MODELS = {"chat": lambda **more: ChatOpenAI(**OPENAI, use_responses_api=False, **more),
          "responses": lambda **more: ChatOpenAI(**OPENAI, use_responses_api=True, **more),
          "anthropic": lambda **more: ChatAnthropic(**ANTHROPIC, **more)}


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"22 degrees in {city}"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_exact_calls_and_what_comes_of_them(name: str, stream: bool) -> None:
    model = MODELS[name]().bind_tools([get_weather])
    script = lines(say("Let me look."), TWO_CALLS)
    message = joined(model, script, stream)
    assert message.text == "Let me look."
    assert [made["args"] for made in message.tool_calls] == [{"city": "Paris"}, {"city": 'Os"lo\n☃'}]
    assert not message.invalid_tool_calls and len({made["id"] for made in message.tool_calls}) == 2
    results = [get_weather.invoke(made) for made in message.tool_calls]
    assert all(isinstance(result, ToolMessage) for result in results)
    last = model.invoke([HumanMessage(script), message, *results])
    assert last.text == 'It said: 22 degrees in Paris; 22 degrees in Os"lo\n☃.'


def test_parallel_calls_can_be_forbidden() -> None:
    for make in MODELS.values():
        message = make().bind_tools([get_weather], parallel_tool_calls=False).invoke(call("get_weather", city="Paris"))
        assert [made["args"] for made in message.tool_calls] == [{"city": "Paris"}]


def test_a_shape_by_way_of_a_function() -> None:
    schema = {"title": "Joke", "type": "object", "description": "A joke.", "required": ["setup"],
              "properties": {"setup": {"type": "string"}, "stars": {"type": "integer"}}}
    for make in MODELS.values():
        made = make().with_structured_output(schema, method="function_calling").invoke("A joke, 5 stars")
        assert made == {"setup": "setup", "stars": 5}


def test_the_small_model_calls_what_it_must() -> None:
    for model in (ChatOpenAI(**{**OPENAI, "base_url": f"{EMBEDDED}/v1", "model": SMALL}, use_responses_api=True),
                  ChatAnthropic(**{**ANTHROPIC, "base_url": EMBEDDED, "model": SMALL, "max_tokens": 60})):
        message = model.bind_tools([get_weather], tool_choice="any").invoke("What is the weather in Paris?")
        assert [made["name"] for made in message.tool_calls] == ["get_weather"]


def test_what_the_page_shows(capsys: pytest.CaptureFixture[str]) -> None:
    exec(code_on_the_page("LangChain"), {})
    assert capsys.readouterr().out.count("get_weather") == 3
