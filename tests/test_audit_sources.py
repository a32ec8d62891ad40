"""What an audit is given and what it gives: files of all kinds, hostile ones too, and the card in each of its forms."""

from __future__ import annotations

import io
import json
import re
import struct
import sys
import time
from html.parser import HTMLParser

import pytest

from audit_templates import FAULTS, HOSTILE, Here, template
from test_weights import gguf
from toolglot import audit, cli
from toolglot.audit import pages, voice
from toolglot.audit.source import SourceError, open_source

GOOD, OTHER = template(), template(section="")


@pytest.fixture
def here(monkeypatch):
    monkeypatch.setattr(voice, "Apart", Here)


@pytest.fixture
def run(capsys):
    def run(*argv):
        try:
            code = cli.main([str(a) for a in argv])
        except SystemExit as left:              # argparse
            code = int(left.code or 0)
        seen = capsys.readouterr()
        return code, seen.out, seen.err

    return run


# -- sources --------------------------------------------------------------------------------------------------------

def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["a.jinja", "a.jinja2", "a.j2", "a.txt", "a"])
def test_a_file_of_jinja(name, tmp_path):
    found = open_source(write(tmp_path / name, GOOD))
    assert (found.title, found.text, found.name, found.others) == ("a", GOOD, "", ())


def test_the_text_itself_and_stdin(monkeypatch):
    assert open_source(GOOD).text == GOOD
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(GOOD.encode())))
    assert open_source("-").text == GOOD


@pytest.mark.parametrize("bos", ["<s>", {"content": "<s>", "lstrip": False}])
def test_a_tokenizer_config_and_its_tokens(bos, tmp_path):
    config = {"chat_template": GOOD, "bos_token": bos, "eos_token": None}
    found = open_source(write(tmp_path / "m/tokenizer_config.json", config))
    assert (found.title, found.text, found.bos, found.eos) == ("m", GOOD, "<s>", "")
    assert open_source(tmp_path / "m/tokenizer_config.json", bos="<b>").bos == "<b>"


NAMED = [{"name": "default", "template": OTHER}, {"name": "tool_use", "template": GOOD},
         {"name": "rag", "template": "x{{ 1 }}"}]


def test_of_named_templates_the_one_for_tools_is_taken_unless_another_is_chosen(tmp_path):
    path = write(tmp_path / "tokenizer_config.json", {"chat_template": NAMED})
    found = open_source(path)
    assert (found.name, found.text, found.others) == ("tool_use", GOOD, ("default", "rag"))
    assert open_source(path, template="default").text == OTHER
    with pytest.raises(SourceError, match="named 'no'; expected one of default, tool_use, rag"):
        open_source(path, template="no")
    only = write(tmp_path / "b/tokenizer_config.json", {"chat_template": NAMED[2:]})
    assert open_source(only).text == "x{{ 1 }}"
    two = write(tmp_path / "c/tokenizer_config.json", {"chat_template": [NAMED[2], {"name": "x", "template": "y"}]})
    with pytest.raises(SourceError, match="named 'default'; expected one of rag, x: give --template"):
        open_source(two)


def test_a_folder_is_read_as_transformers_reads_it(tmp_path):
    write(tmp_path / "tokenizer_config.json", {"chat_template": OTHER, "bos_token": "<s>"})
    assert open_source(tmp_path).text == OTHER
    write(tmp_path / "chat_template.json", {"chat_template": GOOD})
    assert open_source(tmp_path).text == GOOD
    write(tmp_path / "chat_template.jinja", GOOD + " ")
    found = open_source(tmp_path)
    assert (found.text, found.bos, found.title) == (GOOD + " ", "<s>", tmp_path.name)
    write(tmp_path / "additional_chat_templates/tool_use.jinja", GOOD + "  ")
    assert (open_source(tmp_path).text, open_source(tmp_path).name) == (GOOD + "  ", "tool_use")


def test_a_gguf_file(tmp_path):
    path = tmp_path / "m.gguf"
    path.write_bytes(gguf({"general.name": "A Model", "tokenizer.chat_template": OTHER,
                           "tokenizer.chat_template.tool_use": GOOD,
                           "tokenizer.ggml.tokens": ["<s>", "</s>"], "tokenizer.ggml.bos_token_id": 0,
                           "tokenizer.ggml.eos_token_id": 1}))
    found = open_source(path)
    assert (found.title, found.name, found.text, found.bos, found.eos) == ("A Model", "tool_use", GOOD, "<s>", "</s>")
    assert open_source(tmp_path).text == GOOD              # the only one in its folder
    path.write_bytes(gguf({"general.name": "A Model", "tokenizer.ggml.bos_token_id": 9}))
    with pytest.raises(SourceError, match=r"tokenizer\.chat_template in its metadata, found none"):
        open_source(path)
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 2**60, 2**60) + b"\xff" * 64)
    with pytest.raises(SourceError, match="damaged"):
        open_source(path)


