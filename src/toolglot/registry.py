"""Names, model ids and chat templates -> dialect. The only module that imports dialects.

The one rule: a name that is not known is never guessed at; what it may have meant is said in the error.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .dialects.deepseek import DEEPSEEK_V3_1
from .dialects.glm import GLM4_5
from .dialects.harmony import HARMONY
from .dialects.hermes import HERMES
from .dialects.llama import LLAMA3_1, LLAMA_PYTHONIC
from .dialects.mistral import MISTRAL_NEMO, MISTRAL_V3, MISTRAL_V11
from .dialects.qwen import QWEN2_5, QWEN3
from .dialects.qwen_coder import QWEN3_CODER
from .dialects.zero_shot import JSON
from .message import ToolglotError
from .spec import Dialect

DIALECTS: dict[str, Dialect] = {d.name: d for d in (
    HERMES, QWEN2_5, QWEN3, LLAMA3_1, LLAMA_PYTHONIC, MISTRAL_V3, MISTRAL_NEMO, MISTRAL_V11, QWEN3_CODER, GLM4_5,
    DEEPSEEK_V3_1, HARMONY, JSON)}

# model ids, the owner's name and letter case apart: the first that matches
MODELS: tuple[tuple[str, str], ...] = (
    (r"hermes-(2-pro|3)", "hermes"),
    (r"qwen3-coder", "qwen3-coder"),
    (r"qwen3-(?!(next|omni|vl|embedding|reranker))|qwq", "qwen3"),
    (r"qwen2\.5", "qwen2.5"),
    (r"llama-3\.[13]|llama-?3\.?[13]", "llama3.1"),
    (r"llama-?3\.2|llama-?4", "llama-pythonic"),
    (r"mistral-7b-instruct-v0\.3|mixtral-8x22b-instruct", "mistral-v3"),
    (r"mistral-nemo|ministral-8b|mistral-large-(instruct-)?2407", "mistral-nemo"),
    (r"mistral-small-3\.2|magistral-.*-2506", "mistral-v11"),
    (r"glm-4\.[56]", "glm-4.5"),
    (r"deepseek-v3\.1", "deepseek-v3.1"),
    (r"gpt-oss", "harmony"),
    (r"smollm2", "json"),
)

# what in a chat template gives its dialect away: all of these, and none of those
EVIDENCE: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("harmony", ("<|channel|>", "to=functions"), ()),
    ("qwen3-coder", ("<function=", "<parameter=", "<tool_call>"), ("<think>",)),
    ("glm-4.5", ("<arg_key>", "<arg_value>", "[gMASK]"), ()),
    ("deepseek-v3.1", ("<｜tool▁call▁begin｜>", "<｜tool▁sep｜>"), ("```json",)),
    ("mistral-v11", ("[TOOL_CALLS]", "[ARGS]", "[CALL_ID]"), ()),
    ("mistral-nemo", ("[TOOL_CALLS][", "[AVAILABLE_TOOLS]["), ()),
    ("mistral-v3", ("[TOOL_CALLS] [", "[AVAILABLE_TOOLS]"), ()),
    ("llama-pythonic", ("<|start_header_id|>", "python list"), ()),
    ("llama3.1", ("<|start_header_id|>", '"parameters": '), ()),
    ("hermes", ("<tool_call>", "pydantic model json schema"), ()),
    ("qwen3", ("<tool_call>", "<think>", "<|im_start|>", '"arguments": '), ("<function=",)),
    ("qwen2.5", ("<tool_call>", "<|im_start|>", '"arguments": '), ("<function=",)),
)


class UnknownDialect(ToolglotError):
    """No dialect, model id or alias of that name."""


class Detected(NamedTuple):
    """A dialect, and the words in the chat template that gave it away."""

    dialect: Dialect
    evidence: tuple[str, ...]


def find(name: str) -> Dialect:
    """The dialect of a name or a model id. Raises UnknownDialect, which offers what is near."""
    if name in DIALECTS:
        return DIALECTS[name]
    plain = re.sub(r"[_ ]", "-", name.rsplit("/", 1)[-1].lower())
    if plain in DIALECTS:
        return DIALECTS[plain]
    for pattern, dialect in MODELS:
        if re.search(pattern, plain):
            return DIALECTS[dialect]
    from difflib import get_close_matches

    near = get_close_matches(plain, DIALECTS, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise UnknownDialect(f"no dialect or model is known as {name!r}: {hint}known dialects are {', '.join(DIALECTS)}; "
                         "for a model that was not trained for tools, take json")


def detect(template: str) -> Detected | None:
    """The dialect that a chat template speaks, or None: it knows no tools, or none that are known here."""
    for name, present, absent in EVIDENCE:
        if all(p in template for p in present) and not any(a in template for a in absent):
            return Detected(DIALECTS[name], present)
    return None
