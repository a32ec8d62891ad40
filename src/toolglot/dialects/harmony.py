'''gpt-oss (OpenAI harmony): every part of a reply is a message with a channel.

Sources: chat_template of openai/gpt-oss-120b (sha256 a4c9919c, two copies) for prompts; docs/format.md of openai/harmony
for replies.

    <|channel|>analysis<|message|>I should look.<|end|><|start|>assistant<|channel|>commentary to=functions.get_weather \
<|constrain|>json<|message|>{"city": "Paris"}<|call|>

Ugly and true: the chat template spells past calls otherwise than the model does, gives results as JSON strings, tells
words beside a call as analysis, and knows one call a turn (it drops the others in silence: here they become turns of
their own).
'''

from __future__ import annotations

from dataclasses import replace

from ..card import Card
from ..spec import (
    CONTENT,
    LIST,
    NAME,
    QUOTED,
    REPLY,
    RESULTS,
    TEXT,
    TODAY,
    TOOLS,
    Calls,
    Dialect,
    Either,
    Json,
    Turns,
    When,
)
from ._typescript import namespace

_TYPES = Either(" json", " <|constrain|>json", " code", "")
_HISTORY = Calls((" to=functions.", NAME, "<|channel|>", Either("commentary", "analysis"), _TYPES, "<|message|>", Json(),
                  "<|call|>"))
_TURNS = Turns(
    start=("<|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.\n"
           "Knowledge cutoff: 2024-06\nCurrent date: ", TODAY, "\n\nReasoning: medium\n\n"
           "# Valid channels: analysis, commentary, final. Channel must be included for every message.",
           When("tools", "\nCalls to these tools must go to the commentary channel: 'functions'."), "<|end|>"),
    system=("<|start|>developer<|message|>", When("system", "# Instructions\n\n"), CONTENT, When("system", "\n\n"),
            TOOLS, "<|end|>"),
    later_system=("<|start|>developer<|message|># Instructions\n\n", CONTENT, "\n\n<|end|>"),
    empty_system=False,
    user=("<|start|>user<|message|>", CONTENT, "<|end|>"),
    assistant=("<|start|>assistant", REPLY),
    results=(RESULTS,),
    result=("<|start|>functions.", NAME, " to=assistant<|channel|>commentary<|message|>", QUOTED, "<|end|>"),
    reply_starts=("<|start|>assistant",),
    tools=("# Tools\n\n", LIST),
    listing=namespace,
    content_with_calls="reasoning",
    one_call=True,
    history=_HISTORY,
    final_closer="<|return|>",
    reasoning="until-answer",
)

HARMONY = Dialect(
    "harmony",
    calls=Calls(("<|channel|>", Either("commentary", "analysis"), " to=functions.", NAME,
                 Either(" <|constrain|>json", "<|constrain|>json", " json", " code", ""), "<|message|>", Json(),
                 "<|call|>")),
    accept=(_HISTORY,),
    content=("<|channel|>", Either("final", "commentary"), Either("", " <|constrain|>json", " json"), "<|message|>", TEXT,
             "<|end|>"),
    reasoning=("<|channel|>analysis<|message|>", TEXT, "<|end|>"),
    join="<|start|>assistant",
    stop=("<|return|>",),
    noise=("<|channel|>commentary to=assistant",),
    special=frozenset({"<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|constrain|>", "<|return|>", "<|call|>"}),
    turns=_TURNS,
    repaired=replace(
        _TURNS,
        result=("<|start|>functions.", NAME, " to=assistant<|channel|>commentary<|message|>", CONTENT, "<|end|>"),
        history=Calls((" to=functions.", NAME, "<|channel|>commentary <|constrain|>json<|message|>", Json(), "<|call|>")),
    ),
)

CARDS = (
    Card(
        HARMONY,
        title="gpt-oss",
        tier="full",
        why="calls, reasoning and preambles in channels, and its makers' API, libraries and documents",
        verified="chat template, byte for byte; two copies agree",
        models=("gpt-oss",),
        ollama=("gpt-oss", "gpt-oss-safeguard"),
        gguf=("gpt-oss",),
        evidence=("<|start|>assistant", "<|channel|>analysis<|message|>", "commentary channel: 'functions'"),
        differs=(
            "Several calls of one turn are told as turns of one call each; the template drops all but the first.",
            "Words and reasoning beside a call both stand, as analysis; the template refuses them together.",
            "Repaired, past calls and results stand as OpenAI's harmony library writes them; the template leaves "
            "<|constrain|> out of the calls and quotes the results.",
        ),
    ),
)
