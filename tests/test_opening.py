"""From a place to its engine: every kind of server is told by what its fake answers, and nothing is told before."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="engines behind a URL need aiohttp: pip install 'toolglot[remote]'")

import fake_servers as servers
from fakes import Answer, Asked, Fake, as_events, as_json, closed_port
from toolglot.ask import dialect_of, model_for
from toolglot.engines import Chat, EngineError
from toolglot.engines.http import Timeouts
from toolglot.engines.opening import is_address, open_engine
from toolglot.engines.weights import find_model

KEY = "sk-0123456789abcdef"
QUICK = Timeouts(connect=2, answer=20, piece=20)      # a fake that compiles its first grammar on a busy machine takes 5
CHATML = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"


def llama_server(method: str, path: str, body: Any) -> Any:
    """A stock llama-server: a Lark grammar ends it."""
    match method, path:
        case "GET", "/props":
            return 200, {"default_generation_settings": {"n_ctx": 4096}, "chat_template": CHATML, "eos_token": "<|im_end|>"}
        case "GET", "/v1/models":
            return 200, {"object": "list", "data": [{"id": "smol.gguf", "owned_by": "llamacpp", "meta": {}}]}
        case "GET", "/api/tags":                 # it plays Ollama too
            return 200, {"models": [{"name": "smol.gguf"}]}
        case "POST", "/tokenize":
            texts = body["content"] if isinstance(body["content"], list) else [body["content"]]
            ids = [2 if text == "<|im_end|>" and body["parse_special"] else 100 + len(text) for text in texts]
            return 200, {"tokens": ids}
        case "POST", "/detokenize":
            return 200, {"content": "<|im_end|>"}
        case "POST", "/completion":
            assert "llguidance" not in body["grammar"]
            said = json.loads(body["grammar"].split("::= ")[1]) if body["grammar"] else "hi"
            return as_events({"content": said}, {"content": "", "stop": True, "stop_type": "eos"}, done=False)
    return 404, {"error": {"message": "File Not Found"}}


def chat_only(method: str, path: str, body: Any) -> Any:
    """A gateway that serves conversations, and prompts to nobody."""
    if path == "/v1/models":
        return 200, {"object": "list", "data": [{"id": "big"}]}
    if path == "/v1/completions":
        return 400, {"error": {"message": "this is a chat model"}}
    return 404, {"error": {"message": "no such page"}}


def lm_studio(method: str, path: str, body: Any) -> Any:
    """It answers 200 to what it does not know."""
    said = servers.Completions("lm_studio")(method, path, body)
    return said if isinstance(said, Answer) or said[0] != 404 else (200, {"error": "Unexpected endpoint or method."})


SERVERS: dict[str, tuple[Any, str, str]] = {         # the fake, its engine, and what it says it is
    "llama-server": (llama_server, "LlamaServer", "llama-server of a build"),
    "vllm": (servers.Completions(), "Completions", "vLLM 0.32.0"),
    "sglang": (servers.Completions("sglang"), "Completions", "SGLang 0.5.23"),
    "lm-studio": (lm_studio, "Completions", "LM Studio"),
    "completions": (servers.Completions("other", unknown=("structured_outputs", "response_format", "ebnf")), "Completions",
                    "a server with OpenAI's completions"),
    "ollama": (servers.Ollama(), "Ollama", "Ollama 0.40.12"),
    "tgi": (servers.Tgi(), "Tgi", "TGI 3.3.6"),
    "chat": (chat_only, "ChatApi", "big at"),
}


def opened(where: Any = None, **options: Any) -> Any:
    engine = asyncio.run(open_engine(where, **{"timeouts": QUICK, **options}))
    engine.close()
    return engine


def failure(where: Any, **options: Any) -> str:
    with pytest.raises(EngineError) as caught:
        opened(where, **options)
    assert KEY not in str(caught.value)
    return str(caught.value)


# ---------------------------------------------------------------- recognised

@pytest.mark.parametrize("path", ["", "/v1"])
@pytest.mark.parametrize("kind", SERVERS)
def test_every_kind_of_server_is_recognised(kind: str, path: str) -> None:
    server, name, words = SERVERS[kind]
    with servers.serving(server, KEY) as fake:
        engine = opened(fake.url + path, key=KEY)
    assert type(engine).__name__ == name and engine.facts.found[0].startswith(words)
    assert isinstance(engine, Chat) == (kind == "chat")


@pytest.mark.parametrize("kind", SERVERS)
def test_a_kind_may_be_said_and_then_nothing_else_is_asked(kind: str) -> None:
    server, name, words = SERVERS[kind]
    with servers.serving(server) as fake:
        engine = opened(fake.url, api=kind)
        asked = [request.path for request in fake.requests]
    assert type(engine).__name__ == name and engine.facts.found[0].startswith(words)
    own = {"llama-server": "/props", "tgi": "/info", "ollama": "/api/tags"}
    assert {*own.values()} & set(asked) <= {own.get(kind)}


@pytest.mark.parametrize("kind", ["llama-server", "lm-studio", "completions", "ollama", "chat"])
def test_what_may_be_llama_cpp_is_never_sent_lark(kind: str) -> None:
    for api in (None, "completions"):
        with servers.serving(SERVERS[kind][0]) as fake:
            try:
                opened(fake.url, api=api)
            except EngineError:
                assert api
            sent = [request.body.decode() for request in fake.requests]
        assert sent and not [body for body in sent if "llguidance" in body]


def test_nothing_is_posted_before_the_server_is_known() -> None:
    with servers.serving(llama_server) as fake:
        opened(fake.url)
        assert [request.method for request in fake.requests][:2] == ["GET", "GET"]
        assert fake.requests[0].path == "/props"


def test_a_llama_server_that_loads_its_model_is_waited_for() -> None:
    loading = as_json({"error": {"code": 503, "message": "Loading model"}}, 503)
    answers = [loading, loading]

    def play(asked: Asked) -> Answer:
        if answers:
            return answers.pop()
        said = llama_server(asked.method, asked.path, asked.json if asked.body else None)
        return said if isinstance(said, Answer) else as_json(said[1], said[0])

    with Fake(play) as fake:
        assert type(opened(fake.url)).__name__ == "LlamaServer"


@pytest.mark.parametrize(("url", "expected"), [
    ("http://h", True), ("https://h/v1", True), ("localhost:8080", True), ("10.0.0.1:8080/v1", True), ("ftp://h", True),
    ("model.gguf", False), ("qwen3:8b", False), ("C:\\model.gguf", False), ("./a:1/b", False), (None, False),
    (Path("a"), False)])
def test_what_is_an_address(url: Any, expected: bool) -> None:
    assert is_address(url) is expected


# ---------------------------------------------------------------- what is asked of it

def test_the_model_and_the_context_that_are_meant() -> None:
    two: Any = ({"id": "base", "root": "org/B"}, {"id": "tuned", "root": "/lora", "parent": "base"})
    with servers.serving(servers.Completions(models=two)) as fake:
        assert "serves 2 models: say which one: base, tuned" in failure(fake.url)
        assert "serves tuned" in opened(fake.url, model="tuned").facts.found[0]
    with servers.serving(servers.Ollama(models=("a", "b"))) as fake:
        assert "has 2 models: say which one: a, b" in failure(fake.url)
        assert opened(fake.url, model="b").facts.name == "b"
    with servers.serving(chat_only) as fake:
        assert opened(fake.url, model="other", api="chat").facts.name == "other"
    for kind in ("llama-server", "vllm", "ollama", "tgi"):
        with servers.serving(SERVERS[kind][0]) as fake:
            assert opened(fake.url, context=512).facts.context == 512


@pytest.mark.parametrize(("name", "kind", "dialect", "why"), [
    ("llama3.2:3b", "ollama", "llama3.2", "it is known by 'llama3.2'"), ("qwen3:8b", "ollama", "qwen3", "it is known by"),
    ("smollm2:135m", "ollama", "json", "it is known by"), ("odd:1b", "ollama", "json", "ChatML"),
    ("Qwen/Qwen3-8B", "vllm", "qwen3", "it is known by"),
    ("NousResearch/Hermes-3-Llama-3.1-8B", "vllm", "hermes", "it is known by"), ("org/Smol", "vllm", "json", "ChatML")])
def test_the_dialect_that_suits_it(name: str, kind: str, dialect: str, why: str) -> None:
    server: Any = servers.Ollama(models=(name,)) if kind == "ollama" else servers.Completions(models=({"id": name},))
    with servers.serving(server) as fake:
        facts = opened(fake.url).facts
    assert model_for(facts).dialect.name == dialect
    assert dialect_of(facts)[0] == dialect and why in dialect_of(facts)[1]


# ---------------------------------------------------------------- what goes wrong

def test_a_server_that_nobody_knows() -> None:
    pages = {"/": Answer([b"<html>Welcome</html>"]), "/info": as_json({"name": "my site"}), "/props": Answer([b"<html>"])}
    with Fake(pages) as fake:
        said = failure(fake.url)
    assert said.startswith(f"{fake.url} is no server that is known here: {fake.url}/props answered what is no JSON")
    assert "/api/tags answered 404; /info holds no `model_id`; /v1/models answered 404" in said
    assert "--api" in said and "llama-server, vllm" in said


def test_a_gateway_without_prompts_and_without_a_model_to_talk_to() -> None:
    def many(method: str, path: str, body: Any) -> Any:
        return (200, {"data": [{"id": "a", "root": "x"}, {"id": "b", "root": "x"}]}) if path == "/v1/models" else (404, {})

    with servers.serving(many) as fake:
        said = failure(fake.url)
    assert "needs the name of a model: it has 2" in said
    assert "as for prompts" in said and "/v1/completions answered 404" in said


@pytest.mark.parametrize("kind", SERVERS)
def test_a_wrong_key(kind: str) -> None:
    with servers.serving(SERVERS[kind][0], "another-key") as fake:
        assert "its key was refused" in failure(fake.url, key=KEY)
        assert "it wants a key" in failure(fake.url)


def test_nobody_is_there() -> None:
    port = closed_port()
    assert f"http://127.0.0.1:{port} cannot be reached" in failure(f"127.0.0.1:{port}")
    assert "no address of a server" in failure("ftp://127.0.0.1/x")


def test_a_kind_that_there_is_none_of() -> None:
    assert "api: expected one of llama-server, vllm" in failure("http://127.0.0.1:9", api="openai")


def test_a_server_that_is_another_than_was_said() -> None:
    with servers.serving(servers.Ollama()) as fake:
        assert "is it one?" in failure(fake.url, api="llama-server")
        assert "/info answered 404" in failure(fake.url, api="tgi")


# ---------------------------------------------------------------- files

def test_a_file_is_opened_here() -> None:
    pytest.importorskip("xllamacpp", reason="the embedded engine is not installed")
    try:
        path = find_model()
    except EngineError as error:
        pytest.skip(f"no model: {error}")
    for where in (path, str(path)):
        engine = opened(where, context=256, threads=1)
        assert type(engine).__name__ == "LlamaCpp" and engine.facts.context == 256


def test_a_directory_is_opened_with_transformers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from toolglot.engines import transformers
    from toolglot.engines.scripted import Scripted

    asked: list[Any] = []
    monkeypatch.setattr(transformers, "open_model", lambda *given, **more: asked.append((given, more)) or Scripted([]))
    (tmp_path / "config.json").write_text("{}")
    assert isinstance(opened(str(tmp_path), context=256), Scripted)
    assert asked == [((tmp_path,), {"context": 256})]


def test_what_is_no_place(tmp_path: Path) -> None:
    assert "there is no model file" in failure(str(tmp_path / "nothing.gguf"))
    assert "holds no config.json" in failure(tmp_path)
    assert "is no URL: `model` and `api` are for servers" in failure(tmp_path, model="x")
