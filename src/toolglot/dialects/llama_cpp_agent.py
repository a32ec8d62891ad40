'''llama-cpp-agent: a prompt and a grammar for any model, in ChatML where the model's own chat template is not at hand.

Source: PyPI llama-cpp-agent 0.2.35, prompt_templates.py, llm_documentation/documentation_generation.py,
function_calling_agent.py and messages_formatter.py, with its defaults: parallel calls, no field for thoughts.

    [{"function": "get_weather", "arguments": {"city": "Paris"}}]
    {"function": "get_weather", "arguments": {"city": "Paris"}}

Ugly and true: its prompt asks for one object or a list of them, its grammar allows a list alone; its prompt ends without
the line break that every past turn has. It fails on tools with lists or objects among their parameters: here they are
described as `list of str` and `dict`. It numbers the results of a turn: here they stand in order.
'''

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..card import Card
from ..schema import resolve, types_of
from ..spec import CALLS, CONTENT, LIST, NAME, RESULTS, TOOLS, Calls, Dialect, Json, Object, When
from ._chatml import CHATML, SYSTEM

_TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "array": "list", "object": "dict"}


def documentation(tools: Sequence[Mapping[str, Any]]) -> str:
    """Each function with its description and parameters, an empty line between two."""
    return "\n\n".join([_function(tool.get("function", tool)) for tool in tools])


def _function(function: Mapping[str, Any]) -> str:
    root = function.get("parameters") or {}
    required, properties = root.get("required") or (), root.get("properties") or {}
    described = "\n    ".join(str(function.get("description") or "").splitlines())
    return "\n".join([f"Function: {function['name']}", *([f"  Description: {described}"] if described else []),
                      "  Parameters:", *[_parameter(key, spec, root, key in required) for key, spec in properties.items()],
                      *([] if properties else ["    none"])])


def _parameter(key: str, spec: Any, root: Any, required: bool) -> str:
    flat = resolve(spec, root)
    said, options = str(flat.get("description") or ""), flat.get("enum")
    quoted = " or ".join([f"'{v}'" for v in options]) if isinstance(options, list) and options else ""
    kind = "enum" if quoted and required else quoted or _type(spec, root)
    line = f"    {key} ({kind}{'' if required else ' or null'})" + (f": {said}" if said else "")
    if not quoted or not required:
        return line
    return f"{line}{'' if said else chr(10)} Can be one of the following values: {quoted}"


def _type(spec: Any, root: Any) -> str:
    names = types_of(spec, root) or ("string",)
    return " or ".join(["null" if n == "null" else f"list of {_type(resolve(spec, root).get('items'), root)}"
                        if n == "array" and resolve(spec, root).get("items") else _TYPES.get(n, "str") for n in names])


_OBJECT = Object({"function": NAME, "arguments": Json()}, also={"name": NAME, "parameters": Json()})

LLAMA_CPP_AGENT = Dialect(
    "llama-cpp-agent",
    calls=Calls((_OBJECT,), around=("[", CALLS, "]"), between=", ", gap="\n", at_start=True),
    accept=(Calls((_OBJECT,), between="\n", at_start=True),),
    stop=("<|im_end|>", "</s>", "<|endoftext|>"),
    special=frozenset({"<|im_start|>", "<|im_end|>"}),
    turns=replace(
        CHATML,
        system=("<|im_start|>system\n",
                When("tools", "Read and follow the instructions below:\n\n<system_instructions>\n"), CONTENT, TOOLS,
                "<|im_end|>\n"),
        later_system=SYSTEM,
        default_system=("You are a helpful assistant.",),
        default_with_tools=True,
        tools=("\n</system_instructions>\n\n\nYou can call functions to help you with your tasks and user queries. The "
               "available functions are:\n\n<function_list>\n", LIST, "\n</function_list>\n\nTo call a function, respond "
               "with a JSON object (to call one function) or a list of JSON objects (to call multiple functions), with "
               'each object containing these fields:\n\n- "function": Put the name of the function to call here. \n'
               '- "arguments": Put the arguments to pass to the function here.\n\nThe result of each function call will be '
               "returned to you before you need to respond again."),
        listing=documentation,
        results=("<|im_start|>function\n", RESULTS, "<|im_end|>\n"),
        result=('Function: "', NAME, '"\nReturn Value: ', CONTENT),
        result_between="\n\n",
        reply_starts=("<|im_start|>assistant",),
        trim=frozenset({"system", "user", "assistant", "called"}),
        reasoning="none",
    ),
)

CARDS = (
    Card(
        LLAMA_CPP_AGENT,
        title="any model, as llama-cpp-agent prompts it",
        tier="zero-shot",
        why="a prompt and a grammar; nobody was trained on it",
        verified="its package, version 0.2.35, by hand",
        framed=True,
    ),
)
