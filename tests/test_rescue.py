"""Calls in the wrong shape: what is one, what is none, and the laws of both, whole and streaming."""

from __future__ import annotations

import json
import random
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import strategies
import toolglot
from test_laws import EXAMPLES, every_dialect, fed, well_nested
from toolglot import schema
from toolglot.check import loss
from toolglot.message import Call, Event, Reply, Text, fold
from toolglot.model import Model
from toolglot.render import render
from toolglot.rescue import KINDS
from toolglot.schema import validate
from toolglot.spec import Dialect

examples = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


def tool(name: str, required: list[str], **properties: Any) -> dict[str, Any]:
    return {"name": name, "parameters": {"type": "object", "properties": properties, "required": required}}


STRING, INTEGER, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
STRINGS = {"type": "array", "items": STRING}
UNIT = {"type": "string", "enum": ["celsius", "fahrenheit"]}
TOOLS = [tool("get_weather", ["city"], city=STRING, days=INTEGER, unit=UNIT, tags=STRINGS, metric={"type": "boolean"}),
         tool("math.hypot", ["x", "y"], x=NUMBER, y=NUMBER),
         tool("search", ["query"], query=STRING, options={"type": "object"}, max_results=INTEGER),
         tool("now", [])]
PARIS = ("get_weather", {"city": "Paris"})
PARIS_3 = ("get_weather", {"city": "Paris", "days": 3})
TWO = [PARIS, ("get_weather", {"city": "Rome"})]


def calls(reply: Reply) -> list[tuple[str, dict[str, Any]]]:
    return [(call.name, call.arguments) for call in reply.calls]


def read(text: str, **more: Any) -> list[tuple[str, dict[str, Any]]]:
    return calls(toolglot.rescue(text, TOOLS, **more))


# -- shapes, by what they were seen as: the text, and the calls in it

