"""The vocabulary inside of a GGUF file as a tokenizer of Hugging Face's `tokenizers`, so that no engine is needed for it.

The one rule: a vocabulary whose way of cutting text is not known here is refused. A wrong guess gives ids that are nearly
right, and nobody would see it. The ways are named as llama.cpp names them (`tokenizer.ggml.pre`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..engines.weights import CONTROL, UNKNOWN, USER_DEFINED
from ..message import ToolglotError

_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_WORDS = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}COUNT| ?[^\s\p{L}\p{N}]+[\r\n]*|"
          r"\s*[\r\n]+|\s+(?!\S)|\s+")
_DIGIT = r"\p{N}"
# what each kind cuts text at, one pattern after another
WAYS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("gpt-2", "gpt2", "olmo", "mpt"), (_GPT2,)),
    **dict.fromkeys(("smollm", "starcoder", "refact", "command-r", "codeshell"), (_DIGIT, _GPT2)),
    **dict.fromkeys(("llama-bpe", "llama3", "llama-v3"), (_WORDS.replace("COUNT", "{1,3}"),)),
    **dict.fromkeys(("qwen2", "stablelm2"), (_WORDS.replace("COUNT", ""),)),
}
_WHOLE = ("llama-bpe", "llama3", "llama-v3")      # a word that is a token is that token, whatever the merges say


def bpe_of(meta: Mapping[str, Any], library: Any) -> Any:
    """`meta` is what `read_gguf` gave, `library` the package tokenizers. Raises ToolglotError."""
    model, kind = meta.get("tokenizer.ggml.model"), meta.get("tokenizer.ggml.pre", "")
    if model != "gpt2" or kind not in WAYS:
        raise ToolglotError(f"this GGUF file's vocabulary ({model}, {kind or 'of no named kind'}) is not known here (gpt2 "
                            f"with {', '.join(WAYS)} is): give the model's tokenizer.json")
    tokens = [t.decode("utf-8", "replace") for t in meta["tokenizer.ggml.tokens"]]
    merges = [tuple(m.decode("utf-8", "replace").split(" ", 1)) for m in meta["tokenizer.ggml.merges"]]
    bpe = library.models.BPE({text: i for i, text in enumerate(tokens)}, merges, ignore_merges=kind in _WHOLE)
    out = library.Tokenizer(bpe)
    cuts = [library.pre_tokenizers.Split(library.Regex(way), "isolated") for way in WAYS[kind]]
    out.pre_tokenizer = library.pre_tokenizers.Sequence(
        [*cuts, library.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    out.decoder = library.decoders.ByteLevel()
    kinds = meta.get("tokenizer.ggml.token_type", ())
    for text, what in zip(tokens, kinds, strict=False):
        if what in (UNKNOWN, CONTROL, USER_DEFINED):
            out.add_tokens([library.AddedToken(text, special=what != USER_DEFINED, normalized=False)])
    return out


__all__ = ["WAYS", "bpe_of"]
