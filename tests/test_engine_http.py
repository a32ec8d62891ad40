"""The wire that all engines behind a URL share, against a real server on a socket that does what servers do wrong."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import sys
import time
import warnings
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, aclosing
from typing import Any

import pytest

from fakes import HANG_UP, Answer, Asked, Fake, as_events, as_json, closed_port, cut
from toolglot.engines import EngineError, http
from toolglot.engines.http import Refused, Timeouts, Unreachable, Wire, dumps, loads

pytest.importorskip("aiohttp", reason="engines behind a URL need aiohttp: pip install 'toolglot[remote]'")

KEY = "sk-0123456789abcdef"
QUICK = Timeouts(connect=2.0, answer=2.0, piece=2.0)
EXOTIC = "a\u2028b\u2029c\x85d\x7fe\u200bf é😀日本"        # lines end there, for some; JSON holds them as they are


def wire(fake: Fake, key: str | None = None, timeouts: Timeouts = QUICK) -> Wire:
    return Wire(fake.url, key, timeouts)


def ask(wire: Wire, path: str = "/x", body: Any = None) -> Any:
    return asyncio.run(wire.ask(path, body))


def lines(wire: Wire, path: str = "/x") -> list[str]:
    async def read() -> list[str]:
        return [line async for line in wire.lines(path, {})]

    return asyncio.run(read())


def events(wire: Wire, path: str = "/x") -> list[Any]:
    async def read() -> list[Any]:
        return [event async for event in wire.events(path, {})]

    return asyncio.run(read())


# ---------------------------------------------------------------- addresses

@pytest.mark.parametrize(("url", "path"), [
    ("", "/v1/x"), ("/", "/v1/x"), ("/base", "/base/v1/x"), ("/base/", "/base/v1/x"), ("/a/b//", "/a/b/v1/x")])
def test_a_path_of_the_address_is_kept(url: str, path: str) -> None:
    with Fake({path: as_json({"ok": True})}) as fake:
        assert ask(Wire(fake.url + url), "/v1/x") == {"ok": True}
        assert ask(Wire(f"127.0.0.1:{fake.port}{url}"), "/v1/x") == {"ok": True}


def test_https_stays_https() -> None:
    assert Wire("https://example.org/base/").url == "https://example.org/base"
    with Fake({}) as fake, pytest.raises(EngineError, match=f"https://127.0.0.1:{fake.port} cannot be reached"):
        ask(Wire(f"https://127.0.0.1:{fake.port}", timeouts=Timeouts(connect=0.1)))        # it speaks no TLS


@pytest.mark.parametrize("url", [
    "", "http://", "ftp://host", "file:///etc/passwd", "http://[::1", "http://host:99999", "http://host:port",
    "http://a b/", "http://:8080", "unix:///run/x.sock", "http:///x"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(EngineError, match="no address of a server"):
        Wire(url)


def test_a_host_that_no_name_can_be() -> None:
    with pytest.raises(EngineError, match=r"is no address|cannot be reached"):
        ask(Wire(f"http://{'a' * 70}.invalid", timeouts=Timeouts(connect=1.0)))


@pytest.mark.parametrize("url", [
    "http://user:secret@host", "http://host/?key=secret", "http://host/#secret", "ftp://user:secret@host/?key=secret",
    "ftp://host#secret"])
def test_a_secret_in_an_address_is_not_repeated(url: str) -> None:
    with pytest.raises(EngineError) as caught:
        Wire(url)
    assert "secret" not in str(caught.value)


# ---------------------------------------------------------------- one answer

def test_get_without_a_body_and_post_with_one() -> None:
    with Fake({"/x": lambda asked: as_json({"method": asked.method, "body": asked.body.decode()})}) as fake:
        assert ask(wire(fake)) == {"method": "GET", "body": ""}
        assert ask(wire(fake), body={"a": "é\ud800"}) == {"method": "POST", "body": '{"a": "\\u00e9\\ud800"}'}
        assert fake.requests[1].headers["content-type"] == "application/json"


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_an_answer_may_come_in_any_pieces(size: int) -> None:
    value = {"text": EXOTIC}
    with Fake({"/x": Answer(cut(json.dumps(value, ensure_ascii=False).encode(), size))}) as fake:
        assert ask(wire(fake)) == value


@pytest.mark.parametrize("text", ["", "OK", "<html><body>Welcome to nginx</body></html>", "{", "\xff\xfe", "[" * 100_000])
def test_an_answer_that_is_no_json(text: str) -> None:
    with Fake({"/x": Answer([text.encode("latin-1")], chunked=False)}) as fake, \
            pytest.raises(EngineError, match=rf"{fake.url}/x answered what is no JSON: .*the right address") as caught:
        ask(wire(fake))
    assert "<" not in str(caught.value)
    assert len(str(caught.value)) < 800


@pytest.mark.parametrize(("body", "words"), [
    ('{"error": {"message": "too long", "type": "x", "code": 400}}', "too long"),
    ('{"error": "no such model"}', "no such model"),
    ('{"error": {"type": "strange"}}', '"type": "strange"'),
    ('{"error": {"message": null, "code": 7}}', '"code": 7'),
    ('{"detail": [{"loc": ["body", "x"], "msg": "field required"}]}', r"body\.x: field required"),
    ('{"detail": "Not Found"}', "Not Found"),
    ('{"message": "plain", "error": "Bad Request"}', "plain"),
    ('[{"error": {"message": "in a list"}}]', "in a list"),
    ('{"error": {"message": "two\\nlines\\tand \\u001b[31mred"}}', r"two lines and \[31mred"),
    ("<html><head><style>p {}</style><title>502</title></head><body><p>Bad Gateway</p></body></html>", "502 Bad Gateway"),
    ("upstream timed out", "upstream timed out"),
    ('"words"', "words"),
    ("", "no reason"), ("{}", "{}"), ("[]", r"\[\]"), ("\xff\xfe", "��"),
    ('{"error": "' + "x" * 50_000 + '"}', "x{599}…"),
])
def test_what_went_wrong_is_found_wherever_it_is(body: str, words: str) -> None:
    with Fake({"/x": Answer([body.encode("latin-1")], 400)}) as fake, \
            pytest.raises(Refused, match=f"^{fake.url}/x answered 400: .*{words}") as caught:
        ask(wire(fake))
    assert caught.value.status == 400
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 800


@pytest.mark.parametrize(("status", "key", "words"), [
    (301, None, "elsewhere"), (307, None, "elsewhere"), (401, None, "it wants a key"), (401, KEY, "its key was refused"),
    (403, KEY, "does not allow"), (404, None, "right address, and the right model"), (429, None, "later"),
    (500, None, "500: sorry"), (503, None, "503: sorry")])
@pytest.mark.parametrize("read", [ask, lines, events])
def test_a_refusal_says_what_to_do(read: Callable[[Wire], Any], status: int, key: str | None, words: str) -> None:
    headers = {"Location": "http://127.0.0.1:9/"}
    with Fake({"/x": Answer([b'{"error": "sorry"}'], status, headers)}) as fake, \
            pytest.raises(Refused, match=words):
        read(wire(fake, key))
    assert len(fake.requests) == 1              # no redirect is followed, nothing is asked twice


def test_a_refusal_without_an_end_is_read_to_a_bound() -> None:
    with Fake({"/x": Answer([b"x" * 10_000] * 10_000, 500)}) as fake, pytest.raises(Refused, match="x…"):
        ask(wire(fake))
    assert fake.sent < 5_000_000


# ---------------------------------------------------------------- the key

def test_the_key_is_sent_and_shown_nowhere() -> None:
    echo = {"error": {"message": f"Incorrect API key provided: {KEY}"}}
    plays = {"/json": as_json(echo, 401), "/text": Answer([KEY.encode()]), "/event": as_events(echo),
             "/words": as_events(KEY), "/named": Answer([f"event: error\nerror: {KEY}\n\n".encode()]),
             "/long": Answer([b"x" * 590 + KEY.encode()], 500)}
    with Fake(plays) as fake:
        said = []
        for path in plays:
            for read in (ask, events):
                try:
                    read(wire(fake, KEY), path)
                except EngineError as error:
                    said += [str(error), repr(error), *map(str, error.args)]
        assert said
        assert not [words for words in said if KEY[:10] in words]
        assert all(asked.headers["authorization"] == f"Bearer {KEY}" for asked in fake.requests)
        assert KEY not in repr(wire(fake, KEY))
        assert KEY not in str(wire(fake, KEY).__dict__.get("url"))


@pytest.mark.parametrize("key", [f"{KEY}\n", f" {KEY}", f"{KEY}é", f"{KEY} {KEY}"])
def test_a_key_that_is_none_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(EngineError, match="the key for host") as caught:
        Wire("http://host", key)
    assert KEY not in str(caught.value)


def test_without_a_key_none_is_sent() -> None:
    with Fake({"/x": as_json(1)}) as fake:
        ask(wire(fake))
        ask(wire(fake, ""))
    assert all("authorization" not in asked.headers for asked in fake.requests)


# ---------------------------------------------------------------- connecting, and losing the connection

def test_a_closed_port_is_tried_again_and_then_told() -> None:
    start = time.perf_counter()
    with pytest.raises(EngineError, match=r"cannot be reached .*is the server running"):
        ask(Wire(f"http://127.0.0.1:{closed_port()}"))
    assert 1 < time.perf_counter() - start < 6


@pytest.mark.skipif(sys.platform != "linux", reason="others do not drop what does not fit into a full queue")
def test_a_host_that_says_nothing_at_all_is_not_waited_for_again() -> None:
    with socket.socket() as deaf, ExitStack() as held:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for _ in range(4):                      # its queue is full then
            caller = held.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(deaf.getsockname())
        start = time.perf_counter()
        with pytest.raises(Unreachable, match="cannot be reached"):
            ask(Wire(f"http://127.0.0.1:{deaf.getsockname()[1]}", timeouts=Timeouts(connect=0.4)))
        assert time.perf_counter() - start < 1.2


def test_a_server_that_is_there_a_moment_later_is_reached() -> None:
    async def run() -> Any:
        port = closed_port()
        question = asyncio.ensure_future(Wire(f"http://127.0.0.1:{port}").ask("/x"))
        await asyncio.sleep(0.2)

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\n7")
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", port):
            return await question

    assert asyncio.run(run()) == 7


@pytest.mark.parametrize("read", [ask, lambda wire: ask(wire, body={"a": 1}), lines, events])
def test_a_request_that_arrived_is_never_sent_twice(read: Callable[[Wire], Any]) -> None:
    with Fake({"/x": HANG_UP}) as fake:
        with pytest.raises(EngineError, match=f"{fake.url}/x hung up"):
            read(wire(fake))
        assert len(fake.requests) == 1


@pytest.mark.parametrize("body", [None, {"a": 1}])
def test_a_request_on_a_connection_that_was_kept_is_never_sent_twice(body: Any) -> None:
    async def run(fake: Fake) -> None:
        one = wire(fake)
        await one.ask("/x", body)
        with pytest.raises(EngineError, match=f"{fake.url}/x hung up"):
            await one.ask("/x", body)

    with Fake({"/x": [as_json(1), HANG_UP]}) as fake:
        asyncio.run(run(fake))
        assert (len(fake.requests), fake.connections) == (2, 1)


@pytest.mark.parametrize("read", [lines, events])
def test_a_server_that_hangs_up_in_mid_reply(read: Callable[[Wire], Any]) -> None:
    with Fake({"/x": Answer([b'data: {"a": 1}\n', b'data: {"a'], whole=False)}) as fake:
        with pytest.raises(EngineError, match=f"{fake.url}/x hung up"):
            read(wire(fake))
        assert len(fake.requests) == 1


def test_what_is_no_http() -> None:
    async def run() -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(f"SSH-2.0-OpenSSH {KEY}\r\n".encode())
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            await Wire(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", KEY).ask("/x")

    with pytest.raises(EngineError, match="hung up") as caught:
        asyncio.run(run())
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(("read", "timeouts"), [
    (ask, Timeouts(answer=0.1)), (lines, Timeouts(piece=0.1)), (events, Timeouts(piece=0.1))])
@pytest.mark.parametrize("pieces", [[0.6, b"7"], [b"data: 1\n\n", 0.6, b"data: 2\n\n"]])
def test_silence_is_timed(read: Callable[[Wire], Any], timeouts: Timeouts, pieces: list[bytes | float]) -> None:
    with Fake({"/x": Answer(pieces)}) as fake, \
            pytest.raises(EngineError, match=r"/x sent nothing for 0\.1 seconds.*longer timeout"):
        read(wire(fake, timeouts=timeouts))


def test_a_server_that_takes_nothing_of_a_request_is_silent() -> None:
    async def run() -> None:
        async def idle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(60)

        async with await asyncio.start_server(idle, "127.0.0.1", 0, limit=1024) as server:
            one = Wire(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeouts=Timeouts(0.5, answer=0.1))
            with pytest.raises(EngineError, match=r"/x sent nothing for 0\.1 seconds"):
                await one.ask("/x", "x" * 50_000_000)

    start = time.perf_counter()
    asyncio.run(run())
    assert time.perf_counter() - start < 5


def test_a_slow_reply_that_goes_on_is_no_silence() -> None:
    with Fake({"/x": as_events(*range(6), pause=0.1)}) as fake:
        assert events(wire(fake, timeouts=Timeouts(piece=0.5))) == [0, 1, 2, 3, 4, 5]


def test_a_reader_that_takes_its_time_is_no_silence() -> None:
    async def run(one: Wire) -> list[Any]:
        found = []
        async with aclosing(one.events("/x", {})) as stream:
            async for event in stream:
                found.append(event)
                await asyncio.sleep(0.3)                 # longer than the server may be silent
        return found

    with Fake({"/x": as_events(0, 1, 2)}) as fake:
        assert asyncio.run(run(wire(fake, timeouts=Timeouts(piece=0.1)))) == [0, 1, 2]


# ---------------------------------------------------------------- streams

STREAM = "".join(json.dumps({"text": text}, ensure_ascii=False) + end for text, end in
                 [("one", "\n"), (EXOTIC, "\r\n"), ("", "\n\n\r\n\n"), ("x" * 5000, "\n"), ("the last", "")])
TEXTS = ["one", EXOTIC, "", "x" * 5000, "the last"]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64, 100_000])
@pytest.mark.parametrize("chunked", [True, False])
def test_lines_may_be_cut_anywhere(size: int, chunked: bool) -> None:
    with Fake({"/x": Answer(cut(STREAM.encode(), size), chunked=chunked)}) as fake:
        assert [json.loads(line)["text"] for line in lines(wire(fake))] == TEXTS


def test_lines_cut_at_each_place() -> None:
    data = '{"t": "é😀\u2028"}\r\n{"t": "b"}'.encode()
    with Fake({"/x": [Answer([data[:at], data[at:]]) for at in range(len(data) + 1)]}) as fake:
        one = wire(fake)
        assert all(lines(one) == ['{"t": "é😀\u2028"}', '{"t": "b"}'] for _ in range(len(data) + 1))


def test_a_stream_may_be_empty() -> None:
    with Fake({"/x": Answer([])}) as fake:
        assert (lines(wire(fake)), events(wire(fake))) == ([], [])


def test_a_line_without_an_end_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolglot.engines.http.MOST_LINE", 1 << 20)
    with Fake({"/x": Answer([b"x" * 65536] * 100)}) as fake:
        with pytest.raises(EngineError, match="a line of more than 1 MiB"):
            lines(wire(fake))
        assert fake.wait(lambda: fake.left == ["/x"])


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_events(size: int) -> None:
    data = (': ping\n\nevent: token\nid: 7\nretry: 10\ndata: {"t": "' + EXOTIC + '"}\r\n\r\ndata:2\n\ndata:\n\n'
            'data: [3]\n\ndata: [DONE]\n\ndata: 4\n\n').encode()
    with Fake({"/x": Answer(cut(data, size))}) as fake:
        assert events(wire(fake)) == [{"t": EXOTIC}, 2, [3]]


def test_events_may_end_without_saying_so() -> None:
    with Fake({"/x": Answer([b"data: 1\n\ndata: 2"])}) as fake:
        assert events(wire(fake)) == [1, 2]


@pytest.mark.parametrize(("line", "words"), [
    ('data: {"error": {"message": "out of memory", "code": 500}}', "failed in mid-reply: out of memory"),
    ('data: {"error": "gone"}', "failed in mid-reply: gone"),
    ('error: {"code": 500, "message": "old style"}', "failed in mid-reply: old style"),
    ("error: words", "failed in mid-reply: words"),
    ('event: error\ndata: {"code": 500, "message": "named"}', "failed in mid-reply: named"),
    ("data: {broken", "an event that is no JSON: {broken"),
    ("data: <p>oops</p>", "an event that is no JSON: oops"),
])
def test_an_error_among_the_events(line: str, words: str) -> None:
    with Fake({"/x": Answer([f"data: 1\n\n{line}\n\ndata: 2\n\n".encode()])}) as fake:
        found: list[Any] = []

        async def read() -> None:
            async for event in wire(fake).events("/x", {}):
                found.append(event)

        with pytest.raises(EngineError, match=words):
            asyncio.run(read())
        assert found == [1]


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize(("data", "value"), [
    (b'"a\xff"', "a�"), (b"18446744073709551616", 2 ** 64), (b'{"a": -123456789012345678901234567890}',
    {"a": -123456789012345678901234567890}), (b"18446744073709551615", 2 ** 64 - 1), (b"[Infinity]", [float("inf")]),
    (rb'"\ud800"', "\ud800"), (b"1e999", float("inf")), (b'{"a": 1, "a": 2}', {"a": 2}), (b"-0.12345678901234567890123",
    -0.12345678901234567890123)])
def test_json_is_read_as_json_reads_it(monkeypatch: pytest.MonkeyPatch, data: bytes, value: Any, fast: bool) -> None:
    if fast:
        pytest.importorskip("orjson", reason="orjson is not installed")
    else:
        monkeypatch.setattr(http, "_orjson", lambda: None)
    assert loads(data) == value
    with Fake({"/x": Answer([b"data: " + data + b"\n\n"])}) as fake:
        assert events(wire(fake)) == [value]


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("value", [{"a": "é😀"}, "\ud800", 2 ** 70, {1: (2, 3.5)}, [None, True], "\x7f\u2028"])
def test_json_is_written_as_json_writes_it(monkeypatch: pytest.MonkeyPatch, value: Any, fast: bool) -> None:
    if fast:
        pytest.importorskip("orjson", reason="orjson is not installed")
    else:
        monkeypatch.setattr(http, "_orjson", lambda: None)
    assert json.loads(dumps(value)) == json.loads(json.dumps(value))
    with pytest.raises(TypeError):
        dumps({"a": object()})


def test_an_event_with_an_empty_error_is_an_event() -> None:
    with Fake({"/x": as_events({"error": None, "a": 1})}) as fake:
        assert events(wire(fake)) == [{"error": None, "a": 1}]


# ---------------------------------------------------------------- a consumer that is slow, or leaves

@pytest.mark.parametrize("name", ["lines", "events"])
def test_closing_early_hangs_up(name: str) -> None:
    async def run(fake: Fake) -> None:
        one = wire(fake)
        async with aclosing(getattr(one, name)("/x", {})) as stream:
            async for _ in stream:
                break
        assert await asyncio.to_thread(fake.wait, lambda: fake.left == ["/x"])

    with Fake({"/x": Answer([b"data: 1\n\n", 60.0, b"data: 2\n\n"])}) as fake:
        asyncio.run(run(fake))


@pytest.mark.parametrize("pieces", [[60.0], [b"data: 1\n\n", 60.0]])
def test_cancelling_hangs_up(pieces: list[bytes | float]) -> None:
    async def run(fake: Fake) -> None:
        one = wire(fake, timeouts=Timeouts())

        async def read() -> None:
            async for _ in one.events("/x", {}):
                pass

        task = asyncio.ensure_future(read())
        assert await asyncio.to_thread(fake.wait, lambda: len(fake.requests) == 1)
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(fake.wait, lambda: fake.left == ["/x"])

    with Fake({"/x": Answer(pieces)}) as fake:
        asyncio.run(run(fake))


def test_a_slow_consumer_makes_the_server_wait() -> None:
    piece = b"data: " + b"1" * 16_000 + b"\n\n"
    whole = 4000 * len(piece)                   # 64 MB

    async def run(fake: Fake) -> int:
        count = 0
        async with aclosing(wire(fake).lines("/x", {})) as stream:
            async for _ in stream:
                count += 1
                if count == 3:
                    held = -1
                    while fake.sent != held:    # until what lies between the two is full
                        held = fake.sent
                        await asyncio.sleep(0.3)
                    assert held < whole / 4
                if count == 500:
                    return fake.sent
        raise AssertionError

    with Fake({"/x": Answer([piece] * 4000)}) as fake:
        assert asyncio.run(run(fake)) >= 500 * len(piece)
        assert fake.wait(lambda: fake.left == ["/x"])


def test_many_at_once() -> None:
    async def run(fake: Fake) -> list[list[Any]]:
        one = wire(fake)

        async def read() -> list[Any]:
            return [event async for event in one.events("/x", {})]

        return await asyncio.gather(*(read() for _ in range(20)))

    with Fake({"/x": as_events(*range(5), pause=0.1)}) as fake:
        start = time.perf_counter()
        assert asyncio.run(run(fake)) == [[0, 1, 2, 3, 4]] * 20
        assert time.perf_counter() - start < 6          # one after another take 12
        assert fake.connections == 20


def test_as_many_connections_as_there_are_requests() -> None:
    async def run(fake: Fake) -> None:
        one = wire(fake, timeouts=Timeouts(answer=20.0))
        await asyncio.gather(*(one.ask("/x") for _ in range(150)))

    with Fake({"/x": Answer([1.0, b"1"])}) as fake:
        asyncio.run(run(fake))
        assert fake.connections == 150


# ---------------------------------------------------------------- loops, connections and closing

def test_a_connection_is_used_again() -> None:
    async def run(fake: Fake) -> None:
        one = wire(fake)
        for _ in range(3):
            assert await one.ask("/x") == 1

    with Fake({"/x": as_json(1)}) as fake:
        asyncio.run(run(fake))
        assert (len(fake.requests), fake.connections) == (3, 1)


def test_one_loop_after_another() -> None:
    with Fake({"/x": as_json(1), "/s": as_events(1, 2)}) as fake:
        one = wire(fake)
        for _ in range(3):
            assert ask(one) == 1
            assert events(one, "/s") == [1, 2]
        assert len(one._clients) <= 1           # those of loops that are gone are gone
        one.close()


def test_nothing_is_left_open(caplog: pytest.LogCaptureFixture) -> None:
    async def run(fake: Fake) -> Any:
        wire(fake).close()
        forgotten, closed, kept = wire(fake), wire(fake), wire(fake)
        for one in (forgotten, closed, kept):
            await one.ask("/x")
        sessions = [one._clients[asyncio.get_running_loop()][1] for one in (forgotten, closed, kept)]
        closed.close()
        del forgotten, one
        await asyncio.sleep(0.05)
        assert [session.closed for session in sessions] == [True, True, False]
        return kept, sessions[2]

    with Fake({"/x": as_json(1)}) as fake, warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        kept, session = asyncio.run(run(fake))
        assert session.closed                   # with its loop
        del kept, session
        gc.collect()
    assert not caplog.records


def test_a_closed_wire_sends_nothing() -> None:
    async def run(fake: Fake) -> None:
        one = wire(fake)
        await one.ask("/x")
        one.close()
        one.close()
        reads: list[Awaitable[Any]] = [one.ask("/x"), anext(one.lines("/x", {})), anext(one.events("/x", {}))]
        for read in reads:
            with pytest.raises(EngineError, match=f"the engine at {fake.url} is closed"):
                await read

    with Fake({"/x": as_json(1)}) as fake:
        asyncio.run(run(fake))
        assert len(fake.requests) == 1


def test_a_connection_that_grew_old_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolglot.engines.http.IDLE", 0.05)

    async def run(fake: Fake) -> None:
        one = wire(fake)
        await one.ask("/x")
        await asyncio.sleep(0.2)
        await one.ask("/x")

    with Fake({"/x": as_json(1)}) as fake:
        asyncio.run(run(fake))
        assert fake.connections == 2


def test_without_the_library_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with pytest.raises(EngineError, match=r"pip install 'toolglot\[remote\]'"):
        ask(Wire("http://127.0.0.1:9"))


def test_the_fake_tells_what_it_was_asked() -> None:
    def play(asked: Asked) -> Answer:
        return as_json([asked.method, asked.json])

    with Fake({"/x": play}) as fake:
        assert ask(wire(fake), body={"a": [1]}) == ["POST", {"a": [1]}]
        with pytest.raises(Refused, match="404: not here"):
            ask(wire(fake), "/y")
