"""What engines behind a URL share: connecting, sending, reading a stream line by line, and saying what failed.

The one rule: a request that may have arrived is never sent twice. Only connecting is tried again, where it was refused.
What is read is pulled: a consumer that is slow makes the server wait, one that leaves closes the connection.

It is cheap: what has come of a stream is read at once, and an event in it, of 250 bytes, costs about 1 µs over aiohttp's
own work (5 µs), one more where orjson is not installed.
"""

from __future__ import annotations

import asyncio
import importlib
import io
import json
import re
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from . import EngineError

WAITS = (0.1, 0.4, 0.8)         # seconds before connecting is tried again
IDLE = 2.0                      # seconds that a connection is kept for another request; servers hang up after 5
SHOWN = 600                     # characters of a server's error that are passed on
MOST_ERROR = 1 << 16            # bytes of an error's body that are read
MOST_LINE = 1 << 26             # bytes of one line of a stream
MOST_HEADER = 1 << 16           # bytes of one header
MOST_AT_ONCE = 1 << 20          # bytes of a request that are written in one go
WORDS = ("message", "detail", "error", "msg", "errors")      # where servers put what went wrong
# why a connection was lost; what aiohttp says of these may hold what a server sent, a part of the key too
LOST = {"ServerDisconnectedError": "without an answer", "ClientPayloadError": "in the middle of its answer",
        "ClientResponseError": "or speaks no HTTP"}
DIGITS = bytes(byte if not 48 <= byte < 58 else 48 for byte in range(256))          # all alike
LARGE = b"0" * 20             # digits of an integer that may need more than 64 bits


@cache
def _orjson() -> Any:
    """The library, None where it is not installed."""
    try:
        return importlib.import_module("orjson")
    except ImportError:
        return None


@dataclass(frozen=True)
class Timeouts:
    """Seconds: to connect; to answer a question about the server; between two pieces of a reply, the first included,
    for a server may read a long prompt, or serve others, before it writes anything. None: for ever."""

    connect: float = 5.0
    answer: float = 30.0
    piece: float | None = 600.0