SHAPES: dict[str, list[tuple[str, Any]]] = {
    "fence": [
        ("```python\nget_weather(city='Paris')\n```", [PARIS]),
        ('```json\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n```', [PARIS]),
        ('```json\n[{"name": "get_weather", "parameters": {"city": "Paris"}}]\n```\nDone.', [PARIS]),
        ("```[get_weather(city='Paris'), get_weather(city='Rome')]```", TWO),
        ("`get_weather(city='Paris')`", [PARIS]),
    ],
    "wrong wrapper": [
        ('<|im_start|>\n{"arguments": {"city": "Paris"}, "name": "get_weather"}\n<|im_start|>', [PARIS]),
        ('<?xml\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</xml>', [PARIS]),
        ('[TOOL_CALLS][{"name": "get_weather", "arguments": {"city": "Paris"}}]', [PARIS]),
        ('{"tool_calls": [{"type": "function", "function": {"name": "get_weather", "arguments": {"city": "Paris"}}}]}',
         [PARIS]),
        ('{"function_call": {"name": "get_weather", "arguments": "{\\"city\\": \\"Paris\\"}"}}', [PARIS]),
        ("tools call: [get_weather(city='Paris')]", [PARIS]),
    ],
    "JSON or Python": [
        ("[{'name': 'get_weather', 'arguments': {'city': 'Paris', 'days': 3}}]", [PARIS_3]),
        ("[get_weather(city='Paris', days=3)]", [PARIS_3]),
        ('{"tool": "get_weather", "city": "Paris"}', [PARIS]),
        ('{"get_weather": {"city": "Paris"}, "math.hypot": {"x": 1, "y": 2}}', [PARIS, ("math.hypot", {"x": 1, "y": 2})]),
        ('get_weather\n{"city": "Paris"}', [PARIS]),
        ('Action: get_weather\nAction Input: {"city": "Paris"}', [PARIS]),
        ('✿FUNCTION✿: get_weather\n✿ARGS✿: {"city": "Paris"}\n', [PARIS]),
        ('**get_weather** with {"city": "Paris"}', [PARIS]),
        ('[{"get_weather": "{\\"city\\": \\"Paris\\"}"}, {"now": "{}"}]', [PARIS, ("now", {})]),
        ("get_weather.call(city='Paris')", [PARIS]),
        ("[['get_weather', {'city': 'Paris'}], ('get_weather', {'city': 'Rome'})]", TWO),
        ("['get_weather', 'city=Paris', 'days=3']", [PARIS_3]),
        ("<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n</function>", [PARIS]),
        ('<invoke name="get_weather"><parameter name="city">Paris</parameter><parameter name="days">3</parameter></invoke>',
         [PARIS_3]),
        ("<get_weather><city>Paris</city></get_weather>", [PARIS]),
        ("now()", [("now", {})]),
        ('{"name": "now"}', [("now", {})]),
    ],
    "quoted": [
        ("['get_weather(city=\"Paris\")']", [PARIS]),
        ("['get_weather(city='Paris')', 'get_weather(city='Rome')']", TWO),
        ('["get_weather(city=\\"Paris\\")"]', [PARIS]),
        ("['get_weather'(city='Paris')]", [PARIS]),
        ("['get_weather(city=\"Paris\", tags=[\"a\"]')]", [("get_weather", {"city": "Paris", "tags": ["a"]})]),
    ],
    "words around": [
        ("Sure, here it is:\n\n[get_weather(city='Paris')]\n\nNote: days is left at its default.", [PARIS]),
        ("1. First:\nget_weather(city='Paris')\n2. Then:\nget_weather(city='Rome')", TWO),
        ("I'll look that up.get_weather\n{\"city\": \"Paris\"}", [PARIS]),
        ("[get_weather(city='Paris')]\n[get_weather(city='Rome')]", TWO),
        ("get_weather(city='Paris'); get_weather(city='Rome');", TWO),
        ("[get_weather(city='Paris')]\n\nIn full:\n\n[get_weather(city='Paris')]", [PARIS]),
        ("print(get_weather(city='Paris'))", [PARIS]),
    ],
    "positional": [
        ("get_weather({'city': 'Paris'})", [PARIS]),
        ("get_weather('Paris', 3)", [PARIS_3]),
        ("get_weather('Paris', days=3)", [PARIS_3]),
        ("get_weather({'city': 'Paris'}, {'city': 'Rome'})", TWO),
    ],
    "literals": [
        ("{name: get_weather, arguments: {city: Paris}}", [PARIS]),
        ("get_weather(city=\"St. John's\")", [("get_weather", {"city": "St. John's"})]),
        ("get_weather(city='St. John's')", [("get_weather", {"city": "St. John's"})]),
        ('{"name": "get_weather", "arguments": {"city": "Paris", "metric": True, "days": None}}',
         [("get_weather", {"city": "Paris", "metric": True})]),
        ("get_weather(city='Paris', metric=true, days=null)", [("get_weather", {"city": "Paris", "metric": True})]),
        ("get_weather(city=“Paris”)", [PARIS]),
        ('{"name": "get_weather", "arguments": {"city": "Paris",}}', [PARIS]),
        ('{"name": "get_weather", "arguments": {"city": "Paris"}', [PARIS]),
        ('{"name": "get_weather", "arguments": {"city": "Paris"}}}', [PARIS]),
        ("get_weather(city='Paris' days=3)", [PARIS_3]),
        ("get_weather(city: 'Paris', days: 3)", [PARIS_3]),
    ],
    "escaped underscores": [
        ("[get\\_weather(city='Paris')]", [PARIS]),
        ('{"name": "get\\_weather", "arguments": {"city": "New\\_York"}}', [("get_weather", {"city": "New_York"})]),
    ],
    "escaped parameters": [
        ("search(query='a', max\\_results=3)", [("search", {"query": "a", "max_results": 3})]),
    ],
    "names": [
        ("math_hypot(x=3, y=4)", [("math.hypot", {"x": 3, "y": 4})]),
        ('{"name": "math_hypot", "arguments": {"x": 3, "y": 4}}', [("math.hypot", {"x": 3, "y": 4})]),
        ("functions.get_weather(city='Paris')", [PARIS]),
    ],
    "depth": [
        ('{"name": "get_weather", "arguments": {"arguments": {"city": "Paris"}}}', [PARIS]),
        ('{"name": "get_weather", "arguments": "{\\"city\\": \\"Paris\\"}"}', [PARIS]),
        ("get_weather(params={'city': 'Paris'})", [PARIS]),
        ('{"name": "get_weather", "arguments": [{"city": "Paris"}]}', [PARIS]),
    ],
    "expressions": [
        ("math.hypot(x=10-5, y=2*3)", [("math.hypot", {"x": 5, "y": 6})]),
        ("math.hypot(10 - 5, 2**3 / 4)", [("math.hypot", {"x": 5, "y": 2.0})]),
    ],
    "nested": [
        ("search(query=get_weather(city='Paris'))", [PARIS]),
        ("math.hypot(x=get_weather(city='Paris'), y=1)", [PARIS]),
    ],
    "lists for one value": [
        ("get_weather(city=['Paris', 'Rome'])", TWO),
        ("math.hypot(x=[1, 2], y=[3, 4])", [("math.hypot", {"x": 1, "y": 3}), ("math.hypot", {"x": 2, "y": 4})]),
    ],
    "schema": [
        ("get_weather(city='Paris', days='3')", [PARIS_3]),
        ("get_weather(city='Paris', tags='a')", [("get_weather", {"city": "Paris", "tags": ["a"]})]),
        ("get_weather(city='Paris', unit='Celsius')", [("get_weather", {"city": "Paris", "unit": "celsius"})]),
    ],
}
CASES = [pytest.param(text, wanted, id=f"{kind}-{n}") for kind, some in SHAPES.items()
         for n, (text, wanted) in enumerate(some)]


