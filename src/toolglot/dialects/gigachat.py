'''Sber's GigaChat 3 and 3.1: one call a turn, as JSON; and GigaChat 3.5: several, one tag an argument.

Sources: chat_template of ai-sage/GigaChat3-10B-A1.8B, ai-sage/GigaChat3.1-10B-A1.8B and ai-sage/GigaChat3.5-432B-A28B
(llama.cpp's copies at 6f9ffbd and 44cfbeb). What comes behind `assistant<|role_sep|>` and a line break:

    Let me look.<|message_sep|>

    function call<|role_sep|>
    {"name": "get_weather", "arguments": {"city": "Paris"}}

    Let me look.<|function_call|>{"name": "get_weather", "arguments": {"city": "Paris"}}

    <think>I should look.</think>

    <｜GCML｜tool_calls>
    <｜GCML｜invoke name="get_weather">
    <｜GCML｜parameter name="city" string="true">Paris</｜GCML｜parameter>
    </｜GCML｜invoke>
    </｜GCML｜tool_calls>

Ugly and true: GigaChat 3 closes its words, even where it says none, and makes the call in a turn of its own, so that the
token which ends turns does not end replies. A call has no closer but the end of its turn. Results say nothing of the call
that they answer. GigaChat 3.5 has a system turn even with nothing to say. `few_shot_examples` of a function are not told.
'''

from __future__ import annotations

from dataclasses import replace

from ..card import Card
from ..spec import (
    CALLS,
    CONTENT,
    IS_STR,
    KEY,
    LIST,
    NAME,
    NAMES,
    REPLY,
    RESULTS,
    TEXT,
    TODAY,
    TOOLS,
    VALUE,
    Calls,
    Dialect,
    Json,
    Object,
    Tagged,
    Turns,
    When,
)
from ._gigachat import later_namespace, namespace

_END = "<|message_sep|>\n\n"
_FRAME = frozenset({"<s>", "</s>", "<|role_sep|>", "<|message_sep|>"})
_DEVELOPER = """\
developer system<|role_sep|>
<role_description>
Description of the roles available in the dialog.

`developer system`
A message added by Sber before the main dialog. It has the highest priority and sets global, non-overridable conditions \
(for example, conversation rules, the safety policy, the assistant's overall response style, etc.).

`system`
A system instruction added by developers or by the user, but with a lower priority than `developer system`. It usually \
describes the assistant's instructions, a specific response style, and other conditions for this particular dialog.

`user`
A message or request from the user. The assistant follows it if it does not conflict with higher-priority instructions \
(see <instruction_priority>).

`user memory`
A sequence of the most up-to-date long-term facts about the user at the time of their request, presented as a JSON list \
of strings. Facts are listed in chronological order, meaning newer facts are appended to the end of the sequence. When \
facts are changed or deleted, records of previous facts remain in the sequence. The assistant saves facts using a \
function and uses them in accordance with the <memory_guidelines> block below.

`added files`
Metadata about files available for use in the dialog, presented in JSON format. It contains the following keys: id (a \
unique file identifier), name (file name), type (file type).

`assistant`
The assistant's reply to the user's request. If the system instruction or the user does not set additional rules for \
`assistant`, this reply must comply with the instructions in the <assistant_guidelines> block below. The list of \
functions available to call is contained in `function descriptions`. The name of the required function and its arguments \
will be generated next by the `function call` role. In its replies, the assistant follows the instructions in accordance \
with <instruction_priority>.

`function descriptions`
Function descriptions in TypeScript format. A function is a special tool (or a set of instructions) that the assistant \
can call to perform specific actions, computations, or obtain data needed to solve the user's task. Each function \
description contains blocks with the name, description, and arguments. Sometimes the description contains separate blocks \
with return parameters and usage examples that illustrate the correct call and arguments.

`function call`
The function that `assistant` calls based on the dialog context, and its arguments. The function is invoked in strict \
accordance with the instructions in the <function_usage> block.

`function result`
The result of the last function call.
</role_description>

<available_modalities>
The assistant can work with the following modalities: text, available functions.
</available_modalities>

<instruction_priority>
If instructions from different roles conflict within the dialog context, observe the following priorities:\x20\x20
`developer system` > `system` > `user` > `function descriptions` > `function result` > `user memory`
</instruction_priority>

<function_usage>
Basic instructions for working with functions.

Only call those functions that are described in `function descriptions`.

Call available functions when, according to their description, such a call will help provide a more complete and/or \
accurate answer to the user's request. Fill in function arguments using information from the dialog context. If a \
function could help answer the request but a required argument is missing from the context, ask the user for the missing \
data before calling the function. If a necessary function is unavailable or an error occurs, briefly inform the user and, \
if possible, suggest an alternative.
</function_usage>

<memory_guidelines>
Rules for using facts in long-term memory:

If there is no message under the `user memory` role in the dialog, this is equivalent to the absence of long-term facts \
about the user in memory. In that case, information about the user is limited to the current dialog, and no new facts \
should be saved.
</memory_guidelines>

<assistant_guidelines>
You are a helpful assistant.

# Instructions
- Strictly follow the instruction priority.
- Maintain a logical chain of reasoning when answering the user's question.
- For complex questions (for example, STEM), try to answer in detail unless the system message or dialog context limits \
the response length.
- Be helpful, truthful, and avoid unsafe or prohibited content in your responses.
- Try to reply in the language in which the user asked their question.
</assistant_guidelines>

A dialog will follow below.
The dialog may include various roles described in the <role_description> block.
Each turn begins with the role name and a special token that marks the end of the role's full name, and ends with a \
special end-of-turn token.
Your task is to continue the dialog from the last specified role in accordance with the dialog context.<|message_sep|>

"""
_CALL = Object({"name": NAME, "arguments": Json()})
_TOKEN = Calls(("<|function_call|>", _CALL))
_TURN = Calls((_END + "function call<|role_sep|>\n", _CALL))
_BARE = Calls(("function call<|role_sep|>\n", _CALL))

