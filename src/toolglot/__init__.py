"""toolglot: function calling for every open model, from one description of each format."""

from typing import TYPE_CHECKING, Any

from .audit import audit
from .chat import MessageError
from .learn import learn
from .message import (
                      Assistant,
                      Call,
                      CallArgs,
                      CallEnd,
                      CallStart,
                      Problem,
                      Reasoning,
                      Repair,
                      Reply,
                      Result,
                      System,
                      Text,
                      Tool,
                      ToolglotError,
                      User,
                      fold,
)
from .model import Model, model
from .registry import UnknownDialect
from .rescue import rescue

if TYPE_CHECKING:                                # asked for by few, so read when they are
    from . import data
    from .evaluate.whole import evaluate
    from .exchange import DialectError, from_response_template, read_dialect, to_response_template
    from .exchange import from_json as dialect_from_json
    from .exchange import to_json as dialect_to_json

_EXCHANGE = {"DialectError": "DialectError", "dialect_from_json": "from_json", "dialect_to_json": "to_json",
             "from_response_template": "from_response_template", "read_dialect": "read_dialect",
             "to_response_template": "to_response_template"}

__all__ = ["Assistant", "Call", "CallArgs", "CallEnd", "CallStart", "DialectError", "MessageError", "Model", "Problem",
           "Reasoning", "Repair", "Reply", "Result", "System", "Text", "Tool", "ToolglotError", "UnknownDialect", "User",
           "audit", "data", "dialect_from_json", "dialect_to_json", "evaluate", "fold", "from_response_template", "learn",
           "model", "read_dialect", "rescue", "to_response_template"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _EXCHANGE:
        return getattr(import_module(".exchange", __name__), _EXCHANGE[name])
    if name in ("data", "evaluate"):
        return import_module(f".{name}", __name__)       # the package `evaluate` is the function
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
