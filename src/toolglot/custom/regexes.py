"""One regular expression, in Rust's syntax -> a rule tree of characters, and back to text.

The one rule: what comes out is made of literals, explicit classes, groups, `|` and quantifiers alone, so that every
emitter reads it alike. `.` and the flags `i` and `s` are resolved here; `\\d`, `\\w` and `\\s` are ASCII, as everywhere in
toolglot. Where Rust and Python disagree on what a pattern means, it is Unsupported.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from functools import cache

from ..rules import Alt, Lit, Regex, Repeat, Rule, Seq
from ..values.patterns import ANY, Build, Ranges, Unsupported, one_class, read, times, union, without

_LAST = ANY[0][1]
_FEW = 32  # ranges of a class that may be written negated: reading those back takes quadratic time
_CASED = 0x1E944  # no character from here on has another case
_FOLDS = 300  # letters of one class that the flag `i` looks at
_CLASSES = 2_000  # classes of one pattern
_HEX = "[0-9A-Fa-f]"
_PIECE = re.compile(
    rf"(?P<escape>\\(?:x{_HEX}{{2}}|u{_HEX}{{4}}|[xu]\{{{_HEX}{{1,6}}\}}|U{_HEX}{{8}}|[\s\S]))"
    r"|\[(?P<negated>\^?)(?P<members>(?:\\[\s\S]|[^\]\\])*)\]"
    r"|\(\?(?P<on>[A-Za-z]*)(?P<off>-[A-Za-z]+)?(?P<scope>[:)])"
    r"|(?P<count>\{[0-9,]+\}|[*+?])(?P<lazy>\??)"
    r"|(?P<plain>[\s\S])"
)
_RANGES: Build[Ranges] = Build(lambda chars: chars, lambda items: items[0], lambda options: options[0], lambda *_: ANY)


def tree(pattern: str, flags: str = "") -> Rule:
    """What the whole pattern matches. Its leaves are a Lit of one character or a Regex of one class.

    `flags`: of `i`, `s` and `u`. Raises Unsupported; takes time linear in the pattern.
    """
    return read(_explicit(pattern, flags), RULES)


def text(rule: Rule, tight: int = 0) -> str:
    """Such a tree as a pattern. `tight`: 0 where a choice may stand, 1 where a sequence may, 2 where one item must."""
    match rule:
        case Lit(chars):
            body, loose = "".join(map(_quoted, chars)), 2 if len(chars) != 1 else 3
        case Seq(items):
            body, loose = "".join([text(item, 1) for item in items]), 2
        case Alt(options):
            body, loose = "|".join([text(option, 1) for option in options]), 1
        case Repeat(item, least, most):
            body, loose = text(item, 2) + times(least, most), 2
        case Regex(pattern):
            body, loose = pattern, 3
        case _:
            raise TypeError(rule)
    return f"(?:{body})" if tight >= loose else body


def of_characters(ranges: Ranges) -> Rule:
    """One of these characters."""
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return Lit(chr(ranges[0][0]))
    if ranges[-1][1] < _LAST:
        return Regex(one_class(tuple(map(_clipped, ranges))))
    if len(ranges) <= _FEW:
        return Regex(one_class(ranges))
    return Alt((Regex(one_class(tuple(map(_clipped, ranges[:-1])))), Regex(one_class(ranges[-1:]))))




def sequence(items: Iterable[Rule]) -> Rule:
    """The items one after another, sequences in it opened; two literals stay two tokens."""
    opened = (one for item in items for one in (item.items if isinstance(item, Seq) else (item,)))
    found = tuple(one for one in opened if one != Lit(""))
    return found[0] if len(found) == 1 else Seq(found)


def one_token(items: Iterable[Rule]) -> Rule:
    """The items one after another, neighbouring literals as one."""
    found: list[Rule] = []
    whole = sequence(items)
    for item in whole.items if isinstance(whole, Seq) else (whole,):
        if isinstance(item, Lit) and found and isinstance(found[-1], Lit):
            found[-1] = Lit(found[-1].text + item.text)
        else:
            found.append(item)
    return found[0] if len(found) == 1 else Seq(tuple(found))


def repeat(item: Rule, least: int, most: int | None) -> Rule:
    """A repeat; one of a repeat becomes one alone, where the numbers of times leave no gap."""
    if (least, most) == (1, 1):
        return item
    if isinstance(item, Repeat) and most != 0:
        low, high = item.least, item.most
        without_gap = least == most or (low <= 1 if not least else high is None or low - least * (high - low) <= 1)
        if without_gap:
            return Repeat(item.item, least * low, None if most is None or high is None else most * high)
    return Repeat(item, least, most)


RULES: Build[Rule] = Build(of_characters, one_token, lambda options: Alt(tuple(options)), repeat)


def ignoring_case(word: str) -> Rule:
    """The word in any case."""
    return one_token([of_characters(_folded(((ord(char), ord(char)),))) for char in word])


# -- reading


def _explicit(pattern: str, flags: str) -> str:
    """The pattern with every class and flag written out."""
    scopes, out, classes = [flags], list[str](), 0
    for piece in _PIECE.finditer(pattern):
        kind, found = str(piece.lastgroup), piece[0]
        if kind == "escape":
            out.append(_escape(found, scopes[-1]))
        elif kind == "members":
            classes += 1
            if classes > _CLASSES:
                raise Unsupported(f"more than {_CLASSES} classes")
            out.append(_written(_members(piece["members"], bool(piece["negated"]), scopes[-1])))
        elif kind == "scope":
            inner = _with_flags(scopes[-1], piece["on"], piece["off"] or "")
            if piece["scope"] == ")":
                scopes[-1] = inner
            else:
                scopes.append(inner)
                out.append("(?:")
        elif kind == "lazy":
            if piece["lazy"] or found.startswith("{,"):
                raise Unsupported(f"`{found}`, which is lazy" if piece["lazy"] else f"`{found}`: write `{{0{found[1:]}`")
            out.append(found)
        else:
            out.append(_plain(found, scopes))
    return "".join(out)


def _plain(char: str, scopes: list[str]) -> str:
    if char == "(":
        scopes.append(scopes[-1])
    elif char == ")" and len(scopes) > 1:
        scopes.pop()
    elif char == ".":
        return _written(ANY if "s" in scopes[-1] else without(ANY, [(10, 10)]))
    elif char == "[":
        raise Unsupported("a `[` that nothing closes")
    elif "i" in scopes[-1] and char in _cases():
        return _written(_folded(((ord(char), ord(char)),)))
    return char


def _with_flags(flags: str, on: str, off: str) -> str:
    if set(on + off) - set("isu-"):
        raise Unsupported(f"the flags `{on}{off}`; `i` and `s` are known")
    return "".join(sorted({*flags, *on} - set(off)))


def _escape(found: str, flags: str) -> str:
    if found[1] in "bB<>":
        raise Unsupported(f"`{found}`")  # the edges of a word
    known = found.replace(r"\x{", r"\u{")
    if "i" not in flags or found[1] in "dDsSwW":
        return known
    return _written(_folded(read(known, _RANGES)))


def _members(members: str, negated: bool, flags: str) -> Ranges:
    if not members:
        raise Unsupported("a class that begins with `]`; write `\\]`")
    fixed = members.replace(r"\x{", r"\u{")
    found = read(rf"[\{fixed}]" if fixed[0] == "^" else f"[{fixed}]", _RANGES)
    found = _folded(found) if "i" in flags else found
    return _others(found) if negated else found


def _others(ranges: Ranges) -> Ranges:
    """All the characters that are not in `ranges`, in linear time."""
    begins = [0, *(high + 1 for _, high in ranges)]
    ends = [*(low - 1 for low, _ in ranges), _LAST]
    found = tuple((low, high) for low, high in zip(begins, ends, strict=True) if low <= high)
    if not found:
        raise Unsupported("a class of no character")
    return found


# -- the two cases of a letter


@cache
def _cases() -> dict[str, str]:
    """Each letter that has another case, and all its cases: simple case folding, as Rust does it."""
    same: dict[str, str] = {}
    for char in map(chr, [*range(0xD800), *range(0xE000, _CASED)]):
        if char.isalpha() or char.lower() != char or char.upper() != char:
            key = next((one for one in (char.casefold(), char.lower()) if len(one) == 1), char)
            same[key] = same.get(key, "") + char
    return {char: chars for chars in same.values() if len(chars) > 1 for char in chars}


@cache
def _cased() -> list[int]:
    return sorted(map(ord, _cases()))


def _folded(ranges: Ranges) -> Ranges:
    """With every letter its other cases."""
    letters = [code for low, high in ranges for code in _cased()[bisect_left(_cased(), low) : bisect_right(_cased(), high)]]
    if len(letters) > _FOLDS:
        raise Unsupported(f"a class of more than {_FOLDS} letters with the flag `i`")
    more = sorted({ord(char) for code in letters for char in _cases()[chr(code)]})
    return union([*ranges, *zip(more, more, strict=True)]) if more else ranges


# -- writing


def _written(ranges: Ranges) -> str:
    return text(of_characters(ranges), 2)


def _clipped(ends: tuple[int, int]) -> tuple[int, int]:
    """A range that neither begins nor ends with half of a surrogate pair."""
    low, high = ends
    return 0xE000 if 0xD800 <= low < 0xE000 else low, 0xD7FF if 0xD800 <= high < 0xE000 else high


def _quoted(char: str) -> str:
    if char in r"\.^$|?*+()[]{}":
        return "\\" + char
    return char if char.isprintable() else one_class(((ord(char), ord(char)),))
