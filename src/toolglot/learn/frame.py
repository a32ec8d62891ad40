"""What stands around replies: the header before one, what a prompt already says of it, the closer behind it.

The one rule: a reply begins where the prompt for it ends, or where calls and answers both begin, whichever is first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..chat_template import TemplateError
from .marked import common_start, markers
from .probe import LearnError, Probe


class Fact(NamedTuple):
    """Something learned: is it certain, and what showed it."""

    what: str
    sure: bool
    evidence: str = ""


@dataclass(frozen=True)
class Place:
    """Where replies are looked at: at the end of a conversation, or `followed` by results or a question."""

    probe: Probe
    followed: bool

    def around(self, reply: Mapping[str, Any], tools: Any = None, **given: Any) -> str:
        """What is printed between the question and whatever follows the reply. Raises TemplateError."""
        p = self.probe
        after = (p.results(reply) or [p.user(1)]) if self.followed else []
        text = p.render([p.user(), reply, *after], tools or p.tools(), **given).removesuffix(p.appended)
        end = text.find(after[0]["content"]) if after else -1
        end = end if end >= 0 else len(text)
        begin = text.rfind(p.word("user"), 0, end)
        if begin < 0:
            raise LearnError("chat template: it does not print the question, so that replies cannot be told apart")
        return text[begin + len(p.word("user")):end]

    def attempt(self, reply: Mapping[str, Any], **given: Any) -> str | None:
        try:
            return self.around(reply, **given)
        except TemplateError:
            return None


@dataclass(frozen=True)
class Frame:
    """`header` stands before an answer, with what closes the question; `called` before calls, with all that is not theirs;
    `opened` is what of a reply a prompt ends with; `said` stands before the words of an answer, `answered` behind one that
    ends a conversation."""

    header: str
    called: str
    opened: str
    said: str
    answered: str


def learn_frame(probe: Probe, place: Place, before_call: str) -> Frame:
    """The frame of a reply. `before_call`: what stands between the question and the first call."""
    word = probe.word("answer")
    answers = {followed: text.partition(word)[::2] for followed in (place.followed, not place.followed)
               if word in (text := Place(probe, followed).attempt(probe.assistant()) or "")}
    if not answers:
        raise LearnError("chat template: it prints no answer in words, so that where replies begin is not known")
    starts, silent = (_after_question(probe, s) for s in (True, False))
    before = min((b for b, _ in answers.values()), key=len)
    answered = answers.get(False, next(iter(answers.values())))[1]
    shared = re.sub(r"<[^<>\s]*$", "", common_start(before_call, *(b for b, _ in answers.values())))
    if starts == silent:                                         # the prompt for a reply is printed always, or never
        own = starts[len(common_start(starts, shared)):] if starts.startswith(shared) else ""
        return Frame(shared, shared, own, before[len(shared):], answered)
    if all(consume(t, starts) is not None for t in (before_call, *(b for b, _ in answers.values()))):
        header, called = before[:consume(before, starts)], before_call[:consume(before_call, starts)]
        return Frame(header, called, "", before[len(header):], answered)
    if (at := consume(starts, shared)) is not None:
        return Frame(shared, shared, starts[at:], before[len(shared):], answered)
    last = markers(starts)[-1:]
    at = shared.rindex(last[0]) + len(last[0]) if last and last[0] in shared else len(
        re.sub(r"<[^<>\s]*$", "", common_start(starts, shared)))
    return Frame(shared[:at], shared[:at], "", before[at:], answered)


def consume(text: str, start: str) -> int | None:
    """Where in a text its start ends, which may be spaced otherwise; None where it starts otherwise."""
    at = 0
    for char in start:
        if char.isspace():
            at += text[at:at + 1].isspace()
            continue
        while text[at:at + 1].isspace():
            at += 1
        if text[at:at + 1] != char:
            return None
        at += 1
    return at


def _after_question(probe: Probe, reply_starts: bool) -> str:
    text = probe.attempt([probe.user()], probe.tools(), reply_starts=reply_starts) or ""
    at = text.rfind(probe.word("user"))
    return text[at + len(probe.word("user")):] if at >= 0 else ""
