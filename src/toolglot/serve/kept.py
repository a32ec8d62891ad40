"""What the Responses API remembers: the turns that a request goes on from, and the paths that show and delete them.

The one rule: a response is seen by the key that made it, and for every other it is not there.
"""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ..api import ApiError, Query, responses
from .requests import Served, as_json, owner
from .store import ChainError, Stored, StoreError


async def read_on(body: Any, served: Served, owner: str) -> Query:
    """What a body of the Responses API asks for, with what it goes on from."""
    previous = body.get("previous_response_id") if isinstance(body, dict) else None
    past = await past_of(previous, served, owner) if isinstance(previous, str) else []
    return responses.read(body, past, await known_of(body, served, owner))


async def past_of(previous: str, served: Served, owner: str) -> list[dict[str, Any]]:
    """The items of all turns up to and with the response of this id."""
    try:
        chain = await served.store.chain(previous, owner) if served.store else None
    except ChainError as error:
        raise ApiError(400, str(error), "previous_response_id", "previous_response_not_found") from error
    except StoreError as error:
        raise unkept(error) from error
    if chain is None:
        raise not_found(previous, 400, "previous_response_id", "previous_response_not_found")
    return [item for turn in chain for item in (*orjson.loads(turn.input), *orjson.loads(turn.response)["output"])]


async def known_of(body: Any, served: Served, owner: str) -> list[dict[str, Any]]:
    """The items of the responses that an input refers to."""
    found = [await served.store.get(id, owner) for id in responses.sources(body)] if served.store else []
    return [item for one in found if one for item in orjson.loads(one.response)["output"]]


async def kept(request: Request) -> Stored:
    served: Served = request.app.state.served
    id = request.path_params["id"]
    found = await served.store.get(id, owner(request.scope)) if served.store else None
    if found is None:
        raise not_found(id, 404, "response_id", None)
    return found


def unkept(error: StoreError) -> ApiError:
    return ApiError(500, f"What is kept of responses failed: {error}", None, "store_failed")


def not_found(id: str, status: int, param: str, code: str | None) -> ApiError:
    name = "Previous response" if status == 400 else "Response"
    return ApiError(status, f"{name} with id '{id}' not found.", param, code)


async def one_response(request: Request) -> Response:
    return await (delete_response if request.method == "DELETE" else get_response)(request)


async def get_response(request: Request) -> Response:
    if request.query_params.get("stream", "").lower() in ("true", "1"):
        raise ApiError(400, "A response that is kept is given whole: leave 'stream' out.", "stream", "unsupported_value")
    return Response((await kept(request)).response, media_type="application/json")


async def delete_response(request: Request) -> Response:
    found = await kept(request)
    served: Served = request.app.state.served
    assert served.store
    await served.store.delete(found.id, found.owner)
    return as_json(responses.deleted(found.id))


async def cancel_response(request: Request) -> Response:
    await kept(request)
    raise ApiError(400, "Only responses that run in the background can be cancelled; hang up to stop a stream.", None,
                   "invalid_value")


async def input_items(request: Request) -> Response:
    found, given = await kept(request), request.query_params
    limit = given.get("limit", "20")
    if not limit.isdigit() or not 1 <= int(limit) <= 100:
        raise ApiError(400, f"Invalid value for 'limit': expected an integer from 1 to 100, but got {limit!r}.", "limit",
                       "invalid_value")
    order = given.get("order", "desc")
    if order not in ("asc", "desc"):
        raise ApiError(400, f"Invalid value for 'order': expected asc or desc, but got {order!r}.", "order",
                       "invalid_value")
    return as_json(responses.input_items(orjson.loads(found.input), order, given.get("after"), int(limit)))
