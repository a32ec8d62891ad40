"""Which of a conversation's tokens have a loss, and how much.

The one rule: what the model does not write has no loss, whatever a policy says; a policy only takes away, and weighs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..message import ToolglotError


@dataclass(frozen=True)
class Policy:
    """`turns`: the replies that are trained: all, or the last one. `calls_only`: of those the ones that call, and of
    their words nothing. `reasoning`: trained; kept in the text without a loss; or dropped from the text. Where a
    dialect's own prompts leave reasoning out of the past, so does the text, whatever is said here. `thinking`: what the
    caller of the model will ask for, as in `Model.prompt`. `content`, `thoughts`, `call` and `markup` weigh what they
    name, from 0 on; the markup around words or reasoning goes with them, and `markup` is that of calls and what closes a
    turn. A row's own weights are multiplied with these."""

    turns: Literal["all", "last"] = "all"
    calls_only: bool = False
    reasoning: Literal["trained", "kept", "dropped"] = "trained"
    thinking: bool | None = None
    content: float = 1.0
    thoughts: float = 1.0
    call: float = 1.0
    markup: float = 1.0

    def __post_init__(self) -> None:
        for name, choices in (("turns", ("all", "last")), ("reasoning", ("trained", "kept", "dropped"))):
            if (given := getattr(self, name)) not in choices:
                raise ToolglotError(f"policy: {name}: expected {', '.join(choices)}, got {given!r}")
        for name in ("content", "thoughts", "call", "markup"):
            if not 0 <= (weight := getattr(self, name)) < float("inf"):
                raise ToolglotError(f"policy: {name}: expected a weight from 0 on, got {weight!r}")

    @property
    def weights(self) -> dict[str, float]:
        """What each kind of span weighs."""
        return {"content": 0.0 if self.calls_only else self.content, "call": self.call, "markup": self.markup,
                "reasoning": 0.0 if self.calls_only or self.reasoning == "kept" else self.thoughts}

    @property
    def is_plain(self) -> bool:
        """Is each weight 0 or 1, as far as the policy goes?"""
        return all(weight in (0, 1) for weight in self.weights.values())


__all__ = ["Policy"]
