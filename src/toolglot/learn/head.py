"""What stands before the first question: what every prompt begins with, the system message, the tools.

The one rule: four conversations are looked at, with a system message or none, with tools or none; what is read off
must print all four.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from ..spec import CONTENT, LIST, SYSTEM, TODAY, TOOLS, Node, Template, When
from .frames import Frames
from .probe import LearnError
from .sight import ASKED, DAY, LISTED, REPLIED, SAID, Sight, shared_end, shared_start, template, units
from .tools import Way

State = tuple[bool, bool]                            # is there a system message, are there tools
NEITHER, TOOLED, TOLD, BOTH = (False, False), (False, True), (True, False), (True, True)
_SLOTS = {SAID: CONTENT, LISTED: LIST, DAY: TODAY}
Fields = dict[str, Any]
Flag = Literal["tools", "system", "both"]


def read_heads(sight: Sight, frames: Frames, way: Way | None) -> Iterator[Fields]:
    """Fields of Turns that may print what was seen. Raises LearnError where there is nothing to go by."""
    seen = {state: _see(sight, state, way) for state in (NEITHER, TOOLED, TOLD, BOTH)}
    if not any(seen.values()):
        raise LearnError("chat template: it refuses a question, an answer and a question")
    user, heads = _user(sight, frames, seen, way)
    section = user.pop("section", None)
    for head in _heads(sight, heads, section is None and way is not None, SYSTEM not in user["user"]):
        out = {**user, **head}
        if section is not None:
            out["tools"] = section
        yield {k: _merged(v) if isinstance(v, tuple) else v for k, v in out.items()}


def _see(sight: Sight, state: State, way: Way | None) -> str | None:
    told, tooled = state
    messages = [*([sight.system()] if told else []), sight.user(), sight.answer(), sight.user(1)]
    seen = sight.see(messages, sight.tools() if tooled else (), listing=way.text if way else None)
    if seen is None or ASKED[0] not in seen:
        return None
    if (told and SAID not in seen) or (tooled and way and LISTED not in seen):
        return None
    return seen


def nodes(seen: str) -> Template:
    return template(seen, _SLOTS)


def _merged(nodes: Template) -> Template:
    """Without empty strings, and two literals in a row as one."""
    out: list[Node] = []
    for node in nodes:
        if isinstance(node, str) and out and isinstance(last := out[-1], str):
            out[-1] = last + node
        elif node != "":
            out.append(node)
    return tuple(out)


# -- what stands in a question -----------------------------------------------------------------------------------


def _user(sight: Sight, frames: Frames, seen: Mapping[State, str | None],
          way: Way | None) -> tuple[Fields, dict[State, str | None]]:
    """The frame of a question, with the tools and the system message where they stand in it; and what stands before it."""
    opens, closes = frames.user_opens, frames.user_closes
    heads: dict[State, str | None] = {s: x and x[:x.index(ASKED[0])] for s, x in seen.items()}
    told, tooled = seen[TOLD] or seen[BOTH], seen[TOOLED] or seen[BOTH]
    inner: list[tuple[str, Node]] = []
    fields: Fields = {}
    if way and tooled:
        at, section = _place(tooled, LISTED, opens, frames.closes)
        if at != "system":
            fields |= {"tools_at": at, "section": (*nodes(section[0]), LIST, *nodes(section[1]))}
            inner.append((section[2], TOOLS))
    if told:
        at, section = _place(told, SAID, opens, frames.closes)
        if at != "system":
            fields |= {"system_in": "first-user" if at == "first-user" else "last-turn",
                       "system": (*nodes(section[0]), CONTENT, *nodes(section[1]))}
            inner.append((section[2], SYSTEM))
            heads = {s: x if not s[0] else None for s, x in heads.items()}
    both = seen[BOTH]
    if len(inner) == 2 and both and both.find(SAID) < both.find(LISTED):
        inner.reverse()
    outside = [n for where, n in inner if where == "before"]
    inside = [n for where, n in inner if where == "inside"]
    fields["user"] = (*outside, opens, *inside, CONTENT, closes)
    return fields, {s: _head(x, opens, fields.get("tools_at", "system"), s[1]) for s, x in heads.items()}


def _place(seen: str, mark: str, opens: str, closes: str) -> tuple[str, tuple[str, str, str]]:
    """Where a thing stands, and what is before and behind it there, inside of a question's frame or before it."""
    i, first = seen.index(mark), seen.index(ASKED[0])
    if i > first:
        last = seen.find(ASKED[1])
        text = seen[seen.index(REPLIED[0]) + 1:last] if REPLIED[0] in seen else ""
        at, (before, behind) = "last-user", text[len(closes):].split(mark)[:2] if mark in text else ("", "")
        if opens and behind.endswith(opens):
            return at, (before, behind[:-len(opens)], "before")
        return at, (before.removeprefix(opens), behind, "inside")
    behind = seen[i + 1:first]
    if behind.endswith(opens) and opens:
        return "system", ("", "", "")
    before = seen[:i]
    start = before.rfind(opens) if opens else 0
    if start < 0:
        return "system", ("", "", "")
    return "first-user", (before[start + len(opens):], behind, "inside")


