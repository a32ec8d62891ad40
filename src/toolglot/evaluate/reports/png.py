"""The three pictures of a report in one PNG, by matplotlib (`pip install matplotlib`)."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from ...message import ToolglotError
from . import rows
from .rows import Report


def draw(report: Report, path: Path) -> None:
    """Raises ToolglotError where matplotlib is missing, or nothing was answered."""
    try:
        figures = importlib.import_module("matplotlib.figure")
    except ImportError:
        raise ToolglotError("a PNG is drawn by matplotlib: pip install 'toolglot[png]', or ask for .html") from None
    if not report["verdict"]:
        raise ToolglotError("report: nothing was answered yet, so there is nothing to draw")
    settings, kinds = report["settings"][:rows.MOST], report["kinds"]
    height = 4 + 0.3 * len(settings) + 4
    figure = figures.Figure(figsize=(11, 4 + height), layout="constrained")
    top, middle, bottom = figure.subplots(3, 1, height_ratios=(4, 1.5 + 0.3 * len(settings), 4))
    figure.suptitle(f"{report['run']['model']['name']}: {report['verdict']['tier']}")
    _rates(top, report)
    values = [[one["kinds"][kind]["rate"] if one["kinds"][kind]["rate"] is not None else float("nan") for kind in kinds]
              for one in settings]
    middle.imshow(values, aspect="auto", cmap="Blues", vmin=0, vmax=1)
    middle.set_xticks(range(len(kinds)), kinds, rotation=45, ha="right", fontsize=7)
    middle.set_yticks(range(len(settings)), [one["name"] for one in settings], fontsize=7)
    for one in settings:
        if one["seconds"] is not None:
            found = one["right"]
            bottom.errorbar(one["seconds"], found["rate"], fmt="o", color="C0" if one["setting"]["constrain"] else "C1",
                            yerr=[[max(0.0, found["rate"] - found["low"])], [max(0.0, found["high"] - found["rate"])]])
    bottom.set(xlabel="seconds for a call", ylabel="items right", ylim=(0, 1), title="blue: constrained; orange: free")
    figure.savefig(path, dpi=120)


def _rates(axes: Any, report: Report) -> None:
    settings = rows.chief(report)
    names = list(rows.measures(settings[0]))
    for at, one in enumerate(settings):
        for number, name in enumerate(names):
            found = rows.measures(one)[name]
            if found["rate"] is not None:
                axes.errorbar(found["rate"], number + 0.2 * at, fmt="o", color=f"C{at}", markersize=4, xerr=[
                    [max(0.0, found["rate"] - found["low"])], [max(0.0, found["high"] - found["rate"])]],
                    label=one["name"] if not number else None)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set(xlim=(0, 1), title="rates with their 95 % intervals")
    axes.invert_yaxis()
    axes.legend(fontsize=7)
