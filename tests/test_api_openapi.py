"""The document that the server shows of itself, and the list of models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

jsonschema_rs = pytest.importorskip("jsonschema_rs", reason="the shapes of requests are checked with jsonschema-rs")
orjson = pytest.importorskip("orjson", reason="the wire formats are written with orjson")

from toolglot.api import ApiError, bodies, chat, messages, models, openapi  # noqa: E402
from toolglot.api.shapes import checker  # noqa: E402

DOCUMENT = json.loads(orjson.dumps(openapi.document("1.2.3")))


def references(value: Any) -> Iterator[str]:
    for key, one in value.items() if isinstance(value, dict) else ():
        if key == "$ref":
            yield one
        yield from references(one)
    for one in value if isinstance(value, list) else ():
        yield from references(one)


def operations() -> Iterator[tuple[str, str, Any]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_it_is_an_openapi_document() -> None:
    validator = pytest.importorskip("openapi_spec_validator", reason="it knows what OpenAPI 3.1 asks")
    validator.validate(DOCUMENT)
    assert DOCUMENT["info"]["version"] == "1.2.3"


def test_what_it_refers_to_is_there_and_is_a_schema() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert {ref.removeprefix("#/components/schemas/") for ref in references(DOCUMENT)} <= schemas.keys()
    for schema in schemas.values():
        jsonschema_rs.validator_for({**schema, "components": DOCUMENT["components"]})


def test_it_names_every_path_and_what_can_happen_there() -> None:
    assert {(method, path) for path, method, _ in operations()} == {
        ("post", "/v1/chat/completions"), ("post", "/v1/responses"), ("post", "/v1/responses/input_tokens"),
        ("get", "/v1/responses/{response_id}"), ("delete", "/v1/responses/{response_id}"),
        ("post", "/v1/responses/{response_id}/cancel"), ("get", "/v1/responses/{response_id}/input_items"),
        ("post", "/v1/messages"), ("post", "/v1/messages/count_tokens"), ("get", "/v1/models"),
        ("get", "/v1/models/{model}"), ("get", "/health"), ("get", "/metrics")}
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(names)) == len(names)
    for path, method, operation in operations():
        found = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "path"}
        assert found == {part[1:-1] for part in path.split("/") if part[:1] == "{"}
        assert ("requestBody" in operation) == (method == "post" and not path.endswith("cancel"))
        if path.startswith("/v1/"):
            assert {"200", "400", "401", "404", "413", "429", "500", "502", "503", "504"} <= operation["responses"].keys()


@pytest.mark.parametrize(("path", "request_schema", "answer", "error"), [
    ("/v1/chat/completions", "ChatRequest", "ChatCompletion", "Error"),
    ("/v1/messages", "MessagesRequest", "Message", "MessageError"),
    ("/v1/responses", "ResponsesRequest", "Response", "Error")])
def test_a_surface_takes_streams_and_refuses(path: str, request_schema: str, answer: str, error: str) -> None:
    operation = DOCUMENT["paths"][path]["post"]
    assert operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith(f"/{request_schema}")
    given = operation["responses"]["200"]["content"]
    assert given["application/json"]["schema"]["$ref"].endswith(f"/{answer}") and "text/event-stream" in given
    assert operation["responses"]["429"]["content"]["application/json"]["schema"]["$ref"].endswith(f"/{error}")


def test_a_shape_is_the_one_that_requests_are_checked_with() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["ChatRequest"] == json.loads(orjson.dumps(chat.REQUEST))
    assert schemas["MessagesRequest"] == json.loads(orjson.dumps(messages.REQUEST))
    assert schemas["CountRequest"] == json.loads(orjson.dumps(messages.COUNT))


def test_models_are_what_either_client_reads() -> None:
    found = models.models(["a", "b"], 1_790_000_000, 4096)
    checker(bodies.MODELS)(found)
    assert (found["object"], found["first_id"], found["last_id"], found["has_more"]) == ("list", "a", "b", False)
    assert found["data"][0] == models.model("a", 1_790_000_000, 4096) == {
        "id": "a", "object": "model", "created": 1_790_000_000, "owned_by": "toolglot", "type": "model",
        "display_name": "a", "created_at": "2026-09-21T14:13:20Z", "lifecycle": "active", "max_input_tokens": 4096}
    assert "max_input_tokens" not in models.model("a", 0)
    checker(bodies.MODELS)(models.models([], 0))


def test_both_clients_read_the_models() -> None:
    openai = pytest.importorskip("openai", reason="OpenAI's client is a judge")
    anthropic = pytest.importorskip("anthropic", reason="Anthropic's client is a judge")
    found = models.model("a", 1_790_000_000)
    assert openai.types.Model.model_validate(found, strict=True).created == 1_790_000_000
    assert anthropic.types.ModelInfo.model_validate_json(json.dumps(found)).created_at.year == 2026


def test_a_closed_shape_finds_what_nobody_meant_to_send() -> None:
    with pytest.raises(ApiError):
        checker(bodies.ERROR)({"error": {"message": "", "type": "", "param": None, "code": None, "extra": 1}})
