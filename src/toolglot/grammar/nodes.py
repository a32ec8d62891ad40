"""What the rules of replies and of arguments are put together with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..rules import Alt, Lit, Rule, Seq
from ..spec import Either, Slot, Template

EMPTY = Lit("")


def object_schema(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """A tool's parameters as the schema of its arguments: an object, and nothing that is not declared."""
    return {"properties": {}, "additionalProperties": False, **parameters, "type": "object", "nullable": False}


def properties(parameters: Mapping[str, Any]) -> dict[str, Any]:
    found = parameters.get("properties")
    return dict(found) if isinstance(found, Mapping) else {}


def required(parameters: Mapping[str, Any]) -> list[str]:
    return [k for k in parameters.get("required") or () if k in properties(parameters)]


def literals(template: Template, slots: Mapping[Slot, Rule]) -> Rule:
    """A template of literals and slots alone."""
    out: list[Rule] = []
    for node in template:
        match node:
            case str():
                out.append(Lit(node, True))
            case Either(options):
                out.append(Lit(options[0], True))
            case Slot():
                out.append(slots[node])
            case _:
                raise TypeError(f"{node!r} is neither a literal nor a slot")
    return seq(*out)


def seq(*items: Rule) -> Rule:
    """Rules one after another; literals that touch are one literal."""
    out: list[Rule] = []
    for item in items:
        for one in item.items if isinstance(item, Seq) else (item,):
            if isinstance(one, Lit) and out and isinstance(last := out[-1], Lit):
                out[-1] = Lit(last.text + one.text, last.special or one.special)
            elif one not in (EMPTY, Lit("", True)):
                out.append(one)
    return out[0] if len(out) == 1 else Seq(tuple(out))


def alt(*options: Rule) -> Rule:
    return options[0] if len(options) == 1 else Alt(tuple(options))
