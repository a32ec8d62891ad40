"""The first questions to a template: what it takes at all, so that every later probe is one that it can answer.

The one rule: what it refuses is remembered with its words, and asked for no more.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from . import probes as p
from .probes import Data
from .voice import DAY, Message, Said, Voice

Tools = Sequence[Any]
#: how a turn that calls may say nothing
SILENCES: Mapping[str, Mapping[str, Any]] = {"an empty text": {"content": ""}, "null": {"content": None}, "no content": {}}
#: how arguments may be given
FORMS = ("an object", "JSON text")
#: variables that templates of before `tools` was agreed on have for the tools: their functions as JSON text, or a list
VARIABLES = {"functions": "text", "tools_json": "text", "xml_tools": "list"}
MEMBER = "the member tools of the system message"


@dataclass
class Trial:
    """A voice, and the shape in which it takes conversations.

    With `text` arguments are JSON text, with `parts` what a message says is a list of parts. `variable` is where it looks
    for tools, `extra` are variables that it fails without.
    """

    voice: Voice
    system: bool = True
    none: Tools | None = None                    # how "no tools" is said
    tools: bool = True                           # it takes tools
    variable: str = "tools"
    extra: Mapping[str, Any] = field(default_factory=dict)
    calls: bool = True                           # it tells a call in this shape
    text: bool = False
    parts: bool = False
    plain_results: bool = False                  # results are a text where all else is in parts
    silence: Mapping[str, Any] = field(default_factory=lambda: SILENCES["an empty text"])
    answers: bool = True                         # it prints a question at all
    refusals: dict[str, str] = field(default_factory=dict)

    def say(self, what: str, messages: Sequence[Message], tools: Tools | None = (p.ONE, p.OTHER), *, starts: bool = False,
            system: bool = True, as_is: bool = False) -> Said:
        """What it makes of a conversation, with a system message before it where it takes one. `what` names the probe
        where it refuses; `as_is`: turns that call stay as they are given."""
        head = [{"role": "system", "content": p.SYSTEM}] if system and self.system else []
        talk = [self._parted(m if as_is else self.shaped(m)) for m in (*head, *messages)]
        given = dict(self.extra)
        listed = tools if tools and self.tools else self.none
        if self.variable != "tools":
            listed = self.none
            if self.variable in VARIABLES:
                as_text = VARIABLES[self.variable] == "text"
                given[self.variable] = "" if not tools else _text(tools) if as_text else list(tools)
            elif tools and head:
                talk[0]["tools"] = _text(tools)
        said = self.voice.say(talk, listed, reply_starts=starts, **given)
        if said.refusal:
            self.refusals.setdefault(what, said.refusal)
        return said

    def shaped(self, message: Message) -> Data:
        """A message with its silence and its arguments as they are taken."""
        if "tool_calls" not in message:
            return dict(message)
        rest = {k: v for k, v in message.items() if k not in ("role", "content", "tool_calls")}
        content = {"content": message["content"]} if message.get("content") else dict(self.silence)
        return {"role": "assistant", **content, "tool_calls": [self._shaped_call(c) for c in message["tool_calls"]], **rest}

    def _shaped_call(self, call: Data) -> Data:
        function, given = call["function"], call["function"]["arguments"]
        as_text = self.text and not isinstance(given, str)
        return {**call, "function": {**function, "arguments": p.as_text(given) if as_text else given}}

    def _parted(self, message: Message) -> Data:
        content = message.get("content")
        if not self.parts or not isinstance(content, str) or (self.plain_results and message["role"] == "tool"):
            return dict(message)
        return {**message, "content": [{"type": "text", "text": content}]}


def _text(tools: Tools) -> str:
    return json.dumps([one["function"] for one in tools], indent=4)


CALLED = [p.user(p.ASKED[0]), p.assistant("", p.call()), p.result(), p.assistant(p.ANSWERED[0]), p.user(p.ASKED[1])]


def tried(voice: Voice) -> Trial:
    """What a template takes. Where it refuses in one shape, or prints nothing, others are tried."""
    trial = _first(voice)
    if not trial.answers:
        return trial
    if not trial.say("a system message", p.TALK, None):
        trial.system = False
        trial.say("a conversation", p.TALK, None)
    if trial.variable == "tools" and not trial.say("tools", p.TALK[:1]):
        trial.tools = False
    _try_variables(trial)
    _try_calls(trial)
    return trial


def _first(voice: Voice) -> Trial:
    """The first shape in which a question is printed at all."""
    first = Trial(voice)
    usual = first.say("a question", p.TALK[:1], None)
    for one in (first, *_shapes(voice)):
        for system in (True, False):             # a template may refuse a system message and nothing else
            if p.ASKED[0] in one.say("a question", p.TALK[:1], None, system=system).text:
                if one is not first and usual.refusal:
                    one.refusals = {"a question, no tools": usual.refusal}
                return one if one is not first or not one.refusals or system else replace(one, refusals={})
    return replace(first, answers=False)


def _shapes(voice: Voice) -> Iterator[Trial]:
    yield Trial(voice, none=())
    yield Trial(voice, parts=True)
    yield Trial(voice, variable="functions", extra={"datetime": DAY})


def _try_variables(trial: Trial) -> None:
    """Where `tools` tells of none, others may."""
    if trial.variable != "tools" or p.NAMES[0] in trial.say("tools", p.TALK[:1]).text:
        return
    for variable in (*VARIABLES, MEMBER):
        one = replace(trial, variable=variable, refusals={})
        if p.NAMES[0] in one.say("tools", p.TALK[:1]).text:
            trial.variable, trial.tools = variable, True
            return


def _try_calls(trial: Trial) -> None:
    """Finds the first shape of a call that is told; a call may stand last, or only before its result."""
    first: str | None = None
    for parts, text, silence, talk in itertools.product({trial.parts: 0, True: 0}, (False, True), SILENCES.values(),
                                                        (CALLED[:2], CALLED)):
        one = replace(trial, parts=parts, text=text, silence=silence, refusals={})
        said = one.say("a call", talk)
        if p.VALUES[0] in said.text:
            trial.parts, trial.text, trial.silence = parts, text, silence
            if first and not trial.refusals.get("a call"):
                trial.refusals["a call in the usual shape"] = first
            return
        if first is None:
            first = said.refusal
    trial.calls = False
    if first:
        trial.refusals["a call"] = first
