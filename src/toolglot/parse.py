"""Text -> events, in pieces of any size. `parse` is the fold of the stream: there is no second parser.

The one rule: nothing is said of a call until its name and the literal after it have matched; before that a
mismatch gives the text back as content, after it a mismatch ends the call with a problem.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import product
from json.encoder import encode_basestring
from os.path import commonprefix
from typing import Any, NamedTuple, Union

from . import schema
from .cursor import WORD, Cursor, EndOfText, Limits, Marks, Mismatch, Step, atoms, read_json
from .message import CallArgs, CallEnd, CallStart, Event, Problem, Reasoning, Reply, Text, Tool, fold
from .spec import (
    CALLS,
    ID,
    INDEX,
    IS_STR,
    KEY,
    NAME,
    VALUE,
    Calls,
    Custom,
    Dialect,
    Either,
    Encoding,
    Json,
    Object,
    Pythonic,
    Raw,
    Slot,
    Tagged,
    Template,
    When,
    encoding_of,
    is_bare,
    map_literals,
    remember,
)

NOT_IN_WORD = {NAME: "\n\t <>()[]{}\"'=,;:|\uff5c", ID: "\n\t <>()[]{}\"'=,;|\uff5c", INDEX: "", KEY: "\n<>\"",
               IS_STR: ""}
_SPECIAL = "\udc9f"         # put before a special literal: a lone surrogate, which no tokenizer decodes to
Pieces = Union[str, tuple[str, bool], Iterable[tuple[str, bool]]]


def parse(dialect: Dialect, text: Pieces, tools: Iterable[Tool] | None = None, *, prompt: Pieces | None = None,
          strict: bool = False, limits: Limits = Limits()) -> Reply:
    """The reply that `text` is. Never raises, whatever the text."""
    parser = Parser(dialect, tools, prompt=prompt, strict=strict, limits=limits)
    return fold([*parser.feed(text), *parser.close()])


# -- what a dialect looks for ----------------------------------------------------------------------------------


def leading(template: Template) -> list[tuple[str, Template]]:
    """The spellings of the literal that a template begins with, each with the rest of the template."""
    at = next((i for i, t in enumerate(template) if not isinstance(t, (str, Either))), len(template))
    choices = [t.options if isinstance(t, Either) else (t,) for t in template[:at] if isinstance(t, (str, Either))]
    return [("".join(c), template[at:]) for c in product(*choices)]


def strong(literal: str) -> bool:
    """Is this literal a marker, that nobody writes by chance?"""
    return any(c.isalnum() for c in literal)


class Block(NamedTuple):
    """Something that a marker opens: `rest` is what of the template follows the opener."""

    kind: str                       # "section", "call", "reasoning", "content"
    opener: str
    rest: Template
    calls: Calls | None = None


class Plan(NamedTuple):
    """A dialect as the parser looks at it: computed once."""

    dialect: Dialect
    top: Marks                                      # what means something in content
    meaning: tuple[tuple[str, tuple[Block, ...]], ...]   # of each of `top`: stop, join, stray, or block
    starts: tuple[Block, ...]                       # calls that can only begin a reply
    join: str                                       # white space between two parts
    lead: str                                       # white space before content
    ends: tuple[str, ...]                           # openers of calls and stops: what may follow a whole call


def literals(template: Template) -> list[str]:
    out: list[str] = []
    for node in template:
        match node:
            case str():
                out.append(node)
            case Either(options):
                out += options
            case Tagged(each):
                out += literals(each)
    return out


def markers(literal: str) -> list[str]:
    """The single markers in a literal: `</function>` and `</tool_call>` in `</function>\\n</tool_call>`."""
    pieces = literal.replace("><", "> <").replace("][", "] [").split()
    return [p for p in pieces if len(p) > 3 and p.lstrip(_SPECIAL)[0] in "<[" and strong(p)]


@lru_cache(maxsize=512)
def marks(*texts: str) -> Marks:
    return Marks([atoms(t) for t in texts])


@remember
def plan(dialect: Dialect, special: bool) -> Plan:
    if special:
        dialect = map_literals(dialect, lambda s: _tag(s, dialect.special))
    blocks: list[Block] = []
    starts: list[Block] = []
    for calls in (dialect.calls, *dialect.accept):
        inner = [Block("call", o, r, calls) for o, r in leading(calls.each)]
        if calls.around[0] is not CALLS:
            outer = [Block("section", o, r, calls) for o, r in leading(calls.around)]
            inner = [b for b in inner if strong(b.opener)] + outer
        (starts if calls.at_start else blocks).extend(inner)
    for kind, template in (("reasoning", dialect.reasoning), ("content", dialect.content)):
        if template and not is_bare(template):
            blocks += [Block(kind, o, r) for o, r in leading(template)]
    found: dict[str, list[Block]] = {}
    for block in blocks:
        found.setdefault(block.opener.strip(), []).append(block)
    for opener in found:                    # an opener that another begins with is tried there too
        found[opener] += [b for o, bs in found.items() if o != opener and marks(o).whole.match(opener) for b in bs]
    opening = {m for o in found for m in markers(o)}
    everything = [dialect.reasoning or (), dialect.content, *(t for c in (dialect.calls, *dialect.accept)
                                                              for t in (c.each, c.around))]
    stray = {m for t in everything for s in literals(t[1:]) for m in markers(s)
             if m.startswith(("</", "[/")) or m.strip(_SPECIAL) in ("<|end|>",)} - opening
    stray |= {m for t in everything for s in literals(t[-1:]) for m in markers(s)} - opening
    meaning: dict[str, tuple[str, tuple[Block, ...]]] = dict.fromkeys(stray, ("stray", ()))
    meaning |= {o: ("block", tuple(bs)) for o, bs in found.items()}
    if strong(dialect.join):
        meaning[dialect.join.strip()] = ("join", ())
    meaning |= dict.fromkeys(dialect.stop, ("stop", ()))
    order = marks(*meaning)
    by_atoms = {tuple(atoms(m)): what for m, what in meaning.items()}
    ends = tuple({*dialect.stop, *(b.opener for b in blocks), *([dialect.join] if strong(dialect.join) else [])})
    return Plan(dialect, order, tuple(by_atoms[tuple(s)] for s in order.sequences), tuple(starts),
                "" if dialect.join.strip() else dialect.join,
                "".join(n for n in dialect.content if isinstance(n, str)) if is_bare(dialect.content) else "", ends)


def _tag(literal: str, special: frozenset[str]) -> str:
    for s in special:
        literal = literal.replace(s, _SPECIAL + s)
    return literal


@lru_cache(maxsize=256)
def value_ends(each: Template, closing: str, ends: tuple[str, ...]) -> tuple[Marks, Marks, int]:
    """What ends a VALUE: (while text may follow, at the end of the text, how many of them begin with the closer).

    The closer, if an argument, the call's closer or the end follows; where the closer is missing, the next
    argument's whole opener, or the call's closer where the call may end.
    """
    at = each.index(VALUE)
    closer = "".join(t for t in each[at + 1:] if isinstance(t, str))
    lead = closer[: len(closer) - len(closer.lstrip())]
    opener, _ = leading(each)[0]
    space, any_key = rf"\s{{0,{64}}}", rf"[^\n<>\"]{{1,{WORD}}}"
    follows = [atoms(s) for s in {opener, closing, *ends} if s.strip()]
    closers = [[*map(_escaped, lead), *atoms(closer)]] * bool(lead) + [atoms(closer)]
    whole = [[*c, space, *f] for c in closers for f in follows]
    bare: list[list[str]] = []
    if KEY in each[:at]:
        after = each[each.index(KEY) + 1]
        bare = [[*atoms(opener), any_key, *atoms(after)]] if isinstance(after, str) else []
    bare += [[*atoms(closing), space, *atoms(e)] for e in ends if e.strip()]
    leads = [list(map(_escaped, lead))] if lead else []
    bare = [[*x, *b] for b in bare for x in (*leads, [])]
    last = [[*c, space, r"\Z"] for c in closers] + [[*x, *atoms(closing), space, r"\Z"] for x in (*leads, [])]
    return Marks(whole + bare), Marks(whole + bare + last), len(lead)


def _escaped(c: str) -> str:
    return {"\n": r"\n", " ": r"\ "}.get(c, c)


# -- the parser ------------------------------------------------------------------------------------------------


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
        self._note: Problem | None = None    # what is odd about the call being read, though it is whole

    def feed(self, text: Pieces) -> list[Event]:
        if self._run is None:
            self._begin(special=not isinstance(text, str))
        if not isinstance(text, str):
            text = "".join([self._mark_special(*p) for p in _pieces(text)])
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
        if special:
            tail = _tag(tail, self._dialect.special)
        self._cursor = Cursor(self._limits, self._strict, before=len(tail))
        self._run = self._reply()
        if tail:                                         # read in silence; of an open call all is told
            self._cursor.feed(tail)
            events = self._advance()
            opened = max((i for i, e in enumerate(events) if isinstance(e, CallStart)), default=None)
            if self._open and opened is not None:
                self._out = events[opened:]
                shift = self._index
                self._index = 0
                self._out = [CallStart(0, e.name, e.id) if isinstance(e, CallStart) else
                             CallArgs(0, e.delta) if isinstance(e, CallArgs) else e for e in self._out] if shift else \
                    self._out
            else:
                self._index = -1
                self._started = False
                self._held.clear()

    def _mark_special(self, text: str, is_special: bool) -> str:
        return _SPECIAL + text if is_special and text in self._dialect.special else text

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
            self._out.append(CallArgs(self._index, "".join(self._deltas)))
            self._deltas.clear()

    def _say(self, event: Event) -> None:
        self._flush()
        self._out.append(event)

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
            written = len(commonprefix((held, self._plan.join + self._plan.lead)))
            body = held[written:]
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
        return Problem(kind, at, expected.replace(_SPECIAL, ""), found.replace(_SPECIAL, ""), raw, name)

    # -- the reply

    def _reply(self) -> Step[None]:
        c, plan = self._cursor, self._plan
        if plan.starts:
            yield from c.space()
            yield from self._try(plan.starts)
        while True:
            hit = yield from c.until(plan.top, self._content)
            if hit is None:
                return
            kind, blocks = plan.meaning[hit]
            if kind == "block":
                if not (yield from self._try(blocks)):
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

    def _rest(self) -> Step[None]:
        """Text after the stop is not part of the reply."""
        kept: list[str] = []
        at = self._cursor.offset
        yield from self._cursor.until(marks(), kept.append)
        if text := "".join(kept).strip():
            self._say(self._problem("text after the stop", at, "the end of the text", repr(text[:20]), text))

    def _try(self, blocks: tuple[Block, ...]) -> Step[bool]:
        """Run the first block that fits. False: none does, and the cursor is where it was."""
        c = self._cursor
        c.mark()
        at, unfinished = c.offset, None
        for block in blocks:
            if unfinished and block.calls and isinstance(encoding_of(block.calls), Raw):
                continue                                 # anything is raw text, half a call too
            c.rewind()
            try:
                yield from self._block(block, alone=len(blocks) == 1)
            except EndOfText as e:
                if self._open:
                    yield from self._end_badly(e, block)
                    return True
                if strong(block.opener) and unfinished is None:
                    unfinished = e
            except Mismatch as e:
                if self._open:
                    yield from self._end_badly(e, block)
                    return True
            else:
                c.unmark()
                return True
        if unfinished is not None:
            c.pos = len(c.buf)
            raw = c.since_mark()
            c.unmark()
            self._say(self._problem("unfinished", at, unfinished.expected, unfinished.found, raw))
            return True
        c.rewind()
        c.unmark()
        return False

    def _block(self, block: Block, alone: bool) -> Step[None]:
        c = self._cursor
        if block.opener.strip():
            yield from c.literal(marks(block.opener.strip()), block.opener.strip())
        match block.kind:
            case "reasoning" | "content":
                c.unmark()
                yield from self._span(block)
            case "section":
                assert block.calls
                yield from self._section(block, strong(block.opener) and alone)
            case "call":
                assert block.calls
                yield from self._call(block.calls, block.rest, strong(block.opener))
                yield from self._more(block.calls)

    def _span(self, block: Block) -> Step[None]:
        """Reasoning, or content that has markers of its own, up to its closer."""
        c, d = self._cursor, self._plan.dialect
        yield from c.at_most(block.opener[len(block.opener.rstrip()):])
        closing = "".join(t for t in block.rest[1:] if isinstance(t, str))
        closer = closing.strip()
        lead, trail = closing[: len(closing) - len(closing.lstrip())], closing[len(closing.rstrip()):]
        ends = [e for e in (closer, *d.stop, d.join) if strong(e)]
        if block.kind == "reasoning" and d.call_ends_reasoning:
            ends += [b.opener for k, bs in self._plan.meaning for b in bs if b.kind in ("section", "call")]
        table = marks_with_lead(lead, *ends)
        at = c.offset
        hit = yield from c.until(table, self._reason if block.kind == "reasoning" else self._exact)
        if hit is not None:
            yield from c.at_most(lead)
            if (yield from c.maybe(marks(closer))):
                yield from c.at_most(trail + self._plan.join)
                return
        if block.kind == "reasoning" and c.offset >= 0:
            found = "the end of the text" if hit is None else "another marker"
            self._say(self._problem("unfinished", max(at, 0), repr(closer), found))

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

    def _section(self, block: Block, firm: bool) -> Step[None]:
        """Calls between two literals. `firm`: its opener can be nothing else; otherwise the first call decides."""
        c, calls = self._cursor, block.calls
        assert calls
        after = calls.around[calls.around.index(CALLS) + 1:]
        closing = "".join(t for t in after if isinstance(t, str)).strip()
        n = 0
        each = [Block("call", o, r, calls) for o, r in leading(calls.each)]
        while True:
            white = yield from c.space()
            if closing and (yield from c.maybe(marks(closing))):
                break
            if not (yield from c.peek()):
                if n == 0 and not firm:
                    raise EndOfText("a call")
                if n == 0:
                    self._say(self._problem("unfinished", c.offset, repr(closing or "a call"), "the end of the text"))
                return
            if n and calls.between.strip():
                yield from c.maybe(marks(calls.between.strip()))
                yield from c.space()
            if n == 0 and not firm:                       # a plain `[`: the whole of it is tried, or nothing
                yield from self._call(calls, calls.each, strong(block.opener))
                n += 1
                continue
            at = c.offset
            if (yield from self._nested_try(each)):
                n += 1
                continue
            if n:                                         # words, or another block: the section is over
                if closing and (yield from c.at(marks(*self._plan.ends))) is None:
                    self._say(self._problem("missing closer", at, repr(closing), repr(c.buf[c.pos])))
                self._held.append(white)
                break
            if not (yield from self._noise(each, closing)):
                return
        c.unmark()

    def _nested_try(self, blocks: list[Block]) -> Step[bool]:
        """As `_try`, inside a section: the section itself is certain."""
        self._cursor.unmark()
        c = self._cursor
        c.mark()
        at = c.offset
        for block in blocks:
            c.rewind()
            try:
                if block.opener.strip():
                    yield from c.literal(marks(block.opener.strip()), block.opener.strip())
                assert block.calls
                yield from self._call(block.calls, block.rest, True)
                c.unmark()
                return True
            except Mismatch as e:
                if self._open:
                    yield from self._end_badly(e, block)
                    return True
                if isinstance(e, EndOfText):
                    c.pos = len(c.buf)
                    raw = c.since_mark()
                    c.unmark()
                    self._say(self._problem("unfinished", at, e.expected, e.found, raw))
                    return True
        c.rewind()
        c.unmark()
        return False

    def _noise(self, each: list[Block], closing: str) -> Step[bool]:
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
            if calls.between.strip() and not (yield from c.maybe(marks(calls.between.strip()))):
                break
            yield from c.space()
            try:
                yield from self._call(calls, calls.each, False)
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
        i = 0
        while i < len(nodes):
            node = nodes[i]
            match node:
                case Object():
                    yield from self._object(node, slots)
                case Slot():
                    choices = leading(nodes[i + 1:])
                    slots[node] = yield from self._word(node, [o for o, _ in choices])
                    i += len(nodes[i + 1:]) - len(choices[0][1])
                    follows = choices[0][1][0] if choices[0][1] else None
                    if not choices[0][0].strip() and isinstance(follows, Tagged):
                        yield from self._must_open(follows, calls)
                case str() | Either():
                    choices = leading(nodes[i:])
                    closing = [o.strip() for o, _ in choices]
                    yield from self._closer(closing)
                    i += len(nodes[i:]) - len(choices[0][1]) - 1
                case _:
                    self._start(slots)
                    yield from self._arguments(node, self._emit, nodes[i + 1:])  # type: ignore[arg-type]
                    if not isinstance(node, (Tagged, Pythonic)):
                        self._end()
            i += 1
        self._end(slots.get(ID))

    def _must_open(self, tagged: Tagged, calls: Calls) -> Step[None]:
        """A name that white space ends is certain only when an argument or the call's closer follows."""
        after = closing_of(calls)
        openers = [leading(tagged.each)[0][0], *([after] if after else [])]
        if (yield from self._cursor.at(marks(*(o.strip() for o in openers)))) is None:
            found = self._cursor.buf[self._cursor.pos:self._cursor.pos + 1]
            raise Mismatch("malformed", "an argument", repr(found)) if found else EndOfText("an argument")

    def _word(self, slot: Slot, follows: list[str]) -> Step[str]:
        """A name, key, id or index, up to the literal that follows."""
        c, kept, bad = self._cursor, list[str](), NOT_IN_WORD[slot]
        cores = [f.strip() for f in follows]

        def keep(text: str) -> None:
            kept.append(text)
            word = "".join(kept)
            inner = word.strip()
            wrong = next((i for i, ch in enumerate(word) if ch in bad and (inner and ch in inner)), None)
            if wrong is None and len(inner) > WORD:
                wrong = WORD
            if wrong is not None:
                raise Mismatch("malformed", slot.name.lower(), repr(word[wrong]), at=begun + wrong)

        begun = c.offset

        if not all(cores):                                # white space ends it
            yield from c.space()
            while True:
                end = c.pos
                while end < len(c.buf) and not c.buf[end].isspace() and c.buf[end] not in bad:
                    end += 1
                keep(c.buf[c.pos:end])
                c.pos = end
                if end < len(c.buf) or c.eof:
                    break
                yield
            yield from c.space()
        else:
            table = after_word(tuple(follows))
            if (yield from c.until(table, keep)) is None:
                raise EndOfText(" or ".join(map(repr, cores)))
            yield from c.maybe(table)
        word = "".join(kept).strip()
        if not word:
            if not all(cores) and c.eof and c.pos == len(c.buf):
                raise EndOfText(slot.name.lower())
            raise Mismatch("malformed", slot.name.lower(), "nothing")
        return word

    def _start(self, slots: dict[Slot, str]) -> None:
        """The name is certain: from here on a mismatch is a problem of the call."""
        name = slots.get(NAME, self._calls.name)
        known = self._tools is None or name in self._tools
        if not known and not self._firm:
            raise Mismatch("unknown function", "a known function", repr(name))
        self._drop_gap(self._calls.gap)
        self._index += 1
        self._open, self._name = True, name
        self._note = None if known else self._problem("unknown function", self._cursor.offset, self._known(), repr(name),
                                                      "", name)
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

    # -- arguments

    def _arguments(self, encoding: Encoding, emit: Any, after: Template) -> Step[None]:
        c = self._cursor
        match encoding:
            case Json():
                yield from self._json(emit)
            case Pythonic():
                yield from self._pythonic(emit)
            case Tagged():
                yield from self._tagged(encoding, emit, after)
            case Raw(key):
                closing = "".join(t for t in after if isinstance(t, str)).strip()
                emit("{" + encode_basestring(key) + ': "')
                yield from c.until(marks(*(e for e in (closing, *self._plan.dialect.stop) if e)),
                                   lambda s: emit(encode_basestring(s)[1:-1]))
                emit('"}')
            case Custom(read=read):
                yield from read(c, emit)

    def _json(self, emit: Any) -> Step[None]:
        c = self._cursor
        yield from c.space()
        first, at = (yield from c.peek()), c.offset
        if first == "{":
            yield from c.value(emit)
            return
        if not first:
            raise EndOfText("a JSON object")
        if first != '"' or self._strict:
            raise Mismatch("malformed", "a JSON object", repr(c.buf[c.pos]))
        kept: list[str] = []
        yield from c.value(kept.append)
        inner = read_json(json.loads("".join(kept)), limits=self._limits)
        if inner is None or inner[0] != "{":
            raise Mismatch("malformed", "a JSON object", repr("".join(kept)[:20]))
        self._note = self._note or self._problem("double encoding", at, "a JSON object", "a string that holds one", "",
                                                 self._name)
        emit(inner)

    def _object(self, obj: Object, slots: dict[Slot, str]) -> Step[None]:
        c = self._cursor
        members = dict(obj.also) | dict(obj.fields)
        yield from c.space()
        yield from c.literal(marks("{"), "{")
        pending: list[str] | None = None
        seen: set[str] = set()
        while True:
            yield from c.space()
            if (yield from c.maybe(marks("}"))):
                break
            if seen:
                yield from c.literal(marks(","), ",")
                yield from c.space()
            key = yield from self._string("a key")
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
                slots[NAME] = yield from self._string("a name")
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
                    yield from self._json(self._emit)
                    pending = []
                else:
                    pending = []
                    yield from self._json(pending.append)
            else:
                kept: list[str] = []
                yield from c.value(kept.append)
                value = json.loads("".join(kept))
                if node is not None and value is not None:
                    slots[node] = value if isinstance(value, str) else json.dumps(value)
        if NAME not in slots:
            raise Mismatch("malformed", "a name", "an object without one")
        if not self._open:
            note = self._note
            self._start(slots)
            self._note = self._note or note
            for delta in pending or ["{}"]:
                self._emit(delta)
        elif pending is None:
            self._emit("{}")
        self._end(slots.get(ID))

    def _string(self, expected: str) -> Step[str]:
        c = self._cursor
        first = yield from c.peek()
        if not first:
            raise EndOfText(expected)
        if first != '"':
            raise Mismatch("malformed", expected, repr(first))
        kept: list[str] = []
        yield from c.value(kept.append)
        return str(json.loads("".join(kept)))

    def _schema_of(self, key: str) -> tuple[Any, Any]:
        tool = (self._tools or {}).get(self._name)
        root: Any = tool.parameters if tool else {}
        properties = root.get("properties") if isinstance(root, Mapping) else None
        return (properties.get(key) if isinstance(properties, Mapping) else None), root

    def _tagged(self, tagged: Tagged, emit: Any, after: Template) -> Step[None]:
        c, each = self._cursor, tagged.each
        at = each.index(VALUE)
        opener = leading(each)[0][0].strip()
        closing = leading(after)[0][0].strip() if after else ""
        more, last, _ = value_ends(each, closing, self._plan.ends)
        closer = "".join(t for t in each[at + 1:] if isinstance(t, str))
        lead = closer[: len(closer) - len(closer.lstrip())]
        seen: set[str] = set()
        emit("{")
        while True:
            yield from c.space()
            if not (yield from c.maybe(marks(opener))):
                break
            slots: dict[Slot, str] = {}
            i = 1
            while i < at:
                node, follow = each[i], each[i + 1]
                assert isinstance(node, Slot) and isinstance(follow, str)
                slots[node] = yield from self._word(node, [follow])
                if i + 2 == at:
                    yield from c.at_most(follow[len(follow.rstrip()):])
                i += 2
            key = slots.get(KEY, "")
            if key in seen:
                raise Mismatch("duplicate key", "each key once", repr(key))
            emit((", " if seen else "") + encode_basestring(key) + ": ")
            seen.add(key)
            yield from self._tagged_value(key, slots.get(IS_STR), (more, last), emit)
            yield from c.at_most(lead)
            yield from c.maybe(marks(closer.strip()))
        emit("}")

    def _tagged_value(self, key: str, is_str: str | None, ends: tuple[Marks, Marks], emit: Any) -> Step[None]:
        c = self._cursor
        property_schema, root = self._schema_of(key)
        if is_str == "true" or (is_str is None and schema.types_of(property_schema, root) == ("string",)):
            emit('"')
            yield from _until_either(c, *ends, lambda s: emit(encode_basestring(s)[1:-1]))
            emit('"')
            return
        kept: list[str] = []
        yield from _until_either(c, *ends, kept.append)
        raw = "".join(kept)
        if is_str is not None:
            value = read_json(raw) or read_json(raw, python=True)
            if value is None:
                raise Mismatch("malformed", f"a value that is not a string for {key!r}", repr(raw[:20]))
            emit(value)
        else:
            emit(schema.read_text(raw, property_schema, root, read_literal))

    def _pythonic(self, emit: Any) -> Step[None]:
        c, seen = self._cursor, set[str]()
        emit("{")
        while True:
            yield from c.space()
            ch = yield from c.peek()
            if ch == ")" or not ch:
                break
            key = yield from self._word(KEY, ["="])
            if not key.isidentifier():
                raise Mismatch("malformed", "an argument's name", repr(key[:20]))
            if key in seen:
                raise Mismatch("duplicate key", "each key once", repr(key))
            emit((", " if seen else "") + encode_basestring(key) + ": ")
            seen.add(key)
            yield from c.value(emit, python=True)
            yield from c.space()
            if not (yield from c.maybe(marks(","))) and (yield from c.peek()) not in (")", ""):
                raise Mismatch("malformed", "',' or ')'", repr(c.buf[c.pos]))
        emit("}")


