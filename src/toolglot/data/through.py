"""What of a conversation through a chat template the model writes.

The one rule: the template is asked, not guessed at. A prompt for each reply says where it begins; a conversation that ends
with it, and one that goes on, say what closes it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from os.path import commonprefix

from ..chat_template import TemplateError
from ..engines.spelling import ENDS
from ..message import Assistant, Tool, Turn, User
from ..model import Model
from ..prompt import Prompt, Stretch
from .policy import Policy
from .row import RowError


def masked_by_prompts(shown: Prompt, turns: Sequence[Turn], tools: tuple[Tool, ...], model: Model, policy: Policy,
                       today: str | None) -> Prompt:
    """A conversation through a chat template, which does not say what of it the model writes: that begins where the prompt
    for the turn ends, and ends with what stands behind the turn whether another follows or not."""
    def told(upto: Sequence[Turn], starts: bool = False) -> Prompt:
        return model.prompt(upto, tools, thinking=policy.thinking, today=today, reply_starts=starts)

    text = str(shown)
    cuts: list[tuple[int, int, int]] = []
    for i, turn in enumerate(turns):
        if not isinstance(turn, Assistant):
            continue
        before, last = str(told(turns[:i], True)), told(turns[: i + 1])
        try:
            more = str(told([*turns[: i + 1], User("?")]))
        except TemplateError:
            more = text
        same = commonprefix([str(last), more])
        if len(same) < len(str(last)):                   # another turn has other markup: both may begin with `<|`
            same = _BEGUN.sub("", same)
        if not text.startswith(before) or not text.startswith(same) or len(same) < _words_end(last):
            raise RowError("its chat template tells past replies otherwise", f"turns[{i}]",
                           "what the model writes cannot be told from the rest: train on rows that end here")
        cuts.append((len(before), _end(same, max(_words_end(last), len(before)), model), i))
    return _cut(shown, cuts)


def ends_of(model: Model) -> list[str]:
    """The tokens that end a reply in a chat template's own frame, the longest first."""
    return sorted(ENDS | {*model.dialect.stop, model.eos} - {""}, key=len, reverse=True)


def _end(text: str, words: int, model: Model) -> int:
    """Where a reply ends: behind the first token that ends one, behind its words."""
    found = re.search("|".join(map(re.escape, ends_of(model))), text[words:])
    return words + found.end() if found else len(text.rstrip())


_BEGUN = re.compile(r"[<\[][^<>\[\]]*\Z")


def _words_end(shown: Prompt) -> int:
    """Where the last words that are somebody's own end."""
    end = at = 0
    for text, _, _, _, special in shown.stretches:
        at += len(text)
        end = end if special else at
    return end


def _cut(shown: Prompt, cuts: Sequence[tuple[int, int, int]]) -> Prompt:
    """The same prompt with its pieces cut at these places; what stands between them is the assistant's and trained."""
    out: list[Stretch] = []
    replies: list[list[int]] = [[0, 0, number] for _, _, number in cuts]
    edges = sorted({edge for start, end, _ in cuts for edge in (start, end)})
    at = 0
    for text, role, kind, _, special in shown.stretches:
        inside = [at, *[e for e in edges if at < e < at + len(text)], at + len(text)]
        for a, b in pairwise(inside):
            n = next((n for n, (start, end, _) in enumerate(cuts) if start <= a < end), None)
            if n is not None:
                replies[n][0] = replies[n][0] if replies[n][1] else len(out)
                replies[n][1] = len(out) + 1
            known = "assistant" if n is not None else role or "system"
            out.append((text[a - at:b - at], known, kind, n is not None, special))
        at += len(text)
    return Prompt(tuple(out), tuple([(a, b, number) for a, b, number in replies]))


__all__ = ["ends_of", "masked_by_prompts"]
