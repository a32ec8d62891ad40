"""Shards on a Ray cluster, through Ray Data: the same functions, in Ray's workers.

The one rule: nobody but this process writes. What comes of a shard travels here, so workers need no disk in common for it.
Of the input they need the files under the same names; what only a whole file tells (compressed, or an array) is read here,
and its rows travel there.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from itertools import chain
from typing import Any

from ..evaluate.spread import library
from ..message import ToolglotError
from .conversion import Converter
from .shards import Doer, Made, Shard, Work, keep, made
from .tally import Tally, tally_of

HELD = 256 << 20                     # bytes of rows that are with Ray at a time
MOST = 4096                          # shards


def by_ray(workers: int | None = None) -> Doer:
    """So many of Ray's workers, by default one a core of the cluster."""
    def do(work: Work, shards: Iterable[Shard]) -> Iterator[tuple[Shard, Tally]]:
        ray, data = library("ray"), library("ray.data")
        if not ray.is_initialized():
            ray.init(include_dashboard=False, log_to_driver=False)
        count = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        data.DataContext.get_current().enable_progress_bars = False
        for wave in _waves(shards):
            light = {shard.number: replace(shard, rows=None) for shard in wave}
            # a block a shard, made here: a task that made them could wait for ever for a core that a worker has
            rows = data.from_items([{"shard": pickle.dumps(shard)} for shard in wave], override_num_blocks=len(wave))
            done = rows.map_batches(
                _Worker, fn_constructor_args=(pickle.dumps(work),), batch_size=1,
                compute=data.ActorPoolStrategy(size=min(count, len(wave))))
            for row in _rows(done):
                found = Made(tally_of(pickle.loads(row["tally"])), row["part"], row["rejects"])
                yield light[int(row["number"])], keep(work, int(row["number"]), found)

    return do


def _waves(shards: Iterable[Shard]) -> Iterator[list[Shard]]:
    """As many at a time as may be held."""
    shards = iter(shards)
    for first in shards:
        wave, held = [], 0
        for shard in chain([first], shards):
            wave.append(shard)
            held += sum(len(raw.row) for raw in shard.rows or () if isinstance(raw.row, bytes))
            if held >= HELD or len(wave) >= MOST:
                break
        yield wave


def _rows(done: Any) -> Iterator[Mapping[str, Any]]:
    try:
        yield from done.iter_rows()
    except Exception as error:                           # Ray's errors are of many kinds
        if isinstance(error, OSError):
            raise
        last = str(error).strip().splitlines()[-1:] or [type(error).__name__]
        raise ToolglotError(f"Ray Data failed: {last[0]}; what is finished is kept: --resume goes on") from error


class _Worker:
    """What a Ray worker is: a converter, made where it is."""

    def __init__(self, work: bytes) -> None:
        self.work: Work = pickle.loads(work)
        self.converter = Converter(self.work.job)

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, list[Any]]:
        out: dict[str, list[Any]] = {"number": [], "tally": [], "part": [], "rejects": []}
        for one in batch["shard"]:
            shard: Shard = pickle.loads(one)
            found = made(self.converter, self.work, shard)
            for name, value in zip(out, (shard.number, pickle.dumps(asdict(found.tally)), found.part, found.rejects),
                                   strict=True):
                out[name].append(value)
        return out


__all__ = ["by_ray"]
