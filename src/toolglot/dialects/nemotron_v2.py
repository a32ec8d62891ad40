'''Nemotron Nano v2 and Llama-Nemotron: a list of calls between tags.

Sources: chat_template of nvidia/NVIDIA-Nemotron-Nano-9B-v2 (llama.cpp's copy, NVIDIA-Nemotron-Nano-v2); for
Llama-Nemotron, that of nvidia/Llama-3_3-Nemotron-Super-49B-v1_5 (llama.cpp's copy, and NVIDIA/Megatron-LM,
megatron/training/tokenizer/multimodal_tokenizer.py).

    <think>
    I should look.
    </think>

    <TOOLCALL>[{"name": "get_weather", "arguments": {"city": "Paris"}}]</TOOLCALL>
    <SPECIAL_12>

Ugly and true: the tools section shows the format with doubled braces; results stand raw in one bracketed list, which
nothing closes but the next turn; history keeps no reasoning. Nano's prompts open the reasoning. The templates take
`/think` and `/no_think` for a switch, and out of the words; here `thinking` is the switch, and the words stay.
'''

from __future__ import annotations

from dataclasses import replace

from ..card import Card
from ..spec import (
    CALLS,
    CONTENT,
    FUNCTION,
    LIST,
    NAME,
    REPLY,
    RESULTS,
    TEXT,
    TOOLS,
    Calls,
    Dialect,
    Json,
    Object,
    Turns,
    When,
)
from ._llama3 import HEADERS, SPECIAL, SYSTEM

_OBJECT = Object({"name": NAME, "arguments": Json()}, also={"parameters": Json()})

NEMOTRON_V2 = Dialect(
    "nemotron-v2",
    calls=Calls((_OBJECT,), around=("<TOOLCALL>[", CALLS, "]</TOOLCALL>"), between=", ", gap="\n"),
    accept=(Calls(("<TOOLCALL>", _OBJECT, "</TOOLCALL>"), gap="\n"),),
    reasoning=("<think>\n", TEXT, "\n</think>\n\n"),
    stop=("<SPECIAL_12>", "<SPECIAL_11>", "</s>"),
    special=frozenset({"<SPECIAL_10>", "<SPECIAL_11>", "<SPECIAL_12>", "</s>"}),
    turns=Turns(
        system=("<SPECIAL_10>System\n", CONTENT, When("both", "\n\n"), TOOLS, "\n\n"),
        system_always=True,
        empty_system=False,
        later_system=("<SPECIAL_10>System\n", CONTENT, "\n\n"),
        tools=("You can use the following tools to assist the user if required:\n<AVAILABLE_TOOLS>[", LIST,
               "]</AVAILABLE_TOOLS>\n\nIf you decide to call any tool(s), use the following format:\n"
               '<TOOLCALL>[{{"name": "tool_name1", "arguments": "tool_args1"}}, '
               '{{"name": "tool_name2", "arguments": "tool_args2"}}]</TOOLCALL>\n\n'
               "The user will execute tool-calls and return responses from tool(s) in this format:\n"
               '<TOOL_RESPONSE>[{{"tool_response1"}}, {{"tool_response2"}}]</TOOL_RESPONSE>\n\n'
               "Based on the tool responses, you can call additional tools if needed, correct tool calls if any errors are "
               "found, or just respond to the user."),
        tool=(FUNCTION,),
        tool_between=", ",
        user=("<SPECIAL_11>User\n", CONTENT, "\n"),
        assistant=("<SPECIAL_11>Assistant\n", REPLY, "\n<SPECIAL_12>\n"),
        results=("<SPECIAL_11>User\n<TOOL_RESPONSE>[", RESULTS, "]</TOOL_RESPONSE>"),
        result=(CONTENT,),
        result_between=", ",
        reply_starts=("<SPECIAL_11>Assistant\n", When("no-thinking", "<think></think>", "<think>\n")),
        trim=frozenset({"system", "user", "assistant", "called"}),
        reasoning="none",
    ),
)

LLAMA_NEMOTRON = replace(
    NEMOTRON_V2,
    name="llama-nemotron",
    calls=Calls((_OBJECT,), around=("<TOOLCALL>[", CALLS, "]</TOOLCALL>"), between=", "),
    accept=(Calls(("<TOOLCALL>", _OBJECT, "</TOOLCALL>")),),
    stop=("<|eot_id|>", "<|eom_id|>", "<|end_of_text|>"),
    special=SPECIAL | {"<|eom_id|>", "<|end_of_text|>"},
    turns=replace(
        HEADERS,
        system=("<|start_header_id|>system<|end_header_id|>\n\n", CONTENT, When("system", "\n\n"), TOOLS, "<|eot_id|>"),
        system_always=True,
        empty_system=False,
        later_system=SYSTEM,
        tools=("You can use the following tools to assist the user if required:\n<AVAILABLE_TOOLS>[", LIST,
               "]</AVAILABLE_TOOLS>\n\nIf you decide to call any tool(s), use the following format:\n"
               '<TOOLCALL>[{{"name": "tool_name1", "arguments": "tool_args1"}}, '
               '{{"name": "tool_name2", "arguments": "tool_args2"}}]</TOOLCALL>\n\n'
               "Response from tool(s) will be returned in this format:\n"
               '<TOOL_RESPONSE>[{{"response": "tool_response1"}}, {{"response": "tool_response2"}}]</TOOL_RESPONSE>\n\n'
               "Based on the results returned by the tool(s), you can call additional tools if needed, correct tool "
               "calls if any errors are found, or just respond with the answer to the user."),
        tool=(FUNCTION,),
        tool_between=", ",
        results=("<|start_header_id|>tool<|end_header_id|>\n\n<TOOL_RESPONSE>[", RESULTS, "]</TOOL_RESPONSE><|eot_id|>"),
        result=(CONTENT,),
        result_between=", ",
        reply_starts=(*HEADERS.reply_starts, When("no-thinking", "<think>\n\n</think>\n\n")),
        reasoning="none",
    ),
)

CARDS = (
    Card(
        NEMOTRON_V2,
        title="Nemotron Nano v2 (9B, 12B)",
        tier="multi",
        why="trained to write a list of calls, with reasoning that can be turned off",
        verified="llama.cpp's copy of the chat template, byte for byte, up to the last question or result",
        models=("nemotron-nano-(9b|12b)-v2",),
        evidence=("<SPECIAL_11>", "<TOOLCALL>", "<AVAILABLE_TOOLS>"),
        differs=(
            "The words /think and /no_think stay in a message; the template takes them out, for a switch.",
            "The last reply of a finished conversation stands as the others do; the template opens reasoning before it, "
            "and tells its words and its calls as two turns.",
        ),
    ),
    Card(
        LLAMA_NEMOTRON,
        title="Llama-Nemotron Super 1.5, and by its format Nano, Super and Ultra",
        tier="multi",
        why="trained to write a list of calls, with reasoning that can be turned off",
        verified="llama.cpp's copy of Super 1.5's chat template, byte for byte; the others' templates know no tools",
        models=("llama-3[.-][13]-nemotron-(nano|super|ultra)", "llama-nemotron"),
        evidence=("<|start_header_id|>", "<TOOLCALL>", "<AVAILABLE_TOOLS>"),
        differs=("The words /think and /no_think stay in a message; the template takes them out, for a switch.",),
    ),
)
