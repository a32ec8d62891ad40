r"""OpenChatML 0.1: conversations as text with its markers.

Source: cognitivecomputations/OpenChatML, README (2024). No published data set of it was found.

    <|im_start|>system\n…\n<|function_list|>\n[{…}]\n<|function_list|>\n<|im_end|>
    <|im_start|>user\n…\n<|im_end|>
    <|im_start|>assistant\n<|function_call|>\n{"arguments": {…}, "name": "f"}\n<|im_end|>
    <|im_start|>tool\n<|function_output|>\n{"name": "f", "content": …}\n<|im_end|>

A row is the text itself, or an object with it under `text`.

Ugly and true: the specification asks for <tools>, <tool_call> and <tool_response> in its words, and shows other markers in
its examples: both are read. A name may follow the role (`<|im_start|>tool name=f`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...message import Call, Part, Text
from .. import loose
from ..declared import NONE, Declared, declared
from ..row import Row, RowError
from ..sound import Talk, calls, cleaned, others, words
from . import Shape

_TURN = re.compile(r"<\|im_start\|>[ \t]*(\w+)(?:[ \t]+name=(\S+))?[ \t]*(?:\n|\Z)")
_TOOLS = re.compile(r"(?:<\|function_list\|>|<tools>)(.*?)(?:<\|function_list\|>|</tools>|\Z)", re.S)
_CALL = re.compile(r"<\|function_call\|>|<tool_call>")
_OUTPUT = re.compile(r"<\|function_output\|>|<tool_response>|</tool_response>")
_MARKS = ("<|function_list|>", "<|function_call|>", "<|function_output|>")


def read(raw: Any) -> Row:
    text = text_in(raw)
    turns = list(_turns(text))
    shown = next((m[1] for role, _, said in turns if role == "system" if (m := _TOOLS.search(said))), "")
    talk = Talk(_declared(shown), "turns")
    for n, (role, name, said) in enumerate(turns):
        talk.at = n
        if role == "system":
            if kept := _TOOLS.sub("", said).strip():
                talk.system(kept)
        elif role == "user":
            talk.user(said)
        elif role == "assistant":
            talk.reply(_reply(said, f"turns[{n}]"))
        elif role == "tool":
            for one in [o.strip() for o in _OUTPUT.split(said) if o.strip()] or [""]:
                _result(talk, one, name)
        else:
            raise talk.wrong("unknown role", f"expected system, user, assistant or tool, found {loose.shown(role)}")
    return talk.row(extra=others(raw, "text") if isinstance(raw, Mapping) else None)


def text_in(raw: Any) -> str:
    """The text of a row that is one, or that has one."""
    text = raw.get("text") if isinstance(raw, Mapping) else raw
    if not isinstance(text, str):
        raise RowError("not text", "", f"expected text, or an object with `text`, found {loose.shown(raw)}")
    return text


def _turns(text: str) -> Iterator[tuple[str, str | None, str]]:
    marks = list(_TURN.finditer(text))
    for m, after in zip(marks, [*(m.start() for m in marks[1:]), len(text)], strict=True):
        said = text[m.end():after].rstrip()
        at = said.rfind("<|im_end|>")
        yield m[1], m[2], (said[:at] if at >= 0 else said).strip()


def _declared(text: str) -> Declared:
    text = text.strip()
    if not text:
        return NONE
    if text[0] == "[":
        return declared(text, "system")
    found, p = [], 0
    while p >= 0:
        value, p = loose.read_at(text, p, "system")
        found.append(value)
        p = text.find("{", p)
    return declared(found, "system")


def _reply(text: str, at: str) -> list[Part]:
    first = _CALL.search(text)
    if first is None:
        return words(text)
    parts: list[Part] = [Text(cleaned(text[:first.start()].rstrip()))] if text[:first.start()].strip() else []
    for one in _CALL.split(text[first.start():])[1:]:
        parts += _calls(one.replace("</tool_call>", "").strip(), at)
    return parts


def _calls(text: str, at: str) -> list[Call]:
    if text[:1] not in ("{", "["):
        raise RowError("broken call", at, f"expected an object, found {loose.shown(text)}")
    value, end = loose.read_at(text, 0, at)
    if text[end:].strip():
        raise RowError("broken call", at, f"expected the end of the call, found {loose.shown(text[end:].strip())}")
    return calls(value, at)


def _result(talk: Talk, text: str, name: str | None) -> None:
    """The output of a function, which may say of whom it is."""
    try:
        value = loose.read(text, "") if text[:1] == "{" else None
    except RowError:
        value = None
    if isinstance(value, dict) and value.keys() == {"name", "content"} and isinstance(value["name"], str):
        content = value["content"]
        talk.result(content if isinstance(content, str) else loose.dumps(content), value["name"])
    else:
        talk.result(text, name)


def evidence(raw: Any) -> str | None:
    text = raw.get("text") if isinstance(raw, Mapping) and "messages" not in raw else raw
    if isinstance(text, str) and "<|im_start|>" in text:
        mark = next((m for m in _MARKS if m in text), None)
        return f"text with <|im_start|> and {mark}" if mark else None
    return None


SHAPE = Shape("openchatml", "OpenChatML 0.1 text", read, evidence, "cognitivecomputations/OpenChatML, README (2024)")
