"""The turns of a row as they are read, and whether they are sound: ids matched, order kept, every call of a declared tool.

The one rule: what is harmless is mended in silence, what would teach a model something wrong is a RowError with its place.

Mended: a call without an id, or with one that another call of the row has, gets `call_N`, N its place among the row's
calls; a result finds its call by id, then by name, then by order; results stand in the order of their calls; values
encoded twice, Python's literals, names of tools that no dialect could write; a reply that begins with `<think>` is split.

Errors, by their `reason` (the headings of a summary):

- not an object, no turns, unknown role, not text, empty reply, nothing to learn: the row is not what its shape says
- broken JSON, broken call, nested too deep: something in it cannot be read
- not a tool, not a schema, two tools of one name: what it declares cannot be used
- undeclared tool: a call of a tool that the row does not declare
- result without a call: nothing that waits for a result is answered by it
- call without a result: the conversation goes on although a call has none; at its end, a call may wait
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..message import Assistant, Call, Part, Reasoning, Result, System, Text, Turn, User, sound
from . import loose
from .declared import NONE, Declared, fitting
from .row import Row, RowError

_THOUGHT = re.compile(r"\s*<think>(.*?)</think>\s*", re.S)
_NAMES = ("name", "tool_name", "function_name", "tool")
_ARGUMENTS = ("arguments", "parameters", "args", "kwargs", "tool_input")


class Talk:
    """The turns of one row, told one after another. `key` and `at` are the place of the turn that is being told."""

    __slots__ = ("_answers", "_calls", "_ids", "_waiting", "at", "declared", "key", "turns", "weights")

    def __init__(self, declared: Declared = NONE, key: str = "messages") -> None:
        self.declared, self.key, self.at = declared, key, 0
        self.turns: list[Turn] = []
        self.weights: dict[int, float] = {}
        self._calls = 0                                             # of the row so far
        self._ids: set[str] = set()                                 # of its calls
        self._waiting: list[tuple[str | None, Call] | None] = []    # calls of the last reply: the id they came with
        self._answers: list[tuple[int, Result]] = []                # and the results that have come

    def wrong(self, reason: str, detail: str = "", inside: str = "") -> RowError:
        return RowError(reason, f"{self.key}[{self.at}]{inside}", detail)

    # -- turns

    def system(self, text: str) -> None:
        self._settled()
        self.turns.append(System(text if text.isascii() else sound(text)))

    def user(self, text: str) -> None:
        self._settled()
        self.turns.append(User(text if text.isascii() else sound(text)))

    def reply(self, parts: Sequence[Part], weight: float | None = None) -> None:
        self._settled()
        if not parts:
            raise self.wrong("empty reply", "expected words or calls, found neither")
        if weight is not None:
            self.weights[len(self.turns)] = weight
        if len(parts) == 1 and parts[0].__class__ is Text:
            self.turns.append(Assistant((parts[0],)))
            return
        self._waiting = []
        self.turns.append(Assistant(tuple([self._known(p) if p.__class__ is Call else p for p in parts])))

    def more(self, parts: Sequence[Part], weight: float | None = None) -> None:
        """Calls that are turns of their own in the source: part of the reply before them, if nothing has come since."""
        last = self.turns[-1] if self.turns and not self._answers else None
        if not isinstance(last, Assistant) or not all(isinstance(p, Call) for p in parts):
            self.reply(parts, weight)
            return
        self.turns[-1] = Assistant((*last.parts, *(self._known(p) for p in parts if isinstance(p, Call))))
        if weight is not None:
            self.weights[len(self.turns) - 1] = weight

    def result(self, text: str, name: str | None = None, id: str | None = None) -> None:
        n = self._answered(name, id)
        call = self._waiting[n][1]  # type: ignore[index]
        self._waiting[n] = None
        self._answers.append((n, Result(text if text.isascii() else sound(text), call.name, call.id)))

    def results(self, given: Any, name: str | None = None, id: str | None = None) -> None:
        """What came back, as the source has it: one text, or a list that answers each of several calls."""
        if id is None and (waiting := sum(w is not None for w in self._waiting)) > 1:
            listed = given
            if isinstance(given, str) and given.lstrip()[:1] == "[":
                try:
                    listed = loose.read(given, "")
                except RowError:
                    listed = None
            if isinstance(listed, list) and len(listed) == waiting:
                for one in listed:
                    inner, called = _unwrapped(one)
                    self.result(inner, called)
                return
        self.result(as_text(given, self), name, id)

    # -- what is sound

    def _known(self, call: Call) -> Call:
        """The call with the name that its tool has here, and an id of its own."""
        name = self.declared.names.get(call.name)
        if name is None:
            name = self.declared.names.get(fitting(call.name)) if call.name.strip() else None
            if name is None:
                known = ", ".join([t.name for t in self.declared.tools[:8]]) or "none"
                raise self.wrong("undeclared tool", f"{loose.shown(call.name)} is called, the tools are {known}")
        id = call.id
        if not id or id in self._ids:
            id = f"call_{self._calls}"
            while id in self._ids:
                id += "_"
        self._calls += 1
        self._ids.add(id)
        made = Call(name, call.arguments, id)
        self._waiting.append((call.id, made))
        return made

    def _answered(self, name: str | None, id: str | None) -> int:
        """Which of the calls that wait is answered."""
        waiting = self._waiting
        if id is not None:
            for n, one in enumerate(waiting):
                if one and id in (one[0], one[1].id):
                    return n
            if any(one and one[0] for one in waiting):
                raise self.wrong("result without a call", f"no call {loose.shown(id)} waits for one")
        if name is not None:
            called = self.declared.names.get(name, name)
            for n, one in enumerate(waiting):
                if one and one[1].name == called:
                    return n
            if called in self.declared.names or not any(waiting):
                raise self.wrong("result without a call", f"no call of {loose.shown(name)} waits for one")
        for n, one in enumerate(waiting):
            if one:
                return n
        raise self.wrong("result without a call", "no call waits for one")

    def _settled(self) -> None:
        """The results of the last calls are all there, and in order."""
        if not self._waiting:
            return
        for one in self._waiting:
            if one:
                raise self.wrong("call without a result", f"{one[1].name} was called, and the conversation goes on")
        self._flush()

    def _flush(self) -> None:
        self._answers.sort(key=lambda answer: answer[0])
        self.turns += [result for _, result in self._answers]
        self._waiting, self._answers = [], []

    # -- the end

    def row(self, parallel: bool | None = None, rejected: Sequence[Part] | None = None,
            extra: Mapping[str, Any] | None = None) -> Row:
        self._flush()
        if not self.turns:
            raise RowError("no turns", self.key, "expected a conversation, found nothing")
        for turn in self.turns:
            if turn.__class__ is Assistant:
                break
        else:
            raise RowError("nothing to learn", self.key, "expected a reply of the model, found none")
        return Row(tuple(self.turns), self.declared.tools, self.weights, parallel,
                   None if rejected is None else tuple(self._renamed(rejected)), extra or {})

    def _renamed(self, parts: Iterable[Part]) -> list[Part]:
        """The worse reply of a pair: its calls may be of no tool that there is."""
        names = self.declared.names
        return [Call(names.get(p.name, p.name), p.arguments, p.id or f"call_{n}") if isinstance(p, Call) else p
                for n, p in enumerate(parts)]


# -- pieces of turns


def words(text: str) -> list[Part]:
    """A reply of words; where it begins with `<think>`, what is thought is apart."""
    if "</think>" in text and (m := _THOUGHT.match(text)):
        thought: list[Part] = [Reasoning(cleaned(m[1].strip()))] if m[1].strip() else []
        rest = text[m.end():]
        return [*thought, Text(cleaned(rest))] if rest else thought
    return [Text(cleaned(text))] if text else []


def between(text: str, opener: str, closer: str) -> Iterator[tuple[int, int]]:
    """Where the stretches from an opener to the next closer begin and end, markers and all."""
    p = text.find(opener)
    while p >= 0 and (end := text.find(closer, p + len(opener))) >= 0:
        yield p, end + len(closer)
        p = text.find(opener, end + len(closer))


def cleaned(text: str) -> str:
    return text if text.isascii() else sound(text)


def as_text(given: Any, talk: Talk) -> str:
    """Text as it is; parts of text joined; of any other value its JSON."""
    if isinstance(given, str):
        return given
    if given is None:
        return ""
    if isinstance(given, list) and given and all(isinstance(p, Mapping) and isinstance(p.get("text"), str) for p in given):
        return "".join([p["text"] for p in given])
    return loose.dumps(loose.plain(given, f"{talk.key}[{talk.at}]"))


def text_of(given: Any, at: str) -> str:
    """The words of a turn: text, or parts of text. Raises RowError."""
    if isinstance(given, str):
        return given
    if isinstance(given, list) and all(isinstance(p, str) or (
            isinstance(p, Mapping) and isinstance(p.get("text"), str)) for p in given):
        return "".join([p if isinstance(p, str) else p["text"] for p in given])
    raise RowError("not text", at, f"expected text, found {loose.shown(given)}")


def calls(given: Any, at: str) -> list[Call]:
    """One call or a list of them, as an object, or as its text. Raises RowError."""
    if isinstance(given, str):
        given = loose.read_inner(given, at)
    if isinstance(given, (list, tuple)):
        return [call(one, f"{at}[{n}]") for n, one in enumerate(given)]
    return [call(given, at)]


def call(given: Any, at: str) -> Call:
    """A call: `{"name": …, "arguments": …}`, alone or under `function`; the arguments an object, or the text of one."""
    given = loose.read_inner(given, at) if isinstance(given, str) else given
    if not isinstance(given, Mapping):
        raise RowError("broken call", at, f"expected an object with a name, found {loose.shown(given)}")
    inner = given.get("function") if isinstance(given.get("function"), Mapping) else given
    name = next((inner[k] for k in _NAMES if isinstance(inner.get(k), str)), None)  # type: ignore[index,union-attr]
    if not name:
        raise RowError("broken call", at, "expected a name, found none")
    arguments = next((inner[k] for k in _ARGUMENTS if inner.get(k) is not None), None)  # type: ignore[index,union-attr]
    id = given.get("id")
    return Call(name, arguments_of(arguments, f"{at}.arguments"), id if isinstance(id, str) else None)


def arguments_of(given: Any, at: str) -> dict[str, Any]:
    """The arguments of a call: an object, or the text of one. Raises RowError."""
    if isinstance(given, str):
        given = loose.read_inner(given, at) if given.strip() else {}
    elif given is not None:
        given = loose.plain(given, at)
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise RowError("broken call", at, f"expected arguments by name, found {loose.shown(given)}")
    return given


def _unwrapped(one: Any) -> tuple[str, str | None]:
    """One of several results in a list: what came back, and from which function, if it says so."""
    name = one.get("name") if isinstance(one, Mapping) else None
    if isinstance(name, str):
        inner = next((one[k] for k in ("results", "result", "content", "response", "output") if k in one), one)
        return inner if isinstance(inner, str) else loose.dumps(inner), name
    return one if isinstance(one, str) else loose.dumps(one), None


def an_object(raw: Any) -> Mapping[str, Any]:
    if not isinstance(raw, Mapping):
        raise RowError("not an object", "", f"expected a row with names, found {loose.shown(raw)}")
    return raw


def listed(raw: Mapping[str, Any], key: str) -> Sequence[Any]:
    """The turns of a row, each an object. They may be the text of such a list."""
    given = raw.get(key)
    if isinstance(given, str):
        given = loose.read_inner(given, key)
    if not isinstance(given, (list, tuple)):
        raise RowError("no turns", key, f"expected a list of turns, found {loose.shown(given)}")
    for n, one in enumerate(given):
        if not isinstance(one, Mapping):
            raise RowError("not an object", f"{key}[{n}]", f"expected a turn, found {loose.shown(one)}")
    return given


def others(raw: Mapping[str, Any], *known: str) -> dict[str, Any]:
    """What else a row says."""
    return {k: v for k, v in raw.items() if k not in known and v is not None}


__all__ = ["Talk", "an_object", "arguments_of", "as_text", "between", "call", "calls", "cleaned", "listed", "others",
           "text_of", "words"]
