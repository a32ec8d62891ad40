"""The main job: ask a model, check its calls, run them, and go on until it answers.

The one rule: nothing runs but a whole, valid and approved call, out of a reply that kept what it was held to. What a
reply broke is said, never passed over.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Literal, Union

from .chat import as_turns
from .engines import Chat, Engine, ModelFacts
from .grammar import Choice
from .message import Assistant, Call, Part, Result, Tool, ToolglotError, Turn
from .model import Model
from .model import model as named
from .registry import detect, of_gguf, untrained
from .reply import Prompted, Replied, Sent, Terms, Written, prompted, sent
from .rules import Caps
from .schema import explain, validate
from .spec import Dialect
from .tools import ToolRunError, as_tools, run_call

Approve = Callable[[Call], Union[Awaitable[bool], bool]]
ZERO_SHOT = "json"                       # the dialect of models that were never trained for tools


# -- what happens, in order ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ran:
    """A function ran. `failed`: it raised or took too long; the model is told, `result` says how."""

    call: Call
    result: str
    seconds: float
    failed: bool = False


@dataclass(frozen=True)
class Refused:
    """A call that cannot be run: no such function, or arguments that break its schema. The model is told."""

    call: Call
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Denied:
    """A call that `approve` did not allow. The model is told."""

    call: Call


@dataclass(frozen=True)
class Handed:
    """A valid call of a tool without a function: it is the caller's to run, and the last thing that happens."""

    call: Call


@dataclass(frozen=True)
class Answered:
    """The answer in words; `cut` at the limit of tokens."""

    text: str
    cut: bool = False


@dataclass(frozen=True)
class Stopped:
    """There is no answer, and this is why."""

    why: str


Step = Union[Prompted, Sent, Written, Replied, Ran, Refused, Denied, Handed, Answered, Stopped]


# -- the loop --------------------------------------------------------------------------------------------------


async def ask(model: Model | None, engine: Engine | Chat, messages: Iterable[Any], tools: Any = (), *,
              constrain: bool = True, choice: Choice | None = None, parallel: bool | None = None,
              caps: Caps | None = None, max_steps: int = 4, max_tokens: int = 512, approve: Approve | None = None,
              thinking: bool | None = None, temperature: float = 0.0, seed: int = 0,
              run_timeout: float | None = 30.0, answer: Mapping[str, Any] | None = None) -> AsyncGenerator[Step, None]:
    """Ask the model and run what it calls, at most `max_steps` replies long; gives each step as it happens.

    The last step is Answered, Stopped or Handed. `choice` holds for the first reply; those after results are `auto`.
    None is what suits the dialect: `auto`, but for zero-shot models, which would rather talk than call, `required`
    first and then words. `parallel` calls and `caps` default to what suits it as well. `approve` is asked before each
    call; None allows all. `thinking` None is none where the reply is constrained, else as the model likes.
    `run_timeout` is in seconds, for one function. `answer` is the JSON schema that the answer must be a value of; the model
    is not told of it. Close the generator to stop the engine.

    A chat API writes its own prompts: it needs no `model`, knows nothing of `thinking` and `caps`, and is never
    constrained. Its replies are checked like all others.

    Raises MessageError and ToolError for bad input, EngineError for an engine that cannot go on.
    """
    known, turns = as_tools(tools), as_turns(messages)
    terms = Terms(constrain, parallel, caps, thinking, max_tokens, temperature, seed, answer)
    dialect = None if model is None or isinstance(engine, Chat) else model.dialect
    made = 0
    for number in range(max_steps):
        now = step_choice(dialect, choice, number) if known else "none"
        replied: Step | None = None
        async with aclosing(_reply(model, engine, turns, known, now, terms)) as steps:
            async for replied in steps:
                yield replied
        assert isinstance(replied, Replied)
        if replied.broken or not replied.reply.calls:
            yield _end(replied)
            return
        parts = with_ids(replied.reply.parts, made)
        turns.append(Assistant(parts))
        calls = _calls(parts)
        made += len(calls)
        handed = False
        for call in calls:
            step = await _carry_out(call, known, approve, run_timeout)
            yield step
            handed = handed or isinstance(step, Handed)
            turns.append(Result(told(step), call.name, call.id))
        if handed:
            return
    yield Stopped(f"there is no answer after {max_steps} replies; allow more with max_steps")


