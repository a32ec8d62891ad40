"""Llama 3's frame, which many families share: only the words between the markers differ."""

from __future__ import annotations

from ..spec import CONTENT, REPLY, RESULTS, Turns

SPECIAL = frozenset({"<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"})
SYSTEM = ("<|start_header_id|>system<|end_header_id|>\n\n", CONTENT, "<|eot_id|>")

HEADERS = Turns(
    start=("<|begin_of_text|>",),
    system=SYSTEM,
    user=("<|start_header_id|>user<|end_header_id|>\n\n", CONTENT, "<|eot_id|>"),
    assistant=("<|start_header_id|>assistant<|end_header_id|>\n\n", REPLY, "<|eot_id|>"),
    results=(RESULTS,),
    result=("<|start_header_id|>ipython<|end_header_id|>\n\n", CONTENT, "<|eot_id|>"),
    reply_starts=("<|start_header_id|>assistant<|end_header_id|>\n\n",),
)
