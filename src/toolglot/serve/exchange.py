"""One request and what is answered to it: its id, its times, and how it ended.

The one rule: every answer, whoever gives it, leaves through `Exchange.send`, so each has its id, and what is logged and
counted is what was sent.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from ..api import ApiError, chat, messages

if sys.version_info >= (3, 11):
    from asyncio import timeout as timeout
else:
    from async_timeout import timeout as timeout

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = tuple[tuple[bytes, bytes], ...]

SANE_ID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
GONE = 499                      # how a request is logged whose client left before it was answered
LINGER = 5.0                    # seconds that a client is given to take an error, and to finish sending what was refused


@dataclass(frozen=True)
class Refusal:
    """What is answered instead of a reply. `code` is OpenAI's; `drain`: the body is still coming."""

    status: int
    message: str
    code: str
    headers: Headers = ()
    drain: bool = False


class Refused(Exception):
    """A request that is not served, and what is answered instead."""

    def __init__(self, why: Refusal) -> None:
        super().__init__(why.message)
        self.why = why


# -- the shapes of errors --------------------------------------------------------------------------------------


Shape = Callable[[str, Refusal, str], bytes]    # the body of an answer to this path, which knows the request's id
Frame = Callable[[str, bytes], bytes]       # such a body as the last event of a stream

def is_anthropic(path: str) -> bool:
    return path == "/v1/messages" or path.startswith("/v1/messages/")


def shaped(path: str, why: Refusal, request_id: str) -> bytes:
    """Anthropic's shape for its paths, OpenAI's for all others."""
    error = ApiError(why.status, why.message, None, why.code)
    body = messages.refusal(error, request_id) if is_anthropic(path) else chat.refusal(error)
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


def framed(path: str, body: bytes) -> bytes:
    """Chat completions know errors by their key, the other APIs by the event's name; Responses has the keys outside too."""
    if path.startswith("/v1/responses"):
        error = json.loads(body).get("error", {})
        body = json.dumps({**error, "type": "error", "error": error}, ensure_ascii=False).encode()
    return (b"" if path.startswith("/v1/chat/") else b"event: error\n") + b"data: " + body + b"\n\n"


# -- the exchange ----------------------------------------------------------------------------------------------


class Exchange:
    """`facts` is what the application tells of the reply, for logs and metrics: `model` (as it is served), `tokens_in`,
    `tokens_out`, `first_token` (seconds from `began`), `calls` (how many by outcome), `engine_error` (true).
    """

    def __init__(self, scope: Scope, send: Send, streams: Callable[[int], None]) -> None:
        """`streams` is told +1 where a stream begins, and -1 where it ends."""
        self.began = time.perf_counter()
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        given = header(scope, b"x-request-id")
        self.id = given.decode() if given and SANE_ID.fullmatch(given) else f"req_{secrets.token_hex(12)}"
        self.owner = ""
        self.status = 0                         # 0: not answered yet
        self.streams, self.whole = False, False
        self.facts: dict[str, Any] = {}
        self.reading = False                    # its body
        self._send, self._count = send, streams
        scope.setdefault("state", {}).update(request_id=self.id, owner="", facts=self.facts, began=self.began)

    async def send(self, message: Message) -> None:
        """What the application sends, with what every answer has."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [pair for pair in message.get("headers", ()) if pair[0] != b"x-request-id"]
            self.streams = any(name == b"content-type" and value.startswith(b"text/event-stream")
                               for name, value in headers)
            if self.streams:
                self._count(1)
            headers += [(b"x-request-id", self.id.encode()), (b"openai-processing-ms", b"%d" % (self.seconds() * 1000))]
            if is_anthropic(self.path):
                headers.append((b"request-id", self.id.encode()))
            message = {**message, "headers": headers}
        elif not message.get("more_body"):
            self.whole = True
        await self._send(message)

    def seconds(self) -> float:
        """Since it began."""
        return time.perf_counter() - self.began

    def end(self) -> None:
        if self.streams:
            self._count(-1)

    async def refuse(self, why: Refusal, receive: Receive, shape: Shape, frame: Frame) -> None:
        """The error as the answer, or as the last event of a stream. An answer that is half sent is left so, which closes
        the connection: there is no other way to say that it is none."""
        if self.whole or (self.status and not self.streams):
            return
        try:
            async with timeout(2 * LINGER):              # a client may have stopped reading, too
                await self._refuse(why, receive, shape, frame)
        except asyncio.TimeoutError:
            pass

    async def _refuse(self, why: Refusal, receive: Receive, shape: Shape, frame: Frame) -> None:
        body = shape(self.path, why, self.id)
        if self.status:
            await self.send({"type": "http.response.body", "body": frame(self.path, body)})
            return
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *why.headers]
        if why.drain:
            headers.append((b"connection", b"close"))
        await self.send({"type": "http.response.start", "status": why.status, "headers": headers})
        if why.drain:
            await self._send({"type": "http.response.body", "body": body, "more_body": True})
            await _drained(receive)
            body = b""
        await self.send({"type": "http.response.body", "body": body})


def header(scope: Scope, name: bytes) -> bytes | None:
    """The first of this name; servers give names in lower case."""
    return next((value for given, value in scope["headers"] if given == name), None)


async def _drained(receive: Receive) -> None:
    """Lets a client finish sending: one that is hung up on in mid-body may never read why."""
    try:
        async with timeout(LINGER):
            while (message := await receive())["type"] == "http.request" and message.get("more_body"):
                pass
    except asyncio.TimeoutError:
        pass
