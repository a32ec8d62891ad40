'''Trelis' function calling models on Llama 3: calls and results have roles of their own.

Source: the model card of Trelis/Meta-Llama-3-8B-Instruct-function-calling (its sample conversation and prompt);
RonanMcGovern's uploads are the author's own, DavidAU's are quantised from them. The chat template itself could not be
compared: the frame is Llama 3's, with these roles.

    function_call<|end_header_id|>

    {
        "name": "get_weather",
        "arguments": {"city": "Paris"}
    }<|eot_id|>

Ugly and true: a prompt ends inside the header, so that the model itself writes in which role it replies: `function_call` or
`assistant`, not both; words beside a call are dropped from history. The card's arguments stand over several lines too; here
they stand in one.
'''

from __future__ import annotations

from dataclasses import replace

from ..card import Card
from ..spec import CONTENT, LIST, NAME, REPLY, TEXT, Calls, Dialect, Json, Object
from ._lists import in_one_list
from ._llama3 import HEADERS, SPECIAL

TRELIS_LLAMA3 = Dialect(
    "trelis-llama3",
    calls=Calls(("function_call<|end_header_id|>\n\n", Object({"name": NAME, "arguments": Json()}, indent=4))),
    content=("assistant<|end_header_id|>\n\n", TEXT),
    stop=("<|eot_id|>", "<|end_of_text|>"),
    special=SPECIAL,
    turns=replace(
        HEADERS,
        assistant=("<|start_header_id|>", REPLY, "<|eot_id|>"),
        result=("<|start_header_id|>function_response<|end_header_id|>\n\n", CONTENT, "<|eot_id|>"),
        reply_starts=("<|start_header_id|>",),
        tools_at="own",
        tools=("<|start_header_id|>function_metadata<|end_header_id|>\n\n", LIST, "<|eot_id|>"),
        listing=in_one_list,
        trim=frozenset({"system", "user", "assistant", "result"}),
        content_with_calls="dropped",
        one_call=True,
        reasoning="none",
    ),
)

CARDS = (
    Card(
        TRELIS_LLAMA3,
        title="Trelis' function calling Llama 3, and its repackagings",
        tier="single",
        why="trained to make one call a turn, in a role of its own",
        verified="its makers' sample conversation; the chat template was not to be had",
        models=("(meta-)?llama-3-(8b|70b)-(instruct|chat)-function-calling(?!-json)",),
        evidence=("function_metadata", "function_call", "<|start_header_id|>"),
    ),
)
