'''MiniMax-M3: tags within tags; MiniMax-M2, M2.5 and M2.7: one tag an argument; MiniMax-M1: JSON in tags.

Sources: chat_template of MiniMaxAI/MiniMax-M2 (sha256 55beae30; llama.cpp's copy differs in an error message), of M2.5
(2acb65a5) and M2.7 (e604aa54), which differ in the name they give themselves, of MiniMax-M1 (e1790d8f, two copies), and of
MiniMaxAI/MiniMax-M3 (11421244, llama.cpp's copy).

    <minimax:tool_call>
    <invoke name="get_weather">
    <parameter name="city">Paris</parameter>
    </invoke>
    </minimax:tool_call>[e~[

    <tool_calls>
    {"name": "get_weather", "arguments": {"city": "Paris"}}
    </tool_calls><end_of_sentence>

    <mm:think>I should look.</mm:think>]<]minimax[>[<tool_call>
    ]<]minimax[>[<invoke name="get_weather">]<]minimax[>[<city>Paris]<]minimax[>[</city>]<]minimax[>[</invoke>
    ]<]minimax[>[</tool_call>[e~[

Ugly and true: M2's prompts end with <think>, so that replies begin inside the reasoning; before past calls stands a line
break even where nothing stands above them. M1's history keeps neither reasoning nor words beside calls, and results say
nothing of the call that they answer. M3 decides itself whether to think unless it is told; a turn that tells of no
reasoning begins with </mm:think>, in history and often in replies. Its template has two system messages, the maker's and
the caller's; it leaves out arguments that are null, which are written here, and a later system message, which is told
here; and it takes what stands before </mm:think> in an answer for reasoning.
'''

from __future__ import annotations

from dataclasses import replace

from ..card import Card
from ..spec import (
    CALLS,
    CONTENT,
    FUNCTION,
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
    Either,
    Json,
    Object,
    Tagged,
    Turns,
    When,
)

_M2 = Turns(
    start=("]~!b[",),
    system=("]~b]system\n", CONTENT, TOOLS, "[e~[\n"),
    default_system=("You are a helpful assistant.",),
    empty_system=False,
    user=("]~b]user\n", CONTENT, "[e~[\n"),
    assistant=("]~b]ai\n", REPLY, "[e~[\n"),
    beside_calls=(TEXT, "\n"),
    results=("]~b]tool", RESULTS, "[e~[\n"),
    result=("\n<response>", CONTENT, "</response>"),
    reply_starts=("]~b]ai\n", "<think>\n"),
    tools=("\n\n# Tools\nYou may call one or more tools to assist with the user query.\n"
           "Here are the tools available in JSONSchema format:\n\n<tools>\n", LIST, "\n</tools>\n\n"
           "When making tool calls, use XML format to invoke tools and pass parameters:\n\n<minimax:tool_call>\n"
           '<invoke name="tool-name-1">\n<parameter name="param-key-1">param-value-1</parameter>\n'
           '<parameter name="param-key-2">param-value-2</parameter>\n...\n</invoke>\n</minimax:tool_call>'),
    tool=("<tool>", FUNCTION, "</tool>"),
)

MINIMAX_M2 = Dialect(
    "minimax-m2",
    calls=Calls(('<invoke name="', NAME, '">\n', Tagged(('<parameter name="', KEY, '">', VALUE, "</parameter>\n")),
                 "</invoke>"),
                around=("<minimax:tool_call>\n", CALLS, "\n</minimax:tool_call>"), between="\n", gap="\n"),
    reasoning=("<think>\n", TEXT, "\n</think>\n\n"),
    call_ends_reasoning=True,
    stop=("[e~[",),
    special=frozenset({"]~!b[", "]~b]", "[e~[", "<minimax:tool_call>", "</minimax:tool_call>", "<think>", "</think>"}),
    turns=_M2,
)


def _named(version: str) -> Dialect:
    name = f"You are a helpful assistant. Your name is MiniMax-{version} and is built by MiniMax."
    return replace(MINIMAX_M2, name=f"minimax-{version.lower()}", turns=replace(_M2, default_system=(name,)))


