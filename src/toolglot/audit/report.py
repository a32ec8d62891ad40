"""The report card: what was found of a template, and its rating, as frozen data.

The one rule: a card is made once, holds nothing but text and numbers, and every form of it says the same.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

from . import words
from .findings import Findings, findings_of
from .rubric import Deduction, deductions, stars
from .source import Source
from .text import shown

LONGEST_EXAMPLE = 20000                          # characters of a prompt on a card


@dataclass(frozen=True)
class Audit:
    """The report card of one template. `stars` are 0 where it could not be tried: `error` says why.

    `facts` are (name, value); `merits` and `faults` what is for it and against it besides the deductions; `losses` what it
    drops or bends in silence; `forgeries` what the words of a message pass for; `difference` where its prompt is first not
    its dialect's. The tier is what the model was trained for, the stars how well its prompt serves that: they are different
    things, and a model of the highest tier may have a template of two stars. `found` is what all this was made of.
    """

    title: str
    source: str
    template: str                                # its name, where the source has several
    sha256: str
    stars: int
    tier: str
    dialect: str
    deductions: tuple[Deduction, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    merits: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    forgeries: tuple[str, ...] = ()
    difference: str = ""
    others: tuple[str, ...] = ()                 # other templates of the same source
    example: str = field(default="", repr=False)
    error: str = ""
    found: Findings = field(default_factory=Findings, repr=False, compare=False)

    def as_dict(self) -> dict[str, Any]:
        """The card as plain data, its keys in a stable order."""
        data = {**{k: v for k, v in asdict(self).items() if k != "found"}, "facts": [list(one) for one in self.facts]}
        data["for"], data["against"] = list(self.merits), list(self.faults)
        del data["merits"], data["faults"]
        return data

    def json(self) -> str:
        return json.dumps(self.as_dict(), ensure_ascii=False, indent=2) + "\n"

    def card(self) -> dict[str, Any]:
        """The few members that a page with a card a model needs: title, stars, facts, for, against."""
        cost = [f"{'★' * one.points} {one.name}: {one.evidence}" for one in self.deductions]
        return {"title": self.title, "stars": self.stars, "facts": [list(one) for one in self.facts],
                "for": list(self.merits), "against": [*cost, *self.faults]}

    def markdown(self) -> str:
        from .pages import markdown

        return markdown(self)

    def html(self) -> str:
        """A page of its own: no script, nothing from elsewhere, light and dark."""
        from .pages import html

        return html([self])


def report(source: Source) -> Audit:
    """The report card of a source."""
    found = findings_of(source)
    c = found.comparison
    difference = "" if c is None or c.first is None else (
        f"{c.first.probe}, character {c.first.at}: {words.quoted(c.first.template)} where {found.dialect} has "
        f"{words.quoted(c.first.dialect)}")
    digest = hashlib.sha256(source.text.encode(errors="surrogatepass")).hexdigest() if source.text else ""
    return Audit(
        source.title, source.where, source.name, digest, stars(found), found.tier, found.dialect, deductions(found),
        words.facts(found), words.merits(found), words.faults(found), words.losses(found), words.forgeries(found),
        difference, source.others, shown(found.example, LONGEST_EXAMPLE), found.error, found)
