"""Laws of synthesised conversations: exact, sound, valid, and the same for the same seed; over any tools."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from published import tool_lists
from strategies import TOOLS as WILD
from test_bad_schemas import REFUSED, TAKEN
from test_values import schemas
from toolglot.cli import main
from toolglot.data.row import Row
from toolglot.data.synthesize import KINDS, Undrawable, synthesize
from toolglot.data.synthesize.catalogue import KNOWN, TOOLS
from toolglot.data.synthesize.pools import spaced, words_of
from toolglot.data.synthesize.values import matching
from toolglot.data.synthesize.words import MONTHS, NO, NOTHING, YES, quoted
from toolglot.evaluate.tier import suite
from toolglot.evaluate.tier.drawn import Dice
from toolglot.message import Assistant, Call, Result, Text, Tool, ToolglotError, User
from toolglot.schema import validate

ONE = Tool("f", "", {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})


def one_of(schema: Any, required: bool = True) -> Tool:
    return Tool("set_value", "Set a value.", {"type": "object", "properties": {"v": schema},
                                             **({"required": ["v"]} if required else {})})


# -- the laws --------------------------------------------------------------------------------------------------


def calls_of(row: Row) -> list[Call]:
    return [part for turn in row.turns if isinstance(turn, Assistant) for part in turn.parts if isinstance(part, Call)]


def is_sound(row: Row) -> None:
    """A user begins, the model ends, results follow their calls in order and under their ids, tools are declared once."""
    assert isinstance(row.turns[0], User) and isinstance(row.turns[-1], Assistant)
    names = [tool.name for tool in row.tools]
    assert len({*names}) == len(names) >= 1
    ids = [call.id for call in calls_of(row)]
    assert len({*ids}) == len(ids) and None not in ids
    due: list[Call] = []
    for turn in row.turns:
        if isinstance(turn, Result):
            call = due.pop(0)
            assert (turn.id, turn.name) == (call.id, call.name)
            json.loads(turn.text)
            continue
        assert not due, "a call without its result, and the conversation goes on"
        if isinstance(turn, Assistant):
            due = [part for part in turn.parts if isinstance(part, Call)]
            assert turn.parts and all(part.text for part in turn.parts if isinstance(part, Text))
    assert {call.name for call in calls_of(row)} <= {*names}


def is_valid(row: Row) -> None:
    schemas = {tool.name: tool.parameters for tool in row.tools}
    for call in calls_of(row):
        assert validate(call.arguments, schemas[call.name]) == []


def is_exact(row: Row) -> None:
    """Every value of a call stands in what was said before it."""
    before = ""
    for turn in row.turns:
        for part in turn.parts if isinstance(turn, Assistant) else ():
            if isinstance(part, Call):
                for value in leaves([*part.arguments.values(), ""]):
                    assert stands(value, before), (value, before)
        before += "\n" + (turn.text if isinstance(turn, (User, Result)) else "")


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping) and value:
        for one in value.values():
            yield from leaves(one)
    elif isinstance(value, list) and value:
        for one in value:
            yield from leaves(one)
    else:
        yield value


def stands(value: Any, text: str) -> bool:
    if isinstance(value, str):
        day = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", value)
        spoken = day and 1 <= int(day[2]) <= 12 and f"{int(day[3])} {MONTHS[int(day[2]) - 1]} {day[1]}"
        return value in text or json.dumps(value, ensure_ascii=False)[1:-1] in text or bool(spoken and spoken in text)
    words = [*(YES if value else NO)] if isinstance(value, bool) else [*NOTHING] if value is None else []
    spelled = [re.escape(json.dumps(value)), *words]
    return any(re.search(rf"(?<![\w.]){one}(?![\w])", text) for one in spelled)


def keeps_the_laws(row: Row) -> None:
    is_sound(row)
    is_valid(row)
    is_exact(row)


def test_the_laws_on_the_catalogue() -> None:
    kinds: Counter[str] = Counter()
    for row in synthesize(rows=1400, seed=5):
        keeps_the_laws(row)
        kinds[row.extra["kind"]] += 1
    assert kinds == dict.fromkeys(KINDS, 175)


@given(tools=tool_lists(min_tools=1, max_tools=3, any_of=True, descriptions=st.text(max_size=20)), seed=st.integers(0, 99))
@settings(deadline=None)
def test_the_laws_on_any_tools(tools: list[Any], seed: int) -> None:
    for row in synthesize(tools, 7, seed=seed):
        keeps_the_laws(row)


@given(schema=schemas, seed=st.integers(0, 99), required=st.booleans())
@settings(deadline=None)
def test_any_schema_yields_rows_or_a_clear_error(schema: Any, seed: int, required: bool) -> None:
    refused, rows = "", list[Row]()
    try:
        rows += synthesize([one_of(schema, required)], 3, seed=seed, kinds=["single"])
    except Undrawable as error:
        refused = str(error)
    assert len(rows) == 3 or refused.startswith("set_value: expected a schema that values can be drawn from, found none")
    for row in rows:
        keeps_the_laws(row)


def test_the_laws_on_the_tools_of_the_other_laws() -> None:
    for row in synthesize(WILD, 210, seed=2):
        keeps_the_laws(row)


# of those that other tests try: not what takes seconds to draw or to print
HOSTILE = {**{name: case for name, (case, _) in REFUSED.items()}, **TAKEN}
SLOW = ("allOf doubles", "a mapping in many places", "1,000 allOf", "$ref in a circle", "20,000 lists")


@pytest.mark.parametrize("name", [name for name in HOSTILE if name not in SLOW and not name.startswith("pattern ^abab")])
def test_hostile_schemas_yield_rows_or_a_clear_error_soon(name: str) -> None:
    began, rows, refused = time.process_time(), list[Row](), ""
    try:
        rows += synthesize((Tool("bad", "", HOSTILE[name]),), 2, kinds=["single", "missing"])
    except ToolglotError as error:
        refused = str(error)
    assert len(rows) == 2 or re.match(r"bad: expected a schema that|tools\[0\] \(bad\)\.|kinds: expected", refused)
    for row in rows:
        is_sound(row)
        is_valid(row)
    assert time.process_time() - began < 15


# -- seeds, sizes, orders --------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_rows_however_many_are_asked_for() -> None:
    few, many = list(synthesize(rows=20, seed=3)), list(synthesize(rows=60, seed=3))
    assert many[:20] == few
    assert [row.turns for row in synthesize(rows=20, seed=4)] != [row.turns for row in few]


def test_lists_come_in_several_sizes_and_orders() -> None:
    rows = list(synthesize(rows=400))
    assert {len(row.tools) for row in rows} >= {1, 2, 3, 4, 5, 6, 8}
    assert max(len(row.tools) for row in synthesize(rows=100, most=1, kinds=["single", "no-call"])) == 1
    place = Counter(next(i for i, tool in enumerate(row.tools) if tool.name == calls_of(row)[0].name)
                    for row in rows if len(row.tools) == 5 and calls_of(row))
    assert len(place) == 5                               # the tool that is due stands anywhere


def test_requests_are_said_in_many_ways() -> None:
    said = {row.turns[0].text for row in synthesize([ONE], 300, kinds=["single"]) if isinstance(row.turns[0], User)}
    without = {re.sub(r"[\"'`]?[A-Z]\w+ ?\w*[\"'`]?(?=\W|$)", "", text) for text in said}
    assert len(said) > 200 and len(without) > 25


# -- kinds -----------------------------------------------------------------------------------------------------


def rows_of(kind: str, tools: Any = None) -> list[Row]:
    return list(synthesize(tools, 60, kinds=[kind], seed=9))


def first_calls(row: Row) -> list[Call]:
    return [part for part in next(t for t in row.turns if isinstance(t, Assistant)).parts if isinstance(part, Call)]


def test_each_kind_is_what_it_says() -> None:
    assert all(len(first_calls(row)) == 1 for row in rows_of("single"))
    for row in rows_of("parallel"):
        calls = first_calls(row)
        assert len({call.name for call in calls}) == 1
        assert len({json.dumps(call.arguments) for call in calls}) == len(calls) >= 2
        assert row.parallel is True
    assert all(len({call.name for call in first_calls(row)}) >= 2 for row in rows_of("several"))
    assert all(len(calls_of(row)) >= 2 and any(isinstance(turn,
                                                          Result) for turn in row.turns) for row in rows_of("multi-turn"))
    assert all(not calls_of(row) for row in rows_of("no-call"))
    assert all('{"error": ' in row.turns[2].text for row in rows_of("error") if isinstance(row.turns[2], Result))


def test_what_is_missing_is_asked_for_and_is_not_said_before() -> None:
    rows = rows_of("missing", [ONE])
    for row in rows:
        assert isinstance(row.turns[1], Assistant) and not first_calls(row) and "city" in str(row.turns[1].parts)
    assert any(calls_of(row) for row in rows)


def test_a_value_that_has_a_default_is_not_asked_for() -> None:
    with pytest.raises(ToolglotError, match="expected some that 1 tools can make"):
        rows_of("missing", [one_of({"type": "integer", "default": 3})])


def test_a_chained_call_takes_what_the_result_holds() -> None:
    chained = [row for row in rows_of("multi-turn") if isinstance(row.turns[3], Assistant) and calls_of(row)[1:] and any(
        isinstance(part, Call) for part in row.turns[3].parts)]
    assert len(chained) > 3
    for row in chained:
        assert isinstance(row.turns[0], User) and isinstance(row.turns[2], Result)
        (name, value), = json.loads(row.turns[2].text).items()
        assert calls_of(row)[1].arguments[name] == value and value not in row.turns[0].text


# -- values ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schema", [
    {"const": "x y"}, {"enum": [1, "a", None]}, {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{4}$"},
    {"type": "string", "minLength": 40}, {"type": "string", "maxLength": 2}, {"type": "string", "format": "uuid"},
    {"type": "string", "format": "ipv6"}, {"type": "string", "format": "date-time"},
    {"type": "integer", "multipleOf": 7, "minimum": 50},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.05},
    {"type": "integer", "exclusiveMinimum": 4, "maximum": 5},
    {"type": "array", "items": {"type": "integer"}, "minItems": 4, "uniqueItems": True}, {"type": ["string", "null"]},
    {"type": "array", "prefixItems": [{"type": "string"}, {"type": "boolean"}], "items": False},
    {"type": "array", "maxItems": 0},
    {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 2},
    {"type": "object", "maxProperties": 0},
    {"anyOf": [{"type": "null"}, {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]}]},
    {"allOf": [{"type": "integer", "minimum": 3}, {"maximum": 9}]}, {"type": "dict"}, {"type": "float"}, True, {},
])  # fmt: skip
def test_a_value_of_each_schema(schema: Any) -> None:
    for row in synthesize([one_of(schema)], 20, kinds=["single"]):
        keeps_the_laws(row)
        assert "v" in calls_of(row)[0].arguments


def test_a_schema_that_refers_to_itself_comes_to_an_end() -> None:
    tree = {"type": "object", "properties": {"name": {"type": "string"}, "children": {"type": "array",
                                                                                      "items": {"$ref": "#/$defs/t"}}},
            "required": ["name", "children"]}
    tool = Tool("plant", "", {"type": "object", "properties": {"t": {"$ref": "#/$defs/t"}}, "required": ["t"],
                              "$defs": {"t": tree}})
    for row in synthesize([tool], 30, kinds=["single"]):
        keeps_the_laws(row)


@pytest.mark.parametrize("schema", [{"not": {}}, {"type": "string", "pattern": "(?!x)y(?<=z)"},
                                    {"type": "integer", "minimum": 5, "maximum": 4},
                                    {"type": "string", "enum": [3]}])  # fmt: skip
def test_what_cannot_be_drawn_is_refused_by_name(schema: Any) -> None:
    with pytest.raises(Undrawable, match=r"set_value: .*give the parameter an `enum` or `examples`, or leave the tool out"):
        list(synthesize([one_of(schema)], 1, kinds=["single"]))


@given(st.sampled_from(["[a-f0-9]{8}", "(red|green|blue)-[0-9]+", r"\d{3}\.\d{2}", "[^a-z ]{2,5}", "x?y*z+",
                        r"\w+@\w+\.(com|org)", "é|ß"]),
       st.integers(0, 999))
def test_a_pattern_is_matched(pattern: str, seed: int) -> None:
    assert re.fullmatch(pattern, matching(f"^{pattern}$", Dice(seed)))


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_a_text_stands_between_quotes_that_it_does_not_hold(text: str) -> None:
    said = quoted(text)
    assert (said[1:-1] == text and said[0] not in text) or json.loads(said) == text


def test_names_become_words() -> None:
    assert spaced("get_userID") == "get user ID" and spaced("fromStation") == "from station" and spaced("x2") == "x 2"
    assert words_of("天气") == ["天气"]


# -- the catalogue, and the suite that it must not know --------------------------------------------------------


def test_no_question_of_the_suite_is_in_the_rows() -> None:
    items = [item for seed in range(3) for item in suite(seed)]
    names = {tool["function"]["name"] for item in items for tool in item.tools}
    assert names.isdisjoint(tool.name for tool in TOOLS)
    asked = {message["content"] for item in items for message in item.messages}
    asked |= {message["content"] for item in items for step in item.steps for message in step.then}
    said = {turn.text for row in synthesize(rows=2000, seed=1) for turn in row.turns if isinstance(turn, User)}
    assert said.isdisjoint(asked)
    whole = "\n\0\n".join(said)
    assert [text for text in asked if len(text) > 12 and text in whole] == []


def test_phrasings_name_parameters_that_there_are() -> None:
    for known in KNOWN:
        declared = {*known.tool.parameters["properties"]}
        for phrasing in known.asked:
            assert {*re.findall(r"\{(\w+)\}", phrasing)} <= declared, known.tool.name
        for told in known.told:
            assert {*re.findall(r"\{(\w+)\}", told)} <= {*known.gives}, known.tool.name


# -- what is given wrong ---------------------------------------------------------------------------------------


def test_wrong_arguments_are_told() -> None:
    with pytest.raises(ToolglotError, match=r"kinds: expected some of single, .*found 'twice'"):
        synthesize(kinds=["twice"])
    with pytest.raises(ToolglotError, match="expected at least one tool"):
        synthesize([])
    with pytest.raises(ToolglotError, match="several"):
        list(synthesize([ONE], 1, kinds=["several"]))


# -- the command -----------------------------------------------------------------------------------------------


def test_the_command_writes_chat_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tools, out = tmp_path / "tools.json", tmp_path / "rows.jsonl"
    tools.write_text(json.dumps([{"name": "get_tide", "description": "Get the tide.", "inputSchema": {
        "type": "object", "properties": {"port": {"type": "string"}}, "required": ["port"]}}]))
    assert main(["synthesize", "--tools", str(tools), "--rows", "40", "--seed", "3", "--kinds", "single,missing", "--out",
                 str(out)]) == 0
    assert "40 rows" in capsys.readouterr().err
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert len(rows) == 40 and {message["role"] for row in rows for message in row["messages"]} == {"user", "assistant",
                                                                                                    "tool"}
    call = rows[0]["messages"][1]["tool_calls"][0]
    assert call["function"]["name"] == "get_tide" and call["function"]["arguments"]["port"]
    assert rows[0]["tools"][0]["function"]["parameters"]["required"] == ["port"]
    before = out.read_bytes()
    assert main(["synthesize", "--tools", str(tools), "--rows", "40", "--seed", "3", "--kinds", "single,missing", "--out",
                 str(out)]) == 0
    assert out.read_bytes() == before


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "rows.jsonl"
    assert main(["synthesize", "--kinds", "single,twice", "--out", str(out)]) == 2
    assert "found 'twice'" in capsys.readouterr().err and not out.exists()
    assert main(["synthesize", "--rows", "3", "--out", str(tmp_path / "no" / "rows.jsonl")]) == 2
    assert "No such file" in capsys.readouterr().err
