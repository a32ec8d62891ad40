"""Rule tree -> Lark, as llguidance reads it.

The one rule: its lexer is greedy. Free text is a lazy lexeme that ends in the literal that follows, and white space
stands alone, for it begins many literals. A special token is never matched as text: it is named by its id.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from .. import schema as schemas
from ..rules import (
    Alt,
    Caps,
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
    Whitespace,
    class_of,
)

HEAD = "%llguidance {}\n"
# keywords that llguidance refuses, or that only comment: they are checked after generation instead
DROPPED = frozenset({"not", "uniqueItems", "contains", "minContains", "maxContains", "if", "then", "else",
                     "propertyNames", "dependentRequired", "dependentSchemas", "unevaluatedProperties",
                     "unevaluatedItems", "minProperties", "maxProperties"})
COMMENTS = frozenset({"title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly",
                      "$comment", "$id", "$schema", "nullable", "optional"})
FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "unknown"})


def lark(grammar: Grammar, tokens: Mapping[str, int], ends: Sequence[str] = ()) -> str:
    """The grammar as text, with llguidance's head. `ends` are the tokens of `tokens` that may end the reply.

    llguidance knows one end token; a chat model of two would never choose the other in the middle of free text, and
    go on to the limit.
    """
    text = _Lark(grammar, tokens).text()
    last = " | ".join([f"<[{tokens[e]}]>" for e in ends if e in tokens])
    return re.sub(r"^start: (.*)$", lambda m: f"start: ({m[1]}) ({last})?", text, count=1, flags=re.M) if last else text


class _Lark:
    def __init__(self, grammar: Grammar, tokens: Mapping[str, int]) -> None:
        self.g, self.tokens = grammar, tokens
        self.terminals: dict[str, str] = {}
        self.rules: dict[str, str] = {}
        self.pythons: dict[tuple[str, int | None], str] = {}
        names = "|".join(map(re.escape, sorted(tokens, key=len, reverse=True)))
        self.special = re.compile(f"({names})") if names else None

    def text(self) -> str:
        for name, rule in self.g.rules.items():
            self.rules[_name(name)] = self.rule(rule) or '""'
        lines = [f"{n}: {body}" for n, body in self.rules.items()]
        lines += [f"{n}: {body}" for body, n in self.terminals.items()]
        return HEAD + "\n".join(lines) + "\n"

    def rule(self, rule: Rule) -> str:
        match rule:
            case Lit(text, special):
                return self.literal(text, special)
            case Seq(items):
                return " ".join(filter(None, map(self.rule, items)))
            case Alt(options):
                return "(" + " | ".join(self.rule(o) or '""' for o in options) + ")"
            case Repeat(item, least, most):
                inner = self.rule(item)
                if not inner or most == 0:
                    return ""
                marks = {(0, 1): "?", (0, None): "*", (1, None): "+"}
                times = f"{{{least},{'' if most is None else most}}}"
                return f"({inner}){marks.get((least, most), times)}"
            case Regex(pattern):
                return self.terminal("REGEX", f"/{_slash(pattern)}/")
            case Until(ends, most, without, first):
                return self.until(ends, most, without, first)
            case Free(without, most, first):
                text = f"[^\\s{class_of(first)}]{_any(most, 0)}" if first else _any(most, 1)
                return self.terminal("FREE", f"/{_slash(text)}/{_but(without)}")
            case JsonValue(schema, root):
                return "%json " + json.dumps(prepared(schema, root, self.g.caps, self.g.space), ensure_ascii=False)
            case PythonValue(schema, root):
                return self.python(schema, root)
            case Ref(name):
                return _name(name)

    def literal(self, text: str, special: bool) -> str:
        """White space stands alone; special tokens are ids."""
        out = []
        for part in self.special.split(text) if special and self.special else [text]:
            if part in self.tokens and special:
                out.append(f"<[{self.tokens[part]}]>")
            else:
                out += [json.dumps(p, ensure_ascii=False) for p in re.findall(r"^\s+|\s+$|\S(?:.*\S)?", part, re.S)]
        return " ".join(out)

    def until(self, ends: tuple[str, ...], most: int | None, without: tuple[str, ...], first: str) -> str:
        before = (f"[^\\s{class_of(first)}]" if first else "") + _any(most, 0)
        if len(ends) == 1 and self.special and (m := self.special.search(ends[0])):
            # text cannot hold a special token, so it ends where the token stands
            plain, rest = ends[0][:m.start()], ends[0][m.start():]
            text = self.terminal("TEXT", f"/{before}{_quote(plain)}/" + _but(without)) if plain else \
                f"({self.terminal('TEXT', f'/{before if first else _any(most, 1)}/' + _but(without))})?"
            return f"{text} {self.literal(rest, True)}"
        end = f"({'|'.join(map(_quote, ends))})"
        name = self.terminal("UNTIL", f"/{_slash(before)}{end}/" + _but(without, end))
        self.rules[name.lower() + "[lazy]"] = name       # only a rule can be lazy, and only a terminal can be cut down
        return name.lower()

    def python(self, schema: Any, root: Any) -> str:
        """A named rule for a Python value. Most tools ask for the same few types: one rule each is enough."""
        from ..values import python_rules

        said = json.dumps(_prepared(schema, Caps()))         # without descriptions
        key = (said, id(root) if "$ref" in said else None)
        if key not in self.pythons:
            rule, extra, _ = python_rules(schema, root, self.g.caps, self.g.space)
            prefix = f"py{len(self.pythons)}-"
            names = {name: prefix + name for name in extra}
            for name, body in extra.items():
                self.rules[_name(prefix + name)] = self.rule(_renamed(body, names)) or '""'
            self.rules[_name(prefix)] = self.rule(_renamed(rule, names)) or '""'
            self.pythons[key] = _name(prefix)
        return self.pythons[key]

    def terminal(self, kind: str, body: str) -> str:
        return self.terminals.setdefault(body, f"{kind}_{len(self.terminals)}")


def _renamed(rule: Rule, names: Mapping[str, str]) -> Rule:
    match rule:
        case Ref(name):
            return Ref(names.get(name, name))
        case Seq(items):
            return Seq(tuple(_renamed(i, names) for i in items))
        case Alt(options):
            return Alt(tuple(_renamed(o, names) for o in options))
        case Repeat(item, least, most):
            return Repeat(_renamed(item, names), least, most)
        case _:
            return rule


def _name(name: str) -> str:
    return re.sub(r"[^a-z0-9_]", "_", name.lower())


def _any(most: int | None, least: int) -> str:
    """Any text."""
    return f"(?s:.{'+' if least else '*'})" if most is None else f"(?s:.{{{least},{most}}})"


def _but(without: tuple[str, ...], end: str = "") -> str:
    """Cut down a terminal: before its end stands none of `without`."""
    first = [f"{_quote(w[1:])}" for w in without if w[0] == "\n"]      # what means something in a new line
    return (f" & ~/(?s:.*)({'|'.join(map(_quote, without))})(?s:.*){end}/" if without else "") + (
        f" & ~/({'|'.join(first)})(?s:.*){end}/" if first else "")


def _slash(pattern: str) -> str:
    return pattern.replace("/", r"\/")


def _quote(text: str) -> str:
    return re.sub(r"([\\^$.|?*+()\[\]{}/\-])", r"\\\1", text).replace("\n", r"\n")


# -- schemas as llguidance takes them --------------------------------------------------------------------------


def prepared(schema: Any, root: Any, caps: Caps, space: Whitespace) -> dict[str, Any]:
    """A schema in llguidance's subset: Python's type names made JSON's, what it refuses left out, caps put in."""
    out = _prepared(schema, caps)
    if not isinstance(out, dict):
        out = {} if out else {"not": {}}
    for key in ("$defs", "definitions"):
        if isinstance(root, Mapping) and key in root and key not in out:
            out[key] = {k: _prepared(v, caps) for k, v in root[key].items()}
    return {**out, "x-guidance": {"whitespace_flexible": False, "item_separator": space.item,
                                  "key_separator": space.key}}


