"""A dialect as JSON, both ways.

The one rule: `from_json(to_json(d)) == d`, and what no dialect may be is an error that names its place. Nothing in a file
is code: a function is named by the dialect of the registry that has it, and one that is none's cannot be said.

A template is a list. A text is a literal, `{"slot": "NAME"}` a slot, `{"json": {}}` or `{"tagged": {"each": [...]}}` a node
with its fields; those that are at their default are left out. The form follows `spec` field by field.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import lru_cache
from math import prod
from types import NoneType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ..check import check
from ..message import ToolglotError
from ..registry import dialects, idioms
from ..spec import Calls, Custom, Delimited, Dialect, Either, Json, Object, Pythonic, Raw, Slot, Tagged, Template, When
from .places import ENCODINGS, ID_PATTERN, LONGEST, MOST, PLACES, SPELLINGS, TRIMMED, WHOLE, WIDEST

VERSION = 1
WIDTH = 110                                      # characters of a line
MARK = "toolglot"                                # the key that tells such a file from others, with the version of the form
NODES: dict[str, type] = {"either": Either, "when": When, "json": Json, "pythonic": Pythonic, "tagged": Tagged,
                          "delimited": Delimited, "raw": Raw, "object": Object}
_WORDS = {kind: word for word, kind in NODES.items()}


class DialectError(ToolglotError):
    """What was given is no dialect, or a dialect that cannot be said: where, and why."""


# -- out -------------------------------------------------------------------------------------------------------


def to_json(dialect: Dialect) -> dict[str, Any]:
    """The whole dialect as plain data. Raises DialectError for what is code: a Custom encoding, a function of nobody's."""
    said: dict[str, Any] = _plain(dialect, "", dialect.name)
    return {MARK: VERSION, **said}


def _plain(value: Any, at: str, own: str) -> Any:
    match value:
        case None | bool() | int() | str():
            return value
        case Slot():
            return {"slot": value.name}
        case Custom():
            raise DialectError(f"{at}: a Custom encoding is code, which no file can hold; say it with the nodes of `spec`")
        case frozenset():
            return sorted(value)
        case tuple():
            return [_plain(item, f"{at}[{i}]", own) for i, item in enumerate(value)]
        case Either(options):
            return {"either": list(options)}
    if not is_dataclass(value) or isinstance(value, type):
        return name_of(value, at, own)
    said = {f.name: _plain(item, f"{at}.{f.name}".lstrip("."), own) for f in fields(value)
            if (item := getattr(value, f.name)) != f.default}
    return {_WORDS[type(value)]: said} if type(value) in _WORDS else said


def name_of(function: Any, at: str, own: str) -> dict[str, Any]:
    """A function by whose it is: an idiom, or a dialect's, its own name first."""
    if word := next((word for word, f in idioms().items() if f is function), None):
        return {"idiom": word}
    for name in (own, *sorted(dialects())):
        known = dialects().get(name)
        for turns in (known.turns, known.repaired) if known else ():
            if turns is not None and getattr(turns, at.rpartition(".")[2]) is function:
                return {"of": name, **({"repaired": True} if known and turns is not known.turns else {})}
    raise DialectError(f"{at}: {getattr(function, '__name__', function)!r} is code that no dialect of the registry has, so "
                       "a file cannot name it; write the dialect as Python")


def pretty(value: Any, indent: int = 0) -> str:
    """Plain data as JSON for people: a list or an object stands in one line where it fits."""
    flat, pad, end = json.dumps(value, ensure_ascii=False), "\n" + " " * (indent + 2), "\n" + " " * indent
    if len(flat) + indent <= WIDTH or not isinstance(value, (list, dict)) or not value:
        return flat
    if isinstance(value, list):
        return "[" + ",".join(pad + pretty(item, indent + 2) for item in value) + end + "]"
    members = (f"{pad}{json.dumps(key, ensure_ascii=False)}: {pretty(item, indent + 2)}" for key, item in value.items())
    return "{" + ",".join(members) + end + "}"


# -- in --------------------------------------------------------------------------------------------------------


def from_json(data: Mapping[str, Any]) -> Dialect:
    """The dialect that plain data says. Raises DialectError for what is no dialect, with its place, or is ambiguous."""
    if not isinstance(data, Mapping) or MARK not in data:
        raise DialectError(f"expected an object with the member {MARK!r}, {_found(data)}")
    if data[MARK] != VERSION or isinstance(data[MARK], bool):
        raise DialectError(f"{MARK}: expected {VERSION}, the version that this toolglot knows, {_found(data[MARK])}")
    try:
        size = len(json.dumps(data))
    except (TypeError, ValueError, RecursionError) as error:
        raise DialectError(f"expected JSON, found what is none: {error}") from None
    if size > WHOLE:
        raise DialectError(f"expected at most {WHOLE:,} characters, found {size:,}")
    dialect: Dialect = _members({k: v for k, v in data.items() if k != MARK}, Dialect, "")
    if found := check(dialect):
        raise DialectError(f"the dialect {dialect.name!r} cannot be read without doubt: {'; '.join(found)}")
    return dialect


