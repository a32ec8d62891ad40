"""What stands before the application: every rule of the gate, message by message."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import sys
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("starlette", reason="the server needs starlette")
pytest.importorskip("prometheus_client", reason="the server needs prometheus-client")

from toolglot.message import ToolglotError
from toolglot.serve import exchange as exchanges
from toolglot.serve import logs
from toolglot.serve.bodies import BLOCK, is_deeper, look_at
from toolglot.serve.exchange import App, Message, Receive, Refusal, Refused, Scope, Send
from toolglot.serve.gate import gated
from toolglot.serve.metrics import Metrics, path_of
from toolglot.serve.settings import Settings

CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
T = TypeVar("T")
GONE: Message = {"type": "http.disconnect"}


def part(body: bytes, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


class Client:
    """One request: what it sends, in order, and what came back. It stays until `leave` is called."""

    def __init__(self, *parts: Message, path: str = CHAT, method: str = "POST", **headers: str) -> None:
        self.parts, self.sent, self.asked, self.left = list(parts), list[Message](), 0, asyncio.Event()
        self.scope: Scope = {"type": "http", "method": method, "path": path, "asgi": {"spec_version": "2.3"}, "headers": [
            (name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]}

    async def receive(self) -> Message:
        self.asked += 1
        if self.parts:
            return self.parts.pop(0)
        await self.left.wait()
        return GONE

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def through(self, app: App) -> Client:
        await app(self.scope, self.receive, self.send)
        return self

    def leave(self) -> None:
        self.left.set()

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"]) if self.sent else 0

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])

    @property
    def error(self) -> dict[str, Any]:
        return dict(json.loads(self.body)["error"])

    @property
    def whole(self) -> bool:
        return bool(self.sent) and self.sent[-1]["type"].endswith("body") and not self.sent[-1].get("more_body")


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what it was given."""
    message = await receive() if scope["method"] == "POST" else {"body": b"-"}
    await answer(send, message["body"])


async def answer(send: Send, body: bytes = b"ok", kind: bytes = b"application/json", whole: bool = True) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    await send({"type": "http.response.body", "body": body, "more_body": not whole})


def run(test: Callable[[], Awaitable[T]]) -> T:
    async def bounded() -> T:
        return await asyncio.wait_for(test(), 10)

    return asyncio.run(bounded())


def ask(settings: Settings = Settings(), *parts: Message, app: App = echo, keys: Iterable[str] = (),
        **given: Any) -> Client:
    async def test() -> Client:
        return await Client(*(parts or (part(b"{}"),)), **given).through(gated(app, settings, keys))

    return run(test)


# -- keys ------------------------------------------------------------------------------------------------------

KEYS = ("sk-one", "sk-two")


@pytest.mark.parametrize("headers", [
    {"authorization": "Bearer sk-two"}, {"authorization": "bearer  sk-two"}, {"x_api_key": "sk-two"},
    {"authorization": "Bearer wrong", "x_api_key": "sk-two"}, {"authorization": "Basic eA==", "x_api_key": "sk-two"}])
def test_a_right_key_comes_in_either_header(headers: dict[str, str]) -> None:
    client = ask(keys=KEYS, **headers)
    assert client.status == 200
    owner = client.scope["state"]["owner"]
    assert len(owner) == 16 and "sk" not in owner
    assert owner == ask(keys=("sk-two",), x_api_key="sk-two").scope["state"]["owner"]
    assert owner != ask(keys=KEYS, x_api_key="sk-one").scope["state"]["owner"]


@pytest.mark.parametrize(("headers", "said"), [
    ({}, "no API key"), ({"authorization": "Bearer"}, "no API key"), ({"authorization": "Bearer "}, "no API key"),
    ({"authorization": "sk-one"}, "no API key"), ({"x_api_key": ""}, "no API key"),
    ({"x_api_key": "sk-onE"}, "none of this"), ({"authorization": "Bearer sk-one,sk-two"}, "none of this"),
    ({"x_api_key": "sk-"}, "none of this"), ({"x_api_key": "é"}, "none of this")])
@pytest.mark.parametrize("path", [CHAT, "/metrics", "/v1/models", "/nowhere", "/health/"])
def test_no_key_and_a_wrong_one_are_refused_before_the_body_is_read(headers: dict[str, str], said: str, path: str) -> None:
    client = ask(keys=KEYS, path=path, **headers)
    assert (client.status, client.asked) == (401, 0) and said in client.error["message"]
    assert client.headers["www-authenticate"] == "Bearer" and client.error["code"] == "invalid_api_key"
    assert b"sk-" not in client.body


