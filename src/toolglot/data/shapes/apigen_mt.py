r"""APIGen-MT: conversations of an agent with a policy, many turns long.

Source: Salesforce/APIGen-MT-5k, as converters of it read it; the rows themselves were not at hand.

    {"conversations": [{"from": "human", "value": "…"}, {"from": "function_call", "value": "{\"name\": …}"},
                       {"from": "observation", "value": "…"}, {"from": "gpt", "value": "…"}],
     "system": "# Retail agent policy …", "tools": "[{\"name\": …}]"}

Ugly and true: it is LLaMA-Factory's ShareGPT, so it is read as that is; the policy alone tells it apart, which was not
verified on more than its two domains (airline and retail).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import Shape
from ._roles import speaks
from .sharegpt import is_policy, read


def evidence(raw: Any) -> str | None:
    if isinstance(raw, Mapping) and is_policy(raw) and speaks(raw.get("conversations"), "from", "value"):
        return "`conversations` of from and value, and a `system` that is an agent's policy"
    return None


SHAPE = Shape("apigen-mt", "APIGen-MT", read, evidence, "Salesforce/APIGen-MT-5k (2025)")
