"""Law 5: the constraint accepts what the dialect writes, refuses what no tool allows, and what is sampled from it is
read back as valid calls. llguidance is the judge, over bytes."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from strategies import TOOLS, has_ids, text
from toolglot.check import loss
from toolglot.grammar import constrain
from toolglot.message import Call, Part, Reasoning, Reply, Text, Tool
from toolglot.model import Model
from toolglot.parse import parse
from toolglot.plan import leading, prompt_tail, written
from toolglot.registry import dialects
from toolglot.render import render, reply_pieces
from toolglot.reply import reasoning_at
from toolglot.rules import Caps
from toolglot.schema import validate
from toolglot.spec import TEXT, VALUE, Dialect, Tagged, encoding_of, is_bare

llguidance = pytest.importorskip("llguidance", reason="llguidance judges constraints: pip install 'toolglot[local]'")

EXAMPLES = int(os.environ.get("TOOLGLOT_EXAMPLES", "60"))
every_dialect = pytest.mark.parametrize("d", dialects().values(), ids=lambda d: d.name)
examples = settings(max_examples=EXAMPLES // 2, deadline=None, suppress_health_check=list(HealthCheck))
BYTES = llguidance.LLTokenizer("byte")

SCHEMA = {"type": "object", "properties": {
    "city": {"type": "string"}, "days": {"type": "integer"}, "share": {"type": "number"}, "exact": {"type": "boolean"},
    "unit": {"type": "string", "enum": ["C", "F", "kelvin"]}, "tags": {"type": "array", "items": {"type": "string"}},
    "where": {"type": "object", "properties": {"x": {"type": "integer"}, "name": {"type": "string"}},
              "required": ["x"]}}, "required": ["city", "exact"]}
PLAIN = {"type": "object", "properties": {"n": {"type": "integer"}}}
ALL = [Tool("get_weather", "", SCHEMA), Tool("now", "", {"type": "object", "properties": {}}), Tool("f", "", PLAIN)]


@lru_cache(8)
def compiled(grammar: str) -> Any:
    assert not llguidance.LLMatcher.validate_grammar(grammar, BYTES), grammar
    return llguidance.LLMatcher(BYTES, grammar, log_level=0)


def matcher(grammar: str) -> Any:
    return compiled(grammar).deep_copy()


def accepts(grammar: str, reply: str) -> bool:
    m = matcher(grammar)
    return all(m.consume_token(b) for b in reply.encode()) and m.is_accepting()


@lru_cache(8)
def required(d: Dialect) -> str:
    return constrain(d, ALL, "required").lark()


@lru_cache(8)
def free(d: Dialect, reasoning: bool) -> str:
    return constrain(d, ALL, reasoning="first" if reasoning else "none").lark()


string = text.filter(lambda s: not any((c < " " and c not in "\n\t") or c == "\x7f" for c in s))
arguments = st.fixed_dictionaries({"city": string, "exact": st.booleans()}, optional={
    "days": st.integers(-10**6, 10**6), "share": st.floats(-1e6, 1e6).map(lambda x: round(x, 3)),
    "unit": st.sampled_from(["C", "F", "kelvin"]), "tags": st.lists(string, max_size=3),
    "where": st.fixed_dictionaries({"x": st.integers(0, 99)}, optional={"name": string})})


def in_order(given: dict[str, Any], schema: Any = SCHEMA) -> dict[str, Any]:
    """Arguments in the order in which the schema declares them: the constraint knows no other."""
    return {k: in_order(given[k], s) if k == "where" else given[k] for k, s in schema["properties"].items() if k in given}


def holds_closer(d: Dialect, reply: Reply) -> bool:
    """Has a text the closer of its own tag in it, which may begin without its white space, or what else may close its call?
    It may be read as text, for its own closer stands behind it; the constraint ends the text there."""
    encoding = encoding_of(d.calls)
    if not isinstance(encoding, Tagged):
        return False
    closer = written(encoding.each[encoding.each.index(VALUE) + 1:])
    bare, others = closer.lstrip(), [one.strip() for one, _ in leading(d.calls.each[-1:])][1:]
    return any((v + closer).index(bare) < len(v + closer) - len(bare) or any(one in v for one in others)
               for c in reply.calls for v in c.arguments.values() if isinstance(v, str))


@st.composite
def canonical(draw: Any, d: Dialect) -> Reply:
    ids = st.text("abcXYZ019", min_size=9, max_size=9) if has_ids(d) else st.none()
    call = st.builds(Call, st.just("get_weather"), arguments.map(in_order), ids) | st.builds(
        Call, st.just("now"), st.just({}), ids)
    parts: list[Part] = []
    if d.reasoning and draw(st.booleans()):
        parts.append(Reasoning(draw(text)))
    called = draw(st.booleans())
    if not called or (not d.calls.at_start and draw(st.booleans())):
        parts.append(Text(draw(text)))
    return Reply(tuple(parts + (draw(st.lists(call, min_size=1, max_size=3)) if called else [])))


@every_dialect
@examples
@given(data=st.data())
def test_law_5_every_canonical_reply_is_accepted(d: Dialect, data: Any) -> None:
    reply = data.draw(canonical(d))
    assume(not loss(d, reply, ALL) and not holds_closer(d, reply))
    grammar = free(d, bool(reply.reasoning))
    assert accepts(grammar, render(d, reply)), grammar


@every_dialect
def test_law_5_the_choice_is_kept(d: Dialect) -> None:
    id = "abcdefgh1" if has_ids(d) else None
    weather = Call("get_weather", {"city": "Paris", "exact": True}, id)
    now, unknown = Call("now", {}, id), Call("launch", {}, id)
    words = render(d, [Text("hello")])

    def grammar(choice: Any, **more: Any) -> str:
        return constrain(d, ALL, choice, **more).lark()

    assert accepts(grammar("auto"), words) and accepts(grammar("none"), words)
    assert not accepts(grammar("required"), words)
    assert accepts(grammar("required"), render(d, [weather])) and not accepts(grammar("none"), render(d, [weather]))
    assert not accepts(grammar("auto"), render(d, [unknown])) or parse(d, render(d, [unknown]), ALL).calls == ()
    assert not accepts(grammar("required"), render(d, [unknown]))
    assert accepts(grammar({"name": "now"}), render(d, [now])) and not accepts(grammar({"name": "now"}),
                                                                              render(d, [weather]))
    assert accepts(grammar({"allowed": ["now", "get_weather"]}), render(d, [weather]))
    assert accepts(grammar("required"), render(d, [weather, now]))
    assert not accepts(grammar("required", parallel=False), render(d, [weather, now]))
    assert accepts(grammar("required", parallel=False), render(d, [weather]))
    assert not accepts(grammar("required", most=1), render(d, [weather, now]))


WRONG = [
    {"city": 5, "exact": True}, {"city": "x", "exact": 3}, {"city": "x"}, {"exact": True},
    {"city": "x", "exact": True, "unit": "stone"}, {"city": "x", "exact": True, "days": 1.5},
    {"city": "x", "days": "three", "exact": True}, {"city": "x", "exact": True, "tags": "a"},
    {"city": "x", "exact": True, "where": {}}, {"city": "x", "exact": True, "planet": "Mars"}]


@every_dialect
@pytest.mark.parametrize("given", WRONG, ids=str)
def test_law_5_calls_that_no_schema_allows_are_refused(d: Dialect, given: dict[str, Any]) -> None:
    written = render(d, [Call("get_weather", given, "abcdefgh1" if has_ids(d) else None)])
    read = parse(d, written, ALL).calls
    if read and not validate(read[0].arguments, SCHEMA):
        pytest.skip("the types are not on this dialect's wire: what is written is read as a valid call")
    assert not accepts(required(d), written)


@every_dialect
def test_law_5_a_missing_closer_is_refused(d: Dialect) -> None:
    id = "abcdefgh1" if has_ids(d) else None
    written = render(d, [Call("get_weather", {"city": "Paris", "exact": True}, id)])
    m = matcher(required(d))
    for byte in written.encode():
        assert not m.is_accepting() and m.consume_token(byte)
    assert m.is_accepting()


@every_dialect
def test_law_5_words_may_follow_the_calls_where_that_is_asked_for(d: Dialect) -> None:
    id = "abcdefgh1" if has_ids(d) else None
    reply = Reply((Text("Well."), Call("now", {}, id), Text("That is all.")))
    if loss(d, reply, ALL):
        pytest.skip("this format has no room for words after its calls")
    written = render(d, reply)
    assert accepts(constrain(d, ALL, after=True).lark(), written)
    assert not accepts(constrain(d, ALL).lark(), written)
    assert not accepts(constrain(d, ALL, after=True).lark(), render(d, [Text("Well."), Call("launch", {}, id)]))


@every_dialect
def test_law_5_the_constraint_goes_on_where_the_prompt_ends(d: Dialect) -> None:
    """What the prompt has written of the reply's own marker is not asked for again."""
    m = Model(d)
    prompt = m.prompt([{"role": "user", "content": "hi"}], ALL, thinking=False, today="2026-01-01")
    begun = prompt_tail(d, str(prompt)).strip()
    reply = [Call("now", {}, "abcdefgh1" if has_ids(d) else None)]
    for parts in (reply, [Text("hello")]):
        whole = render(d, parts)
        if reasoning_at(d, prompt, False) != "none" or loss(d, Reply(tuple(parts)), ALL):
            continue
        rest = whole[len(begun):] if begun and whole.startswith(begun) else whole
        grammar = m.constrain(ALL, prompt=prompt).lark()
        opened_content = begun and not whole.startswith(begun) and not is_bare(d.content) and begun.endswith(
            written(d.content[:d.content.index(TEXT)]).strip())
        assert accepts(grammar, rest) or opened_content, (begun, rest, grammar)
        if rest != whole:
            assert parts != reply or not accepts(grammar, whole)
            assert m.parse(rest, ALL, prompt=prompt).parts == m.parse(whole, ALL, prompt="").parts


