"""A parser that looks for calls in any shape where its dialect's own reading finds none that is valid.

The one rule: what has been said stays said. Text is held back only from where a call in some shape may begin, and given
out as soon as none can be; the reply is the same however the text is cut.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace

from ..message import CallArgs, CallEnd, CallStart, Event, Problem, Reasoning, Repair, Text
from ..parse import Feeds
from ..plan import Pieces, as_pieces
from .calls import read
from .evidence import Known
from .shapes import OWN, Found

FAR = 4096                  # characters from an opening bracket in which a function's name must come
LINE = 300                  # characters of the line that a call stands in
BEFORE = 1 << 16            # characters of what was said before, in which a call may be taken back

_OPENS = re.compile(r"[\[{<`]")
_BEHIND = 16                # characters in which a name has its prefix: `functions.`
_HUGS = frozenset("\"'(* \t\r\n")               # what may stand right before a call, and goes with it
_BARE = re.compile(r"\s*(?:```\w*|</?[^<>\n]*>|[\[({]*)\s*\Z")      # a line that only opens what is to follow
_BRACKETS = re.compile(r"[()\[\]{}]")


@dataclass(slots=True)
class Rescuer:
    """`feed` and `close` as a parser has them. A call comes when it is whole, mended and checked."""

    parser: Feeds
    known: Known
    raw: list[str] = field(default_factory=list)            # all that was fed: to say where a repair was made
    at: int = 0                                             # up to where of that a place was looked for
    said: list[str] = field(default_factory=list)           # text that was given out
    found: bool = False                                     # a valid call has come: no other shape is looked for
    index: int = -1
    call: list[Event] = field(default_factory=list)         # of the dialect's own, until it is whole
    behind: str = ""                                        # the end of what stands before the pending text
    pending: str = ""                                       # text whose end may be the beginning of a call
    holding: bool = False
    held: list[Event] = field(default_factory=list)
    line: str = ""                                          # of what is held back, the last line so far
    named: bool = False                                     # what is held back names a function
    depth: int = 0                                          # brackets that are open in it
    size: int = 0
    fenced: bool = False                                    # in Markdown's fences, whether held back or not

    def feed(self, text: Pieces) -> list[Event]:
        self.raw.append(text if isinstance(text, str) else "".join([piece for piece, _ in as_pieces(text)]))
        return [out for event in self.parser.feed(text) for out in self._take(event)]

    def close(self) -> list[Event]:
        out = [out for event in self.parser.close() for out in self._take(event)]
        return [*out, *self._text(ended=True), *self._rescued()]

    def _take(self, event: Event) -> list[Event]:
        if isinstance(event, Text):
            self.pending += event.text
            return self._text()
        if isinstance(event, (CallStart, CallArgs)):
            self.call.append(event)
            return []
        out = self._text(ended=True)
        if isinstance(event, CallEnd):
            own, self.call = [*self.call, event], []
            return [*out, *self._own(own)]
        if not self.found and (self.holding or (isinstance(event, Problem) and event.raw.strip())):
            self._hold(event)                   # a call that went wrong may be one in another shape
            return out
        return [*out, event]

    # -- the dialect's own calls

    def _own(self, events: list[Event]) -> list[Event]:
        """A call of the dialect's own reading: as it should be, or held back as it is."""
        start, end = events[0], events[-1]
        assert isinstance(start, CallStart) and isinstance(end, CallEnd)
        whole = not (end.problem and end.problem.raw)
        given = json.loads("".join([e.delta for e in events if isinstance(e, CallArgs)]) or "{}") if whole else None
        span = self.known.span(Found(OWN, start.name, given, 0, 0)) if whole else None
        if span is None:
            if self.found:
                return self._numbered(events)
            for event in events:
                self._hold(event)
            return []
        out = [] if self.found else self._release()
        self.found = True
        note = end.problem if end.problem and end.problem.kind != "unknown function" else None
        for n, (name, arguments) in enumerate(span.calls):
            id, late = (start.id, end.id) if n == 0 else (None, None)
            out += self._numbered([CallStart(0, name, id), CallArgs(0, arguments),
                                   CallEnd(0, note, late)])
        offset = self._offset(start.name) if span.repairs else 0
        return [*out, *(replace(one, offset=offset) for one in span.repairs)]

    def _numbered(self, events: list[Event]) -> list[Event]:
        out: list[Event] = []
        for event in events:
            self.index += isinstance(event, CallStart)
            out.append(replace(event, index=self.index) if isinstance(event, (CallStart, CallArgs, CallEnd)) else event)
        return out

    def _offset(self, text: str) -> int:
        """Where the next such text stands in the reply."""
        self.raw = ["".join(self.raw)]
        self.at = max(self.at, self.raw[0].find(text, self.at))
        return self.at

    # -- text

    def _text(self, ended: bool = False) -> list[Event]:
        """Gives out what of the pending text can be no call, and holds back the rest."""
        out: list[Event] = []
        text, p = self.behind + self.pending, len(self.behind)
        name = last = -1
        while p < len(text):
            if self.found:
                out.append(Text(text[p:]))
                p = len(text)
            elif self.holding:
                p = self._held_text(text, p, out)
            else:
                if name < p:                                # looked for once, and not from each place again
                    last = len(text) if ended else len(text) - self.known.begun(text)
                    name = self.known.called(text, p)
                    name = name if name < last else len(text)
                opens = _OPENS.search(text, p, min(name, len(text)))
                begins = opens.start() if opens else name
                end = min(begins, last)
                while end > p and text[end - 1] in _HUGS and not (ended and begins == len(text)):
                    end -= 1
                if end > p:
                    out.append(Text(text[p:end]))
                    self.said.append(text[p:end])
                    p = end
                if begins == len(text) or begins > last:        # nothing begins, or what is before it is not decided
                    break
                self.holding, self.named = True, begins == name
        self.behind, self.pending = text[max(0, p - _BEHIND):p], text[p:]
        if ended and self.line:
            self._line_is_whole()
        return out

    def _held_text(self, text: str, p: int, out: list[Event]) -> int:
        """Holds back text up to the end of a line, and gives all out where that is no call; where to go on."""
        if self.named:
            self.held.append(Text(text[p:]))
            return len(text)
        most = p + FAR - len(self.line)
        end = text.find("\n", p, most) + 1 or min(most, len(text))
        self.line += text[p:end]
        if self.line.endswith("\n") or len(self.line) >= FAR:
            last = self.line
            self._line_is_whole()
            opens = _BARE.fullmatch(last) and (self.fenced or "```" not in last)
            over = self.size > FAR or (self.depth <= 0 and not opens)
            if over and not self.named and all(isinstance(event, Text) for event in self.held):
                out += self._release()
        return end

    def _line_is_whole(self) -> None:
        self.held.append(Text(self.line))
        self.named = self.named or self.known.is_named(self.line)
        self.depth += sum(1 if c in "([{" else -1 for c in _BRACKETS.findall(self.line))
        self.size += len(self.line)
        self.fenced ^= self.line.count("```") % 2 == 1
        self.line = ""

    def _hold(self, event: Event) -> None:
        self.holding = self.named = True
        self.held.append(event)

    def _release(self) -> list[Event]:
        """What was held back, as the dialect reads it."""
        if self.line:
            self._line_is_whole()
        out = self._numbered(self.held)
        self.said += [event.text for event in out if isinstance(event, Text)]
        self.holding, self.held, self.named, self.depth, self.size = False, [], False, 0, 0
        return out

    # -- the end

    def _rescued(self) -> list[Event]:
        """What is held back at the end, with the calls that are in it; thinking is not looked into, and a whole call of
        the dialect's own stays as it is."""
        runs: list[list[Event]] = [[]]
        call: list[Event] = []
        for event in self.held:
            if isinstance(event, (CallStart, CallArgs)):
                call.append(event)
            elif isinstance(event, CallEnd):
                wrong = event.problem and event.problem.raw         # then it is text, and goes with what follows
                runs += [[*call, event]] if wrong else [[*call, event], []]
                call = []
            elif isinstance(event, Reasoning):
                runs += [[event], []]
            else:
                runs[-1].append(event)
        out: list[Event] = []
        for run in runs:
            text = "".join([_written(event) for event in run])
            found = self._read(text) if text.strip() else []
            self.held = run
            if found:
                offset = self._offset(text.strip()[:64]) - (len(text) - len(text.lstrip()))
                out += self._numbered([replace(e, offset=e.offset + offset) if isinstance(e, Repair) else e for e in found])
                self.said += [event.text for event in found if isinstance(event, Text)]
            else:
                out += self._release()
        self.held = []
        return out

    def _read(self, text: str) -> list[Event]:
        """The calls in a text that stands behind what was said: the words of its line tell what they are."""
        said = "".join(self.said)[-BEFORE:]
        line = said.rpartition("\n")[2][-LINE:]
        found = read(line + text, self.known, said[:len(said) - len(line)])
        out: list[Event] = []
        for n, event in enumerate(found):
            if n == 0 and isinstance(event, Text):
                event = Text(event.text[len(line):])
            if isinstance(event, Repair):
                event = replace(event, offset=max(0, event.offset - len(line)))
            out += [] if isinstance(event, Text) and not event.text else [event]
        return out


def _written(event: Event) -> str:
    """What of the reply's text an event stands for."""
    match event:
        case Text(text):
            return text
        case Problem(raw=raw) | CallEnd(problem=Problem(raw=raw)):
            return raw
    return ""
