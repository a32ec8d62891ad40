'''SmolLM3: JSON between tags, with the tools as Python writes them.

Source: chat_template of HuggingFaceTB/SmolLM3-3B, the revision that takes `tools` (sha256 3e0e275a); an older one knows
them as `xml_tools`.

    <tool_call>
    {"name": "get_weather", "arguments": {"city": "Paris"}}
    </tool_call><|im_end|>

Ugly and true: the template shows no past call, tells of results in plain user turns, keeps no reasoning, and without tools
leaves the system turn open. The repaired prompts show the calls and close the turn.
'''

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from ..card import Card
from ..spec import CONTENT, LIST, RESULTS, TEXT, TODAY, TOOLS, Dialect, When
from ._chatml import CHATML, SYSTEM
from .hermes import JSON_IN_TAGS

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December")


def _spelled(day: date) -> str:
    """`26 July 2024`"""
    return f"{day.day:02} {_MONTHS[day.month - 1]} {day.year}"


def _printed(tools: Sequence[Mapping[str, Any]]) -> str:
    """The tools as Python prints them, a line each."""
    return "\n".join(map(str, tools))


_HEAD = ("<|im_start|>system\n## Metadata\n\nKnowledge Cutoff Date: June 2025\nToday Date: ", TODAY, "\nReasoning Mode: ",
         When("no-thinking", "/no_think", "/think"), "\n\n## Custom Instructions\n\n", CONTENT, "\n\n", TOOLS)
_TURNS = replace(
    CHATML,
    system=(*_HEAD, When("tools", "\n\n<|im_end|>\n")),
    later_system=SYSTEM,
    empty_system=False,
    default_system=("You are a helpful AI assistant named SmolLM, trained by Hugging Face.", When("no-thinking", "", (
        " Your role as an assistant involves thoroughly exploring questions through a systematic thinking process before "
        "providing the final precise and accurate solutions. This requires engaging in a comprehensive cycle of analysis, "
        "summarizing, exploration, reassessment, reflection, backtracking, and iteration to develop well-considered "
        "thinking process. Please structure your response into two main sections: Thought and Solution using the specified "
        "format: <think> Thought section </think> Solution section. In the Thought section, detail your reasoning process "
        "in steps. Each step should include detailed considerations such as analysing questions, summarizing relevant "
        "findings, brainstorming new ideas, verifying the accuracy of the current steps, refining any errors, and "
        "revisiting previous steps. In the Solution section, based on various attempts, explorations, and reflections from "
        "the Thought section, systematically present the final solution that you deem correct. The Solution section should "
        "be logical, accurate, and concise and detail necessary steps needed to reach the conclusion."))),
    tools=("### Tools\n\nYou may call one or more functions to assist with the user query.\nYou are provided with function "
           "signatures within <tools></tools> XML tags:\n\n<tools>\n", LIST, "\n</tools>\n\nFor each function call, return "
           "a json object with function name and arguments within <tool_call></tool_call> XML tags:\n<tool_call>\n"
           '{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>'),
    listing=_printed,
    results=(RESULTS,),
    result=("<|im_start|>user\n", CONTENT, "<|im_end|>\n"),
    result_between="",
    no_reasoning=(When("no-thinking", "<think>\n\n</think>\n"),),
    reply_starts=("<|im_start|>assistant\n", When("no-thinking", "<think>\n\n</think>\n")),
    reasoning="none",
    past_calls="dropped",
    date=_spelled,
)

SMOLLM3 = Dialect(
    "smollm3",
    calls=JSON_IN_TAGS,
    reasoning=("<think>\n", TEXT, "\n</think>\n"),
    stop=("<|im_end|>", "<|end_of_text|>"),
    special=frozenset({"<|im_start|>", "<|im_end|>", "<think>", "</think>", "<tool_call>", "</tool_call>"}),
    turns=_TURNS,
    repaired=replace(_TURNS, system=(*_HEAD, When("tools", "\n\n"), "<|im_end|>\n"), past_calls="kept"),
)

CARDS = (
    Card(
        SMOLLM3,
        title="SmolLM3",
        tier="multi",
        why="trained to make several calls, each in tags of its own, though its template shows it no past call",
        verified="chat template, byte for byte",
        models=("smollm-?3(-3b)?",),
        evidence=("<tool_call>", "<|im_start|>", "## Custom Instructions", "xml_tools"),
        differs=(
            "Repaired, past calls are shown; the template drops them.",
            "Repaired, the system turn is closed without tools too; the template leaves it open.",
            "The words /think, /no_think and /system_override in a system message are words; the template takes them for "
            "switches.",
            "A later system message is told where it stands; the template drops it.",
            "Line breaks that an answer begins with and white space that a system message ends with are kept; the template "
            "strips them.",
        ),
    ),
)
