"""The paths of the arena's page: its files, and what it asks of `toolglot.arena` and of the engine.

The one rule: what the page shows is what the library and the engine say; nothing that it sends is kept, and chat
templates, which are programs, run only for who may run programs here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from .. import __version__
from ..api import ApiError
from ..api.shapes import FLAG, TEXT, checker, either, integer, maybe, number, object_of, some, word
from ..arena.files import files
from ..arena.prompts import Column, prompts
from ..arena.reading import reading
from ..arena.start import start, table
from ..arena.typed import typed
from ..engines import Chat, Engine, EngineError
from ..message import ToolglotError
from .answers import answer
from .exchange import Receive, Scope, Send
from .replies import EVENTS, Line, while_connected
from .requests import as_json, check_size, loads, refuse
from .service import Service, engine_failed
from .settings import Settings, is_trusting

log = logging.getLogger("toolglot.serve")
MOST_COLUMNS, MOST_TEXT = 24, 30_000            # of one request; characters that are read as a model's output
PING = b": still here\n\n"
COLUMN = either(object_of({"model": {**TEXT, "maxLength": 200}}, "model"), object_of({"template": TEXT}, "template"))
TALK = {"messages": TEXT, "tools": TEXT, "thinking": maybe(FLAG)}
check_prompt = checker(object_of({
    **TALK, "columns": some(COLUMN, 0, MOST_COLUMNS), "prompts": word("faithful", "repaired"),
    "today": maybe({**TEXT, "pattern": r"^\d{4}-\d\d-\d\d$"})}, "columns", "messages", "tools"))
check_parse = checker(object_of({
    "column": COLUMN, "tools": TEXT, "text": {**TEXT, "maxLength": MOST_TEXT}, "size": maybe(integer(1)), "strict": FLAG,
    "rescue": FLAG}, "column", "tools", "text"))
check_ask = checker(object_of({
    **TALK, "constrain": FLAG, "choice": maybe(word("auto", "required", "none")), "max_tokens": maybe(integer(1, 4096)),
    "temperature": maybe(number(0, 2)), "seed": maybe(integer(0, 2**31 - 1))}, "messages", "tools"))


async def page(request: Request) -> Response:
    """A file of the page. A browser that has it already is told so."""
    found = files().get(request.url.path)
    if found is None:
        raise ApiError(404, f"Unknown request: {request.method} {request.url.path}.", None, "unknown_url")
    if request.headers.get("if-none-match") == found.headers["etag"]:
        return Response(None, 304, found.headers)
    return Response(found.data, 200, found.headers)


async def begin(request: Request) -> Response:
    service: Service | None = request.app.state.service
    engine = None if service is None else {
        "name": _named(service), "context": service.engine.facts.context,
        "dialect": service.model.dialect.name if service.model else None}
    return as_json({**await asyncio.to_thread(start), "engine": engine, "version": __version__,
                    "templates": is_trusting(request.app.state.settings)})


async def list_dialects(request: Request) -> Response:
    return as_json({"dialects": await asyncio.to_thread(table)})


async def show_prompts(request: Request) -> Response:
    body, service, templates = await _asked(request, check_prompt)
    out, columns = await asyncio.to_thread(prompts, body, service.model if service else None, templates)
    if service is not None and isinstance(service.engine, Engine) and not isinstance(service.engine, Chat):
        await asyncio.gather(*(_count(column, service) for column in columns))
    return as_json(out)


async def _count(column: Column, service: Service) -> None:
    """The tokens of a prompt, where they are those of the engine's model."""
    if column.chosen is None or service.model is None or column.chosen.model.dialect.name != service.model.dialect.name:
        return
    assert isinstance(service.engine, Engine)
    try:
        count = await service.engine.count_tokens(column.pieces)
    except EngineError as error:
        column.data["uncounted"] = str(error)
    else:
        column.data["tokens"] = {"count": count, "by": _named(service)}


def _named(service: Service) -> str:
    """As people know the model: the name that it is served by, before what it says of itself."""
    return (*service.names, service.engine.facts.name)[0]


async def read_text(request: Request) -> Response:
    body, service, templates = await _asked(request, check_parse)
    return as_json(await asyncio.to_thread(reading, body, service.model if service else None, templates))


async def _asked(request: Request, check: Callable[[Any], None]) -> tuple[dict[str, Any], Service | None, bool]:
    body: dict[str, Any] = loads(await request.body())
    check(body)
    return body, request.app.state.service, is_trusting(request.app.state.settings)


# -- an answer of the engine -----------------------------------------------------------------------------------


class Ask:
    """One answer, streamed. Whoever hangs up stops the engine."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope["app"].state
        try:
            body = loads(await Request(scope, receive).body())
            check_ask(body)
            if state.service is None:
                raise ApiError(404, "There is no engine behind this page: start it with one.", None, "no_engine")
            await while_connected(receive, _stream(state.service, state.settings, body, scope, send))
        except ClientDisconnect:
            return
        except ApiError as error:
            await refuse(error, None, scope, send)


async def _stream(service: Service, settings: Settings, body: Mapping[str, Any], scope: Scope, send: Send) -> None:
    read = typed(body["messages"], body["tools"])
    check_size({"messages": list(read.turns), "tools": list(read.tools)}, settings)
    await send({"type": "http.response.start", "status": 200, "headers": EVENTS})
    line = Line(send, PING)
    try:
        for wrong in read.wrong:
            await line.write(framed("error", wrong._asdict()))
        if not read.wrong:
            facts = scope["state"].setdefault("facts", {})
            async with aclosing(answer(service, read.turns, read.tools, body)) as steps:
                await _written(steps, line, facts)
    except EngineError as error:
        await line.write(framed("error", {"message": engine_failed(error, {}).message}))
    except ToolglotError as error:
        await line.write(framed("error", {"message": str(error)}))
    except Exception:                                    # a bug: the page is told, and the log says where
        log.exception("an answer of the arena failed")
        await line.write(framed("error", {"message": "The server failed; its log says why."}))
    finally:
        line.close()
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _written(steps: AsyncGenerator[tuple[str, dict[str, Any]], None], line: Line, facts: dict[str, Any]) -> None:
    async for kind, data in steps:
        await line.write(framed(kind, data))
        if kind == "replied":
            facts |= {"tokens_in": data["read"], "tokens_out": data["written"]}


def framed(kind: str, data: Any) -> bytes:
    """An event of a stream."""
    return b"event: " + kind.encode() + b"\ndata: " + orjson.dumps(data, default=str) + b"\n\n"


ROUTES = [
    Route("/", page, methods=["GET"]),
    Route("/arena/start", begin, methods=["GET"]),
    Route("/arena/dialects", list_dialects, methods=["GET"]),
    Route("/arena/prompt", show_prompts, methods=["POST"]),
    Route("/arena/parse", read_text, methods=["POST"]),
    Route("/arena/ask", Ask(), methods=["POST"]),
    Route("/arena/{file}", page, methods=["GET"]),
]

__all__ = ["ROUTES"]
