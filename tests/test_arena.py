"""The arena without a browser: what its page is told of every dialect, and what stands before it."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("starlette", reason="the server needs its extra: pip install 'toolglot[serve]'")
pytest.importorskip("jsonschema_rs", reason="the server needs its extra: pip install 'toolglot[serve]'")

import toolglot
from toolglot import cli
from toolglot.arena.examples import EXAMPLES, MODELS, samples
from toolglot.arena.files import POLICY, files
from toolglot.arena.prompts import ENGINE, prompts
from toolglot.arena.reading import reading
from toolglot.arena.start import start, table
from toolglot.arena.typed import place_of, typed
from toolglot.audit.probes import NOTE as TALK
from toolglot.audit.probes import NOTE_TOOL as TOOL
from toolglot.describe import PROBES, cannot, report
from toolglot.engines.scripted import Scripted, ScriptedChat
from toolglot.message import Call
from toolglot.registry import cards, dialects
from toolglot.serve import app as serve
from toolglot.serve.gate import gated
from toolglot.serve.settings import Settings, is_trusting
from wire_exchanges import application, ask, asking, one

EVERY = sorted(dialects())
every_dialect = pytest.mark.parametrize("name", EVERY)
TOOLS = json.dumps([TOOL])
FRAME = "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}[assistant]"
PARIS = Call("get_current_temperature", {"location": "Paris, France"})


def asked(*models: Any, example: int = 0, **more: Any) -> dict[str, Any]:
    talk = EXAMPLES[example]
    columns = [{"model": m} if isinstance(m, str) else m for m in models]
    return {"columns": columns, "messages": json.dumps(talk["messages"]), "tools": json.dumps(talk["tools"]), **more}


def read(name: str, text: str, size: int | None = None, **more: Any) -> dict[str, Any]:
    return reading({"column": {"model": name}, "tools": TOOLS, "text": text, "size": size, **more})


# -- prompts ---------------------------------------------------------------------------------------------------


@every_dialect
def test_a_column_is_the_model_s_prompt_in_pieces(name: str) -> None:
    for example, talk in enumerate(EXAMPLES):
        shown, _ = prompts(asked(name, example=example, today="2025-01-31"))
        column = shown["columns"][0]
        text = str(toolglot.model(name).prompt(talk["messages"], talk["tools"], today="2025-01-31"))
        assert "".join(piece[0] for piece in column["pieces"]) == text
        assert column["characters"] == len(text) == sum(column["sizes"].values())
        assert {kind for _, _, kind, *_ in column["pieces"]} <= start()["kinds"].keys()
        assert all(a[1:] != b[1:] for a, b in zip(column["pieces"], column["pieces"][1:], strict=False))


def test_the_models_of_the_note_can_be_chosen_and_all_columns_come_at_once() -> None:
    shown, _ = prompts(asked(*MODELS))
    assert [column["name"] for column in shown["columns"]] == [
        "qwen3", "llama3.1", "hermes", "llama4", "mistral-nemo", "deepseek-v3", "deepseek-v3.1", "gemma-3", "grok-2"]
    first = shown["columns"][0]["card"]
    assert first["stars"] == 5 and first["title"] == "qwen3" and dict(first["facts"])["tools"].startswith("as JSON")
    assert dict(shown["columns"][2]["card"]["facts"])["found"] == "by `hermes-3` in the name"


def test_ten_columns_take_little_time() -> None:
    body = asked(*MODELS, "qwen3-coder", example=2)
    prompts(body)                                        # what is made once, is made
    best = min(_seconds(lambda: prompts(body)) for _ in range(5))
    assert best < 0.02, f"{best * 1000:.1f} ms"


def _seconds(work: Any) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def test_a_column_that_cannot_be_shown_says_why_and_the_others_are_shown() -> None:
    shown, _ = prompts(asked("qwen3", "nonsense-9", {"template": "{% for %}"}, ENGINE, "hermes"))
    errors = [column.get("error", "") for column in shown["columns"]]
    assert [bool(one) for one in errors] == [False, True, True, True, False]
    assert "nonsense-9" in errors[1] and "chat template" in errors[2] and "no engine" in errors[3]


def test_a_chat_template_is_a_column_and_runs_only_for_who_may() -> None:
    shown, _ = prompts(asked({"template": FRAME}))
    assert shown["columns"][0]["name"] == "json" and shown["columns"][0]["pieces"][0][0] == "[system] "
    refused, _ = prompts(asked({"template": FRAME}), templates=False)
    assert "strangers" in refused["columns"][0]["error"]
    assert not is_trusting(Settings(host="0.0.0.0", allow_no_key=True)) and is_trusting(Settings())
    assert is_trusting(Settings(host="0.0.0.0", keys_file="keys.txt"))


def test_repaired_prompts_and_reasoning_are_asked_for() -> None:
    plain, other = (prompts(asked("qwen3", thinking=thinking))[0]["columns"][0] for thinking in (None, False))
    assert plain["pieces"] != other["pieces"]
    name = next(name for name, card in cards().items() if card.dialect.repaired)
    pieces = [prompts(asked(name, prompts=form, example=n))[0]["columns"][0]["pieces"]
              for form in ("faithful", "repaired") for n in range(4)]
    assert pieces[:4] != pieces[4:]


# -- what is typed ---------------------------------------------------------------------------------------------

JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3))


@given(JSON, st.data(), st.sampled_from([None, 1]))
def test_the_place_of_a_value_is_where_it_stands(value: Any, data: Any, indent: int | None) -> None:
    text, path, inner = json.dumps(value, indent=indent, ensure_ascii=False), [], value
    while isinstance(inner, (list, dict)) and inner and data.draw(st.booleans()):
        step = data.draw(st.sampled_from(range(len(inner)) if isinstance(inner, list) else sorted(inner)))
        path.append(step)
        inner = inner[step]
    begin, end = place_of(text, path)
    assert json.loads(text[begin:end]) == inner
    assert place_of(text, [*path, "no such member"]) == (begin, end) or isinstance(inner, dict)


@pytest.mark.parametrize(("messages", "tools", "field", "line", "at", "said"), [
    ('[{"role": "user", "content": "Hi"},\n {"role": "usr"}]', "", "messages", 2, '"usr"', "messages[1].role: expected"),
    ('[{"role": "user"}]', "", "messages", 1, '{"role": "user"}', "messages[0].content: expected text"),
    ('[\n"Hi\n', "", "messages", 2, "\n", "Invalid control character"),
    ("", "", "messages", 1, "", "expected JSON"),
    ("{}", "", "messages", 1, "{}", "expected a list"),
    ("[]", '[{"name": "f",}]', "tools", 1, ",", "a comma stands before the closing bracket"),
    ("[]", "[{'name': 'f'}]", "tools", 1, "'", "JSON's quotes are double"),
    ("[]", '[{"name": "é", "parameters": {\n"type": "string"}}]', "tools", 2, '"string"', 'expected "object"'),
    ("[]", "[" * 100_000, "tools", 1, "", "nested too deeply"),
    ("[]", "[" + "1" * 5000 + "]", "tools", 1, "", "tools"),
])
def test_what_is_wrong_is_said_at_its_place(messages: str, tools: str, field: str, line: int, at: str, said: str) -> None:
    wrong = typed(messages, tools).wrong
    assert len(wrong) == 1 and (wrong[0].field, wrong[0].line) == (field, line) and said in wrong[0].message
    text = messages if field == "messages" else tools
    assert text[wrong[0].start:wrong[0].end] in (at, "") if len(text) > 999 else text[wrong[0].start:wrong[0].end] == at
    assert prompts({"columns": [{"model": "qwen3"}], "messages": messages, "tools": tools})[0]["columns"] == []


# -- reading ---------------------------------------------------------------------------------------------------


@every_dialect
def test_an_example_is_read_as_it_says_in_pieces_of_any_size(name: str) -> None:
    said = samples(dialects()[name])
    assert said[0][0] == "a call" and said[-1][0] == "a call in Markdown"
    for title, text in said:
        astray = title in ("a call in Python", "a call in Markdown")
        whole = toolglot.model(name).parse(text, [TOOL], rescue=astray)
        for size in (1, 4, None):
            found = read(name, text, size, rescue=astray)
            assert "".join(stretch[0] for stretch in found["stretches"]) == text
            assert found["reply"]["calls"] == [{"name": c.name, "arguments": c.arguments, **({"id": c.id} if c.id else {})}
                                               for c in whole.calls], title
            assert [at for at, _ in found["steps"]] == sorted(at for at, _ in found["steps"])
            assert all(known <= len(text) + 1 for *_, known in found["stretches"])
        calls = {"words": 0, "two calls": 2, "a call that is cut short": 0}.get(title, 1)
        assert len(whole.calls) == calls, title
        if title == "a call that is cut short":
            assert found["marks"][-1]["what"] == "problem"
        elif not astray:                                 # which some formats read by themselves
            assert not found["marks"], title


def test_problems_and_repairs_stand_at_their_place() -> None:
    text = 'Well. <tool_call>\n{"name": "get_current_temperature", "arguments": {"a": 5x}}\n</tool_call> Yes.'
    found = read("qwen3", text, 3)
    mark = found["marks"][0]
    assert mark["what"] == "problem" and text[mark["at"]] == "5"
    assert text[mark["start"]:mark["end"]].startswith("<tool_call>")
    assert mark["fed"] >= mark["at"] and str(mark["at"]) in mark["words"]
    text = "Sure:\n```json\n{'name': 'get_current_temperature', 'arguments': {'location': 'Paris'}}\n```"
    mends = read("qwen3", text, rescue=True)["marks"]
    assert {mark["what"] for mark in mends} == {"repair"} and text[mends[0]["start"]:mends[0]["end"]] == "```json"


def test_what_cannot_be_read_is_said() -> None:
    assert reading({"column": {"model": "no-such"}, "tools": "", "text": ""})["wrong"][0]["field"] == "column"
    assert read("qwen3", "Hi.", None) == read("qwen3", "Hi.", 100) | {"size": 3}
    assert reading({"column": {"model": "qwen3"}, "tools": "[", "text": ""})["wrong"][0]["field"] == "tools"
    assert read("qwen3", "")["reply"]["content"] == ""
    assert reading({"column": {"model": "qwen3"}, "tools": "", "text": "f(1)", "rescue": True})["reply"]["calls"] == []


# -- reports ---------------------------------------------------------------------------------------------------


def test_the_table_has_every_dialect_and_what_it_cannot_say() -> None:
    rows = {row["name"]: row for row in table()}
    assert sorted(rows) == EVERY and all(1 <= row["stars"] <= 5 and row["call"] for row in rows.values())
    lack = "reasoning apart from words"
    assert lack in rows["llama3.1"]["cannot"] and lack not in rows["qwen3"]["cannot"]
    said = {what for row in rows.values() for what in row["cannot"]}
    assert said <= {what for what, _ in PROBES} and len(said) >= 5
    assert {row["name"] for row in rows.values() if "words before a call" in row["cannot"]} == {
        name for name, dialect in dialects().items() if dialect.calls.at_start}


@every_dialect
def test_a_report_is_whole(name: str) -> None:
    card = report(cards()[name])
    facts = dict(card.facts)
    assert {"models", "tools", "calls", "ids", "reasoning", "verified"} <= facts.keys() and all(facts.values())
    assert card.cannot == cannot(dialects()[name]) and card.rating.startswith(cards()[name].tier)


# -- over HTTP -------------------------------------------------------------------------------------------------


def served(**settings: Any) -> Any:
    engine = Scripted([lambda request: toolglot.model("qwen3").write([PARIS]) if request.constraint else "It is warm."] * 9)
    return application(engine, toolglot.model("qwen3"), **settings)


def post(path: str, body: Any, app: Any = None) -> tuple[int, Any]:
    status, _, raw = ask(app or served(), path, body)
    return status, json.loads(raw)


def test_the_page_says_what_it_may_load() -> None:
    paths = sorted(files())
    got = asyncio.run(asking(served(), [("GET", path, None) for path in paths]))
    assert "/" in paths and all(status == 200 for status, *_ in got)
    for path, (_, headers, raw) in zip(paths, got, strict=True):
        assert headers["content-security-policy"] == POLICY and "unsafe" not in POLICY and "default-src 'none'" in POLICY
        assert headers["x-content-type-options"] == "nosniff" and headers["content-type"].split(";")[0] in (
            "text/html", "text/css", "text/javascript", "image/svg+xml"), path
        text = raw.decode()
        assert "http://" not in text.replace("http://www.w3.org/2000/svg", "").replace("http://127.0.0.1", "")
        assert "https://" not in text and "innerHTML" not in text
    assert ask(served(), "/arena/none.js", None, "GET")[0] == 404


def test_a_browser_that_has_a_file_is_told_so() -> None:
    async def two() -> Any:
        app = served()
        async with app.router.lifespan_context(app):
            _, headers, _ = await one(app, "GET", "/", None)
            return await one(app, "GET", "/", None, if_none_match=headers["etag"])

    assert asyncio.run(two())[::2] == (304, b"")


def test_tokens_are_counted_where_the_engine_speaks_the_dialect() -> None:
    status, shown = post("/arena/prompt", asked(ENGINE, "qwen3", "hermes"))
    counts = [column.get("tokens") for column in shown["columns"]]
    assert status == 200 and counts[0] == counts[1] and counts[0]["by"] == "scripted" and counts[0]["count"] > 9
    assert counts[2] is None and shown["columns"][2]["characters"] > 9
    begun = json.loads(ask(served(), "/arena/start", None, "GET")[2])
    assert begun["engine"] == {"name": "scripted", "context": 8192, "dialect": "qwen3"} and begun["templates"]


@pytest.mark.parametrize(("path", "change", "said"), [
    ("/arena/prompt", {"columns": 5}, "'columns'"), ("/arena/prompt", {"columns": [{}]}, "columns[0]"),
    ("/arena/prompt", {"columns": [{"model": "qwen3"}] * 25}, "at most 24"),
    ("/arena/prompt", {"messages": None}, "'messages'"),
    ("/arena/prompt", {"today": "yesterday"}, "'today'"), ("/arena/prompt", {"prompts": "mended"}, "'prompts'"),
    ("/arena/parse", {"text": "x" * 30_001}, "at most 30000"), ("/arena/parse", {"size": 0}, "'size'"),
    ("/arena/ask", {"choice": "perhaps"}, "'choice'"), ("/arena/ask", {"max_tokens": 10**9}, "'max_tokens'"),
])
def test_a_body_of_another_shape_is_refused(path: str, change: dict[str, Any], said: str) -> None:
    body = {**asked("qwen3"), "column": {"model": "qwen3"}, "text": "Hi.", **change}
    status, answer = post(path, body)
    assert status == 400 and said in answer["error"]["message"]


def events(raw: bytes) -> list[tuple[str, Any]]:
    found = []
    for block in raw.decode().strip().split("\n\n"):
        kind, data = block.split("\n")
        found.append((kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def test_an_answer_is_held_to_the_tools_or_not() -> None:
    held, free = (events(ask(served(), "/arena/ask", asked(constrain=constrain))[2]) for constrain in (True, False))
    assert held[0][0] == "prompted" and held[0][1]["notation"] == "lark" and PARIS.name in held[0][1]["rules"]
    assert held[-1][1]["reply"]["calls"] == [{"name": PARIS.name, "arguments": PARIS.arguments}]
    assert not held[-1][1]["broken"]
    assert free[0][1]["notation"] is None and free[-1][1]["reply"]["content"] == "It is warm."
    for answer in (held, free):
        text = "".join(stretch[0] for kind, data in answer if kind != "prompted" for stretch in data["stretches"])
        assert text == answer[-1][1]["text"] and answer[-1][0] == "replied"


def test_an_answer_of_a_chat_api_has_no_constraint() -> None:
    app = application(ScriptedChat([["It is ", "warm."]]), None)
    found = events(ask(app, "/arena/ask", asked())[2])
    assert "held to nothing" in found[0][1]["unheld"] and found[-1][1]["reply"]["content"] == "It is warm."


def test_an_answer_that_cannot_be_says_why() -> None:
    broken = events(ask(served(), "/arena/ask", {**asked(), "messages": "[{"})[2])
    assert broken[0][0] == "error" and broken[0][1]["line"] == 1
    silent = events(ask(application(Scripted([]), toolglot.model("qwen3")), "/arena/ask", asked())[2])
    assert silent[-1][0] == "error" and "the script has 0 replies" in silent[-1][1]["message"]
    status, answer = post("/arena/ask", asked(), _Alone())
    assert status == 404 and "no engine" in answer["error"]["message"]


class _Alone:
    """The arena without an engine, as `asking` wants an application."""

    def __init__(self) -> None:
        self.app = serve.alone(Settings())
        self.router = self.app.router

    async def __call__(self, *given: Any) -> None:
        await self.app(*given)


def test_without_an_engine_prompts_and_readings_are_shown() -> None:
    status, shown = post("/arena/prompt", asked("qwen3"), _Alone())
    assert status == 200 and shown["columns"][0]["name"] == "qwen3" and "tokens" not in shown["columns"][0]
    status, found = post("/arena/parse", {"column": {"model": "qwen3"}, "tools": "", "text": "Hi."}, _Alone())
    assert status == 200 and found["reply"]["content"] == "Hi."
    assert json.loads(ask(_Alone(), "/arena/start", None, "GET")[2])["engine"] is None
    assert ask(_Alone(), "/v1/models", None, "GET")[0] == 404


def test_files_need_no_key_and_what_the_page_asks_does() -> None:
    async def all_of(page: bool) -> Any:
        app = served()
        async with app.router.lifespan_context(app):
            gate = gated(app, Settings(page=page), ("sk-one",))
            paths = [("GET", "/"), ("GET", "/arena/main.js"), ("GET", "/arena/start"), ("POST", "/arena/prompt")]
            bodies = [asked() if method == "POST" else None for method, _ in paths]
            bare, keyed = [[(await one(gate, *path, body, **key))[0] for path, body in zip(paths, bodies, strict=True)]
                           for key in ({}, {"authorization": "Bearer sk-one"})]
            evil = {"origin": "http://evil.example"}
            return bare, keyed, (await one(gated(app, Settings()), "POST", "/arena/prompt", asked(), **evil))[0]

    assert asyncio.run(all_of(True)) == ([200, 200, 401, 401], [200] * 4, 403)
    assert asyncio.run(all_of(False))[0] == [401] * 4


def test_the_page_can_be_turned_off() -> None:
    async def opened() -> Any:
        raise AssertionError

    paths = {getattr(route, "path", "") for route in serve.bare(opened, page=False).routes}
    assert "/v1/models" in paths and not {"/", "/arena/prompt"} & paths


# -- the command -----------------------------------------------------------------------------------------------


def settings_of(*argv: str) -> Settings:
    from toolglot.cli.arguments import read_arguments
    from toolglot.cli.serving import arena_settings

    return arena_settings(read_arguments((cli.arena,), ["arena", *argv]))


def test_the_command_serves_this_machine_alone_and_keeps_nothing() -> None:
    plain = settings_of()
    assert (plain.host, plain.store, plain.port, plain.model) == ("127.0.0.1", "none", 8010, None)
    assert settings_of("--engine", "default").model is None and settings_of("--model", "x.gguf").model == "x.gguf"
    found = settings_of("--engine", "http://127.0.0.1:9", "--model", "qwen3:8b", "--api", "ollama", "--port", "0")
    assert (found.upstream, found.upstream_model, found.api, found.port) == ("http://127.0.0.1:9", "qwen3:8b", "ollama", 0)
    with pytest.raises(toolglot.ToolglotError, match="one of the two"):
        settings_of("--engine", "a.gguf", "--model", "b.gguf")


def test_the_example_of_the_page_is_that_of_the_documentation() -> None:
    assert EXAMPLES[0]["messages"] == TALK and EXAMPLES[0]["tools"] == [TOOL] and "return" in TOOL["function"]