_3 = Turns(
    start=("<s>", _DEVELOPER),
    system=(When("system", "system<|role_sep|>\n"), CONTENT, When("system", _END), TOOLS),
    later_system=("system<|role_sep|>\n", CONTENT, _END),
    user=("user<|role_sep|>\n", CONTENT, _END),
    assistant=("assistant<|role_sep|>\n", REPLY, _END),
    results=(RESULTS,),
    result=("function result<|role_sep|>\n", CONTENT, _END),
    reply_starts=("assistant<|role_sep|>\n",),
    tools=("function descriptions<|role_sep|>\n", LIST, "\n\n" + _END),
    listing=namespace,
    one_call=True,
    reasoning="none",
)

GIGACHAT_3 = Dialect(
    "gigachat-3",
    calls=_TURN,
    accept=(_BARE, _TOKEN),
    stop=("</s>",),
    noise=("<|message_sep|>",),
    special=_FRAME,
    turns=_3,
)
GIGACHAT_3_1 = replace(
    GIGACHAT_3,
    name="gigachat-3.1",
    calls=_TOKEN,
    accept=(_BARE,),
    stop=("<|message_sep|>", "</s>"),
    noise=(),
    special=_FRAME | {"<|function_call|>"},
)

# -- GigaChat 3.5: no calls but in a block, and a list of names behind every question and its results

_AVAILABLE = ("available functions<|role_sep|>\n", NAMES, _END)
_3_5 = replace(
    _3,
    start=("<s>", "developer system<|role_sep|>\nВызов функций: последовательный\n"
           "Безопасность: соответствует законодательству РФ.\nТекущая дата: ", TODAY,
           "\nОграничение знаний: Декабрь, 2025.\nТы сделан на базе нейросети GigaChat.", _END),
    system=("system<|role_sep|>\n", CONTENT, _END),
    system_always=True,
    user=(TOOLS, "user<|role_sep|>\n", CONTENT, _END, *_AVAILABLE),
    results=("function result<|role_sep|>\n", RESULTS, _END, *_AVAILABLE),
    result=('<function_response name="', NAME, '">', CONTENT, "</function_response>"),
    result_between="\n",
    reply_starts=("assistant<|role_sep|>\n", When("thinking", "<think>")),
    tools_at="first-user",
    listing=later_namespace,
    one_call=False,
    last_closer="</s>",
    reasoning="after-user",
)

GIGACHAT_3_5 = Dialect(
    "gigachat-3.5",
    calls=Calls(
        ('<｜GCML｜invoke name="', NAME, '">\n',
         Tagged(('<｜GCML｜parameter name="', KEY, '" string="', IS_STR, '">', VALUE, "</｜GCML｜parameter>\n")),
         "</｜GCML｜invoke>"),
        around=("<｜GCML｜tool_calls>\n", CALLS, "\n</｜GCML｜tool_calls>"), between="\n"),
    reasoning=("<think>", TEXT, "</think>"),
    call_ends_reasoning=True,
    join="\n\n",
    stop=("<|message_sep|>", "</s>"),
    special=_FRAME | {"<think>", "</think>"},
    turns=_3_5,
)

_ONE = "Several calls of one turn are told as turns of their own; the template drops all but the first."

CARDS = (
    Card(
        GIGACHAT_3,
        title="GigaChat 3",
        tier="single",
        why="trained to make one call a turn: the template has no room for more",
        verified="chat template, byte for byte",
        models=("gigachat-?3",),
        evidence=("function call", "<|role_sep|>", "developer system"),
        unless=("<|function_call|>", "GCML"),
        differs=(_ONE,),
    ),
    Card(
        GIGACHAT_3_1,
        title="GigaChat 3.1",
        tier="single",
        why="trained to make one call a turn: the template has no room for more",
        verified="chat template, byte for byte",
        models=("gigachat-?3\\.1",),
        evidence=("<|function_call|>", "<|role_sep|>", "developer system"),
        differs=(_ONE,),
    ),
    Card(
        GIGACHAT_3_5,
        title="GigaChat 3.5",
        tier="multi",
        why="trained to make several calls a turn, and to reason before them",
        verified="chat template, byte for byte",
        models=("gigachat-?3\\.5",),
        gguf=("gigachat35",),
        evidence=("<｜GCML｜", "<|role_sep|>"),
    ),
)
