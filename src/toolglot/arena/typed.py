"""Messages and tools as someone types them: JSON text, and where in it something is wrong.

The one rule: an error names a place in the text, as near as it can be told, in the words that the library has for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from ..chat import as_turns
from ..message import Tool, ToolglotError, Turn
from ..tools import as_tools

Step = int | str
T = TypeVar("T")
_STEP = re.compile(r"\[(\d+)\]|\.(\w+)| \([^()]*\)")         # of `tools[0].function (name).parameters`
_SPACE = re.compile(r"[ \t\r\n]*")
_LAST = re.compile(r",[ \t\r\n]*[\]}]")                        # a comma that nothing follows


class Wrong(NamedTuple):
    """What is wrong with a text: which one, what, and from where to where in it; `line` and `column` count from 1."""

    field: str
    message: str
    start: int = 0
    end: int = 0
    line: int = 1
    column: int = 1


class Typed(NamedTuple):
    """What was typed, read. What is wrong has no turns, or no tools."""

    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...]
    wrong: tuple[Wrong, ...]


def typed(messages: str, tools: str) -> Typed:
    """The conversation and the tools in two texts; no tools at all may be an empty one."""
    wrong: list[Wrong] = []
    turns: Sequence[Turn] = _read("messages", messages, as_turns, wrong) or ()
    known: Sequence[Tool] = (_read("tools", tools, as_tools, wrong) or ()) if tools.strip() else ()
    return Typed(tuple(turns), tuple(known), tuple(wrong))


def _read(field: str, text: str, read: Callable[[Any], T], wrong: list[Wrong]) -> T | None:
    try:
        return read(json.loads(text))
    except json.JSONDecodeError as error:
        at, hint = _hint(error)
        wrong.append(_wrong(field, f"{field}: expected JSON, found: {error.msg}{hint}", text, at, at + 1))
    except RecursionError:
        wrong.append(_wrong(field, f"{field}: nested too deeply", text, 0, 0))
    except ToolglotError as error:
        wrong.append(_wrong(field, str(error), text, *place_of(text, _path(str(error), field))))
    except ValueError as error:                          # a number of more digits than Python reads
        wrong.append(_wrong(field, f"{field}: {error}", text, 0, 0))
    return None


def _hint(error: json.JSONDecodeError) -> tuple[int, str]:
    """Where it is wrong, and what people often mean by it."""
    text, at = error.doc, error.pos
    comma = at if text[at:at + 1] == "," else len(text[:at].rstrip()) - 1        # Pythons differ in where they see it
    if comma >= 0 and _LAST.match(text, comma):
        return comma, "; a comma stands before the closing bracket"
    return at, "; JSON's quotes are double" if text[at:at + 1] == "'" else ""


def _wrong(field: str, message: str, text: str, start: int, end: int) -> Wrong:
    line = text.count("\n", 0, start) + 1
    return Wrong(field, message, start, min(end, len(text)), line, start - (text.rfind("\n", 0, start) + 1) + 1)


# -- places ----------------------------------------------------------------------------------------------------


def _path(message: str, field: str) -> list[Step]:
    """The place that an error begins with: `messages[1].content: expected ...`."""
    path: list[Step] = []
    at = len(field) if message.startswith(field) else len(message)
    while m := _STEP.match(message, at):
        if m[1] or m[2]:
            path.append(int(m[1]) if m[1] else m[2])
        at = m.end()
    return path


def place_of(text: str, path: Sequence[Step]) -> tuple[int, int]:
    """From where to where in a JSON text the value at a path stands; as far along the path as there is one."""
    start = _skip(text, 0)
    end = _end(text, start)
    for step in path:
        found = next(((s, e) for key, s, e in _members(text, start) if key == step), None)
        if found is None:
            break
        start, end = found
    return start, end


def _members(text: str, at: int) -> list[tuple[Step, int, int]]:
    """The members of the object or the list that begins at `at`: the key, and from where to where the value stands."""
    found: list[tuple[Step, int, int]] = []
    kind, at = text[at:at + 1], _skip(text, at + 1)
    while kind in ("[", "{") and text[at] not in "]}":
        key: Step = len(found)
        if kind == "{":
            key, at = json.JSONDecoder().raw_decode(text, at)
            at = _skip(text, _skip(text, at) + 1)        # behind the colon
        end = _end(text, at)
        found.append((key, at, end))
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at] == "," else at
    return found


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    assert space
    return space.end()


def _end(text: str, at: int) -> int:
    end: int = json.JSONDecoder().raw_decode(text, at)[1]
    return end


__all__ = ["Typed", "Wrong", "place_of", "typed"]
