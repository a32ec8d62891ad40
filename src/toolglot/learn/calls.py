"""How calls are written: what stands around all of them, around each, between two, and where its name, id and number are.

The one rule: two and three calls that differ in nothing but their words say where one ends and the next begins. A
template that loses a call, or part of one, is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..chat_template import TemplateError
from ..message import Call
from ..plan import leading, opening, strong
from ..render import encode, fill
from ..spec import (
    CALLS,
    ECHO,
    ID,
    INDEX,
    KEY,
    NAME,
    NUMBER,
    VALUE,
    Calls,
    Encoding,
    Json,
    Object,
    Slot,
    Template,
)
from .frame import Fact, Frame, Place
from .marked import (
    ARGUMENTS,
    SIGN,
    SLOT,
    as_template,
    common_end,
    common_start,
    ending_well,
    markers,
    shown,
    starting_well,
)
from .probe import LearnError, Probe
from .tagged import learn_tags
from .values import SEPARATORS, TYPED, Found, find_arguments, json_span, nearest, options

SYNONYMS = (("arguments", "parameters"), ("parameters", "arguments"))     # models write either, whatever they were shown


@dataclass(frozen=True)
class Learned:
    """Calls, the frame that they stand in, and what closes a reply that ends in them."""

    calls: Calls
    frame: Frame
    closer: str
    single: bool                                 # a second call is refused
    exact: bool                                  # values of all types are written byte for byte
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Cut:
    """The text of replies of calls, cut: H is the frame's header."""

    opener: str
    before: str                                  # the first slot of a call, from its beginning
    body: str                                    # one call, marked
    between: str
    closer: str                                  # behind the last call of all
    closing: str                                 # of the section that `opener` opens


@dataclass(frozen=True)
class Seen:
    """One, two and three calls as they are printed, marked; `alone`: why there is but one."""

    place: Place
    found: Found
    texts: tuple[str, ...]
    alone: str

    @property
    def before(self) -> str:
        """What stands between the question and the first call's first word."""
        return self.texts[0][:min(self.texts[0].index(s) for s in (*SLOT, ARGUMENTS) if s in self.texts[0])]


def see_calls(probe: Probe) -> Seen:
    """Replies of calls, as this template prints them. Raises LearnError."""
    place, one = _first(probe)
    found = find_arguments(one, probe.word("key"), probe.word("value"))
    texts, alone = _more(probe, place)
    return Seen(place, found, tuple(_mark(probe, t, n, found.kind) for n, t in enumerate((one, *texts), 1)), alone)


def learn_calls(probe: Probe, seen: Seen, frame: Frame) -> Learned:
    """How this template writes calls, in the frame of its replies. Raises LearnError."""
    facts = [Fact("a reply holds one call", True, seen.alone)] if seen.alone else []
    frame, cut, numbered = _cut_one(seen.texts[0], frame) if seen.alone else _cut_many(seen.texts, frame)
    template, _, exact, more = _arguments(probe, seen.place, seen.found, frame, cut)
    calls = Calls(template, around=_around(cut), between=cut.between)
    facts += [*numbered, *more]
    if not strong(leading(opening(calls))[0][0]):
        calls = replace(calls, at_start=True)
        facts.append(Fact("calls have no marker of their own: they can only begin a reply", False, repr(cut.body[:40])))
    return Learned(calls, frame, cut.closer, bool(seen.alone), exact, tuple(facts))


def _around(cut: Cut) -> Template:
    return tuple(n for n in (cut.opener, CALLS, cut.closing) if n)


# -- what it prints --------------------------------------------------------------------------------------------


def _calls(probe: Probe, n: int) -> list[dict[str, Any]]:
    return [probe.call(probe.word(f"name{i or ''}"), {probe.word(f"key{i or ''}"): probe.word(f"value{i or ''}")}, i)
            for i in range(n)]


def _first(probe: Probe) -> tuple[Place, str]:
    """Where one call is printed whole."""
    if not probe.manner.calls:
        raise LearnError(f"chat template: it prints no calls{_refusal(probe)}")
    for followed in (False, True):
        text = Place(probe, followed).attempt(probe.assistant(*_calls(probe, 1)))
        if text is not None and all(probe.word(w) in text for w in ("key", "value")):
            if probe.word("name") not in text:
                raise LearnError(f"calls: the name of the function is not printed: {shown(text)}")
            return Place(probe, followed), text
    raise LearnError("chat template: its calls do not stand between the question and the results")


