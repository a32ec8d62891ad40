"""The rule tree: what a reply may be, as few kinds of plain data.

`grammar` makes it from a dialect and tools, `emit` writes it for an engine. Nothing here runs anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Union

Order = Literal["declared", "any"]


@dataclass(frozen=True)
class Lit:
    """This text. `special`: in vocabularies that have it as one token, that token."""

    text: str
    special: bool = False


@dataclass(frozen=True)
class Seq:
    items: tuple[Rule, ...]


@dataclass(frozen=True)
class Alt:
    options: tuple[Rule, ...]


@dataclass(frozen=True)
class Repeat:
    """`item` from `least` to `most` times; `most` of None is any number."""

    item: Rule
    least: int = 0
    most: int | None = None


@dataclass(frozen=True)
class Regex:
    """Text that matches a regular expression: literals, classes, groups, alternation, quantifiers; no look-around."""

    pattern: str


@dataclass(frozen=True)
class Until:
    """Any text up to the first of `ends`, and that end itself. `most`: characters of the text, at most; the text
    holds none of `without` (one that begins with a line break may not begin the text either), and where `first` names
    characters, begins with none of them, nor with white space. `bare`: what is an end where there is no text."""

    ends: tuple[str, ...]
    most: int | None = None
    without: tuple[str, ...] = ()
    first: str = ""
    bare: tuple[str, ...] = ()


@dataclass(frozen=True)
class Free:
    """Text, perhaps empty, that holds none of `without`. `most`: characters, at most. `first`: as for Until."""

    without: tuple[str, ...]
    most: int | None = None
    first: str = ""


@dataclass(frozen=True)
class JsonValue:
    """A JSON value that its schema allows. `root` is the schema that `$ref` points into."""

    schema: Any = field(hash=False)
    root: Any = field(default=None, hash=False)


@dataclass(frozen=True)
class PythonValue:
    """The same as a Python literal."""

    schema: Any = field(hash=False)
    root: Any = field(default=None, hash=False)


@dataclass(frozen=True)
class AnyOrder:
    """Each of `items` at most once, those that are marked surely, in any order, with `between` between neighbours.
    `more` may stand anywhere among them, any number of times."""

    items: tuple[tuple[bool, Rule], ...]
    between: Rule = Lit("")
    more: Rule | None = None


@dataclass(frozen=True)
class Ref:
    """A rule by its name."""

    name: str


Rule = Union[Lit, Seq, Alt, Repeat, Regex, Until, Free, JsonValue, PythonValue, AnyOrder, Ref]


def children(rule: Rule) -> tuple[Rule, ...]:
    """The rules that a rule is made of; a name's own rule is none of them."""
    match rule:
        case Seq(rules) | Alt(rules):
            return rules
        case Repeat(item):
            return (item,)
        case AnyOrder(items, between, more):
            return (*(item for _, item in items), between, *([more] if more else []))
    return ()


@dataclass(frozen=True)
class Whitespace:
    """How JSON is spaced between tokens: exactly these separators and nothing else; or, where `most` is given, so many
    white-space characters anywhere, at most."""

    item: str = ", "
    key: str = ": "
    most: int = 0

    @property
    def gap(self) -> Rule:
        """What may stand between two tokens."""
        return Repeat(Regex(f"[ \\n\\r\\t]{{1,{self.most}}}"), 0, 1) if self.most else Seq(())


@dataclass(frozen=True)
class Caps:
    """What keeps a small model from going on for ever, where a schema sets no bound of its own.

    `string`: characters of one string. `items`: of one array. `digits`: of one number. None: no cap.
    """

    string: int | None = None
    items: int | None = None
    digits: int | None = None


@dataclass(frozen=True)
class Grammar:
    """Named rules, the one to start with, and how JSON is spaced and bounded. `order`: of the members of objects.
    `alike`: values and other literals may begin alike, so that for a lexer all of them must be cut at JSON's tokens."""

    rules: Mapping[str, Rule]
    start: str = "start"
    space: Whitespace = Whitespace()
    caps: Caps = Caps()
    order: Order = "declared"
    alike: bool = False
