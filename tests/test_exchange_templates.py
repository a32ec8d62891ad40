"""Hugging Face's response templates, both ways: what transformers makes of a reply by an exported one is what toolglot
makes of it, and what comes in again reads and writes the same replies.

transformers itself is the judge; without it, only the way in is tried.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import toolglot
from strategies import TOOLS, replies
from test_exchange import mutant
from test_laws import EXAMPLES, fed
from toolglot.check import loss
from toolglot.exchange import (
    DialectError,
    Unsayable,
    broken,
    from_response_template,
    limits,
    read_dialect,
    samples,
    to_response_template,
)
from toolglot.exchange.response_template import closers_of
from toolglot.message import Call, Reasoning, Reply, Text, ToolglotError, fold
from toolglot.model import Model
from toolglot.parse import Parser, parse
from toolglot.plan import prompt_tail, written
from toolglot.registry import cards, dialects
from toolglot.render import render, spelling_of
from toolglot.spec import CALLS, TEXT, Delimited, Dialect, encoding_of, is_bare

JUDGE = find_spec("transformers")
judged = pytest.mark.skipif(
    JUDGE is None or not JUDGE.origin or not (Path(JUDGE.origin).parent / "utils/chat_parsing").is_dir(),
    reason="no transformers that knows response templates is installed: nobody to judge")
RAW = [tool.raw for tool in TOOLS]
few = settings(max_examples=max(EXAMPLES // 5, 3), deadline=None, suppress_health_check=list(HealthCheck))


@lru_cache
def exported() -> dict[str, dict[str, Any]]:
    """The template of every dialect that has one."""
    out = {}
    for name, d in dialects().items():
        try:
            out[name] = json.loads(json.dumps(to_response_template(d)))
        except Unsayable:
            continue
    return out


every_exported = pytest.mark.parametrize("name", exported())


def test_most_dialects_can_be_said_and_the_others_say_why_not() -> None:
    assert len(exported()) >= 0.85 * len(dialects())
    reasons = ("Pythonic", "Python's str()", "no marker begins", "tags within tags", "may stand inside")
    for d in dialects().values():
        if d.name not in exported():
            with pytest.raises(Unsayable, match=f"^{re.escape(d.name)}: .*({'|'.join(map(re.escape, reasons))})"):
                to_response_template(d)


# -- out: transformers is the judge ----------------------------------------------------------------------------


def said(d: Dialect, reply: Reply) -> bool:
    """Is this a reply that the template reads too? `limits` says in words what is asked here."""
    calls = reply.calls
    if not calls:
        return True
    words = json.dumps([c.arguments for c in calls], ensure_ascii=False) + "".join(
        str(v) for c in calls for v in c.arguments.values())
    closers = closers_of(d.calls)
    plain = not isinstance(encoding_of(d.calls), Delimited) or (not {"\x01", "\x02"} & set(words) and plain_keys(calls))
    return (plain and spelling_of(d, calls) is d.calls and not any(c in words for c in closers)
            and (bool(closers) or isinstance(reply.parts[-1], Call)))


def plain_keys(value: Any) -> bool:
    match value:
        case Call():
            return plain_keys(value.arguments)
        case dict():
            return all(re.fullmatch(r"\w+", k) and plain_keys(v) for k, v in value.items())
        case list() | tuple():
            return all(map(plain_keys, value))
    return True


def meaning(message: dict[str, Any]) -> tuple[Any, ...]:
    """Content, reasoning and calls of a message as transformers gives it."""
    thoughts = next((message[key] for key in ("reasoning_content", "thinking") if key in message), "")
    calls = [(c["function"]["name"], c["function"]["arguments"], c.get("id")) for c in message.get("tool_calls", [])]
    return message.get("content", ""), thoughts, calls


def meant(d: Dialect, reply: Reply) -> tuple[Any, ...]:
    thoughts = reply.reasoning
    if d.reasoning and not written(d.reasoning[d.reasoning.index(TEXT) + 1:]).strip():
        thoughts = thoughts.strip()                  # without a closer, transformers strips it at its edges
    return reply.content, thoughts, [(c.name, c.arguments, c.id) for c in reply.calls]


@lru_cache
def prompts(name: str) -> list[tuple[str, str]]:
    """Prompts of every kind, and what of them belongs to the reply: none, a question, a result; thinking or not."""
    call = {"id": "abcdefghi", "type": "function", "function": {"name": "now", "arguments": "{}"}}
    question = [{"role": "user", "content": "hi"}]
    result = [*question, {"role": "assistant", "content": "", "tool_calls": [call]},
              {"role": "tool", "content": "12", "name": "now", "tool_call_id": "abcdefghi"}]
    model, out = Model(dialects()[name]), [("", "")]
    for talk in (question, result):
        for thinking in (None, False, True):
            text = str(model.prompt(talk, TOOLS, thinking=thinking, today="2025-01-31"))
            out.append((text, prompt_tail(model.dialect, text).lstrip()))
    return list(dict.fromkeys(out))


@judged
@every_exported
@few
@given(data=st.data())
def test_transformers_reads_what_toolglot_reads(name: str, data: Any) -> None:
    from transformers.utils.chat_parsing import ResponseParser, parse_response
    from transformers.utils.chat_parsing.response_templates import load_response_template

    d, template = dialects()[name], loaded(name, load_response_template)
    reply = data.draw(replies(d))
    assume(not loss(d, reply, TOOLS) and said(d, reply))
    text = render(d, reply)
    prompt, tail = data.draw(st.sampled_from(prompts(name)))
    if text.startswith(tail):
        text = text[len(tail):]                      # the prompt has written it already
    else:                                            # a prompt whose block is not this reply's, but only a marker
        assume(not re.sub(r"<[^<>]*>|\[/?[A-Z_]+\]", "", tail).strip() and not reply.reasoning)
        assume(parse(d, text, TOOLS, prompt=prompt) == reply)
    wanted = meant(d, reply)
    assert meaning(parse_response(text, template, prefix=prompt, tools=RAW)) == wanted, (prompt[-80:], text)
    parser, last = ResponseParser(template, prefix=prompt, tools=RAW), 0
    cuts = data.draw(st.just(list(range(len(text)))) | st.lists(st.integers(0, len(text)), max_size=6).map(sorted))
    for cut in (*cuts, len(text)):
        parser.feed(text[last:cut])
        last = cut
    assert meaning(parser.finalize()[0]) == wanted, (prompt[-80:], text, cuts)


@lru_cache
def loaded(name: str, load: Any) -> Any:
    return load(exported()[name])


def test_the_limits_are_said() -> None:
    assert any("nothing but the end of the reply" in s for s in limits(dialects()["mistral-nemo"]))
    assert any("a call must have its id" in s for s in limits(dialects()["mistral-nemo"]))
    assert any("which alone tell their types" in s for s in limits(dialects()["qwen3.6"]))
    assert any("keys of objects are letters" in s for s in limits(dialects()["gemma-4"]))
    assert any("no argument holds" in s for s in limits(dialects()["glm-4.7"]))


# -- in again --------------------------------------------------------------------------------------------------


def read_as(reply: Reply) -> tuple[Any, ...]:
    """The meaning of a reply, whatever white space stands around its words."""
    return ([p.text.strip() for p in reply.parts if isinstance(p, Text)], reply.reasoning,
            [(c.name, c.arguments, c.id) for c in reply.calls])


# without a field for what stands outside of all markers, a template cannot tell of the markers around all calls
AROUND = [name for name in exported() if not is_bare(dialects()[name].content) and dialects()[name].calls.around != (CALLS,)
          and dialects()[name].calls.between.strip() != ","]


@every_exported
@few
@given(data=st.data())
def test_what_comes_in_again_reads_and_writes_the_same_replies(name: str, data: Any) -> None:
    d = dialects()[name]
    again, _ = imported(name)
    reply = data.draw(replies(d))
    calls = reply.calls
    assume(not loss(d, reply, TOOLS) and (not calls or spelling_of(d, calls) is d.calls))
    if name not in AROUND:
        assert read_as(parse(again, render(d, reply), TOOLS)) == read_as(reply)
    if not loss(again, reply, TOOLS):
        text = render(again, reply)
        read = parse(again, text, TOOLS)
        assert read == reply and not read.problems, text
        assert render(again, read) == text
        assert fold(fed(Parser(again, TOOLS), text, list(range(len(text))))) == reply
        assert read_as(parse(d, text, TOOLS)) == read_as(reply), text


@lru_cache
def imported(name: str) -> tuple[Dialect, list[str]]:
    return from_response_template(exported()[name], name)


def test_markers_around_all_calls_are_lost_where_words_have_markers_too() -> None:
    assert len(AROUND) <= 1


def test_most_are_written_to_the_byte() -> None:
    def alike(name: str) -> bool:
        d, again = dialects()[name], imported(name)[0]
        told = [r for r in samples() if not loss(d, r) and (not r.calls or spelling_of(d, r.calls) is d.calls)]
        return all(render(again, r) == render(d, r) for r in told)

    assert sum(map(alike, exported())) >= 0.6 * len(exported())


# -- other people's --------------------------------------------------------------------------------------------


@judged
def test_the_templates_in_transformers_come_in_and_read_what_is_written() -> None:
    from transformers.cli.serving.utils import _RESPONSE_TEMPLATE_FALLBACKS
    from transformers.utils.chat_parsing import parse_response

    assert _RESPONSE_TEMPLATE_FALLBACKS
    declared = {"properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
    tools = [{"type": "function", "function": {"name": n, "parameters": declared}} for n in ("f", "g")]
    call = Call("f", {"city": "Paris, France", "days": 2})
    for kinds, template in _RESPONSE_TEMPLATE_FALLBACKS.items():
        d, _ = from_response_template(template, kinds[0])
        assert broken(d) == []
        for parts in ((Reasoning("Hm.\nSo."), Text("Hi.")), (Reasoning("Hm."), call, Call("g", {})), (Text("Hi"), call)):
            reply = Reply(parts)
            read = parse_response(render(d, reply), template, prefix="", tools=tools)
            assert meaning(read) == meant(d, reply), kinds


def calls_field(**more: Any) -> dict[str, Any]:
    function = {"type": "function", "function": "{content}"}
    return {"open": "<call>", "close": "</call>", "content": "json", "repeats": True, "transform": function, **more}


def filled(field: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in field.items() if value is not None}


LISTED = {"type": "function", "id": "{id}", "function": {"name": "{tool}", "arguments": "{input}"}}
NAMED = {"type": "function", "function": {"name": "{name}", "arguments": "{content}"}}
TAG = r"<arg name=\"(?P<key>\w+)\">\s*(?P<value>.*?)\s*</arg>"
UNQUOTED = {"unquoted_keys": True, "string_delims": [["<q>", "<q>"]]}
STRANGE: list[tuple[dict[str, Any], str]] = [    # a field of calls, and a call of it as it is written
    (calls_field(), '<call>{"name": "f", "arguments": {"x": 1}}</call>'),
    (calls_field(open=["<call>"], close_pattern=r"(?<=\})\s*</call>", close=None),
     '<call>{"name": "f", "arguments": {"x": 1}}\n</call>'),
    (calls_field(open="[C]", close="[/C]", transform_each=True, transform=LISTED),
     '[C][{"tool": "f", "input": {"x": 1}, "id": "a1"}][/C]'),
    (calls_field(open_pattern=r"<fn=(?P<name>[\w.]+)>", close="</fn>", transform=NAMED, open=None), '<fn=f>{"x": 1}</fn>'),
    (calls_field(open_pattern=r"\s*<\|to\|>(?P<name>\w+)(?: json)?<\|say\|>", close="<|end|>", transform=NAMED, open=None),
     '<|to|>f json<|say|>{"x": 1}<|end|>'),
    (calls_field(open_pattern=r"<fn (?P<name>\w+)>\s*", close="</fn>", transform=NAMED, open=None, content="xml-inline",
                 content_args={"tag_pattern": TAG}), '<fn f>\n<arg name="x">\n1\n</arg></fn>'),
    (calls_field(open_pattern=r"<c>call:(?P<name>\w+)", close="</c>", transform=NAMED, open=None, content_args=UNQUOTED),
     "<c>call:f{x:1}</c>"),
]


@pytest.mark.parametrize(("one", "text"), STRANGE, ids=[text.split("f")[0] for _, text in STRANGE])
def test_fields_of_every_kind_become_calls(one: dict[str, Any], text: str) -> None:
    d, _ = from_response_template({"start_anchor": "A:", "fields": {"tool_calls": filled(one), "content": {}}})
    call = Call("f", {"x": 1}, "a1" if "id" in text else None)
    assert render(d, [call]) == text and parse(d, text).parts == (call,) and broken(d) == []


PATTERN = "fields.tool_calls.open_pattern: expected markers, names and white space, found "
THINK = {"open": "<call>", "close": "</t>"}
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"content": {}}, "fields: expected tool_calls, found none"),
    ({"sources": {"open": "<c>"}, "tool_calls": calls_field()}, "fields.sources: a reply is content, reasoning and calls"),
    ({"tool_calls": calls_field(open=3)}, "fields.tool_calls.open: expected a text or a list of texts, found 3"),
    ({"tool_calls": calls_field(close_pattern="</call>")}, "fields.tool_calls: expected close or close_pattern"),
    ({"tool_calls": calls_field(close=[])}, "fields.tool_calls.close: expected a text or a list of texts, found []"),
    ({"tool_calls": calls_field(content="kv-lines")}, "fields.tool_calls.content: expected json or xml-inline"),
    ({"tool_calls": calls_field(transform="{content}")}, "fields.tool_calls.transform: expected"),
    ({"tool_calls": {"open_pattern": r"<(?:a|b(?P<name>\w+)>"}}, PATTERN + "a group that is never closed"),
    ({"tool_calls": {"open_pattern": "<a>(?!b)"}}, PATTERN),
    ({"tool_calls": calls_field(open=None, open_pattern=r"<to>(?P<name>\w+).*?<say>", transform=NAMED)},
     "fields.tool_calls: expected markers, white space and the groups name, id, key, value, found '.', of which a dialect"),
    ({"tool_calls": {"open_pattern": "(?:" * 50}}, PATTERN + "groups nested deeper than 8"),
    ({"tool_calls": {"open_pattern": "a" * 3000}}, PATTERN + "a pattern of 3,000 characters"),
    ({"tool_calls": calls_field(), "thinking": {"close": "</t>"}}, "fields.thinking: expected an opener"),
    ({"tool_calls": calls_field(), "thinking": THINK}, "the dialect 'imported' cannot be read"),
]


@pytest.mark.parametrize(("fields", "what"), REFUSED, ids=range(len(REFUSED)))
def test_what_no_dialect_can_say_is_refused_with_its_place(fields: dict[str, Any], what: str) -> None:
    with pytest.raises(DialectError) as error:
        from_response_template({"start_anchor": "A:", "fields": {k: filled(v) for k, v in fields.items()}})
    assert str(error.value).startswith(what)


def test_every_way_to_open_and_to_close_is_read() -> None:
    thinking = {"open": ["<think>", "<thought>"], "close": ["</think>", "</thought>"]}
    calls = calls_field(open=["<call>", "<CALL>"], close_pattern=r"(?<=\})\s*(?:</call>|</CALL>)", close=None)
    content = {"close_pattern": r"\s*(?:<\|end\|>|<eos>)|\s*<\|skip\|>\s*"}
    d, _ = from_response_template({"fields": {"thinking": thinking, "tool_calls": filled(calls), "content": content}})
    assert d.stop == ("<|end|>", "<eos>") and d.noise == ("<|skip|>",) and not d.join
    for one, other in (("<think>", "</think>"), ("<thought>", "</thought>")):
        for opener, closer in (("<call>", "\n</call>"), ("<CALL>", "</CALL>")):
            text = f'{one}Hm.{other}Hi <|skip|>there{opener}{{"name": "f", "arguments": {{}}}}{closer}<eos>more'
            assert parse(d, text).parts == (Reasoning("Hm."), Text("Hi there"), Call("f", {}))


def test_a_call_that_reasoning_looks_out_for_ends_it_and_what_joins_is_a_join() -> None:
    fields = {"thinking": {"open": "<t>", "close_pattern": "</t>|(?=<call>)"}, "tool_calls": calls_field()}
    d, _ = from_response_template({"fields": fields})
    assert d.call_ends_reasoning and not d.join and not d.stop
    fields["thinking"]["close_pattern"] = r"</t>|(?=<\|next\|>)"
    d, _ = from_response_template({"fields": fields})
    assert d.join == "<|next|>" and not d.call_ends_reasoning


@settings(max_examples=EXAMPLES * 4, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_a_strangers_template_is_a_dialect_that_can_be_used_or_an_error(chance: Random) -> None:
    bits = ["", "<think>", None, True, [], {}, "(", "(?:a|b)?", r"\s*", r"(?P<name>\w+)", "(?=a)", "(?!a)", "{content}"]
    try:
        d, _ = from_response_template(mutant(chance, list(exported().values()), bits))
    except DialectError:
        return
    broken(d)
    parse(d, "<think>a <tool_call> {} [ x" + render(d, [Call("f", {"x": 1})]))


def test_a_tokenizers_configuration_tells_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from toolglot.cli import main

    card = cards()["hermes"]
    path = tmp_path / "My Model" / "tokenizer_config.json"
    path.parent.mkdir()
    path.write_text(json.dumps({
        "chat_template": " ".join(card.evidence), "eos_token": {"content": "<|eot|>"},
        "added_tokens_decoder": {"1": {"content": "<tool_call>", "special": False}, "2": {"content": "<|unused|>"}},
        "response_template": exported()["hermes"]}), encoding="utf-8")
    found = read_dialect(path)
    assert found.dialect.name == "my-model" and found.source == "the response template of a tokenizer_config.json"
    assert found.dialect.stop[-1] == "<|eot|>" and found.dialect.special == {"<tool_call>"}
    assert found.dialect.turns == card.dialect.turns and "prompts are those of hermes" in found.notes[-1]
    assert toolglot.model(str(path)).prompt([{"role": "user", "content": "hi"}], TOOLS)
    assert main(["import", str(path)]) == 0
    shown = capsys.readouterr()
    assert "<tool_call>" in shown.out and "prompts are those of hermes" in shown.err


def test_errors_are_the_callers_kind() -> None:
    assert issubclass(DialectError, ToolglotError) and issubclass(Unsayable, ToolglotError)
