"""Every shape that a tool comes in, every way to get one wrong, files of tools, and running their functions."""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import datetime
import decimal
import enum
import functools
import json
import os
import pathlib
import subprocess
import sys
import threading
import time
import typing
import uuid
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Annotated, Any, Literal, TypedDict

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolglot.message import Tool, ToolglotError
from toolglot.schema import validate
from toolglot.signatures import read_docstring
from toolglot.tools import ToolRunError, as_tools, load_tools, run_call

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CHAT = {"type": "function", "function": {"name": "weather", "description": "The weather.", "parameters": CITY}}
WEATHER = Tool("weather", "The weather.", CITY)


class Weather(pydantic.BaseModel):
    """The weather."""

    city: str


# --- shapes


@pytest.mark.parametrize(
    "given",
    [
        CHAT,
        {"function": CHAT["function"]},
        {"type": "function", **CHAT["function"]},
        CHAT["function"],
        {"name": "weather", "description": "The weather.", "input_schema": CITY},
        {"name": "weather", "description": "The weather.", "input_schema": CITY, "type": "custom"},
        {"name": "weather", "title": "W", "description": "The weather.", "inputSchema": CITY, "annotations": {}},
        SimpleNamespace(name="weather", description="The weather.", inputSchema=CITY),
        SimpleNamespace(name="weather", description="The weather.", input_schema=CITY),
        WEATHER,
    ],
)
def test_every_shape_is_the_same_tool(given: Any) -> None:
    assert as_tools(given) == (WEATHER,)
    assert as_tools([given]) == as_tools((given,)) == as_tools(iter([given])) == (WEATHER,)
    assert as_tools(given)[0].raw["function"] == CHAT["function"]
    for wrapped in ({"tools": [given]}, {"functions": [given]}, SimpleNamespace(tools=[given]), [[given]]):
        assert as_tools(wrapped) == (WEATHER,)


def test_a_pydantic_model() -> None:
    (tool,) = as_tools(Weather)
    assert tool == Tool("Weather", "The weather.", CITY)
    assert json.dumps(tool.raw) == json.dumps(chat(name="Weather", description="The weather.", parameters=CITY))


def test_no_tools() -> None:
    assert as_tools(None) == as_tools([]) == as_tools({"tools": []}) == ()


@pytest.mark.parametrize(
    "given",
    [
        CHAT,
        {"function": {"parameters": CITY, "name": "weather"}, "type": "function", "x": 1},
        {"type": "function", "function": {"description": "", "name": "weather", "strict": True, "return": {"a": 1}}},
        {"type": "function", "function": {"name": "weather"}, "strict": False, "cache_control": {"type": "ephemeral"}},
        {"type": "function", "function": {"name": "weather", "parameters": {}}},
        {"type": "function", "function": {"name": "weather", "parameters": None, "description": None}},
        {"type": "function", "function": {"name": "weather", "parameters": {"type": "dict", "properties": {}}}},
    ],
)
def test_raw_of_the_chat_shape_is_what_was_given(given: dict[str, Any]) -> None:
    raw = as_tools([given])[0].raw
    assert json.dumps(raw) == json.dumps(given)


@pytest.mark.parametrize(
    ("given", "function"),
    [
        ({"type": "function", "parameters": CITY, "strict": True, "name": "f"}, {"name": "f", "parameters": CITY}),
        ({"input_schema": CITY, "name": "f", "cache_control": {}}, {"name": "f", "parameters": CITY}),
        ({"inputSchema": CITY, "description": "D", "name": "f"}, {"name": "f", "description": "D", "parameters": CITY}),
        ({"parameters": CITY, "name": "f", "return": {"type": "string"}}, None),
        ({"description": "D", "name": "f"}, None),
        (Tool("f", "D", CITY), {"name": "f", "description": "D", "parameters": CITY}),
        (Tool("f", "D", CITY, raw=CHAT), CHAT["function"]),
    ],
)
def test_raw_of_the_other_shapes_is_written(given: Any, function: Any) -> None:
    raw = as_tools([given])[0].raw
    assert json.dumps(raw) == json.dumps({"type": "function", "function": given if function is None else function})


@pytest.mark.parametrize(
    ("parameters", "understood"),
    [
        (None, {"type": "object", "properties": {}}),
        ({}, {"type": "object", "properties": {}}),
        ({"type": "object"}, {"type": "object", "properties": {}}),
        ({"properties": {"a": {}}}, {"type": "object", "properties": {"a": {}}}),
        ({"type": "dict", "properties": {}}, {"type": "object", "properties": {}}),
        ({"type": ["object", "null"], "properties": {}}, {"type": "object", "properties": {}}),
        ({"anyOf": [CITY]}, {"type": "object", "anyOf": [CITY]}),
        ({"$ref": "#/$defs/C", "$defs": {"C": CITY}}, {**CITY, "$defs": {"C": CITY}}),
    ],
)
def test_parameters_are_an_object(parameters: Any, understood: Any) -> None:
    function = {"name": "f"} if parameters is None else {"name": "f", "parameters": parameters}
    tool = as_tools({"type": "function", "function": function})[0]
    assert tool.parameters == understood
    assert tool.raw["function"] is function


