'''Granite 4.0 and 4.1: JSON between tags, in Granite's frame.

Sources: chat_template of ibm-granite's 4.0 models (sha256 9524df67) and 4.1 models (fed2756d), as llama.cpp has them.

    <tool_call>
    {"name": "get_weather", "arguments": {"city": "Paris"}}
    </tool_call><|end_of_text|>

Ugly and true: the turn of the results begins with a line break; 4.0 is told how to behave only where there is neither a
system message nor a tool.
'''

from __future__ import annotations

from dataclasses import replace

from ..card import Card
from ..spec import CONTENT, LIST, REPLY, RESULTS, TOOLS, Dialect, Turns, When
from .hermes import JSON_IN_TAGS

_4_1 = Turns(
    system=("<|start_of_role|>system<|end_of_role|>", CONTENT, When("both", "\n\n"), TOOLS, "<|end_of_text|>\n"),
    empty_system=False,
    later_system=("<|start_of_role|>system<|end_of_role|>", CONTENT, "<|end_of_text|>\n"),
    user=("<|start_of_role|>user<|end_of_role|>", CONTENT, "<|end_of_text|>\n"),
    assistant=("<|start_of_role|>assistant<|end_of_role|>", REPLY, "<|end_of_text|>\n"),
    results=("<|start_of_role|>user<|end_of_role|>", RESULTS, "<|end_of_text|>\n"),
    result=("\n<tool_response>\n", CONTENT, "\n</tool_response>"),
    reply_starts=("<|start_of_role|>assistant<|end_of_role|>",),
    tools=("You are a helpful assistant with access to the following tools. You may call one or more tools to assist with "
           "the user query.\n\nYou are provided with function signatures within <tools></tools> XML tags:\n<tools>\n", LIST,
           "\n</tools>\n\nFor each tool call, return a json object with function name and arguments within "
           '<tool_call></tool_call> XML tags:\n<tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n'
           "</tool_call>. If a tool does not exist in the provided list of tools, notify the user that you do not have the "
           "ability to fulfill the request."),
    reasoning="none",
)

GRANITE_4_1 = Dialect(
    "granite-4.1",
    calls=JSON_IN_TAGS,
    stop=("<|end_of_text|>",),
    special=frozenset({"<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>", "<tool_call>", "</tool_call>"}),
    turns=_4_1,
)

GRANITE_4 = replace(
    GRANITE_4_1,
    name="granite-4",
    turns=replace(_4_1, default_system=(When("tools", "", "You are a helpful assistant. Please ensure responses are "
                                             "professional, accurate, and safe."),)),
)

_EMPTY = "Beside tools an empty system message is none; the template writes two line breaks for it."

CARDS = (
    Card(
        GRANITE_4,
        title="Granite 4.0",
        tier="multi",
        why="trained to make several calls, each in tags of its own; its makers' documents speak of them",
        verified="chat template, byte for byte",
        models=("granite-?4(?!\\.[2-9])(\\.0)?", "granite-4\\.0-h"),
        ollama=("granite4",),
        gguf=("granitehybrid",),
        evidence=("<|start_of_role|>", "<tool_call>", "notify the user", "Please ensure responses are professional"),
        differs=(_EMPTY,),
    ),
    Card(
        GRANITE_4_1,
        title="Granite 4.1",
        tier="multi",
        why="trained to make several calls, each in tags of its own; its makers' documents speak of them",
        verified="chat template, byte for byte",
        models=("granite-?4\\.1",),
        ollama=("granite4.1",),
        evidence=("<|start_of_role|>", "<tool_call>", "notify the user"),
        unless=("Please ensure responses are professional",),
        differs=(_EMPTY,),
    ),
)
