"""Puts the measured tables into the README; `--check` only says whether they are there."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = re.compile(r"(<!-- (bench/results/\w+\.md) -->\n).*?(<!-- end -->)", re.S)


def updated(text: str) -> str:
    """The text with each place filled: the table of that result, and the line that says where it came from."""

    def fill(m: re.Match[str]) -> str:
        result = (ROOT / m[2]).read_text(encoding="utf-8")
        table = "\n".join(line for line in result.splitlines() if line.startswith("|"))
        return f"{m[1]}{table}\n\n{result.strip().splitlines()[-1]}\n{m[3]}"

    return PLACE.sub(fill, text)


def main() -> int:
    readme = ROOT / "README.md"
    before = readme.read_text(encoding="utf-8")
    after = updated(before)
    if "--check" in sys.argv:
        if before != after:
            print("README.md: its tables are not those of bench/results; run `python docs/update.py`", file=sys.stderr)
        return int(before != after)
    readme.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
