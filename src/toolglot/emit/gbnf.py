"""Rule tree -> GBNF, llama.cpp's grammar notation.

The one rule: the text says exactly what the tree says. GBNF has neither look-ahead nor laziness, so free text becomes
the automaton that watches for its strings: one rule a state, one character a step. Special tokens are matched as text.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..message import ToolglotError
from ..rules import (
    Alt,
    AnyOrder,
    Free,
    Grammar,
    JsonValue,
    Lit,
    PythonValue,
    Ref,
    Regex,
    Repeat,
    Rule,
    Seq,
    Until,
)
from ..values import Values, json_rules, patterns, python_rules
from ..values.patterns import ANY, Build, Ranges, Unsupported, apart, one_class, read, times
from .any_order import unrolled
from .automaton import BEGIN, FIRST, is_done, states_of

_LONG = 64  # llama.cpp unrolls a repeat, and refuses one of thousands: longer ones are written in powers of two
_ESCAPES = {'"': r"\"", "\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"}


def gbnf(grammar: Grammar) -> str:
    """The grammar as GBNF; its start is `root`, and every other name has letters, digits and `-` only.

    An Until ends where the first of its ends is complete. `most` of Until and Free is kept only where they watch for
    nothing: the automaton would have a state for each length.
    Raises ToolglotError for a rule that nothing matches, a Regex outside the subset, and what `values` refuses.
    """
    writer = _Writer(grammar)
    start = writer.name_of(grammar.start)
    for name, rule in grammar.rules.items():
        writer.lines[writer.name_of(name)] = writer.whole(rule, name)
    lines = {"root": writer.lines.pop("root", start), **writer.lines}
    return "".join(f"{name} ::= {body}\n" for name, body in lines.items())


@dataclass
class _Writer:
    grammar: Grammar
    lines: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)  # a rule's name, and its name here
    taken: set[str] = field(default_factory=lambda: {"root"})
    numbers: defaultdict[str, int] = field(default_factory=lambda: defaultdict(lambda: 1))
    made: dict[object, str] = field(default_factory=dict)  # what has a rule of its own already

    def name_of(self, name: str) -> str:
        if name not in self.names:
            self.names[name] = "root" if name == self.grammar.start else self.fresh(name)
        return self.names[name]

    def fresh(self, wanted: str) -> str:
        plain = re.sub(r"[^A-Za-z0-9]+", "-", wanted).strip("-") or "rule"
        plain = plain if plain[0].isalpha() else f"r-{plain}"
        name = plain
        while name in self.taken:
            self.numbers[plain] += 1
            name = f"{plain}-{self.numbers[plain]}"
        self.taken.add(name)
        return name

    def whole(self, rule: Rule, name: str) -> str:
        if is_nothing(rule):
            raise ToolglotError(f"gbnf: nothing matches the rule {name!r}")
        return self.text(rule)

    def own(self, key: object, body: str, name: str) -> str:
        """The name of a rule with this body, made once for each key."""
        if key not in self.made:
            self.made[key] = self.fresh(name)
            self.lines[self.made[key]] = body
        return self.made[key]

    def text(self, rule: Rule, tight: int = 0) -> str:
        """`tight`: 0 where a choice may stand, 1 where a sequence may, 2 where one item must."""
        g = self.grammar
        match rule:
            case Lit(text):
                return _quoted(text)
            case Alt(options):
                kept = [one for one in options if not is_nothing(one)]
                if len(kept) == 1:
                    return self.text(kept[0], tight)
                body = " | ".join(self.text(one, 1) for one in kept)
                return f"({body})" if tight else body
            case Seq():
                items = _joined(rule)
                if len(items) == 1:
                    return self.text(items[0], tight)
                body = " ".join(self.text(one, 1) for one in items) or '""'
                return f"({body})" if tight == 2 and len(items) > 1 else body
            case Repeat(item, least, most):
                if most == 0 or is_nothing(item):
                    return '""'
                body = self.repeat(self.text(item, 2), least, most)
                return f"({body})" if tight == 2 and body[0] != "(" else body
            case Regex(pattern):
                plain = self.regex(pattern)
                return pattern if plain == rule else self.text(plain, tight)  # a class, as `one_class` writes it
            case Until(ends, _, without, first, bare):
                return self.until(ends, without, first, bare)
            case Free(without, most, first):
                return self.free(without, most, first)
            case JsonValue(schema, root):
                made = json_rules(schema, root, g.caps, g.space, self.fresh("json-value"), g.order)
                return self.value(made, tight)
            case PythonValue(schema, root):
                made = python_rules(schema, root, g.caps, g.space, self.fresh("python-value"), g.order)
                return self.value(made, tight)
            case AnyOrder():
                name = self.fresh("order")
                self.named(unrolled(rule, name))
                return self.name_of(name)
            case Ref(name):
                return self.name_of(name)

    def value(self, values: Values, tight: int) -> str:
        self.named(values.rules)
        return self.text(values.rule, tight)

    def named(self, rules: Mapping[str, Rule]) -> None:
        for name, rule in rules.items():  # those that another value brought are the same
            if self.name_of(name) not in self.lines:
                self.lines[self.name_of(name)] = ""
                self.lines[self.name_of(name)] = self.text(rule)

    def regex(self, pattern: str) -> Rule:
        try:
            return read(pattern, _RULES)
        except Unsupported as error:
            raise ToolglotError(f"gbnf: {error} in the regular expression {pattern[:200]!r}") from None

    def repeat(self, item: str, least: int, most: int | None) -> str:
        if max(least, most or 0) <= _LONG:
            return item + times(least, most)
        item = self.own(("item", item), item, "item") if len(item) > 40 else item
        some = self.exactly(item, least) if least else ""
        more = f"{item}*" if most is None else self.at_most(item, most - least)
        return f"({some} {more})" if some and more else f"({some})" if some else more

    def exactly(self, item: str, count: int) -> str:
        bits = [bit for bit in reversed(range(count.bit_length())) if count >> bit & 1]
        return " ".join(self.power(item, bit) for bit in bits)

    def power(self, item: str, bit: int) -> str:
        if 1 << bit <= _LONG:
            return item + times(1 << bit, 1 << bit)
        half = self.power(item, bit - 1)
        return self.own(("power", item, bit), f"{half} {half}", "times")

    def at_most(self, item: str, count: int) -> str:
        """Either the largest power of two and up to the rest, or less than that power: one way for each number."""
        if count <= _LONG:
            return item + times(0, count) if count else ""
        if ("most", item, count) in self.made:
            return self.made["most", item, count]
        bit = count.bit_length() - 1
        more, less = self.at_most(item, count - (1 << bit)), self.at_most(item, (1 << bit) - 1)
        return self.own(("most", item, count), f"{self.power(item, bit)} {more} | {less}", "upto")

    # -- free text

    def until(self, ends: tuple[str, ...], without: tuple[str, ...], first: str, bare: tuple[str, ...]) -> str:
        if not ends:
            raise ToolglotError("gbnf: free text needs an end")
        return '""' if "" in ends else self.automaton("text", ends, without, first, bare)

    def free(self, without: tuple[str, ...], most: int | None, first: str) -> str:
        if "" in without:
            raise ToolglotError("gbnf: every text holds the empty string, so no text is without it")
        watching = without or first
        return self.automaton("free", (), without, first) if watching else self.repeat(one_class(ANY), 0, most)

    def automaton(
        self, kind: str, ends: tuple[str, ...], without: tuple[str, ...], at_first: str = "", bare: tuple[str, ...] = ()
    ) -> str:
        key = (kind, ends, without, at_first, bare)
        if key in self.made:
            return self.made[key]
        states = states_of(ends, without, at_first, bare)
        names = {state: self.fresh(kind) for state in states}
        first = names[FIRST]
        self.made[key] = names.get(BEGIN, first)
        for state, steps in states.items():
            arrows: dict[str, list[str]] = {}
            for char, reached in steps.items():
                if reached in names or is_done(reached):
                    arrows.setdefault(names.get(reached, ""), []).append(char)
            options = [] if ends else ['""']
            if state[1] < 0:
                watched = [(ord(char), ord(char)) for char in sorted(steps)]
                options.append(f"{one_class(patterns.without(ANY, watched))} {first}")
            options += [f"{_among(chars)} {target}".strip() for target, chars in arrows.items()]
            self.lines[names[state]] = " | ".join(options)
        return self.made[key]


def _among(chars: list[str]) -> str:
    return _quoted(chars[0]) if len(chars) == 1 else one_class(tuple((ord(char), ord(char)) for char in sorted(chars)))


def _chars(ranges: Ranges) -> Rule:
    one = len(ranges) == 1 and ranges[0][0] == ranges[0][1]
    return Lit(chr(ranges[0][0])) if one else Regex(one_class(ranges))


def _sequence(items: list[Rule]) -> Rule:
    return items[0] if len(items) == 1 else Seq(tuple(items))


_RULES: Build[Rule] = Build(_chars, _sequence, lambda options: Alt(tuple(options)), Repeat)


def is_nothing(rule: Rule) -> bool:
    match rule:
        case Alt(options):
            return all(map(is_nothing, options))
        case Seq(items):
            return any(map(is_nothing, items))
        case Repeat(item, least):
            return least > 0 and is_nothing(item)
        case AnyOrder(items):
            return any(must and is_nothing(item) for must, item in items)
    return False


def _joined(rule: Seq) -> list[Rule]:
    """The items of a sequence, sequences in it opened, neighbouring literals as one and empty ones left out."""
    found: list[Rule] = []
    for item in rule.items:
        for one in _joined(item) if isinstance(item, Seq) else (item,):
            if isinstance(one, Lit) and found and isinstance(found[-1], Lit):
                found[-1] = Lit(found[-1].text + one.text)
            elif not (isinstance(one, Lit) and one.text == ""):
                found.append(one)
    return found


def _quoted(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ToolglotError(f"gbnf: half of a surrogate pair in {text[:200]!r}") from None
    return '"' + apart("".join(map(_escaped, text))) + '"'


def _escaped(char: str) -> str:
    return _ESCAPES.get(char) or (char if char.isprintable() or ord(char) > 255 else f"\\x{ord(char):02X}")
