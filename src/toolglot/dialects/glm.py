'''GLM: 4.5 and 4.6, 4.7 and 5, 5.1, 5.2, 5.3: a key and a value an argument; and GLM-4 (0414) before them: a name and JSON.

Sources: chat_template of zai-org/GLM-4.5 and GLM-4.6 (llama.cpp's and TRL's copies agree but for an error message), of
GLM-4.7-Flash, 4.7 and 5 (sha256 d63ad536, two copies), of GLM-5.1 (03b1bbff), of GLM-5.2 and of GLM-4-9B-0414
(xinference 4.1.0's copies); of GLM-5.3 its makers' program in the place of a template (sglang 0.5.23's
copy); for GLM-4's calls the message format of THUDM/GLM-4.

    <think>I should look.</think>
    <tool_call>get_weather
    <arg_key>city</arg_key>
    <arg_value>Paris</arg_value>
    </tool_call>

    <think>I should look.</think><tool_call>get_weather<arg_key>city</arg_key><arg_value>Paris</arg_value></tool_call>

    get_weather
    {"city": "Paris"}

Ugly and true: nothing closes a turn but the next one's role, so the stop tokens are `<|user|>` and `<|observation|>`;
a string and a number look alike, and only the tool's schema tells them apart; from 4.7 on the prompt opens the
reasoning, and history closes what was never opened. GLM-5.3's program puts results in the order of their calls;
here they stand as they are given. GLM-4-9B-Chat is told its tools as GLM-4-0414 is, behind a sentence on who it is.
'''

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..card import Card
from ..render import dumps
from ..spec import (
    CONTENT,
    FUNCTION,
    KEY,
    LIST,
    NAME,
    REPLY,
    RESULTS,
    TEXT,
    VALUE,
    Calls,
    Dialect,
    Json,
    Tagged,
    Turns,
    When,
)

_ROLES = frozenset({"<|user|>", "<|observation|>", "<|system|>", "<|assistant|>"})
_MARKS = _ROLES | {"<tool_call>", "</tool_call>", "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>", "<think>",
                   "</think>"}
_STOP = ("<|user|>", "<|observation|>", "<|endoftext|>", "<|system|>", "<|assistant|>")

_TOOLS = ("<|system|>\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
          "You are provided with function signatures within <tools></tools> XML tags:\n<tools>\n", LIST,
          "\n</tools>\n\nFor each function call, output the function name and arguments within the following XML "
          "format:\n")

GLM_4_5 = Dialect(
    "glm-4.5",
    calls=Calls(("<tool_call>", NAME, "\n",
                 Tagged(("<arg_key>", KEY, "</arg_key>\n<arg_value>", VALUE, "</arg_value>\n")), "</tool_call>"),
                between="\n"),
    reasoning=("<think>", TEXT, "</think>"),
    join="\n",
    stop=_STOP,
    special=_MARKS,
    turns=Turns(
        start=("[gMASK]<sop>",),
        system=("<|system|>\n", CONTENT),
        user=("<|user|>\n", CONTENT, When("no-thinking", "/nothink")),
        assistant=("<|assistant|>\n", REPLY),
        results=("<|observation|>", RESULTS),
        result=("\n<tool_response>\n", CONTENT, "\n</tool_response>"),
        reply_starts=("<|assistant|>", When("no-thinking", "\n<think></think>")),
        tools_at="own",
        tools=(*_TOOLS, "<tool_call>{function-name}\n<arg_key>{arg-key-1}</arg_key>\n"
               "<arg_value>{arg-value-1}</arg_value>\n<arg_key>{arg-key-2}</arg_key>\n"
               "<arg_value>{arg-value-2}</arg_value>\n...\n</tool_call>"),
        trim=frozenset({"assistant", "called"}),
        empty_reasoning="always",
    ),
)


