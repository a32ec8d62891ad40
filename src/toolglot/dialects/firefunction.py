'''FireFunction v2 of Fireworks: one JSON list behind a word.

Source: chat_template of fireworks-ai/llama-3-firefunction-v2 (llama.cpp's copy), and its model card: the template is given
the functions as one JSON text, a list of function objects, and the date, both as variables.

     functools[{"name": "get_weather", "arguments": {"city": "Paris"}}]<|eot_id|>

Ugly and true: the model is told to prefix calls with `functools` but sees a space before it in every past call, even where
it said nothing else.
'''

from __future__ import annotations

from dataclasses import replace

from ..card import Card
from ..spec import (
    CALLS,
    CONTENT,
    LIST,
    NAME,
    TODAY,
    TOOLS,
    Calls,
    Dialect,
    Json,
    Object,
)
from ._lists import functions_in_one_list
from ._llama3 import HEADERS, SPECIAL

FIREFUNCTION_V2 = Dialect(
    "firefunction-v2",
    calls=Calls((Object({"name": NAME, "arguments": Json()}, also={"parameters": Json()}),),
                around=(" functools[", CALLS, "]"), between=", "),
    stop=("<|eot_id|>", "<|end_of_text|>"),
    special=SPECIAL,
    turns=replace(
        HEADERS,
        system=("<|start_header_id|>system<|end_header_id|>\n\n", CONTENT, TOOLS, "<|eot_id|>"),
        default_system=("You are a helpful assistant with access to functions.",),
        default_with_tools=True,
        result=("<|start_header_id|>tool<|end_header_id|>\n\n", CONTENT, "<|eot_id|>"),
        tools=("""
In addition to plain text responses, you can chose to call one or more of the provided functions.

Use the following rule to decide when to call a function:
  * if the response can be generated from your internal knowledge (e.g., as in the case of queries like "What is the \
capital of Poland?"), do so
  * if you need external information that can be obtained by calling one or more of the provided functions, generate a \
function calls

If you decide to call functions:
  * prefix function calls with functools marker (no closing marker required)
  * all function calls should be generated in a single JSON list formatted as functools[{"name": [function name], \
"arguments": [function arguments as JSON]}, ...]
  * follow the provided JSON schema. Do not hallucinate arguments or values. Do to blindly copy values from the provided \
samples
  * respect the argument type formatting. E.g., if the type if number and format is float, write value 7 as 7.0
  * make sure you pick the right functions that match the user intent

Available functions as JSON spec:
""", LIST, "\nToday is ", TODAY, "."),
        listing=functions_in_one_list,
        trim=frozenset({"system", "user", "assistant", "called", "result"}),
        reasoning="none",
    ),
)

CARDS = (
    Card(
        FIREFUNCTION_V2,
        title="FireFunction v2",
        tier="full",
        why="several calls in one list, and its makers' API and documents",
        verified="chat template, byte for byte",
        models=("(llama-?3-)?firefunction-v2",),
        ollama=("firefunction-v2",),
        evidence=("functools[", "<|start_header_id|>"),
        differs=(
            "Without tools there is no section about them; the template fails without its variables.",
            "A finished conversation ends with its last turn; the template begins another reply all the same.",
        ),
    ),
)
