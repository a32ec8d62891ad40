"""Reply -> text, and conversation -> pieces.

The one rule: what a message says never becomes markup. Every piece knows whether it is the dialect's literal
(`special`: encoded with special tokens) or somebody's words, and whether the model is trained to write it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, NamedTuple

from .message import Assistant, Call, Part, Reasoning, Reply, Result, System, Text, Tool, Turn, User
from .spec import (CALLS, CONTENT, DESCRIPTION, FUNCTION, ID, INDEX, IS_STR, KEY, LIST, NAME, PARAMETERS, QUOTED, REPLY,
                   RESULTS, SYSTEM, TEXT, TODAY, TOOL, TOOLS, VALUE, Calls, Custom, Dialect, Either, Encoding, Json,
                   Object, Pythonic, Raw, Slot, Tagged, Template, Turns, When)


class Piece(NamedTuple):
    """A stretch of a prompt: what it is, and in whose turn.

    `role`: system, user, assistant, tool. `kind`: markup, content, reasoning, call, result, tools. `trained`: the
    model is to learn to write it. `special`: special tokens in it are themselves; elsewhere they are plain text.
    """

    text: str
    role: str
    kind: str
    trained: bool = False
    special: bool = False


@dataclass(frozen=True)
class Prompt:
    """A conversation as the model sees it. `str(prompt)` is its text."""

    pieces: tuple[Piece, ...]

    def __str__(self) -> str:
        return "".join([p.text for p in self.pieces])


def dumps(value: Any, separators: tuple[str, str] = (", ", ": "), indent: int | None = None) -> str:
    """JSON as `tojson` of the published chat templates writes it."""
    return json.dumps(value, ensure_ascii=False, separators=None if indent else separators, indent=indent)


# -- replies ---------------------------------------------------------------------------------------------------


def render(dialect: Dialect, reply: Reply | Iterable[Part]) -> str:
    """A reply as the model writes it. What the dialect cannot say, `check.loss` names."""
    parts = reply.parts if isinstance(reply, Reply) else tuple(reply)
    return "".join([text for text, _, _ in reply_pieces(dialect, parts)])


def reply_pieces(dialect: Dialect, parts: Sequence[Part], spelling: Calls | None = None,
                 index: int = 0) -> list[tuple[str, str, bool]]:
    """(text, kind, special) of each piece. `index` is the number of calls in the conversation so far."""
    out: list[tuple[str, str, bool]] = []
    before: type[Part] | None = None
    for kind, group in groupby(parts, type):
        if before is not None and dialect.join:
            out.append((dialect.join, "markup", True))
        if kind is Call:
            calls = [c for c in group if isinstance(c, Call)]
            spelled = spelling or spelling_of(dialect, calls)
            if before is Text and spelled.gap:
                out.append((spelled.gap, "markup", True))
            out += _calls(dialect, spelled, calls, index)
            index += len(calls)
        else:
            template = dialect.content if kind is Text else dialect.reasoning
            text = "".join([p.text for p in group if not isinstance(p, Call)])
            if template is None:                          # nothing to think with: it cannot be said
                continue
            out += _fill(template, {TEXT: (text, "content" if kind is Text else "reasoning")})
        before = kind
    return out


def spelling_of(dialect: Dialect, calls: Sequence[Call]) -> Calls:
    """The dialect's own spelling; where a call has no id, the first spelling that needs none."""
    for spelling in (dialect.calls, *dialect.accept):
        if ID not in spelling.each or all(c.id for c in calls):
            return spelling
    return dialect.calls


def _calls(d: Dialect, spelling: Calls, calls: list[Call], index: int) -> list[tuple[str, str, bool]]:
    each: list[tuple[str, str, bool]] = []
    between = spelling.between or d.join
    for i, call in enumerate(calls):
        if i and between:
            each.append((between, "markup", True))
        each += _fill(spelling.each, {NAME: (call.name, "call"), ID: (call.id or "", "call"),
                                      INDEX: (str(index + i), "call")}, call)
    at = spelling.around.index(CALLS)
    return [*_fill(spelling.around[:at], {}), *each, *_fill(spelling.around[at + 1:], {})]


