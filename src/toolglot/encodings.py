"""Reading the arguments of one call: each encoding -> fragments of one JSON object.

The one rule: a fragment is emitted only when it is certain; the first bad character is a Mismatch, and the call's end.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from json.encoder import encode_basestring
from typing import Any

from . import schema
from .cursor import SPACES, WORD, Cursor, Emit, EndOfText, Marks, Mismatch, Step, read_json
from .plan import NOT_IN_WORD, after_word, leading, marks, marks_with_lead, value_ends, written
from .spec import IS_STR, KEY, VALUE, Custom, Encoding, Json, Pythonic, Raw, Slot, Tagged, Template

Schemas = Callable[[str], tuple[Any, Any]]       # an argument's name -> its schema, and the one that `$ref` points into


def arguments(c: Cursor, encoding: Encoding, emit: Emit, after: Template, ends: tuple[str, ...],
              schemas: Schemas) -> Step[None]:
    """All the arguments. `after` is the rest of the call's template, `ends` what may follow a whole call."""
    match encoding:
        case Json():
            yield from json_object(c, emit)
        case Pythonic():
            yield from keywords(c, emit)
        case Tagged():
            yield from tags(c, encoding, emit, after, ends, schemas)
        case Raw(key):
            closing = written(after).strip()
            emit("{" + encode_basestring(key) + ': "')
            yield from c.until(marks(*[e for e in (closing, *ends) if e.strip()]), lambda s: emit(escaped(s)))
            emit('"}')
        case Custom(read=read):
            yield from read(c, emit)


def escaped(text: str) -> str:
    """Text as it stands inside a JSON string."""
    return encode_basestring(text)[1:-1]


def read_literal(text: str) -> str | None:
    """A JSON value, or else a Python literal, as strict JSON; None when the text is neither."""
    value = read_json(text)
    return value if value is not None else read_json(text, python=True)


# -- JSON ------------------------------------------------------------------------------------------------------


def json_object(c: Cursor, emit: Emit) -> Step[None]:
    """One JSON object, or a JSON string that holds one: then with a note."""
    yield from c.space()
    first, at = (yield from c.peek()), c.offset
    if first == "{":
        yield from c.value(emit)
        return
    if not first:
        raise EndOfText("a JSON object")
    if first != '"' or c.strict:
        raise Mismatch("malformed", "a JSON object", repr(c.buf[c.pos]))
    kept: list[str] = []
    yield from c.value(kept.append)
    inner = read_json(json.loads("".join(kept)), limits=c.limits)
    if inner is None or inner[0] != "{":
        raise Mismatch("malformed", "a JSON object", repr("".join(kept)[:20]), at)
    c.note = ("double encoding", "a JSON object", "a string that holds one", at)
    emit(inner)


def json_string(c: Cursor, expected: str) -> Step[str]:
    first = yield from c.peek()
    if not first:
        raise EndOfText(expected)
    if first != '"':
        raise Mismatch("malformed", expected, repr(first))
    kept: list[str] = []
    yield from c.value(kept.append)
    return str(json.loads("".join(kept)))


# -- Python ----------------------------------------------------------------------------------------------------


def keywords(c: Cursor, emit: Emit) -> Step[None]:
    """`k=v, k=v`, up to the parenthesis, which the call's template closes."""
    seen: set[str] = set()
    emit("{")
    while True:
        yield from c.space()
        if (yield from c.peek()) in (")", ""):
            break
        at = c.offset
        key = yield from word(c, KEY, ["="])
        if not key.isidentifier():
            raise Mismatch("malformed", "an argument's name", repr(key[:20]), at)
        if key in seen:
            raise Mismatch("duplicate key", "each key once", repr(key), at)
        emit((", " if seen else "") + encode_basestring(key) + ": ")
        seen.add(key)
        yield from c.value(emit, python=True)
        yield from c.space()
        if not (yield from c.maybe(marks(","))) and (yield from c.peek()) not in (")", ""):
            raise Mismatch("malformed", "',' or ')'", repr(c.buf[c.pos]))
    emit("}")


# -- tags ------------------------------------------------------------------------------------------------------


