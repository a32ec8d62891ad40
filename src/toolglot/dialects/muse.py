'''Muse Glimmer and Muse Spark (Meta): every part of a reply is a message to somebody, calls are tags.

Sources: chat_template of meta-models/Muse-Glimmer-30B, as ollama/ollama has it (model/renderers/testdata, revision 3e79f4e)
and the tokens that PrimeIntellect-ai/renderers begins and ends it with; the muse parsers of vLLM 0.33 and SGLang 0.5.23 for
replies, and for what Spark does otherwise: its own template was not at hand.

    <|start|>assistant to=self<|message|>I should look.<|eom|><|start|>assistant to=get_weather<|message|>\
<atem:function_calls>
    <atem:invoke name="get_weather">
    <atem:parameter name="city">Paris</atem:parameter>
    </atem:invoke>
    </atem:function_calls><|eot|>

Ugly and true: the header of a call says its name and the tag says it again; where they differ the tag counts. Tags in words
to the user or to itself are words. The system turn ends with whom the model may address, be it nobody but itself and the
user. The template leaves out the words beside past calls: repaired, they stand before them. Of several system messages it
tells the tools with each; here they stand in the first.
'''

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..card import Card
from ..render import dumps
from ..spec import (
    CONTENT,
    ECHO,
    KEY,
    LIST,
    NAME,
    REPLY,
    RESULTS,
    TEXT,
    TODAY,
    TOOLS,
    VALUE,
    Calls,
    Dialect,
    Either,
    Tagged,
    Turns,
    When,
)


def functions_and_recipients(tools: Sequence[Mapping[str, Any]]) -> str:
    """The name spaces, the functions, an example, and whom the model may address."""
    functions = [t.get("function", t) for t in tools]
    spaces = list(dict.fromkeys(f["name"].split(".")[0] for f in functions))
    known = "".join([dumps({"name": s, "description": ""}) + "\n" for s in spaces])
    schemas = "".join(["\n" + dumps({"name": f["name"], "description": f.get("description", ""),
                                     "parameters": f.get("parameters", {})}) for f in functions])
    return f"{known}// Function schemas{schemas}{_EXAMPLE}{_recipients(*(s + '.*' for s in spaces))}"


def _recipients(*tools: str) -> str:
    return "\n\n# Valid recipients: " + ", ".join([f'"{r}"' for r in ("self", *tools, "user")]) + "."


_INTRODUCTION = (
    "\n\nIn this environment you have access to a set of tools you can use to answer the user's question.\n\n"
    'You can invoke a function by writing a "<atem:function_calls>" block like the following:\n<atem:function_calls>\n'
    '<atem:invoke name="$FUNCTION_NAME">\n<atem:parameter name="$PARAMETER_NAME">$PARAMETER_VALUE</atem:parameter>\n'
    "...\n</atem:invoke>\n</atem:function_calls>\n\nString and scalar parameters should be specified as is, while lists "
    "and objects should use JSON format. Note that spaces for string values are not stripped. The output is not expected "
    "to be valid XML and is parsed with regular expressions.\nHere are the functions available in JSONSchema format:\n"
    "// Tool metadata\n")
_EXAMPLE = (
    "\n\nHere's an example of how to call a function in the tool set:\n(If the tool namespace is not specified, invoke the "
    "function directly as `example_function_name` rather than `example_tool_name.example_function_name`)\n\n"
    'to=example_tool_name.example_function_name\n\n<atem:function_calls>\n<atem:invoke name="example_tool_name.'
    'example_function_name">\n<atem:parameter name="example_parameter_1">value_1</atem:parameter>\n<atem:parameter '
    'name="example_parameter_2">This is the value for the second parameter\nthat can span\n"multiple" lines\n'
    "</atem:parameter>\n</atem:invoke>\n</atem:function_calls>")

_HEADER = "<|start|>assistant"
_INVOKE = ('<|message|><atem:function_calls>\n<atem:invoke name="', NAME, '">\n',
           Tagged(('<atem:parameter name="', KEY, '">', VALUE, "</atem:parameter>\n")),
           "</atem:invoke>\n</atem:function_calls>")

_TURNS = Turns(
    start=("<|begin_of_text|>",),
    system=("<|start|>system<|message|>", CONTENT, "\n\nReasoning strength: high.", When("tools", "", _recipients()), TOOLS,
            "<|eot|>"),
    later_system=("<|start|>system<|message|>", CONTENT, "\n\nReasoning strength: high.", _recipients(), "<|eot|>"),
    default_system=("You are a helpful AI assistant.\nKnowledge cutoff: 2026-01-04.\nCurrent date: ", TODAY, "."),
    user=("<|start|>user<|message|>", CONTENT, "<|eot|>"),
    assistant=(REPLY, "<|eot|>"),
    results=(RESULTS,),
    result=("<|start|>tool ", NAME, '<|message|><tool_output name="', NAME, '">\n', CONTENT, "\n</tool_output><|eot|>"),
    reply_starts=("", _HEADER),
    tools=(_INTRODUCTION, LIST),
    listing=functions_and_recipients,
    content_with_calls="dropped",
    reasoning="all",
)

MUSE_GLIMMER = Dialect(
    "muse-glimmer",
    calls=Calls((f"{_HEADER} to=", ECHO, *_INVOKE)),
    accept=(Calls(_INVOKE),),
    content=(f"{_HEADER} to=", Either("user", "commentary"), "<|message|>", TEXT),
    reasoning=(f"{_HEADER} to=self<|message|>", TEXT),
    join="<|eom|>",
    stop=("<|eot|>", "<|end_of_text|>"),
    special=frozenset({"<|begin_of_text|>", "<|start|>", "<|message|>", "<|eom|>", "<|eot|>"}),
    turns=_TURNS,
    repaired=replace(_TURNS, content_with_calls="kept"),
)

MUSE_SPARK = replace(
    MUSE_GLIMMER,
    name="muse-spark",
    accept=(),
    reasoning=(_HEADER, Either(" to=self", ""), "<|message|>", TEXT),
)

CARDS = (
    Card(
        MUSE_GLIMMER,
        title="Muse Glimmer",
        tier="multi",
        why="trained to make several calls, each a message of its own, after reasoning",
        verified="chat template, byte for byte where there is one system message, the first",
        models=("muse-glimmer(-30b)?",),
        ollama=("muse-glimmer",),
        evidence=("<atem:function_calls>", "<|start|>", "<|eom|>"),
    ),
    Card(
        MUSE_SPARK,
        title="Muse Spark",
        tier="multi",
        why="trained to make several calls, each a message of its own, after reasoning",
        verified="vLLM's parser for replies; its prompts are Muse Glimmer's, which is not verified",
        models=("muse-spark",),
    ),
)
