'''Llama 3, 3.1, 3.2, 3.3 and 4: bare JSON, built-in tools, tags, and Python.

Sources: chat_template of meta-llama/Meta-Llama-3-8B-Instruct (two copies), of Llama-3.1-8B-Instruct (sha256 e10ca381,
four copies; 3.3's is the same), of Llama-3.2-3B-Instruct and of Llama-4-Scout-17B-16E-Instruct (written out in
huggingface/transformers, models/llama4/convert_llama4_weights_to_hf.py); meta-llama/llama-models,
models/llama3_1/prompt_format.md, models/llama3_2/text_prompt_format.md and models/llama4/prompt_format.md; vLLM's
tool_chat_template_llama3.2_pythonic and tool_chat_template_llama4_pythonic.

    {"name": "get_weather", "parameters": {"city": "Paris"}}<|eot_id|>
    <|python_tag|>brave_search.call(query="weather in Paris")<|eom_id|>
    <function=get_weather>{"city": "Paris"}</function><|eot_id|>
    [get_weather(city='Paris'), get_weather(city='Rome')]<|eot_id|>
    [get_weather(city="Paris"), get_time(zone="UTC")]<|eot|>

Llama 3 was never trained for tools: it is told of them in its own frame, as zero-shot dialects tell them.

Ugly and true: Llama 3.1 is shown its tools inside the first question, knows one call a turn (its template refuses
more: here they become turns of their own), drops words beside a call, and is given every result as a JSON string.
Llama 3.2's own template says the same, with the day of today; its makers' documents ask for Python. Llama 4's own
template speaks the same JSON, but encloses the words beside past calls, even none, in the markers of Python code; its
makers' documents ask for Python. vLLM's pythonic templates write the string arguments of past calls
without quotes (3.2), or everything between double quotes (4), which is not what any model is asked to write; here they
are values.
'''

from __future__ import annotations

from dataclasses import replace
from datetime import date

from ..card import Card
from ..spec import (
    CALLS,
    CONTENT,
    LIST,
    NAME,
    QUOTED,
    REPLY,
    RESULTS,
    TEXT,
    TODAY,
    TOOL,
    TOOLS,
    Calls,
    Dialect,
    Json,
    Object,
    Pythonic,
    Raw,
    When,
)
from ._lists import in_one_list
from ._llama3 import HEADERS, SPECIAL, SYSTEM
from .zero_shot import JSON, JSON_TURNS

_OBJECT = Object({"name": NAME, "parameters": Json()}, also={"arguments": Json()})
_SPECIAL = SPECIAL | {"<|eom_id|>", "<|python_tag|>"}
_DATES = "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n"

