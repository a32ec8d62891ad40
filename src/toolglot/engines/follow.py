"""Follows a reply through a GBNF grammar, character by character, as llama.cpp does: with the standard library alone.

The one rule: it means what llama.cpp means. GBNF has neither tokens nor a lexer, so what is kept is the set of all that
may still come: each way is a cell, what stands next and the cell after it, and equal cells are one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Union

from . import EngineError

MOST_WAYS = 20_000          # that one character may open; more is left recursion, which llama.cpp refuses too
NAME, SPACE = re.compile(r"[A-Za-z0-9-]+"), re.compile(r"[ \t]*(?:#[^\n]*)?")
WIDE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
REPEAT = re.compile(r"[ \t]*(?:\{\s*(\d+)\s*(,?)\s*(\d*)\s*\}|([*+?]))")
LETTER = re.compile(r"\\x([0-9A-Fa-f]{2})|\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})|\\(.)|([^\\])", re.DOTALL)
ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
TIMES = {"*": (0, None), "+": (1, None), "?": (0, 1)}


@dataclass(eq=False)
class One:
    """One character of a class."""

    pattern: re.Pattern[str]


@dataclass(eq=False)
class Row:
    items: tuple[Node, ...]


@dataclass(eq=False)
class Pick:
    options: tuple[Node, ...]


@dataclass(eq=False)
class Times:
    item: Node
    least: int
    most: int | None
    rest: Times | None = None           # what is left of it after one more, made when it is asked for

    def less(self) -> Times:
        if self.rest is None:
            fewer = Times(self.item, max(0, self.least - 1), None if self.most is None else self.most - 1)
            self.rest = self if self.most is None and self.least == 0 else fewer
        return self.rest


@dataclass(eq=False)
class Name:
    name: str


Node = Union[One, Row, Pick, Times, Name]
END = 0                                 # the cell that nothing follows


class Gbnf:
    """A grammar that is read, with what was found out on the way. Errors: EngineError where it does not compile."""

    def __init__(self, text: str) -> None:
        self.rules = _Reader(text).rules()
        self.cells: list[tuple[Node, int]] = [(Row(()), END)]
        self.known: dict[tuple[Node, int], int] = {}
        self.opened: dict[int, frozenset[int]] = {}

    def watch(self) -> Follower:
        return Follower(self, self.tops(self.cell(Name("root"), END)))

    def cell(self, node: Node, rest: int) -> int:
        if (node, rest) not in self.known:
            self.known[node, rest] = len(self.cells)
            self.cells.append((node, rest))
        return self.known[node, rest]

    def tops(self, cell: int) -> frozenset[int]:
        """The cells that may stand first where `cell` does: characters, and END."""
        if cell not in self.opened:
            found, seen, todo = set(), {cell}, [cell]
            while todo:
                at = todo.pop()
                if at == END or isinstance(self.cells[at][0], One):
                    found.add(at)
                    continue
                new = [c for c in self.ways(*self.cells[at]) if c not in seen]
                seen.update(new)
                todo += new
                if len(seen) > MOST_WAYS:
                    raise EngineError("the constraint does not compile: one of its rules begins with itself")
            self.opened[cell] = frozenset(found)
        return self.opened[cell]

    def ways(self, node: Node, rest: int) -> list[int]:
        match node:
            case Row(items):
                for item in reversed(items):
                    rest = self.cell(item, rest)
                return [rest]
            case Pick(options):
                return [self.cell(option, rest) for option in options]
            case Times(item, least, most):
                more = [] if most == 0 else [self.cell(item, self.cell(node.less(), rest))]
                return more if least else [*more, rest]
            case Name(name):
                return [self.cell(self.rules[name], rest)]
        raise TypeError(node)


class Follower:
    """One reply on its way through one grammar."""

    def __init__(self, grammar: Gbnf, tops: frozenset[int]) -> None:
        self.grammar, self.tops = grammar, tops

    def allows(self, text: str) -> bool:
        """Whether the reply may go on with `text`."""
        cells = self.grammar.cells
        for letter in text:
            after = {rest for node, rest in (cells[top] for top in self.tops if top != END)
                     if isinstance(node, One) and node.pattern.fullmatch(letter)}
            self.tops = frozenset().union(*(self.grammar.tops(rest) for rest in after))
            if not self.tops:
                return False
        return True

    def complete(self) -> bool:
        """Whether the reply may end here."""
        return END in self.tops


# ---------------------------------------------------------------- reading the notation

class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at, self.asked = text, 0, {"root"}
        self.ones: dict[str, One] = {}

    def rules(self) -> dict[str, Node]:
        found: dict[str, Node] = {}
        self.skip(WIDE)
        while self.at < len(self.text):
            name = self.take(NAME, "the name of a rule")
            self.skip(SPACE)
            self.take(re.compile("::="), "::=")
            self.skip(WIDE)
            found[name] = self.options(SPACE)
            if self.at < len(self.text) and self.text[self.at] not in "\r\n":
                self.fail("the end of the line")
            self.skip(WIDE)
        if missing := self.asked - set(found):
            raise EngineError(f"the constraint does not compile: it has no rule {min(missing)}")
        return found

    def options(self, space: re.Pattern[str]) -> Node:
        found = [self.row(space)]
        while self.text[self.at:self.at + 1] == "|":
            self.at += 1
            self.skip(WIDE)
            found.append(self.row(space))
        return found[0] if len(found) == 1 else Pick(tuple(found))

    def row(self, space: re.Pattern[str]) -> Node:
        items: list[Node] = []
        while (here := self.text[self.at:self.at + 1]) and (here in '"[(.' or NAME.match(here)):
            item = self.item(here)
            while times := REPEAT.match(self.text, self.at):
                self.at = times.end()
                least, comma, most, sign = times.groups()
                low, high = TIMES[sign] if sign else (int(least), int(most) if most else None if comma else int(least))
                item = Times(item, low, high)
            items.append(item)
            self.skip(space)
        return items[0] if len(items) == 1 else Row(tuple(items))

    def item(self, here: str) -> Node:
        if here == "(":
            self.at += 1
            self.skip(WIDE)
            inner = self.options(WIDE)
            self.take(re.compile(r"\)"), "a closing bracket")
            return inner
        if here == ".":
            self.at += 1
            return self.one(r"[\s\S]")
        if here == '"':
            self.at += 1
            return Row(tuple(self.one(re.escape(c)) for c in iter(lambda: self.letter('"'), "")))
        return self.kind() if here == "[" else self.named()

    def kind(self) -> Node:
        self.at += 1
        negated = self.text[self.at:self.at + 1] == "^"
        self.at += negated
        spans = ""
        while low := self.letter("]"):
            high = low
            if self.text[self.at:self.at + 1] == "-" and self.text[self.at + 1:self.at + 2] != "]":
                self.at += 1
                high = self.letter("") or self.fail("the end of a range")
            spans += f"\\U{ord(low):08x}-\\U{ord(high):08x}" if low <= high else self.fail("a range that goes up")
        return self.one(f"[{'^' * negated}{spans}]" if spans else r"[\s\S]" if negated else r"[^\s\S]")

    def named(self) -> Node:
        name = self.take(NAME, "a name")
        self.asked.add(name)
        return Name(name)

    def one(self, pattern: str) -> One:
        if pattern not in self.ones:
            self.ones[pattern] = One(re.compile(pattern, re.DOTALL))
        return self.ones[pattern]

    def letter(self, end: str) -> str:
        """The next character, "" at `end`, which is passed."""
        found = LETTER.match(self.text, self.at)
        if found is None:
            return self.fail("the end of a string or a class")
        self.at = found.end()
        *codes, escaped, plain = found.groups()
        if plain is not None:
            return "" if plain == end else str(plain)
        if escaped is not None:
            return ESCAPES.get(escaped, str(escaped))
        return chr(int(next(code for code in codes if code), 16))

    def skip(self, space: re.Pattern[str]) -> None:
        self.at = space.match(self.text, self.at).end()  # type: ignore[union-attr]

    def take(self, wanted: re.Pattern[str], words: str) -> str:
        found = wanted.match(self.text, self.at)
        if found is None:
            return self.fail(words)
        self.at = found.end()
        return found[0]

    def fail(self, wanted: str) -> str:
        line = self.text.count("\n", 0, self.at) + 1
        found = self.text[self.at:self.at + 20].split("\n")[0]
        raise EngineError(f"the constraint does not compile: line {line} needs {wanted}, and has {found!r}")
