"""Arguments between tags of their own: where each begins and ends, and how values stand in them.

The one rule: none, one and two arguments decide where the call's text ends and an argument's begins; where they leave a
choice, a literal begins with its marker and takes the white space behind it along.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ..spec import IS_STR, KEY, TYPE, VALUE, Tagged, Template
from .marked import SIGN, as_template, begins_well, common_end, common_start, shown
from .probe import LearnError
from .values import TYPED, untagged

Body = Callable[[Mapping[str, Any]], str]        # one call's text, its name marked, with these arguments


class Tags(NamedTuple):
    """What stands before the arguments and behind them, each argument, and what is not quite so."""

    before: str
    each: Template
    behind: str
    python: bool | str
    cdata: bool
    exact: bool                                  # the values of all types are written so
    notes: tuple[str, ...]

    @property
    def encoding(self) -> Tagged:
        return Tagged(self.each, python=self.python, cdata=self.cdata)  # type: ignore[arg-type]


def learn_tags(body: Body, keys: tuple[str, str], values: tuple[str, str]) -> Tags:
    """The tags of arguments, by words that stand for two of them."""
    (key, other), (value, last) = keys, values
    one, two = body({key: value}), body({key: value, other: last})
    try:
        none: str | None = body({})
    except LearnError:
        none = None
    left, inside, right = _around(one, key, value)
    if inside.count(SIGN[KEY]) or not two.startswith(left + key) or other not in two:
        raise LearnError(f"arguments: with a second one the first is written otherwise: {shown(one)}, {shown(two)}")
    rest = two[len(left) + len(key) + len(inside) + len(value):]
    between = rest[:rest.index(other)].replace(key, SIGN[KEY])
    opener, closer = _cut(left, between, right, none)
    gap = between[len(closer):len(between) - len(opener)]
    if gap.strip():
        raise LearnError(f"arguments: two of them are parted by {gap!r}, which tags cannot say")
    notes = (f"between two arguments stands {gap!r}, which is not written here",) if gap else ()
    inside, typed = _type_mark(body, key, left, inside, right)
    each = as_template(f"{opener}{SIGN[KEY]}{inside}{SIGN[VALUE]}{closer}")
    written = {k: text for k in TYPED if (text := _value(body, key, TYPED[k], left, inside, right, typed)) is not None}
    for k in ("days", "near"):
        if k not in written:
            raise LearnError(f"arguments: {TYPED[k]!r} does not stand between the tags that strings do: "
                             f"{shown(body({key: TYPED[k]}))}")
    if written.get("city") != "Paris":
        raise LearnError(f"arguments: the string 'Paris' is written {written.get('city')!r}, which tags cannot say")
    python, exact = untagged(written)
    marked = _value(body, key, "a<b", left, inside, right, typed)
    return Tags(left[:len(left) - len(opener)], each, right[len(closer):], python, marked == "<![CDATA[a<b]]>",
                exact and len(written) == len(TYPED), notes)


def _around(one: str, key: str, value: str) -> tuple[str, str, str]:
    """What stands before the key, between it and the value, and behind the value, where the key may stand again."""
    at = one.index(key)
    end = one.index(value, at)
    return one[:at], one[at + len(key):end], one[end + len(value):].replace(key, SIGN[KEY])


def _cut(left: str, between: str, right: str, none: str | None) -> tuple[str, str]:
    """How much of `left` opens an argument, and how much of `right` closes it."""
    longest, most = len(common_end(left, between)), len(common_start(between, right))
    fits: list[tuple[tuple[bool, ...], int, int, int]] = []
    for i in range(1, longest + 1):
        for j in range(0, min(most, len(between) - i) + 1):
            before, behind, gap = left[:len(left) - i], right[j:], between[j:len(between) - i]
            score = (none is None or none == before + behind, not gap,
                     begins_well(left, len(left) - i) and left[-i] not in ">])}",
                     not behind or behind[0].isspace() or begins_well(right, j), not gap.strip())
            fits.append((score, i, j, 0))
    if not fits or not max(fits)[0][4]:
        raise LearnError(f"arguments: where one ends and the next begins cannot be told: "
                         f"{shown(left)}, {shown(between)}, {shown(right)}")
    _, i, j, _ = max(fits)
    return left[len(left) - i:], right[:j]


_WORD = re.compile(r"[A-Za-z]*")


def _type_mark(body: Body, key: str, left: str, inside: str, right: str) -> tuple[str, bool]:
    """Where the mark of a value's type stands between key and value, if it does: `string="true"`, `type="integer"`."""
    texts = {k: m[1] for k in ("days", "near") if (m := re.compile(
        f"{re.escape(left + key)}(.*?){re.escape(str(TYPED[k]))}{re.escape(right.replace(SIGN[KEY], key))}",
        re.S | re.I).fullmatch(body({key: TYPED[k]})))}
    other = next((t for t in texts.values() if t != inside), None)
    if other is None:
        return inside, False
    at = len(common_start(inside, other))
    while at and inside[at - 1].isalpha():
        at -= 1
    word, theirs = _WORD.match(inside, at)[0], _WORD.match(other, at)[0]  # type: ignore[index]
    slot = IS_STR if (word, theirs) == ("true", "false") else TYPE if word in ("string", "str") else None
    if slot is None or inside[at + len(word):] != other[at + len(theirs):]:
        raise LearnError(f"arguments: what stands before a value depends on its type: {shown(inside)}, {shown(other)}")
    return inside[:at] + SIGN[slot] + inside[at + len(word):], True


def _value(body: Body, key: str, value: Any, left: str, inside: str, right: str, typed: bool) -> str | None:
    """A value as it stands between its tags, or None where they do not stand around it."""
    pattern = re.escape(inside)
    for slot in (IS_STR, TYPE):
        pattern = pattern.replace(re.escape(SIGN[slot]), "[A-Za-z]+")
    m = re.compile(f"{re.escape(left + key)}{pattern}(.*){re.escape(right.replace(SIGN[KEY], key))}", re.S).fullmatch(
        body({key: value}))
    return m[1] if m else None
