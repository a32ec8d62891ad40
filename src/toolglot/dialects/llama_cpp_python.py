'''`chatml-function-calling`, a chat format of llama-cpp-python: names and JSON on lines of their own.

Source: abetlen/llama-cpp-python, `llama_cpp/llama_chat_format.py` (`chatml_function_calling`; also in 0.3.36).

    functions.get_weather:
    {"city": "Paris"}
    functions.get_time:
    {"zone": "Europe/Paris"}

    message:
    It is 18 °C.

Where that format loses what matters, this does not: there, tools are told without their descriptions, and only where there
is a system message, a result loses its words, words close the turn before the calls beside them, and past calls follow each
other without the line break that the model writes.
'''

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..card import Card
from ..render import dumps
from ..spec import CONTENT, LIST, NAME, RESULTS, TEXT, TOOLS, Calls, Json
from .zero_shot import JSON, TURNS


def headed(tools: Sequence[Mapping[str, Any]]) -> str:
    """`functions.name:` above each schema, and the description, as a comment, above that."""
    return "".join([_headed(tool.get("function", tool)) for tool in tools])


def _headed(function: Mapping[str, Any]) -> str:
    said = "".join([f"// {line}\n" for line in function["description"].split("\n")]) if function.get("description") else ""
    return f"\n{said}functions.{function['name']}:\n{dumps(function.get('parameters', {}))}\n"


CHATML_FUNCTION_CALLING = replace(
    JSON,
    name="chatml-function-calling",
    calls=Calls(("functions.", NAME, ":\n", Json()), between="\n"),
    accept=(),
    content=("message:\n", TEXT),
    join="\n",
    turns=replace(
        TURNS,
        system=("<|im_start|>system\n", CONTENT, TOOLS, "<|im_end|>\n"),
        default_system=(),
        tools=("\n\nYou have access to the following functions:\n", LIST,
               "\n\nYou can respond to users messages with either a single message or one or more function calls."
               "\n\nTo respond with a message begin the message with 'message:', use the following format:"
               "\n\nmessage:\n<message>"
               "\n\nTo respond with one or more function calls begin the message with 'functions.<function_name>:', use "
               "the following format:"
               '\n\nfunctions.<function_name>:\n{ "arg1": "value1", "arg2": "value2" }'
               '\nfunctions.<function_name>:\n{ "arg1": "value1", "arg2": "value2" }'),
        listing=headed,
        results=("<|im_start|>tool\n", RESULTS, "<|im_end|>\n"),
        result_between="\n",
    ),
)

CARDS = (
    Card(
        CHATML_FUNCTION_CALLING,
        title="llama-cpp-python's chatml-function-calling",
        tier="zero-shot",
        why="a prompt and a constraint for any model that knows ChatML; several calls a turn",
        verified="its source, by hand",
        framed=True,
    ),
)
