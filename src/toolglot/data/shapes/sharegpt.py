r"""ShareGPT with tools, as LLaMA-Factory defines it.

Source: hiyouga/LLaMA-Factory, data/README.md, and its data set glaive_toolcall_en; Locutusque/function-calling-chatml for
the speakers `function-call` and `function-response`.

    {"conversations": [{"from": "human", "value": "…"},
                       {"from": "function_call", "value": "{\"name\": \"f\", \"arguments\": {\"a\": 1}}"},
                       {"from": "observation", "value": "2"}, {"from": "gpt", "value": "It is 2."}],
     "system": "…", "tools": "[{\"name\": \"f\", \"description\": \"…\", \"parameters\": {…}}]"}

Ugly and true: tools and calls are JSON in strings; a call may be a list of them, and its arguments a string once more
(Glaive's are). A column `tool` for `tools`, and lists that are no strings, were seen in data sets after it. Preferences
have the two last turns in `chosen` and `rejected`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...message import Part
from ..declared import declared
from ..row import Row, RowError
from ..sound import Talk, an_object, calls, listed, others, text_of, words
from . import Shape
from ._roles import SPEAKERS, speakers, speaks, tell

_POLICY = "agent policy"
_TAGS = ("<tool_call>", "<tools>", "<tool_response>")


def read(raw: Any) -> Row:
    row = an_object(raw)
    talk = Talk(declared(row.get("tools") or row.get("tool")), "conversations")
    if system := row.get("system"):
        talk.system(text_of(system, "system"))
    turns = list(listed(row, "conversations"))
    rejected = None
    if isinstance(row.get("chosen"), Mapping):
        turns.append(row["chosen"])
        rejected = _last(an_object(row.get("rejected")), "rejected")
    tell(talk, turns)
    return talk.row(None, rejected, others(row, "conversations", "system", "tools", "tool", "chosen", "rejected"))


def _last(turn: Mapping[str, Any], at: str) -> list[Part]:
    """The parts of a last turn that stands by itself."""
    kind = SPEAKERS.get(turn["from"]) if isinstance(turn.get("from"), str) else None
    if kind == "calls":
        return list(calls(turn.get("value"), at))
    if kind != "assistant":
        raise RowError("unknown role", f"{at}.from", "expected gpt or function_call")
    return words(text_of(turn.get("value"), at))


def is_policy(raw: Mapping[str, Any]) -> bool:
    """Whether the system text is one of the agents' policies of APIGen-MT."""
    system = raw.get("system")
    return isinstance(system, str) and _POLICY in system[:4096].lower() and isinstance(raw.get("tools"), str)


def evidence(raw: Any) -> str | None:
    if not isinstance(raw, Mapping) or not speaks(turns := raw.get("conversations"), "from", "value") or is_policy(raw):
        return None
    if _is_of_another(turns):
        return None
    said = speakers(turns, "from")
    if called := said & {"function_call", "function-call"}:
        return f"`conversations` with turns from {min(called)}"
    if isinstance(raw.get("tools") or raw.get("tool"), (str, list)):
        return "`conversations` of from and value, and `tools`"
    return "`conversations` from human and gpt" if said & {"human", "gpt"} else None


def _is_of_another(turns: Any) -> bool:
    """Whether calls stand in the text of replies, between tags (Hermes)."""
    return any(tag in t["value"] for t in turns if isinstance(t["value"], str) and t["from"] != "human" for tag in _TAGS)


SHAPE = Shape("sharegpt", "ShareGPT with tools (LLaMA-Factory)", read, evidence,
              "hiyouga/LLaMA-Factory, data/README.md (2024 to 2025)")
