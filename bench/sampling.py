"""Whatever a constraint lets through is read back as valid calls: random walks over its masks, in every dialect.

A walk takes any byte, or any token of a real vocabulary, that llguidance's mask allows, and now and then a whole marker of
the dialect, wherever that may stand: in a string too. Its text is read by the dialect's parser, behind the prompt that it
would follow, and each call is held against its tool's schema. The tools are those of recorded questions or made ones with
patterns, formats, enumerations, bounds, unions, references and custom tools with grammars; choice, reasoning, order of
arguments, white space and caps are drawn too. Walks that come to no end within the limit count as nothing.

A failure is told with its seed: `--seed 'hermes 17' --vocabulary smollm2` does it again and shows it.
"""

from __future__ import annotations

import json
import os
import random
import re
import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import NamedTuple

import common
import llguidance
import vocabularies
from walks import BYTES, Asked, asked, walk, words

from toolglot.message import Call, Reply, Text, Tool
from toolglot.registry import dialects
from toolglot.schema import validate

NOTES = ("number out of range", "duplicate key")     # of a whole call: no notation keeps the names in a free object apart


# -- the verdict -----------------------------------------------------------------------------------------------


def wrong(one: Asked, reply: Reply) -> str:
    """What is wrong with what a walk wrote, "" if nothing is, "not enforced" where the constraint said that it may be."""
    options, constraint = one.options, one.constraint
    problems = [p for p in reply.problems if p.raw or p.kind not in NOTES]
    if problems:
        return str(problems[0])
    if options["choice"] != "auto" and not reply.calls:
        return "no call"
    order = "".join(["c" if isinstance(part, Call) else "w" for part in reply.parts
                     if isinstance(part, Call) or (isinstance(part, Text) and part.text.strip())])
    if not re.fullmatch(f"{'w?' * (options['choice'] == 'auto')}c*{'w?' * options['after']}", order):
        return f"words (w) and calls (c) as {order}"
    if reply.reasoning and options["reasoning"] == "none":
        return f"reasoning: {reply.reasoning!r}"
    if options["most"] is not None and len(reply.calls) > options["most"]:
        return f"{len(reply.calls)} calls"
    known = {tool.name: tool for tool in constraint.calls}
    told = ""
    for call in reply.calls:
        if call.name not in known:
            return f"a call of {call.name}"
        for sentence in [*validate(call.arguments, known[call.name].parameters), *_unheld(call, known[call.name])]:
            if not any(s.startswith(f"{call.name}: ") and said(s, sentence) for s in constraint.unenforced):
                return f"{call.name}: {sentence}"
            told = "not enforced"
    return told


KEYWORDS = {"pattern": " match the pattern ", "minLength": " characters", "uniqueItems": " no item twice",
            "minProperties": " members", "maxProperties": " members"}


def said(unenforced: str, sentence: str) -> bool:
    """Whether what is wrong is what is not enforced: of the same argument, or, where a format has no way to, of the same
    keyword in all of them, or of a custom tool's text."""
    place = re.match(r"`(\w*)", sentence)
    if place is None:
        return ": its " in unenforced
    keyword = re.search(r"`(\w+)` of \w+ is not enforced in this format", unenforced)
    return KEYWORDS.get(keyword[1], "\0") in sentence if keyword else f"`{place[1]}" in unenforced


def _unheld(call: Call, tool: Tool) -> list[str]:
    """Whether a custom tool's text keeps to its grammar."""
    if not tool.format:
        return []
    (text,), (syntax, definition) = call.arguments.values(), tool.format
    if syntax == "regex":
        held = re.fullmatch(definition, text) is not None
    else:
        matcher = llguidance.LLMatcher(words(BYTES).tokenizer, f"%llguidance {{}}\n{definition}", log_level=0)
        tokens = list(text.encode())
        held = matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting()
    return [] if held else [f"the text {text!r} is none of its grammar"]


class Sample(NamedTuple):
    """One walk: its text, None if it had no end, what was asked, the reply and what is wrong with that."""

    text: str | None
    asked: Asked | None
    reply: Reply | None
    wrong: str


