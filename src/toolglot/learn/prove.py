"""A learned dialect against its chat template, on replies that a seeded generator makes.

The one rule: what the template writes is read back as what it was given, whole and in pieces, or the dialect is not
returned. How it would be written here may differ in white space and spelling alone, and is said.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..chat_template import TemplateError
from ..check import check, loss
from ..message import Call, Event, Part, Reasoning, Reply, Text, Tool, fold
from ..parse import Parser, parse
from ..render import render
from ..spec import ID, Dialect, Object
from .frame import consume
from .probe import LearnError, Probe
from .reasoning import empty_block
from .reply import ReplySide

NAMES = ("get_weather", "now", "sendEmail", "search_2", "f")
SCHEMA: dict[str, Any] = {"type": "object", "properties": {
    "city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "b c"]}, "days": {"type": "integer"},
    "ratio": {"type": "number"}, "near": {"type": "boolean"}, "place": {"type": "object"}, "tags": {"type": "array"},
    "none": {"type": "null"}, "most": {"type": ["integer", "null"]}}}
# the same for templates that fail at a list of types, or at what is left out
PLAIN: dict[str, Any] = {"type": "object", "required": [], "properties": {
    k: {"description": k, **v, "type": v["type"] if v["type"] in ("string", "integer", "number", "boolean") else "string"}
    for k, v in SCHEMA["properties"].items()}}
KNOWN = [Tool(n, f"does {n}", SCHEMA) for n in NAMES]
STRINGS = ("Paris", "", "x", "New York", "Grüße aus Köln", "天気 🌧️", 'He said "it\'s fine" \\o/', "a < b && c > d",
           "two\nlines", "tab\there", "{}", "[1, 2]", "12", "true", "null", "None", "<b>bold</b>", "{{ x }} {% y %}",
           "a\\nb", "'", "=, )", "line\u2028separator", "https://a.b/c?d=e&f=1#g", "```json\n{}\n```", "1.5e3", "a, b: c",
           "]")
WORDS = ("I will look.", "Grüße, 天気", 'She said "yes".', "Two\nlines of it.", "1. one\n\n2. two", "It is 3 < 4 & more")
NUMBERS = (0, 1, -7, 42, 2**53 + 1)
FLOATS = (0.5, -1.25, 22.0, 1e-7, 1e22)
AFTER = "text after the stop"
CUTS = (1, 3, 17)


@dataclass(frozen=True)
class Proof:
    """How many replies were tried, how many calls were read back, and of how many replies every byte is the template's.

    `difference`: the first that is not. `broken`: values that the template itself writes so that they cannot be read.
    `unspoken`: answers in words are not read back as history tells them.
    """

    replies: int
    calls: int
    exact: int
    difference: str
    broken: tuple[str, ...]
    unspoken: str


def prove_reply(probe: Probe, side: ReplySide, count: int = 48, seed: int = 7) -> Proof:
    """Raises LearnError with the first reply that is not read back."""
    d = side.dialect
    if wrong := check(d):
        raise LearnError(f"dialect: it would be ambiguous: {wrong[0]}")
    _steady(probe, side)
    tools = _accepted(probe, side)
    broken, unspoken = _broken(probe, side, tools), ""
    tried = calls = exact = 0
    difference = ""
    for reply in replies(d, side, count, seed, broken):
        if loss(d, reply, KNOWN) or (unspoken and not reply.calls):
            continue
        _laws(d, side, reply)
        try:
            written = _read_back(probe, side, reply, tools)
        except LearnError as error:
            if reply.calls:
                raise
            unspoken = str(error)
            continue
        tried, calls = tried + 1, calls + len(reply.calls)
        if written == render(d, reply):
            exact += 1
        elif not difference:
            difference = f"{written!r} is written here as {render(d, reply)!r}"
    if calls < count // 4:
        raise LearnError(f"dialect: of {count} replies only {tried} can be said in it")
    return Proof(tried, calls, exact, difference, tuple(sorted(map(repr, broken))), unspoken)


def _accepted(probe: Probe, side: ReplySide) -> Sequence[Mapping[str, Any]]:
    """Tools with types of every kind, or plainer ones, where the template fails at those."""
    why = ""
    for schema in (SCHEMA, PLAIN):
        tools = [{"type": "function", "function": {"name": n, "description": f"does {n}", "parameters": schema}}
                 for n in NAMES]
        try:
            side.place.around(message(probe, Reply((Call(NAMES[0], {"city": "Paris"}),))), tools=tools)
        except TemplateError as error:
            why = str(error)
        else:
            return tools
    raise LearnError(f"chat template: it refuses tools: {why}")


ESSENTIAL: tuple[Any, ...] = ("Paris", "New York", 2, 1.5, True, None, ["x", 2], {"lat": 1.5, "note": "y"}, {}, [])
_KEYS: dict[type, str] = {str: "city", int: "days", float: "ratio", bool: "near", type(None): "none", list: "tags",
                          dict: "place"}


def _broken(probe: Probe, side: ReplySide, tools: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The odd values that the template itself writes so that nobody can read them. Raises LearnError for a plain one."""
    found: list[Any] = []
    for value in (*ESSENTIAL, *STRINGS, *FLOATS, *NUMBERS, ["x", None], ["'"], {"a b": True}, {"note": 'q"'}):
        reply = Reply((Call(NAMES[0], {_KEYS[type(value)]: value}, _id(side.dialect, 0, 0)),))
        if loss(side.dialect, reply, KNOWN):
            continue
        try:
            _read_back(probe, side, reply, tools)
        except LearnError as error:
            if any(value == e and type(value) is type(e) for e in ESSENTIAL):
                raise LearnError(f"arguments: {value!r} is not what is read: {error}") from None
            found.append(value)
    if len(found) > len(STRINGS) // 2:
        raise LearnError(f"arguments: most strings are written so that they cannot be read: {found[:5]}")
    return found


