"""A dialect's own rendered text, read back: what comes out renders to the same text, and says what was said."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from toolglot.check import loss
from toolglot.data.row import Row, RowError
from toolglot.data.shapes import find, rendered
from toolglot.message import Assistant, Call, Result, System, Text, Tool, ToolglotError, Turn, User
from toolglot.prompt import prompt
from toolglot.registry import dialects

ALL = sorted(dialects())
SOME = ("qwen3", "qwen2.5", "llama3.1", "mistral-v13", "glm-4.5", "minimax-m2", "kimi-k2-thinking", "granite-4",
        "phi-4-mini", "jamba", "qwen3.5", "command-r7b")
TOOLS = (Tool("get_weather", "The weather of a city", {"type": "object", "properties": {
    "city": {"type": "string", "description": "where it is"}, "days": {"type": "integer"}}, "required": ["city"]}),
    Tool("now", "The time", {"type": "object", "properties": {}}))

words = st.lists(st.sampled_from(
    ["sun", "rain", "Zürich", "it's", "100%", 'a "b"', "then:", "東京", "x < y", "two\nlines"]),
    min_size=1, max_size=5).map(" ".join)


@st.composite
def talks(draw: Any) -> list[Turn]:
    turns: list[Turn] = [System(draw(words))] if draw(st.booleans()) else []
    number = 0
    for _ in range(draw(st.integers(1, 3))):
        turns.append(User(draw(words)))
        if draw(st.booleans()):
            number += 1
            arguments = {"city": draw(words), **({"days": draw(st.integers(0, 9))} if draw(st.booleans()) else {})}
            id = f"call0000{number}"
            call = draw(st.sampled_from([Call("get_weather", arguments, id), Call("now", {}, id)]))
            turns += [Assistant((call,)), Result(draw(words), call.name, call.id)]
        turns.append(Assistant((Text(draw(words)),)))
    return turns


def told(turns: Any) -> list[Any]:
    return [(p.name, p.arguments) if isinstance(p, Call) else (type(p).__name__, p.text) for t in turns
            for p in (t.parts if isinstance(t, Assistant) else (t,))]


@lru_cache(maxsize=1)
def readable() -> dict[str, str]:
    """Why each dialect cannot be read back, "" where it can."""
    found = {}
    for name in ALL:
        try:
            found[name] = "" if rendered(name).name == f"rendered:{name}" else "?"
        except ToolglotError as error:
            found[name] = str(error)
    return found


def test_who_can_be_read_back_is_proved_and_who_cannot_is_told() -> None:
    can = [name for name, why in readable().items() if not why]
    assert len(can) >= 64 and set(SOME) <= set(can)
    for name, why in readable().items():
        assert not why or (why.startswith(f"rendered:{name}: ") and "cannot be read back" in why)
    assert all("does not read as JSON" in readable()[name] for name in ("harmony", "qwen3-coder"))


def read_or_refused(name: str, text: Any) -> Row | None:
    try:
        return find(f"rendered:{name}").read(text)
    except RowError:
        return None


@given(st.data())
def test_law_what_is_read_back_is_what_was_said(data: Any) -> None:
    turns, can = data.draw(talks()), [n for n, why in readable().items() if not why]
    for name in data.draw(st.lists(st.sampled_from(can), min_size=6, max_size=6)):
        d = dialects()[name]
        text = str(prompt(d, turns, TOOLS, today="2024-01-02", reply_starts=False))
        lost = any(lost_of(name, t) for t in turns if isinstance(t, Assistant))
        row = read_or_refused(name, text)
        if row is None:
            assert lost, f"{name}: {text}"
            continue
        again = str(prompt(d, row.turns, row.tools, today="2024-01-02", reply_starts=False))
        assert again.rstrip() == text.rstrip()
        assert lost or told(row.turns) == told(turns), name
        assert [t.parameters for t in row.tools] == [t.parameters for t in TOOLS]


def lost_of(name: str, turn: Assistant) -> list[str]:
    """What of a reply the dialect cannot say; ids are not meant."""
    said = [Call(p.name, p.arguments) if isinstance(p, Call) else p for p in turn.parts]
    return [why for why in loss(dialects()[name], said, TOOLS) if why != "a call without an id"]


@given(st.sampled_from(SOME), talks(), st.integers(0, 400), st.sampled_from(["", "<", "}", "\n", "<|im_end|>", '"']))
def test_a_text_that_was_changed_is_read_or_refused(name: str, turns: list[Turn], at: int, put: str) -> None:
    text = str(prompt(dialects()[name], turns, TOOLS, today="2024-01-02", reply_starts=False))
    at = len(text) * at // 400
    for changed in (text[:at] + put + text[at + 1:], text[:at], {"text": text[at:]}, put, {"text": at}):
        row = read_or_refused(name, changed)
        assert row is None or row.turns
