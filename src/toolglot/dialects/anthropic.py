'''Claude 2's tools as prompts: the XML of Anthropic's beta, November 2023 to April 2024.

Source: anthropics/anthropic-tools, tool_use_package/prompt_constructors.py and tool_user.py.

    <function_calls>
    <invoke>
    <tool_name>get_weather</tool_name>
    <parameters>
    <city>Paris</city>
    </parameters>
    </invoke>
    </function_calls>

Ugly and true: values are not escaped, and only the declared type tells what they are; results stand in the assistant's own
turn, which goes on behind them; parameters are told flat, with Python's names for their types.
'''

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..card import Card
from ..schema import types_of
from ..spec import (
    CALLS,
    CONTENT,
    KEY,
    LIST,
    NAME,
    REPLY,
    RESULTS,
    TOOLS,
    VALUE,
    Calls,
    Dialect,
    Tagged,
    Turns,
    When,
)

_PYTHON = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "array": "list", "object": "dict"}


def descriptions(tools: Sequence[Mapping[str, Any]]) -> str:
    """Each tool as a <tool_description>."""
    return "\n".join([_tool(tool.get("function", tool)) for tool in tools])


def _tool(function: Mapping[str, Any]) -> str:
    root = function.get("parameters") or {}
    parameters = "\n".join([
        f"<parameter>\n<name>{key}</name>\n<type>{_PYTHON.get((types_of(spec, root) or ('string',))[0], 'str')}</type>\n"
        f"<description>{spec.get('description', '') if isinstance(spec, Mapping) else ''}</description>\n</parameter>"
        for key, spec in (root.get("properties") or {}).items()])
    return (f"<tool_description>\n<tool_name>{function['name']}</tool_name>\n<description>\n"
            f"{function.get('description', '')}\n</description>\n<parameters>\n{parameters}\n</parameters>\n"
            "</tool_description>")


ANTHROPIC_XML = Dialect(
    "anthropic-xml",
    calls=Calls(("<invoke>\n<tool_name>", NAME, "</tool_name>\n<parameters>\n",
                 Tagged(("<", KEY, ">", VALUE, "</", KEY, ">\n")), "</parameters>\n</invoke>"),
                around=("<function_calls>\n", CALLS, "\n</function_calls>"), between="\n", gap="\n\n"),
    stop=("\n\nHuman:",),
    turns=Turns(
        system=(TOOLS, When("both", "\n\n"), CONTENT),
        later_system=("\n\n", CONTENT),
        user=("\n\nHuman: ", CONTENT),
        assistant=("\n\nAssistant: ", REPLY),
        results=("\n\n<function_results>\n", RESULTS, "\n</function_results>"),
        result=("<result>\n<tool_name>", NAME, "</tool_name>\n<stdout>\n", CONTENT, "\n</stdout>\n</result>"),
        result_between="\n",
        reply_starts=("\n\nAssistant:",),
        header_once="results",
        tools=("In this environment you have access to a set of tools you can use to answer the user's question.\n\n"
               "You may call them like this:\n<function_calls>\n<invoke>\n<tool_name>$TOOL_NAME</tool_name>\n<parameters>\n"
               "<$PARAMETER_NAME>$PARAMETER_VALUE</$PARAMETER_NAME>\n...\n</parameters>\n</invoke>\n</function_calls>\n\n"
               "Here are the tools available:\n<tools>\n", LIST, "\n</tools>"),
        listing=descriptions,
        reasoning="none",
    ),
)

CARDS = (
    Card(
        ANTHROPIC_XML,
        title="Claude 2 and 2.1, Claude Instant, as Anthropic's beta of tools prompted them",
        tier="full",
        why="several calls, with a client library and documents of its makers'; their API's tools took its place",
        verified="the makers' prompts for tools, calls and results; where a system message stands beside the tools is ours",
        models=("claude-2(\\.[01])?", "claude-instant(-1(\\.[012])?)?"),
        evidence=("<function_calls>", "<tool_name>", "<parameters>"),
    ),
)
