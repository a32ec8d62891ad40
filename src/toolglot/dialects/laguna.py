'''Laguna (Poolside): GLM's calls in turns of plain tags.

Sources: chat_template of poolside/Laguna-XS.2 and Laguna-M.1 (laguna_glm_thinking_v5) and of poolside/Laguna-XS-2.1
(laguna_glm_thinking_v8), as ollama/ollama has them in model/renderers/testdata (revisions 77f3d94 and 40f4541).
Laguna-S-2.1 is told the same, and thinks unless it is asked not to; vLLM's and SGLang's poolside_v1 parsers read all three.

    <think>
    I should look it up.
    </think>
    <tool_call>get_weather
    <arg_key>city</arg_key>
    <arg_value>Paris</arg_value>
    </tool_call>
    </assistant>

    <think>I should look it up.</think><tool_call>get_weather<arg_key>city</arg_key><arg_value>Paris</arg_value>\
</tool_call></assistant>

Ugly and true: a prompt ends inside the reasoning or, where none is asked for, behind its closer; past turns that tell no
reasoning begin with that closer too. The token that begins every prompt is called end of text. Only the tags of the
assistant, of reasoning and of calls are tokens of their own. In the 2.1 models history tells reasoning only where thinking
is asked for.

Where the templates part from these prompts: they leave out a system message that is empty where there is nothing else to
say in its turn, and keep the white space that it begins with; XS.2's takes what stands before </think> in a past answer for
reasoning, and leaves out the empty line of a past turn that says nothing.
'''

from __future__ import annotations

from dataclasses import replace

from ..card import Card
from ..spec import CONTENT, KEY, LIST, NAME, REPLY, RESULTS, TEXT, TOOLS, VALUE, Calls, Dialect, Tagged, Turns, When
from .glm import GLM_4_7

_STOP = ("</assistant>", "〈|EOS|〉")
_SPECIAL = frozenset({"〈|EOS|〉", "<assistant>", "</assistant>", "<think>", "</think>", "<tool_call>", "</tool_call>"})
_SYSTEM = ("You are a helpful, conversationally-fluent assistant made by Poolside. You are here to be helpful to users "
           "through natural language conversations.",)
_TOOLS = ("### Tools\n\nYou may call functions to assist with the user query.\n"
          "All available function signatures are listed below:\n<available_tools>\n", LIST, "\n</available_tools>")
_THINK = "Wrap your thinking in '<think>', '</think>' tags, followed by a function call. "
_EXAMPLE = ("<tool_call>function-name\n<arg_key>argument-key</arg_key>\n<arg_value>value-of-argument-key</arg_value>\n"
            "</tool_call>")
_FORMAT = ("For each function call, return an unescaped XML-like object with function name and arguments within "
           "'<tool_call>' and '</tool_call>' tags, like here:\n")

LAGUNA = Dialect(
    "laguna",
    calls=Calls(("<tool_call>", NAME, "\n",
                 Tagged(("<arg_key>", KEY, "</arg_key>\n<arg_value>", VALUE, "</arg_value>\n")), "</tool_call>"),
                between="\n", gap="\n"),
    reasoning=("<think>", "\n", TEXT, "\n</think>\n"),     # a prompt ends with the first of these
    call_ends_reasoning=True,
    stop=_STOP,
    special=_SPECIAL,
    turns=Turns(
        start=("〈|EOS|〉",),
        system=("<system>\n\n", CONTENT, When("tools", "\n\n"), TOOLS, "\n</system>\n"),
        later_system=("<system>\n", CONTENT, "\n</system>\n"),
        default_system=_SYSTEM,
        user=("<user>\n", CONTENT, "\n</user>\n"),
        assistant=("<assistant>\n", REPLY, "\n</assistant>\n"),
        results=(RESULTS,),
        result=("<tool_response>\n", CONTENT, "\n</tool_response>\n"),
        reply_starts=("<assistant>\n", When("thinking", "<think>", "</think>")),
        tools=(*_TOOLS, "\n\n", When("thinking", _THINK), _FORMAT,
               When("thinking", "<think> your thoughts here </think>\n"), _EXAMPLE),
        trim=frozenset({"system", "assistant", "called"}),
        reasoning="all",
        no_reasoning=("</think>\n",),
    ),
)

_2_1 = Turns(
    start=("〈|EOS|〉",),
    system=("<system>", CONTENT, When("tools", "\n\n"), TOOLS, "</system>\n"),
    later_system=("<system>", CONTENT, "</system>\n"),
    default_system=_SYSTEM,
    user=("<user>", CONTENT, "</user>\n"),
    assistant=("<assistant>", REPLY, "</assistant>\n"),
    results=(RESULTS,),
    result=("<tool_response>", CONTENT, "</tool_response>\n"),
    reply_starts=("<assistant>", When("thinking", "<think>", "</think>")),
    tools=_TOOLS,
    trim=frozenset({"system"}),
    reasoning="all",
    unthought="unasked",
    no_reasoning=("</think>",),
    no_reasoning_kept=("<think></think>",),
)

LAGUNA_2_1 = replace(GLM_4_7, name="laguna-2.1", call_ends_reasoning=True, stop=_STOP, special=_SPECIAL, turns=_2_1)

LAGUNA_S_2_1 = replace(LAGUNA_2_1, name="laguna-s-2.1", turns=replace(
    _2_1, reply_starts=("<assistant>", When("no-thinking", "</think>", "<think>")), unthought=True))

_WHY = "several calls, reasoning that is kept, and its makers' API and documents"

CARDS = (
    Card(
        LAGUNA,
        title="Laguna XS.2, Laguna M.1",
        tier="full",
        why=_WHY,
        verified="chat template, byte for byte but for empty turns",
        models=("laguna(-xs\\.?2|-m\\.?1)?",),
        ollama=("laguna-xs.2",),
        evidence=("<available_tools>", "<arg_key>", "〈|EOS|〉", "render_assistant_messages_raw"),
    ),
    Card(
        LAGUNA_2_1,
        title="Laguna XS-2.1",
        tier="full",
        why=_WHY,
        verified="chat template, byte for byte but for an empty system message",
        models=("laguna-xs-2\\.1",),
        ollama=("laguna-xs-2.1",),
        evidence=("<available_tools>", "<arg_key>", "〈|EOS|〉"),
        unless=("render_assistant_messages_raw", "preserve_thinking"),
    ),
    Card(
        LAGUNA_S_2_1,
        title="Laguna S-2.1",
        tier="full",
        why=_WHY,
        verified="the chat template of XS-2.1, with which programs that render S-2.1 agree; its own was not at hand",
        models=("laguna-s-2\\.1",),
        evidence=("<available_tools>", "<arg_key>", "〈|EOS|〉", "preserve_thinking"),
    ),
)
