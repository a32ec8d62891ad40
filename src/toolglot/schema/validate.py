"""What is wrong with arguments, by the JSON schema of a tool's parameters, and with an answer by its own.

One rule: nothing the model wrote is changed here; what does not fit is said in a sentence, never mended.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

from .plain import FLOAT, OTHERS, STEPS, cheap, kept, plain
from .types import DEPTH, NODES, listed, resolve, same

_SENTENCES = 20
_TOLD = 5  # sentences in one message to the model
_SHOWN = 80
_LARGE = 1_000_000
_SETTLING = frozenset({"type", "enum", "title", "description", "default", "examples", FLOAT})
_OBJECT = (_SETTLING - {"enum"}) | {"properties", "required"}
_LIST = (_SETTLING - {"enum"}) | {"items"}
_ARGUMENTS = "the arguments"
_KINDS = {bool: "boolean", int: "integer", float: "number", type(None): "null"}


def validate(value: object, schema: Mapping[str, Any]) -> list[str]:
    """Each way in which arguments break the parameters' schema (2020-12), one sentence a model can act on.

    A parameter that the schema does not name is one unless it has `additionalProperties`. Of formats, those in
    `formats` are checked, and all others are notes. Nothing is fetched.
    A keyword that makes no sense, or a pattern that might search for ever, is not checked. Never raises.
    """
    if not isinstance(value, Mapping):
        return [f"the arguments must be an object, but came as {_show(value)}"]
    found: list[str] = []
    try:
        if is_plainly_valid(value, schema):
            return []
        found += islice(_unknown(value, schema), _SENTENCES)
        for sentence in _violations(value, schema):
            if len(found) == _SENTENCES:
                break
            if sentence not in found:
                found.append(sentence)
    except RecursionError:
        found.append("the arguments cannot be checked further: they or the tool's schema are too deep or too large")
    except Exception as error:  # a schema is a stranger's: jsonschema may fail in any way on it
        found.append(f"the arguments cannot be checked further: {_cut(f'{type(error).__name__}: {error}')}")
    return found


def validate_answer(text: str, schema: Mapping[str, Any]) -> list[str]:
    """Each way in which a text is not one JSON value of a schema (2020-12), a sentence each.

    The schema means what it says: a member that it does not name may stand, unless it says otherwise. Never raises.
    """
    try:
        value = json.loads(text, parse_constant=_no_json)
    except json.JSONDecodeError as error:
        return [f"the answer is no JSON: {error.msg} at character {error.pos} of {_show(text)}"]
    except (ValueError, RecursionError):
        return [f"the answer is no JSON that can be read: {_show(text)}"]
    found: list[str] = []
    try:
        for sentence in islice(_violations(value, schema, "the answer"), _SENTENCES):
            if sentence not in found:
                found.append(sentence)
    except RecursionError:
        found.append("the answer cannot be checked further: it or its schema is too deep or too large")
    except Exception as error:  # a schema is a stranger's: jsonschema may fail in any way on it
        found.append(f"the answer cannot be checked further: {_cut(f'{type(error).__name__}: {error}')}")
    return found


def _no_json(written: str) -> None:
    raise ValueError(written)


def is_valid(value: object, schema: Mapping[str, Any]) -> bool:
    """Whether `validate` would say nothing, but of formats: what breaks one is meant for the tool all the same."""
    if not isinstance(value, Mapping):
        return False
    try:
        if is_plainly_valid(value, schema):
            return True
        return next(_unknown(value, schema), None) is None and next(_violations(value, schema, formats=False), None) is None
    except Exception:
        return False


def known_parameters(schema: object) -> dict[str, None] | None:
    """The names that the schema knows; None where it says itself what else may come, or has no end."""
    return _known(schema, 0)


def _unknown(value: Mapping[str, Any], schema: object) -> Iterator[str]:
    known = known_parameters(schema)
    if known is not None:
        for name in value:
            if name not in known:
                yield f"`{_cut(name)}` is not a parameter; {_allowed(known)}"


def _parameters(schema: object, root: object, depth: int, nodes: Iterator[int]) -> dict[str, None] | None:
    schema = resolve(schema, root)
    if depth == 0 or next(nodes, None) is None or not OTHERS.isdisjoint(schema):
        return None
    properties = schema.get("properties")
    known = dict.fromkeys(properties) if isinstance(properties, Mapping) else {}
    for word in ("allOf", "anyOf", "oneOf", "if", "then", "else"):
        for branch in listed(schema.get(word)):
            more = _parameters(branch, root, depth - 1, nodes)
            if more is None:
                return None
            known.update(more)
    return known


_known = kept(lambda schema, longest: _parameters(schema, schema, DEPTH, iter(range(NODES))))


@dataclass(slots=True)
class _Budget:
    """What is left of one validation."""

    steps: Iterator[int]
    formats: bool
    depth: int = 0


# a checker is kept and may be at work in several threads: what one validation has spent is not its own
_budget: ContextVar[_Budget] = ContextVar("_budget")


def _violations(value: object, schema: object, whole: str = _ARGUMENTS, formats: bool = True) -> Iterator[str]:
    """`whole` is what the value is called; `formats`: whether they count."""
    longest, size = measure(value)
    token = _budget.set(_Budget(iter(range(STEPS + 100 * size)), formats))
    try:
        for error in _checker(schema, longest).iter_errors(value):
            yield from _sentences(error, whole)
    finally:
        _budget.reset(token)


def _make_checker(schema: object, longest: int) -> Any:
    from referencing import Registry

    return _strict()(plain(schema, longest), registry=Registry())


_checker = kept(_make_checker)


@cache
def _strict() -> Any:
    """jsonschema's validator with an end: a bound on its steps and its depth, none but cheap patterns, no fetching."""
    from jsonschema import Draft202012Validator, ValidationError, validators  # type: ignore[import-untyped,unused-ignore]
    from referencing.exceptions import Unresolvable

    from .formats import FORMATS, is_of

    def counted(check: Callable[..., Any]) -> Callable[..., Iterator[ValidationError]]:
        def keyword(validator: Any, wanted: Any, instance: Any, here: Any) -> Iterator[ValidationError]:
            budget = _budget.get()
            if next(budget.steps, None) is None:
                raise RecursionError
            if check is pattern and isinstance(instance, str) and not cheap(wanted, len(instance)):
                return
            budget.depth += 1
            if budget.depth > DEPTH * 8:                 # Python's own limit may have been raised, and the stack is not
                raise RecursionError
            try:
                yield from check(validator, wanted, instance, here) or ()
            except Unresolvable:
                yield ValidationError(f"cannot be checked: the tool's schema lacks what it refers to, {_show(wanted)}")
            finally:
                budget.depth -= 1

        return keyword

    def unique(validator: Any, wanted: Any, instance: Any, here: Any) -> Iterator[ValidationError]:
        # jsonschema compares each item with each other one: minutes for 10,000 objects
        items = instance if wanted and isinstance(instance, list) else []
        if len({same(item) for item in items}) < len(items):
            yield ValidationError("an item comes twice")

    def form(validator: Any, wanted: Any, instance: Any, here: Any) -> Iterator[ValidationError]:
        if isinstance(instance, str) and _budget.get().formats and not is_of(instance, wanted):
            yield ValidationError(FORMATS[wanted].name)

    def properties(validator: Any, wanted: Any, instance: Any, here: Any) -> Any:
        members = instance if isinstance(instance, dict) else {}
        left = {name: one for name, one in wanted.items() if name in members and not _is_settled(members[name], one)}
        return known["properties"](validator, left, instance, here)

    def items(validator: Any, wanted: Any, instance: Any, here: Any) -> Any:
        if isinstance(instance, list) and all(_is_settled(one, wanted) for one in instance):
            return ()
        return known["items"](validator, wanted, instance, here)

    known: Mapping[str, Any] = Draft202012Validator.VALIDATORS
    pattern = known["pattern"]
    checks = {name: counted(check) for name, check in {**known, "properties": properties, "items": items}.items()}
    checks |= {"uniqueItems": unique, "format": form}
    return validators.extend(Draft202012Validator, checks)  # type: ignore[no-untyped-call,unused-ignore]


