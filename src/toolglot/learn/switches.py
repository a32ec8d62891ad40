"""The switches of Turns, found by search: what of them makes prompts equal to the template's.

The one rule: a switch is turned only where that makes more conversations equal, or the first difference come later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..chat import as_turns
from ..message import Assistant, Tool, ToolglotError, Turn
from ..prompt import prompt, tool_list
from ..spec import CONTENT, PARSED, QUOTED, SYSTEM, TOOLS, Dialect, Listed, Turns
from .sight import common_start
from .talks import Talk
from .tools import as_tool

Changes = dict[str, Any]
Score = tuple[int, float]


@dataclass(frozen=True)
class Case:
    """A conversation, ready to be told, and what the template prints of it."""

    talk: Talk
    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...]
    text: str
    thinking: bool | None = None                     # what the caller asks for


def case(talk: Talk, text: str) -> Case:
    turns = tuple(Assistant(t.parts) if isinstance(t, Assistant) else t for t in as_turns(talk.messages))
    return Case(talk, turns, tuple(as_tool(t) for t in talk.tools), text)


class Trial:
    """Cases, and dialects tried on them."""

    def __init__(self, dialect: Dialect, cases: Sequence[Case], today: str) -> None:
        self.dialect, self.cases, self.today = dialect, cases, today
        self._listed: dict[Any, tuple[Case, Listed]] = {}

    def ours(self, turns: Turns, case: Case) -> str:
        listing = (turns.listing, turns.tool, turns.tool_between, turns.tool_indent, id(case))
        if listing not in self._listed:
            try:
                listed = tool_list(turns, case.tools) if case.tools else ""
            except (ToolglotError, KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
                listed = f"<{error}>"
            self._listed[listing] = case, listed     # holding the case keeps its identity its own
        try:
            return str(prompt(replace(self.dialect, turns=turns), case.turns, case.tools, today=self.today,
                              thinking=case.thinking, reply_starts=case.talk.starts, listed=self._listed[listing][1]))
        except (KeyError, IndexError, AssertionError) as error:      # a slot where it cannot be filled
            return f"<{error}>"

    def score(self, turns: Turns, cases: Sequence[Case] | None = None) -> Score:
        """How many cases are equal, and how far the others are."""
        equal, near = 0, 0.0
        for one in self.cases if cases is None else cases:
            ours = self.ours(turns, one)
            if ours == one.text:
                equal += 1
            else:
                near += len(common_start(ours, one.text)) / (1 + len(one.text))
        return equal, near

    def wrong(self, turns: Turns) -> list[Case]:
        return [c for c in self.cases if self.ours(turns, c) != c.text]


Moves = Callable[[Turns], Iterator[Changes]]


def climb(trial: Trial, turns: Turns, moves: Moves, most: int = 12) -> tuple[Turns, Score]:
    """The best that single changes lead to."""
    best = trial.score(turns)
    for _ in range(most):
        wrong = trial.wrong(turns)[:24]
        if not wrong:
            break
        before = trial.score(turns, wrong)
        found: tuple[Score, Turns] | None = None
        for changes in moves(turns):
            if all(getattr(turns, k) == v for k, v in changes.items()):
                continue
            new = replace(turns, **changes)
            if trial.score(new, wrong) <= before:    # most changes help none of those that are wrong
                continue
            score = trial.score(new)
            if score > (found[0] if found else best):
                found = score, new
        if found is None:
            break
        best, turns = found
    return turns, best


TRIMS = ("system", "user", "called", "assistant", "answer", "result")


def switches(turns: Turns) -> Iterator[Changes]:
    """Each switch with each of its values."""
    for what in TRIMS:
        yield {"trim": turns.trim ^ {what}}
    yield {"trim": frozenset({"system", "user", "assistant"})}
    yield {"trim": frozenset({"system", "user", "assistant", "called"})}
    yield {"trim": frozenset({"system", "user", "assistant", "called", "result"})}
    yield from ({"content_with_calls": v} for v in ("kept", "dropped", "reasoning"))
    yield from ({"reasoning": v} for v in ("all", "after-user", "until-answer", "open-calls", "with-calls", "with-tools",
                                           "none"))
    yield from ({"empty_reasoning": v} for v in ("never", "last", "kept", "always"))
    yield from ({"past_calls": v} for v in ("kept", "dropped", "after-user"))
    yield from ({"header_once": v} for v in (False, "results", True))
    yield from ({"one_call": v} for v in (False, True))
    yield from ({"empty_system": v} for v in (True, False))
    yield from ({"system_always": v} for v in (False, True))
    yield from ({"default_with_tools": v} for v in (False, True))
    yield from ({"today_with_tools": v} for v in (False, True))
    if TOOLS in turns.user:
        yield from ({"tools_at": v} for v in ("first-user", "last-user"))
    if SYSTEM in turns.user:
        yield from ({"system_in": v} for v in ("last-turn", "last-user", "first-user"))
    for slot in (CONTENT, QUOTED, PARSED):
        yield {"result": tuple(slot if n in (CONTENT, QUOTED, PARSED) else n for n in turns.result)}
    if turns.last_closer:
        yield {"last_closer": ""}
        yield {"last_closer": "", "final_closer": turns.last_closer}
    if turns.goes_on:
        yield {"goes_on": ()}


def union(*sources: Moves) -> Moves:
    def moves(turns: Turns) -> Iterator[Changes]:
        for source in sources:
            yield from source(turns)

    return moves


def best_of(trial: Trial, candidates: Iterable[Turns]) -> list[tuple[Score, Turns]]:
    """The candidates, the best first; of equals, the first given."""
    scored = [(trial.score(c), n, c) for n, c in enumerate(candidates)]
    return [(s, c) for s, _, c in sorted(scored, key=lambda x: (-x[0][0], -x[0][1], x[1]))]
