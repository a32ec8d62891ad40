"""The facade users hold: a dialect and, where the dialect is zero-shot or learned, the model's own chat template."""

from __future__ import annotations

import marshal
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Union

from . import prompt as prompts
from . import render
from .card import Card
from .chat import as_turns
from .cursor import Limits
from .message import Part, Reply, Tool, ToolglotError, fold
from .parse import Feeds, Parser
from .plan import Pieces, prompt_tail
from .prompt import Prompt
from .registry import cards, detect, in_idiom, look_up
from .rescue import Rescuer, known_of
from .spec import CONTENT, REPLY, RESULTS, Dialect, Listed, Turns

if TYPE_CHECKING:                                # half of the rooms, and not needed to import the other half
    from .grammar import Choice, Constraint
    from .learn import Learned

Seen = Union[Prompt, str, None]


class _Shown(NamedTuple):
    """Tools, how the model is told of them, and the constraints made of them, by what was chosen."""

    tools: tuple[Tool, ...]
    listed: Listed
    held: dict[str, Constraint]


@dataclass(frozen=True)
class Model:
    """One model's function calling: prompt, parser and constraint, all of one dialect.

    `template` is the model's own Jinja chat template where the dialect is zero-shot and only its frame is needed, or
    `learned` of it; `bos` and `eos` are what that template is given for `bos_token` and `eos_token`. `origin` says where
    the dialect comes from: the registry, and by what it was found; the template; or nowhere, and it is zero-shot.
    """

    dialect: Dialect
    template: str | None = None
    bos: str = ""
    eos: str = ""
    origin: str = ""
    learned: Learned | None = field(default=None, repr=False)
    _cache: dict[Any, _Shown] = field(default_factory=dict, compare=False, repr=False)

    def prompt(self, messages: Iterable[Any], tools: Any = (), *, thinking: bool | None = None,
               today: str | None = None, reply_starts: bool = True) -> Prompt:
        """The conversation as the model sees it, ending where its reply begins.

        `messages` are chat messages in OpenAI's shape, `tools` whatever `toolglot.tools.as_tools` takes. `thinking`
        asks for reasoning, or for none, where the family has a switch. `today` (YYYY-MM-DD) is the date that some
        models are told: without it, this day's. Raises MessageError and ToolError for what is not as it should be.
        """
        if self.dialect.turns is None:
            raise ToolglotError(f"{self.dialect.name} has no prompt side: make the prompt with the model's own chat "
                                "template, and read its replies here")
        shown = self._shown(tools)
        turns = as_turns(messages)
        if today is None:
            from datetime import date

            today = date.today().isoformat()
        if self.template is not None and self.learned:
            from .learn.through import prompt_through

            given = {v: thinking for v in self.learned.switches if thinking is not None}
            return prompt_through(self.template, self.learned.manner, turns, shown.tools, bos=self.bos, eos=self.eos,
                                  today=today, reply_starts=reply_starts, given=given)
        if self.template is not None:
            from .chat_template import framed

            return framed(self.template, self.dialect, turns, shown.tools, bos=self.bos, eos=self.eos, today=today,
                          reply_starts=reply_starts)
        return prompts.prompt(self.dialect, turns, shown.tools, today=today, thinking=thinking,
                             reply_starts=reply_starts, listed=shown.listed)

    def parse(self, text: Pieces, tools: Any = None, *, prompt: Seen = None, strict: bool = False,
              limits: Limits = Limits(), rescue: bool = False) -> Reply:
        """What the model's text means: `.content`, `.reasoning`, `.calls`, `.parts`, `.problems`. Never raises for text.

        `prompt` is what the text follows; without it, what this dialect's prompts end with. Without `tools` any
        function's name is accepted. `strict` takes nothing but what the format writes. With `rescue`, arguments are
        mended to fit the tools' schemas, and where the format's own reading finds no valid call, calls in any other
        shape are looked for; `.repairs` says what was changed.
        """
        parser = self.stream(tools, prompt=prompt, strict=strict, limits=limits, rescue=rescue)
        return fold([*parser.feed(text), *parser.close()])

    def stream(self, tools: Any = None, *, prompt: Seen = None, strict: bool = False,
               limits: Limits = Limits(), rescue: bool = False) -> Feeds:
        """A parser to `feed` with text as it comes, and to `close`; both give events. `fold(events)` is the reply.

        With `rescue`, a call comes when it is whole, and text that may turn out to be one waits for that.
        """
        known = self._known(tools)
        parser = Parser(self.dialect, known, prompt=_text(prompt), strict=strict, limits=limits)
        return Rescuer(parser, known_of(known or ())) if rescue else parser

    def constrain(self, tools: Any, choice: Choice = "auto", *, parallel: bool = True, prompt: Seen = None,
                  **options: Any) -> Constraint:
        """What a reply may be: `.lark()`, `.gbnf()`, `.structural_tag()`, `.json_schema()`, `.regex()`.

        `choice`: auto, required, none, {"name": ...} or {"allowed": [...]}. `prompt` is what the reply follows: it may
        have written a marker of the reply's already. `options` are those of `grammar.constrain`.
        What was made for the same tools and choices is kept. Raises ToolglotError for a choice of no known tool.
        """
        from .grammar import constrain

        shown = self._shown(tools)
        if prompt is not None:
            options["begun"] = prompt_tail(self.dialect, _text(prompt))
        try:
            asked = repr((choice, parallel, sorted(options.items())))
        except RecursionError:
            raise ToolglotError("the answer's schema is nested too deeply; flatten it") from None
        if asked not in shown.held:
            if len(shown.held) >= 32:
                shown.held.clear()
            shown.held[asked] = constrain(self.dialect, shown.tools, choice, parallel=parallel, **options)
        return shown.held[asked]

    def write(self, reply: Reply | Sequence[Part]) -> str:
        """A reply as the model itself would have written it."""
        return render.render(self.dialect, reply)

    def _known(self, tools: Any) -> tuple[Tool, ...] | None:
        return None if tools is None else self._shown(tools).tools

    def _shown(self, tools: Any) -> _Shown:
        """The tools, read and listed: the same ones are asked for again and again, turn after turn."""
        if not tools and not callable(tools):
            return self._cache.get(()) or self._keep((), ())
        if isinstance(tools, tuple) and all([isinstance(t, Tool) for t in tools]):
            key: Any = tuple([id(t) for t in tools])    # read before, and frozen: no need to look inside
            return self._cache.get(key) or self._keep(key, tools)
        from .tools import as_tools

        try:
            key = marshal.dumps(tools, 2)               # version 2 has no references: equal values, equal bytes
        except ValueError:                              # functions and classes
            return self._show(as_tools(tools))
        # what is kept shares nothing that its owner may change
        return self._cache.get(key) or self._keep(key, as_tools(marshal.loads(key)))

    def _keep(self, key: Any, tools: tuple[Tool, ...]) -> _Shown:
        if len(self._cache) >= 64:
            self._cache.pop(next(iter(self._cache)), None)
        shown = self._cache[key] = self._show(tools)
        return shown

    def _show(self, tools: tuple[Tool, ...]) -> _Shown:
        turns = self.dialect.turns
        return _Shown(tools, prompts.tool_list(turns, tools) if tools and turns else "", {})