class Wire:
    """A server at `url`, and how it is spoken to. `key` is a secret: it is sent, and shown nowhere.

    One connection pool an event loop, so an engine may be used from several, one after another.
    """

    def __init__(self, url: str, key: str | None = None, timeouts: Timeouts = Timeouts()) -> None:
        try:
            parts = urlsplit(url if "://" in url else f"http://{url}")
            sound = parts.scheme in ("http", "https") and parts.port != 0 and re.fullmatch(r"\S+", parts.hostname or "")
        except ValueError:                      # of brackets, or of a port
            sound = False
        if not sound:
            shown = re.sub(r"//[^/@]*@|[?#].*", "…", url)            # what stands there may be a secret
            raise EngineError(f"{shown!r} is no address of a server: expected http://HOST:PORT or https://HOST")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise EngineError(f"the address of {parts.hostname} holds more than a place: give a key as the key")
        if key and not re.fullmatch(r"[!-~]+", key):
            raise EngineError(f"the key for {parts.hostname} holds what no key does: a space, or a line's end?")
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self.timeouts, self._key = timeouts, key
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[Any, Any]] = WeakKeyDictionary()
        self._closed = False

    def __repr__(self) -> str:
        return f"Wire({self.url!r})"

    async def ask(self, path: str, body: Any = None, *, generates: bool = False) -> Any:
        """One answer, as JSON; GET without a body, POST with one. `generates`: it is a reply, and takes a model's time.
        Errors: EngineError; `Refused` where the server answered, and said no, `Unreachable` where nobody is there."""
        async with self._send(path, body, self.timeouts.piece if generates else self.timeouts.answer) as answer:
            data = await answer.read()
        try:
            return loads(data)
        except (ValueError, RecursionError):
            said = _short(self._hide(data.decode("utf-8", "replace")))
            raise EngineError(f"{self.url}{path} answered what is no JSON: {said}: is it the right address?") from None

    async def lines(self, path: str, body: Any) -> AsyncGenerator[str, None]:
        """The lines of a streamed answer, without their ends and without empty ones. Closing it hangs up.

        Lines end at a line feed and nowhere else: JSON may hold every other character that ends one elsewhere.
        """
        async with self._streamed(path, body) as lines:
            while batch := await lines.read():
                for line in batch:
                    yield line.decode("utf-8", "replace")

    async def events(self, path: str, body: Any) -> AsyncGenerator[Any, None]:
        """The data of server-sent events, as JSON, up to `[DONE]`. An event that is an error is raised."""
        failed = False
        async with self._streamed(path, body) as lines:
            while batch := await lines.read():
                for line in batch:
                    field, _, data = line.partition(b":")
                    data = data.strip()
                    if data == b"[DONE]":
                        return
                    if field == b"event":
                        failed = data == b"error"
                    if field not in (b"data", b"error") or not data:
                        continue
                    event = _json(data)
                    if failed or field == b"error" or (isinstance(event, dict) and event.get("error")):
                        raise EngineError(f"{self.url}{path} failed in mid-reply: {self.said(data)}")
                    if event is None:
                        raise EngineError(f"{self.url}{path} sent an event that is no JSON: {self.said(data)}")
                    yield event

    @asynccontextmanager
    async def _streamed(self, path: str, body: Any) -> AsyncGenerator[_Lines, None]:
        async with self._send(path, body, self.timeouts.piece) as answer:
            lines = _Lines(answer, self.timeouts.piece, f"{self.url}{path}")
            try:
                yield lines
            finally:
                lines.close()

    @asynccontextmanager
    async def _send(self, path: str, body: Any, patience: float | None) -> AsyncGenerator[Any, None]:
        """The answer, its body not yet read. What goes wrong up to the end of it is an EngineError."""
        if self._closed:
            raise EngineError(f"the engine at {self.url} is closed")
        http, where = _library(), f"{self.url}{path}"
        try:
            answer = await self._connected(http, where, body, patience)
            try:
                if answer.status >= 300:
                    said = self.said(await _beginning(answer))
                    raise Refused(where, answer.status, said, keyed=self._key is not None)
                yield answer
            finally:
                answer.close()                  # hangs up, unless all of it was read
        except (http.ClientConnectorError, http.ConnectionTimeoutError) as error:
            cause = _cause(getattr(error, "os_error", error))
            raise Unreachable(f"{self.url} cannot be reached ({cause}): is the server running, and is this its "
                              "address?") from None
        except asyncio.TimeoutError:
            raise EngineError(f"{where} sent nothing for {patience:g} seconds: it may be busy, or stuck; allow more with "
                              "a longer timeout") from None
        except (http.InvalidURL, UnicodeError) as error:
            raise EngineError(f"{where} is no address ({_cause(error)})") from None
        except http.ClientError as error:
            cause = LOST.get(type(error).__name__) or _cause(error)
            raise EngineError(f"{where} hung up ({self._hide(cause)}): its log may say why") from None

    async def _connected(self, http: Any, where: str, body: Any, patience: float | None) -> Any:
        """An answer's beginning. A host that says nothing at all is not waited for again."""
        content = None if body is None else dumps(body)
        timeout = http.ClientTimeout(total=None, connect=self.timeouts.connect, sock_read=patience)
        # aiohttp times silence from when all was sent; one that takes nothing is silent too
        most = None if patience is None else self.timeouts.connect + 2 * patience
        for wait in (*WAITS, None):
            client = await self._client(http)
            try:
                async with _limited(most):
                    if content is None:
                        return await client.get(where, timeout=timeout, allow_redirects=False, middlewares=(_once,))
                    data = content if len(content) < MOST_AT_ONCE else io.BytesIO(content)
                    return await client.post(where, data=data, timeout=timeout, allow_redirects=False)
            except http.ClientConnectorError:
                if wait is None:
                    raise
                await asyncio.sleep(wait)

    def said(self, answer: Any) -> str:
        """What a server says went wrong, as `reason` finds it in a text or in JSON, and without the key."""
        if isinstance(answer, bytes):
            answer = answer.decode("utf-8", "replace")
        text = self._hide(answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False))
        return reason(_json(text) or text)

    def _hide(self, words: str) -> str:
        """What a server said, without the key: some repeat it."""
        return words.replace(self._key, "…") if self._key else words

    async def _client(self, http: Any) -> Any:
        if self._closed:
            raise EngineError(f"the engine at {self.url} is closed")
        loop = asyncio.get_running_loop()
        for other in [other for other in self._clients if other.is_closed()]:
            del self._clients[other]            # its connections went with it
        if loop not in self._clients:
            headers = {"Content-Type": "application/json"}
            if self._key:
                headers["Authorization"] = f"Bearer {self._key}"
            pool = _pool(http, headers)
            self._clients[loop] = pool, await anext(pool)
        return self._clients[loop][1]

    def close(self) -> None:
        """Nothing more is sent. Connections that a loop keeps open are closed by it, for nobody holds its pool then."""
        self._closed = True
        self._clients.clear()


