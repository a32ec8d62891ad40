"""The prompt side of a dialect, learned from what a chat template prints.

The one rule: what is given prints, of every conversation within its limits, exactly what the template prints; where
nothing does, the first difference is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..chat_template import TemplateError
from ..spec import Dialect, Turns, When
from .frames import Frames, assistant, read_frames
from .head import read_heads
from .limits import Limited, limited, sentences
from .probe import LearnError, Probe
from .replies import explanations
from .sight import Sight, Spelled, common_start, unmarked
from .switches import Case, Trial, best_of, case, climb, switches
from .talks import ANY, Limits, Talk, talks
from .thinking import learn_thinking
from .tools import Way, read_ways, tells

TRIED, HELD_OUT, LEAST = 90, 250, 8
ROUNDS = 14
OTHER_DAY = "2031-11-05"


@dataclass(frozen=True)
class Facts:
    """How sure the prompt side is: of `tried` conversations within the limits that were not looked at before, all come
    out as the template's, and it refused so many more, mostly for the reasons in `refusals`."""

    limits: Limits
    tried: int
    refused: int
    refusals: tuple[str, ...] = ()
    sure: tuple[str, ...] = ()
    guessed: tuple[str, ...] = ()
    thinking: str = ""                               # the variable that asks for thinking or for none, if it was learned


def learn_turns(probe: Probe, dialect: Dialect, header: str = "", closer: str = "") -> tuple[Turns, Facts]:
    """`dialect` is the reply side, learned before. Raises LearnError with what was not understood."""
    sight = Sight(probe, replace(dialect, turns=None))
    frames = read_frames(sight)
    ways = read_ways(sight)
    if not ways and tells(sight):
        raise LearnError("chat template: it tells of its tools in no way that is known here")
    trial = Trial(sight.dialect, _cases(probe, talks(TRIED, 1)), probe.today)
    choices: Sequence[Way | None] = ways or [None]
    found = [turns for way in choices for turns in _candidates(sight, frames, way)]
    if not found:
        raise LearnError("chat template: what stands before the first question was not understood")
    turns = _best(trial, found)
    fit, held = _held_out(probe, trial, turns)
    if sight.form:
        _other_day(probe, trial.dialect, turns, fit.limits)
    turns, switch, unlearned = learn_thinking(probe, trial.dialect, turns, fit.limits)
    facts = _facts(probe, fit, held, ways)
    return turns, replace(facts, thinking="" if unlearned else switch, guessed=(
        *facts.guessed, *([f"not learned: {unlearned}"] if unlearned else [])))


def _cases(probe: Probe, conversations: Sequence[Talk]) -> list[Case]:
    """The conversations that the template does not refuse."""
    texts = [(t, probe.attempt(list(t.messages), list(t.tools) or None, reply_starts=t.starts)) for t in conversations]
    return [case(talk, text) for talk, text in texts if text is not None]


def _candidates(sight: Sight, frames: Frames, way: Way | None) -> Iterator[Turns]:
    """Every way to read what was seen."""
    base: dict[str, Any] = {**frames.results, **frames.switches,
                            "reply_starts": (frames.starts,) if frames.starts else (), "reasoning": "none"}
    if way:
        base |= way.fields
    if sight.form and sight.form != "%Y-%m-%d":
        base["date"] = Spelled(sight.form)
    replies = list(explanations(sight, frames))
    for head in read_heads(sight, frames, way):
        for reply in replies:
            framed = assistant(frames, reply["header"])
            fields = {**base, **head, "assistant": framed, **{k: v for k, v in reply.items() if k != "header"}}
            if all(unmarked(text) for text in _texts(list(fields.values()))):    # else it holds words that were said
                yield Turns(**fields)


def _texts(value: Any) -> Iterator[str]:
    """The literals in a template, or in several."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, When):
        yield from (value.then, value.otherwise)
    elif isinstance(value, (tuple, list)):
        for v in value:
            yield from _texts(v)


def _best(trial: Trial, candidates: Sequence[Turns]) -> Turns:
    """The candidate that turning switches leads furthest."""
    ranked = best_of(trial, candidates)
    turns, score = climb(trial, ranked[0][1], switches)
    for _, other in ranked[1:3]:
        if score[0] > 0.9 * len(trial.cases):
            break
        other, reached = climb(trial, other, switches)
        if reached > score:
            turns, score = other, reached
    return turns


def _held_out(probe: Probe, trial: Trial, turns: Turns) -> tuple[Limited, Trial]:
    """The limits within which all is right: of conversations that were not looked at before, too."""
    cases, wrong = [*trial.cases], trial.wrong(turns)
    limits = ANY
    for seed in range(2, 2 + ROUNDS):
        held = Trial(trial.dialect, _cases(probe, talks(HELD_OUT, seed, limits)), probe.today)
        missed = held.wrong(turns)
        cases += held.cases
        wrong += missed
        fit = limited(cases, wrong)
        if fit is None:
            break
        if fit.limits == limits and not missed:
            if sum(any(m["role"] == "tool" for m in c.talk.messages) for c in held.cases) < LEAST:
                raise LearnError("chat template: it refuses nearly every conversation with results")
            return fit, held
        limits = fit.limits
    raise LearnError(_difference(turns, trial if trial.wrong(turns) else held))


def _difference(turns: Turns, trial: Trial) -> str:
    wrong = trial.wrong(turns)
    text, ours = wrong[0].text, trial.ours(turns, wrong[0])
    n = len(common_start(ours, text))
    return (f"chat template: of {len(trial.cases)} conversations {len(wrong)} come out otherwise; the first after "
            f"{text[max(0, n - 40):n]!r}: it prints {text[n:n + 60]!r}, not {ours[n:n + 60]!r}")


def _other_day(probe: Probe, dialect: Dialect, turns: Turns, limits: Limits) -> None:
    """Is the date the one that is told, on another day too?"""
    with Probe(probe.source, bos=probe.bos, eos=probe.eos, today=OTHER_DAY) as other:
        other.__dict__["manner"] = probe.manner      # it was found out before
        trial = Trial(dialect, _cases(other, talks(12, 99, limits)), OTHER_DAY)
        if trial.wrong(turns):
            raise LearnError(f"on another day: {_difference(turns, trial)}")


def _facts(probe: Probe, fit: Limited, held: Trial, ways: Sequence[Way]) -> Facts:
    refusals: Counter[str] = Counter()
    for seed in (1, 2):
        for talk in talks(TRIED, seed, ANY if seed == 1 else fit.limits):
            try:
                probe.render(list(talk.messages), list(talk.tools) or None, reply_starts=talk.starts)
            except TemplateError as error:
                refusals[str(error)] += 1
    sure = [f"{len(held.cases)} generated conversations come out byte for byte", *(f"tools: {w.said}" for w in ways[:1])]
    return Facts(fit.limits, len(held.cases), HELD_OUT - len(held.cases), tuple(e for e, _ in refusals.most_common(3)),
                 tuple(sure), sentences(fit.limits))
