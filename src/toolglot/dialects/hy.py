'''Tencent Hy3 and Hy4: a key and a value an argument, between markers that carry the checkpoint's own suffix.

Sources: chat_template of tencent/Hy3 (sha256 7fc351fe), also Hy3-FP8's, and its reply in vLLM's rust/src/chat/tests/
grammar_replay/Hy3.tool_call_mix.json. Of Hy3-preview vLLM's tests of its hy_v3 parsers and ms-swift's agent template; of
Hy4-preview vLLM's (0.33.0) hy_v4 parsers and structural tags.

    I need the weather.</think:opensource>I'll look.<tool_calls:opensource>
    <tool_call:opensource>get_weather<tool_sep:opensource>
    <arg_key:opensource>city</arg_key:opensource>
    <arg_value:opensource>Paris</arg_value:opensource>
    </tool_call:opensource>
    </tool_calls:opensource><｜hy_eos:opensource｜>

Hy4 has no `<tool_sep>`, and no line breaks:

    <tool_calls:6124c78e><tool_call:6124c78e>now</tool_call:6124c78e></tool_calls:6124c78e>

Ugly and true: the suffix is part of each token. Hy3-preview has none, Hy3 `:opensource`, Hy4-preview `:6124c78e`, and so
have calls that hosts of Hy3 let through as text: each dialect writes its own, and reads calls with all three. A string and
a number look alike, and only the tool's schema tells them apart. A prompt always opens reasoning, and closes it at once
where none is asked for, as Hy3's does unless told otherwise. The template closes the answer that ends a conversation only
where it is told that it is for training; here it is always closed.

The prompts of Hy3-preview and Hy4-preview are not verified: Hy3-preview's are taken to be Hy3's with its own markers, as
far as they are known, and Hy4's likewise, with the calls of Hy4.
'''

from __future__ import annotations

from dataclasses import replace

from ..card import Card
from ..spec import (
    CALLS,
    CONTENT,
    KEY,
    LIST,
    NAME,
    REPLY,
    RESULTS,
    TEXT,
    TOOLS,
    VALUE,
    Calls,
    Dialect,
    Tagged,
    Turns,
    When,
)

_BARE, _HY3, _HY4 = "", ":opensource", ":6124c78e"
_SUFFIXES = (_HY3, _HY4, _BARE)


def _hy3_calls(s: str) -> tuple[Calls, Calls]:
    """Hy3's calls, their markers with this suffix; and one call alone, for the outer markers are often left out."""
    argument = Tagged((f"<arg_key{s}>", KEY, f"</arg_key{s}>\n<arg_value{s}>", VALUE, f"</arg_value{s}>\n"))
    call = (f"<tool_call{s}>", NAME, f"<tool_sep{s}>\n", argument, f"</tool_call{s}>")
    return Calls(call, around=(f"<tool_calls{s}>\n", CALLS, f"\n</tool_calls{s}>"), between="\n"), Calls(call)


def _hy4_calls(s: str) -> tuple[Calls, Calls]:
    """Hy4's likewise."""
    argument = Tagged((f"<arg_key{s}>", KEY, f"</arg_key{s}><arg_value{s}>", VALUE, f"</arg_value{s}>"))
    call = (f"<tool_call{s}>", NAME, argument, f"</tool_call{s}>")
    return Calls(call, around=(f"<tool_calls{s}>", CALLS, f"</tool_calls{s}>")), Calls(call)


def _hy(name: str, s: str, calls: Calls, turns: Turns) -> Dialect:
    """A dialect that writes this suffix and these calls. Calls it reads with all suffixes, with and without the separator
    and the outer markers."""
    eos, user = f"<｜hy_eos{s}｜>", f"<｜hy_User{s}｜>"
    tags = ("tool_calls", "tool_call", "arg_key", "arg_value", "tool_responses", "tool_response", "think")
    return Dialect(
        name,
        calls=calls,
        accept=tuple(c for x in _SUFFIXES for c in (*_hy3_calls(x), *_hy4_calls(x)) if c != calls),
        reasoning=(f"<think{s}>", TEXT, f"</think{s}>"),
        stop=(eos,),
        special=frozenset({str(turns.start[0]), eos, user, f"<｜hy_Assistant{s}｜>", f"<｜reasoning_mode{s}｜>",
                           *(f"<{slash}{tag}{s}>" for tag in tags for slash in ("", "/"))}),
        turns=turns,
    )


