"""A dialect as its parser looks at it: what means something where, computed once.

The one rule: an opener is the whole leading literal; those that begin one another are tried in turn, the longest first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple, Union

from .cursor import WORD, Marks, atoms
from .spec import (
    CALLS,
    CDATA,
    ECHO,
    ID,
    INDEX,
    IS_STR,
    KEY,
    NAME,
    NUMBER,
    TEXT,
    TYPE,
    VALUE,
    Calls,
    Delimited,
    Dialect,
    Either,
    Object,
    Tagged,
    Template,
    When,
    is_bare,
    map_literals,
    remember,
)

SPECIAL = "\udc9f"         # put before a special literal: a lone surrogate, which no tokenizer decodes to
_SIGNS = f"\n\t <>()[]{{}}\"'=,;|\uff5c{SPECIAL}"
NOT_IN_WORD = {NAME: _SIGNS + ":", **dict.fromkeys((ECHO, ID, INDEX, NUMBER), _SIGNS),
               **dict.fromkeys((KEY, IS_STR, TYPE), f"\n<>\"{SPECIAL}")}
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
    """The literals of a template as they are written, joined: what stands after a slot, say."""
    return "".join([n if isinstance(n, str) else n.options[0] for n in template if isinstance(n, (str, Either))])


def strong(literal: str) -> bool:
    """Is this literal a marker, that nobody writes by chance? A word, or a sign three times over, is."""
    return any(c.isalnum() for c in literal) or any(c * 3 in literal for c in literal.strip())


_WORDY = re.compile(r"[A-Za-z][\w ]*[:.]?")


def wordy(literal: str) -> bool:
    """Is this marker made of words? `Action:` means something where a line begins, and nothing inside one."""
    return _WORDY.fullmatch(literal.strip()) is not None


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
    meaning: tuple[tuple[str, tuple[Block, ...]], ...]   # of each of `top`: stop, join, stray, noise, block, or weak
    starts: tuple[Block, ...]                       # calls that can only begin a reply
    join: str                                       # white space between two parts
    lead: str                                       # white space before content
    ends: tuple[str, ...]                           # openers of calls and stops: what may follow a whole call
    stray: tuple[str, ...]                          # what in content closes nothing


def literals(template: Template) -> list[str]:
    out: list[str] = []
    for node in template:
        match node:
            case str():
                out.append(node)
            case Either(options):
                out += options
            case Tagged(each, cdata=cdata):
                out += (*literals(each), *(CDATA if cdata else ()))
            case Delimited(quote):
                out.append(quote)
    return out


def closed_by(each: Template, key: str) -> Template:
    """The template of one argument, with its key in place where that is in the closer too: `</city>`."""
    at = each.index(VALUE) + 1
    if KEY not in each[at:]:
        return each
    return (*each[:at], "".join([key if n is KEY else str(n) for n in each[at:]]))


def markers(literal: str) -> list[str]:
    """The single markers in a literal: `</function>` and `</tool_call>` in `</function>\\n</tool_call>`."""
    pieces = re.findall(r"\[[A-Z][A-Z ]*\]|\S+", literal.replace("><", "> <").replace("][", "] ["))
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
    sections: set[tuple[Template, bool]] = set()
    for calls in (dialect.calls, *dialect.accept):
        inner = [Block("call", o, r, calls) for o, r in leading(calls.each)]
        if calls.around[0] is not CALLS:
            outer = [Block("section", o, r, calls) for o, r in leading(calls.around)]
            inner = [b for b in inner if strong(b.opener)]
            if (calls.around, calls.at_start) not in sections:       # spellings that share a section are read in one
                inner += outer
            sections.add((calls.around, calls.at_start))
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
    meaning: dict[str, tuple[str, tuple[Block, ...]]] = {}
    for block in starts:                    # in mid-text too, if a function is known by that name
        if begins := block.opener.strip() or "{" * isinstance(block.rest[0], Object):
            meaning[begins] = ("weak", (*meaning.get(begins, ("", ()))[1], block))
    meaning |= dict.fromkeys(stray, ("stray", ()))
    meaning |= {o: ("block", tuple(bs)) for o, bs in found.items()}
    if strong(dialect.join):
        meaning[dialect.join.strip()] = ("join", ())
    meaning |= dict.fromkeys(dialect.noise, ("noise", ()))
    meaning |= dict.fromkeys(dialect.stop, ("stop", ()))
    order = marks(*meaning)
    by_atoms = {tuple(atoms(m)): what for m, what in meaning.items()}
    ends = tuple({*dialect.stop, *(b.opener for b in blocks), *([dialect.join] if strong(dialect.join) else [])})
    return Plan(dialect, order, tuple(by_atoms[tuple(s)] for s in order.sequences), tuple(starts),
                "" if dialect.join.strip() else dialect.join,
                written(dialect.content) if is_bare(dialect.content) else "", ends, tuple(sorted(stray)))


def tag(literal: str, special: frozenset[str]) -> str:
    for s in special:
        literal = literal.replace(s, SPECIAL + s)
    return literal


def without_mark(each: Template, at: int) -> str:
    """What follows a slot where the mark of the value's type behind it is left out, as models do: `name="x">`."""
    if at + 3 < len(each) and each[at + 2] in (IS_STR, TYPE):
        after = each[at + 3]
        if isinstance(after, str) and not after[-1].isspace() and after[-1] != str(each[at + 1])[-1]:
            return after
    return ""


