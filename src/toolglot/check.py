"""Is a dialect unambiguous, and what of a reply can it not say?

The one rule: both are said of the data, before anything is parsed. `check` is a proof over the literals of a dialect;
`loss` looks at one reply.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from . import schema
from .cursor import NUMBER, WORD, Limits, Marks
from .encodings import read_literal
from .message import Call, Part, Reasoning, Reply, Text, Tool
from .plan import NOT_IN_WORD, leading, literals, marks_with_lead, opening, plan, strong, value_ends, written
from .render import reply_pieces, spelling_of
from .spec import (
    CALLS,
    ID,
    IS_STR,
    KEY,
    NAME,
    TEXT,
    VALUE,
    Calls,
    Dialect,
    Encoding,
    Object,
    Pythonic,
    Raw,
    Slot,
    Tagged,
    Template,
    encoding_of,
    is_bare,
)

# -- a dialect -------------------------------------------------------------------------------------------------


def check(dialect: Dialect) -> list[str]:
    """What makes a dialect ambiguous or unreadable, a sentence each; an empty list is the proof that nothing does."""
    found = [f for calls in (dialect.calls, *dialect.accept) for f in _check_calls(calls)]
    found += _check_spans(dialect) + _check_stops(dialect) + _check_openers(dialect)
    words = [*_all_literals(dialect), *dialect.stop, dialect.join]
    if dialect.turns:
        words += [n for t in vars(dialect.turns).values() if isinstance(t, tuple) for n in t if isinstance(n, str)]
        words += [getattr(n, "then", "") + getattr(n, "otherwise", "") for t in vars(dialect.turns).values()
                  if isinstance(t, tuple) for n in t]
    found += [f"special {s!r} stands in no literal" for s in sorted(dialect.special) if not any(s in w for w in words)]
    return found


def _check_calls(calls: Calls) -> list[str]:
    found = []
    if calls.around.count(CALLS) != 1:
        found.append(f"around holds CALLS {calls.around.count(CALLS)} times; it must hold it once")
    names = [n for n in calls.each if n is NAME] + [v for n in calls.each if isinstance(n, Object)
                                                     for _, v in n.fields if v is NAME]
    if len(names) != (0 if calls.name else 1):
        found.append(f"a call names its function {len(names)} times; it must do so once")
    try:
        encoding = encoding_of(calls)
    except ValueError:
        return [*found, "a call has no arguments"]
    opener = leading(opening(calls))[0][0]
    if not calls.at_start and not strong(opener):
        found.append(f"the opener {opener!r} is no marker, and calls may stand anywhere; set at_start")
    found += _check_words(calls.each)
    if isinstance(encoding, Tagged):
        found += _check_words(encoding.each)
        at = encoding.each.index(VALUE) if VALUE in encoding.each else len(encoding.each) - 1
        closer = written(encoding.each[at + 1:])
        if VALUE not in encoding.each or not strong(closer):
            found.append("VALUE is not followed by a marker that ends it")
        last = calls.each[-1]
        if not isinstance(last, str) or not strong(last):
            found.append("tagged arguments need a marker that closes their call")
    return found


def _check_words(template: Template) -> list[str]:
    """Each word slot is followed by a literal that the word cannot contain."""
    found = []
    for i, node in enumerate(template):
        if node not in NOT_IN_WORD:
            continue
        after = leading(template[i + 1:])
        for literal, rest in after:
            bad = NOT_IN_WORD[node]
            if not any(c in bad or c.isspace() for c in literal) and not (literal == "" and rest):
                found.append(f"{node.name} may contain the literal {literal!r} that follows it")
    return found


def _check_spans(d: Dialect) -> list[str]:
    found = []
    for what, template in (("reasoning", d.reasoning), ("content", d.content)):
        if template is None or (what == "content" and is_bare(template)):
            continue
        after = written(template[template.index(TEXT) + 1:]) if TEXT in template else ""
        if not strong(after) or not strong(leading(template)[0][0]):
            found.append(f"{what} does not stand between two markers")
    return found


def _check_stops(d: Dialect) -> list[str]:
    """A stop inside a literal would end the reply in the middle of it."""
    found = []
    for stop, literal in product(d.stop, {*_all_literals(d), d.join}):
        if stop in literal and not literal.rstrip().endswith(stop):
            found.append(f"the stop {stop!r} stands inside the literal {literal!r}")
    return found


def _check_openers(d: Dialect) -> list[str]:
    """Two kinds of block may not begin with the same marker. Those that begin one another are tried in turn."""
    kinds: dict[str, str] = {}
    found = []
    for kind, literal in _openers(d):
        if kinds.setdefault(literal, kind) != kind:
            found.append(f"{kind} and {kinds[literal]} both begin with {literal!r}")
        if literal in d.stop:
            found.append(f"{kind} begins with the stop {literal!r}")
    return found


def _openers(d: Dialect) -> Iterator[tuple[str, str]]:
    for calls in (d.calls, *d.accept):
        for literal, _ in leading(opening(calls)):
            if strong(literal):
                yield "a call", literal.strip()
    for kind, template in (("reasoning", d.reasoning), ("content", d.content)):
        if template and not is_bare(template):
            yield from ((kind, o.strip()) for o, _ in leading(template))


def _all_literals(d: Dialect) -> list[str]:
    templates = [t for c in (d.calls, *d.accept) for t in (c.each, c.around)] + [d.content, d.reasoning or ()]
    return [s for t in templates for s in literals(t)]


# -- a reply ---------------------------------------------------------------------------------------------------


def loss(dialect: Dialect, reply: Reply | Sequence[Part], tools: Sequence[Tool] | None = None) -> list[str]:
    """What of a reply the dialect cannot say so that it is read back the same, a sentence each.

    `tools` are those that the reply will be read with: where types are not on the wire, they decide.
    """
    parts = reply.parts if isinstance(reply, Reply) else tuple(reply)
    known = None if tools is None else {t.name: t for t in tools}
    found: list[str] = []
    for i, part in enumerate(parts):
        before = parts[i - 1] if i else None
        if before is not None and type(before) is type(part) and not isinstance(part, Call):
            found.append(f"two parts of {type(part).__name__.lower()} in a row are read as one")
        match part:
            case Text(text):
                found += _lost_words(dialect, text, parts[i + 1:])
            case Reasoning(text):
                found += _lost_reasoning(dialect, text)
            case Call():
                late = dialect.calls.at_start and any(not isinstance(p, Call) for p in parts[:i])
                found += ["calls stand only at the beginning of a reply"] * late
                group = [p for p in parts if isinstance(p, Call)]
                found += _lost_call(dialect, part, spelling_of(dialect, group), known)
    return found


def _lost_words(d: Dialect, text: str, after: Sequence[Part]) -> list[str]:
    if text != text.strip() or not text:
        return ["white space at the edge of content"]
    if not is_bare(d.content):
        return _lost_span(d, "content", text, d.content)
    top = plan(d, False).top
    follows = "".join(t for t, _, _ in reply_pieces(d, (Text("."), *after)))[1:][:512]
    found = []
    m = top.whole.search(text + follows)
    if m and m.start() < len(text):
        found.append(f"content cannot contain {m[0]!r}")
    starts = {o.strip()[:1] or ("{" if isinstance(b.rest[0], Object) else "") for b in plan(d, False).starts
              for o in [b.opener]}
    if text[0] in starts:
        found.append(f"content cannot begin with {text[0]!r}, for a call does")
    return found


def _lost_reasoning(d: Dialect, text: str) -> list[str]:
    if d.reasoning is None:
        return ["reasoning"]
    return _lost_span(d, "reasoning", text, d.reasoning) if text else ["empty reasoning"]


def _lost_span(d: Dialect, kind: str, text: str, template: Template) -> list[str]:
    closing = written(template[template.index(TEXT) + 1:])
    lead = closing[: len(closing) - len(closing.lstrip())]
    ends = [closing.strip(), *d.stop, *([d.join] if strong(d.join) else [])]
    if kind == "reasoning" and d.call_ends_reasoning:
        ends += [o for k, o in _openers(d) if k == "a call"]
    m = marks_with_lead(lead, *ends).whole.search(text + closing)
    return [f"{kind} cannot contain {m[0]!r}"] if m and m.start() < len(text) else []


def _lost_call(d: Dialect, call: Call, spelling: Calls, tools: Mapping[str, Tool] | None) -> list[str]:
    found = []
    tool = (tools or {}).get(call.name)
    writes_id = ID in spelling.each or any(isinstance(n, Object) and any(v is ID for _, v in n.fields)
                                           for n in spelling.each)
    if call.id is not None and not writes_id:
        found.append("the id of a call")
    if call.id is None and ID in spelling.each:
        found.append("a call without an id")
    for slot, word in ((NAME, call.name), (ID, call.id)):
        if slot in spelling.each and word is not None and not _sayable(slot, word, spelling.each):
            found.append(f"the {slot.name.lower()} {word!r}")
    if tools is not None and tool is None and spelling.at_start:
        found.append(f"a call of {call.name!r}, which is no known tool")
    return found + _lost_arguments(d, call, encoding_of(spelling), spelling, tool)


def _sayable(slot: Slot, word: str, template: Template) -> bool:
    bad = NOT_IN_WORD[slot]
    after = leading(template[template.index(slot) + 1:])
    ends = [o.strip() for o, _ in after if o.strip()]
    return (0 < len(word) <= WORD and word == word.strip() and not any(c in bad for c in word)
            and not any(e in word for e in ends))


def _lost_arguments(d: Dialect, call: Call, encoding: Encoding, spelling: Calls, tool: Tool | None) -> list[str]:
    found = [f"the argument {k!r}: {why}" for k, v in call.arguments.items() for why in _not_json(v, 2)]
    match encoding:
        case Pythonic():
            found += [f"the argument {k!r} is no Python name" for k in call.arguments
                      if not k.isidentifier() or len(k) > WORD]
        case Raw(key):
            if list(call.arguments) != [key] or not isinstance(call.arguments[key], str):
                found.append(f"arguments other than one text, {key!r}")
        case Tagged(each):
            closing = spelling.each[-1] if isinstance(spelling.each[-1], str) else ""
            more, _ = value_ends(each, closing.strip(), plan(d, False).ends)
            for key, value in call.arguments.items():
                found += _lost_tag(encoding, key, value, more, tool, closing)
    return found


def _lost_tag(tagged: Tagged, key: str, value: Any, more: Marks, tool: Tool | None, closing: str) -> list[str]:
    each = tagged.each
    at = each.index(VALUE)
    if KEY in each and not _sayable(KEY, key, each):
        return [f"the argument's name {key!r}"]
    raw = isinstance(value, str)
    text = value if raw else (str(value) if tagged.python and not isinstance(value, dict) else
                              json.dumps(value, ensure_ascii=False))
    closer = written(each[at + 1:])
    m = more.whole.search(text + closer + closing)
    if m is None or m.start() < len(text):
        return [f"the argument {key!r} cannot contain {m[0]!r}" if m else f"the argument {key!r}"]
    if IS_STR in each:
        return []
    root: Any = tool.parameters if tool else {}
    declared = root.get("properties", {}).get(key) if isinstance(root, Mapping) else None
    read = json.loads(schema.read_text(text, declared, root, read_literal))
    if read != value or type(read) is not type(value):
        return [f"the argument {key!r}: {value!r} would be read as {read!r}"]
    return []


def _not_json(value: Any, depth: int) -> Iterator[str]:
    """Why a value is not one that every encoding can write."""
    if depth > Limits().nesting:
        yield f"nested deeper than {Limits().nesting} levels"
        return
    match value:
        case bool() | None:
            return
        case str():
            if any("\ud800" <= c <= "\udfff" for c in value):
                yield "half of a surrogate pair"
        case int():
            if abs(value) >= 10 ** (NUMBER - 1):
                yield f"a number of {NUMBER} digits or more"
        case float():
            if not math.isfinite(value):
                yield "a number that JSON has not"
        case dict():
            for k, v in value.items():
                if not isinstance(k, str):
                    yield "a key that is no string"
                yield from _not_json(v, depth + 1)
        case list() | tuple():
            for v in value:
                yield from _not_json(v, depth + 1)
        case _:
            yield f"{type(value).__name__} is no JSON"


__all__ = ["check", "loss"]
