"""A dialect as its parser looks at it: what means something where, computed once.

The one rule: an opener is the whole leading literal; those that begin one another are tried in turn, the longest first.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple, Union

from .cursor import WORD, Marks, atoms
from .spec import (
    CALLS,
    ID,
    INDEX,
    IS_STR,
    KEY,
    NAME,
    VALUE,
    Calls,
    Dialect,
    Either,
    Tagged,
    Template,
    When,
    is_bare,
    map_literals,
    remember,
)

NOT_IN_WORD = {NAME: "\n\t <>()[]{}\"'=,;:|\uff5c", ID: "\n\t <>()[]{}\"'=,;|\uff5c", INDEX: "", KEY: "\n<>\"",
               IS_STR: ""}
SPECIAL = "\udc9f"         # put before a special literal: a lone surrogate, which no tokenizer decodes to
Pieces = Union[str, tuple[str, bool], Iterable[tuple[str, bool]]]


def leading(template: Template) -> list[tuple[str, Template]]:
    """The spellings of the literal that a template begins with, each with the rest of the template."""
    at = next((i for i, t in enumerate(template) if not isinstance(t, (str, Either))), len(template))
    choices = [t.options if isinstance(t, Either) else (t,) for t in template[:at] if isinstance(t, (str, Either))]
    return [("".join(c), template[at:]) for c in product(*choices)]


def opening(calls: Calls) -> Template:
    """The template that calls begin with: around all of them, or each one's own."""
    return calls.each if calls.around[0] is CALLS else calls.around


def written(template: Template) -> str:
    """The literals of a template, joined: what stands after a slot, say."""
    return "".join([n for n in template if isinstance(n, str)])


def strong(literal: str) -> bool:
    """Is this literal a marker, that nobody writes by chance?"""
    return any(c.isalnum() for c in literal)


class Block(NamedTuple):
    """Something that a marker opens: `rest` is what of the template follows the opener."""

    kind: str                       # "section", "call", "reasoning", "content"
    opener: str
    rest: Template
    calls: Calls | None = None


class Plan(NamedTuple):
    """A dialect as the parser looks at it: computed once."""

    dialect: Dialect
    top: Marks                                      # what means something in content
    meaning: tuple[tuple[str, tuple[Block, ...]], ...]   # of each of `top`: stop, join, stray, or block
    starts: tuple[Block, ...]                       # calls that can only begin a reply
    join: str                                       # white space between two parts
    lead: str                                       # white space before content
    ends: tuple[str, ...]                           # openers of calls and stops: what may follow a whole call


def literals(template: Template) -> list[str]:
    out: list[str] = []
    for node in template:
        match node:
            case str():
                out.append(node)
            case Either(options):
                out += options
            case Tagged(each):
                out += literals(each)
    return out


def markers(literal: str) -> list[str]:
    """The single markers in a literal: `</function>` and `</tool_call>` in `</function>\\n</tool_call>`."""
    pieces = literal.replace("><", "> <").replace("][", "] [").split()
    return [p for p in pieces if len(p) > 3 and p.lstrip(SPECIAL)[0] in "<[" and strong(p)]


@lru_cache(maxsize=512)
def marks(*texts: str) -> Marks:
    return Marks([atoms(t) for t in texts])


@remember
def plan(dialect: Dialect, special: bool) -> Plan:
    if special:
        dialect = map_literals(dialect, lambda s: tag(s, dialect.special))
    blocks: list[Block] = []
    starts: list[Block] = []
    for calls in (dialect.calls, *dialect.accept):
        inner = [Block("call", o, r, calls) for o, r in leading(calls.each)]
        if calls.around[0] is not CALLS:
            outer = [Block("section", o, r, calls) for o, r in leading(calls.around)]
            inner = [b for b in inner if strong(b.opener)] + outer
        (starts if calls.at_start else blocks).extend(inner)
    for kind, template in (("reasoning", dialect.reasoning), ("content", dialect.content)):
        if template and not is_bare(template):
            blocks += [Block(kind, o, r) for o, r in leading(template)]
    found: dict[str, list[Block]] = {}
    for block in blocks:
        found.setdefault(block.opener.strip(), []).append(block)
    for opener in found:                    # an opener that another begins with is tried there too
        found[opener] += [b for o, bs in found.items() if o != opener and marks(o).whole.match(opener) for b in bs]
    opens = {m for o in found for m in markers(o)}
    everything = [dialect.reasoning or (), dialect.content, *(t for c in (dialect.calls, *dialect.accept)
                                                              for t in (c.each, c.around))]
    stray = {m for t in everything for s in literals(t[1:]) for m in markers(s)
             if m.startswith(("</", "[/")) or m.strip(SPECIAL) in ("<|end|>",)} - opens
    stray |= {m for t in everything for s in literals(t[-1:]) for m in markers(s)} - opens
    meaning: dict[str, tuple[str, tuple[Block, ...]]] = dict.fromkeys(stray, ("stray", ()))
    meaning |= {o: ("block", tuple(bs)) for o, bs in found.items()}
    if strong(dialect.join):
        meaning[dialect.join.strip()] = ("join", ())
    meaning |= dict.fromkeys(dialect.stop, ("stop", ()))
    order = marks(*meaning)
    by_atoms = {tuple(atoms(m)): what for m, what in meaning.items()}
    ends = tuple({*dialect.stop, *(b.opener for b in blocks), *([dialect.join] if strong(dialect.join) else [])})
    return Plan(dialect, order, tuple(by_atoms[tuple(s)] for s in order.sequences), tuple(starts),
                "" if dialect.join.strip() else dialect.join,
                written(dialect.content) if is_bare(dialect.content) else "", ends)


