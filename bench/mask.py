"""What a constraint costs llguidance: compiling it, and the mask of each token, in the vocabularies of real models.

The tools are the recorded questions' own, or generated where those are absent. Compiling is two steps, toolglot's text
and llguidance's matcher. Masks are timed along calls with the questions' accepted answers and along an answer in words,
cut as the model's tokenizer cuts them; each reply has a copy of the compiled matcher, as an engine that keeps compiled
constraints gives it. The first mask of all is made with the compiling and counted there. `again` is a second request
with the same tools and choice: constraint, text and a matcher. Choice `auto`, where a reply may be either, unless told
otherwise. Times are processor time.

Where xgrammar is installed it does the same with the structural tag of the same constraint, in the same run.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib
import importlib.util
import json
import statistics
import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from typing import Any

import common
import llguidance
import vocabularies

from toolglot.emit.lark import SLICES
from toolglot.message import Call, Text, Tool
from toolglot.model import Model
from toolglot.registry import dialects
from toolglot.schema import validate
from toolglot.tools import as_tools

TARGETS = {"compile": 150.0, "p50": 30.0, "p99": 200.0, "words": 20.0, "again": 1.0}     # ms, and µs for masks
WORDS = ("The weather in São Paulo will be mild over the next three days, about 21.5 °C with light rain at first. Pack "
         "a thin coat, an umbrella (or two) and good shoes; the walk through the old town takes 90 minutes.\n\n"
         "Anything else?")
SIZES = (1, 10, 100, 500)
SOME = ("hermes", "qwen3-coder", "mistral-v3", "llama3.1", "llama-pythonic", "glm-4.5", "deepseek-v3.1", "harmony", "json")


def material(count: int) -> tuple[tuple[Tool, ...], list[Call]]:
    """That many tools, and calls of them with realistic arguments."""
    if not (common.SHARED / "recorded").is_dir():
        made = as_tools(common.tools(count))
        return made, [Call(t.name, {"city": "São Paulo", "days": 3, "unit": "celsius"}, "abcdefgh1") for t in made]
    items = common.questions("simple") + common.questions("multiple")
    known = {f["name"]: f for item in items for f in item["functions"]}
    chosen = {t.name: t for t in as_tools(list(known.values())[:count])}
    calls = []
    for item in items:
        (name, accepted), = item["ground_truth"][0].items()
        given = {k: accepted[k][0] for k in known.get(name, {}).get("parameters", {}).get("properties", {})
                 if k in accepted and accepted[k][0] != ""}
        if name in chosen and not validate(given, chosen[name].parameters):
            calls.append(Call(name, given, "abcdefgh1"))
    return tuple(chosen.values()), calls


class Ways:
    """One engine's way with one constraint. `walk` gives µs for each token; None where it does not let them pass."""

    def __init__(self, compile_ms: float, again_ms: float, walk: Callable[[Sequence[int]], list[float] | None]) -> None:
        self.compile_ms, self.again_ms, self.walk = compile_ms, again_ms, walk


