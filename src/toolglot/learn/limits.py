"""What a learned prompt side cannot be asked, out of the conversations that come out otherwise.

The one rule: limits leave calls, results and tools to be asked, and every conversation within them is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .switches import Case
from .talks import ANY, Limits, fits


@dataclass(frozen=True)
class Limited:
    limits: Limits
    within: int                                      # of the conversations tried


# each with how much it takes away: words are easily kept to, turns are not
STEPS: tuple[tuple[int, dict[str, object]], ...] = (
    (1, {"trimmed": True}), (1, {"nonempty": True}), (1, {"avoid": ("</think>", "<think>")}),
    (1, {"avoid": ("/think", "/no_think")}), (1, {"once": True}), (1, {"avoid": ("<tool_response>", "</tool_response>")}),
    (2, {"beside": False}), (2, {"args": "scalars"}), (2, {"args": "no strings"}), (2, {"args": "strings"}),
    (2, {"args": "plain strings"}), (2, {"args": "one"}), (2, {"plain_tools": True}), (3, {"parallel": False}),
    (3, {"starts": True}), (3, {"reasoning": False}), (3, {"system": "none"}), (3, {"system": "always"}),
    (3, {"min_tools": 1}), (3, {"ends": ("user", "tool")}), (4, {"args": "none"}), (4, {"steps": 1}),
)


def limited(cases: Sequence[Case], wrong: Sequence[Case], most: int = 6) -> Limited | None:
    """The mildest limits that leave out all that is wrong."""
    outside = [frozenset(i for i, c in enumerate(cases) if not fits(c.talk, replace(ANY, **step)))  # type: ignore[arg-type]
               for _, step in STEPS]
    bad = frozenset(i for i, c in enumerate(cases) if any(c is w for w in wrong))
    best: list[tuple[int, int, tuple[int, ...]]] = []

    def cover(left: frozenset[int], chosen: tuple[int, ...], cost: int) -> None:
        """For one of what is left after another, each step that leaves it out."""
        if best and cost > best[0][0]:
            return
        if not left:
            best[:] = sorted([*best, (cost, len(frozenset().union(*(outside[n] for n in chosen))), chosen)])[:1]
        elif len(chosen) < most:
            one = min(left, key=lambda i: (sum(i in o for o in outside), i))
            for n, o in enumerate(outside):
                if one in o and not any(_clash(n, other) for other in chosen):
                    cover(left - o, (*chosen, n), cost + STEPS[n][0])

    cover(bad, (), 0)
    return Limited(_joined(best[0][2]), len(cases) - best[0][1]) if best else None


def _clash(one: int, other: int) -> bool:
    """Do two steps say something of the same thing? Then no conversation may be left."""
    return bool(STEPS[one][1].keys() & STEPS[other][1].keys() - {"avoid"}) or one == other


def _joined(chosen: Sequence[int]) -> Limits:
    fields: dict[str, object] = {}
    for n in sorted(chosen, key=lambda n: STEPS[n][0]):
        for key, value in STEPS[n][1].items():
            fields[key] = (*fields.get(key, ()), *value) if key == "avoid" else value  # type: ignore
    return replace(ANY, **fields)  # type: ignore[arg-type]


_SAID = {
    "trimmed": "white space around words", "nonempty": "messages without words", "once": "a question asked twice",
    "beside": "words beside calls", "parallel": "several calls a turn", "starts": "a conversation that is finished",
    "reasoning": "reasoning", "plain_tools": "tools with parameters of their own kind", "steps": "calls after calls",
    "min_tools": "conversations without tools"}


def sentences(limits: Limits) -> tuple[str, ...]:
    """The limits, as a person would say them: what comes out otherwise than the template prints it."""
    out = [said for name, said in _SAID.items() if getattr(limits, name) != getattr(ANY, name)]
    if limits.avoid:
        out.append(f"words that hold {' or '.join(limits.avoid)}")
    if limits.system != ANY.system:
        out.append("system messages" if limits.system == "none" else "conversations without a system message")
    if limits.args != ANY.args:
        out.append(f"arguments of calls, unless they are {limits.args}")
    if limits.ends != ANY.ends:
        out.append("conversations that end with an answer")
    return tuple(f"comes out otherwise: {said}" for said in out)
