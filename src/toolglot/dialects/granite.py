'''Granite 3.0, 3.1, 3.2 and 3.3, and Granite-20B-FunctionCalling.

Sources: chat_template of ibm-granite/granite-3.3-2b-instruct (llama.cpp's copy); ibm-granite/granite-io,
io/granite_3_2/input_processors, which quotes the template of 3.2 and rebuilds it; vLLM's
tool_chat_template_granite (0.33.0) for 3.0; for the 20B, gorilla's handler of it (berkeley-function-call-leaderboard,
model_handler), which quotes the model's own template.

    <|tool_call|>[{"name": "get_weather", "arguments": {"city": "Paris"}}]<|end_of_text|>
    <function_call> {"name": "get_weather", "arguments": {"city": "Paris"}}<|endoftext|>

Ugly and true: the templates of 3.1, 3.2 and 3.3 know nothing of past calls: the turns that held them are shown empty,
and their results follow. `prompts="repaired"` shows the calls. 3.1 writes the marker as the words `<tool_call>`. Thinking
is asked for in the default system message alone, and by the template only where there are no tools (here, too, where
there are); 3.2 announces it in plain English. The 20B is to call `no_function`
where no function fits.
'''

from __future__ import annotations

from dataclasses import replace
from datetime import date

from ..card import Card
from ..spec import (
    CALLS,
    CONTENT,
    FUNCTION,
    LIST,
    NAME,
    REPLY,
    RESULTS,
    TEXT,
    TODAY,
    TOOLS,
    Calls,
    Dialect,
    Either,
    Json,
    Object,
    Turns,
    When,
)
from ._lists import in_one_list

_OBJECT = Object({"name": NAME, "arguments": Json()}, also={"parameters": Json()})


def _spelled(today: date) -> str:
    return today.strftime("%B %d, %Y")


_SYSTEM = ("<|start_of_role|>system<|end_of_role|>", CONTENT, "<|end_of_text|>\n")
_TURNS_3_0 = Turns(
    system=_SYSTEM,
    user=("<|start_of_role|>user<|end_of_role|>", CONTENT, "<|end_of_text|>\n"),
    assistant=("<|start_of_role|>assistant<|end_of_role|>", REPLY, "<|end_of_text|>\n"),
    results=(RESULTS,),
    result=("<|start_of_role|>tool_response<|end_of_role|>", CONTENT, "<|end_of_text|>\n"),
    reply_starts=("<|start_of_role|>assistant<|end_of_role|>",),
    tools_at="own",
    tools=(When("system", "", "<|start_of_role|>system<|end_of_role|>You are a helpful AI assistant with access to the "
                "following tools. When a tool is required to answer the user query, respond with <|tool_call|> "
                "followed by a JSON list of tools used.<|end_of_text|>\n"),
           "<|start_of_role|>available_tools<|end_of_role|>\n", LIST, "<|end_of_text|>\n"),
    tool_indent=4,
    tool_between="\n\n",
    content_with_calls="dropped",
    reasoning="none",
)

GRANITE_3_0 = Dialect(
    "granite-3.0",
    calls=Calls((_OBJECT,), around=("<|tool_call|>[", CALLS, "]"), between=", ", gap="\n"),
    accept=(
        Calls((_OBJECT,), around=("<tool_call>[", CALLS, "]"), between=", "),
        Calls((Either("<|tool_call|>", "<tool_call>"), _OBJECT), between="\n"),
        Calls((_OBJECT,), around=("[", CALLS, "]"), between=", ", at_start=True),
    ),
    stop=("<|end_of_text|>",),
    special=frozenset({"<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>", "<|tool_call|>"}),
    turns=_TURNS_3_0,
)

_THINK = ("\nRespond to every user query in a comprehensive and detailed way. You can write down your thoughts and "
          "reasoning process before responding. In the thought process, engage in a comprehensive cycle of analysis, "
          "summarization, exploration, reassessment, reflection, backtracing, and iteration to develop "
          "well-considered thinking process. In the response section, based on various attempts, explorations, and "
          "reflections from the thoughts section, systematically present the final solution that you deem correct. "
          "The response should summarize the thought process. Write your thoughts ")
_TURNS_3_2 = replace(
    _TURNS_3_0,
    system=(*_SYSTEM, TOOLS),
    later_system=_SYSTEM,
    default_system=(
        "Knowledge Cutoff Date: April 2024.\nToday's Date: ", TODAY, ".\nYou are Granite, developed by IBM.",
        When("tools", " You are a helpful AI assistant with access to the following tools. When a tool is required to "
             "answer the user's query, respond with <|tool_call|> followed by a JSON list of tools used. If a tool "
             "does not exist in the provided list of tools, notify the user that you do not have the ability to "
             "fulfill the request.", " You are a helpful AI assistant."),
        When("thinking", f"{_THINK}after 'Here is my thought process:' and write your response after 'Here is my "
             "response:' for each user query.")),
    date=_spelled,
    result=("<|start_of_role|>tool<|end_of_role|>", CONTENT, "<|end_of_text|>\n"),
    tools_at="system",
    tools=("<|start_of_role|>tools<|end_of_role|>", LIST, "<|end_of_text|>\n"),
    listing=in_one_list,
    content_with_calls="kept",
    past_calls="dropped",
)

