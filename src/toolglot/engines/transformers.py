"""Hugging Face transformers inside this process (`pip install 'toolglot[transformers]'`).

The rule kept here: a constraint is compiled before the first token, masks every choice, and never gives way. What it
forces is not asked of the model: it is written at once, and read by the model in one pass with what comes next.

A prompt goes in exactly as given: no BOS is added. Special tokens come out spelled, except those that end a reply: they
end it and are no text. Temperature 0 is greedy; above it nothing but the request shapes the choice. Of the model's
generation config, only what ends a reply is taken. Who keeps a `model.generate` of their own finds `ConstrainedLogits`,
`EventStreamer` and `encode` here too. All of it was tried on a CPU with files on disk: neither a GPU nor a fetch from the
hub was at hand.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import re
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from functools import partial
from io import StringIO
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..grammar import Constraint
from . import Chunk, Done, EngineError, ModelFacts, PromptPiece, Request, Rules, TooLong
from .llamacpp import default_threads
from .sampling import OWN, choose, sampled
from .stops import Stops
from .threads import Post, threaded
from .transformers_generate import (
    ConstrainedLogits,
    EventStreamer,
    Vocabulary,
    allowed,
    complete,
    encode,
    library,
    take,
    vocabulary_of,
)
from .weights import Gguf

if TYPE_CHECKING:
    from typing_extensions import Self

DEFAULT_CONTEXT = 8192                  # tokens, where the model does not say
STRIDE = 512                            # prompt tokens between two chances to cancel
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


class Transformers:
    """A loaded model; `open_model` makes it, or give it a model and a tokenizer that you have. Use it as a context
    manager, or call `close`.

    `context` is in tokens, prompt and reply together: by default what the model was trained for. With `forced` false,
    the model is asked for each token, also where the constraint leaves it no choice (SmolLM2-135M in float32 on two CPU
    cores: 17 tokens of a call a second, 16 of free text; with `forced`, 64).
    """

    def __init__(self, model: Any, tokenizer: Any, *, context: int | None = None, name: str = "",
                 found: Sequence[str] = (), forced: bool = True) -> None:
        if model.config.is_encoder_decoder:
            raise EngineError(f"{model.config.model_type} has an encoder: this engine runs models that only write on")
        ends = model.generation_config.eos_token_id if model.generation_config else None
        self._vocabulary = vocabulary_of(tokenizer, ends)
        self.facts = _facts(model, tokenizer, self._vocabulary, context, name, found)
        self.forced = forced
        self._model: Any = model.eval()
        # Without it the logits of a long prompt take gigabytes.
        known = inspect.signature(model.forward).parameters
        self._options = {"logits_to_keep": 1} if "logits_to_keep" in known else {}
        self._jobs: set[threading.Thread] = set()
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stops what is running and lets go of the model. May be called twice."""
        self._closed.set()
        for job in list(self._jobs):
            job.join()
        self._model = None

    def rules(self, constraint: Constraint) -> Rules:
        return self._vocabulary.rules(constraint)

    async def count_tokens(self, prompt: Sequence[PromptPiece]) -> int:
        return len(await asyncio.to_thread(self.tokenize, prompt))

    def tokenize(self, prompt: Sequence[PromptPiece]) -> list[int]:
        """The prompt's token ids."""
        if self._closed.is_set():
            raise EngineError("the engine is closed")
        return self._vocabulary.encode(prompt)

    def generate(self, request: Request) -> AsyncGenerator[Chunk | Done, None]:
        """Errors: EngineError for a prompt that is too long, and a constraint that does not compile or cannot be kept."""
        return threaded(partial(self._run, request), "transformers", self._jobs, self._closed)

    def _run(self, request: Request, post: Post, stopped: Callable[[], bool]) -> Done:
        """One generation, in a thread of its own; blocks."""
        began, read = time.perf_counter(), list[float]()
        ids = self._fitting(request)
        most = min(request.max_tokens, self.facts.context - len(ids))
        characters = self._vocabulary.characters()
        # A token that ends a reply is no text, so it cannot be found as a stop string, nor need it be.
        stops = Stops([stop for stop in request.stop if stop not in self.facts.stop_tokens])
        count, over = 0, False
        for token in self._tokens(ids, request, read, stopped):
            count += 1
            if token in self._vocabulary.ends:
                over = True
                break
            if text := stops.feed(characters(token)):
                post(Chunk(text))
            over = stops.found
            if over or count == most:
                break
        else:
            raise EngineError("the engine was closed")
        if text := stops.close():
            post(Chunk(text))
        now = time.perf_counter()
        first = read[0] if read else now
        return Done("stop" if over else "length", len(ids), count, first - began, now - first)

    def _fitting(self, request: Request) -> list[int]:
        """The prompt's token ids, where they leave room for a reply."""
        if request.max_tokens < 1:
            raise EngineError(f"max_tokens is {request.max_tokens}: give 1 or more")
        sampled(request, OWN, "transformers")            # has them all; `choose` knows them
        ids, context = self.tokenize(request.prompt), self.facts.context
        if not ids:
            raise EngineError("the prompt is empty: the model needs at least one token")
        if len(ids) >= context:
            raise TooLong(len(ids), context)
        return ids

    def _tokens(self, ids: list[int], request: Request, read: list[float], stopped: Callable[[], bool]) -> Iterator[int]:
        """The tokens of the reply, the one that ends it included, until nobody asks on; fewer when stopped.

        `read` is given the time of each pass through the model, the first of which reads the prompt.
        """
        matcher = None if request.constraint is None else self._vocabulary.matcher(request.constraint)
        cache, torch = None, library("torch")
        dice = torch.Generator(self._model.device).manual_seed(request.seed)
        written: list[int] = []
        new = list(ids)                                  # what the model has not read yet
        while True:
            for token in self._forced(matcher):
                yield token
                new.append(token)
                written.append(token)
            if matcher is not None and matcher.is_stopped():
                yield min(self._vocabulary.ends)         # nothing may follow but an end: no need to ask which
                return
            logits, cache = self._forward(new, cache, stopped)
            if logits is None or stopped():
                return
            read.append(time.perf_counter())
            if matcher is not None:
                mask = allowed(matcher, len(logits)).to(logits.device)
                logits = logits.masked_fill(~mask, float("-inf"))
            token = choose(torch, logits, request, written, dice)
            if matcher is not None:
                self._take(matcher, token)
            yield token
            new = [token]
            written.append(token)

    def _forced(self, matcher: Any) -> Iterator[int]:
        """The tokens that the constraint leaves no choice about. llguidance gives only those that any text which may
        follow leaves as they are."""
        for token in matcher.compute_ff_tokens() if self.forced and matcher is not None else ():
            self._take(matcher, token)
            yield token

    def _take(self, matcher: Any, token: int) -> None:
        take(matcher, token)
        if token in self._vocabulary.ends and not complete(matcher):
            raise EngineError("the reply ended before its constraint did, which has an end token in its middle")

    def _forward(self, new: list[int], cache: Any, stopped: Callable[[], bool]) -> tuple[Any, Any]:
        """The logits of what follows `new`, as float32, and the cache that holds it all; no logits when stopped."""
        torch, model = library("torch"), self._model
        for start in range(0, len(new), STRIDE):
            if stopped():
                return None, None
            ids = torch.tensor([new[start:start + STRIDE]], device=model.device)
            try:
                with torch.inference_mode():
                    output = model(input_ids=ids, past_key_values=cache, use_cache=True, **self._options)
            except RuntimeError as error:                # out of memory is one
                raise EngineError(f"{self.facts.name} failed: {_first_line(error)}") from error
            cache = getattr(output, "past_key_values", None)
            if cache is None:
                raise EngineError(f"{self.facts.architecture} models keep no cache of keys and values, which this engine "
                                  f"needs: call model.generate with ConstrainedLogits instead")
        return output.logits[0, -1].float(), cache


