"""For those who keep their own `model.generate`: logits held to a constraint, and tokens read as events while they come.

The rule kept here: never fail open. What a constraint does not allow gets a logit of minus infinity; where one can no
longer be followed, EngineError is raised in the place of scores.

Both pieces need a fast tokenizer, the kind that `AutoTokenizer` gives for nearly every model, and `llguidance`. Torch
and transformers are imported where they are used; neither piece needs a base class of theirs.
"""

from __future__ import annotations

import codecs
import copy
import importlib
import queue
import re
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Union

from ..emit.lark import SLICES
from ..grammar import Constraint
from ..message import Event
from ..parse import Feeds
from ..prompt import Prompt
from . import EngineError, PromptPiece, Rules
from .spelling import Spelling, defuse

Grammar = Union[Constraint, Rules, str]
Ends = Union[int, Iterable[int], None]
KEPT = 64                               # compiled constraints of one tokenizer
PROBE = "a b\n\"é\": {日本 1.5}\n😀"


def library(name: str) -> Any:
    """An optional package. Errors: EngineError that says how to install it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise EngineError(f"the transformers engine needs {name.partition('.')[0]} ({error}): "
                          f"pip install 'toolglot[transformers]'") from None


# ---------------------------------------------------------------- tokens

class Vocabulary:
    """A tokenizer as it is needed here; `vocabulary_of` makes and keeps them. `special` are the ids of special tokens by
    text, `ends` the ids that end a reply."""

    def __init__(self, tokenizer: Any, ends: frozenset[int]) -> None:
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is None:
            raise EngineError(f"{type(tokenizer).__name__} is no fast tokenizer: open the model with AutoTokenizer")
        if not ends:
            raise EngineError("no token is known to end a reply: give its id as `ends`")
        self.backend, self.ends = copy.copy(backend), ends
        self.backend.no_truncation()
        self.backend.no_padding()
        self.backend.encode_special_tokens = False       # it is `encode` that keeps them out of messages
        self.pad: int | None = tokenizer.pad_token_id
        try:
            slices = [*SLICES, *library("llguidance").LLTokenizer.general_slices()]
            self.guide = library("llguidance.hf").from_tokenizer(tokenizer, eos_token=sorted(ends), slices=slices)
        except ValueError as error:
            raise EngineError(f"llguidance cannot read this {type(tokenizer).__name__}: {error}") from error
        self._probe()
        added = {token.content: index for index, token in self.backend.get_added_tokens_decoder().items()}
        # llguidance takes some for special that the tokenizer does not, <tool_call> of Qwen's for one.
        self.special = {text: i for text, i in added.items() if self.guide.is_special_token(i)}
        self.marks = {i for text, i in added.items() if text in self.special or re.fullmatch(r"<\S+>|\[\S+\]", text)}
        self.spelling = Spelling(text for text, i in added.items() if i in self.marks)
        self.compiled: dict[str, Any] = {}
        self.lock = threading.Lock()

    def _probe(self) -> None:
        """llguidance has an understanding of its own of what bytes a token stands for, and masks would follow it."""
        ids = self.backend.encode(PROBE, add_special_tokens=False).ids
        own, read = self.backend.decode(ids), self.guide.decode_bytes(ids).decode("utf-8", "replace")
        if read.strip() != own.strip():
            raise EngineError(f"llguidance misreads this tokenizer, {own!r} as {read!r}, so it could keep no constraint: a "
                              f"newer transformers may help, or the model's own files instead of a GGUF")

    def encode(self, prompt: Sequence[PromptPiece]) -> list[int]:
        """The prompt's token ids; what spells a special token outside of the special pieces is plain text.

        Errors: EngineError where the tokenizer would make a special token out of plain text all the same.
        """
        ids: list[int] = []
        strings = defuse(prompt, self.spelling)
        for string, encoding in zip(strings, self.backend.encode_batch(strings, add_special_tokens=False), strict=True):
            if sum(i in self.marks for i in encoding.ids) > self._spelled(string):
                raise EngineError(f"the tokenizer reads a special token into plain text: {string[:80]!r}")
            ids += encoding.ids
        return ids

    def _spelled(self, text: str) -> int:
        """How many special tokens stand in a text, read from the front."""
        count = end = 0
        for start, stop in self.spelling.find(text):
            if start >= end:
                count, end = count + 1, stop
        return count

    def characters(self) -> Callable[[int], str]:
        """What gives the text of one token after another: whole characters only, special tokens spelled out."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        # A model may have more logits than its tokenizer has tokens; those say nothing.
        return lambda token: decoder.decode(self.guide.decode_bytes([token]) if token < self.guide.vocab_size else b"")

    def rules(self, constraint: Constraint) -> Rules:
        ends = [text for text, index in self.special.items() if index in self.ends]
        return Rules("lark", constraint.lark(self.special, ends), constraint.unenforced)

    def matcher(self, grammar: Grammar) -> Any:
        """A grammar at its beginning. Only the first time is it compiled. Errors: EngineError where it cannot be."""
        if isinstance(grammar, Constraint):
            grammar = self.rules(grammar)
        notation, text = ("lark", grammar) if isinstance(grammar, str) else grammar[:2]
        if notation != "lark":
            raise EngineError(f"transformers takes Lark, not {notation}: ask the engine's `rules` for the constraint")
        with self.lock:
            if text not in self.compiled:
                headed = text if text.startswith("%llguidance") else f"%llguidance {{}}\n{text}"
                matcher = library("llguidance").LLMatcher(self.guide, headed, log_level=0)
                if matcher.is_error():
                    raise EngineError("the constraint does not compile: " + " ".join(matcher.get_error().split())[:400])
                matcher.compute_bitmask()                # the dearest mask of all; the copies have it
                if len(self.compiled) >= KEPT:
                    self.compiled.pop(next(iter(self.compiled)))
                self.compiled[text] = matcher
            return self.compiled[text].deep_copy()


