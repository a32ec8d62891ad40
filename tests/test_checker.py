"""The checker of the benchmarks keeps the leaderboard's rules, in three languages, and finds what it published."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "bench"))

import checker  # noqa: E402
import common  # noqa: E402
import decoders  # noqa: E402

recorded = pytest.mark.skipif(not (common.SHARED / "recorded").is_dir(), reason="no recorded questions here")


def wrong(schema: dict[str, Any], value: Any, accepted: list[Any], language: str = "Python") -> str:
    """What is wrong with this value of the only parameter: one word."""
    function = {"name": "f", "parameters": {"type": "dict", "properties": {"x": schema}, "required": ["x"]}}
    return checker.wrong(function, {"x": value}, {"x": accepted}, language).removesuffix(" x")


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


def item(*answers: dict[str, Any], category: str = "parallel", names: tuple[str, ...] = ("f", "g.h")) -> dict[str, Any]:
    return {"category": category, "language": "Python", "functions": [function(n) for n in names],
            "ground_truth": list(answers)}


def test_one_call_has_to_be_the_only_one() -> None:
    one = item({"f": {"x": [1], "y": ["", "a"]}}, category="multiple")
    assert checker.right(one, [("f", {"x": 1})]) == ""
    assert checker.right(one, [("f", {"x": 1, "y": "A"})]) == ""
    assert checker.right(one, []) == "no call"
    assert checker.right(one, [("g.h", {"x": 1})]) == "name g.h"
    assert checker.right(one, [("f", {"x": 1})] * 2) == "number of calls, 2 for 1"
    assert checker.right(one, [("f", {"y": "a"})]) == "missing x"
    assert checker.right(one, [("f", {"x": 1, "z": 1})]) == "unexpected z"
    assert checker.right(one, [("f", [1])]) == "arguments"


def test_parallel_calls_have_no_order_and_each_is_needed() -> None:
    two = item({"f": {"x": [1]}}, {"g.h": {"x": [2]}}, {"f": {"x": [1, 3]}})
    calls = [("g.h", {"x": 2}), ("f", {"x": 3}), ("f", {"x": 1})]
    assert checker.right(two, calls) == checker.right(two, calls[::-1]) == ""
    assert checker.right(two, [*calls[:2], ("f", {"x": 4})]) == "value x"
    assert checker.right(two, [*calls[:2], calls[0]]) != ""
    assert checker.right(two, calls[:2]) == "number of calls, 2 for 3"


def test_dots_are_underscores_only_for_models_that_were_told_so() -> None:
    one = item({"g.h": {"x": [1]}}, category="simple")
    assert checker.right(one, [("g_h", {"x": 1})], underscores=True) == ""
    assert checker.right(one, [("g.h", {"x": 1})], underscores=True) == "name g.h"
    assert checker.right(one, [("g_h", {"x": 1})]) == "name g_h"


def test_an_only_function_is_meant_though_the_answer_misspells_it() -> None:
    assert checker.right(item({"h": {"x": [1]}}, category="simple", names=("g.h",)), [("g.h", {"x": 1})]) == ""


def test_an_irrelevant_question_wants_no_call() -> None:
    assert checker.right(item(category="irrelevance"), []) == ""
    assert checker.right(item(category="irrelevance"), [("f", {"x": 1})]) == "call of f"


def test_the_language_is_the_question_s_if_none_is_given() -> None:
    one = {**item({"f": {"x": [1]}}, category="java"), "language": "Java"}
    assert checker.right(one, [("f", {"x": "1"})]) == ""
    assert checker.right(one, [("f", {"x": "1"})], "Python") == "type x"


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
        assert bench.agrees(one) or bench.items()[one.output["id"]]["language"] != "Python", one
    assert all(one["published_ok"] == (bench.items()[one["id"]]["category"] == "irrelevance") for one in unreadable)
