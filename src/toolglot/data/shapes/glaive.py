r"""Glaive's function calling, version 2: a conversation in one string.

Source: glaiveai/glaive-function-calling-v2; Locutusque/function-calling-chatml shows its quoting, Anyscale's converter its
words around the tools.

    {"system": "SYSTEM: You are a helpful assistant with access to the following functions. Use them if required -\n{…}\n",
     "chat": "USER: …\n\n\nASSISTANT: <functioncall> {\"name\": \"f\", \"arguments\": '{\"a\": \"it's\"}'}
              <|endoftext|>\n\n\nFUNCTION RESPONSE: {…}\n\n\nASSISTANT: … <|endoftext|>\n\n\n"}

Ugly and true: the arguments are JSON between single quotes, in which apostrophes stand as they are, or behind a backslash;
the tools are JSON objects one after another. The sentence that introduces them is not part of the conversation: each
dialect has its own. A line that begins with a speaker's name begins a turn, even where a user wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...message import Call, Part, Text
from .. import loose
from ..declared import NONE, Declared, keep, of_list, recall
from ..row import Row, RowError
from ..sound import Talk, an_object, arguments_of, calls, cleaned, words
from . import Shape

_TURN = re.compile(r"\n[ \t]*(USER|ASSISTANT|FUNCTION RESPONSE):")     # the literal in front is what is looked for
_CALL = re.compile(r"""\s*\{\s*"name"\s*:\s*"([^"\\]{1,256})"\s*,\s*"arguments"\s*:\s*'(.*)'\s*\}?\s*\Z""", re.S)
_INTRODUCED = "with access to the following functions"
_MARK, _END = "<functioncall>", "<|endoftext|>"


def read(raw: Any) -> Row:
    row = an_object(raw)
    system, chat = row.get("system"), row.get("chat")
    if not isinstance(chat, str):
        raise RowError("not text", "chat", f"expected a conversation in one string, found {loose.shown(chat)}")
    words_of, tools = _system(system)
    talk = Talk(tools, "chat")
    if words_of:
        talk.system(words_of)
    said = _TURN.split("\n" + chat.replace(_END, "\n"))
    if len(said) == 1:
        raise RowError("no turns", "chat", f"expected USER: and ASSISTANT:, found {loose.shown(chat)}")
    if said[0].strip():
        raise RowError("unknown role", "chat", f"expected USER: or ASSISTANT:, found {loose.shown(said[0].strip())}")
    for n in range(len(said) // 2):
        talk.at = n
        who, text = said[2 * n + 1], said[2 * n + 2].strip()
        if who == "USER":
            talk.user(text)
        elif who == "ASSISTANT":
            talk.reply(_reply(text, n))
        else:
            talk.result(text)
    return talk.row(extra={k: v for k, v in row.items() if k not in ("system", "chat")} if len(row) > 2 else None)


def _reply(text: str, n: int) -> list[Part]:
    at = text.find(_MARK)
    if at < 0:
        return words(text)
    parts: list[Part] = [Text(cleaned(text[:at].rstrip()))] if text[:at].strip() else []
    for one in text[at + len(_MARK):].split(_MARK):
        parts += _calls(one, f"chat[{n}]")
    return parts


def _calls(text: str, at: str) -> list[Call]:
    text = text.replace("</functioncall>", "")
    if m := _CALL.match(text):
        inner = m[2]
        try:
            given = loose.read(inner, at)
        except RowError:
            given = loose.read(inner.replace("\\'", "'").replace('\\"', '"') if "\\" in inner else inner, f"{at}.arguments")
        return [Call(m[1], given if given.__class__ is dict else arguments_of(given, f"{at}.arguments"))]
    return calls(text.strip(), at)


def _system(given: Any) -> tuple[str, Declared]:
    """What the system message says but for the tools, and the tools."""
    if given is None or given == "":
        return "", NONE
    if not isinstance(given, str):
        raise RowError("not text", "system", f"expected text, found {loose.shown(given)}")
    start = given.find("{")
    if start < 0:
        text = given.strip().removeprefix("SYSTEM:").strip()
        return text, NONE
    before = given[:start].strip().removeprefix("SYSTEM:").strip()
    said = "" if _INTRODUCED in before else before
    tools = recall(given)
    if tools is None:
        tools = _tools(given, start)
        keep(given, tools)
    return said, tools


def _tools(text: str, start: int) -> Declared:
    found, p = [], start
    while p >= 0:
        value, p = loose.read_at(text, p, "system")
        found.append(value)
        p = text.find("{", p)
    return of_list(found, "system")


def evidence(raw: Any) -> str | None:
    if isinstance(raw, Mapping) and isinstance(chat := raw.get("chat"), str) and _TURN.search("\n" + chat):
        return "`chat` is one string of USER: and ASSISTANT:" + (", with <functioncall>" if _MARK in chat else "")
    return None


SHAPE = Shape("glaive", "Glaive function calling v2", read, evidence, "glaiveai/glaive-function-calling-v2 (2023)")