def chat(**function: Any) -> dict[str, Any]:
    return {"type": "function", "function": function}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        # a name
        (chat(description="D"), ["tools[1].function", "name", "found none", "give it a `name`"]),
        (chat(name=""), ["tools[1].function.name", 'found ""', "use letters"]),
        (chat(name=3), ["tools[1].function.name", "found 3", "use letters"]),
        (chat(name="n" * 257), ["tools[1].function.name", "at most 256", "found 257", "shorten"]),
        *[
            (chat(name=f"get{bad}it"), ["tools[1].function.name", "no spaces, quotes or control", "use letters"])
            for bad in " \t\n\r\u00a0\u2028\"'`\x00\x07\x7f\u200b"
        ],
        ({"description": "D", "input_schema": CITY}, ["tools[1]:", "name", "found none"]),
        ({"type": "function", "parameters": CITY}, ["tools[1]:", "name", "found none"]),
        # a description
        (chat(name="f", description=["D"]), ["tools[1].function (f).description", "a string", '["D"]', "say in words"]),
        # a schema
        (chat(name="f", parameters="{}"), ["tools[1].function (f).parameters:", 'found "{}"', "write an object"]),
        (chat(name="f", parameters=[CITY]), ["tools[1].function (f).parameters:", "JSON schema", "write an object"]),
        (
            chat(name="f", parameters={"type": "string"}),
            ["(f).parameters.type", '"object"', 'found "string"', "describe"],
        ),
        (chat(name="f", parameters={"type": "array"}), ["(f).parameters.type", 'found "array"']),
        (chat(name="f", parameters={"type": "strict"}), ["(f).parameters.type", 'found "strict"']),
        (chat(name="f", parameters={"anyOf": [{"type": "null"}]}), ["(f).parameters.type", '["null"]']),
        ({"name": "f", "input_schema": {"type": "string"}}, ["tools[1] (f).input_schema.type", 'found "string"']),
        ({"name": "f", "inputSchema": 5}, ["tools[1] (f).inputSchema:", "found 5"]),
        (chat(name="f", parameters={"properties": ["a"]}), ["(f).parameters.properties:", 'found ["a"]', "write"]),
        (
            chat(name="f", parameters={"properties": {"a": "string"}}),
            ["(f).parameters.properties.a:", "a JSON schema", 'found "string"', 'write {"type": "string"}'],
        ),
        (chat(name="f", parameters={"required": "a"}), ["(f).parameters.required:", "list of names", 'found "a"']),
        (chat(name="f", parameters={"required": [1]}), ["(f).parameters.required:", "list of names", "found [1]"]),
        (chat(name="f", params=CITY), ["tools[1].function:", "`parameters`", "`params`", "rename"]),
        ({"name": "f", "arguments": CITY}, ["tools[1]:", "`parameters`", "`arguments`", "rename"]),
        (Tool("two words"), ["tools[1].name", "' '"]),
        (Tool("f", parameters={"type": "string"}), ["tools[1] (f).parameters.type"]),
        (Tool("f", "", ["a"]), ["tools[1] (f).parameters:", "a JSON schema", 'found ["a"]', "write an object"]),  # type: ignore[arg-type]
        # a shape
        ({"type": "function", "function": "f"}, ["tools[1].function:", "an object with a name", 'found "f"']),
        ({"type": "web_search"}, ["tools[1]:", "type function", '"web_search"', "leave it out"]),
        ({"type": "bash_20250124", "name": "bash"}, ["tools[1]:", "type function", "leave it out"]),
        ({"type": "custom", "custom": 5}, ["tools[1].custom:", "an object with a name", "5"]),
        ({"weather": CITY}, ["tools[1]:", "a Tool, a Python function", "write it as one of these"]),
        ({"tools": CHAT}, ["tools[1].tools:", "a list of tools", "put them in a list"]),
        ("tools.py", ["tools[1]:", "a Tool, a Python function", 'found "tools.py"', "load_tools"]),
        (5, ["tools[1]:", "a Tool, a Python function", "found 5"]),
        (None, ["tools[1]:", "found null"]),
        (dict, ["tools[1]:", "found the class dict"]),
        (functools.partial(print), ["tools[1]:", "an object of type partial"]),
        (lambda x: x, ["tools[1]:", "found a lambda", "def"]),
        # two of one name
        (chat(name="first"), ["tools[1]:", "'first'", "tools[0] has already", "rename"]),
    ],
)
def test_what_is_no_tool_is_an_error_with_its_place(given: Any, says: list[str]) -> None:
    with pytest.raises(ToolglotError) as error:
        as_tools([chat(name="first"), given])
    message = str(error.value)
    assert [part for part in says if part not in message] == [], message
    assert "\n" not in message
    assert len(message) < 500


