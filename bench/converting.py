"""How fast data sets are read, rendered and converted, with one process and with two, and in how much memory.

The rows are made here from a seed: conversations in Glaive's shape (version 2), of one to three questions, with tools,
calls, results and answers, about as long as those that people have. Reading and rendering are measured by themselves, on
processor time; whole conversions by the clock, for the command as one runs it, and by their largest memory, processes
included. The machine should have nothing else to do.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import common

from toolglot.data import rows
from toolglot.data.files import described
from toolglot.data.raw import raw_rows
from toolglot.data.wanted import Wanted

SIZES = (10_000, 100_000, 1_000_000)
TARGETS = {"read": 10_000, "rendered": 5_000, "ratio": 1.7}
NOUNS = ("flights", "hotels", "rates", "recipes", "books", "movies", "orders", "routes", "events", "patients")
WORDS = ("the price", "a table for two", "next week's plan", "my cousin's birthday", "Grüße aus Köln",
         "the nearest pharmacy", "an answer as soon as possible", "something that isn't too dear", "a summary",
         "the list from yesterday")
SYSTEM = "SYSTEM: You are a helpful assistant with access to the following functions. Use them if required -\n"
PLAIN = "SYSTEM: You are a helpful assistant, with no access to external functions."


def row(number: int) -> dict[str, str]:
    """A conversation in Glaive's shape, always the same one for a number."""
    chance = random.Random(number)
    noun = chance.choice(NOUNS)
    tools = [tool(f"{verb}_{noun}") for verb in ("find", "compare")[:chance.randrange(3)]]
    chat = []
    for turn in range(chance.randrange(1, 4)):
        about = chance.choice(WORDS)
        chat.append(f"USER: Hi, I'm looking for {about}. Can you help me with {noun} number {number * 10 + turn}?")
        if tools:
            asked = {"query": f"{noun} and {about}", "limit": turn + 1}
            called = json.dumps({"name": tools[0]["name"]})[:-1] + f", \"arguments\": '{json.dumps(asked)}'}}"
            found = [{"id": number * 10 + n, "name": f"{noun} {n}", "price": n * 1.5} for n in range(turn + 2)]
            chat.append(f"ASSISTANT: <functioncall> {called} <|endoftext|>")
            chat.append(f"FUNCTION RESPONSE: {json.dumps({'status': 'success', noun: found})}")
        chat.append(f"ASSISTANT: Of course! {about.capitalize()} was what you asked for, and here is what I have found "
                    f"about {noun}: there are {turn + 2} of them, and the first is the best. Is there anything else? "
                    "<|endoftext|>")
    system = SYSTEM + "\n\n".join(json.dumps(one, indent=4) for one in tools) + "\n" if tools else PLAIN
    return {"system": system, "chat": "\n\n\n".join(chat) + "\n\n\n"}


def tool(name: str) -> dict[str, Any]:
    return {"name": name, "description": f"{name.replace('_', ' ').capitalize()} that fit the words of the user",
            "parameters": {"type": "object", "properties": {
                "query": {"type": "string", "description": "What is looked for, in the words of the user"},
                "limit": {"type": "integer", "description": "How many results are wanted at most"}}, "required": ["query"]}}


def write(path: Path, count: int) -> None:
    with path.open("w", encoding="utf-8") as file, common.progress(max(1, count // 1000), "making rows") as told:
        for number in range(count):
            file.write(json.dumps(row(number), ensure_ascii=False) + "\n")
            if number % 1000 == 999:
                told("")


# -- by themselves ---------------------------------------------------------------------------------------------


def speed(path: Path, count: int) -> dict[str, float]:
    """Rows a second of this thread: read from the disk into canonical form, and rendered with spans from there."""
    def raw() -> Any:
        return sum(1 for _ in islice(raw_rows(described(str(path))), count))

    def read() -> Any:
        return list(islice(rows(path), count))

    held = read()
    writer = Wanted(to="text", dialect="hermes").writer()

    def render() -> None:
        for one in held:
            writer.take(one)

    times = common.best(raw, read, render, times=3)
    return dict(zip(("split", "read", "rendered"), (len(held) / one for one in times), strict=True))


# -- the command -----------------------------------------------------------------------------------------------


def converted(source: Path, folder: Path, jobs: int) -> tuple[float, int]:
    """Seconds of `toolglot convert`, and bytes of memory of the largest of its processes."""
    out = folder / f"out-{jobs}.jsonl"
    command = [sys.executable, "-m", "toolglot", "convert", str(source), "--to", "text", "--dialect", "hermes", "--out",
               str(out), "--jobs", str(jobs), "--json"]
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        _, code, used = os.wait4(run.pid, 0)
        run.returncode = code
    if code:
        raise SystemExit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(code)}")
    seconds, per = time.perf_counter() - began, 1 if sys.platform == "darwin" else 1024
    # what it waited for counts as its own only where that was larger
    return seconds, used.ru_maxrss * per


def lines_of(path: Path, count: int, to: Path) -> Path:
    with path.open("rb") as file, to.open("wb") as out:
        out.writelines(islice(file, count))
    return to


def sizes(most: int) -> Iterator[int]:
    yield from (one for one in SIZES if one < most)
    yield most


def main() -> None:
    options = common.parser(__doc__)
    options.add_argument("--rows", type=int, default=SIZES[-1], metavar="N", help="default: 1,000,000")
    options.add_argument("--sample", type=int, default=20_000, metavar="N", help="rows that are read and rendered alone")
    args = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder, source = Path(scratch), Path(scratch) / "rows.jsonl"
        write(source, args.rows)
        alone = speed(source, min(args.sample, args.rows))
        table = []
        for count in sizes(args.rows):
            part = lines_of(source, count, folder / "part.jsonl")
            found = {jobs: converted(part, folder, jobs) for jobs in (1, 2)}
            for jobs, (seconds, memory) in found.items():
                ratio = f"{found[1][0] / seconds:.2f}" if jobs > 1 else ""
                table.append((f"{count:,} rows, {jobs} process{'es' * (jobs > 1)}", f"{count / seconds:,.0f}", ratio,
                              f"{memory / 2**20:.0f} MB"))
                (folder / f"out-{jobs}.jsonl").unlink()
        size = source.stat().st_size
    names = {"split": "split into lines", "read": "read into canonical form", "rendered": "rendered with spans (hermes)"}
    body = "\n\n".join((
        f"Rows in Glaive's shape, made from a seed, {size / args.rows:,.0f} bytes each.",
        common.table(("one core, by itself", "rows a second", "target"), [
            (words, f"{alone[name]:,.0f}", f"{TARGETS[name]:,}" if name in TARGETS else "")
            for name, words in names.items()]),
        "Whole conversions to text with spans, start and end included; the target for two processes is "
        f"{TARGETS['ratio']} times one:",
        common.table(("`toolglot convert`", "rows a second", "times one", "largest process"), table)))
    common.publish("converting", "Data sets", body, (), args.write)


if __name__ == "__main__":
    main()
