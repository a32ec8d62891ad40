"""The prompt side, learned from a chat template alone: templates of many styles, written here, and the published ones.

The law: what is learned prints, of every conversation within the limits that it names, what the template prints; the
conversations are those of law 6 (`published.conversations`), not the ones that it was learned from.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from published import conversations, shared_or_skip
from toolglot.learn.limits import limited, sentences
from toolglot.learn.probe import LearnError, Probe
from toolglot.learn.reply import learn_reply
from toolglot.learn.switches import Case, Trial, case
from toolglot.learn.talks import ANY, Limits, Talk, as_api, fits, talk, talks
from toolglot.learn.turns import Facts, learn_turns
from toolglot.message import ToolglotError
from toolglot.spec import CONTENT, ID, INDEX, NAME, QUOTED, SYSTEM, TODAY, TOOLS, Dialect, Turns, When

EXAMPLES = int(os.environ.get("TOOLGLOT_EXAMPLES", "60"))
CALL = '{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}'
CALLS = "{% for c in m.tool_calls or [] %}<call>" + CALL + "</call>{% endfor %}"
START = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"

CHATML = """{% if tools %}<|im_start|>system
{% if messages[0].role == 'system' %}{{ messages[0].content }}

{% else %}You help.{% endif %}
Tools:
{% for t in tools %}{{ t | tojson }}
{% endfor %}Call them.<|im_end|>
{% elif messages[0].role == 'system' %}<|im_start|>system
{{ messages[0].content }}<|im_end|>
{% endif %}{% for m in messages %}{% if m.role == 'user' %}<|im_start|>user
{{ m.content }}<|im_end|>
{% elif m.role == 'assistant' %}<|im_start|>assistant
{{ m.content }}""" + CALLS + """<|im_end|>
{% elif m.role == 'tool' %}{% if not loop.previtem or loop.previtem.role != 'tool' %}<|im_start|>user
{% endif %}<result>{{ m.content }}</result>
{% if loop.last or loop.nextitem.role != 'tool' %}<|im_end|>
{% endif %}{% endif %}{% endfor %}""" + START

# a date, trimmed words, results as JSON strings told by the function's name, tools in the first question
HEADERS = """{{ bos_token }}<|h|>system<|/h|>
Today: {{ strftime_now("%d %B %Y") }}
{% if messages[0].role == 'system' %}{{ messages[0].content | trim }}{% set messages = messages[1:] %}{% endif %}<|eot|>
{%- for m in messages %}{% if m.role == 'user' %}<|h|>user<|/h|>

{% if tools and loop.first %}Functions:
{% for t in tools %}{{ t.function | tojson(indent=4) }}

{% endfor %}{% endif %}{{ m.content | trim }}<|eot|>
{%- elif m.role == 'assistant' %}<|h|>assistant<|/h|>

{% if m.tool_calls %}{% for c in m.tool_calls %}<call>""" + CALL + """</call>{% endfor %}<|eom|>
{%- else %}{{ m.content | trim }}<|eot|>
{%- endif %}{% else %}<|h|>tool {{ m.name }}<|/h|>

{{ m.content | tojson }}<|eot|>
{%- endif %}{% endfor %}{% if add_generation_prompt %}<|h|>assistant<|/h|>

{% endif %}"""

# tools before the last question, the system message inside of it, results by id
INST = """{{ bos_token }}{% if messages[0].role == 'system' %}{% set s = messages[0].content %}
{%- set messages = messages[1:] %}{% endif %}{% set u = messages | selectattr('role', 'equalto', 'user') | list %}
{%- for m in messages %}{% if m.role == 'user' %}{% if tools and m == u[-1] %}[AVAILABLE_TOOLS]{{ tools | tojson }}
{{- '[/AVAILABLE_TOOLS]' }}{% endif %}[INST]
{%- if s is defined and loop.last %}{{ s }}

