'''xLAM-2, on Qwen2.5 and on Llama 3.1, and xLAM-1 (fc-r).

Sources: vLLM's tool_chat_template_xlam_qwen and tool_chat_template_xlam_llama (0.33.0), which their makers gave it; for
xLAM-1, gorilla's handler by the same makers (berkeley-function-call-leaderboard, model_handler/xlam_handler) and
SalesforceAIResearch/xLAM, xLAM/client.

    [{"name": "get_weather", "arguments": {"city": "Paris"}}, {"name": "now", "arguments": {}}]<|im_end|>
    {"tool_calls": [{"name": "get_weather", "arguments": {"city": "Paris"}}]}<|EOT|>

Ugly and true: xLAM-2 is told how to call only where nobody gives a system message (`prompts="repaired"` always tells it),
and words beside calls are dropped from history. xLAM-1 was made for one question: its tools and its question stand in
one instruction, of the schemas only the properties.
'''

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..card import Card
from ..render import dumps
from ..spec import (
    CALLS,
    CONTENT,
    LIST,
    NAME,
    REPLY,
    RESULTS,
    TEXT,
    TOOL,
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
_HOW = """You have access to a set of tools. When using tools, make calls in a single JSON array: \n
[{"name": "tool_call_name", "arguments": {"arg1": "value1", "arg2": "value2"}}, ... (additional parallel tool calls as \
needed)]\n
If no tool is suitable, state that explicitly. If the user's input lacks required parameters, ask for clarification. Do \
not interpret or respond until tool results are returned. Once they are available, process them or make additional calls \
if needed. For tasks that don't require tools, such as casual conversation or general advice, respond directly in plain \
text. The available tools are:\n\n"""

_CHATML = Turns(
    system=("<|im_start|>system\n", CONTENT, "\n", TOOLS, "<|im_end|>\n"),
    later_system=("<|im_start|>system\n", CONTENT, "<|im_end|>\n"),
    default_system=("You are a helpful assistant. You are developed by Salesforce xLAM team.",),
    tools=(When("system", "", _HOW), LIST),
    tool=(TOOL, "\n\n"),
    tool_between="",
    tool_indent=4,
    user=("<|im_start|>user\n", CONTENT, "<|im_end|>\n"),
    assistant=("<|im_start|>assistant\n", REPLY, "<|im_end|>\n"),
    results=(RESULTS,),
    result=("<|im_start|>tool\n", CONTENT, "<|im_end|>\n"),
    reply_starts=("<|im_start|>assistant\n",),
    trim=frozenset({"system", "user", "assistant"}),
    content_with_calls="dropped",
    reasoning="none",
)

XLAM_2 = Dialect(
    "xlam-2",
    calls=Calls((_OBJECT,), around=("[", CALLS, "]"), between=", ", at_start=True),
    accept=(
        Calls((_OBJECT,), at_start=True),
        Calls((_OBJECT,), around=("<tool_call>[", CALLS, "]</tool_call>"), between=", "),
        Calls((_OBJECT,), around=("[TOOL_CALLS][", CALLS, "]"), between=", "),
        Calls((_OBJECT,), around=("```json\n[", CALLS, "]\n```"), between=", ", gap="\n"),
    ),
    reasoning=("<think>", TEXT, "</think>"),
    stop=("<|im_end|>", "<|endoftext|>"),
    special=frozenset({"<|im_start|>", "<|im_end|>", "<|endoftext|>"}),
    turns=_CHATML,
    repaired=replace(_CHATML, tools=(_HOW, LIST)),
)

_LLAMA = replace(
    _CHATML,
    start=HEADERS.start,
    system=("<|start_header_id|>system<|end_header_id|>\n\n", CONTENT, "\n", TOOLS, "<|eot_id|>"),
    later_system=SYSTEM,
    user=HEADERS.user,
    assistant=HEADERS.assistant,
    result=HEADERS.result,
    reply_starts=HEADERS.reply_starts,
)

XLAM_2_LLAMA = replace(
    XLAM_2,
    name="xlam-2-llama",
    stop=("<|eot_id|>", "<|eom_id|>", "<|end_of_text|>"),
    special=SPECIAL | {"<|eom_id|>", "<|end_of_text|>"},
    turns=_LLAMA,
    repaired=replace(_LLAMA, tools=(_HOW, LIST)),
)


def _properties(tools: Sequence[Mapping[str, Any]]) -> str:
    functions = [t.get("function", t) for t in tools]
    return dumps([{"name": f["name"], "description": f.get("description", ""),
                   "parameters": (f.get("parameters") or {}).get("properties", {})} for f in functions])


XLAM_1 = Dialect(
    "xlam-1",
    calls=Calls((_OBJECT,), around=('{"tool_calls": [', CALLS, "]}"), between=", "),
    accept=(Calls((_OBJECT,), around=("[", CALLS, "]"), between=", ", at_start=True),),
    stop=("<|EOT|>",),
    special=frozenset({"<|EOT|>"}),
    turns=Turns(
        system=(CONTENT, "\n"),
        default_system=("You are an AI assistant for function calling.For politically sensitive questions, security "
                        "and privacy issues, and other non-computer science questions, you will refuse to answer",),
        user=("### Instruction:\n", TOOLS, When("tools", "[BEGIN OF QUERY]\n"), CONTENT,
              When("tools", "\n[END OF QUERY]\n\n"), "\n"),
        assistant=("### Response:\n", REPLY, "\n<|EOT|>\n"),
        results=("### Instruction:\n", RESULTS, "\n"),
        result=(CONTENT,),
        result_between="\n",
        reply_starts=("### Response:",),
        tools_at="last-user",
        tools=("[BEGIN OF TASK INSTRUCTION]\nYou are an expert in composing functions. You are given a question and a "
               "set of possible functions. \nBased on the question, you will need to make one or more function/tool "
               "calls to achieve the purpose. \nIf none of the functions can be used, point it out and refuse to "
               "answer. \nIf the given question lacks the parameters required by the function, also point it "
               "out.\n[END OF TASK INSTRUCTION]\n\n[BEGIN OF AVAILABLE TOOLS]\n", LIST, "\n[END OF AVAILABLE "
               "TOOLS]\n\n[BEGIN OF FORMAT INSTRUCTION]\nThe output MUST strictly adhere to the following JSON "
               "format, and NO other text MUST be included.\nThe example format is as follows. Please make sure the "
               "parameter type is correct. If no function call is needed, please make tool_calls an empty list "
               "'[]'\n```\n{\n  \"tool_calls\": [\n    {\"name\": \"func_name1\", \"arguments\": {\"argument1\": "
               "\"value1\", \"argument2\": \"value2\"}},\n    ... (more tool calls as required)\n  ]\n}\n```\n"
               "[END OF FORMAT INSTRUCTION]\n\n"),
        listing=_properties,
        content_with_calls="dropped",
        reasoning="none",
    ),
)

_HOW_ALWAYS = ("Repaired, the model is told how to call even beside a system message; the template tells it only without "
               "one.")

CARDS = (
    Card(
        XLAM_2,
        title="xLAM-2 (1B, 3B, 32B), on Qwen2.5",
        tier="multi",
        why="trained to write a list of calls; nobody's client library speaks it",
        verified="vLLM's chat template, byte for byte; it is by the model's makers",
        models=("(qwen-)?xlam-?2", "qwen-xlam"),
        evidence=("Salesforce xLAM team", "<|im_start|>"),
        differs=(_HOW_ALWAYS,),
    ),
    Card(
        XLAM_2_LLAMA,
        title="Llama-xLAM-2 (8B, 70B)",
        tier="multi",
        why="trained to write a list of calls; nobody's client library speaks it",
        verified="vLLM's chat template, byte for byte; it is by the model's makers",
        models=("llama-xlam-?2",),
        evidence=("Salesforce xLAM team", "<|start_header_id|>"),
        differs=(_HOW_ALWAYS,),
    ),
    Card(
        XLAM_1,
        title="xLAM-1B-fc-r, xLAM-7B-fc-r",
        tier="multi",
        why="trained to write a list of calls for one question",
        verified="its makers' own handler for one question, read, not run; how results come back is nowhere told, "
                 "here as an instruction of their own",
        models=("xlam-(1b|7b)-fc-r",),
        evidence=("You are an AI assistant for function calling", "### Instruction:"),
    ),
)
