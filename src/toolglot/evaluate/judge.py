"""Is this reply what was due, and if not, why?

The one rule: exact, and told apart. All the calls that are due, in any order, and nothing else; where that is not what was
read, the text itself is looked at, so that a model that chose rightly in a broken format is not taken for one that did
not. Pure: the same reply is judged the same, whoever asks.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..message import Tool
from ..rescue import rescue
from ..schema import KINDS
from ..schema.types import kind_of, same
from . import leaderboard
from .item import Accepted, Item, Step
from .record import Cause, Said

Made = Mapping[str, Any]                    # a call that was read: its name and arguments
MENDED = frozenset(KINDS)                   # a value of another type is the model's doing, not the format's


class Judged(NamedTuple):
    """`cause` is None where it is right; `detail` says in words what was wrong."""

    right: bool
    cause: Cause | None = None
    detail: str = ""


RIGHT = Judged(True)


def judge(item: Item, step: Step, said: Said, tools: tuple[Tool, ...]) -> Judged:
    """What a reply comes to at this step. `tools` are those that the model was told of."""
    found = compared(step, said.calls, item.language)
    if found.right:
        return _words(step, said) if not step.calls and not step.any_call else RIGHT
    if len(said.calls) > len(step.calls):       # nothing was lost of a reply in which more was read than is due
        return found
    if _lost(item, step, said, tools):
        read = "; ".join(said.problems) or found.detail
        return Judged(False, "format lost", f"the text holds what was due, and this was read: {read}")
    return of_cut(found, said)


def of_cut(found: Judged, said: Said) -> Judged:
    """The same verdict, or that the reply was cut before its call. One that stood at words was cut short of nothing."""
    at_words = said.content.strip() and not said.problems
    if said.finish == "length" and not at_words and found.cause in ("no call", "wrong number"):
        return Judged(False, "truncated", f"cut at {said.completion_tokens} tokens: {found.detail}")
    return found


def compared(step: Step, calls: Sequence[Made], language: str = "Python") -> Judged:
    """Whether these are the calls that are due."""
    if step.any_call:
        return RIGHT if calls else Judged(False, "no call", "some call was due")
    if not step.calls:
        return Judged(False, "spurious call", f"called {_names(calls)}, and no call was due") if calls else RIGHT
    due = ", ".join(one.name for one in step.calls)
    if not calls:
        return Judged(False, "no call", f"{due} was due")
    verdicts = [[_compared(one, call, language) for call in calls] for one in step.calls]
    pairs = _paired([[one.right for one in row] for row in verdicts])
    left = [i for i in range(len(step.calls)) if i not in pairs]
    if len(calls) != len(step.calls):
        return Judged(False, "wrong number", f"called {_names(calls)}; due was {due}")
    if not left:
        return RIGHT
    over = [j for j in range(len(calls)) if j not in pairs.values()]
    wrong = [verdicts[left[0]][j] for j in over]
    return next((one for one in wrong if one.cause != "wrong tool"), wrong[0])


def _names(calls: Sequence[Made]) -> str:
    counts = Counter(call["name"] for call in calls)
    return cut(", ".join(name if count == 1 else f"{count} × {name}" for name, count in counts.items()))


def _paired(fits: Sequence[Sequence[bool]]) -> dict[int, int]:
    """For as many rows as can be, a column of their own that fits."""
    taken: dict[int, int] = {}              # column -> row

    def place(row: int, seen: set[int]) -> bool:
        for column, fit in enumerate(fits[row]):
            if fit and column not in seen:
                seen.add(column)
                if column not in taken or place(taken[column], seen):
                    taken[column] = row
                    return True
        return False

    for row in range(len(fits)):
        place(row, set())
    return {row: column for column, row in taken.items()}


# -- one call --------------------------------------------------------------------------------------------------


def _compared(due: Accepted, call: Made, language: str) -> Judged:
    if call["name"] != due.name:
        return Judged(False, "wrong tool", f"called {cut(call['name'])}; {due.name} was due")
    given = call["arguments"]
    if not isinstance(given, Mapping):
        return Judged(False, "wrong arguments", f"{due.name}: arguments that are no object, {_shown(given)}")
    if due.declared is not None:
        reason = leaderboard.wrong(due.declared, given, due.arguments, language)
        if not reason:
            return RIGHT
        word, _, name = reason.partition(" ")
        return _of_value(due, name, given[name], word == "type") if word in ("type", "value") else \
            Judged(False, "wrong arguments", f"{due.name}: {word} `{name}`")
    for name in due.arguments:
        if name not in given and name not in due.optional:
            return Judged(False, "wrong arguments", f"{due.name}: missing `{name}`")
    for name, value in given.items():
        if name not in due.arguments:
            return Judged(False, "wrong arguments", f"{due.name}: unexpected `{name}`, {_shown(value)}")
        if not any(equal(value, one) for one in due.arguments[name]):
            return _of_value(due, name, value, not any(_alike(value, one) for one in due.arguments[name]))
    return RIGHT


def _of_value(due: Accepted, name: str, value: Any, of_type: bool) -> Judged:
    accepted = " or ".join(_shown(one) for one in due.arguments[name] if one != "") or "nothing"
    return Judged(False, "wrong type" if of_type else "wrong arguments",
                  f"{due.name}: `{name}` is {_shown(value)}; due was {accepted}")


def equal(value: Any, accepted: Any) -> bool:
    """Whether two values are the same in JSON: 1 is 1.0, true is not 1.

    Strings are the same if all their characters are, however their accents are composed. The leaderboard drops case,
    spaces and punctuation; but a path, a pass phrase or an address is another one without them, and what spellings are
    right is for each item to say.
    """
    return same(_composed(value)) == same(_composed(accepted))


def _composed(value: Any) -> Any:
    match value:
        case str():
            return unicodedata.normalize("NFC", value)
        case Mapping():
            return {_composed(name): _composed(one) for name, one in value.items()}
        case list() | tuple():
            return [_composed(one) for one in value]
    return value


def _alike(value: Any, accepted: Any) -> bool:
    """Whether a value is of the accepted one's type, all the way in: of lists and objects, as far as both go."""
    match value, accepted:
        case (Mapping(), Mapping()):
            return all(_alike(one, accepted[name]) for name, one in value.items() if name in accepted)
        case (list(), list() | tuple()):
            return all(_alike(one, other) for one, other in zip(value, accepted, strict=False))
    kinds = {"number" if kind == "integer" else kind for kind in (kind_of(value), kind_of(accepted))}
    return len(kinds) == 1


