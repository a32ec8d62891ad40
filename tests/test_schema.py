"""What a schema says of a value: its types, how raw text is read, and what is said of a value that breaks it."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolglot.schema import is_valid, read_text, resolve, types_of, validate
from toolglot.values.literals import FORMATS as LITERALS


def read_json(text: str) -> str | None:
    """A stand-in for the caller's lenient reader: JSON or a Python literal."""
    for read in (json.loads, ast.literal_eval):
        try:
            return json.dumps(read(text), ensure_ascii=False, allow_nan=False)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    return None


# --- resolve

ROOT = {
    "$defs": {
        "City": {"type": "string", "description": "a city"},
        "Loop": {"$ref": "#/$defs/Other"},
        "Other": {"$ref": "#/$defs/Loop"},
        "Chain": {"$ref": "#/$defs/City"},
        "a/b~c d": {"type": "null"},
        "Any": True,
        "Never": False,
    },
    "definitions": {"Old": {"type": "integer"}},
    "properties": {"list": {"prefixItems": [{"type": "boolean"}]}},
}


@pytest.mark.parametrize(
    ("schema", "resolved"),
    [
        ({"type": "string"}, {"type": "string"}),
        ({"$ref": "#/$defs/City"}, ROOT["$defs"]["City"]),
        ({"$ref": "#/$defs/Chain"}, ROOT["$defs"]["City"]),
        ({"$ref": "#/definitions/Old"}, {"type": "integer"}),
        ({"$ref": "#"}, ROOT),
        ({"$ref": "#/$defs/a~1b~0c%20d"}, {"type": "null"}),
        ({"$ref": "#/properties/list/prefixItems/0"}, {"type": "boolean"}),
        ({"$ref": "#/properties/list/prefixItems/9"}, {}),
        ({"$ref": "#/$defs/City", "description": "where"}, {"type": "string", "description": "where"}),
        ({"$ref": "#/$defs/City", "type": "null"}, {"allOf": [ROOT["$defs"]["City"], {"type": "null"}]}),
        ({"allOf": [{"$ref": "#/$defs/Chain"}], "title": "x"}, {**ROOT["$defs"]["City"], "title": "x"}),
        ({"allOf": [{"type": "string"}, {}]}, {"allOf": [{"type": "string"}, {}]}),
        ({"allOf": [{"$ref": "#/$defs/Loop"}]}, {}),
        ({"allOf": {"type": "string"}}, {"allOf": {"type": "string"}}),
        ({"$ref": "#/$defs/Any"}, {}),
        ({"$ref": "#/$defs/Never"}, {"not": {}}),
        ({"$ref": "#/$defs/Loop"}, {}),
        ({"$ref": "#/$defs/Loop", "type": "string"}, {"type": "string"}),
        ({"$ref": "#/$defs/Missing", "title": "x"}, {"title": "x"}),
        ({"$ref": "https://example.com/schema.json"}, {}),
        ({"$ref": "other.json#/$defs/City"}, {}),
        ({"$ref": ["#"]}, {}),
        (True, {}),
        (False, {"not": {}}),
        (None, {}),
        ("string", {}),
    ],
)
def test_resolve(schema: object, resolved: object) -> None:
    assert resolve(schema, ROOT) == resolved


# --- types


