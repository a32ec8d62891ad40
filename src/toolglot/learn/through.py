"""The prompt of a learned dialect through its chat template itself: for every conversation, what the template prints.

The one rule: whatever a message, a call or a tool says that could be taken for markup is known for what it is. The
template is run twice: as it is, and with a placeholder for each such text; between the placeholders it speaks for itself.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..chat_template import Apart, TemplateError
from ..message import Assistant, Call, Reasoning, Result, System, Text, Tool, Turn, User
from ..prompt import Piece, Prompt
from .probe import Manner, in_manner

_HARMLESS = re.compile(r"[\w .,\-]*")            # no marker is written in these
_KEY = re.compile(r"[\w .,:$/@+\-]*")


class Said(NamedTuple):
    """A text that stands behind a placeholder, and whose it is."""

    text: str
    role: str
    kind: str


def prompt_through(source: str, manner: Manner, turns: Sequence[Turn], tools: Sequence[Tool], *, bos: str, eos: str,
                   today: str, reply_starts: bool, given: Mapping[str, Any]) -> Prompt:
    """A conversation as the template prints it, in pieces. Raises TemplateError."""
    said: list[Said] = []
    place = _unused(source, repr((turns, [t.raw for t in tools])))
    found = re.compile(f"{place}(\\d+)z")
    masked = [in_manner(m, manner) for m in _messages(turns, _mask(said, place))]
    plain = [in_manner(m, manner) for m in _messages(turns, lambda text, role, kind: text)]
    hidden = [_hidden(t.raw, "tools", _mask(said, place)) for t in tools] or None
    told = [t.raw for t in tools] or None
    held = _held(source, bos, eos, today, manner.mutable)

    def printed(messages: Any, tools: Any) -> str:
        more = {v: today if what == "date" else json.dumps([t["function"] for t in tools or ()], indent=4,
                                                           ensure_ascii=False) for v, what in manner.given}
        with held.alone:
            return held.apart.render(messages, tools if manner.tools else None, reply_starts=reply_starts,
                                     **{**more, **given})

    parts = found.split(printed(masked, hidden))
    forms = _forms(parts, said, printed(plain, told))
    if forms is None:
        # something that a message says changes what the template prints around it: it is not to
        forms = _forms(parts, [s._replace(text=_neutral(i)) for i, s in enumerate(said)], printed(
            *_neutralised(found, masked, hidden)))
    if forms is None:
        raise TemplateError("chat template: what it prints of a message cannot be told from its own words")
    return Prompt(tuple(_pieces(parts, said, forms)))


class _Held(NamedTuple):
    """A template in its process, for one thread at a time."""

    apart: Apart
    alone: threading.Lock


_KEPT: dict[tuple[str, str, str, str, bool], _Held] = {}
_KEEPING = threading.Lock()


def _held(*key: Any) -> _Held:
    """The process of a template: a few are kept, for one is started in a tenth of a second."""
    with _KEEPING:
        if key not in _KEPT:
            if len(_KEPT) >= 8:
                oldest = _KEPT.pop(next(iter(_KEPT)))
                with oldest.alone:
                    oldest.apart.close()         # asked again, it starts again
            source, bos, eos, today, mutable = key
            _KEPT[key] = _Held(Apart(source, bos=bos, eos=eos, today=today, mutable=mutable), threading.Lock())
        return _KEPT[key]


Mask = Callable[[str, str, str], str]            # a text, whose it is, what it is -> what the template is given


def _unused(*texts: str) -> str:
    """A word that stands in none of these: letters alone, so that nothing that is done to text changes it."""
    return next(w for i in range(len(texts) * 10**6) if not any((w := f"qplace{chr(97 + i % 26) * (1 + i // 26)}") in t
                                                                for t in texts))


def _mask(said: list[Said], place: str) -> Mask:
    def hide(text: str, role: str, kind: str) -> str:
        if not text:
            return text
        said.append(Said(text, role, kind))
        return f"{place}{len(said) - 1}z"

    return hide


def _messages(turns: Sequence[Turn], hide: Mask) -> Iterator[dict[str, Any]]:
    """The turns in OpenAI's shape."""
    for turn in turns:
        match turn:
            case System(text) | User(text):
                role = "system" if isinstance(turn, System) else "user"
                yield {"role": role, "content": hide(text, role, "content")}
            case Result(text, name, id):
                yield {"role": "tool", "content": hide(text, "tool", "result"), "name": _hidden(name, "call", hide),
                       "tool_call_id": _hidden(id or "", "call", hide)}
            case Assistant(parts):
                yield _assistant(parts, hide)


