"""Readers of fine-tuning data: every shape, what is sound in a row, and types in Python's words."""

from __future__ import annotations

import copy
import json
import pickle
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_samples import ANSWER, ASKED, CITY, EACH, NOW, QUESTION, SAMPLES, SEEN, TYPED, WEATHER
from toolglot.data import declared, loose
from toolglot.data.row import Row, RowError
from toolglot.data.shapes import SHAPES, Shape, detected, find
from toolglot.data.types import parameters, type_schema
from toolglot.message import Assistant, Call, Reasoning, Result, System, Text, ToolglotError, User
from toolglot.schema import is_valid


def turned(row: Row) -> list[dict[str, Any]]:
    """The turns of a row as chat messages, as toolglot's own chat rows have them."""
    out: list[dict[str, Any]] = []
    for turn in row.turns:
        match turn:
            case System(text):
                out.append({"role": "system", "content": text})
            case User(text):
                out.append({"role": "user", "content": text})
            case Result(text, name, id):
                out.append({"role": "tool", "tool_call_id": id, "name": name, "content": text})
            case Assistant(parts):
                message: dict[str, Any] = {"role": "assistant"}
                for p in parts:
                    if isinstance(p, Call):
                        function = {"name": p.name, "arguments": json.dumps(p.arguments)}
                        message.setdefault("tool_calls", []).append({"id": p.id, "type": "function", "function": function})
                    else:
                        message["reasoning_content" if isinstance(p, Reasoning) else "content"] = p.text
                out.append(message)
    return out


def is_sound(row: Row) -> bool:
    """What a row promises: ids of their own, results behind their calls and in their order, calls of declared tools."""
    waiting: list[tuple[str, str | None]] = []
    ids: set[str | None] = set()
    for turn in row.turns:
        if isinstance(turn, Result):
            if not waiting or waiting.pop(0) != (turn.name, turn.id):
                return False
        else:
            if waiting:
                return False
        if isinstance(turn, Assistant):
            if not turn.parts:
                return False
            for p in turn.parts:
                if isinstance(p, Call):
                    if p.id in ids or not p.id or p.name not in {t.name for t in row.tools}:
                        return False
                    ids.add(p.id)
                    waiting.append((p.name, p.id))
    json.dumps([t.raw for t in row.tools], allow_nan=False).encode()
    json.dumps(turned(row), allow_nan=False, ensure_ascii=False).encode()
    return any(isinstance(turn, Assistant) for turn in row.turns) and all(
        t.parameters["type"] == "object" and t.raw["function"]["parameters"] == t.parameters for t in row.tools)


# -- every shape


@pytest.mark.parametrize(("name", "n"), EACH)
def test_a_sample_is_of_its_own_shape_alone(name: str, n: int) -> None:
    raw = SAMPLES[name][n]
    assert {s.name for s in SHAPES.values() if s.evidence(raw)} == {name}
    found = detected(raw)
    assert found is not None and found[0].name == name and len(found[1]) > 8


def test_every_shape_has_samples_and_says_where_it_is_from() -> None:
    assert list(SHAPES) and SHAPES.keys() == SAMPLES.keys()
    for name, shape in SHAPES.items():
        assert shape.name == name and shape.title and shape.source
        assert find(name) is shape


@pytest.mark.parametrize(("name", "n"), EACH)
def test_a_sample_is_read_as_what_it_says(name: str, n: int) -> None:
    raw = SAMPLES[name][n]
    before = copy.deepcopy(raw)
    row = SHAPES[name].read(raw)
    assert raw == before and is_sound(row)
    calls = [p for t in row.turns if isinstance(t, Assistant) for p in t.parts if isinstance(p, Call)]
    users = [t.text for t in row.turns if isinstance(t, User)]
    assert users == [QUESTION]
    for call in calls:
        tool = next(t for t in row.tools if t.name == call.name)
        assert is_valid(call.arguments, tool.parameters)
    weather = next((c for c in calls if c.name.lower().startswith("get_weather")), None)
    if weather:
        assert weather.arguments == ASKED
        parameters = next(t for t in row.tools if t.name == weather.name).parameters
        assert parameters["type"] == "object" and parameters["required"] == ["city"]
        assert parameters["properties"]["city"]["type"] == "string"
    for result in row.turns:
        if isinstance(result, Result) and result.name == "get_weather":
            assert json.loads(result.text) == json.loads(SEEN)
    assert pickle.loads(pickle.dumps(row)) == row


