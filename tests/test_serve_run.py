"""The server as a process: how it starts, what it does under load, and how it ends."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from toolglot import cli

for package in ("starlette", "uvicorn", "prometheus_client"):
    pytest.importorskip(package, reason="the server needs it")
if os.name != "posix":
    pytest.skip("signals are told apart on POSIX", allow_module_level=True)

ROOT = Path(__file__).parent.parent
CHAT = "/v1/chat/completions"
# the command as it is, but for what it serves
COMMAND = """
import sys
from functools import partial
import toolglot.serve.run as serving
serving.run = partial(serving.run, factory="serving_app:application")
from toolglot.cli import main
sys.exit(main(["serve", "--upstream", "http://127.0.0.1:9", *sys.argv[1:]]))
"""


class Server:
    def __init__(self, *flags: str, **environ: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, *flags], cwd=ROOT / "tests", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, start_new_session=True,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT / 'tests'}", **environ})
        self.port, self.out, self.err = 0, "", ""

    def wait_up(self) -> Server:
        assert self.process.stdout
        self.out = self.process.stdout.readline()
        found = re.search(r":(\d+)/v1$", self.out.strip())
        assert found, self.end()
        self.port = int(found[1])
        return self

    def end(self, number: int | None = None, seconds: float = 15) -> int:
        """Sends a signal, if any, and waits; stdout and stderr are kept."""
        if number is not None:
            self.process.send_signal(number)
        out, self.err = self.process.communicate(timeout=seconds)
        self.out += out
        return self.process.returncode

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)

    def ask(self, body: Any = None, path: str = CHAT, **headers: str) -> tuple[int, dict[str, str], bytes]:
        connection = self.connect()
        connection.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body),
                           {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        told = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        connection.close()
        return told

    def stream(self, chunks: int, pause: float) -> http.client.HTTPResponse:
        """A stream whose first chunk has come."""
        connection = self.connect()
        connection.request("POST", CHAT, json.dumps({"stream": True, "chunks": chunks, "pause": pause}))
        answer = connection.getresponse()
        assert answer.readline() == b"data: 0\n"
        answer.connection = connection          # type: ignore[attr-defined]
        return answer

    def seen(self) -> dict[str, int]:
        return dict(json.loads(self.ask(path="/seen")[2]))

    def until_seen(self, **wanted: int) -> dict[str, int]:
        until(lambda: all(self.seen().get(name) == count for name, count in wanted.items()), str(wanted))
        return self.seen()


def until(check: Any, why: str = "") -> None:
    for _ in range(500):
        if check():
            return
        time.sleep(0.02)
    raise AssertionError(why)


@contextmanager
def serving(*flags: str, **environ: str) -> Iterator[Server]:
    server = Server("--port", "0", *flags, **environ)
    try:
        yield server.wait_up()
    finally:
        if server.process.poll() is None:
            os.killpg(server.process.pid, signal.SIGKILL)
            server.process.communicate()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("--max-body", "1MiB", "--log-format", "json") as one:
        yield one
        assert one.end(signal.SIGTERM) == 0
        lines = [json.loads(line) for line in one.err.splitlines()]
        assert {"toolglot.requests", "toolglot.serve"} == {line["logger"] for line in lines}
        assert "s3cret" not in one.err and all("request_id" in line for line in lines)
        assert one.out.endswith("closed\n")


# -- while it runs ---------------------------------------------------------------------------------------------


def test_it_says_where_it_listens_and_answers_there(server: Server) -> None:
    assert server.out == f"toolglot serves the model of http://127.0.0.1:9 at http://127.0.0.1:{server.port}/v1\n"
    status, headers, _ = server.ask(path="/health", x_request_id="mine")
    assert (status, headers["x-request-id"]) == (200, "mine") and "server" not in headers


def test_a_request_that_is_too_large_is_answered_while_it_is_still_sent(server: Server) -> None:
    status, headers, body = server.ask("x" * (50 << 20))
    assert (status, headers["connection"]) == (413, "close") and b"at most 1,048,576 bytes" in body
    connection = server.connect()
    connection.request("POST", CHAT, iter([b"x" * (1 << 20)] * 8), encode_chunked=True,
                       headers={"transfer-encoding": "chunked"})
    assert connection.getresponse().status == 413
    assert server.ask(path="/health")[0] == 200


def test_a_failure_is_an_answer_and_a_line(server: Server) -> None:
    status, _, body = server.ask({"chunks": 1, "pause": 0, "fail": True})
    assert status == 500 and b"s3cret" not in body
    assert server.ask({"chunks": 1, "pause": 0})[0] == 200


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_hangs_up_cancels_its_work(server: Server, stream: bool) -> None:
    before = server.seen()
    connection = server.connect()
    connection.request("POST", CHAT, json.dumps({"stream": stream, "chunks": 1000, "pause": 0.05}))
    if stream:
        connection.getresponse().readline()
    server.until_seen(begun=before.get("begun", 0) + 1)
    connection.sock and connection.sock.shutdown(socket.SHUT_RDWR)
    connection.close()
    server.until_seen(cancelled=before.get("cancelled", 0) + 1)


def test_metrics_are_shown(server: Server) -> None:
    server.ask({"stream": True, "chunks": 2, "pause": 0})
    _, headers, body = server.ask(path="/metrics")
    assert headers["content-type"].startswith("text/plain") and b"\ntoolglot_streams 0.0\n" in body
    assert re.search(rb'toolglot_requests_total\{path="/v1/chat/completions",status="200"\} [1-9]', body)


def test_what_is_beyond_the_queue_is_told_to_come_again() -> None:
    with serving("--max-concurrent", "1", "--max-queue", "2") as server, ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: server.ask({"chunks": 1, "pause": 0.5}), range(12)))
        statuses = [status for status, _, _ in answers]
        assert statuses.count(200) == 3 and statuses.count(429) == 9
        assert all(headers["retry-after"].isdigit() for status, headers, _ in answers if status == 429)
        assert server.ask({"chunks": 1, "pause": 0})[0] == 200
        assert server.seen()["begun"] == 4


def test_keys_are_asked_for_and_stand_in_no_environment(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("sk-one\nsk-two # second\n")
    with serving("--keys-file", str(path), "--host", "0.0.0.0") as server:
        body = {"chunks": 1, "pause": 0}
        assert [server.ask(body)[0], server.ask(body, x_api_key="sk-1")[0], server.ask(path="/metrics")[0]] == [401] * 3
        assert server.ask(body, authorization="Bearer sk-two")[0] == server.ask(path="/health")[0] == 200
        assert server.end(signal.SIGTERM) == 0 and "sk-" not in server.err + server.out
        assert server.err.count(" status=401 ") == 3


# -- how it ends -----------------------------------------------------------------------------------------------


def test_what_has_begun_is_finished_before_it_stops() -> None:
    with serving() as server:
        answer = server.stream(8, 0.1)
        waiting: list[int] = []
        thread = threading.Thread(target=lambda: waiting.append(server.ask({"chunks": 1, "pause": 0.6})[0]))
        thread.start()
        server.until_seen(begun=2)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        with pytest.raises(ConnectionRefusedError):      # nobody new is let in
            server.ask(path="/health")
        assert b"data: 7\n" in answer.read()
        thread.join()
        assert waiting == [200] and server.end() == 0 and server.out.endswith("closed\n")


def test_what_takes_too_long_is_told_and_cut() -> None:
    with serving("--shutdown-timeout", "500ms") as server:
        answer = server.stream(1000, 0.1)
        began = time.monotonic()
        assert server.end(signal.SIGTERM) == 0 and time.monotonic() - began < 4
        rest = answer.read()
        assert rest.endswith(b"\n\n") and b'{"error": {"message": "the server is stopping' in rest.split(b"\n\n")[-2]
        assert " cut=" not in server.err and "status=200" in server.err


def test_ctrl_c_finishes_and_twice_does_not() -> None:
    with serving() as server:
        answer = server.stream(5, 0.1)
        assert server.end(signal.SIGINT) == 130 and b"data: 4\n" in answer.read()
        assert server.out.endswith("closed\n") and "Traceback" not in server.err
    with serving("--shutdown-timeout", "1m") as server:
        server.stream(1000, 0.1)
        server.process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert server.process.poll() is None
        began = time.monotonic()
        assert server.end(signal.SIGINT) == 130 and time.monotonic() - began < 3


def test_a_model_that_is_loading_is_not_waited_for() -> None:
    server = Server("--port", "0", SERVING_FAILS="slow")
    try:
        time.sleep(2)
        began = time.monotonic()
        assert server.end(signal.SIGINT) == 130 and time.monotonic() - began < 3
        assert server.out == ""
    finally:
        server.process.kill()


# -- several workers -------------------------------------------------------------------------------------------


def test_several_workers_serve_count_together_and_finish(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("sk-one")
    with serving("--workers", "2", "--keys-file", str(path)) as server:
        key = {"x_api_key": "sk-one"}
        assert server.out.endswith(f"http://127.0.0.1:{server.port}/v1\n")
        pids: set[int] = set()

        def spread() -> bool:
            pids.add(json.loads(server.ask({"chunks": 1, "pause": 0}, **key)[2])["pid"])
            return len(pids) == 2

        until(spread)
        for pid in pids:
            if Path(f"/proc/{pid}/environ").exists():
                assert b"sk-one" not in Path(f"/proc/{pid}/environ").read_bytes()
        count = re.compile(rb'toolglot_requests_total\{path="/v1/chat/completions",status="200"\} (\d+)')
        counted = [int(count.search(server.ask(path="/metrics", **key)[2])[1]) for _ in range(6)]     # type: ignore[index]
        assert {*counted} == {counted[0]} and counted[0] >= 2
        connection = server.connect()
        connection.request("POST", CHAT, '{"stream": true, "chunks": 10, "pause": 0.1}', {"x-api-key": "sk-one"})
        answer = connection.getresponse()
        assert b"toolglot_streams 1.0" in server.ask(path="/metrics", **key)[2]
        assert server.end(signal.SIGTERM) == 0 and b"data: 9\n" in answer.read()


def test_a_worker_that_dies_is_replaced_and_its_streams_are_forgotten() -> None:
    with serving("--workers", "2") as server:
        answer = server.stream(1000, 0.1)
        until(lambda: b"toolglot_streams 1.0" in server.ask(path="/metrics")[2])
        pids = set[int]()
        until(lambda: pids.add(server.seen()["pid"]) or len(pids) == 2)
        busy = next(pid for pid in pids if _begun(server, pid))
        os.kill(busy, signal.SIGKILL)
        with pytest.raises((http.client.IncompleteRead, OSError)):
            answer.read()
        until(lambda: b"toolglot_streams 0.0" in server.ask(path="/metrics")[2])
        pids.clear()
        until(lambda: pids.add(server.seen()["pid"]) or len(pids) == 2)
        assert busy not in pids
        answer = server.stream(10, 0.1)
        os.killpg(server.process.pid, signal.SIGINT)     # as a terminal does
        assert server.end() == 130 and b"data: 9\n" in answer.read() and "Traceback" not in server.err


def _begun(server: Server, pid: int) -> bool:
    found: list[dict[str, int]] = []
    until(lambda: found.append(server.seen()) or found[-1]["pid"] == pid)
    return found[-1].get("begun", 0) == 1


# -- what does not start ---------------------------------------------------------------------------------------


def refused(capsys: pytest.CaptureFixture[str], *flags: str) -> str:
    """What is said where nothing is even started."""
    assert cli.main(["serve", "--upstream", "http://127.0.0.1:9", *flags]) == cli.WRONG
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    return said.err


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert refused(capsys, "--port", str(port)) == (
            f"toolglot: http://127.0.0.1:{port} is taken by another program: stop that, or choose another port with --port "
            "(0 takes a free one)\n")


def test_addresses_that_cannot_be_or_must_not_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "0.0.0.0 can be reached from outside, and there are no keys: give --keys" in refused(capsys, "--host", "0.0.0.0")
    keys = tmp_path / "keys"
    keys.write_text("# none yet\n")
    assert "holds no key" in refused(capsys, "--host", "0.0.0.0", "--keys-file", str(keys))
    assert "no address of this machine" in refused(capsys, "--host", "192.0.2.1", "--allow-no-key")
    assert refused(capsys, "--host", "no.such.invalid", "--allow-no-key").startswith("toolglot: --host no.such.invalid: ")


@pytest.mark.parametrize(("how", "workers", "said"), [
    ("start", "1", "the model is not there"), ("make", "1", "the application is not there"), ("bug", "1", "RuntimeError"),
    ("start", "2", "the model is not there")])
def test_an_application_that_does_not_start_ends_the_server(how: str, workers: str, said: str) -> None:
    server = Server("--port", "0", "--workers", workers, SERVING_FAILS=how)
    assert server.end() == 1 and server.out == "" and said in server.err
    assert "Traceback" not in server.err and "s3cret" not in server.err


def test_in_one_process_what_is_wrong_is_refused_before_anything_else() -> None:
    from toolglot.message import ToolglotError
    from toolglot.serve.run import checked
    from toolglot.serve.settings import Settings

    for host in ("192.0.2.1", "::", "localhost.example"):
        with pytest.raises(ToolglotError, match="reached from outside"):
            checked(Settings(host=host))
        checked(Settings(host=host, allow_no_key=True))
    for host in ("::1", "127.9.9.9", "localhost"):
        checked(Settings(host=host))
    with pytest.raises(ToolglotError, match="hermes"):
        checked(Settings(dialect="hermess"))
    with pytest.raises(ToolglotError, match="upstream_key_env"):
        checked(Settings(upstream="h:1", upstream_key_env="NOWHERE_TO_BE_FOUND"))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_a_server_may_have_as_many_files_open_as_the_system_allows() -> None:
    code = ("import resource as r; from toolglot.serve.run import allow_files; hard = r.getrlimit(r.RLIMIT_NOFILE)[1]; "
            "r.setrlimit(r.RLIMIT_NOFILE, (64, hard)); allow_files(); print(r.getrlimit(r.RLIMIT_NOFILE) == (hard, hard))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "True", done.stderr
