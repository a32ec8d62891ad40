"""Blocks of a file -> its rows as they stand there, each with its place.

The one rule: every byte belongs to a row, to white space, or to a row that is named as lost. A row that is longer than the
limit is measured, not kept; so no file, however it is broken, takes more memory than a block and the limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple, Union

from .files import BOM, Damaged, Input, blocks, extra

LIMIT = 16 << 20                    # bytes of a row


class Lost(NamedTuple):
    """A row, or the rest of a file, that is not there to be read."""

    reason: str
    detail: str
    left: bytes = b""                # what there is of it


class Raw(NamedTuple):
    """`number`: of the line, or of the member of an array, from 1; `offset`: of its first byte, unpacked; `read`: how much
    of the file had been read for it. `row` is bytes of JSON or text, of Parquet the value itself."""

    number: int
    offset: int
    row: Union[bytes, Lost, dict[str, Any]]
    read: int


def raw_rows(given: Input, limit: int = LIMIT, begin: int = 0, end: int | None = None) -> Iterator[Raw]:
    """The rows of a file, blank lines too; of a part of one, those that begin in it, numbered from 1 as they come. What is
    damaged is the last of them. Of Parquet, `begin` and `end` are row groups."""
    if given.form == "parquet":
        yield from _of_parquet(given, begin, end)
        return
    number, read = 0, 0
    try:
        read_by = {"values": _values, "file": _whole}.get(given.form)
        for one in read_by(given, limit) if read_by else _lines(given, limit, begin):
            if end is not None and one.offset >= end:
                return
            number, read = one.number, one.read
            yield one
    except Damaged as error:
        lost = Lost("the file is damaged", f"{error}; what comes after this place is lost", error.left[:limit])
        yield Raw(number + 1, error.offset, lost, read)


def _lines(given: Input, limit: int, begin: int) -> Iterator[Raw]:
    """All lines from `begin` on; that which it is in the midst of is another part's."""
    offset = max(begin - 1, 0)
    number, rest, read = int(not begin), b"", 0
    skipped = 0                                          # bytes of a line that is too long
    try:
        for block, read in blocks(given, offset):
            pieces = block.split(b"\n")
            if skipped and len(pieces) == 1:
                skipped += len(block)
                continue
            pieces[0] = rest + pieces[0]
            rest = pieces.pop()
            for piece in pieces:
                size = skipped + len(piece)
                if number:
                    yield Raw(number, offset, too_long(size, limit) if size > limit else piece, read)
                number, offset, skipped = number + 1, offset + size + 1, 0
            if len(rest) > limit:
                skipped, rest = len(rest), b""
    except Damaged as error:
        raise Damaged(str(error), rest, offset) from None
    if number and (rest or skipped):
        yield Raw(number, offset, too_long(skipped, limit) if skipped else rest, read)


def too_long(size: int, limit: int) -> Lost:
    return Lost("the row is too long", f"it has {size:,} bytes; the limit is {limit:,} (--max-row)")


# -- the members of an array -----------------------------------------------------------------------------------


_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|["\[\]{},]', re.DOTALL)
_INSIDE = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)


