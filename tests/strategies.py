"""Generated replies, tools and conversations, for the laws."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from toolglot.message import Call, Part, Reasoning, Reply, Text, Tool
from toolglot.spec import CALLS, ID, Dialect, Object

NAMES = ["get_weather", "now", "a.b-c", "f"]
SCHEMA = {"type": "object", "properties": {
    "s": {"type": "string"}, "n": {"type": "integer"}, "x": {"type": "number"}, "b": {"type": "boolean"},
    "o": {"type": "object"}, "l": {"type": "array"}, "z": {"type": "null"}, "u": {"type": ["integer", "null"]},
    "e": {"type": "string", "enum": ["a", "b c"]}}}
TOOLS = [Tool(n, f"does {n}", SCHEMA, {"type": "function", "function": {"name": n, "description": f"does {n}",
                                                                       "parameters": SCHEMA}}) for n in NAMES]
BITS = ["<tool_call>", "</tool_call>", "</think", "</think>", "[TOOL", "[TOOL_CALLS]", "{", "}", '"', "\\", "\n", "\n\n",
        "</parameter", "</parameter>", "</arg_value>", "<｜", "<|channel|>", "<|end|>", "[", "]", "f(", ")", "a\n", "\na",
        " x ", "<|im_end|>", "'", "<function=", "\u2028", "\t", "<|start|>assistant", "true", "None", "12", "{}", '{"name"']

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20) | st.sampled_from(BITS)
text = st.lists(words, max_size=4).map("".join)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-10**9, 10**9) | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda c: st.lists(c, max_size=3) | st.dictionaries(text, c, max_size=3), max_leaves=6)
arguments = st.fixed_dictionaries({}, optional={
    "s": text, "n": st.integers(), "x": st.floats(allow_nan=False, allow_infinity=False), "b": st.booleans(),
    "o": st.dictionaries(text, values, max_size=3), "l": st.lists(values, max_size=3), "z": st.none(),
    "u": st.none() | st.integers(), "e": st.sampled_from(["a", "b c"])})


def has_ids(d: Dialect) -> bool:
    return ID in d.calls.each or any(isinstance(n, Object) and any(v is ID for _, v in n.fields) for n in d.calls.each)


def one_call(d: Dialect) -> Any:
    ids = st.text("abcdefghijkXYZ0123456789", min_size=9, max_size=9) if has_ids(d) else st.none()
    return st.builds(Call, st.sampled_from(NAMES), arguments, ids)


@st.composite
def replies(draw: Any, d: Dialect) -> Reply:
    """Replies that a dialect could be asked to write, whether it can or not."""
    parts: list[Part] = []
    if d.reasoning and draw(st.booleans()):
        parts.append(Reasoning(draw(text)))
    if draw(st.booleans() if not d.calls.at_start else st.integers(0, 3).map(lambda n: n == 0)):
        parts.append(Text(draw(text)))
    parts += draw(st.lists(one_call(d), max_size=3))
    if draw(st.integers(0, 5)) == 0:
        parts.append(Text(draw(text)))
    return Reply(tuple(p for p in parts if isinstance(p, Call) or p.text))


def spellings(d: Dialect) -> list[Dialect]:
    """The dialect, and one for each other spelling that it reads, written in that spelling."""
    from dataclasses import replace

    rest = [replace(d, name=f"{d.name}~{i}", calls=c, accept=(d.calls, *(a for a in d.accept if a is not c)))
            for i, c in enumerate(d.accept, 1)]
    return [d, *rest]


@st.composite
def garbage(draw: Any, d: Dialect) -> str:
    """Text made of a dialect's own literals and of anything else."""
    from toolglot.plan import literals

    own = [s for c in (d.calls, *d.accept) for t in (c.around, c.each) for s in literals(t)]
    own += [s for t in (d.content, d.reasoning or ()) for s in literals(t)] + [*d.stop, d.join]
    own += [s[: len(s) // 2] for s in own] + ['{"name": "', '"now"', '"arguments":', '"parameters": {', "x=1", "now",
                                              "f", '{"s": "', "get_weather", "city", ">", "s"]
    bits = st.sampled_from([s for s in own if s]) | words | values.map(json.dumps)
    return "".join(draw(st.lists(bits, max_size=12)))


__all__ = ["CALLS", "NAMES", "TOOLS", "arguments", "garbage", "replies", "spellings", "text", "values"]
