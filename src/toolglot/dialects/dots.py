'''dots3-note: tags for calls and arguments, between markers that name the model.

Source: vLLM's (0.33.0) and SGLang's (0.5.23) dots parsers and SGLang's tests of its, for the replies; for the frame of a
turn the one that llama.cpp knows of dots.llm1, the model before it.

    <dots_function_call>
    <invoke name="get_weather">
    <parameter name="city">Paris</parameter>
    </invoke>
    </dots_function_call>

Ugly and true: a string and a number look alike, and only the tool's schema tells them apart. A JSON object with a name and
arguments in place of the tags is read, and so are names in other quotes or in none.

Its chat template could not be found. How tools and results are told is our own invention, and that dots3-note has the frame
of dots.llm1 is a guess: its other markers, <|endofimg|> say, look like it.
'''

from __future__ import annotations

from ..card import Card
from ..spec import (
    CALLS,
    CONTENT,
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
    Json,
    Object,
    Tagged,
    Template,
    Turns,
    When,
)


def _calls(call: Template) -> Calls:
    return Calls(call, around=("<dots_function_call>\n", CALLS, "\n</dots_function_call>"), between="\n")


def _invoke(quote: str) -> Calls:
    argument = Tagged((f"<parameter name={quote}", KEY, f"{quote}>", VALUE, "</parameter>\n"))
    return _calls((f"<invoke name={quote}", NAME, f"{quote}>\n", argument, "</invoke>"))


DOTS_3 = Dialect(
    "dots-3",
    calls=_invoke('"'),
    accept=(_invoke("'"), _invoke(""),
            _calls((Object({"name": NAME, "arguments": Json()}, also={"parameters": Json()}),))),
    reasoning=("<think>", TEXT, "</think>"),
    stop=("<|endofresponse|>",),
    special=frozenset({"<|system|>", "<|endofsystem|>", "<|userprompt|>", "<|endofuserprompt|>", "<|response|>",
                       "<|endofresponse|>"}),
    turns=Turns(
        system=("<|system|>", CONTENT, When("both", "\n\n"), TOOLS, "<|endofsystem|>"),
        later_system=("<|system|>", CONTENT, "<|endofsystem|>"),
        tools=("You may call these functions:\n", LIST, "\nCall them like this:\n<dots_function_call>\n"
               '<invoke name="function">\n<parameter name="parameter">value</parameter>\n</invoke>\n</dots_function_call>'),
        user=("<|userprompt|>", CONTENT, "<|endofuserprompt|>"),
        assistant=("<|response|>", REPLY, "<|endofresponse|>"),
        results=("<|userprompt|>", RESULTS, "<|endofuserprompt|>"),
        result=("<tool_response>\n", CONTENT, "\n</tool_response>"),
        result_between="\n",
        reply_starts=("<|response|>", When("no-thinking", "<think></think>")),
    ),
)

CARDS = (
    Card(
        DOTS_3,
        title="dots3-note",
        tier="multi",
        why="trained to write several calls, after it has thought; its makers' API speaks OpenAI's format",
        verified="replies against vLLM's and SGLang's parsers and tests; the prompt is not verified: its frame is that of "
                 "dots.llm1, and how tools and results are told is our own invention",
        models=("dots-?\\.?3(-note)?(-prev(iew)?)?",),
        evidence=("<dots_function_call>",),
    ),
)
