"""What the commands are given, as files and names, -> what the library takes.

The one rule: a file that is not what it should be is a ToolglotError that names it.
"""

from __future__ import annotations

import argparse
import codecs
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..message import ToolglotError
from .arguments import KEY

if TYPE_CHECKING:
    from ..message import Tool
    from ..model import Model


def model_file(asked: str | None) -> Path:
    """The file of a model, fetched with a bar where it is the default one and not here yet."""
    from ..engines.weights import find_model
    from .screen import fetching

    with fetching() as progress:
        return find_model(None if asked == "default" else asked, progress)


def key_of(variable: str | None) -> str | None:
    """A server's key, which stands in the environment: on the command line others could read it."""
    if variable and variable not in os.environ:
        raise ToolglotError(f"--key-env {variable}: the environment has no {variable}")
    return os.environ.get(variable or KEY) or None


def tools_of(paths: Sequence[str]) -> list[Tool]:
    """The tools of all files; two of one name are an error that names both places."""
    from ..tools import as_tools, load_tools

    return list(as_tools([tool for path in paths for tool in load_tools(path)]))


def choice_of(asked: str | None, tools: Sequence[Tool]) -> Any:
    """--choice, its name checked before a model is loaded."""
    if asked in (None, "auto", "none"):
        return asked
    if not tools:
        raise ToolglotError(f"--choice {asked}: expected tools to choose from, found none; give --tools FILE")
    names = [tool.name for tool in tools]
    if asked != "required" and asked not in names:
        raise ToolglotError(f"--choice: expected auto, required, none or one of {', '.join(names)}, found {asked!r}")
    return "required" if asked == "required" else {"name": asked}


def named_model(args: argparse.Namespace) -> Model:
    """The facade of --dialect or --template; with neither, of json."""
    from ..model import model

    template = read(args.template) if getattr(args, "template", None) else None
    return model(args.dialect or (None if template else "json"), template=template, prompts=args.prompts, idiom=args.idiom)


def texts(path: str) -> Iterator[str]:
    """A text as it comes, "-" being stdin. Bytes that are no UTF-8 are what a model may write: they are U+FFFD."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    try:
        with open(sys.stdin.fileno() if path == "-" else path, "rb", buffering=0, closefd=path != "-") as source:
            while data := source.read(1 << 16):
                yield decoder.decode(data)
    except OSError as error:
        raise ToolglotError(f"{path}: {error.strerror or error}") from None
    yield decoder.decode(b"", True)


def read(path: str) -> str:
    """The whole of a text."""
    return "".join(texts(path))


def messages_of(path: str) -> Any:
    """The messages in a JSON file: a list, or an object that holds them."""
    found = _json(path)
    return found["messages"] if isinstance(found, dict) and "messages" in found else found


def answer_of(path: str | None) -> dict[str, Any] | None:
    """--answer: the JSON schema in a file."""
    found = None if path is None else _json(path)
    if path is not None and not isinstance(found, dict):
        raise ToolglotError(f"{path}: expected a JSON schema, an object, found {json.dumps(found)[:80]}")
    return found


def _json(path: str) -> Any:
    try:
        return json.loads(read(path))
    except (ValueError, RecursionError) as error:
        raise ToolglotError(f"{path}: expected JSON, found: {error}") from None
