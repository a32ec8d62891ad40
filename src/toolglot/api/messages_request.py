"""What a request to Anthropic's Messages API asks for: its shape, and body -> `Query`.

The one rule: a conversation is read as Anthropic reads it. Messages of one role that follow each other are one turn, the
results of a turn's calls all stand in the next one, and what breaks that is refused in Anthropic's own words.
"""

from __future__ import annotations

import marshal
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..grammar import Choice
from ..message import Assistant, Call, Part, Reasoning, Result, System, Text, Tool, Turn, User
from .query import ApiError, Query
from .reading import answer_of, named, tools_of
from .shapes import FLAG, TEXT, Shape, checker, either, integer, maybe, number, object_of, some, word

BETWEEN = "\n\n"                        # blocks of text are paragraphs
NO_RESULT = ("`tool_use` ids were found without `tool_result` blocks immediately after: {}. "
             "Each `tool_use` block must have a corresponding `tool_result` block in the next message.")
NO_CALL = ("unexpected `tool_use_id` found in `tool_result` blocks: {}. "
           "Each `tool_result` block must have a corresponding `tool_use` block in the previous message.")
TWO_RESULTS = "each tool_use must have a single result. Found multiple `tool_result` blocks with id: {}"
NO_PREFILL = "This model does not support assistant message prefill. The conversation must end with a user message."
UNTHREADED = "thread_unsupported_request"                  # Anthropic's library then sends the whole conversation
NO_THREADS = "This server holds no threads. Send the whole conversation, without `thread`."

_ID = {"type": "string", "pattern": "^[a-zA-Z0-9_-]+$"}
_TEXT = object_of({"type": word("text"), "text": TEXT}, "type", "text")
_OTHERS = (                             # they may stand in a turn and in a result
    object_of({"type": word("image"), "source": object_of({})}, "type", "source"),
    object_of({"type": word("document"), "source": object_of({"type": TEXT}, "type"), "title": maybe(TEXT),
               "context": maybe(TEXT)}, "type", "source"),
    object_of({"type": word("search_result"), "source": TEXT, "title": TEXT, "content": some(_TEXT)},
              "type", "source", "title", "content"))
_SAID = either(TEXT, some(either(_TEXT, *_OTHERS, object_of({"type": word("tool_reference"), "tool_name": TEXT},
                                                            "type", "tool_name"))))
_BLOCK = either(
    _TEXT,
    object_of({"type": word("tool_use"), "id": _ID, "name": TEXT, "input": object_of({})}, "type", "id", "name", "input"),
    object_of({"type": word("tool_result"), "tool_use_id": _ID, "content": maybe(_SAID), "is_error": maybe(FLAG)},
              "type", "tool_use_id"),
    object_of({"type": word("thinking"), "thinking": TEXT, "signature": TEXT}, "type", "thinking"),
    object_of({"type": word("redacted_thinking"), "data": TEXT}, "type"),
    *_OTHERS)
_TYPED = {"type": "string", "not": {"enum": ["custom", "function"]}}
_ALONE = {"disable_parallel_tool_use": maybe(FLAG)}
_FIELDS: Mapping[str, Shape] = {
    "model": TEXT,
    "messages": some(object_of({"role": word("user", "assistant", "system"), "content": either(TEXT, some(_BLOCK))},
                               "role", "content"), 1),
    "system": maybe(either(TEXT, some(_TEXT))),
    "tools": maybe(some(either(
        object_of({"type": maybe(word("custom")), "name": TEXT, "description": maybe(TEXT), "input_schema": object_of({}),
                   "strict": maybe(FLAG)}, "name", "input_schema"),
        object_of({"type": _TYPED, "name": TEXT}, "type")))),
    "tool_choice": maybe(either(object_of({"type": word("auto", "any"), **_ALONE}, "type"),
                                object_of({"type": word("none")}, "type"),
                                object_of({"type": word("tool"), "name": TEXT, **_ALONE}, "type", "name"))),
    "thinking": maybe(object_of({"type": word("enabled", "adaptive", "between_tools", "disabled"),
                                 "budget_tokens": maybe(integer(1))}, "type")),
    "output_config": maybe(object_of({"format": maybe(object_of({"type": word("json_schema"), "schema": object_of({})},
                                                                "type", "schema")), "effort": maybe(TEXT)})),
    "max_tokens": integer(1),
    "stop_sequences": maybe(some({"type": "string", "minLength": 1}, 0, 64)),
    "temperature": maybe(number(0, 1)), "top_p": maybe(number(0, 1)), "top_k": maybe(integer(0)),
    "stream": maybe(FLAG), "thread": maybe(object_of({})),
}
REQUEST: Shape = object_of(_FIELDS, "model", "messages", "max_tokens")
COUNT: Shape = object_of({**_FIELDS, "max_tokens": maybe(integer(1))}, "model", "messages")
_check, _check_count = checker(REQUEST), checker(COUNT)