def tags(c: Cursor, tagged: Tagged, emit: Emit, after: Template, ends: tuple[str, ...], schemas: Schemas) -> Step[None]:
    """One template an argument, until none begins."""
    each, at = tagged.each, tagged.each.index(VALUE)
    opener = marks(leading(each)[0][0].strip())
    more, last = value_ends(each, leading(after)[0][0].strip() if after else "", ends)
    closer = written(each[at + 1:])
    lead = closer[: len(closer) - len(closer.lstrip())]
    before = str(each[at - 1])
    seen: set[str] = set()
    emit("{")
    while True:
        yield from c.space()
        begun = c.offset
        if not (yield from c.maybe(opener)):
            break
        slots: dict[Slot, str] = {}
        for i in range(1, at, 2):                         # a slot and the literal after it, up to VALUE
            node, follow = each[i], each[i + 1]
            assert isinstance(node, Slot) and isinstance(follow, str)
            slots[node] = yield from word(c, node, [follow])
        yield from c.at_most(before[len(before.rstrip()):])
        key = slots.get(KEY, "")
        if key in seen:
            raise Mismatch("duplicate key", "each key once", repr(key), begun)
        emit((", " if seen else "") + encode_basestring(key) + ": ")
        seen.add(key)
        yield from _tag_value(c, key, slots.get(IS_STR), more, last, marks_with_lead(lead, closer.strip()), emit, schemas)
        yield from c.at_most(lead)
        yield from c.maybe(marks(closer.strip()))
    emit("}")


def _tag_value(c: Cursor, key: str, is_str: str | None, more: Marks, last: Marks, closer: Marks, emit: Emit,
               schemas: Schemas) -> Step[None]:
    declared, root = schemas(key)
    if is_str == "true" or (is_str is None and schema.types_of(declared, root) == ("string",)):
        emit('"')
        if (yield from c.until(more, lambda s: emit(escaped(s)), last)) is None:
            raise EndOfText("the end of a value")
        emit('"')
        return
    at, kept = c.offset, list[str]()
    if (yield from c.until(more, kept.append, last)) is None:
        raise EndOfText("the end of a value")
    raw = "".join(kept)
    value = read_literal(raw)
    if is_str is None:
        types = schema.types_of(declared, root)
        # where its closer is missing, half a value that is not to be a string is no value
        if value is None and types and "string" not in types and (yield from c.at(closer)) is None:
            raise Mismatch("malformed", f"a value of type {' or '.join(types)} for {key!r}", repr(raw[:20]), at)
        emit(schema.read_text(raw, declared, root, read_literal))
        return
    if value is None:
        raise Mismatch("malformed", f"a value that is not a string for {key!r}", repr(raw[:20]), at)
    emit(value)


# -- words -----------------------------------------------------------------------------------------------------


def word(c: Cursor, slot: Slot, follows: list[str]) -> Step[str]:
    """A name, key, id or index, and the literal that follows it, one of `follows`."""
    kept, bad, begun = list[str](), NOT_IN_WORD[slot], c.offset
    expected = slot.name.lower()

    def keep(text: str) -> None:
        kept.append(text)
        found = "".join(kept)
        inner = found.strip()
        wrong = next((i for i, ch in enumerate(found) if ch in bad and ch in inner), None)
        if wrong is None and (len(inner) > WORD or len(found) > WORD + SPACES):
            wrong = WORD
        if wrong is not None:
            raise Mismatch("malformed", expected, repr(found[wrong]), begun + wrong)

    if all([f.strip() for f in follows]):
        table = after_word(tuple(follows))
        if (yield from c.until(table, keep)) is None:
            raise EndOfText(" or ".join([repr(f.strip()) for f in follows]))
        yield from c.maybe(table)
    else:                                                 # white space ends it
        yield from c.space()
        begun = c.offset
        while True:
            end = c.pos
            while end < len(c.buf) and not c.buf[end].isspace() and c.buf[end] not in bad:
                end += 1
            keep(c.buf[c.pos:end])
            c.pos = end
            if end < len(c.buf) or c.eof:
                break
            yield
        yield from c.space()
        if not "".join(kept) and c.eof and c.pos == len(c.buf):
            raise EndOfText(expected)
    found = "".join(kept).strip()
    if not found:
        raise Mismatch("malformed", expected, "nothing")
    return found
