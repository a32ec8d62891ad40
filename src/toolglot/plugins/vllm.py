"""Every dialect as a tool parser and a reasoning parser of vLLM; docs/vllm.md says how to turn them on.

The one rule: a client is told what the events of the one streaming parser say, in pieces and whole. vLLM gives the
reasoning parser the text first and the tool parser what is left of it; so the first finds where in the text the reasoning
stood, and hands on the rest as the model wrote it.

Written for the interface of vLLM 0.32 (`vllm/tool_parsers/abstract_tool_parser.py`, `abs_reasoning_parsers.py` in
`vllm/reasoning`, and `DelegatingParser` in `vllm/parser/abstract_parser.py`, which calls both) and run in its server, in
the CPU build. The files of 0.33 were read: what they add (`set_prompt_token_ids`) is here, and was not run. A parser that
says `engine_based_streaming` is asked to `finish_streaming`: there is no other way to know that the text is over.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any
from uuid import uuid4

# Loaded by its path, a file is in no package, so nothing here is imported relative to it; and it is named after the file.
if __name__ == "vllm":                   # so now it stands in the place of vLLM itself
    sys.modules.pop(__name__)

from vllm.reasoning import ReasoningParser, ReasoningParserManager
from vllm.sampling_params import StructuredOutputsParams
from vllm.tool_parsers.abstract_tool_parser import (
    DeltaMessage,
    ExtractedToolCallInformation,
    ToolParser,
    ToolParserManager,
)

from toolglot.cursor import Step
from toolglot.message import CallArgs, CallEnd, CallStart, Event, Problem, Reasoning, Text, Tool, ToolglotError, fold
from toolglot.model import Model, model
from toolglot.parse import Parser
from toolglot.plan import Block, leading, prompt_tail, written
from toolglot.registry import UnknownDialect, cards, detect
from toolglot.spec import TEXT, Dialect
from toolglot.tools import as_tools

PROMPT = 4096        # tokens at the end of a prompt that are looked at: where its last reply begins is among them
RECENT = 64          # tokens of a reply that the end of its reasoning is looked for in: more than any marker takes


# -- which dialect


@lru_cache(maxsize=64)
def _named(name: str) -> Model:
    return model(name)


@lru_cache(maxsize=64)
def _found(template: str, name: str) -> Model:
    """The model of a chat template, for vLLM's prompts are made with it; else of the model's name."""
    if detected := detect(template):
        return _named(detected.dialect.name)
    try:
        return _named(name)
    except UnknownDialect as e:
        raise ToolglotError(f"the chat template of {name!r} speaks no dialect known here, and its name says nothing: give "
                            "one by name, as in --tool-call-parser toolglot_qwen3; `toolglot dialects` lists them") from e


def _model_of(dialect: str, tokenizer: Any) -> Model:
    if dialect:
        return _named(dialect)
    template = getattr(tokenizer, "chat_template", None)
    if isinstance(template, dict):
        template = template.get("tool_use") or template.get("default")
    return _found(template or "", str(getattr(tokenizer, "name_or_path", "")))


# -- where the reasoning stands


class _Thinking(Parser):
    """The parser, which remembers where in the text each block of reasoning stood, its markers included."""

    def __init__(self, dialect: Dialect, prompt: str | None) -> None:
        super().__init__(dialect, None, prompt=prompt)
        self.spans: list[tuple[int, int]] = []
        self.inside = False                  # of a block that is not over
        self._from = 0

    def _block(self, block: Block, firm: bool, alone: bool) -> Step[None]:
        self._from = self._cursor.offset
        yield from super()._block(block, firm, alone)

    def _span(self, block: Block) -> Step[None]:
        self.inside = block.kind == "reasoning"
        yield from super()._span(block)
        self.inside = False
        if block.kind == "reasoning" and self._cursor.offset > 0:        # else it was over in the prompt
            self.spans.append((max(self._from, 0), self._cursor.offset))

    def without(self, text: str) -> str:
        """The text that was read, without its reasoning."""
        edges = [0, *[edge for span in self.spans for edge in span], len(text)]
        return "".join([text[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)])


def _markers(dialect: Dialect) -> tuple[str, str]:
    """What the dialect writes before and after reasoning."""
    if dialect.reasoning is None:
        return "", ""
    at = dialect.reasoning.index(TEXT)
    return written(dialect.reasoning[:at]), written(dialect.reasoning[at + 1:])


@lru_cache(maxsize=256)
def _closers(reasoning: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple([o.strip() for o, _ in leading(reasoning[reasoning.index(TEXT) + 1:]) if o.strip()])


def _is_over(dialect: Dialect, text: str) -> bool:
    """Has reasoning been closed in what of this text belongs to the reply, so that it does not go on at the end?"""
    tail = prompt_tail(dialect, text)
    said = leading(dialect.content)[0][0].strip()
    ends = [tail.rfind(c) + len(c) for c in _closers(dialect.reasoning or (TEXT,)) if c in tail]
    opener = _markers(dialect)[0].strip()
    return (bool(ends) and (not opener or opener not in tail[max(ends):])) or (bool(said) and tail.rstrip().endswith(said))


# -- what is said


class _Said:
    """Events -> what vLLM tells the client. `reasoning` is told as such, or as words between the dialect's markers."""

    def __init__(self, dialect: Dialect, apart: bool) -> None:
        self._before, self._after = _markers(dialect)
        self._apart, self._thinking = apart, False

    def delta(self, events: Iterable[Event], last: bool = False) -> dict[str, Any]:
        """The members of a DeltaMessage; those without anything in them are left out."""
        content, reasoning = list[str](), list[str]()
        calls: list[dict[str, Any]] = []
        for event in events:
            if self._thinking and isinstance(event, (Text, CallStart)):
                content.append(self._close())
            match event:
                case Text(text):
                    content.append(text)
                case Reasoning(text) if self._apart:
                    reasoning.append(text)
                case Reasoning(text):
                    content.append(text if self._thinking else self._before + text)
                    self._thinking = True
                case CallStart(index, name, id):
                    calls.append({"index": index, "id": id or _new_id(), "type": "function",
                                  "function": {"name": name, "arguments": ""}})
                case CallArgs(index, delta):
                    if not calls or calls[-1]["index"] != index:
                        calls.append({"index": index, "function": {"arguments": ""}})
                    calls[-1]["function"]["arguments"] += delta
                case Problem(kind="unfinished"):
                    self._thinking = False               # it was never closed
        if last and self._thinking:
            content.append(self._close())
        told = {"content": "".join(content), "reasoning": "".join(reasoning), "tool_calls": calls}
        return {key: value for key, value in told.items() if value}

    def _close(self) -> str:
        self._thinking = False
        return self._after