def test_health_is_open_and_without_keys_all_is() -> None:
    assert ask(keys=KEYS, path="/health", method="GET").status == 200
    client = ask()
    assert client.status == 200 and client.scope["state"]["owner"] == ""


def test_a_gate_does_not_show_its_keys() -> None:
    gate = gated(echo, Settings(), KEYS)
    assert "sk-" not in repr(gate) and "sk-" not in repr(vars(gate))


def test_another_scope_does_not_get_in() -> None:
    async def test() -> Client:
        client = Client()
        client.scope["type"] = "websocket"
        return await client.through(gated(echo, Settings(), KEYS))

    assert run(test).sent[0]["type"] == "websocket.close"


# -- pages of other origins ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("origin", "host", "status"), [
    ("http://evil.example", "127.0.0.1:8000", 403), ("http://evil.example:8000", "evil.example:8000", 403),
    ("null", "null", 403),
    ("http://127.0.0.1:3000", "127.0.0.1:8000", 403), ("http://127.0.0.1:8000", "127.0.0.1:8000", 200),
    ("http://localhost:8000", "localhost:8000", 200), ("http://[::1]:8000", "[::1]:8000", 200), ("http://[::1", "x", 403),
    ("http://localhost.evil.example:8000", "localhost.evil.example:8000", 403)])
def test_without_keys_no_page_asks_unless_it_is_this_server_s_own(origin: str, host: str, status: int) -> None:
    assert ask(origin=origin, host=host).status == status
    assert ask(origin=origin, host=host, keys=KEYS, x_api_key="sk-one").status == 200


def test_origins_that_are_allowed_may_ask_and_read() -> None:
    settings = Settings(cors_origins=("https://app.example",))
    client = ask(settings, origin="https://app.example", host="h")
    assert client.status == 200 and client.headers["access-control-allow-origin"] == "https://app.example"
    assert "x-request-id" in client.headers["access-control-expose-headers"].lower()
    before = ask(settings, method="OPTIONS", origin="https://app.example", access_control_request_method="POST",
                 access_control_request_headers="authorization", keys=KEYS)
    assert before.status == 200 and before.headers["access-control-allow-headers"] == "authorization"
    refused = ask(settings, origin="https://app.example", keys=KEYS)
    assert refused.status == 401 and "access-control-allow-origin" in refused.headers        # so that the page can read why
    assert ask(settings, origin="https://other.example").status == 403
    assert "access-control-allow-origin" not in ask(origin="http://localhost:1", host="localhost:1").headers


# -- bodies ----------------------------------------------------------------------------------------------------


def test_the_application_gets_the_body_in_one_piece_and_then_the_disconnect() -> None:
    seen: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.extend([await receive(), await receive()])

    async def test() -> None:
        client = Client(part(b'{"a":', True), part(b"", True), part(b"1}"))
        client.leave()
        await client.through(gated(app, Settings()))

    run(test)
    assert seen == [part(b'{"a":1}'), GONE]


def test_a_body_that_says_it_is_too_large_is_refused_unread_and_the_client_may_finish() -> None:
    client = ask(Settings(max_body=10), part(b"x" * 6, True), part(b"x" * 6), content_length="12")
    assert (client.status, client.error["code"], client.headers["connection"]) == (413, "request_too_large", "close")
    assert "at most 10 bytes, found 12" in client.error["message"] and not client.parts and client.whole


@pytest.mark.parametrize("parts", [[part(b"x" * 11)], [part(b"x" * 6, True), part(b"x" * 6)],
                                   [part(b"x" * 20, True), part(b"x", True), part(b"x")]])
def test_a_body_that_grows_too_large_is_refused(parts: list[Message]) -> None:
    client = ask(Settings(max_body=10), *parts)
    assert client.status == 413 and client.whole and not client.parts
    assert ask(Settings(max_body=10), part(b"x" * 4, True), part(b"x" * 6)).body == b"x" * 10


