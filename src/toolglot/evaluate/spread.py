"""Many GPUs at once: requests gathered into batches, and each batch handed to Ray Data (`pip install 'toolglot[ray]'`).

The one rule: to the rest of the evaluation this is an engine like any other: prompts, constraints, reading and judging are
the same functions, here, and only generating is elsewhere. Ray Data starts its workers for each batch, so let it be large:
as many questions at a time as there are (`concurrency`), and a run is as many batches as its longest item has steps.

What was run: Ray 2.60 on one machine, with workers that hold a scripted engine. What was not: vLLM under Ray Data, for
which `vllm_rows` and `vllm_answers` follow ray.data.llm's stage of Ray 2.60 (`tokenized_prompt`, `sampling_params` with
`structured_outputs`, `generated_text`), to the letter but untried.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict
from typing import Any

from ..engines import Chunk, Done, Engine, EngineError, ModelFacts, PromptPiece, Request, Rules
from ..grammar import Constraint

LINGER = 0.5                        # seconds without a new request after which a batch is whole
CONTEXT = 8192
Rows = Callable[[Any], Any]         # a Ray Dataset of requests -> one of answers
Row = dict[str, Any]


class Spread:
    """An engine whose requests go out in batches. `processor`: rows of `number` and `request` (JSON) -> rows of `number`,
    `text`, `finish`, `prompt_tokens`, `completion_tokens` and `error` ("" where there is none)."""

    def __init__(self, facts: ModelFacts, processor: Rows, rules: Callable[[Constraint], Rules],
                 encode: Callable[[Sequence[PromptPiece]], list[int]] | None = None, *, linger: float = LINGER) -> None:
        self.facts, self.processor, self._rules, self._encode, self.linger = facts, processor, rules, encode, linger
        self._waiting: list[tuple[Request, asyncio.Future[Row]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._batches: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()

    def rules(self, constraint: Constraint) -> Rules:
        return self._rules(constraint)

    async def generate(self, request: Request) -> AsyncGenerator[Chunk | Done, None]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Row] = loop.create_future()
        self._waiting.append((request, answer))
        if self._timer:
            self._timer.cancel()
        self._timer = loop.call_later(self.linger, self._send)
        row = await answer
        if row["error"]:
            raise EngineError(f"{self.facts.name}: {row['error']}")
        if row["text"]:
            yield Chunk(row["text"])
        yield Done(row["finish"], int(row["prompt_tokens"]), int(row["completion_tokens"]))

    async def count_tokens(self, prompt: Sequence[PromptPiece]) -> int:
        return len(self._encode(prompt)) if self._encode else 0

    def close(self) -> None:
        if self._timer:
            self._timer.cancel()
        for task in self._batches:
            task.cancel()

    def _send(self) -> None:
        batch, self._waiting = [one for one in self._waiting if not one[1].cancelled()], []
        if batch:
            task = asyncio.get_running_loop().create_task(self._answer(batch))
            self._batches.add(task)
            task.add_done_callback(self._batches.discard)

    async def _answer(self, batch: Sequence[tuple[Request, asyncio.Future[Row]]]) -> None:
        """One batch at a time: each has all the GPUs."""
        rows = [{"number": number, "request": json.dumps(self._row(request))} for number, (request, _) in enumerate(batch)]
        try:
            async with self._turn:
                answers = await asyncio.to_thread(self._processed, rows)
            found = {int(row["number"]): row for row in answers}
        except Exception as error:                       # Ray's errors are of many kinds
            found, lost = {}, f"Ray Data failed: {str(error).strip().splitlines()[-1:] or type(error).__name__}"
        else:
            lost = "Ray Data gave no answer"
        for number, (_, future) in enumerate(batch):
            if not future.done():
                future.set_result(found.get(number, {"error": lost}))

    def _row(self, request: Request) -> Row:
        row = asdict(request)
        row["prompt"] = [list(piece) for piece in request.prompt]
        row["constraint"] = None if request.constraint is None else list(request.constraint)
        if self._encode:
            row["ids"] = self._encode(request.prompt)
        return row

    def _processed(self, rows: Sequence[Row]) -> list[Row]:
        data = library("ray.data")
        answers: list[Row] = self.processor(data.from_items(list(rows))).take_all()
        return answers


def library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise EngineError(f"--engine ray needs {name.partition('.')[0]} ({error}): pip install 'toolglot[ray]'") from None


# -- any engine, in Ray's workers ------------------------------------------------------------------------------


def by_engine(make: Callable[[], Engine], workers: int = 1, batch_size: int = 64, **resources: Any) -> Rows:
    """A processor whose workers hold an engine each, made where they are. `resources` are Ray's: num_gpus=1, say."""
    return lambda rows: rows.map_batches(_Worker, fn_constructor_args=(make,), batch_size=batch_size,
                                         compute=library("ray.data").ActorPoolStrategy(size=workers), **resources)


