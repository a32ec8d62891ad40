"""Is a call right? The rules of the Berkeley Function Calling Leaderboard's AST evaluation for one Python call.

A parameter is right if its type is the declared one (an int does for a float) or that of an accepted answer, and its
value is an accepted one. Strings are compared without case, spaces and some punctuation. A parameter may be left out
where "" is among its accepted values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

# the leaderboard's functions name Python's types; "any" is a string there
TYPES = {"string": str, "integer": int, "float": float, "number": float, "boolean": bool, "array": list, "tuple": list,
         "dict": dict, "object": dict, "any": str}


def wrong(function: Mapping[str, Any], arguments: Mapping[str, Any], accepted: Mapping[str, Sequence[Any]]) -> str:
    """What is wrong with the arguments of a call of the right function: one word and a parameter, "" if nothing is."""
    declared = function["parameters"].get("properties", {})
    for name in function["parameters"].get("required", ()):
        if name not in arguments:
            return f"missing {name}"
    for name, value in arguments.items():
        if name not in declared or name not in accepted:
            return f"unexpected {name}"
        if reason := _value(declared[name], value, accepted[name]):
            return f"{reason} {name}"
    return next((f"missing {name}" for name, values in accepted.items() if name not in arguments and "" not in values),
                "")


def _value(schema: Mapping[str, Any], value: Any, accepted: Sequence[Any]) -> str:
    wanted = TYPES[schema["type"]]
    if schema["type"] == "float" and type(value) is int:
        value = float(value)
    inner = TYPES[schema["items"]["type"]] if wanted is list and "items" in schema else None
    if not _typed(value, wanted, inner, accepted):
        return "type"
    if wanted is dict and type(value) is dict:
        right = any(_dict(value, one) for one in accepted if isinstance(one, dict))
    elif inner is dict and type(value) is list:
        right = any(len(one) == len(value) and all(map(_dict, value, one)) for one in accepted if type(one) is list)
    else:
        right = _plain(value) in [_plain(one) for one in accepted]
    return "" if right else "value"


def _typed(value: Any, wanted: type, inner: type | None, accepted: Sequence[Any]) -> bool:
    """Whether the type is the declared one, or else that of the first accepted answer."""
    answer = next((type(one) for one in accepted if one != ""), None)
    if type(value) is not wanted:
        return type(value) is answer
    return inner is None or any(all(_typed(x, inner, None, one) for x in value)
                                for one in accepted if type(one) is list)


def _dict(value: Any, accepted: Mapping[str, Sequence[Any]]) -> bool:
    return type(value) is dict and all(
        key in accepted and _plain(x) in [_plain(one) for one in accepted[key]] for key, x in value.items()
    ) and all(key in value or "" in values for key, values in accepted.items())


def _plain(value: Any) -> Any:
    """The value as it is compared: strings normalised, also in a list."""
    if isinstance(value, str):
        return re.sub(r"[ ,./\-_*^]", "", value).lower().replace("'", '"')
    return [_plain(x) for x in value] if isinstance(value, (list, tuple)) else value