_vocabularies: weakref.WeakKeyDictionary[Any, dict[Any, Vocabulary]] = weakref.WeakKeyDictionary()


def vocabulary_of(tokenizer: Any, ends: Ends = None) -> Vocabulary:
    """The tokenizer's vocabulary, made once (0.3 s and more). `ends` are ids besides the tokenizer's own end."""
    more = [ends] if isinstance(ends, int) else ends or ()
    every = frozenset(i for i in (tokenizer.eos_token_id, *more) if i is not None)
    known, key = _vocabularies.setdefault(tokenizer, {}), (len(tokenizer), every)
    if key not in known:
        known[key] = Vocabulary(tokenizer, every)
    return known[key]


def encode(prompt: Prompt, tokenizer: Any, *, ends: Ends = None) -> list[int]:
    """The token ids of `toolglot.Model.prompt(...)`. What messages say is plain text in them, whatever it spells."""
    return vocabulary_of(tokenizer, ends).encode([PromptPiece(piece.text, piece.special) for piece in prompt.pieces])


def allowed(matcher: Any, width: int) -> Any:
    """Which of `width` tokens may come next, as a tensor of booleans. Errors: EngineError where none may."""
    torch = library("torch")
    bits = bytearray(matcher.compute_bitmask())
    if matcher.is_error():                               # its mask lets the reply end
        raise EngineError(f"the constraint cannot be followed: {_why(matcher)}")
    words = torch.frombuffer(bits, dtype=torch.int32)
    mask = (words[:, None] >> torch.arange(32, dtype=torch.int32) & 1).bool().flatten()[:width]
    if not mask.any():
        raise EngineError("the constraint allows no token that the model has")
    return torch.nn.functional.pad(mask, (0, width - len(mask)))


def take(matcher: Any, token: int) -> None:
    """The reply goes on with a token. Errors: EngineError where the constraint does not allow it."""
    if not matcher.consume_token(token):
        raise EngineError(f"the reply left its constraint: {_why(matcher)}")


def complete(matcher: Any) -> bool:
    """Whether the reply may end here."""
    return bool(matcher.is_accepting() or matcher.is_stopped())


def _why(matcher: Any) -> str:
    return str(matcher.get_error()).partition("\n")[0][:400] or f"llguidance says {matcher.stop_reason()}"


# ---------------------------------------------------------------- in a call of generate

