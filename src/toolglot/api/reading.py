"""What the surfaces read alike: tools, the choice among them, and a conversation.

The one rule: whatever is wrong is an ApiError that names the field as the client wrote it.
"""

from __future__ import annotations

import marshal
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..chat import as_turns
from ..custom import read_lark, read_regex
from ..grammar import Choice
from ..message import Tool, ToolglotError, Turn
from ..tools import as_tools
from .query import ApiError
from .schemas import flaw_of

KEPT = 64                               # lists of tools that are remembered
_TOOLS: dict[bytes, tuple[Tool, ...]] = {}


def tools_of(given: Sequence[Any] | None, param: str = "tools") -> tuple[Tool, ...]:
    """The tools of a request. The same list gives the same tuple: prompts and constraints are kept by it."""
    if not given:
        return ()
    key = marshal.dumps((param, list(given)), 2)               # version 2 has no references: equal values, equal bytes
    tools = _TOOLS.get(key)
    if tools is None:
        try:
            tools = as_tools(marshal.loads(key)[1])      # what is kept shares nothing that its owner may change
        except ToolglotError as error:
            raise refused(error, "tools", param, "invalid_function_parameters") from None
        for n, tool in enumerate(tools):
            _check(tool, f"{param}[{n}]")
        if len(_TOOLS) >= KEPT:
            _TOOLS.pop(next(iter(_TOOLS)), None)
        _TOOLS[key] = tools
    return tools


def _check(tool: Tool, where: str) -> None:
    """Raises ApiError for a tool that nothing could be held to: its schema is none, or its grammar."""
    if flaw := flaw_of(tool.parameters):
        raise ApiError(400, f"Invalid value for '{where}': the schema of {tool.name!r} is none: {flaw}.", where,
                       "invalid_function_parameters")
    if tool.format is None:
        return
    syntax, definition = tool.format
    try:
        if syntax == "lark":
            read_lark(definition)
        else:
            read_regex(definition)
    except ToolglotError as error:
        raise ApiError(400, f"Invalid value for '{where}': {error}.", where, "invalid_grammar") from None


def answer_of(schema: Mapping[str, Any], param: str) -> Mapping[str, Any]:
    """The schema that an answer is asked for by. Raises ApiError for what is none."""
    if flaw := flaw_of(schema):
        raise ApiError(400, f"Invalid value for '{param}': it is no JSON schema: {flaw}.", param, "invalid_schema")
    return schema


def turns_of(messages: Sequence[Mapping[str, Any]], param: str = "messages") -> tuple[Turn, ...]:
    try:
        return tuple(as_turns(messages))
    except ToolglotError as error:
        raise refused(error, "messages", param) from None


def refused(error: ToolglotError, own: str, param: str, code: str | None = None) -> ApiError:
    """An error of the library's as one of the API's: it begins with the place, in the library's words."""
    found = re.match(rf"{own}((?:[.\[][^\s:(]*)?)(?: \([^)]*\))?((?:\.[^\s:]*)?)(?=:)", str(error))
    where, said = (f"{param}{found[1]}{found[2]}", str(error)[found.end() + 2:]) if found else (param, str(error))
    return ApiError(400, f"Invalid value for '{where}': {said}", where, code)


def named(name: Any, tools: Sequence[Tool], param: str) -> str:
    """The name of a tool that was chosen."""
    if not any(tool.name == name for tool in tools):
        known = ", ".join(tool.name for tool in tools) or "none"
        raise ApiError(400, f"Invalid value for '{param}': no tool is named {name!r}; the tools are {known}.", param,
                       "invalid_value")
    return str(name)


def choice_of(given: Any, tools: Sequence[Tool], param: str = "tool_choice") -> Choice:
    """OpenAI's `tool_choice`, in the form of either of its APIs, or a bare name. None is auto where there are tools."""
    if given is None or given == "none":
        return "none" if given or not tools else "auto"
    if not tools:
        raise ApiError(400, f"'{param}' is only allowed when 'tools' are specified.", param, "invalid_value")
    if isinstance(given, str):
        return given if given in ("auto", "required") else {"name": named(given, tools, param)}  # type: ignore[return-value]
    kind = given.get("type")
    if kind == "allowed_tools":
        inner = given.get("allowed_tools", given)
        names = [named(_name(one), tools, f"{param}.tools[{n}]") for n, one in enumerate(inner.get("tools") or ())]
        if not names:
            raise ApiError(400, f"Invalid value for '{param}': expected at least one allowed tool, but got none.",
                           f"{param}.tools", "invalid_value")
        return {"allowed": list(dict.fromkeys(names)), "mode": inner.get("mode", "auto")}
    return {"name": named(_name(given), tools, param)}


def _name(given: Mapping[str, Any]) -> Any:
    inner = given.get(str(given.get("type")), given)
    return inner.get("name") if isinstance(inner, Mapping) else None