class Letters:
    """A vocabulary of single bytes, and of a dialect's special tokens."""

    def __init__(self, special: Sequence[str]) -> None:
        self.ids = {text: 256 + i for i, text in enumerate(special)}
        self.tokens = [*(bytes([b]) for b in range(256)), *(text.encode() for text in special), b"<end>"]
        self.special_token_ids = [*self.ids.values(), len(self.tokens) - 1]
        self.eos_token_id, self.bos_token_id = len(self.tokens) - 1, None

    def __call__(self, text: str | bytes) -> list[int]:
        return list(text.encode() if isinstance(text, str) else text)

    def cut(self, pieces: Sequence[tuple[str, str, bool]]) -> list[int]:
        """The tokens of written pieces: special ones in markup alone."""
        names = "|".join(map(re.escape, sorted(self.ids, key=len, reverse=True)))
        out: list[int] = []
        for one, _, special in pieces:
            for part in re.split(f"({names})", one) if special else [one]:
                out += [self.ids[part]] if special and part in self.ids else self(part)
        return out


@every_dialect
def test_law_5_a_special_token_is_matched_by_its_id_and_never_as_text(d: Dialect) -> None:
    if not d.special:
        pytest.skip("this dialect has no special tokens")
    id = "abcdefgh1" if has_ids(d) else None
    letters = Letters(sorted(d.special))
    tokenizer = llguidance.LLTokenizer(llguidance.TokenizerWrapper(letters))
    pieces = reply_pieces(d, [Call("get_weather", {"city": "Paris", "exact": True}, id)])
    by_id, as_text = letters.cut(pieces), letters("".join(piece[0] for piece in pieces))
    for choice in ("required", "auto"):
        grammar = constrain(d, ALL, choice).lark(letters.ids)
        assert not llguidance.LLMatcher.validate_grammar(grammar, tokenizer), grammar

        def takes(ids: list[int], grammar: str = grammar) -> bool:
            m = llguidance.LLMatcher(tokenizer, grammar, log_level=0)
            return all(m.consume_token(one) for one in ids) and m.is_accepting()

        assert takes(by_id), grammar
        assert by_id == as_text or not takes(as_text)


