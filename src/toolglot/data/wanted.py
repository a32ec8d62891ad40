"""What rows are to become, in words and numbers: enough to make the writer in any process.

The one rule: it holds names and paths, never what they lead to, and what it says is all that the records follow from.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from typing import Any, Literal

from ..message import ToolglotError
from ..model import Model
from ..model import model as named
from .policy import Policy
from .writer import Writer

DAY = "2026-01-01"                  # that models are told: one day, or a run that goes on after midnight would change


@dataclass(frozen=True)
class Wanted:
    """`dialect` is a dialect, a model id or a dialect's file; `template` the text of a model's own chat template, for a
    zero-shot one. `train`: the replies that have a loss, or of all the calls alone. `reasoning`: with a loss, in the text
    without one, or not there. `lossy`: write what the dialect cannot say so that it is read back the same. `preference`:
    rows have a rejected reply; None: if the first has. `arguments`: of calls in chat records; `parallel`: whether those
    say `parallel_tool_calls`. `tokenizer`: a tokenizer.json or a folder with one, or a GGUF file. `max_tokens`: longer
    rows are cut, by whole turns, and `end` of them is kept. `check_mask`: law 8 is held on every row. `today`: the date
    that some models are told."""

    to: Literal["chat", "text", "tokens"] = "chat"
    dialect: str | None = None
    template: str | None = None
    bos: str = ""
    eos: str = ""
    prompts: Literal["faithful", "repaired"] = "faithful"
    idiom: str | None = None
    train: Literal["all", "last", "calls"] = "all"
    reasoning: Literal["train", "keep", "drop"] = "train"
    thinking: bool | None = None
    lossy: bool = False
    preference: bool | None = None
    arguments: Literal["object", "text"] = "object"
    parallel: bool = False
    tokenizer: str | None = None
    max_tokens: int | None = None
    end: Literal["newest", "oldest"] = "newest"
    pack: bool = False
    check_mask: bool = False
    today: str = DAY

    def __post_init__(self) -> None:
        for name, choices in (("to", ("chat", "text", "tokens")), ("train", ("all", "last", "calls")),
                              ("reasoning", ("train", "keep", "drop"))):
            if (given := getattr(self, name)) not in choices:
                raise ToolglotError(f"{name}: expected {', '.join(choices)}, got {given!r}")
        if (self.to != "chat" or self.max_tokens) and not self.dialect:
            raise ToolglotError(f"{'--max-tokens' if self.max_tokens else f'--to {self.to}'} needs --dialect: a dialect, "
                                "or the id of the model that is trained")
        if (self.to == "tokens" or self.max_tokens) and not self.tokenizer:
            raise ToolglotError(f"{'--max-tokens' if self.max_tokens else '--to tokens'} needs --tokenizer: a "
                                "tokenizer.json, a folder with one, or a GGUF file")
        if self.pack and (self.to != "tokens" or not self.max_tokens):
            raise ToolglotError("--pack is for --to tokens, and needs --max-tokens: how long a pack may be")
        if self.check_mask and self.to == "chat":
            raise ToolglotError("--check mask is for --to text and --to tokens: chat records have no mask")

    def words(self) -> dict[str, Any]:
        """For the journal. Of a tokenizer's file its size and date are told, too."""
        said = {one.name: getattr(self, one.name) for one in fields(self)}
        for name in ("tokenizer", "dialect"):
            if said[name] and os.path.isfile(said[name]):
                found = os.stat(said[name])
                said[name] = {"file": said[name], "size": found.st_size, "changed": found.st_mtime_ns}
        return said

    @property
    def policy(self) -> Policy:
        return Policy("last" if self.train == "last" else "all", self.train == "calls",
                      {"train": "trained", "keep": "kept", "drop": "dropped"}[self.reasoning], self.thinking)  # type: ignore[arg-type]

    def model(self) -> Model | None:
        """Raises ToolglotError for a dialect that there is none of."""
        if not self.dialect:
            return None
        return named(self.dialect, template=self.template, bos=self.bos, eos=self.eos, prompts=self.prompts,
                     idiom=self.idiom)

    def writer(self) -> Writer:
        """Raises ToolglotError for what cannot be made: a dialect or a tokenizer that is not there."""
        from .chat_rows import ChatShape
        from .tokens import open_encoder
        from .writers import writer

        encoder = open_encoder(self.tokenizer) if self.tokenizer else None
        return writer(self.to, model=self.model(), policy=self.policy, encoder=encoder, max_tokens=self.max_tokens,
                      keep=self.end, pack=self.pack, check=self.check_mask, lossy=self.lossy,
                      preference=bool(self.preference), today=self.today,
                      shape=ChatShape(arguments=self.arguments, parallel=self.parallel))


__all__ = ["Wanted"]
