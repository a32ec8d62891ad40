"""Values as models write them: the strings, numbers, words and expressions of JSON, Python, JavaScript and Java.

The one rule: a value is what the text says, or the text itself. Numbers are added up and strings joined; nothing else
is ever worked out, and no code is run.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..message import sound

LONG = 1 << 16              # characters of an expression


class Code(str):
    """Code, or a word without quotes, where a value should be: as it was written."""

    __slots__ = ()


class Unknown:
    """A value that cannot be told: what is worked out, or was said twice."""


UNKNOWN = Unknown()


class Object(dict[str, Any]):
    """Members of `{...}`, and where they stand."""

    __slots__ = ("end", "start")

    def __init__(self, members: dict[str, Any], start: int, end: int) -> None:
        super().__init__(members)
        self.start, self.end = start, end


class List(list[Any]):
    """Items of `[...]` or `(...)`, and where they stand."""

    __slots__ = ("end", "start")

    def __init__(self, items: list[Any], start: int, end: int) -> None:
        super().__init__(items)
        self.start, self.end = start, end


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something that was read although no language writes it so, or not this one."""

    kind: str
    offset: int
    before: str
    after: str


LITERALS: dict[str, Any] = {
    "true": True, "false": False, "null": None, "True": True, "False": False, "None": None, "TRUE": True, "FALSE": False,
    "NULL": None, "undefined": None, "nil": None, "none": None}

SPACE = re.compile(r"(?:\n[ \t]{0,64}//[^\n]*|\s|#[^\n]*)*")
WORD = re.compile(r"[A-Za-z_$][\w$]*(?:(?:\\_|\.|::)[\w$]+|\\_)*")
NUMBER = re.compile(r"""[+\-]?(?:0[xX][0-9a-fA-F]{1,16}
                           |(?:[0-9][0-9_]{0,300}\.?[0-9]{0,300}|\.[0-9]{1,300})(?:[eE][+\-]?[0-9]{1,3})?)
                        ([LlFfDdn]?)(?![\w.])""", re.X)
KEY = re.compile(r"""(?:\\?"((?:[^"\\\n]|\\.){0,200}?)\\?"|\\?'((?:[^'\\\n]|\\.){0,200}?)\\?'
                     |((?:\\_|[A-Za-z_$*])[\w$\-]{0,200}(?:(?:\\_|\.)[\w$\-]{0,200}){0,20}))
                     \s*(?:=>|:=|[:=](?!=))\s*""", re.X)
QUOTE = re.compile(r"[fFrRbBuU]{0,2}(\\?(?:\"\"\"|'''|[\"'`“‘«])|<\|\"\|>|<escape>)")
OPERATOR = re.compile(r"\*\*|//|[+\-*/%^|]")

_CLOSING = {"“": "”", "‘": "’", "«": "»"}
_RUN = {quote: re.compile(rf"[^\\{quote}]*") for quote in "\"'`”’»"}
# what stands behind the quote that ends a string; any other quote is an apostrophe, or words that are quoted in it
_CLOSES = re.compile(r"""\s{0,64}(?:\Z|[,\])};]|[+%*]\s{0,9}[\w"'(]|```|</|<\||["'`]\s{0,9}[,\])]|\#|//
                         |(?<=\s)[A-Za-z_]\w{0,60}\s{0,4}=(?!=)|(?<=\s)"\w{1,60}"\s{0,4}:)""", re.X)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.S)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "\n": "", "_": "_", '"': '"', "'": "'", "\\": "\\",
            "/": "/", "`": "`"}
_TOKEN = re.compile(r"[^\"'`()\[\]{},\\\n]+|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|[\s\S]")


def unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    return sound(_ESCAPE.sub(_one, text))           # JSON writes what is beyond 16 bits as two escapes


def _one(m: re.Match[str]) -> str:
    c = m[1]
    return chr(int(c[1:], 16)) if c[0] in "uUx" and len(c) > 1 else _ESCAPED.get(c, m[0])


