"""FunctionGemma's prompts: its chat template is not among the published ones here, so the shapes are pinned by hand.

After the whole sequence that ai.google.dev, gemma/docs/functiongemma/formatting-and-best-practices, prints.
"""

from __future__ import annotations

from typing import Any

import vectors
from toolglot import model

TOOLS = [vectors.tools()["get_time"].raw, vectors.tools()["now"].raw]
CALL = {"id": "a", "type": "function", "function": {"name": "get_time", "arguments": {"zone": "UTC"}}}
TALK: list[dict[str, Any]] = [
    {"role": "user", "content": "What time is it?"}, {"role": "assistant", "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "a", "content": "noon"}, {"role": "assistant", "content": "It is noon."}]
TOLD = ("<bos><start_of_turn>developer\nYou are a model that can do function calling with the following functions"
        "<start_function_declaration>declaration:get_time{description:<escape>What time it is in a zone.<escape>,"
        "parameters:{properties:{zone:{description:<escape><escape>,type:<escape>STRING<escape>}},"
        "required:[<escape>zone<escape>],type:<escape>OBJECT<escape>}}<end_function_declaration>"
        "<start_function_declaration>declaration:now{description:<escape>What time it is here.<escape>,"
        "parameters:{type:<escape>OBJECT<escape>}}<end_function_declaration><end_of_turn>\n"
        "<start_of_turn>user\nWhat time is it?<end_of_turn>\n<start_of_turn>model\n")
CALLED = ("<start_function_call>call:get_time{zone:<escape>UTC<escape>}<end_function_call>"
          "<start_function_response>response:get_time{value:<escape>noon<escape>}<end_function_response>")


def test_a_conversation_is_one_turn_from_the_call_to_the_answer() -> None:
    m = model("functiongemma")
    assert str(m.prompt(TALK[:1], TOOLS)) == TOLD
    assert str(m.prompt(TALK[:3], TOOLS)) == TOLD + CALLED
    assert str(m.prompt(TALK, TOOLS, reply_starts=False)) == TOLD + CALLED + "It is noon.<end_of_turn>\n"


def test_the_token_that_opens_the_first_result_is_the_model_s_to_write() -> None:
    pieces = model("functiongemma").prompt(TALK, TOOLS, reply_starts=False).pieces
    written = "".join(p.text for p in pieces if p.trained)
    assert written == ("<start_function_call>call:get_time{zone:<escape>UTC<escape>}<end_function_call>"
                       "<start_function_response>It is noon.<end_of_turn>")
