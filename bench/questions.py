"""How often a small model that was never trained for tools makes exactly the right call, free and constrained.

The questions are recorded ones of the Berkeley Function Calling Leaderboard, the path is toolglot's own: the prompt of
the facade, its constraint, the embedded engine, greedy decoding, its parser; its judge. Raw replies are kept
in bench/results/questions.jsonl under a digest of all that they depend on, so a run that was stopped goes on where it
was, one after a change asks again only what changed, and they are judged anew each time.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, NamedTuple

import common

from toolglot import engines
from toolglot.ask import model_for
from toolglot.engines.llamacpp import LlamaCpp, open_model
from toolglot.engines.weights import find_model
from toolglot.evaluate import leaderboard
from toolglot.message import Tool
from toolglot.model import Model
from toolglot.reply import SMALL_CAPS
from toolglot.schema import validate
from toolglot.tools import as_tools

MOST = {True: 200, False: 110}          # tokens of a reply, constrained and free
COUNTS = ("exact", "readable", "name", "valid")


class Ask(NamedTuple):
    """One question in one mode, ready for the engine. `digest` is of all that its reply depends on."""

    item: dict[str, Any]
    constrained: bool
    tools: tuple[Tool, ...]
    request: engines.Request
    digest: str


def asked(model: Model, item: dict[str, Any], constrained: bool, weights: str) -> Ask:
    tools = as_tools(item["functions"])
    prompt = model.prompt([{"role": "user", "content": item["question"]}], tools)
    rules = model.constrain(tools, "required", parallel=False, caps=SMALL_CAPS).lark() if constrained else None
    held = engines.Rules("lark", rules) if rules is not None else None
    request = engines.Request([engines.PromptPiece(p.text, p.special) for p in prompt.pieces], held,
                              model.dialect.stop, MOST[constrained])
    said = json.dumps([weights, str(prompt), rules, request.stop, request.max_tokens, item["id"]])
    return Ask(item, constrained, tools, request, hashlib.sha256(said.encode()).hexdigest()[:16])


def verdict(model: Model, ask: Ask, text: str) -> dict[str, Any]:
    """What is true of a reply: 0 or 1 for each of COUNTS, and what is wrong with it."""
    calls = model.parse(text, ask.tools).calls
    (name, accepted), = ask.item["ground_truth"][0].items()
    found = dict.fromkeys(COUNTS, 0)
    if not calls:
        return {**found, "wrong": "no call"}
    call = calls[0]
    function = next((f for f in ask.item["functions"] if f["name"] == call.name), None)
    found["readable"], found["name"] = 1, int(call.name == name)
    tool = next((t for t in ask.tools if t.name == call.name), None)
    found["valid"] = int(tool is not None and not validate(call.arguments, tool.parameters))
    wrong = f"name {call.name}"
    if function and call.name == name:
        wrong = leaderboard.wrong(function["parameters"], call.arguments, accepted)
    wrong = wrong or ("more than one call" if len(calls) > 1 else "")
    return {**found, "exact": int(not wrong), "wrong": wrong}


async def replies(engine: LlamaCpp, asks: Sequence[Ask]) -> AsyncIterator[tuple[Ask, str, engines.Done]]:
    for ask in asks:
        words: list[str] = []
        async with aclosing(engine.generate(ask.request)) as output:
            async for item in output:
                if isinstance(item, engines.Done):
                    yield ask, "".join(words), item
                else:
                    words.append(item.text)


async def run(engine: LlamaCpp, model: Model, asks: Sequence[Ask], path: Path, kept: dict[str, dict[str, Any]]) -> None:
    """Asks what is not in `kept`, and puts each reply there and at the end of the file."""
    right = {mode: [verdict(model, a, kept[a.digest]["reply"])["exact"] for a in asks
                    if a.digest in kept and a.constrained == mode] for mode in (True, False)}
    left = [ask for ask in asks if ask.digest not in kept]
    path.parent.mkdir(parents=True, exist_ok=True)
    cut = path.is_file() and path.read_bytes()[-1:] not in (b"", b"\n")       # a killed run left half a line
    with common.progress(len(left), "asking") as step, path.open("a", encoding="utf-8") as file:
        file.write("\n" * cut)
        async for ask, text, done in replies(engine, left):
            record = {"digest": ask.digest, "id": ask.item["id"], "constrained": ask.constrained, "reply": text,
                      "finish": done.finish, "prompt_tokens": done.prompt_tokens,
                      "completion_tokens": done.completion_tokens,
                      "prompt_seconds": round(done.prompt_seconds, 3),      # near 0 where the prompt was seen before
                      "completion_seconds": round(done.completion_seconds, 3)}
            kept[ask.digest] = record
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
            file.flush()
            right[ask.constrained].append(verdict(model, ask, text)["exact"])
            step(" · ".join(f"{'constrained' if m else 'free'} {sum(r)}/{len(r)}" for m, r in right.items() if r))


def table(model: Model, asks: Sequence[Ask], kept: dict[str, dict[str, Any]]) -> str:
    rows = []
    for category, constrained in dict.fromkeys((a.item["category"], a.constrained) for a in asks):
        records = [(a, kept[a.digest]) for a in asks if (a.item["category"], a.constrained) == (category, constrained)]
        found = [verdict(model, a, r["reply"]) for a, r in records]
        counts = [sum(f[key] for f in found) for key in COUNTS]
        tokens = sum(r["completion_tokens"] for _, r in records) / len(records)
        rows.append([category, "constrained" if constrained else "free", len(records),
                     f"**{100 * counts[0] / len(records):.0f} %**", *counts[1:], f"{tokens:.0f}"])
    return common.table(["questions", "decoding", "asked", "exact call", "readable call", "right function",
                         "valid arguments", "tokens"], rows)


def records(path: Path) -> dict[str, dict[str, Any]]:
    """The replies in a file, by digest; a line that a killed run left half written is none."""
    kept = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        kept[record["digest"]] = record
    return kept


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def arguments() -> argparse.Namespace:
    parser = common.parser(__doc__)
    add = parser.add_argument
    add("--limit", type=int, default=100, metavar="N", help="questions of each category; default: 100")
    add("--offset", type=int, default=0, metavar="N", help="questions to pass over; default: 0")
    add("--category", action="append", choices=("simple", "multiple"), help="default: both")
    add("--dialect", default="json", help="default: json, for models without a format of their own")
    add("--model", metavar="PATH", help="a GGUF file; default: SmolLM2-135M-Instruct, fetched once")
    add("--constrained", dest="modes", action="append_const", const=True, help="only this; default: both")
    add("--unconstrained", dest="modes", action="append_const", const=False, help="only this; default: both")
    add("--threads", type=int, metavar="N", help="of the engine; default: as it thinks best")
    add("--replies", type=Path, default=common.RESULTS / "questions.jsonl", metavar="FILE", help="where they are kept")
    add("--fresh", action="store_true", help="ask again what was asked before")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    path = find_model(given.model)
    weights = sha256(path)
    with open_model(path, threads=given.threads) as engine:
        model = model_for(engine.facts, given.dialect)
        items = [q for c in given.category or ("simple", "multiple")
                 for q in common.questions(c)[given.offset:given.offset + given.limit]]
        asks = [asked(model, q, mode, weights) for q in items for mode in given.modes or (True, False)]
        if given.fresh:
            given.replies.unlink(missing_ok=True)
        kept = records(given.replies)
        try:
            asyncio.run(run(engine, model, asks, given.replies, kept))
        except KeyboardInterrupt:
            print("stopped; the same command goes on from here", file=sys.stderr)
        done = [ask for ask in asks if ask.digest in kept]
    note = ("Greedy, one question a prompt, no examples. Exact: the leaderboard would count it. Readable: the reply "
            "holds a whole call. Valid: its arguments keep their schema. Tokens: of a reply, on average.")
    title = f"Exact calls of {path.stem}, dialect {model.dialect.name}"
    common.publish("questions", title, f"{table(model, done, kept)}\n\n{note}", ["xllamacpp", "llguidance"],
                   given.write and len(done) == len(asks))


if __name__ == "__main__":
    main()
