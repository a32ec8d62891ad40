"""The conversations that the page offers, the models that it begins with, and what a model may write.

The one rule: what is said to be a model's is what its dialect writes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ..audit.probes import NOTE, NOTE_TOOL
from ..check import loss
from ..message import Call, Part, Reasoning, Text
from ..render import render
from ..spec import Dialect
from ..tools import as_tools

# those that the first example was first compared on, by the names that people know them by
MODELS = ("qwen3", "llama3.1-405b", "Hermes-3-Llama-3.1-405B", "llama4", "mistralai/Ministral-8B-Instruct-2410",
          "deepseek-r1", "deepseek-v3.1", "gemma-3-27b-it", "grok-2")

_TIME = {"type": "function", "function": {"name": "get_time", "description": "Get the time in a city.", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}, "zone": {"type": "string", "enum": ["local", "UTC"]}},
    "required": ["city"]}}}
_GUEST = {"type": "object", "required": ["name"], "properties": {
    "name": {"type": "string"}, "vegetarian": {"type": "boolean"}}}
_TIME_OF_DAY = {"type": "object", "properties": {"day": {"type": "string", "format": "date"}, "hour": {"type": "integer"}}}
_BOOK = {"type": "function", "function": {"name": "book_table", "description": "Book a table.", "parameters": {
    "type": "object", "required": ["restaurant", "guests"], "properties": {
        "restaurant": {"type": "string"}, "guests": {"type": "array", "items": _GUEST}, "at": _TIME_OF_DAY}}}}


def _call(name: str, arguments: dict[str, Any], id: str) -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _place(city: str) -> dict[str, str]:
    return {"location": city}


EXAMPLES: tuple[dict[str, Any], ...] = (
    {"title": "a question", "messages": NOTE, "tools": [NOTE_TOOL]},
    {"title": "a call and its result", "tools": [NOTE_TOOL], "messages": [
        *NOTE, {"role": "assistant", "tool_calls": [
            _call("get_current_temperature", _place("Paris, France"), "call00001")]},
        {"role": "tool", "tool_call_id": "call00001", "content": "22.0"}]},
    {"title": "two calls at once", "tools": [NOTE_TOOL, _TIME], "messages": [
        *NOTE[:1], {"role": "user", "content": "How warm is it in Paris and in Oslo, and what time is it there?"},
        {"role": "assistant", "content": "I look both up.", "tool_calls": [
            _call("get_current_temperature", _place("Paris, France"), "call00001"),
            _call("get_current_temperature", _place("Oslo, Norway"), "call00002")]},
        {"role": "tool", "tool_call_id": "call00001", "content": "22.0"},
        {"role": "tool", "tool_call_id": "call00002", "content": "14.5"},
        {"role": "assistant", "content": "22 °C in Paris, 14.5 °C in Oslo."},
        {"role": "user", "content": "And the time?"}]},
    {"title": "reasoning in history", "tools": [NOTE_TOOL], "messages": [
        *NOTE, {"role": "assistant", "reasoning_content": "They mean Paris in France.",
                "tool_calls": [_call("get_current_temperature", _place("Paris, France"), "call00001")]},
        {"role": "tool", "tool_call_id": "call00001", "content": "22.0"}]},
    {"title": "nested arguments", "tools": [_BOOK], "messages": [
        {"role": "user", "content": "A table for Ann and for Bo, who eats no meat, at Chez Léon on Friday at eight."}]},
    {"title": "no tools", "tools": [], "messages": NOTE},
)


_PARIS, _OSLO = [Call("get_current_temperature", _place(city)) for city in ("Paris, France", "Oslo, Norway")]
_SAID: tuple[tuple[str, tuple[Part, ...]], ...] = (
    ("a call", (_PARIS,)),
    ("words and a call", (Text("Let me look that up."), _PARIS)),
    ("reasoning and a call", (Reasoning("They mean Paris in France."), _PARIS)),
    ("two calls", (_PARIS, _OSLO)),
    ("words", (Text("It is 22 °C in Paris."),)),
)
# by other hands: no dialect writes them, and `rescue` reads them
_ASTRAY = (
    ("a call in Python", "get_current_temperature(location='Paris, France')"),
    ("a call in Markdown", "```json\n{'tool': 'get_current_temperature', 'args': {'location': 'Paris, France',}}\n```"),
)


@lru_cache(maxsize=512)
def samples(dialect: Dialect) -> list[tuple[str, str]]:
    """What such a model may write of the example's tool: what its format has room for, the same cut short, and what is in
    no format at all."""
    tools, found = as_tools([NOTE_TOOL]), list[tuple[str, str]]()
    for title, parts in _SAID:
        for id in (None, "call00001"):
            said = [Call(p.name, p.arguments, id and f"call{n:05}") if isinstance(p, Call) else p
                    for n, p in enumerate(parts, 1)]
            if not loss(dialect, said, tools):
                found.append((title, render(dialect, said)))
                break
    cut = [("a call that is cut short", text[:text.index("Paris") + 3]) for title, text in found if title == "a call"]
    return [*found, *cut, *_ASTRAY]
