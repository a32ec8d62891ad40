"""Servers that behave like the real ones where it counts: on 127.0.0.1, over HTTP, strict about what they are sent.

Each checks a request against its server's published schema, and refuses a field that is not in it: real ones ignore such
a field, so a typing error would pass unseen. What it answers has the shape of the real server's answers (vLLM 0.32.0:
recorded; SGLang 0.5.23, Ollama, TGI: from their source and API descriptions). A constraint is compiled by the library
that the server uses, where it is installed, and a scripted reply that breaks it is an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

from fakes import Answer, Asked, Fake, as_json
from toolglot.engines import EngineError
from toolglot.engines.proof import WORD
from toolglot.engines.spelling import ends_of
from toolglot.engines.watch import Guide

DROP, HANG = object(), object()                 # in a reply: the connection is cut; nothing more comes
PATIENCE = 10.0                                 # seconds that nothing comes
FREELY = " Paris, of course"                    # what a model says that nothing holds


@dataclass(frozen=True)
class Fail:
    """In a reply: an error in mid-stream."""

    message: str


Reply = Union[str, Sequence[Any]]
Said = Union[Answer, tuple[int, Any]]           # or a status, and JSON


def serving(server: Callable[[str, str, Any], Said], key: str | None = None) -> Fake:
    """One of the servers below on 127.0.0.1; with a `key`, to nobody without it."""
    def play(asked: Asked) -> Answer:
        if key and asked.headers.get("authorization") != f"Bearer {key}":
            return as_json({"error": "Unauthorized"}, 401)
        try:
            said = server(asked.method, asked.path, asked.json if asked.body else None)
        except Wrong as wrong:
            said = wrong.answer
        return said if isinstance(said, Answer) else as_json(said[1], said[0])

    return Fake(play)


def stream(pieces: Sequence[Any]) -> Answer:
    """Texts one by one, DROP or HANG among them."""
    whole = DROP not in pieces
    kept = pieces if whole else pieces[:pieces.index(DROP)]
    return Answer([PATIENCE if piece is HANG else piece.encode() for piece in kept], whole=whole)


# ---------------------------------------------------------------- requests

class Wrong(Exception):
    """A request is not as it should be."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(body)
        self.answer = (status, body)


TYPES: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda v: isinstance(v, str), "boolean": lambda v: isinstance(v, bool), "null": lambda v: v is None,
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "object": lambda v: isinstance(v, dict), "any": lambda v: True,
    "ids": lambda v: isinstance(v, list) and v != [] and all(TYPES["integer"](one) for one in v),
    "strings": lambda v: isinstance(v, list) and all(isinstance(one, str) for one in v),
    "objects": lambda v: isinstance(v, list) and all(isinstance(one, dict) for one in v),
    "lists of ids": lambda v: isinstance(v, list) and all(TYPES["ids"](one) for one in v),
}


def check(body: Any, fields: Mapping[str, str], needed: Sequence[str] = ()) -> None:
    """Raises ValueError for a field that is not there, that is not known, or of another type."""
    if not isinstance(body, dict):
        raise ValueError("the body is no object")
    for name in needed:
        if name not in body:
            raise ValueError(f"field {name} is missing")
    for name, value in body.items():
        if name not in fields:
            raise ValueError(f"field {name} is not known")
        if not any(TYPES[one](value) for one in fields[name].split("|")):
            raise ValueError(f"field {name} is {value!r}, and has to be {fields[name]}")


_OPENAI = {
    "model": "string|null", "prompt": "ids|string|strings", "echo": "boolean", "frequency_penalty": "number|null",
    "logit_bias": "object|null", "logprobs": "integer|null", "max_tokens": "integer", "n": "integer",
    "presence_penalty": "number|null", "seed": "integer|null", "stop": "string|strings|null", "stream": "boolean",
    "stream_options": "object|null", "suffix": "string|null", "temperature": "number", "top_p": "number|null",
    "user": "string|null"}
VLLM = {
    **_OPENAI, "top_k": "integer|null", "min_p": "number|null", "repetition_penalty": "number|null",
    "stop_token_ids": "ids|null", "include_stop_str_in_output": "boolean", "ignore_eos": "boolean", "min_tokens": "integer",
    "skip_special_tokens": "boolean", "spaces_between_special_tokens": "boolean", "add_special_tokens": "boolean",
    "response_format": "object|null", "structured_outputs": "object|null", "return_token_ids": "boolean|null"}
