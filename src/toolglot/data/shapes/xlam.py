r"""xLAM's 60,000 questions: one question, its tools, the calls that answer it.

Source: Salesforce/xlam-function-calling-60k, its README and the converters that read it.

    {"id": 0, "query": "…", "tools": "[{\"name\": \"f\", \"description\": \"…\", \"parameters\":
      {\"a\": {\"type\": \"List[int], optional\", \"description\": \"…\", \"default\": \"\"}}}]",
     "answers": "[{\"name\": \"f\", \"arguments\": {\"a\": [1]}}]"}

Ugly and true: tools and answers are JSON in strings, the types are Python's, and the parameters stand without `properties`
and `required`. Several answers are parallel calls. No answer at all (`[]`) means that no tool fits: then there is nothing
that a model could learn to say, and the row is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..declared import declared
from ..row import Row, RowError
from ..sound import Talk, an_object, calls, others, text_of
from . import Shape


def read(raw: Any) -> Row:
    row = an_object(raw)
    talk = Talk(declared(row.get("tools")), "answers")
    talk.user(text_of(row.get("query"), "query"))
    found = calls(row.get("answers"), "answers")
    if not found:
        raise RowError("nothing to learn", "answers", "expected calls, found an empty list")
    talk.reply(found)
    return talk.row(extra=others(row, "query", "tools", "answers"))


def evidence(raw: Any) -> str | None:
    if isinstance(raw, Mapping) and raw.keys() >= {"query", "tools", "answers"} and isinstance(raw["query"], str):
        return "`query`, `tools` and `answers`"
    return None


SHAPE = Shape("xlam", "xLAM function calling 60k", read, evidence, "Salesforce/xlam-function-calling-60k (2024)")