class ConstrainedLogits:
    """A logits processor for one call of `model.generate(..., logits_processor=[it])`: replies keep their constraints.

    `constraints` is what `toolglot.Model.constrain(...)` gave, Lark text, or None for a reply that is free; or a list of
    those, one a prompt of the batch. Compiled ones are kept with the tokenizer: make a processor for each call.
    `ends` are the ids that end a reply besides the tokenizer's own: give `model.generation_config.eos_token_id`.

    Greedy search, sampling, several replies a prompt and beams work; assisted generation does not, and is refused. Of
    beams, those with a score of minus infinity are no replies: there were more beams than the constraint has replies.

    Errors: EngineError where a constraint does not compile, and from within `generate` where one cannot be followed.
    """

    def __init__(self, constraints: Grammar | Sequence[Grammar | None] | None, tokenizer: Any, *,
                 ends: Ends = None) -> None:
        one = constraints is None or isinstance(constraints, (Constraint, Rules, str))
        given: list[Any] = [constraints] if one else list(constraints)  # type: ignore[arg-type]
        self._vocabulary = vocabulary_of(tokenizer, ends)
        self._given = [None if one is None else self._vocabulary.matcher(one) for one in given]
        self._rows: list[_Row] = []
        self._seen: Any = None                           # the tokens of the last call

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        torch = library("torch")
        if self._seen is None:
            self._begin(len(input_ids))                  # the prompt ends here
        else:
            self._follow(input_ids)
        self._seen = input_ids.clone()
        width = scores.shape[-1]
        ended = torch.zeros(width, dtype=torch.bool)
        ended[[i for i in self._vocabulary.ends if i < width]] = True
        masks = [torch.ones(width, dtype=torch.bool) if row.matcher is None else
                 ended if row.over else allowed(row.matcher, width) for row in self._rows]
        return scores.masked_fill(~torch.stack(masks).to(scores.device), -torch.inf)

    def _begin(self, count: int) -> None:
        each, rest = divmod(count, len(self._given) or count + 1)
        if rest or not each:
            raise EngineError(f"{len(self._given)} constraints for {count} rows: give one, or one a prompt")
        self._rows = [_Row(matcher, number * each, each).copy() for number, matcher in enumerate(self._given)
                      for _ in range(each)]

    def _follow(self, ids: Any) -> None:
        torch = library("torch")
        if tuple(ids.shape) != (len(self._rows), self._seen.shape[1] + 1):
            raise EngineError("ConstrainedLogits follows one call of generate, a token a step: make one for each call; "
                              "assisted generation is not supported")
        if not torch.equal(ids[:, :-1], self._seen):     # beams change places
            self._rows = [self._parent(row, ids[number, :-1]).copy() for number, row in enumerate(self._rows)]
        for row, token in zip(self._rows, ids[:, -1].tolist(), strict=True):
            self._step(row, token)

    def _parent(self, row: _Row, before: Any) -> _Row:
        """The row that ended where this one goes on, among those of the same prompt."""
        family = slice(row.first, row.first + row.count)
        same = (self._seen[family] == before).all(-1).nonzero()
        if not len(same):
            raise EngineError("ConstrainedLogits follows one call of generate: make one for each call")
        return self._rows[row.first + int(same[0])]

    def _step(self, row: _Row, token: int) -> None:
        if row.matcher is None or row.over:
            return
        taken = row.matcher.consume_token(token)
        if token in self._vocabulary.ends:
            if taken and not complete(row.matcher):
                raise EngineError("a reply ended before its constraint did, which has an end token in its middle")
            row.over = True
        elif not taken:
            # A stop string may have ended the row, which is padded then. A beam that has no way on is filled with any
            # token, and never wins. Nothing else can bring a token that was not allowed.
            if token != self._vocabulary.pad and row.count == 1:
                raise EngineError(f"a reply left its constraint, so something changed the scores after "
                                  f"ConstrainedLogits: {_why(row.matcher)}")
            row.over = True


class _Row:
    """One reply of a batch, and where the replies to the same prompt stand. Without a matcher it is free."""

    def __init__(self, matcher: Any, first: int, count: int, over: bool = False) -> None:
        self.matcher, self.first, self.count, self.over = matcher, first, count, over

    def copy(self) -> _Row:
        return _Row(self.matcher and self.matcher.deep_copy(), self.first, self.count, self.over)


class EventStreamer:
    """A streamer for one call of `model.generate(..., streamer=it)`: what the reply means, event after event.

    `parser` is what `toolglot.Model.stream(tools, prompt=...)` gave. Each event is handed to `on_event` as it comes, in
    the thread of `generate`; without that, iterate over the streamer in another thread. `text` is the reply so far,
    `events` all there were, and `toolglot.fold(streamer.events)` the reply. The prompt is skipped. `ends` is as
    ConstrainedLogits has it. `timeout`, in seconds, is how long an iteration waits for one event: None is for ever, also
    after `generate` failed in its thread.
    """

    def __init__(self, parser: Feeds, tokenizer: Any, on_event: Callable[[Event], object] | None = None, *,
                 ends: Ends = None, timeout: float | None = None) -> None:
        vocabulary = vocabulary_of(tokenizer, ends)
        self.text, self.events = "", list[Event]()
        self._parser, self._ends, self._characters = parser, vocabulary.ends, vocabulary.characters()
        self._queue: queue.Queue[Event | None] = queue.Queue()
        self._on_event, self._timeout = on_event or self._queue.put, timeout
        self._prompted = self._over = False

    def put(self, value: Any) -> None:
        """The prompt first, then the tokens of the reply, in the shape that `generate` gives them. Batches are refused."""
        if not self._prompted:
            if value.dim() > 1 and len(value) > 1:
                raise EngineError(f"EventStreamer reads one reply, not a batch of {len(value)}")
            self._prompted = True
            return
        for token in value.reshape(-1).tolist():
            self._over = self._over or token in self._ends
            if not self._over and (new := self._characters(token)):
                self.text += new
                self._tell(self._parser.feed(new))

    def end(self) -> None:
        self._tell(self._parser.close())
        self._queue.put(None)

    def __iter__(self) -> Iterator[Event]:
        while True:
            try:
                event = self._queue.get(timeout=self._timeout)
            except queue.Empty:
                raise EngineError(f"no event came for {self._timeout} seconds: see whether generate failed") from None
            if event is None:
                return
            yield event

    def _tell(self, events: Iterable[Event]) -> None:
        for event in events:
            self.events.append(event)
            self._on_event(event)


__all__ = ["ConstrainedLogits", "EventStreamer", "Vocabulary", "encode", "vocabulary_of"]
