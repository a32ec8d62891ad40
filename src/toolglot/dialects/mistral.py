'''Mistral: v3 (7B v0.3, Mixtral 8x22B), v3 on the Tekken tokenizer (Nemo, Ministral 8B, Large 2407), v11 (Small 3.2).

Sources: chat_template of mistralai/Mistral-7B-Instruct-v0.3 (as xinference 4.1.0 ships it, in agreement with
mistral-common 1.13.1), of mistralai/Mistral-Nemo-Instruct-2407, and of Mistral-Small-3.2-24B-Instruct-2506.

    [TOOL_CALLS] [{"name": "get_weather", "arguments": {"city": "Paris"}, "id": "aB3dE5fG7"}]</s>
    [TOOL_CALLS]get_weather[CALL_ID]aB3dE5fG7[ARGS]{"city": "Paris"}</s>

Ugly and true: the tools stand before the last question, so they move as the conversation grows; in v3 their
descriptions are pasted unescaped, results are pasted into JSON without quotes, and the system message stands in the
last question, and only while that is the last message; in all, words beside calls are dropped from history. Ids are
nine letters or digits: others are mapped to such.
'''

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..render import dumps
from ..spec import (
    CALLS,
    CONTENT,
    ID,
    LIST,
    NAME,
    REPLY,
    RESULTS,
    SYSTEM,
    TEXT,
    TODAY,
    TOOLS,
    Calls,
    Dialect,
    Json,
    Object,
    Turns,
)

_OBJECT = Object({"name": NAME, "arguments": Json(), "id": ID}, also={"parameters": Json()})
_MARKS = frozenset({"[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]",
                    "[TOOL_CALLS]", "<s>", "</s>"})
_MARKS_V11 = _MARKS | {"[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]", "[ARGS]", "[CALL_ID]", "[THINK]",
                       "[/THINK]"}


def pasted(tools: Sequence[Mapping[str, Any]]) -> str:
    """The tools as v3's templates paste them together: JSON, but for strings, which are not escaped."""
    return ", ".join(['{"type": "function", "function": {' + ", ".join(
        [f'"{k}": "{v}"' if isinstance(v, str) else f'"{k}": {dumps(v)}'
         for k, v in t.get("function", t).items() if k != "return"]) + "}}" for t in tools])


_V3 = Turns(
    start=("<s>",),
    system=(CONTENT, "\n\n"),
    user=(TOOLS, "[INST] ", SYSTEM, CONTENT, "[/INST]"),
    assistant=(REPLY, "</s>"),
    results=(RESULTS,),
    result=('[TOOL_RESULTS] {"content": ', CONTENT, ', "call_id": "', ID, '"}[/TOOL_RESULTS]'),
    tools_at="last-user",
    tools=("[AVAILABLE_TOOLS] [", LIST, "][/AVAILABLE_TOOLS]"),
    listing=pasted,
    trim=frozenset({"assistant"}),
    content_with_calls="dropped",
    reasoning="none",
    id_pattern="[a-zA-Z0-9]{9}",
)

MISTRAL_V3 = Dialect(
    "mistral-v3",
    calls=Calls((_OBJECT,), around=("[TOOL_CALLS] [", CALLS, "]"), between=", "),
    accept=(Calls(("[TOOL_CALLS] ", _OBJECT)),),
    content=(" ", TEXT),
    stop=("</s>",),
    special=_MARKS,
    turns=_V3,
)

MISTRAL_NEMO = replace(
    MISTRAL_V3,
    name="mistral-nemo",
    calls=Calls((_OBJECT,), around=("[TOOL_CALLS][", CALLS, "]"), between=", "),
    content=(TEXT,),
    turns=replace(
        _V3,
        user=(TOOLS, "[INST]", SYSTEM, CONTENT, "[/INST]"),
        result=('[TOOL_RESULTS]{"content": ', CONTENT, ', "call_id": "', ID, '"}[/TOOL_RESULTS]'),
        tools=("[AVAILABLE_TOOLS][", LIST, "][/AVAILABLE_TOOLS]"),
        trim=frozenset(),
    ),
)

_SMALL_3_2 = ("""You are Mistral Small 3, a Large Language Model (LLM) created by Mistral AI, a French startup \
headquartered in Paris.
Your knowledge base was last updated on 2023-10-01. The current date is """, TODAY, """.

When you're not sure about some information or when the user's request requires up-to-date or specific data, you must \
use the available tools to fetch the information. Do not hesitate to use tools whenever they can provide a more \
accurate or complete response. If no relevant tools are available, then clearly state that you don't have the \
information and avoid making up anything.

If the user's question is not clear, ambiguous, or does not provide enough context for you to accurately answer the \
question, you do not try to answer it right away and you rather ask the user to clarify their request (e.g. "What are \
some good restaurants around me?" => "Where are you?" or "When is the next flight to Tokyo" => "Where do you travel \
from?").
You are always very attentive to dates, and when asked about information at specific dates, you discard information \
that is at another date.
You follow these instructions in all languages, and always respond to the user in the language they use or request.
Next sections describe the capabilities that you have.

# WEB BROWSING INSTRUCTIONS

You cannot perform any web search or access internet to open URLs, links etc. If it seems like the user is expecting \
you to do so, you clarify the situation and ask the user to copy paste the text directly in the chat.

# MULTI-MODAL INSTRUCTIONS

You have the ability to read images, but you cannot generate images. You also cannot transcribe audio files or videos.
You cannot read nor transcribe audio files or videos.

# TOOL CALLING INSTRUCTIONS

You may have access to tools that you can use to fetch information or perform actions. You must use these tools in the \
following situations:

1. When the request requires up-to-date information.
2. When the request requires specific data that you do not have in your knowledge base.
3. When the request involves actions that you cannot perform without tools.

Always prioritize using tools to provide the most accurate and helpful response. If tools are not available, inform \
the user that you cannot perform the requested action at the moment.""")

MISTRAL_V11 = Dialect(
    "mistral-v11",
    calls=Calls(("[TOOL_CALLS]", NAME, "[CALL_ID]", ID, "[ARGS]", Json())),
    accept=(
        Calls(("[TOOL_CALLS]", NAME, "[ARGS]", Json())),
        Calls((_OBJECT,), around=("[TOOL_CALLS][", CALLS, "]"), between=", "),
    ),
    reasoning=("[THINK]", TEXT, "[/THINK]"),
    stop=("</s>",),
    special=_MARKS_V11,
    turns=Turns(
        start=("<s>",),
        system=("[SYSTEM_PROMPT]", CONTENT, "[/SYSTEM_PROMPT]"),
        default_system=_SMALL_3_2,
        user=(TOOLS, "[INST]", CONTENT, "[/INST]"),
        assistant=(REPLY, "</s>"),
        results=(RESULTS,),
        result=("[TOOL_RESULTS]", ID, "[TOOL_CONTENT]", CONTENT, "[/TOOL_RESULTS]"),
        tools_at="last-user",
        tools=("[AVAILABLE_TOOLS][", LIST, "][/AVAILABLE_TOOLS]"),
        tool_between=", ",
        content_with_calls="dropped",
        reasoning="none",
        id_pattern="[a-zA-Z0-9]{9}",
    ),
)