def test_a_dialect_and_a_model_id():
    assert open_source("qwen3").card.dialect.name == open_source("Qwen/Qwen3-8B").card.dialect.name == "qwen3"
    with pytest.raises(SourceError, match="leave it out"):
        open_source("qwen3", template="x")


@pytest.mark.parametrize(("name", "content", "says"), [
    ("a.json", b"{", "expected JSON"), ("a.json", b"[1]", "expected a JSON object, found list"),
    ("a.json", b'{"bos_token": "x"}', "expected a chat_template, found none"),
    ("a.json", b'{"chat_template": 3}', "expected a text or a list"),
    ("a.json", b'{"chat_template": [{"name": 1}]}', "expected a text or a list"),
    ("a.json", b"[" * 100000, "expected JSON"),
    ("a.jinja", b"\xff\xfe\x00", "this is no text"), ("a.jinja", b"a\x00b", "a zero byte at 1"),
    ("a.gguf", b"GGU", "not a GGUF"), ("a.gguf", b"", "not a GGUF")])
def test_what_holds_no_template_is_said_with_its_place(name, content, says, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=says) as caught:
        open_source(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)


def test_what_is_nowhere_is_said(tmp_path):
    with pytest.raises(SourceError, match="no such file, and no dialect or model is known as"):
        open_source("no-such-thing-at-all")
    with pytest.raises(SourceError, match=r"expected a model folder.*none of them"):
        open_source(tmp_path)
    with pytest.raises(SourceError):
        open_source("x" * 100000)
    with pytest.raises(SourceError):
        open_source("a\0b")


# -- what a template must not do ------------------------------------------------------------------------------------

@pytest.mark.parametrize(("source", "says"), [
    ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "seconds"),
    ("{{ 'a' * 10000000000 }}", "memory"),
    ("{% for a in range(9999) %}{% for b in range(999) %}aaaaaaaaaa{% endfor %}{% endfor %}", "prints more"),
    ("{% for m in messages %}{{ m.content }}{% endfor %}{{ 'a' * 400000 }}", "prints more"),
    ("{{ ''.__class__.__mro__ }}", "unsafe"), ("{% import 'os' as os %}", "loader"), ("one\n{% if %}", "line 2"),
    ("{{ raise_exception('never ' * 9999) }}", "never"),
    ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "recursion"),
    ("{{ x" + " " * 10_000_000, "characters"), ("", "prints none"), ("words\nwithout any Jinja", "prints none"),
    ("{{ messages[0].role }}", "prints none")])
def test_a_hostile_or_broken_template_is_a_card_that_says_why_in_bounded_time(source, says, monkeypatch):
    monkeypatch.setattr(voice, "SECONDS", 1.0)
    began = time.monotonic()
    card = audit(source)
    assert says in card.error and len(card.error) < 500
    assert card.stars == 0 and not card.deductions
    for form in (card.json(), card.markdown(), card.html()):
        assert says.split()[0] in form
    assert time.monotonic() - began < 15


def test_a_template_that_is_slow_at_every_probe_is_ended(monkeypatch):
    monkeypatch.setattr(voice, "IN_ALL", 1.0)
    began = time.monotonic()
    card = audit("{% for a in range(2000) %}{% for b in range(999) %}{% endfor %}{% endfor %}" + GOOD)
    assert "1 seconds for" in card.error and time.monotonic() - began < 10


WHITE = "{% for m in messages %}{{ m.content }}{{ ' ' * 100000 }}{% endfor %}"


@pytest.mark.parametrize("source", [
    *(WHITE.replace("' '", repr(one)) for one in " <{[`"),
    "{% for m in messages %}{{ m.content }}{% endfor %}" + "{{ (tools | tojson) * 300 if tools }}",
    "{% for m in messages %}{{ m.content }}{% endfor %}" + "{{ '{' * 4000 + 'find_zorvath' * 2000 if tools }}"],
    ids=["spaces", "angles", "braces", "brackets", "ticks", "tools", "names"])
def test_what_is_read_of_a_prompt_takes_time_in_proportion(source, here):
    began = time.monotonic()
    card = audit(source)
    card.html(), card.markdown()
    assert time.monotonic() - began < 20


# -- forms ----------------------------------------------------------------------------------------------------------

