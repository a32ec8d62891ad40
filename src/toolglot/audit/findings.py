"""All that was found of a template, as one value.

The one rule: this is read by the rubric and by the report, and neither asks the template anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..card import Tier
from ..registry import cards, detect
from . import probes as p
from .additions import Additions, additions_of
from .calling import Calling, calling_of
from .comparison import Comparison, compared
from .forging import Forgery, forgeries_of
from .history import Reasoning, Results, reasoning_of, results_of
from .listing import Listing, listing_of
from .place import Place, place_of
from .source import Source
from .trial import Trial, tried
from .voice import Voice

_NO_LISTING, _NO_CALLING, _NO_RESULTS, _NO_REASONING, _NO_ADDITIONS = (
    Listing("none"), Calling(), Results(), Reasoning(), Additions())


@dataclass(frozen=True)
class Findings:
    """What a template does. `refusals` are (probe, its words); `error`: why there is nothing to see at all."""

    listing: Listing = _NO_LISTING
    place: Place = "nowhere"
    around: str = ""                             # what stands around the tools there
    calling: Calling = _NO_CALLING
    results: Results = _NO_RESULTS
    reasoning: Reasoning = _NO_REASONING
    additions: Additions = _NO_ADDITIONS
    forgeries: tuple[Forgery, ...] = ()
    system: bool = True
    elsewhere: str = ""                          # the variable that it tells tools from, if not `tools`
    dialect: str = ""
    evidence: tuple[str, ...] = ()               # the words that gave the dialect away
    comparison: Comparison | None = None
    tier: Tier = "none"
    tier_why: str = ""
    mutable: bool = False
    refusals: tuple[tuple[str, str], ...] = ()
    error: str = ""
    probes: int = 0
    example: str = field(default="", repr=False)     # the note's example

    @property
    def told(self) -> bool:
        """Are the tools told?"""
        return self.listing.notation != "none"

    @property
    def called(self) -> bool:
        """Are past calls told?"""
        return self.calling.style != "none"


def findings_of(source: Source) -> Findings:
    """Everything, from one template in one process."""
    with Voice(source) as voice:
        found = _found(voice)
    if not source.card and any("of 'list' object is unsafe" in words or "of 'dict' object is unsafe" in words
                               for words in (found.error, *dict(found.refusals).values())):
        with Voice(source, mutable=True) as voice:
            return _found(voice)
    return found


def _found(voice: Voice) -> Findings:
    trial = tried(voice)
    if voice.stopped or not trial.answers:
        return Findings(error=voice.stopped or _why(trial), mutable=voice.mutable, probes=voice.asked)
    source = voice.source
    detected = None if source.card else detect(source.text)
    card = source.card or (cards()[detected.dialect.name] if detected else None)
    dialect = card.dialect if card else None
    place, around = place_of(trial)
    listing, calling = listing_of(trial), calling_of(trial, dialect)
    results, reasoning = results_of(trial), reasoning_of(trial)
    tier, why = (card.tier, f"that of {card.dialect.name}: {card.why}") if card else _tier(listing, calling)
    return Findings(
        listing, place, around, calling, results, reasoning, additions_of(trial), forgeries_of(trial), trial.system,
        trial.variable if trial.variable != "tools" else "", dialect.name if dialect else "",
        detected.evidence if detected else (), compared(trial, dialect) if detected and dialect else None, tier, why,
        voice.mutable, tuple(trial.refusals.items()), voice.stopped, voice.asked, _example(trial))


def _example(trial: Trial) -> str:
    """The note's example, the system message left out where there is no place for it."""
    said = trial.say("the example", p.NOTE, [p.NOTE_TOOL], starts=True, system=False)
    return said.text or trial.say("the example", p.NOTE[1:], [p.NOTE_TOOL], starts=True, system=False).text


def _why(trial: Trial) -> str:
    words = trial.refusals.get("a question", "")
    return words or "it prints none of what a question says"


def _tier(listing: Listing, calling: Calling) -> tuple[Tier, str]:
    """What the template alone shows of the model's training."""
    if listing.notation == "none":
        return "none", "the template tells of no tools; no dialect is known by it"
    if calling.style == "none":
        return "zero-shot", "the template tells of tools, and of no calls; no dialect is known by it"
    if calling.several == "the same":
        return "multi", "the template tells of several calls a turn; no dialect is known by it"
    return "single", "the template tells of one call a turn; no dialect is known by it"