def _refusal(probe: Probe) -> str:
    try:
        probe.render(probe.called(), probe.tools())
    except TemplateError as error:
        return f": {str(error).removeprefix('chat template: ')}"
    return ""


def _more(probe: Probe, place: Place) -> tuple[list[str], str]:
    """Two and three calls as they are printed; or that one is all there may be, and why."""
    texts = []
    for n in (2, 3):
        try:
            text = place.around(probe.assistant(*_calls(probe, n)))
        except TemplateError as error:
            if n == 2:
                return [], str(error)
            raise LearnError(f"calls: two are printed, three are refused: {error}") from None
        lost = [i for i in range(n) for w in ("name", "key", "value") if probe.word(f"{w}{i or ''}") not in text]
        if lost:
            raise LearnError(f"calls: of {n} calls in one reply, number {lost[0] + 1} is lost or bent: {shown(text)}")
        at = [text.index(probe.word(f"name{i or ''}")) for i in range(n)]
        if at != sorted(at):
            raise LearnError(f"calls: {n} calls are printed in another order: {shown(text)}")
        texts.append(text)
    return texts, ""


def _mark(probe: Probe, text: str, n: int, kind: str) -> str:
    """The text of n calls with every word in it marked as what it is."""
    spans: list[tuple[int, int, str]] = []
    for i in range(n):
        name, key, value = (probe.word(f"{w}{i or ''}") for w in ("name", "key", "value"))
        found = find_arguments(text, key, value)
        if found.kind != kind:
            raise LearnError(f"arguments: those of call {i + 1} of {n} are written otherwise than the first's: "
                             f"{shown(text)}")
        if kind == "tagged":
            spans += [(m.start(), m.end(), SIGN[KEY]) for m in re.finditer(key, text)]
            spans.append((found.end - len(value), found.end, SIGN[VALUE]))
        else:
            spans.append((found.start, found.end, ARGUMENTS))
        named = [m.span() for m in re.finditer(name, text)]
        spans += [(*span, SIGN[ECHO if j else NAME]) for j, span in enumerate(named)]
        spans += [(*m.span(), SIGN[ID]) for m in re.finditer(probe.id(i), text)]
    for start, end, sign in sorted(spans, reverse=True):
        text = text[:start] + sign + text[end:]
    return text


# -- cutting it ------------------------------------------------------------------------------------------------


def _cut_one(text: str, frame: Frame) -> tuple[Frame, Cut, list[Fact]]:
    """One call alone: what stands behind it is its own, but for what closes an answer."""
    body = text[len(frame.called):]
    last = max(body.rindex(s) for s in (*SLOT, ARGUMENTS) if s in body)
    tail = body[last + 1:]
    closer = _closer(tail, frame.answered) or _last_marker(tail)
    return frame, Cut("", "", body[:len(body) - len(closer)], "", closer, ""), []


def _last_marker(tail: str) -> str:
    found = markers(tail)
    return tail[tail.rindex(found[-1]):] if found else ""


def _closer(tail: str, answered: str) -> str:
    """What closes the turn, of what stands behind the last call and behind an answer."""
    plain = tail.rstrip()
    end = common_end(plain, answered.rstrip())
    if not end:
        return tail[len(plain):] if not answered.strip() else ""
    return (end if end == plain else ending_well(plain, end)) + tail[len(plain):]


