'''DeepSeek: V3 and R1, V3.1, V3.2, V4, V4.1.

Sources: for V3 and R1 the tool prompts of vLLM and SGLang (tool_chat_template_deepseekr1.jinja), in the frame of the
models' own chat templates (deepseek-ai/DeepSeek-R1-0528, and R1-Distill-Qwen, sha256 563b1ce7, two copies), which list
no tools; for V3.1 the model card, and vLLM's and xinference's copies of its chat template with tools, which agree once
the white space of their own source is taken out; for V3.2 and V4 the encoders in Python that come with the models
(encoding_dsv32.py, encoding_dsv4.py; of V4 and V4.1 vLLM's copies, 0.33), and for V3.2 llama.cpp's chat template after
it.

    <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather
    ```json
    {"city": "Paris"}
    ```<｜tool▁call▁end｜><｜tool▁calls▁end｜>

    <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"city": "Paris"}\
<｜tool▁call▁end｜><｜tool▁calls▁end｜>

    <｜DSML｜function_calls>
    <｜DSML｜invoke name="get_weather">
    <｜DSML｜parameter name="city" string="true">Paris</｜DSML｜parameter>
    </｜DSML｜invoke>
    </｜DSML｜function_calls>

V4 writes `tool_calls` for `function_calls`. V4.1 writes a space before each tag's name:

    <｜DSML｜ calls>
    <｜DSML｜ invoke name="get_weather">
    <｜DSML｜ parameter name="city" string="true">Paris</｜DSML｜ parameter>
    </｜DSML｜ invoke>
    </｜DSML｜ calls>

Ugly and true: after results the reply goes on without a header of its own, but in V4 and later; all system messages stand
at the front, but in V4.1; V3.1 and before keep no reasoning. A value of DSML cannot hold its own closer. What the encoders
of V4 and V4.1 do otherwise: an empty line stands in a call without arguments; a question that follows another, or results,
goes on in the same turn; results are put into the order of their calls; V4's writes later system messages where they stand,
with no mark around them, and V4.1's takes one for a new question, before which reasoning is dropped. How hard to think is
told as each encoder does where nothing is asked for: by V4's not at all, by V4.1's as 75 of 100. Some replies of V4 open
the block as toolcalls or as tool.
'''

from __future__ import annotations

from dataclasses import replace

from ..card import Card
from ..spec import (
    CALLS,
    CONTENT,
    DESCRIPTION,
    FUNCTION,
    IS_STR,
    KEY,
    LIST,
    NAME,
    PARAMETERS,
    REPLY,
    RESULTS,
    TEXT,
    TOOL,
    TOOLS,
    VALUE,
    Calls,
    Dialect,
    Json,
    Node,
    Tagged,
    Turns,
    When,
)

_FRAME = frozenset({"<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>", "<think>",
                    "</think>"})
_MARKS = _FRAME | {"<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>",
                   "<｜tool▁sep｜>"}

_V3_1 = Turns(
    start=("<｜begin▁of▁sentence｜>",),
    system=(CONTENT, TOOLS),
    system_joins="\n\n",
    user=("<｜User｜>", CONTENT),
    assistant=("<｜Assistant｜></think>", REPLY, "<｜end▁of▁sentence｜>"),
    header_once=True,
    results=(RESULTS,),
    result=("<｜tool▁output▁begin｜>", CONTENT, "<｜tool▁output▁end｜>"),
    reply_starts=("<｜Assistant｜>", When("thinking", "<think>", "</think>")),
    tools=("\n\n## Tools\nYou have access to the following tools:\n", LIST,
           "\nIMPORTANT: ALWAYS adhere to this exact format for tool use:\n"
           "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>tool_call_name<｜tool▁sep｜>tool_call_arguments"
           "<｜tool▁call▁end｜>{{additional_tool_calls}}<｜tool▁calls▁end｜>\n\nWhere:\n\n"
           "- `tool_call_name` must be an exact match to one of the available tools\n"
           "- `tool_call_arguments` must be valid JSON that strictly follows the tool's Parameters Schema\n"
           "- For multiple tool calls, chain them directly without separators or spaces\n"),
    tool=("\n### ", NAME, "\nDescription: ", DESCRIPTION, "\n\nParameters: ", PARAMETERS, "\n"),
    tool_between="",
    reasoning="none",
)

