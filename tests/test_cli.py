"""The command line: what it prints, what it refuses, and how it leaves the terminal."""

from __future__ import annotations

import io
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from toolglot import cli
from toolglot.cli.screen import visible
from toolglot.engines import EngineError
from toolglot.engines.scripted import Script, Scripted
from toolglot.parse import Parser
from toolglot.registry import dialects
from toolglot.shown import Spans

ROOT = Path(__file__).parent.parent
WEATHER = str(ROOT / "examples" / "weather.py")
QUESTION = "What is the weather in Paris?"
CALL = '{"name": "get_weather", "arguments": {"city": "Paris"}}'
SOURCE = """
import time

def fail(why: str) -> str:
    "Fail."
    raise RuntimeError("broken:\\n" + why)

def hang() -> str:
    "Hang."
    time.sleep(20)
    return ""
"""
Run = tuple[int, str, str]
Ask = Callable[..., Run]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """Runs a command in this process: exit code, stdout, stderr."""
    def run(*argv: str) -> Run:
        try:
            code = cli.main(argv)
        except SystemExit as left:              # argparse
            code = int(left.code or 0)
        seen = capsys.readouterr()
        return code, seen.out, seen.err

    return run


@pytest.fixture
def ask(run: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Asks a scripted engine."""
    file = tmp_path / "model.gguf"
    file.write_bytes(b"")

    def ask(replies: Sequence[Script], *argv: str, tools: str = WEATHER) -> Run:
        ask.engine = Scripted(replies)          # type: ignore[attr-defined]
        monkeypatch.setattr(cli, "open_engine", lambda args: ask.engine)      # type: ignore[attr-defined]
        code, out, err = run("ask", QUESTION, "--model", str(file), "--tools", tools, *argv)
        assert ask.engine.closed or code == cli.WRONG       # type: ignore[attr-defined]
        return code, out, err

    return ask


@pytest.fixture
def faulty(tmp_path: Path) -> str:
    path = tmp_path / "faulty.py"
    path.write_text(SOURCE)
    return str(path)


def call_of(name: str, **arguments: Any) -> str:
    return json.dumps({"name": name, "arguments": arguments})


# ---------------------------------------------------------------- ask

def test_the_main_job(ask: Ask) -> None:
    code, out, err = ask([CALL, "It is sunny."], "--yes")
    assert (code, err) == (0, "")
    assert out == 'call    get_weather {"city": "Paris"}\nresult  It is 18 °C and sunny in Paris.\nIt is sunny.\n'


def test_nothing_runs_that_nobody_allowed(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))       # no terminal, so nobody is there
    code, out, err = ask([CALL, "It is sunny."])
    assert code == cli.DENIED
    assert out == 'call    get_weather {"city": "Paris"}\n'
    assert err == ("toolglot: not run: get_weather(city='Paris'); "
                   "nobody is there to allow it: run functions with --yes\n")


def test_steps_as_json(ask: Ask) -> None:
    code, out, _ = ask([CALL, "It is sunny."], "--yes", "--json")
    steps = [json.loads(line) for line in out.rstrip("\n").split("\n")]
    assert code == 0
    assert [step["step"] for step in steps if step["step"] != "written"] == \
        ["prompted", "replied", "ran", "prompted", "replied", "answered"]
    assert steps[1]["events"][0] == {"event": "CallStart", "index": 0, "name": "get_weather"}
    assert next(s for s in steps if s["step"] == "replied")["reply"]["calls"][0]["arguments"] == {"city": "Paris"}
    assert next(s for s in steps if s["step"] == "replied")["done"]["finish"] == "stop"


def test_show_says_what_each_piece_is(ask: Ask) -> None:
    code, out, _ = ask([CALL, "It is sunny."], "--yes", "--show")
    assert code == 0
    assert "[tools]" in out
    assert f"[content]{QUESTION}[/content]" in out
    assert '[call]get_weather[/call][markup]", "arguments": [/markup][call]{"city": "Paris"}[/call]' in out
    assert "[content]It is sunny.[/content]\n" in out


def test_options_reach_the_engine(ask: Ask) -> None:
    ask(["Hi."], "--choice", "none", "--no-constrain", "--max-tokens", "7", "--temperature", "0.5", "--seed", "3",
        "--system", "Be brief.", "--dialect", "qwen3")
    request = ask.engine.requests[0]            # type: ignore[attr-defined]
    assert (request.constraint, request.max_tokens, request.temperature, request.seed) == (None, 7, 0.5, 3)
    assert "Be brief." in "".join(piece.text for piece in request.prompt)


def test_an_answer_of_a_schema(ask: Ask, tmp_path: Path) -> None:
    schema = tmp_path / "person.json"
    schema.write_text('{"type": "object", "properties": {"name": {"type": "string"}}}')
    for reply, code, said in (('{"name": "Bob"}', 0, ""), ("Bob.", cli.FAILED, "the answer is no JSON")):
        found, _, err = ask([reply], "--choice", "none", "--answer", str(schema))
        assert found == code and said in err
    assert '"name"' in ask.engine.requests[0].constraint.text          # type: ignore[attr-defined]


def test_a_function_that_raises(ask: Ask, faulty: str) -> None:
    code, out, err = ask([call_of("fail", why="no"), "It failed."], "--yes", tools=faulty)
    assert code == cli.FAILED
    assert err == "toolglot: fail: RuntimeError: broken: no (faulty.py:6)\n"
    assert "failed  RuntimeError" in out
    assert out.endswith("It failed.\n")


def test_a_function_that_hangs(ask: Ask, faulty: str) -> None:
    code, _, err = ask([call_of("hang"), "It failed."], "--yes", "--timeout", "0.1", tools=faulty)
    assert code == cli.FAILED
    assert err.count("\n") == 1
    assert "hang: expected a result within 0.1 seconds" in err


def test_a_reply_without_the_call(ask: Ask) -> None:
    code, out, err = ask(["It may rain."], "--no-constrain")
    assert (code, out) == (cli.FAILED, "It may rain.\n")
    assert err == "toolglot: a call was required, and the reply holds none\n"


def test_an_engine_that_fails(ask: Ask) -> None:
    code, out, err = ask([["It ", EngineError("the prompt has 9,000 tokens")]], "--choice", "none")
    assert (code, out, err) == (cli.FAILED, "It\n", "toolglot: the prompt has 9,000 tokens\n")


def test_a_tool_without_a_function(ask: Ask, tmp_path: Path) -> None:
    tools = tmp_path / "tools.json"
    tools.write_text('[{"name": "get_weather", "input_schema": {"type": "object", "properties": {"city": {}}}}]')
    code, out, err = ask([CALL], "--yes", tools=str(tools))
    assert (code, out) == (0, 'call    get_weather {"city": "Paris"}\n')
    assert "its call is shown, not run" in err


def test_a_bug_is_one_line_with_a_hint(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOOLGLOT_DEBUG", raising=False)
    code, _, err = ask([[KeyError("x")]])
    assert (code, err.count("\n")) == (cli.FAILED, 1)
    assert "KeyError: 'x' (this is a bug; TOOLGLOT_DEBUG=1 shows where)" in err
    monkeypatch.setenv("TOOLGLOT_DEBUG", "1")
    with pytest.raises(KeyError):
        ask([[KeyError("x")]])


# ---------------------------------------------------------------- what is given and wrong

def test_a_file_that_is_no_gguf(run: Callable[..., Run], tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_text("no")
    code, out, err = run("ask", QUESTION, "--model", str(path), "--tools", WEATHER)
    assert (code, out) == (cli.WRONG, "")
    assert err == f"toolglot: {path} is not a GGUF file: give the path of a model in llama.cpp's format\n"


@pytest.mark.parametrize(("argv", "words"), [
    (["--model", "nowhere.gguf"], "there is no model file nowhere.gguf"),
    (["--dialect", "qwn3"], "did you mean qwen3"),
    (["--choice", "get_wether"], "expected auto, required, none or one of get_weather, get_time_difference"),
    (["--tools", WEATHER], "get_weather"),                      # the same names twice
    (["--tools", "nowhere.py"], "no such file"),
    (["--max-tokens", "0"], "expected a number, 1 or more"),
    (["--answer", "nowhere.json"], "nowhere.json: No such file"), (["--answer", WEATHER], "expected JSON"),
    (["--bogus"], "unrecognized arguments: --bogus")])
def test_wrong_arguments_are_said_before_a_model_loads(run: Callable[..., Run], argv: list[str], words: str) -> None:
    code, out, err = run("ask", QUESTION, "--tools", WEATHER, *argv)
    assert (code, out) == (cli.WRONG, "")
    assert words in err
    assert "Traceback" not in err


@pytest.mark.parametrize(("name", "text", "words"), [
    ("a.py", "def f(:\n", "a.py:1: expected Python, found a syntax error"),
    ("a.py", "1 / 0\n", "ZeroDivisionError: division by zero (a.py:1)"),
    ("a.py", "x = 1\n", "expected at least one tool, found none"),
    ("a.json", '[{"name": ""}]', "tools[0].name: expected a name"),
    ("a.json", '[{"parameters": {}}]', "expected a tool with a name, found none"),
    ("a.json", '[{"name": "f", "parameters": [1]}]', "expected a JSON schema"),
    ("a.json", '[{"name": "f"}, {"name": "f"}]', "expected a name of its own, found 'f'"),
    ("a.json", "[{", "expected JSON"),
    ("a.txt", "", "expected a .py or .json file")])
def test_wrong_tools(run: Callable[..., Run], tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    code, out, err = run("prompt", "hi", "--tools", str(tmp_path / name))
    assert (code, out) == (cli.WRONG, "")
    assert err.startswith("toolglot: ")
    assert err.count("\n") == 1
    assert words in err


@pytest.mark.parametrize(("messages", "words"), [
    ([{"role": "robot", "content": "x"}], "messages[0].role: expected one of"),
    ([{"role": "user", "content": [{"type": "image_url"}]}], "messages[0].content[0]: expected a text part"),
    ([{"role": "tool", "tool_call_id": "7", "content": "x"}], "messages[0].tool_call_id: no call '7' was made"),
    ([{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{"}}]}], "expected JSON, got '{'"),
    ({"role": "user"}, "expected a list of messages")])
def test_wrong_messages(run: Callable[..., Run], tmp_path: Path, messages: Any, words: str) -> None:
    path = tmp_path / "messages.json"
    path.write_text(json.dumps(messages))
    code, _, err = run("prompt", "--messages", str(path))
    assert code == cli.WRONG
    assert words in err


@pytest.mark.parametrize("argv", [["prompt"], ["prompt", "hi", "--messages", "x.json"], ["parse", "nowhere.txt"],
                                  ["prompt", "--messages", "nowhere.json"], ["show", "nothing-like-it"]])
def test_other_wrong_things(run: Callable[..., Run], argv: list[str]) -> None:
    code, out, err = run(*argv)
    assert (code, out) == (cli.WRONG, "")
    assert re.fullmatch(r"toolglot: .+\n", err)


# ---------------------------------------------------------------- prompt, parse, dialects, show

def test_prompt_is_the_prompt_byte_for_byte(run: Callable[..., Run]) -> None:
    assert run("prompt", "Hi", "--dialect", "qwen3") == (
        0, "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", "")
    code, out, _ = run("prompt", "Hi", "--model-id", "Qwen/Qwen3-8B", "--pieces")
    assert code == 0
    assert "[content]Hi[/content]" in out
    code, out, _ = run("prompt", "Hi", "--json")
    assert json.loads(out)[1]["text"] == "Hi"


def test_prompt_in_the_frame_of_a_template(run: Callable[..., Run], tmp_path: Path) -> None:
    path = tmp_path / "template.jinja"
    path.write_text("{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}[assistant]")
    code, out, _ = run("prompt", "Hi", "--template", str(path))
    assert (code, out) == (0, "[user] Hi\n[assistant]")


def test_parse(run: Callable[..., Run], tmp_path: Path) -> None:
    path = tmp_path / "reply.txt"
    path.write_bytes(f"Well \xff.\n<tool_call>\n{CALL}\n</tool_call><tool_call>\n{{".encode("latin-1"))
    code, out, err = run("parse", str(path), "--dialect", "hermes")
    reply = json.loads(out)
    assert code == cli.FAILED
    assert reply["content"] == "Well \ufffd."
    assert reply["calls"] == [{"name": "get_weather", "arguments": {"city": "Paris"}}]
    assert err.startswith("toolglot: unfinished at")
    code, out, err = run("parse", str(path), "--dialect", "hermes", "--stream")
    kinds = [json.loads(line)["event"] for line in out.splitlines()]
    assert kinds == ["Text", "CallStart", "CallArgs", "CallEnd", "Problem"]


def test_parse_reads_stdin() -> None:
    reply = subprocess.run([sys.executable, "-m", "toolglot", "parse", "--dialect", "json"], input=CALL.encode(),
                           env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, capture_output=True, check=True)
    assert json.loads(reply.stdout)["calls"][0]["name"] == "get_weather"


def test_dialects(run: Callable[..., Run]) -> None:
    code, out, _ = run("dialects")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[::2]] == sorted(dialects())
    assert all(row["models"] for row in json.loads(run("dialects", "--json")[1]))


@pytest.mark.parametrize("name", dialects())
def test_show(run: Callable[..., Run], name: str) -> None:
    code, out, err = run("show", name)
    assert (code, err) == (0, "")
    assert f"name={name!r}" in out
    assert "nothing: it is unambiguous" in out
    assert "What is the weather in Paris?[/content]" in out


def test_help_and_version(run: Callable[..., Run]) -> None:
    assert run("--version")[1].startswith("toolglot 0.")
    assert "examples:" in run("--help")[1]
    for command in ("ask", "prompt", "parse", "dialects", "show", "pull"):
        code, out, _ = run(command, "--help")
        assert code == 0
        assert out.startswith("usage: toolglot " + command)


def test_pull_says_where(run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolglot.engines.weights.fetch", lambda progress: Path("/cache/model.gguf"))
    monkeypatch.delenv("TOOLGLOT_MODEL", raising=False)
    assert run("pull") == (0, f"{Path('/cache/model.gguf')}\n", "")


# ---------------------------------------------------------------- pipes and terminals

@pytest.mark.parametrize("argv", [["dialects"], ["show", "harmony"], ["prompt", "hi\x1b[31m", "--pieces"]])
def test_what_is_piped_has_no_escape_codes(run: Callable[..., Run], argv: list[str]) -> None:
    assert "\x1b" not in run(*argv)[1]


def test_a_model_cannot_steer_the_terminal(ask: Ask) -> None:
    _, out, _ = ask(["a\x1b[2Jb\x07\x9b1m"], "--choice", "none")
    assert out == "a␛[2Jb␇\ufffd1m\n"
    assert visible("tab\tline\n") == "tab\tline\n"


def test_a_closed_pipe_is_quiet() -> None:
    child = subprocess.Popen([sys.executable, "-m", "toolglot", "show", "harmony"], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT / "src")})
    assert child.stdout
    child.stdout.close()
    _, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (cli.PIPE, b"")


@pytest.mark.parametrize("dialect", dialects())
def test_spans_hold_the_whole_text(dialect: str) -> None:
    from toolglot.cli.describe import example_call, weather_tool

    text = f"{example_call(dialects()[dialect])} \n<x"
    spans = Spans(Parser(dialects()[dialect], [weather_tool()]))
    found = [*spans.feed(text), *spans.close()]
    assert "".join(stretch for stretch, _ in found) == text
    assert ("get_weather", "call") in found


DRIVER = """
import sys
from toolglot import cli
from toolglot.engines.scripted import Scripted
engine = Scripted([['{"name": "get_weather", ', '"arguments": {"city": "Paris"}}'], ["word "] * 100000], delay=0.02)
cli.open_engine = lambda args: engine
code = cli.main(["ask", "What?", "--tools", sys.argv[1], "--model", sys.argv[1], "--max-tokens", "99999"])
print("CODE", code, "CANCELLED", engine.cancelled, "CLOSED", engine.closed, "END")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")
@pytest.mark.parametrize("interrupt", ["while it asks", "while it writes"])
def test_ctrl_c_leaves_the_terminal_clean(interrupt: str) -> None:
    import pty

    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(PYTHONPATH=str(ROOT / "src"), TERM="xterm-256color")
        os.environ.pop("NO_COLOR", None)
        os.execv(sys.executable, [sys.executable, "-c", DRIVER, WEATHER])
    seen = ""

    def until(words: str) -> None:
        nonlocal seen
        end = time.monotonic() + 60
        while words not in seen:
            assert time.monotonic() < end, seen
            if select.select([terminal], [], [], 0.5)[0]:
                try:
                    seen += os.read(terminal, 65536).decode(errors="replace")
                except OSError:                 # the other side is gone
                    break
        assert words in seen

    try:
        until("[y/N]")
        assert "run get_weather(city='Paris')?" in seen
        assert "\x1b[" in seen                  # a terminal has colours
        if interrupt == "while it writes":
            os.write(terminal, b"y\n")
            until("word word word")
        os.write(terminal, b"\x03")
        until("END")
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)
    assert f"CODE {cli.INTERRUPTED} CANCELLED {int(interrupt == 'while it writes')} CLOSED True END" in seen
    assert "Traceback" not in seen
    assert seen.count("\x1b[?25l") == seen.count("\x1b[?25h")   # the cursor is hidden and shown again


