"""Follows a reply through its Lark grammar, with llguidance: what the grammar does not allow is not passed on.

The one rule: a grammar that does not compile here is never sent, and a reply that left its grammar is an error. So it
does not matter that a server may drop a grammar and say nothing.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from . import EngineError
from .spelling import Spelling

KEPT = 64                               # compiled constraints of one vocabulary


class Letters:
    """A tokenizer of single bytes and control tokens: all that compiling and following a grammar needs."""

    def __init__(self, control: Mapping[str, int], vocabulary: int) -> None:
        taken = set(control.values())
        free = (i for i in range(vocabulary + 256) if i not in taken)
        self.of_byte = [next(free) for _ in range(256)]
        self.tokens = [b""] * (max(vocabulary, *self.of_byte) + 2)
        for byte, index in enumerate(self.of_byte):
            self.tokens[index] = bytes([byte])
        for text, index in control.items():
            self.tokens[index] = text.encode()
        self.special_token_ids = sorted(taken)
        # No real token: the engine's own may stand in a grammar, where llguidance would take its end for the end.
        self.eos_token_id = len(self.tokens) - 1
        self.bos_token_id = None

    def __call__(self, text: str | bytes) -> list[int]:
        return [self.of_byte[b] for b in (text.encode() if isinstance(text, str) else text)]


class Guide:
    """Compiles grammars for one vocabulary. `control`: its control tokens; `ends`: those that end a reply."""

    def __init__(self, control: Mapping[str, int], ends: Iterable[str], vocabulary: int) -> None:
        try:
            self.library: Any = importlib.import_module("llguidance")
        except ImportError as error:
            raise EngineError(f"a constraint needs llguidance to check it ({error}): pip install llguidance") from None
        self.letters = Letters(control, vocabulary)
        self.tokenizer = self.library.LLTokenizer(self.library.TokenizerWrapper(self.letters), slices=[])
        self.ends = [control[end] for end in ends if end in control]
        self.visible = {text: index for text, index in control.items() if index not in self.ends}
        self.spelling = Spelling(self.visible)

        self.compiled: dict[str, Any] = {}
        self.lock = threading.Lock()

    def watch(self, grammar: str) -> Watch:
        """A grammar at its beginning; only the first time is it compiled. Errors: EngineError where it cannot be."""
        with self.lock:
            if grammar not in self.compiled:
                failed, messages = self.library.LLMatcher.validate_grammar_with_warnings(grammar, self.tokenizer)
                if failed:
                    raise EngineError("the constraint does not compile: " + " ".join(messages[0].split())[:400])
                if len(self.compiled) >= KEPT:
                    self.compiled.pop(next(iter(self.compiled)))
                self.compiled[grammar] = self.library.LLMatcher(self.tokenizer, grammar, log_level=0)
            return Watch(self.compiled[grammar].deep_copy(), self)


class Watch:
    """One reply on its way through one grammar."""

    def __init__(self, matcher: Any, guide: Guide) -> None:
        self.matcher, self.guide = matcher, guide

    def allows(self, text: str) -> bool:
        """Whether the reply may go on with `text`."""
        letters, at = self.guide.letters, 0
        for start, end in [*self.guide.spelling.find(text), (len(text), len(text))]:
            if start < at:
                continue
            token = text[start:end]
            if not self._take(letters(text[at:start])):
                return False
            # What reads like a control token may also be spelled by ordinary tokens, inside of a string say.
            if token and not (self._take([self.guide.visible[token]]) or self._take(letters(token))):
                return False
            at = end
        return True

    def complete(self) -> bool:
        """Whether the reply may end here."""
        return bool(self.matcher.is_accepting()) or any(self.matcher.validate_tokens([e]) for e in self.guide.ends)

    def _take(self, ids: list[int]) -> bool:
        return bool(self.matcher.try_consume_tokens(ids) == len(ids))
