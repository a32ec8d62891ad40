'''DeepSeek-V3.1.

Source: vLLM's and xinference's copies of its chat template, which agree once the white space of their own source is
taken out; the model card tells of the same format.

    <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"city": "Paris"}\
<｜tool▁call▁end｜><｜tool▁calls▁end｜>

Ugly and true: after results the reply goes on without a header of its own; all system messages stand at the front;
history keeps no reasoning.
'''

from __future__ import annotations

from ..spec import (
                    CALLS,
                    CONTENT,
                    DESCRIPTION,
                    LIST,
                    NAME,
                    PARAMETERS,
                    REPLY,
                    RESULTS,
                    TEXT,
                    TOOLS,
                    Calls,
                    Dialect,
                    Json,
                    Turns,
                    When,
)

DEEPSEEK_V3_1 = Dialect(
    "deepseek-v3.1",
    calls=Calls(("<｜tool▁call▁begin｜>", NAME, "<｜tool▁sep｜>", Json(), "<｜tool▁call▁end｜>"),
                around=("<｜tool▁calls▁begin｜>", CALLS, "<｜tool▁calls▁end｜>")),
    reasoning=("<think>", TEXT, "</think>"),
    stop=("<｜end▁of▁sentence｜>",),
    special=frozenset({"<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>",
                       "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>",
                       "<｜tool▁sep｜>", "<think>", "</think>"}),
    turns=Turns(
        start=("<｜begin▁of▁sentence｜>",),
        system=(CONTENT, TOOLS),
        system_joins="\n\n",
        user=("<｜User｜>", CONTENT),
        assistant=("<｜Assistant｜></think>", REPLY, "<｜end▁of▁sentence｜>"),
        header_once=True,
        results=(RESULTS,),
        result=("<｜tool▁output▁begin｜>", CONTENT, "<｜tool▁output▁end｜>"),
        reply_starts=("<｜Assistant｜>", When("thinking", "<think>", "</think>")),
        tools=("\n\n## Tools\nYou have access to the following tools:\n", LIST,
               "\nIMPORTANT: ALWAYS adhere to this exact format for tool use:\n"
               "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>tool_call_name<｜tool▁sep｜>tool_call_arguments"
               "<｜tool▁call▁end｜>{{additional_tool_calls}}<｜tool▁calls▁end｜>\n\nWhere:\n\n"
               "- `tool_call_name` must be an exact match to one of the available tools\n"
               "- `tool_call_arguments` must be valid JSON that strictly follows the tool's Parameters Schema\n"
               "- For multiple tool calls, chain them directly without separators or spaces\n"),
        tool=("\n### ", NAME, "\nDescription: ", DESCRIPTION, "\n\nParameters: ", PARAMETERS, "\n"),
        tool_between="",
        reasoning="none",
    ),
)
