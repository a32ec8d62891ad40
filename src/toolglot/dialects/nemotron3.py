'''Nemotron 3 Nano, Super and Ultra: Qwen3-Coder's calls, after reasoning.

Source: chat_template of nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16 (sha256 ab7813c3, two copies) and of Nemotron 3 Super
(575fb74f), which adds a switch for less effort.

    <think>
    I should look.
    </think>
    <tool_call>
    <function=get_weather>
    <parameter=city>
    Paris
    </parameter>
    </function>
    </tool_call>
    <|im_end|>

Ugly and true: past turns that tell of no reasoning begin with `<think></think>`, and with a line break more where they
are answers that lost theirs; calls end with a line break before the
turn's closer; booleans and null are written as Python writes them.
'''

from __future__ import annotations

from dataclasses import replace

from ..card import Card
from ..spec import CONTENT, LIST, REPLY, RESULTS, TEXT, TOOLS, Dialect, When
from ._chatml import CHATML, SYSTEM
from ._xml import json_functions
from .qwen_coder import REMINDER, calls

_CALLS, _BARE = calls(gap="\n")

NEMOTRON_3 = Dialect(
    "nemotron-3",
    calls=_CALLS,
    accept=(_BARE,),
    reasoning=("<think>\n", TEXT, "\n</think>\n"),
    call_ends_reasoning=True,
    stop=("<|im_end|>",),
    special=frozenset({"<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>", "<think>", "</think>"}),
    turns=replace(
        CHATML,
        system=("<|im_start|>system\n", CONTENT, When("both", "\n\n"), TOOLS, "<|im_end|>\n"),
        system_always=True,
        empty_system=False,
        later_system=SYSTEM,
        assistant=("<|im_start|>assistant\n", REPLY, When("called", "\n<|im_end|>\n", "<|im_end|>\n")),
        tools=("# Tools\n\nYou have access to the following functions:\n\n<tools>", LIST, REMINDER),
        listing=json_functions,
        results=("<|im_start|>user\n", RESULTS, "<|im_end|>\n"),
        result=("<tool_response>\n", CONTENT, "\n</tool_response>\n"),
        result_between="",
        trim=frozenset({"called", "answer"}),
        no_reasoning=("<think></think>", When("silent", "\n"), When("dropped", "\n")),
        reply_starts=("<|im_start|>assistant\n", When("no-thinking", "<think></think>", "<think>\n")),
    ),
)

CARDS = (
    Card(
        NEMOTRON_3,
        title="Nemotron 3 Nano, Super and Ultra",
        tier="multi",
        why="trained to make several calls while it reasons; its makers' documents speak of them",
        verified="chat template, byte for byte; two copies agree",
        models=("(nvidia-)?nemotron-?3(-(nano|super|ultra))?",),
        ollama=("nemotron-3-nano", "nemotron-3-super"),
        gguf=("nemotron-h-moe",),
        evidence=("<function=", "<parameter=", "<tool_call>", "<|im_start|>", "<think></think>",
                  "truncate_history_thinking"),
        differs=(
            "Answers are trimmed at both ends; beside reasoning the template trims only their end.",
            "Reasoning keeps its last line break where nothing follows it; the template drops it.",
            "Words that hold <think> or </think> stay whole; the template cuts them there.",
        ),
        unverified=(("nemotron-?3\\.5", "its calls are Nemotron 3's; its past reasoning stands without line breaks"),),
    ),
)
