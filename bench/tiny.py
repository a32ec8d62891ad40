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
from collections import Counter
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
from toolglot.evaluate.whole import (
    AT_A_TIME,
    Evaluation,
    Plan,
    carried_out,
    from_journal,
    prepared,
)
from toolglot.registry import cards

OURS = ("json", "json-list", "pythonic", "react", "xml")
HEAD = ("dialect, idiom", "constrained", "where one call is due", "over the free", "free", "where one call is due",
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


def whole(records: Sequence[Record]) -> list[Record]:
    """Those of the items that every setting has answered: a run that is not over has others."""
    settings = {one.setting for one in records}
    counts = Counter(one.item for one in records)
    return [one for one in records if counts[one.item] == len(settings)]


def single(records: Sequence[Record]) -> list[bool]:
    return [one.right for one in records if one.due == (1,)]


def rows(records: Sequence[Record]) -> tuple[list[list[str]], str]:
    """A row for each prompt, the best first; and what they come to."""
    by_prompt: dict[Any, dict[bool, list[Record]]] = {}
    for one in records:
        if one.due[0]:
            by_prompt.setdefault(prompt_of(one.setting), {True: [], False: []})[one.setting.constrain].append(one)
    ranked = sorted(by_prompt.items(), key=lambda item: -rate(one.right for one in item[1][True]).hits)
    found = []
    for (dialect, idiom), told in ranked:
        held, free = told[True], told[False]
        calls = [one.said[0] for one in held if one.said]
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
    held, free = (rate(one.right for _, told in ranked for one in told[kind]) for kind in (True, False))
    return (f"Over all prompts: {free} right free, {held} constrained. Not told apart from the first on these items "
            f"(McNemar, 5 %): {'; '.join(alike) if len(alike) < 8 else f'{len(alike)} of the others'}.")


def taken_together(records: Sequence[Record]) -> str:
    """Each of our dialects over all idioms, and each idiom over all of our dialects, constrained."""
    ours = [one for one in records if one.setting.dialect in OURS and one.setting.constrain and one.due[0]]
    found = []
    for what in ("dialect", "idiom"):
        names = dict.fromkeys(str(getattr(one.setting, what)) for one in ours)
        rates = {name: rate(one.right for one in ours if getattr(one.setting, what) == name) for name in names}
        found += [(what, name, str(one)) for name, one in sorted(rates.items(), key=lambda item: -item[1].hits)]
    return common.table(("taken together", "", "right, constrained"), found)


def main() -> None:
    parser = common.parser(__doc__)
    parser.add_argument("--limit", type=int, default=30, metavar="N", help="items of the tier suite; default: 30")
    parser.add_argument("--max-tokens", type=int, default=128, metavar="N", help="tokens of a reply; default: 128")
    parser.add_argument("--model", metavar="PATH", help="a GGUF file; default: SmolLM2-135M-Instruct, fetched once")
    parser.add_argument("--part", action="store_true", help="ask nothing: the table of what the journals hold so far")
    parser.add_argument("--journal", type=Path, default=Path("tiny"), metavar="NAME",
                        help="the answers are kept in NAME.0.jsonl and NAME.1.jsonl; default: tiny")
    given = parser.parse_args()
    where = str(find_model(given.model))
    journals = [given.journal.with_suffix(f".{n}.jsonl") for n in range(2)]
    if given.part:
        found = [from_journal(path) for path in journals if path.exists()]
    else:
        engine = asyncio.run(open_engine(where, slots=AT_A_TIME))
        try:
            found = [answered(engine, where, plan, path)
                     for plan, path in zip(plans(given.limit, given.max_tokens), journals, strict=True)]
        finally:
            engine.close()
    parts = [whole(one.records) for one in found]
    every = [record for part in parts for record in part]
    body, said = rows(every)
    table = f"{common.table(HEAD, body)}\n\n{taken_together(every)}"
    asked = " and ".join(sorted({str(len({one.item for one in part if one.due[0]})) for part in parts}))
    note = (f"{found[0].header['model']['name']}; {asked} items of the tier suite (seed 0) that are due a call, as evenly "
            f"over their kinds as can be; replies of at most {found[0].header['sampling']['max_tokens']} tokens, greedy; "
            "right replies with their 95 % intervals. “Over the free”: items that a constraint wins and loses against the "
            "same prompt without one. What is taken together has each item several times: its intervals are too narrow.")
    common.publish("tiny", "Which prompt serves a tiny model", f"{table}\n\n{said}\n\n{note}", ["xllamacpp"], given.write)


if __name__ == "__main__":
    main()