@pytest.mark.parametrize(
    ("schema", "types"),
    [
        ({}, None),
        (None, None),
        (True, None),
        ({"type": "string"}, ("string",)),
        ({"type": ["integer", "null"]}, ("integer", "null")),
        ({"type": ["string", "any"]}, None),
        ({"type": []}, None),
        ({"type": ""}, None),
        ({"type": {"type": "string"}}, None),
        ({"type": [{"type": "string"}]}, None),
        ({"type": "frobnicate"}, None),
        *[
            ({"type": name}, (json_name,))
            for name, json_name in {
                **{"dict": "object", "float": "number", "tuple": "array", "list": "array", "int": "integer"},
                **{"str": "string", "bool": "boolean", "String": "string", "HashMap": "object", "ArrayList": "array"},
                **{"long": "integer", "double": "number", "char": "string", "None": "null", "NUMBER": "number"},
            }.items()
        ],
        ({"type": "any"}, None),
        ({"type": "integer", "nullable": True}, ("integer", "null")),
        ({"type": ["integer", "null"], "nullable": True}, ("integer", "null")),
        ({"nullable": True}, None),
        ({"enum": ["a", "b"]}, ("string",)),
        ({"enum": [1, "a", None]}, ("integer", "string", "null")),
        ({"enum": [True, 1.5, {}, []]}, ("boolean", "number", "object", "array")),
        ({"enum": []}, None),
        ({"const": 3}, ("integer",)),
        ({"const": None}, ("null",)),
        ({"type": ["string", "integer"], "enum": ["1", "2"]}, ("string",)),
        ({"type": "number", "enum": [1, 2]}, ("integer",)),
        ({"type": "string", "enum": [1, 2]}, ("string",)),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, ("integer", "string")),
        ({"oneOf": [{"type": "integer"}, {"type": "null"}]}, ("integer", "null")),
        ({"anyOf": [{"type": "integer"}, {}]}, None),
        ({"anyOf": [{"type": "integer"}, False]}, ("integer",)),
        ({"anyOf": {"type": "integer"}}, ("integer",)),
        ({"allOf": [{"type": ["string", "integer"]}, {"type": "integer"}, {}]}, ("integer",)),
        ({"allOf": [{"type": "number"}, {"type": ["integer", "null"]}]}, ("integer",)),
        ({"$ref": "#/$defs/City"}, ("string",)),
        ({"$ref": "#/$defs/City", "nullable": True}, ("string", "null")),
        ({"anyOf": [{"$ref": "#/definitions/Old"}, {"type": "null"}]}, ("integer", "null")),
        ({"$ref": "#/$defs/Loop"}, None),
    ],
)
def test_types_of(schema: object, types: tuple[str, ...] | None) -> None:
    assert types_of(schema, ROOT) == types


