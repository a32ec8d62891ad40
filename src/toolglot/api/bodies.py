"""The shapes of what is answered, as the OpenAPI document shows them and the tests hold every answer to them.

The one rule: Chat Completions, Messages and errors are closed, so that a key which nobody meant to send is found.
"""

from __future__ import annotations

from collections.abc import Mapping

from .shapes import ANY, COUNT, FLAG, TEXT, Shape, either, integer, maybe, object_of, some, word

NULL: Shape = {"type": "null"}


def closed(fields: Mapping[str, Shape], *optional: str) -> Shape:
    """These fields and no others, all of them but the optional ones."""
    return object_of(fields, *(name for name in fields if name not in optional), additionalProperties=False)


# -- Chat Completions ------------------------------------------------------------------------------------------

_FUNCTION_CALL = closed({"name": TEXT, "arguments": TEXT})
_LOGPROB = {"token": TEXT, "logprob": {"type": "number"}, "bytes": maybe(some(integer(0, 255)))}
_LOGPROBS = closed({"content": maybe(some(closed({**_LOGPROB, "top_logprobs": some(closed(_LOGPROB))}))),
                    "refusal": NULL}, "refusal")
_CHAT_MESSAGE = closed({
    "role": word("assistant"), "content": maybe(TEXT), "refusal": maybe(TEXT), "annotations": some(ANY, 0, 0),
    "reasoning_content": TEXT, "reasoning": TEXT, "function_call": _FUNCTION_CALL,
    "tool_calls": some(either(
        closed({"id": TEXT, "type": word("function"), "function": _FUNCTION_CALL}),
        closed({"id": TEXT, "type": word("custom"), "custom": closed({"name": TEXT, "input": TEXT})})), 1),
}, "reasoning_content", "reasoning", "function_call", "tool_calls")
_CHAT_USAGE = closed({
    "prompt_tokens": COUNT, "completion_tokens": COUNT, "total_tokens": COUNT,
    "prompt_tokens_details": closed({"cached_tokens": COUNT, "audio_tokens": COUNT}),
    "completion_tokens_details": closed({"reasoning_tokens": COUNT, "audio_tokens": COUNT,
                                         "accepted_prediction_tokens": COUNT, "rejected_prediction_tokens": COUNT})})
_FINISH = word("stop", "length", "tool_calls", "content_filter", "function_call")
CHAT_COMPLETION: Shape = closed({
    "id": TEXT, "object": word("chat.completion"), "created": COUNT, "model": TEXT, "system_fingerprint": maybe(TEXT),
    "choices": some(closed({"index": COUNT, "message": _CHAT_MESSAGE, "logprobs": maybe(_LOGPROBS),
                            "finish_reason": _FINISH}), 1), "usage": _CHAT_USAGE})
_CALL_DELTA = closed({"index": COUNT, "id": TEXT, "type": word("function", "custom"),
                      "function": closed({"name": TEXT, "arguments": TEXT}, "name"),
                      "custom": closed({"name": TEXT, "input": TEXT}, "name")}, "id", "type", "function", "custom")
CHAT_CHUNK: Shape = closed({
    "id": TEXT, "object": word("chat.completion.chunk"), "created": COUNT, "model": TEXT,
    "system_fingerprint": maybe(TEXT), "usage": maybe(_CHAT_USAGE),
    "choices": some(closed({
        "index": COUNT, "logprobs": maybe(_LOGPROBS), "finish_reason": maybe(_FINISH),
        "delta": closed({"role": word("assistant"), "content": maybe(TEXT), "reasoning_content": TEXT, "reasoning": TEXT,
                         "tool_calls": some(_CALL_DELTA, 1, 1),
                         "function_call": closed({"name": TEXT, "arguments": TEXT}, "name")},
                        "role", "content", "reasoning_content", "reasoning", "tool_calls", "function_call")}))}, "usage")


# -- Messages --------------------------------------------------------------------------------------------------

_MESSAGE_BLOCK = either(
    closed({"type": word("text"), "text": TEXT}),
    closed({"type": word("thinking"), "thinking": TEXT, "signature": TEXT}),
    closed({"type": word("tool_use"), "id": {"type": "string", "pattern": "^toolu_"}, "name": TEXT,
            "input": object_of({})}))
_MESSAGE_USAGE = closed({"input_tokens": COUNT, "cache_creation_input_tokens": COUNT, "cache_read_input_tokens": COUNT,
                         "output_tokens": COUNT, "output_tokens_details": closed({"thinking_tokens": COUNT})})
_STOPPED: Mapping[str, Shape] = {
    "stop_reason": maybe(word("end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal")),
    "stop_sequence": maybe(TEXT)}
MESSAGE: Shape = closed({"id": TEXT, "type": word("message"), "role": word("assistant"), "model": TEXT,
                         "content": some(_MESSAGE_BLOCK), **_STOPPED, "usage": _MESSAGE_USAGE})