def test_places_inside_wrappers() -> None:
    for x, place in [
        ({"tools": [CHAT, 5]}, "tools[1]:"),
        ({"functions": [5]}, "tools[0]:"),
        ([CHAT, [5]], "tools[1][0]:"),
        ([{"tools": [5]}], "tools[0].tools[0]:"),
        ({"tools": "x"}, "tools:"),
        (5, "tools:"),
    ]:
        with pytest.raises(ToolglotError) as error:
            as_tools(x)
        assert str(error.value).startswith(place)


WORDS = ["type", "function", "name", "description", "parameters", "properties", "required", "tools", "inputSchema"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.sampled_from(["function", "object", "f"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(WORDS),
            inner,
            max_size=5,
        )
    ),
)


@given(JSON)
def test_any_json_gives_tools_or_a_clear_error(x: Any) -> None:
    try:
        tools = as_tools(x)
    except ToolglotError:
        return
    assert len({tool.name for tool in tools}) == len(tools)
    assert as_tools(tools) == tools
    assert as_tools([tool.raw for tool in tools]) == tools


# --- functions


class Unit(enum.Enum):
    C = "celsius"
    F = "fahrenheit"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Odd(enum.Enum):
    A = object()
    B = object()


class Movie(TypedDict, total=False):
    title: typing.Required[str] if sys.version_info >= (3, 11) else str  # type: ignore[valid-type]
    year: Annotated[int, "when it came out"]


@dataclasses.dataclass
class Point:
    x: float
    y: float = 0.0
    tags: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Node:
    """A tree.

    Args:
        value: what it holds
    """

    value: int
    children: list[Node] = dataclasses.field(default_factory=list)


class Tree(pydantic.BaseModel):
    value: int
    left: Tree | None = None


Age = typing.NewType("Age", int)
POINT = {
    "type": "object",
    "properties": {
        "x": {"type": "number"},
        "y": {"type": "number", "default": 0.0},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["x"],
}


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        (str, {"type": "string"}),
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (None, {"type": "null"}),
        (Any, {}),
        (object, {}),
        (list, {"type": "array"}),
        (list[Any], {"type": "array"}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (typing.List[str], {"type": "array", "items": {"type": "string"}}),  # noqa: UP006
        (Sequence[str], {"type": "array", "items": {"type": "string"}}),
        (set[str], {"type": "array", "items": {"type": "string"}, "uniqueItems": True}),
        (tuple, {"type": "array"}),
        (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}),
        (tuple[float, float], {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}),
        (
            tuple[str, int],
            {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "minItems": 2, "maxItems": 2},
        ),
        (dict, {"type": "object"}),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (Mapping[str, Any], {"type": "object", "additionalProperties": {}}),
        (typing.Optional[int], {"type": "integer", "nullable": True}),  # noqa: UP045
        (str | None, {"type": "string", "nullable": True}),
        (typing.Union[int, str], {"type": ["integer", "string"]}),
        (int | str | None, {"type": ["integer", "string"], "nullable": True}),
        (int | Any, {}),
        (
            list[int] | str,
            {"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "string"}]},
        ),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (Literal["a", None], {"type": "string", "enum": ["a"], "nullable": True}),
        (Literal[1, "a"], {"enum": [1, "a"]}),
        (Literal[Unit.C], {"type": "string", "enum": ["celsius"]}),
        (Unit, {"type": "string", "enum": ["celsius", "fahrenheit"]}),
        (Level, {"type": "integer", "enum": [1, 2]}),
        (Odd, {"type": "string", "enum": ["A", "B"]}),
        (Annotated[int, "how many"], {"type": "integer", "description": "how many"}),
        (Annotated[str, pydantic.Field(description="who")], {"type": "string", "description": "who"}),
        (list[Annotated[int, "one"]], {"type": "array", "items": {"type": "integer", "description": "one"}}),
        (datetime.datetime, {"type": "string", "format": "date-time"}),
        (datetime.date, {"type": "string", "format": "date"}),
        (datetime.time, {"type": "string", "format": "time"}),
        (decimal.Decimal, {"type": "number"}),
        (uuid.UUID, {"type": "string", "format": "uuid"}),
        (pathlib.Path, {"type": "string"}),
        (Age, {"type": "integer"}),
        (Point, POINT),
        (list[Point], {"type": "array", "items": POINT}),
        (Weather, {"description": "The weather.", **CITY}),
    ],
)
def test_hints(hint: Any, schema: dict[str, Any]) -> None:
    def function(x):  # type: ignore[no-untyped-def]
        pass

    function.__annotations__ = {"x": hint}
    parameters = as_tools(function)[0].parameters
    assert parameters == {"type": "object", "properties": {"x": schema}, "required": ["x"]}
    assert validate({}, parameters) == ["`x` is required but missing"]


