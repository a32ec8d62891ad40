"""Asking a suite: what is right is found to be, what fails is told, and what was killed goes on exactly."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import toolglot
from evaluations import CITIES, Oracle, asked, due, refuse, right, suite, text_of, timeless, tool, user
from toolglot.cli import main
from toolglot.engines import EngineError, Request
from toolglot.engines.scripted import HANG_UP, Scripted, ScriptedChat
from toolglot.evaluate.item import Item, Step
from toolglot.evaluate.journal import Journal, JournalError, read_journal
from toolglot.evaluate.pinned import Source
from toolglot.evaluate.record import Record, Setting
from toolglot.evaluate.run import questions, results_of
from toolglot.evaluate.settings import named, settings_of
from toolglot.evaluate.whole import Plan, evaluation, from_journal, items_of, sample
from toolglot.message import Call, Text, ToolglotError
from toolglot.registry import cards, idioms, untrained

HOME = Path(__file__).parent
SOME = ("qwen3", "hermes", "llama-pythonic", "mistral-v3", "deepseek-v3.1", "qwen3-coder", "glm-4.5", "json-list", "xml")


# -- what is asked, and how it is read -------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", SOME)
def test_who_writes_what_is_due_is_found_right(dialect: str) -> None:
    found = asked(dialect=dialect, constrain="both", choice="auto", parallel="on")
    assert [one for one in found.records if not one.right] == []
    assert all(said.streamed and said.valid == len(said.calls) for one in found.records for said in one.said)
    assert {one.setting.constrain for one in found.records} == {True, False}


@pytest.mark.parametrize("dialect", ["qwen3", "json"])
def test_the_right_answers_of_the_tier_suite_are_right(dialect: str) -> None:
    """Written in a model's own format, asked for with all that was said before, read three times, and judged."""
    items = sample(list(items_of("tier", 0)), 30, 0)
    writer = toolglot.model(dialect)
    replies = []
    for step in [step for item in items for step in item.steps]:
        calls = [Call(one.name, {name: values[0] for name, values in one.arguments.items()}) for one in step.calls]
        replies.append(writer.write(calls or [Text(step.words[0] if step.words else "So be it.")]))
    engine = Scripted(replies)
    found = toolglot.evaluate(engine=engine, items=items, limit=None, dialects=[dialect], constrain="off")
    assert [(one.item, one.detail) for one in found.records if not one.right] == []
    assert len(engine.requests) == len(replies) and all(said.streamed for one in found.records for said in one.said)


def test_a_step_is_asked_only_where_those_before_it_were_right() -> None:
    answer = right(suite(1), "qwen3")

    def reply(request: Request) -> str:
        return "I do not know." if "And the time" in text_of(request) else answer(request)

    turns = next(one for one in asked(reply, items=suite(1)).records if one.item == "turns_0")
    assert (turns.right, turns.cause, turns.step, len(turns.said), turns.due) == (False, "no call", 1, 2, (1, 1, 0))


def test_the_conversation_goes_on_with_the_model_s_own_calls_and_their_results() -> None:
    items = suite(1)
    engine = Oracle(right(items, "mistral-v3"))
    found = toolglot.evaluate(engine=engine, items=[items[3]], dialects=["mistral-v3"], constrain="off")
    assert found.records[0].right
    last = text_of(engine.requests[-1])
    assert last.count("mine00000") >= 2, "the ids are the model's own"
    assert "clear-0" in last and "12:00" in last


def test_each_call_has_its_own_result_whatever_their_order() -> None:
    step = Step((due("weather", "Paris"), due("weather", "Rome"), due("time", "Rome")), results=("p", "r", "t"))
    item = Item("a", "k", (), (), (step,))
    calls = [Call("time", {"city": "Rome"}), Call("weather", {"city": "Rome"}), Call("weather", {"city": "Paris"})]
    assert results_of(item, step, calls) == ["t", "r", "p"]


def test_what_a_model_may_do_is_part_of_the_setting() -> None:
    simple = settings_of(Scripted([]), ["json"])
    assert [(one.constrain, one.choice, one.parallel) for one in simple] == [
        (False, "auto", True), (True, "auto", True), (True, "required", False)]
    trained = settings_of(Scripted([]), ["qwen3"])
    assert [(one.constrain, one.choice) for one in trained] == [(False, "auto"), (True, "auto")]
    every = settings_of(Scripted([]), ["all"], ["all"])
    simple_ones = [name for name, card in cards().items() if card.framed]
    assert len(set(every)) == len(every) == len(simple_ones) * len(idioms()) * 3
    assert len({named(one) for one in every}) == len(every)


