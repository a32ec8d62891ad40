"""A dialect -> Hugging Face's `response_template`, the JSON in `tokenizer_config.json` by which transformers reads replies.

The one rule: what transformers makes of a reply that the dialect writes is what toolglot makes of it, whole and streamed; a
dialect that cannot be said so is refused with the reason. `limits` says what else toolglot reads and the template does not.

Form: transformers 5.23, `utils/chat_parsing`: fields that an opener begins and a closer ends, each read by one content
parser; the field without an opener takes what is left. Only its own closer is looked for inside a field.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..message import ToolglotError
from ..plan import leading, opening, plan, strong, wordy, written
from ..spec import (
    CALLS,
    ID,
    NAME,
    RESULTS,
    TEXT,
    VALUE,
    Calls,
    Delimited,
    Dialect,
    Either,
    Json,
    Object,
    Tagged,
    Template,
    Turns,
    encoding_of,
    is_bare,
)
from .patterns import LINE, SLOTS, ahead, any_of, exactly, loosely, opens, optional, spelled

Field = dict[str, Any]


class Unsayable(ToolglotError):
    """The dialect cannot be said in this form: why."""


def to_response_template(dialect: Dialect) -> dict[str, Any]:
    """The template, to stand in `tokenizer_config.json` under `response_template`. Raises Unsayable with the reason."""
    fields: dict[str, Field] = {}
    if dialect.reasoning is not None:
        fields["reasoning_content"] = _words(dialect, dialect.reasoning)
    fields["tool_calls"] = _calls(dialect)
    fields["content"] = _rest(dialect) if is_bare(dialect.content) else _words(dialect, dialect.content)
    return {"version": 1, "defaults": {"role": "assistant"}, **_anchor(dialect), "fields": fields}


def limits(dialect: Dialect) -> list[str]:
    """What toolglot reads of this dialect's replies that its template does not, a sentence each."""
    encoding = encoding_of(dialect.calls)
    found = ["a call that is cut short or malformed is an error of the whole reply, not a problem beside it"]
    if dialect.accept:
        found.append(f"{len(dialect.accept)} other spellings of a call are read by toolglot alone")
    if isinstance(encoding, Tagged):
        found.append("arguments are texts unless transformers is given the tools, which alone tell their types")
    if isinstance(encoding, Delimited):
        found.append("keys of objects are letters, digits and _")
    if _writes_id(dialect.calls):
        found.append("a call must have its id")
    if not closers_of(dialect.calls):
        found.append("nothing but the end of the reply follows the calls")
    elif not isinstance(encoding, Json) or not written(dialect.calls.each[-1:]).startswith("\n"):
        found.append("no argument holds what closes its call")
    return found


# -- words -----------------------------------------------------------------------------------------------------


def _words(d: Dialect, template: Template) -> Field:
    """Reasoning, or content with markers of its own."""
    at = template.index(TEXT)
    head, lead = _edge(template[:at])
    line = wordy(leading(template)[0][0])
    plain = not lead and not line and all(isinstance(n, str) and n.split() == [n] for n in head)
    field: Field = {"open": written(head)} if plain else {"open_pattern": opens(head, line) + optional(lead)}
    if closers := _closers(d, template, template[at + 1:]):
        field["close_pattern"] = "|".join(closers)
    if template is d.reasoning and written(template[at + 1:]).strip():
        field["content_args"] = {"strip": False}
    return {**field, "content": "text", "repeats": True, "join": ""}


