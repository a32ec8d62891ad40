"""The arena's page in a real browser: Debian's chromium, driven by Playwright."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files as resources
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="the server needs its extra: pip install 'toolglot[serve]'")
pytest.importorskip("jsonschema_rs", reason="the server needs its extra: pip install 'toolglot[serve]'")
pytest.importorskip("playwright.sync_api", reason="a browser is driven by playwright: pip install playwright")

import uvicorn
from playwright import sync_api as playwright

import toolglot
from toolglot.engines.scripted import Scripted
from toolglot.message import Call
from toolglot.registry import dialects
from toolglot.serve import app as serve
from toolglot.serve.gate import gated
from toolglot.serve.service import Policy, Service
from toolglot.serve.settings import Settings

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium: apt-get install chromium")
QWEN = toolglot.model("qwen3")
CALL = QWEN.write([Call("get_current_temperature", {"location": "Paris, France"})])
WORDS = "Sure! get_current_temperature(location='Paris, France')"
KEY = "sk-arena"


def script(request: Any) -> list[Any]:
    if "take your time" in "".join(piece.text for piece in request.prompt):
        return ["Hm", 60, "."]
    text = CALL if request.constraint else WORDS
    return [text[i:i + 5] for i in range(0, len(text), 5)]


@contextmanager
def listening(app: Any) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="on", ws="none"))
    thread = threading.Thread(target=asyncio.run, args=(server.serve(),), daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join(5)


ENGINE = Scripted([script] * 99, delay=0.01)


async def opened() -> serve.Served:
    return serve.Served(Service(ENGINE, QWEN, Policy(), ("scripted",)), None, Settings())


@pytest.fixture(scope="module")
def place() -> Iterator[str]:
    with listening(gated(serve.bare(opened), Settings())) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as p:
        found = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield found
        found.close()


class Watched:
    """A page, and what it did that it must not do: errors, and requests of another place."""

    def __init__(self, browser: Any, url: str, **context: Any) -> None:
        size = {"viewport": {"width": 1440, "height": 900}}
        self.context = browser.new_context(reduced_motion="reduce", **(size | context))
        self.page, self.url = self.context.new_page(), url
        self.faults: list[str] = []
        self.page.on("console", lambda m: self.faults.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda r: None if r.url.startswith((url, "data:")) else self.faults.append(r.url))

    def open(self, fragment: str = "") -> Any:
        self.page.goto(self.url + fragment)
        self.page.wait_for_selector("body.ready")
        return self.page


@pytest.fixture
def watched(browser: Any, place: str, request: pytest.FixtureRequest) -> Iterator[Watched]:
    one = Watched(browser, place, **getattr(request, "param", {}))
    yield one
    one.context.close()
    assert one.faults == []


playwright.expect.set_options(timeout=20_000)            # on a machine that does other things too
expect = playwright.expect


def test_it_begins_with_the_note_s_example_side_by_side(watched: Watched) -> None:
    page = watched.open()
    expect(page.locator("article.column")).to_have_count(3)             # the engine's model, and two of the note's
    assert "get_current_temperature" in page.locator("#tools").input_value()
    assert page.locator("article pre").nth(1).text_content() is not None
    shown = page.evaluate("Array.from(document.querySelectorAll('article:nth-child(2) pre > span'), "
                          "s => s.lastChild.data).join('')")
    messages, tools = (json.loads(page.locator(f"#{name}").input_value()) for name in ("messages", "tools"))
    assert shown == str(toolglot.model("qwen3").prompt(messages, tools))
    expect(page.locator("article").first.locator(".counts")).to_contain_text("tokens")
    expect(page.locator("article").nth(2).locator(".counts")).to_contain_text("tokens not known")
    expect(page.locator("#rows tr")).to_have_count(len(dialects()))
    page.get_by_role("button", name="all of these").click()
    expect(page.locator("article.column")).to_have_count(10)
    expect(page.locator("article .stars")).to_have_count(20)            # in each head, and in each report


def test_what_a_piece_is_can_be_seen_without_colour(watched: Watched) -> None:
    page = watched.open()
    page.locator("#example").select_option("3")                         # with reasoning, a call and its result
    expect(page.locator("article pre").nth(1)).to_contain_text("22.0")
    messages, tools = (json.loads(page.locator(f"#{name}").input_value()) for name in ("messages", "tools"))
    pieces = toolglot.model("qwen3").prompt(messages, tools).pieces
    shown = page.evaluate("""Array.from(document.querySelectorAll("article:nth-child(2) pre > span"), (one) =>
        [one.lastChild.data, one.dataset.kind, getComputedStyle(one).textDecorationLine === "underline", one.title])""")
    for kind in ("markup", "tools", "content", "reasoning", "call", "result"):
        assert "".join(s[0] for s in shown if s[1] == kind) == "".join(p.text for p in pieces if p.kind == kind) != ""
    assert "".join(s[0] for s in shown if s[2]) == "".join(p.text for p in pieces if p.trained) != ""
    assert all(s[1] in s[3] and ("trained" in s[3]) == s[2] for s in shown)
    expect(page.locator("#legend li")).to_have_count(7)


def test_models_are_added_changed_and_removed_and_one_that_is_none_says_so(watched: Watched) -> None:
    page = watched.open()
    page.locator("#model").fill("mistral-v3")
    page.keyboard.press("Enter")
    last = page.locator("article.column").last
    expect(last.locator("pre")).to_contain_text("[AVAILABLE_TOOLS]")
    last.locator("input").fill("no-such-model")
    page.keyboard.press("Tab")
    expect(last.locator(".wrong")).to_contain_text("no dialect or model is known as 'no-such-model'")
    last.get_by_role("button", name="Remove this column").click()
    expect(page.locator("article.column")).to_have_count(3)
    assert page.evaluate("document.activeElement.tagName") == "INPUT"   # the focus is not lost with the column
    page.locator("#filter").fill("kimi-k2.5")
    expect(page.locator("#count")).to_have_text(f"1 of {len(dialects())}")
    page.locator("#rows tr:not([hidden]) th button").first.click()
    expect(page.locator("article.column").last.locator(".meta")).to_contain_text("kimi-k2.5")


def test_what_is_wrong_stands_at_its_place_and_the_last_good_prompt_stays(watched: Watched) -> None:
    page = watched.open()
    prompt, good = page.locator("article pre").nth(1), page.locator("#messages").input_value()
    before = prompt.text_content()
    page.locator("#messages").fill('[{"role": "user", "content": "Where is the 🌞?"},\n {"role": "usr", "content": "x"}]')
    expect(page.locator("#messages-wrong")).to_contain_text("messages[1].role: expected one of system, developer, user")
    expect(page.locator("#messages")).to_have_attribute("aria-invalid", "true")
    assert page.locator("#messages-editor mark").text_content() == '"usr"' and prompt.text_content() == before
    page.get_by_role("button", name="Go to line 2, column 11").click()
    assert page.evaluate("(({value, selectionStart, selectionEnd}) => value.slice(selectionStart, selectionEnd))"
                         "(document.activeElement)") == '"usr"'
    page.locator("#tools").fill('[{"name": "f",}]')
    expect(page.locator("#tools-wrong")).to_contain_text("a comma stands before the closing bracket")
    page.locator("#messages").fill(good.replace("Paris", "<img src=x onerror=alert(1)> Oslo"))
    page.locator("#tools").fill("")
    expect(page.locator("#tools-wrong")).to_be_empty()
    expect(prompt).to_contain_text("the temperature in <img src=x onerror=alert(1)> Oslo")
    assert page.locator("main img").count() == 0


def test_the_page_reads_what_the_server_says(watched: Watched) -> None:
    page = watched.open()
    read = """async (given) => {
        const named = ["dom", "editor", "state"];
        const [dom, editor, state] = await Promise.all(named.map((name) => import(`/arena/${name}.js`)));
        return [dom.marked(given).map((one) => one.outerHTML ?? one), editor.points("a🌞b", 2),
                (await state.read(await state.written({a: given}))).a, await state.read("#v1=%%"), await state.read("#x")];
    }"""
    given = "a `b|c`, `` `d` `` and ```e``f```; `"
    assert page.evaluate(read, given) == [
        ["a ", "<code>b|c</code>", ", ", "<code>`d`</code>", " and ", "<code>e``f</code>", "; `"], 3, given, None, None]


def test_a_reply_is_read_piece_by_piece(watched: Watched) -> None:
    page = watched.open()
    page.locator("#sample").select_option("words and a call")
    page.locator("#size").fill("7")
    expect(page.locator("#size-said")).to_have_text("7 characters")
    expect(page.locator("#reading")).to_have_attribute("data-size", "7")
    page.locator("#rewind").click()
    expect(page.locator("#events li")).to_have_count(0)
    page.locator("#step").click()
    expect(page.locator("#fed-said")).to_contain_text("7 of")
    expect(page.locator("#events li").first).to_contain_text('Text "Let')
    page.locator("#fed").fill("60")
    expect(page.locator("#read [data-kind=held]")).to_contain_text("<tool_call>")
    page.locator("#play").click()
    expect(page.locator("#reply")).to_contain_text('"location": "Paris, France"')
    expect(page.locator("#events li").last).to_contain_text("CallEnd 0")
    expect(page.locator("#read [data-kind=call]").first).to_contain_text("get_current_temperature")
    page.locator("#size").fill("33")
    expect(page.locator("#events li", has_text="CallArgs")).to_have_count(1)
    page.locator("#output").fill('<tool_call>\n{"name": "get_current_temperature", "arguments": {"location": 🌞')
    expect(page.locator("#marks .problem")).to_contain_text("expected")
    expect(page.locator("#read .pin")).to_have_count(1)
    page.locator("#rescue").check()
    page.locator("#sample").select_option("a call in Markdown")
    expect(page.locator("#marks .repair").first).to_contain_text("wrapper")


def test_the_constrained_answer_stands_beside_the_free_one(watched: Watched) -> None:
    page = watched.open()
    page.keyboard.press("Control+Enter")
    held, free = page.locator(".answer").nth(0), page.locator(".answer").nth(1)
    expect(held.locator(".reply")).to_contain_text('"location": "Paris, France"')
    expect(free.locator(".reply")).to_contain_text("Repairs")
    expect(held.locator("summary")).to_contain_text("The constraint, in lark")
    assert held.locator(".pieces").text_content() is not None
    free.get_by_role("button", name="Read it step by step").click()
    expect(page.locator("#output")).to_have_value(WORDS)


def test_an_answer_is_stopped_and_the_engine_with_it(watched: Watched) -> None:
    page = watched.open()
    page.locator("#messages").fill('[{"role": "user", "content": "Please, take your time."}]')
    page.locator("#messages").press("Control+Enter")
    expect(page.locator(".answer .pieces").nth(1)).to_contain_text("Hm")
    before = ENGINE.cancelled
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".answer .counts").nth(1)).to_have_text("Stopped.")
    for _ in range(200):
        if ENGINE.cancelled == before + 2:
            break
        time.sleep(0.05)
    assert ENGINE.cancelled == before + 2
    expect(page.get_by_role("button", name="Ask")).to_be_enabled()


def test_a_link_holds_what_is_shown_and_no_template_of_a_stranger_runs(watched: Watched) -> None:
    page = watched.open()
    page.locator("#template").click()
    page.keyboard.insert_text("{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<me>")
    expect(page.locator("article.column").last.locator("pre")).to_contain_text("<system>")
    page.locator("#messages").fill('[{"role": "user", "content": "Ça va?"}]')
    page.locator("#share").click()
    expect(page).to_have_url(re.compile("#v1=.{99}"))
    fragment = page.evaluate("location.hash")
    other = Watched(watched.page.context.browser, watched.url)
    asked: list[str] = []
    other.page.on("request", lambda r: asked.append(r.post_data or ""))
    page = other.open(fragment)
    assert page.locator("#messages").input_value() == '[{"role": "user", "content": "Ça va?"}]'
    last = page.locator("article.column").last
    expect(last.locator("textarea")).to_have_value("{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<me>")
    assert not any("{%" in body for body in asked)
    last.get_by_role("button", name="Run it").click()
    expect(last.locator("pre")).to_contain_text("<me>")
    other.context.close()
    assert other.faults == [] and not any(fragment[4:40] in body for body in asked)


def test_the_keyboard_reaches_everything(watched: Watched) -> None:
    page = watched.open()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "prompts"
    page.keyboard.press("Tab")                           # what is behind the link is next
    assert page.evaluate("document.activeElement.id") == "labels"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Space")
    expect(page.locator("article .name").first).to_be_visible()
    for key, place in (("m", "messages"), ("t", "tools"), ("a", "model"), ("f", "filter"), ("r", "reading")):
        page.keyboard.press("Escape")
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.id") == place
    page.keyboard.press("0")
    page.keyboard.press(".")
    expect(page.locator("#fed-said")).to_contain_text("4 of")
    page.keyboard.press("?")
    expect(page.locator("#helping")).to_be_visible()
    expect(page.locator("#shortcuts dt")).to_have_count(13)
    page.locator("#single").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("m")
    assert page.evaluate("document.activeElement.id") != "messages"
    order = []
    for _ in range(400):
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.id || document.activeElement.getAttribute('aria-label')"))
        if order[-1] == "filter":
            break
    assert order[-1] == "filter"


@pytest.mark.parametrize("watched", [
    {"color_scheme": "light"}, {"color_scheme": "dark", "viewport": {"width": 360, "height": 740}}],
    ids=["light", "narrow and dark"], indirect=True)
def test_it_is_accessible_in_every_light_and_width(watched: Watched) -> None:
    pytest.importorskip("axe_playwright_python", reason="axe looks for barriers: pip install axe-playwright-python")
    page = watched.open()
    page.wait_for_selector("#rows tr")
    page.locator("#filter").fill("qwen")                 # one row is as good as another
    page.locator("#cards").check()
    page.locator("#sample").select_option("a call that is cut short")
    page.locator("#marks li").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.evaluate((resources("axe_playwright_python") / "axe.min.js").read_text("utf-8"))
    found = page.evaluate("axe.run()")["violations"]
    assert [(v["id"], v["nodes"][0]["target"], v["nodes"][0]["failureSummary"]) for v in found] == []


@pytest.mark.parametrize("watched", [{"color_scheme": "light"}], indirect=True)
def test_light_and_dark_are_switched_and_kept(watched: Watched) -> None:
    page = watched.open()
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.locator("#theme").click()
    dark = page.evaluate(ground)
    assert light != dark
    page.reload()
    page.wait_for_selector("body.ready")
    assert page.evaluate(ground) == dark
    page.emulate_media(color_scheme="dark")
    page.keyboard.press("d")
    assert page.evaluate(ground) == light


def test_a_key_is_asked_for_once_and_kept_in_the_tab(browser: Any) -> None:
    with listening(gated(serve.alone(Settings()), Settings(), (KEY,))) as url:
        watched = Watched(browser, url)
        page = watched.page
        page.goto(url)
        page.locator("#secret").fill("sk-wrong")
        page.keyboard.press("Enter")
        expect(page.locator("#keying-said")).to_contain_text("none of this server's")
        page.locator("#secret").fill(KEY)
        page.get_by_role("button", name="Use it").click()
        page.wait_for_selector("body.ready")
        expect(page.locator("article pre").first).to_contain_text("<|im_start|>")
        expect(page.locator("#asking-body")).to_contain_text("No engine stands behind this page")
        page.reload()
        page.wait_for_selector("body.ready")
        assert not page.locator("#keying").is_visible()
        assert KEY not in page.evaluate("JSON.stringify(localStorage) + location.href")
        watched.context.close()
        assert all("401" in fault for fault in watched.faults)          # the browser's own words for an answer of 401


def test_a_server_that_is_gone_is_told_of(browser: Any) -> None:
    with listening(gated(serve.alone(Settings()), Settings())) as url:
        watched = Watched(browser, url)
        page = watched.open()
    page.locator("#tools").fill("[]")
    expect(page.locator("#trouble")).to_contain_text("is it still running?")
    expect(page.locator("article pre").first).to_contain_text("<|im_start|>")
    watched.context.close()
