'''Hermes 2 Pro, Hermes 3, and the many merges of them.

Source: the `tool_use` chat template of NousResearch/Hermes-2-Pro-Llama-3-8B and Hermes-3-Llama-3.1-8B (the same file,
sha256 7ce09d55); NousResearch/Hermes-Function-Calling. Written here with Llama 3's beginning-of-text token.

    <tool_call>
    {"name": "get_weather", "arguments": {"city": "Paris"}}
    </tool_call><|im_end|>

Ugly and true: the tools are not JSON (their descriptions stand unescaped), the last results of a conversation end
without the line break that others have, and words beside calls are dropped from history. Without tools these models
are given plain ChatML.
'''

from __future__ import annotations

from dataclasses import replace

from ..spec import CONTENT, LIST, NAME, RESULTS, TEXT, Calls, Dialect, Json, Object, When
from ._chatml import CHATML, SYSTEM
from ._signatures import signatures

JSON_IN_TAGS = Calls(("<tool_call>\n", Object({"name": NAME, "arguments": Json()}, also={"parameters": Json()}),
                      "\n</tool_call>"), between="\n", gap="\n")

HERMES = Dialect(
    "hermes",
    calls=JSON_IN_TAGS,
    reasoning=("<think>\n", TEXT, "\n</think>\n\n"),
    stop=("<|im_end|>", "<|eot_id|>", "<|end_of_text|>"),
    special=frozenset({"<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>"}),
    turns=replace(
        CHATML,
        start=("<|begin_of_text|>",),
        system=SYSTEM,
        tools_at="own",
        tools=("<|im_start|>system\nYou are a function calling AI model. You are provided with function signatures "
               "within <tools></tools> XML tags. You may call one or more functions to assist with the user query. "
               "Don't make assumptions about what values to plug into functions. Here are the available tools: "
               "<tools> ", LIST, " </tools>Use the following pydantic model json schema for each tool call you will "
               'make: {"properties": {"name": {"title": "Name", "type": "string"}, "arguments": {"title": "Arguments",'
               ' "type": "object"}}, "required": ["name", "arguments"], "title": "FunctionCall", "type": "object"}}\n'
               "For each function call return a json object with function name and arguments within "
               "<tool_call></tool_call> XML tags as follows:\n<tool_call>\n"
               '{"name": <function-name>, "arguments": <args-dict>}\n</tool_call><|im_end|>\n'),
        listing=signatures,
        results=("<|im_start|>tool\n", RESULTS, When("last", "", "\n"), "<|im_end|>"),
        result=("<tool_response>\n", CONTENT, "\n</tool_response>"),
        content_with_calls="dropped",
        reasoning="none",
    ),
)
