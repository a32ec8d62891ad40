"""Are the arguments of a call right? The rules of the Berkeley Function Calling Leaderboard, in three languages.

A parameter is right if its type is the declared one (in Python an int does for a float) or that of an accepted answer,
and its value is an accepted one. Strings are compared without case, spaces and some punctuation, but for names of
variables. A parameter may be left out where "" is among its accepted values. In Java and JavaScript a value may be typed
or the source text of one: `5` and "5L" are both a long.

Where this differs on purpose: the leaderboard takes source text alone there, compares the quotes of strings in a
`new String[]{…}` as well, reads `[1, 2], [3, 4]` as its first part, and compares an accepted object letter by letter
where it holds a value and no list of them. Calls in parallel are matched with answers so that as many fit as can; the
leaderboard gives each answer the first call that fits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from . import source

# the leaderboard's functions name types of their language; "any" is a string there
TYPES: dict[str, dict[str, type]] = {
    "Python": {"string": str, "integer": int, "float": float, "number": float, "boolean": bool, "array": list,
               "tuple": list, "dict": dict, "object": dict, "any": str},
    "Java": {"byte": int, "short": int, "integer": int, "long": int, "float": float, "double": float, "boolean": bool,
             "char": str, "String": str, "any": str, "Array": list, "ArrayList": list, "HashMap": dict},
    "JavaScript": {"integer": int, "Bigint": int, "float": float, "Boolean": bool, "String": str, "any": str,
                   "array": list, "dict": dict},
}


def wrong(parameters: Mapping[str, Any], arguments: Mapping[str, Any], accepted: Mapping[str, Sequence[Any]],
          language: str = "Python") -> str:
    """What is wrong with the arguments of a call of the right function: one word and a parameter, "" if nothing is.

    `parameters` is the function's schema with the names of types that the leaderboard has, those of its language.
    """
    declared = parameters.get("properties", {})
    for name in parameters.get("required", ()):
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
        return source.value(value, declared, inner, language)
    wanted = TYPES[language].get(declared, str)
    if wanted is list and isinstance(value, (list, tuple)):
        return [_meant(x, inner, None, None, language) if inner and inner != "any" else x for x in value]
    if wanted is float and type(value) is int:
        return float(value)
    if wanted is str and type(value) is not answer:
        return json.dumps(value)
    return value
