"""Does a constraint let every right call through, and no wrong one? The benchmark's ground truths, and mutants of them.

Each accepted call of the Berkeley leaderboard's questions that is valid under its function's schema is written in a
dialect's own bytes, once with all that is accepted and once with what may be left out left out, and the calls of one
question together. The constraint of the question's functions must take it, choice required and auto, in every notation
that something here can read. Then each call is made wrong in one place: another type, a value outside of an
enumeration, a required argument missing, an argument or a function that there is none of, the end cut off. None of these
may pass, but for those that the dialect's bytes do not tell from a right call: they are read as one, and are counted.

Without options: 60 questions, evenly from all categories, in all dialects and notations; then all questions in twelve
dialects as llguidance's Lark. `--full` takes hours. `--keep FILE` remembers what was done: the same command goes on.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import common
from mutants import Answer, Case, cases, spread
from notations import NOTATIONS, READERS

from toolglot.check import loss
from toolglot.grammar import Constraint
from toolglot.message import Call, Text, Tool, ToolglotError
from toolglot.model import Model
from toolglot.registry import dialects
from toolglot.schema import resolve, validate
from toolglot.spec import ID, Dialect, Object, Tagged, encoding_of

DOZEN = ("hermes", "json", "mistral-v3", "llama-pythonic", "deepseek-v3.1", "kimi-k2", "harmony", "glm-4.5", "qwen3-coder",
         "minimax-m3", "gemma-4", "react")
CHOICES = ("required", "auto")


# -- what a dialect writes -------------------------------------------------------------------------------------


class Written(NamedTuple):
    """A reply as a dialect writes it.

    `wrong`: what is wrong with it, "" if nothing is, and in which function and argument. `told`: whether the bytes say
    that; of a right reply, whether they say what was meant.
    """

    text: str
    wrong: str = ""
    function: str = ""
    argument: str = ""
    told: bool = True
    calls: int = 1


def has_ids(d: Dialect) -> bool:
    return ID in d.calls.each or any(isinstance(n, Object) and any(v is ID for _, v in n.fields) for n in d.calls.each)


def written(model: Model, case: Case) -> list[Written]:
    """All that is asked about a question, each text once."""
    id = "abcdefgh1" if has_ids(model.dialect) else None
    found: list[Written] = []
    for reply in case.replies:
        parts = [Call(one.name, one.arguments, id) for one in reply]
        text = model.write(parts)
        told = not loss(model.dialect, parts, case.tools) and not any(unruled(model, case.tools, one) for one in reply)
        found.append(Written(text, told=told, calls=len(parts)))
    right = {one.text for one in found}
    for wrong, argument, call in case.mutants:
        text = model.write([Call(call.name, call.arguments, id)])
        told = text not in right and not is_right(model, case.tools, text)
        found.append(Written(text, wrong, call.name, argument, told))
    for one in found[:len(case.replies)]:
        end = len(one.text.rstrip()) - 1
        cuts = (end, end // 2) if one.calls == 1 else (end,)        # half of several calls may be a call
        found += [Written(one.text[:cut], "cut", calls=one.calls) for cut in cuts]
    return list({(one.text, bool(one.wrong), one.told): one for one in reversed(found)}.values())[::-1]


def unruled(model: Model, tools: Sequence[Tool], call: Answer) -> bool:
    """Whether an object stands as tags within tags whose names no schema tells: no rule can say what closes them."""
    encoding = encoding_of(model.dialect.calls)

    def free(value: Any, schema: Any, root: Any) -> bool:
        flat = resolve(schema, root)
        if isinstance(value, list):
            return any(free(one, flat.get("items", {}), root) for one in value)
        members = flat.get("properties") or {}
        return isinstance(value, dict) and (not members or any(free(v, members.get(k, {}), root) for k, v in value.items()))

    parameters = next(tool.parameters for tool in tools if tool.name == call.name)
    return isinstance(encoding, Tagged) and bool(encoding.nested) and any(
        free(value, parameters["properties"][name], parameters) for name, value in call.arguments.items())


def is_right(model: Model, tools: tuple[Tool, ...], text: str) -> bool:
    """Whether the text is read as calls, and these are valid."""
    known = {tool.name: tool for tool in tools}
    calls = model.parse(text, tools).calls
    return bool(calls) and all(c.name in known and not validate(c.arguments, known[c.name].parameters) for c in calls)


# -- the check -------------------------------------------------------------------------------------------------


class Tally(NamedTuple):
    """How often: (notation, reader, choice, what is wrong, outcome). Failures: where, what, the text."""

    counts: Counter[tuple[str, ...]]
    failures: list[list[str]]


def checked(name: str, some: Sequence[Case], notations: Sequence[str]) -> Tally:
    """One dialect, all these questions."""
    model, tally = Model(dialects()[name]), Tally(Counter(), [])
    for case in some:
        texts = written(model, case)
        for choice, notation in product(CHOICES, notations):
            if notation == "schema" and choice == "auto":
                continue                                # a schema says what one call is, and nothing else
            constraint = model.constrain(case.tools, choice)
            some_texts = [one for one in texts if one.calls == 1] if notation == "schema" else texts
            _check(tally, model, case, some_texts, constraint, notation)
    return tally


def _check(tally: Tally, model: Model, case: Case, texts: Sequence[Written], constraint: Constraint,
           notation: str) -> None:
    choice = str(constraint.choice)
    for (of, reader), read in READERS.items():
        if of != notation:
            continue
        where, text = (notation, reader, choice), ""
        try:
            grammar = NOTATIONS[notation](constraint)
        except ToolglotError:
            tally.counts[(*where, "grammar", "none")] += 1
            continue
        try:
            accepts = read(grammar)
            for one in texts:
                text = one.text
                outcome = verdict(one, accepts(text), constraint, model, case)
                tally.counts[(*where, one.wrong, outcome)] += 1
                if outcome == "failed":
                    what = f"{one.wrong} {one.argument} accepted" if one.wrong else "refused"
                    tally.failures.append([model.dialect.name, *where, case.id, what, text])
            tally.counts[(*where, "grammar", "read")] += 1
        except Exception as error:                      # a reader's own, of whatever kind
            tally.counts[(*where, "grammar", "broken")] += 1
            tally.failures.append([model.dialect.name, *where, case.id, f"{type(error).__name__}: {error}"[:300], text])


def verdict(one: Written, passed: bool, constraint: Constraint, model: Model, case: Case) -> str:
    """accepted, refused, or why it is neither: unsayable, alike, unenforced (and told to be), words; or failed."""
    if not one.wrong:
        return "accepted" if passed else "failed" if one.told else "unsayable"
    if not passed:
        return "refused"
    if not one.told:
        return "alike"
    if any(s.startswith(f"{one.function}: ") and f"{one.argument}`" in s for s in constraint.unenforced):
        return "unenforced"
    if constraint.choice == "auto":
        reply = model.parse(one.text, case.tools)
        if not reply.problems and all(isinstance(part, Text) for part in reply.parts):
            return "words"                              # that is what they are, then
    return "failed"


# -- running, and tables ---------------------------------------------------------------------------------------


class Part(NamedTuple):
    """What is checked together, in one table."""

    dialects: tuple[str, ...]
    notations: tuple[str, ...]
    items: int | None                       # None: all

    @property
    def title(self) -> str:
        names = f"{len(self.dialects)} dialects" if len(self.dialects) > 3 else ", ".join(self.dialects)
        of = f"{self.items}" if self.items else "All"
        return f"{of} questions, {names}, {'every notation' if len(self.notations) == len(NOTATIONS) else self.spoken}"

    @property
    def spoken(self) -> str:
        return ", ".join(self.notations)


def _one(name: str, part: Part) -> Tally:
    return checked(name, spread(part.items), part.notations)


def run(parts: Sequence[Part], jobs: int, keep: Path | None) -> list[dict[str, Tally]]:
    """Each part's tallies by dialect. What stands in the file `keep` is not done again."""
    kept: dict[str, Tally] = {}
    for line in keep.read_text(encoding="utf-8").splitlines() if keep and keep.is_file() else ():
        about, counts, failures = json.loads(line)
        kept[json.dumps(about)] = Tally(Counter({tuple(place): n for place, n in counts}), failures)
    todo = [(name, part) for part in parts for name in part.dialects]
    about = {one: json.dumps([one[0], one[1].notations, one[1].items]) for one in todo}
    left = [one for one in todo if about[one] not in kept]
    with ProcessPoolExecutor(jobs) as pool, common.progress(len(left), "checking") as step:
        waiting = {pool.submit(_one, *one): one for one in left}
        for job in as_completed(waiting):
            one, tally = waiting[job], job.result()
            kept[about[one]] = tally
            if keep:
                with keep.open("a", encoding="utf-8") as file:
                    line = [json.loads(about[one]), list(tally.counts.items()), tally.failures]
                    file.write(json.dumps(line, ensure_ascii=False) + "\n")
            step(f"{one[0]}: {len(tally.failures)} failures")
    return [{name: kept[about[name, part]] for name in part.dialects} for part in parts]