MESSAGE_EVENT: Shape = either(
    closed({"type": word("message_start"), "message": MESSAGE}),
    closed({"type": word("ping", "message_stop")}),
    closed({"type": word("content_block_start"), "index": COUNT, "content_block": _MESSAGE_BLOCK}),
    closed({"type": word("content_block_delta"), "index": COUNT, "delta": either(
        closed({"type": word("text_delta"), "text": TEXT}), closed({"type": word("thinking_delta"), "thinking": TEXT}),
        closed({"type": word("signature_delta"), "signature": TEXT}),
        closed({"type": word("input_json_delta"), "partial_json": TEXT}))}),
    closed({"type": word("content_block_stop"), "index": COUNT}),
    closed({"type": word("message_delta"), "delta": closed(_STOPPED), "usage": _MESSAGE_USAGE}))
TOKENS: Shape = closed({"input_tokens": COUNT})


# -- Responses -------------------------------------------------------------------------------------------------

_ITEM = object_of({"type": TEXT, "id": TEXT}, "type")
_STATUS = word("completed", "in_progress", "incomplete", "failed", "queued", "cancelled")
_RESPONSE: Mapping[str, Shape] = {
    "id": TEXT, "object": word("response"), "created_at": COUNT, "completed_at": maybe(COUNT), "status": _STATUS,
    "incomplete_details": maybe(object_of({"reason": TEXT}, "reason")), "model": TEXT,
    "previous_response_id": maybe(TEXT), "instructions": maybe(either(TEXT, some(_ITEM))), "output": some(_ITEM),
    "error": maybe(object_of({"code": TEXT, "message": TEXT}, "code", "message")),
    "tools": some(object_of({"type": TEXT}, "type")), "tool_choice": either(TEXT, object_of({"type": TEXT}, "type")),
    "truncation": TEXT, "parallel_tool_calls": FLAG, "text": object_of({}), "top_p": maybe({"type": "number"}),
    "presence_penalty": maybe({"type": "number"}), "frequency_penalty": maybe({"type": "number"}),
    "top_logprobs": maybe(COUNT), "temperature": maybe({"type": "number"}), "reasoning": maybe(object_of({})),
    "usage": maybe(object_of({
        "input_tokens": COUNT, "input_tokens_details": object_of({"cached_tokens": COUNT}, "cached_tokens"),
        "output_tokens": COUNT, "output_tokens_details": object_of({"reasoning_tokens": COUNT}, "reasoning_tokens"),
        "total_tokens": COUNT},
        "input_tokens", "input_tokens_details", "output_tokens", "output_tokens_details", "total_tokens")),
    "max_output_tokens": maybe(COUNT), "max_tool_calls": maybe(COUNT), "store": FLAG, "background": FLAG,
    "service_tier": maybe(TEXT), "metadata": maybe(object_of({})), "safety_identifier": maybe(TEXT),
    "prompt_cache_key": maybe(TEXT)}
RESPONSE: Shape = object_of(_RESPONSE, *_RESPONSE)
RESPONSE_EVENT: Shape = object_of({"type": TEXT, "sequence_number": COUNT}, "type", "sequence_number")
RESPONSE_ITEMS: Shape = object_of({"object": word("list"), "data": some(_ITEM), "has_more": FLAG,
                                   "first_id": maybe(TEXT), "last_id": maybe(TEXT)}, "object", "data", "has_more")
RESPONSE_DELETED: Shape = object_of({"id": TEXT, "object": TEXT, "deleted": {"const": True}}, "id", "object", "deleted")
RESPONSE_TOKENS: Shape = object_of({"object": TEXT, "input_tokens": COUNT}, "object", "input_tokens")


# -- models, errors, the server itself -------------------------------------------------------------------------

MODEL: Shape = closed({"id": TEXT, "object": word("model"), "created": COUNT, "owned_by": TEXT, "type": word("model"),
                       "display_name": TEXT, "created_at": {"type": "string", "format": "date-time"},
                       "lifecycle": word("active"), "max_input_tokens": integer(1)}, "max_input_tokens")
MODELS: Shape = closed({"object": word("list"), "data": some(MODEL), "has_more": FLAG, "first_id": maybe(TEXT),
                        "last_id": maybe(TEXT)})
ERROR: Shape = closed({"error": closed({"message": TEXT, "type": TEXT, "param": maybe(TEXT), "code": maybe(TEXT)})})
MESSAGE_ERROR: Shape = closed({"type": word("error"), "request_id": TEXT, "error": closed({
    "message": TEXT, "type": word("invalid_request_error", "authentication_error", "billing_error", "permission_error",
                                  "not_found_error", "conflict_error", "request_too_large", "rate_limit_error",
                                  "api_error", "overloaded_error", "timeout_error"),
    "details": object_of({"error_code": TEXT}, "error_code")}, "details")})
HEALTH: Shape = object_of({"status": TEXT}, "status")
