"""`toolglot synthesize`: tools in, conversations with exact answers out, a JSON line each."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from ..message import ToolglotError


def synthesize(args: argparse.Namespace) -> int:
    """Draws the rows and writes them as they come."""
    from ..data.chat_rows import chat_row
    from ..data.synthesize import synthesize as made
    from . import inputs

    rows = made(inputs.tools_of(args.tools) if args.tools else None, args.rows, seed=args.seed, kinds=args.kinds,
                most=args.most_tools)
    kinds: Counter[str] = Counter()
    with _opened(args.out) as out:
        for row in rows:
            out.write(json.dumps(chat_row(row), ensure_ascii=False) + "\n")
            kinds[row.extra["kind"]] += 1
    told = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    print(f"toolglot: {sum(kinds.values())} rows ({told})", file=sys.stderr)
    return 0


@contextmanager
def _opened(path: str) -> Iterator[IO[str]]:
    if path == "-":
        yield sys.stdout
        return
    try:
        with open(path, "w", encoding="utf-8", newline="\n") as out:
            yield out
    except OSError as error:
        raise ToolglotError(f"{path}: {error.strerror or error}") from None


__all__ = ["synthesize"]
