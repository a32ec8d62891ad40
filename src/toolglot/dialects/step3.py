'''Step-3: tags between markers.

Sources: SGLang's step3_detector and its tests, and vLLM's of its step3 parser, for the calls; the prompt in vLLM's
examples/offline_inference/vision_language.py for the frame. How its chat template tells of tools was not to be found:
here they stand as JSON, in words of ours.

    <｜tool_calls_begin｜>
    <｜tool_call_begin｜>function<｜tool_sep｜><steptml:invoke name="get_weather">
    <steptml:parameter name="city">Paris</steptml:parameter>
    </steptml:invoke><｜tool_call_end｜>
    <｜tool_calls_end｜><|EOT|>

Ugly and true: the markers look like DeepSeek's, but for plain underscores; a string and a number look alike, and only
the tool's schema tells them apart; words stand between blanks.
'''

from __future__ import annotations

from ..card import Card
from ..spec import (
    CALLS,
    CONTENT,
    INDEX,
    KEY,
    LIST,
    NAME,
    REPLY,
    RESULTS,
    TEXT,
    TOOLS,
    VALUE,
    Calls,
    Dialect,
    Either,
    Tagged,
    Turns,
    When,
)

_ARGUMENT = Tagged(('<steptml:parameter name="', KEY, '">', VALUE, "</steptml:parameter>\n"))

STEP_3 = Dialect(
    "step-3",
    calls=Calls(("<｜tool_call_begin｜>", Either("function<｜tool_sep｜>", ""), '<steptml:invoke name="', NAME, '">\n',
                 _ARGUMENT, "</steptml:invoke><｜tool_call_end｜>"),
                around=("<｜tool_calls_begin｜>\n", CALLS, "\n<｜tool_calls_end｜>"), between="\n"),
    # the name before its tag too; what stands there is read over
    accept=(Calls(("<｜tool_call_begin｜>function<｜tool_sep｜>", INDEX, '\n<steptml:invoke name="', NAME, '">\n',
                   _ARGUMENT, "</steptml:invoke><｜tool_call_end｜>"),
                  around=("<｜tool_calls_begin｜>\n", CALLS, "\n<｜tool_calls_end｜>"), between="\n"),),
    reasoning=("<think>\n", TEXT, "\n</think>\n"),
    stop=("<|EOT|>", "<｜end▁of▁sentence｜>"),
    special=frozenset({"<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<|BOT|>", "<|EOT|>", "<｜tool_calls_begin｜>",
                       "<｜tool_calls_end｜>", "<｜tool_call_begin｜>", "<｜tool_call_end｜>", "<｜tool_sep｜>"}),
    turns=Turns(
        start=("<｜begin▁of▁sentence｜>",),
        system=(" ", CONTENT, When("both", "\n\n"), TOOLS),
        later_system=("<|BOT|>system\n ", CONTENT, " <|EOT|>"),
        tools=("You may call these functions:\n[", LIST, "]"),
        tool_between=", ",
        user=("<|BOT|>user\n ", CONTENT, " <|EOT|>"),
        assistant=("<|BOT|>assistant\n", REPLY, "<|EOT|>"),
        results=(RESULTS,),
        result=("<|BOT|>tool\n ", CONTENT, " <|EOT|>"),
        reply_starts=("<|BOT|>assistant\n", "<think>\n"),
    ),
)

CARDS = (
    Card(
        STEP_3,
        title="Step-3",
        tier="multi",
        why="trained to write several calls, after it has thought; its makers' API speaks OpenAI's format",
        verified="replies against SGLang's and vLLM's tests; of the prompt only the frame of a turn, by reading: how tools "
                 "and results are told is our own invention, for its chat template was not to be found",
        models=("step-?3(?![.-]?[57])(-fp8)?",),
    ),
)
