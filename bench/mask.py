"""What a constraint costs llguidance: compiling it, and the mask of each token, in the vocabulary of a real model.

The vocabulary comes from a GGUF file (by default SmolLM2's 49,152 tokens), with the special tokens that the dialect's
own models have besides; the tools come from the recorded questions, or are generated where those are absent. Compiling
is timed as two steps, toolglot's text and llguidance's matcher. Masks are timed along calls with the questions' own
accepted answers, and along an answer in words, cut greedily into tokens; each reply has a matcher of its own that has
seen nothing yet, as in an engine. Choice `auto`, where a reply may be either, unless told otherwise. Times are
processor time; a mask includes its copy into Python bytes and, where the text is forced, a tokenizer in Python. Free:
along the same calls, only where more than one token may come; an engine need not ask about the others.
"""

from __future__ import annotations

import argparse
import re
import statistics
import time
from collections.abc import Iterable, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import common
import llguidance

from toolglot.engines.weights import CONTROL, USER_DEFINED, find_model, read_gguf
from toolglot.message import Call, Text, Tool
from toolglot.model import Model
from toolglot.registry import dialects
from toolglot.schema import validate
from toolglot.tools import as_tools

TARGET = {10: 5.0, 100: 60.0}       # ms to compile, by tools
MASK = 50.0                         # µs of the median mask
WORDS = ("The weather in São Paulo will be mild over the next three days, about 21.5 °C with light rain at first. Pack "
         "a thin coat, an umbrella (or two) and good shoes; the walk through the old town takes 90 minutes.\n\n"
         "Anything else?")
SIZES = (1, 10, 100, 500)


class Vocabulary:
    """A GGUF's tokens as llguidance takes them, and `extra` special ones; text is cut greedily, the longest first."""

    def __init__(self, path: Path, extra: Iterable[str]) -> None:
        meta = read_gguf(path)
        kinds = meta["tokenizer.ggml.token_type"]
        special = {i for i, kind in enumerate(kinds) if kind in (CONTROL, USER_DEFINED)}
        letters = byte_of_letter()
        self.tokens = [token if i in special else bytes(letters[c] for c in token.decode())
                       for i, token in enumerate(meta["tokenizer.ggml.tokens"])]
        self.size = len(self.tokens)
        known = set(self.tokens)
        self.tokens += [text.encode() for text in sorted(extra) if text.encode() not in known]
        special |= set(range(self.size, len(self.tokens)))
        self.special_token_ids = sorted(special)
        self.eos_token_id = meta["tokenizer.ggml.eos_token_id"]
        self.bos_token_id = meta.get("tokenizer.ggml.bos_token_id")

        self.ids = {token: i for i, token in enumerate(self.tokens) if i not in special}
        self.special = {self.tokens[i].decode(): i for i in self.special_token_ids}
        self.longest = max(map(len, self.ids))

    def __call__(self, text: bytes | str) -> list[int]:
        text, out, at = text.encode() if isinstance(text, str) else text, list[int](), 0
        while at < len(text):
            size = next(n for n in range(min(self.longest, len(text) - at), 0, -1) if text[at:at + n] in self.ids)
            out.append(self.ids[text[at:at + size]])
            at += size
        return out

    def spelled(self, text: str) -> list[int]:
        """The tokens of text that may hold special ones."""
        parts = re.split(f"({'|'.join(map(re.escape, self.special))})", text)
        return [i for part in parts for i in ([self.special[part]] if part in self.special else self(part))]


