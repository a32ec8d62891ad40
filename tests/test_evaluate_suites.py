"""The suites of an evaluation: their questions are sound, and each wrong reply is told by its cause."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import toolglot
from published import shared_or_skip
from toolglot.chat import as_turns
from toolglot.engines.scripted import Scripted
from toolglot.evaluate import bfcl, jsonl, recorded, tier
from toolglot.evaluate.item import Accepted, Item, Step, example
from toolglot.evaluate.judge import Judged, equal, judge
from toolglot.evaluate.record import Said
from toolglot.evaluate.replay import replayed
from toolglot.evaluate.tier.drawn import MONTHS
from toolglot.evaluate.tier.everyday import MONEY
from toolglot.message import Call, Text, ToolglotError
from toolglot.schema import validate
from toolglot.tools import as_tools

SEEDS = (0, 1, 2)
ITEMS = tier.suite()
TOOLS = {item.id: as_tools(list(item.tools)) for item in ITEMS}
CALLING = [item for item in ITEMS if item.steps[0].calls]


def said(*calls: Mapping[str, Any], text: str = "", content: str = "", finish: str = "stop", reasoning: str = "") -> Said:
    return Said(text, content, reasoning, calls, (), len(calls), finish, 1, 1, 0.0)


def judged(item: Item, *calls: Mapping[str, Any], step: int = 0, **more: Any) -> Judged:
    return judge(item, item.steps[step], said(*calls, **more), TOOLS[item.id])


def right(step: Step) -> list[dict[str, Any]]:
    return [example(due) for due in step.calls]


# -- the suite of our own --------------------------------------------------------------------------------------


def test_a_seed_draws_the_same_items_everywhere_and_another_one_others() -> None:
    first = {item.id: item.messages[0]["content"] for item in ITEMS}
    assert tier.suite() == ITEMS
    assert first["one-call-01"] == "Get the weather forecast for Oslo for the next 6 days."
    assert first["nested-06"].startswith("Drive the robot to x -6 and y 4, then")
    assert first["reasoning-01"].endswith("it leaves at 19:20 and takes 50 minutes.")
    others = {item.id: item.messages[0]["content"] for item in tier.suite(1)}
    assert others.keys() == first.keys()
    assert sum(others[name] != first[name] for name in first) > 100


@pytest.mark.parametrize("seed", SEEDS)
def test_all_kinds_are_there_and_no_question_twice(seed: int) -> None:
    items = tier.suite(seed)
    assert len({item.id for item in items}) == len(items) == 212
    assert [kind for kind, _ in itertools.groupby(item.kind for item in items)] == list(tier.KINDS)
    assert len({(item.kind, item.messages[0]["content"]) for item in items}) == len(items)
    sizes = {kind: {len(item.tools) for item in items if item.kind == kind} for kind in tier.KINDS}
    assert (sizes["5 tools"], sizes["20 tools"], sizes["100 tools"]) == ({5}, {20}, {100})
    # read once by an engine that keeps prompts
    assert len({json.dumps(item.tools) for item in items if item.kind == "100 tools"}) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_every_accepted_value_keeps_its_tool_s_schema(seed: int) -> None:
    for item in tier.suite(seed):
        shapes = {tool.name: tool.parameters for tool in as_tools(list(item.tools))}
        for due in (due for step in item.steps for due in step.calls):
            first = {name: values[0] for name, values in due.arguments.items()}
            for name, values in due.arguments.items():
                assert len({json.dumps(value) for value in values}) == len(values), (item.id, name)
                for value in values:
                    assert not validate({**first, name: value}, shapes[due.name]), (item.id, name, value)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_conversation_says_what_each_argument_needs(seed: int) -> None:
    for item in tier.suite(seed):
        as_turns(item.messages)
        told = json.dumps(item.tools, ensure_ascii=False) + item.messages[0]["content"]
        for step in item.steps:
            if item.kind != "reasoning":
                for due in step.calls:
                    for name, values in due.arguments.items():
                        assert any(all(_stands(leaf, told) for leaf in _leaves(value)) for value in values), (item.id, name)
            assert len(step.results) == (len(step.calls) if len(item.steps) > 1 else 0), item.id
            told += "".join(_plain(one) for one in step.results) + "".join(str(one["content"]) for one in step.then)


def _plain(result: Any) -> str:
    return json.dumps(result, ensure_ascii=False)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, (dict, list)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _leaves(one)
    else:
        yield value


def _stands(leaf: Any, told: str) -> bool:
    if isinstance(leaf, bool) or leaf is None:
        return True
    if isinstance(leaf, float):
        return f"{leaf:g}" in told
    if date := re.fullmatch(r"(\d+)-(\d+)-(\d+)", str(leaf)):
        return f"{int(date[3])} {MONTHS[int(date[2]) - 1]} {date[1]}" in told
    named = next((name for name, code in MONEY.items() if code == leaf), None)
    return str(leaf) in told or (named is not None and named in told)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_due_is_judged_right_in_any_order(seed: int) -> None:
    for item in tier.suite(seed):
        tools = as_tools(list(item.tools))
        for step in item.steps:
            words = step.words[0] if step.words else ""
            for calls in (right(step), right(step)[::-1]):
                told = said(*calls, content=f"It is {words}, they say.")
                assert judge(item, step, told, tools) == (True, None, ""), item.id


# -- the judge -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("item", CALLING, ids=lambda item: item.id)
def test_each_single_mutation_is_wrong_with_its_cause(item: Item) -> None:
    calls = right(item.steps[0])
    last = calls[-1]
    for name, value in last["arguments"].items():
        others = {key: one for key, one in last["arguments"].items() if key != name}
        assert judged(item, *calls[:-1], {**last, "arguments": others}).cause == "wrong arguments"
        for other in (7_654_321 if isinstance(value, str) else "other", [[["other"]]]):
            assert judged(item, *calls[:-1], _with(last, name, other)).cause == "wrong type"
        if value is not None:
            assert judged(item, *calls[:-1], _with(last, name, _changed(value))).cause == "wrong arguments"
    assert judged(item, *calls[:-1], _with(last, "more", 1)).cause == "wrong arguments"
    assert judged(item, *calls[:-1], {**last, "name": last["name"] + "s"}).cause == "wrong tool"
    assert judged(item, *calls, last).cause == "wrong number"
    assert judged(item, *calls[:-1]).cause == ("wrong number" if calls[:-1] else "no call")


def _with(call: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    return {**call, "arguments": {**call["arguments"], name: value}}


def _changed(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 10_000
        case str():
            return value + " or so"
        case list():
            return [*value, value[0]]
        case dict():
            return {name: _changed(one) for name, one in value.items()}
    raise TypeError(value)


@pytest.mark.parametrize("item", CALLING, ids=lambda item: item.id)
def test_a_right_call_in_a_format_that_was_not_read_is_not_the_model_s_fault(item: Item) -> None:
    calls = right(item.steps[0])
    written = [json.dumps(call, ensure_ascii=False) for call in calls]
    lost = judged(item, text="\n".join(f"[[{one}]]" for one in written))
    assert lost.cause == "format lost"
    assert judged(item, *calls[:-1], text="\n".join(written)).cause == "format lost"
    assert judged(item, text="I could use " + ", ".join(call["name"] for call in calls)).cause == "no call"


def test_a_right_call_that_is_made_twice_is_one_too_many() -> None:
    item = ITEMS[0]
    call = right(item.steps[0])[0]
    assert judged(item, call, call, text=f"{json.dumps(call)}\n{json.dumps(call)}").cause == "wrong number"


def test_a_call_that_only_stands_in_the_reasoning_was_not_made() -> None:
    item = ITEMS[0]
    call = json.dumps(right(item.steps[0])[0])
    assert judged(item, text=f"<think>{call}</think>", reasoning=call).cause == "no call"


def test_a_call_that_nobody_reads_is_found_by_its_names_and_values() -> None:
    item = ITEMS[0]
    text = "<<call>> get_forecast <<with>> city :: Oslo ;; days :: {}"
    assert judged(item, text=text.format(6)).cause == "format lost"
    assert judged(item, text=text.format(60)).cause == "no call"
    assert judged(item, text="You could call get_forecast for Oslo and 6 days").cause == "no call"


def test_a_reply_that_was_cut_before_its_call_is_truncated() -> None:
    item = ITEMS[0]
    assert judged(item, text='{"name": "get_forecast", "argu', finish="length").cause == "truncated"
    assert judged(item, text="Well, let me think", finish="stop").cause == "no call"
    assert judged(item, text="Once upon a time", content="Once upon a time", finish="length").cause == "no call"
    two = next(item for item in ITEMS if item.kind == "parallel")
    assert judged(two, right(two.steps[0])[0], finish="length").cause == "truncated"


def test_where_no_call_is_due_any_is_spurious_and_the_words_count() -> None:
    item = next(item for item in ITEMS if item.id == "none-needed-01")
    call = {"name": item.tools[0]["function"]["name"], "arguments": {}}
    assert judged(item, call, content="Tokyo").cause == "spurious call"
    assert judged(item, content="It is TOKYO!").right
    assert judged(item, content="It is Kyoto.") == (False, "wrong words", "the reply holds none of “Tokyo”")
    assert judged(item).cause == "wrong words"
    assert judged(item, finish="length").cause == "truncated"


@pytest.mark.parametrize(("text", "words", "stands"), [
    ("It costs 1,234.50 euros", "1,234.50", True), ("It costs 11,234.50", "1,234.50", False), ("about 15.5", "5.5", False),
    ("It is 5.", "5", True), ("It is 5.5", "5", False), ("It’s not found", "it's", True), ("a category", "cat", False),
    ("答えは東京です", "東京", True), ("Café", "CAFE\u0301", True)])
def test_words_stand_for_themselves(text: str, words: str, stands: bool) -> None:
    item = Item("", "", (), (), (Step(words=(words,)),))
    assert judge(item, item.steps[0], said(content=text), ()).right == stands


@pytest.mark.parametrize(("value", "accepted", "same"), [
    (1, 1.0, True), (True, 1, False), ("1", 1, False), (None, None, True), ([1, 2], [1.0, 2], True),
    ([2, 1], [1, 2], False), ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True), ({"a": 1}, {"a": 1, "b": 2}, False),
    ("é", "e\u0301", True), ("a", "A", False), ("a b", "ab", False)])
def test_values_are_compared_as_json_has_them(value: Any, accepted: Any, same: bool) -> None:
    assert equal(value, accepted) == same


def test_what_may_be_left_out_may_be() -> None:
    due = Accepted("f", {"x": (1, 2), "y": ("a",)}, frozenset({"y"}))
    item = Item("", "", (), (), (Step((due,)),))

    def cause(**arguments: Any) -> str | None:
        return judge(item, item.steps[0], said({"name": "f", "arguments": arguments}), ()).cause

    assert cause(x=2) is cause(x=1, y="a") is None
    assert cause(x=1, y="b") == cause(y="a") == "wrong arguments"


# -- a file of one's own ---------------------------------------------------------------------------------------

WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]}}}
CALL = {"name": "get_weather", "arguments": {"city": "Oslo"}}
LINE = {"messages": [{"role": "user", "content": "Weather in Oslo?"}], "tools": [WEATHER], "expected": [CALL]}


def own(folder: Path, *lines: Mapping[str, Any]) -> tuple[Item, ...]:
    path = folder / "own.jsonl"
    path.write_text("\n\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    return jsonl.suite(path)


def without(name: str, **more: Any) -> dict[str, Any]:
    return {**{key: value for key, value in LINE.items() if key != name}, **more}


def test_a_line_is_a_question(tmp_path: Path) -> None:
    several = {"name": "get_weather", "accepted": {"city": ["Oslo", "oslo"], "days": [1]}, "optional": ["days"]}
    bye = {"role": "user", "content": "Bye"}
    steps = [{"expected": [several], "results": ["rain"]}, {"words": ["rain"], "then": [bye]},
             {"expected": []}]
    one, two, three = own(tmp_path, LINE, without("expected", steps=steps, id="mine", kind="two"), {**LINE, "expected": []})
    assert (one.id, one.kind, one.steps) == ("own-1", "own", (Step((Accepted("get_weather", {"city": ("Oslo",)}),)),))
    assert (two.id, two.kind, len(two.steps)) == ("mine", "two", 3)
    assert two.steps[0].calls == (Accepted("get_weather", {"city": ("Oslo", "oslo"), "days": (1,)}, frozenset({"days"})),)
    assert three.steps == (Step(),)


@pytest.mark.parametrize(("line", "said"), [
    ({**LINE, "expectd": []}, "`expectd` is no field"), (without("expected"), "found neither"),
    ({**LINE, "steps": [{}]}, "found both"), ({**LINE, "messages": [{"role": "x"}]}, "messages[0].role"),
    ({**LINE, "tools": [{"a": 1}]}, "tools[0]: expected a Tool"),
    ({**LINE, "expected": "x"}, "`expected` must be an array"),
    ({**LINE, "expected": [{"name": "x"}]}, "expected[0].name: no tool of this line is named 'x'"),
    ({**LINE, "expected": [CALL, {"name": "get_weather"}]}, "expected[1]: its own tool refuses it: `city` is required"),
    ({**LINE, "expected": [_with(CALL, "city", 1)]}, "`city` must be a string"),
    ({**LINE, "expected": [{**CALL, "accepted": {}}]}, "either `arguments` or `accepted`"),
    ({**LINE, "expected": [{"name": "get_weather", "accepted": {"city": ["a", 2]}}]}, "must be a string, but came as 2"),
    ({**LINE, "expected": [{**CALL, "optional": ["days"]}]}, "'days' has no accepted value"),
    ({**LINE, "expected": [{**CALL, "optional": ["city"]}]}, "`city` is required"),
    (without("expected", steps=[{"expected": [CALL], "results": [1, 2]}]), "steps[0].results: expected one for each call")])
def test_a_line_that_is_no_question_is_refused_by_its_field(line: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(ToolglotError, match=r"own\.jsonl, line 3") as error:
        own(tmp_path, LINE, line)
    assert said in str(error.value)


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolglotError, match="found no file"):
        jsonl.suite(tmp_path / "nothing")
    with pytest.raises(ToolglotError, match="expected a question on each line"):
        own(tmp_path)
    with pytest.raises(ToolglotError, match="line 3: id: 'a' is that of another line"):
        own(tmp_path, {**LINE, "id": "a"}, {**LINE, "id": "a"})
    (tmp_path / "own.jsonl").write_text("{\n")
    with pytest.raises(ToolglotError, match="line 1: expected an object in JSON"):
        jsonl.suite(tmp_path / "own.jsonl")


# -- the leaderboard's files -----------------------------------------------------------------------------------


def function(name: str, **types: str) -> dict[str, Any]:
    return {"name": name, "description": f"Does {name}.", "parameters": {
        "type": "dict", "properties": {key: {"type": kind, "description": key} for key, kind in types.items()},
        "required": list(types)}}


def lines(path: Path, *rows: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n", encoding="utf-8")


def question(name: str, *functions: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": name, "question": [[{"role": "user", "content": "Go."}]], "function": list(functions)}


CLASS = '''
import time
class MathAPI:
    def __init__(self):
        self.total, self._calls = 0, 0
    def add(self, x: int, times: int = 1):
        self.total += x * times
        self._calls += 1
        return {"total": self.total}
    def fail(self):
        raise ValueError("no")
    def sleep(self, seconds: float):
        time.sleep(seconds)
    def read(self, path: str):
        return open(path).readline()[:5]
    def write(self, path: str):
        open(path, "w").write("x")
    def connect(self, host: str):
        import socket
        socket.create_connection((host, 80))
    def start(self, name: str):
        import subprocess
        subprocess.run([name])
    def eat(self):
        return len(bytearray(1 << 40))
'''


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """A leaderboard of our own: its files, and a class where it has its classes."""
    data = tmp_path / "bfcl_eval" / "data"
    source = tmp_path / "bfcl_eval" / "eval_checker" / "multi_turn_eval" / "func_source_code" / "math_api.py"
    source.parent.mkdir(parents=True)
    source.write_text(CLASS)
    lines(data / "BFCL_v4_simple_python.json", question("simple_python_0", function("a.b", x="integer", y="float")))
    lines(data / "possible_answer" / "BFCL_v4_simple_python.json",
          {"id": "simple_python_0", "ground_truth": [{"a.b": {"x": [1], "y": [2.5, ""]}}]})
    lines(data / "BFCL_v4_simple_java.json", question("simple_java_0", function("c", x="long", y="HashMap")))
    lines(data / "possible_answer" / "BFCL_v4_simple_java.json",
          {"id": "simple_java_0", "ground_truth": [{"c": {"x": [5], "y": [{"k": ["v"]}]}}]})
    lines(data / "BFCL_v4_irrelevance.json", question("irrelevance_0", function("d", x="tuple")))
    lines(data / "BFCL_v4_live_relevance.json", question("live_relevance_0", function("e", x="any")))
    lines(data / "multi_turn_func_doc" / "math_api.json", function("add", x="integer", times="integer"), function("fail"))
    turns = [[{"role": "user", "content": "Add 2."}], [], [{"role": "user", "content": "Add 3 twice."}]]
    lines(data / "BFCL_v4_multi_turn_miss_func.json", {
        "id": "multi_turn_miss_func_0", "question": turns, "initial_config": {}, "involved_classes": ["MathAPI"],
        "missed_function": {"1": ["fail"]}})
    lines(data / "possible_answer" / "BFCL_v4_multi_turn_miss_func.json",
          {"id": "multi_turn_miss_func_0", "ground_truth": [["add(2)"], [], ["add(x=3, times=2)"]]})
    return tmp_path


def test_the_leaderboard_s_files_are_a_suite(board: Path) -> None:
    items = {item.id: item for item in bfcl.suite(board)}
    assert len(items) == 5
    assert [tuple(one.steps[0].calls[0].arguments) for one in items.values() if one.steps[0].calls] == \
        [("x", "y"), ("x", "y"), ("x",)]
    for item in items.values():
        as_tools(list(item.tools))
    python = items["simple_python_0"]
    assert python.tools[0]["function"]["name"] == "a_b"
    properties = python.tools[0]["function"]["parameters"]["properties"]
    assert [one["type"] for one in properties.values()] == ["integer", "number"]
    assert items["simple_java_0"].tools[0]["function"]["parameters"]["properties"]["x"] == {
        "type": "string", "description": "x As source text of Java, of the type long."}
    assert "type" not in items["live_relevance_0"].tools[0]["function"]["parameters"]["properties"]["x"]
    with pytest.raises(ToolglotError, match="holds no category 'simple_javascript'; it holds simple_python, simple_java"):
        bfcl.suite(board, ["simple_javascript"])
    with pytest.raises(ToolglotError, match=r"expected files named BFCL_v4_simple_python\.json"):
        bfcl.suite(board / "bfcl_eval" / "eval_checker")


@pytest.mark.parametrize(("name", "call", "cause"), [
    ("simple_python_0", {"name": "a_b", "arguments": {"x": 1, "y": 2.5}}, None),
    ("simple_python_0", {"name": "a_b", "arguments": {"x": 1}}, "wrong arguments"),       # required, as it is declared
    ("simple_python_0", {"name": "a_b", "arguments": {"x": "1", "y": 2.5}}, "wrong type"),
    ("simple_java_0", {"name": "c", "arguments": {"x": "5L", "y": 'new HashMap<>() {{ put("k", "v"); }}'}}, None),
    ("simple_java_0", {"name": "c", "arguments": {"x": "5", "y": {"k": "v"}}}, "wrong type"),
    ("irrelevance_0", {"name": "d", "arguments": {}}, "spurious call"), ("irrelevance_0", None, None),
    ("live_relevance_0", {"name": "e", "arguments": {}}, None), ("live_relevance_0", None, "no call")])
def test_the_leaderboard_s_rules_judge_its_questions(board: Path, name: str, call: Any, cause: str | None) -> None:
    item = next(item for item in bfcl.suite(board) if item.id == name)
    assert judge(item, item.steps[0], said(*([call] if call else [])), as_tools(list(item.tools))).cause == cause


def test_what_is_installed_is_read_whole() -> None:
    if find_spec("bfcl_eval") is None:
        pytest.skip("bfcl-eval is not installed")
    items = bfcl.suite()
    kinds = Counter(item.kind for item in items)
    assert {*bfcl.CATEGORIES, *bfcl.PLAYED} == set(kinds) and len(items) > 4000
    for item in items:
        tools = as_tools(list(item.tools))
        assert {due.name for step in item.steps for due in step.calls} <= {
            *(tool.name for tool in tools), *(one["function"]["name"] for step in item.steps for one in step.tools),
            "deck"} or item.world


# -- conversations in which calls do something -----------------------------------------------------------------


def the_played(board: Path) -> Item:
    return next(item for item in bfcl.suite(board) if item.world)


def add(x: int, times: int = 1) -> dict[str, Any]:
    return {"name": "add", "arguments": {"x": x, "times": times}}


Replies = Sequence[Sequence[Mapping[str, Any]]]


def played(item: Item, *turns: Replies, seconds: float = 20.0) -> tuple[Judged, int, list[str]]:
    """What comes of a conversation in which the model makes these calls, replies in turns: the verdict, the number of the
    turn, and what the calls came to."""
    told: list[str] = []

    async def run() -> tuple[Judged, int]:
        assert item.world
        async with replayed(item.world, seconds) as replay:
            for number, replies in enumerate(turns):
                for calls in replies:
                    told.extend(await replay.run(calls))
                found = await replay.verdict(item.steps[number])
                if not found.right:
                    return found, number
        return found, len(turns) - 1

    return *asyncio.run(run()), told


def test_a_conversation_is_asked_turn_by_turn_and_its_calls_are_run(board: Path) -> None:
    item, writer = the_played(board), toolglot.model("qwen3")
    words = writer.write([Text("So be it.")])
    calls = [writer.write([Call("add", {"x": 2})]), writer.write([Call("add", {"x": 3, "times": 2})])]
    engine = Scripted([calls[0], words, words, calls[1], words])
    record, = toolglot.evaluate(engine=engine, items=[item], dialects=["qwen3"], constrain="off").records
    assert (record.right, record.step, [one.step for one in record.said]) == (True, 2, [0, 0, 1, 2, 2])
    assert '{"total": 2}' in str(engine.requests[1].prompt) and '{"total": 8}' in str(engine.requests[-1].prompt)


def test_a_turn_ends_where_its_calls_do_not(board: Path) -> None:
    item, again = the_played(board), toolglot.model("qwen3").write([Call("add", {"x": 2})])
    record, = toolglot.evaluate(engine=Scripted([again] * 30), items=[item], dialects=["qwen3"], constrain="off").records
    assert (record.cause, len(record.said)) == ("wrong number", 20)


def test_a_conversation_that_is_cut_before_its_call_is_truncated(board: Path) -> None:
    record, = toolglot.evaluate(engine=Scripted([[*"<tool_call>\n{"]]), items=[the_played(board)], dialects=["qwen3"],
                                constrain="off", max_tokens=12).records
    assert (record.cause, record.step) == ("truncated", 0)


def test_a_conversation_is_right_where_its_state_is(board: Path) -> None:
    item = the_played(board)
    assert played(item, [[add(2)]], [], [[add(3, 2)]]) == ((True, None, ""), 2, ['{"total": 2}', '{"total": 8}'])
    assert played(item, [[add(1)], [add(1)]], [], [[add(3), add(3)]])[0].right           # another way to the same state
    assert played(item, [[add(4), add(-2)]], [], [[add(6)]])[0].right
    assert [one["function"]["name"] for one in item.tools] == ["add"]
    assert [one["function"]["name"] for one in item.steps[0].tools] == ["fail"]          # it comes with the second turn
    assert item.steps[0].then == ({"role": "user", "content": bfcl.MORE},)


@pytest.mark.parametrize(("turns", "step", "cause", "detail"), [
    ([[]], 0, "no call", "add was due"), ([[[add(5)]]], 0, "wrong arguments", "MathAPI.total"),
    ([[[{"name": "fail", "arguments": {}}]]], 0, "wrong tool", "MathAPI.total"),
    ([[[add(2)]], [[add(1)]], [[add(3, 2)]]], 2, "wrong arguments", "MathAPI.total"),    # a call of the turn before shows
    ([[[add(1), add(1)]], [], [[add(8), add(-2)]]], 2, None, ""), ([[[add(0)]] * 20], 0, "wrong number", "20 replies")])
def test_a_conversation_that_goes_wrong_is_told_by_its_cause(board: Path, turns: Any, step: int, cause: str | None,
                                                             detail: str) -> None:
    found, number, _ = played(the_played(board), *turns)
    assert (number, found.cause, detail in found.detail) == (step, cause, True), found


def test_what_the_right_calls_give_has_to_be_given(board: Path) -> None:
    item = the_played(board)
    assert played(item, [[add(2)]], [], [[add(6), add(0)]])[0].right
    lines(board / "bfcl_eval/data/possible_answer/BFCL_v4_multi_turn_miss_func.json",
          {"id": "multi_turn_miss_func_0", "ground_truth": [["add(2)", "fail()"]]})
    found = played(the_played(board), [[add(2)]])[0]
    assert found == (False, "wrong tool", "called add; nothing gave Error: no")
    assert played(the_played(board), [[{"name": "fail", "arguments": {}}], [add(2)]])[0].right


def test_what_a_model_wrote_is_looked_up_and_limited(board: Path) -> None:
    world = the_played(board).world
    assert world
    here = board / "here.txt"
    here.write_text("hello world")
    calls = [("read", {"path": str(here)}), ("write", {"path": str(here)}), ("connect", {"host": "example.org"}),
             ("start", {"name": "true"}), ("eat", {}), ("__init__", {}), ("add", {"y": 1}), ("import os", {}), ("fail", {})]

    async def run() -> list[str]:
        async with replayed(world) as replay:
            return await replay.run([{"name": name, "arguments": arguments} for name, arguments in calls])

    read, write, connect, start, eat, private, argument, code, failed = asyncio.run(run())
    assert read == "hello"
    assert here.read_text() == "hello world" and write == "Error: files can only be read here"
    assert "is not allowed here" in connect and "is not allowed here" in start
    assert eat.startswith("Error:") and private == "Error: no function is named '__init__'"
    assert "unexpected keyword argument 'y'" in argument and code.startswith("Error: no function") and failed == "Error: no"


def test_calls_that_take_too_long_are_killed_and_wrong(board: Path) -> None:
    found = played(the_played(board), [[{"name": "sleep", "arguments": {"seconds": 60}}]], seconds=0.5)[0]
    assert found == (False, "wrong arguments", "the calls took more than 0.5 s, or more memory than there is")


def test_classes_that_are_not_there_are_said(board: Path) -> None:
    (board / "bfcl_eval/eval_checker/multi_turn_eval/func_source_code/math_api.py").unlink()
    with pytest.raises(ToolglotError, match="cannot be loaded: ModuleNotFoundError"):
        played(the_played(board), [])


# -- recorded outputs ------------------------------------------------------------------------------------------


@pytest.fixture
def recordings(tmp_path: Path) -> recorded.Recorded:
    lines(tmp_path / "items.jsonl", {
        "id": "q", "category": "simple", "language": "Python", "question": "Go.", "functions": [function("a.b", x="float")],
        "ground_truth": [{"a.b": {"x": [1.5]}}]})
    raws = [("told", "a_b(x=1.5)"), ("dots", 'Here: {"name": "a.b", "arguments": {"x": 1.5}}'), ("dots", "a.b(x=2.5)"),
            ("dots", "No idea.")]
    text = "\n".join(json.dumps({"model": model, "id": "q", "raw": raw}) for model, raw in raws)
    (tmp_path / "outputs.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "models.json").write_text(json.dumps({"told": {"underscore_names": True}}))
    return recorded.Recorded(tmp_path)


def test_recorded_outputs_are_records_of_each_model(recordings: recorded.Recorded) -> None:
    found = [(model, one.cause, one.setting.dialect) for model, one in recorded.records(recordings)]
    assert found == [("told", None, "rescue"), ("dots", None, "rescue"), ("dots", "wrong arguments", "rescue"),
                     ("dots", "no call", "rescue")]
    by_dialect = [(one.cause, one.said[0].streamed) for _, one in recorded.records(recordings, models={"dots"}, limit=2,
                                                                                  dialect="hermes")]
    assert by_dialect == [("format lost", True), ("no call", True)]


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolglotError, match=r"expected items.jsonl or items.jsonl.gz"):
        _ = recorded.Recorded(tmp_path).questions
    (tmp_path / "outputs.jsonl").write_text('{"model": "m", "id": "q"}\n')
    with pytest.raises(ToolglotError, match=r"outputs\.jsonl, line 1: expected a field 'raw', found model, id"):
        _ = recorded.Recorded(tmp_path).outputs


def test_published_recordings_are_judged_as_they_were_when_the_leaderboard_could_read_them() -> None:
    if not (shared_or_skip() / "recorded").is_dir():
        pytest.skip("no recorded outputs here")
    kept = recorded.Recorded(shared_or_skip() / "recorded")
    sample = [one for one in kept.outputs if "xLAM" in one.model][::9]
    found = [(recorded.record(kept, one), one) for one in sample]
    assert sum(record.right == one.published for record, one in found) >= 0.97 * len(found)
    assert all(record.said[0].valid == len(record.said[0].calls) for record, _ in found if record.right)
