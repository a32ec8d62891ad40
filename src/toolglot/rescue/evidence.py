"""Whether what looks like a call is one.

The one rule: a call names a known tool, uses only its parameters, has the required ones and values that fit the schema,
and the words around it do not take it back. An example with placeholders, a refusal, a definition are none.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import lru_cache
from operator import is_
from typing import Any

from ..message import Repair, Tool
from ..schema import Change, coerce, is_valid, type_name, types_of
from .reader import Reader
from .shapes import ASIDE, OWN, Found, Invoked, plain
from .values import Code, Float, Int, Unknown

SPREAD = 32                 # calls that one call with lists for single values may stand for

_LONGEST = 256              # characters of a name
_LAST_WORD = re.compile(r"[\w.\\\-]+\Z")
_SEQUEL = 48                # characters behind a name that tell whether something is given to it
_GIVEN = re.compile(r"""["'`*\])>]{0,4}(?:</[^<>\n]{1,30}>|\.(?:call|invoke|run)|[:=]\d{1,6})?\s{0,8}
                        (?:[\-:=]>?|[,;]|with|\[[A-Z_]{1,20}\])?\s{0,8}
                        (?:[({]|<(?!/)|```|[✿*\#"']{0,4}(?:[Aa]rguments|[Pp]arameters|[Aa]rgs|ARGS|[Ii]nput|[Aa]ction))""",
                    re.X)
_LAST = re.compile(r"""["']\s{0,4}[}\],]|["'`*:)\]>\s]{0,9}(?:</[^<>\n]{1,60}>)?\s{0,9}\Z""")
_QUOTES = 4                 # characters of the quotes before a call
_SHOWN = 200                # characters of what was written, in a repair
_ATOM = re.compile(r"[._\-/]")
_ANY = re.compile(r"[\[{]")

# English, for that is what models were seen to write
_NOT = r"(?:\b(?:do|does|is|are|was|were|will|would|can|could|may)(?:\ not|n['’]t)|\bcannot|\bcan['’]t|\bwon['’]t)\b"
_TOOL = r"\b(?:function|tool|API)s?\b"
_TAKEN_BACK = re.compile(
    rf"""\b(?:none|neither)\ of\ (?:the|these|those|your|any)\b[^.\n]{{0,40}}{_TOOL}        # none of the given functions
    |(?<!\bif\ )\bno\ (?:[a-z]+\ ){{0,3}}{_TOOL}(?!\ call)                         # there is no suitable tool
    |{_TOOL}(?!\ call)[^.\n]{{0,80}}{_NOT}                                                   # the function f is not
    |{_NOT}[^.\n]{{0,60}}{_TOOL}                                                          # I cannot use the function
    |{_NOT}\ (?:directly|suitable|sufficient|designed|intended|appropriate|relevant|meant)\b
    |\b(?:unable|not\ able|not\ possible|impossible)\ to\b
    |(?:{_NOT}|\bnever|\balready)\ (?:[a-z]+\ )?(?:call|run|execute|invoke)(?:ed|ing)?\b   # never run f(a=1)
    |\bunfortunately\b | \b(?:I['’]m|I\ am)\ sorry\b | \bI\ apologi[sz]e\b
    |\breplace\ [^.\n]{{0,80}}\bwith\b                                                    # replace X with the real one
    """, re.X | re.I)
_SIGNS = re.compile(r"[\W_]+")
_ENDS = ("name", "here", "value", "id")
_BARE = re.compile(r"[^\W\d]\w[\w \-]*|\w+(?:[\-/:]\w+)+")    # words without quotes that may stand for themselves
_PLURAL = re.compile(r"(?<![su])s\Z|(?i:list|array)\Z")            # a parameter that may want the whole list, as text
_PLACEHOLDER = re.compile(
    r"<[^<>\n]*>|\.{3}|…|your[ _\-][\w \-]{1,40}|(?:insert|enter)[ _\-](?:your|the|a)[ _\-][\w \-]{1,40}"
    r"|(?:insert|enter)[ _\-][\w \-]{1,40}[ _\-]here|y{4}-mm-dd|n/?a|string|str|unknown|unspecified|none|null|undefined"
    r"|tbd|todo|\?+"
    r"|\[[a-z][a-z _]*\]|\{[a-z][a-z _]*\}|not[ _](?:provided|specified|given|available)", re.I | re.S)


@dataclass(slots=True)
class Span:
    """A stretch of text that is a call, or several, or says one again, and what was changed to read it so."""

    start: int
    end: int
    calls: list[tuple[str, str]]                # names, and arguments as JSON
    repairs: list[Repair]
    form: str
    nested: bool = False
    root: int = 0                               # the number of the structure that it stands in


@dataclass(slots=True)
class Known:
    """The tools of a conversation, ready to be recognised, and the kinds of repair that are not wanted."""

    tools: Sequence[Tool]
    skip: AbstractSet[str] = frozenset()
    by_name: dict[str, Tool] = field(default_factory=dict)
    exact: dict[str, Tool] = field(default_factory=dict)
    name: re.Pattern[str] = _ANY                # any known name
    start: re.Pattern[str] = _ANY               # or an opening bracket

    def __post_init__(self) -> None:
        for tool in self.tools:
            self.exact[tool.name] = tool
            self.by_name.setdefault(plain(tool.name), tool)
        words = sorted(self.exact, key=len, reverse=True)
        names = "|".join(map(_spelled, words)) if words else r"(?!)"
        self.name = re.compile(rf"(?<![\w\\])(?:{names})(?!\w)")
        self.start = re.compile(rf"[\[{{]|{self.name.pattern}")

    def tool(self, written: str) -> Tool | None:
        """The tool of a name; `functions.get_weather` is `get_weather`, where there is none of the whole name."""
        last = written.rpartition(".")[2]
        return self.exact.get(written) or self.by_name.get(plain(written)) or self.by_name.get(plain(last))

    def called(self, text: str, p: int = 0) -> int:
        """Where the first name stands that something is given to; the end of the text where there is none."""
        for m in self.name.finditer(text, p):
            if _GIVEN.match(text, m.end(), m.end() + _SEQUEL):
                return m.start()
        return len(text)

    def is_named(self, line: str) -> bool:
        """Whether a line names a function that something is given to, in it or in the next one."""
        return any(_GIVEN.match(line, m.end()) or _LAST.match(line, m.end()) for m in self.name.finditer(line))

    def begun(self, text: str) -> int:
        """How many characters at the end of a text may be the beginning of a name, or one whose sequel is not there yet."""
        for m in self.name.finditer(text, max(0, len(text) - _LONGEST)):
            if len(text) - m.end() < _SEQUEL and not _GIVEN.match(text, m.end()):
                return len(text) - m.start()
        last = _LAST_WORD.search(text, max(0, len(text) - _LONGEST))
        word = last[0] if last else ""
        tails = [plain(word[i:]) for i in (0, *(dot.end() for dot in re.finditer(r"\.", word)))]
        return len(word) if any(name.startswith(tail) for tail in tails if tail for name in self.by_name) else 0

    def spans(self, reader: Reader) -> list[Span]:
        """The outermost calls that there is evidence for, in order."""
        spans: list[Span] = []
        end = at = 0
        refused = sorted(one.offset for one in reader.oddities if one.kind in self.skip)
        for found in sorted(reader.found, key=lambda one: (one.start, -one.end)):
            if found.start < end or (span := self.span(found)) is None:
                continue
            if bisect_left(refused, found.start - _QUOTES) < bisect_left(refused, found.end):
                continue
            while at < len(reader.roots) and reader.roots[at][1] <= span.start:
                at += 1
            span.root = at
            spans.append(span)
            end = span.end
        return spans

    def span(self, found: Found) -> Span | None:
        """The call that was found, if there is evidence for it."""
        tool = self.tool(found.name)
        if tool is None:
            return None
        if found.name != tool.name and "name" in self.skip:
            return None
        for kind, given in _readings(found, tool):
            fitted = [] if kind in self.skip else [self._fitted(one, tool, found.form == OWN) for one in given]
            if fitted and all(fitted):
                span = Span(found.start, found.end, [], [], found.form, found.nested)
                if found.name != tool.name:
                    span.repairs.append(Repair("name", found.start, found.name, tool.name, tool.name))
                if kind:
                    before = _text(as_json(found.positional or found.arguments))
                    before = f"({before[1:-1]})" if found.positional else before
                    after = ", ".join([_text(one[0]) for one in fitted if one])
                    span.repairs.append(Repair(kind, found.start, shown(before), shown(after), tool.name))
                for value, changes in (one for one in fitted if one):
                    span.calls.append((tool.name, _text(value)))
                    span.repairs += [_of_change(change, found.start, tool.name) for change in changes]
                return span
        return None

    def _fitted(self, given: Any, tool: Tool, own: bool) -> tuple[dict[str, Any], tuple[Change, ...]] | None:
        """The arguments as the schema wants them; None where they are not its, or stand for others."""
        try:
            value = as_json(_as_written(given, tool))
        except _Untold:
            return None
        if not isinstance(value, (dict, list)):
            return None
        value, changes = coerce(value, tool.parameters, skip=self.skip)
        if not isinstance(value, dict) or not is_valid(value, tool.parameters):
            return None
        stands_in = not own and any(_stands_in(key, one, tool) for key, one in value.items())
        return None if stands_in else (value, changes)


class _Same:
    """A tuple of tools, known by what it is and not by what it says."""

    __slots__ = ("tools",)

    def __init__(self, tools: tuple[Tool, ...]) -> None:
        self.tools = tools

    def __hash__(self) -> int:
        return hash(tuple([id(tool) for tool in self.tools]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and len(self.tools) == len(other.tools) and all(map(is_, self.tools, other.tools))


def known_of(tools: tuple[Tool, ...], skip: AbstractSet[str] = frozenset()) -> Known:
    """What there is to know of tools, kept for the last of them: they are the same, turn after turn."""
    return _known_of(_Same(tools), frozenset(skip))


@lru_cache(64)
def _known_of(same: _Same, skip: frozenset[str]) -> Known:
    return Known(same.tools, skip)


def once(text: str, spans: Iterable[Span]) -> None:
    """What is said again elsewhere is said once: the call stays where it came first."""
    said: set[tuple[str, str]] = set()
    root = -1
    for span in spans:
        elsewhere = root != span.root or span.nested
        if elsewhere and said.issuperset(span.calls) and any(given != "{}" for _, given in span.calls):
            span.repairs = [Repair("repeated", span.start, shown(text[span.start:span.end]), "", span.calls[0][0])]
            span.calls = []
        said.update(span.calls)
        root = span.root


def taken_back(words: str) -> bool:
    """Whether the words around calls say that they are none: no function fits, or values are to be replaced."""
    return _TAKEN_BACK.search(words) is not None


def _spelled(name: str) -> str:
    r"""A name with its dots as underscores or escaped ones. One of a single word is no method of something else."""
    spelled = r"(?:\\?_|\.|-|/)".join(re.escape(part) for part in _ATOM.split(name))
    return spelled if _ATOM.search(name) else rf"(?:(?<!\.)|(?<=functions\.)|(?<=tools\.)|(?<=api\.)){spelled}"


def _stands_in(key: str, value: Any, tool: Tool) -> bool:
    """Whether a value only says what should stand in its place."""
    if not isinstance(value, str):
        return False
    properties = tool.parameters.get("properties")
    schema = properties.get(key) if isinstance(properties, Mapping) else None
    enum = schema.get("enum") if isinstance(schema, Mapping) else None
    if isinstance(schema, Mapping) and (value == schema.get("default") or (isinstance(enum, list) and value in enum)):
        return False
    value = value.strip()
    if not value:
        return key in (tool.parameters.get("required") or ())
    if _PLACEHOLDER.fullmatch(value):
        return True
    if len(value) > 2 * len(key) + 9:                   # far too long to be the parameter's own name
        return False
    name, word = _SIGNS.sub("", key).lower(), _SIGNS.sub("", value).lower()
    return len(name) > 1 and name in word and word in {name, *(name + end for end in _ENDS), f"the{name}", f"some{name}"}


def _readings(found: Found, tool: Tool) -> Iterator[tuple[str, list[Any]]]:
    """The ways to take what stands for the arguments: the kind of repair that it is, and one or more objects."""
    given, properties = found.arguments, tool.parameters.get("properties")
    declared = list(properties) if isinstance(properties, Mapping) else []
    if found.positional:
        if not given and all(isinstance(one, Mapping) for one in found.positional):
            yield "positional object", found.positional
        if len(found.positional) <= len(declared):
            named = dict(zip(declared, found.positional, strict=False))
            if not named.keys() & given.keys():
                yield "positional", [{**named, **given}]
        return
    if isinstance(given, str):
        given = _object_in(given)
    elif found.form == "tags":
        given = {key: _of_tag(value, properties, key, tool) for key, value in given.items()}
    elif found.form in ("name before object", "name as key") and not given:
        return                                          # `Right now {}`: too little to tell
    elif found.form == "flat object":
        given = {key: value for key, value in given.items() if key in declared or key not in ASIDE}
    yield "", [{} if given is None else given]
    if found.form != OWN and isinstance(given, Mapping) and (several := _spread(given, tool)):
        yield "spread", several


def _of_tag(value: str, properties: Any, key: str, tool: Tool) -> Any:
    """What stands between tags: text, unless the schema wants a list or an object there."""
    types = types_of(properties.get(key), tool.parameters) if isinstance(properties, Mapping) else None
    return value if types is None or "string" in types else _object_in(value)


def _spread(given: Mapping[str, Any], tool: Tool) -> list[dict[str, Any]]:
    """One call for each element, where a list came for a single value: `rate(of=["gold", "silver"])`."""
    properties = tool.parameters.get("properties")
    if not isinstance(properties, Mapping):
        return []
    lists = {key: value for key, value in given.items() if isinstance(value, list)
             and "array" not in (types_of(properties.get(key), tool.parameters) or ("array",))}
    if any(_PLURAL.search(key) for key in lists):
        return []
    sizes = {len(value) for value in lists.values()}
    if len(sizes) != 1 or not 2 <= (size := sizes.pop()) <= SPREAD:
        return []
    return [{key: lists[key][i] if key in lists else value for key, value in given.items()} for i in range(size)]


def _object_in(text: str) -> Any:
    """The object that a string holds; the string itself where it holds none."""
    reader = Reader(text.strip(), {})
    reader.read(_ANY)
    return reader.last if reader.roots == [(0, len(reader.text))] else text


def as_json(value: Any) -> Any:
    """What was read, as JSON has it; code stays as it was written."""
    if isinstance(value, (Invoked, Unknown)):
        raise _Untold
    if isinstance(value, Mapping):
        return {str(key): as_json(one) for key, one in value.items()}
    if isinstance(value, list):
        return [as_json(one) for one in value]
    if isinstance(value, Code):
        if not _BARE.fullmatch(value) or type_name(value):
            raise _Untold
        return str(value)
    return value


class _Untold(Exception):
    """A value that cannot be told from what is written."""


def _as_written(given: Any, tool: Tool) -> Any:
    """Numbers without quotes as they were written, where a string is due: 007 is not 7."""
    properties = tool.parameters.get("properties")
    if not isinstance(given, Mapping) or not isinstance(properties, Mapping):
        return given
    texts = {key: value.text for key, value in given.items() if isinstance(value, (Int, Float))
             and types_of(properties.get(key), tool.parameters) == ("string",)}
    return {**given, **texts} if texts else given


def _of_change(change: Change, offset: int, name: str) -> Repair:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in change.path).lstrip(".")
    return Repair(change.kind, offset, shown(_text(change.before)), shown(_text(change.after)), name, path)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def shown(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN - 1] + "…"
