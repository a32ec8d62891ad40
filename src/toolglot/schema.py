"""What a tool's JSON schema says of a value.

One rule: nothing the model wrote is changed here. A raw value is read as one of the types that the schema
names, or stays a string; what does not fit is said in a sentence, never mended.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

# JSON's own names first, then what tools in the wild write for them (Python, Java and C; lower case here).
_NAMES: dict[str, tuple[str, ...]] = {
    "string": ("string", "str", "char", "text"),
    "number": ("number", "float", "double", "decimal"),
    "integer": ("integer", "int", "long", "short", "byte", "bigint"),
    "boolean": ("boolean", "bool"),
    "object": ("object", "dict", "hashmap", "hashtable", "map"),
    "array": ("array", "list", "tuple", "set", "arraylist"),
    "null": ("null", "none", "nonetype"),
}
_TYPES = {alias: name for name, aliases in _NAMES.items() for alias in aliases}
_DEPTH, _NODES = 32, 1_000  # how far into a schema to look for the types of one value
_NOTES = frozenset({"title", "description", "default", "examples", "deprecated", "$comment", "$defs", "definitions"})


def type_name(written: object) -> str | None:
    """JSON's name for a type as a schema writes it; None for "any" and for names that nobody knows."""
    return _TYPES.get(written.lower()) if isinstance(written, str) else None


def resolve(schema: object, root: object) -> dict[str, Any]:
    """The schema with its own `$ref` followed inside `root`; the result has none.

    What stands beside a `$ref` holds too; an `allOf` of one is the older way to write that (OpenAPI, pydantic 2.7).
    A reference that is remote, missing or a circle is left out.
    """
    seen: set[object] = set()
    while isinstance(schema, Mapping):
        word = "$ref" if "$ref" in schema else "allOf"
        rest = {key: value for key, value in schema.items() if key != word}
        match schema.get(word):
            case str() as ref if word == "$ref":
                target = None if ref in seen else pointed(ref, root)
                seen.add(ref)
            case [target] if word == "allOf":
                pass
            case _:
                return rest if word == "$ref" else dict(schema)
        if target is False:
            return {"not": {}}
        if not isinstance(target, Mapping):
            return rest
        clash = any(key in target and key not in _NOTES and target[key] != rest[key] for key in rest)
        schema = {"allOf": [target, rest]} if clash else {**target, **rest}
    return {"not": {}} if schema is False else {}


def pointed(ref: str, root: object) -> object:
    """What a JSON pointer in a fragment (RFC 6901) stands for; None if there is no such place."""
    if not re.fullmatch(r"#(/.*)?", ref, re.S):
        return None
    if "%" in ref:
        from urllib.parse import unquote

        ref = unquote(ref)
    place = root
    for step in ref.split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(place, Mapping):
            place = place.get(step)
        elif isinstance(place, list) and re.fullmatch(r"[0-9]{1,6}", step) and int(step) < len(place):
            place = place[int(step)]
        else:
            return None
    return place


def types_of(schema: object, root: object) -> tuple[str, ...] | None:
    """The JSON types that a value may have, in the schema's order; None where it does not say."""
    return _types(schema, root, _DEPTH, iter(range(_NODES)))


def _types(schema: object, root: object, depth: int, nodes: Iterator[int]) -> tuple[str, ...] | None:
    if depth == 0 or next(nodes, None) is None:
        return None
    schema = resolve(schema, root)
    said = [_union((name,) if (name := type_name(t)) else None for t in _list(schema.get("type")))]
    said.append(_union((_kind(value),) for value in _list(schema.get("enum"))))
    said.append((_kind(schema["const"]),) if "const" in schema else None)
    for word in ("anyOf", "oneOf"):
        branches = [branch for branch in _list(schema.get(word)) if branch is not False]
        said.append(_union(_types(branch, root, depth - 1, nodes) for branch in branches))
    if isinstance(schema.get("allOf"), list):
        said += [_types(branch, root, depth - 1, nodes) for branch in schema["allOf"]]
    types: tuple[str, ...] | None = None
    for more in said:
        types = _both(types, more)
    if types and schema.get("nullable") is True and "null" not in types:
        types += ("null",)
    return types


