'''Hunyuan-A13B.

Source: vLLM's tool_chat_template_hunyuan_a13b (0.33.0), which its makers gave it; their agent/README.md in
Tencent-Hunyuan/Hunyuan-A13B tells of the same format.

    <think>
    I should look.
    </think>
    <answer>
    <tool_calls>[{"name": "get_weather", "arguments": {"city": "Paris"}}]</tool_calls>
    </answer><|eos|>

Ugly and true: the tools stand in a Chinese expert's prompt, which asks for answers that begin with `助手：`; the model is
told the time of day, which is midnight here, for only the date is known. `<answer>` and `助手：` say nothing and are read
over. `/no_think` before a question turns the reasoning off.
'''

from __future__ import annotations

from datetime import date

from ..card import Card
from ..spec import (
    CALLS,
    CONTENT,
    LIST,
    NAME,
    REPLY,
    RESULTS,
    TEXT,
    TODAY,
    TOOLS,
    Calls,
    Dialect,
    Json,
    Object,
    Turns,
    When,
)

_OBJECT = Object({"name": NAME, "arguments": Json()}, also={"parameters": Json()})
_SHAPE = ('<tool_calls>[{"name": "func_name1", "arguments": {"argument1": "value1", "argument2": "value2"}},...]'
          "</tool_calls>")


def _midnight(today: date) -> str:
    return f"{today.isoformat()} 00:00:00 星期{'一二三四五六日'[today.weekday()]}"


HUNYUAN = Dialect(
    "hunyuan",
    calls=Calls((_OBJECT,), around=("<tool_calls>[", CALLS, "]</tool_calls>"), between=", "),
    accept=(
        Calls(("<tool_calls>", _OBJECT, "</tool_calls>")),
        Calls((_OBJECT,), around=("[", CALLS, "]"), between=", ", at_start=True),
    ),
    reasoning=("<think>\n", TEXT, "\n</think>\n"),
    stop=("<|eos|>", "<|extra_0|>"),
    noise=("<answer>", "</answer>", "助手："),
    special=frozenset({"<|startoftext|>", "<|extra_4|>", "<|extra_0|>", "<|eos|>"}),
    turns=Turns(
        start=("<|startoftext|>",),
        system=(TOOLS, When("both", "\n额外要求：\n"), CONTENT,
                When("both", f"\n\n如果你决定返回函数调用，请将其格式化为{_SHAPE}，不得包含其他文本。"
                     "如果额外要求里有格式要求，请忽略，以此处为准。\n否则，请参考开头说的三种情况，以助手：开头进行回复。\n\n如果额外要求里有时间信息，"
                     "就以额外要求里的时间为准，否则，参考当前时间："),
                TODAY, "<|extra_4|>"),
        later_system=("<|startoftext|>", CONTENT, "<|extra_4|>"),
        default_system=(f"\n如果你决定返回函数调用，请将其格式化为{_SHAPE}，不得包含其他文本。\n"
                        "否则，请参考开头说的三种情况，以助手：开头进行回复。\n\n当前时间：",),
        default_with_tools=True,
        date=_midnight,
        today_with_tools=True,
        tools=("你是一位函数组合专家。你会得到一个问题和一组可能的函数。根据问题，你需要进行一个或多个函数/工具调用以实现目的。\n"
               "如果没有一个函数可以使用，请直接使用自然语言回复用户，以助手：开头。\n"
               "如果给定的问题缺少函数所需的参数，请使用自然语言进行提问，向用户询问必要信息，以助手：开头。\n"
               "如果调用结果已经足够回答用户问题，请对历史结果进行总结，使用自然语言回复用户，以助手：开头。\n"
               f"你应该只在工具调用部分返回函数调用。如果你决定调用任何函数，你必须将其格式化为{_SHAPE}。"
               "你不应该在回复中包含任何其他文本。以下是你可以调用的函数列表，格式为JSON。\n\n[", LIST, "]\n"),
        tool_between=", ",
        user=(When("tools", "用户："), When("no-thinking", "/no_think "), CONTENT, "<|extra_0|>"),
        assistant=(REPLY, "<|eos|>"),
        answer=(When("tools", "助手："), TEXT),
        results=(RESULTS,),
        result=("<tool_response>", CONTENT, "</tool_response><|extra_0|>"),
        reasoning="none",
    ),
)

CARDS = (
    Card(
        HUNYUAN,
        title="Hunyuan-A13B",
        tier="multi",
        why="trained to write a list of calls; its makers' API speaks OpenAI's format",
        verified="vLLM's chat template, byte for byte; it is by the model's makers",
        models=("hunyuan-a13b",),
        gguf=("hunyuan-moe",),
        evidence=("<|extra_0|>", "<tool_calls>"),
        differs=(
            "Without tools the text begins once; the template writes its beginning again before every later question.",
            "Thinking is turned off by /no_think before the question; the template writes an empty block of it at the end.",
        ),
    ),
)
