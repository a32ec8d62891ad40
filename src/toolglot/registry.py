"""Names, model ids and chat templates -> dialect. The only module that imports dialects.

The one rule: a name that is not known is never guessed at; what it may have meant is said in the error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from typing import NamedTuple

from . import dialects as _home
from .card import Card
from .message import ToolglotError
from .spec import Dialect, Listed


class UnknownDialect(ToolglotError):
    """No dialect, model id or alias of that name."""


class Found(NamedTuple):
    """A dialect's card, what of the name led to it, and what is not verified of the model's own format, if so."""

    card: Card
    by: str
    unverified: str = ""


class Detected(NamedTuple):
    """A dialect, and the words in the chat template that gave it away."""

    dialect: Dialect
    evidence: tuple[str, ...]


@lru_cache(maxsize=1)
def cards() -> Mapping[str, Card]:
    """Every dialect's card, by name. The files are read when they are first asked for, not at import."""
    found: dict[str, Card] = {}
    for file in sorted(m.name for m in iter_modules(_home.__path__) if not m.name.startswith("_")):
        for card in import_module(f"{_home.__name__}.{file}").CARDS:
            assert card.dialect.name not in found, f"two dialects are named {card.dialect.name}"
            found[card.dialect.name] = card
    return found


@lru_cache(maxsize=1)
def dialects() -> Mapping[str, Dialect]:
    """Every dialect, by name."""
    return {name: card.dialect for name, card in cards().items()}


def untrained(dialect: Dialect) -> bool:
    """Is this a dialect that no model was trained on?"""
    card = cards().get(dialect.name)
    return card is not None and card.tier in ("none", "zero-shot")


def of_gguf(architecture: str, name: str) -> Found | None:
    """What a GGUF file's `general.name` says, or else its `general.architecture`, where one family alone has it."""
    for one in (name, architecture):
        try:
            return look_up(one)
        except UnknownDialect:
            continue
    return None


def find(name: str) -> Dialect:
    """The dialect of a name, a model id, an Ollama tag or a GGUF architecture. Raises UnknownDialect."""
    return look_up(name).card.dialect


def look_up(name: str) -> Found:
    """What a name means: a dialect's own name, else an Ollama library name, else a GGUF architecture, else a model id.

    Of several families that a model id names, the one that it names first is meant, and of those the longest: a
    Hermes-3-Llama-3.1 is a Hermes. Raises UnknownDialect, which offers what is near.
    """
    known = cards()
    if name in known:
        return Found(known[name], name)
    plain = re.sub(r"[_ ]", "-", name.strip().rsplit("/", 1)[-1].lower())
    if plain in known:
        return Found(known[plain], plain)
    library = plain.partition(":")[0]
    for card in known.values():
        if library in card.ollama or library in card.gguf:
            return Found(card, library)
    best = min(((m.start(), -len(m[0]), card.dialect.name, m[0], why)
                for card in known.values() for pattern, why in _patterns(card) if (m := pattern.search(plain))),
               default=None)
    if best:
        return Found(known[best[2]], best[3], best[4])
    raise UnknownDialect(f"no dialect or model is known as {name!r}: {_near(plain)}"
                         "`toolglot dialects` lists them; for a model that was not trained for tools, take json")


@lru_cache(maxsize=256)
def _patterns(card: Card) -> list[tuple[re.Pattern[str], str]]:
    """A card's expressions, each with what is not verified. A family's name begins and ends where a word does."""
    return [(re.compile(rf"(?<![a-z0-9])(?:{p})(?![a-z])"), why)
            for p, why in (*((p, "") for p in card.models), *card.unverified)]


def _near(plain: str) -> str:
    from difflib import get_close_matches

    names = [*cards(), *(n for c in cards().values() for n in c.ollama)]
    near = list(dict.fromkeys(get_close_matches(plain, names, n=3, cutoff=0.5)))
    return f"did you mean {' or '.join(near)}? " if near else ""


def detect(template: str) -> Detected | None:
    """The dialect that a chat template speaks, with the most evidence, or None: it knows no tools, or none known here."""
    found = [(len(c.evidence), sum(map(len, c.evidence)), c) for c in cards().values() if c.evidence
             and all(e in template for e in c.evidence) and not any(u in template for u in c.unless)]
    if not found:
        return None
    card = max(found, key=lambda f: f[:2])[2]
    return Detected(card.dialect, card.evidence)


def idioms() -> Mapping[str, Callable[..., Listed]]:
    """The ways in which a zero-shot dialect may tell of the tools, by name."""
    from .dialects._idioms import IDIOMS

    return IDIOMS


@lru_cache(maxsize=64)
def in_idiom(card: Card, idiom: str) -> Dialect:
    """A zero-shot dialect that tells of the tools in another idiom. Raises ToolglotError for any other dialect or idiom."""
    turns = card.dialect.turns
    if idiom not in idioms():
        raise ToolglotError(f"idiom: expected one of {', '.join(idioms())}; got {idiom!r}")
    if not card.framed or turns is None:
        raise ToolglotError(f"idiom: {card.dialect.name} is told of its tools as in its training; only zero-shot dialects "
                            f"have a choice: {', '.join(n for n, c in cards().items() if c.framed)}")
    return replace(card.dialect, turns=replace(turns, listing=idioms()[idiom]))
