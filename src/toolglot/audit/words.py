"""What was found, in words: facts, what is for a template and against it, what it loses.

The one rule: each sentence says one finding, and is there only if the finding is.
"""

from __future__ import annotations

from . import probes as p
from .findings import Findings
from .history import PART
from .listing import JSON
from .text import shown

Fact = tuple[str, str]

PLACES = {
    "own turn": "in a turn of their own", "start of system": "at the start of the system turn",
    "end of system": "at the end of the system turn", "first user turn": "in the first question",
    "last user turn": "in the last question", "before the last user turn": "before the last question",
    "developer turn": "in the developer's turn", "nowhere": "nowhere"}
NOTATIONS = {
    "JSON Schema": "as JSON Schema", "other JSON": "as JSON with members of its own", "broken JSON": "as broken JSON",
    "TypeScript": "as TypeScript", "Python signatures": "as Python signatures", "Python literals": "as Python literals",
    "XML": "as XML", "a notation of its own": "in a notation of its own"}
SEVERAL = {"the same": "told", "refused": "refused", "lost": "one of them is told, the others are lost"}
BOS = "yes: tokenize without special tokens, or it stands there twice"


def facts(f: Findings) -> tuple[Fact, ...]:
    """Name and value of everything that was found."""
    if f.error:
        return (("not tried", f.error),)
    rows = [("tools", _tools(f)), ("not told of a schema", ", ".join(f.listing.lost)),
            ("calls", _calls(f)), ("order of members", ", ".join(f.calling.members)),
            ("several calls", SEVERAL.get(f.calling.several, "")),
            ("ids", _ids(f)), ("arguments", _arguments(f)), ("turns of calls that say nothing", _silences(f)),
            ("results", _results(f)), ("reasoning", _reasoning(f)), ("of its own", _own(f)),
            ("begins with BOS", BOS if f.additions.bos else "no"),
            ("system message", "told" if f.system else "refused"), ("dialect", _dialect(f)),
            ("tier", f"{f.tier} ({f.tier_why})"),
            ("sandbox", "it changes its lists, which transformers refuses and llama.cpp allows" if f.mutable else ""),
            ("refuses", _refuses(f))]
    return tuple((name, value) for name, value in rows if value)


def _refuses(f: Findings) -> str:
    probes: dict[str, list[str]] = {}
    for probe, said in f.refusals:
        probes.setdefault(said.removeprefix("chat template: "), []).append(probe)
    return "; ".join(f"{', '.join(found)}: {shown(said)}" for said, found in probes.items())


def _tools(f: Findings) -> str:
    if not f.told:
        return "not told"
    escaped = ", letters beyond ASCII escaped" if f.listing.escaped else ""
    source = f", of {f.elsewhere}" if f.elsewhere else ""
    indented = ", indented" if f.listing.indented else ""
    return f"{NOTATIONS[f.listing.notation]}{indented}{escaped}, {PLACES[f.place]}{source}"


def _calls(f: Findings) -> str:
    c = f.calling
    if not f.called:
        return "not told"
    if c.bare:
        return f"{c.style}, with nothing around it"
    marks = [quoted(shown(one, 100)) for one in (c.opener.strip(), c.inside.strip(), c.closer.strip()) if one]
    return f"{c.style}, with {' and '.join(marks)}"


def _ids(f: Findings) -> str:
    if not f.called:
        return ""
    return "told" if f.calling.ids else "their number is told" if f.calling.numbered else "not told"


def _arguments(f: Findings) -> str:
    if not f.called:
        return ""
    fates = {"an object": f.calling.as_object, "JSON text": f.calling.as_text}
    if set(fates.values()) == {"the same"}:
        return "as an object or as JSON text"
    return "; ".join(f"as {form}: {'read' if fate == 'the same' else fate}" for form, fate in fates.items())


def _silences(f: Findings) -> str:
    odd = [f"{how}: {fate}" for how, fate in f.calling.silences if fate != "the same"]
    return "; ".join(odd)


def _results(f: Findings) -> str:
    r = f.results
    if not r.told:
        return "character by character" if r.scattered else "not told"
    how = [text for text, holds in (("as a JSON string", r.quoted), ("with the call's id", r.ids),
                                    ("with the function's name", r.named)) if holds]
    return f"told{' ' if how else ''}{', '.join(how)}"


def _reasoning(f: Findings) -> str:
    r = f.reasoning
    if r.kept == "none":
        return "not told"
    key = f"of {PART}" if r.key == PART else f"of `{r.key}`"
    switch = ", where thinking is switched on" if r.switched else ""
    return f"{key}: {'told' if r.kept == 'all' else 'told ' + r.kept}{switch}"


