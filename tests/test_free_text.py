"""Free text that watches for strings means the same in every notation, and what a slow reading of its definition says."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from test_emit_gbnf import Recogniser
from toolglot.emit.gbnf import gbnf
from toolglot.emit.lark import lark, portable_lark
from toolglot.emit.regex import regex
from toolglot.registry import dialects
from toolglot.rules import Free, Grammar, Until

llguidance = pytest.importorskip("llguidance", reason="llguidance judges constraints: pip install 'toolglot[local]'")
BYTES = llguidance.LLTokenizer("byte")

word = st.text("ab<\n", min_size=1, max_size=4)
words = st.lists(word, max_size=3, unique=True).map(tuple)
texts = st.lists(st.text("ab<\n", max_size=7), min_size=20, max_size=40)


def allowed(rule: Until | Free, text: str) -> bool:
    """By the definition: where the first end is complete, all of `text` must be said, and nothing forbidden before it."""
    def spoilt(before: str) -> bool:
        in_lines = any(w[0] == "\n" and len(w) > 1 and before.startswith(w[1:]) for w in rule.without)
        return in_lines or any(w in before for w in rule.without)

    if rule.first and text and (text[0] in rule.first or text[0].isspace()):
        return False
    if isinstance(rule, Free):
        return not spoilt(text)
    for size in range(len(text) + 1):
        ends = [e for e in rule.ends if text[:size].endswith(e)] + [b for b in rule.bare if text[:size] == b]
        if ends:
            return size == len(text) and any(not spoilt(text[:size - len(end)]) for end in ends)
    return False


@st.composite
def watching(draw: Any) -> Until | Free:
    ends, without = draw(words), draw(words)
    first = draw(st.sampled_from(["", "", "a", "<"]))
    if not ends:
        return Free(without, None, first)
    return Until(ends, None, without, first, () if first else tuple(draw(st.lists(word, max_size=1))))


def by_llguidance(grammar: str) -> Any:
    head = "" if grammar.startswith("%llguidance") else "%llguidance {}\n"
    assert not llguidance.LLMatcher.validate_grammar(head + grammar, BYTES), grammar

    def accepts(text: str) -> bool:
        m = llguidance.LLMatcher(BYTES, head + grammar, log_level=0)
        return all(m.consume_token(byte) for byte in text.encode()) and m.is_accepting()

    return accepts


@settings(max_examples=60, deadline=None)
@given(watching(), texts)
def test_every_notation_means_what_the_definition_says(rule: Until | Free, some: list[str]) -> None:
    grammar = Grammar({"start": rule})
    whole = re.compile(regex(grammar))
    judges = {"gbnf": Recogniser(gbnf(grammar)).accepts, "regex": lambda text: bool(whole.fullmatch(text)),
              "lark": by_llguidance(lark(grammar, {})), "portable": by_llguidance(portable_lark(grammar))}
    for text in some:
        expected = allowed(rule, text)
        assert {name: judge(text) for name, judge in judges.items()} == dict.fromkeys(judges, expected), text


@settings(max_examples=25, deadline=None)
@given(watching(), texts)
def test_xgrammar_reads_the_portable_lark_the_same_way(rule: Until | Free, some: list[str]) -> None:
    xgrammar = pytest.importorskip("xgrammar", reason="xgrammar is not installed")
    from xgrammar.testing import _is_grammar_accept_string

    grammar = xgrammar.Grammar.from_lark(portable_lark(Grammar({"start": rule})))
    for text in some:
        assert _is_grammar_accept_string(grammar, text) == allowed(rule, text), text


@pytest.mark.parametrize("name", dialects())
def test_the_text_of_a_constraint_is_short_whatever_the_markers(name: str) -> None:
    from toolglot.grammar import constrain
    from toolglot.message import Tool

    tool = Tool("f", "", {"type": "object", "properties": {"a": {"type": "string"}}})
    assert len(constrain(dialects()[name], [tool]).lark()) < 60_000


def test_text_next_to_a_special_token_ends_where_it_stands() -> None:
    grammar = lark(Grammar({"start": Until(("\n<call>",), None, ("<call>",), "", ("<call>",))}), {"<call>": 7})
    assert re.search(r"^start: text_0_free <\[7\]>$", grammar, re.M)


class Syllables:
    """A vocabulary in the way of real ones: bytes, and 30,000 words of common letters, half of them behind a space."""

    def __init__(self) -> None:
        words = ["".join(one) for one in product("aeiou", "lnrst", "acfio", "nstcu", "aft", "iou", "n")]
        self.tokens = [*(bytes([i]) for i in range(256)), *(f"{space}{w}".encode() for space in ("", " ") for w in words),
                       b"<eos>"]
        self.eos_token_id, self.bos_token_id = len(self.tokens) - 1, None
        self.special_token_ids = [self.eos_token_id]

    def __call__(self, text: str) -> list[int]:
        return list(text.encode())


@pytest.fixture(scope="module")
def syllables() -> Any:
    return llguidance.LLTokenizer(llguidance.TokenizerWrapper(Syllables()))


@pytest.mark.parametrize("ends", [("function_call",), (" to=functions.",), (" functools[", "action:"), ("<call>", "\nask")])
def test_markers_of_letters_do_not_make_masks_dear(ends: tuple[str, ...], syllables: Any) -> None:
    """llguidance makes a row for each stretch that may end along each token, and gives up where these are too many."""
    grammar = lark(Grammar({"start": Until(ends, None, ("assistant<end>", "<stop>", *(e.strip() for e in ends)))}), {})
    few = llguidance.LLMatcher(syllables, grammar, log_level=0, limits=llguidance.LLParserLimits(step_max_items=10_000))
    for char in b"a fact\n< f":
        few.compute_logit_bias()
        assert not few.is_error(), few.get_error()
        assert few.consume_token(char)