@pytest.mark.parametrize(("text", "wanted"), CASES)
def test_a_shape(text: str, wanted: list[Any]) -> None:
    reply = toolglot.rescue(text, TOOLS)
    assert calls(reply) == wanted
    assert reply.repairs or text == json.dumps({"name": wanted[0][0], "arguments": wanted[0][1]})
    for repair in reply.repairs:
        assert 0 <= repair.offset <= len(text) and repair.before != repair.after
    cut = json.dumps([[name, given] for name, given in wanted])
    assert all(type(part) is not Text or "get_weather(" not in part.text for part in reply.parts), cut


NO_CALLS = [
    # words that mention a function
    "You can use get_weather for that.", "The function `get_weather` takes a city, e.g. get_weather (Paris) maybe.",
    "You can use get_weather(city='Paris') to see.", "Call `get_weather(city='Paris')` and then tell me.",
    "First get_weather(city='Paris'), then get_weather(city='Rome') is what I would do.",
    "get_weather", "get_weather()", "search engines {are great}", "I would now (really) search.",
    # a definition, an import, code of another kind
    "def get_weather(city):\n    return city", "function get_weather(city = 'Paris') { return city }", "import get_weather",
    "class search(query='x'): pass",
    "def get_weather(city):\n    return 'sunny'\n\nget_weather('Paris')\nprint(get_weather(city='Rome'))",
    "my_get_weather(city='Paris')", "list.search(query='x')",
    # a refusal
    "None of the provided functions can answer this. For the record: get_weather(city='Paris')",
    "I'm sorry, but I do not know that. get_weather(city='Paris')", "I am unable to do that.\n[get_weather(city='Paris')]",
    "I cannot use a function for that, but it would look like get_weather(city='Paris')",
    "The function get_weather does not give prices.\n\n[get_weather(city='Paris')]",
    # placeholders
    "get_weather(city='<city>')", "get_weather(city='your_city')", "get_weather(city='...')", "get_weather(city=city)",
    "get_weather(city='')", "get_weather(city='[city]')", "get_weather(city='CITY')", "get_weather(city='city_name')",
    "get_weather(city='{your city}')", "get_weather(city='CITY_HERE')",
    '{"name": "get_weather", "arguments": {"city": "YOUR CITY"}}', "[get_weather(city='X')] Replace X with your town.",
    # not this function's arguments
    "- `search(query: string)`: looks things up", "search(query: str) -> list", "never call get_weather(city='Paris')",
    "Right now {}", '{"name": "now", "description": "Current time"}', "now() : the time",
    "send(body=\"try get_weather(city='P')\")",
    "get_weather(town='Paris')", "get_weather(city='Paris', weekday='Monday')", "get_weather(days=3)",
    "get_weather(city='Paris', days='soon')", "get_weather(city='Paris', unit='kelvin')", "math.hypot(x=a, y=b)",
    "get_weather(city=['Paris', 'Rome'], days=[1, 2, 3])", "math.hypot(x=1, y=2, 3, 4)",
    # not whole
    "get_weather(city='Par", '{"name": "get_weather", "arguments": {"city": "Paris"', "get_weather(city='Paris'",
    '{"name": "get_weather", "arguments": {"city": "Pa', "<function=get_weather><parameter=city>Paris",
    # the tools themselves, and other objects
    json.dumps(TOOLS[0]), json.dumps({"city": "Paris"}), '{"name": "get_weather"}', "[1, 2, 3]", "{}", "",
    # calls of functions that there are none of
    '{"name": "a", "arguments": {}} {"name": "b", "arguments": {}} {"name": "now", "arguments": {}}', "fetch(city='Paris')",
]


