"""A small application behind the real gate, for the tests of the server: it streams, waits, fails, and says what it saw."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from toolglot.message import ToolglotError
from toolglot.serve.exchange import App
from toolglot.serve.gate import gated
from toolglot.serve.metrics import Metrics
from toolglot.serve.settings import handed_over, keys_of

seen: Counter[str] = Counter()


async def chat(request: Request) -> Response:
    """`chunks` of them, each after `pause` seconds; in one piece without `stream`."""
    asked = await request.json()
    seen["begun"] += 1
    request.state.facts.update(tokens_out=asked["chunks"], calls={"checked": 1})
    if asked.get("fail"):
        raise RuntimeError("s3cret")
    if asked.get("stream"):
        return StreamingResponse(chunks(asked["chunks"], asked["pause"]), media_type="text/event-stream")
    work = asyncio.create_task(asyncio.sleep(asked["chunks"] * asked["pause"]))
    gone = asyncio.create_task(request.receive())
    await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
    seen["done" if work.done() else "cancelled"] += 1
    work.cancel()
    gone.cancel()
    return JSONResponse({"pid": os.getpid()})


async def chunks(count: int, pause: float) -> AsyncGenerator[str, None]:
    try:
        for number in range(count):
            yield f"data: {number}\n\n"
            await asyncio.sleep(pause)
        seen["done"] += 1
    except BaseException:
        seen["cancelled"] += 1
        raise


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    how = os.environ.get("SERVING_FAILS")
    if how == "start":
        raise ToolglotError("the model is not there")
    if how == "bug":
        raise RuntimeError("s3cret")
    if how == "slow":
        await asyncio.to_thread(time.sleep, 60)
    yield
    print("closed", flush=True)


def application() -> App:
    if os.environ.get("SERVING_FAILS") == "make":
        raise ToolglotError("the application is not there")
    settings, metrics = handed_over(), Metrics()

    def page(request: Request) -> Response:
        body, kind = metrics.page()
        return Response(body, media_type=kind)

    async def told(request: Request) -> JSONResponse:
        return JSONResponse({"pid": os.getpid(), **seen})

    async def health(request: Request) -> JSONResponse:
        return JSONResponse({"pid": os.getpid()})

    routes: list[Any] = [Route("/v1/chat/completions", chat, methods=["POST"]), Route("/seen", told),
                         Route("/health", health), Route("/metrics", page)]
    return gated(Starlette(routes=routes, lifespan=lifespan), settings, keys_of(settings), metrics=metrics)
