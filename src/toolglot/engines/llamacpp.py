"""llama.cpp inside this process: the embedded engine, on `xllamacpp` (`pip install 'toolglot[local]'`).

The rule kept here: never fail open. llama.cpp drops a grammar that it cannot compile, or that meets a limit half way,
and goes on unconstrained; so `llguidance` compiles each constraint first and then follows the reply through it.

A prompt goes in exactly as given: no BOS is added. Control tokens come out spelled, except those that end a reply: they
end it and are no text. Temperature 0 is greedy; above it llama.cpp's other defaults hold (top-k 40, top-p 0.95, min-p
0.05) where the request says nothing else. Its penalties count the last 64 tokens, the prompt's too. Of a
character that takes several tokens, and of what was held back because a stop string might have begun, it tells the
probability of the last token alone.

`llama-cpp-python` is not supported: it has no server inside, so stop strings, whole characters, constraints and parallel
requests would all be written a second time for it.
"""

from __future__ import annotations

import asyncio
import http.client
import importlib
import json
import os
import re
import secrets
import shutil
import socket
import tempfile
import threading
import weakref
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..grammar import Constraint
from . import Chunk, Done, EngineError, ModelFacts, PromptPiece, Request, Rules, TooLong
from .logprobs import read
from .sampling import sampled_by_llama
from .spelling import Spelling, defuse
from .threads import Post, threaded
from .watch import Guide, Watch
from .weights import Gguf

if TYPE_CHECKING:
    from typing_extensions import Self

VERSIONS = ((2026, 10), (2027, 0))      # of xllamacpp: from, and before; its interface follows llama.cpp's
DEFAULT_CONTEXT = 8192                  # tokens
BATCH = 256                             # prompt tokens between two chances to cancel
SMALL = 300_000_000                     # bytes of a model whose tokens take less time than threads need to meet


# ---------------------------------------------------------------- the machine

