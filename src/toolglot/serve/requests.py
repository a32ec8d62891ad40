"""What every path needs: what its requests share, a body read, an answer written, an error in the shape of its surface.

The one rule: whatever goes wrong has the shape that the client's library knows, and a status that is true.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import orjson
from starlette.responses import Response

from ..api import ApiError, chat, messages
from .exchange import Scope, Send
from .service import Service
from .settings import Settings
from .store import Store


@dataclass(frozen=True)
class Served:
    """What the requests share. `store` is None where nothing is kept."""

    service: Service
    store: Store | None
    settings: Settings


def loads(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ApiError(400, f"The body is no JSON: {error}.", None, "invalid_json") from None


def check_size(body: Any, settings: Settings) -> None:
    """Raises ApiError for more of anything than the server takes."""
    if not isinstance(body, dict):
        return
    limits = {"messages": settings.max_messages, "input": settings.max_messages, "tools": settings.max_tools}
    for field, most in limits.items():
        if isinstance(found := body.get(field), list) and len(found) > most:
            raise ApiError(400, f"Invalid value for '{field}': expected at most {most} of them, but got {len(found)}.",
                           field, "array_above_max_length")


def owner(scope: Scope) -> str:
    return str(scope.get("state", {}).get("owner", ""))


def as_json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(value), status, headers, media_type="application/json")


async def write_json(status: int, value: Any, send: Send, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
    data = orjson.dumps(value)
    await send({"type": "http.response.start", "status": status, "headers": [
        (b"content-type", b"application/json"), (b"content-length", str(len(data)).encode()), *headers]})
    await send({"type": "http.response.body", "body": data})


async def refuse(error: ApiError, module: ModuleType | None, scope: Scope, send: Send) -> None:
    wait = [] if error.retry_after is None else [(b"retry-after", str(max(1, round(error.retry_after))).encode())]
    await write_json(error.status, body_of(error, module is messages, scope), send, wait)


def body_of(error: ApiError, anthropic: bool, scope: Scope) -> Any:
    return messages.refusal(error, scope.get("state", {}).get("request_id", "")) if anthropic else chat.refusal(error)
