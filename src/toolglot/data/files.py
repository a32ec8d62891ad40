"""Which files are meant, and what stands in them: bytes, whatever they are packed in.

The one rule: what a file is, is read off its first bytes, not off its name; a name only decides where those say nothing.
What is read is never held whole: a file is blocks, and one that is cut or damaged gives all that stood before the damage.
"""

from __future__ import annotations

import bz2
import glob
import gzip
import importlib
import io
import json
import lzma
import os
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Literal

from ..message import ToolglotError

# JSON lines; members of an array, or values in a row; plain text, a row a line; plain text, one row
Form = Literal["lines", "values", "text", "file", "parquet"]
Packing = Literal["", "gz", "zst", "xz", "bz2"]

Text = Literal["line", "file"]

BLOCK = 1 << 18
STDIN = "-"
MAGIC: dict[bytes, Packing] = {b"\x1f\x8b": "gz", b"\x28\xb5\x2f\xfd": "zst", b"\xfd7zXZ\0": "xz", b"BZh": "bz2"}
PACKINGS = {".gz": "gz", ".zst": "zst", ".xz": "xz", ".bz2": "bz2"}
FORMS: dict[str, Form] = {".jsonl": "lines", ".ndjson": "lines", ".json": "values", ".txt": "text", ".text": "text",
                          ".parquet": "parquet"}
BOM = b"\xef\xbb\xbf"


DAMAGE = (EOFError, zlib.error, lzma.LZMAError, OSError)


class Damaged(Exception):
    """A file that ends too soon, or whose bytes are not what its packing says: where, and what there is of a row."""

    def __init__(self, words: str, left: bytes = b"", offset: int = 0) -> None:
        super().__init__(words)
        self.left, self.offset = left, offset


@dataclass(frozen=True)
class Input:
    """A file to read. `size` is its bytes on the disk, 0 where nobody knows."""

    path: str
    form: Form
    packing: Packing = ""
    size: int = 0

    @property
    def ranges(self) -> bool:
        """Whether any part of it can be read without what stands before."""
        return self.form in ("lines", "text") and not self.packing and self.path != STDIN


def found(paths: Sequence[str | os.PathLike[str]], leave: Sequence[Path] = (), text: Text = "line") -> list[Input]:
    """The files that are meant by files, directories, globs and "-", each once, in order. `leave` are not gone into.
    `text`: what is a row of plain text.

    Raises ToolglotError for a path that leads to nothing.
    """
    files: dict[str, None] = {}
    for path in paths:
        files |= dict.fromkeys(_named(os.fspath(path), [one.resolve() for one in leave]))
    inputs = [described(one) for one in files]
    return [replace(one, form="file") if text == "file" and one.form == "text" else one for one in inputs]


def _named(path: str, leave: Sequence[Path]) -> list[str]:
    if path == STDIN or os.path.isfile(path):
        return [path]
    if os.path.isdir(path):
        inside = [str(one) for one in sorted(Path(path).rglob("*")) if one.is_file() and _known(one)
                  and not any(part.startswith(".") for part in one.relative_to(path).parts)
                  and not any(one.resolve().is_relative_to(other) for other in leave)]
        if not inside:
            raise ToolglotError(f"{path}: expected files that end in {', '.join(FORMS)} (or those, compressed), found none")
        return inside
    if os.path.exists(path):
        raise ToolglotError(f"{path} is no file that can be read twice: give it as stdin, with -")
    matching = sorted(one for one in glob.glob(path, recursive=True) if os.path.isfile(one))
    if not matching:
        raise ToolglotError(f"{path}: expected a file, a directory, a glob or - for stdin; found nothing of that name")
    return matching


def _known(path: Path) -> bool:
    name = path.with_suffix("") if path.suffix in PACKINGS else path
    return name.suffix in FORMS


def described(path: str) -> Input:
    """What a file is, by how it begins."""
    if path == STDIN:
        stdin: Any = sys.stdin.buffer
        size, head = 0, stdin.peek(BLOCK)
    else:
        size = os.path.getsize(path)
        with open(path, "rb") as file:
            head = file.read(BLOCK)
    packing: Packing = next((one for begin, one in MAGIC.items() if head.startswith(begin)), "")
    if packing:
        try:
            head = next(_unpacked(io.BytesIO(head), packing), (b"", 0))[0]
        except DAMAGE:
            head = b""
    return Input(path, form_of(path, head), packing, size)