class _Worker:
    """What a Ray worker is: an engine, and a loop to ask it in."""

    def __init__(self, make: Callable[[], Engine]) -> None:
        self.engine = make()

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, list[Any]]:
        answers = asyncio.run(self._all([json.loads(one) for one in batch["request"]]))
        rows = [{"number": int(number), **answer} for number, answer in zip(batch["number"], answers, strict=True)]
        return {name: [row[name] for row in rows] for name in rows[0]}

    async def _all(self, rows: Sequence[Row]) -> list[Row]:
        return await asyncio.gather(*(self._one(request_of(row)) for row in rows))

    async def _one(self, request: Request) -> Row:
        text: list[str] = []
        done = Done("stop", 0, 0)
        try:
            async with aclosing(self.engine.generate(request)) as output:
                async for item in output:
                    if isinstance(item, Done):
                        done = item
                    else:
                        text.append(item.text)
        except EngineError as error:
            return _answer("", done, str(error))
        return _answer("".join(text), done)


def request_of(row: Mapping[str, Any]) -> Request:
    """A request, from what was sent of it."""
    fields = {name: value for name, value in row.items() if name != "ids"}
    fields["prompt"] = [PromptPiece(*piece) for piece in row["prompt"]]
    if row["constraint"]:
        notation, text, unenforced = row["constraint"]
        fields["constraint"] = Rules(notation, text, tuple(unenforced))
    return Request(**{**fields, "stop": tuple(row["stop"])})


def _answer(text: str, done: Done, error: str = "") -> Row:
    return {"text": text, "finish": done.finish, "prompt_tokens": done.prompt_tokens,
            "completion_tokens": done.completion_tokens, "error": error}


# -- vLLM ------------------------------------------------------------------------------------------------------


def by_vllm(model: str, workers: int = 1, **options: Any) -> Rows:
    """A processor of ray.data.llm: so many replicas of vLLM. `options` are vLLM's (tensor_parallel_size, say)."""
    llm = library("ray.data.llm")
    config = llm.vLLMEngineProcessorConfig(model_source=model, engine_kwargs=options, concurrency=workers,
                                           should_continue_on_error=True, chat_template_stage=False, tokenize_stage=False,
                                           detokenize_stage=False)
    processor: Rows = llm.build_processor(config, preprocess=vllm_rows, postprocess=vllm_answers)
    return processor


def vllm_rows(row: Mapping[str, Any]) -> Row:
    """A request as vLLM's stage takes it. The prompt goes as ids, so that no message can forge a turn."""
    asked = json.loads(row["request"])
    sampling: Row = {"max_tokens": asked["max_tokens"], "temperature": asked["temperature"], "seed": asked["seed"],
                     "stop": asked["stop"], "skip_special_tokens": False}
    sampling |= {name: asked[name] for name in ("top_p", "top_k", "presence_penalty", "frequency_penalty")
                 if asked[name] is not None}
    if asked["constraint"]:
        sampling["structured_outputs"] = {"structural_tag": asked["constraint"][1]}
    return {"number": row["number"], "most": asked["max_tokens"], "tokenized_prompt": asked["ids"],
            "sampling_params": sampling}


def vllm_answers(row: Mapping[str, Any]) -> Row:
    """What vLLM's stage gives, as an answer. It does not say how a reply ended: one of as many tokens as it may have was
    cut."""
    if error := row.get("__inference_error__"):
        return {"number": row["number"], **_answer("", Done("stop", 0, 0), str(error))}
    tokens = int(row["num_generated_tokens"])
    done = Done("length" if tokens >= row["most"] else "stop", int(row["num_input_tokens"]), tokens)
    return {"number": row["number"], **_answer(row["generated_text"], done)}


def structural(constraint: Constraint) -> Rules:
    return Rules("structural_tag", constraint.structural_tag_text(), constraint.unenforced)


def open_ray(model: str | None, *, context: int | None = None, workers: int | None = None) -> Spread:
    """vLLM on all the GPUs of a Ray cluster, one replica each. `model` is a directory or a hub id. Raises EngineError."""
    from ..engines.transformers_generate import library as of_transformers
    from ..engines.transformers_generate import vocabulary_of

    if not model:
        raise EngineError("--engine ray needs --model: a directory with a model of transformers, or a hub id")
    ray, transformers = library("ray"), of_transformers("transformers")
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(model, trust_remote_code=False)
    except Exception as error:                           # each format has errors of its own
        raise EngineError(f"transformers cannot load the tokenizer of {model}: {str(error)[:300]}") from None
    vocabulary = vocabulary_of(tokenizer)
    if not ray.is_initialized():
        ray.init(include_dashboard=False, log_to_driver=False)
    gpus = int(ray.cluster_resources().get("GPU", 0))
    if not gpus:
        raise EngineError("the Ray cluster has no GPU, and vLLM needs one")
    ends = tuple(filter(None, map(tokenizer.convert_ids_to_tokens, sorted(vocabulary.ends))))
    template = tokenizer.chat_template
    facts = ModelFacts(model, chat_template=template.get("default") if isinstance(template, dict) else template,
                       bos=tokenizer.bos_token or "", eos=tokenizer.eos_token or "", stop_tokens=ends,
                       special_tokens=dict(vocabulary.special), context=context or CONTEXT,
                       found=(f"vLLM by Ray Data {ray.__version__}, {workers or gpus} replicas of {model}",))
    return Spread(facts, by_vllm(model, workers or gpus, max_model_len=context or CONTEXT), structural, vocabulary.encode)


__all__ = ["Spread", "by_engine", "by_vllm", "open_ray", "request_of", "vllm_answers", "vllm_rows"]
