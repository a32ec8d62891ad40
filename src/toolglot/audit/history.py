"""What a template makes of what came before: results, reasoning, and roles.

The one rule: what it keeps is looked for by its own words, and what is gone is said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from . import probes as p
from .probes import Data
from .text import scattered
from .trial import CALLED, Trial

Kept = Literal["none", "all", "since the last question", "until the answer", "of turns that call", "some"]
#: how families name the reasoning of a message; PART is a part of what it says
PART = "a part of type thinking"
KEYS = ("reasoning_content", "reasoning", "thinking", PART)
#: how families name the switch without which some write no reasoning
SWITCHES = {"enable_thinking": True, "thinking": True}


@dataclass(frozen=True)
class Results:
    """How results come back. `frame` is what stands before and behind one; `between` what stands between two."""

    told: bool = False
    before: str = ""
    behind: str = ""
    between: str | None = None                   # None: two results are refused, or one is lost
    quoted: bool = False                         # as a JSON string
    scattered: bool = False                      # character by character
    bent: bool = False                           # a result that is JSON text comes back as other JSON text
    ids: bool = False
    named: bool = False                          # the function's name stands with it
    forgotten: bool = False                      # calls or results before the last question are dropped


@dataclass(frozen=True)
class Reasoning:
    """What becomes of a message's reasoning, under the key that the template knows."""

    key: str = ""
    kept: Kept = "none"
    switched: bool = False                       # only where thinking is switched on
    cut: bool = False                            # words before `</think>` in a past answer are cut away


def results_of(trial: Trial) -> Results:
    text, word = trial.say("a result", CALLED).text, p.RESULTS[0]
    parted = trial if not trial.parts else replace(trial, plain_results=True, refusals={})
    split = scattered(parted.say("a result", CALLED).text, word)
    now = trial.say("a result that is last", CALLED[:3]).text
    forgotten = word in now and not (word in text and p.VALUES[0] in text)
    if word not in text:
        text = now
    at = text.find(word)
    if at < 0:
        return Results(scattered=split)
    start = max(text.rfind(p.VALUES[0], 0, at), text.rfind(p.ASKED[0], 0, at))
    end = text.find(p.ANSWERED[0], at)
    before, behind = text[start + len(p.VALUES[0]):at], text[at + len(word):end if end >= 0 else at + 80]
    json_text = trial.say("a result that is JSON", [*CALLED[:2], p.result(0, '{"pyrk": 21.5}'), *CALLED[3:]]).text
    return Results(True, before, behind, _between(trial), before.endswith('"') and behind.startswith('"'),
                   split, "{" in json_text and '"pyrk": 21.5' not in json_text, p.IDS[0] in text[start:],
                   p.NAMES[0] in before[-120:] or p.NAMES[0] in behind[:60],
                   forgotten and trial.calls)


def _between(trial: Trial) -> str | None:
    two = [p.user(p.ASKED[0]), p.assistant("", p.call(0), p.call(1)), p.result(0), p.result(1)]
    text = trial.say("two results", two).text
    if not text:                                 # several calls may be refused, and several results not
        text = trial.say("two results of one call", [*CALLED[:2], p.result(0), p.result(0, p.RESULTS[1])]).text
    first, second = text.find(p.RESULTS[0]), text.find(p.RESULTS[1])
    return text[first + len(p.RESULTS[0]):second] if 0 <= first < second else None


def reasoning_of(trial: Trial) -> Reasoning:
    cut = trial.say("reasoning among the words", [p.user(p.ASKED[0]), p.assistant(
        f"<think>\n{p.THOUGHT[0]}\n</think>\n\n{p.ANSWERED[0]}"), p.user(p.ASKED[1])])
    gone = bool(cut) and p.THOUGHT[0] not in cut.text and p.ANSWERED[0] in cut.text
    for switched in (False, True):
        one = replace(trial, extra={**trial.extra, **(SWITCHES if switched else {})}, refusals={})
        for key in KEYS:
            kept = _kept(one, key)
            if any(kept):
                return Reasoning(key, _rule(kept, one, key), switched, gone)
    return Reasoning(cut=gone)


def _kept(trial: Trial, key: str) -> tuple[bool, bool, bool]:
    """Which reasoning is told: of a turn that calls and of an answer before the last question, and of a call after it."""
    if trial.calls:
        talk = [p.user(p.ASKED[0]), _thought(key, 0, p.assistant("", p.call(0))), p.result(0),
                _thought(key, 1, p.assistant(p.ANSWERED[0])), p.user(p.ASKED[1]),
                _thought(key, 2, p.assistant("", p.call(1))), p.result(1)]
    else:
        talk = [p.user(p.ASKED[0]), _thought(key, 0, p.assistant(p.ANSWERED[0])), p.user(p.ASKED[1]),
                _thought(key, 2, p.assistant(p.ANSWERED[1]))]
    text = trial.say(f"reasoning ({key})", talk).text
    # a template that knows no such part may print the list as it is
    first, second, third = (thought in text and not re.search(rf"thinking['\"]: ?['\"]{thought}", text)
                            for thought in p.THOUGHT)
    return first, second or (first and not trial.calls), third


def _thought(key: str, number: int, turn: Data) -> Data:
    if key != PART:
        return {**turn, key: p.THOUGHT[number]}
    words = [{"type": "text", "text": turn["content"]}] if turn["content"] else []
    return {**turn, "content": [{"type": "thinking", "thinking": p.THOUGHT[number]}, *words]}


def _rule(kept: tuple[bool, bool, bool], trial: Trial, key: str) -> Kept:
    match kept:
        case (True, True, True):
            return "all"
        case (False, False, True) if trial.calls:
            done = [p.user(p.ASKED[0]), _thought(key, 0, p.assistant("", p.call(0))), p.result(0),
                    p.assistant(p.ANSWERED[0])]
            said = trial.say(f"reasoning ({key})", done)
            return "until the answer" if said and p.THOUGHT[0] not in said.text else "since the last question"
        case (False, False, True):
            return "since the last question"
        case (True, False, _):
            return "of turns that call"
        case _:
            return "some"
