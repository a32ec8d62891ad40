"""Rule tree -> one regular expression, for engines that take nothing better.

The one rule: it means what the tree means, or there is none. What has no end to its nesting is no regular language.
"""

from __future__ import annotations

import re

from ..message import ToolglotError
from ..rules import Alt, AnyOrder, Free, Grammar, JsonValue, Lit, PythonValue, Ref, Regex, Repeat, Rule, Seq, Until
from ..values import Values, json_rules, python_rules
from ..values.patterns import times
from .any_order import unrolled
from .automaton import stretches
from .gbnf import is_nothing

_LONGEST = 200_000  # characters


def regex(grammar: Grammar) -> str:
    """The whole reply as one expression, in the syntax that Rust, Python and ECMA-262 share; special tokens are text.

    Raises ToolglotError for rules that refer to themselves, as values of no known type do, and for what would be longer
    than 200,000 characters. `most` of free text is not kept.
    """
    return _Regex(grammar).named(grammar.start, ())


class _Regex:
    def __init__(self, grammar: Grammar) -> None:
        self.g, self.rules, self.made = grammar, dict(grammar.rules), dict[str, str]()
        self.values = 0

    def named(self, name: str, inside: tuple[str, ...]) -> str:
        if name in inside:
            raise ToolglotError("regex: a value may nest without end, which no regular expression can say; give the "
                                "arguments types, or take another notation")
        if name not in self.made:
            self.made[name] = self.text(self.rules[name], (*inside, name))
        return self.made[name]

    def text(self, rule: Rule, inside: tuple[str, ...]) -> str:
        found = self._text(rule, inside)
        if len(found) > _LONGEST:
            raise ToolglotError(f"regex: longer than {_LONGEST:,} characters; give fewer tools, or take another notation")
        return found

    def _text(self, rule: Rule, inside: tuple[str, ...]) -> str:
        match rule:
            case Lit(text):
                return re.sub(r"[^\w\s<>=:,'\"!@%&;~`_-]", lambda m: f"\\{m[0]}" if m[0].isascii() else m[0], text)
            case Regex(pattern):
                return f"(?:{pattern})" if "|" in pattern else pattern
            case Seq(items):
                return "".join([self.text(item, inside) for item in items])
            case Alt(options):
                return "(?:" + "|".join([self.text(one, inside) for one in options if not is_nothing(one)]) + ")"
            case Repeat(item, least, most):
                if most == 0 or is_nothing(item):
                    return ""
                body = self.text(item, inside)
                return f"(?:{body}){times(least, most)}" if body else ""
            case Ref(name):
                return self.named(name, inside)
            case JsonValue(schema, root):
                made = json_rules(schema, root, self.g.caps, self.g.space, self.prefix(), self.g.order)
                return self.value(made, inside)
            case PythonValue(schema, root):
                made = python_rules(schema, root, self.g.caps, self.g.space, self.prefix(), self.g.order)
                return self.value(made, inside)
            case AnyOrder():
                name = self.prefix()
                self.rules.update(unrolled(rule, name))
                return self.named(name, inside)
            case Until(ends, _, without, first, bare):
                return self.watching(ends, without, first, bare)
            case Free(without, _, first):
                return self.watching((), without, first, ())

    def prefix(self) -> str:
        self.values += 1
        return f"value-{self.values}"

    def value(self, values: Values, inside: tuple[str, ...]) -> str:
        self.rules.update(values.rules)
        return self.text(values.rule, inside)

    def watching(self, ends: tuple[str, ...], without: tuple[str, ...], first: str, bare: tuple[str, ...]) -> str:
        text = stretches(ends, without, first, bare, apart=False)
        back = text.steps.get((0, 0))
        many = f"(?:{text.plain}|{back})*" if back else f"(?:{text.plain})*"
        outs: dict[int, str] = {} if ends else dict(text.stops)
        for (state, _), one in text.ends.items():
            outs[state] = f"{outs[state]}|{one}" if state in outs else one
        rest = f"(?:{outs[0]}){'' if ends else '?'}" if 0 in outs else ""
        if text.begin == 0:
            return many + rest
        ways = [f"(?:{text.steps[text.begin, 0]}){many}{rest}"] if (text.begin, 0) in text.steps else []
        ways += [outs[text.begin]] if text.begin in outs else []
        return f"(?:{'|'.join(ways)}){'' if ends else '?'}"
