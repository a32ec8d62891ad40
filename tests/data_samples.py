"""A small row or two of every shape, written for the tests; and what all of them say."""

from __future__ import annotations

import json
from typing import Any

CITY = {"type": "object", "properties": {"city": {"type": "string", "description": "where"}, "days": {"type": "integer"}},
        "required": ["city"]}
WEATHER = {"name": "get_weather", "description": "The weather of a city", "parameters": CITY}
NOW = {"name": "now", "description": "The time", "parameters": {"type": "object", "properties": {}}}
TYPED = [{"type": "function", "function": f} for f in (WEATHER, NOW)]
ASKED = {"city": "Saint-Jean-d'Acre", "days": 2}
QUESTION, ANSWER, SEEN = "How's the weather?", "It's sunny.", '{"sky": "clear"}'


def _openai() -> list[Any]:
    call = {"id": "call_0", "type": "function", "function": {"name": "get_weather", "arguments": json.dumps(ASKED)}}
    return [
        {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": QUESTION},
                      {"role": "assistant", "content": None, "tool_calls": [call]},
                      {"role": "tool", "tool_call_id": "call_0", "content": SEEN},
                      {"role": "assistant", "content": ANSWER, "weight": 0}],
         "tools": TYPED, "parallel_tool_calls": False},
        {"messages": [{"role": "user", "content": QUESTION},
                      {"role": "assistant", "function_call": {"name": "get_weather", "arguments": json.dumps(ASKED)}},
                      {"role": "function", "name": "get_weather", "content": SEEN},
                      {"role": "assistant", "content": ANSWER}], "functions": [WEATHER, NOW]},
        {"input": {"messages": [{"role": "user", "content": QUESTION}], "tools": TYPED},
         "preferred_output": [{"role": "assistant", "tool_calls": [call]}],
         "non_preferred_output": [{"role": "assistant", "content": "I do not know."}]},
    ]


def _sharegpt() -> list[Any]:
    turns = [{"from": "human", "value": QUESTION},
             {"from": "function_call", "value": json.dumps({"name": "get_weather", "arguments": ASKED})},
             {"from": "observation", "value": SEEN}, {"from": "gpt", "value": ANSWER}]
    return [{"conversations": turns, "tools": json.dumps([WEATHER, NOW]), "system": "Be kind."},
            {"conversations": turns, "tools": [WEATHER, NOW]},
            {"conversations": turns[:1], "chosen": turns[1], "rejected": {"from": "gpt", "value": "No."},
             "tools": json.dumps([WEATHER])}]


def _glaive() -> list[Any]:
    chat = (f"USER: {QUESTION}\n\n\nASSISTANT: <functioncall> "
            '{"name": "get_weather", "arguments": \'' + json.dumps(ASKED) + "'} <|endoftext|>\n\n\n"
            f"FUNCTION RESPONSE: {SEEN}\n\n\nASSISTANT: {ANSWER} <|endoftext|>\n\n\n")
    system = ("SYSTEM: You are a helpful assistant with access to the following functions. Use them if required -\n"
              + json.dumps(WEATHER, indent=4) + "\n\n" + json.dumps(NOW, indent=4) + "\n")
    plain = "SYSTEM: You are a helpful assistant, with no access to external functions."
    return [{"system": system, "chat": chat}, {"system": system, "chat": chat.replace("d'A", "d\\'A")},
            {"system": plain, "chat": f"USER: {QUESTION}\n\n\nASSISTANT: {ANSWER} <|endoftext|>\n\n\n"}]


def _hermes() -> list[Any]:
    call = {"arguments": ASKED, "name": "get_weather"}
    system = ("You are a function calling AI model. You are provided with function signatures within <tools> </tools> XML "
              f"tags. Here are the tools: <tools> {json.dumps(TYPED)} </tools> Answer with <tool_call> tags.")
    turns = [{"from": "system", "value": system}, {"from": "human", "value": QUESTION},
             {"from": "gpt", "value": f"<tool_call>\n{call!r}\n</tool_call>"},
             {"from": "tool", "value": f"<tool_response>\n{SEEN}\n</tool_response>"}, {"from": "gpt", "value": ANSWER}]
    return [{"id": "1", "conversations": turns, "tools": json.dumps(TYPED), "category": "c"}, {"conversations": turns}]


def _xlam() -> list[Any]:
    flat = {"name": "get_weather", "description": "The weather of a city", "parameters": {
        "city": {"type": "str", "description": "where"}, "days": {"type": "int, optional", "description": "how many"}}}
    return [{"id": 7, "query": QUESTION, "tools": json.dumps([flat, NOW]),
             "answers": json.dumps([{"name": "get_weather", "arguments": ASKED}, {"name": "now", "arguments": {}}])}]


