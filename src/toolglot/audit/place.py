"""Where the tools are told.

The one rule: a place is told by the words of ours around it, and a turn by the markup that the template prints before and
behind those words where there are no tools.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from . import probes as p
from .trial import Trial

Place = Literal["own turn", "start of system", "end of system", "first user turn", "last user turn",
                "before the last user turn", "developer turn", "nowhere"]
_MARK = re.compile(r"([<\[][^<>\[\]\s]*[>\]])")
WORDS = (p.SYSTEM, *p.ASKED, *p.ANSWERED)


class Standing(NamedTuple):
    """A word of ours in a text."""

    word: str
    start: int
    end: int


def place_of(trial: Trial) -> tuple[Place, str]:
    """Where the tools stand in a conversation of several questions, and what stands around them."""
    told, bare = trial.say("tools in a conversation", p.TALK, [p.ONE]), trial.say("a conversation", p.TALK, None)
    at = told.text.find(p.NAMES[0])
    if not bare or at < 0:
        return "nowhere", ""
    around = told.text[max(0, at - 80):at + 40]
    return _place(told.text, bare.text, at), around


def _place(text: str, bare: str, at: int) -> Place:
    ours = _standing(text)
    before = max((s for s in ours if s.end <= at), key=lambda s: s.end, default=None)
    after = min((s for s in ours if s.start >= at), key=lambda s: s.start, default=None)
    place = _between(text, bare, at, before, after)
    return "developer turn" if place in ("own turn", "start of system", "end of system") and re.search(
        r"[\W_]developer[\W_]", text[:at]) else place


def _between(text: str, bare: str, at: int, before: Standing | None, after: Standing | None) -> Place:
    if after is None or (before is not None and before.word == p.ASKED[2]):
        return "last user turn"
    opened = _opened(bare, text[at:after.start], after.word)
    if after.word == p.SYSTEM and (before is None or before.word not in p.ANSWERED):
        return "own turn" if opened else "start of system" if _has_turn(bare) else "first user turn"
    if before is not None and before.word in p.ANSWERED:
        return "before the last user turn" if opened else "last user turn"
    if not opened or (before is not None and before.word in p.ASKED):
        return "first user turn"
    if before is None:
        return "own turn"
    closed = _MARK.match(os.path.commonprefix((text[before.end:at], _behind(bare, before.word))).lstrip())
    return "own turn" if closed or not _has_turn(bare) else "end of system"


def _opened(bare: str, gap: str, word: str) -> bool:
    """Does a turn begin in this gap before a word? It does behind the mark that begins turns of all roles, if there is one;
    else where the gap ends as it does without tools."""
    shared = set(_MARK.findall(_behind(bare, p.ASKED[0]))) & set(_MARK.findall(_behind(bare, p.ANSWERED[0])))
    begins = [mark for mark in _MARK.findall(_ahead(bare, word)) if mark in shared]
    if begins:
        return begins[-1] in gap
    return re.search(r"\w", _common_end(gap, _ahead(bare, word))) is not None


def _standing(text: str) -> Sequence[Standing]:
    return [Standing(w, i, i + len(w)) for w in WORDS if (i := text.find(w)) >= 0]


def _ahead(bare: str, word: str) -> str:
    """What stands before a word of ours, from the one before it on."""
    at = bare.find(word)
    return bare[max((s.end for s in _standing(bare) if s.end <= at), default=0):max(at, 0)]


def _behind(bare: str, word: str) -> str:
    """What stands behind a word of ours, up to the next one."""
    end = bare.find(word) + len(word)
    return bare[end:min((s.start for s in _standing(bare) if s.start >= end), default=len(bare))]


def _has_turn(bare: str) -> bool:
    """Does the system message stand in a turn of its own, rather than in a question?"""
    return p.SYSTEM in bare and bool(_behind(bare, p.SYSTEM).strip())


def _common_end(a: str, b: str) -> str:
    return os.path.commonprefix((a[::-1], b[::-1]))[::-1]
