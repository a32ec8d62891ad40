'''Grok 2: it was published without any way to call tools, so it is told of them in its own frame.

Source: llama.cpp's and SGLang's renderings of xai-org/grok-2's frame; the format of calls is ours.

    {"name": "get_weather", "arguments": {"city": "Paris"}}<|separator|>
'''

from __future__ import annotations

from dataclasses import replace

from ..card import Card
from ..spec import CONTENT, REPLY, RESULTS, TOOLS, When
from .zero_shot import JSON, JSON_TURNS

_CLOSER = "<|separator|>\n\n"

GROK_2 = replace(
    JSON,
    name="grok-2",
    stop=("<|separator|>",),
    special=frozenset({"<|separator|>"}),
    turns=replace(
        JSON_TURNS,
        system=("System: ", CONTENT, When("tools", "\n\n"), TOOLS, _CLOSER),
        later_system=("System: ", CONTENT, _CLOSER),
        user=("Human: ", CONTENT, _CLOSER),
        assistant=("Assistant: ", REPLY, _CLOSER),
        results=("Human: ", RESULTS, _CLOSER),
        reply_starts=("Assistant:",),
        trim=frozenset({"system", "user"}),
    ),
)

CARDS = (
    Card(
        GROK_2,
        title="Grok 2",
        tier="none",
        why="its weights came with a frame for conversations and no word of tools",
        verified="the frame against two engines that render it; the words about tools are ours",
        models=("grok-?2(\\.5)?",),
        ollama=("grok-2",),
        gguf=("grok",),
    ),
)