def test_what_is_required_of_an_untrained_model_is_a_call_and_then_words() -> None:
    found = asked(dialect="json", constrain="on", choice="required", items=suite(1))
    choices = {one.item: [said.choice for said in one.said] for one in found.records}
    assert untrained(toolglot.model("json").dialect)
    assert choices["call_0"] == ["required"] and choices["turns_0"] == ["required", "required", "none"]


def test_wrong_settings_are_refused_before_anything_is_asked() -> None:
    for options in ({"dialects": ["no-such"]}, {"idioms": ["klingon"]}, {"dialects": ["qwen3"], "idioms": ["python"]}):
        engine = Oracle(lambda request: "")
        with pytest.raises(ToolglotError):
            toolglot.evaluate(engine=engine, items=suite(1), **options)
        assert not engine.requests
    with pytest.raises(ToolglotError, match="chat API"):
        settings_of(ScriptedChat([]), ["json"])


def test_a_chat_api_is_asked_in_its_own_way() -> None:
    call = {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "c1", "function": {
        "name": "weather", "arguments": '{"city": "Paris"}'}}]}, "finish_reason": "tool_calls"}]}
    found = toolglot.evaluate(engine=ScriptedChat([[call]]), items=suite(1)[:1])
    assert found.records[0].right and found.records[0].setting == Setting("", None, False)


def test_a_sample_takes_from_every_kind_and_the_same_each_time() -> None:
    items = suite(8)
    taken = sample(items, 6, 3)
    assert {one.kind for one in taken} == {one.kind for one in items} and len(taken) == 6
    assert taken == sample(items, 6, 3) and taken != sample(items, 6, 4)
    assert sample(items, None, 0) == items == sample(items, 99, 0)


def test_settings_of_one_prompt_stand_together_and_take_turns_to_be_first() -> None:
    settings = [Setting("json", None, False), Setting("json"), Setting("xml", None, False), Setting("xml")]
    order = [[one.setting for one in questions([item], settings)] for item in suite(1)]
    assert all(asked[:2] in (settings[:2], settings[1::-1]) for asked in order)
    rotated = [one.setting for one in questions(suite(1)[:2], settings)]
    assert rotated[:4] == settings and rotated[4:] == [settings[1], settings[0], settings[3], settings[2]]


def test_many_at_a_time_come_to_the_same_records() -> None:
    assert timeless(asked(items=suite(4), concurrency=1).records) == timeless(asked(items=suite(4), concurrency=7).records)


# -- what fails ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("concurrency", [1, 3])
def test_one_failure_of_the_engine_is_a_record_and_the_run_goes_on(concurrency: int) -> None:
    found = asked(refuse("call_1: "), concurrency=concurrency)
    failed = [one for one in found.records if not one.right]
    assert [(one.item, one.cause) for one in failed] == [("call_1", "engine failed")]
    assert failed[0].detail == "out of paper" and len(found.records) == len(suite())


def test_an_engine_that_answers_some_questions_is_not_given_up(tmp_path: Path) -> None:
    """All that fail stand in a row: the engine is asked whether it is there, and it is."""
    found = asked(refuse(": "))
    assert {one.cause for one in found.records} == {"engine failed"} and len(found.records) == len(suite())


def test_a_dead_engine_ends_the_run_and_spoils_no_record(tmp_path: Path) -> None:
    answer, alive, path = right(suite(), "qwen3"), [4], tmp_path / "journal"

    def reply(request: Request) -> Any:
        alive[0] -= 1
        return answer(request) if alive[0] >= 0 else [HANG_UP]

    def dead(request: Request) -> Any:
        return [EngineError("no route to host")] if alive[0] <= 0 else reply(request)

    with pytest.raises(EngineError, match=r"no route to host.*--resume"):
        asked(dead, journal=path)
    kept = read_journal(path)[1]
    assert kept and all(one.right for one in kept), "failures before the end are asked again"
    alive[0] = 999
    assert timeless(asked(dead, journal=path, resume=True).records) == timeless(asked().records)


