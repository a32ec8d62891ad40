"""Incremental scanners over text that arrives in pieces of any size.

The one rule: each character is read once. A scanner is a generator; it yields when it needs more text, and
what it holds back meanwhile is bounded by the longest literal it looks for.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import TypeVar

T = TypeVar("T")
Step = Generator[None, None, T]
Emit = Callable[[str], None]

SPACES = 32                 # white space inside a literal, in characters: more, and it is not that literal
WORD = 256                  # the longest name, key or id, in characters
NUMBER = 400                # the longest number, in characters: Python refuses to read much longer ones

MOST = sys.float_info.max   # JSON has larger numbers; Python has not, and would write Infinity, which is no JSON

_SPACE = re.compile(r"\s*")
# where white space is free: where it stands, between two markers, and between two signs of JSON
_ATOMS = re.compile(r"""(\s+|(?<=[>\]\uff5c])(?=[<\[])|(?<=\[)(?=<)|(?<=[{\[:,])(?=["{\[])|(?<=["}\]])(?=[:,}\]]))""")
_RUN = {'"': re.compile(r'[^"\\\x00-\x1f]*'), "'": re.compile(r"[^'\\\x00-\x1f]*")}
_TOKEN = re.compile(r"[A-Za-z0-9_+\-.]*")
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+\-]?[0-9]+)?\Z")
_PYTHON_NUMBER = re.compile(r"[+\-]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+\-]?[0-9]+)?\Z")
_WORDS = {"true": "true", "false": "false", "null": "null", "True": "true", "False": "false", "None": "null"}
_JSON_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')
_PYTHON_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|[^xuUN0-7])", re.S)
_JSON_ESCAPE_BEGUN = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z")
_PYTHON_ESCAPE_BEGUN = re.compile(r"\\(?:x[0-9a-fA-F]?|u[0-9a-fA-F]{0,3}|U[0-9a-fA-F]{0,7}|[0-7]{1,2})?\Z")
_CLOSES = re.compile(r"\s{0,32}(?:[,)\]}:]|[A-Za-z_]\w{0,63}\s{0,8}=|\s{33})")
_MAY_CLOSE = re.compile(r"\s{0,32}(?:[A-Za-z_]\w{0,63}\s{0,8})?\Z")
_PYTHON_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "a": "\a", "\n": ""}
_CLOSER = {"{": "}", "[": "]", "(": ")"}


@dataclass(frozen=True)
class Limits:
    """What one call may take: levels of nesting, and characters of arguments."""

    nesting: int = 64
    size: int = 1 << 28


class Mismatch(Exception):
    """The text is not what was expected here, or at the offset `at`."""

    def __init__(self, kind: str, expected: str, found: str, at: int | None = None) -> None:
        super().__init__(kind, expected, found)
        self.kind, self.expected, self.found, self.at = kind, expected, found, at


class EndOfText(Mismatch):
    """The text ended first."""

    def __init__(self, expected: str) -> None:
        super().__init__("unfinished", expected, "the end of the text")


# -- patterns: literals that may be split anywhere -------------------------------------------------------------


def atoms(literal: str) -> list[str]:
    """A literal as regular expressions, a character each; white space is read freely, and between two markers."""
    out: list[str] = []
    for piece in _ATOMS.split(literal.strip()):
        out += [re.escape(c) for c in piece] if piece and not piece.isspace() else [rf"\s{{0,{SPACES}}}"]
    return out


class Marks:
    """Sequences of atoms to look for: `find` says where the first one stands, or may have begun."""

    def __init__(self, sequences: Iterable[list[str]]) -> None:
        self.sequences = sorted(sequences, key=lambda s: -sum(not a.startswith(r"\s") for a in s))
        heads = sorted({s[0] for s in self.sequences})
        if all(len(h) <= 2 for h in heads):
            # A class of all first characters, and look-behind after it: the regex engine skips other text at once.
            head, before = f"[{''.join(heads)}]", "(?<={})"
        else:
            head, before = "", "{}"
        whole = "|".join(f"({before.format(s[0])}{''.join(s[1:])})" for s in self.sequences)
        begun = "|".join(f"{before.format(s[0])}{_begun(s)}" for s in self.sequences if len(s) > 1)
        self.whole = re.compile(f"{head}(?:{whole})" if heads else r"(?!)", re.S)
        self.first = re.compile(f"{head}(?:{begun}|{whole})" if begun else self.whole.pattern, re.S)


def _begun(sequence: list[str]) -> str:
    """What may stand after the first atom where the text ends before the last."""
    pattern = r"\Z"
    for atom in reversed(sequence[1:-1]):
        pattern = rf"(?:\Z|{atom}{pattern})"
    return pattern


class Cursor:
    """The text not yet read. `offset` counts the characters of the reply; text of the prompt is below 0."""

    def __init__(self, limits: Limits = Limits(), strict: bool = False, before: int = 0) -> None:
        self.buf, self.pos, self.base, self.eof = "", 0, -before, False
        self._before = "\n"                      # the character before the buffer
        self.limits, self.strict = limits, strict
        self.note: tuple[str, str, str, int] | None = None     # what was let pass: kind, expected, found, offset
        self._log: list[str] | None = None       # what was read since the mark, in buffers that are gone
        self._log_at = self._log_pos = 0         # where the mark is, and from where on this buffer is not in the log

    def feed(self, text: str) -> None:
        if self._log is not None:
            self._log.append(self.buf[self._log_pos:self.pos])
            self._log_pos = 0
        self._before = self.behind
        self.base += self.pos
        self.buf = self.buf[self.pos:] + text if self.pos < len(self.buf) else text
        self.pos = 0

    @property
    def offset(self) -> int:
        return self.base + self.pos

    @property
    def behind(self) -> str:
        """The character before the next one; a line break at the beginning."""
        return self.buf[self.pos - 1] if self.pos else self._before

    # -- going back: only while nothing has been said of the text since

    def mark(self) -> None:
        self._log, self._log_at, self._log_pos, self._log_behind = [], self.offset, self.pos, self.behind

    def unmark(self) -> None:
        self._log = None

    def rewind(self) -> None:
        assert self._log is not None
        if self._log:
            self.buf = "".join(self._log) + self.buf[self._log_pos:]
            self.base, self._log, self._log_pos, self._before = self._log_at, [], 0, self._log_behind
        self.pos = self._log_pos

    def since_mark(self) -> str:
        assert self._log is not None
        return "".join(self._log) + self.buf[self._log_pos:self.pos]

    def unread(self, text: str) -> None:
        """Put back what was consumed last."""
        if self._log is not None:
            kept = self.since_mark()
            self._log, self._log_pos = [kept[:len(kept) - len(text)]], 0
        if self.pos > len(text):
            self._before = self.buf[self.pos - len(text) - 1]
        self.buf = text + self.buf[self.pos:]
        self.base, self.pos = self.offset - len(text), 0

    # -- scanners

    def space(self) -> Step[str]:
        """Consume white space; what it was."""
        kept = ""
        while True:
            end = _SPACE.match(self.buf, self.pos).end()  # type: ignore[union-attr]
            if end > self.pos and len(kept) < WORD:
                kept += self.buf[self.pos:end]
            self.pos = end
            if end < len(self.buf) or self.eof:
                return kept
            yield

    def peek(self) -> Step[str]:
        """The next character, "" at the end of the text."""
        while self.pos == len(self.buf):
            if self.eof:
                return ""
            yield
        return self.buf[self.pos]

    def at(self, marks: Marks) -> Step[int | None]:
        """Which of `marks` stands here, if any; nothing is consumed."""
        while True:
            m = (marks.whole if self.eof else marks.first).match(self.buf, self.pos)
            if m is None or m.lastindex or self.eof:
                return m.lastindex - 1 if m and m.lastindex else None
            yield

    def literal(self, marks: Marks, expected: str) -> Step[None]:
        if not (yield from self.maybe(marks)):
            if self.eof and self.pos == len(self.buf):
                raise EndOfText(repr(expected))
            raise Mismatch("malformed", repr(expected), repr(self.buf[self.pos]))

    def maybe(self, marks: Marks) -> Step[bool]:
        """Consume one of `marks`, if one stands here."""
        if (yield from self.at(marks)) is None:
            return False
        self.pos = marks.whole.match(self.buf, self.pos).end()  # type: ignore[union-attr]
        return True

    def at_most(self, written: str) -> Step[None]:
        """Consume what of `written`, white space, stands here."""
        for c in written:
            if (yield from self.peek()) != c:
                return
            self.pos += 1

    def until(self, marks: Marks, emit: Emit, at_end: Marks | None = None) -> Step[int | None]:
        """Emit text up to the first of `marks`; its number, or None at the end of the text. It is not consumed.

        Once the text has ended, `at_end` is looked for instead, if given.
        """
        while True:
            m = ((at_end or marks).whole if self.eof else marks.first).search(self.buf, self.pos)
            stop = m.start() if m else len(self.buf)
            if stop > self.pos:
                emit(self.buf[self.pos:stop])
                self.pos = stop
            if m and m.lastindex:
                return m.lastindex - 1
            if self.eof:
                return None
            yield

    # -- values: JSON, and Python's literals, both emitted as strict JSON

    def value(self, emit: Emit, python: bool = False, inside: bool = False) -> Step[None]:
        """One value. The first bad character is a Mismatch; nothing is held back but the token it stands in.

        `inside`: the value stands in an object already.
        """
        closers: list[str] = []
        keys: list[set[str]] = [set()] if inside else []
        start, key = self.offset, False
        while True:
            yield from self.space()
            c = yield from self.peek()
            if c in '"\'' and c and (python or c == '"'):
                kept: list[str] = []
                yield from (self._python_string(kept.append if key else emit, c) if python
                            else self._string(kept.append if key else emit))
                if key:
                    self._new_key("".join(kept), keys)
                    emit("".join(kept))
            elif c in "{[(" and c and not key and (python or c != "("):
                if len(closers) == self.limits.nesting:
                    raise Mismatch("too deep", f"at most {self.limits.nesting} levels", "one more")
                self.pos += 1
                emit("[" if c == "(" else c)
                closers.append(_CLOSER[c])
                if c == "{":
                    keys.append(set())
                if not (yield from self._close(closers, keys, emit)):
                    key = c == "{"
                    continue
            elif not c:
                raise EndOfText("a key" if key else "a value")
            else:
                yield from self._scalar(emit, python, key, keys)
            # after a value, or a key
            while True:
                if self.offset - start > self.limits.size:
                    raise Mismatch("too long", f"at most {self.limits.size} characters", "more")
                if key:
                    yield from self._one(":", emit, ": ")
                    key = False
                    break
                if not closers:
                    return
                if (yield from self._close(closers, keys, emit)):
                    continue
                yield from self._one(",", None)
                if python and (yield from self._close(closers, keys, emit)):
                    continue
                emit(", ")
                key = closers[-1] == "}"
                break

    def _close(self, closers: list[str], keys: list[set[str]], emit: Emit) -> Step[bool]:
        yield from self.space()
        if (yield from self.peek()) != closers[-1]:
            return False
        self.pos += 1
        closer = closers.pop()
        emit("]" if closer == ")" else closer)
        if closer == "}":
            keys.pop()
        return True

    def _one(self, char: str, emit: Emit | None, written: str = "") -> Step[None]:
        yield from self.space()
        c = yield from self.peek()
        if not c:
            raise EndOfText(repr(char))
        if c != char:
            raise Mismatch("malformed", repr(char), repr(c))
        self.pos += 1
        if emit:
            emit(written)

    def _new_key(self, written: str, keys: list[set[str]]) -> None:
        """Equal keys of the outermost object leave in doubt what is meant; further inside the last one counts."""
        key = json.loads(written)
        if key in keys[-1]:
            if len(keys) == 1:
                raise Mismatch("duplicate key", "each key once", repr(key))
            self.note = ("duplicate key", "each key once", repr(key), self.offset)
        keys[-1].add(key)

    def _string(self, emit: Emit) -> Step[None]:
        self.pos += 1
        emit('"')
        run = _RUN['"']
        while True:
            buf, start = self.buf, self.pos
            end = run.match(buf, start).end()  # type: ignore[union-attr]
            if end == len(buf):
                if end > start:
                    emit(buf[start:])
                    self.pos = end
                if self.eof:
                    raise EndOfText("the end of a string")
                yield
                continue
            c = buf[end]
            if c == '"':
                emit(buf[start:end + 1])
                self.pos = end + 1
                return
            if end > start:
                emit(buf[start:end])
                self.pos = end
            if c == "\\":
                emit((yield from self._escape(_JSON_ESCAPE, _JSON_ESCAPE_BEGUN)))
            elif self.strict:
                raise Mismatch("malformed", "an escaped control character", repr(c))
            else:                                   # models write raw newlines in strings; nothing else can be meant
                emit(encode_basestring(c)[1:-1])
                self.pos += 1

    def _escape(self, whole: re.Pattern[str], begun: re.Pattern[str]) -> Step[str]:
        while begun.match(self.buf, self.pos) and not self.eof:
            yield
        if m := whole.match(self.buf, self.pos):
            self.pos = m.end()
            return m[0]
        if begun.match(self.buf, self.pos):
            raise EndOfText("the end of a string")
        raise Mismatch("malformed", "an escape", repr(self.buf[self.pos:self.pos + 2]))

    def _python_string(self, emit: Emit, quote: str) -> Step[None]:
        self.pos += 1
        emit('"')
        while True:
            end = _RUN[quote].match(self.buf, self.pos).end()  # type: ignore[union-attr]
            if end > self.pos:
                emit(encode_basestring(self.buf[self.pos:end])[1:-1])
                self.pos = end
            c = yield from self.peek()
            if not c:
                raise EndOfText("the end of a string")
            if c == quote and (self.strict or (yield from self._closes())):
                self.pos += 1
                emit('"')
                return
            if c == quote:                          # models quote inside of quotes: nothing could follow here
                self.note = ("unescaped quote", "an escaped quote", repr(quote), self.offset)
                emit(encode_basestring(c)[1:-1])
                self.pos += 1
                continue
            if c == "\\":
                escape = yield from self._escape(_PYTHON_ESCAPE, _PYTHON_ESCAPE_BEGUN)
                emit(encode_basestring(_unescape(escape))[1:-1])
            elif self.strict:
                raise Mismatch("malformed", "an escaped control character", repr(c))
            else:
                emit(encode_basestring(c)[1:-1])
                self.pos += 1

    def _closes(self) -> Step[bool]:
        """Is this quote the string's last? Behind it stands what may follow a value, or the name of an argument."""
        while not (m := _CLOSES.match(self.buf, self.pos + 1)):
            if not _MAY_CLOSE.match(self.buf, self.pos + 1):
                return False
            if self.eof:
                return True
            yield
        return m is not None

    def _scalar(self, emit: Emit, python: bool, key: bool, keys: list[set[str]]) -> Step[None]:
        while True:
            end = _TOKEN.match(self.buf, self.pos).end()  # type: ignore[union-attr]
            if end < len(self.buf) or self.eof or end - self.pos > NUMBER:
                break
            yield
        token = self.buf[self.pos:end]
        written = scalar(token, python, self.strict) if end - self.pos <= NUMBER else None
        if key and not (python and written):
            written = None
        if written is None:
            found = token[:20] or self.buf[self.pos:self.pos + 1]
            if self.eof and end == len(self.buf) and (any(w.startswith(token) for w in _WORDS) or token[-1:] in "-+.eE"):
                raise EndOfText("a value")
            raise Mismatch("malformed", "a key" if key else "a value", repr(found))
        if key:
            written = f'"{written}"'
            self._new_key(written, keys)
        if written.endswith(repr(MOST)) and not token.endswith(written):
            self.note = ("number out of range", "a number that fits 64 bits", repr(token[:20]), self.offset)
        self.pos = end
        emit(written)