def _fill(template: Template, slots: Mapping[Slot, tuple[str, str]],
          call: Call | None = None) -> list[tuple[str, str, bool]]:
    out: list[tuple[str, str, bool]] = []
    for node in template:
        match node:
            case str():
                out.append((node, "markup", True))
            case Either(options):
                if options[0]:
                    out.append((options[0], "markup", True))
            case Slot():
                out.append((*slots[node], False))
            case Object():
                assert call
                out.append((_object(node, call, slots), "call", False))
            case Tagged(each, python):
                assert call
                for key, value in call.arguments.items():
                    raw = isinstance(value, str)
                    out += _fill(each, {KEY: (key, "call"), IS_STR: (dumps(raw), "call"),
                                        VALUE: (value if raw else _untagged(value, python), "call")})
            case Json() | Pythonic() | Raw() | Custom():
                assert call
                out.append((encode(node, call.arguments), "call", False))
    return out


def _object(obj: Object, call: Call, slots: Mapping[Slot, tuple[str, str]]) -> str:
    comma, colon = obj.separators
    members = []
    for key, node in obj.fields:
        if not isinstance(node, Slot):
            members.append(f"{dumps(key)}{colon}{encode(node, call.arguments)}")
        elif node is not ID or call.id:
            members.append(f"{dumps(key)}{colon}{slots[node][0] if node is INDEX else dumps(slots[node][0])}")
    return "{" + comma.join(members) + "}"


def encode(encoding: Encoding, arguments: Mapping[str, Any]) -> str:
    """Arguments as one text, for every encoding but Tagged."""
    match encoding:
        case Json(separators):
            return dumps(arguments, separators)
        case Pythonic():
            return ", ".join([f"{k}={v!r}" for k, v in arguments.items()])
        case Raw(key):
            return str(arguments.get(key, ""))
        case Custom(write):
            return write(arguments)
        case _:
            raise TypeError(f"{encoding!r} is a template of its own")


def _untagged(value: Any, python: bool) -> str:
    return str(value) if python and not isinstance(value, dict) else dumps(value)


# -- prompts ---------------------------------------------------------------------------------------------------


def prompt(dialect: Dialect, turns: Sequence[Turn], tools: Sequence[Tool] = (), *, today: str = "",
           thinking: bool | None = None, reply_starts: bool = True, listed: str | None = None) -> Prompt:
    """A conversation as the dialect's model sees it.

    `today` is the date that some models are told, YYYY-MM-DD. With `reply_starts` the prompt ends where the reply
    begins; without it, it is a finished conversation to train on. `listed` is `tool_list(...)`, where it is at hand.
    """
    assert dialect.turns, f"{dialect.name} has no prompt side"
    return Prompt(tuple(_Prompt(dialect, dialect.turns, tools, today, thinking, reply_starts, listed).pieces(turns)))


def tool_list(turns: Turns, tools: Sequence[Tool]) -> str:
    """The tools as one text, as this family is shown them."""
    if turns.listing:
        return turns.listing([t.raw for t in tools])
    return turns.tool_between.join([_tool(turns, t) for t in tools])


def _tool(turns: Turns, tool: Tool) -> str:
    raw = tool.raw
    function = raw.get("function", raw)
    out = []
    for node in turns.tool:
        match node:
            case str():
                out.append(node)
            case Slot.TOOL:
                out.append(dumps(raw, indent=turns.tool_indent))
            case Slot.FUNCTION:
                out.append(dumps(function))
            case Slot.NAME:
                out.append(tool.name)
            case Slot.DESCRIPTION:
                out.append(tool.description)
            case Slot.PARAMETERS:
                out.append(dumps(function.get("parameters", {})))
    return "".join(out)