def inside(schema: object, root: object, place: str | int) -> object:
    """The schema of an object's member, by its name, or of a list's element, by its number; None where nothing is said."""
    return _inside(schema, root, place, _DEPTH, iter(range(_NODES)))


def _inside(schema: object, root: object, place: str | int, depth: int, nodes: Iterator[int]) -> object:
    if depth == 0 or next(nodes, None) is None:
        return None
    schema = resolve(schema, root)
    if isinstance(place, str):
        given, rest = schema.get("properties"), schema.get("additionalProperties")
        found = given.get(place) if isinstance(given, Mapping) else None
    else:
        found, rest = next(iter(_list(schema.get("prefixItems"))[place:]), None), schema.get("items")
    branches = (b for word in ("allOf", "anyOf", "oneOf") for b in _list(schema.get(word)))
    said = (x for x in (found, *(_inside(b, root, place, depth - 1, nodes) for b in branches), rest) if x is not None)
    return next(said, None)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _union(said: Iterable[Any]) -> tuple[str, ...] | None:
    """All the types of the alternatives; None if one of them, or nobody, says nothing."""
    types: dict[str, None] = {}
    for one in said:
        if one is None:
            return None
        types.update(dict.fromkeys(one))
    return tuple(types) or None


def _both(a: tuple[str, ...] | None, b: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """The types that both allow; where they contradict each other, the first is believed."""
    if a is None or b is None:
        return b if a is None else a
    wide_a, wide_b = ({*types, "integer"} if "number" in types else {*types} for types in (a, b))
    return tuple(dict.fromkeys(t for t in a + b if t in wide_a and t in wide_b)) or a


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case Mapping():
            return "object"
    return "array"


def read_text(raw: str, schema: object, root: object, read_json: Callable[[str], str | None]) -> str:
    """JSON text for a value that stands in a reply without quotes, as its schema says (None: there is none).

    `read_json` makes strict JSON of a JSON or Python literal, or says None. A string stays as it is; otherwise
    a literal of the first type that fits, else a string. Never raises, changes no value to please the schema.
    """
    types = types_of(schema, root)
    text = None if types == ("string",) else read_json(raw.strip())
    if text is None and types and "string" not in types and '\\"' in raw:
        text = read_json(f'"{raw.strip()}"')             # escaped as if it stood in a string
    if text is not None and text[0] == '"' and types and "string" not in types:
        inner = read_json(json.loads(text))              # encoded twice: nothing but the inner value fits
        text = inner if inner is not None and inner[0] in "{[" and _fits(inner, types) else text
    if text is None or (types and "string" in types and not _fits(text, types)):
        return json.dumps(raw, ensure_ascii=False)
    return text


_WHOLE = re.compile(r"-?[0-9]+(?:\.0+)?")
_FIRST = {"{": "object", "[": "array", '"': "string", "t": "boolean", "f": "boolean", "n": "null"}


def _fits(text: str, types: tuple[str, ...]) -> bool:
    """Whether strict JSON text is a value of one of the types that are not string."""
    kind = _FIRST.get(text[:1], "number")
    if kind == "number":
        return "number" in types or ("integer" in types and _WHOLE.fullmatch(text) is not None)
    return kind != "string" and kind in types


# --- validation

_STEPS = 10_000  # keywords tried in one validation, and a hundred more for each value in the arguments
_SENTENCES = 20
_SHOWN = 80
_MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_DATA = frozenset({"enum", "const", "dependentRequired"})
_OTHERS = frozenset({"patternProperties", "additionalProperties", "unevaluatedProperties"})
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_SHAPES: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(_NUMBERS + _COUNTS, (int, float)),
    **dict.fromkeys(_MAPS | {"dependentRequired"}, Mapping),
    **dict.fromkeys(("enum", "required", "anyOf", "oneOf", "allOf", "prefixItems"), list),
    **dict.fromkeys(("pattern", "$ref", "$id", "$anchor", "$dynamicRef", "$dynamicAnchor"), str),
    **dict.fromkeys(("items", "additionalProperties", "not", "contains", "propertyNames"), (Mapping, bool)),
    **dict.fromkeys(("if", "then", "else", "unevaluatedProperties", "unevaluatedItems"), (Mapping, bool)),
    "uniqueItems": bool,
}


