"""ChatML, the frame that many families share: only the words between the markers differ."""

from __future__ import annotations

from ..spec import CONTENT, LIST, REPLY, RESULTS, TOOLS, Turns, When

SYSTEM = ("<|im_start|>system\n", CONTENT, "<|im_end|>\n")
TOOL_RESPONSE = ("<tool_response>\n", CONTENT, "\n</tool_response>")

CHATML = Turns(
    system=("<|im_start|>system\n", CONTENT, When("both", "\n\n"), TOOLS, "<|im_end|>\n"),
    later_system=SYSTEM,
    user=("<|im_start|>user\n", CONTENT, "<|im_end|>\n"),
    assistant=("<|im_start|>assistant\n", REPLY, "<|im_end|>\n"),
    results=("<|im_start|>user\n", RESULTS, "<|im_end|>\n"),
    result=TOOL_RESPONSE,
    result_between="\n",
    reply_starts=("<|im_start|>assistant\n",),
)

# Qwen2.5 wrote this section first; Qwen3 and many others took it over word for word.
QWEN_TOOLS = (
    "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
    "You are provided with function signatures within <tools></tools> XML tags:\n<tools>\n", LIST,
    "\n</tools>\n\nFor each function call, return a json object with function name and arguments within "
    "<tool_call></tool_call> XML tags:\n<tool_call>\n"
    '{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>')
