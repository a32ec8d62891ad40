"""OpenAI's Responses API: `/v1/responses`, and what stands under it.

Source: openai-python's types, OpenAI's published OpenAPI document and the Open Responses schema, 2026; where they differ,
it is said. Items, tools and the stream are in `responses_items`, `responses_tools` and `responses_stream`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..message import System
from .chat import refusal
from .query import ApiError, Query
from .reading import answer_of
from .responses_items import INPUT, Item, input_items, items_in, items_of, placed, sources, turns_in
from .responses_stream import Stream, whole
from .responses_tools import CHOICE, TOOLS, chosen, offer_of
from .shapes import FLAG, TEXT, Shape, checker, either, integer, maybe, number, object_of, some, word

PING = b": ping\n\n"                    # a comment: it says that the stream lives, and nothing else
NAMES = {"messages": "input", "logprobs": "include"}
LOGPROBS, SEALED = "message.output_text.logprobs", "reasoning.encrypted_content"

_SCHEMA = object_of({"type": word("json_schema"), "name": TEXT, "description": maybe(TEXT), "strict": maybe(FLAG),
                     "schema": object_of({})}, "type", "name", "schema")
REQUEST: Shape = object_of({
    "model": TEXT,
    "input": maybe(INPUT),
    "instructions": maybe(TEXT),
    "previous_response_id": maybe(TEXT),
    "tools": maybe(TOOLS),
    "tool_choice": maybe(CHOICE),
    "parallel_tool_calls": maybe(FLAG), "max_tool_calls": maybe(integer(1)),
    "text": maybe(object_of({"format": maybe(either(object_of({"type": word("text", "json_object")}, "type"), _SCHEMA)),
                             "verbosity": maybe(word("low", "medium", "high"))})),
    "reasoning": maybe(object_of({"effort": maybe(word("none", "minimal", "low", "medium", "high", "xhigh", "max")),
                                  "summary": maybe(word("auto", "concise", "detailed"))})),
    "max_output_tokens": maybe(integer(1)),
    "temperature": maybe(number(0, 2)), "top_p": maybe(number(0, 1)), "top_logprobs": maybe(integer(0, 20)),
    "presence_penalty": maybe(number(-2, 2)), "frequency_penalty": maybe(number(-2, 2)),
    "include": maybe(some(TEXT)),
    "truncation": maybe(word("auto", "disabled")),
    "metadata": maybe(object_of({}, maxProperties=16, propertyNames={"maxLength": 64},
                                additionalProperties={"type": "string", "maxLength": 512})),
    "store": maybe(FLAG), "background": maybe(FLAG), "conversation": maybe(either(TEXT, object_of({}))),
    "stream": maybe(FLAG), "stream_options": maybe(object_of({"include_obfuscation": maybe(FLAG)})),
    "prompt_cache_key": maybe(TEXT), "safety_identifier": maybe(TEXT), "service_tier": maybe(TEXT), "user": maybe(TEXT),
}, "model")
_check = checker(REQUEST)
_UNSERVED = {
    "background": "A response is made while its client waits: leave 'background' out, and stream it if it takes long.",
    "conversation": "There are no conversations here: give 'previous_response_id', or the items themselves.",
    "prompt": "There are no stored prompts here: give 'instructions' and 'input'."}


def read(body: Any, past: Sequence[Item] = (), known: Sequence[Item] = ()) -> Query:
    """What a body asks for. `past`: the items, in order, of the responses up to the one that `previous_response_id` names;
    `known`: those of the responses that `sources` names. Raises ApiError."""
    _check(body)
    get = body.get
    for name, why in _UNSERVED.items():
        if get(name):
            raise ApiError(400, why, name, "unsupported_parameter")
    items = [*(("previous_response_id", item) for item in past), *placed(get("input"), past, known)]
    offer = offer_of(get("tools"), [(f"{place}.tools", item["tools"]) for place, item in items
                                    if item.get("type") == "additional_tools"])
    choice, shown_choice, unchosen = chosen(get("tool_choice"), offer, bool(get("tools")))
    turns, unsaid = turns_in(items, offer)
    if not turns:
        raise ApiError(400, "Missing required parameter: 'input'.", "input", "missing_required_parameter")
    if get("instructions"):
        turns = (System(body["instructions"]), *turns)
    effort, include = (get("reasoning") or {}).get("effort"), get("include") or ()
    uncut = ("'truncation' is passed over: nothing of a long input is left out.",) * (get("truncation") == "auto")
    return Query(
        model=body["model"], turns=turns, tools=offer.tools, choice=choice,
        left=get("tool_choice") is None, parallel=get("parallel_tool_calls"),
        answer=_answer((get("text") or {}).get("format")), max_tokens=get("max_output_tokens"),
        temperature=get("temperature"), top_p=get("top_p"), presence_penalty=get("presence_penalty"),
        frequency_penalty=get("frequency_penalty"), logprobs=(get("top_logprobs") or 0) if LOGPROBS in include else None,
        stream=bool(get("stream")), thinking=None if effort is None else effort != "none",
        warnings=(*offer.warnings, *unchosen, *unsaid, *uncut), names=NAMES,
        extra={"own": offer.own, "keeps": SEALED in include, "store": get("store") is not False, "user": get("user"),
               "previous_response_id": get("previous_response_id"), "known": known,
               "shown": {**_shown(body), "tools": offer.shown, "tool_choice": shown_choice}})


def _answer(given: Any) -> Mapping[str, Any] | None:
    kind = (given or {}).get("type")
    if kind == "json_schema":
        return answer_of(given["schema"], "text.format.schema")
    return {"type": "object"} if kind == "json_object" else None


def _shown(body: Mapping[str, Any]) -> dict[str, Any]:
    """What of a request its response shows."""
    get, reasoning, text = body.get, body.get("reasoning") or {}, body.get("text") or {}
    answer = text.get("format") or {"type": "text"}
    if answer["type"] == "json_schema":
        answer = {**answer, "description": answer.get("description"), "strict": bool(answer.get("strict"))}
    return {"instructions": get("instructions"), "max_tool_calls": get("max_tool_calls"), "metadata": get("metadata") or {},
            "prompt_cache_key": get("prompt_cache_key"), "safety_identifier": get("safety_identifier"),
            "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
            "text": {**text, "format": answer}, "truncation": get("truncation") or "disabled"}


def deleted(id: str) -> dict[str, Any]:
    return {"id": id, "object": "response", "deleted": True}


def input_tokens(count: int) -> dict[str, Any]:
    return {"object": "response.input_tokens", "input_tokens": count}


__all__ = ["PING", "REQUEST", "Stream", "deleted", "input_items", "input_tokens", "items_in", "items_of", "read", "refusal",
           "sources", "whole"]
