'''Step-3.5 and 3.7: Qwen3-Coder's calls, after reasoning.

Sources: chat_template of stepfun-ai/Step-3.5-Flash and of Step-3.7-Flash, as llama.cpp has them (sha256 b18b99df and
d8cc4a7b). They begin with the tokenizer's own beginning-of-text token, which was not at hand: put it before these prompts
where your tokenizer has one. Step-3.7's says how hard to reason, where it is told; that is not done here, and else the two
are the same.

    <tool_call>
    <function=get_weather>
    <parameter=city>
    Paris
    </parameter>
    </function>
    </tool_call><|im_end|>

Ugly and true: nothing stands between words and calls, nor between two calls; results have a turn of their own and no line
breaks in it; a turn after the last question that did not reason is told with an empty block.
'''

from __future__ import annotations

from dataclasses import replace

from ..card import Card
from ..spec import CONTENT, LIST, RESULTS, TEXT, Dialect
from ._chatml import CHATML, SYSTEM
from .qwen_coder import FORMAT, calls

_CALLS, _BARE = calls(between="", gap="")

STEP_3_5 = Dialect(
    "step-3.5",
    calls=_CALLS,
    accept=(_BARE,),
    reasoning=("<think>\n", TEXT, "\n</think>\n"),
    call_ends_reasoning=True,
    stop=("<|im_end|>",),
    special=frozenset({"<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>", "<think>", "</think>"}),
    turns=replace(
        CHATML,
        later_system=SYSTEM,
        tools=("# Tools\n\nYou have access to the following functions in JSONSchema format:\n\n<tools>\n", LIST, FORMAT,
               "- Function calls MUST follow the specified format: an inner <function=...>\n...\n</function> block must be "
               "nested within <tool_call>\n...\n</tool_call> XML tags\n- Required parameters MUST be specified\n"
               "</IMPORTANT>"),
        results=("<|im_start|>tool_response\n", RESULTS, "<|im_end|>\n"),
        result=("<tool_response>", CONTENT, "</tool_response>"),
        result_between="",
        empty_reasoning="kept",
        reply_starts=("<|im_start|>assistant\n", "<think>\n"),
    ),
)

CARDS = (
    Card(
        STEP_3_5,
        title="Step-3.5-Flash, Step-3.7-Flash",
        tier="multi",
        why="trained to make several calls while it reasons; its makers' documents speak of them",
        verified="chat templates of both, byte for byte but for the beginning-of-text token, which was not at hand",
        models=("step-?3[.-]?[57](-flash)?", "step3p[57]"),
        gguf=("step35",),
        evidence=("<function=", "<parameter=", "<tool_call>", "<|im_start|>", "<think>", "tool_response\\n", "JSONSchema",
                  "<IMPORTANT>"),
        differs=(
            "A user's message wholly between <tool_response> tags stays a question; the template takes it for a result.",
            "Words that hold </think> stay whole; the template takes what stands before it for reasoning.",
        ),
        unverified=(("step-?5(?![.\\d])", "vLLM's parser reads its calls as Qwen3-Coder's; how it is prompted could not be "
                     "found, and is taken to be as Step-3.7 is"),),
    ),
)
