"""What `toolglot.learn` makes of every published chat template: learned from its renderings alone, as if it were unknown.

A template that renders calls is one that prints the name and the arguments of a call that it is given. Read back: calls
of generated replies that the learned dialect reads as they were given, whole and cut in pieces, out of the template's own
text of them. Refused templates stand below with the reason.
"""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import common

from toolglot import learn
from toolglot.learn.probe import Probe
from toolglot.message import ToolglotError

TOKENS = {"bos": "<s>", "eos": "</s>"}


def one(path: Path, prompts: bool = True) -> dict[str, Any]:
    """What becomes of one template."""
    source, began = path.read_text(encoding="utf-8"), time.perf_counter()
    row: dict[str, Any] = {"name": path.name, "calls": False, "why": "", "unlearned": "", "learned": None}
    try:
        with Probe(source, **TOKENS) as probe:
            row["calls"] = probe.manner.calls
        row["learned"] = learn(source, prompts=prompts, **TOKENS)
    except ToolglotError as error:
        row["why"] = str(error)
    row["seconds"] = time.perf_counter() - began
    if row["learned"] is not None:
        found = row.pop("learned")
        row |= {"proof": found.proof, "unlearned": found.unlearned, "known": found.known,
                "prompts": found.prompts, "learned": True}
    return row


def main() -> None:
    parser = common.parser(__doc__)
    parser.add_argument("--only", default="", metavar="WORD", help="templates whose name holds it")
    parser.add_argument("--jobs", type=int, default=2, metavar="N")
    parser.add_argument("--replies", action="store_true", help="the reply side alone, which takes a tenth of the time")
    given = parser.parse_args()
    if given.replies and given.write:
        raise SystemExit("--replies leaves half of the table out: not to be written")
    paths = sorted(p for p in (common.SHARED / "templates").glob("*.jinja*") if given.only in p.name)
    if not paths:
        raise SystemExit("no templates here: shared/templates should lie beside the repository")
    with ProcessPoolExecutor(given.jobs) as pool, common.progress(len(paths), "learning") as step:
        rows = []
        for row in pool.map(partial(one, prompts=not given.replies), paths):
            rows.append(row)
            step(row["name"])
    common.publish("learn", f"Learning {len(paths)} published chat templates", report(rows), ["jinja2"], given.write)


def report(rows: list[dict[str, Any]]) -> str:
    """Totals, a line a learned template, and the refused ones with the reason."""
    able = [r for r in rows if r["calls"]]
    learned = [r for r in able if r["learned"]]
    prompts = [r for r in learned if not r["unlearned"]]
    calls = sum(r["proof"].calls for r in learned)
    totals = common.table(["", "templates", "share"], [
        ["in all", len(rows), ""],
        ["render calls", len(able), ""],
        ["reply side learned: every call read back, whole and in pieces", len(learned), share(len(learned), len(able))],
        ["of those, prompt side learned: equal within the limits that it names", len(prompts),
         share(len(prompts), len(able))],
        ["of those, without any limit", sum(unlimited(r) for r in prompts), share(sum(map(unlimited, prompts)), len(able))],
        ["calls read back", f"{calls} of {calls}", ""],
        ["seconds, median", f"{sorted(r['seconds'] for r in able)[len(able) // 2]:.1f}", ""],
    ])
    lines = common.table(["template", "replies", "byte for byte", "prompt side", "known as", "seconds"], [
        [r["name"], r["proof"].replies, r["proof"].exact, prompt_side(r), r["known"] or "–", f"{r['seconds']:.1f}"]
        for r in learned])
    refused = [f"- {r['name']}: {plain(r['why'])}" for r in able if not r["learned"]]
    unasked = [f"- {r['name']}: {plain(r['unlearned'])}" for r in learned if r["unlearned"]]
    return "\n\n".join([totals, "## Learned", lines, "## Refused", "\n".join(refused) or "None.",
                        "## Prompt side not learned", "\n".join(unasked) or "None."])


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else ""


def unlimited(row: dict[str, Any]) -> bool:
    return bool(row["prompts"]) and row["prompts"].limits == type(row["prompts"].limits)()


def prompt_side(row: dict[str, Any]) -> str:
    return "no" if row["unlearned"] else "whole" if unlimited(row) else "within limits"


def plain(text: str) -> str:
    """One line of Markdown, not too long."""
    text = " ".join(text.split())
    return "`" + (text if len(text) <= 300 else text[:297] + "...").replace("`", "'") + "`"


if __name__ == "__main__":
    main()
