"""The answer: a reply whose words must be one JSON value of a schema, as OpenAI's `response_format` asks for.

The one rule: it stands where the words would, in the dialect's own frame, and with nothing beside it. Reading it, nothing
in it is a call (`answering`), for its strings may hold what would be one elsewhere.
"""

from __future__ import annotations

import marshal
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..message import ToolglotError
from ..spec import NAME, Calls, Dialect, Json, remember
from ..values import json_rules
from ..values.keywords import is_plain

_NEVER = "\udfff"                # opens no call: half of a surrogate pair, which no text holds
READ_AS_CALL = ("the answer: in this format calls have no marker of their own, so a value that is one, that holds one, or "
                "that is an empty list is read as calls")


def own(answer: Any) -> dict[str, Any]:
    """A copy of the schema, which its owner may change. Raises ToolglotError for what is no schema."""
    if not isinstance(answer, Mapping):
        raise ToolglotError(f"the answer's schema: expected a JSON schema, found {answer!r:.80}")
    try:
        copy: dict[str, Any] = marshal.loads(marshal.dumps(dict(answer)))
    except ValueError:                                  # mappings of another kind, or very deep
        return dict(answer)
    return copy


def said(answer: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """What of the schema is not enforced, and where less is allowed. Raises ToolglotError for one that is none."""
    try:
        made = json_rules(answer, answer)
    except ToolglotError as error:
        raise blamed(error) from None
    return [f"the answer: {one}" for one in made.unenforced], [f"the answer: {one}" for one in made.narrowed]


def check(answer: Mapping[str, Any]) -> None:
    """Raises ToolglotError for a schema that is none, that no value satisfies, or that is too large."""
    if not is_plain(answer):
        said(answer)


def blamed(error: Exception) -> ToolglotError:
    return ToolglotError(f"the answer's schema: {error}; mend it, or ask without one")


@remember
def answering(dialect: Dialect, reasons: bool) -> Dialect:
    """The dialect to read a reply with that is an answer and no call. `reasons`: whether reasoning may come before it."""
    return replace(dialect, calls=Calls((_NEVER, NAME, Json())), accept=(), noise=(),
                   reasoning=dialect.reasoning if reasons else None)