def sample(grammar: str, seed: int, most: int = 600) -> str | None:
    """A random walk over the bytes that the constraint allows; towards its end once it is long. None: it had no end."""
    m, rng, out = matcher(grammar), random.Random(seed), bytearray()
    while len(out) < most:
        mask = m.compute_logit_bias()
        allowed = [b for b in range(256) if mask[b]]
        if m.is_accepting() and (not allowed or rng.random() < 0.3 or len(out) > most // 3):
            return out.decode("utf-8", "strict")
        closing = [b for b in allowed if chr(b) in "\"'}])>\n<|/"]
        plain = [b for b in allowed if 32 <= b < 127] or allowed
        byte = rng.choice(closing if closing and (len(out) > most // 3 or rng.random() < 0.25) else plain)
        assert m.consume_token(byte)
        out.append(byte)
    return None


@every_dialect
def test_law_5_whatever_is_sampled_is_read_as_valid_calls(d: Dialect) -> None:
    grammar = constrain(d, ALL, "required", most=2, caps=Caps(string=8, items=2, digits=6)).lark()
    whole = 0
    for seed in range(int(os.environ.get("TOOLGLOT_SAMPLES", "25"))):
        written = sample(grammar, seed)
        if written is None:
            continue
        whole += 1
        reply = parse(d, written, ALL)
        assert reply.calls and not any(p.raw or p.kind != "number out of range" for p in reply.problems), written
        for call in reply.calls:
            tool = next(t for t in ALL if t.name == call.name)
            assert validate(call.arguments, tool.parameters) == [], written
    assert whole >= 3


def test_tools_of_the_laws_have_constraints_too() -> None:
    for d in dialects().values():
        assert not llguidance.LLMatcher.validate_grammar(constrain(d, TOOLS).lark(), BYTES)


def test_what_is_not_enforced_is_said() -> None:
    odd = Tool("f", "", {"type": "object", "properties": {"n": {"type": "integer", "multipleOf": 7}}})
    (sentence,) = constrain(dialects()["json"], [odd]).unenforced
    assert sentence.startswith("f: ") and "multipleOf" in sentence
    assert constrain(dialects()["json"], ALL).unenforced == ()
