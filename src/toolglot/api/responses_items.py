"""The items of a Responses request -> turns; and as they are kept and shown.

The one rule: what the API gave comes back as what it was. The items of one reply are one Assistant turn, its parts in
order, whether the client gives them again, refers to them by id, or leaves them to be remembered.
"""

from __future__ import annotations

import base64
import binascii
import json
import marshal
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..message import Assistant, Call, Part, Reasoning, Result, System, Text, Turn, User
from .query import ApiError
from .responses_tools import TOOLS, Offer
from .shapes import ANY, TEXT, Shape, either, maybe, object_of, other, some, word

Item = Mapping[str, Any]

LONGEST_KEY = 4096                      # bytes of a turn that is remembered by its contents
SEALED = "toolglot:"                    # what reasoning that a client keeps for us begins with
OF_RESPONSE = re.compile(r"(?:msg|rs|fc|ctc)_([A-Za-z0-9]+)_\d+")
PREFIXES = {"message": "msg", "function_call": "fc", "function_call_output": "fco", "custom_tool_call": "ctc",
            "custom_tool_call_output": "ctco", "reasoning": "rs"}
OUTPUTS = ("function_call_output", "custom_tool_call_output")
STATED = ("message", "function_call", "custom_tool_call", *OUTPUTS)

_PART = object_of({"type": TEXT, "text": TEXT, "refusal": TEXT}, "type")
_CONTENT = either(TEXT, some(_PART))
_STATUS = maybe(word("in_progress", "completed", "incomplete"))
_OWN = {"id": maybe(TEXT), "status": _STATUS}
_CALLED = {**_OWN, "call_id": TEXT, "name": TEXT, "namespace": maybe(TEXT)}
_OUTPUT = {**_OWN, "call_id": TEXT, "output": _CONTENT}
INPUT: Shape = either(TEXT, some(either(
    object_of({**_OWN, "type": word("message"), "role": word("user", "assistant", "system", "developer"),
               "content": _CONTENT}, "role", "content"),
    object_of({**_CALLED, "type": word("function_call"), "arguments": TEXT}, "type", "call_id", "name", "arguments"),
    object_of({**_OUTPUT, "type": word("function_call_output")}, "type", "call_id", "output"),
    object_of({**_CALLED, "type": word("custom_tool_call"), "input": TEXT}, "type", "call_id", "name", "input"),
    object_of({**_OUTPUT, "type": word("custom_tool_call_output")}, "type", "call_id", "output"),
    object_of({**_OWN, "type": word("reasoning"), "summary": maybe(some(_PART)), "content": maybe(some(_PART)),
               "encrypted_content": maybe(TEXT)}, "type"),
    object_of({"type": maybe(word("item_reference")), "id": TEXT, "role": {"not": ANY}}, "id"),
    object_of({"type": word("additional_tools"), "tools": TOOLS}, "type", "tools"),
    other("message", "function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output", "reasoning",
          "item_reference", "additional_tools", description="an item that says nothing to a model here; passed over"))))


def kind_of(item: Item) -> str:
    kind = item.get("type")
    return str(kind) if kind is not None else "message" if "role" in item else "item_reference"


def items_in(given: Any) -> Sequence[Item]:
    """The items of an input: a text is a user's message."""
    return [{"type": "message", "role": "user", "content": given}] if isinstance(given, str) else given or ()


# -- items that are referred to --------------------------------------------------------------------------------


def sources(body: Any) -> list[str]:
    """The ids of the responses whose items the input refers to. Of a body that nobody has looked at yet."""
    items = body.get("input") if isinstance(body, Mapping) else None
    found = [OF_RESPONSE.fullmatch(item["id"]) for item in items if isinstance(item, Mapping)
             and item.get("type") in (None, "item_reference") and isinstance(item.get("id"), str)
             ] if isinstance(items, list) else []
    return list(dict.fromkeys(f"resp_{one[1]}" for one in found if one))


