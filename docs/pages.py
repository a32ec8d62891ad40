"""A page for each dialect, made of its data: `docs/dialects/<name>.md`, and the table of all in `docs/dialects/README.md`.

The example is the one that people compare models by: a system message, a question about the temperature in Paris, one
tool. What counts for and against a format is read off its data; the stars are those of `toolglot audit`.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from toolglot.audit import audit
from toolglot.audit.pages import starred, table_words
from toolglot.audit.probes import NOTE, NOTE_TOOL
from toolglot.audit.ratings import dumps, rated
from toolglot.audit.report import Audit
from toolglot.card import TIERS, Card
from toolglot.cli.describe import notes
from toolglot.describe import DAY, call, cannot, code, facts, faults, flat, merits
from toolglot.model import Model
from toolglot.registry import cards
from toolglot.serve.settings import FILE, PREFIX, SETTINGS, TABLE, default_of, flag, variable
from toolglot.spec import Dialect

ROOT = Path(__file__).resolve().parent.parent


def pages() -> dict[Path, str]:
    """Every page, by its path in the repository."""
    home = Path("docs/dialects")
    out = {home / f"{name}.md": page(card) for name, card in cards().items()}
    return {**out, home / "README.md": index()}


def index() -> str:
    rows = "\n".join(f"| [{name}]({name}.md) | {card.title} | {starred(_audited(name).stars)} | {card.tier} | "
                     f"{_code(flat(call(card.dialect)))} |" for name, card in sorted(cards().items()))
    tiers = "\n".join(f"- **{t}**: {what}" for t, what in TIERS.items())
    unverified = "\n".join(f"- `{pattern}` → [{card.dialect.name}]({card.dialect.name}.md): {why}"
                           for card in cards().values() for pattern, why in card.unverified)
    return "\n\n".join([
        "# The dialects", f"{len(cards())} formats, each described once in `src/toolglot/dialects`. These pages are made "
        "from that data by `python docs/update.py`. The stars rate the prompt, by [a rubric](../audit.md); the tier is "
        "what the model was trained for.",
        f"| dialect | models | stars | tier | one call |\n| --- | --- | --- | --- | --- |\n{rows}", tiers,
        "## Models whose own format is not verified", "What is known of them is said here; they are given the dialect that "
        "is named, and `toolglot show` says so.", unverified, "To add one: [add-a-model.md](../add-a-model.md).\n"])


def ratings_file() -> str:
    """What the package keeps of the audits."""
    return dumps({name: rated(_audited(name)) for name in cards()})


@cache
def _audited(name: str) -> Audit:
    return audit(name)


def _stars(name: str) -> str:
    """The stars of a dialect's prompt, and what it lost the others for."""
    one = rated(_audited(name))
    return f"{starred(one.stars)}{': ' if one.cost else ''}{table_words(str(one))}"


def page(card: Card) -> str:
    d = card.dialect
    docs = notes(d)
    repaired = "`prompts=\"repaired\"` mends what its template loses: see below" if d.repaired else ""
    rows = [("stars", _stars(d.name)), ("tier", f"{card.tier}: {card.why}"),
            *((name, value.replace("|", "\\|")) for name, value in facts(d)), ("verified", card.verified),
            ("repaired", repaired)]
    table = "\n".join(f"| {name} | {value} |" for name, value in rows if value)
    found = [("names", ", ".join(map(_code, card.models))), ("in Ollama's library", ", ".join(map(_code, card.ollama))),
             ("GGUF architectures", ", ".join(map(_code, card.gguf))),
             ("words in a chat template", ", ".join(_code(flat(e)) for e in card.evidence))]
    known = "\n".join(f"| {name} | {value} |" for name, value in found if value)
    parts = [f"# {d.name}", f"{card.title}.", f"|  |  |\n| --- | --- |\n{table}", _list("For it", merits(d)),
             _list("Against it", faults(d)),
             f"## What the model is shown\n\n{_fence(_shown(d))}",
             f"## What it writes\n\n{_fence(call(d))}",
             _list("It differs from the published template", card.differs, "## "),
             _list("It cannot say", cannot(d), "## "),
             f"## How it is found\n\n|  |  |\n| --- | --- |\n{known}" if known else "",
             f"## Notes and sources\n\n{_fence(docs)}"]
    return "\n\n".join(p for p in parts if p) + "\n"


def _shown(d: Dialect) -> str:
    return str(Model(d).prompt(NOTE, [NOTE_TOOL], today=DAY))


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


DEFINED = re.compile(r"(<!-- definitions -->\n).*?(<!-- end -->)", re.S)


def evaluation(text: str) -> str:
    """The page of the evaluation, with its definitions in their place: tiers, rates, skills and the rules of the advice."""
    from toolglot.evaluate.report import definitions
    from toolglot.evaluate.reports.markdown import table
    from toolglot.evaluate.reports.rows import tiers

    defined = definitions()
    parts = [table(*tiers({"definitions": defined})),
             "A rate reaches a number where the lower end of its 95 % interval does (Wilson's).",
             _list("The rates", (f"**{name}**: {words}." for name, words in defined["rates"].items())),
             _list("The advice", (f"**{name}**: {words}" for name, words in defined["rules"].items()))]
    return DEFINED.sub(lambda m: f"{m[1]}\n" + "\n\n".join(parts) + f"\n\n{m[2]}", text)


def _list(title: str, items: Any, level: str = "") -> str:
    lines = "\n".join(f"- {item}" for item in items)
    return f"{level}{title}{':' * (not level)}\n\n{lines}" if lines else ""


def _code(text: str) -> str:
    """Inline code in a table."""
    return code(text).replace("|", "\\|")


def _fence(text: str) -> str:
    ticks = "`" * max(3, 1 + max((len(run) for run in _runs(text)), default=0))
    return f"{ticks}text\n{text}\n{ticks}"


def _runs(text: str) -> list[str]:
    return re.findall(r"`{3,}", text)