class ValueEnds(NamedTuple):
    """What may end a VALUE: while more text may come, and at the end of the text.

    The closer, if an argument, the call's closer or the end follows; where the closer is missing, the next argument's
    whole opener, or the call's closer where the call may end. `argument` finds the key in an end that is an opener.
    """

    more: Marks
    last: Marks
    argument: re.Pattern[str] | None
    closer: Marks                   # the closer alone
    follows: Marks                  # what may follow it
    over: Marks                     # the call's closer where the call is over: another block behind it, or nothing


@lru_cache(maxsize=256)
def value_ends(each: Template, closings: tuple[str, ...], ends: tuple[str, ...]) -> ValueEnds:
    at = each.index(VALUE)
    closer = written(each[at + 1:])
    lead = closer[: len(closer) - len(closer.lstrip())]
    opener, _ = leading(each)[0]
    space, any_key = rf"\s{{0,{64}}}", rf"[^\n<>\"]{{1,{WORD}}}"
    if closer.strip().startswith(opener.strip()):           # `</` is no argument
        any_key = "(?!/)" + any_key
    leads = [list(map(_escaped, lead)), []] if lead else [[]]
    closers = [[*x, *atoms(closer)] for x in leads]
    over = [atoms(s) for s in closings]
    follow = [atoms(s) for s in ends if s.strip()]
    others = [*over, *follow]
    next: list[list[str]] = [atoms(opener)] if opener.strip() else []
    argument = None
    if KEY in each[:at] and strong(opener) and isinstance(after := each[each.index(KEY) + 1], str):
        behind = [atoms(a) for a in (after, without_mark(each, each.index(KEY))) if a]
        next = [[*atoms(opener), any_key, *b] for b in behind]
        argument = re.compile(f"{''.join(atoms(opener))}({any_key})(?:{'|'.join(map(''.join, behind))})", re.S)
    whole = [[*c, space, *f] for c in closers for f in (*others, *next)]
    bare = next if argument else []
    bare = bare + [[*o, space, *f] for o in over for f in follow]
    bare = [[*x, *b] for b in bare for x in leads]
    last = [[*c, space, r"\Z"] for c in closers] + [[*x, *o, space, r"\Z"] for x in leads for o in over]
    return ValueEnds(Marks(whole + bare), Marks(whole + bare + last), argument, Marks(closers),
                     Marks([*others, *([atoms(opener)] if opener.strip() else [])]),
                     Marks([[*o, space, *end] for o in over for end in (*follow, [r"\Z"])]))


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


class SpanEnd(NamedTuple):
    """What ends reasoning, or content that has markers of its own. Without a closer, whatever begins next does."""

    table: Marks
    closers: tuple[str, ...]        # its spellings
    lead: str                       # white space written before the closer, or before what begins next
    trail: str                      # and after it


@remember
def enders(plan: Plan, kind: str) -> tuple[str, ...]:
    """What else than its closer ends a block of this kind."""
    d = plan.dialect
    others = [e for e in (*d.stop, d.join) if strong(e)]
    begins = [b.opener for _, bs in plan.meaning for b in bs if b.kind != kind] if d.call_ends_reasoning else []
    return (*others, *begins)


def span_end(plan: Plan, kind: str, template: Template) -> SpanEnd:
    d, after = plan.dialect, template[template.index(TEXT) + 1:]
    closing, closer = written(after), written(after).strip()
    edge = closing if closer else d.join
    lead, trail = edge[: len(edge) - len(edge.lstrip())], closing[len(closing.rstrip()):]
    if closer:
        closers = tuple(dict.fromkeys(o.strip() for o, _ in leading(after)))
        return SpanEnd(marks_with_lead(lead, *closers, *enders(plan, kind)), closers, lead, trail)
    others = [e for e in (*d.stop, d.join) if strong(e)]
    next = [b.opener.strip() for _, bs in plan.meaning for b in bs if strong(b.opener)]
    led = [[*map(_escaped, lead), *atoms(n)] for n in next] if lead else []
    return SpanEnd(Marks([*led, *(atoms(t) for t in dict.fromkeys((*next, *others)))]), (), lead, "")


def closing_of(calls: Calls) -> str:
    """The literal that ends one call."""
    return written(calls.each[-1:]).strip()


def ends_of(plan: Plan, calls: Calls) -> tuple[str, ...]:
    """What may follow a whole call."""
    last = calls.around[-1]
    return (*plan.ends, last) if isinstance(last, str) and strong(last) else plan.ends


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
    if starts and isinstance(starts[0], str) and not starts[0].strip():      # the reply's own marker stands in the prompt
        opener = next((s.strip() for s in starts[1:] if isinstance(s, str) and strong(s)), "")
        return text[text.rfind(opener):] if opener and opener in text else ""
    before: list[Any] = [starts[0]] if starts else [turns.user[-1], turns.result[-1]]   # no header: how the others end
    if turns.header_once:                                 # after results a reply goes on without one
        before.append(turns.result[-1])
    found = [(text.rfind(b.strip()) + len(b.strip())) for b in before if isinstance(b, str) and b.strip() in text]
    return text[max(found, default=0):]
