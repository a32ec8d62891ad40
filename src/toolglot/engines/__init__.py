"""Whatever turns a prompt into text: one file an engine, all behind the protocol below.

The one rule: an engine is given the prompt as pieces and the constraint in a notation that it chose; it knows nothing
of dialects, and never goes on unconstrained where a constraint was given. What is told the conversation instead, and
has tool calls of its own, is a Chat: the second protocol.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, Union, runtime_checkable

from ..message import ToolglotError

if TYPE_CHECKING:
    from ..grammar import Choice, Constraint
    from ..message import Event, Tool, Turn


class EngineError(ToolglotError):
    """The engine cannot do what was asked: which one, what happened, what to do."""


class FieldError(EngineError):
    """A field of the request that the engine lacks, or whose value it cannot take."""

    def __init__(self, field: str, said: str) -> None:
        super().__init__(said)
        self.field = field


class TooLong(EngineError):
    """A prompt that leaves no room for a reply: how many tokens it has, and how many the context. `where` is a server."""

    def __init__(self, tokens: int, context: int, where: str = "") -> None:
        of, more = (f" of {where}", "start the server") if where else ("", "open the model")
        super().__init__(f"the prompt has {tokens:,} tokens, the context{of} {context:,}: shorten it, give fewer tools, or "
                         f"{more} with a larger context")
        self.tokens, self.context = tokens, context


# what to do about an engine that holds a reply to no constraint
FREELY = "ask without one (constrain=False, or --no-constrain): a call is then found in whatever shape it is written"


class PromptPiece(NamedTuple):
    """A stretch of the prompt. Where `special` is true, special tokens in the text are themselves; elsewhere
    the same characters are plain text, so that no message can forge a turn."""

    text: str
    special: bool = False


Notation = Literal["lark", "portable_lark", "gbnf", "structural_tag", "json_schema", "regex"]


class Rules(NamedTuple):
    """A constraint as one engine takes it. `text` is JSON where the notation is. `unenforced`: what of the tools'
    schemas this notation does not hold the reply to, a sentence each; it is checked after generation."""

    notation: Notation
    text: str
    unenforced: tuple[str, ...] = ()


@dataclass(frozen=True)
class Request:
    """One generation. `constraint` is what the same engine's `rules` gave; None leaves the model free.

    `stop` strings end the reply and are not part of it. `temperature` 0 is greedy. `seed` fixes sampling. Of the rest,
    None is the engine's own default: `top_p` 0 to 1, `top_k` 1 or more tokens, the penalties -2 to 2. `logprobs`: how
    likely each token was, and so many of the most likely in its place; None asks for none. An engine that lacks one
    raises EngineError where it is set.
    """

    prompt: Sequence[PromptPiece]
    constraint: Rules | None = None
    stop: tuple[str, ...] = ()
    max_tokens: int = 512
    temperature: float = 0.0
    seed: int = 0
    top_p: float | None = None
    top_k: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logprobs: int | None = None


class TokenLogprob(NamedTuple):
    """A token as text, the natural logarithm of its probability, and the same of the most likely tokens in its place, the
    likeliest first. It is what the model says, before a constraint and the temperature."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


class Chunk(NamedTuple):
    """The next stretch of generated text, whole characters only, with special tokens spelled out. `logprobs`, where they
    were asked for, are of its tokens; those of which nothing was passed on are left out."""

    text: str
    logprobs: tuple[TokenLogprob, ...] = ()


Finish = Literal["stop", "length", "filtered"]        # by itself; at `max_tokens`; by what filters the server's content


@dataclass(frozen=True)
class Done:
    """The last thing of every generation that was not cancelled. `seconds` are wall clock; tokens are counts, 0 where
    a server does not say."""

    finish: Finish
    prompt_tokens: int
    completion_tokens: int
    prompt_seconds: float = 0.0
    completion_seconds: float = 0.0


Output = Union[Chunk, Done]


@dataclass(frozen=True)
class ModelFacts:
    """What the engine can say of the model it holds. `found`: how it knows, and what it could not find out, a sentence
    each, fit to be shown: which server, which version, which model."""

    name: str
    architecture: str = ""
    chat_template: str | None = None
    bos: str = ""
    eos: str = ""
    stop_tokens: tuple[str, ...] = ()          # every token that ends a reply, as text
    special_tokens: Mapping[str, int] = field(default_factory=dict)   # control tokens: their text, and their id
    context: int = 0                           # tokens that prompt and reply may take together
    vocabulary: int = 0
    found: tuple[str, ...] = ()


@runtime_checkable
class Engine(Protocol):
    """Closing the iterator that `generate` returns (or cancelling its task) stops the engine within a token."""

    facts: ModelFacts

    def rules(self, constraint: Constraint) -> Rules:
        """The constraint in this engine's notation. Raises EngineError where it cannot hold a reply to it."""
        ...

    def generate(self, request: Request) -> AsyncGenerator[Output, None]: ...

    async def count_tokens(self, prompt: Sequence[PromptPiece]) -> int: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class ChatRequest:
    """One reply to a conversation, with the tools that it may call. `parallel` None leaves it to the server whether a
    reply may hold several calls; `answer` is the JSON schema that the words of a reply without calls are to be a value of;
    the rest is as in Request."""

    turns: Sequence[Turn]
    tools: Sequence[Tool] = ()
    choice: Choice = "auto"
    parallel: bool | None = None
    answer: Mapping[str, Any] | None = None
    stop: tuple[str, ...] = ()
    max_tokens: int = 512
    temperature: float = 0.0
    seed: int = 0
    top_p: float | None = None
    top_k: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logprobs: int | None = None


@runtime_checkable
class Chat(Protocol):
    """What is told the conversation, and replies in events of which `fold` makes the reply; Done comes last.

    Closing the iterator that `converse` returns stops it. It holds its replies to nothing that could be relied on:
    whoever asks checks each call.
    """

    facts: ModelFacts

    def converse(self, request: ChatRequest) -> AsyncGenerator[Event | Done, None]: ...

    def close(self) -> None: ...
