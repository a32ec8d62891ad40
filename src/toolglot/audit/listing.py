"""How the tools are told: in which notation, whether that can be read, and what of a schema it loses.

The one rule: a thing is lost if the prompt is the same without it, whatever the notation is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from . import probes as p
from .probes import Data
from .text import holds, literal_around, named, shown, value_around
from .trial import Trial

Notation = Literal["JSON Schema", "other JSON", "broken JSON", "TypeScript", "Python signatures", "Python literals", "XML",
                   "a notation of its own", "none"]
#: notations that are read as JSON
JSON = ("JSON Schema", "other JSON")


@dataclass(frozen=True)
class Listing:
    """How the tools are told. `members` are those of a tool's object; `broken` says on which words JSON breaks."""

    notation: Notation
    shown: str = ""
    indented: bool = False
    members: tuple[str, ...] = ()
    escaped: bool = False                        # letters beyond ASCII as \\u0041
    broken: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()                # what of a schema it fails on
    second: bool = True                          # a second tool is told too


def listing_of(trial: Trial) -> Listing:
    said = trial.say("one tool", p.TALK[:1], [p.ONE])
    if p.NAMES[0] not in said.text:
        return Listing("none")
    notation, stretch, members = _notation(said.text, p.ONE)
    note = trial.say("the note's tool", p.TALK[:1], [p.NOTE_TOOL])
    if notation in JSON and note and _notation(note.text, p.NOTE_TOOL)[0] == "broken JSON":
        notation, stretch = "broken JSON", _notation(note.text, p.NOTE_TOOL)[1]
    both = trial.say("two tools", p.TALK[:1])
    lost, refused = _features(trial)
    broken, more = _hard(trial, notation)
    unicode = trial.say("unicode in a description", p.TALK[:1], [_described(p.HARD["unicode"])])
    return Listing(notation, shown(stretch, 1200), "\n" in stretch and notation in JSON, members,
                   bool(unicode) and "東京" not in unicode.text and "\\u6771" in unicode.text, broken, lost,
                   (*refused, *more), not both or p.NAMES[1] in both.text)


def _notation(text: str, tool: Data) -> tuple[Notation, str, tuple[str, ...]]:
    """The notation of a tool in a prompt, the stretch that shows it, and the members of its object."""
    function = tool["function"]
    name: str = function["name"]
    at = text.find(name)
    if re.search(rf"\btype {name}\s*=", text):
        return "TypeScript", _lines(text, at, 12), ()
    if re.search(rf"\bdef {name}\(", text):
        return "Python signatures", _lines(text, at, 12), ()
    if found := value_around(text, name):
        value, start, end = found
        own = named(value, name) or {}
        full = holds(value, function["parameters"]) and holds(value, function["description"])
        return ("JSON Schema" if full else "other JSON"), text[start:end], tuple(own)
    if re.search(rf"[\"']name[\"']\s*:\s*\"?{name}\"", text):
        return "broken JSON", _lines(text, at, 6), ()
    if found := literal_around(text, name):
        return "Python literals", text[found[1]:found[2]], tuple(named(found[0], name) or {})
    if re.search(rf"\b{name}\(\w+: ?\w+", text):
        return "Python signatures", _lines(text, at, 12), ()
    if end := _schema_alone(text, function["parameters"]):
        return "JSON Schema", text[max(0, at - 20):end], ("parameters",)
    if re.search(rf"<[\w:.-]+>\s*{name}\s*</|<[\w:.-]+ [^<>]*\"{name}\"[^<>]*>", text):
        return "XML", _lines(text, at, 16), ()
    return "a notation of its own", _lines(text, at, 6), ()


def _schema_alone(text: str, schema: Any) -> int:
    """Where the schema of the arguments ends, if it stands in the text by itself; 0 where it does not."""
    key = next(iter(schema["properties"]))
    found = value_around(text, f'"{key}"')
    return found[2] if found and holds(found[0], schema) else 0


def _lines(text: str, at: int, count: int) -> str:
    start, end = max(text.rfind("\n", 0, at) + 1, at - 60), at
    for _ in range(count):
        nextline = text.find("\n", end + 1)
        if nextline < 0:
            return text[start:]
        end = nextline
    return text[start:end]


def _described(words: str) -> Data:
    return p.tool(key={"type": "string", "description": words})


def _features(trial: Trial) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What of a schema is lost, and what it fails on."""
    lost, refused = [], []
    for name, (one, other) in p.FEATURES.items():
        first, second = (trial.say(f"a tool with {name}", p.TALK[:1], [t]) for t in (one, other))
        if not first:
            refused.append(name)
        elif second and first.text == second.text:
            lost.append(name)
    return tuple(lost), tuple(refused)


def _hard(trial: Trial, notation: Notation) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """On which words a description is no JSON any more, where it is told in JSON, and which it fails on."""
    broken, refused = [], []
    for name, words in p.HARD.items():
        tool = _described(words)
        said = trial.say(f"{name} in a description", p.TALK[:1], [tool])
        if not said:
            refused.append(f"{name} in a description")
        elif notation in (*JSON, "broken JSON"):
            found = value_around(said.text, p.NAMES[0])
            if not (found and holds(found[0], words)) and not _schema_alone(said.text, tool["function"]["parameters"]):
                broken.append(name)
    return tuple(broken), tuple(refused)