def _new_id() -> str:
    """Nine letters and digits: Mistral's chat templates take no others, the others take any."""
    return uuid4().hex[:9]


# -- the two parsers


class ToolglotToolParser(ToolParser):  # type: ignore[misc]
    """One request's calls. vLLM sets `skip_reasoning_parsing` where it has no reasoning parser: it is content then."""

    dialect = ""                             # the name; "" for what the tokenizer's chat template speaks
    supports_required_and_named = False      # a call that is asked for is in the model's own format too
    engine_based_streaming = True
    skip_reasoning_parsing = False

    def __init__(self, tokenizer: Any, tools: Any = None, **_: Any) -> None:
        super().__init__(tokenizer, tools)
        self._model = _model_of(self.dialect, tokenizer)
        self._reading: tuple[Any, _Said] | None = None

    def adjust_request(self, request: Any) -> Any:
        """Markers must not be stripped from the text; and a call that the client asks for is one the grammar asks for."""
        if not request.tools or request.tool_choice == "none":
            return request
        tools = self._tools()
        if self._model.dialect.special:
            request.skip_special_tokens = False
        if choice := _asked_for(request.tool_choice):
            rules = self._model.constrain(tools, choice, parallel=request.parallel_tool_calls is not False)
            request.structured_outputs = StructuredOutputsParams(grammar=rules.gbnf())   # the notation of all its backends
            setattr(request, "response_format" if hasattr(request, "response_format") else "text", None)
        return request

    def extract_tool_calls(self, model_output: str, request: Any) -> Any:
        """Whole calls alone. What of a malformed one was written is content; of one that is cut off, nothing is."""
        parser, said = self._begin(request, apart=False)
        events = [*parser.feed(model_output), *parser.close()]
        told = said.delta(map(_as_words, events), last=True)
        calls = [{"id": c.id or _new_id(), "type": "function", "function": {"name": c.name, "arguments": a}}
                 for c, a in _whole(events)]
        return ExtractedToolCallInformation(tools_called=bool(calls), tool_calls=calls, content=told.get("content"))

    def extract_tool_calls_streaming(self, previous_text: str, current_text: str, delta_text: str,
                                     previous_token_ids: Sequence[int], current_token_ids: Sequence[int],
                                     delta_token_ids: Sequence[int], request: Any) -> Any:
        if self._reading is None:
            self._reading = self._begin(request, apart=not self.skip_reasoning_parsing)
        parser, said = self._reading
        return _message(said.delta(parser.feed(delta_text)))

    def finish_streaming(self) -> Any:
        """The text is over."""
        if self._reading is None:
            return None
        parser, said = self._reading
        return _message(said.delta(parser.close(), last=True))

    def _begin(self, request: Any, apart: bool) -> tuple[Any, _Said]:
        asked = request.tool_choice != "none"            # without tools, what has no marker of its own is words
        prompt = None if self.skip_reasoning_parsing else _after_thinking(self._model.dialect)
        return self._model.stream(self._tools() if asked else (), prompt=prompt), _Said(self._model.dialect, apart)

    def _tools(self) -> tuple[Tool, ...]:
        return as_tools([t.model_dump(exclude_none=True) for t in self.tools])


