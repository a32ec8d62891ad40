'''Qwen3-Coder: one tag an argument.

Source: chat_template of Qwen/Qwen3-Coder-30B-A3B-Instruct and 480B (sha256 7e0648e7, two copies).

    <tool_call>
    <function=get_weather>
    <parameter=city>
    Paris
    </parameter>
    </function>
    </tool_call><|im_end|>

Ugly and true: lists, booleans and null are written as Python writes them, objects as JSON; a string argument cannot
hold the closer of its own tag where another tag follows.
'''

from __future__ import annotations

from dataclasses import replace

from ..spec import CONTENT, KEY, LIST, NAME, RESULTS, TOOLS, VALUE, Calls, Dialect, Tagged, When
from ._chatml import CHATML, SYSTEM
from ._xml import functions

ARGUMENT = ("<parameter=", KEY, ">\n", VALUE, "\n</parameter>\n")

QWEN3_CODER = Dialect(
    "qwen3-coder",
    calls=Calls(("<tool_call>\n<function=", NAME, ">\n", Tagged(ARGUMENT, python=True), "</function>\n</tool_call>"),
                between="\n", gap="\n\n"),
    # the model often leaves the outer tag out
    accept=(Calls(("<function=", NAME, ">\n", Tagged(ARGUMENT, python=True), "</function>"), between="\n"),),
    stop=("<|im_end|>", "<|endoftext|>"),
    special=frozenset({"<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>"}),
    turns=replace(
        CHATML,
        system=("<|im_start|>system\n", CONTENT, When("tools", "\n\n"), TOOLS, "<|im_end|>\n"),
        later_system=SYSTEM,
        default_system=("You are Qwen, a helpful AI assistant that can interact with a computer to solve tasks.",),
        default_with_tools=True,
        tools=("You have access to the following functions:\n\n<tools>", LIST,
               "\n</tools>\n\nIf you choose to call a function ONLY reply in the following format with NO suffix:\n\n"
               "<tool_call>\n<function=example_function_name>\n<parameter=example_parameter_1>\nvalue_1\n</parameter>\n"
               "<parameter=example_parameter_2>\nThis is the value for the second parameter\nthat can span\n"
               "multiple lines\n</parameter>\n</function>\n</tool_call>\n\n<IMPORTANT>\nReminder:\n"
               "- Function calls MUST follow the specified format: an inner <function=...></function> block must be "
               "nested within <tool_call></tool_call> XML tags\n- Required parameters MUST be specified\n"
               "- You may provide optional reasoning for your function call in natural language BEFORE the function "
               "call, but NOT after\n- If there is no function call available, answer the question like normal with "
               "your current knowledge and do not tell the user about function calls\n</IMPORTANT>"),
        listing=functions,
        results=("<|im_start|>user\n", RESULTS, "<|im_end|>\n"),
        result=("<tool_response>\n", CONTENT, "\n</tool_response>\n"),
        result_between="",
        trim=frozenset({"called"}),
        reasoning="none",
    ),
)
