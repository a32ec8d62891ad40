"""The reply side of a dialect, from a chat template alone: calls, words, reasoning, and what ends a reply.

The one rule: what a history does not show is guessed, said to be, and never decides how a call is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ..message import Call
from ..plan import literals
from ..render import fill
from ..spec import CALLS, TEXT, Calls, Dialect, Object, Template
from .calls import Learned, learn_calls, see_calls
from .frame import Fact, Frame, Place, learn_frame
from .marked import SLOT, markers
from .probe import CLOSING, Probe
from .reasoning import learn_reasoning, without_empty


@dataclass(frozen=True)
class ReplySide:
    """A dialect without turns, and what stands around its replies in a history.

    `header` before an answer, with what closes the question, and `called` before calls; `opened` is what of the reply a
    prompt has written already; `closer` behind an answer, `called_closer` behind calls. `single`: a reply holds one call.
    `beside`: words beside calls stand before them in history. `thinks`: history shows reasoning at its end. `exact`:
    values of every type are written as the template writes them.
    """

    dialect: Dialect
    header: str
    called: str
    opened: str
    closer: str
    called_closer: str
    single: bool
    beside: bool
    thinks: bool
    exact: bool
    place: Place
    facts: tuple[Fact, ...]


def learn_reply(probe: Probe, name: str = "learned") -> ReplySide:
    """The reply side of a template's dialect, not yet proved. Raises LearnError."""
    seen = see_calls(probe)
    frame = learn_frame(probe, seen.place, seen.before)
    frame, reasoning, facts = learn_reasoning(probe, frame)
    learned = learn_calls(probe, seen, without_empty(frame, reasoning, seen.before))
    frame = learned.frame
    facts += learned.facts
    content, closer, spoken = _content(probe, seen.place, frame, learned)
    facts += spoken
    gap, join, beside = _beside(probe, seen.place, frame, learned)
    facts += beside
    calls, accept = replace(learned.calls, gap=gap), tuple[Calls, ...]()
    if _split(probe, seen.place, learned):
        accept = (Calls(calls.each, between=calls.between, at_start=True),)
        facts.append(Fact("words stand inside of what opens calls: calls without it are read as well", False))
    stop, ends = _stop(probe, frame, learned, closer)
    facts += ends
    dialect = Dialect(name, calls, accept, content=content, reasoning=reasoning, join=join, stop=stop)
    special = _special(dialect)
    facts += [Fact(f"single tokens of the vocabulary: {' '.join(sorted(special))}", False, "their look")] if special else []
    return ReplySide(
        replace(dialect, special=special), frame.header, frame.called, frame.opened, closer, learned.closer, learned.single,
        any(f.what.startswith("between words and calls") for f in beside), _thinks(probe, seen.place), learned.exact,
        seen.place, tuple(facts))


def _thinks(probe: Probe, place: Place) -> bool:
    """Is reasoning printed, both of an answer and of calls?"""
    thought = probe.word("thought")
    return all(thought in (place.attempt(r) or "") for r in (
        probe.assistant(reasoning=thought), probe.assistant(probe.call(), reasoning=thought)))


# -- words -----------------------------------------------------------------------------------------------------


def _content(probe: Probe, place: Place, frame: Frame, learned: Learned) -> tuple[Template, str, list[Fact]]:
    """The template of words, and what closes a turn of them."""
    said, answered = frame.said, frame.answered
    if not said.strip():
        return ((said, TEXT) if said else (TEXT,)), answered, []
    beside = place.attempt(probe.assistant(probe.call(), content=probe.word("said"))) or ""
    if probe.word("said") in beside and f"{said}{probe.word('said')}" not in beside:
        return (TEXT,), answered, [Fact(f"{said!r} stands before words alone: it is read as words", False, beside)]
    closer = learned.closer if learned.closer and answered.endswith(learned.closer) else answered
    behind = answered[:len(answered) - len(closer)]
    return tuple(n for n in (said, TEXT, behind) if n), closer, [Fact("words have markers of their own", True, said)]


