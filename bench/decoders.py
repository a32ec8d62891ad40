"""What the decoders of the Berkeley Function Calling Leaderboard read: a model's text, and source text of a value.

One rule: as strict as they are, and no cleverer. A text is read whole or not at all; what a model wrote around its calls
makes it unreadable, unless the handler of that model took it away. Of Python, calls are literals with keywords; of Java
and JavaScript it is one call, whose values stay source text until the declared type is known.
"""

from __future__ import annotations

import ast
import itertools
import json
import operator
import re
from collections.abc import Callable, Iterator
from typing import Any

Calls = list[tuple[str, Any]]


class Unreadable(ValueError):
    """No decoder could have read this."""


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
    for part in _parts(text[head.end() + 1:-1]):
        name, equals, source = part.partition("=")
        source = source.strip()
        if not equals or name.strip() in arguments or not _plausible(source, language):
            raise Unreadable("no named value of that language")
        arguments[name.strip()] = source[1:-1] if _quoted(source) else source
    return head[0], arguments


def _parts(text: str) -> Iterator[str]:
    """What stands between the commas that lie in no brackets and no quotes."""
    begin, depth, quote, at = 0, 0, "", 0
    while at < len(text):
        char = text[at]
        if quote:
            at += char == "\\"
            quote = "" if char == quote else quote
        elif char in "\"'`":
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        elif char == "," and not depth:
            yield text[begin:at].strip()
            begin = at + 1
        if depth < 0:
            break
        at += 1
    if depth or quote:
        raise Unreadable("brackets or quotes that do not close")
    if text[begin:].strip():
        yield text[begin:].strip()


def _plausible(source: str, language: str) -> bool:
    """Whether this may be an expression: what their parsers of Java and JavaScript take, told by what they refuse."""
    bare = re.sub(STRING, " 0 ", source).strip()
    return bool(bare) and not re.search(r"['\"]|(?<!\bnew)(?<=[\w$])\s+[\w$]|\d\.\d+\.\d", bare) \
        and not (language == "Java" and source[0] in "[{/")


STRING = r"(?:\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*')"


def _quoted(text: str) -> bool:
    return bool(re.fullmatch(STRING, text, re.DOTALL))


# -- values in source text -------------------------------------------------------------------------------------

WHOLE, REAL = r"(-?\d+)", r"(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
NUMBERS: dict[str, dict[str, tuple[str, type]]] = {
    "Java": {"byte": (WHOLE, int), "short": (WHOLE, int), "integer": (WHOLE, int), "long": (WHOLE + "[lL]", int),
             "float": (REAL + "[fF]", float), "double": (REAL, float)},
    "JavaScript": {"integer": (WHOLE, int), "Bigint": (WHOLE + "n", int), "float": (r"(-?\d+(?:\.\d+)?)", float)},
}
LISTS = {"Array": r"new\s+\w+\s*\[\]\s*\{(.*)\}",
         "ArrayList": r"new\s+ArrayList\s*<\w*>\s*\(\s*(?:(?:java\.util\.)?Arrays\.asList\((.*)\)\s*)?\)",
         "array": r"(?:new\s+Array\(|\[)(.*)[\])]"}
FILLED = r"new\s+(?:ArrayList|HashMap)\s*<.*?>\s*\(\s*\)\s*\{\s*\{?\s*(.*?)\s*\}?\s*\}"    # {{ add(1); put("a", 2); }}


def value(text: str, declared: str, inner: str | None, language: str) -> Any:
    """The value that source text has as the declared type; the text itself where it has none: a variable, perhaps."""
    source = text.strip()
    if declared in NUMBERS[language]:
        pattern, kind = NUMBERS[language][declared]
        found = re.fullmatch(pattern, source)
        return kind(found[1]) if found else text
    if declared in ("boolean", "Boolean"):
        return {"true": True, "false": False}.get(source, text)
    if declared == "String" and language == "JavaScript":
        return text[1:-1] if _quoted(text) else text
    try:
        if declared in LISTS:
            return _list(source, declared, inner, language)
        if declared in ("HashMap", "dict"):
            return _map(source, language)
    except ValueError:
        pass
    return text


def _list(source: str, declared: str, inner: str | None, language: str) -> list[Any]:
    if declared == "ArrayList" and (filled := re.fullmatch(FILLED, source, re.DOTALL)):
        parts = [_argument(one, "add") for one in filled[1].split(";") if one.strip()]
    elif found := re.fullmatch(LISTS[declared], source, re.DOTALL):
        parts = list(_parts(found[1] or ""))
    else:
        raise Unreadable(source)
    if inner and inner in {**NUMBERS[language], "boolean": 0, "Boolean": 0}:
        return [value(one, inner, None, language) for one in parts]
    return [_free(one, language) for one in parts]


def _map(source: str, language: str) -> dict[str, Any]:
    if language == "JavaScript":
        if not source.startswith("{") or not source.endswith("}"):
            raise Unreadable(source)
        pairs = [one.partition(":")[::2] for one in _parts(source[1:-1])]
        return {_free(key.strip(), language): _free(one.strip(), language) for key, one in pairs}
    if re.fullmatch(r"new\s+HashMap\s*<.*?>\s*\(\s*\)", source):
        return {}
    if not (filled := re.fullmatch(FILLED, source, re.DOTALL)):
        raise Unreadable(source)
    found = [list(_parts(_argument(one, "put"))) for one in filled[1].split(";") if one.strip()]
    return {_free(key, language): _free(one, language) for key, one in found}


def _argument(statement: str, method: str) -> str:
    found = re.fullmatch(method + r"\((.*)\)", statement.strip(), re.DOTALL)
    if not found:
        raise Unreadable(statement)
    return found[1]


def _free(source: str, language: str) -> Any:
    """A value whose type nobody declared."""
    if _quoted(source):
        return source[1:-1]
    if source in ("true", "false"):
        return source == "true"
    if found := re.fullmatch(WHOLE + "[lLn]?", source):
        return int(found[1])
    if found := re.fullmatch(REAL + "[fFdD]?", source):
        return float(found[1])
    try:
        if language == "JavaScript" and source.startswith(("[", "new Array(")):
            return _list(source, "array", None, language)
        if language == "JavaScript" and source.startswith("{"):
            return _map(source, language)
    except ValueError:
        pass
    return source
