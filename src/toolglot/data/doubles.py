"""Which rows of a conversion were there before, out of the digests that each shard has written down.

The one rule: the first is kept, in the order of the input; so what is left out does not depend on who read what when.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

from .checks import Seen
from .shards import NO_DIGEST, Done, part


def doubles_of(folder: Path, keyed: Sequence[Done]) -> dict[int, Path]:
    """For each shard with duplicates, the file that says which rows they are."""
    starts, total = list[int](), 0
    bases, file, base = list[int](), None, 0             # of each shard, the rows before it in its file
    for one in keyed:
        if one.file != file:
            file, base = one.file, 0
        starts.append(total)
        bases.append(base)
        total, base = total + one.tally.rows, base + one.tally.rows
    seen, found = Seen(total), dict[int, Path]()
    for start, one in zip(starts, keyed, strict=True):
        keys = part(folder, one.number, ".keys").read_bytes() if one.tally.rows else b""
        doubles = {}
        for number in range(one.tally.rows):
            key = keys[16 * number:16 * number + 16]
            if key != NO_DIGEST and (first := seen.first(key, start + number)) is not None:
                at = bisect_right(starts, first) - 1
                doubles[number] = f"row {first - starts[at] + bases[at] + 1} of {keyed[at].file}"
        if doubles:
            found[one.number] = part(folder, one.number, ".doubles")
            found[one.number].write_text(json.dumps(doubles), encoding="utf-8")
    return found


def read_doubles(path: Path | None) -> dict[int, str]:
    return {} if path is None else {int(number): words for number, words in json.loads(path.read_text("utf-8")).items()}


__all__ = ["doubles_of", "read_doubles"]
