"""What a chat API replies, in the shape of Chat Completions: its chunks -> events.

The one rule: servers differ, and nothing that they send is lost. Events are well nested whatever the order of the
chunks; arguments are read as they are everywhere (`encodings.json_object`), and a call that is not whole is a Problem.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from typing import Any

from ..cursor import Cursor, EndOfText, Mismatch
from ..encodings import json_object
from ..message import CallArgs, CallEnd, CallStart, Event, Problem, Reasoning, Text
from . import Finish

REASONING = ("reasoning_content", "reasoning")           # DeepSeek, SGLang, llama.cpp; vLLM, OpenRouter, Groq
FINISH: Mapping[str, Finish] = {"length": "length", "max_tokens": "length", "model_length": "length",
                                "content_filter": "filtered"}


class Deltas:
    """Reads one reply, in chunks or whole: `feed` gives events, `close` the rest; `fold` of them is the reply.

    Servers mix what events may not: the fragments of parallel calls, words and calls. What came first is told as it
    comes, the rest waits in line. Offsets count the characters of words and arguments in the order they are told.
    """

    def __init__(self) -> None:
        self.finish: str | None = None                   # as the server puts it
        self.usage: Mapping[str, Any] = {}
        self.reasoning: str | None = None                # the field that reasoning came in
        self.extras: dict[str, Any] = {}                 # what came with calls, by their ids
        self._line: deque[_Words | _Call | Problem] = deque()
        self._calls: list[_Call] = []
        self._at: dict[int, _Call] = {}                  # the latest call of each index
        self._told, self._index = 0, 0

    def feed(self, chunk: Mapping[str, Any]) -> list[Event]:
        self.usage = chunk.get("usage") or self.usage
        for choice in chunk.get("choices") or ():
            if not choice.get("index"):                  # none but the first was asked for
                self._take(choice.get("delta") or choice.get("message") or {})
                self.finish = choice.get("finish_reason") or self.finish
        return self._tell()

    def close(self) -> list[Event]:
        return self._tell(over=True)

    @property
    def done(self) -> Finish:
        return FINISH.get(self.finish or "", "stop")

    def _take(self, delta: Mapping[str, Any]) -> None:
        field = next((field for field in REASONING if delta.get(field)), None)
        if field:
            self.reasoning = field
            self._say(Reasoning, delta[field])
        content = delta.get("content") or ""
        for part in [{"text": content}] if isinstance(content, str) else content:
            thought = part.get("thinking")               # Mistral: a list of parts, some of them thoughts
            self._say(Reasoning, thought if isinstance(thought, str) else "".join(p["text"] for p in thought or ()))
            self._say(Text, part.get("text") or "")
        self._say(Text, delta.get("refusal") or "")
        for fragment in delta.get("tool_calls") or ():
            self._join(fragment)
        if function := delta.get("function_call"):       # as it was before there were tools
            self._join({"function": function})

    def _say(self, kind: type[Text] | type[Reasoning], text: str) -> None:
        if not text:
            return
        if not (self._line and isinstance(last := self._line[-1], _Words) and last.kind is kind):
            self._line.append(last := _Words(kind))
        last.new.append(text)

    def _join(self, fragment: Mapping[str, Any]) -> None:
        """A fragment goes to its call, which it may begin."""
        function = fragment.get("function") or {}
        id, index, name = fragment.get("id") or "", fragment.get("index"), function.get("name") or ""
        text = function.get("arguments")
        if not isinstance(text, str):                    # some send the object itself
            text = "" if text is None else json.dumps(text, ensure_ascii=False)
        if isinstance(index, int):
            call = self._at.get(index)
        else:
            call = next((c for c in self._calls if id and c.id == id), self._calls[-1] if self._calls else None)
        if call is None or _another(call, id, name, text):
            call = _Call()
            self._calls.append(call)
            self._line.append(call)
        if isinstance(index, int):
            self._at[index] = call
        call.name = call.name or name
        if not call.id and all(c.id != id for c in self._calls):
            call.id = id
        if call.id and (extra := fragment.get("extra_content")):     # Gemini's signature of its thoughts
            self.extras[call.id] = extra
        if call.over and text.strip():
            self._line.append(Problem("malformed", self._told, "no more arguments", repr(text[:20]), text, call.name))
        else:
            call.feed(text)

    def _tell(self, over: bool = False) -> list[Event]:
        """What is certain, in order. `over`: nothing more comes."""
        out: list[Event] = []
        while self._line:
            first, waits = self._line[0], len(self._line) > 1
            match first:
                case _Words():
                    if text := first.take():
                        out.append(first.kind(text))
                        self._told += len(text)
                    if not (over or waits):
                        break
                case _Call():
                    if over:
                        first.close(self.done != "stop")
                    self._begin(first, out)
                    if first.began and (text := first.take()):
                        out.append(CallArgs(first.began.index, text))
                    if not (over or (waits and first.whole and not first.wrong and first.began)):
                        break
                    out += first.end(self._told)
                    self._told += len(first.raw)
                case Problem():
                    out.append(first)
            self._line.popleft()
        return out

    def _begin(self, call: _Call, out: list[Event]) -> None:
        if call.name and call.began is None:
            call.began = CallStart(self._index, call.name, call.id or None)
            self._index += 1
            out.append(call.began)


def _another(call: _Call, id: str, name: str, text: str) -> bool:
    """Whether a fragment that could belong to `call` begins another. Some servers give every call the index 0, or
    none, and some repeat id and name in every fragment, or make up an id for each."""
    if not (name and call.name):
        return False
    return name != call.name or (bool(id and call.id) and id != call.id) or (
        call.whole and bool(text) and not (id and id == call.id))


class _Words:
    def __init__(self, kind: type[Text] | type[Reasoning]) -> None:
        self.kind, self.new = kind, list[str]()

    def take(self) -> str:
        """What is new."""
        text = "".join(self.new)
        self.new.clear()
        return text


class _Call:
    """One call as its fragments come. `whole`: its arguments are one JSON object; `wrong`: why they are not."""

    def __init__(self) -> None:
        self.id, self.name = "", ""
        self.began: CallStart | None = None
        self.whole = self.over = False
        self.wrong: Mismatch | None = None
        self._text: list[str] = []
        self._new: list[str] = []
        self._cursor = Cursor()
        self._reading = json_object(self._cursor, self._new.append)

    @property
    def raw(self) -> str:
        return "".join(self._text)

    def feed(self, text: str) -> None:
        self._text.append(text)
        if text and not self.wrong:
            self._cursor.feed(text)
            self._read()

    def _read(self) -> None:
        cursor = self._cursor
        try:
            if not self.whole:
                next(self._reading)
        except StopIteration:
            self.whole = True
        except Mismatch as error:
            self.wrong = error
        if self.whole and (rest := cursor.buf[cursor.pos:].lstrip()):
            self.wrong = Mismatch("malformed", "the end of the arguments", repr(rest[:20]))

    def close(self, cut: bool) -> None:
        """Nothing more comes. No arguments at all are none, but for a reply that was `cut`."""
        if not self.raw.strip():
            self.wrong = EndOfText("a JSON object") if cut else None
            self.whole = not cut
            self._new[:] = [] if cut else ["{}"]
        elif not (self.whole or self.wrong):
            self._cursor.eof = True
            self._read()

    def take(self) -> str:
        """What is new of the arguments."""
        text = "".join(self._new)
        self._new.clear()
        return text

    def end(self, told: int) -> list[Event]:
        """`told`: the characters before it."""
        self.over = True
        if not self.began:
            raw = self.raw or self.id
            return [Problem("malformed", told, "the name of a function", "none", raw)] if raw else []
        problem = None
        if wrong := self.wrong:
            at = told + (self._cursor.offset if wrong.at is None else wrong.at)
            problem = Problem(wrong.kind, at, wrong.expected, wrong.found, self.raw or self.name, self.name)
        elif note := self._cursor.note:
            problem = Problem(note[0], told + note[3], note[1], note[2], "", self.name)
        late = self.id if self.id != (self.began.id or "") else None
        return [CallEnd(self.began.index, problem, late)]
