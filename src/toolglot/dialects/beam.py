'''Beam (Reflection AI): gpt-oss's channels, with arguments in tags.

Sources, for replies: the response template in sglang/srt/parser/beam.py of SGLang 0.5.23, and vllm/parser/beam.py of vLLM
0.33.

    <|start|>assistant<|channel|>analysis<|message|>I should look.<|end|><|start|>assistant to=get_weather\
<|channel|>analysis <|constrain|>xml<|message|><rfl:parameter name="city">
    Paris
    </rfl:parameter><|call|>

Ugly and true: calls stand in the channel of the reasoning. The last call ends with <|call|>, those before it may end with
<|end|>: both are read. No prompt of Beam's was at hand. These are of the frame that its replies are in, with tools as JSON
in the system message and results as messages of the role tool: the model was not trained on them.
'''

from __future__ import annotations

from ..card import Card
from ..spec import (
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
    Tagged,
    Turns,
    When,
)

_HEADER = "<|start|>assistant"
_CALL = (f"{_HEADER} to=", NAME, "<|channel|>analysis <|constrain|>xml<|message|>",
         Tagged(('<rfl:parameter name="', KEY, '">\n', VALUE, "\n</rfl:parameter>")))

BEAM = Dialect(
    "beam",
    calls=Calls((*_CALL, Either("<|call|>", "<|end|>"))),
    content=(f"{_HEADER}<|channel|>final<|message|>", TEXT, "<|end|>"),
    reasoning=(f"{_HEADER}<|channel|>analysis<|message|>", TEXT, "<|end|>"),
    stop=("<|return|>",),
    special=frozenset({"<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|constrain|>", "<|return|>", "<|call|>"}),
    turns=Turns(
        system=("<|start|>system<|message|>", CONTENT, When("both", "\n\n"), TOOLS, "<|end|>"),
        later_system=("<|start|>system<|message|>", CONTENT, "<|end|>"),
        user=("<|start|>user<|message|>", CONTENT, "<|end|>"),
        assistant=(REPLY,),
        results=(RESULTS,),
        result=("<|start|>tool<|message|>", CONTENT, "<|end|>"),
        reply_starts=("", _HEADER),
        tools=("# Tools\n\nA call is addressed to the function, with each argument in a tag:\n"
               '<rfl:parameter name="example_parameter">\nvalue\n</rfl:parameter>\n\n', LIST),
        tool=(FUNCTION,),
        final_closer="<|return|>",
    ),
)

CARDS = (
    Card(
        BEAM,
        title="Beam",
        tier="multi",
        why="its makers' response template, which engines carry, has room for several calls",
        verified="that response template for replies; its prompts are not verified, no template of them being at hand",
        models=("\\Abeam",),
        evidence=("<rfl:parameter", "<|channel|>"),
    ),
)