{% endif %}{{ m.content }}[/INST]{% elif m.role == 'assistant' %}{% if m.tool_calls %}{% for c in m.tool_calls %}[CALL]
{{- '{"id": "' + c.id + '", "name": "' + c.function.name + '", "arguments": ' + c.function.arguments | tojson }}}[/CALL]
{%- endfor %}{% else %}{{ m.content }}{% endif %}</s>{% else %}[RESULT]{{ m.content }}[ID]{{ m.tool_call_id }}[/RESULT]
{%- endif %}{% endfor %}"""

# reasoning behind the last question alone, an empty block before it; tools in a turn of their own
THINKING = """{% if tools %}<|tools|>{% for t in tools %}{{ t | tojson }}{% if not loop.last %},{% endif %}{% endfor %}
{{- '<|/tools|>' }}{% endif %}{% set ns = namespace(last=-1) %}
{%- for m in messages %}{% if m.role == 'user' %}{% set ns.last = loop.index0 %}
{%- endif %}{% endfor %}{% for m in messages %}{% if m.role == 'system' %}<|sys|>{{ m.content }}<|end|>
{%- elif m.role == 'user' %}<|user|>{{ m.content }}<|end|>{% elif m.role == 'assistant' %}<|bot|>
{%- if loop.index0 > ns.last and m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% else %}<think></think>
{%- endif %}{{ m.content }}""" + CALLS + """<|end|>{% else %}<|obs|>{{ m.content }}<|end|>{% endif %}{% endfor %}
{%- if add_generation_prompt %}<|bot|><think>{% endif %}"""

# after results the reply goes on without a header; results by their number; one call a turn
ONCE = """{% for m in messages %}{% if m.role == 'system' %}<|s|>{{ m.content }}
{%- if tools %}