@pytest.mark.parametrize("text", NO_CALLS)
def test_no_call(text: str) -> None:
    reply = toolglot.rescue(text, TOOLS)
    assert reply.parts == ((Text(text),) if text else ()) and reply.repairs == ()


def test_without_tools_nothing_is_a_call() -> None:
    for kind in SHAPES.values():
        for text, _ in kind:
            assert toolglot.rescue(text, []).parts == (Text(text),)


def test_what_was_changed_is_said() -> None:
    text = "Here:\n```python\n[get\\_weather(city=Paris, days='1,0' + '00', metric=true)]\n```\nDone."
    reply = toolglot.rescue(text, TOOLS)
    assert calls(reply) == [("get_weather", {"city": "Paris", "days": 1000, "metric": True})]
    assert reply.content == "Here:\n\nDone."
    found = [(r.kind, r.before, r.after, r.path) for r in reply.repairs]
    written = text[text.index("get"):text.index("]")]
    assert found == [
        ("wrapper", "```python\n[", "", ""),
        ("shape", written, '{"name": "get_weather", "arguments": {"city": "Paris", "days": 1000, "metric": true}}', ""),
        ("unquoted", "Paris", '"Paris"', ""), ("expression", "'1,0' + '00'", "1,000", ""),
        ("literal", "true", "True", ""),
        ("name", "get\\_weather", "get_weather", ""), ("thousands", '"1,000"', "1000", "days"),
        ("wrapper", "]\n```", "", "")]
    assert all(r.name == "get_weather" for r in reply.repairs if r.kind != "wrapper")
    for repair in reply.repairs:
        if repair.kind != "thousands":                     # two strings that were put together first
            assert text.startswith(repair.before, repair.offset)
    text = "[get_weather(days='3', city='Paris', tags='3')]"
    reply = toolglot.rescue(text, TOOLS)
    assert [(r.kind, r.path, r.offset) for r in reply.repairs if r.path] == [
        ("number", "days", text.index("3")), ("list", "tags", text.rindex("3"))]


@pytest.mark.parametrize(("kind", "text"), [("spread", "get_weather(city=['Paris', 'Rome'])"),
                                            ("positional", "get_weather('Paris')"), ("number", "get_weather('Paris', '3')"),
                                            ("positional object", "get_weather({'city': 'Paris'})")])
def test_a_kind_of_repair_can_be_refused(kind: str, text: str) -> None:
    assert any(r.kind == kind for r in toolglot.rescue(text, TOOLS).repairs)
    assert all(r.kind != kind for r in toolglot.rescue(text, TOOLS, skip={kind}).repairs)
    assert read(text, skip={kind}) != read(text)


@pytest.mark.parametrize("kind", ["name", "quoted", "quote", "literal", "unquoted", "expression", "escape", "separator",
                                  "closer"])
