"""Constraints for servers that hold a reply to a JSON schema and to nothing else.

The one rule: the whole reply is then that JSON. So it is taken where a reply has to be one call that is one JSON object
(no such format has reasoning), or the answer of a schema, and refused wherever words or markers may stand in it as well.
"""

from __future__ import annotations

import json

from ..grammar import Constraint, mode_of
from ..message import ToolglotError
from . import FREELY, EngineError, Rules

TODO = f"use a server that takes a grammar (llama-server, vLLM, SGLang), or {FREELY}"


def json_rules(constraint: Constraint, where: str) -> Rules:
    """The constraint as the JSON schema of one call, of the answer, or of either. `where` is the server, for the error."""
    try:
        schema = constraint.json_schema()
    except ToolglotError as error:
        raise EngineError(f"{where} holds a reply to a JSON schema only, and that cannot say this format's calls "
                          f"({error}): {TODO}") from None
    if constraint.answer is None and mode_of(constraint.choice) != "required":
        raise EngineError(f"{where} holds a reply to a JSON schema only, so that it could not hold words: require a call "
                          f"(choice=\"required\"), {TODO}")
    lost = ["the order of the keys and the spacing are the server's own"]
    if constraint.calls and constraint.choice != "none":
        lost.insert(0, "one call a reply, never several: a JSON schema holds one value")
    return Rules("json_schema", json.dumps(schema, ensure_ascii=False), (*constraint.unenforced, *lost))


__all__ = ["json_rules"]
