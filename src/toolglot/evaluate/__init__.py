"""What tier is this model, really: questions with exact answers, asked of any model through any engine, and what came.

`toolglot.evaluate(...)` asks them; so the package itself can be called (`whole.evaluate` says with what).
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .whole import Evaluation


class _Called(ModuleType):
    """A package that is a function as well: importing a module of it makes `toolglot.evaluate` the package, whatever the
    name was before."""

    def __call__(self, *args: Any, **options: Any) -> Evaluation:
        from .whole import evaluate

        return evaluate(*args, **options)


sys.modules[__name__].__class__ = _Called
