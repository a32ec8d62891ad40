"""How well toolglot reads what models really wrote: 36,140 recorded outputs of the Berkeley Function Calling Leaderboard.

Per model: how many questions are answered with exactly the right calls, and how many that none of the functions can
answer with none, by `toolglot.rescue` and `toolglot.evaluate`; beside it what the leaderboard published, which read the
same outputs with a decoder for each model. `--agreement` compares the two checkers alone, on what those decoders read.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from typing import Any, NamedTuple

import common
import decoders

from toolglot.evaluate import source
from toolglot.evaluate.judge import Judged, compared
from toolglot.evaluate.recorded import Output, Recorded
from toolglot.message import Tool
from toolglot.rescue import rescue

PYTHON = ("simple", "multiple", "parallel", "parallel_multiple")
GROUPS = {**{name: (name,) for name in PYTHON}, "AST": PYTHON, "java": ("java",), "javascript": ("javascript",),
          "irrelevance": ("irrelevance",)}
MEANS = {"AST": 87.5, "irrelevance": 67.0}          # to be reached over all models
LOSS, GAIN, FALL = 0.1, 2.0, 2.0                    # points: lost at most; gained at least to pay for what falls

Call = tuple[str, Any]                              # a function's name and its arguments


class Verdict(NamedTuple):
    """What was read in one output, and why that is wrong, if it is."""

    output: Output
    category: str
    calls: list[Call]
    judged: Judged


@cache
def everything() -> Recorded:
    return Recorded(common.SHARED / "recorded")


def outputs() -> list[Output]:
    return everything().outputs


def question(output: Output) -> dict[str, Any]:
    return everything().questions[output.id]


def tools_of(output: Output) -> tuple[Tool, ...]:
    return everything().asked(output)[1]


# -- reading ---------------------------------------------------------------------------------------------------


def verdict(output: Output, calls: list[Call]) -> Verdict:
    item, _ = everything().asked(output)
    made = [{"name": name, "arguments": arguments} for name, arguments in calls]
    return Verdict(output, item.kind, calls, compared(item.steps[0], made, item.language))


def rescued(output: Output, known: tuple[Tool, ...]) -> list[Call]:
    return [(call.name, call.arguments) for call in rescue(output.raw, known).calls]


def judged(some: Sequence[Output]) -> list[Verdict]:
    return [verdict(output, rescued(output, tools_of(output))) for output in some]


def read(some: Sequence[Output]) -> list[Verdict]:
    """All of them, a model at a time in each process, in the order of the models."""
    models: dict[str, list[Output]] = {}
    for output in some:
        models.setdefault(output.model, []).append(output)
    with ProcessPoolExecutor(os.cpu_count()) as pool, common.progress(len(models), "reading") as step:
        jobs = {pool.submit(judged, chosen): model for model, chosen in models.items()}
        for job in as_completed(jobs):
            job.result()                            # an error is told at once
            step(jobs[job])
        return [verdict for job in jobs for verdict in job.result()]


# -- the scoreboard --------------------------------------------------------------------------------------------

Scores = dict[str, tuple[float, float]]             # of each group with questions: per cent right, ours and published


def scores(verdicts: Iterable[Verdict]) -> Scores:
    counts: Counter[tuple[str, str]] = Counter()
    for one in verdicts:
        for group in (name for name, categories in GROUPS.items() if one.category in categories):
            counts.update({(group, "all"): 1, (group, "ours"): one.judged.right,
                           (group, "published"): one.output.published})
    return {name: (100 * counts[name, "ours"] / counts[name, "all"], 100 * counts[name, "published"] / counts[name, "all"])
            for name in GROUPS if counts[name, "all"]}


def scoreboard(verdicts: Sequence[Verdict]) -> str:
    models: dict[str, list[Verdict]] = {}
    for one in verdicts:
        models.setdefault(one.output.model, []).append(one)
    found = {model: scores(some) for model, some in models.items()}
    asked = {one.category for one in verdicts}
    groups = [name for name, categories in GROUPS.items() if asked.issuperset(categories)]
    means = {name: (_mean(one[name][0] for one in found.values()), _mean(one[name][1] for one in found.values()))
             for name in groups}
    rows = [[model, *(_cell(one[name]) for name in groups)] for model, one in found.items()]
    head = ["model", *(name.replace("_", " ") for name in groups)]
    text = common.table(head, [*rows, ["**mean**", *(f"**{_cell(means[name])}**" for name in groups)]])
    return f"{text}\n\n{NOTE}\n\n{checks(found, means)}"


NOTE = ("Per cent right: toolglot's reading / the leaderboard's. AST: all questions about functions of Python. "
        "Irrelevance: right where no call was read.")


def checks(found: Mapping[str, Scores], means: Scores) -> str:
    """Whether the reader is good enough, in a line: what is not reached or not kept is in bold."""
    if not {"AST", "irrelevance"} <= means.keys():
        return "Checks: not of a part."
    words = []
    for group, least in MEANS.items():
        word = f"mean {group} {means[group][0]:.1f}, at least {least:g} wanted"
        words.append(word if means[group][0] >= least else f"**{word}**")
    gains = {model: (one["AST"][0] - one["AST"][1], one["irrelevance"][0] - one["irrelevance"][1])
             for model, one in found.items()}
    lost = [f"{model} ({gain:+.1f})" for model, (gain, _) in gains.items() if gain < -LOSS]
    words.append(_named(f"AST more than {LOSS:g} below the published", lost))
    paid = [f"{model} ({gain:+.1f}, {fall:+.1f})" for model, (gain, fall) in gains.items() if gain < GAIN and fall < -FALL]
    words.append(_named(f"irrelevance more than {FALL:g} below it for less than {GAIN:g} of AST", paid))
    return "Checks: " + "; ".join(words) + "."


def _named(what: str, models: Sequence[str]) -> str:
    return f"**{what}: {', '.join(models)}**" if models else f"{what}: none"


def _mean(numbers: Iterable[float]) -> float:
    some = list(numbers)
    return sum(some) / len(some)


def _cell(pair: tuple[float, float]) -> str:
    return f"{pair[0]:.1f} / {pair[1]:.1f}"


def shown(verdicts: Iterable[Verdict], most: int) -> str:
    """Outputs that cost us something: those that the leaderboard has right first, evenly from all of them."""
    wrong = [one for one in verdicts if not one.judged.right and (one.output.published or one.category == "irrelevance")]
    wrong.sort(key=lambda one: not one.output.published)
    sharp = sum(bool(one.output.published) for one in wrong) or len(wrong)
    stride = max(1, sharp // max(1, most))
    return "\n\n".join(f"{one.output.model} {one.output.id}, published as "
                       f"{'right' if one.output.published else 'wrong'}\n{one.output.raw.strip()}\n"
                       f"→ {one.calls!r}\n→ {one.judged.detail}" for one in wrong[::stride][:most])


# -- agreement -------------------------------------------------------------------------------------------------

Cause = Callable[[Verdict], bool]


def strictly(some: Iterable[Output]) -> tuple[list[Verdict], list[Output]]:
    """What the leaderboard's decoders read, judged by our checker, and what they could not read."""
    found, unreadable = [], []
    for output in some:
        try:
            calls = decoders.read(output.model, output.raw, question(output)["language"])
        except decoders.Unreadable:
            unreadable.append(output)
            continue
        found.append(verdict(output, calls))
    return found, unreadable


