"""What a model wrote, as the type that the schema asks for: "5" where a number is due is 5.

One rule: only what surely breaks the schema is changed, in the only way that surely keeps its meaning, and each
change is said. What could be meant in two ways stays as it is, for `validate` to speak of.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .plain import STEPS
from .readings import folded, read_json, read_number
from .types import DEPTH, kind_of
from .validate import is_plainly_valid, known_parameters, measure, validate
from .view import Look, Spent, breaks, is_one_of, look

KINDS = ("number", "thousands", "integer", "float", "boolean", "null", "omit", "string", "list", "single", "json", "enum",
         "space", "nesting")
_WRAPPERS = frozenset({"arguments", "parameters", "args", "kwargs", "input", "inputs", "params", "function_args"})
_EXACT = 2**53                                           # below it a float still counts in ones
_WRITTEN = 10.0**300                                     # Python does not write longer numbers, nor JSON what is infinite
_SEVERAL = frozenset(",;\n")                             # a string with one of these may be a list of several


@dataclass(frozen=True, slots=True)
class Change:
    """One change to a model's arguments: its kind (one of `KINDS`), its place in them, and the value there.

    Changes stand in the order in which they are made, so a place is one in what those before have left.
    """

    kind: str
    path: tuple[str | int, ...]
    before: Any
    after: Any


Path = tuple[str | int, ...]
Changes = tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class _Run:
    look: Look
    known: Mapping[str, None] | None
    skip: frozenset[str]


def coerce(value: Any, schema: Mapping[str, Any], *, skip: Collection[str] = frozenset()) -> tuple[Any, Changes]:
    """Arguments as the parameters' schema asks for them, and what was changed for it.

    `skip` names the kinds of change that are not to be made. Arguments that fit the schema stay as they are, but for a
    whole float where an integer is due. What nothing is changed in is returned itself; nothing is changed in place.
    Never raises.
    """
    try:
        if isinstance(value, dict) and is_plainly_valid(value, schema):
            return value, ()
        found = look(schema, 0)
        known = known_parameters(schema)
    except Exception:  # a schema is a stranger's, and `validate` says what is wrong with it
        return value, ()
    size = measure(value)[1]
    run = _Run(replace(found, steps=iter(range(STEPS + 100 * size))), known, frozenset(skip))
    try:
        mended, changes = _arguments(run, value)
        if changes and _arguments(run, mended)[1]:       # a schema that contradicts itself: there is no end to it
            return value, ()
    except (Spent, RecursionError):
        return value, ()
    return mended, changes


def fit(
    value: Any, schema: Mapping[str, Any], skip: Collection[str] = frozenset()
) -> tuple[Any, Changes, list[str]]:
    """Arguments as `coerce` leaves them, what it changed, and what `validate` still says of them."""
    mended, changes = coerce(value, schema, skip=skip)
    return mended, changes, validate(mended, schema)


def _arguments(run: _Run, value: Any) -> tuple[Any, Changes]:
    """The whole of the arguments: taken out of what they were wrapped in, then mended inside."""
    mended: Any = value
    changes: Changes = ()
    for _ in range(DEPTH):
        steps = _unwrapped(run, mended)
        if not steps:
            break
        mended, changes = steps[-1][1], changes + _changes((), mended, steps)
    if not isinstance(mended, dict):
        return value, ()
    inner, more = _inside(run, mended, run.look.root, (), 0)
    return inner, changes + more


Steps = tuple[tuple[str, Any], ...]                      # kinds of change, each with what it makes of a value


def _changes(path: Path, before: Any, steps: Steps) -> Changes:
    made = []
    for kind, after in steps:
        made.append(Change(kind, path, before, after))
        before = after
    return tuple(made)


def _unwrapped(run: _Run, value: Any) -> Steps:
    """Arguments that stand one level too deep, or as text; () where they do not."""
    match value:
        case str() if "json" not in run.skip and isinstance(inner := read_json(value), (dict, list)):
            return (("json", inner),)
        case [dict() as inner] if "nesting" not in run.skip:
            return (("nesting", inner),)
        case dict() if len(value) == 1 and "nesting" not in run.skip:
            [(name, inner)] = value.items()
            steps: Steps = (("nesting", inner),)
            if isinstance(inner, str) and "json" not in run.skip:
                inner = read_json(inner)
                steps += (("json", inner),)
            return steps if isinstance(inner, dict) and _is_wrapper(run, name, value, inner) else ()
    return ()


def _is_wrapper(run: _Run, name: str, value: Any, inner: dict[str, Any]) -> bool:
    required = {one for view in run.look.flat(run.look.root) for one in view.required}
    if run.known is None:                                # any name is one: only if nothing else can have been meant
        return name in _WRAPPERS and name not in required and bool(required) and (
            breaks(run.look, value, run.look.root) and not breaks(run.look, inner, run.look.root))
    if name in run.known or not inner.keys() <= run.known.keys():
        return False
    return name in _WRAPPERS


def _mend(run: _Run, value: Any, schema: object, path: Path, depth: int) -> tuple[Any, Changes]:
    """A value as its schema asks for it."""
    run.look.tick()
    kind, due = kind_of(value), run.look.view(schema).due
    if depth > DEPTH or not kind:
        return value, ()
    if kind in ("object", "array") and (due is None or kind in due):
        return _inside(run, value, schema, path, depth)
    if kind == "number" and due is not None and is_one_of(value, kind, due) and "number" not in due:
        whole = "integer" not in run.skip and abs(value) < _EXACT
        return (int(value), _changes(path, value, (("integer", int(value)),))) if whole else (value, ())
    if kind == "integer" and due is not None and due - {"null"} == {"number"} and run.look.view(schema).float:
        exact = "float" not in run.skip and abs(value) < _EXACT
        return (float(value), _changes(path, value, (("float", float(value)),))) if exact else (value, ())
    if due is None or not breaks(run.look, value, schema):
        return value, ()
    readings = [steps for steps in _readings(run, value, due, schema) if run.skip.isdisjoint(kind for kind, _ in steps)]
    if len(readings) == 1:
        made = _changes(path, value, readings[0])
        inner, more = _mend(run, made[-1].after, schema, path, depth + 1)
        return inner, made + more
    return _shape(run, value, schema, path, depth) if not readings else (value, ())


def _readings(run: _Run, value: Any, due: frozenset[str], schema: object) -> Iterator[Steps]:
    """What a value that breaks the schema stands for, for each of the types that are due."""
    if isinstance(value, str):
        text = value.strip()
        if "object" in due or "array" in due:
            inner = read_json(text)
            if inner is not None and kind_of(inner) in due:
                yield (("json", inner),)
        yield from (steps for steps in _of_text(value, text, due) if not breaks(run.look, steps[-1][1], schema))
        yield from _member(run, value, schema)
    elif due - {"null"} == {"string"} and isinstance(value, (bool, int, float)) and abs(value) < _WRITTEN:
        written = json.dumps(value)
        if not breaks(run.look, written, schema):
            yield (("string", written),)


def _of_text(value: str, text: str, due: frozenset[str]) -> Iterator[Steps]:
    number = read_number(text, due) if "number" in due or "integer" in due else None
    if number is not None:
        grouped = not text.isascii() or any(c in ",_ " for c in text)
        spaced: Steps = (("space", text),) if text != value else ()
        yield (*spaced, ("thousands" if grouped else "number", number))
    if "boolean" in due and value.lower() in ("true", "false"):
        yield (("boolean", value.lower() == "true"),)
    if "null" in due and value in ("null", "None"):
        yield (("null", None),)


def _member(run: _Run, value: str, schema: object) -> Iterator[Steps]:
    """The only member of an enum that a string is, but for its case and its spaces."""
    members = [one for one in _members(run, schema, DEPTH) or () if isinstance(one, str)]
    if len(value) > 2 * max(map(len, members), default=0) + 100:
        return
    text = value.strip()
    if text in members:
        alike = {text}
    else:
        plain = folded(value)
        alike = {one for one in members if folded(one) == plain}
    if len(alike) == 1:
        [one] = alike
        if not breaks(run.look, one, schema):
            yield (("space" if one == text else "enum", one),)


def _members(run: _Run, schema: object, depth: int) -> list[Any] | None:
    """All that a string may be; None where it may be anything."""
    run.look.tick()
    if depth == 0:
        return None
    for view in run.look.flat(schema):
        if view.members:
            return list(view.members[0])
        for choice in view.choices:
            said = [
                _members(run, one, depth - 1) if (due := run.look.view(one).due) is None or "string" in due else []
                for one in choice
            ]
            if None not in said:
                return [member for members in said for member in members or ()]
    return None


def _shape(run: _Run, value: Any, schema: object, path: Path, depth: int) -> tuple[Any, Changes]:
    """A list of one where its item is due, an item where a list is due."""
    due = run.look.view(schema).due or frozenset()
    steps: Steps = ()
    match value:
        case [inner] if "array" not in due and inner is not None:
            steps = (("single", inner),)
        case str() if "array" in due and (several := _several(run, value, schema)):
            steps = (("list", several),)
        case str() if "array" in due and value and _SEVERAL.isdisjoint(value) and not value.lstrip().startswith(("[", "{")):
            steps = (("list", [value]),)
        case bool() | int() | float() if "array" in due:
            steps = (("list", [value]),)
        case dict() if "array" in due and _says_items(run, schema):
            steps = (("list", [value]),)
    if not steps or steps[0][0] in run.skip:
        return value, ()
    mended, more = _mend(run, steps[0][1], schema, path, depth + 1)
    kind = kind_of(mended)
    if not is_one_of(mended, kind, due) or breaks(run.look, mended, schema):
        return value, ()
    return mended, _changes(path, value, steps) + more


def _several(run: _Run, value: str, schema: object) -> list[str]:
    """The members of an enum that a string with commas names, each of them one; [] where it does not."""
    parts = [part.strip() for part in value.split(",")]
    members = _members(run, run.look.inside(schema, 0), DEPTH) if 2 <= len(parts) <= STEPS else None
    plain = {folded(one) for one in members or () if isinstance(one, str)}
    return parts if plain and all(len(part) < 100 and folded(part) in plain for part in parts) else []


def _says_items(run: _Run, schema: object) -> bool:
    """Whether a list's items are said: an object alone might as well be a list that was written as one."""
    branches = (one for view in run.look.flat(schema) for choice in view.choices for one in choice)
    return any(view.at(0) not in (None, True) for one in (schema, *branches) for view in run.look.flat(one))


