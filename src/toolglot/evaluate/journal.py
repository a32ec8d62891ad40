"""Records in a file of JSON lines, each on the disk before the next is asked for.

The one rule: a run that was killed at any point and resumed has exactly the records of one that was not. The first line
says all that pins the run; only the same run goes on. A last line that was torn is dropped, and its question asked again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from ..message import ToolglotError
from .record import Record, Said, Setting

if TYPE_CHECKING:
    from typing_extensions import Self

Header = Mapping[str, Any]


class JournalError(ToolglotError):
    """The journal is not one, is another run's, or is being written by somebody else."""


class Kind(NamedTuple):
    """What a journal is of. `mark` is the first member of its header, and its value the version; `record` makes a record
    out of what `asdict` makes of one."""

    mark: str
    version: int
    record: Callable[[Mapping[str, Any]], Any]


def record_of(line: Mapping[str, Any]) -> Record:
    """A record, from what `asdict` makes of it."""
    said = tuple(Said(**{**one, "calls": tuple(one["calls"]), "problems": tuple(one["problems"])}) for one in line["said"])
    return Record(**{**line, "setting": Setting(**line["setting"]), "said": said, "due": tuple(line["due"])})


EVALUATION = Kind("toolglot evaluate", 1, record_of)


class Journal:
    """An open journal: `records` are those that were there. A context manager."""

    def __init__(self, path: Path, header: Header, *, resume: bool = False, kind: Kind = EVALUATION) -> None:
        self.path, self.kind = path, kind
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
        except OSError as error:
            raise JournalError(f"{path}: {error.strerror or error}") from None
        try:
            _lock(self._file, path)
            self.records = self._begin(header, resume)
        except BaseException:
            os.close(self._file)
            raise

    def _begin(self, header: Header, resume: bool) -> list[Any]:
        data = self.path.read_bytes()
        whole = data[:_whole(data)]
        if whole and not resume:
            raise JournalError(f"{self.path} exists and holds a run: go on with it with --resume, or give another name")
        os.ftruncate(self._file, len(whole))
        if not whole:
            self._append({self.kind.mark: self.kind.version, **header})
            _settle(self.path.parent)
            return []
        found, records = _read(whole, self.path, self.kind)
        if differ := differences(found, _plain(header)):
            raise JournalError(f"{self.path} is of another run and cannot go on as this one: {'; '.join(differ)}")
        return records

    def write(self, record: Any) -> None:
        """The record is on the disk when this comes back."""
        self._append(asdict(record))

    def _append(self, value: Any) -> None:
        line = memoryview(json.dumps(value, separators=(",", ":")).encode() + b"\n")     # ASCII, so halves of pairs too
        while line:
            line = line[os.write(self._file, line):]
        os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def read_journal(path: str | os.PathLike[str]) -> tuple[Header, list[Record]]:
    """What pins a run, and its records. Raises JournalError."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise JournalError(f"{path}: {error.strerror or error}") from None
    if not (size := _whole(data)):
        raise JournalError(f"{path}: expected the journal of {EVALUATION.mark}, found nothing whole in it")
    return _read(data[:size], path, EVALUATION)


def differences(before: Any, now: Any, place: str = "") -> list[str]:
    """Where two headers differ, in words."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        return [words for key in dict.fromkeys((*before, *now))
                for words in differences(before.get(key), now.get(key), f"{place}.{key}" if place else str(key))]
    return [] if before == now else [f"{place}: it has {_short(before)}, this run {_short(now)}"]


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 100 else f"{text[:60]}… ({len(text)} characters)"


def _plain(header: Header) -> Any:
    """As it comes back from a file."""
    return json.loads(json.dumps(header))


def _whole(data: bytes) -> int:
    """How much of a file is whole lines; a last one that is no JSON was torn by the machine's own end."""
    end = data.rfind(b"\n") + 1
    last = data.rfind(b"\n", 0, max(end - 1, 0)) + 1
    try:
        json.loads(data[last:end] or b"0")
    except ValueError:
        return last
    return end


def _read(data: bytes, path: Path, kind: Kind) -> tuple[Header, list[Any]]:
    lines = _lines(data, path)
    header = next(lines)
    if not isinstance(header, dict) or header.get(kind.mark) != kind.version:
        raise JournalError(f"{path}: expected the journal of {kind.mark}, of version {kind.version}; its first line is "
                           f"{_short(header)}")
    try:
        return {key: value for key, value in header.items() if key != kind.mark}, [kind.record(line) for line in lines]
    except (TypeError, KeyError, AttributeError) as error:
        raise JournalError(f"{path}: a line is no record: {error!r}") from None


def _lines(data: bytes, path: Path) -> Iterator[Any]:
    for number, line in enumerate(data.splitlines(), 1):
        try:
            yield json.loads(line)
        except ValueError as error:
            raise JournalError(f"{path}, line {number}: expected JSON, found {line[:60]!r} ({error})") from None


def _lock(file: int, path: Path) -> None:
    """One writer a journal, where the system can say so."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise JournalError(f"{path} is being written by another run: wait for it, or give another name") from None


def _settle(directory: Path) -> None:
    """The name of a new file is on the disk too."""
    if hasattr(os, "O_DIRECTORY"):
        at = os.open(directory, os.O_DIRECTORY)
        try:
            os.fsync(at)
        finally:
            os.close(at)


__all__ = ["EVALUATION", "Header", "Journal", "JournalError", "Kind", "differences", "read_journal", "record_of"]
