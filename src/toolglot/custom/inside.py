"""What a regular expression matches, as it looks inside of a JSON string -> a rule.

The one rule: each character has one spelling, that of `json.dumps` with `ensure_ascii=False`. An escape is a token of
its own: llguidance's lexer never goes back, so a token that may go on with one escape would shut out another that is to
follow it. What has no escape in it stays one Regex, unless it could take in the begin of what follows.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from ..rules import Alt, Lit, Regex, Repeat, Rule, Seq
from ..values.patterns import ANY, Build, Ranges, one_class, read, union, without
from .regexes import RULES, of_characters, one_token, text

_SHORT = {'"': '"', "\\": "\\", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}
_RANGES: Build[Ranges] = Build(lambda chars: chars, lambda items: items[0], lambda options: options[0], lambda *_: ANY)
_MANY = 500  # ranges of characters that are told apart


def in_json(pattern: str) -> Rule:
    build: Build[Rule] = Build(_characters, one_token, RULES.alt, RULES.repeat)
    return _tokens(read(pattern, build), ())


def _characters(ranges: Ranges) -> Rule:
    """One of these characters: as it is, as a short escape, or for other controls as `\\u00XX`."""

    early = [ends for ends in ranges if ends[0] <= ord("\\")]

    def kept(chars: Iterable[str]) -> list[str]:
        return [char for char in chars if any(low <= ord(char) <= high for low, high in early)]

    plain = without(ranges, [(0, 31), *((ord(char), ord(char)) for char in _SHORT)])
    options = [of_characters(plain)] if plain else []
    if short := kept(_SHORT):
        options.append(_escape("", [_SHORT[char] for char in short]))
    controls = kept(char for char in map(chr, range(32)) if char not in _SHORT)
    for half in "01":
        if last := [f"{ord(char) % 16:x}" for char in controls if ord(char) // 16 == int(half)]:
            options.append(_escape(f"u00{half}", last))
    return options[0] if len(options) == 1 else Alt(tuple(options))


def _escape(begin: str, last: list[str]) -> Rule:
    if len(last) == 1:
        return Lit("\\" + begin + last[0])
    return Regex(r"\\" + begin + one_class(tuple((code, code) for code in sorted(map(ord, last)))))


def _has_escape(rule: Rule) -> bool:
    match rule:
        case Lit(chars):
            return "\\" in chars
        case Regex(pattern):
            return pattern.startswith(r"\\")
        case Seq(parts) | Alt(parts):
            return any(map(_has_escape, parts))
        case Repeat(item):
            return _has_escape(item)
    raise TypeError(rule)


def _tokens(rule: Rule, following: Ranges) -> Rule:
    """The same in tokens. `following`: the characters that what follows may begin with, escapes aside."""
    if not _has_escape(rule) and not _meet(_further(rule), following):
        return rule if isinstance(rule, Lit) else Regex(text(rule))
    match rule:
        case Alt(options):
            return Alt(tuple(_tokens(option, following) for option in options))
        case Seq(items):
            made: list[Rule] = []
            for item in reversed(items):
                made.append(_tokens(item, following))
                following = _joined((*_first(item), *(following if _may_be_empty(item) else ())))
            return one_token(reversed(made))
        case Repeat(item, least, most) if most == 1:
            return Repeat(_tokens(item, following), least, most)
        case Repeat(item, least, most):
            options = item.options if isinstance(item, Alt) else (item,)
            again = _first(item)
            runs = most is None and least <= 1 and not _clash(again)
            made = [_run(one) if runs and _is_class(one) and not _meet(_first(one), following) else
                    _tokens(one, _joined((*again, *following))) for one in options]  # fmt: skip
            return Repeat(made[0] if len(made) == 1 else Alt(tuple(made)), least, most)
    return rule


def _is_class(rule: Rule) -> bool:
    return isinstance(rule, Regex) and not _has_escape(rule)


def _run(rule: Rule) -> Rule:
    return Regex(text(Repeat(rule, 1, None)))


def _may_be_empty(rule: Rule) -> bool:
    match rule:
        case Seq(items):
            return all(map(_may_be_empty, items))
        case Alt(options):
            return any(map(_may_be_empty, options))
        case Repeat(item, least):
            return least == 0 or _may_be_empty(item)
    return rule == Lit("")


def _first(rule: Rule) -> Ranges:
    """The characters that it may begin with, escapes aside."""
    match rule:
        case Lit(chars):
            return tuple((ord(char), ord(char)) for char in chars[:1] if char != "\\")
        case Regex(pattern):
            return () if _has_escape(rule) else read(pattern, _RANGES)
        case Alt(options):
            return tuple(one for option in options for one in _first(option))
        case Repeat(item):
            return _first(item)
        case Seq(items):
            found: Ranges = ()
            for item in items:
                found += _first(item)
                if not _may_be_empty(item):
                    break
            return found
    raise TypeError(rule)


def _further(rule: Rule) -> Ranges:
    """The characters with which it may go on where it could also end; perhaps more than these."""
    match rule:
        case Alt(options):
            return ANY if _clash(_first(rule)) else tuple(one for option in options for one in _further(option))
        case Repeat(item, least, most):
            return (*_further(item), *(_first(item) if most != 1 or least == 0 else ()))
        case Seq(items):
            found: Ranges = ()
            for item in reversed(items):
                found += _further(item)
                if not _may_be_empty(item):
                    break
                found += _first(item)
            return found
    return ()


def _joined(ranges: Ranges) -> Ranges:
    """The same characters; all where they are many."""
    found = union(ranges)
    return found if len(found) <= _MANY else ANY


def _clash(ranges: Ranges) -> bool:
    """A character is in two of them."""
    ends = sorted(ranges)
    return any(after[0] <= before[1] for before, after in pairwise(ends))


def _meet(some: Ranges, others: Ranges) -> bool:
    return bool(some and others) and _clash((*_joined(some), *_joined(others)))
