"""A client that asks for streams on bare sockets and takes little for it: so many at a time, each read to its end."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from scripted_upstream import MODEL, Script
from servers import Server

LAST = b"0\r\n\r\n"             # a chunked body's end
PATIENCE = 120.0                # seconds over what its script takes, after which a stream is lost
HELLO = "You plan journeys, in few words, and look up what you do not know."


def request(script: Script, tools: list[Any], path: str = "/v1/chat/completions") -> bytes:
    """What a client sends: a short conversation, the tools, and the script that the upstream goes by."""
    body = orjson.dumps({"model": MODEL, "messages": [
        {"role": "system", "content": HELLO},
        {"role": "user", "content": f"I am in Lyon for three days, what should I bring? {script}"}],
        "tools": tools, "stream": True, "temperature": 0.2, "stream_options": {"include_usage": True}})
    return (f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAuthorization: Bearer none\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


@dataclass
class Stream:
    """What came of a request. Times are seconds since it was sent; `wrong` says what is not as it should be."""

    script: Script
    head: bytes = b""
    body: bytearray = field(default_factory=bytearray)
    first: float = 0.0
    whole: float = 0.0
    reads: int = 0
    wrong: str = ""

    def events(self) -> list[Any]:
        return [orjson.loads(data) for data in re.findall(rb"(?m)^data: (\{.*)$", unchunked(bytes(self.body)))]


class Line:
    """A connection to a server, opened when it is needed, kept as long as it may be."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.ends: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, script: Script, data: bytes, leave: Callable[[Stream], bool] | None = None) -> Stream:
        """The stream that a request is answered with. Hangs up when `leave` says so."""
        stream = Stream(script)
        try:
            await asyncio.wait_for(self._get(stream, data, leave), PATIENCE + script.pieces * script.pause / 1000)
        except (OSError, asyncio.TimeoutError, EOFError) as error:
            stream.wrong = f"the connection failed: {type(error).__name__} {error}".strip()
            self.close()
        return stream

    async def _get(self, stream: Stream, data: bytes, leave: Callable[[Stream], bool] | None) -> None:
        if self.ends is None:
            self.ends = await asyncio.open_connection("127.0.0.1", self.server.port, limit=1 << 20)
        reader, writer = self.ends
        began = time.perf_counter()
        writer.write(data)
        stream.head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in stream.head[:16]:
            said = await asyncio.wait_for(reader.read(1 << 16), 5)
            stream.wrong = f"it answered {stream.head[9:12].decode()}: {said.decode(errors='replace')[:400]}"
            self.close()
            return
        while not stream.body.endswith(LAST):
            if not (got := await reader.read(1 << 16)):
                raise EOFError("it was cut")
            stream.reads += 1
            stream.first = stream.first or time.perf_counter() - began
            stream.body += got
            if leave and leave(stream):
                self.close()
                return
        stream.whole = time.perf_counter() - began

    def close(self) -> None:
        if self.ends:
            self.ends[1].transport.abort()
            self.ends = None


def unchunked(body: bytes) -> bytes:
    out, at = [], 0
    while size := int(body[at:(end := body.index(b"\r\n", at))], 16):
        out.append(body[end + 2:end + 2 + size])
        at = end + 4 + size
    return b"".join(out)


def judged(stream: Stream) -> str:
    """What is wrong with a whole stream of chat completions, or nothing: its words, its call, its end, and no others'."""
    text, arguments, ids, finish = "", "", set(), []
    for event in stream.events():
        ids.add(event.get("id"))
        for choice in event.get("choices") or ():
            delta = choice["delta"]
            text += delta.get("content") or ""
            arguments += "".join(call["function"].get("arguments") or "" for call in delta.get("tool_calls") or ())
            finish += [choice["finish_reason"]] if choice.get("finish_reason") else []
    if text.strip() != "".join(stream.script.words).strip():
        return f"its words are not those of {stream.script}: {text[:60]!r}"
    if not arguments or orjson.loads(arguments) != orjson.loads(stream.script.arguments):
        return f"its call is not that of {stream.script}: {arguments[:60]!r}"
    if finish != ["tool_calls"] or len(ids) != 1 or not stream.body.endswith(b"data: [DONE]\n\n\r\n" + LAST):
        return f"it has {len(ids)} ids, and ended in {finish}"
    return ""


async def many(server: Server, at_a_time: int, count: int, script: Callable[[int], Script],
               tools: list[Any]) -> list[Stream]:
    """So many requests, so many of them at a time, on connections that are kept."""
    numbers, found = iter(range(count)), []

    async def one() -> None:
        line = Line(server)
        for number in numbers:
            wanted = script(number)
            stream = await line.get(wanted, request(wanted, tools))
            stream.wrong = stream.wrong or judged(stream)
            found.append(stream)
        line.close()

    await asyncio.gather(*[one() for _ in range(min(at_a_time, count))])
    return found
