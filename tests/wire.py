"""What clients forgive and others do not: rules over the raw bytes of every surface, and mutations that break each of them.

`RULES` look at one exchange, `apart` at a streamed one and its unstreamed twin. `MUTATIONS` change what a server sends, one
rule at a time; docs/wire.md shows which rule notices which.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

MARKUP = ("<tool_call>", "</tool_call>", "<think>", "</think>", "<|im_end|>")
CALL_ID = re.compile(r"call_[A-Za-z0-9]{17,}")
TOOL_USE_ID = re.compile(r"toolu_[A-Za-z0-9_-]{17,}")


@dataclass(frozen=True)
class Exchange:
    """A request and the bytes that answered it. `calls`: how many calls the model wrote, `finish` how the reply ended."""

    surface: str                        # chat, responses or messages
    scenario: str
    request: dict[str, Any]
    status: int
    headers: dict[str, str]
    body: bytes
    calls: int = 0
    finish: str = "stop"                # stop, length, error, stop_string

    @property
    def stream(self) -> bool:
        return bool(self.request.get("stream")) and self.status == 200

    @cached_property
    def frames(self) -> list[tuple[str | None, str]]:
        """The event and the data of each frame; a frame that is none has the event `?`."""
        found: list[tuple[str | None, str]] = []
        for block in self.body.decode().split("\n\n"):
            lines = block.split("\n")
            if not block or all(line.startswith(":") for line in lines):
                continue
            event = next((line[7:] for line in lines if line.startswith("event: ")), None)
            data = [line[6:] for line in lines if line.startswith("data: ")]
            whole = len(data) == 1 and len(lines) == 1 + (event is not None)
            found.append((event, data[0]) if whole else ("?", block))
        return found

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(data) for _, data in self.frames if data != "[DONE]"]

    @cached_property
    def json(self) -> Any:
        return json.loads(self.body)

    @cached_property
    def deltas(self) -> list[dict[str, Any]]:
        return [choice["delta"] for event in self.events for choice in event.get("choices", ())]

    @cached_property
    def fragments(self) -> list[dict[str, Any]]:
        return [one for delta in self.deltas for one in delta.get("tool_calls") or ()]

    @property
    def failed(self) -> bool:
        return self.status != 200 or self.finish == "error"


Rule = Callable[[Exchange], Iterator[str]]
RULES: dict[str, dict[str, Rule]] = {"all": {}, "chat": {}, "responses": {}, "messages": {}}


def rule(surface: str, stream: bool | None = None) -> Callable[[Rule], Rule]:
    def add(check: Rule) -> Rule:
        def limited(exchange: Exchange) -> Iterator[str]:
            if stream is None or (exchange.stream == stream and (exchange.status == 200)):
                yield from check(exchange)

        RULES[surface][f"{surface}: {(check.__doc__ or '').strip().rstrip('.')}"] = limited
        return check

    return add


def joined(fragments: Sequence[dict[str, Any]], index: int) -> str:
    return "".join(one.get("function", one.get("custom", {})).get("arguments", one.get("custom", {}).get("input", ""))
                   for one in fragments if one.get("index") == index)


def is_object(text: object) -> bool:
    try:
        return isinstance(text, str) and isinstance(json.loads(text), dict)
    except ValueError:
        return False


# -- all -------------------------------------------------------------------------------------------------------


@rule("all")
def content_type(e: Exchange) -> Iterator[str]:
    """a stream is text/event-stream, all else is JSON."""
    wanted = "text/event-stream" if e.stream else "application/json"
    if not e.headers.get("content-type", "").startswith(wanted):
        yield f"{e.headers.get('content-type')} is not {wanted}"


@rule("all", stream=True)
def framing(e: Exchange) -> Iterator[str]:
    """each frame is `data:` and one line of JSON, with an `event:` where the API has one, and an empty line."""
    for event, data in e.frames:
        if event == "?" or (data != "[DONE]" and not data.startswith("{")):
            yield f"no frame: {data[:60]!r}"
        if (event is None) != (e.surface == "chat") and data != "[DONE]":
            yield f"event {event!r} on {e.surface}"
    if not e.body.endswith(b"\n\n"):
        yield "the last frame is cut"


def words(e: Exchange) -> Iterator[str]:
    """Every text that a client takes for the model's words."""
    if e.surface == "chat":
        parts = e.deltas if e.stream else [c["message"] for c in e.json["choices"]]
        yield from (part.get(key) or "" for part in parts for key in ("content", "reasoning_content"))
    elif e.surface == "messages":
        blocks = ([*(d.get("delta", {}) for d in e.events), *(d.get("content_block", {}) for d in e.events)] if e.stream
                  else e.json["content"])
        yield from (block.get(key) or "" for block in blocks for key in ("text", "thinking"))
    else:
        if e.stream:
            yield from (event["delta"] for event in e.events if event["type"].endswith("text.delta"))
        said = [event.get("response", {}) for event in e.events] if e.stream else [e.json]
        items = [item for response in said for item in response.get("output", ())]
        yield from (part.get("text", "") for item in items for part in item.get("content") or ())


