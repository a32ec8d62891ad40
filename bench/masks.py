"""The mask law, over every dialect and so many generated conversations: what has a loss is exactly what the model writes.

Conversations are made from a seed: system message or none, one to three questions, calls alone and several at once, with
words or reasoning beside them, results, tools with nested schemas; some of the words are markup of the dialect's own. A
conversation that a dialect cannot say is counted and not checked. Of the rest, the text that is said to be the model's is
read back, and compared with what was meant; the text of each prompt says where a reply must begin. `--dialect` is one;
`--show N` prints violations. The last table is the speed of rendering, for rows like Glaive's, in the hermes dialect.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import common

from toolglot.data import mask
from toolglot.data.policy import Policy
from toolglot.data.rendered import rendered
from toolglot.data.row import Row, RowError
from toolglot.message import Assistant, Call, Part, Reasoning, Result, System, Text, Tool, Turn, User
from toolglot.model import Model, model
from toolglot.plan import literals
from toolglot.registry import dialects
from toolglot.spec import Dialect

TODAY = "2026-01-01"
WORDS = ("What is the weather in Paris?", "Grüße aus Köln", "天気はどう？🌧️", 'He said "it\'s fine" \\o/', "two\nlines",
         "a < b && c > d", "{}", "22.0", "true", "```json\n{}\n```", "Thanks!", "line\u2028separator", "I looked it up.")
NAMES = ("get_weather", "send_mail", "search", "lookup")
KINDS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("string", ("Paris", "", "größer", 'q"uote', "two\nlines", "<b>bold</b>", "12", "true", "a, b")),
    ("integer", (0, -3, 2**53 + 1)), ("number", (22.0, 0.5, -1.25e-07, 3)), ("boolean", (True, False)),
    ("array", ([], ["a", "b c"], [1, 2])), ("object", ({}, {"k": "v"}, {"n": {"m": [1]}})), ("null", (None,)))


class Maker:
    """Conversations for one dialect, always the same ones for a seed."""

    def __init__(self, dialect: Dialect, seed: int) -> None:
        self.chance = random.Random(f"{dialect.name} {seed}")
        own = [s for c in (dialect.calls, *dialect.accept) for t in (c.around, c.each) for s in literals(t)]
        self.markup = [s for s in (*own, *dialect.stop, dialect.join, *literals(dialect.reasoning or ())) if s] or ["<x>"]
        self.reasons = dialect.reasoning is not None
        self.calls = 0

    def words(self) -> str:
        said = self.chance.choice(WORDS)
        return f"{said} {self.chance.choice(self.markup)} it" if self.chance.random() < 0.1 else said

    def tool(self, name: str) -> Tool:
        keys = self.chance.sample(("city", "days", "q", "options", "tags", "from"), self.chance.randint(0, 3))
        properties = {key: {"type": self.chance.choice(KINDS)[0], "description": self.words()} for key in keys}
        return Tool(name, self.words(), {"type": "object", "properties": properties, "required": keys[:1]})

    def call(self, tool: Tool) -> Call:
        self.calls += 1
        known = dict(KINDS)
        arguments = {key: self.chance.choice(known[spec["type"]]) for key, spec in tool.parameters["properties"].items()
                     if key in tool.parameters["required"] or self.chance.random() < 0.7}
        return Call(tool.name, arguments, f"call{self.calls:05d}")

    def parts(self, calls: list[Call]) -> tuple[Part, ...]:
        parts: list[Part] = []
        if self.reasons and self.chance.random() < 0.4:
            parts.append(Reasoning(self.words()))
        if not calls or self.chance.random() < 0.3:
            parts.append(Text(self.words()))
        return (*parts, *calls)

    def row(self) -> Row:
        chance, self.calls = self.chance, 0
        tools = tuple(self.tool(name) for name in chance.sample(NAMES, chance.randint(0, 3)))
        turns: list[Turn] = [System(self.words())] if chance.random() < 0.5 else []
        for _ in range(chance.randint(1, 3)):
            turns.append(User(self.words()))
            for _ in range(chance.randint(0, 2) if tools else 0):
                calls = [self.call(chance.choice(tools)) for _ in range(chance.choice((1, 1, 2, 3)))]
                turns.append(Assistant(self.parts(calls)))
                turns += [Result(self.words(), c.name, c.id) for c in calls]
            turns.append(Assistant(self.parts([])))
        if isinstance(before := turns[-2], Result) and chance.random() < 0.2:        # ends with a call
            while isinstance(before, Result) or turns[-1] is not before:
                turns.pop()
                before = turns[-1] if not isinstance(turns[-1], Result) else before
        return Row(tuple(turns), tools)


def violations(m: Model, row: Row, policy: Policy) -> list[str] | None:
    """None where the dialect cannot say the row."""
    try:
        shown = rendered(row, m, policy, today=TODAY)
    except RowError:
        return None
    return mask.check(row, shown, m, policy, today=TODAY)


def policies() -> Iterator[Policy]:
    while True:
        yield Policy()
        yield Policy(thinking=True)
        yield Policy(turns="last", reasoning="kept")
        yield Policy(calls_only=True, reasoning="dropped", thinking=False)


def glaive(count: int) -> list[Row]:
    """Rows of about four turns and one or two tools that many rows share."""
    tools = [Tool(f"get_{what}", f"Get the {what}", {"type": "object", "properties": {
        "country": {"type": "string", "description": "The country"}, "days": {"type": "integer"}}, "required": ["country"]})
        for what in ("news", "weather", "rates", "events", "stocks")]
    return [Row((System("You are a helpful assistant with access to functions. Use them if required."),
                 User(f"What happened in country {i} today?"),
                 Assistant((Call("get_news", {"country": f"country {i}", "days": i % 7}),)),
                 Result(f'{{"headlines": ["first {i}", "second {i}"]}}', "get_news"),
                 Assistant((Text(f"In country {i} there were two things today: first {i}, and second {i}."),))),
                tuple(tools[(i + n) % 5] for n in range(1 + i % 2))) for i in range(count)]


def main() -> None:
    parser = common.parser(__doc__)
    parser.add_argument("--conversations", type=int, default=100_000, help="in all, over all dialects")
    parser.add_argument("--dialect", action="append", default=[], help="only this one; may be given again")
    parser.add_argument("--prompts", choices=("faithful", "repaired"), default="faithful")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", type=int, default=0, help="violations of each dialect to print")
    given = parser.parse_args()
    names = given.dialect or [name for name, d in dialects().items() if d.turns is not None]
    each = -(-given.conversations // len(names))
    rows, all_checked, all_wrong = [], 0, 0
    with common.progress(len(names), "dialects") as step:
        for name in names:
            m, maker, counts = model(name, prompts=given.prompts), Maker(dialects()[name], given.seed), Counter[str]()
            for policy, _ in zip(policies(), range(each), strict=False):
                row = maker.row()
                found = violations(m, row, policy)
                counts["unsaid" if found is None else "wrong" if found else "right"] += 1
                if found and counts["wrong"] <= given.show:
                    print(name, policy, row, *found, sep="\n  ", file=sys.stderr)
            all_checked, all_wrong = all_checked + counts["right"] + counts["wrong"], all_wrong + counts["wrong"]
            rows.append((name, counts["right"] + counts["wrong"], counts["unsaid"], counts["wrong"]))
            step(name)
    hermes, made = model("hermes"), glaive(5000)
    (seconds,) = common.best(lambda: [rendered(row, hermes, today=TODAY) for row in made], times=3)
    body = (f"{all_checked:,} conversations checked in {len(names)} dialects, {all_wrong} violations.\n\n"
            f"Rows like Glaive's with spans, hermes: {len(made) / seconds:,.0f} a second of processor time "
            f"({seconds / len(made) * 1e6:.0f} µs each).\n\n"
            + common.table(("dialect", "checked", "cannot be said", "violations"), rows))
    common.publish("masks", "Masks: what has a loss is what the model writes", body, (), given.write)


if __name__ == "__main__":
    main()
