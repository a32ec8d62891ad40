"""Whether a text is of a format, for the few formats that the standard library can judge.

One rule: what a constraint of ours would let through is of the format. A time may lack its seconds and its offset, as
Python, pydantic and most people write it; a format that is not here is a note, as JSON schema has it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_TIME = re.compile(rf"{_CLOCK}(?::(?:[0-5][0-9]|60)(?:\.[0-9]{{1,9}})?)?(?:[Zz]|[+-]{_CLOCK})?")
_UUID = re.compile("[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_LONGEST = 1000  # characters of what is looked at; an email address has fewer


class Format(NamedTuple):
    """`name` is what to call it in a sentence, with an example."""

    name: str
    fits: Callable[[str], bool]


def _is_date(text: str) -> bool:
    if not (match := _DATE.fullmatch(text)):
        return False
    year, month, day = map(int, match.groups())
    date(year or 4, month, day)  # of the year 0, which Python lacks, a leap year
    return True


def _is_moment(text: str) -> bool:
    return text[10:11] in ("T", "t", " ") and _is_date(text[:10]) and _TIME.fullmatch(text[11:]) is not None


def _is_email(text: str) -> bool:
    local, _, domain = text.rpartition("@")
    return bool(local and domain) and not any(char.isspace() for char in domain)


FORMATS: Mapping[str, Format] = {
    "date": Format("a date such as 2026-01-31", _is_date),
    "time": Format("a time such as 14:30:00Z", lambda text: _TIME.fullmatch(text) is not None),
    "date-time": Format("a date and time such as 2026-01-31T14:30:00Z", _is_moment),
    "uuid": Format("a UUID such as 123e4567-e89b-12d3-a456-426614174000", lambda text: _UUID.fullmatch(text) is not None),
    "ipv4": Format("an IPv4 address such as 192.0.2.1", lambda text: bool(IPv4Address(text))),
    "ipv6": Format("an IPv6 address such as 2001:db8::1", lambda text: "%" not in text and bool(IPv6Address(text))),
    "email": Format("an email address such as ann@example.org", _is_email),
}


def is_of(text: str, name: object) -> bool:
    """Whether a text is of a format; of one that is not known here, any text is."""
    known = FORMATS.get(name) if isinstance(name, str) else None
    if known is None:
        return True
    try:
        return len(text) <= _LONGEST and known.fits(text)
    except ValueError:
        return False