@rule("all")
def markup(e: Exchange) -> Iterator[str]:
    """no byte of markup is ever in words."""
    if e.status != 200:
        return
    text = "".join(words(e)) if e.surface == "chat" else "\n".join(words(e))
    yield from (f"{mark} in words" for mark in MARKUP if mark in text)


@rule("all")
def error_shape(e: Exchange) -> Iterator[str]:
    """an error has its API's shape, and a status that fits."""
    if e.status == 200:
        return
    body = e.json
    if e.surface == "messages":
        inner = body.get("error", {})
        if body.get("type") != "error" or not {"type", "message"} <= inner.keys() or "request_id" not in body:
            yield f"not Anthropic's: {body}"
    elif set(body.get("error", {})) != {"message", "type", "param", "code"}:
        yield f"not OpenAI's: {body}"
    kind = body.get("error", {}).get("type", "")
    if (e.status == 400 and kind != "invalid_request_error") or (e.status == 404 and kind not in (
            "invalid_request_error", "not_found_error")):
        yield f"{e.status} with {kind}"
    if not body.get("error", {}).get("message"):
        yield "no message"


# -- chat ------------------------------------------------------------------------------------------------------


@rule("chat", stream=True)
def chat_done(e: Exchange) -> Iterator[str]:
    """the last frame is [DONE], once, unless the stream failed."""
    ends = [data for _, data in e.frames].count("[DONE]")
    if not e.failed and (ends != 1 or e.frames[-1][1] != "[DONE]"):
        yield f"{ends} times [DONE]"


@rule("chat", stream=True)
def chat_same(e: Exchange) -> Iterator[str]:
    """id, created and model are the same in all chunks."""
    for key in ("id", "created", "model", "object"):
        if len({json.dumps(event.get(key)) for event in e.events if "error" not in event}) > 1:
            yield f"{key} changes"
    if any(event.get("object") != "chat.completion.chunk" for event in e.events if "error" not in event):
        yield "not a chunk"


@rule("chat", stream=True)
def chat_role(e: Exchange) -> Iterator[str]:
    """the role comes once a choice, first."""
    seen: set[int] = set()
    for event in e.events:
        for choice in event.get("choices", ()):
            if ("role" in choice["delta"]) == (choice["index"] in seen):
                yield f"role in {choice}"
            seen.add(choice["index"])


@rule("chat", stream=True)
def chat_order(e: Exchange) -> Iterator[str]:
    """reasoning comes before words and calls."""
    late = False
    for delta in e.deltas:
        late = late or bool(delta.get("content") or delta.get("tool_calls"))
        if late and delta.get("reasoning_content"):
            yield "reasoning behind an answer"


@rule("chat", stream=True)
def chat_first_fragment(e: Exchange) -> Iterator[str]:
    """the first fragment of a call has index, id, type and the whole name; the others an index and arguments alone."""
    seen: set[object] = set()
    for one in e.fragments:
        index = one.get("index")
        if not isinstance(index, int):
            yield "no index"
            continue
        kind = "custom" if "custom" in one else "function"
        if index not in seen:
            if set(one) != {"index", "id", "type", kind} or set(one[kind]) - {"name"} != {
                    "input" if kind == "custom" else "arguments"} or not one[kind].get("name"):
                yield f"first fragment {one}"
        elif set(one) != {"index", kind} or "name" in one[kind]:
            yield f"later fragment {one}"
        seen.add(index)


