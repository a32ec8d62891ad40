"""Rules of a context-free language -> rules of the same language that every engine takes.

The one rule: each rule that comes in keeps its language. llama.cpp refuses left recursion and repeats of what may be
empty, so both are written as repeats of what may not. `Alt(())` is what nothing matches, `Seq(())` is the empty text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ..message import ToolglotError
from ..rules import Alt, Lit, Ref, Regex, Repeat, Rule, Seq
from . import regexes

NOTHING, EMPTY = Alt(()), Seq(())
_BESIDE = 100  # things that may be empty one after another, where one of them must not be
_WORK = 200_000  # such things written again, in all
_CIRCLE = 50  # rules that begin with one another
_WAYS = 200  # ways to begin a rule that is left-recursive by way of others
_Heads = list[tuple["str | None", Rule]]
_Gate = Callable[[Rule], "tuple[int, tuple[Rule, ...]]"]


def ends(rule: Rule) -> tuple[int, tuple[Rule, ...]]:
    """How many of which parts must have a text for the rule to have one."""
    match rule:
        case Seq(items):
            return len(items), items
        case Alt(options):
            return 1, options
        case Repeat(item, least):
            return (1, (item,)) if least else (0, ())
    return 0, ()


def may_be_empty(rule: Rule) -> tuple[int, tuple[Rule, ...]]:
    """How many of which parts must be able to be empty for the rule to be."""
    match rule:
        case Lit(text):
            return (1, ()) if text else (0, ())
        case Regex():
            return 1, ()
    return ends(rule)


def may_say(rule: Rule) -> tuple[int, tuple[Rule, ...]]:
    """How many of which parts must have a text other than the empty one for the rule to."""
    match rule:
        case Seq(items):
            return 1, items
        case Repeat(item):
            return 1, (item,)
        case Lit(text):
            return (0, ()) if text else (1, ())
    return ends(rule)


@dataclass
class _Node:
    """A rule, or a part of one, that holds when so many of its parts do."""

    missing: int
    above: _Node | str


def holds(rules: Mapping[str, Rule], gate: _Gate) -> set[str]:
    """The rules for which the gate opens, in time linear in their size."""
    waiting: dict[str, list[_Node]] = {name: [] for name in rules}
    found, news = set[str](), list[_Node]()

    def watch(rule: Rule, above: _Node) -> None:
        if isinstance(rule, Ref):
            waiting[rule.name].append(above)
            return
        missing, parts = gate(rule)
        node = _Node(missing, above)
        for part in parts if missing else ():
            watch(part, node)
        if not missing:
            news.append(node)

    def report(above: _Node | str) -> None:
        for node in waiting[above] if isinstance(above, str) else (above,):
            node.missing -= 1
            if node.missing == 0:
                news.append(node)
        if isinstance(above, str):
            found.add(above)

    for name, rule in rules.items():
        watch(rule, _Node(1, name))
    while news:
        report(news.pop().above)
    return found


@dataclass
class Shape:
    """The rules, as they are rewritten; `terminals` are those of them that are one token."""

    rules: dict[str, Rule]
    terminals: set[str]
    empty: set[str] = field(init=False)
    says: set[str] = field(init=False)
    queue: list[tuple[str, str]] = field(default_factory=list)
    judged: dict[int, tuple[Rule, bool]] = field(default_factory=dict)  # with the rule, so that its id stays its own
    work: int = 0

    def __post_init__(self) -> None:
        self.empty, self.says = holds(self.rules, may_be_empty), holds(self.rules, may_say)

    def rewrite(self) -> None:
        for name in list(self.rules):
            self.rules[name] = self.plain(self.rules[name])
        self.fill()
        for group in self.circles():
            self.unroll(group)
        self.fill()
        if left := self.circles():
            raise ToolglotError(f"the rule `{left[0][0]}` begins with itself after what may be empty; write it as a repeat")

    def is_empty(self, rule: Rule) -> bool:
        """It may be empty."""
        if isinstance(rule, Ref):
            return rule.name in self.empty
        if id(rule) not in self.judged:
            missing, parts = may_be_empty(rule)
            self.judged[id(rule)] = rule, not missing or sum(map(self.is_empty, parts)) >= missing
        return self.judged[id(rule)][1]

    # -- repeats

    def plain(self, rule: Rule) -> Rule:
        """The same without repeats of what may be empty."""
        match rule:
            case Seq(items):
                return chain([self.plain(item) for item in items])
            case Alt(options):
                return one_of(self.plain(option) for option in options)
            case Repeat(item, least, most):
                item = self.plain(item)
                if most != 1 and self.is_empty(item):
                    return repeat(self.some(item), 0, most)
                return repeat(item, least, most)
        return rule

    def some(self, rule: Rule) -> Rule:
        """The same without the empty text; the first part that says something is one thing, what follows it another."""
        if not self.is_empty(rule):
            return rule
        match rule:
            case Ref(name):
                return Ref(self.some_of(name)) if name in self.says else NOTHING
            case Alt(options):
                return one_of(map(self.some, options))
            case Repeat(item, _, most):
                return repeat(self.some(item), 1, most)
            case Seq(items):
                self.work += len(items) ** 2
                if len(items) > _BESIDE or self.work > _WORK:
                    raise ToolglotError(f"more than {_BESIDE} things that may be empty stand in a row; make them fewer")
                return one_of(chain([self.some(item), *items[at + 1 :]]) for at, item in enumerate(items))
        return NOTHING

    def some_of(self, name: str) -> str:
        """The name of the rule that is this one without the empty text; it is filled later, for rules may be in a ring."""
        wanted = f"{name} some"
        if wanted not in self.rules:
            self.rules[wanted] = NOTHING
            self.queue.append((name, wanted))
            if name in self.terminals:
                self.terminals.add(wanted)
        return wanted

    def fill(self) -> None:
        while self.queue:
            name, wanted = self.queue.pop()
            self.rules[wanted] = self.some(self.rules[name])

    # -- left recursion

    def corners(self, rule: Rule) -> set[str]:
        """The rules that it may begin with."""
        match rule:
            case Ref(name):
                return {name} - self.terminals
            case Alt(options):
                return set().union(*map(self.corners, options))
            case Repeat(item):
                return self.corners(item)
            case Seq(items):
                found: set[str] = set()
                for item in items:
                    found |= self.corners(item)
                    if not self.is_empty(item):
                        break
                return found
        return set()

    def circles(self) -> list[list[str]]:
        """The rules that begin with themselves, each with those that it does so by way of."""
        steps = {name: self.corners(rule) for name, rule in self.rules.items()}
        back: dict[str, list[str]] = {name: [] for name in steps}
        for name, reached in steps.items():
            for one in reached:
                back[one].append(name)
        seen: set[str] = set()
        order = [name for begin in steps for name in _after(begin, lambda name: iter(sorted(steps[name])), seen)]
        seen, places = set(), {name: at for at, name in enumerate(self.rules)}
        groups = [list(_after(name, lambda name: iter(back[name]), seen)) for name in reversed(order)]
        found = [sorted(group, key=places.__getitem__) for group in groups]
        return [group for group in found if len(group) > 1 or (group and group[0] in steps[group[0]])]

    def unroll(self, group: list[str]) -> None:
        """Each rule of a circle in turn: those before it are put in where it begins with them, and where it begins with
        itself, `a: a x | y`, it becomes `a: y x*`."""
        known: dict[str, _Heads] = {}
        for name in group[: _CIRCLE + 1]:
            heads = self.heads(self.rules[name], set(group))
            for before, ways in known.items():
                heads = [one for way in heads for one in (_through(way, ways) if way[0] == before else [way])]
                if len(heads) > _WAYS or len(group) > _CIRCLE:
                    raise ToolglotError(f"too many rules lead `{name}` to begin with itself; write it as a repeat")
            again = [rest for head, rest in heads if head == name and rest != EMPTY]
            heads = [(head, rest) for head, rest in heads if head != name and rest != NOTHING]
            tail = self.tail(name, again, len(group) > 1)
            known[name] = [(head, chain([rest, tail])) for head, rest in heads]
            begin = one_of(chain([Ref(head), rest]) if head else rest for head, rest in heads)
            self.rules[name] = chain([begin, tail])

    def tail(self, name: str, again: list[Rule], shared: bool) -> Rule:
        """What may follow any number of times; a rule of its own where others will have it too."""
        rule = self.plain(Repeat(one_of(again), 0, None)) if again else EMPTY
        if not shared or not again:
            return rule
        own = f"{name} rest"
        self.rules[own] = rule
        self.empty.add(own)
        self.says.add(own)
        return Ref(own)

    def heads(self, rule: Rule, group: set[str]) -> _Heads:
        """The ways to begin: with a rule of the circle and then the rest, or with none of them."""
        if not self.corners(rule) & group:
            return [(None, rule)]
        match rule:
            case Ref(name):
                return [(name, EMPTY)]
            case Alt(options):
                return [way for option in options for way in self.heads(option, group)]
            case Repeat(item, least, most):
                rest = repeat(item, max(least - 1, 0), None if most is None else most - 1)
                found = [(head, chain([way, rest])) for head, way in self.heads(item, group)]
                return found if least else [*found, (None, EMPTY)]
            case Seq(items):
                return list(self.heads_of(items, group))
        return [(None, rule)]

    def heads_of(self, items: tuple[Rule, ...], group: set[str]) -> Iterator[tuple[str | None, Rule]]:
        for at, item in enumerate(items[:_BESIDE]):
            rest = Seq(items[at + 1 :])
            whole = isinstance(item, Ref) and item.name in group
            for head, way in self.heads(item if whole else self.some(item), group):
                yield head, chain([way, rest])
            if whole or not self.is_empty(item):
                return
        yield None, Seq(items[_BESIDE:])


def _through(way: tuple[str | None, Rule], ways: _Heads) -> _Heads:
    return [(head, chain([begin, way[1]])) for head, begin in ways]


def _after(begin: str, steps: Callable[[str], Iterator[str]], seen: set[str]) -> Iterator[str]:
    """What is reached from here and not seen yet, each after all that is reached from it."""
    if begin in seen:
        return
    seen.add(begin)
    stack = [(begin, steps(begin))]
    while stack:
        further = next((one for one in stack[-1][1] if one not in seen), None)
        if further is None:
            yield stack.pop()[0]
        else:
            seen.add(further)
            stack.append((further, steps(further)))


def chain(items: Iterable[Rule]) -> Rule:
    made = regexes.sequence(items)
    return NOTHING if isinstance(made, Seq) and NOTHING in made.items else made


def one_of(options: Iterable[Rule]) -> Rule:
    flat = tuple(one for option in options for one in (option.options if isinstance(option, Alt) else (option,)))
    return flat[0] if len(flat) == 1 else Alt(flat)


def repeat(item: Rule, least: int, most: int | None) -> Rule:
    if most == 0 or item == EMPTY or (item == NOTHING and not least):
        return EMPTY
    return NOTHING if item == NOTHING else regexes.repeat(item, least, most)
