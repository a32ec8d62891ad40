"""The plan of the house: who may import whom, and what `import toolglot` costs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src" / "toolglot"
# each floor may import from itself and from those below
FLOORS = [
    {"message", "rules"},
    {"schema", "spec"},
    {"cursor", "render", "values", "chat", "signatures", "custom"},
    {"plan"},
    {"encodings"},
    {"parse", "prompt", "tools"},
    {"rescue"},
    {"check", "grammar", "emit", "chat_template", "shown"},
    {"card"},
    {"dialects"},
    {"registry"},
    {"exchange", "learn"},
    {"model"},
    {"engines"},
    {"audit"},
    {"reply"},
    {"ask", "plugins", "api", "describe"},
    {"arena"},
    {"serve", "evaluate"},
    {"data"},
    {"cli"},
    {"__init__", "__main__"},
]
CORE = {"message", "rules", "schema", "spec", "cursor", "render", "values", "chat", "plan", "encodings", "parse", "prompt",
        "rescue", "check", "grammar", "emit", "card", "dialects", "registry", "custom"}
LAZY = {"schema": {"jsonschema", "referencing"}}          # imported where it is used, never at import


def rooms() -> dict[str, list[tuple[str, bool]]]:
    """For each module, what it imports: ("toolglot.parse", True) of its own, ("json", False) of others."""
    found: dict[str, list[tuple[str, bool]]] = {}
    for path in SOURCE.rglob("*.py"):
        inside = path.relative_to(SOURCE).with_suffix("").parts
        room = inside[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                base = list(inside[:-1])[: len(inside) - node.level] if node.level <= len(inside) else []
                names = [node.module] if node.module else [a.name for a in node.names if a.name != "__version__"]
                found.setdefault(room, []).extend((".".join([*base, n]).split(".")[0], True) for n in names)
            elif isinstance(node, ast.ImportFrom) and str(node.module).startswith("toolglot."):
                found.setdefault(room, []).append((str(node.module).split(".")[1], True))
            elif isinstance(node, ast.ImportFrom):
                found.setdefault(room, []).append((str(node.module).split(".")[0], False))
            elif isinstance(node, ast.Import):
                found.setdefault(room, []).extend((a.name.split(".")[0], False) for a in node.names)
    return found


def floor_of(room: str) -> int:
    return next(i for i, floor in enumerate(FLOORS) if room in floor)


def test_imports_run_one_way() -> None:
    for room, imports in rooms().items():
        for other, own in imports:
            if own and other != room:
                assert floor_of(other) <= floor_of(room), f"{room} imports {other}"


def test_only_the_registry_imports_dialects() -> None:
    assert {room for room, imports in rooms().items() if ("dialects", True) in imports} <= {"registry", "dialects"}


def test_the_core_uses_the_standard_library_alone() -> None:
    for room, imports in rooms().items():
        for other, own in imports:
            if room in CORE and not own and other != "__future__" and other not in LAZY.get(room, ()):
                assert other in sys.stdlib_module_names, f"{room} imports {other}"


def test_the_core_has_no_clock_and_no_chance() -> None:
    for room, imports in rooms().items():
        if room in CORE:                                 # a date may be spelled, but it is the caller's
            assert not {"random", "time", "secrets", "socket", "subprocess"} & {m for m, _ in imports}, room
    for path in SOURCE.rglob("*.py"):
        if path.relative_to(SOURCE).with_suffix("").parts[0] in CORE and "datetime" in (source := path.read_text("utf-8")):
            assert not re.search(r"\b(now|today|utcnow)\(\)", source), path


def test_import_toolglot_brings_nothing_from_outside_the_standard_library() -> None:
    code = ("import sys; before = set(sys.modules); import toolglot; "
            "print(*{m.split('.')[0] for m in set(sys.modules) - before})")
    brought = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=SOURCE.parent)
    assert set(brought.stdout.split()) - {"toolglot"} <= sys.stdlib_module_names
