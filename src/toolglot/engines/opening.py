"""From a place to its engine: a file, a directory, or the address of a server that is asked what it is.

The one rule: a server is told nothing before it is known. The questions are plain GETs, the most certain answers first; a
constraint is tried by the engine that was recognised, for a stock llama-server stops at a grammar that it does not know,
and so may what is built on llama.cpp.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from . import Chat, Engine, EngineError
from .http import Refused, Timeouts, Unreachable, Wire

Api = Literal["llama-server", "vllm", "sglang", "lm-studio", "completions", "ollama", "tgi", "chat"]

# what is asked, in order, and what an answer holds if it is one. Ollama's comes behind llama-server's, which has it too.
SIGNS: tuple[tuple[Api, str, str], ...] = (
    ("llama-server", "/props", "default_generation_settings"), ("ollama", "/api/tags", "models"),
    ("tgi", "/info", "model_id"), ("completions", "/v1/models", "data"), ("chat", "/models", "data"))
# hosts that are known to serve conversations alone
HOSTED = ("api.openai.com", "api.mistral.ai", "api.groq.com", "api.deepseek.com", "api.anthropic.com", "api.x.ai",
          "api.cerebras.ai", "api.together.xyz", "api.together.ai", "api.fireworks.ai", "api.moonshot.ai", "openrouter.ai",
          "router.huggingface.co", "generativelanguage.googleapis.com")
LOADING = 503
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|[A-Za-z0-9.-]+:[0-9]+(?:/|$)")
END = re.compile(r"(?:/v1(?:/(?:chat/)?completions)?|/api)?/*$")


async def open_engine(where: str | os.PathLike[str] | None = None, *, model: str | None = None, key: str | None = None,
                      api: Api | None = None, context: int | None = None, threads: int | None = None,
                      slots: int = 1, timeouts: Timeouts = Timeouts()) -> Engine | Chat:
    """The engine at `where`: a GGUF file (llama.cpp in this process; None is the default model), a directory with a model
    of transformers, or a server's URL. `close` it.

    For a URL: `model` is its name for the one that is meant, where it serves several; `key` is sent and shown nowhere;
    `api` is what kind of server it is, None asks. `context` is in tokens; `threads` and `slots`, requests
    side by side, are the embedded engine's.

    Errors: EngineError where there is nothing, where nothing that is known answers, and for all that the engine's own
    opening refuses.
    """
    if api is not None and api not in get_args(Api):
        raise EngineError(f"api: expected one of {', '.join(get_args(Api))}; got {api!r}")
    if is_address(where):
        return await _open_server(str(where), model, key, api, context, timeouts)
    if model or api:
        raise EngineError(f"{where or 'the default model'} is no URL: `model` and `api` are for servers")
    return await asyncio.to_thread(_open_files, where, context, threads, slots)


def is_address(where: object) -> bool:
    """Whether it is a server's: http://HOST, or HOST:PORT."""
    return isinstance(where, str) and ADDRESS.match(where) is not None and not Path(where).exists()


def _open_files(where: str | os.PathLike[str] | None, context: int | None, threads: int | None, slots: int) -> Engine:
    from .weights import find_model

    if where is not None and (directory := Path(where).expanduser()).is_dir():
        if not (directory / "config.json").is_file():
            raise EngineError(f"{directory} holds no config.json: give a GGUF file, a directory with a model of "
                              "transformers, or a server's URL")
        from . import transformers

        return transformers.open_model(directory, context=context)
    from . import llamacpp

    return llamacpp.open_model(find_model(where), context=context, threads=threads, slots=slots)


# ---------------------------------------------------------------- servers

async def _open_server(url: str, model: str | None, key: str | None, api: Api | None, context: int | None,
                       timeouts: Timeouts) -> Engine | Chat:
    hosted = urlsplit(url).hostname in HOSTED or url.rstrip("/").endswith("/chat/completions")
    kind = api or ("chat" if hosted else await _recognise(Wire(END.sub("", url), key, timeouts)))
    try:
        engine = await _open(kind, url, model, key, context, timeouts, given=api is not None)
    except Refused as refusal:
        if api is not None or kind != "completions" or refusal.status == 401:
            raise
        try:                                                 # it lists models, and takes no prompts
            engine = await _open("chat", url, model, key, context, timeouts)
        except EngineError as error:
            raise EngineError(f"{error}; as for prompts, {refusal}") from None
    if context and not 0 < engine.facts.context <= context:
        engine.facts = replace(engine.facts, context=context)
    return engine


async def _recognise(wire: Wire) -> Api:
    """What kind of server it is."""
    asked, barred = list[str](), None
    try:
        for kind, path, sign in SIGNS:
            try:
                answer: Any = await wire.ask(path)
            except Unreachable:
                raise
            except Refused as refusal:
                if kind == "llama-server" and refusal.status == LOADING and "loading" in refusal.reason.lower():
                    return kind
                barred = barred or (refusal if refusal.status in (401, 403) else None)
                asked.append(f"{path} answered {refusal.status}")
            except EngineError as error:
                asked.append(str(error))
            else:
                if isinstance(answer, Mapping) and sign in answer:
                    return kind
                asked.append(f"{path} holds no `{sign}`")
    finally:
        wire.close()
    raise barred or EngineError(f"{wire.url} is no server that is known here: {'; '.join(asked)}. If it is one, say which "
                                f"(api, or --api): {', '.join(get_args(Api))}")


async def _open(kind: Api, url: str, model: str | None, key: str | None, context: int | None, timeouts: Timeouts,
                given: bool = False) -> Engine | Chat:
    """`given`: the kind was not found out, but said."""
    root = END.sub("", url)
    match kind:
        case "llama-server":
            from .llama_server import open_server

            return await open_server(root, key=key, timeouts=timeouts)
        case "ollama":
            from .ollama import open_ollama

            return await open_ollama(root, model=model, key=key, timeouts=timeouts, context=context)
        case "tgi":
            from .tgi import open_tgi

            return await open_tgi(root, model=model, key=key, timeouts=timeouts, context=context)
        case "chat":
            from .chat_api import open_chat

            return await open_chat(url, model=model, key=key, timeouts=timeouts)
    from .completions import open_completions

    return await open_completions(root, model=model, key=key, timeouts=timeouts, context=context,
                                  kind=kind if given else None)


__all__ = ["Api", "is_address", "open_engine"]