_TURNS = replace(
    HEADERS,
    system=("<|start_header_id|>system<|end_header_id|>\n\n", When("tools", "Environment: ipython\n"), _DATES, CONTENT,
            "<|eot_id|>"),
    system_always=True,
    later_system=SYSTEM,
    user=("<|start_header_id|>user<|end_header_id|>\n\n", TOOLS, CONTENT, "<|eot_id|>"),
    result=("<|start_header_id|>ipython<|end_header_id|>\n\n", QUOTED, "<|eot_id|>"),
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

LLAMA3 = replace(
    JSON,
    name="llama3",
    stop=("<|eot_id|>", "<|end_of_text|>"),
    special=SPECIAL,
    turns=replace(
        JSON_TURNS,
        start=HEADERS.start,
        system=("<|start_header_id|>system<|end_header_id|>\n\n", CONTENT, When("tools", "\n\n"), TOOLS, "<|eot_id|>"),
        later_system=SYSTEM,
        user=HEADERS.user,
        assistant=HEADERS.assistant,
        results=("<|start_header_id|>user<|end_header_id|>\n\n", RESULTS, "<|eot_id|>"),
        reply_starts=HEADERS.reply_starts,
        trim=frozenset({"system", "user", "assistant", "called"}),
    ),
)

_PYTHON = (NAME, "(", Pythonic(), ")")
_BARE_OBJECTS = Calls((_OBJECT,), between="; ", at_start=True)
_BARE_LIST = Calls(_PYTHON, around=("[", CALLS, "]"), between=", ", at_start=True)

LLAMA3_1 = Dialect(
    "llama3.1",
    calls=_BARE_OBJECTS,
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

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _day(today: date) -> str:
    """`26 Jul 2024`, whatever the locale."""
    return f"{today.day:02} {_MONTHS[today.month - 1]} {today.year}"


LLAMA3_2 = replace(
    LLAMA3_1,
    name="llama3.2",
    accept=(
        *LLAMA3_1.accept[:-1],
        _BARE_LIST,
        Calls(_PYTHON, around=("<|python_tag|>[", CALLS, "]"), between=", "),
        LLAMA3_1.accept[-1],
    ),
    turns=replace(
        _TURNS,
        system=("<|start_header_id|>system<|end_header_id|>\n\n", When("tools", "Environment: ipython\n"),
                "Cutting Knowledge Date: December 2023\nToday Date: ", TODAY, "\n\n", CONTENT, "<|eot_id|>"),
        date=_day,
    ),
)

LLAMA_PYTHONIC = Dialect(
    "llama-pythonic",
    calls=_BARE_LIST,
    accept=(
        Calls(_PYTHON, around=("<|python_start|>[", CALLS, "]"), between=", "),
        Calls(_PYTHON, around=("<|python_tag|>[", CALLS, "]"), between=", "),
        _BARE_OBJECTS,
        Calls((_OBJECT,), around=("<|python_tag|>", CALLS), between="; "),
    ),
    stop=("<|eot_id|>", "<|eom_id|>", "<|end_of_text|>"),
    noise=("<|python_end|>",),
    special=_SPECIAL | {"<|python_start|>", "<|python_end|>"},
    turns=replace(
        _TURNS,
        system=("<|start_header_id|>system<|end_header_id|>\n\n", When("tools", "Environment: ipython\n"), _DATES, TOOLS,
                CONTENT, "<|eot_id|>"),
        default_system=("You are a helpful assistant with tool calling capabilities. Only reply with a tool call if the "
                        "function exists in the library provided by the user. If it doesn't exist, just reply directly "
                        "in natural language. When you receive a tool call response, use the output to format an answer "
                        "to the original user question.",),
        user=HEADERS.user,
        result=("<|start_header_id|>ipython<|end_header_id|>\n\n", '{"output": ', QUOTED, "}", "<|eot_id|>"),
        tools_at="system",
        tools=("You have access to the following functions. To call functions, please respond with a python list of "
               "the calls. Respond in the format [func_name1(params_name1=params_value1, "
               "params_name2=params_value2...), func_name2(params)] Do not use variables.\n\n", LIST),
        one_call=False,
    ),
)

_LLAMA4 = replace(
    _TURNS,
    system=("<|header_start|>system<|header_end|>\n\n", When("tools", "Environment: ipython\n"), CONTENT, "<|eot|>"),
    system_always=False,
    later_system=("<|header_start|>system<|header_end|>\n\n", CONTENT, "<|eot|>"),
    user=("<|header_start|>user<|header_end|>\n\n", TOOLS, CONTENT, "<|eot|>"),
    assistant=("<|header_start|>assistant<|header_end|>\n\n", REPLY, "<|eot|>"),
    result=("<|header_start|>ipython<|header_end|>\n\n", QUOTED, "<|eot|>"),
    reply_starts=("<|header_start|>assistant<|header_end|>\n\n",),
    trim=frozenset({"system"}),
    content_with_calls="kept",
    beside_calls=("<|python_start|>", TEXT, "<|python_end|>"),
    one_call=False,
    history=Calls((_OBJECT,)),
)

LLAMA4 = Dialect(
    "llama4",
    calls=_BARE_OBJECTS,
    accept=(
        Calls((_OBJECT,), around=("<|python_start|>", CALLS), between="; "),
        Calls((_OBJECT,), around=("<|python_start|><|python_end|>", CALLS)),
        Calls(("<function=", NAME, ">", Json(), "</function>")),
        _BARE_LIST,
        Calls(_PYTHON, around=("<|python_start|>[", CALLS, "]"), between=", "),
    ),
    stop=("<|eot|>", "<|eom|>", "<|end_of_text|>"),
    noise=("<|python_end|>",),
    special=frozenset({"<|begin_of_text|>", "<|header_start|>", "<|header_end|>", "<|eot|>", "<|eom|>", "<|python_start|>",
                       "<|python_end|>"}),
    turns=_LLAMA4,
    repaired=replace(_LLAMA4, beside_calls=None, content_with_calls="dropped", history=None),
)

_EXPERT = """\
You are a helpful assistant and an expert in function composition. You can answer general questions using your internal \
knowledge OR invoke functions when necessary. Follow these strict guidelines:

1. FUNCTION CALLS:
- ONLY use functions that are EXPLICITLY listed in the function list below
- If NO functions are listed (empty function list []), respond ONLY with internal knowledge or "I don't have access to \
[Unavailable service] information"
- If a function is not in the list, respond ONLY with internal knowledge or "I don't have access to [Unavailable service] \
information"
- If ALL required parameters are present AND the query EXACTLY matches a listed function's purpose: output ONLY the \
function call(s)
- Use exact format: [func_name1(param1=value1, param2=value2), func_name2(...)]
Examples:
CORRECT: [get_weather(location="Vancouver"), calculate_route(start="Boston", end="New York")] <- Only if get_weather and \
calculate_route are in function list
INCORRECT: get_weather(location="New York")
INCORRECT: Let me check the weather: [get_weather(location="New York")]
INCORRECT: [get_events(location="Singapore")] <- If function not in list

2. RESPONSE RULES:
- For pure function requests matching a listed function: ONLY output the function call(s)
- For knowledge questions: ONLY output text
- For missing parameters: ONLY request the specific missing parameters
- For unavailable services (not in function list): output ONLY with internal knowledge or "I don't have access to \
[Unavailable service] information". Do NOT execute a function call.
- If the query asks for information beyond what a listed function provides: output ONLY with internal knowledge about \
your limitations
- NEVER combine text and function calls in the same response
- NEVER suggest alternative functions when the requested service is unavailable
- NEVER create or invent new functions not listed below

3. STRICT BOUNDARIES:
- ONLY use functions from the list below - no exceptions
- NEVER use a function as an alternative to unavailable information
- NEVER call functions not present in the function list
- NEVER add explanatory text to function calls
- NEVER respond with empty brackets
- Use proper Python/JSON syntax for function calls
- Check the function list carefully before responding

4. TOOL RESPONSE HANDLING:
- When receiving tool responses: provide concise, natural language responses
- Don't repeat tool response verbatim
- Don't add supplementary information

Here is a list of functions in JSON format that you can invoke:"""

LLAMA4_PYTHONIC = replace(
    LLAMA4,
    name="llama4-pythonic",
    calls=Calls((NAME, "(", Pythonic(json=True), ")"), around=("[", CALLS, "]"), between=", ", at_start=True),
    accept=(
        Calls(_PYTHON, around=("<|python_start|>[", CALLS, "]"), between=", "),
        Calls((_OBJECT,), around=("<|python_start|>", CALLS), between="; "),
        Calls(("<function=", NAME, ">", Json(), "</function>")),
        _BARE_OBJECTS,
    ),
    turns=replace(
        _LLAMA4,
        system=("<|header_start|>system<|header_end|>\n\n", CONTENT, TOOLS, "<|eot|>"),
        empty_system=False,
        default_system=(_EXPERT,),
        default_with_tools=True,
        user=("<|header_start|>user<|header_end|>\n\n", CONTENT, "<|eot|>"),
        tools_at="system",
        tools=(When("system", "\nHere is a list of functions in JSON format that you can invoke. Use exact format: "
                    "[func_name1(param1=value1, param2=value2), func_name2(...)]\n", "\n"), LIST),
        listing=in_one_list,
        beside_calls=None,
        history=None,
    ),
    repaired=None,
)

CARDS = (
    Card(
        LLAMA3,
        title="Llama 3 (8B, 70B), and models tuned from it",
        tier="none",
        why="neither the model nor its template was made for tools",
        verified="the frame against two copies of its chat template, byte for byte; the words about tools are ours",
        models=("(meta-)?llama-?3(?!\\.\\d)",),
        ollama=("llama3", "llama3-gradient", "llama3-chatqa"),
    ),
    Card(
        LLAMA3_1,
        title="Llama 3.1, Llama 3.3, and models tuned from them",
        tier="single",
        why="trained for tools, one call a turn: its template refuses more",
        verified="chat template, byte for byte; four copies agree",
        models=("(meta-)?llama-?3[.-][13]",),
        ollama=("llama3.1", "llama3.3"),
        evidence=("<|start_header_id|>", '"parameters": '),
        differs=("Several calls of one turn are told as turns of one call each; the template refuses them.",),
    ),
    Card(
        LLAMA3_2,
        title="Llama 3.2 as its chat template has it",
        tier="single",
        why="told to answer with one JSON object; its template refuses more calls a turn",
        verified="chat template, byte for byte",
        ollama=("llama3.2", "llama3.2-vision"),
        evidence=("<|start_header_id|>", '"parameters": ', 'strftime_now("%d %b %Y")'),
        differs=("Several calls of one turn are told as turns of one call each; the template refuses them.",),
    ),
    Card(
        LLAMA_PYTHONIC,
        title="Llama 3.2 as its makers' documents have it",
        tier="multi",
        why="trained to write a Python list of calls; its makers' documents ask for one",
        verified="vLLM's chat template, byte for byte but for the quotes of past strings",
        models=("(meta-)?llama-?3\\.2",),
        gguf=("mllama",),
        unverified=(("toolace", "its calls are these, by vLLM's documents; its own prompt is worded otherwise"),),
        evidence=("<|start_header_id|>", "python list"),
        differs=("String arguments of past calls stand in quotes; the template leaves them out.",),
    ),
    Card(
        LLAMA4_PYTHONIC,
        title="Llama 4 as its makers' documents have it",
        tier="multi",
        why="trained to write a Python list of calls; its makers' documents ask for one",
        verified="vLLM's chat template, byte for byte but for the quotes of past values, and its makers' documents",
        models=("(meta-)?llama-?4",),
        evidence=("<|header_start|>", "func_name1("),
        differs=(
            "Arguments of past calls are JSON values; the template puts each between double quotes, unescaped.",
            "An empty system message counts as none; the template then leaves out the tools too.",
        ),
    ),
    Card(
        LLAMA4,
        title="Llama 4 as its chat template has it",
        tier="single",
        why="told to answer with one JSON object; its template could join several",
        verified="chat template as transformers' conversion script holds it, byte for byte",
        ollama=("llama4",),
        gguf=("llama4",),
        evidence=("<|header_start|>", '"parameters": '),
        differs=(
            "The question that carries the tools is kept as it is; the template trims it.",
            "The words beside past calls stand between the markers of Python code, even where there are none; repaired, "
            "they are left out.",
        ),
    ),
)
