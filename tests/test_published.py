"""Law 6: prompts are byte-equal to the published chat templates, over generated conversations.

Each row says which template, and what of a conversation it cannot be asked: where a template drops, refuses or bends
something, the dialect's docstring says so and a test below shows it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import jinja2
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import vectors
from published import api_shape, conversations, published
from toolglot.model import Model, model
from toolglot.registry import cards

EXAMPLES = int(os.environ.get("TOOLGLOT_EXAMPLES", "60"))
examples = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
DATE = "2024-07-26"


class Row(NamedTuple):
    """One published template that a dialect's prompts are equal to: a line of tests/vectors/<dialect>/published.json."""

    dialect: str
    template: str
    talk: Mapping[str, Any] = {}            # what the conversations hold: see `conversations`
    given: Mapping[str, Any] = {}           # what the template is given besides
    flatten: bool = False
    once: bool = False                      # no question is asked twice
    thinking: bool | None = None            # what our prompt is asked for
    prompts: str = "faithful"
    refuses: bool = False                   # conversations that the template breaks on are passed over
    starts: bool | None = None              # whether prompts end where a reply begins; None: some do
    functions: str = ""                     # the template's variable for the function objects, as indented JSON
    n: int = 0

    def __str__(self) -> str:
        return f"{self.dialect}-{self.n}" if self.n else self.dialect


# what a template cannot write among the arguments of past calls; the dialect says why
ARGUMENTS = {
    "no strings": st.dictionaries(st.sampled_from(["days", "exact"]), st.integers() | st.booleans() | st.none()
                                  | st.lists(st.integers() | st.text(max_size=5), max_size=2), max_size=2),
    "strings": st.dictionaries(st.sampled_from(["city", "unit"]), st.sampled_from(["Paris", "a b", "x\ny", "9"]),
                               max_size=2),
    "plain strings": st.dictionaries(st.sampled_from(["city", "unit"]), st.sampled_from(["Paris", "a b", "9"]), max_size=2),
    "none": st.just({}),
    "one": st.dictionaries(st.sampled_from(["city", "days"]), st.text(max_size=5) | st.integers() | st.booleans(),
                           max_size=1),
    "scalars": st.dictionaries(st.sampled_from(["city", "days", "exact"]), st.sampled_from(["Paris", "a b", "9"])
                               | st.integers(-9, 9) | st.booleans(), max_size=3),
}


def rows() -> list[Row]:
    return [Row(name, **{**row, "talk": _talk(row.get("talk", {})), "n": n})
            for name in vectors.folders() for n, row in enumerate(vectors.read(name, "published"))]


def _talk(data: Mapping[str, Any]) -> dict[str, Any]:
    """Options of `conversations`, of their form in a file."""
    talk = dict(data)
    if "args" in talk:
        talk["args"] = ARGUMENTS[talk["args"]]
    if isinstance(form := talk.get("ids"), str):
        talk["ids"] = lambda n, name: form.format(n=n, name=name)
    if isinstance(words := talk.get("descriptions"), list):
        talk["descriptions"] = st.sampled_from(words)
    return talk


ROWS = rows()
LLAMA = {"bos_token": "<|begin_of_text|>"}
every_row = pytest.mark.parametrize("row", ROWS, ids=str)


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
    starts = data.draw(st.booleans()) if row.starts is None else row.starts
    given = dict(row.given)
    if row.functions:
        given[row.functions] = json.dumps([t["function"] for t in tools], indent=4, ensure_ascii=False)
    try:
        theirs = published(row.template, messages, tools, add_generation_prompt=starts, flatten=row.flatten, **given)
    except jinja2.UndefinedError:
        assume(not row.refuses)
        raise
    m = model(row.dialect, prompts=row.prompts)
    assert ours(m, messages, tools, reply_starts=starts, thinking=row.thinking) == theirs
    assert ours(m, api_shape(messages), tools, reply_starts=starts, thinking=row.thinking) == theirs


WEATHER = {"type": "function", "function": {"name": "get_weather", "description": "The weather.", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}


def test_hermes_without_tools_is_plain_chatml_where_its_tool_template_lists_none() -> None:
    talk = [{"role": "user", "content": "Hi"}]
    assert "<tools>  </tools>" in published("llamacpp__NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use", talk, [], **LLAMA)
    assert ours(model("hermes"), talk, None) == (
        "<|begin_of_text|><|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")


def test_the_switch_for_thinking_is_the_template_s() -> None:
    talk = [{"role": "user", "content": "Hi"}]
    theirs = published("hfjs__Qwen--Qwen3-0.6B", talk, [WEATHER], add_generation_prompt=True, enable_thinking=False)
    assert ours(model("qwen3"), talk, [WEATHER], thinking=False) == theirs


# -- differences that are meant: tests/vectors/<dialect>/differences.json

DIFFERENCES = [pytest.param(name, d, id=f"{name}-{n}") for name in vectors.folders()
               for n, d in enumerate(vectors.read(name, "differences"))]


@pytest.mark.parametrize(("name", "d"), DIFFERENCES)
def test_each_difference_is_as_the_dialect_says(name: str, d: dict[str, Any]) -> None:
    """What a template makes of a conversation holds `theirs`, ours holds `ours`, the repaired prompt `repaired`; a
    string that begins with "not: " must be absent. `raises`: what the template says where it refuses."""
    assert d["say"] in cards()[name].differs
    known = vectors.tools()
    tools = [known[t].raw for t in d.get("tools", ["get_weather"])]
    more = {"add_generation_prompt": d.get("starts", False), "flatten": d.get("flatten", False), **d.get("given", {})}
    _holds(ours(model(name), d["messages"], tools, reply_starts=d.get("starts", False), thinking=d.get("thinking")),
           d.get("ours", []))
    if "repaired" in d:
        _holds(ours(model(name, prompts="repaired"), d["messages"], tools, reply_starts=d.get("starts", False)),
               d["repaired"])
    if "template" not in d:
        return
    if "raises" in d:
        with pytest.raises(Exception, match=d["raises"]):
            published(d["template"], d["messages"], tools, **more)
    else:
        _holds(published(d["template"], d["messages"], tools, **more), d["theirs"])


def _holds(text: str, wanted: list[str]) -> None:
    for one in wanted:
        assert (one[5:] not in text) if one.startswith("not: ") else (one in text), (one, text)


@pytest.mark.parametrize("name", sorted(cards()))
def test_each_difference_that_a_card_names_is_shown(name: str) -> None:
    shown = {d["say"] for d in vectors.read(name, "differences")}
    assert shown == set(cards()[name].differs)
