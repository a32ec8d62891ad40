"""Each keyword of a schema is enforced, refused, or said to be unenforced; where less is allowed, that is said too.

Schemas are generated, keyword beside keyword; values are tried on each notation, and sampled from it. What is accepted
is judged by `jsonschema` with the sentences of `Constraint.unenforced` in hand, what is refused with those of `narrowed`.
"""

from __future__ import annotations

import datetime
import ipaddress
import itertools
import os
import random
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from test_emit_gbnf import Recogniser
from toolglot.grammar import Constraint, constrain
from toolglot.message import Call, Tool, ToolglotError
from toolglot.parse import parse
from toolglot.registry import dialects
from toolglot.render import render
from toolglot.rules import Caps
from toolglot.schema import type_name
from toolglot.spec import Dialect

llguidance = pytest.importorskip("llguidance", reason="llguidance judges constraints: pip install 'toolglot[local]'")

JSON = dialects()["hermes"]
BYTES = llguidance.LLTokenizer("byte")

# -- schemas: a keyword, and what may stand under it

NAMES = ["a", "b", "ab"]
SCALARS = [None, True, False, 0, 1, 2, 3, 7, -1, 1.5, "", "a", "b", "ab", "abc", "2024-02-29", "1.2.3.4"]
scalars = st.sampled_from(SCALARS)
TYPES = ["string", "integer", "number", "boolean", "null", "object", "array", "str", "float", "dict"]
counts = st.integers(0, 3)


def under(inner: st.SearchStrategy[Any]) -> dict[str, st.SearchStrategy[Any]]:
    """For each keyword, its values."""
    several = st.lists(inner, min_size=1, max_size=2)
    members = st.dictionaries(st.sampled_from(NAMES), inner, max_size=2)
    bound = st.integers(-2, 7) | st.sampled_from([0.5, 1.5, -0.25])
    return {
        "type": st.sampled_from([*TYPES, "any", "datetime"]) | st.lists(st.sampled_from(TYPES), min_size=1, max_size=2),
        "enum": st.lists(scalars | st.lists(scalars, max_size=1) | st.dictionaries(st.sampled_from(NAMES), scalars,
                                                                                    max_size=2), min_size=1, max_size=3),
        "const": scalars,
        "properties": members,
        "required": st.lists(st.sampled_from(NAMES), max_size=2, unique=True),
        "additionalProperties": st.booleans() | inner,
        "patternProperties": st.dictionaries(st.sampled_from(["^a", "b$", "(?=a)"]), inner, min_size=1, max_size=2),
        "propertyNames": st.sampled_from([{"maxLength": 1}, {"pattern": "^a"}, {"enum": ["a"]}]),
        "minProperties": counts, "maxProperties": counts,
        "dependentRequired": st.just({"a": ["b"]}),
        "dependentSchemas": inner.map(lambda one: {"a": one}),
        "items": inner | st.booleans() | several, "prefixItems": several, "additionalItems": inner | st.booleans(),
        "contains": inner, "minContains": counts, "maxContains": counts, "minItems": counts, "maxItems": counts,
        "uniqueItems": st.booleans(),
        "unevaluatedItems": inner | st.booleans(), "unevaluatedProperties": inner | st.booleans(),
        "minLength": counts, "maxLength": counts,
        "pattern": st.sampled_from(["^a", "b$", "^[ab]{1,2}$", "b", "^(?:ab)*$", "(?=a)b", r"^\d", "^a|b$"]),
        "format": st.sampled_from(["date", "ipv4", "uuid", "time", "date-time", "email", "hostname", "ipv6", "duration",
                                   "uri", "phone"]),
        "minimum": bound, "maximum": bound, "exclusiveMinimum": bound | st.booleans(),
        "exclusiveMaximum": bound | st.booleans(), "multipleOf": st.sampled_from([1, 2, 3, 0.5, 10]),
        "allOf": several, "anyOf": several, "oneOf": several, "not": inner, "if": inner, "then": inner, "else": inner,
        "$ref": st.sampled_from(["#/$defs/d", "#/$defs/e", "#/$defs/tree"]), "nullable": st.booleans(),
        "default": scalars, "title": st.just("Title"), "x-mine": st.just({"type": "null"}),
    }  # fmt: skip


