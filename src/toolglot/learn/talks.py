"""Generated conversations to try a chat template and a learned dialect on, and limits to what they hold.

The one rule: the same number gives the same conversation, always and everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

Message = dict[str, Any]
Tool = dict[str, Any]


@dataclass(frozen=True)
class Talk:
    """One conversation, in OpenAI's shape but for arguments, which are dicts."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    starts: bool = True                              # does the prompt end where a reply begins


@dataclass(frozen=True)
class Limits:
    """What a chat template can be asked: the conversations that hold nothing else.

    `args`: what the arguments of calls may be. `silence`: what the content of a message with calls may be where it has
    no words. `ends`: what the last message is: a question, a result, or an answer.
    """

    system: str = "some"                             # some, none, always
    parallel: bool = True                            # several calls a turn
    beside: bool = True                              # words beside calls
    silence: tuple[str | None, ...] = ("", None)
    reasoning: bool = True
    trimmed: bool = False                            # no white space around the words
    nonempty: bool = False                           # no message of nothing, or of white space alone
    avoid: tuple[str, ...] = ()                      # what no words contain
    ends: tuple[str, ...] = ("user", "tool", "assistant")
    args: str = "any"                                # any, scalars, no strings, strings, plain strings, one, none
    min_tools: int = 0
    once: bool = False                               # no question is asked twice
    starts: bool = False                             # a prompt ends where a reply begins
    steps: int = 9                                   # messages with calls
    plain_tools: bool = False                        # no tool has parameters within parameters, or odd words


ANY = Limits()
_WORDS = (
    "What is the weather in Paris?", "22.0", '{"temp": 22.0, "unit": "°C"}', "[1, 2]", "null", "true", "天気はどう？🌧️",
    "Grüße aus Köln", 'He said "it\'s fine" \\o/', "a < b && c > d", "<b>bold</b>", "two\nlines", "plain", "ok",
    "{{ braces }} {% tag %}", "```json\n{}\n```", "line\u2028separator", "0", "One. Two.\n\nThree.")
_LOOSE = ("\n\tindented\n", " spaces ", "  lead", "trail\n\n", "\nx", " ", "\n", "\x85odd\u00a0")
_MARKUP = ("<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<|im_end|>",
           "<|eot_id|>", "[TOOL_CALLS]", "[/INST]", "</s>", "<|end|>", "<function=f>", "</parameter>", "/no_think",
           "/think", "<think>a</think>b")
_NAMES = ("get_weather", "sendEmail", "search-flights", "convert2", "lookup", "a")
_KEYS = ("city", "unit", "days", "q", "max_results", "startDate", "options", "tags", "from", "items", "type", "名")
_PLAIN_KEYS = _KEYS[:6]
_ENUMS = (("celsius", "fahrenheit"), ("a",), ("größer", 'q"uote', "<x>", "z"))
_NUMBERS = (22.0, 0.5, -1.25e-07, 1e22, -0.0, 3, -2)


def talks(count: int, seed: int = 0, limits: Limits = ANY) -> list[Talk]:
    """So many conversations of the limits' kind."""
    return [talk(Random(f"{seed}.{n}"), limits) for n in range(count)]


def talk(chance: Random, limits: Limits = ANY) -> Talk:
    """A conversation: up to three times a question, up to two times calls and their results, an answer."""
    while True:
        made = _Made(chance, limits)
        one = made.talk()
        if fits(one, limits):
            return one


