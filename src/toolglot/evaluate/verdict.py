"""What the records of a run come to: what a model can do, how sure that is, and how it is best asked.

The one rule: everything follows from the records, by what is written here as data, and can be done again by hand. A tier
is reached only where the lower ends of its rates' intervals reach it: what too few items were asked for is not claimed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .rates import Rate, rate, told_apart
from .record import Record, Said, Setting
from .settings import named, prompt_of

# what an item asks for, by the calls that are due at its steps
SKILLS = {
    "single": "of the items that are due one call, those where it was made, and no other",
    "parallel": "of the items that are due several calls in one reply, those where all of them were made, and no other",
    "multi-turn": "of the items of several steps, those where every step was right",
    "restraint": "of the items that are due no call, those where none was made and the words were right",
}
RATES = {
    **SKILLS,
    "precision": "of the replies that called where the choice was the model's, those where a call was due",
    "recall": "of the replies where a call was due and the choice was the model's, those that called",
    "valid": "of the calls that were read, those of a known tool whose arguments keep its schema",
}


@dataclass(frozen=True)
class Tier:
    """`needs`: of each rate, what the lower end of its interval must reach."""

    name: str
    means: str
    needs: Mapping[str, float]


TIERS = (
    Tier("none", "nothing below is shown", {}),
    Tier("zero-shot", "some of its calls are right: with each reply checked, it is of use for one call at a time",
         {"single": 0.3}),
    Tier("single", "one call at a time can be relied on", {"single": 0.7}),
    Tier("parallel", "so can several calls in one reply", {"single": 0.7, "parallel": 0.6}),
    Tier("multi-turn", "so can going on from results, over several turns", {"single": 0.7, "multi-turn": 0.6}),
    Tier("full", "all of it, and it calls only where a call is due",
         {"single": 0.8, "parallel": 0.7, "multi-turn": 0.7, "restraint": 0.7, "precision": 0.8, "recall": 0.8,
          "valid": 0.9}),
)
EXAMPLES = 3                        # of each cause


@dataclass(frozen=True)
class Measures:
    """What is measured of one setting, or of a part of it. `rates` has those of RATES; `exact`: right items among those
    where a call is due. `tokens` and `seconds`: written, and taken, for a reply where a call was due; `prompt_tokens`: read
    for one. `tokens_a_right_call`: all that was written, by the calls that were right."""

    right: Rate
    exact: Rate
    rates: Mapping[str, Rate]
    streamed: Rate
    prompt_tokens: float | None
    tokens: float | None
    seconds: float | None
    tokens_a_right_call: float | None
    causes: Mapping[str, int]


@dataclass(frozen=True)
class Ranked:
    """A setting, what is measured of it, and its tier. `open`: higher tiers that nothing speaks against but that too few
    items were asked."""

    setting: Setting
    measures: Measures
    tier: Tier
    open: tuple[str, ...]


@dataclass(frozen=True)
class Advice:
    """What to set, and why: one sentence that holds the numbers."""

    what: str
    choose: str
    why: str


@dataclass(frozen=True)
class Verdict:
    """`best` is the setting that is recommended; `constrained` and `free` are the best of their kind. `alike`: settings
    that cannot be told apart from the best on these items."""

    best: Ranked
    constrained: Ranked | None
    free: Ranked | None
    ranked: tuple[Ranked, ...]
    alike: tuple[Setting, ...]
    advice: tuple[Advice, ...]


def verdict(records: Iterable[Record]) -> Verdict | None:
    """None for no records. The order of the records does not matter."""
    by_setting = grouped(records)
    if not by_setting:
        return None
    ranked = tuple(sorted((_ranked(setting, found) for setting, found in by_setting.items()), key=_rank))
    best = ranked[0]
    right = {setting: {one.item: one.right for one in found} for setting, found in by_setting.items()}
    alike = tuple(one.setting for one in ranked[1:] if not told_apart(right[best.setting], right[one.setting]))
    constrained, free = (next((one for one in ranked if one.setting.constrain is kind), None) for kind in (True, False))
    return Verdict(best, constrained, free, ranked, alike, tuple(_advice(best, ranked, by_setting, right)))


def grouped(records: Iterable[Record]) -> dict[Setting, list[Record]]:
    """Records by setting, each in the order of its items' names."""
    found: dict[Setting, list[Record]] = {}
    for record in records:
        found.setdefault(record.setting, []).append(record)
    return {setting: sorted(found[setting], key=lambda one: natural(one.item)) for setting in sorted(found, key=named)}


