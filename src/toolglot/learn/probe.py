"""A chat template under test: conversations in OpenAI's shape go in as this template wants them, texts come out.

The one rule: whoever asks says what is meant, in one shape (arguments as objects, `content` None where nothing is said,
`reasoning_content`), and never how this template likes it. What it likes (`Manner`) is found out once, by trying.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from os.path import commonprefix
from types import TracebackType
from typing import Any, Literal

from ..chat_template import Apart, TemplateError, TemplateLimit
from ..message import ToolglotError

TODAY = "2024-07-26"
Message = Mapping[str, Any]
NOTHING: tuple[Literal["", "none", "absent"], ...] = ("", "none", "absent")
CLOSING = re.compile(r"(?i)end|eo[tsm]|stop|/s>|/INST")       # how markers that close a turn are called
REASONING = ("reasoning_content", "reasoning", "thinking", "thought")


class LearnError(ToolglotError):
    """What of a chat template was not understood, and what it prints there."""


@dataclass(frozen=True)
class Manner:
    """How a template wants what a conversation says.

    `arguments`: a JSON object, or its text. `nothing`: what `content` is beside calls where nothing is said.
    `reasoning`: the key of a message that holds it; "parts" where it is a part of the content of type "thinking"; ""
    where the template prints none. `mutable`: it changes its lists, as llama.cpp allows. `result`: a result is a text,
    or a list of parts, and so is `content`, of any message. `flat`: a call's name stands beside its id. `tools`: it takes
    tools. `given`: variables that it cannot do without, each with "functions" (the tools' function objects as indented
    JSON) or "date" (today). `calls`: it prints calls at all.
    """

    arguments: Literal["object", "text"] = "object"
    nothing: Literal["", "none", "absent"] = ""
    reasoning: str = ""
    mutable: bool = False
    result: Literal["text", "parts"] = "text"
    content: Literal["text", "parts"] = "text"
    flat: bool = False
    tools: bool = True
    given: tuple[tuple[str, str], ...] = ()
    calls: bool = True


@dataclass(frozen=True)
class Names:
    """What the source of a template speaks of: its free variables, the keys that it looks up, its texts."""

    variables: frozenset[str]
    keys: frozenset[str]
    texts: tuple[str, ...]


class Probe:
    """One chat template, asked again and again; a context manager, or `close` it.

    `render` raises TemplateError; `attempt` gives None instead. Both remember what they were answered. Not for several
    threads at once.
    """

    def __init__(self, source: str, *, bos: str = "", eos: str = "", today: str = TODAY, seconds: float = 120.0) -> None:
        self.source, self.bos, self.eos, self.today = source, bos, eos, today
        self.renderings = 0
        self._until = time.monotonic() + seconds
        self._apart = {m: Apart(source, bos=bos, eos=eos, today=today, mutable=m) for m in (False, True)}
        self._seen: dict[str, str | TemplateError] = {}
        self._words: dict[str, str] = {}

    # -- asking

    def render(self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]] | None = None, *,
               reply_starts: bool = False, fresh: bool = False, manner: Manner | None = None, **given: Any) -> str:
        """What the template prints. `given` are more of its variables; `fresh`: ask it again; `manner`: not as it likes."""
        how = manner or self.manner
        asked = [in_manner(m, how) for m in messages]
        for variable, what in how.given:
            given.setdefault(variable, self.today if what == "date" else json.dumps(
                [t["function"] for t in tools or ()], indent=4, ensure_ascii=False))
        tools = tools if how.tools else None
        key = json.dumps([asked, tools, reply_starts, how.mutable, sorted(given.items())])
        if fresh or key not in self._seen:
            self._seen[key] = self._ask(asked, tools, reply_starts, how.mutable, given)
        found = self._seen[key]
        if isinstance(found, TemplateError):
            raise found
        return found

    def attempt(self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]] | None = None,
                **options: Any) -> str | None:
        """The same, or None where the template refuses."""
        try:
            return self.render(messages, tools, **options)
        except TemplateError:
            return None

    def _ask(self, messages: Any, tools: Any, reply_starts: bool, mutable: bool, given: Any) -> str | TemplateError:
        if time.monotonic() > self._until:
            raise LearnError("chat template: it was looked at for as long as it may be; it renders too slowly")
        self.renderings += 1
        try:
            return self._apart[mutable].render(messages, tools, reply_starts=reply_starts, **given)
        except TemplateLimit as error:
            raise LearnError(str(error)) from None           # once is enough: it would be so each time
        except TemplateError as error:
            return error

    def on(self, today: str) -> Probe:
        """The same template and the same words on another day."""
        other = Probe(self.source, bos=self.bos, eos=self.eos, today=today)
        other._words = dict(self._words)
        other.__dict__["manner"] = self.manner
        return other

    def close(self) -> None:
        for apart in self._apart.values():
            apart.close()

    def __enter__(self) -> Probe:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    # -- words that can come from nowhere else

    def word(self, what: str) -> str:
        """A word for `what`, always the same one: letters alone, in no other word and not in the template."""
        if what not in self._words:
            taken = set(self._words.values())
            low = self.source.lower()
            self._words[what] = next(w for w in _words() if w not in taken and w not in low)
        return self._words[what]

    def id(self, n: int) -> str:
        """The id of a conversation's call number n: nine letters and digits, as the strictest want them."""
        return f"{self.word('id')}{n:02d}"[-9:]

    # -- what it speaks of

    @cached_property
    def names(self) -> Names:
        """What its source speaks of: read, not run."""
        from jinja2 import nodes

        from ..chat_template.environment import parsed

        tree = parsed(self.source)
        bound = {n.name for n in tree.find_all(nodes.Name) if n.ctx != "load"}
        bound |= {m.name for m in tree.find_all(nodes.Macro)}
        variables = {n.name for n in tree.find_all(nodes.Name) if n.ctx == "load"} - bound
        texts = [c.value for c in tree.find_all(nodes.Const) if isinstance(c.value, str)]
        keys = {n.attr for n in tree.find_all(nodes.Getattr)} | {t for t in texts if t.isidentifier()}
        return Names(frozenset(variables), frozenset(keys), tuple(dict.fromkeys(texts)))

    # -- how it wants things

    @cached_property
    def manner(self) -> Manner:
        """How this template wants what a conversation says. Raises LearnError where it prints nothing at all."""
        for whole, base in product((True, False), _bases()):
            given = self._needs(base)
            shown: dict[str, tuple[Manner, str]] = {}
            for arguments, nothing in product(("object", "text"), NOTHING):
                how = replace(base, arguments=arguments, nothing=nothing, given=given)  # type: ignore[arg-type]
                text = self.attempt(self.called(), self.tools(), manner=how)
                # saying nothing in the fewest characters says nothing
                if text and self._tells(text, whole) and (arguments not in shown or len(text) < len(shown[arguments][1])):
                    shown[arguments] = (how, text)
            if shown:
                break
        else:
            return Manner(mutable=self._plain_mutable(), calls=False)
        how = self._preferred(shown)
        return replace(how, reasoning=self._reasoning_key(how))

    def _needs(self, how: Manner) -> tuple[tuple[str, str], ...]:
        """The variables that it says are missing, as far as their names tell what they are."""
        given: dict[str, str] = {}
        while True:
            try:
                self.render(self.called(), self.tools(), manner=replace(how, given=tuple(given.items())))
            except TemplateError as error:
                name = next((v for v in self.names.variables if f": '{v}' is undefined" in str(error)), "")
                what = "functions" if "function" in name or "tool" in name else "date" if "date" in name else ""
                if not what or name in given:
                    return tuple(given.items())
                given[name] = what
            else:
                return tuple(given.items())

    def _preferred(self, shown: Mapping[str, tuple[Manner, str]]) -> Manner:
        """As an object, unless that comes out as Python's, or not apart from its text, while its text is as it is."""
        if "object" not in shown or "text" not in shown:
            return next(iter(shown.values()))[0]
        key, value = self.word("key"), self.word("value")
        as_json, as_repr = json.dumps({key: value}), repr({key: value})
        (how, one), (text, other) = shown["object"], shown["text"]
        if as_repr in one and as_json in other and as_json not in one:
            return text
        return how

    def _tells(self, text: str, whole: bool) -> bool:
        """Is all of a call printed, and with `whole` the question, too?"""
        return all(self.word(w) in text for w in ("name", "key", "value", *(("user",) if whole else ())))

    def _plain_mutable(self) -> bool:
        talk = [{"role": "user", "content": self.word("user")}]
        for mutable in (False, True):
            if self.word("user") in (self.attempt(talk, manner=Manner(mutable=mutable)) or ""):
                return mutable
        return False

    def _reasoning_key(self, how: Manner) -> str:
        """The key under which reasoning is printed, beside calls or in an answer, wherever one of them keeps it."""
        likely = sorted(k for k in self.names.keys if any(w in k.lower() for w in ("reason", "think", "thought", "plan")))
        thought, parts = self.word("thought"), ["parts"] * ("thinking" in self.names.texts)
        for key in dict.fromkeys((*(k for k in REASONING if k in self.names.keys), *likely, *parts)):
            for talk in self.thinking_talks():
                text = self.attempt(talk, self.tools(), manner=replace(how, reasoning=key)) or ""
                if thought in text and not any(f"{q}thinking{q}: {q}{thought}" in text for q in "'\""):    # a list as it is
                    return key
        return ""

    @cached_property
    def appended(self) -> str:
        """What it prints at the end of every conversation, asked or not: the header of a next reply, a reminder."""
        asked = (self.attempt([self.user()], self.tools()) or "").rpartition(self.word("user"))[2]
        answered = (self.attempt([self.user(), self.assistant()], self.tools()) or "").rpartition(self.word("answer"))[2]
        end = commonprefix((asked[::-1], answered[::-1]))[::-1]
        at = next((i for i in range(len(end)) if end[i] in "<[\n"), len(end))
        end = end if end in (asked, answered) else end[at:]
        first = re.match(r"\s*(?:<[^<>\s]*>|\S+)\s*", end)             # what closes the turn is not meant
        if first and (end == asked == answered or CLOSING.search(first[0])):
            end = end[first.end():]
        return end if end.strip() else ""

    # -- conversations that show it

    def tools(self, *names: str, keys: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Tools of these names, each with these arguments, all strings; without names, one."""
        properties = {k: {"type": "string", "description": self.word("about")} for k in keys or (self.word("key"),)}
        return [{"type": "function", "function": {
            "name": n, "description": self.word("description"),
            "parameters": {"type": "object", "properties": properties, "required": list(properties)}}}
            for n in names or (self.word("name"),)]

    def user(self, n: int = 0) -> dict[str, Any]:
        return {"role": "user", "content": self.word(f"user{n or ''}")}

    def call(self, name: str | None = None, arguments: Mapping[str, Any] | None = None, n: int = 0) -> dict[str, Any]:
        """A call as it stands in `tool_calls`, with the id of the conversation's call number n."""
        given = {self.word("key"): self.word("value")} if arguments is None else dict(arguments)
        return {"id": self.id(n), "type": "function", "function": {"name": name or self.word("name"), "arguments": given}}

    def assistant(self, *calls: Mapping[str, Any], content: str | None = None,
                  reasoning: str | None = None) -> dict[str, Any]:
        """A reply; with neither calls nor content, an answer of the word for "answer"."""
        said = content if calls or content is not None else self.word("answer")
        return {"role": "assistant", "content": said, **({"reasoning_content": reasoning} if reasoning is not None else {}),
                **({"tool_calls": list(calls)} if calls else {})}

    def results(self, reply: Mapping[str, Any]) -> list[dict[str, Any]]:
        """A result to each call of a reply."""
        return [{"role": "tool", "tool_call_id": c["id"], "name": c["function"]["name"],
                 "content": self.word(f"result{i or ''}")} for i, c in enumerate(reply.get("tool_calls", ()))]

    def called(self, *calls: Mapping[str, Any]) -> list[dict[str, Any]]:
        """A question, calls (or one), and their results."""
        reply = self.assistant(*(calls or (self.call(),)))
        return [self.user(), reply, *self.results(reply)]

    def thinking_talks(self) -> Iterator[list[dict[str, Any]]]:
        thought = self.word("thought")
        reply = self.assistant(self.call(), reasoning=thought)
        yield [self.user(), reply, *self.results(reply)]
        yield [self.user(), reply]
        yield [self.user(), self.assistant(reasoning=thought)]
        yield [self.user(), reply, *self.results(reply), self.assistant(), self.user(1)]
        yield [self.user(), self.assistant(reasoning=thought), self.user(1)]


def _bases() -> Iterator[Manner]:
    """Ways to be told, the usual one first."""
    for tools, result, mutable in product((True, False), ("text", "parts"), (False, True)):
        yield Manner(mutable=mutable, result=result, tools=tools)  # type: ignore[arg-type]
    yield Manner(content="parts", result="parts")
    yield Manner(flat=True)


def in_manner(message: Message, how: Manner) -> dict[str, Any]:
    """A message as this template wants it."""
    out = dict(message)
    if isinstance(said := out.get("content"), str) and said and (how.result if out.get("role") == "tool" else
                                                                 how.content) == "parts":
        out["content"] = [{"type": "text", "text": said}]
    if out.get("role") != "assistant":
        return out
    if out.get("tool_calls"):
        out["tool_calls"] = [_callin_manner(c, how) for c in out["tool_calls"]]
        if not out.get("content"):
            out["content"] = "" if how.nothing == "" else None
            if how.nothing == "absent":
                del out["content"]
    reasoning = out.pop("reasoning_content", None)
    if reasoning is not None and how.reasoning == "parts":
        said = out.get("content")
        told = said if isinstance(said, list) else [{"type": "text", "text": said}] if said else []
        out["content"] = [{"type": "thinking", "thinking": reasoning}, *told]
    elif reasoning is not None and how.reasoning:
        out[how.reasoning] = reasoning
    return out


def _callin_manner(call: Mapping[str, Any], how: Manner) -> dict[str, Any]:
    function = dict(call["function"])
    if how.arguments == "text":
        function["arguments"] = json.dumps(function["arguments"], ensure_ascii=False)
    return {"id": call["id"], **function} if how.flat else {**call, "function": function}


def _words() -> Iterator[str]:
    """Words of seven letters; q stands in front alone, so that none of them begins inside of two others."""
    for letters in product("vzxjk", "aeiou", "bdfglmnprst", "aeiou", "bdfglmnprst", "aeiou"):
        yield "q" + "".join(letters)
