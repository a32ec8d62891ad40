'''Mistral, by the versions of its tokenizer: v1 (7B v0.1 and v0.2, Mixtral 8x7B), v2, v3 (7B v0.3, Mixtral 8x22B), v3 on
the Tekken tokenizer (Nemo, Ministral 8B, Large 2407), v7 (Small 2501 and 3.1; Large 2411 on the older one), v11 (Small 3.2,
Magistral 1.0), v13 (Magistral 1.1 and 1.2, Devstral, Ministral 3, Medium 3).

Sources: chat_template of mistralai/Mistral-7B-Instruct-v0.1 and v0.3 (as xinference 4.1.0 ships them), of
Mistral-Nemo-Instruct-2407, of Mistral-Small-3.2-24B-Instruct-2506, of Ministral-3-14B-Reasoning-2512 (llama.cpp's copy)
and of unsloth's Devstral-Small-2507; and mistral-common 1.13.1, which alone knows v2 and v7.

    [TOOL_CALLS] [{"name": "get_weather", "arguments": {"city": "Paris"}, "id": "aB3dE5fG7"}]</s>
    [TOOL_CALLS]get_weather[CALL_ID]aB3dE5fG7[ARGS]{"city": "Paris"}</s>
    [TOOL_CALLS]get_weather[ARGS]{"city": "Paris"}</s>

Ugly and true: but in v13 the tools stand before the last question, so they move as the conversation grows; in v3 their
descriptions are pasted unescaped, results are pasted into JSON without quotes, and the system message stands in the
last question, and only while that is the last message; v2 forgets calls and results before the last question; in v3 and
v11 words beside calls are dropped from history. Ids are nine letters or digits: others are mapped to such. The spaces of
v3 and before, and of Large 2411, are the older tokenizer's own. The repaired prompts are what mistral-common makes of the
same conversation, white space at the ends of an answer aside.

v1 knows no tools. They are told as zero-shot dialects tell them, in the first question, and results are questions.
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
    ID,
    LIST,
    NAME,
    PARSED,
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
from .zero_shot import JSON, JSON_TURNS

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


def as_json(tools: Sequence[Mapping[str, Any]]) -> str:
    """The tools as mistral-common writes them: what it knows of a function, in its own order."""
    functions = [t.get("function", t) for t in tools]
    return ", ".join([dumps({"type": "function", "function": {
        "name": f["name"], "description": f.get("description", ""), "parameters": f.get("parameters", {})}})
        for f in functions])


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

_V3_COMMON = replace(
    _V3,
    listing=as_json,
    result=('[TOOL_RESULTS] {"content": ', PARSED, ', "call_id": "', ID, '"}[/TOOL_RESULTS]'),
    system_in="last-user",
)

MISTRAL_V3 = Dialect(
    "mistral-v3",
    calls=Calls((_OBJECT,), around=("[TOOL_CALLS] [", CALLS, "]"), between=", "),
    accept=(Calls(("[TOOL_CALLS] ", _OBJECT)),),
    content=(" ", TEXT),
    stop=("</s>",),
    special=_MARKS,
    turns=_V3,
    repaired=_V3_COMMON,
)

_NEMO = replace(
    _V3,
    user=(TOOLS, "[INST]", SYSTEM, CONTENT, "[/INST]"),
    result=('[TOOL_RESULTS]{"content": ', CONTENT, ', "call_id": "', ID, '"}[/TOOL_RESULTS]'),
    tools=("[AVAILABLE_TOOLS][", LIST, "][/AVAILABLE_TOOLS]"),
    trim=frozenset(),
)

MISTRAL_NEMO = replace(
    MISTRAL_V3,
    name="mistral-nemo",
    calls=Calls((_OBJECT,), around=("[TOOL_CALLS][", CALLS, "]"), between=", "),
    content=(TEXT,),
    turns=_NEMO,
    repaired=replace(
        _NEMO,
        listing=as_json,
        result=('[TOOL_RESULTS]{"content": ', PARSED, ', "call_id": "', ID, '"}[/TOOL_RESULTS]'),
        system_in="last-user",
    ),
)

_V2 = replace(
    _V3_COMMON,
    result=('[TOOL_RESULTS] [{"name": "', NAME, '", "content": ', PARSED, "}][/TOOL_RESULTS]"),
    past_calls="after-user",
    one_call=True,
    id_pattern=None,
)

MISTRAL_V2 = replace(
    MISTRAL_V3,
    name="mistral-v2",
    calls=Calls((Object({"name": NAME, "arguments": Json()}),), around=("[TOOL_CALLS] [", CALLS, "]"), between=", "),
    accept=(MISTRAL_V3.calls, *MISTRAL_V3.accept),
    turns=_V2,
    repaired=replace(_V2, past_calls="kept"),
)

MISTRAL_V1 = replace(
    JSON,
    name="mistral-v1",
    stop=("</s>",),
    special=frozenset({"<s>", "</s>"}),
    turns=replace(
        JSON_TURNS,
        start=("<s>",),
        system=(CONTENT, "\n\n"),
        system_in="first-user",
        later_system=None,
        user=(" [INST] ", SYSTEM, TOOLS, CONTENT, " [/INST]"),
        assistant=(" ", REPLY, "</s>"),
        results=(" [INST] ", RESULTS, " [/INST]"),
        reply_starts=(),
        tools_at="first-user",
        tools=(*JSON_TURNS.tools, "\n\n"),
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

_V11 = Turns(
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
)

MISTRAL_V11 = Dialect(
    "mistral-v11",
    calls=Calls(("[TOOL_CALLS]", NAME, "[CALL_ID]", ID, "[ARGS]", Json())),
    accept=(
        Calls(("[TOOL_CALLS]", NAME, "[ARGS]", Json())),
        Calls(("[TOOL_CALLS]", NAME, Json())),
        Calls((_OBJECT,), around=("[TOOL_CALLS][", CALLS, "]"), between=", "),
        Calls(("[TOOL_CALLS]", _OBJECT)),
    ),
    reasoning=("[THINK]", TEXT, "[/THINK]"),
    stop=("</s>",),
    special=_MARKS_V11,
    turns=_V11,
    repaired=replace(_V11, content_with_calls="kept"),
)

_V7 = replace(_V11, default_system=(), content_with_calls="kept", tool_between="", listing=as_json)

MISTRAL_V7 = replace(
    MISTRAL_NEMO,
    name="mistral-v7",
    special=_MARKS | {"[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]"},
    turns=_V7,
    repaired=None,
)

MISTRAL_V7_SPM = replace(
    MISTRAL_V7,
    name="mistral-v7-spm",
    calls=MISTRAL_V3.calls,
    content=(" ", TEXT),
    turns=replace(
        _V7,
        system=("[SYSTEM_PROMPT] ", CONTENT, "[/SYSTEM_PROMPT]"),
        user=(TOOLS, "[INST] ", CONTENT, "[/INST]"),
        result=("[TOOL_RESULTS] ", ID, "[TOOL_CONTENT] ", CONTENT, "[/TOOL_RESULTS]"),
        tools=("[AVAILABLE_TOOLS] [", LIST, "][/AVAILABLE_TOOLS]"),
    ),
)

MISTRAL_V13 = replace(
    MISTRAL_V11,
    name="mistral-v13",
    special=_MARKS_V11 - {"[TOOL_CONTENT]"},
    calls=Calls(("[TOOL_CALLS]", NAME, "[ARGS]", Json())),
    accept=(MISTRAL_V11.calls, *MISTRAL_V11.accept[1:]),
    turns=replace(
        _V11,
        default_system=(),
        result=("[TOOL_RESULTS]", CONTENT, "[/TOOL_RESULTS]"),
        tools_at="first-user",
        content_with_calls="kept",
        reasoning="all",
        id_pattern=None,
    ),
    repaired=None,
)

_REPEATED = "The tools stand before the last question alone; the template repeats them at a repeated question."
_IDS = "Ids of another kind become nine letters or digits; the template refuses them."
_LIST = "several calls in one list, and its makers' API, client library and documents"
_FULL = "several calls, and its makers' API, client library and documents"

CARDS = (
    Card(
        MISTRAL_V1,
        title="Mistral 7B v0.1 and v0.2, Mixtral 8x7B",
        tier="none",
        why="its tokenizer and its chat template know nothing of tools",
        verified="the model's chat template without tools, byte for byte; the rest is ours",
        models=("mistral-7b(-instruct)?-v0\\.[12]", "mixtral[:-]8x7b-instruct(-v0\\.1)?",
                "^mixtral(:latest|[:-]8x7b(-v0\\.1)?)?$"),
        unverified=(
            ("mistral-7b-instruct-v0\\.2-function-calling",
             "it is said to be trained for function calls, but in what form could not be found"),
        ),
        differs=("Tools, calls and results are told in questions and answers; the template refuses them.",),
    ),
    Card(
        MISTRAL_V2,
        title="Mistral Small 2402, Mistral Large 2402",
        tier="multi",
        why="trained to write calls in one list, and its makers' API; with one result a turn",
        verified="mistral-common, which has no chat template of it",
        models=("mistral-(small|large)-2402",),
    ),
    Card(
        MISTRAL_V3,
        title="Mistral 7B v0.3, Mixtral 8x22B",
        tier="full",
        why=_LIST,
        verified="chat template, byte for byte, and mistral-common",
        models=("mistral-7b-instruct(-v0\\.3)?", "mistral-7b-v0\\.3", "mixtral[:-]8x22b(-instruct)?(-v0\\.1)?"),
        ollama=("mistral",),
        evidence=("[TOOL_CALLS] [", "[AVAILABLE_TOOLS]"),
        differs=(_REPEATED, _IDS),
    ),
    Card(
        MISTRAL_NEMO,
        title="Mistral Nemo, Ministral 8B, Mistral Large 2407, Pixtral 12B",
        tier="full",
        why=_LIST,
        verified="chat template, byte for byte, and mistral-common",
        models=("^(open-)?mistral-nemo", "ministral-[38]b", "mistral-large-(instruct-)?2407", "mistral-large-2",
                "pixtral-12b", "mistral-small-(instruct-)?2409", "mistral-nemo-(base|instruct)-2407"),
        ollama=("mistral-nemo",),
        evidence=("[TOOL_CALLS][", "[AVAILABLE_TOOLS]["),
        differs=(_REPEATED, _IDS),
    ),
    Card(
        MISTRAL_V7,
        title="Mistral Small 3 (2501) and 3.1 (2503), Devstral 2505",
        tier="full",
        why=_LIST,
        verified="mistral-common; no trustworthy copy of a chat template with tools",
        models=("mistral-small-(24b-(instruct-)?)?2501", "mistral-small-3(?!\\.[2-9])(\\.1)?", "mistral-small-24b",
                "mistral-saba", "devstral-small-2505"),
        ollama=("mistral-small", "mistral-small3.1"),
    ),
    Card(
        MISTRAL_V7_SPM,
        title="Mistral Large 2411, Pixtral Large",
        tier="full",
        why=_LIST,
        verified="mistral-common; no trustworthy copy of a chat template with tools",
        models=("mistral-large-(instruct-)?2411", "pixtral-large(-instruct)?(-2411)?"),
        ollama=("mistral-large",),
    ),
    Card(
        MISTRAL_V11,
        title="Mistral Small 3.2, Magistral 1.0",
        tier="full",
        why=_FULL,
        verified="chat template, byte for byte, and mistral-common",
        models=("mistral-small-3\\.2(-24b)?", "magistral-(small|medium)(-2506)?"),
        ollama=("mistral-small3.2", "magistral"),
        evidence=("[TOOL_CALLS]", "[ARGS]", "[CALL_ID]"),
        differs=(_REPEATED, _IDS),
    ),
    Card(
        MISTRAL_V13,
        title="Magistral 1.1 and 1.2, Devstral 2507 and 2, Ministral 3, Mistral Medium 3.x, Mistral Large 3",
        tier="full",
        why=_FULL,
        verified="two models' chat templates, byte for byte, and mistral-common",
        models=("devstral(-small|-medium)?", "magistral-(small|medium)-250[79]", "ministral-3",
                "mistral-medium(-3)?", "mistral-large-3", "mistral-small-4", "voxtral"),
        ollama=("devstral", "devstral-2", "devstral-small-2", "ministral-3", "mistral-large-3"),
        gguf=("mistral3", "mistral4"),
        evidence=("[TOOL_CALLS]", "[ARGS]"),
        unless=("[CALL_ID]",),
        differs=("Without a system message there is none; each model's template has one of its own.",),
    ),
)