def doubling(levels: int, word: str = "allOf") -> dict[str, Any]:
    """A small schema that takes two to the `levels` steps to look through."""
    defs = {f"d{n}": {word: [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return {"$ref": "#/$defs/d0", "$defs": {**defs, f"d{levels}": {"minProperties": 9}}}


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"properties": {"a": schema}, "anyOf": [schema]}
    return schema


HOSTILE: list[Any] = [
    {"$ref": "#"},
    {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]},
    {"allOf": [{"$ref": "#"}] * 50},
    {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
    doubling(25),
    doubling(60, "anyOf"),
    nested(40),
    {"type": 3, "properties": 4, "required": "x", "minimum": "1", "enum": 5, "$id": 6, "anyOf": {}, "pattern": []},
    {"properties": {"a": {"type": "string", "pattern": "("}, "b": {"multipleOf": 0}, "c": {"items": 3}}},
    {"properties": {"a": {"multipleOf": 1e-320, "minimum": 1e400, "minLength": True}}},
    {"properties": 3, "additionalProperties": 3, "patternProperties": {"(": {}, "(a+)+$": {}}},
    {"$schema": "https://example.com/none", "$id": "::", "$dynamicRef": "#x", "$anchor": "!"},
]


@pytest.mark.parametrize("schema", HOSTILE)
def test_hostile_schemas_end_soon_and_never_raise(schema: Any) -> None:
    start = time.monotonic()
    assert types_of(schema, schema) is None or types_of(schema, schema)
    read_text("5", schema, schema, read_json)
    for value in ({}, {"a": "a" * 40 + "!", "b": 4, "c": [1]}, {"a" * 40 + "!": 1}, {"a": 10**400}):
        assert all(isinstance(sentence, str) for sentence in validate(value, schema))
    assert time.monotonic() - start < 20  # a bound, not a benchmark: unbounded, these would take years


# --- reading raw values

NULLABLE = {"anyOf": [{"type": "integer"}, {"type": "null"}]}


@pytest.mark.parametrize(
    ("raw", "schema", "value"),
    [
        # string stays raw
        ("5", {"type": "string"}, "5"),
        ("true", {"type": "string"}, "true"),
        ('{"a": 1}', {"type": "str"}, '{"a": 1}'),
        ('"quoted"', {"type": "string"}, '"quoted"'),
        ("  padded \n", {"type": "string"}, "  padded \n"),
        ("", {"type": "string"}, ""),
        ("5", {"enum": ["5", "6"]}, "5"),
        ("null", {"enum": ["null"]}, "null"),
        # a literal of the type
        ("5", {"type": "integer"}, 5),
        (" 5\n", {"type": "integer"}, 5),
        ("5.0", {"type": "integer"}, 5.0),
        ("-0.5", {"type": "float"}, -0.5),
        ("5", {"type": "number"}, 5),
        ("True", {"type": "boolean"}, True),
        ("false", {"type": "bool"}, False),
        ("None", {"type": "null"}, None),
        ('\n{"a": [1, null]}\n', {"type": "object"}, {"a": [1, None]}),
        ("{'a': True}", {"type": "dict"}, {"a": True}),
        ("[1, 'x', None]", {"type": "array"}, [1, "x", None]),
        # unions and nullables: the first non-string type that fits, else string
        ("5", {"type": ["string", "integer"]}, 5),
        ("five", {"type": ["string", "integer"]}, "five"),
        ("5.5", {"type": ["string", "integer"]}, "5.5"),
        ("5.0", {"type": ["string", "integer"]}, 5.0),
        ("True", {"type": ["string", "integer"]}, "True"),
        ("true", {"anyOf": [{"type": "string"}, {"type": "boolean"}]}, True),
        ('"5"', {"type": ["string", "integer"]}, '"5"'),
        ("null", {"type": "string", "nullable": True}, None),
        ("None", {"type": ["string", "null"]}, None),
        (" null ", {"type": ["string", "null"]}, None),
        ("nothing", {"type": ["string", "null"]}, "nothing"),
        ("", {"type": ["string", "null"]}, ""),
        ("None", NULLABLE, None),
        ("7", NULLABLE, 7),
        ("1", {"enum": [1, "auto"]}, 1),
        ("auto", {"enum": [1, "auto"]}, "auto"),
        # what does not fit is not mended
        ("abc", {"type": "integer"}, "abc"),
        ("5.5", {"type": "integer"}, 5.5),
        ('"5"', {"type": "integer"}, "5"),
        ("5", {"type": "boolean"}, 5),
        ("TRUE", {"type": "boolean"}, "TRUE"),
        ("[1, 2", {"type": "array"}, "[1, 2"),
        # without a schema, JSON if it is that, else a string
        ("5", None, 5),
        ("true", {}, True),
        ("None", {"type": "any"}, None),
        ("[1]", {"description": "no type"}, [1]),
        ('"text"', None, "text"),
        ("text", None, "text"),
        (" text ", None, " text "),
        ("", None, ""),
    ],
)
def test_read_text(raw: str, schema: object, value: object) -> None:
    read = json.loads(read_text(raw, schema, schema, read_json))
    assert (read, type(read)) == (value, type(value))


def test_a_number_is_kept_as_it_was_written() -> None:
    def written(text: str) -> str | None:
        return text if text.replace(".", "").isdigit() else None

    assert read_text("5.0", {"type": "integer"}, {}, written) == "5.0"
    assert read_text(" 007 ", {"type": "integer"}, {}, written) == "007"


@given(st.text())
def test_a_string_is_never_changed(raw: str) -> None:
    assert json.loads(read_text(raw, {"type": "string"}, {}, read_json)) == raw


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner | st.text()) | st.dictionaries(st.text(), inner | st.text()),
)


@given(VALUES)
def test_json_of_a_fitting_type_comes_back_whatever_else_is_allowed(value: object) -> None:
    every = {"type": ["string", "null", "boolean", "integer", "number", "array", "object"]}
    for schema in (every, {}, None, {**every, "type": every["type"][1:]}):
        for raw in (json.dumps(value), f"\n{json.dumps(value)} "):
            assert json.loads(read_text(raw, schema, schema, read_json)) == value


@given(st.text(), st.sampled_from([{"type": "integer"}, {"type": ["string", "null"]}, {}, NULLABLE, None]))
def test_reading_never_raises_and_always_gives_json(raw: str, schema: object) -> None:
    json.loads(read_text(raw, schema, schema, read_json))


# --- validate