def test_without_a_kind_of_repair_what_needs_it_is_no_call(kind: str) -> None:
    needing = [text for some in SHAPES.values() for text, _ in some
               if any(r.kind == kind for r in toolglot.rescue(text, TOOLS).repairs)]
    assert needing
    for text in needing:
        reply = toolglot.rescue(text, TOOLS, skip={kind})
        assert len(reply.calls) < len(toolglot.rescue(text, TOOLS).calls)
        assert kind not in {r.kind for r in reply.repairs}


@pytest.mark.parametrize("kind", ["shape", "nothing"])
def test_a_kind_that_cannot_be_left_out(kind: str) -> None:
    with pytest.raises(toolglot.ToolglotError, match=f"{kind}.*spread"):
        toolglot.rescue("", TOOLS, skip={kind})


def test_every_repair_is_of_a_kind_that_is_told_of() -> None:
    told = (Path(__file__).parents[1] / "docs" / "rescue.md").read_text(encoding="utf-8")
    seen = {r.kind for some in SHAPES.values() for text, _ in some for r in toolglot.rescue(text, TOOLS).repairs}
    assert seen <= {*KINDS, *schema.KINDS} and {*KINDS} <= seen
    for kind in {*KINDS, *schema.KINDS}:
        assert f"| {kind} |" in told


def test_a_word_that_the_schema_has_is_no_placeholder() -> None:
    mode, tag = {"type": "string", "enum": ["none", "all"]}, {"type": "string", "default": "n/a"}
    tools = [tool("set", ["mode"], mode=mode, tag=tag)]
    assert calls(toolglot.rescue("set(mode='none', tag='n/a')", tools)) == [("set", {"mode": "none", "tag": "n/a"})]
    assert calls(toolglot.rescue("set(mode='none', tag='unknown')", tools)) == []


def test_a_list_for_what_may_want_all_of_it_is_not_spread() -> None:
    tools = [tool("mail", ["to"], to=STRING, attachments=STRING, address=STRING)]
    assert calls(toolglot.rescue("mail(to='a', attachments=['x', 'y'])", tools)) == []
    assert len(calls(toolglot.rescue("mail(to=['a', 'b'], address='x')", tools))) == 2
    assert len(calls(toolglot.rescue("mail(to='a', address=['x', 'y'])", tools))) == 2


def test_names_that_are_alike() -> None:
    tools = [tool("a.b", [], x=INTEGER), tool("a_b", [], y=INTEGER)]
    for name, own in (("a.b", {"x": 1}), ("a_b", {"y": 1})):
        assert calls(toolglot.rescue(json.dumps({"name": name, "arguments": own}), tools)) == [(name, own)]


# -- laws: whole texts

#: formats whose calls are too far from any common shape: only their own dialect reads them
OWN = {"kimi-k3", "minimax-m3"}
SAID = [Call("get_weather", {"city": 'Saint John\'s, "NB"', "days": 3, "metric": True, "tags": ["a", "b c"]}, "abcdefghi"),
        Call("math.hypot", {"x": 1, "y": 2.5}, "abcdefghj"), Call("get_weather", {"city": "Oslo"}, "abcdefghk")]


@every_dialect
def test_the_calls_of_every_dialect_are_read_without_it(d: Dialect) -> None:
    said = SAID if strategies.has_ids(d) else [replace(call, id=None) for call in SAID]
    for parts in (said, said[:1], [replace(said[0], arguments={"city": "Oslo"})]):
        if not (why := loss(d, Reply(tuple(parts)))):
            text = render(d, Reply(tuple(parts)))
            assert read(text) == ([] if d.name in OWN else [(c.name, c.arguments) for c in parts])
            return
    pytest.skip(f"it cannot say any of them: {why}")


VALUES = ["print('a')\nx = [1, 2]", "C:\\Users\\new\\table", "a, 'b', c", 'say "hi", ok', "it's; it's (fine)",
          "SELECT * FROM t WHERE a='x' AND b=\"y\"", "re.compile(r'\\d+\\.\\w')", "<b>x</b>", '{"a": [1, "b"]}', "😀 ünï",
          "tab\there", "'quoted'", '"quoted"', "a\\_b", "ends with \\", "f(x) = 'y', z", "two\nlines\n", "```\ncode\n```",
          "a\\nb", "007", "2024-05-01"]