DEEPSEEK_V3_1 = Dialect(
    "deepseek-v3.1",
    calls=Calls(("<｜tool▁call▁begin｜>", NAME, "<｜tool▁sep｜>", Json(), "<｜tool▁call▁end｜>"),
                around=("<｜tool▁calls▁begin｜>", CALLS, "<｜tool▁calls▁end｜>")),
    reasoning=("<think>", TEXT, "</think>"),
    stop=("<｜end▁of▁sentence｜>",),
    special=_MARKS,
    turns=_V3_1,
)

DEEPSEEK_V3 = Dialect(
    "deepseek-v3",
    calls=Calls(("<｜tool▁call▁begin｜>function<｜tool▁sep｜>", NAME, "\n```json\n", Json(), "\n```<｜tool▁call▁end｜>"),
                around=("<｜tool▁calls▁begin｜>", CALLS, "<｜tool▁calls▁end｜>"), between="\n"),
    accept=(
        Calls(("<｜tool▁call▁begin｜>function<｜tool▁sep｜>", NAME, "\n", Json(), "<｜tool▁call▁end｜>"),
              around=("<｜tool▁calls▁begin｜>", CALLS, "<｜tool▁calls▁end｜>")),
        DEEPSEEK_V3_1.calls,
    ),
    reasoning=("<think>\n", TEXT, "\n</think>\n\n"),
    stop=("<｜end▁of▁sentence｜>",),
    special=_MARKS,
    turns=replace(
        _V3_1,
        assistant=("<｜Assistant｜>", REPLY, "<｜end▁of▁sentence｜>"),
        header_once="results",
        results=("<｜tool▁outputs▁begin｜>", RESULTS, "<｜tool▁outputs▁end｜>"),
        result_between="\n",
        reply_starts=("<｜Assistant｜>", When("thinking", "<think>\n")),
        tools=("\n\nYou are a helpful assistant with tool calling capabilities. When a tool call is needed, you MUST use "
               "the following format to issue the call:\n"
               "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>FUNCTION_NAME\n"
               '```json\n{"param1": "value1", "param2": "value2"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>\n\n'
               "Make sure the JSON is valid.## Tools\n\n### Function\n\nYou have the following functions available:\n\n",
               LIST),
        tool=("\n```json\n", TOOL, "\n```\n"),
    ),
)


def dsml(block: str, space: str = "", opener: str = "") -> Calls:
    """Calls in the marks of V3.2 and later, which name the block around them each in its own way."""
    return Calls(
        (f'<｜DSML｜{space}invoke name="', NAME, '">\n',
         Tagged((f'<｜DSML｜{space}parameter name="', KEY, '" string="', IS_STR, '">', VALUE,
                 f"</｜DSML｜{space}parameter>\n")),
         f"</｜DSML｜{space}invoke>\n"),
        around=(f"\n\n<｜DSML｜{opener or block}>\n", CALLS, f"</｜DSML｜{block}>"))


