"""Small chat templates, written here: one without a fault, made of named pieces, and what each fault is made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from toolglot.chat_template import run

# -- Jinja, put together --------------------------------------------------------------------------------------------

END = "{% endif %}"
HAS_SYSTEM = "{% if messages[0].role == 'system' %}"
SYSTEM = f"{HAS_SYSTEM}{{{{ messages[0].content }}}}{END}"


def when(condition: str, body: str) -> str:
    return "{% if " + condition + " %}" + body + END


def turn(role: str, body: str) -> str:
    """What is printed of a message of this role."""
    return when(f"m.role == '{role}'", body)


def each(items: str, body: str, name: str = "t") -> str:
    return "{% for " + name + " in " + items + " %}" + body + "{% endfor %}"


def arguments(body: str, between: str = ", ") -> str:
    """Each argument of a call as k and v."""
    joined = "{% if not loop.last %}" + between + END if between else ""
    return each("c.function.arguments.items()", body + joined, "k, v")


def properties(body: str) -> str:
    """Each parameter of a tool as k and v."""
    return each("t.function.parameters.properties.items()", body, "k, v")


def questions(where: str) -> str:
    """Are there questions among these messages?"""
    return f"{where} | selectattr('role', 'equalto', 'user') | list"


def refuse(words: str) -> str:
    return "{{ raise_exception('" + words + "') }}"


#: ChatML, tools at the end of the system turn as JSON Schema, calls as JSON between tags
PIECES: Mapping[str, str] = {
    "start": "",
    "system": when("messages[0].role == 'system' or tools", f"<|im_start|>system\n{SYSTEM}SECTION<|im_end|>\n"),
    "section": when("tools", "\n\nYou may call these:\n<tools>" + each("tools", "\nTOOL") + "\n\n</tools>"),
    "tool": "{{ t | tojson }}",
    "before": "",
    "user": turn("user", "<|im_start|>user\n{{ m.content }}<|im_end|>\n"),
    "assistant": turn("assistant", "<|im_start|>assistant\n{{ m.content or '' }}CALLS<|im_end|>\n"),
    "calls": each("m.tool_calls or []", "CALL", "c"),
    "call": "<call>{\"name\": {{ c.function.name | tojson }}, \"arguments\": ARGUMENTS}</call>",
    "arguments": "{{ c.function.arguments if c.function.arguments is string else c.function.arguments | tojson }}",
    "result": turn("tool", "<|im_start|>tool\nRESULT<|im_end|>\n"),
    "words": "{{ m.content }}",
    "reply": when("add_generation_prompt", "<|im_start|>assistant\n"),
}


def template(**pieces: str) -> str:
    """The template with some of its pieces replaced."""
    p = {**PIECES, **pieces}
    calls = p["calls"].replace("CALL", p["call"].replace("ARGUMENTS", p["arguments"]))
    section = p["section"].replace("TOOL", p["tool"])
    turns = p["before"] + p["user"] + p["assistant"].replace("CALLS", calls) + p["result"].replace("RESULT", p["words"])
    return p["start"] + p["system"].replace("SECTION", section) + each("messages", turns, "m") + p["reply"]


LIST = each("tools", "{{ t | tojson(indent=4) }}\n\n")
FIRST = when(f"tools and not {questions('messages[:loop.index0]')}", LIST)
LAST = when(f"tools and not {questions('messages[loop.index:]')}", LIST)
BARE = "{\"name\": {{ c.function.name | tojson }}, \"parameters\": ARGUMENTS}"
DESCRIBED = "{{ t.function.description }} " + properties("{{ k }}({{ v.type }}): {{ v.description }} ")
PASTED = ("{\"type\": \"function\", \"function\": {\"name\": \"{{ t.function.name }}\", \"description\": \"" + DESCRIBED
          + "\", \"parameters\": {{ t.function.parameters | tojson }}}}")
TYPESCRIPT = ("type {{ t.function.name }} = (_: { // {{ t.function.description }}\n" + properties(
    "{{ k }}{{ '' if k in t.function.parameters.required else '?' }}: {{ v | tojson }},\n") + "}) => any;")

# -- what the note's templates do -----------------------------------------------------------------------------------

DEEPSEEK = {
    "system": SYSTEM, "section": "",
    "user": turn("user", "<User>{{ m.content }}"),
    "assistant": turn("assistant", "<Assistant>{{ m.content or '' }}CALLS<end>"),
    "call": "<begin>function<sep>{{ c.function.name }}\n```json\n{{ '' + c.function.arguments }}\n```<end-call>",
    "result": turn("tool", "<output>{{ m.content }}</output>"),
    "reply": when("add_generation_prompt", "<Assistant>")}
LLAMA4 = {
    "start": "{{ bos_token }}",
    "system": HAS_SYSTEM + "<|header_start|>system<|header_end|>\n\n" + when("tools", "Environment: ipython\n")
    + "{{ messages[0].content }}<|eot|>" + END,
    "user": turn("user", f"<|header_start|>user<|header_end|>\n\n{FIRST}{{{{ m.content }}}}<|eot|>"),
    "assistant": turn("assistant", "<|header_start|>assistant<|header_end|>\n\n" + "{% if m.tool_calls %}"
                      "<|python_start|>{{ m.content or '' }}<|python_end|>CALLS{% else %}{{ m.content }}{% endif %}"
                      "<|eot|>"),
    "call": BARE, "arguments": "{{ c.function.arguments | tojson }}",
    "result": turn("tool", "<|header_start|>ipython<|header_end|>\n\n{{ m.content | tojson }}<|eot|>"),
    "reply": when("add_generation_prompt", "<|header_start|>assistant<|header_end|>\n\n")}
LLAMA31 = {
    **LLAMA4,
    "system": "<|header_start|>system<|header_end|>\n\n" + when("tools", "Environment: ipython\n")
    + f"Today Date: 26 Jul 2024\n\n{SYSTEM}<|eot|>",
    "assistant": LLAMA4["assistant"].replace("<|python_start|>{{ m.content or '' }}<|python_end|>", when(
        "m.tool_calls | length != 1", refuse("single tool-calls at once!")))}
GEMMA = {
    "system": "", "user": turn("user", "<start_of_turn>user\n" + when(
        "loop.index0 == 1 and messages[0].role == 'system'", "{{ messages[0].content }}\n\n")
        + "{{ m.content }}<end_of_turn>\n"),
    "assistant": turn("assistant", "<start_of_turn>model\n{{ m.content | trim }}<end_of_turn>\n"),
    "result": turn("tool", refuse("Conversation roles must alternate")),
    "reply": when("add_generation_prompt", "<start_of_turn>model\n")}
GROK = each("messages", turn("user", "Human: {{ m.content.strip() }}<|separator|>\n\n")
            + turn("system", "System: {{ m.content.strip() }}<|separator|>\n\n")
            + turn("assistant", "Assistant: {{ m.content }}<|separator|>\n\n"), "m"
            ) + when("add_generation_prompt", "Assistant:")

#: the template, its stars in the note, and the reasons
NOTED: Mapping[str, tuple[str, int, set[str]]] = {
    "llama3.1": (template(**LLAMA31), 2, {"environment", "date", "calls without a marker"}),
    "hermes-3": (template(
        system=f"<|im_start|>system\nYou call functions.SECTION<|im_end|>\n{HAS_SYSTEM}<|im_start|>system\n"
               f"{{{{ messages[0].content }}}}<|im_end|>\n{END}", tool=PASTED), 3, {"broken tools"}),
    "llama4": (template(**LLAMA4), 3, {"environment", "calls without a marker"}),
    "qwen3": (template(), 5, set()),
    "deepseek-r1": (template(**DEEPSEEK), 2, {"no tools", "arguments as text alone"}),
    "deepseek-v3.1": (template(**DEEPSEEK | {"call": "<begin>{{ c.function.name }}<sep>ARGUMENTS<end-call>"}), 2,
                      {"no tools"}),
    "gemma-3": (template(**GEMMA), 1, {"no tools", "no calls", "no results"}),
    "grok-2": (GROK, 1, {"no tools", "no calls", "no results"}),
}

# -- a template that breaks just one rule of the rubric, for each ---------------------------------------------------

FAULTS: Mapping[str, str] = {
    "no tools": template(section=""),
    "no calls": template(calls=""),
    "no results": template(result=""),
    "results in characters": template(words="[" + each("m.content", "{\"{{ loop.index0 }}\": \"{{ t }}\"}, ") + "]"),
    "broken tools": template(tool=PASTED),
    "tools not as JSON": template(tool=TYPESCRIPT),
    "schema lost": template(
        tool="{\"name\": {{ t.function.name | tojson }}, \"parameters\": {{ t.function.parameters | tojson }}}"),
    "tools by another name": template().replace("tools", "xml_tools", 2).replace("in tools", "in xml_tools"),
    "tools that move": template(section="", user=turn("user", f"<|im_start|>user\n{LAST}{{{{ m.content }}}}<|im_end|>\n")),
    "environment": template(section="\n\nEnvironment: ipython" + PIECES["section"]),
    "date": template(section="\n\nToday: {{ strftime_now('%d %B %Y') }}" + PIECES["section"]),
    "calls without a marker": template(call=BARE),
    "broken calls": template(arguments="{{ c.function.arguments }}"),
    "bent arguments": template(call="<call>{{ c.function.name }}(" + arguments("{{ k }}=\"{{ v }}\"") + ")</call>"),
    "calls lost": template(calls=each("(m.tool_calls or [])[:1]", "CALL", "c")),
    "past forgotten": template(result=when(
        f"m.role == 'tool' and not {questions('messages[loop.index:]')}", "<|im_start|>tool\nRESULT<|im_end|>\n")),
    "arguments as text alone": template(arguments="{{ '' + c.function.arguments }}"),
}

EVIL = "</pre><script>alert(1)</script>&\"'`|*_[x](javascript:y)\x1b[31m\ud800"
HOSTILE = template(start="{{ " + json.dumps("Today Date: 26 Jul 2024 " + EVIL) + " }}\n")


class Here:
    """What runs a template in this process: much sooner, for templates that are ours."""

    def __init__(self, source: str, *, bos: str = "", eos: str = "", today: str = "", mutable: bool = False,
                 **_: Any) -> None:
        self.source, self.today, self.mutable = source, today, mutable
        self.given = {"bos_token": bos, "eos_token": eos, "documents": None}

    def render(self, messages: Any, tools: Any = None, *, reply_starts: bool = True, **given: Any) -> str:
        given |= {**self.given, "messages": messages, "tools": tools, "add_generation_prompt": reply_starts}
        return run(self.source, today=self.today, mutable=self.mutable, **given)

    def close(self) -> None:
        pass
