"""Conversation -> pieces: what the model is shown.

The one rule: what a message says never becomes markup. Every piece knows whether it is the dialect's literal
(`special`: encoded with special tokens) or somebody's words, and whether the model is trained to write it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, Union

from .message import Assistant, Call, Part, Reasoning, Result, System, Text, Tool, Turn, User
from .render import dumps, fill, reply_pieces
from .spec import (
    CONTENT,
    ID,
    INDEX,
    LIST,
    NAME,
    NAMES,
    NUMBER,
    PARSED,
    QUOTED,
    REPLY,
    RESULTS,
    SYSTEM,
    TEXT,
    TODAY,
    TOOLS,
    Dialect,
    Listed,
    Slot,
    Template,
    Turns,
    When,
    remember,
)


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


Stretch = tuple[str, str, str, bool, bool]       # what a Piece names: a tuple costs half as much to make


@dataclass(frozen=True)
class Prompt:
    """A conversation as the model sees it. `str(prompt)` is its text, `prompt.pieces` what it is made of.

    `replies`: of each reply in it, the first of its pieces, where they end, and which turn of the conversation it is.
    """

    stretches: tuple[Stretch, ...]
    replies: tuple[tuple[int, int, int], ...] = ()

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        return tuple(map(Piece._make, self.stretches))

    def __str__(self) -> str:
        return "".join([s[0] for s in self.stretches])


# -- the tools -------------------------------------------------------------------------------------------------


def tool_list(turns: Turns, tools: Sequence[Tool]) -> Listed:
    """The tools as this family is shown them."""
    if turns.listing:
        return turns.listing([t.raw for t in tools])
    return turns.tool_between.join([_tool(turns, t) for t in tools])


def _tool(turns: Turns, tool: Tool) -> str:
    function = tool.raw.get("function", tool.raw)
    shown = {Slot.TOOL: lambda: dumps(tool.raw, indent=turns.tool_indent),
             Slot.FUNCTION: lambda: dumps(function, indent=turns.tool_indent),
             Slot.NAME: lambda: tool.name, Slot.DESCRIPTION: lambda: tool.description,
             Slot.PARAMETERS: lambda: dumps(function.get("parameters", {}), indent=turns.tool_indent)}
    return "".join([n if isinstance(n, str) else shown[n]() for n in turns.tool])  # type: ignore[index]


# -- frames: a dialect's templates with all that does not change from turn to turn filled in -------------------

Frame = tuple[Union[Piece, Slot, When], ...]


class Frames(NamedTuple):
    start: Frame
    system: Frame
    later: Frame
    user: Frame
    header: Frame
    given: str
    closing: Frame
    closing_calls: Frame
    results: Frame
    result: Frame
    after_results: Frame
    tools: Frame
    reply_starts: Frame
    answer: Template | None
    goes_on: Frame
    given_on: str
    no_reasoning: Frame
    no_reasoning_kept: Frame
    no_reasoning_silent: Frame
    no_reasoning_dropped: Frame


@remember
def frames(turns: Turns, flags: frozenset[str]) -> Frames:
    def frame(template: Template, role: str, flags: frozenset[str] = flags) -> Frame:
        out: list[Piece | Slot | When] = []
        for node in template:
            if isinstance(node, When) and node.flag not in ("last", "left"):
                node = node.then if node.flag in flags else node.otherwise
            if not isinstance(node, str):
                out.append(node)  # type: ignore[arg-type]
            elif out and isinstance(last := out[-1], Piece):
                out[-1] = _markup(last.text + node, role)
            elif node:
                out.append(_markup(node, role))
        return tuple(out)

    at, tools_role = turns.results.index(RESULTS), "user" if TOOLS in turns.user else "system"
    return Frames(frame(turns.start, "system"), frame(turns.system, "system"),
                  frame(turns.system if turns.later_system is None else turns.later_system, "system"),
                  frame(turns.user, "user"), *_assistant_frames(turns, flags),
                  frame(turns.results[:at], "tool"), frame(turns.result, "tool"), frame(turns.results[at + 1:], "tool"),
                  frame(turns.tools, tools_role), frame(turns.reply_starts, "assistant"),
                  None if turns.answer is None else tuple(_chosen(n, flags) if isinstance(n, When) else n
                                                          for n in turns.answer),
                  frame(turns.goes_on, "assistant"), "".join([_chosen(n, flags) for n in turns.goes_on]),
                  frame(turns.no_reasoning, "assistant"),
                  frame(turns.no_reasoning_kept, "assistant"),
                  frame(turns.no_reasoning, "assistant", flags | {"silent"}),
                  frame(turns.no_reasoning, "assistant", flags | {"dropped"}))


def _markup(text: str, role: str, trained: bool = False) -> Piece:
    return Piece(text, role, "markup", trained, True)


def _assistant_frames(turns: Turns, flags: Collection[str]) -> tuple[Frame, str, Frame, Frame]:
    """What stands before a past reply, what a prompt writes of the reply itself, and what stands behind one without calls
    and one with. The model writes what a prompt does not end with."""
    at = turns.assistant.index(REPLY)
    header = "".join([n for n in turns.assistant[:at] if isinstance(n, str)])
    starts = "".join([_chosen(n, flags) for n in turns.reply_starts])
    own = header[len(starts):] if header.startswith(starts) else ""
    before = (_markup(header[: len(header) - len(own)], "assistant"), _markup(own, "assistant", True))
    behind = turns.assistant[at + 1:]
    given = starts[len(header):] if starts.startswith(header) else ""
    return tuple(p for p in before if p.text), given, _closing(behind, False), _closing(behind, True)


def _closing(template: Template, called: bool) -> Frame:
    """What closes a past reply: one that holds calls, or one that does not."""
    closing = "".join([n if isinstance(n, str) else n.then if called else n.otherwise for n in template
                       if isinstance(n, (str, When))])
    end = closing.rstrip()
    return tuple(p for p in (_markup(end, "assistant", True), _markup(closing[len(end):], "assistant")) if p.text)


# -- a conversation --------------------------------------------------------------------------------------------


def prompt(dialect: Dialect, turns: Sequence[Turn], tools: Sequence[Tool] = (), *, today: str = "",
           thinking: bool | None = None, reply_starts: bool = True, listed: Listed | None = None) -> Prompt:
    """A conversation as the dialect's model sees it.

    `today` is the date that some models are told, YYYY-MM-DD. With `reply_starts` the prompt ends where the reply
    begins; without it, it is a finished conversation to train on. `listed` is `tool_list(...)`, where it is at hand.
    """
    t = dialect.turns
    assert t, f"{dialect.name} has no prompt side"
    given, (turns, system) = turns, _system(t, turns)
    numbers: Sequence[int] = range(len(given) - len(turns), len(given))      # which turns of those given are told
    if t.system_joins is not None:
        numbers = [i for i, turn in enumerate(given) if not isinstance(turn, System)]
    if t.today_with_tools and not tools:
        today = ""
    if t.date and today:
        from datetime import date

        today = t.date(date.fromisoformat(today))
    if t.past_calls == "after-user":
        kept = kept_turns(turns)
        turns, numbers = [turns[i] for i in kept], [numbers[i] for i in kept]
    if t.one_call:
        each = one_call_a_turn(turns)
        turns, numbers = [turn for _, turn in each], [numbers[i] for i, _ in each]
    flags = {f for f, on in (("tools", tools), ("system", system is not None), ("both", tools and system is not None),
                             ("thinking", thinking is True), ("no-thinking", thinking is False),
                             ("unasked", thinking is None)) if on}
    if system is None and t.default_system and (tools or not t.default_with_tools):
        system = "".join([today if n is TODAY else _chosen(n, flags) for n in t.default_system]) or None
    if system is None and thinking and t.system_always == "thinking":
        system = ""
    section = "" if not tools else tool_list(t, tools) if listed is None else listed
    build = _Prompt(dialect, t, frames(t, frozenset(flags)), turns, numbers, today, section, reply_starts,
                    not thinking if t.unthought == "unasked" else t.unthought and thinking is False)
    if NAMES in t.user or NAMES in t.results:
        build.told[NAMES] = dumps([tool.name for tool in tools])
    build.head(system)
    build.body(system)
    if reply_starts:
        after = build.f.goes_on if turns and isinstance(turns[-1], Result) else ()
        build.fill(after if build.goes_on(len(turns)) else build.f.reply_starts, "assistant")
    opens = t.user[0]
    closed = isinstance(opens, str) and opens.startswith(dialect.stop)
    out, replies = _closed_by_next(build.out, build.replies, dialect.stop) if closed else (build.out, build.replies)
    return Prompt(tuple(out), tuple(replies))


def _chosen(node: Any, flags: Collection[str]) -> str:
    """A literal, be it one that depends on the conversation."""
    return (node.then if node.flag in flags else node.otherwise) if isinstance(node, When) else str(node)


def _closed_by_next(stretches: list[Stretch], replies: list[tuple[int, int, int]],
                    stops: Sequence[str]) -> tuple[list[Stretch], list[tuple[int, int, int]]]:
    """Where nothing closes a reply but the token that begins the next turn, the model has to learn to write that one."""
    out: list[Stretch] = []
    moved: list[int] = []                                # where each stretch is now
    for text, role, kind, trained, special in stretches:
        if out and out[-1][3] and special and not trained:
            if stop := next((s for s in stops if text.startswith(s)), ""):
                out.append(_markup(stop, "assistant", True))
                text = text[len(stop):]
        moved.append(len(out))
        if text:
            out.append((text, role, kind, trained, special))
    moved.append(len(out))
    return out, [(moved[start], moved[end], number) for start, end, number in replies]


def _system(t: Turns, turns: Sequence[Turn]) -> tuple[Sequence[Turn], str | None]:
    """The conversation without its system message, and that message."""
    if t.system_joins is not None:
        texts = [x.text for x in turns if isinstance(x, System)]
        joined = t.system_joins.join(texts) if texts else None
        return [x for x in turns if not isinstance(x, System)], joined if joined or t.empty_system else None
    first = turns[0] if turns else None
    if not isinstance(first, System):
        return turns, None
    return turns[1:], first.text if first.text or t.empty_system else None


_WRITTEN: dict[Any, tuple[Dialect, list[Stretch]]] = {}   # past replies; and the dialect, which keeps its identity


class _Prompt:
    """One rendering, and the facts that its templates ask about."""

    def __init__(self, d: Dialect, t: Turns, f: Frames, turns: Sequence[Turn], numbers: Sequence[int], today: str,
                 section: Listed, reply_starts: bool, unthought: bool) -> None:
        self.d, self.t, self.f, self.turns, self.numbers, self.section = d, t, f, turns, numbers, section
        self.told: dict[Any, str] = {TODAY: today}       # what is the same wherever it is told
        self.reply_starts = reply_starts
        self.unthought = unthought           # does history keep no reasoning
        self.out: list[Stretch] = []
        self.replies: list[tuple[int, int, int]] = []    # where they stand in `out`, and which turns they are
        self.calls = 0
        self.asked: list[str | None] | None = [] if {INDEX, NUMBER} & {*t.result} else None   # the ids of the calls so far
        self.before = 0                      # how many calls stand before this turn
        self.answered = 0
        self.last = False                    # is this the last turn
        self.left = False                    # does a turn follow that is no reply
        self.users = [i for i, turn in enumerate(turns) if turn.__class__ is User]

    def head(self, system: str | None) -> None:
        t = self.t
        self.fill(self.f.start, "system", tools=True)
        if t.tools_at == "own" and self.section and TOOLS not in t.start:
            self.tools()
        if SYSTEM not in t.user and (system is not None or t.system_always is True or (self.section and TOOLS in t.system)):
            self.fill(self.f.system, "system", self.trim(system or "", "system"), tools=t.tools_at == "system")

    def body(self, system: str | None) -> None:
        t, turns, last = self.t, self.turns, len(self.turns) - 1
        carries = {"first-user": self.users[:1], "last-user": self.users[-1:]}.get(t.tools_at, ())
        holds = -1 if SYSTEM not in t.user or not self.users else last if t.system_in == "last-turn" else \
            self.users[0 if t.system_in == "first-user" else -1]
        results: list[Result] = []
        for i, turn in enumerate(turns):
            self.last = i == last
            self.left = i < last and not isinstance(turns[i + 1], Assistant)
            match turn:
                case User(text):
                    within = system if i == holds else None
                    number = {INDEX: str(self.users.index(i))} if INDEX in t.user else {}
                    self.fill(self.f.user, "user", self.trim(text, "user"), number, tools=i in carries, system=within)
                case Assistant():
                    self.assistant(i, turn)
                case Result():
                    results.append(turn)
                    if self.last or not isinstance(turns[i + 1], Result):
                        self.results(results)
                        results = []
                case System(text):
                    self.fill(self.f.later, "system", self.trim(text, "system"))

    def trim(self, text: str, what: str) -> str:
        return text.strip() if what in self.t.trim else text

    # -- turns

    def goes_on(self, i: int) -> bool:
        """Does a reply that stands here belong to the turn before it?"""
        once, before = self.t.header_once, self.turns[i - 1] if i else None
        return isinstance(before, Result if once == "results" else (Result, Assistant)) if once else False

    def assistant(self, i: int, turn: Assistant) -> None:
        t, start, given = self.t, len(self.out), self.f.given
        if self.asked is not None:
            self.before = len(self.asked)
            self.asked += [p.id for p in turn.parts if isinstance(p, Call)]
        if not self.goes_on(i):
            self.out += self.f.header  # type: ignore[arg-type]
        else:                                            # the results may have ended with some of it
            given = self.f.given_on.lstrip() if isinstance(self.turns[i - 1], Result) else ""
        keep = t.reasoning != "none" and not self.unthought and self.keeps_reasoning(i, turn)
        unthinking: Frame = ()
        if t.no_reasoning and not (keep and any([isinstance(p, Reasoning) and self.trim(p.text, "assistant")
                                                 for p in turn.parts])):
            unthinking = self.f.no_reasoning_kept if keep and t.no_reasoning_kept else self.no_reasoning(turn)
        reply = self.past(turn, keep)
        self.out += _begun([*unthinking, *reply], len(unthinking), given) if given or unthinking else reply
        self.replies.append((start, len(self.out), self.numbers[i]))

    def past(self, turn: Assistant, keep: bool) -> list[Stretch]:
        """A past reply and what closes it, written once for all the times that it is told."""
        final = self.last and not self.reply_starts
        if not turn.key:
            return self.reply(turn.parts, keep, final)
        key = (id(self.d), turn.key, keep, final, self.last, self.calls, self.f.answer)
        kept = _WRITTEN.get(key)
        if kept is None:
            if len(_WRITTEN) >= 2048:
                _WRITTEN.clear()
            kept = _WRITTEN[key] = (self.d, self.reply(turn.parts, keep, final))
        else:
            self.calls += sum([p.__class__ is Call for p in turn.parts])
        return kept[1]

    def no_reasoning(self, turn: Assistant) -> Frame:
        """What stands in place of reasoning before a past turn."""
        held = {p.__class__ for p in turn.parts if not isinstance(p, Text) or self.trim(p.text, "called")}
        if Call in held:
            return self.f.no_reasoning if Text in held else self.f.no_reasoning_silent
        return self.f.no_reasoning_dropped if held == {Reasoning, Text} else self.f.no_reasoning

    def reply(self, parts: Sequence[Part], keep: bool, final: bool) -> list[Stretch]:
        """A past reply and what closes it. `final`: it ends a finished conversation."""
        t = self.t
        if len(parts) == 1 and isinstance(parts[0], Text) and self.d.content == (TEXT,) and not t.trim and \
                t.empty_reasoning == "never" and not t.last_closer and t.answer is None:   # the usual turn, at no cost
            words = parts[0].text
            closing: list[Any] = list(self.f.closing)
            return [(words, "assistant", "content", True, False), *closing] if words else closing
        parts, empty = self.history(parts, keep)
        pieces = [] if not empty or self.d.reasoning is None else [
            *fill(self.d.reasoning, {TEXT: ("", "reasoning")}),
            *([(self.d.join, "markup", True)] if self.d.join and parts else [])]
        calls = [p for p in parts if isinstance(p, Call)]
        beside = t.beside_calls if calls else self.f.answer
        if beside is not None:
            words = "".join([p.text for p in parts if isinstance(p, Text)])
            pieces += [*reply_pieces(self.d, [p for p in parts if isinstance(p, Reasoning)]),
                       *fill(beside, {TEXT: (words, "content")})]
            parts = calls
        pieces += reply_pieces(self.d, parts, t.history, self.calls)
        self.calls += len(calls)
        if t.final_closer and final and pieces and not (parts and isinstance(parts[-1], Call)):
            pieces[-1] = (t.final_closer, "markup", True)
        out: list[Stretch] = [(text, "assistant", kind, True, special) for text, kind, special in pieces if text]
        if t.last_closer and final:
            return [*out, _markup(t.last_closer, "assistant", True)]
        return out + list(self.f.closing_calls if calls else self.f.closing)  # type: ignore[arg-type]

    def history(self, parts: Sequence[Part], keep: bool) -> tuple[Sequence[Part], bool]:
        """What of a past turn the prompt keeps, and whether an empty reasoning block stands before it."""
        t, called = self.t, any([isinstance(p, Call) for p in parts])
        out: list[Part] = []
        for p in parts:
            if isinstance(p, Reasoning):
                text = self.trim(p.text.strip("\n") if t.empty_reasoning == "last" else p.text, "assistant")
                if keep and text and self.d.reasoning is not None:
                    out.append(Reasoning(text))
            elif isinstance(p, Call):
                if t.past_calls == "dropped":
                    continue
                out.append(replace(p, id=fitting_id(t, p.id)) if t.id_pattern else p)
            elif not called or t.content_with_calls == "kept":
                text = self.trim(p.text, "called" if called else "answer" if "answer" in t.trim else "assistant")
                if text or (self.d.content != (TEXT,) and not called):
                    out.append(Text(text))
            elif t.content_with_calls == "reasoning" and keep and p.text:
                out.append(Reasoning(p.text))
        empty = not any([isinstance(p, Reasoning) for p in out]) and (
            t.empty_reasoning == "always" or (keep and (t.empty_reasoning == "kept" or (
                t.empty_reasoning == "last" and self.last))))
        return out, empty

    def keeps_reasoning(self, i: int, turn: Assistant) -> bool:
        match self.t.reasoning:
            case "after-user":
                return i > (self.users[-1] if self.users else -1)
            case "until-answer" | "open-calls" as kept:
                answers = [x for x in self.turns[i + 1:] if isinstance(x, Assistant)
                           and not any(isinstance(p, Call) for p in x.parts)]
                called = any(isinstance(p, Call) for p in turn.parts)
                return not answers and (called or (kept == "until-answer" and self.last and not self.reply_starts))
            case "with-calls":
                return any(isinstance(p, Call) for p in turn.parts)
            case "with-tools":
                return bool(self.section) or i > (self.users[-1] if self.users else -1)
            case kept:
                return kept == "all"

    def results(self, group: Sequence[Result]) -> None:
        t = self.t
        self.fill(self.f.results, "tool")
        for n, result in enumerate(group):
            if n and t.result_between:
                self.out.append(_markup(t.result_between, "tool"))
            slots: dict[Any, str] = {NAME: result.name, ID: fitting_id(t, result.id) if t.id_pattern else result.id or ""}
            if self.asked is not None:
                known = next((i for i in reversed(range(len(self.asked))) if result.id == self.asked[i] and result.id),
                             None)
                slots[INDEX] = str(self.answered if known is None else known)
                slots[NUMBER] = str(1 + (n if known is None or known < self.before else known - self.before))
            self.answered += 1
            self.fill(self.f.result, "tool", self.trim(result.text, "result"), slots)
        self.fill(self.f.after_results, "tool")

    # -- templates

    def fill(self, frame: Frame, role: str, content: str = "", slots: Mapping[Any, str] = {}, tools: bool = False,
             system: str | None = None) -> None:
        out, kind = self.out, "result" if role == "tool" else "content"
        for node in frame:
            if node.__class__ is Piece:
                out.append(node)
            elif node is CONTENT:
                if content:
                    out.append((content, role, kind, False, False))
            elif node is QUOTED or node is PARSED:
                out.append((dumps(_parsed(content) if node is PARSED else content), role, kind, False, False))
            elif node is TOOLS:
                if tools and self.section:
                    self.tools()
            elif node is SYSTEM:
                if system is not None:
                    self.fill(self.f.system, "system", system)
            elif isinstance(node, When):
                if text := node.then if (self.last if node.flag == "last" else self.left) else node.otherwise:
                    out.append(_markup(text, role))
            elif text := self.told[node] if node in self.told else slots[node]:
                out.append((text, role, kind, False, False))

    def tools(self) -> None:
        for node in self.f.tools:
            if node is LIST:
                listed = ((self.section, False),) if isinstance(self.section, str) else self.section
                self.out += [(text, "system", "markup" if marked else "tools", False, marked) for text, marked in listed]
            elif node is TODAY:
                self.out.append((self.told[TODAY], "system", "tools", False, False))
            else:
                self.out.append(node)  # type: ignore[arg-type]


def fitting_id(turns: Turns, id: str | None) -> str:
    """The id itself where this family knows its kind, else nine letters made of it, always the same."""
    from hashlib import sha256

    assert turns.id_pattern
    if id and re.fullmatch(turns.id_pattern, id):
        return id
    number = int.from_bytes(sha256((id or "").encode("utf-8", "surrogatepass")).digest(), "big")
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    return "".join([letters[number // 36**n % 36] for n in range(9)])


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _begun(stretches: list[Any], frames: int, given: str) -> list[Stretch]:
    """A past reply of which a prompt writes the beginning (`<think>`, say): the model writes what is behind that. So it
    does the first `frames` of them, which stand in place of reasoning, unless prompts begin otherwise."""
    if not "".join([s[0] for s in stretches]).startswith(given):
        return stretches
    out: list[Stretch] = []
    for i, (text, role, kind, trained, special) in enumerate(stretches):
        size = min(len(given), len(text))
        given = given[size:]
        out += [(t, role, kind, on, special) for t, on in ((text[:size], False), (text[size:], trained or i < frames)) if t]
    return out


def kept_turns(turns: Sequence[Turn]) -> list[int]:
    """The turns of a conversation that is told without the calls before its last question, and without their results."""
    last = max((i for i, turn in enumerate(turns) if isinstance(turn, User)), default=-1)
    return [i for i, turn in enumerate(turns) if i > last or not (isinstance(turn, Result) or (
        isinstance(turn, Assistant) and any(isinstance(p, Call) for p in turn.parts)))]


def one_call_a_turn(turns: Sequence[Turn]) -> list[tuple[int, Turn]]:
    """Turns with several calls told as turns of one call, each with its own result; and which turn each is of."""
    out: list[tuple[int, Turn]] = []
    waiting: list[tuple[int, Assistant]] = []
    for i, turn in enumerate(turns):
        if isinstance(turn, Result) and waiting:          # it goes behind its call; without ids, in order
            at = next((n for n, (_, w) in enumerate(waiting) if any(isinstance(p, Call) and p.id == turn.id
                                                                    for p in w.parts)), 0)
            out += [waiting.pop(at), (i, turn)]
            continue
        out += waiting
        waiting = []
        calls = [p for p in turn.parts if isinstance(p, Call)] if isinstance(turn, Assistant) else []
        if isinstance(turn, Assistant) and len(calls) > 1:
            head = tuple(p for p in turn.parts if not isinstance(p, Call))
            waiting = [(i, Assistant((*head, calls[0]))), *((i, Assistant((c,))) for c in calls[1:])]
        else:
            out.append((i, turn))
    return out + waiting
