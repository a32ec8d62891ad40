"""The whole of an evaluation: an engine, a suite and settings in, a journal and a report out.

The one rule: what can be known to fail is refused before the first question, and what was answered is never lost.
"""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, Literal

from ..ask import model_for
from ..engines import Chat, Engine, EngineError
from ..engines.opening import Api, open_engine
from ..message import ToolglotError
from ..model import Model
from ..model import model as facade
from ..reply import Terms
from .item import Item
from .journal import Header, Journal, read_journal
from .judge import judge
from .pinned import DAY, Source, header, recorded_header, source_of
from .record import Record, Setting
from .report import report
from .run import Asker, Question, questions, run
from .settings import Constrain, holdable, named, settings_of

MAX_TOKENS = 256
SAMPLE = 12                         # items, where nobody says how many: about a minute for the default model
AT_A_TIME = 8                       # questions, of a server or of a model in this process: it writes several side by side
Progress = Callable[[int, int, "Record | None"], None]          # answered, asked, and the latest record


@dataclass(frozen=True)
class Plan:
    """What is asked, and how: all but the engine. `suite` is a suite's name or a file of items; `limit` of them are asked,
    None for all. Of `dialects`, `idioms`, `choice` and `parallel`, none given is what suits the model."""

    suite: str = "tier"
    limit: int | None = SAMPLE
    seed: int = 0
    dialects: Sequence[str] = ()
    idioms: Sequence[str] = ()
    constrain: Constrain = "both"
    choice: Literal["auto", "required"] | None = None
    parallel: Constrain | None = None
    max_tokens: int = MAX_TOKENS
    temperature: float = 0.0
    thinking: bool | None = None
    concurrency: int | None = None


@dataclass(frozen=True)
class Evaluation:
    """A run: what pins it, its records, what was left out and why. `report` is made of them."""

    header: Header
    records: Sequence[Record]
    notes: tuple[str, ...] = ()
    report: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "report", report(self.header, self.records))

    @property
    def tier(self) -> str | None:
        """None where nothing was answered."""
        said = self.report["verdict"]
        return None if said is None else str(said["tier"])


@dataclass(frozen=True)
class Ready:
    """All that is needed to ask: nothing was asked yet."""

    asker: Asker
    header: Header
    questions: Sequence[Question]
    concurrency: int
    notes: tuple[str, ...]


def prepared(engine: Engine | Chat, source: Source, plan: Plan, items: Sequence[Item] | None = None) -> Ready:
    """Everything settled, and what cannot work refused. `items` are asked instead of the plan's suite."""
    suite: dict[str, Any] = {"name": plan.suite if items is None else "given", "seed": plan.seed}
    every = list(items_of(plan.suite, plan.seed) if items is None else items)
    chosen = sample(every, plan.limit, plan.seed)
    if not chosen:
        raise ToolglotError(f"suite {plan.suite}: expected items, found none")
    settings = settings_of(engine, plan.dialects, plan.idioms, plan.constrain, plan.choice, plan.parallel)
    models = {} if isinstance(engine, Chat) else {one: model_for(engine.facts, one.dialect, idiom=one.idiom)
                                                  for one in settings}
    refused = holdable(engine, settings, models)
    if len(refused) == len(settings):
        raise EngineError(f"the engine holds a reply to no constraint: {next(iter(refused.values()))}; ask without one, "
                          "--constrain off")
    settings = tuple(one for one in settings if one not in refused)
    notes = tuple(f"left out: {named(one)}, for {why}" for one, why in refused.items())
    concurrency = plan.concurrency or (AT_A_TIME if source.address or source.weights else 1)
    terms = Terms(max_tokens=plan.max_tokens, temperature=plan.temperature, seed=plan.seed, thinking=plan.thinking,
                  today=DAY)
    pinned = header(engine, source, {**suite, "of": len(every)}, chosen, settings, models, terms, concurrency)
    return Ready(Asker(engine, models, terms, judge), pinned, list(questions(chosen, settings)), concurrency, notes)


def items_of(suite: str, seed: int) -> Iterable[Item]:
    """The items of a suite: tier, bfcl (or bfcl:FOLDER), or a JSONL file of one's own."""
    name, _, folder = suite.partition(":")
    if name == "tier":
        from . import tier

        return tier.suite(seed)
    if name == "bfcl":
        from . import bfcl

        return bfcl.suite(folder or None)
    from . import jsonl

    return jsonl.suite(suite)


def sample(items: Sequence[Item], limit: int | None, seed: int) -> list[Item]:
    """So many items, as evenly over the kinds as can be, chosen by the seed; in the order of the suite."""
    if limit is None or limit >= len(items):
        return list(items)
    by_kind: dict[str, list[int]] = {}
    for number, item in enumerate(items):
        by_kind.setdefault(item.kind, []).append(number)
    chance = random.Random(seed)
    columns = [chance.sample(numbers, len(numbers)) for numbers in by_kind.values()]
    in_turn = [number for number in chain.from_iterable(zip_longest(*columns)) if number is not None]
    return [items[number] for number in sorted(in_turn[:limit])]


