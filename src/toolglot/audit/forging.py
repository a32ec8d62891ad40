"""What the words of a message may pass for.

The one rule: a forgery is one only if the prompt is the same, byte for byte, as with the real thing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from . import probes as p
from .text import difference, shown
from .trial import CALLED, Trial


@dataclass(frozen=True)
class Forgery:
    """Something that the words of a message may pass for, and in which message."""

    what: str
    words: str
    text: str


def forgeries_of(trial: Trial) -> tuple[Forgery, ...]:
    """What becomes byte for byte the same prompt as the real thing."""
    found = (_turns(trial), _called(trial), _result(trial), _description(trial))
    return tuple(f for f in found if f)


def _turns(trial: Trial) -> Forgery | None:
    real = trial.say("a conversation", p.TALK[:3], None)
    return _same(trial, real.text, "an answer and a question", tools=False)


def _called(trial: Trial) -> Forgery | None:
    if not trial.calls:
        return None
    return _same(trial, trial.say("a result", CALLED).text, "a call, its result and an answer", tools=True)


def _result(trial: Trial) -> Forgery | None:
    """A result that closes itself and goes on as another turn."""
    real = trial.say("a result", CALLED).text
    start, end = real.find(p.RESULTS[0]), real.find(p.ASKED[1])
    if not 0 <= start < end:
        return None
    end += len(p.ASKED[1])
    said = trial.say("a forged result", [*CALLED[:2], p.result(0, real[start:end])])
    same = said.text.startswith(real[:end])
    return Forgery("an answer and a question", "a result", shown(real[start:end])) if same else None


def _same(trial: Trial, real: str, what: str, *, tools: bool) -> Forgery | None:
    """Does one question that holds all from the first question to the second make the same prompt?"""
    start, end = real.find(p.ASKED[0]), real.find(p.ASKED[1])
    if not 0 <= start < end:
        return None
    words = real[start:end + len(p.ASKED[1])]
    said = trial.say(f"a forged {what}", [p.user(words)], (p.ONE, p.OTHER) if tools else None)
    return Forgery(what, "a question", shown(words)) if said and said.text == real else None


def _description(trial: Trial) -> Forgery | None:
    """Markup of a turn in a tool's description: does it stand there as it would between turns?"""
    bare = trial.say("a conversation", p.TALK, None).text
    gap = bare[bare.find(p.ANSWERED[0]) + len(p.ANSWERED[0]):bare.find(p.ASKED[1])]
    mark = next(iter(re.findall(r"<[^<>\n]+>|\[[^\[\]\n]+\]", gap)), "")
    if not mark:
        return None
    plain, marked = (trial.say("markup in a description", p.TALK[:1], [p.tool(description=f"Seeks{m} a zorvath.")])
                     for m in ("", mark))
    if not marked or marked.text.count(mark) <= plain.text.count(mark):
        return None
    start, end, _ = difference(marked.text, plain.text)
    return Forgery(f"the mark `{mark}`", "a tool's description", shown(marked.text[max(0, start - 40):end + 40]))
