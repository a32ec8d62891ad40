"""The vLLM plugin: what a client is told, in pieces and whole, is what the parser says.

Each test runs in two houses: vLLM itself, where it is installed, and a stand-in for the few classes that the plugin uses of
it, so that the plugin's own logic is tried without vLLM. The stand-in's `Served` does what `DelegatingParser` of vLLM
0.32 does with two parsers that say `engine_based_streaming`.
"""

from __future__ import annotations

import importlib.util
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vectors
from strategies import TOOLS as GENERAL
from strategies import garbage, replies
from toolglot.message import Reply, Tool
from toolglot.model import model
from toolglot.registry import cards, dialects
from toolglot.render import render
from toolglot.spec import Dialect, When

PLUGIN = Path(__file__).parent.parent / "src" / "toolglot" / "plugins" / "vllm.py"
TOOLS = vectors.tools()
WEATHER = TOOLS["get_weather"]
CASES = [c for c in vectors.cases() if c.data["tools"] and "prompt" not in c.data]


class Tokenizer:
    """A token a character."""

    chat_template: str | None = None
    name_or_path = "nobody/knows"

    def decode(self, ids: list[int], **_: Any) -> str:
        return "".join(map(chr, ids))

    def get_vocab(self) -> dict[str, int]:
        return {}


def ids(text: str) -> list[int]:
    return list(map(ord, text))


# -- the stand-in


class StandInParser:
    def __init__(self, tokenizer: Any, tools: Any = None, **_: Any) -> None:
        self.model_tokenizer, self.tools = tokenizer, tools or []


class Registry:
    def __init__(self) -> None:
        self.known: dict[str, Any] = {}

    def register_module(self, name: str, module: Any) -> None:
        self.known[name] = module


@dataclass
class Told:
    """A DeltaMessage, or ExtractedToolCallInformation: their members are told apart by name."""

    content: str | None = None
    reasoning: str | None = None
    tool_calls: list[dict[str, Any]] = field(default_factory=list)
    tools_called: bool = False


@dataclass
class StructuredOutputs:
    grammar: str


class Served:
    """The two parsers of one request, and the order in which vLLM asks them."""

    def __init__(self, thinker: Any, caller: Any) -> None:
        self.thinker, self.caller, self.thinking = thinker, caller, None
        if thinker is None:
            caller.skip_reasoning_parsing = True

    def adjust_request(self, request: Any) -> Any:
        if self.thinker:
            request = self.thinker.adjust_request(request)
        return self.caller.adjust_request(request)

    def is_reasoning_end(self, prompt: list[int]) -> bool:
        return self.thinker is not None and self.thinker.is_reasoning_end(prompt)

    def parse(self, text: str, request: Any, enable_auto_tools: bool = True) -> tuple[Any, Any, Any]:
        reasoning, content = self.thinker.extract_reasoning(text, request) if self.thinker else (None, text)
        found = self.caller.extract_tool_calls(content or "", request)
        return reasoning, found.content, [SimpleNamespace(**c["function"]) for c in found.tool_calls]

    def parse_delta(self, text: str, token_ids: list[int], request: Any, prompt: list[int], *, finished: bool) -> Told:
        if self.thinking is None:
            self.thinking = self.thinker is not None and not self.thinker.is_reasoning_end(prompt)
            if self.thinking:
                self.thinker.adjust_initial_state_from_prompt(prompt)
        told = Told()
        if self.thinking:
            self._add(told, self.thinker.extract_reasoning_streaming("", text, text, [], token_ids, token_ids))
            if self.thinker.has_engine_confirmed_reasoning_end():
                self.thinking = False
                self._add(told, self.thinker.finish_streaming())
                text, told.content = told.content or "", None
        if not self.thinking:
            before, told.reasoning = told.reasoning, None
            self._add(told, self.caller.extract_tool_calls_streaming("", text, text, [], token_ids, token_ids, request))
            told.reasoning = told.reasoning or before    # one of the two is lost
        if finished:
            if self.thinking:
                self._add(told, self.thinker.finish_streaming())
            self._add(told, self.caller.finish_streaming())
        return told

    def _add(self, told: Told, more: Told | None) -> None:
        if more is not None:
            told.content = (told.content or "") + (more.content or "")
            told.reasoning = (told.reasoning or "") + (more.reasoning or "")
            told.tool_calls += [_call(c) for c in more.tool_calls]


