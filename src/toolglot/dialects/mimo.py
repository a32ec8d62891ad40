'''MiMo-V2 and V2.5 (Xiaomi): Qwen3-Coder's calls, with nothing between a value and its tags.

Sources: chat_template of XiaomiMiMo/MiMo-V2.5, put together of three copies that people changed each in a place of its own
(two have a typing mistake in the role markers, one has other advice below the tools; where one was changed the others
agree); vllm/parser/mimo.py of vLLM 0.33 and mimo_detector.py of SGLang 0.5.23 for replies.

    <think>I should look it up.</think><tool_call>
    <function=get_weather>
    <parameter=city>Paris</parameter>
    </function>
    </tool_call><|im_end|>

Ugly and true: turns follow one another without a line break, and nothing stands between words and calls, nor between two
calls. White space in a value is the value's own. Booleans and null are written as Python writes them, lists as JSON. Every
past turn has a block of reasoning, be it empty.
'''

from __future__ import annotations

from ..card import Card
from ..spec import CONTENT, KEY, LIST, NAME, REPLY, RESULTS, TEXT, TOOLS, VALUE, Calls, Dialect, Tagged, Turns, When
from ._xml import verbatim_functions

_ARGUMENTS = Tagged(("<parameter=", KEY, ">", VALUE, "</parameter>\n"), python="scalars")

MIMO_V2 = Dialect(
    "mimo-v2",
    calls=Calls(("<tool_call>\n<function=", NAME, ">\n", _ARGUMENTS, "</function>\n</tool_call>")),
    accept=(Calls(("<function=", NAME, ">\n", _ARGUMENTS, "</function>")),),
    reasoning=("<think>", TEXT, "</think>"),
    call_ends_reasoning=True,
    stop=("<|im_end|>", "<|endoftext|>"),
    special=frozenset({"<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>", "<think>", "</think>"}),
    turns=Turns(
        system=("<|im_start|>system\n", CONTENT, When("tools", "\n\n"), TOOLS, "<|im_end|>"),
        later_system=("<|im_start|>system\n", CONTENT, "<|im_end|>"),
        default_system=("You are MiMo, a helpful AI assistant engineered by Xiaomi.",),
        user=("<|im_start|>user\n", CONTENT, "<|im_end|>"),
        assistant=("<|im_start|>assistant\n", REPLY, "<|im_end|>"),
        results=("<|im_start|>tool\n", RESULTS, "<|im_end|>"),
        result=("<tool_response>\n", CONTENT, "\n</tool_response>\n"),
        reply_starts=("<|im_start|>assistant\n", When("no-thinking", "<think></think>")),
        tools=(
            "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
            "You have access to the following functions:\n\n<tools>", LIST, "\n</tools>\n\n"
            "For each function call, output the function name and arguments in the following format:\n<tool_call>\n"
            "<function=example_function_name>\n<parameter=example_parameter_1>value_1</parameter>\n"
            "<parameter=example_parameter_2>This is the value for the second parameter\nthat can span\n"
            "multiple lines</parameter>\n</function>\n</tool_call>\n\n<IMPORTANT>\n"
            "- Function calls MUST follow the specified format: an inner <function=...></function> block must be "
            "nested within <tool_call></tool_call> XML tags\n- DO NOT use function calls inside <think></think> tags.\n"
            "- The value enclosed between parameter tags is preserved exactly as-is, including newlines and spaces.\n"
            "</IMPORTANT>"),
        listing=verbatim_functions,
        reasoning="all",
        empty_reasoning="always",
    ),
)

CARDS = (
    Card(
        MIMO_V2,
        title="MiMo-V2, MiMo-V2.5",
        tier="full",
        why="several calls, reasoning that is kept, and its makers' API and documents",
        verified="chat template, byte for byte, as put together of three copies that agree but for one change each",
        models=("mimo-v?2(\\.5)?(-(pro|omni|base))*",),
        gguf=("mimo2",),
        evidence=("<function=", "<parameter=", "<tool_call>", "<|im_start|>", "keep_all_reasoning"),
        unverified=(("mimo-v2-flash", "its calls are these; whether its prompts think unasked and keep reasoning is not "
                     "verified"),),
    ),
)
