'''Qwen3-Coder, Qwen3.5, 3.6 and 3.8: one tag an argument.

Sources: chat_template of Qwen/Qwen3-Coder-30B-A3B-Instruct and 480B (sha256 7e0648e7, two copies), of Qwen/Qwen3.5-4B
and larger (a4aee8af, three copies), of the small Qwen3.5 that do not think unasked (273d8e0e), and of Qwen/Qwen3.6-27B
(e84f32a2, two copies). Qwen3.8's (ollama/ollama, model/renderers/testdata/qwen38_chat_template.jinja) has the same calls
and tools; above them it says how hard to reason, and it keeps all reasoning: neither is done here.

    <tool_call>
    <function=get_weather>
    <parameter=city>
    Paris
    </parameter>
    </function>
    </tool_call><|im_end|>

Ugly and true: Qwen3-Coder writes lists, booleans and null as Python writes them, objects as JSON; Qwen3.5 writes only
booleans and null so, Qwen3.6 nothing. A string argument cannot hold the closer of its own tag where another tag follows.
From 3.5 on the system message stands below the tools, every message and result is trimmed, and a turn after the last
question that did not reason is told with an empty block.
'''

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from ..card import Card
from ..spec import CONTENT, KEY, LIST, NAME, RESULTS, TEXT, TOOLS, VALUE, Calls, Dialect, Tagged, When
from ._chatml import CHATML, SYSTEM
from ._xml import functions

ARGUMENT = ("<parameter=", KEY, ">\n", VALUE, "\n</parameter>\n")
# What a call looks like, and what may or may not stand beside it: Qwen3-Coder wrote this first, others took it over.
FORMAT = (
    "\n</tools>\n\nIf you choose to call a function ONLY reply in the following format with NO suffix:\n\n"
    "<tool_call>\n<function=example_function_name>\n<parameter=example_parameter_1>\nvalue_1\n</parameter>\n"
    "<parameter=example_parameter_2>\nThis is the value for the second parameter\nthat can span\n"
    "multiple lines\n</parameter>\n</function>\n</tool_call>\n\n<IMPORTANT>\nReminder:\n")
REMINDER = FORMAT + (
    "- Function calls MUST follow the specified format: an inner <function=...></function> block must be "
    "nested within <tool_call></tool_call> XML tags\n- Required parameters MUST be specified\n"
    "- You may provide optional reasoning for your function call in natural language BEFORE the function "
    "call, but NOT after\n- If there is no function call available, answer the question like normal with "
    "your current knowledge and do not tell the user about function calls\n</IMPORTANT>")


def calls(python: bool | Literal["scalars"] = "scalars", between: str = "\n",
          gap: str = "\n\n") -> tuple[Calls, Calls]:
    """A call in its tags, and without the outer one, which models often leave out."""
    tagged = Tagged(ARGUMENT, python)
    return (Calls(("<tool_call>\n<function=", NAME, ">\n", tagged, "</function>\n</tool_call>"), between=between, gap=gap),
            Calls(("<function=", NAME, ">\n", tagged, "</function>"), between="\n"))


_CODER, _CODER_BARE = calls(python=True)
_CALLS, _BARE = calls()
_JSON, _JSON_BARE = calls(python=False)

QWEN3_CODER = Dialect(
    "qwen3-coder",
    calls=_CODER,
    accept=(_CODER_BARE,),
    stop=("<|im_end|>", "<|endoftext|>"),
    special=frozenset({"<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>"}),
    turns=replace(
        CHATML,
        system=("<|im_start|>system\n", CONTENT, When("tools", "\n\n"), TOOLS, "<|im_end|>\n"),
        later_system=SYSTEM,
        default_system=("You are Qwen, a helpful AI assistant that can interact with a computer to solve tasks.",),
        default_with_tools=True,
        tools=("You have access to the following functions:\n\n<tools>", LIST, REMINDER),
        listing=functions,
        results=("<|im_start|>user\n", RESULTS, "<|im_end|>\n"),
        result=("<tool_response>\n", CONTENT, "\n</tool_response>\n"),
        result_between="",
        trim=frozenset({"called"}),
        reasoning="none",
    ),
)

