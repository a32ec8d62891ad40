"""Rows as they stand in a file -> records, and rejects for those that cannot be.

The one rule: a row becomes records or a reject with its reason and its place; nothing that one row holds, and nothing that
toolglot does wrong with it, keeps the next from being read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn, Protocol, Union

from ..message import ToolglotError
from .checks import broken_calls, digest, garbled
from .contamination import Against
from .files import BOM, Form
from .raw import LIMIT, Lost, Raw
from .row import Row, RowError
from .shapes import Shape
from .tally import Place, Tally, where
from .writer import Writer

SHOWN = 2_000                        # characters of a row in a reject
AUTO = "auto"


@dataclass(frozen=True)
class Job:
    """What is done to every row, as it can be told to another process; `writer` makes the writer there."""

    writer: Callable[[], Writer]
    shape: str = AUTO
    check_calls: bool = False
    against: Against | None = None
    keep_garbled: bool = False
    max_row: int = LIMIT
    strict: bool = False


class Origin(NamedTuple):
    """Where rows come from: a file, what it holds, the shape that its first rows have, and how many rows of it stand before
    these."""

    file: str
    form: Form
    guess: str | None = None
    before: int = 0


class Sink(Protocol):
    def write(self, record: Mapping[str, Any]) -> None:
        """Raises RowError for what cannot be written, and then has written none of it."""


class Stopped(ToolglotError):
    """The first row that cannot be read, where none may be."""


class Converter:
    """A job, with all that it takes. One a process."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.writer = job.writer()

    def convert(self, rows: Iterable[Raw], origin: Origin, sink: Sink, rejects: Sink,
                doubles: Mapping[int, str] | None = None) -> Tally:
        """The records of all rows, in their order. `doubles`: the rows, counted from 0 without blank ones, that were there
        before, and where. Under `strict` it ends behind the first reject."""
        tally = Tally()
        for number, raw in enumerate(_told(rows, tally)):
            try:
                if doubles and number in doubles:
                    raise RowError("a duplicate", "", f"the same as {doubles[number]}")
                shape, row = read(raw, origin, self.job)
                self._check(row)
                written = self.writer.take(row)
                for record in written:
                    sink.write(record)
            except MemoryError:
                raise
            except Exception as error:                   # a reader that fails is no reason to end a night's run
                _reject(error, raw, origin, rejects, tally)
                if self.job.strict:
                    break
            else:
                tally.rows += 1
                tally.records += len(written)
                tally.shapes[shape] = tally.shapes.get(shape, 0) + 1
        for record in self.writer.close():
            sink.write(record)
            tally.records += 1
        return tally

    def digests(self, rows: Iterable[Raw], origin: Origin) -> Iterator[bytes]:
        """What tells rows apart, one for each that is not blank; b"" for one that cannot be read."""
        for raw in _told(rows, Tally()):
            try:
                yield digest(read(raw, origin, self.job)[1])
            except MemoryError:
                raise
            except Exception:                            # `convert` says why
                yield b""

    def _check(self, row: Row) -> None:
        if self.job.check_calls:
            broken_calls(row)
        if self.job.against is not None:
            self.job.against.check(row)


def _told(rows: Iterable[Raw], tally: Tally) -> Iterator[Raw]:
    """Those that are not blank; all are counted."""
    for raw in rows:
        tally.lines = raw.number
        if not isinstance(raw.row, bytes) or (raw.row and not raw.row.isspace()):
            yield raw


def _reject(error: Exception, raw: Raw, origin: Origin, rejects: Sink, tally: Tally) -> None:
    if isinstance(error, RowError):
        reason, at, detail = error.reason, error.at, error.detail
    elif isinstance(error, ToolglotError):
        reason, at, detail = "cannot be said", "", str(error)
    elif isinstance(error, RecursionError):
        reason, at, detail = "nested too deeply", "", ""
    else:
        reason, at, detail = f"toolglot failed at it: {type(error).__name__}", "", f"{error} (this is a bug)"
    place = place_of(raw, origin)
    if tally.rejected.get(reason) is None:
        tally.reject(reason, place, ": ".join(words for words in (at, detail) if words))
    else:
        tally.reject(reason, place)
    rejects.write({**place, "reason": reason, "at": at, "detail": detail, "raw": _shown(raw.row)})


