"""The suite `bfcl`: the Berkeley Function Calling Leaderboard's questions, from its package or a folder of its files.

The one rule: nothing of theirs is kept here. The data is read where it lies (`pip install --no-deps bfcl-eval` is enough),
and its own rules judge (`leaderboard`, `replay`). Types are named as JSON schema names them; of Java and JavaScript every
value is source text in a string; a dot in a function's name is an underscore, for most formats have no dots in names.
A few answers break their own functions' parameters; nobody can give those, here as there.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..message import ToolglotError
from ..schema import type_name
from .item import Accepted, Item, Language, Step, World

NONE = frozenset({"irrelevance", "live_irrelevance"})           # no call is right
SOME = frozenset({"live_relevance"})                            # any call is
CATEGORIES = ("simple_python", "simple_java", "simple_javascript", "multiple", "parallel", "parallel_multiple",
              "irrelevance", "live_simple", "live_multiple", "live_parallel", "live_parallel_multiple",
              "live_irrelevance", "live_relevance")
PLAYED = ("multi_turn_base", "multi_turn_miss_func", "multi_turn_miss_param", "multi_turn_long_context")
OLDER = {"simple_python": "simple", "simple_java": "java", "simple_javascript": "javascript"}   # until version 3
MORE = "There are more functions now. Please try again with them."


def suite(folder: str | Path | None = None, categories: Iterable[str] | None = None) -> tuple[Item, ...]:
    """The questions of these categories, all of them if none are named. `folder` holds the files; default: the installed
    package's. Raises ToolglotError for a folder without them, and for a category that there is none of."""
    data = _folder(folder)
    there = [one for one in (*CATEGORIES, *PLAYED) if _file(data, one)]
    wanted = list(there if categories is None else categories)
    for one in wanted:
        if one not in there:
            raise ToolglotError(f"bfcl: {data} holds no category {one!r}; it holds {', '.join(there) or 'none'}")
    return tuple(item for one in wanted for item in (_played if one in PLAYED else _asked)(data, one))


def _folder(given: str | Path | None) -> Path:
    if given is None:
        found = find_spec("bfcl_eval")
        if found is None or not found.submodule_search_locations:
            raise ToolglotError("bfcl: expected the package bfcl-eval, found none; install it with "
                                "`pip install --no-deps bfcl-eval`, or name a folder with its data")
        given = found.submodule_search_locations[0]
    places = [Path(given, part) for part in ("", "data", "bfcl_eval/data")]
    folder = next((one for one in places if any(one.glob("BFCL_v*_*.json"))), None)
    if folder is None:
        raise ToolglotError(f"bfcl: expected files named BFCL_v4_simple_python.json and so on, found none in {given}; name "
                            "the folder that they lie in")
    return folder


def _file(folder: Path, category: str, inside: str = "") -> Path | None:
    """The newest file of a category."""
    names = {category, OLDER.get(category, category)}
    return max((one for one in (folder / inside).glob("BFCL_v*.json")
                if (found := re.fullmatch(r"BFCL_v\d+_(\w+)", one.stem)) and found[1] in names), default=None)


def _lines(path: Path | None) -> list[dict[str, Any]]:
    if path is None:
        return []
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except ValueError as error:
        raise ToolglotError(f"bfcl: {path.name}: expected an object in JSON on each line: {error}") from None


def _answers(folder: Path, category: str) -> dict[str, list[Any]]:
    return {one["id"]: one["ground_truth"] for one in _lines(_file(folder, category, "possible_answer"))}


# -- one turn --------------------------------------------------------------------------------------------------


def _asked(folder: Path, category: str) -> Iterator[Item]:
    language: Language = "Java" if category.endswith("java") else "JavaScript" if category.endswith("script") else "Python"
    answers = _answers(folder, category)
    for one in _lines(_file(folder, category)):
        yield item(one["id"], category, one["question"][0], one["function"], answers.get(one["id"], ()), language)


def item(name: str, kind: str, messages: Sequence[Mapping[str, Any]], functions: Sequence[Mapping[str, Any]],
         answers: Sequence[Mapping[str, Any]], language: Language = "Python", *, underscores: bool = True,
         json_types: bool = True) -> Item:
    """A question of one turn, as the leaderboard has it. `underscores`: whether dots in names are told as those;
    `json_types`: whether types have JSON's names, which do not tell a float from an integer."""
    calls = () if kind in NONE or kind in SOME else tuple(_accepted(one, functions, underscores) for one in answers)
    tools = tuple(_tool(one, language, underscores, json_types) for one in functions)
    return Item(name, kind, tuple(messages), tools, (Step(calls, any_call=kind in SOME),), language)


