"""What an audit finds: each rule alone, the note's ratings, and each finding where one thing of a template is changed."""

from __future__ import annotations

import time

import pytest

from audit_templates import (
    BARE,
    FAULTS,
    FIRST,
    HAS_SYSTEM,
    LAST,
    LIST,
    NOTED,
    PIECES,
    SYSTEM,
    TYPESCRIPT,
    Here,
    arguments,
    each,
    properties,
    questions,
    refuse,
    template,
    turn,
    when,
)
from published import SHARED, shared_or_skip
from toolglot import audit
from toolglot.audit import voice
from toolglot.audit.rubric import LEAST, RULES, STARS


@pytest.fixture
def here(monkeypatch):
    monkeypatch.setattr(voice, "Apart", Here)


def names(card):
    return {one.name for one in card.deductions}


# -- the rating -----------------------------------------------------------------------------------------------------

def test_the_template_without_a_fault_has_five_stars_and_nothing_against_it(here):
    card = audit(template())
    assert (card.stars, card.deductions, card.faults, card.losses, card.error) == (5, (), (), (), "")
    assert card.found.listing.lost == () and card.found.refusals == ()


@pytest.mark.parametrize("name", FAULTS)
def test_each_rule_is_broken_alone_by_a_template_that_differs_in_that(name, here):
    card = audit(FAULTS[name])
    assert names(card) == {name}, card.facts
    (one,) = card.deductions
    assert one.evidence and one.why
    assert card.stars == max(LEAST, STARS - one.points)


