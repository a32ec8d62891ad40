"""The switch that asks a model to think or not to, if its chat template has one: what it changes of the prompts.

The one rule: with the switch on, off and left alone, every conversation is the template's, or the switch is not learned.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..spec import CONTENT, Dialect, Template, Turns, When
from .frames import behind
from .probe import Probe
from .sight import ASKED, Sight, shared_end, shared_start
from .switches import Case, Trial, best_of, case
from .talks import Limits, talks

ASKS = (None, True, False)
TRIED = 60


def learn_thinking(probe: Probe, dialect: Dialect, turns: Turns, limits: Limits) -> tuple[Turns, str, str]:
    """The turns with the switch; the template's variable for it, "" if there is none; and what was not understood of it."""
    sight = Sight(probe, dialect)
    name = next((v for v in sorted(probe.names.variables) if "think" in v.lower() and _matters(sight, v)), "")
    if not name:
        return turns, "", ""
    cases = [c for asked in ASKS for c in _cases(probe, name, asked, limits)]
    trial = Trial(dialect, cases, probe.today)
    score, found = best_of(trial, _candidates(sight, turns, name))[0]
    if score[0] == len(cases):
        return found, name, ""
    return turns, name, f"what {name} changes, in {len(cases) - score[0]} of {len(cases)} conversations"


def _given(name: str, asked: bool | None) -> dict[str, Any]:
    return {} if asked is None else {name: asked}


def _matters(sight: Sight, name: str) -> bool:
    asked = [sight.see([sight.user()], starts=True, **_given(name, a)) for a in ASKS]
    return None not in asked and len(set(asked)) > 1


def _cases(probe: Probe, name: str, asked: bool | None, limits: Limits) -> list[Case]:
    found = []
    for talk in talks(TRIED, 41, limits):
        text = probe.attempt(list(talk.messages), list(talk.tools) or None, reply_starts=talk.starts, **_given(name, asked))
        if text is not None:
            found.append(replace(case(talk, text), thinking=asked))
    return found


def _candidates(sight: Sight, turns: Turns, name: str) -> Iterator[Turns]:
    """Where the switch may stand: in what prompts end with, in questions, in what history keeps of reasoning."""
    closes = [behind(sight.see([sight.user()], **_given(name, a)), ASKED[0]) for a in ASKS]
    starts = [behind(sight.see([sight.user()], starts=True, **_given(name, a)), ASKED[0]) for a in ASKS]
    yield turns
    if None in closes or None in starts:
        return
    pairs = [(c or "", s or "") for c, s in zip(closes, starts, strict=True)]
    ends = [s.removeprefix(c) for c, s in pairs]
    with_starts = replace(turns, reply_starts=asks(*ends))
    if len(set(closes)) > 1:
        at = turns.user.index(CONTENT)
        with_starts = replace(with_starts, user=(*turns.user[:at + 1], *asks(*[c for c, _ in pairs])))
    yield with_starts
    yield replace(with_starts, unthought=True)
    yield replace(with_starts, unthought="unasked")


def asks(unasked: str, on: str, off: str) -> Template:
    """A literal that is the first where nothing is asked, and the others where thinking is, or is not wanted."""
    start = shared_start(unasked, on, off)
    unasked, on, off = unasked[len(start):], on[len(start):], off[len(start):]
    end = shared_end(unasked, on, off)
    unasked, on, off = (t[:len(t) - len(end)] for t in (unasked, on, off))
    if unasked == on:
        whens = [When("no-thinking", off, on)]
    elif unasked == off:
        whens = [When("thinking", on, off)]
    elif on == off:
        whens = [When("unasked", unasked, on)]
    else:
        whens = [When("thinking", on), When("no-thinking", off), When("unasked", unasked)]
    found: Template = (start, *[w for w in whens if w.then or w.otherwise], end)
    return tuple([n for n in found if n != ""])
