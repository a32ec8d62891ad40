r"""OpenAI's fine-tuning files, and the chat rows that most trainers take.

Source: OpenAI's guides "Fine-tuning" and "Fine-tuning for function calling", and Azure's copy of the latter. What
toolglot's own chat writer writes is this shape.

    {"messages": [{"role": "user", "content": "…"},
                  {"role": "assistant", "tool_calls": [{"id": "call_1", "type": "function",
                    "function": {"name": "f", "arguments": "{\"a\": 1}"}}]},
                  {"role": "tool", "tool_call_id": "call_1", "content": "2"},
                  {"role": "assistant", "content": "It is 2.", "weight": 1}],
     "tools": [{"type": "function", "function": {…}}], "parallel_tool_calls": false}

Ugly and true: the older files have `functions`, `function_call` and results of role `function`, which have no ids. `weight`
is 0 or 1, on replies alone; that other trainers let it be a fraction is not verified. Preference files put the conversation
into `input` and the last replies into `preferred_output` and `non_preferred_output`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from ...message import Part, Reasoning
from ..declared import declared
from ..loose import shown
from ..row import Row
from ..sound import Talk, an_object, as_text, call, calls, cleaned, listed, others, text_of, words
from . import Shape

ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
_KNOWN = ("messages", "tools", "functions", "parallel_tool_calls", "input", "preferred_output", "non_preferred_output")
_THOUGHTS = ("reasoning_content", "reasoning", "thinking")


def read(raw: Any) -> Row:
    row = an_object(raw)
    whole, row = row, an_object(row["input"]) if "preferred_output" in row else row
    talk = Talk(declared(row.get("tools") or row.get("functions")))
    for n, message in enumerate(listed(row, "messages")):
        talk.at = n
        tell(talk, message)
    rejected = None
    if whole is not row:
        for message in listed(whole, "preferred_output"):
            tell(talk, message)
        worse = listed(whole, "non_preferred_output")
        rejected = [p for n, message in enumerate(worse) for p in parts(message, f"non_preferred_output[{n}]")]
    parallel = row.get("parallel_tool_calls")
    return talk.row(parallel if isinstance(parallel, bool) else None, rejected, others(whole, *_KNOWN))


def tell(talk: Talk, message: Mapping[str, Any]) -> None:
    role, content = message.get("role"), message.get("content")
    at = f"messages[{talk.at}]"
    if role == "user":
        talk.user(text_of(content, f"{at}.content"))
    elif role == "assistant":
        talk.reply(parts(message, at), _weight(message))
    elif role in ("tool", "function"):
        id, name = message.get("tool_call_id"), message.get("name")
        talk.results(as_text(content, talk), name if isinstance(name, str) else None, id if isinstance(id, str) else None)
    elif role in ("system", "developer"):
        talk.system(text_of(content, f"{at}.content"))
    else:
        raise talk.wrong("unknown role", f"expected one of {', '.join(sorted(ROLES))}; found {shown(role)}", ".role")


def parts(message: Mapping[str, Any], at: str) -> list[Part]:
    """The parts of an assistant message."""
    content = message.get("content")
    out: list[Part] = words(text_of(content, f"{at}.content")) if content is not None else []
    thought = next((message[k] for k in _THOUGHTS if isinstance(message.get(k), str) and message[k]), None)
    if thought:
        out.insert(0, Reasoning(cleaned(thought)))
    if message.get("tool_calls"):
        out += calls(message["tool_calls"], f"{at}.tool_calls")
    elif message.get("function_call"):
        out.append(call(message["function_call"], f"{at}.function_call"))
    return out


def _weight(message: Mapping[str, Any]) -> float | None:
    weight = message.get("weight")
    return float(weight) if isinstance(weight, (int, float)) and 0 <= weight < 1e9 else None


def evidence(raw: Any) -> str | None:
    if isinstance(raw, Mapping) and isinstance(raw.get("input"), Mapping) and "preferred_output" in raw:
        return "`input` with `messages`, and `preferred_output`" if isinstance(raw["input"].get("messages"), list) else None
    messages = raw.get("messages") if isinstance(raw, Mapping) else None
    if not are_messages(messages) or isinstance(raw.get("tools"), str) or "chosen_response" in raw:
        return None
    called = next((k for m in messages for k in ("tool_calls", "function_call", "tool_call_id") if m.get(k)), None)
    if called:
        return f"`messages` with `{called}`"
    if raw.get("functions"):
        return "`messages` and `functions`"
    tools = raw.get("tools")
    if not tools:
        tagged = any("<TOOLCALL>" in m["content"] for m in messages if isinstance(m.get("content"), str))
        return None if tagged else "`messages` of roles and contents"
    if isinstance(tools, list) and all(isinstance(t, Mapping) and isinstance(t.get("function"), Mapping) for t in tools):
        return "`messages`, and `tools` of type function"
    return None


def are_messages(given: Any) -> TypeGuard[list[Mapping[str, Any]]]:
    return isinstance(given, list) and bool(given) and all(isinstance(m, Mapping) and m.get("role") in ROLES for m in given)



SHAPE = Shape("openai", "OpenAI fine-tuning, and chat rows with tools", read, evidence,
              "OpenAI, guide \"Fine-tuning for function calling\" (2023 to 2025)")
