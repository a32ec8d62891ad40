"""Fine-tuning data: conversations in any known shape in, any dialect's bytes out, with the loss where it belongs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:                                # asked for by few, so read when they are
    from .whole import convert, rows

__all__ = ["convert", "rows"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from . import whole

        return getattr(whole, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
