"""What came of one question, asked in one way: a line of the journal.

The one rule: a record holds all that a report says, so that a report can be made again from the journal alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Cause = Literal["no call", "wrong tool", "wrong arguments", "wrong type", "wrong number", "format lost", "truncated",
                "spurious call", "wrong words", "engine failed"]
Asked = Literal["auto", "required", "none"]


@dataclass(frozen=True)
class Setting:
    """One way to ask. `dialect` is "" before a chat API, which writes its own prompts. `idiom`: how a zero-shot dialect
    tells of the tools, None for its own way. `choice`: auto leaves it to the model whether it calls; required makes it
    call where the user has spoken last, as `ask` and `serve` do with models that were never trained for tools."""

    dialect: str
    idiom: str | None = None
    constrain: bool = True
    choice: Literal["auto", "required"] = "auto"
    parallel: bool = True


@dataclass(frozen=True)
class Said:
    """One reply: its raw text, what was read of it, and what it took. `calls` are {"name": …, "arguments": …}; `valid`: how
    many of them are, under their tools' schemas; `seconds` are the engine's; `streamed`: reading it in pieces came to the
    same. `step`: which one it was asked for, from 0; `choice`: what it was free to do."""

    text: str
    content: str
    reasoning: str
    calls: tuple[Mapping[str, Any], ...]
    problems: tuple[str, ...]
    valid: int
    finish: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    streamed: bool = True
    step: int = 0
    choice: Asked = "auto"


@dataclass(frozen=True)
class Record:
    """`step`: the number of the step that failed, or of the last. `detail` says in words what was wrong. `due`: the calls
    that are due at each of the item's steps, also at those that were never asked."""

    item: str
    kind: str
    setting: Setting
    right: bool
    cause: Cause | None
    detail: str
    step: int
    said: tuple[Said, ...]
    due: tuple[int, ...]
