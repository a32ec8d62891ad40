"""What the server counts, for Prometheus.

The one rule: no label is ever a text that a client chose, so there are as many series as this file allows. Several workers
count into files of one directory, which `run` names before the first of them starts; each can tell of all.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from .exchange import GONE, Exchange

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
PATHS = ("/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/responses/input_tokens", "/v1/responses/compact",
         "/v1/messages", "/v1/messages/count_tokens", "/v1/models", "/health", "/metrics", "/openapi.json", "/",
         "/arena/start", "/arena/dialects", "/arena/prompt", "/arena/parse", "/arena/ask")
UNDER = re.compile(r"/v1/(?:models|responses)/[^/]+(?:/(?:input_items|cancel))?")
OUTCOMES = ("constrained", "checked", "repaired", "rescued", "retried", "refused")
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


def path_of(path: str) -> str:
    """The path as a label: with its ids left open, and "other" for what this server has not."""
    if path in PATHS:
        return path
    if UNDER.fullmatch(path):
        return re.sub(r"(/v1/\w+/)[^/]+", r"\1{id}", path, count=1)
    return "other"


class Metrics:
    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter("toolglot_requests", "Requests that have ended.", ("path", "status"), registry=registry)
        self.seconds = Histogram("toolglot_request_seconds", "From a request's first byte to the last of its answer.",
                                 ("path",), buckets=SECONDS, registry=registry)
        self.first = Histogram("toolglot_first_token_seconds", "From a request's first byte to the first token it gets.",
                               buckets=SECONDS, registry=registry)
        self.tokens = Counter("toolglot_tokens", "Tokens read (in) and written (out) by the model.", ("direction",),
                              registry=registry)
        self.calls = Counter("toolglot_calls", "Tool calls by what became of them.", ("outcome",), registry=registry)
        self.streams = Gauge("toolglot_streams", "Streams under way.", registry=registry, multiprocess_mode="livesum")
        self.queued = Gauge("toolglot_queued", "Requests that wait for their turn.", registry=registry,
                            multiprocess_mode="livesum")
        self.engine_errors = Counter("toolglot_engine_errors", "Requests whose engine failed.", registry=registry)
        for direction in ("in", "out"):
            self.tokens.labels(direction)
        for outcome in OUTCOMES:
            self.calls.labels(outcome)

    def count(self, exchange: Exchange) -> None:
        """A request that has ended."""
        path, facts = path_of(exchange.path), exchange.facts
        self.requests.labels(path, str(exchange.status or GONE)).inc()
        self.seconds.labels(path).observe(exchange.seconds())
        for direction in ("in", "out"):
            if count := facts.get(f"tokens_{direction}"):
                self.tokens.labels(direction).inc(count)
        if (first := facts.get("first_token")) is not None:
            self.first.observe(first)
        if isinstance(calls := facts.get("calls"), Mapping):
            for outcome, count in calls.items():
                self.calls.labels(outcome if outcome in OUTCOMES else "other").inc(count)
        if facts.get("engine_error"):
            self.engine_errors.inc()

    def page(self) -> tuple[bytes, str]:
        """What `/metrics` answers, and its content type. It may read files, so it is for a thread."""
        registry = self.registry
        if directory := os.environ.get(DIRECTORY):
            _forget_the_dead(Path(directory))
            registry = CollectorRegistry()
            MultiProcessCollector(registry)      # type: ignore[no-untyped-call]
        return generate_latest(registry), CONTENT_TYPE_LATEST


def _forget_the_dead(directory: Path) -> None:
    """What a worker that was killed had under way is under way no more."""
    if os.name != "posix":                       # elsewhere there is no asking after a process that does it no harm
        return
    for file in directory.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid)               # type: ignore[no-untyped-call]
        except PermissionError:
            pass
