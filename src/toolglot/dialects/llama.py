'''Llama 3.1, 3.2, 3.3 and 4: bare JSON, built-in tools, tags, and Python.

Sources: chat_template of meta-llama/Llama-3.1-8B-Instruct (sha256 e10ca381, four copies); meta-llama/llama-models,
models/llama3_1/prompt_format.md and models/llama3_2/text_prompt_format.md; vLLM's tool_chat_template_llama3.2_pythonic.

    {"name": "get_weather", "parameters": {"city": "Paris"}}<|eot_id|>
    <|python_tag|>brave_search.call(query="weather in Paris")<|eom_id|>
    <function=get_weather>{"city": "Paris"}</function><|eot_id|>
    [get_weather(city='Paris'), get_weather(city='Rome')]<|eot_id|>

Ugly and true: Llama 3.1 is shown its tools inside the first question, knows one call a turn (its template refuses
more: here they become turns of their own), drops words beside a call, and is given every result as a JSON string.
vLLM's pythonic template writes the string arguments of past calls without quotes, which is not what any model is
asked to write; here they have them.
'''

from __future__ import annotations

from dataclasses import replace

from ..spec import (
                    CALLS,
                    CONTENT,
                    LIST,
                    NAME,
                    QUOTED,
                    REPLY,
                    RESULTS,
                    TOOL,
                    TOOLS,
                    Calls,
                    Dialect,
                    Json,
                    Object,
                    Pythonic,
                    Raw,
                    Turns,
                    When,
)

_OBJECT = Object({"name": NAME, "parameters": Json()}, also={"arguments": Json()})
_SPECIAL = frozenset({"<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|eom_id|>",
                      "<|python_tag|>"})
_DATES = "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n"

_TURNS = Turns(
    start=("<|begin_of_text|>",),
    system=("<|start_header_id|>system<|end_header_id|>\n\n", When("tools", "Environment: ipython\n"), _DATES, CONTENT,
            "<|eot_id|>"),
    system_always=True,
    later_system=("<|start_header_id|>system<|end_header_id|>\n\n", CONTENT, "<|eot_id|>"),
    user=("<|start_header_id|>user<|end_header_id|>\n\n", TOOLS, CONTENT, "<|eot_id|>"),
    assistant=("<|start_header_id|>assistant<|end_header_id|>\n\n", REPLY, "<|eot_id|>"),
    results=(RESULTS,),
    result=("<|start_header_id|>ipython<|end_header_id|>\n\n", QUOTED, "<|eot_id|>"),
    reply_starts=("<|start_header_id|>assistant<|end_header_id|>\n\n",),
    tools_at="first-user",
    tools=("Given the following functions, please respond with a JSON for a function call with its proper arguments "
           'that best answers the given prompt.\n\nRespond in the format {"name": function name, "parameters": '
           "dictionary of argument name and its value}.Do not use variables.\n\n", LIST),
    tool=(TOOL, "\n\n"),
    tool_between="",
    tool_indent=4,
    trim=frozenset({"system", "user", "assistant"}),
    content_with_calls="dropped",
    one_call=True,
    reasoning="none",
)

LLAMA3_1 = Dialect(
    "llama3.1",
    calls=Calls((_OBJECT,), between="; ", at_start=True),
    accept=(
        Calls(("<|python_tag|>", NAME, ".call(", Pythonic(), ")")),
        Calls((_OBJECT,), around=("<|python_tag|>", CALLS), between="; "),
        Calls(("<function=", NAME, ">", Json(), "</function>")),
        Calls(("<|python_tag|>", Raw("code")), name="code_interpreter"),
    ),
    stop=("<|eot_id|>", "<|eom_id|>", "<|end_of_text|>"),
    special=_SPECIAL,
    turns=_TURNS,
)

LLAMA_PYTHONIC = Dialect(
    "llama-pythonic",
    calls=Calls((NAME, "(", Pythonic(), ")"), around=("[", CALLS, "]"), between=", ", at_start=True),
    accept=(
        Calls((NAME, "(", Pythonic(), ")"), around=("<|python_start|>[", CALLS, "]<|python_end|>"), between=", "),
        Calls((NAME, "(", Pythonic(), ")"), around=("<|python_tag|>[", CALLS, "]"), between=", "),
    ),
    stop=("<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|eot|>", "<|eom|>"),
    special=_SPECIAL | {"<|python_start|>", "<|python_end|>", "<|eot|>", "<|eom|>"},
    turns=replace(
        _TURNS,
        system=("<|start_header_id|>system<|end_header_id|>\n\n", When("tools", "Environment: ipython\n"),
                "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n", TOOLS, CONTENT, "<|eot_id|>"),
        default_system=("You are a helpful assistant with tool calling capabilities. Only reply with a tool call if the "
                        "function exists in the library provided by the user. If it doesn't exist, just reply directly "
                        "in natural language. When you receive a tool call response, use the output to format an answer "
                        "to the original user question.",),
        user=("<|start_header_id|>user<|end_header_id|>\n\n", CONTENT, "<|eot_id|>"),
        result=("<|start_header_id|>ipython<|end_header_id|>\n\n", '{"output": ', QUOTED, "}", "<|eot_id|>"),
        tools_at="system",
        tools=("You have access to the following functions. To call functions, please respond with a python list of "
               "the calls. Respond in the format [func_name1(params_name1=params_value1, "
               "params_name2=params_value2...), func_name2(params)] Do not use variables.\n\n", LIST),
        one_call=False,
    ),
)
