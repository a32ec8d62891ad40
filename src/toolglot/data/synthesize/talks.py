"""The kinds of conversation, and what is right in each.

The one rule: what the assistant has to write follows from what stands before it: from the user's words, or from a result.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...evaluate.tier.drawn import Dice
from ...message import Assistant, Call, Result, Text, Tool, Turn, User
from ...schema import is_valid
from ...schema.types import listed
from . import facts
from .catalogue import BY_NAME, KNOWN, Known
from .pools import code, spaced, words_of
from .values import arguments, value
from .words import filled, request, said

SIZES = (1, 1, 2, 3, 4, 5, 5, 6, 8)     # tools in a row's list
READS = frozenset({"get", "find", "search", "look", "lookup", "list", "read", "check", "count", "calculate", "compute",
                   "convert",
                   "fetch", "show", "query", "define", "track", "what", "is", "describe", "tell"})


class Unfit(Exception):
    """This kind of conversation cannot be made of these tools."""


@dataclass(frozen=True)
class Asked:
    """A call, and the words that ask for it."""

    tool: Tool
    call: Call
    words: str


@dataclass(frozen=True)
class Talk:
    """A conversation, and the tools that it needs."""

    turns: tuple[Turn, ...]
    due: tuple[Tool, ...]
    unfit: frozenset[str] = frozenset()     # tools that must not be offered, by name


class Ids:
    """The ids of a row's calls."""

    def __init__(self) -> None:
        self._last = 0

    def __call__(self) -> str:
        self._last += 1
        return f"call{self._last:05}"


class Table:
    """All that a talk is made of: the tools, the die and the ids."""

    def __init__(self, tools: Sequence[Tool], dice: Dice, ids: Ids | None = None) -> None:
        self.tools, self.dice, self.ids = tools, dice, ids or Ids()

    def asked(self, tool: Tool | None = None) -> Asked:
        tool = tool or self.dice.pick(self.tools)
        return self.said(tool, arguments(tool, self.dice))

    def said(self, tool: Tool, given: Mapping[str, Any]) -> Asked:
        known = _known(tool)
        words = request(tool, given, self.dice, known.asked if known else ())
        return Asked(tool, Call(tool.name, dict(given), self.ids()), words)

    def answered(self, one: Asked) -> tuple[Result, Assistant]:
        """What the call gives back, and the words that tell it."""
        gives, told = _gives(one.tool, self.dice)
        found = value(gives, gives, self.dice)
        words = filled(self.dice.pick(told), **{name: f"{member}" for name, member in found.items()})
        return _result(one.call, found), Assistant((Text(words),))


def _known(tool: Tool) -> Known | None:
    """What is known of a tool of ours: one of the same name is another tool if its parameters differ."""
    known = BY_NAME.get(tool.name)
    return known if known and known.tool.parameters == tool.parameters else None


def _gives(tool: Tool, dice: Dice) -> tuple[dict[str, Any], Sequence[str]]:
    if known := _known(tool):
        members, told = known.gives, known.told
    elif words_of(tool.name)[0].lower() in READS:
        members = {"result": {"type": "integer", "minimum": 2, "maximum": 9999}}
        told = ("The result is {result}.", "I found this: {result}.", "It is {result}.")
    else:
        members = {"status": {"const": "ok"}, "reference": {"type": "string"}}
        told = ("Done. The reference is {reference}.", "That is done; its reference is {reference}.")
    return {"type": "object", "properties": members, "required": list(members)}, told


def _result(call: Call, found: Any) -> Result:
    return Result(json.dumps(found, ensure_ascii=False), call.name, call.id)


def _calls(*asked: Asked) -> Assistant:
    return Assistant(tuple(one.call for one in asked))


# -- the kinds -------------------------------------------------------------------------------------------------


def single(table: Table) -> Talk:
    one = table.asked()
    ending = table.answered(one) if table.dice.whole(0, 1) else ()
    return Talk((User(one.words), _calls(one), *ending), (one.tool,))


def parallel(table: Table) -> Talk:
    """The same tool two or three times, with other arguments each time."""
    tool = table.dice.pick(table.tools)
    return _together(table, [tool] * table.dice.pick((2, 2, 3)))


