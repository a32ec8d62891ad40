'''Kimi K3: channels of thinking, response and tools, and the type of each argument beside it.

Source: llama.cpp's chat template (models/templates/Kimi-K3.jinja, commit 181a4a8f) after the encoder in Python that comes
with moonshotai/Kimi-K3, which has no template of its own; vLLM 0.33 (kimi_k3_tool_parser.py, kimi_k3_reasoning_parser.py)
and SGLang 0.5.23 (kimik3_detector.py, kimik3_structural_tag.py) for replies.

    <|open|>think<|sep|>I should look it up.<|close|>think<|sep|><|open|>response<|sep|>Let me look.<|close|>response\
<|sep|><|open|>tools<|sep|><|open|>call tool="get_weather" index="1"<|sep|><|open|>argument key="city" type="string"\
<|sep|>Paris<|close|>argument<|sep|><|close|>call<|sep|><|close|>tools<|sep|><|close|>message<|sep|><|end_of_msg|>

Ugly and true: the response's channel stands in past turns even with nothing in it; calls are numbered in their turn, from
1; the tools are JSON with its keys in alphabetical order. How hard to think is always told where thinking is not off, here
as the template does where nothing is asked for: as much as it can. A string cannot hold the closer of an argument. The
template writes & and " in a name or a key as &amp; and &quot;, which this neither writes nor reads, and puts results into
the order of their calls.
'''

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..card import Card
from ..render import dumps
from ..spec import (
    CALLS,
    CONTENT,
    KEY,
    LIST,
    NAME,
    NUMBER,
    REPLY,
    RESULTS,
    TEXT,
    TOOLS,
    TYPE,
    VALUE,
    Calls,
    Dialect,
    Tagged,
    Turns,
    When,
)


def by_key(tools: Sequence[Mapping[str, Any]]) -> str:
    """The list of tools as JSON without spaces, the keys of each object in alphabetical order."""
    return dumps(_sorted(list(tools)), (",", ":"))


def _sorted(value: Any) -> Any:
    match value:
        case Mapping():
            return {k: _sorted(value[k]) for k in sorted(value, key=str.lower)}
        case list() | tuple():
            return [_sorted(v) for v in value]
        case _:
            return value


_END = "<|close|>message<|sep|><|end_of_msg|>"
_TURNS = Turns(
    start=(TOOLS, When(
        "no-thinking", "",
        '<|open|>message role="system" type="thinking-effort"<|sep|>`thinking_effort` guides on how much to think in your '
        "thinking channel (not including the response channel), supported values include `low`, `medium`, `high`, and "
        f"`max`.\nNow the system is invoked with `thinking_effort=max`.{_END}")),
    tools_at="own",
    tools=('<|open|>message role="system" type="tool-declare"<|sep|># Tools\nHere are the available tools, described in '
           "JSONSchema.\n\n```json\n", LIST, f"\n```{_END}"),
    listing=by_key,
    system=('<|open|>message role="system"<|sep|>', CONTENT, _END),
    user=('<|open|>message role="user"<|sep|>', CONTENT, _END),
    assistant=('<|open|>message role="assistant"<|sep|>', REPLY, _END),
    beside_calls=("<|open|>response<|sep|>", TEXT, "<|close|>response<|sep|>"),
    results=(RESULTS,),
    result=('<|open|>message role="tool" tool="', NAME, '" index="', NUMBER, '"<|sep|>', CONTENT, _END),
    reply_starts=('<|open|>message role="assistant"<|sep|>',
                  When("no-thinking", "<|open|>response<|sep|>", "<|open|>think<|sep|>")),
    reasoning="all",
    empty_reasoning="kept",
    unthought=True,
)

KIMI_K3 = Dialect(
    "kimi-k3",
    calls=Calls(('<|open|>call tool="', NAME, '" index="', NUMBER, '"<|sep|>',
                 Tagged(('<|open|>argument key="', KEY, '" type="', TYPE, '"<|sep|>', VALUE, "<|close|>argument<|sep|>")),
                 "<|close|>call<|sep|>"),
                around=("<|open|>tools<|sep|>", CALLS, "<|close|>tools<|sep|>")),
    content=("<|open|>response<|sep|>", TEXT, "<|close|>response<|sep|>"),
    reasoning=("<|open|>think<|sep|>", TEXT, "<|close|>think<|sep|>"),
    call_ends_reasoning=True,
    stop=("<|end_of_msg|>",),
    noise=("<|close|>message<|sep|>",),
    special=frozenset({"<|open|>", "<|close|>", "<|sep|>", "<|end_of_msg|>"}),
    turns=_TURNS,
)

CARDS = (
    Card(
        KIMI_K3,
        title="Kimi K3",
        tier="full",
        why="several calls, and its makers' API and documents",
        verified="llama.cpp's chat template after its makers' encoder, byte for byte",
        models=("kimi-k3",),
        ollama=("kimi-k3",),
        gguf=("kimi-k3",),
        evidence=("<|open|>", "<|sep|>", "tool-declare"),
    ),
)