# -- what is tried ---------------------------------------------------------------------------------------------


def replies(d: Dialect, side: ReplySide, count: int, seed: int, broken: Sequence[Any] = ()) -> Iterator[Reply]:
    """Replies of one to three calls, or of words; the first few plain, so that what fails is easy to see."""
    pools = {kind: [v for v in pool if not any(v == b and type(v) is type(b) for b in broken)]
             for kind, pool in (("strings", STRINGS), ("numbers", NUMBERS), ("floats", FLOATS))}
    deep = 2 if all(not isinstance(b, (list, dict)) for b in broken) else 0
    chance = random.Random(seed)
    for i in range(count):
        simple = i < 6
        parts: list[Part] = []
        if d.reasoning and side.thinks and not simple and chance.random() < 0.3:
            parts.append(Reasoning(chance.choice(WORDS)))
        alone = i % 8 == 7
        if alone or (side.beside and not simple and chance.random() < 0.3):
            parts.append(Text(chance.choice(WORDS)))
        if not alone:
            n = 1 if side.single or i == 0 else 1 + i % 3
            parts += [Call(chance.choice(NAMES), _arguments(chance, simple, pools, deep), _id(d, i, k)) for k in range(n)]
        yield Reply(tuple(parts))


def _id(d: Dialect, i: int, k: int) -> str | None:
    writes = ID in d.calls.each or any(isinstance(n, Object) and any(v is ID for _, v in n.fields) for n in d.calls.each)
    return f"Ab{i:04d}xy{k}" if writes else None


Pools = Mapping[str, Sequence[Any]]


def _arguments(chance: random.Random, simple: bool, pools: Pools, deep: int) -> dict[str, Any]:
    values = {
        "city": chance.choice(("x", "New York") if simple else pools["strings"]), "days": chance.choice(pools["numbers"]),
        "ratio": chance.choice(pools["floats"]), "near": chance.random() < 0.5, "place": _object(chance, deep, pools),
        "tags": _list(chance, deep, pools), "none": None, "most": chance.choice((None, 3)),
        "unit": chance.choice(("celsius", "b c"))}
    keys = chance.sample(sorted(values), chance.randint(0, 4))
    return {k: values[k] for k in keys}


def _value(chance: random.Random, depth: int, pools: Pools) -> Any:
    if depth and chance.random() < 0.4:
        return _object(chance, depth - 1, pools) if chance.random() < 0.5 else _list(chance, depth - 1, pools)
    kind = chance.choice(("strings", "numbers", "floats", "near", "none"))
    return chance.choice(pools[kind]) if kind in pools else None if kind == "none" else chance.random() < 0.5


def _object(chance: random.Random, depth: int, pools: Pools) -> dict[str, Any]:
    if not depth:
        return chance.choice(({}, {"lat": 1.5}, {"note": "y", "lat": 2.5}))
    keys = chance.sample(("lat", "note", "a b", "known", "größe"), chance.randint(0, 3))
    return {k: _value(chance, depth, pools) for k in keys}


def _list(chance: random.Random, depth: int, pools: Pools) -> list[Any]:
    if not depth:
        return chance.choice(([], ["x"], [1, 2]))
    return [_value(chance, depth, pools) for _ in range(chance.randint(0, 3))]


