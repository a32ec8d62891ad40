"""The idioms in which zero-shot dialects tell of tools: none may leave out what a call needs."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from published import tool_lists
from toolglot import ToolglotError, model
from toolglot.dialects._idioms import IDIOMS
from toolglot.registry import cards

CIRCLE = {"type": "object", "properties": {"label": {"type": "string", "description": "What stands on it."},
                                           "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
          "required": ["label"]}
BOOK = {"type": "function", "function": {"name": "book", "description": "Book a room.\nOne at a time.", "parameters": {
    "type": "object", "$defs": {"node": CIRCLE}, "required": ["room"], "properties": {
        "beds": {"type": "integer", "description": "How many\nof them.", "default": 2},
        "room": {"type": "string", "enum": ["front", "back"]},
        "floor": {"anyOf": [{"enum": [1, 2]}, {"type": "null"}], "description": "Which floor."},
        "guest": {"type": "object", "properties": {"name": {"type": "string", "description": "In full."}},
                  "required": ["name"]},
        "tree": {"$ref": "#/$defs/node"},
        "notes": {"type": "array", "items": {"type": ["string", "null"]}},
        "any": True}}}}
NOW = {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}

each_idiom = pytest.mark.parametrize("idiom", IDIOMS)


@each_idiom
@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(tools=tool_lists(min_tools=1, any_of=True, descriptions=st.sampled_from(["One thing.", "Grüße, \"you\"", "x < y"])))
def test_every_idiom_names_every_tool_parameter_description_and_value(idiom: str, tools: list[Any]) -> None:
    text = IDIOMS[idiom](tools)
    plain = text.replace("\\\"", '"')
    for tool in tools:
        function = tool["function"]
        assert function["name"] in text and function["description"] in plain
        for name, schema in function["parameters"]["properties"].items():
            assert name in text and schema.get("description", "") in plain
            for value in schema.get("enum", ()):
                assert json.dumps(value, ensure_ascii=False) in text or repr(value) in text


def test_a_sketch_is_a_signature_with_comments() -> None:
    assert IDIOMS["sketch"]([BOOK, NOW]) == """\
// Book a room.
// One at a time.
book(beds?: integer, room: "front" | "back", floor?: 1 | 2 | null, guest?: object, tree?: object, \
notes?: (string | null)[], any?: any)
//   beds: How many
//   of them.
//   floor: Which floor.
now()"""


def test_json_schema_is_the_author_s_own_a_line_a_tool() -> None:
    assert [json.loads(line) for line in IDIOMS["json-schema"]([BOOK, NOW]).split("\n")] == [
        BOOK["function"], NOW["function"]]


def test_typescript_is_a_namespace_of_function_types() -> None:
    assert IDIOMS["typescript"]([BOOK, NOW]) == """\
namespace functions {

// Book a room.
// One at a time.
type book = (_: {
// How many
// of them.
beds?: number, // default: 2
room: "front" | "back",
// Which floor.
floor?: 1 | 2 | null,
guest?: {
  // In full.
  name: string,
},
tree?: {
  // What stands on it.
  label: string,
  children?: object[],
},
notes?: (string | null)[],
any?: any,
}) => any;

type now = () => any;

} // namespace functions"""


def test_python_is_signatures_with_docstrings_that_python_can_read() -> None:
    text = IDIOMS["python"]([BOOK, NOW])
    assert text == '''\
def book(room: Literal['front', 'back'], beds: int = 2, floor: Literal[1, 2] | None = None, guest: dict = None, \
tree: dict = None, notes: list[str | None] = None, any: Any = None):
    """Book a room.
    One at a time.

    Args:
        beds: How many
            of them.
        floor: Which floor.
        guest
            name (str, required): In full.
        tree
            label (str, required): What stands on it.
            children (list[dict])
    """

def now():
    ...'''
    assert [f.name for f in ast.parse(text).body if isinstance(f, ast.FunctionDef)] == ["book", "now"]


def test_markdown_has_a_heading_a_tool_and_a_bullet_a_parameter() -> None:
    assert IDIOMS["markdown"]([BOOK, NOW]) == """\
## book

Book a room.
One at a time.

- beds (integer, default 2): How many
  of them.
- room ("front" | "back", required)
- floor (1 | 2 | null): Which floor.
- guest (object)
  - name (string, required): In full.
- tree (object)
  - label (string, required): What stands on it.
  - children (object[])
- notes ((string | null)[])
- any (any)

## now"""


@each_idiom
@pytest.mark.parametrize("name", [n for n, card in cards().items() if card.framed])
def test_a_zero_shot_dialect_tells_of_its_tools_in_the_idiom_that_is_asked_for(name: str, idiom: str) -> None:
    prompt = str(model(name, idiom=idiom).prompt([{"role": "user", "content": "Hi"}], [BOOK, NOW]))
    assert IDIOMS[idiom]([BOOK, NOW]) in prompt


def test_an_idiom_is_refused_where_there_is_no_choice_or_no_such_idiom() -> None:
    with pytest.raises(ToolglotError, match=r"only zero-shot dialects have a choice: .*json"):
        model("qwen3", idiom="python")
    with pytest.raises(ToolglotError, match="expected one of sketch, json-schema"):
        model("json", idiom="rhyme")