@lru_cache(maxsize=16)
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _members(data: Any, kind: type, at: str) -> Any:
    """A dataclass of the spec from an object with its fields."""
    known = {f.name: f for f in fields(kind)}
    if not isinstance(data, Mapping):
        raise _wrong(at, f"an object with {', '.join(known)}", data)
    for name in data:
        if name not in known:
            raise _wrong(_in(at, name), f"no such member; those of {kind.__name__} are {', '.join(known)}", data[name])
    for name, field in known.items():
        if name not in data and field.default is MISSING:
            raise DialectError(f"{_in(at, name)}: expected a member of this name, found none")
    made = {name: _value(value, _hints(kind)[name], _in(at, name), f"{kind.__name__}.{name}")
            for name, value in data.items()}
    if kind is Calls:
        _one_encoding(made["each"], _in(at, "each"))
    if kind is Tagged and not _alternates(made["each"]):
        raise _wrong(_in(at, "each"), "literals and slots in turn, a literal at each end", data["each"])
    return kind(**made)


def _value(data: Any, hint: Any, at: str, place: str) -> Any:
    """What a field's type asks for."""
    if hint == Template:
        return _template(data, at, place)
    if place in ("Object.fields", "Object.also"):
        return _pairs(data, at, place)
    origin, options = get_origin(hint), get_args(hint)
    if origin is Union or (options and NoneType in options) or bool in options:
        return _one_of(data, options, at, place)
    if origin is Literal:
        if not isinstance(data, str) or data not in options:
            raise _wrong(at, f"one of {', '.join(map(str, options))}", data)
        return data
    if origin in (tuple, frozenset):
        return _texts(data, origin, options, at, place)
    if hint is bool or hint is int:
        if type(data) is not hint or (hint is int and not 0 <= data <= WIDEST):
            raise _wrong(at, "true or false" if hint is bool else f"a whole number, 0 to {WIDEST}", data)
        return data
    if hint is str:
        return _text(data, at, place)
    if is_dataclass(hint):
        return _members(data, hint, at)  # type: ignore[arg-type]
    return _function(data, at)


def _one_of(data: Any, options: tuple[Any, ...], at: str, place: str) -> Any:
    if (data is None and NoneType in options) or (type(data) is bool and bool in options):
        return data
    rest = next(option for option in options if option is not NoneType and option is not bool)
    try:
        return _value(data, rest, at, place)
    except DialectError as error:
        more = " or ".join(word for kind, word in ((NoneType, "null"), (bool, "true, false")) if kind in options)
        raise DialectError(str(error).replace(f"{at}: expected ", f"{at}: expected {more}, or ", 1)) from None


def _text(data: Any, at: str, place: str) -> str:
    if not isinstance(data, str):
        raise _wrong(at, "a text", data)
    if len(data) > LONGEST:
        raise DialectError(f"{at}: expected at most {LONGEST:,} characters, found {len(data):,}")
    if any("\ud800" <= c <= "\udfff" for c in data):
        raise _wrong(at, "text without halves of surrogate pairs", data)
    if place == "Turns.id_pattern" and not ID_PATTERN.fullmatch(data):
        raise _wrong(at, "characters and classes, each perhaps with {count}, and one + or * at the end", data)
    if place in ("Dialect.name", "Delimited.quote") and not data.strip():
        raise _wrong(at, "a text that is not blank", data)
    return data


def _texts(data: Any, kind: type, options: tuple[Any, ...], at: str, place: str) -> Any:
    """A list of Calls or of texts."""
    of = options[0]
    pair = place.endswith(".separators")
    items = _list(data, at, f"a list of {'two texts' if pair else 'texts' if of is str else 'calls'}")
    if pair and len(items) != 2:
        raise _wrong(at, "two texts", data)
    made = [_value(item, of, f"{at}[{i}]", place) for i, item in enumerate(items)]
    for i, item in enumerate(made):
        if place == "Turns.trim" and item not in TRIMMED:
            raise _wrong(f"{at}[{i}]", f"one of {', '.join(sorted(TRIMMED))}", item)
        if place in ("Dialect.stop", "Dialect.noise", "Dialect.special") and not item.strip():
            raise _wrong(f"{at}[{i}]", "a text that is not blank", item)
    if pair and (made[0].strip(), made[1].strip()) != (",", ":"):
        raise _wrong(at, 'a comma and a colon, such as [", ", ": "]', data)
    return kind(made)