@pytest.mark.parametrize(("name", "n"), EACH)
def test_a_row_is_read_the_same_again_and_as_a_chat_row(name: str, n: int) -> None:
    row = SHAPES[name].read(SAMPLES[name][n])
    assert SHAPES[name].read(SAMPLES[name][n]) == row
    raw = {"messages": turned(row), "tools": [dict(t.raw) for t in row.tools]}
    assert SHAPES["openai"].evidence(json.loads(json.dumps(raw)))
    again = SHAPES["openai"].read(json.loads(json.dumps(raw)))
    assert (again.turns, again.tools) == (row.turns, row.tools)
    assert [dict(t.raw) for t in again.tools] == [dict(t.raw) for t in row.tools]


def test_reading_shares_nothing_with_what_is_remembered() -> None:
    raw = chat(asked(), said(), tools=copy.deepcopy(TYPED))
    one = SHAPES["openai"].read(raw)
    raw["tools"][0]["function"]["name"] = "other"
    raw["tools"][0]["function"]["parameters"]["properties"].clear()
    assert one.tools[0].name == "get_weather" and one.tools[0].raw["function"]["parameters"] == CITY
    assert SHAPES["openai"].read(raw).tools[0].name == "other"


def test_a_shape_that_there_is_none_of_is_offered_what_is_near() -> None:
    with pytest.raises(ToolglotError, match="did you mean glaive"):
        find("glaivve")
    for raw in (None, 1, "some words", {}, [], {"messages": []}, {"a": 1}, {"conversations": [1]}):
        assert detected(raw) is None


# -- what cannot be read is a RowError, whatever it is


mutants = st.recursive(st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.sampled_from(
    ["", "{", "[", "get_weather", "{}", "[]", "null", "user", "tool", "gpt", "call_0", "\ud800", '{"name": "now"}',
     "[now()]",
     "<tool_call>\n{", "[now(", "<functioncall> {", "Action: now\nAction Input: {", '{"a": NaN}', "'", "<TOOLCALL>[{",
     "<|im_start|>assistant\n<|function_call|>\n{"]),
    lambda c: st.lists(c, max_size=2) | st.dictionaries(st.sampled_from(
        ["name", "from", "role", "value", "content", "arguments", "function", "parameters", "type", "properties"]), c,
        max_size=2), max_leaves=4)


def places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        found.append((value, key))
        if isinstance(inner, (dict, list)):
            found += places(inner)
    return found


@st.composite
def mutated(draw: Any) -> tuple[Any, Any]:
    """A sample with something in it replaced, left out, cut or doubled; also inside of JSON that stands in a string."""
    name, n = draw(st.sampled_from(EACH))
    raw = copy.deepcopy(SAMPLES[name][n])
    raw = {"text": raw} if isinstance(raw, str) else raw
    for _ in range(draw(st.integers(1, 3))):
        where = places(raw)
        holder, key = where[draw(st.integers(0, len(where) - 1))] if where else (raw, "x")
        if isinstance(holder, (dict, list)) and (isinstance(holder, dict) or key < len(holder)):
            old = holder.get(key) if isinstance(holder, dict) else holder[key]
            kind = draw(st.integers(0, 4))
            if kind == 0:
                del holder[key]
            elif kind == 1 and isinstance(old, str):
                cut = draw(st.integers(0, len(old)))
                holder[key] = old[:cut] + draw(st.sampled_from(["", "'", '"', "}", "]", "\n", "\\", ")"])) + old[cut + 1:]
            elif kind == 2 and isinstance(holder, list):
                holder.append(copy.deepcopy(old))
            elif kind == 3:
                holder[key] = json.dumps(old, default=str)
            else:
                holder[key] = draw(mutants)
    return draw(st.sampled_from([name, *SHAPES])), raw


@given(mutated())
def test_reading_raises_nothing_but_a_row_error(given: tuple[str, Any]) -> None:
    name, raw = given
    for shape in SHAPES.values():
        assert shape.evidence(raw) is None or isinstance(shape.evidence(raw), str)
    read_or_refused(SHAPES[name], raw)


