"""Puts the measured tables and the list of formats into the README; makes the pages of the dialects, of the
server's settings and of its wire.

`--check` writes nothing: it says what is stale.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
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


def main() -> int:
    sys.path.insert(0, str(ROOT / "tests"))
    from pages import pages, settings_page

    import wire_exchanges

    readme = ROOT / "README.md"
    wanted = {readme: listed(updated(readme.read_text(encoding="utf-8")))}
    wanted |= {ROOT / path: text for path, text in pages().items()}
    wanted[ROOT / "docs/serve-settings.md"] = settings_page()
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