def _closers(d: Dialect, template: Template, after: Template) -> list[str]:
    """What ends such words: their own marker, the end of the reply, what else may begin, and what joins two parts."""
    closing, out = written(after), []
    ends = [LINE * wordy(o) + loosely(o.strip()) for o, _ in leading(after) if o.strip()]
    if ends:
        space, trail = closing[:len(closing) - len(closing.lstrip())], closing[len(closing.rstrip()):]
        out.append(optional(space) + any_of(ends) + optional(trail) * (len(ends) == 1))
    if d.stop:
        out.append(rf"\s*{any_of(exactly(s) for s in d.stop)}")
    if not ends or (template is d.reasoning and d.call_ends_reasoning):
        blocks = [t for t in (d.reasoning, d.content) if t and not (ends and t is template)]
        if begins := [*_calls_begin(d), *(m for t in blocks for m in _marked(t))]:
            out.append(ahead(begins))
    return [*out, *(f"(?={m})" for m in _marked((d.join,)))]


def _edge(template: Template) -> tuple[Template, str]:
    """A template without the white space at its end, and that."""
    last = template[-1]
    if isinstance(last, Either):
        first = last.options[0]
        return (*template[:-1], Either(*(o.rstrip() for o in last.options))), first[len(first.rstrip()):]
    assert isinstance(last, str)
    if not last.strip() and len(template) > 1:
        return template[:-1], last
    return (*template[:-1], last.rstrip()), last[len(last.rstrip()):]


def _calls_begin(d: Dialect) -> Iterator[str]:
    """The openers of calls, those of spellings that the template does not read too."""
    for calls in (d.calls, *d.accept):
        yield from _marked(opening(calls))


def _marked(template: Template) -> Iterator[str]:
    """The markers that a template begins with."""
    for opener, _ in leading(template):
        if strong(opener):
            yield LINE * wordy(opener) + loosely(opener.strip())


def _rest(d: Dialect) -> Field:
    """Content without markers: what is left, without the reply's end and markup that opens nothing."""
    over = dict.fromkeys((*_sections(d), *plan(d, False).stray, *d.noise, *([d.join] if strong(d.join) else [])))
    texts = {s.strip() for s in (*d.stop, *over)}
    # one that another begins with would be taken before the other is there
    groups = [[exactly(s) for s in group if not any(t != s.strip() and t.startswith(s.strip()) for t in texts)]
              for group in (d.stop, [s for s in over if s not in d.stop])]
    # white space behind the second kind tells the two apart
    closers = [rf"\s*{any_of(group)}{after}" for group, after in zip(groups, ("", r"\s*"), strict=True) if group]
    return {**({"close_pattern": "|".join(closers)} if closers else {}), "content": "text", "repeats": True, "join": ""}


def _sections(d: Dialect) -> Iterator[str]:
    """The markers around all calls, where each call has markers of its own."""
    around = d.calls.around
    if around[0] is not CALLS and not _is_list(d.calls):
        for part in (around[:around.index(CALLS)], around[around.index(CALLS) + 1:]):
            if strong(written(part)):
                yield written(part).strip()


# -- calls -----------------------------------------------------------------------------------------------------


def _calls(d: Dialect) -> Field:
    calls, encoding = d.calls, encoding_of(d.calls)
    if calls.name:
        raise Unsayable(f"{d.name}: a call does not write the name of its function")
    if not isinstance(encoding, (Json, Tagged, Delimited)):
        raise Unsayable(f"{d.name}: transformers has no parser for arguments that are {type(encoding).__name__}")
    if _is_list(calls):
        return _list(d)
    each = calls.each
    at = next(i for i, n in enumerate(each) if isinstance(n, (Json, Tagged, Delimited, Object)))
    node, head = each[at], each[:at]
    if not strong(leading(each)[0][0]) and not isinstance(each[0], Object):
        raise Unsayable(f"{d.name}: no marker begins a call")
    if isinstance(node, Object):
        return {**_object_head(d, head, node), **_close(d, "}"), "repeats": True, "content": "json",
                "transform": _function(node, "content.")}
    field = {"open_pattern": opens(head, wordy(leading(head)[0][0]), _apart(d)),
             **_close(d, "" if isinstance(node, Tagged) else "}"), "repeats": True, **_content(d, node)}
    return {**field, "transform": {"type": "function", **({"id": "{id}"} if ID in head else {}),
                                   "function": {"name": "{name}", "arguments": "{content}"}}}


