"""The settings of the server: where each comes from, what is refused, and that what is printed can be read again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolglot import cli
from toolglot.message import ToolglotError
from toolglot.serve import kinds
from toolglot.serve.settings import (
    HANDED,
    KINDS,
    SETTINGS,
    Found,
    Settings,
    flag,
    handed_over,
    handing_over,
    keys_of,
    printed,
    read_settings,
    upstream_key,
    variable,
)

# for each setting a value that is not its default, as words and as what it is then
OTHERS: dict[str, tuple[str, Any]] = {
    "host": ("::1", "::1"), "port": ("0", 0), "workers": ("3", 3), "shutdown_timeout": ("500ms", 0.5),
    "upstream": ("http://127.0.0.1:1", "http://127.0.0.1:1"), "upstream_model": ("qwen3:8b", "qwen3:8b"),
    "upstream_key_env": ("UP_KEY", "UP_KEY"), "api": ("vllm", "vllm"), "model": ("m.gguf", "m.gguf"),
    "dialect": ("hermes", "hermes"), "idiom": ("typescript", "typescript"), "slots": ("4", 4),
    "model_name": ("gpt-4o, *", ("gpt-4o", "*")), "context": ("4096", 4096), "threads": ("2", 2),
    "keys_file": ("k.txt", "k.txt"),
    "key_env": ("MY_KEYS", "MY_KEYS"), "allow_no_key": ("yes", True), "cors_origins": ("app://x, *", ("app://x", "*")),
    "store": ("none", "none"), "retention": ("12h", 43200.0), "max_body": ("3MB", 3_000_000), "max_messages": ("7", 7),
    "max_tools": ("8", 8), "max_depth": ("9", 9), "max_concurrent": ("10", 10), "max_queue": ("0", 0),
    "queue_timeout": ("2m", 120.0), "request_timeout": ("none", None), "max_output_tokens": ("11", 11),
    "constrain": ("off", False), "retry": ("1", 1), "hold_calls": ("true", True), "reasoning_field": ("both", "both"),
    "reasoning_event": ("reasoning", "reasoning"), "temperature": ("0.5", 0.5),
    "page": ("no", False), "log_level": ("debug", "debug"), "log_format": ("json", "json"), "metrics": ("0", False)}
NEEDS = {"upstream_model": "upstream", "upstream_key_env": "upstream", "api": "upstream"}
every_setting = pytest.mark.parametrize("name", [one.name for one in SETTINGS])


def file_of(directory: Path, text: str) -> Path:
    path = directory / "some.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(flags: Mapping[str, Any] = {}, environ: Mapping[str, str] = {}, file: Path | None = None) -> str:
    with pytest.raises(ToolglotError) as caught:
        read_settings(flags, environ, file)
    return str(caught.value)


@every_setting
def test_each_setting_is_read_from_flag_environment_and_file(name: str, tmp_path: Path) -> None:
    words, value = OTHERS[name]
    beside = {need: OTHERS[need][0] for need in [NEEDS.get(name)] if need}
    by_flag = read_settings({name: words, **beside}, {})
    by_variable = read_settings(beside, {variable(name): words})
    wanted = replace(Settings(), **{name: value}, **beside)
    assert by_flag.settings == by_variable.settings == wanted != Settings()
    assert (by_flag.places[name], by_variable.places[name]) == (flag(name), variable(name))
    path = file_of(tmp_path, f"[serve]\n{name} = {KINDS[name].toml(value)}")
    by_file = read_settings(beside, {}, path)
    assert by_file.settings == wanted and by_file.places[name] == f"{path}, [serve] {name}"


def test_flags_beat_the_environment_and_that_beats_the_file(tmp_path: Path) -> None:
    path = file_of(tmp_path, "[other]\nx = 1\n[serve]\nport = 1\nretry = 1\nmax_tools = 1")
    environ = {variable("port"): "2", variable("retry"): "2", variable("host"): ""}
    found = read_settings({"port": "3", "host": None}, environ, path)
    assert (found.settings.port, found.settings.retry, found.settings.max_tools) == (3, 2, 1)
    assert found.places == {"port": "--port", "retry": "TOOLGLOT_SERVE_RETRY", "max_tools": f"{path}, [serve] max_tools"}


def test_the_file_of_the_working_directory_is_read_if_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_settings({}, {}) == Found(Settings(), {})
    Path("toolglot.toml").write_text("[tool]\nx = 1")
    assert read_settings({}, {}).settings == Settings()
    Path("toolglot.toml").write_text("[serve]\nport = 9")
    assert read_settings({}, {}).settings.port == 9


@pytest.mark.parametrize(("text", "said"), [
    ("[serve]\nprot = 1", "[serve]: there is no setting prot; is it port?"),
    ("[serve]\nquux = 1", "[serve]: there is no setting quux: expected one of host, port"),
    ("port = 1", "expected the settings in a table [serve], found 'port' outside of one"),
    ("serve = 1", "expected the settings in a table [serve]"), ("", "in a table [serve], found no such"),
    ("[serve", "expected TOML"), ("[serve]\nport = '1'", "port: expected a whole number, from 0 to 65535, found '1'"),
    ("[serve]\nport = true", "found True"), ("[serve]\nport = 65536", "found 65536"), ("[serve]\nport = 1.0", "found 1.0"),
    ("[serve]\nmetrics = 'yes'", "metrics: expected true or false, found 'yes'"),
    ("[serve]\nretry = 11", "expected a whole number, from 0 to 10"), ("[serve]\nworkers = 0", "1 or more, found 0"),
    ("[serve]\nmax_body = '20 parsecs'", "such as \"20MiB\""), ("[serve]\nmax_body = 0", "found 0"),
    ("[serve]\nmax_body = -1", "found -1"), ("[serve]\nqueue_timeout = inf", "found inf"),
    ("[serve]\nqueue_timeout = 'none'", "expected a time"), ("[serve]\nhost = ''", "host: expected an address"),
    ("[serve]\nmodel = 'a\\tb'", "model: expected a path"), ('[serve]\nmodel = "a\\nb"', "model: expected a path"),
    ("[serve]\ncors_origins = 'x'", "origins"), ("[serve]\ncors_origins = ['https://a/b']", "origins"),
    ("[serve]\napi = 'openai'", "expected one of llama-server"), ("[serve]\nlog_level = 1", "expected one of debug"),
    ("[serve]\nreasoning_field = 'thoughts'", "reasoning_content, reasoning, both")])
def test_what_is_wrong_in_a_file_is_named(text: str, said: str, tmp_path: Path) -> None:
    if text == "[serve]\nmodel = 'a\\tb'":
        text = text.replace("\\t", "\t")
    path = file_of(tmp_path, text)
    error = refusal(file=path)
    assert said in error and error.startswith(str(path)) and "\n" not in error.replace(str(path), "")


@every_setting
def test_words_that_do_not_fit_are_refused_by_flag_and_variable(name: str) -> None:
    wrong = "\x00"
    if name == "cors_origins":
        wrong = "nowhere"
    assert refusal({name: wrong}).startswith(f"{flag(name)}: expected {KINDS[name].words}, found ")
    assert refusal(environ={variable(name): wrong}).startswith(f"{variable(name)}: expected ")


def test_other_places_that_are_wrong_are_named(tmp_path: Path) -> None:
    assert "TOOLGLOT_SERVE_PROT; is it TOOLGLOT_SERVE_PORT?" in refusal(environ={"TOOLGLOT_SERVE_PROT": "1"})
    assert "No such file" in refusal(file=tmp_path / "none.toml")
    (tmp_path / "some.toml").write_bytes(b"\xff")
    assert "expected TOML" in refusal(file=tmp_path / "some.toml")
    assert refusal({"port": "9" * 5000}).endswith("found something long")
    for name in NEEDS:
        assert refusal({name: OTHERS[name][0]}).startswith(f"{name} is for an upstream, and none is given")
    assert "its model is named by --upstream-model" in refusal({"model": "m", "upstream": "http://h"})
    assert refusal({"threads": "1", "upstream": "h:1"}).startswith("threads is for the engine in this process")


# -- secrets ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "value"), [
    ("upstream", "http://user:s3cret@host"), ("upstream", "s3cret"), ("key_env", "sk-s3cret"),
    ("upstream_key_env", "s3cret!"), ("store", "postgresql://u:s3cret@h/\x00")])
def test_no_error_shows_what_may_be_a_secret(name: str, value: str) -> None:
    assert "s3cret" not in refusal({name: value}) and "found something else" in refusal({name: value})


def test_keys_are_read_from_a_file_and_a_variable_and_shown_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "keys.txt"
    path.write_text("# ours\nsk-one  # the first\n\n  sk#two\nsk-one\n", encoding="utf-8")
    found = read_settings({"keys_file": str(path), "key_env": "K", "store": "postgresql://u:s3cret@h/d"}, {})
    environ = {"K": "sk-three sk-four\n"}
    assert keys_of(found.settings, environ) == ("sk-one", "sk#two", "sk-three", "sk-four")
    shown = printed(found, environ)
    assert "# --keys-file; 2 keys\n" in shown and "# --key-env; 2 keys\n" in shown and '"postgresql://u:…@h/d"' in shown
    assert "sk-" not in shown and "sk#" not in shown and "s3cret" not in shown + repr(found)
    assert keys_of(Settings()) == ()


@pytest.mark.parametrize("text", ["", "# none\n\n", "two words\n", "good\nschlüssel\n", None, b"\xff"])
def test_a_file_without_sound_keys_is_an_error_that_shows_none(text: str | bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "keys"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ToolglotError, match="keys_file") as caught:
        keys_of(Settings(keys_file=str(path)))
    assert "words" not in str(caught.value) and "schl" not in str(caught.value)


def test_a_variable_that_is_not_there_is_an_error_that_does_not_show_its_name() -> None:
    with pytest.raises(ToolglotError, match="key_env: the variable that it names holds no key") as caught:
        keys_of(Settings(key_env="s3cret"), {})
    with pytest.raises(ToolglotError, match="upstream_key_env") as other:
        upstream_key(Settings(upstream="h:1", upstream_key_env="s3cret"), {})
    with pytest.raises(ToolglotError):
        printed(Found(Settings(upstream="h:1", upstream_key_env="s3cret"), {}), {})
    assert "s3cret" not in str(caught.value) + str(other.value)


def test_the_upstream_s_key() -> None:
    up = Settings(upstream="h:1")
    assert upstream_key(up, {"TOOLGLOT_API_KEY": "k"}) == "k" and upstream_key(up, {}) is None
    assert upstream_key(replace(up, upstream_key_env="A"), {"A": "a", "TOOLGLOT_API_KEY": "k"}) == "a"
    assert upstream_key(Settings(), {"TOOLGLOT_API_KEY": "k"}) is None


# -- printed, and handed over ----------------------------------------------------------------------------------


def values_of(kind: kinds.Kind, name: str) -> st.SearchStrategy[Any]:
    """Values of the setting's kind: what is no other kind is a text."""
    some = OTHERS[name][1]
    if isinstance(some, bool):
        return st.booleans()
    if isinstance(some, tuple):
        return st.lists(st.sampled_from(["*", "https://a.example", "app://x"])).map(tuple)
    if kind in (kinds.SECONDS, kinds.UNLIMITED, kinds.KEPT_FOR):
        times = st.floats(0, 1e9) | st.integers(0, 10**7).map(float)
        return times | st.none() if kind.none else times
    if isinstance(some, int):
        return st.integers(1, 10)
    if kind in (kinds.NAME, kinds.PATH):
        shown = st.characters(exclude_categories=["Cs"], exclude_characters=[*map(chr, range(32)), "\x7f"])
        return st.text(shown, min_size=1).filter(str.strip) | st.just('a"\\b')
    return st.just(some)


