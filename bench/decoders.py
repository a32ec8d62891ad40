"""What the decoders of the Berkeley Function Calling Leaderboard read in a model's text.

One rule: as strict as they are, and no cleverer. A text is read whole or not at all; what a model wrote around its calls
makes it unreadable, unless the handler of that model took it away. Of Python, calls are literals with keywords; of Java
and JavaScript it is one call, whose values stay source text until the declared type is known (`toolglot.evaluate.source`).
"""

from __future__ import annotations

import ast
import itertools
import json
import operator
import re
from collections.abc import Callable
from typing import Any

from toolglot.evaluate.source import STRING, Unreadable, parts, quoted

Calls = list[tuple[str, Any]]


def read(model: str, text: str, language: str) -> Calls:
    """The calls in a recorded output of that model; raises Unreadable."""
    try:
        return _reader(model)(text, language)
    except (ValueError, SyntaxError, KeyError, TypeError, AttributeError, IndexError, RecursionError,
            MemoryError, OverflowError, ZeroDivisionError) as error:
        raise Unreadable(type(error).__name__) from None


def _reader(model: str) -> Callable[[str, str], Calls]:
    known: dict[str, Callable[[str, str], Calls]] = {
        "xLAM": _xlam, "granite": _granite, "Hermes": _hermes, "glm-4": _glm, "Raven": _raven, "gemma": _gemma}
    return next((reader for part, reader in known.items() if part in model), _prompted(model))


# -- what the handlers do to a text ----------------------------------------------------------------------------


def _prompted(model: str) -> Callable[[str, str], Calls]:
    """Of models that were told to write `[f(a=1), g(b=2)]`: the brackets may be left out."""
    def reader(text: str, language: str) -> Calls:
        if "mistral" in model or "mixtral" in model:
            text = text.replace("\\_", "_")
        if "Llama" in model or "nemotron" in model:
            text = text.replace("\n", "")
        bare = text if "gpt" in model else _bracketed(text)
        if "nemotron" in model and bare.startswith("['"):
            bare = re.sub(r"', ?'", ", ", bare.replace("['", "[").replace("']", "]"))
        if "dbrx" in model:                 # quotes around whole calls go, and with them those of strings: else as it is
            try:
                bare = _bracketed(re.sub(r"'([^']*)'", r"\1", text).replace("\n    ", "")).replace("['", "[")
                return _source(bare, language)
            except (SyntaxError, ValueError):
                bare = text
        return _source(bare, language)

    return reader


def _bracketed(text: str) -> str:
    text = text.removeprefix(" ")
    text = text if text.startswith("[") else "[" + text
    return text if text.endswith("]") else text + "]"


def _gemma(text: str, language: str) -> Calls:
    return _source(text[text.index("["):text.rindex("]") + 1], language)


def _raven(text: str, language: str) -> Calls:
    if "out_of_domain" in text:
        return []
    return _source("[" + text.removesuffix(";").replace(";", ",") + "]", language)


def _xlam(text: str, language: str) -> Calls:
    found = json.loads(text)
    found = found if isinstance(found, list) else found.get("tool_calls", [])
    return [(one.get("name", ""), one.get("arguments", {})) for one in found if isinstance(one, dict)]


def _granite(text: str, language: str) -> Calls:
    found = [json.loads(part) for part in text.split("<function_call>") if part.strip()]
    return [(one.get("name", "").strip(), one.get("arguments", {})) for one in found if one["name"] != "no_function"]


TAGS = ("<tool_call>", "</tool_call>")


def _hermes(text: str, language: str) -> Calls:
    """The line after each <tool_call>; an apostrophe in a string makes it unreadable."""
    pairs = itertools.pairwise(text.split("\n"))
    found = [json.loads(line.replace("'", '"')) for before, line in pairs if before == "<tool_call>" and line not in TAGS]
    if language != "Python":
        found = [{**one, "arguments": {k: str(v) for k, v in one["arguments"].items()}} for one in found]
    return [(one["name"], one["arguments"]) for one in found]


def _glm(text: str, language: str) -> Calls:
    name, arguments, *_ = text.split("\n")
    return [(name, json.loads(arguments))]


# -- calls in source text --------------------------------------------------------------------------------------


def _source(text: str, language: str) -> Calls:
    if language != "Python":
        return [_foreign(text[1:-1].strip(), language)]
    body = ast.parse(text, mode="eval").body
    return [_call(one) for one in body.elts]                # type: ignore[attr-defined]


def _call(node: ast.expr) -> tuple[str, dict[str, Any]]:
    """A call with keywords; one without any is none there, and other arguments are passed over."""
    if not isinstance(node, ast.Call) or not node.keywords:
        raise Unreadable("no call with keywords")
    return ast.unparse(node.func), {one.arg: _literal(one.value) for one in node.keywords if one.arg}


def _literal(node: ast.expr) -> Any:
    match node:
        case ast.Constant():
            return "..." if node.value is ... else node.value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
        case ast.List():
            return [_literal(one) for one in node.elts]
        case ast.Tuple():
            return tuple(_literal(one) for one in node.elts)
        case ast.Dict():
            return {_literal(key): _literal(one) for key, one in zip(node.keys, node.values, strict=True) if key}
        case ast.Name():
            return node.id
        case ast.BinOp(left=left, op=op, right=right):
            return _computed(_literal(left), op, _literal(right))
        case ast.Call():
            return dict([_call(node)]) if node.keywords else ast.unparse(node)
        case ast.Subscript():
            return ast.unparse(node)
    raise Unreadable(ast.dump(node))


COMPUTED: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.BitXor: operator.xor, ast.Pow: operator.pow}


def _computed(left: Any, op: ast.operator, right: Any) -> Any:
    numbers = all(isinstance(one, (int, float)) for one in (left, right))
    if not numbers or type(op) not in COMPUTED or (isinstance(op, ast.Pow) and abs(right) > 99):
        raise Unreadable("arithmetic")
    return COMPUTED[type(op)](left, right)


def _foreign(text: str, language: str) -> tuple[str, dict[str, str]]:
    """One call of Java or JavaScript with `name=value` in it; each value is source text, a string without its quotes."""
    head = re.match(r"[\w.$]+(?=\()", text)
    if not head or not text.endswith(")"):
        raise Unreadable("no call")
    arguments = {}
    for part in parts(text[head.end() + 1:-1]):
        name, equals, source = part.partition("=")
        source = source.strip()
        if not equals or name.strip() in arguments or not _plausible(source, language):
            raise Unreadable("no named value of that language")
        arguments[name.strip()] = source[1:-1] if quoted(source) else source
    return head[0], arguments


def _plausible(source: str, language: str) -> bool:
    """Whether this may be an expression: what their parsers of Java and JavaScript take, told by what they refuse."""
    bare = re.sub(STRING, " 0 ", source).strip()
    return bool(bare) and not re.search(r"['\"]|(?<!\bnew)(?<=[\w$])\s+[\w$]|\d\.\d+\.\d", bare) \
        and not (language == "Java" and source[0] in "[{/")
