'''Gemma 4 and FunctionGemma: JSON with bare keys, its strings between tokens of their own.

Source: chat_template of google/gemma-4-31B-it and gemma-4-E2B-it as Google published them in July 2026 (ollama/ollama,
model/renderers/testdata; unsloth's copies print the same tools and calls).

    <|channel>thought
    I should look.
    <channel|><|tool_call>call:get_weather{city:<|"|>Paris<|"|>,days:3}<tool_call|><|tool_response>

    <start_function_call>call:get_weather{city:<escape>Paris<escape>,days:3}<end_function_call><start_function_response>

FunctionGemma's own chat template could not be had; its prompts follow the whole sequence that Google's guide to it prints
and the template in google-ai-edge/LiteRT-LM. It calls functions only where the developer turn has the sentence that
stands there by default: your own system message should hold it too.

Ugly and true: calls, their results and the answer are one turn, and what ends a reply with calls is the token that
opens the first result; keys are sorted; a string that holds the quoting token cannot be said; a prompt without
thinking ends with an empty thought, but for the two smallest models.
'''

from __future__ import annotations

from dataclasses import replace

from ..card import Card
from ..spec import CONTENT, LIST, NAME, REPLY, RESULTS, TEXT, TOOLS, Calls, Delimited, Dialect, Turns, When
from ._gemma import declarations

_NO_THOUGHT = "<|channel>thought\n<channel|>"

_TURNS = Turns(
    start=("<bos>",),
    system=("<|turn>system\n", When("thinking", "<|think|>\n"), CONTENT, TOOLS, "<turn|>\n"),
    system_always="thinking",
    later_system=("<|turn>system\n", CONTENT, "<turn|>\n"),
    user=("<|turn>user\n", CONTENT, "<turn|>\n"),
    assistant=("<|turn>model\n", REPLY, When("called", "<|tool_response>", "<turn|>\n")),
    results=(RESULTS, When("left", "<turn|>\n")),
    result=("response:", NAME, '{value:<|"|>', CONTENT, '<|"|>}<tool_response|>'),
    result_between="<|tool_response>",
    reply_starts=("<|turn>model\n", When("thinking", "", _NO_THOUGHT)),
    goes_on=(When("thinking", "<|channel>thought\n"),),
    tools=("<|tool>", LIST, "<tool|>"),
    listing=declarations("<tool|><|tool>", '<|"|>'),
    header_once="results",
    trim=frozenset({"system", "user", "called", "answer"}),
)

GEMMA_4 = Dialect(
    "gemma-4",
    calls=Calls(("<|tool_call>call:", NAME, Delimited('<|"|>'), "<tool_call|>")),
    accept=(
        Calls(("<|tool_call>:call:", NAME, Delimited('<|"|>'), "<tool_call|>")),
        Calls(("call:", NAME, Delimited('<|"|>')), at_start=True),
    ),
    reasoning=("<|channel>thought\n", TEXT, "\n<channel|>"),
    stop=("<turn|>", "<|tool_response>", "<eos>"),
    noise=("<|channel>",),
    special=frozenset({"<bos>", "<eos>", "<|turn>", "<turn|>", "<|tool>", "<tool|>", "<|tool_call>", "<tool_call|>",
                       "<|tool_response>", "<tool_response|>", '<|"|>', "<|channel>", "<channel|>", "<|think|>"}),
    turns=_TURNS,
)

GEMMA_4_EDGE = replace(GEMMA_4, name="gemma-4-edge", turns=replace(_TURNS, reply_starts=("<|turn>model\n",)))

FUNCTIONGEMMA = Dialect(
    "functiongemma",
    calls=Calls(("<start_function_call>call:", NAME, Delimited("<escape>"), "<end_function_call>")),
    stop=("<end_of_turn>", "<start_function_response>", "<eos>"),
    special=frozenset({"<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>", "<start_function_declaration>",
                       "<end_function_declaration>", "<start_function_call>", "<end_function_call>",
                       "<start_function_response>", "<end_function_response>", "<escape>"}),
    turns=Turns(
        start=("<bos>",),
        system=("<start_of_turn>developer\n", CONTENT, TOOLS, "<end_of_turn>\n"),
        default_system=("You are a model that can do function calling with the following functions",),
        default_with_tools=True,
        later_system=("<start_of_turn>developer\n", CONTENT, "<end_of_turn>\n"),
        user=("<start_of_turn>user\n", CONTENT, "<end_of_turn>\n"),
        assistant=("<start_of_turn>model\n", REPLY, When("called", "<start_function_response>", "<end_of_turn>\n")),
        results=(RESULTS, When("left", "<end_of_turn>\n")),
        result=("response:", NAME, "{value:<escape>", CONTENT, "<escape>}<end_function_response>"),
        result_between="<start_function_response>",
        reply_starts=("<start_of_turn>model\n",),
        tools=("<start_function_declaration>", LIST, "<end_function_declaration>"),
        listing=declarations("<end_function_declaration><start_function_declaration>", "<escape>", described=True),
        header_once="results",
        trim=frozenset({"system", "user", "called", "answer"}),
        reasoning="none",
    ),
)

_DIFFERS = (
    "Words beside calls stand before them; the template puts them behind the results.",
    "A reply's words keep what looks like a thought in them; the template cuts it out.",
    "Two replies in a row are two turns; the template writes them as one, with nothing between.",
)

CARDS = (
    Card(
        GEMMA_4,
        title="Gemma 4 31B, 26B-A4B",
        tier="multi",
        why="trained to make several calls, with thinking between them",
        verified="chat template, byte for byte",
        models=("gemma-?4",),
        evidence=("<|tool_call>call:", "<|turn>", "<|channel>thought\\n<channel|>"),
        differs=_DIFFERS,
    ),
    Card(
        GEMMA_4_EDGE,
        title="Gemma 4 E2B, E4B",
        tier="multi",
        why="trained to make several calls, with thinking between them",
        verified="chat template, byte for byte",
        models=("gemma-?4[-:]e[24]b",),
        evidence=("<|tool_call>call:", "<|turn>"),
        differs=_DIFFERS,
    ),
    Card(
        FUNCTIONGEMMA,
        title="FunctionGemma 270M",
        tier="multi",
        why="trained to make one call or several at once; not trained to go on from their results",
        verified="the sequence that Google's guide prints, byte for byte; its chat template could not be had",
        models=("functiongemma", "function-gemma"),
        ollama=("functiongemma",),
        evidence=("<start_function_call>", "<start_function_declaration>"),
    ),
)