def test_every_rule_is_tried():
    assert {rule.name for rule in RULES} == set(FAULTS)
    assert len({rule.name for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("name", NOTED)
def test_the_note_s_ratings_on_templates_that_do_what_the_note_says(name, here):
    source, stars, reasons = NOTED[name]
    card = audit(source)
    assert (card.stars, names(card)) == (stars, reasons)


@pytest.mark.parametrize(("dialect", "stars"), [
    ("llama3.1", 2), ("hermes", 3), ("llama4", 3), ("qwen3", 5), ("gemma-3", 1), ("grok-2", 1)])
def test_the_note_s_ratings_on_the_dialects_prompts(dialect, stars):
    assert audit(dialect).stars == stars


# The note's DeepSeek-V3.1 and Hermes-3-405B are not there: a copy of V3.1's that ignores tools as its makers' does, and the
# template that Hermes 2 Pro and Hermes 3 8B share. Grok 2 has no template: its row is the dialect's, above.
@pytest.mark.parametrize(("file", "stars", "like"), [
    ("hfjs__meta-llama--Llama-3.1-8B-Instruct", 2, "llama3.1"), ("official__meta-llama-Llama-4", 3, "llama4"),
    ("llamacpp__NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use", 3, "hermes-3"), ("hfjs__Qwen--Qwen3-0.6B", 5, "qwen3"),
    ("hfjs__deepseek-ai--DeepSeek-R1", 2, "deepseek-r1"), ("llamacpp__deepseek-ai-DeepSeek-V3.1", 2, ""),
    ("trl__gemma3", 1, "gemma-3")])
def test_the_note_s_ratings_on_published_templates(file, stars, like):
    card = audit(shared_or_skip() / "templates" / f"{file}.jinja")
    assert card.stars == stars
    assert not like or names(card) == NOTED[like][2]


def test_a_whole_audit_takes_about_a_second():
    audit(template())                            # what is imported once is not counted
    began = time.monotonic()
    assert audit(template()).found.probes > 60
    assert time.monotonic() - began < 5          # a second on a machine that does nothing else


# -- where the tools are told ---------------------------------------------------------------------------------------

SECTION = PIECES["section"].replace("TOOL", PIECES["tool"])
ALONE = f"{HAS_SYSTEM}<|im_start|>system\n{{{{ messages[0].content }}}}<|im_end|>\n{{% endif %}}"


def own(role):
    return when("tools", f"<|im_start|>{role}{SECTION}<|im_end|>\n")


def question(before="", after=""):
    return turn("user", f"<|im_start|>user\n{before}{{{{ m.content }}}}{after}<|im_end|>\n")


@pytest.mark.parametrize(("place", "pieces"), [
    ("own turn", {"system": own("tools") + ALONE}), ("own turn", {"system": ALONE + own("tools")}),
    ("developer turn", {"system": ALONE + own("developer")}),
    ("start of system", {"system": f"<|im_start|>system{SECTION}\n\n{SYSTEM}<|im_end|>\n"}), ("end of system", {}),
    ("first user turn", {"system": ALONE, "user": question(FIRST)}),
    ("first user turn", {"system": ALONE, "user": question(after=FIRST)}),
    ("last user turn", {"system": ALONE, "user": question(LAST)}),
    ("before the last user turn", {"system": ALONE, "before": when("m.role == 'user'", LAST.replace(
        LIST, f"<tools>{LIST}</tools>"))}),
    ("nowhere", {"section": ""})])
def test_the_place_of_the_tools(place, pieces, here):
    assert audit(template(**pieces)).found.place == place


# -- how they are told ----------------------------------------------------------------------------------------------

NAME = "{{ t.function.name }}"


@pytest.mark.parametrize(("notation", "tool"), [
    ("JSON Schema", PIECES["tool"]), ("JSON Schema", "{{ t.function | tojson(indent=2) }}"),
    ("JSON Schema", f"## {NAME}\n{{{{ t.function.description }}}}\n{{{{ t.function.parameters | tojson }}}}"),
    ("other JSON", "{\"tool\": {{ t.function.name | tojson }}, \"args\": {{ t.function.parameters.properties | tojson }}}"),
    ("broken JSON", f"{{\"name\": \"{NAME}\", \"args\": {{{{ t.function.parameters }}}}}}"),
    ("TypeScript", TYPESCRIPT), ("Python literals", "{{ t }}"),
    ("Python signatures", f"def {NAME}({{{{ t.function.parameters.properties | join(', ') }}}}): ..."),
    ("Python signatures", f"{NAME}({properties('{{ k }}: {{ v.type }}')})"),
    ("XML", f"<function><name>{NAME}</name><args>{{{{ t.function.parameters | string | e }}}}</args></function>"),
    ("a notation of its own", f"declaration:{NAME}"), ("none", "")])
def test_the_notation_of_the_tools(notation, tool, here):
    assert audit(template(tool=tool)).found.listing.notation == notation


def test_what_is_lost_of_a_schema_is_what_the_prompt_is_the_same_without(here):
    types = properties("{{ k }}: {{ v.type }}{{ '?' if k not in t.function.parameters.required }} {{ v.description }}, ")
    lost = audit(template(tool="{{ t.function.name }} {{ t.function.description }} " + types)).found.listing.lost
    assert "types" not in lost and "which arguments are required" not in lost
    assert {"enums", "what lists hold", "members of objects", "defaults"} <= set(lost)


def test_a_description_with_a_quote_breaks_json_that_is_pasted_together(here):
    described = "\"{{ (t.function.parameters.properties.values() | first).description }}\""
    card = audit(template(tool="{\"name\": {{ t.function.name | tojson }}, \"key\": " + described + "}"))
    assert "broken tools" in names(card)


# -- calls ----------------------------------------------------------------------------------------------------------

QUOTED = "{{ c.function.name | tojson }}"
SPELLED = "{{ c.function.name }}"


@pytest.mark.parametrize(("style", "members", "call"), [
    ("one JSON object", ("name", "arguments"), PIECES["call"]), ("one JSON object", ("name", "parameters"), BARE),
    ("one JSON object", ("arguments", "name"), "<call>{\"arguments\": ARGUMENTS, \"name\": " + QUOTED + "}</call>"),
    ("a JSON list", ("name", "arguments"), "<call>[{\"name\": " + QUOTED + ", \"arguments\": ARGUMENTS}]</call>"),
    ("the name, then JSON", (), f"<call>{SPELLED}\nARGUMENTS</call>"),
    ("Python", (), f"<call>{SPELLED}({arguments('{{ k }}={{ v | tojson }}')})</call>"),
    ("tags", (), f"<call>{SPELLED}" + arguments(
        "<arg name=\"{{ k }}\">{{ v if v is string else v | tojson }}</arg>", "") + "</call>")])
def test_the_style_of_calls(style, members, call, here):
    found = audit(template(call=call)).found.calling
    assert (found.style, found.members) == (style, members)


@pytest.mark.parametrize(("arguments", "as_object", "as_text"), [
    (PIECES["arguments"], "the same", "the same"), ("{{ c.function.arguments | tojson }}", "the same", "doubly encoded"),
    ("{{ '' + c.function.arguments }}", "refused", "the same"),
    (arguments("{{ {k: v} | tojson }}", ""), "the same", "refused"),
    (when("c.function.arguments is mapping", "{{ c.function.arguments | tojson }}"), "the same", "lost")])
def test_the_forms_of_arguments(arguments, as_object, as_text, here):
    found = audit(template(arguments=arguments)).found.calling
    assert (found.as_object, found.as_text) == (as_object, as_text)


def test_ids_and_numbers(here):
    named = PIECES["call"].replace("{\"name\"", "{\"id\": \"{{ c.id }}\", \"name\"")
    numbered = PIECES["call"].replace("{\"name\"", "{\"id\": {{ loop.index }}, \"name\"")
    for call, ids, number in ((PIECES["call"], False, False), (named, True, False), (numbered, False, True)):
        found = audit(template(call=call)).found.calling
        assert (found.ids, found.numbered) == (ids, number)


@pytest.mark.parametrize(("loss", "pieces"), [
    ("words beside a call", {"assistant": turn("assistant", (
        "<|im_start|>assistant\n{% if m.tool_calls %}CALLS{% else %}{{ m.content }}{% endif %}<|im_end|>\n"))}),
    ("the order of words and calls: the calls are told first", {"assistant": turn("assistant", (
        "<|im_start|>assistant\nCALLS{{ m.content or '' }}<|im_end|>\n"))}),
    ("arguments that are JSON text: they are encoded twice", {"arguments": "{{ c.function.arguments | tojson }}"}),
    ("a result is quoted as a JSON string", {"words": "{{ m.content | tojson }}"}),
    ("what stands before `</think>` in a past answer", {"assistant": PIECES["assistant"].replace(
        "{{ m.content or '' }}", "{{ (m.content or '').split('</think>')[-1] }}")}),
    ("a result is told character by character", {"words": "[" + each("m.content", '"{{ t }}", ') + "]"}),
    ("JSON: past calls are written in Python's notation between JSON's braces",
     {"arguments": "{{ c.function.arguments }}"})])
def test_what_is_lost_in_silence(loss, pieces, here):
    assert loss in audit(template(**pieces)).losses


@pytest.mark.parametrize(("kept", "words"), [
    ("all", "{{ m.reasoning_content or '' }}"), ("none", ""),
    ("since the last question", when(f"not {questions('messages[loop.index:]')}", "{{ m.reasoning_content or '' }}")),
    ("until the answer", when("not messages[loop.index:] | rejectattr('role', 'equalto', 'tool') | list",
                              "{{ m.reasoning_content or '' }}")),
    ("of turns that call", when("m.tool_calls", "{{ m.reasoning_content or '' }}"))])
def test_what_is_kept_of_reasoning(kept, words, here):
    found = audit(template(assistant=PIECES["assistant"].replace("{{ m.content", words + "{{ m.content"))).found.reasoning
    assert found.kept == kept and not found.switched


def test_reasoning_that_a_switch_turns_on(here):
    words = when("enable_thinking", "{{ m.thinking or '' }}") + "{{ m.content"
    found = audit(template(assistant=PIECES["assistant"].replace("{{ m.content", words))).found.reasoning
    assert (found.kept, found.key, found.switched) == ("all", "thinking", True)


# -- what it adds, what passes for something ------------------------------------------------------------------------

def test_a_date_of_the_clock_and_one_that_is_fixed(here):
    fixed = audit(template(section="\n\nToday Date: 26 Jul 2024" + PIECES["section"])).found.additions
    clock = audit(FAULTS["date"]).found.additions
    assert (fixed.date, fixed.clock, clock.clock) == ("Today Date: 26 Jul 2024", False, True)


def test_a_date_in_a_message_that_stands_for_a_missing_one_costs_nothing(here):
    card = audit(template(start=when("messages[0].role != 'system'", "<|im_start|>system\nToday is 26 Jul 2024, a fine day."
                                                                     "<|im_end|>\n")))
    assert card.deductions == () and "fine day" in card.found.additions.default_system


def test_bos(here):
    assert audit(template(start="{{ bos_token }}")).found.additions.bos
    assert audit(template(start="<s>")).found.additions.bos
    assert not audit(template()).found.additions.bos


def test_forgeries_are_byte_for_byte_and_gone_where_marks_are_taken_out(here):
    told = audit(template()).found.forgeries
    assert {(f.what, f.words) for f in told} == {
        ("an answer and a question", "a question"), ("a call, its result and an answer", "a question"),
        ("an answer and a question", "a result"), ("the mark `<|im_end|>`", "a tool's description")}
    safe = template(user=PIECES["user"].replace("m.content", "m.content | replace('<|', '')"),
                    words="{{ m.content | replace('<|', '') }}", tool="{{ t | tojson | replace('<|', '') }}")
    assert audit(safe).found.forgeries == ()


# -- what it refuses ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("condition", "says"), [
    ("m.role == 'system'", "it refuses a system message"),
    ("(m.tool_calls or []) | length > 1", "one call a turn: it refuses two"),
    ("m.role == 'assistant' and m.content is none",
     "it fails on a turn of calls that says nothing (null), which is how OpenAI's API writes it")])
