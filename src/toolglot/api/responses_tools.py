"""The tools of a Responses request: functions, custom tools and namespaces of both; and the choice among them.

The one rule: a model knows each tool by one name of its own, its client by a name and perhaps a namespace, and `Offer` goes
both ways. Tools that OpenAI would run are passed over with a warning: a model need not use what it is offered.

Codex gives the tools of an MCP server as a namespace, `mcp__docs`, and takes a call back by namespace and name alone; its
newer versions give all tools with an input item, `additional_tools`.
"""

from __future__ import annotations

import marshal
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..grammar import Choice
from ..message import Tool
from .query import ApiError
from .reading import choice_of, named, tools_of
from .shapes import ANY, FLAG, TEXT, Shape, either, maybe, object_of, other, some, word

KEPT = 64                               # offers that are remembered
LONGEST = 64                            # characters of a name that is made here: chat APIs take no more
BARE = "functions"                      # the namespace that means none: its tools keep their names
_OFFERS: dict[bytes, Offer] = {}

_FUNCTION = object_of({"type": word("function"), "name": TEXT, "description": maybe(TEXT),
                       "parameters": maybe(object_of({})), "strict": maybe(FLAG)}, "type", "name")
_CUSTOM = object_of({"type": word("custom"), "name": TEXT, "description": maybe(TEXT), "format": ANY}, "type", "name")
_HOSTED = "a tool that is run by the API; passed over"
TOOLS: Shape = some(either(
    _FUNCTION, _CUSTOM,
    object_of({"type": word("namespace"), "name": TEXT, "description": maybe(TEXT),
               "tools": some(either(_FUNCTION, _CUSTOM, other("function", "custom", description=_HOSTED)))},
              "type", "name", "tools"),
    other("function", "custom", "namespace", description=_HOSTED)))
_ONE = object_of({"type": word("function", "custom"), "name": TEXT, "namespace": maybe(TEXT)}, "type", "name")
CHOICE: Shape = either(
    TEXT, _ONE,
    object_of({"type": word("allowed_tools"), "mode": word("auto", "required"),
               "tools": some(object_of({"type": TEXT}, "type"), 1)}, "type", "tools"),
    other("function", "custom", "allowed_tools", description=_HOSTED))


@dataclass(frozen=True)
class Own:
    """A tool as its client knows it."""

    name: str
    namespace: str | None = None
    custom: bool = False


@dataclass(frozen=True)
class Offer:
    """`own`: the tools by the names that the model knows; `wires`: those names. `shown`: the request's tools as the
    response shows them."""

    tools: tuple[Tool, ...] = ()
    own: Mapping[str, Own] = field(default_factory=dict)
    shown: Sequence[Mapping[str, Any]] = field(default_factory=list)
    warnings: tuple[str, ...] = ()
    wires: Mapping[tuple[str, str | None], str] = field(default_factory=dict)

    def name(self, name: str, namespace: str | None) -> str:
        """What the model knows a tool by, or would."""
        return self.wires.get((name, namespace)) or joined(name, namespace)


def offer_of(given: Sequence[Any] | None, added: Sequence[Any] = ()) -> Offer:
    """`added` are lists of more tools, each with its place: one that is known by then is the same one told again."""
    if not given and not added:
        return Offer()
    told: Any = (given or (), added)
    key = marshal.dumps(told, 2)                             # version 2 has no references: equal values, equal bytes
    offer = _OFFERS.get(key)
    if offer is None:
        kept, more = marshal.loads(key)                      # what is kept shares nothing that its owner may change
        offer = _offer(kept, more)
        if len(_OFFERS) >= KEPT:
            _OFFERS.pop(next(iter(_OFFERS)), None)
        _OFFERS[key] = offer
    return offer


def _offer(given: Sequence[Any], added: Sequence[tuple[str, Sequence[Any]]]) -> Offer:
    found = list(_each(given, "tools"))
    known = {own for _, _, own in found}
    for place, tools in added:
        more = [one for one in _each(tools, place) if one[2] not in known]
        known.update(own for _, _, own in more)
        found += more
    hosted = dict.fromkeys(str(tool.get("type")) for _, tool, own in found if own is None)
    offered = [(place, tool, own) for place, tool, own in found if own is not None]
    wires = _wires([own for _, _, own in offered])
    try:
        tools = tools_of([{**tool, "name": wire} for (_, tool, _), wire in zip(offered, wires, strict=True)])
    except ApiError as error:
        raise _replaced(error, [place for place, _, _ in offered]) from None
    warnings = tuple(f"A tool of type '{kind}' is run by nobody here: it is passed over." for kind in hosted)
    own = {wire: own for wire, (_, _, own) in zip(wires, offered, strict=True)}
    return Offer(tools, own, [_shown(tool) for tool in given], warnings,
                 {(one.name, one.namespace): wire for wire, one in own.items()})


