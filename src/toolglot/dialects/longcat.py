'''LongCat-Flash-Chat and LongCat-Flash-Thinking.

Source: README.md of meituan-longcat/LongCat-Flash-Chat and of LongCat-Flash-Thinking (September 2025), which describe
the prompt and the format; modelscope/ms-swift has the same frame.

    <longcat_think>
    I should look.
    </longcat_think>
    <longcat_tool_call>
    {"name": "get_weather", "arguments": {"city": "Paris"}}
    </longcat_tool_call></longcat_s>

Ugly and true: the tools stand before everything, under headings; turns are numbered by their questions. Later models of
the family have another frame, and write each argument in tags of its own, which is read here too.
'''

from __future__ import annotations

from ..card import Card
from ..spec import (
    CONTENT,
    DESCRIPTION,
    INDEX,
    KEY,
    LIST,
    NAME,
    PARAMETERS,
    REPLY,
    RESULTS,
    TEXT,
    VALUE,
    Calls,
    Dialect,
    Json,
    Object,
    Tagged,
    Turns,
    When,
)

LONGCAT = Dialect(
    "longcat",
    calls=Calls(("<longcat_tool_call>\n", Object({"name": NAME, "arguments": Json()}, also={"parameters": Json()}),
                 "\n</longcat_tool_call>"), gap="\n"),
    accept=(Calls(("<longcat_tool_call>", NAME, "\n",
                   Tagged(("<longcat_arg_key>", KEY, "</longcat_arg_key>\n<longcat_arg_value>", VALUE,
                           "</longcat_arg_value>\n")), "</longcat_tool_call>"), between="\n", gap="\n"),),
    reasoning=("<longcat_think>\n", TEXT, "\n</longcat_think>\n"),
    stop=("</longcat_s>",),
    special=frozenset({"</longcat_s>"}),
    turns=Turns(
        system=("SYSTEM:", CONTENT, " "),
        user=("[Round ", INDEX, "] USER:", CONTENT, When("thinking", " /think_on"), " "),
        assistant=("ASSISTANT:", REPLY, "</longcat_s> "),
        last_closer="</longcat_s>",
        results=(RESULTS,),
        result=("TOOL:", CONTENT, " "),
        reply_starts=("ASSISTANT:",),
        tools_at="own",
        tools=("## Tools\nYou have access to the following tools: \n\n### Tool namespace: function\n\n", LIST,
               "\n\n**Note**: "
               "For each function call, return a json object with function name and arguments within <longcat_tool_call>"
               '</longcat_tool_call> XML tags as follows:\n<longcat_tool_call>\n{"name": <function-name>, "arguments": '
               "<args-dict>}\n</longcat_tool_call>\nWhen multiple functions need to be called simultaneously, each "
               "function call should be wrapped in its own <longcat_tool_call> tag and placed consecutively. For "
               'example:\n<longcat_tool_call>\n{"name": <function-name>, "arguments": <args-dict>}\n</longcat_tool_call>'
               '<longcat_tool_call>\n{"name": <function-name>, "arguments": <args-dict>}\n</longcat_tool_call>\n\n'
               "## Messages\n"),
        tool=("#### Tool name: ", NAME, "\n\nDescription: ", DESCRIPTION, "\n\nInputSchema: \n", PARAMETERS),
        tool_between="\n\n",
        tool_indent=2,
    ),
)

CARDS = (
    Card(
        LONGCAT,
        title="LongCat-Flash-Chat, LongCat-Flash-Thinking",
        tier="full",
        why="several calls, and its makers' API and documents",
        verified="its makers' description of prompt and format, read, not run; how results come back is nowhere told",
        models=("longcat-flash-(chat|thinking)(?!-26)",),
        evidence=("<longcat_tool_call>", "[Round "),
        unless=("<longcat_arg_key>",),
    ),
)
