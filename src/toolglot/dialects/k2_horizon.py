'''K2-Horizon.

Sources: the chat template of IFM/K2-Horizon, by two programs that render it (tests of MLXLMCommon in Swift, and an engine
in C that is held to the original's bytes); forks of llama.cpp have a mended copy, with line breaks around the reasoning's
closer (models/templates/k2-horizon.jinja, utopiafallen/llama.cpp, commit 5a6e274d). For replies vLLM 0.33
(k2_horizon_tool_parser.py) and SGLang 0.5.23 (k2_v3_detector.py).

    <ifm|think>
    I should look it up.</ifm|think><ifm|tool_calls>
    <ifm|tool_call>get_weather
    <ifm|arg_key>city</ifm|arg_key>
    <ifm|arg_value>Paris</ifm|arg_value>
    </ifm|tool_call>
    </ifm|tool_calls><|ifm|im_end|>

Ugly and true: there is no line break between the turns. The template can tell of the tools in three ways and ask for calls
in three; here the tools are JSON (its default is Markdown) and calls are tags (its default); calls as JSON are read too,
those with the type of each argument are not. It always prompts for thought, and refuses past turns that have none: an empty
block stands there, and where no thinking is asked for. The blocks <ifm|think_fast> and <ifm|think_faster>, of less
effort, are read and not written. Results do not say which call they answer.
'''

from __future__ import annotations

from ..card import Card
from ..spec import (
    CALLS,
    CONTENT,
    KEY,
    LIST,
    NAME,
    REPLY,
    RESULTS,
    TEXT,
    TOOLS,
    VALUE,
    Calls,
    Dialect,
    Either,
    Json,
    Object,
    Tagged,
    Turns,
    When,
)

_SECTION = ("<ifm|tool_calls>\n", CALLS, "\n</ifm|tool_calls>")

K2_HORIZON = Dialect(
    "k2-horizon",
    calls=Calls(("<ifm|tool_call>", NAME, "\n", Tagged(("<ifm|arg_key>", KEY, "</ifm|arg_key>\n<ifm|arg_value>", VALUE,
                                                        "</ifm|arg_value>\n")), "</ifm|tool_call>"),
                around=_SECTION, between="\n"),
    accept=(
        Calls(("<ifm|tool_call>", Object({"name": NAME, "arguments": Json()}, also={"parameters": Json()}),
               "</ifm|tool_call>"), around=_SECTION, between="\n"),
    ),
    reasoning=(Either("<ifm|think>\n", "<ifm|think_fast>\n", "<ifm|think_faster>\n"), TEXT,
               Either("</ifm|think>", "</ifm|think_fast>", "</ifm|think_faster>")),
    call_ends_reasoning=True,
    stop=("<|ifm|im_end|>",),
    special=frozenset({"<|ifm|im_start|>", "<|ifm|im_end|>", "<|ifm|begin_of_text|>", "<ifm|think>", "</ifm|think>",
                       "<ifm|think_fast>", "</ifm|think_fast>", "<ifm|think_faster>", "</ifm|think_faster>",
                       "<ifm|tool_calls>", "</ifm|tool_calls>", "<ifm|tool_call>", "</ifm|tool_call>", "<ifm|arg_key>",
                       "</ifm|arg_key>", "<ifm|arg_value>", "</ifm|arg_value>"}),
    turns=Turns(
        start=("<|ifm|begin_of_text|>",),
        system=("<|ifm|im_start|>system\n", TOOLS, When("both", "\n\n"), CONTENT, "<|ifm|im_end|>"),
        later_system=("<|ifm|im_start|>system\n", CONTENT, "<|ifm|im_end|>"),
        user=("<|ifm|im_start|>user\n", CONTENT, "<|ifm|im_end|>"),
        assistant=("<|ifm|im_start|>assistant\n", REPLY, "<|ifm|im_end|>"),
        results=(RESULTS,),
        result=("<|ifm|im_start|>tool\n", CONTENT, "<|ifm|im_end|>"),
        reply_starts=("<|ifm|im_start|>assistant\n", "<ifm|think>\n", When("no-thinking", "</ifm|think>")),
        tools=("# Tools\nYou may call one or more tools to assist with the user query.\n\nAvailable tools are:\n\n"
               "<ifm|tools>\n", LIST, "\n</ifm|tools>\n\n"
               "When calling tools, you MUST follow the tool-call format below:\n\n"
               "Wrap all tool calls in a single <ifm|tool_calls></ifm|tool_calls> block. For each call, write the function "
               "name at the start of <ifm|tool_call>, followed by paired <ifm|arg_key> and <ifm|arg_value> tags for each "
               "argument:\n\n<ifm|tool_calls>\n<ifm|tool_call>$FUNCTION_NAME\n<ifm|arg_key>$PARAMETER_NAME</ifm|arg_key>\n"
               "<ifm|arg_value>$PARAMETER_VALUE</ifm|arg_value>\n...\n</ifm|tool_call>\n</ifm|tool_calls>\n\n"
               "String and scalar parameters should be written as plain text. Array and object parameters should be "
               "written as JSON literals."),
        reasoning="all",
        empty_reasoning="always",
    ),
)

CARDS = (
    Card(
        K2_HORIZON,
        title="K2-Horizon",
        tier="full",
        why="several calls, and its makers' API and documents",
        verified="its chat template with tools as JSON, by two programs that render it: it was not at hand itself",
        models=("k2-horizon(-mova)?",),
        gguf=("k2-horizon",),
        evidence=("<ifm|tool_call>", "<|ifm|im_start|>"),
    ),
)
