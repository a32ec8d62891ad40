"""What a chat API is told, in the shape of Chat Completions: a conversation -> messages, tools and a choice -> fields.

The one rule: nothing is sent but what every such server knows; what a choice leaves out is not offered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from ..grammar import Choice
from ..message import Assistant, Call, Part, Reasoning, Result, System, Text, Tool, ToolglotError, Turn, User


def messages_of(turns: Sequence[Turn], reasoning: str | None = None,
                extras: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """The turns as messages in OpenAI's shape; `chat.as_turns` is the way back.

    A call without an id gets one, call00001 and so on; the result that answers it gets the same. `reasoning` names the
    field that takes what was thought before a call; without it, that is left out. `extras` is what the server itself
    added to its calls, by their ids: it wants that back. Raises ToolglotError for a result that answers no call.
    """
    taken = {part.id for turn in turns if isinstance(turn, Assistant) for part in turn.parts if isinstance(part, Call)}
    fresh = (id for n in count(1) if (id := f"call{n:05}") not in taken)
    messages: list[dict[str, Any]] = []
    waiting: list[tuple[str, str]] = []                  # calls without a result: their ids and names
    for i, turn in enumerate(turns):
        match turn:
            case System(text):
                messages.append({"role": "system", "content": text})
            case User(text):
                messages.append({"role": "user", "content": text})
            case Assistant(parts):
                calls = [(part, part.id or next(fresh)) for part in parts if isinstance(part, Call)]
                waiting = [(id, call.name) for call, id in calls]
                messages.append(_assistant(parts, calls, reasoning, extras or {}))
            case Result(text):
                messages.append({"role": "tool", "tool_call_id": _answered(turn, waiting, i), "content": text})
    return messages


def _answered(result: Result, waiting: list[tuple[str, str]], i: int) -> str:
    """The id of the call that a result answers; it waits no longer."""
    for id, name in waiting:
        if result.id == id or (result.id is None and result.name in ("", name)):
            waiting.remove((id, name))
            return id
    if result.id is None:
        raise ToolglotError(f"turns[{i}]: a result{f' of {result.name!r}' if result.name else ''}, but no call waits for "
                            "one; put it behind the call that it answers")
    return result.id


def _assistant(parts: Sequence[Part], calls: Sequence[tuple[Call, str]], reasoning: str | None,
               extras: Mapping[str, Any]) -> dict[str, Any]:
    text = "".join(part.text for part in parts if isinstance(part, Text))
    message: dict[str, Any] = {"role": "assistant", "content": text if text or not calls else None}
    if calls and reasoning:                              # even an empty one: DeepSeek refuses a call without
        message[reasoning] = "".join(part.text for part in parts if isinstance(part, Reasoning))
    if calls:
        message["tool_calls"] = [
            {"id": id, "type": "function", **({"extra_content": extras[id]} if id in extras else {}),
             "function": {"name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)}}
            for call, id in calls]
    return message


def offered(tools: Sequence[Tool], choice: Choice) -> dict[str, Any]:
    """The fields of a request that say what may be called. Raises ToolglotError for a choice of no known tool.

    A choice of some tools is those alone with `required`: llama-server takes a `tool_choice` that is an object for
    `auto` without a word, and `allowed_tools` is known to few. It costs the server's cache of the prompt.
    """
    if isinstance(choice, Mapping):
        known = {tool.name: tool for tool in tools}
        names = [choice["name"]] if "name" in choice else list(choice.get("allowed", ()))
        if not names or any(name not in known for name in names):
            raise ToolglotError(f"choice: expected names of tools, got {dict(choice)!r}; the tools are "
                                f"{', '.join(known) or 'none'}")
        tools, choice = [known[name] for name in names], "required"
    if choice not in ("auto", "required", "none"):
        raise ToolglotError(f"choice: expected auto, required, none, a name or a list of allowed ones; got {choice!r}")
    if choice == "required" and not tools:
        raise ToolglotError("choice: a call is required, but there are no tools")
    return {"tools": [_tool(tool) for tool in tools], "tool_choice": choice} if tools else {}


def _tool(tool: Tool) -> dict[str, Any]:
    """In OpenAI's shape and with nothing else: strict servers refuse what they do not know."""
    given = tool.raw.get("function", {})
    function = {"name": tool.name, **({"description": tool.description} if tool.description else {}),
                "parameters": dict(tool.parameters), **({"strict": given["strict"]} if "strict" in given else {})}
    return {"type": "function", "function": function}
