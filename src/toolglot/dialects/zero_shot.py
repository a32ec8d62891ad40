'''`json`: for models that were never trained for tools, in whatever frame their chat template gives.

Nobody published this format; it is ours. A call is one JSON object, and begins the reply:

    {"name": "get_weather", "arguments": {"city": "Paris"}}

The tools are told as signatures with comments, in the system message and without examples: so small a model copies
examples, and tools in the question spoil its choice (`bench/questions.py` measures what this layout gives). Results come
back as plain words in a turn of their own.
'''

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..schema import resolve, types_of
from ..spec import CONTENT, LIST, NAME, RESULTS, TOOLS, Calls, Dialect, Json, Object, When
from ._chatml import CHATML, SYSTEM


def sketches(tools: Sequence[Mapping[str, Any]]) -> str:
    """`name(p: type, q?: type)` for each tool, its description before and its parameters' below, as comments."""
    return "\n".join([line for tool in tools for line in _sketch(tool.get("function", tool))])


def _sketch(function: Mapping[str, Any]) -> list[str]:
    root = function.get("parameters") or {}
    properties = root.get("properties") or {}
    required = root.get("required") or ()
    signature = ", ".join([f"{k}{'' if k in required else '?'}: {_type(s, root)}" for k, s in properties.items()])
    described = [f"//   {k}: {s['description']}" for k, s in properties.items()
                 if isinstance(s, Mapping) and s.get("description")]
    return [*([f"// {function['description']}"] if function.get("description") else []),
            f"{function['name']}({signature})", *described]


def _type(schema: Any, root: Any) -> str:
    flat = resolve(schema, root)
    if isinstance(flat.get("enum"), list) and flat["enum"]:
        return " | ".join([f'"{v}"' if isinstance(v, str) else str(v) for v in flat["enum"]])
    names = types_of(schema, root) or ("any",)
    return " | ".join([f"{_type(flat.get('items'), root)}[]" if n == "array" else n for n in names])


JSON = Dialect(
    "json",
    calls=Calls((Object({"name": NAME, "arguments": Json()}, also={"parameters": Json(), "function": NAME}),),
                between="\n", at_start=True),
    stop=("<|im_end|>", "<|endoftext|>"),
    special=frozenset({"<|im_start|>", "<|im_end|>"}),
    turns=replace(
        CHATML,
        system=("<|im_start|>system\n", CONTENT, When("tools", "\n\n"), TOOLS, "<|im_end|>\n"),
        later_system=SYSTEM,
        default_system=("You are a helpful assistant with access to these tools:",),
        default_with_tools=True,
        tools=(LIST, '\n\nTo use a tool, reply only with a JSON object {"name": "tool name", "arguments": {...}}.'),
        listing=sketches,
        results=("<|im_start|>tool\n", RESULTS, "<|im_end|>\n"),
        result=(CONTENT,),
        reasoning="none",
    ),
)