def placed(given: Any, past: Sequence[Item], known: Sequence[Item]) -> list[tuple[str, Item]]:
    """The items of an input with their places, and in place of references what they refer to. What is of the past is in the
    conversation already."""
    items = [(f"input[{i}]" if isinstance(given, list) else "input", item) for i, item in enumerate(items_in(given))]
    if not any(kind_of(item) == "item_reference" for _, item in items):
        return items
    gone = {item["id"] for item in past if item.get("id")}
    held = {item["id"]: item for item in known if item.get("id")}
    out = []
    for place, item in items:
        if kind_of(item) == "item_reference":
            if item["id"] in gone:
                continue
            if item["id"] not in held:
                raise ApiError(400, f"Item with id '{item['id']}' not found. Nothing is kept when 'store' is false: give "
                               "the item itself, or take the reference out.", f"{place}.id", "item_not_found")
            item = held[item["id"]]
        out.append((place, item))
    return out


# -- items -> turns --------------------------------------------------------------------------------------------


def turns_in(items: Sequence[tuple[str, Item]], offer: Offer) -> tuple[tuple[Turn, ...], tuple[str, ...]]:
    """The turns, and what is passed over. Raises ApiError."""
    answered = {item["call_id"] for _, item in items if kind_of(item) in OUTPUTS}
    told = _Conversation(offer, answered)
    for place, item in items:
        told.add(item, place)
    told.close()
    for id in told.made:
        if id not in told.answers:
            raise ApiError(400, f"No tool output found for function call {id}.", "input", "invalid_value")
    return tuple(turn for group in told.groups for turn in group), tuple(told.warnings)


@dataclass
class _Conversation:
    """`groups` are turns that stay together: a reply, and behind it what its calls gave, wherever the client put that.
    `answered`: the ids of all calls that have an output; `made`: of those so far, each with its group."""

    offer: Offer
    answered: set[str]
    groups: list[list[Turn]] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    made: dict[str, tuple[Call, int]] = field(default_factory=dict)
    answers: set[str] = field(default_factory=set)
    warnings: dict[str, None] = field(default_factory=dict)

    def add(self, item: Item, place: str) -> None:
        match kind_of(item):
            case "message":
                self._message(item, place)
            case "reasoning":
                if text := thought(item):
                    self.parts.append(Reasoning(text))
            case "function_call" | "custom_tool_call" as kind:
                self._call(item, kind == "custom_tool_call", place)
            case "function_call_output" | "custom_tool_call_output" as kind:
                self._output(item, kind, place)
            case "additional_tools":
                pass
            case kind:
                self.warnings[f"An item of type '{kind}' says nothing to a model here: it is passed over."] = None

    def close(self) -> None:
        """The reply that is being told is over."""
        if self.parts:
            parts = [part for part in self.parts if part != Text("")] or [Text("")]
            self.groups.append([Assistant(tuple(parts), _key(parts))])
            self.parts = []

    def _message(self, item: Item, place: str) -> None:
        role, content = item["role"], item["content"]
        text = content if isinstance(content, str) else "".join(
            [self._text(part, f"{place}.content[{n}]") for n, part in enumerate(content)])
        if role == "assistant":
            if self.parts and isinstance(self.parts[-1], Text):      # one reply has words between its calls, not twice
                self.close()
            self.parts.append(Text(text))
            return
        self.close()
        self.groups.append([User(text) if role == "user" else System(text)])

    def _call(self, item: Item, custom: bool, place: str) -> None:
        id = item["call_id"]
        if item.get("status") == "incomplete" and id not in self.answered:
            self.warnings["A call that never became whole is passed over."] = None
            return
        if id in self.made and id not in self.answers:
            raise ApiError(400, f"Two calls have the call_id {id}.", f"{place}.call_id", "invalid_value")
        arguments = {"input": item["input"]} if custom else _arguments(item["arguments"], f"{place}.arguments")
        call = Call(self.offer.name(item["name"], item.get("namespace")), arguments, id)
        self.parts.append(call)
        self.made[id] = call, len(self.groups)
        self.answers.discard(id)

    def _output(self, item: Item, kind: str, place: str) -> None:
        self.close()
        id, output = item["call_id"], item["output"]
        if id not in self.made:
            what = "function call" if kind == "function_call_output" else "custom tool call"
            raise ApiError(400, f"No tool call found for {what} output with call_id {id}.", f"{place}.call_id",
                           "invalid_value")
        if id in self.answers:
            raise ApiError(400, f"Two outputs have the call_id {id}.", f"{place}.call_id", "invalid_value")
        self.answers.add(id)
        call, group = self.made[id]
        text = output if isinstance(output, str) else "".join([self._shown(part) for part in output])
        self.groups[group].append(Result(text, call.name, call.id))

    def _text(self, part: Mapping[str, Any], place: str) -> str:
        text = part.get("text", part.get("refusal"))
        if text is None:
            raise ApiError(400, f"Invalid value for '{place}': expected text, but got a part of type '{part['type']}'; the "
                           "model reads text alone.", place, "invalid_value")
        return str(text)

    def _shown(self, part: Mapping[str, Any]) -> str:
        """A tool may give a picture, which its client cannot help: its place is shown."""
        text = part.get("text")
        if text is None:
            self.warnings[f"A part of type '{part['type']}' of a tool's output is shown as its type."] = None
            return f"[{part['type']}]"
        return str(text)