RIGHT = {"accepted": "accepted", "unsayable": "not sayable"}
WRONG = {"refused": "refused", "alike": "read as right", "unenforced": "told as not enforced", "words": "words"}
KINDS = {"": "nothing: a right call", "type": "the type of a value", "enum": "a value outside of an enumeration",
         "missing": "a required argument is missing", "argument": "an argument that there is none of",
         "function": "a function that there is none of", "cut": "the end is cut off"}


def sums(tallies: Mapping[str, Tally], key: Callable[[str, tuple[str, ...]], str]) -> dict[str, Counter[str]]:
    """How often each outcome came, by what `key` makes of a dialect and the place of a count."""
    found: dict[str, Counter[str]] = {}
    for name, tally in tallies.items():
        for place, count in tally.counts.items():
            if row := key(name, place):
                outcome = f"right {place[4]}" if not place[3] else place[4]
                found.setdefault(row, Counter())[outcome] += count
    return found


def tables(part: Part, tallies: Mapping[str, Tally]) -> str:
    def cells(found: Counter[str], *names: str) -> list[str]:
        return [f"{found[name]:,}" for name in names]

    def failed(found: Counter[str]) -> str:
        count = found["failed"] + found["right failed"] + found["broken"]
        return f"**{count:,}**" if count else "0"

    outcomes = ["right accepted", "right unsayable", *WRONG]
    head = ["right calls accepted", "not sayable", "wrong ones refused", *list(WRONG.values())[1:], "failures"]
    read = sums(tallies, lambda name, place: f"{place[0]}, {place[2]}, by {place[1]}")
    wrong = sums(tallies, lambda name, place: KINDS.get(place[3], ""))
    each = sums(tallies, lambda name, place: name)
    return "\n\n".join([
        f"## {part.title}",
        common.table(["notation, choice, reader", "grammars", "none", *head], [
            [row, *cells(found, "read", "none", *outcomes), failed(found)] for row, found in read.items()]),
        common.table(["what is wrong", *head], [
            [words, *cells(wrong[words], *outcomes), failed(wrong[words])] for words in KINDS.values() if words in wrong]),
        common.table(["dialect", "grammars", "none", *head], [
            [row, *cells(found, "read", "none", *outcomes), failed(found)] for row, found in each.items()])])


