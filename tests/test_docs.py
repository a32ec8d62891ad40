"""What the documents say holds: their Python runs, their tables are the measured ones, their links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")),
         ROOT / "docs/dialects/README.md", ROOT / "bench/README.md", ROOT / "examples/README.md"]
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))


@every_page
def test_the_python_of_a_page_runs(page: Path) -> None:
    scope: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.S):
        exec(compile(block, str(page), "exec"), scope)


@every_page
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link


def test_the_readme_s_tables_are_those_that_were_measured() -> None:
    assert subprocess.run([sys.executable, "docs/update.py", "--check"], cwd=ROOT, check=False).returncode == 0


def test_the_readme_s_dialect_is_the_one_in_use() -> None:
    from toolglot.registry import dialects

    scope: dict[str, object] = {}
    block = next(b for b in re.findall(r"```python\n(.*?)```", PAGES[0].read_text(encoding="utf-8"), re.S) if "HERMES" in b)
    exec(block, scope)
    shown, used = scope["HERMES"], dialects()["hermes"]
    assert (shown.reasoning, shown.calls.around, shown.calls.between) == (  # type: ignore[attr-defined]
        used.reasoning, used.calls.around, used.calls.between)


def test_the_readme_s_commands_are_those_of_ci() -> None:
    ci = (ROOT / ".ci/run").read_text(encoding="utf-8")
    first, second = re.findall(r"```sh\n(.*?)\n```", PAGES[0].read_text(encoding="utf-8"))[:2]
    assert first.split("bin/toolglot ")[1] in ci
    assert "-e '.[dev]'" in second and "-e '.[dev]'" in ci and "pytest" in second


def test_the_example_of_a_program_runs() -> None:
    ran = subprocess.run([sys.executable, "examples/any_engine.py"], cwd=ROOT, capture_output=True, encoding="utf-8",
                         env={**os.environ, "PYTHONPATH": "src", "PYTHONUTF8": "1"}, check=True)
    assert ran.stdout == ("get_weather({'city': 'Paris'}) -> It is 18 °C and sunny in Paris.\n"
                          "It is 18 °C and sunny in Paris.\n")