WEATHER = {
    "type": "dict",
    "properties": {
        "city": {"type": "string", "minLength": 2},
        "days": {"type": "int", "minimum": 1, "exclusiveMaximum": 15},
        "unit": {"type": "string", "enum": ["c", "f"]},
        "mode": {"const": "fast"},
        "when": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "spot": {"anyOf": [{"$ref": "#/$defs/Spot"}, {"type": "null"}]},
        "spots": {"type": "list", "items": {"$ref": "#/$defs/Spot"}, "maxItems": 2, "uniqueItems": True},
        "pick": {"oneOf": [{"const": "a"}, {"enum": ["b", "c"]}]},
        "shape": {
            "anyOf": [
                {"type": "object", "properties": {"kind": {"const": "dot"}}, "required": ["kind"]},
                {"type": "object", "properties": {"kind": {"const": "box"}, "w": {"type": "int"}}, "required": ["w"]},
            ]
        },
        "code": {"type": "string", "pattern": "^[A-Z]{3}-\\d+$"},
        "note": {"type": "string", "nullable": True, "enum": ["x"]},
        "ref": {"$ref": "#/$defs/Spot", "nullable": True},
        "pair": {"type": "tuple", "items": [{"type": "float"}, {"type": "str"}]},
        "free": {"type": "any"},
        "odd": {"type": "frobnicate"},
        "never": False,
        "both": {"oneOf": [{"type": "number"}, {"type": "integer"}]},
    },
    "required": ["city"],
    "$defs": {
        "Spot": {
            "type": "object",
            "properties": {"x": {"type": "float"}, "y": {"type": "float"}},
            "required": ["x"],
            "additionalProperties": False,
        }
    },
}


@pytest.mark.parametrize(
    ("more", "sentences"),
    [
        ({}, []),
        ({"days": 3, "unit": "c", "mode": "fast", "when": None, "spot": {"x": 1}, "spots": [{"x": 1, "y": 2}]}, []),
        ({"note": None, "ref": None, "free": [1], "odd": 3, "pair": [1, "a"], "code": "ABC-1", "pick": "c"}, []),
        ({"days": 5.0}, []),
        ({"days": "two"}, ['`days` must be an integer, but came as "two"']),
        ({"days": True}, ["`days` must be an integer, but came as true"]),
        ({"days": 0}, ["`days` must be at least 1, but came as 0"]),
        ({"days": 15}, ["`days` must be less than 15, but came as 15"]),
        ({"city": None}, ["`city` must be a string, but came as null"]),
        ({"city": "X"}, ['`city` must have at least 2 characters, but came as "X"']),
        ({"unit": "k"}, ['`unit` must be one of "c", "f", but came as "k"']),
        ({"mode": "slow"}, ['`mode` must be "fast", but came as "slow"']),
        ({"when": "soon"}, ['`when` must be an integer or null, but came as "soon"']),
        ({"spot": {"y": 1}}, ["`spot.x` is required but missing"]),
        ({"spot": {"x": 1, "z": 1}}, ["`spot.z` is not a property; allowed: `x`, `y`"]),
        ({"spot": 3}, ["`spot` must be an object or null, but came as 3"]),
        ({"spots": [{"x": 1}, {"x": "a"}]}, ['`spots[1].x` must be a number, but came as "a"']),
        ({"spots": [{"x": 1}] * 2}, ['`spots` must have no item twice, but came as [{"x": 1}, {"x": 1}]']),
        ({"pick": "d"}, ['`pick` must be "a" or one of "b", "c", but came as "d"']),
        ({"shape": {"kind": "box", "w": "1"}}, ['`shape.w` must be an integer, but came as "1"']),
        ({"code": "AB"}, ['`code` must match the pattern "^[A-Z]{3}-\\\\d+$", but came as "AB"']),
        ({"note": "y"}, ['`note` must be one of "x", null, but came as "y"']),
        ({"pair": ["a", "b"]}, ['`pair[0]` must be a number, but came as "a"']),
        ({"never": 1}, ["`never` may not be 1"]),
        ({"both": 1}, ["`both` fits more than one of the forms that exclude each other"]),
        ({"colour": 1}, ["`colour` is not a parameter; allowed: `city`, `days`"]),
    ],
)
def test_sentences(more: dict[str, Any], sentences: list[str]) -> None:
    found = validate({"city": "Rome", **more}, WEATHER)
    assert len(found) == len(sentences), found
    for said, expected in zip(found, sentences, strict=True):
        assert said.startswith(expected)


def test_several_violations_are_several_sentences() -> None:
    found = validate({"colour": 1, "days": "x"}, WEATHER)
    assert {said.split("`")[1] for said in found} == {"colour", "city", "days"}
    assert "`city` is required but missing" in found