GRANITE_3_2 = replace(
    GRANITE_3_0,
    name="granite-3.2",
    reasoning=("Here is my thought process:\n\n", TEXT, "\n\nHere is my response:\n\n"),
    turns=_TURNS_3_2,
    repaired=replace(_TURNS_3_2, past_calls="kept"),
)

_TURNS_3_3 = replace(
    _TURNS_3_2,
    default_system=(
        "Knowledge Cutoff Date: April 2024. Today's Date: ", TODAY, ". You are Granite, developed by IBM.",
        When("tools", " You are a helpful assistant with access to the following tools. When a tool is required to "
             "answer the user's query, respond only with <|tool_call|> followed by a JSON list of tools used. If a "
             "tool does not exist in the provided list of tools, notify the user that you do not have the ability to "
             "fulfill the request.", " You are a helpful AI assistant."),
        When("thinking", f"{_THINK}between <think></think> and write your response between <response></response> for "
             "each user query.")),
    tools=("<|start_of_role|>available_tools<|end_of_role|>", LIST, "<|end_of_text|>\n"),
)

GRANITE_3 = replace(
    GRANITE_3_0,
    name="granite-3",
    reasoning=("<think>", TEXT, "</think>"),
    noise=("<response>", "</response>"),
    turns=_TURNS_3_3,
    repaired=replace(_TURNS_3_3, past_calls="kept"),
)

GRANITE_20B_FUNCTIONCALLING = Dialect(
    "granite-20b-functioncalling",
    calls=Calls(("<function_call> ", _OBJECT), between="\n", gap="\n"),
    accept=(Calls((_OBJECT,), around=("<function_call> [", CALLS, "]"), between=", "),),
    content=(" ", TEXT),
    stop=("<|endoftext|>",),
    special=frozenset({"<|endoftext|>"}),
    turns=Turns(
        system=("SYSTEM: ", CONTENT, TOOLS, "\n"),
        later_system=("\nSYSTEM: ", CONTENT, "\n"),
        default_system=("You are a helpful assistant with access to the following function calls. Your task is to "
                        "produce a sequence of function calls necessary to generate response to the user utterance. "
                        "Use the following function calls as required. ",),
        default_with_tools=True,
        tools=("\n<|function_call_library|>\n", LIST, "\n\nIf none of the functions are relevant or the given question "
               "lacks the parameters required by the function, please output \"<function_call> {\"name\": "
               "\"no_function\", \"arguments\": {}}\"."),
        tool=(FUNCTION,),
        user=("\nUSER: ", CONTENT),
        assistant=("\nASSISTANT:", REPLY, "<|endoftext|>"),
        results=(RESULTS,),
        result=("<function_response> ", CONTENT),
        reply_starts=("\nASSISTANT:",),
        content_with_calls="dropped",
        reasoning="none",
    ),
)

_NO_PAST_CALLS = "Repaired, past calls stand where they stood; the template leaves them out, and their turns empty."

CARDS = (
    Card(
        GRANITE_3_0,
        title="Granite 3.0",
        tier="multi",
        why="trained to write a list of calls behind a marker of its own; nobody's client library speaks it",
        verified="vLLM's chat template, byte for byte but for past calls",
        models=("granite-?3\\.0", "granite-?3-(dense|moe)"),
        ollama=("granite3-dense", "granite3-moe"),
        evidence=("<|start_of_role|>", "<|tool_call|>", "tool_response"),
        unless=("strftime_now",),
        differs=("Past calls stand in one line, as the model writes them; vLLM's template spreads them over many.",),
    ),
    Card(
        GRANITE_3_2,
        title="Granite 3.1, Granite 3.2",
        tier="multi",
        why="trained to write a list of calls behind a marker of its own; nobody's client library speaks it",
        verified="its makers' own rendering in granite-io, read, not run; 3.1 has no thinking",
        models=("granite-?3\\.[12](-dense|-moe|-vision)?", "granite-vision-3\\.[12]"),
        ollama=("granite3.1-dense", "granite3.1-moe", "granite3.2", "granite3.2-vision"),
        evidence=("<|start_of_role|>", "<|tool_call|>", "<|start_of_role|>tools<|end_of_role|>"),
        differs=(_NO_PAST_CALLS,),
    ),
    Card(
        GRANITE_3,
        title="Granite 3.3",
        tier="multi",
        why="trained to write a list of calls behind a marker of its own; nobody's client library speaks it",
        verified="chat template, byte for byte; copies differ in the white space of the first sentence",
        models=("granite-?3(\\.3)?", "granite-vision-3\\.3"),
        ollama=("granite3.3",),
        evidence=("<|start_of_role|>", "<|tool_call|>", "available_tools", "strftime_now"),
        differs=(_NO_PAST_CALLS,),
    ),
    Card(
        GRANITE_20B_FUNCTIONCALLING,
        title="Granite-20B-FunctionCalling",
        tier="multi",
        why="trained to write several calls, each behind a marker of its own",
        verified="the model's own template for one question, as gorilla's evaluation quotes it; later turns follow "
                 "vLLM's template without the line breaks of its source",
        models=("granite-20b-function-?calling",),
        evidence=("<|function_call_library|>", "<function_call>"),
    ),
)
