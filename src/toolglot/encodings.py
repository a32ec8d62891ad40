"""Reading the arguments of one call: each encoding -> fragments of one JSON object.

The one rule: a fragment is emitted only when it is certain; the first bad character is a Mismatch, and the call's end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from json.encoder import encode_basestring
from typing import Any

from . import schema
from .cursor import MOST, SPACES, WORD, Cursor, Emit, EndOfText, Marks, Mismatch, Step, atoms, read_json, scalar
from .message import Tool
from .plan import (
    NOT_IN_WORD,
    ValueEnds,
    after_word,
    closed_by,
    leading,
    marks,
    strong,
    value_ends,
    without_mark,
    wordy,
    written,
)
from .spec import CDATA, IS_STR, KEY, TYPE, VALUE, Custom, Delimited, Encoding, Json, Pythonic, Raw, Slot, Tagged, Template

Schemas = Callable[[str], tuple[Any, Any]]       # an argument's name -> its schema, and the one that `$ref` points into
Declared = Callable[[str], list[str]]            # a function's name, or "" for the one called -> its parameters


_NAME = re.compile(r"[\w.]+")
_MOST = repr(MOST)


def arguments(c: Cursor, encoding: Encoding, emit: Emit, after: Template, ends: tuple[str, ...],
              schemas: Schemas, declared: Declared) -> Step[None]:
    """All the arguments. `after` is the rest of the call's template, `ends` what may follow a whole call."""
    match encoding:
        case Json():
            closing = written(after).strip()
            yield from c.space()
            if strong(closing) and not c.strict and (yield from c.at(marks(closing))) is not None:
                c.note = ("no arguments", "a JSON object", repr(closing), c.offset)
                emit("{}")
                return
            yield from json_object(c, emit)
        case Pythonic(nested=False):
            yield from keywords(c, emit)
        case Pythonic():
            yield from nested(c, emit, "", declared)
        case Delimited(quote):
            yield from c.space()
            if (yield from c.peek()) not in ("{", ""):
                raise Mismatch("malformed", "'{'", repr(c.buf[c.pos]))
            yield from delimited(c, emit, marks(quote))
        case Tagged():
            yield from tags(c, encoding, emit, after, ends, schemas, declared("") if KEY in encoding.each else ())
        case Raw(key):
            closing = written(after).strip()
            key = key or next(iter(declared("")), "input")
            emit("{" + encode_basestring(key) + ': "')
            yield from c.until(_raw_ends(tuple(e for e in (closing, *ends) if e.strip())), lambda s: emit(escaped(s)))
            emit('"}')
        case Custom(read=read):
            yield from read(c, emit)


@lru_cache(maxsize=256)
def _raw_ends(ends: tuple[str, ...]) -> Marks:
    """What ends a raw text, with the white space that it begins with."""
    leads = [(e[: len(e) - len(e.lstrip())] or "\n" * wordy(e), atoms(e)) for e in ends]
    return Marks([[*map(re.escape, lead), *a] for lead, a in leads if lead] + [a for _, a in leads])


def escaped(text: str) -> str:
    """Text as it stands inside a JSON string."""
    return encode_basestring(text)[1:-1]


def read_literal(c: Cursor, text: str) -> str | None:
    """A JSON value, or else a Python literal, as strict JSON; None when the text is neither, or a number too large."""
    value = read_json(text, around=c)
    if value is None:
        value = read_json(text, python=True, around=c)
    return None if value is not None and _MOST in value and _MOST not in text else value


# -- JSON ------------------------------------------------------------------------------------------------------


def json_object(c: Cursor, emit: Emit, python: bool = False) -> Step[None]:
    """One JSON object, or a JSON string that holds one: then with a note. `python`: as Python's repr writes it."""
    yield from c.space()
    first, at = (yield from c.peek()), c.offset
    if first == "{":
        yield from c.value(emit, python)
        return
    if not first:
        raise EndOfText("a JSON object")
    if first not in "\"'" or c.strict:
        raise Mismatch("malformed", "a JSON object", repr(c.buf[c.pos]))
    kept: list[str] = []
    yield from c.value(kept.append, python=first == "'")     # models tuned on Glaive's data quote it as Python does
    inner = read_json(json.loads("".join(kept)), limits=c.limits)
    if inner is None or inner[0] != "{":
        raise Mismatch("malformed", "a JSON object", repr("".join(kept)[:20]), at)
    c.note = ("double encoding", "a JSON object", "a string that holds one", at)
    emit(inner)


