'''Olmo 3 and 3.1: Python calls with JSON values, a line each.

Sources: chat_template of allenai/Olmo-3-7B-Instruct, as two projects repeat it (ollama's model/renderers/olmo3.go among
them), and of Olmo-3.1-32B-Instruct as users hold it; vLLM's parser.

    <function_calls>get_weather(city="Paris")
    get_time(zone="Europe/Paris")</function_calls><|im_end|>

Ugly and true: a tools section follows the caller's system message without a space; a conversation that is over ends in
another token than its turns do. Asked for thinking, the prompt opens it, as those of the Think models do.
'''

from __future__ import annotations

from dataclasses import replace

from ..card import Card
from ..spec import CALLS, CONTENT, LIST, NAME, REPLY, RESULTS, TEXT, TOOLS, Calls, Dialect, Pythonic, When
from ._chatml import CHATML, SYSTEM

OLMO_3 = Dialect(
    "olmo-3",
    calls=Calls((NAME, "(", Pythonic(json=True), ")"), around=("<function_calls>", CALLS, "</function_calls>"),
                between="\n"),
    reasoning=("<think>", TEXT, "</think>"),
    stop=("<|im_end|>", "<|endoftext|>"),
    special=frozenset({"<|im_start|>", "<|im_end|>", "<|endoftext|>", "<function_calls>", "</function_calls>"}),
    turns=replace(
        CHATML,
        system=("<|im_start|>system\n", CONTENT, TOOLS, "<|im_end|>\n"),
        later_system=SYSTEM,
        default_system=(
            "You are a helpful function-calling AI assistant. ",
            When("tools",
                 "You are provided with function signatures within <functions></functions> XML tags. You may call one or "
                 "more functions to assist with the user query. Output any function calls within <function_calls>"
                 "</function_calls> XML tags. Do not make assumptions about what values to plug into functions.",
                 "You do not currently have access to any functions. <functions></functions>")),
        assistant=("<|im_start|>assistant\n", REPLY, "<|im_end|>\n"),
        last_closer="<|endoftext|>",
        results=(RESULTS,),
        result=("<|im_start|>environment\n", CONTENT, "<|im_end|>\n"),
        result_between="",
        tools=("<functions>[", LIST, "]</functions>"),
        tool_between=", ",
        reply_starts=("<|im_start|>assistant\n", When("thinking", "<think>")),
        reasoning="none",
    ),
)

CARDS = (
    Card(
        OLMO_3,
        title="Olmo 3 and 3.1 (Instruct, Think)",
        tier="multi",
        why="trained to write several calls, a line each",
        verified="chat template of 3.1-32B-Instruct as its users hold it, byte for byte by hand, and vLLM's parser",
        models=("olmo-?3(\\.1)?",),
        ollama=("olmo-3", "olmo-3.1"),
        gguf=("olmo3",),
        evidence=("<function_calls>", "<functions>", "<|im_start|>environment"),
        differs=(
            "Without a system message Olmo 3.1 is told the words of Olmo 3.",
            "Tools are told to the Think models too; their own template leaves them out.",
        ),
    ),
)
