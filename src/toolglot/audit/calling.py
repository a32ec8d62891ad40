"""How a template writes the calls of the past: their form, what reads them back, and what it does to their arguments.

The one rule: a call is what differs between a turn that calls and one that answers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from ..message import Call, Tool
from ..model import Model
from ..rescue import rescue
from ..spec import Dialect
from ..tools import as_tools
from . import probes as p
from .probes import Data
from .text import difference, holds, named, shown, value_around
from .trial import FORMS, SILENCES, Trial

Style = Literal["one JSON object", "a JSON list", "the name, then JSON", "broken JSON", "Python", "tags",
                "a notation of its own", "none"]
#: what becomes of something that a template may not expect
Fate = Literal["the same", "doubly encoded", "refused", "lost", "bent", "not tried"]


@dataclass(frozen=True)
class Calling:
    """How calls are written. `opener` and `closer` are what stands around one, the markers of turns aside.

    `several`: what becomes of a second call. `as_object`, `as_text`: of arguments in either form. `beside`: of words
    beside a call. `silences`: how a turn of calls may say nothing, and what becomes of that. `garbled` are kinds of
    value that do not read back as they were.
    """

    style: Style = "none"
    shown: str = ""
    opener: str = ""
    closer: str = ""
    inside: str = ""                             # between the name and the JSON behind it
    members: tuple[str, ...] = ()
    ids: bool = False
    numbered: bool = False                       # a call's place among the calls, in place of an id or beside it
    several: Fate = "not tried"
    between: str = ""
    as_object: Fate = "not tried"
    as_text: Fate = "not tried"
    beside: Fate = "not tried"
    reordered: bool = False
    silences: tuple[tuple[str, Fate], ...] = ()
    garbled: tuple[str, ...] = ()
    read: bool = True                            # anything reads the calls back

    @property
    def bare(self) -> bool:
        """No marker tells a call from words."""
        return self.style != "none" and not (self.opener + self.closer + self.inside).strip()


def calling_of(trial: Trial, dialect: Dialect | None) -> Calling:
    if not trial.calls:
        return Calling()
    stretch = _stretch(trial) or ""
    style, start, end, members = _style(stretch)
    opener, closer = stretch[:start], stretch[end:]
    if not opener.strip():                       # the mark may stand where a reply begins, too: then only words show it
        opener = _between_words_and_call(trial, stretch[start:end]) or opener
    both = trial.say("two calls", [*_calls(p.assistant("", p.call(0), p.call(1))), p.result(0), p.result(1)])
    beside = trial.say("words beside a call", [*_calls(p.assistant(p.ANSWERED[0], p.call())), p.result()])
    garbled, read = _garbled(trial, dialect)
    return Calling(
        style=style, shown=shown(stretch, 2000), opener=shown(_own(trial, opener)), closer=shown(closer),
        inside=shown(_inside(stretch[start:end], style)), members=members,
        ids=p.IDS[0] in stretch, numbered=_numbered(trial), several=_several(both.text, both.refusal),
        between=shown(_gap(both.text)), as_object=_fate(trial, text=False), as_text=_fate(trial, text=True),
        beside="refused" if not beside else "the same" if p.ANSWERED[0] in beside.text else "lost",
        reordered=bool(beside) and beside.text.find(p.ANSWERED[0]) > beside.text.find(p.VALUES[0]) >= 0,
        silences=tuple((name, _silence(trial, name)) for name in SILENCES), garbled=garbled, read=read)


def _calls(turn: Data) -> list[Data]:
    return [p.user(p.ASKED[0]), turn]


def _stretch(trial: Trial, arguments: Data | None = None) -> str | None:
    """What stands for a call, in place of an answer in words; None where it is refused."""
    answered = trial.say("an answer", _calls(p.assistant(p.ANSWERED[0])))
    text = _called(trial, arguments)
    if text is None or not answered:
        return text
    start, end, _ = difference(text, answered.text)
    return text[start:end][_header(trial, text[start:end]):]


def _called(trial: Trial, arguments: Data | None) -> str | None:
    """A conversation up to a call, at most with the mark that opens its result."""
    for rest in ([], [p.result()]):
        said = trial.say("a call", [*_calls(p.assistant("", p.call(0, arguments))), *rest])
        if said:
            return said.text.partition(p.RESULTS[0])[0] if rest else said.text
    return None


def _reply(trial: Trial, arguments: Data) -> str:
    """The whole reply that calls: what follows the prompt that it stands behind."""
    text = _called(trial, arguments) or ""
    begun = trial.say("a question", p.TALK[:1], starts=True).text
    return text[len(begun):] if begun and text.startswith(begun) else ""


def _header(trial: Trial, stretch: str) -> int:
    """Where the header of the turn ends, if the stretch holds it: it stands where a reply begins, too."""
    asked, begun = (trial.say("a question", p.TALK[:1], starts=starts).text for starts in (False, True))
    header = begun[len(asked):].strip() if begun.startswith(asked) else ""
    return stretch.find(header) + len(header) if header and header in stretch else 0


def _style(stretch: str) -> tuple[Style, int, int, tuple[str, ...]]:
    """How a call is written, where in the stretch it begins and ends, and the members of its object."""
    name, value = p.NAMES[0], p.VALUES[0]
    if found := value_around(stretch, value):
        inside, start, end = found
        own = named(inside, name)
        if own is not None or name in stretch[start:end]:
            return ("a JSON list" if isinstance(inside, list) else "one JSON object"), start, end, _members(own, inside)
        at = stretch.rfind(name, 0, start)
        if like := _object_like(stretch[:start], name):
            return "broken JSON", like.start(), max(stretch.rfind("}"), stretch.rfind("]")) + 1, ()
        return "the name, then JSON", (at if at >= 0 else start), end, ()
    at = stretch.find(name)
    if like := _object_like(stretch, name):
        return "broken JSON", like.start(), max(stretch.rfind("}"), stretch.rfind("]")) + 1, ()
    if found_python := re.search(rf"\[?\b{name}\s*\(", stretch):
        close = max(stretch.rfind(")"), at) + 1
        return "Python", found_python.start(), close + (stretch[close:close + 1] == "]"), ()
    first, last = min(i for i in (at, stretch.find(value)) if i >= 0), stretch.rfind(value) + len(value)
    tagged = re.search(rf"<[^<>]*>\s*{value}|\"{value}\"\s*/?>", stretch)
    return ("tags" if tagged else "a notation of its own"), first, last, ()


def _object_like(text: str, name: str) -> re.Match[str] | None:
    return re.search(rf"\[?\s{{0,40}}\{{[^{{}}]{{0,200}}[\"']name[\"']\s*:\s*[\"']?{name}", text)


def _members(own: Data | None, inside: Any) -> tuple[str, ...]:
    first = own if own is not None else inside[0] if isinstance(inside, list) and inside else inside
    return tuple(first) if isinstance(first, dict) else ()


def _inside(call: str, style: Style) -> str:
    """What stands between the name and the JSON behind it, "" where that is one value."""
    return call.removeprefix(p.NAMES[0]).partition("{")[0] if style == "the name, then JSON" else ""


def _own(trial: Trial, opener: str) -> str:
    """What stands before a call, without markers of the words beside it that stand there even around none."""
    beside = _stretch_beside(trial)
    before, _, after = beside.partition(p.ANSWERED[0])
    if beside and before.strip() and opener.startswith(before) and (empty := opener[len(before):]):
        closer = re.match(r"\s*[<\[][^<>\[\]]*[>\]]", after)
        if closer and empty.startswith(closer[0]):
            return empty[len(closer[0]):]
    return opener


def _between_words_and_call(trial: Trial, call: str) -> str:
    """What stands between the words of a turn and its call; "" where the words have marks of their own around them."""
    before, words, after = _stretch_beside(trial).partition(p.ANSWERED[0])
    return after.partition(call)[0] if words and call in after and not before.strip() else ""


def _stretch_beside(trial: Trial) -> str:
    said = trial.say("words beside a call", [*_calls(p.assistant(p.ANSWERED[0], p.call()))])
    answered = trial.say("an answer", [*_calls(p.assistant(p.ANSWERED[1]))])
    if not said or not answered or p.ANSWERED[0] not in said.text:
        return ""
    start, end, _ = difference(said.text, answered.text)
    return said.text[start:end]


def _numbered(trial: Trial) -> bool:
    """Do two calls that are the same differ on the wire?"""
    text = trial.say("the same call twice", [*_calls(p.assistant("", p.call(0), p.call(0)))]).text
    first = text.find(p.VALUES[0])
    one, two = (value_around(text, p.VALUES[0], at) for at in (first, text.find(p.VALUES[0], first + 1)))
    if not one or not two or text.count(p.VALUES[0]) != 2:
        return False
    if one[1] == two[1]:                         # members of one list
        return isinstance(one[0], list) and len(one[0]) == 2 and one[0][0] != one[0][1]
    before = (text[:one[1]].rpartition(p.NAMES[0])[2], text[:two[1]].rpartition(p.NAMES[0])[2])
    return one[0] != two[0] or (p.NAMES[0] in text[one[2]:two[1]] and before[0] != before[1])


def _several(text: str, refusal: str) -> Fate:
    if refusal:
        return "refused"
    return "the same" if all(value in text for value in p.VALUES) else "lost"


def _gap(text: str) -> str:
    """What stands between two calls."""
    first, second = text.find(p.VALUES[0]), text.find(p.VALUES[1])
    return text[first + len(p.VALUES[0]):second] if 0 <= first < second else ""


def _fate(trial: Trial, *, text: bool) -> Fate:
    """What becomes of arguments as an object or as JSON text, beside the form that is known to be told."""
    arguments = {"key": p.VALUES[0], "days": 417}
    form: Any = p.as_text(arguments) if text else arguments
    usual = trial.say("a call", _calls(p.assistant("", p.call(0, arguments)))).text
    other = trial.say(f"arguments as {FORMS[text]}", _calls(_raw(trial, form)), as_is=True)
    if not other:
        return "refused"
    if other.text == usual:
        return "the same"
    if p.VALUES[0] not in other.text:
        return "lost"
    return "doubly encoded" if f'\\"{p.VALUES[0]}\\"' in other.text else "bent"


def _raw(trial: Trial, arguments: Any) -> Data:
    """A turn of one call, its arguments in just this form."""
    return {"role": "assistant", **trial.silence, "tool_calls": [p.call(0, arguments)]}


def _silence(trial: Trial, name: str) -> Fate:
    """What becomes of a turn of calls that says nothing in this way."""
    call = trial.shaped(p.assistant("", p.call()))
    said, usual = (trial.say(f"a turn of calls with {name}", _calls({k: v for k, v in {**call, "content": 0, **one}.items()
                                                                    if v != 0}), as_is=True)
                   for one in (SILENCES[name], trial.silence))
    if not said:
        return "refused"
    return "the same" if said.text == usual.text else "lost" if p.VALUES[0] not in said.text else "bent"


# -- reading back ---------------------------------------------------------------------------------------------------


def _garbled(trial: Trial, dialect: Dialect | None) -> tuple[tuple[str, ...], bool]:
    """The kinds of value that do not read back; and whether anything does."""
    model = Model(dialect) if dialect else None
    wrong = []
    for kind, (properties, arguments) in p.KINDS.items():
        stretch = _stretch(trial, arguments)
        tools = as_tools([p.tool(**properties)])
        if stretch is None or not (_reads(stretch, arguments, tools, model)
                                   or _reads(_reply(trial, arguments), arguments, tools, model)):
            wrong.append(kind)
    return tuple(wrong), len(wrong) < len(p.KINDS)


def _reads(stretch: str, arguments: Data, tools: tuple[Tool, ...], model: Model | None) -> bool:
    """Does the dialect's parser, or JSON's, or at last the reader of any shape, find just this call?"""
    if (found := value_around(stretch, '"key"')) and holds(found[0], arguments):
        return True
    if not arguments and re.search(rf"{p.NAMES[0]}[^{{(]{{0,80}}(?:\{{\s*\}}|\(\s*\))", stretch):
        return True
    for calls in (_parsed(stretch, tools, model), rescue(stretch, tools).calls):
        if [(c.name, c.arguments) for c in calls] == [(p.NAMES[0], arguments)]:
            return True
    return False


def _parsed(stretch: str, tools: tuple[Tool, ...], model: Model | None) -> tuple[Call, ...] | list[Call]:
    return model.parse(stretch, tools).calls if model else ()
