"""Servers as processes of their own, and what they take: processor time and memory, with all that they started."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import common

READY = 120.0                   # seconds until a server has to answer
SOURCE = common.HERE.parent / "src"


@dataclass(frozen=True)
class Server:
    """A running one. `pid` is that of its first process."""

    name: str
    port: int
    pid: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cpu(self) -> float:
        """Seconds of processor time that it has taken."""
        return sum(time.clock_gettime(~pid << 3 | 2) for pid in self.processes())    # the clock of another process: Linux

    def memory(self) -> int:
        """Resident bytes."""
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.processes())
        return pages * resource.getpagesize()

    def sockets(self) -> int:
        """Open connections and files."""
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in self.processes())

    def processes(self) -> list[int]:
        parents = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):                # it has ended
                continue
        found = [self.pid]
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid]
        return found


@contextmanager
def started(name: str, words: Sequence[str], port: int, environ: Mapping[str, str] | None = None,
            path: str = "/health") -> Iterator[Server]:
    """The server that a command line starts, when it answers; it is stopped in the end. `environ`: nothing but this is
    told it. Its output is shown where it does not come up."""
    many_files()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, env=environ, cwd=common.HERE)
        try:
            server = Server(name, port, process.pid)
            until = time.monotonic() + READY
            while not _answers(port, path):
                if process.poll() is not None or time.monotonic() > until:
                    log.seek(0)
                    raise SystemExit(f"{name} did not start:\n{log.read().decode(errors='replace')[-4000:]}")
                time.sleep(0.1)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers(port: int, path: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as one:
            one.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            return b" 200 " in one.recv(64)
    except OSError:
        return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def many_files() -> None:
    """As many open files as this user may have: a stream takes two of a gateway's."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def environ(**more: str) -> dict[str, str]:
    """This process's, with the source tree to import from."""
    paths = [str(SOURCE), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **more}


@contextmanager
def upstream() -> Iterator[Server]:
    """The scripted one."""
    port = free_port()
    words = [sys.executable, str(common.HERE / "scripted_upstream.py"), "--port", str(port)]
    with started("the scripted upstream", words, port, environ(), "/v1/models") as server:
        yield server


@contextmanager
def toolglot(upstream: Server, *flags: str) -> Iterator[Server]:
    """`toolglot serve` before an upstream, as it comes out of the box but for what is kept."""
    port = free_port()
    words = [sys.executable, "-m", "toolglot", "serve", "--upstream", upstream.url, "--dialect", "hermes", "--port",
             str(port), "--store", "none", *flags]
    with started("toolglot", words, port, environ()) as server:
        yield server


def ask(server: Server, path: str) -> Any:
    import json
    import urllib.request

    with urllib.request.urlopen(server.url + path, timeout=30) as answer:
        return json.load(answer)
