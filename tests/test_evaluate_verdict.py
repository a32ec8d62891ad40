"""What records come to: rates, tiers, advice and reports, all of them functions of the records alone."""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluations import asked, right, suite
from toolglot.evaluate.rates import Rate, told_apart
from toolglot.evaluate.record import Cause, Record, Said, Setting
from toolglot.evaluate.report import headline, report, told
from toolglot.evaluate.reports import write
from toolglot.evaluate.reports.markdown import cell, fence, markdown
from toolglot.evaluate.reports.page import page
from toolglot.evaluate.verdict import EXAMPLES, RATES, SKILLS, TIERS, examples, measured, natural, skill, verdict
from toolglot.message import ToolglotError

FREE, HELD = Setting("json", None, False), Setting("json")
MUST = replace(HELD, choice="required", parallel=False)
DUE = {"single": (1,), "parallel": (2,), "multi-turn": (1, 1), "restraint": (0,)}
HOSTILE = "</pre><script>alert(1)</script>`|*[x](javascript:1)"


def said(calls: int = 1, **options: Any) -> Said:
    made = tuple({"name": "weather", "arguments": {"city": "Paris"}} for _ in range(calls))
    return Said(**{"text": "t", "content": "", "reasoning": "", "calls": made, "problems": (), "valid": calls,
                   "finish": "stop", "prompt_tokens": 100, "completion_tokens": 20, "seconds": 0.5, **options})


def record(item: str, kind: str = "single", setting: Setting = HELD, right: bool = True, cause: Cause = "wrong arguments",
           **options: Any) -> Record:
    """One of a skill; a wrong one called all the same where a call was due."""
    due = DUE[kind]
    calls = due[0] if right else {"spurious call": 1, "no call": 0}.get(cause, max(due[0], 0))
    steps = tuple(said(due[n] if n else calls, step=n, choice=setting.choice) for n in range(len(due) if right else 1))
    return Record(**{"item": item, "kind": kind, "setting": setting, "right": right, "cause": None if right else cause,
                     "detail": "" if right else "so", "step": len(steps) - 1, "said": steps, "due": due, **options})


def records(counts: dict[str, tuple[int, int]], setting: Setting = HELD) -> list[Record]:
    """So many right and wrong ones of each skill."""
    return [record(f"{kind}_{n}", kind, setting, n < good, "spurious call" if kind == "restraint" else "wrong arguments")
            for kind, (good, bad) in counts.items() for n in range(good + bad)]


# -- rates -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hits", "of"), [(8, 10), (0, 10), (10, 10), (1, 2), (50, 100), (999, 1000), (1, 3)])
def test_an_interval_is_wilson_s(hits: int, of: int) -> None:
    """Its ends are the rates under which what was seen is 1.96 standard deviations away: how Wilson defined it."""
    one, seen = Rate(hits, of), hits / of
    for end in (one.low, one.high):
        away = abs(seen - end) / (end * (1 - end) / of) ** 0.5 if 0 < end < 1 else 1.96
        assert away == pytest.approx(1.96, abs=1e-6) or end == seen
    assert Rate(8, 10).low == pytest.approx(0.4902, abs=1e-4) and Rate(8, 10).high == pytest.approx(0.9433, abs=1e-4)


@given(st.integers(0, 300), st.integers(0, 300))
def test_an_interval_holds_its_rate_and_shrinks_with_more(hits: int, misses: int) -> None:
    one = Rate(hits, hits + misses)
    assert 0 <= one.low <= (one.value or 0) + (not one.of) and one.low <= one.high <= 1
    if one.of:
        assert one.low <= one.hits / one.of + 1e-9 and one.high >= one.hits / one.of - 1e-9
        more = Rate(hits * 4, one.of * 4)
        assert more.high - more.low < one.high - one.low


def test_two_ways_are_told_apart_by_the_items_that_differ() -> None:
    base = {str(n): n % 2 == 0 for n in range(200)}
    better = {key: value or int(key) < 20 for key, value in base.items()}        # ten more, none less
    noise = {key: value != (int(key) < 20) for key, value in base.items()}       # ten more, ten less
    assert told_apart(base, better) and told_apart(better, base)
    assert not told_apart(base, noise) and not told_apart(base, base) and not told_apart({}, base)
    assert not told_apart({str(n): True for n in range(5)}, {str(n): False for n in range(5)}), "5 of 5 is 6 %"
    assert told_apart({str(n): True for n in range(6)}, {str(n): False for n in range(6)}), "6 of 6 is 3 %"


# -- measures --------------------------------------------------------------------------------------------------


def test_what_an_item_asks_for_follows_from_what_is_due() -> None:
    assert {kind: skill(record("a", kind)) for kind in DUE} == {kind: kind for kind in DUE} and set(DUE) == set(SKILLS)


