"""The judge keeps the leaderboard's rules, in three languages, and finds what it published."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from toolglot.evaluate import bfcl, leaderboard
from toolglot.evaluate.item import Item, Language
from toolglot.evaluate.judge import Judged, compared

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "bench"))

import common  # noqa: E402
import decoders  # noqa: E402

recorded = pytest.mark.skipif(not (common.SHARED / "recorded").is_dir(), reason="no recorded questions here")


def wrong(schema: dict[str, Any], value: Any, accepted: list[Any], language: str = "Python") -> str:
    """What is wrong with this value of the only parameter: one word."""
    parameters = {"type": "dict", "properties": {"x": schema}, "required": ["x"]}
    return leaderboard.wrong(parameters, {"x": value}, {"x": accepted}, language).removesuffix(" x")


def of(kind: str, inner: str = "") -> dict[str, Any]:
    return {"type": kind, "items": {"type": inner}} if inner else {"type": kind}


# -- one value -------------------------------------------------------------------------------------------------

PYTHON: list[tuple[dict[str, Any], Any, list[Any], str]] = [
    (of("string"), "new-york, ny", ["New York, NY"], ""),
    (of("string"), "It's", ['it"s'], ""),
    (of("string"), "a+b", ["a b"], "value"),
    (of("any"), "x", ["X"], ""),
    (of("integer"), 3.0, [3], "type"),
    (of("integer"), True, [1], "type"),
    (of("float"), 3, [3.0], ""),
    (of("float"), 3, [3], ""),
    (of("float"), "3", [3.0], "type"),
    (of("integer"), "n_rows", ["n_rows"], ""),                  # the name of a variable
    (of("integer"), "N_Rows", ["n_rows"], "value"),             # exactly that
    (of("array", "string"), ["A", "b c"], [["x"], ["a", "bc"]], ""),
    (of("array", "string"), ["b", "a"], [["a", "b"]], "value"),
    (of("array", "float"), [1, 2], [[1.0, 2.0]], "type"),
    (of("array", "float"), [1, 2], [[1, 2]], ""),
    (of("array", "float"), [1, 2], ["", [1.0, 2.0]], ""),       # where it may be left out, the inner type is free
    (of("array", "string"), [], ["", ["a"]], ""),
    (of("array", "string"), ("a",), [["a"]], "type"),
    (of("tuple", "float"), (1.0, 2.0), [[1.0, 2.0]], ""),
    (of("array", "array"), ["A"], [[["a"]]], "type"),
    (of("array", "array"), [["A"]], [[["a"]]], "value"),        # deeper strings are compared exactly
    (of("array", "array"), [["a"]], [[["a"]]], ""),
    (of("dict"), {"a": "X y"}, [{"a": ["xy"], "b": [1, ""]}], ""),
    (of("dict"), {"a": "x"}, [{"a": ["x"], "b": [1]}], "value"),
    (of("dict"), {"a": "x", "c": 1}, [{"a": ["x"]}], "value"),
    (of("dict"), {"a": ["X"]}, [{"a": [["x"]]}], "value"),
    (of("dict"), "config", ["config"], ""),
    (of("array", "dict"), [{"a": "1"}, {"a": "2"}], [[{"a": ["1"]}, {"a": ["2"]}]], ""),
    (of("array", "dict"), [{"a": "2"}, {"a": "1"}], [[{"a": ["1"]}, {"a": ["2"]}]], "value"),
    (of("array", "dict"), [{"a": "1"}], [[{"a": ["1"]}, {"a": ["2"]}]], "value"),
    (of("string"), None, ["x"], "type"),
]

JAVA: list[tuple[dict[str, Any], Any, list[Any], str]] = [
    (of("integer"), "3", [3], ""),
    (of("integer"), "3.0", [3], "type"),
    (of("integer"), "ResultSet.CONCUR", ["ResultSet.CONCUR"], ""),
    (of("long"), "3L", [3], ""),
    (of("long"), "3", [3], "type"),
    (of("float"), "2.5f", [2.5], ""),
    (of("double"), "2.5", [2.5], ""),
    (of("double"), "2.5f", [2.5], "type"),
    (of("boolean"), "true", [True], ""),
    (of("boolean"), "True", [True], "type"),
    (of("String"), "some name", ["SomeName"], ""),
    (of("any"), "10", ["10"], ""),
    (of("any"), "20.5", [20.5, "20.5"], ""),
    (of("Array", "integer"), "new int[]{1, 2}", [[1, 2]], ""),
    (of("Array", "integer"), "new int[] {}", [[]], ""),
    (of("Array", "String"), 'new String[]{"a", "b, c"}', [["a", "b, c"]], ""),
    (of("Array", "String"), "args", ["args"], ""),
    (of("Array", "String"), '["a"]', [["a"]], "type"),
    (of("ArrayList", "String"), 'new ArrayList<>(Arrays.asList("a"))', [["a"]], ""),
    (of("ArrayList", "long"), "new ArrayList<Long>() {{ add(1L); add(2L); }}", [[1, 2]], ""),
    (of("ArrayList", "long"), "new ArrayList<>(Arrays.asList(1, 2))", [[1, 2]], "type"),
    (of("ArrayList", "any"), 'new ArrayList<>(Arrays.asList("id", 4, true))', [["id", 4, True]], ""),
    (of("ArrayList", "any"), "new ArrayList<>()", [[]], ""),
    (of("HashMap"), 'new HashMap<String, Object>() {{ put("a", 1); put("b", "x"); }}', [{"a": [1], "b": ["x"]}], ""),
    (of("HashMap"), "new HashMap<>()", [{}], ""),
    (of("HashMap"), "values", ["values"], ""),
    # typed already
    (of("integer"), 3, [3], ""),
    (of("integer"), 3.0, [3], "type"),
    (of("long"), 3, [3], ""),
    (of("double"), 2, [2.0], ""),
    (of("boolean"), True, [True], ""),
    (of("boolean"), 1, [True], "type"),
    (of("any"), 10, ["10"], ""),
    (of("any"), None, ["", None], ""),
    (of("any"), None, ["null"], ""),
    (of("String"), True, ["true"], ""),
    (of("Array", "integer"), [1, 2], [[1, 2]], ""),
    (of("ArrayList", "long"), ["1L", 2], [[1, 2]], ""),
    (of("Array", "String"), ["-n", 2], [["-n", "2"]], ""),
    (of("HashMap"), {"a": "x"}, [{"a": "X"}], ""),              # an accepted value that is in no list
    (of("HashMap"), {"a": "y"}, [{"a": "X"}], "value"),
]

JAVASCRIPT: list[tuple[dict[str, Any], Any, list[Any], str]] = [
    (of("String"), "'x'", ["x"], ""),
    (of("integer"), "3", [3], ""),
    (of("integer"), "3.5", [3], "type"),
    (of("float"), "3", [3.0], ""),
    (of("Bigint"), "5n", [5], ""),
    (of("Bigint"), "5", [5], "type"),
    (of("Boolean"), "false", [False], ""),
    (of("array", "String"), "['a', \"b\"]", [["a", "b"]], ""),
    (of("array", "float"), "new Array(1, 2.5)", [[1.0, 2.5]], ""),
    (of("array", "integer"), "[]", [[]], ""),
    (of("array", "array"), "[[1, 2], [3]]", [[[1, 2], [3]]], ""),
    (of("array", "String"), "items", ["items"], ""),
    (of("dict"), "{a: 1, 'b': {\"c\": true}}", [{"a": [1], "b": [{"c": True}]}], ""),
    (of("dict"), "{'run': [first, second]}", [{"run": [["first", "second"]]}], ""),
    (of("dict"), "{}", [{}], ""),
    (of("dict"), "store", ["store"], ""),
    # typed already
    (of("float"), 3, [3.0], ""),
    (of("array", "float"), [1, 2], [[1.0, 2.0]], ""),
    (of("array", "String"), ["a"], [["a"]], ""),
    (of("dict"), {"a": 1}, [{"a": [1]}], ""),
    (of("any"), True, ["true"], ""),
]


@pytest.mark.parametrize(("language", "cases"), [("Python", PYTHON), ("Java", JAVA), ("JavaScript", JAVASCRIPT)])
def test_a_value_is_right_if_its_type_and_itself_are_accepted(language: str, cases: list[tuple[Any, ...]]) -> None:
    found = [(schema, value, accepted, wrong(schema, value, accepted, language)) for schema, value, accepted, _ in cases]
    assert found == cases


# -- calls -----------------------------------------------------------------------------------------------------


def function(name: str) -> dict[str, Any]:
    return {"name": name, "parameters": {"type": "dict", "properties": {"x": of("integer"), "y": of("string")},
                                         "required": ["x"]}}


def item(*answers: dict[str, Any], category: str = "parallel", names: tuple[str, ...] = ("f", "g.h"),
         language: Language = "Python", underscores: bool = False) -> Item:
    return bfcl.item("", category, [], [function(n) for n in names], answers, language,
                     underscores=underscores)


def judged(one: Item, *calls: tuple[str, Any]) -> Judged:
    return compared(one.steps[0], [{"name": name, "arguments": arguments} for name, arguments in calls], one.language)


def cause(one: Item, *calls: tuple[str, Any]) -> str | None:
    return judged(one, *calls).cause


def test_one_call_has_to_be_the_only_one() -> None:
    one = item({"f": {"x": [1], "y": ["", "a"]}}, category="multiple")
    assert judged(one, ("f", {"x": 1})).right
    assert judged(one, ("f", {"x": 1, "y": "A"})).right
    assert cause(one) == "no call"
    assert judged(one, ("g.h", {"x": 1})) == (False, "wrong tool", "called g.h; f was due")
    assert judged(one, *[("f", {"x": 1})] * 2) == (False, "wrong number", "called 2 × f; due was f")
    assert judged(one, ("f", {"y": "a"})) == (False, "wrong arguments", "f: missing `x`")
    assert judged(one, ("f", {"x": 1, "z": 1})) == (False, "wrong arguments", "f: unexpected `z`")
    assert judged(one, ("f", {"x": "1"})) == (False, "wrong type", 'f: `x` is "1"; due was 1')
    assert cause(one, ("f", [1])) == "wrong arguments"


def test_parallel_calls_have_no_order_and_each_is_needed() -> None:
    two = item({"f": {"x": [1]}}, {"g.h": {"x": [2]}}, {"f": {"x": [1, 3]}})
    calls: list[tuple[str, Any]] = [("g.h", {"x": 2}), ("f", {"x": 3}), ("f", {"x": 1})]
    assert judged(two, *calls).right
    assert judged(two, *calls[::-1]).right
    assert judged(two, *calls[:2], ("f", {"x": 4})) == (False, "wrong arguments", "f: `x` is 4; due was 1")
    assert cause(two, *calls[:2], calls[0]) == "wrong tool"
    assert cause(two, *calls[:2]) == "wrong number"


def test_a_call_is_left_for_the_answer_that_only_it_fits() -> None:
    two = item({"f": {"x": [1, 2]}}, {"f": {"x": [1]}})
    assert judged(two, ("f", {"x": 1}), ("f", {"x": 2})).right


def test_dots_are_underscores_only_for_models_that_were_told_so() -> None:
    told = item({"g.h": {"x": [1]}}, category="simple", underscores=True)
    assert judged(told, ("g_h", {"x": 1})).right
    assert cause(told, ("g.h", {"x": 1})) == "wrong tool"
    assert [tool["function"]["name"] for tool in told.tools] == ["f", "g_h"]
    assert cause(item({"g.h": {"x": [1]}}, category="simple"), ("g_h", {"x": 1})) == "wrong tool"


def test_an_only_function_is_meant_though_the_answer_misspells_it() -> None:
    assert judged(item({"h": {"x": [1]}}, category="simple", names=("g.h",)), ("g.h", {"x": 1})).right


def test_an_irrelevant_question_wants_no_call() -> None:
    one = item(category="irrelevance")
    assert judged(one).right
    assert judged(one, ("f", {"x": 1})) == (False, "spurious call", "called f, and no call was due")


def test_a_relevant_question_without_an_answer_wants_any_call() -> None:
    one = item(category="live_relevance")
    assert judged(one, ("f", {"x": 1})).right
    assert cause(one) == "no call"


def test_values_of_another_language_are_told_as_source_text() -> None:
    one = item({"f": {"x": [1]}}, category="java", language="Java")
    assert judged(one, ("f", {"x": "1"})).right
    assert cause(item({"f": {"x": [1]}}, category="java"), ("f", {"x": "1"})) == "wrong type"
    assert {tool["function"]["parameters"]["properties"]["x"]["type"] for tool in one.tools} == {"string"}


# -- the leaderboard's decoders --------------------------------------------------------------------------------

READ: list[tuple[str, str, str, decoders.Calls]] = [
    ("claude", "[f(a=1, b=-2.5), g.h(c=[x, 'y'])]", "Python", [("f", {"a": 1, "b": -2.5}), ("g.h", {"c": ["x", "y"]})]),
    ("claude", "f(a=(1, 2), b={'k': True})", "Python", [("f", {"a": (1, 2), "b": {"k": True}})]),
    ("claude", "[f(a=2 * 3, b=g(c=1), d=g(1), e=x['y'])]", "Python",
     [("f", {"a": 6, "b": {"g": {"c": 1}}, "d": "g(1)", "e": "x['y']"})]),
    ("claude", "[]", "Python", []),
    ("mistral-medium", "[f\\_g(a\\_b='c')]", "Python", [("f_g", {"a_b": "c"})]),
    ("nemotron", "['f(a=1)', 'g(b=2)']", "Python", [("f", {"a": 1}), ("g", {"b": 2})]),
    ("Raven", "f(a=1); g(b=2);", "Python", [("f", {"a": 1}), ("g", {"b": 2})]),
    ("gemma", "Here:\n[f(a=1)]\nDone.", "Python", [("f", {"a": 1})]),
    ("xLAM", '{"tool_calls": [{"name": "f", "arguments": {"a": 1}}]}', "Python", [("f", {"a": 1})]),
    ("granite", '<function_call> {"name": "f", "arguments": {}} <function_call> {"name": "no_function"}', "Python",
     [("f", {})]),
    ("Hermes", "<tool_call>\n{'name': 'f', 'arguments': {'a': 1}}\n</tool_call>", "Python", [("f", {"a": 1})]),
    ("Hermes", '<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>', "Java", [("f", {"a": "1"})]),
    ("glm-4", 'f\n{"a": 1}', "Python", [("f", {"a": 1})]),
    ("claude", '[A.f(a="x, y", b=new int[]{1, 2}, c=5L)]', "Java",
     [("A.f", {"a": "x, y", "b": "new int[]{1, 2}", "c": "5L"})]),
    ("claude", "[f(a=[1, 'x'], b={c: 1}, d=JSON.stringify(e))]", "JavaScript",
     [("f", {"a": "[1, 'x']", "b": "{c: 1}", "d": "JSON.stringify(e)"})]),
]
UNREADABLE = [
    ("claude", "```\n[f(a=1)]\n```", "Python"), ("claude", "I cannot do that.", "Python"), ("claude", "[f(1)]", "Python"),
    ("claude", "[f()]", "Python"), ("claude", "[f(a=x.y)]", "Python"), ("claude", "[f(a=1 + b)]", "Python"),
    ("gpt-4", "f(a=1)", "Python"), ("Hermes", '<tool_call>\n{"name": "it\'s"}\n</tool_call>', "Python"),
    ("claude", "[f(a=[1])]", "Java"), ("claude", "[f(a=1), g(b=2)]", "Java"), ("claude", "[f(a='x 'y' z')]", "Java"),
    ("claude", "[f(a=[one two])]", "JavaScript"), ("claude", "[f(a=(1]", "JavaScript"),
]


@pytest.mark.parametrize(("model", "text", "language", "calls"), READ)
def test_a_strict_decoder_reads(model: str, text: str, language: str, calls: decoders.Calls) -> None:
    assert decoders.read(model, text, language) == calls


@pytest.mark.parametrize(("model", "text", "language"), UNREADABLE)
def test_a_strict_decoder_does_not_read(model: str, text: str, language: str) -> None:
    with pytest.raises(decoders.Unreadable):
        decoders.read(model, text, language)


# -- what was published ----------------------------------------------------------------------------------------


@recorded
def test_the_checker_agrees_with_what_the_leaderboard_published() -> None:
    import recorded as bench

    sample = bench.outputs()[::7]
    found, unreadable = bench.strictly(sample)
    assert len(found) > 0.8 * len(sample)
    assert sum(map(bench.agrees, found)) >= 0.999 * len(found)
    for one in found:       # what a language of its own has to do with it is said on the page of results
        assert bench.agrees(one) or bench.question(one.output)["language"] != "Python", one
    assert all(one.published == (bench.question(one)["category"] == "irrelevance") for one in unreadable)
