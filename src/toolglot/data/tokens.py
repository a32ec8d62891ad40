"""A rendered row -> token ids, and which of them have a loss.

The one rule: the ids are those of inference. A prompt is tokenised as the engines do it, in as few strings as keep special
tokens from forming outside of markup; and what the model writes is a string of its own, for at inference a prompt ends
where it begins. So no token is half prompt and half reply, and a label is exactly a token that the model writes.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from ..engines import PromptPiece
from ..engines.spelling import Spelling, defuse
from ..engines.weights import Gguf
from ..message import ToolglotError
from .rendered import Rendered, Span
from .row import RowError
from .vocabulary import bpe_of

LONG, MOST_KEPT = 200, 4096                       # characters of a text that is remembered, and how many are
NO_LOSS = -100                                    # what torch's cross entropy leaves out
_MARK = re.compile(r"<\S+>|\[\S+\]")              # an added token that looks like markup: no message may forge it


class Tokens(NamedTuple):
    """`weights`: of each id, 0 where it has no loss."""

    ids: list[int]
    weights: list[float]

    @property
    def labels(self) -> list[int]:
        return [i if w else NO_LOSS for i, w in zip(self.ids, self.weights, strict=True)]


@dataclass(frozen=True)
class Encoder:
    """A Hugging Face tokenizer (`tokenizers.Tokenizer`); `open_encoder` reads one from a file. `marks`: the ids of the
    tokens that no message may forge, by text. `apart`: they part a text in two, and do nothing to what is around them."""

    tokenizer: Any
    marks: dict[str, int] = field(repr=False)
    source: str = ""
    apart: bool = False

    @cached_property
    def _spelling(self) -> Spelling:
        return Spelling(self.marks)

    @cached_property
    def _ids(self) -> frozenset[int]:
        return frozenset(self.marks.values())

    @cached_property
    def _kept(self) -> dict[str, list[int]]:
        """Long texts that came before: the same tools are told in many rows."""
        return {}

    def encode(self, shown: Rendered) -> Tokens:
        """The row's tokens. A token that reaches over spans of different weight has the smallest. Raises RowError where
        the tokenizer makes a special token of plain text."""
        out = Tokens([], [])
        for _, group in groupby(shown.spans, lambda s: s.written):
            stretch = list(group)
            parts = defuse([PromptPiece(shown.text[s.start:s.end], s.special) for s in stretch], self._spelling)
            weight = stretch[0].weight
            if all([s.weight == weight for s in stretch]):
                for part in parts:
                    ids = self._string(part)
                    out.ids.extend(ids)
                    out.weights.extend([weight] * len(ids))
                continue
            for part, share in zip(parts, _shares(stretch, parts), strict=True):
                encoding = self.tokenizer.encode(part, add_special_tokens=False)
                out.ids.extend(self._sound(part, encoding.ids))
                out.weights.extend(_weights(share, encoding))
        return out

    def _string(self, text: str) -> list[int]:
        """A text's ids. Where special tokens part it, what stands between them can be remembered."""
        if not self.apart:
            return self._sound(text, self.tokenizer.encode(text, add_special_tokens=False).ids)
        out: list[int] = []
        at = 0
        for start, stop in self._marked(text):
            out += [*self._words(text[at:start]), self.marks[text[start:stop]]]
            at = stop
        return out + self._words(text[at:])

    def _words(self, text: str) -> list[int]:
        if len(text) < LONG:
            return self._sound(text, self.tokenizer.encode(text, add_special_tokens=False).ids) if text else []
        found = self._kept.get(text)
        if found is None:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            ids = self.tokenizer.encode(text, add_special_tokens=False).ids
            found = self._kept[text] = self._sound(text, ids)
        return found

    def _sound(self, text: str, ids: list[int]) -> list[int]:
        if sum([i in self._ids for i in ids]) > len(self._marked(text)):
            raise RowError("its words become a special token", detail=f"in {text[:60]!r}, with {self.source}")
        return ids

    def _marked(self, text: str) -> list[tuple[int, int]]:
        """Where special tokens stand in a text, read from the front."""
        out: list[tuple[int, int]] = []
        for start, stop in self._spelling.find(text):
            if not out or start >= out[-1][1]:
                out.append((start, stop))
        return out

    def ids(self, pieces: Sequence[PromptPiece]) -> list[int]:
        """A prompt's ids, as an engine has them."""
        return [i for part in defuse(pieces, self._spelling) for i in self._string(part)]

    def decode(self, ids: Sequence[int]) -> str:
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=False))


