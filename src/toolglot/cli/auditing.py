"""`toolglot audit`: report cards of chat templates, one in full or several in a table."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..message import ToolglotError

if TYPE_CHECKING:
    from ..audit.report import Audit
    from .screen import Screen

FORMS = {".html": "html", ".htm": "html", ".md": "markdown", ".json": "json"}
DONE, UNDER, WRONG = 0, 1, 2                     # a source that is wrong weighs more than stars that are missing


def audit(args: argparse.Namespace) -> int:
    """What a chat template does with tools, and its rating."""
    from ..audit.source import SourceError
    from .screen import Screen, visible

    cards: list[Audit] = []
    code = DONE
    for given in args.source:
        try:
            cards += _audited(given, args)
        except SourceError as error:
            if len(args.source) == 1:
                raise
            print("toolglot:", visible(" ".join(str(error).split())), file=sys.stderr)
            code = WRONG
    if args.output:
        _write(args.output, _text(cards, args.form or FORMS.get(Path(args.output).suffix.lower(), "text")))
    elif args.form in (None, "text"):
        _show(cards, Screen())
    else:
        screen = Screen()
        (screen.write if screen.terminal else sys.stdout.write)(_text(cards, args.form))
    for card in cards:
        if card.error:
            print("toolglot:", visible(f"{card.title}: {' '.join(card.error.split())}"), file=sys.stderr)
    failed = [c for c in cards if c.error or c.stars < args.fail_under]
    return code or (UNDER if failed else DONE)


def _audited(given: str, args: argparse.Namespace) -> list[Audit]:
    """The cards of one source: of its template, or with --all of each that it holds."""
    from ..audit import audit

    first = audit(given, template=args.template, bos=args.bos, eos=args.eos)
    others = first.others if args.all else ()
    return [first, *(audit(given, template=name, bos=args.bos, eos=args.eos) for name in others)]


def _text(cards: Sequence[Audit], form: str) -> str:
    from ..audit import pages

    match form:
        case "json":
            data = [card.as_dict() for card in cards]
            return json.dumps(data[0] if len(data) == 1 else data, ensure_ascii=False, indent=2) + "\n"
        case "html":
            return pages.html(cards)
        case "markdown":
            return cards[0].markdown() if len(cards) == 1 else pages.table(cards) + "\n"
    from io import StringIO

    from .screen import Screen

    out = StringIO()
    _show(cards, Screen(out))
    return out.getvalue()


def _write(path: str, text: str) -> None:
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ToolglotError(f"{path}: {error.strerror or error}") from None


# -- for people -----------------------------------------------------------------------------------------------------


def _show(cards: Sequence[Audit], screen: Screen) -> None:
    if len(cards) == 1:
        _card(cards[0], screen)
    elif cards:
        _table(cards, screen)


def _card(card: Audit, screen: Screen) -> None:
    from ..audit.pages import LISTS, starred

    screen.write(f"{card.title}  ", "call")
    screen.write(f"{starred(card.stars)}\n", "result")
    if card.error:
        screen.write(f"it could not be tried: {card.error}\n", "problem")
        return
    screen.rows([(f"-{one.points}", f"{one.name}: {_flat(one.evidence)}", "problem") for one in card.deductions], narrow=4)
    screen.write("\n")
    screen.rows([(name, _flat(value), "") for name, value in card.facts])
    for title, member in LISTS:
        if found := getattr(card, member):
            screen.write(f"\n{title}\n", "call")
            screen.rows([("-", _flat(one), "") for one in found], narrow=2)
    if card.difference:
        screen.write(f"\nFirst difference from {card.dialect}\n", "call")
        screen.rows([("-", _flat(card.difference), "")], narrow=2)


def _table(cards: Sequence[Audit], screen: Screen) -> None:
    from ..audit.pages import starred

    width = min(40, max(len(card.title) for card in cards))
    for card in cards:
        named = card.title + (f" ({card.template})" if card.template else "")
        why = card.error or ", ".join(f"{one.name} -{one.points}" for one in card.deductions)
        screen.rows([(f"{starred(card.stars):5}  {named}", _flat(why), "problem" if card.error else "")], narrow=width + 7)


def _flat(text: str) -> str:
    return text.replace("\n", "\\n")
