"""Schemas that are wrong, hostile or very large: a constraint that engines take, or an error that names the tool, soon.

A case is one tool's parameters, beside a second tool that is right. What is refused names its tool; what is not is read
by llguidance and by llama.cpp's grammar rules. Nothing crashes, hangs or reaches an engine as it is.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from toolglot.grammar import Constraint, constrain
from toolglot.message import Tool, ToolglotError
from toolglot.registry import dialects

llguidance = pytest.importorskip("llguidance", reason="llguidance reads constraints: pip install 'toolglot[local]'")
READER = sys.modules["llguidance.gbnf_to_lark"]  # the package shows a function of this name
BYTES = llguidance.LLTokenizer("byte")
FORMS = ["hermes", "gemma-4"]
if os.environ.get("TOOLGLOT_SLOW"):
    FORMS += ["llama-pythonic", "qwen3-coder", "minimax-m3"]
SECONDS = 15.0
GOOD = Tool("good", "", {"type": "object", "properties": {"x": {"type": "string"}}})


def v(schema: Any, **beside: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"v": schema}, "required": ["v"], **beside}


def text(**keywords: Any) -> dict[str, Any]:
    return v({"type": "string", **keywords})


def nested(depth: int, wrap: Callable[[Any], Any]) -> Any:
    schema: Any = {"type": "null"}
    for _ in range(depth):
        schema = wrap(schema)
    return schema


def members(count: int, **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(count)}, **more}


def steps(key: str, count: int = 80) -> dict[str, Any]:
    """Each schema refers to the next one twice."""
    each = {f"d{n}": {key: [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(count)}
    return v({"$ref": "#/$defs/d0"}, **{"$defs": {**each, f"d{count}": {}}})


LOOP: dict[str, Any] = {"type": "object", "properties": {}}
LOOP["properties"]["x"] = LOOP
SHARED: dict[str, Any] = {"type": "string"}
for _ in range(60):
    SHARED = {"type": "object", "properties": {"a": SHARED, "b": SHARED}}
WIDE = {"type": "object", "properties": {name: {"$ref": "#"} for name in "abcdefgh"}}
NAN, INFINITY = float("nan"), float("inf")

REFUSED: dict[str, tuple[Any, str]] = {  # and the keyword that the error names
    "no end": (v({"$ref": "#"}), "`v`"),
    "enum []": (v({"enum": []}), "`enum`"),
    "false": (v(False), "`false`"),
    "allOf of two types": (v({"allOf": [{"type": "string"}, {"type": "integer"}]}), "`type`"),
    "minimum above maximum": (v({"type": "integer", "minimum": 3, "maximum": 2}), "`minimum`"),
    "minimum above maximum of numbers": (v({"type": "number", "minimum": 3, "maximum": 2}), "`minimum`"),
    "no multiple": (v({"type": "integer", "minimum": 1, "maximum": 6, "multipleOf": 7}), "multiple of 7"),
    "required of a false property": ({"type": "object", "properties": {"a": False}, "required": ["a"]}, "`a`"),
    "$ref to nowhere": (v({"$ref": "#/$defs/x"}), "`$ref`"),
    "remote $ref": (v({"$ref": "https://example.com/a.json"}), "nothing is fetched"),
    "$ref in a circle": (v({"$ref": "#/$defs/a"}, **{"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}),
                         "circle"),
    "pattern of no such length": (text(pattern="^[a-z]{3}$", maxLength=2), "`pattern`"),
    "properties are a list": ({"type": "object", "properties": ["a"]}, "`properties`"),
    "required is a text": ({"type": "object", "properties": {"a": {}}, "required": "a"}, "`required`"),
    "required of numbers": ({"type": "object", "properties": {"a": {}}, "required": [1]}, "`required`"),
    "enum is a text": (v({"enum": "abc"}), "`enum`"),
    "enum is a number": (v({"enum": 5}), "`enum`"),
    "anyOf is an object": (v({"anyOf": {"a": 1}}), "`anyOf`"),
    "items is a number": (v({"type": "array", "items": 5}), "`v[]`"),
    "a property is a number": (v(5), "found 5"),
    "$ref is a number": (v({"$ref": 5}), "`$ref`"),
    "NaN": (v({"enum": [NAN]}), "`enum`"),
    "Infinity": (v({"const": INFINITY}), "`const`"),
    "too long a number": (v({"enum": [10**5000]}), "`enum`"),
    "half of a surrogate pair": (v({"enum": ["\ud800"]}), "surrogate"),
    "half of a pair in a name": ({"type": "object", "properties": {"\ud800": {}}}, "`properties`"),
    "a name is a number": ({"type": "object", "properties": {1: {}}}, "`properties`"),
    "no JSON": (v({"enum": [{1, 2}]}), "`enum`"),
    "a deep value": (v({"enum": [nested(3_000, lambda inner: [inner])]}), "`enum`"),
    "1,000 allOf": (v(nested(1_000, lambda inner: {"allOf": [inner]})), "nested too deeply"),
    "20,000 lists": (v(nested(20_000, lambda inner: {"type": "array", "items": inner})), "nested too deeply"),
    "allOf doubles": (steps("allOf"), "`allOf`"),
    "anyOf multiplies": (v({"allOf": [{"anyOf": [{"type": "null"}] * 30} for _ in range(6)]}), "`allOf`"),
}  # fmt: skip
TAKEN: dict[str, Any] = {
    "itself": {"type": "object", "properties": {"v": {"$ref": "#"}}},
    "itself eight times": WIDE,
    "a mapping inside itself": LOOP,
    "a mapping in many places": v(SHARED),
    "anyOf doubles": steps("anyOf"),
    "1 MB of words": text(description="x" * 1_000_000),
    "10,000 values": v({"enum": [f"value {n} é" for n in range(10_000)]}),
    "1,000 arguments": members(1_000, required=[f"p{n}" for n in range(0, 1_000, 7)]),
    "500 objects": v({"oneOf": [{"type": "object", "properties": {"k": {"const": n}}, "required": ["k"]}
                                for n in range(500)]}),
    "1,000 objects deep": v(nested(1_000, lambda inner: {"type": "object", "properties": {"a": inner}, "required": ["a"]})),
    "1,000 lists deep": v(nested(1_000, lambda inner: {"type": "array", "items": inner})),
    "1,000 choices deep": v(nested(1_000, lambda inner: {"anyOf": [inner, {"type": "integer"}]})),
    **{f"pattern {pattern[:30]}": text(pattern=pattern) for pattern in (
        "(a+)+$", "^a{1,100000}$", "a{1,99999999}", "^(((a{1,100}){1,100}){1,100}){1,100}$", "(?=a)b", r"^(a)\1$",
        r"^\p{L}+$", r"\bx\b", "^" + "ab" * 50_000 + "$", "^(" + "|".join(f"w{n}" for n in range(16_000)) + ")$", "(",
        "[é-a]", "[a-zé]?" * 2_000)},
    "pattern is a number": text(pattern=5), "format is a number": text(format=5), "type is a number": v({"type": 5}),
    "minLength is a text": text(minLength="x"), "nullable is a text": text(nullable="yes"),
    "$defs are a number": text() | {"$defs": 5}, "nothing": {"type": "object", "properties": None, "required": None},
    "NaN as a bound": v({"type": "number", "minimum": NAN, "maximum": INFINITY}),
    "NaN as a default": text(default=NAN),
    "a bound of 400 digits": v({"type": "integer", "minimum": 10**400}),
    "a length of 5,000 digits": text(minLength=10**5000),
    "100,000 items": v({"type": "array", "minItems": 100_000}), "10**8 items": v({"type": "array", "maxItems": 10**8}),
    "a million characters": text(minLength=10**6),
    "multipleOf 0": v({"type": "integer", "multipleOf": 0}),
    "multipleOf 10**30": v({"type": "integer", "multipleOf": 10**30}),
    "odd names": {"type": "object", "properties": {name: {"type": "string"} for name in (
        'q"', "a\nb", "</parameter>", "é😀", "", '<|"|>', "a=b", "\x00")}},
    "any of what is required": members(2, anyOf=[{"required": ["p0"]}, {"required": ["p1"]}]),
    "not anything": v({"not": {}}),
}  # fmt: skip
WRITERS: dict[str, Callable[[Constraint], Any]] = {
    "lark": lambda made: made.lark(), "portable lark": lambda made: made.portable_lark(), "gbnf": lambda made: made.gbnf(),
    "structural tag": lambda made: made.structural_tag(), "regex": lambda made: made.regex(),
    "json schema": lambda made: made.json_schema(),
}  # fmt: skip
every_form = pytest.mark.parametrize("form", FORMS)
some_taken = pytest.mark.parametrize("case", list(TAKEN) if os.environ.get("TOOLGLOT_SLOW") else list(TAKEN)[::5])


def timed(make: Callable[[], Any], what: str) -> Any:
    began = time.process_time()
    try:
        return make()
    finally:
        took = time.process_time() - began
        assert took < SECONDS, f"{what}: {took:.1f} s"


@every_form
@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_kept_is_refused_by_name(case: str, form: str) -> None:
    parameters, named = REFUSED[case]
    with pytest.raises(ToolglotError) as error:
        timed(lambda: constrain(dialects()[form], [GOOD, Tool("bad", "", parameters)]), case)
    assert str(error.value).startswith("bad: ") and named in str(error.value) and len(str(error.value)) < 600


@every_form
@some_taken
def test_what_is_taken_is_read_by_the_engines(case: str, form: str) -> None:
    made = timed(lambda: constrain(dialects()[form], [GOOD, Tool("bad", "", TAKEN[case])], "required"), case)
    lark = timed(made.lark, case)
    problem = timed(lambda: llguidance.LLMatcher.validate_grammar(lark, BYTES), f"{case}, by llguidance")
    assert not problem, problem[:300]
    assert READER.GrammarParser().parse(timed(made.gbnf, case))


@pytest.mark.parametrize("notation", WRITERS)
@some_taken
def test_each_notation_is_written_or_refused_in_time(case: str, notation: str) -> None:
    made = constrain(dialects()["json"], [GOOD, Tool("bad", "", TAKEN[case])], "required")
    try:
        found = timed(lambda: WRITERS[notation](made), f"{case}, {notation}")
    except ToolglotError as error:
        if not str(error).startswith("bad: ") and "take another notation" not in str(error):  # or one tool alone would do
            raise
        return
    json.dumps(found, allow_nan=False).encode()


def test_ten_thousand_members() -> None:
    many = members(10_000, additionalProperties=True)
    made = timed(lambda: constrain(dialects()["hermes"], [Tool("bad", "", many)], "required"), "10,000")
    assert not llguidance.LLMatcher.validate_grammar(timed(made.lark, "lark"), BYTES)
    assert READER.GrammarParser().parse(timed(made.gbnf, "gbnf"))
    assert any("no other may stand" in sentence for sentence in made.narrowed)
    for form in ("llama-pythonic", "qwen3-coder", "gemma-4"):
        with pytest.raises(ToolglotError, match="bad: `properties`: 10,000 arguments"):
            constrain(dialects()[form], [Tool("bad", "", many)])


@pytest.mark.parametrize("name", ['a"b', "a\nb", "a b", "", "it's", "\x00", "`x`"])
def test_a_tool_whose_name_cannot_be_told_from_its_call_is_refused(name: str) -> None:
    with pytest.raises(ToolglotError, match="the name of a tool"):
        constrain(dialects()["hermes"], [GOOD, Tool(name, "", {"type": "object", "properties": {}})])


@every_form
def test_of_500_tools_the_bad_one_is_named(form: str) -> None:
    tools = [Tool(f"t{n}", "", v({"type": "string", "enum": ["a", "b"]})) for n in range(500)]
    assert timed(lambda: constrain(dialects()[form], tools).lark(), "500 tools")
    tools[321] = Tool("t321", "", v({"enum": [NAN]}))
    with pytest.raises(ToolglotError, match=r"^t321: `v`: `enum`"):
        timed(lambda: constrain(dialects()[form], tools), "500 tools")


def test_what_one_notation_cannot_say_of_a_tool_names_it() -> None:
    with pytest.raises(ToolglotError, match=r"^bad: regex: "):
        constrain(dialects()["hermes"], [GOOD, Tool("bad", "", v({}))]).regex()


# -- growth

GROWS: dict[str, Callable[[int], list[Tool]]] = {
    "tools": lambda count: [Tool(f"t{n}", "", v({"type": ["string", "null"]})) for n in range(count)],
    "properties": lambda count: [Tool("t", "", members(count, required=["p3"]))],
    "optional properties": lambda count: [Tool("t", "", members(count))],
    "members of a member": lambda count: [Tool("t", "", v(members(count)))],
    "values": lambda count: [Tool("t", "", v({"enum": [f"value {n}" for n in range(count)]}))],
    "choices": lambda count: [Tool("t", "", v({"anyOf": [{"const": [n]} for n in range(count)]}))],
}  # fmt: skip


@every_form
@pytest.mark.parametrize("what", GROWS)
def test_time_and_text_grow_no_more_than_linearly(what: str, form: str) -> None:
    def measured(count: int) -> tuple[float, int]:
        began = time.process_time()
        made = constrain(dialects()[form], GROWS[what](count), "required")
        size = len(made.lark()) + len(made.gbnf())
        return time.process_time() - began, size

    measured(50)
    times, sizes = zip(*(min(measured(count) for _ in range(2)) for count in (50, 400)), strict=True)
    assert sizes[1] < 8 * sizes[0] * 1.6
    assert times[1] < 8 * max(times[0], 0.002) * 3


@pytest.mark.parametrize("pattern", ["^a{5001}$", "^((a{1000}){1000}){1000}$", "a{99999999999999999999}"])
def test_a_pattern_of_long_texts_alone_is_said_to_be_unenforced(pattern: str) -> None:
    """llguidance would write what is forced at once: for a million letters, minutes before the first token."""
    made = constrain(dialects()["json"], [Tool("long", "", text(pattern=pattern))], "required")
    assert made.unenforced[0].startswith("long: `v`: `pattern`") and "5,000 characters" in made.unenforced[0]
    assert "1000" not in made.lark() and "5001" not in made.lark()
    assert not constrain(dialects()["json"], [Tool("long", "", text(pattern="^a{5000}$"))], "required").unenforced