def test_typed_dicts() -> None:
    def function(movie: Movie) -> None: ...

    schema = as_tools(function)[0].parameters["properties"]["movie"]
    assert schema["type"] == "object"
    assert schema["properties"]["year"] == {"type": "integer", "description": "when it came out"}
    assert schema.get("required", []) == (["title"] if sys.version_info >= (3, 11) else [])


def test_classes_that_contain_themselves() -> None:
    def function(node: Node, tree: Tree) -> None: ...

    parameters = as_tools(function)[0].parameters
    assert set(parameters["$defs"]) == {"Node", "Tree"}
    assert parameters["$defs"]["Node"]["properties"]["value"]["description"] == "what it holds"
    value = {
        "node": {"value": 1, "children": [{"value": 2, "children": []}]},
        "tree": {"value": 1, "left": {"value": 2}},
    }
    assert validate(value, parameters) == []
    value["node"]["children"][0]["value"] = "x"
    assert validate(value, parameters) == ['`node.children[0].value` must be an integer, but came as "x"']
    assert as_tools(Tree)[0].parameters["properties"]["value"] == {"type": "integer"}


def weather(
    city: str,
    days: Annotated[int, "how many days, from today"] = 3,
    unit: Unit = Unit.C,
    *,
    note: str = None,  # type: ignore[assignment]  # noqa: RUF013
    when: datetime.date | None = None,
    since: datetime.date = datetime.date(2020, 1, 1),
    extra="x",  # type: ignore[no-untyped-def]
) -> str:
    """Tell the weather
    of a city.

    And more about it, which is not for the model.

    Args:
        city: the city,
            with its country
        days (int): not this one
        extra: anything
        nobody: is called this

    Returns:
        str: the weather
    """
    return f"{city} {days} {unit} {note} {when} {extra}"


def test_a_whole_function() -> None:
    tool = as_tools(weather)[0]
    assert (tool.name, tool.description) == ("weather", "Tell the weather of a city.")
    assert tool.function is weather
    assert tool.parameters == {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "the city, with its country"},
            "days": {"type": "integer", "description": "how many days, from today", "default": 3},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"},
            "note": {"type": "string", "default": None, "nullable": True},
            "when": {"type": "string", "format": "date", "nullable": True, "default": None},
            "since": {"type": "string", "format": "date"},
            "extra": {"description": "anything", "default": "x"},
        },
        "required": ["city"],
    }
    assert tool.raw == {
        "type": "function",
        "function": {"name": "weather", "description": tool.description, "parameters": tool.parameters},
    }


def test_a_function_without_anything() -> None:
    def ping():  # type: ignore[no-untyped-def]
        pass

    tool = as_tools(ping)[0]
    assert tool.parameters == {"type": "object", "properties": {}}
    assert tool.raw == {"type": "function", "function": {"name": "ping", "parameters": tool.parameters}}


class Bench:
    def sit(self, minutes: int) -> str:
        """Sit."""
        return f"sat {minutes}"

    @classmethod
    def build(cls, planks: int) -> str:
        return f"built of {planks}"

    @staticmethod
    def paint(colour: str) -> str:
        return colour


def test_methods_and_wrapped_functions() -> None:
    @functools.wraps(weather)
    def wrapped(*args: Any, **kwargs: Any) -> str:
        return weather(*args, **kwargs)

    sit, build, paint = as_tools([Bench().sit, Bench.build, Bench.paint])
    assert [list(tool.parameters["properties"]) for tool in (sit, build, paint)] == [
        ["minutes"],
        ["planks"],
        ["colour"],
    ]
    assert as_tools(wrapped) == as_tools(weather)
    assert run(sit, {"minutes": 3}) == "sat 3"
    assert run(build, {"planks": 3}) == "built of 3"


