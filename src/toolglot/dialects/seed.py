'''Seed-OSS: one tag an argument, in the value's own line.

Source: chat_template of ByteDance-Seed/Seed-OSS-36B-Instruct, as llama.cpp has it; xinference's copy is the same with its
line breaks lost.

    <seed:think>I should look.</seed:think>
    <seed:tool_call>
    <function=get_weather>
    <parameter=city>Paris</parameter>
    </function>
    </seed:tool_call><seed:eos>

Ugly and true: the tools are shown as Python functions with notes in Chinese, every number an `int`; lists, booleans and
null among the arguments are written as Python writes them. Being told not to reason is being told of a budget of 0.
'''

from __future__ import annotations

from ..card import Card
from ..spec import CONTENT, KEY, LIST, NAME, REPLY, RESULTS, TEXT, TOOLS, VALUE, Calls, Dialect, Tagged, Turns, When
from ._seed import functions

_ARGUMENTS = Tagged(("<parameter=", KEY, ">", VALUE, "</parameter>\n"), python=True)

SEED_OSS = Dialect(
    "seed-oss",
    calls=Calls(("<seed:tool_call>\n<function=", NAME, ">\n", _ARGUMENTS, "</function>\n</seed:tool_call>"), gap="\n"),
    reasoning=("<seed:think>", TEXT, "</seed:think>"),
    join="\n",
    stop=("<seed:eos>",),
    special=frozenset({"<seed:bos>", "<seed:eos>", "<seed:think>", "</seed:think>", "<seed:tool_call>",
                       "</seed:tool_call>", "<seed:cot_budget_reflect>", "</seed:cot_budget_reflect>"}),
    turns=Turns(
        system=("<seed:bos>system\n", CONTENT, TOOLS, "<seed:eos>", When("no-thinking", (
            "<seed:bos>system\nYou are an intelligent assistant that can answer questions in one step without the need for "
            "reasoning and thinking, that is, your thinking budget is 0. Next, please skip the thinking process and "
            "directly start answering the user's questions.\n<seed:eos>"))),
        later_system=("<seed:bos>system\n", CONTENT, "<seed:eos>"),
        default_system=("You are Doubao, a helpful AI assistant. You may call one or more functions to assist with the "
                        "user query.",),
        default_with_tools=True,
        user=("<seed:bos>user\n", CONTENT, "<seed:eos>"),
        assistant=("<seed:bos>assistant\n", REPLY, "<seed:eos>"),
        results=(RESULTS,),
        result=("<seed:bos>tool\n", CONTENT, "<seed:eos>"),
        reply_starts=("<seed:bos>assistant\n", When("no-thinking", (
            "<seed:think>\n<seed:cot_budget_reflect>The current thinking budget is 0, so I will directly start answering "
            "the question.</seed:cot_budget_reflect>\n</seed:think>"))),
        tools=(LIST, "\n工具调用请遵循如下格式:\n<seed:tool_call>\n<function=example_function_name>\n"
               "<parameter=example_parameter_1>value_1</parameter>\n"
               "<parameter=example_parameter_2>This is the value for the second parameter\nthat can span\n"
               "multiple lines</parameter>\n</function>\n</seed:tool_call>\n"),
        listing=functions,
        trim=frozenset({"assistant", "called"}),
        reasoning="all",
    ),
)

CARDS = (
    Card(
        SEED_OSS,
        title="Seed-OSS",
        tier="multi",
        why="trained to make several calls after reasoning; its makers' documents speak of them",
        verified="chat template, byte for byte; of two copies, one has lost its line breaks",
        models=("seed-?oss(-36b)?",),
        evidence=("<seed:tool_call>", "<seed:bos>"),
        differs=(
            "Objects among the arguments of past calls are JSON; the template writes them as Python does.",
            "A turn that says nothing is closed; the template leaves it open.",
            "With no reasoning asked for, but neither system message nor tools, no turn tells of the budget of 0.",
        ),
    ),
)
