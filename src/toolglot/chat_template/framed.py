"""A model's own chat template as the frame of a zero-shot dialect.

The one rule: the template sees placeholders, never the words of a message, so that nothing a message says can become
markup, and every stretch of what it prints is known to be one or the other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..message import Assistant, Result, System, Tool, Turn, User
from ..prompt import Piece, Prompt, prompt
from ..render import reply_pieces
from ..spec import Dialect, Template, Turns
from .environment import TemplateError, run

_PLACE = re.compile("\ue000(\\d+)\ue001")        # private characters: no tokenizer makes them of text


def framed(source: str, dialect: Dialect, turns: Sequence[Turn], tools: Sequence[Tool] = (), *, bos: str = "",
           eos: str = "", today: str = "", reply_starts: bool = True) -> Prompt:
    """The prompt of a zero-shot dialect in the frame of a model's own chat template.

    The template is given plain chat: the tools are told in the system message, calls and results are words. Where it
    refuses a system message, that goes into the first question. Raises TemplateError.
    """
    assert dialect.turns
    messages = _plain(dialect, dialect.turns, turns, tools)
    try:
        text, bodies = _run(source, messages, bos, eos, today, reply_starts)
        whole = all(f"\ue000{i}\ue001" in text for i in range(len(messages)))
    except TemplateError:
        whole = False
        if not messages or messages[0][0] != "system":
            raise
    if not whole and messages and messages[0][0] == "system":
        messages = _into_question(messages)
        text, bodies = _run(source, messages, bos, eos, today, reply_starts)
        whole = all(f"\ue000{i}\ue001" in text for i in range(len(messages)))
    if not whole:
        raise TemplateError("chat template: it prints none of some message; take --dialect json without the template")
    out: list[Piece] = []
    for i, part in enumerate(_PLACE.split(text)):
        if i % 2:
            out += bodies[int(part)] if len(part) < 9 and int(part) < len(bodies) else []
        elif part:
            out.append(Piece(part, "", "markup", False, True))
    return Prompt(tuple(out))


Message = tuple[str, list[Piece]]                # a role, and what its message says


def _plain(dialect: Dialect, t: Turns, turns: Sequence[Turn], tools: Sequence[Tool]) -> list[Message]:
    """The conversation as plain chat: what stands between the frames of the dialect's own turns."""
    out: list[Message] = []
    head = prompt(dialect, turns[:1] if turns and isinstance(turns[0], System) else (), tools, reply_starts=False)
    body = [p for p in head.pieces if p.text not in _frames(t.system)]
    if body:
        out.append(("system", body))
    i = 1 if turns and isinstance(turns[0], System) else 0
    while i < len(turns):
        group = [turns[i]]
        while isinstance(turns[i], Result) and i + 1 < len(turns) and isinstance(turns[i + 1], Result):
            i += 1
            group.append(turns[i])
        out.append(_message(dialect, t, group))
        i += 1
    return _alternating(out)


def _message(dialect: Dialect, t: Turns, group: list[Turn]) -> Message:
    match group[0]:
        case Assistant(parts):
            pieces = [Piece(text, "assistant", kind, True, special)
                      for text, kind, special in reply_pieces(dialect, parts) if text]
            return "assistant", pieces
        case User(text):
            return "user", [Piece(text, "user", "content")]
        case System(text):
            return "system", [Piece(text, "system", "content")]
        case _:
            results = prompt(dialect, group, reply_starts=False).pieces
            return "user", [p for p in results if p.text not in _frames(t.results)]


def _frames(template: Template) -> set[str]:
    """The literals that frame a turn: the first and the last."""
    return {n for n in (template[0], template[-1]) if isinstance(n, str)}


def _alternating(messages: list[Message]) -> list[Message]:
    """Many templates refuse two messages of one role in a row: they are one message here."""
    out: list[Message] = []
    for role, body in messages:
        if out and out[-1][0] == role:
            out[-1] = (role, [*out[-1][1], Piece("\n\n", role, "markup"), *body])
        else:
            out.append((role, body))
    return out


def _into_question(messages: list[Message]) -> list[Message]:
    (_, system), *rest = messages
    if rest and rest[0][0] == "user":
        return [("user", [*system, Piece("\n\n", "user", "markup"), *rest[0][1]]), *rest[1:]]
    return [("user", system), *rest]


def _run(source: str, messages: list[Message], bos: str, eos: str, today: str,
         reply_starts: bool) -> tuple[str, list[list[Piece]]]:
    chat = [{"role": role, "content": f"\ue000{i}\ue001"} for i, (role, _) in enumerate(messages)]
    text = run(source, today=today, messages=chat, tools=None, documents=None, bos_token=bos, eos_token=eos,
               add_generation_prompt=reply_starts)
    return text, [body for _, body in messages]