def sample(seed: str, vocabulary: str, questions: bool = True) -> Sample:
    """`seed`: a dialect and a number."""
    rng = random.Random(seed)
    text, one = None, None
    try:
        one = asked(seed.split()[0], rng, questions)
        text = walk(one, vocabulary, rng)
        if text is None:
            return Sample(None, one, None, "")
        reply = one.model.parse(text, one.tools, prompt=one.prompt)
        return Sample(text, one, reply, wrong(one, reply))
    except Exception as error:                          # whatever it is, it is a failure, and the walks go on
        where = traceback.extract_tb(error.__traceback__)[-1].name
        return Sample(text, one, None, f"{type(error).__name__} in {where}: {error}")


# -- running ---------------------------------------------------------------------------------------------------


class Tally(NamedTuple):
    counts: Counter[str]
    failures: list[list[str]]                           # seed, vocabulary, what is wrong, the text


def sampled(name: str, calls: int, names: Sequence[str]) -> Tally:
    """Walks in one dialect until there are so many calls; the vocabularies in turn."""
    tally = Tally(Counter(), [])
    number = 0
    while tally.counts["calls"] < calls and number < 50 * calls:
        seed, vocabulary = f"{name} {number}", names[number % len(names)]
        number += 1
        found = sample(seed, vocabulary)
        tally.counts["walks"] += 1
        if found.wrong and found.wrong != "not enforced":
            tally.failures.append([seed, vocabulary, found.wrong, found.text or ""])
        elif found.reply is None:
            tally.counts["no end"] += 1
        elif found.wrong:
            tally.counts["not enforced"] += 1
        else:
            tally.counts.update({"calls": len(found.reply.calls), "replies": 1, "words": not found.reply.calls,
                                 f"calls, {vocabulary}": len(found.reply.calls)})
    return tally


def shown(seed: str, vocabulary: str) -> str:
    found = sample(seed, vocabulary)
    tools = [] if found.asked is None else [tool.raw for tool in found.asked.tools]
    return "\n\n".join([json.dumps(tools, indent=1), str(found.asked and found.asked.options), repr(found.text),
                        str(found.reply), found.wrong or "right"])


def main() -> None:
    parser = common.parser(__doc__)
    add = parser.add_argument
    add("--calls", type=int, default=10_000, metavar="N", help="in all, evenly from the dialects; default: 10,000")
    add("--dialect", action="append", choices=dialects(), metavar="NAME", help="default: all")
    add("--vocabulary", action="append", choices=(BYTES, *vocabularies.NAMES), help="default: bytes and smollm2, in turn")
    add("--jobs", type=int, default=os.cpu_count(), metavar="N", help="processes; default: one a core")
    add("--seed", metavar="'DIALECT N'", help="show one walk")
    given = parser.parse_args()
    names = given.vocabulary or [BYTES, "smollm2"]
    if given.seed:
        print(shown(given.seed, names[0]))
        return
    some = given.dialect or list(dialects())
    tallies: dict[str, Tally] = {}
    with ProcessPoolExecutor(given.jobs) as pool, common.progress(len(some), "walking") as bar:
        waiting = {pool.submit(sampled, name, -(-given.calls // len(some)), names): name for name in some}
        for job in as_completed(waiting):
            tallies[waiting[job]] = job.result()
            bar(f"{waiting[job]}: {len(job.result().failures)} failures")
    common.publish("sampling", "Calls sampled at random from the constraints", report(some, tallies, names),
                   ["llguidance"], given.write)


def report(some: Sequence[str], tallies: Mapping[str, Tally], names: Sequence[str]) -> str:
    columns = ["walks", "no end", "replies", "words", "not enforced", "calls", *(f"calls, {name}" for name in names)]
    rows = [[name, *(f"{tallies[name].counts[c]:,}" for c in columns),
             f"**{len(tallies[name].failures)}**" if tallies[name].failures else 0] for name in some]
    sums: Counter[str] = sum((tally.counts for tally in tallies.values()), Counter())
    failures = [one for name in some for one in tallies[name].failures]
    rows.append(["**all**", *(f"**{sums[c]:,}**" for c in columns), f"**{len(failures)}**"])
    lines = [f"- `{seed}`, {vocabulary}: {why}: `{text!r}`" for seed, vocabulary, why, text in failures[:40]]
    return "\n\n".join([
        common.table(["dialect", *columns, "failures"], rows),
        "Replies: walks that came to an end and are read as what they should be, with valid calls or, where choice is "
        "auto, as words. Not enforced: arguments that break their schema where `Constraint.unenforced` says that they may.",
        "\n".join(lines) or "No failure."])


if __name__ == "__main__":
    main()
