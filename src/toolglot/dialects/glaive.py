"""Glaive's function calls: models and prompts after its data set, on Llama 3 and on ChatML.

Sources: the model card of hiieu/Meta-Llama-3-8B-Instruct-function-calling-json-mode, as its users' code repeats it;
AIAnytime/Function-Calling-Mistral-7B, function_calling_open_source.py (revision b45db621), a prompt for OpenHermes 2.5.

    <functioncall> {"name": "get_weather", "arguments": {"city": "Paris"}} </functioncall>
    <functioncall> {"name": "get_weather", "arguments": '{"city": "Paris"}'} </functioncall>
    <multiplefunctions>
        <functioncall> {"name": "get_weather", "arguments": {"city": "Paris"}} </functioncall>
    </multiplefunctions>

Ugly and true: the tools are what Python's repr makes of them; models tuned on Glaive's data often quote the arguments as a
Python string, which is read. Results come back as a question of the user between tags; AIAnytime's prompt has no place for
results, so they stand there too. It begins no line for the reply: the model writes that line break itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..card import Card
from ..spec import CALLS, CONTENT, LIST, NAME, RESULTS, TOOLS, Calls, Dialect, Json, Object, When
from ._chatml import CHATML
from ._llama3 import HEADERS, SPECIAL

_CALL = ("<functioncall> ", Object({"name": NAME, "arguments": Json()}, also={"parameters": Json()}), " </functioncall>")
_RESULT = ("<function_response> ", CONTENT, " </function_response>")


def python_list(tools: Sequence[Mapping[str, Any]]) -> str:
    """The tools as Python writes a list of them."""
    return repr(list(tools))


def python_functions(tools: Sequence[Mapping[str, Any]]) -> str:
    """Each function object as Python writes it, with an empty line between two."""
    return "\n\n".join([repr(t.get("function", t)) for t in tools])


GLAIVE = Dialect(
    "glaive",
    calls=Calls(_CALL, between="\n", gap="\n"),
    stop=("<|eot_id|>", "<|end_of_text|>", "<|endoftext|>"),
    special=SPECIAL,
    turns=replace(
        HEADERS,
        system=("<|start_header_id|>system<|end_header_id|>\n\n", CONTENT, When("both", "\n\n"), TOOLS, "<|eot_id|>"),
        results=("<|start_header_id|>user<|end_header_id|>\n\n", RESULTS, "<|eot_id|>"),
        result=_RESULT,
        result_between="\n",
        tools=("You are a helpful assistant with access to the following functions: \n ", LIST,
               "\n\nTo use these functions respond with:\n"
               '<functioncall> { "name": "function_name", "arguments": { "arg_1": "value_1", "arg_1": "value_1", ... } } '
               "</functioncall>\n\nEdge cases you must handle:\n"
               " - If there are no functions that match the user request, you will respond politely that you cannot help."),
        listing=python_list,
        trim=frozenset({"system", "user", "assistant", "called"}),
        reasoning="none",
    ),
)

_SAMPLE = ('    <functioncall> {"name": "function_name", "arguments": {"arg_1": "value_1", "arg_2": value_2, ...}} '
           "</functioncall>\n")

AIANYTIME = Dialect(
    "aianytime",
    calls=Calls(_CALL, around=("<multiplefunctions>\n    ", CALLS, "\n</multiplefunctions>"), between="\n    ", gap="\n"),
    accept=(Calls(_CALL, between="\n"),),
    stop=("<|im_end|>", "</s>"),
    special=frozenset({"<|im_start|>", "<|im_end|>"}),
    turns=replace(
        CHATML,
        results=("<|im_start|>user\n", RESULTS, "<|im_end|>\n"),
        result=_RESULT,
        reply_starts=("<|im_start|>assistant",),
        tools=("You are a helpful assistant with access to the following functions:\n\n", LIST,
               f"\n\nTo use these functions respond with:\n<multiplefunctions>\n{_SAMPLE}{_SAMPLE}    ...\n"
               "</multiplefunctions>\n\nEdge cases you must handle:\n- If there are no functions that match the user "
               "request, you will respond politely that you cannot help."),
        listing=python_functions,
        reasoning="none",
    ),
)

CARDS = (
    Card(
        GLAIVE,
        title="hiieu's function calling Llama 3, and models tuned on Glaive's data",
        tier="single",
        why="trained to make one call a turn",
        verified="its makers' prompt as users repeat it; results are not verified",
        models=("(meta-)?llama-3-8b-instruct-function-calling-json-mode", "glaive"),
        evidence=("<functioncall>", "<|start_header_id|>"),
    ),
    Card(
        AIANYTIME,
        title="AIAnytime's prompt for OpenHermes 2.5 Mistral",
        tier="zero-shot",
        why="a prompt for a model that was not trained for tools",
        verified="its author's prompt; results are not verified",
        models=("openhermes-2\\.5(-mistral-7b)?", "function-calling-mistral-7b"),
        ollama=("openhermes",),
        evidence=("<multiplefunctions>", "<functioncall>"),
    ),
)