def _proc(path: str) -> str:
    """A file of the Linux kernel's, "" elsewhere."""
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def available_memory() -> int | None:
    """Bytes that this process may still take, None where the system does not say."""
    limit = _proc("/sys/fs/cgroup/memory.max").strip()
    cap = [int(limit)] if limit.isdigit() else []
    if found := re.search(r"MemAvailable:\s*(\d+)", _proc("/proc/meminfo")):
        return min([int(found[1]) * 1024, *cap])
    names = getattr(os, "sysconf_names", {})
    return int(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")) if "SC_PHYS_PAGES" in names else None


def default_threads() -> int:
    """`TOOLGLOT_THREADS`, or the number of physical cores that this process may use. Errors: EngineError."""
    if asked := os.environ.get("TOOLGLOT_THREADS"):
        if not asked.isdigit() or asked == "0":
            raise EngineError(f"TOOLGLOT_THREADS is {asked!r}: give a number of threads, 1 or more")
        return int(asked)
    total = os.cpu_count() or 1
    mine = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(total))
    cores = set()
    for block in _proc("/proc/cpuinfo").split("\n\n"):
        facts = dict(re.findall(r"^(processor|physical id|core id)\s*:\s*(\d+)", block, re.MULTILINE))
        if int(facts.get("processor", -1)) in mine:
            cores.add((facts.get("physical id"), facts.get("core id", facts["processor"])))
    limits = [len(cores) or len(mine)]
    if quota := re.match(r"(\d+) (\d+)", _proc("/sys/fs/cgroup/cpu.max")):
        limits.append(int(quota[1]) // int(quota[2]))
    return max(1, min(limits))


# ---------------------------------------------------------------- the engine

class LlamaCpp:
    """A loaded model; `open_model` makes it. Use it as a context manager, or call `close`."""

    def __init__(self, server: Any, directory: str, key: str, gguf: Gguf, facts: ModelFacts) -> None:
        self.facts = facts
        self._gguf, self._key, self._address = gguf, key, server.listening_address
        self._markup = Spelling(gguf.markup)
        self._visible = {t: i for t, i in gguf.control.items() if t not in gguf.ends}
        self._server: list[Any] = [server]
        self._jobs: set[threading.Thread] = set()
        self._closed = threading.Event()
        self._release = weakref.finalize(self, _release, self._server, directory)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stops what is running and frees the model. May be called twice."""
        self._closed.set()
        for job in list(self._jobs):
            job.join()
        self._release()

    def rules(self, constraint: Constraint) -> Rules:
        return Rules("lark", constraint.lark(self.facts.special_tokens, self.facts.stop_tokens), constraint.unenforced)

    async def count_tokens(self, prompt: Sequence[PromptPiece]) -> int:
        return len(await asyncio.to_thread(self.tokenize, prompt))

    def tokenize(self, prompt: Sequence[PromptPiece]) -> list[int]:
        """The prompt's token ids. Blocks for about 3 ms per 1,000 tokens."""
        if self._closed.is_set():
            raise EngineError("the engine is closed")
        body = {"content": defuse(prompt, self._markup), "add_special": False, "parse_special": True}
        ids: list[int] = self._asked("POST", "/tokenize", body)["tokens"]
        return ids

    def generate(self, request: Request) -> AsyncGenerator[Chunk | Done, None]:
        """Errors: EngineError for a prompt that is too long, a constraint that does not compile or was not kept."""
        return threaded(partial(self._run, request), "llama.cpp", self._jobs, self._closed)

    def _run(self, request: Request, post: Post, stopped: Callable[[], bool]) -> Done | EngineError:
        """One generation, in a thread of its own; blocks. What went wrong is returned or raised."""
        body = self._body(request)
        watch = self._guidance.watch(body["grammar"]) if request.constraint is not None else None
        outcome: list[EngineError | Done] = []

        def take(chunk: dict[str, Any]) -> bool:
            try:
                outcome.extend(self._read(chunk, watch, bool(body["stop"]), request.logprobs or 0, post))
            except (ValueError, LookupError, TypeError) as error:       # xllamacpp swallows what a callback raises
                outcome.append(error if isinstance(error, EngineError) else EngineError(f"llama.cpp: {error!r}"))
            return bool(outcome) or stopped()

        if server := next(iter(self._server), None):
            server.handle_completions(body, take)
        return outcome[0] if outcome else EngineError("the engine was closed")

    def _read(self, chunk: dict[str, Any], watch: Watch | None, cut: bool, others: int, post: Post) -> list[Done]:
        """Passes on the text of one answer of the server's. `cut`: a stop string may end the reply anywhere."""
        if "error" in chunk:
            raise EngineError(f"llama.cpp refused the request: {chunk['error'].get('message', chunk['error'])}")
        choice = chunk["choices"][0]
        text, reason = choice["text"], choice["finish_reason"]
        if text:
            if watch and not watch.allows(text):
                raise EngineError(f"the reply left its constraint at {text!r}: llama.cpp dropped the grammar")
            post(Chunk(text, read(choice.get("logprobs"), others, "llama.cpp")))
        if reason is None:
            return []
        if watch and reason == "stop" and not cut and not watch.complete():
            raise EngineError("the reply ended before its constraint did: llama.cpp dropped the grammar")
        usage, timings = chunk["usage"], chunk["timings"]
        return [Done("length" if reason == "length" else "stop", usage["prompt_tokens"], usage["completion_tokens"],
                     timings["prompt_ms"] / 1000, timings["predicted_ms"] / 1000)]

    def _body(self, request: Request) -> dict[str, Any]:
        if request.max_tokens < 1:
            raise EngineError(f"max_tokens is {request.max_tokens}: give 1 or more")
        ids, context = self.tokenize(request.prompt), self.facts.context
        if not ids:
            raise EngineError("the prompt is empty: llama.cpp needs at least one token")
        if len(ids) >= context:
            raise TooLong(len(ids), context)
        body: dict[str, Any] = {
            "prompt": ids, "n_predict": request.max_tokens, "temperature": request.temperature, "seed": request.seed,
            # A token that ends a reply is no text, so it cannot be found as a stop string, nor need it be.
            "stop": [s for s in request.stop if s not in self._gguf.ends], "preserved_tokens": list(self._visible),
            "stream": True, "return_progress": True, "cache_prompt": True, **sampled_by_llama(request, "llama.cpp")}
        if request.constraint is not None:
            notation, text, _ = request.constraint
            if notation != "lark":
                raise EngineError(f"the embedded engine takes Lark, not {notation}: ask its `rules` for the constraint")
            body["grammar"] = text if text.startswith("%llguidance") else f"%llguidance {{}}\n{text}"
        return body

    @cached_property
    def _guidance(self) -> Guide:
        return Guide(self._gguf.control, self._gguf.ends, self._gguf.vocabulary)

    def _asked(self, method: str, path: str, body: Any = None) -> Any:
        """xllamacpp has no call that tokenises, only its server has; see `_params` for who can reach that."""
        scheme, _, place = self._address.partition("://")
        connection = http.client.HTTPConnection("localhost")
        try:
            if scheme == "unix":
                connection.sock = socket.socket(socket.AF_UNIX)
                connection.sock.connect(place)
            else:
                host, _, port = place.rpartition(":")
                connection.sock = socket.create_connection((host, int(port)))
            connection.request(method, path, json.dumps(body), {"Authorization": f"Bearer {self._key}"})
            answer = json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException) as error:
            raise EngineError(f"llama.cpp does not answer, it may be closing: {error}") from None
        finally:
            connection.close()
        if isinstance(answer, dict) and "error" in answer:
            raise EngineError(f"llama.cpp: {answer['error'].get('message')}")
        return answer


def _release(server: list[Any], directory: str) -> None:
    server.clear()          # the last reference: xllamacpp stops its threads and frees the model
    shutil.rmtree(directory, ignore_errors=True)


