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
from .engines import Chunk, Done, Engine, ModelFacts, PromptPiece, Request
from .grammar import Choice
from .message import Assistant, Call, Event, Part, Reply, Result, System, Tool, Turn, User, fold
from .model import Model
from .model import model as named
from .plan import prompt_tail
from .prompt import Prompt
from .registry import detect, of_gguf, untrained
from .rules import Caps
from .schema import explain, validate
from .spec import Dialect
from .tools import ToolRunError, as_tools, run_call

Approve = Callable[[Call], Union[Awaitable[bool], bool]]
ZERO_SHOT = "json"                       # the dialect of models that were never trained for tools
SMALL_CAPS = Caps(string=200, items=16, digits=12)   # such a model may go on for ever where a schema lets it


# -- what happens, in order ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Prompted:
    """What the model is shown, what it may choose, and the Lark grammar that its reply is held to, if any."""

    prompt: Prompt
    choice: Choice
    constraint: str | None


@dataclass(frozen=True)
class Written:
    """The next stretch of the reply, as the model wrote it, and the events that became certain with it."""

    text: str
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Replied:
    """A whole reply. `broken` says, a sentence each, how it is not what it had to be; nothing of such a one runs."""

    reply: Reply
    text: str
    done: Done
    broken: tuple[str, ...] = ()


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


Step = Union[Prompted, Written, Replied, Ran, Refused, Denied, Handed, Answered, Stopped]


# -- the loop --------------------------------------------------------------------------------------------------


async def ask(model: Model, engine: Engine, messages: Iterable[Any], tools: Any = (), *, constrain: bool = True,
              choice: Choice | None = None, parallel: bool | None = None, caps: Caps | None = None, max_steps: int = 4,
              max_tokens: int = 512, approve: Approve | None = None, thinking: bool | None = None,
              temperature: float = 0.0, seed: int = 0, run_timeout: float | None = 30.0) -> AsyncGenerator[Step, None]:
    """Ask the model and run what it calls, at most `max_steps` replies long; gives each step as it happens.

    The last step is Answered, Stopped or Handed. `choice` holds for the first reply; those after results are `auto`.
    None is what suits the dialect: `auto`, but for zero-shot models, which would rather talk than call, `required`
    first and then words. `parallel` calls and `caps` default to what suits it as well. `approve` is asked before each
    call; None allows all. `thinking` None is none where the reply is constrained, else as the model likes.
    `run_timeout` is in seconds, for one function. Close the generator to stop the engine.

    Raises MessageError and ToolError for bad input, EngineError for an engine that cannot go on.
    """
    known, turns = as_tools(tools), as_turns(messages)
    if constrain and thinking is None:
        thinking = False                         # the constraint leaves no room for it: the prompt must not ask
    simple = untrained(model.dialect)
    options: dict[str, Any] = {
        "parallel": not simple if parallel is None else parallel,
        "caps": caps or (SMALL_CAPS if simple else Caps())}
    made = 0
    for number in range(max_steps):
        now = step_choice(model.dialect, choice, number) if known else "none"
        words = simple and now == "none"
        prompt = model.prompt(in_words(turns) if words else turns, () if words else known, thinking=thinking)
        rules = None
        if constrain:
            begins = reasoning_at(model.dialect, prompt, thinking)
            facts = engine.facts
            rules = model.constrain(known, now, reasoning=begins, **options).lark(facts.special_tokens, facts.stop_tokens)
        yield Prompted(prompt, now, rules)
        request = Request([PromptPiece(p.text, p.special) for p in prompt.pieces], rules, model.dialect.stop,
                          max_tokens, temperature, seed)
        replied = None
        async with aclosing(_reply(model, engine, request, prompt, known, now)) as steps:
            async for replied in steps:
                yield replied
        assert isinstance(replied, Replied)
        if replied.broken or not replied.reply.calls:
            yield _end(replied)
            return
        parts = _with_ids(replied.reply.parts, made)
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


def step_choice(dialect: Dialect, choice: Choice | None, number: int) -> Choice:
    """What reply `number`, from 0, may choose. A call that is required for ever would never let an answer through."""
    simple = untrained(dialect)
    if choice in ("auto", "none"):
        return choice
    if number == 0:
        return choice or ("required" if simple else "auto")
    return "none" if simple else "auto"


