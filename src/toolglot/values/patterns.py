"""Regular expressions, read once for every notation.

One rule: what is read here is exactly a regular language over characters. Look-around, back-references, flags,
Unicode properties and word boundaries are `Unsupported`, never dropped. The syntax is what ECMA-262, Python and
Rust share; `\\d`, `\\w` and `\\s` are ASCII, and `.` is any character but a line end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
Ranges = tuple[tuple[int, int], ...]  # code points, both ends in; sorted, apart from each other

_LAST = 0x10FFFF
ANY: Ranges = ((0, _LAST),)
_DEPTH = 50  # groups inside one another
_COUNT = re.compile(r"\{([0-9]{1,99})(?:(,)([0-9]{0,99}))?\}")
_GROUP = re.compile(r"\((?:\?(?::|P?<[A-Za-z_]\w*>))?(?!\?)")
_CODE = re.compile(r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}|U([0-9a-fA-F]{8})")
_AFTER = re.compile(r"(?<=\\x[0-9A-F]{2})[0-9A-Fa-f]+")
_CONTROLS = {"n": 10, "r": 13, "t": 9, "f": 12, "v": 11, "0": 0}


class Unsupported(ValueError):
    """A regular expression outside the subset, or none at all: says what was found in it."""


@dataclass(frozen=True)
class Build(Generic[T]):
    """What to make of a regular expression: of a set of characters, of a sequence, of a choice, of a repeat."""

    chars: Callable[[Ranges], T]
    seq: Callable[[list[T]], T]
    alt: Callable[[list[T]], T]
    repeat: Callable[[T, int, int | None], T]


def read(pattern: str, build: Build[T], search: bool = False) -> T:
    """The whole pattern, built. With `search` it may match anywhere, as in JSON schema, unless it is anchored.

    Raises Unsupported; takes time linear in the pattern.
    """
    return _Reader(pattern, build, search).choice(0)[0]


def as_text(chars: Callable[[Ranges], str], longest: int | None = None) -> Build[str]:
    """Builds a regular expression again, with `chars` in place of its characters and `longest` for every open end."""

    def repeat(item: str, least: int, most: int | None) -> str:
        most = max(longest, least) if most is None and longest is not None else most
        return f"(?:{item}){times(least, most)}"

    return Build(chars, "".join, lambda options: f"(?:{'|'.join(options)})", repeat)


def times(least: int, most: int | None) -> str:
    """The quantifier that all notations share."""
    short = {(0, None): "*", (1, None): "+", (0, 1): "?", (1, 1): ""}
    exact = f"{{{least}}}" if least == most else f"{{{least},{'' if most is None else most}}}"
    return short.get((least, most), exact)


def one_class(ranges: Ranges) -> str:
    """A character class that Python, Rust and GBNF read alike."""
    if ranges == ANY:
        return f"[\\x00-{chr(_LAST)}]"
    if ranges and ranges[-1][1] == _LAST:  # the negated form never has a surrogate as its end
        return f"[^{apart(_spans(without(ANY, ranges)))}]"
    return f"[{apart(_spans(ranges))}]"


def apart(text: str) -> str:
    """The same with no digit after an escape of two: xgrammar takes more than two for it."""
    return _AFTER.sub(lambda run: "".join([f"\\x{ord(c):02X}" for c in run[0]]), text)


def _spans(ranges: Ranges) -> str:
    return "".join(_shown(a) if a == b else f"{_shown(a)}{'-' * (b > a + 1)}{_shown(b)}" for a, b in ranges)


def _shown(code: int) -> str:
    plain = code > 0x9F or (0x20 <= code < 0x7F and chr(code) not in r"\[]^-&~/" + '"')
    return chr(code) if plain else f"\\x{code:02X}"


def without(ranges: Ranges, others: Iterable[tuple[int, int]]) -> Ranges:
    """The characters of `ranges` that are in none of `others`."""
    found = list(ranges)
    for low, high in others:
        parts = [part for a, b in found for part in ((a, min(b, low - 1)), (max(a, high + 1), b))]
        found = sorted({(a, b) for a, b in parts if a <= b})
    return tuple(found)


def union(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The same characters in order, ranges that touch as one."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return tuple(found)


def _of(text: str) -> Ranges:
    return union((ord(c), ord(c)) for c in text)


_DIGITS: Ranges = ((48, 57),)
_SETS = {"d": _DIGITS, "w": union([*_DIGITS, (65, 90), (97, 122), (95, 95)]), "s": _of(" \t\n\r\f\v")}
_SETS |= {name.upper(): without(ANY, ranges) for name, ranges in _SETS.items()}
_DOT = without(ANY, _of("\n\r\u2028\u2029"))  # what ECMA-262 calls a line end


@dataclass
class _Reader(Generic[T]):
    """A place in a pattern. A method returns what it built, and whether that may be empty."""

    pattern: str
    build: Build[T]
    search: bool
    at: int = field(default=0)

    def choice(self, depth: int) -> tuple[T, bool]:
        options = [self.sequence(depth)]
        while self.take("|"):
            options.append(self.sequence(depth))
        if depth == 0 and self.at < len(self.pattern):
            raise Unsupported("a `)` that closes nothing")
        built = options[0][0] if len(options) == 1 else self.build.alt([one for one, _ in options])
        return built, any(empty for _, empty in options)

    def sequence(self, depth: int) -> tuple[T, bool]:
        begins, ends, empty = depth == 0 and self.take("^"), False, True
        items: list[T] = []
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            if ends:
                raise Unsupported("`$` before the end")
            if depth == 0 and self.take("$"):
                ends = True
                continue
            item, may_be_empty = self.quantified(depth)
            items.append(item)
            empty = empty and may_be_empty
        if self.search and depth == 0:
            filler = self.build.repeat(self.build.chars(ANY), 0, None)
            items = [filler] * (not begins) + items + [filler] * (not ends)
        return self.build.seq(items), empty

    def quantified(self, depth: int) -> tuple[T, bool]:
        item, empty = self.atom(depth)
        bounds = self.bounds()
        if bounds is None:
            return item, empty
        least, most = bounds
        self.take("?")  # lazy or not is the same language
        if self.at < len(self.pattern) and (self.pattern[self.at] in "*+?" or self.bounds() is not None):
            raise Unsupported("two quantifiers in a row")
        if most is not None and most < least:
            raise Unsupported("a quantifier whose bounds are the wrong way round")
        if empty and most != 1:
            raise Unsupported("a repeat of what may be empty")
        return self.build.repeat(item, least, most), empty or least == 0

    def bounds(self) -> tuple[int, int | None] | None:
        for sign, bounds in {"*": (0, None), "+": (1, None), "?": (0, 1)}.items():
            if self.take(sign):
                return bounds
        if count := _COUNT.match(self.pattern, self.at):
            self.at = count.end()
            least = int(count[1])
            return least, least if not count[2] else int(count[3]) if count[3] else None
        return None

    def atom(self, depth: int) -> tuple[T, bool]:
        char = self.pattern[self.at]
        if char == "(":
            group = _GROUP.match(self.pattern, self.at)
            if not group or depth == _DEPTH:
                raise Unsupported("groups nested too deeply" if group else f"`{self.pattern[self.at : self.at + 3]}`")
            self.at = group.end()
            inner = self.choice(depth + 1)
            if not self.take(")"):
                raise Unsupported("a `(` that nothing closes")
            return inner
        self.at += 1
        if char in "*+?^$":
            raise Unsupported(f"a `{char}` that is out of place")
        if char == "[":
            return self.build.chars(self.members()), False
        if char == "\\":
            return self.build.chars(self.escape()), False
        return self.build.chars(_DOT if char == "." else _scalar(ord(char))), False

    def members(self) -> Ranges:
        negated, found = self.take("^"), list[tuple[int, int]]()
        while not self.take("]"):
            low = self.member()
            is_range = self.pattern[self.at : self.at + 1] == "-" and self.pattern[self.at + 1 : self.at + 2] != "]"
            if not is_range:
                found += low
                continue
            self.at += 1
            high = self.member()
            if any(len(end) != 1 or end[0][0] != end[0][1] for end in (low, high)) or low[0][0] > high[0][0]:
                raise Unsupported("a range without two ends in order")
            found.append((low[0][0], high[0][0]))
        ranges = without(ANY, found) if negated else union(found)
        if not ranges:
            raise Unsupported("a class of no character")
        return ranges

    def member(self) -> Ranges:
        if self.at >= len(self.pattern):
            raise Unsupported("a `[` that nothing closes")
        char = self.pattern[self.at]
        self.at += 1
        if char == "\\":
            return ((8, 8),) if self.take("b") else self.escape()
        if char == "[" or self.pattern[self.at - 1 : self.at + 1] in ("&&", "--", "~~"):
            raise Unsupported("a class inside a class")  # Rust and Python differ on what it means
        return _scalar(ord(char))

    def escape(self) -> Ranges:
        char = self.pattern[self.at : self.at + 1]
        if char in _SETS:
            self.at += 1
            return _SETS[char]
        if code := _CODE.match(self.pattern, self.at):
            self.at = code.end()
            return _scalar(int(next(digits for digits in code.groups() if digits), 16))
        self.at += 1
        if char in _CONTROLS and not (char == "0" and self.pattern[self.at : self.at + 1].isdigit()):
            return _scalar(_CONTROLS[char])
        if not char or char.isalnum():
            raise Unsupported(f"`\\{char}`")
        return _scalar(ord(char))

    def take(self, text: str) -> bool:
        found = self.pattern.startswith(text, self.at)
        self.at += len(text) * found
        return found


def _scalar(code: int) -> Ranges:
    if 0xD800 <= code <= 0xDFFF or code > _LAST:
        raise Unsupported("half of a surrogate pair")
    return ((code, code),)
