"""A server with a script: to a gateway it is vLLM, and beside that OpenAI's chat completions, with the same reply.

What it writes stands in the prompt: `#17.200.5#` asks for 200 pieces of text and a call, 5 ms apart, each marked 17. It is
written on bare sockets, so that on a shared machine it takes little from what stands before it. It cuts a prompt into
about as many tokens as real tokenizers do; its answers have the form of vLLM 0.32.0's. `/stats` counts the streams.
"""

from __future__ import annotations

import argparse
import asyncio
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
import uvloop

from toolglot.engines.proof import WORD

MODEL = "scripted"
CONTEXT = 32768
SCRIPT = re.compile(r"#(\d+)\.(\d+)\.(\d+)#")
TOKEN = re.compile(r"<\|\w+\|>|</?tool_call>|#\d+\.\d+\.\d+#| ?[A-Za-z]{1,6}|[^A-Za-z<#]{1,3}|[\s\S]")
SPECIAL = {"<|endoftext|>": 0, "<|im_start|>": 1, "<|im_end|>": 2, "<tool_call>": 3, "</tool_call>": 4}
SCRIPTS = 1 << 40               # ids from here on are scripts, each one token
EACH = 10_000                   # what a script's numbers stay under, but for the marker
TOOL = "get_weather_0"          # the first of `common.tools`


class Script(NamedTuple):
    marker: int
    pieces: int
    pause: int                  # milliseconds between two pieces

    def __str__(self) -> str:
        return f"#{self.marker}.{self.pieces}.{self.pause}#"

    @property
    def words(self) -> list[str]:
        return [f"m{self.marker}.{i} " for i in range(self.pieces)]

    @property
    def arguments(self) -> str:
        return f'{{"city": "m{self.marker}", "days": 3}}'


def script_of(text: str) -> Script:
    found = SCRIPT.findall(text)
    return Script(*map(int, found[-1])) if found else Script(0, 1, 0)


def tokens_of(text: str) -> list[tuple[str, int]]:
    return [(part, _id(part)) for part in TOKEN.findall(text)]


def _id(part: str) -> int:
    if part in SPECIAL:
        return SPECIAL[part]
    if part[0] == "#" and len(part) > 1:
        marker, pieces, pause = script_of(part)
        return SCRIPTS + (marker * EACH + pieces) * EACH + pause
    return 1000 + sum(map(ord, part)) * 31 % 100_000


def scripted(ids: Sequence[int]) -> Script:
    """The script among the tokens of a prompt."""
    rest, pause = divmod(max(ids) - SCRIPTS, EACH)
    return Script(*divmod(rest, EACH), pause) if rest >= 0 else Script(0, 1, 0)


# -- the reply, cut into events --------------------------------------------------------------------------------


def _frame(data: bytes) -> bytes:
    event = b"data: " + data + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(event), event)


DONE, END = _frame(b"[DONE]"), b"0\r\n\r\n"


def fragments(script: Script) -> list[str]:
    """The arguments as a model writes them, some letters at a time."""
    text = script.arguments
    return [text[at:at + 6] for at in range(0, len(text), 6)]


@lru_cache(64)
def completion(script: Script, prompt: int) -> list[bytes]:
    """As vLLM streams a text: the call is in Hermes' format."""
    call = ["\n<tool_call>", '\n{"name": "', TOOL, '", "arguments": ', *fragments(script), "}\n", "</tool_call>"]
    texts = [*script.words, *call]
    head = b'{"id":"cmpl-1","object":"text_completion","created":1,"model":"%b","choices":' % MODEL.encode()

    def chunk(text: str, finish: bytes = b"null") -> bytes:
        return _frame(b'%b[{"index":0,"text":%b,"logprobs":null,"finish_reason":%b,"stop_reason":null,'
                      b'"prompt_token_ids":null,"token_ids":null}]}' % (head, orjson.dumps(text), finish))

    usage = b'"usage":{"prompt_tokens":%d,"total_tokens":%d,"completion_tokens":%d}' % (
        prompt, prompt + len(texts), len(texts))
    return [*map(chunk, texts), chunk("", b'"stop"') + _frame(b"%b[],%b}" % (head, usage)), DONE, END]


