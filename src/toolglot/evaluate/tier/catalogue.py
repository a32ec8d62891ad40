"""A hundred tools of one back office, and requests that only one of them fits.

The one rule: they are told apart by reading their names; there is no trap in them but their number. They stand in the same
order in every item, so that an engine that keeps prompts reads them once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .drawn import Dice, Drawn, call, spelled, text, tool, whole

NOUNS = ("invoice", "customer", "project", "contract", "supplier", "warehouse", "vehicle", "shipment", "campaign", "survey",
         "meeting", "document", "license", "budget", "machine", "course", "depot", "complaint", "template", "account")
VERBS = ("get", "delete", "archive", "rename", "list")
NAMES = ("Aurora", "Basalt", "Cobalt", "Delta", "Ember")


def _tool(verb: str, noun: str) -> dict[str, Any]:
    if verb == "list":
        return tool(f"list_{noun}s", f"List the newest {noun}s.", {"limit": whole("How many")})
    named = {"name": text("New name")} if verb == "rename" else {}
    article = "an" if noun[0] in "aeiou" else "a"
    return tool(f"{verb}_{noun}", f"{verb.capitalize()} {article} {noun}.", {f"{noun}_id": whole("Its number"), **named})


TOOLS: tuple[Mapping[str, Any], ...] = tuple(_tool(verb, noun) for noun in NOUNS for verb in VERBS)


def request(dice: Dice) -> Drawn:
    at = dice.whole(0, len(TOOLS) - 1)
    noun, verb = NOUNS[at // len(VERBS)], VERBS[at % len(VERBS)]
    one, which = TOOLS[at], dice.whole(10, 9999)
    if verb == "list":
        limit = dice.whole(3, 30)
        return Drawn(one, f"list the {limit} newest {noun}s", call(one, limit=limit))
    if verb == "rename":
        name = dice.pick(NAMES)
        return Drawn(one, f'rename {noun} {which} to "{name}"', call(one, **{f"{noun}_id": which, "name": spelled(name)}))
    return Drawn(one, f"{verb} {noun} {which}", call(one, **{f"{noun}_id": which}))


def among(dice: Dice, chosen: Mapping[str, Any], count: int) -> tuple[Mapping[str, Any], ...]:
    """So many tools, in their order, the chosen one and those of the same thing among them."""
    noun = TOOLS.index(chosen) // len(VERBS)
    near = [noun, *dice.several([i for i in range(len(NOUNS)) if i != noun], count // len(VERBS) - 1)]
    return tuple(one for i, one in enumerate(TOOLS) if i // len(VERBS) in near)