def _turns(s: str) -> Turns:
    """Hy3's prompt, its markers with this suffix."""
    return Turns(
        start=(f"<｜hy_begin_of_sentence{s}｜>",),
        system=(CONTENT, When("both", "\n\n"), TOOLS, f"<｜reasoning_mode{s}｜>reasoning_effort:",
                When("thinking", "high", "no_think")),
        system_always=True,
        system_joins="",
        empty_system=False,
        tools=("# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
               "You are provided with function signatures within <tools></tools> XML tags:\n<tools>\n", LIST,
               f"\n</tools>\n\nFor function call returns, you should first print <tool_calls{s}>\n"
               f"For each function call, you should return object like:\n<tool_call{s}>{{function-name}}<tool_sep{s}>\n"
               f"<arg_key{s}>{{arg-key-1}}</arg_key{s}>\n<arg_value{s}>{{arg-value-1}}</arg_value{s}>\n"
               f"<arg_key{s}>{{arg-key-2}}</arg_key{s}>\n<arg_value{s}>{{arg-value-2}}</arg_value{s}>\n"
               f"...\n</tool_call{s}>\nAt the end of function call returns, you should print </tool_calls{s}>"),
        user=(f"<｜hy_User{s}｜>", CONTENT),
        assistant=(f"<｜hy_Assistant{s}｜>", REPLY, f"<｜hy_eos{s}｜>"),
        results=(f"<tool_responses{s}>\n", RESULTS, f"</tool_responses{s}>"),
        result=(f"<tool_response{s}>\n", CONTENT, f"\n</tool_response{s}>\n"),
        reply_starts=(f"<｜hy_Assistant{s}｜>", When("thinking", f"<think{s}>", f"<think{s}></think{s}>")),
        reasoning="with-tools",
        empty_reasoning="always",
    )


_HY3_CALLS, _PREVIEW_CALLS, _HY4_CALLS = _hy3_calls(_HY3)[0], _hy3_calls(_BARE)[0], _hy4_calls(_HY4)[0]
_4 = _turns(_HY4)

HY_3 = _hy("hy-3", _HY3, _HY3_CALLS, _turns(_HY3))
HY_3 = replace(HY_3, special=HY_3.special | {"<tool_sep:opensource>"})

HY_3_PREVIEW = _hy("hy-3-preview", _BARE, _PREVIEW_CALLS, replace(_turns(_BARE), start=("<｜hy_begin▁of▁sentence｜>",)))
HY_3_PREVIEW = replace(HY_3_PREVIEW, special=HY_3_PREVIEW.special | {"<tool_sep>"},
                       stop=("<｜hy_eos｜>", "<eos:6124c78e>"))

HY_4 = _hy("hy-4", _HY4, _HY4_CALLS, replace(
    _4,
    system=(*_4.system[:-1], When("no-thinking", "no_think", "high")),
    tools=(*_4.tools[:-1],
           "\n</tools>\n\nFor function call returns, you should first print <tool_calls:6124c78e>\n"
           "For each function call, you should return object like:\n<tool_call:6124c78e>{function-name}"
           "<arg_key:6124c78e>{arg-key-1}</arg_key:6124c78e><arg_value:6124c78e>{arg-value-1}</arg_value:6124c78e>"
           "<arg_key:6124c78e>{arg-key-2}</arg_key:6124c78e><arg_value:6124c78e>{arg-value-2}</arg_value:6124c78e>"
           "...</tool_call:6124c78e>\nAt the end of function call returns, you should print </tool_calls:6124c78e>"),
    results=("<tool_responses:6124c78e>", RESULTS, "</tool_responses:6124c78e>"),
    result=("<tool_response:6124c78e>", CONTENT, "</tool_response:6124c78e>"),
    reply_starts=(_4.reply_starts[0], When("no-thinking", "<think:6124c78e></think:6124c78e>", "<think:6124c78e>")),
))

CARDS = (
    Card(
        HY_3,
        title="Hy3",
        tier="full",
        why="several calls, reasoning that is kept while tools are used, and its makers' API and documents",
        verified="chat template, byte for byte, but for the closer of a conversation's last answer; two copies agree",
        models=("(?<![a-z])hy-?3(?![a-z0-9])",),
        evidence=("<tool_sep{}>", "<arg_key{}>", ":opensource"),
    ),
    Card(
        HY_3_PREVIEW,
        title="Hy3-preview",
        tier="full",
        why="several calls, with reasoning between them, and its makers' API and documents",
        verified="replies against vLLM's tests of its parsers; the prompt is Hy3's with the markers that are known of it, "
                 "not verified",
        models=("(?<![a-z])hy-?3-preview",),
        evidence=("<tool_sep>", "<arg_key>", "hy_Assistant"),
    ),
    Card(
        HY_4,
        title="Hy4-preview, Hy4, Hy4-Flash",
        tier="full",
        why="several calls, with reasoning between them, and its makers' API and documents",
        verified="replies against vLLM's parsers, its tests of them and its structural tags; the prompt is put together "
                 "from these and from Hy3's, not verified",
        models=("(?<![a-z])hy-?4(?![a-z0-9])",),
        evidence=("<arg_key{}>", "6124c78e"),
        unless=("<tool_sep{}>",),
    ),
)
