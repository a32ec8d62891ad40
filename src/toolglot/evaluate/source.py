"""Values that a model wrote as source text of Java or JavaScript: what they are, as the declared type.

The one rule: as strict as the decoders of the Berkeley Function Calling Leaderboard, and no cleverer. A text that is no
value of its type stays what it is: the name of a variable, perhaps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any


class Unreadable(ValueError):
    """No decoder could have read this."""


def parts(text: str) -> Iterator[str]:
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


STRING = r"(?:\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*')"


def quoted(text: str) -> bool:
    return bool(re.fullmatch(STRING, text, re.DOTALL))


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
        return text[1:-1] if quoted(text) else text
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
        found = [_argument(one, "add") for one in filled[1].split(";") if one.strip()]
    elif inside := re.fullmatch(LISTS[declared], source, re.DOTALL):
        found = list(parts(inside[1] or ""))
    else:
        raise Unreadable(source)
    if inner and inner in {**NUMBERS[language], "boolean": 0, "Boolean": 0}:
        return [value(one, inner, None, language) for one in found]
    return [_free(one, language) for one in found]


def _map(source: str, language: str) -> dict[str, Any]:
    if language == "JavaScript":
        if not source.startswith("{") or not source.endswith("}"):
            raise Unreadable(source)
        pairs = [one.partition(":")[::2] for one in parts(source[1:-1])]
        return {_free(key.strip(), language): _free(one.strip(), language) for key, one in pairs}
    if re.fullmatch(r"new\s+HashMap\s*<.*?>\s*\(\s*\)", source):
        return {}
    if not (filled := re.fullmatch(FILLED, source, re.DOTALL)):
        raise Unreadable(source)
    found = [list(parts(_argument(one, "put"))) for one in filled[1].split(";") if one.strip()]
    return {_free(key, language): _free(one, language) for key, one in found}


def _argument(statement: str, method: str) -> str:
    found = re.fullmatch(method + r"\((.*)\)", statement.strip(), re.DOTALL)
    if not found:
        raise Unreadable(statement)
    return found[1]


def _free(source: str, language: str) -> Any:
    """A value whose type nobody declared."""
    if quoted(source):
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
