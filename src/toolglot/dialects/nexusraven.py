'''NexusRaven V1 and V2, 13B: a Python call, whose values may be calls.

Sources: nexusflowai/NexusRaven, docs/prompting_readme.md; nexusflowai/NexusRaven-V2, README and How-To-Prompt.ipynb;
the Berkeley Function Calling Leaderboard's handler.

    Call: get_weather(city=nearest_city(x=48.8, y=2.3))<bot_end>
    Thought: The weather is asked for ...</s>

    Initial Answer: get_weather('Paris')
    Reflection: ...

A call among the arguments is read as `{"$call": "nearest_city", "arguments": {...}}`, and whoever runs the calls runs that
one first. Both models answer one question with calls and know of nothing else: that a conversation goes on, and how results
are told, is not verified.
'''

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..card import Card
from ..spec import CALLS, CONTENT, LIST, NAME, REPLY, RESULTS, TOOLS, Calls, Dialect, Pythonic, Turns, When
from ._idioms import PYTHON, function

_PICK = ("\n\nPlease pick a function from the above options that best answers the user query and fill in the appropriate "
         "arguments.")


def options(tools: Sequence[Mapping[str, Any]]) -> str:
    """V1: a signature and a docstring between markers."""
    return "".join([_option(*function(tool)) for tool in tools])


def _option(name: str, said: str, members: list[Any]) -> str:
    typed = ", ".join([f"{m.name} : {m.type(PYTHON)}" for m in _ordered(members)])
    doc = "\n".join(_docstring(said, members, ""))
    return (f'OPTION:\n<func_start>def {name}({typed})<func_end>\n<docstring_start>\n"""\n{doc}\n"""\n'
            "<docstring_end>\n\n")


def definitions(tools: Sequence[Mapping[str, Any]]) -> str:
    """V2: Python's `def` with a docstring."""
    return "".join([_definition(*function(tool)) for tool in tools])


def _definition(name: str, said: str, members: list[Any]) -> str:
    typed = ", ".join([f"{m.name}: {m.type(PYTHON)}{'' if m.required else f' = {m.default!r}'}" for m in _ordered(members)])
    doc = "\n".join(_docstring(said, members, "    "))
    return f'Function:\ndef {name}({typed}):\n    """\n{doc}\n    """\n\n'


def _ordered(members: list[Any]) -> list[Any]:
    return sorted(members, key=lambda m: not m.required)


def _docstring(said: str, members: list[Any], margin: str) -> Iterator[str]:
    yield from [margin + line for line in said.split("\n")]
    if members:
        yield from ("", f"{margin}Args:")
        yield from [f"{margin}{m.name} ({m.type(PYTHON)}): {m.said}".rstrip(": ") for m in _ordered(members)]


NEXUSRAVEN_V2 = Dialect(
    "nexusraven-v2",
    calls=Calls((NAME, "(", Pythonic(nested=True), ")"), around=("Call: ", CALLS, "<bot_end>"), between="; ",
                gap="\n"),
    stop=("\nThought:", "<bot_end>", "</s>"),
    special=frozenset({"</s>"}),
    turns=Turns(
        system=(CONTENT, When("both", "\n\n"), TOOLS, When("tools", "", "\n\n")),
        user=("User Query: ", CONTENT, "<human_end>\n"),
        assistant=(REPLY, "</s>\n"),
        results=(RESULTS,),
        result=("User Query: ", CONTENT, "<human_end>\n"),
        tools=(LIST,),
        listing=definitions,
        reasoning="none",
    ),
)

NEXUSRAVEN_V1 = Dialect(
    "nexusraven-v1",
    calls=Calls(("Initial Answer: ", NAME, "(", Pythonic(nested=True), ")"), between="\n", gap="\n"),
    stop=("\nReflection:", "<bot_end>", "</s>"),
    special=frozenset({"</s>"}),
    turns=Turns(
        system=(CONTENT, "\n\n"),
        user=("<human>:\n", TOOLS, "User Query: Question: ", CONTENT, When("tools", _PICK), "<human_end>\n"),
        assistant=(REPLY, "</s>\n"),
        results=(RESULTS,),
        result=("<human>:\nUser Query: Question: ", CONTENT, "<human_end>\n"),
        tools_at="last-user",
        tools=(LIST,),
        listing=options,
        one_call=True,
        reasoning="none",
    ),
)

CARDS = (
    Card(
        NEXUSRAVEN_V2,
        title="NexusRaven V2 13B",
        tier="multi",
        why="trained to write several calls, and calls in calls; its documents know of no results",
        verified="its documents, by hand; anything behind the first reply is not",
        models=("nexusraven-?v2", "nexusraven(-13b)?-v2"),
        ollama=("nexusraven",),
    ),
    Card(
        NEXUSRAVEN_V1,
        title="NexusRaven 13B",
        tier="single",
        why="trained to pick one function for one question",
        verified="its documents, by hand; anything behind the first reply is not",
        models=("nexusraven",),
    ),
)