@pytest.mark.parametrize("value", VALUES)
def test_a_value_is_what_was_written(value: str) -> None:
    """Whatever it looks like, in every way to write it."""
    given = {"query": value}
    call, listed = f"search(query={value!r})", [f"search(query={value!r})"]
    for text in (json.dumps({"name": "search", "arguments": given}), repr({"name": "search", "arguments": given}), call,
                 json.dumps({"name": "search", "arguments": given}, ensure_ascii=False), f"[{call}, now()]",
                 json.dumps({"name": "search", "arguments": json.dumps(given)}), json.dumps(listed), repr(listed),
                 f"search(query={json.dumps(value)})", f"search\n{json.dumps(given)}", f"search({given!r})",
                 f"<function=search>\n<parameter=query>\n{value}\n</parameter>\n</function>"):
        assert read(text)[:1] == [("search", given)], text


#: a value in doubt: a quote that may have ended it, an expression that is worked out, a function in it
DOUBTFUL = [
    "search(query='SELECT * FROM t WHERE name = 'Bob'')", 'search("DELETE FROM t WHERE n IN ("a") AND id = 5")',
    "search(query='print('a')', max_results=5)", 'search(query="Bob" if x else "Al")', 'search(query="ab" * 3)',
    'search(query="Hello %s" % name)', "search(query=get(1))", "search(query=row['city'])", "search(query=sys.argv[1])",
    "search(query='a'; max_results=1)", "search(query='a', query='b')", "search(query=string)",
    "math.hypot(x=1e400, y=1)", "math.hypot(x=2**3**2, y=1)", "search(query='a', options=dict([('a', 1)]))",
    '{"name": "get_weather", "result": {"city": "x"}}']
#: and what is told in spite of oddities
PLAIN = {
    "search(query=007)": "007", "search(query=2024-05-01)": "2024-05-01", "search(query=3.10)": "3.10",
    "search(query=555-1234)": "555-1234", "search(query=Saint-Denis)": "Saint-Denis",
    r'search(query=r"C:\new")': r"C:\new", 'search(query="say "yes" to it")': 'say "yes" to it',
    "search(query='it's')": "it's", "search(query='a' max_results=1)": "a",
    '{"name": "search", "arguments": {"query": "a"\n "max_results": 1}}': "a",
    '{"name": "search", "arguments": {"query": "\\ud83d\\ude00"}}': "😀"}


@pytest.mark.parametrize("text", DOUBTFUL)
def test_what_is_in_doubt_is_not_believed(text: str) -> None:
    assert [call for call in read(text) if call[0] != "get"] == []


@pytest.mark.parametrize(("text", "value"), PLAIN.items())
def test_an_odd_value_is_what_was_written(text: str, value: str) -> None:
    assert [given["query"] for _, given in read(text)] == [value]


def test_keys_are_left_alone() -> None:
    options = {"*": True, "**/x": 1, "a\\_b": 2, "it's": 3}
    assert read(json.dumps({"name": "search", "arguments": {"query": "a", "options": options}})) == [
        ("search", {"query": "a", "options": options})]


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30))
@examples
def test_a_well_formed_value_is_what_was_written(value: str) -> None:
    own = {"query": value}
    for text in (json.dumps({"name": "search", "arguments": own}), f"search(query={value!r})",
                 json.dumps([f"search({own!r})"])):
        found = read(text)
        assert found == [("search", own)] or not found                 # a placeholder, or a refusal


BITS = st.sampled_from([text for some in SHAPES.values() for text, _ in some] + NO_CALLS + strategies.BITS + [
    "get_weather(", "get_weather(city=", "'Paris'", "city", "(", ")", "[", "]", "{", "}", ",", ":", "=", "'", '"', "\\",
    "\n", "```", "```json\n", "`", "<", ">", "</", "<get_weather>", "<parameter=city>", "</parameter>", "now()", "now", "1",
    "+", "#"])