def test_no_more_than_is_allowed_is_kept_of_an_endless_body(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchanges, "LINGER", 0.2)
    piece, kept = bytes(range(100)) * 10, []

    async def endless() -> Message:
        kept.append(sys.getrefcount(piece))
        await asyncio.sleep(0.001)
        return part(piece, True)

    async def test() -> None:
        client = Client()
        client.receive = endless                # type: ignore[method-assign]
        await client.through(gated(echo, Settings(max_body=5000)))
        assert client.status == 413 and client.whole
        assert max(kept) == kept[0] + 6 and kept[-1] <= kept[0] + 1 and len(kept) > 8       # five, and the one at hand

    run(test)


def test_a_client_that_leaves_in_mid_body_is_not_answered() -> None:
    client = ask(Settings(), part(b"x", True), GONE)
    assert client.sent == []


def test_compressed_bodies_are_refused() -> None:
    assert ask(content_encoding="gzip").status == 415 and ask(content_encoding="identity").status == 200


@pytest.mark.parametrize(("body", "said"), [
    (b'{"a": "\xff"}', "byte 7 is 0xff"), (b"\xed\xa0\x80", "byte 0 is 0xed"), ('"é'.encode()[:2], "byte 1 is 0xc3")])
def test_bytes_that_are_no_utf_8_are_refused(body: bytes, said: str) -> None:
    client = ask(Settings(), part(body))
    assert client.status == 400 and said in client.error["message"]


@pytest.mark.parametrize("size", [1, 300_000])
def test_json_that_is_nested_too_deep_is_refused(size: int) -> None:
    deep = b'{"a":' * 10_000 + b'"' + b"x" * size + b'"' + b"}" * 10_000
    client = ask(Settings(), part(deep))
    assert client.status == 400 and "at most 100 levels" in client.error["message"]
    fine = b"[" * 100 + b'"' + b"[" * size + b'"' + b"]" * 100
    assert ask(Settings(), part(fine)).body == fine
    assert ask(Settings(max_depth=99), part(fine)).status == 400


def levels(value: Any) -> int:
    if isinstance(value, (list, dict)):
        return 1 + max([levels(v) for v in (value.values() if isinstance(value, dict) else value)], default=0)
    return 0


TEXTS = st.text(st.sampled_from('[]{}"\\,:aé'), max_size=6)
TREES = st.recursive(TEXTS | st.integers(),
                     lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4))


@given(TREES, st.integers(1, 6), st.booleans())
def test_depth_is_what_a_parser_finds(tree: Any, depth: int, spaced: bool) -> None:
    body = json.dumps(tree, indent=2 if spaced else None, ensure_ascii=spaced).encode()
    assert is_deeper(body, depth) == (levels(tree) > depth)


@given(st.lists(TREES, min_size=1, max_size=3), st.integers(1, 4), st.integers(1, 6))
def test_depth_does_not_depend_on_where_blocks_end(trees: list[Any], depth: int, block: int) -> None:
    import toolglot.serve.bodies as bodies

    bodies.BLOCK = block
    try:
        assert is_deeper(json.dumps(trees).encode(), depth) == (levels(trees) > depth)
    finally:
        bodies.BLOCK = BLOCK


@given(st.binary(max_size=40))
def test_no_bytes_make_the_look_fail(body: bytes) -> None:
    try:
        look_at(body, 3)
        status = 0
    except Refused as refused:
        status = refused.why.status
    assert status in (0, 400)


# -- the queue -------------------------------------------------------------------------------------------------


class Slow:
    """An application whose replies end when they are told to."""

    def __init__(self, stream: bool = False) -> None:
        self.begun, self.cancelled, self.go, self.stream = 0, 0, asyncio.Event(), stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.begun += 1
        try:
            if self.stream:
                await answer(send, b"data: 1\n\n", b"text/event-stream", whole=False)
            await self.go.wait()
            if self.stream:
                await send({"type": "http.response.body", "body": b"data: 2\n\n"})
            else:
                await answer(send)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


