'''Kimi K2, K2 Thinking and K2.5: the name and a number stand where others have an id.

Sources: chat_template of moonshotai/Kimi-K2-Instruct (llama.cpp's copy, which counts the calls itself),
moonshotai/Kimi-K2-Thinking (huggingface.js) and moonshotai/Kimi-K2.5 (lightseekorg/smg); docs/tool_call_guidance.md of
the first.

    <|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{"city": "Paris"}\
<|tool_call_end|><|tool_calls_section_end|>

Ugly and true: the number counts the calls of the whole conversation, and a result is known by it alone, so history is
numbered anew here, whatever ids its calls had. The templates of K2 Thinking and K2.5 print reasoning only beside calls
that no answer follows yet, and so none beside the answer that ends a conversation.
'''

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..card import Card
from ..render import dumps
from ..spec import (
    CALLS,
    CONTENT,
    FITTING,
    ID,
    INDEX,
    LIST,
    NAME,
    REPLY,
    RESULTS,
    TEXT,
    Calls,
    Dialect,
    Either,
    Json,
    Turns,
    When,
)


def compact(tools: Sequence[Mapping[str, Any]]) -> str:
    """The list of tools as JSON without spaces."""
    return dumps(list(tools), (",", ":"))


_EACH = (Either("<|tool_call_begin|>functions.", "<|tool_call_begin|>\nfunctions.", "<|tool_call_begin|> functions.",
                "<|tool_call_begin|>"), NAME, ":", INDEX, "<|tool_call_argument_begin|>", Json(), "<|tool_call_end|>")
_KIMI = ("You are Kimi, an AI assistant created by Moonshot AI.",)
_TURNS = Turns(
    system=("<|im_system|>system<|im_middle|>", CONTENT, "<|im_end|>", When("system", "", "\n")),
    later_system=("<|im_system|>system<|im_middle|>", CONTENT, "<|im_end|>"),
    default_system=_KIMI,
    user=("<|im_user|>user<|im_middle|>", CONTENT, "<|im_end|>"),
    assistant=("<|im_assistant|>assistant<|im_middle|>", REPLY, "<|im_end|>"),
    results=(RESULTS,),
    result=("<|im_system|>", NAME, "<|im_middle|>## Return of functions.", NAME, ":", INDEX, "\n", CONTENT, "<|im_end|>"),
    reply_starts=("<|im_assistant|>assistant<|im_middle|>",),
    tools_at="own",
    tools=("<|im_system|>tool_declare<|im_middle|>[", LIST, "]<|im_end|>"),
    tool_between=", ",
    reasoning="none",
)
_THINKING = replace(
    _TURNS,
    system=_TURNS.later_system or (),
    tools=("<|im_system|>tool_declare<|im_middle|>", LIST, "<|im_end|>"),
    listing=compact,
    reasoning="open-calls",
    empty_reasoning="always",
)
_K2_5 = replace(_THINKING, default_system=(), reply_starts=(
    "<|im_assistant|>assistant<|im_middle|>", When("no-thinking", "<think></think>", "<think>")))

_SECTION = ("<|tool_calls_section_begin|>", CALLS, "<|tool_calls_section_end|>")
# shown ids of other makers in its history, it writes such: they do not name the function
_OTHER = ("<|tool_call_begin|>", ID, "<|tool_call_argument_begin|>", Json(), "<|tool_call_end|>")
KIMI_K2 = Dialect(
    "kimi-k2",
    calls=Calls(_EACH, around=_SECTION),
    accept=(Calls(_EACH, around=("<|tool_call_section_begin|>", CALLS, "<|tool_call_section_end|>")), Calls(_EACH),
            Calls(_OTHER, around=_SECTION, name=FITTING)),
    reasoning=("<think>", TEXT, "</think>"),
    call_ends_reasoning=True,
    stop=("<|im_end|>", "[EOS]"),
    noise=("<|tool_call_argument_begin|>",),
    special=frozenset({"<|im_system|>", "<|im_user|>", "<|im_assistant|>", "<|im_middle|>", "<|im_end|>", "[EOS]",
                       "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>", "<|tool_call_begin|>",
                       "<|tool_call_argument_begin|>", "<|tool_call_end|>"}),
    turns=_TURNS,
)
KIMI_K2_THINKING = replace(
    KIMI_K2, name="kimi-k2-thinking", turns=_THINKING, repaired=replace(_THINKING, reasoning="until-answer"),
    special=KIMI_K2.special | {"<think>", "</think>"})
KIMI_K2_5 = replace(KIMI_K2_THINKING, name="kimi-k2.5", turns=_K2_5, repaired=replace(_K2_5, reasoning="until-answer"))

_WHY = "several calls, each with an id of its own, and its makers' API, client guide and documents"
_UNNAMED = "A result stands under its function's name, even where the message does not give it; the template writes tool."
_NUMBERED = ("Calls and results are numbered as the model numbers them; the template copies whatever ids the messages "
             "have.")
_ENDS = "Repaired, the answer that ends a conversation keeps its reasoning, to be learnt; the template drops it."

CARDS = (
    Card(
        KIMI_K2,
        title="Kimi K2 Instruct (0711 and 0905), Kimi Linear",
        tier="full",
        why=_WHY,
        verified="chat template, byte for byte, in llama.cpp's copy",
        models=("kimi-k2", "kimi-linear"),
        ollama=("kimi-k2",),
        evidence=("<|tool_call_argument_begin|>", "tool_declare"),
        unless=("<think>",),
        differs=(_UNNAMED,),
    ),
    Card(
        KIMI_K2_THINKING,
        title="Kimi K2 Thinking",
        tier="full",
        why=_WHY,
        verified="chat template, byte for byte",
        models=("kimi-k2-thinking",),
        ollama=("kimi-k2-thinking",),
        evidence=("<|tool_call_argument_begin|>", "tool_declare", "<think>"),
        unless=("<|media_begin|>",),
        differs=(_UNNAMED, _NUMBERED, _ENDS),
    ),
    Card(
        KIMI_K2_5,
        title="Kimi K2.5",
        tier="full",
        why=_WHY,
        verified="chat template, byte for byte; the TypeScript that its own tokenizer writes for the tools is not",
        models=("kimi-k2\\.[56]", "kimi-k2-[56]"),
        ollama=("kimi-k2.5",),
        evidence=("<|tool_call_argument_begin|>", "tool_declare", "<think>", "<|media_begin|>"),
        differs=(_UNNAMED, _NUMBERED, _ENDS),
    ),
)
