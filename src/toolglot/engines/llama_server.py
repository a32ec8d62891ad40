"""llama.cpp's own server, `llama-server`, over HTTP.

The one rule: it is asked for what it can do, and told nothing that could harm it. A constraint goes as GBNF, which every
build takes, and which it refuses where it cannot read it. Lark goes only to a server whose owner says that it was built
with llguidance: one that was not stops its whole process at the first Lark grammar, so nobody may try. Either way the
reply is followed through its grammar here, and is an error where it leaves it.

A prompt goes in as token ids: no BOS is added to those, and a special token is one only where the prompt says so. Control
tokens come out spelled, except those that end a reply. llama-server's lazy grammars are not used: until its trigger
appears such a reply is held to nothing, and toolglot's own grammars allow words before a call already. What the server's
owner set for sampling (top-k 40, top-p 0.95 and min-p 0.05, if nothing) holds where the request says nothing else;
temperature 0 is greedy. Its penalties count the last 64 tokens, the prompt's too.

Tried with llama.cpp's server of October 2026 inside of xllamacpp, in both notations. What it does for older servers, which
tell less, was tried with answers cut down to what those say.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any, Literal

from ..grammar import Constraint
from . import FREELY, Chunk, Done, EngineError, ModelFacts, PromptPiece, Request, Rules, TooLong
from .follow import Follower, Gbnf
from .http import Refused, Timeouts, Wire
from .logprobs import read
from .sampling import sampled_by_llama
from .spelling import Spelling, defuse
from .vocabulary import Specials, find_specials, tokenize
from .watch import Guide, Watch

POLL = 0.5                              # seconds between two looks at a server that loads its model
KEPT = 8                                # grammars that are kept as they were read
HEAD = "%llguidance {}\n"
TRIAL = "toolglot"                      # what a server is made to say, to see whether it keeps to a grammar


class LlamaServer:
    """A server; `open_server` finds out about it. Use it from any event loop; `close` it."""

    def __init__(self, wire: Wire, facts: ModelFacts, specials: Specials, trial: Trial) -> None:
        self.facts = facts
        self._wire, self._specials, self._trial = wire, specials, trial
        self._ends = set(facts.stop_tokens)
        self._visible = [token for token in facts.special_tokens if token not in self._ends]
        self._markup = Spelling(specials.markup)
        self._grammars: dict[str, Gbnf] = {}

    def __repr__(self) -> str:
        return f"LlamaServer({self._wire.url!r}, {self.facts.name!r})"

    def close(self) -> None:
        self._wire.close()

    def rules(self, constraint: Constraint) -> Rules:
        if self._trial.notation is None:
            raise EngineError(f"{self._wire.url} does not keep to a grammar: it holds no reply to a constraint; {FREELY}")
        if self._trial.notation == "lark":
            text = constraint.lark(self.facts.special_tokens, self.facts.stop_tokens)
            return Rules("lark", text, constraint.unenforced)
        return Rules("gbnf", constraint.gbnf(), constraint.unenforced)

    async def count_tokens(self, prompt: Sequence[PromptPiece]) -> int:
        return len(await self.tokenize(prompt))

    async def tokenize(self, prompt: Sequence[PromptPiece]) -> list[int]:
        """The prompt's token ids: one question where the special tokens are known, else one for each stretch."""
        if self._specials.whole:
            return await tokenize(self._wire, defuse(prompt, self._markup))
        ids: list[int] = []
        for special, run in groupby((p for p in prompt if p.text), key=lambda piece: piece.special):
            ids += await tokenize(self._wire, ["".join(piece.text for piece in run)], special)
        return ids

    async def generate(self, request: Request) -> AsyncGenerator[Chunk | Done, None]:
        """Errors: EngineError for a prompt that is too long, a constraint that does not compile or was not kept, and
        for what goes wrong on the way to the server and back."""
        if request.max_tokens < 1:
            raise EngineError(f"max_tokens is {request.max_tokens}: give 1 or more")
        watch = self._watch(request.constraint)
        ids = await self.tokenize(request.prompt)
        if not ids:
            raise EngineError("the prompt is empty: llama.cpp needs at least one token")
        if len(ids) >= self.facts.context > 0:
            raise TooLong(len(ids), self.facts.context, self._wire.url)
        async with aclosing(self._wire.events("/completion", self._body(request, ids))) as events:
            async for event in events:
                event = _object(self._wire, "/completion", event)
                if text := event.get("content"):
                    if watch and not watch.allows(text):
                        raise EngineError(f"the reply left its constraint at {text!r}: {self._wire.url} dropped it")
                    yield Chunk(text, read(event.get("completion_probabilities"), request.logprobs or 0, self._wire.url))
                if event.get("stop"):
                    yield self._done(event, watch, len(ids))
                    return
        raise EngineError(f"{self._wire.url} ended its answer in mid-reply: its log may say why")

    def _done(self, event: Mapping[str, Any], watch: Watch | Follower | None, prompt_tokens: int) -> Done:
        reason, word = _reason(event), event.get("stopping_word")
        if watch and (reason == "eos" or word in self._ends) and not watch.complete():
            raise EngineError(f"the reply ended before its constraint did: {self._wire.url} dropped it")
        timings = event.get("timings") or {}
        return Done("length" if reason == "limit" else "stop", prompt_tokens, event.get("tokens_predicted") or 0,
                    (timings.get("prompt_ms") or 0) / 1000, (timings.get("predicted_ms") or 0) / 1000)

    def _body(self, request: Request, ids: list[int]) -> dict[str, Any]:
        # A token that ends a reply is no text, so it cannot be found as a stop string, nor need it be, unless the server
        # was told to spell all (--special).
        stop = [s for s in request.stop if s not in self._ends] + sorted(self._ends if self._trial.spelled else ())
        return {"prompt": ids, "n_predict": request.max_tokens, "temperature": request.temperature, "seed": request.seed,
                "stop": stop, "grammar": _text(request.constraint), "preserved_tokens": self._visible, "stream": True,
                "return_progress": True, "cache_prompt": True, **sampled_by_llama(request, "llama-server")}

    def _watch(self, rules: Rules | None) -> Watch | Follower | None:
        if rules is None:
            return None
        if not rules.text.strip() or rules.notation not in ("gbnf", "lark"):
            raise EngineError(f"llama-server takes a grammar in GBNF or Lark, and got {rules.notation} of "
                              f"{len(rules.text)} characters: ask this engine's `rules` for the constraint")
        if rules.notation == "gbnf":
            if rules.text not in self._grammars:                    # a conversation has the same few again and again
                self._grammars = {**dict(list(self._grammars.items())[1 - KEPT:]), rules.text: Gbnf(rules.text)}
            return self._grammars[rules.text].watch()
        if self._trial.notation != "lark":
            raise EngineError(f"{self._wire.url} may not be built with llguidance, and would stop at a Lark grammar: if it "
                              "is, open it with llguidance=True")
        return self._guide.watch(_text(rules))

    @cached_property
    def _guide(self) -> Guide:
        return Guide(self.facts.special_tokens, self.facts.stop_tokens, self.facts.vocabulary)