async def until(check: Callable[[], object]) -> None:
    while not check():
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("stream", [False, True])
def test_so_many_work_so_many_wait_and_the_rest_is_told_when_to_come_again(stream: bool) -> None:
    async def test() -> None:
        slow, metrics = Slow(stream), Metrics()
        gate = gated(slow, Settings(max_concurrent=2, max_queue=1), metrics=metrics)
        clients = [Client(part(b"{}")) for _ in range(3)]
        tasks = [asyncio.create_task(client.through(gate)) for client in clients]
        await until(lambda: metrics.queued._value.get() == 1 and slow.begun == 2)
        beyond = await Client(part(b"{}"), path=MESSAGES).through(gate)
        assert beyond.status == 429 and 1 <= int(beyond.headers["retry-after"]) <= 60 and beyond.asked == 0
        assert beyond.error["type"] == "rate_limit_error"
        assert (await Client(method="GET", path="/health").through(gated(echo, Settings(max_concurrent=1)))).status == 200
        assert metrics.streams._value.get() == (2 if stream else 0) and slow.begun == 2
        slow.go.set()
        await asyncio.gather(*tasks)
        assert [client.status for client in clients] == [200] * 3 and slow.begun == 3
        assert (metrics.queued._value.get(), metrics.streams._value.get()) == (0, 0)
        assert (await Client(part(b"{}")).through(gate)).status == 200

    run(test)


def test_gets_are_answered_while_all_is_full() -> None:
    async def test() -> None:
        slow = Slow()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await (echo if scope["method"] == "GET" else slow)(scope, receive, send)

        gate = gated(app, Settings(max_concurrent=1, max_queue=0))
        task = asyncio.create_task(Client(part(b"{}")).through(gate))
        await until(lambda: slow.begun)
        assert (await Client(part(b"{}")).through(gate)).status == 429
        assert (await Client(method="GET", path="/v1/models").through(gate)).status == 200
        slow.go.set()
        await task

    run(test)


def test_who_waits_too_long_is_answered_503_and_who_leaves_is_forgotten() -> None:
    async def test() -> None:
        slow = Slow()
        gate = gated(slow, Settings(max_concurrent=1, max_queue=2, queue_timeout=0.05))
        working = asyncio.create_task(Client(part(b"{}")).through(gate))
        await until(lambda: slow.begun)
        leaver = Client(part(b"{}"))
        leaving = asyncio.create_task(leaver.through(gate))
        await until(lambda: leaver.asked == 2)
        leaver.leave()
        await leaving
        late = await Client(part(b"{}")).through(gate)
        assert leaver.sent == [] and late.status == 503 and late.error["code"] == "overloaded"
        assert "retry-after" in late.headers
        slow.go.set()
        await working
        assert slow.begun == 1 and (await Client(part(b"{}")).through(gate)).status == 200

    run(test)


def test_a_turn_that_comes_as_its_client_leaves_goes_to_the_next() -> None:
    async def test() -> None:
        slow = Slow()
        gate = gated(slow, Settings(max_concurrent=1, max_queue=2))
        slots = gate.turns.slots                # type: ignore[attr-defined]
        await slots.acquire()
        leaver = Client(part(b"{}"))
        task = asyncio.create_task(leaver.through(gate))
        await until(lambda: leaver.asked == 2)
        slots.release()
        leaver.leave()
        await task
        assert (slow.begun, leaver.sent, slots._value) == (0, [], 1)
        task = asyncio.create_task(Client(part(b"{}")).through(gate))
        await slots.acquire()
        await asyncio.sleep(0.01)
        slots.release()
        task.cancel()                                    # as its turn comes
        await asyncio.gather(task, return_exceptions=True)
        assert (slow.begun, slots._value) == (0, 1)

    run(test)


def test_a_body_that_comes_slowly_holds_no_turn() -> None:
    async def test() -> None:
        gate = gated(echo, Settings(max_concurrent=1, max_queue=1))
        slow = Client(part(b"x", True))
        task = asyncio.create_task(slow.through(gate))
        await until(lambda: slow.asked == 2)
        assert (await Client(part(b"{}")).through(gate)).status == 200
        slow.leave()
        await task

    run(test)


def test_turns_are_taken_back_however_a_request_ends() -> None:
    """A hundred requests that end in every way, then all turns are there again."""
    async def test() -> None:
        import random

        chance = random.Random(1)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await asyncio.sleep(chance.random() / 100)
            if chance.random() < 0.3:
                raise RuntimeError
            await answer(send)

        gate = gated(app, Settings(max_concurrent=3, max_queue=50, queue_timeout=0.03, request_timeout=0.06))
        clients = [Client(part(b"{}")) for _ in range(100)]
        tasks = []
        for client in clients:
            tasks.append(asyncio.create_task(client.through(gate)))
            act = chance.choice([client.leave, tasks[-1].cancel, None, None])
            if act:
                asyncio.get_running_loop().call_later(chance.random() / 20, act)
            await asyncio.sleep(chance.random() / 500)
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.01)
        turns = gate.turns                      # type: ignore[attr-defined]
        assert (turns.inside, turns.slots._value) == (0, 3)
        assert {200, 500} <= {client.status for client in clients}

    logging.getLogger("toolglot.serve").disabled = True
    try:
        run(test)
    finally:
        logging.getLogger("toolglot.serve").disabled = False


