"""Whatever turns a prompt into text: one file an engine, all behind the protocol below.

An engine is given the prompt as pieces and the constraint as text; it knows nothing of dialects.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol, Union, runtime_checkable

from ..message import ToolglotError


class EngineError(ToolglotError):
    """The engine cannot do what was asked: which one, what happened, what to do."""


class PromptPiece(NamedTuple):
    """A stretch of the prompt. Where `special` is true, special tokens in the text are themselves; elsewhere
    the same characters are plain text, so that no message can forge a turn."""

    text: str
    special: bool = False


@dataclass(frozen=True)
class Request:
    """One generation. `constraint` is a llguidance Lark grammar; None leaves the model free.

    `stop` strings end the reply and are not part of it. `temperature` 0 is greedy. `seed` fixes sampling.
    """

    prompt: Sequence[PromptPiece]
    constraint: str | None = None
    stop: tuple[str, ...] = ()
    max_tokens: int = 512
    temperature: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Chunk:
    """The next stretch of generated text, whole characters only, with special tokens spelled out."""

    text: str


Finish = Literal["stop", "length"]


@dataclass(frozen=True)
class Done:
    """The last thing of every generation that was not cancelled. `seconds` are wall clock; tokens are counts."""

    finish: Finish
    prompt_tokens: int
    completion_tokens: int
    prompt_seconds: float = 0.0
    completion_seconds: float = 0.0


Output = Union[Chunk, Done]


@dataclass(frozen=True)
class ModelFacts:
    """What the engine can say of the model it holds."""

    name: str
    architecture: str = ""
    chat_template: str | None = None
    bos: str = ""
    eos: str = ""
    stop_tokens: tuple[str, ...] = ()          # every token that ends a reply, as text
    special_tokens: Mapping[str, int] = field(default_factory=dict)   # control tokens: their text, and their id
    context: int = 0                           # tokens that prompt and reply may take together
    vocabulary: int = 0


@runtime_checkable
class Engine(Protocol):
    """Closing the iterator that `generate` returns (or cancelling its task) stops the engine within a token."""

    facts: ModelFacts

    def generate(self, request: Request) -> AsyncGenerator[Output, None]: ...

    def count_tokens(self, prompt: Sequence[PromptPiece]) -> int: ...

    def close(self) -> None: ...
