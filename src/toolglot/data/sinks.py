"""Records -> the bytes of a file: JSON lines, packed or not, or Parquet; and the files of parts joined to one.

The one rule: a file is there under its name when it is whole, and not before.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from .files import STDIN, Output, Packing, extra, packing_file
from .row import RowError
from .tally import moved

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def line_of(record: Mapping[str, Any]) -> bytes:
    """A line of JSON. Raises RowError for what JSON, or UTF-8, cannot say."""
    try:
        return _encode(record).encode() + b"\n"
    except UnicodeEncodeError as error:
        raise RowError("garbled characters", "", f"half of a surrogate pair: {error.object[error.start]!r}") from None
    except (TypeError, ValueError) as error:             # Infinity, and whatever a reader left that is no JSON
        raise RowError("cannot be said in JSON", "", str(error)) from None


class Lines:
    """JSON lines, in memory."""

    def __init__(self, packing: Packing = "") -> None:
        self._bytes, self.count = io.BytesIO(), 0
        self._file = packing_file(self._bytes, packing)

    def write(self, record: Mapping[str, Any]) -> None:
        self._file.write(line_of(record))
        self.count += 1

    def close(self) -> bytes:
        """All of them, packed; nothing where there are none, so that a part without rows leaves no trace."""
        self._file.close()
        return self._bytes.getvalue() if self.count else b""


# -- Parquet ---------------------------------------------------------------------------------------------------


ROWS_AT_ONCE = 1000
NUMBERS = {"input_ids": "int32", "labels": "int32", "attention_mask": "int8", "position_ids": "int32",
           "seq_lengths": "int32", "weights": "float32"}     # lists of these, also with a name in front
ROLES = ("role", "content", "reasoning_content", "name", "tool_call_id")


class Table:
    """Parquet, in memory. Its columns are those of the first record."""

    def __init__(self) -> None:
        self._arrow, self._parquet = extra("pyarrow", "writing Parquet"), extra("pyarrow.parquet", "writing Parquet")
        self._bytes = io.BytesIO()
        self._waiting: list[Mapping[str, Any]] = []
        self._writer: Any = None
        self._schema: Any = None

    def write(self, record: Mapping[str, Any]) -> None:
        line_of(record)                                  # the same is refused as in JSON
        if self._schema is None:
            self._schema = schema_of(record)
        if strange := record.keys() - set(self._schema.names):
            raise RowError("other records than the first", min(strange), "Parquet has the same columns in all rows")
        self._waiting.append({name: _cell(self._schema.field(name), value) for name, value in record.items()})
        if len(self._waiting) >= ROWS_AT_ONCE:
            self._write()

    def _write(self) -> None:
        self._writer = self._writer or self._parquet.ParquetWriter(self._bytes, self._schema, compression="zstd")
        self._writer.write_table(self._arrow.Table.from_pylist(self._waiting, self._schema))
        self._waiting.clear()

    def close(self) -> bytes:
        if self._waiting:
            self._write()
        if self._writer is None:
            return b""
        self._writer.close()
        return self._bytes.getvalue()


def schema_of(record: Mapping[str, Any]) -> Any:
    """The types of columns by their names, so that all parts agree. What has no fixed members is JSON in a string:
    arguments and schemas differ from row to row, and a struct would give each the members of all."""
    arrow = extra("pyarrow", "writing Parquet")
    text, weight = arrow.string(), arrow.float32()
    call = arrow.struct([("id", text), ("type", text), ("function", arrow.struct([("name", text), ("arguments", text)]))])
    message = arrow.struct([*((name, text) for name in ROLES), ("weight", weight), ("tool_calls", arrow.list_(call))])
    span = arrow.struct([("start", arrow.int32()), ("end", arrow.int32()), ("role", text), ("kind", text),
                         ("weight", weight), ("special", arrow.bool_())])

    def type_of(name: str, value: Any) -> Any:
        if name == "messages" or (name in ("prompt", "chosen", "rejected") and isinstance(value, list)):
            return arrow.list_(message)
        if name == "parallel_tool_calls":
            return arrow.bool_()
        if name == "spans":
            return arrow.list_(span)
        kind = next((kind for known, kind in NUMBERS.items() if name == known or name.endswith(f"_{known}")), None)
        return text if kind is None else arrow.list_(getattr(arrow, kind)())

    return arrow.schema([(name, type_of(name, value)) for name, value in record.items()])


def _cell(field: Any, value: Any) -> Any:
    kind = str(field.type)
    if kind == "string":
        return value if value is None or isinstance(value, str) else _encode(value)
    return [_message(one) for one in value] if "tool_calls" in kind and value is not None else value


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    calls = [{**call, "function": {**call["function"], "arguments": _text(call["function"]["arguments"])}}
             for call in message.get("tool_calls") or ()]
    return {**message, "tool_calls": calls or None}


def _text(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else _encode(arguments)


# -- files -----------------------------------------------------------------------------------------------------


@contextmanager
def whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that gets its name when it is written, and lies on the disk then."""
    hidden = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with hidden.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(hidden, path)
    finally:
        hidden.unlink(missing_ok=True)


def join(parts: Sequence[Path], to: Output) -> None:
    """The parts, one behind another, as one file. Packings may be joined as they are."""
    if to.path == STDIN:
        for part in parts:
            with part.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    with whole(Path(to.path)) as out:
        if to.parquet:
            _join_tables(parts, out)
            return
        if not parts:
            packing_file(out, to.packing).close()        # nothing at all would be no gzip
        for part in parts:
            with part.open("rb") as file:
                shutil.copyfileobj(file, out, 1 << 20)


def _join_tables(parts: Sequence[Path], out: IO[bytes]) -> None:
    library, writer = extra("pyarrow.parquet", "writing Parquet"), None
    if not parts:
        library.write_table(extra("pyarrow", "writing Parquet").table({}), out)
    for part in parts:
        with library.ParquetFile(part) as file:
            writer = writer or library.ParquetWriter(out, file.schema_arrow, compression="zstd")
            for number in range(file.num_row_groups):
                writer.write_table(file.read_row_group(number))
    if writer is not None:
        writer.close()


def join_rejects(parts: Sequence[tuple[Path, int]], path: Path, packing: Packing) -> None:
    """The rejects of all parts; beside each, how many lines of its file stand before it."""
    with whole(path) as out:
        file = packing_file(out, packing)
        for part, lines in parts:
            with part.open("rb") as given:
                for line in given:
                    file.write(line_of(moved(json.loads(line), lines)) if lines else line)
        file.close()


__all__ = ["Lines", "Table", "join", "join_rejects", "line_of", "schema_of", "whole"]