# -- time ------------------------------------------------------------------------------------------------------


def test_a_reply_that_takes_too_long_is_cancelled_and_answered_504() -> None:
    async def test() -> None:
        slow = Slow()
        client = await Client(part(b"{}")).through(gated(slow, Settings(request_timeout=0.03)))
        assert (client.status, slow.cancelled, client.error["code"]) == (504, 1, "timeout")

    run(test)


@pytest.mark.parametrize(("path", "tail"), [
    (CHAT, b'data: {"error": {"message": "the reply was not finished within 0.03 seconds"'),
    (MESSAGES, b'event: error\ndata: {"type": "error", "error": {"type": "timeout_error"'),
    ("/v1/responses", b'event: error\ndata: {"message": "the reply was not')])
def test_a_stream_that_takes_too_long_ends_in_an_error_of_its_api(path: str, tail: bytes) -> None:
    async def test() -> None:
        slow, metrics = Slow(stream=True), Metrics()
        client = await Client(part(b"{}"), path=path).through(gated(slow, Settings(request_timeout=0.03), metrics=metrics))
        first, last = client.body.split(b"\n\n", 1)
        assert first == b"data: 1" and last.startswith(tail) and last.endswith(b"}\n\n") and client.whole
        event = json.loads(last.partition(b"data: ")[2])
        assert event["error"]["message"].startswith("the reply was not finished")
        assert path == CHAT or event["type"] == "error"
        assert metrics.streams._value.get() == 0

    run(test)


def test_a_body_that_takes_too_long_is_answered_408() -> None:
    async def test() -> None:
        client = Client(part(b"x", True))
        asyncio.get_running_loop().call_later(0.1, client.leave)
        await client.through(gated(echo, Settings(request_timeout=0.03)))
        assert client.status == 408

    run(test)


def test_a_timeout_inside_of_the_application_is_its_own_failure() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise asyncio.TimeoutError

    assert ask(app=app).status == 500


def test_a_client_that_has_stopped_reading_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchanges, "LINGER", 0.02)

    async def test() -> None:
        async def full(message: Message) -> None:
            await asyncio.Event().wait()

        client = Client(part(b"{}"))
        client.send = full                      # type: ignore[method-assign]
        await client.through(gated(Slow(stream=True), Settings(request_timeout=0.02)))

    run(test)


# -- failures --------------------------------------------------------------------------------------------------


def test_a_failure_is_answered_and_logged_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise KeyError("s3cret " + (await receive())["body"].decode())

    client = ask(Settings(), part(b'"words"'), app=app)
    assert client.status == 500 and client.error["type"] == "server_error" and b"s3cret" not in client.body
    record = next(r for r in caplog.records if r.name == "toolglot.serve")
    for lines in (logs.JsonLines(), logs.TextLines()):
        line = lines.format(record)
        assert client.headers["x-request-id"] in line and "builtins.KeyError" in line and "test_gate.py" in line
        assert "s3cret" not in line and "words" not in line


def test_the_words_of_a_failure_are_shown_where_someone_debugs(monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        try:
            raise KeyError("one")
        except KeyError as inner:
            raise ValueError("two") from inner
    except ValueError as error:
        plain = logs.told_of(error)
        monkeypatch.setenv("TOOLGLOT_DEBUG", "1")
        full = logs.told_of(error)
    assert "builtins.ValueError" in plain and "caused by builtins.KeyError" in plain and "two" not in plain
    assert "one" in full and "two" in full


def test_a_failure_in_mid_stream_is_its_last_event_and_half_an_answer_stays_half() -> None:
    def failing(kind: bytes) -> App:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await answer(send, b"data: 1\n\n", kind, whole=False)
            raise RuntimeError

        return app

    stream, half = ask(app=failing(b"text/event-stream; charset=utf-8")), ask(app=failing(b"application/json"))
    assert stream.whole and b'data: {"error": {"message": "the server failed' in stream.body
    assert not half.whole and half.body == b"data: 1\n\n"


def test_a_failure_after_the_answer_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send)
        raise RuntimeError

    assert ask(app=app).body == b"ok" and "a request failed" in caplog.text


