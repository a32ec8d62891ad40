"""The wire formats that clients speak: OpenAI's Chat Completions and Responses, Anthropic's Messages.

The one rule: pure functions. A request's body becomes a `Query`; the events of its replies become the frames of a stream,
and a body; what is wrong becomes an `ApiError`. Nothing here reads, waits, or knows the time: ids and clocks are given.

Each surface is a module with the same names: `REQUEST` (the JSON schema of a body, which the OpenAPI document shows too),
`read` (body -> Query), `Stream` (events -> frames), `whole` (answers -> body), `refusal` (an error's body), `PING` (what a
stream says while there is nothing to say).
"""

from .query import Answer, ApiError, Ended, Likely, Made, Query

__all__ = ["Answer", "ApiError", "Ended", "Likely", "Made", "Query"]