class _Prompt:
    """One rendering: the facts that its templates ask about."""

    def __init__(self, dialect: Dialect, turns: Turns, tools: Sequence[Tool], today: str, thinking: bool | None,
                 reply_starts: bool, listed: str | None) -> None:
        self.d, self.t, self.today, self.reply_starts = dialect, turns, today, reply_starts
        self.flags = {"tools": bool(tools), "thinking": thinking is True, "no-thinking": thinking is False}
        self.out: list[Piece] = []
        self.calls = 0
        header = "".join([n for n in turns.assistant[:turns.assistant.index(REPLY)] if isinstance(n, str)])
        starts = "".join([n.otherwise if isinstance(n, When) else str(n) for n in turns.reply_starts])
        # what of the header a prompt does not end with, the model writes
        self.header_trained = header[len(starts):] if starts and header.startswith(starts) else ""
        self.header = header[: len(header) - len(self.header_trained)]
        self.section = "" if not tools else tool_list(turns, tools) if listed is None else listed

    def pieces(self, turns: Sequence[Turn]) -> list[Piece]:
        t = self.t
        turns, system = self._system(list(turns))
        if t.one_call:
            turns = one_call_a_turn(turns)
        self.flags["system"] = system is not None
        self.flags["both"] = self.flags["tools"] and self.flags["system"]
        self._fill(t.start, "system")
        if t.tools_at == "own" and self.section:
            self._tools("system")
        if system is None and t.default_system and (self.flags["tools"] or not t.default_with_tools):
            system = "".join([self.today if n is TODAY else str(n) for n in t.default_system])
        in_user = SYSTEM in t.user
        if not in_user and (system is not None or t.system_always or (self.section and TOOLS in t.system)):
            self._fill(t.system, "system", _trim(system or "", "system", t), tools=t.tools_at == "system")
        users = [i for i, turn in enumerate(turns) if isinstance(turn, User)]
        carries = {"first-user": users[:1], "last-user": users[-1:]}.get(t.tools_at, [])
        self.turns = turns
        self.last_user = users[-1] if users else -1
        i = 0
        while i < len(turns):
            turn, last = turns[i], i == len(turns) - 1
            self.flags["last"] = last
            match turn:
                case User(text):
                    self._fill(t.user, "user", _trim(text, "user", t), tools=i in carries,
                               system=system if in_user and last else None)
                case System(text):
                    self._fill(t.system if t.later_system is None else t.later_system, "system",
                               _trim(text, "system", t))
                case Assistant(parts):
                    self._assistant(i, parts)
                case Result():
                    group = [turn]
                    while i + 1 < len(turns) and isinstance(after := turns[i + 1], Result):
                        group.append(after)
                        i += 1
                    self.flags["last"] = i == len(turns) - 1
                    self._results(group)
            i += 1
        if self.reply_starts and not (t.header_once and turns and not isinstance(turns[-1], User)):
            self._fill(t.reply_starts, "assistant")
        return self.out

    def _system(self, turns: list[Turn]) -> tuple[list[Turn], str | None]:
        joins = self.t.system_joins
        if joins is not None:
            texts = [x.text for x in turns if isinstance(x, System)]
            return [x for x in turns if not isinstance(x, System)], joins.join(texts) if texts else None
        first = turns[0] if turns else None
        if not isinstance(first, System):
            return turns, None
        return turns[1:], first.text if first.text or self.t.empty_system else None

    # -- turns

    def _assistant(self, i: int, parts: tuple[Part, ...]) -> None:
        t, at = self.t, self.t.assistant.index(REPLY)
        if not t.header_once or i == 0 or isinstance(self.turns[i - 1], User):
            if self.header:
                self.out.append(Piece(self.header, "assistant", "markup", False, True))
            if self.header_trained:
                self.out.append(Piece(self.header_trained, "assistant", "markup", True, True))
        parts, empty = self._history(i, parts)
        pieces = [] if not empty or self.d.reasoning is None else [
            *_fill(self.d.reasoning, {TEXT: ("", "reasoning")}),
            *([(self.d.join, "markup", True)] if self.d.join and parts else [])]
        pieces += reply_pieces(self.d, parts, t.history, self.calls)
        self.calls += sum(isinstance(p, Call) for p in parts)
        final = t.final_closer and self.flags["last"] and not self.reply_starts
        if final and pieces and not (parts and isinstance(parts[-1], Call)):
            pieces[-1] = (t.final_closer, "markup", True)
        self.out += [Piece(text, "assistant", kind, True, special) for text, kind, special in pieces if text]
        closing = "".join([n for n in t.assistant[at + 1:] if isinstance(n, str)])
        end = closing.rstrip()
        if end:
            self.out.append(Piece(end, "assistant", "markup", True, True))
        if len(closing) > len(end):
            self.out.append(Piece(closing[len(end):], "assistant", "markup", False, True))

    def _history(self, i: int, parts: tuple[Part, ...]) -> tuple[tuple[Part, ...], bool]:
        """What of a past turn the prompt keeps, and whether an empty reasoning block stands before it."""
        t = self.t
        called = any(isinstance(p, Call) for p in parts)
        match t.reasoning:
            case "all":
                keep = True
            case "none":
                keep = False
            case "after-user":
                keep = i > self.last_user
            case _:
                answered = any(isinstance(x, Assistant) and not any(isinstance(p, Call) for p in x.parts)
                               for x in self.turns[i + 1:])
                keep = not answered and (called or (self.flags["last"] and not self.reply_starts))
        out: list[Part] = []
        for p in parts:
            if isinstance(p, Reasoning):
                text = p.text.strip("\n") if t.empty_reasoning == "last" else p.text
                if keep and text and self.d.reasoning is not None:
                    out.append(Reasoning(_trim(text, "assistant", t)))
            elif isinstance(p, Text) and called and t.content_with_calls != "kept":
                if t.content_with_calls == "reasoning" and keep and p.text:
                    out.append(Reasoning(p.text))
            elif isinstance(p, Text):
                text = _trim(p.text, "called" if called else "assistant", t)
                if text or (self.d.content != (TEXT,) and not called):
                    out.append(Text(text))
            else:
                out.append(self._with_id(p))
        empty = not any(isinstance(p, Reasoning) for p in out) and (
            t.empty_reasoning == "always" or (t.empty_reasoning == "last" and keep and self.flags["last"]))
        return tuple(out), empty

    def _with_id(self, call: Call) -> Call:
        return replace(call, id=fitting_id(self.t, call.id)) if self.t.id_pattern else call

    def _results(self, group: list[Result]) -> None:
        t, at = self.t, self.t.results.index(RESULTS)
        self._fill(t.results[:at], "tool")
        for n, result in enumerate(group):
            if n and t.result_between:
                self.out.append(Piece(t.result_between, "tool", "markup", False, True))
            self._fill(t.result, "tool", result.text, name=result.name,
                       id=fitting_id(t, result.id) if t.id_pattern else result.id or "")
        self._fill(t.results[at + 1:], "tool")

    # -- templates

    def _fill(self, template: Template, role: str, content: str = "", tools: bool = False, system: str | None = None,
              name: str = "", id: str = "") -> None:
        kind = "result" if role == "tool" else "content"
        for node in template:
            match node:
                case str():
                    text, special = node, True
                case When(flag, then, otherwise):
                    text, special = (then if self.flags[flag] else otherwise), True
                case Slot.CONTENT:
                    text, special = content, False
                case Slot.QUOTED:
                    text, special = dumps(content), False
                case Slot.TOOLS:
                    if tools and self.section:
                        self._tools(role)
                    continue
                case Slot.SYSTEM:
                    if system is not None:
                        self._fill(self.t.system, "system", system)
                    continue
                case Slot.NAME:
                    text, special = name, False
                case Slot.ID:
                    text, special = id, False
                case Slot.TODAY:
                    text, special = self.today, False
                case _:
                    raise TypeError(f"{node!r} has no place in a turn of {self.d.name}")
            if text:
                self.out.append(Piece(text, role, "markup" if special else kind, False, special))

    def _tools(self, role: str) -> None:
        for node in self.t.tools:
            if node is LIST:
                self.out.append(Piece(self.section, role, "tools"))
            else:
                assert isinstance(node, str)
                self.out.append(Piece(node, role, "markup", False, True))