def _many(*cities: str) -> None: ...
def _more(city: str, **rest: str) -> None: ...
def _position(city: str, /) -> None: ...
def _unknown(city: Callable[[], str]) -> None: ...
def _class(city: threading.Thread) -> None: ...
def _missing(city: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821
def _value(city) -> None: ...  # type: ignore[no-untyped-def]


_value.__annotations__ = {"city": ["a", "b"]}


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (_many, ["_many", "*cities", "list type"]),
        (_more, ["_more", "**rest", "name each"]),
        (_position, ["_position", "positional-only `city`", "take out the `/`"]),
        (Bench.sit, ["Bench.sit", "unbound `self`", "method of an instance"]),
        (_unknown, ["`city`", "_unknown", "a type that JSON can say", "Callable", "change the type hint"]),
        (_class, ["`city`", "_class", "threading.Thread", "change the type hint"]),
        (_missing, ["_missing", "type hints", "Nowhere", "TYPE_CHECKING"]),
        (_value, ["`city`", "_value", "['a', 'b']", "change the type hint"]),
        (min, ["min", "a signature", "wrap it"]),
    ],
)
def test_functions_that_cannot_be_tools(function: Any, says: list[str]) -> None:
    with pytest.raises(ToolglotError) as error:
        as_tools([weather, function])
    message = str(error.value)
    assert [part for part in ["tools[1]", "expected", *says] if part not in message] == [], message


def test_a_model_that_json_schema_cannot_say() -> None:
    class Bad(pydantic.BaseModel):
        call: Callable[[int], int]

    with pytest.raises(ToolglotError, match=r"Bad.*change the field's type"):
        as_tools(Bad)


def test_titles_of_pydantic_models() -> None:
    class Order(pydantic.BaseModel):
        unit_price: float
        kind: str = pydantic.Field(title="The kind", description="which")
        title: str = "x"

    properties = as_tools(Order)[0].parameters["properties"]
    assert properties["unit_price"] == {"type": "number"}
    assert properties["kind"] == {"type": "string", "title": "The kind", "description": "which"}
    assert properties["title"] == {"type": "string", "default": "x"}


GOOGLE = """Do it.

Args:
    a (int, optional): the first: of all
    b: the second,
        which goes on

        and on
    *c: many

Returns:
    d: not a parameter
"""
NUMPY = """Do it.

Parameters
----------
a : int, optional
    the first: of all
b
    the second,
    which goes on

    and on
c, e : str
    many

Returns
-------
d : int
    not a parameter
"""
SPHINX = """Do it.

:param int a: the first: of all
:param b: the second,
    which goes on
    and on
:type b: str
:param c: many
:returns d: not a parameter
:raises x: never
"""


@pytest.mark.parametrize(
    "doc", [GOOGLE, NUMPY, SPHINX, GOOGLE.replace("\n\nArgs", "\nArgs"), SPHINX.replace(".\n\n", ".\n")]
)
def test_docstrings(doc: str) -> None:
    summary, notes = read_docstring(doc)
    assert summary == "Do it."
    assert notes.pop("e", "many") == "many"
    assert notes == {"a": "the first: of all", "b": "the second, which goes on and on", "c": "many"}


@pytest.mark.parametrize(
    ("doc", "summary", "notes"),
    [
        ("", "", {}),
        ("One\ntwo\n\nthree", "One two", {}),
        ("Args:\n    a: b", "", {"a": "b"}),
        ("Note: this is all of it.\nAnd this.", "Note: this is all of it. And this.", {}),
        ("It.\nReturns:\n    x: y", "It.", {}),
        ("It.\n\nArgs:\n", "It.", {}),
        ("It.\n\nParameters\n----------\n", "It.", {}),
        ("It.\n\nArguments:\n  a: b\nNot: this", "It.", {"a": "b"}),
        (":param a: b", "", {"a": "b"}),
    ],
)
def test_odd_docstrings(doc: str, summary: str, notes: dict[str, str]) -> None:
    assert read_docstring(doc) == (summary, notes)


@given(st.text(alphabet=st.sampled_from("aA:\n -()*,.:paramArgs")))
def test_no_docstring_makes_it_raise(doc: str) -> None:
    read_docstring(doc)


# --- files


def write(folder: pathlib.Path, name: str, text: str) -> pathlib.Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


PYTHON = '''
from __future__ import annotations
import dataclasses, os
from json import dumps
from beside import helper, shout

@dataclasses.dataclass
class Spot:
    x: float

def find(spot: Spot) -> str:
    """Find."""
    return shout(str(spot.x))

async def later(n: int = 1) -> int:
    return n

again = find
square = lambda x: x * x
LIMIT = 3

def _hidden(x): ...
class Thing:
    def method(self): ...
if __name__ == "__main__":
    raise SystemExit("never")
'''


