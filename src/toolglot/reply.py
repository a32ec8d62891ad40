"""One reply of the loop in `ask`: what the model is shown, what it writes, and whether that is what it had to be.

The one rule: every reply ends in Replied, which says what it broke; one that ends in nothing is an EngineError. A reply
comes from an engine that is given a prompt, or from a chat API that is told the conversation; the steps are alike.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Literal

from .engines import Chat, ChatRequest, Done, Engine, EngineError, PromptPiece, Request, Rules, TokenLogprob
from .engines.chat_messages import messages_of
from .grammar import Choice, answering, mode_of
from .message import Call, Event, Reply, Result, Tool, Turn, User, fold
from .model import Model
from .plan import leading, prompt_tail
from .prompt import Prompt
from .registry import untrained
from .rules import Caps
from .schema import validate_answer
from .spec import TEXT, Dialect

SMALL_CAPS = Caps(string=200, items=16, digits=12)   # such a model may go on for ever where a schema lets it


@dataclass(frozen=True)
class Prompted:
    """What the model is shown, what it may choose, and what its reply is held to, if anything. `unheld`: why the engine
    cannot hold it, and it goes free: words alone, among which a call is refused when it has come; anything, where the terms
    are lenient."""

    prompt: Prompt
    choice: Choice
    constraint: Rules | None
    unheld: str = ""


@dataclass(frozen=True)
class Sent:
    """What a chat API is told, as messages in OpenAI's shape, and what it may choose. Nobody here sees its prompt, and
    its reply is held to nothing. Past reasoning, which some servers want back, is not shown."""

    messages: tuple[Mapping[str, Any], ...]
    choice: Choice


@dataclass(frozen=True)
class Written:
    """The next stretch of the reply, as the model wrote it, and the events that became certain with it. A chat API gives
    the events alone. `logprobs` are those of its tokens, where they were asked for."""

    text: str
    events: tuple[Event, ...]
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True)
class Replied:
    """A whole reply. `broken` says, a sentence each, how it is not what it had to be; nothing of such a one runs."""

    reply: Reply
    text: str
    done: Done
    broken: tuple[str, ...] = ()


@dataclass(frozen=True)
class Terms:
    """What is asked of every reply alike. None is what suits the model, or the engine. `lenient`: a reply that the engine
    cannot constrain goes free, and is checked. `answer` is the JSON schema that the words of a reply without calls must be
    a value of; the model is not told of it. `today`: as a prompt has it."""

    constrain: bool = True
    parallel: bool | None = None
    caps: Caps | None = None
    thinking: bool | None = None
    max_tokens: int = 512
    temperature: float = 0.0
    seed: int = 0
    answer: Mapping[str, Any] | None = None
    top_p: float | None = None
    top_k: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logprobs: int | None = None
    lenient: bool = False
    today: str | None = None

    @property
    def thinks(self) -> bool | None:
        """A constraint leaves no room for reasoning that nobody asked for: the prompt must not ask for it either."""
        return False if self.constrain and self.thinking is None else self.thinking

    @property
    def sampling(self) -> tuple[Any, ...]:
        """As the last fields of a request have it."""
        return (self.max_tokens, self.temperature, self.seed, self.top_p, self.top_k, self.presence_penalty,
                self.frequency_penalty, self.logprobs)


def due(answer: Mapping[str, Any] | None, choice: Choice) -> Mapping[str, Any] | None:
    """The answer's schema, where a reply may be one: none is due where a call is required."""
    return None if mode_of(choice) == "required" else answer


# -- from an engine that is given a prompt ---------------------------------------------------------------------


def shown(model: Model, turns: Sequence[Turn], tools: tuple[Tool, ...], choice: Choice, terms: Terms) -> Prompt:
    """What the model is shown."""
    words = untrained(model.dialect) and choice == "none"
    return model.prompt(in_words(turns, terms.answer) if words else turns, () if words else tools, thinking=terms.thinks,
                        today=terms.today)


async def prompted(model: Model, engine: Engine, turns: Sequence[Turn], tools: tuple[Tool, ...], choice: Choice,
                   terms: Terms) -> AsyncGenerator[Prompted | Written | Replied, None]:
    dialect, simple = model.dialect, untrained(model.dialect)
    prompt = shown(model, turns, tools, choice, terms)
    rules, unheld, answer = None, "", due(terms.answer, choice)
    reasoning = reasoning_at(dialect, prompt, terms.thinks)
    if terms.constrain:
        constraint = model.constrain(
            tools, choice, prompt=prompt, reasoning=reasoning, answer=answer,
            parallel=not simple if terms.parallel is None else terms.parallel,
            caps=terms.caps or (SMALL_CAPS if simple else Caps()))
        try:
            rules = engine.rules(constraint)
        except EngineError as error:
            if choice != "none" and not terms.lenient:
                raise
            unheld = str(error)
    yield Prompted(prompt, choice, rules, unheld)
    request = Request([PromptPiece(p.text, p.special) for p in prompt.pieces], rules, dialect.stop, *terms.sampling)
    # what was constrained is in shape; anything else may be in any
    if answer is not None and (choice == "none" or not tools):       # what looks like a call in it is a part of the value
        reader = replace(model, dialect=answering(dialect, rules is None or reasoning != "none"))
        parser = reader.stream((), prompt=prompt)
    else:
        parser = model.stream(tools, prompt=prompt, rescue=rules is None)
    text = list[str]()
    events, done = list[Event](), list[Done]()
    async with aclosing(engine.generate(request)) as output:     # closed now, not when the collector comes by
        async for item in output:
            if isinstance(item, Done):
                done.append(item)
                continue
            new = parser.feed(item.text)
            text.append(item.text)
            events += new
            yield Written(item.text, tuple(new), item.logprobs)
    if new := parser.close():
        yield Written("", tuple(new))
    yield _replied([*events, *new], "".join(text), done, choice, terms, rules is not None)


