"""What tier a model is: the whole tier suite, free and held to a constraint, as `toolglot evaluate --limit all` asks it.

What was answered is kept (`--journal`): the same command goes on where a run was stopped.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import common
from tiny import answered

from toolglot.engines.opening import open_engine
from toolglot.engines.weights import find_model
from toolglot.evaluate.report import headline, rate_words
from toolglot.evaluate.whole import AT_A_TIME, Plan

RATES = ("single", "parallel", "multi-turn", "restraint", "valid")
HEAD = ("setting", "tier", "all items", *RATES, "tokens a call", "seconds a call")


def main() -> None:
    parser = common.parser(__doc__)
    add = parser.add_argument
    add("--dialect", metavar="NAME", help="default: what suits the model")
    add("--idiom", metavar="NAME", help="how a zero-shot dialect tells of the tools; default: its own way")
    add("--model", metavar="PATH", help="a GGUF file; default: SmolLM2-135M-Instruct, fetched once")
    add("--journal", type=Path, default=Path("tier.jsonl"), metavar="FILE", help="default: tier.jsonl")
    given = parser.parse_args()
    where = str(find_model(given.model))
    plan = Plan(limit=None, dialects=tuple(filter(None, [given.dialect])), idioms=tuple(filter(None, [given.idiom])))
    engine = asyncio.run(open_engine(where, slots=AT_A_TIME))
    try:
        found = answered(engine, where, plan, given.journal).report
    finally:
        engine.close()
    rows = [[one["name"], one["tier"], f"**{rate_words(one['right'])}**",
             *(rate_words(one["rates"][name]) for name in RATES),
             f"{one['tokens']:.0f}", f"{one['seconds']:.1f}"]
            for one in found["settings"]]
    note = (f"{engine.facts.name}, {found['run']['suite']['items']} items, {AT_A_TIME} at a time, greedy, replies of at "
            f"most {plan.max_tokens} tokens; 95 % intervals. Verdict: {headline(found)}")
    common.publish("tier", "What tier a model is", f"{common.table(HEAD, rows)}\n\n{note}", ["xllamacpp"], given.write)


if __name__ == "__main__":
    main()