@rule("chat")
def chat_kind(e: Exchange) -> Iterator[str]:
    """a call is of the kind of its tool, function or custom."""
    if e.status != 200:
        return
    kinds = {tool.get(tool["type"], {}).get("name"): tool["type"] for tool in e.request.get("tools", ())}
    calls = [one for one in e.fragments if "type" in one] if e.stream else [
        call for choice in e.json["choices"] for call in choice["message"].get("tool_calls") or ()]
    for call in calls:
        if call["type"] not in call or kinds.get(call[call["type"]]["name"]) != call["type"]:
            yield f"{call}"


@rule("chat", stream=True)
def chat_dense(e: Exchange) -> Iterator[str]:
    """calls are numbered from 0, without gaps, in order, and as many as the model wrote."""
    firsts = [one.get("index") for one in e.fragments if one.get("id")]
    if firsts != list(range(len(firsts))) or (len(firsts) < e.calls and "functions" not in e.request):
        yield f"calls {firsts}, and {e.calls} were written"


@rule("chat", stream=True)
def chat_one_a_chunk(e: Exchange) -> Iterator[str]:
    """a chunk holds one fragment of one call."""
    yield from (f"{delta}" for delta in e.deltas if len(delta.get("tool_calls") or [0]) != 1)


@rule("chat", stream=True)
def chat_arguments(e: Exchange) -> Iterator[str]:
    """the fragments of a whole call join to the text of one JSON object."""
    for one in e.fragments:
        inner = one.get("function", one.get("custom", {}))
        if any(not isinstance(value, str) for value in inner.values()):
            yield f"no text: {one}"
    if e.finish == "stop":
        for index in {one.get("index") for one in e.fragments if "function" in one}:
            mine = [one for one in e.fragments if one.get("index") == index]
            text = "".join(str(one["function"].get("arguments", "")) for one in mine)
            if not is_object(text):
                yield f"arguments {text!r}"


@rule("chat")
def chat_ids(e: Exchange) -> Iterator[str]:
    """ids of calls are long, and none comes twice."""
    if e.status != 200:
        return
    ids = ([one["id"] for one in e.fragments if "id" in one] if e.stream else
           [call.get("id") for choice in e.json["choices"] for call in choice["message"].get("tool_calls") or ()])
    if len(set(ids)) < len(ids) or any(not isinstance(id, str) or not CALL_ID.fullmatch(id) for id in ids):
        yield f"ids {ids}"


@rule("chat")
def chat_finish(e: Exchange) -> Iterator[str]:
    """finish_reason comes once a choice, on a chunk of its own, and says what happened."""
    if e.failed:
        return
    legacy = "functions" in e.request
    wanted = {"length": "length"}.get(e.finish) or (("function_call" if legacy else "tool_calls") if e.calls else "stop")
    choices = [choice for event in e.events for choice in event["choices"]] if e.stream else e.json["choices"]
    ends = [choice for choice in choices if choice.get("finish_reason") is not None]
    if len(ends) != (e.request.get("n") or 1) or any(choice["finish_reason"] != wanted for choice in ends):
        yield f"{[c['finish_reason'] for c in ends]} and not {wanted}"
    if e.stream and any(choice["delta"] for choice in ends):
        yield "a delta beside the finish_reason"
    if e.stream and any("finish_reason" not in choice for choice in choices):
        yield "a chunk without finish_reason"


@rule("chat")
def chat_usage(e: Exchange) -> Iterator[str]:
    """usage is right, and in a stream it comes last, alone, if it was asked for."""
    if e.failed:
        return
    asked = (e.request.get("stream_options") or {}).get("include_usage")
    if e.stream and not asked:
        yield from ("usage that nobody asked for" for event in e.events if "usage" in event)
        return
    if e.stream and (any(event.get("usage", 0) is not None for event in e.events[:-1]) or e.events[-1]["choices"]):
        yield "usage is not last and alone, or not null elsewhere"
    usage = e.events[-1].get("usage") if e.stream else e.json.get("usage")
    if not usage or usage["prompt_tokens"] + usage["completion_tokens"] != usage["total_tokens"] or not usage[
            "prompt_tokens"]:
        yield f"usage {usage}"