def _assistant(parts: Sequence[Any], hide: Mask) -> dict[str, Any]:
    words, thoughts = ("".join(p.text for p in parts if isinstance(p, kind)) for kind in (Text, Reasoning))
    calls = [p for p in parts if isinstance(p, Call)]
    message: dict[str, Any] = {"role": "assistant", "content": hide(words, "assistant", "content") if words else
                               None if calls else ""}
    if thoughts:
        message["reasoning_content"] = hide(thoughts, "assistant", "reasoning")
    if calls:
        message["tool_calls"] = [{"id": _hidden(c.id or "", "call", hide), "type": "function", "function": {
            "name": _hidden(c.name, "call", hide), "arguments": _hidden(c.arguments, "call", hide)}} for c in calls]
    return message


def _hidden(value: Any, kind: str, hide: Mask) -> Any:
    """A value with every string in it hidden that could hold markup. Raises TemplateError for such a key."""
    role = "assistant" if kind == "call" else "system"
    match value:
        case str():
            return value if _HARMLESS.fullmatch(value) else hide(value, role, kind)
        case Mapping():
            if odd := next((k for k in value if not _KEY.fullmatch(str(k))), None):
                raise TemplateError(f"chat template: the key {odd!r} may be taken for markup")
            return {k: _hidden(v, kind, hide) for k, v in value.items()}
        case list() | tuple():
            return [_hidden(v, kind, hide) for v in value]
    return value


def _neutral(i: int) -> str:
    """Words that no template means anything by, and that show how they were escaped and trimmed."""
    return f" w{i}\"x\ny "


def _neutralised(place: re.Pattern[str], *values: Any) -> list[Any]:
    def change(value: Any) -> Any:
        match value:
            case str():
                return place.sub(lambda m: _neutral(int(m[1])), value)
            case Mapping():
                return {k: change(v) for k, v in value.items()}
            case list():
                return [change(v) for v in value]
        return value

    return [change(v) for v in values]


# what a template may make of a text: it is tried in this order
FORMS: tuple[Callable[[str], str], ...] = (
    str, lambda s: json.dumps(s, ensure_ascii=False)[1:-1], str.strip, lambda s: s.strip("\n"), str.lstrip, str.rstrip,
    lambda s: s.lstrip("\n"), lambda s: json.dumps(s.strip(), ensure_ascii=False)[1:-1], lambda s: json.dumps(s)[1:-1],
    lambda s: repr(s)[1:-1])


def _forms(parts: Sequence[str], said: Sequence[Said], text: str) -> dict[int, Callable[[str], str]] | None:
    """What became of each text, so that the parts with them are this text; None where nothing fits.

    `parts`: what was printed around placeholders, and their numbers between.
    """
    if not text.startswith(parts[0]):
        return None
    dead: set[tuple[int, int]] = set()           # places from which nothing fits
    tried = [_fitting(parts, said, text, 0, len(parts[0]))]
    found: list[int] = []
    while tried:
        if len(found) == len(parts) // 2:
            return {i: FORMS[form] for i, form in enumerate(found)}
        step = next(tried[-1], None)
        if step is None:                         # another form of the one before
            tried.pop()
            found = found[:-1]
        elif (len(tried), step[1]) not in dead:
            dead.add((len(tried), step[1]))
            found.append(step[0])
            tried.append(_fitting(parts, said, text, len(tried), step[1]))
    return None


def _fitting(parts: Sequence[str], said: Sequence[Said], text: str, n: int, at: int) -> Iterator[tuple[int, int]]:
    """The forms in which a text stands here, what was printed behind it following, and where that ends."""
    if 2 * n + 1 >= len(parts):
        return
    body, behind = said[int(parts[2 * n + 1])].text, parts[2 * n + 2]
    last = 2 * n + 3 == len(parts)
    for form, change in enumerate(FORMS):
        whole = change(body) + behind
        if text.startswith(whole, at) and (not last or at + len(whole) == len(text)):
            yield form, at + len(whole)


def _pieces(parts: Sequence[str], said: Sequence[Said], forms: Mapping[int, Callable[[str], str]]) -> Iterator[Piece]:
    for i, part in enumerate(parts):
        if i % 2:
            text, role, kind = said[int(part)]
            if made := forms[i // 2](text):
                yield Piece(made, role, kind)
        elif part:
            yield Piece(part, "", "markup", False, True)


__all__ = ["prompt_through"]
