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
    CDATA,
    ECHO,
    ID,
    INDEX,
    IS_STR,
    KEY,
    NAME,
    NUMBER,
    TEXT,
    TYPE,
    VALUE,
    Calls,
    Custom,
    Delimited,
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
    encoding_of,
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
            return _calls(dialect, spelling or spelling_of(dialect, [one]), [one], index, 1)
        if isinstance(one, Text) and dialect.content == (TEXT,):
            return [(one.text, "content", False)]
    out: list[Written] = []
    number = 1
    before: type[Part] | None = None
    for kind, group in groupby(parts, type):
        if before is not None and dialect.join:
            out.append((dialect.join, "markup", True))
        if kind is Call:
            calls = [c for c in group if isinstance(c, Call)]
            spelled = spelling or spelling_of(dialect, calls)
            if before is Text and spelled.gap:
                out.append((spelled.gap, "markup", True))
            out += _calls(dialect, spelled, calls, index, number)
            index, number = index + len(calls), number + len(calls)
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
    names = {c.name for c in calls}
    for spelling in (dialect.calls, *dialect.accept):
        if spelling.name and names == {spelling.name} and isinstance(raw := encoding_of(spelling), Raw) and all(
                list(c.arguments) == [raw.key] and isinstance(c.arguments[raw.key], str) for c in calls):
            return spelling                          # a function with a spelling of its own: code is written as code
    for spelling in (dialect.calls, *dialect.accept):
        if ID not in spelling.each or all(c.id for c in calls):
            return spelling
    return dialect.calls


def _calls(d: Dialect, spelling: Calls, calls: list[Call], index: int, number: int) -> list[Written]:
    each: list[Written] = []
    between = spelling.between or d.join
    for i, call in enumerate(calls):
        if i and between:
            each.append((between, "markup", True))
        name = (call.name, "call")
        each += fill(spelling.each, {NAME: name, ECHO: name, ID: (call.id or "", "call"),
                                      INDEX: (str(index + i), "call"), NUMBER: (str(number + i), "call")}, call)
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
            case Tagged():
                assert call
                out += [piece for key, value in call.arguments.items() for piece in _tag(node, key, value)]
            case Delimited(quote, ordered):
                assert call
                out += delimited(call.arguments, quote, ordered)
            case Json() | Pythonic() | Raw() | Custom():
                assert call
                out.append((encode(node, call.arguments), "call", False))
    return out


def _tag(tagged: Tagged, key: str, value: Any) -> list[Written]:
    """One argument, or a member of one."""
    each, at = tagged.each, tagged.each.index(VALUE)
    slots = {KEY: (key, "call"), IS_STR: (dumps(isinstance(value, str)), "call"), TYPE: (_type(value), "call")}
    return [*fill(each[:at], slots), *in_tags(tagged, value), *fill(each[at + 1:], slots)]


def in_tags(tagged: Tagged, value: Any) -> list[Written]:
    """A value as it stands between its tags."""
    if tagged.nested and isinstance(value, (dict, list, tuple)):
        members = value.items() if isinstance(value, dict) else [(tagged.nested, v) for v in value]
        return [piece for k, v in members for piece in _tag(tagged, k, v)]
    text = value if isinstance(value, str) else _untagged(value, tagged.python)
    if tagged.cdata and isinstance(value, str) and any([c in value for c in "<&\n"]):
        return [(CDATA[0], "markup", True), (text, "call", False), (CDATA[1], "markup", True)]
    return [(text, "call", False)]


def _object(obj: Object, call: Call, slots: Mapping[Slot, tuple[str, str]]) -> str:
    comma, colon = obj.separators
    members = []
    for key, node in obj.fields:
        if not isinstance(node, Slot):
            members.append(encode_basestring(key) + colon + encode(node, call.arguments))
        elif node is not ID or call.id:
            text = slots[node][0]
            members.append(encode_basestring(key) + colon + encode_basestring(text))
    inside, end = margins(obj)
    return "{" + inside + (comma.rstrip() + inside if inside else comma).join(members) + end + "}"


def margins(obj: Object) -> tuple[str, str]:
    """What stands before each member of an object, and before its closing brace."""
    return ("\n" + " " * (obj.margin + obj.indent), "\n" + " " * obj.margin) if obj.indent else ("", "")


def encode(encoding: Encoding, arguments: Mapping[str, Any]) -> str:
    """Arguments as one text, for every encoding but Tagged."""
    match encoding:
        case Json(separators):
            return dumps(arguments, separators)
        case Pythonic(json=as_json):
            write: Callable[[Any], str] = dumps if as_json else _python
            return ", ".join([f"{k}={write(v)}" for k, v in arguments.items()])
        case Delimited(quote, ordered):
            return "".join([text for text, _, _ in delimited(arguments, quote, ordered)])
        case Raw(key):
            return str(arguments.get(key, "") if key else next(iter(arguments.values()), ""))
        case Custom(write):
            return write(arguments)
        case _:
            raise TypeError(f"{encoding!r} is a template of its own")


def _python(value: Any) -> str:
    """A Python literal, or a call that stands where a value does."""
    if isinstance(value, dict) and value.keys() == {"$call", "arguments"} and isinstance(value["arguments"], dict):
        return f"{value['$call']}({encode(Pythonic(), value['arguments'])})"
    return repr(value)


def delimited(value: Any, quote: str, ordered: bool) -> list[Written]:
    """A value with bare keys; its quotes are markup."""
    match value:
        case str():
            return [(quote, "markup", True), (value, "call", False), (quote, "markup", True)]
        case dict():
            items = [[(f"{k}:", "call", False), *delimited(value[k], quote, ordered)]
                     for k in (sorted(value, key=str.lower) if ordered else value)]
            return _bracketed("{}", items)
        case list() | tuple():
            return _bracketed("[]", [delimited(v, quote, ordered) for v in value])
        case _:
            return [(dumps(value), "call", False)]


def _bracketed(pair: str, items: list[list[Written]]) -> list[Written]:
    inside = [piece for i, item in enumerate(items) for piece in ([(",", "call", False)] * (i > 0) + item)]
    return [(pair[0], "call", False), *inside, (pair[1], "call", False)]


def _type(value: Any) -> str:
    """A value's type, as JSON schema names it; every number is a number."""
    match value:
        case str():
            return "string"
        case bool():
            return "boolean"
        case None:
            return "null"
        case dict():
            return "object"
        case list() | tuple():
            return "array"
    return "number"


def _untagged(value: Any, python: bool | str) -> str:
    whole = {"scalars": (dict, list, tuple), "all": ()}.get(str(python), dict)
    return str(value) if python and not isinstance(value, whole) else dumps(value)