def test_public_functions_of_a_file(tmp_path: pathlib.Path) -> None:
    write(tmp_path, "beside.py", "def helper(): ...\ndef shout(x): return x.upper() + '!'")
    before = list(sys.path)
    first = load_tools(write(tmp_path, "my tools.py", PYTHON))
    second = load_tools(str(tmp_path / "my tools.py"))
    assert sys.path == before
    assert [tool.name for tool in first] == ["find", "later"]
    assert first[0].parameters["properties"]["spot"]["properties"] == {"x": {"type": "number"}}
    assert first == second
    assert first[0].function is not second[0].function
    assert run(first[0], {"spot": {"x": 1.5}}) == "1.5!"
    assert not list(tmp_path.glob("__pycache__/my*"))


def test_all_says_what_is_public(tmp_path: pathlib.Path) -> None:
    path = write(tmp_path, "t.py", "from os.path import join, exists as _e\n__all__ = ('f', '_g', 'N')\nN = 1\n"
                 "def f(): ...\ndef _g(): ...\ndef h(): ...\n")  # fmt: skip
    assert [tool.name for tool in load_tools(path)] == ["f", "_g"]


@pytest.mark.parametrize("shape", [CHAT, [CHAT], {"tools": [CHAT]}, {"functions": [CHAT["function"]]}])
def test_json_files(tmp_path: pathlib.Path, shape: Any) -> None:
    assert load_tools(write(tmp_path, "t.json", json.dumps(shape))) == (WEATHER,)
    assert load_tools(write(tmp_path, "bom.json", "\ufeff" + json.dumps(shape))) == (WEATHER,)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("t.json", '{"name": "f",\n  oops}', ["t.json:2:3", "expected JSON"]),
        ("t.json", "", ["t.json:1:1", "expected JSON"]),
        ("t.json", "[" * 100_000, ["t.json", "expected JSON"]),
        ("t.json", "[]", ["t.json", "at least one tool", "put a tool into the list"]),
        ("t.json", '[{"type": "function", "function": {}}]', ["t.json: tools[0].function", "give it a `name`"]),
        ("t.json", "5", ["t.json: tools:", "found 5"]),
        ("t.py", "def f(:\n", ["t.py:1", "syntax error"]),
        ("t.py", "x = 1\n\n  y = 2\n", ["t.py:3", "syntax error", "indent"]),
        ("t.py", "import json\n\n1 / 0\n", ["t.py", "ZeroDivisionError: division by zero (t.py:3)"]),
        ("t.py", "import not_there_at_all\n", ["ModuleNotFoundError", "not_there_at_all", "(t.py:1)"]),
        ("t.py", "import json\njson.loads('{')\n", ["JSONDecodeError", "(t.py:2)"]),
        ("t.py", "import sys\nsys.exit('two\\nlines')\n", ["SystemExit: two lines (t.py:2)"]),
        ("t.py", "x = 1\n", ["t.py", "at least one tool", "define a function"]),
        ("t.py", "from json import dumps\n", ["t.py", "at least one tool"]),
        ("t.py", "__all__ = ['f']\n", ["t.py", "__all__", "found no f", "define it"]),
        ("t.py", "def f(*x): ...\n", ["t.py: tools[0]: the function f", "*x"]),
        ("t.py", "x = '\0'", ["t.py"]),
        ("t.txt", "", ["t.txt", ".py or .json", "found .txt", "rename"]),
        ("tools", "", ["tools", ".py or .json", "found none"]),
    ],
)
def test_files_that_are_wrong_are_said_in_one_line(
    tmp_path: pathlib.Path, name: str, text: str, says: list[str]
) -> None:
    before = set(sys.modules), list(sys.path)
    path = write(tmp_path, name, text)
    with pytest.raises(ToolglotError) as error:
        load_tools(path)
    message = str(error.value)
    assert [part for part in says if part not in message] == [], message
    assert message.startswith(str(path))
    assert "\n" not in message
    assert sys.path == before[1]
    if "at least" not in message and "tools[0]" not in message and "__all__" not in message:
        assert not [name for name in set(sys.modules) - before[0] if name.startswith("toolglot_")]


def test_files_that_cannot_be_read(tmp_path: pathlib.Path) -> None:
    for name, says in [
        ("none.py", "no such file; check the path"),
        ("folder.py", "directory"),
        ("bytes.json", "utf-8"),
    ]:
        if name == "folder.py":
            (tmp_path / name).mkdir()
        if name == "bytes.json":
            (tmp_path / name).write_bytes(b"\xff\xfe\xff")
        with pytest.raises(ToolglotError) as error:
            load_tools(tmp_path / name)
        assert says in str(error.value)
        assert str(tmp_path / name) in str(error.value)


# --- running


def run(tool: Tool | Callable[..., Any], arguments: Any, timeout: float | None = 20) -> str:
    tool = tool if isinstance(tool, Tool) else Tool("f", function=tool)
    return asyncio.run(run_call(tool, arguments, timeout))


