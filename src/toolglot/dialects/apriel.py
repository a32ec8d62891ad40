'''Apriel 1.5 and 1.6 Thinker: reasoning in plain English, and a list of calls between tags.

Sources: the chat templates that llama.cpp keeps, models/templates/unsloth-Apriel-1.5.jinja (ServiceNow-AI/
Apriel-1.5-15b-Thinker, mended by Unsloth) and Apriel-1.6-15b-Thinker-fixed.jinja; the model card of 1.5 for its reasoning.

    Here are my reasoning steps:
    I should look.
    [BEGIN FINAL RESPONSE]
    <tool_calls>[{"name": "get_weather", "arguments": {"city": "Paris"}}]</tool_calls>
    [END FINAL RESPONSE]

Ugly and true: the tools are what Python prints of a dict, 1.6's with nothing in between; past calls have ids, a reply's do
not; 1.5 is told the format of calls only where there is no system message, and then gets two system turns. The repaired
prompts show the tools as JSON, and tell the format always. 1.6 ends no turn but the assistant's, and its prompts open the
reasoning; history keeps none. The last reply of a finished conversation stands as the others do, where the template ends
1.6's open and shows its reasoning without the words that opened it. The model card of 1.6 has its instructions in one line,
llama.cpp's copy in three. 1.5 is written here with Mistral's <s> and </s>, which its template takes from the tokenizer.
'''

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..card import Card
from ..spec import (
    CALLS,
    CONTENT,
    ID,
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

_CALL = {"name": NAME, "arguments": Json()}
_AROUND = ("<tool_calls>[", CALLS, "]</tool_calls>")
_PAST = Calls((Object({**_CALL, "id": ID}),), around=_AROUND, between=", ")


def _lines(tools: Sequence[Mapping[str, Any]]) -> str:
    return "\n".join([str(t) for t in tools])


def _together(tools: Sequence[Mapping[str, Any]]) -> str:
    return "".join([str(t) for t in tools])


_WHO_1_5 = ("You are a thoughtful and systematic AI assistant built by ServiceNow Language Models (SLAM) lab. Before "
            "providing an answer, analyze the problem carefully and present your reasoning step by step. After explaining "
            "your thought process, provide the final solution in the following format: [BEGIN FINAL RESPONSE] ... [END "
            "FINAL RESPONSE].")
_TOOLS_1_5 = ("You are provided with function signatures within <available_tools></available_tools> XML tags. You may "
              "call one or more functions to assist with the user query. Don't make assumptions about the arguments. You "
              "should infer the argument values from previous user responses and the system message. Here are the "
              "available tools:\n<available_tools>\n", LIST, "\n</available_tools>")
_FORMAT_1_5 = ("\nReturn all function calls as a list of json objects within <tool_call></tool_call> XML tags. Each json "
               "object should contain a function name and arguments as follows:\n"
               '<tool_calls>[{"name": <function-name-1>, "arguments": <args-dict-1>}, '
               '{"name": <function-name-2>, "arguments": <args-dict-2>},...]</tool_calls>')
_1_5 = Turns(
    start=("<s>",),
    system=(f"<|system|>\n{_WHO_1_5}", CONTENT, When("both", "\n"), TOOLS, "\n<|end|>\n"),
    system_always=True,
    later_system=("<|system|>\n", CONTENT, "\n<|end|>\n"),
    user=("<|user|>\n", CONTENT, "\n<|end|>\n"),
    assistant=("<|assistant|>\n", REPLY, "\n<|end|>\n</s>"),
    results=(RESULTS,),
    result=("<|tool_result|>\n", CONTENT, "\n<|end|>\n"),
    reply_starts=("<|assistant|>\n",),
    tools=(*_TOOLS_1_5, When("system", "", f"{_FORMAT_1_5}\n<|end|>\n<|system|>\n{_WHO_1_5}")),
    listing=_lines,
    history=_PAST,
    beside_calls=(TEXT, "\n"),
    reasoning="none",
)

APRIEL_1_5 = Dialect(
    "apriel-1.5",
    calls=Calls((Object(_CALL, also={"parameters": Json(), "id": ID}),), around=_AROUND, between=", ", gap="\n"),
    reasoning=("Here are my reasoning steps:\n", TEXT, "\n[BEGIN FINAL RESPONSE]\n"),
    noise=("[END FINAL RESPONSE]",),
    stop=("<|end|>", "</s>"),
    special=frozenset({"<s>", "</s>", "<|system|>", "<|user|>", "<|assistant|>", "<|tool_result|>", "<|end|>"}),
    turns=_1_5,
    repaired=replace(_1_5, tools=(*_TOOLS_1_5, _FORMAT_1_5), listing=None),
)

_TOOLS_1_6 = ("You are provided with function signatures within <available_tools></available_tools> XML tags.\n"
              "        You may call one or more functions to assist with the user query.\n"
              "        Don't make assumptions about the arguments. You should infer the argument values from previous\n"
              "        user responses and the system message.\n"
              "        Here are the available tools: \n        <available_tools>\n", LIST,
              "        \n        </available_tools>.\n\n"
              "        Return all function calls as a list of JSON objects within <tool_calls></tool_calls> XML tags.\n"
              "        Each JSON object should contain a function name and arguments as follows:\n"
              "        <tool_calls>[\n"
              '            {"name": <function-name-1>, "arguments": <args-dict-1>},\n'
              '            {"name": <function-name-2>, "arguments": <args-dict-2>},\n'
              "            ...\n        ]</tool_calls>\n")
_1_6 = replace(
    _1_5,
    start=(),
    system=("<s><|begin_system|>\n"
            "You are a thoughtful, systematic AI assistant from ServiceNow Language Models (SLAM) lab.\n"
            "    Analyze each question carefully, present your reasoning step-by-step, then provide the final\n"
            "    response after the marker [BEGIN FINAL RESPONSE].\n", CONTENT, When("system", "\n"), TOOLS),
    later_system=("<|begin_system|>\n", CONTENT, "\n"),
    user=("<|begin_user|>\n", CONTENT),
    assistant=("\n<|begin_assistant|>\n", REPLY, "\n<|end|>\n"),
    result=("<|begin_tool_result|>\n", CONTENT, "\n\n\n"),
    reply_starts=("\n<|begin_assistant|>\n", "Here are my reasoning steps:\n"),
    tools=_TOOLS_1_6,
    listing=_together,
)

APRIEL_1_6 = replace(
    APRIEL_1_5,
    name="apriel-1.6",
    special=frozenset({"<s>", "</s>", "<|begin_system|>", "<|begin_user|>", "<|begin_assistant|>", "<|begin_tool_result|>",
                       "<|end|>"}),
    turns=_1_6,
    repaired=replace(_1_6, listing=None),
)

CARDS = (
    Card(
        APRIEL_1_5,
        title="Apriel 1.5 Thinker",
        tier="multi",
        why="trained to write a list of calls after reasoning",
        verified="llama.cpp's copy of the chat template, byte for byte but for its tokens of beginning and end; reasoning "
                 "as its model card describes it",
        models=("apriel-1[.-]5(-15b)?(-thinker)?",),
        evidence=("<tool_calls>[", "<|tool_result|>", "<available_tools>"),
        unverified=(
            ("apriel-nemotron", "its reasoning and its turns are these, by its model card; its prompts open the reasoning"),
            ("apriel-h1", "it is distilled of Apriel-Nemotron, whose turns are these by its model card"),
        ),
    ),
    Card(
        APRIEL_1_6,
        title="Apriel 1.6 Thinker",
        tier="multi",
        why="trained to write a list of calls after reasoning",
        verified="llama.cpp's copy of the chat template, byte for byte but for its tokens of beginning and end",
        models=("apriel-1[.-]6(-15b)?(-thinker)?",),
        evidence=("<tool_calls>[", "<|begin_tool_result|>", "<available_tools>"),
        unverified=(("super-?apriel", "its chat template begins as that of 1.6, which is taken to be the same"),),
    ),
)
