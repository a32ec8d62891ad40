"""The vectors of tests/vectors: what each text means, whole and in pieces. They are data for parsers in any language."""

from __future__ import annotations

import random
from typing import Any

import pytest

import vectors
from strategies import spellings
from toolglot.message import Reply, fold
from toolglot.model import model
from toolglot.parse import Parser, parse
from toolglot.registry import cards, dialects
from toolglot.render import render
from vectors import KINDS, Case, parts, plain

TOOLS = vectors.tools()
CASES = list(vectors.cases())
every_case = pytest.mark.parametrize("case", CASES, ids=str)


def given(case: Case) -> tuple[Any, ...] | None:
    named = case.data["tools"]
    return None if named is None else tuple(TOOLS[n] for n in named)


def streamed(case: Case, cuts: list[int]) -> Reply:
    text = case.data["text"]
    parser, events, last = Parser(dialects()[case.dialect], given(case), prompt=case.data.get("prompt")), [], 0
    for cut in [*cuts, len(text)]:
        events += parser.feed(text[last:cut])
        last = cut
    return fold([*events, *parser.close()])


@every_case
def test_a_vector_is_read_as_it_says(case: Case) -> None:
    reply = parse(dialects()[case.dialect], case.data["text"], given(case), prompt=case.data.get("prompt"))
    assert plain(reply.parts) == case.data["reply"]
    assert [[p.kind, p.name] if p.name else [p.kind] for p in reply.problems] == case.data.get("problems", [])


@every_case
def test_a_vector_is_read_the_same_in_pieces(case: Case) -> None:
    text, rng = case.data["text"], random.Random(case.data["text"])
    whole = parse(dialects()[case.dialect], text, given(case), prompt=case.data.get("prompt"))
    for cuts in (list(range(len(text))), list(range(0, len(text), 3)),
                 sorted(rng.randrange(len(text) + 1) for _ in range(8))):
        assert streamed(case, cuts) == whole


@every_case
def test_a_canonical_vector_is_what_the_dialect_writes(case: Case) -> None:
    if "canonical" in case.data["tags"]:
        assert render(dialects()[case.dialect], parts(case.data["reply"])) == case.data["text"]


@pytest.mark.parametrize("case", [c for c in CASES if "whole_at" in c.data], ids=str)
def test_a_vector_cut_anywhere_has_the_calls_that_are_whole_by_then(case: Case) -> None:
    text, whole_at = case.data["text"], case.data["whole_at"]
    calls = [p["call"]["name"] for p in case.data["reply"] if "call" in p]
    for cut in range(len(text) + 1):
        read = parse(dialects()[case.dialect], text[:cut], given(case), prompt=case.data.get("prompt"))
        assert [c.name for c in read.calls] == calls[: sum(at <= cut for at in whole_at)], text[:cut]
        kept = "".join(p.text for p in read.parts if hasattr(p, "text")) + "".join(p.raw for p in read.problems)
        assert cut == 0 or kept or read.calls or not text[:cut].strip() or all(
            not c.isalnum() or c in "".join(_words(case.dialect)) for c in text[:cut]), text[:cut]


def _words(dialect: str) -> list[str]:
    from toolglot.plan import literals

    d = dialects()[dialect]
    return [s for c in (d.calls, *d.accept) for t in (c.each, c.around) for s in literals(t)] + [
        s for t in (d.reasoning or (), d.content) for s in literals(t)]


@pytest.mark.parametrize(("dialect", "row"), [pytest.param(d, row, id=f"{d}-{i}") for d in vectors.folders()
                                              for i, row in enumerate(vectors.read(d, "prompts"))])
def test_a_prompt_is_what_the_model_s_own_template_makes(dialect: str, row: dict[str, Any]) -> None:
    made = model(dialect).prompt(row["messages"], [TOOLS[n] for n in row["tools"]], thinking=row.get("thinking"),
                                 today=row.get("today"))
    assert row["source"] and str(made) == row["text"]


@pytest.mark.parametrize("name", sorted(cards()))
def test_every_kind_of_case_has_a_vector_or_a_reason_why_not(name: str) -> None:
    cannot = {int(k): why for k, why in (vectors.read(name, "cannot") or {}).items()}
    shown = {k for c in CASES if c.dialect == name for k in KINDS if KINDS[k] in c.data["tags"]}
    assert shown | set(cannot) == set(KINDS), f"missing: {[KINDS[k] for k in set(KINDS) - shown - set(cannot)]}"
    assert not shown & set(cannot) and all(len(why) > 10 for why in cannot.values())
    assert all(c.data["source"] for c in CASES if c.dialect == name)


def test_every_folder_is_a_dialect_s() -> None:
    assert vectors.folders() == sorted(dialects())


def test_spellings_are_written_too() -> None:
    assert len(spellings(dialects()["llama3.1"])) == 5