def _cut_many(marked: Sequence[str], frame: Frame) -> tuple[Frame, Cut, list[Fact]]:
    text, facts = marked[2], list[Fact]()
    parts = re.split(f"(?={SIGN[NAME]})", text)
    if len(parts) != 4:
        raise LearnError(f"calls: three calls do not name three functions: {shown(text)}")
    parts, number = _numbered(parts)
    if number:
        facts.append(number)
    before, one, two, last = parts
    if one != two:
        raise LearnError(f"calls: the second is written otherwise than the first: {shown(one)}, {shown(two)}")
    frame, begun, opener = _opening(before, one, frame)
    inside = one[:len(one) - len(begun)]                        # from a name to where the next call begins
    tail = starting_well(inside, common_start(inside, last))
    between, behind = inside[len(tail):], last[len(tail):]
    space = tail[len(tail.rstrip()):]
    if space and (opener.strip() or space + behind == frame.answered):
        tail, between, behind = tail.rstrip(), space + between, space + behind
    closing, closer = _closing(behind, frame.answered, bool(opener.strip()))
    if between.strip() and frame.called.strip() and between.endswith(frame.called[-len(between):]):
        raise LearnError(f"calls: each is a turn of its own: {shown(between)}")
    _same_with_two(marked[1], frame, opener, begun, tail, between, behind, number is not None)
    return frame, Cut(opener, begun, begun + tail, between, closer, closing), facts


def _opening(before: str, one: str, frame: Frame) -> tuple[Frame, str, str]:
    """The text of the first call up to its name, and what opens the section before that."""
    reply = before[len(frame.called):]
    if reply.strip():
        begun = ending_well(reply, common_end(reply, one))
        return frame, begun, reply[:len(reply) - len(begun)]
    begun = ending_well(before, common_end(before, one))         # the prompt has written it: `>>>`
    called = before[:len(before) - len(begun)]
    if not begun or not frame.header.endswith(moved := frame.called[len(called):]):
        raise LearnError(f"calls: nothing stands before the name of the first: {shown(before)}")
    header = frame.header[:len(frame.header) - len(moved)]
    return replace(frame, header=header, called=called, opened=moved + frame.opened, said=moved + frame.said), begun, ""


def _closing(behind: str, answered: str, section: bool) -> tuple[str, str]:
    """What closes the section of calls, and what closes the turn."""
    closer = _closer(behind, answered)
    if not closer and not section:
        return "", behind
    if not closer and len(markers(behind)) > 1:
        closer = _last_marker(behind)
    closing = behind[:len(behind) - len(closer)]
    if not section and not closing.strip():
        return "", closing + closer
    return closing, closer


def _same_with_two(text: str, frame: Frame, opener: str, begun: str, tail: str, between: str, behind: str,
                   numbered: bool) -> None:
    made = f"{frame.called}{opener}{begun}{tail}{between}{begun}{tail}{behind}"
    if not numbered and made != text:
        raise LearnError(f"calls: two are written otherwise than three: {shown(made)}, {shown(text)}")


def _numbered(parts: list[str]) -> tuple[list[str], Fact | None]:
    """Where calls count themselves: the digits that go up by one, marked."""
    before, one, two, last = parts
    if one == two:
        return parts, None
    digits = re.compile(r"(\d+)")
    a, b = digits.split(one), digits.split(two)
    places = [i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y]
    if len(a) != len(b) or not all(i % 2 and int(b[i]) == int(a[i]) + 1 for i in places):
        raise LearnError(f"calls: the second is written otherwise than the first: {shown(one)}, {shown(two)}")
    z, d = digits.split(before), digits.split(last)
    first = None
    for i in places:
        back = i - len(a)
        if i < len(d) and d[i].isdigit() and int(d[i]) == int(a[i]) + 2:          # behind the name
            d[i], first = "", int(a[i])
        elif -back <= len(z) and z[back].isdigit() and int(z[back]) == int(a[i]) - 1:
            z[back], first = "", int(a[i]) - 1
        else:
            raise LearnError(f"calls: a number in them counts something else: {shown(one)}, {shown(two)}")
        a[i] = b[i] = ""
    sign = SIGN[INDEX if first == 0 else NUMBER]
    if first not in (0, 1):
        raise LearnError(f"calls: they are numbered from {first}")
    joined = tuple("".join(sign if i % 2 and not x else x for i, x in enumerate(p)) for p in (z, a, b, d))
    return list(joined), Fact(f"calls are numbered from {first}", True, joined[1])


# -- the arguments ---------------------------------------------------------------------------------------------