# ---------------------------------------------------------------- engines behind a URL

@pytest.fixture
def remote(run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Runs a command with the URL of a fake server; gives its code, stdout, stderr, and the server."""
    pytest.importorskip("aiohttp", reason="engines behind a URL need aiohttp: pip install 'toolglot[remote]'")
    monkeypatch.delenv("TOOLGLOT_API_KEY", raising=False)

    def remote(server: Any, *argv: str, key: str | None = None) -> Any:
        from fake_servers import serving

        with serving(server, key) as fake:
            return *run(*[fake.url if one == "URL" else one for one in argv]), fake

    return remote


def conversation(*replies: Sequence[dict[str, Any]]) -> Callable[[str, str, Any], Any]:
    """A chat API that streams these replies, each a few deltas."""
    left = list(replies)

    def answer(method: str, path: str, body: Any) -> Any:
        from fakes import as_events

        if path.endswith("/models"):
            return 200, {"object": "list", "data": [{"id": "big"}, {"id": "small"}]}
        if path != "/v1/chat/completions":
            return 404, {"error": "not here"}
        deltas = [{"choices": [{"index": 0, "delta": delta}]} for delta in left.pop(0)]
        return as_events(*deltas, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})

    return answer


ASKED = ("ask", QUESTION, "--tools", WEATHER, "--yes", "--engine", "URL")
STORY = 'call    get_weather {"city": "Paris"}\nresult  It is 18 °C and sunny in Paris.\nIt is sunny.\n'
SAID = [{"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {
    "name": "get_weather", "arguments": '{"city": "Paris"}'}}]}], [{"content": "It is "}, {"content": "sunny."}]


def test_the_main_job_on_a_server(remote: Callable[..., Any]) -> None:
    from fake_servers import Completions, Ollama

    two = Ollama(models=("a:1b", "b:1b"), replies=[CALL, "It is sunny."])
    code, out, err, fake = remote(two, *ASKED, "--model", "a:1b")
    assert (code, out, err) == (0, STORY, "")
    assert fake.bodies("/api/generate")[-1]["model"] == "a:1b"
    free = Completions("lm_studio", replies=[CALL, "It is sunny."])
    code, out, err, _ = remote(free, *ASKED)
    assert code == cli.FAILED and "LM Studio has no field for it" in err and "--no-constrain" in err
    assert remote(free, *ASKED, "--no-constrain")[:3] == (0, STORY, "")


def test_a_reply_that_nothing_holds_is_said(remote: Callable[..., Any]) -> None:
    from fake_servers import Ollama

    _, out, _, _ = remote(Ollama(replies=[CALL, "It is sunny."]), *ASKED, "--json")
    prompts = [step for step in map(json.loads, out.rstrip("\n").split("\n")) if step["step"] == "prompted"]
    assert prompts[0]["constraint"] and not prompts[0]["unheld"]
    assert prompts[1]["constraint"] is None and "could not hold words" in prompts[1]["unheld"]
    assert "this reply is held to nothing: Ollama" in remote(Ollama(replies=[CALL, "It is sunny."]), *ASKED, "--show")[1]


def test_the_main_job_on_a_chat_api(remote: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-secret-1")
    chat = (*ASKED, "--api", "chat", "--model", "big", "--key-env", "MY_KEY")
    code, out, err, fake = remote(conversation(*SAID), *chat, key="sk-secret-1")
    assert (code, out, err) == (0, STORY, "")
    assert [body["model"] for body in fake.bodies("/v1/chat/completions")] == ["big", "big"]
    _, out, _, _ = remote(conversation(*SAID), *chat, "--show")
    assert '{"role": "user", "content": "What is the weather in Paris?"}\n' in out and out.endswith(STORY[-13:])
    _, out, _, _ = remote(conversation(*SAID), *chat, "--json")
    steps = [json.loads(line) for line in out.rstrip("\n").split("\n")]
    assert [step["step"] for step in steps if step["step"] != "written"] == \
        ["sent", "replied", "ran", "sent", "replied", "answered"]
    assert steps[0] == {"step": "sent", "messages": [{"role": "user", "content": QUESTION}], "choice": "auto"}


def test_what_a_server_is_not_given(remote: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    chat = conversation()
    code, _, err, _ = remote(chat, *ASKED, "--api", "chat")
    assert code == cli.WRONG and "needs the name of a model: it has 2, among them big, small" in err
    code, _, err, _ = remote(chat, *ASKED, "--api", "chat", "--model", "big", "--dialect", "hermes")
    assert code == cli.WRONG and "writes its own prompts: leave out --dialect" in err
    code, _, err, _ = remote(chat, *ASKED, "--key-env", "NO_SUCH_KEY")
    assert (code, err) == (cli.WRONG, "toolglot: --key-env NO_SUCH_KEY: the environment has no NO_SUCH_KEY\n")
    monkeypatch.setenv("TOOLGLOT_API_KEY", "sk-wrong-1")
    code, _, err, _ = remote(chat, *ASKED, key="sk-right-1")
    assert code == cli.WRONG and "its key was refused" in err and "sk-" not in err
    code, _, err, _ = remote(chat, "ask", "Hi", "--engine", str(tmp_path), "--model", "x")
    assert code == cli.WRONG and "is no URL: give it or --model, one of the two" in err


def test_probe_says_what_an_engine_is(remote: Callable[..., Any]) -> None:
    from fake_servers import Ollama

    code, out, err, _ = remote(Ollama(models=("llama3.2:3b",)), "probe", "URL")
    assert (code, err) == (0, "")
    rows = [line for line in out.split("\n") if line]
    assert rows[0] == "model     llama3.2:3b" and rows[1] == "context   4,096 tokens"
    assert rows[2].startswith("found     Ollama 0.40.12 at http://127.0.0.1:")
    assert "dialect   llama3.2: it is known by 'llama3.2'" in rows
    assert rows[-3].startswith("auto      not held: ") and rows[-1].startswith("none      not held: ")
    assert rows[-2].startswith("required  held to json_schema; not to this: one call a reply")
    found = json.loads(remote(Ollama(), "probe", "URL", "--json", "--dialect", "hermes")[1])
    assert (found["dialect"], found["why"]) == ("hermes", "it was given")
    assert "cannot say this format's calls" in found["held"]["required"]["error"]
    found = json.loads(remote(conversation(), "probe", "URL", "--api", "chat", "--model", "big", "--json")[1])
    assert (found["model"], found["dialect"], found["held"]) == ("big", None, {})
    code, _, err, _ = remote(lambda *asked: (404, {}), "probe", "URL")
    assert code == cli.WRONG and "is no server that is known here: /props answered 404" in err and err.count("\n") == 1


# ---------------------------------------------------------------- the real model

def test_the_main_job_on_the_default_model() -> None:
    pytest.importorskip("xllamacpp", reason="the embedded engine is not installed")
    pytest.importorskip("llguidance", reason="what checks constraints is not installed")
    from toolglot.engines.weights import find_model

    try:
        model = find_model()
    except EngineError as error:
        pytest.skip(f"no model: {error}")
    command = [sys.executable, "-m", "toolglot", "ask", QUESTION, f"--model={model}", f"--tools={WEATHER}", "--yes"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONUTF8": "1", "TOOLGLOT_THREADS": "1"}
    reply = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", timeout=300, check=False)
    assert (reply.returncode, reply.stderr) == (0, "")
    call, result, answer = reply.stdout.split("\n", 2)
    assert call.startswith('call    get_weather {"city": "Paris"')
    assert result == "result  It is 18 °C and sunny in Paris."
    assert "Paris" in answer