# ---------------------------------------------------------------- opening

def open_model(path: str | os.PathLike[str], *, context: int | None = None, threads: int | None = None,
               slots: int = 1) -> LlamaCpp:
    """Loads the GGUF file at `path`; blocks, interpreter lock held, while it does (0.5 s for 100 MB).

    `context` is in tokens, for one request: prompt and reply together; by default what the model was trained for, at
    most 8,192. `slots` requests run side by side, each with its own context, or as many of them as the memory has room
    for; the rest wait. `threads`: see `default_threads`; a small
    model writes with one unless told otherwise, and reads its prompt with all.

    Errors: EngineError where the file is missing, no GGUF, cut short or too large for the memory, where llama.cpp
    cannot load it, and where xllamacpp is missing or of a version that this engine does not know.
    """
    path = Path(path).expanduser()
    gguf = Gguf(path)
    library = _library()
    trained = int(gguf.number("context_length", DEFAULT_CONTEXT))
    context = min(context or DEFAULT_CONTEXT, trained)
    readers = threads or default_threads()
    told = threads or os.environ.get("TOOLGLOT_THREADS")
    writers = 1 if gguf.size < SMALL and not told else readers
    available = available_memory()
    on_cpu = all(device["name"].startswith("CPU") for device in library.get_device_info())
    while slots > 1 and on_cpu and available is not None and gguf.size + slots * gguf.cache_bytes(context) > available:
        slots //= 2
    needed = gguf.size + gguf.cache_bytes(context)
    if on_cpu and available is not None and needed > available:
        raise EngineError(f"{path} needs {needed / 1e9:.1f} GB of memory with a context of {context:,} tokens, and "
                          f"{available / 1e9:.1f} GB are free: take a smaller model or a smaller context")
    directory, key = tempfile.mkdtemp(prefix="toolglot-"), secrets.token_hex(16)
    os.environ.setdefault("LLGUIDANCE_LOG_LEVEL", "0")      # else its warnings go to stderr, past llama.cpp's log
    try:
        server = library.Server(_params(library, path, context * slots, (readers, writers), slots, directory, key))
    except AttributeError as error:
        shutil.rmtree(directory, ignore_errors=True)
        raise EngineError(f"xllamacpp {library.__version__} lacks a parameter that is used here: {error}") from None
    except RuntimeError:
        shutil.rmtree(directory, ignore_errors=True)
        known = f"xllamacpp {library.__version__} does not know its architecture ({gguf.architecture or 'not named'})"
        raise EngineError(f"llama.cpp cannot load {path}: the file is cut short or damaged, or {known}") from None
    found = f"llama.cpp in this process (xllamacpp {library.__version__}) runs {path}"
    engine = LlamaCpp(server, directory, key, gguf, replace(gguf.facts(path.stem, context), found=(found,)))
    engine._asked("GET", "/lora-adapters")      # its loop answers: a server that is closed before that runs never ends
    return engine


def _library() -> Any:
    # OpenMP's threads wait by spinning, and it can be told otherwise only when it loads. Two spinning threads made 118
    # tokens a second on two free cores and 0.7 where they had to share them; two sleeping ones 45 and 68, one 86, 84.
    policy = os.environ.get("OMP_WAIT_POLICY")
    os.environ["OMP_WAIT_POLICY"] = policy or "passive"
    try:
        library = importlib.import_module("xllamacpp")
    except ImportError as error:
        hint = "pip install 'toolglot[local]'"
        if "libgomp" in str(error):
            hint = "install libgomp1, the system's OpenMP library"
        raise EngineError(f"the embedded engine is not installed ({error}): {hint}") from None
    finally:
        if policy is None:
            del os.environ["OMP_WAIT_POLICY"]
    version = str(library.__version__)
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if not VERSIONS[0] <= numbers < VERSIONS[1] or not hasattr(library.Server, "handle_completions"):
        raise EngineError(f"this engine does not know xllamacpp {version}: pip install 'xllamacpp>=2026.10,<2027'")
    return library


def _params(library: Any, path: Path, context: int, threads: tuple[int, int], slots: int, directory: str,
            key: str) -> Any:
    params = library.CommonParams()
    params.model.path = str(path)
    params.n_ctx, params.n_parallel, params.n_batch = context, slots, BATCH
    params.cpuparams_batch.n_threads, params.cpuparams.n_threads = threads
    params.cache_ram_mib = 0        # else up to 8 GiB of old prompts; each slot's own cache is enough
    params.warmup = False           # one run for nothing: it pays on a GPU only
    params.verbosity = -1           # nothing on stderr
    # xllamacpp always listens. Make that a socket in a directory of the user's own, or at least ask for a key.
    place = os.path.join(directory, "llama.sock")       # it must end so
    params.hostnames = [place if hasattr(socket, "AF_UNIX") and len(place) < 100 else "127.0.0.1"]
    params.api_keys, params.ui, params.endpoint_slots = [key], False, False
    return params