class Unreachable(EngineError):
    """Nobody answers at the address."""


class Refused(EngineError):
    """The server answered, and said no: with this status, for this reason."""

    def __init__(self, where: str, status: int, reason: str, keyed: bool = False) -> None:
        self.status, self.reason = status, reason
        todo = {401: "; its key was refused" if keyed else "; it wants a key", 403: "; the key does not allow it",
                404: "; is it the right address, and the right model?", 429: "; it is asked too much: try again later"}
        if status < 400:
            todo[status] = "; it sends elsewhere: give the address that it means"
        super().__init__(f"{where} answered {status}: {reason or 'no reason'}{todo.get(status, '')}")


def reason(answer: Any) -> str:
    """What a server says went wrong, in one short line, wherever it puts it."""
    while isinstance(answer, (Mapping, list)):
        if isinstance(answer, list):
            answer = answer[0] if answer else ""
            continue
        found = next((answer[word] for word in WORDS if answer.get(word)), "") or json.dumps(dict(answer))
        if isinstance(found, str) and isinstance(place := answer.get("loc"), list):      # of the field, as pydantic has it
            found = f"{'.'.join(map(str, place))}: {found}"
        answer = found
    return _short(str(answer))


class _Lines:
    """The lines of a streamed answer, all those at once that came at once; TimeoutError where nothing comes for so many
    seconds.

    aiohttp sets a timer for each piece, which takes longer than to read it; here is one, which looks how long it has been.
    """

    def __init__(self, answer: Any, patience: float | None, where: str) -> None:
        self._content, self._patience, self._where = answer.content, patience, where
        self._left: list[bytes] = []                     # of a line that is not whole yet
        self._size = 0
        self._loop = asyncio.get_running_loop()
        self._since: float | None = None                 # when waiting began; None while nobody waits
        self._heard = 0                                  # bytes that had come by then
        self._timer: asyncio.TimerHandle | None = None
        if patience is not None:
            if answer.connection is not None:
                answer.connection.protocol.read_timeout = None
            self._timer = self._loop.call_later(patience, self._look)

    async def read(self) -> list[bytes]:
        """Without their ends, and without empty ones; nothing where the answer has ended."""
        while True:
            self._since, self._heard = self._loop.time(), self._content.total_bytes
            piece: bytes = await self._content.readany()
            self._since = None
            if not piece:
                last = b"".join(self._left).rstrip(b"\r")
                self._left.clear()
                return [last] if last else []
            if found := self._split(piece):
                return found

    def _split(self, piece: bytes) -> list[bytes]:
        *ends, rest = piece.split(b"\n")
        if ends:
            if self._left:
                ends[0] = b"".join([*self._left, ends[0]])
                self._left.clear()
            self._size = 0
        if rest:
            self._left.append(rest)
            self._size += len(rest)
            if self._size > MOST_LINE:
                raise EngineError(f"{self._where} sent a line of more than {MOST_LINE >> 20} MiB")
        return [line for end in ends if (line := end.rstrip(b"\r"))]

    def _look(self) -> None:
        assert self._patience is not None
        # where this loop was held up, something may have come and not been read
        waits = self._since is not None and self._heard == self._content.total_bytes
        left = self._patience - (self._loop.time() - self._since if waits and self._since is not None else 0.0)
        if left <= 0:
            self._content.set_exception(asyncio.TimeoutError())
        else:
            self._timer = self._loop.call_later(left, self._look)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