class _Splitter:
    """Where a value ends, whatever it is cut into: brackets are matched, strings skipped. A bracket that closes nothing is
    passed over, and one that closes an outer one closes what is open inside; so a broken value mostly ends where it
    should."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.buffer, self.begin, self.at = b"", 0, 0     # what is looked at, where a member begins, and up to where
        self.offset = 0                                  # the place of the member's first byte
        self.open, self.top = b"", 0                     # the brackets, and how many of them the members stand in
        self.begun = self.inside = self.over = False     # there was something; in a string; the array has ended
        self.dropped = 0                                 # bytes of a member that is too long

    def feed(self, block: bytes) -> Iterator[tuple[int, Union[bytes, Lost]]]:
        """The members that have ended, each with its place."""
        self.buffer = self.buffer[self.begin:] + (block if self.begun else self._first(block))
        self.at, self.begin = self.at - self.begin, 0
        while self.at < len(self.buffer):
            if self.inside:
                self.at = _end(_INSIDE.match(self.buffer, self.at))
                if self.buffer[self.at:self.at + 1] != b'"':
                    break                                # its end, or half of an escape, is still to come
                self.inside, self.at = False, self.at + 1
            token = _TOKEN.search(self.buffer, self.at)
            self.at = token.end() if token else len(self.buffer)
            match token and token[0]:
                case b'"':
                    self.inside = True
                case b"[" | b"{" as bracket:
                    self.open += bracket
                case b"]" | b"}" as bracket:
                    yield from self._closed(b"[" if bracket == b"]" else b"{")
                case b"," if len(self.open) == self.top:
                    yield from self._ended(self.at - 1)
        if self.at - self.begin > self.limit:
            self.dropped += self.at - self.begin
            self.begin = self.at

    def _first(self, block: bytes) -> bytes:
        rest = block.removeprefix(BOM).lstrip()
        self.begun = bool(rest)
        self.offset += len(block) - len(rest)
        if rest.startswith(b"["):
            self.open, self.top, self.offset = b"[", 1, self.offset + 1
            return rest[1:]
        return rest

    def _closed(self, bracket: bytes) -> Iterator[tuple[int, Union[bytes, Lost]]]:
        if (last := self.open.rfind(bracket)) < 0:
            return
        self.open = self.open[:last]
        if last < self.top:
            yield from self._ended(self.at - 1)
            self.over, self.open = True, b"["
        elif not last:
            yield from self._ended(self.at)

    def _ended(self, end: int) -> Iterator[tuple[int, Union[bytes, Lost]]]:
        size = self.dropped + end - self.begin
        if size > self.limit:
            yield self.offset, too_long(size, self.limit)
        else:
            piece = self.buffer[self.begin:end]
            if inner := piece.strip(b" \t\r\n,"):
                yield self.offset + len(piece) - len(piece.lstrip(b" \t\r\n,")), inner
        self.offset += size + self.at - end
        self.begin, self.dropped = self.at, 0

    def left(self) -> bytes:
        """What has not ended, and is not white space."""
        return self.buffer[self.begin:].strip(b" \t\r\n,") or b"?" * bool(self.dropped)


def _end(found: re.Match[bytes] | None) -> int:
    assert found                                         # it matches nothing at all, too
    return found.end()


def _values(given: Input, limit: int) -> Iterator[Raw]:
    number, splitter = 0, _Splitter(limit)
    try:
        for block, read in blocks(given):
            for offset, row in splitter.feed(block):
                number += 1
                yield Raw(number, offset, row, read)
    except Damaged as error:
        raise Damaged(str(error), splitter.left(), splitter.offset) from None
    if splitter.left() or (splitter.top and not splitter.over):
        raise Damaged("an array or an object does not end", splitter.left(), splitter.offset)


def _whole(given: Input, limit: int) -> Iterator[Raw]:
    """A file that is one row."""
    text, size = b"", 0
    for block, _ in blocks(given):
        size += len(block)
        text = text + block if size <= limit else b""
    yield Raw(1, 0, text if size <= limit else too_long(size, limit), given.size)


# -- Parquet ---------------------------------------------------------------------------------------------------


ROWS_AT_ONCE = 1024


def _of_parquet(given: Input, begin: int, end: int | None) -> Iterator[Raw]:
    """The rows of the row groups from `begin` to `end`. A member that is null is not there: Parquet gives every struct the
    members of all."""
    library = extra("pyarrow.parquet", "reading Parquet")
    number = 1
    try:
        with library.ParquetFile(given.path) as file:
            groups = range(begin, file.num_row_groups if end is None else end)
            for batch in file.iter_batches(ROWS_AT_ONCE, row_groups=list(groups)) if groups else ():
                for row in batch.to_pylist():
                    yield Raw(number, 0, _there(row), 0)
                    number += 1
    except (OSError, ValueError) as error:               # ArrowInvalid is one
        yield Raw(number, 0, Lost("the file is damaged", " ".join(str(error).split())), 0)


def _there(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _there(one) for key, one in value.items() if one is not None}
    return [_there(one) for one in value] if isinstance(value, list) else value


def row_groups(given: Input) -> list[tuple[int, int]]:
    """The rows and bytes of each row group. Raises Damaged."""
    library = extra("pyarrow.parquet", "reading Parquet")
    try:
        with library.ParquetFile(given.path) as file:
            groups = (file.metadata.row_group(number) for number in range(file.num_row_groups))
            return [(one.num_rows, one.total_byte_size) for one in groups]
    except (OSError, ValueError) as error:
        raise Damaged(" ".join(str(error).split())) from None


__all__ = ["LIMIT", "Lost", "Raw", "raw_rows", "row_groups"]