def _is_settled(value: object, schema: object) -> bool:
    """Whether a schema asks for no more than a type that the value has, as most do: jsonschema takes 5 µs to say so."""
    if not isinstance(schema, dict) or not _SETTLING.issuperset(schema):
        return False
    types = schema.get("type", ())
    if isinstance(value, str):
        return "string" in types and value in schema.get("enum", (value,))
    kind = _KINDS.get(type(value))
    if kind == "integer" and "number" in types and FLOAT not in schema:
        return "enum" not in schema
    return kind is not None and "enum" not in schema and kind in types


def is_plainly_valid(value: Mapping[str, Any], schema: object) -> bool:
    """Whether a schema asks for no more than named members of some types, and lists of such, and this is that.

    Then there is nothing to coerce, either.
    """
    root = _root(schema, 0)
    if not isinstance(root, dict) or not _OBJECT.issuperset(root) or "object" not in root.get("type", ("object",)):
        return False
    properties = root.get("properties", {})
    for name in root.get("required", ()):
        if name not in value:
            return False
    return all(name in properties and _is_plain(one, properties[name]) for name, one in value.items())


def _is_plain(value: object, schema: object) -> bool:
    if not isinstance(value, list):
        return _is_settled(value, schema)
    if not isinstance(schema, dict) or not _LIST.issuperset(schema) or "array" not in schema.get("type", ()):
        return False
    items = schema.get("items", True)
    return items is True or all(_is_settled(one, items) for one in value)


_root = kept(plain)


