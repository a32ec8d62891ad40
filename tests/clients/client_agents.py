"""OpenAI's agents library: its loop over tools, on both of OpenAI's surfaces, streamed and not."""

import asyncio
import json
from typing import Any

import pytest
from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    SQLiteSession,
    function_tool,
    set_tracing_disabled,
)
from agents.items import ReasoningItem, ToolCallItem
from agents.tool import CustomTool
from asked import EMBEDDED, KEY, OSLO, SCRIPTED, SMALL, TWO_CALLS, call, code_on_the_page, lines, say, think
from openai import AsyncOpenAI
from openai.types.shared import Reasoning
from pydantic import BaseModel

set_tracing_disabled(True)
SURFACES = {"chat": OpenAIChatCompletionsModel, "responses": OpenAIResponsesModel}
TWO_STEPS = lines(TWO_CALLS, "!then", say("One more."), call("get_time"))


class Forecast(BaseModel):
    city: str
    degrees: int


@pytest.fixture(params=SURFACES)
def surface(request: pytest.FixtureRequest) -> Any:
    return SURFACES[request.param]


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def stream(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def agent(surface: Any, name: str = "A", address: str = SCRIPTED, model: str = "scripted", **more: Any) -> Agent:
    client = AsyncOpenAI(base_url=f"{address}/v1", api_key=KEY, max_retries=0, timeout=300)
    return Agent(name=name, model=surface(model=model, openai_client=client), **more)


def run(*given: Any, **more: Any) -> Any:
    return asyncio.run(running(*given, **more))


async def running(agent: Agent, asked: Any, stream: bool = False, **more: Any) -> Any:
    if not stream:
        return await Runner.run(agent, asked, **more)
    result = Runner.run_streamed(agent, asked, **more)
    result.seen = [event async for event in result.stream_events()]
    return result


def tools(seen: list[Any]) -> list[Any]:
    @function_tool
    def get_weather(city: str) -> str:
        """The weather in a city."""
        seen.append(city)
        return f"{len(seen)} degrees"

    @function_tool
    def get_time() -> str:
        """What time it is."""
        seen.append(None)
        return "noon"

    return [get_weather, get_time]


def test_two_steps(surface: Any, stream: bool) -> None:
    seen: list[Any] = []
    settings = ModelSettings(include_usage=True)         # of a stream it asks for the usage of OpenAI's own server alone
    result = run(agent(surface, tools=tools(seen), instructions="Be short.", model_settings=settings), TWO_STEPS, stream)
    # both tools of the first step run at a time
    assert sorted(seen[:2]) == sorted(["Paris", OSLO]) and seen[2:] == [None]
    assert result.final_output.startswith("It said: ") and result.final_output.endswith("; noon.")
    made = [item.raw_item for item in result.new_items if isinstance(item, ToolCallItem)]
    assert [(one.name, json.loads(one.arguments)) for one in made] == [
        ("get_weather", {"city": "Paris"}), ("get_weather", {"city": OSLO}), ("get_time", {})]
    assert len({one.call_id for one in made}) == 3
    usage = result.context_wrapper.usage
    assert usage.requests == 3 and usage.output_tokens > 0
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens


def test_what_is_streamed_is_what_came_of_it(surface: Any) -> None:
    result = run(agent(surface, tools=tools([])), lines(say("Let me look."), call("get_weather", city="Paris")), True)
    deltas = [event.data.delta for event in result.seen
              if event.type == "raw_response_event" and event.data.type == "response.output_text.delta"]
    assert "".join(deltas) == "Let me look." + result.final_output == "Let me look.It said: 1 degrees."


def test_an_output_of_a_type(surface: Any, stream: bool) -> None:
    script = lines(call("get_weather", city="Paris"), "!then", say('{"city": "Paris", "degrees": 22}'))
    result = run(agent(surface, tools=tools([]), output_type=Forecast), script, stream)
    assert result.final_output == Forecast(city="Paris", degrees=22)


def test_a_handoff(surface: Any, stream: bool) -> None:
    other = agent(surface, "Weather", tools=tools([]))
    script = lines(call("transfer_to_weather"), "!then", call("get_weather", city="Paris"), "!then", say("Sunny."))
    result = run(agent(surface, handoffs=[other]), script, stream)
    assert result.last_agent.name == "Weather" and result.final_output == "Sunny."


def test_a_tool_that_must_be_called(surface: Any, stream: bool) -> None:
    seen: list[Any] = []
    result = run(agent(surface, tools=tools(seen), model_settings=ModelSettings(tool_choice="get_time")), "Hello.", stream)
    assert seen == [None] and result.final_output == "It said: noon."


def test_reasoning_goes_there_and_back(surface: Any, stream: bool) -> None:
    settings = ModelSettings(reasoning=Reasoning(effort="low"))
    script = lines(think("They want the weather."), call("get_weather", city="Paris"))
    result = run(agent(surface, tools=tools([]), model_settings=settings), script, stream)
    assert isinstance(result.new_items[0], ReasoningItem) and result.final_output == "It said: 1 degrees."


def test_a_session(surface: Any) -> None:
    async def go() -> Any:
        session, one = SQLiteSession("a"), agent(surface, tools=tools([]))
        first = await Runner.run(one, call("get_weather", city="Paris"), session=session)
        second = await Runner.run(one, say("Yes."), session=session)
        return first, second

    first, second = asyncio.run(go())
    assert second.final_output == "Yes."
    assert second.context_wrapper.usage.input_tokens > first.raw_responses[0].usage.input_tokens + 10


def test_the_server_keeps_the_conversation(stream: bool) -> None:
    async def go() -> Any:
        one = agent(OpenAIResponsesModel, tools=tools([]))
        first = await running(one, call("get_weather", city="Paris"), stream, auto_previous_response_id=True)
        return first, await running(one, say("Yes."), stream, previous_response_id=first.last_response_id)

    first, second = asyncio.run(go())
    assert first.final_output == "It said: 1 degrees." and second.final_output == "Yes."
    assert second.context_wrapper.usage.input_tokens > first.raw_responses[-1].usage.input_tokens


def test_a_custom_tool(stream: bool) -> None:
    seen: list[str] = []

    async def echo(context: Any, text: str) -> str:
        seen.append(text)
        return "done"

    tool = CustomTool(name="echo", description="Says it again.", on_invoke_tool=echo, format={"type": "text"})
    result = run(agent(OpenAIResponsesModel, tools=[tool]), call("echo", input='say "it"\n\\ ☃'), stream)
    assert seen == ['say "it"\n\\ ☃'] and result.final_output == "It said: done."


def test_the_small_model(surface: Any, stream: bool) -> None:
    """What it says is its own; that a tool ran on what it wrote is ours."""
    seen: list[Any] = []
    settings = ModelSettings(tool_choice="required", max_tokens=200, temperature=0.0)
    one = agent(surface, address=EMBEDDED, model=SMALL, tools=tools(seen)[:1], model_settings=settings)
    result = run(one, "What is the weather in Paris?", stream, max_turns=3)
    assert len(seen) == 1 and isinstance(seen[0], str) and result.final_output.strip()


def test_what_the_page_shows(capsys: pytest.CaptureFixture[str]) -> None:
    exec(code_on_the_page("openai-agents"), {})
    assert capsys.readouterr().out.strip()
