"""`toolglot export` and `toolglot import`: a dialect into other people's forms, and out of their files.

The one rule: what was asked for goes to stdout or the file, all words about it go to stderr.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..message import ToolglotError
from . import inputs
from .arguments import CONSTRAINTS

if TYPE_CHECKING:
    from ..model import Model
    from ..spec import Dialect

FAILED = 1


def export(args: argparse.Namespace) -> int:
    """A dialect, or a constraint made of it, in another form."""
    from .. import exchange
    from ..model import model

    known = model(args.dialect, prompts=args.prompts)
    if args.form not in CONSTRAINTS:
        if args.tools or args.choice:
            raise ToolglotError(f"--as {args.form} says the whole dialect: leave out --tools and --choice, which are for "
                                f"{', '.join(CONSTRAINTS)}")
        made = getattr(exchange, f"to_{args.form.replace('-', '_')}")(known.dialect)
        for sentence in exchange.limits(known.dialect) if args.form == "response-template" else ():
            _say(sentence)
    else:
        made = _constraint(known, args)
    _write(made, args.output)
    return 0


def _constraint(known: Model, args: argparse.Namespace) -> Any:
    tools = inputs.tools_of(args.tools)
    held = known.constrain(tools, inputs.choice_of(args.choice, tools) or ("auto" if tools else "none"))
    for sentence in held.unenforced:
        _say(f"not enforced: {sentence}")
    return getattr(held, args.form.replace("-", "_"))()


def import_(args: argparse.Namespace) -> int:
    """A dialect out of a file, proved, shown and written down."""
    from .. import exchange

    write = _writer_of(args.output)
    found = exchange.read_dialect(args.file)
    for sentence in found.notes:
        _say(sentence)
    if wrong := exchange.broken(found.dialect):
        _say(f"{args.file}: {found.source}, but it breaks the laws: {'; '.join(wrong)}")
        return FAILED
    if args.output:
        _write(write(found.dialect), args.output)
    else:
        show(found.dialect, found.source)
    return 0


def _writer_of(output: str | None) -> Callable[[Dialect], Any]:
    from .. import exchange

    suffix = Path(output).suffix if output else ".json"
    if suffix not in (".py", ".json"):
        raise ToolglotError(f"-o {output}: expected a .py or .json file, found {suffix or 'none'}; rename it")
    return exchange.to_python if suffix == ".py" else exchange.to_json


def show(dialect: Dialect, source: str) -> None:
    """A dialect that came from a file, for people to read."""
    from . import describe
    from .screen import Screen

    screen = Screen()
    for title, text in (
            (dialect.name, source), ("the whole of it", describe.data(dialect)), ("a call", describe.example_call(dialect)),
            ("a prompt", str(describe.example_prompt(dialect)) if dialect.turns else "none: the model's own chat template"),
            ("the laws", "kept by all sample replies that it can say")):
        screen.write(f"{title}\n", "call")
        screen.write(text.rstrip("\n") + "\n\n")


def _write(made: Any, output: str | None) -> None:
    from ..exchange import pretty

    text = (made if isinstance(made, str) else pretty(made)).rstrip("\n") + "\n"
    if output is None:
        sys.stdout.write(text)
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ToolglotError(f"-o {output}: {error.strerror or error}") from None


def _say(sentence: str) -> None:
    from .screen import visible

    sys.stdout.flush()
    print("toolglot:", visible(" ".join(sentence.split())), file=sys.stderr)


__all__ = ["export", "import_", "show"]
