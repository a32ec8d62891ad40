"""What training changed, from the journals of two evaluations: tables in Markdown.

    python examples/finetune/report.py before.jsonl after.jsonl --into examples/finetune/README.md

What both journals hold is compared: the same questions, asked in the same ways of the same kind of engine. The intervals
are Wilson's, 95 %; a star stands where McNemar's test (5 %) tells the two apart.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from toolglot.evaluate.rates import told_apart
from toolglot.evaluate.report import rate_words
from toolglot.evaluate.whole import Evaluation, from_journal

Row = tuple[str, str, str, str]
BEGIN, END = "<!-- measured -->", "<!-- end -->"


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", help="the journal of the model as it was")
    parser.add_argument("after", help="the journal of the trained one")
    parser.add_argument("--into", metavar="FILE", help="a page to put the tables into, between its marks")
    args = parser.parse_args(argv)
    before, after = shared(from_journal(args.before), from_journal(args.after))
    items = len({record.item for record in before.records})
    words = f"{items} questions of the suite `tier` (seed {before.header['suite']['seed']}), each asked in both ways."
    found = "\n\n".join((words, table(("", "", "before", "after"), measured(before, after)),
                         table(("kind", "", "before", "after"), by_kind(before, after))))
    if args.into:
        page = Path(args.into).read_text(encoding="utf-8")
        head, rest = page.split(BEGIN)
        Path(args.into).write_text(f"{head}{BEGIN}\n\n{found}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")
    print(found)


def shared(before: Evaluation, after: Evaluation) -> tuple[Evaluation, Evaluation]:
    """Both with the records that the other one has too: one run may not be over, or ask fewer questions."""
    told = [(one.header["sampling"], *(one.header["engine"][k] for k in ("kind", "context"))) for one in (before, after)]
    if told[0] != told[1]:
        raise SystemExit(f"expected the same engine and sampling in both, found {told[0]} and {told[1]}")
    keys = [{(record.item, record.setting) for record in one.records} for one in (before, after)]
    both = keys[0] & keys[1]
    return (Evaluation(before.header, [r for r in before.records if (r.item, r.setting) in both]),
            Evaluation(after.header, [r for r in after.records if (r.item, r.setting) in both]))


def measured(before: Evaluation, after: Evaluation) -> Iterator[Row]:
    """The tier and the rates of each setting; a star where the two can be told apart on the same items."""
    for one, other in pairs(before, after):
        name = held(one)
        yield name, "tier", one["tier"], other["tier"]
        star = " *" if told_apart(right(before, one), right(after, other)) else ""
        yield name, "all items", rate_words(one["right"]), rate_words(other["right"]) + star
        for rate in one["rates"]:
            yield name, rate, rate_words(one["rates"][rate]), rate_words(other["rates"][rate])


def by_kind(before: Evaluation, after: Evaluation) -> Iterator[Row]:
    for one, other in pairs(before, after):
        for kind, was in one["kinds"].items():
            now = other["kinds"][kind]
            if was["hits"] or now["hits"]:
                yield kind, held(one), f"{was['hits']} of {was['of']}", f"{now['hits']} of {now['of']}"


def pairs(before: Evaluation, after: Evaluation) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    others = {one["name"]: one for one in after.report["settings"]}
    for one in sorted(before.report["settings"], key=lambda one: one["setting"]["constrain"]):
        yield one, others[one["name"]]


def held(one: Mapping[str, Any]) -> str:
    return "constrained" if one["setting"]["constrain"] else "free"


def right(of: Evaluation, setting: Mapping[str, Any]) -> dict[str, bool]:
    return {one.item: one.right for one in of.records if one.setting.constrain == setting["setting"]["constrain"]}


def table(head: Sequence[str], rows: Iterator[Row]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
