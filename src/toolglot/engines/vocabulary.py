"""Which special tokens a server's model has, found by asking the server; and with them a prompt as token ids.

The one rule: what is a special token is the server's to say, and what it leaves open is told. llama-server shows its whole
vocabulary, or has its candidates tokenised as special and as plain text. vLLM and SGLang are asked for the markup of all
formats that are known here, for what their chat template writes, and for whatever in a message looks like a special token.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import EngineError, PromptPiece
from .http import Refused, Wire
from .markup import BRACKETED, bracketed, known_markup
from .spelling import ENDS, Spelling, defuse, ends_of

MARKUP = re.compile(r"<\S+>|\[\S+\]|\]\S+\[|\|\S+\|")        # the shape of every special token that was met
IN_TEMPLATE = re.compile(r"<[^\s<>]+>|\[[^\s\[\]]+\]")
MOST_ASKED = 20_000             # answers that are remembered
CHAT = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]

Encode = Callable[[str], Awaitable[list[int]]]
Singles = Callable[[Sequence[str]], Awaitable[Mapping[str, int]]]


# ---------------------------------------------------------------- llama-server

@dataclass(frozen=True)
class Specials:
    """`control`: special tokens and their ids; `ends`: those of them that end a reply; `markup`: what no message may
    forge; `whole`: there are no others; `found`: how this is known."""

    control: Mapping[str, int]
    ends: Mapping[str, int]
    markup: frozenset[str]
    whole: bool
    found: str


async def find_specials(wire: Wire, size: int, template: str, eos: str) -> Specials:
    """`size` of the vocabulary, 0 where it is not known. Candidates are tokenised as special and as plain text: the id of
    a control token comes out of the first only."""
    shown = await _vocabulary(wire, size)
    named = {text: index for text, index in shown.items() if len(text) > 2 and MARKUP.fullmatch(text)}
    texts = list(named) if shown else sorted({*ENDS, *IN_TEMPLATE.findall(template), eos} - {""})
    found = set(await tokenize(wire, texts)) - set(await tokenize(wire, texts, special=False)) if texts else set()
    control = {t: i for t, i in named.items() if i in found} if shown else {await _text(wire, i): i for i in sorted(found)}
    if eos and eos not in control and len(ids := await tokenize(wire, [eos])) == 1:
        control[eos] = ids[0]
    if not shown:
        return Specials(control, ends_of(control, [eos]), frozenset(control), False, (
            f"it does not show its vocabulary: {len(control)} special tokens are known from its chat template" if found else
            "it does not tell special tokens from text: a message can forge them"))
    # Words that llama.cpp finds in plain text too stand whatever stands around them; others merge with it.
    glued = set(await tokenize(wire, [t[0] + t + t[-1] for t in named], special=False))
    markup = frozenset(control) | {t for t, i in named.items() if i in glued}
    words = f"{len(control)} special tokens, read from its vocabulary"
    return Specials(control, ends_of(control, [eos]), markup, True, words)


async def tokenize(wire: Wire, content: Sequence[str | int], special: bool = True, pieces: bool = False) -> list[Any]:
    """Token ids of all the strings, one after another; `pieces`: with their texts."""
    body = {"content": content, "add_special": False, "parse_special": special, "with_pieces": pieces}
    answer = await wire.ask("/tokenize", body)
    tokens = answer.get("tokens") if isinstance(answer, Mapping) else None
    if not isinstance(tokens, list):
        raise EngineError(f"{wire.url}/tokenize answered no tokens: is it a llama-server?")
    return tokens


async def _vocabulary(wire: Wire, size: int) -> dict[str, int]:
    """Every token that is a text, and its id: ids pass through /tokenize as they are. Empty where it does not do that."""
    if not size:
        return {}
    try:
        tokens = await tokenize(wire, [*range(size)], pieces=True)
    except Refused:
        return {}
    found = [token for token in tokens if isinstance(token, Mapping) and isinstance(token.get("piece"), str)]
    return {token["piece"]: token["id"] for token in found}


async def _text(wire: Wire, index: int) -> str:
    answer = await wire.ask("/detokenize", {"tokens": [index]})
    return str(answer.get("content", "")) if isinstance(answer, Mapping) else ""


# ---------------------------------------------------------------- vLLM, SGLang

@dataclass
class Vocabulary:
    """`encode` gives a text's ids, special tokens parsed; `singles` those of the given texts that are one token each."""

    encode: Encode
    singles: Singles
    special: dict[str, int] = field(default_factory=dict)
    bos: str = ""                              # what the tokenizer puts in front of a text by itself
    end: str = ""                              # the special token that ends a turn in the chat template
    asked: set[str] = field(default_factory=set)
    spelling: Spelling = field(default_factory=lambda: Spelling(()))

    async def learn(self, candidates: Iterable[str]) -> None:
        new = sorted(set(candidates) - self.asked)
        if not new:
            return
        self.special.update(await self.singles(new))
        self.spelling = Spelling(self.special)
        if len(self.asked) > MOST_ASKED:
            self.asked.clear()
        self.asked.update(new)

    async def meet(self, written: Sequence[str], told: Sequence[str] = ()) -> None:
        """The first questions. `written`: the tokens of a conversation, as the chat template has it."""
        bos = [self.bos] if self.bos else []
        await self.learn([*known_markup(), *told, *bos, *filter(BRACKETED.match, written)])
        self.end = next((text for text in reversed(written) if text in self.special), "")

    async def parts(self, prompt: Sequence[PromptPiece]) -> list[str]:
        """The prompt in texts that are to be tokenised each for itself. Where it is one, the server may do it."""
        await self.learn(bracketed(prompt))
        return defuse(prompt, self.spelling)

    async def ids(self, parts: Sequence[str]) -> list[int]:
        return [id for ids in await asyncio.gather(*map(self.encode, parts)) for id in ids]