async def carried_out(ready: Ready, journal: Journal, progress: Progress | None = None) -> list[Record]:
    """Asks what the journal does not have yet, and gives the records of all."""
    records = list(journal.records)
    done = {(record.item, record.setting) for record in records}
    asked = len(ready.questions)
    left = [one for one in ready.questions if one.key not in done]

    def keep(record: Record) -> None:
        journal.write(record)
        records.append(record)
        if progress:
            progress(len(records), asked, record)

    if progress:
        progress(len(records), asked, None)
    await run(ready.asker, left, keep, concurrency=ready.concurrency)
    return records


async def evaluation(model: str | os.PathLike[str] | None = None, *, engine: str | Engine | Chat | None = None,
                     items: Sequence[Item] | None = None, journal: str | os.PathLike[str] | None = None,
                     resume: bool = False, progress: Progress | None = None, api: Api | None = None,
                     key: str | None = None, context: int | None = None, threads: int | None = None,
                     **plan: Any) -> Evaluation:
    """`evaluate`, for those who have an event loop."""
    planned = Plan(**plan)
    if engine is not None and not isinstance(engine, str):
        return await _evaluated(engine, Source(), planned, items, journal, resume, progress)
    served, where = (model, engine) if engine else (None, model)
    where = None if where is None else os.fspath(where)
    opened = await open_engine(where, model=None if served is None else os.fspath(served), key=key, api=api,
                               context=context, threads=threads,
                               slots=planned.concurrency or AT_A_TIME)
    try:
        return await _evaluated(opened, source_of(where), planned, items, journal, resume, progress)
    finally:
        opened.close()


async def _evaluated(engine: Engine | Chat, source: Source, plan: Plan, items: Sequence[Item] | None,
                     journal: str | os.PathLike[str] | None, resume: bool, progress: Progress | None) -> Evaluation:
    ready = prepared(engine, source, plan, items)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(journal) if journal else Path(scratch) / "journal.jsonl"
        with Journal(path, ready.header, resume=resume) as written:
            return Evaluation(ready.header, await carried_out(ready, written, progress), ready.notes)


def evaluate(model: str | os.PathLike[str] | None = None, **options: Any) -> Evaluation:
    """Asks a model the items of a suite, and gives what came of it: `.tier`, `.report`, `.records`.

    `model` is a GGUF file or a directory of transformers, None for the default one; with `engine`, a server's URL, the
    name of one of its models. `engine` may also be an engine that is open already. `items` are asked instead of the
    suite's. `journal` is a file that every record is written to as it comes: with `resume`, what it has is not asked
    again. `progress` is called with the number answered, the number asked and the latest record. The rest are the fields
    of `Plan`: suite, limit, seed, dialects, idioms, constrain, choice, parallel, max_tokens, temperature, thinking,
    concurrency. Ctrl-C loses nothing that the journal has.

    Raises ToolglotError for what makes no sense, EngineError for an engine that answers nothing any more.
    """
    return asyncio.run(evaluation(model, **options))


def recorded_evaluation(folder: str, model: str | None, dialects: Sequence[str] = (),
                        limit: int | None = None) -> Evaluation:
    """What the recorded outputs of one model come to, read by these dialects or else by rescue; see `recorded`."""
    from .recorded import Recorded, record

    if not folder:
        raise ToolglotError("suite recorded: expected a folder of recorded outputs; write recorded:FOLDER")
    recorded = Recorded(Path(folder))
    names = list(dict.fromkeys(one.model for one in recorded.outputs))
    if model not in names:
        raise ToolglotError(f"suite recorded: expected one of its models as the model, got {model!r}; it has "
                            f"{', '.join(names)}")
    outputs = {one.id: one for one in recorded.outputs if one.model == model}
    every = [recorded.asked(one)[0] for one in outputs.values()]
    items = sample(every, limit, 0)
    readers: list[Model | None] = [facade(one) for one in dialects] or [None]
    records = [record(recorded, outputs[item.id], reader) for reader in readers for item in items]
    settings = list(dict.fromkeys(one.setting for one in records))
    suite = {"name": "recorded", "seed": None, "of": len(every)}
    return Evaluation(recorded_header(str(model), suite, items, settings), records)


def from_journal(path: str | os.PathLike[str]) -> Evaluation:
    """What a journal comes to, of a whole run or a part of one."""
    found, records = read_journal(path)
    return Evaluation(found, records)


__all__ = ["Evaluation", "Plan", "Progress", "Ready", "Setting", "carried_out", "evaluate", "evaluation", "from_journal",
           "items_of", "prepared", "recorded_evaluation", "sample"]