texts = st.lists(BITS | st.text(max_size=5), max_size=8).map("".join)


@given(texts)
@examples
def test_nothing_is_lost(text: str) -> None:
    reply = toolglot.rescue(text, TOOLS)
    rest = iter(text)
    assert all(c in rest for c in reply.content)                        # in its order
    if not reply.calls:
        assert reply.content == text and reply.repairs == ()
    for call in reply.calls:
        assert call.name in {t["name"] for t in TOOLS}
        assert validate(call.arguments, {t["name"]: t for t in TOOLS}[call.name]["parameters"]) == []


@given(texts, st.integers(0, 2))
@examples
def test_words_before_change_nothing_but_offsets(text: str, lines: int) -> None:
    before = "Well, let me see:\n" + "\n" * lines
    one, other = toolglot.rescue(text, TOOLS), toolglot.rescue(before + text, TOOLS)
    if one.calls and not text[:1].isspace():
        assert calls(one) == calls(other)


# -- laws: a model's text, whole and streaming


def stream(model: Model, text: str, cuts: list[int]) -> list[Event]:
    return fed(model.stream(TOOLS, rescue=True), text, cuts)


@every_dialect
@given(data=st.data())
@examples
def test_how_the_text_is_cut_makes_no_difference(d: Dialect, data: st.DataObject) -> None:
    model = Model(d)
    own = strategies.garbage(d) | texts | st.just(render(d, Reply(tuple(SAID[:1]))))
    text = "".join(data.draw(st.lists(own, max_size=3)))
    whole = model.parse(text, TOOLS, rescue=True)
    for cuts in (range(len(text)), range(0, len(text), 3), data.draw(st.lists(st.integers(0, max(1, len(text)))))):
        events = stream(model, text, list(cuts))
        well_nested(events)
        reply = fold(events)
        assert reply.parts == whole.parts
        assert reply.repairs == whole.repairs and reply.problems == whole.problems


@every_dialect
@given(data=st.data())
@examples
def test_what_the_dialect_reads_well_is_left_alone(d: Dialect, data: st.DataObject) -> None:
    reply = data.draw(strategies.replies(d))
    if loss(d, reply):
        return
    text, model = render(d, reply), Model(d)
    plain = model.parse(text, strategies.TOOLS)
    rescued = model.parse(text, strategies.TOOLS, rescue=True)
    if plain.calls or not re.search("get_weather|now|a.b-c|f", text):
        assert [type(p) for p in rescued.parts] == [type(p) for p in plain.parts] and rescued.content == plain.content
        assert [c.name for c in rescued.calls] == [c.name for c in plain.calls]
        if not rescued.repairs:
            assert rescued.parts == plain.parts


@pytest.mark.parametrize("text", [text for text in NO_CALLS if text])
def test_no_call_in_a_reply(text: str) -> None:
    for name in ("hermes", "qwen3-coder", "harmony"):
        model = toolglot.model(name)
        plain, reply = model.parse(text, TOOLS), model.parse(text, TOOLS, rescue=True)
        assert calls(reply) == calls(plain) and reply.content == plain.content


def test_a_call_of_its_own_that_is_wrong_is_not_lost() -> None:
    text = '<tool_call>\n{"name": "search", "arguments": {"q": "x"}}\n</tool_call>\nnow()'
    reply = toolglot.model("hermes").parse(text, TOOLS, rescue=True)
    assert calls(reply) == [("search", {"q": "x"}), ("now", {})]


@pytest.mark.parametrize(("text", "wanted"), CASES)
def test_a_shape_in_a_reply(text: str, wanted: list[Any]) -> None:
    """The same, from models of four families: in their own format or not, whole or streaming."""
    for name in ("hermes", "mistral-v11", "qwen3-coder", "harmony"):
        model = toolglot.model(name)
        reply = model.parse(text, TOOLS, rescue=True)
        assert calls(reply) == wanted
        assert reply == fold(stream(model, text, list(range(len(text)))))