def functions(tools: Sequence[Mapping[str, Any]]) -> str:
    """The tools as GLM-5.1 is shown them: the function alone, without what only concerns the API."""
    return "\n".join([dumps({k: v for k, v in t.get("function", t).items() if k not in ("strict", "defer_loading")})
                      for t in tools])


_4_7 = Turns(
    start=("[gMASK]<sop>",),
    system=("<|system|>", CONTENT),
    user=("<|user|>", CONTENT),
    assistant=("<|assistant|>", REPLY),
    results=("<|observation|>", RESULTS),
    result=("<tool_response>", CONTENT, "</tool_response>"),
    reply_starts=("<|assistant|>", When("no-thinking", "</think>", "<think>")),
    tools_at="own",
    tools=(*_TOOLS, "<tool_call>{function-name}<arg_key>{arg-key-1}</arg_key><arg_value>{arg-value-1}</arg_value>"
           "<arg_key>{arg-key-2}</arg_key><arg_value>{arg-value-2}</arg_value>...</tool_call>"),
    trim=frozenset({"assistant", "called"}),
    no_reasoning=("</think>",),
)

GLM_4_7 = Dialect(
    "glm-4.7",
    calls=Calls(("<tool_call>", NAME, Tagged(("<arg_key>", KEY, "</arg_key><arg_value>", VALUE, "</arg_value>")),
                 "</tool_call>")),
    reasoning=("<think>", TEXT, "</think>"),
    stop=_STOP,
    special=_MARKS,
    turns=_4_7,
)

_5_1 = replace(
    _4_7,
    listing=functions,
    trim=frozenset({"answer", "called"}),
    no_reasoning_kept=(When("no-thinking", "</think>", "<think></think>"),),
)

GLM_5_1 = replace(GLM_4_7, name="glm-5.1", turns=_5_1)

_5_2 = replace(
    _5_1,
    start=("[gMASK]<sop>", When("no-thinking", "", "<|system|>Reasoning Effort: Max")),
    reply_starts=("<|assistant|>", When("no-thinking", "<think></think>", "<think>")),
    no_reasoning=(),
    no_reasoning_kept=(),
    empty_reasoning="always",
)

GLM_5_2 = replace(GLM_4_7, name="glm-5.2", turns=_5_2)

GLM_5_3 = replace(GLM_5_2, name="glm-5.3", turns=replace(
    _5_2,
    start=("[gMASK]<sop><|system|>Reasoning Effort: Max",),
    reply_starts=("<|assistant|>", "<think>"),
    reasoning="all",
))

GLM_4 = Dialect(
    "glm-4",
    calls=Calls((NAME, "\n", Json()), between="<|assistant|>", at_start=True),
    accept=(Calls(("<|assistant|>", NAME, "\n", Json())),),
    content=("\n", TEXT),
    reasoning=("\n<think>", TEXT, "</think>"),
    stop=("<|user|>", "<|observation|>", "<|endoftext|>"),
    special=_ROLES,
    turns=Turns(
        start=("[gMASK]<sop>",),
        system=("<|system|>\n", CONTENT),
        user=("<|user|>\n", CONTENT),
        assistant=("<|assistant|>", REPLY),
        results=(RESULTS,),
        result=("<|observation|>\n", CONTENT),
        reply_starts=("<|assistant|>",),
        tools_at="own",
        tools=("<|system|>\n# 可用工具\n", LIST),
        tool=("\n## ", NAME, "\n\n", FUNCTION, "\n在调用上述函数时，请使用 Json 格式表示调用的参数。"),
        tool_between="",
        tool_indent=4,
        one_call=True,
        content_with_calls="dropped",
        reasoning="none",
    ),
)

