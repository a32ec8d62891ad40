"""Is what a client gives as a JSON schema one?

The one rule: it is said before anything is asked of a model, and nothing is fetched to find out.
"""

from __future__ import annotations

import marshal
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs

from .shapes import place

DRAFTS = ("http://json-schema.org/draft-04/schema", "http://json-schema.org/draft-06/schema",
          "http://json-schema.org/draft-07/schema", "https://json-schema.org/draft/2019-09/schema",
          "https://json-schema.org/draft/2020-12/schema")


def flaw_of(schema: Mapping[str, Any]) -> str:
    """Where it is none, and why; "" for one that is, by the draft that it names, the newest one, or draft 4."""
    try:
        key = marshal.dumps(dict(schema), 2)             # version 2 has no references: equal values, equal bytes
    except ValueError:                                   # very deep, which is refused elsewhere
        return ""
    return _flaw(key)


@lru_cache(maxsize=256)
def _flaw(key: bytes) -> str:
    schema = marshal.loads(key)
    if str(schema.get("$schema")).rstrip("#") not in DRAFTS:
        schema.pop("$schema", None)
    try:
        jsonschema_rs.validator_for(schema, retriever=_refuse)
    except jsonschema_rs.ValidationError as error:
        if _is_old(schema):
            return ""
        where = place(error.instance_path)
        return f"at '{where}': {error.message}" if where else str(error.message)
    return ""


def _is_old(schema: dict[str, Any]) -> bool:
    """Whether it is one of draft 4, which much of the world's tooling still writes: `exclusiveMinimum: true`."""
    try:
        jsonschema_rs.Draft4Validator(schema, retriever=_refuse)
    except jsonschema_rs.ValidationError:
        return False
    return True


def _refuse(address: str) -> Any:
    raise ValueError("schemas elsewhere are not fetched")
