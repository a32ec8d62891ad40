"""docs/add-a-model.md holds: its files and its commands, in a copy of this tree, make a model that passes every law.

So a new family costs one file and one folder. And the laws are no formality: broken, the same dialect fails by name.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs/add-a-model.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r'^```\w+ title="([^"]+)"\n(.*?)^```$', PAGE, re.M | re.S))
COMMANDS = re.findall(r"^(?:python|pytest) .+$", "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.S)), re.M)
DIALECT = "src/toolglot/dialects/heron.py"


def run(tree: Path, command: str, examples: int = 10) -> subprocess.CompletedProcess[str]:
    """A command of the page, in a tree. CI's settings: the same examples each time."""
    argv = shlex.split(command)
    if argv[0] == "pytest":
        argv = ["python", "-m", *argv, "-p", "no:cacheprovider"]
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COV_"))}
    env |= {"PYTHONPATH": str(tree / "src"), "PYTHONIOENCODING": "utf-8", "CI": "1", "TOOLGLOT_EXAMPLES": str(examples),
            "TOOLGLOT_SAMPLES": "10", "HYPOTHESIS_STORAGE_DIRECTORY": str(tree.parent / "hypothesis")}
    return subprocess.run([sys.executable, *argv[1:]], cwd=tree, env=env, capture_output=True, text=True,
                          encoding="utf-8", check=False)


def contents(tree: Path) -> dict[str, bytes]:
    return {p.relative_to(tree).as_posix(): p.read_bytes() for p in sorted(tree.rglob("*"))
            if p.is_file() and "__pycache__" not in p.parts}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what of this tree the commands need."""
    tree = tmp_path_factory.mktemp("add-a-model") / "toolglot"
    for name in ("src", "tests", "docs", "bench/results"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, tree / name)
    assert run(tree, "python docs/update.py").returncode == 0          # what is stale here is not the model's doing
    return tree


@pytest.fixture(scope="module")
def tree(bare: Path) -> Path:
    """The copy with the page's files in it, and the drafted cases. Templates lie beside a tree."""
    tree = bare.parent / "with-heron" / "toolglot"
    shutil.copytree(bare, tree)
    for name, text in FILES.items():
        path = (tree / name).resolve()
        assert path.is_relative_to(tree.parent)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    drafted = run(tree, COMMANDS[0])
    assert (drafted.returncode, drafted.stderr) == (0, "")
    return tree


def test_the_page_s_commands_are_a_draft_the_tests_and_the_page() -> None:
    assert [c.split()[:2] for c in COMMANDS] == [["python", "tests/vectors/draft.py"], ["pytest", "-k"],
                                                 ["python", "docs/update.py"]]
    assert all((ROOT / w).is_file() for c in COMMANDS for w in c.split() if w.endswith(".py"))


def test_the_page_s_model_passes_every_law(tree: Path) -> None:
    done = run(tree, COMMANDS[1])
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    ran = re.search(r"(\d+) passed", done.stdout)
    assert ran and int(ran[1]) > 90, done.stdout         # fewer where the judge of constraints is not installed


def test_it_costs_one_file_one_folder_and_nothing_else(bare: Path, tree: Path) -> None:
    before, after = contents(bare), contents(tree)
    assert {n: after.get(n) for n in before} == before
    new = after.keys() - before.keys()
    assert new == {n for n in FILES if not n.startswith("../")} | {"tests/vectors/heron/cases.json"}
    assert {n for n in new if not n.startswith("tests/vectors/heron/")} == {DIALECT}


def test_the_last_command_writes_its_page(tree: Path, tmp_path: Path) -> None:
    grown = tmp_path / "toolglot"
    shutil.copytree(tree, grown)
    before = contents(grown)
    assert run(grown, COMMANDS[2]).returncode == 0
    after = contents(grown)
    assert after.keys() - before.keys() == {"docs/dialects/heron.md"}
    counted = {"README.md", "docs/exchange.md", "src/toolglot/audit/ratings.json"}       # they speak of all dialects
    assert all(n.startswith("docs/dialects/") or n in counted for n in after if after[n] != before.get(n))


# -- broken in one place, it fails by name, and in the words that the page's table has


class Break(NamedTuple):
    name: str
    whole: str                      # what stands once in the dialect's file
    broken: str                     # and what in its place
    file: str                       # tests/test_<file>.py
    test: str                       # a part of the failing test's name
    said: str                       # a part of what it says


CALL = '"[[call ", NAME, "]]", Json(), "[[/call]]")'
BREAKS = [
    Break("two blocks with one opener", 'reasoning=("[[think]]",', 'reasoning=("[[call ",', "laws", "proved_unambiguous",
          "reasoning and a call both begin with '[[call'"),
    Break("nothing ends the name", CALL, CALL.replace("]]", "⟧", 1), "laws", "proved_unambiguous",
          "NAME may contain the literal '⟧' that follows it"),
    Break("no opener", CALL, 'NAME, " ", Json(), "[[/call]]")', "laws", "proved_unambiguous",
          "the opener '' is no marker, and calls may stand anywhere; set at_start"),
    Break("a token that is nowhere", '"[[system]]", "[[user]]"', '"[[bos]]"', "laws", "proved_unambiguous",
          "special '[[bos]]' stands in no literal"),
    Break("words between calls", CALL + "),", CALL + ', between=", "),', "laws", "laws_1_to_4", "Reply("),
    Break("another closer than in the vectors", 'TEXT, "[[/think]]")', 'TEXT, "[[call ")', "vectors", "read_as_it_says",
          "assert [{'"),
    Break("a stop in a token", 'stop=("[[end]]",)', 'stop=("]]",)', "prompt_laws", "rule_13", "like this."),
    Break("no tools", 'TOOLS, "[[end]]', '"[[end]]', "prompt_laws", "a_tool_made_by_hand",
          "'fetch_it' in '[[user]]?[[end]]"),
    Break("no past calls", '="dropped",', '="dropped", past_calls="dropped",', "prompt_laws", "law_8_the_mask",
          "assert 'get_weather' in"),
    Break("words as markup", "tool=(FUNCTION,),", "listing=lambda tools: tuple((str(t), True) for t in tools),",
          "prompt_laws", "law_9", "Piece("),
    Break("words trimmed", "Turns(\n    system", 'Turns(trim=frozenset({"user"}),\n    system', "published", "law_6",
          "[[user]]"),
]


@pytest.mark.parametrize("change", BREAKS, ids=lambda change: change.name.replace(" ", "-"))
def test_broken_it_fails_by_name(change: Break, tree: Path, tmp_path: Path) -> None:
    source, copy = FILES[DIALECT], tmp_path / "toolglot"
    assert source.count(change.whole) == 1
    assert change.test != "proved_unambiguous" or f"`{change.said}`" in PAGE
    for name in ("src", "tests"):
        shutil.copytree(tree / name, copy / name, ignore=shutil.ignore_patterns("heron.*.pyc"))
    shutil.copy(tree / "pyproject.toml", copy)
    shutil.copytree(tree.parent / "shared", tmp_path / "shared")
    (copy / DIALECT).write_text(source.replace(change.whole, change.broken), encoding="utf-8")
    done = run(copy, f"pytest --tb=short -vv -k 'heron and {change.test}' tests/test_{change.file}.py", examples=60)
    assert done.returncode == 1 and change.said in done.stdout, done.stdout[-3000:]
    assert re.search(rf"FAILED \S+{change.test}\S*\[\S*heron", done.stdout), done.stdout[-3000:]
