"""A row -> the text that a model is trained on, in spans that say what each stretch is and how much it weighs.

The one rule: the text is the dialect's own prompt side writing the whole conversation, byte for byte, and a span weighs
something only where the model writes it. The spans cover the text without a gap.
"""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ..chat_template import TemplateError
from ..check import loss
from ..message import Assistant, Call, Part, Reasoning, Text, Tool, Turn
from ..model import Model
from ..prompt import Prompt, Stretch
from ..spec import ID, TEXT, Dialect, Either, Object, Template
from .policy import Policy
from .row import Row, RowError
from .through import masked_by_prompts


class Span(NamedTuple):
    """Characters `start` to `end` of the text: in whose turn they stand (system, user, assistant, tool), what they are
    (markup, content, reasoning, call, result, tools), and what they weigh in the loss. `special`: special tokens in them
    are themselves; elsewhere the same characters are plain text. `written`: by the model, at inference."""

    start: int
    end: int
    role: str
    kind: str
    weight: float
    special: bool
    written: bool


@dataclass(frozen=True, slots=True)
class Rendered:
    """`replies`: of each reply, the first character that belongs to it, where it ends, and which of the row's turns it
    is. A reply that is told in several turns stands in several places."""

    text: str
    spans: tuple[Span, ...]
    replies: tuple[tuple[int, int, int], ...] = field(default=(), repr=False)


def rendered(row: Row, model: Model, policy: Policy = Policy(), *, today: str | None = None,
             lossy: bool = False) -> Rendered:
    """The row as `model` sees it whole. `today` as in `Model.prompt`. Of preference data it is the better reply; give
    `rejected(row)` for the other.

    Raises RowError for what the dialect cannot say so that it would be read back the same (`check.loss`), unless
    `lossy`, and for what a chat template refuses; ToolglotError where the dialect has no prompt side.
    """
    turns = _said(row.turns, policy, model.dialect)
    if not lossy:
        _check_sayable(turns, functions(row), model.dialect)
    tools = _known(row.tools)
    try:
        shown = model.prompt(turns, tools, thinking=policy.thinking, today=today, reply_starts=False)
        if model.template is not None:
            shown = masked_by_prompts(shown, turns, tools, model, policy, today)
    except TemplateError as error:
        raise RowError("its chat template refuses it", detail=str(error)) from None
    return _weighed(shown, turns, row.weights, model, policy)


def rejected(row: Row) -> Row:
    """The same conversation with the worse last reply."""
    if row.rejected is None:
        raise RowError("no rejected reply", detail="expected a row of preference data")
    return replace(row, turns=(*row.turns[:-1], Assistant(row.rejected)), rejected=None)


# -- what is said ------------------------------------------------------------------------------------------------


_KNOWN: dict[bytes, tuple[Tool, ...]] = {}        # tools by what they say: `Model` knows those it has seen by identity


def _known(tools: tuple[Tool, ...]) -> tuple[Tool, ...]:
    if not tools:
        return ()
    try:
        key = marshal.dumps([t.raw for t in tools], 2)
    except ValueError:
        return tools
    found = _KNOWN.get(key)
    if found is None:
        if len(_KNOWN) >= 1024:
            _KNOWN.clear()
        found = _KNOWN[key] = tools
    return found


def _said(turns: Sequence[Turn], policy: Policy, dialect: Dialect) -> Sequence[Turn]:
    """The turns without what the policy drops, and with ids where the dialect writes some."""
    named = writes_ids(dialect)
    if policy.reasoning != "dropped" and not named:
        return turns
    out: list[Turn] = []
    made = 0
    for turn in turns:
        if isinstance(turn, Assistant):
            parts: list[Part] = []
            for part in turn.parts:
                if isinstance(part, Call):
                    made += 1
                    part = replace(part, id=f"call{made:05d}") if named and part.id is None else part
                elif isinstance(part, Reasoning) and policy.reasoning == "dropped":
                    continue
                parts.append(part)
            turn = turn if len(parts) == len(turn.parts) and not named else Assistant(tuple(parts))
        out.append(turn)
    return out


def writes_ids(dialect: Dialect) -> bool:
    each = dialect.calls.each
    return ID in each or any(isinstance(n, Object) and any(v is ID for _, v in n.fields) for n in each)


def _check_sayable(turns: Sequence[Turn], tools: Sequence[Tool] | None, dialect: Dialect) -> None:
    for i, turn in enumerate(turns):
        if isinstance(turn, Assistant) and (found := loss(dialect, told(turn.parts, dialect), tools)):
            raise RowError(f"{dialect.name} cannot say it", f"turns[{i}]", "; ".join(dict.fromkeys(found)))


def functions(row: Row) -> tuple[Tool, ...] | None:
    """The tools that the replies of a row are read with: None, any, where it has calls and tells of no tools."""
    called = any(isinstance(p, Call) for turn in row.turns if isinstance(turn, Assistant) for p in turn.parts)
    return None if called and not row.tools else row.tools


