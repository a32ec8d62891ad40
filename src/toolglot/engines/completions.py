"""Any server with OpenAI's `/v1/completions`: vLLM, SGLang, LM Studio, and others that nothing is known of.

The rule kept here: nothing is silently unconstrained, and no message is read as markup. What a server holds a reply to
is proved at the start (`proof`); a prompt goes as token ids where the server can tokenise (`vocabulary`), and as a text
with what looks like special tokens broken where it cannot (`markup`).

vLLM and SGLang take, in this order: xgrammar's structural tag, the notation of the back end that both have by default,
exact and with free text built in; llguidance's Lark, exact as well; GBNF, which all of their back ends read and where
free text is long; a JSON schema, which says the least. LM Studio takes no grammar for raw prompts.

Facts: vLLM 0.32.0, run for real with each of its back ends; SGLang 0.5.23 by its source, against a fake, for it wants a
GPU; LM Studio by its documentation of 2026, against a fake.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Literal

from ..grammar import Constraint
from . import FREELY, Chunk, Done, EngineError, FieldError, ModelFacts, PromptPiece, Request, Rules, TokenLogprob, TooLong
from .http import Refused, Timeouts, Wire
from .json_only import json_rules
from .logprobs import read
from .markup import veiled
from .proof import MOST_TOKENS, PROMPT, Way, proved
from .sampling import OWN, sampled
from .stops import Stops
from .vocabulary import Vocabulary, sglang_vocabulary, vllm_vocabulary

Kind = Literal["vllm", "sglang", "lm-studio", "completions"]

PATH = "/v1/completions"
MOST_STOPS = 4                  # stop strings in a request: OpenAI's limit, and vLLM's; the rest are looked for here
RAW = {"skip_special_tokens": False}
ALL = {**OWN, "logprobs": "logprobs"}
OPENAI = {name: name for name in ALL if name != "top_k"}


def _structured(name: str) -> Any:
    return lambda text: {"structured_outputs": {name: text}}


VLLM = (
    Way("structured_outputs.structural_tag", "structural_tag", _structured("structural_tag")),
    Way("structured_outputs.grammar (Lark)", "lark", _structured("grammar")),
    Way("structured_outputs.grammar (GBNF)", "gbnf", _structured("grammar")),
    Way("structured_outputs.json", "json_schema", _structured("json")),
    Way("guided_grammar", "gbnf", lambda text: {"guided_grammar": text}),           # vLLM before 0.12
    Way("guided_json", "json_schema", lambda text: {"guided_json": text}),
)
SGLANG = (
    Way("response_format: structural_tag", "structural_tag", lambda text: {"response_format": json.loads(text)}),
    Way("ebnf (Lark)", "lark", lambda text: {"ebnf": text}),
    Way("ebnf (GBNF)", "gbnf", lambda text: {"ebnf": text}),
    Way("json_schema", "json_schema", lambda text: {"json_schema": text}),
)
OTHER = (VLLM[0], SGLANG[0], VLLM[2], SGLANG[2])        # no Lark: llama-server stops at it


@dataclass(frozen=True)
class Server:
    """What kind of server it is. `body`: what it has to be told in each request; `ways`: how it may be constrained;
    `sampling`: what it knows of that, by which names."""

    name: str
    version: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)
    ways: tuple[Way, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)        # what it says of the model
    sampling: Mapping[str, str] = field(default_factory=lambda: ALL)


class Completions:
    """An engine behind `/v1/completions`; `open_completions` makes it."""

    def __init__(self, wire: Wire, server: Server, model: str, vocabulary: Vocabulary | None) -> None:
        self.facts = ModelFacts(model)
        self._wire, self._server, self._model, self._vocabulary = wire, server, model, vocabulary
        self._way: Way | None = None
        self._why: list[str] = []

    def __repr__(self) -> str:
        return f"Completions({self._wire.url!r}, {self._model!r})"

    def close(self) -> None:
        self._wire.close()

    def rules(self, constraint: Constraint) -> Rules:
        match self._way:
            case Way(notation="structural_tag"):
                return Rules("structural_tag", constraint.structural_tag_text(), constraint.unenforced)
            case Way(notation="lark"):
                return Rules("lark", constraint.lark(self.facts.special_tokens, self.facts.stop_tokens),
                             constraint.unenforced)
            case Way(notation="gbnf"):
                return Rules("gbnf", constraint.gbnf(), constraint.unenforced)
            case Way(notation="json_schema"):
                return json_rules(constraint, self._wire.url)
        tried = "; ".join(self._why) or f"{self._server.name} has no field for it"
        raise EngineError(f"{self._wire.url} holds no reply to a constraint: {tried}. A server with a reasoning parser "
                          f"leaves a reply free until its reasoning ends: start it without. Otherwise {FREELY}")

    async def count_tokens(self, prompt: Sequence[PromptPiece]) -> int:
        sent = await self._prompt(prompt)
        if isinstance(sent, list):
            return len(sent)
        answer = await self._wire.ask(PATH, self._body(sent, {"max_tokens": 1, "temperature": 0}))
        return int((answer.get("usage") or {}).get("prompt_tokens") or 0)

    async def generate(self, request: Request) -> AsyncGenerator[Chunk | Done, None]:
        """Closing it hangs up, which ends the generation on the server. Where the end was found here and not by the
        server (a stop string that it passed on), tokens are counted by the pieces that came."""
        body = await self._request(request)
        stops, began, first, pieces = Stops(request.stop), time.perf_counter(), 0.0, 0
        usage: Mapping[str, Any] = {}
        finish = matched = None
        told: tuple[TokenLogprob, ...] = ()          # of what has not been passed on yet
        heard = request.logprobs is None
        async with aclosing(self._wire.events(PATH, body)) as events:
            async for event in events:
                usage = event.get("usage") or usage
                for choice in event.get("choices") or ():
                    first = first or time.perf_counter()
                    pieces += 1
                    if request.logprobs is not None:
                        told += read(choice.get("logprobs"), request.logprobs, self._wire.url)
                        heard = heard or bool(told)
                    if not heard and choice.get("text"):
                        raise FieldError("logprobs",
                                         f"{self._wire.url} was asked for logprobs, and sends none: do not ask for them")
                    if text := stops.feed(choice.get("text") or ""):
                        yield Chunk(text, told)
                        told = ()
                    finish, matched = choice.get("finish_reason") or finish, choice.get("matched_stop")
                if stops.found:
                    finish = "stop"
                    if not usage:
                        break
        if finish not in ("stop", "length"):
            what = f"ended with {finish!r}" if finish else "ended before it was whole"
            raise EngineError(f"{self._wire.url}{PATH}: the reply {what}: the server's log may say why")
        text = stops.close()
        if text and not (isinstance(matched, str) and matched.startswith(text)):    # SGLang streams half a stop string
            yield Chunk(text, told)
        now = time.perf_counter()
        known = len(body["prompt"]) if isinstance(body["prompt"], list) else 0
        yield Done("length" if finish == "length" else "stop", int(usage.get("prompt_tokens") or known),
                   int(usage.get("completion_tokens") or pieces), (first or now) - began, now - (first or now))

    async def _prompt(self, prompt: Sequence[PromptPiece], most: int = 0) -> str | list[int]:
        """As text where the server makes the same tokens of it and there is surely room for `most` more: no token is less
        than a byte."""
        if self._vocabulary is None:
            return veiled(prompt)
        parts = await self._vocabulary.parts(prompt)
        if most and len(parts) == 1 and self._server.body.get("add_special_tokens") is False and (
                len(parts[0].encode()) + most <= self.facts.context):
            return parts[0]
        return await self._vocabulary.ids(parts)

    async def _request(self, request: Request) -> dict[str, Any]:
        if request.max_tokens < 1:
            raise EngineError(f"max_tokens is {request.max_tokens}: give 1 or more")
        context, most = self.facts.context, request.max_tokens
        prompt = await self._prompt(request.prompt, most)
        if not prompt:
            raise EngineError(f"the prompt is empty: {self._wire.url} needs at least one token")
        if isinstance(prompt, list) and context:
            if len(prompt) >= context:
                raise TooLong(len(prompt), context, f"{self._model} at {self._wire.url}")
            most = min(most, context - len(prompt))          # a server refuses what might not fit
        body = self._body(prompt, {
            "max_tokens": most, "temperature": request.temperature, "seed": request.seed, "stream": True,
            "stream_options": {"include_usage": True}, **sampled(request, self._server.sampling, self._server.name),
            **({"stop": list(request.stop[:MOST_STOPS])} if request.stop else {})})
        if request.constraint is not None:
            if self._way is None or request.constraint.notation != self._way.notation:
                takes = self._way.notation if self._way else "no constraint"
                raise EngineError(f"{self._wire.url} takes {takes}, not {request.constraint.notation}: ask this engine's "
                                  "`rules` for the constraint")
            body |= self._way.field(request.constraint.text)
        return body

    def _body(self, prompt: str | list[int], more: Mapping[str, Any]) -> dict[str, Any]:
        return {"model": self._model, "prompt": prompt, **self._server.body, **more}

    async def prove(self) -> None:
        """Finds how this server is constrained, if at all."""
        async def answer(fields: dict[str, Any]) -> str:
            body = self._body(await self._prompt([PromptPiece(PROMPT)]), {"max_tokens": MOST_TOKENS, "temperature": 0})
            found = await self._wire.ask(PATH, {**body, **fields})
            choices = found.get("choices") or [{}]
            return str(choices[0].get("text", ""))

        self._way, self._why = await proved(self._server.ways, answer)

    @property
    def held(self) -> str:
        """How this server is constrained, in a sentence."""
        if self._way:
            return f"it holds replies to a constraint by {self._way.name}: tried"
        return "it holds no reply to a constraint: " + ("; ".join(self._why) or f"{self._server.name} has no field for it")


# ---------------------------------------------------------------- opening

async def open_completions(url: str, *, model: str | None = None, key: str | None = None,
                           timeouts: Timeouts = Timeouts(), context: int | None = None,
                           kind: Kind | None = None) -> Completions:
    """The model at `url` (http://HOST:PORT, with or without /v1). `model` is needed where several are served. `context`,
    in tokens, for servers that do not say theirs. A few small requests find out what the server can do. `kind` is what it
    is; None finds that out as well.

    Errors: EngineError where the server cannot be reached, wants another key, serves several models, or not this one, and
    Refused where it takes no prompts.
    """
    wire = Wire(url.rstrip("/").removesuffix("/v1"), key, timeouts)
    try:
        return await _opened(wire, model, context, kind)
    except BaseException:
        wire.close()
        raise


async def _opened(wire: Wire, model: str | None, context: int | None, kind: Kind | None) -> Completions:
    answer = await wire.ask("/v1/models")
    served = (answer.get("data") if isinstance(answer, Mapping) else None) or []
    card = chosen([one for one in served if isinstance(one, Mapping)], model, wire.url)
    server = await _recognised(wire, card, kind)
    vocabulary, doubts = await _vocabulary(wire, server, str(card["id"]))
    engine = Completions(wire, server, str(card["id"]), vocabulary)
    await engine.count_tokens([PromptPiece(PROMPT)])         # that it takes prompts at all is not sure
    await engine.prove()
    said = int(card.get("max_model_len") or server.facts.get("loaded_context_length")
               or server.facts.get("max_context_length") or 0)
    limit = min(filter(None, (context, said)), default=0)
    name = str(server.facts.get("model_path") or card.get("root") or card["id"])
    engine.facts = ModelFacts(
        name, str(server.facts.get("arch") or server.facts.get("model_type") or ""),
        server.facts.get("chat_template"), vocabulary.bos if vocabulary else "", vocabulary.end if vocabulary else "",
        (vocabulary.end,) if vocabulary and vocabulary.end else (), vocabulary.special if vocabulary else {}, limit,
        found=(f"{server.name}{f' {server.version}' if server.version else ''} at {wire.url} serves {card['id']}"
               + (f" ({name})" if name != card["id"] else ""),
               f"its context is {limit:,} tokens" if limit else "it does not say how long its context is",
               *([] if server.facts.get("chat_template") else ["it does not show its chat template"]),
               *doubts, engine.held))
    return engine


def chosen(served: Sequence[Mapping[str, Any]], model: str | None, url: str) -> Mapping[str, Any]:
    """The card of the model that is meant. Names of one and the same model are one model."""
    names = [str(card.get("id")) for card in served]
    if model is not None:
        if model in names:
            return served[names.index(model)]
        raise EngineError(f"{url} does not serve {model!r}: it serves {_listed(names)}")
    alike = {card.get("root") if card.get("root") and not card.get("parent") else card.get("id") for card in served}
    if len(alike) == 1:
        return served[0]
    if not names:
        raise EngineError(f"{url} serves no model: load one")
    raise EngineError(f"{url} serves {len(names)} models: say which one: {_listed(names)}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "") or "none"


async def _recognised(wire: Wire, card: Mapping[str, Any], kind: Kind | None) -> Server:
    """By whose the model is said to be, where the kind is not given. One that is not known is asked for nothing out of the
    ordinary."""
    kind = kind or {"vllm": "vllm", "sglang": "sglang"}.get(str(card.get("owned_by")))      # type: ignore[assignment]
    if kind == "vllm":
        version = await _asked(wire, "/version")
        body = {**RAW, "spaces_between_special_tokens": False, "add_special_tokens": False}
        return Server("vLLM", str(version.get("version", "")), body, VLLM, await _asked(wire, "/tokenizer_info"))
    if kind == "sglang":
        facts = await _asked(wire, "/model_info") or await _asked(wire, "/get_model_info")
        about = await _asked(wire, "/server_info") or await _asked(wire, "/get_server_info")
        return Server("SGLang", str(about.get("version", "")), RAW, SGLANG, facts)    # of its arguments, some are secrets
    listed = {} if kind == "completions" else await _asked(wire, "/api/v0/models")
    entry = next((one for one in listed.get("data") or () if isinstance(one, Mapping) and one.get("id") == card["id"]), {})
    if entry or kind == "lm-studio":
        return Server("LM Studio", facts=entry, sampling=OWN)
    return Server("a server with OpenAI's completions", ways=OTHER, sampling=OPENAI)


async def _asked(wire: Wire, path: str) -> Mapping[str, Any]:
    """An answer that a server need not have."""
    try:
        answer = await wire.ask(path)
    except Refused as error:
        if error.status in (401, 403):
            raise
        return {}
    except EngineError:
        return {}
    return answer if isinstance(answer, Mapping) else {}


async def _vocabulary(wire: Wire, server: Server, model: str) -> tuple[Vocabulary | None, list[str]]:
    """The server's tokenizer, and what that means for the prompt."""
    make = {"vLLM": vllm_vocabulary, "SGLang": sglang_vocabulary}.get(server.name)
    lost = "the prompt is sent as text: an invisible character breaks what looks like a special token in a message"
    if make is None:
        return None, [lost]
    try:
        vocabulary = await make(wire, model, server.facts)
    except (Refused, LookupError, TypeError, ValueError) as error:
        return None, [f"its tokenizer cannot be asked ({error}), so {lost}"]
    return vocabulary, [f"{len(vocabulary.special)} special tokens of its vocabulary were found by asking for them"]


__all__ = ["Completions", "open_completions"]
