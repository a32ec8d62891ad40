"""What a chat template is asked: conversations and tools, as data.

The one rule: every word whose place matters is one that no template prints of its own, so that to find it is to know
where it came from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Data = dict[str, Any]

# -- words ----------------------------------------------------------------------------------------------------------

SYSTEM = "Quorvax keeps the record."
ASKED = ("Whither goes Brelmont?", "Then what of Falzmere?", "And what says Hulbert?")
ANSWERED = ("Drixel has answered.", "Gromvik has spoken.")
THOUGHT = ("Kelprun ponders first.", "Lomtave ponders second.", "Mirquol ponders third.")
VALUES = ("Nexvale", "Oblisk")                   # of arguments
RESULTS = ("Pyrkand 21", "Rhusvik 22")
IDS = ("Vq7Lm2Xz9", "Wk4Tn8Yb3")                 # nine letters and digits, as Mistral wants them

# -- tools ----------------------------------------------------------------------------------------------------------

#: the note's own: its `return` is no member that OpenAI's API knows
NOTE_TOOL: Data = {"type": "function", "function": {
    "name": "get_current_temperature", "description": "Get the current temperature at a location.",
    "parameters": {"type": "object", "properties": {"location": {
        "type": "string", "description": 'The location to get the temperature for, in the format "City, Country"'}},
        "required": ["location"]},
    "return": {"type": "number", "description": "The current temperature at the specified location in the specified "
                                                "units, as a float."}}}
NOTE = [{"role": "system", "content": "You are a bot that responds to weather queries."},
        {"role": "user", "content": "Hey, what's the temperature in Paris right now?"}]


def tool(name: str = "find_zorvath", description: str = "Seeks a zorvath.", **properties: Any) -> Data:
    """A function of one argument, or of those that are given; all of them required."""
    shape = properties or {"key": {"type": "string", "description": "Which zorvath."}}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": {
        "type": "object", "properties": shape, "required": list(shape)}}}


ONE = tool()
OTHER = tool("count_ildrum", "Counts the ildrums.", place={"type": "string", "description": "Where they are."})
NAMES = (ONE["function"]["name"], OTHER["function"]["name"])


def _with(**more: Any) -> Data:
    """The one tool, its argument described further."""
    return tool(key={"type": "string", "description": "Which zorvath.", **more})


_NESTED: Data = {"type": "object", "description": "Which zorvath.", "properties": {"wimple": {"type": "string"}}}

#: what a schema may say -> a tool that says it, and one that is the same but for that. What is equal on the prompt is lost.
FEATURES: Mapping[str, tuple[Data, Data]] = {
    "descriptions of functions": (ONE, tool(description="Seeks another.")),
    "descriptions of arguments": (ONE, _with(description="Which other.")),
    "types": (ONE, _with(type="integer")),
    "which arguments are required": (ONE, {"type": "function", "function": {**ONE["function"], "parameters": {
        **ONE["function"]["parameters"], "required": []}}}),
    "enums": (_with(enum=["fennick", "gorble"]), _with(enum=["fennick", "gorbel"])),
    "what lists hold": (_with(type="array", items={"type": "string"}), _with(type="array", items={"type": "integer"})),
    "members of objects": (tool(key=_NESTED), tool(key={**_NESTED, "properties": {"wimpel": {"type": "string"}}})),
    "descriptions inside objects": (
        tool(key={**_NESTED, "properties": {"wimple": {"type": "string", "description": "Hushed."}}}), tool(key=_NESTED)),
    "alternatives (anyOf)": (
        tool(key={"anyOf": [{"type": "string"}, {"type": "integer"}], "description": "Which zorvath."}),
        tool(key={"anyOf": [{"type": "string"}, {"type": "boolean"}], "description": "Which zorvath."})),
    "null among types": (_with(type=["string", "null"]), _with(type=["string", "integer"])),
    "defaults": (_with(default="pipkin"), _with(default="pipken")),
    "bounds": (tool(key={"type": "integer", "description": "Which zorvath.", "minimum": 417}),
               tool(key={"type": "integer", "description": "Which zorvath.", "minimum": 418})),
    "patterns and formats": (_with(pattern="^zq+$"), _with(pattern="^zp+$")),
    "return (not of OpenAI's API)": (
        {"type": "function", "function": {**ONE["function"], "return": {"type": "number"}}},
        {"type": "function", "function": {**ONE["function"], "return": {"type": "string"}}}),
}
#: those without which a model is told another function
VITAL = tuple(FEATURES)[:8]

#: what may break the notation in which tools are told -> a description of an argument
HARD = {
    "quotes": 'Either "fennick" or \'gorble\'.',
    "line breaks": "Fennick:\n- gorble\n\tand more",
    "backslashes": "C:\\fennick \\n \\u0041",
    "markup": "A <b>fennick</b> </tools> & <|im_end|> [/INST] more",
    "unicode": "Zürich 東京 🌧️ \u2028",
    "braces": "{{ fennick }} {% if %} }",
}

# -- messages -------------------------------------------------------------------------------------------------------


def user(text: str) -> Data:
    return {"role": "user", "content": text}


def assistant(text: str | None = "", *calls: Data, **more: Any) -> Data:
    return {"role": "assistant", "content": text, **({"tool_calls": list(calls)} if calls else {}), **more}


def call(number: int = 0, arguments: Any = None, name: str | None = None) -> Data:
    """One of two calls, each of its tool with an argument of its own."""
    given = {"key" if number == 0 else "place": VALUES[number]} if arguments is None else arguments
    return {"id": IDS[number], "type": "function", "function": {"name": name or NAMES[number], "arguments": given}}


def result(number: int = 0, text: str | None = None) -> Data:
    return {"role": "tool", "tool_call_id": IDS[number], "name": NAMES[number],
            "content": RESULTS[number] if text is None else text}


TALK = [user(ASKED[0]), assistant(ANSWERED[0]), user(ASKED[1]), assistant(ANSWERED[1]), user(ASKED[2])]

def _one(schema: Data, value: Any) -> tuple[Data, Data]:
    return {"key": schema}, {"key": value}


#: kinds of arguments: what the tool declares, what it is given
KINDS: Mapping[str, tuple[Data, Data]] = {
    "a string": _one({"type": "string"}, "Nexvale"),
    "quotes in a string": _one({"type": "string"}, 'Say "Nexvale", it\'s \\fine'),
    "lines": _one({"type": "string"}, "Nexvale\n  two\nthree"),
    "unicode": _one({"type": "string"}, "Zürich 東京 🌧️"),
    "markup in a string": _one({"type": "string"}, "<b>Nexvale</b> & {x}"),
    "a string of digits": _one({"type": "string"}, "75001"),
    "an integer": _one({"type": "integer"}, 417),
    "a number": _one({"type": "number"}, 41.75),
    "a boolean": _one({"type": "boolean"}, True),
    "null": _one({"type": ["string", "null"]}, None),
    "a list": _one({"type": "array", "items": {"type": "string"}}, ["Nexvale", "Oblisk"]),
    "an object": _one({"type": "object", "properties": {"wimple": {"type": "array", "items": {"type": "boolean"}}}},
                      {"wimple": [True, False]}),
    "no arguments": ({"key": {"type": "string"}}, {}),
    "two arguments": ({"key": {"type": "string"}, "days": {"type": "integer"}}, {"key": "Nexvale", "days": 417}),
}


def as_text(arguments: Mapping[str, Any]) -> str:
    """Arguments as OpenAI's API writes them."""
    return json.dumps(arguments, ensure_ascii=False)