# -- small things ----------------------------------------------------------------------------------------------


def _pieces(given: tuple[str, bool] | Iterable[tuple[str, bool]]) -> list[tuple[str, bool]]:
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], str):
        return [given]
    return list(given)


def read_literal(text: str) -> str | None:
    value = read_json(text)
    return value if value is not None else read_json(text, python=True)


def _ignore(text: str) -> None:
    pass


def _until_either(c: Cursor, more: Marks, last: Marks, emit: Any) -> Step[None]:
    """`until`, with marks of their own for the end of the text."""
    while True:
        m = (last.whole if c.eof else more.first).search(c.buf, c.pos)
        stop = m.start() if m else len(c.buf)
        if stop > c.pos:
            emit(c.buf[c.pos:stop])
            c.pos = stop
        if m and m.lastindex:
            return
        if c.eof:
            raise EndOfText("the end of a value")
        yield


@lru_cache(maxsize=256)
def after_word(follows: tuple[str, ...]) -> Marks:
    """Literals that end a word. A space that they begin with parts the word from a letter."""
    return Marks([[r"\s{1,8}"] * (f[0].isspace() and f.strip()[0].isalnum()) + atoms(f) for f in follows])


@lru_cache(maxsize=256)
def marks_with_lead(lead: str, *texts: str) -> Marks:
    first = [[*map(_escaped, lead), *atoms(texts[0])]] if lead else []
    return Marks([*first, *(atoms(t) for t in texts)])