def test_thinking_is_not_looked_into() -> None:
    text = "<think>\nget_weather(city='Rome')\n</think>\n\nSo:\n[get_weather(city='Paris')]"
    reply = toolglot.model("qwen3").parse(text, TOOLS, rescue=True)
    assert calls(reply) == [PARIS] and "Rome" in reply.reasoning and reply.content.strip() == "So:"


def test_a_call_of_its_own_is_mended() -> None:
    text = '<tool_call>\n{"name": "math_hypot", "arguments": {"x": "3", "y": 4}}\n</tool_call>'
    reply = toolglot.model("hermes").parse(text, TOOLS, rescue=True)
    assert calls(reply) == [("math.hypot", {"x": 3, "y": 4})]
    assert [(r.kind, r.path) for r in reply.repairs] == [("name", ""), ("number", "x")]
    assert text.startswith("math_hypot", reply.repairs[0].offset)


def test_a_call_of_its_own_may_say_what_a_rescued_one_may_not() -> None:
    text = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "unknown", "days": "3"}}\n</tool_call>'
    own = calls(toolglot.model("hermes").parse(text, TOOLS, rescue=True))
    assert own == [("get_weather", {"city": "unknown", "days": 3})]
    assert read(text) == []


def test_a_call_that_went_wrong_is_read_in_another_shape() -> None:
    text = "<tool_call>\nget_weather(city='Paris')\n</tool_call>\nOne moment."
    model = toolglot.model("hermes")
    assert model.parse(text, TOOLS).calls == ()
    reply = model.parse(text, TOOLS, rescue=True)
    assert calls(reply) == [PARIS] and reply.problems == () and reply.content.strip() == "One moment."


def test_words_are_not_held_back_for_nothing() -> None:
    """Brackets, code and tags that name no function come as soon as they are over."""
    parser = toolglot.model("hermes").stream(TOOLS, rescue=True)
    for words in ("Take [1] and {x}.\nA", "```python\nprint(1)\n```\nB", "a < b\nC",
                  "It's now, I'd say; the search is over."):
        fed = "".join(e.text for c in words + " And that is all there is to tell of it, so far" for e in parser.feed(c)
                      if isinstance(e, Text))
        assert fed.strip().startswith(words)
        parser.feed("\n")


# -- time

HOSTILE = [
    "get_weather(", "get_weather(city=", "get_weather(city='", 'get_weather(city="\\', "get_weather(city=(", "[", "{",
    '{"a":', '["get_weather(', '{"name": "get_weather", "arguments": {', "get_weather\n{", "<get_weather><city>",
    "<function=get_weather>", "<get_weather><arg_key>", "get_weather(1+", "get_weather(a b ", "get_weather(city='''",
    "```json\n[", "get_weather, ", "'get_weather'", "get_weather(city=lambda x: ", "no function ", "get_weather(city='x') ",
    '["get_weather", ', "{get_weather:", "get_weather(#\n", '{"get_weather": {"city": "x"}} ', "get_weather(city='x', ",
    "replace ", "{'a': 'b' 'c' ", "(((get_weather", "get_weather(city=<",
    "get_weather[A]", "get_weather(city='x')\nthe tool ", '["get_weather(city=\'a\')"] ']


@pytest.mark.parametrize("bit", HOSTILE)
def test_the_time_grows_with_the_text(bit: str) -> None:
    def seconds(length: int) -> float:
        text = (bit * (length // len(bit) + 1))[:length]
        found = []
        for _ in range(3):
            began = time.process_time()
            toolglot.rescue(text, TOOLS)
            found.append(time.process_time() - began)
        return min(found)

    assert seconds(80_000) < 30 * max(seconds(10_000), 0.001)       # 8 times as long, and not 64 times


def test_no_text_takes_long() -> None:
    """Random mixtures of what is hard to read, as long as a context."""
    chance = random.Random(7)
    for _ in range(20):
        bits = chance.sample(HOSTILE, 3)
        text = "".join(chance.choices(bits, k=100_000 // (sum(map(len, bits)) // 3)))
        began = time.process_time()
        toolglot.rescue(text, TOOLS)
        assert time.process_time() - began < 5
