'''Jamba 1.5, 1.6 and 1.7.

Source: chat_template of ai21labs/AI21-Jamba-Large-1.6 (huggingface.js's copy).

     <tool_calls>[
        {"name": "get_weather", "arguments": {"city": "Paris"}},
        {"name": "now", "arguments": {}}
    ]</tool_calls><|eom|>

Ugly and true: a space follows each role, but for the one that a prompt ends with: there the model writes it. Results
stand behind the name of their function.
'''

from __future__ import annotations

from ..card import Card
from ..spec import (
    CALLS,
    CONTENT,
    FUNCTION,
    LIST,
    NAME,
    REPLY,
    RESULTS,
    TOOLS,
    Calls,
    Dialect,
    Json,
    Object,
    Turns,
    When,
)

_OBJECT = Object({"name": NAME, "arguments": Json()}, also={"parameters": Json()})

JAMBA = Dialect(
    "jamba",
    calls=Calls((_OBJECT,), around=("<tool_calls>[\n    ", CALLS, "\n]</tool_calls>"), between=",\n    "),
    accept=(
        Calls(("<tool_calls>", _OBJECT, "</tool_calls>")),
        Calls((_OBJECT,), around=("[", CALLS, "]"), between=", ", at_start=True),
    ),
    stop=("<|eom|>", "<|endoftext|>"),
    special=frozenset({"<|startoftext|>", "<|endoftext|>", "<|bom|>", "<|eom|>", "<|system|>", "<|user|>", "<|assistant|>",
                       "<|tool|>", "<tool_calls>", "</tool_calls>", "<tool_definitions>", "</tool_definitions>"}),
    turns=Turns(
        start=("<|startoftext|>",),
        system=("<|bom|><|system|> ", CONTENT, When("both", "\n\n"), TOOLS, "<|eom|>"),
        system_always=True,
        empty_system=False,
        later_system=("<|bom|><|system|> ", CONTENT, "<|eom|>"),
        user=("<|bom|><|user|> ", CONTENT, "<|eom|>"),
        assistant=("<|bom|><|assistant|> ", REPLY, "<|eom|>"),
        results=(RESULTS,),
        result=("<|bom|><|tool|> (", NAME, ")", CONTENT, "<|eom|>"),
        reply_starts=("<|bom|><|assistant|>",),
        tools=("<tool_definitions>\n# Tools\n\n## Functions\n\n", LIST, "\n</tool_definitions>"),
        tool=(FUNCTION,),
        tool_indent=2,
        tool_between="\n\n",
        reasoning="none",
    ),
)

CARDS = (
    Card(
        JAMBA,
        title="Jamba 1.5, 1.6, 1.7 (Mini, Large)",
        tier="full",
        why="several calls in one list, and its makers' API, client library and documents",
        verified="chat template of Large 1.6, byte for byte",
        models=("jamba-?((mini|large)-)?(v?[12])?",),
        gguf=("jamba",),
        evidence=("<tool_definitions>", "<tool_calls>", "bom_str"),
    ),
)