def agrees(one: Verdict) -> bool:
    return bool(one.output.published) == one.judged.right


def _typed(one: Verdict) -> bool:
    return any(not isinstance(value, str) for _, arguments in one.calls for value in arguments.values())


def _strings(one: Verdict) -> bool:
    return one.judged.right and any("new String[]" in value for _, arguments in one.calls for value in arguments.values())


def _bare(one: Verdict) -> bool:
    accepted = [value for answer in question(one.output)["ground_truth"] for values in answer.values()
                for several in values.values() for value in several]
    return one.judged.right and any(not isinstance(inner, list) for value in accepted if isinstance(value, dict)
                                 for inner in value.values())


def _prefix(one: Verdict) -> bool:
    return one.judged.cause == "wrong type" and any(
        value.startswith("[") and isinstance(source.value(value, "array", None, "JavaScript"), str)
        for _, arguments in one.calls for value in arguments.values())


CAUSES: dict[str, Cause] = {                        # the first that fits; none of them is one in Python
    "an argument is typed JSON, where the leaderboard takes only source text of the language: we take both": _typed,
    "strings in a `new String[]{…}`, whose quotes the leaderboard compares too: we do not": _strings,
    "an accepted object holds a value where a list of accepted values should be, which the leaderboard compares "
    "letter by letter: we take it as the one accepted value": _bare,
    "`[1, 2], [3, 4]` for one list, of which the leaderboard reads the first part: we do not": _prefix,
}