@rule("chat", stream=False)
def chat_message(e: Exchange) -> Iterator[str]:
    """a message has its keys; tool_calls only where there are calls, arguments as text of a JSON object."""
    for choice in e.json["choices"]:
        message = choice["message"]
        calls = message.get("tool_calls")
        if message.get("role") != "assistant" or not {"content", "refusal"} <= message.keys() or "logprobs" not in choice:
            yield f"keys {sorted(message)}"
        if calls == []:
            yield "an empty list of calls"
        if message["content"] is None and not calls and "function_call" not in message:
            yield "neither words nor calls"
        found = [*(call["function"] for call in calls or () if "function" in call),
                 *([message["function_call"]] if "function_call" in message else ())]
        yield from (f"arguments {one.get('arguments')!r}" for one in found if not is_object(one.get("arguments")))
        if e.finish == "stop" and len(calls or [0] * ("function_call" in message)) != e.calls:
            yield f"{len(calls or ())} calls, and {e.calls} were written"


@rule("chat", stream=True)
def chat_failure(e: Exchange) -> Iterator[str]:
    """a stream that fails ends with an error of four keys, and no [DONE]."""
    if e.finish == "error" and (set(e.events[-1].get("error", {})) != {"message", "type", "param", "code"}
                                or e.frames[-1][1] == "[DONE]"):
        yield f"{e.frames[-1]}"


# -- responses -------------------------------------------------------------------------------------------------

KEYS = {"id", "object", "created_at", "completed_at", "status", "incomplete_details", "model", "previous_response_id",
        "instructions", "output", "error", "tools", "tool_choice", "truncation", "parallel_tool_calls", "text",
        "top_p", "presence_penalty", "frequency_penalty", "top_logprobs", "temperature", "reasoning", "usage",
        "max_output_tokens", "max_tool_calls", "store", "background", "service_tier", "metadata", "safety_identifier",
        "prompt_cache_key"}
PAIRS = {"response.output_text": "text", "response.function_call_arguments": "arguments",
         "response.custom_tool_call_input": "input", "response.reasoning_text": "text"}


def final(e: Exchange) -> dict[str, Any]:
    return dict(e.events[-1].get("response") or {}) if e.stream else dict(e.json)


@rule("responses", stream=True)
def responses_sequence(e: Exchange) -> Iterator[str]:
    """events are numbered from 0 without gaps, and named by their type."""
    if [event.get("sequence_number") for event in e.events] != list(range(len(e.events))):
        yield f"{[event.get('sequence_number') for event in e.events]}"
    yield from (f"{name} holds {json.loads(data).get('type')}" for name, data in e.frames
                if data != "[DONE]" and json.loads(data).get("type") != name)


@rule("responses", stream=True)
def responses_begin_and_end(e: Exchange) -> Iterator[str]:
    """a stream begins with created and in_progress, and ends with completed, incomplete or failed."""
    kinds = [event["type"] for event in e.events]
    wanted = {"stop": "response.completed", "length": "response.incomplete"}.get(e.finish)
    if kinds[:2] != ["response.created", "response.in_progress"] or (wanted and kinds[-1] != wanted):
        yield f"{kinds[:2]} … {kinds[-1:]}"
    if e.finish == "error" and not {"response.failed", "error"} & set(kinds[-2:]):
        yield f"a failure that nobody hears of: {kinds[-2:]}"


@rule("responses", stream=True)
def responses_items(e: Exchange) -> Iterator[str]:
    """each item is added, and then done, whole; the final output is the items done."""
    added = [event for event in e.events if event["type"] == "response.output_item.added"]
    done = [event for event in e.events if event["type"] == "response.output_item.done"]
    if e.failed:
        return
    if [a["output_index"] for a in added] != list(range(len(added))) or len(done) != len(added):
        yield f"{len(added)} added, {len(done)} done"
    if [d["item"] for d in done] != final(e).get("output"):
        yield "the final output is not what was done"
    if any(a["item"]["id"] != d["item"]["id"] for a, d in zip(added, done, strict=False)):
        yield "an item changes its id"


