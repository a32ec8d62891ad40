"""A dialect as the Python that makes it.

The one rule: run, the text gives an equal dialect; what is at its default is left out.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from textwrap import fill
from typing import Any

from .. import spec
from ..spec import Dialect, Slot
from .dialect_json import name_of

WIDTH = 110                                      # characters of a line
Shown = Callable[[Any, str], str]                # a function, and the field that it stands in -> how it is written


def to_python(dialect: Dialect) -> str:
    """A Python file that holds the dialect as DIALECT. Raises DialectError for code that is no registered dialect's."""
    text = expression(dialect, lambda function, field: _called(name_of(function, field, dialect.name), field))
    words = sorted({w for w in re.findall(r"\w+", re.sub(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", "", text))
                    if isinstance(vars(spec).get(w), (type, Slot))})
    registry = [name for name in ("find", "idioms") if f"{name}(" in text]
    imports = [f"from toolglot.registry import {', '.join(registry)}"] * bool(registry)
    listed = fill(", ".join(words) + ",", WIDTH, initial_indent="    ", subsequent_indent="    ")
    imports.append(f"from toolglot.spec import (\n{listed}\n)")
    return "\n".join([f'"""The dialect {dialect.name}, as it was written down by toolglot."""', "", *imports, "",
                      f"DIALECT = {text}", ""])


def _called(name: dict[str, Any], field: str) -> str:
    """A function, by whose it is."""
    if "idiom" in name:
        return f"idioms()[{name['idiom']!r}]"
    return f"find({name['of']!r}).{'repaired' if 'repaired' in name else 'turns'}.{field}"


def expression(value: Any, shown: Shown, field: str = "", indent: int = 0) -> str:
    """A dialect, or a part of one, as one expression: in one line, or several where it is long."""
    flat, pad, end = _flat(value, shown, field), " " * (indent + 4), " " * indent
    if len(flat) + indent <= WIDTH:
        return flat
    if isinstance(value, str):                           # a string a line, which Python joins
        lines = [repr(line) for line in re.findall(r"[^\n]*\n+|[^\n]+", value)]
        return "(\n" + "".join(f"{pad}{line}\n" for line in lines) + f"{end})"
    if isinstance(value, (tuple, spec.Either)):
        items = value.options if isinstance(value, spec.Either) else value
        lines = [f"{pad}{expression(item, shown, field, indent + 4)},\n" for item in items]
        return f"{'Either' * isinstance(value, spec.Either)}(\n{''.join(lines)}{end})"
    if not dataclasses.is_dataclass(value):
        return flat
    fields = [f"{pad}{name}={expression(item, shown, name, indent + 4)},\n" for name, item in _said(value)]
    return f"{type(value).__name__}(\n" + "".join(fields) + f"{end})"


def _flat(value: Any, shown: Shown, field: str) -> str:
    match value:
        case Slot():
            return value.name
        case spec.Either(options):
            return f"Either({', '.join(map(repr, options))})"
        case tuple():
            inside = ", ".join(_flat(item, shown, field) for item in value)
            return f"({inside}{',' if len(value) == 1 else ''})"
        case frozenset():
            return f"frozenset({{{', '.join(sorted(map(repr, value)))}}})" if value else "frozenset()"
        case None | bool() | int() | str():
            return repr(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = ", ".join(f"{name}={_flat(item, shown, name)}" for name, item in _said(value))
        return f"{type(value).__name__}({fields})"
    return shown(value, field)


def _said(value: Any) -> list[tuple[str, Any]]:
    """The fields that are not at their default."""
    pairs = [(f.name, getattr(value, f.name), f.default) for f in dataclasses.fields(value)]
    return [(name, item) for name, item, default in pairs if item != default]


__all__ = ["expression", "to_python"]
