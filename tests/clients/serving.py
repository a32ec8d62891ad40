"""The server that other people's clients are tried against: `toolglot serve` as it is, but for the model behind it.

The one rule: the model is told what to write by the last message of the user, so that a test can ask for exact bytes and
say in one place what it expects. It reads the prompt that the server made and writes text, as any model does.

    !think They want the weather.              reasoning
    !say Let me look.                          words
    !call get_weather {"city": "Paris"}        a call; several lines, several parts
    !raw <tool_call>{"name": ...               the text as it is
    !fail                                      the engine fails here
    !busy 429 KEY                              and so, if it is the first time that it sees this KEY
    !then                                      what stands below is written when the results of the calls are there

After the last results it repeats them: `It said: 22 degrees.` To any other message it calls what it must, or a tool
that the message speaks of, with arguments of the tool's schema; or it writes an answer of the schema that is due; or words.

`TOOLGLOT_WRONG="chat: no index"` makes what it sends wrong in one of the ways of `wire.MUTATIONS`: which clients notice?
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from typing import Any

import toolglot
from toolglot.engines import Chunk, Done, EngineError, PromptPiece, Request, Rules, TooLong
from toolglot.engines.http import Refused
from toolglot.engines.scripted import FACTS, Scripted
from toolglot.grammar import Choice, Constraint
from toolglot.message import Call, Part, Reasoning, Text, Tool
from toolglot.serve.app import Served, bare
from toolglot.serve.exchange import App
from toolglot.serve.gate import gated
from toolglot.serve.metrics import Metrics
from toolglot.serve.service import Policy, Service
from toolglot.serve.settings import handed_over, keys_of
from toolglot.serve.store import open_store

NAMES = ("scripted", "scripted-too")
SIZE = 4                                 # characters in a piece, which counts as a token
MODEL = toolglot.model("qwen3")
TURN = re.compile(r"<\|im_start\|>(\w+)\n(.*?)<\|im_end\|>", re.DOTALL)
RESULT = re.compile(r"<tool_response>\n(.*?)\n</tool_response>", re.DOTALL)
WORDS = "It is sunny, \U0001f31e and 3 < 4."


class Told:
    """An engine whose model does as it is told."""

    facts = FACTS

    def __init__(self) -> None:
        self.held: dict[str, Constraint] = {}
        self.seen: set[str] = set()

    def rules(self, constraint: Constraint) -> Rules:
        rules = Rules("lark", constraint.lark(), constraint.unenforced)
        self.held[rules.text] = constraint
        return rules

    def generate(self, request: Request) -> AsyncGenerator[Chunk | Done, None]:
        return Scripted([list(self._pieces(request))]).generate(request)

    async def count_tokens(self, prompt: Sequence[PromptPiece]) -> int:
        return await Scripted([]).count_tokens(prompt)

    def close(self) -> None:
        pass

    def _pieces(self, request: Request) -> Iterator[Any]:
        prompt = "".join(piece.text for piece in request.prompt)
        if (words := len(prompt.split())) >= self.facts.context:
            raise TooLong(words, self.facts.context)
        constraint = self.held[request.constraint.text] if request.constraint else None
        asked, rounds = read(prompt)
        steps = asked.split("\n!then\n") if asked.startswith("!") else []
        results = [result for found in rounds for result in found]
        script = self._script(steps[len(rounds)]) if len(rounds) < len(steps) else [reply(asked, results, constraint)]
        for one in script:
            text = MODEL.write(one) if isinstance(one, list) else one
            yield from [text[i:i + SIZE] for i in range(0, len(text), SIZE)] if isinstance(text, str) else [text]

    def _script(self, asked: str) -> list[Any]:
        """Parts that follow each other are written as one reply."""
        out: list[Any] = []
        for line in asked.splitlines():
            word, _, rest = line.partition(" ")
            match word:
                case "!raw":
                    out.append(rest)
                case "!fail":
                    out.append(EngineError("the engine is gone"))
                case "!busy":
                    status, key = rest.split()
                    if key not in self.seen:
                        self.seen.add(key)
                        out.append(Refused("the engine", int(status), "busy"))
                case _:
                    out = out if out and isinstance(out[-1], list) else [*out, []]
                    out[-1].append(part_of(word, rest))
        return out


def part_of(word: str, rest: str) -> Part:
    if word == "!call":
        name, _, arguments = rest.partition(" ")
        return Call(name, json.loads(arguments or "{}"))
    return Reasoning(rest) if word == "!think" else Text(rest.replace("\\n", "\n"))


def read(prompt: str) -> tuple[str, list[list[str]]]:
    """The last thing that the user said, and the results that came after it, by the replies that called for them."""
    asked, rounds = "", list[list[str]]()
    for role, text in TURN.findall(prompt):
        found = RESULT.findall(text) if role == "user" else []
        if role == "user" and not found:
            asked, rounds = text, []
        elif found:
            rounds.append(found)
    return asked, rounds


def reply(asked: str, results: Sequence[str], held: Constraint | None) -> list[Part]:
    if held is not None and held.answer is not None and (results or not must_call(held.choice)):
        return [Text(json.dumps(Sampler(asked, held.answer).value(held.answer), ensure_ascii=False))]
    if results:
        return [Text(f"It said: {'; '.join(results)}.")]
    calls = [Call(tool.name, Sampler(asked, tool.parameters).value(tool.parameters)) for tool in called(asked, held)]
    return [*calls] or [Text(WORDS)]


def must_call(choice: Choice) -> bool:
    return choice == "required" or (isinstance(choice, Mapping) and choice.get("mode", "required") == "required")


def called(asked: str, held: Constraint | None) -> list[Tool]:
    """The tools that a message speaks of; where none is and one must be, the first."""
    if held is None or held.choice == "none":
        return []
    said = asked.lower()
    spoken = [tool for tool in held.calls if tool.name.lower() in said] or [
        tool for tool in held.calls if any(len(word) > 4 and word in said for word in tool.name.lower().split("_"))]
    return spoken or list(held.calls[:1] if must_call(held.choice) else ())


class Sampler:
    """Makes a value of a schema: numbers and quoted texts are those of the message, in order; another text is the name of
    what it is, and an object of any keys has the quoted ones."""

    def __init__(self, asked: str, root: Any) -> None:
        self.root = root
        self.numbers, self.texts = iter(re.findall(r"\d+", asked)), iter(re.findall(r"'([^']+)'", asked))

    def value(self, schema: Any, name: str = "text") -> Any:
        match schema:
            case {"$ref": str(path)}:
                found = self.root
                for step in path.removeprefix("#/").split("/"):
                    found = found[step]
                return self.value(found, name)
            case {"const": value} | {"enum": [value, *_]}:
                return value
            case {"anyOf": [first, *_]} | {"allOf": [first, *_]}:
                return self.value(first, name)
            case {"properties": fields}:
                return {key: self.value(one, key) for key, one in fields.items()}
            case {"type": "object"}:
                return {key: self.value({}, key) for key in list(self.texts)}
            case {"type": "array"}:
                return [self.value(schema.get("items", {}), name)]
            case {"type": "integer" | "number"}:
                return int(next(self.numbers, 1))
            case {"type": "boolean"}:
                return True
            case {"type": "null"}:
                return None
        return next(self.texts, name)


def application() -> App:
    settings, metrics = handed_over(), Metrics()

    async def opened() -> Served:
        policy = Policy(retry=settings.retry, hold_calls=settings.hold_calls)
        return Served(Service(Told(), MODEL, policy, NAMES), await open_store(settings.store), settings)

    app = gated(bare(opened, metrics), settings, keys_of(settings), metrics=metrics)
    return wrong(app, os.environ["TOOLGLOT_WRONG"]) if os.environ.get("TOOLGLOT_WRONG") else app


def wrong(app: App, how: str) -> App:
    """The same, but that the bodies of one surface are changed."""
    from wire import MUTATIONS

    mutation = next(one for one in MUTATIONS if f"{one.surface}: {one.name}" == how)
    path = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages"}[mutation.surface]

    async def changed(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != path:
            return await app(scope, receive, send)
        sent: list[Any] = []

        async def keep(message: Any) -> None:
            sent.append(message)

        await app(scope, receive, keep)
        if not sent:
            return None
        headers = {name: value for name, value in sent[0]["headers"] if name != b"content-length"}
        streamed = headers.get(b"content-type", b"").startswith(b"text/event-stream")
        body = mutation.change(b"".join(message.get("body", b"") for message in sent[1:]), streamed)
        headers |= {name.encode(): value.encode() for name, value in mutation.headers.items()}
        await send({**sent[0], "headers": list(headers.items())})
        await send({"type": "http.response.body", "body": body})

    return changed


def main(flags: list[str]) -> int:
    import toolglot.serve.run as serving
    from toolglot.cli import main as command

    run = serving.run
    serving.run = lambda settings: run(settings, "serving:application")
    return command(["serve", "--upstream", "http://127.0.0.1:9", *flags])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
