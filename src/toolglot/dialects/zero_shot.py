'''`json`: for models that were never trained for tools, in whatever frame their chat template gives.

Nobody published this format; it is ours. A call is one JSON object and begins the reply:

    {"name": "get_weather", "arguments": {"city": "Paris"}}
'''

from __future__ import annotations

from dataclasses import replace

from ..spec import CONTENT, LIST, NAME, RESULTS, Calls, Dialect, Json, Object
from ._chatml import CHATML

JSON = Dialect(
    "json",
    calls=Calls((Object({"name": NAME, "arguments": Json()}, also={"parameters": Json(), "function": NAME}),),
                between="\n", at_start=True),
    stop=("<|im_end|>", "<|endoftext|>"),
    special=frozenset({"<|im_start|>", "<|im_end|>"}),
    turns=replace(
        CHATML,
        tools=("You can call these functions:\n", LIST,
               '\n\nTo call one, answer with JSON only: {"name": "function name", "arguments": {...}}'),
        results=("<|im_start|>user\n", RESULTS, "<|im_end|>\n"),
        result=("Result: ", CONTENT),
        reasoning="none",
    ),
)
