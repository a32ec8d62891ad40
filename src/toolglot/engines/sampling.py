"""What a request says of sampling, in the words of the server that samples.

The one rule: nothing of it is dropped in silence. What an engine has no word for is an error that names it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import ChatRequest, FieldError, Request

OWN: Mapping[str, str] = {name: name for name in ("top_p", "top_k", "presence_penalty", "frequency_penalty")}
LIMITS: Mapping[str, tuple[float, float]] = {
    "top_p": (0, 1), "top_k": (1, float("inf")), "presence_penalty": (-2, 2), "frequency_penalty": (-2, 2),
    "logprobs": (0, float("inf"))}


def sampled(request: Request | ChatRequest, names: Mapping[str, str], where: str) -> dict[str, Any]:
    """The fields that a request sets, under the names that the server has for them. `where` is the server, for errors:
    FieldError for a field that it has no name for, and for one that is out of bounds."""
    given = {field: value for field in LIMITS if (value := getattr(request, field)) is not None}
    for field, value in given.items():
        low, high = LIMITS[field]
        if not low <= value <= high:
            bounds = f"{low:g} or more" if high == float("inf") else f"{low:g} to {high:g}"
            raise FieldError(field, f"{field} is {value!r}: give {bounds}, or leave it out")
        if field not in names:
            raise FieldError(field, f"{where} has no {field}, or may ignore it: leave it out, or use an engine that has it "
                                    "(llama.cpp, vLLM, SGLang)")
    return {names[field]: value for field, value in given.items()}


def sampled_by_llama(request: Request, where: str) -> dict[str, Any]:
    """As `sampled`, for llama.cpp in whatever server. It tells of a token only where one other is asked for."""
    fields = sampled(request, {**OWN, "logprobs": "n_probs"}, where)
    return {**fields, "n_probs": max(1, fields["n_probs"])} if "n_probs" in fields else fields


def choose(torch: Any, logits: Any, request: Request, written: Sequence[int], dice: Any) -> int:
    """The next token. What penalties count is what was written, without the prompt; the most likely tokens are kept after
    the temperature: `top_k` of them, and of those as many as make up `top_p`. Temperature 0 is greedy."""
    if written and (request.presence_penalty or request.frequency_penalty):
        tokens, counts = torch.tensor(written, device=logits.device).unique(return_counts=True)
        logits = logits.clone()
        logits[tokens] -= (request.presence_penalty or 0.0) + (request.frequency_penalty or 0.0) * counts
    if request.temperature <= 0:
        return int(logits.argmax())
    logits = logits / request.temperature
    if request.top_k is None and request.top_p is None:
        return int(torch.multinomial(logits.softmax(-1), 1, generator=dice))
    best, tokens = logits.topk(min(request.top_k or len(logits), len(logits)))
    chances = best.softmax(-1)
    if request.top_p is not None:
        before = chances.cumsum(-1) - chances
        chances[(before >= request.top_p) & (before > 0)] = 0        # the first is always kept
    return int(tokens[torch.multinomial(chances, 1, generator=dice)])


__all__ = ["OWN", "choose", "sampled", "sampled_by_llama"]