@rule("responses", stream=True)
def responses_deltas(e: Exchange) -> Iterator[str]:
    """deltas join to what `done` says, which comes for each item; arguments.done has the name."""
    for kind, key in PAIRS.items():
        texts: dict[str, str] = {}
        for event in e.events:
            if event["type"] == f"{kind}.delta":
                texts[event["item_id"]] = texts.get(event["item_id"], "") + event["delta"]
            elif event["type"] == f"{kind}.done":
                said = texts.pop(event["item_id"], "")
                if said != event.get(key) and not (key == "arguments" and not said and event.get(key) == "{}"):
                    yield f"{kind}: {said!r} is not {event.get(key)!r}"
                if key == "arguments" and not event.get("name"):
                    yield "arguments.done without a name"
        if texts and not e.failed:
            yield f"{kind}: nothing is done"


@rule("responses")
def responses_object(e: Exchange) -> Iterator[str]:
    """the response has every key, a status that is true, and usage."""
    if e.failed:
        return
    response = final(e)
    if missing := KEYS - response.keys():
        yield f"without {sorted(missing)}"
        return
    wanted = "incomplete" if e.finish == "length" else "completed"
    if response["status"] != wanted or (wanted == "incomplete") != bool(response["incomplete_details"]):
        yield f"status {response['status']}"
    usage = response["usage"]
    if not usage or usage["input_tokens"] + usage["output_tokens"] != usage["total_tokens"] or not usage["input_tokens"]:
        yield f"usage {usage}"


@rule("responses")
def responses_calls(e: Exchange) -> Iterator[str]:
    """a call has an id of its own beside call_id, and its arguments are text of a JSON object."""
    if e.failed:
        return
    calls = [item for item in final(e)["output"] if item["type"] in ("function_call", "custom_tool_call")]
    ids = [item.get("call_id") for item in calls]
    if len(set(ids)) < len(ids) or any(not isinstance(id, str) or not CALL_ID.fullmatch(id) for id in ids):
        yield f"call_id {ids}"
    for item in calls:
        if not item.get("id") or item["id"] == item["call_id"]:
            yield f"id {item.get('id')}"
        if item["type"] == "function_call" and e.finish == "stop" and not is_object(item.get("arguments")):
            yield f"arguments {item.get('arguments')!r}"
    if e.finish == "stop" and len(calls) != e.calls:
        yield f"{len(calls)} calls, and {e.calls} were written"


# -- messages --------------------------------------------------------------------------------------------------


@rule("messages", stream=True)
def messages_frame(e: Exchange) -> Iterator[str]:
    """message_start comes first, message_delta and message_stop last, each named by its type."""
    kinds = [event["type"] for event in e.events]
    yield from (f"{name} holds {json.loads(data)['type']}" for name, data in e.frames if json.loads(data)["type"] != name)
    if kinds[0] != "message_start" or (not e.failed and kinds[-2:] != ["message_delta", "message_stop"]):
        yield f"{kinds[:1]} … {kinds[-2:]}"
    if e.finish == "error" and kinds[-1] != "error":
        yield f"a failure that nobody hears of: {kinds[-1]}"


@rule("messages", stream=True)
def messages_blocks(e: Exchange) -> Iterator[str]:
    """blocks are numbered from 0, one is closed before the next is opened, and deltas are of the open one."""
    opened, number = False, -1
    for event in e.events:
        match event["type"]:
            case "content_block_start":
                number += 1
                if opened or event.get("index") != number:
                    yield f"opened {event.get('index')} as number {number}"
                opened = True
            case "content_block_delta" | "content_block_stop" as kind:
                if not opened or event.get("index") != number:
                    yield f"{kind} of {event.get('index')}, and {number} is open"
                opened = opened and kind != "content_block_stop"
    if opened and not e.failed:
        yield "a block is left open"


@rule("messages", stream=True)
def messages_input(e: Exchange) -> Iterator[str]:
    """the fragments of a call's input join to the text of one JSON object, or to nothing; it starts as {}."""
    texts: dict[int, str] = {}
    for event in e.events:
        if event["type"] == "content_block_start" and event["content_block"]["type"] == "tool_use":
            texts[event["index"]] = ""
            if event["content_block"].get("input") != {}:
                yield f"starts as {event['content_block'].get('input')!r}"
        elif event["type"] == "content_block_delta" and event["delta"]["type"] == "input_json_delta":
            texts[event["index"]] += event["delta"]["partial_json"]
    if e.finish == "stop":
        yield from (f"input {text!r}" for text in texts.values() if text and not is_object(text))
        takes = [tool for tool in e.request.get("tools", ()) if tool["input_schema"].get("required")]
        if len(takes) == len(e.request.get("tools", ())) and any(not text for text in texts.values()):
            yield "a call without its arguments"
        if len(texts) != e.calls:
            yield f"{len(texts)} calls, and {e.calls} were written"