def told(parts: Sequence[Part], dialect: Dialect) -> list[Part]:
    """What a prompt tells of a reply, without what nobody misses: white space at its edges, ids that no model of the
    family writes, and words that its chat template leaves out beside calls."""
    turns = dialect.turns
    called = any([isinstance(p, Call) for p in parts])
    silent = called and turns is not None and turns.content_with_calls == "dropped" and turns.beside_calls is None
    out: list[Part] = []
    for part in parts:
        if isinstance(part, Call):
            out.append(part if part.id is None or writes_ids(dialect) else Call(part.name, part.arguments))
        elif isinstance(part, Text) and silent:
            continue
        elif text := part.text.strip():
            before = out[-1] if out else None
            if isinstance(before, (Text, Reasoning)) and type(before) is type(part):
                out[-1] = type(part)(before.text + text)
            else:
                out.append(type(part)(text))
    return out


# -- what it weighs ----------------------------------------------------------------------------------------------


def _weighed(shown: Prompt, turns: Sequence[Turn], own: Mapping[int, float], model: Model,
             policy: Policy) -> Rendered:
    stretches, weights = shown.stretches, policy.weights
    alike = weights["content"] == weights["call"] == weights["markup"] == weights["reasoning"]
    kinds = None if alike else _kinds(stretches, model.dialect)
    factors = _factors(shown, turns, own, model, policy)
    spans: list[Span] = []
    ends = [0]
    at = 0
    last: tuple[object, ...] = ()
    begins = {start for start, _, _ in shown.replies}
    for i, (text, role, kind, trained, special) in enumerate(stretches):
        weight = 0.0
        if trained:
            weight = weights[kind if kinds is None else kinds[i]]
            if factors is not None:
                weight *= factors[i]
        end = at + len(text)
        fact = (role, kind, weight, special, trained)
        if fact == last and i not in begins:
            spans[-1] = Span(spans[-1][0], end, role, kind, weight, special, trained)
        elif text:
            spans.append(Span(at, end, role, kind, weight, special, trained))
            last = fact
        ends.append(end)
        at = end
    return Rendered("".join([s[0] for s in stretches]), tuple(spans),
                    tuple([(ends[start], ends[end], number) for start, end, number in shown.replies]))


def _factors(shown: Prompt, turns: Sequence[Turn], own: Mapping[int, float], model: Model,
             policy: Policy) -> list[float] | None:
    """What each stretch's turn weighs, None where all weigh the same."""
    loses = model.learned is not None or (model.dialect.turns is not None and model.dialect.turns.past_calls != "kept")
    if policy.turns == "all" and not policy.calls_only and not own and not loses:
        return None
    out = [0.0] * len(shown.stretches)
    final = max((number for _, _, number in shown.replies), default=-1)
    for start, end, number in shown.replies:
        turn = turns[number]
        called = [p.name for p in turn.parts if isinstance(p, Call)] if isinstance(turn, Assistant) else []
        written = "".join([s[0] for s in shown.stretches[start:end]]) if loses and called else ""
        lost = loses and not any(name in written for name in called) and bool(called)
        if not lost and (policy.turns == "all" or number == final) and (called or not policy.calls_only):
            out[start:end] = [own.get(number, 1.0)] * (end - start)
    return out


def _kinds(stretches: Sequence[Stretch], dialect: Dialect) -> list[str]:
    """What each stretch goes with: markup right around words or reasoning goes with those."""
    out = [s[2] for s in stretches]
    for kind, template in (("reasoning", dialect.reasoning), ("content", dialect.content)):
        before, behind = _around(template or (TEXT,))
        for i in [i for i, s in enumerate(stretches) if s[3] and s[2] == kind]:
            for step, literals in ((-1, before), (1, behind)):
                at = i + step
                for _ in literals:
                    if 0 <= at < len(out) and out[at] == "markup" and any(w.endswith(stretches[at][0]) for w in literals):
                        out[at] = kind
                        at += step
        for i in range(1, len(out)) if kind == "reasoning" and before and behind else ():    # a block with nothing in it
            begun = out[i - 1] == "markup" and before[-1].endswith(stretches[i - 1][0])
            if begun and out[i] == "markup" and stretches[i][0] == behind[0]:
                out[i - 1] = out[i] = kind
    return out


def _around(template: Template) -> tuple[list[str], list[str]]:
    """The literals before TEXT and behind it."""
    at = template.index(TEXT)
    words = [n.options[0] if isinstance(n, Either) else n if isinstance(n, str) else "" for n in template]
    return [w for w in words[:at] if w], [w for w in words[at + 1:] if w]


__all__ = ["Rendered", "Span", "functions", "rejected", "rendered", "told", "writes_ids"]
