"""A request for a reply: a surface of `api/`, the service, and back, streamed or whole.

The one rule: a reply is begun when there is something of it. What fails before that has a status of its own; what fails
after it is an event that the client's library understands. Whoever hangs up stops the engine.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import string
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Coroutine
from contextlib import aclosing, suppress
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request

from ..api import Answer, ApiError, Ended, Made, Query, chat, responses
from .exchange import Receive, Scope, Send
from .kept import read_on, unkept
from .requests import Served, check_size, loads, owner, refuse, write_json
from .service import Facts, Step
from .settings import Settings
from .store import Stored, StoreError

log = logging.getLogger("toolglot.serve")
QUIET = 15.0                            # seconds after which a stream says that it lives: proxies hang up on silence
LETTERS = string.ascii_letters + string.digits
COUNTS = ("calls", "repaired", "invalid", "dropped", "retried", "broken")
ENGINE_ERRORS = ("engine_unreachable", "engine_failed", "rate_limit_exceeded")
EVENTS = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache"),
          (b"x-accel-buffering", b"no")]


def new_id(kind: str, mark: str = "_") -> str:
    """`call_` and 24 letters and digits: enough that no two are ever the same."""
    return kind + mark + "".join([LETTERS[byte % 62] for byte in secrets.token_bytes(24)])


@dataclass(frozen=True)
class Surface:
    """One way to ask for a reply: the module of `api/` that speaks it, and the kind of its ids."""

    module: ModuleType
    kind: str
    mark: str = "_"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        facts = Facts()
        try:
            raw = await Request(scope, receive).body()
            await while_connected(receive, self._reply(scope, raw, send, facts))
        except ClientDisconnect:
            return
        except ApiError as error:
            facts.engine_error = error.code in ENGINE_ERRORS
            await refuse(error, self.module, scope, send)
        finally:
            scope["state"].setdefault("facts", {}).update(facts.told())

    async def _reply(self, scope: Scope, raw: bytes, send: Send, facts: Facts) -> None:
        served: Served = scope["app"].state.served
        body = loads(raw)
        check_size(body, served.settings)
        query = await self._read(body, served, owner(scope))
        made = Made(new_id(self.kind, self.mark), int(time.time()), served.service.named(query.model), new_id,
                    scope["state"].get("request_id", ""))
        async with aclosing(served.service.replies(query, new_id, facts)) as steps:
            first = await anext(steps)
            facts.model, facts.began = made.model, time.perf_counter() - scope["state"].get("began", 0.0)
            if query.stream:
                await self._stream(query, made, first, steps, scope, send, body, facts)
            else:
                await self._whole(query, made, first, steps, scope, send, body, facts)

    async def _read(self, body: Any, served: Served, owner: str) -> Query:
        if self.module is responses:
            return await read_on(body, served, owner)
        query: Query = self.module.read(body)
        return query

    async def _stream(self, query: Query, made: Made, first: Step, steps: AsyncGenerator[Step, None], scope: Scope,
                      send: Send, body: Any, facts: Facts) -> None:
        options = self._options(scope)
        if self.module is responses:
            options["reasoning"] = scope["app"].state.served.settings.reasoning_event
        stream = self.module.Stream(query, made, **options)
        await send({"type": "http.response.start", "status": 200, "headers": [*EVENTS, *told(query)]})
        line = Line(send, self.module.PING)
        try:
            await line.write(stream.start())
            await line.write(written(stream, first))
            async for step in steps:
                await line.write(written(stream, step))
            await self._keep(query, getattr(stream, "response", None), scope, body)
            await line.write(stream.finish())
        except ApiError as error:
            facts.engine_error = error.code in ENGINE_ERRORS
            await line.write(stream.fail(error))
        except Exception:                                # a bug: the client is told, and the log says where
            log.exception("a stream failed")
            await line.write(stream.fail(ApiError(500, "The server failed; its log says why.")))
        finally:
            line.close()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _whole(self, query: Query, made: Made, first: Step, steps: AsyncGenerator[Step, None], scope: Scope,
                     send: Send, body: Any, facts: Facts) -> None:
        found: list[list[Any]] = [[] for _ in range(query.n)]
        found[first[0]] += first[1]
        async for choice, events in steps:
            found[choice] += events
        answers = [Answer(tuple(events[:-1]), events[-1]) for events in found]
        reply = self.module.whole(query, made, answers, **self._options(scope))
        await self._keep(query, reply if self.module is responses else None, scope, body)
        await write_json(200, reply, send, [*told(query), *checked(facts)])

    def _options(self, scope: Scope) -> dict[str, Any]:
        settings: Settings = scope["app"].state.served.settings
        if self.module is chat:
            field = settings.reasoning_field
            return {"reasoning": "reasoning_content reasoning" if field == "both" else field}
        if self.module is responses:
            return {"clock": lambda: int(time.time())}
        return {}

    async def _keep(self, query: Query, reply: Any, scope: Scope, body: Any) -> None:
        """What is reported complete is kept first."""
        served: Served = scope["app"].state.served
        if reply is None or served.store is None or not query.extra.get("store"):
            return
        items = responses.items_of(body, new_id, query.extra["known"])
        try:
            await served.store.put(Stored(reply["id"], owner(scope), reply["created_at"], reply["previous_response_id"],
                                          orjson.dumps(reply), orjson.dumps(items)))
        except StoreError as error:
            raise unkept(error) from error


class Line:
    """A stream's way to the client, which hears of it even while there is nothing to say."""

    def __init__(self, send: Send, ping: bytes) -> None:
        self._send, self._ping, self._quiet = send, {"type": "http.response.body", "body": ping, "more_body": True}, True
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(QUIET, self._look)
        self._pinging: asyncio.Task[None] | None = None

    async def write(self, data: bytes) -> None:
        self._quiet = False
        if data:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})

    def _look(self) -> None:
        if self._quiet and (self._pinging is None or self._pinging.done()):
            self._pinging = self._loop.create_task(_said(self._send(self._ping)))
        self._quiet = True
        self._timer = self._loop.call_later(QUIET, self._look)

    def close(self) -> None:
        self._timer.cancel()
        if self._pinging is not None:
            self._pinging.cancel()


