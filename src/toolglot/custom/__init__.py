"""Custom tools: the grammar that a tool's free text is held to, Lark or a regular expression -> a rule tree.

OpenAI's API documents both: Lark as llguidance reads it, regular expressions as Rust writes them. The one rule: the
language is the textbook one. A text is allowed if the rules can derive it, however it may be cut into terminals; a lexer
that takes the longest terminal first, as llguidance's and Lark's own do, refuses some of these texts where terminals
overlap. What `%ignore` names may stand before any token that is not empty, and not at the end.

Reading is linear in the definition but for what it unrolls to, and that is bounded: LONGEST, NODES and SIZE below, DEPTH
and MANY in `lark`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from ..message import ToolglotError
from ..rules import Alt, Grammar, Lit, Ref, Regex, Repeat, Rule, Seq
from ..values.patterns import Unsupported, read
from ..values.scalars import FORCED, shortest
from . import inside, lark, regexes
from .lark import DEPTH, KNOWN, Draft
from .regexes import sequence
from .shape import NOTHING, Shape, chain, ends, holds, one_of, repeat

LONGEST = 65_536  # bytes of a definition
NODES = 50_000  # parts of all rules, with terminals in the place of their names
SIZE = 1_000_000  # the same, with every repeat written out
_IGNORED = "%ignore"
_Sizes = tuple[int, int, int]


def read_lark(text: str, prefix: str = "") -> Grammar:
    """The language of a Lark grammar, from its rule `start` on. `prefix`, in lower case, begins the name of every rule.

    Names are lower case and stay apart whatever their case was; a terminal is one Lit or one Regex.
    Raises ToolglotError: what was expected and found, with line and column, or which rule is wrong and what to do.
    """
    _check_length(text)
    draft = lark.read(text)
    if "start" not in draft.rules:
        raise ToolglotError("the grammar has no rule `start`; name the rule for the whole text so")
    if draft.ignored:
        draft.rules[_IGNORED] = one_of(draft.ignored)
        draft.terminals.add(_IGNORED)
    _open_terminals(draft)
    _check_ends(draft.rules)
    shape = Shape(draft.rules, draft.terminals)
    shape.rewrite()
    _measure(shape.rules)
    if draft.ignored:
        _space(shape)
    rules = {name: shape.rules[name] for name in _reached(shape.rules)}
    _measure(rules)
    _check_texts(made := _named(rules, shape.terminals, prefix))
    return made


def read_regex(text: str) -> Rule:
    """The texts that a regular expression matches as a whole. Raises ToolglotError: what of it is not known."""
    _check_length(text)
    try:
        tree = regexes.tree(text)
    except Unsupported as error:
        raise ToolglotError(f"the regular expression {text[:200]!r} has {error}; it may have {KNOWN}") from None
    _measure({"the regular expression": tree})
    token = _token(tree)
    _check_texts(Grammar({"start": token}))
    return token


def in_json(grammar: Grammar) -> Grammar:
    """The same language as it looks inside of a JSON string, without the quotes: `json.dumps(text)[1:-1]`, with
    characters beyond ASCII as they are, for each of its texts. Every character has that one spelling.

    Takes what `read_lark` and `read_regex` make: no free text and no values.
    """
    rules = {name: _in_json(rule) for name, rule in grammar.rules.items()}
    return Grammar(rules, grammar.start, grammar.space, grammar.caps)


def _in_json(rule: Rule) -> Rule:
    match rule:
        case Lit(text):
            return Lit(json.dumps(text, ensure_ascii=False)[1:-1])
        case Regex(pattern):
            return inside.in_json(pattern)
        case Seq(items):
            return Seq(tuple(map(_in_json, items)))
        case Alt(options):
            return Alt(tuple(map(_in_json, options)))
        case Repeat(item, least, most):
            return Repeat(_in_json(item), least, most)
        case Ref():
            return rule
    raise ToolglotError(f"{type(rule).__name__} in a grammar that is to stand inside of a JSON string; make it one value")


# -- what is wrong with it


def _check_length(text: str) -> None:
    if len(text) > LONGEST or len(text.encode("utf-8", "surrogatepass")) > LONGEST:
        raise ToolglotError(f"the definition is longer than {LONGEST} bytes; make it shorter")
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise ToolglotError("the definition holds half of a surrogate pair; write the character itself")


def _check_ends(rules: Mapping[str, Rule]) -> None:
    ended = holds(rules, ends)
    for name in rules:
        if name not in ended:
            raise ToolglotError(f"no text matches the rule `{name}`, for it would have no end; give it a way to end")


def _check_texts(grammar: Grammar) -> None:
    """Raises ToolglotError where every text is very long. A rule that is used before it is told counts as empty."""
    least: dict[str, int] = {}
    for name, rule in reversed(list(grammar.rules.items())):
        least[name] = _fewest(rule, least)
    if max(least.values()) > FORCED:
        raise ToolglotError(f"a part of the grammar has no text of {FORCED:,} characters or fewer; repeat less in it")


def _fewest(rule: Rule, least: Mapping[str, int]) -> int:
    match rule:
        case Lit(text):
            return len(text)
        case Regex(pattern):
            return shortest(pattern)
        case Seq(items):
            return sum(_fewest(item, least) for item in items)
        case Alt(options):
            return min((_fewest(option, least) for option in options), default=0)
        case Repeat(item, often):
            return often * _fewest(item, least)
        case Ref(name):
            return least.get(name, 0)
    return 0


def _measure(rules: Mapping[str, Rule]) -> None:
    known: dict[int, _Sizes] = {}
    total = (0, 0, 0)
    for name, rule in rules.items():
        total = _within(name, total, _sizes(rule, {}, known))


def _within(name: str, total: _Sizes, more: _Sizes) -> _Sizes:
    """The two together. Raises ToolglotError where they are too many parts, unroll to too much, or go too deep."""
    nodes, size = total[0] + more[0], total[1] + more[1]
    if nodes > NODES or size > SIZE or more[2] > 2 * DEPTH:
        raise ToolglotError(f"the grammar is too large or too deep with all of `{name[:80]}`; repeat or nest less in it")
    return nodes, size, 0


def _sizes(rule: Rule, names: Mapping[str, _Sizes], known: dict[int, _Sizes]) -> _Sizes:
    """Its parts, its parts with repeats written out, and how many are inside one another. `known`: by identity."""
    if id(rule) in known:
        return known[id(rule)]
    found = (1, 1, 0)
    match rule:
        case Seq(parts) | Alt(parts):
            inner = [_sizes(part, names, known) for part in parts]
            deep = 1 + max((one[2] for one in inner), default=0)
            found = 1 + sum(one[0] for one in inner), 1 + sum(one[1] for one in inner), deep
        case Repeat(item, least, most):
            nodes, size, deep = _sizes(item, names, known)
            found = 1 + nodes, 1 + size * max(least, most or 1), 1 + deep
        case Lit(text):
            found = 1, 1 + len(text), 0
        case Ref(name) if name in names:
            found = names[name]
    known[id(rule)] = found
    return found


# -- terminals


def _open_terminals(draft: Draft) -> None:
    """Puts the terminals that a terminal uses in the place of their names."""
    graph = {name: _names(draft.rules[name]) for name in draft.rules if name in draft.terminals}
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        ring = "`, `".join(error.args[1][:5])
        raise ToolglotError(f"terminals cannot use themselves, as `{ring}` do; write them as rules") from None
    sizes: dict[str, _Sizes] = {}
    total = (0, 0, 0)
    for name in order:
        sizes[name] = _sizes(draft.rules[name], sizes, {})
        total = _within(name, total, sizes[name])
        draft.rules[name] = _replaced(draft.rules[name], draft.rules)


def _names(rule: Rule) -> dict[str, None]:
    """The rules that it names, in order."""
    match rule:
        case Ref(name):
            return {name: None}
        case Seq(parts) | Alt(parts):
            return {name: None for part in parts for name in _names(part)}
        case Repeat(item):
            return _names(item)
    return {}


def _replaced(rule: Rule, rules: Mapping[str, Rule]) -> Rule:
    """The rule with these rules in the place of their names."""
    match rule:
        case Ref(name):
            return rules.get(name, rule)
        case Seq(items):
            return sequence([_replaced(item, rules) for item in items])
        case Alt(options):
            return Alt(tuple(_replaced(option, rules) for option in options))
        case Repeat(item, least, most):
            return Repeat(_replaced(item, rules), least, most)
    return rule


def _token(tree: Rule) -> Rule:
    whole = regexes.one_token([tree])
    if isinstance(whole, Lit):
        return whole
    pattern = regexes.text(tree)
    try:
        read(pattern, regexes.RULES)
    except Unsupported as error:
        raise ToolglotError(f"{error} in what is to be one terminal, {pattern[:200]!r}; nest less in it") from None
    return Regex(pattern)


# -- what is ignored


def _space(shape: Shape) -> None:
    """Puts what is ignored before every token of the rules."""
    once = shape.some(shape.rules[_IGNORED])
    if once == NOTHING:
        return
    token, spaces = f"{_IGNORED} once", f"{_IGNORED} all"
    many = isinstance(once, Repeat) and (once.least, once.most) == (1, None)
    rules = {name: rule for name, rule in shape.rules.items() if name not in shape.terminals}
    for name, rule in rules.items():
        shape.rules[name] = _spaced(shape, rule, Ref(spaces))
    shape.fill()
    shape.rules |= {token: once, spaces: Repeat(Ref(token), 0, 1 if many else None)}
    shape.terminals.add(token)


def _spaced(shape: Shape, rule: Rule, spaces: Rule) -> Rule:
    match rule:
        case Lit(text) if text:
            return Seq((spaces, rule))
        case Ref(name) if name in shape.terminals:
            token = chain([spaces, shape.some(rule)])
            return repeat(token, 0, 1) if shape.is_empty(rule) else token
        case Seq(items):
            return chain([_spaced(shape, item, spaces) for item in items])
        case Alt(options):
            return one_of(_spaced(shape, option, spaces) for option in options)
        case Repeat(item, least, most):
            return repeat(_spaced(shape, item, spaces), least, most)
    return rule


# -- names


def _reached(rules: Mapping[str, Rule]) -> list[str]:
    """The rules that the start uses, in order of use."""
    found = {"start": None}
    for name in (queue := ["start"]):
        news = _names(rules[name]).keys() - found.keys()
        queue += [one for one in _names(rules[name]) if one in news]
        found |= dict.fromkeys(news)
    return queue


def _named(rules: Mapping[str, Rule], terminals: set[str], prefix: str) -> Grammar:
    """The rules under their last names; a terminal without a name stands where it is used."""
    names: dict[str, str] = {}
    known: dict[str, Rule] = {}
    taken: set[str] = set()
    for name, rule in rules.items():
        if name in terminals and not re.match(r"[A-Za-z_%]", name):
            known[name] = _token(rule)
            continue
        plain = wanted = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "rule"
        number = 1
        while wanted in taken:
            number += 1
            wanted = f"{plain}_{number}"
        taken.add(wanted)
        names[name] = prefix + wanted
    known |= {name: Ref(new) for name, new in names.items()}

    def last(name: str) -> Rule:
        return _token(rules[name]) if name in terminals else _replaced(rules[name], known)

    return Grammar({new: last(name) for name, new in names.items()}, names["start"])
