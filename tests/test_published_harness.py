"""The judge is judged: `published` does what transformers does, and `conversations` makes what it promises."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from typing import Any

import jinja2
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from jinja2.exceptions import SecurityError

from published import (
    ABSENT,
    Conversation,
    api_shape,
    compiled,
    conversations,
    flattened,
    published,
    render,
    shared_or_skip,
    strings,
)

USER = [{"role": "user", "content": "Hi"}]


def shown(source: str, messages: Any = USER, tools: Any = None, **kwargs: Any) -> str:
    return render(compiled(source), messages, tools, **kwargs)


# -- the environment --------------------------------------------------------------------------------------


def test_tojson_is_json_dumps() -> None:
    value = {"b": "<é'&>", "a": [1, None]}
    assert shown("{{ v | tojson }}", v=value) == '{"b": "<é\'&>", "a": [1, null]}'
    assert shown("{{ v | tojson(indent=1) }}", v=value) == json.dumps(value, indent=1, ensure_ascii=False)
    assert shown("{{ v | tojson(separators=(',', ':'), sort_keys=true) }}", v=value) == '{"a":[1,null],"b":"<é\'&>"}'


def test_absent_variables_are_none_or_undefined_as_in_transformers() -> None:
    assert shown("{{ tools }} {{ documents }} {{ add_generation_prompt }}") == "None None False"
    assert shown("[{{ bos_token }}]{{ bos_token is defined }}") == "[]False"
    assert shown("[{{ bos_token }}]", bos_token="<s>") == "[<s>]"


def test_blocks_are_trimmed_and_loops_can_break() -> None:
    assert shown("a\n  {% if true %}\n  b\n  {% endif %}\nc\n") == "a\n  b\nc"
    assert shown("{% for i in range(9) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}") == "01"


def test_the_date_is_fixed() -> None:
    assert shown("{{ strftime_now('%d %b %Y') }}") == "26 Jul 2024"
    assert shown("{{ strftime_now('%Y') }}", date=datetime(2031, 1, 1)) == "2031"


def test_generation_blocks_print_what_is_inside() -> None:
    source = "{% for m in messages %}{% generation %}\n{{ m.content }}{% endgeneration %}\n!{% endfor %}"
    assert shown(source) == "Hi!"


def test_a_template_can_refuse_and_cannot_change_what_it_is_given() -> None:
    with pytest.raises(jinja2.TemplateError, match="no tools"):
        shown("{{ raise_exception('no tools') }}")
    with pytest.raises(SecurityError):
        shown("{{ messages.append(1) }}")


def test_flattened_keeps_what_is_printed() -> None:
    source = "{% if true %}\n  {{ 'a  b' }}\n  {% endif %} c {{ 'd' }}\n"
    assert shown(flattened(source)) == "a  b c d"


# -- the two copies of DeepSeek-V3.1 ----------------------------------------------------------------------

VLLM, XINFERENCE = "vllm-0.33.0__tool_chat_template_deepseekv31", "xinference__Deepseek-V3.1"
BOS = "<｜begin▁of▁sentence｜>"


def test_both_deepseek_copies_leak_their_indentation() -> None:
    assert published(VLLM, USER, bos_token=BOS).startswith("\n")
    assert published(XINFERENCE, USER, bos_token=BOS).startswith("  ")
    assert published(VLLM, USER, bos_token=BOS, flatten=True).startswith(BOS)


@given(conversations(markup=True, any_of=True), st.booleans(), st.booleans())
@settings(deadline=None)
def test_both_deepseek_copies_agree_once_flattened(made: Conversation, generate: bool, thinking: bool) -> None:
    shared_or_skip()
    messages, tools = made
    vllm, xinference = (
        published(name, messages, tools, add_generation_prompt=generate, bos_token=BOS, thinking=thinking, flatten=True)
        for name in (VLLM, XINFERENCE)
    )
    assert vllm == xinference
    assert vllm.startswith(BOS)


# -- conversations ----------------------------------------------------------------------------------------


def check_shape(messages: list[dict[str, Any]], tools: list[dict[str, Any]] | None) -> None:
    """Roles follow one another as the API wants; every call has its result, in order, and names a tool."""
    names = {tool["function"]["name"] for tool in tools or ()}
    assert tools is None or len(names) == len(tools) > 0
    before = "system"
    open_calls: list[dict[str, Any]] = []
    for message in messages[messages[0]["role"] == "system" :]:
        role = message["role"]
        assert (before, role) in FOLLOW
        if role == "tool":
            call = open_calls.pop(0)
            assert (message["tool_call_id"], message["name"]) == (call["id"], call["function"]["name"])
        else:
            assert not open_calls
        open_calls = list(message.get("tool_calls", open_calls))
        assert {call["function"]["name"] for call in open_calls} <= names
        before = "assistant with calls" if "tool_calls" in message else role
    ids = [call["id"] for message in messages for call in message.get("tool_calls", ())]
    assert len(set(ids)) == len(ids) and all(len(i) == 9 and i.isalnum() for i in ids)


FOLLOW = {
    ("system", "user"),
    ("user", "assistant"),
    ("tool", "assistant"),
    ("assistant", "user"),
    ("assistant with calls", "tool"),
    ("tool", "tool"),
}


@given(conversations(any_of=True, markup=True, reasoning=True))
def test_conversations_are_well_formed(made: Conversation) -> None:
    messages, tools = made
    check_shape(messages, tools)
    assert messages[-1]["role"] in ("user", "assistant", "tool")


@given(conversations(any_of=True))
def test_arguments_keep_their_schema(made: Conversation) -> None:
    messages, tools = made
    parameters = {tool["function"]["name"]: tool["function"]["parameters"] for tool in tools or ()}
    for message in messages:
        for call in message.get("tool_calls", ()):
            schema, arguments = parameters[call["function"]["name"]], call["function"]["arguments"]
            assert set(schema.get("required", ())) <= set(arguments) <= set(schema["properties"])


@given(
    st.sampled_from(["user", "assistant", "tool", "calls"]).flatmap(lambda e: conversations(ends=e).map((e,).__add__))
)
def test_conversations_end_where_they_are_told(made: tuple[Any, ...]) -> None:
    end, messages, _ = made
    last = messages[-1]
    assert last["role"] == ("assistant" if end == "calls" else end)
    assert ("tool_calls" in last) == (end == "calls")


@given(conversations(system=False, parallel=False, content_with_calls=False, no_content=[None, ABSENT]))
def test_what_is_ruled_out_stays_out(made: Conversation) -> None:
    messages, _ = made
    assert messages[0]["role"] == "user"
    for message in messages:
        assert len(message.get("tool_calls", "1")) == 1
        if "tool_calls" in message:
            assert message.get("content") is None


@given(
    conversations(trimmed=True, nonempty=True, markup=True, avoid=["</think>", '"', "<x>"], any_of=True, max_tools=2)
)
@settings(suppress_health_check=[HealthCheck.filter_too_much])
def test_strings_keep_to_their_limits(made: Conversation) -> None:
    messages, tools = made
    for message in messages:
        if message.get("content") or "tool_calls" not in message:
            assert message["content"] == message["content"].strip() != ""
    for text in texts([messages, tools]):
        assert "</think>" not in text and '"' not in text and "<x>" not in text


def texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.items() for text in texts(list(item))]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return [value] if isinstance(value, str) else []


@given(conversations(reasoning="thinking"))
def test_api_shape_changes_arguments_alone(made: Conversation) -> None:
    messages, _ = made
    before = json.dumps(messages)
    api = api_shape(messages)
    for message in api:
        for call in message.get("tool_calls", ()):
            assert isinstance(call["function"]["arguments"], str)
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    assert api == messages and json.dumps(messages) == before


@given(conversations(ends="tool", arguments_strings=True, args=st.just({"n": 1})))
def test_arguments_can_be_given_and_be_text(made: Conversation) -> None:
    messages, _ = made
    calls = [call for message in messages for call in message.get("tool_calls", ())]
    assert calls and all(call["function"]["arguments"] == '{"n": 1}' for call in calls)


CASES: dict[str, Callable[[Any, Any], bool]] = {
    "system": lambda m, t: m[0]["role"] == "system",
    "no tools": lambda m, t: t is None,
    "three tools": lambda m, t: t is not None and len(t) == 3,
    "parallel": lambda m, t: any(len(x.get("tool_calls", ())) > 1 for x in m),
    "words beside calls": lambda m, t: any(x.get("content") and "tool_calls" in x for x in m),
    "None beside calls": lambda m, t: any(x["content"] is None for x in m),
    "calls twice in a round": lambda m, t: any(a["role"] == "tool" and "tool_calls" in b for a, b in pairwise(m)),
    "three rounds": lambda m, t: sum(x["role"] == "user" for x in m) == 3,
    "empty": lambda m, t: any(x["content"] == "" for x in m),
    "empty result": lambda m, t: any(x["role"] == "tool" and not x["content"] for x in m),
    "nested": lambda m, t: '"items": {"type": "object"' in json.dumps(t),
    "unicode": lambda m, t: any(not (x["content"] or "").isascii() for x in m),
    "reasoning": lambda m, t: any(x.get("reasoning_content") for x in m),
}


@pytest.mark.parametrize("case", CASES)
def test_conversations_reach(case: str) -> None:
    wanted = CASES[case]
    # no shrinking: it takes longer than the search
    quick = settings(max_examples=5000, database=None, phases=[Phase.generate])
    assert find(conversations(reasoning=True), lambda made: wanted(*made), settings=quick)


def test_conversations_shrink() -> None:
    messages, _ = find(conversations(), lambda made: made[0][-1]["role"] == "tool", settings=settings(database=None))
    assert [message["role"] for message in messages] == ["user", "assistant", "tool"]


@given(strings(trimmed=True))
def test_trimmed_strings_have_no_white_space_around(text: str) -> None:
    assert text == text.strip()