async def _beginning(answer: Any) -> bytes:
    found = b""
    async for piece in answer.content.iter_any():
        found += piece
        if len(found) > MOST_ERROR:
            break
    return found


async def _pool(http: Any, headers: Mapping[str, str]) -> AsyncGenerator[Any, None]:
    """Gives a client, and closes it where it ends: when nobody holds this generator any more, or its loop ends, which sees
    to its generators."""
    connector = http.TCPConnector(limit=0, keepalive_timeout=IDLE)
    async with http.ClientSession(connector=connector, headers=headers, cookie_jar=http.DummyCookieJar(),
                                  max_line_size=MOST_HEADER, max_field_size=MOST_HEADER) as session:
        yield session


async def _once(request: Any, send: Any) -> Any:
    """aiohttp sends a GET a second time where the first one was lost, but for this."""
    http = _library()
    try:
        return await send(request)
    except http.ClientConnectorError:
        raise
    except (http.ClientOSError, http.ServerDisconnectedError) as error:
        raise http.ClientConnectionError(LOST.get(type(error).__name__) or _cause(error)) from None


def _limited(seconds: float | None) -> AbstractAsyncContextManager[Any]:
    if sys.version_info >= (3, 11):
        return asyncio.timeout(seconds)
    limit: AbstractAsyncContextManager[Any] = importlib.import_module("async_timeout").timeout(seconds)  # aiohttp needs it
    return limit


def loads(text: str | bytes) -> Any:
    """What a text in UTF-8 holds as JSON, as `json` reads it. Errors: ValueError, RecursionError.

    orjson reads it where it may. It makes floats of the largest integers, and refuses what is JSON to `json` alone.
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if (orjson := _orjson()) is not None and LARGE not in data.translate(DIGITS):
        try:
            return orjson.loads(data)
        except ValueError:
            pass
    return json.loads(text if isinstance(text, str) else text.decode("utf-8", "replace"))


def dumps(value: Any) -> bytes:
    """JSON in UTF-8. What orjson does not write, `json` does, or says why not: TypeError, ValueError."""
    if (orjson := _orjson()) is not None:
        try:
            return bytes(orjson.dumps(value))
        except TypeError:
            pass
    return json.dumps(value).encode()


def _json(text: str | bytes) -> Any:
    """None for what is no JSON."""
    try:
        return loads(text)
    except (ValueError, RecursionError):
        return None


def _short(text: str | bytes) -> str:
    """One line, fit for a terminal: no tags of a page, nothing that steers."""
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    if words.lstrip()[:1] == "<":
        words = re.sub(r"<(style|script)\b.*?</\1>|<[^>]*>", " ", words, flags=re.S | re.I)
    words = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    return words if len(words) <= SHOWN else words[:SHOWN - 1] + "…"


def _cause(error: BaseException) -> str:
    return _short(str(error)) or type(error).__name__


def _library() -> Any:
    try:
        return importlib.import_module("aiohttp")
    except ImportError as error:
        raise EngineError(f"an engine behind a URL needs aiohttp ({error}): pip install 'toolglot[remote]'") from None


__all__ = ["Refused", "Timeouts", "Unreachable", "Wire", "dumps", "loads"]
