'''Qwen2.5, Qwen2.5-Coder, QwQ and Qwen3: JSON between tags.

Source: chat_template of Qwen/Qwen2.5-7B-Instruct (sha256 cd8e9439, four copies agree) and Qwen/Qwen3-0.6B (87a2728c,
two copies).

    <tool_call>
    {"name": "get_weather", "arguments": {"city": "Paris"}}
    </tool_call><|im_end|>

Qwen3 keeps reasoning only after the last question. It takes a user's message that is wholly between <tool_response>
tags for a result; here it stays a question.
'''

from __future__ import annotations

from dataclasses import replace

from ..spec import CONTENT, TEXT, TOOLS, Dialect, When
from ._chatml import CHATML, QWEN_TOOLS, SYSTEM
from .hermes import JSON_IN_TAGS

QWEN2_5 = Dialect(
    "qwen2.5",
    calls=JSON_IN_TAGS,
    stop=("<|im_end|>", "<|endoftext|>"),
    special=frozenset({"<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>"}),
    turns=replace(
        CHATML,
        system=("<|im_start|>system\n", CONTENT, When("tools", "\n\n"), TOOLS, "<|im_end|>\n"),
        default_system=("You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",),
        tools=QWEN_TOOLS,
    ),
)

QWEN3 = Dialect(
    "qwen3",
    calls=JSON_IN_TAGS,
    reasoning=("<think>\n", TEXT, "\n</think>\n\n"),
    stop=("<|im_end|>", "<|endoftext|>"),
    special=frozenset({"<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>", "<think>", "</think>"}),
    turns=replace(
        CHATML,
        system=("<|im_start|>system\n", CONTENT, When("both", "\n\n"), TOOLS, "<|im_end|>\n"),
        later_system=SYSTEM,
        tools=QWEN_TOOLS,
        reply_starts=("<|im_start|>assistant\n", When("no-thinking", "<think>\n\n</think>\n\n")),
        empty_reasoning="last",
    ),
)
