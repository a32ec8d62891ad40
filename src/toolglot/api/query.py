"""What any surface asks for, and what it is given: the one language between the wire formats and the engine.

The one rule: nothing of a wire format is in here. A surface that needs more of its request keeps it in `extra`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..engines import TokenLogprob
from ..grammar import Choice
from ..message import Event, Tool, ToolglotError, Turn


class ApiError(ToolglotError):
    """A request that is not carried out: the status, and in which field what is wrong.

    `param` is a path, `messages[0].content`; `code` is OpenAI's word for it, where it has one. `retry_after` is in seconds.
    """

    def __init__(self, status: int, message: str, param: str | None = None, code: str | None = None,
                 retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code, self.retry_after = status, message, param, code, retry_after


@dataclass(frozen=True)
class Query:
    """`left`: the client left the choice open, and it is auto by custom. `answer`: the JSON schema that the words of the
    reply are held to, {} for any JSON object. None of a number or a bool is what suits the model or the server. `n` replies
    are made, each by itself. `logprobs`: how many alternatives are shown with each token. `warnings` say what of the
    request is passed over. `names`: what the surface calls the fields that Chat Completions calls otherwise, for errors.
    `extra` is the surface's own."""

    model: str
    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...] = ()
    choice: Choice = "none"
    left: bool = False
    parallel: bool | None = None
    answer: Mapping[str, Any] | None = None
    stop: tuple[str, ...] = ()
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    n: int = 1
    logprobs: int | None = None
    stream: bool = False
    thinking: bool | None = None
    warnings: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Made:
    """What the server gives a reply beside its contents. `new_id("call")` mints an id, "call_" and letters and digits;
    `created` is in seconds of Unix time; `model` is the name that the model is served by."""

    id: str
    created: int
    model: str
    new_id: Callable[[str], str]
    request_id: str = ""


@dataclass(frozen=True)
class Ended:
    """How one reply ended. `stop` is the stop string that ended it, if one did. `reasoning_tokens` are among those of the
    completion: the share of its pieces that were reasoning, for no engine counts them."""

    finish: Literal["stop", "length", "filtered"]
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cached_tokens: int = 0
    stop: str | None = None


@dataclass(frozen=True)
class Likely:
    """How likely the tokens were whose text comes next."""

    tokens: tuple[TokenLogprob, ...]


@dataclass(frozen=True)
class Answer:
    """One whole reply: its events in order, and how it ended. The events are Text, Reasoning, CallStart (its id is that of
    the wire), CallArgs and CallEnd, and where it was asked for Likely; problems and repairs are not among them."""

    events: tuple[Event | Likely, ...]
    ended: Ended
