"""What engines behind a URL share: connecting, sending, reading a stream line by line, and saying what failed.

The one rule: a request that may have arrived is never sent twice. Only connecting is tried again, where it was refused.
What is read is pulled: a consumer that is slow makes the server wait, one that leaves closes the connection.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from . import EngineError

WAITS = (0.1, 0.4, 0.8)         # seconds before connecting is tried again
IDLE = 2.0                      # seconds that a connection is kept for another request; servers hang up after 5
SHOWN = 600                     # characters of a server's error that are passed on
MOST_ERROR = 1 << 16            # bytes of an error's body that are read
MOST_LINE = 1 << 26             # bytes of one line of a stream
WORDS = ("message", "detail", "error", "msg", "errors")      # where servers put what went wrong


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
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()
        self._closed = False

    def __repr__(self) -> str:
        return f"Wire({self.url!r})"

    async def ask(self, path: str, body: Any = None, *, generates: bool = False) -> Any:
        """One answer, as JSON; GET without a body, POST with one. `generates`: it is a reply, and takes a model's time.
        Errors: EngineError; `Refused` where the server answered, and said no, `Unreachable` where nobody is there."""
        async with self._send(path, body, self.timeouts.piece if generates else self.timeouts.answer) as answer:
            text = (await answer.aread()).decode("utf-8", "replace")
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise EngineError(f"{self.url}{path} answered what is no JSON: {_short(self._hide(text))}: is it the right "
                              "address?") from None

    async def lines(self, path: str, body: Any) -> AsyncGenerator[str, None]:
        """The lines of a streamed answer, without their ends and without empty ones. Closing it hangs up.

        Lines end at a line feed and nowhere else: JSON may hold every other character that ends one elsewhere.
        """
        async with self._send(path, body, self.timeouts.piece) as answer:
            left: list[bytes] = []
            size = 0
            async for piece in answer.aiter_bytes():
                *ends, rest = piece.split(b"\n")
                for end in ends:
                    line = b"".join([*left, end]).rstrip(b"\r").decode("utf-8", "replace")
                    left, size = [], 0
                    if line:
                        yield line
                left.append(rest)
                size += len(rest)
                if size > MOST_LINE:
                    raise EngineError(f"{self.url}{path} sent a line of more than {MOST_LINE >> 20} MiB")
            if last := b"".join(left).rstrip(b"\r").decode("utf-8", "replace"):
                yield last

    async def events(self, path: str, body: Any) -> AsyncGenerator[Any, None]:
        """The data of server-sent events, as JSON, up to `[DONE]`. An event that is an error is raised."""
        lines, failed = self.lines(path, body), False
        try:
            async for line in lines:
                field, _, data = line.partition(":")
                data = data.strip()
                if data == "[DONE]":
                    return
                if field == "event":
                    failed = data == "error"
                if field not in ("data", "error") or not data:
                    continue
                event = _json(data)
                if failed or field == "error" or (isinstance(event, Mapping) and event.get("error")):
                    raise EngineError(f"{self.url}{path} failed in mid-reply: {self.said(data)}")
                if event is None:
                    raise EngineError(f"{self.url}{path} sent an event that is no JSON: {self.said(data)}")
                yield event
        finally:
            await lines.aclose()

    @asynccontextmanager
    async def _send(self, path: str, body: Any, patience: float | None) -> AsyncGenerator[Any, None]:
        """The answer, its body not yet read. What goes wrong up to the end of it is an EngineError."""
        if self._closed:
            raise EngineError(f"the engine at {self.url} is closed")
        http, where = _library(), f"{self.url}{path}"
        try:
            async with aclosing(await self._connected(http, where, body, patience)) as answer:
                if answer.status_code >= 300:
                    said = self.said((await _beginning(answer)).decode("utf-8", "replace"))
                    raise Refused(where, answer.status_code, said, keyed=self._key is not None)
                yield answer
        except (http.ConnectError, http.ConnectTimeout) as error:
            raise Unreachable(f"{self.url} cannot be reached ({_cause(error)}): is the server running, and is this its "
                              "address?") from None
        except http.TimeoutException:
            raise EngineError(f"{where} sent nothing for {patience:g} seconds: it may be busy, or stuck; allow more with "
                              "a longer timeout") from None
        except http.HTTPError as error:
            raise EngineError(f"{where} hung up ({self._hide(_cause(error))}): its log may say why") from None
        except http.InvalidURL as error:
            raise EngineError(f"{where} is no address ({_cause(error)})") from None

    async def _connected(self, http: Any, where: str, body: Any, patience: float | None) -> Any:
        """An answer's beginning. A host that says nothing at all is not waited for again."""
        client, content = self._client(), None if body is None else json.dumps(body)
        for wait in (*WAITS, None):
            request = client.build_request("GET" if body is None else "POST", where, content=content,
                                           timeout=http.Timeout(patience, connect=self.timeouts.connect))
            try:
                return await client.send(request, stream=True)
            except http.ConnectError:
                if wait is None:
                    raise
                await asyncio.sleep(wait)

    def said(self, answer: Any) -> str:
        """What a server says went wrong, as `reason` finds it in a text or in JSON, and without the key."""
        text = self._hide(answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False))
        return reason(_json(text) or text)

    def _hide(self, words: str) -> str:
        """What a server said, without the key: some repeat it."""
        return words.replace(self._key, "…") if self._key else words

    def _client(self) -> Any:
        loop = asyncio.get_running_loop()
        for other in [other for other in self._clients if other.is_closed()]:
            del self._clients[other]            # its connections went with it
        if loop not in self._clients:
            http = _library()
            headers = {"Content-Type": "application/json"}
            if self._key:
                headers["Authorization"] = f"Bearer {self._key}"
            limits = http.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=IDLE)
            self._clients[loop] = http.AsyncClient(headers=headers, transport=http.AsyncHTTPTransport(limits=limits))
        return self._clients[loop]

    def close(self) -> None:
        """Nothing more is sent. Connections that a running loop keeps open are closed by it."""
        self._closed = True
        for loop, client in list(self._clients.items()):
            if loop.is_running():
                asyncio.run_coroutine_threadsafe(client.aclose(), loop)
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


async def _beginning(answer: Any) -> bytes:
    found = b""
    async for piece in answer.aiter_bytes():
        found += piece
        if len(found) > MOST_ERROR:
            break
    return found


def _json(text: str | bytes) -> Any:
    """None for what is no JSON."""
    try:
        return json.loads(text)
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
        return importlib.import_module("httpx2")
    except ImportError as error:
        raise EngineError(f"an engine behind a URL needs httpx2 ({error}): pip install 'toolglot[remote]'") from None


__all__ = ["Refused", "Timeouts", "Unreachable", "Wire"]