def _accepted(answer: Mapping[str, Any], functions: Sequence[Mapping[str, Any]], underscores: bool) -> Accepted:
    (name, arguments), = answer.items()
    if not isinstance(arguments, Mapping):                      # one answer has lost its function: no call fits it
        return Accepted(name)
    # an only function is meant, whatever name the answer has: two questions misspell it
    function = next((one for one in functions if one["name"] == name), functions[0])
    accepted = {key: tuple(values) for key, values in arguments.items()}
    optional = frozenset(key for key, values in accepted.items() if "" in values)
    return Accepted(_named(function["name"], underscores), accepted, optional, function["parameters"])


def _named(name: str, underscores: bool) -> str:
    return name.replace(".", "_") if underscores else name


def _tool(function: Mapping[str, Any], language: str = "Python", underscores: bool = True,
          json_types: bool = True) -> dict[str, Any]:
    parameters = function["parameters"]
    properties = parameters.get("properties", {})
    if language != "Python":
        properties = {name: _source(one, language) for name, one in properties.items()}
    elif json_types:
        properties = {name: _schema(one) for name, one in properties.items()}
    return {"type": "function", "function": {
        "name": _named(function["name"], underscores), "description": function.get("description", ""),
        "parameters": {**parameters, "type": "object", "properties": properties}}}


def _schema(given: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with JSON's names of types; one of any type has none."""
    schema = {key: value for key, value in given.items() if key != "type"}
    if "type" in given and (named := type_name(given["type"])):
        schema = {"type": named, **schema}
    if isinstance(given.get("properties"), Mapping):
        schema["properties"] = {name: _schema(one) for name, one in given["properties"].items()}
    if isinstance(given.get("items"), Mapping):
        schema["items"] = _schema(given["items"])
    return schema


def _source(given: Mapping[str, Any], language: str) -> dict[str, Any]:
    """A parameter of another language: a string of source text, and what is declared of its inside said in words."""
    inside = [json.dumps(given[key], ensure_ascii=False) for key in ("items", "properties") if key in given]
    said = f"As source text of {language}, of the type {given['type']}{''.join(f', inside {one}' for one in inside)}."
    return {"type": "string", "description": f"{given.get('description', '')} {said}".strip()}


# -- several turns ---------------------------------------------------------------------------------------------


DOCS = {"GorillaFileSystem": "gorilla_file_system", "MathAPI": "math_api", "MessageAPI": "message_api",
        "TwitterAPI": "posting_api", "TicketAPI": "ticket_api", "TradingBot": "trading_bot",
        "TravelAPI": "travel_booking", "VehicleControlAPI": "vehicle_control"}      # class -> its module, and its page


def _played(folder: Path, category: str) -> Iterator[Item]:
    answers = _answers(folder, category)
    rows = _lines(_file(folder, category))
    pages = {name: _lines(folder / "multi_turn_func_doc" / f"{DOCS[name]}.json")
             for name in dict.fromkeys(name for one in rows for name in one["involved_classes"])}
    for one in rows:
        functions = [function for name in one["involved_classes"] for function in pages[name]]
        held = {int(turn): names for turn, names in one.get("missed_function", {}).items()}
        late = {name for names in held.values() for name in names}
        turns = [tuple(turn) or ({"role": "user", "content": MORE},) for turn in one["question"]]
        steps = []
        for turn, calls in enumerate(answers[one["id"]]):
            coming = held.get(turn + 1, ())
            steps.append(Step(tuple(_written(call, functions) for call in calls),
                              then=turns[turn + 1] if turn + 1 < len(turns) else (),
                              tools=tuple(_tool(f) for f in functions if f["name"] in coming)))
        package = str(folder.parent.parent) if folder.parent.name == "bfcl_eval" else ""
        world = World(package, tuple((DOCS[name], name) for name in one["involved_classes"]),
                      one["initial_config"], "long_context" in category)
        tools = tuple(_tool(f) for f in functions if f["name"] not in late)
        yield Item(one["id"], category, turns[0], tools, tuple(steps), world=world)


def _written(call: str, functions: Sequence[Mapping[str, Any]]) -> Accepted:
    """The call that a line of Python writes; arguments without names are the function's, in its order."""
    node = ast.parse(call, mode="eval").body
    assert isinstance(node, ast.Call)
    name = ast.unparse(node.func)
    declared = next(one["parameters"]["properties"] for one in functions if one["name"] == name)
    given = [*zip(declared, node.args, strict=False), *((one.arg or "", one.value) for one in node.keywords)]
    return Accepted(name, {key: (ast.literal_eval(value),) for key, value in given})