class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.open = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        assert not [name for name, value in attrs if name.startswith("on") or name in ("href", "src")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_html_is_one_page_that_runs_nothing_and_escapes_all(here):
    card = audit(HOSTILE)
    assert card.example.count("<script>") == 1
    page = card.html()
    seen = Page(page)
    assert not seen.open and "script" not in seen.tags and "\x1b" not in page
    assert "default-src 'none'" in page and "://" not in page and "@import" not in page
    assert "light-dark(" in page and 'aria-label="' in page
    page.encode("utf-8")
    Page(pages.html([card, audit(GOOD)]))


def test_markdown_keeps_code_in_code(here):
    text = audit(HOSTILE).markdown()
    text.encode("utf-8")
    outside = re.sub(r"(`{3,}).*?\n\1|(`+).*?\2", "", text, flags=re.S)
    assert "<script>" not in outside and "](javascript" not in outside


def test_json_has_stable_keys_and_says_all(here):
    data = json.loads(audit(FAULTS["date"]).json())
    assert list(data) == ["title", "source", "template", "sha256", "stars", "tier", "dialect", "deductions", "facts",
                          "losses", "forgeries", "difference", "others", "example", "error", "for", "against"]
    (one,) = data["deductions"]
    assert list(one) == ["points", "name", "why", "evidence"] and data["stars"] == 5 - one["points"]
    assert list(json.loads(audit("").json())) == list(data)


def test_the_card_of_the_arena(here):
    card = audit(FAULTS["calls without a marker"]).card()
    assert list(card) == ["title", "stars", "facts", "for", "against"]
    assert card["stars"] == 4 and card["against"][0].startswith("★ calls without a marker: {")
    assert all(isinstance(name, str) and isinstance(value, str) for name, value in card["facts"])


def test_audit_is_a_function_of_the_package_whatever_is_imported():
    import toolglot.audit.report

    assert toolglot.audit is audit and callable(toolglot.audit)


# -- the command ----------------------------------------------------------------------------------------------------

@pytest.fixture
def files(tmp_path, here):
    return write(tmp_path / "good.jinja", GOOD), write(tmp_path / "date.jinja", FAULTS["date"])


def test_one_source_is_a_card_and_several_a_table(files, run):
    good, date = files
    code, out, err = run("audit", date)
    assert (code, err) == (0, "") and "★★★★☆" in out and "date: Today: 31 January 2025 (of the clock)" in out
    assert "\x1b" not in out
    code, out, _ = run("audit", good, date)
    assert code == 0 and len(out.splitlines()) == 2 and out.splitlines()[1].endswith("date -1")


def test_each_form(files, run, tmp_path):
    good, date = files
    assert json.loads(run("audit", good, "--as", "json")[1])["stars"] == 5
    assert [c["stars"] for c in json.loads(run("audit", good, date, "--as", "json")[1])] == [5, 4]
    assert run("audit", good, "--as", "markdown")[1].startswith("# good ★★★★★")
    assert run("audit", good, date, "--as", "markdown")[1].startswith("| template | stars |")
    assert run("audit", good, "--as", "html")[1].startswith("<!doctype html>")
    for name, begins in (("a.html", "<!doctype"), ("a.md", "# good"), ("a.json", "{"), ("a.txt", "good  ★")):
        assert run("audit", good, "-o", tmp_path / name)[:2] == (0, "")
        assert (tmp_path / name).read_text(encoding="utf-8").startswith(begins), name
    code, _, err = run("audit", good, "-o", tmp_path / "no/such/place.html")
    assert code == 2 and "no/such/place.html: No such file" in err


def test_exit_codes(files, run, tmp_path):
    good, date = files
    assert run("audit", good, date, "--fail-under", 4)[0] == 0
    assert run("audit", good, date, "--fail-under", 5)[0] == 1
    code, out, err = run("audit", write(tmp_path / "no.jinja", "{% if %}"))
    assert code == 1 and "not rated" in out and "line 1" in err
    code, out, err = run("audit", good, "no-such-thing")
    assert code == 2 and "★★★★★" in out and err.startswith("toolglot: no-such-thing: expected a Jinja template")
    assert run("audit", "no-such-thing")[0] == 2
    assert run("audit", good, "--template", "x")[0] == 2


def test_all_templates_of_a_source(run, tmp_path, here):
    path = write(tmp_path / "tokenizer_config.json", {"chat_template": NAMED[:2]})
    assert [c["template"] for c in json.loads(run("audit", path, "--all", "--as", "json")[1])] == ["tool_use", "default"]
    assert json.loads(run("audit", path, "--template", "default", "--as", "json")[1])["stars"] == 2


@pytest.mark.parametrize("columns", ["40", "120"])
def test_the_terminal_narrow_and_wide(files, columns, monkeypatch):
    from toolglot.cli.auditing import _show
    from toolglot.cli.screen import Screen

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("TERM", "xterm-256color")
    out = Terminal()
    _show([audit(HOSTILE)], Screen(out))
    lines = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue()).splitlines()
    assert out.getvalue() != "\n".join(lines) and "\x1b[31m\ud800" not in out.getvalue()
    table = lines[lines.index(next(line for line in lines if line.startswith("tools"))):]
    assert max(map(len, table[:8])) <= int(columns)