@rule("messages")
def messages_reason(e: Exchange) -> Iterator[str]:
    """stop_reason says what happened, usage is right, ids are Anthropic's."""
    if e.failed:
        return
    reasons = {"length": "max_tokens", "stop_string": "stop_sequence"}
    wanted = reasons.get(e.finish) or ("tool_use" if e.calls else "end_turn")
    last = next((event for event in e.events if event["type"] == "message_delta"), {}) if e.stream else e.json
    reason = (last.get("delta") or {}).get("stop_reason") if e.stream else last.get("stop_reason")
    if reason != wanted:
        yield f"{reason} and not {wanted}"
    if not (last.get("usage") or {}).get("output_tokens"):
        yield "no usage"
    blocks = [event["content_block"] for event in e.events if event["type"] == "content_block_start"] if e.stream else (
        e.json["content"])
    ids = [block.get("id") for block in blocks if block["type"] == "tool_use"]
    if len(set(ids)) < len(ids) or any(not isinstance(id, str) or not TOOL_USE_ID.fullmatch(id) for id in ids):
        yield f"ids {ids}"


@rule("messages", stream=False)
def messages_content(e: Exchange) -> Iterator[str]:
    """a call's input is an object, no key is null, and there are as many calls as the model wrote."""
    calls = [block for block in e.json["content"] if block["type"] == "tool_use"]
    yield from (f"input {block.get('input')!r}" for block in calls if not isinstance(block.get("input"), dict))
    yield from (f"null in {block}" for block in e.json["content"] if None in block.values())
    if e.finish == "stop" and len(calls) != e.calls:
        yield f"{len(calls)} calls, and {e.calls} were written"


# -- a stream and its twin -------------------------------------------------------------------------------------


def told(e: Exchange) -> Any:
    """What a client ends up with: words, reasoning, calls, without ids."""
    if e.surface == "chat":
        return [_chat(e, i) for i in range(e.request.get("n") or 1)]
    if e.surface == "responses":
        return [_bare(item) for item in final(e)["output"]]
    return _blocks(e)


def _chat(e: Exchange, i: int) -> Any:
    if not e.stream:
        message = e.json["choices"][i]["message"]
        calls = [(c.get("function") or c.get("custom")) for c in message.get("tool_calls") or ()]
        return [message["content"] or "", message.get("reasoning_content") or "", message.get("function_call"),
                [list(call.values()) for call in calls]]
    deltas = [c["delta"] for event in e.events for c in event["choices"] if c["index"] == i]
    found: dict[int, list[str]] = {}
    for delta in deltas:
        for one in delta.get("tool_calls") or ():
            inner = one.get("function") or one.get("custom")
            call = found.setdefault(one.get("index", -1), ["", ""])
            call[0] += inner.get("name", "")
            call[1] += str(inner.get("arguments", inner.get("input", "")))
    old = [delta["function_call"] for delta in deltas if "function_call" in delta]
    return ["".join(d.get("content") or "" for d in deltas), "".join(d.get("reasoning_content") or "" for d in deltas),
            {"name": old[0]["name"], "arguments": "".join(d.get("arguments", "") for d in old)} if old else None,
            list(found.values())]


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _bare(inner) for key, inner in value.items() if key not in ("id", "call_id")}
    return [_bare(inner) for inner in value] if isinstance(value, list) else value


def _blocks(e: Exchange) -> Any:
    if not e.stream:
        return [{key: value for key, value in block.items() if key != "id"} for block in e.json["content"]]
    blocks: list[dict[str, Any]] = []
    for event in e.events:
        if event["type"] == "content_block_start":
            blocks.append({key: value for key, value in event["content_block"].items() if key != "id"})
        elif event["type"] == "content_block_delta":
            delta, block = event["delta"], blocks[-1]
            for key in ("text", "thinking", "signature"):
                if key in delta:
                    block[key] = block.get(key, "") + delta[key]
            if "partial_json" in delta:
                block["input"] = (block["input"] or "") + delta["partial_json"]
    return [{**b, "input": json.loads(b["input"])} if isinstance(b.get("input"), str) else b for b in blocks]


