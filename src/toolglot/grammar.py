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
from .plan import leading, opening, strong, written
from .render import dumps
from .rules import Alt, Caps, Free, Grammar, JsonValue, Lit, PythonValue, Ref, Regex, Repeat, Rule, Seq, Until, Whitespace
from .spec import (
    CALLS,
    ID,
    INDEX,
    IS_STR,
    KEY,
    NAME,
    VALUE,
    Custom,
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

    # -- the reply

    def reply(self, choice: str, reasoning: str) -> Rule:
        d = self.d
        think: Rule = EMPTY
        if d.reasoning and reasoning != "none":
            before = d.reasoning[0] if reasoning == "first" else ""
            think = seq(Lit(str(before), True), self.until(d.reasoning[1:]), Lit(d.join, True))
        body: list[Rule] = []
        if choice != "required":
            body.append(self.content())
        if choice != "none" and self.tools:
            if choice == "auto" and not d.calls.at_start:
                body.append(self.mixed())
            body.append(self.calls(d.calls.around, d.calls.each))
        return seq(think, alt(*body))

    def content(self) -> Rule:
        """Words alone: no call can open in them."""
        d = self.d
        if not is_bare(d.content):
            return self.fill(d.content, {}, None)
        markers = self.markers()
        weak = {o.strip()[:1] or ("{" if isinstance(r[0], Object) else "[") for c in (d.calls, *d.accept) if c.at_start
                for o, r in leading(opening(c))}
        if not weak:
            return Repeat(Free(markers), 0, 1)
        closed = "".join("\\" + w for w in sorted(weak))
        return Repeat(seq(Regex(rf"[^\s{closed}]"), Repeat(Free(markers), 0, 1)), 0, 1)

    def markers(self) -> tuple[str, ...]:
        """What would open a block, or end the reply, if it stood in content."""
        d = self.d
        calls = [o.strip() for c in (d.calls, *d.accept)
                 for o, _ in leading(opening(c)) + leading(c.each)]
        blocks = [o.strip() for t in (d.reasoning, d.content) if t for o, _ in leading(t)]
        return tuple(dict.fromkeys(m for m in (*calls, *blocks, *d.stop) if strong(m)))

    def mixed(self) -> Rule:
        """Words, and then calls. The words end where the first call's opener begins."""
        d = self.d
        around, each = d.calls.around, d.calls.each
        if not is_bare(d.content):
            return seq(self.content(), Lit(d.join, True), self.calls(around, each))
        template = opening(d.calls)
        opener = template[0]
        assert isinstance(opener, str) and strong(opener), f"{d.name}: calls in mid-text need an opening marker"
        gap = d.join + d.calls.gap
        words = Until((gap + opener,), None, self.markers())
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
        return self.fill(each, {NAME: Lit(tool.name), ID: Regex("[A-Za-z0-9]{9}"), INDEX: Regex("[0-9]{1,3}")}, tool)

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
        out: list[Rule] = []
        for i, (key, node) in enumerate(obj.fields):
            out.append(Lit(("{" if i == 0 else comma) + dumps(key) + colon))
            if node is NAME:
                out.append(Lit(dumps(tool.name)))
            elif isinstance(node, Slot):
                out += [slots[node]] if node is INDEX else [Lit('"'), slots[node], Lit('"')]
            else:
                out.append(self.arguments(node, tool, ()))
        return seq(*out, Lit("}"))

    # -- arguments

    def arguments(self, node: Any, tool: Tool, after: Template) -> Rule:
        parameters = tool.parameters
        match node:
            case Json():
                return JsonValue(object_schema(parameters), parameters)
            case Pythonic():
                return self.keywords(tool)
            case Tagged():
                return seq(*(self.tagged(node, k, s, tool) for k, s in properties(parameters).items()))
            case Raw():
                return Free(tuple(e for e in (*self.markers(), *(a for a in after if isinstance(a, str))) if e.strip()))
            case Custom(rule=rule):
                return rule(parameters)  # type: ignore[no-any-return]
        raise TypeError(f"{node!r} is no encoding")

    def keywords(self, tool: Tool) -> Rule:
        """`k=v, k=v`: any subset that has the required ones, in declared order. One named rule an argument."""
        need = required(tool.parameters)
        items = [(k in need, seq(Lit(f"{k}="), PythonValue(s, tool.parameters)))
                 for k, s in properties(tool.parameters).items()]
        if not items:
            return EMPTY
        prefix = f"args-{self.tools.index(tool)}"
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
            more = seq(Lit(", "), item)
            rest = seq(more if must else Repeat(more, 0, 1), rest)
        whole = alt(*first)
        return whole if any(m for m, _ in items) else Repeat(whole, 0, 1)

    def tagged(self, tagged: Tagged, key: str, value: Any, tool: Tool) -> Rule:
        each, root = tagged.each, tool.parameters
        at = each.index(VALUE)
        closer = written(each[at + 1:])
        types = schema.types_of(value, root)
        flat = schema.resolve(value, root)
        choices = flat.get("enum") or ([flat["const"]] if "const" in flat else None)
        raw = types is None or "string" in types
        slots = {KEY: Lit(key), IS_STR: Lit("true" if raw else "false")}
        if raw and choices:
            body: Rule = seq(alt(*(Lit(c if isinstance(c, str) else dumps(c)) for c in choices)), Lit(closer, True))
        elif raw:
            most = flat.get("maxLength", self.caps.string)
            body = Until((closer,), most if isinstance(most, int) else None)
        elif tagged.python and types != ("object",):
            body = seq(PythonValue(value, root), Lit(closer, True))
        else:
            body = seq(JsonValue(value, root), Lit(closer, True))
        rule = seq(self.fill(each[:at], slots, None), body)
        return rule if key in required(root) else Repeat(rule, 0, 1)


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
