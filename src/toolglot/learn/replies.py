"""What stands around the parts of past replies: where nothing was thought, beside calls, around answers.

The one rule: each kind of reply is seen in each place, before the last question and behind it; what may explain what
stands there is offered to the search, and what does not is left out by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ..spec import TEXT, Template, When
from .frames import Frames
from .sight import ASKED, RESULT, Sight, common_units, parts_of

Fields = dict[str, Any]
WORDS, CALLED, THOUGHT = "\ue070", "\ue071", "\ue072"
KINDS = ("answer", "calls", "both")
PLACES = ("before", "after", "last")


@dataclass(frozen=True)
class Seen:
    """A past reply, as it stands between what is before it and what follows: its parts as characters."""

    kind: str
    thought: bool
    place: str
    text: str                                        # behind the header that all replies share

    @property
    def opens(self) -> str:
        """What stands before its first part."""
        return self.text[:min((i for i in map(self.text.find, (WORDS, CALLED, THOUGHT)) if i >= 0), default=0)]


def read_replies(sight: Sight, frames: Frames) -> tuple[str, list[Seen]]:
    """The header that all past replies share, and each kind in each place."""
    regions: list[tuple[str, bool, str, str]] = []
    for kind in KINDS:
        for thought in (False, True):
            for place in PLACES:
                for before in ([], [sight.system()]):
                    region = _region(sight, before, kind, thought, place, frames.user_closes)
                    if region is not None:
                        regions.append((kind, thought, place, region))
                        break
    header = regions[0][3] if regions else ""
    for *_, region in regions:
        header = header[:common_units(header, region)]
    header = header[:min((i for i in map(header.find, (WORDS, CALLED, THOUGHT)) if i >= 0), default=len(header))]
    return header, [Seen(kind, thought, place, region[len(header):]) for kind, thought, place, region in regions]


def _region(sight: Sight, before: list[Any], kind: str, thought: bool, place: str, user_closes: str) -> str | None:
    word = sight.probe.word
    reasoning = word("thought") if thought else None
    said = None if kind == "calls" else word("answer")
    reply = sight.probe.assistant(content=said, reasoning=reasoning) if kind == "answer" else \
        sight.calls(content=said, reasoning=reasoning)
    messages = [*before, sight.user(), reply]
    tools = () if kind == "answer" else sight.tools()
    if kind != "answer":
        if place == "last":
            return None
        messages += sight.probe.results(reply)
        if place == "before":
            messages += [sight.answer(1), sight.user(1)]
    elif place == "before":
        messages.append(sight.user(1))
    elif place == "after":                           # an answer is followed by a question alone
        return None
    text = sight.probe.attempt(messages, list(tools) or None, reply_starts=place == "after")
    if text is None:
        return None
    for n in range(len(parts_of(reply))):
        part = parts_of(reply)[n]
        if part.__class__.__name__ == "Call":
            text = text.replace(sight.spoken([part]), CALLED, 1)
    if said is not None:
        spoken = sight.spoken(parts_of({"content": said}))
        text = text.replace(spoken if spoken in text else said, WORDS, 1)
    text = text.replace(word("thought"), THOUGHT)
    text = text.replace(word("user"), ASKED[0], 1)
    for mark, w in ((RESULT[0], word("result")), (ASKED[1], word("user1"))):
        text = text.replace(w, mark, 1)
    start = text.find(ASKED[0])
    if start < 0:
        return None
    ends = [i for i in (text.find(RESULT[0], start), text.find(ASKED[1], start)) if i >= 0]
    region = text[start + 1:min(ends, default=len(text))]
    return region[len(user_closes):] if region.startswith(user_closes) else None


def explanations(sight: Sight, frames: Frames) -> Iterator[Fields]:
    """Fields of Turns that may explain what stands around the parts of past replies, the plainest first; and `header`."""
    shared, seen = read_replies(sight, frames)
    headers = [frames.header]
    opener = (sight.dialect.reasoning or ("",))[0]
    if isinstance(opener, str) and (own := _own_header(seen, shared, opener)) is not None:
        headers.insert(0, own)
    headers.append(shared)
    for header in dict.fromkeys(headers):
        yield {"header": header}
        if shared.startswith(header):
            cut = [replace(s, text=shared[len(header):] + s.text) for s in seen]
        elif header.startswith(shared) and all(s.text.startswith(header[len(shared):]) for s in seen):
            cut = [replace(s, text=s.text[len(header) - len(shared):]) for s in seen]
        else:
            continue
        for fields in _explained(cut):
            yield {"header": header, **fields}


def _own_header(seen: list[Seen], shared: str, opener: str) -> str | None:
    """The header of a reply that begins with reasoning."""
    for one in seen:
        before, found, _ = one.text.partition(THOUGHT)
        if found and (shared + before).endswith(opener):
            return (shared + before)[:-len(opener)] if opener else shared + before
    return None


def _explained(seen: list[Seen]) -> Iterator[Fields]:
    kept = {(s.kind, s.place) for s in seen if s.thought and THOUGHT in s.text}
    reasoning = _history(kept)
    opens = {(s.kind, s.place, s.thought): s.opens for s in seen if THOUGHT not in s.text}
    if not kept:
        yield from _apart(seen, opens)
    for beside, less in _beside(seen, opens):
        if less:
            opens = {k: v[:len(v) - len(less.get(k, ""))] for k, v in opens.items()}
        plain = _stands({k: v for k, v in opens.items() if k[:2] not in kept})
        where_kept = {v for k, v in opens.items() if k[:2] in kept and not k[2]}
        base = {"reasoning": reasoning, **beside}
        if plain is None:
            yield base
            continue
        yield {**base, "no_reasoning": plain}
        for one in sorted(where_kept):
            if one:
                if not plain:
                    yield {**base, "no_reasoning": (one,)}
                yield {**base, "no_reasoning": plain or ("",), "no_reasoning_kept": (one,)}
        if any(where_kept):
            for empty in ("last", "kept", "always"):
                yield {**base, "no_reasoning": plain, "empty_reasoning": empty}


def _apart(seen: list[Seen], opens: dict[tuple[str, str, bool], str]) -> Iterator[Fields]:
    """Where no reasoning is ever told: answers, and words beside calls, may each have a frame of their own."""
    answers, silent, both = ({v for k, v in opens.items() if k[0] == kind} for kind in KINDS)
    middles = {s.text.partition(WORDS)[2].partition(CALLED)[0] for s in seen if s.kind == "both" and WORDS in s.text}
    if len(answers) == len(silent) == len(both) == len(middles) == 1:
        (before,), (middle,), (alone,), (answer,) = both, middles, silent, answers
        if alone == before + middle and (before or answer):
            yield {"reasoning": "none", "answer": tuple(n for n in (answer, TEXT) if n),
                   "beside_calls": tuple(n for n in (before, TEXT, middle) if n)}


def _history(kept: set[tuple[str, str]]) -> str:
    """What history keeps of reasoning, by where it was seen."""
    if not kept:
        return "none"
    if any(place == "before" for _, place in kept):
        return "all" if ("answer", "before") in kept else "with-calls"
    return "after-user" if ("answer", "last") in kept else "open-calls"


def _stands(opens: dict[tuple[str, str, bool], str]) -> Template | None:
    """What stands where no reasoning is told, as a template; None where no template says it."""
    said = {opens[k] for k in opens if (k[0] == "answer" and not k[2]) or k[0] == "both"}
    silent = {v for k, v in opens.items() if k[0] == "calls"}
    dropped = {v for k, v in opens.items() if k[0] == "answer" and k[2]}
    if not said | silent | dropped:
        return ()
    for base in sorted(said) or [""]:
        one, two = next(iter(sorted(silent)), base), next(iter(sorted(dropped)), base)
        start = common_units(base[:common_units(base, one)], two)
        rest, one, two = base[start:], one[start:], two[start:]
        if not rest or one == two == rest:
            whens = [When("silent", one)] if one else []
            whens += [When("dropped", two)] if two else []
            found = (base[:start], *(whens if one != rest or two != rest else [rest]))
        elif two == rest:
            found = (base[:start], When("silent", one, rest))
        elif one == rest:
            found = (base[:start], When("dropped", two, rest))
        else:
            continue
        return tuple(n for n in found if n)
    return None


def _beside(seen: list[Seen], opens: dict[Any, str]) -> Iterator[tuple[Fields, dict[Any, str]]]:
    """What stands around the words beside calls; and what of it was seen before the parts."""
    yield {}, {}
    found: set[tuple[str, str]] = set()
    for both in seen:
        if both.kind != "both" or WORDS not in both.text or THOUGHT in both.text:
            continue
        before, _, rest = both.text.partition(WORDS)
        middle, called, _ = rest.partition(CALLED)
        silent = opens.get(("calls", both.place, both.thought))
        answer = opens.get(("answer", both.place, both.thought)) or opens.get(("answer", "last", both.thought)) or ""
        if not called or silent is None:
            continue
        for own in dict.fromkeys(("", answer)):
            if before.startswith(own) and silent == before + middle:
                found.add((before[len(own):], middle))
    for before, middle in sorted(found):
        if not before and not middle:
            continue
        less = {k: (before + middle if k[0] == "calls" else before if k[0] == "both" else "") for k in opens}
        if all(v.endswith(less[k]) for k, v in opens.items()):
            yield {"beside_calls": tuple(n for n in (before, TEXT, middle) if n)}, less
