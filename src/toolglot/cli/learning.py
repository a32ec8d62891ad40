"""`toolglot learn`: a dialect out of a chat template, told or written as a file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..message import ToolglotError

if TYPE_CHECKING:
    from ..learn import Learned
    from .screen import Screen


def learn(args: argparse.Namespace) -> int:
    """What a chat template speaks, how surely that is known, and if asked a file of it."""
    from ..audit.source import open_source
    from ..learn import learn as run
    from .screen import Screen, waiting

    if args.output and Path(args.output).suffix not in (".py", ".json"):
        raise ToolglotError(f"-o {args.output}: expected a file that ends with .py or .json")
    source = open_source(args.source, bos=args.bos, eos=args.eos)
    if source.card:
        raise ToolglotError(f"{args.source} is a dialect already: `toolglot show` shows it, `toolglot export` writes it")
    with waiting("probing the template"):
        found = run(source.text, bos=source.bos, eos=source.eos, name=args.name, prompts=args.prompts)
    if args.output:
        Path(args.output).write_text(_written(found, args), encoding="utf-8")
    _tell(found, Screen())
    return 0


def _written(found: Learned, args: argparse.Namespace) -> str:
    if args.output.endswith(".py"):
        from ..learn.code import write_code

        return write_code(found.dialect, source=f"its chat template, {Path(args.source).name}", facts=found.facts)
    from ..exchange import pretty, to_json

    return pretty(to_json(found.dialect)) + "\n"


def _tell(found: Learned, screen: Screen) -> None:
    """The call, the facts, and what was not learned."""
    from . import describe

    screen.write(f"{found.dialect.name}\n", "call")
    screen.write(describe.example_call(found.dialect).rstrip("\n") + "\n\n")
    for title, sure in (("sure", True), ("guessed", False)):
        facts = [f for f in found.facts if f.sure is sure]
        for i, fact in enumerate(facts):
            screen.write(f"{'' if i else title:10}", "call")
            screen.write(f"{fact.what}\n")
    prompts = found.unlearned or ("learned" if found.dialect.turns else "not asked for")
    screen.write(f"{'prompts':10}", "call")
    screen.write(f"{' '.join(prompts.split())}\n")
    if found.known:
        screen.write(f"{'known':10}", "call")
        screen.write(f"the registry's {found.known} reads the same\n")
    sys.stdout.flush()