def measure(value: object) -> tuple[int, int]:
    """The length of the longest name in a value, and how many values there are in it."""
    longest, size, todo = 0, 0, [value]
    while todo:
        size += 1
        if size > _LARGE:
            return _LARGE, size                          # it may contain itself
        match todo.pop():
            case Mapping() as members:
                longest = max(longest, *(len(name) for name in members if isinstance(name, str)), 0)
                todo.extend(members.values())
            case list() as items:
                todo.extend(items)
    return longest, size


_PHRASES = {
    "minimum": "be at least {}",
    "maximum": "be at most {}",
    "exclusiveMinimum": "be more than {}",
    "exclusiveMaximum": "be less than {}",
    "multipleOf": "be a multiple of {}",
    "minLength": "have at least {} characters",
    "maxLength": "have at most {} characters",
    "minItems": "have at least {} items",
    "maxItems": "have at most {} items",
    "minProperties": "have at least {} members",
    "maxProperties": "have at most {} members",
    "pattern": "match the pattern {}",
    "const": "be {}",
    "uniqueItems": "have no item twice",
}
_PLAIN = ("type", "enum", "const")  # what says in a few words which values there are
_ARTICLES = {"integer": "an integer", "object": "an object", "array": "an array", "null": "null"}


def _sentences(error: Any, whole: str) -> Iterator[str]:
    where = _where(error.absolute_path, whole)
    match error.validator:
        case "required":
            missing = (name for name in error.validator_value if name not in error.instance)
            yield from (f"{_where([*error.absolute_path, name], whole)} is required but missing" for name in missing)
        case "additionalProperties" if error.validator_value is False:
            known = error.schema.get("properties", {})
            word = "parameter" if whole == _ARGUMENTS and not error.absolute_path else "property"
            patterns = error.schema.get("patternProperties", {})
            for name in error.instance:
                if name not in known and not any(re.search(pattern, name) for pattern in patterns):
                    yield f"{_where([*error.absolute_path, name], whole)} is not a {word}; {_allowed(known)}"
        case "anyOf" | "oneOf":
            yield from _alternatives(error, where, whole)
        case "not":
            yield f"{where} may not be {_show(error.instance)}"
        case "$ref" | "$dynamicRef":
            yield f"{where} {error.message}"
        case _:
            phrase = _phrase(error)
            came = f" must {phrase}, but came as {_show(error.instance)}" if phrase else f": {_cut(error.message, 200)}"
            yield where + came


def _phrase(error: Any) -> str:
    wanted = error.validator_value
    match error.validator:
        case "type":
            names = [wanted] if isinstance(wanted, str) else wanted
            return "be " + " or ".join(_ARTICLES.get(name, f"a {name}") for name in names)
        case "enum":
            return "be one of " + ", ".join(_show(one) for one in wanted[:_SENTENCES])
        case "format":
            return f"be {error.message}"
    return _PHRASES.get(error.validator, "").format(_show(wanted))


def _alternatives(error: Any, where: str, whole: str) -> Iterator[str]:
    """Of a choice, the branch that was meant: the only one of the right type, else what each of them wants."""
    branches: dict[Any, list[Any]] = {}
    for one in error.context:
        branches.setdefault(one.relative_schema_path[0], []).append(one)
    near = [b for b in branches.values() if not any(e.validator == "type" and not e.relative_path for e in b)]
    plain = {n: e for n, b in branches.items() for e in b if e.validator in _PLAIN and not e.relative_path}
    if len(near) != 1 and plain and len(plain) == len(branches):
        phrases = dict.fromkeys(_phrase(e).removeprefix("be ") for e in plain.values())
        yield f"{where} must be {' or '.join(phrases)}, but came as {_show(error.instance)}"
    elif near:
        meant = min(near, key=lambda b: (any(e.validator == "const" for e in b), len(b)))
        for one in meant:
            yield from _sentences(one, whole)
    else:
        yield f"{where} fits more than one of the forms that exclude each other"


def _allowed(known: Iterable[str]) -> str:
    names = [f"`{_cut(name)}`" for name in islice(known, _SENTENCES)]
    return f"allowed: {', '.join(names)}" if names else "none are allowed"


def _where(path: Iterable[str | int], whole: str) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{_cut(step)}" for step in path)
    joined = "".join(steps).removeprefix(".")
    return f"`{joined}`" if joined else whole


def explain(name: str, sentences: Sequence[str]) -> str:
    """What to tell the model of its call of a tool that `validate` said something of: short, and what to do next."""
    said = [sentence.rstrip(".") for sentence in sentences[:_TOLD]]
    if len(sentences) > _TOLD:
        said.append(f"and {len(sentences) - _TOLD} more")
    why = f": {'; '.join(said)}" if said else ""
    return f"The call of {_cut(name)} was not run{why}. Write the call again{' with these corrected' if said else ''}."


def _show(value: object) -> str:
    shown = ""
    for part in json.JSONEncoder(ensure_ascii=False, default=str).iterencode(value):
        shown += part[: _SHOWN + 1]
        if len(shown) > _SHOWN:
            break
    return _cut(shown)


def _cut(text: str, most: int = _SHOWN) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