def message(probe: Probe, reply: Reply) -> dict[str, Any]:
    """A reply as a message of OpenAI's shape."""
    calls = [{"id": c.id or probe.id(k), "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
             for k, c in enumerate(reply.calls)]
    return probe.assistant(*calls, content=reply.content or (None if calls else ""), reasoning=reply.reasoning or None)


# -- what must hold --------------------------------------------------------------------------------------------


def _read_back(probe: Probe, side: ReplySide, reply: Reply, tools: Sequence[Mapping[str, Any]]) -> str:
    """Has the template write a reply, reads it, and gives the part of the text that is the reply."""
    places = [side.place] if reply.calls else [side.place, replace(side.place, followed=not side.place.followed)]
    for place in places:
        try:
            text = place.around(message(probe, reply), tools=tools)
        except TemplateError as error:
            raise LearnError(f"chat template: it refuses a reply: {error}: {_shown(reply)}") from None
        lead = side.called if reply.calls and not reply.content and not reply.reasoning else side.header
        if (at := consume(text, lead)) is None:
            raise LearnError(f"chat template: a reply does not begin as others do: {text[:200]!r}")
        at += 0 if reply.reasoning else empty_block(side.dialect.reasoning, text[at:])
        text = text[at:]
        read = _whole(side.dialect, text)
        if same(read, reply):
            return text.removesuffix(side.called_closer if reply.calls else side.closer)
    raise LearnError(f"dialect: {text!r} is read as {_shown(read)}, and was {_shown(reply)}"
                     + "".join(f"; {p}" for p in read.problems[:1]))


def same(read: Reply, given: Reply) -> bool:
    """Are these the calls that were given, and the words and thoughts as far as the history keeps them?"""
    return (_plain(read) == _plain(given) and not any(p.raw and p.kind != AFTER for p in read.problems)
            and read.content.strip() == given.content and read.reasoning.strip() == given.reasoning)


def _plain(reply: Reply) -> str:
    """The calls, so that 1 is not 1.0 and not true."""
    return json.dumps([(c.name, c.arguments, c.id) for c in reply.calls], sort_keys=True)


def _whole(d: Dialect, text: str, prompt: str | None = None, cuts: Sequence[int] = CUTS) -> Reply:
    """The reply that a text is, the same however it is cut."""
    whole = parse(d, text, KNOWN, prompt=prompt)
    for size in cuts:
        if (cut := fold(_stream(d, text, size, prompt))) != whole or cut.problems != whole.problems:
            raise LearnError(f"dialect: {text!r} is read otherwise in pieces of {size}")
    return whole


def _stream(d: Dialect, text: str, size: int, prompt: str | None) -> list[Event]:
    parser = Parser(d, KNOWN, prompt=prompt)
    events = [e for i in range(0, len(text), size) for e in parser.feed(text[i:i + size])]
    return events + parser.close()


def _laws(d: Dialect, side: ReplySide, reply: Reply) -> None:
    """What is written is read back and written the same, in pieces too, and behind what a prompt has written of it."""
    written = render(d, reply)
    read = _whole(d, written, cuts=CUTS[1:2])
    if read != reply or _plain(read) != _plain(reply) or read.problems or render(d, read) != written:
        raise LearnError(f"dialect: what it writes, {written!r}, is read as {_shown(read)}, and was {_shown(reply)}")
    opened = side.opened
    if opened.strip() and written.startswith(opened) and _whole(d, written[len(opened):], opened) != reply:
        raise LearnError(f"dialect: behind {opened!r}, {written[len(opened):]!r} is not read as {_shown(reply)}")


def _steady(probe: Probe, side: ReplySide) -> None:
    """The same conversation is the same text each time, and on any day."""
    talk = [probe.user(), probe.assistant(probe.call())]
    first = side.place.attempt(talk[1])
    for _ in range(4):
        if side.place.attempt(talk[1], fresh=True) != first:
            raise LearnError("chat template: it prints the same reply otherwise each time")
    if "strftime_now" in probe.names.variables:
        with probe.on("2031-11-02") as later:
            if replace(side.place, probe=later).attempt(talk[1]) != first:
                raise LearnError("chat template: what it prints of a call depends on the day")


def _shown(reply: Reply) -> str:
    parts: Sequence[Any] = [(p.name, p.arguments) if isinstance(p, Call) else p for p in reply.parts]
    return repr(list(parts))[:400]


def reads(probe: Probe, side: ReplySide, other: Dialect, count: int = 12) -> bool:
    """Does another dialect read what this template writes?"""
    tools = _accepted(probe, side)
    try:
        for reply in replies(side.dialect, side, count, 11):
            if reply.calls and not loss(side.dialect, reply, KNOWN):
                text = side.place.around(message(probe, reply), tools=tools)
                at = consume(text, side.called if not reply.content and not reply.reasoning else side.header) or 0
                found = parse(other, text[at:], KNOWN)
                if [(c.name, c.arguments) for c in found.calls] != [(c.name, c.arguments) for c in reply.calls]:
                    return False
    except TemplateError:
        return False
    return True
