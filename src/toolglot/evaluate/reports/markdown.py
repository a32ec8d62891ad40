"""A report as Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from ..report import headline, what_was_asked
from . import rows
from .rows import Report


def markdown(report: Report) -> str:
    """The whole report, for a README or an issue."""
    run = report["run"]
    parts = [f"# What {cell(run['model']['name'])} can do with tools", f"**{cell(headline(report))}**",
             "\n".join(f"- {name}: {cell(words)}" for name, words in what_was_asked(report))]
    if report["verdict"]:
        said = report["verdict"]
        parts += ["## Recommended", table(("what", "choose", "why"), [(one["what"], one["choose"], one["why"])
                                                                       for one in said["advice"]])]
        if said["alike"]:
            parts.append(f"On these items it cannot be told apart from: {'; '.join(map(cell, said['alike'][:8]))}"
                         f"{' and others' if len(said['alike']) > 8 else ''}.")
        parts += ["## Measured", "Each rate with its 95 % interval.", table(*rows.compared(report)),
                  "## All settings", table(*rows.ranking(report)),
                  "## By kind", table(*rows.by_kind(report)), "## What went wrong", table(*rows.causes(report)),
                  *_examples(report)]
    parts += ["## How the tiers are defined", table(*rows.tiers(report)),
              "A rate reaches a number where the lower end of its 95 % interval does."]
    return "\n\n".join(parts) + "\n"


def _examples(report: Report) -> Iterable[str]:
    for cause, found in report["examples"].items():
        yield f"### {cause}"
        for one in found:
            shown = one["text"] or json.dumps(one["calls"], ensure_ascii=False)
            yield (f"**{cell(one['item'])}** ({cell(one['kind'])}; {cell(one['setting'])}; step {one['step'] + 1}): "
                   f"{cell(one['detail'])}\n\n{fence(shown)}")


def table(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(cell(one) for one in line) + " |" for line in lines)


def cell(text: object) -> str:
    """On one line, and no markup of its own."""
    plain = " ".join(str(text).split())
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", plain)


def fence(text: str) -> str:
    ticks = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`{3,}", text)), default=0))
    return f"{ticks}text\n{text}\n{ticks}"
