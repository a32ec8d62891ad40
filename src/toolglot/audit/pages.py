"""A report card as Markdown and as HTML.

The one rule: whatever came from a template is a stranger's text: it is code in Markdown, and escaped in HTML.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape as escaped
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .report import Audit

LISTS = (("For it", "merits"), ("Against it", "faults"), ("It loses", "losses"),
         ("What a message may pass for", "forgeries"))


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")


def starred(stars: int) -> str:
    return "★" * stars + "☆" * (5 - stars) if stars else "not rated"


# -- Markdown -------------------------------------------------------------------------------------------------------


def markdown(audit: Audit) -> str:
    parts = [f"# {_plain(audit.title)} {starred(audit.stars)}",
             audit.error and f"It could not be tried: {_plain(audit.error)}",
             _deducted(audit), rows(("", ""), [(name, table_words(value)) for name, value in audit.facts])]
    parts += [f"## {title}\n\n" + "\n".join(f"- {_words(one)}" for one in found)
              for title, member in LISTS if (found := getattr(audit, member))]
    if audit.difference:
        parts.append(f"## First difference from {audit.dialect}\n\n{_words(audit.difference)}")
    if audit.example:
        parts.append(f"## What the model is shown\n\n{fence(audit.example)}")
    named, hashed = (f" ({_plain(audit.template)})" if audit.template else ""), _hashed(audit)
    parts.append(f"{_plain(audit.source)}{named}{hashed}")
    return "\n\n".join(part for part in parts if part) + "\n"


def table(audits: Sequence[Audit]) -> str:
    """A row a template."""
    body = []
    for a in audits:
        known = dict(a.facts)
        cost = "; ".join(f"{one.name} −{one.points}" for one in a.deductions)
        body.append((_plain(a.title), starred(a.stars), *(table_words(known.get(n, "")) for n in ("tools", "calls")),
                     cost or table_words(a.error)))
    return rows(("template", "stars", "tools", "calls", "deductions"), body)


def _hashed(audit: Audit) -> str:
    return f", sha256 {audit.sha256}" if audit.sha256 else ""


def _deducted(audit: Audit) -> str:
    body = [(f"−{one.points}", one.name, one.why, table_words(_code(one.evidence))) for one in audit.deductions]
    return rows(("", "deduction", "why", "seen in"), body) if body else ""


def rows(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """A table."""
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def table_words(text: str) -> str:
    """Words as they stand in a cell of a table."""
    return _words(text).replace("|", "\\|").replace("\n", " ")


def _words(text: str) -> str:
    """Words in which code stands between ticks: what is not code has no markup."""
    pieces = re.split(r"(``.*?``|`[^`]*`)", text, flags=re.S)
    return "".join(one if i % 2 else _plain(one) for i, one in enumerate(pieces))


def _plain(text: str) -> str:
    return re.sub(r"([\\*_<>\[\]#~|])", r"\\\1", text.replace("\n", " "))


def _code(text: str) -> str:
    from .words import quoted

    return quoted(text) if text else ""


def fence(text: str) -> str:
    """A block of code, whatever the text holds."""
    ticks = "`" * max(3, 1 + max((len(run) for run in re.findall("`{3,}", text)), default=0))
    return f"{ticks}text\n{text}\n{ticks}"


# -- HTML -----------------------------------------------------------------------------------------------------------

STYLE = """:root{color-scheme:light dark;--line:light-dark(#d8d8de,#3a3a42);--dim:light-dark(#5b5b66,#a5a5b0);
--code:light-dark(#f3f3f6,#232329);--star:light-dark(#a86400,#f0b429);--bad:light-dark(#b3261e,#ff8a80)}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:64rem;padding:1rem;overflow-wrap:anywhere}
h1{font-size:1.5rem;margin:1.5rem 0 .25rem}h2{font-size:1.1rem;margin:1.5rem 0 .5rem}
.stars{color:var(--star);letter-spacing:.1em}.dim{color:var(--dim);font-size:.875rem}.bad{color:var(--bad)}
table{border-collapse:collapse;width:100%}
td,th{border-top:1px solid var(--line);padding:.4rem .6rem;text-align:left;vertical-align:top}
th{font-weight:600;white-space:nowrap}tbody th{width:11rem;color:var(--dim);font-weight:400;white-space:normal}
code,pre{background:var(--code);border-radius:.25rem;font:.875em/1.45 ui-monospace,monospace;white-space:pre-wrap}
code{padding:.1em .3em}pre{padding:.75rem}ul{padding-left:1.25rem}
@media(max-width:40rem){table,tbody,tr,td,th{display:block;width:auto!important}thead{display:none}
td{border-top:0;padding-top:0}}"""


def html(audits: Sequence[Audit]) -> str:
    """One page with a card for each."""
    title = escape(audits[0].title) if len(audits) == 1 else f"{len(audits)} chat templates"
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    head = ('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<meta http-equiv="Content-Security-Policy" content="{policy}"><title>{title}: report card</title>'
            f"<style>{STYLE}</style>")
    body = "".join(map(_article, audits))
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n{body}</body></html>\n'


def escape(text: str) -> str:
    return escaped(_CONTROL.sub("\ufffd", text))


def _article(audit: Audit) -> str:
    label = f"{audit.stars} of 5 stars" if audit.stars else "not rated"
    parts = [f"<h1>{escape(audit.title)}</h1>",
             f'<p><span class="stars" role="img" aria-label="{label}">{starred(audit.stars)}</span></p>']
    if audit.error:
        parts.append(f'<p class="bad">It could not be tried: {escape(audit.error)}</p>')
    if audit.deductions:
        rows = "".join(f"<tr><td>−{one.points}</td><td><b>{escape(one.name)}</b><br>{escape(one.why)}</td><td>"
                       f"<code>{escape(one.evidence)}</code></td></tr>" for one in audit.deductions)
        parts.append("<h2>Deductions</h2><table><thead><tr><th>stars</th><th>deduction</th><th>seen in</th></tr></thead>"
                     f"<tbody>{rows}</tbody></table>")
    rows = "".join(f'<tr><th scope="row">{escape(name)}</th><td>{_html_words(value)}</td></tr>'
                   for name, value in audit.facts)
    parts.append(f"<h2>Facts</h2><table><tbody>{rows}</tbody></table>")
    for title, member in LISTS:
        if found := getattr(audit, member):
            parts.append(f"<h2>{title}</h2><ul>{''.join(f'<li>{_html_words(one)}</li>' for one in found)}</ul>")
    if audit.difference:
        parts.append(f"<h2>First difference from {escape(audit.dialect)}</h2><p>{_html_words(audit.difference)}</p>")
    if audit.example:
        parts.append(f"<h2>What the model is shown</h2><pre>{escape(audit.example)}</pre>")
    named = f" ({escape(audit.template)})" if audit.template else ""
    parts.append(f'<p class="dim">{escape(audit.source)}{named}{_hashed(audit)}</p>')
    return f"<article>{''.join(parts)}</article>\n"


def _html_words(text: str) -> str:
    pieces = re.split(r"``(.*?)``|`([^`]*)`", text, flags=re.S)
    out = escape(pieces[0])
    for i in range(1, len(pieces), 3):
        code = pieces[i] if pieces[i] is not None else pieces[i + 1]
        out += f"<code>{escape(code or '')}</code>{escape(pieces[i + 2])}"
    return out