def json_string(c: Cursor, expected: str, python: bool = False) -> Step[str]:
    first = yield from c.peek()
    if not first:
        raise EndOfText(expected)
    if first != '"' and not (python and first == "'"):
        raise Mismatch("malformed", expected, repr(first))
    kept: list[str] = []
    yield from c.value(kept.append, python)
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
        yield from c.value(emit, python=True, inside=True)
        yield from c.space()
        if not (yield from c.maybe(marks(","))) and (yield from c.peek()) not in (")", ""):
            raise Mismatch("malformed", "',' or ')'", repr(c.buf[c.pos]))
    emit("}")


def nested(c: Cursor, emit: Emit, function: str, declared: Declared, depth: int = 0) -> Step[None]:
    """`k=v, v, k=g(x=1)`, up to the parenthesis: values that are calls, and arguments without names, in order."""
    if depth == c.limits.nesting:
        raise Mismatch("too deep", f"at most {c.limits.nesting} levels", "one more")
    seen: set[str] = set()
    emit("{")
    while True:
        yield from c.space()
        if (yield from c.peek()) in (")", ""):
            break
        at, head = c.offset, (yield from _identifier(c))
        yield from c.space()
        if head and (yield from c.maybe(marks("="))):
            key, head = head, ""
            yield from c.space()
        else:
            key = next((k for k in declared(function) if k not in seen), "")
        if not key:
            raise Mismatch("malformed", "an argument's name", repr(head[:20] or c.buf[c.pos:c.pos + 1]), at)
        if key in seen:
            raise Mismatch("duplicate key", "each key once", repr(key), at)
        emit((", " if seen else "") + encode_basestring(key) + ": ")
        seen.add(key)
        yield from _value_or_call(c, emit, head, declared, depth)
        yield from c.space()
        if not (yield from c.maybe(marks(","))) and (yield from c.peek()) not in (")", ""):
            raise Mismatch("malformed", "',' or ')'", repr(c.buf[c.pos]))
    emit("}")


def _value_or_call(c: Cursor, emit: Emit, head: str, declared: Declared, depth: int) -> Step[None]:
    """`head` is the word that the value begins with, if that is read already."""
    at = c.offset - len(head)
    head = head or (yield from _identifier(c))
    if not head:
        yield from c.value(emit, python=True, inside=True)
    elif (yield from c.maybe(marks("("))):
        emit('{"$call": ' + encode_basestring(head) + ', "arguments": ')
        yield from nested(c, emit, head, declared, depth + 1)
        yield from c.literal(marks(")"), ")")
        emit("}")
    elif (word := scalar(head, True)) is not None:
        emit(word)
    elif not (yield from c.peek()):
        raise EndOfText("a value")
    else:
        raise Mismatch("malformed", "a value", repr(head[:20]), at)


def _identifier(c: Cursor) -> Step[str]:
    """A name with its dots, or "" where none begins."""
    kept = ""
    while True:
        first = yield from c.peek()
        m = _NAME.match(c.buf, c.pos) if kept or not first.isdigit() else None
        if m is None:
            return kept
        kept, c.pos = kept + m[0], m.end()
        if len(kept) > WORD:
            raise Mismatch("malformed", "a name", repr(kept[:20]))
        if c.pos < len(c.buf) or c.eof:
            return kept
        yield


# -- delimited -------------------------------------------------------------------------------------------------


def delimited(c: Cursor, emit: Emit, quote: Marks, depth: int = 0) -> Step[None]:
    """One value with bare keys, and strings between quotes of their own."""
    if depth == c.limits.nesting:
        raise Mismatch("too deep", f"at most {c.limits.nesting} levels", "one more")
    yield from c.space()
    if (yield from c.maybe(quote)):
        emit('"')
        if (yield from c.until(quote, lambda s: emit(escaped(s)))) is None:
            raise EndOfText("the end of a string")
        yield from c.maybe(quote)
        emit('"')
        return
    first = yield from c.peek()
    if not first:
        raise EndOfText("a value")
    if first not in "{[":
        yield from _bare(c, emit)
        return
    c.pos += 1
    closer, seen, count, quoted = "}" if first == "{" else "]", set[str](), 0, False
    emit(first)
    while True:
        yield from c.space()
        if (yield from c.maybe(marks(closer))):
            break
        if count and not (yield from c.maybe(marks(","))):
            if not (yield from c.peek()):
                raise EndOfText(f"',' or {closer!r}")
            # behind a string its quote has said enough
            if not (quoted and closer == "}" and (c.buf[c.pos].isalpha() or c.buf[c.pos] == "_")) or c.strict:
                raise Mismatch("malformed", f"',' or {closer!r}", repr(c.buf[c.pos]))
        yield from c.space()
        if count and (yield from c.maybe(marks(closer))):
            break
        if count:
            emit(", ")
        if closer == "}":
            at, key = c.offset, (yield from _key(c, quote))
            if key in seen and not depth:
                raise Mismatch("duplicate key", "each key once", repr(key), at)
            if key in seen:                               # as in JSON, the last one counts
                c.note = ("duplicate key", "each key once", repr(key), at)
            seen.add(key)
            emit(encode_basestring(key) + ": ")
        yield from c.space()
        quoted = (yield from c.at(quote)) is not None
        yield from delimited(c, emit, quote, depth + 1)
        count += 1
    emit(closer)