def _prepared(schema: Any, caps: Caps) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    out: dict[str, Any] = {}
    for key, value in schema.items():
        match key:
            case "type":
                names = [schemas.type_name(t) for t in (value if isinstance(value, list) else [value])]
                if all(names):
                    out["type"] = names if isinstance(value, list) else names[0]
            case "properties" | "$defs" | "definitions" | "patternProperties":
                out[key] = {k: _prepared(v, caps) for k, v in value.items()} if isinstance(value, Mapping) else value
            case "anyOf" | "allOf" | "prefixItems":
                out[key] = [_prepared(v, caps) for v in value] if isinstance(value, list) else value
            case "oneOf":
                out["anyOf"] = [_prepared(v, caps) for v in value] if isinstance(value, list) else value
            case "items" | "additionalProperties":
                out[key] = _prepared(value, caps)
            case "format":
                if value in FORMATS:
                    out[key] = value
            case _ if key not in DROPPED and key not in COMMENTS:
                out[key] = value
    if schema.get("nullable") is True and isinstance(out.get("type"), str):
        out["type"] = [out["type"], "null"]
    if "properties" in out and "additionalProperties" not in out:
        out["additionalProperties"] = False
    return _capped(out, caps)


def _capped(out: dict[str, Any], caps: Caps) -> dict[str, Any]:
    types = out.get("type", ())
    types = types if isinstance(types, list) else [types]
    if "string" in types and caps.string is not None and not {"enum", "const", "pattern", "format"} & out.keys():
        out.setdefault("maxLength", caps.string)
    if "array" in types and caps.items is not None and "enum" not in out:
        out.setdefault("maxItems", max(caps.items, out.get("minItems", 0)))
    return out