def place_of(raw: Raw, origin: Origin) -> Place:
    counted = "line" if origin.form in ("lines", "text", "file") else "item"
    offset = {} if origin.form == "parquet" else {"offset": raw.offset}
    return {"file": origin.file, counted: raw.number + origin.before, **offset}


def _shown(row: Union[bytes, Lost, dict[str, Any]]) -> str:
    if isinstance(row, dict):
        text = json.dumps(row, ensure_ascii=True, default=str)
    else:
        text = (row.left if isinstance(row, Lost) else row)[:4 * SHOWN].decode("utf-8", "backslashreplace")
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def stopped(tally: Tally) -> Stopped:
    """Under --strict: the error for the one reject that there is."""
    (reason, one), *_ = tally.rejected.items()
    return Stopped(f"{where(one.first)}: {reason}{f': {one.detail}' if one.detail else ''} (--strict; without it such rows "
                   "go to the reject file)")


# -- reading ---------------------------------------------------------------------------------------------------


def read(raw: Raw, origin: Origin, job: Job) -> tuple[str, Row]:
    """The name of a row's shape, and the row. Raises RowError."""
    from . import shapes

    value = value_of(raw, origin.form, job.keep_garbled)
    shape = _shape(job.shape if job.shape != AUTO else origin.guess)
    if shape is None or (job.shape == AUTO and not shape.evidence(value)):
        found = shapes.detected(value)
        if found is None:
            return _unknown(value, shape)
        shape = found[0]
    return shape.name, shape.read(value)


def _unknown(value: Any, shape: Shape | None) -> tuple[str, Row]:
    """A row that no shape knows may still be one of the file's."""
    from . import shapes

    try:
        if shape:
            return shape.name, shape.read(value)
        expected = f"one of {', '.join(shapes.SHAPES)}"
    except RowError as error:
        expected = f"as in the rows before {shape.name if shape else ''} ({error})"
    raise RowError("no known shape", "", f"expected {expected}; found {_outline(value)}")


@lru_cache(maxsize=8)
def _shape(name: str | None) -> Shape | None:
    from . import shapes

    return None if name is None else shapes.find(name)


def _outline(value: Any) -> str:
    match value:
        case dict():
            return f"an object with {', '.join(map(repr, list(value)[:8])) or 'nothing in it'}"
        case list():
            return f"a list of {len(value)}"
        case str():
            return f"text that begins with {value[:40]!r}"
    return repr(value)


def _constant(text: str) -> None:
    if text != "NaN":                                    # how pandas writes null
        raise ValueError(f"{text} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_constant)


def value_of(raw: Raw, form: Form, keep_garbled: bool = False) -> Any:
    """What a row holds. NaN is null. Raises RowError."""
    if isinstance(raw.row, Lost):
        raise RowError(raw.row.reason, "", raw.row.detail)
    value: Any
    if isinstance(raw.row, dict):
        value, text = raw.row, "" if keep_garbled else json.dumps(raw.row, ensure_ascii=False, default=str)
    else:
        text = _decoded(raw.row.removeprefix(BOM) if raw.number == 1 else raw.row)
        value = text.rstrip("\r") if form in ("text", "file") else _parsed(text)
    if not keep_garbled and (not text.isascii() or "\\u" in text):
        wrong = garbled(json.dumps(value, ensure_ascii=False, default=str) if "\\u" in text else text)
        if wrong:
            raise RowError("garbled characters", "", wrong)
    return value


def _decoded(row: bytes) -> str:
    try:
        return row.decode()
    except UnicodeDecodeError as error:
        if row.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in row[:4]:
            _wrong(0, "it looks like UTF-16: write the file anew as UTF-8")
        _wrong(error.start, f"found {row[error.start:error.start + 4]!r}")


def _wrong(at: int, words: str) -> NoReturn:
    raise RowError("not UTF-8", f"byte {at}", words) from None


def _parsed(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        found = f"found {text[error.pos:error.pos + 30]!r}" if error.pos < len(text) else "at its end"
        raise RowError("broken JSON", f"character {error.pos}", f"{error.msg}, {found}") from None
    except RecursionError:
        raise RowError("nested too deeply", "", "") from None
    except ValueError as error:                          # Infinity, or a number of thousands of digits
        raise RowError("broken JSON", "", str(error)) from None


__all__ = ["AUTO", "SHOWN", "Converter", "Job", "Origin", "Sink", "Stopped", "place_of", "read", "stopped",
           "value_of"]