def test_a_prompt_that_cannot_be_made_is_a_record() -> None:
    odd = replace(suite(1)[0], messages=({"role": "tool", "content": "of nothing", "tool_call_id": "x"},))
    with pytest.raises(ToolglotError):
        asked(items=[odd], dialect="qwen3")
    clash = replace(suite(1)[0], steps=(Step(suite(1)[0].steps[0].calls, tools=(tool("later"),), then=(user("?"),)),
                                        Step((due("later", CITIES[0]),))))
    assert asked(lambda request: "no", items=[clash]).records[0].cause == "no call"


# -- the journal -----------------------------------------------------------------------------------------------


def test_a_journal_cut_at_any_byte_is_resumed_exactly(tmp_path: Path) -> None:
    items = suite(1)
    whole = timeless(asked(items=items, journal=tmp_path / "whole").records)
    data = (tmp_path / "whole").read_bytes()
    lines = [at for at, byte in enumerate(data) if byte == 10]
    chance = random.Random(1)
    for at in {0, 1, len(data), *lines, *(end + 1 for end in lines), *(chance.randrange(len(data)) for _ in range(15))}:
        path = tmp_path / f"cut{at}"
        path.write_bytes(data[:at])
        assert timeless(asked(items=items, journal=path, resume=True).records) == whole, at
        assert timeless(read_journal(path)[1]) == whole, at


def test_nothing_that_was_answered_is_asked_again(tmp_path: Path) -> None:
    path, items = tmp_path / "journal", suite(1)
    asked(items=items, journal=path)
    before = path.read_bytes()
    engine = Oracle(right(items, "qwen3"))
    toolglot.evaluate(engine=engine, items=items, dialects=["qwen3"], limit=None, constrain="off", journal=path,
                      resume=True)
    assert not engine.requests and path.read_bytes() == before


@pytest.mark.parametrize(("changed", "place"), [
    ({"seed": 7}, "suite.seed"), ({"max_tokens": 9}, "sampling.max_tokens"), ({"constrain": "both"}, "settings"),
    ({"items": suite(2)}, "suite.sha256"), ({"dialect": "hermes"}, "settings"),
    ({"concurrency": 3}, "sampling.concurrency")])
def test_another_run_does_not_go_on_in_the_same_journal(tmp_path: Path, changed: dict[str, Any], place: str) -> None:
    path = tmp_path / "journal"
    asked(items=suite(1), journal=path)
    before = path.read_bytes()
    with pytest.raises(JournalError, match=place.replace(".", r"\.")):
        asked(**{"items": suite(1), "journal": path, "resume": True, **changed})
    with pytest.raises(JournalError, match="--resume"):
        asked(items=suite(1), journal=path)
    assert path.read_bytes() == before


def test_a_damaged_journal_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    asked(items=suite(1), journal=path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], b"{]\n", *lines[3:]]))
    with pytest.raises(JournalError, match="line 3"):
        asked(items=suite(1), journal=path, resume=True)
    path.write_text('{"else": 1}\n')
    with pytest.raises(JournalError, match="expected the journal"):
        from_journal(path)
    with pytest.raises(JournalError, match="No such file"):
        from_journal(tmp_path / "none")


