"""The models of `/v1/models`, as OpenAI's clients and Anthropic's read them: each object has the keys of both.

The one rule: nothing is said of a model that the server does not know.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any


def model(name: str, created: int, context: int | None = None) -> dict[str, Any]:
    """`created` is in seconds of Unix time. `context`: the tokens that prompt and reply may have together."""
    at = datetime.fromtimestamp(created, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"id": name, "object": "model", "created": created, "owned_by": "toolglot",
            "type": "model", "display_name": name, "created_at": at, "lifecycle": "active",
            **({"max_input_tokens": context} if context else {})}


def models(names: Sequence[str], created: int, context: int | None = None) -> dict[str, Any]:
    """All of them, on one page."""
    return {"object": "list", "data": [model(name, created, context) for name in names], "has_more": False,
            "first_id": names[0] if names else None, "last_id": names[-1] if names else None}


__all__ = ["model", "models"]