def _text(rules: Rules | None) -> str:
    if rules is None:
        return ""                       # not left out: the server may have been started with a grammar of its own
    return HEAD + rules.text if rules.notation == "lark" and not rules.text.startswith("%llguidance") else rules.text


def _reason(event: Mapping[str, Any]) -> str:
    """Why the reply ended: eos, word or limit. Servers before 2025 say it in three flags."""
    reason = event.get("stop_type") or next((w for w in ("limit", "word", "eos") if event.get(f"stopped_{w}")), "eos")
    return str(reason)


# ---------------------------------------------------------------- opening

async def open_server(url: str, *, key: str | None = None, timeouts: Timeouts = Timeouts(), loading: float = 120.0,
                      llguidance: bool = False) -> LlamaServer:
    """Asks the llama-server at `url` what it is. Waits for `loading` seconds if it still loads its model.

    `llguidance`: it was built with -DLLAMA_LLGUIDANCE=ON, so it takes Lark, whose constraints can name special tokens. A
    server that was not stops when it is given one. Errors: EngineError, where it cannot be reached or is something else.
    """
    wire = Wire(url, key, timeouts)
    try:
        return await _open(wire, loading, llguidance)
    except BaseException:
        wire.close()
        raise


async def _open(wire: Wire, loading: float, lark: bool) -> LlamaServer:
    props = await _props(wire, loading)
    if props.get("role") == "router":
        raise EngineError(f"{wire.url} is a llama-server that starts others: give the address of one with a model")
    entry: Mapping[str, Any] = next(iter((await _optional(wire, "/v1/models")).get("data") or ()), {})
    size = int((entry.get("meta") or {}).get("n_vocab") or 0)
    specials = await find_specials(wire, size, props.get("chat_template") or "", props.get("eos_token") or "")
    trial = await _try(wire, lark, specials.ends)
    return LlamaServer(wire, _facts(wire.url, props, entry, specials, trial), specials, trial)


