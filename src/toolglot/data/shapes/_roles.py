"""Turns that say who speaks and what (`from` and `value`, `role` and `content`), whatever people call the speakers.

The one rule: a speaker that is not known is an error, never left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeGuard

from ...message import Part
from ..loose import shown
from ..sound import Talk, as_text, calls, text_of, words

SPEAKERS = {
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("human", "user"), "user"),
    **dict.fromkeys(("gpt", "assistant", "model", "chatgpt", "bot"), "assistant"),
    **dict.fromkeys(("function_call", "function-call", "tool_call", "tool-call"), "calls"),
    **dict.fromkeys(("observation", "function_response", "function-response", "tool_response", "tool-response", "tool",
                     "function", "ipython"), "result"),
}

Reads = Callable[[str, Talk], Sequence[Part]]


def plain_words(text: str, talk: Talk) -> Sequence[Part]:
    return words(text)


def tell(talk: Talk, turns: Sequence[Mapping[str, Any]], who: str = "from", what: str = "value",
         reply: Reads = plain_words, weight: Callable[[Mapping[str, Any]], float | None] | None = None,
         first: int = 0) -> None:
    """Tells the turns. `reply` reads the text of a reply, `weight` what a turn says of its loss; `first` is the number of
    the first turn."""
    for n, turn in enumerate(turns, first):
        talk.at = n
        speaker, value = turn.get(who), turn.get(what)
        kind = SPEAKERS.get(speaker) if isinstance(speaker, str) else None
        if kind == "user":
            talk.user(_text(value, talk, what))
        elif kind == "assistant":
            talk.reply(reply(_text(value, talk, what), talk), weight and weight(turn))
        elif kind == "calls":
            talk.more(calls(value, f"{talk.key}[{n}].{what}"), weight and weight(turn))
        elif kind == "result":
            name = turn.get("name")
            talk.results(as_text(value, talk) if not isinstance(value, list) else value,
                         name if isinstance(name, str) and name else None)
        elif kind == "system":
            if text := _text(value, talk, what):
                talk.system(text)
        else:
            raise talk.wrong("unknown role", f"expected human, gpt, function_call or the like, found {shown(speaker)}",
                             f".{who}")


def _text(value: Any, talk: Talk, what: str) -> str:
    return value if value.__class__ is str else text_of(value, f"{talk.key}[{talk.at}].{what}")


def speaks(turns: Any, who: str, what: str) -> TypeGuard[list[Mapping[str, Any]]]:
    """Whether these are turns with such members."""
    return isinstance(turns, list) and bool(turns) and all(isinstance(t, Mapping) and who in t and what in t for t in turns)


def speakers(turns: Sequence[Mapping[str, Any]], who: str) -> set[str]:
    return {t[who] for t in turns if isinstance(t.get(who), str)}


__all__ = ["SPEAKERS", "speakers", "speaks", "tell"]
