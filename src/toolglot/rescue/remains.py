"""What of a text is left when its calls are taken out.

The one rule: every character is in a call, in what is left, or in a repair that says that it was dropped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from ..message import CallArgs, CallEnd, CallStart, Event, Repair, Text
from .evidence import Span, shown
from .values import Oddity

_PUNCTUATION = re.compile(r"[\s\[\](){},;:\"'`]*")
_WRAPPING = re.compile(r"\"?\b(?:id|call_id|tool_call_id|index)\"?\s{0,8}:\s{0,8}(?:\"[^\"\n]{0,80}\"|\d{1,9})"
                       r"|\b(?:tool_calls?|function_calls?|functions?|calls?|type|tools?|name|parallel|null)\b")
# fences, tags and marks that hug a call: what closes behind it, what opens before it, special tokens on both sides
_BEHIND = re.compile(r"\s*(?:```|</[^<>\n]{1,60}>|<[|｜][^<>\n]{1,60}>|<(?:tool|function)[^<>\n]{0,60}>|\[/[A-Z_]+\]|\(\)"
                     r"|[\])},;\"'`])")
_BEFORE = re.compile(r"(?:```\w{0,12}|<[\w|:/=?\" \-]{0,60}>?"
                     r"|(?:functions|tools|api)\.|\[[A-Z_]{1,20}\]|[\[({\"'`*])\s{0,64}\Z")
_IN_STRING = re.compile(r"[A-Za-z_]\w*\([^()\n]*[\"'][^\"'\n]*\Z")      # `send(body="please use f(a=1)`
_WORD = re.compile(r"[^\W\d_]{2,}\b")
_LINE = 300                 # characters of a line
_HUGS = 100                 # characters of one wrapper


@dataclass(slots=True)
class Cut:
    """A stretch that is taken out, and the calls in it."""

    start: int
    end: int
    spans: list[Span] = field(default_factory=list)


def cut(text: str, spans: Sequence[Span], roots: Sequence[tuple[int, int]]) -> list[Cut]:
    """The stretches to take out: each structure that is nothing but calls, else the calls alone."""
    cuts: list[Cut] = []
    i = at = 0
    while i < len(spans):
        while at < len(roots) and roots[at][1] < spans[i].end:
            at += 1
        inside = [spans[i]]
        if at < len(roots) and roots[at][0] <= spans[i].start:
            start, end = roots[at]
            while i + len(inside) < len(spans) and spans[i + len(inside)].end <= end:
                inside.append(spans[i + len(inside)])
            if _PUNCTUATION.fullmatch(_WRAPPING.sub("", _without(text, start, end, inside))):
                cuts.append(Cut(start, end, inside))
                i += len(inside)
                continue
        cuts += [Cut(span.start, span.end, [span]) for span in inside]
        i += len(inside)
    return cuts


def unmentioned(text: str, cuts: Sequence[Cut], stretches: Sequence[tuple[int, int]]) -> list[Cut]:
    """Without the calls in the middle of a sentence: `use f(a=1) to do so` speaks of a call and is none."""
    kept = []
    for one, (start, end), (after, stop) in zip(cuts, stretches, stretches[1:], strict=False):
        before = text[max(start, end - _LINE):end].rpartition("\n")[2]
        behind = text[after:min(stop, after + _LINE)].partition("\n")[0].lstrip()
        said = [bool(_WORD.search(before)), bool(_WORD.match(behind.lstrip(":;,.- ")))]
        bare = all(given == "{}" for span in one.spans for _, given in span.calls)      # `now()` is told by nothing else
        words = any(said) if bare else all(said)
        quoted = _IN_STRING.search(text, max(start, one.start - _LINE), one.start)
        if any(span.form != "call" for span in one.spans) or not (words or quoted):
            kept.append(one)
    return kept


def _without(text: str, start: int, end: int, spans: Sequence[Span]) -> str:
    rest = []
    for span in spans:
        rest.append(text[start:span.start])
        start = max(start, span.end)
    return "".join([*rest, text[start:end]])


def left(text: str, cuts: Sequence[Cut]) -> list[tuple[int, int]]:
    """What stands before, between and behind: pairs of offsets, without the fences, tags and quotes that hug calls."""
    found, at = [], 0
    for n, one in enumerate(cuts):
        found.append(_unwrapped(text, at, one.start, n > 0, True))
        at = one.end
    return [*found, _unwrapped(text, at, len(text), True, False)]


def _unwrapped(text: str, start: int, end: int, behind: bool, before: bool) -> tuple[int, int]:
    while before and start < end and (m := _BEFORE.search(text, max(start, end - _HUGS), end)):
        end = m.start()
    while behind and (m := _BEHIND.match(text, start, end)):
        start = m.end()
    return start, end


def events(text: str, cuts: Sequence[Cut], stretches: Sequence[tuple[int, int]], oddities: Sequence[Oddity],
           follows: bool) -> Iterator[Event]:
    """The reply that a text with calls is; its repairs stand behind the call that they are of.

    Text that `follows` other text keeps its white space where more words come, so that they never join.
    """
    index, at, odd = 0, 0, 0
    last = max((n for n, (start, end) in enumerate(stretches) if text[start:end].strip()), default=-1)
    oddities = sorted(oddities, key=lambda one: one.offset)
    for n, (start, end) in enumerate(stretches):
        yield from _dropped(text, at, start)
        words = text[start:end]
        words = words.lstrip() if n == 0 and not follows else words
        if words and n <= last:
            yield Text(words.rstrip() if n == last else words)
        if n == len(cuts):
            return
        yield from _dropped(text, end, cuts[n].spans[0].start)
        for span in cuts[n].spans:
            for name, arguments in span.calls:
                yield CallStart(index, name)
                yield CallArgs(index, arguments)
                yield CallEnd(index)
                index += 1
            whose = span.calls[0][0] if span.calls else None
            if span.calls and (written := text[span.start:span.end]) != (canonical := _as_json(span)):
                yield Repair("shape", span.start, shown(written), shown(canonical), whose)
            while odd < len(oddities) and oddities[odd].offset < cuts[n].end and oddities[odd].offset < span.end:
                one = oddities[odd]
                if one.offset >= cuts[n].start:
                    yield Repair(one.kind, one.offset, shown(one.before), shown(one.after), whose)
                odd += 1
            yield from (_placed(repair, text, span) for repair in span.repairs)
        at = cuts[n].spans[-1].end


def _placed(repair: Repair, text: str, span: Span) -> Repair:
    """A repair of an argument, at the place where that stands: at its value if it can be found, else at its name."""
    if not repair.path:
        return repair
    at = max(text.find(re.split(r"[.\[]", repair.path)[0], span.start, span.end), span.start)
    value = text.find(repair.before.strip('"'), at, span.end)
    return replace(repair, offset=value if value >= 0 else at)


def _as_json(span: Span) -> str:
    """The calls as JSON has them."""
    calls = [f'{{"name": {json.dumps(name)}, "arguments": {arguments}}}' for name, arguments in span.calls]
    return calls[0] if len(calls) == 1 else f"[{', '.join(calls)}]"


def _dropped(text: str, start: int, end: int) -> Iterator[Repair]:
    written = text[start:end]
    if wrapper := written.strip():
        yield Repair("wrapper", start + written.index(wrapper), shown(wrapper), "")
