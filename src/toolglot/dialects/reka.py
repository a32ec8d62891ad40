'''Reka Edge: JSON in tags, as Qwen and Hermes write it, in a frame of words.

Source: chat_template of Reka Edge of 2026 (llama.cpp's copy, Reka-Edge.jinja).

    assistant: <think>
    I should look it up.
    </think>

    Let me look.
    <tool_call>
    {"name": "get_weather", "arguments": {"city": "Paris"}}
    </tool_call>

    <sep>

Ugly and true: roles are plain words, <sep> alone is a token; a prompt ends with `assistant:`, and the blank behind it is
the model's to write; nothing stands between two calls or two results; tools are escaped to ASCII.
'''

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..card import Card
from ..spec import CONTENT, LIST, REPLY, RESULTS, TEXT, TOOLS, Dialect, Turns, When
from .hermes import JSON_IN_TAGS


def escaped(tools: Sequence[Mapping[str, Any]]) -> str:
    """Each tool as a line of JSON in ASCII."""
    return "\n".join([json.dumps(tool) for tool in tools])


REKA_EDGE = Dialect(
    "reka-edge",
    calls=replace(JSON_IN_TAGS, between=""),
    reasoning=("<think>\n", TEXT, "\n</think>\n\n"),
    stop=("<sep>",),
    special=frozenset({"<sep>"}),
    turns=Turns(
        system=("system: ", CONTENT, When("both", "\n\n"), TOOLS, "\n\n<sep>"),
        empty_system=False,
        later_system=("system: ", CONTENT, "\n\n<sep>"),
        user=("human: ", CONTENT, "<sep>"),
        assistant=("assistant: ", REPLY, "\n\n<sep>"),
        results=("human: ", RESULTS, "<sep>"),
        result=("<tool_response>\n", CONTENT, "\n</tool_response>"),
        reply_starts=("assistant:", When("thinking", " <think>\n")),
        tools=("# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
               "You are provided with function signatures within <tools></tools> XML tags:\n<tools>\n", LIST,
               "\n</tools>\n\nFor each function call, return a json object with function name and arguments within "
               "<tool_call></tool_call> XML tags:\n<tool_call>\n"
               '{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>'),
        listing=escaped,
        unthought=True,
    ),
)

CARDS = (
    Card(
        REKA_EDGE,
        title="Reka Edge",
        tier="multi",
        why="several calls, behind words and reasoning",
        verified="chat template, byte for byte",
        models=("reka-edge",),
        evidence=("<tool_call>", "human: ", "<sep>"),
        differs=(
            "Reasoning behind the last question is kept unless none is asked for; the template keeps it where some is.",
            "A last turn without reasoning has no empty block; the template writes one where reasoning is asked for.",
            "Past calls hold letters as they are; the template escapes them to ASCII.",
            "A later system message is told where it stands; the template drops it.",
            "Words that hold </think> stay whole; the template takes what stands before it for reasoning.",
            "Reasoning keeps the white space at its ends, which the template trims.",
            "Words and a call have a line break between, even where the words end in one; the template adds none there.",
        ),
    ),
)