@given(mutants, st.sampled_from([*SAMPLES]))
def test_no_json_at_all_raises_anything_else(raw: Any, name: str) -> None:
    for shape in SHAPES.values():
        shape.evidence(raw)
    read_or_refused(SHAPES[name], raw)


def read_or_refused(shape: Shape, raw: Any) -> None:
    refused = None
    try:
        row = shape.read(raw)
    except RowError as error:
        refused = error
    assert is_sound(row) if refused is None else 0 < len(refused.reason) < 40


def chat(*messages: dict[str, Any], tools: Any = TYPED) -> Any:
    return {"messages": list(messages), "tools": tools}


def asked() -> dict[str, Any]:
    return {"role": "user", "content": QUESTION}


def called(*names: str, ids: bool = True, arguments: Any = "{}") -> dict[str, Any]:
    return {"role": "assistant", "tool_calls": [
        {**({"id": f"c{n}"} if ids else {}), "type": "function", "function": {"name": name, "arguments": arguments}}
        for n, name in enumerate(names)]}


def gave(text: str, id: str | None = None, name: str | None = None) -> dict[str, Any]:
    return {"role": "tool", "content": text, **({"tool_call_id": id} if id else {}), **({"name": name} if name else {})}


def said(text: str = ANSWER) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


@pytest.mark.parametrize(("reason", "at", "raw"), [
    ("not an object", "", [1]),
    ("no turns", "messages", {"messages": 3}),
    ("no turns", "messages", chat()),
    ("not an object", "messages[0]", {"messages": ["hi"]}),
    ("unknown role", "messages[1].role", chat(asked(), {"role": "narrator", "content": "…"})),
    ("not text", "messages[0].content", chat({"role": "user", "content": 3})),
    ("empty reply", "messages[1]", chat(asked(), {"role": "assistant", "content": ""})),
    ("nothing to learn", "messages", chat(asked())),
    ("broken JSON", "messages[1].tool_calls[0].arguments", chat(asked(), called("now", arguments='{"a": '))),
    ("broken call", "messages[1].tool_calls[0].arguments", chat(asked(), called("now", arguments="[1]"))),
    ("broken JSON", "messages[1].tool_calls[0].arguments", chat(asked(), called("now", arguments={"a": float("nan")}))),
    ("nested too deep", "messages[1].tool_calls[0].arguments",
     chat(asked(), called("now", arguments='{"a":' + "[" * 70 + "]" * 70 + "}"))),
    ("undeclared tool", "messages[1]", chat(asked(), called("later"))),
    ("undeclared tool", "messages[1]", chat(asked(), called("now"), tools=[])),
    ("result without a call", "messages[1]", chat(asked(), gave("1"), said())),
    ("result without a call", "messages[2]", chat(asked(), called("now"), gave("1", "other"), said())),
    ("result without a call", "messages[3]", chat(asked(), called("now"), gave("1", "c0"), gave("1", "c0"), said())),
    ("result without a call", "messages[2]", chat(asked(), called("now"), gave("1", name="get_weather"), said())),
    ("call without a result", "messages[2]", chat(asked(), called("now"), said())),
    ("call without a result", "messages[3]", chat(asked(), called("now", "now"), gave("1", "c0"), said())),
    ("not a tool", "tools", chat(asked(), said(), tools=3)),
    ("not a tool", "tools[0]", chat(asked(), said(), tools=[{"description": "nameless"}])),
    ("not a schema", "tools[0] (f).parameters", chat(asked(), said(), tools=[{"name": "f", "parameters": [3]}])),
    ("not a schema", "tools[0] (f).parameters.properties",
     chat(asked(), said(), tools=[{"name": "f", "parameters": {"type": "object", "properties": 3}}])),
    ("two tools of one name", "tools[1]", chat(asked(), said(), tools=[NOW, {**WEATHER, "name": "now"}])),
])
def test_what_is_wrong_is_named_with_its_place(reason: str, at: str, raw: Any) -> None:
    with pytest.raises(RowError) as caught:
        SHAPES["openai"].read(raw)
    assert (caught.value.reason, caught.value.at) == (reason, at)
    assert str(caught.value).startswith(at)


# -- what is mended


