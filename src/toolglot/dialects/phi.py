'''Phi-4-mini and Phi-4-multimodal.

Sources: the model card of microsoft/Phi-4-mini-instruct and its chat template, as gorilla's evaluation quotes it
(berkeley-function-call-leaderboard, model_handler/local_inference/phi_fc); `functools` is how vLLM's
tool_chat_template_phi4_mini (0.33.0) has the model write calls, as firefunction did.

    <|tool_call|>[{"name": "get_weather", "arguments": {"city": "Paris"}}]<|/tool_call|><|end|>
    functools[{"name": "get_weather", "arguments": {"city": "Paris"}}]<|end|>

Ugly and true: the template prints the tools only where the system message itself carries them, as text, and knows
neither calls nor results: past calls stand here as the model writes them, results behind the `<|tool_response|>` of its
vocabulary. The closer is often missing, and so are the markers where an engine leaves special tokens out.
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
)

_OBJECT = Object({"name": NAME, "arguments": Json()}, also={"parameters": Json()})

PHI_4_MINI = Dialect(
    "phi-4-mini",
    calls=Calls((_OBJECT,), around=("<|tool_call|>[", CALLS, "]<|/tool_call|>"), between=", "),
    accept=(
        Calls(("<|tool_call|>", _OBJECT, "<|/tool_call|>")),
        Calls((_OBJECT,), around=("functools[", CALLS, "]"), between=", ", gap="\n"),
        Calls(("functools", _OBJECT), between="\n", gap="\n"),
        Calls((_OBJECT,), around=("[", CALLS, "]"), between=", ", at_start=True),
        Calls((_OBJECT,), at_start=True),
    ),
    stop=("<|end|>", "<|endoftext|>"),
    special=frozenset({"<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|endoftext|>", "<|tool|>", "<|/tool|>",
                       "<|tool_call|>", "<|/tool_call|>", "<|tool_response|>"}),
    turns=Turns(
        system=("<|system|>", CONTENT, TOOLS, "<|end|>"),
        later_system=("<|system|>", CONTENT, "<|end|>"),
        default_system=("You are a helpful assistant with some tools.",),
        default_with_tools=True,
        tools=("<|tool|>[", LIST, "]<|/tool|>"),
        tool=(FUNCTION,),
        tool_between=", ",
        user=("<|user|>", CONTENT, "<|end|>"),
        assistant=("<|assistant|>", REPLY, "<|end|>"),
        results=(RESULTS,),
        result=("<|tool_response|>", CONTENT, "<|end|>"),
        reply_starts=("<|assistant|>",),
        reasoning="none",
    ),
)

CARDS = (
    Card(
        PHI_4_MINI,
        title="Phi-4-mini, Phi-4-multimodal",
        tier="multi",
        why="trained to write a list of calls between markers of its own; nobody's client library speaks it",
        verified="its makers' model card and the template that gorilla's evaluation quotes, read, not run; how "
                 "results come back is nowhere told",
        models=("phi-?4-mini(-instruct|-onnx)?(?!-(flash|reasoning))", "phi-?4-multimodal(-instruct)?"),
        ollama=("phi4-mini",),
        evidence=("<|tool|>", "<|/tool|>"),
    ),
)
