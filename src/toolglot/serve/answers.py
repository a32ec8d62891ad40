"""One answer of the engine for the arena's page, held to the tools or not: what it is shown, writes, and what that means.

The one rule: it is asked as every client's question is, so what the page shows is what the server would answer.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from ..arena.prompts import joined
from ..arena.reading import marks
from ..engines import Chat
from ..message import CallArgs, CallEnd, CallStart, Event, Reasoning, Text, Tool, Turn
from ..reply import Prompted, Replied, Sent, Terms, Written, prompted, sent
from ..shown import Spans, event_json, reply_json
from .service import Service, suiting

MOST_RULES = 20_000                     # characters of a constraint that are shown
Step = tuple[str, dict[str, Any]]


async def answer(service: Service, turns: Sequence[Turn], tools: tuple[Tool, ...],
                 asked: Mapping[str, Any]) -> AsyncGenerator[Step, None]:
    """What happens, each a name and its data: `prompted`, `written` again and again, `replied`. Raises EngineError."""
    engine, spans, events = service.engine, None, list[Event]()
    terms = Terms(bool(asked.get("constrain", True) and tools), thinking=asked.get("thinking"),
                  max_tokens=min(asked.get("max_tokens") or 512, service.policy.max_tokens),
                  temperature=asked.get("temperature") or 0.0, seed=asked.get("seed") or 0)
    choice = asked.get("choice") or suiting(service.model, turns, tools)
    steps: AsyncGenerator[Any, None]
    if isinstance(engine, Chat):
        steps = sent(engine, turns, tools, choice, terms)
    else:
        assert service.model
        steps = prompted(service.model, engine, turns, tools, choice, terms)
    async with aclosing(steps):
        async for step in steps:
            match step:
                case Prompted(prompt):
                    assert service.model
                    spans = Spans(service.model.stream(tools, prompt=prompt, rescue=step.constraint is None))
                    yield "prompted", shown(step)
                case Sent(messages):
                    yield "prompted", {"choice": choice, "notation": None, "messages": messages, "unheld": (
                        "the engine is a chat API, which writes its own prompts and is held to nothing")}
                case Written(text, new):
                    events += new
                    found = list(spans.feed(text) if spans else told(new))
                    yield "written", {"stretches": found, "held": spans.pending if spans else "",
                                      "events": [event_json(event) for event in new]}
                case Replied(reply, text, done, broken):
                    last = list(spans.close()) if spans else []
                    yield "replied", {"stretches": last, "reply": reply_json(reply), "broken": broken, "text": text,
                                      "marks": marks(events, text), "finish": done.finish, "read": done.prompt_tokens,
                                      "written": done.completion_tokens,
                                      "seconds": done.prompt_seconds + done.completion_seconds}


def shown(step: Prompted) -> dict[str, Any]:
    rules = step.constraint
    return {"choice": step.choice, "pieces": joined(step.prompt), "notation": rules.notation if rules else None,
            "rules": rules.text[:MOST_RULES] if rules else "", "unenforced": rules.unenforced if rules else (),
            "unheld": step.unheld}


def told(events: Sequence[Event]) -> Iterator[tuple[str, str]]:
    """What a chat API gives, which has no text of its own: the events, as they would be shown."""
    for event in events:
        match event:
            case Text(text):
                yield text, "content"
            case Reasoning(text):
                yield text, "reasoning"
            case CallStart(_, name):
                yield name, "call"
                yield "(", "markup"
            case CallArgs(_, delta):
                yield delta, "call"
            case CallEnd():
                yield ")\n", "markup"


__all__ = ["answer"]
