"""Which constraints a server really holds a reply to: tried at the start, one small request each.

The one rule: nothing is taken on trust. Servers ignore fields that they do not know, so each way is used on a grammar of
one unlikely word; the server takes it if that word is the whole answer. The grammars use what ours are made of, so that
a server which knows half of a notation does not pass.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import Notation
from .http import Refused

WORD = "toolglot-7Q"
PROMPT = "The capital of France is"
MOST_TOKENS = 24                               # a token a character, and some
_PLAIN = [*map(chr, range(32, 127)), "\n", "\t"]

# Free text that may hold nothing, so that a server without `excludes` or `max_chars` writes on and is found out.
_TAG = {"type": "structural_tag", "format": {"type": "sequence", "elements": [
    {"type": "any_text", "excludes": [], "max_chars": 0},
    {"type": "any_text", "excludes": _PLAIN, "max_chars": 1},
    {"type": "const_string", "value": "tool"},
    {"type": "or", "elements": [{"type": "const_string", "value": "glot"}, {"type": "const_string", "value": "glot"}]},
    {"type": "optional", "content": {"type": "const_string", "value": "-"}},
    {"type": "repeat", "min": 1, "max": 1, "content": {"type": "const_string", "value": "7"}},
    {"type": "grammar", "grammar": 'root ::= start\nstart ::= "Q"\n'}]}}
_LARK = ('%llguidance {}\nstart: lazy end\nend: %json {"const": 7, "x-guidance": {"whitespace_flexible": false}} "Q"\n'
         "lazy[lazy]: TEXT\nTEXT: /(?s:.{0,12})toolglot\\-/ & ~/(?s:.)(?s:.*)toolglot\\-/\n")
_GBNF = f'root ::= text "Q"\ntext ::= [t] "ool" word\nword ::= ("{WORD[4:-1]}"){{1,1}}\n'

PROOFS: Mapping[Notation, tuple[str, re.Pattern[str]]] = {
    "structural_tag": (json.dumps(_TAG), re.compile(r"[^\x00-\x7f]?toolglot-?7Q")),
    "lark": (_LARK, re.compile(WORD)),
    "gbnf": (_GBNF, re.compile(WORD)),
    "json_schema": (json.dumps({"enum": [WORD]}), re.compile(rf'\s*"{WORD}"\s*')),
}


@dataclass(frozen=True)
class Way:
    """How a constraint is given to a server: in which field of a request, in which notation."""

    name: str
    notation: Notation
    field: Callable[[str], dict[str, Any]]


async def proved(ways: Sequence[Way], answer: Callable[[dict[str, Any]], Awaitable[str]]) -> tuple[Way | None, list[str]]:
    """The first way that works, and why those before it do not. `answer` makes a request with these fields more."""
    why = []
    for way in ways:
        text, expected = PROOFS[way.notation]
        try:
            found = await answer(way.field(text))
        except Refused as error:
            if error.status in (401, 403, 429):
                raise
            why.append(f"{way.name} was refused ({error.reason[:120]})")
            continue
        if expected.fullmatch(found):
            return way, why
        why.append(f"{way.name} was ignored: it let {found[:24]!r} through")
    return None, why


__all__ = ["MOST_TOKENS", "PROMPT", "PROOFS", "WORD", "Way", "proved"]