def _head(before: str | None, opens: str, tools_at: str, tooled: bool) -> str | None:
    """What stands before the first question's frame."""
    if before is None or not opens:
        return before
    if tooled and tools_at == "first-user":
        return before[:before.rfind(opens, 0, before.index(LISTED))]
    return before[:-len(opens)] if before.endswith(opens) else before


# -- what stands before it ---------------------------------------------------------------------------------------


def _heads(sight: Sight, heads: Mapping[State, str | None], tools: bool, system: bool) -> Iterator[Fields]:
    """`start`, `system`, `tools` and the default system message, in the ways that they may be meant."""
    known = [h for h in heads.values() if h is not None]
    starts = []
    empty = heads[NEITHER]
    if empty is not None and all(h.startswith(empty) for h in known):
        starts.append((empty, False))
    for own in _starts_by_tools(heads):
        yield from _after(own, heads, tools, system)
    bos = sight.probe.bos
    starts.append((bos if all(h.startswith(bos) for h in known) else "", True))
    whole = shared_start(*known)
    starts.append((whole[:min((whole.find(c) for c in (SAID, LISTED) if c in whole), default=len(whole))], False))
    for start, stands in starts:
        rest = {s: None if h is None or not h.startswith(start) else h[len(start):] for s, h in heads.items()}
        for fields in _system_heads(rest, stands, tools) if system else _bare_heads(rest, tools):
            yield {**fields, "start": (*nodes(start), *fields.get("start", ()))}


def _starts_by_tools(heads: Mapping[State, str | None]) -> Iterator[dict[State, str]]:
    """What stands before the system message, with tools and without, where both are turns of their own."""
    plain, told, tooled, both = heads[NEITHER], heads[TOLD], heads[TOOLED], heads[BOTH]
    if not plain or told is None or tooled is None or both is None or not told.startswith(plain):
        return
    end = units(plain)[-1]
    shared = shared_start(tooled, both)
    if not tooled.startswith(plain) and end in shared:
        own = shared[:shared.rindex(end) + len(end)]
        yield {NEITHER: plain, TOLD: plain, TOOLED: own, BOTH: own}
        own = shared[:shared.index(end) + len(end)]
        yield {NEITHER: plain, TOLD: plain, TOOLED: own, BOTH: own}


def _after(starts: Mapping[State, str], heads: Mapping[State, str | None], tools: bool, system: bool) -> Iterator[Fields]:
    start = pick(starts)
    rest = {s: None if h is None else h[len(starts[s]):] for s, h in heads.items()}
    if start is not None:
        for fields in _system_heads(rest, False, tools) if system else _bare_heads(rest, tools):
            yield {**fields, "start": (*start, *fields.get("start", ()))}


def _bare_heads(heads: Mapping[State, str | None], tools: bool) -> Iterator[Fields]:
    """Where the system message stands elsewhere."""
    empty, tooled = heads[NEITHER], heads[TOOLED]
    if not tools or tooled is None:
        if (found := pick({NEITHER: empty, TOOLED: tooled, TOLD: None, BOTH: None})) is not None:
            yield {"start": found}
        return
    before, _, behind = tooled.partition(LISTED)
    opens = shared_start(before, empty or "")
    closes = (empty or "")[len(opens):]
    if behind.endswith(closes):
        yield {"start": (*nodes(opens), TOOLS, *nodes(closes)), "tools_at": "own",
               "tools": (*nodes(before[len(opens):]), LIST, *nodes(behind[:len(behind) - len(closes)]))}


def _system_heads(heads: Mapping[State, str | None], stands: bool, tools: bool) -> Iterator[Fields]:
    told, both = heads[TOLD], heads[BOTH]
    if told is None and both is None:
        for fields in _bare_heads(heads, tools):
            yield {**fields, "system": ()}           # it is told of none
        return
    if not tools:
        yield from _without_tools(heads, stands)
    elif both is not None and both.find(LISTED) < both.find(SAID):
        yield from _tools_first(heads, stands)
    else:
        yield from _tools_last(heads, stands)


def _split(text: str | None, mark: str) -> tuple[str | None, str | None]:
    if text is None or mark not in text:
        return None, None
    before, _, behind = text.partition(mark)
    return before, behind


def _default(empty: str | None, opens: str | None, closes: str | None) -> str | None:
    """The words between the frame of the system message, where none was given."""
    if empty is None or opens is None or closes is None or len(empty) < len(opens) + len(closes):
        return None
    return empty[len(opens):len(empty) - len(closes)] if empty.startswith(opens) and empty.endswith(closes) else None


