"""Law 6: prompts are byte-equal to the published chat templates, over generated conversations.

Each row says which template, and what of a conversation it cannot be asked: where a template drops, refuses or bends
something, the dialect's docstring says so and a test below shows it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from published import api_shape, conversations, published
from toolglot.model import Model, model

EXAMPLES = int(os.environ.get("TOOLGLOT_EXAMPLES", "60"))
examples = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
DATE = "2024-07-26"


class Row(NamedTuple):
    dialect: str
    template: str
    talk: Mapping[str, Any]                 # what the conversations hold
    given: Mapping[str, Any] = {}           # what the template is given besides
    flatten: bool = False
    once: bool = False                      # no question is asked twice


LLAMA = {"bos_token": "<|begin_of_text|>"}
MISTRAL = {"bos_token": "<s>", "eos_token": "</s>"}
# vLLM's template writes strings among the arguments of past calls without quotes: see below
NO_STRINGS = st.dictionaries(st.sampled_from(["days", "exact"]), st.integers() | st.booleans() | st.none()
                             | st.lists(st.integers() | st.text(max_size=5), max_size=2), max_size=2)
ROWS = [
    Row("hermes", "llamacpp__NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use", {"min_tools": 1}, LLAMA),
    Row("qwen2.5", "hfjs__Qwen--Qwen2.5-7B-Instruct", {"no_content": ("",)}),
    Row("qwen3", "hfjs__Qwen--Qwen3-0.6B", {"no_content": ("",), "reasoning": True, "trimmed": True,
                                            "avoid": ("</think>", "<tool_response>")}),
    Row("llama3.1", "hfjs__meta-llama--Llama-3.1-8B-Instruct", {"parallel": False}, LLAMA),
    Row("llama-pythonic", "vllm-0.33.0__tool_chat_template_llama3.2_pythonic", {"args": NO_STRINGS},
        {**LLAMA, "date_string": "26 Jul 2024"}),
    Row("mistral-v3", "xinference__mistral-instruct-v0.3", {}, once=True),
    Row("mistral-nemo", "hfjs__mistralai--Mistral-Nemo-Instruct-2407", {}, MISTRAL, once=True),
    Row("mistral-v11", "llamacpp__Mistral-Small-3.2-24B-Instruct-2506", {}, MISTRAL, once=True),
    Row("qwen3-coder", "minja__Qwen-Qwen3-Coder-30B-A3B-Instruct", {}),
    Row("glm-4.5", "llamacpp__GLM-4.6", {"reasoning": True, "no_content": ("",), "avoid": ("</think>",)}),
    Row("deepseek-v3.1", "vllm-0.33.0__tool_chat_template_deepseekv31", {"avoid": ("</think>",), "no_content": ("",)},
        {"bos_token": "<｜begin▁of▁sentence｜>"}, True),
    Row("harmony", "llamacpp__openai-gpt-oss-120b", {"parallel": False, "reasoning": "thinking",
                                                    "content_with_calls": False, "no_content": ("",)}),
]
every_row = pytest.mark.parametrize("row", ROWS, ids=lambda r: r.dialect)


def ours(m: Model, messages: Any, tools: Any, **more: Any) -> str:
    return str(m.prompt(messages, tools or (), today=DATE, **more))


@every_row
@examples
@given(data=st.data())
def test_law_6_prompts_are_the_published_template_s(row: Row, data: Any) -> None:
    messages, tools = data.draw(conversations(**row.talk))
    questions = [m["content"] for m in messages if m["role"] == "user"]
    assume(not row.once or len(set(questions)) == len(questions))
    assume(all(m.get("thinking") != "" for m in messages))       # gpt-oss prints a block for thinking of nothing
    starts = data.draw(st.booleans())
    theirs = published(row.template, messages, tools, add_generation_prompt=starts, flatten=row.flatten, **row.given)
    m = model(row.dialect)
    assert ours(m, messages, tools, reply_starts=starts) == theirs
    assert ours(m, api_shape(messages), tools, reply_starts=starts) == theirs


WEATHER = {"type": "function", "function": {"name": "get_weather", "description": "The weather.", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}


def called(*cities: str, content: str = "") -> list[dict[str, Any]]:
    """A conversation that asks for the weather in each city, all in one turn."""
    calls = [{"id": f"abcdefgh{i}", "type": "function", "function": {"name": "get_weather", "arguments": {"city": c}}}
             for i, c in enumerate(cities)]
    return [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": content, "tool_calls": calls},
            *({"role": "tool", "tool_call_id": c["id"], "name": "get_weather", "content": f"{i} C"}
              for i, c in enumerate(calls))]


def test_vllm_s_pythonic_template_writes_past_strings_without_quotes_and_we_do_not() -> None:
    theirs = published("vllm-0.33.0__tool_chat_template_llama3.2_pythonic", called("Paris"), [WEATHER], **LLAMA)
    assert "[get_weather(city=Paris)]" in theirs
    assert ours(model("llama-pythonic"), called("Paris"), [WEATHER], reply_starts=False) == theirs.replace(
        "city=Paris", "city='Paris'")


def test_llama_3_1_refuses_two_calls_a_turn_and_we_tell_them_one_by_one() -> None:
    with pytest.raises(Exception, match="single tool-calls"):
        published("hfjs__meta-llama--Llama-3.1-8B-Instruct", called("Paris", "Rome"), [WEATHER], **LLAMA)
    one, two = called("Paris", "Rome")[1]["tool_calls"]
    question, _, first, second = called("Paris", "Rome")
    apart = [question, {"role": "assistant", "content": "", "tool_calls": [one]}, first,
             {"role": "assistant", "content": "", "tool_calls": [two]}, second]
    theirs = published("hfjs__meta-llama--Llama-3.1-8B-Instruct", apart, [WEATHER], **LLAMA)
    assert ours(model("llama3.1"), called("Paris", "Rome"), [WEATHER], reply_starts=False) == theirs


def test_gpt_oss_s_template_drops_all_calls_but_the_first_and_we_tell_them_one_by_one() -> None:
    theirs = published("llamacpp__openai-gpt-oss-120b", called("Paris", "Rome"), [WEATHER])
    assert "Rome" not in theirs
    mine = ours(model("harmony"), called("Paris", "Rome"), [WEATHER], reply_starts=False)
    assert mine.index("Paris") < mine.index('"0 C"') < mine.index("Rome") < mine.index('"1 C"')


def test_mistral_s_templates_repeat_the_tools_at_a_repeated_question_and_we_do_not() -> None:
    talk = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}, {"role": "user", "content": "Hi"}]
    theirs = published("xinference__mistral-instruct-v0.3", talk, [WEATHER])
    mine = ours(model("mistral-v3"), talk, [WEATHER])
    assert theirs.count("[AVAILABLE_TOOLS]") == 2 and mine.count("[AVAILABLE_TOOLS]") == 1


def test_hermes_without_tools_is_plain_chatml_where_its_tool_template_lists_none() -> None:
    talk = [{"role": "user", "content": "Hi"}]
    assert "<tools>  </tools>" in published("llamacpp__NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use", talk, [], **LLAMA)
    assert ours(model("hermes"), talk, None) == (
        "<|begin_of_text|><|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")


def test_deepseek_s_two_copies_agree_with_us_once_their_own_white_space_is_out() -> None:
    given = {"bos_token": "<｜begin▁of▁sentence｜>", "add_generation_prompt": True}
    for copy in ("vllm-0.33.0__tool_chat_template_deepseekv31", "xinference__Deepseek-V3.1"):
        talk = called("Paris", "Rome", content="Let me see.")
        assert published(copy, talk, [WEATHER], flatten=True, **given) == ours(model("deepseek-v3.1"), talk, [WEATHER])


@pytest.mark.parametrize(("dialect", "template", "thinking", "switch", "given"), [
    ("qwen3", "hfjs__Qwen--Qwen3-0.6B", False, {"enable_thinking": False}, {}),
    ("glm-4.5", "llamacpp__GLM-4.6", False, {"enable_thinking": False}, {}),
    ("deepseek-v3.1", "vllm-0.33.0__tool_chat_template_deepseekv31", True, {"thinking": True},
     {"bos_token": "<｜begin▁of▁sentence｜>"}),
])
def test_the_switch_for_thinking_is_the_template_s(dialect: str, template: str, thinking: bool, switch: dict[str, Any],
                                                   given: dict[str, Any]) -> None:
    talk = [{"role": "user", "content": "Hi"}]
    theirs = published(template, talk, [WEATHER], add_generation_prompt=True, flatten=True, **switch, **given)
    if dialect != "deepseek-v3.1":
        theirs = published(template, talk, [WEATHER], add_generation_prompt=True, **switch, **given)
    assert ours(model(dialect), talk, [WEATHER], thinking=thinking) == theirs
