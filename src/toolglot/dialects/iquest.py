'''IQuest-Q1: GLM's keys and values between markers of its own.

Source: chat_template.jinja of IQuestLab/IQuest-Q1, revision 5c21b063 (a copy in JLFN/ds4-dfm-rs, tests/fixtures/
chat-template/models/iquest); sglang 0.5.23's iquest_q1_detector.

    <think>I look.</think><iquest_tool_call>get_time<arg_key>zone</arg_key><arg_value>UTC</arg_value></iquest_tool_call>

Ugly and true: the tools are Python functions with docstrings, in a system turn of their own before the caller's; every
past reply begins with a block of reasoning, be it empty; history strips the words and keeps the reasoning as it is. A
past answer that holds </think> is told whole, where the template takes what stands before it for reasoning. The role
`developer`, which the template has besides `system`, is not written.
'''

from __future__ import annotations

from dataclasses import replace

from ..card import Card
from ..spec import CONTENT, LIST, REPLY, RESULTS, TEXT, Dialect, Turns, When
from ._docstrings import docstrings
from .glm import GLM_4_7

IQUEST_Q1 = Dialect(
    "iquest-q1",
    calls=replace(GLM_4_7.calls, each=("<iquest_tool_call>", *GLM_4_7.calls.each[1:-1], "</iquest_tool_call>")),
    reasoning=("<think>", TEXT, "</think>"),
    stop=("<|iquest_end|>",),
    special=frozenset({"<|iquest_system|>", "<|iquest_user|>", "<|iquest_assistant|>", "<|iquest_tool|>", "<|iquest_end|>",
                       "<think>", "</think>", "<iquest_tool_call>", "</iquest_tool_call>"}),
    turns=Turns(
        system=("<|iquest_system|>", CONTENT, "<|iquest_end|>"),
        user=("<|iquest_user|>", CONTENT, "<|iquest_end|>"),
        assistant=("<|iquest_assistant|>", REPLY, "<|iquest_end|>"),
        results=("<|iquest_tool|>", RESULTS, "<|iquest_end|>"),
        result=("<tool_response>", CONTENT, "</tool_response>"),
        reply_starts=("<|iquest_assistant|>", When("no-thinking", "<think></think>", "<think>")),
        tools_at="own",
        tools=("<|iquest_system|>\n# Tools\n\nYou have access to the following functions:\n\n<tools>\n", LIST,
               "\n</tools>\n\nFor each function call, output the function name and arguments within the following XML "
               "format:\n<iquest_tool_call>{function-name}<arg_key>{arg-key-1}</arg_key><arg_value>{arg-value-1}</arg_value>"
               "<arg_key>{arg-key-2}</arg_key><arg_value>{arg-value-2}</arg_value>...</iquest_tool_call><|iquest_end|>"),
        listing=docstrings,
        trim=frozenset({"answer", "called"}),
        reasoning="all",
        empty_reasoning="always",
    ),
)

CARDS = (
    Card(
        IQUEST_Q1,
        title="IQuest-Q1",
        tier="multi",
        why="trained to make several calls, each in tags of its own, with reasoning that can be turned off",
        verified="chat template, byte for byte",
        models=("iquest-?q1",),
        gguf=("iquest-q1",),
        evidence=("<iquest_tool_call>", "<arg_key>", "<|iquest_end|>"),
    ),
)
