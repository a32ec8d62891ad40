"""The application: which path is what, from settings to something that serves.

The one rule: it is thin. A path reads its request, asks the service or the store, and writes what comes.
"""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .. import __version__
from ..api import ApiError, Query, chat, messages, models, openapi, responses
from ..message import ToolglotError
from . import arena
from .exchange import App
from .gate import gated
from .kept import cancel_response, input_items, one_response, read_on
from .metrics import Metrics
from .replies import Surface
from .requests import Served, as_json, body_of, check_size, loads, owner
from .service import Policy, Service
from .settings import Settings, handed_over, keys_of, upstream_key
from .store import StoreError, open_store

CLEANING = 3600.0                       # seconds between two looks at what is kept too long


async def count_messages(request: Request) -> Response:
    query = messages.read_count(await _body(request))
    return as_json(messages.counted(await _count(request, query)))


async def count_input(request: Request) -> Response:
    query = await read_on(await _body(request), request.app.state.served, owner(request.scope))
    return as_json(responses.input_tokens(await _count(request, query)))


async def _body(request: Request) -> Any:
    body = loads(await request.body())
    check_size(body, request.app.state.served.settings)
    return body


async def _count(request: Request, query: Query) -> int:
    service: Service = request.app.state.served.service
    service.named(query.model)
    return await service.count_tokens(query)


async def list_models(request: Request) -> Response:
    served: Served = request.app.state.served
    return as_json(models.models(served.service.names, request.app.state.started))


async def get_model(request: Request) -> Response:
    served: Served = request.app.state.served
    name = served.service.named(request.path_params["model"])
    return as_json(models.model(name, request.app.state.started))


async def health(request: Request) -> Response:
    return as_json({"status": "ok"})


async def page(request: Request) -> Response:
    metrics: Metrics | None = request.app.state.metrics
    if metrics is None:
        raise ApiError(404, "This server shows no metrics: it was started with --no-metrics.", None, "unknown_url")
    data, kind = await asyncio.to_thread(metrics.page)
    return Response(data, headers={"content-type": kind})


async def document(request: Request) -> Response:
    return as_json(openapi.document(__version__))


async def on_error(request: Request, error: Exception) -> Response:
    """Whatever a route raised, in the shape of the surface that the path belongs to."""
    headers = getattr(error, "headers", None)            # of a 405: the methods that there are
    if not isinstance(error, ApiError):
        status = getattr(error, "status_code", 500)
        said = f"Unknown request: {request.method} {request.url.path}." if status in (404, 405) else str(
            error if isinstance(error, ToolglotError) else "The server failed; its log says why.")
        error = ApiError(status, said, None, "unknown_url" if status == 404 else None)
    return as_json(body_of(error, request.url.path.startswith("/v1/messages"), request.scope), error.status, headers)


ERRORS: Any = {Exception: on_error, ApiError: on_error, 404: on_error, 405: on_error}
ROUTES = [
    Route("/v1/chat/completions", Surface(chat, "chatcmpl", "-"), methods=["POST"]),
    Route("/v1/responses", Surface(responses, "resp"), methods=["POST"]),
    Route("/v1/responses/input_tokens", count_input, methods=["POST"]),
    Route("/v1/responses/{id}", one_response, methods=["GET", "DELETE"]),
    Route("/v1/responses/{id}/cancel", cancel_response, methods=["POST"]),
    Route("/v1/responses/{id}/input_items", input_items, methods=["GET"]),
    Route("/v1/messages", Surface(messages, "msg"), methods=["POST"]),
    Route("/v1/messages/count_tokens", count_messages, methods=["POST"]),
    Route("/v1/models", list_models, methods=["GET"]),
    Route("/v1/models/{model:path}", get_model, methods=["GET"]),
    Route("/health", health, methods=["GET"]),
    Route("/metrics", page, methods=["GET"]),
    Route("/openapi.json", document, methods=["GET"]),
]


def bare(open_served: Callable[[], Awaitable[Served]], metrics: Metrics | None = None, *, page: bool = True) -> Starlette:
    """The application without its gate. What `open_served` opens is closed with it. `page`: with the arena."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        served = app.state.served = await open_served()
        app.state.started, app.state.metrics = int(time.time()), metrics
        app.state.service, app.state.settings = served.service, served.settings
        cleaner = asyncio.create_task(clean(served))
        try:
            yield
        finally:
            cleaner.cancel()
            if served.store:
                await served.store.close()
            await asyncio.to_thread(served.service.engine.close)

    return Starlette(routes=[*ROUTES, *(arena.ROUTES if page else ())], lifespan=lifespan, exception_handlers=ERRORS)


def alone(settings: Settings) -> Starlette:
    """The arena without an engine, and without its gate."""
    app = Starlette(routes=[Route("/health", health, methods=["GET"]), *arena.ROUTES], exception_handlers=ERRORS)
    app.state.service, app.state.settings = None, settings
    return app


async def clean(served: Served) -> None:
    """Forgets what is older than it is to be."""
    retention = served.settings.retention
    while served.store and retention:
        with suppress(StoreError):                       # the next look finds it again
            await served.store.expire(int(time.time() - retention))
        await asyncio.sleep(CLEANING)


# -- from settings ---------------------------------------------------------------------------------------------


def from_environment() -> App:
    """The application of a worker, which is handed its settings. Errors: ToolglotError."""
    return application(handed_over())


def arena_from_environment() -> App:
    """The arena alone, of a worker which is handed its settings. Errors: ToolglotError."""
    settings = handed_over()
    return gated(alone(settings), settings, keys_of(settings))


def application(settings: Settings) -> App:
    """The application, whole."""
    metrics = Metrics() if settings.metrics else None
    app = bare(lambda: open_served(settings), metrics, page=settings.page)
    return gated(app, settings, keys_of(settings), metrics=metrics)


async def open_served(settings: Settings) -> Served:
    """The engine, its model and the store, as the settings say. Raises EngineError, StoreError and ToolglotError."""
    from ..ask import model_for
    from ..engines import Chat
    from ..engines.opening import open_engine

    engine = await open_engine(settings.upstream or settings.model, model=settings.upstream_model, api=settings.api,
                               key=upstream_key(settings), context=settings.context, threads=settings.threads,
                               slots=settings.slots or 1)
    model = None if isinstance(engine, Chat) else model_for(engine.facts, settings.dialect, idiom=settings.idiom)
    store = None if settings.store == "none" else await open_store(settings.store)
    policy = Policy(settings.constrain, settings.retry, settings.hold_calls, settings.max_output_tokens,
                    settings.temperature)
    gc.collect()
    gc.freeze()                                          # what is here now stays: the collector need not look through it
    names = tuple(name for name in settings.model_name if name != "*") or named(settings, engine.facts.name)
    return Served(Service(engine, model, policy, names, "*" in settings.model_name), store, settings)


def named(settings: Settings, own: str) -> tuple[str, ...]:
    """The names that a model is served by where nobody gives it any: a file's, which people know, before what it says of
    itself."""
    from ..engines.weights import DEFAULT_MODEL

    place = "" if settings.upstream else settings.model or os.environ.get("TOOLGLOT_MODEL") or DEFAULT_MODEL
    file = Path(place).name.removesuffix(".gguf")        # a directory's name has dots of its own: Qwen2.5-7B
    return tuple(dict.fromkeys(name for name in (file, own) if name))
