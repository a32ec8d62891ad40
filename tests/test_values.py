"""A value that its schema allows is accepted as its notation writes it; what is wrong in one place is refused.

Values are made from the schema and judged by `jsonschema`; the rules are read as GBNF, exactly.
"""

import json
import random
import time
from typing import Any

import jsonschema
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from test_emit_gbnf import Recogniser
from toolglot.emit.gbnf import gbnf
from toolglot.message import ToolglotError
from toolglot.rules import Alt, Caps, Grammar, JsonValue, Lit, PythonValue, Ref, Regex, Repeat, Rule, Seq, Whitespace
from toolglot.values import json_rules, python_rules

COMPACT = Whitespace(",", ":")


def grammar_of(schema: Any, python: bool = False, space: Whitespace = COMPACT, caps: Caps = Caps()) -> Recogniser:
    kind = PythonValue if python else JsonValue
    return Recogniser(gbnf(Grammar({"start": kind(schema, schema)}, space=space, caps=caps)))


def dumps(value: Any, space: Whitespace = COMPACT) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(space.item, space.key))


def allows(schema: Any, *values: Any, **more: Any) -> list[bool]:
    """Whether each value is accepted; as JSON and as Python they must agree."""
    as_json, as_python = grammar_of(schema, **more), grammar_of(schema, python=True, **more)
    found = [as_json.accepts(dumps(value)) for value in values]
    assert [as_python.accepts(repr(value)) for value in values] == found, values
    return found


def sentences(schema: Any) -> list[str]:
    found = json_rules(schema).unenforced
    assert python_rules(schema).unenforced == found
    return found


# -- generated schemas

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=6)
names = st.sampled_from(["a", "b", "ab", "name", "é", 'q"', "it's"])
leaves = st.one_of(
    st.just({}),
    st.sampled_from(["string", "str", "integer", "number", "boolean", "null", "object", "array", "float"]).map(
        lambda name: {"type": name}
    ),
    st.builds(
        lambda a, b: {"type": "integer", "minimum": min(a, b), "maximum": max(a, b)}, *[st.integers(-2000, 2000)] * 2
    ),
    st.builds(lambda a: {"type": "integer", "exclusiveMinimum": a}, st.integers(-200, 2000)),
    st.builds(lambda a, b: {"type": "string", "minLength": a, "maxLength": a + b}, *[st.integers(0, 4)] * 2),
    st.lists(st.one_of(texts, st.integers(), st.booleans(), st.none(), st.lists(texts)), min_size=1).map(
        lambda values: {"enum": values}
    ),
    st.builds(lambda value: {"const": value}, texts),
    st.sampled_from(["date", "uuid", "time", "date-time"]).map(lambda name: {"type": "string", "format": name}),
    st.sampled_from(["^[a-c]{2,3}$", "^x|y$", "b+", "^(?:ab|c)*$", "[^a]$", '^"?$']).map(
        lambda pattern: {"type": "string", "pattern": pattern}
    ),
    st.just({"type": ["integer", "null"]}),
)


def objects(inner: st.SearchStrategy) -> st.SearchStrategy:
    return st.builds(
        lambda properties, required, others: {
            "type": "object",
            "properties": properties,
            "required": [name for name in properties if name in required],
            **({} if others is None else {"additionalProperties": others}),
        },
        st.dictionaries(names, inner, max_size=4),
        st.sets(names),
        st.one_of(st.none(), st.booleans(), inner),
    )


def arrays(inner: st.SearchStrategy) -> st.SearchStrategy:
    return st.builds(
        lambda items, prefix, least, room: {
            "type": "array",
            "items": items,
            "minItems": least,
            **({} if room is None else {"maxItems": least + room}),
            **({"prefixItems": prefix} if prefix else {}),
        },
        inner,
        st.lists(inner, max_size=2),
        st.integers(0, 2),
        st.one_of(st.none(), st.integers(0, 2)),
    )


schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        objects(inner),
        arrays(inner),
        st.lists(inner, min_size=1, max_size=3).map(lambda branches: {"anyOf": branches}),
        st.builds(lambda one, other: {"allOf": [one, other]}, objects(inner), objects(inner)),
    ),
    max_leaves=6,
)
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=4,
)


def sample(schema: Any, data: st.DataObject) -> Any:
    """A value of the schema, members in declared order."""
    if schema is True or schema == {}:
        return data.draw(anything)
    match schema:
        case {"enum": values}:
            return data.draw(st.sampled_from(values))
        case {"const": value}:
            return value
        case {"anyOf": branches}:
            return sample(data.draw(st.sampled_from(branches)), data)
        case {"type": ["integer", "null"]}:
            return data.draw(st.none() | st.integers())
        case {"pattern": pattern}:
            return data.draw(st.from_regex(pattern).filter(lambda t: not any(ord(c) < 32 for c in t)))
        case {"type": "string", "format": name}:
            made = {"date": st.dates(), "uuid": st.uuids(), "time": st.times(), "date-time": st.datetimes()}[name]
            text = data.draw(made.map(lambda at: str(at) if name == "uuid" else at.isoformat()))
            return text + "Z" * ("time" in name)
        case {"type": "string", "minLength": least, "maxLength": most}:
            return data.draw(st.text(st.characters(exclude_categories=("Cs",)), min_size=least, max_size=most))
        case {"type": "integer"}:
            least, most = schema.get("minimum", schema.get("exclusiveMinimum", -(10**20)) + 1), schema.get("maximum")
            return data.draw(st.integers(least, most))
        case {"type": "number" | "float"}:
            return data.draw(st.floats(allow_nan=False, allow_infinity=False) | st.integers())
        case {"type": "string" | "str"}:
            return data.draw(texts)
        case {"type": "boolean"}:
            return data.draw(st.booleans())
        case {"type": "null"}:
            return None
        case {"type": "object", "properties": properties}:
            return sample_object(schema, properties, data)
        case {"type": "object"}:
            return data.draw(st.dictionaries(texts, anything, max_size=2))
        case {"type": "array", "items": items}:
            least, most = schema["minItems"], schema.get("maxItems", 3)
            each = [*schema.get("prefixItems", []), *[items] * 9]
            return [sample(each[at], data) for at in range(data.draw(st.integers(least, max(least, most))))]
        case {"type": "array"}:
            return data.draw(st.lists(anything, max_size=2))
        case {"allOf": [one, other]}:
            return {**sample(one, data), **sample(other, data)}
    raise AssertionError(schema)


def sample_object(schema: Any, properties: dict[str, Any], data: st.DataObject) -> dict[str, Any]:
    kept = [n for n in properties if n in schema["required"] or data.draw(st.booleans())]
    found = {name: sample(properties[name], data) for name in kept}
    others = schema.get("additionalProperties", False)
    if others is not False:
        plain = st.text("ab né\"'", max_size=4).filter(lambda name: name not in properties)
        for name in data.draw(st.lists(plain, max_size=2, unique=True)):
            found[name] = sample(others, data)
    return found


def valid(value: Any, schema: Any) -> bool:
    plain = json.loads(json.dumps(schema).replace('"str"', '"string"').replace('"float"', '"number"'))
    return jsonschema.Draft202012Validator(closed(plain)).is_valid(value)