def among_several(table: Table) -> Talk:
    """Two or three tools at once."""
    if len(table.tools) < 2:
        raise Unfit
    return _together(table, table.dice.several(table.tools, min(len(table.tools), table.dice.pick((2, 2, 3)))))


def _together(table: Table, tools: Sequence[Tool]) -> Talk:
    asked: list[Asked] = []
    for tool in tools:
        one = table.asked(tool)
        for _ in range(8):
            if all(one.call.arguments != other.call.arguments or one.tool != other.tool for other in asked):
                asked.append(one)
                break
            one = table.asked(tool)
    if len(asked) < 2:
        raise Unfit
    words = table.dice.pick((" Also: ", " ", " And then: ", "\n")).join(one.words for one in asked)
    turns: list[Turn] = [User(words), _calls(*asked)]
    if table.dice.whole(0, 2) == 0:
        turns += _closing(table, turns[-1])
    return Talk(tuple(turns), _tools(asked))


def _tools(asked: Sequence[Asked]) -> tuple[Tool, ...]:
    return tuple({one.tool.name: one.tool for one in asked}.values())


def multi_turn(table: Table) -> Talk:
    """Requests one after another; now and then the next one needs what the last one gave back."""
    first = table.asked()
    chained = _chained(table, first) if table.dice.whole(0, 2) == 0 else None
    if chained:
        return chained
    asked = [first]
    turns: list[Turn] = [User(first.words), _calls(first), *table.answered(first)]
    for _ in range(table.dice.pick((1, 1, 2))):
        one = table.asked(table.dice.pick((first.tool, table.dice.pick(table.tools))))
        words = filled(table.dice.pick(facts.THEN), order=_small(one.words), Order=one.words)
        turns += [User(words), _calls(one), *table.answered(one)]
        asked.append(one)
    return Talk(tuple(turns), _tools(asked))


def _chained(table: Table, first: Asked) -> Talk | None:
    """A second call whose required text is in the first one's result."""
    for tool in table.dice.mixed(table.tools):
        second = table.asked(tool)
        texts = [name for name, one in second.call.arguments.items() if isinstance(one, str) and _plain(tool, name)]
        if tool == first.tool or not texts:
            continue
        name = table.dice.pick(texts)
        found, rest = code(table.dice), {key: one for key, one in second.call.arguments.items() if key != name}
        last = Call(tool.name, {**second.call.arguments, name: found}, second.call.id)
        if not is_valid(last.arguments, tool.parameters):
            continue
        order = table.said(tool, rest).words
        words = f"{first.words} Take the {spaced(name)} from the result, and then with it: {_small(order)}"
        ending = table.answered(Asked(tool, last, ""))
        return Talk((User(words), _calls(first), _result(first.call, {name: found}), Assistant((last,)), *ending),
                    _tools([first, second]))
    return None


def _plain(tool: Tool, name: str) -> bool:
    """Whether a parameter is any text."""
    schema = tool.parameters.get("properties", {}).get(name)
    return isinstance(schema, Mapping) and schema.get("type") == "string" and {*schema} <= {"type", "description", "title"}


def missing(table: Table) -> Talk:
    """A required parameter is not said: the assistant asks for it, and calls when it knows."""
    for tool in table.dice.mixed(table.tools):
        one = table.asked(tool)
        required = [name for name in tool.parameters.get("required", ()) if _must_be_said(tool, name)]
        if not required:
            continue
        name = table.dice.pick(required)
        given = {key: value for key, value in one.call.arguments.items() if key != name}
        order = table.said(tool, given).words
        about, schema = spaced(name), tool.parameters
        answer = said(one.call.arguments[name], schema["properties"].get(name), schema, table.dice)
        turns: list[Turn] = [User(order), Assistant((Text(filled(table.dice.pick(facts.ASKING), name=about)),))]
        if table.dice.whole(0, 1):
            turns += [User(filled(table.dice.pick(facts.GIVING), value=answer, name=about)), _calls(one)]
            turns += table.answered(one) if table.dice.whole(0, 1) else ()
        return Talk(tuple(turns), (tool,))
    raise Unfit