MINIMAX_M2_5, MINIMAX_M2_7 = _named("M2.5"), _named("M2.7")

_M1 = Turns(
    start=("<begin_of_document>",),
    system=("<beginning_of_sentence>system ai_setting=assistant\n", CONTENT, "<end_of_sentence>\n", TOOLS),
    default_system=("You are a helpful assistant created by Minimax based on MiniMax-M1 model.",),
    user=("<beginning_of_sentence>user name=user\n", CONTENT, "<end_of_sentence>\n"),
    assistant=("<beginning_of_sentence>ai name=assistant\n", REPLY, "<end_of_sentence>\n"),
    results=(RESULTS,),
    result=("<beginning_of_sentence>tool name=tools\ntool result: ", CONTENT, "\n\n<end_of_sentence>\n"),
    reply_starts=("<beginning_of_sentence>ai name=assistant\n",),
    tools=("<beginning_of_sentence>system tool_setting=tools\nYou are provided with these tools:\n<tools>\n", LIST,
           "\n</tools>\n\nIf you need to call tools, please respond with <tool_calls></tool_calls> XML tags, and provide "
           "tool-name and json-object of arguments, following the format below:\n<tool_calls>\n"
           '{"name": <tool-name>, "arguments": <args-json-object>}\n...\n</tool_calls><end_of_sentence>\n'),
    trim=frozenset({"system", "user", "assistant"}),
    content_with_calls="dropped",
    reasoning="none",
)

MINIMAX_M1 = Dialect(
    "minimax-m1",
    calls=Calls((Object({"name": NAME, "arguments": Json()}, also={"parameters": Json()}),),
                around=("<tool_calls>\n", CALLS, "\n</tool_calls>"), between="\n", gap="\n"),
    reasoning=("<think>\n", TEXT, "\n</think>\n\n"),
    stop=("<end_of_sentence>",),
    special=frozenset({"<begin_of_document>", "<beginning_of_sentence>", "<end_of_sentence>"}),
    turns=_M1,
    repaired=replace(_M1, content_with_calls="kept"),
)

_NS = "]<]minimax[>["

_M3 = Turns(
    start=("]~!b[]~b]system\nYour model version is MiniMax-M3, developed by MiniMax. Knowledge cutoff: January 2026. "
           "Founded in early 2022, MiniMax is a global AI foundation model company committed to advancing the frontiers of "
           "AI towards AGI.\n\n<thinking_instructions>\nYou have a thinking capability that allows you to reason step by "
           "step before responding. When thinking is enabled, wrap your reasoning in <mm:think></mm:think> tags before "
           "your response. When thinking is disabled, begin your response directly after the </mm:think> prefix. When "
           "thinking is adaptive, decide on your own whether to think for the current turn.\nCurrent thinking mode: ",
           When("unasked", "adaptive. You are encouraged to think for complex decision-making, multi-step reasoning, or "
                           "when analyzing function/tool results."),
           When("thinking", "enabled. You MUST think step by step before every response, including after receiving "
                            "function/tool results."),
           When("no-thinking", "disabled. Do not output any thinking process."),
           "\n</thinking_instructions>[e~[\n"),
    system=("]~b]developer\n", CONTENT, TOOLS, "[e~[\n"),
    default_system=("You are a helpful assistant.",),
    empty_system=False,
    user=("]~b]user\n", CONTENT, "[e~[\n"),
    assistant=("]~b]ai\n", REPLY, "[e~[\n"),
    results=("]~b]tool", RESULTS, "[e~[\n"),
    result=("\n<response>", CONTENT, "</response>"),
    reply_starts=("]~b]ai\n", When("thinking", "<mm:think>"), When("no-thinking", "</mm:think>")),
    tools=("\n\n# Tools\nYou may call one or more tools to assist with the user query.\n"
           "Here are the tools available in JSONSchema format:\n\n<tools>\n", LIST, "\n</tools>\n\n"
           f"To call tools, wrap all invocations in a single {_NS}<tool_call>{_NS}</tool_call> block. Parameter values "
           "containing nested objects or arrays are recursively expanded into XML elements. Example:\n\n"
           f'{_NS}<tool_call>\n{_NS}<invoke name="tool-name-1">{_NS}<param-1>value-1{_NS}</param-1>{_NS}<param-2>'
           f"{_NS}<item>{_NS}<key-a>val-a{_NS}</key-a>{_NS}<key-b>val-b{_NS}</key-b>{_NS}</item>{_NS}</param-2>"
           f'{_NS}</invoke>\n{_NS}<invoke name="tool-name-2">{_NS}<param-1>value-1{_NS}</param-1>{_NS}</invoke>\n'
           f"{_NS}</tool_call>"),
    tool=("<tool>", FUNCTION, "</tool>"),
    reasoning="all",
    no_reasoning=("</mm:think>",),
)

