"""Dialects as JSON and as Python: there and back for every dialect, and nothing of a stranger's that should not be."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import toolglot
from strategies import TOOLS
from test_laws import EXAMPLES, every_dialect
from toolglot import exchange
from toolglot.cli import main
from toolglot.exchange import DialectError, broken, from_json, pretty, to_json, to_python
from toolglot.exchange.dialect_json import NODES
from toolglot.exchange.places import PLACES
from toolglot.message import Assistant, Call, Reasoning, Result, System, Text, ToolglotError, User
from toolglot.model import Model
from toolglot.registry import cards, dialects, idioms, in_idiom
from toolglot.spec import NAME, Calls, Custom, Dialect, Json, Node, Object, Pythonic, Slot, Tagged, Template, Turns

QWEN = dialects()["qwen3"]
PARTS = (Reasoning("r"), Text("t"), Call("get_weather", {"s": "Paris", "n": 2, "o": {"a": [1]}}, "abcdefghi"),
         Call("now", {}, "a" * 9))
TURNS = [System("s"), User("hi <x>"), Assistant(PARTS), Result("18", "get_weather", "abcdefghi"),
         Result("{}", "now", "a" * 9), Assistant((Text("ok"),)), User("more")]


# -- JSON ------------------------------------------------------------------------------------------------------


@every_dialect
def test_a_dialect_comes_back_from_json_equal(d: Dialect) -> None:
    said = to_json(d)
    assert from_json(json.loads(json.dumps(said))) == d
    assert json.loads(pretty(said)) == said
    if d.repaired:
        again = dataclasses.replace(d, turns=d.repaired)
        assert from_json(to_json(again)) == again


@pytest.mark.parametrize("idiom", idioms())
def test_so_does_every_idiom(idiom: str) -> None:
    d = in_idiom(cards()["json"], idiom)
    assert d.turns and to_json(d)["turns"]["listing"] == {"idiom": idiom}
    assert from_json(to_json(d)) == d


def test_every_node_has_a_spelling_and_every_template_a_place() -> None:
    assert {*NODES.values(), str, Slot, Custom} == set(get_args(Node))
    templates = {f"{kind.__name__}.{f.name}" for kind in (Dialect, Calls, Turns, Tagged) for f in dataclasses.fields(kind)
                 if str(f.type).startswith("Template")}
    assert templates | {"Object.fields", "Object.also"} == PLACES.keys()
    assert str(dataclasses.fields(Tagged)[0].type) == "Template" and Template


def test_what_is_code_cannot_be_said_and_the_error_names_it() -> None:
    def mine(_: Any) -> str:
        return ""

    assert QWEN.turns
    with pytest.raises(DialectError, match=r"^turns\.listing: 'mine' is code that no dialect of the registry has"):
        to_json(dataclasses.replace(QWEN, turns=dataclasses.replace(QWEN.turns, listing=mine)))
    custom = Calls(("<call>", NAME, Custom(str, mine, mine), "</call>"))
    with pytest.raises(DialectError, match=r"^calls\.each\[2\]: a Custom encoding is code"):
        to_json(Dialect("x", custom))


WRONG: list[tuple[str, Any, str]] = [            # where, what is put there, what is said: of this place, or "= " of another
    ("", 3, "= expected an object with the member 'toolglot', found 3"),
    ("toolglot", 2, ": expected 1, the version that this toolglot knows, found 2"),
    ("nmae", "x", ": expected no such member; those of Dialect are name, calls,"),
    ("name", None, ": expected a text, found null"),
    ("name", " ", ': expected a text that is not blank, found " "'),
    ("stop", "<|im_end|>", ': expected a list of texts, found "<|im_end|>"'),
    ("stop[0]", "", ': expected a text that is not blank, found ""'),
    ("stop", ["x"] * 201, ": expected at most 200 members, found 201"),
    ("call_ends_reasoning", 1, ": expected true or false, found 1"),
    ("calls", [], ": expected an object with each, around,"),
    ("calls.each", "x", ': expected a template, which is a list, found "x"'),
    ("calls.each", [{"object": {"fields": []}}], ": expected the arguments in one encoding, in an object or beside none"),
    ("calls.each[2]", 5, ": expected a literal or an object with one member of slot, either, object, json,"),
    ("calls.each[2]", {"slot": "TEXT"}, '.slot: expected one of ECHO, ID, INDEX, NAME, NUMBER, found "TEXT"'),
    ("calls.each[2]", {"when": {"flag": "tools", "then": ""}}, ": expected a literal or an object"),
    ("calls.each[2]", {"either": []}, ".either: expected at least one text, found []"),
    ("calls.each[2]", "\ud800", ": expected text without halves of surrogate pairs"),
    ("calls.each[1].object.fields[0]", "name", ': expected [key, node], found "name"'),
    ("calls.each[1].object.fields[0][1]", "x", ": expected an object with one member of slot, json, found"),
    ("calls.each[1].object.fields[0][0]", "arguments", "= calls.each[1].object.fields: expected each key once"),
    ("calls.each[1].object.indent", 1_000_000, ": expected a whole number, 0 to 100, found"),
    ("calls.each[1]", {"json": {"separators": ["", ":"]}}, ".json.separators: expected a comma and a colon"),
    ("calls.each[1]", {"delimited": {}}, ".delimited.quote: expected a member of this name, found none"),
    ("calls.each[1]", {"tagged": {"each": ["<a>", {"slot": "VALUE"}]}}, ".tagged.each: expected literals and slots"),
    ("calls.each[1]", {"pythonic": {}}, "= the dialect 'qwen3' cannot be read without doubt: a call names its function 0"),
    ("calls.around", [{"slot": "CALLS"}] * 2, ": expected CALLS once, found it 2 times"),
    ("reasoning", ["<think>"], ": expected null, or TEXT once, found it 0 times"),
    ("reasoning[0]", "<tool_call>", "= the dialect 'qwen3' cannot be read without doubt: reasoning and a call both begin"),
    ("reasoning", [{"either": ["<a>"] * 20}] * 2 + [{"slot": "TEXT"}], ": expected null, or at most 100 spellings"),
    ("turns.tools_at", "nowhere", ': expected one of own, system, first-user, last-user, found "nowhere"'),
    ("turns.trim", ["all"], "[0]: expected one of answer, assistant,"),
    ("turns.id_pattern", "(a+)+b", ": expected null, or characters and classes, each perhaps with {count}"),
    ("turns.header_once", "never", ": expected true, false, or one of results, found"),
    ("turns.listing", {"function": "os.system"}, ': expected null, or {"idiom": NAME} or {"of": DIALECT}, found'),
    ("turns.listing", {"of": "qwen3"}, ".of: expected a dialect of the registry that has a `listing` function"),
    ("turns.date", {"idiom": "sketch"}, ".idiom: expected one of sketch,"),
]


@pytest.mark.parametrize(("at", "what", "said"), WRONG, ids=[f"{at}-{i}" for i, (at, _, _) in enumerate(WRONG)])
def test_what_is_no_dialect_is_said_with_its_place(at: str, what: Any, said: str) -> None:
    keys = [int(number) if number else word for word, number in re.findall(r"([a-z_]+)|\[(\d+)\]", at)]
    with pytest.raises(DialectError) as error:
        from_json(put(to_json(QWEN), keys, what))
    assert str(error.value).startswith(said[2:] if said.startswith("= ") else at + said)


def put(data: Any, where: list[Any], what: Any) -> Any:
    if not where:
        return what
    found = data
    for key in where[:-1]:
        found = found[key]
    found[where[-1]] = what
    return data


def test_a_dialect_too_large_or_too_deep_is_refused_in_no_time() -> None:
    with pytest.raises(DialectError, match="at most 200,000 characters"):
        from_json({"toolglot": 1, "name": "x" * 300_000})
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(DialectError, match="expected JSON"):
        from_json({"toolglot": 1, "name": deep})


SNIPPETS: list[Any] = ["", " ", "\n", "a", "{", "[", "<", None, True, 0, -1, [], {}, {"json": {}}, {"raw": {}},
                       {"pythonic": {}}, {"either": ["a", ""]}, {"either": [""]}, {"delimited": {"quote": "'"}},
                       *({"slot": s.name} for s in Slot)]
SAID = [to_json(d) for d in dialects().values()]


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if at:
        yield at
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from paths(inner, (*at, key))


def mutant(chance: Random, all_of: list[Any], snippets: list[Any]) -> Any:
    """Data with something in it taken away, put in, cut, or exchanged for something of another."""
    data = json.loads(json.dumps(chance.choice(all_of)))
    for _ in range(chance.choice([1, 1, 2])):
        at = chance.choice(list(paths(data)) or [()])
        holder = data
        for key in at[:-1]:
            holder = holder[key]
        other = chance.choice(all_of)
        found = other
        for key in chance.choice(list(paths(other))):
            found = found[key]
        old, do = holder[at[-1]], chance.randrange(4)
        if do == 0:
            del holder[at[-1]]
        elif do == 1 and isinstance(old, str):
            cut = chance.randint(0, len(old))
            holder[at[-1]] = chance.choice([old[:cut], old[cut:]])
        else:
            holder[at[-1]] = json.loads(json.dumps(found)) if do == 2 else chance.choice(snippets)
    return data


@settings(max_examples=EXAMPLES * 10, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_whatever_gets_in_can_be_used_without_an_accident(chance: Random) -> None:
    try:
        d = from_json(mutant(chance, SAID, SNIPPETS))
    except DialectError:
        return
    assert from_json(to_json(d)) == d
    model, tools = Model(d), tuple(TOOLS)
    text = model.write(PARTS)
    for cut in (text, text[: len(text) // 2], f"so {text} {{}}[]<>", text[::-1]):
        model.parse(cut, tools)
    stream = model.stream(tools)
    for c in text:
        stream.feed(c)
    stream.close()
    if d.turns:
        model.prompt(TURNS, tools, today="2025-01-31", thinking=chance.choice([None, True, False]))
    try:
        model.constrain(tools[:2], "required").gbnf()
    except ToolglotError:
        pass


# -- Python ----------------------------------------------------------------------------------------------------


@every_dialect
def test_a_dialect_comes_back_from_python_equal(d: Dialect) -> None:
    there: dict[str, Any] = {}
    exec(to_python(d), there)
    assert there["DIALECT"] == d and hash(there["DIALECT"]) == hash(d)


# -- the proof -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["qwen3", "qwen3.6", "gemma-4", "llama3.1", "harmony", "lfm2", "mistral-v11"])
def test_dialects_that_keep_the_laws_are_proved(name: str) -> None:
    assert broken(dialects()[name]) == []


def test_one_that_breaks_them_is_not_believed() -> None:
    member = Object({"name": NAME, "arguments": Json()})
    twice = Dialect("x", Calls(("<a>", member, "</a>")), reasoning=("<a>", Slot.TEXT, "</b>"))
    assert "both begin with" in broken(twice)[0]
    no_bracket = Calls(("<call>", NAME, " ", Pythonic(), "</call>"))
    assert "read as" in broken(Dialect("x", no_bracket))[0]


# -- files, the facade and the command line --------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.json"
    path.write_text(pretty(to_json(QWEN)), encoding="utf-8")
    return path


def test_a_file_is_a_model(file: Path) -> None:
    mine, known = toolglot.model(str(file)), toolglot.model("qwen3")
    assert mine.dialect == QWEN
    assert str(mine.prompt(TURNS, TOOLS)) == str(known.prompt(TURNS, TOOLS))
    assert mine.parse(known.write(PARTS), TOOLS) == known.parse(known.write(PARTS), TOOLS)
    repaired = dataclasses.replace(dialects()["mistral-v3"])
    file.write_text(pretty(to_json(repaired)), encoding="utf-8")
    assert toolglot.model(str(file), prompts="repaired").dialect.turns == repaired.repaired
    with pytest.raises(ToolglotError, match="says itself how"):
        toolglot.model(str(file), idiom="sketch")


def test_a_dialect_without_prompts_reads_and_says_that_it_cannot_ask(file: Path) -> None:
    file.write_text(pretty(to_json(dataclasses.replace(QWEN, turns=None, special=frozenset()))), encoding="utf-8")
    mine = toolglot.model(str(file))
    assert mine.parse(mine.write(PARTS[2:]), TOOLS).calls[0].name == "get_weather"
    assert mine.constrain(TOOLS, "required").gbnf()
    with pytest.raises(ToolglotError, match="qwen3 has no prompt side"):
        mine.prompt([User("hi")], TOOLS)


@pytest.mark.parametrize(("text", "said"), [
    (None, "expected a file, found no such file; check the path"),
    ("{", "expected JSON in UTF-8, found: Expecting"),
    ("[" * 100_000, "expected JSON in UTF-8, found:"),
    ("[]", "expected an object, found list"),
    ('{"eos_token": ""}', "expected a dialect ('toolglot': 1), a response template, or a tokenizer_config.json with one; "
                          "found an object with 'eos_token'"),
    ('{"toolglot": 1}', "name: expected a member of this name, found none"),
    ('{"response_template": {"fields": {}}}', "fields: expected tool_calls, found none"),
])
def test_a_file_that_is_something_else_is_named(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "x.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(DialectError) as error:
        toolglot.model(str(path))
    assert str(error.value).startswith(f"{path}: {said}")


def test_there_and_back_on_the_command_line(tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.json"
    assert main(["export", "qwen3", "--as", "json", "-o", str(out)]) == 0
    assert main(["import", str(out), "-o", str(file)]) == 0
    assert from_json(json.loads(file.read_text(encoding="utf-8"))) == QWEN
    assert main(["import", str(file)]) == 0 and "kept by all sample replies" in capsys.readouterr().out
    assert main(["show", str(file)]) == 0 and "<tool_call>" in capsys.readouterr().out
    assert main(["import", str(file), "-o", str(tmp_path / "mine.py")]) == 0
    there: dict[str, Any] = {}
    exec((tmp_path / "mine.py").read_text(encoding="utf-8"), there)
    assert there["DIALECT"] == QWEN
    (tmp_path / "reply").write_text(Model(QWEN).write([Call("f", {})]), encoding="utf-8")
    assert main(["parse", str(tmp_path / "reply"), "--dialect", str(file)]) == 0
    assert json.loads(capsys.readouterr().out)["calls"] == [{"name": "f", "arguments": {}}]


def test_constraints_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps([tool.raw for tool in TOOLS[:2]]), encoding="utf-8")
    held = toolglot.model("json").constrain(TOOLS[:2], "required")
    for form in ("lark", "portable-lark", "gbnf", "structural-tag", "json-schema"):
        assert main(["export", "json", "--as", form, "--tools", str(tools), "--choice", "required"]) == 0
        wanted = getattr(held, form.replace("-", "_"))()
        out = capsys.readouterr().out
        assert json.loads(out) == wanted if isinstance(wanted, dict) else out.strip() == wanted.strip()
    assert main(["export", "json", "--as", "regex", "--tools", str(tools)]) == 2        # objects nest without end
    assert main(["export", "qwen3", "--as", "gbnf"]) == 0 and capsys.readouterr().out.startswith("root ::=")


@pytest.mark.parametrize(("command", "said"), [
    (["export", "lfm2", "--as", "response-template"], "transformers has no parser for arguments that are Pythonic"),
    (["export", "qwen3", "--as", "json", "--choice", "none"], "leave out --tools and --choice"),
    (["export", "nothing-of-the-kind", "--as", "json"], "no dialect or model is known"),
    (["export", "qwen3", "--as", "json", "-o", "/nowhere/at/all.json"], "-o /nowhere/at/all.json: No such file"),
    (["import", "nothing.json"], "nothing.json: expected a file, found no such file"),
    (["import", "nothing.json", "-o", "x.yaml"], "-o x.yaml: expected a .py or .json file, found .yaml"),
])
def test_what_cannot_be_is_one_line_and_code_2(command: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) == 2
    errors = capsys.readouterr().err
    assert said in errors and errors.count("\n") == 1


def test_a_file_that_breaks_the_laws_is_not_written_down(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad, out = tmp_path / "bad.json", tmp_path / "out.json"
    said = to_json(Dialect("x", Calls(("<call>", NAME, " ", Pythonic(), "</call>"))))
    bad.write_text(json.dumps(said), encoding="utf-8")
    assert main(["import", str(bad), "-o", str(out)]) == 1
    assert "breaks the laws" in capsys.readouterr().err and not out.exists()


def test_the_public_names_are_there() -> None:
    for name in exchange.__all__:
        assert getattr(exchange, name)
    assert toolglot.dialect_from_json(toolglot.dialect_to_json(QWEN)) == QWEN
    assert toolglot.read_dialect and toolglot.to_response_template and toolglot.from_response_template
