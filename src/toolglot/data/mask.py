"""Law 8 on a row: what has a loss is exactly what the model writes.

The one rule: nothing here trusts the spans. What they say is written is read as a reply, after the prompt that stands
before it, and held against the row; and a prompt made for each reply says where that must begin.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from ..message import Assistant, Call, Part, Problem, Reasoning, Text
from ..model import Model
from ..plan import literals
from .policy import Policy
from .rendered import Rendered, Span, functions, told
from .row import Row
from .through import ends_of
from .tokens import Encoder, Tokens


def check(row: Row, shown: Rendered, model: Model, policy: Policy = Policy(), *, today: str | None = None) -> list[str]:
    """What is wrong with the mask of a row, a sentence each; an empty list is the proof that nothing is."""
    found = [*_uncovered(shown), *_misplaced(shown)]
    read: dict[int, list[Part]] = {}
    for start, end, number in shown.replies:
        inside = [s for s in shown.spans if start <= s.start < end and s.written]
        if not inside:
            found.append(f"turn {number}: the model writes nothing of it")
            continue
        if any(s.weight for s in inside):
            first, last = inside[0].start, inside[-1].end
            written = shown.text[first:last]
            found += _edges(row, shown, model, policy, today, number, (first, last))
            if model.template is not None:               # the engine knows that it ends a reply, the dialect does not
                written = _without_end(written, model)
            reply = model.parse(written, functions(row), prompt=_before(shown, first))
            found += [f"turn {number}: {p}" for p in reply.problems if not _expected(p, model)]
            read.setdefault(number, []).extend(reply.parts)
    for number, parts in read.items():
        found += _differences(row, number, parts, model, policy)
    return found


def check_tokens(tokens: Tokens, shown: Rendered, encoder: Encoder) -> list[str]:
    """What is wrong with a row's tokens: together they are its text, and those with a loss what the spans say, as far as
    no token lies over spans of different weight."""
    found = [] if encoder.decode(tokens.ids) == shown.text else ["the tokens are not the text"]
    written = [list(group) for on, group in groupby(shown.spans, lambda s: s.written) if on]
    if any({bool(s.weight) for s in group} == {True, False} for group in written):
        return found
    meant = [shown.text[s.start:s.end] for group in written for s in group if s.weight]
    read = encoder.decode([i for i, weight in zip(tokens.ids, tokens.weights, strict=True) if weight])
    return found if read == "".join(meant) else [*found, "the tokens that have a loss are not what the model writes"]


def _uncovered(shown: Rendered) -> Iterator[str]:
    edges = [0, *[edge for s in shown.spans for edge in (s.start, s.end)], len(shown.text)]
    if any(a != b for a, b in zip(edges[::2], edges[1::2], strict=True)):
        yield "the spans do not cover the text"


def _misplaced(shown: Rendered) -> Iterator[str]:
    for s in shown.spans:
        if s.weight and (not s.written or s.role != "assistant" or s.kind in ("result", "tools")):
            yield f"{s.kind} of {s.role} at {s.start} has a loss"
    for before, s in pairwise(shown.spans):
        if s.written and not any(start <= s.start < end for start, end, _ in shown.replies):
            yield f"{s.kind} at {s.start}, after {before.kind}, is of no reply"


def _without_end(written: str, model: Model) -> str:
    """A reply without the token that closes it: one that is known to, or the last one if the dialect knows none such."""
    if end := next((end for end in ends_of(model) if written.endswith(end)), ""):
        return written[:-len(end)]
    last = re.search(r"<[^<>\s]+>\Z", written)
    known = last and any(last[0] in text for c in (model.dialect.calls, *model.dialect.accept)
                         for t in (c.each, c.around) for text in literals(t))
    return written[:last.start()] if last and not known else written


def _before(shown: Rendered, at: int) -> str:
    """The text up to here as a reader sees it who knows words from markup."""
    return "".join([shown.text[s.start:s.end] if s.special else "x" for s in shown.spans if s.end <= at])


def _expected(problem: Problem, model: Model) -> bool:
    """Some templates close a reply with two tokens, each of which ends it; and a row may have no tools."""
    return problem.kind == "unknown function" or (problem.kind == "text after the stop" and problem.found in [
        repr(stop) for stop in model.dialect.stop])


def _edges(row: Row, shown: Rendered, model: Model, policy: Policy, today: str | None, number: int,
           at: tuple[int, int]) -> Iterator[str]:
    """A reply begins where its prompt ends, and what closes it is a part of it."""
    told_before = sum(1 for _, end, n in shown.replies if n == number and end <= at[0])
    before = str(model.prompt(row.turns[:number], row.tools, thinking=policy.thinking, today=today))
    if not told_before and shown.text.startswith(before) and len(before) != at[0]:
        yield f"turn {number}: its prompt ends at {len(before)}, and its loss begins at {at[0]}"
    after = next((s for s in shown.spans if s.start == at[1]), None)
    if after is not None and _closes(shown, after, model):
        yield f"turn {number}: what closes it has no loss"


def _closes(shown: Rendered, span: Span, model: Model) -> bool:
    behind = shown.text[span.start:span.end].lstrip()
    return span.special and not span.written and behind.startswith(model.dialect.stop)


def _differences(row: Row, number: int, read: Sequence[Part], model: Model,
                 policy: Policy) -> Iterator[str]:
    turn = row.turns[number]
    assert isinstance(turn, Assistant)
    meant = told([p for p in turn.parts if policy.reasoning != "dropped" or not isinstance(p, Reasoning)], model.dialect)
    calls, got = ([(p.name, p.arguments) for p in parts if isinstance(p, Call)] for parts in (meant, read))
    if calls != got:
        yield f"turn {number}: its calls would be read as {got}, not {calls}"
    thought = model.dialect.turns is not None and model.dialect.turns.content_with_calls == "reasoning" and bool(calls)
    words, said = (_joined(parts, Text) for parts in (meant, read))
    thoughts, reasoned = (_joined(parts, Reasoning) for parts in (meant, read))
    if words != said and not (thought and not said):
        yield f"turn {number}: its words would be read as {said!r}, not {words!r}"
    if reasoned and reasoned != (thoughts if not thought else "".join((thoughts + words).split())):
        yield f"turn {number}: its reasoning would be read as {reasoned!r}, not {thoughts!r}"


def _joined(parts: Sequence[Part], kind: type[Text] | type[Reasoning]) -> str:
    """The words of a kind without white space: where parts meet, dialects differ."""
    return "".join("".join([p.text for p in parts if isinstance(p, kind)]).split())


__all__ = ["check", "check_tokens"]
