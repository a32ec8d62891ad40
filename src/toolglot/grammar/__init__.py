"""Dialect + tools + choice -> what a reply may be.

The one rule: whatever the rules allow, the same dialect's parser reads as calls that are valid under their tools'
schemas; what cannot be enforced is said in `unenforced`. `reply` makes the rules, `arguments` those inside of a call.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar, Union

from ..message import Tool, ToolglotError
from ..rules import (
    Alt,
    Caps,
    Grammar,
    JsonValue,
    Lit,
    Order,
    Ref,
    Repeat,
    Rule,
    Seq,
    Whitespace,
)
from ..spec import (
    CALLS,
    NAME,
    Dialect,
    Encoding,
    Json,
    Object,
    encoding_of,
    is_bare,
)
from ..values import json_rules, outside
from ..values.keywords import is_plain
from . import answer as answers
from .answer import answering
from .nodes import alt, object_schema, seq
from .reply import Build

T = TypeVar("T")
Choice = Union[Literal["auto", "required", "none"], Mapping[str, Any]]
_DEEP = "the schema is nested too deeply; flatten it, or give its parts names under `$defs`"
FLEXIBLE = 16                   # white-space characters between two tokens, where they are the model's to choose


@dataclass(frozen=True)
class Constraint:
    """What a reply may be, to be written for one engine. `choice` is what it was made for."""

    grammar: Grammar
    choice: Choice
    calls: tuple[Tool, ...]
    names: tuple[str, str] | None            # the keys of name and arguments, where a call is one JSON object
    encoding: Encoding                       # of the arguments
    unheld: tuple[str, ...] = ()             # what of custom tools' grammars the format has no room for
    answer: Mapping[str, Any] | None = None  # the schema of what stands in place of words
    alone: bool = False                      # and nothing stands around it
    _made: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def unenforced(self) -> tuple[str, ...]:
        """What of the schemas is not held to, to be checked after generation; llguidance's Lark holds to some of it all
        the same: bounds of numbers, lengths beside a pattern, more formats."""
        if "unenforced" not in self._made:               # asked for with each request
            odd = [tool for tool in self.calls if self.choice != "none" and not is_plain(tool.parameters)]
            own = answers.said(self.answer)[0] if self.answer is not None and not is_plain(self.answer) else ()
            self._made["unenforced"] = (
                *self.unheld, *[one for tool in odd for one in _said(tool, self.encoding)[0]], *own)
        found: tuple[str, ...] = self._made["unenforced"]
        return found

    @property
    def narrowed(self) -> tuple[str, ...]:
        """Where the constraint allows less than a schema does."""
        calls = self.calls if self.choice != "none" else ()
        own = [] if self.answer is None else answers.said(self.answer)[1]
        return tuple([one for tool in calls for one in _said(tool, self.encoding)[1]] + own)

    def lark(self, tokens: Mapping[str, int] | None = None, ends: Sequence[str] = ()) -> str:
        """For llguidance. `tokens`: the ids of the special tokens of the model's vocabulary, which it matches by id
        only; `ends`: those that may end the reply."""
        from ..emit.lark import lark

        known = tokens or {}
        return self._written(("lark", tuple(known.items()), tuple(ends)), lambda grammar: lark(grammar, known, ends))

    def portable_lark(self) -> str:
        """For whatever else reads Lark, such as xgrammar: special tokens are text, and values are rules."""
        from ..emit.lark import portable_lark

        return self._written("portable_lark", portable_lark)

    def gbnf(self) -> str:
        """For llama.cpp."""
        from ..emit.gbnf import gbnf

        return self._written("gbnf", gbnf)

    def structural_tag(self) -> dict[str, Any]:
        """For xgrammar, and for vLLM and SGLang over it."""
        from ..emit.structural_tag import structural_tag

        return self._written("structural_tag", structural_tag)

    def structural_tag_text(self) -> str:
        """The same as JSON."""
        return self._written("structural_tag_text", lambda _: json.dumps(self.structural_tag()))

    def regex(self) -> str:
        """For engines that take one regular expression. Raises ToolglotError where values nest without end, and where
        it would be too long."""
        from ..emit.regex import regex

        return self._written("regex", regex)

    def json_schema(self) -> dict[str, Any]:
        """For engines that constrain to JSON only: one call, or the answer. Raises ToolglotError where a call is not one
        JSON object, and where markers stand around the answer."""
        from ..emit.json_schema import answer_schema, call_schema

        if self.answer is not None and not self.alone:
            raise ToolglotError("json_schema: in this reply something stands around the answer; take lark() or gbnf()")
        if self.answer is not None and (self.choice == "none" or not self.calls):
            return answer_schema(self.answer)
        if self.names is None:
            raise ToolglotError("json_schema: a call of this dialect is not one JSON object; take lark() or gbnf()")
        return call_schema([(t.name, dict(t.parameters)) for t in self.calls], *self.names, answer=self.answer)

    def _written(self, key: Any, write: Callable[[Grammar], T]) -> T:
        """Tools and choices are the same again and again, turn after turn. An error names the schema that is at fault."""
        if key not in self._made:
            try:
                self._made[key] = write(self.grammar)
            except (ToolglotError, RecursionError) as error:
                raise self._blamed(error, write) from None
        found: T = self._made[key]
        return found

    def _blamed(self, error: Exception, write: Callable[[Grammar], object]) -> ToolglotError:
        values = [(t.name, JsonValue(object_schema(t.parameters), t.parameters)) for t in self.calls]
        values += [] if self.answer is None else [("the answer's schema", JsonValue(self.answer, self.answer))]
        for name, value in values:
            try:
                write(replace(self.grammar, rules={"start": value}, start="start"))
            except (ToolglotError, RecursionError) as own:
                return ToolglotError(f"{name}: {own if isinstance(own, ToolglotError) else _DEEP}")
        return error if isinstance(error, ToolglotError) else ToolglotError(_DEEP)


def constrain(dialect: Dialect, tools: Sequence[Tool], choice: Choice = "auto", *, parallel: bool = True,
              most: int | None = None, reasoning: Literal["none", "first", "open"] = "none", order: Order = "declared",
              whitespace: Literal["canonical", "flexible"] = "canonical", after: bool = False, begun: str = "",
              caps: Caps = Caps(), answer: Mapping[str, Any] | None = None) -> Constraint:
    """The constraint of a reply.

    `choice`: auto (words or calls), required, none, {"name": ...} (that function), {"allowed": [...]} (required, of
    those; with "mode": "auto", words or calls of those). `parallel`: several calls; at most `most`. `reasoning`: none,
    the reply begins with it, or the prompt has opened it. `order` of arguments: as declared, which lets an engine write
    the most without asking the model, or any. `whitespace` in JSON: as the model was trained on, or as it likes, up to
    16 characters. `caps` bound what a schema leaves open. `answer`: the words are one JSON value of this schema, with no
    others before or after it and never beside calls; where a call is required it does not matter. Raises ToolglotError
    for a choice of no known tool, for a custom tool whose grammar is none, and for an answer whose schema is none.
    """
    allowed = _allowed(tools, choice)
    if order not in ("declared", "any") or whitespace not in ("canonical", "flexible"):
        raise ToolglotError(f"order is declared or any, whitespace canonical or flexible; got {order!r}, {whitespace!r}")
    if most is not None and most < 1:
        raise ToolglotError(f"most: expected 1 or more calls, got {most!r}; for none, take choice=\"none\"")
    encoding = encoding_of(dialect.calls)
    comma, colon = getattr(encoding, "separators", (", ", ": "))
    space = Whitespace(comma, colon, FLEXIBLE if whitespace == "flexible" else 0)
    for tool in allowed if choice != "none" else ():
        _check(tool, encoding)
    mode = mode_of(choice)
    answer = answers.own(answer) if answer is not None and mode != "required" else None
    if answer is not None:
        answers.check(answer)
    build = Build(dialect, allowed, 1 if not parallel else most, after, space, caps, order,
                  None if answer is None else JsonValue(answer, answer))
    start = build.reply(mode, reasoning)
    start = _going_on(start, begun.strip(), build.rules) or start if begun.strip() else start
    either = answer is not None and mode == "auto" and bool(allowed)
    grammar = Grammar({"start": start, **build.rules}, space=space, caps=caps, order=order,
                      alike=either and build.begins() != "")
    unheld = [*build.arguments.unheld, *([answers.READ_AS_CALL] if either and {*build.weak()} & {*"[{"} else [])]
    names = None
    if len(dialect.calls.each) == 1 and isinstance(obj := dialect.calls.each[0], Object):
        keys = [k for k, n in obj.fields if n is NAME] + [k for k, n in obj.fields if isinstance(n, Json)]
        names = (keys[0], keys[1]) if len(obj.fields) == 2 and dialect.calls.around == (CALLS,) else None
    return Constraint(grammar, choice, tuple(allowed), names, encoding, tuple(dict.fromkeys(unheld)), answer,
                      is_bare(dialect.content) and reasoning == "none")


def _going_on(rule: Rule, text: str, rules: Mapping[str, Rule]) -> Rule | None:
    """What is left of a rule behind a text that its literals begin with; None where they do not."""
    if not text:
        return rule
    match rule:
        case Lit(whole, special):
            return Lit(whole[len(text):], special) if whole.startswith(text) else None
        case Seq((Lit(whole), *rest)) if text.startswith(whole):
            return _going_on(seq(*rest), text[len(whole):], rules)
        case Seq((first, *rest)):
            left = _going_on(first, text, rules)
            return None if left is None else seq(left, *rest)
        case Alt(options):
            found = [left for one in options if (left := _going_on(one, text, rules)) is not None]
            return alt(*found) if found else None
        case Repeat(item, 0 | 1, 1):
            return _going_on(item, text, rules)
        case Ref(name):
            return _going_on(rules[name], text, rules)
    return None


def mode_of(choice: Choice) -> str:
    """Auto, required or none."""
    return choice if isinstance(choice, str) else str(choice.get("mode", "required"))


def _allowed(tools: Sequence[Tool], choice: Choice) -> list[Tool]:
    if isinstance(choice, str):
        if choice not in ("auto", "required", "none"):
            raise ToolglotError(f"choice: expected auto, required, none, a name or a list of allowed ones; got {choice!r}")
        if choice == "required" and not tools:
            raise ToolglotError("choice: a call is required, but there are no tools")
        return list(tools)
    if mode_of(choice) not in ("auto", "required"):
        raise ToolglotError(f"choice: expected the mode auto or required, got {choice['mode']!r}")
    wanted = [choice["name"]] if "name" in choice else choice.get("allowed")
    known = {t.name: t for t in tools}
    if not isinstance(wanted, (list, tuple)) or not wanted:
        raise ToolglotError(f'choice: expected {{"name": ...}} or {{"allowed": [...]}}, got {dict(choice)!r}')
    for name in wanted:
        if name not in known:
            raise ToolglotError(f"choice: no tool is named {name!r}; the tools are {', '.join(known) or 'none'}")
    return [known[n] for n in wanted]

def _check(tool: Tool, encoding: Encoding) -> None:
    """Raises ToolglotError, with its name, for a tool that is none."""
    if not isinstance(tool.name, str) or not tool.name or any(
            c.isspace() or not c.isprintable() or c in "\"'`" for c in tool.name):
        raise ToolglotError(f"{tool.name!r:.80}: the name of a tool has no spaces, quotes or control characters; rename it")
    if not isinstance(tool.parameters, Mapping):
        raise ToolglotError(f"{tool.name}: parameters: expected a JSON schema, found {tool.parameters!r:.80}")
    if not is_plain(tool.parameters):
        _said(tool, encoding)


def _said(tool: Tool, encoding: Encoding) -> tuple[list[str], list[str]]:
    """What of a tool's schema is not enforced, and where less is allowed. Raises ToolglotError for one that is none."""
    if tool.format:
        return [], []
    try:
        made = json_rules(object_schema(tool.parameters), tool.parameters)
        beyond, less = outside.unheld(encoding, tool.parameters), outside.narrowed(encoding, tool.parameters)
    except ToolglotError as error:
        raise ToolglotError(f"{tool.name}: {error}; mend its schema, or leave the tool out") from None
    if "additionalProperties" not in tool.parameters:
        less.append("`additionalProperties` is not said, so no argument may stand that is not declared")
    unenforced, narrowed = [*made.unenforced, *beyond], [*less, *made.narrowed]
    return [f"{tool.name}: {one}" for one in unenforced], [f"{tool.name}: {one}" for one in narrowed]


__all__ = ["Choice", "Constraint", "answering", "constrain"]
