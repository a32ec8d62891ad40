"""How likely the tokens of a reply were, out of the two shapes in which servers tell it.

The one rule: what was asked for comes or is an error. The most likely tokens are sorted, and never more than were asked
for: some servers add the chosen one to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import EngineError, TokenLogprob


def read(told: Any, most: int, where: str) -> tuple[TokenLogprob, ...]:
    """The tokens of one piece; `told` is OpenAI's `logprobs` of a completion, or of a chat, which llama.cpp sends
    everywhere. None are none. Errors: EngineError for what is neither."""
    try:
        if isinstance(told, Mapping):
            return tuple(_entries(told["content"] or (), most) if "content" in told else _lists(told, most))
        return tuple(_entries(told or (), most))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise EngineError(f"{where} sent logprobs of an unknown shape: it may be too old; update it, or do not ask for "
                          "logprobs") from None


def _entries(entries: Sequence[Mapping[str, Any]], most: int) -> list[TokenLogprob]:
    return [TokenLogprob(str(entry["token"]), float(entry["logprob"]), _best(
        [(str(other["token"]), float(other["logprob"])) for other in entry.get("top_logprobs") or ()], most))
        for entry in entries]


def _lists(told: Mapping[str, Any], most: int) -> list[TokenLogprob]:
    tokens, chances = told["tokens"], told["token_logprobs"]
    others = told.get("top_logprobs") or [None] * len(tokens)
    return [TokenLogprob(str(token), float(chance), _best([(str(k), float(v)) for k, v in (other or {}).items()], most))
            for token, chance, other in zip(tokens, chances, others, strict=True) if chance is not None]


def _best(others: list[tuple[str, float]], most: int) -> tuple[tuple[str, float], ...]:
    return tuple(sorted(others, key=lambda other: -other[1])[:most])


__all__ = ["read"]
