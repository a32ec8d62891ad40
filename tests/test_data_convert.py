"""Data sets in, records out: in order, none lost in silence, the same whoever does it and however often it is killed."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import toolglot
from conversions import lines, many, openai, pairs, plain, records, sharegpt, slow
from data_samples import SAMPLES
from toolglot import cli
from toolglot.data import convert, rows
from toolglot.data.checks import Seen, garbled
from toolglot.data.contamination import against, of_suite
from toolglot.evaluate.journal import JournalError
from toolglot.message import ToolglotError

HOME = Path(__file__).parent
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process, with one job: exit code, stdout, stderr."""
    def run(*argv: Any) -> tuple[int, str, str]:
        code = cli.main(["convert", *map(str, argv), "--jobs", "1"])
        seen = capsys.readouterr()
        return code, seen.out, seen.err

    return run


def written(path: Path, *rows: Any) -> Path:
    """A file of rows: texts are lines as they are."""
    path.write_text("".join(row + "\n" if isinstance(row, str) else lines([row]) for row in rows), encoding="utf-8")
    return path


def rejects(path: Path) -> list[Any]:
    return records(path.with_name(path.name + ".rejects.jsonl"))


# -- rows and rejects ------------------------------------------------------------------------------------------


def test_rows_become_records_in_order_and_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    source = written(tmp_path / "in.jsonl", openai(0), "{broken", openai(1), "", {"x": 1}, openai(2, "UNSAYABLE"), "[1, 2]",
                     openai(3, "CRASH"), openai(4, "caf\u00c3\u00a9"), sharegpt(5), '"' + "[" * 100_000, openai(6))
    with source.open("ab") as file:
        file.write(b'{"messages": "\xff\xfe"}\n' + b'{"n": Infinity}\n' + b'{"n": ' + b"9" * 5000 + b"}\n")
    out = tmp_path / "out.jsonl"
    told: list[str] = []
    found = convert(source, out, writer=plain, note=told.append)
    assert [one["asked"][-7:-1] for one in records(out)] == ["City 0", "City 1", "City 5", "City 6"]
    lost = rejects(out)
    assert [(one["line"], one["reason"]) for one in lost] == [
        (2, "broken JSON"), (5, "no known shape"), (6, "cannot be said here"), (7, "no known shape"),
        (8, "toolglot failed at it: KeyError"), (9, "garbled characters"), (11, "broken JSON"), (13, "not UTF-8"),
        (14, "broken JSON"), (15, "broken JSON")]
    data = source.read_bytes()
    assert all(data[one["offset"]:].startswith(one["raw"][:8].encode()) for one in lost if one["reason"] != "not UTF-8")
    assert all(one["file"] == str(source) and len(one["raw"]) <= 2001 for one in lost)
    assert lost[2]["at"] == "turn 0" and "'\u00e9'" in lost[5]["detail"]
    assert found.tally.rows == found.tally.records == 4 and found.tally.rejects == 10
    assert found.tally.shapes == {"openai": 3, "sharegpt": 1}
    assert found.tally.rejected["broken JSON"].count == 4 and found.tally.rejected["broken JSON"].first["line"] == 2
    assert len(told) == 1 and "in.jsonl: openai, for `messages`" in told[0]
    assert not list(tmp_path.glob("*.parts")) and found.rejects == f"{out}.rejects.jsonl"


