r"""ms-swift's agent rows: calls and results are messages of their own.

Source: modelscope/ms-swift, docs/source_en/Instruction/Agent-support.md and Customization/Custom-dataset.md.

    {"tools": "[{\"type\": \"function\", \"function\": {…}}]",
     "messages": [{"role": "user", "content": "…"},
                  {"role": "tool_call", "content": "{\"name\": \"f\", \"arguments\": {\"a\": 1}}"},
                  {"role": "tool_response", "content": "2"}, {"role": "assistant", "content": "It is 2."}]}

Ugly and true: the tools are JSON in a string; calls that follow one another are parallel, and `tool` says the same as
`tool_response`. A message's `loss` (true, false or a number) weighs it. `rejected_response` is the worse last reply, as
text or as messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...message import Part
from ..declared import declared
from ..row import Row
from ..sound import Talk, an_object, calls, listed, others, text_of, words
from . import Shape
from ._roles import SPEAKERS, speakers, speaks, tell

_OWN = {"tool_call", "tool_response"}


def read(raw: Any) -> Row:
    row = an_object(raw)
    talk = Talk(declared(row.get("tools")))
    tell(talk, listed(row, "messages"), "role", "content", weight=_weight)
    worse = row.get("rejected_response") or row.get("rejected_messages")
    rejected = None if worse is None else _rejected(worse)
    return talk.row(None, rejected, others(row, "messages", "tools", "rejected_response", "rejected_messages"))


def _weight(message: Mapping[str, Any]) -> float | None:
    loss = message.get("loss")
    return float(loss) if isinstance(loss, (bool, int, float)) and 0 <= loss < 1e9 else None


def _rejected(given: Any) -> list[Part]:
    """The worse last reply: the messages of the model behind the last one that is not its own."""
    if isinstance(given, str):
        return words(given)
    parts: list[Part] = []
    for n, message in enumerate(listed({"rejected_messages": given}, "rejected_messages")):
        role, content, at = message.get("role"), message.get("content"), f"rejected_messages[{n}]"
        kind = SPEAKERS.get(role) if isinstance(role, str) else None
        if kind == "calls":
            parts += calls(content, at)
        else:
            parts = [*parts, *words(text_of(content, at))] if kind == "assistant" else []
    return parts


def evidence(raw: Any) -> str | None:
    if not isinstance(raw, Mapping) or "chosen_response" in raw:
        return None
    if not speaks(messages := raw.get("messages"), "role", "content"):
        return None
    if own := speakers(messages, "role") & _OWN:
        return f"`messages` of role {min(own)}"
    if isinstance(raw.get("tools"), str) and not any(m.get("tool_calls") for m in messages):
        return "`messages`, and `tools` in a string"
    return None


SHAPE = Shape("ms-swift", "ms-swift agent", read, evidence, "modelscope/ms-swift, Agent-support.md (2025)")
