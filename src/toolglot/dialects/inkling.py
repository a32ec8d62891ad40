'''Inkling (Thinking Machines): a stream of messages, each of one kind and with a token for it.

Sources: vllm/renderers/inkling_encoding.py and vllm/parser/inkling.py of vLLM 0.33, and the inkling parsers of SGLang
0.5.23; for what is told by default, and where vLLM is silent, renderers/inkling.py of PrimeIntellect-ai/renderers (revision
00ef1bd), which is held to the chat template of thinkingmachines/Inkling. The template itself was not at hand.

    <|message_model|><|content_thinking|>I should look.<|end_message|><|message_model|>get_weather\
<|content_invoke_tool_json|>{"name":"get_weather","args":{"city":"Paris"}}<|end_message|><|content_model_end_sampling|>

Ugly and true: a call says its name twice, and the one in the JSON counts. How hard to think is a system message of its own,
behind the first one; thinking cannot be turned off, but told to be none. The keys of past arguments are told in
alphabetical order by the template, here as they were made; words that are empty ("") and not missing (null) are told beside
calls by the template, here they are not.
'''

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..card import Card
from ..spec import CONTENT, ECHO, LIST, NAME, REPLY, RESULTS, TEXT, Calls, Dialect, Json, Object, Turns, When


def declared(tools: Sequence[Mapping[str, Any]]) -> str:
    """What of the tools the model is told: JSON without spaces, all keys in alphabetical order."""
    functions = [(t.get("type") or "function", t.get("function", t)) for t in tools]
    return json.dumps([{"type": kind, "name": f["name"], "description": f.get("description") or "",
                        "parameters": f.get("parameters") or {}} for kind, f in functions],
                      ensure_ascii=False, sort_keys=True, separators=(",", ":"))


_OBJECT = Object({"name": NAME, "args": Json((",", ":"))}, also={"arguments": Json(), "parameters": Json()},
                 separators=(",", ":"))
_CALL = ("<|content_invoke_tool_json|>", _OBJECT, "<|end_message|>")
_EFFORT = "Thinking effort level: "

INKLING = Dialect(
    "inkling",
    calls=Calls(("<|message_model|>", ECHO, *_CALL)),
    accept=(Calls(("<|message_model|><|content_invoke_tool_json|>", *_CALL[1:])), Calls(_CALL)),
    content=("<|message_model|><|content_text|>", TEXT, "<|end_message|>"),
    reasoning=("<|message_model|><|content_thinking|>", TEXT, "<|end_message|>"),
    call_ends_reasoning=True,
    stop=("<|content_model_end_sampling|>", "<|endoftext|>"),
    special=frozenset({"<|message_user|>", "<|message_model|>", "<|message_system|>", "<|message_tool|>",
                       "<|content_text|>", "<|content_thinking|>", "<|content_invoke_tool_json|>", "<|content_xml|>",
                       "<|end_message|>", "<|content_model_end_sampling|>"}),
    turns=Turns(
        system=("<|message_system|><|content_text|>", CONTENT,
                When("system", f"<|end_message|><|message_system|><|content_text|>{_EFFORT}"),
                When("no-thinking", "0", "0.9"), "<|end_message|>"),
        later_system=("<|message_system|><|content_text|>", CONTENT, "<|end_message|>"),
        default_system=(_EFFORT,),
        user=("<|message_user|><|content_text|>", CONTENT, "<|end_message|>"),
        assistant=(REPLY, "<|content_model_end_sampling|>"),
        results=(RESULTS,),
        result=("<|message_tool|>", NAME, "<|content_text|>", CONTENT, "<|end_message|>"),
        reply_starts=("", "<|message_model|>"),
        tools_at="own",
        tools=("<|message_system|>tool_declare<|content_xml|>", LIST, "<|end_message|>"),
        listing=declared,
        reasoning="all",
    ),
)

CARDS = (
    Card(
        INKLING,
        title="Inkling, Inkling-Small",
        tier="full",
        why="several calls, reasoning that is kept, and its makers' API and library",
        verified="vLLM's renderer of its prompts, byte for byte but for the order of past arguments and empty answers",
        models=("inkling(-small)?",),
        evidence=("<|content_invoke_tool_json|>", "<|message_model|>"),
    ),
)