class ToolglotReasoningParser(ReasoningParser):  # type: ignore[misc]
    """One request's reasoning: what a reply begins with, and in a whole text what comes later too."""

    dialect = ""
    engine_based_streaming = True

    def __init__(self, tokenizer: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(tokenizer, *args, **kwargs)
        self._dialect = _model_of(self.dialect, tokenizer).dialect
        self._prompt: str | None = None
        self._reader: _Thinking | None = None
        self._text, self._over = "", False
        self._held: list[Event] = []

    @property
    def reasoning_start_str(self) -> str | None:
        return _markers(self._dialect)[0].strip() or None

    @property
    def reasoning_end_str(self) -> str | None:
        return _markers(self._dialect)[1].strip() or None

    def adjust_request(self, request: Any) -> Any:
        if self._dialect.reasoning and self._dialect.special:
            request.skip_special_tokens = False
        return request

    # -- by tokens: vLLM asks where a constraint on the answer begins

    def is_reasoning_end(self, input_ids: Sequence[int]) -> bool:
        """Asked of a prompt: does the reply begin after reasoning? Where the model itself would open it, it does not."""
        self.set_prompt_token_ids(input_ids)
        return self._dialect.reasoning is None or _is_over(self._dialect, self._prompt or "")

    def is_reasoning_end_streaming(self, input_ids: Sequence[int], delta_ids: Iterable[int]) -> bool:
        recent = input_ids[-(RECENT + len(list(delta_ids))):]
        return self._dialect.reasoning is None or _is_over(self._dialect, self.model_tokenizer.decode(list(recent)))

    def extract_content_ids(self, input_ids: Sequence[int]) -> list[int]:
        ids = list(input_ids)
        if self._dialect.reasoning is None:
            return ids
        for i in range(len(ids)):
            if any(c in self.model_tokenizer.decode(ids[max(0, i - 15):i + 1]) for c in _closers(self._dialect.reasoning)):
                return ids[i + 1:]
        return []

    def set_prompt_token_ids(self, prompt_token_ids: Sequence[int]) -> None:
        self._prompt = self.model_tokenizer.decode(list(prompt_token_ids[-PROMPT:]))

    adjust_initial_state_from_prompt = set_prompt_token_ids

    # -- by text

    def extract_reasoning(self, model_output: str, request: Any) -> tuple[str | None, str | None]:
        reader = _Thinking(self._dialect, self._prompt)
        reasoning = fold([*reader.feed(model_output), *reader.close()]).reasoning
        return reasoning or None, reader.without(model_output) or None

    def extract_reasoning_streaming(self, previous_text: str, current_text: str, delta_text: str,
                                    previous_token_ids: Sequence[int], current_token_ids: Sequence[int],
                                    delta_token_ids: Sequence[int]) -> Any:
        """Reasoning, and when something else has come the rest of the text so far, as it is: the tool parser reads that.

        Not while reasoning is open again: vLLM would lose one of what the two parsers say of it.
        """
        if self._reader is None:
            self._reader = _Thinking(self._dialect, self._prompt)
        self._text += delta_text
        events = self._reader.feed(delta_text)
        self._held += [e for e in events if not isinstance(e, Reasoning)]
        self._over = not self._reader.inside and any([isinstance(e, (Text, CallStart)) for e in self._held])
        return _message({"reasoning": "".join([e.text for e in events if isinstance(e, Reasoning)]),
                         "content": self._reader.without(self._text) if self._over else ""})

    def has_engine_confirmed_reasoning_end(self) -> bool:
        return self._over

    def finish_streaming(self) -> Any:
        """The text is over, or its reasoning is: then the tool parser has the rest."""
        if self._over or self._reader is None:
            return None
        return _message(_Said(self._dialect, apart=True).delta([*self._held, *self._reader.close()], last=True))


# -- small things


def _asked_for(choice: Any) -> Any:
    """vLLM's tool choice as `constrain` takes it, where it asks for a call."""
    if choice == "required":
        return choice
    name = getattr(getattr(choice, "function", choice), "name", None)
    return {"name": name} if name else None


def _after_thinking(dialect: Dialect) -> str | None:
    """The prompt of a text whose reasoning has been read: that of the dialect, unless it ends inside of reasoning."""
    opener = _markers(dialect)[0].strip()
    return "" if opener and prompt_tail(dialect, None).rstrip().endswith(opener) else None


def _whole(events: Iterable[Event]) -> list[tuple[CallStart, str]]:
    """Each call that was whole, with its arguments as JSON."""
    calls: list[tuple[CallStart, str]] = []
    start, arguments = CallStart(0, ""), list[str]()
    for event in events:
        match event:
            case CallStart():
                start = event
                arguments.clear()
            case CallArgs(_, delta):
                arguments.append(delta)
            case CallEnd(_, problem, late) if not (problem and problem.raw):
                calls.append((CallStart(start.index, start.name, late or start.id), "".join(arguments) or "{}"))
    return calls


def _as_words(event: Event) -> Event:
    match event:
        case CallEnd(_, Problem(kind=kind, raw=raw)) if raw.strip() and kind != "unfinished":
            return Text(raw)
    return event


def _message(members: dict[str, Any]) -> Any:
    told = {key: value for key, value in members.items() if value}
    return DeltaMessage(**told) if told else None


def _register() -> None:
    for name, dialect in {"toolglot": "", **{f"toolglot_{n}": n for n in cards()}}.items():
        kind = type(f"ToolParser_{name}", (ToolglotToolParser,), {"dialect": dialect})
        ToolParserManager.register_module(name, module=kind)
        if not dialect or cards()[dialect].dialect.reasoning:
            kind = type(f"ReasoningParser_{name}", (ToolglotReasoningParser,), {"dialect": dialect})
            ReasoningParserManager.register_module(name, module=kind)


_register()