def _must_be_said(tool: Tool, name: str) -> bool:
    """Whether nobody can know its value who was not told: there is no default, and there are several."""
    schema = tool.parameters.get("properties", {}).get(name)
    if not isinstance(schema, Mapping) or not schema.keys().isdisjoint({"default", "const"}):
        return False
    return "enum" not in schema or len(listed(schema["enum"])) > 1


def no_call(table: Table) -> Talk:
    """What anybody knows, or what none of the tools can do."""
    if table.dice.whole(0, 3):
        question, answer = table.dice.pick(facts.FACTS)
        return Talk((User(question), Assistant((Text(answer),))), ())
    here = {word.lower() for tool in table.tools for word in words_of(tool.name)}
    known = table.dice.pick(KNOWN)
    foreign = table.said(known.tool, arguments(known.tool, table.dice))
    if known.tool not in table.tools and here & {word for word in words_of(known.tool.name) if word not in READS}:
        return no_call(table)
    sorry = Assistant((Text(table.dice.pick(facts.UNABLE)),))
    return Talk((User(foreign.words), sorry), (), frozenset({known.tool.name}))


def error(table: Table) -> Talk:
    """A call fails: the user is told why, and may ask for something else."""
    one, reason = table.asked(), table.dice.pick(facts.REASONS)
    sorry = filled(table.dice.pick(facts.SORRY), reason=reason)
    turns: list[Turn] = [User(one.words), _calls(one), _result(one.call, {"error": reason}), Assistant((Text(sorry),))]
    if table.dice.whole(0, 1):
        other = table.asked(one.tool)
        words = filled(table.dice.pick(facts.AGAIN), Order=other.words)
        turns += [User(words), _calls(other), *table.answered(other)]
    return Talk(tuple(turns), (one.tool,))


def session(table: Table) -> Talk:
    """Four to six exchanges over few tools: calls, answers, questions and errors as they come."""
    dice = table.dice
    few = Table(dice.several(table.tools, min(len(table.tools), dice.pick((1, 2, 2, 3)))), dice, table.ids)
    turns: list[Turn] = []
    due: dict[str, Tool] = {}
    unfit: set[str] = set()
    for _ in range(dice.pick((4, 5, 6))):
        kind = dice.pick((single, single, parallel, among_several, missing, error, no_call))
        try:
            talk = kind(few)
        except Unfit:
            talk = single(few)
        if talk.unfit & {tool.name for tool in few.tools}:
            talk = single(few)                           # what is called elsewhere in the row cannot be missing
        unfit |= talk.unfit
        turns += [*talk.turns, *_closing(few, talk.turns[-1])]
        due |= {tool.name: tool for tool in talk.due}
    return Talk(tuple(turns), tuple(due.values()), frozenset(unfit))


def _closing(table: Table, last: Turn) -> list[Turn]:
    """What follows calls that nothing has answered yet, so that the conversation can go on."""
    calls = [part for part in last.parts if isinstance(part, Call)] if isinstance(last, Assistant) else []
    named = {tool.name: tool for tool in table.tools}
    ends = [table.answered(Asked(named[call.name], call, "")) for call in calls]
    words = " ".join(part.text for _, answer in ends for part in answer.parts if isinstance(part, Text))
    return [*(result for result, _ in ends), Assistant((Text(words),))] if ends else []


def _small(words: str) -> str:
    """An order within a sentence; "I" and names stay as they are."""
    return words if words[:2] in ("I ", "I'") or words[1:2].isupper() else words[:1].lower() + words[1:]


Kind = Callable[[Table], Talk]

#: what each kind is, and how it is made
KINDS: Mapping[str, tuple[str, Kind]] = {
    "single": ("one call", single),
    "parallel": ("the same tool two or three times in one reply", parallel),
    "several": ("two or three tools in one reply", among_several),
    "multi-turn": ("results, answers, further requests; a call that needs the last one's result", multi_turn),
    "missing": ("a required parameter is not said: the assistant asks for it", missing),
    "no-call": ("what needs no tool, or what none can do", no_call),
    "error": ("a call fails, and the user is told so", error),
    "session": ("four to six exchanges of these kinds over few tools", session),
}
