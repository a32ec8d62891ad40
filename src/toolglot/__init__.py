"""toolglot: function calling for every open model, from one description of each format."""

from .chat import MessageError
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

__all__ = ["Assistant", "Call", "CallArgs", "CallEnd", "CallStart", "MessageError", "Model", "Problem", "Reasoning",
           "Repair", "Reply", "Result", "System", "Text", "Tool", "ToolglotError", "UnknownDialect", "User", "fold",
           "model", "rescue"]
__version__ = "0.1.0"
