'''Llama-3-Groq-Tool-Use: Hermes's calls in Llama 3's frame, with ids.

Source: the model card of Groq/Llama-3-Groq-8B-Tool-Use and -70B, which shows one conversation; Ollama's template of them.
No chat template with tools was published: the frame is Llama 3's, a system message of your own stands above the tools as
in Ollama's template, and neither was compared byte for byte.

    <tool_call>
    {"id":"call_deok","name":"get_weather","arguments":{"city":"Paris"}}
    </tool_call><|eot_id|>

Ugly and true: JSON in calls and results is written without spaces, the tools with an indent of four; several calls may
stand between one pair of tags.
'''

from __future__ import annotations

from dataclasses import replace

from ..card import Card
from ..spec import (
    CONTENT,
    FUNCTION,
    ID,
    LIST,
    NAME,
    PARSED,
    TOOLS,
    Calls,
    Dialect,
    Json,
    Object,
    When,
)
from ._llama3 import HEADERS, SPECIAL, SYSTEM

_COMPACT = (",", ":")

GROQ_LLAMA3 = Dialect(
    "groq-llama3",
    calls=Calls(("<tool_call>\n", Object({"id": ID, "name": NAME, "arguments": Json(_COMPACT)},
                                         also={"parameters": Json(_COMPACT)}, separators=_COMPACT), "\n</tool_call>"),
                between="\n", gap="\n"),
    stop=("<|eot_id|>", "<|end_of_text|>"),
    special=SPECIAL,
    turns=replace(
        HEADERS,
        system=("<|start_header_id|>system<|end_header_id|>\n\n", CONTENT, When("both", "\n\n"), TOOLS, "<|eot_id|>"),
        empty_system=False,
        later_system=SYSTEM,
        result=('<|start_header_id|>tool<|end_header_id|>\n\n<tool_response>\n{"id":"', ID, '","result":', PARSED,
                "}\n</tool_response><|eot_id|>"),
        tools=("You are a function calling AI model. You are provided with function signatures within <tools></tools> XML "
               "tags. You may call one or more functions to assist with the user query. Don't make assumptions about what "
               "values to plug into functions. For each function call return a json object with function name and "
               "arguments within <tool_call></tool_call> XML tags as follows:\n<tool_call>\n"
               '{"name": <function-name>,"arguments": <args-dict>}\n</tool_call>\n\n'
               "Here are the available tools:\n<tools> ",
               LIST, " </tools>"),
        tool=(FUNCTION,),
        tool_indent=4,
        reasoning="none",
    ),
)

CARDS = (
    Card(
        GROQ_LLAMA3,
        title="Groq Llama 3 Tool Use",
        tier="single",
        why="trained to make one call a turn; its prompt has room for several",
        verified="its model card's one conversation; Llama 3's frame and the place of a system message are not compared "
                 "byte for byte",
        models=("llama-?3-groq(-(8|70)b)?(-tool-use)?", "groq-llama-?3(-tool-use)?"),
        ollama=("llama3-groq-tool-use",),
    ),
)
