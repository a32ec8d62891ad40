'''Ling 3: a key and a value an argument.

Source: chat_template of inclusionAI/Ling-3.0-flash (sha256 b4ab3a1c, llama.cpp's copy).

    <think>I should look.</think>Let me look.
    <tool_call>get_weather
    <arg_key>city</arg_key>
    <arg_value>Paris</arg_value>
    </tool_call><|role_end|>

Ugly and true: the system message tells whether to think, and says so last; the prompt opens the reasoning, and history
shows an empty block where there was none. The template writes no line break between two arguments, though the tools
section shows one, and an empty line where a call has none. It strips the line breaks around reasoning and before the words
behind it, and takes what stands before </think> in an answer for reasoning: here both stay as they were said. It does not
tell whether to think where the system message says "detailed thinking on" or "off" itself: here this is told all the same.
'''

from __future__ import annotations

from ..card import Card
from ..spec import CONTENT, KEY, LIST, NAME, REPLY, RESULTS, TEXT, TOOLS, VALUE, Calls, Dialect, Tagged, Turns, When

LING_3 = Dialect(
    "ling-3",
    calls=Calls(("<tool_call>", NAME, "\n",
                 Tagged(("<arg_key>", KEY, "</arg_key>\n<arg_value>", VALUE, "</arg_value>")), "\n</tool_call>"),
                between="\n", gap="\n"),
    reasoning=("<think>", TEXT, "</think>"),
    call_ends_reasoning=True,
    stop=("<|role_end|>", "<|endoftext|>"),
    special=frozenset({"<role>", "</role>", "<|role_end|>", "<think>", "</think>", "<tool_call>", "</tool_call>"}),
    turns=Turns(
        system=("<role>SYSTEM</role>", CONTENT, When("system", "\n"), TOOLS,
                When("no-thinking", "detailed thinking off", "detailed thinking on"), "<|role_end|>"),
        later_system=("<role>SYSTEM</role>", CONTENT, "<|role_end|>"),
        system_always=True,
        user=("<role>HUMAN</role>", CONTENT, "<|role_end|>"),
        assistant=("<role>ASSISTANT</role>\n", REPLY, "<|role_end|>"),
        results=("<role>OBSERVATION</role>", RESULTS, "<|role_end|>"),
        result=("\n<tool_response>\n", CONTENT, "\n</tool_response>"),
        reply_starts=("<role>ASSISTANT</role>\n", When("no-thinking", "<think></think>", "<think>")),
        tools=("# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
               "You are provided with function signatures within <tools></tools> XML tags:\n<tools>\n", LIST,
               "\n</tools>\n\nIf none of the functions can be used, point it out. If the given question lacks the "
               "parameters required by the function, also point it out.\nIf you need to use a function, for each function "
               "call, output the function name and arguments within the following XML format:\n"
               "<tool_call>{function-name}\n"
               "<arg_key>{arg-key-1}</arg_key>\n<arg_value>{arg-value-1}</arg_value>\n<arg_key>{arg-key-2}</arg_key>\n"
               "<arg_value>{arg-value-2}</arg_value>\n...\n</tool_call>\n"),
        reasoning="all",
        empty_reasoning="always",
    ),
)

CARDS = (
    Card(
        LING_3,
        title="Ling 3.0",
        tier="multi",
        why="trained to make several calls, one behind the other",
        verified="one copy of its chat template, byte for byte",
        models=("ling-?3(\\.0)?(?!\\.\\d)(-(flash|tiny|mini))?",),
        evidence=("<arg_key>", "<role>OBSERVATION</role>", "detailed thinking "),
    ),
)
