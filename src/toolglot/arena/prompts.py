"""Several models' prompts of one conversation, side by side: a column each, with its pieces, counts and report card.

The one rule: a column that cannot be shown says why, and the others are shown all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from ..audit.report import report as audit
from ..audit.source import Source
from ..describe import report
from ..engines import PromptPiece
from ..message import Tool, ToolglotError, Turn
from ..model import Model, model
from ..prompt import Prompt
from ..registry import cards, detect, look_up
from .typed import typed

Prompts = Literal["faithful", "repaired"]
ENGINE = "@engine"                      # the column of the model that this server runs
KINDS = {
    "markup": "the format's own words and tokens around everything else",
    "tools": "the list of functions, as the model is told of them",
    "content": "words: the system's, the user's, the model's",
    "reasoning": "what the model thinks before it answers",
    "call": "a call: the function's name and its arguments",
    "result": "what a function gave back",
}


class Chosen(NamedTuple):
    """What a column shows: the model, its report card, and how it came to be this one."""

    model: Model
    card: Mapping[str, Any]
    by: str = ""                        # where it was not by name
    note: str = ""                      # what is not verified of it


class Column(NamedTuple):
    """A column, and the prompt that is in it, whose tokens the caller may know how to count."""

    data: dict[str, Any]
    chosen: Chosen | None = None
    prompt: Prompt | None = None

    @property
    def pieces(self) -> list[PromptPiece]:
        return [PromptPiece(p.text, p.special) for p in self.prompt.pieces] if self.prompt else []


def prompts(asked: Mapping[str, Any], engine: Model | None = None,
            templates: bool = True) -> tuple[dict[str, Any], list[Column]]:
    """The answer to what the page asks, and the columns in it. `engine` is the model that the server runs; `templates`:
    chat templates may be run."""
    read = typed(asked["messages"], asked["tools"])
    if read.wrong:
        return {"wrong": [one._asdict() for one in read.wrong], "columns": []}, []
    columns = [_column(one, asked, read.turns, read.tools, engine, templates) for one in asked["columns"]]
    return {"wrong": [], "columns": [one.data for one in columns]}, columns


def _column(which: Mapping[str, Any], asked: Mapping[str, Any], turns: Sequence[Turn], tools: tuple[Tool, ...],
            engine: Model | None, templates: bool) -> Column:
    try:
        one = chosen(which, asked.get("prompts") or "faithful", engine, templates)
        made = one.model.prompt(turns, tools, thinking=asked.get("thinking"), today=asked.get("today"))
    except ToolglotError as error:
        return Column({"error": str(error)})
    pieces = joined(made)
    sizes: Counter[str] = Counter()
    for text, _, kind, *_ in pieces:
        sizes[kind] += len(text)
    return Column({"name": one.model.dialect.name, "by": one.by, "note": one.note, "pieces": pieces, "sizes": sizes,
                   "characters": sum(sizes.values()), "card": one.card}, one, made)


def joined(prompt: Prompt) -> list[list[Any]]:
    """The pieces as lists: text, role, kind, trained, special. Neighbours that differ in nothing but their text are one."""
    out: list[list[Any]] = []
    for piece in prompt.pieces:
        if out and out[-1][1:] == [*piece[1:]]:
            out[-1][0] += piece.text
        elif piece.text:
            out.append([*piece])
    return out


# -- which model -----------------------------------------------------------------------------------------------


def chosen(which: Mapping[str, Any], form: Prompts = "faithful", engine: Model | None = None,
           templates: bool = True) -> Chosen:
    """The model of a column: one by name, the engine's own, or one by its chat template. Raises ToolglotError."""
    if "template" in which:
        if not templates:
            raise ToolglotError("a chat template is a program, and this server runs none for strangers: it must listen on "
                                "this machine alone, or ask for keys")
        return of_template(which["template"], form)
    name = which["model"]
    if name != ENGINE:
        return _named(name, form)
    if engine is None:
        raise ToolglotError("there is no engine behind this page; choose a model by name")
    card = cards()[engine.dialect.name]
    return Chosen(engine, report(card).card(), "behind this page")


@lru_cache(maxsize=512)
def _named(name: str, form: Prompts) -> Chosen:
    found = look_up(name)
    card = report(found.card).card()
    if found.by != card["title"]:
        card["facts"] = (("found", f"by `{found.by}` in the name"), *card["facts"])
    return Chosen(model(card["title"], prompts=form), card, note=found.unverified)


@lru_cache(maxsize=64)
def of_template(template: str, form: Prompts) -> Chosen:
    """The model of a chat template, rated. It runs apart first, where one that never ends is ended."""
    rated = audit(Source("a chat template", "the text that was given", template))
    if rated.error:
        raise ToolglotError(rated.error)
    made = model(template=template, prompts=form)
    found = detect(template)
    by = f"the template holds {' and '.join(map(repr, found.evidence))}" if found else \
        "the template speaks no format that is known, so the tools are told in words, in its own frame"
    return Chosen(made, rated.card(), by)


__all__ = ["ENGINE", "KINDS", "Chosen", "Column", "chosen", "joined", "of_template", "prompts"]
