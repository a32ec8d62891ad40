"""The ways in which a model is asked: dialects × idioms × with a constraint and without.

The one rule: what a model was free to do is part of the setting, and never guessed from it. One that was never trained
for tools, and is constrained, is asked in two ways: where it may choose to call, which is what precision and recall are
about, and where it must, which is how `ask` and `serve` use it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from ..ask import dialect_of
from ..engines import Chat, Engine, EngineError
from ..message import ToolglotError, Turn, User
from ..model import Model
from ..registry import cards, find, idioms, untrained
from ..tools import as_tools
from .record import Asked, Setting

Constrain = Literal["on", "off", "both"]
Free = Literal["auto", "required"]
PROBE = {"type": "function", "function": {"name": "probe", "parameters": {
    "type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}}}


def settings_of(engine: Engine | Chat, dialects: Sequence[str] = (), told: Sequence[str] = (),
                constrain: Constrain = "both", choice: Free | None = None,
                parallel: Constrain | None = None) -> tuple[Setting, ...]:
    """All settings. `dialects` are names, or "all" for the model's own and every zero-shot one; none is what suits the
    model. `told` are idioms, or "all"; none is each dialect's own. `parallel`: several calls in a reply; None is what
    suits each setting. Raises ToolglotError for what there is none of."""
    if isinstance(engine, Chat):
        if dialects or told or constrain == "on":
            raise ToolglotError(f"{engine.facts.name} is behind a chat API, which writes its own prompts and is held to "
                                "nothing: leave out dialects, idioms and the constraint")
        return tuple(Setting("", None, False, choice or "auto", several) for several in _several(parallel, True))
    own = dialect_of(engine.facts)[0]
    names = [name for one in dialects or (own,) for name in ([own, *_framed()] if one == "all" else [find(one).name])]
    found: list[Setting] = []
    for name in dict.fromkeys(names):
        for idiom in _told(name, told):
            for constrained, free_to in _ways(untrained(find(name)), constrain, choice):
                found += [Setting(name, idiom, constrained, free_to, several)
                          for several in _several(parallel, free_to == "auto" or not untrained(find(name)))]
    return tuple(found)


def _ways(simple: bool, constrain: Constrain, choice: Free | None) -> Iterator[tuple[bool, Free]]:
    """Constrained or not, and what the model may choose. Free of a constraint nothing makes it call: the prompt is the
    same."""
    if constrain != "on":
        yield False, "auto"
    if constrain != "off":
        both: tuple[Free, ...] = ("auto", "required") if simple else ("auto",)
        yield from [(True, one) for one in ((choice,) if choice else both)]


def _several(asked: Constrain | None, suits: bool) -> tuple[bool, ...]:
    """A model that was never trained for tools, and must call, goes on calling where it may: `ask` allows it one call."""
    return (suits,) if asked is None else {"on": (True,), "off": (False,), "both": (True, False)}[asked]


def _framed() -> list[str]:
    return [name for name, card in cards().items() if card.framed]


def _told(dialect: str, asked: Sequence[str]) -> list[str | None]:
    if dialect not in _framed() or not asked:
        if asked and "all" not in asked:
            raise ToolglotError(f"idiom: {dialect} is told of its tools as in its training; leave it out, or give one of "
                                f"{', '.join(_framed())} as the dialect")
        return [None]
    known = idioms()
    for one in asked:
        if one != "all" and one not in known:
            raise ToolglotError(f"idiom: expected one of {', '.join(known)}, or all; got {one!r}")
    return list(dict.fromkeys(name for one in asked for name in (known if one == "all" else (one,))))


def holdable(engine: Engine | Chat, settings: Sequence[Setting], model_of: dict[Setting, Model]) -> dict[Setting, str]:
    """Those settings whose constraint the engine cannot hold a reply to, and why."""
    refused: dict[Setting, str] = {}
    for one in settings:
        if one.constrain and not isinstance(engine, Chat):
            try:
                engine.rules(model_of[one].constrain(as_tools([PROBE]), one.choice, parallel=one.parallel))
            except EngineError as error:
                refused[one] = str(error)
    return refused


def may(setting: Setting, simple: bool, turns: Sequence[Turn]) -> Asked:
    """What a model may do at this point of a conversation. `simple`: it was never trained for tools."""
    if setting.choice == "auto":
        return "auto"
    return "required" if isinstance(turns[-1], User) else "none" if simple else "auto"


def prompt_of(setting: Setting) -> tuple[str, str | None]:
    """Settings of one prompt: an engine that keeps what it has read answers the next of them sooner."""
    return setting.dialect, setting.idiom


def named(setting: Setting) -> str:
    """A setting in words: json, typescript, constrained, required"""
    words = [setting.dialect or "chat API", setting.idiom or ""]
    if setting.dialect:
        words.append("constrained" if setting.constrain else "free")
    words += ["required" if setting.choice == "required" else "", "" if setting.parallel else "one call"]
    return ", ".join(word for word in words if word)


__all__ = ["Constrain", "holdable", "may", "named", "prompt_of", "settings_of"]
