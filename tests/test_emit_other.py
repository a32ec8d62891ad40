"""Structural tags and JSON schemas: judged by xgrammar where it is installed, and by jsonschema."""

import itertools
import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from test_emit_gbnf import Recogniser
from toolglot.emit.gbnf import gbnf
from toolglot.emit.json_schema import call_schema
from toolglot.emit.structural_tag import _overlap, structural_tag
from toolglot.message import ToolglotError
from toolglot.rules import Alt, Free, Grammar, JsonValue, Lit, Ref, Regex, Repeat, Seq, Until, Whitespace

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "int", "minimum": 1}},
    "required": ["city"],
}
OPEN, CLOSE = "<tool_call>\n", "\n</tool_call>"
CALL = Seq((Lit('{"name":"weather","arguments":'), JsonValue(WEATHER), Lit("}" + CLOSE, True)))
AUTO = Grammar(
    {
        "start": Seq(
            (
                Repeat(Seq((Lit("<think>\n"), Until(("\n</think>\n\n",)))), 0, 1),
                Alt(
                    (Repeat(Free(("<tool_call>", "<|im_end|>")), 0, 1), Seq((Ref("first"), Repeat(Ref("more"), 0, 2))))
                ),
            )
        ),
        "first": Seq((Until((OPEN,), None, ("<|im_end|>",)), Ref("call"))),
        "more": Seq((Lit("\n" + OPEN), Ref("call"))),
        "call": Alt((CALL, Alt(()))),
    },
    space=Whitespace(",", ":"),
)
ONE = OPEN + '{"name":"weather","arguments":{"city":"Rio","days":2}}' + CLOSE
REPLIES = {
    ONE: True,
    "Let me < see. " + ONE + "\n" + ONE: True,
    "<think>\nhm\n</think>\n\nHello.": True,
    "<think>\nhm\n</think>\n\n" + ONE: True,
    "": True,
    "Hello <tool_call": True,
    "Hello <tool_call>": False,
    ONE + ONE: False,
    "<|im_end|>" + ONE: False,
    "\n".join([ONE] * 4): False,
    ONE.replace("city", "town"): False,
    ONE.replace("2", '"2"'): False,
    ONE + "\n": False,
}


def kinds(made: Any) -> set[str]:
    if isinstance(made, list):
        return set().union(*map(kinds, made))
    inner = [value for key, value in made.items() if key in ("elements", "content")]
    return {made["type"]}.union(*map(kinds, inner))


def xgrammar_accepts(tag: dict[str, Any]) -> Any:
    xgrammar = pytest.importorskip("xgrammar")
    from xgrammar.testing import _is_grammar_accept_string

    grammar = xgrammar.Grammar.from_structural_tag(json.dumps(tag))
    return lambda text: _is_grammar_accept_string(grammar, text)


def test_a_structural_tag_is_made_of_the_formats_that_xgrammar_has() -> None:
    tag = structural_tag(AUTO)
    assert tag["type"] == "structural_tag"
    assert kinds(tag["format"]) == {"sequence", "or", "optional", "any_text", "const_string", "grammar"}
    assert json.loads(json.dumps(tag)) == tag


def test_gbnf_and_xgrammar_read_the_same_tree() -> None:
    recognised = Recogniser(gbnf(AUTO))
    assert {text: recognised.accepts(text) for text in REPLIES} == REPLIES
    judged = xgrammar_accepts(structural_tag(AUTO))
    assert {text: judged(text) for text in REPLIES} == REPLIES


words = st.lists(st.text("ab<", min_size=1, max_size=3), min_size=1, max_size=2, unique=True).map(tuple)
texts = ["".join(text) for size in range(6) for text in itertools.product("ab<", repeat=size)]


@settings(max_examples=40, deadline=None)
@given(words, st.booleans())
def test_free_text_in_xgrammar(found: tuple[str, ...], until: bool) -> None:
    grammar = Grammar({"start": Seq((Until(found) if until else Free(found), Lit("!")))})
    judged, recognised = xgrammar_accepts(structural_tag(grammar)), Recogniser(gbnf(grammar))
    for text in texts:
        assert judged(text + "!") == recognised.accepts(text + "!"), text


