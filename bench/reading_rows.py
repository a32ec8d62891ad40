"""How fast rows of fine-tuning data are read into the one form, by shape: rows and megabytes a second of one core.

The rows are generated (none is copied): Glaive-like ones with one to three tools and one to three calls, and the same
conversations in other shapes. `tools` says how often the same list of tools stands in the rows: what is read of a list
is kept, so `each its own` is the worst case and `one of 500` what data sets are like.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

from common import parser, publish, table

from toolglot.data import declared
from toolglot.data.shapes import SHAPES

WORDS = ["weather", "train", "ticket", "price", "order", "customer", "city", "garden", "music", "recipe", "travel",
         "budget", "email", "contact", "movie", "meeting", "phone", "address", "number", "amount", "market", "energy",
         "summer", "history", "letter", "picture", "season", "window", "morning", "family"]
Talk = tuple[list[dict[str, Any]], list[tuple[str, Any]]]     # tools; (who, what) of each turn


def sentence(rng: random.Random, count: int) -> str:
    said = " ".join(rng.choices(WORDS, k=count))
    return f"I'd like to know about {said}, and what's best."


def tool(rng: random.Random, n: int) -> dict[str, Any]:
    kinds = ("string", "integer", "number", "boolean")
    members = {f"{w}_{i}": {"type": rng.choice(kinds), "description": " ".join(rng.choices(WORDS, k=6))}
               for i, w in enumerate(rng.sample(WORDS, rng.randint(1, 4)))}
    return {"name": f"get_{rng.choice(WORDS)}_{n}", "description": " ".join(rng.choices(WORDS, k=8)),
            "parameters": {"type": "object", "properties": members, "required": list(members)[:2]}}


def filled(rng: random.Random, one: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Callable[[], Any]] = {
        "string": lambda: f"{rng.choice(WORDS)}'s {rng.choice(WORDS)}", "integer": lambda: rng.randint(0, 999),
        "number": lambda: round(rng.random() * 100, 2), "boolean": lambda: rng.random() < 0.5}
    return {k: values[v["type"]]() for k, v in one["parameters"]["properties"].items()}


def talks(count: int, lists: int, seed: int = 1) -> Iterator[Talk]:
    """Conversations with tools out of so many lists of them."""
    rng = random.Random(seed)
    shelf = [[tool(rng, 10 * n + i) for i in range(rng.randint(1, 3))] for n in range(lists)]
    for n in range(count):
        tools = shelf[n % lists]
        turns: list[tuple[str, Any]] = []
        for _ in range(rng.randint(1, 3)):
            one = rng.choice(tools)
            turns += [("user", sentence(rng, 12)), ("call", (one["name"], filled(rng, one))),
                      ("result", json.dumps({"status": "success", "message": " ".join(rng.choices(WORDS, k=10))})),
                      ("reply", sentence(rng, 30))]
        turns += [("user", "Thank you, that's all."), ("reply", "You're welcome! Is there anything else?")]
        yield tools, turns


def glaive(talk: Talk) -> dict[str, Any]:
    tools, turns = talk
    said = []
    for who, what in turns:
        if who == "call":
            what = f'<functioncall> {{"name": "{what[0]}", "arguments": \'{json.dumps(what[1])}\'}}'
        speaker = {"user": "USER", "result": "FUNCTION RESPONSE"}.get(who, "ASSISTANT")
        said.append(f"{speaker}: {what}{' <|endoftext|>' if speaker == 'ASSISTANT' else ''}\n\n\n")
    listed = "\n\n".join(json.dumps(one, indent=4) for one in tools)
    return {"system": "SYSTEM: You are a helpful assistant with access to the following functions. Use them if required -\n"
                      f"{listed}\n", "chat": "".join(said)}


def openai(talk: Talk) -> dict[str, Any]:
    tools, turns = talk
    messages: list[dict[str, Any]] = []
    for n, (who, what) in enumerate(turns):
        match who:
            case "call":
                function = {"name": what[0], "arguments": json.dumps(what[1])}
                messages.append({"role": "assistant", "content": None,
                                 "tool_calls": [{"id": f"call_{n}", "type": "function", "function": function}]})
            case "result":
                messages.append({"role": "tool", "tool_call_id": f"call_{n - 1}", "content": what})
            case _:
                messages.append({"role": "user" if who == "user" else "assistant", "content": what})
    return {"messages": messages, "tools": [{"type": "function", "function": one} for one in tools]}


def sharegpt(talk: Talk) -> dict[str, Any]:
    names = {"user": "human", "call": "function_call", "result": "observation", "reply": "gpt"}
    return {"tools": json.dumps(talk[0]), "conversations": [
        {"from": names[who], "value": json.dumps({"name": what[0], "arguments": what[1]}) if who == "call" else what}
        for who, what in talk[1]]}


def hermes(talk: Talk) -> dict[str, Any]:
    names = {"user": "human", "call": "gpt", "result": "tool", "reply": "gpt"}
    tags = {"call": "<tool_call>\n{}\n</tool_call>", "result": "<tool_response>\n{}\n</tool_response>"}
    return {"tools": json.dumps(talk[0]), "conversations": [
        {"from": names[who], "value": tags.get(who, "{}").format(
            {"name": what[0], "arguments": what[1]} if who == "call" else what)} for who, what in talk[1]]}


def xlam(talk: Talk) -> dict[str, Any]:
    tools = [{**one, "parameters": {k: {**v, "type": {"string": "str", "integer": "int"}.get(v["type"], "float, optional")}
                                    for k, v in one["parameters"]["properties"].items()}} for one in talk[0]]
    answers = [{"name": what[0], "arguments": what[1]} for who, what in talk[1] if who == "call"]
    return {"query": talk[1][0][1], "tools": json.dumps(tools), "answers": json.dumps(answers)}


def toolace(talk: Talk) -> dict[str, Any]:
    names = {"user": "user", "call": "assistant", "result": "tool", "reply": "assistant"}
    return {"system": f"Here is a list of functions in JSON format that you can invoke:\n{json.dumps(talk[0])}.",
            "conversations": [{"from": names[who], "value": "[{}({})]".format(
                what[0], ", ".join(f"{k}={v!r}" for k, v in what[1].items())) if who == "call" else what}
                for who, what in talk[1]]}


WRITERS = {"glaive": glaive, "openai": openai, "sharegpt": sharegpt, "hermes": hermes, "xlam": xlam, "toolace": toolace}


def measure(shape: str, rows: list[str], times: int) -> tuple[float, float]:
    """Seconds a row to read what JSON has given, and to read the line with JSON first: the best of so many runs."""
    read, best, whole = SHAPES[shape].read, float("inf"), float("inf")
    parsed = [json.loads(row) for row in rows]
    for _ in range(times):
        declared.forget()
        began = time.process_time()
        for one in parsed:
            read(one)
        best = min(best, time.process_time() - began)
        declared.forget()
        began = time.process_time()
        for row in rows:
            read(json.loads(row))
        whole = min(whole, time.process_time() - began)
    return best / len(rows), whole / len(rows)


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--rows", type=int, default=5000)
    arguments.add_argument("--times", type=int, default=3)
    given = arguments.parse_args()
    body = []
    for shape, write in WRITERS.items():
        for tools, lists in (("one of 500", 500), ("each its own", given.rows)):
            rows = [json.dumps(write(talk)) for talk in talks(given.rows, lists)]
            took, whole = measure(shape, rows, given.times)
            size = sum(map(len, rows)) / len(rows)
            body.append((f"{shape}, tools {tools}", f"{size:,.0f}", f"{1 / took:,.0f}", f"{1 / whole:,.0f}",
                         f"{size / whole / 1e6:,.1f}"))
    head = ("rows", "characters a row", "rows/s", "rows/s with JSON", "MB/s with JSON")
    publish("reading_rows", "Reading fine-tuning rows, one core, processor time", table(head, body), (), given.write)


if __name__ == "__main__":
    main()
