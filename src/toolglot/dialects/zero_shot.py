'''For models that were never trained for tools, in whatever frame their chat template gives: five formats to prompt for.

Nobody published these; they are ours, but for `react`, which is LangChain's.

    json       {"name": "get_weather", "arguments": {"city": "Paris"}}
    json-list  [{"name": "get_weather", "arguments": {"city": "Paris"}}]
    pythonic   [get_weather(city='Paris')]
    react      Thought: I should look.
               Action: get_weather
               Action Input: {"city": "Paris"}
    xml        <call name="get_weather">
               <city>Paris</city>
               </call>

The tools are told as signatures with comments, in the system message and without examples: so small a model copies
examples, and tools in the question spoil its choice (`bench/questions.py` measures what this layout gives `json`).
Results come back as plain words in a turn of their own.
'''

from __future__ import annotations

from dataclasses import replace

from ..card import Card
from ..spec import (
    CALLS,
    CONTENT,
    KEY,
    LIST,
    NAME,
    RESULTS,
    TEXT,
    TOOLS,
    VALUE,
    Calls,
    Dialect,
    Json,
    Object,
    Pythonic,
    Raw,
    Tagged,
    Template,
    When,
)
from ._chatml import CHATML, SYSTEM
from ._idioms import python, sketches

TURNS = replace(
    CHATML,
    system=("<|im_start|>system\n", CONTENT, When("tools", "\n\n"), TOOLS, "<|im_end|>\n"),
    later_system=SYSTEM,
    default_system=("You are a helpful assistant with access to these tools:",),
    default_with_tools=True,
    listing=sketches,
    results=("<|im_start|>tool\n", RESULTS, "<|im_end|>\n"),
    result=(CONTENT,),
    reasoning="none",
)
_STOP = ("<|im_end|>", "<|endoftext|>")
_SPECIAL = frozenset({"<|im_start|>", "<|im_end|>"})
_OBJECT = Object({"name": NAME, "arguments": Json()}, also={"parameters": Json(), "function": NAME})
_ALONE = Calls((_OBJECT,), between="\n", at_start=True)
_LIST = Calls((_OBJECT,), around=("[", CALLS, "]"), between=", ", at_start=True)


def _fenced(each: Template, language: str) -> tuple[Calls, ...]:
    """The same calls between fences, a line each or in a list: many models cannot do without."""
    return tuple(Calls(each, around=(f"{fence}\n{opens}", CALLS, f"{closes}\n```"), between=between, at_start=True)
                 for fence in (f"```{language}", "```") for opens, closes, between in (("[", "]", ", "), ("", "", "\n")))


_FENCED = _fenced((_OBJECT,), "json")
_CALL = (NAME, "(", Pythonic(), ")")

JSON_TURNS = replace(TURNS, tools=(
    LIST, '\n\nTo use a tool, reply only with a JSON object {"name": "tool name", "arguments": {...}}.'))

JSON = Dialect(
    "json",
    calls=_ALONE,
    accept=(_LIST, *_FENCED),
    stop=_STOP,
    special=_SPECIAL,
    turns=JSON_TURNS,
)

JSON_LIST = replace(
    JSON,
    name="json-list",
    calls=_LIST,
    accept=(_ALONE, *_FENCED),
    turns=replace(TURNS, tools=(
        LIST, '\n\nTo use tools, reply only with a JSON list [{"name": "tool name", "arguments": {...}}, ...].')),
)

PYTHONIC = replace(
    JSON,
    name="pythonic",
    calls=Calls(_CALL, around=("[", CALLS, "]"), between=", ", at_start=True),
    accept=(Calls(_CALL, between="\n", at_start=True), *_fenced(_CALL, "python")),
    turns=replace(TURNS, listing=python, tools=(
        LIST, "\n\nTo use tools, reply only with a Python list of calls [name(parameter=value), ...].")),
)

REACT = replace(
    JSON,
    name="react",
    calls=Calls(("Action: ", NAME, "\nAction Input: ", Json()), between="\n"),
    accept=(Calls(("Action: ", NAME, "\nAction Input: ", Raw("")), between="\n"),),     # the one text of a tool
    content=("Final Answer: ", TEXT),
    reasoning=("Thought: ", TEXT),
    join="\n",
    stop=("\nObservation:", *_STOP),
    turns=replace(
        TURNS,
        tools=(LIST, "\n\nTo use a tool, reply with these lines:\nThought: what to do\nAction: tool name\n"
                     "Action Input: its arguments, a JSON object\nTo answer, reply with:\nFinal Answer: your answer"),
        result=("Observation: ", CONTENT),
        result_between="\n",
    ),
)

XML = replace(
    JSON,
    name="xml",
    calls=Calls(('<call name="', NAME, '">\n', Tagged(("<", KEY, ">", VALUE, "</", KEY, ">\n")), "</call>"), between="\n",
                gap="\n"),
    accept=(),
    turns=replace(TURNS, tools=(
        LIST, '\n\nTo use a tool, reply with:\n<call name="tool name">\n<parameter>value</parameter>\n</call>')),
)

_WHY = "nobody was trained on it: prompting and a constraint make the calls"

CARDS = (
    Card(
        JSON,
        title="any model; Qwen1.5, Qwen2 and SmolLM2 among them",
        tier="zero-shot",
        why=_WHY,
        verified="its own definition, and measurements with SmolLM2: bench/questions.py",
        models=("smollm-?2", "(code)?qwen-?1\\.5", "qwen-?2(?![.-]5(?!\\d))", "^qwen:[\\w.-]+"),
        ollama=("smollm2", "qwen2", "qwen2-math", "codeqwen"),
        unverified=(
            ("qwen1\\.5-function-calling-chat-template",
             "calls and results have roles of their own in ChatML (function_metadata, function_call, function_response); "
             "the bytes of its template could not be found"),
            ("meta-llama-3-8b-lexi-uninstruct-function-calling-json-mode(-task-arithmetic-v0\\.1)?",
             "a merge of a model in the form of Glaive's data (dialect glaive may fit); nothing is published of its own"),
            ("deepseek-coder-6\\.7b-chat-and-function-calling", "its card and template could not be found"),
            ("llama3-8b-functioncalling", "its card and template could not be found"),
        ),
        framed=True,
    ),
    Card(JSON_LIST, title="any model, for several calls at once", tier="zero-shot", why=_WHY,
         verified="its own definition alone", framed=True),
    Card(PYTHONIC, title="any model, as Python", tier="zero-shot", why=_WHY, verified="its own definition alone",
         framed=True),
    Card(REACT, title="any model, as thought and action (LangChain's ReAct agent)", tier="zero-shot", why=_WHY,
         verified="its own definition, and langchain 0.1.20's prompt and parser for the marks", framed=True),
    Card(XML, title="any model, as tags", tier="zero-shot", why=_WHY, verified="its own definition alone", framed=True),
)
