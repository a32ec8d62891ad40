"""What may stand where in a dialect that comes from a file.

The one rule: nothing gets in that the readings of a dialect (parser, writer, prompt, grammar) were not made for. `spec`
says the same in comments, for authors; this is for strangers.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..spec import (
    CALLS,
    CONTENT,
    DESCRIPTION,
    ECHO,
    FUNCTION,
    ID,
    INDEX,
    IS_STR,
    KEY,
    LIST,
    NAME,
    NAMES,
    NUMBER,
    PARAMETERS,
    PARSED,
    QUOTED,
    REPLY,
    RESULTS,
    SYSTEM,
    TEXT,
    TODAY,
    TOOL,
    TOOLS,
    TYPE,
    VALUE,
    Delimited,
    Either,
    Json,
    Object,
    Pythonic,
    Raw,
    Slot,
    Tagged,
    When,
)

LONGEST = 20_000                                 # characters of one text
MOST = 200                                       # members of one list
SPELLINGS = 100                                  # of one template, by its Eithers
WHOLE = 200_000                                  # characters of a dialect as JSON
WIDEST = 100                                     # spaces of an indent
TRIMMED = frozenset({"system", "user", "called", "assistant", "answer", "result"})
ID_PATTERN = re.compile(r"(?:(?:\[[\w-]{1,80}\]|[\w:-]|\\\.)(?:\{\d{1,3}\})?){1,80}[+*]?")     # none takes long


class Place(NamedTuple):
    """The slots and nodes that a template may hold, and the slots that it must hold, once."""

    slots: frozenset[Slot] = frozenset()
    nodes: tuple[type, ...] = ()
    once: tuple[Slot, ...] = ()


ENCODINGS = (Json, Pythonic, Tagged, Delimited, Raw)
_WORDS = Place(frozenset({TEXT}), (Either,), (TEXT,))
_HEADER = Place(frozenset({TODAY}), (When,))

PLACES = {
    "Dialect.content": _WORDS,
    "Dialect.reasoning": _WORDS,
    "Calls.each": Place(frozenset({NAME, ECHO, ID, INDEX, NUMBER}), (Either, Object, *ENCODINGS)),
    "Calls.around": Place(frozenset({CALLS}), (Either,), (CALLS,)),
    "Tagged.each": Place(frozenset({KEY, VALUE, IS_STR, TYPE}), (), (VALUE,)),
    "Object.fields": Place(frozenset({NAME, ID, INDEX}), (Json,)),
    "Object.also": Place(frozenset({NAME, ID, INDEX}), (Json,)),
    "Turns.user": Place(frozenset({CONTENT, TOOLS, SYSTEM, INDEX, NAMES}), (When,), (CONTENT,)),
    "Turns.assistant": Place(frozenset({REPLY}), (When,), (REPLY,)),
    "Turns.results": Place(frozenset({RESULTS, NAMES}), (When,), (RESULTS,)),
    "Turns.result": Place(frozenset({CONTENT, QUOTED, PARSED, NAME, ID, INDEX, NUMBER}), (When,)),
    "Turns.system": Place(frozenset({CONTENT, TOOLS, TODAY}), (When,)),
    "Turns.later_system": Place(frozenset({CONTENT}), (When,)),
    "Turns.start": Place(frozenset({TODAY, TOOLS}), (When,)),
    "Turns.reply_starts": Place(frozenset(), (When,)),
    "Turns.goes_on": Place(frozenset(), (When,)),
    "Turns.tools": Place(frozenset({LIST, TODAY}), (When,)),
    "Turns.tool": Place(frozenset({TOOL, FUNCTION, NAME, DESCRIPTION, PARAMETERS})),
    "Turns.default_system": _HEADER,
    "Turns.beside_calls": Place(frozenset({TEXT}), (When,)),
    "Turns.answer": Place(frozenset({TEXT}), (When,)),
    "Turns.no_reasoning": Place(frozenset(), (When,)),
    "Turns.no_reasoning_kept": Place(frozenset(), (When,)),
}
