"""Following a reply through GBNF: what it means by cases, and by a recogniser of the whole text that was written apart.

`BROKEN` and `MEANINGS` are held against llama.cpp itself in test_engine_llama_server.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator

import pytest

from test_constraint_laws import ALL
from toolglot.engines import EngineError
from toolglot.engines.follow import Gbnf
from toolglot.grammar import constrain
from toolglot.message import Call, Reply, Text
from toolglot.registry import dialects
from toolglot.render import render

BROKEN = ["root ::= x", 'root ::= "a', "root ::= [", 'roots ::= "a"', 'root ::= ("a"', "{}", 'root ::= root "a" | "b"',
          'root ::= "a"\n\nx ::= |\n]', 'root ::= * "a"']

MEANINGS = [
    ('root ::= "a" | "bc" # words', ["a", "bc"], ["", "b", "ab", "bcd"]),
    ('root ::= [a-c]+ [^x-z\\]]? "\\""', ['a"', 'abcq"', 'ab"'], ['"', 'abx"', 'a]"', "ab"]),
    ("root ::= item{2,3}\nitem ::= [-+] | [0-9-]", ["+-", "1-2"], ["1", "1234", "a1"]),
    ("root ::= ( # a pair\n  one\n  | two ) *\none ::= \"1\"\n\ntwo ::= \"2\" root", ["", "1", "1211"], ["3", "13"]),
    ('root ::= "\\x41\\u00e9\\U0001F600\\n\\t\\\\" .', ["Aé😀\n\t\\\n"], ["Aé😀\n\t\\", "Aé😀"]),
    ('root ::= "[" (root ("," root)*)? "]"', ["[]", "[[],[[]]]"], ["[", "[]]", "[,]"]),
    ("root ::= x {2} y\nx ::= [0-9] ?\ny ::= [a-z]{1,} |", ["12ab", "1", "", "z"], ["123", "a1"]),
    ("root ::= a-b\n# all of it\na-b ::= \"x\" |\n  \"y\"\n", ["x", "y"], ["", "xy"]),
]


@pytest.fixture
def deep_stack() -> Iterator[None]:
    """The recogniser recurses with the text."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(50_000)
    yield
    sys.setrecursionlimit(before)


def accepts(grammar: Gbnf, text: str) -> bool:
    watch = grammar.watch()
    return all(watch.allows(letter) for letter in text) and watch.complete()


@pytest.mark.parametrize("text", [*BROKEN, "", 'root ::= "a" <[1]> "b"', "root ::= [z-a]", 'root ::= "a" ; "b"'])
def test_what_does_not_compile(text: str) -> None:
    with pytest.raises(EngineError, match="does not compile: ") as caught:
        Gbnf(text).watch()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("text", "good", "bad"), MEANINGS)
def test_gbnf_means_what_llama_cpp_means(text: str, good: list[str], bad: list[str]) -> None:
    grammar = Gbnf(text)
    assert [words for words in good if not accepts(grammar, words)] == []
    assert [words for words in bad if accepts(grammar, words)] == []


def test_nothing_more_is_allowed_once_it_was_left() -> None:
    watch = Gbnf('root ::= "ab" | "ac"').watch()
    assert watch.allows("a") and not watch.complete() and watch.allows("c") and watch.complete()
    assert not watch.allows("b") and not watch.allows("c") and not watch.complete()


@pytest.mark.parametrize("name", ["hermes", "qwen3-coder", "llama-pythonic", "harmony", "deepseek-v3", "mistral-v11"])
@pytest.mark.parametrize("choice", ["auto", "required"])
def test_it_agrees_with_a_recogniser_of_whole_texts(deep_stack: None, name: str, choice: str) -> None:
    pytest.importorskip("llguidance", reason="the recogniser reads GBNF with llguidance")
    from test_emit_gbnf import Recogniser

    dialect, chance, seen = dialects()[name], random.Random(name + choice), set()
    rules = constrain(dialect, ALL, choice).gbnf()          # type: ignore[arg-type]
    grammar, recogniser = Gbnf(rules), Recogniser(rules)
    call = Call("get_weather", {"city": 'B<"😀', "exact": True, "tags": ["a"], "where": {"x": 1}}, "abcdefgh1")
    for parts in ((Text("Hello. {x} <z"),), (call, Call("now", {}, "abcdefgh2"))):
        whole = render(dialect, Reply(parts))
        for _ in range(8):
            at = chance.randrange(len(whole))
            changed = whole[:at] + chance.choice(["", "x", "<", '"', "}", " "]) + whole[at + chance.randrange(3):]
            for text in (whole, changed):
                assert accepts(grammar, text) == recogniser.accepts(text), text
                seen.add(accepts(grammar, text))
    assert seen == {True, False}


def test_a_long_reply_is_followed_fast() -> None:
    rules = constrain(dialects()["hermes"], ALL).gbnf()
    arguments = '{"city": "' + "é b" * 3000 + '", "exact": true}'
    text = f'<tool_call>\n{{"name": "get_weather", "arguments": {arguments}}}\n</tool_call>'
    grammar = Gbnf(rules)
    start = time.perf_counter()
    watch = grammar.watch()
    assert watch.allows(text) and watch.complete()
    assert time.perf_counter() - start < 3
