"""What the page begins with: the example, the models that can be chosen, and the table of all dialects.

The one rule: it is made of the registry, and looks different only when that does.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ..audit.ratings import rating
from ..card import TIERS
from ..describe import call, cannot
from ..registry import cards
from .examples import EXAMPLES, MODELS
from .prompts import KINDS


@lru_cache(maxsize=1)
def start() -> dict[str, Any]:
    """The models to choose from, those to begin with, the conversations to try, and the words for kinds and tiers."""
    return {"models": [[name, card.title] for name, card in sorted(cards().items())], "shown": MODELS,
            "examples": EXAMPLES, "kinds": KINDS, "tiers": TIERS}


@lru_cache(maxsize=1)
def table() -> list[dict[str, Any]]:
    """A row a dialect."""
    return [{"name": name, "models": card.title, "tier": card.tier, "stars": rating(name).stars, "cost": str(rating(name)),
             "why": card.why, "verified": card.verified, "call": call(card.dialect), "cannot": cannot(card.dialect)}
            for name, card in sorted(cards().items())]


__all__ = ["start", "table"]
