'''Apertus: a JSON list of calls whose only key is the function's name.

Source: chat_template of swiss-ai/Apertus-8B-Instruct-2509 (llama.cpp's copy).

    <|tools_prefix|>[{"get_weather": {"city": "Paris"}}]<|tools_suffix|>

Ugly and true: calls, their results and the answer are one turn, yet a prompt that ends with results opens a turn again;
the results are pasted into brackets as they are; nested properties are indented as the template's own source is.
'''

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..card import Card
from ..spec import CALLS, CONTENT, LIST, NAME, REPLY, RESULTS, TEXT, TODAY, TOOLS, Calls, Dialect, Json, Turns, When
from ._typescript import parameter


def types(tools: Sequence[Mapping[str, Any]]) -> str:
    """One TypeScript type a tool, its parameters written as gpt-oss has them."""
    return "\n".join([_type(tool.get("function", tool)) for tool in tools])


def _type(function: Mapping[str, Any]) -> str:
    schema = function.get("parameters") or {}
    properties, required = schema.get("properties") or {}, schema.get("required") or ()
    parameters = ",\n".join([parameter(k, s, k in required).removesuffix(",\n") for k, s in properties.items()])
    signature = f"(_: {{\n{parameters}\n}})" if properties else "()"
    return f"// {function.get('description', '')}\ntype {function['name']} = {signature} => any;"


APERTUS = Dialect(
    "apertus",
    calls=Calls(('{"', NAME, '": ', Json(), "}"), around=("<|tools_prefix|>[", CALLS, "]<|tools_suffix|>"), between=", "),
    reasoning=("<|inner_prefix|>", TEXT, "<|inner_suffix|>"),
    call_ends_reasoning=True,
    stop=("<|assistant_end|>", "</s>"),
    special=frozenset({"<s>", "</s>", "<|system_start|>", "<|system_end|>", "<|developer_start|>", "<|developer_end|>",
                       "<|user_start|>", "<|user_end|>", "<|assistant_start|>", "<|assistant_end|>", "<|inner_prefix|>",
                       "<|inner_suffix|>", "<|tools_prefix|>", "<|tools_suffix|>"}),
    turns=Turns(
        start=("<s>",),
        system=("<|system_start|>", CONTENT, "<|system_end|><|developer_start|>Deliberation: ",
                When("thinking", "enabled", "disabled"), "\nTool Capabilities:", When("tools", "\n", " disabled"), TOOLS,
                "<|developer_end|>"),
        default_system=("You are Apertus, a helpful assistant created by the SwissAI initiative.\n"
                        "Knowledge cutoff: 2024-04\nCurrent date: ", TODAY),
        later_system=("<|system_start|>", CONTENT, "<|system_end|>"),
        user=("<|user_start|>", CONTENT, "<|user_end|>"),
        assistant=("<|assistant_start|>", REPLY, When("called", "", "<|assistant_end|>")),
        results=("[", RESULTS, "]", When("left", "<|assistant_end|>")),
        result=(CONTENT,),
        result_between=", ",
        reply_starts=("<|assistant_start|>",),
        goes_on=("<|assistant_start|>",),
        header_once="results",
        tools=(LIST,),
        listing=types,
        reasoning="none",
    ),
)

CARDS = (
    Card(
        APERTUS,
        title="Apertus 8B and 70B Instruct",
        tier="multi",
        why="trained to write a list of calls",
        verified="chat template, byte for byte; deliberation as its parsers read it",
        models=("apertus",),
        ollama=("apertus",),
        gguf=("apertus",),
        evidence=("<|tools_prefix|>", "<|assistant_start|>"),
        differs=(
            "A conversation's last answer is closed; the template closes an answer only where a question follows.",
            "Results are closed before further calls too; the template forgets it where no words stand between.",
        ),
    ),
)
