"""A report for people: on a page, in Markdown, as pictures. All of them are made from the data of `evaluate.report`.

The one rule: what a model or an item says is text in every one of them, and never markup.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ...message import ToolglotError


def _json(report: Mapping[str, Any]) -> str:
    return json.dumps(report, ensure_ascii=False, indent=2) + "\n"


def _markdown(report: Mapping[str, Any]) -> str:
    from .markdown import markdown

    return markdown(report)


def _page(report: Mapping[str, Any]) -> str:
    from .page import page

    return page(report)


KINDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {".html": _page, ".json": _json, ".md": _markdown}


def kind_of(path: str | Path) -> str:
    """What a file of this name holds. Raises ToolglotError for any other."""
    suffix = Path(path).suffix.lower()
    if suffix != ".png" and suffix not in KINDS:
        raise ToolglotError(f"report: expected a name that ends in {', '.join(KINDS)} or .png, got {str(path)!r}")
    return suffix


def write(report: Mapping[str, Any], path: str | Path) -> None:
    """The report as a file, by the end of its name. Raises ToolglotError where it cannot be written."""
    path = Path(path)
    suffix = kind_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if suffix == ".png":
            from .png import draw

            draw(report, path)
        else:
            path.write_text(KINDS[suffix](report), encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise ToolglotError(f"{path}: {error.strerror or error}") from None