def by_llguidance(model: Model, tools: tuple[Tool, ...], vocabulary: vocabularies.Vocabulary, tokenizer: Any,
                  given: argparse.Namespace) -> Ways:
    bits = bytearray((vocabulary.size + 31) // 32 * 4)
    place = ctypes.addressof((ctypes.c_uint8 * len(bits)).from_buffer(bits))

    def compiled() -> Any:
        fresh = Model(model.dialect)
        grammar = fresh.constrain(tools, given.choice).lark(vocabulary.special)
        matcher = llguidance.LLMatcher(tokenizer, grammar, log_level=0)
        assert not matcher.is_error(), matcher.get_error()
        matcher.unsafe_compute_mask_ptr(place, len(bits))
        return matcher

    model.constrain(tools, given.choice).lark(vocabulary.special)
    template = compiled()

    def again() -> Any:
        model.constrain(tools, given.choice).lark(vocabulary.special)
        return template.deep_copy()

    def walk(tokens: Sequence[int]) -> list[float] | None:
        matcher = template.deep_copy()
        return timed(tokens, lambda: matcher.unsafe_compute_mask_ptr(place, len(bits)), matcher.consume_token)

    first, second = common.best(compiled, again, times=given.runs)
    return Ways(first * 1000, second * 1000, walk)


def by_xgrammar(model: Model, tools: tuple[Tool, ...], vocabulary: vocabularies.Vocabulary, compiler: Any,
                given: argparse.Namespace) -> Ways:
    xgrammar = importlib.import_module("xgrammar")
    bitmask = xgrammar.allocate_token_bitmask(1, vocabulary.size)

    def compiled() -> Any:
        compiler.clear_cache()
        tag = Model(model.dialect).constrain(tools, given.choice).structural_tag()
        return compiler.compile_structural_tag(json.dumps(tag))

    whole = compiled()

    def again() -> Any:
        model.constrain(tools, given.choice).structural_tag()
        return xgrammar.GrammarMatcher(whole)

    def walk(tokens: Sequence[int]) -> list[float] | None:
        matcher = xgrammar.GrammarMatcher(whole)
        return timed(tokens, lambda: matcher.fill_next_token_bitmask(bitmask), matcher.accept_token)

    first, second = common.best(compiled, again, times=min(given.runs, 2))
    return Ways(first * 1000, second * 1000, walk)


def timed(tokens: Sequence[int], mask: Callable[[], Any], take: Callable[[int], bool]) -> list[float] | None:
    out = []
    for token in tokens:
        began = time.thread_time()
        mask()
        out.append((time.thread_time() - began) * 1e6)
        if not take(token):
            return None
    return out


def row(engine: str, ways: Ways, model: Model, calls: list[Call], count: int, vocabulary: vocabularies.Vocabulary,
        given: argparse.Namespace) -> list[str]:
    some = list(islice(cycle(calls[:: max(1, len(calls) // given.calls)]), given.calls))
    walks = [ways.walk(vocabulary.tokens(model.write([call]))) for call in some]
    along = [one for walk in walks for one in walk or ()]
    words = [one for _ in range(5) for one in ways.walk(vocabulary.tokens(model.write([Text(WORDS)]))) or ()]
    p50, p99 = (quantile(along, q) for q in (50, 99))
    said = quantile(words, 50) if words else 0.0
    found = {"compile": ways.compile_ms, "p50": p50, "p99": p99, "words": said, "again": ways.again_ms}
    missed = [name for name, most in TARGETS.items() if found[name] >= most]
    return [model.dialect.name, vocabulary.name, engine, str(count), f"{ways.compile_ms:.1f}", f"{ways.again_ms:.2f}",
            f"{p50:.0f}", f"{p99:.0f}", f"{said:.0f}" if words else "–", f"{quantile(words, 99):.0f}" if words else "–",
            f"{sum(walk is not None for walk in walks)} of {len(walks)}", ", ".join(missed) or "–"]


def quantile(times: list[float], percent: int) -> float:
    return statistics.quantiles(times, n=100)[percent - 1] if len(times) > 1 else float("nan")


def rows_of(name: str, vocabulary_name: str, sizes: Sequence[int], given: argparse.Namespace) -> list[list[str]]:
    vocabulary = vocabularies.load(vocabulary_name, dialects()[name].special)
    tokenizer = vocabulary.tokenizer.with_slices([*SLICES, *llguidance.LLTokenizer.general_slices()])
    compiler = xgrammar_compiler(vocabulary) if given.peers else None
    rows = []
    for size in sizes:
        tools, calls = material(size)
        model = Model(dialects()[name])
        rows.append(row("llguidance", by_llguidance(model, tools, vocabulary, tokenizer, given), model, calls, len(tools),
                        vocabulary, given))
        if compiler is not None:
            rows.append(row("xgrammar", by_xgrammar(model, tools, vocabulary, compiler, given), model, calls, len(tools),
                            vocabulary, given))
    return rows


def xgrammar_compiler(vocabulary: vocabularies.Vocabulary) -> Any:
    if importlib.util.find_spec("xgrammar") is None:
        return None
    xgrammar = importlib.import_module("xgrammar")
    tokens = [vocabulary.tokenizer.decode_bytes([i]) for i in range(vocabulary.size)]
    info = xgrammar.TokenizerInfo(tokens, vocab_type=xgrammar.VocabType.RAW, vocab_size=vocabulary.size,
                                  stop_token_ids=[vocabulary.tokenizer.eos_token])
    return xgrammar.GrammarCompiler(info, max_threads=1)


def main() -> None:
    parser = common.parser(__doc__)
    add = parser.add_argument
    add("--dialect", action="append", choices=dialects(), metavar="NAME", help=f"default: {', '.join(SOME)}")
    add("--vocabulary", action="append", choices=vocabularies.NAMES, metavar="NAME",
        help="default: qwen3, 151 k tokens; the first dialect in all of them")
    add("--tools", action="append", type=int, metavar="N", help="default: 1, 10, 100, 500")
    add("--choice", default="auto", choices=("auto", "required"), help="default: auto")
    add("--calls", type=int, default=20, metavar="N", help="to time masks along; default: 20")
    add("--runs", type=int, default=5, metavar="N", help="of compiling; default: 5")
    add("--peers", action="store_true", help="xgrammar too, where it is installed")
    given = parser.parse_args()
    common.pin()
    names, sizes = given.dialect or list(SOME), given.tools or SIZES
    kinds = given.vocabulary or ["qwen3"]
    rows: list[list[str]] = []
    jobs = [(name, kind, sizes) for name in names for kind in kinds]
    if not given.vocabulary:                            # and one format in every vocabulary
        jobs += [(names[0], kind, (100,)) for kind in vocabularies.NAMES if kind not in kinds]
    with common.progress(len(jobs), "masks") as step:
        for name, kind, some in jobs:
            rows += rows_of(name, kind, some, given)
            step(f"{name}, {kind}")
    head = ["dialect", "vocabulary", "engine", "tools", "compile, ms", "again, ms", "mask p50, µs", "p99", "words p50, µs",
            "p99", "calls let through", "missed"]
    aims = (f"Targets, for llguidance: compile < {TARGETS['compile']:.0f} ms, again < {TARGETS['again']:.0f} ms, masks "
            f"p50 < {TARGETS['p50']:.0f} µs, p99 < {TARGETS['p99']:.0f} µs, words p50 < {TARGETS['words']:.0f} µs.")
    body = f"{common.table(head, rows)}\n\nChoice {given.choice}. {aims}"
    common.publish("mask", "Compiling a constraint and computing its masks", body, ["llguidance", "xgrammar"], given.write)


if __name__ == "__main__":
    main()
