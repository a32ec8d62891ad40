"""Questions -> records: each item asked in each setting, many at a time, its steps one after another.

The one rule: what is asked, and how its reply is read, is what `ask` and `serve` do, through the same functions. A reply
is read three times, as it came, whole and letter by letter; a failure of the engine is a record of its own, and only an
engine that answers nothing at all ends the run.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import chain, groupby
from typing import Any, NamedTuple, Protocol

from ..ask import with_ids
from ..chat import as_turns
from ..engines import Chat, ChatRequest, Engine, EngineError, PromptPiece, Request
from ..message import Assistant, Call, Reply, Result, Tool, ToolglotError, Turn, User, fold
from ..model import Model
from ..registry import untrained
from ..reply import Prompted, Replied, Terms, prompted, sent
from ..schema import validate
from ..tools import as_tools
from .item import Item, Step
from .judge import Judged, compared, of_cut
from .record import Asked, Record, Said, Setting
from .replay import MOST, replayed
from .settings import may, prompt_of

IN_A_ROW = 3                        # failures after which the engine is asked whether it is there at all
HELLO = "Hello"


class Question(NamedTuple):
    """One item in one setting. `tools` are the item's, read."""

    item: Item
    setting: Setting
    tools: tuple[Tool, ...]

    @property
    def key(self) -> tuple[str, Setting]:
        return self.item.id, self.setting


Ask = Callable[[Sequence[Turn], tuple[Tool, ...], int], Awaitable[tuple[Reply, Said]]]   # turns, tools, number of the step


class Judge(Protocol):
    def __call__(self, item: Item, step: Step, said: Said, tools: tuple[Tool, ...]) -> Judged: ...


@dataclass(frozen=True)
class Asker:
    """Who is asked, how, and who judges. `models` has the facade of each setting; none is needed before a chat API."""

    engine: Engine | Chat
    models: Mapping[Setting, Model]
    terms: Terms
    judge: Judge


def questions(items: Iterable[Item], settings: Sequence[Setting]) -> Iterator[Question]:
    """Every item in every setting. Settings of one prompt stand together, and each of them is first in its turn: what an
    engine saves by having read the prompt already is shared out fairly."""
    groups: dict[Any, list[Setting]] = {}
    for setting in settings:
        groups.setdefault(prompt_of(setting), []).append(setting)
    for number, item in enumerate(items):
        tools = as_tools(list(item.tools))
        for group in groups.values():
            first = number % len(group)
            for setting in group[first:] + group[:first]:
                yield Question(item, setting, tools)


async def run(asker: Asker, asked: Iterable[Question], keep: Callable[[Record], None], *, concurrency: int = 1) -> None:
    """Asks all, `concurrency` at a time, and hands each record to `keep` as its question ends. Questions of one prompt are
    asked one after another, so that an engine reads it once, unless there are too few prompts to go round.

    Records of failures are kept when the engine has answered something after them; so a run that ends because it
    answers nothing any more leaves nothing behind that should be asked again. Raises EngineError for that.
    """
    groups = [list(group) for _, group in groupby(asked, lambda one: (one.item.id, prompt_of(one.setting)))]
    if len(groups) < concurrency:
        groups = [[question] for group in groups for question in group]
    waiting = iter(groups)
    failed: list[Record] = []

    async def work() -> None:
        for question in chain.from_iterable(waiting):
            record = await answered(asker, question)
            if record.cause == "engine failed":
                failed.append(record)
                if len(failed) < IN_A_ROW:
                    continue
                await _check(asker.engine, failed)
            while failed:
                keep(failed.pop(0))
            if record.cause != "engine failed":
                keep(record)

    workers = [asyncio.create_task(work()) for _ in range(max(1, concurrency))]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    if failed:
        await _check(asker.engine, failed)
        for record in failed:
            keep(record)


async def _check(engine: Engine | Chat, failed: Sequence[Record]) -> None:
    """Whether the engine still answers anything."""
    try:
        if isinstance(engine, Chat):
            async with aclosing(engine.converse(ChatRequest([User(HELLO)], max_tokens=16))) as told:
                async for _ in told:
                    pass
        else:
            async with aclosing(engine.generate(Request([PromptPiece(HELLO)], max_tokens=1))) as output:
                async for _ in output:
                    pass
    except EngineError as error:
        raise EngineError(f"the engine failed {len(failed)} questions in a row ({failed[0].detail}), and then a plain "
                          f"{HELLO!r} ({error}): what was answered before is kept, and --resume goes on there") from None


# -- one question ----------------------------------------------------------------------------------------------


async def answered(asker: Asker, question: Question) -> Record:
    """What comes of one question: its steps, as far as all before were right."""
    item, setting, tools = question
    said: list[Said] = []
    asked = 0

    async def ask(turns: Sequence[Turn], tools: tuple[Tool, ...], number: int) -> tuple[Reply, Said]:
        nonlocal asked
        asked = number
        try:
            reply, one = await _reply(asker, setting, turns, tools, number)
        except ToolglotError as error:                   # a prompt or a constraint that cannot be made is no answer either
            raise EngineError(str(error)) from error
        said.append(one)
        return reply, one

    try:
        found = await (_played(item, tools, ask) if item.world else _talked(item, tools, ask, asker.judge))
    except EngineError as error:
        found = Judged(False, "engine failed", str(error))
    due = tuple(1 if step.any_call else len(step.calls) for step in item.steps)
    return Record(item.id, item.kind, setting, found.right, found.cause, found.detail, asked, tuple(said), due)