def returning(value: Any) -> Tool:
    return Tool("f", function=lambda: value)


class Blank:
    def __str__(self) -> str:
        return "blank"


LOOP: list[Any] = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("as it is", "as it is"),
        ("", ""),
        (None, "null"),
        (True, "true"),
        (3, "3"),
        ({"grüße": ["é", 1.5, None]}, '{"grüße": ["é", 1.5, null]}'),
        ((1, 2), "[1, 2]"),
        ({3, 1}, "[1, 3]"),
        (Unit.C, "celsius"),
        ([Unit.C], '["celsius"]'),
        (Point(1.0), '{"x": 1.0, "y": 0.0, "tags": []}'),
        (Weather(city="Rome"), '{"city": "Rome"}'),
        ({"at": datetime.date(2024, 1, 2), "n": decimal.Decimal("1.5")}, '{"at": "2024-01-02", "n": "1.5"}'),
        (datetime.date(2024, 1, 2), '"2024-01-02"'),
        (Blank(), "blank"),
        (float("nan"), "nan"),
        (LOOP, "[[...]]"),
    ],
)
def test_results_become_text(result: Any, text: str) -> None:
    assert run(returning(result), {}) == text


def test_arguments_become_what_the_function_wants() -> None:
    seen: dict[str, Any] = {}

    def f(
        unit: Unit,
        level: Level,
        odd: Odd,
        at: datetime.datetime,
        day: datetime.date | None,
        amount: decimal.Decimal,
        point: Point,
        points: list[Point],
        pair: tuple[datetime.date, int],
        names: set[str],
        by_day: dict[str, datetime.date],
        weather: Weather,
        either: int | datetime.date,
        text: datetime.date | str,
        ratio: float,
        plain: Any,
        path: Annotated[pathlib.Path, "where"],
        movie: Movie,
    ) -> None:
        seen.update(locals())

    day = datetime.date(2024, 1, 2)
    given = {
        "unit": "celsius", "level": 2, "odd": "B", "at": "2024-01-02T03:04:05Z", "day": "2024-01-02", "amount": 1.1,
        "point": {"x": 1}, "points": [{"x": 1, "y": 2}], "pair": ["2024-01-02", 1], "names": ["a", "a"],
        "by_day": {"d": "2024-01-02"}, "weather": {"city": "Rome"}, "either": "2024-01-02", "text": "soon", "ratio": 2,
        "plain": {"x": 1}, "path": "a/b", "movie": {"title": "M", "year": 1},
    }  # fmt: skip
    assert run(f, given) == "null"
    seen.pop("seen", None)
    assert seen == {
        "unit": Unit.C, "level": Level.HIGH, "odd": Odd.B, "day": day, "amount": decimal.Decimal("1.1"),
        "at": datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc),
        "point": Point(1.0), "points": [Point(1.0, 2.0)], "pair": (day, 1), "names": {"a"}, "by_day": {"d": day},
        "weather": Weather(city="Rome"), "either": day, "text": "soon", "ratio": 2.0, "plain": {"x": 1},
        "path": pathlib.Path("a/b"), "movie": {"title": "M", "year": 1},
    }  # fmt: skip
    assert type(seen["ratio"]) is float


def test_a_null_stays_one() -> None:
    def f(day: datetime.date | None = None, point: Point | None = None) -> str:
        return f"{day} {point}"

    assert run(f, {"day": None, "point": None}) == run(f, {}) == "None None"


def boom(x: int = 0) -> None:
    raise ValueError("two\nlines")


def deep(x: int = 0) -> None:
    json.loads("{")


def stop() -> None:
    raise StopIteration(3)


def leave() -> None:
    sys.exit(3)


def nameless() -> None:
    raise KeyError


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def mute() -> None:
    raise Mute


async def later_boom() -> None:
    await asyncio.sleep(0)
    raise ValueError("later")


async def later_leave() -> None:
    raise SystemExit(3)


async def cancel() -> None:
    raise asyncio.CancelledError


def wants(unit: Unit, point: Point = Point(1), day: datetime.date | None = None) -> None: ...