def _beside(probe: Probe, place: Place, frame: Frame, learned: Learned) -> tuple[str, str, list[Fact]]:
    """What stands between words and calls: white space that belongs to the calls, or what joins any two parts."""
    said, between = probe.word("said"), learned.calls.between
    guess = between if between.isspace() else ""
    text = place.attempt(probe.assistant(probe.call(), content=said))
    if text is None:
        return guess, "", [Fact("words beside calls are refused", True)]
    if said not in text or probe.word("name") not in text:
        lost = "words" if said not in text else "calls"
        return guess, "", [Fact(f"beside each other, {lost} are dropped from history: what parts them is not known", False,
                                text)]
    at, name = text.index(said), text.index(probe.word("name"))
    if at > name:
        return guess, "", [Fact("words beside calls stand behind them in history", True, text)]
    part, opener = text[at + len(said):name], _call_opener(learned)
    if not part.endswith(opener):
        return guess, "", [Fact("beside words, calls begin otherwise", False, part)]
    part = part[:len(part) - len(opener)]
    if not part.strip() and frame.said.strip() and part and part == between:
        return "", part, [Fact(f"between words and calls: {part!r}, as between any two parts", True, text)]
    if not part.strip():
        return part, "", [Fact(f"between words and calls: {part!r}", True, text)]
    return guess, "", [Fact("what stands between words and calls was not understood", False, part)]


def _split(probe: Probe, place: Place, learned: Learned) -> bool:
    """Do words beside calls stand in the middle of what opens the calls?"""
    said, opener = probe.word("said"), _call_opener(learned)
    before = (place.attempt(probe.assistant(probe.call(), content=said)) or "").partition(probe.word("name"))[0]
    return said in before and learned.calls.around[0] is not CALLS and before.replace(said, "").endswith(
        opener) and not before.partition(said)[2].endswith(opener)


def _call_opener(learned: Learned) -> str:
    """The text of a reply of calls up to the first slot."""
    calls, first = learned.calls, ""
    for node in (*calls.around[:calls.around.index(CALLS)], *calls.each):
        if not isinstance(node, str):
            return first + (opening_of(node) if isinstance(node, Object) else "")
        first += node
    return first


def opening_of(obj: Object) -> str:
    """An object up to its first slot, if that is the name."""
    written = "".join(t for t, _, _ in fill((obj,), dict.fromkeys(SLOT.values(), ("\ue000", "")), Call("", {}, "i")))
    return written.partition("\ue000")[0]


# -- what ends a reply -----------------------------------------------------------------------------------------


def _stop(probe: Probe, frame: Frame, learned: Learned, closer: str) -> tuple[tuple[str, ...], list[Fact]]:
    """The markers that end a reply."""
    own = {s for t in (learned.calls.around, learned.calls.each) for s in literals(t)}
    closers = [c.strip() for c in (learned.closer, closer) if c.strip()]
    found = [next((m for m in markers(c) if CLOSING.search(m)), (*markers(c), c)[0]) for c in closers]
    if not found:
        for reply in (probe.assistant(), probe.assistant(probe.call())):
            text = Place(probe, True).attempt(reply) or ""
            after = text[max(text.rfind(probe.word(w)) for w in ("answer", "name")):]
            found += [m for m in markers(after) if not any(m in o for o in own)][:1]
    eos = [probe.eos] if probe.eos.strip() else []
    stop = tuple(dict.fromkeys(s for s in (*found, *eos) if s.strip() and not any(s in o for o in own)))
    return stop, [Fact(f"a reply ends with {' or '.join(map(repr, stop)) or 'nothing that is known'}", bool(closers),
                       learned.closer or closer)]


def _special(dialect: Dialect) -> frozenset[str]:
    """The literals that look like single tokens and like nothing else."""
    templates = (dialect.calls.around, dialect.calls.each, dialect.content, dialect.reasoning or ())
    words = [s for t in templates for s in literals(t)] + [*dialect.stop, dialect.join]
    return frozenset(m for w in words for m in re.findall(r"<[|｜][^<>\s]*[|｜]>", w))
