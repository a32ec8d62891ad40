"""Conversations with exact answers out of any list of tools: for tests, and as a first training set.

The one rule: no model is asked and nothing is guessed. Every call is valid under its tool's schema, every value in it
stands in what the user said or in a result, and the same tools, seed and kinds give the same rows on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...evaluate.tier.drawn import Dice
from ...message import Assistant, Call, Tool, ToolglotError
from ...tools import as_tools
from ..row import Row
from .talks import KINDS, SIZES, Table, Talk, Unfit
from .values import Undrawable, arguments

TRIES = 4


def synthesize(tools: Any = None, rows: int = 1000, *, seed: int = 0, kinds: Sequence[str] = (),
               most: int = 8) -> Iterator[Row]:
    """So many rows, of all kinds in turn or of those that are named.

    `tools` is anything that `as_tools` takes; without any, a catalogue of our own. `most`: tools in a row's list, where
    it needs no more. Errors: ToolglotError for an unknown
    kind, for kinds that these tools cannot make, and (Undrawable) for a tool that no valid call can be drawn of.
    """
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise ToolglotError(f"kinds: expected some of {', '.join(KINDS)}, found {unknown[0]!r}")
    from .catalogue import TOOLS

    found = TOOLS if tools is None else as_tools(tools)
    if not found:
        raise ToolglotError("tools: expected at least one tool, found none; leave them out for the catalogue")
    for tool in found:
        arguments(tool, Dice(seed, tool.name))           # a tool that cannot be drawn is told before the first row
    return _rows(found, rows, seed, tuple(kinds) or tuple(KINDS), most)


def _rows(tools: tuple[Tool, ...], rows: int, seed: int, kinds: tuple[str, ...], most: int) -> Iterator[Row]:
    for number in range(rows):
        yield _row(tools, Dice(seed, number), kinds, number, most)


def _row(tools: tuple[Tool, ...], dice: Dice, kinds: tuple[str, ...], number: int, most: int) -> Row:
    """The kind whose turn it is, or where these tools cannot make it, the next one."""
    refused: Exception | None = None
    for turn in range(len(kinds)):
        kind = kinds[(number + turn) % len(kinds)]
        for _ in range(TRIES):
            table = Table(tools, dice)
            try:
                talk = KINDS[kind][1](table)
            except Unfit:
                break
            except Undrawable as error:
                refused = error
                continue
            calls = [sum(isinstance(p, Call) for p in one.parts) for one in talk.turns if isinstance(one, Assistant)]
            return Row(talk.turns, _listed(talk, tools, dice, most), parallel=max(calls) > 1 or None, extra={"kind": kind})
    raise refused or ToolglotError(f"kinds: expected some that {len(tools)} tools can make, found {', '.join(kinds)}")


def _listed(talk: Talk, tools: Sequence[Tool], dice: Dice, most: int) -> tuple[Tool, ...]:
    """The tools that are due and others, in any order."""
    due = {one.name for one in talk.due}
    others = [one for one in tools if one.name not in due | talk.unfit]
    many = max(min(dice.pick(SIZES), most) - len(due), 0 if due else 1)
    return tuple(dice.mixed([*talk.due, *dice.several(others, min(many, len(others)))]))


__all__ = ["KINDS", "Undrawable", "synthesize"]
