'''Trinity Nano and Mini: Qwen3's calls, wherever they stand.

Sources: sglang 0.5.23's trinity_detector, which reads Qwen2.5's format and takes no heed of <think> tags; the model
cards of the larger ones.

    <think>
    I should look.
    <tool_call>
    {"name": "get_weather", "arguments": {"city": "Paris"}}
    </tool_call><|im_end|>

Ugly and true: a call that stands inside reasoning is meant, and ends it. No chat template could be had: that the tools are
told as Qwen3's are is not verified. Trinity Large Preview does not think; Large Thinking writes the calls of Qwen3.5.
'''

from __future__ import annotations

from dataclasses import replace

from ..card import Card
from .qwen import QWEN3_THINKING

TRINITY = replace(QWEN3_THINKING, name="trinity", call_ends_reasoning=True)

CARDS = (
    Card(
        TRINITY,
        title="Trinity Nano, Trinity Mini",
        tier="multi",
        why="trained to make several calls after reasoning; its makers' API takes tools",
        verified="replies as sglang's parser for it reads them; its prompt is not verified",
        models=("trinity-(nano|mini)",),
    ),
)
