r"""When2Call: whether to call, to ask, or to say that it cannot be done; and pairs of a better and a worse reply.

Source: nvidia/When2Call, its README and converters that read it.

    {"tools": [{"name": "f", "description": "…", "parameters": {"type": "dict", …}}],
     "messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}
    {"tools": […], "messages": [{"role": "user", "content": "…"}],
     "chosen_response": {"role": "assistant", "content": "<TOOLCALL>[{\"name\": \"f\", \"arguments\": {…}}]</TOOLCALL>"},
     "rejected_response": {"role": "assistant", "content": "…"}}

Ugly and true: calls are text between tags (the closing one was seen to be missing); the tools are not wrapped as OpenAI's
are, and may be JSON in strings. The files of the test are questions with four answers: no conversations, and not read here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...message import Part, Text
from .. import loose
from ..declared import declared
from ..row import Row, RowError
from ..sound import Talk, an_object, calls, cleaned, listed, others, text_of, words
from . import Shape
from .openai import are_messages

_OPEN, _CLOSE = "<TOOLCALL>", "</TOOLCALL>"


def read(raw: Any) -> Row:
    row = an_object(raw)
    talk = Talk(declared(row.get("tools")))
    for n, message in enumerate(listed(row, "messages")):
        talk.at = n
        role, content = message.get("role"), text_of(message.get("content"), f"messages[{n}].content")
        if role == "user":
            talk.user(content)
        elif role == "system":
            talk.system(content)
        elif role == "assistant":
            talk.reply(_parts(content, f"messages[{n}].content"))
        elif role == "tool":
            talk.results(content)
        else:
            raise talk.wrong("unknown role", f"expected user or assistant, found {loose.shown(role)}", ".role")
    rejected = None
    if "chosen_response" in row:
        talk.reply(_response(row, "chosen_response"))
        rejected = _response(row, "rejected_response")
    return talk.row(None, rejected, others(row, "tools", "messages", "chosen_response", "rejected_response"))


def _response(row: Mapping[str, Any], key: str) -> list[Part]:
    given = row.get(key)
    content = given.get("content") if isinstance(given, Mapping) else given
    return _parts(text_of(content, key), key)


def _parts(text: str, at: str) -> list[Part]:
    start = text.find(_OPEN)
    if start < 0:
        return words(text)
    given, end = loose.read_at(text, _first(text, start + len(_OPEN), at), at)
    before, after = text[:start].strip(), text[end:].strip().removeprefix(_CLOSE).strip()
    parts: list[Part] = [Text(cleaned(before))] if before else []
    return [*parts, *calls(given, at), *([Text(cleaned(after))] if after else [])]


def _first(text: str, p: int, at: str) -> int:
    """Where the calls begin, behind white space."""
    rest = text[p:].lstrip()
    if rest[:1] not in ("[", "{"):
        raise RowError("broken call", at, f"expected a list of calls, found {loose.shown(rest)}")
    return len(text) - len(rest)


def evidence(raw: Any) -> str | None:
    if not isinstance(raw, Mapping) or not are_messages(messages := raw.get("messages")):
        return None
    if {"chosen_response", "rejected_response"} <= raw.keys():
        return "`messages`, `chosen_response` and `rejected_response`"
    tools = raw.get("tools")
    if isinstance(tools, str) or any(m.get(k) for m in messages for k in ("tool_calls", "function_call", "tool_call_id")):
        return None
    if any(isinstance(m.get("content"), str) and _OPEN in m["content"] for m in messages):
        return f"`messages` with {_OPEN} in them"
    if isinstance(tools, list) and tools and not raw.get("functions") and not all(
            isinstance(t, Mapping) and isinstance(t.get("function"), Mapping) for t in tools):
        return "`messages` without calls, and `tools` that are bare functions"
    return None


SHAPE = Shape("when2call", "When2Call, both training files", read, evidence, "nvidia/When2Call (2025)")
