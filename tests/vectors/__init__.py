"""The files of tests/vectors, a folder a dialect; README.md there says what is in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from toolglot.message import Call, Part, Reasoning, Text, Tool

HOME = Path(__file__).parent
KINDS: dict[int, str] = {
    1: "one call", 2: "several calls", 3: "no call", 4: "text before and after", 5: "empty arguments", 6: "nested values",
    7: "unicode", 8: "braces and quotes in strings", 9: "the dialect's own markup in a string",
    10: "truncated at every byte", 11: "missing closer", 12: "unknown function", 13: "duplicate keys",
    14: "numbers as strings", 15: "reasoning before", 16: "a call inside reasoning", 17: "reasoning after"}


def read(dialect: str, name: str) -> Any:
    """What tests/vectors/<dialect>/<name>.json holds; an empty list where there is no such file."""
    path = HOME / dialect / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []


def folders() -> list[str]:
    return sorted(p.name for p in HOME.iterdir() if p.is_dir() and not p.name.startswith("_"))


def tools() -> dict[str, Tool]:
    """The tools that vectors name, of tests/vectors/tools.json."""
    listed = json.loads((HOME / "tools.json").read_text(encoding="utf-8"))
    return {t["function"]["name"]: Tool(t["function"]["name"], t["function"]["description"], t["function"]["parameters"], t)
            for t in listed}


class Case(NamedTuple):
    dialect: str
    file: str
    at: int
    data: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.dialect}-{self.file}-{self.at}"


def cases() -> Iterator[Case]:
    """Every vector: all files of a folder but those about prompts."""
    for dialect in folders():
        for path in sorted((HOME / dialect).glob("*.json")):
            if path.stem not in ("published", "differences", "prompts", "cannot", "models"):
                for i, data in enumerate(json.loads(path.read_text(encoding="utf-8"))):
                    yield Case(dialect, path.stem, i, data)


def parts(given: list[dict[str, Any]]) -> tuple[Part, ...]:
    """A reply's parts, of their form in a vector."""
    out: list[Part] = []
    for one in given:
        if "call" in one:
            out.append(Call(one["call"]["name"], one["call"]["arguments"], one["call"].get("id")))
        else:
            out.append(Text(one["text"]) if "text" in one else Reasoning(one["reasoning"]))
    return tuple(out)


def plain(given: tuple[Part, ...]) -> list[dict[str, Any]]:
    """The form of parts in a vector."""
    return [{"call": {"name": p.name, "arguments": p.arguments, **({"id": p.id} if p.id else {})}} if isinstance(p, Call)
            else {"text": p.text} if isinstance(p, Text) else {"reasoning": p.text} for p in given]
