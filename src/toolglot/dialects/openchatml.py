'''OpenChatML 0.1, a specification without a model that is known to follow it.

Source: cognitivecomputations/OpenChatML, README (2024).

    <|function_call|>
    {"arguments": {"city": "Paris"}, "name": "get_weather"}
    <|im_end|>

Ugly and true: the specification contradicts itself. Its text asks for <tools>, <tool_call> and <tool_response>, its
examples have pipes and no closers; the examples are written here, both are read. One token opens and closes the list of
functions. A line break stands before <|im_end|>, which plain ChatML has not.
'''

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..card import Card
from ..render import dumps
from ..spec import (
    CONTENT,
    LIST,
    NAME,
    PARSED,
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
from .hermes import JSON_IN_TAGS


def indented(tools: Sequence[Mapping[str, Any]]) -> str:
    """All the tools as one JSON list."""
    return dumps(list(tools), indent=2)


OPENCHATML = Dialect(
    "openchatml",
    calls=Calls(("<|function_call|>\n", Object({"arguments": Json(), "name": NAME})), between="\n"),
    accept=(JSON_IN_TAGS,),
    reasoning=("<|start_reason|>", TEXT, "<|end_reason|>"),
    join="\n",
    stop=("<|im_end|>", "</s>"),
    special=frozenset({"<s>", "<|im_start|>", "<|im_end|>", "<|function_list|>", "<|function_call|>",
                       "<|function_output|>", "<|start_reason|>", "<|end_reason|>"}),
    turns=Turns(
        start=("<s>\n",),
        system=("<|im_start|>system\n", CONTENT, When("both", "\n"), TOOLS, "\n<|im_end|>\n"),
        later_system=("<|im_start|>system\n", CONTENT, "\n<|im_end|>\n"),
        user=("<|im_start|>user\n", CONTENT, "\n<|im_end|>\n"),
        assistant=("<|im_start|>assistant\n", REPLY, "\n<|im_end|>\n"),
        results=("<|im_start|>tool\n", RESULTS, "\n<|im_end|>\n"),
        result=('<|function_output|>\n{"name": "', NAME, '", "content": ', PARSED, "}"),
        result_between="\n",
        reply_starts=("<|im_start|>assistant\n",),
        tools=("<|function_list|>\n", LIST, "\n<|function_list|>"),
        listing=indented,
        reasoning="none",
    ),
)

CARDS = (
    Card(
        OPENCHATML,
        title="OpenChatML 0.1",
        tier="multi",
        why="a specification for training, with several calls a turn; no model is known to be trained on it",
        verified="its examples, by hand; reasoning blocks are named there without an example",
        models=("openchatml",),
        evidence=("<|function_list|>", "<|function_call|>"),
    ),
)