def tag(literal: str, special: frozenset[str]) -> str:
    for s in special:
        literal = literal.replace(s, SPECIAL + s)
    return literal


@lru_cache(maxsize=256)
def value_ends(each: Template, closing: str, ends: tuple[str, ...]) -> tuple[Marks, Marks]:
    """What ends a VALUE, while more text may come and at the end of the text.

    The closer, if an argument, the call's closer or the end follows; where the closer is missing, the next
    argument's whole opener, or the call's closer where the call may end.
    """
    at = each.index(VALUE)
    closer = written(each[at + 1:])
    lead = closer[: len(closer) - len(closer.lstrip())]
    opener, _ = leading(each)[0]
    space, any_key = rf"\s{{0,{64}}}", rf"[^\n<>\"]{{1,{WORD}}}"
    follows = [atoms(s) for s in {opener, closing, *ends} if s.strip()]
    closers = [[*map(_escaped, lead), *atoms(closer)]] * bool(lead) + [atoms(closer)]
    whole = [[*c, space, *f] for c in closers for f in follows]
    bare: list[list[str]] = []
    if KEY in each[:at]:
        after = each[each.index(KEY) + 1]
        bare = [[*atoms(opener), any_key, *atoms(after)]] if isinstance(after, str) else []
    bare += [[*atoms(closing), space, *atoms(e)] for e in ends if e.strip()]
    leads = [list(map(_escaped, lead))] if lead else []
    bare = [[*x, *b] for b in bare for x in (*leads, [])]
    last = [[*c, space, r"\Z"] for c in closers] + [[*x, *atoms(closing), space, r"\Z"] for x in (*leads, [])]
    return Marks(whole + bare), Marks(whole + bare + last)


def _escaped(c: str) -> str:
    return {"\n": r"\n", " ": r"\ "}.get(c, c)


@lru_cache(maxsize=256)
def after_word(follows: tuple[str, ...]) -> Marks:
    """Literals that end a word. A space that they begin with parts the word from a letter."""
    return Marks([[r"\s{1,8}"] * (f[0].isspace() and f.strip()[0].isalnum()) + atoms(f) for f in follows])


@lru_cache(maxsize=256)
def marks_with_lead(lead: str, *texts: str) -> Marks:
    first = [[*map(_escaped, lead), *atoms(texts[0])]] if lead else []
    return Marks([*first, *(atoms(t) for t in texts)])


def closing_of(calls: Calls) -> str:
    """The literal that ends one call."""
    last = calls.each[-1]
    return last.strip() if isinstance(last, str) else ""


def as_pieces(given: tuple[str, bool] | Iterable[tuple[str, bool]]) -> list[tuple[str, bool]]:
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], str):
        return [given]
    return list(given)


def prompt_tail(dialect: Dialect, prompt: Pieces | None) -> str:
    """What of a prompt belongs to the reply: the text from where the reply begins.

    In plain text that is behind the last header of a reply, even one that words inside the reply spell out.
    """
    turns = dialect.turns
    starts: list[str | When] = [n for n in turns.reply_starts if isinstance(n, (str, When))] if turns else []
    if prompt is None:
        return "".join([n.otherwise if isinstance(n, When) else n for n in starts[1:]])
    text = prompt if isinstance(prompt, str) else "".join([p[0] for p in as_pieces(prompt)])
    if turns is None:
        return text
    before: list[Any] = [starts[0]] if starts else [turns.user[-1], turns.result[-1]]   # no header: how the others end
    if turns.header_once:                                 # after results a reply goes on without one
        before.append(turns.result[-1])
    found = [(text.rfind(b.strip()) + len(b.strip())) for b in before if isinstance(b, str) and b.strip() in text]
    return text[max(found, default=0):]
