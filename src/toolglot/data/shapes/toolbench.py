r"""ToolBench (ToolLLM): ReAct turns that call real APIs, up to a call of `Finish`.

Source: OpenBMB/ToolBench, data/toolllama_G123_dfs_train.json, as its preprocessing writes and converters read it; the words
of the system text are in ms-swift's agent template "toolbench".

    {"id": "Step 5: …", "conversations": [
      {"from": "system", "value": "You are AutoGPT, … Specifically, you have access to the following APIs: [{'name': …}]"},
      {"from": "user", "value": "\n…\nBegin!\n"},
      {"from": "assistant", "value": "\nThought: …\nAction: f\nAction Input: {\"a\": 1}"},
      {"from": "function", "value": "{\"error\": \"\", \"response\": \"2\"}"}]}

Ugly and true: the APIs are what Python prints for a list; `Begin!` ends the question and is not part of it. What follows
`Thought:` is reasoning. `Finish` is one of the APIs, so its call is a call. The system text tells how to write all this,
and is dropped whole (it stays in `extra`); calls of functions that the model made up stand in the data, and are errors
here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ...message import Call, Part, Reasoning
from .. import loose
from ..declared import NONE, Declared, declared, keep, recall
from ..row import Row
from ..sound import Talk, an_object, arguments_of, cleaned, listed, others, words
from . import Shape
from ._roles import speaks, tell

_APIS = re.compile(r"you have access to the following APIs:\s*(?=[\[{])")
_ACTION = re.compile(r"^[ \t]*Action:[ \t]*([^\n]*?)[ \t]*\n\s*Action Input:", re.M)
_THOUGHT = re.compile(r"\s*Thought:")
_BEGIN = re.compile(r"\s*Begin!\s*\Z")


def read(raw: Any) -> Row:
    row = an_object(raw)
    turns = listed(row, "conversations")
    extra = others(row, "conversations")
    tools, system = NONE, turns[0].get("value") if turns and turns[0].get("from") == "system" else None
    if isinstance(system, str) and (m := _APIS.search(system)):
        tools, extra["system"] = _apis(system, m.end()), system
        turns = turns[1:]
    talk = Talk(tools, "conversations")
    first = len(row["conversations"]) - len(turns) if isinstance(row["conversations"], list) else 0
    tell(talk, [_asked(t) for t in turns], reply=reply, first=first)
    return talk.row(extra=extra)


def _asked(turn: Mapping[str, Any]) -> Mapping[str, Any]:
    """A question without the word behind it; any other turn as it is."""
    text = turn.get("value")
    return {**turn, "value": _BEGIN.sub("", text).strip()} if turn.get("from") == "user" and isinstance(text, str) else turn


def _apis(system: str, start: int) -> Declared:
    key = system[start:]
    found = recall(key)
    if found is None:
        found = declared(loose.read_at(system, start, "system")[0], "system")
        keep(key, found)
    return found


def reply(text: str, talk: Talk) -> Sequence[Part]:
    m = _ACTION.search(text)
    thought = (text[:m.start()] if m else text).strip()
    if m is None:
        return words(_THOUGHT.sub("", thought, count=1).strip())
    thought = _THOUGHT.sub("", thought, count=1).strip()
    at = f"{talk.key}[{talk.at}].value"
    given = text[m.end():].strip()
    arguments = arguments_of(loose.read_at(given, 0, at)[0] if given[:1] == "{" else given, at)
    return [*([Reasoning(cleaned(thought))] if thought else []), Call(m[1], arguments)]


def evidence(raw: Any) -> str | None:
    if isinstance(raw, Mapping) and speaks(turns := raw.get("conversations"), "from", "value"):
        first = turns[0]
        if first["from"] == "system" and isinstance(first["value"], str) and _APIS.search(first["value"]):
            return "a system turn that gives access to APIs"
    return None


SHAPE = Shape("toolbench", "ToolBench (ToolLLM)", read, evidence, "OpenBMB/ToolBench (2023)")
