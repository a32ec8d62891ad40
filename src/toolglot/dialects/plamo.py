'''PLaMo 3: a name and JSON, each between markers of its own.

Source: for the replies vLLM's plamo3 parser (0.33.0), its tests and its structural tag, by PLaMo's makers; for the frame of
a turn the chat template of pfnet/plamo-3-nict-2b-base as others describe it: role<|plamo:msg|>words<|plamo:tag|>.

    <|plamo:begin_think:plamo|>I should look.<|plamo:end_think:plamo|><|plamo:begin_tool_requests:plamo|>
    <|plamo:begin_tool_request:plamo|><|plamo:begin_tool_name:plamo|>now<|plamo:end_tool_name:plamo|>
    <|plamo:begin_tool_arguments:plamo|><|plamo:constrain|>json<|plamo:msg|>{}<|plamo:end_tool_arguments:plamo|>
    <|plamo:end_tool_request:plamo|><|plamo:end_tool_requests:plamo|><|plamo:tag|>

all in one line. Ugly and true: most markers are several tokens, of which `<|plamo:begin_`, `<|plamo:end_` and `:plamo|>`
are special; only <|plamo:tag|>, <|plamo:msg|> and <|plamo:constrain|> are one. The word `json`, and what stands before it,
is sometimes left out.

The template that tells of tools could not be found. How tools and results stand in the prompt is our own invention; that it
opens the reasoning follows from the parser, which begins in it.
'''

from __future__ import annotations

from ..card import Card
from ..spec import CALLS, CONTENT, LIST, NAME, REPLY, RESULTS, TEXT, TOOLS, Calls, Dialect, Either, Json, Turns, When

_BEGIN = "<|plamo:begin_tool_arguments:plamo|>"

PLAMO_3 = Dialect(
    "plamo-3",
    calls=Calls(
        ("<|plamo:begin_tool_request:plamo|><|plamo:begin_tool_name:plamo|>", NAME, "<|plamo:end_tool_name:plamo|>",
         Either(f"{_BEGIN}<|plamo:constrain|>json<|plamo:msg|>", f"{_BEGIN}<|plamo:msg|>"), Json(),
         "<|plamo:end_tool_arguments:plamo|><|plamo:end_tool_request:plamo|>"),
        around=("<|plamo:begin_tool_requests:plamo|>", CALLS, "<|plamo:end_tool_requests:plamo|>")),
    reasoning=("<|plamo:begin_think:plamo|>", TEXT, "<|plamo:end_think:plamo|>"),
    call_ends_reasoning=True,
    stop=("<|plamo:tag|>",),
    special=frozenset({"<|plamo:tag|>", "<|plamo:msg|>", "<|plamo:constrain|>"}),
    turns=Turns(
        system=("system<|plamo:msg|>", CONTENT, When("both", "\n\n"), TOOLS, "<|plamo:tag|>"),
        later_system=("system<|plamo:msg|>", CONTENT, "<|plamo:tag|>"),
        tools=("You may call these functions:\n", LIST),
        user=("user<|plamo:msg|>", CONTENT, "<|plamo:tag|>"),
        assistant=("assistant<|plamo:msg|>", REPLY, "<|plamo:tag|>"),
        results=(RESULTS,),
        result=("tool<|plamo:msg|>", CONTENT, "<|plamo:tag|>"),
        reply_starts=("assistant<|plamo:msg|>", When("no-thinking", "", "<|plamo:begin_think:plamo|>")),
    ),
)

CARDS = (
    Card(
        PLAMO_3,
        title="PLaMo 3",
        tier="multi",
        why="trained to write several calls, after it has thought; its makers' API speaks OpenAI's format",
        verified="replies against vLLM's parser and tests; the prompt is not verified: its frame is the published base "
                 "model's, as others describe it, and how tools and results are told is our own invention",
        models=("plamo-?3(\\.\\d)?(?!\\d)",),
        evidence=("<|plamo:msg|>", "plamo:begin_tool"),
    ),
)
