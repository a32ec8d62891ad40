"""A JSON schema -> the rules of the values it allows, written as JSON or as Python literals.

The one rule: a keyword is enforced, or named in a sentence, or refused; never dropped in silence. Where the schema
leaves room, the rules are the narrower reading: members stand in declared order, what `properties` does not name
may come only where `additionalProperties` says so, and a schema without a type is of the types its keywords are for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..message import ToolglotError
from ..rules import Alt, Caps, Lit, Ref, Regex, Repeat, Rule, Seq, Whitespace
from ..schema import type_name
from . import literals, scalars
from .keywords import NOTES, Keywords, Nothing, as_list, place
from .literals import PYTHON, Notation, json_notation

_INLINE = 6  # schemas inside one another in one rule: no reading of the rules recurses far
_CHAIN = 8  # optional items inside one another in one rule
_NAMES = 4_000  # how much may be written to keep additional names apart from declared ones
_WORDS = {  # the keywords that speak of values of one type
    "object": ("properties", "required", "additionalProperties"),
    "array": ("items", "prefixItems", "additionalItems", "minItems", "maxItems"),
    "string": ("minLength", "maxLength", "pattern", "format"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
_KNOWN = NOTES.union({"$ref", "allOf", "anyOf", "oneOf", "enum", "const", "type"}, *_WORDS.values())


class Values(NamedTuple):
    """What a value may be, over named rules, and a sentence for each thing of the schema that they do not enforce."""

    rule: Rule
    rules: dict[str, Rule]
    unenforced: list[str]


def json_rules(
    schema: Any, root: Any = None, caps: Caps = Caps(), space: Whitespace = Whitespace(), prefix: str = "value"
) -> Values:
    """The schema's values as JSON, spaced as `space` says. `root` is what `$ref` points into; None: the schema.

    Names are `prefix-N`, and `json-*` for what does not depend on the schema: calls with other prefixes and the same
    caps and space can share one grammar. Raises ToolglotError for a schema that is none, that no value satisfies,
    that refers to nowhere, or that is too large.
    """
    return _values(schema, root, caps, json_notation(space), prefix)


def python_rules(
    schema: Any, root: Any = None, caps: Caps = Caps(), space: Whitespace = Whitespace(), prefix: str = "value"
) -> Values:
    """The same as Python literals, spaced as `repr` does; `space` is not used. Strings may have either quote."""
    return _values(schema, root, caps, PYTHON, prefix)


def _values(schema: Any, root: Any, caps: Caps, notation: Notation, prefix: str) -> Values:
    made = _Converter(Keywords(schema if root is None else root), caps, notation, prefix)
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
    return Values(rule, made.rules, list(made.keywords.unenforced))


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


def _is_of(value: object, types: Sequence[str]) -> bool:
    match value:
        case None:
            name = "null"
        case bool():
            name = "boolean"
        case int() | float():
            name = "integer" if value == value // 1 and "integer" in types else "number"
        case str():
            name = "string"
        case Mapping():
            name = "object"
        case _:
            name = "array"
    return name in types or "value" in types


@dataclass
class _Converter:
    """`rule` says what a schema allows; `at` is its place in the value, `depth` how far it stands inside its rule."""

    keywords: Keywords
    caps: Caps
    notation: Notation
    prefix: str
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
        null: list[Rule] = [Lit(self.notation.words["null"])]
        try:
            flat = self.keywords.flat(schema, at)
            for key in flat:
                if key not in _KNOWN:
                    self.keywords.skip(at, key)
            return _one_of(self.options(flat, at, depth) + null * (flat.get("nullable") is True))
        except Nothing:
            if schema.get("nullable") is True:
                return null[0]
            raise

    def options(self, schema: dict[str, Any], at: str, depth: int) -> list[Rule]:
        if "enum" in schema:
            return self.enum(schema, at)
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return self.branches(key, schema, at, depth)
        types = self.types(schema, at)
        if not types:
            raise Nothing(f"{place(at)}: no value satisfies it, for none is of every `type` that is asked for")
        return [self.typed(name, schema, at, depth) for name in types]

    def branches(self, key: str, schema: dict[str, Any], at: str, depth: int) -> list[Rule]:
        base = {name: value for name, value in schema.items() if name != key and name not in NOTES}
        branches = self.keywords.list_of(schema, key, at)
        if key == "oneOf" and len(branches) > 1:
            self.keywords.skip(at, "oneOf", "that only one of its schemas holds is")
        found: list[Rule] = []
        for branch in branches:
            try:
                found.append(self.branch(base, branch, at, depth))
            except Nothing:
                continue
        if not found:
            raise Nothing(f"{place(at)}: no value satisfies any schema of `{key}`")
        return found

    def branch(self, base: dict[str, Any], branch: Any, at: str, depth: int) -> Rule:
        if not base:
            return self.rule(branch, at, depth + 1)
        # what the branches share goes into rules of its own, or it would multiply with every choice inside a choice
        whole, deeper = {"allOf": [base, branch]}, max(depth, _INLINE) + 1
        return self.later(whole, at) if deeper > 2 * _INLINE else self.body(whole, at, deeper)

    def enum(self, schema: dict[str, Any], at: str) -> list[Rule]:
        for key in sorted(schema.keys() & (_KNOWN - NOTES - {"enum", "type"})):
            self.keywords.skip(at, key, "beside `enum` it is")
        types = self.types(schema, at) if "type" in schema else ["value"]
        values = [value for value in self.keywords.list_of(schema, "enum", at) if _is_of(value, types)]
        if not values:
            raise Nothing(f"{place(at)}: no value satisfies it, for none in `enum` or `const` is allowed")
        try:
            return [Lit(text) for text in dict.fromkeys(map(self.notation.write, values))]
        except (TypeError, ValueError):
            raise ToolglotError(f"{place(at)}: `enum` or `const` holds what JSON cannot write") from None

    def types(self, schema: dict[str, Any], at: str) -> list[str]:
        """JSON's names; where the schema names none, those that its keywords speak of; "value" for any."""
        if "type" not in schema:
            return [name for name, words in _WORDS.items() if not schema.keys().isdisjoint(words)] or ["value"]
        names: dict[str, None] = {}
        for written in as_list(schema["type"]):
            name = type_name(written)
            if name is None and str(written).lower() != "any":
                self.keywords.skip(at, "type", f"{str(written)[:80]!r} names no type that is known, so it is")
            names[name or "value"] = None
        if "value" in names:
            return ["value"]
        return [name for name in names if name != "integer" or "number" not in names]

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
        properties = self.keywords.map_of(schema, "properties", at)
        others = schema.get("additionalProperties", "properties" not in schema)
        required = dict.fromkeys(name for name in self.keywords.list_of(schema, "required", at) if type(name) is str)
        if not properties and not required and others is True:
            return self.shared("object")
        pairs: list[tuple[bool, Rule]] = []
        for name in (*properties, *(name for name in required if name not in properties)):
            undeclared = schema.get("additionalProperties", True)
            try:
                value = self.rule(properties.get(name, undeclared), f"{at}.{name}", depth + 1)
            except Nothing:
                if name in required:
                    raise
                continue
            pairs.append((name in required, Seq((Lit(self.notation.write(name) + self.notation.key), value))))
        more: Rule | None = None
        try:
            value = self.rule(others, f"{at}.*", depth + 1)
            more = Seq((self.other_names([*properties, *required], at), Lit(self.notation.key), value))
        except Nothing:
            pass  # as with `false`: there are no additional ones
        return Seq((Lit("{"), self.subset(pairs, more), Lit("}")))

    def subset(self, pairs: list[tuple[bool, Rule]], more: Rule | None) -> Rule:
        """The required pairs and any of the others, in order and with commas between, then any number of `more`.

        Up to the first required pair a comma follows each pair, after it a comma precedes each. Without one, the
        first pair that stands is a choice, and all that may come after it are rules of their own: linear in size.
        """
        comma, most = Lit(self.notation.item), self.caps.items
        tail: list[Rule] = [] if more is None else [Repeat(Seq((comma, more)), 0, most)]
        first = next((i for i, (required, _) in enumerate(pairs) if required), None)
        if first is not None:
            before = [_maybe(pair, comma) for _, pair in pairs[:first]]
            after = [Seq((comma, pair)) if need else _maybe(comma, pair) for need, pair in pairs[first + 1 :]]
            return Seq((*before, pairs[first][1], *after, *tail))
        options = [] if more is None else [self.listed([], more, 1, None if most is None else max(most, 1))]
        rest: Rule = Seq(tuple(tail))
        for _, pair in reversed(pairs):
            one, following = self.own(pair), self.own(rest)
            options.append(Seq((one, following)))
            rest = Seq((_maybe(comma, one), following))
        return Repeat(_one_of(options[::-1]), 0, 1) if options else Seq(())

    def other_names(self, declared: list[str], at: str) -> Rule:
        if not declared:
            return self.shared("string")
        if sum(len(name) ** 2 for name in declared) > _NAMES:
            self.keywords.skip(at, "additionalProperties", "that an additional name is none of the many declared is")
            return self.shared("string")
        return Regex(literals.other_than(self.notation, declared, self.caps.string))

    def array(self, schema: dict[str, Any], at: str, depth: int) -> Rule:
        prefix, items = self.keywords.list_of(schema, "prefixItems", at), schema.get("items", True)
        if isinstance(items, list):  # before 2020-12
            prefix, items = items, schema.get("additionalItems", True)
        least, most = self.keywords.bounds(schema, "minItems", "maxItems", at)
        if most is None and self.caps.items is not None:
            most = max(self.caps.items, least, len(prefix))
        if not prefix and items is True and (least, most) == (0, self.caps.items):
            return self.shared("array")
        firsts: list[Rule] = []
        inner: Rule | None = None
        try:
            for number, one in enumerate(prefix[:most]):
                firsts.append(self.rule(one, f"{at}[{number}]", depth + 1))
            if most is None or len(firsts) < most:
                inner = self.rule(items, f"{at}[]", depth + 1)
        except Nothing:
            if least > len(firsts):
                raise
        return Seq((Lit("["), self.listed(firsts, inner, least, most), Lit("]")))

    def listed(self, firsts: list[Rule], inner: Rule | None, least: int, most: int | None) -> Rule:
        """With commas between: each of `firsts` needs those before it, and `inner`, repeated, all of them."""
        comma, count = Lit(self.notation.item), len(firsts)
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
                pair = Seq((self.shared("string"), Lit(self.notation.key), self.shared("value")))
                return Seq((Lit("{"), self.listed([], pair, 0, self.caps.items), Lit("}")))
            case "array":
                return Seq((Lit("["), self.listed([], self.shared("value"), 0, self.caps.items), Lit("]")))
        words = map(Lit, self.notation.words.values())
        return Alt((*map(self.shared, ("object", "array", "string", "number")), *words))
