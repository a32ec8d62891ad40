r"""Hermes function calling, version 1: ShareGPT turns with the calls in the text.

Source: NousResearch/hermes-function-calling-v1 and NousResearch/Hermes-Function-Calling, as converters of the data read it.

    {"conversations": [{"from": "system", "value": "You are a function calling AI model. … <tools> [{…}] </tools> …"},
                       {"from": "human", "value": "…"},
                       {"from": "gpt", "value": "<tool_call>\n{'arguments': {'a': 1}, 'name': 'f'}\n</tool_call>"},
                       {"from": "tool", "value": "<tool_response>\n{\"name\": \"f\", \"content\": 2}\n</tool_response>"}],
     "tools": "[{\"type\": \"function\", …}]", "category": "…"}

Ugly and true: many calls are what Python prints for a dict; the tools stand in the system text and, in most of the files,
in a column of their own, which is believed where it is there. What the system text says of tools and calls is not part of
the conversation; the whole of it stays in `extra`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from ...message import Part, Text
from ...parse import parse
from ...registry import find
from ...spec import Dialect
from ..declared import NONE, Declared, declared
from ..row import Row, RowError
from ..sound import Talk, an_object, as_text, between, listed, others, text_of, words
from . import Shape
from ._roles import SPEAKERS, speaks

_TAGS = ("<tool_call>", "<tools>", "<tool_response>")
_GIVEN, _GIVEN_END = "<tool_response>", "</tool_response>"
_SPOKEN = re.compile(r"You are a function calling AI model|You are provided with function signatures|"
                     r"#? ?Tools\s+You may call one or more functions|<tools>")


@lru_cache(maxsize=1)
def _dialect() -> Dialect:
    return find("hermes")


def read(raw: Any) -> Row:
    row = an_object(raw)
    turns = listed(row, "conversations")
    first = turns[0].get("value") if turns and turns[0].get("from") == "system" else None
    tools = declared(row.get("tools")) if row.get("tools") else _shown(first)
    talk = Talk(tools, "conversations")
    extra = others(row, "conversations", "tools")
    for n, turn in enumerate(turns):
        talk.at = n
        who, at = turn.get("from"), f"conversations[{n}].value"
        kind = SPEAKERS.get(who) if isinstance(who, str) else None
        value = turn.get("value")
        if kind == "system":
            text, cut = without_tools(text_of(value, at))
            if cut:
                extra["system"] = value
            if text:
                talk.system(text)
        elif kind == "user":
            talk.user(text_of(value, at))
        elif kind == "assistant":
            talk.reply(reply(text_of(value, at), talk))
        elif kind == "result":
            _results(as_text(value, talk), talk)
        else:
            raise talk.wrong("unknown role", f"expected system, human, gpt or tool, found {who!r:.60}", ".from")
    return talk.row(extra=extra)


def _shown(system: Any) -> Declared:
    """The tools between the tags of the system text."""
    if isinstance(system, str):
        for start, end in between(system, "<tools>", "</tools>"):
            said = system[start + len("<tools>"):end - len("</tools>")].strip()
            if said:                                # a sentence before them has the tags too, with nothing in them
                lines = [line for line in said.splitlines() if line.strip()]
                return declared(said if said[0] == "[" else lines, "<tools>")
    return NONE


def without_tools(system: str) -> tuple[str, bool]:
    """What a system text says but for tools and how to call them, which go to its end; and whether anything was cut."""
    m = _SPOKEN.search(system)
    return (system[:m.start()].rstrip(), True) if m else (system, False)


def reply(text: str, talk: Talk) -> Sequence[Part]:
    if "<tool_call>" not in text:
        return words(text)
    found = parse(_dialect(), text)
    for problem in found.problems:
        if problem.raw:
            raise RowError("broken call", f"{talk.key}[{talk.at}].value", str(problem))
    return [p for p in found.parts if not isinstance(p, Text) or p.text]


def _results(text: str, talk: Talk) -> None:
    found = list(between(text, _GIVEN, _GIVEN_END))
    if not found:
        talk.results(text)
    for start, end in found:
        talk.result(text[start + len(_GIVEN):end - len(_GIVEN_END)].strip())


def evidence(raw: Any) -> str | None:
    if not isinstance(raw, Mapping) or not speaks(turns := raw.get("conversations"), "from", "value"):
        return None
    for turn in turns:
        tag = next((t for t in _TAGS if isinstance(turn["value"], str) and t in turn["value"]), None)
        if tag and turn["from"] != "human":
            return f"`conversations` with {tag} in a turn from {turn['from']}"
    return None


SHAPE = Shape("hermes", "Hermes function calling v1", read, evidence, "NousResearch/hermes-function-calling-v1 (2024)")
