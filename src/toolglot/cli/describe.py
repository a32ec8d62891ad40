"""A dialect for people to read: the whole of its data, a call, a prompt, what is proved of it, and its sources."""

from __future__ import annotations

import inspect
import sys
from typing import Any

from ..ask import dialect_of, model_for
from ..check import check
from ..engines import Chat, Engine, EngineError
from ..exchange.dialect_python import expression
from ..message import Assistant, Call, Result, Tool, User
from ..model import Model
from ..prompt import Prompt
from ..registry import Found, cards
from ..spec import Dialect
from ..tools import as_tools

CALL = Call("get_weather", {"city": "Paris", "days": 2}, "call00001")
DAY = "2025-01-31"                               # of prompts that tell the date


def weather_tool() -> Tool:
    """The tool of all examples."""
    shape = {"name": "get_weather", "description": "Get the weather in a city.", "parameters": {
        "type": "object", "required": ["city"], "properties": {
            "city": {"type": "string", "description": "The name of the city."}, "days": {"type": "integer"}}}}
    return as_tools([{"type": "function", "function": shape}])[0]


def example_call(dialect: Dialect) -> str:
    """One call as the dialect writes it."""
    return Model(dialect).write([CALL])


def example_prompt(dialect: Dialect) -> Prompt:
    """A question, a call and its result, up to where the reply begins."""
    turns = [User("What is the weather in Paris?"), Assistant((CALL,)), Result("18 °C, sunny", CALL.name, CALL.id)]
    return Model(dialect).prompt(turns, [weather_tool()], today=DAY)


def engine(found: Engine | Chat, dialect: str | None) -> dict[str, Any]:
    """What an engine is and says of its model, and what it can be held to."""
    facts = found.facts
    out: dict[str, Any] = {"model": facts.name, "context": facts.context, "found": facts.found, "dialect": None, "why": (
        "it is told the conversation, and writes its own prompts"), "held": {}}
    if isinstance(found, Chat):
        return out
    name, why = (dialect, "it was given") if dialect else dialect_of(facts)
    model = model_for(facts, name)
    for choice in ("auto", "required", "none"):
        try:
            rules = found.rules(model.constrain([weather_tool()], choice))
            out["held"][choice] = {"notation": rules.notation, "unenforced": rules.unenforced}
        except EngineError as error:
            out["held"][choice] = {"error": str(error)}
    return {**out, "dialect": model.dialect.name, "why": why}


def held(rules: dict[str, Any]) -> str:
    """How a reply of one choice is held to it."""
    if "error" in rules:
        return f"not held: {rules['error']}"
    return f"held to {rules['notation']}" + "".join(f"; not to this: {line}" for line in rules["unenforced"])


def notes(dialect: Dialect) -> str:
    """What the dialect's file says of it: models, sources, a sample."""
    home = Dialect.__module__.removesuffix("spec") + "dialects."
    for name, module in list(sys.modules.items()):
        if name.startswith(home) and dialect in [v for v in vars(module).values() if isinstance(v, Dialect)]:
            return inspect.getdoc(module) or ""
    return ""


def table() -> list[tuple[str, str, str, str]]:
    """A row a dialect: name, models, tier, a call."""
    return [(name, card.title, card.tier, example_call(card.dialect)) for name, card in sorted(cards().items())]


def facts(found: Found) -> str:
    """What a dialect's card says, and what the name that led to it leaves open."""
    card = found.card
    lines = [("models", card.title), ("tier", f"{card.tier}: {card.why}"), ("verified", card.verified),
             ("not verified", found.unverified), ("names", ", ".join((*card.models, *card.ollama, *card.gguf))),
             *[("differs", sentence) for sentence in card.differs]]
    return "\n".join(f"{name:14}{text}" for name, text in lines if text)


def data(value: Any) -> str:
    """A dialect, or a part of one, as the Python that would make it; a function is shown by its name."""
    return expression(value, lambda function, _: getattr(function, "__name__", None) or repr(function))


def proof(dialect: Dialect) -> str:
    found = check(dialect)
    return "\n".join(found) if found else "nothing: it is unambiguous"
