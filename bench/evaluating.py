"""What the harness of `toolglot evaluate` costs beside the engine: wall clock of a run, over the time that the engine took.

Two engines: one that plays scripts at the pace of a model (`--pace` seconds a piece), asked one question at a time and
many, and the embedded one. Everything is as in a real run: the tier suite, prompts, constraints, three readings of each
reply, the judge, and a journal that is on the disk after each question. The engine's time is taken where `generate` is
entered and left; of many at a time, it is the time during which at least one was being answered. That hides what is done
meanwhile, so the processor time of a question is told as well; a scripted engine's own is in it.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import common

from toolglot.engines import Request
from toolglot.engines.llamacpp import open_model
from toolglot.engines.scripted import Scripted
from toolglot.engines.weights import find_model
from toolglot.evaluate.journal import Journal
from toolglot.evaluate.pinned import Source
from toolglot.evaluate.whole import Plan, carried_out, items_of, prepared, sample

REPLY = '{"name": "get_weather", "arguments": {"city": "Paris", "days": 2, "unit": "celsius"}}'


class Clock:
    """An engine, and the time during which it was answering."""

    def __init__(self, engine: Any) -> None:
        self.engine, self.facts = engine, engine.facts
        self.busy, self.began, self.seconds = 0, 0.0, 0.0

    async def generate(self, request: Request) -> AsyncGenerator[Any, None]:
        self.busy += 1
        self.began = time.perf_counter() if self.busy == 1 else self.began
        try:
            async with aclosing(self.engine.generate(request)) as output:
                async for item in output:
                    yield item
        finally:
            self.busy -= 1
            self.seconds += 0.0 if self.busy else time.perf_counter() - self.began

    def rules(self, constraint: Any) -> Any:
        return self.engine.rules(constraint)

    async def count_tokens(self, prompt: Any) -> int:
        return int(await self.engine.count_tokens(prompt))

    def close(self) -> None:
        self.engine.close()


def measured(engine: Any, plan: Plan) -> list[Any]:
    """A row: questions, seconds of the engine and of the run, and what the rest is of the engine's."""
    clock = Clock(engine)
    ready = prepared(clock, Source(), plan, sample(list(items_of(plan.suite, 0)), plan.limit, 0))
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "journal", ready.header) as journal, \
            common.progress(len(ready.questions), "asking") as step:
        began, spent = time.perf_counter(), time.thread_time()
        asyncio.run(carried_out(ready, journal, lambda done, asked, record: step("") if record else None))
        seconds, spent = time.perf_counter() - began, time.thread_time() - spent
    over = 100 * (seconds - clock.seconds) / clock.seconds
    asked = len(ready.questions)
    return [asked, f"{clock.seconds:.2f}", f"{seconds:.2f}", f"**{over:.1f} %**", f"{1000 * spent / asked:.1f}"]


def scripted(pace: float, tokens: int) -> Callable[[], Any]:
    """Replies of so many pieces, at that pace: half of them a call."""
    pieces = [REPLY[at:at + 4] for at in range(0, len(REPLY), 4)]
    words = [f"word{n} " for n in range(tokens)]

    def engine() -> Any:
        return Scripted([pieces if n % 2 else words for n in range(10_000)], delay=pace)

    return engine


def main() -> None:
    parser = common.parser(__doc__)
    add = parser.add_argument
    add("--limit", type=int, default=30, metavar="N", help="items; default: 30")
    add("--pace", type=float, default=0.01, metavar="S", help="seconds of a scripted piece; default: 0.01, a fast model")
    add("--tokens", type=int, default=60, metavar="N", help="pieces of a scripted reply in words; default: 60")
    add("--model", metavar="PATH", help="a GGUF file; default: SmolLM2-135M-Instruct, fetched once")
    add("--scripted", action="store_true", help="without the embedded engine")
    given = parser.parse_args()
    make = scripted(given.pace, given.tokens)
    rows = []
    for at_once in (1, 8):
        plan = Plan(limit=given.limit, dialects=("json",), concurrency=at_once, max_tokens=given.tokens * 2)
        rows.append([f"scripted, {at_once} at a time", *measured(make(), plan)])
    if not given.scripted:
        with open_model(find_model(given.model)) as engine:
            rows.append(["embedded, SmolLM2-135M", *measured(engine, Plan(limit=given.limit))])
    note = (f"Settings of `toolglot evaluate`: free, constrained, and constrained to call. A scripted piece takes "
            f"{given.pace:g} s. Run: prompts, constraints, readings, judging and the journal as well.")
    table = common.table(["engine", "questions", "seconds of the engine", "seconds of the run", "harness",
                          "processor, ms a question"], rows)
    common.publish("evaluating", "What the harness costs", f"{table}\n\n{note}", ["xllamacpp"], given.write)


if __name__ == "__main__":
    main()
