"""Special tokens in the text of messages, for servers that take a prompt as one text and give no way to say which parts
of it are plain.

The one rule: whatever looks like a special token, and does not stand in a special piece whole, is broken by a character
that cannot be seen. A message may be changed so; a turn is never forged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from ..registry import dialects
from . import PromptPiece
from .spelling import Spelling, defuse

JOINER = "\u2060"               # WORD JOINER: no width, no line break, and part of no special token
MOST_KEPT = 1 << 15             # characters of a text that is looked at once and remembered
BRACKETED = re.compile(r"[<\[\]◁](?=([^\s<>]{1,62}?[>\[\]▷]))")      # what special tokens look like, all but everywhere
BARRED = re.compile(r"<[|｜][^\s<>]{1,60}[|｜]>")                     # and what hardly anything else does


@lru_cache(maxsize=1)
def known_markup() -> tuple[str, ...]:
    """The special tokens of all formats that are known here: what a server's vocabulary can be asked for."""
    found = {literal for dialect in dialects().values() for literal in (*dialect.special, *dialect.stop)}
    return tuple(sorted(w for w in found if len(w) > 2 and not re.search(r"\s", w) and not w.isalnum()))


def bracketed(prompt: Sequence[PromptPiece]) -> set[str]:
    """What in the plain pieces may be a special token, by its looks."""
    plain = [piece.text for piece in prompt if not piece.special]
    return set().union(*[_seen(text) if len(text) <= MOST_KEPT else _seen.__wrapped__(text) for text in plain])


@lru_cache(maxsize=256)                  # the same tools are told again in every prompt
def _seen(text: str) -> frozenset[str]:
    sound = text if text.isascii() else text.encode("utf-8", "replace").decode()
    return frozenset(match[0] + match[1] for match in BRACKETED.finditer(sound))


def veiled(prompt: Sequence[PromptPiece], tokens: Iterable[str] | None = None) -> str:
    """The prompt as one text. `tokens`: the vocabulary's special tokens where they are known; None means those of all
    formats, and `<|all of this kind|>`."""
    if tokens is None:
        tokens = {*known_markup(), *(match[0] for piece in prompt for match in BARRED.finditer(piece.text))}
    return JOINER.join(defuse(prompt, Spelling(tokens)))


__all__ = ["JOINER", "bracketed", "known_markup", "veiled"]