# ---------------------------------------------------------------- opening

def open_model(path_or_id: str | Path, *, device: str | None = None, dtype: Any = None, gguf_file: str | None = None,
               context: int | None = None) -> Transformers:
    """Loads a model: a directory with its files, a GGUF file, or a model id of the Hugging Face hub, `owner/name`.

    Nothing is fetched but what such an id names, and no code that comes with a model is run. `gguf_file` is the GGUF
    file in the directory or repository; loading one needs transformers 5, `accelerate` and `gguf`, and unpacks its weights.
    `device` is torch's ("cuda:1"); by default the first GPU, else the CPU. `dtype` is torch's or its name; by default
    what the weights are stored as, float32 for a GGUF. `context`: see Transformers. `TOOLGLOT_THREADS`, where it is set,
    is how many threads torch takes on the CPU, in all of this process.

    Errors: EngineError where there is no such file, where transformers cannot load it, and where a package is missing.
    """
    torch, transformers = library("torch"), library("transformers")
    library("llguidance.hf")
    if os.environ.get("TOOLGLOT_THREADS"):
        torch.set_num_threads(default_threads())
    where, gguf_file, here = _place(path_or_id, gguf_file)
    # Without an answer to trust_remote_code, transformers would ask for one at the terminal.
    options: dict[str, Any] = {"local_files_only": here, "trust_remote_code": False}
    if gguf_file:
        options["gguf_file"] = gguf_file
    device = device or ("cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu")
    try:
        with _silent(transformers):
            tokenizer = transformers.AutoTokenizer.from_pretrained(where, **options)
            model, loaded = transformers.AutoModelForCausalLM.from_pretrained(
                where, dtype=dtype or "auto", output_loading_info=True, **options)
            model = model.to(device)
    except Exception as error:                           # each format and each model has errors of its own
        who = f"transformers {transformers.__version__}"
        raise EngineError(f"{who} cannot load {path_or_id}: {_first_line(error)}") from error
    name = ""
    if gguf_file and (file := Path(where) / gguf_file).is_file():
        name = str(Gguf(file).meta.get("general.name", file.stem))
    found = [f"transformers {transformers.__version__}, torch {torch.__version__}", f"loaded {path_or_id}"]
    if missing := sorted(loaded["missing_keys"]):
        found.append(f"{len(missing)} weights are not in the files and were made up, {missing[0]} for one")
    return Transformers(model, tokenizer, context=context, name=name, found=found)


