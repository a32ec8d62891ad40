"""Is a dialect unambiguous, and what of a reply can it not say?

The one rule: both are said of the data, before anything is parsed. `check` is a proof over the literals of a dialect;
`loss` looks at one reply.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from .cursor import NUMBER, WORD, Limits
from .encodings import tagged_arguments
from .message import Call, Part, Reasoning, Reply, Text, Tool
from .parse import parse
from .plan import (
    NOT_IN_WORD,
    closed_by,
    closing_of,
    ends_of,
    leading,
    literals,
    opening,
    plan,
    span_end,
    strong,
    wordy,
    written,
)
from .render import fill, reply_pieces, spelling_of
from .spec import (
    CALLS,
    ECHO,
    ID,
    KEY,
    NAME,
    TEXT,
    VALUE,
    Calls,
    Delimited,
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
    opener, first = leading(opening(dialect.calls))[0][0], opening(dialect.calls)[0]
    if not dialect.calls.at_start and strong(opener) and not (isinstance(first, str) and strong(first)):
        found.append(f"calls begin with {first!r}, which is not one literal; other spellings of a call stand in `accept`")
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
        closer = written(closed_by(encoding.each, "key")[at + 1:]) if VALUE in encoding.each else ""
        if VALUE not in encoding.each or not strong(closer):
            found.append("VALUE is not followed by a marker that ends it")
        if not all(strong(closer) for closer, _ in leading(calls.each[-1:])):
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
            if literal == "" and rest and isinstance(rest[0], (Slot, Pythonic, Raw)):
                found.append(f"nothing stands between {node.name} and what follows it")
            if not any(c in bad or c.isspace() for c in literal) and not (literal == "" and rest):
                found.append(f"{node.name} may contain the literal {literal!r} that follows it")
    return found


def _check_spans(d: Dialect) -> list[str]:
    found = []
    for what, template in (("reasoning", d.reasoning), ("content", d.content)):
        if template is None or (what == "content" and is_bare(template)):
            continue
        after = [o for o, _ in leading(template[template.index(TEXT) + 1:])] if TEXT in template else []
        closed = all(strong(o) for o in after) or not any(o.strip() for o in after)
        if not closed or not all(strong(o) for o, _ in leading(template)):
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
    return [s for t in templates for s in literals(t)] + list(d.noise)


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
                found += _lost_words(dialect, text, parts[i + 1:], tools)
            case Reasoning(text):
                found += _lost_reasoning(dialect, text)
            case Call():
                late = dialect.calls.at_start and any(not isinstance(p, Call) for p in parts[:i])
                found += ["calls stand only at the beginning of a reply"] * late
                group = [p for p in parts if isinstance(p, Call)]
                found += _lost_call(dialect, part, spelling_of(dialect, group), known)
    return found


def _lost_words(d: Dialect, text: str, after: Sequence[Part], tools: Sequence[Tool] | None) -> list[str]:
    if text != text.strip() or not text:
        return ["white space at the edge of content"]
    if not is_bare(d.content):
        return _lost_span(d, "content", text, d.content, after)
    top, meaning = plan(d, False).top, plan(d, False).meaning
    follows = "".join(t for t, _, _ in reply_pieces(d, (Text("."), *after)))[1:][:512]
    found = []
    marked = [m for m in top.whole.finditer(text + follows) if m.start() < len(text) and _counts(m, text)]
    found += [f"content cannot contain {m[0]!r}" for m in marked if meaning[(m.lastindex or 1) - 1][0] != "weak"][:1]
    if not found and tools and (marked or plan(d, False).starts) and parse(d, text, tools).parts != (Text(text),):
        found.append("content cannot contain what a call begins with")
    starts = {o.strip()[:1] or ("{" if isinstance(b.rest[0], Object) else "") for b in plan(d, False).starts
              for o in [b.opener]}
    if text[0] in starts:
        found.append(f"content cannot begin with {text[0]!r}, for a call does")
    return found


def _lost_reasoning(d: Dialect, text: str) -> list[str]:
    if d.reasoning is None:
        return ["reasoning"]
    return _lost_span(d, "reasoning", text, d.reasoning) if text else ["empty reasoning"]


def _lost_span(d: Dialect, kind: str, text: str, template: Template, after: Sequence[Part] = ()) -> list[str]:
    closing = written(template[template.index(TEXT) + 1:])
    if not closing.strip():                               # what follows may make a marker with the end of the text
        closing = "".join([t for t, _, _ in reply_pieces(d, (Text(""), *after))][1:])[:512]
    found = span_end(plan(d, False), kind, template).table.whole.finditer(text + closing)
    m = next((m for m in found if _counts(m, text)), None)
    return [f"{kind} cannot contain {m[0]!r}"] if m and m.start() < len(text) else []


def _counts(m: re.Match[str], text: str) -> bool:
    """A marker that is made of words counts only where a line begins."""
    return m.start() == 0 or not wordy(m[0]) or text[m.start() - 1:m.start()] == "\n"


def _lost_call(d: Dialect, call: Call, spelling: Calls, tools: Mapping[str, Tool] | None) -> list[str]:
    found = []
    tool = (tools or {}).get(call.name)
    writes_id = ID in spelling.each or any(isinstance(n, Object) and any(v is ID for _, v in n.fields)
                                           for n in spelling.each)
    if spelling.name and spelling.name != call.name:
        found.append("the name of the function")
    if call.id is not None and not writes_id:
        found.append("the id of a call")
    if call.id is None and ID in spelling.each:
        found.append("a call without an id")
    for slot, word in ((NAME, call.name), (ECHO, call.name), (ID, call.id)):
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
        case Delimited(quote):
            found += [f"arguments cannot contain {what}" for what in _undelimited(call.arguments, quote)]
        case Raw(key):
            key = key or next(iter((tool.parameters.get("properties") or {}) if tool else {}), "input")
            if list(call.arguments) != [key] or not isinstance(call.arguments[key], str):
                found.append(f"arguments other than one text, {key!r}")
        case Tagged():
            found += _lost_tags(d, call, encoding, spelling, tool)
    return found


def _undelimited(value: Any, quote: str) -> Iterator[str]:
    """What of a value cannot stand between such quotes, or as a bare key."""
    match value:
        case str():
            if quote in value or (quote.rstrip(quote[-1]) and any(value.endswith(quote[:n]) for n in range(1, len(quote)))):
                yield repr(quote)
        case dict():
            for key, inner in value.items():
                if not isinstance(key, str) or not key or key != key.strip().strip("\"'") or len(key) > WORD or any(
                        c in NOT_IN_WORD[KEY] or c in ":{}[]," for c in key):
                    yield f"the key {key!r}"
                yield from _undelimited(inner, quote)
        case list() | tuple():
            for inner in value:
                yield from _undelimited(inner, quote)


def _lost_tags(d: Dialect, call: Call, tagged: Tagged, spelling: Calls, tool: Tool | None) -> list[str]:
    """The arguments are written and read as they will be."""
    found = [f"the argument's name {k!r}" for k in call.arguments
             if KEY in tagged.each and not _sayable(KEY, k, closed_by(tagged.each, k))]
    if found:
        return found
    text = "".join([t for t, _, _ in fill((tagged,), {}, call)]) + closing_of(spelling)
    read = tagged_arguments(text, tagged, spelling.each[-1:], ends_of(plan(d, False), spelling), tool)
    if read is None:
        return ["an argument that cannot contain what it does"]
    return [f"the argument {k!r}: {v!r} would be read as {read.get(k)!r}" for k, v in call.arguments.items()
            if read.get(k) != v or not _alike(read.get(k), v)] or ["arguments that would be read as others"] * (
                read.keys() != call.arguments.keys())


def _alike(one: Any, other: Any) -> bool:
    return type(one) is type(other)


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