def test_precision_and_recall_are_about_free_choice() -> None:
    some = [*(record(f"a{n}") for n in range(6)), record("b", right=False, cause="no call"),
            record("c", right=False, cause="format lost", said=(said(0),)),
            record("d", "restraint"), *(record(f"e{n}", "restraint", right=False, cause="spurious call") for n in range(3))]
    found = measured(some).rates
    assert found["recall"] == Rate(7, 8), "a call that the format lost was one"
    assert found["precision"] == Rate(7, 10)
    forced = [replace(one, setting=MUST, said=tuple(replace(s, choice="required") for s in one.said)) for one in some]
    assert measured(forced).rates["precision"] == measured(forced).rates["recall"] == Rate(0, 0)


def test_what_it_cost_is_by_the_replies_that_were_due_a_call() -> None:
    some = [record("a"), record("b", right=False, said=(said(1, completion_tokens=60, seconds=1.5, valid=0),)),
            record("c", "restraint", said=(said(0, completion_tokens=500),))]
    found = measured(some)
    assert (found.tokens, found.seconds, found.prompt_tokens) == (40, 1.0, 100)
    assert found.tokens_a_right_call == 580 and found.rates["valid"] == Rate(1, 2)
    assert measured([record("c", "restraint")]).tokens is None


def test_examples_are_of_different_kinds_first() -> None:
    some = [record(f"s_{n}", right=False) for n in range(11)] + [record("m_1", "multi-turn", right=False)]
    random.Random(0).shuffle(some)
    assert [one.item for one in examples(some)["wrong arguments"]] == ["m_1", "s_0", "s_1"] and EXAMPLES == 3
    assert sorted(["a10", "a9", "a", "10", "9"], key=natural) == ["9", "10", "a", "a9", "a10"]


# -- the tier --------------------------------------------------------------------------------------------------

ALL = {"single": (50, 0), "parallel": (50, 0), "multi-turn": (50, 0), "restraint": (50, 0)}


@pytest.mark.parametrize(("changed", "tier"), [
    ({}, "full"), ({"restraint": (0, 50)}, "multi-turn"), ({"multi-turn": (0, 50)}, "parallel"),
    ({"parallel": (0, 50)}, "multi-turn"), ({"parallel": (0, 50), "multi-turn": (0, 50)}, "single"),
    ({"single": (25, 25)}, "zero-shot"), ({"single": (5, 45)}, "none"), ({"single": (0, 0)}, "none")])
def test_each_tier_is_what_its_rates_reach(changed: dict[str, tuple[int, int]], tier: str) -> None:
    found = verdict(records({**ALL, **changed}))
    assert found and found.best.tier.name == tier


def test_what_too_few_were_asked_for_is_open_and_not_claimed() -> None:
    few = verdict(records({"single": (3, 0)}))
    assert few and few.best.tier.name == "zero-shot"
    assert few.best.open == ("single", "parallel", "multi-turn", "full")
    many = verdict(records({**ALL, "parallel": (5, 45), "multi-turn": (5, 45), "restraint": (5, 45)}))
    assert many and many.best.tier.name == "single" and many.best.open == ()


def test_the_tiers_are_data_about_known_rates() -> None:
    assert [tier.name for tier in TIERS] == ["none", "zero-shot", "single", "parallel", "multi-turn", "full"]
    assert {name for tier in TIERS for name in tier.needs} <= set(RATES)


@given(st.dictionaries(st.sampled_from(sorted(DUE)), st.tuples(st.integers(0, 40), st.integers(1, 20)), min_size=1),
       st.sampled_from(sorted(DUE)))
def test_more_that_is_right_is_never_a_lower_tier(counts: dict[str, tuple[int, int]], kind: str) -> None:
    before = verdict(records(counts))
    good, bad = counts.get(kind, (0, 0))
    after = verdict(records({**counts, kind: (good + 1, max(0, bad - 1))}))
    assert before and after and TIERS.index(after.best.tier) >= TIERS.index(before.best.tier)


def test_the_order_of_records_does_not_matter() -> None:
    some = records(ALL) + records({**ALL, "single": (20, 30)}, FREE) + records({**ALL, "parallel": (0, 50)}, MUST)
    shuffled = random.Random(3).sample(some, len(some))
    assert verdict(some) == verdict(shuffled) and verdict([]) is None


# -- advice ----------------------------------------------------------------------------------------------------


def advice(some: list[Record]) -> dict[str, tuple[str, str]]:
    found = verdict(some)
    assert found
    return {one.what: (one.choose, one.why) for one in found.advice}


def test_the_advice_is_the_best_setting_beside_the_others() -> None:
    xml = replace(HELD, dialect="xml", idiom="python")
    some = records({**ALL, "single": (30, 20)}, FREE) + records(ALL, HELD) + records({**ALL, "single": (45, 5)}, xml)
    found = advice(some)
    assert found["dialect"][0] == "json" and "xml, python, constrained" in found["dialect"][1]
    assert found["constraint"][0] == "on" and "json, free: 90 %" in found["constraint"][1]
    assert "not told apart" in found["dialect"][1] or "told apart" not in found["dialect"][1]
    assert found["choice"][0] == "auto" and "idiom" not in found