class _Made:
    """A conversation while it is being made."""

    def __init__(self, chance: Random, limits: Limits) -> None:
        self.chance, self.limits, self.calls = chance, limits, 0
        self.odd = chance.random() < 0.6             # else its words are plain: what else is wrong shows better
        self.messages: list[Message] = []

    def talk(self) -> Talk:
        chance, limits = self.chance, self.limits
        tools = tuple(self.tools(max(limits.min_tools, chance.choice((0, 1, 1, 2, 3)))))
        end = chance.choice([e for e in limits.ends if tools or e != "tool"] or ["user"])
        if limits.system == "always" or (limits.system == "some" and chance.random() < 0.5):
            self.messages.append({"role": "system", "content": self.words()})
        rounds = chance.choice((1, 1, 2, 3))
        for left in reversed(range(rounds)):
            self.round(tools, "assistant" if left else end)
        return Talk(tuple(self.messages), tools, self.limits.starts or chance.random() < 0.6)

    def round(self, tools: Sequence[Tool], end: str) -> None:
        chance = self.chance
        self.messages.append({"role": "user", "content": self.words()})
        if end == "user":
            return
        for _ in range(chance.randint(end == "tool", 2) if tools else 0):
            count = chance.choice((1, 1, 2, 3)) if self.limits.parallel else 1
            calls = [self.call(chance.choice(tools)) for _ in range(count)]
            beside = self.limits.beside and chance.random() < 0.5
            content = self.words() if beside else chance.choice(self.limits.silence)
            self.messages.append({**self.assistant(content), "tool_calls": calls})
            self.messages += [{"role": "tool", "tool_call_id": c["id"], "name": c["function"]["name"],
                               "content": self.words()} for c in calls]
        if end == "assistant":
            self.messages.append(self.assistant(self.words()))

    def assistant(self, content: str | None) -> Message:
        message: Message = {"role": "assistant", "content": content}
        if self.limits.reasoning and self.chance.random() < 0.4:
            message["reasoning_content"] = self.words()
        return message

    def words(self) -> str:
        limits = self.limits
        while True:
            text = self.text()
            text = text.strip() if limits.trimmed else text
            text = "ok" if limits.nonempty and not text.strip() else text
            if not any(a in text for a in limits.avoid):
                return text

    def text(self) -> str:
        chance = self.chance
        which = chance.random() if self.odd else 1.0
        if which < 0.12:
            return ""
        if which < 0.3:
            return chance.choice(_LOOSE)
        if which < 0.45:
            return "".join([chance.choice((*_MARKUP, " ", "\n", "words")) for _ in range(chance.randint(1, 3))])
        if which < 0.55:
            return "".join([chance.choice("abz019 \n\t\"'\\{}<>[]&%é名🌧,.:;") for _ in range(chance.randint(1, 8))])
        return chance.choice(_WORDS)

    # -- calls and tools

    def call(self, tool: Tool) -> dict[str, Any]:
        self.calls += 1
        function = tool["function"]
        return {"id": f"call{self.calls - 1:05d}", "type": "function", "function": {
            "name": function["name"], "arguments": self.arguments(function["parameters"])}}

    def arguments(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        chance = self.chance
        if self.limits.args == "any":
            return self.valid(schema)
        keys, values = _ARGS[self.limits.args]
        most = 1 if self.limits.args == "one" else len(keys)
        return {k: chance.choice(values) for k in chance.sample(keys, chance.randint(0, most))}

    def valid(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        return {k: self.value(v) for k, v in schema.get("properties", {}).items()
                if k in schema.get("required", ()) or self.chance.random() < 0.5}

    def value(self, schema: Mapping[str, Any]) -> Any:
        chance = self.chance
        if "enum" in schema:
            return chance.choice(schema["enum"])
        match schema["type"]:
            case "object":
                return self.valid(schema)
            case "array":
                return [self.value(schema["items"]) for _ in range(chance.randint(0, 2))]
            case "integer":
                return chance.choice((0, 1, -20, 7, 2**53 + 1))
            case "number":
                return chance.choice(_NUMBERS)
            case "boolean":
                return chance.random() < 0.5
        return self.loose()

    def loose(self) -> str:
        """Words that no limit but `avoid` holds for."""
        text = self.text()
        while any(a in text for a in self.limits.avoid):
            text = self.text()
        return text

    def tools(self, count: int) -> Iterator[Tool]:
        plain = self.limits.plain_tools or not self.odd
        for name in self.chance.sample(_NAMES, count):
            yield {"type": "function", "function": {
                "name": name, "description": "Does it" if plain else self.loose(),
                "parameters": self.plain() if plain else self.object(2)}}

    def plain(self) -> dict[str, Any]:
        """A schema that holds nothing odd."""
        chance = self.chance
        keys = chance.sample(_PLAIN_KEYS, chance.randint(1, 3))
        kinds = ("string", "integer", "number", "boolean")
        return {"type": "object", "required": keys, "properties": {
            k: {"type": chance.choice(kinds), "description": "Some words"} for k in keys}}

    def object(self, depth: int) -> dict[str, Any]:
        chance = self.chance
        keys = chance.sample(_KEYS, chance.randint(0, 3))
        schema: dict[str, Any] = {"type": "object", "properties": {k: self.schema(depth) for k in keys}}
        required = [k for k in keys if chance.random() < 0.5]
        if required or chance.random() < 0.5:
            schema["required"] = required
        if chance.random() < 0.25:
            schema["additionalProperties"] = False
        return schema

    def schema(self, depth: int) -> dict[str, Any]:
        chance = self.chance
        kind = chance.choice(("string", "integer", "number", "boolean", "enum", *("array", "object") * (depth > 0)))
        schema: dict[str, Any] = {"type": kind}
        if kind == "array":
            schema["items"] = self.schema(depth - 1)
        elif kind == "object":
            schema = self.object(depth - 1)
        elif kind == "enum":
            schema = {"type": "string", "enum": list(chance.choice(_ENUMS))}
        if chance.random() < 0.75:
            schema["description"] = self.loose()
        if kind not in ("array", "object") and chance.random() < 0.25:
            schema["default"] = self.value(schema)
        return schema


_ARGS: dict[str, tuple[tuple[str, ...], tuple[Any, ...]]] = {
    "scalars": (("city", "days", "exact"), ("Paris", "a b", "9", 3, -9, True, False)),
    "no strings": (("days", "exact"), (3, -7, True, False, None, [1, 2], ["a", 2])),
    "strings": (("city", "unit"), ("Paris", "a b", "x\ny", "9")),
    "plain strings": (("city", "unit"), ("Paris", "a b", "9")),
    "one": (("city", "days"), ("Paris", "a b", 3, True)),
    "none": ((), (None,)),
}


# -- limits ----------------------------------------------------------------------------------------------------


def fits(talk: Talk, limits: Limits) -> bool:
    """Does a conversation hold nothing that the limits rule out? (Of `args`, it is asked for its kind alone.)"""
    messages = talk.messages
    system = bool(messages) and messages[0]["role"] == "system"
    if (limits.system == "none" and system) or (limits.system == "always" and not system):
        return False
    if len(talk.tools) < limits.min_tools or _end(messages) not in limits.ends:
        return False
    questions = [m["content"] for m in messages if m["role"] == "user"]
    if (limits.starts and not talk.starts) or sum("tool_calls" in m for m in messages) > limits.steps:
        return False
    if limits.plain_tools and not all(_is_plain(t) for t in talk.tools):
        return False
    if limits.once and len(set(questions)) < len(questions):
        return False
    if not _words_fit(talk, limits):
        return False
    return all(_turn_fits(m, limits) for m in messages if m["role"] == "assistant")


def _end(messages: Sequence[Message]) -> str:
    return str(messages[-1]["role"]) if messages else ""


def _turn_fits(message: Message, limits: Limits) -> bool:
    calls, content = message.get("tool_calls"), message["content"]
    if not limits.reasoning and "reasoning_content" in message:
        return False
    if not calls:
        return True
    if len(calls) > 1 and not limits.parallel:
        return False
    if not all(_args_fit(c["function"]["arguments"], limits.args) for c in calls):
        return False
    return content in limits.silence if not content else limits.beside


def _args_fit(given: Mapping[str, Any], kind: str) -> bool:
    values = list(given.values())
    match kind:
        case "any":
            return True
        case "none":
            return not given
        case "one":
            return len(given) < 2 and not any(isinstance(v, (list, dict)) for v in values)
        case "no strings":
            return not any(isinstance(v, str) for v in values)
        case "scalars":
            return not any(isinstance(v, (list, dict, float)) or v is None or (isinstance(v, str) and not _plain(v))
                           for v in values)
        case "strings":
            return all(isinstance(v, str) and all(_plain(line) for line in v.split("\n")) for v in values)
        case _:
            return all(isinstance(v, str) and _plain(v) for v in values)


def _plain(text: str) -> bool:
    return bool(text) and all(c.isalnum() or c == " " for c in text) and text == text.strip()


def _words_fit(talk: Talk, limits: Limits) -> bool:
    for m in talk.messages:
        words = [m["content"]] if m["content"] or not m.get("tool_calls") else []
        for text in [*words, *([m["reasoning_content"]] if "reasoning_content" in m else [])]:
            if (limits.trimmed and text != text.strip()) or (limits.nonempty and not text.strip()):
                return False
    return not limits.avoid or not any(a in text for a in limits.avoid for text in _texts((talk.messages, talk.tools)))


def _is_plain(tool: Tool) -> bool:
    function = tool["function"]
    inner = function["parameters"]["properties"].values()
    if not function["parameters"]["properties"].keys() <= set(_PLAIN_KEYS):
        return False
    if not inner or not all(set(v) <= {"type", "description"} and v["type"] not in ("array", "object") for v in inner):
        return False
    return all(_plain(t) for t in (function["description"], *(v.get("description", "x") for v in inner)))


def _texts(value: Any) -> Iterator[str]:
    """Every string in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for v in value.values():
            yield from _texts(v)
    elif isinstance(value, (list, tuple)):
        for v in value:
            yield from _texts(v)


def as_api(messages: Sequence[Message]) -> list[Message]:
    """The same messages with each call's arguments as JSON text, as OpenAI's API gives them."""
    def written(call: dict[str, Any]) -> dict[str, Any]:
        function = call["function"]
        return {**call, "function": {**function, "arguments": json.dumps(function["arguments"], ensure_ascii=False)}}

    return [{**m, "tool_calls": [written(c) for c in m["tool_calls"]]} if "tool_calls" in m else m for m in messages]
