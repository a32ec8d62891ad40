"""Structures as models write them, anywhere in a text: JSON, Python, JavaScript and calls, mixed as they come.

The one rule: no character is gone back to. A structure that turns out to be none is dropped where it went wrong, and
whatever was whole inside it stays; so the time is linear, whatever the text.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any

from ..message import Tool
from .shapes import Found, Invoked, is_stranger, of_list, of_object, plain
from .tags import tagged
from .values import (
    KEY,
    LITERALS,
    NUMBER,
    OPERATOR,
    QUOTE,
    SPACE,
    UNKNOWN,
    WORD,
    Code,
    List,
    Object,
    Oddity,
    Strings,
    code,
    folded,
    number,
    unescaped,
)

DEPTH = 64                  # levels of nesting
MOST = 1000                 # what may be a call: where there is more, a model has lost its way, and the rest stays content

_CLOSER = {"(": ")", "[": "]", "{": "}"}
_NUMERIC = frozenset("0123456789+-.")
_NO_KEY = _NUMERIC | frozenset("[{(`“‘«<")
_WELL_FORMED = re.compile(r"\"(?:[^\"\\]|\\.)*\"(?=\s{0,64}[,\])])|'(?:[^'\\]|\\.)*'(?=\s{0,64}[,\])])", re.S)
_MAY_BE_SPACE = frozenset(" \n\t\r\f\v\u00a0#/")
_LISTS = frozenset({"list", "tuple", "set", "frozenset", "Array", "Arrays.asList", "List.of", "Set.of"})
MOST_NUMBER = sys.float_info.max
_NEAR = 300                 # characters between a name and its arguments
# what a list of calls may begin with
_LIST = re.compile(r"\s{0,64}(?:[\"'`{\[(“‘\\]|[A-Za-z_$][\w$.\\]{0,200}\s{0,4}[({,])")
_CODE_WORDS = frozenset({"new", "lambda", "function", "async"})
_DEFINES = re.compile(r"(?:\bdef|\bfunction|\bclass|\bfn|\bfunc)\s+\Z")
# What may stand between a function's name and what is given to it. With white space before it, a bracket may be of words.
_CALL = re.compile(r"""(?:["'`*\])]{0,4}|\.(?:call|invoke|run))
                       (?:\(|\s{1,8}\((?=\s{0,8}(?:["'{\[\d)]|[\w\\]{1,100}\s{0,8}[=:])))""", re.X)
_TAGS = re.compile(r"""["'`>]{0,4}\s{0,8}(?:(?:</[^<>\n]{1,60}>
                       |<(?:parameters|arguments|args|tool_input|[^<>\n]{0,30}sep[^<>\n]{0,30})>
                       |<\|[^<>|\n]{1,30}\|>\s?\w{0,10}\s?)\s{0,8}){0,4}(?=<[^\s</|])""", re.X)
_OBJECT = re.compile(r"""[\"'`*\])]{0,4}\s{0,8}
    (?:[:=]\d{1,6})?(?:>|[:=\-]>?|[,;])?\s{0,8}(?:\[[A-Z_]{1,20}\]\w{0,40}){0,3}\s{0,8}
    (?:[✿*\#"']{0,4}(?:(?:with\s)?(?:arguments|parameters|args|(?:action[ _])?input)|with)[✿*"']{0,4}
       \s{0,4}[:=]?\s{0,8})?
    (?:<[^<>\n]{1,40}>\s{0,4}(?:json)?\s{0,4}){0,5}(?:```\w{0,12}\s{0,8})?(?=\{)""", re.X | re.I)


class Frame:
    """A structure that is not closed yet. `kind` is its opener: `[`, `{`, `(` of a call, `t` of a tuple; `quote` is what
    must be passed over behind a call that stands in quotes."""

    __slots__ = ("after", "began", "closer", "expression", "items", "key", "kind", "members", "name", "quote", "start",
                 "value")

    def __init__(self, kind: str, start: int, name: str = "", quote: str = "") -> None:
        self.kind, self.start, self.name, self.quote = kind, start, name, quote
        self.closer = _CLOSER.get(kind, ")")
        self.items: list[Any] = []
        self.members: dict[str, Any] = {}
        self.key: str | None = None
        self.value: Any = None
        self.began = start                      # where the value began
        self.expression: list[Any] = []         # values and operators, if the value is more than one
        self.after = False                      # a value was read: a comma or the closer is due


class Reader:
    """`found` is what may be a call, in the order of its end; `roots` is where whole structures stand, `oddities` what
    had to be let pass, and `strangers` how many calls name a function that is not known."""

    def __init__(self, text: str, known: Mapping[str, Tool]) -> None:
        self.text, self.known = text, known
        self.found: list[Found] = []
        self.roots: list[tuple[int, int]] = []
        self.oddities: list[Oddity] = []
        self.strangers = 0
        self.defined: set[str] = set()          # functions that the text itself defines: what calls them is an example
        self.last: Any = None                   # what was whole last, outside of everything
        self._strings = Strings(text)
        self._spare = 4 * len(text) + 1000      # characters that may be read in vain

    def knows(self, name: str) -> bool:
        return plain(name) in self.known

    # -- words between structures

    def read(self, start: re.Pattern[str]) -> None:
        """Reads the text; `start` matches an opening bracket or a known name."""
        p = 0
        while len(self.found) < MOST and (m := start.search(self.text, p)):
            p = m.end()
            if m[0] == "[" and not _LIST.match(self.text, p):
                continue
            if m[0] in "[{":
                p = self._structure(Frame(m[0], m.start()), p)
            elif _DEFINES.search(self.text, max(0, m.start() - 16), m.start()):
                self.defined.add(plain(m[0]))
            else:
                p = self._given(m)

    def _given(self, name: re.Match[str]) -> int:
        """What stands behind a function's name; where to go on."""
        text, p = self.text, name.end()
        if m := _CALL.match(text, p):
            return self._structure(Frame("(", name.start(), name[0]), m.end())
        if text.find("<", p, p + _NEAR) < 0 and text.find("{", p, p + _NEAR) < 0:
            return p
        if (m := _TAGS.match(text, p)) and (end := self._tagged(name, m.end())):
            return end
        if not (m := _OBJECT.match(text, p)):
            return p
        at, before = m.end(), len(self.found)
        p = self._structure(Frame("{", at), at + 1)
        if isinstance(self.last, Object) and self.last.start == at and len(self.found) == before:
            self.found.append(Found("name before object", name[0], self.last, name.start(), self.last.end))
            self.roots[-1] = (name.start(), self.last.end)
        return p

    def _tagged(self, name: re.Match[str], p: int) -> int:
        """Arguments between tags, and where they end; 0 where there are none."""
        tool = self.known.get(plain(name[0]))
        declared = tool.parameters.get("properties") or {} if tool else {}
        members, end, spent = tagged(self.text, p, declared, self._spare)
        self._spare -= spent
        if members:
            self.found.append(Found("tags", name[0], members, name.start(), end))
            self.roots.append((name.start(), end))
        return end if members else 0

    # -- structures

    def _structure(self, frame: Frame, p: int) -> int:
        """Reads on to the end of the structure, or to where it is none; where that is."""
        stack, text = [frame], self.text
        self.last = None
        while stack:
            top = stack[-1]
            c = text[p:p + 1]
            if c in _MAY_BE_SPACE:
                p = SPACE.match(text, p).end()  # type: ignore[union-attr]
                c = text[p:p + 1]
            if not c or len(stack) > DEPTH:
                return self._give_up(stack, p)
            if c == top.closer and (top.after or not top.expression):
                q = self._close(stack, p + 1)
            elif top.after:
                q = self._behind(stack, c, p)
                q = q if q >= 0 else self._mend(stack, c, p)
            elif c == "," and not top.expression:
                q = p + 1
            else:
                q = self._value(stack, c, p)
            if q < 0 or len(self.found) >= MOST:
                return self._give_up(stack, max(p, frame.start + 1))
            p = q
        return p

    def _behind(self, stack: list[Frame], c: str, p: int) -> int:
        """What may follow a value, but for the closer. -1: not this."""
        top = stack[-1]
        if top.quote and self.text.startswith(top.quote, p):    # the quotes end before the call does
            self._odd("closer", p, "", ")")
            p, top.quote = p + len(top.quote), ""
            return self._close(stack, p + 1 if self.text[p:p + 1] == ")" else p)
        if c == "," or (c == ";" and top.kind == "["):
            self._keep(top, p)
            return p + 1
        if isinstance(top.value, (int, float, str, Invoked)) and not top.quote and (m := OPERATOR.match(self.text, p)):
            top.expression += [m[0]] if top.expression else [top.value, m[0]]
            top.after = False
            return m.end()
        if type(top.value) is str and not top.expression and top.kind in "({" and KEY.match(self.text, p):
            return self._separate(top, p)
        if top.kind == "[" and isinstance(top.value, (Object, Invoked, List)):
            if c in "{[\"'" or WORD.match(self.text, p):
                return self._separate(top, p)
        if top.kind in "({" and top.value is not None and type(top.value) is not str:
            return self._code(top)
        return -1

    def _separate(self, top: Frame, p: int) -> int:
        self._odd("separator", p, "", ",")
        self._keep(top, p)
        return p

    def _keep(self, top: Frame, p: int) -> None:
        """The value is whole: it goes where it belongs."""
        value = top.value
        if top.expression:
            written = self.text[top.began:p].strip()
            value = folded(top.expression, written)
            if value is not UNKNOWN:
                self._odd("unquoted" if isinstance(value, Code) else "expression", top.began, written, str(value))
        if top.key is not None:
            top.members[top.key] = UNKNOWN if top.key in top.members else value
        else:
            top.items.append(value)
        top.key, top.value, top.expression, top.after = None, None, [], False

    def _put(self, top: Frame, value: Any) -> None:
        if top.expression:
            top.expression.append(value)
        else:
            top.value = value
        top.after = True

    def _value(self, stack: list[Frame], c: str, p: int) -> int:
        """A key, a value, or the beginning of one. -1 where none stands."""
        top, text = stack[-1], self.text
        if top.key is None and top.kind in "{(" and not top.expression:
            if c not in _NO_KEY and (m := KEY.match(text, p)):
                bare = m[3] is not None
                top.key = m[3].replace("\\_", "_").lstrip("*") if bare else unescaped(m[1] if m[1] is not None else m[2])
                top.began = m.end()
                if bare and "\\_" in m[3]:
                    self._odd("escape", p, m[3], top.key)
                return m.end()
            if top.kind == "{":
                return -1
        if not top.expression:
            top.began = p
        if c in "[{(":
            stack.append(Frame("t" if c == "(" else c, p))
            return p + 1
        if c in _NUMERIC:
            if m := NUMBER.match(text, p):
                value = number(m[0], m[1])
                self._put(top, value if abs(value) <= MOST_NUMBER else UNKNOWN)
                return m.end()
        elif m := QUOTE.match(text, p):
            return self._quoted(stack, m)
        elif m := WORD.match(text, p):
            return self._word(stack, m)
        if c in "+-" and not top.expression:
            top.expression += [0, c]
            return p + 1
        return self._code(top) if top.kind == "(" else -1

    def _word(self, stack: list[Frame], m: re.Match[str]) -> int:
        top, name, end = stack[-1], m[0], m.end()
        if name in _CODE_WORDS:
            return self._code(top)
        behind = SPACE.match(self.text, end).end()  # type: ignore[union-attr]
        c = self.text[behind:behind + 1]
        if c == "(" and behind - end < 2:
            stack.append(Frame("(", m.start(), name))
            return behind + 1
        if name in LITERALS:
            if (top.kind == "(" and name.islower()) or (top.kind == "{" and name[0].isupper()):
                after = name.capitalize() if top.kind == "(" else str(LITERALS[name]).lower()
                self._odd("literal", m.start(), name, after.replace("none", "null").replace("Null", "None"))
            self._put(top, LITERALS[name])
        elif top.kind == "[" and c not in ",]" and c and not top.expression and not (c == "{" and self.knows(name)):
            return -1
        else:
            self._odd("unquoted", m.start(), name, f'"{name}"')
            self._put(top, Code(name))
        return end

    def _quoted(self, stack: list[Frame], m: re.Match[str]) -> int:
        """A string, unless the quotes stand around a call, or around its name alone."""
        top, text, opener = stack[-1], self.text, m[1]
        if top.kind in "[t" and not top.expression and (word := WORD.match(text, m.end())) and self.knows(word[0]):
            if text.startswith("(", word.end()):
                self._odd("quoted", m.start(), opener, "")
                if end := self._escaped(stack, m):
                    return end
                stack.append(Frame("(", word.start(), word[0], opener))
                return word.end() + 1
            if text.startswith(opener + "(", word.end()):
                self._odd("quoted", m.start(), opener, "")
                stack.append(Frame("(", word.start(), word[0]))
                return word.end() + len(opener) + 1
        found = self._strings.read(m.start(1), opener)
        if found is None:
            return -1
        value, end, odd = found
        if odd:
            self._odd("quote", m.start(), text[m.start():end], "one string")
        self._put(top, value)
        return end

    def _escaped(self, stack: list[Frame], m: re.Match[str]) -> int:
        """A call in a string that is well formed: what is escaped in it is read so. Where it ends; 0 if it is none."""
        string = _WELL_FORMED.match(self.text, m.start(1), m.start(1) + self._spare)
        if string is None or "\\" not in string[0]:
            self._spare -= 0 if string else min(self._spare, len(self.text) - m.start(1), 4096)
            return 0
        self._spare -= len(string[0])
        inner = Reader(unescaped(string[0][1:-1]).strip(" ;"), self.known)
        name = WORD.match(inner.text)
        assert name
        if inner._structure(Frame("(", 0, name[0]), name.end() + 1) != len(inner.text) or not inner.found:
            return 0
        call = inner.found[-1]
        call.start, call.end = m.start(), string.end()
        self.found.append(call)
        self._put(stack[-1], Invoked(call.name, call.positional, call.arguments, call.start, call.end))
        return string.end()

    def _code(self, top: Frame) -> int:
        """What is no value but stands for one: it is kept as it is. -1 where neither a comma nor the closer follows."""
        end, whole = code(self.text, top.began, top.closer, top.kind == "(", self._spare)
        self._spare -= end - top.began
        if not whole:
            return -1
        written = self.text[top.began:end].strip()
        self._odd("unquoted", top.began, written, f'"{written}"')
        top.expression = []
        self._put(top, Code(written.replace("\\_", "_")))
        return end

    # -- ends

    def _close(self, stack: list[Frame], p: int) -> int:
        """The innermost structure is whole; where to go on."""
        top = stack.pop()
        if top.after:
            self._keep(top, p - 1)
        value = self._whole(top, p, any(frame.kind == "(" for frame in stack))
        if top.quote:
            q = SPACE.match(self.text, p).end()  # type: ignore[union-attr]
            p = q + len(top.quote) if self.text.startswith(top.quote, q) else p
        if stack:
            self._put(stack[-1], value)
        else:
            self.last = value
            self.roots.append((top.start, p))
        return p

    def _whole(self, top: Frame, p: int, nested: bool) -> Any:
        if top.kind == "{":
            return self._object(Object(top.members, top.start, p))
        if top.kind == "(":
            if self.knows(top.name) and plain(top.name) not in self.defined:
                self.found.append(Found("call", top.name, top.members, top.start, p, top.items, nested))
            elif top.name in _LISTS:
                items = top.items
                return List(items[0] if len(items) == 1 and isinstance(items[0], list) else items, top.start, p)
            elif top.name == "dict" and not top.items:
                return Object(top.members, top.start, p)
            return Invoked(top.name, top.items, top.members, top.start, p)
        if top.kind == "t" and len(top.items) == 1 and not self.text[max(0, p - 17):p - 1].rstrip().endswith(","):
            return top.items[0]
        value = List(top.items, top.start, p)
        self.found += of_list(value, self.knows)
        return value

    def _object(self, value: Object) -> Object:
        self.found += of_object(value, self.knows)
        self.strangers += is_stranger(value, self.knows)
        return value

    def _mend(self, stack: list[Frame], c: str, p: int) -> int:
        """A closer is missing or too many: whether all is whole without it. Where to go on, or -1."""
        top = stack[-1]
        if len(stack) > 1 and c == stack[-2].closer and top.kind in "{[t":
            self._odd("closer", p, "", top.closer)
            return self._close(stack, p)
        if len(stack) > 1 and c in ")]}":
            self._odd("closer", p, c, "")
            return p + 1
        return -1

    def _give_up(self, stack: list[Frame], p: int) -> int:
        """What is open is none of what it seemed; an object whose arguments are whole is one all the same."""
        while stack and stack[-1].kind == "{" and stack[-1].after and isinstance(stack[-1].value, (Object, str)):
            top, before = stack.pop(), len(self.found)
            self._keep(top, p)
            value = self._object(Object(top.members, top.start, p))
            if len(self.found) == before:
                break
            self._odd("closer", p, "", "}")
            if not stack:
                self.roots.append((top.start, p))
                self.last = value
        stack.clear()
        return p

    def _odd(self, kind: str, offset: int, before: str, after: str) -> None:
        self.oddities.append(Oddity(kind, offset, before, after))
