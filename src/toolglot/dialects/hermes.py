'''Hermes 2 Pro, Hermes 3, and the many merges of them.

Source: the `tool_use` chat template of NousResearch/Hermes-2-Pro-Llama-3-8B and Hermes-3-Llama-3.1-8B (the same file,
sha256 7ce09d55); NousResearch/Hermes-Function-Calling. Written here with Llama 3's beginning-of-text token.

    <tool_call>
    {"name": "get_weather", "arguments": {"city": "Paris"}}
    </tool_call><|im_end|>

Ugly and true: the tools are not JSON (their descriptions stand unescaped, a brace is missing), the last results of a
conversation end without the line break that others have, and words beside calls are dropped from history; the repaired
prompts show the tools as the JSON that the authors' repository shows, and keep the words. Without tools these models
are given plain ChatML. Hermes 4 and DeepHermes on Llama write the same calls, but their frame is Llama 3's.
'''

from __future__ import annotations

from dataclasses import replace

from ..card import Card
from ..spec import CONTENT, LIST, NAME, RESULTS, TEXT, Calls, Dialect, Json, Object, When
from ._chatml import CHATML, SYSTEM
from ._signatures import signatures

JSON_IN_TAGS = Calls(("<tool_call>\n", Object({"name": NAME, "arguments": Json()}, also={"parameters": Json()}),
                      "\n</tool_call>"), between="\n", gap="\n")

_TURNS = replace(
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
)

HERMES = Dialect(
    "hermes",
    calls=JSON_IN_TAGS,
    reasoning=("<think>\n", TEXT, "\n</think>\n\n"),
    stop=("<|im_end|>", "<|eot_id|>", "<|end_of_text|>"),
    special=frozenset({"<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>"}),
    turns=_TURNS,
    repaired=replace(_TURNS, listing=None, content_with_calls="kept"),
)

CARDS = (
    Card(
        HERMES,
        title="Hermes 2 Pro, Hermes 2 Theta, Hermes 3, and merges of them",
        tier="multi",
        why="trained on this format; its authors advise one call a turn, but the wire has room for several",
        verified="chat template, byte for byte; two copies agree",
        models=("hermes-(2-pro|2-theta|3)", "theta", "openhermes-2\\.5-.*-pro"),
        ollama=("hermes3", "nous-hermes2pro"),
        evidence=("<tool_call>", "pydantic model json schema", "<|im_start|>", '"arguments"', "<tools>"),
        differs=(
            "Without tools the prompt is plain ChatML; the template's tool variant would list none.",
            "Repaired, each tool is valid JSON; the template pastes descriptions unescaped and leaves out a brace.",
            "Repaired, words beside past calls are kept; the template drops them.",
        ),
        unverified=(
            ("hermes-4", "its calls are these; that its prompt is ChatML is verified for none of its sizes"),
            ("deephermes", "its calls are these; its makers frame the models on Llama as Llama 3 does, not in ChatML"),
        ),
    ),
)
