"""Reply -> text, as the dialect writes it.

The one rule: parse(render(reply)) is the reply again, unless `check.loss` names what cannot be said.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from json.encoder import encode_basestring
from typing import Any

from .message import Call, Part, Reply, Text
from .spec import (
    CALLS,
    ID,
    INDEX,
    IS_STR,
    KEY,
    NAME,
    TEXT,
    VALUE,
    Calls,
    Custom,
    Dialect,
    Either,
    Encoding,
    Json,
    Object,
    Pythonic,
    Raw,
    Slot,
    Tagged,
    Template,
)

Written = tuple[str, str, bool]                   # a stretch of a reply: its text, its kind, and is it special


@lru_cache(maxsize=16)
def encoder(separators: tuple[str, str]) -> Callable[[Any], str]:
    return json.JSONEncoder(ensure_ascii=False, separators=separators).encode


def dumps(value: Any, separators: tuple[str, str] = (", ", ": "), indent: int | None = None) -> str:
    """JSON as `tojson` of the published chat templates writes it."""
    return encoder(separators)(value) if indent is None else json.dumps(value, ensure_ascii=False, indent=indent)


def render(dialect: Dialect, reply: Reply | Iterable[Part]) -> str:
    """A reply as the model writes it. What the dialect cannot say, `check.loss` names."""
    parts = reply.parts if isinstance(reply, Reply) else tuple(reply)
    return "".join([text for text, _, _ in reply_pieces(dialect, parts)])


def reply_pieces(dialect: Dialect, parts: Sequence[Part], spelling: Calls | None = None,
                 index: int = 0) -> list[Written]:
    """(text, kind, special) of each piece. `index` is the number of calls in the conversation so far."""
    if len(parts) == 1:                                   # the usual turns, at less cost
        one = parts[0]
        if isinstance(one, Call):
            return _calls(dialect, spelling or spelling_of(dialect, [one]), [one], index)
        if isinstance(one, Text) and dialect.content == (TEXT,):
            return [(one.text, "content", False)]
    out: list[Written] = []
    before: type[Part] | None = None
    for kind, group in groupby(parts, type):
        if before is not None and dialect.join:
            out.append((dialect.join, "markup", True))
        if kind is Call:
            calls = [c for c in group if isinstance(c, Call)]
            spelled = spelling or spelling_of(dialect, calls)
            if before is Text and spelled.gap:
                out.append((spelled.gap, "markup", True))
            out += _calls(dialect, spelled, calls, index)
            index += len(calls)
        else:
            template = dialect.content if kind is Text else dialect.reasoning
            text = "".join([p.text for p in group if not isinstance(p, Call)])
            if template is None:                          # nothing to think with: it cannot be said
                continue
            out += fill(template, {TEXT: (text, "content" if kind is Text else "reasoning")})
        before = kind
    return out


def spelling_of(dialect: Dialect, calls: Sequence[Call]) -> Calls:
    """The dialect's own spelling; where a call has no id, the first spelling that needs none."""
    for spelling in (dialect.calls, *dialect.accept):
        if ID not in spelling.each or all(c.id for c in calls):
            return spelling
    return dialect.calls


def _calls(d: Dialect, spelling: Calls, calls: list[Call], index: int) -> list[Written]:
    each: list[Written] = []
    between = spelling.between or d.join
    for i, call in enumerate(calls):
        if i and between:
            each.append((between, "markup", True))
        each += fill(spelling.each, {NAME: (call.name, "call"), ID: (call.id or "", "call"),
                                      INDEX: (str(index + i), "call")}, call)
    if len(spelling.around) == 1:
        return each
    at = spelling.around.index(CALLS)
    return [*fill(spelling.around[:at], {}), *each, *fill(spelling.around[at + 1:], {})]


def fill(template: Template, slots: Mapping[Slot, tuple[str, str]],
          call: Call | None = None) -> list[Written]:
    out: list[Written] = []
    for node in template:
        match node:
            case str():
                out.append((node, "markup", True))
            case Either(options):
                if options[0]:
                    out.append((options[0], "markup", True))
            case Slot():
                out.append((*slots[node], False))
            case Object():
                assert call
                out.append((_object(node, call, slots), "call", False))
            case Tagged(each, python):
                assert call
                for key, value in call.arguments.items():
                    raw = isinstance(value, str)
                    out += fill(each, {KEY: (key, "call"), IS_STR: (dumps(raw), "call"),
                                        VALUE: (value if raw else _untagged(value, python), "call")})
            case Json() | Pythonic() | Raw() | Custom():
                assert call
                out.append((encode(node, call.arguments), "call", False))
    return out


def _object(obj: Object, call: Call, slots: Mapping[Slot, tuple[str, str]]) -> str:
    comma, colon = obj.separators
    members = []
    for key, node in obj.fields:
        if not isinstance(node, Slot):
            members.append(encode_basestring(key) + colon + encode(node, call.arguments))
        elif node is not ID or call.id:
            text = slots[node][0]
            members.append(encode_basestring(key) + colon + (text if node is INDEX else encode_basestring(text)))
    return "{" + comma.join(members) + "}"


def encode(encoding: Encoding, arguments: Mapping[str, Any]) -> str:
    """Arguments as one text, for every encoding but Tagged."""
    match encoding:
        case Json(separators):
            return dumps(arguments, separators)
        case Pythonic():
            return ", ".join([f"{k}={v!r}" for k, v in arguments.items()])
        case Raw(key):
            return str(arguments.get(key, ""))
        case Custom(write):
            return write(arguments)
        case _:
            raise TypeError(f"{encoding!r} is a template of its own")


def _untagged(value: Any, python: bool) -> str:
    return str(value) if python and not isinstance(value, dict) else dumps(value)
