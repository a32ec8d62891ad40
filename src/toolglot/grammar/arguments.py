"""A tool's arguments as rules, in each encoding: JSON, Python, tags, quotes of a format's own, raw text, custom grammars.

The one rule: the values are those that the schema allows and the parser reads as such; what is not held to is said, here of
custom tools' grammars (`unheld`), in `values.outside` of all others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .. import schema
from ..custom import in_json, read_lark, read_regex
from ..message import Tool, ToolglotError
from ..plan import closed_by, leading, written
from ..render import delimited, dumps, in_tags
from ..rules import (
    AnyOrder,
    Caps,
    Free,
    Grammar,
    JsonValue,
    Lit,
    Order,
    PythonValue,
    Ref,
    Regex,
    Repeat,
    Rule,
    Until,
    Whitespace,
)
from ..schema.types import kind_of
from ..spec import (
    CDATA,
    IS_STR,
    KEY,
    TYPE,
    VALUE,
    Calls,
    Custom,
    Delimited,
    Json,
    Pythonic,
    Raw,
    Tagged,
    Template,
)
from ..values import outside
from ..values.keywords import NOTES
from .nodes import EMPTY, alt, literals, object_schema, properties, required, seq

_KEY = r"""[^\x00-\x20\x7f-\xa0<>"':{}\[\],]{1,64}"""       # in Delimited, of an object that no schema describes


class Arguments:
    """`rules` is where the named rules go, `markers` what raw text cannot hold."""

    def __init__(self, calls: Calls, markers: tuple[str, ...], rules: dict[str, Rule], space: Whitespace, caps: Caps,
                 order: Order) -> None:
        self.calls, self.markers, self.rules = calls, markers, rules
        self.space, self.caps, self.order = space, caps, order
        self.unheld: list[str] = []
        self.inner: dict[tuple[int, int, int, str], tuple[Rule, Any]] = {}
        self.named = 0

    def of(self, node: Any, tool: Tool, after: Template) -> Rule:
        """A tool's arguments in this encoding; `after` is what follows them."""
        parameters = tool.parameters
        if tool.format and (held := self.custom(node, tool)):
            return held
        if not isinstance(node, Json):
            parameters = outside.arguments(parameters)
        match node:
            case Json():
                return JsonValue(object_schema(parameters), parameters)
            case Pythonic(json=as_json):
                return self.keywords(parameters, tool, JsonValue if as_json else PythonValue)
            case Delimited():
                return self.delimited(node, object_schema(parameters), tool.parameters)
            case Tagged():
                return self.several([(k in required(parameters), self.tagged(node, k, s, tool))
                                     for k, s in properties(parameters).items()])
            case Raw():
                return Free(tuple(e for e in (*self.markers, *(a for a in after if isinstance(a, str))) if e.strip()))
            case Custom(rule=rule):
                return rule(parameters)  # type: ignore[no-any-return]
        raise TypeError(f"{node!r} is no encoding")

    def custom(self, node: Any, tool: Tool) -> Rule | None:
        """The one text of a custom tool, held to its grammar; None where this format's encoding has no way to."""
        assert tool.format
        prefix = f"custom-{len(self.rules)}-"
        syntax, definition = tool.format
        try:
            made = read_lark(definition, prefix) if syntax == "lark" else Grammar(
                {f"{prefix}start": read_regex(definition)}, f"{prefix}start")
        except ToolglotError as error:
            raise ToolglotError(f"{tool.name}: format: {error}") from None
        (key,) = properties(tool.parameters)
        around: tuple[Rule, Rule]
        match node:
            case Json() if self.space.most:
                gap = self.space.gap
                around = seq(Lit("{"), gap, Lit(dumps(key)), gap, Lit(":"), gap, Lit('"')), seq(Lit('"'), gap, Lit("}"))
            case Json():
                around = Lit(f'{{"{key}"{self.space.key}"'), Lit('"}')
            case Pythonic():                        # JSON's escapes are Python's too
                around = Lit(f'{key}="'), Lit('"')
            case Raw(named) if named in (None, key):
                around = EMPTY, EMPTY
            case Delimited(quote):
                around = Lit(f"{{{key}:{quote}", True), Lit(f"{quote}}}", True)
            case Tagged(cdata=False):
                each = closed_by(node.each, key)
                at = each.index(VALUE)
                closer = written(each[at + 1:])
                slots = {KEY: Lit(key), IS_STR: Lit("true"), TYPE: Lit("string")}
                around = literals(each[:at], slots), Lit(closer, True)
                self.unheld.append(f"{tool.name}: its text ends at the first {closer.strip()!r}, whatever its grammar says")
            case _:
                self.unheld.append(f"{tool.name}: its grammar is not enforced in this format")
                return None
        if isinstance(node, (Json, Pythonic)):
            made = in_json(made)
        self.rules.update(made.rules)
        return seq(around[0], Ref(made.start), around[1])

    def several(self, items: Sequence[tuple[bool, Rule]]) -> Rule:
        """Items that need nothing between them, the marked ones surely."""
        if self.order == "any":
            return AnyOrder(tuple(items))
        return seq(*(item if must else Repeat(item, 0, 1) for must, item in items))

    def keywords(self, given: Mapping[str, Any], tool: Tool, value: type[JsonValue] | type[PythonValue]) -> Rule:
        """`k=v, k=v`: any subset that has the required ones, in declared order. One named rule an argument."""
        need = required(given)
        items = [(k in need, seq(Lit(f"{k}="), value(s, tool.parameters))) for k, s in properties(given).items()]
        return self.subset(items, ", ")

    def subset(self, items: Sequence[tuple[bool, Rule]], comma: str) -> Rule:
        """Any of the items that has the required ones, in order, with commas between. One named rule an item."""
        if not items:
            return EMPTY
        if self.order == "any":
            return AnyOrder(tuple(items), Lit(comma))
        whole = self.some(items, Lit(comma))
        return whole if any(must for must, _ in items) else Repeat(whole, 0, 1)

    def some(self, items: Sequence[tuple[bool, Rule]], comma: Rule) -> Rule:
        """At least one of the items, and all that must be: by halves, for engines follow rules with a stack that ends."""
        if len(items) == 1:
            return self.own(items[0][1])
        first, second = items[:len(items) // 2], items[len(items) // 2:]
        one, other = self.some(first, comma), self.some(second, comma)
        match any(must for must, _ in first), any(must for must, _ in second):
            case True, True:
                return self.own(seq(one, comma, other))
            case True, False:
                return self.own(seq(one, Repeat(seq(comma, other), 0, 1)))
            case False, True:
                return self.own(seq(Repeat(seq(one, comma), 0, 1), other))
        return self.own(alt(seq(one, Repeat(seq(comma, other), 0, 1)), other))

    def once(self, value: Any, root: Any, depth: int, closer: str, make: Callable[[], Rule]) -> Rule:
        """A rule of its own for a schema inside another: one that refers to itself would double with each level."""
        if depth == 0:
            return make()
        if (id(value), id(root), depth, closer) not in self.inner:     # by identity, valid while the schema is held
            self.inner[id(value), id(root), depth, closer] = self.own(make()), value
        return self.inner[id(value), id(root), depth, closer][0]

    def own(self, rule: Rule) -> Rule:
        self.named += 1
        name = f"args-{self.named}"
        self.rules[name] = rule
        return Ref(name)

    def delimited(self, node: Delimited, value: Any, root: Any, depth: int = 0) -> Rule:
        """A value between quotes of its own. What is nested deeper than eight levels may be anything."""
        return self.once(value, root, depth, "", lambda: self.delimited_value(node, value, root, depth))

    def delimited_value(self, node: Delimited, value: Any, root: Any, depth: int) -> Rule:
        flat, types = schema.resolve(value, root), schema.types_of(value, root)
        choices = outside.texts(value, root)
        if choices:
            return alt(*(seq(*(Lit(text, special) for text, _, special in delimited(c, node.quote, node.ordered)))
                         for c in choices))
        for word in ("anyOf", "oneOf"):
            if isinstance(branches := flat.get(word), list) and depth <= 8:
                rest = {k: v for k, v in flat.items() if k != word and k not in NOTES}
                whole = [{**rest, **schema.resolve(b, root)} for b in branches] if rest else branches
                return alt(*(self.delimited(node, one, root, depth + 1) for one in whole))
        if types is None or depth > 8:
            return self.any_delimited(node)
        return alt(*(self.delimited_of(node, t, flat, root, depth) for t in types))

    def delimited_of(self, node: Delimited, kind: str, flat: Mapping[str, Any], root: Any, depth: int) -> Rule:
        match kind:
            case "string":
                most = flat.get("maxLength", self.caps.string)
                return seq(Lit(node.quote, True), Until((node.quote,), most if isinstance(most, int) else None))
            case "array":
                least, most = flat.get("minItems", 0), flat.get("maxItems", self.caps.items)
                return self.listed(self.delimited(node, flat.get("items", {}), root, depth + 1),
                                   most if isinstance(most, int) else None, least if isinstance(least, int) else 0)
            case "object" if isinstance(flat.get("properties"), Mapping):
                need, given = set(flat.get("required") or ()), properties(flat)
                pairs = [(k in need, seq(Lit(f"{k}:"), self.delimited(node, given[k], root, depth + 1)))
                         for k in (sorted(given, key=str.lower) if node.ordered else given)]
                return seq(Lit("{"), self.subset(pairs, ","), Lit("}"))
            case "object":
                return self.any_delimited(node, "object")
        flat = {**flat, "type": kind, "nullable": False}
        return (PythonValue if kind in ("number", "integer") else JsonValue)(flat, root)   # JSON's exponents have no end

    def any_delimited(self, node: Delimited, kind: str = "value") -> Rule:
        """Named rules, for what no schema describes."""
        if "free-value" not in self.rules:
            self.rules["free-value"] = self.rules["free-object"] = EMPTY    # their place: an object may hold itself
            text = seq(Lit(node.quote, True), Until((node.quote,), self.caps.string))
            pair = seq(Regex(_KEY), Lit(":"), Ref("free-value"))
            self.rules["free-object"] = seq(Lit("{"), self.many(pair, self.caps.items), Lit("}"))
            plain = (JsonValue({"type": ["boolean", "null"]}), PythonValue({"type": "number"}))
            self.rules["free-value"] = alt(text, *plain, Ref("free-object"),
                                           self.listed(Ref("free-value"), self.caps.items))
        return Ref(f"free-{kind}")

    def listed(self, item: Rule, most: int | None, least: int = 0) -> Rule:
        return seq(Lit("["), self.many(item, most, least), Lit("]"))

    def many(self, item: Rule, most: int | None, least: int = 0) -> Rule:
        """So many items, with commas between."""
        if most == 0:
            return EMPTY
        rest = seq(item, Repeat(seq(Lit(","), item), max(least - 1, 0), None if most is None else most - 1))
        return rest if least else Repeat(rest, 0, 1)

    def tagged(self, tagged: Tagged, key: str, value: Any, tool: Tool) -> Rule:
        each, root = closed_by(tagged.each, key), tool.parameters
        at = each.index(VALUE)
        flat, closer = schema.resolve(value, root), written(each[at + 1:])
        types = schema.types_of(value, root)
        marked = IS_STR in each or TYPE in each

        def one(value: Any, types: Sequence[str] | None) -> Rule:
            raw = types is None or "string" in types
            names = ("string",) if raw else dict.fromkeys("number" if t == "integer" else t for t in types or ())
            slots = {KEY: Lit(key), IS_STR: Lit("true" if raw else "false"), TYPE: alt(*map(Lit, names))}
            return seq(literals(each[:at], slots), self.in_tags(tagged, value, root, closer))

        choices = outside.texts(value, root)
        if marked and choices:                       # each value has its own mark
            return alt(*(one({"enum": [c]}, ["string"] if isinstance(c, str) else [kind_of(c)]) for c in choices))
        if marked and types and "string" in types and len(types) > 1:
            return alt(*(one({**flat, "type": t, "nullable": False}, [t]) for t in types))
        return one(value, types)

    def in_tags(self, tagged: Tagged, value: Any, root: Any, closer: str, depth: int = 0) -> Rule:
        """A value between its tags, and what closes it."""
        return self.once(value, root, depth, closer, lambda: self.in_tags_value(tagged, value, root, closer, depth))

    def in_tags_value(self, tagged: Tagged, value: Any, root: Any, closer: str, depth: int) -> Rule:
        types, flat = schema.types_of(value, root), schema.resolve(value, root)
        choices = outside.texts(value, root)
        if tagged.nested and not choices and depth < 8 and {"array", "object"} & set(types or ()):
            return self.nested(tagged, types or (), flat, root, closer, depth)
        as_json = {"scalars": {"object", "array"}, "all": set[str]()}.get(str(tagged.python), {"object"})
        as_python = tagged.python and not set(types or ()) & as_json
        end, opener = Lit(closer, True), leading(tagged.each)[0][0]
        if types is None or "string" in types:
            if choices:
                return alt(*(seq(*(Lit(t, special) for t, _, special in in_tags(tagged, c)), end) for c in choices))
            most = flat.get("maxLength", self.caps.string)
            most = most if isinstance(most, int) else None
            # models leave the white space out that should stand before the closer, and would then never come to it
            ends = tuple(dict.fromkeys((closer, closer.lstrip())))
            if tagged.cdata:
                return alt(seq(Lit(CDATA[0]), Until((CDATA[1] + closer,), most)), Until(ends, most, (CDATA[0],)))
            others = [o.strip() for o, _ in leading(self.calls.each[-1:])][1:]       # what else may close the call
            nested = [opener] if tagged.nested and types != ("string",) else []
            return Until(ends, most, (*others, *nested))
        if as_python or set(types) <= {"number", "integer"}:    # JSON's numbers have no end to their exponents
            return seq(PythonValue(value, root), end)
        return seq(JsonValue(value, root), end)

    def nested(self, tagged: Tagged, types: Sequence[str], flat: Mapping[str, Any], root: Any, closer: str,
               depth: int) -> Rule:
        """A value that may be tags itself. An object whose members no schema names is JSON: no rule can close them."""
        for word in ("anyOf", "oneOf"):
            if isinstance(branches := flat.get(word), list):
                rest = {k: v for k, v in flat.items() if k != word}
                return alt(*(self.in_tags(tagged, one, root, closer, depth + 1)
                             for b in branches if (one := outside.joined(rest, b, root)) is not None))
        out: list[Rule] = []
        for kind in types:
            one, end = {**flat, "type": kind}, Lit(closer, True)
            if kind == "array" and "prefixItems" not in flat:
                least, most = flat.get("minItems", 0), flat.get("maxItems", self.caps.items)
                item = self.member(tagged, tagged.nested, flat.get("items", {}), root, depth)
                out.append(seq(Repeat(item, least if isinstance(least, int) else 0,
                                      most if isinstance(most, int) else None), end))
            elif kind == "object" and properties(flat):
                members = [(k in required(flat), self.member(tagged, k, v, root, depth))
                           for k, v in properties(flat).items()]
                out.append(seq(self.several(members), end))
            elif kind in ("array", "object"):
                out.append(seq(JsonValue(one, root), end))
            else:
                out.append(self.in_tags(tagged, one, root, closer, depth + 1))
        return alt(*out)

    def member(self, tagged: Tagged, key: str, value: Any, root: Any, depth: int) -> Rule:
        each = closed_by(tagged.each, key)
        at = each.index(VALUE)
        return seq(literals(each[:at], {KEY: Lit(key)}),
                   self.in_tags(tagged, value, root, written(each[at + 1:]), depth + 1))
