'''local-llm-function-calling: a function's name, then its arguments in a fence.

Source: PyPI local-llm-function-calling 0.1.23, `prompter.py` (InstructModelPrompter), by rizerphe.

    Function call: get_weather
    ```json
    {"city": "Paris"}
    ```

That library is no chat: it writes the words up to the fence itself, lets the model choose a name and then arguments under
a constraint, and stops at their last brace. Which parameters are required is not told, for it is the constraint that
sees to it. Here the same words stand in the frame of a chat.
'''

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..card import Card
from ..render import dumps
from ..spec import LIST, NAME, Calls, Json
from .zero_shot import JSON, TURNS


def fenced(tools: Sequence[Mapping[str, Any]]) -> str:
    """`name - description`, and the schemas of its parameters in a fence."""
    return "\n\n".join([_fenced(tool.get("function", tool)) for tool in tools])


def _fenced(function: Mapping[str, Any]) -> str:
    head = " - ".join([function["name"], *([function["description"]] if function.get("description") else [])])
    properties = (function.get("parameters") or {}).get("properties") or {}
    return f"{head}\n```jsonschema\n{dumps(properties, indent=4)}\n```"


LOCAL_LLM_FUNCTION_CALLING = replace(
    JSON,
    name="local-llm-function-calling",
    calls=Calls(("Function call: ", NAME, "\n```json\n", Json(), "\n```"), between="\n\n", gap="\n\n"),
    accept=(),
    turns=replace(
        TURNS,
        default_system=(),
        tools=("Your task is to call a function when needed. You will be provided with a list of functions. Available "
               "functions:\n", LIST),
        listing=fenced,
    ),
)

CARDS = (
    Card(
        LOCAL_LLM_FUNCTION_CALLING,
        title="local-llm-function-calling",
        tier="zero-shot",
        why="a constraint around any model, one call a turn",
        verified="its source (0.1.23), by hand; the frame of a chat is our own",
        framed=True,
    ),
)