def closed(schema: Any) -> Any:
    """With `additionalProperties` false where it is absent."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict) or "enum" in schema or "const" in schema:
        return schema
    properties = {name: closed(one) for name, one in schema.get("properties", {}).items()}
    rest = {key: closed(value) for key, value in schema.items() if key != "properties"}
    return {**({"additionalProperties": False, "properties": properties} if "properties" in schema else {}), **rest}


@settings(max_examples=300, deadline=None)
@given(schemas, st.data())
def test_what_the_schema_allows_is_accepted(schema: Any, data: st.DataObject) -> None:
    value = sample(schema, data)
    if "allOf" not in json.dumps(schema):
        assert valid(value, schema)
    else:
        assume(valid_all(value, schema))
    for space in (COMPACT, Whitespace()):
        assert grammar_of(schema, space=space).accepts(dumps(value, space))
    if "pattern" not in json.dumps(schema) or not any(code in repr(value) for code in (r"\x", r"\u", r"\U")):
        assert grammar_of(schema, python=True).accepts(repr(value))


def valid_all(value: Any, schema: Any) -> bool:
    """`allOf` closes what it has brought together, which jsonschema cannot say: judged open, and by names."""
    plain = json.loads(json.dumps(schema).replace('"str"', '"string"').replace('"float"', '"number"'))
    if not jsonschema.Draft202012Validator(plain).is_valid(value):
        return False
    if "allOf" in schema and all("additionalProperties" not in one for one in schema["allOf"]):
        return "allOf" not in json.dumps(schema["allOf"])
    return False


@settings(max_examples=300, deadline=None)
@given(schemas, st.data())
def test_what_is_accepted_the_schema_allows(schema: Any, data: st.DataObject) -> None:
    """Any JSON value at all, and each value with one thing changed."""
    text = json.dumps(schema)
    assume("allOf" not in text and not json_rules(schema).unenforced)
    value = sample(schema, data)
    recognised = grammar_of(schema)
    for other in [data.draw(anything), *mutants(value, data)]:
        if not valid(other, schema):
            assert not recognised.accepts(dumps(other)), other


def mutants(value: Any, data: st.DataObject) -> list[Any]:
    found: list[Any] = [None, 0, 10**9, -1.5, "zz", [], {}, [value], {"a": value}]
    match value:
        case dict():
            found += [{k: v for k, v in value.items() if k != gone} for gone in value]
            found += [{**value, "other": 1}, {**value, "other": "x", "more": None}]
            found += [{**value, k: changed} for k, v in value.items() for changed in mutants(v, data)[:30]]
        case list():
            found += [value[1:], value[:-1], [*value, *value], [*value, None]]
            found += [
                [*value[:at], changed, *value[at + 1 :]]
                for at, v in enumerate(value)
                for changed in mutants(v, data)[:30]
            ]
        case str():
            found += [value + "x", value[:-1], value + '"', value * 3]
        case bool() | None:
            found += ["true", 1]
        case int():
            found += [value + 1, value - 1, value * 10, str(value)]
    return found


@settings(max_examples=200, deadline=None)
@given(schemas, st.integers(0, 10**9))
def test_what_the_rules_write_is_json_and_the_schema_allows_it(schema: Any, seed: int) -> None:
    """A random walk through the rules: each text is read by Python and judged by jsonschema."""
    assume("allOf" not in json.dumps(schema))
    made = json_rules(schema, space=COMPACT, caps=Caps(4, 3, 3))
    assume(not made.unenforced)
    text = walk(made.rule, made.rules, random.Random(seed))
    assume(text is not None)
    assert valid(json.loads(text), schema), text


def walk(rule: Rule, rules: dict[str, Rule], rng: random.Random, depth: int = 0) -> str | None:
    if depth > 60:
        return None
    match rule:
        case Lit(text):
            return text
        case Ref(name):
            return walk(rules[name], rules, rng, depth + 1)
        case Alt(options):
            return walk(rng.choice(options), rules, rng, depth + 1)
        case Seq(items):
            return joined([walk(item, rules, rng, depth + 1) for item in items])
        case Repeat(item, least, most):
            count = rng.randint(least, min(most if most is not None else 9, least + 2))
            return joined([walk(item, rules, rng, depth + 1) for _ in range(count)])
        case Regex(pattern):
            return walk_text(pattern, rng)
    raise TypeError(rule)


def walk_text(pattern: str, rng: random.Random) -> str:
    from toolglot.values.patterns import Build, read

    build: Build[Any] = Build(
        lambda ranges: lambda: chr(rng.randint(*rng.choice([r for r in ranges if r[0] < 0xD800] or ranges))),
        lambda items: lambda: "".join(item() for item in items),
        lambda options: lambda: rng.choice(options)(),
        lambda item, least, most: (
            lambda: "".join(item() for _ in range(rng.randint(least, min(most if most is not None else 99, least + 3))))
        ),
    )
    text = read(pattern, build)()
    return text.encode("utf-8", "replace").decode()


def joined(parts: list[str | None]) -> str | None:
    return None if None in parts else "".join(part for part in parts if part)


# -- one keyword at a time


def test_any_subset_of_optional_members_in_declared_order() -> None:
    schema = {"properties": {"a": {"type": "null"}, "b": {"type": "null"}, "c": {"type": "null"}}}
    grammar = grammar_of(schema)
    for chosen in ("", "a", "b", "c", "ab", "ac", "bc", "abc"):
        assert grammar.accepts(dumps(dict.fromkeys(chosen)))
    for wrong in ('{"b":null,"a":null}', '{"a":null,}', '{,"a":null}', '{"a":null"b":null}', '{"a":null,"a":null}'):
        assert not grammar.accepts(wrong)


def test_members_are_linear_in_number() -> None:
    for required in ([], ["p5000"]):
        schema = {"properties": {f"p{n}": {"type": "integer"} for n in range(10_000)}, "required": required}
        text = gbnf(Grammar({"start": JsonValue(schema)}))
        assert len(text) < 2_000_000


def test_additional_members() -> None:
    schema = {
        "properties": {"ab": {"type": "integer"}, "ac": {}},
        "required": ["ab"],
        "additionalProperties": {"type": "null"},
    }
    assert allows(schema, {"ab": 1}, {"ab": 1, "a": None, "abc": None, "": None, "x": None}) == [True] * 2
    assert allows(schema, {"ab": 1, "x": 2}, {"x": None}) == [False] * 2
    assert not grammar_of(schema).accepts('{"ab":1,"ab":null}')
    assert not grammar_of(schema).accepts('{"ab":1,"\\u0061b":null}')
    assert allows({"additionalProperties": {"type": "integer"}}, {}, {"x": 1, "y": 2}, {"x": "y"}) == [
        True,
        True,
        False,
    ]
    assert allows({"type": "object"}, {}, {"x": [{}]}, 1) == [True, True, False]
    assert allows({"type": "object", "properties": {}}, {}, {"x": 1}) == [True, False]
    assert allows({"required": ["x"], "properties": {"y": {}}}, {"y": 1, "x": 2}, {"y": 1}) == [True, False]
    with pytest.raises(ToolglotError, match="`x`"):
        json_rules({"required": ["x"], "properties": {"y": {}}, "additionalProperties": False})
    assert allows({"properties": {"x": False, "y": {}}}, {"y": 1}, {"x": 1}) == [True, False]


def test_arrays() -> None:
    assert allows({"items": {"type": "integer"}, "minItems": 1, "maxItems": 3}, [], [1], [1, 2, 3], [1] * 4, ["a"]) == [
        False, True, True, False, False,
    ]  # fmt: skip
    pair = {"prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False}
    assert allows(pair, [], [1], [1, "a"], [1, "a", 2], ["a"]) == [True, True, True, False, False]
    assert allows({**pair, "minItems": 2}, [1], [1, "a"]) == [False, True]
    assert allows({"items": pair["prefixItems"]}, [1, "a", None], ["a"]) == [True, False]
    assert allows({"type": "list", "items": False}, [], [1]) == [True, False]
    long = {"prefixItems": [{"const": n} for n in range(40)], "minItems": 20, "items": {"type": "null"}}
    counted = list(range(40))
    assert allows(long, counted[:19], counted[:20], counted, [*counted, None], counted[1:]) == [
        False,
        True,
        True,
        True,
        False,
    ]


def test_strings_count_characters_not_escapes() -> None:
    grammar = grammar_of({"type": "string", "minLength": 2, "maxLength": 2})
    for text in ('"ab"', r'"\u00e9\n"', r'"\ud83d\ude00a"', '"😀é"', r'"\"\\"', '"\x7f "'):
        assert grammar.accepts(text), text
    for text in ('"a"', '"abc"', r'"\u00e"', '"\n\n"', r'"\ud83da"', r'"\x41b"', "'ab'"):
        assert not grammar.accepts(text), text
    python = grammar_of({"type": "string", "minLength": 2, "maxLength": 2}, python=True)
    for text in ("'ab'", '"it"', r"'\x00\''", r"'\u200b\U0001f600'", "'é\"'", '"\'é"'):
        assert python.accepts(text), text
    for text in ("'a'", "'abc'", "'a''", "'\n\n'", r"'\ud800a'", "b'ab'"):
        assert not python.accepts(text), text


@pytest.mark.parametrize(
    "value", ["", "it's", 'say "x"', "both ' and \"", "\n\t\0\x7f\xa0\u200b\U000e0001", "\\", "é😀"]
)
def test_strings_as_repr_writes_them(value: str) -> None:
    assert allows({"type": "string"}, value, [value]) == [True, False]
    assert allows({"enum": [value]}, value) == [True]
    assert allows({"properties": {value: {}}}, {value: value}) == [True]


def test_patterns_search_and_are_about_the_value_not_its_escapes() -> None:
    assert allows({"pattern": "b"}, "abc", "b", "ac") == [True, True, False]
    assert allows({"pattern": '^["\\\\\n]+$'}, '"\\\n', "n", "u0022") == [True, False, False]
    assert allows({"pattern": "^a|b$"}, "ax", "xb", "xax") == [True, True, False]
    assert allows({"pattern": r"^\d{3}-\d{4}$"}, "555-0199", "555-019", "x555-0199") == [True, False, False]


@pytest.mark.parametrize("pattern", ["(?=a)b", r"\bword\b", r"^(a)\1$", r"\p{L}", "(", "(a|b*)*", 7])
def test_a_pattern_outside_the_subset_is_reported(pattern: Any) -> None:
    (sentence,) = sentences({"properties": {"x": {"type": "string", "pattern": pattern}}})
    assert sentence.startswith("`x`: `pattern`: ")
    assert sentence.endswith("not enforced")


def test_formats() -> None:
    def is_a(name: str, *values: str) -> list[bool]:
        assert sentences({"type": "string", "format": name}) == []
        return allows({"type": "string", "format": name}, *values)

    assert (
        is_a("date", "2024-02-29", "2000-02-29", "2023-02-29", "1900-02-29", "2024-04-31", "2024-1-1")
        == [True] * 2 + [False] * 4
    )
    assert is_a("date-time", "2024-12-31T23:59:59Z", "2024-12-31T23:59:59.5+01:00", "2024-12-31 23:59:59Z") == [
        True
    ] * 2 + [False]
    assert is_a("email", "a.b+c@example.co.uk", "a@b", "@b.c") == [True, False, False]
    assert is_a("ipv4", "192.168.0.255", "256.1.1.1") == [True, False]
    assert is_a("uuid", "123e4567-e89b-12d3-a456-426614174000", "123e4567") == [True, False]
    assert sentences({"type": "string", "format": "phone"}) == ["the value: `format`: 'phone' is not enforced"]


@settings(max_examples=300, deadline=None)
@given(*[st.one_of(st.none(), st.integers(-12, 12), st.integers(-(10**6), 10**6))] * 2, st.data())
def test_bounds_of_whole_numbers(low: int | None, high: int | None, data: st.DataObject) -> None:
    assume(low is None or high is None or low <= high)
    schema: dict[str, Any] = {"type": "integer"}
    schema |= ({} if low is None else {"minimum": low}) | ({} if high is None else {"maximum": high})
    near = [n + step for n in (low, high, 0) if n is not None for step in (-100, -10, -1, 0, 1, 10, 100)]
    far = [data.draw(st.integers(-(10**8), 10**8)) for _ in range(5)]
    for notation in (False, True):
        grammar = grammar_of(schema, python=notation)
        for n in near + far:
            assert grammar.accepts(str(n)) == ((low is None or n >= low) and (high is None or n <= high)), n
        assert not grammar.accepts("01")
        assert not grammar.accepts("1.0")


def test_numbers() -> None:
    grammar = grammar_of({"type": "number"})
    for text in ("0", "-0.0", "1e5", "1.5E-07", "-12", "1.7976931348623157e+308", "5e-324"):
        assert grammar.accepts(text), text
    for text in ("01", "1.", ".5", "+1", "1e", "1e400", "Infinity", "NaN", "0x1"):
        assert not grammar.accepts(text), text
    assert allows({"type": "number", "minimum": 0}, 0.5, 7, -0.5) == [True, True, False]
    assert sentences({"type": "number", "minimum": 0}) == []
    assert sentences({"type": "number", "minimum": 2, "multipleOf": 3}) == [
        "the value: `minimum` is not enforced", "the value: `multipleOf` is not enforced",
    ]  # fmt: skip
    assert allows({"type": "integer", "minimum": 5, "exclusiveMinimum": True}, 5, 6) == [False, True]
    assert allows({"type": "integer", "minimum": 0.5, "exclusiveMaximum": 3.0}, 0, 1, 2, 3) == [
        False,
        True,
        True,
        False,
    ]


def test_caps_bound_what_the_schema_leaves_open() -> None:
    caps = Caps(string=3, items=2, digits=2)
    two, three = {"a": 1, "b": 2}, {"a": 1, "b": 2, "c": 3}
    assert allows({}, "abc", "abcd", [1, 2], [1, 2, 3], 99, 100, two, three, caps=caps) == [
        True, False, True, False, True, False, True, False,
    ]  # fmt: skip
    assert allows({"type": "string", "maxLength": 9}, "x" * 9, caps=caps) == [True]
    assert allows({"type": "string", "minLength": 5}, "x" * 5, "x" * 6, caps=caps) == [True, False]
    assert allows({"pattern": "^a+$"}, "aaa", "aaaa", caps=caps) == [True, False]
    assert allows({"items": {}, "minItems": 3}, [1, 2, 3], [1] * 4, caps=caps) == [True, False]
    assert allows({"type": "integer", "minimum": 5}, 99, 100, caps=caps) == [True, False]
    assert allows({"type": "integer", "maximum": 5000}, 5000, caps=caps) == [True]
    assert grammar_of({"type": "number"}, caps=caps).accepts("12.25")
    assert not grammar_of({"type": "number"}, caps=caps).accepts("12.255")


def test_json_is_spaced_exactly() -> None:
    schema = {"properties": {"a": {"items": {}}, "b": {"enum": [{"x": [1, 2]}]}}}
    value = {"a": [1, {"y": 2, "z": 3}], "b": {"x": [1, 2]}}
    for space in (COMPACT, Whitespace(), Whitespace(", ", ":")):
        for written in (COMPACT, Whitespace(), Whitespace(", ", ":")):
            assert grammar_of(schema, space=space).accepts(dumps(value, written)) == (space == written)


def test_anyof_beside_properties_and_allof() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "string"}},
        "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
    }
    assert allows(schema, {}, {"a": 1}, {"b": "x"}, {"a": 1, "b": "x"}) == [False, True, True, True]
    base = {"$defs": {"one": {"properties": {"a": {"type": "integer"}}, "required": ["a"]}}}
    both = {**base, "allOf": [{"$ref": "#/$defs/one"}, {"properties": {"b": {"maximum": 5}, "a": {"minimum": 2}}}]}
    assert allows(both, {"a": 2, "b": 3}, {"a": 1, "b": 3}, {"b": 3}) == [True, False, False]
    assert allows({"allOf": [{"type": ["string", "integer"]}, {"enum": [1, "a", None]}]}, 1, "a", None) == [
        True,
        True,
        False,
    ]
    assert allows({"oneOf": [{"type": "integer"}, {"type": "null"}]}, 1, None, "x") == [True, True, False]
    assert "oneOf" in sentences({"oneOf": [{"type": "integer"}, {"type": "null"}]})[0]
    assert allows({"anyOf": [False, {"enum": []}, {"const": 1}]}, 1, 2) == [True, False]


def test_nullable_and_names_of_types() -> None:
    assert allows({"type": "string", "nullable": True}, "x", None, 1) == [True, True, False]
    assert allows({"enum": ["x"], "nullable": True}, "x", None) == [True, True]
    assert allows({"$ref": "#/$defs/s", "nullable": True, "$defs": {"s": {"type": "str"}}}, "x", None, 1) == [
        True,
        True,
        False,
    ]
    assert allows({"type": ["int", "NoneType"]}, 1, None, "x") == [True, True, False]
    assert allows(
        {"type": "dict", "properties": {"t": {"type": "tuple", "items": {"type": "float"}}}}, {"t": [1, 2.5]}
    ) == [True]
    assert allows({"type": "any"}, 1, "x", {}) == [True] * 3
    assert sentences({"type": "any"}) == []
    assert "'datetime'" in sentences({"type": "datetime"})[0]


def test_references() -> None:
    tree = {"properties": {"value": {"type": "integer"}, "children": {"items": {"$ref": "#"}}}, "required": ["value"]}
    deep = {"value": 1, "children": [{"value": 2, "children": []}, {"value": 3}]}
    assert allows(tree, deep, {"value": 1, "children": [{"children": []}]}) == [True, False]
    linked = {
        "$ref": "#/$defs/a~1b%20c",
        "$defs": {"a/b c": {"anyOf": [{"type": "null"}, {"items": {"$ref": "#/$defs/a~1b%20c"}}]}},
    }
    assert allows(linked, None, [None, [[]]], 1) == [True, True, False]
    beside = {"$defs": {"n": {"type": "integer"}}, "properties": {"n": {"$ref": "#/$defs/n", "minimum": 3}}}
    assert allows(beside, {"n": 3}, {"n": 2}) == [True, False]


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"properties": {"x": {"$ref": "#/$defs/none"}}}, "`x`: `$ref` '#/$defs/none' leads nowhere"),
        ({"$ref": "https://example.com/s.json"}, "is remote"),
        ({"$ref": "#"}, "circle"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a", "type": "null"}}}, "circle"),
        ({"allOf": [{"$ref": "#"}, {"type": "object"}]}, "circle"),
        ({"properties": {"a": {"enum": []}}, "required": ["a"]}, "`a`: no value satisfies it, for none in `enum`"),
        ({"type": "integer", "enum": ["1"]}, "`enum`"),
        (False, "`false`"),
        ({"not": {}, "anyOf": [False]}, "`anyOf`"),
        ({"properties": {"n": {"$ref": "#"}}, "required": ["n"]}, "no end"),
        ({"type": "string", "minLength": 3, "maxLength": 2}, "`minLength` is above `maxLength`"),
        ({"type": "integer", "minimum": 3, "maximum": 2}, "`minimum` is above `maximum`"),
        ({"allOf": [{"type": "string"}, {"type": "integer"}]}, "`type`"),
        ({"properties": []}, "`properties` must be an object"),
        ({"items": 3}, "found 3"),
        ("string", "found 'string'"),
        ({"enum": [float("nan")]}, "cannot write"),
    ],
)  # fmt: skip
def test_schemas_that_cannot_be_kept(schema: Any, said: str) -> None:
    for rules in (json_rules, python_rules):
        with pytest.raises(ToolglotError) as error:
            rules(schema)
        assert said in str(error.value)


def test_everything_unenforced_is_said() -> None:
    keys = [
        "not",
        "if",
        "then",
        "else",
        "uniqueItems",
        "contains",
        "propertyNames",
        "patternProperties",
        "dependentRequired",
    ]
    keys += ["minProperties", "maxProperties", "unevaluatedProperties", "dependentSchemas", "x-mine"]
    found = sentences({"properties": {"p": {"items": {"type": "array", **{key: {} for key in keys}}}}})
    assert found == [f"`p[]`: `{key}` is not enforced" for key in keys]
    assert sentences({"title": "t", "description": "d", "default": 1, "type": "integer", "examples": [1]}) == []
    assert "`minLength`" in sentences({"pattern": "^a$", "minLength": 1})[0]
    assert "`pattern`" in sentences({"enum": ["a"], "pattern": "b"})[0]


# -- hostile schemas


def nested(depth: int, wrap: Any) -> Any:
    schema: Any = {"type": "null"}
    for _ in range(depth):
        schema = wrap(schema)
    return schema


def doubled(key: str) -> Any:
    """Each schema refers to the next one twice: 2 ** 80 ways."""
    steps = {f"d{n}": {key: [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(80)}
    return {"$ref": "#/$defs/d0", "$defs": {**steps, "d80": {}}}


EACH_OTHER = [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}]


def size_of(schema: Any) -> int:
    """About how long a schema is as JSON, however deep: json.dumps has a floor."""
    size, left = 0, [schema]
    while left:
        one = left.pop()
        size += 4
        if isinstance(one, dict):
            size += sum(len(key) + 4 for key in one)
            left += one.values()
        elif isinstance(one, list):
            left += one
        else:
            size += len(str(one))
    return size


@pytest.mark.parametrize(
    "schema",
    [
        nested(500, lambda inner: {"properties": {"a": inner}, "required": ["a"]}),
        nested(500, lambda inner: {"items": inner}),
        nested(500, lambda inner: {"anyOf": [inner, {"type": "integer"}]}),
        {"enum": [f"value {n} \u00e9" for n in range(10_000)]},
        {"properties": {f"property {n}": {"type": "string", "description": "x" * 80} for n in range(8_000)}},
        {
            "$defs": {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(80)} | {"d80": {}},
            "$ref": "#/$defs/d0",
        },
        {"prefixItems": [{"const": n} for n in range(5_000)]},
        {"type": "string", "maxLength": 10**9, "minLength": 10**8},
        {"allOf": [{"properties": {f"p{n}": {}}} for n in range(500)]},
        {"pattern": "^(" + "a?" * 2_000 + ")$"},
        {"additionalProperties": {}, "properties": {"x" * 190: {}}},
    ],
    ids=range(11),
)
def test_large_schemas_are_read_in_bounded_time(schema: Any) -> None:
    began = time.perf_counter()
    for kind in (JsonValue, PythonValue):
        text = gbnf(Grammar({"start": kind(schema, schema)}))
        assert len(text) < 10 * size_of(schema) + 200_000
    assert time.perf_counter() - began < 20


@pytest.mark.parametrize(
    "schema",
    [
        doubled("allOf"),
        {"allOf": [{"anyOf": [{"type": "null"}] * 30} for _ in range(6)]},
        {"allOf": [{"properties": {f"p{n}": {}}} for n in range(5_000)]},
        nested(3_000, lambda inner: {"allOf": [inner]}),
        nested(500, lambda inner: {"properties": {"a": inner}, "anyOf": [{"required": ["a"]}, inner]}),
        {"$ref": "#/$defs/a", "$defs": {name: {"properties": {"x": {"allOf": EACH_OTHER}}} for name in "ab"}},
    ],
    ids=range(6),
)
def test_schemas_that_multiply_end_in_bounded_time(schema: Any) -> None:
    began = time.perf_counter()
    error = refusal(schema)
    assert error is None or "too large" in error or "nested too deeply" in error
    assert time.perf_counter() - began < 30


def refusal(schema: Any) -> str | None:
    try:
        json_rules(schema)
    except ToolglotError as error:
        return str(error)
    return None
