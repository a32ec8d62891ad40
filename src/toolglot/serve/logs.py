"""What the server logs: a line a request, and what went wrong.

The one rule: no line holds what people or models wrote, and none holds a key. Of a request there are its id, its times and
counts; of an exception its kind and its place, not its words, for those may quote a message (TOOLGLOT_DEBUG=1 shows them).
"""

from __future__ import annotations

import json
import logging
import os
import re
import time
import traceback
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from .exchange import GONE, Exchange

requests = logging.getLogger("toolglot.requests")
NUMBERS = ("tokens_in", "tokens_out", "first_token")
PLAIN = re.compile(r"[!-~]+")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
LONGEST = 200                   # characters of a path or a name


def tell(exchange: Exchange) -> None:
    """The line of a request that has ended."""
    if requests.isEnabledFor(logging.INFO):
        requests.info("%s %s", exchange.method, exchange.path[:LONGEST], extra={"facts": facts_of(exchange)})


def facts_of(exchange: Exchange) -> dict[str, Any]:
    """What may be told of a request: numbers, and the names that this server gave."""
    facts: dict[str, Any] = {"status": exchange.status or GONE, "ms": round(exchange.seconds() * 1000, 1),
                             "request_id": exchange.id}
    if exchange.owner:
        facts["owner"] = exchange.owner
    told = exchange.facts
    if isinstance(told.get("model"), str):
        facts["model"] = told["model"][:LONGEST]
    facts |= {name: told[name] for name in NUMBERS if isinstance(told.get(name), (int, float))}
    if isinstance(calls := told.get("calls"), Mapping) and calls:
        facts["calls"] = {str(outcome): int(count) for outcome, count in calls.items()}
    if told.get("engine_error"):
        facts["engine_error"] = True
    if exchange.status and not exchange.whole:
        facts["cut"] = True                              # the client left, or the server had to stop
    return facts


class JsonLines(logging.Formatter):
    """A JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"time": _time(record), "level": record.levelname.lower(), "logger": record.name,
                "message": record.getMessage(), **getattr(record, "facts", {})}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)

    def formatException(self, ei: Any) -> str:
        return told_of(ei[1])


class TextLines(logging.Formatter):
    """For people: the message, then its facts."""

    def format(self, record: logging.LogRecord) -> str:
        facts = getattr(record, "facts", {})
        words = [_time(record), f"{record.levelname.lower():7}", CONTROL.sub("�", record.getMessage()),
                 *(f"{name}={_word(value)}" for name, value in facts.items())]
        line = " ".join(words)
        return f"{line}\n{told_of(record.exc_info[1])}" if record.exc_info else line


def told_of(error: BaseException | None) -> str:
    """Where an exception comes from: its kind and its frames."""
    if error is None:
        return ""
    if os.environ.get("TOOLGLOT_DEBUG"):
        return "".join(traceback.format_exception(type(error), error, error.__traceback__)).rstrip()
    lines: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(lines) < 10:
        lines.append(f"{type(seen).__module__}.{type(seen).__qualname__}\n{_frames(seen.__traceback__)}".rstrip())
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return "\ncaused by ".join(lines)


def _frames(trace: TracebackType | None) -> str:
    return "".join(f"  {frame.filename}:{frame.lineno} in {frame.name}\n" for frame in traceback.extract_tb(trace))


def _time(record: logging.LogRecord) -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03}Z"


def _word(value: Any) -> str:
    """Without white space of its own."""
    if isinstance(value, Mapping):
        return ",".join(f"{name}:{count}" for name, count in value.items())
    text = str(value)
    return text if PLAIN.fullmatch(text) else json.dumps(text)


def log_config(level: str, format: str) -> dict[str, Any]:
    """For `logging.config`: everything to stderr, in one format. What uvicorn tells of its own comings and goings is for
    debugging; its warnings are not."""
    lines = JsonLines if format == "json" else TextLines
    chatty = "DEBUG" if level == "debug" else "WARNING"
    return {"version": 1, "disable_existing_loggers": False,
            "formatters": {"lines": {"()": f"{lines.__module__}.{lines.__qualname__}"}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines", "stream": "ext://sys.stderr"}},
            "root": {"handlers": ["stderr"], "level": "WARNING"},
            "loggers": {"toolglot": {"handlers": ["stderr"], "level": level.upper(), "propagate": False},
                        "uvicorn": {"handlers": ["stderr"], "level": chatty if level != "error" else "ERROR",
                                    "propagate": False},
                        "uvicorn.access": {"handlers": [], "level": "ERROR", "propagate": False}}}
