"""The suite `recorded`: what models wrote once, read today and judged; no engine is asked.

The one rule: a recorded text is read as a model's own would be, by the dialect that is named or by `rescue`, and judged
as every other reply is. A folder holds `items.jsonl` (the leaderboard's questions with their functions and answers),
`outputs.jsonl` (model, id of the question, raw text) and, where some models were told underscores for the dots in names,
`models.json`; the first two may be gzipped.
"""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ..message import Reply, Tool, ToolglotError, fold
from ..model import Model
from ..model import model as named
from ..rescue import rescue
from ..schema import validate
from ..tools import as_tools
from . import bfcl
from .item import Item
from .judge import Judged, judge
from .record import Record, Said, Setting

RESCUE = "rescue"                           # the name of a setting without a dialect
PIECE = 7                                   # characters, where a text is read in pieces


@dataclass(frozen=True)
class Output:
    """`published`: whether it was said to be right when it was published, where that is known."""

    model: str
    id: str
    raw: str
    published: bool | None = None


@dataclass(frozen=True)
class Recorded:
    """A folder of recorded outputs."""

    folder: Path
    _items: dict[tuple[str, bool], tuple[Item, tuple[Tool, ...]]] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def questions(self) -> dict[str, dict[str, Any]]:
        """The questions as they lie there, by id."""
        return {one["id"]: one for one in _lines(self.folder, "items", ("id", "category", "question", "functions",
                                                                        "ground_truth"))}

    @cached_property
    def underscored(self) -> frozenset[str]:
        """The models that were told the dots in names as underscores."""
        path = self.folder / "models.json"
        told = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        return frozenset(name for name, one in told.items() if one.get("underscore_names"))

    @cached_property
    def outputs(self) -> list[Output]:
        return [Output(one["model"], one["id"], one["raw"], one.get("published_ok"))
                for one in _lines(self.folder, "outputs", ("model", "id", "raw"))]

    def asked(self, output: Output) -> tuple[Item, tuple[Tool, ...]]:
        """The question that an output answers, and its tools, as its model was told of them."""
        key = output.id, output.model in self.underscored
        if key not in self._items:
            if output.id not in self.questions:
                raise ToolglotError(f"recorded: {output.model} answers {output.id!r}, and items.jsonl has no such question")
            row = self.questions[output.id]
            item = bfcl.item(row["id"], row["category"], [{"role": "user", "content": row["question"]}], row["functions"],
                             row["ground_truth"] or (), row.get("language", "Python"), underscores=key[1], json_types=False)
            self._items[key] = item, as_tools(list(item.tools))
        return self._items[key]


def _lines(folder: Path, name: str, fields: Collection[str]) -> list[dict[str, Any]]:
    path = next((one for one in (folder / f"{name}.jsonl", folder / f"{name}.jsonl.gz") if one.is_file()), None)
    if path is None:
        raise ToolglotError(f"recorded: expected {name}.jsonl or {name}.jsonl.gz in {folder}, found neither; name the "
                            "folder of recorded outputs")
    found = []
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                one = json.loads(line)
            except ValueError as error:
                raise ToolglotError(f"recorded: {path.name}, line {number}: expected an object in JSON: {error}") from None
            if missing := [name for name in fields if name not in one]:
                raise ToolglotError(f"recorded: {path.name}, line {number}: expected a field {missing[0]!r}, found "
                                    f"{', '.join(one)}")
            found.append(one)
    return found


# -- reading and judging ---------------------------------------------------------------------------------------


def records(recorded: Recorded, *, models: Collection[str] | None = None, dialect: str | None = None,
            limit: int | None = None) -> Iterator[tuple[str, Record]]:
    """Of each model, by name, what its outputs come to; at most `limit` of each. Without a dialect, by rescue."""
    reader = named(dialect) if dialect else None
    counts: dict[str, int] = {}
    for output in recorded.outputs:
        if models is not None and output.model not in models:
            continue
        counts[output.model] = counts.get(output.model, 0) + 1
        if limit is None or counts[output.model] <= limit:
            yield output.model, record(recorded, output, reader)


def record(recorded: Recorded, output: Output, reader: Model | None = None) -> Record:
    item, tools = recorded.asked(output)
    began = time.perf_counter()
    reply, streamed = read(output.raw, tools, reader)
    seconds = time.perf_counter() - began
    found, said = judged(item, tools, output.raw, reply, seconds, streamed)
    setting = Setting(reader.dialect.name if reader else RESCUE, constrain=False)
    return Record(item.id, item.kind, setting, found.right, found.cause, found.detail, 0, (said,),
                  (len(item.steps[0].calls),))


def read(text: str, tools: tuple[Tool, ...], reader: Model | None = None) -> tuple[Reply, bool]:
    """What a text means, and whether it means the same in pieces, where a dialect reads it."""
    if reader is None:
        return rescue(text, tools), True
    parser = reader.stream(tools)
    pieces = [text[i:i + PIECE] for i in range(0, len(text), PIECE)]
    streamed = fold([event for piece in pieces for event in parser.feed(piece)] + parser.close())
    reply = reader.parse(text, tools)
    return reply, reply == streamed


def judged(item: Item, tools: tuple[Tool, ...], text: str, reply: Reply, seconds: float = 0.0,
           streamed: bool = True) -> tuple[Judged, Said]:
    """A reply to an item of one step."""
    shapes: dict[str, Mapping[str, Any]] = {tool.name: tool.parameters for tool in tools}
    calls = tuple({"name": call.name, "arguments": call.arguments} for call in reply.calls)
    valid = sum(call.name in shapes and not validate(call.arguments, shapes[call.name]) for call in reply.calls)
    said = Said(text, reply.content, reply.reasoning, calls, tuple(map(str, reply.problems)), valid, "stop", 0, 0,
                seconds, streamed)
    return judge(item, item.steps[0], said, tools), said
