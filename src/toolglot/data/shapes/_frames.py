"""A dialect's prompts as expressions: what its templates look like in a text that was made of them.

The one rule: an expression says what the template does, and no more; whether a text is really of it is proved elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...prompt import Piece, frames
from ...spec import CONTENT, LIST, PARSED, QUOTED, TODAY, Dialect, Slot, Turns, When, remember

_SLOT = {CONTENT: r"(?P<content>.*?)", PARSED: r"(?P<parsed>.*?)", QUOTED: r'(?P<quoted>"(?:[^"\\]|\\.)*")',
         Slot.NAME: r"(?P<name>[^\n]{0,256}?)", Slot.ID: r"(?P<id>[^\s\"]{0,256}?)", TODAY: r".{0,40}?",
         Slot.INDEX: r"\d{1,6}", Slot.NUMBER: r"\d{1,6}"}
_GROUP = re.compile(r"\(\?P<\w+>")


@dataclass(frozen=True)
class Reading:
    """A dialect's prompts as expressions, under the facts that its templates ask about."""

    dialect: Dialect
    flags: frozenset[str]
    start: re.Pattern[str]
    tools: tuple[re.Pattern[str], re.Pattern[str] | None] | None      # what stands before the list, and behind it
    openers: tuple[tuple[re.Pattern[str], str], ...]        # and whose turn begins so, the longest first
    ends: dict[str, re.Pattern[str]]
    results: re.Pattern[str]
    result: re.Pattern[str]
    between: re.Pattern[str]
    silent: tuple[re.Pattern[str], ...]             # what stands for reasoning where there is none, the longest first
    default: re.Pattern[str] | None


@remember
def variants(t: Turns) -> Sequence[tuple[frozenset[str], bool | None]]:
    """The facts that may hold for a text, as far as this family's templates ask about them; and what asks for thinking."""
    asked = {n.flag for v in vars(t).values() if isinstance(v, tuple) for n in v if isinstance(n, When)} | {"tools"}
    thinks = bool(asked & {"thinking", "no-thinking", "unasked"} or t.unthought or t.system_always == "thinking")
    found: dict[tuple[frozenset[str], bool | None], None] = {}
    for thinking, flag in ((None, "unasked"), (True, "thinking"), (False, "no-thinking"))[:3 if thinks else 1]:
        for more in (("tools", "system", "both"), ("tools",), ("system",), ()):
            found[frozenset({flag, *more} & asked), thinking] = None
    return tuple(found)


def _expression(frame: Sequence[Any], named: bool = False) -> str:
    """A frame as an expression; what its slots hold is kept under their names, once, if asked."""
    out, seen = "", set[Any]()
    for node in frame:
        if isinstance(node, Piece):
            out += re.escape(node.text)
        elif isinstance(node, When):
            out += f"(?:{re.escape(node.then)}|{re.escape(node.otherwise)})"
        elif node in _SLOT:
            out += _SLOT[node] if named and node not in seen else _GROUP.sub("(?:", _SLOT[node])
            seen.add(node)
    return out


def _around(frame: Sequence[Any]) -> tuple[str, str]:
    """What stands before the content of a frame, and behind it."""
    at = next((i for i, n in enumerate(frame) if n in (CONTENT, QUOTED, PARSED)), len(frame))
    return _expression(frame[:at]), _expression(frame[at + 1:])


@remember
def reading(d: Dialect, flags: frozenset[str]) -> Reading:
    t = d.turns
    assert t
    f = frames(t, flags)
    user, system, later = _around(f.user), _around(f.system), _around(f.later)
    header = _expression(f.header)
    one, results, after = _expression(f.result, True), _expression(f.results), _expression(f.after_results)
    first = results + _around(f.result)[0]
    openers = [(first, "results"), (user[0], "user"), (header, "reply"), (later[0], "later"), (system[0], "system")]
    told = tuple(sorted({o for o in openers if o[0]}, key=lambda o: -len(o[0])))
    follow = "(?=\\s*\\Z" + "".join(f"|{o}" for o, _ in told) + ")" if header else ""
    strict = "(?=\\s*\\Z" + "".join(f"|{o}" for o, _ in told) + ")"
    closings = {_expression(c) for c in (f.closing, f.closing_calls)} | {
        re.escape(c) for c in (t.final_closer, t.last_closer) if c}
    closing = "(?:" + "|".join(sorted(closings, key=len, reverse=True)) + ")"
    between = re.escape(t.result_between)
    silent = {_expression(x) for x in (f.no_reasoning, f.no_reasoning_kept, f.no_reasoning_silent, f.no_reasoning_dropped)}
    next_one = f"{between}{_around(f.result)[0]}" if between or _around(f.result)[0] else r"(?!)"
    ends = {"user": user[1] + follow, "later": later[1] + strict, "system": system[1] + strict, "reply": closing + strict,
            "results": after + (strict if header else "")}
    tools = None
    if LIST in f.tools and "tools" in flags:
        at = f.tools.index(LIST)
        behind = _expression(f.tools[at + 1:])
        tools = _compiled(_expression(f.tools[:at])), _compiled(behind) if behind else None
    default = "".join([r".{0,40}?" if n is TODAY else re.escape(_literal(n, flags)) for n in t.default_system])
    return Reading(d, flags, _compiled(_expression(f.start)), tools, tuple((_compiled(o), role) for o, role in told),
                    {k: _compiled(e) for k, e in ends.items()}, _compiled(results),
                    _compiled(f"{one}(?={next_one}|{after}{follow})"), _compiled(between),
                    tuple(_compiled(x) for x in sorted(filter(None, silent), key=len, reverse=True)),
                    _compiled(default) if default else None)


def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.S)


def _literal(node: Any, flags: frozenset[str]) -> str:
    return (node.then if node.flag in flags else node.otherwise) if isinstance(node, When) else str(node)


__all__ = ["Reading", "reading", "variants"]
