"""What a constraint can be asked for, in every notation: choices, order, white space, custom tools; and what it says."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

import toolglot
from test_emit_gbnf import Recogniser
from test_free_text import by_llguidance
from toolglot.grammar import FLEXIBLE
from toolglot.message import Call, Text, ToolglotError
from toolglot.registry import dialects
from toolglot.render import render
from toolglot.tools import as_tools

WEATHER = {"name": "weather", "parameters": {"type": "object", "properties": {
    "city": {"type": "string"}, "days": {"type": "integer"}, "where": {
        "type": "object", "properties": {"x": {"type": "integer"}, "y": {"type": "boolean"}}, "required": ["x"]}},
    "required": ["city", "days"]}}
NOW = {"name": "now", "parameters": {"type": "object", "properties": {}}}
NOTATIONS = ("lark", "portable_lark", "gbnf", "regex", "structural_tag")


def judge(constraint: Any, notation: str) -> Any:
    if notation in ("lark", "portable_lark"):
        return by_llguidance(getattr(constraint, notation)())
    if notation == "gbnf":
        return Recogniser(constraint.gbnf()).accepts
    if notation == "regex":
        return lambda text: bool(re.fullmatch(constraint.regex(), text))
    xgrammar = pytest.importorskip("xgrammar", reason="structural tags are judged by xgrammar, which is not installed")
    from xgrammar.testing import _is_grammar_accept_string

    grammar = xgrammar.Grammar.from_structural_tag(json.dumps(constraint.structural_tag()))
    return lambda text: _is_grammar_accept_string(grammar, text)


def hermes(arguments: str, name: str = "weather") -> str:
    return f'<tool_call>\n{{"name": "{name}", "arguments": {arguments}}}\n</tool_call>'


every_notation = pytest.mark.parametrize("notation", NOTATIONS)


@every_notation
def test_arguments_in_any_order_are_each_there_once(notation: str) -> None:
    accepts = judge(toolglot.model("hermes").constrain([WEATHER], "required", order="any"), notation)
    members = ['"city": "Rio"', '"days": 2', '"where": {"y": true, "x": 1}', '"where": {"x": 1}']
    for some in (list(p) for n in range(1, 4) for p in itertools.permutations(members, n)):
        keys = [member.split(":")[0] for member in some]
        right = len(set(keys)) == len(keys) and {'"city"', '"days"'} <= set(keys)
        assert accepts(hermes("{" + ", ".join(some) + "}")) == right, some
    assert not accepts(hermes('{"city": "Rio", "days": 2, "city": "Rio"}'))


@pytest.mark.parametrize("name", ["hermes", "llama-pythonic", "qwen3-coder", "gemma-4", "glm-4.5", "json", "mistral-v11"])
def test_any_order_in_every_kind_of_encoding(name: str) -> None:
    (tool,) = as_tools([{"name": "f", "parameters": {"type": "object", "properties": {
        "a": {"type": "integer"}, "b": {"type": "boolean"}, "c": {"type": "integer"}}, "required": ["b"]}}])
    d = dialects()[name]
    grammars = [toolglot.model(name).constrain([tool], "required", order=order).lark() for order in ("any", "declared")]
    in_any, declared = map(by_llguidance, grammars)
    for keys in (p for n in range(1, 4) for p in itertools.permutations("abc", n)):
        arguments = {key: True if key == "b" else 7 for key in keys}
        text = render(d, [Call("f", arguments, "abcdefgh1" if name == "mistral-v11" else None)])
        shuffled = name == "gemma-4"               # that format writes its keys in alphabetical order, whatever comes
        assert in_any(text) == ("b" in keys), text
        assert declared(text) == ("b" in keys and (shuffled or list(keys) == sorted(keys))), text


def test_more_arguments_than_a_notation_can_shuffle_is_an_error_that_says_so() -> None:
    many = {"name": "f", "parameters": {"type": "object", "properties": {f"a{i}": {"type": "integer"} for i in range(9)}}}
    constraint = toolglot.model("hermes").constrain([many], "required", order="any")
    assert by_llguidance(constraint.lark())(hermes('{"a8": 1, "a0": 2}', "f"))
    with pytest.raises(ToolglotError, match="9 arguments in any order would take 512 rules"):
        constraint.gbnf()


@every_notation
def test_white_space_is_the_formats_own_or_the_models(notation: str) -> None:
    m = toolglot.model("hermes")
    exact, flexible = (judge(m.constrain([WEATHER], "required", whitespace=w), notation)
                       for w in ("canonical", "flexible"))
    text = hermes('{"city": "Rio", "days": 2, "where": {"x": 1}}')
    wide = hermes('{\n\t"city":"Rio","days" :2 ,"where":{ "x":1}} ')
    wide = wide.replace(": ", ":").replace(", ", ",\n ")
    assert exact(text) and flexible(text)
    assert not exact(wide) and flexible(wide)
    assert flexible(text.replace(" 2", " " * FLEXIBLE + "2"))
    assert not flexible(text.replace(" 2", " " * (FLEXIBLE + 1) + "2"))


@every_notation
def test_some_tools_may_be_allowed_and_words_with_them(notation: str) -> None:
    m = toolglot.model("hermes")
    call, other = hermes('{"city": "Rio", "days": 2}'), hermes("{}", "now")
    some = judge(m.constrain([WEATHER, NOW], {"allowed": ["now"]}), notation)
    assert some(other) and not some(call) and not some("hello")
    either = judge(m.constrain([WEATHER, NOW], {"allowed": ["now"], "mode": "auto"}), notation)
    assert either(other) and either("hello") and either("hello\n" + other) and not either(call)


def test_a_choice_that_makes_no_sense_is_an_error() -> None:
    m = toolglot.model("hermes")
    for choice, words in ({"allowed": ["now"], "mode": "any"}, "mode"), ({"allowed": []}, "expected"), ("most", "expected"):
        with pytest.raises(ToolglotError, match=words):
            m.constrain([NOW], choice)
    for options in ({"order": "random"}, {"whitespace": "none"}, {"most": 0}):
        with pytest.raises(ToolglotError):
            m.constrain([NOW], **options)


# -- words and calls

@pytest.mark.parametrize("name", dialects())
def test_no_call_can_open_where_none_may(name: str) -> None:
    """Not even spelled out: special tokens or not, the marker cannot stand in the words."""
    d = dialects()[name]
    call = render(d, [Call("now", {}, "abcdefgh1")])
    grammar = toolglot.model(name).constrain([NOW], "none")
    assert by_llguidance(grammar.lark())(render(d, [Text("hello")]))
    assert not by_llguidance(grammar.lark())(call)
    assert not by_llguidance(grammar.portable_lark())(call)


@pytest.mark.parametrize("name", dialects())
def test_every_notation_that_says_all_takes_what_the_dialect_writes(name: str) -> None:
    """Portable Lark by llguidance, GBNF by its definition."""
    d = dialects()[name]
    (now,) = as_tools([NOW])
    constraint = toolglot.model(name).constrain([now])
    judges = by_llguidance(constraint.portable_lark()), Recogniser(constraint.gbnf()).accepts
    for reply in ([Call("now", {}, "abcdefgh1")], [Text("hello")]):
        assert [accepts(render(d, reply)) for accepts in judges] == [True, True]


# -- custom tools

SQL = 'start: "SELECT " COLUMN " FROM " NAME "\\n"?\nCOLUMN: /[a-z"\\/]+/\nNAME: /[a-z]+/'


def custom(syntax: str, definition: str, chat: bool = False) -> dict[str, Any]:
    grammar = {"syntax": syntax, "definition": definition}
    if chat:
        return {"type": "custom", "custom": {"name": "sql", "format": {"type": "grammar", "grammar": grammar}}}
    return {"type": "custom", "name": "sql", "format": {"type": "grammar", **grammar}}


@pytest.mark.parametrize("chat", [True, False])
@pytest.mark.parametrize(("syntax", "definition"), [("lark", SQL), ("regex", r'SELECT [a-z"/]+\n?(?: FROM [a-z]+)+')])
@pytest.mark.parametrize("name", ["hermes", "mistral-v3", "gemma-4", "qwen3-coder", "json"])
def test_the_text_of_a_custom_tool_is_held_to_its_grammar(name: str, syntax: str, definition: str, chat: bool) -> None:
    tools = as_tools([custom(syntax, definition, chat)])
    m = toolglot.model(name)
    constraint = m.constrain(tools, "required")
    for accepts in by_llguidance(constraint.lark()), by_llguidance(constraint.portable_lark()), \
            Recogniser(constraint.gbnf()).accepts:
        most = 'SELECT a"/b FROM t' + "\n" * (syntax == "lark")
        for text, right in ((most, True), ("SELECT a FROM t", True), ("DROP t", False)):
            written = m.write([Call("sql", {"input": text}, "abcdefgh1")])
            assert accepts(written) == right, written
            assert not right or m.parse(written, tools).calls[0].arguments == {"input": text}


def test_custom_tools_without_a_grammar_take_any_text() -> None:
    (tool,) = as_tools([{"type": "custom", "name": "note"}])
    assert tool.format is None and tool.parameters["required"] == ["input"]


@pytest.mark.parametrize(("given", "words"), [
    (custom("lark", "start: nowhere"), "sql: format: .*nowhere"), (custom("regex", "(?=a)b"), "sql: format: "),
    (custom("ebnf", "x"), "lark or regex"), ({"type": "custom", "name": "x", "format": 5}, "format"),
    ({"type": "custom", "custom": 5}, "custom")])
def test_a_custom_tool_that_makes_no_sense_is_an_error_that_names_it(given: Any, words: str) -> None:
    with pytest.raises(ToolglotError, match=words):
        toolglot.model("hermes").constrain([given], "required")


# -- what is said, and what is kept

def test_what_is_narrower_than_the_schema_is_said() -> None:
    m = toolglot.model("hermes")
    plain = {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}
    (sentence,) = m.constrain([plain]).narrowed
    assert sentence.startswith("f: `additionalProperties`")
    closed = {**plain, "parameters": {**plain["parameters"], "additionalProperties": False}}
    assert m.constrain([closed]).narrowed == ()
    assert any("`where`" in one for one in m.constrain([WEATHER]).narrowed)


def test_a_constraint_is_made_once_for_the_same_tools_and_choice() -> None:
    m = toolglot.model("hermes")
    one = m.constrain([WEATHER], "required")
    assert m.constrain(json.loads(json.dumps([WEATHER])), "required") is one
    assert m.constrain([WEATHER], "auto") is not one and m.constrain([WEATHER, NOW], "required") is not one
    ids = {"<tool_call>": 9}
    assert one.lark(ids) is one.lark(dict(ids)) and one.lark(ids) != one.lark()


def test_a_value_that_may_nest_without_end_has_no_regular_expression() -> None:
    anything = {"name": "f", "parameters": {"type": "object", "properties": {"a": {}}}}
    with pytest.raises(ToolglotError, match="nest without end"):
        toolglot.model("hermes").constrain([anything]).regex()


def test_the_page_about_constraints_runs() -> None:
    page = Path(__file__).parent.parent / "docs" / "constraints.md"
    namespace: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.S):
        exec(block, namespace)
    assert namespace["rules"].unenforced == ()
