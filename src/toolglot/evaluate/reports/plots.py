"""The pictures of a report as SVG: rates with their intervals, settings × kinds, cost against accuracy.

Written by hand: three pictures without axes to configure are shorter than the use of a library, stay sharp, take their
colours from the page (light and dark) and need no script. Every number in them stands in a table as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from math import ceil, log10
from typing import Any

from ..report import rate_words
from . import rows
from .rows import Report

WIDTH, LINE = 860, 22               # of a picture and of a row, in its own units
LETTER = 6.6                        # the width of one, on average
COLOURS = ("a", "b", "c")           # classes of the page


def rates_plot(report: Report) -> str:
    """A row a measure; in it, a dot and its interval for each chief setting."""
    settings = rows.chief(report)
    names = list(rows.measures(settings[0]))
    left, right, top = 190, WIDTH - 60, 30 + LINE * len(settings)
    step = LINE + 8 * len(settings)

    def x(value: float) -> float:
        return left + (right - left) * value

    parts = [_key(settings, left)]
    height = top + step * len(names) + 24
    for tick in range(0, 101, 20):
        parts += [_line(x(tick / 100), top - 6, x(tick / 100), height - 22, "grid"),
                  _text(x(tick / 100), height - 6, f"{tick} %", "middle", "soft")]
    for number, name in enumerate(names):
        y = top + step * number + step / 2
        parts.append(_text(left - 10, y + 4, name, "end"))
        for at, one in enumerate(settings):
            found = rows.measures(one)[name]
            where = y + 9 * (at - (len(settings) - 1) / 2)
            if found["rate"] is None:
                continue
            title = f"{name}, {one['name']}: {rate_words(found)}, {found['hits']} of {found['of']}"
            parts.append(_group(title, [_line(x(found["low"]), where, x(found["high"]), where, f"bar {COLOURS[at]}"),
                                        _dot(x(found["rate"]), where, COLOURS[at])]))
    return _svg(height, "Rates with their 95 % intervals", parts)


def _key(settings: Sequence[Mapping[str, Any]], left: float) -> str:
    return "".join(_dot(left, 16 + LINE * at, COLOURS[at]) + _text(left + 12, 20 + LINE * at, one["name"])
                   for at, one in enumerate(settings))


def heat_map(report: Report) -> str:
    """A row a setting, a column a kind of item: the darker, the more of them are right."""
    settings, kinds = report["settings"][:rows.MOST], report["kinds"]
    left = 20 + LETTER * min(44, max(len(one["name"]) for one in settings))
    cell = max(30.0, min(64.0, (WIDTH - left) / len(kinds)))
    top = 24 + 0.72 * LETTER * max(len(kind) for kind in kinds)
    parts = [f'<text class="small" transform="translate({left + cell * (i + 0.5):.1f},{top - 8:.1f}) rotate(-45)">'
             f"{escape(kind)}</text>" for i, kind in enumerate(kinds)]
    for row, one in enumerate(settings):
        y = top + LINE * row
        parts.append(_text(left - 8, y + 15, _cut(one["name"], 44), "end", "small"))
        for column, kind in enumerate(kinds):
            parts.append(_cell(left + cell * column, y, cell, kind, one))
    width = max(WIDTH, left + cell * len(kinds) + 0.72 * LETTER * len(kinds[-1]))
    return _svg(top + LINE * len(settings) + 8, "Items right, by setting and kind", parts, width)


def _cell(x: float, y: float, width: float, kind: str, one: Mapping[str, Any]) -> str:
    found = one["kinds"][kind]
    value = found["rate"]
    if value is None:
        return ""
    inside = "on" if value > 0.55 else ""
    return _group(f"{one['name']}, {kind}: {rate_words(found)}, {found['hits']} of {found['of']}", [
        f'<rect class="heat" x="{x:.1f}" y="{y:.1f}" width="{width - 2:.1f}" height="{LINE - 2}" '
        f'fill-opacity="{0.06 + 0.94 * value:.2f}"/>',
        _text(x + width / 2 - 1, y + 14, f"{100 * value:.0f}", "middle", f"small {inside}")])


def cost_plot(report: Report) -> str:
    """A dot a setting: the seconds that a call takes, and how many items are right."""
    found = [one for one in report["settings"] if one["seconds"]]
    if not found:
        return ""
    left, right, top, bottom = 60, WIDTH - 30, 20, 330
    most = _round_up(max(one["seconds"] for one in found))

    def x(seconds: float) -> float:
        return left + (right - left) * seconds / most

    def y(value: float) -> float:
        return bottom - (bottom - top) * value

    parts = []
    for tick in range(0, 101, 20):
        parts += [_line(left, y(tick / 100), right, y(tick / 100), "grid"),
                  _text(left - 8, y(tick / 100) + 4, f"{tick} %", "end", "soft")]
    parts += [_text(x(most * i / 4), bottom + 18, f"{most * i / 4:g} s", "middle", "soft") for i in range(5)]
    for one in reversed(found):
        kind = "a" if one["setting"]["constrain"] else "b"
        right_ = one["right"]
        title = f"{one['name']}: {rate_words(right_)} right, {one['seconds']:.2f} s for a call"
        at = x(one["seconds"])
        parts.append(_group(title, [_line(at, y(right_["low"]), at, y(right_["high"]), f"bar thin {kind}"),
                                    _dot(at, y(right_["rate"]), kind)]))
    parts += _labels(rows.chief(report), x, y, right)
    parts.append(_text((left + right) / 2, bottom + 38, "seconds for a call", "middle", "soft"))
    parts += [_dot(left + 12 + 120 * i, bottom + 34, kind) + _text(left + 22 + 120 * i, bottom + 38, words)
              for i, (kind, words) in enumerate((("a", "constrained"), ("b", "free")))]
    return _svg(bottom + 46, "Items right against seconds for a call", parts)


def _labels(settings: Iterable[Mapping[str, Any]], x: Any, y: Any, right: float) -> list[str]:
    """The names of the chief settings beside their dots, none over another."""
    taken: list[float] = []
    parts = []
    for one in settings:
        if not one["seconds"]:
            continue
        at, height = x(one["seconds"]), y(one["right"]["rate"]) - 8
        while any(abs(height - other) < 14 for other in taken):
            height += 14
        taken.append(height)
        inside = at + 10 + LETTER * len(one["name"]) < right
        parts.append(_text(at + 10 if inside else at - 10, height, one["name"], "start" if inside else "end", "small"))
    return parts


def _round_up(value: float) -> float:
    """The next 1, 2, 4 or 8 times a power of ten: four parts of it are short numbers."""
    power = 10.0 ** ceil(log10(value) - 1)
    return next(one * power for one in (1, 2, 4, 8, 10, 20) if one * power >= value)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most - 1] + "…"


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _dot(x: float, y: float, kind: str) -> str:
    return f'<circle class="dot {kind}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'


def _text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _group(title: str, parts: Iterable[str]) -> str:
    return f"<g><title>{escape(title)}</title>{''.join(parts)}</g>"


def _svg(height: float, label: str, parts: Iterable[str], width: float = WIDTH) -> str:
    return (f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(label)}" '
            f'style="max-width:{width:.0f}px">{"".join(parts)}</svg>')