@given(st.data())
def test_what_is_printed_is_read_again_as_the_same(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    names = data.draw(st.sets(st.sampled_from(sorted({*OTHERS} - {*NEEDS, "upstream", "keys_file", "key_env"}))))
    settings = Settings(**{name: data.draw(values_of(KINDS[name], name), name) for name in names})
    path = file_of(tmp_path_factory.mktemp("printed"), printed(Found(settings, {}), {}))
    assert read_settings({}, {}, path).settings == settings
    assert handed_over(handing_over(settings)) == settings


def test_every_line_says_where_its_setting_comes_from(tmp_path: Path) -> None:
    lines = printed(read_settings({"port": "1"}, {variable("retry"): "1"}), {}).splitlines()
    assert lines[0] == "[serve]" and len(lines) == len(SETTINGS) + 1
    assert {"port = 1  # --port", "retry = 1  # TOOLGLOT_SERVE_RETRY", "workers = 1  # default"} < {*lines}
    assert "# upstream is not set: the model runs in this process" in lines


def test_settings_that_nobody_handed_over_are_an_error() -> None:
    with pytest.raises(ToolglotError, match="toolglot serve"):
        handed_over({})
    assert json.loads(handing_over(Settings())[HANDED])["port"] == 8000


@pytest.mark.parametrize(("words", "size"), [
    ("20MiB", 20 << 20), ("1.5KiB", 1536), ("7", 7), ("2 GB", 2 * 10**9), ("3B", 3)])
def test_sizes(words: str, size: int) -> None:
    assert kinds.SIZE.read(words, "", True) == size
    assert kinds.SIZE.read(kinds.SIZE.shown(size), "", False) == size


@pytest.mark.parametrize(("words", "seconds"), [
    ("30d", 2592000), ("1.5h", 5400), ("90", 90), ("250ms", 0.25), ("0", 0), ("2 m", 120)])
def test_times(words: str, seconds: float) -> None:
    assert kinds.SECONDS.read(words, "", True) == seconds


# -- the command -----------------------------------------------------------------------------------------------


def test_the_command_prints_its_configuration(
        capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path("toolglot.toml").write_text("[serve]\nretry = 2")
    assert cli.main(["serve", "--print-config", "--port", "0", "--no-metrics", "--constrain"]) == 0
    out = capsys.readouterr().out
    assert "port = 0  # --port\n" in out and "retry = 2  # toolglot.toml, [serve] retry\n" in out
    assert "metrics = false  # --no-metrics\n" in out and "constrain = true  # --constrain\n" in out
    assert cli.main(["serve", "--print-config", "--port", "x"]) == cli.WRONG
    assert capsys.readouterr().err == "toolglot: --port: expected a whole number, from 0 to 65535, found 'x'\n"


def test_help_names_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["serve", "--help"])
    shown = capsys.readouterr().out
    assert left.value.code == 0 and all(flag(one.name) in shown for one in SETTINGS) and "examples:" in shown


def test_reading_settings_needs_nothing_of_the_server() -> None:
    code = "import sys, toolglot.cli, toolglot.serve.settings; print(*{m.split('.')[0] for m in sys.modules})"
    brought = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"starlette", "uvicorn", "prometheus_client", "sqlalchemy", "aiohttp", "orjson", "tomllib"} & set(brought)


def test_others_are_not_the_defaults() -> None:
    assert OTHERS.keys() == asdict(Settings()).keys()