def in_words(turns: Sequence[Turn]) -> list[Turn]:
    """The conversation for a zero-shot model that is to answer: the results are told with the question.

    One that was never trained for tools copies the calls that it sees, or goes round in circles after a bare result.
    On nine questions SmolLM2-135M gave nine answers that hold the result this way, and two with a turn of its own for
    the result; of 25 wordings this one did best.
    """
    results = [turn.text for turn in turns if isinstance(turn, Result)]
    last = max((i for i, turn in enumerate(turns) if isinstance(turn, User)), default=-1)
    words: list[Turn] = []
    for i, turn in enumerate(turns):
        if isinstance(turn, User) and i == last and results:
            words.append(User(f"{turn.text}\n\nAnswer in one sentence that contains: " + "\n".join(results)))
        elif isinstance(turn, (System, User)) or (isinstance(turn, Assistant) and not _calls(turn.parts)):
            words.append(turn)
    return words


def reasoning_at(dialect: Dialect, prompt: Prompt, thinking: bool | None) -> Literal["none", "first", "open"]:
    """Whether the reply begins with reasoning, or already stands in it where the prompt ends."""
    if dialect.reasoning is None:
        return "none"
    before, after = (str(dialect.reasoning[0]).strip(), str(dialect.reasoning[-1]).strip())
    tail = prompt_tail(dialect, str(prompt))
    if before and tail.rfind(before) > tail.rfind(after):
        return "open"
    return "first" if thinking else "none"


# -- one reply -------------------------------------------------------------------------------------------------


async def _reply(model: Model, engine: Engine, request: Request, prompt: Prompt, tools: tuple[Tool, ...],
                 choice: Choice) -> AsyncGenerator[Written | Replied, None]:
    # what was constrained is in shape; anything else may be in any
    parser, words, events = model.stream(tools, prompt=prompt, rescue=request.constraint is None), [], []
    done: Done | None = None
    async with aclosing(engine.generate(request)) as output:     # closed now, not when the collector comes by
        async for item in output:
            if isinstance(item, Chunk):
                new = parser.feed(item.text)
                words.append(item.text)
                events += new
                yield Written(item.text, tuple(new))
            else:
                done = item
    assert done is not None, "an engine says Done last"
    new = parser.close()
    if new:
        yield Written("", tuple(new))
    reply = fold([*events, *new])
    yield Replied(reply, "".join(words), done, broken(reply, done, choice, request.constraint is not None))


def broken(reply: Reply, done: Done, choice: Choice, constrained: bool) -> tuple[str, ...]:
    """How a reply is not what it had to be: the constraint is checked again, by the one who reads."""
    names = [call.name for call in reply.calls]
    wanted = [choice["name"]] if isinstance(choice, Mapping) and "name" in choice else None
    if isinstance(choice, Mapping) and wanted is None:
        wanted = list(choice["allowed"])
    cut = f"the reply was cut at {done.completion_tokens} tokens" if done.finish == "length" else ""
    if not names and (choice == "required" or wanted is not None):
        lost = f": {reply.problems[0]}" if reply.problems else ""
        return (f"{cut} before its call was whole" if cut else f"a call was required, and the reply holds none{lost}",)
    found = [f"the call of {name} was not allowed" for name in names
             if choice == "none" or (wanted is not None and name not in wanted)]
    if constrained and not cut:
        found += [f"the reply did not keep its constraint: {p}" for p in reply.problems]
    elif not names:
        found += [f"{cut}: {p}" if cut else f"the reply holds no whole call: {p}" for p in reply.problems if p.name]
    return tuple(found)


def _end(replied: Replied) -> Answered | Stopped:
    text = replied.reply.content
    if replied.broken:
        return Stopped("; ".join(replied.broken))
    cut = replied.done.finish == "length"
    if text:
        return Answered(text, cut)
    limit = f": its {replied.done.completion_tokens} tokens went into something else" if cut else ""
    return Stopped(f"the reply holds no answer{limit}")


def _with_ids(parts: Sequence[Part], made: int) -> tuple[Part, ...]:
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
    if dialect is None:
        if detected := detect(facts.chat_template or ""):
            dialect = detected.dialect.name
        else:
            found = of_gguf(facts.architecture, facts.name)
            dialect = found.card.dialect.name if found else ZERO_SHOT
    return named(dialect, template=facts.chat_template, bos=facts.bos, eos=facts.eos, prompts=prompts, idiom=idiom)
