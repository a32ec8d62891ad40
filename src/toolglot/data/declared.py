"""The tools that a row declares, in whatever shape its data set has them -> Tools with JSON schemas.

The one rule: a name is one that every dialect can write. What stands for a tool in the source (`Get Weather`) and the name
that it has here (`Get_Weather`) are both kept, so that calls find their tool.
"""

from __future__ import annotations

import json
import marshal
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..message import Tool
from . import loose
from .row import RowError
from .types import parameters

KEPT = 4096                 # lists of tools that are remembered, and
LONGEST = 1 << 16           # characters of the longest of them
_UNFIT = re.compile(r"[\s\"'`]+|[^\S ]|[\x00-\x1f\x7f]")
_NAME = re.compile(r"[A-Za-z0-9_.:/-]{1,256}\Z")
_SCHEMAS = ("parameters", "input_schema", "inputSchema", "arguments", "args")


@dataclass(frozen=True)
class Declared:
    """`names`: what the source calls a tool -> its name."""

    tools: tuple[Tool, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)


NONE = Declared()
_KEPT: dict[Any, Declared] = {}


def declared(given: Any, at: str = "tools") -> Declared:
    """The tools of a row: a list of them, one of them, or the text of either. Raises RowError.

    The same text is read once: in data sets the same tools stand in row after row.
    """
    if not given:
        return NONE
    if isinstance(given, str):
        return remembered(given, given, at)
    try:
        key = marshal.dumps(given, 2)               # version 2 has no references: equal values, equal bytes
    except ValueError:
        raise RowError("not a tool", at, f"expected JSON, found {loose.shown(given)}") from None
    return remembered(key, given, at)


def remembered(key: str | bytes, given: Any, at: str) -> Declared:
    found = _KEPT.get(key)
    if found is None:
        found = of_list(_list(given, at), at)
        keep(key, found)
    return found


def keep(key: str | bytes, found: Declared) -> None:
    if len(key) <= LONGEST:
        if len(_KEPT) >= KEPT:
            for old in list(_KEPT)[:KEPT // 2]:
                del _KEPT[old]
        _KEPT[key] = found


def recall(key: str) -> Declared | None:
    return _KEPT.get(key)


def forget() -> None:
    """As if nothing had been read yet."""
    _KEPT.clear()


def _list(given: Any, at: str) -> Sequence[Any]:
    if isinstance(given, str):
        if given.strip() in ("", "None", "null"):
            return ()
        given = loose.read_inner(given, at)
        if given is None:
            return ()
    else:
        given = loose.plain(given, at)
    if isinstance(given, dict):
        inner = next((given[k] for k in ("tools", "functions") if isinstance(given.get(k), list)), None)
        given = inner if inner is not None else [given]
    if not isinstance(given, list):
        raise RowError("not a tool", at, f"expected a list of tools, found {loose.shown(given)}")
    return given


def of_list(given: Sequence[Any], at: str) -> Declared:
    """The tools of objects that are JSON already."""
    tools: dict[str, Tool] = {}
    names: dict[str, str] = {}
    for n, one in enumerate(given):
        written, tool = _tool(one, f"{at}[{n}]")
        before = tools.setdefault(tool.name, tool)
        if before is not tool and (before.parameters != tool.parameters or names.get(written) is None):
            raise RowError("two tools of one name", f"{at}[{n}]", f"expected a name of its own, found {tool.name!r} again")
        names[written] = tool.name
        names.setdefault(tool.name, tool.name)
    return Declared(tuple(tools.values()), names)


def _tool(one: Any, at: str) -> tuple[str, Tool]:
    if isinstance(one, str):
        one = loose.read_inner(one, at)
    if not isinstance(one, dict):
        raise RowError("not a tool", at, f"expected an object with a name, found {loose.shown(one)}")
    function = one.get("function")
    if isinstance(function, str) and function[:1] == "{":
        function = loose.read_inner(function, at)
    whole = one if isinstance(function, dict) else None
    inner: dict[str, Any] = function if isinstance(function, dict) else one
    name = inner.get("name")
    if not isinstance(name, str) or not name.strip():
        raise RowError("not a tool", at, f"expected an object with a name, found {loose.shown(one)}")
    fit = name if _NAME.match(name) else fitting(name)
    key = next((k for k in _SCHEMAS if inner.get(k) is not None), "parameters")
    schema = parameters(inner.get(key), f"{at} ({fit}).{key}")
    words = inner.get("description")
    words = "" if words is None else words if isinstance(words, str) else json.dumps(words, ensure_ascii=False)
    said = {k: v for k, v in inner.items() if v is not None and k != "type"}
    said = {("parameters" if k == key else k): (fit if k == "name" else words if k == "description" else
                                                 schema if k == key else v) for k, v in said.items()}
    said.setdefault("parameters", schema)
    if inner is one and key == "parameters":
        raw: dict[str, Any] = {"type": "function", "function": said}
    else:
        raw = {**{k: v for k, v in (whole or {}).items() if k not in ("type", "function") and v is not None}}
        raw = {"type": "function", "function": said, **raw}
    return name, Tool(fit, words, schema, raw)


def fitting(name: str) -> str:
    """A name without what a name cannot have here: spaces and quotes become `_`."""
    out = re.sub(r"_+", "_", "".join(c if c.isprintable() else "_" for c in _UNFIT.sub("_", name.strip()))).strip("_")
    if not out or len(out) > 256:
        raise RowError("not a tool", "", f"expected a name, found {loose.shown(name)}")
    return out


__all__ = ["NONE", "Declared", "declared", "forget", "keep", "of_list", "recall"]
