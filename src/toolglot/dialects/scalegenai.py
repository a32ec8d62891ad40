'''ScaleGenAI's function calling Llama 3, in two generations.

Source: their own client for OpenAI's API, as one user's repository keeps it. Nothing was published with the models.

    TOOL_CALL : [{"name": "get_weather", "arguments": {"city": "Paris"}}]
    Action: get_weather
    Action Input: {"city": "Paris"}

Ugly and true: with a system message of the user, the client tells it twice, once with the tools and once alone; here it
stands once, with the tools. It writes past calls as Python's repr of a list with the key `tool_name`; here they stand as
the model is read to write them. It indents results that are JSON; here they stand as they came. What Llama 3's
own chat template trims off is left out.
'''

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from ..card import Card
from ..message import ToolglotError
from ..spec import CALLS, CONTENT, LIST, NAME, RESULTS, TOOLS, Calls, Dialect, Json, Object
from ._llama3 import HEADERS, SPECIAL, SYSTEM


def nested_tags(tools: Sequence[Mapping[str, Any]]) -> str:
    """The tools as tags within tags, a function's and a parameter's name being a tag too."""
    out = ["<Tools>"]
    for tool in tools:
        function = tool.get("function", tool)
        parameters = _map(function.get("parameters"))
        out += [f"  <{function['name']}>", f"    <description>{function.get('description', '')}</description>",
                "    <parameters>"]
        try:
            if "$defs" in parameters:
                defined = [_tags(spec, key, "        ") for key, spec in _map(parameters["$defs"]).items()]
                out += ["      <definitions>", *chain(*defined), "      </definitions>"]
            out += [*_tags(parameters, "", "      "), "    </parameters>", f"  </{function['name']}>"]
        except RecursionError:
            raise ToolglotError(f"tool {function['name']!r}: its parameters are nested too deeply; flatten the schema"
                                ) from None
    return "\n".join([*out, "</Tools>"])


def _tags(schema: Any, name: str, margin: str) -> list[str]:
    schema = _map(schema)
    inside = [f"{margin}  <{key}>{schema[key]}</{key}>" for key in ("type", "description") if key in schema]
    if "properties" in schema:
        properties = [_tags(spec, key, f"{margin}    ") for key, spec in _map(schema["properties"]).items()]
        inside += [f"{margin}  <properties>", *chain(*properties), f"{margin}  </properties>"]
    if "items" in schema:
        inside += [f"{margin}  <items>", *_tags(schema["items"], "", margin + "    "), f"{margin}  </items>"]
    if "$ref" in schema:
        inside.append(f"{margin}  <ref>{schema['$ref']}</ref>")
    if isinstance(schema.get("enum"), list):
        inside.append(f"{margin}  <enum>{', '.join(map(str, schema['enum']))}</enum>")
    if "default" in schema:
        inside.append(f"{margin}  <default>{schema['default']}</default>")
    return [f"{margin}<{name}>", *inside, f"{margin}</{name}>"] if name else inside


def arrowed(tools: Sequence[Mapping[str, Any]]) -> str:
    """Each tool behind an arrow, its constraints told in its description and its arguments below."""
    functions = [t.get("function", t) for t in tools]
    names = ", ".join([f["name"] for f in functions])
    return "".join(map(_arrowed, functions)) + (
        "Use the following format if using a tool:\nIf a tool errors out or does not return the expected output, please "
        f"try again with a fixed input.\n```\nAction: tool name (one of [{names}]).\nAction Input: the input to the tool, "
        "in a JSON format representing the kwargs (e.g. ```{'input': 'hello world', 'num_beams': 5}```)\n```")


def _arrowed(function: Mapping[str, Any]) -> str:
    parameters = _map(function.get("parameters"))
    required, specs = parameters.get("required") or (), _map(parameters.get("properties"))
    lines = [(key, _map(spec), ", required" if key in required else "") for key, spec in specs.items()]
    said = function.get("description") or ""
    if said:
        said += "Ensure the following constraints are met:\n\n" + "".join(
            [f"  - {key} ({spec.get('type', 'unknown type')}): {_enum(spec)}{_items(spec, ', each item should be ')}\n"
             for key, spec, _ in lines])
    told = "".join([f"  - {key} ({spec.get('type', '')}{must}): {spec.get('description', '')}{_enum(spec)}"
                    f"{_items(spec, ', where each item should be ')}\n" for key, spec, must in lines])
    return f"> Tool Name: {function['name']}\nTool Description: {said}\nTool Args:\n{told}\n"


def _enum(spec: Mapping[str, Any]) -> str:
    options = spec.get("enum")
    return f", should be one of [{', '.join(map(str, options))}]" if isinstance(options, list) and options else ""


def _items(spec: Mapping[str, Any], words: str) -> str:
    items = _map(spec.get("items"))
    return f"{words}{items.get('type', '')}" if items else ""


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


_HELPFUL = "You are a helpful assistant. You have access to the following tools:\n"

_TURNS = replace(
    HEADERS,
    system=("<|start_header_id|>system<|end_header_id|>\n\n", CONTENT, TOOLS, "<|eot_id|>"),
    later_system=SYSTEM,
    default_system=(f"{_HELPFUL}\n",),
    default_with_tools=True,
    results=("<|start_header_id|>user<|end_header_id|>\n\n", RESULTS, "<|eot_id|>"),
    result=("Tool Result:\n", CONTENT),
    result_between="\n\n",
    tools=("If user asks for something trivial that can be done without a tool answer it directly like a normal "
           f"assistant\n\n{'':12}Don't deny like currently i dont have that ability or i am not able to do that\n\n"
           f"{'':12}", LIST),
    listing=nested_tags,
    trim=frozenset({"user", "assistant", "called"}),
    reasoning="none",
)

SCALEGENAI = Dialect(
    "scalegenai",
    calls=Calls((Object({"name": NAME, "arguments": Json()}, also={"tool_name": NAME}),),
                around=("TOOL_CALL : [", CALLS, "]"), between=", ", gap="\n"),
    stop=("<|eot_id|>", "<|end_of_text|>"),
    special=SPECIAL,
    turns=_TURNS,
)

SCALEGENAI_V1 = Dialect(
    "scalegenai-v1",
    calls=Calls(("Action: ", NAME, "\nAction Input: ", Json()), between="\n", gap="\n"),
    stop=("<|eot_id|>", "<|end_of_text|>"),
    special=SPECIAL,
    turns=replace(
        _TURNS,
        default_system=(_HELPFUL,),
        results=(RESULTS,),
        result=("<|start_header_id|>tool<|end_header_id|>\n\n{'response': '", CONTENT, "'}<|eot_id|>"),
        result_between="",
        tools=("You have access to the following tools:\n", LIST),
        listing=arrowed,
        one_call=True,
    ),
)

CARDS = (
    Card(
        SCALEGENAI,
        title="ScaleGenAI's Llama 3 8B MERGED-FC-CALLING",
        tier="multi",
        why="trained to make several calls, in one list",
        verified="its makers' client; the model came without a template for tools",
        models=("llama-?3-(8b|70b)-merged-fc-calling",),
        evidence=("TOOL_CALL : [",),
    ),
    Card(
        SCALEGENAI_V1,
        title="ScaleGenAI's Llama 3 8B and 70B Function-Calling",
        tier="single",
        why="trained to make one call a turn",
        verified="its makers' client; the models came without a template for tools",
        models=("llama-?3-(8b|70b)-function-calling",),
    ),
)
