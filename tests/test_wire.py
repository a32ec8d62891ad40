"""The bytes of every surface keep the rules that clients rely on; each rule can fail: `wire.MUTATIONS` are all noticed."""

from __future__ import annotations

import pytest

pytest.importorskip("starlette", reason="the server needs its extra: pip install 'toolglot[serve]'")
pytest.importorskip("jsonschema_rs", reason="the server needs its extra: pip install 'toolglot[serve]'")

import wire
import wire_exchanges
from wire_exchanges import all_exchanges, noticed


@pytest.mark.parametrize("surface", ["chat", "responses", "messages"])
def test_every_exchange_keeps_every_rule(surface: str) -> None:
    found = 0
    for streamed, whole in all_exchanges():
        for exchange in (streamed, whole):
            if exchange is not None and exchange.surface == surface:
                assert not wire.broken_rules(exchange), f"{exchange.scenario}: {exchange.body.decode()}"
                found += 1
    assert found > 20


def test_streamed_or_not_a_reply_is_the_same() -> None:
    for streamed, whole in all_exchanges():
        if whole is not None:
            assert wire.apart(streamed, whole) == "", f"{streamed.surface}, {streamed.scenario}"


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_how_the_model_writes_changes_nothing(size: int) -> None:
    for scenario in wire_exchanges.SCENARIOS:
        if scenario.finish == "stop":
            for surface in scenario.on:
                streamed, whole = wire_exchanges.exchanges(scenario, surface, size)
                other, _ = wire_exchanges.exchanges(scenario, surface)
                assert wire.told(streamed) == wire.told(whole) == wire.told(other), f"{surface}, {scenario.name}"


@pytest.mark.parametrize(("surface", "change", "status", "param"), wire_exchanges.REFUSED)
def test_what_is_refused_names_its_field(surface: str, change: dict[str, object], status: int, param: str) -> None:
    exchange = wire_exchanges.refused(surface, change)
    assert exchange.status == status
    error = exchange.json["error"]
    assert param in (error["message"] if surface == "messages" else error["param"])


@pytest.mark.parametrize("mutation", wire.MUTATIONS, ids=lambda m: f"{m.surface}: {m.name}")
def test_every_mutation_is_noticed(mutation: wire.Mutation) -> None:
    assert noticed(mutation), "no rule notices it"


def test_every_rule_notices_a_mutation() -> None:
    seen = {name for mutation in wire.MUTATIONS for name in noticed(mutation)}
    every = {name for rules in wire.RULES.values() for name in rules} | {wire.TWINS}
    assert not every - seen
