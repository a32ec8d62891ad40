"""Text -> events, in pieces of any size. `parse` is the fold of the stream: there is no second parser.

The one rule: nothing is said of a call until its name and the literal after it have matched; before that a
mismatch gives the text back as content, after it a mismatch ends the call with a problem.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from os.path import commonprefix
from typing import Any, Protocol

from .cursor import Cursor, Emit, EndOfText, Limits, Marks, Mismatch, Step, atoms
from .encodings import arguments, json_object, json_string, word
from .message import CallArgs, CallEnd, CallStart, Event, Problem, Reasoning, Reply, Text, Tool, fold
from .plan import (
    SPECIAL,
    Block,
    Pieces,
    as_pieces,
    closing_of,
    ends_of,
    leading,
    markers,
    marks,
    opening,
    plan,
    prompt_tail,
    span_end,
    strong,
    tag,
    wordy,
    written,
)
from .spec import (
    CALLS,
    FITTING,
    ID,
    NAME,
    Calls,
    Delimited,
    Dialect,
    Either,
    Json,
    Object,
    Pythonic,
    Raw,
    Slot,
    Tagged,
    Template,
    encoding_of,
)


def parse(dialect: Dialect, text: Pieces, tools: Iterable[Tool] | None = None, *, prompt: Pieces | None = None,
          strict: bool = False, limits: Limits = Limits()) -> Reply:
    """The reply that `text` is. Never raises, whatever the text."""
    parser = Parser(dialect, tools, prompt=prompt, strict=strict, limits=limits)
    return fold([*parser.feed(text), *parser.close()])


# -- the parser ------------------------------------------------------------------------------------------------


class Feeds(Protocol):
    """What is fed with text as it comes, and gives events: a parser, or what stands around one."""

    def feed(self, text: Pieces) -> list[Event]: ...

    def close(self) -> list[Event]: ...


class Parser:
    """Reads one reply. `feed` takes text, or pieces `(text, is_special)` where the engine knows special tokens;
    then only special pieces match the dialect's special literals. `close` ends the text.

    `prompt` is what the reply follows: any block may be open at its end. `tools` of None means that none are
    known: then any name is accepted.
    """

    def __init__(self, dialect: Dialect, tools: Iterable[Tool] | None = None, *, prompt: Pieces | None = None,
                 strict: bool = False, limits: Limits = Limits()) -> None:
        self._dialect, self._prompt = dialect, prompt
        self._tools: Mapping[str, Tool] | None = None if tools is None else {t.name: t for t in tools}
        self._strict, self._limits = strict, limits
        self._run: Step[None] | None = None
        self._special = False
        self._out: list[Event] = []
        self._deltas: list[str] = []
        self._index = -1                     # of the call being read
        self._open = False                   # a call is committed and not yet over
        self._name = ""                      # of that call
        self._calls = dialect.calls          # how that call is spelled
        self._firm = True                    # its opener is a marker, so any name will do
        self._started = False                # content has begun
        self._held: list[str] = []           # white space that is content only if more content follows
        self._since_call: int | None = None  # how many of `_held` stood before the last call, if no content has come
        self._kept_back: list[Event] | None = None       # events of a call in mid-text that may yet turn out to be words
        self._note: Problem | None = None    # what is odd about the call being read, though it is whole

    def feed(self, text: Pieces) -> list[Event]:
        if self._run is None:
            self._begin(special=not isinstance(text, str))
        if not isinstance(text, str):
            text = "".join([self._mark_special(*p) for p in as_pieces(text)])
        self._cursor.feed(text)
        return self._advance()

    def close(self) -> list[Event]:
        if self._run is None:
            self._begin(special=False)
        self._cursor.eof = True
        return self._advance()

    def _begin(self, special: bool) -> None:
        self._special = special
        self._plan = plan(self._dialect, special)
        tail = prompt_tail(self._dialect, self._prompt)
        openers = [o.strip() for o, _ in leading(self._dialect.reasoning)] if self._dialect.reasoning else []
        opener = next((o for o in openers if o and tail.rstrip().endswith(o)), "")
        self._thinks = bool(opener)
        said = leading(self._dialect.content)[0][0].strip()
        self._speaks = bool(said) and tail.rstrip().endswith(said)
        self._undecided = self._thinks and self._prompt is None
        if self._undecided:
            tail = tail.rstrip()[:-len(opener)].rstrip()
        if special:
            tail = tag(tail, self._dialect.special)
        self._cursor = Cursor(self._limits, self._strict, before=len(tail))
        self._run = self._reply()
        if tail:                                         # read in silence; of an open call all is told
            self._cursor.feed(tail)
            events = self._advance()
            if self._open:                               # the reply's calls count from the one that is open
                opened = max(i for i, e in enumerate(events) if isinstance(e, CallStart))
                self._out = [replace(e, index=0) if isinstance(e, (CallStart, CallArgs)) else e for e in events[opened:]]
            else:
                self._started = False
                self._held.clear()
            self._index = 0 if self._open else -1

    def _mark_special(self, text: str, is_special: bool) -> str:
        return SPECIAL + text if is_special and text in self._dialect.special else text

    def _advance(self) -> list[Event]:
        assert self._run is not None
        next(self._run, None)
        if self._deltas:
            self._flush()
        out, self._out = self._out, []
        if self._special:
            out = [_plain(e) for e in out]
        return out

    # -- what is said

    def _flush(self) -> None:
        if self._deltas:
            delta = CallArgs(self._index, "".join(self._deltas))
            (self._out if self._kept_back is None else self._kept_back).append(delta)
            self._deltas.clear()

    def _say(self, event: Event) -> None:
        self._flush()
        (self._out if self._kept_back is None else self._kept_back).append(event)

    def _content(self, text: str) -> None:
        text = self._after_prompt(text)
        body = text.rstrip()
        if not body:
            if text and self._started:
                self._held.append(text)
            return
        space = text[len(body):]
        if not self._started:
            body, self._started = body.lstrip(), True
        elif self._since_call is not None:               # after a call: what the template writes there is markup
            held, self._held = "".join(self._held[self._since_call:]) + body, self._held[:self._since_call]
            body = held[len(commonprefix((held, self._plan.join + self._plan.lead))):]
        self._say(Text("".join(self._held) + body))
        self._held = [space] if space else []
        self._since_call = None

    def _exact(self, text: str) -> None:
        if text := self._after_prompt(text):
            self._started = True
            self._say(Text(text))

    def _reason(self, text: str) -> None:
        if text := self._after_prompt(text):
            self._say(Reasoning(text))

    def _after_prompt(self, text: str) -> str:
        offset = self._cursor.offset
        return text if offset >= 0 else text[-offset:]

    def _problem(self, kind: str, at: int, expected: str, found: str, raw: str = "", name: str | None = None) -> Problem:
        at = max(at, 0)
        return Problem(kind, at, expected.replace(SPECIAL, ""), found.replace(SPECIAL, ""), raw, name)

    # -- the reply

    def _reply(self) -> Step[None]:
        c, plan = self._cursor, self._plan
        if self._undecided and plan.dialect.reasoning:
            yield from self._perhaps_thinking(plan.dialect.reasoning)
        fresh = bool(plan.starts)                        # calls without a marker may begin here
        while True:
            if fresh:
                yield from c.space()
                yield from self._try(plan.starts)
                fresh = False
            hit = yield from self._marker(plan.top, self._content)
            if hit is None:
                return
            kind, blocks = plan.meaning[hit]
            if kind == "block":
                if not (yield from self._try(blocks)):
                    self._content(c.buf[c.pos])
                    c.pos += 1
                elif not self._started and self._index < 0:
                    fresh = bool(plan.starts)            # reasoning is over, and nothing has been said yet
                continue
            if kind == "weak":
                if self._tools is None or c.offset < 0 or not (yield from self._weakly(blocks)):
                    self._content(c.buf[c.pos])
                    c.pos += 1
                continue
            at, end = c.offset, plan.top.whole.match(c.buf, c.pos).end()  # type: ignore[union-attr]
            found, c.pos = c.buf[c.pos:end], end
            if kind == "stop":
                if at >= 0:                              # a stop in the prompt belongs to the prompt
                    yield from self._rest()
                    return
            elif kind == "stray" and at >= 0:
                self._say(self._problem("stray markup", at, "text or a call", found, found))

    def _marker(self, table: Marks, emit: Emit) -> Step[int | None]:
        """Emit text up to the first marker. One that is made of words counts only where a line begins."""
        c = self._cursor
        while True:
            hit = yield from c.until(table, emit)
            if hit is None or not c.buf[c.pos].isalpha() or c.behind == "\n":
                return hit
            if (emit == self._content and not self._started) or not wordy(table.whole.match(c.buf, c.pos)[0]):  # type: ignore[index]
                return hit
            emit(c.buf[c.pos])
            c.pos += 1

    def _perhaps_thinking(self, template: Template) -> Step[None]:
        """This dialect's prompts open reasoning, but nobody said what the prompt was: the closer of it decides, if it
        comes before anything else does. What stands before it is held back until then."""
        c, kept, white = self._cursor, list[str](), (yield from self._cursor.space())
        if (yield from c.at(marks(leading(template)[0][0].strip()))) is None:
            end = span_end(self._plan, "reasoning", template)
            others = [b.opener for _, bs in self._plan.meaning for b in bs if strong(b.opener)]
            both = marks(*end.closers, *others, *self._dialect.stop)
            hit = yield from c.until(both, kept.append)
            closes = hit is not None and (yield from c.at(marks(*end.closers))) is not None
            c.unread("".join(kept))
            if closes:
                yield from self._span(Block("reasoning", "", leading(template)[0][1]))
                return
        c.unread(white)

    def _rest(self) -> Step[None]:
        """Text after the stop is not part of the reply."""
        kept: list[str] = []
        at = self._cursor.offset
        yield from self._cursor.until(marks(), kept.append)
        if text := "".join(kept).strip():
            self._say(self._problem("text after the stop", at, "the end of the text", repr(text[:20]), text))

    def _try(self, blocks: tuple[Block, ...], within: bool = False) -> Step[bool]:
        """Run the first block that fits. False: none does, and the cursor is where it was.

        `within` a section that is certain, even a call without a marker of its own is.
        """
        c = self._cursor
        c.mark()
        at, unfinished = c.offset, None
        for block in blocks:
            if unfinished and block.calls and isinstance(encoding_of(block.calls), Raw):
                continue                                 # anything is raw text, half a call too
            c.rewind()
            try:
                yield from self._block(block, within or certain(block), alone=len(blocks) == 1)
                c.unmark()
                return True
            except Mismatch as e:
                if self._open:
                    yield from self._end_badly(e, block)
                    return True
                if isinstance(e, EndOfText) and (within or certain(block)):
                    unfinished = unfinished or e
        if unfinished is None:
            c.rewind()
            c.unmark()
            return False
        c.pos = len(c.buf)
        raw = c.since_mark()
        c.unmark()
        if c.offset <= 0:                                # the prompt begins it, and the reply is empty
            return True
        self._say(self._problem("unfinished", at, unfinished.expected, unfinished.found, raw))
        return True

    def _weakly(self, blocks: tuple[Block, ...]) -> Step[bool]:
        """A call in mid-text that has no marker of its own: it is one when all of it is read, and words until then."""
        c = self._cursor
        c.mark()
        before = self._index, self._since_call, list(self._held)
        for block in blocks:
            c.rewind()
            self._kept_back = []
            try:
                yield from self._block(block, False, alone=False)
                c.unmark()
                return True
            except Mismatch as e:
                if self._kept_back is None:              # a call was whole; what follows it was none
                    yield from self._end_badly(e, block)
                    return True
                self._kept_back, self._open, self._note, c.note = None, False, None, None
                self._deltas.clear()
                self._index, self._since_call, self._held = before[0], before[1], list(before[2])
        c.rewind()
        c.unmark()
        return False

    def _certain(self) -> None:
        """A call that was kept back is one."""
        if self._kept_back is not None:
            self._flush()
            self._out += self._kept_back
            self._kept_back = None

    def _block(self, block: Block, firm: bool, alone: bool) -> Step[None]:
        c, opener = self._cursor, block.opener.strip()
        if opener:
            yield from c.literal(marks(opener), opener)
        if block.rest and isinstance(block.rest[0], Raw):
            after = yield from c.peek()
            if opener[-1:].isalnum() and (after.isalnum() or after == "_"):     # the name of a function that begins so
                raise Mismatch("malformed", "white space", repr(after))
            yield from c.at_most(block.opener[len(block.opener.rstrip()):])
        if block.calls is None:
            c.unmark()
            yield from self._span(block)
        elif block.kind == "section":
            yield from self._section(block, block.calls, firm and alone)
        else:
            yield from self._call(block.calls, block.rest, firm)
            self._certain()
            yield from self._more(block.calls)

    def _span(self, block: Block) -> Step[None]:
        """Reasoning, or content that has markers of its own, up to its closer."""
        c = self._cursor
        if c.offset <= 0 and (self._thinks if block.kind == "reasoning" else self._speaks):
            yield from self._said_again(block.opener)
        yield from c.at_most(block.opener[len(block.opener.rstrip()):])
        table, closers, lead, trail = span_end(self._plan, block.kind, block.rest)
        at = c.offset
        hit = yield from self._marker(table, self._reason if block.kind == "reasoning" else self._exact)
        if hit is not None:
            if closers or block.kind == "reasoning":     # else what begins next may turn out to be words
                yield from c.at_most(lead)
            if not closers:
                return
            if (yield from c.maybe(marks(*closers))):
                yield from c.at_most(trail + self._plan.join)
                return
        if block.kind == "reasoning" and closers and c.offset >= 0:
            found = "the end of the text" if hit is None else "another marker"
            self._say(self._problem("unfinished", max(at, 0), repr(closers[0]), found))

    def _said_again(self, opener: str) -> Step[None]:
        """The prompt has opened the block, and some models open it once more."""
        c = self._cursor
        white = yield from c.space()
        if not opener.strip() or c.offset < 0 or not (yield from c.maybe(marks(opener.strip()))):
            c.unread(white)

    # -- calls

    def _drop_gap(self, gap: str) -> None:
        """A call begins: of the white space before it, what the template writes is markup."""
        if self._since_call is not None:
            del self._held[self._since_call:]
            return
        held, gap = "".join(self._held), self._plan.join + gap
        while gap and not held.endswith(gap):
            gap = gap[1:]
        self._held = [held.removesuffix(gap)]

    def _section(self, block: Block, calls: Calls, firm: bool) -> Step[None]:
        """Calls between two literals. `firm`: its opener can be nothing else; otherwise the first call decides."""
        c, n = self._cursor, 0
        after = calls.around[calls.around.index(CALLS) + 1:]
        closing = written(after).strip()
        d = self._plan.dialect
        siblings = [s for s in (d.calls, *d.accept) if (s.around, s.at_start) == (calls.around, calls.at_start)]
        each = tuple(Block("call", o, r, s) for s in siblings for o, r in leading(s.each))
        if firm:
            c.unmark()
        while True:
            white = yield from c.space()
            if closing and (yield from c.maybe(marks(closing))):
                return
            if not (yield from c.peek()):
                break
            if n and (yield from self._half_closed(closing)):
                return
            if n and calls.between.strip():
                yield from c.maybe(marks(calls.between.strip()))
                yield from c.space()
                if closing and (yield from c.maybe(marks(closing))):
                    return                                # Python and models allow a comma behind the last one
            at = c.offset
            if n == 0 and not firm:                       # a plain `[`: the whole of it is tried, or nothing
                try:
                    yield from self._call(calls, calls.each, certain(block))
                except Mismatch as e:
                    if not self._open or self._kept_back is not None:
                        raise
                    yield from self._end_badly(e, each[0])
                else:
                    c.unmark()
                    self._certain()
            elif not (yield from self._try(each, within=True)):
                if n == 0:
                    if not (yield from self._noise(each, closing)):
                        return
                    continue
                # words, or another block: the section is over
                if closing and (yield from c.at(marks(*self._plan.ends))) is None:
                    self._say(self._problem("missing closer", at, repr(closing), repr(c.buf[c.pos])))
                self._held.append(white)
                return
            n += 1
        if n == 0 and not firm:
            raise EndOfText("a call")
        if n == 0:
            self._say(self._problem("unfinished", c.offset, repr(closing or "a call"), "the end of the text"))

    def _half_closed(self, closing: str) -> Step[bool]:
        """Is this the first sign of `]<|tools_suffix|>`, and the end of the text or a stop behind it?"""
        c = self._cursor
        if not closing or closing[0] not in "])}" or c.buf[c.pos] != closing[0]:
            return False
        c.pos += 1
        white = yield from c.space()
        if not (yield from c.peek()) or (yield from c.at(marks(*self._plan.ends))) is not None:
            return True
        c.unread(closing[0] + white)
        return False

    def _noise(self, each: tuple[Block, ...], closing: str) -> Step[bool]:
        """Text where the first call of a section belongs is a problem, not a call. False: the section is over."""
        c, at = self._cursor, self._cursor.offset
        kept: list[str] = [c.buf[c.pos]]
        c.pos += 1
        openers = [b.opener for b in each if b.opener.strip()] or ["{"] * isinstance(each[0].rest[0], Object)
        ends = [*openers, closing, *self._plan.dialect.stop]
        hit = yield from c.until(marks(*(e for e in ends if e.strip())), kept.append)
        text = "".join(kept)
        self._say(self._problem("noise in a section", at, "a call", repr(text[:20]), text))
        return hit is not None

    def _more(self, calls: Calls) -> Step[None]:
        """Further calls of a kind that has no opening marker, after the first."""
        c = self._cursor
        if not calls.at_start:
            return
        while True:
            c.mark()
            yield from c.space()
            if calls.between.strip():
                yield from c.maybe(marks(calls.between.strip()))
            yield from c.space()
            opener, rest = leading(calls.each)[0]
            if opener.strip() and not (yield from c.maybe(marks(opener.strip()))):
                break
            try:
                yield from self._call(calls, rest, False)
            except Mismatch as e:
                if not self._open:
                    break
                yield from self._end_badly(e, Block("call", "", calls.each, calls))
                return
        c.rewind()
        c.unmark()

    def _call(self, calls: Calls, nodes: Template, firm: bool) -> Step[None]:
        """One call, its opener already read. `firm`: the opener is a marker, so any name will do."""
        slots = dict[Slot, str]()
        self._firm, self._calls = firm, calls
        i, sure = 0, True
        opener = leading(opening(calls))[0][0]
        plain = not opener.strip() or wordy(opener)
        ends = ends_of(self._plan, calls)
        while i < len(nodes):
            node = nodes[i]
            match node:
                case Object():
                    yield from self._objects(node, slots, nodes[i + 1:])
                case Slot():
                    choices = leading(nodes[i + 1:])
                    slots[node] = yield from word(self._cursor, node, [o for o, _ in choices])
                    i += len(nodes[i + 1:]) - len(choices[0][1])
                    follows = choices[0][1][0] if choices[0][1] else None
                    if not choices[0][0].strip() and isinstance(follows, Tagged):
                        yield from self._must_open(follows, calls)
                    sure = strong(choices[0][0]) and firm and not plain
                case str() | Either():
                    choices = leading(nodes[i:])
                    closing = [o.strip() for o, _ in choices]
                    yield from self._closer(closing)
                    i += len(nodes[i:]) - len(choices[0][1]) - 1
                case _:
                    if calls.name == FITTING:
                        kept: list[str] = []
                        yield from arguments(self._cursor, node, kept.append, nodes[i + 1:],  # type: ignore[arg-type]
                                             ends, self._schema_of, self._declared)
                        slots[NAME] = self._fitting(json.loads("".join(kept)))
                        self._start(slots)
                        self._deltas += kept
                        self._end()
                        i += 1
                        continue
                    if not sure and isinstance(node, (Json, Delimited)):
                        yield from self._must_begin()
                    if isinstance(node, Raw) and i and isinstance(before := nodes[i - 1], str):
                        yield from self._cursor.at_most(before[len(before.rstrip()):])
                    self._start(slots)
                    yield from arguments(self._cursor, node, self._emit, nodes[i + 1:],  # type: ignore[arg-type]
                                         ends, self._schema_of, self._declared)
                    if not isinstance(node, (Tagged, Pythonic)):
                        self._end()
            i += 1
        self._end(slots.get(ID))

    def _fitting(self, given: Mapping[str, Any]) -> str:
        """The function that alone has these arguments; where there is but one, that one."""
        tools = list((self._tools or {}).values())
        fit = [t for t in tools if given.keys() <= (t.parameters.get("properties") or {}).keys()
               and set(t.parameters.get("required") or ()) <= given.keys()]
        if len(fit) != 1:
            fit = tools
        if len(fit) != 1:
            raise Mismatch("unknown function", "arguments that fit one function alone", repr(list(given))[:40])
        return fit[0].name

    def _must_begin(self) -> Step[None]:
        """Where what stands before the arguments may be words, a call is certain only when they begin."""
        c = self._cursor
        yield from c.space()
        if (yield from c.peek()) not in '{"\'':
            raise Mismatch("malformed", "'{'", repr(c.buf[c.pos]))
        if c.pos == len(c.buf):
            raise EndOfText("'{'")

    def _must_open(self, tagged: Tagged, calls: Calls) -> Step[None]:
        """A name that white space ends is certain only when an argument or the call's closer follows."""
        c, after = self._cursor, closing_of(calls)
        openers = [leading(tagged.each)[0][0].strip(), *([after] if after else [])]
        if (yield from c.at(marks(*openers))) is None:
            raise Mismatch("malformed", "an argument", repr(c.buf[c.pos])) if c.pos < len(c.buf) else \
                EndOfText("an argument")

    def _start(self, slots: dict[Slot, str]) -> None:
        """The name is certain: from here on a mismatch is a problem of the call."""
        name = slots.get(NAME, self._calls.name)
        known = self._tools is None or name in self._tools
        if not known and not self._firm:
            raise Mismatch("unknown function", "a known function", repr(name))
        opener = leading(opening(self._calls))[0][0]
        self._drop_gap(self._calls.gap + opener[: len(opener) - len(opener.lstrip())])
        self._index += 1
        self._open, self._name = True, name
        self._note = None if known else self._problem("unknown function", self._cursor.offset, self._known(), repr(name),
                                                      "", name)
        if not known and (last := name.rpartition(".")[2]) in (self._tools or ()):
            name = self._name = last             # some name the place too: `weather.get_weather`
        self._say(CallStart(self._index, name, slots.get(ID)))
        if self._note and self._strict:
            raise Mismatch("unknown function", self._known(), repr(name))

    def _known(self) -> str:
        names = ", ".join(list(self._tools or ())[:8])
        return f"one of {names}" if names else "no call, for there are no tools"

    def _emit(self, delta: str) -> None:
        self._deltas.append(delta)

    def _end(self, id: str | None = None) -> None:
        """The call is whole."""
        if self._open:
            if (note := self._cursor.note) and self._note is None:
                self._note = self._problem(note[0], note[3], note[1], note[2], "", self._name)
            self._cursor.note = None
            self._say(CallEnd(self._index, self._note, id))
            self._open, self._since_call = False, len(self._held)

    def _end_badly(self, e: Mismatch, block: Block) -> Step[None]:
        """The call is over, and was not whole."""
        c = self._cursor
        if isinstance(e, EndOfText):
            c.pos = len(c.buf)
            at = c.offset
        else:
            at = c.offset if e.at is None else e.at
            yield from self._resync(block)
        raw = c.since_mark()
        c.unmark()
        self._say(CallEnd(self._index, self._problem(e.kind, at, e.expected, e.found, raw or " ", self._name)))
        self._open, self._since_call = False, len(self._held)

    def _resync(self, block: Block) -> Step[None]:
        """A call went wrong: what is left of it is not content, up to its closer or whatever else begins."""
        assert block.calls
        c = self._cursor
        last = [t for t in block.calls.each[1:] if isinstance(t, str)]
        own = [m for s in last[-1:] for m in markers(s)[-1:]]
        others = [m for k, bs in self._plan.meaning for m in (b.opener for b in bs) if strong(m)]
        others += [*self._plan.dialect.stop, *([self._plan.dialect.join] if strong(self._plan.dialect.join) else [])]
        first, between = block.calls.each[0], atoms(block.calls.between) or [r"\s"]
        if block.kind == "call" and (first is NAME or isinstance(first, Object)) and not block.opener.strip():
            member = [r"\{"]                             # a list: its next member may be whole
            if first is NAME:
                member = [r"[A-Za-z_]", r"[\w.\-]{0,256}", *atoms(leading(block.calls.each[1:])[0][0])]
            member = [*between, r"\s{0,32}", *member]
            yield from c.until(Marks([member, *(atoms(m) for m in (*own, *others) if strong(m))]), _ignore)
            return
        around = [m for t in block.calls.around if isinstance(t, str) for m in markers(t)]
        yield from c.until(marks(*own, *(o for o in (*others, *around) if strong(o))), _ignore)
        for m in own:
            yield from c.maybe(marks(m))

    def _closer(self, spellings: list[str]) -> Step[None]:
        """A literal after the arguments. Without it the call of a balanced encoding is whole all the same."""
        c = self._cursor
        yield from c.space()
        table = marks(*(s for s in spellings if s))
        if (yield from c.maybe(table)):
            return
        if self._open:                                    # Tagged and Pythonic are whole only when closed
            yield from c.literal(table, spellings[0])
        if not (yield from c.peek()) or (yield from c.at(marks(*self._plan.ends))) is not None:
            return                                        # engines cut the closer off where it is a stop
        self._say(self._problem("missing closer", c.offset, repr(spellings[0]), repr(c.buf[c.pos])))

    def _objects(self, obj: Object, slots: dict[Slot, str], after: Template) -> Step[None]:
        """One object; behind a marker perhaps several, or a list of them, which models put between one pair of tags."""
        c, closing = self._cursor, leading(after)[0][0].strip() if after else ""
        yield from c.space()
        if not self._firm or not closing:
            yield from self._object(obj, slots, closing)
            return
        listed = yield from c.maybe(marks("["))
        while True:
            yield from c.space()
            at = c.offset
            if not listed or (yield from c.peek()) == "{":
                yield from self._object(obj, slots, closing)
            elif (yield from c.peek()) != "]":
                kept: list[str] = []
                yield from c.value(kept.append)
                if self._index >= 0:
                    self._say(self._problem("noise in a section", at, "a call", repr("".join(kept)[:20]), "".join(kept)))
            yield from c.space()
            comma = yield from c.maybe(marks(","))
            yield from c.space()
            if listed and (yield from c.maybe(marks("]"))):
                return
            if (yield from c.peek()) != "{" and not (listed and comma):
                return
            slots.clear()

    def _object(self, obj: Object, slots: dict[Slot, str], closing: str = "") -> Step[None]:
        c = self._cursor
        members = dict(obj.also) | dict(obj.fields)
        yield from c.space()
        yield from c.literal(marks("{"), "{")
        pending: list[str] | None = None
        seen: set[str] = set()
        python = False                                    # some models write what Python's repr gives
        while True:
            yield from c.space()
            if (yield from c.maybe(marks("}"))):
                break
            if seen and closing and NAME in slots and (yield from c.at(marks(closing))) is not None:
                c.note = ("missing closer", "'}'", repr(closing), c.offset)
                break
            if seen:
                yield from c.literal(marks(","), ",")
                yield from c.space()
            python = python or ((yield from c.peek()) == "'" and not c.strict)
            key = yield from json_string(c, "a key", python)
            if self._kept_back is not None and not seen and members.get(key) is not NAME:
                raise Mismatch("malformed", "a name", repr(key))     # in mid-text, what is no call is seen at once
            if key in seen:
                raise Mismatch("duplicate key", "each key once", repr(key))
            seen.add(key)
            yield from c.space()
            yield from c.literal(marks(":"), ":")
            yield from c.space()
            node = members.get(key)
            if node is NAME:
                if NAME in slots:
                    raise Mismatch("duplicate key", "one name", repr(key))
                slots[NAME] = yield from json_string(c, "a name", python)
                yield from c.space()
                after = yield from c.peek()
                if not after:
                    raise EndOfText("',' or '}'")
                if pending is None and not self._firm and self._tools is not None and slots[NAME] not in self._tools:
                    raise Mismatch("unknown function", "a known function", repr(slots[NAME]))
            elif node is not None and not isinstance(node, Slot):
                if pending is not None or self._open:
                    raise Mismatch("duplicate key", "the arguments once", repr(key))
                if NAME in slots:
                    self._start(slots)
                    yield from json_object(c, self._emit, python)
                    pending = []
                else:
                    pending = []
                    yield from json_object(c, pending.append, python)
            else:
                kept: list[str] = []
                yield from c.value(kept.append, python)
                value = json.loads("".join(kept))
                if node is not None and value is not None:
                    slots[node] = value if isinstance(value, str) else json.dumps(value)
        if NAME not in slots:
            raise Mismatch("malformed", "a name", "an object without one")
        if pending is None and not self._open and not self._firm and self._tools is None:
            raise Mismatch("malformed", "arguments", "a name alone")
        if not self._open:
            self._start(slots)
            for delta in pending or ["{}"]:
                self._emit(delta)
        elif pending is None:
            self._emit("{}")
        self._end(slots.get(ID))

    def _declared(self, name: str) -> list[str]:
        """The parameters of a function, by default of the one being called, in declared order."""
        tool = (self._tools or {}).get(name or self._name)
        properties = tool.parameters.get("properties") if tool else None
        return list(properties) if isinstance(properties, Mapping) else []

    def _schema_of(self, key: str) -> tuple[Any, Any]:
        tool = (self._tools or {}).get(self._name)
        root: Any = tool.parameters if tool else {}
        properties = root.get("properties") if isinstance(root, Mapping) else None
        return (properties.get(key) if isinstance(properties, Mapping) else None), root


# -- small things ----------------------------------------------------------------------------------------------


def certain(block: Block) -> bool:
    """Does its opener say what it is, or must a known function's name do so?"""
    return strong(block.opener) and not (block.calls and block.calls.at_start)


def _ignore(text: str) -> None:
    pass


def _plain(event: Event) -> Event:
    match event:
        case Text(text) if SPECIAL in text:
            return Text(text.replace(SPECIAL, ""))
        case Reasoning(text) if SPECIAL in text:
            return Reasoning(text.replace(SPECIAL, ""))
        case CallArgs(index, delta) if SPECIAL in delta:
            return CallArgs(index, delta.replace(SPECIAL, ""))
        case Problem() if SPECIAL in event.raw:
            return Problem(event.kind, event.offset, event.expected, event.found, event.raw.replace(SPECIAL, ""),
                           event.name)
        case CallEnd(index, problem, id) if problem:
            return CallEnd(index, _plain(problem), id)  # type: ignore[arg-type]
        case _:
            return event