def _template(data: Any, at: str, place: str) -> Template:
    allowed = PLACES[place]
    made = tuple(_node(item, f"{at}[{i}]", place) for i, item in enumerate(_list(data, at, "a template, which is a list")))
    for slot in allowed.once:
        if made.count(slot) != 1:
            raise DialectError(f"{at}: expected {slot.name} once, found it {made.count(slot)} times")
    if prod(len(n.options) for n in made if isinstance(n, Either)) > SPELLINGS:
        raise DialectError(f"{at}: expected at most {SPELLINGS} spellings of a template, found more")
    return made


def _node(data: Any, at: str, place: str) -> Any:
    """One node of a template: a literal, a slot, or an object whose one member is the kind."""
    allowed = PLACES[place]
    words = [*(["slot"] if allowed.slots else []), *(_WORDS[kind] for kind in allowed.nodes)]
    if isinstance(data, str) and not place.startswith("Object."):
        return _text(data, at, place)
    if not isinstance(data, Mapping) or len(data) != 1 or next(iter(data)) not in words:
        literal = "" if place.startswith("Object.") else "a literal or "
        raise _wrong(at, f"{literal}an object with one member of {', '.join(words)}" if words else "a literal", data)
    (word, inner), = data.items()
    if word == "slot":
        names = sorted(s.name for s in allowed.slots)
        if not isinstance(inner, str) or inner not in names:
            raise _wrong(f"{at}.slot", f"one of {', '.join(names)}", inner)
        return Slot[inner]
    if word == "either":
        options = _list(inner, f"{at}.either", "a list of texts")
        if not options:
            raise _wrong(f"{at}.either", "at least one text", inner)
        return Either(*(_text(option, f"{at}.either[{i}]", place) for i, option in enumerate(options)))
    return _members(inner, NODES[word], f"{at}.{word}")


def _pairs(data: Any, at: str, place: str) -> tuple[tuple[str, Any], ...]:
    """The members of an Object: a list of [key, node], for their order counts."""
    made = []
    for i, pair in enumerate(_list(data, at, "a list of [key, node]")):
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise _wrong(f"{at}[{i}]", "[key, node]", pair)
        made.append((_text(pair[0], f"{at}[{i}][0]", place), _node(pair[1], f"{at}[{i}][1]", place)))
    if len({key for key, _ in made}) < len(made):
        raise DialectError(f"{at}: expected each key once, found one twice")
    return tuple(made)


def _alternates(each: Template) -> bool:
    texts, slots = each[::2], each[1::2]
    return len(each) % 2 == 1 and all(isinstance(n, str) and n.strip() for n in texts) and all(
        isinstance(n, Slot) for n in slots)


def _one_encoding(each: Template, at: str) -> None:
    """The arguments of a call stand in one place."""
    inside = [v for n in each if isinstance(n, Object) for _, v in n.fields]
    count = sum(isinstance(n, ENCODINGS) for n in (*each, *inside))
    if count != 1 or sum(isinstance(n, Object) for n in each) > 1:
        raise DialectError(f"{at}: expected the arguments in one encoding, in an object or beside none, found {count}")


def _function(data: Any, at: str) -> Callable[..., Any]:
    """A function by the dialect, or the idiom, that has it: never one that a file could bring along."""
    name = at.rpartition(".")[2]
    if not isinstance(data, Mapping) or not (data.keys() == {"idiom"} or {"of"} <= data.keys() <= {"of", "repaired"}):
        raise _wrong(at, '{"idiom": NAME} or {"of": DIALECT}', data)
    if "idiom" in data:
        word = data["idiom"]
        if not isinstance(word, str) or word not in idioms() or name != "listing":
            raise _wrong(f"{at}.idiom", f"one of {', '.join(idioms())}, for `listing`", word)
        return idioms()[word]
    known = dialects().get(data["of"]) if isinstance(data["of"], str) else None
    turns = known and (known.repaired if data.get("repaired") is True else known.turns)
    found: Callable[..., Any] | None = getattr(turns, name, None)
    if found is None:
        raise _wrong(f"{at}.of", f"a dialect of the registry that has a `{name}` function", data["of"])
    return found


def _list(data: Any, at: str, expected: str) -> list[Any]:
    if not isinstance(data, (list, tuple)):
        raise _wrong(at, expected, data)
    if len(data) > MOST:
        raise DialectError(f"{at}: expected at most {MOST} members, found {len(data)}")
    return list(data)


def _in(at: str, name: object) -> str:
    return f"{at}.{name}" if at else str(name)


def _found(data: Any) -> str:
    shown = json.dumps(data, ensure_ascii=False, default=repr)
    return f"found {shown if len(shown) <= 80 else shown[:77] + '...'}"


def _wrong(at: str, expected: str, data: Any) -> DialectError:
    return DialectError(f"{at}: expected {expected}, {_found(data)}")


__all__ = ["DialectError", "from_json", "pretty", "to_json"]