def _without_tools(heads: Mapping[State, str | None], stands: bool) -> Iterator[Fields]:
    told, both = _split(heads[TOLD], SAID), _split(heads[BOTH], SAID)
    opens = {NEITHER: None, TOOLED: None, TOLD: told[0], BOTH: both[0]}
    closes = {NEITHER: None, TOOLED: None, TOLD: told[1], BOTH: both[1]}
    said = {s: _default(heads[s], opens[t], closes[t]) if stands else None
            for s, t in ((NEITHER, TOLD), (TOOLED, BOTH))}
    one, two = pick(opens), pick(closes)
    if one is not None and two is not None:
        fields = {"system": (*one, CONTENT, *two)}
        if not stands:
            yield fields
        elif None not in said.values() or heads[TOOLED] is None:
            yield {**fields, **_says(said[NEITHER], said[TOOLED])}
    if stands:                                       # frames that differ where there is no system message
        for n in range(len(heads[NEITHER] or "") + 1):
            if (heads[NEITHER] or "")[n:] == told[1]:
                one = pick({**opens, NEITHER: (heads[NEITHER] or "")[:n]})
                if one is not None and two is not None:
                    yield {"system": (*one, CONTENT, *two), "system_always": True}


def _says(plain: str | None, tooled: str | None) -> Fields:
    """The default system message, as it is with tools or without."""
    if not plain and not tooled:
        return {"system_always": True}
    if tooled is None or plain == tooled:
        return {"default_system": nodes(plain or "")}
    if plain is None:
        return {"default_system": nodes(tooled)}
    if not plain:
        return {"default_system": nodes(tooled), "default_with_tools": True}
    return {"default_system": (When("tools", tooled, plain),)}


def _tools_last(heads: Mapping[State, str | None], stands: bool) -> Iterator[Fields]:
    """The system message, then the tools."""
    opens, closes = _split(heads[TOLD], SAID)
    opens_both, rest = _split(heads[BOTH], SAID)
    middle, closes_both = _split(rest, LISTED)
    lone, closes_lone = _split(heads[TOOLED], LISTED)
    if closes is None:
        closes, opens = "", opens_both
    section = shared_end(*(x for x in (middle, lone) if x is not None))
    sections = [section]
    if opens and lone and lone.startswith(opens) and (middle or lone).endswith(lone[len(opens):]):
        sections.insert(0, lone[len(opens):])        # the tools stand in the system message's frame, or one like it
    for p in sections:
        before = {NEITHER: None, TOOLED: _cut(lone, p), TOLD: opens, BOTH: opens_both}
        between = {NEITHER: None, TOOLED: "", TOLD: "", BOTH: _cut(middle, p)}
        ends = [x for x in (closes_both, closes_lone) if x is not None]
        q = shared_start(*ends)
        q = q[:len(q) - len(closes)] if all(e.endswith(closes) and e == q for e in ends) else q
        after = {NEITHER: None, TOOLED: closes_lone and closes_lone[len(q):], TOLD: closes,
                 BOTH: closes_both and closes_both[len(q):]}
        tools = (*nodes(p), LIST, *nodes(q))
        yield from _assembled(heads, stands, before, between, after, tools, opens, closes)


def _cut(text: str | None, end: str) -> str | None:
    return None if text is None else text[:len(text) - len(end)] if end else text


def _assembled(heads: Mapping[State, str | None], stands: bool, before: dict[State, str | None],
               between: dict[State, str | None], after: dict[State, str | None], tools: Template, opens: str | None,
               closes: str) -> Iterator[Fields]:
    plain = _default(heads[NEITHER], opens, closes) if stands else None
    lone = before[TOOLED]
    if stands and plain is not None:
        if lone is not None and opens is not None and lone.startswith(opens):    # the default stands there too
            said = lone[len(opens):]
            extra = _glue(said, plain, between[BOTH])
            ones, twos, threes = pick({**before, TOOLED: opens}), pick({**between, TOOLED: extra or ""}), pick(after)
            if ones is not None and twos is not None and threes is not None:
                yield {"system": (*ones, CONTENT, *twos, TOOLS, *threes), "tools": tools,
                       **_says(plain, said[:len(said) - len(extra)] if extra else said)}
        ones = pick({**before, NEITHER: opens})
        twos, threes = pick(between), pick({**after, NEITHER: closes})
        if ones is not None and twos is not None and threes is not None and plain:
            yield {"system": (*ones, CONTENT, *twos, TOOLS, *threes), "tools": tools,
                   "default_system": (When("tools", "", plain),)}
        if ones is not None and twos is not None and threes is not None and not plain:
            yield {"system": (*ones, CONTENT, *twos, TOOLS, *threes), "tools": tools, "system_always": True}
    if not stands:
        ones, twos, threes = pick(before), pick(between), pick(after)
        if ones is not None and twos is not None and threes is not None:
            fields = {"system": (*ones, CONTENT, *twos, TOOLS, *threes), "tools": tools}
            if opens and lone and lone.startswith(opens) and len(lone) > len(opens) and before[BOTH] == opens:
                yield {**fields, "system": (opens, CONTENT, *twos, TOOLS, *threes),
                       "default_system": nodes(lone[len(opens):]), "default_with_tools": True}
            yield fields


