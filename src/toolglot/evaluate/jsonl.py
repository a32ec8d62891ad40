"""A suite of one's own: a file with one question a line, as JSON.

The one rule: what can never be right is refused before anything is asked, by its line and its field: a call of no tool, an
argument that its own tool refuses, an id that is there twice.

    {"messages": [{"role": "user", "content": "Weather in Oslo?"}],
     "tools": [{"type": "function", "function": {"name": "get_weather", "parameters": {…}}}],
     "expected": [{"name": "get_weather", "arguments": {"city": "Oslo"}}]}

`expected` holds all the calls that are due, in any order; none at all, that no call is right. Instead of `arguments` a call
may have `accepted`, a list of right values for each argument, and `optional`, the names of those that may be left out.
`words`: one of these must stand in a reply without calls. Instead of `expected` and `words` a line may have `steps`, each
with both, the `results` of its calls, and the messages that follow (`then`). `id` and `kind` are its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..chat import as_turns
from ..message import Tool, ToolglotError
from ..schema import validate
from ..tools import as_tools
from .item import Accepted, Item, Step

TEXT, OBJECT, ANY = {"type": "string"}, {"type": "object"}, dict[str, Any]()


def _list(items: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, **more}


def _fields(required: Sequence[str] = (), /, **properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


CALL = _fields(["name"], name=TEXT, arguments=OBJECT, optional=_list(TEXT),
               accepted={"type": "object", "additionalProperties": _list(ANY, minItems=1)})
STEP = {"expected": _list(CALL), "words": _list(TEXT)}
LINE = _fields(["messages"], id=TEXT, kind=TEXT, messages=_list(OBJECT, minItems=1), tools=_list(OBJECT), **STEP,
               steps=_list(_fields(results=_list(ANY), then=_list(OBJECT), **STEP), minItems=1))


def suite(path: str | Path) -> tuple[Item, ...]:
    """The questions of a file. Raises ToolglotError for the first line that is none."""
    path = Path(path)
    if not path.is_file():
        raise ToolglotError(f"{path}: expected a file of questions, one a line, found no file")
    items: dict[str, Item] = {}
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                where = f"{path.name}, line {number}"
                item = _item(line, f"{path.stem}-{number}", where)
                if item.id in items:
                    raise ToolglotError(f"{where}: id: {item.id!r} is that of another line; give each its own")
                items[item.id] = item
    if not items:
        raise ToolglotError(f"{path.name}: expected a question on each line, found none")
    return tuple(items.values())


def _item(line: str, name: str, where: str) -> Item:
    try:
        given = json.loads(line)
    except ValueError as error:
        raise ToolglotError(f"{where}: expected an object in JSON: {error}") from None
    if not isinstance(given, dict):
        raise ToolglotError(f"{where}: expected an object with messages, tools and expected, found {line.strip()[:60]}")
    if wrong := validate(given, LINE):
        raise ToolglotError(f"{where}: {wrong[0].replace(' is not a parameter', ' is no field')}")
    if ("steps" in given) == ("expected" in given or "words" in given):
        raise ToolglotError(f"{where}: expected either `expected` and `words`, or `steps`; "
                            f"found {'both' if 'steps' in given else 'neither: write [] where no call is right'}")
    try:
        as_turns(given["messages"])
        tools = as_tools(list(given.get("tools", ())))
        steps = tuple(_step(one, tools, f"steps[{i}]." if "steps" in given else "")
                      for i, one in enumerate(given.get("steps", [given])))
    except ToolglotError as error:
        raise ToolglotError(f"{where}: {error}") from None
    return Item(given.get("id", name), given.get("kind", "own"), tuple(given["messages"]), tuple(given.get("tools", ())),
                steps)


def _step(given: Mapping[str, Any], tools: tuple[Tool, ...], where: str) -> Step:
    calls = tuple(_call(one, tools, f"{where}expected[{i}]") for i, one in enumerate(given.get("expected", ())))
    results = tuple(given.get("results", ()))
    if results and len(results) != len(calls):
        raise ToolglotError(f"{where}results: expected one for each call, {len(calls)}, found {len(results)}")
    as_turns(given.get("then", ()))
    return Step(calls, tuple(given.get("words", ())), results, tuple(given.get("then", ())))


def _call(given: Mapping[str, Any], tools: tuple[Tool, ...], where: str) -> Accepted:
    tool = next((one for one in tools if one.name == given["name"]), None)
    if tool is None:
        names = ", ".join(one.name for one in tools) or "none"
        raise ToolglotError(f"{where}.name: no tool of this line is named {given['name']!r}; its tools are: {names}")
    if "arguments" in given and "accepted" in given:
        raise ToolglotError(f"{where}: expected either `arguments` or `accepted`, found both")
    accepted = {name: tuple(values) for name, values in given.get("accepted", {}).items()} or \
        {name: (value,) for name, value in given.get("arguments", {}).items()}
    optional = frozenset(given.get("optional", ()))
    if strange := optional - accepted.keys():
        raise ToolglotError(f"{where}.optional: {min(strange)!r} has no accepted value; give one, or leave the name out")
    first = {name: values[0] for name, values in accepted.items()}
    least = {name: value for name, value in first.items() if name not in optional}
    for arguments in (least, *({**first, name: value} for name, values in accepted.items() for value in values)):
        if wrong := validate(arguments, tool.parameters):
            raise ToolglotError(f"{where}: its own tool refuses it: {wrong[0]}")
    return Accepted(tool.name, accepted, optional)
