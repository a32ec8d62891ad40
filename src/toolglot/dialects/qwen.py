'''Qwen2.5, QwQ and Qwen3: JSON between tags.

Sources: chat_template of Qwen/Qwen2.5-7B-Instruct (sha256 cd8e9439, four copies agree), Qwen/Qwen3-0.6B (87a2728c, two
copies), Qwen/Qwen3-Next-80B-A3B-Instruct and the 2507 Instruct models (64f85b19, two copies), Qwen/Qwen3-Next-80B-A3B-
Thinking and Qwen3-235B-A22B-Thinking-2507 (3802169b, one file for both), Qwen/QwQ-32B (61433aea, as xinference has it).

    <tool_call>
    {"name": "get_weather", "arguments": {"city": "Paris"}}
    </tool_call><|im_end|>

Ugly and true: Qwen3 keeps reasoning only after the last question, and prompts of the Thinking models and of QwQ end with
<think>, so that their replies begin inside the reasoning; QwQ's history keeps none of it. Before the tools, Qwen2.5 and
QwQ write two line breaks even with nothing above them.
'''

from __future__ import annotations

from dataclasses import replace

from ..card import Card
from ..spec import CONTENT, TEXT, TOOLS, Dialect, When
from ._chatml import CHATML, QWEN_TOOLS, SYSTEM
from .hermes import JSON_IN_TAGS

_SPECIAL = frozenset({"<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>"})
_THINKS = _SPECIAL | {"<think>", "</think>"}

_2_5 = replace(
    CHATML,
    system=("<|im_start|>system\n", CONTENT, When("tools", "\n\n"), TOOLS, "<|im_end|>\n"),
    default_system=("You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",),
    tools=QWEN_TOOLS,
)
_3 = replace(
    CHATML,
    later_system=SYSTEM,
    tools=QWEN_TOOLS,
    reply_starts=("<|im_start|>assistant\n", When("no-thinking", "<think>\n\n</think>\n\n")),
    empty_reasoning="last",
)

QWEN2_5 = Dialect(
    "qwen2.5",
    calls=JSON_IN_TAGS,
    stop=("<|im_end|>", "<|endoftext|>"),
    special=_SPECIAL,
    turns=_2_5,
)

QWEN3 = Dialect(
    "qwen3",
    calls=JSON_IN_TAGS,
    reasoning=("<think>\n", TEXT, "\n</think>\n\n"),
    stop=("<|im_end|>", "<|endoftext|>"),
    special=_THINKS,
    turns=_3,
)

QWEN3_INSTRUCT = replace(
    QWEN3,
    name="qwen3-instruct",
    turns=replace(_3, reply_starts=("<|im_start|>assistant\n",), reasoning="none", empty_reasoning="never"),
)

QWEN3_THINKING = replace(
    QWEN3,
    name="qwen3-thinking",
    turns=replace(_3, reply_starts=("<|im_start|>assistant\n", "<think>\n")),
)

QWQ = replace(
    QWEN3,
    name="qwq",
    turns=replace(_2_5, default_system=(), later_system=SYSTEM, reasoning="none",
                  reply_starts=("<|im_start|>assistant\n", "<think>\n")),
)

_RESPONSE = ("A user's message wholly between <tool_response> tags stays a question; the template takes it for a "
             "result.")
_CLOSER = "Words that hold </think> stay whole; the template takes what stands before it for reasoning."
_EDGES = "Words keep the line breaks that they begin with; the template strips them behind reasoning."
_NULL = "A turn of calls that says nothing at all (null) is told; the template fails."

CARDS = (
    Card(
        QWEN2_5,
        title="Qwen2.5, Qwen2.5-Coder, QwQ-Preview",
        tier="full",
        why="several calls, each in tags of its own, and its makers' API, library and documents",
        verified="chat template, byte for byte; four copies agree",
        models=("qwen-?2[.-]5(?!\\d)", "qwq(-32b)?-preview", "huatuogpt-o1-(7|72)b"),
        evidence=("<tool_call>", "<|im_start|>", '"arguments": '),
        unless=("<function=", "<think>", "has_reasoning", "<|start_header_id|>"),
    ),
    Card(
        QWEN3,
        title="Qwen3, both of whose modes are in one model",
        tier="full",
        why="several calls, reasoning that is kept while tools are used, and its makers' API, library and documents",
        verified="chat template, byte for byte; two copies agree",
        models=("qwen-?3(?!\\.)",),
        gguf=("qwen3vl", "qwen3vlmoe"),
        evidence=("<tool_call>", "<think>", "<|im_start|>", '"arguments": '),
        unless=("<function=",),
        differs=(_RESPONSE, _CLOSER, _EDGES, _NULL),
        unverified=(
            ("nanbeige-?4(?!\\.2)", "its calls and tools are these; it is told who it is in Chinese"),
            ("holo-?2", "it is made of Qwen3-VL; what its makers changed of the prompt is not known"),
        ),
    ),
    Card(
        QWEN3_INSTRUCT,
        title="Qwen3 Instruct 2507, Qwen3-Next Instruct, Qwen3-VL Instruct: those that do not think",
        tier="full",
        why="several calls, and its makers' API, library and documents",
        verified="chat template, byte for byte; two copies agree",
        models=("qwen-?3(?!\\.|-coder|-omni)[-:.\\w]*instruct",),
        unverified=(("trinity-large(?!-thinking)", "its calls are these, by its model card; its prompt is not verified"),),
        evidence=("<tool_call>", "<|im_start|>", '"arguments": ', "tool_call.arguments is string"),
        unless=("<function=", "<think>"),
    ),
    Card(
        QWEN3_THINKING,
        title="Qwen3 Thinking 2507, Qwen3-Next Thinking, Qwen3-VL Thinking",
        tier="full",
        why="several calls, reasoning that is kept while tools are used, and its makers' API, library and documents",
        verified="chat template, byte for byte; one file serves two of the models",
        models=("qwen-?3(?!\\.|-coder|-omni)[-:.\\w]*thinking",),
        evidence=("<tool_call>", "<|im_start|>", '"arguments": ', "reasoning_content", "assistant\\n<think>\\n' }}"),
        unless=("<function=", "enable_thinking"),
        differs=(_RESPONSE, _CLOSER, _EDGES),
    ),
    Card(
        QWQ,
        title="QwQ",
        tier="multi",
        why="trained to make several calls after reasoning; its makers' agent library speaks it",
        verified="chat template, byte for byte, and llama.cpp's copy where that was not changed",
        models=("qwq",),
        evidence=("<tool_call>", "<|im_start|>", '"arguments": ', "</think>", "assistant\\n<think>\\n' }}"),
        unless=("<function=", "reasoning_content"),
        differs=(_CLOSER, "Words keep the line breaks that they begin with; the template strips them.", _NULL),
    ),
)
