"""The laws of the house, over every dialect in the registry. A new dialect is tested without a line here."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strategies import TOOLS, garbage, replies, spellings
from toolglot.check import check, loss
from toolglot.message import CallArgs, CallEnd, CallStart, Event, Reply, fold
from toolglot.parse import Feeds, Parser, parse
from toolglot.plan import closing_of
from toolglot.registry import dialects
from toolglot.render import render
from toolglot.spec import Dialect, Tagged, encoding_of

EXAMPLES = int(os.environ.get("TOOLGLOT_EXAMPLES", "60"))
SPELLED = [s for d in dialects().values() for s in spellings(d)]
every_dialect = pytest.mark.parametrize("d", dialects().values(), ids=lambda d: d.name)
every_spelling = pytest.mark.parametrize("d", SPELLED, ids=lambda d: d.name)
examples = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


def stream(d: Dialect, text: str, cuts: list[int], **more: Any) -> list[Event]:
    return fed(Parser(d, TOOLS, **more), text, cuts)


def fed(parser: Feeds, text: str, cuts: list[int]) -> list[Event]:
    events, last = [], 0
    for cut in [*sorted(c for c in cuts if c <= len(text)), len(text)]:
        events += parser.feed(text[last:cut])
        last = cut
    return events + parser.close()


def well_nested(events: list[Event]) -> None:
    calls, open_call, fragments = 0, None, ""
    for e in events:
        match e:
            case CallStart(index):
                assert open_call is None and index == calls
                open_call, calls, fragments = index, calls + 1, ""
            case CallArgs(index, delta):
                assert index == open_call and delta
                fragments += delta
            case CallEnd(index, problem):
                assert index == open_call
                open_call = None
                if not (problem and problem.raw):
                    assert isinstance(json.loads(fragments), dict)
            case _:
                assert open_call is None
    assert open_call is None


@every_dialect
def test_every_dialect_is_proved_unambiguous(d: Dialect) -> None:
    assert check(d) == []


@every_spelling
@settings(examples, max_examples=EXAMPLES * 6 // 5)      # one reply in six is what its dialect cannot say
@given(data=st.data())
def test_laws_1_to_4_of_what_a_dialect_writes(d: Dialect, data: Any) -> None:
    """Drawing a reply takes longer than any law, so each is held to all of them."""
    reply = data.draw(replies(d))
    written = render(d, reply)
    whole = parse(d, written, TOOLS)
    if not loss(d, reply, TOOLS):
        law_1_what_is_written_is_read_back_and_law_3_written_the_same(d, reply, written, whole)
        law_4_cut_short_it_never_raises_and_loses_no_whole_call(d, reply, written, data)
    law_2_cuts_do_not_show(d, written, whole, data)


def law_1_what_is_written_is_read_back_and_law_3_written_the_same(d: Dialect, reply: Reply, written: str,
                                                                  read: Reply) -> None:
    assert read == reply, written
    assert not read.problems
    assert render(d, read) == written


def law_2_cuts_do_not_show(d: Dialect, written: str, whole: Reply, data: Any) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(written)), max_size=12))
    for events in (stream(d, written, cuts), stream(d, written, list(range(len(written))))):
        assert fold(events) == whole and fold(events).problems == whole.problems
        well_nested(events)


def law_4_cut_short_it_never_raises_and_loses_no_whole_call(d: Dialect, reply: Reply, written: str, data: Any) -> None:
    # a string that holds its call's own closer, cut right behind it, is a string whose own closer is missing (rule 6)
    closer = closing_of(d.calls) if isinstance(encoding_of(d.calls), Tagged) else ""
    if closer and closer in json.dumps([c.arguments for c in reply.calls], ensure_ascii=False):
        return
    cut = data.draw(st.integers(0, len(written)))
    read = parse(d, written[:cut], TOOLS)
    assert read.calls == reply.calls[: len(read.calls)]
    assert isinstance(read, Reply)


@every_dialect
@examples
@given(data=st.data())
def test_laws_2_and_4_garbage_is_read_the_same_however_cut_and_never_raises(d: Dialect, data: Any) -> None:
    text = data.draw(garbage(d))
    whole = parse(d, text, TOOLS)
    for step in (1, data.draw(st.integers(2, 9))):
        events = stream(d, text, list(range(0, len(text), step)))
        well_nested(events)
        assert fold(events) == whole, text
        assert fold(events).problems == whole.problems, text