@pytest.mark.skipif(sys.platform == "win32", reason="files are not locked there")
def test_two_runs_do_not_write_one_journal(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal", {}), pytest.raises(JournalError, match="another run"):
        Journal(tmp_path / "journal", {}, resume=True)


def test_text_that_is_no_text_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    found = asked(lambda request: "half \ud800 of a pair\u2028", items=suite(1), journal=path)
    assert read_journal(path)[1] == list(found.records)


# -- what is killed --------------------------------------------------------------------------------------------


def started(path: Path, concurrency: int, count: int = 3) -> subprocess.Popen[str]:
    command = [sys.executable, str(HOME / "evaluations.py"), str(path), "0.003", str(concurrency), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                            env={**os.environ, "PYTHONPATH": f"{HOME.parent / 'src'}{os.pathsep}{HOME}"})


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL there")
@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_run_that_is_killed_and_resumed_has_the_records_of_one_that_was_not(tmp_path: Path, concurrency: int) -> None:
    path, chance, kills = tmp_path / "journal", random.Random(concurrency), 0
    whole = timeless(asked(items=suite(3), constrain="both", concurrency=concurrency).records)
    for _ in range(2):
        with started(path, concurrency) as run:
            assert run.stdout
            reach = chance.randrange(2, 9)
            for line in run.stdout:
                if line.startswith("{") or int(line) % 24 >= reach + 7 * kills:
                    break
            time.sleep(chance.random() / 100)
            run.kill()
        kills += run.returncode == -signal.SIGKILL
    assert kills >= 1
    with started(path, concurrency) as run:
        output = run.communicate(timeout=30)[0]
    assert run.returncode == 0 and '"tier"' in output
    assert timeless(read_journal(path)[1]) == whole


def test_a_run_that_is_cancelled_stops_the_engine_and_keeps_what_is_done(tmp_path: Path) -> None:
    items, path = suite(3), tmp_path / "journal"
    engine = Oracle(right(items, "qwen3"), delay=0.02)
    seen: list[int] = []

    async def run() -> None:
        task = asyncio.create_task(evaluation(
            engine=engine, items=items, dialects=["qwen3"], limit=None, constrain="off", journal=path, concurrency=2,
            progress=lambda done, total, record: seen.append(done)))
        while not seen or seen[-1] < 4:
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert engine.cancelled == 2
    assert len(read_journal(path)[1]) == seen[-1] >= 4
    assert timeless(asked(items=items, journal=path, resume=True, concurrency=2).records) == timeless(
        asked(items=items, concurrency=2).records)


# -- the command line ------------------------------------------------------------------------------------------


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Oracle]:
    """The command line with an engine that plays a script, and a suite of ours."""
    from toolglot.evaluate import whole

    engines: list[Oracle] = []

    def opened(args: Any, slots: int) -> Oracle:
        engines.append(Oracle(right(suite(2), "qwen3")))
        return engines[-1]

    monkeypatch.setattr("toolglot.cli.open_engine", opened)
    monkeypatch.setattr("toolglot.evaluate.pinned.source_of", lambda where: Source())
    monkeypatch.setattr(whole, "items_of", lambda name, seed: suite(2))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return engines


def test_the_command_asks_reports_and_resumes(scripted: list[Oracle], tmp_path: Path,
                                              capsys: pytest.CaptureFixture[str]) -> None:
    page, data = tmp_path / "r.html", tmp_path / "r.json"
    command = ["evaluate", "--dialect", "qwen3", "--limit", "all"]
    assert main([*command, "--report", str(page), str(data)]) == 0
    out, err = capsys.readouterr()
    assert "asking 8 items of suite tier in 2 settings" in err and "verdict" in out and "several turns" in out
    assert page.read_text("utf-8").startswith("<!doctype html>") and '"complete": true' in data.read_text("utf-8")
    assert main([*command, "--resume"]) == 0
    assert not scripted[-1].requests, "the journal in the cache had it all"
    assert main(command) == 0 and scripted[-1].requests
    kept = sorted(one.name for one in (tmp_path / "cache" / "toolglot" / "evaluate").iterdir())
    assert len(kept) == 2, "the one before was put aside, not thrown away"