def in_words(turns: Sequence[Turn], answer: Mapping[str, Any] | None = None) -> list[Turn]:
    """The conversation for a zero-shot model that is to answer: the results are told with the question.

    One that was never trained for tools copies the calls that it sees, or goes round in circles after a bare result.
    On nine questions SmolLM2-135M gave nine answers that hold the result this way, and two with a turn of its own for
    the result; of 25 wordings this one did best. Where the answer is due in JSON, no sentence is asked for.
    """
    ask = "Answer in one sentence that contains: " if answer is None else "Answer with: "
    results = [turn.text for turn in turns if isinstance(turn, Result)]
    last = max((i for i, turn in enumerate(turns) if isinstance(turn, User)), default=-1)
    words: list[Turn] = []
    for i, turn in enumerate(turns):
        if isinstance(turn, User) and i == last and results:
            words.append(User(f"{turn.text}\n\n{ask}" + "\n".join(results)))
        elif not isinstance(turn, Result) and not any(isinstance(p, Call) for p in getattr(turn, "parts", ())):
            words.append(turn)
    return words


def reasoning_at(dialect: Dialect, prompt: Prompt, thinking: bool | None) -> Literal["none", "first", "open"]:
    """Whether the reply begins with reasoning, or already stands in it where the prompt ends."""
    if dialect.reasoning is None:
        return "none"
    at = dialect.reasoning.index(TEXT)
    openers, closers = leading(dialect.reasoning), leading(dialect.reasoning[at + 1:])
    tail = prompt_tail(dialect, str(prompt))
    opened = max([tail.rfind(one.strip()) for one, _ in openers if one.strip()], default=-1)
    if opened > max([tail.rfind(one.strip()) for one, _ in closers if one.strip()], default=-1):
        return "open"
    return "first" if thinking else "none"


# -- from a chat API -------------------------------------------------------------------------------------------


async def sent(chat: Chat, turns: Sequence[Turn], tools: tuple[Tool, ...], choice: Choice,
               terms: Terms) -> AsyncGenerator[Sent | Written | Replied, None]:
    yield Sent(tuple(messages_of(turns)), choice)
    request = ChatRequest(turns, tools, choice, terms.parallel, due(terms.answer, choice), (), *terms.sampling)
    events, done = list[Event](), list[Done]()
    async with aclosing(chat.converse(request)) as output:
        async for item in output:
            if isinstance(item, Done):
                done.append(item)
            else:
                events.append(item)
                yield Written("", (item,))
    yield _replied(events, "", done, choice, terms, False)


# -- from either -----------------------------------------------------------------------------------------------


def _replied(events: Sequence[Event], text: str, done: Sequence[Done], choice: Choice, terms: Terms,
             constrained: bool) -> Replied:
    if not done:
        raise EngineError("the engine hung up in mid-reply: it ended without saying how")
    reply, parallel = fold(events), terms.parallel is not False
    return Replied(reply, text, done[0], broken(reply, done[0], choice, constrained, parallel, terms.answer))


def broken(reply: Reply, done: Done, choice: Choice, constrained: bool, parallel: bool = True,
           answer: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    """How a reply is not what it had to be: the constraint is checked again, by the one who reads."""
    if done.finish == "filtered":
        return ("the reply was cut by the server's content filter",)
    names = [call.name for call in reply.calls]
    wanted = None if isinstance(choice, str) else [choice["name"]] if "name" in choice else list(choice["allowed"])
    required = mode_of(choice) == "required"
    limit = f"{done.completion_tokens} tokens" if done.completion_tokens else "its limit of tokens"
    cut = f"the reply was cut at {limit}" if done.finish == "length" else ""
    if not names and required:
        lost = f": {reply.problems[0]}" if reply.problems else ""
        return (f"{cut} before its call was whole" if cut else f"a call was required, and the reply holds none{lost}",)
    found = [f"the call of {name} was not allowed" for name in names
             if choice == "none" or (wanted is not None and name not in wanted)]
    if len(names) > 1 and not parallel:
        found.append(f"one call was allowed, and the reply holds {len(names)}")
    if constrained and not cut:
        found += [f"the reply did not keep its constraint: {p}" for p in reply.problems]
    elif not names:
        found += [f"{cut}: {p}" if cut else f"the reply holds no whole call: {p}" for p in reply.problems if p.name]
    if (schema := due(answer, choice)) is not None:
        if not names:
            found += [f"{cut} before the answer was whole"] if cut else validate_answer(reply.content, schema)
        elif constrained and reply.content.strip():          # a text of the answer spells a call, and was read as one
            found.append("the reply holds words beside its calls, and must be either calls or the answer")
    return tuple(found)


