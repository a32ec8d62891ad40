"""How a chat template tells of the tools: the ways that are known, and which of them it is.

The one rule: a way counts if it prints, of several lists of tools, exactly what the template prints of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from ..message import Tool, ToolglotError
from ..prompt import tool_list
from ..registry import dialects
from ..render import dumps
from ..spec import DESCRIPTION, FUNCTION, NAME, PARAMETERS, TOOL, Listed, Slot, Turns
from .sight import Sight, template
from .talks import ANY, Limits, talks

Told = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Printed:
    """Tools as JSON, or as Python prints them, where a template over slots cannot say it: one by one, or as one list.

    `of`: the whole tool or its function object. `between`: what stands between two, None for one list of all.
    """

    of: str = "tool"
    between: str | None = None
    separators: tuple[str, str] | None = None
    indent: int | None = None
    sort_keys: bool = False
    ascii: bool = False
    python: bool = False
    quoted: bool = False                             # as a JSON string that holds the JSON

    def __call__(self, tools: Told) -> str:
        shown = [t if self.of == "tool" else t.get("function", t) for t in tools]
        if self.between is None:
            return self.one(shown)
        return self.between.join([self.one(t) for t in shown])

    def one(self, value: Any) -> str:
        if self.python:
            return str(value)
        text = json.dumps(value, ensure_ascii=self.ascii, indent=self.indent, separators=self.separators,
                          sort_keys=self.sort_keys)
        return json.dumps(text, ensure_ascii=self.ascii) if self.quoted else text


@dataclass(frozen=True)
class Way:
    """One way to tell of tools: fields of Turns, and what was found out to be so."""

    fields: Mapping[str, Any]
    said: str
    text: Callable[[Told], str] = field(compare=False)


def lists(sight: Sight, limits: Limits = ANY) -> list[list[dict[str, Any]]]:
    """Lists of tools to try ways on: two of one shape, and others."""
    others = [list(t.tools) for t in talks(60, 5, limits) if t.tools]
    return [sight.tools(), *others[:20]]


def _shown(sight: Sight, lists: Sequence[list[dict[str, Any]]]) -> list[tuple[Told, str]]:
    rendered = [(tools, _render(sight, tools)) for tools in lists]
    return [(tools, text) for tools, text in rendered if text is not None]


def read_ways(sight: Sight) -> list[Way]:
    """The ways that print what the template prints, the plainest first; none where it tells of no tools, or in none of
    the ways that are known."""
    shown, plain = _shown(sight, lists(sight)), _shown(sight, lists(sight, Limits(plain_tools=True)))
    if not shown:
        return []
    ways = []
    tried = (*_own(sight, shown), *_slots(sight, shown), *_borrowed())
    for wanted in (shown, plain):                    # ways that print the plain ones alone are better than none
        for way in tried:
            if _prints(way, wanted):
                ways.append(way)
                if len(ways) >= 3:
                    break
        if ways:
            break
    return ways


def tells(sight: Sight) -> bool:
    """Does the template print tools at all, in whatever way?"""
    tools = sight.tools()
    return _render(sight, tools[:1]) != _render(sight, tools[1:])


def _render(sight: Sight, tools: list[dict[str, Any]]) -> str | None:
    for before in ([], [sight.system()]):
        text = sight.probe.attempt([*before, sight.user()], tools or None)
        if text is not None:
            return text
    return None


def _prints(way: Way, shown: Sequence[tuple[Told, str]]) -> bool:
    for tools, text in shown:
        try:
            told = way.text(tools)
        except (ToolglotError, KeyError, TypeError, ValueError, AttributeError, IndexError):
            return False                             # borrowed ways know shapes of their own
        if not told or text.count(told) != 1:
            return False
    return True


VARIANTS: tuple[dict[str, Any], ...] = (
    {"separators": (",", ":")}, {"sort_keys": True}, {"separators": (",", ":"), "sort_keys": True}, {"ascii": True},
    {"python": True}, {"quoted": True}, {"sort_keys": True, "indent": 4}, {"sort_keys": True, "indent": 2},
    {"separators": (",", ": ")}, {"ascii": True, "indent": 4})


def _own(sight: Sight, shown: Sequence[tuple[Told, str]]) -> Iterator[Way]:
    """JSON, one tool after another or in one list."""
    tools, text = shown[0]
    indents: tuple[int | None, ...] = (None, 4, 2)
    for indent, of in product(indents, ("tool", "function")):
        printed = Printed(of, "", indent=indent)
        between = _between(text, printed, tools)
        if between is not None:
            fields = {"tool": (TOOL if of == "tool" else FUNCTION,), "tool_between": between, "tool_indent": indent}
            yield Way(fields, f"each {of} as JSON", _with(Printed(of, between, indent=indent)))
    for indent, of in product((4, 2), ("tool", "function")):
        listing = Printed(of, None, indent=indent)
        yield Way({"listing": listing}, "the tools as one JSON list", listing)
    for variant, of in product(VARIANTS, ("tool", "function")):
        between = _between(text, Printed(of, "", **variant), tools)
        if between is not None:
            listing = Printed(of, between, **variant)
            yield Way({"listing": listing}, f"each {of} as JSON of its own kind", listing)
        listing = Printed(of, None, **variant)
        yield Way({"listing": listing}, "the tools as one JSON list of its own kind", listing)


def _with(listing: Printed) -> Callable[[Told], str]:
    return listing


def _between(text: str, printed: Printed, tools: Told) -> str | None:
    """What stands between two tools."""
    one, two = printed(tools[:1]), printed(tools[1:])
    i = text.find(one)
    j = text.find(two, i + len(one)) if i >= 0 else -1
    return text[i + len(one):j] if 0 <= i < j else None


def _slots(sight: Sight, shown: Sequence[tuple[Told, str]]) -> Iterator[Way]:
    """Each tool over its name, description and parameters."""
    tools, text = shown[0]
    for indent in (None, 4, 2):
        marks: dict[str, Slot] = {}
        seen = text
        for n, tool in enumerate(tools):
            function = tool["function"]
            told = ((PARAMETERS, dumps(function["parameters"], indent=indent)), (DESCRIPTION, function["description"]),
                    (NAME, function["name"]))
            for k, (slot, value) in enumerate(told):
                mark = chr(0xE0A0 + 8 * n + k)
                marks[mark] = slot
                seen = seen.replace(value, mark) if slot is NAME else seen.replace(value, mark, 1)
        first, second = ([i for i, c in enumerate(seen) if c in marks and (ord(c) - 0xE0A0) // 8 == n] for n in (0, 1))
        if not first or not second or first[-1] > second[0] or chr(0xE0A0) not in seen:
            continue
        one, two = seen[first[0]:first[-1] + 1], seen[second[0]:second[-1] + 1]
        if "".join([chr(ord(c) - 8) if c in marks else c for c in two]) != one:
            continue
        between = seen[first[-1] + 1:second[0]]
        turns = Turns((), (), (), (), tool=template(one, marks), tool_between=between, tool_indent=indent)
        yield Way({"tool": turns.tool, "tool_between": between, "tool_indent": indent},
                  "each tool by its name, description and parameters", _told_by(turns))


def _told_by(turns: Turns) -> Callable[[Told], str]:
    def told(tools: Told) -> str:
        return flat(tool_list(turns, [as_tool(t) for t in tools]))

    return told


def as_tool(raw: Mapping[str, Any]) -> Tool:
    function = raw.get("function", raw)
    return Tool(function["name"], function.get("description") or "", function.get("parameters") or {}, raw)


def flat(listed: Listed) -> str:
    return listed if isinstance(listed, str) else "".join([t for t, _ in listed])


def _borrowed() -> Iterator[Way]:
    """The ways of the dialects that are known."""
    seen: set[Any] = set()
    for dialect in dialects().values():
        turns = dialect.turns
        if turns is None:
            continue
        key = turns.listing or (turns.tool, turns.tool_between, turns.tool_indent)
        if key not in seen:
            seen.add(key)
            fields = {"listing": turns.listing} if turns.listing else {
                "tool": turns.tool, "tool_between": turns.tool_between, "tool_indent": turns.tool_indent}
            yield Way(fields, f"the tools as {dialect.name} is told of them", _told_by(turns))

