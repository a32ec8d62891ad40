"""The spec language: what one model family writes and reads, as plain data.

A template is a tuple. A string is text on the wire, a slot is a hole, an encoding stands where the arguments go:

    ("[TOOL_CALLS]", NAME, "[ARGS]", Json())

Nothing in this file runs anything: `check`, `render`, `parse` and `grammar` are readings of the same data.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import wraps
from typing import Any, Literal, TypeVar, Union


class Slot(Enum):
    """A hole in a template."""

    # in replies
    TEXT = "free text, up to the literal that follows"
    CALLS = "one or more calls"
    NAME = "the function's name"
    ECHO = "the function's name once more: written, and read over"
    ID = "the call's id"
    INDEX = "the call's position in the conversation, from 0"
    NUMBER = "the call's position in its reply, from 1"
    KEY = "one argument's name, inside Tagged"
    VALUE = "one argument's value, inside Tagged"
    IS_STR = '"true" if the value is raw text, else "false", inside Tagged'
    TYPE = 'the type of the value in words of JSON schema, "string" if it is raw text, inside Tagged'
    # in prompts
    CONTENT = "the words of a message"
    QUOTED = "the words of a message as a JSON string"
    REPLY = "a reply, as the dialect writes it"
    RESULTS = "one or more results"
    SYSTEM = "the system message, where it stands inside a user turn"
    TOOLS = "the section that tells of the tools, in the one turn that carries it"
    LIST = "the tools themselves, inside the tools section"
    TOOL = "one tool, as its author wrote it"
    FUNCTION = "one tool's function object"
    NAMES = "the names of the tools, as a JSON list"
    DESCRIPTION = "one tool's description"
    PARAMETERS = "one tool's JSON schema"
    TODAY = "the date, YYYY-MM-DD"
    PARSED = "the words of a message as JSON: as they stand if they are JSON, else as a string"


TEXT, CALLS, NAME, ECHO, ID, INDEX, NUMBER, KEY, VALUE, IS_STR, TYPE = list(Slot)[:11]
(CONTENT, QUOTED, REPLY, RESULTS, SYSTEM, TOOLS, LIST, TOOL, FUNCTION, NAMES, DESCRIPTION, PARAMETERS, TODAY,
 PARSED) = list(Slot)[11:]


@dataclass(frozen=True, init=False)
class Either:
    """Spellings of one literal: the first is written, any is read."""

    options: tuple[str, ...]

    def __init__(self, *options: str) -> None:
        object.__setattr__(self, "options", options)


@dataclass(frozen=True)
class When:
    """A literal that depends on the conversation; only in `Turns`.

    `tools`: there are tools. `system`: a system message was given. `both`: there are both.
    `last`: this turn is the last one. `thinking`, `no-thinking`: the caller asked for it, or for none;
    `unasked`: for neither.
    `called`: the reply that it closes holds calls; in `assistant` alone, behind REPLY.
    `left`: after these results comes a turn that is no reply; in `results` alone, behind RESULTS.
    `silent`: the turn holds calls and no words; `dropped`: it is an answer whose reasoning history leaves out; both in
    `no_reasoning` alone.
    """

    flag: Literal["tools", "system", "both", "last", "thinking", "no-thinking", "unasked", "called", "left", "silent",
                  "dropped"]
    then: str
    otherwise: str = ""


# -- encodings: how the arguments of a call are written ---------------------------------------------------


@dataclass(frozen=True)
class Json:
    """`{"city": "Paris", "days": 2}`"""

    separators: tuple[str, str] = (", ", ": ")


@dataclass(frozen=True)
class Pythonic:
    """`city="Paris", days=2`, as Python's repr writes each value; with `json`, as JSON writes it.

    With `nested` a value may itself be a call, which is read as `{"$call": NAME, "arguments": {...}}`, and arguments
    may stand without their names, in declared order. Constraints write neither.
    """

    json: bool = False
    nested: bool = False


@dataclass(frozen=True)
class Tagged:
    """One template an argument, over KEY, VALUE and perhaps IS_STR or TYPE. Strings are written raw.

    Other values are JSON; with `python`, all of them but objects are what Python's str() gives, or only those that are
    neither objects nor lists, or all. With `nested`, objects and lists are tags within tags: a member under its key, an
    element under the key that `nested` is; empty ones are empty. With `cdata`, a string that holds `<`, `&` or a line
    break stands between CDATA's markers; in others, XML's five entities are read.
    """

    each: Template
    python: bool | Literal["scalars", "all"] = False
    nested: str = ""
    cdata: bool = False


CDATA = ("<![CDATA[", "]]>")


@dataclass(frozen=True)
class Delimited:
    """`{city:<|"|>Paris<|"|>,days:2}`: JSON with bare keys, strings raw between two of `quote`, and no spaces.

    With `ordered`, the keys of every object are written in alphabetical order.
    """

    quote: str
    ordered: bool = True


@dataclass(frozen=True)
class Raw:
    """The whole text is one string argument of this name: code, or the input of a custom tool. Without a name, it is
    the first that the function declares, "input" where none is known."""

    key: str = "code"


@dataclass(frozen=True)
class Custom:
    """The hatch: an encoding as code.

    `write(arguments) -> text`; `read(cursor, emit)` is a generator over a `cursor.Cursor` that emits JSON;
    `rule(schema) -> grammar rule`.
    """

    write: Callable[[Mapping[str, Any]], str]
    read: Callable[[Any, Callable[[str], None]], Iterator[None]]
    rule: Callable[[Mapping[str, Any]], Any]


Encoding = Union[Json, Pythonic, Tagged, Delimited, Raw, Custom]


@dataclass(frozen=True)
class Object:
    """A JSON object some of whose members are slots: written in this order, read in any.

    `also` holds other keys that are read for the same slots, never written. With `indent` each member stands in a line
    of its own, so many spaces further in than the object, which itself stands `margin` spaces in; the arguments stay
    in one line.
    """

    fields: Any                      # a dict when given, a tuple of pairs when held, so that a dialect can be hashed
    also: Any = ()
    separators: tuple[str, str] = (", ", ": ")
    indent: int = 0
    margin: int = 0

    def __post_init__(self) -> None:
        for name in ("fields", "also"):
            given = getattr(self, name)
            object.__setattr__(self, name, tuple(given.items()) if isinstance(given, Mapping) else tuple(given))


Node = Union[str, Slot, Either, When, Object, Json, Pythonic, Tagged, Delimited, Raw, Custom]
Template = tuple[Node, ...]
Listed = Union[str, tuple[tuple[str, bool], ...]]        # all the tools: a text, or pieces (text, is it markup)


_T = TypeVar("_T")


def remember(compute: Callable[..., _T]) -> Callable[..., _T]:
    """Keep what is computed of a dialect. It is looked up by identity: hashing so deep a thing each time costs more
    than reading a reply."""
    kept: dict[tuple[Any, ...], tuple[Any, _T]] = {}

    @wraps(compute)
    def look_up(data: Any, *rest: Any) -> _T:
        key = (id(data), *rest)
        found = kept.get(key)
        if found is None:
            if len(kept) >= 512:
                kept.clear()
            found = kept[key] = (data, compute(data, *rest))     # holding the data keeps its identity its own
        return found[1]

    return look_up


# -- a dialect --------------------------------------------------------------------------------------------


FITTING = "?"


@dataclass(frozen=True)
class Calls:
    """How the calls of a reply are written.

    `gap` is white space written between content and the calls after it. With `at_start` there is no opening
    marker worth the name: calls can only begin a reply. `name` is the function, where the format does not write it;
    FITTING is the one that the arguments fit, if it is one alone.
    """

    each: Template
    around: Template = (CALLS,)
    between: str = ""
    gap: str = ""
    at_start: bool = False
    name: str = ""


@dataclass(frozen=True)
class Turns:
    """The prompt side: how each role is framed, where the tools go, how results come back.

    A template is over the slots named beside it; every literal in it is markup, encoded with special tokens.
    """

    user: Template                                   # CONTENT; TOOLS and SYSTEM where they stand in it; INDEX, NAMES
    assistant: Template                              # REPLY
    results: Template                                # RESULTS: the results that follow one another; NAMES
    result: Template                                 # CONTENT or QUOTED or PARSED, NAME, ID, INDEX, NUMBER
    result_between: str = ""
    system: Template = ()                            # CONTENT, TOOLS
    later_system: Template | None = None             # a system message that is not the first; None: as the first
    start: Template = ()                             # what every prompt begins with; TODAY; TOOLS, if they are "own"
    reply_starts: Template = ()                      # what a prompt ends with, where the reply begins
    tools: Template = ()                             # LIST, TODAY: the section that stands where TOOLS is
    tools_at: Literal["own", "system", "first-user", "last-user"] = "system"   # own: right after `start`
    tool: Template = (TOOL,)                         # TOOL, FUNCTION, NAME, DESCRIPTION, PARAMETERS
    tool_between: str = "\n"
    tool_indent: int | None = None                   # of the JSON in `tool`
    listing: Callable[[Sequence[Mapping[str, Any]]], Listed] | None = None   # the hatch: all the tools, in place of `tool`
    default_system: Template = ()                    # when no system message is given; TODAY, When
    default_with_tools: bool = False                 # and only when there are tools
    system_always: bool | Literal["thinking"] = False    # a system turn stands even with nothing to say (when thinking)
    system_joins: str | None = None                  # all system messages are one, joined by this
    system_in: Literal["last-turn", "last-user", "first-user"] = "last-turn"   # the user turn that SYSTEM stands in
    empty_system: bool = True                        # an empty system message is still a message
    trim: frozenset[str] = frozenset()               # of: system, user, called (content beside calls), assistant (all
                                                     # other content, and reasoning), answer (that content alone),
                                                     # result
    content_with_calls: Literal["kept", "dropped", "reasoning"] = "kept"       # what history makes of it
    beside_calls: Template | None = None             # TEXT: the words beside past calls, even none; None: as elsewhere
    answer: Template | None = None                   # TEXT, When: the words of a past turn without calls; None: likewise
    past_calls: Literal["kept", "dropped", "after-user"] = "kept"    # what history makes of calls; after-user: results
                                                     # of calls before the last question go with them
    one_call: bool = False                           # a turn holds one call: more are told as turns of their own
    header_once: bool | Literal["results"] = False   # after results the reply goes on without a new header (True: and
                                                     # after another reply)
    goes_on: Template = ()                           # with `header_once`: in place of `reply_starts`, after results
    history: Calls | None = None                     # how past calls are spelled, where replies spell them otherwise
    final_closer: str = ""                           # closes the content that ends a finished conversation
    last_closer: str = ""                            # closes the reply that does, in place of what closes others
    reasoning: Literal["all", "after-user", "until-answer", "open-calls", "with-calls", "with-tools", "none"] = "after-user"
                                                     # what history keeps of it; with-calls: of turns with calls;
                                                     # open-calls: of those that no answer follows yet; with-tools: all
                                                     # if there are tools, else after-user
    unthought: bool | Literal["unasked"] = False     # where the caller asks for no thinking, it keeps none; unasked:
                                                     # unless the caller asks for thinking
    empty_reasoning: Literal["never", "last", "kept", "always"] = "never"      # write the block with nothing in it; kept:
                                                     # wherever history would keep some
    no_reasoning: Template = ()                      # stands where a past turn tells of no reasoning
    no_reasoning_kept: Template = ()                 # and in its place where history would keep some
    id_pattern: str | None = None                    # the ids that this family knows; others are mapped to it
    date: Callable[[datetime.date], str] | None = None     # TODAY as this family writes a date; None: YYYY-MM-DD
    today_with_tools: bool = False                   # TODAY is told only where there are tools


@dataclass(frozen=True)
class Dialect:
    """How one model family writes replies and reads tools: frozen data, no code."""

    name: str
    calls: Calls
    accept: tuple[Calls, ...] = ()                   # whole other spellings: read, never written
    content: Template = (TEXT,)
    reasoning: Template | None = None
    call_ends_reasoning: bool = False                # a marker of another block closes an open one; else it is text
    join: str = ""                                   # between two parts of a reply
    stop: tuple[str, ...] = ()
    noise: tuple[str, ...] = ()                      # markup that means nothing: read over, never written
    special: frozenset[str] = frozenset()            # literals that are single tokens in this model's vocabulary
    turns: Turns | None = field(default=None, repr=False)
    repaired: Turns | None = field(default=None, repr=False)     # the turns without what its chat template gets wrong


def encoding_of(calls: Calls) -> Encoding:
    """The encoding that stands in a call."""
    for node in calls.each:
        if isinstance(node, Object):
            node = next((v for _, v in node.fields if not isinstance(v, Slot)), node)
        if isinstance(node, (Json, Pythonic, Tagged, Delimited, Raw, Custom)):
            return node
    raise ValueError(f"no encoding in {calls.each!r}")


def map_literals(value: Any, change: Callable[[str], str]) -> Any:
    """A dialect, or any part of one, with every literal of its reply side changed."""
    match value:
        case str():
            return change(value)
        case tuple():
            return tuple(map_literals(v, change) for v in value)
        case Either(options):
            return Either(*(change(o) for o in options))
        case Tagged(each):
            return replace(value, each=map_literals(each, change))
        case Delimited(quote, ordered):
            return Delimited(change(quote), ordered)
        case Calls():
            return Calls(map_literals(value.each, change), map_literals(value.around, change), change(value.between),
                         change(value.gap), value.at_start, value.name)
        case Dialect():
            return Dialect(value.name, map_literals(value.calls, change), map_literals(value.accept, change),
                           map_literals(value.content, change), map_literals(value.reasoning, change),
                           value.call_ends_reasoning, change(value.join), map_literals(value.stop, change),
                           map_literals(value.noise, change), value.special, value.turns, value.repaired)
        case _:
            return value


def is_bare(content: Template) -> bool:
    """Does content have no markers of its own?"""
    return not any(n.strip() for node in content if isinstance(node, (str, Either))
                   for n in (node.options if isinstance(node, Either) else (node,)))
