"""Drafts tests/vectors/<dialect>/cases.json: `python tests/vectors/draft.py NAME`.

What a dialect's own writer gives for the standard replies, and what its parser reads in their damaged forms. A draft is
not yet a vector: read every text and every reply against the format's source, correct the dialect where they are wrong,
draft again, and only then keep the file. From then on it is the judge.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import vectors
from toolglot.check import loss
from toolglot.message import Call, Part, Reasoning, Text
from toolglot.parse import parse
from toolglot.plan import written
from toolglot.registry import cards
from toolglot.render import render, spelling_of
from toolglot.spec import ID, TEXT, Dialect, Object

TOOLS = vectors.tools()
KNOWN = tuple(TOOLS.values())
PARIS = {"city": "Paris"}
NESTED = {"city": "Paris", "where": {"x": 1.5, "name": "home", "inner": {"a": [1, None, True, {"b": []}]}},
          "tags": ["a", "b c"]}
UNICODE = {"city": "Zürich 東京 🌧️", "tags": ["naïve", "Ω"]}
QUOTES = {"path": "a.json", "content": '{"a": ["}", "{", \'it\'\'s\', "\\\\"]}\n\tend'}


def numbered(d: Dialect, calls: list[Call]) -> list[Call]:
    has_id = ID in d.calls.each or any(isinstance(n, Object) and any(v is ID for _, v in n.fields) for n in d.calls.each)
    return [Call(c.name, c.arguments, f"call{i:05d}" if has_id else None) for i, c in enumerate(calls)]


def own_markup(d: Dialect) -> str:
    """A string with as much of the dialect's own markup as it can say."""
    from toolglot.plan import literals

    bits = [s.strip() for t in (d.calls.around, d.calls.each, d.reasoning or ()) for s in literals(t) if s.strip()]
    bits += list(d.stop[:1])
    said = "It says:"
    for bit in dict.fromkeys(bits):
        if not loss(d, [*numbered(d, [Call("write_file", {"path": "x", "content": f"{said} {bit} end"})])], KNOWN):
            said = f"{said} {bit}"
    return said + " end"


def standard(d: Dialect) -> Iterator[tuple[list[str], list[Part]]]:
    """(tags, reply) of what a dialect may be asked to say."""
    one, two = Call("get_weather", PARIS), Call("get_time", {"zone": "Europe/Paris"})
    yield ["one call"], [*numbered(d, [one])]
    yield ["several calls"], [*numbered(d, [one, two, Call("get_weather", {"city": "Rome", "days": 3})])]
    yield ["no call"], [Text("It is 18 °C in Paris.\n\nAnything else?")]
    yield ["text before and after"], [Text("Let me look."), *numbered(d, [one])]
    yield ["empty arguments"], [*numbered(d, [Call("now", {})])]
    yield ["nested values"], [*numbered(d, [Call("get_weather", NESTED)])]
    yield ["unicode"], [*numbered(d, [Call("get_weather", UNICODE)])]
    yield ["braces and quotes in strings"], [*numbered(d, [Call("write_file", QUOTES)])]
    yield ["the dialect's own markup in a string"], [
        *numbered(d, [Call("write_file", {"path": "x", "content": own_markup(d)})])]
    if d.reasoning:
        yield ["reasoning before"], [Reasoning("I should look it up."), *numbered(d, [one])]
        yield ["reasoning before", "no call"], [Reasoning("I know this."), Text("18 °C.")]
        yield ["reasoning before", "text before and after"], [
            Reasoning("I should look it up."), Text("Let me look."), *numbered(d, [one])]


def damaged(d: Dialect) -> Iterator[tuple[list[str], str]]:
    """(tags, text) of what models write and no writer does."""
    one = numbered(d, [Call("get_weather", PARIS)])
    two = numbered(d, [Call("get_weather", PARIS), Call("get_time", {"zone": "Europe/Paris"})])
    whole = render(d, one)
    yield ["text before and after"], render(d, [*one]) + "\n\nI have asked."
    if closer := written(d.calls.around[-1:]).strip() or written(d.calls.each[-1:]).strip():
        yield ["missing closer"], render(d, two).rstrip().removesuffix(closer)
        yield ["missing closer"], whole.rstrip().removesuffix(closer)
    yield ["unknown function"], render(d, numbered(d, [Call("get_tides", PARIS)]))
    yield ["unknown function"], render(d, numbered(d, [Call("get_tides", PARIS), Call("get_weather", PARIS)]))
    yield ["duplicate keys"], render(d, numbered(d, [Call("get_weather", {"city": "Paris", "citx": "Rome"})])).replace(
        "citx", "city")
    yield ["numbers as strings"], render(d, numbered(d, [Call("get_weather", {"city": "75001", "days": "3"})]))
    if d.reasoning:
        at = d.reasoning.index(TEXT)
        opener, closer = written(d.reasoning[:at]), written(d.reasoning[at + 1:]) or d.join
        yield ["a call inside reasoning"], f"{opener}I look it up. {whole} Then I wait.{closer}{whole}"
        yield ["reasoning after"], f"{whole}{d.join}{opener}What now?{closer}Done."


def whole_at(d: Dialect, text: str) -> list[int]:
    """From which length on each call of a text is whole."""
    counts = [len(parse(d, text[:cut], KNOWN).calls) for cut in range(len(text) + 1)]
    assert counts == sorted(counts), f"calls are taken back: {text!r} {counts}"
    return [counts.index(n) for n in range(1, counts[-1] + 1)]


def vector(d: Dialect, source: str, tags: list[str], text: str) -> dict[str, Any]:
    reply = parse(d, text, KNOWN)
    problems = [[p.kind, p.name] if p.name else [p.kind] for p in reply.problems]
    return {"source": source, "tags": tags, "tools": sorted(TOOLS), "text": text, "reply": vectors.plain(reply.parts),
            **({"problems": problems} if problems else {})}


def draft(name: str) -> list[dict[str, Any]]:
    card = cards()[name]
    d, out = card.dialect, []
    ours = f"a standard reply, drafted and read over; the format: {card.verified}"
    for tags, reply in standard(d):
        if lost := loss(d, reply, KNOWN):
            print(f"{name}: {tags[0]}: cannot be said: {'; '.join(lost)}", file=sys.stderr)
            continue
        text = render(d, reply)
        out.append(vector(d, ours, [*tags, "canonical"], text))
        assert out[-1]["reply"] == vectors.plain(tuple(reply)), text
    text = render(d, [*numbered(d, [Call("get_weather", {"city": "Paris", "days": 3}), Call("now", {})])])
    out.append({**vector(d, ours, ["truncated at every byte"], text), "whole_at": whole_at(d, text)})
    out += [vector(d, f"the same, damaged; the format: {card.verified}", tags, text) for tags, text in damaged(d)]
    assert spelling_of(d, []) is not None
    return out


def main() -> None:
    for name in sys.argv[1:]:
        home = vectors.HOME / name
        home.mkdir(exist_ok=True)
        lines = ",\n".join(json.dumps(v, ensure_ascii=False) for v in draft(name))      # a line a vector
        (home / "cases.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