def test_what_is_all_right_has_no_file_of_rejects(tmp_path: Path) -> None:
    found = convert(written(tmp_path / "in.jsonl", openai(0)), tmp_path / "out.jsonl", writer=plain)
    assert found.rejects is None and sorted(one.name for one in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_files_that_are_empty_cut_or_of_the_wrong_code_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\n \n")
    (tmp_path / "b.jsonl").write_bytes(b"")
    data = gzip.compress(lines(many(300)).encode())
    (tmp_path / "c.jsonl.gz").write_bytes(data[:len(data) // 2])
    (tmp_path / "d.jsonl").write_bytes(lines([openai(1)]).encode("utf-16"))
    found = convert(tmp_path, tmp_path / "out.jsonl", writer=plain)
    lost = rejects(tmp_path / "out.jsonl")
    assert {one["reason"] for one in lost} >= {"the file is empty", "the file is damaged", "not UTF-8"}
    assert [Path(one["file"]).name for one in lost[:3]] == ["a.jsonl", "b.jsonl", "c.jsonl.gz"]
    kept = records(tmp_path / "out.jsonl")
    assert len(kept) == found.tally.rows == lost[2]["line"] - 1 > 100
    assert "UTF-16" in lost[3]["detail"]


def test_a_row_that_is_too_long_costs_itself_alone(tmp_path: Path) -> None:
    source = written(tmp_path / "in.jsonl", openai(0), openai(1, "x" * 10_000), openai(2))
    convert(source, tmp_path / "out.jsonl", writer=plain, max_row=5000, size=1000)
    assert len(records(tmp_path / "out.jsonl")) == 2
    assert [(one["line"], one["reason"]) for one in rejects(tmp_path / "out.jsonl")] == [(2, "the row is too long")]


@pytest.mark.parametrize("jobs", [1, 2])
def test_strict_stops_at_the_first_and_says_which(tmp_path: Path, jobs: int) -> None:
    source = written(tmp_path / "in.jsonl", *many(100), "{broken", *many(50, 1), "{and again")
    with pytest.raises(ToolglotError, match=r"in\.jsonl, line 101: broken JSON: character 1: .*--strict"):
        convert(source, tmp_path / "out.jsonl", writer=plain, strict=True, jobs=jobs, size=3000)
    assert not (tmp_path / "out.jsonl").exists()


def test_a_shape_that_is_named_is_the_only_one(tmp_path: Path) -> None:
    source = written(tmp_path / "in.jsonl", openai(0), sharegpt(1))
    found = convert(source, tmp_path / "out.jsonl", writer=plain, shape="sharegpt")
    assert found.tally.shapes == {"sharegpt": 1} and found.tally.rejects == 1
    with pytest.raises(ToolglotError, match="no shape is known as 'sharegtp'"):
        convert(source, tmp_path / "other.jsonl", writer=plain, shape="sharegtp")


def test_rows_alone(tmp_path: Path) -> None:
    source, lost = written(tmp_path / "in.jsonl", openai(0), "{", sharegpt(1)), []
    found = list(rows(source, rejected=lambda place, error: lost.append((place["line"], error.reason))))
    assert len(found) == 2 and lost == [(2, "broken JSON")] and found[0].tools == found[1].tools
    with pytest.raises(toolglot.ToolglotError, match="broken JSON"):
        list(rows([source]))


def test_every_shape_in_one_file(tmp_path: Path) -> None:
    """The samples of all shapes, mixed: each is read as what it is, and what is written of it is read back the same."""
    order = [(name, row) for name, some in SAMPLES.items() for row in some]
    random.Random(0).shuffle(order)
    source = written(tmp_path / "in.jsonl", *(json.dumps(row) for _, row in order))
    counts: dict[str, int] = {}
    for preference in (False, True):
        out = tmp_path / f"{preference}.jsonl"
        found = convert(source, out, preference=preference)
        for name, count in found.tally.shapes.items():
            counts[name] = counts.get(name, 0) + count
        again = convert(out, tmp_path / "again.jsonl", preference=False, force=True)
        assert preference or (again.tally.rejects == 0 and records(tmp_path / "again.jsonl") == records(out))
    assert counts == {name: len(some) for name, some in SAMPLES.items()}


@pytest.mark.parametrize("dialect", ["qwen2.5", "qwen3"])
def test_the_text_of_a_dialect_is_read_back(tmp_path: Path, dialect: str) -> None:
    source = written(tmp_path / "in.jsonl", *many(8))
    chat, text, again = (tmp_path / f"{name}.jsonl" for name in ("chat", "text", "again"))
    convert(source, text, to="text", dialect=dialect, check_mask=True, check_calls=True)
    found = convert(text, again, shape=f"rendered:{dialect}")
    convert(source, chat)
    assert found.tally.rejects == 0 and found.tally.rows == 8
    for one, two in zip(records(chat), records(again), strict=True):
        assert [m.get("content") for m in one["messages"]] == [m.get("content") for m in two["messages"]]
        assert [tool["function"]["name"] for tool in two["tools"]] == ["weather"]


def test_rows_of_plain_text_are_lines_or_files(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(SAMPLES["openchatml"][0], encoding="utf-8")
    found = convert(tmp_path, tmp_path / "out.jsonl", text="file")
    assert found.tally.shapes == {"openchatml": 2} and found.tally.rejects == 0
    assert convert(tmp_path / "*.txt", tmp_path / "lines.jsonl", text="line").tally.rows == 0


# -- the same, whoever does it ---------------------------------------------------------------------------------


def many_files(folder: Path) -> list[Path]:
    """All forms, with something wrong in each."""
    some = many(240)
    paths = [written(folder / "a.jsonl", *some[:100], "{broken", "", *some[100:120], {"x": 1}),
             folder / "b.jsonl.gz", folder / "c.json"]
    paths[1].write_bytes(gzip.compress((lines(some[120:180]) + "\n{broken\n").encode()))
    paths[2].write_text(json.dumps([*some[180:], {"x": 2}], indent=1), encoding="utf-8")
    return paths


@pytest.mark.parametrize("writer", [plain, pairs])
@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz"])
def test_many_processes_write_the_same_bytes(tmp_path: Path, ending: str, writer: Any) -> None:
    paths = many_files(tmp_path)
    one, two = tmp_path / f"one{ending}", tmp_path / f"two{ending}"
    seen: list[int] = []
    first = convert(paths, one, writer=writer, size=5000, progress=lambda tally, read, every: seen.append(read))
    second = convert(paths, two, writer=writer, size=5000, jobs=2)
    assert one.read_bytes() == two.read_bytes() and first.tally == second.tally
    assert rejects(one) == rejects(two) and len(rejects(one)) == 4 and first.tally.rows == 240
    assert [one.get("line", one.get("item")) for one in rejects(one)] == [101, 123, 62, 61]
    assert seen[-1] == sum(path.stat().st_size for path in paths) and seen == sorted(seen) and len(seen) > 20


def test_a_limit_is_rows_of_the_input(tmp_path: Path) -> None:
    paths = many_files(tmp_path)
    for limit in (1, 99, 125, 230):
        found = convert(paths, tmp_path / "out.jsonl", writer=plain, size=2000, limit=limit, force=True)
        assert found.tally.rows + found.tally.rejects == limit
    assert [one["line"] for one in rejects(tmp_path / "out.jsonl")] == [101, 123, 62]


def test_parquet_is_written_and_read(tmp_path: Path) -> None:
    library = pytest.importorskip("pyarrow.parquet")
    source = written(tmp_path / "in.jsonl", *many(30), openai(31) | {"parallel_tool_calls": False})
    convert(source, tmp_path / "two.parquet", size=4000, jobs=2, parallel=True)
    convert(source, tmp_path / "one.parquet", size=4000, parallel=True)
    convert(source, tmp_path / "chat.jsonl", parallel=True)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    table = library.read_table(tmp_path / "one.parquet").to_pylist()
    chat = records(tmp_path / "chat.jsonl")
    assert [one["messages"][0]["content"] for one in table] == [one["messages"][0]["content"] for one in chat]
    assert json.loads(table[0]["tools"]) == chat[0]["tools"] and table[-1]["parallel_tool_calls"] is False
    assert json.loads(table[0]["messages"][1]["tool_calls"][0]["function"]["arguments"]) == {"city": "City 0"}
    found = convert(tmp_path / "one.parquet", tmp_path / "again.jsonl", size=1000, shape="openai", parallel=True)
    assert found.tally.rejects == 0 and records(tmp_path / "again.jsonl") == chat


def test_ray_s_workers_write_the_same_bytes(tmp_path: Path) -> None:
    ray = pytest.importorskip("ray")
    pytest.importorskip("ray.data")
    if not os.environ.get("TOOLGLOT_SLOW"):
        pytest.skip("starts Ray; run with TOOLGLOT_SLOW=1")
    paths = many_files(tmp_path)
    convert(paths, tmp_path / "one.jsonl", writer=plain, size=5000)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=200_000_000,
             runtime_env={"env_vars": {"PYTHONPATH": f"{HOME.parent / 'src'}{os.pathsep}{HOME}"}})
    try:
        convert(paths, tmp_path / "two.jsonl", writer=plain, size=5000, jobs=2, engine="ray")
    finally:
        ray.shutdown()
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()
    assert rejects(tmp_path / "one.jsonl") == rejects(tmp_path / "two.jsonl")


# -- what is killed --------------------------------------------------------------------------------------------


def started(out: Path, jobs: int, paths: list[Path]) -> subprocess.Popen[str]:
    command = [sys.executable, str(HOME / "conversions.py"), str(out), str(jobs), *map(str, paths)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={**os.environ, "PYTHONPATH": f"{HOME.parent / 'src'}{os.pathsep}{HOME}"})


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL there")
@pytest.mark.parametrize("jobs", [1, 2])
def test_what_is_killed_and_resumed_has_the_bytes_of_what_was_not(tmp_path: Path, jobs: int) -> None:
    paths, chance = many_files(tmp_path), random.Random(jobs)
    whole, out = tmp_path / "whole.jsonl", tmp_path / "out.jsonl"
    convert(paths, whole, writer=plain, size=4096)
    finished = 0
    for _ in range(2):
        with started(out, jobs, paths) as run:
            assert run.stdout
            for count, _ in enumerate(run.stdout):
                if count == 4:
                    break
            time.sleep(chance.random() / 50)
            run.kill()
        assert run.returncode == -signal.SIGKILL and not out.exists()
        journal = tmp_path / "out.jsonl.parts" / "journal.jsonl"
        lines_now = journal.read_text("utf-8").count("\n")
        assert lines_now >= finished + 5                 # what was finished stays finished
        finished = lines_now
    with started(out, jobs, paths) as run:
        output = run.communicate(timeout=60)[0]
    assert run.returncode == 0 and output.endswith("done 240 4\n")
    assert out.read_bytes() == whole.read_bytes() and rejects(out) == rejects(whole)
    assert not (tmp_path / "out.jsonl.parts").exists()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to look for processes")
def test_no_process_outlives_its_parent(tmp_path: Path) -> None:
    with started(tmp_path / "out.jsonl", 2, many_files(tmp_path)) as run:
        assert run.stdout
        run.stdout.readline()
        children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
        assert len(children) >= 2
        run.kill()
    end = time.monotonic() + 10
    while any(alive(one) for one in children) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(alive(one) for one in children)


def alive(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to look for processes")
def test_a_process_that_is_killed_is_told_with_what_to_do(tmp_path: Path) -> None:
    paths, out = many_files(tmp_path), tmp_path / "out.jsonl"
    with started(out, 2, paths) as run:
        assert run.stdout
        run.stdout.readline()
        children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
        os.kill(int(children[-1]), signal.SIGKILL)
        errors = run.communicate(timeout=60)[1]
    assert run.returncode == 1 and "a process was killed while it worked" in errors and "--resume" in errors
    assert convert(paths, out, writer=slow, size=4096, resume=True).tally.rows == 240


def test_only_the_same_conversion_goes_on(tmp_path: Path) -> None:
    source, out = written(tmp_path / "in.jsonl", *many(20), "{broken"), tmp_path / "out.jsonl"
    with pytest.raises(ToolglotError):
        convert(source, out, writer=plain, size=2000, strict=True)
    with pytest.raises(JournalError, match=r"exists and holds a run: go on with it with --resume"):
        convert(source, out, writer=plain, size=2000)
    with pytest.raises(JournalError, match=r"cannot go on as this one: size: it has 2000, this run 3000"):
        convert(source, out, writer=plain, size=3000, strict=True, resume=True)
    written(source, *many(21))
    with pytest.raises(JournalError, match=r"inputs\..*in\.jsonl\.size: it has"):
        convert(source, out, writer=plain, size=2000, strict=True, resume=True)
    assert convert(source, out, writer=plain, size=2000, force=True).tally.rows == 21


def test_nothing_is_written_over_or_read_while_it_is_written(tmp_path: Path) -> None:
    source = written(tmp_path / "in.jsonl", openai(0))
    for options in ({}, {"force": True}):
        with pytest.raises(ToolglotError, match="to be read and written at once"):
            convert([tmp_path / "*.jsonl"], source, writer=plain, **options)
    out = written(tmp_path / "out.jsonl", "mine")
    with pytest.raises(ToolglotError, match=r"out\.jsonl is there already: give another name, or --force"):
        convert(source, out, writer=plain)
    assert out.read_text() == "mine\n" and source.exists()
    with pytest.raises(ToolglotError, match="there is no directory"):
        convert(source, tmp_path / "none" / "out.jsonl", writer=plain)


# -- checks ----------------------------------------------------------------------------------------------------


def test_duplicates_are_found_across_shapes_files_and_shards(tmp_path: Path) -> None:
    paths = [written(tmp_path / "a.jsonl", *many(50)), written(tmp_path / "b.jsonl", sharegpt(100), openai(100), "{",
                                                               *many(60)[40:], openai(100))]
    found = convert(paths, tmp_path / "out.jsonl", writer=plain, size=2000, dedup=True)
    convert(paths, tmp_path / "two.jsonl", writer=plain, size=2000, dedup=True, jobs=2)
    lost = [one for one in rejects(tmp_path / "out.jsonl") if one["reason"] == "a duplicate"]
    assert found.tally.rows == 61 and len(lost) == 12
    assert lost[0]["detail"] == f"the same as row 1 of {paths[1]}" and lost[-1]["line"] == 24
    assert lost[1]["detail"] == f"the same as row 41 of {paths[0]}" and lost[1]["line"] == 4
    assert (tmp_path / "two.jsonl").read_bytes() == (tmp_path / "out.jsonl").read_bytes()
    assert rejects(tmp_path / "two.jsonl") == rejects(tmp_path / "out.jsonl")


def test_what_was_seen_is_told_exactly() -> None:
    chance = random.Random(0)
    alike = bytes(7) + b"\1"
    digests = [*(chance.randbytes(16) for _ in range(3000)), alike + bytes(8), alike + alike]
    order = digests * 2
    chance.shuffle(order)
    seen, first = Seen(len(order)), dict[bytes, int]()
    for number, digest in enumerate(order):
        assert seen.first(digest, number) == first.get(digest)
        first.setdefault(digest, number)
    assert seen.places.itemsize * len(seen.places) <= 72 * len(order)


def test_calls_that_their_tool_refuses_are_rejects_if_asked(tmp_path: Path) -> None:
    wrong = openai(1)
    wrong["messages"][1]["tool_calls"][0]["function"]["arguments"] = '{"city": 7}'
    source = written(tmp_path / "in.jsonl", openai(0), wrong)
    assert convert(source, tmp_path / "out.jsonl", writer=plain).tally.rejects == 0
    convert(source, tmp_path / "two.jsonl", writer=plain, check_calls=True)
    lost, = rejects(tmp_path / "two.jsonl")
    assert lost["reason"] == "a call that its tool's schema refuses"
    assert "city" in lost["detail"] and "weather" in lost["at"]


def test_questions_of_a_benchmark_are_found_in_other_words_around_them(tmp_path: Path) -> None:
    exam = against("exam", [("long", "Find the nearest pharmacy that is still open after ten in the evening, please"),
                            ("short", "Book a table"), ("nothing", "Hi")])
    assert exam.question("find the NEAREST pharmacy -- that is still open, after ten in the evening!") == "long, 85 % of it"
    assert exam.question("So: " + "word " * 50 + "find the nearest pharmacy that is still open after ten in the evening")
    assert exam.question("book a table.") == "short, all of it"
    for text in ("Find the nearest pharmacy that is still closed", "Book a table for two", "hi", ""):
        assert exam.question(text) == ""
    tier = of_suite("tier")
    question = next(iter(tier.whole), None) or " ".join(next(iter(tier.stretches)).split())
    row = openai(0)
    row["messages"][0]["content"] = f"{question}!"
    source = written(tmp_path / "in.jsonl", openai(1), row)
    found = convert(source, tmp_path / "out.jsonl", writer=plain, against="tier")
    assert found.tally.rows == 1 and rejects(tmp_path / "out.jsonl")[0]["reason"] == "a question of tier"


def test_characters_that_were_decoded_wrongly_are_told_from_those_that_were_not() -> None:
    texts = ["naïve café “quoted” — 10 €", "Größe: 3 µm", "São Paulo, MÃE", "Привет, мир", "日本語 😀", "Â Ê Î",
             "CAFÉ” said he", "«À la carte»", "Ñandú", "IRMÃ”", "Ж—Э", "e\u0301", "नमस्ते", "Ð and Ñ", "\u0085"]
    for text in texts:
        assert garbled(text) == "", text
    for text in ("café", "it’s", "10 €", "Größe", "Привет", "日本語", "😀", "a\u00a0b", "naïve “x”"):
        for code in ("cp1252", "latin-1"):
            wrong = text.encode().decode(code, "replace")
            assert garbled(wrong), (text, wrong)
    assert "U+FFFD" in garbled("caf\ufffd") and garbled("a\ud83d")


def test_garbled_rows_may_be_kept(tmp_path: Path) -> None:
    source = written(tmp_path / "in.jsonl", openai(0, "caf\u00c3\u00a9"), json.dumps(openai(1, "caf\u00c3\u00a9")))
    assert convert(source, tmp_path / "out.jsonl", writer=plain).tally.rejects == 2
    assert convert(source, tmp_path / "two.jsonl", writer=plain, keep_garbled=True).tally.rows == 2


# -- the command -----------------------------------------------------------------------------------------------


def test_the_command_says_what_came_of_it(tmp_path: Path, run: Run) -> None:
    source = written(tmp_path / "in.jsonl", openai(0), "{broken", openai(1))
    out = tmp_path / "out.jsonl"
    code, said, errors = run(source, "--out", out)
    assert code == 0 and "3 rows: 2 openai" in said and "2 records of 2 rows" in said
    assert "broken JSON" in said and "line 2" in said and "openai, for `messages`" in errors
    assert records(out)[0]["messages"][1]["tool_calls"][0]["function"]["arguments"] == {"city": "City 0"}
    code, said, _ = run(source, "--out", out, "--force", "--json")
    assert code == 0 and json.loads(said)["rejected"]["broken JSON"]["count"] == 1
    assert run(written(tmp_path / "bad.jsonl", "{"), "--out", tmp_path / "none.jsonl")[0] == 1


@pytest.mark.parametrize("argv", [
    [], ["--out", "out.csv"], ["--out", "out.jsonl", "--to", "text"], ["--out", "out.jsonl", "--from", "klingon"],
    ["--out", "out.jsonl", "--to", "tokens", "--dialect", "hermes"], ["--out", "out.jsonl", "--pack"],
    ["--out", "out.jsonl", "--check", "mask"], ["--out", "out.jsonl", "--strict"],
    ["--out", "out.jsonl", "--against", "no"], ["--out", "out.jsonl", "--dialect", "no-such", "--to", "text"],
    ["--look", "1"]])
def test_what_cannot_work_is_exit_code_2_and_leaves_nothing(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch,
                                                            argv: list[str]) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "in.jsonl", "{broken")
    code, _, errors = run("in.jsonl", *argv)
    assert code == 2 and errors.count("toolglot:") >= 1 and "bug" not in errors
    assert not (tmp_path / "out.jsonl").exists()


def test_the_text_of_a_dialect_with_its_spans(tmp_path: Path, run: Run) -> None:
    source = written(tmp_path / "in.jsonl", *many(5))
    code, said, errors = run(source, "--to", "text", "--dialect", "qwen2.5", "--out", tmp_path / "out.jsonl", "--check")
    assert code == 0 and "5 records" in said, (said, errors)
    one = records(tmp_path / "out.jsonl")[0]
    trained = "".join(one["text"][span["start"]:span["end"]] for span in one["spans"] if span["weight"])
    assert trained == ('<tool_call>\n{"name": "weather", "arguments": {"city": "City 0"}}\n</tool_call><|im_end|>'
                       "It is dry in City 0.<|im_end|>")
    code, said, _ = run(source, "--dialect", "qwen2.5", "--look", "2")
    assert code == 0 and "row 2" in said and "City 1" in said and "City 2" not in said


def test_pipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    monkeypatch.chdir(tmp_path)
    data = lines([openai(0), openai(1)]).encode() + b"{\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(data))))  # type: ignore[arg-type, type-var]
    assert cli.main(["convert", "-", "--out", "-", "--jobs", "1"]) == 0
    seen = capfdbinary.readouterr()
    assert len([json.loads(line) for line in seen.out.splitlines()]) == 2
    assert b"broken JSON" in seen.err and len(records(tmp_path / "rejects.jsonl")) == 1
    assert cli.main(["convert", "-", "--out", "x.jsonl", "--dedup"]) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="signals are other things there")
def test_ctrl_c_says_how_to_go_on(tmp_path: Path) -> None:
    source, out = written(tmp_path / "in.jsonl", *many(3_000)), tmp_path / "out.jsonl"
    command = [sys.executable, "-m", "toolglot", "convert", source, "--out", out, "--jobs", "2", "--shard", "20000"]
    environment = {**os.environ, "PYTHONPATH": str(HOME.parent / "src")}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as run:
        while not list(tmp_path.glob("out.jsonl.parts/*.out")):
            time.sleep(0.02)
        run.send_signal(signal.SIGINT)
        errors = run.communicate(timeout=30)[1]
    assert run.returncode == 130 and "--resume goes on with it" in errors and "Traceback" not in errors
    assert subprocess.run([*command, "--resume"], env=environment, capture_output=True, check=False).returncode == 0
    assert len(records(out)) == 3_000