def validate(value: object, schema: Mapping[str, Any]) -> list[str]:
    """Each way in which arguments break the parameters' schema (2020-12), one sentence a model can act on.

    A parameter that the schema does not name is one unless it has `additionalProperties`. Nothing is fetched.
    A keyword that makes no sense, or a pattern that might search for ever, is not checked. Never raises.
    """
    if not isinstance(value, Mapping):
        return [f"the arguments must be an object, but came as {_show(value)}"]
    found: list[str] = []
    try:
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


def _unknown(value: Mapping[str, Any], schema: object) -> Iterator[str]:
    known = _parameters(schema, schema, _DEPTH, iter(range(_NODES)))
    if known is not None:
        for name in value:
            if name not in known:
                yield f"`{_cut(name)}` is not a parameter; {_allowed(known)}"


def _parameters(schema: object, root: object, depth: int, nodes: Iterator[int]) -> dict[str, None] | None:
    """The names that the schema knows; None where it says itself what else may come, or has no end."""
    schema = resolve(schema, root)
    if depth == 0 or next(nodes, None) is None or not _OTHERS.isdisjoint(schema):
        return None
    properties = schema.get("properties")
    known = dict.fromkeys(properties) if isinstance(properties, Mapping) else {}
    for word in ("allOf", "anyOf", "oneOf", "if", "then", "else"):
        for branch in _list(schema.get(word)):
            more = _parameters(branch, root, depth - 1, nodes)
            if more is None:
                return None
            known.update(more)
    return known


def _violations(value: object, schema: object) -> Iterator[str]:
    from jsonschema import Draft202012Validator, ValidationError, validators  # type: ignore[import-untyped,unused-ignore]
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    longest, size = _measure(value)
    depth = 0
    steps = iter(range(_STEPS + 100 * size))

    def counted(check: Callable[..., Any]) -> Callable[..., Iterator[ValidationError]]:
        def keyword(validator: Any, wanted: Any, instance: Any, here: Any) -> Iterator[ValidationError]:
            if next(steps, None) is None:
                raise RecursionError
            if check is pattern and isinstance(instance, str) and not _cheap(wanted, len(instance)):
                return
            nonlocal depth
            depth += 1
            if depth > _DEPTH * 8:                       # Python's own limit may have been raised, and the stack is not
                raise RecursionError
            try:
                yield from check(validator, wanted, instance, here) or ()
            except Unresolvable:
                yield ValidationError(f"cannot be checked: the tool's schema lacks what it refers to, {_show(wanted)}")
            finally:
                depth -= 1

        return keyword

    def unique(validator: Any, wanted: Any, instance: Any, here: Any) -> Iterator[ValidationError]:
        # jsonschema compares each item with each other one: minutes for 10,000 objects
        items = instance if wanted and isinstance(instance, list) else []
        if len({json.dumps(item, sort_keys=True) for item in items}) < len(items):
            yield ValidationError("an item comes twice")

    pattern = Draft202012Validator.VALIDATORS["pattern"]
    checks = {name: counted(check) for name, check in Draft202012Validator.VALIDATORS.items()} | {"uniqueItems": unique}
    strict = validators.extend(Draft202012Validator, checks)  # type: ignore[no-untyped-call,unused-ignore]
    plain = _plain(schema, longest, iter(range(_STEPS * 10)))
    for error in strict(plain, registry=Registry()).iter_errors(value):
        yield from _sentences(error)


def _plain(schema: object, longest: int, nodes: Iterator[int]) -> Any:
    """The schema in JSON schema's own words (type names, `nullable`, lists of items), without what makes no sense."""
    if not isinstance(schema, Mapping):
        return {"not": {}} if schema is False else True  # jsonschema loses the place of a bare false
    if next(nodes, None) is None:
        raise RecursionError
    plain: dict[str, Any] = {}
    for key, value in schema.items():
        shape = _SHAPES.get(key)
        if key == "items" and isinstance(value, list):  # before 2020-12
            key, shape = "prefixItems", list
        if key == "$schema" or (shape and not isinstance(value, shape)) or (value == [] and key != "const"):
            continue
        if key == "type":
            names = [type_name(t) for t in _list(value)]
            plain |= {"type": names} if names and None not in names else {}
        elif key in _NUMBERS + _COUNTS and (isinstance(value, bool) or (key == "multipleOf" and value <= 0)):
            continue
        elif key == "required":
            plain[key] = [name for name in value if isinstance(name, str)]
        elif key in _MAPS:
            plain[key] = {name: _plain(one, longest, nodes) for name, one in value.items()}
        elif key in _DATA or not isinstance(value, (Mapping, list)):
            plain[key] = value
        elif isinstance(value, list):
            plain[key] = [_plain(one, longest, nodes) for one in value]
        else:
            plain[key] = _plain(value, longest, nodes)
    patterns = plain.get("patternProperties", {})
    if not all(_cheap(pattern, longest) for pattern in patterns):  # nothing is known of what they would have matched
        plain = {k: v for k, v in plain.items() if k not in _OTHERS}
    return _nullable(plain)


