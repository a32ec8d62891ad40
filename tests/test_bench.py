"""The benchmarks run, on very little, and what they judge by is right. Of times, only that they do not explode."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from toolglot.engines import EngineError
from toolglot.engines.weights import find_model
from toolglot.evaluate import leaderboard
from toolglot.model import model

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
sys.path.append(str(ROOT / "bench"))

import common  # noqa: E402
import reading  # noqa: E402

recorded = pytest.mark.skipif(not (SHARED / "recorded").is_dir(), reason="no recorded questions here")
templates = pytest.mark.skipif(not (SHARED / "templates").is_dir(), reason="no published chat templates here")


@pytest.fixture(scope="module")
def weights() -> str:
    pytest.importorskip("xllamacpp", reason="the embedded engine is not installed")
    pytest.importorskip("llguidance", reason="llguidance is not installed")
    try:
        return str(find_model())
    except EngineError as error:
        pytest.skip(f"no model: {error}")


def run(script: str, *words: str) -> str:
    """What a benchmark prints. Piped, it says nothing else."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([sys.executable, str(ROOT / "bench" / f"{script}.py"), *words], capture_output=True,
                          text=True, timeout=300, env=env)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()
            if line.startswith("| ") and not line.startswith("| ---")][1:]


# -- the scripts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", ["constrained", "converting", "evaluating", "gateway", "gold", "imports", "kills",
                                    "mask", "masks", "questions", "reading", "reading_rows", "recorded", "rescuing",
                                    "sampling", "soak", "tier", "tiny", "writing"])
def test_every_script_says_what_it_does(script: str) -> None:
    if script in ("gold", "mask", "questions", "sampling"):
        pytest.importorskip("llguidance", reason="llguidance is not installed")
    if script == "gold":
        pytest.importorskip("xgrammar", reason="xgrammar is not installed")
    assert "--write" in run(script, "--help")


def test_imports_brings_in_the_standard_library_alone() -> None:
    found = {row[0]: row[1] for row in rows(run("imports", "--runs", "1"))}
    assert found["not of the standard library"] == "none"


def test_reading_has_a_row_for_each_dialect() -> None:
    text = run("reading", "--runs", "1", "--sizes", "100", "400", "1600", "--dialect", "hermes", "--dialect", "glm-4.5")
    assert [row[:2] for row in rows(text)] == [["hermes", "JSON"], ["glm-4.5", "tagged"]]


@pytest.mark.parametrize("dialect", ["hermes", "qwen3-coder", "llama-pythonic"])
def test_ten_times_the_text_is_about_ten_times_the_work(dialect: str) -> None:
    spent = []
    for size in (10_000, 100_000):
        text = model(dialect).write([reading.Call("write_file", {"path": "a", "content": reading.prose(size)})])
        pieces = [text[i:i + 4] for i in range(0, len(text), 4)]
        spent += common.best(reading.feeding(model(dialect), pieces), times=2)
    assert spent[1] <= 30 * spent[0]


@recorded
def test_recorded_outputs_are_read_and_judged() -> None:
    """All of them: what was once reached is kept, on average and for each model."""
    text = run("recorded")
    checks = next(line for line in text.splitlines() if line.startswith("Checks: "))
    assert checks.startswith("Checks: mean AST") and "**" not in checks and checks.count("none") == 2
    assert sum(row[0].endswith("mistral-medium-2312") for row in rows(text)) == 1


@recorded
def test_recorded_outputs_can_be_shown() -> None:
    text = run("recorded", "--model", "mistral-medium", "--category", "irrelevance", "--show", "2")
    assert text.count("→ called ") == 2 and "Checks: not of a part." in text


@recorded
def test_rescuing_is_compared_with_other_readers() -> None:
    text = run("rescuing", "--every", "100", "--size", "10000")
    found = {row[0]: row[1] for row in rows(text)}
    assert float(found["toolglot.rescue"]) > float(found["the leaderboard's decoders"])
    assert {"prose", "calls", "open calls"} <= found.keys()


@templates
def test_writing_compares_what_is_equal() -> None:
    (row,) = rows(run("writing", "--runs", "3", "--dialect", "hermes"))
    assert row[0] == "hermes"


def test_mask_compiles_and_lets_right_calls_through(weights: str) -> None:
    text = run("mask", "--vocabulary", "smollm2", "--runs", "1", "--tools", "2", "--calls", "2", "--dialect", "json")
    (row,) = rows(text)
    assert row[:4] == ["json", "smollm2", "llguidance", "2"]
    assert "2 of 2" in row


def test_masks_finds_no_violation_and_says_how_fast() -> None:
    text = run("masks", "--conversations", "40", "--dialect", "hermes", "--dialect", "mistral-v2")
    assert "in 2 dialects, 0 violations" in text and [row[0] for row in rows(text)] == ["hermes", "mistral-v2"]
    assert all(int(row[1]) >= 10 and row[3] == "0" for row in rows(text)) and "a second of processor time" in text


@recorded
def test_questions_are_answered_and_a_rerun_asks_nothing_again(weights: str, tmp_path: Path) -> None:
    kept = tmp_path / "replies.jsonl"
    words = ("--model", weights, "--threads", "1", "--limit", "1", "--category", "simple", "--replies", str(kept))
    assert rows(run("questions", *words, "--constrained"))[0][:3] == ["simple", "constrained", "1"]
    first = kept.read_text()
    kept.write_text(first + '{"digest": "cut sho')           # killed in the middle of a line
    began = time.perf_counter()
    again = rows(run("questions", *words))
    assert [row[1] for row in again] == ["constrained", "free"]
    assert kept.read_text().startswith(first)
    assert len(kept.read_text().splitlines()) == 3
    assert time.perf_counter() - began < 120
    lines = kept.read_text()
    assert rows(run("questions", *words)) == again
    assert kept.read_text() == lines


