"""GBNF is read back by llguidance's own GBNF parser, and recognised exactly, character by character.

llguidance itself is greedy (a rule that is not recursive becomes one lexeme), so it would refuse some texts that
llama.cpp accepts; the recogniser here has GBNF's meaning and nothing else. Where xgrammar is installed it judges too.
"""

import itertools
import re
import sys
import time
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from llguidance import LLMatcher, LLTokenizer, grammar_from

from toolglot.emit.gbnf import gbnf
from toolglot.message import ToolglotError
from toolglot.rules import (
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
    Seq,
    Until,
    Whitespace,
)


@pytest.fixture(autouse=True, scope="module")
def deep_stack() -> Iterator[None]:
    """The recogniser below recurses with the text; elsewhere so high a limit would let the stack overflow."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(50_000)
    yield
    sys.setrecursionlimit(before)


reader = sys.modules["llguidance.gbnf_to_lark"]  # the package shows a function of this name


class Recogniser:
    def __init__(self, text: str) -> None:
        self.rules = reader.GrammarParser().parse(text)
        assert len(self.rules) == text.count("\n"), "two rules with one name"

    def accepts(self, text: str) -> bool:
        self.text, self.known = text, {}
        return len(text) in self.ends(self.rules["root"].alternatives, 0)

    def ends(self, node: object, start: int) -> frozenset[int]:
        key = id(node), start
        if key not in self.known:
            self.known[key] = frozenset(self._ends(node, start))
        return self.known[key]

    def _ends(self, node, start: int):
        match node:
            case reader.LiteralNode(value):
                text = _unescape(value)
                return {start + len(text)} if self.text.startswith(text, start) else set()
            case reader.RegexNode(pattern):
                return {start + 1} if _class(pattern).fullmatch(self.text, start, start + 1) else set()
            case reader.RuleRefNode(name):
                return self.ends(self.rules[name].alternatives, start)
            case reader.AlternativeNode(options):
                return set().union(*(self.ends(option, start) for option in options))
            case reader.SequenceNode(items):
                places = {start}
                for item in items:
                    places = set().union(*(self.ends(item, place) for place in places))
                return places
            case reader.RepetitionNode(item, least, most):
                places, found, count = {start}, set(), 0
                while places and (most is None or count <= most):
                    found |= places if count >= least else set()
                    places, count = set().union(*(self.ends(item, place) for place in places)), count + 1
                return found
        raise TypeError(node)


@cache
def _class(pattern: str) -> re.Pattern:
    return re.compile(pattern, re.S)


@cache
def _unescape(value: str) -> str:
    return re.sub(r"\\(x..|.)", lambda m: {"n": "\n", "r": "\r", "t": "\t"}.get(m[1]) or _code(m[1]), value, flags=re.S)


def _code(text: str) -> str:
    return chr(int(text[1:], 16)) if len(text) == 3 else text


def recogniser(rule, space=Whitespace(), caps=Caps(), **rules) -> Recogniser:
    return Recogniser(gbnf(Grammar({"start": rule, **rules}, space=space, caps=caps)))


def accepts(rule, text: str, **more) -> bool:
    return recogniser(rule, **more).accepts(text)


def matcher(text: str) -> LLMatcher:
    found = LLMatcher(LLTokenizer("byte"), grammar_from("gbnf", text))
    assert not found.is_error(), found.get_error()
    return found


def llguidance_accepts(grammar: str, text: str) -> bool:
    found = matcher(grammar)
    return found.try_consume_tokens(list(text.encode())) == len(text.encode()) and found.is_accepting()


def first_end(text: str, ends: tuple[str, ...]) -> int | None:
    return next((at for at in range(len(text) + 1) if text[:at].endswith(ends)), None)


words = st.lists(st.text("ab<", min_size=1, max_size=4), min_size=1, max_size=3, unique=True).map(tuple)


@settings(max_examples=60, deadline=None)
@given(words)
@example(("aab",))
@example(("aba", "b<"))
def test_until_ends_where_the_first_end_is_complete(ends: tuple[str, ...]) -> None:
    grammar = recogniser(Until(ends))
    for text in map("".join, itertools.chain(*(itertools.product("ab<", repeat=n) for n in range(7)))):
        assert grammar.accepts(text) == (first_end(text, ends) == len(text)), text


@settings(max_examples=60, deadline=None)
@given(words)
def test_free_text_holds_none_of_its_strings(without: tuple[str, ...]) -> None:
    grammar = recogniser(Free(without))
    for text in map("".join, itertools.chain(*(itertools.product("ab<", repeat=n) for n in range(7)))):
        assert grammar.accepts(text) == (not any(word in text for word in without)), text


@settings(max_examples=60, deadline=None)
@given(words, words)
@example(("a<ba",), ("<b",))
@example(("a<b", "b"), ("<",))
@example(("abab", "ba<"), ("ab",))
@example(("<", "a<<"), ("a",))
def test_until_without(ends: tuple[str, ...], without: tuple[str, ...]) -> None:
    grammar = recogniser(Until(ends, None, without))
    for text in map("".join, itertools.chain(*(itertools.product("ab<", repeat=n) for n in range(7)))):
        before = [text[: -len(end)] for end in ends if text.endswith(end)]
        clean = any(not any(word in begin for word in without) for begin in before)
        wanted = first_end(text, ends) == len(text) and clean
        assert grammar.accepts(text) == wanted, text


def test_words_until_a_call_and_then_the_call() -> None:
    call = Seq(
        (Until(("<tool_call>\n",), None, ("<|im_end|>",)), JsonValue({"type": "integer"}), Lit("\n</tool_call>", True))
    )
    grammar = gbnf(Grammar({"start": Seq((Ref("call one"), Repeat(Seq((Lit("\n"), Ref("call-one"))), 0, 2))),
                            "call one": call, "call-one": Lit("x")}))  # fmt: skip
    found = Recogniser(grammar)
    for text, wanted in {
        "<tool_call>\n1\n</tool_call>": True,
        "Let me see. 1 < 2, <tool <tool_call>\n12\n</tool_call>\nx\nx": True,
        "a<|im_end|><tool_call>\n12\n</tool_call>": False,
        "<tool_call>\n<tool_call>\n1\n</tool_call>": False,
        "<tool_call>\n1\n</tool_call>\nx\nx\nx": False,
    }.items():
        assert found.accepts(text) == wanted, text
        assert llguidance_accepts(grammar, text) == wanted, text


def test_names_are_letters_digits_and_dashes_and_stay_apart() -> None:
    rules = {"start": Seq(tuple(map(Ref, ("a b", "a_b", "a-b", "root", "7", "ß")))), "a b": Lit("1"), "a_b": Lit("2")}
    rules |= {"a-b": Lit("3"), "root": Lit("4"), "7": Lit("5"), "ß": Lit("6")}
    text = gbnf(Grammar(rules))
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9-]* ::= .+", line) for line in text.splitlines())
    assert Recogniser(text).accepts("123456")
    assert text.startswith("root ::= ")


def test_the_start_may_have_any_name() -> None:
    assert Recogniser(gbnf(Grammar({"root": Lit("a"), "go": Seq((Ref("root"), Lit("b")))}, "go"))).accepts("ab")


@pytest.mark.parametrize("text", ['"', "\\", "\n\t\r\x00\x7f", "é→😀", "[a-z]{3}", '"\\"', "a # b", "\u2028\x85"])
def test_literals_are_escaped(text: str) -> None:
    assert accepts(Lit(text), text)
    assert not accepts(Lit(text), text + "a")
    assert llguidance_accepts(gbnf(Grammar({"start": Lit(text)})), text)


def test_half_a_surrogate_pair_is_an_error() -> None:
    with pytest.raises(ToolglotError, match="surrogate"):
        gbnf(Grammar({"start": Lit("\ud800")}))


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        (r"[A-Za-z0-9]{9}", ["abcdefghi"], ["abcdefgh", "abcdefgh-"]),
        (r"[^\s\{\[]", ["a", "é"], ["{", "[", " ", "ab"]),
        (r"-?(0|[1-9]\d*)(\.\d+)?", ["0", "-12.50"], ["01", "1.", "-"]),
        (r"(a|bc)*?d+", ["d", "abcadd"], ["", "ab"]),
        (r"\x41\u00e9\.\/[\]\\^-]", ["Aé./]", "Aé./^", "Aé./-"], ["Aé./a", "Aéx/]"]),
        (r".", ["a", "\t"], ["\n", "", "aa"]),
        (r"a{2,}|b{,2}", ["aa", "aaa", "b{,2}"], ["a", "b"]),
    ],
)
def test_regular_expressions(pattern: str, good: list[str], bad: list[str]) -> None:
    found = recogniser(Regex(pattern))
    assert [text for text in good if not found.accepts(text)] == []
    assert [text for text in bad if found.accepts(text)] == []


@pytest.mark.parametrize(
    "pattern", [r"(?=a)", r"\bx", r"(a)\1", r"\p{L}", "(a*)*", "a**", "[z-a]", "(", ")", "[", "a" + "(" * 999]
)
def test_a_regular_expression_outside_the_subset_is_an_error(pattern: str) -> None:
    with pytest.raises(ToolglotError, match="regular expression"):
        gbnf(Grammar({"start": Regex(pattern)}))


@pytest.mark.parametrize(("least", "most"), [(0, 100), (65, 65), (70, 200), (130, None), (0, 64), (3, 3), (1, None)])
def test_long_repeats_count_exactly(least: int, most: int | None) -> None:
    found = recogniser(Repeat(Regex("[ab]"), least, most))
    edges = {
        0,
        1,
        least - 1,
        least,
        least + 1,
        63,
        64,
        65,
        127,
        128,
        129,
        *([most - 1, most, most + 1] if most else []),
    }
    for count in edges - {-1}:
        assert found.accepts("a" * count) == (least <= count and (most is None or count <= most)), count


def test_a_huge_repeat_stays_small() -> None:
    text = gbnf(Grammar({"start": Repeat(Lit("ab"), 10**8, 10**9)}))
    assert len(text) < 20_000
    assert max(map(int, re.findall(r"[{,](\d+)", text))) <= 64  # llama.cpp refuses long ones


def test_what_nothing_matches() -> None:
    assert accepts(Alt((Lit("a"), Alt(()), Seq((Lit("b"), Alt(()))))), "a")
    assert accepts(Repeat(Alt(()), 0, 1), "")
    for rule in (Alt(()), Seq((Lit("a"), Alt(()))), Repeat(Alt(()), 1)):
        with pytest.raises(ToolglotError, match="nothing matches"):
            gbnf(Grammar({"start": rule}))
    for rule in (Until(()), Free(("",))):
        with pytest.raises(ToolglotError):
            gbnf(Grammar({"start": rule}))


def test_values_share_what_does_not_depend_on_the_schema() -> None:
    one, two = JsonValue({"properties": {"a": {}}}), PythonValue({"properties": {"b": {"$ref": "#"}}})
    text = gbnf(Grammar({"start": Seq((one, Lit(" "), one, Lit(" "), two))}, space=Whitespace(",", ":")))
    assert text.count("json-string ::=") == 1
    assert Recogniser(text).accepts('{"a":[1,"x",null,{"b":2.5}]} {} {\'b\': {\'b\': {}}}')


def test_a_grammar_of_many_tools_is_made_quickly() -> None:
    schema = {"properties": {f"p{n}": {"type": ["string", "null"], "enum": ["a", "b", None]} for n in range(8)}}
    rules = {"start": Alt(tuple(Ref(f"t{n}") for n in range(500)))}
    rules |= {f"t{n}": Seq((Lit(f"t{n} "), JsonValue({**schema, "required": ["p1"]}))) for n in range(500)}
    began = time.process_time()
    text = gbnf(Grammar(rules))
    assert time.process_time() - began < 5
    assert len(text) < 1_000_000


def test_xgrammar_reads_it_the_same() -> None:
    xgrammar = pytest.importorskip("xgrammar")
    from xgrammar.testing import _is_grammar_accept_string as judged

    schema = {
        "properties": {
            "city": {"type": "string", "pattern": "^[A-Z][a-z ]+$"},
            "days": {"type": "integer", "minimum": 1, "maximum": 14},
            "tags": {"type": "array", "items": {"enum": ["x", 'é"\n']}, "maxItems": 2},
            "any": {},
        },
        "required": ["days"],
    }
    call = Seq((Until(("<call>",), None, ("<end>",)), JsonValue(schema), Lit("</call>\n\t\x7f")))
    text = gbnf(Grammar({"start": call}))
    grammar = xgrammar.Grammar.from_ebnf(text)
    for tried in (
        '<call>{"days": 14}',
        '<a <ca<<call>{"city": "Rio De", "days": 7, "tags": ["x", "é\\"\\n"], "any": {"a": [1.5e3, null]}}',
        '<call>{"days": 15}',
        '<call>{"days": 3, "city": "Rio"}',
        '<call>{"city": "rio", "days": 3}',
        '<end><call>{"days": 3}',
        '<call><call>{"days": 3}',
        '<call>{"days": 3, "any": "\n"}',
    ):
        whole = tried + "</call>\n\t\x7f"
        assert judged(grammar, whole) == Recogniser(text).accepts(whole), tried
