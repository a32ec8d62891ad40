"""Rendered text with each thing that was put into it as one private character, and what such texts have in common.

The one rule: what stands between two slots is literal, and is cut only where a marker or a line begins.
"""

from __future__ import annotations

import re
from os.path import commonprefix

from ..spec import CALLS, ECHO, ID, INDEX, IS_STR, KEY, NAME, NUMBER, TEXT, TYPE, VALUE, Encoding, Slot, Template

SIGN: dict[Slot, str] = {slot: chr(0xE100 + i) for i, slot in enumerate(
    (NAME, ECHO, ID, INDEX, NUMBER, KEY, VALUE, IS_STR, TYPE, TEXT, CALLS))}
SLOT = {sign: slot for slot, sign in SIGN.items()}
ARGUMENTS = "\ue1ff"                             # where the arguments stand, whatever encodes them
SLOTS = {*SLOT, ARGUMENTS}
_SIGNS = re.compile(f"([\ue100-\ue11f{ARGUMENTS}])")


def common_start(*texts: str) -> str:
    return commonprefix(list(texts))


def common_end(*texts: str) -> str:
    return commonprefix([t[::-1] for t in texts])[::-1]


def begins_well(text: str, at: int) -> bool:
    """May a literal begin here: at a marker, or at a word, and not inside of either?"""
    if at >= len(text) or text[at].isspace():
        return False
    if re.search(r"<[^<>\s]*$", text[:at]) and re.match(r"[^<>\s]*>", text[at:]):
        return False
    before = text[at - 1:at]
    return not before or before.isspace() or before in ">])}" or before in SLOTS or text[at] in "<[{("


def ending_well(text: str, end: str) -> str:
    """The longest end of `end`, which `text` ends with, that begins well; "" where none does."""
    first = len(text) - len(end)
    return next((text[at:] for at in range(first, len(text)) if begins_well(text, at)), "")


def starting_well(text: str, start: str) -> str:
    """The longest start of `start`, which `text` starts with, behind which something begins well, or white space."""
    for at in range(len(start), 0, -1):
        if at == len(text) or begins_well(text, at) or (text[at].isspace() and not re.search(r"<[^<>\s]*$", text[:at])):
            return text[:at]
    return ""


def as_template(text: str, encoding: Encoding | None = None) -> Template:
    """A marked text as a template."""
    nodes = [n for n in _SIGNS.split(text) if n]
    return tuple(encoding if n == ARGUMENTS and encoding is not None else SLOT.get(n, n) for n in nodes)


def shown(text: str) -> str:
    """A marked text for people: `{"name": "{NAME}"`, at most so long."""
    text = _SIGNS.sub(lambda m: "{ARGUMENTS}" if m[0] == ARGUMENTS else f"{{{SLOT[m[0]].name}}}", text)
    return repr(text if len(text) <= 300 else text[:297] + "...")


def markers(text: str) -> list[str]:
    """The markers in a text that look like one token each: `<|im_end|>`, `</s>`, `<end_of_turn>`, `[/INST]`."""
    return re.findall(r"<[|｜][^<>\s]*[|｜]>|</?[^<>\s/|｜][^<>\s]*>|\[/?[A-Z][A-Z_ ]*\]", text)
