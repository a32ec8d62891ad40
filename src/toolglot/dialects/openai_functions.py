'''OpenAI's legacy `functions`, as the models of 2023 (gpt-3.5-turbo-0613, gpt-4-0613) were told of them.

Sources: the token counts that hmarr/openai-chat-tokens measured against the live API, which pin the TypeScript below;
openai-python's chatml.md for the frame. What a call and a result look like to the model was never published: here they
stand as ChatML names a speaker and, later, harmony a recipient.

    <|im_start|>assistant to=functions.get_weather
    {"city": "Paris"}<|im_end|>
    <|im_start|>function name=get_weather
    18 C<|im_end|>

Ugly and true: descriptions of nested properties, defaults, formats and `$ref` are not told; a reply makes one call.
'''

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..card import Card
from ..spec import CONTENT, LIST, NAME, REPLY, RESULTS, TEXT, TOOLS, Calls, Dialect, Json, Turns, When

_WORDS = {"string": "string", "number": "number", "integer": "number", "boolean": "boolean", "null": "null"}


def namespace(tools: Sequence[Mapping[str, Any]]) -> str:
    """The functions as types of a TypeScript namespace."""
    types = "".join([_function(tool.get("function", tool)) for tool in tools])
    return f"namespace functions {{\n\n{types}}} // namespace functions"


def _function(function: Mapping[str, Any]) -> str:
    said = f"// {function['description']}\n" if function.get("description") else ""
    parameters = function.get("parameters") or {}
    signature = f"(_: {_object(parameters, 0)})" if parameters.get("properties") else "()"
    return f"{said}type {function['name']} = {signature} => any;\n\n"


def _object(schema: Mapping[str, Any], depth: int) -> str:
    required = schema.get("required") or ()
    return "{\n" + "".join([_property(key, spec if isinstance(spec, Mapping) else {}, key in required, depth)
                            for key, spec in (schema.get("properties") or {}).items()]) + "  " * (depth - 1) + "}"


def _property(name: str, schema: Mapping[str, Any], required: bool, depth: int) -> str:
    said = f"// {schema['description']}\n" if schema.get("description") and not depth else ""
    return f"{said}{'  ' * depth}{name}{'' if required else '?'}: {_type(schema, depth)},\n"


def _type(schema: Any, depth: int) -> str:
    if not isinstance(schema, Mapping):
        return "any"
    kind = schema.get("type")
    if isinstance(schema.get("anyOf"), list):
        return " | ".join([_type(s, depth) for s in schema["anyOf"]])
    if isinstance(schema.get("enum"), list):
        return " | ".join([f'"{v}"' if isinstance(v, str) else str(v) for v in schema["enum"]])
    if isinstance(kind, list):
        return " | ".join([_type({**schema, "type": k}, depth) for k in kind])
    if kind == "array":
        return f"{_type(schema['items'], depth)}[]" if schema.get("items") else "any[]"
    if kind == "object":
        return _object(schema, depth + 1)
    return _WORDS.get(str(kind), "any")


OPENAI_FUNCTIONS = Dialect(
    "openai-functions",
    calls=Calls((" to=functions.", NAME, "\n", Json())),
    content=("\n", TEXT),
    stop=("<|im_end|>",),
    special=frozenset({"<|im_start|>", "<|im_end|>"}),
    turns=Turns(
        system=("<|im_start|>system\n", CONTENT, When("both", "\n\n"), TOOLS, "<|im_end|>\n"),
        later_system=("<|im_start|>system\n", CONTENT, "<|im_end|>\n"),
        user=("<|im_start|>user\n", CONTENT, "<|im_end|>\n"),
        assistant=("<|im_start|>assistant", REPLY, "<|im_end|>\n"),
        results=(RESULTS,),
        result=("<|im_start|>function name=", NAME, "\n", CONTENT, "<|im_end|>\n"),
        reply_starts=("<|im_start|>assistant",),
        tools=("# Tools\n\n## functions\n\n", LIST),
        listing=namespace,
        content_with_calls="dropped",
        one_call=True,
        reasoning="none",
    ),
)

CARDS = (
    Card(
        OPENAI_FUNCTIONS,
        title="gpt-3.5-turbo and gpt-4 of 2023, as OpenAI's legacy `functions` told them",
        tier="full",
        why="trained for one call a reply, with an API, client library and documents; OpenAI's tools took its place",
        verified="the functions against 36 token counts of the live API; the exact bytes of calls and results were never "
                 "published",
        models=("gpt-3\\.5-turbo-0613", "gpt-4-0613", "gpt-4-32k-0613"),
    ),
)