def _key(c: Cursor, quote: Marks) -> Step[str]:
    if (yield from c.maybe(quote)):                       # some models quote keys as they quote strings
        kept: list[str] = []
        if (yield from c.until(quote, kept.append)) is None:
            raise EndOfText("a key")
        yield from c.maybe(quote)
        yield from c.space()
        yield from c.literal(marks(":"), ":")
        return "".join(kept)
    key = yield from word(c, KEY, [":"])
    return key.strip("\"'") or key


def _bare(c: Cursor, emit: Emit) -> Step[None]:
    """A number, true, false or null; else the words up to the next comma or bracket are a string."""
    kept, ends = list[str](), marks(",", "}", "]")
    if (yield from c.until(ends, kept.append)) is None:
        raise EndOfText("the end of a value")
    text = "".join(kept).strip()
    value = read_literal(c, text) if text else '""'
    emit(value if value is not None else encode_basestring(text))


# -- tags ------------------------------------------------------------------------------------------------------


def tags(c: Cursor, tagged: Tagged, emit: Emit, after: Template, ends: tuple[str, ...], schemas: Schemas,
         declared: Sequence[str] = ()) -> Step[None]:
    """One template an argument, until none begins. `declared`: the names of the arguments, where they are known."""
    each, at = tagged.each, tagged.each.index(VALUE)
    begins, closings = leading(each)[0][0].strip(), tuple([o.strip() for o, _ in leading(after) if o.strip()])
    opener, before, behind = marks(begins), str(each[at - 1]), str(each[at + 1]).strip()
    over = [end for end in (behind, *closings) if end.startswith(begins)]
    yield from c.space()
    if (yield from c.peek()) == "{" and not begins.startswith("{"):      # an object in place of the arguments' own tags
        yield from json_object(c, emit)
        return
    seen: set[str] = set()
    emit("{")
    while True:
        yield from c.space()
        begun = c.offset
        if over and (yield from c.at(marks(*over))) is not None:
            break
        if not (yield from c.maybe(opener)):
            break
        slots: dict[Slot, str] = {}
        i = 1
        while i < at:                                     # a slot and the literal after it, up to VALUE
            node, follow, without = each[i], each[i + 1], without_mark(each, i)
            assert isinstance(node, Slot) and isinstance(follow, str)
            slots[node] = yield from word(c, node, [follow, without] if without else [follow])
            i += 4 if without and c.buf.endswith(without[-1], 0, c.pos) else 2
        yield from c.at_most(before[len(before.rstrip()):])
        key = slots.get(KEY, "")
        if key in seen:
            raise Mismatch("duplicate key", "each key once", repr(key), begun)
        emit((", " if seen else "") + encode_basestring(key) + ": ")
        seen.add(key)
        template = closed_by(each, key)
        found = value_ends(template, closings, ends)
        closer = written(template[at + 1:])
        lead = closer[: len(closer) - len(closer.lstrip())]
        if tagged.nested and (yield from _in_tags(c, tagged, emit, *schemas(key))):
            yield from c.literal(marks(closer.strip()), closer.strip())
            continue
        if not (tagged.cdata and (yield from _in_cdata(c, (closer, *closings, begins), emit, *schemas(key)))):
            yield from _tag_value(c, key, _marked(slots), found, seen, declared, emit, schemas, tagged.cdata)
        yield from c.at_most(lead)
        yield from c.maybe(marks(closer.strip()))
    emit("}")


_TYPES = {"string": "true", "str": "true", **dict.fromkeys((
    "number", "integer", "int", "float", "boolean", "bool", "null", "array", "list", "object", "dict"), "false")}