def read(body: Any) -> Query:
    """What a body asks for. Raises ApiError."""
    _check(body)
    return _query(body)


def read_count(body: Any) -> Query:
    """What a body whose tokens are to be counted would ask for. Raises ApiError."""
    _check_count(body)
    return _query(body)


def _query(body: Mapping[str, Any]) -> Query:
    get = body.get
    if get("thread"):
        raise ApiError(400, NO_THREADS, "thread", UNTHREADED)
    tools, warnings = _tools(get("tools") or ())
    choice = _choice(get("tool_choice") or {}, get("tools"), tools)
    alone = (get("tool_choice") or {}).get("disable_parallel_tool_use")
    form = (get("output_config") or {}).get("format")
    return Query(
        model=body["model"], turns=_turns(get("system"), body["messages"]), tools=tools, choice=choice,
        left=get("tool_choice") is None,
        parallel=None if alone is None else not alone,
        answer=answer_of(form["schema"], "output_config.format.schema") if form else None,
        stop=tuple(get("stop_sequences") or ()), max_tokens=get("max_tokens"), temperature=get("temperature"),
        top_p=get("top_p"), top_k=get("top_k"), stream=bool(get("stream")),
        thinking=_thinking((get("thinking") or {}).get("type"), choice), warnings=warnings)


# -- tools -----------------------------------------------------------------------------------------------------


def _tools(given: Sequence[Mapping[str, Any]]) -> tuple[tuple[Tool, ...], tuple[str, ...]]:
    """The tools, and what is said of those that are not taken: Anthropic's own, whose schemas its models know by heart."""
    places = [n for n, tool in enumerate(given) if tool.get("type") in (None, "custom")]
    try:
        tools = tools_of([given[n] for n in places])
    except ApiError as error:
        where = re.compile(r"tools\[(\d+)\]")
        param, said = [where.sub(lambda m: f"tools[{places[int(m[1])]}]", text)
                       for text in (str(error.param), error.message)]
        raise ApiError(error.status, said, param, error.code) from None
    return tools, tuple(f"tools[{n}] is passed over: a tool of type {tool['type']!r} has no schema here; "
                        "give a tool of your own with an input_schema" for n, tool in enumerate(given) if n not in places)


def _choice(choice: Mapping[str, Any], given: Any, tools: Sequence[Tool]) -> Choice:
    kind = choice.get("type")
    if kind == "none" or (kind is None and not tools):
        return "none"
    if not given:
        raise ApiError(400, "tool_choice may only be specified while providing tools.", "tool_choice", "invalid_value")
    if kind == "tool":
        return {"name": named(choice["name"], tools, "tool_choice.name")}
    if kind == "any" and not tools:
        raise ApiError(400, "a tool has to be called, but none of those in 'tools' can be; give one with an input_schema.",
                       "tool_choice", "invalid_value")
    return "required" if kind == "any" else "auto" if tools else "none"


def _thinking(kind: str | None, choice: Choice) -> bool | None:
    """A choice that forces a call leaves no room for thoughts; a model that thinks as it sees fit does without them."""
    forced = choice not in ("auto", "none")
    if kind == "enabled" and forced:
        raise ApiError(400, "Thinking may not be enabled when tool_choice forces tool use.", "thinking", "invalid_value")
    return None if kind is None else kind != "disabled" and not forced


# -- the conversation ------------------------------------------------------------------------------------------

Block = Mapping[str, Any]
Placed = tuple[str, Block]              # "messages[0].content[1]", and what stands there


def _turns(system: Any, messages: Sequence[Mapping[str, Any]]) -> tuple[Turn, ...]:
    turns: list[Turn] = [System(said)] if (said := _said(system, "system")) else []
    waiting: dict[str, Call] = {}                        # the calls of the last turn, by their ids on the wire
    asked = role = ""
    for role, last, blocks in _grouped(messages):
        if role == "user":
            turns += _user(blocks, waiting, last)
        if waiting:
            raise ApiError(400, NO_RESULT.format(", ".join(waiting)), asked, "invalid_value")
        if role == "assistant":
            turn, waiting = _assistant(blocks)
            turns.append(turn)
            asked = last
        elif role == "system":
            turns.append(System(BETWEEN.join(_words(block, where) for where, block in blocks)))
    if waiting:
        raise ApiError(400, NO_RESULT.format(", ".join(waiting)), asked, "invalid_value")
    if role == "assistant":
        raise ApiError(400, NO_PREFILL, asked, "invalid_value")
    return tuple(turns)


