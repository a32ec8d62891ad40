"""Calls written in the wrong shape, found with the help of the tool list: `rescue` for a text from any model.

The one rule: nothing is changed in silence. Each repair stands on the reply, and what is no call stays content.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from .. import schema
from ..message import Reply, Text, Tool, ToolglotError, fold
from .calls import read
from .evidence import Known, known_of
from .stream import Rescuer

__all__ = ["KINDS", "Known", "Rescuer", "known_of", "rescue"]

#: the kinds of repair, and what each of them is; those of a value in the arguments are `schema.KINDS`
KINDS = {
    "shape": "the call is written in another way than JSON's `{\"name\": ..., \"arguments\": ...}`",
    "wrapper": "fences, tags, brackets and other words for a call around it",
    "repeated": "the same call, said again elsewhere in the text",
    "name": "another spelling of a tool's name: underscores for dots, a prefix, Markdown's backslashes",
    "positional": "arguments without names, in the order in which the tool declares them",
    "positional object": "arguments as one object in the brackets of a call, or one object for each of several calls",
    "spread": "a list where one value is due: one call for each",
    "quoted": "a call, or its name, in quotes",
    "quote": "quotes inside a string that nothing marks as such",
    "literal": "JSON's `true` and `null` in Python, or Python's `True` and `None` in JSON",
    "unquoted": "a string without quotes, or code",
    "expression": "an expression of numbers, or of strings: its value",
    "escape": "Markdown's backslashes in names",
    "separator": "a comma that is missing",
    "closer": "a bracket that is missing, or one too many",
}
_ALWAYS = frozenset({"shape", "wrapper", "repeated"})       # without these there is no rescue


def rescue(text: str, tools: Any, *, skip: AbstractSet[str] = frozenset()) -> Reply:
    """The calls in a text of any shape, from any model; what of the text is no call is left as content.

    `tools` is whatever `toolglot.tools.as_tools` takes; without any, nothing is a call. `skip` names kinds of repair
    (`KINDS`, `schema.KINDS`) that are not wanted: what would need one is no call, and an argument stays as it is.
    `.repairs` says what was changed, and where. Never raises for text; ToolglotError for tools and kinds that are none.
    """
    from ..tools import as_tools

    if skip and (unknown := skip - ((KINDS.keys() - _ALWAYS) | {*schema.KINDS})):
        can = ", ".join(sorted({*KINDS, *schema.KINDS} - _ALWAYS))
        raise ToolglotError(f"skip: no kind of repair that can be left out is named {min(unknown)!r}; these are: {can}")
    seen = isinstance(tools, tuple) and all([isinstance(tool, Tool) for tool in tools])
    known = known_of(tools if seen else as_tools(tools), skip)
    return fold(read(text, known) or ([Text(text)] if text else []))
