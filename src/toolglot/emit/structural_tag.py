"""Rule tree -> xgrammar's structural tag, which vLLM and SGLang take too.

The one rule: it accepts what `gbnf` writes for the same tree, and `most` of free text besides. Free text becomes
xgrammar's own; what holds none is one grammar each, so that spacing and schema keywords are ours and not the engine's.
The format is that of xgrammar 0.2.8 (`xgrammar/structural_tag.py`); special tokens are text, as they are to xgrammar.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..rules import Alt, Free, Grammar, Lit, Ref, Repeat, Rule, Seq, Until, children
from .gbnf import gbnf, is_nothing

_FORMATS = 2_000  # in one tag; a larger one is a single grammar


class _TooLarge(Exception):
    """Free text inside a rule that refers to itself, or in too many places."""


def structural_tag(grammar: Grammar) -> dict[str, Any]:
    """`{"type": "structural_tag", "format": ...}`. Raises what `gbnf` raises."""
    try:
        made = _format(grammar, grammar.rules[grammar.start], (grammar.start,), iter(range(_FORMATS)))
    except _TooLarge:
        made = _grammar(grammar, grammar.rules[grammar.start])
    return {"type": "structural_tag", "format": made}


def _format(grammar: Grammar, rule: Rule, inside: tuple[str, ...], left: Iterator[int]) -> dict[str, Any]:
    if next(left, None) is None:
        raise _TooLarge
    if isinstance(rule, Lit) and rule.text:
        return {"type": "const_string", "value": rule.text}
    if is_nothing(rule) or not _has_text(grammar, rule, set()):
        return _grammar(grammar, rule)
    match rule:
        case Seq(items):
            parts = _together(grammar, items)
            return _several("sequence", [_format(grammar, part, inside, left) for part in parts])
        case Alt(options):
            kept = [option for option in options if not is_nothing(option)]
            return _several("or", [_format(grammar, option, inside, left) for option in kept])
        case Repeat(item, least, most):
            content = _format(grammar, item, inside, left)
            match least, most:
                case 0, 1:
                    return {"type": "optional", "content": content}
                case 0, None:
                    return {"type": "star", "content": content}
            return {"type": "repeat", "min": least, "max": -1 if most is None else most, "content": content}
        case Ref(name):
            if name in inside:
                raise _TooLarge
            return _format(grammar, grammar.rules[name], (*inside, name), left)
        case Until(ends, most, without, "", ()) if not _overlap(ends) and not _in_lines(without):
            ending = [{"type": "const_string", "value": end} for end in ends]
            return _several("sequence", [_any_text((*ends, *without), most), _several("or", ending)])
        case Free(without, most, "") if "" not in without and not _in_lines(without):
            return _any_text(without, most)
    return _grammar(grammar, rule)


def _any_text(excludes: tuple[str, ...], most: int | None) -> dict[str, Any]:
    limit = {} if most is None else {"max_chars": most}
    return {"type": "any_text", "excludes": list(excludes), **limit}


def _several(kind: str, elements: list[dict[str, Any]]) -> dict[str, Any]:
    return elements[0] if len(elements) == 1 else {"type": kind, "elements": elements}


def _grammar(grammar: Grammar, rule: Rule) -> dict[str, Any]:
    names: set[str] = set()
    _reach(grammar, rule, names)
    start = "start"
    while start in names:
        start += "-"
    rules = {start: rule, **{name: one for name, one in grammar.rules.items() if name in names}}
    return {"type": "grammar", "grammar": gbnf(replace(grammar, rules=rules, start=start))}


def _together(grammar: Grammar, items: tuple[Rule, ...]) -> list[Rule]:
    """The items of a sequence, with neighbours that hold no free text as one."""
    parts: list[Rule] = []
    plain: list[Rule] = []
    for item in (*items, None):
        if item is not None and not _has_text(grammar, item, set()):
            plain.append(item)
            continue
        if any(one != Lit("") for one in plain):
            parts.append(plain[0] if len(plain) == 1 else Seq(tuple(plain)))
        plain = []
        if item is not None:
            parts.append(item)
    return parts


def _reach(grammar: Grammar, rule: Rule, names: set[str]) -> None:
    if isinstance(rule, Ref) and rule.name not in names:
        names.add(rule.name)
        _reach(grammar, grammar.rules[rule.name], names)
    for child in children(rule):
        _reach(grammar, child, names)


def _has_text(grammar: Grammar, rule: Rule, seen: set[str]) -> bool:
    if isinstance(rule, Ref) and rule.name not in seen:
        seen.add(rule.name)
        return _has_text(grammar, grammar.rules[rule.name], seen)
    return isinstance(rule, (Until, Free)) or any(_has_text(grammar, child, seen) for child in children(rule))


def _in_lines(without: tuple[str, ...]) -> bool:
    """Whether one of them counts at the beginning of the text too, without its line break."""
    return any(word[:1] == "\n" and len(word) > 1 for word in without)


def _overlap(ends: tuple[str, ...]) -> bool:
    """Whether an end may be complete before the end that is written: then "text without it, and then it" is more."""
    if not ends or "" in ends:
        return True
    for end in ends:
        for other in ends:
            if other in end[:-1] or any(
                end.startswith(other[at:]) and other[at:] != end for at in range(1, len(other))
            ):
                return True
    return False
