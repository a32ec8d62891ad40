"""OpenAI's legacy functions: the TypeScript that its models were shown, against what the live API counted.

The cases lie in `shared`, beside the repository; the counts need a tokenizer of the right vocabulary besides.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from published import shared_or_skip
from toolglot import model
from toolglot.dialects.openai_functions import namespace

CASES: list[dict[str, Any]] = json.loads((shared_or_skip() / "openai_token_counts.json").read_text(encoding="utf-8"))


def counter() -> Callable[[str], int]:
    """How many tokens of cl100k_base a text has, by whichever tokenizer is installed."""
    for name in ("quicktok", "tiktoken"):
        try:
            encode = importlib.import_module(name).get_encoding("cl100k_base").encode
            return lambda text: len(encode(text))
        except Exception:  # not installed, or its vocabulary would have to be fetched
            continue
    pytest.skip("no tokenizer with cl100k_base is installed: quicktok-v1 or tiktoken")


def counted(case: dict[str, Any], tokens: Callable[[str], int]) -> int:
    """What the API bills: its own few tokens a message, a name, and the functions as they are written here."""
    functions, chosen, total, padded = case.get("functions"), case.get("function_call"), 3, False
    for message in case["messages"]:
        content = message.get("content") or ""
        if functions and message["role"] == "system" and not padded:
            content, padded = content + "\n", True
        call = message.get("function_call")
        total += 3 + tokens(message["role"]) + tokens(content) + (tokens(message["name"]) + 1 if "name" in message else 0)
        total += tokens(call["name"]) + tokens(call["arguments"]) + 3 if call else 0
        total -= 2 * (message["role"] == "function")
    if functions:
        total += tokens(namespace(functions)) + 9 - 4 * any(m["role"] == "system" for m in case["messages"])
    if isinstance(chosen, dict):
        total += tokens(chosen["name"]) + 4
    return total + (chosen == "none")


@pytest.mark.parametrize("case", [c for c in CASES if c.get("functions")], ids=lambda c: str(c["tokens"]))
def test_functions_are_written_as_recorded(case: dict[str, Any]) -> None:
    assert namespace(case["functions"]) == case["rendered_functions"]


@pytest.mark.parametrize("case", CASES, ids=lambda c: str(c["tokens"]))
def test_a_request_has_as_many_tokens_as_the_api_counted(case: dict[str, Any]) -> None:
    assert counted(case, counter()) == case["tokens"]


def test_the_functions_stand_in_the_system_message() -> None:
    case = next(c for c in CASES if c.get("functions"))
    shown = str(model("openai-functions").prompt([{"role": "user", "content": "hello"}], case["functions"]))
    assert shown == (f"<|im_start|>system\n# Tools\n\n## functions\n\n{case['rendered_functions']}<|im_end|>\n"
                     "<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant")
