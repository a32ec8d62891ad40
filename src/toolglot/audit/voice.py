"""How a prompt is had of what is audited: a chat template in a process of its own, or a dialect's own renderer.

The one rule: whoever asks gets a text or the words of a refusal, and never an exception.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from ..chat_template import Apart, TemplateError, TemplateLimit
from ..message import ToolglotError
from ..model import Model
from .source import Source

DAY = "2025-01-31"                               # that prompts are told
BOS, EOS = "<|vorquel-bos|>", "<|vorquel-eos|>"  # in place of tokens that nobody told us
SECONDS = 3.0                                    # that one rendering may take
IN_ALL = 20.0                                    # seconds that all of them may take; the slowest known needs 0.2
LONGEST = 1 << 18                                # characters of a prompt that are looked at: 10 times the longest known
MOST_WORDS = 400                                 # characters of a refusal

Message = Mapping[str, Any]


@dataclass(frozen=True)
class Said:
    """What came of one probe: the text, or why there is none."""

    text: str = ""
    refusal: str = ""
    limit: bool = False                          # it was ended, or prints too much

    def __bool__(self) -> bool:
        return not self.refusal


@dataclass
class Voice:
    """Renders conversations for a source, each once; a context manager."""

    source: Source
    mutable: bool = False
    _template: Apart | None = None
    _model: Model | None = None
    _kept: dict[str, Said] = field(default_factory=dict)
    stopped: str = ""                            # why it renders nothing any more
    spent: float = 0.0

    def __post_init__(self) -> None:
        s = self.source
        if s.card:
            self._model = Model(s.card.dialect)
        else:
            self._template = Apart(s.text, bos=self.bos, eos=s.eos or EOS, today=DAY, mutable=self.mutable, seconds=SECONDS)

    @property
    def bos(self) -> str:
        return "" if self.source.card else self.source.bos or BOS

    def say(self, messages: Sequence[Message], tools: Sequence[Any] | None = None, *, reply_starts: bool = False,
            **given: Any) -> Said:
        """What it makes of a conversation."""
        key = repr((messages, tools, reply_starts, given))
        if key not in self._kept:
            self._kept[key] = self._say_in_time(messages, tools, reply_starts, given)
        return self._kept[key]

    @property
    def asked(self) -> int:
        """How many conversations it was asked for."""
        return len(self._kept)

    def _say_in_time(self, messages: Sequence[Message], tools: Sequence[Any] | None, starts: bool,
                     given: Mapping[str, Any]) -> Said:
        began = time.monotonic()
        said = self._say(messages, tools, starts, given)
        self.spent += time.monotonic() - began
        if self.spent > IN_ALL and not self.stopped:
            self.stopped = f"chat template: it took more than {IN_ALL:g} seconds for {len(self._kept) + 1} conversations"
        if len(said.text) > LONGEST:
            self.stopped = f"chat template: it prints more than {LONGEST} characters for a few words"
            return Said(refusal=self.stopped, limit=True)
        return Said(_whole(said.text), _whole(said.refusal)[:MOST_WORDS], said.limit)

    def _say(self, messages: Sequence[Message], tools: Sequence[Any] | None, starts: bool,
             given: Mapping[str, Any]) -> Said:
        if self.stopped:
            return Said(refusal=self.stopped, limit=True)
        try:
            if self._model:
                return Said(_spoken(self._model, self.source, messages, tools, starts))
            assert self._template
            listed = None if tools is None else list(tools)
            return Said(self._template.render(list(messages), listed, reply_starts=starts, **given))
        except TemplateLimit as error:
            self.stopped = str(error)            # what was ended once would be waited for at every probe
            return Said(refusal=str(error), limit=True)
        except (TemplateError, ToolglotError) as error:
            return Said(refusal=str(error))

    def __enter__(self) -> Voice:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._template:
            self._template.close()


def _whole(text: str) -> str:
    """A text without halves of characters, which no file can hold."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _spoken(model: Model, source: Source, messages: Sequence[Message], tools: Sequence[Any] | None, starts: bool) -> str:
    assert source.card
    if source.card.tier == "none":               # the words about tools are ours: the model's own prompt has none
        messages = [{k: v for k, v in m.items() if k != "tool_calls"} for m in messages if m["role"] != "tool"]
        tools = None
    return str(model.prompt([*messages], [*tools] if tools else (), today=DAY, reply_starts=starts))