def test_a_sample_says_that_it_is_one(scripted: list[Oracle], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--dialect", "qwen3", "--limit", "3", "--json"]) == 0
    out, err = capsys.readouterr()
    assert "asking 3 items of 8 (--limit all asks all)" in err and '"answered": 6' in out


def test_what_cannot_work_is_exit_code_2(scripted: list[Oracle], tmp_path: Path,
                                         capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in (["--report", "report.docx"], ["--dialect", "no-such"], ["--read", str(tmp_path / "none")],
                  ["--suite", "recorded"]):
        assert main(["evaluate", *wrong]) == 2
        assert capsys.readouterr().err.count("\n") <= 2
    assert not any(engine.requests for engine in scripted)


def test_ctrl_c_says_how_to_go_on(scripted: list[Oracle], monkeypatch: pytest.MonkeyPatch,
                                  capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from toolglot.evaluate import run as running

    answered, count = running.answered, []

    async def interrupted(*given: Any) -> Record:
        count.append(1)
        if len(count) > 3:
            raise KeyboardInterrupt
        return await answered(*given)

    monkeypatch.setattr(running, "answered", interrupted)
    path = tmp_path / "journal"
    assert main(["evaluate", "--dialect", "qwen3", "--limit", "all", "--journal", str(path)]) == 130
    assert "--resume goes on" in capsys.readouterr().err
    assert len(read_journal(path)[1]) == 3
    assert main(["evaluate", "--read", str(path)]) == 1
    assert "So far: 3 of 16" in capsys.readouterr().out


def test_the_package_is_the_function() -> None:
    import toolglot.evaluate.run

    found = toolglot.evaluate(engine=Oracle(right(suite(1), "qwen3")), items=suite(1), dialects=["qwen3"])
    assert found.tier == "none" and found.report["complete"]
    assert Plan().suite == "tier"


# -- Ray -------------------------------------------------------------------------------------------------------


class Rows:
    """As much of Ray's Dataset as is used, in this process."""

    def __init__(self, rows: Sequence[dict[str, Any]]) -> None:
        self.rows = list(rows)

    def take_all(self) -> list[dict[str, Any]]:
        return self.rows


def spread(monkeypatch: pytest.MonkeyPatch, work: Any) -> tuple[Any, list[int]]:
    from types import SimpleNamespace

    from toolglot.engines import ModelFacts
    from toolglot.evaluate import spread as module

    batches: list[int] = []

    def processed(rows: Rows) -> Rows:
        batches.append(len(rows.rows))
        return Rows(work(rows.rows))

    monkeypatch.setattr(module, "library", lambda name: SimpleNamespace(from_items=Rows))
    return module.Spread(ModelFacts("spread", context=8192), processed, Scripted([]).rules, linger=0.01), batches


def worked(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    from toolglot.evaluate.spread import _Worker

    columns = {name: [row[name] for row in rows] for name in rows[0]}
    done = _Worker(lambda: Oracle(right(suite(), "qwen3")))(columns)
    return [dict(zip(done, values, strict=True)) for values in zip(*done.values(), strict=True)]


def test_batches_come_to_what_one_by_one_comes_to(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, batches = spread(monkeypatch, worked)
    found = toolglot.evaluate(engine=engine, items=suite(), dialects=["qwen3"], limit=None, concurrency=99)
    assert timeless(found.records) == timeless(asked(constrain="both").records)
    assert batches == [16, 4, 4], "a batch a step"


def test_a_batch_that_fails_is_the_engine_s_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(rows: Any) -> Any:
        raise RuntimeError("a worker died")

    engine, _ = spread(monkeypatch, broken)
    with pytest.raises(EngineError, match="a worker died"):
        toolglot.evaluate(engine=engine, items=suite(), dialects=["qwen3"], constrain="off", concurrency=99)


def test_vllm_s_rows_hold_the_request() -> None:
    import json

    from toolglot.engines import PromptPiece, Rules
    from toolglot.evaluate.spread import Spread, vllm_answers, vllm_rows

    engine = Spread(Scripted([]).facts, lambda rows: rows, Scripted([]).rules, lambda prompt: [1, 2, 3])
    row = engine._row(Request([PromptPiece("a")], Rules("structural_tag", "{}"), ("<end>",), 9, top_p=0.5))
    sent = vllm_rows({"number": 4, "request": json.dumps(row)})
    assert sent["tokenized_prompt"] == [1, 2, 3] and sent["sampling_params"] == {
        "max_tokens": 9, "temperature": 0.0, "seed": 0, "stop": ["<end>"], "skip_special_tokens": False, "top_p": 0.5,
        "structured_outputs": {"structural_tag": "{}"}}
    came = {"number": 4, "most": 9, "generated_text": "x", "num_input_tokens": 3, "num_generated_tokens": 9}
    assert vllm_answers(came)["finish"] == "length"
    assert vllm_answers({**came, "num_generated_tokens": 8})["finish"] == "stop"
    assert vllm_answers({"number": 4, "__inference_error__": "too long"})["error"] == "too long"


@pytest.mark.slow
def test_ray_s_workers_answer() -> None:
    ray = pytest.importorskip("ray")
    pytest.importorskip("ray.data")
    if not os.environ.get("TOOLGLOT_SLOW"):
        pytest.skip("starts Ray; run with TOOLGLOT_SLOW=1")
    from toolglot.engines import ModelFacts
    from toolglot.evaluate.spread import Spread, by_engine

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=200_000_000,
             runtime_env={"env_vars": {"PYTHONPATH": f"{HOME.parent / 'src'}{os.pathsep}{HOME}"}})
    try:
        engine = Spread(ModelFacts("spread", context=8192), by_engine(lambda: Oracle(right(suite(), "qwen3")), workers=1),
                        Scripted([]).rules)
        found = toolglot.evaluate(engine=engine, items=suite(), dialects=["qwen3"], limit=None, concurrency=99)
    finally:
        ray.shutdown()
    assert timeless(found.records) == timeless(asked(constrain="both").records)
