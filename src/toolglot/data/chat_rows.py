"""A row -> chat messages and tools, as TRL, Axolotl and Unsloth take them.

The one rule: what is written here and read again is the same row. What messages cannot say (words after a call) is a
RowError.

TRL's documentation (dataset formats, 2026) shows `arguments` as objects and `tools` as a list, and a chat template gets
them as they are; so does Unsloth. `datasets` before 4.8 makes one struct of all rows' objects and fills the gaps with
nulls: there, and in Parquet, `tools` is JSON text, which TRL reads (its pull request 5118). Axolotl reads `arguments` as
text too (pull request 3136); TRL leaves them to the chat template, and many write text a second time as a JSON string.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..message import Assistant, Call, Part, Reasoning, Result, System, Text, Turn, User
from .policy import Policy
from .row import Row, RowError


@dataclass(frozen=True)
class ChatShape:
    """`arguments` of calls as objects, or as JSON text. `tools` as a list, or as JSON text. `reasoning` and `weight` are
    the keys that they stand under; a weight is written where a turn has one. With `parallel` a record also has OpenAI's
    `parallel_tool_calls`, null where the source does not say."""

    arguments: Literal["object", "text"] = "object"
    tools: Literal["list", "text"] = "list"
    reasoning: str = "reasoning_content"
    weight: str = "weight"
    parallel: bool = False


def chat_row(row: Row, policy: Policy = Policy(), shape: ChatShape = ChatShape()) -> dict[str, Any]:
    """{"messages": [...], "tools": [...]}. Of preference data {"prompt", "chosen", "rejected", "tools"}, with the last
    reply alone under both. Raises RowError."""
    messages = [_message(turn, i, policy, shape) for i, turn in enumerate(row.turns)]
    for i, weight in _weights(row, policy).items():
        messages[i][shape.weight] = int(weight) if weight in (0, 1) else weight
    raw = [tool.raw for tool in row.tools]
    tools = raw if shape.tools == "list" else json.dumps(raw, ensure_ascii=False)
    more = {"parallel_tool_calls": row.parallel} if shape.parallel else {}
    if row.rejected is None:
        return {"messages": messages, "tools": tools, **more}
    worse = _message(Assistant(row.rejected), len(row.turns) - 1, policy, shape)
    return {"prompt": messages[:-1], "chosen": messages[-1:], "rejected": [worse], "tools": tools, **more}


def _weights(row: Row, policy: Policy) -> Mapping[int, float]:
    """What the replies weigh, where anything weighs them."""
    replies = [i for i, turn in enumerate(row.turns) if isinstance(turn, Assistant)]
    weights = dict(row.weights)
    if policy.turns == "last":
        weights |= dict.fromkeys(replies[:-1], 0.0)
    if policy.calls_only:
        weights |= {i: 0.0 for i in replies if not any(isinstance(p, Call) for p in row.turns[i].parts)}  # type: ignore[union-attr]
    return weights


def _message(turn: Turn, i: int, policy: Policy, shape: ChatShape) -> dict[str, Any]:
    match turn:
        case System(text):
            return {"role": "system", "content": text}
        case User(text):
            return {"role": "user", "content": text}
        case Result(text, name, id):
            return {"role": "tool", "content": text, **({"name": name} if name else {}),
                    **({"tool_call_id": id} if id is not None else {})}
        case Assistant(parts):
            return _assistant(parts, i, policy, shape)


def _assistant(parts: Sequence[Part], i: int, policy: Policy, shape: ChatShape) -> dict[str, Any]:
    order = [(Reasoning, Text, Call).index(type(p)) for p in parts]
    if order != sorted(order):
        raise RowError("messages cannot say it", f"turns[{i}]", "reasoning, words and calls stand in another order")
    thoughts, words = ("".join([p.text for p in parts if isinstance(p, kind)]) for kind in (Reasoning, Text))
    message: dict[str, Any] = {"role": "assistant", "content": words}
    if thoughts and policy.reasoning != "dropped":
        message[shape.reasoning] = thoughts
    if calls := [_call(p, shape) for p in parts if isinstance(p, Call)]:
        message["tool_calls"] = calls
    return message


def _call(call: Call, shape: ChatShape) -> dict[str, Any]:
    arguments = call.arguments if shape.arguments == "object" else json.dumps(call.arguments, ensure_ascii=False)
    named = {} if call.id is None else {"id": call.id}
    return {**named, "type": "function", "function": {"name": call.name, "arguments": arguments}}


__all__ = ["ChatShape", "chat_row"]
