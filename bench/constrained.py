"""What a constraint costs the embedded engine: milliseconds a token, held and free, in turn, in one run.

Three kinds of reply: words that are free, the same words held to `none` (no call can open in them), and calls held to
`required`, whose tokens are other ones but as dear to the model. Each run is timed by llama.cpp, from the first token
written to the last; the best of several counts, so that a busy machine spoils it little. The model is SmolLM2-135M, one
of the smallest there are: a larger one takes longer for a token, and the same time for a mask.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from typing import Any

import common

from toolglot.ask import model_for
from toolglot.engines import Chunk, Done, PromptPiece, Request
from toolglot.engines.llamacpp import open_model
from toolglot.engines.weights import find_model
from toolglot.tools import as_tools

QUESTIONS = ("Tell me about the history of Paris.", "How does a steam engine work?", "Describe a walk in the forest.",
             "What is the weather in Rio, and what should I wear?")
TARGET = 1.10


async def run(engine: Any, request: Request) -> tuple[str, Done]:
    said, done = [], None
    async for item in engine.generate(request):
        if isinstance(item, Chunk):
            said.append(item.text)
        else:
            done = item
    assert done is not None
    return "".join(said), done


def requests(engine: Any, model: Any, tools: Sequence[Any], question: str, most: int) -> dict[str, Request]:
    prompt = model.prompt([{"role": "user", "content": question}], tools)
    pieces = [PromptPiece(p.text, p.special) for p in prompt.pieces]
    held = {choice: engine.rules(model.constrain(tools, choice)) for choice in ("none", "required")}
    return {name: Request(pieces, rules, model.dialect.stop, most) for name, rules in
            {"free": None, "words": held["none"], "calls": held["required"]}.items()}


def main() -> None:
    parser = common.parser(__doc__)
    parser.add_argument("--model", metavar="PATH", help="a GGUF file; default: SmolLM2-135M-Instruct, fetched once")
    parser.add_argument("--tools", type=int, default=10, metavar="N", help="default: 10")
    parser.add_argument("--tokens", type=int, default=160, metavar="N", help="of a reply, at most; default: 160")
    parser.add_argument("--runs", type=int, default=4, metavar="N", help="of each, in turn; default: 4")
    given = parser.parse_args()
    path, tools = find_model(given.model), as_tools(common.tools(given.tools))
    best: dict[tuple[str, str], tuple[float, int]] = {}
    with open_model(path, context=4096, threads=1) as engine, common.progress(
            len(QUESTIONS) * given.runs * 3, "constrained") as step:
        model = model_for(engine.facts)
        for question in QUESTIONS:
            some = requests(engine, model, tools, question, given.tokens)
            for _ in range(given.runs):
                for kind, request in some.items():
                    _, done = asyncio.run(run(engine, request))
                    spent = done.completion_seconds * 1000 / max(done.completion_tokens, 1)
                    best[kind, question] = min(best.get((kind, question), (spent, done.completion_tokens)),
                                               (spent, done.completion_tokens))
                    step(kind)
    rows = []
    for kind in ("free", "words", "calls"):
        times = [best[kind, question][0] for question in QUESTIONS]
        ratio = statistics.median(best[kind, q][0] / best["free", q][0] for q in QUESTIONS)
        met = "–" if kind == "free" else "yes" if ratio <= TARGET else "**no**"
        rows.append([kind, str(sum(best[kind, q][1] for q in QUESTIONS)), f"{statistics.median(times):.2f}",
                     f"{ratio:.2f}", met])
    body = common.table(["reply", "tokens", "ms a token", "of free", "at most 1.10"], rows)
    body += f"\n\n{path.stem}, {given.tools} tools, one thread; the median of {len(QUESTIONS)} questions."
    common.publish("constrained", "What a constraint costs the embedded engine", body, ["xllamacpp"], given.write)


if __name__ == "__main__":
    main()
