"""Does a dialect keep the laws? Tried on sample replies, before it is used or written down.

The one rule: a dialect from elsewhere is believed only as far as it reads what it writes, whole and by single characters.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..check import check, loss
from ..message import Call, Part, Reasoning, Reply, Text, Tool, fold
from ..parse import Parser, parse
from ..render import render
from ..spec import Dialect

TOOL = Tool("get_weather", "Get the weather in a city.", {"type": "object", "properties": {
    "city": {"type": "string"}, "days": {"type": "integer"}, "exact": {"type": "boolean"}, "share": {"type": "number"},
    "near": {"type": "array", "items": {"type": "string"}}, "where": {"type": "object"},
    "unit": {"type": ["string", "null"]}}})
TOOLS = (TOOL, Tool("now", "Tell the time."))
ARGUMENTS: tuple[dict[str, Any], ...] = (
    {}, {"city": "Paris", "days": 2}, {"city": "a \"quoted\" </tag> é\n{line}", "exact": True, "share": 0.5},
    {"near": ["Lyon", "Nice"], "where": {"north": [48.9, None], "name": "x"}, "unit": None})


def samples() -> Iterator[Reply]:
    """Replies of every kind: words, reasoning, one call and several, values of every type."""
    words, thoughts = Text("It is sunny.\n\nTake a hat, 1 < 2."), Reasoning("The user asks.\nI look.")
    calls = [Call("get_weather", dict(arguments), f"call0000{n}") for n, arguments in enumerate(ARGUMENTS)]
    several: list[tuple[Part, ...]] = [
        (words,), (thoughts, words), *((c,) for c in calls), tuple(calls), (Call("now", {}, "call00009"),),
        (thoughts, *calls[:2]), (words, calls[1]), (thoughts, words, *calls[1:3])]
    for parts in several:
        yield Reply(parts)
        yield Reply(tuple(Call(p.name, p.arguments) if isinstance(p, Call) else p for p in parts))


def broken(dialect: Dialect) -> list[str]:
    """What speaks against a dialect, a sentence each: what is ambiguous in it, or the laws that sample replies break."""
    if found := check(dialect):
        return found
    said = 0
    for reply in samples():
        if loss(dialect, reply, TOOLS):
            continue
        said += any(isinstance(part, Call) for part in reply.parts)
        text = render(dialect, reply)
        whole, parser = parse(dialect, text, TOOLS), Parser(dialect, TOOLS)
        streamed = fold([event for c in text for event in parser.feed(c)] + parser.close())
        if whole != reply or whole.problems:
            return [f"{text!r} is written for {reply.parts}, and read as {whole.parts}"]
        if streamed != whole:
            return [f"{text!r} is read as {whole.parts}, and character by character as {streamed.parts}"]
        if render(dialect, whole) != text:
            return [f"{text!r} is written once more as {render(dialect, whole)!r}"]
    return [] if said else ["no call can be written in it so that it is read back"]


__all__ = ["broken", "samples"]
