"""A small suite and an engine that knows its answers, for the tests of `evaluate`. As a program it is a run to kill."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from toolglot.engines import EngineError, Request
from toolglot.engines.scripted import Scripted
from toolglot.evaluate.item import Accepted, Item, Step
from toolglot.evaluate.record import Record
from toolglot.evaluate.whole import Evaluation, evaluate
from toolglot.message import Call, Text
from toolglot.model import model

CITIES = ("Paris", "Rome", "Oslo", "Lima", "Cairo", "Quito", "Delhi", "Tokyo")


def tool(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "description": f"Get the {name} of a city.", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}


TOOLS = (tool("weather"), tool("time"))


def due(name: str, city: str) -> Accepted:
    return Accepted(name, {"city": (city,)})


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def suite(count: int = 2) -> list[Item]:
    """`count` items of each of four kinds."""
    items = []
    for n in range(count):
        a, b = CITIES[n % 8], CITIES[(n + 1) % 8]
        items += [
            Item(f"call_{n}", "one call", (user(f"call_{n}: weather in {a}?"),), TOOLS, (Step((due("weather", a),)),)),
            Item(f"both_{n}", "parallel", (user(f"both_{n}: weather in {a} and {b}?"),), TOOLS,
                 (Step((due("weather", a), due("weather", b))),)),
            Item(f"words_{n}", "none needed", (user(f"words_{n}: who was Bach?"),), TOOLS, (Step(words=("composer",)),)),
            Item(f"turns_{n}", "several turns", (user(f"turns_{n}: weather in {a}?"),), TOOLS, (
                Step((due("weather", a),), results=({"sky": f"clear-{n}"},), then=(user(f"And the time in {b}?"),)),
                Step((due("time", b),), results=("12:00",)), Step(words=("12:00",))))]
    return items


def text_of(request: Request) -> str:
    return "".join(piece.text for piece in request.prompt)


def right(items: Sequence[Item], dialect: str) -> Callable[[Request], str]:
    """What writes the right reply to every question: it finds the item by its id, and the step by what was said since."""
    writer = model(dialect)

    def reply(request: Request) -> str:
        seen = text_of(request)
        if not any(f"{one.id}: " in seen for one in items):
            return "Hello."
        item = max((one for one in items if f"{one.id}: " in seen), key=lambda one: seen.rindex(f"{one.id}: "))
        number = 0
        if len(item.steps) > 1 and "And the time" in seen:
            number = 2 if "12:00" in seen else 1
        step = item.steps[number]
        calls = [Call(one.name, {"city": one.arguments["city"][0]}, f"mine{n:05}") for n, one in enumerate(step.calls)]
        return writer.write(calls or [Text(f"A {step.words[0]}.")])

    return reply


class Oracle(Scripted):
    """A Scripted engine with as many replies as anybody asks for."""

    def __init__(self, reply: Callable[[Request], Any], *, delay: float = 0.0) -> None:
        super().__init__([], delay=delay)
        self.reply = reply

    async def generate(self, request: Request) -> Any:
        self.replies.append(self.reply)
        async for piece in super().generate(request):
            yield piece


def asked(reply: Callable[[Request], Any] | None = None, *, dialect: str = "qwen3", items: Sequence[Item] | None = None,
          delay: float = 0.0, **options: Any) -> Evaluation:
    items = suite() if items is None else items
    engine = Oracle(reply or right(items, dialect), delay=delay)
    return evaluate(engine=engine, items=items, dialects=[dialect], **{"limit": None, "constrain": "off", **options})


def timeless(records: Sequence[Record]) -> list[Record]:
    """Records in one order, without their seconds."""
    plain = [replace(one, said=tuple(replace(said, seconds=0.0) for said in one.said)) for one in records]
    return sorted(plain, key=lambda one: (one.item, repr(one.setting)))


def refuse(which: str) -> Callable[[Request], Any]:
    """Right, but for one item, of which the engine breaks down."""
    answer = right(suite(), "qwen3")
    return lambda request: [EngineError("out of paper")] if which in text_of(request) else answer(request)


def main(journal: str, delay: str, concurrency: str, count: str) -> None:
    found = asked(items=suite(int(count)), delay=float(delay), journal=Path(journal), resume=True, constrain="both",
                  concurrency=int(concurrency), progress=lambda done, total, _: print(done, flush=True))
    print(json.dumps({"tier": found.tier}))


if __name__ == "__main__":
    main(*sys.argv[1:])
