"""What a row becomes: the text is the prompt's, the mask is what the model writes, nothing is cut in two."""

from __future__ import annotations

import io
import json
import os
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from learn_templates import GOOD
from published import conversations
from strategies import TOOLS
from toolglot.chat import as_turns
from toolglot.cli.screen import Screen
from toolglot.data import mask
from toolglot.data.chat_rows import ChatShape, chat_row
from toolglot.data.cut import cut
from toolglot.data.look import BAR, BREAK, look, show
from toolglot.data.pack import pack
from toolglot.data.policy import Policy
from toolglot.data.rendered import Rendered, rejected, rendered
from toolglot.data.row import Row, RowError
from toolglot.data.writers import writer
from toolglot.message import Assistant, Call, Reasoning, Result, System, Text, ToolglotError, User
from toolglot.model import Model, model
from toolglot.registry import dialects
from toolglot.tools import as_tools

sys.path.append(str(Path(__file__).resolve().parents[1] / "bench"))

import masks

EXAMPLES = int(os.environ.get("TOOLGLOT_EXAMPLES", "60"))
TODAY = masks.TODAY
every_dialect = pytest.mark.parametrize("name", [d.name for d in dialects().values() if d.turns])
examples = settings(max_examples=max(EXAMPLES // 5, 2), deadline=None, suppress_health_check=list(HealthCheck))
TALK = Row((System("Be brief."), User("What time is it?"), Assistant((Call("now", {"s": "x"}, "c1"),)),
            Result("12:00", "now", "c1"), Assistant((Text("Noon."),)), User("Thanks."),
            Assistant((Reasoning("They are polite."), Text("Welcome!")))),
           (TOOLS[1],))
CHATML = ("{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
          "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")


def made(name: str, count: int, seed: int = 0) -> list[Row]:
    maker = masks.Maker(dialects()[name], seed)
    return [maker.row() for _ in range(count)]


def trained(shown: Rendered) -> list[str]:
    """The stretches that have a loss, joined where they meet."""
    out: list[str] = []
    end = -1
    for s in shown.spans:
        if s.weight:
            words = shown.text[s.start:s.end]
            out[-1:] = [out[-1] + words] if s.start == end else [*out[-1:], words]
            end = s.end
    return out


# -- law 8


@every_dialect
def test_law_8_what_has_a_loss_is_what_the_model_writes(name: str) -> None:
    m = model(name)
    checked = 0
    for row, policy in zip(made(name, EXAMPLES), masks.policies(), strict=False):
        found = masks.violations(m, row, policy)
        assert not found, (policy, row, found)
        checked += found is not None
    assert checked


@every_dialect
@examples
@given(talk=conversations(reasoning=True, no_content=("",), trimmed=True, nonempty=True, ends="assistant"))
def test_law_8_holds_for_messages_as_people_have_them(name: str, talk: Any) -> None:
    messages, tools = talk
    row = Row(tuple(as_turns(messages)), as_tools(tools or ()))
    assert not masks.violations(model(name, prompts="repaired"), row, Policy())


@every_dialect
def test_the_text_is_the_prompt_s_and_the_spans_cover_it(name: str) -> None:
    m = model(name)
    for row in made(name, 3, seed=1):
        shown = rendered(row, m, today=TODAY, lossy=True)
        text, at = "", 0
        for s in shown.spans:
            assert s.start == at < s.end
            text, at = text + shown.text[s.start:s.end], s.end
        assert text == shown.text
        assert text == str(m.prompt(row.turns, row.tools, today=TODAY, reply_starts=False))


def test_a_wrong_mask_is_found() -> None:
    """Each way in which a mask can be wrong, made of one that is right."""
    m = model("hermes")
    shown = rendered(TALK, m, today=TODAY)
    assert mask.check(TALK, shown, m, today=TODAY) == []
    first = next(i for i, s in enumerate(shown.spans) if s.weight)
    last = max(i for i, s in enumerate(shown.spans) if s.weight)

    def changed(i: int, **facts: Any) -> list[str]:
        spans = [*shown.spans]
        spans[i] = spans[i]._replace(**facts)
        return mask.check(TALK, replace(shown, spans=tuple(spans)), m, today=TODAY)

    assert "has a loss" in changed(0, weight=1.0)[0]
    assert any("its prompt ends" in f for f in changed(first - 1, weight=1.0, written=True))
    assert any("its prompt ends" in f for f in changed(first, weight=0.0, written=False))
    assert any("closes it" in f for f in changed(last, weight=0.0, written=False))
    assert any("words would be read" in f for f in changed(last - 1, weight=0.0, written=False))
    assert "do not cover" in changed(first, start=shown.spans[first].start + 1)[0]
    other = replace(TALK, turns=(*TALK.turns[:2], Assistant((Call("now", {"s": "y"}),)), *TALK.turns[3:]))
    assert any("calls would be read" in f for f in mask.check(other, shown, m, today=TODAY))


@pytest.mark.parametrize(("name", "thinking", "written"), [
    ("qwen3-thinking", None, "I think.\n</think>\n\nNoon.<|im_end|>"),        # prompts end with <think>
    ("qwen3", None, "<think>\nI think.\n</think>\n\nNoon.<|im_end|>"),
    ("deepseek-v4", True, "I think.</think>Noon.<｜end▁of▁sentence｜>"),
    ("glm-4.5", None, "\n<think>I think.</think>\nNoon.")])
def test_what_a_prompt_writes_of_a_reply_has_no_loss(name: str, thinking: bool | None, written: str) -> None:
    row = Row((User("What time is it?"), Assistant((Reasoning("I think."), Text("Noon.")))))
    assert trained(rendered(row, model(name), Policy(thinking=thinking), today=TODAY)) == [written]


# -- policies


def test_policies_take_away_and_weigh() -> None:
    m = model("qwen3")

    def words(policy: Policy, row: Row = TALK) -> list[str]:
        return trained(rendered(row, m, policy, today=TODAY))

    call = '<tool_call>\n{"name": "now", "arguments": {"s": "x"}}\n</tool_call><|im_end|>'
    thought = "<think>\nThey are polite.\n</think>\n\n"
    assert words(Policy()) == [call, "Noon.<|im_end|>", f"{thought}Welcome!<|im_end|>"]
    assert words(Policy(turns="last")) == [f"{thought}Welcome!<|im_end|>"]
    assert words(Policy(calls_only=True)) == [call]
    assert words(Policy(turns="last", reasoning="kept")) == ["Welcome!<|im_end|>"]
    assert words(Policy(turns="last", content=0)) == [thought, "<|im_end|>"]
    assert "polite" not in rendered(TALK, m, Policy(reasoning="dropped"), today=TODAY).text
    assert words(Policy(), replace(TALK, weights={2: 0.0, 6: 0.0})) == ["Noon.<|im_end|>"]
    both = Assistant((Text("Let me look."), Call("now", {"s": "x"})))
    assert words(Policy(calls_only=True), replace(TALK, turns=(*TALK.turns[:2], both))) == ["\n" + call]


def test_weights_are_multiplied() -> None:
    shown = rendered(replace(TALK, weights={4: 0.5}), model("qwen3"), Policy(content=0.5, call=2), today=TODAY)
    weights = {shown.text[s.start:s.end]: s.weight for s in shown.spans}
    assert weights["Noon."] == 0.25
    assert weights["Welcome!"] == 0.5
    assert weights['{"name": "now", "arguments": {"s": "x"}}'] == 2


@pytest.mark.parametrize("name", ["granite-3", "smollm3", "mistral-v2"])
def test_a_reply_whose_calls_the_chat_template_leaves_out_has_no_loss(name: str) -> None:
    shown = rendered(TALK, model(name), Policy(reasoning="dropped"), today=TODAY)
    assert "Noon" in "".join(trained(shown)) and not any(s.weight for start, end, n in shown.replies if n == 2
                                                         for s in shown.spans if start <= s.start < end)


def test_turns_that_are_told_as_several_keep_their_weight() -> None:
    calls = tuple(Call("now", {"s": s}, f"c{s}") for s in "abc")
    results = [Result(s, "now", f"c{s}") for s in "abc"]
    row = Row((User("?"), Assistant(calls), *results, Assistant((Text("Done."),))), (TOOLS[1],))
    shown = rendered(row, model("llama3.1"), today=TODAY)
    assert [n for _, _, n in shown.replies] == [1, 1, 1, 5] and len(trained(shown)) == 4
    shown = rendered(replace(row, weights={1: 0.0}), model("llama3.1"), today=TODAY)
    assert ["Done." in words for words in trained(shown)] == [True]


@pytest.mark.parametrize("wrong", [{"turns": "first"}, {"reasoning": "out"}, {"content": -1}, {"call": float("nan")}])
def test_a_policy_that_is_none_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ToolglotError, match=f"policy: {next(iter(wrong))}: expected"):
        Policy(**wrong)


# -- what cannot be said


def test_what_a_dialect_cannot_say_is_an_error_with_its_place() -> None:
    row = Row((User("?"), Assistant((Text("It is </tool_call> <tool_call>"),))), (TOOLS[1],))
    with pytest.raises(RowError, match=r"turns\[1\]: hermes cannot say it: content cannot contain '</tool_call>'") as e:
        rendered(row, model("hermes"), today=TODAY)
    assert e.value.reason == "hermes cannot say it" and e.value.at == "turns[1]"
    assert "<tool_call>" in rendered(row, model("hermes"), today=TODAY, lossy=True).text
    with pytest.raises(RowError, match="reasoning"):
        rendered(TALK, model("llama3.1"), today=TODAY)
    rendered(TALK, model("llama3.1"), Policy(reasoning="dropped"), today=TODAY)


def test_ids_and_white_space_are_no_reason_to_lose_a_row() -> None:
    row = replace(TALK, turns=(*TALK.turns[:4], Assistant((Text(" Noon.\n"),))))
    assert mask.check(row, rendered(row, model("hermes"), today=TODAY), model("hermes"), today=TODAY) == []
    without = Row((User("?"), Assistant((Call("now", {"s": "x"}),)), Result("12", "now")), (TOOLS[1],))
    assert "call00001" in rendered(without, model("mistral-v11"), today=TODAY).text          # a dialect that writes ids


# -- through a chat template


def test_a_zero_shot_dialect_in_a_template_s_own_frame_is_masked() -> None:
    m = Model(model("json").dialect, CHATML)
    row = replace(TALK, turns=(*TALK.turns[:-1], Assistant((Text("Welcome!"),))))
    shown = rendered(row, m, today=TODAY)
    assert mask.check(row, shown, m, today=TODAY) == []
    assert [words.endswith("<|im_end|>") for words in trained(shown)] == [True] * 3
    assert trained(shown)[1] == "Noon.<|im_end|>"
    assert [n for _, _, n in shown.replies] == [2, 4, 6]
    assert trained(rendered(row, m, Policy(turns="last"), today=TODAY)) == ["Welcome!<|im_end|>"]


def test_a_template_that_tells_past_replies_otherwise_is_refused() -> None:
    bent = CHATML.replace("{{ m.content }}", "{{ m.content if loop.last else m.content ~ '!' }}")
    with pytest.raises(RowError, match="tells past replies otherwise"):
        rendered(replace(TALK, turns=(*TALK.turns[:5], *TALK.turns[5:6])), Model(model("json").dialect, bent), today=TODAY)


def test_a_learned_dialect_is_masked_through_its_template() -> None:
    m = model(template=GOOD["objects in tags"], learn="always")
    assert m.learned
    row = replace(TALK, turns=(*TALK.turns[:-1], Assistant((Text("Welcome!"),))))
    shown = rendered(row, m, today=TODAY)
    assert mask.check(row, shown, m, today=TODAY) == []
    assert ["Noon." in words for words in trained(shown)] == [False, True, False]
    assert "now" in trained(shown)[0] and "12:00" not in "".join(trained(shown))


# -- chat messages


@pytest.mark.parametrize("name", ["hermes", "qwen3", "mistral-v11"])
def test_messages_say_the_row_again(name: str) -> None:
    said = 0
    for row in made(name, 2 * EXAMPLES):
        for shape in (ChatShape(), ChatShape("text", "text")):
            record = json.loads(json.dumps(chat_row(row, shape=shape)))
            tools = json.loads(record["tools"]) if shape.tools == "text" else record["tools"]
            assert tuple(as_turns(record["messages"])) == row.turns
            assert as_tools(tools) == row.tools
            said += 1
    assert said == 4 * EXAMPLES


def test_weights_and_policies_of_messages() -> None:
    messages = chat_row(replace(TALK, weights={2: 0.0, 4: 0.25}))["messages"]
    assert [m.get("weight") for m in messages] == [None, None, 0, None, 0.25, None, None]
    last = chat_row(TALK, Policy(turns="last"))["messages"]
    assert [m.get("weight") for m in last] == [None, None, 0, None, 0, None, None]
    assert messages[-1]["reasoning_content"] == "They are polite."
    assert "reasoning_content" not in chat_row(TALK, Policy(reasoning="dropped"))["messages"][-1]
    assert chat_row(TALK, shape=ChatShape(reasoning="thinking"))["messages"][-1]["thinking"] == "They are polite."
    assert chat_row(TALK).keys() == {"messages", "tools"}
    assert chat_row(replace(TALK, parallel=False), shape=ChatShape(parallel=True))["parallel_tool_calls"] is False
    with pytest.raises(RowError, match="another order"):
        chat_row(replace(TALK, turns=(User("?"), Assistant((Call("now", {}), Text("So."))))))


# -- preferences


def test_both_replies_of_a_preference_are_written() -> None:
    row = replace(TALK, rejected=(Text("Whatever."),))
    (chat,) = writer("chat").take(row)
    assert chat.keys() == {"prompt", "chosen", "rejected", "tools"}
    assert [m["content"] for m in (*chat["chosen"], *chat["rejected"])] == ["Welcome!", "Whatever."]
    m = model("hermes")
    (text,) = writer("text", model=m, check=True, today=TODAY).take(row)
    assert text.keys() == {"prompt", "chosen", "rejected"}
    assert text["prompt"] == str(m.prompt(TALK.turns[:-1], TALK.tools, today=TODAY))
    assert text["prompt"] + text["chosen"] == rendered(row, m, today=TODAY).text
    assert text["prompt"] + text["rejected"] == rendered(rejected(row), m, today=TODAY).text


def test_a_writer_writes_conversations_or_preferences() -> None:
    worse = replace(TALK, rejected=(Text("Whatever."),))
    for first, other, said in ((TALK, worse, "a rejected reply among"), (worse, TALK, "a conversation among")):
        one = writer("chat")
        one.take(first)
        with pytest.raises(RowError, match=said):
            one.take(other)


# -- cutting


def exchanges(row: Row) -> int:
    return sum(isinstance(t, User) for t in row.turns)


@settings(max_examples=10 * max(EXAMPLES // 10, 1), deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10_000), most=st.integers(1, 14), keep=st.sampled_from(["newest", "oldest"]))
def test_the_law_of_cutting(seed: int, most: int, keep: Any) -> None:
    """What is left is whole, begins and ends as it should, fits, and is the most that does."""
    (row,) = made("hermes", 1, seed)
    row = replace(row, weights={i: float(i) for i, t in enumerate(row.turns) if isinstance(t, Assistant)})
    try:
        left = cut(row, lambda part: len(part.turns) <= most, keep)
    except RowError:
        fewest = next(n for n in range(1, 99) if not _refused(row, n, keep))
        assert fewest > most
        return
    assert len(left.turns) <= most
    head = [t for t in row.turns if isinstance(t, System)]
    assert list(left.turns[:len(head)]) == head and left.tools == row.tools
    rest, whole = left.turns[len(head):], row.turns[len(head):]
    assert rest == (whole[-len(rest):] if keep == "newest" else whole[:len(rest)])
    assert isinstance(rest[0], User) and (isinstance(rest[-1], Assistant) or rest[-1] is whole[-1])
    known = {p.id for t in rest if isinstance(t, Assistant) for p in t.parts if isinstance(p, Call)}
    assert all(t.id in known for t in rest if isinstance(t, Result))
    moved = 0 if keep == "oldest" else len(row.turns) - len(left.turns)
    assert left.weights == {i: float(i + moved) for i in left.weights}
    assert len(left.weights) == sum(isinstance(t, Assistant) for t in left.turns)
    if keep == "newest" and len(left.turns) < len(row.turns):
        longer = [i for i, t in enumerate(row.turns) if isinstance(t, User) and len(row.turns) - i > len(rest)]
        assert all(len(head) + len(row.turns) - i > most for i in longer)


def _refused(row: Row, most: int, keep: Any) -> bool:
    try:
        cut(row, lambda part: len(part.turns) <= most, keep)
    except RowError:
        return True
    return False


def test_a_row_that_cannot_fit_is_said() -> None:
    with pytest.raises(RowError, match="too long: not even its last exchange fits"):
        cut(TALK, lambda part: False)
    with pytest.raises(RowError, match="too long: not even its first reply fits"):
        cut(TALK, lambda part: False, "oldest")
    worse = replace(TALK, rejected=(Text("Whatever."),))
    assert cut(worse, lambda part: len(part.turns) < 5, "oldest").turns[-1] == TALK.turns[-1]


# -- packing


@settings(max_examples=10 * max(EXAMPLES // 10, 1), deadline=None, suppress_health_check=list(HealthCheck))
@given(lengths=st.lists(st.integers(1, 50), max_size=40))
def test_the_law_of_packing(lengths: list[int]) -> None:
    packs = pack(lengths, 50)
    assert sorted(i for rows in packs for i in rows) == list(range(len(lengths)))
    assert all(rows == sorted(rows) and 0 < sum(lengths[i] for i in rows) <= 50 for rows in packs)
    firsts = [rows[0] for rows in packs]
    for n, i in enumerate(firsts):                       # a pack is begun where none before it has the room
        assert all(sum(lengths[j] for j in before if j < i) + lengths[i] > 50 for before in packs[:n])


def test_a_row_longer_than_a_pack_is_said() -> None:
    with pytest.raises(RowError, match="too long: expected 4 tokens at most, got 5"):
        pack([3, 5], 4)


# -- looking


def test_a_row_can_be_looked_at_without_colour() -> None:
    shown = rendered(TALK, model("hermes"), Policy(content=0.5), today=TODAY)
    assert "".join(s.text for s in look(shown)) == shown.text
    out = io.StringIO()
    show(shown, Screen(out).write)
    lines = out.getvalue().splitlines()
    assert any(line.startswith("assistant content") and line.endswith(f"0.5{BAR} Noon.") for line in lines)
    assert any(line.endswith(f"{BAR} <tool_call>{BREAK}") for line in lines)
    assert not any(BAR in line for line in lines[:-1] if line.startswith(("user", "tool", "system")))
    assert lines[-1].endswith(f"characters have a loss ({BAR})")
    assert "\x1b" not in out.getvalue()


# -- writers


def test_records_of_text_have_the_same_keys_and_can_be_json() -> None:
    one = writer("text", model=model("hermes"), check=True, today=TODAY)
    records = [r for row in made("hermes", EXAMPLES) for r in _taken(one, row)]
    assert len(records) >= EXAMPLES // 4 and one.close() == []
    assert {tuple(r) for r in records} == {("text", "spans")}
    assert {tuple(s) for r in records for s in r["spans"]} == {("start", "end", "role", "kind", "weight", "special")}
    json.dumps(records)


def _taken(one: Any, row: Row) -> list[Any]:
    try:
        return list(one.take(row))
    except RowError:
        return []


@pytest.mark.parametrize(("given", "said"), [
    ({"to": "json"}, "to: expected chat, text or tokens"), ({"to": "text"}, "text needs a model"),
    ({"to": "tokens", "model": "hermes"}, "give encoder="), ({"to": "chat", "max_tokens": 5}, "give encoder="),
    ({"to": "text", "model": "hermes", "pack": True}, "pack puts tokens")])
def test_what_does_not_go_together_is_said(given: dict[str, Any], said: str) -> None:
    if "model" in given:
        given = given | {"model": model(given["model"])}
    with pytest.raises(ToolglotError, match=said):
        writer(**given)


def test_the_date_is_one_for_all_rows_of_a_writer() -> None:
    (record,) = writer("text", model=model("harmony"), today="2026-03-04").take(TALK)
    assert "Current date: 2026-03-04" in record["text"]


def test_rows_like_glaive_s_are_rendered_fast() -> None:
    """A thousand a second, where 5,000 are wanted: what else the machine does, and slower ones, are left room."""
    rows, m = masks.glaive(500), model("hermes")
    (seconds,) = masks.common.best(lambda: [rendered(row, m, today=TODAY) for row in islice(rows, 500)], times=3)
    assert seconds < 0.5