def scalar(token: str, python: bool, strict: bool = False) -> str | None:
    """A number, true, false or null as JSON; None when the token is none of them."""
    if token in _WORDS and (not strict or (_WORDS[token] != token) == python):
        return _WORDS[token]
    if _JSON_NUMBER.match(token):
        return token if abs(float(token)) <= MOST else f"{'-' * (token[0] == '-')}{MOST!r}"
    if python and _PYTHON_NUMBER.match(token) and "__" not in token:
        plain = token.replace("_", "")
        number = json.dumps(int(plain) if plain.lstrip("+-").isdigit() else float(plain))
        return number if abs(float(plain)) <= MOST else f"{'-' * (plain[0] == '-')}{MOST!r}"
    return None


def _unescape(escape: str) -> str:
    kind, rest = escape[1], escape[2:]
    if kind in "xuU" and rest:
        code = int(rest, 16)
        return chr(code) if code < 0x110000 else "\ufffd"
    if kind in "01234567":
        return chr(int(escape[1:], 8))
    return _PYTHON_ESCAPED.get(kind, kind if kind in "\\'\"" else escape)


def read_json(text: str, python: bool = False, limits: Limits = Limits(), around: Cursor | None = None) -> str | None:
    """A whole text as strict JSON; None when it is not one value. Linear in the text, and it never raises.

    `around` reads the arguments that the value stands in: equal keys are let pass there, and noted.
    """
    cursor, out = Cursor(limits), list[str]()
    cursor.feed(text)
    cursor.eof = True
    try:
        for _ in cursor.value(out.append, python, around is not None):
            return None
        for _ in cursor.space():
            return None
    except Mismatch:
        return None
    if cursor.pos < len(cursor.buf):
        return None
    if around and cursor.note and cursor.note[0] == "duplicate key":
        around.note = (*cursor.note[:3], around.offset)
    return "".join(out)
