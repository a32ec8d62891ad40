"""A report as one HTML page: it asks for nothing, runs nothing, and follows the reader's light or dark.

The one rule: whatever comes from a journal is escaped where it is put in; the page's policy lets no script run besides.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from html import escape

from ..report import headline, what_was_asked
from . import rows
from .plots import cost_plot, heat_map, rates_plot
from .rows import Report

STYLE = """
:root { color-scheme: light dark; --back: #fff; --card: #f6f7f9; --ink: #1b1f24; --soft: #59636e; --edge: #d8dee4;
  --a: #0969da; --b: #bc4c00; --c: #8250df; --heat: #0969da; --on: #fff; }
@media (prefers-color-scheme: dark) { :root { --back: #0d1117; --card: #161b22; --ink: #e6edf3; --soft: #9198a1;
  --edge: #30363d; --a: #58a6ff; --b: #f0883e; --c: #bc8cff; --heat: #58a6ff; --on: #0d1117; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 62rem; background: var(--back); color: var(--ink);
  font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .75rem; } h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
.tier { display: inline-block; padding: .1rem .7rem; border-radius: 1rem; background: var(--a); color: var(--on);
  font-weight: 600; }
.soft, dt { color: var(--soft); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; font-size: .9rem; }
dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; } td + td { min-width: 3.5rem; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--edge); }
th { color: var(--soft); font-weight: 600; }
svg { width: 100%; height: auto; display: block; font: 12px system-ui, sans-serif; }
svg text { fill: var(--ink); } svg .soft { fill: var(--soft); } svg .small { font-size: 11px; } svg .on { fill: var(--on); }
svg .grid { stroke: var(--edge); } svg .bar { stroke-width: 3; opacity: .5; } svg .thin { stroke-width: 1.5; opacity: .35; }
svg .heat { fill: var(--heat); }
svg .a { stroke: var(--a); } svg .b { stroke: var(--b); } svg .c { stroke: var(--c); }
svg .dot { stroke: none; } svg .dot.a { fill: var(--a); } svg .dot.b { fill: var(--b); } svg .dot.c { fill: var(--c); }
pre { background: var(--card); border: 1px solid var(--edge); border-radius: .4rem; padding: .6rem .8rem;
  margin: .4rem 0 1rem; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .82rem;
  max-height: 16rem; }
summary { cursor: pointer; }
"""
NEWLINE = "\n"


def page(report: Report) -> str:
    """The whole page."""
    title = f"What {report['run']['model']['name']} can do with tools"
    said = report["verdict"]
    badge = f"<span class=tier>{escape(said['tier'])}</span> " if said else ""
    words = headline(report).removeprefix(f"{said['tier']}: " if said else "")
    parts = [f"<h1>{escape(title)}</h1>", f"<p>{badge}{escape(words)}</p>",
             "<dl>", *(f"<dt>{escape(name)}</dt><dd>{escape(str(words))}</dd>" for name, words in what_was_asked(report)),
             "</dl>"]
    if said:
        parts += _measured(report)
    parts += ["<h2>How the tiers are defined</h2>", _table(*rows.tiers(report)),
              '<p class="soft">A rate reaches a number where the lower end of its 95 % interval (Wilson) does.</p>',
              "<dl>", *(f"<dt>{escape(name)}</dt><dd>{escape(words)}</dd>"
                        for part in ("rates", "rules") for name, words in report["definitions"][part].items()), "</dl>"]
    return ('<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src \'unsafe-inline\'">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n"
            f"<body>\n{NEWLINE.join(parts)}\n</body></html>\n")


def _measured(report: Report) -> Iterable[str]:
    said = report["verdict"]
    yield "<h2>Recommended</h2>"
    yield _table(("what", "choose", "why"), [(one["what"], one["choose"], one["why"]) for one in said["advice"]])
    if said["alike"]:
        more = f" and {len(said['alike']) - 8} more" if len(said["alike"]) > 8 else ""
        names = escape("; ".join(said["alike"][:8]))
        yield f"<p class=soft>On these items it cannot be told apart from: {names}{more}.</p>"
    yield f"<h2>Rates</h2><div class=wide>{rates_plot(report)}</div>"
    yield f"<details><summary>In numbers</summary>{_table(*rows.compared(report))}</details>"
    yield f"<h2>Settings and kinds</h2><div class=wide>{heat_map(report)}</div>"
    yield f"<details><summary>All settings in numbers</summary>{_table(*rows.ranking(report))}</details>"
    yield f"<h2>Cost and accuracy</h2><div class=wide>{cost_plot(report)}</div>"
    yield f"<h2>What went wrong</h2>{_table(*rows.causes(report))}"
    for cause, found in report["examples"].items():
        yield f"<details><summary>{escape(cause)}: {len(found)} examples</summary>"
        for one in found:
            shown = one["text"] or json.dumps(one["calls"], ensure_ascii=False)
            yield (f"<h3>{escape(one['item'])}</h3><p>{escape(one['detail'])} <span class=soft>({escape(one['kind'])}; "
                   f"{escape(one['setting'])}; step {one['step'] + 1})</span></p><pre>{escape(shown)}</pre>")
        yield "</details>"


def _table(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    lines = "".join("<tr>" + "".join(f"<td>{escape(one)}</td>" for one in line) + "</tr>" for line in body)
    return f"<div class=wide><table><tr>{''.join(f'<th>{escape(one)}</th>' for one in head)}</tr>{lines}</table></div>"