CARDS = (
    Card(
        GLM_4_5,
        title="GLM-4.5, GLM-4.5-Air, GLM-4.6",
        tier="full",
        why="several calls, reasoning, and its makers' API and documents",
        verified="chat template, byte for byte",
        models=("glm-4\\.[56]v?(-(air|airx|flash|flashx|x))?",),
        ollama=("glm-4.5", "glm-4.5-air", "glm-4.6"),
        gguf=("glm4moe",),
        evidence=("<arg_key>", "<arg_value>", "[gMASK]"),
        unless=("</arg_key><arg_value>",),
        differs=(
            "A past answer that holds </think> is kept whole; the template takes what stands before it for reasoning.",
            "A question that ends in /nothink gets another one where no thinking is asked for; the template sees that it "
            "has it.",
        ),
    ),
    Card(
        GLM_4_7,
        title="GLM-4.7, GLM-4.7-Flash, GLM-5",
        tier="full",
        why="several calls, reasoning that is kept while tools are used, and its makers' API and documents",
        verified="chat template, byte for byte; two copies agree",
        models=("glm-4\\.7(-(flash|flashx|air))?", "glm-5(?!\\.\\d)(-(air|flash|turbo|code))?"),
        ollama=("glm-4.7", "glm-4.7-flash", "glm-5"),
        evidence=("<arg_key>", "</arg_key><arg_value>", "[gMASK]"),
        unless=("tool_to_json", "Reasoning Effort"),
        differs=(
            "A past answer that holds </think> is kept whole; the template takes what stands before it for reasoning.",
            "Reasoning of nothing but white space is none; the template tells an empty block of it.",
        ),
    ),
    Card(
        GLM_5_1,
        title="GLM-5.1",
        tier="full",
        why="several calls, reasoning that is kept while tools are used, and its makers' API and documents",
        verified="chat template, byte for byte",
        models=("glm-5\\.1(-(air|flash|turbo|code))?",),
        ollama=("glm-5.1",),
        evidence=("<arg_key>", "</arg_key><arg_value>", "[gMASK]", "tool_to_json"),
        unless=("Reasoning Effort",),
        differs=(
            "A past answer that holds </think> is kept whole; the template takes what stands before it for reasoning.",
        ),
    ),
    Card(
        GLM_5_2,
        title="GLM-5.2",
        tier="full",
        why="several calls, reasoning that is kept while tools are used, and its makers' API and documents",
        verified="one copy of its chat template, byte for byte",
        models=("glm-5\\.2(-(air|flash|turbo|code))?",),
        ollama=("glm-5.2",),
        evidence=("<arg_key>", "</arg_key><arg_value>", "[gMASK]", "tool_to_json", "Reasoning Effort"),
        differs=(
            "A past answer that holds </think> is kept whole; the template takes what stands before it for reasoning.",
        ),
    ),
    Card(
        GLM_5_3,
        title="GLM-5.3, GLM-5.3-Flash",
        tier="full",
        why="several calls, reasoning that is always kept, and its makers' API and documents",
        verified="its makers' program for prompts, byte for byte",
        models=("glm-5\\.3(-(air|flash|turbo|code))?",),
        evidence=("<arg_key>", "</arg_key><arg_value>", "[gMASK]", "tool_to_json", "Reasoning Effort:"),
        unless=("enable_thinking",),
    ),
    Card(
        GLM_4,
        title="GLM-4-0414, GLM-Z1-0414, GLM-4-9B-Chat",
        tier="single",
        why="trained to call one function a message; its chat template knows calls and results only as messages of its own "
            "kinds",
        verified="one copy of its chat template, byte for byte but for calls and results, which follow its makers' "
                 "message format",
        models=("glm-?4-(9b|32b|0414|plus|air|flash)(-(chat|base|rumination))*(-(0414|1m|hf))*", "glm-z1", "glm-4v"),
        ollama=("glm4",),
        gguf=("glm4",),
        evidence=("# 可用工具", "[gMASK]<sop>"),
        differs=(
            "Past calls are told as messages with a name, and results as observations; the template says nothing of "
            "tool_calls and of the role tool.",
        ),
    ),
)
