"""The body of a request, read within limits, and looked at before anything parses it.

The one rule: what is refused costs little. No more of a body is kept than is allowed, and no look at it takes more than
time that is linear in its length.
"""

from __future__ import annotations

import re
from itertools import accumulate

from .exchange import Message, Receive, Refusal, Refused, Scope, header

BLOCK = 1 << 16                 # bytes that are looked at in one go
BRACKETS = bytes(sorted(b'"[]{}'))
OTHERS = bytes(set(range(256)) - set(BRACKETS))
STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
COMPRESSED = Refusal(415, "expected a request that is not compressed: leave out the header content-encoding",
                     "unsupported_content_encoding", drain=True)
STRING = re.compile(rb'"[^"]*"')


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes | None:
    """The whole body; None where the client has left. Raises Refused where it is larger than `limit`, or compressed."""
    if (header(scope, b"content-encoding") or b"identity").lower() != b"identity":
        raise Refused(COMPRESSED)
    length = header(scope, b"content-length")
    if length is not None and length.isdigit() and int(length) > limit:
        raise _too_large(limit, f"{int(length):,}")
    message: Message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        return _within(bytes(message.get("body", b"")), limit)
    pieces, size = [], 0
    while message["type"] == "http.request":
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if not message.get("more_body"):
            return _within(b"".join(pieces), limit)
        if size > limit:
            raise _too_large(limit, "more", drain=True)
        message = await receive()
    return None


def _within(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise _too_large(limit, f"{len(body):,}", drain=False)
    return body


def _too_large(limit: int, found: str, drain: bool = True) -> Refused:
    return Refused(Refusal(413, f"the request is too large: expected at most {limit:,} bytes, found {found}",
                           "request_too_large", drain=drain))


def _bad(message: str, code: str) -> Refusal:
    return Refusal(400, message, code)


def look_at(body: bytes, max_depth: int) -> None:
    """Raises Refused for bytes that are no UTF-8, and for JSON that is nested too deep."""
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise Refused(_bad(f"the request is no UTF-8: byte {error.start} is {body[error.start]:#04x}",
                               "invalid_encoding")) from None
    if is_deeper(body, max_depth):
        raise Refused(_bad(f"the JSON is nested too deep: expected at most {max_depth} levels", "nested_too_deep"))


def is_deeper(body: bytes, depth: int) -> bool:
    """Whether the brackets outside of strings are nested deeper than `depth`. Of what is no JSON it tells something; a
    parser will say that it is none.

    All is done to many bytes at a time, for a loop over them would hold up other requests. Escapes go first, so that a
    quote is one; two quotes side by side are an empty string, or an end and a beginning, and taking both away leaves all
    else inside or outside as it was. What is left are brackets, each a step up or down.
    """
    if body.count(b"[") + body.count(b"{") <= depth:
        return False
    left = body.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, OTHERS).replace(b'""', b"")
    level, inside = 0, False
    for at in range(0, len(left), BLOCK):
        block = (b'"' if inside else b"") + left[at:at + BLOCK]
        inside = block.count(b'"') % 2 == 1
        steps = STRING.sub(b"", block).partition(b'"')[0].translate(STEPS)
        if max(accumulate(memoryview(steps).cast("b"), initial=level)) > depth:
            return True
        level += 2 * steps.count(b"\x01") - len(steps)
    return False
