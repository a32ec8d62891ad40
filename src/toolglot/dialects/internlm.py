'''InternLM2 and InternLM2.5; Intern-S1.

Sources: chat/chat_format.md of InternLM/InternLM; vLLM's tool_chat_template_internlm2_tool (0.33.0) for the turns. For
Intern-S1 the chat template of internlm/Intern-S1-mini in a copy (DragonDescentZerotsu/Intern-S1-recipe,
agent/chat_templates) that by its comments differs in how it finds reasoning within words alone; sglang 0.5.23's parser.

    I will look.<|action_start|><|plugin|>
    {"name": "get_weather", "parameters": {"city": "Paris"}}<|action_end|><|im_end|>
    <|action_start|><|interpreter|>
    ```python
    print(1)
    ```<|action_end|><|im_end|>

    <think>
    I should look.
    </think>
    <|action_start|><|plugin|>
    {"name": "get_weather", "parameters": {"city": "Paris"}}
    <|action_end|><|im_end|>

Ugly and true: the makers' documents say `parameters`, vLLM's template and many engines `arguments`; either is read.
Intern-S1's prompts open the reasoning in the middle of a line; without a system message it is told to think, unless no
thinking is asked for. Its template drops later system messages; here they are told.
'''

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..card import Card
from ..render import dumps
from ..spec import (
    CONTENT,
    FUNCTION,
    LIST,
    NAME,
    REPLY,
    RESULTS,
    TEXT,
    TOOLS,
    Calls,
    Dialect,
    Json,
    Object,
    Raw,
    Turns,
    When,
)

INTERNLM2 = Dialect(
    "internlm2",
    calls=Calls(("<|action_start|><|plugin|>\n", Object({"name": NAME, "parameters": Json()}, also={"arguments": Json()}),
                 "<|action_end|>")),
    accept=(Calls(("<|action_start|><|interpreter|>\n```python\n", Raw("code"), "\n```<|action_end|>"),
                  name="interpreter"),),
    stop=("<|im_end|>", "</s>"),
    special=frozenset({"<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|action_start|>", "<|action_end|>", "<|plugin|>",
                       "<|interpreter|>"}),
    turns=Turns(
        start=("<s>",),
        system=(When("system", "<|im_start|>system\n"), CONTENT, When("system", "<|im_end|>\n"), TOOLS),
        later_system=("<|im_start|>system\n", CONTENT, "<|im_end|>\n"),
        user=("<|im_start|>user\n", CONTENT, "<|im_end|>\n"),
        assistant=("<|im_start|>assistant\n", REPLY, "<|im_end|>\n"),
        results=(RESULTS,),
        result=("<|im_start|>environment name=<|plugin|>\n", CONTENT, "<|im_end|>\n"),
        reply_starts=("<|im_start|>assistant\n",),
        tools=("<|im_start|>system name=<|plugin|>\n[", LIST, "]<|im_end|>\n"),
        tool=(FUNCTION,),
        tool_between=", ",
        reasoning="none",
    ),
)

_THINK = ("You are an expert reasoner with extensive experience in all areas. You approach problems through systematic "
          "thinking and rigorous reasoning. Your response should reflect deep understanding and precise logical thinking, "
          "making your solution path and reasoning clear to others. Please put your thinking process within "
          "<think>...</think> tags.")


def _in_one_list(tools: Sequence[Mapping[str, Any]]) -> str:
    return dumps(list(tools), indent=2)


INTERN_S1 = Dialect(
    "intern-s1",
    calls=Calls(("<|action_start|><|plugin|>\n", Object({"name": NAME, "parameters": Json()}, also={"arguments": Json()}),
                 "\n<|action_end|>"), between="\n"),
    reasoning=("<think>\n", TEXT, "\n</think>\n"),
    stop=("<|im_end|>", "<|endoftext|>"),
    special=frozenset({"<|im_start|>", "<|im_end|>", "<|action_start|>", "<|action_end|>", "<|plugin|>", "<think>",
                       "</think>"}),
    turns=Turns(
        system=("<|im_start|>system", When("tools", " name=<|plugin|>"), "\n", CONTENT, When("both", "\n\n"), TOOLS,
                "<|im_end|>\n"),
        later_system=("<|im_start|>system\n", CONTENT, "<|im_end|>\n"),
        default_system=(When("no-thinking", "", _THINK), When("tools", "\n\n")),
        user=("<|im_start|>user\n", CONTENT, "<|im_end|>\n"),
        assistant=("<|im_start|>assistant\n", REPLY, "<|im_end|>\n"),
        results=(RESULTS,),
        result=("<|im_start|>environment name=<|plugin|>\n", CONTENT, "<|im_end|>\n"),
        reply_starts=("<|im_start|>assistant\n", When("no-thinking", "", "<think>")),
        tools=("Your response should consist of a reasoning step (**thought**) followed immediately by a function call in "
               "valid JSON format. Wrap each function call using the `<|action_start|><|plugin|>` and `<|action_end|>` "
               "tags.\n\n**Format example:**\n\n```\n(Your thought goes here...)\n\n<|action_start|><|plugin|>\n{\n"
               '    "name": "tool_name",\n    "parameters": {\n        "parameter1": "value1",\n'
               '        "parameter2": "value2"\n    }\n}\n<|action_end|>\n```\n\n'
               "# External Tools\nYou have access to these tools:\n", LIST),
        listing=_in_one_list,
        empty_reasoning="kept",
    ),
)

CARDS = (
    Card(
        INTERNLM2,
        title="InternLM2, InternLM2.5",
        tier="multi",
        why="trained to write calls, each between markers of its own; its makers' agent library speaks it",
        verified="its makers' description of the format; turns are vLLM's chat template, byte for byte but for past calls",
        models=("internlm-?2([.-]5)?",),
        ollama=("internlm2",),
        gguf=("internlm2",),
        evidence=("<|action_start|>", "<|plugin|>"),
        differs=("Past calls say parameters, as their makers have them; vLLM's template says arguments.",),
    ),
    Card(
        INTERN_S1,
        title="Intern-S1, Intern-S1-mini",
        tier="multi",
        why="trained to write calls, each between markers of its own, after reasoning that can be turned off",
        verified="a slightly changed copy of the chat template, byte for byte but for line breaks at the edges of words",
        models=("intern-?s1(?!-?pro)(-mini)?",),
        evidence=("<|action_start|>", "<|plugin|>", "default_thinking_sys"),
    ),
)