async def vllm_vocabulary(wire: Wire, model: str, told: Mapping[str, Any]) -> Vocabulary:
    """`/tokenize` of vLLM: one text a request, and the tokens' own texts where the server is new enough. `told`: its
    `/tokenizer_info`, if it has that."""

    async def tokenize(text: str, added: bool = False) -> Any:
        return await wire.ask("/tokenize", {"model": model, "prompt": text, "add_special_tokens": added,
                                            "return_token_strs": True})

    async def encode(text: str) -> list[int]:
        return list((await tokenize(text))["tokens"])

    async def singles(texts: Sequence[str]) -> Mapping[str, int]:
        answer = await tokenize("\n".join(texts))
        if answer.get("token_strs"):
            found = dict(zip(answer["token_strs"], answer["tokens"], strict=True))
            return {text: found[text] for text in texts if text in found}
        each = await asyncio.gather(*map(encode, texts))
        return {text: ids[0] for text, ids in zip(texts, each, strict=True) if len(ids) == 1}

    vocabulary = Vocabulary(encode, singles)
    bare, added = await tokenize("a"), await tokenize("a", added=True)
    strings = added.get("token_strs") or []
    if strings and added["tokens"] != bare["tokens"]:
        vocabulary.bos = strings[0]
    try:
        chat = await wire.ask("/tokenize", {"model": model, "messages": CHAT, "add_generation_prompt": False,
                                            "return_token_strs": True})
    except Refused:                            # no chat template, or one that takes no such conversation
        chat = {}
    written = chat.get("token_strs") or []
    await vocabulary.meet(written, [str(text) for text in dict(told.get("added_tokens_decoder") or {}).values()])
    return vocabulary


async def sglang_vocabulary(wire: Wire, model: str, told: Mapping[str, Any]) -> Vocabulary:
    """`/tokenize` of SGLang: several texts a request, ids alone; `/detokenize` says their texts."""

    async def encode_all(texts: Sequence[str], added: bool = False) -> list[list[int]]:
        body = {"model": model, "prompt": list(texts), "add_special_tokens": added}
        return [list(ids) for ids in (await wire.ask("/tokenize", body))["tokens"]]

    async def encode(text: str) -> list[int]:
        return (await encode_all([text]))[0]

    async def singles(texts: Sequence[str]) -> Mapping[str, int]:
        found = await encode_all(texts)
        return {text: ids[0] for text, ids in zip(texts, found, strict=True) if len(ids) == 1}

    async def spelled(ids: Iterable[int]) -> list[str]:
        body = {"model": model, "tokens": [[id] for id in ids], "skip_special_tokens": False}
        return list((await wire.ask("/detokenize", body))["text"]) if body["tokens"] else []

    vocabulary = Vocabulary(encode, singles)
    bare, added = await encode_all(["a"]), await encode_all(["a"], added=True)
    if bare != added:
        [vocabulary.bos] = await spelled(added[0][:1])
    try:
        chat = (await wire.ask("/tokenize", {"model": model, "messages": CHAT, "add_generation_prompt": False}))["tokens"]
    except Refused:
        chat = []
    written = await spelled(chat)
    await vocabulary.meet(written)
    return vocabulary
