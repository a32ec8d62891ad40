"""The frames of questions, answers and results, read off what a template prints between the words.

The one rule: a frame is what stands between two words that were said, shared out by what stands there when the
conversation ends after the first of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..spec import CONTENT, ID, INDEX, NAME, NUMBER, QUOTED, REPLY, RESULTS, TEXT, Template, When
from .probe import LearnError
from .sight import (
    ASKED,
    NAMED,
    NUMBERED,
    REPLIED,
    RESULT,
    Sight,
    Tools,
    common_last_units,
    common_units,
    template,
    unmarked,
)


@dataclass(frozen=True)
class Frames:
    """What stands before and behind each kind of turn."""

    user_opens: str
    user_closes: str
    header: str
    closes: str                                      # behind an answer
    closes_calls: str
    starts: str                                      # what a prompt ends with, where the reply begins
    results: dict[str, Any]                          # of Turns
    switches: dict[str, Any]                         # of Turns: what else was seen


def between(text: str, left: str, right: str) -> str | None:
    """What stands between two characters; None where they do not follow each other."""
    i, j = text.find(left), text.find(right)
    return text[i + 1:j] if 0 <= i < j else None


def behind(text: str | None, mark: str) -> str | None:
    return None if text is None or mark not in text else text[text.rindex(mark) + 1:]


def read_frames(sight: Sight) -> Frames:
    """Raises LearnError for what is no frame."""
    for before, tools in (([], ()), ([], sight.tools()), ([sight.system()], ()), ([sight.system()], sight.tools())):
        seen = sight.see([*before, sight.user(), sight.answer(), sight.user(1), sight.answer(1), sight.user(2)], tools)
        if seen and all(c in seen for c in (*ASKED[:3], *REPLIED[:2])):
            break
    else:
        raise LearnError(_lost(sight, "questions and answers"))
    between_ua, between_au = between(seen, ASKED[0], REPLIED[0]), between(seen, REPLIED[0], ASKED[1])
    if between_ua is None or between_au is None:
        raise LearnError(_lost(sight, "questions and answers, in their order,"))
    one = [*before, sight.user()]
    user_closes = _shared(between_ua, behind(sight.see(one, tools), ASKED[0]))
    header = between_ua[len(user_closes):]
    closes, opens, switches = _answer_closes(sight, [*one, sight.answer()], tools, between_au, seen[:seen.index(ASKED[0])])
    starting = behind(sight.see(one, tools, starts=True), ASKED[0]) or ""
    starts = starting[len(user_closes):] if starting.startswith(user_closes) else ""
    results, called = _results(sight, before, header, closes, switches)
    return Frames(opens, user_closes, header, closes, called, starts, results, switches)


def _answer_closes(sight: Sight, answered: list[Any], tools: Tools, gap: str,
                   first: str) -> tuple[str, str, dict[str, Any]]:
    """What closes an answer and what opens the question behind it, of what stands between; and how the last one ends.

    `first` is what stands before the first question.
    """
    switches: dict[str, Any] = {}
    seen = sight.see(answered, tools)
    last = behind(seen, REPLIED[0])
    closes = _shared(gap, last)
    if last is None and seen is not None and sight.dialect.content[-1:] != (TEXT,):
        text = sight.probe.attempt(answered, list(tools) or None) or ""
        switches["final_closer"] = text[text.rfind(sight.probe.word("answer")) + len(sight.probe.word("answer")):]
    opens = gap[len(closes):] if last is not None else gap
    if not first.endswith(opens) and (n := common_last_units(first, opens)):
        opens = opens[len(opens) - n:]               # the first question knows of no answer
    closes = gap[:len(gap) - len(opens)]
    if last is not None and last != closes and last:
        switches["last_closer"] = last
    return closes, opens, switches


def _shared(text: str, other: str | None) -> str:
    """What both begin with, without cutting a marker in two; all of the text, where there is no other."""
    return text if other is None else text[:common_units(text, other)]


def _lost(sight: Sight, what: str) -> str:
    return f"chat template: {what} could not be seen in what it prints"


# -- results ---------------------------------------------------------------------------------------------------


def _results(sight: Sight, before: list[Any], header: str, closes: str,
             switches: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """How results come back, and what closes a reply that holds calls."""
    one, tools = [*before, sight.user(), sight.calls()], sight.tools()
    result = sight.probe.results(one[-1])
    sight.quotes = False
    replied = [*one, *result, sight.answer()]
    seen = next((x for more in ([*replied, sight.user(1)], replied, [*one, *result])
                 if (x := sight.see(more, tools)) is not None), None)
    if seen is None or REPLIED[0] not in seen:
        raise LearnError(_lost(sight, "a call as the reply side spells it"))
    if RESULT[0] not in seen:
        raise LearnError(_lost(sight, "the result of a call"))
    quoted = f'"{RESULT[0]}"' in seen
    if quoted:
        seen = seen.replace(f'"{RESULT[0]}"', RESULT[0])
    ends_calls = behind(sight.see(one, tools), REPLIED[0])
    opens = between(seen, REPLIED[0], RESULT[0])
    if opens is None:
        raise LearnError(_lost(sight, "a result behind its call"))
    called = closes if opens.startswith(closes) else ""
    if ends_calls is not None and unmarked(ends_calls):
        called = _shared(opens, ends_calls)
    opens = opens[len(called):]
    last = behind(_unquoted(sight.see([*one, *result], tools), quoted), RESULT[0])
    after = between(seen, RESULT[0], REPLIED[1])
    ends = after if after is not None else last or ""
    if header and last is not None and ends.startswith(last + header):
        ends = last
    elif header and ends.endswith(header):
        ends = ends[:-len(header)]
    elif after is not None and header:
        switches["header_once"] = "results"
        begun = behind(_unquoted(sight.see([*one, *result], tools, starts=True), quoted), RESULT[0])
        if begun is not None and last is not None and begun.startswith(last) and begun != last:
            switches["goes_on"] = (begun[len(last):],)
    return _several(sight, before, tools, opens, ends, ends if last is None else last, quoted), called


def _unquoted(seen: str | None, quoted: bool) -> str | None:
    for c in RESULT if quoted and seen else "":
        seen = (seen or "").replace(f'"{c}"', c)
    return seen


_SLOTS = {NAMED[0]: NAME, NAMED[1]: NAME, NUMBERED[0]: ID, NUMBERED[1]: ID}


def _several(sight: Sight, before: list[Any], tools: Tools, opens: str, ends: str, last: str,
             quoted: bool) -> dict[str, Any]:
    """`results`, `result` and `result_between` out of the frames around one result and between two."""
    calls = sight.calls(2)
    seen = _unquoted(sight.see([*before, sight.user(), calls, *sight.probe.results(calls)], tools), quoted)
    gap = between(seen, RESULT[0], RESULT[1]) if seen else None
    first = between(seen, REPLIED[0], RESULT[0]) if seen else None
    said = RESULT[0]
    slots = {**_SLOTS, said: QUOTED if quoted else CONTENT}
    if gap is None or REPLIED[1] in gap or first is None:
        return {"results": (RESULTS,), "result": template(opens + said + ends, slots), "result_between": "",
                **({"one_call": True} if seen is None or gap is not None else {})}
    number = _number(opens, gap)
    if number is not None:
        slot, opens, gap = number
        slots["\ue0f0"] = slot
    gap = gap.replace(NAMED[1], NAMED[0]).replace(NUMBERED[1], NUMBERED[0])
    own_opens = opens[len(opens) - common_last_units(opens, gap):]
    own_closes = ends[:common_units(ends, gap[:len(gap) - len(own_opens)])]
    outer = opens[:len(opens) - len(own_opens)]
    if not unmarked(outer):                          # what names the call stands in front of what is common
        raise LearnError(_lost(sight, f"how results are told apart: {outer!r} stands before the first alone; it"))
    middle = gap[len(own_closes):len(gap) - len(own_opens)]
    if own_opens.startswith("\n") and outer and not middle:
        outer, middle, own_opens = outer + "\n", "\n", own_opens[1:]       # as a person would share it out
    return {"results": tuple(p for p in (outer, RESULTS, *_tail(own_closes, ends, last)) if p),
            "result": template(own_opens + said + own_closes, slots), "result_between": middle}


def _tail(own: str, ends: str, last: str) -> Template:
    """What stands behind all the results: where something follows, and where nothing does."""
    inner = ends[len(own):]
    if not last.startswith(own) or last == ends:
        return (inner,)
    final = last[len(own):]
    start = common_units(inner, final)
    end = common_last_units(inner[start:], final[start:])
    return (inner[:start], When("last", final[start:len(final) - end], inner[start:len(inner) - end]),
            inner[len(inner) - end:])


def _number(opens: str, gap: str) -> tuple[Any, str, str] | None:
    """INDEX or NUMBER, and the frames with its place, where the first result is told by a number and the second by the
    next one."""
    for digit, next_digit, slot in (("0", "1", INDEX), ("1", "2", NUMBER)):
        places = [i for i, c in enumerate(opens) if c == digit]
        for i in places:
            tail = opens[i + 1:]
            at = len(gap) - len(tail) - 1
            if at >= 0 and gap[at] == next_digit and gap[at + 1:] == tail.replace(NAMED[0], NAMED[1]).replace(
                    NUMBERED[0], NUMBERED[1]):
                return slot, opens[:i] + "\ue0f0" + tail, gap[:at] + "\ue0f0" + gap[at + 1:]
    return None


def closer(frames: Frames) -> Template:
    """What closes a reply, with calls or without."""
    if frames.closes == frames.closes_calls:
        return (frames.closes,) if frames.closes else ()
    return (When("called", frames.closes_calls, frames.closes),)


def assistant(frames: Frames, header: str) -> Template:
    """The frame of a reply."""
    return (*([header] if header else []), REPLY, *closer(frames))