def test_parallel_is_advised_where_it_gains_more_than_it_costs() -> None:
    twice = [record(f"x{n}", right=False, cause="wrong number", said=(said(2),)) for n in range(3)]
    assert advice(records({"parallel": (4, 0)}) + twice)["parallel"][0] == "yes"
    assert advice(records({"parallel": (3, 0)}) + twice)["parallel"][0] == "no"
    one = records({"single": (9, 0), "parallel": (0, 9)}, MUST)
    assert advice(one)["parallel"] == ("no", "several calls in a reply were not asked for; compare with --parallel both")
    assert "json, constrained" in advice(one + records({"single": (9, 0)}, replace(MUST, parallel=True)))["parallel"][1]


def test_a_chat_api_is_given_no_advice_that_it_could_not_take() -> None:
    assert advice(records(ALL, Setting("", None, False))) == {}


# -- reports ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    items = suite(3)
    answer = right(items, "json")
    mixed = asked(lambda request: "I am " + HOSTILE if "call_1: " in "".join(p.text for p in request.prompt)
                  else answer(request), dialect="json", items=items, constrain="both", idioms=["sketch", "python"])
    return dict(mixed.report)


def test_the_report_is_made_from_the_journal_alone(tmp_path: Path) -> None:
    from toolglot.evaluate.whole import from_journal

    ran = asked(items=suite(2), journal=tmp_path / "journal", constrain="both")
    again = from_journal(tmp_path / "journal").report
    assert json.loads(json.dumps(again)) == json.loads(json.dumps(ran.report))


def test_the_keys_of_the_report_are_stable(found: dict[str, Any]) -> None:
    assert list(found) == ["report", "run", "asked", "answered", "complete", "verdict", "settings", "kinds", "causes",
                           "examples", "definitions"]
    assert list(found["verdict"]) == ["tier", "means", "open", "constrained", "free", "recommended", "setting", "alike",
                                      "advice"]
    assert list(found["settings"][0]) == ["name", "setting", "tier", "open", "right", "exact", "rates", "streamed",
                                          "prompt_tokens", "tokens", "seconds", "tokens_a_right_call", "causes", "kinds"]
    assert list(found["run"]) == ["toolglot", "model", "engine", "suite", "settings", "sampling", "prompts_sha256"]
    assert list(told(Rate(1, 2))) == ["hits", "of", "rate", "low", "high"]
    json.dumps(found, allow_nan=False)


class Seen(HTMLParser):
    VOID = frozenset({"meta", "circle", "line", "rect", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action", "xlink:href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag in self.VOID or self.open.pop() == tag


def test_the_page_asks_for_nothing_and_runs_nothing(found: dict[str, Any]) -> None:
    text = page(found)
    seen = Seen()
    seen.feed(text)
    seen.close()
    assert seen.open == [] and seen.addresses == []
    assert not seen.tags & {"script", "link", "img", "iframe", "object", "form"} and {"svg", "table", "title"} <= seen.tags
    assert "url(" not in text and "@import" not in text and "default-src 'none'" in text
    assert "prefers-color-scheme: dark" in text


def test_what_a_model_says_is_text_in_every_report(found: dict[str, Any]) -> None:
    assert any(HOSTILE in one["text"] for some in found["examples"].values() for one in some)
    assert HOSTILE not in page(found) and "&lt;script&gt;alert(1)" in page(found)
    named = {**found, "run": {**found["run"], "model": {**found["run"]["model"], "name": HOSTILE}}}
    assert "<script>" not in page(named)
    outside = re.sub(r"^(`{3,})text\n.*?\n\1$", "", markdown(named), flags=re.S | re.M)
    assert "<script>" not in outside and not re.search(r"(?<!\\)\]\(javascript", outside)
    assert cell("a|b\n*c*") == r"a\|b \*c\*" and fence("x\n````\ny").startswith("`````text")


def test_the_pictures_show_every_setting_and_kind(found: dict[str, Any]) -> None:
    text = page(found)
    heat = text[text.index("Items right, by setting and kind"):]
    for one in found["settings"]:
        for kind in found["kinds"]:
            assert f"<title>{one['name']}, {kind}: " in heat
    numbers = [float(x) for x in re.findall(r'(?:c?[xy][12]?|width|height)="([-0-9.]+)"', text)]
    assert len(numbers) > 300 and all(-1 <= x <= 5000 for x in numbers)


def test_a_run_that_has_not_begun_is_told_too(tmp_path: Path) -> None:
    empty = report(asked(items=suite(1)).header, [])
    assert headline(empty) == "Nothing was answered yet." and not empty["complete"]
    for name in ("a.html", "a.md", "a.json"):
        write(empty, tmp_path / name)
        assert (tmp_path / name).stat().st_size > 500
    with pytest.raises(ToolglotError, match=r"\.html"):
        write(empty, "report.pdf")


def test_a_png_is_drawn_where_matplotlib_is(found: dict[str, Any], tmp_path: Path) -> None:
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        with pytest.raises(ToolglotError, match="matplotlib"):
            write(found, tmp_path / "a.png")
        return
    write(found, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
