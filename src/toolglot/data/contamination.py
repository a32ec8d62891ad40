"""Rows that a benchmark's questions stand in: to train on them is to have seen the exam.

The one rule: what is compared is words alone, in small letters and without signs. A question is found where half of its
stretches of eight words stand in what the user says in a row; one of fewer words, where a user's turn is nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..message import User
from .row import Row, RowError

WORDS = 8                            # of a stretch
SHARE = 0.5                          # of a question's stretches
_WORD = re.compile(r"\w+")


def words_of(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


@dataclass(frozen=True)
class Against:
    """Questions, as they are looked for: `stretches` has, of each stretch of words, the questions that hold it; `whole`,
    those that are too short; `sizes`, how many stretches a question has."""

    name: str
    stretches: Mapping[str, tuple[str, ...]]
    whole: Mapping[str, str]
    sizes: Mapping[str, int]

    def check(self, row: Row) -> None:
        """Raises RowError where a question stands in a row."""
        for number, turn in enumerate(row.turns):
            if isinstance(turn, User) and (found := self.question(turn.text)):
                raise RowError(f"a question of {self.name}", f"turn {number}", found)

    def question(self, text: str) -> str:
        """The question that stands in a text, and how much of it; "" where none does."""
        words = words_of(text)
        if len(words) < WORDS:
            name = self.whole.get(" ".join(words))
            return f"{name}, all of it" if name else ""
        hits: dict[str, int] = {}
        for stretch in set(_stretches(words)):
            for name in self.stretches.get(stretch, ()):
                hits[name] = hits.get(name, 0) + 1
        for name, count in hits.items():
            if count >= SHARE * self.sizes[name]:
                return f"{name}, {100 * count // self.sizes[name]} % of it"
        return ""


def against(name: str, texts: Iterable[tuple[str, str]]) -> Against:
    """The questions to look for: an id and a text each. One of fewer than three words says nothing."""
    stretches: dict[str, list[str]] = {}
    whole: dict[str, str] = {}
    sizes: dict[str, int] = {}
    for id, text in texts:
        words = words_of(text)
        if len(words) < WORDS:
            if len(words) >= 3:
                whole.setdefault(" ".join(words), id)
            continue
        key = id if id not in sizes else f"{id} ({len(sizes)})"
        found = set(_stretches(words))
        sizes[key] = len(found)
        for stretch in found:
            stretches.setdefault(stretch, []).append(key)
    return Against(name, {key: tuple(names) for key, names in stretches.items()}, whole, sizes)


def of_suite(suite: str) -> Against:
    """The questions of a suite of `toolglot evaluate`: tier, bfcl, bfcl:FOLDER, or a file. Raises ToolglotError."""
    from ..evaluate.whole import items_of

    def texts() -> Iterable[tuple[str, str]]:
        for item in items_of(suite, 0):
            for message in (*item.messages, *(one for step in item.steps for one in step.then)):
                if message.get("role") == "user" and (text := _text(message.get("content"))):
                    yield item.id, text

    return against(suite.partition(":")[0] if suite.startswith("bfcl") else suite, texts())


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts: Sequence[Any] = content if isinstance(content, list) else ()
    return " ".join(str(one.get("text", "")) for one in parts if isinstance(one, dict))


def _stretches(words: Sequence[str]) -> Iterable[str]:
    return (" ".join(words[at:at + WORDS]) for at in range(len(words) - WORDS + 1))


__all__ = ["Against", "against", "of_suite", "words_of"]