Functions: {{ tools | map(attribute='function') | list | tojson }}{% endif %}<|e|>
{%- elif m.role == 'user' %}{% if loop.first and tools %}<|s|>Functions:
{{- ' ' }}{{ tools | map(attribute='function') | list | tojson }}<|e|>{% endif %}<|u|>{{ m.content }}<|e|>
{%- elif m.role == 'assistant' %}{% if loop.previtem.role != 'tool' %}<|a|>{% endif %}
{%- if m.tool_calls %}{% if m.tool_calls | length > 1 %}{{ raise_exception('one call a turn') }}{% endif %}""" + CALLS + """
{%- else %}{{ m.content }}<|e|>{% endif %}{% else %}<|r|>{{ m.content }}<|/r|>{% endif %}{% endfor %}
{%- if add_generation_prompt and messages[-1].role != 'tool' %}<|a|>{% endif %}"""

TEMPLATES = {"chatml": CHATML, "headers": HEADERS, "inst": INST, "thinking": THINKING, "once": ONCE}


def learned(source: str, **tokens: str) -> tuple[Probe, Dialect, Turns, Facts]:
    probe = Probe(source, **{"bos": "<s>", "eos": "</s>", **tokens})
    side = learn_reply(probe)
    return probe, side.dialect, *learn_turns(probe, side.dialect, side.header, side.closer)


@pytest.fixture(scope="module", params=TEMPLATES)
def style(request: Any) -> Iterator[tuple[str, Probe, Dialect, Turns, Facts]]:
    found = learned(TEMPLATES[request.param])
    yield request.param, *found
    found[0].close()


def options(limits: Limits) -> dict[str, Any]:
    """What of the limits the generator of law 6 can keep to; the rest is passed over."""
    return {"system": {"some": True, "none": False, "always": "always"}[limits.system], "parallel": limits.parallel,
            "content_with_calls": limits.beside, "reasoning": limits.reasoning, "trimmed": limits.trimmed,
            "nonempty": limits.nonempty, "avoid": limits.avoid, "ends": limits.ends, "min_tools": limits.min_tools,
            "markup": True, **({"steps": 1} if limits.steps == 1 else {})}


def hold(probe: Probe, dialect: Dialect, turns: Turns, facts: Facts, examples: int) -> int:
    """Compares generated conversations within the limits; how many there were."""
    compared = 0

    @settings(max_examples=examples, deadline=None, database=None, derandomize=True,
              suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def compare(data: Any) -> None:
        nonlocal compared
        messages, tools = data.draw(conversations(**options(facts.limits)))
        one = Talk(tuple(messages), tuple(tools or ()), data.draw(st.booleans()))
        text = probe.attempt(messages, tools, reply_starts=one.starts)
        if fits(one, facts.limits) and text is not None:
            compared += 1
            assert Trial(dialect, [], probe.today).ours(turns, case(one, text)) == text

    compare()
    return compared


def test_what_is_learned_prints_what_the_template_prints(style: Any) -> None:
    name, probe, dialect, turns, facts = style
    assert hold(probe, dialect, turns, facts, EXAMPLES) > EXAMPLES // (4 if name == "once" else 2)


def test_it_reads_each_style_as_a_person_would(style: Any) -> None:
    name, _, _, t, facts = style
    if name == "chatml":
        assert t.user == ("<|im_start|>user\n", CONTENT, "<|im_end|>\n")
        assert t.reply_starts == ("<|im_start|>assistant\n",)
        assert t.default_system == ("You help.",) and t.default_with_tools
        assert t.result == ("<result>", CONTENT, "</result>") and t.result_between == "\n"
        assert facts.limits == ANY
    elif name == "headers":
        assert TODAY in (*t.start, *t.system) and t.date is not None
        assert t.user == ("<|h|>user<|/h|>\n\n", TOOLS, CONTENT, "<|eot|>") and t.tools_at == "first-user"
        assert t.result == ("<|h|>tool ", NAME, "<|/h|>\n\n", QUOTED, "<|eot|>")
        assert t.tool_indent == 4 and t.content_with_calls == "dropped" and {"user", "system"} <= t.trim
        assert t.assistant[-1] == When("called", "<|eom|>", "<|eot|>")
        assert facts.limits == ANY
    elif name == "inst":
        assert TOOLS in t.user and SYSTEM in t.user and t.tools_at == "last-user" and t.system_in == "last-turn"
        assert ID in t.result and facts.limits == Limits(once=True)
    elif name == "thinking":
        assert t.reasoning == "after-user" and t.no_reasoning == ("<think></think>",)
        assert t.tools_at == "own" and t.reply_starts == ("<|bot|><think>",)
        assert facts.limits.reasoning
    else:
        assert t.header_once and facts.refused and facts.refusals == ("chat template: one call a turn",)
        assert INDEX not in t.result


def test_limits_are_said(style: Any) -> None:
    facts = style[-1]
    assert len(facts.guessed) == len(sentences(facts.limits))


REFUSED = {
    "tools told in no known way": ("{{ t | tojson }}", "{{ t.function.name | upper | reverse }}: {{ t.function | length }}",
                                   "tools"),
    "words that are counted": ("<|im_start|>user\n", "<|im_start|>user {{ m.content | length }}\n", ""),
    "words cut short": ("{{ m.content }}<|im_end|>\n{% elif", "{{ m.content[:9] }}<|im_end|>\n{% elif", ""),
    "results without their words": ("<result>{{ m.content }}</result>", "<result></result>", "result"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_no_turns_can_say_is_refused(why: str) -> None:
    before, after, said = REFUSED[why]
    assert before in CHATML
    with pytest.raises(LearnError) as error:
        learned(CHATML.replace(before, after))[0].close()
    assert said in str(error.value)


def test_an_empty_template_is_refused() -> None:
    with pytest.raises(ToolglotError):
        learned("")


# -- conversations and limits -------------------------------------------------------------------------------------

LIMITS = [ANY, Limits(system="none"), Limits(system="always", nonempty=True), Limits(trimmed=True, parallel=False),
          Limits(beside=False, reasoning=False), Limits(args="scalars"), Limits(args="plain strings"), Limits(args="none"),
          Limits(avoid=("<think>", "</think>")), Limits(ends=("user", "tool"), starts=True), Limits(steps=1, min_tools=1),
          Limits(plain_tools=True), Limits(once=True)]


@pytest.mark.parametrize("limits", LIMITS, ids=lambda x: ",".join(sentences(x)) or "any")
def test_a_generated_conversation_is_within_its_limits(limits: Limits) -> None:
    made = talks(40, 3, limits)
    assert made == talks(40, 3, limits)
    assert all(fits(t, limits) for t in made)
    assert any(m["role"] == "tool" for t in made for m in t.messages)
    if limits != ANY:
        assert not all(fits(t, limits) for t in talks(200, 3))


def test_conversations_hold_all_kinds() -> None:
    made = talks(300)
    said = [m for t in made for m in t.messages]
    assert {m["role"] for m in said} == {"system", "user", "assistant", "tool"}
    assert any(len(m.get("tool_calls", ())) > 1 for m in said)
    assert any(m.get("tool_calls") and m["content"] for m in said)
    assert any(m["content"] == "" for m in said) and any("reasoning_content" in m for m in said)
    assert {t.starts for t in made} == {True, False}


def test_arguments_as_text_are_the_same_arguments() -> None:
    import json

    one = next(t for t in talks(50) if any("tool_calls" in m for m in t.messages))
    for before, after in zip(one.messages, as_api(one.messages), strict=True):
        for a, b in zip(before.get("tool_calls", ()), after.get("tool_calls", ()), strict=True):
            assert json.loads(b["function"]["arguments"]) == a["function"]["arguments"]


def test_limits_are_the_mildest_that_leave_out_what_is_wrong() -> None:
    cases = [case(talk(Random(f"limits{n}")), "") for n in range(150)]

    def found(test: Any) -> Limits | None:
        fit = limited(cases, [c for c in cases if test(c)])
        return fit and fit.limits

    def words(c: Case) -> list[str]:
        return [m[k] for m in c.talk.messages for k in ("content", "reasoning_content") if m.get(k)]

    assert found(lambda c: False) == ANY
    assert found(lambda c: any(w != w.strip() for w in words(c))) == Limits(trimmed=True)
    assert found(lambda c: any(len(m.get("tool_calls", ())) > 1 for m in c.talk.messages)) == Limits(parallel=False)
    assert found(lambda c: any("reasoning_content" in m for m in c.talk.messages)) == Limits(reasoning=False)
    assert found(lambda c: True) is None


# -- the published templates ----------------------------------------------------------------------------------------

SAMPLE = ("hfjs__Qwen--Qwen2.5-7B-Instruct.jinja", "hfjs__meta-llama--Llama-3.1-8B-Instruct.jinja",
          "hfjs__ai21labs--AI21-Jamba-Large-1.6.jinja")


@pytest.mark.parametrize("name", SAMPLE)
def test_published_templates_are_learned_without_limits(name: str) -> None:
    source = (shared_or_skip() / "templates" / name).read_text(encoding="utf-8")
    probe, *found = learned(source)
    with probe:
        assert found[2].limits == ANY
        assert hold(probe, *found, examples=min(EXAMPLES, 30)) >= 5


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("TOOLGLOT_SLOW"), reason="takes minutes; run with TOOLGLOT_SLOW=1")
def test_three_quarters_of_the_published_templates_that_render_calls_are_learned_and_none_wrongly() -> None:
    able, right = 0, []
    for path in sorted((shared_or_skip() / "templates").glob("*.jinja*")):
        source = path.read_text(encoding="utf-8")
        with Probe(source, bos="<s>", eos="</s>") as probe:
            able += probe.manner.calls
        try:
            probe, *found = learned(source)
        except ToolglotError:
            continue
        with probe:
            hold(probe, *found, examples=200)
        right.append(path.name)
    assert len(right) >= 0.75 * able, f"{len(right)} of {able}"
