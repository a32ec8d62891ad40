"""Many streams at a time through the real server, for seconds: none lost, none mixed, none read on for nobody. And what
judges them notices each of these."""

from __future__ import annotations

import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

if sys.platform != "linux":
    pytest.skip("other processes are measured through /proc", allow_module_level=True)
for name in ("aiohttp", "orjson", "starlette", "uvicorn", "uvloop", "jsonschema_rs"):
    pytest.importorskip(name, reason="the server is not installed")

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "bench"))

import scripted_upstream as script  # noqa: E402
import servers  # noqa: E402
import soak  # noqa: E402
import uvloop  # noqa: E402
from load import Stream, judged  # noqa: E402
from scripted_upstream import Script  # noqa: E402


def test_a_hundred_streams_at_a_time() -> None:
    given = Namespace(streams=100, minutes=0.05, pieces=20, pause=40, tools=10, every=0.5)
    with servers.upstream() as upstream, servers.toolglot(upstream) as server:
        soaked = uvloop.run(soak.soak(server, upstream, given))
    assert soaked.wrong == []
    assert soaked.whole > 100 and soaked.left > 5 and soaked.at_most > 50
    assert (soaked.seen_left, soaked.still_open) == (soaked.left, 0)
    assert all(taken > 10 << 20 and files > 5 for _, taken, files in soaked.memory)
    assert [row[0] for row in soak.rows(soaked, 100) if "no" in row[2]] == []


# -- the judge


def streamed(wanted: Script, said: Script | None = None) -> Stream:
    """A stream that was asked for by one script, and says what another one does."""
    return Stream(wanted, body=bytearray(b"".join(script.conversation(said or wanted))), whole=1.0)


def without(stream: Stream, words: bytes, others: bytes = b"") -> Stream:
    """Each word is as long as the other: chunks say their length."""
    assert words in stream.body
    stream.body = bytearray(bytes(stream.body).replace(words, others or b" " * len(words)))
    return stream


def test_the_judge_takes_what_is_right_and_nothing_else() -> None:
    one = Script(17, 3, 0)
    assert judged(streamed(one)) == ""
    assert "its words are not those of" in judged(streamed(one, Script(18, 3, 0)))
    assert "its words are not those of" in judged(streamed(one, Script(17, 4, 0)))
    assert "its words are not those of" in judged(without(streamed(one), b"m17.1 ", b"m16.1 "))
    assert "its call is not that of" in judged(without(streamed(one), b'"arguments":"7', b'"arguments":"8'))
    assert "ended in []" in judged(without(streamed(one), b'"finish_reason":"tool_calls"', b'"finish_reason":null        '))
    assert "ended in" in judged(without(streamed(one), b"[DONE]"))
    assert "2 ids" in judged(without(streamed(one), b'chatcmpl-1","object":"chat.completion.chunk","created":1,"model":'
                                     b'"scripted","choices":[{"index":0,"delta":{"content":"m17.1',
                                     b'chatcmpl-2","object":"chat.completion.chunk","created":1,"model":'
                                     b'"scripted","choices":[{"index":0,"delta":{"content":"m17.1'))


def test_two_streams_with_one_id_are_mixed() -> None:
    soaked = soak.Soaked()
    for marker in (1, 2):
        soak.note(soaked, streamed(Script(marker, 2, 0)), leaves=False)
    assert soaked.whole == 1 and "its id chatcmpl-1 is another's" in soaked.wrong[0]
    soaked.seconds, soaked.memory = 2.0, [(0.0, 1, 1), (1.0, 100, 1), (2.0, 200, 1)]
    verdicts = {row[0]: row[2] for row in soak.rows(soaked, 1000)}
    assert verdicts["mixed: another's words, call or id"] == verdicts["memory in the last minute, MiB"] == "**no**"


def test_a_stream_that_is_cut_is_lost() -> None:
    soaked = soak.Soaked()
    soak.note(soaked, Stream(Script(1, 2, 0), wrong="the connection failed: EOFError it was cut"), leaves=False)
    assert soaked.whole == 0 and len(soaked.wrong) == 1


# -- the scripts


def run(name: str, *words: str) -> str:
    done = subprocess.run([sys.executable, str(ROOT / "bench" / f"{name}.py"), *words], capture_output=True, text=True,
                          timeout=120, env={**os.environ, "PYTHONPATH": str(ROOT / "src") + os.pathsep +
                                            os.environ.get("PYTHONPATH", "")})
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_the_gateway_costs_is_told_beside_a_bare_pass_through() -> None:
    text = run("gateway", "--rounds", "1", "--short", "8", "--long", "4", "--pieces", "40", "--at-a-time", "4")
    table: list[Any] = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()
                        if line.startswith(("| toolglot", "| bare"))]
    assert [row[0] for row in table] == ["toolglot, 4 at a time", "bare pass-through, 4 at a time"]
    assert float(table[0][4]) > 0 and table[1][2] == "–"
    assert "LiteLLM's proxy was not measured" in text
    assert "--write" in run("soak", "--help")
