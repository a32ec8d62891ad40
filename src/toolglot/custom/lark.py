"""The text of a Lark grammar -> its rules and terminals.

The one rule: what it does not know it refuses, with the line and column. Aliases, priorities and the marks `?` and `!`
shape a parse tree and not the language: they are read and left out. Templates, `%declare`, `%override`, `%extend`,
imports from other places than `common`, and what only llguidance has are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..message import ToolglotError
from ..rules import Alt, Lit, Ref, Repeat, Rule
from ..values.patterns import Unsupported
from .regexes import ignoring_case, of_characters, sequence, tree

DEPTH = 40  # groups inside one another
MANY = 2_000  # rules and terminals, those without a name too
_NAME = 100  # characters of a name
_NUMBER = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
COMMON = {  # Lark's own terminals, as both Lark and llguidance have them: letters are ASCII
    "DIGIT": "[0-9]",
    "HEXDIGIT": "[0-9A-Fa-f]",
    "INT": "[0-9]+",
    "SIGNED_INT": "[+-]?[0-9]+",
    "DECIMAL": r"[0-9]+\.[0-9]*|\.[0-9]+",
    "FLOAT": r"[0-9]+[eE][+-]?[0-9]+|(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?",
    "SIGNED_FLOAT": r"[+-]?(?:[0-9]+[eE][+-]?[0-9]+|(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)",
    "NUMBER": _NUMBER,
    "SIGNED_NUMBER": f"[+-]?{_NUMBER}",
    "ESCAPED_STRING": r'"(?:[^"\\\n]|\\[^\n])*"',
    "LCASE_LETTER": "[a-z]",
    "UCASE_LETTER": "[A-Z]",
    "LETTER": "[A-Za-z]",
    "WORD": "[A-Za-z]+",
    "CNAME": "[A-Za-z_][A-Za-z0-9_]*",
    "WS_INLINE": r"[ \t]+",
    "WS": r"[ \t\f\r\n]+",
    "CR": r"\r",
    "LF": r"\n",
    "NEWLINE": r"(?:\r?\n)+",
    "SH_COMMENT": r"#[^\n]*",
    "CPP_COMMENT": r"//[^\n]*",
    "C_COMMENT": r"/\*[^*]*\*+(?:[^/*][^*]*\*+)*/",
    "SQL_COMMENT": r"--[^\n]*",
}

_TOKEN = re.compile(
    r"(?P<space>(?:[ \t\f]|\\[ \t]*\r?\n|//[^\n]*|\#[^\n]*)+)"
    r"|(?P<newline>\r?\n)"
    r'|(?P<string>"(?:[^"\\\r\n]|\\[^\r\n])*"i?(?![A-Za-z0-9_]))'
    r"|(?P<regex>/(?:[^/\\\r\n]|\\[^\r\n])+/[A-Za-z]*)"
    r"|(?P<rule>_?[a-z](?:[_a-z0-9]|-(?=[_a-z0-9]))*(?![A-Za-z]))"
    r"|(?P<terminal>_?[A-Z](?:[_A-Z0-9]|-(?=[_A-Z0-9]))*(?![A-Za-z]))"
    r"|(?P<number>[0-9]{1,9}(?![0-9]))"
    r"|(?P<directive>%[a-z]+)"
    r"|(?P<sign>->|\.\.|[\[\](){}:|~*+?.,!-])"
)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|([\s\S]))")
_ESCAPES = {'"': '"', "'": "'", "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True)
class Token:
    """`kind`: a group of the pattern, or "end". `text`: what of the grammar it is."""

    kind: str
    text: str
    at: int


@dataclass
class Draft:
    """A grammar as it is written. `rules` has the terminals too; those without a name are named by their text."""

    rules: dict[str, Rule] = field(default_factory=dict)
    terminals: set[str] = field(default_factory=set)
    ignored: list[Rule] = field(default_factory=list)


def read(text: str) -> Draft:
    """What the text defines. Every name that it uses is defined, and terminals use terminals alone."""
    reader = _Reader(text, list(_tokens(text)))
    while reader.next.kind != "end":
        reader.statement()
    for name, at in reader.used.items():
        if name not in reader.draft.rules:
            known = f"; it is in `common`: write `%import common.{name}`" if name in COMMON else ", which nothing defines"
            raise reader.error(f"`{name}`{known}", at)
    return reader.draft


def _tokens(text: str) -> Iterator[Token]:
    """The tokens; the line ends before a `|` are none, for it goes on with the line before."""
    at, ends = 0, list[Token]()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            raise ToolglotError(f"{place(text, at)}: {_strange(text, at)}")
        token = Token(str(found.lastgroup), found[0], at)
        at = found.end()
        if token.kind in ("rule", "terminal") and len(token.text) > _NAME:
            raise ToolglotError(f"{place(text, token.at)}: a name of more than {_NAME} characters; make it shorter")
        if token.kind == "newline":
            ends.append(token)
        elif token.kind != "space":
            yield from ends[-1:] if token.text != "|" else ()
            ends.clear()
            yield token
    yield Token("newline", "", at)
    yield Token("end", "", at)


def _strange(text: str, at: int) -> str:
    unclosed = {'"': 'a string that no `"` closes in its line', "/": "a regular expression without its second `/`"}
    found = text[at : at + 20].split("\n")[0]
    return unclosed.get(text[at], f"`{found}` is nothing that Lark knows; names are all in upper or all in lower case")


def place(text: str, at: int) -> str:
    """A place of the grammar, as errors name it."""
    return f"the grammar, line {text.count(chr(10), 0, at) + 1}, column {at - text.rfind(chr(10), 0, at)}"


@dataclass
class _Reader:
    text: str
    tokens: list[Token]
    at: int = 0
    draft: Draft = field(default_factory=Draft)
    used: dict[str, int] = field(default_factory=dict)  # each name, and where it is used first
    terminal: str = ""  # what is being defined, if it is a terminal

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def error(self, why: str, at: int | None = None) -> ToolglotError:
        return ToolglotError(f"{place(self.text, self.next.at if at is None else at)}: {why}")

    def take(self, *texts: str) -> bool:
        found = self.next.text in texts and self.next.kind in ("sign", "directive")
        self.at += found
        return found

    def expect(self, what: str, *kinds: str) -> Token:
        """The next token, which is of one of these kinds or this sign."""
        token = self.next
        if not (token.kind in kinds or (token.kind == "sign" and token.text == what)):
            found = f"`{token.text[:40]}`" if token.text.strip() else "the end of the line"
            raise self.error(f"expected {what if kinds else f'`{what}`'}, found {found}")
        self.at += 1
        return token

    def statement(self) -> None:
        if self.next.kind == "newline":
            self.at += 1
        elif self.take("%ignore"):
            self.terminal = "%ignore"
            self.draft.ignored.append(self.choice(0))
            self.expect("the end of the line", "newline")
        elif self.take("%import"):
            self.imports()
        elif self.next.kind == "directive":
            raise self.error(f"`{self.next.text}` is not supported; only `%import common` and `%ignore` are")
        else:
            self.definition()

    def definition(self) -> None:
        while self.take("!", "?"):
            pass
        name = self.expect("a rule, a terminal, `%import` or `%ignore`", "rule", "terminal")
        if self.next.text in ("{", "["):
            raise self.error(f"`{self.next.text}`: templates and options are not supported; write the rule out")
        if self.take("."):
            self.take("-")
            self.expect("the number of a priority", "number")
        self.expect(":")
        self.terminal = name.text if name.kind == "terminal" else ""
        self.define(name, self.choice(0))
        self.expect("the end of the line", "newline")

    def define(self, name: Token, rule: Rule) -> None:
        if name.text in self.draft.rules:
            raise self.error(f"`{name.text}` is defined twice; rename one, or join them by `|`", name.at)
        self.keep(name.text, rule)
        if name.kind == "terminal":
            self.draft.terminals.add(name.text)

    def imports(self) -> None:
        module = self.expect("`common`", "rule", "terminal")
        if module.text != "common":
            raise self.error("only `common` can be imported from; write the terminal out", module.at)
        if self.take("."):
            wanted = [self.expect("a terminal of `common`", "terminal")]
        else:
            self.expect("(")
            wanted = [self.expect("a terminal of `common`", "terminal")]
            while self.take(","):
                wanted.append(self.expect("a terminal of `common`", "terminal"))
            self.expect(")")
        name = self.expect("a name in upper case", "terminal") if len(wanted) == 1 and self.take("->") else None
        self.expect("the end of the line", "newline")
        for one in wanted:
            if one.text not in COMMON:
                raise self.error(f"`common` has no `{one.text}`; it has {', '.join(COMMON)}", one.at)
            rule, named = tree(COMMON[one.text]), name or one
            if self.draft.rules.get(named.text) != rule:
                self.define(named, rule)

    # -- what a rule is made of

    def choice(self, depth: int) -> Rule:
        if depth > DEPTH:
            raise self.error(f"groups are nested too deeply; {DEPTH} is the most")
        options = [self.sequence(depth)]
        while self.take("|"):
            options.append(self.sequence(depth))
        return options[0] if len(options) == 1 else Alt(tuple(options))

    def sequence(self, depth: int) -> Rule:
        items: list[Rule] = []
        while self.next.kind != "newline" and self.next.text not in ("|", ")", "]", "->"):
            items.append(self.repeated(depth))
        if self.take("->"):
            self.expect("the name of an alias", "rule", "terminal")
        return sequence(items)

    def repeated(self, depth: int) -> Rule:
        item = self.atom(depth)
        bounds: tuple[int, int | None] | None = None
        for sign, meant in {"*": (0, None), "+": (1, None), "?": (0, 1)}.items():
            bounds = bounds or (meant if self.take(sign) else None)
        begin = self.next.at
        if bounds is None and self.take("~"):
            least = int(self.expect("a number", "number").text)
            bounds = (least, int(self.expect("a number", "number").text) if self.take("..") else least)
        elif bounds is None and self.next.text == "{":
            bounds = self.braces()
        if bounds is None:
            return item
        if bounds[1] is not None and bounds[1] < bounds[0]:
            raise self.error("the bounds of this repeat are the wrong way round", begin)
        if self.next.text in ("*", "+", "?", "~", "{"):
            raise self.error("two repeats in a row; put the first in a group")
        return Repeat(item, *bounds)

    def braces(self) -> tuple[int, int | None]:
        self.expect("{")
        if self.next.kind != "number" and self.next.text != ",":
            raise self.error("expected the number of a repeat; templates are not supported, write the rule out")
        least = int(self.expect("a number", "number").text) if self.next.kind == "number" else 0
        most: int | None = least
        if self.take(","):
            most = int(self.expect("a number", "number").text) if self.next.kind == "number" else None
        self.expect("}")
        return least, most

    def atom(self, depth: int) -> Rule:
        token = self.next
        if self.take("("):
            inner = self.choice(depth + 1)
            self.expect(")")
            return inner
        if self.take("["):
            inner = self.choice(depth + 1)
            self.expect("]")
            return Repeat(inner, 0, 1)
        self.expect("a string, a regular expression, a name or a group", "string", "regex", "rule", "terminal")
        if token.kind == "string":
            return self.string(token)
        if token.kind == "regex":
            return self.own(token.text, self.regex(token))
        if token.kind == "rule" and self.terminal:
            raise self.error(f"`{self.terminal}` is a terminal: it cannot use the rule `{token.text}`", token.at)
        self.used.setdefault(token.text, token.at)
        return Ref(token.text)

    def own(self, name: str, rule: Rule) -> Rule:
        """In a rule, a terminal that has no name; in a terminal, a part of it."""
        if self.terminal:
            return rule
        self.keep(name, rule)
        self.draft.terminals.add(name)
        return Ref(name)

    def keep(self, name: str, rule: Rule) -> None:
        self.draft.rules[name] = rule
        if len(self.draft.rules) > MANY:
            raise self.error(f"more than {MANY} rules and terminals; make them fewer")

    def string(self, token: Token) -> Rule:
        word = self.word(token)
        if self.take(".."):
            ends = word, self.word(self.expect("a string", "string"))
            if any(len(end) != 1 for end in ends) or ends[0] > ends[1]:
                raise self.error("a range has one character at each end, in order", token.at)
            return self.own(f'"{ends[0]}".."{ends[1]}"', of_characters(((ord(ends[0]), ord(ends[1])),)))
        return self.own(token.text, ignoring_case(word)) if token.text[-1] == "i" else Lit(word)

    def word(self, token: Token) -> str:
        def character(found: re.Match[str]) -> str:
            if found[1] or found[2]:
                return chr(int(found[1] or found[2], 16))
            if found[3] not in _ESCAPES:
                raise self.error(f"`{found[0]}` in a string; for a backslash write `\\\\`", token.at + found.start() + 1)
            return _ESCAPES[found[3]]

        inside = token.text.removesuffix("i")[1:-1]
        try:
            return _ESCAPE.sub(character, inside).encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise self.error("half of a surrogate pair in a string", token.at) from None

    def regex(self, token: Token) -> Rule:
        pattern, _, flags = token.text[1:].rpartition("/")
        try:
            if wrong := set(flags) - set("isu"):
                raise Unsupported(f"the flag `{min(wrong)}`; `i` and `s` are known")
            return tree(pattern, flags)
        except Unsupported as error:
            raise self.error(f"{error} in a regular expression; it may have {KNOWN}", token.at) from None


KNOWN = "literals, classes, groups, `|` and greedy quantifiers, without look-around or back-references"
