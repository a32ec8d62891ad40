"""A question of a suite, and what is right: plain data, the same in every suite and in a user's JSONL.

The one rule: what is right is written down before anything is asked, and needs no model to be judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Language = Literal["Python", "Java", "JavaScript"]


@dataclass(frozen=True)
class Accepted:
    """A call that is right: of each argument, the values that are. `optional` ones may be left out.

    `declared`: the parameters as the Berkeley leaderboard declares them; where they are given, its rules hold.
    """

    name: str
    arguments: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()
    declared: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Step:
    """One reply that is due, and how the conversation goes on after it.

    `calls`: all of them, in any order; none means that no call is right. `words`: one of these must then stand in the
    reply, whatever its case; none means that any words do. `results`: of each call, in the order of `calls`. `then`: the
    messages that follow them, and `tools`: those that come with these. `any_call`: some call is due, and any will do.
    """

    calls: tuple[Accepted, ...] = ()
    words: tuple[str, ...] = ()
    results: tuple[Any, ...] = ()
    then: tuple[Mapping[str, Any], ...] = ()
    tools: tuple[Mapping[str, Any], ...] = ()
    any_call: bool = False


@dataclass(frozen=True)
class World:
    """What the calls of an item really do: classes, (module, name) each, of the leaderboard's package, which lies in
    `folder`, or is installed where that is "".

    A step of such an item goes on until a reply without calls; each of them is run (`replay`), and what is right is the
    state and the results that the step's own calls come to, however the model got there.
    """

    folder: str
    classes: tuple[tuple[str, str], ...]
    config: Mapping[str, Any]
    long: bool = False


@dataclass(frozen=True)
class Item:
    """`id` is its own in its suite; `kind` is what it tries. `messages` and `tools` are in OpenAI's shape. A step is asked
    for where all before it were right. `language` is that of the tools' types."""

    id: str
    kind: str
    messages: tuple[Mapping[str, Any], ...]
    tools: tuple[Mapping[str, Any], ...]
    steps: tuple[Step, ...]
    language: Language = "Python"
    world: World | None = None


def example(due: Accepted) -> dict[str, Any]:
    """A call that is right: the first value of each argument. In the leaderboard's, members have several too."""
    first = {name: next((one for one in values if due.declared is None or one != ""), "")
             for name, values in due.arguments.items()}
    if due.declared is not None:
        first = {name: _first(value) for name, value in first.items() if value != ""}
    return {"name": due.name, "arguments": first}


def _first(accepted: Any) -> Any:
    if isinstance(accepted, list):
        return [_first(one) if isinstance(one, Mapping) else one for one in accepted]
    if not isinstance(accepted, Mapping):
        return accepted
    chosen = {name: one[0] if isinstance(one, list) and one else one for name, one in accepted.items()}
    return {name: one for name, one in chosen.items() if one != ""}