class Silent:
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("tool", "arguments", "says"),
    [
        (boom, {}, ["ValueError: two lines (test_tools.py:"]),
        (deep, {}, ["JSONDecodeError: ", "(test_tools.py:"]),
        (stop, {}, ["StopIteration: 3 ("]),
        (leave, {}, ["SystemExit: 3 ("]),
        (nameless, {}, ["KeyError (test_tools.py:"]),
        (mute, {}, ["Mute: (its message cannot be shown)"]),
        (later_boom, {}, ["ValueError: later (test_tools.py:"]),
        (later_leave, {}, ["SystemExit: 3"]),
        (cancel, {}, ["CancelledError"]),
        (returning(Silent()), {}, ["RuntimeError: no words"]),
        (wants, {"unit": "kelvin"}, ["f: expected arguments that fit", "`unit` must be a", "Unit", '"kelvin"']),
        (wants, {"unit": "celsius", "point": {"y": 1}}, ["`point` must be a", "Point", '{"y": 1}']),
        (wants, {"unit": "celsius", "day": "soon"}, ["`day` must be a", "date", '"soon"']),
        (wants, {}, ["f: expected arguments that fit", "missing a required argument: 'unit'"]),
        (wants, {"unit": "celsius", "x": 1}, ["unexpected keyword argument 'x'"]),
        (wants, [1], ["f: expected arguments that fit"]),
        (Tool("empty"), {}, ["empty: expected a function behind the tool", "load it"]),
    ],
)
def test_whatever_goes_wrong_is_one_line(tool: Any, arguments: Any, says: list[str]) -> None:
    with pytest.raises(ToolRunError) as error:
        run(tool, arguments)
    message = str(error.value)
    assert [part for part in says if part not in message] == [], message
    assert "\n" not in message
    assert isinstance(error.value, ToolglotError)


def test_a_long_message_is_cut() -> None:
    def f() -> None:
        raise ValueError("x" * 10_000)

    with pytest.raises(ToolRunError) as error:
        run(f, {})
    assert len(str(error.value)) < 600


def test_functions_run_where_they_should() -> None:
    here = threading.get_ident()
    who = contextvars.ContextVar("who", default="nobody")

    def sync() -> str:
        return f"{threading.get_ident() == here} {threading.current_thread().daemon} {who.get()}"

    async def coroutine() -> str:
        await asyncio.sleep(0)
        return f"{threading.get_ident() == here} {who.get()}"

    who.set("me")
    assert run(sync, {}) == "False True me"
    assert run(coroutine, {}) == "True me"
    assert run(lambda: coroutine(), {}) == "True me"  # a plain function that gives something to await


async def _sleep(seconds: float = 30) -> None:
    await asyncio.sleep(seconds)


async def _stubborn() -> None:
    while time.monotonic() < STUBBORN_UNTIL[0]:
        try:
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            continue


STUBBORN_UNTIL = [0.0]


@pytest.mark.parametrize("function", [lambda: time.sleep(30), _sleep, lambda: _sleep(), _stubborn])
def test_a_timeout(function: Any) -> None:
    STUBBORN_UNTIL[0] = time.monotonic() + 1
    start = time.monotonic()
    with pytest.raises(ToolRunError, match=r"f: expected a result within 0\.2 seconds, found none; it was given up"):
        run(function, {}, 0.2)
    assert time.monotonic() - start < 10


def test_its_own_timeout_error_is_not_ours() -> None:
    def f() -> None:
        raise TimeoutError("the server is slow")

    with pytest.raises(ToolRunError, match=r"TimeoutError: the server is slow"):
        run(f, {}, 5)


def test_calls_run_side_by_side_and_can_be_cancelled() -> None:
    async def main() -> float:
        start = time.monotonic()
        slow = Tool("slow", function=lambda: time.sleep(0.3))
        await asyncio.gather(*(run_call(slow, {}) for _ in range(5)))
        taken = time.monotonic() - start
        hanging = asyncio.ensure_future(run_call(Tool("f", function=lambda: time.sleep(30)), {}))
        await asyncio.sleep(0.05)
        hanging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hanging
        return taken

    assert asyncio.run(main()) < 1.4


def python(code: str) -> subprocess.CompletedProcess[str]:
    """A program of its own, which finds the package where this one does."""
    path = {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env={**os.environ, **path})


def test_a_function_that_hangs_does_not_keep_the_program() -> None:
    code = """
import asyncio, time
from toolglot.message import Tool
from toolglot.tools import run_call
try:
    asyncio.run(run_call(Tool("f", function=lambda: time.sleep(60)), {}, 0.1))
except ValueError as error:
    print(error)
"""
    done = python(code)
    assert "within 0.1 seconds" in done.stdout
    assert done.stderr == ""


def test_what_is_heavy_is_not_imported() -> None:
    code = "import sys, toolglot.tools; print({'asyncio', 'jsonschema', 'pydantic'} & {*sys.modules})"
    assert python(code).stdout.strip() == "set()"


def test_a_call_as_a_schema_and_as_a_function_agree() -> None:
    tool = as_tools(weather)[0]
    arguments = {"city": "Rome", "days": 2, "unit": "fahrenheit", "note": None, "when": "2024-01-02"}
    assert validate(arguments, tool.parameters) == []
    assert run(tool, arguments) == "Rome 2 Unit.F None 2024-01-02 x"
