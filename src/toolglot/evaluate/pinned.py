"""All that pins a run: the model, the engine, the questions, the settings, the sampling, and this version.

The one rule: two runs of the same header are the same run. What nobody can know, such as the hash of a model behind a
server, is null and not made up; and the header names no folder of the machine that it came from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from .. import __version__
from ..engines import Chat, Engine
from ..engines.opening import is_address
from ..engines.weights import BLOCK, Gguf, cache_directory, find_model
from ..model import Model
from ..reply import Terms
from ..tools import as_tools
from .item import Item
from .record import Setting

DAY = "2025-06-30"                  # of prompts that tell the date: one day, or a run would change at midnight

# `general.file_type` of a GGUF: llama.cpp's enum llama_ftype (include/llama.h)
QUANTISATIONS = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M",
    13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS",
    21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S",
    29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4_MOE", 39: "NVFP4"}


class Source(NamedTuple):
    """What an engine was opened from: a server's address, or the file or directory of a model; neither, where the caller
    gave an open engine."""

    address: str | None = None
    weights: Path | None = None


def source_of(where: str | None) -> Source:
    """`where` is as `open_engine` takes it; None is the default model."""
    if is_address(where):
        return Source(address=where)
    path = None if where is None else Path(where).expanduser()
    return Source(weights=path if path is not None and path.is_dir() else find_model(where))


def header(engine: Engine | Chat, source: Source, suite: Mapping[str, Any], items: Sequence[Item],
           settings: Sequence[Setting], models: Mapping[Setting, Model], terms: Terms, concurrency: int) -> dict[str, Any]:
    """`suite` has its name and what it was made with; so many of its items, `items`, are asked."""
    facts = engine.facts
    folder = "" if source.weights is None else str(source.weights.parent)
    return {
        "toolglot": __version__,
        "model": {"name": facts.name, "architecture": facts.architecture, **_weights(source.weights),
                  "chat_template_sha256": _sha256(facts.chat_template.encode()) if facts.chat_template else None},
        "engine": {"kind": type(engine).__module__.rpartition(".")[2], "address": source.address,
                   "context": facts.context, "found": [_homeless(words, folder) for words in facts.found]},
        "suite": {**suite, "items": len(items), "sha256": digest(items)},
        "settings": [asdict(one) for one in settings],
        "sampling": {"temperature": terms.temperature, "seed": terms.seed, "max_tokens": terms.max_tokens,
                     "thinking": terms.thinking, "today": terms.today, "concurrency": concurrency},
        "prompts_sha256": _prompts(items, models, terms)}


def recorded_header(model: str, suite: Mapping[str, Any], items: Sequence[Item],
                    settings: Sequence[Setting]) -> dict[str, Any]:
    """Of texts that a model wrote once: who ran it, and how, is not known here."""
    unknown = dict.fromkeys(("architecture", "file", "sha256", "bytes", "size", "quantisation", "chat_template_sha256"))
    return {
        "toolglot": __version__, "model": {"name": model, **unknown},
        "engine": {"kind": "recorded", "address": None, "context": None, "found": ["none: these replies were recorded"]},
        "suite": {**suite, "items": len(items), "sha256": digest(items)}, "settings": [asdict(one) for one in settings],
        "sampling": dict.fromkeys(("temperature", "seed", "max_tokens", "thinking", "today", "concurrency")),
        "prompts_sha256": None}


def digest(items: Iterable[Item]) -> str:
    """Of all that is asked and all that is right."""
    found = hashlib.sha256()
    for item in items:
        found.update(json.dumps(asdict(item), sort_keys=True, default=_sorted).encode() + b"\n")
    return found.hexdigest()


def _sorted(value: Any) -> Any:
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"no item holds a {type(value).__name__}")


def _prompts(items: Sequence[Item], models: Mapping[Setting, Model], terms: Terms) -> str | None:
    """Of the first item's prompts, in every dialect and idiom: a dialect that has changed is another run."""
    if not items or not models:
        return None
    tools = as_tools(list(items[0].tools))
    one_of_each = {(setting.dialect, setting.idiom): model for setting, model in models.items()}
    prompts = [str(model.prompt(items[0].messages, tools, thinking=terms.thinks, today=terms.today))
               for model in one_of_each.values()]
    return _sha256(json.dumps(prompts).encode())


def _weights(path: Path | None) -> dict[str, Any]:
    """What a file of weights is. A server's are not ours to read; of a directory, only what its files say."""
    found: dict[str, Any] = dict.fromkeys(("file", "sha256", "bytes", "size", "quantisation"))
    if path is None:
        return found
    files = sorted(path.glob("*.safetensors")) or sorted(path.glob("*.gguf")) if path.is_dir() else [path]
    found |= {"file": path.name, "sha256": _sha256_of(files), "bytes": sum(file.stat().st_size for file in files)}
    if path.suffix == ".gguf":
        meta = Gguf(path).meta
        kind = meta.get("general.file_type")
        found |= {"size": meta.get("general.size_label"),
                  "quantisation": None if kind is None else QUANTISATIONS.get(kind, f"file type {kind}")}
    return found


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _sha256_of(files: Sequence[Path]) -> str | None:
    """Of the files, one after another; of one file, its own."""
    found = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                found.update(block)
    return found.hexdigest() if files else None


def _homeless(words: str, folder: str) -> str:
    for place in sorted({folder, str(cache_directory()), str(Path.home())} - {"", "/", "."}, key=len, reverse=True):
        words = words.replace(place + "/", "")
    return words


__all__ = ["DAY", "Source", "digest", "header", "recorded_header", "source_of"]
