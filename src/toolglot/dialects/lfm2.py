'''LFM2 and LFM2.5: Python calls between tokens of their own.

Sources: chat_template of LiquidAI/LFM2-8B-A1B (as llama.cpp and TRL ship it) and of LiquidAI/LFM2.5-8B-A1B (the same
file in both, sha256 6d65c880); docs.liquid.ai, Tool Use.

    <|tool_call_start|>[get_weather(city='Paris')]<|tool_call_end|><|im_end|>

Ugly and true: LFM2's template has no place for past calls, so it shows results of calls that nobody made. LFM2.5's writes
past strings unescaped between single quotes, and objects as JSON in the midst of Python; here they are Python. Liquid's
documents write strings in double quotes: both are read. Asked to (in the system message), these models write JSON.
'''

from __future__ import annotations

from dataclasses import replace

from ..card import Card
from ..spec import CALLS, CONTENT, LIST, NAME, RESULTS, TEXT, TOOLS, Calls, Dialect, Json, Object, Pythonic, When
from ._chatml import CHATML, SYSTEM

_OBJECT = Object({"name": NAME, "arguments": Json()}, also={"parameters": Json()})
_AROUND = ("<|tool_call_start|>[", CALLS, "]<|tool_call_end|>")
_TOKENS = frozenset({"<|startoftext|>", "<|im_start|>", "<|im_end|>", "<|tool_call_start|>", "<|tool_call_end|>"})
_TURNS = replace(
    CHATML,
    start=("<|startoftext|>",),
    system=("<|im_start|>system\n", CONTENT, When("both", "\n"), TOOLS, "<|im_end|>\n"),
    later_system=SYSTEM,
    empty_system=False,
    tool_between=", ",
    results=(RESULTS,),
    result_between="",
)
_LFM2 = replace(
    _TURNS,
    tools=("List of tools: <|tool_list_start|>[", LIST, "]<|tool_list_end|>"),
    result=("<|im_start|>tool\n<|tool_response_start|>", CONTENT, "<|tool_response_end|><|im_end|>\n"),
    past_calls="dropped",
    reasoning="none",
)

LFM2 = Dialect(
    "lfm2",
    calls=Calls((NAME, "(", Pythonic(), ")"), around=_AROUND, between=", "),
    accept=(Calls((_OBJECT,), around=_AROUND, between=", "),
            Calls(("<|tool_call_start|>", _OBJECT, "<|tool_call_end|>"))),
    reasoning=("<think>", TEXT, "</think>"),
    stop=("<|im_end|>", "<|endoftext|>"),
    special=_TOKENS | {"<|tool_list_start|>", "<|tool_list_end|>", "<|tool_response_start|>", "<|tool_response_end|>"},
    turns=_LFM2,
    repaired=replace(_LFM2, past_calls="kept"),
)

LFM2_5 = replace(
    LFM2,
    name="lfm2.5",
    special=_TOKENS,
    turns=replace(
        _TURNS,
        tools=("List of tools: [", LIST, "]"),
        result=("<|im_start|>tool\n", CONTENT, "<|im_end|>\n"),
    ),
    repaired=None,
)

_WHY = "trained to write a Python list of calls; its makers' documents show one call at a time"

CARDS = (
    Card(
        LFM2,
        title="LFM2 (350M, 700M, 1.2B, 1.2B-Tool, 2.6B, 8B-A1B, 24B-A2B)",
        tier="multi",
        why=_WHY,
        verified="chat template, byte for byte (two copies agree), and its makers' documents",
        models=("lfm-?2",),
        ollama=("lfm2",),
        evidence=("<|tool_list_start|>", "<|tool_response_start|>"),
        differs=("Past calls are dropped by the template; the repaired prompt tells them.",),
    ),
    Card(
        LFM2_5,
        title="LFM2.5 (1.2B, 8B-A1B, VL)",
        tier="multi",
        why=_WHY,
        verified="chat template of 8B-A1B, byte for byte but for quotes and objects in past calls; two copies agree",
        models=("lfm-?2\\.5",),
        ollama=("lfm2.5", "lfm2.5-thinking"),
        evidence=("List of tools: ", "<|im_start|>"),
        unless=("<|tool_list_start|>",),
        differs=(
            "Strings of past calls are escaped as Python does; the template pastes them between single quotes.",
            "Objects in past calls are written as Python; the template writes them as JSON.",
            "Past calls are told as LFM2.5-8B-A1B's template does also to LFM2.5-1.2B-Instruct, whose own drops them.",
        ),
    ),
)
