"""What the tests of conversion share: rows in several shapes, a writer that says what it took, and a program to kill.

    python conversions.py OUT JOBS IN… : converts, slowly enough to be killed, and prints a line for each shard
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from toolglot.data.row import Row, RowError
from toolglot.data.writer import Writer
from toolglot.message import Assistant, Call, Text, User


def openai(number: int, words: str = "") -> dict[str, Any]:
    """A row in OpenAI's shape, its own by its number."""
    call = {"id": f"c{number}", "type": "function", "function": {
        "name": "weather", "arguments": json.dumps({"city": f"City {number}"})}}
    tool = {"type": "function", "function": {"name": "weather", "description": "The weather.", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}
    return {"messages": [{"role": "user", "content": f"Is it raining in City {number}? {words}".strip()},
                         {"role": "assistant", "content": None, "tool_calls": [call]},
                         {"role": "tool", "tool_call_id": f"c{number}", "content": "no"},
                         {"role": "assistant", "content": f"It is dry in City {number}."}], "tools": [tool]}


def sharegpt(number: int) -> dict[str, Any]:
    """The same in ShareGPT's."""
    row = openai(number)
    tools = [one["function"] for one in row["tools"]]
    call = json.dumps({"name": "weather", "arguments": {"city": f"City {number}"}})
    said = (("human", row["messages"][0]["content"]), ("function_call", call), ("observation", "no"),
            ("gpt", f"It is dry in City {number}."))
    return {"conversations": [{"from": who, "value": words} for who, words in said], "tools": json.dumps(tools)}


def lines(rows: Sequence[Any]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def many(count: int, seed: int = 0) -> list[dict[str, Any]]:
    chance = random.Random(seed)
    return [openai(number, "x" * chance.randrange(200)) for number in range(count)]


class Plain:
    """A writer that says who was asked what and what was called, two rows to a record if `pairs`."""

    def __init__(self, pairs: bool = False, wait: float = 0.0) -> None:
        self.pairs, self.wait, self.held = pairs, wait, list[Mapping[str, Any]]()

    def take(self, row: Row) -> Sequence[Mapping[str, Any]]:
        time.sleep(self.wait)
        if "UNSAYABLE" in str(row):
            raise RowError("cannot be said here", "turn 0", "found UNSAYABLE")
        if "CRASH" in str(row):
            raise KeyError("crash")
        asked = next(turn.text for turn in row.turns if isinstance(turn, User))
        parts = [part for turn in row.turns if isinstance(turn, Assistant) for part in turn.parts]
        made = {"asked": asked, "calls": [part.arguments for part in parts if isinstance(part, Call)],
                "said": [part.text for part in parts if isinstance(part, Text)]}
        if not self.pairs:
            return [made]
        self.held.append(made)
        return self.close() if len(self.held) == 2 else []

    def close(self) -> Sequence[Mapping[str, Any]]:
        held, self.held = self.held, []
        return [{"pair": held}] if self.pairs and held else held


def plain() -> Writer:
    return Plain()


def pairs() -> Writer:
    return Plain(pairs=True)


def slow() -> Writer:
    return Plain(wait=0.001)


def records(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    from toolglot.data import convert

    found = convert(sys.argv[3:], sys.argv[1], jobs=int(sys.argv[2]), writer=slow, size=4096, resume=Path(
        f"{sys.argv[1]}.parts").exists(), progress=lambda tally, read, every: print(tally.rows, flush=True))
    print("done", found.tally.rows, found.tally.rejects, flush=True)