async def _talked(item: Item, tools: tuple[Tool, ...], ask: Ask, judge: Judge) -> Judged:
    """A reply a step. The conversation goes on with the model's own calls, what they come to, and what is said next."""
    turns, found = as_turns(item.messages), Judged(True)
    for number, step in enumerate(item.steps):
        reply, said = await ask(turns, tools, number)
        found = judge(item, step, said, tools)
        if not found.right:
            break
        parts = with_ids(reply.parts, 100 * number)
        calls = [part for part in parts if isinstance(part, Call)]
        told = [Result(_text(result), call.name, call.id)
                for call, result in zip(calls, results_of(item, step, calls), strict=True)]
        turns += [Assistant(parts), *told, *as_turns(step.then)]
        tools = (*tools, *as_tools(list(step.tools))) if step.tools else tools
    return found


async def _played(item: Item, tools: tuple[Tool, ...], ask: Ask) -> Judged:
    """The same where calls really do something: a reply's calls are run and told, until one has none; then the state that
    they came to is judged, once a turn."""
    assert item.world
    turns, found = as_turns(item.messages), Judged(True)
    async with replayed(item.world) as replay:
        for number, step in enumerate(item.steps):
            calls: list[Call] | None = None
            while calls != [] and replay.replies < MOST:
                reply, said = await ask(turns, tools, number)
                parts = with_ids(reply.parts, 100 * len(turns))
                calls = [part for part in parts if isinstance(part, Call)]
                made = [{"name": call.name, "arguments": call.arguments} for call in calls]
                results = zip(calls, await replay.run(made) if made else (), strict=True)
                turns += [Assistant(parts), *(Result(text, call.name, call.id) for call, text in results)]
            found = of_cut(await replay.verdict(step), said)
            if not found.right:
                break
            turns += as_turns(step.then)
            tools = (*tools, *as_tools(list(step.tools)))
    return found


async def _reply(asker: Asker, setting: Setting, turns: Sequence[Turn], tools: tuple[Tool, ...],
                 number: int) -> tuple[Reply, Said]:
    model = asker.models.get(setting)
    choice = may(setting, model is not None and untrained(model.dialect), turns)
    terms = _terms(asker.terms, setting)
    if isinstance(asker.engine, Chat):
        steps: Any = sent(asker.engine, turns, tools, choice, terms)
    else:
        assert model is not None
        steps = prompted(model, asker.engine, turns, tools, choice, terms)
    shown: Prompted | None = None
    began, replied = time.perf_counter(), None
    async with aclosing(steps):
        async for step in steps:
            if isinstance(step, Prompted):
                shown, began = step, time.perf_counter()
            elif isinstance(step, Replied):
                replied = step
    seconds = time.perf_counter() - began
    assert replied is not None
    same = model is None or shown is None or _streamed(model, replied, tools, shown)
    return replied.reply, _said(replied, tools, seconds, same, number, choice)


def _terms(terms: Terms, setting: Setting) -> Terms:
    return replace(terms, constrain=setting.constrain, parallel=setting.parallel)


def _streamed(model: Model, replied: Replied, tools: tuple[Tool, ...], shown: Prompted) -> bool:
    """Whether the text reads the same whole and letter by letter as it did when it came."""
    rescue = shown.constraint is None
    whole = model.parse(replied.text, tools, prompt=shown.prompt, rescue=rescue)
    parser = model.stream(tools, prompt=shown.prompt, rescue=rescue)
    letters = fold([event for letter in replied.text for event in parser.feed(letter)] + parser.close())
    return replied.reply == whole == letters


def _said(replied: Replied, tools: tuple[Tool, ...], seconds: float, streamed: bool, number: int, choice: Asked) -> Said:
    reply, done = replied.reply, replied.done
    shapes = {tool.name: tool.parameters for tool in tools}
    valid = sum(call.name in shapes and not validate(call.arguments, shapes[call.name]) for call in reply.calls)
    return Said(replied.text, reply.content, reply.reasoning,
                tuple({"name": call.name, "arguments": call.arguments} for call in reply.calls),
                tuple(map(str, reply.problems)), valid, done.finish, done.prompt_tokens, done.completion_tokens,
                round(seconds, 4), streamed, number, choice)


def results_of(item: Item, step: Step, calls: Sequence[Call]) -> list[Any]:
    """The result of each call that was made. A step lists them in the order of the calls that are due."""
    left = list(zip(step.calls, step.results, strict=False))
    spare = list(step.results[len(step.calls):])
    found: list[Any] = []
    for call in calls:
        made = {"name": call.name, "arguments": call.arguments}
        at = next((i for i, (due, _) in enumerate(left) if compared(Step((due,)), [made], item.language).right), None)
        found.append(left.pop(at)[1] if at is not None else spare.pop(0) if spare else "")
    return found


def _text(result: Any) -> str:
    return result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)


__all__ = ["Asker", "Judge", "Question", "answered", "questions", "results_of", "run"]
