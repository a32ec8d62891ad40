"""What of the structures in a text may be a call, by its shape alone.

The one rule: a shape names a function that there is. Whether it is a call is for the evidence to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .values import List, Object

# members that hold a function's name, its arguments, and what is neither
NAMES = ("name", "function", "tool", "tool_name", "function_name", "action", "func", "api", "method", "toolName",
         "functionName", "function_call", "call", "api_name", "api_call", "operation")
ARGUMENTS = ("arguments", "parameters", "args", "params", "input", "action_input", "kwargs", "tool_input", "function_args",
             "inputs", "parameter", "argument", "tool_args", "properties")
ASIDE = frozenset({"id", "type", "thought", "call_id", "tool_call_id"})

OWN = "own"                 # the form of a call that the dialect itself has read

_PAIR = re.compile(r"\s*([A-Za-z_]\w*)\s*[=:]\s*(.*?)\s*\Z", re.S)

Knows = Callable[[str], bool]


@dataclass(slots=True)
class Found:
    """What may be a call: the function's name as it was written, and what stands for its arguments."""

    form: str
    name: str
    arguments: Any
    start: int
    end: int
    positional: list[Any] = field(default_factory=list)
    nested: bool = False        # it stands in the arguments of another


@dataclass(slots=True)
class Invoked:
    """`name(1, a=2)`, of whatever name."""

    name: str
    items: list[Any]
    members: dict[str, Any]
    start: int
    end: int


def plain(name: str) -> str:
    r"""A name as names are compared: `math.factorial`, `math_factorial` and `math\_factorial` are one."""
    return name.replace("\\", "").replace(".", "_").replace("-", "_").replace("/", "_").replace("::", "_")


def of_object(value: Object, knows: Knows) -> Iterator[Found]:
    """`{"name": "f", "arguments": {...}}`, `{"tool": "f", "a": 1}` and `{"f": {...}}`."""
    key = next((k for k in NAMES if isinstance(value.get(k), str) and knows(value[k])), None)
    if key is not None:
        given = next((k for k in ARGUMENTS if k in value), None)
        if given is not None:
            yield Found("object", value[key], value[given], value.start, value.end)
        else:
            rest = {k: v for k, v in value.items() if k != key}
            yield Found("flat object", value[key], rest, value.start, value.end)
    elif value and all(knows(k) and _may_be_arguments(v) for k, v in value.items()):
        for name, given in value.items():
            whole = given if len(value) > 1 and isinstance(given, (Object, List)) else value
            yield Found("name as key", name, given, whole.start, whole.end)


def _may_be_arguments(value: Any) -> bool:
    return isinstance(value, (Object, List)) or (isinstance(value, str) and value.lstrip().startswith("{"))


def is_stranger(value: Object, knows: Knows) -> bool:
    """Whether an object calls a function that there is none of."""
    name = value.get("name")
    return isinstance(name, str) and not knows(name) and any(isinstance(value.get(k), Object) for k in ARGUMENTS)


def of_list(value: List, knows: Knows) -> Iterator[Found]:
    """`["f", {...}]`, `["f", {...}, "g", {...}]` and `["f", "a=1"]`."""
    if len(value) < 2 or not isinstance(value[0], str) or not knows(value[0]):
        return
    names, rest = value[::2], value[1:]
    if len(value) == 2 and isinstance(rest[0], Object):
        yield Found("name in list", value[0], rest[0], value.start, value.end)
    elif all(isinstance(x, str) and knows(x) for x in names) and all(isinstance(x, Object) for x in value[1::2]) \
            and len(value) % 2 == 0:
        for name, given in zip(names, value[1::2], strict=True):
            yield Found("name in list", name, given, given.start, given.end)
    elif all(isinstance(x, str) and _PAIR.match(x) for x in rest):
        pairs = {m[1]: m[2] for m in map(_PAIR.match, rest) if m}
        yield Found("name in list", value[0], pairs, value.start, value.end)