def _glue(said: str, plain: str, glue: str | None) -> str:
    """What joins the default message and the tools, as it joins others to them."""
    return glue if glue and said == plain + glue else ""


def _tools_first(heads: Mapping[State, str | None], stands: bool) -> Iterator[Fields]:
    """The tools, then the system message."""
    told, closes = _split(heads[TOLD], SAID)
    both, rest = _split(heads[BOTH], LISTED)
    middle, closes_both = _split(rest, SAID)
    lone, behind = _split(heads[TOOLED], LISTED)
    opens, middle = told or "", middle or ""
    closes = closes if closes is not None else closes_both or ""
    if lone is None or behind is None:
        lone, behind = both or "", middle
    plain = _default(heads[NEITHER], opens, closes) if stands else None
    if middle.startswith(behind) and middle[len(behind):] == opens:              # a turn of its own
        yield {"system": (*nodes(opens), CONTENT, *nodes(closes)), "tools_at": "own",
               "tools": (*nodes(lone), LIST, *nodes(behind)), **(_says(plain, None) if plain is not None else {})}
    inside = behind[:-len(closes)] if closes and behind.endswith(closes) else behind
    q = shared_start(middle, inside)
    inner = pick({TOOLED: "", TOLD: "", BOTH: middle[len(q):]})
    for frame in dict.fromkeys(_frames_in(opens, lone)):
        outer = pick({TOOLED: frame, TOLD: opens, BOTH: (both or "")[:len(frame)]})
        ends = pick({TOOLED: behind[len(q):], TOLD: closes, BOTH: closes_both})
        tools = (*nodes(lone[len(frame):]), LIST, *nodes(q))
        if outer is None or inner is None:
            continue
        words = inside[len(q) + len(middle[len(q):]):] if inside[len(q):].startswith(middle[len(q):]) else ""
        if words and plain is not None:              # with tools, something is said where nothing was given
            yield {"system": (*outer, TOOLS, *inner, CONTENT, *nodes(closes)), "tools": tools, **_says(plain, words),
                   "system_always": True}
        if ends is None:
            continue
        fields = {"system": (*outer, TOOLS, *inner, CONTENT, *ends), "tools": tools}
        if plain:
            yield {**fields, "default_system": (When("tools", "", plain),)}
            yield {**fields, "default_system": nodes(plain)}
        yield {**fields, "system_always": True} if stands else fields


def _frames_in(opens: str, text: str) -> Iterator[str]:
    """How far the frame of the system message may reach in what stands before the tools: something may stand in it."""
    start = shared_start(opens, text)
    rest = opens[len(start):]
    if rest and rest in text[len(start):]:
        yield text[:text.index(rest, len(start)) + len(rest)]
    if not rest:
        yield opens
    yield start


# -- a literal that depends on the two ---------------------------------------------------------------------------


def pick(values: Mapping[State, str | None]) -> Template | None:
    """A literal that is each of these where it must be; None where no template can say it. What is None may be anything."""
    known = {s: v for s, v in values.items() if v is not None}
    if not known:
        return ()
    start = shared_start(*known.values())
    rest = {s: v[len(start):] for s, v in known.items()}
    end = shared_end(*rest.values())
    rest = {s: v[:len(v) - len(end)] for s, v in rest.items()}
    chosen = _chosen(rest)
    return None if chosen is None else _merged((*nodes(start), *chosen, *nodes(end)))


def _chosen(rest: Mapping[State, str]) -> Template | None:
    if not any(rest.values()):
        return ()
    if any(DAY in v for v in rest.values()):
        return None
    flags: tuple[tuple[Flag, set[State]], ...] = (("tools", {TOOLED, BOTH}), ("system", {TOLD, BOTH}), ("both", {BOTH}))
    for flag, states in flags:
        on, off = {v for s, v in rest.items() if s in states}, {v for s, v in rest.items() if s not in states}
        if len(on) <= 1 and len(off) <= 1:
            return (When(flag, "".join(on), "".join(off)),)
    told, tooled, both = rest.get(TOLD, ""), rest.get(TOOLED, ""), rest.get(BOTH, "")
    if rest.get(NEITHER) in (None, told + tooled):
        whens = (When("both", both), When("tools", "", told), When("system", "", tooled))
        return tuple(w for w in whens if w.then or w.otherwise)
    return None
