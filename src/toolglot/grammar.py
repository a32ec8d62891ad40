"""Dialect + tools + choice -> what a reply may be.

The one rule: whatever the rules allow, the same dialect's parser reads as calls that are valid under their tools'
schemas; what cannot be enforced is said in `unenforced`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Union

from . import schema
from .message import Tool, ToolglotError
from .plan import closed_by, leading, opening, strong, wordy, written
from .render import delimited, dumps, in_tags, margins
from .rules import Alt, Caps, Free, Grammar, JsonValue, Lit, PythonValue, Ref, Regex, Repeat, Rule, Seq, Until, Whitespace
from .spec import (
    CALLS,
    CDATA,
    ECHO,
    ID,
    INDEX,
    IS_STR,
    KEY,
    NAME,
    NUMBER,
    TYPE,
    VALUE,
    Custom,
    Delimited,
    Dialect,
    Either,
    Json,
    Object,
    Pythonic,
    Raw,
    Slot,
    Tagged,
    Template,
    encoding_of,
    is_bare,
)

Choice = Union[Literal["auto", "required", "none"], Mapping[str, Any]]
EMPTY = Lit("")


@dataclass(frozen=True)
class Constraint:
    """What a reply may be, to be written for one engine."""

    grammar: Grammar
    calls: tuple[Tool, ...]
    names: tuple[str, str] | None            # the keys of name and arguments, where a call is one JSON object

    @property
    def unenforced(self) -> tuple[str, ...]:
        """What of the schemas no notation of this constraint holds to: to be checked after generation."""
        from .values import json_rules

        return tuple([f"{t.name}: {sentence}" for t in self.calls
                      for sentence in json_rules(object_schema(t.parameters), t.parameters).unenforced])

    def lark(self, tokens: Mapping[str, int] | None = None, ends: Sequence[str] = ()) -> str:
        """For llguidance. `tokens`: the ids of the special tokens of the model's vocabulary, which it matches by id
        only; `ends`: those that may end the reply."""
        from .emit.lark import lark

        return lark(self.grammar, tokens or {}, ends)

    def gbnf(self) -> str:
        """For llama.cpp."""
        from .emit.gbnf import gbnf

        return gbnf(self.grammar)

    def structural_tag(self) -> dict[str, Any]:
        """For xgrammar, and for vLLM and SGLang over it."""
        from .emit.structural_tag import structural_tag

        return structural_tag(self.grammar)

    def json_schema(self) -> dict[str, Any]:
        """For engines that constrain to JSON only. Raises ToolglotError where a call is not one JSON object."""
        from .emit.json_schema import call_schema

        if self.names is None:
            raise ToolglotError("json_schema: a call of this dialect is not one JSON object; take lark() or gbnf()")
        return call_schema([(t.name, dict(t.parameters)) for t in self.calls], *self.names)


def constrain(dialect: Dialect, tools: Sequence[Tool], choice: Choice = "auto", *, parallel: bool = True,
              most: int | None = None, reasoning: Literal["none", "first", "open"] = "none",
              caps: Caps = Caps()) -> Constraint:
    """The constraint of a reply.

    `choice`: auto (words or calls), required, none, {"name": ...} (that function), {"allowed": [...]} (required, of
    those). `parallel`: several calls; at most `most`. `reasoning`: none, the reply begins with it, or the prompt has
    opened it. `caps` bound what a schema leaves open. Raises ToolglotError for a choice of no known tool.
    """
    allowed = _allowed(tools, choice)
    build = _Build(dialect, allowed, 1 if not parallel else most, caps)
    start = build.reply(choice if isinstance(choice, str) else "required", reasoning)
    comma, colon = getattr(encoding_of(dialect.calls), "separators", (", ", ": "))
    grammar = Grammar({"start": start, **build.rules}, space=Whitespace(comma, colon), caps=caps)
    names = None
    if len(dialect.calls.each) == 1 and isinstance(obj := dialect.calls.each[0], Object):
        keys = [k for k, n in obj.fields if n is NAME] + [k for k, n in obj.fields if isinstance(n, Json)]
        names = (keys[0], keys[1]) if len(obj.fields) == 2 and dialect.calls.around == (CALLS,) else None
    return Constraint(grammar, tuple(allowed), names)


def _allowed(tools: Sequence[Tool], choice: Choice) -> list[Tool]:
    if isinstance(choice, str):
        if choice not in ("auto", "required", "none"):
            raise ToolglotError(f"choice: expected auto, required, none, a name or a list of allowed ones; got {choice!r}")
        if choice == "required" and not tools:
            raise ToolglotError("choice: a call is required, but there are no tools")
        return list(tools)
    wanted = [choice["name"]] if "name" in choice else choice.get("allowed")
    known = {t.name: t for t in tools}
    if not isinstance(wanted, (list, tuple)) or not wanted:
        raise ToolglotError(f'choice: expected {{"name": ...}} or {{"allowed": [...]}}, got {dict(choice)!r}')
    for name in wanted:
        if name not in known:
            raise ToolglotError(f"choice: no tool is named {name!r}; the tools are {', '.join(known) or 'none'}")
    return [known[n] for n in wanted]


class _Build:
    def __init__(self, dialect: Dialect, tools: Sequence[Tool], most: int | None, caps: Caps) -> None:
        self.d, self.tools, self.most, self.caps = dialect, tools, most, caps
        self.rules: dict[str, Rule] = {}
        self.subsets = 0

    # -- the reply

    def reply(self, choice: str, reasoning: str) -> Rule:
        d = self.d
        think: Rule = EMPTY
        if d.reasoning and reasoning != "none":
            opener, rest = leading(d.reasoning)[0]
            before = Lit(opener if reasoning == "first" else "", True)
            if not written(rest).strip():
                return seq(before, self.open_reasoning(choice))
            think = seq(before, self.until(rest), Lit(d.join, True))
        body: list[Rule] = []
        if choice != "required":
            body.append(self.content())
        if choice != "none" and self.tools:
            if choice == "auto" and not d.calls.at_start:
                body.append(self.mixed())
            body.append(self.calls(d.calls.around, d.calls.each))
        return seq(think, alt(*body))

    def open_reasoning(self, choice: str) -> Rule:
        """Reasoning that nothing closes but what begins next."""
        d, body = self.d, list[Rule]()
        calls: Rule | None = None
        first = opening(d.calls)[0]
        if choice != "none" and self.tools:
            calls = self.calls(d.calls.around, d.calls.each, opened=True) if d.calls.around[0] is CALLS else \
                self.calls(d.calls.around[1:], d.calls.each)
            body.append(seq(Until((f"{d.join}{first}",), None, self.markers()), calls))
        if choice != "required" and not is_bare(d.content):
            words = [self.fill(d.content[1:], {}, None)]
            if calls:
                lead = self.fill(d.content[1:d.content.index(Slot.TEXT)], {}, None)
                words.append(seq(lead, Until((f"{d.join}{first}",), None, self.markers()), calls))
            body.append(seq(Until((f"{d.join}{d.content[0]}",), None, self.markers()), alt(*words)))
        return alt(*body)

    def content(self) -> Rule:
        """Words alone: no call can open in them."""
        d = self.d
        if not is_bare(d.content):
            return self.fill(d.content, {}, None)
        if not any(c.at_start for c in (d.calls, *d.accept)):
            return Repeat(Free(self.markers()), 0, 1)
        return Repeat(seq(Lit(written(d.content)), Free(self.markers(), None, self.weak())), 0, 1)

    def weak(self) -> str:
        """What calls without a marker begin with: content does not."""
        d = self.d
        return "".join(sorted({o.strip()[:1] or "{" * isinstance(r[0], Object) for c in (d.calls, *d.accept)
                               if c.at_start for o, r in leading(opening(c))}))

    def markers(self) -> tuple[str, ...]:
        """What would open a block, or end the reply, if it stood in content."""
        d = self.d
        calls = [o.strip() for c in (d.calls, *d.accept)
                 for o, _ in leading(opening(c)) + leading(c.each)]
        blocks = [o.strip() for t in (d.reasoning, d.content) if t for o, _ in leading(t)]
        own = [f"\n{m}" if wordy(m) else m for m in (*calls, *blocks)]    # words mean something in a new line
        return tuple(dict.fromkeys(m for m in (*own, *d.stop, *d.noise) if strong(m)))

    def mixed(self) -> Rule:
        """Words, and then calls. The words end where the first call's opener begins."""
        d = self.d
        around, each = d.calls.around, d.calls.each
        closed = not is_bare(d.content) and strong(written(d.content[d.content.index(Slot.TEXT) + 1:]))
        if closed:
            return seq(self.content(), Lit(d.join + d.calls.gap, True), self.calls(around, each))
        template = opening(d.calls)
        opener = template[0]
        assert isinstance(opener, str) and strong(opener), f"{d.name}: calls in mid-text need an opening marker"
        gap = d.join + d.calls.gap
        words = seq(self.fill(d.content[:d.content.index(Slot.TEXT)], {}, None) if not is_bare(d.content) else EMPTY,
                    Until((gap + opener,), None, self.markers(), self.weak() if is_bare(d.content) else ""))
        rest = template[1:]
        if around[0] is CALLS:
            return seq(words, self.calls(around, each, opened=True))
        return seq(words, self.calls(rest, each))

    def until(self, template: Template) -> Rule:
        """TEXT and the literal that ends it, which stands next in the template."""
        return Until((written(template[1:]),))

    # -- calls

    def calls(self, around: Template, each: Template, opened: bool = False) -> Rule:
        """The calls of a reply. `opened`: the opener of the first is written already."""
        d = self.d
        at = around.index(CALLS)
        opener = each[0] if d.calls.around[0] is CALLS and isinstance(each[0], str) else ""
        body = self.any_call(each[1:] if opener else each)
        one = seq(Lit(opener, True), body)
        between = Lit(d.calls.between or d.join, True)
        more = None if self.most is None else self.most - 1
        tail = EMPTY if more == 0 else Repeat(seq(between, one), 0, more)
        return seq(self.fill(around[:at], {}, None), body if opened else one, tail, self.fill(around[at + 1:], {}, None))

    def any_call(self, each: Template) -> Rule:
        if "call" not in self.rules:
            self.rules["call"] = alt(*(self.call(each, t) for t in self.tools))
        return Ref("call")

    def call(self, each: Template, tool: Tool) -> Rule:
        if Slot.NAME not in each and self.d.calls.name not in ("", tool.name):
            return Alt(())
        name = Lit(tool.name)
        return self.fill(each, {NAME: name, ECHO: name, ID: Regex("[A-Za-z0-9]{9}"), INDEX: Regex("[0-9]{1,3}"),
                                NUMBER: Regex("[1-9][0-9]{0,2}")}, tool)

    def fill(self, template: Template, slots: Mapping[Slot, Rule], tool: Tool | None) -> Rule:
        out: list[Rule] = []
        skip = False
        for i, node in enumerate(template):
            if skip:
                skip = False
                continue
            match node:
                case str():
                    out.append(Lit(node, True))
                case Either(options):
                    out.append(Lit(options[0], True))
                case Slot.TEXT:
                    end = template[i + 1] if i + 1 < len(template) else None
                    skip = isinstance(end, str)
                    out.append(Until((end,)) if isinstance(end, str) else Free(self.markers()))
                case Slot():
                    out.append(slots[node])
                case Object():
                    assert tool
                    out.append(self.object(node, slots, tool))
                case _:
                    assert tool
                    out.append(self.arguments(node, tool, template[i + 1:]))
        return seq(*out)

    def object(self, obj: Object, slots: Mapping[Slot, Rule], tool: Tool) -> Rule:
        comma, colon = obj.separators
        inside, end = margins(obj)
        out: list[Rule] = []
        for i, (key, node) in enumerate(obj.fields):
            out.append(Lit(("{" if i == 0 else comma.rstrip() if inside else comma) + inside + dumps(key) + colon))
            if node is NAME:
                out.append(Lit(dumps(tool.name)))
            elif isinstance(node, Slot):
                out += [Lit('"'), slots[node], Lit('"')]
            else:
                out.append(self.arguments(node, tool, ()))
        return seq(*out, Lit(end + "}"))

    # -- arguments

    def arguments(self, node: Any, tool: Tool, after: Template) -> Rule:
        parameters = tool.parameters
        match node:
            case Json():
                return JsonValue(object_schema(parameters), parameters)
            case Pythonic(json=as_json):
                return self.keywords(tool, JsonValue if as_json else PythonValue)
            case Delimited():
                return self.delimited(node, object_schema(parameters), parameters)
            case Tagged():
                return seq(*(self.tagged(node, k, s, tool) for k, s in properties(parameters).items()))
            case Raw():
                return Free(tuple(e for e in (*self.markers(), *(a for a in after if isinstance(a, str))) if e.strip()))
            case Custom(rule=rule):
                return rule(parameters)  # type: ignore[no-any-return]
        raise TypeError(f"{node!r} is no encoding")

    def keywords(self, tool: Tool, value: type[JsonValue] | type[PythonValue]) -> Rule:
        """`k=v, k=v`: any subset that has the required ones, in declared order. One named rule an argument."""
        need = required(tool.parameters)
        items = [(k in need, seq(Lit(f"{k}="), value(s, tool.parameters)))
                 for k, s in properties(tool.parameters).items()]
        return self.subset(items, ", ")

    def subset(self, items: Sequence[tuple[bool, Rule]], comma: str) -> Rule:
        """Any of the items that has the required ones, in order, with commas between. One named rule an item."""
        if not items:
            return EMPTY
        prefix, self.subsets = f"args-{self.subsets}", self.subsets + 1
        rest: Rule = EMPTY                                # what may follow an argument
        first: list[Rule] = []                            # what may stand first
        for i in reversed(range(len(items))):
            must, item = items[i]
            if must:
                first = []
            if i + 1 < len(items):
                self.rules[f"{prefix}-{i + 1}"] = rest
                rest = Ref(f"{prefix}-{i + 1}")
            first.append(seq(item, rest))
            more = seq(Lit(comma), item)
            rest = seq(more if must else Repeat(more, 0, 1), rest)
        whole = alt(*first)
        return whole if any(m for m, _ in items) else Repeat(whole, 0, 1)

    def delimited(self, node: Delimited, value: Any, root: Any, depth: int = 0) -> Rule:
        """A value between quotes of its own. What is nested deeper than eight levels may be anything."""
        flat, types = schema.resolve(value, root), schema.types_of(value, root)
        choices = flat.get("enum") or ([flat["const"]] if "const" in flat else None)
        if choices:
            return alt(*(seq(*(Lit(text, special) for text, _, special in delimited(c, node.quote, node.ordered)))
                         for c in choices))
        if types is None or depth > 8:
            return self.any_delimited(node)
        return alt(*(self.delimited_of(node, t, flat, root, depth) for t in types))

    def delimited_of(self, node: Delimited, kind: str, flat: Mapping[str, Any], root: Any, depth: int) -> Rule:
        match kind:
            case "string":
                most = flat.get("maxLength", self.caps.string)
                return seq(Lit(node.quote, True), Until((node.quote,), most if isinstance(most, int) else None))
            case "array":
                most = flat.get("maxItems", self.caps.items)
                return self.listed(self.delimited(node, flat.get("items", {}), root, depth + 1),
                                   most if isinstance(most, int) else None)
            case "object" if isinstance(flat.get("properties"), Mapping):
                need, given = set(flat.get("required") or ()), properties(flat)
                pairs = [(k in need, seq(Lit(f"{k}:"), self.delimited(node, given[k], root, depth + 1)))
                         for k in (sorted(given, key=str.lower) if node.ordered else given)]
                return seq(Lit("{"), self.subset(pairs, ","), Lit("}"))
            case "object":
                return self.any_delimited(node, "object")
        return PythonValue({**flat, "type": kind}, root) if kind in ("number", "integer") else \
            JsonValue({**flat, "type": kind}, root)      # JSON's numbers have no end to their exponents

    def any_delimited(self, node: Delimited, kind: str = "value") -> Rule:
        """Named rules, for what no schema describes."""
        if "free-value" not in self.rules:
            self.rules["free-value"] = self.rules["free-object"] = EMPTY    # their place: an object may hold itself
            text = seq(Lit(node.quote, True), Until((node.quote,), self.caps.string))
            pair = seq(Regex("[A-Za-z_][A-Za-z0-9_]{0,30}:"), Ref("free-value"))
            self.rules["free-object"] = seq(Lit("{"), self.some(pair, self.caps.items), Lit("}"))
            plain = (JsonValue({"type": ["boolean", "null"]}), PythonValue({"type": "number"}))
            self.rules["free-value"] = alt(text, *plain, Ref("free-object"),
                                           self.listed(Ref("free-value"), self.caps.items))
        return Ref(f"free-{kind}")

    def listed(self, item: Rule, most: int | None) -> Rule:
        return seq(Lit("["), self.some(item, most), Lit("]"))

    def some(self, item: Rule, most: int | None) -> Rule:
        """Any number of items, with commas between."""
        if most == 0:
            return EMPTY
        return Repeat(seq(item, Repeat(seq(Lit(","), item), 0, None if most is None else most - 1)), 0, 1)

    def tagged(self, tagged: Tagged, key: str, value: Any, tool: Tool) -> Rule:
        each, root = closed_by(tagged.each, key), tool.parameters
        at = each.index(VALUE)
        types = schema.types_of(value, root)
        raw = types is None or "string" in types
        names = ("string",) if raw else dict.fromkeys("number" if t == "integer" else t for t in types or ())
        slots = {KEY: Lit(key), IS_STR: Lit("true" if raw else "false"), TYPE: alt(*map(Lit, names))}
        rule = seq(self.fill(each[:at], slots, None), self.in_tags(tagged, value, root, written(each[at + 1:])))
        return rule if key in required(root) else Repeat(rule, 0, 1)

    def in_tags(self, tagged: Tagged, value: Any, root: Any, closer: str, depth: int = 0) -> Rule:
        """A value between its tags, and what closes it."""
        types, flat = schema.types_of(value, root), schema.resolve(value, root)
        choices = flat.get("enum") or ([flat["const"]] if "const" in flat else None)
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
            if tagged.cdata:
                return alt(seq(Lit(CDATA[0]), Until((CDATA[1] + closer,), most)), Until((closer,), most, (CDATA[0],)))
            return Until((closer,), most, (opener,) if tagged.nested and types != ("string",) else ())
        if as_python or set(types) <= {"number", "integer"}:    # JSON's numbers have no end to their exponents
            return seq(PythonValue(value, root), end)
        return seq(JsonValue(value, root), end)

    def nested(self, tagged: Tagged, types: Sequence[str], flat: Mapping[str, Any], root: Any, closer: str,
               depth: int) -> Rule:
        """A value that may be tags itself. An object whose members no schema names is JSON: no rule can close them."""
        for word in ("anyOf", "oneOf"):
            if isinstance(branches := flat.get(word), list):
                rest = {k: v for k, v in flat.items() if k != word}
                return alt(*(self.in_tags(tagged, {**rest, **schema.resolve(b, root)}, root, closer, depth + 1)
                             for b in branches))
        out: list[Rule] = []
        for kind in types:
            one, end = {**flat, "type": kind}, Lit(closer, True)
            if kind == "array" and "prefixItems" not in flat:
                least, most = flat.get("minItems", 0), flat.get("maxItems", self.caps.items)
                item = self.member(tagged, tagged.nested, flat.get("items", {}), root, depth)
                out.append(seq(Repeat(item, least if isinstance(least, int) else 0,
                                      most if isinstance(most, int) else None), end))
            elif kind == "object" and properties(flat):
                members = [(k, self.member(tagged, k, v, root, depth)) for k, v in properties(flat).items()]
                out.append(seq(*(m if k in required(flat) else Repeat(m, 0, 1) for k, m in members), end))
            elif kind in ("array", "object"):
                out.append(seq(JsonValue(one, root), end))
            else:
                out.append(self.in_tags(tagged, one, root, closer, depth + 1))
        return alt(*out)

    def member(self, tagged: Tagged, key: str, value: Any, root: Any, depth: int) -> Rule:
        each = closed_by(tagged.each, key)
        at = each.index(VALUE)
        return seq(self.fill(each[:at], {KEY: Lit(key)}, None),
                   self.in_tags(tagged, value, root, written(each[at + 1:]), depth + 1))


def properties(parameters: Mapping[str, Any]) -> dict[str, Any]:
    found = parameters.get("properties")
    return dict(found) if isinstance(found, Mapping) else {}


def required(parameters: Mapping[str, Any]) -> list[str]:
    return [k for k in parameters.get("required") or () if k in properties(parameters)]


def object_schema(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """A tool's parameters as the schema of its arguments: an object, and nothing that is not declared."""
    return {"properties": {}, "additionalProperties": False, **parameters, "type": "object"}


def seq(*items: Rule) -> Rule:
    """Rules one after another; literals that touch are one literal."""
    out: list[Rule] = []
    for item in items:
        for one in item.items if isinstance(item, Seq) else (item,):
            if isinstance(one, Lit) and out and isinstance(last := out[-1], Lit):
                out[-1] = Lit(last.text + one.text, last.special or one.special)
            elif one != EMPTY and one != Lit("", True):
                out.append(one)
    return out[0] if len(out) == 1 else Seq(tuple(out))


def alt(*options: Rule) -> Rule:
    return options[0] if len(options) == 1 else Alt(tuple(options))


__all__ = ["Choice", "Constraint", "constrain"]
