"""Tools as one JSON list over several lines, as many chat templates print them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..render import dumps


def in_one_list(tools: Sequence[Mapping[str, Any]]) -> str:
    """The tools as their author wrote them."""
    return dumps(list(tools), indent=4)


def functions_in_one_list(tools: Sequence[Mapping[str, Any]]) -> str:
    """The function objects alone."""
    return dumps([t.get("function", t) for t in tools], indent=4)