def _place(path_or_id: str | Path, gguf_file: str | None) -> tuple[str, str | None, bool]:
    """Where a model is, the GGUF file in there if it is one, and whether that is on this machine."""
    path = Path(path_or_id).expanduser()
    if path.is_file() and path.suffix == ".gguf":
        return str(path.parent), path.name, True
    if path.is_dir():
        if gguf_file and not (path / gguf_file).is_file():
            raise EngineError(f"there is no file {path / gguf_file}")
        return str(path), gguf_file, True
    if isinstance(path_or_id, str) and HUB_ID.fullmatch(path_or_id) and path.suffix != ".gguf":
        return path_or_id, gguf_file, False
    raise EngineError(f"there is no model {path_or_id}: give a directory with a model's files, a .gguf file, or a hub id, "
                      f"owner/name")


@contextmanager
def _silent(transformers: Any) -> Iterator[None]:
    """No progress bars. A GGUF's is tqdm's own, which can only be kept from stderr."""
    logging = transformers.utils.logging
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        with redirect_stderr(StringIO()):
            yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _facts(model: Any, tokenizer: Any, vocabulary: Vocabulary, context: int | None, name: str,
           found: Sequence[str]) -> ModelFacts:
    config = model.config
    text = config.get_text_config()
    trained = getattr(text, "max_position_embeddings", None)
    stop_tokens = tuple(t for t in map(tokenizer.convert_ids_to_tokens, sorted(vocabulary.ends)) if t)
    template = tokenizer.chat_template
    if isinstance(template, dict):                       # several, by name
        template = template.get("tool_use") or template.get("default")
    said = [*found, f"on {model.device}, {str(model.dtype).removeprefix('torch.')}",
            f"a reply ends with {' or '.join(stop_tokens)}: so the tokenizer and the generation config say"]
    if not trained:
        said.append(f"the model does not say how many tokens it can take: {DEFAULT_CONTEXT:,} are assumed")
    limit = trained or max(context or 0, DEFAULT_CONTEXT)
    origin = str(config._name_or_path or "")
    return ModelFacts(
        name=name or (Path(origin).name if Path(origin).is_dir() else origin) or str(config.model_type),
        architecture=str(config.model_type), chat_template=template, bos=tokenizer.bos_token or "",
        eos=tokenizer.eos_token or "", stop_tokens=stop_tokens, special_tokens=dict(vocabulary.special),
        context=min(context or limit, limit), vocabulary=int(text.vocab_size), found=tuple(said))


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:400]


__all__ = ["ConstrainedLogits", "EventStreamer", "Transformers", "encode", "open_model"]
