"""The files of the page, as they are served: by path, with what a browser must know of them.

The one rule: the page may load what is here, ask this server, and nothing else; nothing in it runs that is not a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files as resources
from typing import NamedTuple

KINDS = {"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8",
         "svg": "image/svg+xml"}
POLICY = "; ".join((
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' data:",
    "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"))
HEADERS = {"content-security-policy": POLICY, "x-content-type-options": "nosniff", "referrer-policy": "no-referrer",
           "cross-origin-opener-policy": "same-origin", "cross-origin-resource-policy": "same-origin",
           "cache-control": "no-cache"}


class File(NamedTuple):
    data: bytes
    headers: Mapping[str, str]


@lru_cache(maxsize=1)
def files() -> Mapping[str, File]:
    """Every file, by the path that it is served at: the page itself at `/`, what it loads under `/arena/`."""
    found: dict[str, File] = {}
    for one in (resources(__package__) / "page").iterdir():
        kind = KINDS.get(one.name.rpartition(".")[2])
        if kind is not None:
            data = one.read_bytes()
            found["/" if one.name == "index.html" else f"/arena/{one.name}"] = File(data, {
                **HEADERS, "content-type": kind, "etag": f'"{sha256(data).hexdigest()[:16]}"'})
    return found


__all__ = ["POLICY", "File", "files"]