def _marked(slots: Mapping[Slot, str]) -> str | None:
    """"true" if the value is marked as raw text, "false" if as something else; None where nothing tells, or no type."""
    return slots.get(IS_STR) or _TYPES.get(slots.get(TYPE, "").lower())


def _tag_value(c: Cursor, key: str, is_str: str | None, ends: ValueEnds, seen: set[str], declared: Sequence[str],
               emit: Emit, schemas: Schemas, entities: bool) -> Step[None]:
    schema_of, root = schemas(key)
    if entities and schema.types_of(schema_of, root) == ("string",):
        words = list[str]()
        yield from _value_text(c, ends, seen, declared, words.append)
        emit(encode_basestring(_ENTITY.sub(lambda m: _ENTITIES[m[1]], "".join(words))))
        return
    if is_str == "true" or (is_str is None and schema.types_of(schema_of, root) == ("string",)):
        emit('"')
        yield from _value_text(c, ends, seen, declared, lambda s: emit(escaped(s)))
        emit('"')
        return
    at, kept = c.offset, list[str]()
    yield from _value_text(c, ends, seen, declared, kept.append)
    raw = "".join(kept)
    value = read_literal(c, raw)
    if is_str is None:
        types = schema.types_of(schema_of, root)
        # where its closer is missing, half a value that is not to be a string is no value
        if value is None and types and "string" not in types and (yield from c.at(ends.closer)) is None:
            raise Mismatch("malformed", f"a value of type {' or '.join(types)} for {key!r}", repr(raw[:20]), at)
        emit(schema.read_text(raw, schema_of, root, partial(read_literal, c)))
        return
    if value is None and ((yield from c.at(ends.closer)) is None or c.strict):
        raise Mismatch("malformed", f"a value that is not a string for {key!r}", repr(raw[:20]), at)
    if value is None:
        c.note = ("not as marked", f"a value that is not a string for {key!r}", repr(raw[:20]), at)
    emit(value if value is not None else encode_basestring(raw))


_ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_ENTITY = re.compile(f"&({'|'.join(_ENTITIES)});")


@lru_cache(maxsize=256)
def _spaced(before: str, *texts: str) -> Marks:
    """Marks that white space may stand before; with `before`, behind that literal."""
    return Marks([[*atoms(before), rf"\s{{0,{SPACES}}}", *atoms(t)] for t in texts if t.strip()])


def _in_cdata(c: Cursor, ends: tuple[str, ...], emit: Emit, schema_of: object, root: object) -> Step[bool]:
    """Read a value that stands between CDATA's markers; False where none does. `ends`: what may stand behind it."""
    if not (yield from c.maybe(_spaced("", CDATA[0]))):
        return False
    types = schema.types_of(schema_of, root)
    plain, kept = types is None or "string" in types, list[str]()
    emit('"' * plain)
    if (yield from c.until(_spaced(CDATA[1], *ends), (lambda s: emit(escaped(s))) if plain else kept.append)) is None:
        raise EndOfText(repr(CDATA[1]))
    emit('"' if plain else schema.read_text("".join(kept), schema_of, root, partial(read_literal, c)))
    yield from c.maybe(marks(CDATA[1]))
    yield from c.space()
    return True


def _in_tags(c: Cursor, tagged: Tagged, emit: Emit, schema_of: object, root: object, depth: int = 1) -> Step[bool]:
    """Read an object or a list that is tags itself, or empty; False where a value of another kind begins."""
    types, each, at = schema.types_of(schema_of, root), tagged.each, tagged.each.index(VALUE)
    kinds = ("object", "array") if types is None else tuple(t for t in types if t in ("object", "array"))
    if not kinds:
        return False
    begins, behind = leading(each)[0][0].strip(), str(each[at + 1]).strip()
    opener, closer = _spaced("", begins), _spaced("", behind)
    if (yield from c.at(closer)) is not None:
        if types is None or "string" in types:
            return False
        emit("[]" if kinds[0] == "array" else "{}")
        return True
    if (yield from c.at(opener)) is None:
        return False
    if depth == c.limits.nesting:
        raise Mismatch("too deep", f"at most {c.limits.nesting} levels", "one more")
    members, listed = dict[str, list[str]](), True
    while (yield from c.at(closer)) is None:
        yield from c.space()
        yield from c.literal(marks(begins), begins)
        key = yield from word(c, KEY, [str(each[at - 1])])
        listed = listed and "array" in kinds and (key == tagged.nested or kinds == ("array",))
        values = members.setdefault(key, [])
        place = len(values) if listed else key
        values.append((yield from _member(c, tagged, key, schema.inside(schema_of, root, place), root, depth)))
        yield from c.space()
    if listed:
        emit(f"[{', '.join([v for values in members.values() for v in values])}]")
    else:                                                 # what is given more than once is a list
        emit("{" + ", ".join([f"{encode_basestring(k)}: {v[0] if len(v) == 1 else '[' + ', '.join(v) + ']'}"
                              for k, v in members.items()]) + "}")
    return True