def natural(name: str) -> list[Any]:
    """simple_2 before simple_10"""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"([0-9]+)", name) if part]


# -- measures --------------------------------------------------------------------------------------------------


def skill(record: Record) -> str:
    """What the record's item asks for: one of SKILLS."""
    if len(record.due) > 1:
        return "multi-turn"
    due = sum(record.due)
    return "restraint" if not due else "single" if due == 1 else "parallel"


def measured(records: Sequence[Record]) -> Measures:
    replies = [(record, said) for record in records for said in record.said]
    free = [(_due(record, said), _called(record, said)) for record in records for said in _first(record)
            if said.choice == "auto"]
    calling = [said for record, said in replies if _due(record, said)]
    calls = sum(len(said.calls) for _, said in replies)
    right_calls = sum(sum(record.due) for record in records if record.right)
    rates = {name: rate(one.right for one in records if skill(one) == name) for name in SKILLS}
    rates["precision"] = rate(due for due, called in free if called)
    rates["recall"] = rate(called for due, called in free if due)
    rates["valid"] = Rate(sum(said.valid for _, said in replies), calls)
    return Measures(
        rate(one.right for one in records), rate(one.right for one in records if sum(one.due)), rates,
        rate(said.streamed for _, said in replies), _mean(said.prompt_tokens for said in calling),
        _mean(said.completion_tokens for said in calling), _mean(said.seconds for said in calling),
        sum(said.completion_tokens for _, said in replies) / right_calls if right_calls else None,
        dict(Counter(one.cause for one in records if one.cause).most_common()))


def _first(record: Record) -> Iterable[Said]:
    """The first reply to each step: where a step goes on over several, the others follow from it."""
    return {said.step: said for said in reversed(record.said)}.values()


def _due(record: Record, said: Said) -> bool:
    return record.due[said.step] > 0


def _called(record: Record, said: Said) -> bool:
    """Whether the model meant to call: what the format lost was a call as well."""
    return bool(said.calls) or (record.cause == "format lost" and said is record.said[-1])


def _mean(numbers: Iterable[float]) -> float | None:
    """None also where an engine does not say, which is 0."""
    found = list(numbers)
    return sum(found) / len(found) if any(found) else None


