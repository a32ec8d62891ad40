"""Rows out of files: all of them, at their place, whatever they are packed in and however they are cut."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from toolglot.data import files
from toolglot.data.files import Input, described, form_of, found, output, packing_file
from toolglot.data.raw import LIMIT, Lost, Raw, raw_rows
from toolglot.message import ToolglotError

ROWS: list[Any] = [{"number": n, "text": 'a "\\ [{é😀,' * n, "more": [[], {}, [n, {"x": None}]]} for n in range(40)]
LINES = "".join(json.dumps(row, ensure_ascii=n % 2 == 0) + ("\r\n" if n % 3 else "\n\n") for n, row in enumerate(ROWS))
FORMS = {"rows.jsonl": LINES, "last.jsonl": LINES.rstrip(), "array.json": json.dumps(ROWS),
         "indented.json": json.dumps(ROWS, indent=2, ensure_ascii=False), "lines.json": LINES,
         "several.json": "\n".join(json.dumps(row, indent=1) for row in ROWS), "bom.jsonl": "\ufeff" + LINES}
PACK: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress,
                                             ".bz2": lambda data: bz2.compress(data, 1)}
packings = pytest.mark.parametrize("packing", [*PACK, ".zst"])


def packed(data: bytes, packing: str) -> bytes:
    if packing == ".zst":
        return pytest.importorskip("zstandard").ZstdCompressor().compress(data)  # type: ignore[no-any-return]
    return PACK[packing](data)


def values(rows: list[Raw]) -> list[Any]:
    return [json.loads(raw.row.removeprefix(files.BOM)) for raw in rows if isinstance(raw.row, bytes) and raw.row.strip()]


def lost(rows: list[Raw]) -> list[tuple[int, str]]:
    return [(raw.number, raw.row.reason) for raw in rows if isinstance(raw.row, Lost)]


@packings
@pytest.mark.parametrize("name", FORMS)
def test_every_row_of_every_form_is_read(tmp_path: Path, name: str, packing: str) -> None:
    path = tmp_path / (name + packing)
    path.write_bytes(packed(FORMS[name].encode(), packing))
    assert values(list(raw_rows(described(str(path))))) == ROWS


@pytest.mark.parametrize("name", FORMS)
def test_rows_do_not_depend_on_the_blocks_and_stand_where_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                                   name: str) -> None:
    path = tmp_path / name
    path.write_text(FORMS[name], encoding="utf-8", newline="")
    given, data = described(str(path)), path.read_bytes()
    whole = [raw._replace(read=0) for raw in raw_rows(given)]
    for size in (1, 2, 7, 64, 1000):
        monkeypatch.setattr(files, "BLOCK", size)
        assert [raw._replace(read=0) for raw in raw_rows(given)] == whole
    for raw in whole:
        assert isinstance(raw.row, bytes) and data[raw.offset:raw.offset + len(raw.row)] == raw.row
        if given.form == "lines":
            assert raw.number == data[:raw.offset].count(b"\n") + 1


@pytest.mark.parametrize("name", ["rows.jsonl", "last.jsonl", "bom.jsonl"])
def test_the_parts_of_a_file_are_the_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(FORMS[name], encoding="utf-8", newline="")
    given = described(str(path))
    whole = list(raw_rows(given))
    chance = random.Random(name)
    for size in (1, 3, 50, 700, 10**6, *(chance.randrange(1, 5000) for _ in range(5))):
        lines, joined = 0, []
        for begin in range(0, given.size, size):
            rows = list(raw_rows(given, begin=begin, end=min(begin + size, given.size)))
            joined += [raw._replace(number=raw.number + lines, read=0) for raw in rows]
            lines += rows[-1].number if rows else 0
        assert joined == [raw._replace(read=0) for raw in whole]


def test_a_row_that_is_too_long_is_measured_and_not_held(tmp_path: Path) -> None:
    """A hundred megabytes of one row, in less than three of memory; the rows beside it are read."""
    long = '{"text": "' + "x" * (100 << 20) + '"}'
    for name, around in (("long.jsonl", "{}\n", ), ("long.json", "[\n{},\n")):
        path = tmp_path / name
        path.write_text(f'{around}{long}{",{}]" if name == "long.json" else chr(10) + "{}"}', encoding="utf-8")
        given = described(str(path))
        tracemalloc.start()
        rows = list(raw_rows(given, 1 << 20))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert values(rows) == [{}, {}] and lost(rows) == [(2, "the row is too long")]
        assert isinstance(rows[1].row, Lost) and f"{len(long):,}"[:-1] in rows[1].row.detail
        assert peak < 3 << 20
        path.unlink()


@packings
@pytest.mark.parametrize("name", ["rows.jsonl", "indented.json"])
def test_what_stands_before_a_cut_is_kept(tmp_path: Path, name: str, packing: str) -> None:
    rows = [{"number": n, "noise": random.Random(n).random()} for n in range(20_000)]
    text = "\n".join(map(json.dumps, rows)) if name == "rows.jsonl" else json.dumps(rows, indent=1)
    data = packed(text.encode(), packing)
    path = tmp_path / (name + packing)
    path.write_bytes(data[:len(data) * 2 // 3])
    found = list(raw_rows(described(str(path))))
    read = values([raw for raw in found if not (raw is found[-1] and not packing)])
    assert read == rows[:len(read)] and len(read) > 5_000
    if packing or name == "indented.json":               # a cut line of plain text is only a row that is broken
        assert lost(found) == [(len(read) + 1, "the file is damaged")]


def test_bytes_that_are_no_gzip_behind_good_ones_are_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(LINES.encode()) + gzip.compress(b'{"number": 40}\n')[:-4] + b"abcd")
    rows = list(raw_rows(described(str(path))))
    assert values(rows)[:40] == ROWS and lost(rows)[0][1] == "the file is damaged"


def test_a_broken_member_of_an_array_costs_itself_alone(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    for broken in ('{"a": oops, "b": [}', '{"a": {"b": [1, 2}}', '{a: \\}', "}]"[:1]):
        path.write_text(f'[{{"a": 1}}, {broken}, {{"a": 2}},, "x", 3, null,\n]', encoding="utf-8")
        rows = [raw.row for raw in raw_rows(described(str(path)))]
        assert rows == [b'{"a": 1}', broken.encode(), b'{"a": 2}', b'"x"', b"3", b"null"]
    path.write_text('[{"a": 1}, {"a": {"b": 1}}, {"a": 2}', encoding="utf-8")
    rows = list(raw_rows(described(str(path))))
    assert values(rows) == [{"a": 1}, {"a": {"b": 1}}] and lost(rows) == [(3, "the file is damaged")]


def test_forms_are_told_by_how_a_file_begins() -> None:
    for path, head, form in (
            ("a.jsonl", b'{"a": 1}\n{"a": 2}\n', "lines"), ("a.json", b'{"a": 1}\n{"a": 2}\n', "lines"),
            ("a.json", b'[{"a": 1}]\n', "values"), ("a.json", b'[{"a": 1},\n {"a"', "values"),
            ("a.jsonl", b'[{"role": "user"}]\n[{"role"', "lines"), ("a.json", b'[{"role": "user"}]\n[{"role"', "lines"),
            ("a.jsonl", b'[\n{"a": 1},\n', "values"), ("a.json", b'{\n "a": 1\n}\n{\n', "values"),
            ("a.json", b'{broken\n{"a": 2}\n{"a"', "lines"), ("a.txt", b"{not json", "text"), ("-", b"<|im_", "text"),
            ("-", b'{"a": 1}\n', "lines"), ("a.jsonl", b"", "lines"), ("a", b"PAR1....", "parquet"),
            ("a.jsonl", b"garbage\n{}", "lines"), ("a.json.gz", b'"text"\n"text"\n', "lines")):
        assert form_of(path, head) == form, (path, head)


def test_directories_and_globs_are_their_files_each_once(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / ".hidden").mkdir()
    for name in ("b.jsonl", "a.json.gz", "deep/c.txt", "notes.md", ".hidden/x.jsonl", "deep/.y.jsonl"):
        (tmp_path / name).write_bytes(gzip.compress(b"{}") if name.endswith("gz") else b"{}\n")
    def names(*paths: Any, leave: Any = ()) -> list[str]:
        return [Path(one.path).name for one in found(paths, leave)]

    assert names(tmp_path) == ["a.json.gz", "b.jsonl", "c.txt"]
    assert names(tmp_path / "b.jsonl", str(tmp_path / "*.json*")) == ["b.jsonl", "a.json.gz"]
    assert names(tmp_path, leave=[tmp_path / "deep"]) == ["a.json.gz", "b.jsonl"]
    for wrong in (tmp_path / "none.jsonl", tmp_path / ".hidden" / "z", str(tmp_path / "*.parquet")):
        with pytest.raises(ToolglotError, match="found nothing of that name"):
            found([wrong])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ToolglotError, match=r"expected files that end in \.jsonl"):
        found([tmp_path / "empty"])


def test_stdin_may_be_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    for data in (LINES.encode(), gzip.compress(json.dumps(ROWS).encode())):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(data))))  # type: ignore[arg-type, type-var]
        given, = found(["-"])
        assert values(list(raw_rows(given))) == ROWS and not given.ranges


@packings
def test_packed_parts_one_behind_another_are_one_file(tmp_path: Path, packing: str) -> None:
    if packing == ".zst":
        pytest.importorskip("zstandard")
    kind = output(f"out.jsonl{packing}").packing
    data = b""
    for begin in (0, 10, 20, 30):
        held = io.BytesIO()
        file = packing_file(held, kind)
        for row in ROWS[begin:begin + 10]:
            file.write(json.dumps(row).encode() + b"\n")
        file.close()
        data += held.getvalue()
    path = tmp_path / f"joined.jsonl{packing}"
    path.write_bytes(data)
    assert values(list(raw_rows(described(str(path))))) == ROWS


def test_a_name_says_what_is_written() -> None:
    assert output("a.jsonl.gz").packing == "gz" and output("-").path == "-"
    for name in ("a.csv", "a.gz", "a", "a.parquet.gz", "dir/a.txt"):
        with pytest.raises(ToolglotError, match=r"expected a name that ends in \.jsonl or \.parquet"):
            output(name)


def test_parquet_is_read_by_row_groups_and_without_what_is_null(tmp_path: Path) -> None:
    arrow, library = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rows = [{"id": n, "turns": [{"role": "user", "text": "hi"}, {"role": "tool", "name": "f"}]} for n in range(25)]
    path = tmp_path / "rows.parquet"
    library.write_table(arrow.Table.from_pylist(rows), path, row_group_size=10)
    given = described(str(path))
    assert given.form == "parquet" and [raw.row for raw in raw_rows(given)] == rows
    assert [raw.row for raw in raw_rows(given, begin=1, end=2)] == rows[10:20]
    path.write_bytes(path.read_bytes()[:-20])
    assert lost(list(raw_rows(given))) == [(1, "the file is damaged")]


def test_a_file_that_is_gone_is_told() -> None:
    assert lost(list(raw_rows(Input("gone.jsonl", "lines"), LIMIT))) == [(1, "the file is damaged")]
