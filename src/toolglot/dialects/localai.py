'''LocalAI's grammar: JSON objects, one or a list of them.

Source: mudler/LocalAI, `pkg/functions` and its gallery (2024). The grammar writes `function` by default, later versions
`name`; with `parallel_calls` the root is an object or a list.

    {"function": "get_weather", "arguments": {"city": "Paris"}}
    [{"name": "get_weather", "arguments": {"city": "Paris"}}, {"name": "now", "arguments": {}}]

Each of LocalAI's models has a prompt of its own; the one here is ours. Where LocalAI gives the model a function `answer` to
say that it calls none, a reply here is words.
'''

from __future__ import annotations

from dataclasses import replace

from ..card import Card
from ..spec import CALLS, LIST, NAME, Calls, Json, Object
from .zero_shot import JSON, TURNS

_OBJECT = Object({"function": NAME, "arguments": Json()}, also={"name": NAME, "parameters": Json()})

LOCALAI = replace(
    JSON,
    name="localai",
    calls=Calls((_OBJECT,), between="\n", at_start=True),
    accept=(Calls((_OBJECT,), around=("[", CALLS, "]"), between=", ", at_start=True),),
    turns=replace(TURNS, tools=(
        LIST, '\n\nTo use a tool, reply only with a JSON object {"function": "tool name", "arguments": {...}}.')),
)

CARDS = (
    Card(
        LOCALAI,
        title="LocalAI's grammar",
        tier="zero-shot",
        why="a constraint for any model, with several calls where it is told to",
        verified="its source, by hand; the prompt is our own",
        framed=True,
    ),
)
