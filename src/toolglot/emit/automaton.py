"""Free text that watches for strings, as an automaton: for notations with neither look-ahead nor laziness.

The one rule: it is exact. Until ends where the first of its ends is complete, and what comes before that end holds
none of `without`, even where such a string runs into the end or is a part of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

State = tuple[str, int]
FIRST: State = ("", -1)
DONE: State = ("end", -2)
DEAD: State = ("", -2)


def states_of(ends: tuple[str, ...], without: tuple[str, ...]) -> dict[State, dict[str, State]]:
    """For each state, the characters that do not lead to the first one, and where they lead.

    A state is what the text may have begun, and -1; or, once one of `without` is complete, how many characters ago
    that was: it must then be a part of an end that had begun before, and what does not go on with such an end is dead.
    """
    walk = _steps((*ends, *without))
    begun = {end[:length] for end in ends for length in range(1, len(end))}
    alphabet = sorted(set("".join(ends)))
    found: dict[State, dict[str, State]] = {}
    todo = [FIRST]
    while todo:
        state = todo.pop()
        if state in found or state in (DONE, DEAD):
            continue
        text, since = state
        if since >= 0:
            found[state] = {char: _going_on(text + char, since + 1, ends, begun) for char in alphabet}
        else:
            found[state] = {}
            for char, reached in walk[text].items():
                if reached.endswith(ends):
                    found[state][char] = DONE
                else:
                    spoilt = reached.endswith(without)
                    found[state][char] = _going_on(reached, 0, (), begun) if spoilt else (reached, -1)
        todo.extend(found[state].values())
    broken = [state for state in found if state[1] >= 0]
    for state in sorted(broken, key=lambda state: -state[1]):  # each leads to later ones only
        if not any(reached in found or reached == DONE for reached in found[state].values()):
            del found[state]
    return found


def _going_on(text: str, since: int, ends: tuple[str, ...], begun: set[str]) -> State:
    """The state in an end that began more than `since` characters ago."""
    whole = [end for end in ends if text.endswith(end)]
    if whole:
        return DONE if any(len(end) > since for end in whole) else DEAD
    longest = next((text[at:] for at in range(len(text) - since) if text[at:] in begun), None)
    return DEAD if longest is None else (longest, since)


def _steps(words: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
    """Aho and Corasick's automaton. A state is the longest beginning of a word that the text ends with.

    For each state, the characters that do not lead back to the first one, and where they lead.
    """
    states = dict.fromkeys(word[:length] for word in sorted(words) for length in range(len(word) + 1))
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
