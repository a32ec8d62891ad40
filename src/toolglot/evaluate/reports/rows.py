"""What the tables and the pictures of a report show: which settings, which rates, in which words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..report import rate_words

Report = Mapping[str, Any]
Row = tuple[str, ...]
MOST = 40                           # settings in a table


def chief(report: Report) -> list[Mapping[str, Any]]:
    """The settings that are compared at length: the recommended one, the best that is constrained and may choose, and the
    best that is not constrained. Three at most: the recommended one is one of these, or the best that must call."""
    said = report["verdict"]
    if said is None:
        return []
    kinds: tuple[dict[str, Any], ...] = ({"constrain": True, "choice": "auto"}, {"constrain": False})
    best = [next((one for one in report["settings"] if kind.items() <= one["setting"].items()), None) for kind in kinds]
    first = next(one for one in report["settings"] if one["name"] == said["recommended"])
    return list({one["name"]: one for one in (first, *best) if one}.values())


def measures(one: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The rates of a setting, by the words for them."""
    return {"all items": one["right"], "items that are due a call": one["exact"], **one["rates"],
            "the same in pieces": one["streamed"]}


def compared(report: Report) -> tuple[Row, list[Row]]:
    """A column a chief setting, a row a measure."""
    settings = chief(report)
    rows: list[Row] = [("tier", *(one["tier"] for one in settings))]
    rows += [(name, *(rate_words(measures(one)[name]) for one in settings)) for name in measures(settings[0])]
    for words, key in COSTS:
        rows.append((words, *(number(one[key]) for one in settings)))
    return ("", *(one["name"] for one in settings)), rows


COSTS = (("tokens read for a call", "prompt_tokens"), ("tokens written for a call", "tokens"),
         ("seconds for a call", "seconds"), ("tokens written for each right call", "tokens_a_right_call"))


def ranking(report: Report) -> tuple[Row, list[Row]]:
    """A row a setting, the best first."""
    head = ("setting", "tier", "right", "due a call", "restraint", "tokens", "seconds")
    return head, [(one["name"], one["tier"], rate_words(one["right"]), rate_words(one["exact"]),
                   rate_words(one["rates"]["restraint"]), number(one["tokens"]), number(one["seconds"]))
                  for one in report["settings"][:MOST]]


def by_kind(report: Report) -> tuple[Row, list[Row]]:
    """A column a chief setting, a row a kind of item."""
    settings = chief(report)
    return ("kind", *(one["name"] for one in settings)), [
        (kind, *(rate_words(one["kinds"][kind]) for one in settings)) for kind in report["kinds"]]


def causes(report: Report) -> tuple[Row, list[Row]]:
    """A row a cause, a column a chief setting, and one for all."""
    settings = chief(report)
    return ("cause", *(one["name"] for one in settings), "all settings"), [
        (cause, *(str(one["causes"].get(cause, 0)) for one in settings), str(count))
        for cause, count in report["causes"].items()]


def tiers(report: Report) -> tuple[Row, list[Row]]:
    """The definitions: what each rate's interval must reach."""
    names = list(dict.fromkeys(name for tier in report["definitions"]["tiers"] for name in tier["needs"]))
    return ("tier", "what it means", *names), [
        (tier["name"], tier["means"], *(f"≥\u00a0{100 * tier['needs'][name]:.0f}\u00a0%" if name in tier["needs"] else ""
                                        for name in names)) for tier in report["definitions"]["tiers"]]


def number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"
