"""A chat template beside the dialect that it speaks: where they first differ.

The one rule: both are asked the same, and given the same date and tokens.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from ..message import ToolglotError
from ..model import Model
from ..spec import Dialect
from . import probes as p
from .additions import BEGINS
from .text import shown
from .trial import CALLED, Trial
from .voice import DAY, EOS

#: what both are asked, from the plainest on
ASKED = {
    "a question": (p.TALK[:1], ()), "a conversation": (p.TALK, ()), "tools": (p.TALK[:1], (p.ONE, p.OTHER)),
    "the note's tool": (p.TALK[:1], (p.NOTE_TOOL,)), "a call and its result": (CALLED, (p.ONE, p.OTHER)),
    "words beside a call": ([p.user(p.ASKED[0]), p.assistant(p.ANSWERED[0], p.call()), p.result()], (p.ONE, p.OTHER)),
    "two calls": ([p.user(p.ASKED[0]), p.assistant("", p.call(0), p.call(1)), p.result(0), p.result(1)], (p.ONE, p.OTHER)),
    "reasoning": ([p.user(p.ASKED[0]), p.assistant("", p.call(0), reasoning_content=p.THOUGHT[0]), p.result(0)], (p.ONE,)),
}


@dataclass(frozen=True)
class Difference:
    """The first place where a prompt is not the dialect's: of which probe, from which character on."""

    probe: str
    at: int
    template: str
    dialect: str


@dataclass(frozen=True)
class Comparison:
    """How many probes' prompts are the dialect's, byte for byte, of those that both have; and the first that is not."""

    equal: int
    asked: int
    first: Difference | None = None


def compared(trial: Trial, dialect: Dialect) -> Comparison:
    model, equal, asked = Model(dialect), 0, 0
    first: Difference | None = None
    for what, (talk, tools) in ASKED.items():
        theirs = trial.say(what, talk, list(tools) or None, starts=True)
        try:
            head = [{"role": "system", "content": p.SYSTEM}] if trial.system else []
            ours = str(model.prompt([*head, *talk], tools, today=DAY))
        except ToolglotError:
            continue
        if not theirs:
            continue
        asked += 1
        b = _without_start(ours, "")
        a = _ended(_without_start(theirs.text, trial.voice.bos), b, dialect)
        if a == b:
            equal += 1
        elif first is None:
            at = len(os.path.commonprefix((a, b)))
            first = Difference(what, at, shown(a[at:at + 80]), shown(b[at:at + 80]))
    return Comparison(equal, asked, first)


def _without_start(text: str, bos: str) -> str:
    """A prompt without the token that begins it: who writes that is between template and tokenizer."""
    for mark in (bos, *BEGINS):
        if mark and text.startswith(mark):
            return text[len(mark):]
    return text


def _ended(text: str, ours: str, dialect: Dialect) -> str:
    """A prompt with the dialect's own end token where nobody told us the template's."""
    spelled = [text.replace(EOS, stop) for stop in dialect.stop] if EOS in text else []
    return max([text, *spelled], key=lambda one: len(os.path.commonprefix((one, ours))))