# -- the checker -----------------------------------------------------------------------------------------------

FUNCTION = {"name": "f", "parameters": {"type": "dict", "required": ["city"], "properties": {
    "city": {"type": "string"}, "days": {"type": "integer"}, "rate": {"type": "float"}, "on": {"type": "boolean"},
    "tags": {"type": "array", "items": {"type": "string"}}, "at": {"type": "array", "items": {"type": "float"}},
    "who": {"type": "dict"}, "rows": {"type": "array", "items": {"type": "dict"}}, "what": {"type": "any"}}}}
CASES: list[tuple[dict[str, Any], dict[str, list[Any]], str]] = [
    ({"city": "Paris"}, {"city": ["Paris"]}, ""),
    ({"city": "new-york, ny"}, {"city": ["New York, NY"]}, ""),
    ({"city": "Rome"}, {"city": ["Paris"]}, "value city"),
    ({}, {"city": ["Paris"]}, "missing city"),
    ({"city": "Paris", "zip": 1}, {"city": ["Paris"]}, "unexpected zip"),
    ({"city": "Paris", "days": 3}, {"city": ["Paris"]}, "unexpected days"),
    ({"city": "Paris"}, {"city": ["Paris"], "days": [3, ""]}, ""),
    ({"city": "Paris"}, {"city": ["Paris"], "days": [3]}, "missing days"),
    ({"city": "Paris", "days": 3.0}, {"city": ["Paris"], "days": [3]}, "type days"),
    ({"city": "Paris", "days": True}, {"city": ["Paris"], "days": [1]}, "type days"),
    ({"city": "Paris", "days": "3"}, {"city": ["Paris"], "days": ["3"]}, ""),
    ({"city": "Paris", "rate": 5}, {"city": ["Paris"], "rate": [5.0]}, ""),
    ({"city": "Paris", "rate": 5.5}, {"city": ["Paris"], "rate": [5]}, "value rate"),
    ({"city": "Paris", "on": True}, {"city": ["Paris"], "on": [True]}, ""),
    ({"city": "Paris", "on": 1}, {"city": ["Paris"], "on": [True]}, "type on"),
    ({"city": "Paris", "tags": ["A", "b c"]}, {"city": ["Paris"], "tags": [["x"], ["a", "bc"]]}, ""),
    ({"city": "Paris", "tags": ["b", "a"]}, {"city": ["Paris"], "tags": [["a", "b"]]}, "value tags"),
    ({"city": "Paris", "at": [1, 2]}, {"city": ["Paris"], "at": [[1.0, 2.0]]}, "type at"),
    ({"city": "Paris", "at": [1, 2]}, {"city": ["Paris"], "at": [[1, 2]]}, ""),
    ({"city": "Paris", "who": {"name": "ann"}}, {"city": ["Paris"], "who": [{"name": ["Ann"], "age": [3, ""]}]}, ""),
    ({"city": "Paris", "who": {"name": "ann"}}, {"city": ["Paris"], "who": [{"name": ["Ann"], "age": [3]}]},
     "value who"),
    ({"city": "Paris", "who": {"nick": "ann"}}, {"city": ["Paris"], "who": [{"name": ["Ann"]}]}, "value who"),
    ({"city": "Paris", "rows": [{"a": "1"}]}, {"city": ["Paris"], "rows": [[{"a": ["1"]}]]}, ""),
    ({"city": "Paris", "rows": [{"a": "1"}, {"a": "1"}]}, {"city": ["Paris"], "rows": [[{"a": ["1"]}]]}, "value rows"),
    ({"city": "Paris", "what": 7}, {"city": ["Paris"], "what": [7]}, ""),
    ({"city": None}, {"city": ["Paris"]}, "type city"),
]


@pytest.mark.parametrize(("given", "accepted", "verdict"), CASES)
def test_the_checker_keeps_the_leaderboard_s_rules(given: dict[str, Any], accepted: dict[str, list[Any]],
                                                   verdict: str) -> None:
    assert leaderboard.wrong(FUNCTION["parameters"], given, accepted) == verdict


@recorded
def test_the_checker_agrees_with_published_verdicts() -> None:
    items = {q["id"]: q for q in common.questions() if q["category"] in ("simple", "multiple")}
    same, count = 0, 0
    with gzip.open(SHARED / "recorded" / "outputs.jsonl.gz", "rt", encoding="utf-8") as file:
        for output in (json.loads(line) for line in file if '"Salesforce_xLAM' in line):
            try:
                (call,) = json.loads(output["raw"])["tool_calls"]
                (name, accepted), = items[output["id"]]["ground_truth"][0].items()
            except (ValueError, KeyError, TypeError):       # another category, no JSON, or not one call
                continue
            function = next((f for f in items[output["id"]]["functions"] if f["name"] == call["name"]), None)
            right = function is not None and call["name"] == name and not leaderboard.wrong(
                function["parameters"], call["arguments"], accepted)
            count, same = count + 1, same + (right == output["published_ok"])
    assert count > 400
    assert same >= 0.99 * count