def _call(given: dict[str, Any]) -> SimpleNamespace:
    function = SimpleNamespace(**{"name": None, "arguments": None, **given["function"]})
    return SimpleNamespace(**{"id": None, "type": None, **given, "function": function})


def module(name: str, **members: Any) -> ModuleType:
    made = ModuleType(name)
    made.__dict__.update(members)
    return made


# -- the houses


class StandIn:
    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.tools, self.reasoning = Registry(), Registry()
        for made in (module("vllm", __path__=[]), module("vllm.tool_parsers", __path__=[]),
                     module("vllm.reasoning", ReasoningParser=StandInParser, ReasoningParserManager=self.reasoning),
                     module("vllm.sampling_params", StructuredOutputsParams=StructuredOutputs),
                     module("vllm.tool_parsers.abstract_tool_parser", DeltaMessage=Told, ExtractedToolCallInformation=Told,
                            ToolParser=StandInParser, ToolParserManager=self.tools)):
            patch.setitem(sys.modules, made.__name__, made)
        spec = importlib.util.spec_from_file_location("toolglot_for_a_stand_in", PLUGIN)
        assert spec and spec.loader
        spec.loader.exec_module(importlib.util.module_from_spec(spec))

    def tool_names(self) -> list[str]:
        return list(self.tools.known)

    def reasoning_names(self) -> list[str]:
        return list(self.reasoning.known)

    def request(self, tools: list[Tool], **members: Any) -> Any:
        shown = [SimpleNamespace(model_dump=lambda exclude_none, t=t: t.raw) for t in tools]
        if "tool_choice" in members and isinstance(members["tool_choice"], dict):
            members["tool_choice"] = SimpleNamespace(function=SimpleNamespace(**members["tool_choice"]["function"]))
        usual = {"tools": shown, "tool_choice": "auto", "parallel_tool_calls": True, "skip_special_tokens": True,
                 "structured_outputs": None, "response_format": None}
        return SimpleNamespace(**usual | members)

    def parser(self, name: str, request: Any, thinks: bool = True, tokenizer: Any = None) -> Any:
        tokenizer = tokenizer or Tokenizer()
        thinker = self.reasoning.known.get(name) if thinks else None
        return Served(thinker and thinker(tokenizer), self.tools.known[name](tokenizer, request.tools))


class Real:
    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        parsers = pytest.importorskip("vllm.tool_parsers", reason="vLLM is not installed: run against a stand-in only")
        import vllm.reasoning
        from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
        from vllm.parser import ParserManager

        self.tools, self.reasoning = parsers.ToolParserManager, vllm.reasoning.ReasoningParserManager
        self.made, self.manager = ChatCompletionRequest, ParserManager
        self.tools.import_tool_parser("toolglot.plugins.vllm")

    def tool_names(self) -> list[str]:
        return [n for n in self.tools.list_registered() if n.startswith("toolglot")]

    def reasoning_names(self) -> list[str]:
        return [n for n in self.reasoning.list_registered() if n.startswith("toolglot")]

    def request(self, tools: list[Tool], **members: Any) -> Any:
        return self.made(messages=[{"role": "user", "content": "x"}], tools=[t.raw for t in tools] or None,
                         **{"tool_choice": "auto" if tools else "none", **members})

    def parser(self, name: str, request: Any, thinks: bool = True, tokenizer: Any = None) -> Any:
        tokenizer = tokenizer or Tokenizer()
        thinker = name if thinks and name in self.reasoning_names() else ""
        kind = self.manager.get_parser(tool_parser_name=name, reasoning_parser_name=thinker, enable_auto_tools=True,
                                       tokenizer=tokenizer)
        return kind(tokenizer, request.tools)


@pytest.fixture(scope="module", params=[StandIn, Real], ids=["stand-in", "vllm"])
def house(request: pytest.FixtureRequest) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        yield request.param(patch)


# -- what a client is told


def prompt_of(d: Dialect) -> str:
    """What this dialect's own prompts end with."""
    starts = d.turns.reply_starts if d.turns else ()
    return "".join(str(n.otherwise if isinstance(n, When) else n) for n in starts)


