'''Spark 2.5, which its makers (iFLYTEK, XHToken) release as Spark-X2.5.

Source: chat_template of XHToken/Spark-X2.5-4B, llama.cpp's copy (models/templates/Spark2.5.jinja, sha256 afea0f71);
sglang 0.5.23's spark25_detector reads the same.

    <think>I should look.</think><tool_call>get_weather<arg_key>city</arg_key><arg_value>Paris</arg_value></tool_call>

Ugly and true: the system turn always begins with one and the same sentence, and the tools follow it with nothing in
between; prompts open the reasoning, and history closes what was never opened. Whether the closers of a call are tokens of
their own is not known.
'''

from __future__ import annotations

from ..card import Card
from ..spec import CONTENT, FUNCTION, LIST, REPLY, RESULTS, TEXT, TOOLS, Dialect, Turns, When
from .glm import GLM_4_7

_STARTS, _ENDS = "<｜start▁of▁sentence｜>", "<｜end▁of▁sentence｜>"

SPARK_2_5 = Dialect(
    "spark-2.5",
    calls=GLM_4_7.calls,
    reasoning=("<think>", TEXT, "</think>"),
    stop=(_ENDS,),
    special=frozenset({_STARTS, _ENDS, "<|System|>", "<|User|>", "<|Tool|>", "<|Bot|>", "<think>", "</think>",
                       "<tool_call>", "<tool_response>", "<arg_key>", "<arg_value>"}),
    turns=Turns(
        system=(f"{_STARTS}<|System|>\nyou are a helpful assistant.", TOOLS, When("system", "\n\n"), CONTENT, _ENDS),
        system_always=True,
        empty_system=False,
        later_system=(f"{_STARTS}<|System|>\n", CONTENT, _ENDS),
        user=(f"{_STARTS}<|User|>", CONTENT, _ENDS),
        assistant=(f"{_STARTS}<|Bot|>", REPLY, _ENDS),
        results=(f"{_STARTS}<|Tool|>", RESULTS, _ENDS),
        result=("<tool_response>", CONTENT, "</tool_response>"),
        reply_starts=(f"{_STARTS}<|Bot|>", When("no-thinking", "</think>", "<think>")),
        tools=("## Tools\nYou have access to the following functions:\n<tools>\n", LIST, "\n</tools>"),
        tool=(FUNCTION,),
        reasoning="all",
        no_reasoning=("</think>",),
    ),
)

CARDS = (
    Card(
        SPARK_2_5,
        title="Spark-X2.5 (1.7B, 4B)",
        tier="multi",
        why="trained to make several calls, each in tags of its own, with reasoning that can be turned off",
        verified="llama.cpp's copy of the chat template, byte for byte, and its tests",
        models=("spark-?x?-?2\\.5(-(1\\.7|4)b)?",),
        gguf=("spark2-5",),
        evidence=("<|Bot|>", "<arg_key>", _STARTS),
    ),
)
