"""Files -> dialects: one of our own JSON files, or somebody's `tokenizer_config.json` with a response template.

The one rule: a file is data. Nothing in it is run or imported, and what is wrong with it is said with its name and place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from ..message import ToolglotError
from ..plan import literals
from ..registry import detect
from ..spec import Dialect, Turns, When
from .dialect_json import MARK, DialectError, from_json
from .response_import import from_response_template

LARGEST = 50_000_000                             # bytes: some tokenizers hold their whole vocabulary in their configuration


class Imported(NamedTuple):
    """A dialect, what it was read from, and what of it was guessed."""

    dialect: Dialect
    source: str
    notes: list[str]


def is_file(name: str) -> bool:
    """Does this name a file, and not a dialect? Names have no such ending."""
    return name.endswith(".json")


def read_dialect(path: str | Path) -> Imported:
    """The dialect of a file. Raises DialectError, one line with the file and the place in it."""
    path = Path(path)
    data = _json(path)
    try:
        if MARK in data:
            return Imported(from_json(data), "a dialect as JSON", [])
        if isinstance(data.get("response_template"), Mapping):
            return _configured(data, path)
        if isinstance(data.get("fields"), Mapping):
            dialect, notes = from_response_template(data, _name(path.stem))
            return Imported(dialect, "a response template", notes)
    except ToolglotError as error:
        raise DialectError(f"{path}: {error}") from None
    raise DialectError(f"{path}: expected a dialect ({MARK!r}: 1), a response template, or a tokenizer_config.json with "
                       f"one; found an object with {', '.join(map(repr, list(data)[:6])) or 'nothing'}")


def _json(path: Path) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > LARGEST:
            raise DialectError(f"{path}: expected at most {LARGEST:,} bytes, found {path.stat().st_size:,}")
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise DialectError(f"{path}: expected a file, found no such file; check the path") from None
    except OSError as error:
        raise DialectError(f"{path}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise DialectError(f"{path}: expected JSON in UTF-8, found: {error}") from None
    if not isinstance(data, Mapping):
        raise DialectError(f"{path}: expected an object, found {type(data).__name__}")
    return data


def _configured(data: Mapping[str, Any], path: Path) -> Imported:
    """A tokenizer's configuration: the template, and what else it knows of the model."""
    name = path.resolve().parent.name if path.stem == "tokenizer_config" else path.stem
    dialect, notes = from_response_template(data["response_template"], _name(name))
    if isinstance(found := data.get("chat_template"), str) and (known := detect(found)):
        dialect = replace(dialect, turns=known.dialect.turns)
        notes = [*notes, f"prompts are those of {known.dialect.name}, whose words its chat template has: "
                         f"{' and '.join(map(repr, known.evidence))}"]
    eos = data.get("eos_token")
    end = eos.get("content") if isinstance(eos, Mapping) else eos
    if isinstance(end, str) and end.strip() and end not in dialect.stop:
        dialect = replace(dialect, stop=(*dialect.stop, end))
    words = list(_literals(dialect))
    special = frozenset(token for token in _tokens(data) if any(token in word for word in words))
    return Imported(replace(dialect, special=special), "the response template of a tokenizer_config.json", notes)


def _tokens(data: Mapping[str, Any]) -> Iterator[str]:
    """The tokens that a tokenizer's configuration adds to its vocabulary."""
    added = data.get("added_tokens_decoder")
    for token in added.values() if isinstance(added, Mapping) else ():
        if isinstance(token, Mapping) and isinstance(content := token.get("content"), str) and content.strip():
            yield content


def _literals(d: Dialect) -> Iterator[str]:
    for calls in (d.calls, *d.accept):
        yield from (*literals(calls.each), *literals(calls.around))
    yield from (*literals(d.reasoning or ()), *literals(d.content), *d.stop, *d.noise, d.join)
    for value in vars(d.turns).values() if isinstance(d.turns, Turns) else ():
        for node in value if isinstance(value, tuple) else ():
            yield from (node.then, node.otherwise) if isinstance(node, When) else (node,) if isinstance(node, str) else ()


def _name(text: str) -> str:
    return re.sub(r"[^a-z0-9.-]+", "-", text.lower()).strip("-.") or "imported"


__all__ = ["Imported", "is_file", "read_dialect"]
