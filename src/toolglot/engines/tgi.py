"""Text Generation Inference: a prompt as text, a reply token by token.

The rule kept here: what TGI cannot do is refused, never half done. It holds a reply to a JSON schema (`json_only`) or a
regular expression, and to no grammar, so a constraint is a call that is one JSON object, and required. It parses special
tokens wherever they stand in a prompt: its `/tokenize` says which there are, and in a message an invisible character
(WORD JOINER) breaks them. It puts a BOS in front by itself, so that of ours is taken away.

Special tokens come spelled, in the text and marked as special; the one that ends a reply is no part of it here. Stop
strings do come in the text: they are cut off here, and of more than the server takes the rest is looked for here alone.

Facts: TGI's published API (openapi.json of 2.4) and the source of its router; run against a fake that checks each
request, not against TGI.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from ..grammar import Constraint
from . import FREELY, Chunk, Done, EngineError, ModelFacts, PromptPiece, Request, Rules, TooLong
from .http import Refused, Timeouts, Wire
from .json_only import json_rules
from .markup import bracketed, known_markup, veiled
from .proof import MOST_TOKENS, PROMPT, PROOFS
from .sampling import sampled
from .stops import Stops

SAMPLING = {name: name for name in ("top_p", "top_k", "frequency_penalty")}


class Tgi:
    """An engine behind TGI; `open_tgi` makes it."""

    def __init__(self, wire: Wire, info: Mapping[str, Any]) -> None:
        self.facts = ModelFacts(str(info["model_id"]))
        self.holds = False                                   # whether `grammar` was seen to work
        self._wire = wire
        self._info = info
        self._special: dict[str, int] | None = None          # None: it has no tokenizer to ask
        self._asked: set[str] = set()

    def __repr__(self) -> str:
        return f"Tgi({self._wire.url!r}, {self.facts.name!r})"

    def close(self) -> None:
        self._wire.close()

    def rules(self, constraint: Constraint) -> Rules:
        """One required call as a JSON schema; EngineError for all else."""
        if not self.holds:
            raise EngineError(f"{self._wire.url} was started without grammars, or its back end ignores them: it cannot be "
                              f"held to a constraint; {FREELY}")
        return json_rules(constraint, f"TGI at {self._wire.url}")

    async def count_tokens(self, prompt: Sequence[PromptPiece]) -> int:
        return len(await self._tokens(await self._text(prompt)))

    async def generate(self, request: Request) -> AsyncGenerator[Chunk | Done, None]:
        """Closing it hangs up, which ends the generation. What ends at a stop string that was found here alone is counted
        by the tokens that came."""
        body = await self._body(request)
        stops, began, first, pieces = Stops(request.stop), time.perf_counter(), 0.0, 0
        details: Mapping[str, Any] = {}
        async with aclosing(self._wire.events("/generate_stream", body)) as events:
            async for event in events:
                first, pieces = first or time.perf_counter(), pieces + 1
                token, details = event.get("token") or {}, event.get("details") or {}
                ends = details.get("finish_reason") == "eos_token" and token.get("special")
                if text := stops.feed("" if ends else token.get("text") or ""):
                    yield Chunk(text)
                if details or stops.found:
                    break
        if not details and not stops.found:
            raise EngineError(f"{self._wire.url} ended the reply before it was whole: its log may say why")
        if text := stops.close():
            yield Chunk(text)
        now = time.perf_counter()
        length = details.get("finish_reason") == "length" and not stops.found
        yield Done("length" if length else "stop", int(details.get("input_length") or 0),
                   int(details.get("generated_tokens") or pieces), (first or now) - began, now - (first or now))

    async def _text(self, prompt: Sequence[PromptPiece]) -> str:
        await self._learn(bracketed(prompt))
        text = veiled(prompt, self._special)
        return text.removeprefix(self.facts.bos) if self.facts.bos else text

    async def _tokens(self, text: str) -> list[Mapping[str, Any]]:
        answer = await self._wire.ask("/tokenize", {"inputs": text})
        return list(answer)

    async def _learn(self, candidates: set[str]) -> None:
        """Which of these are one token each. A token is told with where it stands in the text."""
        new = sorted(candidates - self._asked)
        if new and self._special is not None:
            found = {str(token["text"]): int(token["id"]) for token in await self._tokens("\n".join(new))}
            self._special.update({text: found[text] for text in new if text in found})
            self._asked.update(new)

    async def _body(self, request: Request) -> dict[str, Any]:
        if request.max_tokens < 1:
            raise EngineError(f"max_tokens is {request.max_tokens}: give 1 or more")
        text, most = await self._text(request.prompt), request.max_tokens
        if not text:
            raise EngineError("the prompt is empty: TGI needs at least one token")
        if self._special is not None and self.facts.context:
            length, longest = len(await self._tokens(text)), int(self._info.get("max_input_tokens") or self.facts.context)
            if length > longest or length >= self.facts.context:
                raise TooLong(length, min(longest, self.facts.context), self._wire.url)
            most = min(most, self.facts.context - length)    # the server refuses what might not fit
        stop = list(request.stop)[:int(self._info.get("max_stop_sequences") or 4)]
        parameters: dict[str, Any] = {"max_new_tokens": most, "details": True, "return_full_text": False, "stop": stop,
                                      "do_sample": request.temperature > 0}
        parameters |= sampled(request, SAMPLING, "TGI")
        if request.temperature <= 0:                         # it would sample where it is told how, also without do_sample
            parameters = {name: value for name, value in parameters.items() if name not in ("top_p", "top_k")}
        elif request.top_p in (0, 1):                        # neither of which it takes: the likeliest alone, or no limit
            del parameters["top_p"]
            parameters |= {} if request.top_p else {"top_k": 1}
        if request.temperature > 0:
            parameters |= {"temperature": request.temperature, "seed": request.seed + 1}     # it takes no 0
        if request.constraint is not None:
            if request.constraint.notation != "json_schema":
                raise EngineError(f"TGI takes a JSON schema, not {request.constraint.notation}: ask this engine's `rules` "
                                  "for the constraint")
            parameters["grammar"] = {"type": "json", "value": json.loads(request.constraint.text)}
        return {"inputs": text, "parameters": parameters}

    async def probe(self, context: int | None) -> None:
        """The vocabulary's special tokens, and whether a grammar is kept."""
        try:
            added = [token for token in await self._tokens("a") if token["start"] == token["stop"]]
            self._special = {}
            await self._learn(set(known_markup()))
            how = f"{len(self._special)} special tokens of its vocabulary were found by asking for them"
        except Refused as error:
            if error.status in (401, 403):
                raise
            added, how = [], "it has no tokenizer to ask: the special tokens of all known formats are broken in messages"
        special = self._special or {}
        bos = next((text for text, id in special.items() if added and id == int(added[0]["id"])), "")
        limit = min(filter(None, (context, int(self._info.get("max_total_tokens") or 0))), default=0)
        await self._prove()
        version = self._info.get("version", "?")
        holds = "it holds a reply to a JSON schema (tried), and to no grammar" if self.holds else \
            "it holds a reply to no constraint: `grammar` is refused or ignored"
        self.facts = ModelFacts(self.facts.name, bos=bos, special_tokens=special, context=limit, found=(
            f"TGI {version} at {self._wire.url} serves {self.facts.name}", f"its context is {limit:,} tokens",
            "it does not show its chat template", how, holds))

    async def _prove(self) -> None:
        text, expected = PROOFS["json_schema"]
        body = {"inputs": PROMPT, "parameters": {"max_new_tokens": MOST_TOKENS, "do_sample": False, "grammar": {
            "type": "json", "value": json.loads(text)}}}
        try:
            said = (await self._wire.ask("/generate", body)).get("generated_text")
        except Refused as error:
            if error.status in (401, 403, 429):
                raise
            said = None
        self.holds = isinstance(said, str) and expected.fullmatch(said) is not None


async def open_tgi(url: str, *, model: str | None = None, key: str | None = None, timeouts: Timeouts = Timeouts(),
                   context: int | None = None) -> Tgi:
    """The one model that TGI serves at `url`. `model`, where it is given, has to be that one.

    Errors: EngineError where the server cannot be reached, is no TGI, wants another key, or serves another model.
    """
    wire = Wire(url.rstrip("/").removesuffix("/v1"), key, timeouts)
    try:
        info = await wire.ask("/info")
        if not isinstance(info, Mapping) or "model_id" not in info:
            raise EngineError(f"{wire.url}/info names no model: is it a TGI server?")
        if model not in (None, info["model_id"]):
            raise EngineError(f"{wire.url} does not serve {model!r}: it serves {info['model_id']}")
        engine = Tgi(wire, info)
        await engine.probe(context)
        return engine
    except BaseException:
        wire.close()
        raise


__all__ = ["Tgi", "open_tgi"]
