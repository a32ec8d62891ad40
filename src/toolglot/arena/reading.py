"""A text read as a model's output: event by event as it would come in pieces, and what each stretch of it turned out to be.

The one rule: the events are those of the real parser, fed in the pieces that were asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..message import Event, Problem, Repair, ToolglotError, fold
from ..model import Model
from ..shown import Spans, event_json, reply_json
from .examples import samples
from .prompts import chosen
from .typed import typed


def reading(asked: Mapping[str, Any], engine: Model | None = None, templates: bool = True) -> dict[str, Any]:
    """`steps` are [how much of the text is fed, the events that this made certain], the last for the end of the text;
    `stretches` are [text, kind, how much must be fed until it is known, or 0: as it comes]; `marks` are the problems and
    repairs, in place; `samples` what else such a model may write.
    """
    read = typed("[]", asked["tools"])
    if read.wrong:
        return {"wrong": [one._asdict() for one in read.wrong]}
    try:
        model = chosen(asked["column"], "faithful", engine, templates).model
    except ToolglotError as error:
        return {"wrong": [{"field": "column", "message": str(error)}]}
    text, size = asked["text"], asked.get("size") or max(1, len(asked["text"]))
    how: dict[str, Any] = {"strict": asked.get("strict", False), "rescue": asked.get("rescue", False)}
    tools = read.tools or None
    if how["rescue"] and tools is None:
        how["rescue"] = False                            # a call in another shape is believed only where its tool is known
    parser = model.stream(tools, **how)
    fed = [(min(at + size, len(text)), parser.feed(text[at:at + size])) for at in range(0, len(text), size)]
    fed.append((len(text) + 1, parser.close()))
    return {"wrong": [], "name": model.dialect.name, "size": size, "length": len(text),
            "steps": [[at, [event_json(event) for event in some]] for at, some in fed if some],
            "stretches": _stretches(Spans(model.stream(tools, **how)), text),
            "marks": [{**mark, "fed": at} for at, some in fed for mark in marks(some, text)],
            "reply": reply_json(fold([event for _, some in fed for event in some])), "samples": samples(model.dialect)}


def _stretches(spans: Spans, text: str) -> list[list[Any]]:
    """What each stretch is, and how much of the text must be fed until that is known; 0: it is known as it comes."""
    out: list[list[Any]] = []
    end = 0
    for at, found in ((at, spans.feed(c)) for at, c in enumerate(text, 1)):
        for stretch, kind in found:
            end += len(stretch)
            known = 0 if end == at and len(stretch) == 1 else at
            if out and out[-1][1:] == [kind, known]:
                out[-1][0] += stretch
            else:
                out.append([stretch, kind, known])
    return [*out, *([stretch, kind, len(text) + 1] for stretch, kind in spans.close())]


def marks(events: Iterable[Event], text: str) -> list[dict[str, Any]]:
    """The problems and repairs among events. `at` is the place itself, `start` to `end` the text that it is about; a call
    that went wrong began before it."""
    found: list[dict[str, Any]] = []
    for event in events:
        wrong = event if isinstance(event, Problem) else getattr(event, "problem", None)
        if isinstance(wrong, Problem):
            found.append(_mark("problem", wrong, wrong.raw, text))
        elif isinstance(event, Repair):
            found.append(_mark("repair", event, event.before, text))
    return found


def _mark(what: str, found: Problem | Repair, about: str, text: str) -> dict[str, Any]:
    at = min(found.offset, len(text))
    start = text.find(about, max(0, at - len(about)), at + len(about)) if about else -1
    start, end = (at, at) if start < 0 else (start, start + len(about))
    return {"what": what, "kind": found.kind, "words": str(found), "at": at, "start": start, "end": end}


__all__ = ["marks", "reading"]
