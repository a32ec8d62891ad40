"""The page of the suites of `toolglot evaluate`, made of their own data: `docs/evaluate-suites.md`."""

from __future__ import annotations

import json
from collections.abc import Mapping

from toolglot.evaluate import bfcl, tier
from toolglot.evaluate.item import Item, Step, example
from toolglot.evaluate.replay import MOST, SECONDS

OWN = {
    "messages": "the conversation so far, in OpenAI's shape",
    "tools": "in OpenAI's shape, or any other that toolglot reads",
    "expected": "the calls that are due, in any order: `name`, and `arguments`, or `accepted` (of each argument a list of "
                "right values) and `optional` (names that may be left out). `[]`: no call is right",
    "words": "one of these must stand in a reply without calls",
    "steps": "instead of `expected` and `words`: a list of objects with these, `results` (what each call came to) and "
             "`then` (the messages that follow)",
    "id, kind": "its own; the report has a line for each kind",
}


def page() -> str:
    items = tier.suite()
    first = {kind: next(item for item in items if item.kind == kind) for kind in tier.KINDS}
    rows = [f"| {kind} | {sum(item.kind == kind for item in items)} | {what} |" for kind, what in tier.KINDS.items()]
    return "\n\n".join([
        "# Suites of questions",
        "Made from the suites' own data by `python docs/update.py`. A reply is right if it makes all the calls that are\n"
        "due, in any order, and nothing else; where no call is due, if it makes none and its words hold what they must.\n"
        "A conversation goes on for as long as all was right.",
        "## tier",
        f"{len(items)} questions, drawn from scenarios by a seed: the same on every machine, and others with another\n"
        "seed. Nothing is downloaded. A string is right if each of its characters is, however its accents are composed;\n"
        "spellings that a person would not tell apart (a capital, `Oslo, Norway`) are listed with each question.",
        "\n".join(["| kind | questions | what it tries |", "| --- | --: | --- |", *rows]),
        "The first question of each kind, and what is right:",
        "\n".join(_shown(kind, item) for kind, item in first.items()),
        "## bfcl",
        "The questions of the [Berkeley Function Calling Leaderboard](https://gorilla.cs.berkeley.edu/leaderboard.html),\n"
        "from the package `bfcl-eval` (`pip install --no-deps bfcl-eval` is enough) or a folder of its files; nothing of\n"
        "them is kept here. The leaderboard's rules hold, and what differs on purpose is said in\n"
        "`toolglot.evaluate.leaderboard`. Types have JSON's names, dots in names are underscores, and values of Java and\n"
        "JavaScript are told as source text.",
        f"- One turn: {_listed(bfcl.CATEGORIES)}.\n"
        f"- Several turns: {_listed(bfcl.PLAYED)}. Calls are run by the\n"
        "  leaderboard's own classes (`MathAPI` needs `mpmath`), in a process that may open no socket, start no program\n"
        f"  and write no file, has {SECONDS:g} s for the calls of a reply and {MOST} replies with calls a turn; a call\n"
        "  is a name that is looked up, never code. Right is the state that the right calls come to.\n"
        "- Not asked: web search and memory, which need the network and models of their own.",
        "## recorded",
        "A folder of outputs that models wrote once: `items.jsonl` (questions as the leaderboard has them),\n"
        "`outputs.jsonl` (`model`, `id`, `raw`), both plain or gzipped, and `models.json`. No engine is asked; a dialect\n"
        "reads, or `rescue`.",
        "## A file of one's own",
        "One question a line, as JSON. What can never be right is refused before anything is asked, by line and field.",
        "\n".join(["| field | what it is |", "| --- | --- |", *(f"| {_listed(name.split(', '))} | {what} |"
                                                               for name, what in OWN.items())]),
    ]) + "\n"


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _shown(kind: str, item: Item) -> str:
    ask = item.messages[0]["content"].replace("\n", " ⏎ ")
    return f"- **{kind}**: {ask} → {'; then '.join(map(_due, item.steps))}"


def _due(step: Step) -> str:
    if step.calls:
        return " and ".join(_call(example(one)) for one in step.calls)
    return "words with " + " or ".join(f"“{word}”" for word in step.words[:3]) + (" …" if len(step.words) > 3 else "")


def _call(made: Mapping[str, object]) -> str:
    ticks = json.dumps(made["arguments"], ensure_ascii=False)
    return f"`{made['name']}` `{ticks}`"