@pytest.mark.parametrize("value", [None, 3, "x", [1], True])
def test_arguments_that_are_no_object(value: object) -> None:
    assert validate(value, WEATHER) == [f"the arguments must be an object, but came as {json.dumps(value)}"]


@pytest.mark.parametrize(
    ("schema", "allowed"),
    [
        ({}, False),
        ({"type": "object"}, False),
        ({"properties": {"a": {}}}, False),
        ({"additionalProperties": True}, True),
        ({"additionalProperties": {"type": "integer"}}, True),
        ({"additionalProperties": False, "properties": {"a": {}}}, False),
        ({"patternProperties": {"^x": {}}}, True),
        ({"allOf": [{"properties": {"x": {}}}]}, True),
        ({"anyOf": [{"$ref": "#/$defs/X"}, {}], "$defs": {"X": {"properties": {"x": {}}}}}, True),
        ({"$ref": "#/$defs/X", "$defs": {"X": {"type": "object", "properties": {"x": {}}}}}, True),
        ({"if": {"properties": {"a": {}}}, "then": {"properties": {"x": {}}}}, True),
    ],
)
def test_a_parameter_that_the_schema_does_not_name(schema: dict[str, Any], allowed: bool) -> None:
    found = validate({"x": 1}, schema)
    assert (found == []) is allowed
    assert allowed or "`x` is not a parameter" in found[0]


def test_an_unknown_parameter_of_a_function_that_takes_none() -> None:
    assert validate({"x": 1}, {"type": "object", "properties": {}}) == ["`x` is not a parameter; none are allowed"]


@pytest.mark.parametrize("ref", ["https://example.com/s.json", "#/$defs/Missing", "other.json", "#nowhere"])
def test_a_reference_that_leads_nowhere_is_said_and_the_rest_is_checked(ref: str) -> None:
    found = validate({"a": 1, "b": "x"}, {"properties": {"a": {"$ref": ref}, "b": {"type": "integer"}}})
    assert found == [
        f"`a` cannot be checked: the tool's schema lacks what it refers to, {json.dumps(ref)}",
        '`b` must be an integer, but came as "x"',
    ]


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr(socket, "socket", lambda *a, **k: pytest.fail("a connection was made"))
    monkeypatch.setattr("urllib.request.urlopen", lambda *a, **k: pytest.fail("a page was fetched"))
    validate({"a": 1}, {"properties": {"a": {"$ref": "https://json-schema.org/draft/2020-12/schema"}}})
    for ref in ("http://localhost:9/s", "file:///etc/passwd", "https://json-schema.org/none"):
        assert "cannot be checked" in validate({"a": 1}, {"properties": {"a": {"$ref": ref}}})[0]


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(a?){30}a{30}", "a*a*a*a*a*a*a*b", "(a*)*b"])
def test_a_pattern_that_would_search_for_ever_is_left_out(pattern: str) -> None:
    start = time.monotonic()
    assert validate({"a": "a" * 40 + "!"}, {"properties": {"a": {"pattern": pattern}}}) == []
    assert validate({"a" * 40 + "!": 1}, {"patternProperties": {pattern: {}}, "additionalProperties": False}) == []
    assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    ("pattern", "wrong"),
    [
        (r"^\d{4}-\d{2}-\d{2}$", "tomorrow"),
        (r"^[^@\s]+@[^@\s]+\.[^@\s]+$", "someone at example"),
        (r"^#([0-9a-f]{3}|[0-9a-f]{6})$", "#12345"),
        (r"^(\d{1,3}\.){3}\d{1,3}$", "10.0.0"),
        (r"^([0-9A-F]{2}:){5}[0-9A-F]{2}$", "00:11:22:33:44"),
        (r"^(https?://)?[a-z.]+/?$", "no spaces here"),
    ],
)
def test_the_patterns_that_people_write_are_checked(pattern: str, wrong: str) -> None:
    assert "must match the pattern" in validate({"a": wrong}, {"properties": {"a": {"pattern": pattern}}})[0]


def test_sentences_are_short_and_not_too_many() -> None:
    schema = {"properties": {f"p{n}": {"type": "integer"} for n in range(100)}}
    found = validate({f"p{n}": "x" * 100_000 for n in range(100)}, schema)
    assert len(found) == 20
    assert all(len(sentence) < 200 for sentence in found)
    assert len(validate({f"x{n}": 1 for n in range(100)}, schema)) == 20
    assert len(validate({"x" * 10_000: 1}, schema)[0]) < 500