_M3_CALL = (NAME, Either('">', "'>", ">"),
            Tagged((f"{_NS}<", KEY, ">", VALUE, f"{_NS}</", KEY, ">"), nested="item"), f"{_NS}</invoke>")

MINIMAX_M3 = Dialect(
    "minimax-m3",
    calls=Calls((Either(f'{_NS}<invoke name="', f"{_NS}<invoke name='", f"{_NS}<invoke name="), *_M3_CALL),
                around=(f"{_NS}<tool_call>\n", CALLS, f"\n{_NS}</tool_call>"), between="\n"),
    accept=(Calls((f'<tool_call>\n{_NS}<invoke name="', *_M3_CALL), between="\n"),),
    reasoning=("<mm:think>", TEXT, "</mm:think>"),
    call_ends_reasoning=True,
    stop=("[e~[",),
    noise=("</mm:think>", f"{_NS}</tool_call>"),
    special=frozenset({"]~!b[", "]~b]", "[e~[", _NS, "<mm:think>", "</mm:think>"}),
    turns=_M3,
)

_WHY = "several calls, reasoning that is kept while tools are used, and its makers' API and documents"
_DIFFERS = (
    "A turn of calls that says nothing at all (null) is told so; the template writes None.",
    "A later system message is told where it stands; the template drops it.",
    "Words that hold </think> stay whole; the template takes what stands before it for reasoning.",
)
_EVIDENCE = ("<minimax:tool_call>", "]~b]", "<invoke name=")

CARDS = (
    Card(
        MINIMAX_M3,
        title="MiniMax-M3",
        tier="full",
        why=_WHY,
        verified="one copy of its chat template, byte for byte",
        models=("minimax-m3",),
        ollama=("minimax-m3",),
        gguf=("minimax-m3",),
        evidence=("]<]minimax[>[", "<mm:think>", "<invoke name="),
    ),
    Card(
        MINIMAX_M2,
        title="MiniMax-M2 and M2.1",
        tier="full",
        why=_WHY,
        verified="chat template, byte for byte; two copies agree",
        models=("minimax-m2(\\.1)?",),
        evidence=_EVIDENCE,
        unless=("Your name is MiniMax-M2",),
        differs=_DIFFERS,
    ),
    Card(
        MINIMAX_M2_5,
        title="MiniMax-M2.5",
        tier="full",
        why=_WHY,
        verified="chat template, byte for byte",
        models=("minimax-m2\\.5",),
        evidence=(*_EVIDENCE, "Your name is MiniMax-M2.5"),
        differs=_DIFFERS,
    ),
    Card(
        MINIMAX_M2_7,
        title="MiniMax-M2.7",
        tier="full",
        why=_WHY,
        verified="chat template, byte for byte",
        models=("minimax-m2\\.7",),
        evidence=(*_EVIDENCE, "Your name is MiniMax-M2.7"),
        differs=_DIFFERS,
    ),
    Card(
        MINIMAX_M1,
        title="MiniMax-M1",
        tier="multi",
        why="trained to make several calls; its makers' documents speak of them",
        verified="chat template, byte for byte; two copies agree",
        models=("minimax-m1(-[48]0k)?",),
        evidence=("<tool_calls>", "ai_setting=assistant", "tool result: "),
        differs=(
            "An empty system message is an empty turn; the template leaves it out.",
            "A later system message is told where it stands; the template drops it.",
            "Repaired, words beside past calls are kept; the template drops them.",
        ),
    ),
)
