"""The kinds of settings: how each is read from TOML's values and from words, and how it is written.

The one rule: what is written is read back as the same value, and what does not fit is an error that says what was expected.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ..engines.opening import is_address
from ..message import ToolglotError

SIZES = {"GiB": 1 << 30, "MiB": 1 << 20, "KiB": 1 << 10, "GB": 10**9, "MB": 10**6, "kB": 10**3, "KB": 10**3, "B": 1, "": 1}
TIMES = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "": 1.0}
SWITCHES = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
PASSWORD = re.compile(r"(://[^/@:]*):[^@]*@")


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Kind:
    """`typed` makes the setting's value of TOML's, `plain` TOML's of the setting's, `worded` TOML's of the words of a flag
    or a variable; each raises ValueError for what is no such thing. `none`: what "none" means, where a setting takes it."""

    words: str
    metavar: str
    typed: Callable[[Any], Any]
    plain: Callable[[Any], Any] = _same
    worded: Callable[[str], Any] = _same
    none: str = ""
    secret: bool = False                # its value may hold a password: no error and no repr shows it

    def read(self, given: Any, place: str, is_text: bool) -> Any:
        """The value that stands at `place`. Errors: ToolglotError."""
        try:
            if self.none and given == "none":
                return None
            return self.typed(self.worded(given) if is_text else given)
        except (ValueError, OverflowError, OSError):
            found = "something else" if self.secret else repr(given) if len(repr(given)) < 100 else "something long"
            raise ToolglotError(f"{place}: expected {self.words}, found {found}") from None

    def toml(self, value: Any) -> str:
        """As a value of TOML."""
        return _literal("none" if value is None else self.plain(value))

    def shown(self, value: Any) -> str:
        """For people to read."""
        plain = "none" if value is None else self.plain(value)
        return plain if isinstance(plain, str) else "none" if plain == [] else _literal(plain)


def _literal(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    # a string of JSON is one of TOML, but for the one control character that JSON lets stand
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or CONTROL.search(value):
        raise ValueError
    return value


def _host(value: Any) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._:%-]+", _text(value)):
        raise ValueError
    return str(value)


def _name(value: Any) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", _text(value)):
        raise ValueError
    return str(value)


def _address(value: Any) -> str:
    if not is_address(_text(value)) or "@" in value:         # a key in it would be shown
        raise ValueError
    return str(value)


def _origins(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(v, str) and re.fullmatch(r"\*|[a-z][a-z0-9+.-]*://[^\s/,@]+", v)
                                              for v in value):
        raise ValueError
    return tuple(value)


def _measured(value: Any, units: dict[str, Any]) -> float:
    """A number of the smallest unit, or a text with one of `units` behind its number."""
    if isinstance(value, str):
        found = re.fullmatch(r"(\d{1,18}(?:\.\d{1,9})?) ?([A-Za-z]*)", value.strip())
        if not found or found[2] not in units:
            raise ValueError
        value = (float(found[1]) if "." in found[1] else int(found[1])) * units[found[2]]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        raise ValueError
    return value


def _size(value: Any) -> int:
    size = _measured(value, SIZES)
    if size != int(size) or size < 1:
        raise ValueError
    return int(size)


def _spelled(value: float, units: dict[str, Any]) -> str | float:
    """With the largest unit that goes into it without rest; as a number, if none does."""
    for unit, size in units.items():
        count = value / size
        if unit and count >= 1 and count == int(count) and int(count) * size == value:
            return f"{int(count)}{unit}"
    return value


def whole(low: int, high: int | None = None) -> Kind:
    def typed(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < low or (high is not None and value > high):
            raise ValueError
        return value

    reach = f"from {low} to {high}" if high is not None else f"{low} or more"
    return Kind(f"a whole number, {reach}", "N", typed, worded=lambda words: int(words) if words.isascii() else words)


def number(low: float, high: float) -> Kind:
    def typed(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise ValueError
        return float(value)

    return Kind(f"a number from {low:g} to {high:g}", "N", typed, worded=float)


def one_of(*names: str) -> Kind:
    def typed(value: Any) -> str:
        if value not in names:
            raise ValueError
        return str(value)

    return Kind(f"one of {', '.join(names)}", "|".join(names) if len(names) < 5 else "KIND", typed)


def _listed(words: str) -> list[str]:
    return [one.strip() for one in words.split(",") if one.strip()]


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) and one and not CONTROL.search(one) for one in value):
        raise ValueError
    return tuple(value)


def _switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _switched(words: str) -> Any:
    return SWITCHES.get(words.lower(), words)


HOST = Kind("an address or the name of a host", "HOST", _host)
NAME = Kind("a name", "NAME", _text)
PATH = Kind("a path", "PATH", _text)
VARIABLE = Kind("the name of an environment variable, such as MY_KEY", "VAR", _name, secret=True)    # some give the key
ADDRESS = Kind("an address such as http://127.0.0.1:8080, without a key in it", "URL", _address, secret=True)
STORE = Kind("a file, the URL of a database, or none", "FILE|URL", _text, lambda value: PASSWORD.sub(r"\1:…@", value),
             secret=True)
SWITCH = Kind("true or false", "true|false", _switch, worded=_switched)
ORIGINS = Kind("origins such as https://app.example, or *", "ORIGIN,…", _origins, list, _listed)
NAMES = Kind("names, with commas between them", "NAME,…", _names, list, _listed)
SIZE = Kind('a size such as "20MiB", or a number of bytes', "SIZE", _size, lambda value: _spelled(value, SIZES))
SECONDS = Kind('a time such as "30s", "5m" or "500ms", or a number of seconds', "TIME",
               lambda value: float(_measured(value, TIMES)), lambda value: _spelled(value, TIMES))
UNLIMITED = replace(SECONDS, words=SECONDS.words + ', or "none": as long as it likes', none="as long as it likes")
KEPT_FOR = replace(SECONDS, words='a time such as "30d" or "12h", or "none": for ever', none="for ever")