def _shown(value: Any) -> str:
    return cut(same(value) if not isinstance(value, str) else f'"{value}"')


def cut(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"


# -- words -----------------------------------------------------------------------------------------------------


def _words(step: Step, said: Said) -> Judged:
    if not step.words or any(_stands(word, said.content) for word in step.words):
        return RIGHT
    due = " or ".join(f"“{word}”" for word in step.words[:4])
    if not said.content.strip():
        cause: Cause = "truncated" if said.finish == "length" else "wrong words"
        return Judged(False, cause, f"the reply holds no words; {due} was due")
    return Judged(False, "wrong words", f"the reply holds none of {due}")


def _stands(word: str, text: str) -> bool:
    """Whether a word stands in a text, and is not a part of a longer one or of another number."""
    def folded(one: str) -> str:
        return unicodedata.normalize("NFKC", one).casefold().replace("’", "'")

    return bool(re.search(rf"(?<![a-z0-9])(?<!\d[.,]){re.escape(folded(word))}(?![a-z0-9])(?![.,]\d)", folded(text)))


# -- what the format lost --------------------------------------------------------------------------------------


def _lost(item: Item, step: Step, said: Said, tools: tuple[Tool, ...]) -> bool:
    """Whether the text holds the calls that are due, although they were not read."""
    text = said.text.replace(said.reasoning, "") if said.reasoning else said.text
    if not text or step.any_call:
        return False
    found = [{"name": call.name, "arguments": call.arguments} for call in rescue(text, tools, skip=MENDED).calls]
    if compared(step, found, item.language).right:
        return True
    return len(said.calls) < len(step.calls) and all(_written(one, text) for one in step.calls)


BETWEEN = r"(?:<[^<>]{0,40}>|[^\w<-]){1,24}"             # what may stand between a parameter's name and its value


def _written(due: Accepted, text: str) -> bool:
    """Whether a text spells this call in any format: the name, and after it each argument's name with its value."""
    named = re.search(rf"(?<!\w){re.escape(due.name)}(?!\w)", text)
    if not named or not due.arguments:
        return False
    return all(any(re.search(rf"(?<!\w){re.escape(name)}{BETWEEN}{re.escape(_spelled(one))}(?!\w)", text[named.end():])
                   for one in values if one != "")
               for name, values in due.arguments.items() if name not in due.optional and "" not in values)


def _spelled(value: Any) -> str:
    return value.strip() if isinstance(value, str) else same(value)