def _apart(d: Dialect) -> bool:
    """Does white space stand before a call?"""
    return any(s and s.isspace() for s in (d.calls.between, d.calls.gap, d.join)) or written(opening(d.calls))[:1].isspace()


def _is_list(calls: Calls) -> bool:
    """Are the calls of a reply the elements of one JSON list?"""
    around = calls.around
    return (len(calls.each) == 1 and isinstance(calls.each[0], Object) and calls.between.strip() == "," and len(around) == 3
            and str(around[0]).rstrip().endswith("[") and str(around[2]).lstrip().startswith("]"))


def _list(d: Dialect) -> Field:
    """One field for all calls: a JSON list, its brackets among what is parsed."""
    calls = d.calls
    node, opener, closer = calls.each[0], str(calls.around[0]).rstrip()[:-1], str(calls.around[2]).strip()[1:]
    assert isinstance(node, Object)
    if closer.strip() and not strong(closer):
        raise Unsayable(f"{d.name}: {closer!r}, which closes the calls, may stand inside of them")
    if opener.strip():
        head = opens((opener,), wordy(opener + "["), _apart(d)) + r"(?=\s*\[)"
    elif calls.at_start:
        head = rf"\A\s*(?=\[\s*{_object_start(node)})"
    else:
        raise Unsayable(f"{d.name}: no marker begins the calls")
    return {"open_pattern": head, **_close(d, "]"), "content": "json",
            "transform_each": True, "transform": _function(node, "")}


def _object_head(d: Dialect, head: Template, node: Object) -> Field:
    """What begins a call that is one JSON object."""
    if head:
        return {"open_pattern": opens(head, wordy(leading(head)[0][0]), _apart(d)) + r"(?=\s*\{)"}
    if not d.calls.at_start:
        raise Unsayable(f"{d.name}: no marker begins a call inside of its section")
    more = exactly(d.calls.between.strip()) or r"\n"
    return {"open_pattern": rf"(?:\A|(?<=\}})\s*{more})\s*(?={_object_start(node)})"}


def _object_start(node: Object) -> str:
    return rf'\{{\s*"{exactly(_first_key(node))}"\s*:'


def _first_key(node: Object) -> str:
    return str(node.fields[0][0])


def _content(d: Dialect, encoding: Any) -> Field:
    """The parser of the arguments."""
    match encoding:
        case Json():
            return {"content": "json"}
        case Delimited(quote):
            return {"content": "json", "content_args": {"unquoted_keys": True, "string_delims": [[quote, quote]]}}
        case Tagged(each, python, nested, cdata):
            if python is True or python == "all":
                raise Unsayable(f"{d.name}: lists are written as Python's str(), which transformers cannot read")
            if nested or cdata:
                what = "tags within tags" if nested else "CDATA"
                raise Unsayable(f"{d.name}: arguments are {what}, which transformers cannot read")
            at = each.index(VALUE)
            head, lead = _edge(each[:at])
            closing = written(each[at + 1:at + 2])
            space = closing[:len(closing) - len(closing.lstrip())]
            rest, trail = _edge((closing.lstrip(), *each[at + 2:]))
            pattern = spelled((*head, VALUE, *rest)).replace(
                SLOTS[VALUE], f"{optional(lead)}{SLOTS[VALUE]}{optional(space)}") + optional(trail)
            begin = spelled(head[:1]) if strong(written(head[:1])) else "<"
            return {"content": "xml-inline", "content_args": {"tag_pattern": rf"{pattern}(?=\s*(?:{begin}|\Z))"}}
    raise AssertionError(encoding)


def closers_of(calls: Calls) -> tuple[str, ...]:
    """The markers that may close a call, or the list of them; none where nothing does."""
    if _is_list(calls):
        options = [str(calls.around[2]).strip()[1:]]
    else:
        at = next(i for i, n in enumerate(calls.each) if isinstance(n, (Json, Tagged, Delimited, Object)))
        options = [o for o, _ in leading(calls.each[at + 1:])]
    return tuple(o.strip() for o in options if o.strip())