def _facts(url: str, props: Mapping[str, Any], entry: Mapping[str, Any], specials: Specials, trial: Trial) -> ModelFacts:
    path, meta = props.get("model_path") or "", entry.get("meta") or {}
    name = re.sub(r".*[\\/]|\.gguf$", "", props.get("model_alias") or entry.get("id") or path) or "llama-server"
    context = int((props.get("default_generation_settings") or {}).get("n_ctx") or props.get("n_ctx") or 0)
    trained, slots = int(meta.get("n_ctx_train") or 0), props.get("total_slots")
    template = props.get("chat_template") or None
    found = (
        f"llama-server {props.get('build_info') or 'of a build that it does not tell'} at {url}",
        f"the model {name}" + (f", file {path}" if path else ""),
        (f"a context of {context:,} tokens" + (f" of {trained:,}" if trained else "") if context else "it tells no context")
        + (f", {slots} at once" if slots else ""),
        "its chat template is known" if template else "it tells no chat template", specials.found, trial.found)
    return ModelFacts(
        name, chat_template=template, bos=props.get("bos_token") or "", eos=props.get("eos_token") or "",
        stop_tokens=tuple(specials.ends), special_tokens=dict(specials.control), context=context,
        vocabulary=int(meta.get("n_vocab") or 0) or max(specials.control.values(), default=0) + 1, found=found)


async def _props(wire: Wire, loading: float) -> Mapping[str, Any]:
    """While the model loads the server answers 503, here as at /health, which older ones and proxies do not have."""
    until = time.monotonic() + loading
    while True:
        try:
            return _object(wire, "/props", await wire.ask("/props"))
        except Refused as error:
            if error.status == 404:
                raise EngineError(f"{error}; a llama-server has /props: is it one?") from None
            if error.status != 503:
                raise
            if time.monotonic() > until:
                raise EngineError(f"{wire.url} was not ready after {loading:g} seconds ({error.reason}): wait, or allow "
                                  "more with `loading`") from None
        await asyncio.sleep(POLL)


async def _optional(wire: Wire, path: str) -> Mapping[str, Any]:
    try:
        return _object(wire, path, await wire.ask(path))
    except Refused as error:
        if error.status in (401, 403):
            raise
        return {}


def _object(wire: Wire, path: str, answer: Any) -> Mapping[str, Any]:
    if not isinstance(answer, Mapping):
        raise EngineError(f"{wire.url}{path} answered no object: is it a llama-server?")
    return answer


# ---------------------------------------------------------------- what it keeps to

@dataclass(frozen=True)
class Trial:
    """`notation` that the server was seen to keep to, if any; `spelled`: it writes the end of a reply as text."""

    notation: Literal["gbnf", "lark"] | None
    spelled: bool
    found: str


async def _try(wire: Wire, lark: bool, ends: Iterable[str]) -> Trial:
    grammar = f'{HEAD}start: "{TRIAL}"' if lark else f'root ::= "{TRIAL}"'
    body = {"prompt": "Say", "n_predict": 16, "temperature": 0, "grammar": grammar, "stream": True}
    said, why = "", ""
    try:
        async with aclosing(wire.events("/completion", body)) as events:
            async for event in events:
                said += _object(wire, "/completion", event).get("content") or ""
    except Refused as error:
        if error.status in (401, 403, 404):
            raise
        why = f" ({error.reason})"
    if said in (TRIAL, *(TRIAL + end for end in ends)):
        return Trial("lark" if lark else "gbnf", said != TRIAL, f"it keeps to {'Lark' if lark else 'GBNF'} grammars: tried")
    if lark:
        raise EngineError(f"{wire.url} did not keep to a Lark grammar{why}: open it without llguidance=True")
    return Trial(None, False, f"it does not keep to GBNF grammars{why}: no reply can be constrained")