def _arguments(probe: Probe, place: Place, found: Found, frame: Frame,
               cut: Cut) -> tuple[Template, Encoding, bool, list[Fact]]:
    """The template of one call, its arguments as values of every type show them."""
    start, end = frame.called + cut.opener, cut.closing + cut.closer

    def body(arguments: Mapping[str, Any]) -> str:
        name = probe.word("name")
        text = place.around(probe.assistant(probe.call(name, arguments)))
        if not text.startswith(start) or not text.endswith(end):
            raise LearnError(f"arguments: with {json.dumps(arguments)} the call is framed otherwise: {shown(text)}")
        text = text[len(start):len(text) - len(end)].replace(probe.id(0), SIGN[ID])
        first, *rest = text.split(name)
        return first + SIGN[NAME] + SIGN[ECHO].join(rest) if rest else text

    if found.kind == "tagged":
        words = tuple((probe.word(k), probe.word(v)) for k, v in (("key", "value"), ("key1", "value1")))
        tags = learn_tags(body, tuple(k for k, _ in words), tuple(v for _, v in words))  # type: ignore[arg-type]
        facts = [Fact(note, False) for note in tags.notes]
        # in the call that was cut the numbers are marked, a character each
        before, behind = cut.body[:len(tags.before)], cut.body[len(cut.body) - len(tags.behind):] if tags.behind else ""
        template = (*as_template(before), tags.encoding, *as_template(behind))
        return template, tags.encoding, tags.exact, facts
    encoding, exact = nearest(options(found.kind, found.quote), body(TYPED), TYPED)
    facts = [] if exact else [Fact("values are written otherwise than here, and read the same", False, body(TYPED))]
    template = _as_object(cut.body, encoding)
    if found.kind == "json" and template[0] is not NAME and not any(isinstance(n, Object) for n in template):
        if re.search(r'\{\s*"\w+"\s*:\s*"', cut.body) and not _decodes(cut.body):
            facts.append(Fact("calls look like JSON and are none: a model may well write it right", False, shown(cut.body)))
    return template, encoding, exact, facts


def _slots_alone(values: list[Any]) -> bool:
    return all(v == ARGUMENTS or v in SLOT for v in values if isinstance(v, str)) and all(
        isinstance(v, str) for v in values) and {ARGUMENTS, SIGN[NAME]} <= set(values)


def _decodes(body: str) -> bool:
    plain = re.sub(f'(?<!"){ARGUMENTS}', "{}", body)
    return any(json_span(plain, m.start()) for m in re.finditer(r"\{(?=\s*\")", plain))


def _as_object(body: str, encoding: Encoding) -> Template:
    """A call as a template: where it is a JSON object of slots alone, as one, so that its members are read in any order."""
    if isinstance(encoding, Json):
        plain = body.replace(ARGUMENTS, f'"{ARGUMENTS}"')
        for m in re.finditer(r"\{", plain):
            span = json_span(plain, m.start())
            if span and isinstance(span[0], dict) and _slots_alone(list(span[0].values())):
                fields = {k: encoding if v == ARGUMENTS else SLOT[v] for k, v in span[0].items()}
                text = plain[m.start():span[1]].replace(f'"{ARGUMENTS}"', ARGUMENTS)
                if obj := _object_like(fields, text):
                    end = len(body) - (len(plain) - span[1])
                    return (*as_template(body[:m.start()]), obj, *as_template(body[end:]))
    return as_template(body, encoding)


def _object_like(fields: Mapping[str, Any], text: str) -> Object | None:
    """The object that is written exactly so."""
    indents = {len(m) for m in re.findall(r"\n( *)", text)}
    layouts = [(0, 0)] + [(i - m, m) for m in indents for i in indents if i > m]
    slots: dict[Slot, tuple[str, str]] = {slot: (SIGN[slot], "") for slot in SLOT.values()}
    also = {other: fields[key] for key, other in SYNONYMS if key in fields and other not in fields}
    for separators in SEPARATORS:
        for indent, margin in layouts:
            obj = Object(fields, also, separators=separators, indent=indent, margin=margin)
            written = "".join(t for t, _, _ in fill((obj,), slots, Call("", {"": ""}, SIGN[ID])))
            encoding = next(v for v in fields.values() if not isinstance(v, Slot))
            if written.replace(encode(encoding, {"": ""}), ARGUMENTS) == text:
                return obj
    return None
