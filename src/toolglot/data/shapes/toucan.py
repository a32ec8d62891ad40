r"""Toucan: conversations with real MCP servers, one and a half million of them.

Source: Agent-Ark/Toucan-1.5M, as converters of it read it; its generator is TheAgentArk/Toucan.

    {"uuid": "…", "subset_name": "single-turn-original", "question": "…", "target_tools": "…",
     "tools": "[{\"type\": \"function\", \"function\": {…}}]",
     "messages": "[{\"role\": \"user\", \"content\": \"…\"},
                   {\"role\": \"tool_call\", \"content\": \"{'name': 'f', 'arguments': '{\\\"a\\\": 1}'}\"},
                   {\"role\": \"tool_response\", \"content\": \"2\"}, …]"}

Ugly and true: the messages are JSON in a string, each call what Python prints for a dict, and its arguments JSON in a
string again. The files by model (Kimi-K2, Qwen3, OSS) have `function_call` in the reply and results of role `function`; a
system text there may tell of the tools in Kimi's own markup, which is cut. That was seen in converters only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..declared import declared
from ..row import Row
from ..sound import Talk, an_object, between, call, listed, others, text_of, words
from . import Shape
from ._roles import tell

_DECLARED = "<|im_system|>tool_declare<|im_middle|>"


def read(raw: Any) -> Row:
    row = an_object(raw)
    talk = Talk(declared(row.get("tools") or row.get("available_tools")))
    extra = others(row, "messages", "tools", "available_tools")
    for n, message in enumerate(listed(row, "messages")):
        talk.at = n
        if message.get("function_call"):
            at = f"messages[{n}]"
            said = words(text_of(message.get("content") or "", f"{at}.content"))
            made = call(message["function_call"], f"{at}.function_call")
            talk.reply([*said, made]) if said else talk.more([made])
        elif message.get("role") == "assistant" and not message.get("content"):
            continue                                # Qwen-Agent writes an empty one beside calls
        elif message.get("role") == "system":
            text = text_of(message.get("content") or "", f"messages[{n}].content")
            ends = [0, *(p for span in between(text, _DECLARED, "<|im_end|>") for p in span), len(text)]
            if kept := "".join([text[a:b] for a, b in zip(ends[::2], ends[1::2], strict=True)]).strip():
                talk.system(kept)
        else:
            tell(talk, [message], "role", "content", first=n)
    return talk.row(extra=extra)


def evidence(raw: Any) -> str | None:
    if isinstance(raw, Mapping) and isinstance(raw.get("messages"), str) and isinstance(
            raw.get("tools") or raw.get("available_tools"), str):
        return "`messages` and `tools`, both JSON in strings"
    return None


SHAPE = Shape("toucan", "Toucan 1.5M", read, evidence, "Agent-Ark/Toucan-1.5M (2025)")
