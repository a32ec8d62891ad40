"""Arguments between tags: `<parameter=a>1</parameter>`, `<p name="a">1</p>`, `<a>1</a>`, a key and a value in turn.

The one rule: a tag is closed by its own name, with the prefix that its family gives it (`<｜DSML｜parameter name="a">`).
"""

from __future__ import annotations

import re
from collections.abc import Container

_TAG = re.compile(r"""\s{0,64}<(?P<tag>(?:｜\w{1,20}｜\ )?[^\s<>="'/]{1,60})
                      (?:=["']?(?P<equals>[\w.\-]{1,100})["']?
                        |\s[^<>]{0,60}?\b(?:name|key)=["'](?P<name>[^"'<>]{1,100})["'][^<>]{0,60})?>""", re.X)
_VALUE = re.compile(r"\s{0,64}<([^\s<>/]{0,30}(?:arg_value|value)[^\s<>/]{0,30})>")
_KEY = re.compile(r"(?:\b|_)key\b")


def tagged(text: str, p: int, declared: Container[str], most: int) -> tuple[dict[str, str], int, int]:
    """The arguments that stand here, as text, where they end, and how far was looked in vain, at most `most` characters.

    A tag that says of no name stands for a parameter only if its own name is `declared`.
    """
    members: dict[str, str] = {}
    while m := _TAG.match(text, p):
        key, tag, at = m["equals"] or m["name"], m["tag"], m.end()
        if key is None and tag not in declared and not _KEY.search(tag):
            break
        end = text.find(f"</{tag}>", at, at + most)
        if end < 0:
            return members, p, min(most, len(text) - at)
        p_next = end + len(tag) + 3
        if key is None and _KEY.search(tag):                # the value is in tags of its own
            value = _VALUE.match(text, p_next)
            if value is None:
                break
            stop = text.find(f"</{value[1]}>", value.end(), value.end() + most)
            if stop < 0:
                return members, p, min(most, len(text) - at)
            key, at, end, p_next = text[at:end].strip(), value.end(), stop, stop + len(value[1]) + 3
        members[key or tag] = _inner(text[at:end])
        p = p_next
    return members, p, 0


def _inner(value: str) -> str:
    """A value without the line break that templates write beside tags."""
    return value.removeprefix("\n").removesuffix("\n")