def form_of(path: str, head: bytes) -> Form:
    """The form of what begins so."""
    if head.startswith(b"PAR1"):
        return "parquet"
    for ending in PACKINGS:
        path = path.removesuffix(ending)
    named = FORMS.get(os.path.splitext(path)[1])
    text = head.removeprefix(BOM).lstrip()
    if named == "text" or not text.startswith((b"{", b"[", b'"')):
        return "text" if named == "text" or (text and named is None) else "lines"
    first, newline, rest = text.partition(b"\n")
    if first.strip() in (b"[", b"{"):
        return "values"
    if named == "lines" or text[:1] == b'"':
        return "lines"
    if text[:1] == b"[":                                 # an array; or rows that are arrays, a line each
        return "lines" if _is_json(first) and rest.strip() else "values"
    return "lines" if not newline or any(map(_is_json, [first, *rest.split(b"\n", 5)[:5]])) else "values"


def _is_json(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), (dict, list))
    except (ValueError, RecursionError):
        return False


# -- reading ---------------------------------------------------------------------------------------------------


def blocks(given: Input, begin: int = 0) -> Iterator[tuple[bytes, int]]:
    """The unpacked bytes from `begin` on, and how much of the file was read for them. Raises Damaged, after all that could
    be had."""
    try:
        with nullcontext(sys.stdin.buffer) if given.path == STDIN else open(given.path, "rb") as file:
            if begin:
                file.seek(begin)
            yield from _unpacked(file, given.packing)
    except DAMAGE as error:
        raise Damaged(str(error) or type(error).__name__) from None


def _unpacked(file: IO[bytes], packing: Packing) -> Iterator[tuple[bytes, int]]:
    if packing == "zst":
        yield from _zst(file)
        return
    counted = _Counted(file)
    source: Any = counted
    if packing == "gz":
        source = gzip.GzipFile(fileobj=counted, mode="rb")
    elif packing == "xz":
        source = lzma.LZMAFile(counted)                  # type: ignore[arg-type]  # noqa: SIM115
    elif packing == "bz2":
        source = bz2.BZ2File(counted)
    read = source.read1 if packing else source.read      # read1 gives what it has before it fails
    while block := read(BLOCK):
        yield block, counted.count


class _Counted(io.RawIOBase):
    """A file that knows how much of it was read, for a pipe cannot tell."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.count = file, 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        block = self.file.read(size)
        self.count += len(block)
        return block


def _zst(file: IO[bytes]) -> Iterator[tuple[bytes, int]]:
    """Frame after frame; the library itself would take a cut file for a whole one."""
    library = extra("zstandard", "reading .zst")
    frame, count, waiting = None, 0, b""
    while waiting or (waiting := file.read(BLOCK)):
        frame = frame or library.ZstdDecompressor().decompressobj()
        count += len(waiting)
        try:
            block = frame.decompress(waiting)
        except library.ZstdError as error:
            raise EOFError(str(error)) from None
        waiting = frame.unused_data if frame.eof else b""
        count -= len(waiting)
        if frame.eof:
            frame = None
        if block:
            yield block, count
    if frame is not None:
        raise EOFError("the compressed file ended before its last frame did")


def extra(name: str, why: str) -> Any:
    """A library that not everybody has."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ToolglotError(f"{why} needs {name.partition('.')[0]} ({error}): pip install 'toolglot[data]'") from None


# -- writing ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Output:
    """What a file that is written is, by its name: JSON lines or Parquet."""

    path: str
    parquet: bool
    packing: Packing


def output(path: str | os.PathLike[str]) -> Output:
    """Raises ToolglotError for a name that does not say what to write."""
    name = os.fspath(path)
    if name == STDIN:
        return Output(name, False, "")
    packing = next((kind for ending, kind in PACKINGS.items() if name.endswith(ending)), "")
    ending = os.path.splitext(name[:-len(packing) - 1] if packing else name)[1]
    if ending == ".parquet" and not packing:
        extra("pyarrow.parquet", "writing Parquet")
        return Output(name, True, "")
    if ending not in (".jsonl", ".ndjson", ".json"):
        raise ToolglotError(f"{name}: expected a name that ends in .jsonl or .parquet (.jsonl also with .gz, .zst, .xz or "
                            ".bz2), so that it says what to write")
    if packing == "zst":
        extra("zstandard", "writing .zst")
    return Output(name, False, packing)                  # type: ignore[arg-type]


def packing_file(file: IO[bytes], packing: Packing) -> Any:
    """A file into which bytes go as they are and come out packed. Several, one behind another, are one again: so parts can
    be packed each on its own."""
    match packing:
        case "gz":
            return gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6, mtime=0, filename="")
        case "xz":
            return lzma.LZMAFile(file, "wb")
        case "bz2":
            return bz2.BZ2File(file, "wb")
        case "zst":
            return extra("zstandard", "writing .zst").ZstdCompressor(level=3).stream_writer(file, closefd=False)
    return _Kept(file)


class _Kept(io.BufferedIOBase):
    """A file that stays open when this is closed, as with the packings."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self.file.write(data)


__all__ = ["BLOCK", "STDIN", "Damaged", "Form", "Input", "Output", "Packing", "blocks", "described", "extra", "found",
           "output", "packing_file"]
