"""Free text that watches for strings, as an automaton: for notations with neither look-ahead nor laziness.

The one rule: it is exact. Until ends where the first of its ends is complete, and what comes before that end holds
none of `without`, even where such a string runs into the end or is a part of it. One that begins with a line break
counts at the beginning of the text too, without it; there, `first` cannot stand, nor white space, and `bare` are ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from ..values.patterns import ANY, Ranges, one_class
from ..values.patterns import without as others_than

State = tuple[str, int]
FIRST: State = ("", -1)
_DONE = -2
DEAD: State = ("", -3)
_BEGIN = "\U0010FFFF"  # no character: it stands for the beginning of the text
BEGIN: State = (_BEGIN, -1)
_SPACE = "".join(char for char in map(chr, range(0x3001)) if char.isspace())


def states_of(
    ends: tuple[str, ...], without: tuple[str, ...], first: str = "", bare: tuple[str, ...] = ()
) -> dict[State, dict[str, State]]:
    """For each state, the characters that do not lead to the first one, and where they lead. A text begins in BEGIN,
    where that is one of them, else in FIRST.

    A state is what the text may have begun, and -1; or, once one of `without` is complete, how many characters ago
    that was: it must then be a part of an end that had begun before, and what does not go on with such an end is dead.
    """
    without += tuple(_BEGIN + word[1:] for word in without if word[0] == "\n" and len(word) > 1)
    ends += tuple(_BEGIN + end for end in bare)
    walk = _steps((*ends, *without, *([_BEGIN] if first else [])))
    begun = {end[:length] for end in ends for length in range(1, len(end))}
    alphabet = sorted(set("".join(ends)) - {_BEGIN})
    found: dict[State, dict[str, State]] = {}
    todo = [FIRST]
    while todo:
        state = todo.pop()
        if state in found or state == DEAD or is_done(state):
            continue
        text, since = state
        if since >= 0:
            found[state] = {char: _going_on(text + char, since + 1, ends, begun) for char in alphabet}
        else:
            found[state] = dict.fromkeys(f"{first}{_SPACE}" if first and state == BEGIN else "", DEAD)
            for char, reached in walk[text].items():
                if char == _BEGIN:
                    todo.append(BEGIN)
                elif char in found[state]:
                    continue
                elif reached.endswith(ends):
                    found[state][char] = _done([end for end in ends if reached.endswith(end)])
                else:
                    spoilt = reached.endswith(without)
                    found[state][char] = _going_on(reached, 0, (), begun) if spoilt else (reached, -1)
        todo.extend(found[state].values())
    broken = [state for state in found if state[1] >= 0]
    for state in sorted(broken, key=lambda state: -state[1]):  # each leads to later ones only
        if not any(reached in found or is_done(reached) for reached in found[state].values()):
            del found[state]
    return found


def is_done(state: State) -> bool:
    """Whether an end is complete. The state's text is each that is, and a NUL; a bare one begins with BEGIN's."""
    return state[1] == _DONE


def _done(ends: Iterable[str]) -> State:
    return "".join(f"{end}\0" for end in sorted(ends)), _DONE


@dataclass(frozen=True)
class Text:
    """Free text as regular expressions over stretches of it, from one of a few states to the next.

    `plain` leads from state 0, the first, back to it, `steps[i, j]` from state i to state j, `ends[i, done]` to the end
    of the text, with the end; `done` is the state of what is complete then. Where the text may stop in the middle of
    what it watches for, `stops[i]` is that beginning. It may stop in every state too. It begins in state `begin`. No
    stretch to another state begins one of the same state: where it is complete, it is over.
    """

    plain: str
    begin: int
    steps: Mapping[tuple[int, int], str]
    ends: Mapping[tuple[int, State], str]
    stops: Mapping[int, str]


@lru_cache(1024)  # the markers of a dialect are the same for all tools
def stretches(
    ends: tuple[str, ...], without: tuple[str, ...], first: str = "", bare: tuple[str, ...] = (), apart: bool = True
) -> Text:
    """The automaton with most of its states taken out (Brzozowski and McCluskey).

    What stays is the first state and, where there are several, those of one character: nearly all others lead back to
    these, so the expressions are as long as the watched strings, and not as long as all ways to mix them. But text that
    is cut at each common letter costs a parser more than it bears: there, the state behind the first rare character
    stays instead, and what leads from the first state back to it is one stretch, however long. Without `apart` the
    first state and the beginning alone stay, whatever that takes.
    """
    states = states_of(ends, without, first, bare)
    rows = {state: _row(state, steps, states) for state, steps in states.items()}
    short = [state for state in states if state[1] < 0 and state not in (FIRST, BEGIN) and _is_cut(state[0])]
    kept = [state for state in states if state in (FIRST, BEGIN) or (state in short and len(short) > 1 and apart)]
    for state in sorted(states, key=lambda state: (state[1] < 0, -len(state[0]), -state[1])):
        if state not in kept:
            _take_out(state, rows)
    plain = one_class(others_than(ANY, _ranges(list(states[FIRST]))))
    if apart and FIRST in rows[FIRST] and any(map(_is_common, states[FIRST])):
        plain = f"(?:{plain}|{rows[FIRST].pop(FIRST)})"
        rows[FIRST] = {to: _then(f"{plain}*", one) for to, one in rows[FIRST].items()}
    number = {state: i for i, state in enumerate(kept)}
    steps = {(number[state], number[to]): one for state in kept for to, one in rows[state].items() if to in number}
    return Text(
        plain + "+",
        number[BEGIN if BEGIN in number else FIRST],
        steps,
        {(number[state], to): one for state in kept for to, one in rows[state].items() if is_done(to)},
        {number[state]: rows[state][_STOP] for state in kept if rows[state].get(_STOP)},
    )


def _is_cut(begun: str) -> bool:
    return not _is_common(begun[-1]) and all(map(_is_common, begun[:-1]))


def _is_common(char: str) -> bool:
    return char == " " or char.islower()


_STOP: State = ("", -4)
Row = dict[State, str]  # where a state leads, and by what


def _row(state: State, steps: Mapping[str, State], states: Mapping[State, object]) -> Row:
    arrows: dict[State, list[str]] = {}
    for char, reached in steps.items():
        if reached in states or is_done(reached):
            arrows.setdefault(reached, []).append(char)
    row: Row = {to: _among(chars) for to, chars in arrows.items()}
    if state[1] < 0:
        row[_STOP] = ""
        if state != FIRST:  # the first state's own way back to itself is plain text
            row[FIRST] = one_class(others_than(ANY, _ranges(list(steps))))
    return row


def _take_out(state: State, rows: dict[State, Row]) -> None:
    row = rows.pop(state)
    loop = row.pop(state, None)
    again = f"(?:{loop})*" if loop else ""
    for other in rows.values():
        if (to := other.pop(state, None)) is not None:
            for target, one in row.items():
                way = _then(to, again, one)
                other[target] = f"{other[target]}|{way}" if target in other else way


def _then(*parts: str) -> str:
    return "".join(f"(?:{part})" if "|" in part else part for part in parts if part)


def _among(chars: list[str]) -> str:
    plain = len(chars) == 1 and (chars[0].isalnum() or chars[0] in "<>_:=,")
    return chars[0] if plain else one_class(_ranges(chars))


def _ranges(chars: list[str]) -> Ranges:
    return tuple((ord(char), ord(char)) for char in sorted(chars))


def _going_on(text: str, since: int, ends: tuple[str, ...], begun: set[str]) -> State:
    """The state in an end that began more than `since` characters ago."""
    whole = [end for end in ends if text.endswith(end)]
    if whole:
        begun_before = [end for end in whole if len(end) > since]
        return _done(begun_before) if begun_before else DEAD
    longest = next((text[at:] for at in range(len(text) - since) if text[at:] in begun), None)
    return DEAD if longest is None else (longest, since)


def _steps(words: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
    """Aho and Corasick's automaton. A state is the longest beginning of a word that the text ends with.

    For each state, the characters that do not lead back to the first one, and where they lead.
    """
    states = dict.fromkeys(["", *(word[:length] for word in sorted(words) for length in range(1, len(word) + 1))])
    children: dict[str, dict[str, str]] = {state: {} for state in states}
    for state in states:
        if state:
            children[state[:-1]][state[-1]] = state
    steps: dict[str, dict[str, str]] = {"": children[""]}
    todo = deque((state, "") for state in children[""].values())  # and where it falls back to
    while todo:
        state, back = todo.popleft()
        steps[state] = {**steps[back], **children[state]}
        todo.extend((child, steps[back].get(char, "")) for char, child in children[state].items())
    return steps