def test_ends_that_overlap_are_an_automaton() -> None:
    for ends in (("aba",), ("ab", "bc"), ("\n</think>\n\n",), ("a", "bab")):
        assert _overlap(ends)
        assert structural_tag(Grammar({"start": Until(ends)}))["format"]["type"] == "grammar"
    for ends in (("</think>",), ("<a>", "<b>"), ("b", "ab")):
        assert not _overlap(ends)
    limited = structural_tag(Grammar({"start": Until(("</t>",), 9, ("<e>",))}))["format"]
    assert limited["elements"][0] == {"type": "any_text", "excludes": ["</t>", "<e>"], "max_chars": 9}


def test_free_text_in_a_rule_that_refers_to_itself_is_one_grammar() -> None:
    rules = {"start": Ref("a"), "a": Seq((Lit("("), Until((")",)), Repeat(Ref("a"), 0, 1)))}
    tag = structural_tag(Grammar(rules))
    assert tag["format"]["type"] == "grammar"
    assert Recogniser(tag["format"]["grammar"]).accepts("(ab)(c)")
    assert structural_tag(Grammar({"start": Regex("[a-z]+")}))["format"]["type"] == "grammar"


# -- JSON schema

TREE = {
    "type": "object",
    "properties": {"node": {"$ref": "#/$defs/node"}, "$ref": {"type": "str"}, "like": {"enum": [{"$ref": "#/x"}]}},
    "required": ["node"],
    "$defs": {"node": {"type": "dict", "properties": {"left": {"$ref": "#/$defs/node"}, "whole": {"$ref": "#"}}}},
}


def valid(schema: dict[str, Any], value: Any) -> bool:
    jsonschema.Draft202012Validator.check_schema(schema)
    return bool(jsonschema.Draft202012Validator(schema).is_valid(value))


def test_a_call_of_each_tool() -> None:
    schema = call_schema([("weather", WEATHER), ("noop", {})])
    assert valid(schema, {"name": "weather", "arguments": {"city": "Rio", "days": 2}})
    assert valid(schema, {"name": "noop", "arguments": {}})
    for wrong in (
        {"name": "weather", "arguments": {}},
        {"name": "weather", "arguments": {"city": "Rio", "town": 1}},
        {"name": "weather", "arguments": {"city": "Rio", "days": 0}},
        {"name": "other", "arguments": {"city": "Rio"}},
        {"name": "noop"},
        {"name": "noop", "arguments": {}, "more": 1},
        [{"name": "noop", "arguments": {}}],
    ):
        assert not valid(schema, wrong), wrong


def test_references_still_lead_to_their_own_tool() -> None:
    other = {"properties": {"node": {"$ref": "#/$defs/node"}}, "$defs": {"node": {"type": "integer"}}}
    schema = call_schema([("tree", TREE), ("other", other)], "function", "parameters", many=True)
    good = {"node": {"left": {"left": {}}, "whole": {"node": {}}}, "$ref": "x", "like": {"$ref": "#/x"}}
    assert valid(schema, [{"function": "tree", "parameters": good}, {"function": "other", "parameters": {"node": 1}}])
    assert not valid(schema, [{"function": "tree", "parameters": {"node": 1}}])
    assert not valid(schema, [{"function": "tree", "parameters": {"node": {"left": {"right": {}}}}}])
    assert not valid(schema, [{"function": "other", "parameters": {"node": {}}}])
    assert not valid(schema, [])
    assert TREE["properties"]["$ref"] == {"type": "str"}  # the caller's schema stays as it was


@pytest.mark.parametrize("ref", ["https://example.com/x", "#anchor", "other.json#/a", 3])
def test_references_out_of_the_schema_are_errors(ref: Any) -> None:
    with pytest.raises(ToolglotError, match="far: `\\$ref`"):
        call_schema([("far", {"properties": {"x": {"$ref": ref}}})])


def test_no_calls_and_deep_schemas_are_errors() -> None:
    deep: Any = {}
    for _ in range(900):
        deep = {"items": deep}
    with pytest.raises(ToolglotError, match="nested too deeply"):
        call_schema([("deep", deep)])
    with pytest.raises(ToolglotError, match="give it a tool"):
        call_schema([])