def test_a_large_value_is_checked_to_its_end() -> None:
    spots = [{"x": n, "y": n} for n in range(5_000)]
    schema = {"properties": {"spots": {**WEATHER["properties"]["spots"], "maxItems": 5_000}}, "$defs": WEATHER["$defs"]}
    assert validate({"spots": spots}, schema) == []
    assert validate({"spots": [*spots[:-1], {"x": "last"}]}, schema)[0].startswith("`spots[4999].x` must be a number")


def test_a_deep_value_is_not_an_error_of_ours() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"a": deep}
    assert validate(deep, {"$ref": "#/$defs/A", "$defs": {"A": {"properties": {"a": {"$ref": "#/$defs/A"}}}}})
    while deep:  # taken apart by hand: freeing it all at once would be as deep
        deep = deep.pop("a", {})


WORDS = [
    "type",
    "properties",
    "required",
    "anyOf",
    "allOf",
    "enum",
    "const",
    "items",
    "$ref",
    "$defs",
    "a",
    "minimum",
    "pattern",
    "not",
    "nullable",
    "additionalProperties",
    "patternProperties",
    "multipleOf",
    "if",
    "then",
    "prefixItems",
    "uniqueItems",
    "format",
]
NAMES = st.sampled_from(["object", "string", "#", "#/$defs/a", "("])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | NAMES,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(WORDS),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    ),
    VALUES,
)
def test_no_schema_and_no_value_makes_it_raise(schema: Any, value: Any) -> None:
    types_of(schema, schema)
    assert isinstance(validate(value, schema), list)
    assert isinstance(validate({"a": value}, schema), list)


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("date", ["2026-01-31", "2024-02-29", "0000-02-29"], ["tomorrow", "2026-02-30", "31.01.2026", "20260131", ""]),
        ("time", ["14:30:00Z", "14:30", "23:59:60.5+01:00"], ["24:00", "2 pm", "14:30:00+1", "14"]),
        ("date-time", ["2026-01-31T14:30:00Z", "2026-01-31 14:30"], ["2026-01-31", "2026-01-31T25:00", "now"]),
        ("uuid", ["123e4567-E89B-12d3-a456-426614174000"], ["123e4567e89b12d3a456426614174000", "1"]),
        ("ipv4", ["192.0.2.1"], ["192.0.2.256", "192.0.2", "::1"]),
        ("ipv6", ["::1", "2001:db8::192.0.2.1"], ["192.0.2.1", "fe80::1%eth0", ":::"]),
        ("email", ["ann@example.org", "a.b+c@d"], ["ann", "@example.org", "ann@", "ann@an example"]),
    ],
)
def test_formats_that_the_standard_library_can_judge_are_checked(name: str, right: list[str], wrong: list[str]) -> None:
    schema = {"type": "object", "properties": {"a": {"type": ["string", "integer"], "format": name}}}
    for text in [*right, 5]:
        assert validate({"a": text}, schema) == []
    for text in wrong:
        (said,) = validate({"a": text}, schema)
        assert re.fullmatch(rf"`a` must be an? .* such as \S+, but came as {re.escape(json.dumps(text))}", said)
        assert is_valid({"a": text}, schema)  # a call is meant, so it is rescued, and then told what is wrong
    for other in ("uri", "hostname", 5, None, ["date"]):
        assert validate({"a": wrong[0]}, {"properties": {"a": {"format": other}}}) == []


@pytest.mark.parametrize("name", LITERALS)
def test_what_a_constraint_writes_of_a_format_is_of_it(name: str) -> None:
    """Each branch of the expression: what it lets through is never refused afterwards."""
    schema = {"properties": {"a": {"type": "string", "format": name}}}
    written = st.from_regex(re.compile(LITERALS[name], re.A), fullmatch=True)

    @settings(max_examples=200, database=None)
    @given(written)
    def check(text: str) -> None:
        assert validate({"a": text}, schema) == []

    check()


def test_jsonschema_is_imported_only_to_validate() -> None:
    code = "import sys, toolglot.schema; assert 'jsonschema' not in sys.modules and 'asyncio' not in sys.modules"
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
