"""A little of `bench/gold.py` and `bench/sampling.py`: right calls pass, wrong ones do not, samples are valid calls.

And that both would notice if it were not so. The whole of them is for people: it takes an hour.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("llguidance", reason="llguidance judges constraints: pip install 'toolglot[local]'")
pytest.importorskip("xgrammar", reason="xgrammar reads three of the notations: pip install xgrammar")

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "bench"))

import gold  # noqa: E402
import mutants  # noqa: E402
import sampling  # noqa: E402
import walks  # noqa: E402

from toolglot.message import Call, Reply, Text  # noqa: E402
from toolglot.model import Model  # noqa: E402
from toolglot.registry import dialects  # noqa: E402
from toolglot.tools import as_tools  # noqa: E402

recorded = pytest.mark.skipif(not (ROOT.parent / "shared" / "recorded").is_dir(), reason="no recorded questions here")
FEW = ("hermes", "json", "mistral-v3", "llama-pythonic", "glm-4.5", "qwen3-coder", "gemma-4", "functionary-v3.2")
FUNCTIONS = [
    {"name": "travel.book", "description": "Book a trip.", "parameters": {"type": "dict", "properties": {
        "city": {"type": "string"}, "nights": {"type": "integer"}, "budget": {"type": "float"},
        "room": {"type": "string", "enum": ["single", "double"]}, "stops": {"type": "array", "items": {"type": "string"}},
        "guest": {"type": "dict", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
                  "required": ["name"]}}, "required": ["city", "nights"]}},
    {"name": "now", "description": "The time.", "parameters": {"type": "dict", "properties": {}, "required": []}}]
ITEM: dict[str, Any] = {"id": "made_0", "functions": FUNCTIONS, "ground_truth": [
    {"travel.book": {"nights": [2], "city": ["Zürich", "Zurich"], "budget": [500.0, ""], "room": ["", "double"],
                     "stops": [["Bern", "it's"], ""], "guest": [{"name": ["Ann"], "age": [30, ""]}]}},
    {"now": {}},
    {"travel.book": {"city": ["Rome"], "nights": ["two"]}},
    {"travel.walk": {"city": ["Rome"]}}]}


def test_ground_truths_become_calls_in_declared_order() -> None:
    case, wrong, count = mutants.case_of(ITEM)
    whole = {"city": "Zürich", "nights": 2, "budget": 500.0, "room": "double", "stops": ["Bern", "it's"],
             "guest": {"name": "Ann", "age": 30}}
    less = {"city": "Zürich", "nights": 2, "guest": {"name": "Ann", "age": 30}}
    book, now = mutants.Answer("travel.book", whole), mutants.Answer("now", {})
    assert case.replies == [[book], [mutants.Answer("travel.book", less)], [now], [book, now]]
    assert [list(one.arguments) for one in case.replies[0]] == [list(whole)]
    assert wrong == ['`nights` must be an integer, but came as "two"', "travel.walk is no function of the question"]
    assert count == 4


def test_calls_are_made_wrong_in_every_way() -> None:
    case, _, _ = mutants.case_of(ITEM)
    found = {(kind, place) for kind, place, _ in case.mutants}
    typed = ("city", "nights", "budget", "room", "stops", "guest")
    assert found >= {*(("type", name) for name in typed), ("missing", "city"), ("missing", "nights"), ("missing", "guest"),
                     ("enum", "room"), ("argument", "no_such_argument"), ("function", "")}
    wrong = [call.arguments for kind, place, call in case.mutants if (kind, place) == ("type", "stops")]
    assert [one["stops"] for one in wrong] == ["twelve", {"a": 1}, [5, "it's"], [["a"], "it's"]]


@pytest.mark.parametrize("name", FEW)
def test_right_calls_pass_in_every_notation_and_wrong_ones_in_none(name: str) -> None:
    case, _, _ = mutants.case_of(ITEM)
    tally = gold.checked(name, [case], list(gold.NOTATIONS))
    assert tally.failures == []
    for notation, reader in gold.READERS:
        if notation != "schema" or name == "json":
            counts = {place[4]: n for place, n in tally.counts.items() if place[:3] == (notation, reader, "required")}
            assert counts.get("read"), (notation, reader)
            assert sum(n for place, n in tally.counts.items() if place[:2] == (notation, reader) and place[4] == "accepted")
            assert sum(n for place, n in tally.counts.items() if place[:2] == (notation, reader) and place[4] == "refused")


def test_the_check_would_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A grammar of anything lets the wrong ones through, one of something else refuses the right ones, one is none."""
    case, _, _ = mutants.case_of(ITEM)

    def outcome(grammar: str) -> set[str]:
        monkeypatch.setitem(gold.NOTATIONS, "lark", lambda constraint: grammar)
        return {" ".join(one[5].split()[:1]) for one in gold.checked("hermes", [case], ["lark"]).failures}

    assert outcome("%llguidance {}\nstart: /(?s:.*)/") == {"type", "enum", "missing", "argument", "function", "cut"}
    assert outcome('%llguidance {}\nstart: "no"') == {"refused"}
    assert outcome("start: )") == {"Broken:"}


