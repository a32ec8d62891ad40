"""The engines that play scripts: exact pieces, exact bytes, delays and faults."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolglot.engines import Chat, ChatRequest, Chunk, Done, Engine, EngineError, PromptPiece, Request
from toolglot.engines.scripted import HANG_UP, Script, Scripted, ScriptedChat
from toolglot.message import Call, CallArgs, CallEnd, CallStart, Reasoning, Reply, Text, User, fold

PROMPT = [PromptPiece("What is the weather?")]


def played(script: Script, *, engine: Any = None, **options: Any) -> tuple[list[str], list[Done]]:
    """The texts of one generation, and its Done, if there is one."""
    engine = engine or Scripted([script], stops="stop" in options)

    async def run() -> list[Any]:
        return [item async for item in engine.generate(Request(PROMPT, **options))]

    items = asyncio.run(run())
    assert all(isinstance(item, Done) == (i == len(items) - 1) for i, item in enumerate(items)) or items == []
    return [item.text for item in items if isinstance(item, Chunk)], [item for item in items if isinstance(item, Done)]


def hung_up(script: Script) -> list[str]:
    """The texts before the reply ends without a Done."""
    async def run() -> list[Any]:
        return [item async for item in Scripted([script]).generate(Request(PROMPT))]

    items = asyncio.run(run())
    assert not any(isinstance(item, Done) for item in items)
    return [item.text for item in items]


def test_pieces_come_as_they_are_and_counts_at_the_end() -> None:
    assert played(["It ", "is", " sunny."]) == (["It ", "is", " sunny."], [Done("stop", 4, 3)])
    assert played("Hello.") == (["Hello."], [Done("stop", 4, 1)])
    assert played([]) == ([], [Done("stop", 4, 0)])


def test_it_is_cut_at_the_limit() -> None:
    assert played(["a", "b", "c"], max_tokens=2) == (["a", "b"], [Done("length", 4, 2)])
    assert played(["a", "b"], max_tokens=2) == (["a", "b"], [Done("stop", 4, 2)])
    assert played(["a", 0.0, "b"], max_tokens=2)[1] == [Done("stop", 4, 2)]       # waiting is no token


def test_bytes_are_joined_into_whole_characters() -> None:
    data = "a☀️b".encode()
    texts, [done] = played([data[i:i + 1] for i in range(len(data))])
    assert texts == ["a", "☀", "\ufe0f", "b"]
    assert done.completion_tokens == len(data)
    assert played([data[:2], "!", data]) == (["a", "\ufffd!", "a☀️b"], [Done("stop", 4, 3)])
    assert played(["a", data[1:3]])[0] == ["a", "\ufffd"]        # the reply ends inside of a character


@given(st.text(max_size=20), st.data())
def test_bytes_may_be_cut_anywhere(text: str, data: st.DataObject) -> None:
    raw = text.encode()
    cuts = sorted(data.draw(st.sets(st.integers(0, len(raw)))) | {0, len(raw)})
    assert "".join(played([raw[a:b] for a, b in pairwise(cuts)])[0]) == text


def test_a_piece_may_be_a_pause() -> None:
    began = time.perf_counter()
    assert played(["a", 0.05, "b"])[0] == ["a", "b"]
    assert time.perf_counter() - began >= 0.05


def test_a_piece_may_be_a_fault() -> None:
    engine, seen = Scripted([["a", EngineError("out of memory"), "b"]]), []

    async def run() -> None:
        async for item in engine.generate(Request(PROMPT)):
            seen.append(item)

    with pytest.raises(EngineError, match="out of memory"):
        asyncio.run(run())
    assert seen == [Chunk("a")]
    assert engine.cancelled == 0


def test_a_piece_may_hang_up() -> None:
    assert hung_up(["a", HANG_UP, "b"]) == ["a"]
    assert hung_up([HANG_UP]) == []


def test_a_script_may_be_a_function_of_the_request() -> None:
    engine = Scripted([lambda request: f"You gave me {request.max_tokens}.", lambda request: lambda again: ["a", "b"]])
    assert played("", engine=engine, max_tokens=7)[0] == ["You gave me 7."]
    assert played("", engine=engine)[0] == ["a", "b"]
    assert [request.max_tokens for request in engine.requests] == [7, 512]


def test_stop_strings_end_a_reply_only_where_that_is_asked() -> None:
    async def run() -> list[Any]:
        return [item async for item in Scripted(["one STOP two"]).generate(Request(PROMPT, stop=("STOP",)))]

    assert asyncio.run(run()) == [Chunk("one STOP two"), Done("stop", 4, 1)]
    assert played("one STOP two", stop=("STOP",)) == (["one "], [Done("stop", 4, 1)])


@pytest.mark.parametrize("stops", [("</end>",), ("</e", "</end>"), ("xx", "/end>", "</end>")])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_a_stop_string_may_be_cut_anywhere(stops: tuple[str, ...], size: int) -> None:
    text = "a < b </ee> </end> and more"
    texts, [done] = played([text[i:i + size] for i in range(0, len(text), size)], stop=stops)
    end = min(at for stop in stops if (at := text.find(stop)) >= 0)
    assert "".join(texts) == text[:end]
    assert done.finish == "stop"
    assert played(["a </en", "d"], stop=("</end>",))[0] == ["a ", "</end"]     # held back, and told in the end


def test_leaving_early_is_counted() -> None:
    async def leave(engine: Scripted) -> None:
        async with aclosing(engine.generate(Request(PROMPT))) as items:
            async for _ in items:
                break

    async def cancel(engine: Scripted) -> None:
        task = asyncio.ensure_future(anext(engine.generate(Request(PROMPT))))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait({task})

    engine = Scripted([["a"] * 9, [30.0, "a"], "a"])
    asyncio.run(leave(engine))
    asyncio.run(cancel(engine))
    assert engine.cancelled == 2
    assert played("", engine=engine)[0] == ["a"]
    assert engine.cancelled == 2


def test_it_is_an_engine_and_the_other_a_chat() -> None:
    assert isinstance(Scripted([]), Engine) and not isinstance(Scripted([]), Chat)
    assert isinstance(ScriptedChat([]), Chat) and not isinstance(ScriptedChat([]), Engine)
    assert asyncio.run(Scripted([]).count_tokens(PROMPT)) == 4
    with pytest.raises(EngineError, match="0 replies"):
        played("", engine=Scripted([]))


# ---------------------------------------------------------------- a chat

def told(script: Script, **options: Any) -> tuple[list[Any], list[Done]]:
    async def run() -> list[Any]:
        return [item async for item in ScriptedChat([script]).converse(ChatRequest([User("Hi")], **options))]

    items = asyncio.run(run())
    return [item for item in items if not isinstance(item, Done)], [item for item in items if isinstance(item, Done)]


def delta(finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"delta": fields, "finish_reason": finish}]}


def calling(arguments: str, finish: str | None = None) -> dict[str, Any]:
    return delta(finish, tool_calls=[{"index": 0, "id": "a", "function": {"name": "f", "arguments": arguments}}])


def test_a_chat_plays_texts_and_events() -> None:
    events = [Reasoning("Hm."), CallStart(0, "f", "a"), CallArgs(0, "{}"), CallEnd(0)]
    assert told("Hello.")[0] == [Text("Hello.")]
    assert told(["Hel", "lo."])[0] == [Text("Hel"), Text("lo.")]
    heard, [done] = told(events)
    assert heard == events and done.finish == "stop" and done.completion_tokens == 4


def test_a_chat_plays_the_chunks_of_a_server() -> None:
    events, [done] = told([delta(reasoning="Hm."), calling('{"a": '), calling("1}"), delta("tool_calls")])
    assert fold(events) == Reply((Reasoning("Hm."), Call("f", {"a": 1}, "a")))
    assert done.finish == "stop"
    assert told([delta(content="a"), delta("content_filter")])[1][0].finish == "filtered"
    assert told([delta(content="a"), HANG_UP, delta("stop")]) == ([Text("a")], [])
    assert told([delta(content="a")]) == ([Text("a")], [])                     # a stream without an end


def test_a_chat_is_cut_at_the_limit() -> None:
    events, [done] = told([calling('{"a": '), calling("1}", "stop")], max_tokens=1)
    assert done.finish == "length"
    assert fold(events).calls == () and fold(events).problems[0].kind == "unfinished"
    assert told(["a", "b"], max_tokens=1)[1][0].finish == "length"


@pytest.mark.parametrize("script", [["a", EngineError("gone")], ["a", 0.01, EngineError("gone")]])
def test_a_chat_plays_faults_and_counts_who_left(script: Sequence[Any]) -> None:
    async def run(chat: ScriptedChat, most: int) -> None:
        async with aclosing(chat.converse(ChatRequest([User("Hi")]))) as items:
            async for _ in items:
                most -= 1
                if not most:
                    return

    chat = ScriptedChat([script, ["a", "b"], lambda request: request.turns[0].text])
    with pytest.raises(EngineError, match="gone"):
        asyncio.run(run(chat, 9))
    assert chat.cancelled == 0
    asyncio.run(run(chat, 1))
    assert chat.cancelled == 1
    asyncio.run(run(chat, 9))
    assert [request.max_tokens for request in chat.requests] == [512] * 3
    chat.close()
    assert chat.closed and chat.cancelled == 1
