"""Audits of published chat templates: none is an exception, and what is found is what the dialect says that was written
after the same template.

Some in CI, all with TOOLGLOT_SLOW=1. The dialects are the judge: their prompts are byte-equal to these templates (law 6).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import pytest

import vectors
from published import SHARED, shared_or_skip
from toolglot import audit
from toolglot.audit.report import Audit
from toolglot.registry import cards
from toolglot.spec import FUNCTION, ID, INDEX, NUMBER, PARAMETERS, TOOL, Dialect, Object

SLOW = os.environ.get("TOOLGLOT_SLOW") == "1"
FILES = sorted(p.name for p in SHARED.glob("templates/*.jin*"))
ROWS = [(name, row) for name in vectors.folders() for row in vectors.read(name, "published") if "+" not in row["template"]]


@pytest.mark.parametrize("name", (FILES if SLOW else FILES[::24]) or [""])
def test_an_audit_of_any_template_is_a_card(name: str) -> None:
    card = audit(shared_or_skip() / "templates" / name)
    assert bool(card.error) == (card.stars == 0)
    assert card.stars == (0 if card.error else max(2 if card.found.told or card.found.called else 1,
                                                    5 - sum(one.points for one in card.deductions)))
    assert json.loads(card.json())["sha256"] == card.sha256 and card.markdown() and card.html()


#: where tools may be found, for where a dialect tells them. A section may close a turn and be one of its own.
PLACES: Mapping[str, set[str]] = {
    "own": {"own turn", "developer turn"}, "system": {"start of system", "end of system", "developer turn"},
    "first-user": {"first user turn", "own turn"}, "last-user": {"last user turn", "before the last user turn"}}
#: dialects whose `tools` section, told in the system turn, closes that turn and is another
CLOSING = {"granite-3", "internlm2", "minimax-m1"}
REASONING = {"after-user": "since the last question", "with-calls": "of turns that call", "open-calls": "until the answer",
             "until-answer": "until the answer"}
#: Devstral's template is Ministral's without its reasoning
WITHOUT_REASONING = {"llamacpp__unsloth-mistral-Devstral-Small-2507"}


@pytest.mark.parametrize(("name", "row"), ROWS if SLOW else ROWS[::9], ids=lambda one: one if isinstance(one, str) else "")
def test_what_is_found_is_what_the_dialect_says_of_itself(name: str, row: Mapping[str, Any]) -> None:
    file = row["template"] if row["template"].endswith("jinja2") else row["template"] + ".jinja"
    card, dialect = audit(shared_or_skip() / "templates" / file), cards()[name].dialect
    turns, found, talk = dialect.turns, card.found, row.get("talk", {})
    assert turns
    if talk.get("max_tools") == 0:               # there the dialect tells of tools, and the template does not
        return
    assert card.dialect == name and found.told
    assert found.place in PLACES[turns.tools_at] or (name in CLOSING and found.place == "own turn")
    if turns.listing is None and {TOOL, FUNCTION, PARAMETERS} & set(turns.tool):
        assert found.listing.notation in ("JSON Schema", "other JSON")
    if talk.get("steps") != 0:                   # else the template loses the calls that the dialect writes
        assert found.called == (turns.past_calls != "dropped")
    kept = "none" if dialect.reasoning is None else REASONING.get(turns.reasoning, turns.reasoning)
    assert found.reasoning.kept == ("none" if row["template"] in WITHOUT_REASONING else kept)
    if found.called:
        _same_calls(card, dialect)


def _same_calls(card: Audit, dialect: Dialect) -> None:
    calls, turns = card.found.calling, dialect.turns
    assert turns
    assert calls.bare == dialect.calls.at_start
    assert (calls.several != "the same") == turns.one_call
    assert (calls.beside == "lost") == (turns.content_with_calls == "dropped")
    slots = [*dialect.calls.each, *(v for n in dialect.calls.each if isinstance(n, Object) for _, v in n.fields)]
    assert (calls.ids or calls.numbered) == any(slot in slots for slot in (ID, INDEX, NUMBER))


@pytest.mark.parametrize("name", sorted(cards()) if SLOW else sorted(cards())[::20])
def test_every_dialect_can_be_audited_and_reads_its_own_calls_back(name: str) -> None:
    card, known = audit(name), cards()[name]
    assert not card.error and card.stars
    assert (card.found.told, card.tier) == (known.tier != "none", known.tier)
    if card.found.called:
        assert card.found.calling.read and "broken calls" not in {one.name for one in card.deductions}