_V3_2 = replace(
    _V3_1,
    assistant=("<｜Assistant｜>", REPLY, "<｜end▁of▁sentence｜>"),
    results=("\n\n<function_results>", RESULTS, "\n</function_results>", When("last", "", "\n\n")),
    result=("\n<result>", CONTENT, "</result>"),
    goes_on=("\n\n", When("thinking", "<think>", "</think>")),
    tools=("\n\n## Tools\n\nYou have access to a set of tools you can use to answer the user's question.\n"
           'You can invoke functions by writing a "<｜DSML｜function_calls>" block like the following as part of '
           "your reply to the user:\n<｜DSML｜function_calls>\n"
           '<｜DSML｜invoke name="$FUNCTION_NAME">\n'
           '<｜DSML｜parameter name="$PARAMETER_NAME" string="true|false">$PARAMETER_VALUE</｜DSML｜parameter>\n...\n'
           '</｜DSML｜invoke>\n<｜DSML｜invoke name="$FUNCTION_NAME2">\n...\n</｜DSML｜invoke>\n'
           "</｜DSML｜function_calls>\n\n"
           "String and scalar parameters should be specified as is without any escaping or quotes, while lists and "
           'objects should use JSON format. The "string" attribute should be set to "true" for string type parameters '
           'and "false" for other types (numbers, booleans, arrays, objects).\n\n'
           "If the thinking_mode is enabled, then after function results you should strongly consider outputting a "
           "thinking block. Here is an example:\n\n<｜DSML｜function_calls>\n...\n</｜DSML｜function_calls>\n\n"
           "<function_results>\n...\n</function_results>\n\n<think>...thinking about results</think>\n\n"
           "Here are the functions available in JSONSchema format:\n<functions>\n", LIST, "\n</functions>\n"),
    tool=(FUNCTION,),
    tool_between="\n",
    reasoning="after-user",
    no_reasoning=("</think>",),
    no_reasoning_kept=(When("thinking", "<think></think>", "</think>"),),
    unthought=True,
)

DEEPSEEK_V3_2 = Dialect(
    "deepseek-v3.2",
    calls=dsml("function_calls"),
    accept=(dsml("tool_calls"),),
    reasoning=("<think>", TEXT, "</think>"),
    call_ends_reasoning=True,
    stop=("<｜end▁of▁sentence｜>",),
    special=_FRAME,
    turns=_V3_2,
)

def _told(block: str, space: str = "") -> tuple[Node, ...]:
    """How V4 and V4.1 tell of the tools."""
    invoke, parameter = f"{space}invoke", f"{space}parameter"
    return (
        "\n\n## Tools\n\nYou have access to a set of tools to help answer the user's question. You can invoke tools "
        f'by writing a "<｜DSML｜{block}>" block like the following:\n\n<｜DSML｜{block}>\n'
        f'<｜DSML｜{invoke} name="$TOOL_NAME">\n'
        f'<｜DSML｜{parameter} name="$PARAMETER_NAME" string="true|false">$PARAMETER_VALUE</｜DSML｜{parameter}>\n...\n'
        f'</｜DSML｜{invoke}>\n<｜DSML｜{invoke} name="$TOOL_NAME2">\n...\n</｜DSML｜{invoke}>\n</｜DSML｜{block}>\n\n'
        'String parameters should be specified as is and set `string="true"`. For all other types (numbers, '
        'booleans, arrays, objects), pass the value in JSON format and set `string="false"`.\n\n'
        "If thinking_mode is enabled (triggered by <think>), you MUST output your complete reasoning inside "
        "<think>...</think> BEFORE any tool calls or final response.\n\n"
        "Otherwise, output directly after </think> with tool calls or final response.\n\n"
        "### Available Tool Schemas\n\n", LIST,
        "\n\nYou MUST strictly follow the above defined tool name and parameter schemas to invoke tool calls.\n")


_V4 = replace(
    _V3_2,
    header_once=False,
    goes_on=(),
    results=("<｜User｜>", RESULTS),
    result=("<tool_result>", CONTENT, "</tool_result>"),
    result_between="\n\n",
    tools=_told("tool_calls"),
    reasoning="with-tools",
)

DEEPSEEK_V4 = replace(
    DEEPSEEK_V3_2,
    name="deepseek-v4",
    calls=dsml("tool_calls"),
    accept=(dsml("function_calls"), dsml("tool_calls", opener="toolcalls"), dsml("tool_calls", opener="tool")),
    turns=_V4,
)