def agreement(some: Sequence[Output]) -> str:
    found, unreadable = strictly(some)
    kinds = {one.output.id: "none: irrelevant" if one.category == "irrelevance" else
             question(one.output)["language"] for one in found}
    rows = []
    for kind in [*dict.fromkeys(kinds.values()), "all"]:
        same = [agrees(one) for one in found if kind in ("all", kinds[one.output.id])]
        rows.append([kind, len(same), sum(same), f"{100 * sum(same) / len(same):.2f} %" if same else "–"])
    taken = sum(output.published == (question(output)["category"] == "irrelevance") for output in unreadable)
    text = (f"`decoders.py` reads as strictly as the leaderboard's decoders did, {len(found):,} of {len(some):,} outputs; "
            f"of the others, {taken:,} of {len(unreadable):,} have the verdict that no call gets. Where those decoders "
            "changed over time, ours are the ones that fit the verdicts; the checker knows of no model and no question.")
    head = ["language", "read", "same verdict", "agreement"]
    return f"{text}\n\n{common.table(head, rows)}\n\n{causes([one for one in found if not agrees(one)])}"


def causes(different: Sequence[Verdict]) -> str:
    groups: dict[str, list[str]] = {}
    for one in different:
        cause = next((words for words, fits in CAUSES.items() if fits(one)), "not explained")
        groups.setdefault(cause, []).append(one.output.id)
    lines = [f"- {len(ids)}: {cause} ({', '.join(dict.fromkeys(ids))})"
             for cause, ids in sorted(groups.items(), key=lambda pair: -len(pair[1]))]
    return "\n".join([f"The {len(different)} other verdicts, by cause:" if lines else "No verdict is another.", "", *lines])


# -- the command -----------------------------------------------------------------------------------------------


def arguments() -> argparse.Namespace:
    parser = common.parser(__doc__)
    add = parser.add_argument
    add("--model", action="append", metavar="NAME", help="only models with this in their names; default: all")
    add("--category", action="append", choices=(*PYTHON, "java", "javascript", "irrelevance"), help="default: all")
    add("--show", type=int, default=0, metavar="N", help="also show so many outputs that the leaderboard read right and "
        "we do not, or in which we read a call for an irrelevant question")
    add("--agreement", action="store_true", help="only how far the checker agrees with the leaderboard's")
    given = parser.parse_args()
    if given.write and (given.model or given.category or given.agreement):
        parser.error("--write keeps the whole result: leave --model, --category and --agreement out")
    return given


def main() -> None:
    given = arguments()
    categories = given.category or [*PYTHON, "java", "javascript", "irrelevance"]
    some = [one for one in outputs() if question(one)["category"] in categories
            and (not given.model or any(part in one.model for part in given.model))]
    if not some:
        raise SystemExit("no recorded output is like that; see shared/recorded/models.json for the names")
    if given.agreement:
        print(agreement(some))
        return
    verdicts = read(some)
    if given.show:
        print(shown(verdicts, given.show), end="\n\n")
    body = f"{scoreboard(verdicts)}\n\n## How far the checkers agree\n\n{agreement(some)}"
    common.publish("recorded", "Reading what models really wrote", body, [], given.write)


if __name__ == "__main__":
    main()