def test_a_request_that_is_cancelled_tells_its_client_first() -> None:
    async def test() -> None:
        for slow, said in ((Slow(), b"the server is stopping"), (Slow(stream=True), b'\n\ndata: {"error"')):
            client = Client(part(b"{}"))
            task = asyncio.create_task(client.through(gated(slow, Settings())))
            await until(lambda slow=slow: slow.begun)
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert said in client.body and client.whole

    run(test)


def test_refusals_do_not_pile_up() -> None:
    """One exception that is raised again and again would keep every frame that it went through."""
    for _ in range(3):
        ask(keys=KEYS)
    assert not [o for o in gc.get_objects() if isinstance(o, Refused) and o.__traceback__]


# -- what every answer has -------------------------------------------------------------------------------------


def test_request_ids_are_echoed_if_they_are_sane_and_else_minted() -> None:
    assert ask(x_request_id="abc-1.2:3_X").headers["x-request-id"] == "abc-1.2:3_X"
    minted = [ask(x_request_id=bad).headers["x-request-id"] for bad in ("", "a b", "a\nb", "-a", "é", "x" * 129)]
    assert all(len(one) == 28 and one.startswith("req_") for one in minted) and len({*minted}) == len(minted)
    client = ask(keys=KEYS, path=MESSAGES)
    assert client.headers["request-id"] == client.headers["x-request-id"] == json.loads(client.body)["request_id"]
    assert client.scope["state"]["request_id"] == client.headers["x-request-id"]


def test_every_answer_says_how_long_it_took_and_has_one_id() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.02)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-request-id", b"mine")]})
        await send({"type": "http.response.body"})

    client = ask(app=app)
    assert 20 <= int(client.headers["openai-processing-ms"]) < 5000
    assert [name for name, _ in client.sent[0]["headers"]].count(b"x-request-id") == 1


def test_errors_have_the_shape_of_their_path_or_the_one_that_is_given() -> None:
    client = ask(keys=KEYS)
    assert json.loads(client.body) == {"error": {
        "message": client.error["message"], "type": "authentication_error", "param": None, "code": "invalid_api_key"}}
    for path in (MESSAGES, MESSAGES + "/count_tokens"):
        body = json.loads(ask(keys=KEYS, path=path).body)
        assert body.keys() == {"type", "error", "request_id"} and body["error"].keys() == {"type", "message"}
    assert "param" in ask(keys=KEYS, path="/v1/messagesx").error

    async def test() -> Client:
        return await Client().through(gated(echo, Settings(), KEYS, error=lambda path, why, id: path.encode()))

    assert run(test).body == b"/v1/chat/completions"


@pytest.mark.parametrize(("status", "kind"), [
    (400, "invalid_request_error"), (401, "authentication_error"), (403, "permission_error"), (404, "not_found_error"),
    (413, "request_too_large"), (415, "invalid_request_error"), (429, "rate_limit_error"), (500, "api_error"),
    (503, "overloaded_error"), (504, "timeout_error")])
def test_anthropic_s_names_of_errors(status: int, kind: str) -> None:
    body = json.loads(exchanges.shaped(MESSAGES, Refusal(status, "m", "c"), "r"))
    assert body == {"type": "error", "error": {"type": kind, "message": "m"}, "request_id": "r"}


# -- start and stop --------------------------------------------------------------------------------------------


