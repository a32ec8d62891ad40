'''ERNIE-4.5-21B-A3B-Thinking.

Source: PaddlePaddle/PaddleFormers, paddleformers/datasets/template/template.py ("ernie", ErnieThinkingTemplate) and
tool_utils.py; the replies of vLLM's tests of its ernie45 parsers.

    <think>
    I should look.
    </think>

    <tool_call>
    {"name": "get_weather", "arguments": {"city": "Paris"}}
    </tool_call>
    <|im_end|>

Ugly and true: two line breaks part the turns; the words for the user stand in `<response>`; the tools are listed and
nothing is said of how to call them. The other ERNIE 4.5 models have a frame of their own, and no tools.
'''

from __future__ import annotations

from ..card import Card
from ..spec import CONTENT, LIST, NAME, REPLY, RESULTS, TEXT, TOOLS, Calls, Dialect, Json, Object, Turns, When

ERNIE_4_5 = Dialect(
    "ernie-4.5",
    calls=Calls(("<tool_call>\n", Object({"name": NAME, "arguments": Json()}, also={"parameters": Json()}),
                 "\n</tool_call>\n")),
    reasoning=("<think>\n", TEXT, "\n</think>\n\n"),
    content=("<response>\n", TEXT, "\n</response>\n"),
    stop=("<|im_end|>", "</s>"),
    special=frozenset({"<|im_start|>", "<|im_end|>", "</s>"}),
    turns=Turns(
        system=("<|im_start|>system\n", When("system", "<system_setting>\n"), CONTENT,
                When("system", "\n</system_setting>\n\n"), "<global_setting>\nthink_mode=True\n</global_setting>", TOOLS,
                "<|im_end|>\n\n"),
        system_always=True,
        empty_system=False,
        later_system=("<|im_start|>system\n", CONTENT, "<|im_end|>\n\n"),
        tools=("\n<tool_list>\n[", LIST, "]\n</tool_list>\n"),
        tool_between=", ",
        user=("<|im_start|>user\n", CONTENT, "<|im_end|>\n\n"),
        assistant=("<|im_start|>assistant\n", REPLY, "<|im_end|>\n\n"),
        results=("<|im_start|>user\n", RESULTS, "<|im_end|>\n\n"),
        result=("<tool_response>\n", CONTENT, "\n</tool_response>"),
        result_between="\n",
        reply_starts=("<|im_start|>assistant\n", "<think>\n"),
    ),
)

CARDS = (
    Card(
        ERNIE_4_5,
        title="ERNIE-4.5-21B-A3B-Thinking",
        tier="multi",
        why="trained to write several calls, each in tags of its own, after it has thought",
        verified="its makers' training code, read, not run; several results of one turn are nowhere shown",
        models=("ernie-?4\\.5-(21b-a3b-)?thinking", "ernie-x1"),
        unverified=(("ernie-?4\\.5-vl-28b-a3b-thinking", "its makers' server reads the same tags; no more is known"),),
        evidence=("<global_setting>", "think_mode="),
    ),
)
