"""Ollama, by its own API: prompts of ours in raw mode, replies a line of JSON at a time.

The rule kept here: what Ollama cannot do is refused, never half done. It holds a reply to a JSON schema and to nothing
else (`json_only`), so a constraint is a call that is one JSON object, and required. Its API tokenises nothing: a special
token in a message is broken by an invisible character (WORD JOINER) before it is sent.

`think` is always false: in raw mode too, Ollama would else take the reasoning of a thinking model out of the reply.
`truncate` and `shift` are false, so that a prompt that is too long is an error and not quietly cut; servers older than
these options ignore them. Where Ollama runs llama-server, it does not spell control tokens in a reply: a format whose
markers are control tokens comes back without them. It ends a reply by itself after a hundred equal tokens: an error.

Facts: Ollama's API and source of 2026 (0.40); run against a fake that checks each request, not against Ollama.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from ..grammar import Constraint
from . import FREELY, Chunk, Done, EngineError, ModelFacts, PromptPiece, Request, Rules
from .http import Refused, Timeouts, Wire
from .json_only import json_rules
from .markup import veiled
from .proof import MOST_TOKENS, PROMPT, PROOFS
from .sampling import sampled
from .stops import Stops

PATH = "/api/generate"
CONTROL, OWN = 3, 4             # of tokenizer.ggml.token_type: control tokens, and those that the model's makers added
NANO = 1e-9
SAMPLING = {"top_p": "top_p", "top_k": "top_k"}         # it takes penalties too, and some of its runners ignore them


class Ollama:
    """An engine behind Ollama's API; `open_ollama` makes it."""

    def __init__(self, wire: Wire, model: str, facts: ModelFacts, markup: frozenset[str] | None,
                 context: int | None, strip: str) -> None:
        self.facts = facts
        self.holds = False                                   # whether `format` was seen to work
        self._wire, self._model, self._markup, self._context, self._strip = wire, model, markup, context, strip

    def __repr__(self) -> str:
        return f"Ollama({self._wire.url!r}, {self._model!r})"

    def close(self) -> None:
        self._wire.close()

    def rules(self, constraint: Constraint) -> Rules:
        """One required call as a JSON schema; EngineError for all else."""
        if not self.holds:
            raise EngineError(f"{self._wire.url} ignores `format` with {self._model}: it cannot be held to a constraint; "
                              f"{FREELY}")
        return json_rules(constraint, f"Ollama at {self._wire.url}")

    async def count_tokens(self, prompt: Sequence[PromptPiece]) -> int:
        """By having the model read the prompt: there is no other way."""
        async with aclosing(self._lines(self._body(Request(prompt, max_tokens=1)))) as lines:
            return [int(line.get("prompt_eval_count") or 0) async for line in lines][-1]

    async def generate(self, request: Request) -> AsyncGenerator[Chunk | Done, None]:
        """Closing it hangs up, which ends the generation."""
        if request.max_tokens < 1:
            raise EngineError(f"max_tokens is {request.max_tokens}: give 1 or more")
        stops, pieces, last = Stops(request.stop), 0, None
        async with aclosing(self._lines(self._body(request))) as lines:
            async for line in lines:
                if line.get("thinking"):
                    raise EngineError(f"Ollama at {self._wire.url} took the reasoning out of the reply: its `think` is off "
                                      "only in newer versions; update it")
                pieces += bool(line.get("response"))
                if text := stops.feed(line.get("response") or ""):
                    yield Chunk(text)
                if line.get("done"):
                    last = line
                if stops.found:
                    break
        if last is None and not stops.found:
            raise EngineError(f"Ollama at {self._wire.url} ended the reply before it was whole: its log may say why")
        if text := stops.close():
            yield Chunk(text)
        yield self._done(last or {}, pieces, stops.found)

    def _done(self, last: Mapping[str, Any], pieces: int, cut: bool) -> Done:
        ended = last.get("done_reason", "stop")
        if ended not in ("stop", "length"):
            raise EngineError(f"Ollama at {self._wire.url} ended the reply with {ended!r}")
        return Done("length" if ended == "length" and not cut else "stop", int(last.get("prompt_eval_count") or 0),
                    int(last.get("eval_count") or pieces), (last.get("prompt_eval_duration") or 0) * NANO,
                    (last.get("eval_duration") or 0) * NANO)

    async def _lines(self, body: Mapping[str, Any]) -> AsyncGenerator[Mapping[str, Any], None]:
        async with aclosing(self._wire.lines(PATH, body)) as lines:
            async for text in lines:
                try:
                    line = json.loads(text)
                except ValueError:
                    line = None
                if not isinstance(line, Mapping):
                    raise EngineError(f"Ollama at {self._wire.url} sent a line that is no JSON: {self._wire.said(text)}")
                if line.get("error"):
                    raise EngineError(f"Ollama at {self._wire.url} failed in mid-reply: {self._wire.said(line)}")
                yield line

    def _body(self, request: Request) -> dict[str, Any]:
        prompt = veiled(request.prompt, self._markup)
        if self._strip:                                      # Ollama puts a BOS in front by itself
            prompt = prompt.removeprefix(self._strip)
        if not prompt:
            raise EngineError("the prompt is empty: Ollama needs at least one token")
        options: dict[str, Any] = {"num_predict": request.max_tokens, "temperature": request.temperature,
                                   "seed": request.seed, "stop": list(request.stop), **sampled(request, SAMPLING, "Ollama")}
        if self._context:
            options["num_ctx"] = self._context
        body: dict[str, Any] = {"model": self._model, "prompt": prompt, "raw": True, "stream": True, "think": False,
                                "truncate": False, "shift": False, "options": options}
        if request.constraint is not None:
            if request.constraint.notation != "json_schema":
                raise EngineError(f"Ollama takes a JSON schema, not {request.constraint.notation}: ask this engine's "
                                  "`rules` for the constraint")
            body["format"] = json.loads(request.constraint.text)
        return body

    async def prove(self) -> None:
        """Whether `format` is kept: a model's runner may not know it."""
        text, expected = PROOFS["json_schema"]
        request = Request([PromptPiece(PROMPT)], Rules("json_schema", text), max_tokens=MOST_TOKENS)
        try:
            async with aclosing(self._lines(self._body(request))) as lines:
                said = "".join([str(line.get("response") or "") async for line in lines])
        except Refused as error:
            if error.status in (401, 403, 404):
                raise
            said = ""
        self.holds = expected.fullmatch(said) is not None