def failures(tallies: Mapping[str, Tally], most: int = 40) -> str:
    found = [one for tally in tallies.values() for one in tally.failures]
    lines = [f"- {', '.join(one[:5])}: {one[5]}: `{one[6]!r}`" for one in found[:most]]
    return "\n".join([f"{len(found):,} failures:", *lines]) if found else "No failure."


NOTE = """\
Grammars: of a question's functions in one notation, read by one reader; none: the notation has no way to say it, which
toolglot tells (no regular expression for values that nest without end or for too many functions, no schema where a call
is not one JSON object). Not sayable: right calls that a dialect cannot write so that they are read the same, or has no
rule for (objects without declared members, as tags within tags), refused. Read as right: the dialect's
bytes do not tell them from a right call (`5` between tags is a text too), and they pass. Told as not enforced:
`Constraint.unenforced` names the keyword. Words: with choice auto, what opens no call and is read as words."""


def main() -> None:
    parser = common.parser(__doc__)
    add = parser.add_argument
    add("--dialect", action="append", choices=dialects(), metavar="NAME", help="only this one")
    add("--notation", action="append", choices=NOTATIONS, help="only this one; lark is llguidance's own")
    add("--items", type=int, metavar="N", help="questions, evenly from all categories")
    add("--full", action="store_true", help="all questions, in whatever else is chosen")
    add("--jobs", type=int, default=os.cpu_count(), metavar="N", help="processes; default: one a core")
    add("--keep", type=Path, metavar="FILE", help="what was done stands here; to be deleted when the code changes")
    given = parser.parse_args()
    every = tuple(dialects())
    if given.dialect or given.notation or given.items or given.full:
        items = None if given.full else given.items or 60
        parts = [Part(tuple(given.dialect or every), tuple(given.notation or NOTATIONS), items)]
    else:
        parts = [Part(every, tuple(NOTATIONS), 60), Part(DOZEN, ("lark",), None)]
    found = run(parts, given.jobs, given.keep)
    some, bad, count = cases()
    body = [f"{count:,} calls in the ground truths of {len(common.questions()):,} questions, {count - len(bad):,} of them "
            f"valid under their functions' schemas: {sum(len(one.replies) for one in some):,} replies (with and without "
            f"what may be left out, alone and together) and {sum(len(one.mutants) for one in some):,} wrong calls, "
            "besides those that are cut off."]
    for part, tallies in zip(parts, found, strict=True):
        body += [tables(part, tallies), failures(tallies)]
    body += [NOTE, "## Calls that the ground truths get wrong", "\n".join(f"- {id}: {why}" for id, why in bad)]
    common.publish("gold", "Right calls and wrong ones, held against the constraints", "\n\n".join(body),
                   ["llguidance", "xgrammar"], given.write)


if __name__ == "__main__":
    main()