def _arguments(given: str, place: str) -> dict[str, Any]:
    try:
        found = json.loads(given) if given.strip() else {}
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ApiError(400, f"Invalid value for '{place}': expected the JSON text of an object.", place, "invalid_value")
    return found


def _key(parts: Sequence[Part]) -> bytes:
    """Equal parts, equal bytes: the same past is told again at each turn."""
    try:
        key = marshal.dumps([(part.name, part.arguments, part.id) if isinstance(part, Call) else
                             [isinstance(part, Text), part.text] for part in parts], 2)
    except ValueError:
        return b""
    return key if len(key) <= LONGEST_KEY else b""


# -- reasoning that the client keeps ---------------------------------------------------------------------------


def thought(item: Item) -> str:
    """The text of a reasoning item, from whichever of its fields the client has kept."""
    said = "".join([str(part.get("text") or "") for part in item.get("content") or ()])
    return said or opened(item.get("encrypted_content")) or "\n\n".join(
        [str(part.get("text") or "") for part in item.get("summary") or ()])


def sealed(text: str) -> str:
    """Reasoning as a text that clients keep and do not look at. It hides nothing: they were shown the same in words."""
    return SEALED + base64.b64encode(text.encode("utf-8", "replace")).decode()


def opened(given: Any) -> str:
    """What was sealed; nothing, of what another server sealed."""
    if not isinstance(given, str) or not given.startswith(SEALED):
        return ""
    try:
        return base64.b64decode(given[len(SEALED):], validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


# -- items as they are kept and shown --------------------------------------------------------------------------


def items_of(body: Mapping[str, Any], new_id: Callable[[str], str], known: Sequence[Item] = ()) -> list[dict[str, Any]]:
    """The input of this turn, each item with its id, as it is kept and as `/responses/{id}/input_items` shows it."""
    return [_whole(item, new_id) for _, item in placed(body.get("input"), (), known)]


def _whole(item: Item, new_id: Callable[[str], str]) -> dict[str, Any]:
    kind = kind_of(item)
    out = {**item, "id": item.get("id") or new_id(PREFIXES.get(kind, "item")), "type": kind}
    if kind in STATED:
        out["status"] = item.get("status") or "completed"
    if kind == "message":
        own = "output_text" if item["role"] == "assistant" else "input_text"
        content = [{"type": own, "text": item["content"]}] if isinstance(item["content"], str) else item["content"]
        out["content"] = [_part(part, own) for part in content]
    elif kind == "reasoning":
        out["summary"] = item.get("summary") or []
    return out


def _part(part: Mapping[str, Any], own: str) -> Mapping[str, Any]:
    if "text" not in part:
        return part
    return {"annotations": [], "logprobs": [], **part, "type": own} if own == "output_text" else {**part, "type": own}


def input_items(items: Sequence[Item], order: str = "desc", after: str | None = None, limit: int = 20) -> dict[str, Any]:
    """One page of the items of a turn. Raises ApiError for an `after` that is none of them."""
    shown = list(items) if order == "asc" else list(reversed(items))
    if after is not None:
        ids = [item["id"] for item in shown]
        if after not in ids:
            raise ApiError(400, f"Invalid value for 'after': no item has the id '{after}'.", "after", "invalid_value")
        shown = shown[ids.index(after) + 1:]
    page = shown[:limit]
    return {"object": "list", "data": page, "first_id": page[0]["id"] if page else None,
            "last_id": page[-1]["id"] if page else None, "has_more": len(shown) > limit}


__all__ = ["INPUT", "input_items", "items_in", "items_of", "kind_of", "opened", "placed", "sealed", "sources", "thought",
           "turns_in"]
