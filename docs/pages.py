"""A page for each dialect, made of its data: `docs/dialects/<name>.md`, and the table of all in `docs/dialects/README.md`.

The example is the one that people compare models by: a system message, a question about the temperature in Paris, one
tool. What counts for and against a format is read off its data; the stars are its tier.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from toolglot.card import TIERS, Card
from toolglot.cli.describe import notes
from toolglot.message import Call
from toolglot.model import Model
from toolglot.registry import cards
from toolglot.render import render
from toolglot.serve.settings import FILE, PREFIX, SETTINGS, TABLE, default_of, flag, variable
from toolglot.spec import (
    ID,
    INDEX,
    IS_STR,
    SYSTEM,
    TOOLS,
    TYPE,
    Calls,
    Dialect,
    Object,
    Tagged,
    Turns,
    encoding_of,
    is_bare,
)

ROOT = Path(__file__).resolve().parent.parent
DAY = "2025-01-31"                               # of prompts that tell the date
TOOL = {"type": "function", "function": {
    "name": "get_current_temperature", "description": "Get the current temperature at a location.",
    "parameters": {"type": "object", "properties": {"location": {
        "type": "string", "description": 'The location to get the temperature for, in the format "City, Country"'}},
        "required": ["location"]},
    "return": {"type": "number", "description": "The current temperature at the specified location in the specified "
                                                "units, as a float."}}}
TALK = [{"role": "system", "content": "You are a bot that responds to weather queries."},
        {"role": "user", "content": "Hey, what's the temperature in Paris right now?"}]
STARS = {"none": 1, "zero-shot": 2, "single": 3, "multi": 4, "full": 5}
PLACES = {"own": "in a turn of their own, before all others", "system": "in the system turn",
          "first-user": "in the first question",
          "last-user": "in the last question, so they move as the conversation grows"}


def pages() -> dict[Path, str]:
    """Every page, by its path in the repository."""
    home = Path("docs/dialects")
    out = {home / f"{name}.md": page(card) for name, card in cards().items()}
    return {**out, home / "README.md": index()}


def index() -> str:
    rows = "\n".join(f"| [{name}]({name}.md) | {card.title} | {_stars(card)} | {_code(_flat(call(card.dialect)))} |"
                     for name, card in sorted(cards().items()))
    tiers = "\n".join(f"- {'★' * STARS[t]} **{t}**: {what}" for t, what in TIERS.items())
    unverified = "\n".join(f"- `{pattern}` → [{card.dialect.name}]({card.dialect.name}.md): {why}"
                           for card in cards().values() for pattern, why in card.unverified)
    return "\n\n".join([
        "# The dialects", f"{len(cards())} formats, each described once in `src/toolglot/dialects`. These pages are made "
        "from that data by `python docs/update.py`.",
        f"| dialect | models | tier | one call |\n| --- | --- | --- | --- |\n{rows}", tiers,
        "## Models whose own format is not verified", "What is known of them is said here; they are given the dialect that "
        "is named, and `toolglot show` says so.", unverified, "To add one: [add-a-model.md](../add-a-model.md).\n"])


def _stars(card: Card) -> str:
    return f"{'★' * STARS[card.tier]} {card.tier}"


def page(card: Card) -> str:
    d = card.dialect
    docs = notes(d)
    repaired = "`prompts=\"repaired\"` mends what its template loses: see below" if d.repaired else ""
    facts = [("rating", f"{_stars(card)}: {card.why}"), *_facts(d), ("verified", card.verified), ("repaired", repaired)]
    table = "\n".join(f"| {name} | {value} |" for name, value in facts if value)
    found = [("names", ", ".join(map(_code, card.models))), ("in Ollama's library", ", ".join(map(_code, card.ollama))),
             ("GGUF architectures", ", ".join(map(_code, card.gguf))),
             ("words in a chat template", ", ".join(_code(_flat(e)) for e in card.evidence))]
    known = "\n".join(f"| {name} | {value} |" for name, value in found if value)
    parts = [f"# {d.name}", f"{card.title}.", f"|  |  |\n| --- | --- |\n{table}", _list("For it", _merits(d)),
             _list("Against it", _faults(d)),
             f"## What the model is shown\n\n{_fence(_shown(d))}",
             f"## What it writes\n\n{_fence(call(d))}",
             _list("It differs from the published template", card.differs, "## "),
             _list("It cannot say", _cannot(d.name), "## "),
             f"## How it is found\n\n|  |  |\n| --- | --- |\n{known}" if known else "",
             f"## Notes and sources\n\n{_fence(docs)}"]
    return "\n\n".join(p for p in parts if p) + "\n"


def call(d: Dialect) -> str:
    """One call as the dialect writes it."""
    id = "call00001" if _writes(d.calls, ID) else None
    return render(d, [Call("get_current_temperature", {"location": "Paris, France"}, id)])


def _writes(calls: Calls, slot: Any) -> bool:
    return slot in calls.each or any(isinstance(n, Object) and any(v is slot for _, v in n.fields) for n in calls.each)


def _shown(d: Dialect) -> str:
    return str(Model(d).prompt(TALK, [TOOL], today=DAY))


def _facts(d: Dialect) -> list[tuple[str, str]]:
    t = d.turns
    assert t
    return [
        ("tools", f"{_told(t)}, {_place(t)}"),
        ("calls", f"{_notation(d)}, {_around(d)}"),
        ("several calls", "one a turn; further ones are told as turns of their own" if t.one_call else _several(d.calls)),
        ("ids", _ids(d)),
        ("reasoning", f"between {_code(_flat(_literals(d.reasoning, 0)))} and {_code(_flat(_literals(d.reasoning, 1)))}"
                      if d.reasoning and _literals(d.reasoning, 1) else
         f"behind {_code(_flat(_literals(d.reasoning, 0)))}" if d.reasoning else "none on the wire"),
        ("stops", ", ".join(_code(_flat(s)) for s in d.stop)),
        ("also read", f"{len(d.accept)} other spelling{'s' * (len(d.accept) > 1)}" if d.accept else ""),
    ]


def _told(t: Turns) -> str:
    if t.listing:
        return f"in a notation of their own (`{getattr(t.listing, 'func', t.listing).__name__}`)"
    return "as JSON" if t.tool_indent is None else f"as JSON, indented by {t.tool_indent}"


def _place(t: Turns) -> str:
    return "in the system message, inside a question" if SYSTEM in t.user and TOOLS not in t.user else PLACES[t.tools_at]


def _notation(d: Dialect) -> str:
    encoding = encoding_of(d.calls)
    if any(isinstance(n, Object) for n in d.calls.each):
        return "one JSON object a call"
    return {"Json": "the arguments as JSON", "Pythonic": "Python's keyword arguments", "Tagged": "one tag an argument",
            "Delimited": "JSON with bare keys and quotes of its own", "Raw": "raw text", "Custom": "a notation of its own"}[
                type(encoding).__name__]


def _around(d: Dialect) -> str:
    if d.calls.at_start:
        return "with no marker, at the beginning of a reply"
    return "in one section" if len(d.calls.around) > 1 else "each behind its own marker"


def _several(calls: Calls) -> str:
    return "in one section" if len(calls.around) > 1 else "one behind the other"


def _ids(d: Dialect) -> str:
    if _writes(d.calls, ID):
        return "on the wire"
    return "their number, on the wire" if _writes(d.calls, INDEX) else "none: results follow the order of the calls"


def _literals(template: Any, at: int) -> str:
    texts = [n if isinstance(n, str) else n.options[0] for n in template if isinstance(n, str) or hasattr(n, "options")]
    return texts[at] if at < len(texts) else ""


def _merits(d: Dialect) -> list[str]:
    marked = any(s in _all_of(d.calls) for s in d.special)
    return [text for text, holds in (
        ("calls stand between special tokens, which no message can forge", marked),
        ("the type of each argument is on the wire", not _untyped(d)),
        ("words may stand beside calls", not d.calls.at_start),
        ("content has markers of its own", not is_bare(d.content)),
    ) if holds]


def _faults(d: Dialect) -> list[str]:
    t = d.turns
    assert t
    return [text for text, holds in (
        ("a call has no marker: only a known function's name tells it from words", d.calls.at_start),
        ("a string and a number look alike: the tool's schema tells them apart", _untyped(d)),
        ("one call a turn", t.one_call),
        ("words beside a call are dropped from history", t.content_with_calls == "dropped"),
        ("calls are dropped from history", t.past_calls == "dropped"),
        ("the tools move to the last question, which spoils a cached prefix", t.tools_at == "last-user"),
    ) if holds]


def _untyped(d: Dialect) -> bool:
    encoding = encoding_of(d.calls)
    return isinstance(encoding, Tagged) and not {IS_STR, TYPE} & set(encoding.each)


def _all_of(calls: Calls) -> str:
    from toolglot.plan import literals

    return "".join([*literals(calls.around), *literals(calls.each)])


def _cannot(name: str) -> list[str]:
    path = ROOT / "tests/vectors" / name / "cannot.json"
    return list(dict.fromkeys(json.loads(path.read_text(encoding="utf-8")).values())) if path.is_file() else []


def settings_page() -> str:
    """Every setting of the server."""
    groups = dict.fromkeys(one.metadata["group"] for one in SETTINGS)
    rows = {group: "\n".join(f"| `{one.name}` | {one.metadata['help'][0].upper()}{one.metadata['help'][1:]}. "
                             f"Expected: {one.metadata['kind'].words.replace('|', chr(92) + '|')}. | {default_of(one)} |"
                             for one in SETTINGS if one.metadata["group"] == group) for group in groups}
    tables = [f"## {group[0].upper()}{group[1:]}\n\n| setting | what it is | default |\n| --- | --- | --- |\n{rows[group]}"
              for group in groups]
    example = next(one.name for one in SETTINGS if "_" in one.name)
    return "\n\n".join([
        "# Settings of the server", "Made from the settings' own data by `python docs/update.py`.",
        f"A setting such as `{example}` is the flag `{flag(example)}`, the environment variable `{variable(example)}`, or\n"
        f"`{example}` in the table `[{TABLE}]` of `{FILE}` in the working directory, or of the file that `--config`\n"
        f"names. Flags beat the environment, and that beats the file; an empty variable counts as none. What begins with\n"
        f"`{PREFIX}` and is no setting is an error: Kubernetes makes such variables for a service named\n"
        "toolglot-serve unless it is told `enableServiceLinks: false`. `toolglot serve --print-config` shows what is in\n"
        "force, and where it comes from, as TOML that can be used again. Lists have commas between their members in\n"
        "flags and variables.",
        "No setting is a key: keys stand in a file, or in a variable that a setting names, and are shown nowhere. A\n"
        "database's password is better kept in `PGPASSWORD`, or in a password file, than in its URL.",
        *tables]) + "\n"


def _list(title: str, items: Any, level: str = "") -> str:
    lines = "\n".join(f"- {item}" for item in items)
    return f"{level}{title}{':' * (not level)}\n\n{lines}" if lines else ""


def _flat(text: str) -> str:
    return text.replace("\n", "\\n")


def _code(text: str) -> str:
    """Inline code in a table."""
    ticks = "``" if "`" in text else "`"
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{space}{text}{space}{ticks}".replace("|", "\\|") if text else ""


def _fence(text: str) -> str:
    ticks = "`" * max(3, 1 + max((len(run) for run in _runs(text)), default=0))
    return f"{ticks}text\n{text}\n{ticks}"


def _runs(text: str) -> list[str]:
    return re.findall(r"`{3,}", text)
