"""Puts the measured tables and the list of formats into the README, and what response templates cannot say, the
rubric and the definitions of the evaluation into their pages; makes the pages of the dialects, of the server's settings
and of its wire, of the suites of questions, the ratings of the dialects, and, where the templates are at hand, those of
published templates.

`--check` writes nothing: it says what is stale. Published templates are rated with TOOLGLOT_SLOW=1 alone: it takes minutes.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SAID = re.compile(r"(<!-- response templates -->\n).*?(<!-- end -->)", re.S)
RUBRIC = re.compile(r"(<!-- rubric -->\n).*?(<!-- end -->)", re.S)
FORMATS = re.compile(r"(<!-- formats -->\n).*?(<!-- end -->)", re.S)
PLACE = re.compile(r"(<!-- (bench/results/\w+\.md) -->\n).*?(<!-- end -->)", re.S)


def updated(text: str) -> str:
    """The text with each place filled: the first table of that result, and the line that says where it came from."""

    def fill(m: re.Match[str]) -> str:
        result = (ROOT / m[2]).read_text(encoding="utf-8")
        table = result[result.index("\n|") + 1:].split("\n\n")[0]
        return f"{m[1]}{table}\n\n{result.strip().splitlines()[-1]}\n{m[3]}"

    return PLACE.sub(fill, text)


def listed(text: str) -> str:
    """The text with the list of all formats in its place."""
    from toolglot.registry import cards

    names = ", ".join(f"[{name}](docs/dialects/{name}.md)" for name in sorted(cards()))
    return FORMATS.sub(lambda m: f"{m[1]}{names}.\n{m[2]}", text)


def unsaid(text: str) -> str:
    """The text with the dialects that no response template can say in their place."""
    from toolglot.exchange import Unsayable, to_response_template
    from toolglot.registry import dialects

    why: dict[str, list[str]] = {}
    for name, dialect in sorted(dialects().items()):
        try:
            to_response_template(dialect)
        except Unsayable as error:
            why.setdefault(str(error).removeprefix(f"{name}: "), []).append(name)
    rows = "\n".join(f"| {', '.join(names)} | {reason} |" for reason, names in why.items())
    said = len(dialects()) - sum(map(len, why.values()))
    filled = (f"{said} of the {len(dialects())} dialects can be said in it. These cannot:\n\n"
              f"| dialects | why |\n| --- | --- |\n{rows}\n")
    return SAID.sub(lambda m: m[1] + filled + m[2], text)


def main() -> int:
    sys.path.insert(0, str(ROOT / "tests"))
    import suites
    from pages import evaluation, pages, ratings_file, settings_page
    from ratings import TEMPLATES, rubric, templates_page

    import wire_exchanges

    readme = ROOT / "README.md"
    wanted = {readme: listed(updated(readme.read_text(encoding="utf-8")))}
    wanted |= {ROOT / path: text for path, text in pages().items()}
    wanted[ROOT / "src/toolglot/audit/ratings.json"] = ratings_file()
    exchange = ROOT / "docs/exchange.md"
    wanted[exchange] = unsaid(exchange.read_text(encoding="utf-8"))
    wanted[ROOT / "docs/serve-settings.md"] = settings_page()
    audit = ROOT / "docs/audit.md"
    wanted[audit] = RUBRIC.sub(lambda m: f"{m[1]}\n{rubric()}\n\n{m[2]}", audit.read_text(encoding="utf-8"))
    if TEMPLATES.is_dir() and os.environ.get("TOOLGLOT_SLOW") == "1":
        wanted[ROOT / "docs/templates.md"] = templates_page()
    guide = ROOT / "docs/evaluate.md"
    wanted[guide] = evaluation(guide.read_text(encoding="utf-8"))
    wanted[ROOT / "docs/evaluate-suites.md"] = suites.page()
    wanted[ROOT / "docs/wire.md"] = wire_exchanges.table()
    stale = [p for p, text in wanted.items() if not p.is_file() or p.read_text(encoding="utf-8") != text]
    extra = [p for p in (ROOT / "docs/dialects").glob("*.md") if p not in wanted]
    if "--check" in sys.argv:
        for path in (*stale, *extra):
            print(f"{path.relative_to(ROOT)}: stale; run `python docs/update.py`", file=sys.stderr)
        return int(bool(stale or extra))
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_text(wanted[path], encoding="utf-8")
    for path in extra:
        path.unlink()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