def client(parser: Any, request: Any, text: str, cuts: list[int], prompt: str) -> tuple[str, str, list[tuple[str, str]]]:
    """Content, reasoning, and calls with their arguments as text, as a client puts the pieces together."""
    content, reasoning, calls, last = "", "", {}, 0
    for cut in [*cuts, len(text)]:
        told = parser.parse_delta(text[last:cut], ids(text[last:cut]), request, ids(prompt), finished=cut == len(text))
        last = cut
        if told is None:
            continue
        content, reasoning = content + (told.content or ""), reasoning + (told.reasoning or "")
        for call in told.tool_calls:
            if call.function.name is not None:
                assert call.id and call.type == "function" and call.index == len(calls)
                calls[call.index] = [call.function.name, ""]
            calls[call.index][1] += call.function.arguments or ""
    return content, reasoning, [(name, arguments) for name, arguments in calls.values()]


def never_whole(reply: Reply) -> bool:
    return any(p.raw and p.name for p in reply.problems)


def agree(house: Any, d: Dialect, text: str, tools: list[Tool], cuts: list[int]) -> None:
    prompt = prompt_of(d)
    want = model(d.name).parse(text, tools, prompt=prompt)
    calls = [(c.name, c.arguments) for c in want.calls]
    request = house.request(tools)
    content, reasoning, told = client(house.parser(f"toolglot_{d.name}", request), request, text, cuts, prompt)
    assert (content, reasoning) == (want.content, want.reasoning)
    if not never_whole(want):                            # else the client was told what came of it
        assert [(name, json.loads(arguments)) for name, arguments in told] == calls
    parser = house.parser(f"toolglot_{d.name}", request)
    parser.is_reasoning_end(ids(prompt))                 # vLLM asks, and so the parser knows the prompt
    thought, words, found = parser.parse(text, request, enable_auto_tools=True)
    assert (thought or "") == want.reasoning and [(c.name, json.loads(c.arguments)) for c in found or []] == calls
    if not never_whole(want):
        assert (words or "").strip() == want.content.strip()


@pytest.mark.parametrize("name", sorted({c.dialect for c in CASES}))
def test_pieces_and_whole_are_what_the_parser_says(house: Any, name: str) -> None:
    rng = random.Random(name)
    for case in [c for c in CASES if c.dialect == name]:
        text = case.data["text"]
        cuts = rng.choice([[], list(range(1, len(text))), sorted(rng.sample(range(len(text)), min(6, len(text))))])
        agree(house, dialects()[name], text, [TOOLS[t] for t in case.data["tools"]], [c for c in cuts if c])


@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_generated_replies_too(house: Any, data: Any) -> None:
    d = data.draw(st.sampled_from(sorted(dialects().values(), key=lambda d: d.name)))
    text = data.draw(st.one_of(replies(d).map(lambda r: render(d, r)), garbage(d)))
    cuts = data.draw(st.lists(st.integers(1, max(len(text) - 1, 1)), max_size=5).map(sorted))
    agree(house, d, text, GENERAL, [c for c in cuts if c < len(text)])


CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>'


def test_every_dialect_is_registered(house: Any) -> None:
    assert sorted(house.tool_names()) == sorted(["toolglot", *(f"toolglot_{n}" for n in cards())])
    assert sorted(house.reasoning_names()) == sorted(["toolglot", *(f"toolglot_{n}" for n, d in dialects().items()
                                                                    if d.reasoning)])


def test_arguments_come_as_they_are_written(house: Any) -> None:
    request = house.request([WEATHER])
    parser, told = house.parser("toolglot_qwen3", request), []
    for i, char in enumerate(CALL):
        last = i == len(CALL) - 1
        told.append(parser.parse_delta(char, ids(char), request, ids("<|im_start|>assistant\n"), finished=last))
    pieces = [c.function.arguments for t in told if t for c in t.tool_calls]
    assert len(pieces) > 10 and "".join(pieces) == '{"city": "Paris"}'


def test_calls_of_one_reply_are_numbered_and_told_apart(house: Any) -> None:
    request = house.request([WEATHER])
    for cuts in ([], list(range(1, 2 * len(CALL)))):
        calls = client(house.parser("toolglot_hermes", request), request, f"{CALL}\n{CALL}", cuts, "")[2]
        assert calls == [("get_weather", '{"city": "Paris"}')] * 2


