"""What it costs to look for calls in any shape, and what that finds, beside what one would use instead.

The texts are the recorded outputs about Python's functions (`recorded.py` has them by model), and texts made to be hard,
a million characters each. Beside `toolglot.rescue`: the json_repair library, with what reads a call from the value that
it finds; and the leaderboard's own decoders, one for each model, as `decoders.py` has them. Processor time of one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from time import thread_time
from typing import Any

import common
import decoders
import recorded

from toolglot.message import Tool
from toolglot.rescue import rescue
from toolglot.tools import as_tools

SPEED = {"without": 5.0, "with": 1.0}       # MB/s: texts without calls, and with
LONGEST = 1.0                               # seconds for a million characters
CITY = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]}
HARD = {
    "calls": "get_weather(city='Paris', days=3)\n",
    "calls as JSON": '{"name": "get_weather", "arguments": {"city": "x"}}\n',
    "quoted calls": '["get_weather(city=\'a\')"] ',
    "lists of calls": "[get_weather(city='a'), get_weather(city='b')]\n",
    "calls in fences": "```python\nget_weather(city='a')\n```\n",
    "cut calls": "get_weather(city='",
    "open calls": "get_weather(",
    "open brackets": "get_weather [",
    "open objects": 'get_weather {"a":',
    "sums": "get_weather(1+",
    "code": "get_weather(a b ",
    "escapes": 'get_weather(city="\\',
    "open tags": "<get_weather><city>",
    "tags": "<get_weather><city>a</city></get_weather>",
    "words": "I would use get_weather, but there is no need to.\n",
    "prose": "It is sunny in Paris, and there is (nothing) to do.\n"}

Read = Callable[[recorded.Output, tuple[Tool, ...]], "list[recorded.Call]"]


def strictly(output: recorded.Output, tools: tuple[Tool, ...]) -> list[recorded.Call]:
    try:
        return decoders.read(output.model, output.raw, "Python")
    except decoders.Unreadable:
        return []


def repaired(output: recorded.Output, tools: tuple[Tool, ...]) -> list[recorded.Call]:
    import json_repair

    return list(_calls(json_repair.loads(output.raw), {tool.name for tool in tools}))


def _calls(value: Any, names: set[str]) -> Any:
    """The calls in a value: objects with a known name and arguments, in lists and in wrappers of any name."""
    if isinstance(value, list):
        for one in value:
            yield from _calls(one, names)
    elif isinstance(value, dict):
        given = next((value[key] for key in ("arguments", "parameters") if isinstance(value.get(key), dict)), None)
        if value.get("name") in names and given is not None:
            yield value["name"], given
        else:
            for one in value.values():
                yield from _calls(one, names)


def seconds(read: Read, some: Sequence[recorded.Output]) -> float:
    """For each text the faster of two readings: the tools have been seen before, as in a conversation."""
    total = 0.0
    for output in some:
        tools = recorded.tools_of(output)
        runs = []
        for _ in range(2):
            began = thread_time()
            read(output, tools)
            runs.append(thread_time() - began)
        total += min(runs)
    return total


def row(name: str, read: Read, some: Sequence[recorded.Output], groups: dict[str, list[recorded.Output]]) -> list[str]:
    found = recorded.scores(recorded.verdict(output, read(output, recorded.tools_of(output))) for output in some)
    sizes = [sum(len(one.raw.encode()) for one in part) for part in groups.values()]
    speeds = [f"{size / seconds(read, part) / 1e6:.2f}" for size, part in zip(sizes, groups.values(), strict=True)]
    return [name, f"{found['AST'][0]:.1f}", f"{found['irrelevance'][0]:.1f}", *speeds]


def recordings(every: int) -> str:
    some = [one for one in recorded.outputs() if recorded.question(one)["language"] == "Python"]
    some.sort(key=lambda one: one.id)
    some = [one for n, (_, group) in enumerate(groupby(some, key=lambda one: one.id)) if n % every == 0 for one in group]
    groups: dict[str, list[recorded.Output]] = {"without": [], "with": []}
    for one in some:
        groups["with" if recorded.rescued(one, recorded.tools_of(one)) else "without"].append(one)
    readers: dict[str, Read] = {
        "toolglot.rescue": recorded.rescued, "json_repair": repaired, "the leaderboard's decoders": strictly}
    try:
        import json_repair  # noqa: F401
    except ImportError:
        del readers["json_repair"]
    with common.progress(len(readers), "reading") as step:
        rows = []
        for name, read in readers.items():
            rows.append(row(name, read, some, groups))
            step(name)
    reached = all(float(cell) >= SPEED[name] for cell, name in zip(rows[0][3:], groups, strict=True))
    head = ["reader", "AST", "irrelevance", *(f"MB/s {name} calls" for name in groups)]
    note = (f"{len(some):,} outputs, {len(groups['with']):,} of them with calls for `rescue`. Wanted of it: "
            f"{SPEED['without']:g} MB/s without calls and {SPEED['with']:g} with: "
            f"{'reached' if reached else '**not reached**'}.")
    return f"{common.table(head, rows)}\n\n{note}"


def hard(size: int) -> str:
    tools = as_tools({"name": "get_weather", "parameters": CITY})
    found: dict[str, float] = {}
    with common.progress(len(HARD), "hard texts") as step:
        for name, bit in HARD.items():
            text = (bit * (size // len(bit) + 1))[:size]
            found[name], = common.best(lambda text=text: rescue(text, tools), times=2)  # type: ignore[misc]
            step(name)
    rows = [[name, f"{one:.2f}" if one <= LONGEST else f"**{one:.2f}**", f"{size / one / 1e6:.1f}"]
            for name, one in sorted(found.items(), key=lambda pair: -pair[1])]
    return common.table([f"{size:,} characters of", "seconds", "MB/s"], rows)


def main() -> None:
    parser = common.parser(__doc__)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each Nth question; default: all")
    parser.add_argument("--size", type=int, default=1_000_000, metavar="N", help="of the hard texts; default: a million")
    given = parser.parse_args()
    body = f"{recordings(given.every)}\n\n{hard(given.size)}\n\nAt most {LONGEST:g} s a million characters is wanted."
    common.publish("rescuing", "Calls in any shape: what is found, and what it costs", body, ["json_repair"],
                   given.write and given.every == 1 and given.size == 1_000_000)


if __name__ == "__main__":
    main()
