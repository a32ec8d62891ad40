"""What is known of a dialect besides how it is written: whose it is, how far it is verified, and how it is found.

A dialect's file holds its cards in `CARDS`; `registry` reads them from there, so that a new family costs one file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .spec import Dialect

Tier = Literal["none", "zero-shot", "single", "multi", "full"]
TIERS: dict[Tier, str] = {
    "none": "the model and its template know nothing of tools; the dialect is ours, in the model's own frame",
    "zero-shot": "a format for prompting and constrained decoding, not for training",
    "single": "trained to make one call a turn",
    "multi": "trained to make several calls a turn",
    "full": "several calls, and its makers' API, client libraries and documents speak of them too",
}


@dataclass(frozen=True)
class Card:
    """One dialect's card.

    `models`, `ollama` and `gguf` are how people and files name the models: regular expressions over the lower-case
    name of a model without its owner, names in Ollama's library, values of `general.architecture` that no other
    dialect has. `evidence` is what in a chat template gives the dialect away (all of it), `unless` what rules it out.
    `unverified` are models whose own format could not be found anywhere: (expression, what is known of it).
    """

    dialect: Dialect
    title: str                                       # the models, as people write them
    tier: Tier
    why: str                                         # the reasons for the tier, in a sentence
    verified: str                                    # against what, in a sentence
    models: tuple[str, ...] = ()
    ollama: tuple[str, ...] = ()
    gguf: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()                    # from the published template, a sentence each
    unverified: tuple[tuple[str, str], ...] = ()
    framed: bool = False                             # zero-shot, for any model: its own chat template gives the frame
