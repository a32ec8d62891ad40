"""The three forms in which rows are written: chat messages, rendered text with spans, token ids with labels.

The one rule: the records of a writer have the same keys, whatever its rows are. So a writer writes conversations or
preferences, and a row of the other kind is a RowError.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..message import ToolglotError
from ..model import Model
from . import cut as cutting
from . import mask
from .chat_rows import ChatShape, chat_row
from .pack import Packs, joined
from .policy import Policy
from .rendered import Rendered, Span, rejected, rendered
from .row import Row, RowError
from .tokens import Encoder, Tokens
from .writer import Writer

Record = Mapping[str, Any]
To = Literal["chat", "text", "tokens"]


def writer(to: To, *, model: Model | None = None, policy: Policy = Policy(), encoder: Encoder | None = None,
           max_tokens: int | None = None, keep: cutting.Keep = "newest", pack: bool = False, check: bool = False,
           lossy: bool = False, preference: bool | None = None, weighted: bool | None = None, today: str | None = None,
           shape: ChatShape = ChatShape()) -> Writer:
    """A writer. `text` and `tokens` need `model`; `tokens`, and whoever cuts to `max_tokens`, an `encoder`.

    `keep`: which end of a conversation that is too long stays. `pack` puts rows side by side in sequences of
    `max_tokens`. `check` holds each mask against law 8, and `lossy` writes what the dialect cannot say. `preference`:
    rows have a rejected reply; None goes by the first row. `weighted`: records of tokens have a key `weights`; None: if
    the policy has a weight other than 0 and 1. `today` is the date that some models are told (YYYY-MM-DD); without it, the
    day on which the writer was made. Raises ToolglotError for what does not go together.
    """
    if to not in ("chat", "text", "tokens"):
        raise ToolglotError(f"to: expected chat, text or tokens, got {to!r}")
    if to != "chat" and (model is None or model.dialect.turns is None):
        raise ToolglotError(f"{to} needs a model whose prompts are known: give model=toolglot.model(NAME)")
    if encoder is None and (to == "tokens" or max_tokens is not None):
        raise ToolglotError("tokens cannot be counted without a tokenizer: give encoder=open_encoder(PATH)")
    if max_tokens is not None and (model is None or max_tokens < 1):
        raise ToolglotError("max_tokens needs a model, and a number from 1 on")
    if pack and (to != "tokens" or max_tokens is None):
        raise ToolglotError("pack puts tokens into sequences of max_tokens: give to='tokens' and max_tokens")
    day = today if today is not None else datetime.date.today().isoformat()
    texts = None if model is None else _Texts(model, policy, lossy, check, day, encoder, max_tokens, keep)
    if to == "chat":
        return _Writer(lambda row: chat_row(_cut(row, texts), policy, shape), preference)
    assert texts
    if to == "text":
        return _Writer(lambda row: _text(row, texts), preference)
    assert encoder
    weighs = not policy.is_plain if weighted is None else weighted
    if pack:
        assert max_tokens
        return _Packer(lambda row: _tokens(row, texts, weighs), Packs(max_tokens), weighs)
    return _Writer(lambda row: _token_row(row, texts, weighs), preference)


@dataclass(frozen=True)
class _Texts:
    """How rows are rendered, checked and cut."""

    model: Model
    policy: Policy
    lossy: bool
    check: bool
    today: str
    encoder: Encoder | None
    most: int | None
    keep: cutting.Keep

    def render(self, row: Row) -> Rendered:
        return rendered(row, self.model, self.policy, today=self.today, lossy=self.lossy)

    def size(self, row: Row) -> int:
        assert self.encoder
        return max(len(self.encoder.encode(self.render(one)).ids) for one in _both(row))

    def checked(self, row: Row) -> Rendered:
        shown = self.render(row)
        if self.check and (wrong := mask.check(row, shown, self.model, self.policy, today=self.today)):
            raise RowError("its mask is wrong", detail="; ".join(wrong))
        return shown


@dataclass
class _Writer:
    """A record a row."""

    write: Callable[[Row], Record]
    preference: bool | None

    def take(self, row: Row) -> Sequence[Record]:
        if self.preference is None:
            record = self.write(row)
            self.preference = row.rejected is not None
            return [record]
        if self.preference != (row.rejected is not None):
            raise RowError("a rejected reply among conversations" if row.rejected is not None
                           else "a conversation among preferences", detail="write them to files of their own")
        return [self.write(row)]

    def close(self) -> Sequence[Record]:
        return []


@dataclass
class _Packer:
    """Several rows a record."""

    write: Callable[[Row], Tokens]
    packs: Packs
    weighted: bool

    def take(self, row: Row) -> Sequence[Record]:
        if row.rejected is not None:
            raise RowError("a rejected reply among conversations", detail="preferences are not packed")
        return [joined(rows, self.weighted) for rows in self.packs.add(self.write(row))]

    def close(self) -> Sequence[Record]:
        return [joined(rows, self.weighted) for rows in self.packs.close()]


# -- records -----------------------------------------------------------------------------------------------------


def _both(row: Row) -> list[Row]:
    """The row with its own reply; and where it has one, with the worse."""
    return [row] if row.rejected is None else [replace(row, rejected=None), rejected(row)]


def _cut(row: Row, texts: _Texts | None) -> Row:
    if texts is None or texts.most is None:
        return row
    return cutting.cut(row, lambda part: texts.size(part) <= (texts.most or 0), texts.keep)


def _text(row: Row, texts: _Texts) -> Record:
    row = _cut(row, texts)
    shown = [texts.checked(one) for one in _both(row)]
    if row.rejected is None:
        return {"text": shown[0].text, "spans": spans_json(shown[0].spans)}
    at = {next((s.start for s in r.spans if s.start >= r.replies[-1][0] and s.written), len(r.text)) for r in shown}
    begins = min(at)
    if shown[0].text[:begins] != shown[1].text[:begins]:
        raise RowError("its two replies have prompts of their own", detail="they tell of the last reply earlier")
    return {"prompt": shown[0].text[:begins], "chosen": shown[0].text[begins:], "rejected": shown[1].text[begins:]}


def spans_json(spans: Sequence[Span]) -> list[dict[str, Any]]:
    return [{"start": s.start, "end": s.end, "role": s.role, "kind": s.kind, "weight": s.weight, "special": s.special}
            for s in spans]


def _tokens(row: Row, texts: _Texts, weighted: bool) -> Tokens:
    """The row's tokens; most rows need no cutting, so it is when they are too long that parts of them are tried."""
    assert texts.encoder
    shown = texts.checked(row)
    tokens = texts.encoder.encode(shown)
    if texts.most is not None and len(tokens.ids) > texts.most:
        shown = texts.checked(_cut(row, texts))
        tokens = texts.encoder.encode(shown)
    if not weighted and any([w not in (0, 1) for w in tokens.weights]):
        raise RowError("a weight other than 0 and 1", detail="write with weighted=True")
    if texts.check and (wrong := mask.check_tokens(tokens, shown, texts.encoder)):
        raise RowError("its mask is wrong", detail="; ".join(wrong))
    return tokens


def _token_row(row: Row, texts: _Texts, weighted: bool) -> Record:
    if row.rejected is None:
        tokens = _tokens(row, texts, weighted)
        record = {"input_ids": tokens.ids, "attention_mask": [1] * len(tokens.ids), "labels": tokens.labels}
        return record | ({"weights": tokens.weights} if weighted else {})
    out: dict[str, Any] = {}
    for name, one in zip(("chosen", "rejected"), _both(_cut(row, texts)), strict=True):
        tokens = _tokens(one, texts, weighted)
        out |= {f"{name}_input_ids": tokens.ids, f"{name}_labels": tokens.labels}
        out |= {f"{name}_weights": tokens.weights} if weighted else {}
    return out


__all__ = ["To", "spans_json", "writer"]
