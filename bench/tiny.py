"""Which prompt serves a model best that was never trained for tools, and by how much a constraint lifts it.

Every zero-shot dialect; for toolglot's own, every idiom of the tool list. Each prompt is asked the same items of the tier
suite in two ways, as `toolglot evaluate` asks them: free, and held to a call where the user has spoken last. What was
answered is kept (`--journal`): the same command goes on where a run was stopped. `--limit` says how many items; with few
of them neighbours in the table cannot be told apart, so each rate has its interval, and the best prompts are named that
cannot be told apart from the first.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import common

from toolglot.engines.opening import open_engine
from toolglot.engines.weights import find_model
from toolglot.evaluate.journal import Journal
from toolglot.evaluate.pinned import source_of
from toolglot.evaluate.rates import rate, told_apart
from toolglot.evaluate.record import Record
from toolglot.evaluate.settings import prompt_of
from toolglot.evaluate.whole import AT_A_TIME, Evaluation, Plan, carried_out, prepared
from toolglot.registry import cards

OURS = ("json", "json-list", "pythonic", "react", "xml")
HEAD = ("dialect, idiom", "constrained: all items", "one call due", "of the free", "free: all items", "one call due",
        "prompt, tokens", "tokens a call")


def plans(limit: int, max_tokens: int) -> list[Plan]:
    others = [name for name, card in cards().items() if card.framed and name not in OURS]
    asked: dict[str, Any] = {"limit": limit, "max_tokens": max_tokens, "choice": "required", "concurrency": AT_A_TIME}
    return [Plan(dialects=OURS, idioms=("all",), **asked), Plan(dialects=others, **asked)]


def answered(engine: Any, where: str, plan: Plan, path: Path) -> Evaluation:
    """What comes of a plan; what the journal has is not asked again."""
    ready = prepared(engine, source_of(where), plan)
    with Journal(path, ready.header, resume=path.exists()) as journal, \
            common.progress(len(ready.questions), "asking") as step:
        for _ in journal.records:
            step("")
        tell = lambda done, asked, record: step("") if record else None         # noqa: E731
        return Evaluation(ready.header, asyncio.run(carried_out(ready, journal, tell)))


def single(records: Sequence[Record]) -> list[bool]:
    return [one.right for one in records if one.due == (1,)]


def rows(records: Sequence[Record]) -> tuple[list[list[str]], str]:
    """A row for each prompt, the best first; and what they come to."""
    by_prompt: dict[Any, dict[bool, list[Record]]] = {}
    for one in records:
        by_prompt.setdefault(prompt_of(one.setting), {True: [], False: []})[one.setting.constrain].append(one)
    ranked = sorted(by_prompt.items(), key=lambda item: -rate(one.right for one in item[1][True]).hits)
    found = []
    for (dialect, idiom), told in ranked:
        held, free = told[True], told[False]
        calls = [one.said[0] for one in held if one.said and one.due[0]]
        found.append([", ".join(filter(None, (dialect, idiom))), f"**{rate(one.right for one in held)}**",
                      str(rate(single(held))), *_beside(held, free), str(rate(single(free))),
                      f"{statistics.mean(said.prompt_tokens for said in calls):.0f}",
                      f"{statistics.mean(said.completion_tokens for said in calls):.0f}"])
    return found, _said(ranked)


def _beside(held: Sequence[Record], free: Sequence[Record]) -> tuple[str, str]:
    """How many items the constraint wins over the same prompt without one, and how many it loses."""
    before = {one.item: one.right for one in free}
    won = sum(one.right and not before[one.item] for one in held)
    lost = sum(not one.right and before[one.item] for one in held)
    return f"+{won} −{lost}", str(rate(one.right for one in free))


def _said(ranked: Sequence[Any]) -> str:
    right = [{one.item: one.right for one in told[True]} for _, told in ranked]
    alike = [", ".join(filter(None, prompt)) for (prompt, _), one in zip(ranked[1:], right[1:], strict=True)
             if not told_apart(right[0], one)]
    held, free = ([one for _, told in ranked for one in told[kind]] for kind in (True, False))
    due = [[one.right for one in some if one.due[0]] for some in (held, free)]
    return (f"Of the items that are due a call, over all prompts: {rate(due[1])} right free, {rate(due[0])} constrained. "
            f"Not told apart from the first on these items (McNemar, 5 %): {'; '.join(alike) or 'none'}.")


def main() -> None:
    parser = common.parser(__doc__)
    parser.add_argument("--limit", type=int, default=30, metavar="N", help="items of the tier suite; default: 30")
    parser.add_argument("--max-tokens", type=int, default=128, metavar="N", help="tokens of a reply; default: 128")
    parser.add_argument("--model", metavar="PATH", help="a GGUF file; default: SmolLM2-135M-Instruct, fetched once")
    parser.add_argument("--journal", type=Path, default=Path("tiny"), metavar="NAME",
                        help="the answers are kept in NAME.0.jsonl and NAME.1.jsonl; default: tiny")
    given = parser.parse_args()
    where = str(find_model(given.model))
    engine = asyncio.run(open_engine(where, slots=AT_A_TIME))
    try:
        records = [record for n, plan in enumerate(plans(given.limit, given.max_tokens))
                   for record in answered(engine, where, plan, given.journal.with_suffix(f".{n}.jsonl")).records]
    finally:
        engine.close()
    body, said = rows(records)
    table = common.table(HEAD, body)
    note = (f"{engine.facts.name}; {given.limit} items of the tier suite (seed 0), as evenly over its kinds as can be; "
            f"replies of at most {given.max_tokens} tokens, greedy; 95 % intervals. “Of the free”: items that a constraint "
            "wins and loses against the same prompt without one. It requires a call, so where none is due it is wrong.")
    common.publish("tiny", "Which prompt serves a tiny model", f"{table}\n\n{said} {note}", ["xllamacpp"], given.write)


if __name__ == "__main__":
    main()
