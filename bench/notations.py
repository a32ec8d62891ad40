"""Every notation of a constraint, and what can read it here: a judge says of a text whether the constraint takes it.

The one rule: a reader that does not take a grammar, or gives up on a text, says so; it is never taken for a refusal.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import llguidance
import xgrammar

from toolglot.engines.follow import Gbnf
from toolglot.grammar import Constraint


class Broken(Exception):
    """A reader does not take a grammar, or gave up on a text."""


Judge = Callable[[str], bool]
NOTATIONS: dict[str, Callable[[Constraint], Any]] = {
    "lark": Constraint.lark, "portable": Constraint.portable_lark, "gbnf": Constraint.gbnf,
    "tag": Constraint.structural_tag, "regex": Constraint.regex, "schema": Constraint.json_schema}


@cache
def _bytes() -> Any:
    return llguidance.LLTokenizer("byte")


def by_llguidance(grammar: str) -> Judge:
    matcher = llguidance.LLMatcher(_bytes(), grammar, log_level=0)
    if matcher.is_error():
        raise Broken(matcher.get_error())

    def accepts(text: str) -> bool:
        matcher.reset()
        tokens = list(text.encode())
        passed = matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting()
        if matcher.is_error():
            raise Broken(matcher.get_error())
        return passed

    return accepts


def by_xgrammar(read: Callable[[Any], Any], text: Any) -> Judge:
    compiler = xgrammar.GrammarCompiler(xgrammar.TokenizerInfo([]), cache_enabled=False)
    matcher = xgrammar.GrammarMatcher(compiler.compile_grammar(read(text)), terminate_without_stop_token=True)

    def accepts(words: str) -> bool:
        matcher.reset()
        return bool(matcher.accept_string(words) and matcher.is_terminated())

    return accepts


def by_following(text: str) -> Judge:
    grammar = Gbnf(text)

    def accepts(words: str) -> bool:
        follower = grammar.watch()
        return follower.allows(words) and follower.complete()

    return accepts


READERS: dict[tuple[str, str], Callable[[Any], Judge]] = {
    ("lark", "llguidance"): by_llguidance,
    ("portable", "llguidance"): lambda text: by_llguidance(f"%llguidance {{}}\n{text}"),
    ("portable", "xgrammar"): partial(by_xgrammar, xgrammar.Grammar.from_lark),
    ("gbnf", "toolglot"): by_following,
    ("gbnf", "xgrammar"): partial(by_xgrammar, xgrammar.Grammar.from_ebnf),
    ("tag", "xgrammar"): lambda tag: by_xgrammar(xgrammar.Grammar.from_structural_tag, json.dumps(tag)),
    ("regex", "llguidance"): lambda text: by_llguidance(llguidance.LLMatcher.grammar_from_regex(text)),
    ("regex", "xgrammar"): partial(by_xgrammar, xgrammar.Grammar.from_regex),
    ("schema", "llguidance"): lambda made: by_llguidance(llguidance.LLMatcher.grammar_from_json_schema(made)),
    ("schema", "xgrammar"): lambda made: by_xgrammar(xgrammar.Grammar.from_json_schema, json.dumps(made)),
}