class Strings:
    """Finds the ends of strings in one text. A quote that finds none is not looked for again behind there."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._unended: dict[str, int] = {}
        self._spare = 4 * len(text) + 1000      # characters that may be read in vain

    def read(self, start: int, opener: str) -> tuple[str, int, bool] | None:
        """The string that begins here, where it ends, and whether it has quotes inside; None where it has no end."""
        text, p = self.text, start + len(opener)
        read = (lambda text: text) if start and text[start - 1] in "rR" else unescaped
        if self._unended.get(opener, len(text)) <= start:
            return None
        if len(opener) >= 3:
            end = text.find(opener, p)
            if end < 0:
                self._unended[opener] = start
            return None if end < 0 else (read(text[p:end]), end + len(opener), False)
        escaped, opened, odd = opener[0] == "\\", False, False     # `\"a\"`: a string in a string
        quote = _CLOSING.get(opener[-1], opener[-1])
        run = _RUN[quote]
        while (p := run.match(text, p).end()) < len(text):  # type: ignore[union-attr]
            if text[p] == "\\":
                if escaped and text[p + 1:p + 2] == quote and _CLOSES.match(text, p + 2):
                    return unescaped(text[start + 2:p]), p + 2, False
                p += 2
            elif not escaped and _CLOSES.match(text, p + 1):
                self._spare -= p - start if opened else 0
                return None if opened else (read(text[start + len(opener):p]), p + 1, odd)
            elif not escaped:
                now = _opened(text, p, opened)
                if now is None or self._spare <= 0:         # it may have ended here
                    self._spare -= p - start
                    return None
                opened, odd, p = now, True, p + 1
            else:
                p += 1
        self._unended[opener] = start
        return None


def _opened(text: str, p: int, opened: bool) -> bool | None:
    """Whether words are quoted in a string behind the quote at `p`: an apostrophe, or one that opens or closes words.

    None where it is none of these: then the string may have ended there.
    """
    before, after = text[p - 1], text[p + 1:p + 2]
    if before.isalnum() and after.isalnum():
        return opened
    if not opened and before.isspace() and after.isalnum():
        return True
    if opened and not before.isspace() and (after.isspace() or after in ".,;!?"):
        return False
    return None


def code(text: str, start: int, closer: str, lines: bool, most: int) -> tuple[int, bool]:
    """How far what is no value but stands for one goes, and whether a comma or the closer follows."""
    p, depth, end = start, 0, min(len(text), start + LONG, start + most)
    while p < end:
        m = _TOKEN.match(text, p)
        assert m
        c = m[0][0]
        if c in "([{":
            depth += 1
        elif depth and c in ")]}":
            depth -= 1
        elif not depth and (c in ",)]}" or (c == "\n" and not lines)):
            break
        p = m.end()
    return p, start < p < end and text[p] in (closer, ",")


class Int(int):
    """A whole number, and how it was written."""

    text: str


class Float(float):
    """A number, and how it was written."""

    text: str


def spelled(value: int | float, text: str) -> int | float:
    """A number that knows how it was written, where that is not as it would be."""
    if str(value) == text:
        return value
    kept = Int(value) if isinstance(value, int) else Float(value)
    kept.text = text
    return kept


def number(text: str, suffix: str) -> int | float:
    """`text` as NUMBER has matched it; a suffix names the type in Java and JavaScript. May be infinite."""
    hexadecimal = "x" in text or "X" in text
    digits = (text[:-1] if suffix and not hexadecimal else text).replace("_", "")
    try:
        return spelled(int(digits, 16) if hexadecimal else int(digits), text)
    except ValueError:
        return spelled(float(digits), text)


_GROUPS = re.compile(r"\d+(?:[\-/]\d+){2,}|0\d+[\-/]\d+")        # a date, a telephone number
_LEVEL = {"|": 0, "^": 0, "+": 1, "-": 1, "*": 2, "/": 2, "//": 2, "%": 2, "**": 3}
_DO: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
    "//": lambda a, b: a // b, "%": lambda a, b: a % b, "**": lambda a, b: a ** b}
_LARGEST = 1e15


def folded(parts: list[Any], text: str) -> Any:
    """What an expression of numbers comes to, or of strings: operands and operators in turn. Others are code.

    A date without quotes looks like a difference: it is the text that was written.
    """
    operands = parts[::2]
    if all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in operands) and not _GROUPS.fullmatch(text):
        try:
            return spelled(_computed(parts), text)
        except (ArithmeticError, ValueError):
            pass
    if all(type(x) is str for x in operands):
        return "".join(operands) if set(parts[1::2]) == {"+"} else UNKNOWN
    return Code(text) if all(isinstance(x, (Code, int, float)) for x in operands) else UNKNOWN


def _computed(parts: list[Any]) -> int | float:
    values, waiting = [parts[0]], list[str]()

    def reduce(level: int) -> None:
        while waiting and _LEVEL[waiting[-1]] >= level:
            operator, b, a = waiting.pop(), values.pop(), values.pop()
            if operator not in _DO or (operator == "**" and not (0 <= a < 1e6 and 0 <= b < 20)):
                raise ValueError(operator)
            values.append(_DO[operator](a, b))
            if not abs(values[-1]) < _LARGEST:
                raise OverflowError

    if parts[1::2].count("**") > 1:                     # its order is another one
        raise ValueError("**")
    for operator, value in zip(parts[1::2], parts[2::2], strict=True):
        reduce(_LEVEL[operator])
        waiting.append(operator)
        values.append(value)
    reduce(0)
    return values[0]  # type: ignore[no-any-return]