def test_reasoning_without_a_reasoning_parser_is_content_between_its_markers(house: Any) -> None:
    request, text = house.request([WEATHER]), f"<think>\nHm.\n</think>\n\nSo.\n{CALL}"
    for cuts in ([], list(range(1, len(text)))):
        content, reasoning, calls = client(house.parser("toolglot_qwen3", request, thinks=False), request, text, cuts, "")
        assert (content, reasoning, len(calls)) == ("<think>\nHm.\n</think>\n\nSo.", "", 1)
    parser = house.parser("toolglot_qwen3", request, thinks=False)
    thought, words, calls = parser.parse(text, request, enable_auto_tools=True)
    assert (thought, words, len(calls)) == (None, "<think>\nHm.\n</think>\n\nSo.", 1)


@pytest.mark.parametrize("between", ["", "Well. ", CALL])
@pytest.mark.parametrize("end", ["So.", ""])
def test_all_blocks_of_reasoning_are_told_once(house: Any, between: str, end: str) -> None:
    block, request = "<think>\n{}\n</think>\n\n", house.request([WEATHER])
    text = block.format("One.") + between + block.format("Two.") + end
    words = (between if between != CALL else "") + end
    for cuts in ([], *([n] for n in range(1, len(text))), list(range(1, len(text)))):
        parser = house.parser("toolglot_qwen3", request)
        content, reasoning, calls = client(parser, request, text, cuts, "<|im_start|>assistant\n")
        assert (content.strip(), reasoning, len(calls)) == (words.strip(), "One.Two.", between == CALL)


def test_words_after_reasoning_that_the_prompt_opened_come_at_once(house: Any) -> None:
    request, prompt = house.request([WEATHER]), ids("<|im_start|>assistant\n<think>\n")
    parser, told = house.parser("toolglot_qwen3-thinking", request), []
    for text in ("Hm.\n</think>\n\n", "So", " it", " is"):
        told.append(parser.parse_delta(text, ids(text), request, prompt, finished=False))
    assert [(t and t.reasoning) or "" for t in told] == ["Hm.", "", "", ""]
    assert [(t and t.content) or "" for t in told] == ["", "So", " it", " is"]


def test_what_is_left_when_the_reasoning_is_taken_out_is_as_the_model_wrote_it(house: Any) -> None:
    text = f"<think>\nHm.\n</think>\n\nSo. \n{CALL}\n<think>\nAnd?\n</think>\n\nDone."
    reasoning, rest = thinker(house, "qwen3").extract_reasoning(text, None)
    assert reasoning == "Hm.And?" and rest == f"So. \n{CALL}\nDone."
    assert thinker(house, "qwen3").extract_reasoning("<think>\nHm.", None) == ("Hm.", None)
    assert thinker(house, "qwen3").extract_reasoning(CALL, None) == (None, CALL)


def test_a_call_that_is_malformed_is_content_and_one_that_is_cut_off_is_not(house: Any) -> None:
    request, bad = house.request([WEATHER]), CALL.replace('"city": "Paris"', '"city" = "Paris"')
    for text, content in ((f"Look: {bad} There.", f"Look: {bad} There."), (CALL[:CALL.index("is")], "")):
        _, words, calls = house.parser("toolglot_hermes", request).parse(text, request, enable_auto_tools=True)
        assert not calls and "".join((words or "").split()) == "".join(content.split())
    content, _, calls = client(house.parser("toolglot_hermes", request), request, CALL[:CALL.index("is")], [9], "")
    assert (content, calls) == ("", [("get_weather", '{"city": "Par')])


def test_where_the_client_asks_for_no_calls_words_that_look_like_one_are_words(house: Any) -> None:
    text = '{"name": "get_weather", "parameters": {"city": "Paris"}}'
    for request in (house.request([WEATHER], tool_choice="none"), house.request([], tool_choice="none")):
        content, _, calls = client(house.parser("toolglot_llama3.1", request), request, text, [9], "")
        assert (content, calls) == (text, [])
        assert house.parser("toolglot_llama3.1", request).parse(text, request, enable_auto_tools=True)[1:] in (
            (text, []), (text, None))


# -- what is asked of vLLM


def test_markers_that_are_special_tokens_are_asked_for(house: Any) -> None:
    request = house.request([WEATHER])
    assert house.parser("toolglot_qwen2.5", request).adjust_request(request).skip_special_tokens is False
    assert request.structured_outputs is None
    request = house.request([WEATHER], tool_choice="none")
    assert house.parser("toolglot_qwen2.5", request).adjust_request(request).skip_special_tokens is True


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}])
def test_a_call_that_is_asked_for_is_constrained_to_the_models_own_format(house: Any, choice: Any) -> None:
    request = house.request([WEATHER, TOOLS["get_time"]], tool_choice=choice, response_format={"type": "json_object"})
    house.parser("toolglot_qwen2.5", request).adjust_request(request)
    wanted = choice if choice == "required" else {"name": "get_weather"}
    assert request.structured_outputs.grammar == model("qwen2.5").constrain([WEATHER, TOOLS["get_time"]], wanted).gbnf()
    assert request.response_format is None


