"""Laws 7, 8 and 9, and the part of law 2 that speaks of prompts and special tokens, over every dialect."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from itertools import groupby
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from published import api_shape, conversations
from strategies import TOOLS, one_call, replies, text
from toolglot import Assistant, Call, Reasoning, Result, Text, User, model
from toolglot.check import loss
from toolglot.message import Reply, Tool, fold
from toolglot.parse import Parser, parse
from toolglot.plan import leading, literals
from toolglot.prompt import prompt
from toolglot.registry import dialects
from toolglot.render import render, reply_pieces
from toolglot.spec import TEXT, Dialect, When

EXAMPLES = int(os.environ.get("TOOLGLOT_EXAMPLES", "60")) // 2
every_dialect = pytest.mark.parametrize("d", dialects().values(), ids=lambda d: d.name)
examples = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


@every_dialect
def test_a_tool_made_by_hand_is_shown(d: Dialect) -> None:
    shown = str(model(d.name).prompt([{"role": "user", "content": "?"}], (Tool("fetch_it", "Fetches it."),)))
    assert "fetch_it" in shown and "Fetches it." in shown


# -- law 2: whatever the prompt ends with


@every_dialect
@pytest.mark.parametrize("thinking", [None, True, False])
@examples
@given(data=st.data())
def test_law_2_a_reply_reads_the_same_after_its_whole_prompt(d: Dialect, thinking: bool | None, data: Any) -> None:
    reply = data.draw(replies(d))
    assume(not loss(d, reply, TOOLS))
    before = prompt(d, [User(data.draw(text))], TOOLS, thinking=thinking, today="2026-01-01")
    written = render(d, reply)
    opener = leading(d.reasoning)[0][0] if d.reasoning else ""
    if opener and str(before).rstrip().endswith(opener.strip()):
        assume(reply.reasoning)                          # the prompt has written the opener, or all but its end
        written = written.removeprefix(opener if str(before).endswith(opener) else opener.rstrip())
    read = parse(d, written, TOOLS, prompt=str(before))
    assert read == reply, (str(before)[-80:], written)
    step = data.draw(st.integers(1, 7))
    parser = Parser(d, TOOLS, prompt=str(before))
    events = [e for i in range(0, len(written), step) for e in parser.feed(written[i:i + step])]
    assert fold([*events, *parser.close()]) == read


@every_dialect
@examples
@given(data=st.data())
def test_law_2_a_call_that_the_prompt_has_begun_is_read_whole(d: Dialect, data: Any) -> None:
    reply = Reply((data.draw(one_call(d)),))
    assume(not loss(d, reply, TOOLS))
    begins = next((n.strip() for n in d.turns.reply_starts if isinstance(n, str) and n.strip()), "[/INST]")  # type: ignore[union-attr]
    assume(begins not in str(reply.calls))               # in a prompt's plain text, spelled out is written
    before, written = str(prompt(d, [User("?")], TOOLS, today="", thinking=False)), render(d, reply)
    if d.reasoning and before.rstrip().endswith(leading(d.reasoning)[0][0].strip()):
        before += "".join(literals(leading(d.reasoning)[0][1]))         # some models always think
    cut = data.draw(st.integers(0, len(written)))
    read = parse(d, written[cut:], TOOLS, prompt=before + written[:cut])
    ended = parse(d, written[:cut], TOOLS).calls == reply.calls          # only a closer is left, if that
    assert read.calls == (() if ended else reply.calls), (written[:cut], written[cut:])
    assert read.content == ""


# -- law 2: special tokens


def as_tokens(d: Dialect, reply: Any) -> list[tuple[str, bool]]:
    """A reply as a tokenizer gives it: the special literals as tokens of their own, all else as text."""
    import re

    pattern = re.compile("|".join(map(re.escape, sorted(d.special, key=len, reverse=True))) or "(?!)")
    out: list[tuple[str, bool]] = []
    for words, _, special in reply_pieces(d, reply.parts):
        if not special:
            out += [(c, False) for c in words]
            continue
        at = 0
        for m in pattern.finditer(words):
            out += [(words[at:m.start()], False), (m[0], True)]
            at = m.end()
        out.append((words[at:], False))
    return [p for p in out if p[0]]


@every_dialect
@examples
@given(data=st.data())
def test_law_2_special_pieces_read_as_the_text_does(d: Dialect, data: Any) -> None:
    reply = data.draw(replies(d))
    assume(not loss(d, reply, TOOLS))
    pieces = as_tokens(d, reply)
    whole = parse(d, pieces, TOOLS)
    assert whole == reply, pieces
    parser = Parser(d, TOOLS)
    events = [e for piece in pieces for e in parser.feed(piece)]
    assert fold([*events, *parser.close()]) == reply


@every_dialect
def test_rule_13_plain_text_never_matches_a_special_literal(d: Dialect) -> None:
    for marker in sorted(d.special):
        spelled = f"I write {marker} like this."
        if d.join.strip():                               # content stands between markers of its own
            shown = reply_pieces(d, [Text("x")])
            at = [kind for _, kind, _ in shown].index("content")
            opening, after = ("".join(w for w, _, _ in part) for part in (shown[:at], shown[at + 1:]))
            pieces = [*_split(d, opening), (spelled, False), *_split(d, after)]
        else:
            pieces = [(spelled, False)]
        assert parse(d, pieces, TOOLS).content == spelled


def _split(d: Dialect, words: str) -> list[tuple[str, bool]]:
    out, rest = [], words
    while rest:
        found = min((s for s in d.special if s in rest), key=rest.index, default="")
        if not found:
            return [*out, (rest, False)]
        at = rest.index(found)
        out += [(rest[:at], False)] * (at > 0) + [(found, True)]
        rest = rest[at + len(found):]
    return out


# -- law 7


@every_dialect
def test_law_7_cost_does_not_grow_with_the_length(d: Dialect) -> None:
    """Generous: what is quadratic is a hundred times slower at a hundred times the length, a piece."""
    tool = Tool("f", "", {"type": "object", "properties": {"s": {"type": "string"}}})
    id = "abcdefgh1"

    def seconds_a_piece(size: int) -> float:
        written = render(d, [Call("f", {"s": "lorem ipsum " * (size // 12)}, id)])
        pieces = [written[i:i + 4] for i in range(0, len(written), 4)]
        parser, begun = Parser(d, [tool]), time.process_time()
        for piece in pieces:
            parser.feed(piece)
        parser.close()
        return (time.process_time() - begun) / len(pieces)

    small = min(seconds_a_piece(2_000) for _ in range(3))
    assert any(seconds_a_piece(200_000) < 12 * small for _ in range(3))


@every_dialect
@pytest.mark.parametrize("unit", [
    "<tool_call>", "<tool_call>\n{", "[", "{\"", "<|channel|>", "\n", " ", "<", "[TOOL_CALLS]", "\\", "'", "</parameter>\n",
    "<function=f>\n<parameter=s>\n", "<｜tool▁calls▁begin｜>", '{"name": "f", "arguments": {',
    '<tool_call>\n{"arguments": {"a": "'])
def test_law_7_nothing_hostile_is_slow(d: Dialect, unit: str) -> None:
    """Ten times the text takes at most some thirty times as long, whole and in pieces."""

    def seconds(times: int) -> float:
        hostile = unit * times
        begun = time.process_time()
        parse(d, hostile, TOOLS)
        parser = Parser(d, TOOLS)
        for i in range(0, len(hostile), 5):
            parser.feed(hostile[i:i + 5])
        parser.close()
        return time.process_time() - begun

    size = 300 if EXAMPLES >= 30 else 100
    small = max(min(seconds(size) for _ in range(3)), 1e-3)
    assert any(seconds(10 * size) < 40 * small for _ in range(3))     # the machine may be busy once, not three times


# -- laws 8 and 9


def talks() -> Any:
    return conversations(parallel=True, no_content=("",), reasoning=True, trimmed=True)


@every_dialect
@examples
@given(data=st.data())
def test_law_8_the_mask_covers_what_the_model_writes(d: Dialect, data: Any) -> None:
    messages, tools = data.draw(talks())
    m = model(d.name, prompts="repaired")                # some templates lose the calls of the past
    shown = m.prompt(messages, tools or (), reply_starts=False, today="2026-01-01")
    trained = [p for p in shown.pieces if p.trained]
    assert all(p.role == "assistant" for p in trained)
    assert all(p.kind not in ("result", "tools") for p in trained)
    written = "".join(p.text for p in trained)
    turns = [x for x in messages if x["role"] == "assistant"]
    for turn in turns:
        for call in turn.get("tool_calls") or ():
            assert call["function"]["name"] in written
        if turn.get("content") and not turn.get("tool_calls"):
            assert turn["content"].strip() in written
    closing = "".join(n for n in d.turns.assistant[-1:] if isinstance(n, str)).strip()  # type: ignore[union-attr]
    if closing and turns:
        ends = d.turns.last_closer if messages[-1]["role"] == "assistant" else ""  # type: ignore[union-attr]
        assert written.endswith(ends or closing)


def test_law_8_where_the_next_turn_closes_a_reply_its_token_is_trained() -> None:
    talk = [User("a"), Assistant((Text("b"),)), User("c"), Assistant((Call("now", {}),)), Result("d", "now")]
    pieces = prompt(dialects()["glm-4.5"], talk, TOOLS).pieces
    assert [p.text for p in pieces if p.trained and p.text.startswith("<|")] == ["<|user|>", "<|observation|>"]


@every_dialect
@examples
@given(data=st.data())
def test_law_8_the_last_turn_s_trained_pieces_read_as_its_reply(d: Dialect, data: Any) -> None:
    reply = Reply((data.draw(one_call(d) | text.filter(bool).map(Text)),))
    assume(not loss(d, reply, TOOLS))
    d = replace(d, turns=d.repaired or d.turns)
    shown = prompt(d, [User("?"), Assistant(reply.parts)], TOOLS, reply_starts=False, today="")
    first = next(i for i, p in enumerate(shown.pieces) if p.trained)
    before = "".join(p.text for p in shown.pieces[:first])           # what the prompt writes of the reply is not trained
    written = "".join(p.text for p in shown.pieces[first:] if p.trained)
    read = parse(d, written, TOOLS, prompt=before)
    assert tuple(p for p in read.parts if not isinstance(p, Reasoning)) == reply.parts, written


@every_dialect
@examples
@given(data=st.data())
def test_law_9_no_message_forges_markup(d: Dialect, data: Any) -> None:
    messages, tools = data.draw(conversations(markup=True, no_content=("",)))
    shown = model(d.name).prompt(api_shape(messages), tools or (), today="2026-01-01")
    ours = _markup_of(d)
    assert all(piece.kind == "markup" for piece in shown.pieces if piece.special)
    for special, group in groupby(shown.pieces, lambda p: p.special):    # a literal is two where the prompt writes a part
        run = list(group)
        words = "".join(piece.text for piece in run)
        assert not special or words in ours or _made_of(words, ours), run


def _markup_of(d: Dialect) -> set[str]:
    """Every literal that the dialect itself may write."""
    assert d.turns
    out = {d.join, d.turns.final_closer, d.turns.result_between, *d.stop}
    for value in vars(d.turns).values():
        for node in value if isinstance(value, tuple) else ():
            out |= {node} if isinstance(node, str) else {node.then, node.otherwise} if isinstance(node, When) else set()
    for calls in (d.calls, *d.accept, *([d.turns.history] if d.turns.history else [])):
        out |= {*literals(calls.each), *literals(calls.around), calls.between, calls.gap}
    return {s for s in out | {*literals(d.content), *literals(d.reasoning or ())} if s}


def _made_of(words: str, bits: set[str]) -> bool:
    """Is this text nothing but literals of the dialect, one after another, perhaps cut where a turn is?"""
    reach = {0}
    for at in range(len(words)):
        if at in reach:
            reach |= {at + len(b) for b in bits if words.startswith(b, at)}
            reach |= {at + len(b.rstrip()) for b in bits if b.rstrip() and words.startswith(b.rstrip(), at)}
            reach |= {at + 1} if words[at].isspace() else set()
    return len(words) in reach


def test_words_of_a_template_of_their_own_end_with_the_final_closer() -> None:
    harmony = model("harmony").dialect
    assert harmony.turns
    other = replace(harmony, turns=replace(harmony.turns, answer=("<|message|>", TEXT, "<|end|>")))
    shown = prompt(other, [User("Hi"), Assistant((Text("Hello"),))], today="2026-01-01", reply_starts=False)
    assert str(shown).endswith(f"Hello{harmony.turns.final_closer}")
