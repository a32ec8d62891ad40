"""Items in any order, for notations whose rules have no parameters: a rule for each set of those that stood already.

The one rule: it is exact, so it doubles with every item, and says so where that is too much.
"""

from __future__ import annotations

from ..message import ToolglotError
from ..rules import Alt, AnyOrder, Ref, Repeat, Rule, Seq

_MOST = 8


def unrolled(rule: AnyOrder, name: str) -> dict[str, Rule]:
    """Named rules, the first of which is `name`. Raises ToolglotError for more than eight items."""
    items, count = rule.items, len(rule.items)
    if count > _MOST:
        raise ToolglotError(f"{count} arguments in any order would take {2**count:,} rules in this notation, and at most "
                            f'{_MOST} may; take order="declared", or an engine that takes llguidance\'s Lark')
    need = sum(1 << i for i in range(count) if items[i][0])
    rules: dict[str, Rule] = {name: Alt(())}
    for i, (_, item) in enumerate(items):
        rules[f"{name}-item-{i}"] = item
    for stood in range(1 << count):
        after = [Seq((rule.between, _and_on(name, stood, i))) for i in range(count) if not stood >> i & 1]
        if rule.more is not None:
            after.append(Seq((rule.between, rule.more, Ref(f"{name}-{stood}"))))
        rest: Rule = after[0] if len(after) == 1 else Alt(tuple(after)) if after else Seq(())
        rules[f"{name}-{stood}"] = Repeat(rest, 0, 1) if after and stood & need == need else rest
    first: list[Rule] = [_and_on(name, 0, i) for i in range(count)]
    if rule.more is not None:
        first.append(Seq((rule.more, Ref(f"{name}-0"))))
    whole = Alt(tuple(first)) if first else Seq(())
    rules[name] = whole if need or not first else Repeat(whole, 0, 1)
    return rules


def _and_on(name: str, stood: int, i: int) -> Rule:
    return Seq((Ref(f"{name}-item-{i}"), Ref(f"{name}-{stood | 1 << i}")))
