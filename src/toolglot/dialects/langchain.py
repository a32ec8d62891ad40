'''LangChain's agents of old: a JSON blob, or tags.

Source: langchain 0.1.20, `agents/structured_chat` and `agents/xml` (prompts and output parsers); langchain-experimental
0.0.58, `anthropic_functions.py`, for several arguments in tags. LangChain's ReAct agent is `react`, in zero_shot.py.

    Action:
    ```
    {
      "action": "get_weather",
      "action_input": {"city": "Paris"}
    }
    ```

    <tool>get_weather</tool><tool_input><city>Paris</city></tool_input>

The words of the prompts are ours and few: these are for models that were trained for neither. LangChain's own XML agent
gives a tool one text, without tags inside. What its structured chat agent writes as an action named "Final Answer" is an
answer here without any blob.
'''

from __future__ import annotations

from dataclasses import replace

from ..card import Card
from ..spec import CONTENT, KEY, LIST, NAME, TEXT, VALUE, Calls, Json, Object, Tagged
from .zero_shot import JSON, TURNS


def _blob(opener: str, at_start: bool = False) -> Calls:
    return Calls((opener, Object({"action": NAME, "action_input": Json()}, indent=2), "\n```"), between="\n", gap="\n",
                 at_start=at_start)


LANGCHAIN_JSON = replace(
    JSON,
    name="langchain-json",
    calls=_blob("Action:\n```\n"),
    accept=(_blob("Action:\n```json\n"), _blob("```json\n"), _blob("```\n", at_start=True)),
    stop=("\nObservation:", *JSON.stop),
    turns=replace(
        TURNS,
        tools=(LIST, '\n\nTo use a tool, reply with a JSON blob:\nAction:\n```\n{\n  "action": "tool name",\n'
                     '  "action_input": {...}\n}\n```'),
        result=("Observation: ", CONTENT),
        result_between="\n",
    ),
)

LANGCHAIN_XML = replace(
    JSON,
    name="langchain-xml",
    calls=Calls(("<tool>", NAME, "</tool><tool_input>", Tagged(("<", KEY, ">", VALUE, "</", KEY, ">")), "</tool_input>"),
                between="\n"),
    accept=(),
    content=("<final_answer>", TEXT, "</final_answer>"),
    join="\n",
    stop=("<observation>", *JSON.stop),
    turns=replace(
        TURNS,
        tools=(LIST, "\n\nTo use a tool, reply with:\n<tool>tool name</tool><tool_input><parameter>value</parameter>"
                     "</tool_input>\nTo answer, reply with:\n<final_answer>your answer</final_answer>"),
        result=("<observation>", CONTENT, "</observation>"),
        result_between="\n",
    ),
)

_WHY = "a format for prompting any model; LangChain takes one action a turn"

CARDS = (
    Card(LANGCHAIN_JSON, title="LangChain's structured chat agent", tier="zero-shot", why=_WHY, framed=True,
         verified="its parser (langchain 0.1.20) for what is read; the prompt is our own"),
    Card(LANGCHAIN_XML, title="LangChain's XML agent", tier="zero-shot", why=_WHY, framed=True,
         verified="its prompt's example and parser (langchain 0.1.20) for what is read; the prompt is our own"),
)
