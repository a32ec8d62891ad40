"""Hugging Face's `response_template` -> the reply side of a dialect.

The one rule: what the template says is kept, what it leaves open is guessed and said, and what a dialect cannot say is
refused with its place. A template is somebody's file: its patterns are read, never run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..plan import leading, opening, plan
from ..spec import CALLS, TEXT, Calls, Dialect, Template
from .delimiters import Findings, delimiter, one_of, texts
from .dialect_json import DialectError, from_json, to_json
from .patterns import Look, Sequence, Space
from .template_calls import calls_of

REASONING = ("reasoning_content", "thinking", "reasoning")
KNOWN = ("content", "tool_calls", *REASONING)
WHOLE = 100_000                                  # characters of a template


def from_response_template(template: Mapping[str, Any], name: str = "imported") -> tuple[Dialect, list[str]]:
    """The dialect of a template, without a prompt side, and sentences on what was guessed or is read otherwise.

    Raises DialectError with the place of what is no response template, or what no dialect can say.
    """
    fields, found = _fields(template), Findings()
    if "tool_calls" not in fields:
        raise DialectError("fields: expected tool_calls, found none; without calls there is no dialect to make")
    calls, *accept = calls_of(fields["tool_calls"], "fields.tool_calls", found)
    reasoning: Template | None = None
    content: Template = (TEXT,)
    for key, field in fields.items():
        if key in REASONING:
            reasoning = _words(field, f"fields.{key}", found)
        elif key == "content" and ("open" in field or "open_pattern" in field):
            content = _words(field, f"fields.{key}", found)
        elif key == "content":
            _rest(field, f"fields.{key}", found)
    if "content" not in fields:
        found.note("words outside of all fields are content here; transformers drops them")
    dialect = _whole(Dialect(name, calls, tuple(accept), content, reasoning), found)
    if not dialect.stop:
        found.note("the template names no token that ends a reply")
    return from_json(to_json(dialect)), found.notes      # what a stranger's file may not hold, it may not hold either


def _fields(template: Any) -> dict[str, Mapping[str, Any]]:
    if not isinstance(template, Mapping) or not isinstance(template.get("fields"), Mapping):
        raise DialectError("expected a response template, an object with `fields`, found none")
    if template.get("version", 1) != 1:
        raise DialectError(f"version: expected 1, found {template['version']!r}")
    if len(repr(template)) > WHOLE:
        raise DialectError(f"expected at most {WHOLE:,} characters of a response template, found more")
    fields = dict(template["fields"])
    for key, value in fields.items():
        if not isinstance(value, Mapping):
            raise DialectError(f"fields.{key}: expected an object, found {value!r}")
        if key not in KNOWN:
            raise DialectError(f"fields.{key}: a reply is content, reasoning and calls here; there is no place for more")
    if len([key for key in REASONING if key in fields]) > 1:
        raise DialectError("fields: expected one field of reasoning, found more")
    return fields


# -- words -----------------------------------------------------------------------------------------------------


def _words(one: Mapping[str, Any], at: str, found: Findings) -> Template:
    """A field between markers."""
    _plain(one, at)
    opens = delimiter(one, "open", at)
    if not opens:
        raise DialectError(f"{at}: expected an opener; only content may be what is left over")
    head, tail = one_of(opens, at, found), one_of(_closers(one, at, found), at, found)
    strips = not isinstance(one.get("content_args"), Mapping) or one["content_args"].get("strip", True)
    if strips and at != "fields.content" and _is_tag(head) and _is_tag(tail):
        found.note(f"{at}: the words stand in lines of their own, as is usual between such tags; the template does not say")
        head, tail = (f"{head[0]}\n",), (f"\n{tail[0]}",)
    return (*head, TEXT, *tail)


def _plain(one: Mapping[str, Any], at: str) -> None:
    if one.get("content", "text") != "text" or one.get("transform") is not None:
        raise DialectError(f"{at}: expected plain text and no transform, found {one.get('content', 'text')!r}")


def _is_tag(template: Template) -> bool:
    """One marker like `<think>`, with no word on white space."""
    text = template[0] if len(template) == 1 else ""
    return isinstance(text, str) and text[:1] == "<" and text[-1:] == ">" and text.strip("</>").isidentifier()


def _closers(one: Mapping[str, Any], at: str, found: Findings) -> tuple[Sequence, ...]:
    """A field's own closers. What else ends it ends the reply, if any white space may precede it, or is only looked at."""
    options = delimiter(one, "close", at)
    ahead = [o for o in options if len(o) == 1 and isinstance(o[0], Look) and o[0].sign == "(?="]
    for option in ahead:
        apart = _spaced(option[0].options[0][:1])
        (found.begins if apart else found.joins).extend(texts(option[0].options, at))
    taken = [o for o in options if o not in ahead]
    own = [o for o in taken if not _spaced(o[:1])]
    if own or ahead:
        found.stop += texts([o for o in taken if o not in own], at)
        return tuple(own)
    return tuple(taken)


def _rest(one: Mapping[str, Any], at: str, found: Findings) -> None:
    """Content without markers: what ends it is the reply's end. Markup with any white space around it is only read over."""
    _plain(one, at)
    for option in delimiter(one, "close", at):
        over = _spaced(option[:1]) and _spaced(option[-1:]) and len(option) > 1
        (found.noise if over else found.stop).extend(texts((option,), at))


def _spaced(items: Sequence) -> bool:
    """Is this any white space?"""
    return len(items) == 1 and isinstance(items[0], Space) and not items[0].said


# -- together --------------------------------------------------------------------------------------------------


def _whole(d: Dialect, found: Findings) -> Dialect:
    """The dialect with what its fields said of the whole reply."""
    begins = [o.strip() for t in _blocks(d) for o, _ in leading(t) if o.strip()]
    joins = [a for a in found.joins if not any(a.startswith(b) or b.startswith(a) for b in begins)]
    called = found.begins or len(joins) < len(found.joins)
    closed = d.reasoning is not None and d.reasoning[-1] is not TEXT
    d = replace(d, stop=tuple(dict.fromkeys(found.stop)), join=joins[0] if joins else "",
                call_ends_reasoning=closed and bool(called))
    if d.calls.gap and any(t and t[-1] is TEXT and t != (TEXT,) for t in (d.reasoning, d.content)):
        d = replace(d, join=d.join or d.calls.gap, calls=replace(d.calls, gap=""))     # else it would be the words' own
    known = {*plan(d, False).stray, *d.stop, d.join}
    left = [n for n in dict.fromkeys(found.noise) if n not in known]
    if len(left) >= 2 and len(d.calls.around) == 1 and not d.calls.at_start and _are_pair(left[0], left[1]):
        found.note(f"{left[0]} and {left[1]} stand around all calls; the template says that they mean nothing")
        d = replace(d, calls=replace(d.calls, around=(left[0] + d.calls.between, CALLS, d.calls.between + left[1])))
        left = left[2:]
    return replace(d, noise=tuple(left))


def _blocks(d: Dialect) -> Iterator[Template]:
    yield from (opening(c) for c in (d.calls, *d.accept) if isinstance(c, Calls))
    yield from (t for t in (d.reasoning, d.content) if t is not None and t[0] is not TEXT)


def _are_pair(one: str, other: str) -> bool:
    """Are these two the opener and the closer of one section?"""
    plain = other.replace("/", "").replace("close", "open").replace("end", "begin").replace("END", "BEGIN")
    return one != other and plain.replace("suffix", "prefix") == one.replace("start", "begin").replace("START", "BEGIN")


__all__ = ["from_response_template"]