DEEPSEEK_V4_1 = replace(
    DEEPSEEK_V4,
    name="deepseek-v4.1",
    calls=dsml(" calls", " "),
    accept=(dsml("tool_calls"),),
    special=_FRAME | {"<｜System｜>"},
    turns=replace(
        _V4,
        system=("<｜System｜>", When("thinking", "Reasoning Effort: 75 (range 1-100, the higher the value, the more "
                                              "thorough the reasoning)\n\n"), CONTENT, TOOLS),
        later_system=("<｜System｜>", CONTENT),
        system_joins=None,
        system_always="thinking",
        tools=_told(" calls", " "),
    ),
)

CARDS = (
    Card(
        DEEPSEEK_V3,
        title="DeepSeek-V3, V3-0324, R1, R1-0528, R1-Distill",
        tier="multi",
        why="trained on these marks for several calls; but the templates that come with the models list no tools, so the "
            "tools are told in vLLM's and SGLang's words",
        verified="vLLM's and xinference's chat templates with tools and the model's own without, byte for byte",
        models=("deepseek-(tng-)?(r1t2?|r1)(-chimera|-zero|-distill)?", "deepseek-v3(?!\\.[1-9])", "deepseek-v2\\.5",
                "r1-(1776|distill)"),
        ollama=("deepseek-r1", "deepseek-v3", "deepseek-v2.5", "r1-1776"),
        evidence=("<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "```json"),
        differs=(
            "Where the tools are told, the templates that come with the models say nothing of them.",
            "A past answer that holds </think> is kept whole; the template cuts off what stands before it.",
        ),
    ),
    Card(
        DEEPSEEK_V3_1,
        title="DeepSeek-V3.1, V3.1-Terminus, V3.2-Exp",
        tier="full",
        why="several calls, and its makers' API and documents; the template that comes with the model lists no tools",
        verified="two copies of its chat template with tools, byte for byte once their own white space is out",
        models=("deepseek-v3\\.1(-base|-terminus|-nex-n1)?", "deepseek-v3\\.2-exp"),
        ollama=("deepseek-v3.1",),
        evidence=("<｜tool▁call▁begin｜>", "<｜tool▁sep｜>"),
        unless=("```json", "has_reasoning"),
        differs=("A past answer that holds </think> is kept whole; the template cuts off what stands before it.",),
    ),
    Card(
        DEEPSEEK_V3_2,
        title="DeepSeek-V3.2",
        tier="full",
        why="several calls, reasoning that is kept while tools are used, and its makers' API and documents",
        verified="its makers' encoder, as llama.cpp's chat template has it, byte for byte",
        models=("deepseek-v3\\.2(-speciale)?",),
        ollama=("deepseek-v3.2",),
        gguf=("deepseek32",),
        evidence=("DSML", "function_calls"),
        unless=("<tool_result>",),
        differs=(
            "Without a system message the tools begin with two line breaks, as in its makers' encoder; llama.cpp's "
            "template has none there.",
            "Without thinking a reply begins after </think>, as in its makers' encoder; llama.cpp's template ends with "
            "<think></think>.",
        ),
    ),
    Card(
        DEEPSEEK_V4,
        title="DeepSeek-V4, V4-Flash",
        tier="full",
        why="several calls, reasoning that is kept while tools are used, and its makers' API and documents",
        verified="its makers' encoder, byte for byte, in vLLM's copy: there is no chat template",
        models=("deepseek-v4(-flash|-pro)?",),
        ollama=("deepseek-v4", "deepseek-v4-flash", "deepseek-v4-pro"),
        gguf=("deepseek4",),
        evidence=("DSML", "<tool_result>"),
        unless=("<｜System｜>",),
    ),
    Card(
        DEEPSEEK_V4_1,
        title="DeepSeek-V4.1",
        tier="full",
        why="several calls, reasoning that is kept while tools are used, and its makers' API and documents",
        verified="its makers' encoder, byte for byte, in vLLM's copy: there is no chat template",
        models=("deepseek-v4\\.1(-flash|-pro)?",),
        ollama=("deepseek-v4.1", "deepseek-v4.1-flash"),
        gguf=("deepseek41",),
        evidence=("DSML", "<tool_result>", "<｜System｜>"),
    ),
)
