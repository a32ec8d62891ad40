"""Chat templates in a process of their own: they print what they print in ours, and what they must not do ends there."""

from __future__ import annotations

import time

import pytest

from published import SHARED, TODAY, published, shared_or_skip
from toolglot.chat_template import Apart, TemplateError, TemplateLimit

TALK = [{"role": "user", "content": "Grüße, what is 2 < 3?\ud83c"},
        {"role": "assistant", "content": "", "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": {"x": "<b>"}}}]},
        {"role": "tool", "tool_call_id": "call_1", "name": "f", "content": "2"}, {"role": "user", "content": "Thanks."}]
TOOLS = [{"type": "function", "function": {"name": "f", "description": "Do & be.", "parameters": {
    "type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]}}}]


@pytest.mark.parametrize("name", sorted(p.stem for p in SHARED.glob("templates/*.jinja"))[::8] or [""])
def test_a_template_prints_apart_what_it_prints_here(name):
    shared_or_skip()
    source = (SHARED / "templates" / f"{name}.jinja").read_text(encoding="utf-8")
    with Apart(source, bos="<s>", eos="</s>", today=f"{TODAY:%Y-%m-%d}", mutable=name.startswith("llamacpp__")) as template:
        for tools in (None, TOOLS):
            for talk in (TALK[:1], TALK):
                try:
                    wanted = published(name, talk, tools, bos_token="<s>", eos_token="</s>", add_generation_prompt=True)
                except Exception:
                    with pytest.raises(TemplateError):
                        template.render(talk, tools)
                else:
                    assert template.render(talk, tools) == wanted


@pytest.mark.parametrize(("source", "error", "words"), [
    ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", TemplateLimit, "seconds"),
    ("{{ 'a' * 10000000000 }}", TemplateLimit, "memory"),
    ("{% set ns = namespace(x='a') %}{% for a in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}", TemplateLimit,
     "memory"),
    ("{% for a in range(9999) %}{% for b in range(999) %}aaaaaaaaaa{% endfor %}{% endfor %}", TemplateLimit, "prints more"),
    ("{{ ''.__class__.__mro__ }}", TemplateError, "unsafe"),
    ("{{ messages.append(1) }}", TemplateError, "unsafe"),
    ("{% import 'os' as os %}", TemplateError, "loader"),
    ("{% include '/etc/passwd' %}", TemplateError, "loader"),
    ("one\n{% if %}", TemplateError, "line 2"),
    ("{{ raise_exception('roles must alternate') }}", TemplateError, "roles must alternate"),
    ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", TemplateError, "recursion"),
    ("{{ messages[0].content.nothing.at.all }}", TemplateError, "no attribute"),
    ("x" * 10_000_000, TemplateLimit, "10000000 characters"),
])
def test_what_a_template_must_not_do_is_an_error_in_bounded_time_and_the_next_one_works(source, error, words):
    began = time.monotonic()
    with Apart(source, seconds=1) as template:
        for _ in range(2):
            with pytest.raises(error, match=f"chat template.*{words}"):
                template.render(TALK)
    assert time.monotonic() - began < 20


def test_a_process_that_dies_is_started_again():
    with Apart("{{ messages[0].content }}") as template:
        assert template.render(TALK[:1]) == TALK[0]["content"]
        assert template._process
        template._process.kill()
        template._process.wait()
        assert template.render([{"role": "user", "content": "again"}]) == "again"


def test_the_process_sees_no_environment_of_ours(monkeypatch):
    monkeypatch.setenv("SECRET", "hunter2")
    with Apart("x") as template:
        template.render([])
        assert template._process
        with open(f"/proc/{template._process.pid}/environ", "rb") as file:
            assert b"hunter2" not in file.read()