def _toolace() -> list[Any]:
    tools = [{**WEATHER, "name": "Get Weather", "parameters": {**CITY, "type": "dict"}, "required": None}, NOW]
    system = ("You are an expert in composing functions. You are given a question and a set of functions.\n"
              f"Here is a list of functions in JSON format that you can invoke:\n{json.dumps(tools)}.\n"
              "Should you decide to return a call, put it in the format of [func1(a=1), func2(b)].")
    turns = [{"from": "user", "value": QUESTION},
             {"from": "assistant", "value": '[Get Weather(city="Saint-Jean-d\'Acre", days=2), now()]'},
             {"from": "tool", "value": json.dumps([{"name": "Get Weather", "results": {"sky": "clear"}},
                                                   {"name": "now", "results": "noon"}])},
             {"from": "assistant", "value": ANSWER}]
    return [{"system": system, "conversations": turns}]


def _apigen_mt() -> list[Any]:
    return [{**_sharegpt()[0], "system": "# Retail agent policy\n\nAs a retail agent, you help."}]


def _when2call() -> list[Any]:
    said = "<TOOLCALL>[" + json.dumps({"name": "get_weather", "arguments": ASKED}) + "]</TOOLCALL>"
    asked = [{"role": "user", "content": QUESTION}]
    return [{"tools": [WEATHER], "messages": [*asked, {"role": "assistant", "content": "Of which city?"}]},
            {"tools": [WEATHER], "messages": asked, "chosen_response": {"role": "assistant", "content": said},
             "rejected_response": {"role": "assistant", "content": "I cannot."}},
            {"tools": [json.dumps(WEATHER)], "messages": [*asked, {"role": "assistant", "content": said}]}]


def _toucan() -> list[Any]:
    call = {"name": "get_weather", "arguments": json.dumps(ASKED)}
    split = [{"role": "user", "content": QUESTION}, {"role": "tool_call", "content": repr(call)},
             {"role": "tool_response", "content": SEEN}, {"role": "assistant", "content": ANSWER}]
    agent = [{"role": "system", "content": "<|im_system|>tool_declare<|im_middle|>[]<|im_end|>"}, split[0],
             {"role": "assistant", "content": "", "function_call": call},
             {"role": "function", "name": "get_weather", "content": SEEN}, split[3]]
    return [{"uuid": "u", "subset_name": "single-turn-original", "messages": json.dumps(m), "tools": json.dumps(TYPED)}
            for m in (split, agent)]


def _toolbench() -> list[Any]:
    finish = {"name": "Finish", "description": "Ends", "parameters": {"type": "object", "properties": {
        "return_type": {"type": "string"}, "final_answer": {"type": "string"}}, "required": ["return_type"]}}
    system = ("You are AutoGPT, you can use many tools(functions) to do the following task.\n"
              f"Specifically, you have access to the following APIs: {[WEATHER, NOW, finish]!r}")
    turns = [{"from": "system", "value": system}, {"from": "user", "value": f"\n{QUESTION}\nBegin!\n"},
             {"from": "assistant",
              "value": "\nThought: I look it up.\nAction: get_weather\nAction Input: " + json.dumps(ASKED)},
             {"from": "function", "value": SEEN},
             {"from": "assistant", "value": '\nThought: \nAction: Finish\nAction Input: {"return_type": "give_answer", '
                                            '"final_answer": "It\'s sunny."}'}]
    return [{"id": "Step 1: x", "conversations": turns}]


def _swift() -> list[Any]:
    messages = [{"role": "user", "content": QUESTION},
                {"role": "tool_call", "content": json.dumps({"name": "get_weather", "arguments": ASKED})},
                {"role": "tool_call", "content": json.dumps({"name": "now", "arguments": {}})},
                {"role": "tool_response", "content": SEEN}, {"role": "tool_response", "content": "noon"},
                {"role": "assistant", "content": ANSWER, "loss": False}]
    return [{"tools": json.dumps(TYPED), "messages": messages},
            {"tools": json.dumps(TYPED), "messages": messages, "rejected_response": "No."}]


def _openchatml() -> list[Any]:
    text = (f"<|im_start|>system\nBe kind.\n<|function_list|>\n{json.dumps([WEATHER, NOW], indent=2)}\n"
            f"<|function_list|>\n<|im_end|>\n<|im_start|>user\n{QUESTION}\n<|im_end|>\n"
            "<|im_start|>assistant\n<|function_call|>\n" + json.dumps({"arguments": ASKED, "name": "get_weather"})
            + "\n<|im_end|>\n<|im_start|>tool\n<|function_output|>\n"
            + f'{{"name": "get_weather", "content": {SEEN}}}\n<|im_end|>\n'
            f"<|im_start|>assistant\n{ANSWER}\n<|im_end|>\n")
    return [text, {"text": text}]


SAMPLES: dict[str, list[Any]] = {
    "apigen-mt": _apigen_mt(), "glaive": _glaive(), "hermes": _hermes(), "ms-swift": _swift(), "openai": _openai(),
    "openchatml": _openchatml(), "sharegpt": _sharegpt(), "toolace": _toolace(), "toolbench": _toolbench(),
    "toucan": _toucan(), "when2call": _when2call(), "xlam": _xlam()}
EACH = [(name, n) for name, rows in SAMPLES.items() for n in range(len(rows))]
