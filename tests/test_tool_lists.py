"""Tool lists that are code (TypeScript, Python signatures, XML) against the templates that they repeat.

Each is compared with the section of the published template's own rendering, over generated tools; where the
templates are not there, only the literal vectors at the end are tested.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja2.exceptions import UndefinedError

from published import published, shared_or_skip, strings, tool_lists
from toolglot.dialects._functionary import definitions
from toolglot.dialects._signatures import signatures
from toolglot.dialects._typescript import namespace
from toolglot.dialects._xml import functions
from toolglot.message import ToolglotError

USER = [{"role": "user", "content": "Hi"}]


class Listing(NamedTuple):
    """A function for the tool list, the template that it repeats, and what stands around the list there."""

    write: Callable[[Sequence[Any]], str]
    template: str
    before: str
    after: str

    def published(self, tools: Sequence[Any]) -> str:
        _, found, rest = published(self.template, USER, tools, bos_token="").partition(self.before)
        section, ended, _ = rest.rpartition(self.after)
        assert found and ended, f"{self.template} has no tools section"
        return section


LISTINGS = {
    "typescript": Listing(
        namespace,
        "llamacpp__openai-gpt-oss-120b",
        "<|start|>developer<|message|># Tools\n\n",
        "<|end|><|start|>user<|message|>Hi",
    ),
    "signatures": Listing(
        signatures,
        "llamacpp__NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use",
        "Here are the available tools: <tools> ",
        " </tools>Use the following pydantic model",
    ),
    "functionary": Listing(
        definitions,
        "llamacpp__meetkai-functionary-medium-v3.2",
        "\nAvailable functions:\n",
        "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi",
    ),
    "xml": Listing(
        functions,
        "minja__Qwen-Qwen3-Coder-30B-A3B-Instruct",
        "following functions:\n\n<tools>",
        "\n</tools>\n\nIf you choose to call a function ONLY",
    ),
}
each_listing = pytest.mark.parametrize("listing", LISTINGS.values(), ids=LISTINGS)
# the first example compiles the template
generous = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

# -- tools as people write them, and as nobody should -----------------------------------------------------

KEYS = ("city", "unit", "a", "b", "items", "keys", "type", "from", "名")
TYPES = ("string", "integer", "number", "boolean", "array", "object")
WORDS = strings(markup=True)
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False) | WORDS


def values(scalars: st.SearchStrategy[Any] = SCALARS) -> st.SearchStrategy[Any]:
    """Anything that JSON can say."""
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
        max_leaves=5,
    )


def objects(spec: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"type": st.just("object"), "properties": st.dictionaries(st.sampled_from(KEYS), spec, max_size=3)},
        optional={
            "required": st.none() | st.lists(st.sampled_from(KEYS), max_size=3),
            "description": WORDS,
            "additionalProperties": st.booleans() | spec,
            "nullable": st.booleans(),
            "$defs": st.dictionaries(st.sampled_from(KEYS), spec, max_size=1),
        },
    )


def scalar_specs() -> st.SearchStrategy[dict[str, Any]]:
    keys: dict[str, st.SearchStrategy[Any]] = {
        "type": st.sampled_from(TYPES) | st.lists(st.sampled_from(TYPES), max_size=3, unique=True),
        "description": WORDS,
        "default": values(),
        "nullable": st.booleans(),
        "format": WORDS,
        "minimum": SCALARS,
    }
    # an enum's default must be a string for gpt-oss' template; the wild ones below have others
    enums = {"enum": st.lists(WORDS | st.integers(0, 9), max_size=3), "default": WORDS}
    return st.fixed_dictionaries({}, optional=keys) | st.fixed_dictionaries({}, optional={**keys, **enums})


def nested_specs(spec: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    common: dict[str, st.SearchStrategy[Any]] = {"description": WORDS, "default": WORDS, "nullable": st.booleans()}
    array = st.fixed_dictionaries({"type": st.just("array")}, optional={"items": spec, **common})
    unions = st.fixed_dictionaries(
        {}, optional={"oneOf": st.lists(spec, max_size=3), "anyOf": st.lists(spec, max_size=2), **common}
    )
    return array | unions | objects(spec)


SPECS = st.recursive(scalar_specs(), nested_specs, max_leaves=6)
FUNCTIONS = st.fixed_dictionaries(
    {"name": st.sampled_from(("get_weather", "f", "a-b")), "description": WORDS, "parameters": objects(SPECS)},
    optional={
        "strict": st.booleans(),
        "return": st.fixed_dictionaries({"type": st.sampled_from(TYPES)}, optional={"description": WORDS}),
        "extra": values(),
    },
)
# each part is odd now and then: were it always, no template would ever come to its end
TYPE_NAMES = st.sampled_from((*TYPES, *TYPES, "null", "float", "items", "")) | st.lists(
    st.sampled_from(TYPES), max_size=2
)
RARELY = st.integers(0, 9).map(lambda n: n == 0)


def odd(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return RARELY.flatmap(lambda rare: values() if rare else usual)


def wild_specs(spec: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keys: dict[str, st.SearchStrategy[Any]] = {
        "type": odd(TYPE_NAMES),
        "properties": odd(st.dictionaries(st.sampled_from(KEYS), spec, max_size=2)),
        "required": odd(st.lists(st.sampled_from(KEYS), max_size=2) | st.sampled_from(KEYS)),
        "items": odd(spec),
        "enum": odd(st.lists(SCALARS, max_size=2)),
        "oneOf": odd(st.lists(spec, max_size=2)),
        "additionalProperties": odd(spec),
        "description": odd(WORDS),
        "default": odd(WORDS),
        "nullable": values(),
    }
    return odd(st.fixed_dictionaries({}, optional=keys))


WILD_SPECS = st.recursive(wild_specs(st.just({})), wild_specs, max_leaves=3)
WILD_FUNCTIONS = st.fixed_dictionaries(
    {"name": st.just("f"), "description": odd(WORDS), "parameters": odd(objects(WILD_SPECS) | WILD_SPECS)},
    optional={"return": odd(WILD_SPECS), "extra": values()},
) | st.fixed_dictionaries({"name": st.just("f")}, optional={"description": WORDS, "parameters": values()})


def tools_of(function: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    tool = st.fixed_dictionaries({"type": st.just("function"), "function": function})
    return st.lists(tool, min_size=1, max_size=3)


# -- byte for byte ----------------------------------------------------------------------------------------


@each_listing
@given(tools=tool_lists(min_tools=1, any_of=True))
@generous
def test_realistic_tools_are_byte_equal(listing: Listing, tools: list[Any]) -> None:
    shared_or_skip()
    assert listing.write(tools) == listing.published(tools)


@each_listing
@given(tools=tools_of(FUNCTIONS))
@generous
def test_wide_schemas_are_byte_equal(listing: Listing, tools: list[Any]) -> None:
    shared_or_skip()
    ours = listing.write(tools)
    try:
        assert ours == listing.published(tools)
    except TypeError:                        # Functionary's cannot compare variants that have several types each
        assert listing is LISTINGS["functionary"]


@each_listing
@given(tools=tools_of(WILD_FUNCTIONS))
@generous
def test_wild_schemas_are_byte_equal_or_the_template_fails(listing: Listing, tools: list[Any]) -> None:
    shared_or_skip()
    ours = listing.write(tools)
    try:
        theirs = listing.published(tools)
    except (UndefinedError, TypeError, AttributeError, RecursionError):
        return  # then that ours has said something is all there is to ask
    if "built-in method" not in theirs:  # a type named "items" finds a method of Hermes' table, with its address
        assert ours == theirs


def test_function_objects_alone_are_read_as_their_templates_read_them() -> None:
    bare = [
        {"name": "f", "description": "D", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}
    ]
    for name in ("signatures", "xml"):
        assert LISTINGS[name].write(bare) == LISTINGS[name].published(bare)


# -- where the template fails ------------------------------------------------------------------------------


@each_listing
def test_schemas_too_deep_are_refused_by_name(listing: Listing) -> None:
    parameters = {}
    for key in ("properties", "additionalProperties"):
        spec: dict[str, Any] = {"type": "string"}
        for _ in range(100_000):
            spec = {"type": "object", key: {"a": spec} if key == "properties" else spec}
        parameters[key] = spec
    with pytest.raises(ToolglotError, match=r"'deep'.*nested too deeply"):
        listing.write([tool("deep", parameters)])


def test_types_that_hermes_cannot_print() -> None:
    written = signatures([tool("f", {"a": {"type": ["string", "null"]}, "b": {"type": "null"}, "c": {"type": "date"}})])
    assert '"description": "f(a: Union[str,None], b: None, c: Any) - D' in written


def test_tools_that_gpt_oss_cannot_print() -> None:
    bare = [{"type": "function", "function": {"name": "f"}}]
    assert "{\n\ntype f = () => any;\n\n}" in namespace(bare)
    assert 'a?: string, // default: "x",\n' in namespace([tool("f", {"a": {"type": "string", "default": "x"}})])
    assert "a?: any, // default: 2,\n" in namespace([tool("f", {"a": {"enum": [1, 2], "default": 2}})])


# -- literal vectors --------------------------------------------------------------------------------------


def tool(name: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, **more}
    return {"type": "function", "function": {"name": name, "description": "D", "parameters": parameters}}


VECTOR = [
    tool(
        "weather",
        {
            "city": {"type": "string", "description": "Where"},
            "unit": {"type": "string", "enum": ["c", "f"], "default": "c"},
            "days": {"type": "array", "items": {"type": "integer"}, "nullable": True},
            "near": {"type": "object", "properties": {"x": {"type": "number"}, "y": {"type": "number"}}},
            "when": {"oneOf": [{"type": "string", "description": "ISO", "default": "now"}, {"type": "integer"}]},
        },
        required=["city"],
    ),
    tool("now", {}),
]


def test_typescript_vector() -> None:
    assert namespace(VECTOR) == (
        "## functions\n\nnamespace functions {\n\n"
        "// D\ntype weather = (_: {\n"
        "// Where\ncity: string,\n"
        'unit?: "c" | "f", // default: c,\n'
        "days?: number[] | null,\n"
        "near?: {\nx?: \n                number, y?: \n                number},\n"
        'when?: string// ISO                    // default: "now" | \nnumber,\n'
        "}) => any;\n\n"
        "// D\ntype now = () => any;\n\n"
        "} // namespace functions"
    )


def test_signatures_vector() -> None:
    assert signatures(VECTOR) == (
        '{"type": "function", "function": {"name": "weather", "description": '
        '"weather(city: str, unit: str, days: list[Union[]], near: dict, when: Union[]) - D\n\n'
        "    Args:\n        city(str): Where        unit(str):         days(list[Union[]]):         near(dict): "
        '        when(Union[]): ", "parameters": {"type": "object", "properties": {'
        '"city": {"type": "string", "description": "Where"}, '
        '"unit": {"type": "string", "enum": ["c", "f"], "default": "c"}, '
        '"days": {"type": "array", "items": {"type": "integer"}, "nullable": true}, '
        '"near": {"type": "object", "properties": {"x": {"type": "number"}, "y": {"type": "number"}}}, '
        '"when": {"oneOf": [{"type": "string", "description": "ISO", "default": "now"}, {"type": "integer"}]}}, '
        '"required": ["city"]}}\n'
        '{"type": "function", "function": {"name": "now", "description": "now() - D\n\n", "parameters": {}}'
    )


def test_signatures_return_vector() -> None:
    function = {"name": "f", "description": "D", "parameters": {}, "return": {"type": "number", "description": "R"}}
    assert signatures([{"type": "function", "function": function}]) == (
        '{"type": "function", "function": {"name": "f", "description": "f() -> float - D\n\n'
        '\n    Returns:\n        R", "parameters": {}}'
    )


def test_xml_vector() -> None:
    assert functions(VECTOR) == (
        "\n<function>\n<name>weather</name>\n<description>D</description>\n<parameters>"
        "\n<parameter>\n<name>city</name>\n<type>string</type>\n<description>Where</description>\n</parameter>"
        "\n<parameter>\n<name>unit</name>\n<type>string</type>\n<enum>['c', 'f']</enum>\n<default>c</default>"
        "\n</parameter>"
        "\n<parameter>\n<name>days</name>\n<type>array</type>"
        '\n<items>{"type": "integer"}</items>\n<nullable>True</nullable>\n</parameter>'
        "\n<parameter>\n<name>near</name>\n<type>object</type>"
        '\n<properties>{"x": {"type": "number"}, "y": {"type": "number"}}</properties>\n</parameter>'
        "\n<parameter>\n<name>when</name>"
        "\n<oneOf>[{'type': 'string', 'description': 'ISO', 'default': 'now'}, {'type': 'integer'}]</oneOf>"
        "\n</parameter>"
        "\n<required>['city']</required>"
        "\n</parameters>\n</function>"
        "\n<function>\n<name>now</name>\n<description>D</description>\n<parameters>\n</parameters>\n</function>"
    )


@each_listing
def test_vectors_are_what_the_template_prints(listing: Listing) -> None:
    assert listing.write(VECTOR) == listing.published(VECTOR)


@each_listing
def test_many_parameters_take_no_time(listing: Listing) -> None:
    """Ten thousand parameters: quadratic work would take minutes."""
    wide = {f"p{i}": {"type": "string", "enum": ["x"] * 100, "description": "d" * 100} for i in range(10_000)}
    assert len(listing.write([tool("f", wide)])) > 1_000_000