async def _said(ping: Awaitable[None]) -> None:
    with suppress(OSError):                              # the client has left, which is seen elsewhere
        await ping


def written(stream: Any, step: Step) -> bytes:
    """What a step is on the wire."""
    choice, events = step
    return b"".join([stream.end(choice, event) if event.__class__ is Ended else stream.feed(choice, event)
                     for event in events])


async def while_connected(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """The work, as long as somebody waits for it."""

    worker, left = asyncio.current_task(), False
    assert worker

    async def gone() -> None:
        nonlocal left
        while (await receive())["type"] != "http.disconnect":
            pass
        left = True
        worker.cancel()

    watcher = asyncio.create_task(gone())
    try:
        await work                                       # in this task: another one would cost as much as the whole watch
    except asyncio.CancelledError:
        # whoever else cancels this task is obeyed
        if not left or (sys.version_info >= (3, 11) and worker.uncancel()):
            raise
        raise ClientDisconnect from None
    finally:
        watcher.cancel()


def told(query: Query) -> list[tuple[bytes, bytes]]:
    """The headers that say what of a request is passed over."""
    words = "".join(c if " " <= c <= "~" else "?" for c in "; ".join(query.warnings))      # a client's words may be in it
    return [(b"x-toolglot-warning", words.encode())] if words else []


def checked(facts: Facts) -> list[tuple[bytes, bytes]]:
    """The header that says how calls were come by, where there are any."""
    counts = [f"{name}={n}" for name in COUNTS if (n := getattr(facts, name))]
    words = ("constrained" if facts.constrained else "checked", *counts)
    return [(b"x-toolglot-calls", "; ".join(words).encode())]