def _shares(stretch: Sequence[Span], parts: Sequence[str]) -> list[list[Span]]:
    """Of each string, the spans that it is made of, counted from its own beginning."""
    out: list[list[Span]] = []
    at, n = stretch[0].start, 0
    for part in parts:
        end = at + len(part)
        share: list[Span] = []
        while n < len(stretch):
            span = stretch[n]
            share.append(span._replace(start=max(span.start, at) - at, end=min(span.end, end) - at))
            if span.end > end:
                break
            n += 1
            if span.end == end:
                break
        out.append(share)
        at = end
    return out


def _weights(spans: Sequence[Span], encoding: Any) -> list[float]:
    first = spans[0].weight if spans else 0.0
    if all([s.weight == first for s in spans]):
        return [first] * len(encoding.ids)
    return [min([s.weight for s in spans if s.start < max(end, start + 1) and start < s.end], default=0.0)
            for start, end in encoding.offsets]


# -- files -------------------------------------------------------------------------------------------------------


def open_encoder(path: str | Path) -> Encoder:
    """A tokenizer out of a tokenizer.json, a directory that holds one, or a GGUF file. Raises ToolglotError."""
    path = Path(path).expanduser()
    if path.is_dir():
        path = path / "tokenizer.json"
    if not path.is_file():
        raise ToolglotError(f"there is no tokenizer {path}: give a tokenizer.json, a directory that holds one, or a GGUF "
                            "file")
    library = tokenizers()
    with path.open("rb") as file:
        binary = file.read(4) == b"GGUF"
    if binary:
        gguf = Gguf(path)
        return _checked(bpe_of(gguf.meta, library), str(path), gguf.markup)
    try:
        return encoder_of(library.Tokenizer.from_file(str(path)), str(path))
    except ToolglotError:
        raise
    except Exception as error:                    # tokenizers raises nothing more exact
        raise ToolglotError(f"{path}: expected a tokenizer of Hugging Face's tokenizers ({error})") from None


def encoder_of(tokenizer: Any, source: str = "") -> Encoder:
    """A `tokenizers.Tokenizer`, or what transformers' AutoTokenizer gives."""
    return _checked(getattr(tokenizer, "backend_tokenizer", tokenizer), source, frozenset())


def _checked(tokenizer: Any, source: str, marks: frozenset[str]) -> Encoder:
    tokenizer = type(tokenizer).from_str(tokenizer.to_str())       # the caller's own is left as it is
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = False       # it is `defuse` that keeps them out of messages
    added = tokenizer.get_added_tokens_decoder()
    known = {token.content: i for i, token in added.items()
             if token.special or token.content in marks or _MARK.fullmatch(token.content)}
    apart = not any(t.lstrip or t.rstrip or t.single_word or t.normalized for t in added.values())
    encoder = Encoder(tokenizer, known, source or type(tokenizer).__name__, apart)
    for words in (["a b", "a b"], ["é\n", " {日本"], ["\n", "x"]):
        ids = [i for w in words for i in tokenizer.encode(w, add_special_tokens=False).ids]
        if encoder.decode(ids) != "".join(words):
            raise ToolglotError(f"{encoder.source} does not give back what it is given: {''.join(words)!r} becomes "
                                f"{encoder.decode(ids)!r}. Only tokenizers that cut bytes can be used")
    return encoder


def tokenizers() -> Any:
    try:
        return importlib.import_module("tokenizers")
    except ImportError:
        raise ToolglotError("token ids need the package tokenizers: pip install 'toolglot[data]'") from None


__all__ = ["NO_LOSS", "Encoder", "Tokens", "encoder_of", "open_encoder"]
