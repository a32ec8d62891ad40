"""The server's OpenAPI 3.1 document, `/openapi.json`: made of the shapes that requests are checked with.

The one rule: a shape is written once. What a surface takes is its REQUEST, what it gives is in `bodies`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import bodies, chat, messages, responses
from .shapes import TEXT, Shape, either, integer, object_of, word

ERRORS: Mapping[int, str] = {
    400: "The request is wrong; the error names the field.", 401: "There is no API key, or none that is known.",
    404: "There is no such model or response.", 413: "The body is too large.",
    429: "Too many requests; `retry-after` says when to come again.", 500: "The server failed.",
    501: "The engine behind the server cannot do it.", 502: "The engine failed.",
    503: "The engine cannot be reached, or the server is stopping.",
    504: "The engine took too long."}
EVENTS = "text/event-stream"
Fields = dict[str, Any]


def document(version: str) -> Fields:
    """`version`: of this package."""
    schemas = {
        "ChatRequest": chat.REQUEST, "ChatCompletion": bodies.CHAT_COMPLETION, "ChatChunk": bodies.CHAT_CHUNK,
        "MessagesRequest": messages.REQUEST, "CountRequest": messages.COUNT, "Message": bodies.MESSAGE,
        "MessageEvent": bodies.MESSAGE_EVENT, "Tokens": bodies.TOKENS, "ResponsesRequest": responses.REQUEST,
        "Response": bodies.RESPONSE, "ResponseEvent": bodies.RESPONSE_EVENT, "ResponseItems": bodies.RESPONSE_ITEMS,
        "ResponseDeleted": bodies.RESPONSE_DELETED, "ResponseTokens": bodies.RESPONSE_TOKENS, "Model": bodies.MODEL,
        "Models": bodies.MODELS, "Error": bodies.ERROR, "MessageError": bodies.MESSAGE_ERROR, "Health": bodies.HEALTH,
        "AnyError": either(_ref("Error"), _ref("MessageError"))}
    return {
        "openapi": "3.1.0",
        "info": {"title": "toolglot", "version": version, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
                 "description": "Tool calling for any open model, as OpenAI's and Anthropic's clients know it."},
        "security": [{}, {"bearer": []}, {"key": []}],
        "paths": {**_chat(), **_responses(), **_messages(), **_models(), **_server()},
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"},
                                "key": {"type": "apiKey", "in": "header", "name": "x-api-key"}}}}


def _chat() -> Fields:
    return {"/v1/chat/completions": {"post": _operation(
        "createChatCompletion", "A reply to a conversation, OpenAI's Chat Completions", "ChatCompletion",
        request="ChatRequest", events="ChatChunk")}}


def _messages() -> Fields:
    asked: Fields = {"error": "MessageError", "parameters": [_parameter("header", "anthropic-version", TEXT),
                                                             _parameter("header", "anthropic-beta", TEXT)]}
    return {
        "/v1/messages": {"post": _operation(
            "createMessage", "A reply to a conversation, Anthropic's Messages", "Message", request="MessagesRequest",
            events="MessageEvent", **asked)},
        "/v1/messages/count_tokens": {"post": _operation(
            "countMessageTokens", "The tokens that a conversation takes", "Tokens", request="CountRequest", **asked)}}


def _responses() -> Fields:
    one = [_parameter("path", "response_id", TEXT)]
    page = [_parameter("query", "limit", integer(1, 100)), _parameter("query", "order", word("asc", "desc")),
            _parameter("query", "after", TEXT)]
    place = "/v1/responses/{response_id}"
    return {
        "/v1/responses": {"post": _operation(
            "createResponse", "A reply to a conversation, OpenAI's Responses", "Response", request="ResponsesRequest",
            events="ResponseEvent")},
        "/v1/responses/input_tokens": {"post": _operation(
            "countResponseTokens", "The tokens that a request takes", "ResponseTokens", request="ResponsesRequest")},
        place: {
            "get": _operation("getResponse", "A response that was stored", "Response", parameters=one),
            "delete": _operation("deleteResponse", "Forget a response", "ResponseDeleted", parameters=one)},
        f"{place}/cancel": {"post": _operation("cancelResponse", "Stop a response that is made in the background",
                                               "Response", parameters=one)},
        f"{place}/input_items": {"get": _operation("listInputItems", "What a response was an answer to", "ResponseItems",
                                                   parameters=[*one, *page])}}


def _models() -> Fields:
    return {
        "/v1/models": {"get": _operation("listModels", "The models that are served", "Models", error="AnyError")},
        "/v1/models/{model}": {"get": _operation("getModel", "One of them", "Model", error="AnyError",
                                                 parameters=[_parameter("path", "model", TEXT)])}}


def _server() -> Fields:
    up = {"200": {"description": "It takes requests.", **_content("Health")},
          "503": {"description": "It does not: the engine is not there, or it is stopping.", **_content("Health")}}
    counts = {"200": {"description": "Prometheus' text format", "content": {"text/plain": {"schema": TEXT}}}}
    return {"/health": {"get": {"operationId": "health", "summary": "Whether the server takes requests", "security": [{}],
                                "responses": up}},
            "/metrics": {"get": {"operationId": "metrics", "summary": "What the server counts", "responses": counts}}}


def _operation(name: str, summary: str, answer: str, *, request: str = "", events: str = "", error: str = "Error",
               parameters: Sequence[Fields] = ()) -> Fields:
    """`answer`, `request`, `events` and `error` are names of schemas; `events` is what is streamed if that is asked."""
    responses = {"200": {"description": "As it was asked.", **_content(answer, events)}}
    responses |= {str(status): {"description": said, **_content(error)} for status, said in ERRORS.items()}
    body = {"requestBody": {"required": True, **_content(request)}} if request else {}
    asked = {"parameters": list(parameters)} if parameters else {}
    return {"operationId": name, "summary": summary, **asked, **body, "responses": responses}


def _content(schema: str, events: str = "") -> Fields:
    """OpenAPI 3.1 does not say what the schema of a stream is of; here, as for those who read it, it is each event's."""
    data: Shape = {**TEXT, "contentMediaType": "application/json", "contentSchema": _ref(events)}
    data = either(word("[DONE]"), data) if events == "ChatChunk" else data
    streamed = {EVENTS: {"schema": object_of({"event": TEXT, "data": data}, "data")}} if events else {}
    return {"content": {"application/json": {"schema": _ref(schema)}, **streamed}}


def _parameter(place: str, name: str, shape: Shape) -> Fields:
    return {"name": name, "in": place, "required": place == "path", "schema": shape}


def _ref(name: str) -> Shape:
    return {"$ref": f"#/components/schemas/{name}"}


__all__ = ["document"]
