"""The shapes in which people keep function-calling conversations: one small file each, found by being there.

The one rule: a reader takes a row as it stands in the file and gives a `Row`, or raises `RowError`; it looks at nothing
else. `evidence` names what tells this shape from all others, or is None where it is not this one: no row has the evidence
of two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from ...message import ToolglotError
from ..row import Row


@dataclass(frozen=True)
class Shape:
    """`evidence` looks at a raw row (whatever JSON holds; a line of plain text is a str) and says in words why it is one of
    these. `source`: who defined the shape, and where it was seen."""

    name: str
    title: str
    read: Callable[[Any], Row]
    evidence: Callable[[Any], str | None]
    source: str


class _Shapes(Mapping[str, Shape]):
    """Every shape by its name. The files are read when one is first asked for."""

    def __getitem__(self, name: str) -> Shape:
        return _found()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_found())

    def __len__(self) -> int:
        return len(_found())


SHAPES: Mapping[str, Shape] = _Shapes()


@lru_cache(maxsize=1)
def _found() -> dict[str, Shape]:
    files = sorted(m.name for m in iter_modules(__path__) if not m.name.startswith("_"))
    shapes = [import_module(f"{__name__}.{file}").SHAPE for file in files]
    return {shape.name: shape for shape in shapes}


def detected(raw: Any) -> tuple[Shape, str] | None:
    """The shape of a raw row and what of it says so, or None: no shape knows it."""
    for shape in _found().values():
        if why := shape.evidence(raw):
            return shape, why
    return None


def rendered(dialect: str) -> Shape:
    """A dialect's own rendered text, read back. Raises ToolglotError for one that cannot be, and says why."""
    from ._rendered import shape_of

    return shape_of(dialect)


RENDERED = "rendered:"


def find(name: str) -> Shape:
    """A shape by its name, or by `rendered:DIALECT`. Raises ToolglotError."""
    if name.startswith(RENDERED):
        return rendered(name[len(RENDERED):])
    if name not in SHAPES:
        near = get_close_matches(name, SHAPES, n=2, cutoff=0.5)
        raise ToolglotError(f"no shape is known as {name!r}: {f'did you mean {chr(32).join(near)}? ' if near else ''}"
                            f"these are: {', '.join(SHAPES)}, and {RENDERED}DIALECT")
    return SHAPES[name]


__all__ = ["SHAPES", "Shape", "detected", "find", "rendered"]