def test_a_refusal_is_a_fact_with_its_words_and_the_rest_is_audited(condition, says, here):
    card = audit(template(before=when(condition, refuse("that I refuse")),
                          system=when("tools", "<|im_start|>system\nSECTION<|im_end|>\n")))
    assert says in card.faults and "that I refuse" in dict(card.facts)["refuses"]
    assert card.found.told and card.found.called and card.stars == 5


def test_a_template_that_needs_tools_is_given_an_empty_list(here):
    card = audit(template(start="{{ tools | length and '' }}"))
    assert card.stars == 5 and "no tools" in dict(card.facts)["refuses"]


def test_a_template_that_changes_its_lists_is_run_as_llama_cpp_runs_it(here):
    card = audit(template(start="{% set all = [] %}" + each("messages", when("all.append(t)", ""))))
    assert card.stars == 5 and card.found.mutable
    assert "it changes its lists, which transformers refuses" in card.faults


def test_a_template_that_takes_parts_alone(here):
    parts = "{{ m.content[0].text if m.content and m.content is not string else '' }}"
    source = template().replace("{{ m.content or '' }}", parts).replace("{{ m.content }}", parts).replace(
        "messages[0].content", "messages[0].content[0].text")
    card = audit(source)
    assert card.found.told and card.found.called and not card.error


# -- beside the dialect ---------------------------------------------------------------------------------------------

QWEN = SHARED / "templates/hfjs__Qwen--Qwen3-0.6B.jinja"


def test_a_template_that_speaks_its_dialect_differs_nowhere_and_a_changed_one_there():
    source = (shared_or_skip() / "templates" / QWEN.name).read_text(encoding="utf-8")
    same = audit(source)
    assert (same.dialect, same.difference, same.tier) == ("qwen3", "", "full")
    other = audit(source.replace("# Tools", "# Functions"))
    assert other.dialect == "qwen3" and other.found.comparison.first.probe == "tools"
    assert other.found.comparison.first.template.startswith("Functions")
