"""An answer of a schema: what every dialect and notation allows then, how it is read, and what one that is none is told."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import toolglot
from test_constraint import judge
from test_constraint_laws import sample
from test_emit_gbnf import deep_stack
from test_free_text import by_llguidance
from toolglot.ask import model_for
from toolglot.engines import EngineError, Rules
from toolglot.engines.json_only import json_rules
from toolglot.engines.llamacpp import LlamaCpp, open_model
from toolglot.engines.scripted import Script, Scripted, ScriptedChat
from toolglot.engines.weights import find_model
from toolglot.grammar import Constraint, answering, constrain
from toolglot.message import Call, Part, Reasoning, Reply, Text, Tool, ToolglotError, User
from toolglot.model import Model
from toolglot.registry import dialects
from toolglot.render import render
from toolglot.reply import Prompted, Replied, Terms, prompted, sent
from toolglot.rules import Caps, Whitespace
from toolglot.schema import validate_answer
from toolglot.spec import Dialect

__all__ = ["deep_stack"]                         # the recogniser of GBNF recurses

EXAMPLES = int(os.environ.get("TOOLGLOT_EXAMPLES", "60"))
SAMPLES = int(os.environ.get("TOOLGLOT_SAMPLES", "25"))
examples = settings(max_examples=max(EXAMPLES // 12, 2), deadline=None, suppress_health_check=list(HealthCheck))
every_dialect = pytest.mark.parametrize("name", dialects())
NOTATIONS = ("lark", "portable_lark", "gbnf", "regex", "structural_tag")
every_notation = pytest.mark.parametrize("notation", NOTATIONS)
# bare content and markers of its own, calls with a marker and without, in JSON, Python and tags, with a space before words
SHAPES = ("hermes", "json", "llama3.1", "pythonic", "xlam-1", "xlam-2", "harmony", "ernie-4.5", "react", "mistral-v2",
          "qwen3-coder", "gemma-4")

F = Tool("f", "", {"type": "object", "properties": {"n": {"type": "integer"}, "name": {"type": "string"}},
                   "required": ["n"]})
# its members are named as a call's are, and may be what a call's are
ANSWER: dict[str, Any] = {"type": "object", "properties": {
    "name": {"type": "string"}, "tags": {"type": "array", "items": {"enum": ["x", "name", "f"]}},
    "arguments": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}}, "required": ["name"]}
RIGHT = [{"name": "Bob"}, {"name": "f", "tags": []}, {"name": "fx", "tags": ["x", "name"], "arguments": {"n": 3}}]
WRONG = [{"name": 3}, {"tags": []}, {"name": "a", "b": 1}, [1], "x", {}]


def write(d: Dialect, value: Any, space: Whitespace = Whitespace(), before: tuple[Part, ...] = ()) -> str:
    text = json.dumps(value, separators=(space.item, space.key), ensure_ascii=False)
    return render(d, Reply((*before, Text(text))))


def held(d: Dialect, notation: str, choice: str, reasoning: str) -> None:
    constraint = constrain(d, [F], choice, answer=ANSWER, reasoning=reasoning)
    accepts, space = judge(constraint, notation), constraint.grammar.space
    before: tuple[Part, ...] = (Reasoning("hm"),) if reasoning == "first" else ()
    for value in RIGHT:
        assert accepts(write(d, value, space, before)), value
    for value in WRONG:
        assert not accepts(write(d, value, space, before)), value
    call = Call("f", {"n": 1, "name": "z"}, "abcdefgh1")
    assert accepts(render(d, [*before, call])) == (choice == "auto")
    assert not accepts(write(d, RIGHT[0], space, before) + "x")
    for parts in ([Text("hello")], [Text(json.dumps(RIGHT[0])), call], [Text("Look:"), call]):
        assert not accepts(render(d, [*before, *parts])), parts


# -- the constraint

@every_dialect
def test_a_reply_is_the_answer_or_calls_and_nothing_else(name: str) -> None:
    held(dialects()[name], "lark", "auto", "none")


@every_notation
@pytest.mark.parametrize("name", SHAPES)
def test_every_notation_says_so(name: str, notation: str) -> None:
    held(dialects()[name], notation, "none", "none")
    held(dialects()[name], notation, "auto", "none")
    if dialects()[name].reasoning:
        held(dialects()[name], notation, "auto", "first")


@every_notation
@pytest.mark.parametrize(("schema", "right", "wrong"), [
    ({"type": "array", "items": {"type": "integer"}, "minItems": 1}, ["[1, 2]"], ["[]", "[true]", "1"]),
    ({"enum": ["yes", "no", 7, None]}, ['"yes"', "7", "null"], ['"maybe"', "yes", "8"]),
    ({"type": "string"}, ['"a \\" b"', '""'], ["a", "1", '"a" "b"']),
    ({"type": ["number", "null"]}, ["-1.5e3", "null"], ["true", "1.", ""]),
    ({"type": "object", "properties": {"a": {"anyOf": [{"const": 1}, {"type": "array", "items": {
        "type": "object", "properties": {"b": {"type": "boolean"}}, "required": ["b"]}}]}}, "required": ["a"]},
     ['{"a": 1}', '{"a": [{"b": true}, {"b": false}]}', '{"a": []}'], ['{"a": [{}]}', '{"a": 2}', "{}"]),
    ({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "integer"}},
     ['{"a": "x", "b": 2}', '{"b": 2}', "{}"], ['{"a": 2}', '{"b": "x"}']),
], ids=["array", "enum", "string", "number", "nested", "members"])
def test_a_schema_of_any_kind(notation: str, schema: dict[str, Any], right: list[str], wrong: list[str]) -> None:
    for choice, dialect in (("none", "qwen3"), ("auto", "json")):
        accepts = judge(toolglot.model(dialect).constrain([F], choice, answer=schema), notation)
        assert [text for text in right if not accepts(text)] == [], dialect
        assert [text for text in wrong if accepts(text)] == [], dialect


@pytest.mark.parametrize("notation", ["lark", "portable_lark", "gbnf", "structural_tag"])
def test_an_object_of_any_members_and_values_that_nest(notation: str) -> None:
    tree = {"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "properties": {
        "left": {"$ref": "#/$defs/node"}}, "additionalProperties": False}}}
    for choice, dialect in (("none", "qwen3"), ("auto", "llama3.1"), ("auto", "harmony")):
        m, d = toolglot.model(dialect), dialects()[dialect]
        accepts = judge(m.constrain([F], choice, answer={"type": "object"}), notation)
        assert accepts(write(d, {"a": [1, {"b": None}], "name": "x"})) and accepts(write(d, {}))
        assert not accepts(write(d, [1])) and not accepts(write(d, "x"))
        accepts = judge(m.constrain([F], choice, answer=tree), notation)
        assert accepts(write(d, {"left": {"left": {}}})) and not accepts(write(d, {"right": {}}))
    with pytest.raises(ToolglotError, match="nest without end"):
        toolglot.model("qwen3").constrain((), "none", answer={"type": "object"}).regex()


@every_notation
def test_the_spacing_may_be_the_models(notation: str) -> None:
    for choice, dialect in (("none", "qwen3"), ("auto", "json")):
        accepts = judge(toolglot.model(dialect).constrain([F], choice, answer=ANSWER, whitespace="flexible"), notation)
        assert accepts(json.dumps(RIGHT[2], indent=2)) and accepts(json.dumps(RIGHT[2], separators=(",", ":")))
        assert not accepts(json.dumps(RIGHT[2], indent=17)) and not accepts("\n" + json.dumps(RIGHT[2]))


@pytest.mark.parametrize("notation", ["lark", "portable_lark", "gbnf"])
def test_the_text_of_a_custom_tool_is_held_to_its_grammar_beside_an_answer(notation: str) -> None:
    sql = {"type": "custom", "name": "sql", "format": {"type": "grammar", "syntax": "lark", "definition":
           'start: "SELECT [" COLUMN "] FROM " NAME\nCOLUMN: /[a-z\\"\\/]+/\nNAME: /[a-z]+/'}}
    for dialect in "json", "llama3.1", "hermes":
        m = toolglot.model(dialect)
        accepts = judge(m.constrain([sql], "auto", answer=ANSWER), notation)
        assert accepts(m.write([Call("sql", {"input": 'SELECT [a"/b] FROM t'})])) and accepts('{"name": "sql"}')
        assert not accepts(m.write([Call("sql", {"input": "DROP t"})]))


def test_where_a_call_is_required_the_answer_does_not_matter() -> None:
    m = toolglot.model("hermes")
    for choice in "required", {"name": "f"}, {"allowed": ["f"]}:
        with_answer = m.constrain([F], choice, answer={"$ref": "nowhere"})
        assert with_answer.lark() == m.constrain([F], choice).lark() and with_answer.answer is None
    either = judge(m.constrain([F], {"allowed": ["f"], "mode": "auto"}, answer=ANSWER), "lark")
    assert either('{"name": "Bob"}') and either(m.write([Call("f", {"n": 1})])) and not either("hello")


def test_a_prompt_that_has_begun_the_answer_is_gone_on_with() -> None:
    d = dialects()["harmony"]
    rest = write(d, RIGHT[0]).removeprefix("<|channel|>final")
    accepts = judge(constrain(d, [F], "none", answer=ANSWER, begun="<|channel|>final"), "lark")
    assert accepts(rest) and not accepts(write(d, RIGHT[0]))


def test_json_schema_for_engines_that_know_nothing_else() -> None:
    m, free = toolglot.model("json"), {"type": "object"}
    assert m.constrain((), "none", answer=free).json_schema() == free
    closed = m.constrain([F], "none", answer=ANSWER).json_schema()
    assert closed["additionalProperties"] is False and closed["properties"]["arguments"]["additionalProperties"] is False
    assert toolglot.model("hermes").constrain([F], "none", answer=ANSWER).json_schema() == closed
    either = m.constrain([F], "auto", answer=ANSWER).json_schema()
    for value, right in [(one, True) for one in RIGHT] + [(one, False) for one in WRONG]:
        assert (validate_answer(json.dumps(value), either) == []) == right, value
    assert validate_answer('{"name": "f", "arguments": {"n": 1, "name": "z"}}', either) == []
    tree = {"type": "object", "properties": {"left": {"$ref": "#"}}, "required": ["left"]}
    for choice in "none", "auto":
        schema = m.constrain([F], choice, answer={"anyOf": [tree, {"$ref": "#/$defs/n"}], "$defs": {"n": {"const": 3}}})
        assert validate_answer('{"left": 3}', schema.json_schema()) == []
        assert validate_answer('{"left": 4}', schema.json_schema()) != []


def test_a_server_that_holds_to_json_alone_is_given_the_answer() -> None:
    def given(dialect: str, choice: Any, answer: Any = ANSWER) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
        rules = json_rules(toolglot.model(dialect).constrain([F], choice, answer=answer), "it")
        assert rules.notation == "json_schema"
        schema = json.loads(rules.text)
        return schema.get("anyOf", [schema]), rules.unenforced

    (answer,), unenforced = given("hermes", "none")
    assert set(answer["properties"]) == {*ANSWER["properties"]} and not any("one call" in one for one in unenforced)
    for choice in ("auto", {"allowed": ["f"], "mode": "auto"}):
        (call, other), unenforced = given("json", choice)
        assert call["properties"]["name"] == {"const": "f"} and other == answer
        assert any("one call a reply" in one for one in unenforced)
        with pytest.raises(EngineError, match="could not hold words"):
            given("json", choice, None)
        with pytest.raises(EngineError, match="cannot say this format's calls"):
            given("hermes", choice)
    assert given("json", "required") == given("json", "required", None)


def test_json_schema_is_refused_where_something_stands_around_the_answer() -> None:
    for name, choice, reasoning in (("harmony", "none", "none"), ("qwen3", "none", "first")):
        with pytest.raises(ToolglotError, match="stands around the answer"):
            constrain(dialects()[name], [F], choice, answer=ANSWER, reasoning=reasoning).json_schema()
    with pytest.raises(ToolglotError, match="not one JSON object"):
        toolglot.model("hermes").constrain([F], "auto", answer=ANSWER).json_schema()


# -- what is said

@pytest.mark.parametrize(("schema", "words"), [
    ({"type": "object", "properties": 5}, "`properties` must be an object"), ({"enum": []}, "`enum`"),
    ({"$ref": "https://example.com/a"}, r"`\$ref` .* is remote"), ({"$ref": "#/$defs/no"}, r"`\$ref` .* leads nowhere"),
    ({"type": "string", "minLength": 3, "maxLength": 1}, "`minLength` is above `maxLength`"),
    ({"type": "array", "items": {"type": "object", "properties": {}, "required": 3}}, "`required`"),
    ([1], "expected a JSON schema"), ("object", "expected a JSON schema")])
def test_a_schema_that_makes_no_sense_is_an_error_that_names_the_answer(schema: Any, words: str) -> None:
    with pytest.raises(ToolglotError, match=f"^the answer's schema: .*{words}"):
        toolglot.model("hermes").constrain([F], "auto", answer=schema)


def test_a_schema_that_is_too_deep_is_an_error() -> None:
    deep: Any = {"type": "string"}
    for _ in range(20_000):
        deep = {"type": "array", "items": deep}
    with pytest.raises(ToolglotError, match=r"^the answer's schema.* nested too deeply"):
        toolglot.model("hermes").constrain((), "none", answer=deep)


def test_what_is_not_held_to_and_what_is_narrower_is_said() -> None:
    m = toolglot.model("hermes")
    odd = {"type": "object", "properties": {"a": {"type": "array", "uniqueItems": True}}}
    constraint = m.constrain([F], "none", answer=odd)
    (sentence,) = constraint.unenforced
    assert sentence.startswith("the answer: ") and "uniqueItems" in sentence
    (sentence,) = constraint.narrowed
    assert sentence.startswith("the answer: ") and "additionalProperties" in sentence
    plain = m.constrain([F], "none", answer={"type": "object"})
    assert plain.unenforced == plain.narrowed == ()
    assert m.constrain([F], "required", answer=odd).unenforced == ()


def test_where_calls_have_no_marker_it_is_said_that_a_value_may_be_read_as_one() -> None:
    for name, choice, tools, told in (("json", "auto", [F], True), ("llama3.1", "auto", [F], True),
                                      ("json", "none", [F], False), ("json", "auto", (), False),
                                      ("hermes", "auto", [F], False)):
        unenforced = constrain(dialects()[name], tools, choice, answer=ANSWER).unenforced
        assert any("read as calls" in one for one in unenforced) == told, name


def test_a_schema_that_its_owner_changes_changes_no_constraint() -> None:
    m, schema = toolglot.model("hermes"), {"type": "object", "properties": {"a": {"type": "integer"}}}
    one = m.constrain((), "none", answer=schema)
    assert m.constrain((), "none", answer=json.loads(json.dumps(schema))) is one
    schema["properties"]["a"]["type"] = "string"
    assert m.constrain((), "none", answer=schema) is not one
    assert judge(one, "lark")('{"a": 1}') and not judge(one, "lark")('{"a": "x"}')


# -- reading

names = st.sampled_from(["name", "arguments", "function", "parameters", "tool_calls", "f", "a"])
scalars = st.none() | st.booleans() | st.integers(-99, 99) | st.text("af<|>{}[]\"\\ \n`é", max_size=8)
values = st.recursive(scalars | st.just([]), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
    names, inner, max_size=3) | st.builds(lambda x: {"name": "f", "arguments": x}, inner), max_leaves=6)
LIKE_CALLS = [{"name": "f", "arguments": {"n": 1}}, [{"name": "f", "arguments": {"n": 1}}], {"a": [{"name": "f",
              "arguments": {"n": 1}}]}, {"tool_calls": [{"name": "f", "arguments": {}}]}, [], "f", "call",
              {"function": "f", "arguments": {}}, {"t": '{"name": "f", "arguments": {"n": 1}}'}]


def is_read(d: Dialect, value: Any, reasons: bool) -> None:
    written = write(d, value, before=(Reasoning("hm"),) if reasons else ())
    reply = Model(answering(d, reasons)).parse(written, (), prompt="")
    assert not reply.calls and not reply.problems and reply.reasoning == ("hm" if reasons else ""), written
    assert json.loads(reply.content) == value


@every_dialect
@examples
@given(value=values)
def test_an_answer_is_read_as_content_whatever_it_looks_like(name: str, value: Any) -> None:
    is_read(dialects()[name], value, False)


@every_dialect
def test_what_looks_like_a_call_is_content_too(name: str) -> None:
    d = dialects()[name]
    call = render(d, [Call("f", {"n": 1}, "abcdefgh1")])
    # a text cannot hold what ends the reply, nor what stands around content: an engine or the format ends it there
    frame = [one for one in (*d.stop, *(n for n in d.content if isinstance(n, str)), "<|end") if one.strip()]
    spelled = [] if any(one.strip() in call for one in frame) else [{"t": call}, call]
    for value in LIKE_CALLS + spelled:
        is_read(d, value, False)
        if d.reasoning:
            is_read(d, value, True)


@every_dialect
def test_whatever_is_sampled_is_read_as_an_answer_or_as_calls(name: str) -> None:
    d = dialects()[name]
    for choice in ("none", "auto") if name in SHAPES else ("auto",):
        grammar = constrain(d, [F], choice, answer=ANSWER, most=1, caps=Caps(string=6, items=2, digits=3)).lark()
        whole = 0
        for seed in range(max(SAMPLES // 3, 3)):
            if (written := sample(grammar, seed, 300)) is None:
                continue
            whole += 1
            called = choice == "auto" and toolglot.model(name).parse(written, [F], prompt="").calls
            if not called:
                reply = Model(answering(d, False)).parse(written, (), prompt="")
                assert not reply.calls and validate_answer(reply.content, ANSWER) == [], written
        assert whole


def test_an_answer_comes_in_pieces_of_any_size() -> None:
    value = {"html": "<tool_call>\n</tool_call>", "name": "f"}
    reader = Model(answering(dialects()["hermes"], False))
    stream = reader.stream((), prompt="")
    events = [event for char in json.dumps(value) for event in stream.feed(char)] + stream.close()
    assert all(isinstance(event, Text) for event in events) and len(events) > 10
    assert json.loads("".join(event.text for event in events if isinstance(event, Text))) == value


# -- the check

@pytest.mark.parametrize(("text", "sentence"), [
    ('{"name": "x"}', None), ('{"name": "x", "more": 1}', None), (" [1]\n", "the answer must be an object"),
    ("Sure!", "the answer is no JSON: .*Sure!"), ("", "the answer is no JSON"), ('{"name": NaN}', "is no JSON"),
    ('{"name": 3}', "`name` must be a string"), ("{}", "`name` is required but missing"),
    ("[" * 100_000, "the answer is no JSON"), ('{"name": "x", "tags": ["y"]}', r"`tags\[0\]` must be one of")])
def test_an_answer_is_checked(text: str, sentence: str | None) -> None:
    found = validate_answer(text, ANSWER)
    if sentence is None:
        assert found == []
    else:
        assert len(found) == 1
        assert re.search(sentence, found[0]), found


def test_a_member_that_may_not_stand_is_no_parameter() -> None:
    closed = {**ANSWER, "additionalProperties": False}
    assert validate_answer('{"name": "x", "more": 1}', closed) == [
        "`more` is not a property; allowed: `name`, `tags`, `arguments`"]


# -- in a reply

def reply_to(script: Script, dialect: str = "qwen3", tools: tuple[Tool, ...] = (F,), choice: Any = "none",
             engine: Scripted | None = None, **terms: Any) -> tuple[Prompted, Replied]:
    engine = engine or Scripted([script])

    async def run() -> list[Any]:
        steps = prompted(toolglot.model(dialect), engine, [User("Who is it?")], tools, choice,
                         Terms(answer=ANSWER, **terms))
        return [step async for step in steps]

    first, *_, last = asyncio.run(run())
    assert isinstance(first, Prompted) and isinstance(last, Replied)
    return first, last


class Loose(Scripted):
    """An engine that can hold a reply to nothing."""

    def rules(self, constraint: Constraint) -> Rules:
        raise EngineError("it cannot")


def test_an_answer_is_a_reply_like_any_other() -> None:
    shown, replied = reply_to('{"name": "Bob"}')
    assert replied.reply.content == '{"name": "Bob"}' and replied.broken == ()
    assert shown.constraint is not None
    accepts = by_llguidance(shown.constraint.text)
    assert accepts('{"name": "Bob"}') and not accepts("Bob")


def test_an_answer_that_looks_like_a_call_runs_nothing() -> None:
    text = '{"name": "f", "arguments": {"n": 1}}'
    for dialect in "json", "llama3.1":
        _, replied = reply_to(text, dialect)
        assert replied.reply.content == text and not replied.reply.calls and replied.broken == ()
    _, replied = reply_to(text, "json", choice="auto", tools=())
    assert replied.reply.content == text


def test_with_tools_a_call_will_do_as_well() -> None:
    m = toolglot.model("qwen3")
    call = m.write([Call("f", {"n": 1})])
    _, replied = reply_to(call, choice="auto")
    assert replied.reply.calls and replied.broken == ()
    _, replied = reply_to('{"name": "Bob"}', choice="auto")
    assert replied.reply.content == '{"name": "Bob"}' and replied.broken == ()
    _, replied = reply_to(json.dumps({"name": "x"}) + "\n" + call, choice="auto")
    assert replied.broken == ("the reply holds words beside its calls, and must be either calls or the answer",)
    _, replied = reply_to("Let me see.\n" + call, choice="auto", constrain=False)
    assert replied.broken == ()                  # nobody held it to anything, and its call can be run


def test_what_no_engine_held_to_the_schema_is_checked_when_it_has_come() -> None:
    for script, right in (('{"name": "Bob"}', True), ("It is Bob.", False), ('{"name": 5}', False)):
        shown, replied = reply_to("", engine=Loose([script]))
        assert shown.constraint is None and shown.unheld == "it cannot"
        assert (replied.broken == ()) == right
        assert reply_to(script, constrain=False)[1].broken == replied.broken
    assert replied.broken == ("`name` must be a string, but came as 5",)
    with pytest.raises(EngineError, match="it cannot"):
        reply_to("", engine=Loose(["x"]), choice="auto")


def test_a_cut_answer_says_so() -> None:
    _, replied = reply_to(['{"name": ', '"Bob"', "}"], max_tokens=2)
    assert replied.broken == ("the reply was cut at 2 tokens before the answer was whole",)


def test_where_a_call_is_due_no_answer_is_asked_for() -> None:
    _, replied = reply_to(toolglot.model("qwen3").write([Call("f", {"n": 1})]), choice="required")
    assert replied.broken == () and replied.reply.calls


def test_reasoning_stands_before_an_answer() -> None:
    _, replied = reply_to('<think>\nIt is "{Bob}".\n</think>\n\n{"name": "Bob"}', thinking=True)
    assert replied.reply.reasoning == 'It is "{Bob}".' and replied.reply.content == '{"name": "Bob"}'
    assert replied.broken == ()


def test_a_chat_api_is_asked_for_the_answer_where_one_may_come() -> None:
    person: Any = {"type": "object", "properties": {"name": {"type": "string"}}}

    async def run(choice: str) -> tuple[Any, Any]:
        chat = ScriptedChat(['{"name": 5}'])
        steps = [step async for step in sent(chat, [User("hi")], (F,), choice, Terms(answer=person))]  # type: ignore[arg-type]
        return chat.requests[0].answer, steps[-1].broken                                     # type: ignore[union-attr]

    for choice in ("none", "auto"):
        assert asyncio.run(run(choice)) == (person, ("`name` must be a string, but came as 5",))
    assert asyncio.run(run("required")) == (None, ("a call was required, and the reply holds none",))


# -- the real model

@pytest.fixture(scope="module")
def engine() -> Iterator[LlamaCpp]:
    pytest.importorskip("xllamacpp", reason="the embedded engine is not installed")
    try:
        path = find_model()
    except EngineError as error:
        pytest.skip(f"no model: {error}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOOLGLOT_THREADS", "1")
        with open_model(path, context=2048) as engine:
            yield engine


def test_the_embedded_model_answers_in_the_schema_where_it_would_not_of_itself(engine: LlamaCpp) -> None:
    person: Mapping[str, Any] = {"type": "object", "properties": {
        "name": {"type": "string"}, "age": {"type": "integer"}, "city": {"enum": ["Paris", "Rome", "Oslo"]}},
        "required": ["name", "age", "city"], "additionalProperties": False}

    async def run(tools: tuple[Tool, ...], choice: str, constrain: bool) -> Replied:
        terms = Terms(answer=person, constrain=constrain, max_tokens=60)
        steps = prompted(model_for(engine.facts), engine, [User("Anna is 31 years old and lives in Rome. Who is she?")],
                         tools, choice, terms)
        last = [step async for step in steps][-1]
        assert isinstance(last, Replied)
        return last

    free = asyncio.run(run((), "none", False))
    assert free.broken != ()                     # a sentence, and no JSON
    for tools, choice in (((), "none"), ((F,), "none"), ((F,), "auto")):
        replied = asyncio.run(run(tools, choice, True))
        assert replied.broken == ()
        if not replied.reply.calls:
            assert json.loads(replied.reply.content)["city"] in ("Paris", "Rome", "Oslo")
    assert json.loads(asyncio.run(run((), "none", True)).reply.content) == {"name": "Anna", "age": 31, "city": "Rome"}