# ---------------------------------------------------------------- opening

async def open_ollama(url: str = "http://127.0.0.1:11434", *, model: str | None = None, key: str | None = None,
                      timeouts: Timeouts = Timeouts(), context: int | None = None) -> Ollama:
    """The model at `url`; it is loaded. `model` is needed where several are installed. `context` in tokens: Ollama loads
    the model with it; None leaves it to the server.

    Errors: EngineError where Ollama cannot be reached, and where it has several models, or not this one.
    """
    wire = Wire(url.rstrip("/").removesuffix("/v1").removesuffix("/api"), key, timeouts)
    try:
        return await _opened(wire, model, context)
    except BaseException:
        wire.close()
        raise


async def _opened(wire: Wire, model: str | None, context: int | None) -> Ollama:
    version = (await wire.ask("/api/version")).get("version", "?")
    model = model or await _only_model(wire)
    try:
        shown = await wire.ask("/api/show", {"model": model, "verbose": True})
    except Refused as error:
        if error.status != 404:
            raise
        names = ", ".join(await _installed(wire)) or "none"
        raise EngineError(f"Ollama at {wire.url} has no model {model!r}; it has {names}: `ollama pull {model}`") from None
    if "completion" not in shown.get("capabilities", ["completion"]):
        raise EngineError(f"{model} of Ollama at {wire.url} writes no text: it is for "
                          f"{', '.join(shown['capabilities']) or 'nothing'}")
    facts, markup, strip = _facts(shown, model)
    engine = Ollama(wire, model, facts, markup, context, strip)
    await engine.prove()                                     # and so the model is loaded
    limit = context or await _context(wire, model)
    trained = facts.context
    holds = "it holds a reply to a JSON schema (tried), and to no grammar" if engine.holds else \
        "it holds a reply to no constraint: `format` is ignored"
    found = (f"Ollama {version} at {wire.url} runs {model}", *facts.found, holds,
             f"its context is {limit:,} tokens" if limit else "it does not say how long its context is")
    engine.facts = ModelFacts(facts.name, facts.architecture, None, facts.bos, facts.eos, facts.stop_tokens,
                              facts.special_tokens, min(filter(None, (limit, trained)), default=0), facts.vocabulary, found)
    return engine


async def _installed(wire: Wire) -> list[str]:
    return [str(entry.get("name") or entry.get("model")) for entry in (await wire.ask("/api/tags")).get("models") or ()]


async def _only_model(wire: Wire) -> str:
    names = await _installed(wire)
    if len(names) == 1:
        return names[0]
    if not names:
        raise EngineError(f"Ollama at {wire.url} has no model: `ollama pull` one")
    raise EngineError(f"Ollama at {wire.url} has {len(names)} models: say which one: {', '.join(names[:20])}")


async def _context(wire: Wire, model: str) -> int:
    """How long a context the model was loaded with."""
    try:
        running = (await wire.ask("/api/ps")).get("models") or ()
    except Refused:
        return 0
    return next((int(entry.get("context_length") or 0) for entry in running
                 if model in (entry.get("name"), entry.get("model"), str(entry.get("name")).removesuffix(":latest"))), 0)


def _facts(shown: Mapping[str, Any], model: str) -> tuple[ModelFacts, frozenset[str] | None, str]:
    """What `/api/show` says; the special tokens, all of them, if it says; and the BOS that Ollama adds by itself."""
    info = shown.get("model_info") or {}
    family = str(info.get("general.architecture") or (shown.get("details") or {}).get("family") or "")
    tokens, kinds = info.get("tokenizer.ggml.tokens") or [], info.get("tokenizer.ggml.token_type") or []
    marked = {str(text): id for id, (text, kind) in enumerate(zip(tokens, kinds, strict=False)) if kind in (CONTROL, OWN)}
    control = {text: id for text, id in marked.items() if kinds[id] == CONTROL}

    def named(key: str) -> str:
        id = info.get(f"tokenizer.ggml.{key}")
        return str(tokens[id]) if isinstance(id, int) and 0 <= id < len(tokens) else ""

    ends = tuple(dict.fromkeys(filter(None, map(named, ("eos_token_id", "eot_token_id", "eom_token_id")))))
    bos = named("bos_token_id")
    found = [f"it shows {len(marked):,} special tokens" if tokens else
             "it does not show its vocabulary, so that the special tokens of all known formats are broken in messages",
             "its template is no chat template (Go's, not Jinja): its name alone says which format it speaks"]
    facts = ModelFacts(model, family, None, bos, ends[0] if ends else "", ends, control,
                       int(info.get(f"{family}.context_length") or 0), len(tokens), tuple(found))
    adds = info.get("tokenizer.ggml.add_bos_token", family in ("llama", "gemma", "gemma2", "gemma3"))
    return facts, frozenset(marked) if tokens else None, bos if adds else ""


__all__ = ["Ollama", "open_ollama"]