def test_an_error_at_start_or_stop_is_told_in_its_own_words() -> None:
    from contextlib import asynccontextmanager

    from starlette.applications import Starlette

    def lifespan(error: Exception, end: bool) -> Any:
        @asynccontextmanager
        async def around(app: Any) -> Any:
            if end:
                yield
            raise error

        return around

    async def test(error: Exception, end: bool) -> list[Message]:
        client = Client({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
        client.scope = {"type": "lifespan", "state": {}}
        return (await client.through(gated(Starlette(lifespan=lifespan(error, end)), Settings()))).sent

    begun = {"type": "lifespan.startup.complete"}
    known, other = ToolglotError("no model here"), RuntimeError("s3cret")
    assert asyncio.run(test(known, False)) == [{"type": "lifespan.startup.failed", "message": "no model here"}]
    assert asyncio.run(test(known, True)) == [begun, {"type": "lifespan.shutdown.failed", "message": "no model here"}]
    (failed,) = asyncio.run(test(other, False))
    assert failed["type"] == "lifespan.startup.failed" and "RuntimeError" in failed["message"]
    assert "test_gate.py" in failed["message"] and "s3cret" not in failed["message"]


# -- logs and metrics ------------------------------------------------------------------------------------------

FACTS = {"model": "smol", "tokens_in": 5, "tokens_out": 7, "first_token": 0.25, "calls": {"constrained": 2, "repaired": 1},
         "content": "s3cret", "prompt": ["s3cret"]}


async def telling(scope: Scope, receive: Receive, send: Send) -> None:
    scope["state"]["facts"].update(FACTS)
    await answer(send)


def test_a_request_is_one_line_without_anything_that_was_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "toolglot.requests")
    logging.getLogger("toolglot").propagate = True
    client = ask(Settings(), part(b'{"messages": "s3cret"}'), app=telling, keys=KEYS, x_api_key="sk-one", path=CHAT)
    (record,) = caplog.records
    line = json.loads(logs.JsonLines().format(record))
    assert {**line, "ms": 1, "time": ""} == {
        "time": "", "level": "info", "logger": "toolglot.requests", "message": f"POST {CHAT}", "status": 200, "ms": 1,
        "request_id": client.headers["x-request-id"], "owner": client.scope["state"]["owner"], "model": "smol",
        "tokens_in": 5, "tokens_out": 7, "first_token": 0.25, "calls": {"constrained": 2, "repaired": 1}}
    text = logs.TextLines().format(record)
    assert "tokens_out=7" in text and "calls=constrained:2,repaired:1" in text and "\n" not in text
    assert "s3cret" not in str(line) + text and "sk-one" not in str(line) + text


@pytest.mark.parametrize("lines", [logs.JsonLines(), logs.TextLines()])
def test_no_path_breaks_a_line(lines: logging.Formatter, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "toolglot.requests")
    ask(path="/a\nb\x1b[2J" + "x" * 5000, method="GET")
    line = lines.format(caplog.records[0])
    assert "\n" not in line and "\x1b" not in line and len(line) < 600


def test_what_was_cut_and_who_left_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "toolglot.requests")

    async def half(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, whole=False)

    ask(app=half)
    ask(Settings(), part(b"", True), GONE)
    cut, left = [record.__dict__["facts"] for record in caplog.records]
    assert (cut["status"], cut["cut"], left["status"]) == (200, True, 499)


def test_metrics_count_what_happened() -> None:
    async def test() -> str:
        metrics = Metrics()
        gate = gated(telling, Settings(), KEYS, metrics=metrics)
        await Client(part(b"{}"), x_api_key="sk-one").through(gate)
        await Client(part(b"{}")).through(gate)
        await Client(method="GET", path="/v1/responses/resp_1", x_api_key="sk-one").through(gate)
        await Client(method="GET", path="/../etc/passwd").through(gate)
        return metrics.page()[0].decode()

    text = run(test)
    for line in ('toolglot_requests_total{path="/v1/chat/completions",status="200"} 1.0',
                 'toolglot_requests_total{path="/v1/chat/completions",status="401"} 1.0',
                 'toolglot_requests_total{path="/v1/responses/{id}",status="200"} 1.0',
                 'toolglot_requests_total{path="other",status="401"} 1.0', 'toolglot_tokens_total{direction="in"} 10.0',
                 'toolglot_calls_total{outcome="constrained"} 4.0', 'toolglot_calls_total{outcome="refused"} 0.0',
                 "toolglot_first_token_seconds_count 2.0", "toolglot_streams 0.0", "toolglot_engine_errors_total 0.0"):
        assert line in text, line
    assert "passwd" not in text and "smol" not in text


@pytest.mark.parametrize(("path", "label"), [
    (CHAT, CHAT), ("/v1/models", "/v1/models"), ("/v1/models/a", "/v1/models/{id}"), ("/v1/models/a/b", "other"),
    ("/v1/responses/r/input_items", "/v1/responses/{id}/input_items"), ("/v1/responses/compact", "/v1/responses/compact"),
    ("/v1/x", "other"), ("", "other"), (CHAT + "/", "other")])
def test_paths_as_labels(path: str, label: str) -> None:
    assert path_of(path) == label


def test_the_settings_of_tests_are_the_real_ones() -> None:
    assert replace(Settings(), max_body=10).max_depth == 100