def _nullable(plain: dict[str, Any]) -> dict[str, Any]:
    if plain.pop("nullable", None) is not True:
        return plain
    if "type" not in plain:
        return {"anyOf": [plain, {"type": ["null"]}]}
    plain["type"] = [*plain["type"], "null"]
    if "enum" in plain:
        plain["enum"] = [*plain["enum"], None]
    return plain


def _measure(value: object) -> tuple[int, int]:
    """The length of the longest name in a value, and how many values there are in it."""
    longest, size, todo = 0, 0, [value]
    while todo:
        size += 1
        match todo.pop():
            case Mapping() as members:
                longest = max(longest, *map(len, members), 0)
                todo.extend(members.values())
            case list() as items:
                todo.extend(items)
    return longest, size


_ATOM = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.S)
_CHOICE = re.compile(r"(?P<group>\))?(?:[*+]|\{(?P<low>\d{0,9})(?P<to>,?)(?P<high>\d{0,9})\})|(?<!\()\?|\|")


def _cheap(pattern: str, length: int) -> bool:
    """Whether searching `length` characters takes a second at most: its ways to backtrack, counted from above.

    Python's matcher tries every way to divide a text among the repeats, and cannot be stopped while it does.
    """
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return False
    ways, rounds = 1.0, 1.0
    for choice in _CHOICE.finditer(_ATOM.sub("x", pattern)):
        low, high = choice["low"] or "0", choice["high"] or str(length)
        if choice["to"] == "" and choice["low"]:
            high = low
        most = min(float(high), length + 1.0)
        repeated = choice["group"] or choice[0] not in "?|"
        ways *= max(most - float(low), 0) + 1 if repeated else 2
        rounds *= max(most, 1) if choice["group"] else 1
    return math.log10(length + 1) + rounds * math.log10(ways) < 8


# --- sentences

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


def _sentences(error: Any) -> Iterator[str]:
    where = _where(error.absolute_path)
    match error.validator:
        case "required":
            missing = (name for name in error.validator_value if name not in error.instance)
            yield from (f"{_where([*error.absolute_path, name])} is required but missing" for name in missing)
        case "additionalProperties" if error.validator_value is False:
            known = error.schema.get("properties", {})
            word = "property" if error.absolute_path else "parameter"
            patterns = error.schema.get("patternProperties", {})
            for name in error.instance:
                if name not in known and not any(re.search(pattern, name) for pattern in patterns):
                    yield f"{_where([*error.absolute_path, name])} is not a {word}; {_allowed(known)}"
        case "anyOf" | "oneOf":
            yield from _alternatives(error, where)
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
    return _PHRASES.get(error.validator, "").format(_show(wanted))


def _alternatives(error: Any, where: str) -> Iterator[str]:
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
            yield from _sentences(one)
    else:
        yield f"{where} fits more than one of the forms that exclude each other"


def _allowed(known: Iterable[str]) -> str:
    names = [f"`{_cut(name)}`" for name in islice(known, _SENTENCES)]
    return f"allowed: {', '.join(names)}" if names else "none are allowed"


def _where(path: Iterable[str | int]) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{_cut(step)}" for step in path)
    joined = "".join(steps).removeprefix(".")
    return f"`{joined}`" if joined else "the arguments"


def _show(value: object) -> str:
    shown = ""
    for part in json.JSONEncoder(ensure_ascii=False, default=str).iterencode(value):
        shown += part[: _SHOWN + 1]
        if len(shown) > _SHOWN:
            break
    return _cut(shown)


def _cut(text: str, most: int = _SHOWN) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
