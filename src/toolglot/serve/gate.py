"""What stands before the application: keys, limits, a queue, time, and an id for each request.

The one rule: the application sees only requests that it may and can serve now, each with its body whole and its place
held until the last byte of its reply; and a client that leaves is not hidden from it.

It is ASGI and nothing more. In `scope["state"]` the application finds `request_id`, `owner` (which key asked, as a short
digest; "" where none is needed), `began`, and `facts`, a dict for what logs and metrics should know of the reply.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Iterable
from hashlib import sha256
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect

from ..arena.files import files
from ..message import ToolglotError
from . import logs
from .bodies import look_at, read_body
from .exchange import (
    App,
    Exchange,
    Frame,
    Message,
    Receive,
    Refusal,
    Refused,
    Scope,
    Send,
    Shape,
    framed,
    header,
    shaped,
    timeout,
)
from .settings import Settings
from .turns import Turns

if TYPE_CHECKING:
    from .metrics import Metrics

OPEN = ("/health",)             # what needs no key, beside the files of the page
WORK = ("POST", "PUT", "PATCH")
LARGE = 1 << 18                 # bytes of a body that other requests need not wait for while it is looked at
SHOWN = "x-request-id", "request-id", "openai-processing-ms", "retry-after"      # to pages of other origins
log = logging.getLogger("toolglot.serve")


def gated(app: App, settings: Settings, keys: Iterable[str] = (), *, metrics: Metrics | None = None,
          error: Shape = shaped, frame: Frame = framed) -> App:
    """The application behind its gate. `error` is the shape of an error for a path, `frame` makes it an event of a stream
    that has begun."""
    gate: App = Gate(app, settings, keys, metrics, error, frame)
    if settings.cors_origins:
        gate = CORSMiddleware(gate, allow_origins=settings.cors_origins, allow_methods=("GET", "POST", "DELETE"),
                              allow_headers=("*",), expose_headers=SHOWN)
    return gate


class Gate:
    def __init__(self, app: App, settings: Settings, keys: Iterable[str], metrics: Metrics | None, error: Shape,
                 frame: Frame) -> None:
        self.app, self.settings, self.metrics = app, settings, metrics
        self.error, self.frame = error, frame
        self.digests = [sha256(key.encode()).digest() for key in keys]
        self.turns = Turns(settings, metrics)

    def __repr__(self) -> str:
        return f"Gate({len(self.digests)} keys)"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _live(self.app, scope, receive, send)
        else:                                            # nothing here speaks it, and it must not come in by another door
            await send({"type": "websocket.close", "code": 1008, "reason": "this server has no WebSocket"})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, send, self.metrics.streams.inc if self.metrics else lambda change: None)
        why: Refusal | None = None
        try:
            async with timeout(self.settings.request_timeout):
                await self._admit(exchange, scope, receive)
        except Refused as refused:
            why = refused.why
        except ClientDisconnect:
            pass                                         # nobody is there to be told anything
        except asyncio.CancelledError:                   # the server stops, and waits no longer
            await exchange.refuse(STOPPING, receive, self.error, self.frame)
            raise
        except Exception as error:
            why = _late(exchange, self.settings) if isinstance(error, asyncio.TimeoutError) else None
            if why is None:
                log.error("a request failed", exc_info=error, extra={"facts": {"request_id": exchange.id}})
                why = FAILED
        finally:
            if why:
                await exchange.refuse(why, receive, self.error, self.frame)
            exchange.end()
            logs.tell(exchange)
            if self.metrics:
                self.metrics.count(exchange)

    async def _admit(self, exchange: Exchange, scope: Scope, receive: Receive) -> None:
        """Gives the request to the application, or raises Refused."""
        if scope["path"] not in OPEN and not (self.settings.page and scope["path"] in files()):
            exchange.owner = scope["state"]["owner"] = self._owner(scope)
        if scope["method"] not in WORK:
            return await self.app(scope, receive, exchange.send)
        with self.turns.place():
            exchange.reading = True
            body = await read_body(scope, receive, self.settings.max_body)
            if body is None:
                return None                              # nobody is there any more
            if len(body) > LARGE:
                await asyncio.to_thread(look_at, body, self.settings.max_depth)
            else:
                look_at(body, self.settings.max_depth)
            exchange.reading = False
            async with self.turns.turn(receive) as come:
                if come:
                    await self.app(scope, _again(body, receive), exchange.send)

    def _owner(self, scope: Scope) -> str:
        """Which key asks. Every key is compared with every one that is known, so the time tells nothing of either."""
        if not self.digests:
            if _is_foreign(scope, self.settings.cors_origins):
                raise Refused(FOREIGN)
            return ""
        bearer, _, token = (header(scope, b"authorization") or b"").partition(b" ")
        given = [word for word in (token.strip() if bearer.lower() == b"bearer" else None, header(scope, b"x-api-key"))
                 if word]
        if not given:
            raise Refused(KEYLESS)
        owner = ""
        for word in given:
            digest = sha256(word).digest()
            for known in self.digests:
                if hmac.compare_digest(digest, known):
                    owner = owner or sha256(b"owner" + digest).hexdigest()[:16]
        if not owner:
            raise Refused(WRONG_KEY)
        return owner


def _again(body: bytes, receive: Receive) -> Receive:
    """What the application receives: the body in one piece, then whatever comes, which is that the client leaves."""
    held: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Message:
        return held.pop() if held else await receive()

    return received


def _is_foreign(scope: Scope, origins: Iterable[str]) -> bool:
    """Whether a page asks that nobody allowed, through the browser of someone who can reach a server without keys.

    A browser says where a page comes from. This server's own address is fine, but only as a number or as localhost: a name
    may be made to point here by whoever owns it.
    """
    origin = (header(scope, b"origin") or b"").decode("latin-1")
    if not origin or "*" in origins or origin in origins:
        return False
    try:
        place = urlsplit(origin)
        if place.hostname != "localhost":
            ip_address(place.hostname or "")
    except ValueError:
        return True
    return place.netloc.encode("latin-1") != header(scope, b"host")


async def _live(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """The application's start and stop. An error that tells what is wrong is passed on in its own words; of any other its
    place is told, as it is of those in requests."""
    started = False

    async def held(message: Message) -> None:
        nonlocal started
        started = started or message["type"] == "lifespan.startup.complete"
        if not message["type"].endswith(".failed"):      # those hold a whole traceback
            await send(message)

    try:
        await app(scope, receive, held)
    except Exception as error:
        words = str(error) if isinstance(error, ToolglotError) else f"a bug: {logs.told_of(error)}"
        await send({"type": f"lifespan.{'shutdown' if started else 'startup'}.failed", "message": words})


# -- what is answered instead ----------------------------------------------------------------------------------

_CHALLENGE = ((b"www-authenticate", b"Bearer"),)
KEYLESS = Refusal(401, "no API key was given: expected one as `Authorization: Bearer KEY` or as `x-api-key: KEY`",
                  "invalid_api_key", _CHALLENGE)
WRONG_KEY = Refusal(401, "the API key is none of this server's", "invalid_api_key", _CHALLENGE)
FOREIGN = Refusal(403, "a page of this origin may not ask: allow it with --cors-origins, or give the server keys",
                  "origin_not_allowed")
STOPPING = Refusal(503, "the server is stopping; try again later", "stopping", ((b"retry-after", b"5"),))
FAILED = Refusal(500, "the server failed: its log says where, under this request's id", "internal_error")


def _late(exchange: Exchange, settings: Settings) -> Refusal | None:
    """None: it was another time that ran out, inside of the application."""
    if settings.request_timeout is None or exchange.seconds() + 0.01 < settings.request_timeout:     # clocks differ
        return None
    words = f"within {settings.request_timeout:g} seconds"
    if exchange.reading:
        return Refusal(408, f"the request did not come {words}", "request_timeout", drain=True)
    return Refusal(504, f"the reply was not finished {words}", "timeout")
