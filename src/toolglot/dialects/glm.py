'''GLM-4.5, 4.5-Air and 4.6: a key and a value an argument.

Source: chat_template of zai-org/GLM-4.5 and GLM-4.6 (llama.cpp's and TRL's copies agree but for an error message).

    <think>I should look.</think>
    <tool_call>get_weather
    <arg_key>city</arg_key>
    <arg_value>Paris</arg_value>
    </tool_call>

Ugly and true: nothing closes a turn but the next one's role, so the stop tokens are `<|user|>` and `<|observation|>`;
a string and a number look alike, and only the tool's schema tells them apart.
'''

from __future__ import annotations

from ..spec import CONTENT, KEY, LIST, NAME, REPLY, RESULTS, TEXT, VALUE, Calls, Dialect, Tagged, Turns, When

GLM4_5 = Dialect(
    "glm-4.5",
    calls=Calls(("<tool_call>", NAME, "\n",
                 Tagged(("<arg_key>", KEY, "</arg_key>\n<arg_value>", VALUE, "</arg_value>\n")), "</tool_call>"),
                between="\n"),
    reasoning=("<think>", TEXT, "</think>"),
    join="\n",
    stop=("<|user|>", "<|observation|>", "<|endoftext|>", "<|system|>", "<|assistant|>"),
    special=frozenset({"<|user|>", "<|observation|>", "<|system|>", "<|assistant|>", "<tool_call>", "</tool_call>",
                       "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>", "<think>", "</think>"}),
    turns=Turns(
        start=("[gMASK]<sop>",),
        system=("<|system|>\n", CONTENT),
        user=("<|user|>\n", CONTENT, When("no-thinking", "/nothink")),
        assistant=("<|assistant|>\n", REPLY),
        results=("<|observation|>", RESULTS),
        result=("\n<tool_response>\n", CONTENT, "\n</tool_response>"),
        reply_starts=("<|assistant|>", When("no-thinking", "\n<think></think>")),
        tools_at="own",
        tools=("<|system|>\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
               "You are provided with function signatures within <tools></tools> XML tags:\n<tools>\n", LIST,
               "\n</tools>\n\nFor each function call, output the function name and arguments within the following XML "
               "format:\n<tool_call>{function-name}\n<arg_key>{arg-key-1}</arg_key>\n"
               "<arg_value>{arg-value-1}</arg_value>\n<arg_key>{arg-key-2}</arg_key>\n"
               "<arg_value>{arg-value-2}</arg_value>\n...\n</tool_call>"),
        trim=frozenset({"assistant", "called"}),
        empty_reasoning="always",
    ),
)
