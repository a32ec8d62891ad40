"""The suite `tier`: some two hundred questions of fifteen kinds, drawn from scenarios with exact answers.

The one rule: it needs nothing but this package. The same seed draws the same items on every machine, and another one draws
others of the same kinds, for whoever fears that a model has seen these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..item import Item, Step
from . import catalogue
from .drawn import Dice, Drawn, Scenario, name_of
from .everyday import ALL
from .talks import ERRORS, MISSING, NONE, TALKS, Talk, asked, user
from .texts import WRITTEN
from .thought import THOUGHT
from .typed import BOUNDED, NESTED

#: what each kind tries
KINDS = {
    "one call": "one tool, and a request that it fits",
    "choice": "five tools, one of which fits",
    "parallel": "the same tool two or three times in one reply",
    "parallel among several": "two or three tools in one reply, out of five",
    "none needed": "what anybody knows, beside tools that have nothing to do with it: words, and no call",
    "missing parameter": "a required argument is not said: the reply asks for it, and makes nothing up",
    "nested": "objects, lists, lists of objects, numbers, flags and null as arguments",
    "enum and ranges": "arguments out of a fixed set, and within bounds",
    "unicode and quoting": "texts to the letter: quotes, backslashes, line ends, code, markup, scripts and emoji",
    "several turns": "results come back: an answer that uses them, a next request, a call that needs the last one's result",
    "error result": "a call fails: the user is told so, and may then ask for something else",
    "5 tools": "a request of a back office, with 5 of its tools",
    "20 tools": "the same with 20",
    "100 tools": "the same with 100",
    "reasoning": "an argument that has to be worked out first",
}


def suite(seed: int = 0) -> tuple[Item, ...]:
    """All items of a seed."""
    return tuple(item for kind in KINDS for item in _items(kind, Dice(seed, kind)))


def _items(kind: str, dice: Dice) -> Iterator[Item]:
    """Those of one kind; no question comes twice."""
    seen: set[str] = set()
    for number, draw in enumerate(_talks(kind), 1):
        talk = draw(dice)
        while talk.ask in seen:
            talk = draw(dice)
        seen.add(talk.ask)
        yield Item(f"{kind.replace(' ', '-')}-{number:02}", kind, (user(talk.ask),), talk.tools, talk.steps)


def _talks(kind: str) -> Sequence[Callable[[Dice], Talk]]:
    twos_and_threes = [2 + number % 2 for number in range(16)]
    match kind:
        case "one call":
            return [_single(draw) for draw in ALL]
        case "choice":
            return [_among([draw], 5) for draw in ALL]
        case "parallel":
            return [_parallel(draw, count) for draw, count in zip(ALL, twos_and_threes, strict=False)]
        case "parallel among several":
            return [_together(count) for count in twos_and_threes]
        case "none needed":
            return NONE
        case "missing parameter":
            return MISSING
        case "nested":
            return [_single(draw) for draw in NESTED * 2]
        case "enum and ranges":
            return [_single(draw) for draw in BOUNDED * 2]
        case "unicode and quoting":
            return [_single(draw) for draw in WRITTEN]
        case "several turns":
            return TALKS + TALKS[:4]
        case "error result":
            return ERRORS
        case "reasoning":
            return [_single(draw) for draw in THOUGHT * 2]
        case _:
            return [_listed(int(kind.split()[0]))] * 8


def _single(draw: Scenario) -> Callable[[Dice], Talk]:
    def talk(dice: Dice) -> Talk:
        one = draw(dice)
        return Talk(asked(one.ask), (one.tool,), (Step((one.call,)),))
    return talk


def _among(draws: Sequence[Scenario], count: int) -> Callable[[Dice], Talk]:
    """All of these requests at once, with so many tools."""
    return lambda dice: _at_once([draw(dice) for draw in draws], lambda due: _mixed(dice, due, count))


def _together(requests: int) -> Callable[[Dice], Talk]:
    return lambda dice: _among(dice.several(ALL, requests), 5)(dice)


def _parallel(draw: Scenario, count: int) -> Callable[[Dice], Talk]:
    """The same tool so many times. Their first arguments are others: no person would take two for one thing said twice."""
    def talk(dice: Dice) -> Talk:
        found: dict[Any, Drawn] = {}
        while len(found) < count:
            one = draw(dice)
            found.setdefault(next(iter(one.call.arguments.values())), one)
        return _at_once(list(found.values()), tuple)
    return talk


def _at_once(drawn: Sequence[Drawn], tools: Callable[[Sequence[Mapping[str, Any]]], tuple[Mapping[str, Any], ...]]) -> Talk:
    """Requests of which none waits for another."""
    due = {name_of(one.tool): one.tool for one in drawn}
    ask = " Also ".join(f"{one.ask}." for one in drawn)
    return Talk(ask[:1].upper() + ask[1:], tools(list(due.values())), (Step(tuple(one.call for one in drawn)),))


def _mixed(dice: Dice, due: Sequence[Mapping[str, Any]], count: int) -> tuple[Mapping[str, Any], ...]:
    """So many tools, those that are due among them, in any order."""
    others = [tool for draw in ALL if (tool := draw(Dice(0)).tool) not in due]
    return tuple(dice.mixed([*due, *dice.several(others, count - len(due))]))


def _listed(count: int) -> Callable[[Dice], Talk]:
    def talk(dice: Dice) -> Talk:
        one = catalogue.request(dice)
        return Talk(asked(one.ask), catalogue.among(dice, one.tool, count), (Step((one.call,)),))
    return talk