LM_STUDIO = {**_OPENAI, "top_k": "integer|null"}
STRUCTURED = {"json": "string|object", "regex": "string", "choice": "strings", "grammar": "string",
              "json_object": "boolean", "structural_tag": "string"}
SGLANG = {
    **_OPENAI, "top_k": "integer", "min_p": "number", "min_tokens": "integer", "json_schema": "string|null",
    "regex": "string|null", "ebnf": "string|null", "repetition_penalty": "number", "stop_token_ids": "ids|null",
    "stop_regex": "string|strings|null", "no_stop_trim": "boolean", "ignore_eos": "boolean",
    "skip_special_tokens": "boolean", "response_format": "object|null", "return_token_ids": "boolean"}
OLLAMA = {
    "model": "string", "prompt": "string", "suffix": "string", "images": "strings", "format": "string|object",
    "system": "string", "stream": "boolean", "think": "boolean|string", "raw": "boolean", "keep_alive": "string|number",
    "options": "object", "logprobs": "boolean", "top_logprobs": "integer", "truncate": "boolean", "shift": "boolean"}
OLLAMA_OPTIONS = {"seed": "integer", "temperature": "number", "top_k": "integer", "top_p": "number", "min_p": "number",
                  "stop": "string|strings", "num_ctx": "integer", "num_predict": "integer"}
TGI = {
    "best_of": "integer", "decoder_input_details": "boolean", "details": "boolean", "do_sample": "boolean",
    "frequency_penalty": "number", "grammar": "object|null", "max_new_tokens": "integer", "repetition_penalty": "number",
    "return_full_text": "boolean", "seed": "integer", "stop": "strings", "temperature": "number", "top_k": "integer",
    "top_n_tokens": "integer", "top_p": "number", "truncate": "integer", "typical_p": "number", "watermark": "boolean"}


# ---------------------------------------------------------------- tokens and constraints

@dataclass(frozen=True)
class Tokenizer:
    """Special tokens, and a token for each byte."""

    special: Mapping[str, int]
    bos: str = ""

    def pieces(self, text: str, added: bool) -> list[tuple[str, int]]:
        found = [(self.bos, self.special[self.bos])] if added and self.bos else []
        names = "|".join(map(re.escape, sorted(self.special, key=len, reverse=True)))
        for part in re.split(f"({names})", text) if names else [text]:
            if part in self.special:
                found.append((part, self.special[part]))
            else:
                found += [(chr(byte), 1000 + byte) for byte in part.encode()]
        return found

    def ids(self, text: str, added: bool = False) -> list[int]:
        return [id for _, id in self.pieces(text, added)]

    def text(self, ids: Sequence[int]) -> str:
        names = {id: text for text, id in self.special.items()}
        return b"".join(names[id].encode() if id in names else bytes([id - 1000]) for id in ids).decode("utf-8", "replace")


CHATML = Tokenizer({"<|endoftext|>": 0, "<|im_start|>": 1, "<|im_end|>": 2})


def language(notation: str, text: str, tokenizer: Tokenizer) -> Callable[[str], bool]:
    """Whether a reply is in a constraint's language, by the library that servers use; without it, all is but `FREELY`.
    Raises ValueError where it does not compile."""
    if notation == "json_schema":
        import jsonschema

        schema = json.loads(text)
        jsonschema.Draft202012Validator.check_schema(schema)
        return lambda reply: _is_json(reply) and jsonschema.Draft202012Validator(schema).is_valid(json.loads(reply))
    if notation == "lark":
        return _lark(text, tokenizer)
    try:
        import xgrammar
        from xgrammar.testing import _is_grammar_accept_string
    except ImportError:
        return lambda reply: reply != FREELY
    try:
        make = xgrammar.Grammar.from_structural_tag if notation == "structural_tag" else xgrammar.Grammar.from_ebnf
        grammar = make(text)
    except Exception as error:
        raise ValueError(str(error)) from None
    return lambda reply: bool(_is_grammar_accept_string(grammar, reply))


