"""A real HTTP/1.1 server on 127.0.0.1 that plays given answers, with a thread and a loop of its own.

What it is told to do wrong it does on the socket: nothing of a client is replaced.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

Piece = Union[bytes, float]                     # bytes are written, a number is slept for in seconds


@dataclass(frozen=True)
class Asked:
    """A request as it came in. The names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """`pieces` are written one by one, each a chunk of its own where `chunked`; else with a Content-Length.

    `whole` False: the connection is closed after the pieces, and the end is missing. `status` 0: it is closed before any
    of an answer.
    """

    pieces: Sequence[Piece] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    chunked: bool = True
    whole: bool = True


Play = Union[Answer, Sequence[Answer], Callable[[Asked], Answer]]
HANG_UP = Answer(status=0)


def as_json(value: Any, status: int = 200) -> Answer:
    return Answer([json.dumps(value).encode()], status, chunked=False)


def as_events(*values: Any, done: bool = True, pause: float = 0.0) -> Answer:
    """Server-sent events, a chunk each; text goes as it is, anything else as JSON."""
    texts = [value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in values]
    pieces: list[Piece] = []
    for text in [*texts, *(["[DONE]"] if done else [])]:
        pieces += [pause, f"data: {text}\n\n".encode()]
    return Answer(pieces, headers={"Content-Type": "text/event-stream"})


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at:at + size] for at in range(0, len(data), size)]


class Fake:
    """`plays`: a function of the request, or by path such a function, an answer, or several that are played in turn (the
    last again and again); other paths answer 404. Use it as a context manager; any thread and any loop may ask.

    `requests`: what came in. `left`: paths of answers whose client hung up before their end. `sent`: bytes of bodies that
    the system took. `connections`: how many were opened.
    """

    def __init__(self, plays: Mapping[str, Play] | Callable[[Asked], Answer]) -> None:
        self.plays = plays
        self.requests: list[Asked] = []
        self.left: list[str] = []
        self.sent = self.connections = 0
        self._turns: dict[str, int] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Fake:
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *of: object) -> None:
        async def end() -> None:
            self._server.close()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self._run(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def asked(self, path: str) -> list[Asked]:
        return [request for request in self.requests if request.path == path]

    def bodies(self, path: str) -> list[Any]:
        return [request.json for request in self.asked(path)]

    def wait(self, true: Callable[[], bool], seconds: float = 5.0) -> bool:
        """Whether it became true in time."""
        until = time.monotonic() + seconds
        while not true() and time.monotonic() < until:
            time.sleep(0.005)
        return true()

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        # Little room on the way, so that a client that does not read is felt soon.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        writer.transport.set_write_buffer_limits(high=0)
        early: bytes | None = b""
        try:
            while early is not None and (asked := await _request(early, reader)):
                early = await self._answer(asked, reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes | None:
        """What came of the next request meanwhile; None: the connection is over."""
        self.requests.append(asked)
        answer = self._pick(asked)
        if answer.status == 0:
            return None
        playing = asyncio.ensure_future(self._play(answer, writer))
        leaving = asyncio.ensure_future(_more(reader))
        await asyncio.wait([playing, leaving], return_when=asyncio.FIRST_COMPLETED)
        if leaving.done() and leaving.result():                 # the client has all of it, and asks on
            await asyncio.wait([playing])
        if not playing.done() or playing.exception():
            playing.cancel()
            self.left.append(asked.path)
            return None
        leaving.cancel()
        await asyncio.wait([leaving])
        early = b"" if leaving.cancelled() else leaving.result() or None
        return early if answer.whole else None

    def _pick(self, asked: Asked) -> Answer:
        if callable(self.plays):
            return self.plays(asked)
        play = self.plays.get(asked.path)
        if play is None:
            return as_json({"error": {"message": "not here"}}, 404)
        if isinstance(play, Answer):
            return play
        if callable(play):
            return play(asked)
        turn = self._turns.get(asked.path, 0)
        self._turns[asked.path] = turn + 1
        return play[min(turn, len(play) - 1)]

    async def _play(self, answer: Answer, writer: asyncio.StreamWriter) -> None:
        data = [piece for piece in answer.pieces if isinstance(piece, bytes)]
        size = "Transfer-Encoding: chunked" if answer.chunked else f"Content-Length: {sum(map(len, data))}"
        lines = [f"HTTP/1.1 {answer.status} Played", *(f"{name}: {value}" for name, value in answer.headers.items()), size]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        for piece in answer.pieces:
            if not isinstance(piece, bytes):
                await asyncio.sleep(piece)
            elif piece:
                writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if answer.chunked else piece)
                await writer.drain()
                self.sent += len(piece)
        if answer.chunked and answer.whole:
            writer.write(b"0\r\n\r\n")
        await writer.drain()


async def _more(reader: asyncio.StreamReader) -> bytes:
    """The next byte that the client sends; none, when it has hung up."""
    try:
        return await reader.read(1)
    except ConnectionError:
        return b""


async def _request(early: bytes, reader: asyncio.StreamReader) -> Asked | None:
    """The next request, of which `early` was read already; None where there is none."""
    try:
        head = (early + await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        if "chunked" in headers.get("transfer-encoding", ""):
            raise ValueError("this server takes no chunked requests")
        return Asked(method, path, headers, await reader.readexactly(int(headers.get("content-length", 0))))
    except asyncio.IncompleteReadError:
        return None


def closed_port() -> int:
    """A port that nothing listens at."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])
