"""What a run came to, as plain data with stable keys: every other report is made from it, and so is a reader's own.

The one rule: it is made from the journal alone. A key, once here, keeps its meaning.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from .rates import Rate, rate
from .record import Record
from .verdict import (
    RATES,
    RULES,
    TIERS,
    Measures,
    Ranked,
    examples,
    grouped,
    named,
    natural,
    verdict,
)

VERSION = 1
LONGEST = 2000                      # characters of a reply in an example
Report = Mapping[str, Any]


def report(header: Mapping[str, Any], records: Sequence[Record]) -> dict[str, Any]:
    """The whole report. `verdict` is None where nothing was answered yet."""
    found, by_setting = verdict(records), grouped(records)
    asked = header["suite"]["items"] * len(header["settings"])
    kinds = sorted({record.kind for record in records}, key=natural)
    return {
        "report": VERSION, "run": header, "asked": asked, "answered": len(records), "complete": len(records) == asked,
        "verdict": None if found is None else {
            "tier": found.best.tier.name, "means": found.best.tier.means, "open": list(found.best.open),
            "constrained": _tier(found.constrained), "free": _tier(found.free), "recommended": named(found.best.setting),
            "setting": asdict(found.best.setting), "alike": [named(one) for one in found.alike],
            "advice": [asdict(one) for one in found.advice]},
        "settings": [] if found is None else [_ranked(one, by_setting[one.setting], kinds) for one in found.ranked],
        "kinds": kinds,
        "causes": dict(Counter(one.cause for one in records if one.cause).most_common()),
        "examples": {cause: [_example(one) for one in some] for cause, some in examples(records).items()},
        "definitions": definitions()}


def definitions() -> dict[str, Any]:
    """What the words of a report mean."""
    return {"tiers": [asdict(tier) for tier in TIERS], "rates": dict(RATES), "rules": dict(RULES)}


def _tier(one: Ranked | None) -> dict[str, Any] | None:
    return None if one is None else {"tier": one.tier.name, "setting": named(one.setting), "open": list(one.open)}


def _ranked(one: Ranked, records: Sequence[Record], kinds: Sequence[str]) -> dict[str, Any]:
    return {"name": named(one.setting), "setting": asdict(one.setting), "tier": one.tier.name, "open": list(one.open),
            **_measures(one.measures),
            "kinds": {kind: told(rate(record.right for record in records if record.kind == kind)) for kind in kinds}}


def _measures(found: Measures) -> dict[str, Any]:
    return {"right": told(found.right), "exact": told(found.exact),
            "rates": {name: told(one) for name, one in found.rates.items()}, "streamed": told(found.streamed),
            "prompt_tokens": _rounded(found.prompt_tokens), "tokens": _rounded(found.tokens),
            "seconds": _rounded(found.seconds), "tokens_a_right_call": _rounded(found.tokens_a_right_call),
            "causes": dict(found.causes)}


def told(one: Rate) -> dict[str, Any]:
    """A rate as data: null where nothing was tried."""
    if not one.of:
        return {"hits": 0, "of": 0, "rate": None, "low": None, "high": None}
    return {"hits": one.hits, "of": one.of, "rate": _rounded(one.value), "low": _rounded(one.low),
            "high": _rounded(one.high)}


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 4)


def _example(record: Record) -> dict[str, Any]:
    last = record.said[-1] if record.said else None
    return {"item": record.item, "kind": record.kind, "setting": named(record.setting), "detail": record.detail,
            "step": record.step, "text": _short(last.text or last.content) if last else "",
            "calls": [dict(call) for call in last.calls] if last else []}


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def rate_words(one: Mapping[str, Any]) -> str:
    """A rate of a report in words: 43 % (34 to 53)"""
    return str(Rate(one["hits"], one["of"]))


def what_was_asked(found: Report) -> list[tuple[str, str]]:
    """What pins the run, in lines for people."""
    run = found["run"]
    model, engine, suite, sampling = run["model"], run["engine"], run["suite"], run["sampling"]
    weights = [f"{model['file']}" if model["file"] else "", model["size"] or "", model["quantisation"] or "",
               f"{model['bytes']:,} bytes" if model["bytes"] else ""]
    hashes = [f"weights {model['sha256'] or 'not known'}", f"chat template {model['chat_template_sha256'] or 'none'}",
              f"items {suite['sha256']}"]
    of_all = f"{suite['items']} of {suite['of']}" if suite.get("of", suite["items"]) != suite["items"] else suite["items"]
    return [("model", ", ".join(word for word in (model["name"], *weights) if word)),
            ("engine", "; ".join(engine["found"]) or engine["kind"]),
            ("suite", f"{suite['name']}: {of_all} items, seed {suite.get('seed')}"),
            ("sampling", "not known" if sampling["max_tokens"] is None else
             f"temperature {sampling['temperature']}, seed {sampling['seed']}, at most "
             f"{sampling['max_tokens']} tokens, {sampling['concurrency']} at a time"),
            ("toolglot", run["toolglot"]), ("SHA-256", "; ".join(hashes))]


def headline(found: Report) -> str:
    """The verdict in a sentence or two."""
    said = found["verdict"]
    if said is None:
        return "Nothing was answered yet."
    part = "" if found["complete"] else f" So far: {found['answered']} of {found['asked']} questions are answered."
    more = f" Too few items were asked to tell about: {', '.join(said['open'])}." if said["open"] else ""
    kinds = (("constrained", "with a constraint"), ("free", "without one"))
    each = [f"{words}: {said[key]['tier']}" for key, words in kinds if said[key]]
    return f"{said['tier']}: {said['means']} ({'; '.join(each)}).{more}{part}"


__all__ = ["Report", "definitions", "headline", "rate_words", "report", "told", "what_was_asked"]