plain = st.sampled_from([{}, True, {"type": "string"}, {"type": "integer"}, {"const": 1}, {"type": "null"}])
BESIDE = {"then": "if", "else": "if", "minContains": "contains", "maxContains": "contains", "additionalItems": "items",
          "exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
SPEAKS_OF = {  # the type of the values that a keyword is about, which most schemas name
    "object": ["properties", "required", "additionalProperties", "patternProperties", "propertyNames", "minProperties",
               "maxProperties", "dependentRequired", "dependentSchemas", "unevaluatedProperties"],
    "array": ["items", "prefixItems", "additionalItems", "contains", "minContains", "maxContains", "minItems", "maxItems",
              "uniqueItems", "unevaluatedItems"],
    "string": ["minLength", "maxLength", "pattern", "format"],
    "integer": ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
}  # fmt: skip


@st.composite
def schema_with(draw: Any, keyword: str, depth: int = 0) -> Any:
    """A schema that has the keyword, most often its type, and up to two others beside it."""
    inner = plain if depth else plain | st.sampled_from(sorted(under(plain))).flatmap(lambda k: schema_with(k, 1))
    values = under(inner)
    keys = {keyword, *draw(st.lists(st.sampled_from(sorted(values)), max_size=1 if depth else 2))}
    keys |= {BESIDE[key] for key in keys if key in BESIDE}
    kind = next((kind for kind, words in SPEAKS_OF.items() if keyword in words), None)
    schema = {key: draw(values[key]) for key in sorted(keys)}
    if kind and draw(st.integers(0, 3)):
        schema["type"] = kind if kind != "integer" else draw(st.sampled_from(["integer", "number"]))
    return schema


DEFS = {"d": {"type": "integer", "minimum": 1}, "e": {"properties": {"a": {"$ref": "#/$defs/d"}}},
        "tree": {"type": "object", "properties": {"a": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}}}


def parameters_of(schema: Any, at_top: bool) -> dict[str, Any]:
    if at_top and isinstance(schema, dict):
        return {**schema, "type": "object", "$defs": DEFS, "nullable": False}
    return {"type": "object", "properties": {"v": schema}, "required": ["v"], "$defs": DEFS, "additionalProperties": False}


# -- the judge


def judged(schema: Any) -> Any:
    """In the words of 2020-12: what toolglot takes besides is put into them, what says nothing is left out."""
    if isinstance(schema, list):
        return [judged(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    said: dict[str, Any] = {}
    for key, value in sorted(schema.items(), reverse=True):  # `minimum` before `exclusiveMinimum`
        if key in ("properties", "patternProperties", "$defs", "dependentSchemas"):
            said[key] = {name: judged(one) for name, one in value.items()}
        elif key == "type":
            names = [type_name(one) for one in (value if isinstance(value, list) else [value])]
            said |= {} if None in names else {"type": names}
        elif key == "items" and isinstance(value, list):
            said["prefixItems"] = judged(value)
            said |= {"items": judged(schema["additionalItems"])} if "additionalItems" in schema else {}
        elif key in ("exclusiveMinimum", "exclusiveMaximum") and isinstance(value, bool):
            bound = key[9:].lower()
            if value and bound in schema:
                said[key] = said.pop(bound, schema[bound])
        elif key in ("enum", "const", "default", "required", "dependentRequired"):
            said[key] = value
        elif key not in ("additionalItems", "nullable"):
            said[key] = judged(value)
    if isinstance(schema.get("items"), list) and "prefixItems" in schema:
        said["prefixItems"] = judged(schema["items"])
    return {"anyOf": [said, {"type": "null"}]} if schema.get("nullable") is True else said


def checks(make: Callable[[str], object]) -> Callable[[object], bool]:
    def check(value: object) -> bool:
        make(value) if isinstance(value, str) else None
        return True

    return check


FORMATS = jsonschema.FormatChecker(())
for _name, _make in {
    "date": lambda text: datetime.datetime.strptime(text, "%Y-%m-%d"), "ipv4": ipaddress.IPv4Address, "uuid": uuid.UUID,
    "time": lambda text: datetime.time.fromisoformat(text.replace("Z", "+00:00")).tzinfo.utcoffset(None),
    "date-time": lambda text: datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).tzinfo.utcoffset(None),
    "email": lambda text: text.index("@"), "phone": lambda text: text.index("+"), "uri": lambda text: text.index(":"),
    "hostname": lambda text: re.fullmatch(r"[a-z0-9.-]+", text)[0], "ipv6": ipaddress.IPv6Address,
    "duration": lambda text: text.index("P"),
}.items():  # fmt: skip
    FORMATS.checks(_name, raises=Exception)(checks(_make))


def errors(arguments: Any, parameters: dict[str, Any]) -> list[Any]:
    return list(jsonschema.Draft202012Validator(judged(parameters), format_checker=FORMATS).iter_errors(arguments))


def keywords_of(error: Any) -> set[str]:
    """The keywords that an error is about, those of the schemas inside of it included."""
    found = {str(step) for step in error.absolute_schema_path} | {str(error.validator)}
    return found.union(*map(keywords_of, error.context or ()))


def is_said(error: Any, sentences: tuple[str, ...]) -> bool:
    """Whether a sentence names one of the error's keywords, and a place on the way to it."""
    words = keywords_of(error)
    words |= {"prefixItems", "items"} & words and {"prefixItems", "items", "additionalItems"}
    for sentence in sentences:
        place, _, said = sentence.removeprefix("f: ").partition(": ")
        named = re.search(r"`([^`]*)`", said)
        if named and named[1] in words | {"allOf"} and leads(place.strip("`"), list(error.absolute_path)):
            return True
    return False


def leads(place: str, path: list[Any]) -> bool:
    if place == "the value" or not path:
        return True
    steps = re.findall(r"\[\d*\]|[^.\[\]]+", place)
    return all(step == "*" or step == str(there) or (step[0] == "[" and isinstance(there, int))
               for step, there in zip(steps, path, strict=False))


# -- what is tried

VALUES: list[Any] = [
    *SCALARS, [], {}, *([one] for one in (1, 2, "a", "ab", None, {}, 1.5)), [1, 1], [1, "a"], ["a", 1], [1, 2, 3],
    ["a", "b", None], [None, None], *({name: one} for name in ("a", "b", "ab", "zb") for one in (1, "a", None, -1)),
    {"a": 1, "b": 1}, {"a": "ab", "b": None}, {"a": 1, "ab": "a"}, {"a": 1, "b": 2, "ab": 3}, {"a": [{}]},
    {"a": [{"a": []}]}, {"zz": {}}, "2023-02-29", "12:00:00Z", "2024-01-01T12:00:00Z", "a@example.org", "x.org", "::1",
    "P1D", "123e4567-e89b-12d3-a456-426614174000", 10, -2, 6,
]  # fmt: skip


def tried(at_top: bool) -> list[dict[str, Any]]:
    return [one for one in VALUES if isinstance(one, dict)] if at_top else [{"v": one} for one in VALUES]


def orders(value: Any) -> Iterator[Any]:
    """The value, with the members of its objects in every order: the constraint knows but one."""
    if isinstance(value, list):
        yield from map(list, itertools.product(*(list(orders(one)) for one in value)))
    elif isinstance(value, dict):
        for names in itertools.permutations(value):
            for inner in itertools.product(*(list(orders(value[name])) for name in names)):
                yield dict(zip(names, inner, strict=True))
    else:
        yield value


def by_llguidance(text: str) -> Callable[[str], bool]:
    problem = llguidance.LLMatcher.validate_grammar(text, BYTES)
    assert not problem, f"{problem}\n{text[:2000]}"
    first = llguidance.LLMatcher(BYTES, text, log_level=0)

    def accepts(written: str) -> bool:
        matcher, data = first.deep_copy(), list(written.encode())
        return bool(matcher.try_consume_tokens(data) == len(data) and matcher.is_accepting())

    return accepts


def by_regex(text: str) -> Callable[[str], bool]:
    found = re.compile(text)
    return lambda written: found.fullmatch(written) is not None


NOTATIONS: dict[str, Callable[[Constraint], Callable[[str], bool]]] = {
    "lark": lambda made: by_llguidance(made.lark()),
    "portable lark": lambda made: by_llguidance("%llguidance {}\n" + made.portable_lark()),
    "gbnf": lambda made: Recogniser(made.gbnf()).accepts,
    "regex": lambda made: by_regex(made.regex()),
}


def constraint(d: Dialect, parameters: dict[str, Any], **more: Any) -> Constraint | None:
    """None: the schema was refused, in a sentence that names the tool."""
    try:
        return constrain(d, [Tool("f", "", parameters)], "required", most=1, **more)
    except ToolglotError as error:
        if not str(error).startswith("f: "):
            raise
        return None


def read(made: Constraint, notation: str) -> Callable[[str], bool] | None:
    """None: it was refused, in a sentence that names the tool."""
    try:
        return NOTATIONS[notation](made)
    except ToolglotError as error:
        if not str(error).startswith("f: "):
            raise
        return None


def check_notation(schema: Any, at_top: bool, notation: str) -> None:
    parameters = parameters_of(schema, at_top)
    made = constraint(JSON, parameters)
    accepts = made and read(made, notation)
    if made is None or accepts is None:
        return
    for arguments in tried(at_top):
        wrong = errors(arguments, parameters)
        if wrong:
            if accepts(render(JSON, [Call("f", arguments)])):
                assert all(is_said(error, made.unenforced) for error in wrong), (arguments, wrong, made.unenforced)
        elif not any(accepts(render(JSON, [Call("f", one)])) for one in orders(arguments)):
            assert made.narrowed, (arguments, notation)


EACH = sorted(under(plain))
EXAMPLES = int(os.environ.get("TOOLGLOT_EXAMPLES", "48"))
examples = settings(max_examples=EXAMPLES // 2, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("keyword", EACH)
def test_what_is_accepted_is_valid_or_said_to_be_unenforced(keyword: str) -> None:
    @examples
    @given(schema_with(keyword), st.booleans(), st.sampled_from(sorted(NOTATIONS)))
    def law(schema: Any, at_top: bool, notation: str) -> None:
        check_notation(schema, at_top, notation)

    law()


def test_the_json_schema_means_the_same() -> None:
    """What an engine that takes only that makes of it is its own affair."""

    @settings(examples, max_examples=EXAMPLES * 8)
    @given(st.sampled_from(EACH).flatmap(schema_with), st.booleans())
    def law(schema: Any, at_top: bool) -> None:
        parameters = parameters_of(schema, at_top)
        made = constraint(dialects()["json"], parameters)
        if made is None:
            return
        judge = jsonschema.Draft202012Validator(made.json_schema(), format_checker=FORMATS)
        for arguments in tried(at_top):
            allowed = judge.is_valid(dict(zip(made.names or (), ("f", arguments), strict=True)))
            assert not allowed or not errors(arguments, parameters), arguments
            assert allowed or made.narrowed or errors(arguments, parameters), arguments

    law()


# -- formats that write values in other ways, and what is sampled

FORMS = ["hermes", "llama-pythonic", "gemma-3-pythonic", "qwen3-coder", "glm-4.5", "deepseek-v3.2", "kimi-k3", "minicpm5",
         "minimax-m3", "gemma-4", "functiongemma", "xml"]  # fmt: skip


def read_back(d: Dialect, written: str, tool: Tool) -> Any:
    """The arguments of the one call in a reply that the constraint allows."""
    (call,) = parse(d, written, [tool]).calls
    return call.arguments


@pytest.mark.parametrize("name", FORMS)
def test_every_format_says_what_it_does_not_enforce(name: str) -> None:
    d = dialects()[name]

    @settings(examples, max_examples=EXAMPLES)
    @given(st.sampled_from(EACH).flatmap(schema_with), st.booleans(), st.integers(0, 99),
           st.sampled_from(["lark", "lark", "gbnf"]))
    def law(schema: Any, at_top: bool, seed: int, notation: str) -> None:
        parameters = parameters_of(schema, at_top)
        tool = Tool("f", "", parameters)
        made = constraint(d, parameters, caps=Caps(6, 2, 4) if seed % 2 else Caps())
        accepts = made and read(made, notation)
        if made is None or accepts is None:
            return
        texts = [render(d, [Call("f", arguments)]) for arguments in random.Random(seed).sample(tried(at_top), 12)]
        allowed = [text for text in texts if accepts(text)]
        if notation == "lark":
            allowed += [text for n in range(3) if (text := sampled(made.lark(), seed * 3 + n)) is not None]
        for text in allowed:
            if re.search(r"[eE][+-]?\d{3}", text):  # beyond what a double holds: read as another number, with a note
                continue
            wrong = errors(read_back(d, text, tool), parameters)
            assert all(is_said(error, made.unenforced) for error in wrong), (text, wrong, made.unenforced)

    law()


def sampled(grammar: str, seed: int, most: int = 400) -> str | None:
    """A random walk over the bytes that the constraint allows; None if it did not come to an end."""
    matcher, rng, out = llguidance.LLMatcher(BYTES, grammar, log_level=0), random.Random(seed), bytearray()
    while len(out) < most:
        mask = matcher.compute_logit_bias()
        allowed = [byte for byte in range(256) if mask[byte]]
        if matcher.is_accepting() and (not allowed or rng.random() < 0.3 or len(out) > most // 3):
            return out.decode()
        closing = [byte for byte in allowed if chr(byte) in "\"'}])>\n<|/"]
        easy = [byte for byte in allowed if 32 <= byte < 127] or allowed
        byte = rng.choice(closing if closing and (len(out) > most // 3 or rng.random() < 0.25) else easy)
        assert matcher.consume_token(byte)
        out.append(byte)
    return None