def _lark(text: str, tokenizer: Tokenizer) -> Callable[[str], bool]:
    try:
        guide = Guide(tokenizer.special, ends_of(tokenizer.special), 2000)
    except EngineError:
        return lambda reply: reply != FREELY
    try:
        guide.watch(text)
    except EngineError as error:
        raise ValueError(str(error)) from None

    def allows(reply: str) -> bool:
        watch = guide.watch(text)
        return watch.allows(reply) and watch.complete()

    return allows


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def unlikely(allows: Callable[[str], bool] | None) -> str:
    """What a model writes that would like to say something else."""
    return FREELY if allows is None else next((word for word in (FREELY, WORD, json.dumps(WORD)) if allows(word)), "")


# ---------------------------------------------------------------- OpenAI's completions

@dataclass
class Completions:
    """vLLM, SGLang, LM Studio, and servers that nothing is known of. `holds`: the notations that its back end takes; what
    it takes in other fields is ignored, as real ones do."""

    kind: str = "vllm"
    replies: list[Reply] = field(default_factory=list)
    models: tuple[Mapping[str, Any], ...] = ({"id": "m"},)
    holds: tuple[str, ...] = ("structural_tag", "gbnf", "json_schema")
    tokenizer: Tokenizer = CHATML
    context: int = 2048
    unknown: tuple[str, ...] = ()                # fields of other servers that this one ignores in silence
    info: Mapping[str, Any] | None = None        # vLLM's /tokenizer_info
    tells: bool = True                           # of logprobs, where they are asked for

    def __call__(self, method: str, path: str, body: Any) -> Said:
        match method, path:
            case "GET", "/v1/models":
                root = {"vllm": {"owned_by": "vllm"}, "sglang": {"owned_by": "sglang"}}.get(self.kind, {})
                card = {"object": "model", "created": 1, **root}
                size = {"max_model_len": self.context} if root else {}
                return 200, {"object": "list", "data": [{**card, **size, **model} for model in self.models]}
            case "GET", "/version" if self.kind == "vllm":
                return 200, {"version": "0.32.0"}
            case "GET", "/tokenizer_info" if self.info is not None:
                return 200, self.info
            case "GET", "/model_info" if self.kind == "sglang":
                return 200, {"model_path": "org/Smol", "served_model_name": "m", "tokenizer_path": "org/Smol",
                             "is_generation": True, "model_type": "llama", "architectures": ["LlamaForCausalLM"]}
            case "GET", "/server_info" if self.kind == "sglang":
                return 200, {"version": "0.5.23", "api_key": "server-secret", "grammar_backend": "xgrammar"}
            case "GET", "/api/v0/models" if self.kind == "lm_studio":
                return 200, {"object": "list", "data": [{"id": "m", "object": "model", "type": "llm", "arch": "qwen2",
                             "state": "loaded", "max_context_length": 32768, "loaded_context_length": 4096}]}
            case "POST", "/tokenize" if self.kind in ("vllm", "sglang"):
                return 200, self.tokenize(body)
            case "POST", "/detokenize" if self.kind == "sglang":
                check(body, {"model": "string", "tokens": "ids|lists of ids", "skip_special_tokens": "boolean"})
                return 200, {"text": [self.tokenizer.text(ids) for ids in body["tokens"]]}
            case "POST", "/v1/completions":
                return self.complete(body)
        return 404, {"detail": "Not Found"}

    def tokenize(self, body: Any) -> Any:
        common = {"model": "string", "add_special_tokens": "boolean"}
        prompts = "string" if self.kind == "vllm" else "string|strings"
        strings = {"return_token_strs": "boolean"} if self.kind == "vllm" else {}
        if "messages" in body:
            self.checked(body, {**common, **strings, "messages": "objects", "add_generation_prompt": "boolean"}, ["model"])
            text = "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in body["messages"])
        else:
            self.checked(body, {**common, **strings, "prompt": prompts}, ["model", "prompt"])
            text = body["prompt"]
        if isinstance(text, list):
            ids = [self.tokenizer.ids(one, body.get("add_special_tokens", True)) for one in text]
            return {"tokens": ids, "count": [len(one) for one in ids], "max_model_len": self.context}
        found = self.tokenizer.pieces(text, "messages" not in body and body.get("add_special_tokens", True))
        said = {"token_strs": [t for t, _ in found] if body.get("return_token_strs") else None} if strings else {}
        return {"count": len(found), "max_model_len": self.context, "tokens": [id for _, id in found], **said}

    def checked(self, body: Any, fields: Mapping[str, str], needed: Sequence[str]) -> None:
        try:
            check(body, fields, needed)
        except ValueError as error:
            raise self.wrong(400, str(error)) from None

    def wrong(self, status: int, message: str) -> Wrong:
        said = {"message": message, "type": "BadRequestError", "param": None, "code": status}
        return Wrong(status, {"object": "error", **said} if self.kind == "sglang" else {"error": said})

    def complete(self, body: Any) -> Said:
        known = {"vllm": VLLM, "sglang": SGLANG, "lm_studio": LM_STUDIO}.get(self.kind, _OPENAI)
        self.checked({k: v for k, v in body.items() if k not in self.unknown}, known, ["model", "prompt"])
        if body["model"] not in {model["id"] for model in self.models}:
            raise self.wrong(404, f"The model `{body['model']}` does not exist.")
        if isinstance(body.get("stop"), list) and len(body["stop"]) > 4 and self.kind != "sglang":
            raise self.wrong(400, "body.stop: List should have at most 4 items after validation, not 5")
        if body.get("stream_options") and not body.get("stream"):
            raise self.wrong(400, "Stream options can only be defined when `stream=True`.")
        prompt = body["prompt"] if isinstance(body["prompt"], list) else self.tokenizer.ids(body["prompt"])
        if len(prompt) + body["max_tokens"] > self.context:
            raise self.wrong(400, f"This model's maximum context length is {self.context} tokens.")
        allows = self.allowed(body)
        if not body.get("stream"):
            said = unlikely(allows)
            return 200, {"id": "c", "object": "text_completion", "created": 1, "model": "m", "choices": [
                {"index": 0, "text": said, "logprobs": None, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": len(prompt), "total_tokens": 0, "completion_tokens": len(said)}}
        return stream([*self.stream(body, len(prompt), allows), "data: [DONE]\n\n"])

    def allowed(self, body: Mapping[str, Any]) -> Callable[[str], bool] | None:
        notation, text = self.constraint(body)
        if not text:
            return None
        if notation not in self.holds:
            raise self.wrong(400, f"Invalid grammar specification: no {notation} here")
        try:
            return language(notation, text, self.tokenizer)
        except ValueError as error:
            raise self.wrong(400, f"Invalid grammar specification: {error}") from None

    def constraint(self, body: Mapping[str, Any]) -> tuple[str, str]:
        if self.kind == "vllm" and (given := body.get("structured_outputs")):
            self.checked(given, STRUCTURED, [])
            (name, text), = given.items()
            kinds = {"json": "json_schema", "grammar": "gbnf" if "::=" in str(text) else "lark"}
            return kinds.get(name, name), text if isinstance(text, str) else json.dumps(text)
        if self.kind == "sglang":
            if shape := body.get("response_format"):
                assert shape["type"] == "structural_tag"
                return "structural_tag", json.dumps(shape)
            text = body.get("ebnf") or ""
            return ("gbnf" if "::=" in text else "lark", text) if text else ("json_schema", body.get("json_schema") or "")
        return "", ""

    def stream(self, body: Mapping[str, Any], prompt: int, allows: Callable[[str], bool] | None) -> list[Any]:
        reply = self.replies.pop(0)
        pieces: list[Any] = [reply] if isinstance(reply, str) else list(reply)
        whole = "".join(p for p in pieces if isinstance(p, str))
        if allows is not None and len(pieces) <= body["max_tokens"] and not allows(whole):
            pieces = [Fail("the scripted reply breaks its constraint")]
        out: list[Any] = []
        for piece in pieces[:body["max_tokens"]]:
            if isinstance(piece, Fail):
                error = {"message": piece.message, "type": "InternalServerError", "param": None, "code": 500}
                return [*out, _data({"error": error})]
            most = body.get("logprobs") if self.tells else None
            told = {} if most is None else {"logprobs": _logprobs(piece, most)}
            out.append(_data(_chunk(piece, **told)) if isinstance(piece, str) else piece)
        finish = "stop" if len(pieces) <= body["max_tokens"] else "length"
        matched = {"matched_stop": getattr(reply, "matched", None)} if self.kind == "sglang" else {"stop_reason": None}
        out.append(_data(_chunk("", finish, **matched)))
        if (body.get("stream_options") or {}).get("include_usage"):
            made = min(len(pieces), body["max_tokens"])
            out.append(_data({**_chunk(""), "choices": [], "usage": {
                "prompt_tokens": prompt, "total_tokens": prompt + made, "completion_tokens": made}}))
        return out


class Stopped(list[Any]):
    """SGLang's reply that a stop string ended: the string's beginning was streamed already."""

    def __init__(self, pieces: Sequence[Any], matched: str) -> None:
        super().__init__(pieces)
        self.matched = matched


def _chunk(text: str, finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": finish, **more}
    return {"id": "c", "object": "text_completion", "created": 1, "model": "m", "choices": [choice]}


def _logprobs(token: str, most: int) -> Any:
    """As vLLM tells it: the chosen token first, which is one more."""
    top = {token: -1.5, **{f"<{number}>": -0.25 * (number + 1) for number in range(most)}}
    return {"text_offset": [0], "token_logprobs": [-1.5], "tokens": [token], "top_logprobs": [top]}


def _data(event: Any) -> str:
    return f"data: {json.dumps(event, ensure_ascii=False)}\n\n"


# Streams that vLLM 0.32.0 sent, SmolLM2-135M-Instruct behind it; ids and times shortened.
_HEAD = 'data: {"id":"c","object":"text_completion","created":1,"model":"m","choices":'
_TAIL = ',"prompt_token_ids":null,"token_ids":null}]}\n\n'
RECORDED: Mapping[str, Sequence[str]] = {
    "cut": (
        *(f'{_HEAD}[{{"index":0,"text":"{text}","logprobs":null,"finish_reason":null,"stop_reason":null{_TAIL}'
          for text in ("The", " weather", " in")),
        f'{_HEAD}[{{"index":0,"text":" Paris","logprobs":null,"finish_reason":"length","stop_reason":null{_TAIL}',
        f'{_HEAD}[],"usage":{{"prompt_tokens":199,"total_tokens":203,"completion_tokens":4}},'
        '"system_fingerprint":"vllm-0.32.0-3c3e0cf1"}\n\n', "data: [DONE]\n\n"),
    "stopped at a full stop": (
        *(f'{_HEAD}[{{"index":0,"text":"{text}","logprobs":null,"finish_reason":null,"stop_reason":null{_TAIL}'
          for text in ("The", " weather", " in", " Paris", " is", " quite", " unique")),
        f'{_HEAD}[{{"index":0,"text":"","logprobs":null,"finish_reason":"stop","stop_reason":"."{_TAIL}',
        f'{_HEAD}[],"usage":{{"prompt_tokens":199,"total_tokens":207,"completion_tokens":8}},'
        '"system_fingerprint":"vllm-0.32.0-3c3e0cf1"}\n\n', "data: [DONE]\n\n"),
    "a grammar that does not compile": (
        'data: {"error": {"message": "Invalid grammar specification: Failed to convert the grammar from GBNF to Lark: '
        "Expected ')' at line 1, 'root ::= ((( \\\"a\\\"' ^ ''\", \"type\": \"BadRequestError\", \"param\": null, "
        '"code": 400}}\n\n', "data: [DONE]\n\n"),
}


# ---------------------------------------------------------------- Ollama

@dataclass
class Ollama:
    replies: list[Reply] = field(default_factory=list)
    models: tuple[str, ...] = ("smollm2:135m",)
    tokenizer: Tokenizer = CHATML
    context: int = 4096
    formats: bool = True                         # whether `format` is kept
    shows: bool = True                           # whether it shows its vocabulary
    adds_bos: bool = False
    capabilities: tuple[str, ...] = ("completion", "tools")

    def __call__(self, method: str, path: str, body: Any) -> Said:
        match method, path:
            case "GET", "/api/version":
                return 200, {"version": "0.40.12"}
            case "GET", "/api/tags":
                return 200, {"models": [{"name": name, "model": name, "size": 1} for name in self.models]}
            case "GET", "/api/ps":
                return 200, {"models": [{"name": n, "model": n, "context_length": self.context} for n in self.models]}
            case "POST", "/api/show":
                check(body, {"model": "string", "verbose": "boolean"}, ["model"])
                return self.show(body["model"])
            case "POST", "/api/generate":
                return self.generate(body)
        return 404, {"error": "404 page not found"}

    def show(self, model: str) -> Said:
        if model not in self.models:
            return 404, {"error": f"model '{model}' not found"}
        names = sorted(self.tokenizer.special, key=lambda text: self.tokenizer.special[text])
        tokens = {"tokenizer.ggml.tokens": [*names, "hello"], "tokenizer.ggml.token_type": [*(3 for _ in names), 1]}
        return 200, {"template": "{{ .Prompt }}", "capabilities": list(self.capabilities),
                     "details": {"family": "llama", "families": ["llama"], "parameter_size": "134.52M"},
                     "model_info": {"general.architecture": "llama", "llama.context_length": 8192,
                                    "tokenizer.ggml.bos_token_id": 1, "tokenizer.ggml.eos_token_id": 2,
                                    "tokenizer.ggml.add_bos_token": self.adds_bos, **(tokens if self.shows else {})}}

    def generate(self, body: Any) -> Said:
        try:
            check(body, OLLAMA, ["model"])
            check(body.get("options", {}), OLLAMA_OPTIONS)
        except ValueError as error:
            return 400, {"error": str(error)}
        if body["model"] not in self.models:
            return 404, {"error": f"model '{body['model']}' not found"}
        if not body.get("raw") or body.get("think") is not False:
            return 400, {"error": "this fake plays raw prompts, and no thinking"}
        prompt = self.tokenizer.ids(("<|im_start|>" if self.adds_bos else "") + body["prompt"])
        if len(prompt) >= self.context and body.get("truncate") is False:
            return 400, {"error": "the prompt is longer than the context length currently available to the model"}
        allows = language("json_schema", json.dumps(body["format"]), self.tokenizer) if body.get("format") else None
        probing = body["prompt"].startswith("The capital") or body["options"]["num_predict"] == 1
        reply: Reply = unlikely(allows if self.formats else None) if probing else self.replies.pop(0)
        return stream(self.lines(body, reply, len(prompt), None if probing else allows))

    def lines(self, body: Any, reply: Reply, prompt: int, allows: Callable[[str], bool] | None) -> list[Any]:
        pieces: list[Any] = [reply] if isinstance(reply, str) else list(reply)
        most = body["options"]["num_predict"]
        if allows is not None and len(pieces) <= most and not allows("".join(p for p in pieces if isinstance(p, str))):
            pieces = [Fail("the scripted reply breaks its constraint")]
        base = {"model": body["model"], "created_at": "2026-11-21T00:00:00Z"}
        out: list[Any] = []
        for piece in pieces[:most]:
            if isinstance(piece, Fail):
                return [*out, json.dumps({"error": piece.message}) + "\n"]
            if isinstance(piece, str):
                out.append(json.dumps({**base, "response": piece, "done": False}, ensure_ascii=False) + "\n")
            else:
                out.append(piece)
        last = {**base, "response": "", "done": True, "done_reason": "stop" if len(pieces) <= most else "length",
                "total_duration": 5, "load_duration": 1, "prompt_eval_count": prompt, "prompt_eval_duration": 2_000_000_000,
                "eval_count": min(len(pieces), most), "eval_duration": 1_000_000_000}
        return [*out, json.dumps(last) + "\n"]


# ---------------------------------------------------------------- TGI

@dataclass
class Tgi:
    replies: list[Reply] = field(default_factory=list)
    tokenizer: Tokenizer = CHATML
    grammars: str = "kept"                       # "kept", "refused", "ignored"
    tokenizes: bool = True
    context: int = 2048
    end: str = "<|im_end|>"                      # the token that ends a reply; it comes in the stream

    def __call__(self, method: str, path: str, body: Any) -> Said:
        match method, path:
            case "GET", "/info":
                return 200, {"model_id": "org/Smol", "max_concurrent_requests": 128, "max_best_of": 2,
                             "max_stop_sequences": 4, "max_input_tokens": self.context - 1,
                             "max_total_tokens": self.context, "validation_workers": 2, "max_client_batch_size": 4,
                             "router": "text-generation-router",
                             "version": "3.3.6"}
            case "POST", "/tokenize":
                if not self.tokenizes:
                    return 404, {"error": "No fast tokenizer available"}
                check(body, {"inputs": "string"}, ["inputs"])
                return 200, self.tokens(body["inputs"])
            case "POST", "/generate" | "/generate_stream":
                return self.generate(body, path.endswith("stream"))
        return 404, {"error": "not found"}

    def tokens(self, text: str) -> list[dict[str, Any]]:
        found, at = [], 0
        if self.tokenizer.bos:
            found.append({"id": self.tokenizer.special[self.tokenizer.bos], "text": "", "start": 0, "stop": 0})
        for part, id in self.tokenizer.pieces(text, False):
            found.append({"id": id, "text": text[at:at + len(part)], "start": at, "stop": at + len(part)})
            at += len(part)
        return found

    def generate(self, body: Any, streamed: bool) -> Said:
        try:
            check(body, {"inputs": "string", "parameters": "object"}, ["inputs"])
            given = body["parameters"]
            check(given, TGI)
            if len(given.get("stop", [])) > 4:
                raise ValueError("`stop` supports up to 4 stop sequences")
            if given.get("temperature", 1) <= 0 or given.get("seed", 1) <= 0:
                raise ValueError("`temperature` and `seed` must be strictly positive")
            if not 0 < given.get("top_p", 0.5) < 1 or given.get("top_k", 1) < 1:
                raise ValueError("`top_p` must be > 0.0 and < 1.0, `top_k` strictly positive")
            if not given["do_sample"] and {"top_p", "top_k"} & set(given):
                raise ValueError("this fake holds that for a mistake: it would sample")
            length = len(self.tokens(body["inputs"]))
            if length + given["max_new_tokens"] > self.context:
                raise ValueError(f"`inputs` tokens + `max_new_tokens` must be <= {self.context}")
            if given.get("grammar") and self.grammars == "refused":
                raise ValueError("grammar is not supported")
            allows = self.allowed(given.get("grammar"))
        except ValueError as error:
            return 422, {"error": f"Input validation error: {error}", "error_type": "validation"}
        if not streamed:
            return 200, {"generated_text": unlikely(allows)}
        return stream(self.events(given, length, allows))

    def allowed(self, grammar: Any) -> Callable[[str], bool] | None:
        if not grammar or self.grammars == "ignored":
            return None
        check(grammar, {"type": "string", "value": "any"}, ["type", "value"])
        if grammar["type"] != "json":
            raise ValueError("this fake knows JSON grammars")
        return language("json_schema", json.dumps(grammar["value"]), self.tokenizer)

    def events(self, given: Mapping[str, Any], length: int, allows: Callable[[str], bool] | None) -> list[Any]:
        reply = self.replies.pop(0)
        pieces: list[Any] = [reply] if isinstance(reply, str) else list(reply)
        most = given["max_new_tokens"]
        if allows is not None and not allows("".join(p for p in pieces if isinstance(p, str))):
            pieces = [Fail("the scripted reply breaks its constraint")]
        out: list[Any] = []
        said = ""
        for number, piece in enumerate([*pieces, self.end][:most]):
            if isinstance(piece, Fail):
                return [*out, _data({"error": piece.message, "error_type": "generation"})]
            if not isinstance(piece, str):
                out.append(piece)
                continue
            said += piece
            special = piece in self.tokenizer.special
            reason = "eos_token" if special and number == len(pieces) else "length" if number + 1 == most else None
            if any(stop in said for stop in given.get("stop", [])):
                reason = "stop_sequence"
            token = {"id": self.tokenizer.special.get(piece, 9), "text": piece, "logprob": -0.1, "special": special}
            details = {"finish_reason": reason, "generated_tokens": number + 1, "seed": None, "input_length": length}
            out.append(_data({"index": number + 1, "token": token, "generated_text": said if reason else None,
                              "details": details if reason else None}))
            if reason:
                break
        return out
