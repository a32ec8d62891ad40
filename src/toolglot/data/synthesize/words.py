"""A call said in the words of someone who asks for it.

The one rule: every value that the call needs stands in the words, spelled so that only this call can be meant: a text
letter by letter, a number in digits, a date of a parameter that asks for one as it is or with its month in letters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ...evaluate.tier.drawn import MONTHS, Dice
from ...message import Tool
from ...schema import inside
from .pools import spaced

YES, NO, NOTHING = ("true", "yes", "on"), ("false", "no", "off"), ("null", "nothing")
_BARE = re.compile(r"\w(?:[\w./:@+#-]*\w)?(?: \w(?:[\w./:@+#-]*\w)?){0,3}")
_WORD = re.compile(r"\w(?:[\w.@-]*\w)?")
_MEANING = {*YES, *NO, *NOTHING, "none", "and"}
_QUOTES = ('""', "''", "``", "«»", "“”")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_IMPERATIVE = re.compile(r"([A-Z][a-z]+)( [^.:;!?\n(]{3,90})(?:\.|$|\n)")

FRAMES = ("{Do}: {values}.", "{Do}, with {values}.", "Please {do}, with {values}.", "Could you {do}? Use {values}.",
          "I need you to {do}. Take {values}.", "I'd like you to {do} with {values}.", "Can you {do} for me? It is about "
          "{values}.",
          "Hi! {Do} with {values}, please.", "{Do}.\n{lines}", "Would you please {do}, using {values}?")
ORDERS = ("{Do}.", "{Do}.", "Please {do}.", "Could you {do}?", "Can you {do}?", "{Do}, please.", "I'd like you to {do}.",
          "Hello! Please {do}.")
BARE_FRAMES = ("{Do}.", "Please {do}.", "Could you {do}?", "I need you to {do}.", "Can you {do} for me?", "{Do}, please.")
NAMED = ("{name} {value}", "{name}: {value}", "the {name} {value}", "{value} as the {name}", "{name} = {value}")


def request(tool: Tool, arguments: Mapping[str, Any], dice: Dice, phrasings: Sequence[str] = ()) -> str:
    """An order for this call. `phrasings` are orders of this tool with a place for each parameter that they name,
    "book a court on {date}"; what they do not name is added."""
    fitting = [one for one in phrasings if {*_places(one)} <= {*arguments} and (_places(one) or not arguments)]
    most = max((len(_places(one)) for one in fitting), default=0)
    if not fitting or (len(arguments) and dice.whole(0, 5) == 0):
        return _framed(tool, arguments, dice)
    chosen = dice.pick([one for one in fitting if len(_places(one)) == most])
    schema = tool.parameters
    order = filled(chosen, **{name: said(arguments[name], inside(schema, schema, name), schema, dice)
                              for name in _places(chosen)})
    if rest := {name: one for name, one in arguments.items() if name not in _places(chosen)}:
        order += f", with {_listed(_pairs(tool, rest, dice))}"
    return filled(dice.pick(ORDERS), Do=capital(order), do=order)


def _places(phrasing: str) -> list[str]:
    return re.findall(r"\{(\w+)\}", phrasing)


def _framed(tool: Tool, arguments: Mapping[str, Any], dice: Dice) -> str:
    order, pairs = task(tool, dice), _pairs(tool, arguments, dice)
    values = _listed(pairs)
    return filled(dice.pick(FRAMES if pairs else BARE_FRAMES), Do=capital(order), do=order, values=values,
                  lines="\n".join(f"- {pair}" for pair in pairs))


def filled(frame: str, **words: str) -> str:
    """The frame with words in its places; braces in the words are words."""
    return re.sub(r"\{(\w+)\}", lambda place: words.get(place[1], place[0]), frame)


def task(tool: Tool, dice: Dice) -> str:
    """What the tool does as an order, small: from its description where that is one, else from its name."""
    described = _IMPERATIVE.match(tool.description)
    if described and dice.whole(0, 3) and not described[1].endswith("s"):
        return described[1].lower() + described[2]
    name = spaced(tool.name.rpartition(".")[2] or tool.name)
    return name if " " in name else dice.pick((f"use {tool.name}", f"run {tool.name}"))


def _pairs(tool: Tool, arguments: Mapping[str, Any], dice: Dice) -> list[str]:
    form, schema = dice.pick(NAMED), tool.parameters
    return [filled(form, name=spaced(name), value=said(one, inside(schema, schema, name), schema, dice))
            for name, one in arguments.items()]


def _listed(some: Sequence[str]) -> str:
    """a, b and c"""
    return some[0] if len(some) == 1 else f"{', '.join(some[:-1])} and {some[-1]}" if some else ""


# -- one value -------------------------------------------------------------------------------------------------


def said(value: Any, schema: Any, root: Any, dice: Dice) -> str:
    """A value in words."""
    match value:
        case bool():
            return dice.pick(YES if value else NO)
        case None:
            return dice.pick(NOTHING)
        case int() | float():
            return json.dumps(value)
        case str():
            return _text(value, schema, dice)
        case list() if value and all(type(one) in (str, int, float) for one in value):
            return _listed([one if isinstance(one, str) and _WORD.fullmatch(one) and one.lower() not in _MEANING else
                            quoted(one) if isinstance(one, str) else json.dumps(one) for one in value])
        case dict() if _is_flat(value, schema, root) and dice.whole(0, 2):
            return _listed([f"{spaced(name)} {said(one, inside(schema, root, name), root, dice)}"
                            for name, one in value.items()])
    return json.dumps(value, ensure_ascii=False)


def _is_flat(value: Mapping[str, Any], schema: Any, root: Any) -> bool:
    """Whether its members are declared, so that their names may be said in words, and hold no others."""
    return bool(value) and all(inside(schema, root, name) is not None and not isinstance(one, (dict, list))
                               for name, one in value.items())


def _text(text: str, schema: Any, dice: Dice) -> str:
    day = _DATE.fullmatch(text)
    if day and 1 <= int(day[2]) <= 12 and _asks_for_a_date(schema) and dice.whole(0, 1):
        return f"{int(day[3])} {MONTHS[int(day[2]) - 1]} {day[1]}"
    if _BARE.fullmatch(text) and text.lower() not in _MEANING and " and " not in text and dice.whole(0, 2):
        return text
    return quoted(text)


def _asks_for_a_date(schema: Any) -> bool:
    return isinstance(schema,
                      Mapping) and (schema.get("format") == "date" or "YYYY-MM-DD" in str(schema.get("description")))


def quoted(text: str) -> str:
    """The text between quotes that do not stand in it; JSON where it holds them all."""
    for opened, closed in map(tuple, _QUOTES):
        if opened not in text and closed not in text:
            return f"{opened}{text}{closed}"
    return json.dumps(text, ensure_ascii=False)


def capital(words: str) -> str:
    return words[:1].upper() + words[1:]