def _member(c: Cursor, tagged: Tagged, key: str, schema_of: object, root: object, depth: int) -> Step[str]:
    """A member's value, and its closer."""
    kept, each = list[str](), closed_by(tagged.each, key)
    closer = written(each[each.index(VALUE) + 1:]).strip()
    if not (yield from _in_tags(c, tagged, kept.append, schema_of, root, depth + 1)):
        if (yield from c.until(marks(closer), kept.append)) is None:
            raise EndOfText("the end of a value")
        kept = [schema.read_text("".join(kept), schema_of, root, partial(read_literal, c))]
    yield from c.literal(marks(closer), closer)
    return "".join(kept)


def _stands(c: Cursor, table: Marks) -> Step[bool]:
    """Does one of these stand here? What ends in the end of the text is waited for."""
    while True:
        m = table.whole.match(c.buf, c.pos)
        if m and m.end() < len(c.buf):
            return True
        if c.eof or not (m or table.first.match(c.buf, c.pos)):
            return m is not None
        yield


def tagged_arguments(text: str, tagged: Tagged, after: Template, ends: tuple[str, ...],
                     tool: Tool | None) -> dict[str, Any] | None:
    """The arguments that a whole text is read as, the call's closer behind them; None where it is not all read."""
    c, out = Cursor(), list[str]()
    c.feed(text)
    c.eof = True
    root: Any = tool.parameters if tool else {}
    properties = root.get("properties") if isinstance(root, Mapping) else None
    known: Mapping[str, Any] = properties if isinstance(properties, Mapping) else {}
    try:
        for _ in tags(c, tagged, out.append, after, ends, lambda key: (known.get(key), root), list(known)):
            return None
        for _ in c.literal(marks(leading(after)[0][0].strip()), "the closer"):
            return None
    except Mismatch:
        return None
    return dict(json.loads("".join(out))) if c.pos == len(c.buf) else None


def _value_text(c: Cursor, ends: ValueEnds, seen: set[str], declared: Sequence[str], emit: Emit) -> Step[None]:
    """A value's text, up to its end. What looks like another argument may be part of it: a program that writes calls.

    An argument that is declared and has not been given yet ends the value. Any other is words of the value, up to its
    closer, unless all around it is as between two arguments: then it is one that is not declared, or given twice.
    """
    closed = True                                        # may another closer come
    while True:
        hit = yield from c.until(ends.more, emit, ends.last)
        if hit is None:
            raise EndOfText("the end of a value")
        m = (ends.last if c.eof else ends.more).whole.match(c.buf, c.pos)
        inner = ends.argument and m and ends.argument.search(m[0])
        if not inner or not m or not declared:
            return
        key, after_closer = inner[1].strip(), bool(m[0][:-len(inner[0])].strip())
        if key in declared and key not in seen:
            return
        held = [m[0]]
        c.pos = m.end()
        if closed and (yield from c.until(ends.closer, held.append)) is not None:
            held.append(found := ends.closer.whole.match(c.buf, c.pos)[0])  # type: ignore[index]
            c.pos += len(found)
            if (yield from _follows(c, ends.follows if after_closer else ends.over)):
                c.unread("".join(held if after_closer else held[1:]))
                if after_closer:
                    return
                emit(held[0])                            # its closer is this value's own
                continue
            emit("".join(held))
        else:
            closed = False                               # none is left: not to be looked for again
            c.unread("".join(held[1:]))
            emit(held[0])


def _follows(c: Cursor, table: Marks) -> Step[bool]:
    """Does here stand one of these, or the end of the text?"""
    white = yield from c.space()
    good = not (yield from c.peek()) or (yield from _stands(c, table))
    c.unread(white)
    return good


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
        table, most = after_word(tuple(follows)), 2 * (WORD + SPACES) + max(map(len, follows))
        if len(c.buf) - c.pos > most and not table.whole.search(c.buf, c.pos, c.pos + most):
            keep(c.buf[c.pos:c.pos + most])              # no word is so long: the rest is not to be searched each time
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
