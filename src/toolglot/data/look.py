"""A rendered row for people to look at: what each stretch is, and what of it is trained.

The one rule: the mask is seen without colour too. Each stretch stands in lines of its own, whose margin says whose it is,
what it is, and with a bar that it has a loss; `⏎` is a line break of the text, for the others are only ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from .rendered import Rendered

Write = Callable[[str, str], None]                # a text and its kind, as `cli.screen.Screen.write` takes them
BAR, BREAK = "┃", "⏎"


class Stretch(NamedTuple):
    """A stretch of a row's text, as the model sees it."""

    text: str
    role: str
    kind: str
    weight: float


def look(shown: Rendered) -> list[Stretch]:
    """The stretches of a row: joined, they are its text."""
    return [Stretch(shown.text[s.start:s.end], s.role, s.kind, s.weight) for s in shown.spans]


def show(shown: Rendered, write: Write) -> None:
    """The row on a screen."""
    stretches = look(shown)
    trained = sum(len(s.text) for s in stretches if s.weight)
    before = ("", "")
    for stretch in stretches:
        said = "" if (stretch.role, stretch.kind) == before else f"{stretch.role:9} {stretch.kind:9}"
        for line in _lines(stretch.text):
            write(f"{said:19} ", "label")
            write(f"{_weight(stretch.weight):>5} ", "label")
            write(line + "\n", stretch.kind)
            said = ""
        before = (stretch.role, stretch.kind)
    write(f"{trained:,} of {len(shown.text):,} characters have a loss ({BAR})\n", "label")


def _lines(text: str) -> Iterator[str]:
    lines = text.split("\n")
    for i, line in enumerate(lines):
        if i < len(lines) - 1:
            yield line + BREAK
        elif line:
            yield line


def _weight(weight: float) -> str:
    return "" if not weight else BAR if weight == 1 else f"{weight:g}{BAR}"


__all__ = ["BAR", "BREAK", "Stretch", "look", "show"]
