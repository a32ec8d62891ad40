"""A dialect as the Python file that a person would have written.

The one rule: the file, run, gives the same dialect; what cannot be written so is refused.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Union

from ..message import Call, Reply
from ..render import render
from ..spec import Dialect, Object, Slot, Turns
from .frame import Fact
from .probe import LearnError

WIDTH = 124
Node = Union[str, tuple[str, list["Node"], str]]          # an atom, or what stands between brackets


def write_code(dialect: Dialect, *, source: str, facts: tuple[Fact, ...] = (), verified: str = "", models: str = "",
               single: bool = False) -> str:
    """The text of a file like those in `toolglot/dialects`. `source` says where the template came from."""
    imports: dict[str, set[str]] = {"toolglot.card": {"Card"}}
    name = "".join(c if c.isalnum() else "_" for c in dialect.name).upper().strip("_") or "LEARNED"
    name = f"_{name}" if name[0].isdigit() else name
    parts = []
    if dialect.turns is not None:
        parts.append("_TURNS = " + _laid(_node(dialect.turns, imports), 0, len("_TURNS = ")))
    body = _node(dialect, imports)
    assert isinstance(body, tuple)
    children = [c for c in body[1] if not (isinstance(c, tuple) and c[0].startswith("turns="))]
    if dialect.turns is not None:
        children.append("turns=_TURNS")
    parts.append(f"{name} = " + _laid((body[0], children, body[2]), 0, WIDTH))
    card: list[Node] = [name, f"title={_string(models or dialect.name)}", f'tier="{"single" if single else "multi"}"',
                        'why="learned from its chat template; what it was trained for is not known"',
                        f"verified={_string(verified or 'its chat template, by probes')}"]
    parts.append("CARDS = (\n    " + _laid(("Card(", card, "),"), 4, WIDTH) + "\n)")
    lines = [_doc(dialect, source, facts), "", "from __future__ import annotations", "", *_imports(imports), ""]
    return "\n".join(lines) + "\n" + "\n\n".join(parts) + "\n"


def _doc(dialect: Dialect, source: str, facts: tuple[Fact, ...]) -> str:
    calls = [Call("get_weather", {"city": "Paris"}, "call00001")]
    sample = render(dialect, Reply(tuple(calls))) + (dialect.stop[0] if dialect.stop else "")
    said = [textwrap.fill(f"{title}: {'; '.join(f.what for f in facts if f.sure is sure)}.", WIDTH - 4)
            for title, sure in (("Sure", True), ("Guessed", False)) if any(f.sure is sure for f in facts)]
    text = "\n\n".join([f"{dialect.name}, learned from its chat template.", textwrap.fill(f"Source: {source}.", WIDTH - 4),
                        _SAMPLE, *said])
    text = text.replace("\\", "\\\\").replace("'''", "\\'\\'\\'")
    sample = sample.replace("\\", "\\\\").replace("'''", "\\'\\'\\'")
    return "'''" + text.replace(_SAMPLE, "\n".join("    " + _folded(line) for line in sample.split("\n"))) + "\n'''"


_SAMPLE = "\ue000"


def _folded(line: str) -> str:
    """A line that is too long, as lines that read as one."""
    pieces = [line[i:i + WIDTH - 8] for i in range(0, len(line), WIDTH - 8)] or [""]
    return "\\\n".join(pieces) if not any(p.endswith("\\") for p in pieces[:-1]) else line


def _imports(imports: Mapping[str, set[str]]) -> list[str]:
    out = []
    for module, names in sorted(imports.items()):
        line = f"from {module} import {', '.join(_ordered(names))}"
        out.append(line if len(line) <= WIDTH else f"from {module} import (\n" + "".join(
            f"    {n},\n" for n in _ordered(names)) + ")")
    return out


def _ordered(names: set[str]) -> list[str]:
    """Constants first, as import sorters have them."""
    return sorted(names, key=lambda n: (not n.isupper(), n))


def _node(value: Any, imports: dict[str, set[str]]) -> Node:
    """A value as an expression. What it needs is added to `imports`."""
    match value:
        case str():
            return _string(value)
        case None | bool() | int() | float():
            return repr(value)
        case Slot():
            imports.setdefault("toolglot.spec", set()).add(value.name)
            return value.name
        case tuple():
            return ("(", [_node(v, imports) for v in value], ",)" if len(value) == 1 else ")")
        case frozenset():
            inside: Node = ("{", [_node(v, imports) for v in sorted(value)], "}")
            return ("frozenset(", [inside] if value else [], ")")
        case Mapping():
            return ("{", [_beside(f"{_string(k)}: ", _node(v, imports)) for k, v in value.items()], "}")
    if is_dataclass(value) and not isinstance(value, type):
        return _built(value, imports)
    if isinstance(value, Callable) and "<" not in getattr(value, "__qualname__", "<"):  # type: ignore[arg-type]
        imports.setdefault(value.__module__, set()).add(value.__name__)
        return str(value.__name__)
    raise LearnError(f"code: {value!r} cannot be written as an expression")


def _built(value: Any, imports: dict[str, set[str]]) -> Node:
    """A dataclass as its call, without what is as by default."""
    kind = type(value)
    imports.setdefault(kind.__module__, set()).add(kind.__name__)
    if kind.__name__ == "Either":
        return ("Either(", [_node(o, imports) for o in value.options], ")")
    children: list[Node] = []
    for i, f in enumerate(fields(value)):
        given = getattr(value, f.name)
        default = f.default_factory() if f.default_factory is not MISSING else f.default
        if default is not MISSING and given == default:
            continue
        if kind is Object and f.name in ("fields", "also"):
            given = dict(given)
        plain = i == 0 and kind is not Turns and len(children) == i and (default is MISSING or kind is Object)
        children.append(_node(given, imports) if plain else _beside(f"{f.name}=", _node(given, imports)))
    return (f"{kind.__name__}(", children, ")")


def _beside(before: str, node: Node) -> Node:
    return before + node if isinstance(node, str) else (before + node[0], node[1], node[2])


def _flat(node: Node) -> str:
    return node if isinstance(node, str) else node[0] + ", ".join(map(_flat, node[1])) + node[2]


def _laid(node: Node, indent: int, used: int) -> str:
    """An expression in lines: in one where it fits, else each member in its own."""
    flat = _flat(node)
    if indent + len(flat) + used < WIDTH and "\n" not in flat:
        return flat
    if isinstance(node, str):
        return _split(node, indent)
    pad = " " * (indent + 4)
    closer = node[2].lstrip(",") if node[2] == ",)" else node[2]
    return node[0] + "\n" + "".join(f"{pad}{_laid(c, indent + 4, 1)},\n" for c in node[1]) + " " * indent + closer


def _string(text: str) -> str:
    return repr(text) if '"' in text else '"' + repr("'" + text)[2:]


def _split(atom: str, indent: int) -> str:
    """A long string as several, one a line."""
    begin = atom.find('"') if "'" not in atom[:atom.find('"') + 1 or None] else atom.find("'")
    quote, before = atom[begin], atom[:begin]
    if begin < 0 or atom[-1] != quote or len(atom) < WIDTH - indent:
        return atom
    text, room = eval_string(atom[begin:]), WIDTH - indent - 12
    pieces, rest = [], text
    while rest:
        cut = min(room, len(rest))
        while len(_string(rest[:cut])) > room:
            cut -= 1
        space = rest.rfind(" ", cut // 2, cut)
        cut = space + 1 if space > 0 and cut < len(rest) else cut
        pieces.append(_string(rest[:cut]))
        rest = rest[cut:]
    if not before:
        return f"\n{' ' * indent}".join(pieces)
    return f"{before}" + f"\n{' ' * (indent + len(before))}".join(pieces)


def eval_string(literal: str) -> str:
    """What a string literal says."""
    from ast import literal_eval

    return str(literal_eval(literal))