def _grouped(messages: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str, list[Placed]]]:
    """Each turn: its role, where its last message stands, and its blocks."""
    blocks: list[Placed] = []
    for i, message in enumerate(messages):
        content, where = message["content"], f"messages[{i}]"
        if isinstance(content, str):
            blocks.append((f"{where}.content", {"type": "text", "text": content}))
        else:
            blocks += [(f"{where}.content[{n}]", block) for n, block in enumerate(content)]
        if i + 1 == len(messages) or messages[i + 1]["role"] != message["role"]:
            yield message["role"], where, blocks
            blocks = []


def _user(blocks: Sequence[Placed], waiting: dict[str, Call], where: str) -> list[Turn]:
    """The results first, wherever they stand: nothing may come between a call and its result. What is answered is taken
    out of `waiting`."""
    results: list[Turn] = []
    words: list[str] = []
    answered: set[str] = set()
    for place, block in blocks:
        if block["type"] != "tool_result":
            words.append(_words(block, place))
            continue
        id = block["tool_use_id"]
        if id in answered:
            raise ApiError(400, TWO_RESULTS.format(id), place, "invalid_value")
        if id not in waiting:
            raise ApiError(400, NO_CALL.format(id), place, "invalid_value")
        answered.add(id)
        call, text = waiting.pop(id), _said(block.get("content"), f"{place}.content")
        results.append(Result(f"Error: {text}" if block.get("is_error") else text, call.name, call.id))
    if not any(words) and not results:
        raise ApiError(400, "user messages must have non-empty content", where, "invalid_value")
    return [*results, User(BETWEEN.join(words))] if words else results


def _assistant(blocks: Sequence[Placed]) -> tuple[Assistant, dict[str, Call]]:
    parts: list[Part] = []
    calls: dict[str, Call] = {}
    for place, block in blocks:
        match block["type"]:
            case "text":
                if block["text"]:
                    parts.append(Text(block["text"]))
            case "thinking":
                if block["thinking"]:
                    parts.append(Reasoning(block["thinking"]))
            case "redacted_thinking":
                pass                                     # nobody but Anthropic can read it
            case "tool_use":
                if block["id"] in calls:
                    raise ApiError(400, "`tool_use` ids must be unique", f"{place}.id", "invalid_value")
                call = calls[block["id"]] = Call(block["name"], block["input"], own_id(block["id"]))
                parts.append(call)
            case kind:
                raise ApiError(400, f"`{kind}` blocks can only be in `user` messages", place, "invalid_value")
    return Assistant(tuple(parts) or (Text(""),), _key([block for _, block in blocks])), calls


def _key(blocks: list[Any]) -> bytes:
    """What stands for a past reply where its prompt is remembered; as in `chat.as_turns`, and never equal to one of its."""
    try:
        key = marshal.dumps(("messages", blocks), 2)     # version 2 has no references: equal values, equal bytes
    except ValueError:
        return b""
    return key if len(key) <= 4096 else b""


def _said(content: Any, where: str) -> str:
    if isinstance(content, str):
        return content
    return BETWEEN.join(_words(block, f"{where}[{n}]") for n, block in enumerate(content or ()))


def _words(block: Block, where: str) -> str:
    """The text of a block, where it has some."""
    match block:
        case {"type": "text", "text": text}:
            return str(text)
        case {"type": "tool_reference", "tool_name": name}:
            return str(name)
        case {"type": "search_result", "title": title, "source": source, "content": content}:
            return BETWEEN.join([f"{title} ({source})", _said(content, f"{where}.content")])
        case {"type": "document", "source": {"type": "text", "data": str(text)}}:
            return BETWEEN.join([*filter(None, (block.get("title"), block.get("context"))), text])
        case {"type": "tool_use" | "thinking" | "redacted_thinking" as kind}:
            raise ApiError(400, f"`{kind}` blocks can only be in `assistant` messages", where, "invalid_value")
    raise ApiError(400, f"`{block['type']}` blocks are not supported: this server reads text only; leave it out, or say in "
                   "words what it shows", where, "invalid_value")


# -- ids -------------------------------------------------------------------------------------------------------


def wire_id(id: str) -> str:
    """Clients of Anthropic's know a call by this prefix."""
    return f"toolu_{id.removeprefix('call_')}"


def own_id(id: str) -> str:
    """The way back; any other id is as it was."""
    return f"call_{id.removeprefix('toolu_')}" if id.startswith("toolu_") else id


__all__ = ["COUNT", "REQUEST", "own_id", "read", "read_count", "wire_id"]
