"""The calls in one text: found by their shape, believed by their evidence, and taken out of what is left.

The one rule: a text with no call that is believed is not touched at all.
"""

from __future__ import annotations

from ..message import Event
from .evidence import Known, once, taken_back
from .reader import Reader
from .remains import cut, events, left, unmentioned

_FAR = 1 << 17              # characters of words in which a call may be taken back


def read(text: str, known: Known, before: str = "") -> list[Event]:
    """The events of a text that has calls in it, `[]` where there is evidence for none. `before` is what was said first."""
    if not known.name.search(text) and "\\u" not in text:
        return []
    reader = Reader(text, known.by_name)
    reader.read(known.start)
    cuts = cut(text, known.spans(reader), reader.roots)
    stretches = left(text, cuts)
    if len(kept := unmentioned(text, cuts, stretches)) < len(cuts):
        cuts, stretches = kept, left(text, kept)
    spans = [span for one in cuts for span in one.spans]
    once(text, spans)
    if not spans or reader.strangers > sum(len(span.calls) for span in spans):
        return []
    if taken_back(" ".join([before, *(text[start:end] for start, end in stretches)])[:_FAR]):
        return []
    return list(events(text, cuts, stretches, reader.oddities, bool(before)))