def examples(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Of each cause, so many records: of different kinds first, then of different items."""
    found: dict[str, list[Record]] = {}
    for record in sorted(records, key=lambda one: (natural(one.item), named(one.setting))):
        if record.cause:
            found.setdefault(record.cause, []).append(record)
    return {cause: _varied(found[cause]) for cause in sorted(found, key=lambda cause: (-len(found[cause]), cause))}


def _varied(records: Sequence[Record]) -> list[Record]:
    chosen: list[Record] = []
    for same in (lambda a, b: a.kind == b.kind, lambda a, b: a.item == b.item, lambda a, b: a is b):
        for record in records:
            if len(chosen) < EXAMPLES and not any(same(record, one) for one in chosen):
                chosen.append(record)
    return chosen


# -- the tier --------------------------------------------------------------------------------------------------


def _ranked(setting: Setting, records: Sequence[Record]) -> Ranked:
    measures = measured(records)
    reached = [tier for tier in TIERS if all(measures.rates[name].low >= least for name, least in tier.needs.items())]
    above = TIERS[TIERS.index(reached[-1]) + 1:]
    may_be = tuple(tier.name for tier in above
                   if all(measures.rates[name].high >= least for name, least in tier.needs.items()))
    return Ranked(setting, measures, reached[-1], may_be)


def _rank(one: Ranked) -> tuple[Any, ...]:
    """The highest tier first, then the most items right, then the fewest tokens, then the name."""
    return -TIERS.index(one.tier), -(one.measures.right.value or 0.0), one.measures.tokens or 0.0, named(one.setting)


# -- advice ----------------------------------------------------------------------------------------------------

RULES = {
    "setting": "The setting of the highest tier; of those, the one with the most items right; of those, the one that "
               "writes the fewest tokens. Settings that McNemar's test (5 %) cannot tell apart from it on the same items "
               "are named.",
    "dialect": "That of the recommended setting, beside the best of each other dialect.",
    "idiom": "That of the recommended setting, beside the best of each other idiom in the same dialect.",
    "constraint": "On if the recommended setting is constrained, beside the best of the other kind in the same dialect and "
                  "idiom.",
    "choice": "Required where the recommended setting makes the model call whenever the user has spoken last; else auto.",
    "parallel": "Where both were asked, that of the recommended setting. Else yes, if in it more items that are due "
                "several calls are right than items that are due one fail because there were several.",
}


def _advice(best: Ranked, ranked: Sequence[Ranked], by_setting: Mapping[Setting, Sequence[Record]],
            right: Mapping[Setting, Mapping[str, bool]]) -> Iterable[Advice]:
    setting = best.setting

    def beside(others: Iterable[Ranked], none: str) -> str:
        found = list(others)[:4]
        words = [f"{named(one.setting)}: {one.measures.right}"
                 f"{'' if told_apart(right[setting], right[one.setting]) else ', not told apart'}" for one in found]
        return f"{best.measures.right} of the items right" + (f"; {'; '.join(words)}" if words else f"; {none}")

    def first_of_each(what: Any, others: Iterable[Ranked]) -> list[Ranked]:
        found: dict[Any, Ranked] = {}
        for one in others:
            found.setdefault(what(one.setting), one)
        return [one for key, one in found.items() if key != what(setting)]

    if not setting.dialect:
        return
    yield Advice("dialect", setting.dialect, beside(first_of_each(lambda one: one.dialect, ranked), "no other was asked"))
    idioms = [one for one in ranked if one.setting.dialect == setting.dialect]
    if setting.idiom or any(one.setting.idiom for one in idioms):
        yield Advice("idiom", setting.idiom or "its own",
                     beside(first_of_each(lambda one: one.idiom, idioms), "no other was asked"))
    same = [one for one in ranked if prompt_of(one.setting) == prompt_of(setting)]
    yield Advice("constraint", "on" if setting.constrain else "off",
                 beside(first_of_each(lambda one: one.constrain, same), "the other was not asked"))
    yield Advice("choice", setting.choice, _choice(setting, same))
    yield _parallel(best, same, by_setting[setting], beside)


def _choice(setting: Setting, same: Sequence[Ranked]) -> str:
    """What each choice does with calls, and with what needs none."""
    words = []
    for choice in ("auto", "required"):
        for one in [one for one in same if (one.setting.choice, one.setting.constrain) == (choice, setting.constrain)][:1]:
            found = one.measures
            words.append(f"{choice}: {found.exact} right where a call is due, {found.rates['restraint']} where none is")
    return "; ".join(words)


def _parallel(best: Ranked, same: Sequence[Ranked], records: Sequence[Record], beside: Any) -> Advice:
    others = [one for one in same if one.setting == replace(best.setting, parallel=not best.setting.parallel)]
    if others:
        return Advice("parallel", "yes" if best.setting.parallel else "no", beside(others[:1], ""))
    if not best.setting.parallel:
        return Advice("parallel", "no", "several calls in a reply were not asked for; compare with --parallel both")
    several = [one for one in records if skill(one) == "parallel"]
    gained = sum(one.right for one in several)
    lost = sum(one.cause == "wrong number" and skill(one) == "single" and len(one.said[-1].calls) > 1 for one in records)
    return Advice("parallel", "yes" if gained > lost else "no",
                  f"{gained} of {len(several)} items that are due several calls at once are right; {lost} that are due one "
                  "fail because there were several")


__all__ = ["RATES", "RULES", "SKILLS", "TIERS", "Advice", "Measures", "Ranked", "Tier", "Verdict", "examples", "grouped",
           "measured", "named", "natural", "skill", "verdict"]