def byte_of_letter() -> dict[str, int]:
    """GPT-2's spelling of bytes in vocabularies: printable ones as themselves, the others from U+0100 on."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    odd = [b for b in range(256) if b not in plain]
    return {**{chr(b): b for b in plain}, **{chr(256 + n): b for n, b in enumerate(odd)}}


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


def masks(matcher: Any, tokens: Sequence[int]) -> list[tuple[float, bool]] | None:
    """(µs, forced) of the mask at each token; None where the constraint does not let the tokens pass."""
    out = []
    for token in tokens:
        began = time.thread_time()
        mask = matcher.compute_bitmask()
        spent = time.thread_time() - began
        out.append((spent * 1e6, int.from_bytes(mask, "little").bit_count() == 1))
        if not matcher.consume_token(token):
            return None
    return out


def measure(model: Model, count: int, vocabulary: Vocabulary, tokenizer: Any, given: argparse.Namespace) -> list[str]:
    """A row of the table."""
    tools, calls = material(count)

    def text() -> str:
        return model.constrain(tools, given.choice).lark(vocabulary.special)

    def matcher() -> Any:
        return llguidance.LLMatcher(tokenizer, grammar, log_level=0)

    grammar = text()
    assert not matcher().is_error(), matcher().get_error()
    written, compiled = (s * 1000 for s in common.best(text, matcher, times=given.runs))
    some = list(islice(cycle(calls[:: max(1, len(calls) // given.calls)]), given.calls))
    walks = [masks(matcher(), vocabulary.spelled(model.write([call]))) for call in some]
    found = [one for walk in walks for one in walk or ()]
    along = [t for t, _ in found], [t for t, forced in found if not forced]
    words = [t for t, _ in masks(matcher(), vocabulary.spelled(model.write([Text(WORDS)]))) or ()]
    met = written + compiled < TARGET.get(count, float("inf")) and statistics.median(along[0]) < MASK
    return [model.dialect.name, str(len(tools)), f"{written:.1f}", f"{compiled:.1f}", f"{written + compiled:.1f}",
            f"< {TARGET[count]:.0f}" if count in TARGET else "–",
            *(f"{quantile(times, q):.0f}" for times in along for q in (50, 99)),
            f"{quantile(words, 50):.0f}" if words else "–", str(len(found)),
            f"{sum(walk is not None for walk in walks)} of {len(walks)}", "yes" if met else "**no**"]


def quantile(times: list[float], percent: int) -> float:
    return statistics.quantiles(times, n=100)[percent - 1]


def main() -> None:
    parser = common.parser(__doc__)
    add = parser.add_argument
    add("--model", metavar="PATH", help="a GGUF file; default: SmolLM2-135M-Instruct, fetched once")
    add("--dialect", action="append", choices=dialects(), metavar="NAME", help="default: all")
    add("--tools", action="append", type=int, metavar="N", help="default: 1, 10, 100, 500")
    add("--choice", default="auto", choices=("auto", "required"), help="default: auto")
    add("--calls", type=int, default=20, metavar="N", help="to time masks along; default: 20")
    add("--runs", type=int, default=5, metavar="N", help="of compiling; default: 5")
    given = parser.parse_args()
    common.pin()
    path = find_model(given.model)
    names, sizes = given.dialect or list(dialects()), given.tools or SIZES
    with common.progress(len(names) * len(sizes), "masks") as step:
        rows = []
        for name in names:
            vocabulary = Vocabulary(path, dialects()[name].special)
            tokenizer = llguidance.LLTokenizer(llguidance.TokenizerWrapper(vocabulary))
            for size in sizes:
                rows.append(measure(Model(dialects()[name]), size, vocabulary, tokenizer, given))
                step(f"{name}, {size} tools")
    head = ["dialect", "tools", "text, ms", "matcher, ms", "compile, ms", "target", "mask p50, µs", "p99",
            "free p50, µs", "p99", "words p50, µs", "tokens", "calls let through", "met"]
    body = (f"{common.table(head, rows)}\n\n{vocabulary.size:,} tokens, of {path.stem}, and the dialect's own special "
            f"ones; choice {given.choice}. The median mask is to be under {MASK:.0f} µs.")
    common.publish("mask", "Compiling a constraint and computing its masks", body, ["llguidance"], given.write)


if __name__ == "__main__":
    main()
