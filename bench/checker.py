"""Is a reply right? The rules of the Berkeley Function Calling Leaderboard's AST evaluation, in three languages.

A parameter is right if its type is the declared one (in Python an int does for a float) or that of an accepted answer,
and its value is an accepted one. Strings are compared without case, spaces and some punctuation, but for names of
variables. A parameter may be left out where "" is among its accepted values. So many calls must be there as accepted
ones, in any order. In Java and JavaScript a value may be typed or the source text of one: `5` and "5L" are both a long.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import decoders

# the leaderboard's functions name types of their language; "any" is a string there
TYPES: dict[str, dict[str, type]] = {
    "Python": {"string": str, "integer": int, "float": float, "number": float, "boolean": bool, "array": list,
               "tuple": list, "dict": dict, "object": dict, "any": str},
    "Java": {"byte": int, "short": int, "integer": int, "long": int, "float": float, "double": float, "boolean": bool,
             "char": str, "String": str, "any": str, "Array": list, "ArrayList": list, "HashMap": dict},
    "JavaScript": {"integer": int, "Bigint": int, "float": float, "Boolean": bool, "String": str, "any": str,
                   "array": list, "dict": dict},
}
Call = tuple[str, Any]                      # a function's name and its arguments


def right(item: Mapping[str, Any], calls: Iterable[Call], language: str = "", underscores: bool = False) -> str:
    """Why these calls do not answer a recorded question, "" if they do.

    `language` is the question's if it is not given; `underscores`: whether the model was told dots in names as those.
    """
    left = list(calls)
    if item["category"] == "irrelevance":
        return f"call of {left[0][0]}" if left else ""
    if not left:
        return "no call"
    if len(left) != len(item["ground_truth"]):
        return f"number of calls, {len(left)} for {len(item['ground_truth'])}"
    for answer in item["ground_truth"]:     # as the leaderboard does: the first call that fits is taken
        reasons = [_wrong_call(item, call, answer, language or item["language"], underscores) for call in left]
        if "" not in reasons:
            return next((one for one in reasons if not one.startswith("name ")), reasons[0])
        del left[reasons.index("")]
    return ""


def _wrong_call(item: Mapping[str, Any], call: Call, answer: Mapping[str, Any], language: str, underscores: bool) -> str:
    (name, accepted), = answer.items()
    # an only function is meant, whatever name the answer has: two questions misspell it
    function = next((f for f in item["functions"] if f["name"] == name), item["functions"][0])
    if call[0] != (function["name"].replace(".", "_") if underscores else function["name"]):
        return f"name {call[0]}"
    if not isinstance(call[1], Mapping):
        return "arguments"
    return wrong(function, call[1], accepted, language)


def wrong(function: Mapping[str, Any], arguments: Mapping[str, Any], accepted: Mapping[str, Sequence[Any]],
          language: str = "Python") -> str:
    """What is wrong with the arguments of a call of the right function: one word and a parameter, "" if nothing is."""
    declared = function["parameters"].get("properties", {})
    for name in function["parameters"].get("required", ()):
        if name not in arguments:
            return f"missing {name}"
    for name, value in arguments.items():
        if name not in declared or name not in accepted:
            return f"unexpected {name}"
        if reason := _value(declared[name], value, accepted[name], language):
            return f"{reason} {name}"
    return next((f"missing {name}" for name, values in accepted.items() if name not in arguments and "" not in values),
                "")


def _value(schema: Mapping[str, Any], value: Any, accepted: Sequence[Any], language: str) -> str:
    types = TYPES[language]
    wanted = types.get(schema["type"], str)
    answer = next((type(one) for one in accepted if one != ""), wanted)
    inner = schema["items"]["type"] if wanted is list and "items" in schema else None
    if language != "Python":
        value = _meant(value, schema["type"], inner, answer, language)
        inner = None if inner == "any" else inner           # there they are whatever they are
    elif schema["type"] == "float" and type(value) is int:
        value = float(value)
    elif schema["type"] == "tuple" and type(value) is tuple:
        value = list(value)
    of = types.get(inner, str) if inner else None
    if not _typed(value, wanted, of, accepted, answer):
        return "type"
    if type(value) is not wanted or answer is not wanted:   # the name of a variable: exactly that
        return "" if value in accepted else "value"
    return "" if any(_same(value, one, of) for one in accepted) else "value"


def _typed(value: Any, wanted: type, inner: type | None, accepted: Sequence[Any], answer: type | None) -> bool:
    """Whether the type is the declared one, or else that of the first accepted answer."""
    if type(value) is not wanted:
        return type(value) is answer
    return inner is None or any(not isinstance(one, list) or _all_typed(value, inner, one) for one in accepted)


def _all_typed(values: Any, wanted: type, accepted: Sequence[Any]) -> bool:
    answer = next((type(one) for one in accepted if one != ""), None)
    return all(_typed(x, wanted, None, accepted, answer) for x in values)


def _same(value: Any, accepted: Any, inner: type | None) -> bool:
    if type(value) is dict:
        return _dict(value, accepted)
    if type(value) is list:
        accepted = [] if accepted == "" else accepted       # may be left out: may be empty
        if inner is dict:
            return type(accepted) is list and len(accepted) == len(value) and all(map(_dict, value, accepted))
        return type(accepted) is list and [_plain(x) for x in value] == [_plain(x) for x in accepted]
    return bool(_plain(value) == _plain(accepted))


def _dict(value: Any, accepted: Any) -> bool:
    if type(value) is not dict or type(accepted) is not dict:
        return False
    several = {key: one if type(one) is list else [one] for key, one in accepted.items()}
    return all(key in several and _plain(x) in [_plain(one) for one in several[key]] for key, x in value.items()) \
        and all(key in value or "" in values for key, values in several.items())


def _plain(value: Any) -> Any:
    """The value as it is compared. Only a string is another one: those that lie deeper must be the same."""
    return re.sub(r"[ ,./\-_*^]", "", value).lower().replace("'", '"') if isinstance(value, str) else value


# -- Java and JavaScript ---------------------------------------------------------------------------------------


def _meant(value: Any, declared: str, inner: str | None, answer: type | None, language: str) -> Any:
    """The value of source text; what is typed already stays, but for the ways in which JSON has fewer types."""
    if isinstance(value, str):
        return decoders.value(value, declared, inner, language)
    wanted = TYPES[language].get(declared, str)
    if wanted is list and isinstance(value, (list, tuple)):
        return [_meant(x, inner, None, None, language) if inner and inner != "any" else x for x in value]
    if wanted is float and type(value) is int:
        return float(value)
    if wanted is str and type(value) is not answer:
        return json.dumps(value)
    return value