@lru_cache(64)
def conversation(script: Script) -> list[bytes]:
    """As OpenAI streams it."""
    head = b'{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"%b","choices":' % MODEL.encode()

    def chunk(delta: Any, finish: bytes = b"null") -> bytes:
        return _frame(b'%b[{"index":0,"delta":%b,"logprobs":null,"finish_reason":%b}]}' % (
            head, orjson.dumps(delta), finish))

    def call(**fields: Any) -> bytes:
        return chunk({"tool_calls": [{"index": 0, **fields}]})

    deltas = [chunk({"role": "assistant", "content": ""}), *[chunk({"content": word}) for word in script.words],
              call(id=f"call_{script.marker}", type="function", function={"name": TOOL, "arguments": ""}),
              *[call(function={"arguments": one}) for one in fragments(script)]]
    usage = b'"usage":{"prompt_tokens":900,"total_tokens":%d,"completion_tokens":%d}' % (900 + len(deltas), len(deltas))
    return [*deltas, chunk({}, b'"tool_calls"') + _frame(b"%b[],%b}" % (head, usage)), DONE, END]


# -- the server ------------------------------------------------------------------------------------------------


class Counts:
    """Of connections; of streams begun, written to their end, and left by whoever had asked."""

    connections = begun = finished = left = 0


class Speaker(asyncio.Protocol):
    """One connection. Whoever reads slowly is written to slowly."""

    def __init__(self, counts: Counts) -> None:
        self.counts, self.got = counts, b""
        self.pieces: Iterator[bytes] | None = None        # what is left of the reply
        self.pause, self.full, self.waits = 0.0, False, False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.counts.connections += 1
        self.loop = asyncio.get_running_loop()

    def connection_lost(self, error: Exception | None) -> None:
        if self.pieces is not None:
            self.pieces, self.counts.left = None, self.counts.left + 1

    def data_received(self, data: bytes) -> None:
        self.got += data
        head, end, body = self.got.partition(b"\r\n\r\n")
        if not end:
            return
        length = re.search(rb"(?i)\ncontent-length: *(\d+)", head)
        if length and len(body) < int(length[1]):
            return
        self.got = b""
        method, path, _ = head.split(b" ", 2)
        self.answer(path.decode(), orjson.loads(body) if method == b"POST" else None)

    def answer(self, path: str, body: Any) -> None:
        match path:
            case "/v1/completions" if body.get("stream"):
                prompt = body["prompt"]
                script = script_of(prompt) if isinstance(prompt, str) else scripted(prompt)
                self.stream(completion(script, len(prompt)), script)
            case "/v1/completions":
                said = WORD if body.get("structured_outputs") else " Paris"
                self.say({"id": "cmpl-1", "object": "text_completion", "created": 1, "model": MODEL, "choices": [
                    {"index": 0, "text": said, "logprobs": None, "finish_reason": "stop"}],
                    "usage": {"prompt_tokens": 5, "total_tokens": 9, "completion_tokens": 4}})
            case "/v1/chat/completions":
                script = script_of(orjson.dumps(body["messages"]).decode())
                self.stream(conversation(script), script)
            case "/tokenize":
                text = body.get("prompt") or "".join(
                    [f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in body["messages"]])
                found = tokens_of(text)
                strings = {"token_strs": [part for part, _ in found]} if body.get("return_token_strs") else {}
                self.say({"count": len(found), "max_model_len": CONTEXT, "tokens": [id for _, id in found], **strings})
            case "/v1/models":
                self.say({"object": "list", "data": [
                    {"id": MODEL, "object": "model", "created": 1, "owned_by": "vllm", "max_model_len": CONTEXT}]})
            case "/version":
                self.say({"version": "0.32.0"})
            case "/stats":
                counts = self.counts
                self.say({"connections": counts.connections, "begun": counts.begun, "finished": counts.finished,
                          "left": counts.left, "open": counts.begun - counts.finished - counts.left})
            case _:
                self.say({"detail": "Not Found"}, b"404 Not Found")

    def say(self, value: Any, status: bytes = b"200 OK") -> None:
        data = orjson.dumps(value)
        self.transport.write(b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
            status, len(data), data))

    def stream(self, pieces: Sequence[bytes], script: Script) -> None:
        self.counts.begun += 1
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        self.pieces, self.pause = iter(pieces), script.pause / 1000
        self.go_on()

    def go_on(self) -> None:
        """The next piece, if it is taken. The end is written by itself, as real servers do."""
        if self.pieces is None:
            return
        if self.full:
            self.waits = True
            return
        piece = next(self.pieces)
        self.transport.write(piece)
        if piece is END:
            self.pieces, self.counts.finished = None, self.counts.finished + 1
        else:
            self.loop.call_later(0 if piece is DONE else self.pause, self.go_on)

    def pause_writing(self) -> None:
        self.full = True

    def resume_writing(self) -> None:
        self.full = False
        if self.waits:
            self.waits = False
            self.go_on()


async def serve(port: int) -> None:
    counts = Counts()
    server = await asyncio.get_running_loop().create_server(lambda: Speaker(counts), "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(serve(parser.parse_args().port))
