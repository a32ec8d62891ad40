"""Rule tree -> Lark: as llguidance reads it, and in the part of it that xgrammar reads too.

The one rule: llguidance's lexer is greedy, so no lexeme here begins another that may stand in the same place, unless the
longer one is meant. Free text is the stretches of its automaton (`emit.automaton`), white space stands alone, for it
begins many literals, and a special token is never matched as text: it is named by its id. xgrammar, which is not greedy,
reads the same grammar the same way; it has no ids, no `%json` and no parameters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

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
    children,
)
from ..values import Values, json_rules, python_rules
from ..values.patterns import ANY, one_class, without
from .any_order import unrolled
from .automaton import BEGIN, Text, stretches
from .gbnf import is_nothing
from .lark_schema import plain_schema, prepared

HEAD = "%llguidance {}\n"
Words = tuple[str, ...]
_PLAIN = r"""[^"'\\\x00-\x1F\x7F<>\[\]{}`〈助]"""
# For `llguidance.LLTokenizer(slices=...)`, before its own: what nearly every free text and string here may go on with. A
# mask is then made of the few tokens that are not such; without them, the first masks of free text take 20 times as long.
SLICES = (f"{_PLAIN}{{1,10}}", f"{_PLAIN}{{1,30}}", f"{_PLAIN}+")
_BITS = 64                  # of the parameter of a rule
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^"{}\[\],:]+|"')       # of JSON, and what is none


def lark(grammar: Grammar, tokens: Mapping[str, int], ends: Sequence[str] = ()) -> str:
    """The grammar as text, with llguidance's head. `ends` are the tokens of `tokens` that may end the reply.

    llguidance knows one end token; a chat model of two would never choose the other in the middle of free text, and
    go on to the limit. Raises ToolglotError for a rule that nothing matches.
    """
    text = HEAD + _Lark(grammar, tokens).text()
    last = " | ".join([f"<[{tokens[e]}]>" for e in ends if e in tokens])
    return re.sub(r"^start: (.*)$", lambda m: f"start: ({m[1]}) ({last})?", text, count=1, flags=re.M) if last else text


def portable_lark(grammar: Grammar) -> str:
    """The grammar without what llguidance alone has: special tokens are text, and values are rules.

    `most` of free text is not kept, as in GBNF. Raises what `gbnf` raises.
    """
    return _Lark(grammar, {}, portable=True).text()


class _Lark:
    def __init__(self, grammar: Grammar, tokens: Mapping[str, int], portable: bool = False) -> None:
        self.g, self.tokens, self.portable = grammar, tokens, portable
        self.terminals: dict[str, str] = {}
        self.rules: dict[str, str] = {}
        self.values: dict[tuple[str, str, int | None], str] = {}
        self.texts: dict[tuple[Words, Words, str, Words], tuple[str, Text]] = {}
        names = "|".join(map(re.escape, sorted(tokens, key=len, reverse=True)))
        self.special = re.compile(f"({names})") if names else None
        # A marker that another one begins with must end there too: `>>>` and a name, and `>>>all`.
        special = (rule for rule in _walk(grammar) if isinstance(rule, Lit) and rule.special)
        marks = sorted({rule.text for rule in special if rule.text.strip()})
        self.heads = [one for one, after in pairwise(marks) if after.startswith(one)][::-1]    # the longest first
        # What watches for the same may stand in the same place: it must be cut into the same stretches.
        self.outs: dict[tuple[str, str], str] = {}
        self.ends: dict[Words, Words] = {}
        self.bare: dict[Words, Words] = {}
        for rule in (rule for rule in _walk(grammar) if isinstance(rule, Until)):
            until, _ = self.before_token(rule) or (rule, "")
            if isinstance(until, Until) and until.without and until.most is None:
                self.ends[until.without] = tuple(sorted({*self.ends.get(until.without, ()), *until.ends}))
                self.bare[until.without] = tuple(sorted({*self.bare.get(until.without, ()), *until.bare}))

    def text(self) -> str:
        for name, rule in self.g.rules.items():
            if is_nothing(rule):
                raise ToolglotError(f"lark: nothing matches the rule {name!r}")
            self.rules[_name(name)] = self.rule(rule) or '""'
        lines = [f"{n}: {body}" for n, body in self.rules.items()]
        lines += [f"{n}: {body}" for body, n in self.terminals.items()]
        return "\n".join(lines) + "\n"

    def rule(self, rule: Rule) -> str:
        match rule:
            case Lit(text, special):
                return self.literal(text, special)
            case Seq(items):
                return " ".join(filter(None, map(self.rule, items)))
            case Alt(options):
                kept = [self.rule(o) or '""' for o in options if not is_nothing(o)]
                return "(" + " | ".join(kept) + ")"
            case Repeat(item, least, most):
                return self.repeat("" if is_nothing(item) else self.rule(item), least, most)
            case Regex(pattern):
                return self.terminal("REGEX", f"/{_slash(pattern)}/")
            case Until():
                return self.until(rule)
            case Free(without, most, first):
                return self.free(without, most, first)
            case JsonValue(schema, root) if self.portable or self.g.order == "any" or self.g.alike:
                return self.value("json", schema, root)
            case JsonValue(schema, root):
                return "%json " + json.dumps(prepared(schema, root, self.g.caps, self.g.space), ensure_ascii=False)
            case PythonValue(schema, root):
                return self.value("python", schema, root)
            case AnyOrder():
                return self.any_order(rule)
            case Ref(name):
                return _name(name)

    def repeat(self, inner: str, least: int, most: int | None) -> str:
        if not inner or most == 0:
            return ""
        marks = {(0, 1): "?", (0, None): "*", (1, None): "+"}
        times = f"{{{least},{'' if most is None else most}}}"
        return f"({inner}){marks.get((least, most), times)}"

    def literal(self, text: str, special: bool) -> str:
        """White space stands alone, and so does what is a literal elsewhere, or a token of values; special ones are ids."""
        out = []
        if head := next((h for h in self.heads if text.startswith(h) and text != h), ""):
            return f"{self.literal(head, special)} {self.literal(text[len(head):], special)}"
        for part in self.special.split(text) if special and self.special else [text]:
            if part in self.tokens and special:
                out.append(f"<[{self.tokens[part]}]>")
            else:
                cut = _TOKENS.findall(part) if self.g.alike else [part]
                out += [_string(p) for one in cut for p in re.findall(r"^\s+|\s+$|\S(?:.*\S)?", one, re.S)]
        return " ".join(out)

    # -- free text

    def before_token(self, rule: Until) -> tuple[Until | Free, str] | None:
        """The text and the end's rest from its special token on, where it has one: text cannot hold that token, so it
        ends where the token stands. White space before it is text."""
        ends = {end.strip() for end in rule.ends}
        if len(ends) > 1 or not self.special or not (m := self.special.search(rule.ends[0])):
            return None
        plain, rest = rule.ends[0][:m.start()], rule.ends[0][m.start():]
        if not plain.strip():
            return Free(rule.without, rule.most, rule.first), rest
        bare = tuple([one[:one.index(m[0])] for one in rule.bare])
        return Until((plain,), rule.most, rule.without, rule.first, bare), rest

    def until(self, rule: Until) -> str:
        if split := self.before_token(rule):
            return f"{self.rule(split[0])} {self.literal(split[1], True)}"
        ends, most, without, first = rule.ends, rule.most, rule.without, rule.first
        if most is not None and not self.portable:
            before_end = (_no_space(first) if first else "") + _any(most, 0)
            end = f"({'|'.join(map(_quote, ends))})"
            name = self.terminal("UNTIL", f"/{_slash(before_end)}{end}/" + _but(without, end))
            self.rules[name.lower() + "[lazy]"] = name       # only a rule can be lazy, and only a terminal can be cut down
            return name.lower()
        ends, bare = self.ends.get(without, ends), self.bare.get(without, rule.bare)
        own = frozenset({*rule.ends, *(f"{BEGIN[0]}{end}" for end in rule.bare)})
        return self.watching(ends, without, first, bare, own)

    def free(self, without: Words, most: int | None, first: str) -> str:
        if most is not None and not self.portable:
            text = f"{_no_space(first)}{_any(most, 0)}" if first else _any(most, 1)
            return f"({self.terminal('FREE', f'/{_slash(text)}/{_but(without)}')})?"
        return self.watching(self.ends.get(without, ()), without, first, self.bare.get(without, ()), None)

    def watching(self, ends: Words, without: Words, first: str, bare: Words, own: frozenset[str] | None) -> str:
        """A named rule for text that watches, to one of its own ends, or free.

        Rules that refer to themselves at their left take llguidance the same time for each stretch, however many.
        """
        key = (ends, without, first, bare)
        if key not in self.texts:
            name, text = f"text_{len(self.texts)}", stretches(*key)
            self.texts[key] = name, text
            ways: dict[int, list[str]] = {text.begin: ['""']}
            ways.setdefault(0, []).append(f"{name}_0 {self.regex(text.plain)}")
            for (start, end), one in text.steps.items():
                ways.setdefault(end, []).append(f"{name}_{start} {self.regex(one)}")
            for state, found in ways.items():
                self.rules[f"{name}_{state}"] = " | ".join(found)
        name, text = self.texts[key]
        if own is None:
            reached = sorted({0, text.begin, *(end for _, end in text.steps)})
            out = [f"{name}_{i}" for i in reached] + [f"{name}_{i} {self.regex(one)}" for i, one in text.stops.items()]
        else:
            out = [f"{name}_{i} {self.regex(one)}" for (i, done), one in text.ends.items()
                   if own.intersection(done[0].split("\0"))]
        kind = "free" if own is None else f"until_{sorted(own)}"
        self.outs.setdefault((name, kind), f"{name}_free" if own is None else f"{name}_until_{len(self.outs)}")
        self.rules[self.outs[name, kind]] = " | ".join(out)
        return self.outs[name, kind]

    def regex(self, pattern: str) -> str:
        return self.terminal("TEXT", f"/{_slash(pattern)}/")

    # -- values

    def value(self, kind: str, schema: Any, root: Any) -> str:
        """A named rule for a value. Most tools ask for the same few types: one rule each is enough."""
        said = json.dumps(plain_schema(schema))         # without descriptions
        key = (kind, said, id(root) if "$ref" in said else None)
        if key not in self.values:
            prefix = f"{kind}{len(self.values)}"
            self.values[key] = _name(prefix)
            make = json_rules if kind == "json" else python_rules
            self.named(prefix, make(schema, root, self.g.caps, self.g.space, prefix, self.g.order))
        return self.values[key]

    def named(self, name: str, values: Values) -> None:
        for inner, body in values.rules.items():        # those that another value brought are the same
            if _name(inner) not in self.rules:
                self.rules[_name(inner)] = ""
                self.rules[_name(inner)] = self.rule(body) or '""'
        self.rules[_name(name)] = self.rule(values.rule) or '""'

    def any_order(self, rule: AnyOrder) -> str:
        name = f"order_{sum(n.startswith('order_') and n.count('_') == 1 for n in self.rules)}"
        self.rules[name] = ""
        if self.portable:
            for inner, one in unrolled(rule, name).items():
                self.rules[_name(inner)] = self.rule(one) or '""'
            return name
        if len(rule.items) > _BITS:
            raise ToolglotError(f"lark: at most {_BITS} arguments may stand in any order, found {len(rule.items)}")
        items = sorted(rule.items, key=lambda item: not item[0])        # the required ones have the lowest bits
        need, comma = sum(must for must, _ in items), self.rule(rule.between)
        bodies = [self.rule(item) or '""' for _, item in items]
        for i, body in enumerate(bodies):
            self.rules[f"{name}_{i}"] = body
        more = [] if rule.more is None else [self.rule(rule.more)]
        end = f'"" %if is_ones([0:{need}])' if need else '""'
        first = [f"{name}_{i} {name}_on::{1 << i}" for i in range(len(items))] + [f"{one} {name}_on::0" for one in more]
        after = [f"{comma} {name}_{i} {name}_on::set_bit({i}) %if bit_clear({i})".strip() for i in range(len(items))]
        after += [f"{comma} {one} {name}_on::_".strip() for one in more]
        self.rules[name] = " | ".join(first + ['""'] * (not need))
        self.rules[f"{name}_on::_"] = " | ".join([end, *after])
        return name

    def terminal(self, kind: str, body: str) -> str:
        return self.terminals.setdefault(body, f"{kind}_{len(self.terminals)}")


def _name(name: str) -> str:
    return re.sub(r"[^a-z0-9_]", "_", name.lower())


def _walk(grammar: Grammar) -> Iterator[Rule]:
    todo: list[Rule] = list(grammar.rules.values())
    while todo:
        todo.extend(children(rule := todo.pop()))
        yield rule


def _no_space(bad: str) -> str:
    ranges = without(ANY, [(ord(char), ord(char)) for char in sorted(bad)])
    return one_class(ranges).replace("[^", "[^\\s", 1)


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _any(most: int | None, least: int) -> str:
    """Any text."""
    return f"(?s:.{'+' if least else '*'})" if most is None else f"(?s:.{{{least},{most}}})"


def _but(markers: tuple[str, ...], end: str = "") -> str:
    """Cut down a terminal: before its end stands none of `markers`."""
    first = [f"{_quote(w[1:])}" for w in markers if w[0] == "\n"]      # what means something in a new line
    return (f" & ~/(?s:.*)({'|'.join(map(_quote, markers))})(?s:.*){end}/" if markers else "") + (
        f" & ~/({'|'.join(first)})(?s:.*){end}/" if first else "")


def _slash(pattern: str) -> str:
    return re.sub(r"(\\.)|/", lambda m: m[1] or r"\/", pattern, flags=re.S)


def _quote(text: str) -> str:
    return re.sub(r"([\\^$.|?*+()\[\]{}/\-])", r"\\\1", text).replace("\n", r"\n")