def _reply(model: Model | None, engine: Engine | Chat, turns: Sequence[Turn], tools: tuple[Tool, ...], choice: Choice,
           terms: Terms) -> AsyncGenerator[Any, None]:
    if not isinstance(engine, Chat):
        if model is None:
            raise ToolglotError(f"{engine.facts.name} is given a prompt, and no model says how: see model_for")
        return prompted(model, engine, turns, tools, choice, terms)
    if terms.thinking is not None or terms.caps is not None:
        raise ToolglotError(f"{engine.facts.name} is behind a chat API, which takes neither thinking nor caps: leave them "
                            "out")
    return sent(engine, turns, tools, choice, terms)


def step_choice(dialect: Dialect | None, choice: Choice | None, number: int) -> Choice:
    """What reply `number`, from 0, may choose. A call that is required for ever would never let an answer through."""
    simple = dialect is not None and untrained(dialect)
    if choice in ("auto", "none"):
        return choice
    if number == 0:
        return choice or ("required" if simple else "auto")
    return "none" if simple else "auto"


def _end(replied: Replied) -> Answered | Stopped:
    text = replied.reply.content
    if replied.broken:
        return Stopped("; ".join(replied.broken))
    cut = replied.done.finish == "length"
    if text.strip():
        return Answered(text, cut)
    limit = f": {replied.done.completion_tokens or 'all its'} tokens went into something else" if cut else ""
    return Stopped(f"the reply holds no answer{limit}")


def with_ids(parts: Sequence[Part], made: int) -> tuple[Part, ...]:
    """Calls with ids: nine letters and digits, which every family that has ids can write."""
    out: list[Part] = []
    for part in parts:
        if isinstance(part, Call):
            made += 1
            part = part if part.id else replace(part, id=f"call{made:05}")
        out.append(part)
    return tuple(out)


def _calls(parts: Sequence[Part]) -> list[Call]:
    return [part for part in parts if isinstance(part, Call)]


# -- one call --------------------------------------------------------------------------------------------------


async def _carry_out(call: Call, tools: Sequence[Tool], approve: Approve | None,
                     timeout: float | None) -> Ran | Refused | Denied | Handed:
    tool = next((tool for tool in tools if tool.name == call.name), None)
    if tool is None:
        known = ", ".join(tool.name for tool in tools)
        return Refused(call, (f"no function is named {call.name!r}; the functions are {known}",))
    if reasons := validate(call.arguments, tool.parameters):
        return Refused(call, tuple(reasons))
    if tool.function is None:
        return Handed(call)
    if approve is not None:
        allowed = approve(call)
        if not (await allowed if inspect.isawaitable(allowed) else allowed):
            return Denied(call)
    began = time.perf_counter()
    try:
        result, failed = await run_call(tool, call.arguments, timeout), False
    except ToolRunError as error:
        result, failed = str(error), True
    return Ran(call, result, time.perf_counter() - began, failed)


def told(step: Step) -> str:
    """What the model is told of a call."""
    match step:
        case Ran(_, result, _, failed):
            return f"error: {result}" if failed else result
        case Refused(call, reasons):
            return "error: " + explain(call.name, reasons)
        case Denied():
            return "error: the user did not allow this call"
        case _:
            return ""


# -- which dialect ---------------------------------------------------------------------------------------------


def model_for(facts: ModelFacts, dialect: str | None = None, *, prompts: Literal["faithful", "repaired"] = "faithful",
              idiom: str | None = None) -> Model:
    """The facade for a loaded model: the dialect of this name, else the one that its chat template or name gives away,
    else the zero-shot one in the template's own frame. Raises UnknownDialect for a name that is none."""
    return named(dialect or dialect_of(facts)[0], template=facts.chat_template, bos=facts.bos, eos=facts.eos,
                 prompts=prompts, idiom=idiom)


def dialect_of(facts: ModelFacts) -> tuple[str, str]:
    """The name of the dialect that suits a loaded model, and why it is this one."""
    if detected := detect(facts.chat_template or ""):
        return detected.dialect.name, f"its chat template holds {' and '.join(map(repr, detected.evidence))}"
    if found := of_gguf(facts.architecture, facts.name):
        return found.card.dialect.name, f"it is known by {found.by!r}"
    framed = "its chat template, which speaks no known format" if facts.chat_template else \
        "ChatML, for nobody tells its chat template: give a dialect if you know better"
    return ZERO_SHOT, f"nothing known is in its name, so it is taken as never trained for tools; the frame is {framed}"


__all__ = ["ZERO_SHOT", "Answered", "Approve", "Denied", "Handed", "Prompted", "Ran", "Refused", "Replied",
           "Sent", "Step", "Stopped", "Written", "ask", "dialect_of", "model_for", "step_choice", "told", "with_ids"]
