"""The rating: what costs a template how many stars, as data.

The one rule: a deduction is named, says why it is one, and is true of what was found; no template is known by its name.

The rubric agrees with the stars that a person gave eight models by hand, and with the reasons: no tools and no calls
(Gemma 3, Grok 2); no tools, though calls are written (DeepSeek R1, V3.1); a list of tools that is nearly JSON (Hermes 3); a
line about an environment and calls without a marker (Llama 4), and a date besides (Llama 3.1). Qwen3 has nothing of these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import probes as p
from .findings import Findings
from .listing import JSON
from .text import shown

STARS = 5
#: what nothing takes from a template that tells of tools or writes calls: one star is for those that know of neither
LEAST = 2


@dataclass(frozen=True)
class Rule:
    """What costs stars: `rule` says when, in words; `when` says whether it does, `because` what shows that."""

    name: str
    points: int
    rule: str
    why: str
    when: Callable[[Findings], bool]
    because: Callable[[Findings], str]


@dataclass(frozen=True)
class Deduction:
    """A rule that holds of a template, and what shows it."""

    points: int
    name: str
    why: str
    evidence: str


def _refused(f: Findings, probe: str, otherwise: str) -> str:
    words = dict(f.refusals).get(probe)
    return otherwise if words is None else f"it refuses {probe}: {words.removeprefix('chat template: ')}"


def _lost(f: Findings) -> str:
    return ", ".join(one for one in f.listing.lost if one in p.VITAL)


def _garbled(f: Findings) -> bool:
    return f.called and (f.calling.style == "broken JSON" or not f.calling.read)


RULES = (
    Rule("no tools", 3, "the tools that are given stand nowhere in the prompt",
         "A model that is not told of its tools calls none, or invents them.",
         lambda f: not f.told, lambda f: _refused(f, "tools", "the prompt holds no tool's name")),
    Rule("no calls", 2, "a call of the past stands nowhere in the prompt",
         "The model does not see what it called: it calls again, or takes the result for somebody's words.",
         lambda f: not f.called, lambda f: _refused(f, "a call", "the prompt holds none of the call's arguments")),
    Rule("no results", 1, "a result stands nowhere in the prompt", "What the function gave is lost.",
         lambda f: not f.results.told and not f.results.scattered,
         lambda f: _refused(f, "a result", "the prompt holds none of it")),
    Rule("results in characters", 1, "a result that is a text stands there character by character",
         "It is read as a list of parts, which no function gives.",
         lambda f: f.results.scattered, lambda f: "a text is told one character after the other"),
    Rule("broken tools", 2, "the tools are told in what looks like JSON and cannot be read as JSON",
         "A list that breaks at a quote is neither a schema nor anything else that a model has read before.",
         lambda f: f.listing.notation == "broken JSON" or bool(f.listing.broken),
         lambda f: f"with {', '.join(f.listing.broken)} in a description" if f.listing.notation != "broken JSON"
         else shown(f.listing.shown)),
    Rule("tools not as JSON", 1, "the tools are told as TypeScript, Python, XML or in a notation of its own",
         "What a schema says must be translated, and what was translated cannot be checked.",
         lambda f: f.told and f.listing.notation not in (*JSON, "broken JSON"), lambda f: shown(f.listing.shown)),
    Rule("schema lost", 1, f"of a schema it does not tell {', '.join(p.VITAL[:-1])} or {p.VITAL[-1]}",
         "The model is told of another function than the one that will run.",
         lambda f: f.told and bool(_lost(f)), lambda f: f"the prompt is the same without: {_lost(f)}"),
    Rule("tools by another name", 1, "tools are told only where they are given as another variable than `tools`",
         "Whoever calls the template as all others are called gets a model without tools.",
         lambda f: bool(f.elsewhere), lambda f: f"it reads {f.elsewhere}"),
    Rule("tools that move", 1, "the tools are told with the last question, wherever the conversation ends",
         "No prompt begins as the one before it did: nothing of it can be kept, and the past is not what the model saw.",
         lambda f: f.place in ("last user turn", "before the last user turn"), lambda f: shown(f.around)),
    Rule("environment", 1, "it writes a line about an environment", "Nobody gave it, and it may not be true.",
         lambda f: bool(f.additions.environment), lambda f: f.additions.environment),
    Rule("date", 1, "it writes a date, though a system message is given",
         "Nobody gave it: a fixed one is wrong, and today's spoils a prompt that is kept.",
         lambda f: bool(f.additions.date),
         lambda f: f"{f.additions.date} ({'of the clock' if f.additions.clock else 'fixed'})"),
    Rule("calls without a marker", 1, "nothing stands around a call", "Only by its shape can a call be told from words.",
         lambda f: f.calling.bare, lambda f: shown(f.calling.shown)),
    Rule("broken calls", 2, "a past call looks like JSON and cannot be read as JSON, or cannot be read as anything",
         "The model is shown calls that it must not write like that.", _garbled, lambda f: shown(f.calling.shown)),
    Rule("bent arguments", 1, "some kinds of arguments of a past call cannot be read back as they were",
         "The model is shown other arguments than it gave.",
         lambda f: f.called and not _garbled(f) and bool(f.calling.garbled), lambda f: ", ".join(f.calling.garbled)),
    Rule("calls lost", 1, "of two calls in one turn it writes one, and says nothing",
         "What is missing has a result all the same.",
         lambda f: f.calling.several == "lost", lambda f: "the prompt holds one of two calls"),
    Rule("past forgotten", 1, "calls or results before the last question stand nowhere in the prompt",
         "What was called is called again, and an answer stands there without what it was made of.",
         lambda f: f.results.forgotten, lambda f: "with another question behind them they are gone"),
    Rule("arguments as text alone", 1, "it fails on arguments that are an object", "transformers gives objects.",
         lambda f: f.called and f.calling.as_object != "the same",
         lambda f: _refused(f, "arguments as an object", f.calling.as_object)),
)


def deductions(found: Findings) -> tuple[Deduction, ...]:
    """What holds of a template; nothing of one that could not be tried."""
    if found.error:
        return ()
    return tuple(Deduction(r.points, r.name, r.why, r.because(found)) for r in RULES if r.when(found))


def stars(found: Findings) -> int:
    """One to five; none for what could not be tried."""
    if found.error:
        return 0
    least = LEAST if found.told or found.called else 1
    return max(least, STARS - sum(one.points for one in deductions(found)))
