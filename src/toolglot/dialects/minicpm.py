'''MiniCPM5: a tag an argument, with its name in an attribute.

Source: chat_template of openbmb/MiniCPM5-1B (sha256 7451a05c, llama.cpp's copy).

    <think>
    I should look.
    </think>

    <function name="get_weather"><param name="city">Paris</param></function><|im_end|>

Ugly and true: strings that hold <, & or a line break stand in CDATA, which nothing escapes; other values are what Python's
str() gives, objects too. The template drops what stands behind <tool_sep> in a turn of calls, and puts the tools where a
system message says <tool_def_sep>; it takes what stands before </think> in an answer, and a question that is wholly between
<tool_response> tags, for what they look like, and strips the line breaks around reasoning and before the words behind it:
here all of them stay what they are.
'''

from __future__ import annotations

from dataclasses import replace

from ..card import Card
from ..spec import KEY, LIST, NAME, TEXT, VALUE, Calls, Dialect, Tagged, When
from ._chatml import CHATML

_PARAMS = Tagged(('<param name="', KEY, '">', VALUE, "</param>"), python="all", cdata=True)

MINICPM5 = Dialect(
    "minicpm5",
    calls=Calls(('<function name="', NAME, '">', _PARAMS, "</function>"), between="\n", gap="\n"),
    accept=(Calls(("<function name='", NAME, "'>",
                   replace(_PARAMS, each=("<param name='", KEY, "'>", VALUE, "</param>")), "</function>"), between="\n"),),
    reasoning=("<think>\n", TEXT, "\n</think>\n\n"),
    call_ends_reasoning=True,
    stop=("<|im_end|>", "</s>"),
    special=frozenset({"<s>", "<|im_start|>", "<|im_end|>", "<think>", "</think>", "<function", "</function>", "<param",
                       "</param>"}),
    turns=replace(
        CHATML,
        start=("<s>",),
        reply_starts=("<|im_start|>assistant\n", When("thinking", "<think>\n"),
                      When("no-thinking", "<think>\n\n</think>\n\n")),
        tools=("# Tools\n\nYou are provided with function signatures within <tools></tools> XML tags:\n<tools>\n", LIST,
               "\n</tools>\n\nTool usage guidelines:\n- You may call zero or more functions. If no function calls are "
               "needed, just answer normally and do not include any <function ... </function>.\n- When calling a function, "
               "return an XML object within <function ... </function> using:\n"
               '<function name="function-name"><param name="param-name">param-value</param></function>\n- param-value may '
               "be multi-line. If it contains <, & or newline characters, wrap it in a CDATA block: "
               '<param name="param-name"><![CDATA[...multi-line value...]]></param>'),
    ),
)

CARDS = (
    Card(
        MINICPM5,
        title="MiniCPM5",
        tier="multi",
        why="trained to make several calls, one behind the other",
        verified="one copy of its chat template, byte for byte",
        models=("minicpm-?5(-\\d+(\\.\\d+)?b)?",),
        evidence=("<function name=", "<param name=", "<![CDATA[", "<|im_start|>"),
    ),
)
