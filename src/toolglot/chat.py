"""Messages as people have them, in OpenAI's shape, -> turns.

The one rule: what is wrong with a message is said with its place, `messages[3]`, and what to do about it.
"""

from __future__ import annotations

import json
import marshal
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .message import Assistant, Call, Part, Reasoning, Result, System, Text, ToolglotError, Turn, User

ROLES = ("system", "developer", "user", "assistant", "tool", "function")


class MessageError(ToolglotError):
    """A message is not what it should be: where, what was expected, what came, what to do."""


def as_turns(messages: Iterable[Any]) -> list[Turn]:
    """Turns from chat messages (dicts), or turns as they are.

    Roles: system or developer, user, assistant (`content`, `tool_calls` or `function_call`, `reasoning_content`),
    tool or function. `arguments` may be JSON text or a dict. Raises MessageError.
    """
    if isinstance(messages, (str, bytes, Mapping)) or not isinstance(messages, Iterable):
        raise MessageError(f"messages: expected a list of messages, got {_kind(messages)}; write "
                           '[{"role": "user", "content": "..."}]')
    turns: list[Turn] = []
    waiting: list[Call] = []                 # calls without a result, in order
    made: dict[str, Call] = {}
    turn: Turn
    for i, message in enumerate(messages):
        if isinstance(message, dict):
            role, content = message.get("role"), message.get("content")
            if role == "user" and isinstance(content, str):      # the usual message, at no cost
                turns.append(User(content))
                continue
            if role == "assistant":
                turn = _assistant(message, i)
            else:
                turn = _turn(message, role, f"messages[{i}]", waiting, made)
        elif isinstance(message, (System, User, Assistant, Result)):
            turn = message
        elif isinstance(message, Mapping):
            turn = _turn(message, message.get("role"), f"messages[{i}]", waiting, made)
        else:
            raise MessageError(f"messages[{i}]: expected a dict with a role, got {_kind(message)}")
        if isinstance(turn, Assistant):
            waiting = [p for p in turn.parts if isinstance(p, Call)]
            for call in waiting:
                if call.id is not None:
                    made[call.id] = call
        elif isinstance(turn, Result):
            waiting = [c for c in waiting if c.id != turn.id] if turn.id is not None else waiting[1:]
        turns.append(turn)
    return turns


_PAST: dict[bytes, Assistant] = {}                       # a conversation is told again at each turn, one turn longer


def _assistant(message: dict[str, Any], i: int) -> Assistant:
    try:
        key = marshal.dumps(message, 2)                  # version 2 has no references: equal values, equal bytes
    except ValueError:
        key = b""
    turn = _PAST.get(key) if key else None
    if turn is None:
        key = key if len(key) <= 4096 else b""
        parts = _parts(message, f"messages[{i}]")
        if key and any([isinstance(v, (dict, list)) for p in parts if isinstance(p, Call) for v in p.arguments.values()]):
            parts = _parts(marshal.loads(key), "")       # what is kept shares nothing that its owner may change
        turn = Assistant(parts, key)
        if key:
            if len(_PAST) >= 1024:
                _PAST.clear()
            _PAST[key] = turn
    return turn


def _turn(message: Mapping[str, Any], role: Any, where: str, waiting: Sequence[Call], made: Mapping[str, Call]) -> Turn:
    match role:
        case "assistant":
            return Assistant(_parts(message, where))
        case "tool" | "function":
            return _result(message, where, waiting, made)
        case "user":
            return User(_text(message.get("content"), f"{where}.content"))
        case "system" | "developer":
            return System(_text(message.get("content"), f"{where}.content"))
        case _:
            raise MessageError(f"{where}.role: expected one of {', '.join(ROLES)}, got {role!r}")


def _parts(message: Mapping[str, Any], where: str) -> tuple[Part, ...]:
    parts: list[Part] = []
    thought = message.get("reasoning_content") or message.get("reasoning") or message.get("thinking")
    if thought and isinstance(thought, str):
        parts.append(Reasoning(thought))
    calls = message.get("tool_calls")
    if calls is None and "function_call" in message:
        calls = [{"function": message["function_call"]}] if message["function_call"] is not None else None
    if calls is not None and not isinstance(calls, (list, tuple)):
        raise MessageError(f"{where}.tool_calls: expected a list, got {_kind(calls)}")
    content = message.get("content")
    text = content if isinstance(content, str) else "" if content is None else _text(content, f"{where}.content")
    if text or not calls:
        parts.append(Text(text))
    return (*parts, *[_call(c, f"{where}.tool_calls[{n}]") for n, c in enumerate(calls)]) if calls else tuple(parts)


def _call(call: Any, where: str) -> Call:
    if isinstance(call, Call):
        return call
    function = call.get("function", call) if isinstance(call, (dict, Mapping)) else None
    if not isinstance(function, (dict, Mapping)):
        raise MessageError(f"{where}: expected a call with a function, got {_kind(call)}")
    name, arguments = function.get("name"), function.get("arguments")
    if not isinstance(name, str) or not name:
        raise MessageError(f"{where}.function.name: expected the function's name, got {name!r}")
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments) if arguments.strip() else {}
        except (ValueError, RecursionError) as e:
            raise MessageError(f"{where}.function.arguments: expected JSON, got {function['arguments'][:60]!r} "
                               f"({e}); give the text the model wrote, or a dict") from None
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, (dict, Mapping)):
        raise MessageError(f"{where}.function.arguments: expected a JSON object, got {_kind(arguments)}")
    id = call.get("id") if call is not function else None
    if id is not None and not isinstance(id, str):
        raise MessageError(f"{where}.id: expected a string, got {_kind(id)}")
    return Call(name, dict(arguments), id)


def _result(message: Mapping[str, Any], where: str, waiting: Sequence[Call], made: Mapping[str, Call]) -> Result:
    content, id = message.get("content"), message.get("tool_call_id")
    text = content if isinstance(content, str) else "" if content is None else _text(content, f"{where}.content")
    if id is not None:
        call = made.get(id) if isinstance(id, str) else None
        if call is None:
            known = ", ".join(repr(k) for k in list(made)[-5:]) or "none"
            raise MessageError(f"{where}.tool_call_id: no call {id!r} was made before it (calls made: {known}); "
                               "give the id of a call in the assistant message that it answers")
    else:
        name = message.get("name")
        call = next((c for c in waiting if name in (None, c.name)), None)
        if call is None:
            raise MessageError(f"{where}: a result{f' of {name!r}' if name else ''}, but no such call waits for one; "
                               "put it behind the assistant message with the call, and give its tool_call_id")
    return Result(text, call.name, call.id)


def _text(content: Any, where: str) -> str:
    match content:
        case str():
            return content
        case None:
            raise MessageError(f"{where}: expected text, got none")
        case list() | tuple():
            return "".join([_part_text(p, f"{where}[{n}]") for n, p in enumerate(content)])
        case _:
            raise MessageError(f"{where}: expected text or a list of text parts, got {_kind(content)}")


def _part_text(part: Any, where: str) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, Mapping) and isinstance(part.get("text"), str):
        return str(part["text"])
    kind = part.get("type") if isinstance(part, Mapping) else _kind(part)
    raise MessageError(f'{where}: expected a text part, {{"type": "text", "text": "..."}}, got {kind!r}; '
                       "toolglot reads and writes text only")


def _kind(value: Any) -> str:
    return "none" if value is None else type(value).__name__