def _each(given: Sequence[Any], place: str, namespace: Any = None) -> Iterator[tuple[str, Mapping[str, Any], Own | None]]:
    """Each tool with its place and what its client knows it by, if it is one that can be called."""
    for n, tool in enumerate(given):
        here, kind = f"{place}[{n}]", tool.get("type")
        if kind == "namespace" and namespace is None:
            yield from _each(tool["tools"], f"{here}.tools", tool)
        elif kind in ("function", "custom"):
            if namespace is not None and not tool.get("description"):
                tool = {**tool, "description": namespace.get("description")}
            yield here, tool, Own(tool["name"], namespace and namespace["name"], kind == "custom")
        else:
            yield here, tool, None


def _wires(own: Sequence[Own]) -> list[str]:
    """A name for each: tools without a namespace have theirs. Two that are the same keep it, which is an error then."""
    taken = {one.name: one for one in own if one.namespace is None}
    wires = []
    for one in own:
        wire = name = joined(one.name, one.namespace)
        count = 2
        while (holder := taken.get(wire)) is not None and (holder.name, holder.namespace) != (one.name, one.namespace):
            wire, count = f"{name[:LONGEST - 4]}_{count}", count + 1
        taken[wire] = one
        wires.append(wire)
    return wires


def joined(name: str, namespace: str | None) -> str:
    """mcp__docs and search: mcp__docs__search."""
    if namespace is None or namespace == BARE:
        return name
    before = re.sub(r"[^A-Za-z0-9_-]", "_", namespace).rstrip("_")
    return f"{before[:max(LONGEST - len(name) - 2, 8)]}__{name}"


def _replaced(error: ApiError, places: Sequence[str]) -> ApiError:
    """The error, with the places of the tools where the client wrote them."""
    def put(text: str) -> str:
        return re.sub(r"\btools\[(\d+)\]", lambda found: places[int(found[1])], text)

    return ApiError(error.status, put(error.message), error.param and put(error.param), error.code)


def _shown(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    """Clients want the three to be there. Not strict is what is meant where nothing is said: the schema need not be one of
    the strict kind."""
    if tool["type"] == "namespace":
        return {**tool, "tools": [_shown(one) for one in tool["tools"]]}
    if tool["type"] != "function":
        return tool
    return {**tool, "description": tool.get("description"), "parameters": tool.get("parameters"),
            "strict": bool(tool.get("strict"))}


# -- the choice among them -------------------------------------------------------------------------------------


def chosen(given: Any, offer: Offer, asked: bool) -> tuple[Choice, Any, tuple[str, ...]]:
    """The choice, how the response shows it, and what of it is passed over. `asked`: the request has tools, of any type."""
    tools, kind = offer.tools, given.get("type") if isinstance(given, Mapping) else given
    free: Choice = "auto" if tools else "none"
    if kind in (None, "auto", "none") or (kind == "required" and asked and not tools):
        return ("none" if kind == "none" else free), given or "auto", ()
    if kind in ("function", "custom"):
        return choice_of({**given, "name": _wire(given, offer)}, tools), given, ()
    if kind == "allowed_tools":
        return _allowed(given, offer)
    if isinstance(given, Mapping):
        return free, given, (f"A choice of type '{kind}' is of no tool here: the choice is '{free}'.",)
    return choice_of(given, tools), given if given == "required" else {"type": "function", "name": given}, ()


def _allowed(given: Mapping[str, Any], offer: Offer) -> tuple[Choice, Any, tuple[str, ...]]:
    names: dict[str, None] = {}
    hosted: dict[str, None] = {}
    for n, one in enumerate(given["tools"]):
        if one["type"] == "namespace":
            names.update(dict.fromkeys(wire for wire, own in offer.own.items() if own.namespace == one.get("name")))
        elif one["type"] in ("function", "custom"):
            names[named(_wire(one, offer), offer.tools, f"tool_choice.tools[{n}]")] = None
        else:
            hosted[one["type"]] = None
    mode = given.get("mode") or "auto"
    return ({"allowed": list(names), "mode": mode} if names else "none"), {**given, "mode": mode}, tuple(
        f"An allowed tool of type '{kind}' is run by nobody here: it is passed over." for kind in hosted)


def _wire(given: Mapping[str, Any], offer: Offer) -> str:
    """A name without a namespace means the tool that has it, if there is one alone."""
    name, namespace = given.get("name"), given.get("namespace")
    if namespace is None:
        held = [wire for wire, own in offer.own.items() if own.name == name]
        if len(held) == 1:
            return held[0]
    return offer.name(str(name), namespace)


__all__ = ["CHOICE", "TOOLS", "Offer", "Own", "chosen", "joined", "offer_of"]