def test_tools_of_one_name_are_refused_before_anything_is_generated(house: Any) -> None:
    request = house.request([WEATHER, WEATHER])
    with pytest.raises(ValueError, match="a name of its own"):
        house.parser("toolglot_qwen2.5", request).adjust_request(request)


def test_the_dialect_is_found_by_the_chat_template_or_the_name(house: Any) -> None:
    request, found = house.request([WEATHER]), Tokenizer()
    found.chat_template = '<|im_start|> <tool_call> "arguments": '
    text = CALL + "x"
    assert len(house.parser("toolglot", request, thinks=False, tokenizer=found).parse(
        text, request, enable_auto_tools=True)[2]) == 1
    found.chat_template, found.name_or_path = None, "someone/Qwen3-Coder-480B"
    text = "<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n</function>\n</tool_call>"
    assert len(house.parser("toolglot", request, thinks=False, tokenizer=found).parse(
        text, request, enable_auto_tools=True)[2]) == 1
    with pytest.raises((ValueError, TypeError), match="give one by name"):
        house.parser("toolglot", request, thinks=False)


# -- what a real server wrote


def test_what_a_server_wrote_under_our_constraint_reads_as_calls(house: Any) -> None:
    recorded = [e for e in json.loads((Path(__file__).parent / "recorded_vllm.json").read_text(encoding="utf-8"))
                if e["note"].startswith("constraint of toolglot: ") and e["status"] == 200]
    assert len(recorded) >= 4
    for one in recorded:
        request, text = house.request([WEATHER]), one["response"]["choices"][0]["text"]
        calls = client(house.parser("toolglot_qwen2.5", request), request, text, list(range(1, len(text))), "")[2]
        assert calls[:2] == [("get_weather", '{"city": "Paris"}')] * 2


# -- where a constraint on the answer begins


def thinker(house: Any, name: str) -> Any:
    served = house.parser(f"toolglot_{name}", house.request([WEATHER]))
    return served.thinker if isinstance(house, StandIn) else served.reasoning_parser


@pytest.mark.parametrize("name", [n for n, d in dialects().items() if d.reasoning and d.turns and any(
    isinstance(n, When) and n.flag == "no-thinking" and n.then for n in d.turns.reply_starts)])
def test_a_prompt_that_asks_for_no_thinking_is_after_it(house: Any, name: str) -> None:
    without, with_it = [str(model(name).prompt([{"role": "user", "content": "x"}], thinking=t)) for t in (False, True)]
    assert thinker(house, name).is_reasoning_end(ids(without))
    assert not thinker(house, name).is_reasoning_end(ids(with_it))


def test_the_end_of_reasoning_is_seen_when_it_comes_and_not_before(house: Any) -> None:
    prompt = "<|im_start|>assistant\nold</think><|im_end|>\n<|im_start|>user\nx<|im_end|>\n<|im_start|>assistant\n<think>\n"
    text, parser = "Well, " * 40 + "so.\n</think>\n\n{", thinker(house, "qwen3")
    seen = [parser.is_reasoning_end_streaming(ids(prompt + text[:n]), ids(text[n - 1])) for n in range(1, len(text) + 1)]
    assert 1 + seen.index(True) == text.index("</think>") + len("</think>")
    assert parser.extract_content_ids(ids(text)) == ids("\n\n{")
    assert thinker(house, "qwen3").extract_content_ids(ids("no end")) == []


def test_a_file_that_is_loaded_by_its_path_leaves_vllm_whole() -> None:
    pytest.importorskip("vllm.tool_parsers", reason="vLLM is not installed")
    code = ("import sys; from vllm.tool_parsers import ToolParserManager as m; m.import_tool_parser(sys.argv[1]); "
            "import vllm; from vllm.parser import ParserManager; print(vllm.__version__, "
            "m.get_tool_parser('toolglot_qwen3').__name__)")
    done = subprocess.run([sys.executable, "-c", code, str(PLUGIN)], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == "ToolParser_toolglot_qwen3"