def test_results_find_their_calls_by_id_name_and_order() -> None:
    read = SHAPES["openai"].read
    by_id = read(chat(asked(), called("now", "get_weather"), gave("w", "c1"), gave("n", "c0"), said()))
    by_name = read(chat(asked(), called("now", "get_weather", ids=False), gave("w", name="get_weather"), gave("n"), said()))
    for row in (by_id, by_name):
        assert [(t.text, t.name) for t in row.turns if isinstance(t, Result)] == [("n", "now"), ("w", "get_weather")]
    assert [t.id for t in by_name.turns if isinstance(t, Result)] == ["call_0", "call_1"]
    again = read(chat(asked(), called("now"), gave("1", "c0"), called("now"), gave("2", "c0"), said()))
    assert [t.id for t in again.turns if isinstance(t, Result)] == ["c0", "call_1"] and is_sound(again)


def test_a_call_may_wait_where_the_conversation_ends() -> None:
    row = SHAPES["openai"].read(chat(asked(), called("now", "get_weather")))
    assert len(row.turns) == 2 and is_sound(row)


def test_what_is_encoded_twice_or_in_python_is_read() -> None:
    for written in (json.dumps(ASKED), json.dumps(json.dumps(ASKED)), repr(ASKED), ASKED):
        row = SHAPES["openai"].read(chat(asked(), called("get_weather", arguments=written)))
        assert row.turns[1] == Assistant((Call("get_weather", ASKED, "c0"),))
    for none in ("", None, {}, "{}", " "):
        assert SHAPES["openai"].read(chat(asked(), called("now", arguments=none))).turns[1].parts[0].arguments == {}  # type: ignore[union-attr]


def test_what_utf8_cannot_say_is_mended() -> None:
    row = SHAPES["openai"].read(chat(asked(), said("half \ud83d of it")))
    assert row.turns[1] == Assistant((Text("half \ufffd of it"),))
    row = SHAPES["openai"].read(chat(asked(), called("now", arguments='{"a": "\\ud83d", "b": 1e999}')))
    assert row.turns[1].parts[0].arguments == {"a": "\ufffd", "b": loose._MOST}  # type: ignore[union-attr]


def test_a_thought_in_front_of_a_reply_is_apart() -> None:
    row = SHAPES["openai"].read(chat(asked(), said("<think>\nwell\n</think>\n\nYes.")))
    assert row.turns[1] == Assistant((Reasoning("well"), Text("Yes.")))


def test_names_that_no_dialect_writes_are_made_fit() -> None:
    row = SHAPES["toolace"].read(SAMPLES["toolace"][0])
    assert [t.name for t in row.tools] == ["Get_Weather", "now"]
    assert [t.raw["function"]["name"] for t in row.tools] == ["Get_Weather", "now"]
    assert row.turns[1].parts[0].name == "Get_Weather"  # type: ignore[union-attr]


def test_glaive_reads_apostrophes_as_they_stand() -> None:
    for raw in SAMPLES["glaive"][:2]:
        assert SHAPES["glaive"].read(raw).turns[1].parts[0].arguments == ASKED  # type: ignore[union-attr]
    told = "USER: a\nUSER GUIDE: b\n\n\nASSISTANT: c<|endoftext|>USER: d\n\n\nASSISTANT: e"
    assert SHAPES["glaive"].read({"system": "", "chat": told}).turns == (
        User("a\nUSER GUIDE: b"), Assistant((Text("c"),)), User("d"), Assistant((Text("e"),)))


@pytest.mark.parametrize(("text", "parts"), [
    ("[now()]", [("now", {})]),
    ('[now(a="it\'s [x] (y)", b=[1, {"k": True}], c=None), Get Weather(city=\'P\')]',
     [("now", {"a": "it's [x] (y)", "b": [1, {"k": True}], "c": None}), ("Get_Weather", {"city": "P"})]),
    ("Here: [now(a=1)] as you asked.", ["Here:", ("now", {"a": 1}), "as you asked."]),
    ("[Note (see below)] nothing is called.", ["[Note (see below)] nothing is called."]),
    ("[1, 2]", ["[1, 2]"]),
])
def test_toolace_s_calls_are_told_from_words(text: str, parts: list[Any]) -> None:
    raw = copy.deepcopy(SAMPLES["toolace"][0])
    raw["conversations"] = [raw["conversations"][0], {"from": "assistant", "value": text}]
    found = SHAPES["toolace"].read(raw).turns[1].parts  # type: ignore[union-attr]
    assert [p.text if isinstance(p, Text) else (p.name, p.arguments) for p in found] == parts  # type: ignore[union-attr]


