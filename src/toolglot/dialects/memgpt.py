'''MemGPT's wrappers for local models: every reply is one JSON object that names a function.

Source: pymemgpt 0.3.25, `local_llm/llm_chat_completion_wrappers/chatml.py` (ChatMLInnerMonologueWrapper).

    {
      "function": "get_weather",
      "params": {"city": "Paris"}
    }

Ugly and true: types and whether a parameter is required are not told, and a result comes back in a turn of the
assistant. MemGPT itself writes "params" over several lines too, asks for a parameter `inner_thoughts` in each call
(declare it to have it here), begins the reply with `{\n  "function":`, and has even answers as a call (`send_message`).
'''

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..card import Card
from ..spec import CONTENT, LIST, NAME, RESULTS, TOOLS, Calls, Json, Object, When
from ._chatml import SYSTEM
from ._idioms import function
from .zero_shot import JSON, TURNS


def described(tools: Sequence[Mapping[str, Any]]) -> str:
    """`name:`, its description and its parameters' below, in the manner of YAML."""
    return "\n".join(["\n".join([f"{name}:", f"  description: {said}", "  params:",
                                 *(f"    {m.name}: {m.said}" for m in members)])
                      for name, said, members in map(function, tools)])


MEMGPT = replace(
    JSON,
    name="memgpt",
    calls=Calls((Object({"function": NAME, "params": Json()}, indent=2),), between="\n", at_start=True),
    accept=(),
    stop=("FUNCTION RETURN:", *JSON.stop),
    turns=replace(
        TURNS,
        system=("<|im_start|>system\n", CONTENT, When("both", "\n"), TOOLS, "<|im_end|>\n"),
        later_system=SYSTEM,
        default_system=(),
        tools=("Please select the most suitable function and parameters from the list of available functions below, based "
               "on the ongoing conversation. Provide your response in JSON format.\nAvailable functions:\n", LIST),
        listing=described,
        results=("<|im_start|>assistant\n", RESULTS, "<|im_end|>\n"),
        result=("FUNCTION RETURN:\n", CONTENT),
        result_between="\n",
        trim=frozenset({"system", "user"}),
    ),
)

CARDS = (
    Card(
        MEMGPT,
        title="MemGPT's local wrappers (ChatML)",
        tier="zero-shot",
        why="a prompt for any model, one call a turn",
        verified="its source (pymemgpt 0.3.25), by hand",
        framed=True,
    ),
)