def model(name: str | None = None, *, template: str | None = None, bos: str = "", eos: str = "",
          prompts: Literal["faithful", "repaired"] = "faithful", idiom: str | None = None,
          learn: Literal["unknown", "always", "never"] = "unknown") -> Model:
    """A model's function calling, by dialect name, model id, Ollama tag, or the text of its chat template; or by the path
    of a JSON file that holds a dialect, or a response template (`toolglot.exchange`).

    A template that speaks no known dialect is learned (`toolglot.learn`); where that cannot be, it is given the
    zero-shot dialect `json` in its own frame. `Model.origin` says which. `learn`: "always" learns known ones too, and
    takes the registry's dialect only where it reads what the template writes; "never" learns none. With a name and a
    template, the name decides the dialect. `prompts`: faithful to what the model saw in training, or repaired where its
    own chat template loses or bends something (`toolglot show NAME` says what). `idiom` is how a zero-shot dialect tells
    of the tools: json-schema, typescript, python, markdown or sketch. Raises UnknownDialect, and ToolglotError for an
    idiom or a choice that there is none of.
    """
    if name is None and template is None:
        raise TypeError("model() needs a name or a template")
    if prompts not in ("faithful", "repaired"):
        raise ToolglotError(f"prompts: expected faithful or repaired, got {prompts!r}")
    if name is not None and name.endswith(".json"):
        return Model(_from_file(name, prompts, idiom), None, bos, eos, f"file: {name}")
    if name is not None:
        found = look_up(name)
        card, origin = found.card, f"registry: {found.card.dialect.name} (found by {found.by!r})"
    else:
        assert template is not None
        card, origin, learned = _of_template(template, bos, eos, learn)
        if learned:
            return Model(_with_frame(learned), template, bos, eos, origin, learned)
    dialect = card.dialect if idiom is None else in_idiom(card, idiom)
    if prompts == "repaired" and dialect.repaired is not None:
        dialect = replace(dialect, turns=dialect.repaired)
    return Model(dialect, template if card.framed else None, bos, eos, origin)


def _of_template(template: str, bos: str, eos: str, learn: str) -> tuple[Card, str, Learned | None]:
    """What a chat template speaks, and how that is known."""
    detected, why = detect(template), ""
    if detected:
        card = cards()[detected.dialect.name]
        origin = f"registry: {detected.dialect.name} (found by {' and '.join(map(repr, detected.evidence))})"
        if learn != "always":
            return card, origin, None
    if learn != "never":
        from .learn.learned import remembered

        try:
            learned = remembered(template, bos, eos)
        except ToolglotError as error:
            why = f"; it was not learned: {error}"
        else:
            if not detected or learned.known != detected.dialect.name:
                return cards()["json"], f"learned: {learned.proof.calls} of its calls are read back", learned
    if detected:
        return card, origin + why, None
    return cards()["json"], "zero-shot: json, for its chat template speaks no known format" + why, None


def _with_frame(learned: Learned) -> Dialect:
    """A learned dialect with as much of the prompt side as its reader needs: where a reply begins, and what of it stands
    in the prompt."""
    side = learned.side
    assert side
    marks = re.findall(r"<[^<>\s]*>|\[/?[A-Z_]+\]", side.header)
    header = side.header[side.header.rindex(marks[-1]):] if marks else side.header
    return replace(learned.dialect, turns=Turns(
        user=(CONTENT,), assistant=(header, REPLY, side.closer), results=(RESULTS,), result=(CONTENT,),
        reply_starts=tuple(t for t in (header, side.opened) if t)))


def _from_file(path: str, prompts: str, idiom: str | None) -> Dialect:
    from .exchange import read_dialect

    if idiom is not None:
        raise ToolglotError(f"idiom: {path} says itself how the model is told of its tools")
    dialect = read_dialect(path).dialect
    return replace(dialect, turns=dialect.repaired) if prompts == "repaired" and dialect.repaired else dialect


def _text(prompt: Seen) -> Pieces | None:
    return str(prompt) if isinstance(prompt, Prompt) else prompt
