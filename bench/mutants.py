"""Right calls of the recorded questions, as their ground truths have them, and wrong ones made of these.

The one rule: a call is right if it is valid under its function's schema, and a wrong one is wrong in one place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import common

from toolglot.message import Tool
from toolglot.schema import resolve, types_of, validate
from toolglot.tools import as_tools

ODD: tuple[Any, ...] = ("twelve", 5, True, ["a"], {"a": 1})       # one of these is of another type
CONTAINERS = (list, dict)


class Answer(NamedTuple):
    """A right call: the function, and what its arguments may be."""

    name: str
    arguments: dict[str, Any]


class Case(NamedTuple):
    """A question: its functions, its right replies, and for each call the wrong ones: what is wrong, where, the call."""

    id: str
    tools: tuple[Tool, ...]
    replies: list[list[Answer]]
    mutants: list[tuple[str, str, Answer]]


# -- right calls -----------------------------------------------------------------------------------------------


def first(accepted: Any) -> Any:
    """The first of the accepted values. Members of objects have lists of accepted values of their own."""
    return _whole(next((one for one in accepted if one != ""), ""))


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: first(one) if isinstance(one, list) else one for key, one in value.items()}
    return [_whole(one) if isinstance(one, dict) else one for one in value] if isinstance(value, list) else value


def in_order(value: Any, schema: Any, root: Any) -> Any:
    """The value with its members in the order in which the schema declares them: the constraint knows no other."""
    flat = resolve(schema, root)
    if isinstance(value, dict):
        declared = flat.get("properties") or {}
        names = [*(name for name in declared if name in value), *(name for name in value if name not in declared)]
        return {name: in_order(value[name], declared.get(name, {}), root) for name in names}
    return [in_order(one, flat.get("items", {}), root) for one in value] if isinstance(value, list) else value


def answers(item: Mapping[str, Any], tools: Sequence[Tool]) -> Iterator[tuple[list[Answer], list[str]]]:
    """For each call of the ground truth: it, and it without what may be left out; or what is wrong with it."""
    known = {tool.name: tool for tool in tools}
    for answer in item["ground_truth"] or ():
        (name, accepted), = answer.items()
        if name not in known:
            yield [], [f"{name} is no function of the question"]
            continue
        schema = known[name].parameters
        given = {key: first(values) for key, values in accepted.items() if values and any(v != "" for v in values)}
        whole = in_order(given, schema, schema)
        less = {key: value for key, value in whole.items()
                if "" not in accepted[key] or key in schema.get("required", ())}
        wrong = validate(whole, schema)
        yield [] if wrong else [Answer(name, one) for one in (whole, less) if one is whole or one != whole], wrong


# -- wrong calls -----------------------------------------------------------------------------------------------


def wrong(value: Any, schema: Any, root: Any) -> Iterator[tuple[str, Any]]:
    """The value, made wrong in one place: what is wrong, and the value. Some of these are right after all."""
    flat, types = resolve(schema, root), types_of(schema, root)
    if types:
        others = [odd for odd in ODD if validate({"it": odd}, {"properties": {"it": {"type": list(types)}}})]
        for plain in (True, False):
            yield from [("type", odd) for odd in others if plain is not isinstance(odd, CONTAINERS)][:1]
        if "integer" in types and "number" not in types:
            yield "type", 1.5
    if "enum" in flat:
        yield "enum", f"{value}x" if isinstance(value, str) else "none of them"
    if isinstance(value, dict):
        yield from _members(value, flat, root)
    elif isinstance(value, list) and value:
        yield from ((kind, [one, *value[1:]]) for kind, one in wrong(value[0], flat.get("items", {}), root))


def _members(value: Mapping[str, Any], flat: Mapping[str, Any], root: Any) -> Iterator[tuple[str, Any]]:
    declared = flat.get("properties") or {}
    for name in flat.get("required") or ():
        if name in value:
            yield "missing", {key: one for key, one in value.items() if key != name}
    for name in value:
        yield from ((kind, {**value, name: one}) for kind, one in wrong(value[name], declared.get(name, {}), root))
    yield "argument", {**value, "no_such_argument": 1}


def mutants(answer: Answer, tool: Tool) -> Iterator[tuple[str, str, Answer]]:
    """What is wrong, the argument where it is, and the call. The cut ones are cut where they are written."""
    yield "function", "", Answer(f"{answer.name}_x", answer.arguments)
    for kind, arguments in _members(answer.arguments, tool.parameters, tool.parameters):
        if validate(arguments, tool.parameters):
            place = next((k for k in (*answer.arguments, *arguments)
                          if answer.arguments.get(k, ...) != arguments.get(k, ...)), "")
            yield kind, place, Answer(answer.name, arguments)


def case_of(item: Mapping[str, Any]) -> tuple[Case, list[str], int]:
    """A question; why each call of its ground truth that is none is none; how many calls that has."""
    tools = as_tools(item["functions"])
    known = {tool.name: tool for tool in tools}
    each = list(answers(item, tools))
    together = [ones[0] for ones, _ in each if ones]
    replies = [[one] for ones, _ in each for one in ones] + ([together] if len(together) > 1 else [])
    wrongs = [mutant for one in together for mutant in mutants(one, known[one.name])]
    return Case(item["id"], tools, replies, wrongs), [sentences[0] for _, sentences in each if sentences], len(each)


@cache
def cases() -> tuple[list[Case], list[tuple[str, str]], int]:
    """The questions, what of their ground truths is no valid call and why, and how many calls they have."""
    found = [case_of(item) for item in common.questions()]
    bad = [(case.id, why) for case, sentences, _ in found for why in sentences]
    return [case for case, _, _ in found if case.replies], bad, sum(count for _, _, count in found)


def spread(count: int | None) -> list[Case]:
    """So many questions, evenly from each category."""
    some = cases()[0]
    kinds: dict[str, list[Case]] = {}
    for case in some:
        kinds.setdefault(case.id.rstrip("0123456789"), []).append(case)
    if count is None or count >= len(some):
        return some
    share, more = divmod(count, len(kinds))
    sizes = [share + (i < more) for i in range(len(kinds))]
    return [ones[i * len(ones) // size] for ones, size in zip(kinds.values(), sizes, strict=True) for i in range(size)]