def _inside(run: _Run, value: Any, schema: object, path: Path, depth: int) -> tuple[Any, Changes]:
    """An object with its members mended, or a list with its items."""
    mended, changes = value, list[Change]()
    places: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
    for place, one in places:
        said = run.look.inside(schema, place) if isinstance(place, (str, int)) else None
        if said is None:
            continue
        if one is None and isinstance(value, dict) and _is_omitted(run, place, schema, said):
            rest = {name: inner for name, inner in mended.items() if name != place}
            changes.append(Change("omit", path, mended, rest))
            mended = rest
            continue
        inner, more = _mend(run, one, said, (*path, place), depth + 1)
        if more:
            mended = value.copy() if mended is value else mended
            mended[place] = inner
            changes += more
    for view in run.look.flat(schema):
        for choice in view.choices:
            mended, more = _chosen(run, mended, choice, path, depth)
            changes += more
    return mended, tuple(changes)


def _is_omitted(run: _Run, name: str, schema: object, said: object) -> bool:
    """Whether a null stands for an argument that need not be given, and may not be null."""
    if "omit" in run.skip or not breaks(run.look, None, said):
        return False
    return not any(name in view.required for view in run.look.flat(schema)) and not run.look.view(schema).choices


def _chosen(run: _Run, value: Any, choice: tuple[object, ...], path: Path, depth: int) -> tuple[Any, Changes]:
    """An object or a list mended by the alternatives that it may be: they must agree."""
    kind = kind_of(value)
    fitting = [one for one in choice if not breaks(run.look, value, one)]
    able = fitting or [one for one in choice if (due := run.look.view(one).due) is None or kind in due]
    if len(able) > 1 and not fitting:
        able = [one for one in able if not _is_marked_other(run, value, one)] or able
    tried = [(one, *_mend(run, value, one, path, depth + 1)) for one in able]
    if len(tried) > 1 and not fitting:
        tried = [(one, mended, made) for one, mended, made in tried if not breaks(run.look, mended, one)]
    if not tried or any(_gist(made) != _gist(tried[0][2]) for _, _, made in tried):
        return value, ()
    return tried[0][1:]


def _gist(changes: Changes) -> list[Any]:
    return [(one.kind, one.path, type(one.after), one.after) for one in changes]


def _is_marked_other(run: _Run, value: Any, schema: object) -> bool:
    """Whether a member that tells alternatives apart (`{"kind": {"const": "box"}}`) says that it is not this one."""
    if not isinstance(value, dict):
        return False
    marks = [(name, one) for view in run.look.flat(schema) for name, one in view.properties.items() if name in value]
    return any(run.look.view(one).members and breaks(run.look, value[name], one) for name, one in marks)
