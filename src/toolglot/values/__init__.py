"""A JSON schema -> the rules of the values it allows, written as JSON or as Python literals.

The one rule: a keyword is enforced, or named in a sentence, or refused; never dropped in silence. Where the schema
leaves room, the rules are the narrower reading: members stand in declared order, what `properties` does not name
may come only where `additionalProperties` says so, and a schema without a type is of the types its keywords are for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from ..message import ToolglotError
from ..rules import Alt, AnyOrder, Caps, Lit, Order, Ref, Regex, Repeat, Rule, Seq, Whitespace
from . import literals, reading, scalars
from .keywords import Keywords, Nothing, place
from .literals import PYTHON, Notation, json_notation

_INLINE = 6  # schemas inside one another in one rule: no reading of the rules recurses far
_CHAIN = 8  # optional items inside one another in one rule
_NAMES = 4_000  # how much may be written to keep additional names apart from declared ones


class Values(NamedTuple):
    """What a value may be, over named rules; a sentence for each thing of the schema that they do not enforce, and for
    each place where they allow less than it does."""

    rule: Rule
    rules: dict[str, Rule]
    unenforced: list[str]
    narrowed: list[str]


def json_rules(
    schema: Any, root: Any = None, caps: Caps = Caps(), space: Whitespace = Whitespace(), prefix: str = "value",
    order: Order = "declared",
) -> Values:
    """The schema's values as JSON, spaced as `space` says. `root` is what `$ref` points into; None: the schema.

    Names are `prefix-N`, and `json-*` for what does not depend on the schema: calls with other prefixes and the same
    caps and space can share one grammar. Raises ToolglotError for a schema that is none, that no value satisfies,
    that refers to nowhere, or that is too large.
    """
    return _values(schema, root, caps, json_notation(space), prefix, order)


def python_rules(
    schema: Any, root: Any = None, caps: Caps = Caps(), space: Whitespace = Whitespace(), prefix: str = "value",
    order: Order = "declared",
) -> Values:
    """The same as Python literals, spaced as `repr` does; `space` is not used. Strings may have either quote."""
    return _values(schema, root, caps, PYTHON, prefix, order)


def _values(schema: Any, root: Any, caps: Caps, notation: Notation, prefix: str, order: Order) -> Values:
    made = _Converter(Keywords(schema if root is None else root), caps, notation, prefix, order)
    at = ""
    try:
        rule = made.rule(schema, at, 0)
        while made.queue:
            name, later, at = made.queue.popleft()
            made.rules[name] = made.body(later, at, 0)
    except RecursionError:
        raise ToolglotError(f"{place(at)}: the schema is nested too deeply") from None
    for name in _endless(made.rules):
        raise Nothing(f"{place(made.places.get(name, ''))}: no value satisfies it, for it would have no end")
    return Values(rule, made.rules, list(made.keywords.unenforced), list(made.keywords.narrowed))


def _endless(rules: Mapping[str, Rule]) -> list[str]:
    """The rules that never come to an end, in time linear in their size."""
    waiting: dict[str, list[_Node]] = {name: [] for name in rules}
    news: list[_Node] = []

    def watch(rule: Rule, above: _Node) -> None:
        match rule:
            case Ref(name):
                waiting[name].append(above)
            case Seq(items) if items:
                node = _Node(len(items), above)
                for item in items:
                    watch(item, node)
            case Alt(options):
                node = _Node(1, above)
                for option in options:
                    watch(option, node)
            case Repeat(item, least) if least:
                watch(item, above)
            case AnyOrder(items):
                watch(Seq(tuple(item for must, item in items if must)), above)
            case _:
                news.append(above)

    for name, rule in rules.items():
        watch(rule, _Node(1, name))
    while news:
        node = news.pop()
        node.missing -= 1
        if node.missing == 0:
            news.extend(waiting.pop(node.above) if isinstance(node.above, str) else [node.above])
    return list(waiting)


@dataclass
class _Node:
    """A rule, or a part of one, that ends when so many of its parts have."""

    missing: int
    above: _Node | str


def _one_of(options: Iterable[Rule]) -> Rule:
    flat = (one for option in options for one in (option.options if isinstance(option, Alt) else (option,)))
    once = tuple(dict.fromkeys(flat))
    return once[0] if len(once) == 1 else Alt(once)


def _maybe(*items: Rule) -> Rule:
    return Repeat(Seq(items), 0, 1)


@dataclass
class _Converter:
    """`rule` says what a schema allows; `at` is its place in the value, `depth` how far it stands inside its rule."""

    keywords: Keywords
    caps: Caps
    notation: Notation
    prefix: str
    order: Order
    rules: dict[str, Rule] = field(default_factory=dict)
    named: dict[int, tuple[Ref, Any]] = field(default_factory=dict)  # by identity, valid while the schema is held
    places: dict[str, str] = field(default_factory=dict)
    queue: deque[tuple[str, Any, str]] = field(default_factory=deque)

    # -- any schema

    def rule(self, schema: Any, at: str, depth: int) -> Rule:
        if self.keywords.checked(schema, at) is True or not schema:
            return self.shared("value")
        if "$ref" in schema or depth > _INLINE:
            return self.later(schema, at)
        return self.body(schema, at, depth)

    def later(self, schema: Any, at: str) -> Rule:
        """A rule of its own, one for each schema, that is made when this one is: schemas may refer to themselves."""
        schema = self.keywords.meant(schema, at)
        if isinstance(schema, bool) or not schema:
            return self.rule(schema, at, 0)
        if id(schema) not in self.named:
            ref = self.own(Alt(()))
            self.named[id(schema)], self.places[ref.name] = (ref, schema), at
            self.queue.append((ref.name, schema, at))
        return self.named[id(schema)][0]

    def own(self, rule: Rule) -> Ref:
        name = f"{self.prefix}-{len(self.rules)}"
        self.rules[name] = rule
        return Ref(name)

    def body(self, schema: Mapping[str, Any], at: str, depth: int) -> Rule:
        return _one_of(self.options(reading.whole(self.keywords, schema, at), at, depth))

    def options(self, schema: dict[str, Any], at: str, depth: int) -> list[Rule]:
        if "enum" in schema:
            return self.enum(schema, at)
        if split := reading.branches(self.keywords, schema, at):
            return reading.satisfiable([partial(self.branch, split.base, one, at, depth) for one in split.branches],
                                       f"{place(at)}: no value satisfies any schema of `{split.key}`")
        names = reading.types(self.keywords, schema, at)
        return reading.satisfiable([partial(self.typed, name, schema, at, depth) for name in names])

    def branch(self, base: dict[str, Any], branch: Any, at: str, depth: int) -> Rule:
        if not base:
            return self.rule(branch, at, depth + 1)
        # what the branches share goes into rules of its own, or it would multiply with every choice inside a choice
        whole, deeper = {"allOf": [base, branch]}, max(depth, _INLINE) + 1
        return self.later(whole, at) if deeper > 2 * _INLINE else self.body(whole, at, deeper)

    def enum(self, schema: dict[str, Any], at: str) -> list[Rule]:
        values = reading.choices(self.keywords, schema, at)
        return [Lit(text) for text in dict.fromkeys(self.notation.write(value) for value in values)]

    def typed(self, name: str, schema: dict[str, Any], at: str, depth: int) -> Rule:
        match name:
            case "object":
                return self.object(schema, at, depth)
            case "array":
                return self.array(schema, at, depth)
            case "string":
                text = scalars.string(self.keywords, self.notation, self.caps, schema, at)
                return self.shared(name) if text is None else Regex(text)
            case "number" | "integer":
                limits = scalars.number if name == "number" else scalars.integer
                text = limits(self.keywords, self.caps.digits, schema, at)
                return self.shared(name) if text is None else Regex(text)
            case "boolean":
                return Alt((Lit(self.notation.words["true"]), Lit(self.notation.words["false"])))
            case "null":
                return Lit(self.notation.words["null"])
        return self.shared("value")

    # -- objects and arrays

    def object(self, schema: dict[str, Any], at: str, depth: int) -> Rule:
        said = reading.members(self.keywords, schema, at)
        if said.any:
            return self.shared("object")
        pairs: list[tuple[bool, Rule]] = []
        for name, (inner, must) in said.named.items():
            try:
                value = self.rule(inner, f"{at}.{name[:80]}", depth + 1)
            except Nothing:
                if must:
                    raise
                continue
            pairs.append((must, self.pair(Lit(self.notation.write(name)), value)))
        more: Rule | None = None
        try:
            value = self.rule(said.others, f"{at}.*", depth + 1)
            more = self.pair(self.other_names([*said.named], at), value)
        except Nothing:
            pass  # as with `false`: there are no additional ones
        return self.between("{", self.subset(pairs, more), "}")

    def pair(self, key: Rule, value: Rule) -> Rule:
        gap = self.notation.gap
        if isinstance(key, Lit) and gap == Seq(()):
            return Seq((Lit(key.text + self.notation.key), value))
        return Seq((key, gap, Lit(self.notation.key), gap, value, gap))

    def between(self, opener: str, inside: Rule, closer: str) -> Rule:
        return Seq((Lit(opener), self.notation.gap, inside, Lit(closer)))

    def comma(self) -> Rule:
        gap = self.notation.gap
        return Lit(self.notation.item) if gap == Seq(()) else Seq((Lit(self.notation.item), gap))

    def item(self, rule: Rule) -> Rule:
        """One of a list, with the white space after it."""
        gap = self.notation.gap
        return rule if gap == Seq(()) else Seq((rule, gap))

    def subset(self, pairs: list[tuple[bool, Rule]], more: Rule | None) -> Rule:
        """The required pairs and any of the others, in order and with commas between, then any number of `more`.

        Up to the first required pair a comma follows each pair, after it a comma precedes each. Without one, each half
        of them is a rule of its own: linear in size, and no rule leads to another more than a few times over, for
        engines follow rules with a stack that ends.
        """
        comma, most = self.comma(), self.caps.items
        if self.order == "any" and pairs:
            return AnyOrder(tuple((must, self.own(pair)) for must, pair in pairs), comma, more)
        tail: list[Rule] = [] if more is None else [Repeat(Seq((comma, more)), 0, most)]
        first = next((i for i, (required, _) in enumerate(pairs) if required), None)
        if first is not None:
            before = [_maybe(pair, comma) for _, pair in pairs[:first]]
            after = [Seq((comma, pair)) if need else _maybe(comma, pair) for need, pair in pairs[first + 1 :]]
            return Seq((*before, pairs[first][1], *after, *tail))
        options: list[Rule] = [Seq((self.some([pair for _, pair in pairs]), *tail))] if pairs else []
        options += [] if more is None else [self.listed([], more, 1, None if most is None else max(most, 1))]
        return Repeat(_one_of(options), 0, 1) if options else Seq(())

    def some(self, pairs: list[Rule]) -> Rule:
        """One or more of the pairs: some of the first half and perhaps of the second, or of the second alone."""
        if len(pairs) == 1:
            return self.own(pairs[0])
        first, second = self.some(pairs[: len(pairs) // 2]), self.some(pairs[len(pairs) // 2 :])
        return self.own(Alt((Seq((first, _maybe(self.comma(), second))), second)))

    def other_names(self, declared: list[str], at: str) -> Rule:
        if not declared:
            return self.shared("string")
        if sum(len(name) ** 2 for name in declared) > _NAMES:
            self.keywords.skip(at, "additionalProperties", "that an additional name is none of the many declared is")
            return self.shared("string")
        return Regex(literals.other_than(self.notation, declared, self.caps.string))

    def array(self, schema: dict[str, Any], at: str, depth: int) -> Rule:
        prefix, items, least, most = reading.items(self.keywords, schema, at)
        if most is None and self.caps.items is not None:
            most = max(self.caps.items, least, len(prefix))
        if not prefix and items is True and (least, most) == (0, self.caps.items):
            return self.shared("array")
        firsts: list[Rule] = []
        inner: Rule | None = None
        try:
            for number, one in enumerate(prefix[:most]):
                firsts.append(self.item(self.rule(one, f"{at}[{number}]", depth + 1)))
            if most is None or len(firsts) < most:
                inner = self.item(self.rule(items, f"{at}[]", depth + 1))
        except Nothing:
            if least > len(firsts):
                raise
        return self.between("[", self.listed(firsts, inner, least, most), "]")

    def listed(self, firsts: list[Rule], inner: Rule | None, least: int, most: int | None) -> Rule:
        """With commas between: each of `firsts` needs those before it, and `inner`, repeated, all of them."""
        comma, count = self.comma(), len(firsts)
        if inner is not None and not isinstance(inner, (Lit, Ref, Regex)):
            inner = self.own(inner)  # it stands twice below, which would double with each list inside a list
        if inner is not None and count == 0 and most != 0:
            more = Repeat(Seq((comma, inner)), max(least - 1, 0), None if most is None else most - 1)
            return Seq((inner, more)) if least else _maybe(inner, more)
        rest: Rule = Seq(())
        if inner is not None and count:
            rest = Repeat(Seq((comma, inner)), max(least - count, 0), None if most is None else most - count)
        for number in reversed(range(count)):
            items: tuple[Rule, ...] = (comma, firsts[number], rest) if number else (firsts[number], rest)
            rest = Seq(items) if number < least else _maybe(*items)
            if number % _CHAIN == _CHAIN - 1:
                rest = self.own(rest)
        return rest

    # -- what does not depend on the schema

    def shared(self, kind: str) -> Rule:
        name = f"{self.notation.name}-{kind}"
        if name not in self.rules:
            self.rules[name] = Alt(())  # its place: an object may hold itself
            self.rules[name] = self.free(kind)
        return Ref(name)

    def free(self, kind: str) -> Rule:
        match kind:
            case "string":
                return Regex(literals.any_string(self.notation, 0, self.caps.string))
            case "number":
                return Regex(literals.number(self.caps.digits))
            case "integer":
                return Regex(literals.integers(None, None, self.caps.digits))
            case "object":
                pair = self.pair(self.shared("string"), self.shared("value"))
                return self.between("{", self.listed([], pair, 0, self.caps.items), "}")
            case "array":
                inner = self.item(self.shared("value"))
                return self.between("[", self.listed([], inner, 0, self.caps.items), "]")
        words = map(Lit, self.notation.words.values())
        return Alt((*map(self.shared, ("object", "array", "string", "number")), *words))