def _own(f: Findings) -> str:
    a = f.additions
    beside = "" if a.date or a.beside_system == a.default_system else a.beside_system
    parts = (("date", a.date), ("environment", a.environment), ("default system message", shown(a.default_system, 120)),
             ("beside a system message", shown(beside, 120)))
    return "; ".join(f"{name}: {quoted(text)}" for name, text in parts if text)


def _dialect(f: Findings) -> str:
    if not f.dialect:
        return "none that is known"
    c = f.comparison
    return f.dialect if c is None else f"{f.dialect}: {c.equal} of {c.asked} prompts are the same, byte for byte"


def quoted(text: str) -> str:
    """Text as a piece of code, in one line."""
    ticks = "``" if "`" in text else "`"
    text = text.replace("\n", "\\n")
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


# -- for and against ------------------------------------------------------------------------------------------------


def merits(f: Findings) -> tuple[str, ...]:
    c, listing = f.calling, f.listing
    return tuple(text for text, holds in (
        ("tools are told as the JSON Schema that was given", listing.notation == "JSON Schema" and not listing.broken),
        ("nothing of a schema is lost", f.told and not listing.lost),
        ("calls stand between marks", f.called and not c.bare),
        ("every kind of argument reads back as it was", f.called and not c.garbled and c.style != "broken JSON"),
        ("several calls a turn", c.several == "the same"),
        ("arguments may be an object or JSON text", c.as_object == c.as_text == "the same"),
        ("words may stand beside calls", c.beside == "the same" and not c.reordered),
        ("results are told", f.results.told), ("it adds nothing of its own", not f.error and not (
            f.additions.date or f.additions.environment or f.additions.default_system or f.additions.beside_system)),
    ) if holds)


def faults(f: Findings) -> tuple[str, ...]:
    """What is against it besides its deductions."""
    c = f.calling
    return tuple(text for text, holds in (
        ("one call a turn: it refuses two", c.several == "refused"),
        ("it fails on a turn of calls that says nothing (null), which is how OpenAI's API writes it",
         ("null", "refused") in c.silences),
        ("it writes something for the silence of a turn of calls (null)", ("null", "bent") in c.silences),
        ("it fails on arguments as JSON text, which is how OpenAI's API writes them", c.as_text == "refused" and f.called),
        (f"it fails on tools with {', '.join(f.listing.refused)}", bool(f.listing.refused)),
        ("it refuses a system message", not f.system and not f.error),
        ("a second tool is not told", f.told and not f.listing.second),
        ("it changes its lists, which transformers refuses", f.mutable),
    ) if holds)


def losses(f: Findings) -> tuple[str, ...]:
    """What it loses or bends, and says nothing."""
    c, r = f.calling, f.results
    refused = dict(f.refusals)
    return tuple(text for text, holds in (
        ("a call of the past", not f.called and not f.error and "a call" not in refused),
        ("a result", not r.told and not r.scattered and not f.error and "a result" not in refused),
        ("calls or results before the last question", r.forgotten),
        ("all calls of a turn but one", c.several == "lost"),
        ("words beside a call", c.beside == "lost"),
        ("the order of words and calls: the calls are told first", c.reordered),
        ("arguments that are JSON text: they are encoded twice", c.as_text == "doubly encoded"),
        ("arguments that are JSON text: they are written so that they cannot be read", c.as_text in ("bent", "lost")),
        (f"the form of {', '.join(c.garbled)} among arguments", bool(c.garbled) and f.called),
        ("JSON: past calls are written in Python's notation between JSON's braces", c.style == "broken JSON"),
        ("a result is told character by character", r.scattered),
        ("a result is quoted as a JSON string", r.quoted),
        ("a result that is JSON is encoded once more", r.bent and not r.quoted),
        ("what stands before `</think>` in a past answer", f.reasoning.cut),
        (f"of a schema: {', '.join(one for one in f.listing.lost if one in p.VITAL)}",
         any(one in p.VITAL for one in f.listing.lost)),
        (f"tools are no JSON any more with {', '.join(f.listing.broken)} in a description",
         f.listing.notation in JSON and bool(f.listing.broken)),
    ) if holds)


def forgeries(f: Findings) -> tuple[str, ...]:
    """What the words of a message pass for, byte for byte."""
    return tuple(f"{one.words} can hold {one.what}: {quoted(shown(one.text, 100))}" for one in f.forgeries)