def _close(d: Dialect, last: str) -> Field:
    """What ends a call. Arguments in JSON end with `last`, so that a closer in the middle of them is none."""
    if closers := closers_of(d.calls):
        if not last and all(c.split() == [c] for c in closers):
            return {"close": closers[0] if len(closers) == 1 else list(closers)}
        closing = written(d.calls.each[-1:])
        space = r"\s*" if closing[:1] == "\n" else optional(closing[:len(closing) - len(closing.lstrip())])
        behind = "" if not last else rf"(?<=\{last})" if space == r"\s*" else rf"(?<=\{last}\s*)"
        return {"close_pattern": behind + space + any_of([loosely(c) for c in closers])}
    node, between = d.calls.each[-1], d.calls.between.strip()
    again = [rf"{exactly(between)}\s*{_object_start(node)}"] if isinstance(node, Object) and not _is_list(d.calls) else []
    follow = [*again, *_marked((d.join,)), *_calls_begin(d), *_marked(d.reasoning or ()), *_marked(d.content),
              *map(exactly, (*d.stop, *_sections(d)))]
    return {"close_pattern": rf"(?<=\{last}){ahead(follow)}"} if follow else {}


def _function(node: Object, scope: str) -> dict[str, Any]:
    """The shape of a call, its parts taken from the parsed object."""
    keys = {("arguments" if isinstance(value, Json) else value): key for key, value in node.fields}
    place = {slot: f"{{{scope}{key}}}" for slot, key in keys.items()}
    if any("." in key or not key.replace("_", "a").isalnum() for key in keys.values()):
        raise Unsayable(f"the keys {', '.join(keys.values())} cannot stand in a transform")
    whole = scope == "content." and [key for key, _ in node.fields] == ["name", "arguments"]
    function: Any = "{content}" if whole else {"name": place[NAME], "arguments": place["arguments"]}
    return {"type": "function", **({"id": place[ID]} if ID in place else {}), "function": function}


def _writes_id(calls: Calls) -> bool:
    return ID in calls.each or any(isinstance(n, Object) and any(v is ID for _, v in n.fields) for n in calls.each)


# -- where a reply begins --------------------------------------------------------------------------------------


def _anchor(d: Dialect) -> Field:
    """What stands before a reply in its prompt: transformers reads on from behind the last of it, and shows that too."""
    t = d.turns
    if t is None:
        return {"start_anchor_pattern": r"\Z"}
    blocks = [b.opener.strip() for _, bs in plan(d, False).meaning for b in bs if strong(b.opener)]
    headers = [n for n in t.reply_starts if isinstance(n, str) and n.strip()
               and not any(b.startswith(n.strip()) or n.strip().startswith(b) for b in blocks)]
    if not headers and any(isinstance(n, str) and n.strip() for n in t.reply_starts):     # a block is open there
        first = next(n for n in t.reply_starts if isinstance(n, str) and n.strip())
        return {"start_anchor_pattern": rf"(?={exactly(first.strip())})"}
    anchors = headers[-1:] or [e for e in (_last(t.user), _last_result(t)) if e.strip()]
    if t.header_once:
        anchors.append(_last_result(t))
    anchors = [a for a in dict.fromkeys(anchors) if a.strip()]
    if not anchors:
        return {"start_anchor_pattern": r"\Z"}
    return {"start_anchor": anchors[0] if len(anchors) == 1 else anchors}


def _last(template: Template) -> str:
    """The last literal that always stands there."""
    return next((n for n in reversed(template) if isinstance(n, str) and n.strip()), "")


def _last_result(t: Turns) -> str:
    """What the results of a conversation end with."""
    after = t.results[t.results.index(RESULTS) + 1:]
    return _last(after) or _last(t.result)


__all__ = ["Unsayable", "closers_of", "limits", "to_response_template"]