def test_toolace_s_broken_and_undeclared_calls_are_errors() -> None:
    for text, reason in (("[now(a=]", "broken call"), ("[Get Weather(city='a') now()]", "broken call"),
                         ("[later(a=1)]", "undeclared tool")):
        raw = copy.deepcopy(SAMPLES["toolace"][0])
        raw["conversations"] = [raw["conversations"][0], {"from": "assistant", "value": text}]
        with pytest.raises(RowError) as caught:
            SHAPES["toolace"].read(raw)
        assert caught.value.reason == reason


def test_what_a_row_says_besides_is_kept() -> None:
    assert SHAPES["openai"].read(SAMPLES["openai"][0]).weights == {4: 0.0}
    assert SHAPES["openai"].read(SAMPLES["openai"][0]).parallel is False
    assert SHAPES["ms-swift"].read(SAMPLES["ms-swift"][0]).weights == {4: 0.0}
    assert SHAPES["hermes"].read(SAMPLES["hermes"][0]).extra.keys() == {"id", "category", "system"}
    for name, n in (("openai", 2), ("when2call", 1), ("sharegpt", 2), ("ms-swift", 1)):
        rejected = SHAPES[name].read(SAMPLES[name][n]).rejected
        assert rejected and isinstance(rejected[0], Text)


# -- types


@pytest.mark.parametrize(("text", "schema", "required"), [
    ("str", {"type": "string"}, None),
    ("str, optional", {"type": "string"}, False),
    ("List[int]", {"type": "array", "items": {"type": "integer"}}, None),
    ("List[Dict[str, int]]",
     {"type": "array", "items": {"type": "object", "additionalProperties": {"type": "integer"}}}, None),
    ("int, optional, default 5", {"type": "integer", "default": 5}, False),
    ("int, default=5", {"type": "integer", "default": 5}, False),
    ("str, optional, default='London'", {"type": "string", "default": "London"}, False),
    ("Optional[float]", {"type": "number"}, False),
    ("Optional[List[str]], optional", {"type": "array", "items": {"type": "string"}}, False),
    ("Union[int, str]", {"type": ["integer", "string"]}, None),
    ("int | None", {"type": "integer"}, False),
    ("Tuple[float, float]", {"type": "array", "items": {"type": "number"}}, None),
    ("Dict[str, List[Tuple[int, str]]]", {"type": "object", "additionalProperties": {
        "type": "array", "items": {"type": "array", "items": {"type": ["integer", "string"]}}}}, None),
    ("Literal['a', 'b']", {"enum": ["a", "b"]}, None),
    ("list of strings", {"type": "array", "items": {"type": "string"}}, None),
    ("dict", {"type": "object"}, None), ("float", {"type": "number"}, None), ("any", {}, None), ("Any", {}, None),
    ("int64", {"type": "integer"}, None), ("datetime", {"type": "string"}, None), ("np.ndarray", {}, None), ("", {}, None),
    ("str, required", {"type": "string"}, True), ("Callable[[float], float]", {}, None), ("Set[int]", {
        "type": "array", "items": {"type": "integer"}}, None), ("List[Union[int, float]]", {
            "type": "array", "items": {"type": ["integer", "number"]}}, None),
])
def test_types_in_words_become_schemas(text: str, schema: Any, required: bool | None) -> None:
    assert type_schema(text) == (schema, required)