@recorded
@pytest.mark.parametrize("name", FEW)
def test_recorded_questions(name: str) -> None:
    tally = gold.checked(name, mutants.spread(6), ["lark", "gbnf", "tag"])
    assert tally.failures == []
    assert sum(n for place, n in tally.counts.items() if place[4] == "accepted") > 50


# -- sampling --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", dialects())
def test_what_is_sampled_is_read_as_valid_calls(name: str) -> None:
    found = [sampling.sample(f"{name} {number}", walks.BYTES, questions=False) for number in range(3)]
    assert [(one.wrong, one.text) for one in found if one.wrong not in ("", "not enforced")] == []


def test_most_walks_come_to_an_end_and_most_of_them_call() -> None:
    found = [sampling.sample(f"hermes {number}", walks.BYTES, questions=False) for number in range(40)]
    assert sum(one.text is not None for one in found) >= 30
    assert sum(bool(one.reply and one.reply.calls) for one in found) >= 20


def test_a_walk_is_the_same_again() -> None:
    one, other = (sampling.sample("glm-4.5 7", walks.BYTES, questions=False) for _ in range(2))
    assert one.text == other.text


def test_a_real_vocabulary() -> None:
    from toolglot.engines import EngineError

    try:
        walks.words("smollm2")
    except EngineError as error:
        pytest.skip(f"no model: {error}")
    found = [sampling.sample(f"{name} {n}", "smollm2", questions=False) for name in ("hermes", "qwen3") for n in range(5)]
    assert [(one.wrong, one.text) for one in found if one.wrong not in ("", "not enforced")] == []
    assert sum(bool(one.reply and one.reply.calls) for one in found) >= 3


def test_the_verdict_would_notice() -> None:
    model = Model(dialects()["hermes"])
    tools = as_tools([*walks.MADE])
    constraint = model.constrain(tools, "required")
    options = {"choice": "required", "reasoning": "none", "most": 1, "after": False}
    one = walks.Asked(model, tools, model.prompt([{"role": "user", "content": "Hi"}], tools), constraint, options)

    def said(*parts: Any) -> str:
        return sampling.wrong(one, Reply(parts))

    assert said(Call("now", {})) == ""
    assert said() == "no call"
    assert said(Text("well"), Call("now", {})) == "words (w) and calls (c) as wc"
    assert said(Call("now", {}), Call("now", {})) == "2 calls"
    assert said(Call("later", {})) == "a call of later"
    assert "`count` is required" in said(Call("shop.order-now", {}))
    assert "none of its grammar" in said(Call("open_path", {"input": "no path!"}))
    assert "none of its grammar" in said(Call("add_up", {"input": "1 + 2"}))
    assert said(Call("add_up", {"input": "1+(2-3)"})) == ""