def _trim(text: str, what: str, t: Turns) -> str:
    return text.strip() if what in t.trim else text


def fitting_id(turns: Turns, id: str | None) -> str:
    """The id itself where this family knows its kind, else nine letters made of it, always the same."""
    from hashlib import sha256

    assert turns.id_pattern
    if id and re.fullmatch(turns.id_pattern, id):
        return id
    number = int.from_bytes(sha256((id or "").encode("utf-8", "surrogatepass")).digest(), "big")
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    return "".join([letters[number // 36**n % 36] for n in range(9)])


def one_call_a_turn(turns: Sequence[Turn]) -> list[Turn]:
    """Turns with several calls told as turns of one call, each with its own result."""
    out: list[Turn] = []
    waiting: list[Turn] = []
    for turn in turns:
        if isinstance(turn, Result) and waiting:
            # the result goes behind its call; without ids, in order
            at = next((i for i, w in enumerate(waiting) if isinstance(w, Assistant)
                       and any(isinstance(p, Call) and p.id == turn.id for p in w.parts)), 0)
            out += [waiting.pop(at), turn]
            continue
        out += waiting
        waiting = []
        calls = [p for p in turn.parts if isinstance(p, Call)] if isinstance(turn, Assistant) else []
        if isinstance(turn, Assistant) and len(calls) > 1:
            head = tuple(p for p in turn.parts if not isinstance(p, Call))
            waiting = [Assistant((*head, calls[0])), *(Assistant((c,)) for c in calls[1:])]
        else:
            out.append(turn)
    return out + waiting


__all__ = ["Piece", "Prompt", "dumps", "encode", "prompt", "render", "reply_pieces", "tool_list"]
