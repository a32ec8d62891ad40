"""What can be wrong with a row that was read: a call that its own tool refuses, characters that were decoded wrongly; and
what tells whether two rows are the same.

The one rule: a row is judged by itself. Which rows were there before is for whoever has them all (`Seen`).
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from ..message import Assistant, Call, Part, Result, Text, Tool, Turn
from ..schema import validate
from .row import Row, RowError

# -- calls under their schemas ---------------------------------------------------------------------------------


def broken_calls(row: Row) -> None:
    """Raises RowError for the first call whose arguments its tool's schema refuses."""
    tools = {tool.name: tool for tool in row.tools}
    for number, turn in enumerate(row.turns):
        if isinstance(turn, Assistant):
            for call in turn.parts:
                if isinstance(call, Call) and call.name in tools and (
                        wrong := validate(call.arguments, tools[call.name].parameters)):
                    raise RowError("a call that its tool's schema refuses", f"turn {number}, {call.name}", wrong[0])


# -- characters ------------------------------------------------------------------------------------------------


# bytes of UTF-8 that were read as Latin-1 or as Windows-1252: a first byte as one character, the following as others
_FOLLOWING = "\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_GARBLED = re.compile(f"â[{_FOLLOWING}]{{2}}|ð[Ÿ\x9f][{_FOLLOWING}]{{2}}|[Ã][\x80-\xbfƒŸŠŒŽšœž€‚„†‡ˆ‰‹™›˜]|Â[\xa0-\xbf]"
                      f"|(?:[\xd0\xd1][{_FOLLOWING}]){{2}}|(?:[\xe3-\xe9][{_FOLLOWING}]{{2}}){{2}}")
_NEVER = re.compile("[\ufffd\x80-\x84\x86-\x9f\ud800-\udfff]")  # U+0085 is a line break of its own right


def garbled(text: str) -> str:
    """What shows that a text was decoded wrongly somewhere on its way, or "".

    Proof is a stretch that, as bytes of Windows-1252, is UTF-8 again (`Ã©` is `é`); else a character that no text holds:
    U+FFFD, which stands where one was lost, a control character of Latin-1's, half of a surrogate pair.
    """
    for found in _GARBLED.finditer(text):
        if meant := _meant(found[0]):
            return f"{found[0]!r} at character {found.start()} was {meant!r}"
    if never := _NEVER.search(text):
        what = "a character that was lost" if never[0] == "\ufffd" else "no character of any text"
        return f"U+{ord(never[0]):04X} at character {never.start()}: {what}"
    return ""


def _meant(text: str) -> str:
    data = bytearray()
    for char in text:
        try:
            data += char.encode("cp1252")
        except UnicodeEncodeError:                       # five bytes that Windows-1252 leaves free
            if ord(char) > 0xff:
                return ""
            data.append(ord(char))
    try:
        return data.decode()
    except UnicodeDecodeError:
        return ""


# -- duplicates ------------------------------------------------------------------------------------------------


def digest(row: Row) -> bytes:
    """Sixteen bytes that rows of the same words, calls and tools share, whatever shape they came in. Ids are not looked at:
    everybody makes his own."""
    said = [list(map(_turn, row.turns)), list(map(_tool, row.tools)), list(map(_part, row.rejected or ()))]
    return blake2b(json.dumps(said, sort_keys=True, separators=(",", ":")).encode(), digest_size=16).digest()


def _turn(turn: Turn) -> list[Any]:
    kind = type(turn).__name__
    if isinstance(turn, Assistant):
        return [kind, *map(_part, turn.parts)]
    return [kind, turn.text, turn.name] if isinstance(turn, Result) else [kind, turn.text]


def _part(part: Part) -> list[Any]:
    if isinstance(part, Call):
        return ["Call", part.name, part.arguments]
    return [type(part).__name__, part.text.strip() if isinstance(part, Text) else part.text]


def _tool(tool: Tool) -> list[Any]:
    parameters = tool.parameters
    return [tool.name, tool.description, dict(parameters) if isinstance(parameters, Mapping) else parameters]


class Seen:
    """Digests, each with the number of the first row that had it. Exact, in 24 bytes a place: with two places in three free
    at most, 36 to 72 bytes a row."""

    def __init__(self, most: int) -> None:
        """`most`: how many rows there can be."""
        self.mask = (1 << max(4, (3 * most // 2).bit_length())) - 1
        self.places = array("Q", bytes(24 * (self.mask + 1)))

    def first(self, digest: bytes, number: int) -> int | None:
        """The number of the row that had this digest first, None where it is this one."""
        high, low = int.from_bytes(digest[:8], "big"), int.from_bytes(digest[8:], "big")
        places, place = self.places, high & self.mask
        while stored := places[3 * place + 2]:
            if places[3 * place] == high and places[3 * place + 1] == low:
                return int(stored) - 1
            place = place + 1 & self.mask
        places[3 * place], places[3 * place + 1], places[3 * place + 2] = high, low, number + 1
        return None


__all__ = ["Seen", "broken_calls", "digest", "garbled"]