def broken_rules(exchange: Exchange) -> dict[str, list[str]]:
    """The rules that an exchange breaks, and how. A body that cannot even be looked at breaks a rule of its own."""
    found: dict[str, list[str]] = {}
    for name, check in {**RULES["all"], **RULES[exchange.surface]}.items():
        try:
            wrong = list(check(exchange))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            wrong = [f"it cannot be read: {type(error).__name__} {error}"]
        if wrong:
            found[name] = wrong
    return found


def apart(streamed: Exchange, whole: Exchange) -> str:
    """How a stream differs from its unstreamed twin; empty if it does not."""
    try:
        one, other = told(streamed), told(whole)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        return f"they cannot be compared: {type(error).__name__} {error}"
    return "" if one == other else f"{one} is not {other}"


TWINS = "all: streamed or not, the reply is the same"


# -- mutations -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mutation:
    """A way to be wrong: on one surface, `change` makes another body of a right one, given whether it is a stream, and
    `headers` are other ones."""

    surface: str
    name: str
    change: Callable[[bytes, bool], bytes] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)

    def of(self, e: Exchange) -> Exchange:
        """What came of an exchange with it."""
        return replace(e, body=self.change(e.body, e.stream), headers={**e.headers, **self.headers})


def _sub(pattern: str, put: str, count: int = 0, stream: bool | None = None) -> Callable[[bytes, bool], bytes]:
    def change(body: bytes, streamed: bool) -> bytes:
        if stream is not None and streamed != stream:
            return body
        return re.sub(pattern, put, body.decode(), count=count, flags=re.S).encode()

    return change


def _drop(kind: str) -> Callable[[bytes, bool], bytes]:
    return _sub(rf"event: {re.escape(kind)}\n[^\n]*\n\n", "")