def closing_of(calls: Calls) -> str:
    """The literal that ends one call."""
    last = calls.each[-1]
    return last.strip() if isinstance(last, str) else ""


def _plain(event: Event) -> Event:
    match event:
        case Text(text) if _SPECIAL in text:
            return Text(text.replace(_SPECIAL, ""))
        case Reasoning(text) if _SPECIAL in text:
            return Reasoning(text.replace(_SPECIAL, ""))
        case CallArgs(index, delta) if _SPECIAL in delta:
            return CallArgs(index, delta.replace(_SPECIAL, ""))
        case Problem() if _SPECIAL in event.raw:
            return Problem(event.kind, event.offset, event.expected, event.found, event.raw.replace(_SPECIAL, ""),
                           event.name)
        case CallEnd(index, problem, id) if problem:
            return CallEnd(index, _plain(problem), id)  # type: ignore[arg-type]
        case _:
            return event


def prompt_tail(dialect: Dialect, prompt: Pieces | None) -> str:
    """What of a prompt belongs to the reply: the text from where the reply begins."""
    turns = dialect.turns
    starts: list[str | When] = [n for n in turns.reply_starts if isinstance(n, (str, When))] if turns else []
    if prompt is None:
        return "".join([n.otherwise if isinstance(n, When) else n for n in starts[1:]])
    text = prompt if isinstance(prompt, str) else "".join([p[0] for p in _pieces(prompt)])
    if turns is None:
        return text
    before: list[Any] = [starts[0]] if starts else [turns.user[-1], turns.result[-1]]   # no header: how the others end
    if turns.header_once:                                 # after results a reply goes on without one
        before.append(turns.result[-1])
    found = [(text.rfind(b.strip()) + len(b.strip())) for b in before if isinstance(b, str) and b.strip() in text]
    return text[max(found, default=0):]
