'''Gemma 1, 2 and 3: they know nothing of tools, so they are told of them in their own frame.

Sources: chat_template of google/gemma-3-4b-it (two copies agree) and google/gemma-2-2b-it for the frame; vLLM's
tool_chat_template_gemma3_pythonic for the second dialect, which words it as Google's guide does.

    {"name": "get_weather", "arguments": {"city": "Paris"}}<end_of_turn>
    [get_weather(city="Paris"), get_weather(city="Rome")]<end_of_turn>

There is no system turn: what it says stands in the first question, and so do the tools. Results are turns of the user's.
'''

from __future__ import annotations

from dataclasses import replace

from ..card import Card
from ..spec import CALLS, CONTENT, LIST, NAME, REPLY, RESULTS, SYSTEM, TOOLS, Calls, Pythonic
from ._lists import in_one_list
from .zero_shot import JSON, JSON_TURNS

_TURNS = replace(
    JSON_TURNS,
    start=("<bos>",),
    system=(CONTENT, "\n\n"),
    system_in="first-user",
    later_system=("<start_of_turn>user\n", CONTENT, "<end_of_turn>\n"),
    default_system=(),
    user=("<start_of_turn>user\n", SYSTEM, TOOLS, CONTENT, "<end_of_turn>\n"),
    assistant=("<start_of_turn>model\n", REPLY, "<end_of_turn>\n"),
    results=("<start_of_turn>user\n", RESULTS, "<end_of_turn>\n"),
    reply_starts=("<start_of_turn>model\n",),
    tools_at="first-user",
    tools=("You have access to these tools:\n\n", LIST,
           '\n\nTo use a tool, reply only with a JSON object {"name": "tool name", "arguments": {...}}.\n\n'),
    trim=frozenset({"user", "assistant", "called"}),
)

GEMMA_3 = replace(
    JSON,
    name="gemma-3",
    stop=("<end_of_turn>", "<eos>"),
    special=frozenset({"<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"}),
    turns=_TURNS,
)

GEMMA_3_PYTHONIC = replace(
    GEMMA_3,
    name="gemma-3-pythonic",
    calls=Calls((NAME, "(", Pythonic(json=True), ")"), around=("[", CALLS, "]"), between=", ", at_start=True),
    accept=(Calls((NAME, "(", Pythonic(), ")"), around=("```tool_code\n[", CALLS, "]\n```"), between=", "),
            Calls((NAME, "(", Pythonic(), ")"), around=("```tool_code\n", CALLS, "\n```"), between="\n")),
    turns=replace(
        _TURNS,
        results=(RESULTS,),
        result=("<start_of_turn>user\n<tool_response>\n", CONTENT, "</tool_response><end_of_turn>\n"),
        result_between="",
        tools=("Tools (functions) are available. If you decide to invoke one or more of the tools, you must respond with a "
               "python list of the function calls.\n"
               "Example Format: [func_name1(params_name1=params_value1, params_name2=params_value2...), "
               "func_name2(params)] \n"
               "Do not use variables. DO NOT USE MARKDOWN SYNTAX. You SHOULD NOT include any other text in the response "
               "if you call a function. If none of the functions can be used, point it out. If you lack the parameters "
               "required by the function, also point it out.\n"
               "Here is a list of functions in JSON format that you can invoke.\n", LIST, "\n\n"),
        listing=in_one_list,
        trim=frozenset({"user", "assistant", "called", "result"}),
    ),
)

CARDS = (
    Card(
        GEMMA_3,
        title="Gemma 1, 2, 3 and 3n, CodeGemma, MedGemma",
        tier="none",
        why="no template of theirs knows tools; Google's guide prompts for them as it likes",
        verified="the frame against two chat templates, byte for byte; the words about tools are ours",
        models=("gemma-?[123](\\.1)?n?", "gemma-([27]b|it)", "(code|med|shield)gemma", "gemma"),
        ollama=("gemma", "gemma2", "gemma3", "gemma3n", "codegemma", "medgemma"),
        gguf=("gemma", "gemma2", "gemma3", "gemma3n"),
    ),
    Card(
        GEMMA_3_PYTHONIC,
        title="Gemma 3, as vLLM prompts it for a Python list",
        tier="zero-shot",
        why="prompting alone makes the calls, in the words of Google's guide",
        verified="vLLM's chat template, byte for byte but for past calls with several arguments",
        models=("gemma-?3-pythonic",),
        evidence=("<start_of_turn>", "python list of the function calls"),
        differs=(
            "Arguments of past calls are parted by commas; the template writes them one into the other.",
            "Words beside calls stand before them; the template puts them behind the list.",
        ),
    ),
)