_3_5 = replace(
    CHATML,
    system=("<|im_start|>system\n", TOOLS, When("both", "\n\n"), CONTENT, "<|im_end|>\n"),
    later_system=SYSTEM,
    tools=("# Tools\n\nYou have access to the following functions:\n\n<tools>\n", LIST, REMINDER),
    trim=frozenset({"system", "user", "assistant", "called", "result"}),
    empty_reasoning="kept",
    reply_starts=("<|im_start|>assistant\n", When("no-thinking", "<think>\n\n</think>\n\n", "<think>\n")),
)

QWEN3_5 = Dialect(
    "qwen3.5",
    calls=_CALLS,
    accept=(_BARE,),
    reasoning=("<think>\n", TEXT, "\n</think>\n\n"),
    call_ends_reasoning=True,
    stop=("<|im_end|>", "<|endoftext|>"),
    special=frozenset({"<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>", "<think>", "</think>"}),
    turns=_3_5,
)

QWEN3_5_SMALL = replace(
    QWEN3_5,
    name="qwen3.5-small",
    turns=replace(_3_5, reply_starts=(
        "<|im_start|>assistant\n", When("thinking", "<think>\n", "<think>\n\n</think>\n\n"))),
)

QWEN3_6 = replace(QWEN3_5, name="qwen3.6", calls=_JSON, accept=(_JSON_BARE,))

_DIFFERS = (
    "An empty system message still parts itself from the tools by line breaks; the template leaves them out.",
    "A later system message is told where it stands; the template refuses it.",
    "A user's message wholly between <tool_response> tags stays a question; the template takes it for a result.",
    "Words that hold </think> stay whole; the template takes what stands before it for reasoning.",
)

CARDS = (
    Card(
        QWEN3_CODER,
        title="Qwen3-Coder",
        tier="full",
        why="several calls, and its makers' API, library and documents",
        verified="chat template, byte for byte; two copies agree",
        models=("qwen-?3-coder",),
        ollama=("qwen3-coder",),
        evidence=("<function=", "<parameter=", "<tool_call>", "<|im_start|>"),
        unless=("<think>",),
    ),
    Card(
        QWEN3_5,
        title="Qwen3.5 of 4B and more",
        tier="full",
        why="several calls, reasoning that is kept while tools are used, and its makers' API, library and documents",
        verified="chat template, byte for byte; three copies agree",
        models=("qwen-?3\\.5",),
        gguf=("qwen35", "qwen35moe"),
        unverified=(
            ("nanbeige-?4\\.2", "its calls are these; it is told who it is in Chinese, and keeps all reasoning"),
            ("trinity-large-thinking", "its calls are these, by its model card; its prompt is not verified"),
            ("granite-4\\.2", "its calls are these, by the engines' parsers; its frame is not verified"),
        ),
        evidence=("<function=", "<parameter=", "<tool_call>", "<|im_start|>", "<think>", "reasoning_content"),
        unless=("preserve_thinking", "enable_thinking is true", "<name>", "JSONSchema"),
        differs=_DIFFERS,
    ),
    Card(
        QWEN3_5_SMALL,
        title="Qwen3.5 0.8B and 2B, which think only when asked to",
        tier="full",
        why="several calls, reasoning that is kept while tools are used, and its makers' API, library and documents",
        verified="chat template, byte for byte; two copies agree",
        models=("qwen-?3\\.5[-:](0\\.8|2)b",),
        evidence=("<function=", "<parameter=", "<tool_call>", "<|im_start|>", "<think>", "reasoning_content",
                  "enable_thinking is true"),
        unless=("preserve_thinking",),
        differs=_DIFFERS,
    ),
    Card(
        QWEN3_6,
        title="Qwen3.6",
        tier="full",
        why="several calls, reasoning that is kept while tools are used, and its makers' API, library and documents",
        verified="chat template, byte for byte; two copies agree",
        models=("qwen-?3\\.6",),
        evidence=("<function=", "<parameter=", "<tool_call>", "<|im_start|>", "<think>", "reasoning_content",
                  "preserve_thinking"),
        differs=_DIFFERS,
        unverified=(("qwen-?3\\.8", "its calls and tools are Qwen3.6's; its own prompt also states how hard to reason, and "
                     "keeps all reasoning"),),
    ),
)