ARGS = r'("function":\{"name":"\w+","arguments":)"((?:[^"\\]|\\.)*)"'
MUTATIONS = (
    Mutation("chat", "no index", _sub(r'(\{)"index":\d+,("id":"call|"function")', r"\1\2", stream=True)),
    Mutation("chat", "every call has index 0", _sub(r'"tool_calls":\[\{"index":\d+', '"tool_calls":[{"index":0',
             stream=True)),
    Mutation("chat", "no id", _sub(r'"id":"call_[^"]*",', "")),
    Mutation("chat", "one id for all calls", _sub(r'"call_[^"]*"', '"call_' + "a" * 24 + '"')),
    Mutation("chat", "short ids", _sub(r'"call_([^"]{9})[^"]*"', r'"\1"')),
    Mutation("chat", "the name comes again", _sub(r'("index":\d+,"function":\{)"arguments"',
             r'\1"name":"get_weather","arguments"', stream=True)),
    Mutation("chat", "the id comes again", _sub(r'(\{"index":\d+,)("function":\{"arguments")',
             r'\1"id":"call_again",\2', stream=True)),
    Mutation("chat", "finish_reason stop with calls", _sub('"finish_reason":"tool_calls"', '"finish_reason":"stop"')),
    Mutation("chat", "finish_reason twice", _sub(r'"finish_reason":null', '"finish_reason":"stop"', 1, True)),
    Mutation("chat", "finish_reason stop at the limit", _sub('"finish_reason":"length"', '"finish_reason":"stop"')),
    Mutation("chat", "arguments as an object", lambda b, s: re.sub(
        ARGS, lambda m: m[1] + (json.loads(f'"{m[2]}"') or "{}"), b.decode()).encode()),
    Mutation("chat", "empty arguments", _sub(r'"arguments":"\{\}"', '"arguments":""')),
    Mutation("chat", "markup leaks", _sub(r'"content":"', r'"content":"<tool_call>', 2)),
    Mutation("chat", "no [DONE]", _sub(r"data: \[DONE\]\n\n", "")),
    Mutation("chat", "[DONE] after an error", lambda b, s: b + b"data: [DONE]\n\n" if s and b'"error"' in b else b),
    Mutation("chat", "usage unasked", _sub(r'("finish_reason":"\w+"\}\])\}', r'\1,"usage":{"prompt_tokens":1}}',
             stream=True)),
    Mutation("chat", "no usage", _sub(r',"usage":\{.*?\}\}(,|\})', r"\1")),
    Mutation("chat", "the role in every chunk", _sub(r'"delta":\{"content"', '"delta":{"role":"assistant","content"',
             stream=True)),
    Mutation("chat", "the id changes", _sub(r'"id":"chatcmpl-', '"id":"chatcmpl-x', 1, True)),
    Mutation("chat", "an empty list of calls", _sub(r'"annotations":\[\]\}', '"annotations":[],"tool_calls":[]}')),
    Mutation("chat", "two calls in a chunk", _sub(r'"tool_calls":\[(\{"index":0,"function":\{"arguments":"[^"]*"\}\})\]',
                                                  r'"tool_calls":[\1,\1]', 1, True)),
    Mutation("chat", "an error of another shape", _sub(r'\{"error":\{.*\}\}', '{"detail":"wrong"}')),
    Mutation("chat", "a frame of two lines", _sub(r"data: (\{)", r"data: \1" + "\n", 1, True)),
    Mutation("chat", "a call is lost", _sub(r"data: [^\n]*\"tool_calls\":\[\{\"index\":1[^\n]*\n\n", "", stream=True)),
    Mutation("chat", "a word is lost", _sub(r"data: [^\n]*\"delta\":\{\"content\":\"[^\n]*\n\n", "", 1, True)),
    Mutation("chat", "a stream that does not say so", lambda body, stream: body, {"content-type": "text/plain"}),
    Mutation("responses", "no sequence numbers", _sub(r'"sequence_number":\d+,?', "")),
    Mutation("responses", "a sequence with gaps", _sub(r'"sequence_number":3\b', '"sequence_number":33')),
    Mutation("responses", "no arguments.done", _drop("response.function_call_arguments.done")),
    Mutation("responses", "no name in arguments.done", lambda b, s: re.sub(
        r'(event: response\.function_call_arguments\.done\n[^\n]*?),?"name":"\w+"', r"\1", b.decode()).encode()),
    Mutation("responses", "no output_item.done", _drop("response.output_item.done")),
    Mutation("responses", "no response.completed", _drop("response.completed")),
    Mutation("responses", "completed at the limit", _sub(r'"status":"incomplete"', '"status":"completed"')),
    Mutation("responses", "id is call_id", _sub(r'"id":"fc_[^"]*"(.*?"call_id":)("[^"]*")', r'"id":\2\1\2')),
    Mutation("responses", "a key is missing", _sub(r'"incomplete_details":(null|\{[^}]*\}),?', "")),
    Mutation("responses", "no usage", _sub(r'"usage":\{.*?\}(,"|\},)', r'"usage":null\1')),
    Mutation("responses", "empty arguments", _sub(r'"arguments":"\{\}"', '"arguments":""')),
    Mutation("responses", "markup leaks", _sub(r'"text":"', '"text":"<tool_call>')),
    Mutation("messages", "end_turn with calls", _sub('"stop_reason":"tool_use"', '"stop_reason":"end_turn"')),
    Mutation("messages", "end_turn at the limit", _sub('"stop_reason":"max_tokens"', '"stop_reason":"end_turn"')),
    Mutation("messages", "no partial_json", _sub(r'event: content_block_delta\n[^\n]*"input_json_delta"[^\n]*\n\n', "")),
    Mutation("messages", "every block has index 0", _sub(r'"index":\d+', '"index":0', stream=True)),
    Mutation("messages", "no content_block_stop", _drop("content_block_stop")),
    Mutation("messages", "no message_stop", _drop("message_stop")),
    Mutation("messages",
             "input as text", _sub(r'"input":(\{[^{}]*\})', lambda m: '"input":' + json.dumps(m[1]))),  # type: ignore[arg-type]
    Mutation("messages", "null where nothing is", _sub(r'"type":"text",', '"type":"text","citations":null,', stream=False)),
    Mutation("messages", "one id for all calls", _sub(r'"toolu_[^"]*"', '"toolu_' + "a" * 24 + '"')),
    Mutation("messages", "OpenAI's error", _sub(r'^\{"type":"error".*\}$',
             '{"error":{"message":"wrong","type":"x","param":null,"code":null}}', stream=False)),
    Mutation("messages", "a failure that nobody hears of", _drop("error")),
    Mutation("messages", "no usage", _sub(r'"output_tokens":\d+', '"output_tokens":0')),
)