@pytest.mark.parametrize(("given", "schema"), [
    (None, {"type": "object", "properties": {}}), ({}, {"type": "object", "properties": {}}),
    ({"type": "dict"}, {"type": "object", "properties": {}}),
    (CITY, CITY), (json.dumps(CITY), CITY), ({**CITY, "type": "dict"}, CITY),
    ({"a": {"type": "str"}, "b": {"type": "int, optional"}, "c": {"type": "int", "default": 3}},
     {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"},
                                       "c": {"type": "integer", "default": 3}}, "required": ["a"]}),
    ({"type": "object", "properties": {"a": {"type": "string", "required": True}, "b": {"type": "float"}}},
     {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "number"}}, "required": ["a"]}),
    ({"type": "object", "properties": {"a": {"type": "list", "items": {"type": "dict", "properties": {
        "k": {"type": "int", "required": True}}}}, "gone": None}, "required": None},
     {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "object", "properties": {
         "k": {"type": "integer"}}, "required": ["k"]}}}}),
    ([{"name": "a", "type": "str", "required": True}, {"name": "b", "type": "bool", "required": False}],
     {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "boolean"}}, "required": ["a"]}),
    ({"type": {"type": "str", "description": "what kind"}},
     {"type": "object", "properties": {"type": {"type": "string", "description": "what kind"}}, "required": ["type"]}),
    ({"city": "str", "days": "int, optional"},
     {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]}),
    ({"properties": {"a": {"type": "any"}}}, {"type": "object", "properties": {"a": {}}}),
])
def test_parameters_become_json_schemas(given: Any, schema: Any) -> None:
    before = copy.deepcopy(given)
    assert parameters(given, "parameters") == schema
    assert given == before
    assert parameters(schema, "parameters") == schema


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.sampled_from(
    ["List[", "Dict[str, ", "]", ", optional", "Union[int", "|", "str", "default=", "Literal['"]),
    lambda c: st.lists(c, max_size=3) | st.dictionaries(st.sampled_from(
        ["type", "properties", "items", "required", "anyOf", "default", "a", "enum", "additionalProperties"]), c,
        max_size=4), max_leaves=12))
def test_any_parameters_become_a_schema_or_a_row_error(given: Any) -> None:
    try:
        found = parameters(given, "p")
    except RowError:
        return
    assert found["type"] == "object" and parameters(found, "p") == found
    assert isinstance(is_valid({"a": 1}, found), bool)


# -- cost


def hostile(size: int) -> dict[str, Any]:
    """Rows that are long in every way that a shape has to look for something."""
    call = '<functioncall> {"name": "now", "arguments": \'{"a": "' + "it's 'x', " * (size // 20) + '"}\'}'
    return {
        "glaive": {"system": "", "chat": "USER: " + "'}\n USER " * (size // 10) + "\nASSISTANT: hi"},
        "glaive ": {"system": SAMPLES["glaive"][0]["system"], "chat": f"USER: a\nASSISTANT: {call}"},
        "toolace": {"system": SAMPLES["toolace"][0]["system"], "conversations": [
            {"from": "user", "value": "a"}, {"from": "assistant", "value": "[now(" + "a=[(" * (size // 4)}]},
        "toolace ": {"system": "functions in JSON format " * (size // 25), "conversations": [
            {"from": "user", "value": "a"}, {"from": "assistant", "value": "[ now " * (size // 6)}]},
        "hermes": {"conversations": [{"from": "system", "value": "<tools>" * (size // 7)}, {"from": "human", "value": "a"},
                                     {"from": "gpt", "value": '<tool_call>\n{"name": ' * (size // 21)}]},
        "openchatml": "<|im_start|>assistant\n<|function_call|>" * (size // 39),
        "toolbench": {"conversations": [{"from": "user", "value": "Begin! " * (size // 7)},
                                        {"from": "assistant", "value": "Thought: Action: " * (size // 17)}]},
        "when2call": {"tools": [NOW], "messages": [asked(), said("<TOOLCALL>[" + "[" * size)]},
        "openai": chat(asked(), said("<think> " * (size // 8) + "</think"), tools=[]),
        "xlam": {"query": "a", "tools": "[" * size, "answers": "['" * (size // 2)},
    }


@pytest.mark.parametrize("key", list(hostile(0)))
def test_the_cost_of_a_row_is_linear(key: str) -> None:
    def seconds(size: int) -> float:
        raw, best = hostile(size)[key], float("inf")
        for _ in range(3):
            declared.forget()
            began = time.process_time()
            SHAPES[key.strip()].evidence(raw)
            read_or_refused(SHAPES[key.strip()], raw)
            best = min(best, time.process_time() - began)
        return best

    assert seconds(160_000) < 40 * max(seconds(20_000), 0.002)      # eight times the text; quadratic would be 64 times
