"""The field of a response template that holds calls, as the calls of a dialect.

The one rule: where the parts of a call are is said by the template's opener, its parser and its transform together; what
they leave open is noted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..spec import CALLS, ID, IS_STR, KEY, NAME, TYPE, VALUE, Calls, Delimited, Either, Json, Object, Tagged, Template
from .delimiters import Findings, delimiter, merged, nodes, one_of, pattern, texts
from .dialect_json import DialectError
from .patterns import Capture, Edge, Group, Look, Sequence, Some, Space


def calls_of(one: Mapping[str, Any], at: str, found: Findings) -> list[Calls]:
    """The calls of a field, a spelling for each of its openers."""
    opens = delimiter(one, "open", at)
    if not opens:
        raise DialectError(f"{at}: expected an opener, found none")
    closers = tuple(o for o in delimiter(one, "close", at) if not all(isinstance(i, Look) for i in o))
    closing, node = one_of(closers, at, found), _arguments(one, at, _keys(one, at), found)
    return [_spelling(items, node, closing, bool(one.get("transform_each")), at, found) for items in opens]


def _spelling(items: Sequence, node: Any, closing: Template, each: bool, at: str, found: Findings) -> Calls:
    starts, items, between = _start(items, at)
    apart = bool(items) and isinstance(items[0], Space)
    head = nodes(items[1:] if apart else items, at, found)
    space = between or ("\n" if apart else "")
    if each:
        opener = head[0] if head else ""
        if len(head) > 1 or not isinstance(opener, str) or len(closing) > 1:
            raise DialectError(f"{at}: expected one marker at each end of a list of calls, found more")
        found.note(f"{at}: the brackets of the list stand close to its markers; the template does not say")
        end = [f"]{o}" for o in (closing[0].options if isinstance(closing[0], Either) else closing)] if closing else ["]"]
        around = (opener + "[", CALLS, end[0] if len(end) == 1 else Either(*end))
        return Calls((node,), around, ", ", space, at_start=starts)
    if apart and not starts:
        found.note(f"{at}: a line break stands between calls, and before the first; the template does not say")
    return Calls((*head, node, *closing), between=space, gap="" if starts else space, at_start=starts)


def _start(items: Sequence, at: str) -> tuple[bool, Sequence, str]:
    """Do calls stand only at the beginning of a reply? Then, what is left of the opener, and what stands between two."""
    first = items[0] if items else None
    if isinstance(first, Edge):
        return True, items[1:], ""
    if isinstance(first, Group) and first.options[0] == (Edge(r"\A"),):
        more = texts(first.options[1:], at) or ["\n"]
        return True, tuple(i for i in items[1:] if not isinstance(i, Space)), more[0] + " " * bool(more[0].strip())
    return False, items, ""


def _keys(one: Mapping[str, Any], at: str) -> dict[Any, str]:
    """Where the transform takes the parts of a call from: the keys of NAME, ID and "arguments"."""
    match one.get("transform"):
        case {"function": "{content}"}:
            return {NAME: "name", "arguments": "arguments"}
        case {"function": {"name": name, "arguments": arguments, **inside}, **outside}:
            said = {NAME: name, "arguments": arguments, ID: outside.get("id", inside.get("id"))}
        case shape:
            raise DialectError(f"{at}.transform: expected a function with name and arguments, found {shape!r}")
    for place in said.values():
        if place is not None and not (isinstance(place, str) and place.startswith("{") and place.endswith("}")):
            raise DialectError(f"{at}.transform: expected a place like {{content.name}}, found {place!r}")
    return {slot: place[1:-1].removeprefix("content.") for slot, place in said.items() if place is not None}


def _arguments(one: Mapping[str, Any], at: str, keys: dict[Any, str], found: Findings) -> Any:
    """The encoding, or the object that holds it."""
    kind, args = one.get("content", "text"), one.get("content_args") or {}
    if kind == "xml-inline":
        return _tagged(args, f"{at}.content_args", found)
    if kind != "json":
        raise DialectError(f"{at}.content: expected json or xml-inline, found {kind!r}")
    if isinstance(args, Mapping) and args.get("string_delims"):
        match args:
            case {"unquoted_keys": True, "string_delims": [[str(quote), str(other)]]} if quote == other:
                return Delimited(quote)
        raise DialectError(f"{at}.content_args: expected unquoted_keys and one pair of equal string_delims, found {args!r}")
    if keys["arguments"] == "content":                   # the name stands in the opener
        return Json()
    return Object([(key, Json() if slot == "arguments" else slot) for slot, key in keys.items()])


def _tagged(args: Any, at: str, found: Findings) -> Tagged:
    given, at = args.get("tag_pattern") if isinstance(args, Mapping) else args, f"{at}.tag_pattern"
    options = pattern(given, at)
    if len(options) != 1:
        raise DialectError(f"{at}: expected one kind of tag, found {len(options)}")
    out: list[Any] = []
    items = [i for i in options[0] if not isinstance(i, Look)]
    for n, item in enumerate(items):
        near = any(isinstance(i, Capture) and i.name == "value" for i in items[max(n - 1, 0):n + 2])
        if isinstance(item, Space) and near and not item.said:
            found.note(f"{at}: a value stands in lines of its own; the template takes any white space away")
        match item:
            case Group(inner) if len(inner) == 2 and texts(inner, at) == ["true", "false"]:
                out.append(IS_STR)
            case Some(r"\w"):
                out.append(TYPE)
            case _:
                out += nodes((item,), at, found)
    each = merged(out)
    if each.count(VALUE) != 1 or KEY not in each:
        raise DialectError(f"{at}: expected the groups key and value, found {given!r}")
    found.note(f"{at}: transformers skips whatever stands between the tags; here nothing may")
    if args.get("value_parser"):
        found.note(f"{at}: values are read by the tools' schemas here, and as JSON where none is known")
    return Tagged(each)
