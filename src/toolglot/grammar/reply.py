"""A dialect, tools and a choice -> the rules of a reply: words, reasoning, and calls around their arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..message import Tool
from ..plan import enders, leading, opening, plan, strong, wordy, written
from ..render import dumps, margins
from ..rules import (
    Alt,
    Caps,
    Free,
    Lit,
    Order,
    Ref,
    Regex,
    Repeat,
    Rule,
    Until,
    Whitespace,
)
from ..spec import (
    CALLS,
    ECHO,
    ID,
    INDEX,
    NAME,
    NUMBER,
    Dialect,
    Either,
    Object,
    Slot,
    Template,
    is_bare,
)
from .arguments import Arguments
from .nodes import EMPTY, alt, seq


class Build:
    def __init__(self, dialect: Dialect, tools: Sequence[Tool], most: int | None, after: bool, space: Whitespace,
                 caps: Caps, order: Order, answer: Rule | None = None) -> None:
        self.d, self.tools, self.most, self.after, self.space = dialect, tools, most, after, space
        self.answer = answer
        self.rules: dict[str, Rule] = {}
        self.arguments = Arguments(dialect.calls, self.markers(), self.rules, space, caps, order)

    # -- the reply

    def reply(self, choice: str, reasoning: str) -> Rule:
        d = self.d
        think: Rule = EMPTY
        if d.reasoning and reasoning != "none":
            opener, rest = leading(d.reasoning)[0]
            before = Lit(opener if reasoning == "first" else "", True)
            if not written(rest).strip():
                return seq(before, self.open_reasoning(choice))
            think = seq(before, self.span("reasoning", rest), Lit(d.join, True))
        body: list[Rule] = []
        if choice != "required":
            body.append(self.content())
        if choice != "none" and self.tools:
            mixed = choice == "auto" and not d.calls.at_start and self.answer is None
            body += [seq(self.mixed(), self.end())] if mixed else []
            if not mixed or not is_bare(d.content):      # else the words before them may be none
                body.append(seq(self.calls(d.calls.around, d.calls.each), self.end()))
        return seq(think, alt(*body))

    def open_reasoning(self, choice: str) -> Rule:
        """Reasoning that nothing closes but what begins next."""
        d, body = self.d, list[Rule]()
        calls: Rule | None = None
        first = opening(d.calls)[0]
        if choice != "none" and self.tools:
            calls = self.calls(d.calls.around, d.calls.each, opened=True) if d.calls.around[0] is CALLS else \
                self.calls(d.calls.around[1:], d.calls.each)
            body.append(seq(Until((f"{d.join}{first}",), None, self.markers()), calls))
        if choice != "required" and not is_bare(d.content):
            words = [self.words(d.content[1:])]
            if calls and self.answer is None:
                lead = self.fill(d.content[1:d.content.index(Slot.TEXT)], {}, None)
                words.append(seq(lead, Until((f"{d.join}{first}",), None, self.markers()), calls))
            body.append(seq(Until((f"{d.join}{d.content[0]}",), None, self.markers()), alt(*words)))
        return alt(*body)

    def content(self) -> Rule:
        """Words alone: no call can open in them."""
        d = self.d
        if self.answer is not None or not is_bare(d.content):
            return self.words(d.content)
        if not any(c.at_start for c in (d.calls, *d.accept)):
            return Repeat(Free(self.markers()), 0, 1)
        return Repeat(seq(Lit(written(d.content)), Free(self.markers(), None, self.weak())), 0, 1)

    def words(self, content: Template) -> Rule:
        """Words with the markers of theirs, or the answer in their place."""
        if self.answer is None:
            return self.fill(content, {}, None)
        at = content.index(Slot.TEXT)
        return seq(self.fill(content[:at], {}, None), self.answer, self.fill(content[at + 1:], {}, None))

    def end(self) -> Rule:
        """What may follow the calls."""
        if not self.after or self.d.calls.at_start or self.answer is not None:
            return EMPTY
        if is_bare(self.d.content):
            return Free(self.markers())
        return Repeat(seq(Lit(self.d.join, True), self.fill(self.d.content, {}, None)), 0, 1)

    def weak(self) -> str:
        """What calls without a marker begin with: content does not."""
        d = self.d
        return "".join(sorted({o.strip()[:1] or "{" * isinstance(r[0], Object) for c in (d.calls, *d.accept)
                               if c.at_start for o, r in leading(opening(c))}))

    def begins(self) -> str:
        """The sign that the written calls begin with, where it is one that values in JSON begin with too."""
        opener, rest = leading(opening(self.d.calls))[0]
        first = opener.strip()[:1] or "{" * isinstance(rest[0], Object)
        return first if first in "{[" else ""

    def markers(self) -> tuple[str, ...]:
        """What would open a block, or end the reply, if it stood in content."""
        d = self.d
        calls = [o.strip() for c in (d.calls, *d.accept)
                 for o, _ in leading(opening(c)) + leading(c.each)]
        blocks = [o.strip() for t in (d.reasoning, d.content) if t for o, _ in leading(t)]
        strays = plan(d, False).stray
        own = [f"\n{m}" if wordy(m) else m for m in (*calls, *blocks, *strays)]   # words mean something in a new line
        return tuple(dict.fromkeys(m for m in (*own, *d.stop, *d.noise) if strong(m)))

    def mixed(self) -> Rule:
        """Words, and then calls. The words end where the first call's opener begins."""
        d = self.d
        around, each = d.calls.around, d.calls.each
        closed = not is_bare(d.content) and strong(written(d.content[d.content.index(Slot.TEXT) + 1:]))
        if closed:
            return seq(self.content(), Lit(d.join + d.calls.gap, True), self.calls(around, each))
        template = opening(d.calls)
        opener = template[0]
        assert isinstance(opener, str) and strong(opener), f"{d.name}: calls in mid-text need an opening marker"
        gap = d.join + d.calls.gap
        words = seq(self.fill(d.content[:d.content.index(Slot.TEXT)], {}, None) if not is_bare(d.content) else EMPTY,
                    Until((gap + opener,), None, self.markers(), self.weak() if is_bare(d.content) else "",
                          (opener,) if is_bare(d.content) else ()))
        rest = template[1:]
        if around[0] is CALLS:
            return seq(words, self.calls(around, each, opened=True))
        return seq(words, self.calls(rest, each))

    def span(self, kind: str, template: Template) -> Rule:
        """TEXT and the literal that closes it, which stands next in the template.

        What else would end such a block cannot stand in it, nor the closer's marker where its white space is another's:
        but before it white space may be left out, which models do.
        """
        closer = written(template[1:2])
        closers = {o.strip() for o, _ in leading(template[1:])}
        others = (e.strip() for e in enders(plan(self.d, False), kind))
        bad = dict.fromkeys((closer.strip(), *(m for m in others if strong(m) and m not in closers)))
        return Until(tuple(dict.fromkeys((closer, closer.lstrip()))), None, tuple(bad))

    # -- calls

    def calls(self, around: Template, each: Template, opened: bool = False) -> Rule:
        """The calls of a reply. `opened`: the opener of the first is written already."""
        d = self.d
        at = around.index(CALLS)
        opener = each[0] if d.calls.around[0] is CALLS and isinstance(each[0], str) else ""
        body = self.any_call(each[1:] if opener else each)
        one = seq(Lit(opener, True), body)
        between = Lit(d.calls.between or d.join, True)
        more = None if self.most is None else self.most - 1
        tail = EMPTY if more == 0 else Repeat(seq(between, one), 0, more)
        return seq(self.fill(around[:at], {}, None), body if opened else one, tail, self.fill(around[at + 1:], {}, None))

    def any_call(self, each: Template) -> Rule:
        if "call" not in self.rules:
            self.rules["call"] = alt(*(self.call(each, t) for t in self.tools))
        return Ref("call")

    def call(self, each: Template, tool: Tool) -> Rule:
        if Slot.NAME not in each and self.d.calls.name not in ("", tool.name):
            return Alt(())
        name = Lit(tool.name)
        return self.fill(each, {NAME: name, ECHO: name, ID: Regex("[A-Za-z0-9]{9}"), INDEX: Regex("[0-9]{1,3}"),
                                NUMBER: Regex("[1-9][0-9]{0,2}")}, tool)

    def fill(self, template: Template, slots: Mapping[Slot, Rule], tool: Tool | None) -> Rule:
        out: list[Rule] = []
        skip = False
        for i, node in enumerate(template):
            if skip:
                skip = False
                continue
            match node:
                case str():
                    out.append(Lit(node, True))
                case Either(options):
                    out.append(Lit(options[0], True))
                case Slot.TEXT:
                    end = template[i + 1] if i + 1 < len(template) else None
                    skip = isinstance(end, str)
                    out.append(self.span("content", template[i:]) if skip else Free(self.markers()))
                case Slot():
                    out.append(slots[node])
                case Object():
                    assert tool
                    out.append(self.object(node, slots, tool))
                case _:
                    assert tool
                    out.append(self.arguments.of(node, tool, template[i + 1:]))
        return seq(*out)

    def object(self, obj: Object, slots: Mapping[Slot, Rule], tool: Tool) -> Rule:
        comma, colon = obj.separators
        inside, end = margins(obj)
        gap = self.space.gap
        out: list[Rule] = []
        for i, (key, node) in enumerate(obj.fields):
            if self.space.most:
                out += [Lit("{" if i == 0 else ","), gap, Lit(dumps(key)), gap, Lit(":"), gap]
            else:
                out.append(Lit(("{" if i == 0 else comma.rstrip() if inside else comma) + inside + dumps(key) + colon))
            if node is NAME:
                out.append(Lit(dumps(tool.name)))
            elif isinstance(node, Slot):
                out += [Lit('"'), slots[node], Lit('"')]
            else:
                out.append(self.arguments.of(node, tool, ()))
            out.append(gap)
        return seq(*out, Lit(("" if self.space.most else end) + "}"))
