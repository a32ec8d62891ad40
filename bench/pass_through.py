"""A bare pass-through, to compare a gateway with: starlette and aiohttp, one route, the upstream's bytes as they come.

`uvicorn pass_through:app` serves it, before the upstream that the environment variable UPSTREAM names.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

WHERE = os.environ["UPSTREAM"] + "/v1/chat/completions"


async def relay(request: Request) -> Response:
    session: aiohttp.ClientSession = request.app.state.session
    answer = await session.post(WHERE, data=await request.body(), headers={"Content-Type": "application/json"})

    async def pieces() -> AsyncIterator[bytes]:
        async with answer:
            async for piece in answer.content.iter_any():
                yield piece

    return StreamingResponse(pieces(), answer.status, media_type=answer.content_type)


async def health(request: Request) -> Response:
    return Response(b"ok")


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        app.state.session = session
        yield


app = Starlette(routes=[Route("/v1/chat/completions", relay, methods=["POST"]), Route("/health", health)],
                lifespan=lifespan)
