"""The one text of a custom tool's call, as it comes: out of the JSON object `{"input": "…"}` that a model writes for it.

The one rule: what comes out, joined, is the string that the JSON holds, however the fragments are cut.
"""

from __future__ import annotations

import json
import re

from ..message import sound

_BEGIN = re.compile(r'\s*\{\s*"input"\s*:\s*"')
_HEX = "[0-9a-fA-F]"
# what is certain of a string's inside: half of a pair waits for what comes behind it
_HIGH, _LOW = rf"\\u[dD][89abAB]{_HEX}{{2}}", rf"\\u[dD][c-fC-F]{_HEX}{{2}}"
_ONE = rf'[^"\\]|\\[^u]|(?!{_HIGH})\\u{_HEX}{{4}}'
_BODY = re.compile(rf"(?:{_ONE}|{_HIGH}(?:{_LOW}|(?=[^\\]|\\[^u]|(?!{_LOW})\\u{_HEX}{{4}})))*", re.S)


class Unquoted:
    """`feed` fragments of the object, in order; each gives the text that became certain with it."""

    def __init__(self) -> None:
        self._held, self._inside, self._over = "", False, False

    def feed(self, fragment: str) -> str:
        if self._over:
            return ""
        self._held += fragment
        if not self._inside:
            found = _BEGIN.match(self._held)
            if found is None:
                return ""
            self._inside, self._held = True, self._held[found.end():]
        body = _BODY.match(self._held)
        assert body
        text, self._held = body[0], self._held[body.end():]
        self._over = self._held.startswith('"')
        if "\\" not in text:
            return text
        read: str = json.loads(f'"{text}"', strict=False)
        return sound(read)

