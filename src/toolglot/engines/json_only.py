"""Constraints for servers that hold a reply to a JSON schema and to nothing else.

The one rule: the whole reply is then that JSON. So it is taken where a reply has to be one call that is one JSON object
(no such format has reasoning), and refused wherever words or markers may stand in it as well.
"""

from __future__ import annotations

import json

from ..grammar import Constraint
from ..message import ToolglotError
from . import FREELY, EngineError, Rules

TODO = f"use a server that takes a grammar (llama-server, vLLM, SGLang), or {FREELY}"


def json_rules(constraint: Constraint, where: str) -> Rules:
    """The constraint as one call's JSON schema. `where` is the server, for the error."""
    try:
        schema = constraint.json_schema()
    except ToolglotError as error:
        raise EngineError(f"{where} holds a reply to a JSON schema only, and that cannot say this format's calls "
                          f"({error}): {TODO}") from None
    if constraint.choice in ("auto", "none"):
        raise EngineError(f"{where} holds a reply to a JSON schema only, so that it could not hold words: require a call "
                          f"(choice=\"required\"), {TODO}")
    lost = ("one call a reply, never several: a JSON schema holds one value",
            "the order of the keys and the spacing are the server's own")
    return Rules("json_schema", json.dumps(schema, ensure_ascii=False), (*constraint.unenforced, *lost))


__all__ = ["json_rules"]
