"""Special tokens in text: finding them, keeping plain text from being read as one, and which of them end a reply.

The one rule: what a message holds is text. A special token stands only in what the prompt says is special.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise

from . import PromptPiece

# llama.cpp (src/llama-vocab.cpp) knows what ends a reply by these names, besides the ids that a GGUF gives.
ENDS = frozenset({
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>", "<end_of_turn>",
    "<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "<|end_of_text|>", "<end_of_utterance>",
    "<eos>", "<turn|>", "<|tool_response>", "<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>",
    "[PAD]", "<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>", "<|file_sep|>"})


class Spelling:
    """Finds where the text of a token stands in a text, whatever spelled it."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self.tokens = frozenset(t for t in tokens if len(t) > 1)
        self.sizes: dict[str, list[int]] = {}            # of the tokens that begin with two letters, the longest first
        for size in sorted({len(t) for t in self.tokens}, reverse=True):
            for two in sorted({t[:2] for t in self.tokens if len(t) == size}):
                self.sizes.setdefault(two, []).append(size)
        letters = re.escape("".join(sorted({t[0] for t in self.tokens})))
        self.first = re.compile(f"[{letters}]" if letters else "$^")

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Start and end of the longest token at each place, overlaps included."""
        for match in self.first.finditer(text):
            start = match.start()
            for size in self.sizes.get(text[start:start + 2], ()):
                if (token := text[start:start + size]) in self.tokens:
                    yield start, start + len(token)
                    break


def defuse(prompt: Sequence[PromptPiece], markup: Spelling) -> list[str]:
    """The prompt's text in as few strings as keep special tokens from forming outside of its special pieces.

    The strings are tokenised each for itself, so a cut inside a forged token leaves plain characters. Mostly there is
    one string, hence the tokens that the model saw in training.
    """
    text = "".join(piece.text for piece in prompt).encode("utf-8", "replace").decode()
    pieces = [piece for piece in prompt if piece.text]
    ends = list(accumulate(len(piece.text) for piece in pieces))
    cuts = {0, len(text)}
    for start, stop in markup.find(text):
        at = bisect_right(ends, start)
        if not pieces[at].special:
            cuts.add(start + 1)
            continue
        while ends[at] < stop and pieces[at + 1].special:
            at += 1
        if ends[at] < stop:
            cuts.add(ends[at])
    return [text[a:b] for a, b in pairwise(sorted(cuts))]


def ends_of(named: Mapping[str, int], told: Collection[str] = ()) -> dict[str, int]:
    """Those of a vocabulary's special tokens that llama.cpp ends a reply at. `told`: what the model says ends it."""
    ends = {text: index for text, index in named.items() if text in ENDS or text in told}
    if "<|call|>" in ends or "<|calls|>" in ends:
        ends.pop("<|end|>", None)               # harmony's <|end|> ends a message of the reply, not the reply
    if "<|tool_response>" in ends:
        ends.pop("</s>", None)
    return ends
