"""Coercion: each kind of change on its own, and the laws that none of them may break."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import time
from threading import Thread
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolglot.schema import KINDS, Change, coerce, explain, fit, is_valid, validate

SPOT = {"type": "object", "properties": {"x": {"type": "number"}, "y": {"type": "number"}}, "required": ["x"]}
SHAPES = {
    "anyOf": [
        {"properties": {"kind": {"const": "dot"}, "r": {"type": "string"}}, "required": ["kind", "r"]},
        {"properties": {"kind": {"const": "box"}, "r": {"type": "int"}, "w": {"type": "int"}}, "required": ["kind", "w"]},
    ]
}
TREE = {"type": "object", "properties": {"n": {"type": "integer"}, "next": {"$ref": "#/$defs/Tree"}}}


def tool(**properties: Any) -> dict[str, Any]:
    return {"type": "dict", "properties": properties, "$defs": {"Spot": SPOT, "Tree": TREE}}


def mended(value: Any, schema: Any, **options: Any) -> tuple[Any, list[str]]:
    """What became of the one parameter `a`, and the kinds of change."""
    result, changes = coerce({"a": value}, tool(a=schema), **options)
    return result["a"], [change.kind for change in changes]


def written(value: object) -> str:
    """Text that tells 5 from 5.0 and from true."""
    return repr(value)


# --- one kind of change after the other

INT, FLOAT, BOOL, STR = {"type": "int"}, {"type": "number"}, {"type": "bool"}, {"type": "string"}
SPOT_OR_NULL = {"anyOf": [{"$ref": "#/$defs/Spot"}, {"type": "null"}]}
INTS = {"type": "list", "items": INT}
UNITS = {"type": "string", "enum": ["celsius", "Fahrenheit", "New_York-Time", "-1", "1", "K", "k"]}

CASES: list[tuple[Any, Any, Any, list[str]]] = [
    ("5", INT, 5, ["number"]),
    ("-07", INT, -7, ["number"]),
    ("+5", INT, 5, ["number"]),
    ("3.0", INT, 3, ["number"]),
    ("1e3", INT, 1000, ["number"]),
    ("1.5e1", INT, 15, ["number"]),
    ("12345678901234567890", INT, 12345678901234567890, ["number"]),
    ("5", FLOAT, 5, ["number"]),
    ("3.0", FLOAT, 3.0, ["number"]),
    (".5", FLOAT, 0.5, ["number"]),
    ("-1.5E-3", FLOAT, -0.0015, ["number"]),
    ("3.0", {"type": ["integer", "number"]}, 3.0, ["number"]),
    ("5", {"type": "integer", "nullable": True}, 5, ["number"]),
    ("5", {"anyOf": [INT, {"type": "null"}]}, 5, ["number"]),
    ("5", {"enum": [1, 5]}, 5, ["number"]),
    ("5", {"enum": [5, "auto"]}, 5, ["number"]),
    ("5", {"type": ["array", "integer"], "items": STR}, 5, ["number"]),
    (" 5\n", INT, 5, ["space", "number"]),
    ("1,000", INT, 1000, ["thousands"]),
    ("1 000 000", INT, 1_000_000, ["thousands"]),
    ("1\u202f000", INT, 1000, ["thousands"]),
    ("1_000", INT, 1000, ["thousands"]),
    ("-12,345.5", FLOAT, -12345.5, ["thousands"]),
    ("12,345.00", INT, 12345, ["thousands"]),
    (5.0, INT, 5, ["integer"]),
    (-0.0, INT, 0, ["integer"]),
    (5.0, {"type": ["integer", "null"]}, 5, ["integer"]),
    (5, {"type": "float"}, 5.0, ["float"]),
    ("5", {"type": ["double", "null"]}, 5.0, ["number", "float"]),
    ([1, 2.5], {"type": "array", "items": {"type": "float"}}, [1.0, 2.5], ["float"]),
    ({"x": 1, "y": None}, SPOT, {"x": 1}, ["omit"]),
    ("a, B", {"type": "array", "items": {"enum": ["a", "b"]}}, ["a", "b"], ["list", "enum"]),
    ("true", BOOL, True, ["boolean"]),
    ("False", BOOL, False, ["boolean"]),
    ("TRUE", {"type": ["boolean", "null"]}, True, ["boolean"]),
    ("null", {"type": ["integer", "null"]}, None, ["null"]),
    ("None", SPOT_OR_NULL, None, ["null"]),
    ("null", {"enum": ["c", "f", None]}, None, ["null"]),
    (5, STR, "5", ["string"]),
    (0.1, STR, "0.1", ["string"]),
    (5.0, STR, "5.0", ["string"]),
    (True, STR, "true", ["string"]),
    (5, {"type": ["string", "null"]}, "5", ["string"]),
    (5, {"enum": ["5", "6"]}, "5", ["string"]),
    ("red", {"type": "array"}, ["red"], ["list"]),
    (5, INTS, [5], ["list"]),
    ("5", INTS, [5], ["list", "number"]),
    ({"x": 1}, {"type": "array", "items": {"$ref": "#/$defs/Spot"}}, [{"x": 1}], ["list"]),
    ({"x": "1"}, {"anyOf": [{"type": "array", "items": SPOT}, {"type": "null"}]}, [{"x": 1}], ["list", "number"]),
    (["Rome"], STR, "Rome", ["single"]),
    ([5], {"type": ["integer", "null"]}, 5, ["single"]),
    ([{"x": "1"}], SPOT, {"x": 1}, ["single", "number"]),
    ('{"x": 1}', SPOT, {"x": 1}, ["json"]),
    ('{"x": "1"}', SPOT_OR_NULL, {"x": 1}, ["json", "number"]),
    ('["1", 2]', INTS, [1, 2], ["json", "number"]),
    ('{"y": 1}', SPOT, {"y": 1}, ["json"]),
    ("Celsius", UNITS, "celsius", ["enum"]),
    (" fahrenheit ", UNITS, "Fahrenheit", ["enum"]),
    ("new york_time", UNITS, "New_York-Time", ["enum"]),
    (" K", UNITS, "K", ["space"]),
    ("FAST", {"const": "fast"}, "fast", ["enum"]),
    ("C", {"anyOf": [{"enum": ["c", "f"]}, {"type": "null"}]}, "c", ["enum"]),
    # inside: properties, additionalProperties, prefixItems, items, $ref, allOf, anyOf
    ({"x": "1", "z": "1"}, SPOT, {"x": 1, "z": "1"}, ["number"]),
    ({"k": "1"}, {"type": "object", "additionalProperties": INT}, {"k": 1}, ["number"]),
    (["1", 2, "3"], {"type": "tuple", "items": [INT, STR]}, [1, "2", "3"], ["number", "string"]),
    (["1", "2"], {"type": "array", "prefixItems": [STR], "items": INT}, ["1", 2], ["number"]),
    ({"n": "1", "next": {"next": {"n": "2"}}}, TREE, {"n": 1, "next": {"next": {"n": 2}}}, ["number", "number"]),
    ({"x": "1"}, {"allOf": [SPOT, {"properties": {"x": {"type": "number"}}}]}, {"x": 1}, ["number"]),
    ({"kind": "box", "w": "1"}, SHAPES, {"kind": "box", "w": 1}, ["number"]),
    ({"kind": "box", "r": "1"}, SHAPES, {"kind": "box", "r": 1}, ["number"]),  # w is still missing, but it is a box
    ({"kind": "Box", "w": 1}, SHAPES, {"kind": "box", "w": 1}, ["enum"]),
]

KEPT: list[tuple[Any, Any]] = [
    # it fits already
    ("5", STR),
    ("5", {"type": ["string", "integer"]}),
    ("5", {"type": "any"}),
    ("5", {"type": "frobnicate"}),
    ("5", {}),
    (5.0, FLOAT),
    (5.0, {"type": ["integer", "number"]}),
    ("null", {"type": ["string", "null"]}),
    ('{"x": 1}', {"type": ["string", "object"]}),
    ("5", {"anyOf": [STR, INT]}),
    ("k", UNITS),
    ([5], {"type": ["array", "integer"]}),
    ({"kind": "dot", "r": "5"}, SHAPES),
    (5, FLOAT),
    (5, {"type": ["int", "float"]}),
    (2**60, {"type": "float"}),
    ({"x": 1, "y": None}, {"anyOf": [SPOT, {"properties": {"y": {"type": "null"}}}]}),
    ({"x": 1, "y": None}, {"type": "object", "properties": {"y": {"type": "number", "nullable": True}}}),
    # nothing surely keeps its meaning
    ({"x": None}, SPOT),
    ("a, c", {"type": "array", "items": {"enum": ["a", "b"]}}),
    ("five", INT),
    ("3.5", INT),
    (5.5, INT),
    ("0x10", INT),
    ("5%", INT),
    ("", INT),
    (" ", FLOAT),
    (".", FLOAT),
    ("e5", FLOAT),
    ("NaN", FLOAT),
    ("Infinity", FLOAT),
    ("1e999", FLOAT),
    ("1e-999", FLOAT),
    ("0.1234567890123456789", FLOAT),
    ("1,00", FLOAT),
    ("0,123", FLOAT),
    ("1,000 000", INT),
    ("٣", INT),
    ("5", {"enum": [6, 7]}),
    (True, INT),
    ("yes", BOOL),
    ("1", BOOL),
    (1, BOOL),
    (" true", BOOL),
    ("nil", {"type": ["integer", "null"]}),
    ([], STR),
    ({}, STR),
    (float("inf"), STR),
    (["a", "b"], STR),
    ([None], STR),
    ([[1, 2]], INT),
    ("red, blue", {"type": "array", "items": STR}),
    ("1,234", INTS),
    ("[1, 2", INTS),
    ("x", INTS),
    ({"0": "a"}, {"type": "array"}),
    ({"y": 1}, {"type": "array", "items": SPOT}),
    ("{'x': 1}", SPOT),
    ('{"x": 1, "x": 2}', SPOT),
    ('{"x": NaN}', SPOT),
    ("[1]", SPOT),
    ("kelvin", UNITS),
    ("- 1", UNITS),
    ("k ?", UNITS),
    ("a", {"enum": ["A", " a"]}),
    # it could be meant in two ways
    ("5 ", {"enum": ["5", 5]}),
    (5, {"type": ["string", "boolean"]}),
    ({"r": "1"}, {"anyOf": [{"properties": {"r": one}, "required": ["k"]} for one in (INT, BOOL)]}),
    ({"r": "1"}, {"anyOf": [{"properties": {"r": INT}}, {"properties": {"r": {"type": "array"}}}]}),
]


@pytest.mark.parametrize(("value", "schema", "after", "kinds"), CASES)
def test_a_change(value: Any, schema: Any, after: Any, kinds: list[str]) -> None:
    assert written(mended(value, schema)) == written((after, kinds))
    for kind in kinds:
        assert kind not in mended(value, schema, skip={kind})[1]


@pytest.mark.parametrize(("value", "schema"), KEPT)
def test_what_stays_as_it_is(value: Any, schema: Any) -> None:
    arguments = {"a": value}
    result, changes = coerce(arguments, tool(a=schema))
    assert result is arguments and changes == ()


def test_null_stands_for_what_need_not_be_given() -> None:
    for schema in (STR, INTS):
        optional, required = tool(a=schema, b=INT), {**tool(a=schema, b=INT), "required": ["a"]}
        result, (change,) = coerce({"a": None, "b": 1}, optional)
        assert result == {"b": 1} == change.after and (change.kind, change.path) == ("omit", ())
        assert coerce({"a": None, "b": 1}, required) == ({"a": None, "b": 1}, ())
        assert coerce({"a": None, "b": 1}, optional, skip={"omit"}) == ({"a": None, "b": 1}, ())


@pytest.mark.parametrize("schema", [STR, INTS, SPOT, SHAPES, UNITS, BOOL])
def test_values_that_are_too_large(schema: Any) -> None:
    for value in (10**5000, "[" * 100_000, "9" * 5000, "x" * 1_000_000, " " * 1_000_000 + "x", "a" + " " * 1_000_000):
        assert mended(value, schema) in ((value, []), ([value], ["list"]))


def test_a_change_says_where_it_was_made() -> None:
    schema = tool(spots={"type": "array", "items": {"$ref": "#/$defs/Spot"}})
    result, changes = coerce({"spots": ['{"x": "1"}']}, schema)
    assert result == {"spots": [{"x": 1}]}
    assert changes == (
        Change("json", ("spots", 0), '{"x": "1"}', {"x": "1"}),
        Change("number", ("spots", 0, "x"), "1", 1),
    )


# --- nesting

TRIP = {"type": "object", "properties": {"city": STR, "days": INT}, "required": ["city"]}


@pytest.mark.parametrize(
    ("value", "kinds"),
    [
        *[({word: {"city": "Rome"}}, ["nesting"]) for word in ("arguments", "parameters", "args", "kwargs", "input")],
        ({"params": {"city": "Rome"}}, ["nesting"]),
        ({"arguments": '{"city": "Rome"}'}, ["nesting", "json"]),
        ([{"city": "Rome"}], ["nesting"]),
        ('{"city": "Rome"}', ["json"]),
        ('[{"city": ["Rome"]}]', ["json", "nesting", "single"]),
    ],
)
def test_arguments_one_level_too_deep(value: Any, kinds: list[str]) -> None:
    result, changes = coerce(value, TRIP)
    assert (result, [change.kind for change in changes]) == ({"city": "Rome"}, kinds)
    for kind in kinds:
        assert kind not in [change.kind for change in coerce(value, TRIP, skip={kind})[1]]


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        ({"arguments": {"town": "Rome"}}, TRIP),
        ({"arguments": {"city": "Rome", "colour": 1}}, TRIP),
        ({"arguments": {"arguments": {"city": "Rome"}}}, TRIP),
        ({"trip": {"days": 1}}, TRIP),
        ({"trip": {}}, {"type": "object", "properties": {"days": INT}}),
        ({"arguments": {"city": "Rome"}, "name": "trip"}, TRIP),
        ({"city": {"city": "Rome"}}, TRIP),
        ({"arguments": {"city": "Rome"}}, tool(arguments={"type": "object"}, city=STR)),
        ({"arguments": {"city": "Rome"}}, {"type": "object", "additionalProperties": True}),
        ({"trip": {"city": "Rome"}}, {**TRIP, "additionalProperties": True}),
        ([{"city": "Rome"}, {"city": "Rome"}], TRIP),
        ([["city"]], TRIP),
        ("[1]", TRIP),
        ("Rome", TRIP),
        (None, TRIP),
    ],
)
def test_arguments_that_are_not_nested(value: Any, schema: Any) -> None:
    assert coerce(value, schema) == (value, ())


def test_arguments_without_parameters() -> None:
    assert coerce({"arguments": {}}, {"type": "object", "properties": {}})[0] == {}


def test_a_wrapper_where_any_name_is_allowed() -> None:
    assert coerce({"arguments": {"city": "Rome"}}, {**TRIP, "additionalProperties": STR})[0] == {"city": "Rome"}


# --- fit and explain


def test_fit() -> None:
    assert fit({"city": 5, "days": "soon"}, TRIP) == (
        {"city": "5", "days": "soon"},
        (Change("string", ("city",), 5, "5"),),
        ['`days` must be an integer, but came as "soon"'],
    )
    assert fit({"city": 5}, TRIP, {"string"}) == ({"city": 5}, (), ["`city` must be a string, but came as 5"])


def test_explain() -> None:
    one = '`days` must be an integer, but came as "soon"'
    assert explain("get_weather", [one]) == (
        f"The call of get_weather was not run: {one}. Write the call again with these corrected."
    )
    assert explain("f", [one, "`city` is required but missing"]) == (
        f"The call of f was not run: {one}; `city` is required but missing. Write the call again with these corrected."
    )
    assert explain("f", []) == "The call of f was not run. Write the call again."
    assert "and 15 more" in (many := explain("f" * 1000, validate({f"p{n}": 1 for n in range(100)}, TRIP)))
    assert len(many) < 1500


# --- laws

NAMES = st.sampled_from(["a", "b", "arguments"])
WILD = ["5", "5.0", "1,000", " 5 ", "true", "NULL", "null", "None", "x", " x", "X", "x_y", "X y", "", "{", '{"a": "5"}']
SCALARS = st.sampled_from([*WILD, '["5"]', '[{"a": 5.0}]', 5, 5.0, 5.5, 0, 1, 1.0, True, False, None, 1000])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
TYPE = st.sampled_from(["string", "int", "number", "boolean", "null", "object", "array", "any", "dict", "tuple"])
BOUNDS = st.fixed_dictionaries(
    {},
    optional={
        "minimum": st.sampled_from([0, 5, 6]),
        "maxLength": st.sampled_from([0, 1, 9]),
        "multipleOf": st.sampled_from([5, 0.5]),
        "nullable": st.booleans(),
        "uniqueItems": st.just(True),
        "pattern": st.just("^[0-9x]"),
        "not": st.sampled_from([{"type": "null"}, {"const": "5"}, {"enum": [5]}, {"minimum": 3}]),
    },
)
PLAIN = st.one_of(
    st.builds(lambda t, more: {"type": t, **more}, TYPE | st.lists(TYPE, min_size=1, max_size=3), BOUNDS),
    st.builds(lambda members, more: {"enum": members, **more}, st.lists(SCALARS, max_size=3), BOUNDS),
    st.builds(lambda member: {"const": member}, SCALARS),
    st.just({"$ref": "#/$defs/A"}),
    st.just({"$ref": "#"}),
    st.booleans(),
)


def _larger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=1, max_size=3)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["object", "array", ["array", "null"], ["object", "string"]]),
            "properties": st.dictionaries(NAMES, inner, max_size=3),
            "required": st.lists(NAMES, max_size=2),
            "additionalProperties": inner,
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "b"]), inner, max_size=1),
            "items": inner | several,
            "prefixItems": several,
            "anyOf": several,
            "oneOf": several,
            "allOf": several,
            "uniqueItems": st.just(True),
            "if": inner,
            "then": inner,
            "else": inner,
            "$ref": st.just("#/$defs/A"),
        },
    )


INNER = st.recursive(PLAIN, _larger, max_leaves=6)
SCHEMAS = st.builds(
    lambda properties, defs, more: {"type": "object", "properties": properties, "$defs": {"A": defs}, **more},
    st.dictionaries(NAMES, INNER, min_size=1, max_size=3),
    INNER,
    st.fixed_dictionaries(
        {},
        optional={
            "required": st.lists(NAMES, max_size=2),
            "anyOf": st.lists(INNER, max_size=2),
            "allOf": st.lists(INNER, max_size=2),
        },
    ),
)
ARGUMENTS = st.dictionaries(NAMES, VALUES, max_size=3) | VALUES


@given(SCHEMAS, ARGUMENTS)
@settings(max_examples=200, deadline=None)
def test_what_is_valid_stays_as_it_is_but_for_the_kind_of_number(schema: Any, value: Any) -> None:
    _, changes, sentences = fit(value, schema)
    if validate(value, schema) == []:
        assert {change.kind for change in changes} <= {"integer", "float"}
        assert sentences == []


@given(SCHEMAS, ARGUMENTS)
@settings(max_examples=200, deadline=None)
def test_what_is_plainly_valid_is_so_on_a_closer_look(schema: Any, value: Any) -> None:
    quick = fit(value, schema)
    with pytest.MonkeyPatch.context() as patch:
        for module in ("coerce", "validate"):
            patch.setattr(sys.modules[f"toolglot.schema.{module}"], "is_plainly_valid", lambda value, schema: False)
        assert written(quick) == written(fit(value, schema))
    assert (quick[2] == []) is is_valid(quick[0], schema)


@given(SCHEMAS, ARGUMENTS)
@settings(max_examples=200, deadline=None)
def test_it_is_done_once_and_in_no_place_but_the_result(schema: Any, value: Any) -> None:
    before = copy.deepcopy((value, schema))
    result, changes = coerce(value, schema)
    assert written((value, schema)) == written(before)
    assert (result is value) is (changes == ())
    again, more = coerce(result, schema)
    assert again is result and more == ()


def put(value: Any, path: tuple[str | int, ...], change: Change) -> Any:
    if not path:
        assert written(value) == written(change.before)
        return change.after
    value = copy.copy(value)
    value[path[0]] = put(value[path[0]], path[1:], change)
    return value


@given(SCHEMAS, ARGUMENTS)
@settings(max_examples=100, deadline=None)
def test_the_changes_are_all_that_was_changed(schema: Any, value: Any) -> None:
    result, changes = coerce(value, schema)
    for change in changes:
        assert change.kind in KINDS
        value = put(value, change.path, change)
    assert written(value) == written(result)


@given(SCHEMAS, ARGUMENTS, st.sets(st.sampled_from(KINDS), min_size=1))
@settings(max_examples=100, deadline=None)
def test_what_is_to_be_skipped_is_skipped(schema: Any, value: Any, skip: set[str]) -> None:
    assert not skip & {change.kind for change in coerce(value, schema, skip=skip)[1]}
    assert coerce(value, schema, skip=KINDS) == (value, ())


JUNK = st.recursive(
    SCALARS | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["#", "#/properties", "#/required", "("]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "properties", "required", "items", "enum", "const", "anyOf", "allOf", "$ref", "a", "not"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JUNK, JUNK)
@settings(max_examples=150, deadline=None)
def test_no_schema_and_no_value_makes_it_raise(schema: Any, value: Any) -> None:
    for one in (value, {"a": value}):
        for asked in (schema, {"properties": {"a": schema}}, {"properties": schema}, {"$ref": "#/a", "a": schema}):
            coerce(one, asked)


class Odd(float):
    def __repr__(self) -> str:
        return "odd"


@pytest.mark.parametrize("value", [(1, 2), {1}, object(), b"5", 1j, {3: "5"}, {None: 1}, float("nan"), Odd(5)])
@pytest.mark.parametrize("schema", [STR, INT, INTS, SPOT, SHAPES, UNITS, {"type": "object", "additionalProperties": INT}])
def test_values_that_json_does_not_have(value: Any, schema: Any) -> None:
    for one in (value, [value], {"a": value}):
        result, _ = coerce({"a": one}, tool(a=schema))
        assert set(result) == {"a"}
        coerce(one, schema)
    assert written(mended(Odd(5), STR)) == "('5.0', ['string'])"


# --- bounds


def test_a_value_that_contains_itself() -> None:
    value: dict[str, Any] = {"n": "1"}
    value["next"] = value
    coerce(value, {**TREE, "$defs": {"Tree": TREE}})
    value["a"] = [value, value]
    coerce(value, {"type": "object", "additionalProperties": {"$ref": "#"}, "items": {"$ref": "#"}})


def test_a_deep_value() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"next": deep, "n": "1"}
    result, changes = coerce(deep, {**TREE, "$defs": {"Tree": TREE}})
    assert result["n"] == 1 and len(changes) < 100
    while deep:  # taken apart by hand: freeing it all at once would be as deep
        deep = deep.pop("next", {})


def timed(items: int) -> float:
    value = {"spots": [{"x": "1", "y": 2} for _ in range(items)]}
    start = time.process_time()
    _, changes = coerce(value, tool(spots={"type": "array", "items": {"anyOf": [{"$ref": "#/$defs/Spot"}, INT]}}))
    assert len(changes) == items
    return time.process_time() - start


def test_the_time_grows_with_the_value_alone() -> None:
    small, large = min(timed(1_000) for _ in range(3)), min(timed(10_000) for _ in range(2))
    assert large < 40 * small + 1


def test_hostile_schemas_end_soon() -> None:
    defs = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(60)}
    start = time.monotonic()
    for schema in ({"$ref": "#"}, {"anyOf": [{"$ref": "#"}] * 9}, {"allOf": [{"$ref": "#"}] * 9}, {"$ref": "#/$defs/d0"}):
        for value in ({"a": "5"}, {"a": {"a": {"a": ["5"] * 100}}}):
            coerce(value, {**schema, "$defs": {**defs, "d60": {"required": ["b"]}}})
            coerce(value, {"properties": {"a": schema, "b": {"items": schema}}, "$defs": defs})
    assert time.monotonic() - start < 20


def test_a_schema_may_change_and_need_not_be_a_dict() -> None:
    schema = tool(a={"type": "integer"})
    assert fit({"a": "5"}, schema)[0] == {"a": 5}
    schema["properties"]["a"]["type"] = "string"
    assert fit({"a": "5"}, schema) == ({"a": "5"}, (), [])
    assert fit({"a": 5}, schema)[0] == {"a": "5"}
    assert fit({"a": "5"}, MappingProxyType({"properties": MappingProxyType({"a": INT})}))[::2] == ({"a": 5}, [])


def test_a_schema_is_read_once() -> None:
    schema = tool(**{f"p{n}": {**SPOT, "description": "x" * n} for n in range(200)})

    def took() -> float:
        start = time.process_time()
        assert fit({"p1": {"x": "1"}}, schema)[2] == []
        return time.process_time() - start

    first = took()
    assert min(took() for _ in range(5)) < first / 3


def test_threads_do_not_spend_what_is_another_one_s() -> None:
    schema = tool(a={"type": "array", "items": {"$ref": "#/$defs/Spot"}})
    found: list[list[str]] = []

    def work() -> None:
        for _ in range(20):
            found.append(fit({"a": [{"x": "1"}] * 50 + [{"y": 1}]}, schema)[2])

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [["`a[50].x` is required but missing"]] * 80


def test_coercing_needs_no_jsonschema() -> None:
    code = """if 1:
        import sys
        from toolglot.schema import coerce
        assert coerce({"a": "5"}, {"properties": {"a": {"type": "int"}}})[0] == {"a": 5}
        assert not {"jsonschema", "asyncio", "decimal"} & {*sys.modules}
    """
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})


def test_a_call_as_it_came_back_from_a_model() -> None:
    """Several things at once, from top to bottom."""
    schema = tool(city=STR, days=INT, unit={"enum": ["celsius", "fahrenheit"]}, tags={"type": "array", "items": STR},
                  spot={"$ref": "#/$defs/Spot"}, detail=BOOL, limit={"type": "integer", "nullable": True})
    arguments = {"city": ["Rome"], "days": "3", "unit": "Celsius", "tags": "sun", "spot": '{"x": "1.5"}', "detail": "True",
                 "limit": "null"}
    result, changes, sentences = fit({"parameters": json.dumps(arguments)}, schema)
    assert result == {"city": "Rome", "days": 3, "unit": "celsius", "tags": ["sun"], "spot": {"x": 1.5}, "detail": True,
                      "limit": None}
    assert [change.kind for change in changes] == [
        "nesting", "json", "single", "number", "enum", "list", "json", "number", "boolean", "null"]
    assert sentences == []


def test_a_whole_float_is_the_integer_that_it_becomes() -> None:
    """So that 5 for 5.0 makes no item come twice that did not before."""
    schema = tool(a={"type": "array", "items": INT, "uniqueItems": True})
    for items in ([5, 5.0], [{"n": [5]}, {"n": [5.0]}]):
        assert "no item twice" in validate({"a": items}, {"properties": {"a": {"uniqueItems": True}}})[0]
    assert validate({"a": [1, True, "1", None]}, {"properties": {"a": {"uniqueItems": True}}}) == []
    assert fit({"a": [5.0, 6]}, schema)[::2] == ({"a": [5, 6]}, [])
