"""The rubric of `toolglot audit` as a table, and every published chat template rated by it: `docs/templates.md`.

The templates are not in this repository: where they do not lie beside it, the page stays as it is.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from toolglot.audit import audit
from toolglot.audit.pages import rows, starred, table_words
from toolglot.audit.report import Audit
from toolglot.audit.rubric import RULES
from toolglot.audit.words import NOTATIONS, PLACES

TEMPLATES = Path(__file__).resolve().parents[2] / "shared" / "templates"


def rubric() -> str:
    """A row a rule."""
    found = [(f"−{one.points}", f"**{one.name}**", table_words(one.rule[0].upper() + one.rule[1:]), table_words(one.why))
             for one in RULES]
    return rows(("stars", "deduction", "when", "why"), found)


def templates_page() -> str:
    """A row a template."""
    cards = [audit(path) for path in sorted(TEMPLATES.glob("*.jin*"))]
    counts = Counter(card.stars for card in cards)
    told = ", ".join(f"{counts[n]} with {starred(n)}" if n else f"{counts[n]} that cannot be run alone"
                     for n in sorted(counts, reverse=True))
    return "\n\n".join([
        "# Published chat templates, rated", f"{len(cards)} templates as other projects publish them, by "
        f"[`toolglot audit`](audit.md): {told}. The first word says whose copy it is, and a copy may be edited: the "
        "model's makers are not to be blamed for it. Made by `python docs/update.py` where the templates are at hand.",
        rows(("template", "stars", "tools", "place", "calls", "deductions"), [_row(card) for card in cards])]) + "\n"


def _row(card: Audit) -> tuple[str, ...]:
    found, known = card.found, dict(card.facts)
    whose, _, name = card.title.partition("__")
    cost = "; ".join(f"{one.name} −{one.points}" for one in card.deductions)
    notation = NOTATIONS[found.listing.notation].removeprefix("as ").removeprefix("in ") if found.told else "not told"
    return (table_words(f"{whose}: {name}"), starred(card.stars), notation, PLACES[found.place] if found.told else "",
            table_words(known.get("calls", "")), cost or table_words(card.error))
