"""Random walks over the masks of constraints. A seed decides everything: the tools, what is asked of them, each step.

The one rule: a step may be any that the mask allows. What is drawn more often than chance would are the tokens that come
to an end, and the dialect's own markers.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import common
import llguidance
import vocabularies

from toolglot.grammar import Choice, Constraint
from toolglot.message import Tool
from toolglot.model import Model
from toolglot.plan import closed_by, leading, opening, written
from toolglot.prompt import Prompt
from toolglot.registry import dialects
from toolglot.reply import reasoning_at
from toolglot.rules import Caps
from toolglot.spec import VALUE, Delimited, Dialect, Tagged, encoding_of
from toolglot.tools import as_tools

BYTES = "bytes"
LONGEST = {BYTES: 1500}                 # steps of a walk; of tokens of a real vocabulary, fewer
TOKENS = 500
CLOSING = "\"'}])>\n<|/"


def _object(required: Sequence[str] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def _tool(name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "description": f"Does {name}.", "parameters": parameters}}


def _custom(name: str, syntax: str = "", definition: str = "") -> dict[str, Any]:
    held = {"format": {"type": "grammar", "grammar": {"syntax": syntax, "definition": definition}}} if syntax else {}
    return {"type": "custom", "custom": {"name": name, "description": f"Does {name}.", **held}}


SUM = 'start: sum\nsum: part (("+" | "-") part)*\npart: NUMBER | "(" sum ")"\nNUMBER: /[0-9]{1,4}/\n'
PATH = r"/?([a-z0-9_.]{1,8}/){0,3}[a-z0-9_.]{1,8}"
QUOTED = 'start: "say " TEXT ";"\nTEXT: /"[^"\\n]{0,12}"/\n'
TEXT: dict[str, Any] = {"type": "string"}
MADE: tuple[dict[str, Any], ...] = (
    _tool("book_room", _object(("code", "day"), code={"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3}$"},
                               day={"type": "string", "format": "date"}, mail={"type": "string", "format": "email"},
                               at={"type": "string", "format": "date-time"}, key={"type": "string", "format": "uuid"},
                               board={"enum": ["full", "half", "no \"board\"", "it's <b>"]})),
    _tool("plot", _object(
        ("points",), title={"type": "string", "minLength": 1, "maxLength": 12},
        points={"type": "array", "minItems": 1, "maxItems": 3,
                "items": _object(("x", "y"), x={"type": "number"}, y={"type": "number"}, label=TEXT)},
        style=_object(("width",), width={"type": "integer", "minimum": 1, "maximum": 9}, color={"enum": ["red", "blue"]},
                      dash={"type": "array", "items": {"type": "integer"}}))),
    _tool("shop.order-now", _object(
        ("count",), count={"type": "integer", "minimum": 1, "maximum": 99}, price={"type": "number", "minimum": 0},
        below={"type": "integer", "exclusiveMaximum": 0}, gift={"type": "boolean"}, note=TEXT)),
    _tool("set_value", _object(
        ("name", "value"), name=TEXT, mode={"type": ["string", "null"]}, limit={"type": "integer", "nullable": True},
        value={"anyOf": [{"type": "integer"}, TEXT, _object(("ok",), ok={"type": "boolean"})]}, kind={"const": "set"},
        unit={"oneOf": [{"type": "number"}, {"type": "null"}]}, flag={"enum": [1, "one", None, True]})),
    _tool("anything", _object((), it={}, table={"type": "object", "additionalProperties": {"type": "integer"}},
                              rows={"type": "array"}, more={"type": "object"})),
    _tool("python_names", {"type": "dict", "properties": {
        "where": {"type": "tuple", "items": {"type": "float"}}, "options": {"type": "dict"}, "size": {"type": "float"},
        "names": {"type": "list", "items": {"type": "str"}}, "any": {"type": "any"}}, "required": ["where", "size"]}),
    _tool("tree", {**_object(("root",), root={"$ref": "#/$defs/node"}), "$defs": {"node": _object(
        ("name",), name={"type": "string"}, children={"type": "array", "items": {"$ref": "#/$defs/node"}})}}),
    _tool("now", _object()),
    _custom("add_up", "lark", SUM), _custom("open_path", "regex", PATH), _custom("quote", "lark", QUOTED), _custom("run"))


# -- what is asked of a model ----------------------------------------------------------------------------------


class Asked(NamedTuple):
    """What a walk goes through."""

    model: Model
    tools: tuple[Tool, ...]
    prompt: Prompt
    constraint: Constraint
    options: dict[str, Any]


@cache
def _recorded() -> list[list[dict[str, Any]]]:
    if not (common.SHARED / "recorded").is_dir():
        return []
    return [item["functions"] for item in common.questions() if item["language"] == "Python"]


def asked(name: str, rng: random.Random, questions: bool = True) -> Asked:
    """`questions`: whether the tools may be those of recorded ones."""
    model, recorded = Model(dialects()[name]), _recorded() if questions else []
    given = rng.choice(recorded) if recorded and rng.random() < 0.5 else rng.sample(MADE, rng.randint(1, 4))
    tools = as_tools(given)
    names = [tool.name for tool in tools]
    choice: Choice = rng.choice(["auto", "required", {"name": rng.choice(names)},
                                 {"allowed": rng.sample(names, rng.randint(1, len(names)))}])
    thinking = rng.choice([None, True, False])
    prompt = model.prompt([{"role": "user", "content": "Go on."}], tools, thinking=thinking, today="2026-01-01")
    options: dict[str, Any] = {
        "most": rng.choice([None, 1, 2]), "reasoning": reasoning_at(model.dialect, prompt, thinking),
        "order": rng.choice(["declared", "declared", "any"]),
        "whitespace": rng.choice(["canonical", "canonical", "flexible"]),
        "caps": rng.choice([Caps(), Caps(string=12, items=2, digits=6)]), "after": rng.random() < 0.2}
    constraint = model.constrain(tools, choice, prompt=prompt, **options)
    return Asked(model, tools, prompt, constraint, {"choice": choice, **options})


def markers(d: Dialect, tools: Sequence[Tool]) -> list[str]:
    """What ends free text, which a walk would hardly ever meet: closers of reasoning and values, openers of calls."""
    lead = leading(opening(d.calls))[0][0] or "{"
    found = [lead, d.join + d.calls.gap + lead]
    if d.reasoning:
        found.append(written(d.reasoning[1:]))
    if d.content[0] != d.content[-1]:
        found += [node for node in d.content if isinstance(node, str)]
    match encoding_of(d.calls):
        case Delimited(quote):
            found.append(quote)
        case Tagged(each, nested=nested):
            at = each.index(VALUE)
            keys = {key for tool in tools for key in _keys(tool.parameters)} | ({nested} if nested else set())
            found += [written(closed_by(each, key)[at + 1:]) for key in sorted(keys)]
    return list(dict.fromkeys(one for one in found if one.strip()))


def _keys(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if isinstance(given := schema.get("properties"), Mapping):
            yield from given
        for value in schema.values():
            yield from _keys(value)
    elif isinstance(schema, (list, tuple)):
        for value in schema:
            yield from _keys(value)


# -- a walk ----------------------------------------------------------------------------------------------------


class Words(NamedTuple):
    """A vocabulary: how many tokens, the special ones, and those that are made of brackets and quotes alone."""

    size: int
    special: dict[str, int]
    closing: tuple[int, ...]
    tokenizer: Any

    def cut(self, text: str, special: Mapping[str, int]) -> list[int]:
        """The tokens of a text that may hold special ones of these."""
        if self.size == 256:
            return list(text.encode())
        parts = re.split(f"({'|'.join(map(re.escape, special))})", text) if special else [text]
        return [i for part in parts
                for i in ([special[part]] if part in special else self.tokenizer.tokenize_str(part))]

    def joined(self, tokens: Sequence[int]) -> str:
        found = bytes(tokens) if self.size == 256 else self.tokenizer.decode_bytes(tokens)
        return found.decode("utf-8", "strict")


@cache
def words(name: str) -> Words:
    if name == BYTES:
        return Words(256, {}, tuple(CLOSING.encode()), llguidance.LLTokenizer("byte"))
    extra = set().union(*(d.special for d in dialects().values()))
    found = vocabularies.load(name, extra)
    ends = set(found.special.values())
    closing = [i for i in range(found.size) if i not in ends
               and not found.tokenizer.decode_bytes([i]).strip(CLOSING.encode())]
    return Words(found.size, found.special, tuple(closing), found.tokenizer)


def walk(one: Asked, vocabulary: str, rng: random.Random) -> str | None:
    """A text that the constraint lets through whole; None where none ends in time. Raises where there is no way on."""
    known = words(vocabulary)
    special = {text: i for text, i in known.special.items() if text in one.model.dialect.special}
    matcher = llguidance.LLMatcher(known.tokenizer, one.constraint.lark(special), log_level=0)
    hints = [known.cut(text, special) for text in markers(one.model.dialect, one.tools)]
    most, out = LONGEST.get(vocabulary, TOKENS), list[int]()
    while len(out) < most:
        late = len(out) > most // 4
        enough = one.options["choice"] != "auto" or len(out) > 40        # or walks would seldom come to a call
        if matcher.is_accepting() and (late or (enough and rng.random() < 0.3)):
            return known.joined(out)
        if rng.random() < (0.3 if late else 0.08):
            hint = rng.choice(hints)
            if (passed := matcher.try_consume_tokens(hint)) == len(hint):
                out += hint
                continue
            matcher.rollback(passed)
        mask = matcher.compute_logit_bias()
        if matcher.is_error():                          # of a grammar that is none, or it has had enough
            raise ValueError(f"{matcher.get_error().splitlines()[0]}, behind {known.joined(out)!r}")
        if (token := step(mask, known, rng, late)) is None:
            if not matcher.is_accepting():
                raise ValueError(f"no way on behind {known.joined(out)!r}")
            return known.joined(out)
        matcher.consume_token(token)
        out.append(token)
    return None


def step(mask: bytes, known: Words, rng: random.Random, late: bool) -> int | None:
    """A token that the mask allows; None where it allows none but the end."""
    closing = [token for token in known.closing if mask[token]] if late or rng.random() < 0.25 else []
    if closing:
        return rng.choice(closing)
    plain = known.size == 256 and rng.random() < 0.9
    begin = rng.randrange(32, 127) if plain else rng.randrange(known.size)
    for start, end in ((begin, known.size), (0, begin)):
        while (found := mask.find(b"\xc8", start, end)) == known.tokenizer.eos_token:
            start = found + 1
        if found >= 0:
            return found
    return None
