"""Anything people already have -> Tool, and the one place where a tool's function runs.

One rule: a tool comes in whole or not at all. Whatever is wrong with one is a ToolglotError that names its place,
what was expected, what came and what to do. The shapes are OpenAI's (Chat and Responses), Anthropic's and MCP's.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import json
import sys
import threading
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .message import Tool, ToolglotError
from .schema import resolve, type_name, types_of
from .signatures import bind, describe, is_model, model_schema

_LONGEST_NAME = 256
_SHOWN_GRAMMAR = 2_000  # characters of a custom tool's grammar that the model is told
_SHAPES = (
    "a Tool, a Python function, a pydantic model, or a tool in OpenAI's, Anthropic's or MCP's shape, "
    'such as {"type": "function", "function": {"name": …, "description": …, "parameters": {…}}}'
)


class ToolRunError(ToolglotError):
    """A tool's function did not give a result: one line that says why, fit to be shown to the model."""


def as_tools(x: object) -> tuple[Tool, ...]:
    """The tools in what the caller has: one or a list of a Tool, function, pydantic model or dict of a known shape.

    A dict may also hold a list of them under "tools" or "functions". `raw` of a tool in OpenAI's chat shape is that
    dict itself. Raises ToolglotError with the place (`tools[1]`) for whatever is no tool, and for two of one name.
    """
    return _named_once(_each(x, "tools", top=True))


def _named_once(found: Iterable[tuple[str, Tool]]) -> tuple[Tool, ...]:
    tools: dict[str, tuple[str, Tool]] = {}
    for place, tool in found:
        if tool.name in tools:
            first = tools[tool.name][0]
            raise ToolglotError(
                f"{place}: expected a name of its own, found {tool.name!r}, which {first} has already; rename one"
            )
        tools[tool.name] = place, tool
    return tuple(tool for _, tool in tools.values())


def _each(x: Any, place: str, top: bool = False) -> Iterator[tuple[str, Tool]]:
    if x is None and top:
        return
    if isinstance(x, Mapping) and "name" not in x and "function" not in x and "type" not in x:
        for key in ("tools", "functions"):
            if key in x:
                if not isinstance(x[key], (list, tuple)):
                    raise _wrong(f"{place}.{key}" if not top else key, "a list of tools", x[key], "put them in a list")
                yield from _each(x[key], place if top else f"{place}.{key}")
                return
    if isinstance(getattr(x, "tools", None), list):  # what an MCP client's list_tools gives
        x = x.tools
    if not isinstance(x, Iterable) or isinstance(x, (str, bytes, Mapping, type)) or hasattr(x, "name"):
        yield place, _tool(x, place)
        return
    for n, one in enumerate(x):
        yield from _each(one, f"{place}[{n}]")


def _tool(x: Any, place: str) -> Tool:
    if isinstance(x, Tool):
        tool = _checked(x.name, x.description, x.parameters, x.raw or None, place)
        return dataclasses.replace(tool, function=x.function, format=x.format)
    if isinstance(x, Mapping):
        return _from_dict(x, place)
    if is_model(x):
        parameters = {"type": "object", **model_schema(x)}  # the type first, as people write it
        description = parameters.pop("description", None)
        return _checked(x.__name__, description, parameters, None, place)
    if inspect.isroutine(x):
        return _from_function(x, place)
    schema = getattr(x, "inputSchema", None) or getattr(x, "input_schema", None)  # an object of an MCP library
    if not isinstance(x, type) and isinstance(schema, Mapping) and hasattr(x, "name"):
        return _checked(x.name, getattr(x, "description", None), schema, None, place)
    hint = "load a file with load_tools" if isinstance(x, (str, Path)) else "give one of these"
    raise _wrong(place, _SHAPES, x, hint)


def _from_function(function: Callable[..., Any], place: str) -> Tool:
    if function.__name__ == "<lambda>":
        raise ToolglotError(f"{place}: expected a function with a name, found a lambda; write it with def")
    try:
        description, parameters = describe(function)
    except ToolglotError as error:
        raise ToolglotError(f"{place}: {error}") from None
    tool = _checked(function.__name__, description or None, parameters, None, place)
    return dataclasses.replace(tool, function=function)


def _from_dict(x: Mapping[str, Any], place: str) -> Tool:
    kind = x.get("type")
    if kind == "custom" and "input_schema" not in x:        # Anthropic says it of every tool of the user's
        return _custom(x, place)
    if "function" in x and kind in (None, "function"):
        inner, place = x["function"], f"{place}.function"
        if not isinstance(inner, Mapping):
            raise _wrong(place, "an object with a name and parameters", inner, "describe the function there")
        key = _schema_key(inner, place)
        return _checked(inner.get("name"), inner.get("description"), inner.get(key or ""), x, place, key)
    key = _schema_key(x, place)
    if key is None and kind not in (None, "function"):
        fix = "leave it out: only functions can be called here"
        raise ToolglotError(f"{place}: expected a tool of type function, found one of type {_shown(kind)}; {fix}")
    if key is None and "name" not in x and "type" not in x:
        raise _wrong(place, _SHAPES, x, "write it as one of these")
    raw = {"type": "function", "function": x} if key in (None, "parameters") and kind is None else None
    return _checked(x.get("name"), x.get("description"), x.get(key or ""), raw, place, key)


def _custom(x: Mapping[str, Any], place: str) -> Tool:
    """OpenAI's custom tool, in the shape of Responses or of Chat: a function of one text, `input`."""
    if "custom" in x:
        x, place = x["custom"], f"{place}.custom"
        if not isinstance(x, Mapping):
            raise _wrong(place, "an object with a name", x, "describe the tool there")
    given = x.get("format")
    given = {"type": "text"} if given is None else given
    shape = '{"type": "text"} or {"type": "grammar", "syntax": "lark", "definition": "…"}'
    if not isinstance(given, Mapping) or given.get("type") not in ("text", "grammar"):
        raise _wrong(f"{place}.format", shape, given, "write it as one of these")
    held: tuple[str, str] | None = None
    if given["type"] == "grammar":
        inner = given.get("grammar", given)
        if not isinstance(inner, Mapping) or inner.get("syntax") not in ("lark", "regex") or not isinstance(
                inner.get("definition"), str):
            raise _wrong(f"{place}.format", shape, given, "the syntax is lark or regex, the definition a text")
        held = inner["syntax"], inner["definition"]
    words = "The text that the tool is given."
    if held and len(held[1]) <= _SHOWN_GRAMMAR:
        words = f"The text that the tool is given, in this grammar ({held[0]}):\n{held[1]}"
    schema = {"type": "object", "properties": {"input": {"type": "string", "description": words}}, "required": ["input"],
              "additionalProperties": False}
    return dataclasses.replace(_checked(x.get("name"), x.get("description"), schema, None, place), format=held)


def _schema_key(x: Mapping[str, Any], place: str) -> str | None:
    """Where the schema is; None for a function without arguments, unless some member looks like a misspelt schema."""
    for key in ("parameters", "input_schema", "inputSchema"):
        if key in x:
            return key
    for key, value in x.items() if "name" in x else ():
        if isinstance(value, Mapping) and ("param" in key.lower() or "properties" in value) and "utput" not in key:
            raise ToolglotError(f"{place}: expected the schema under `parameters`, found it under `{key}`; rename that")
    return None


def _checked(name: Any, description: Any, schema: Any, raw: Any, place: str, key: str | None = None) -> Tool:
    """The Tool of these parts, each of them looked at; without a `raw`, one in OpenAI's shape is written."""
    _check_name(name, place)
    place = f"{place} ({name})"
    if not isinstance(description, (str, type(None))):
        raise _wrong(f"{place}.description", "a string", description, "say in words what the tool does")
    parameters = _parameters(schema, f"{place}.{key or 'parameters'}")
    if raw is None:
        words = {} if description is None else {"description": description}
        given = {} if schema is None else {"parameters": schema}
        raw = {"type": "function", "function": {"name": name, **words, **given}}
    return Tool(name, description or "", parameters, raw)


def _check_name(name: Any, place: str) -> None:
    if name is None:
        raise ToolglotError(f"{place}: expected a tool with a name, found none; give it a `name`")
    if not isinstance(name, str) or not name:
        raise _wrong(f"{place}.name", "a name", name, "use letters, digits, _ and -")
    if len(name) > _LONGEST_NAME:
        found = f"{len(name)} of them, {_shown(name)}"
        raise ToolglotError(f"{place}.name: expected at most {_LONGEST_NAME} characters, found {found}; shorten it")
    bad = next((c for c in name if c.isspace() or not c.isprintable() or c in "\"'`"), None)
    if bad is not None:
        what = "no spaces, quotes or control characters"
        fix = "use letters, digits, _ and -"
        raise ToolglotError(f"{place}.name: expected {what}, found {bad!a} in {_shown(name)}; {fix}")


def _parameters(schema: Any, place: str) -> dict[str, Any]:
    """The schema as one of type object, its members looked at as far as a tool's author gets them wrong."""
    if schema is None:
        return {"type": "object", "properties": {}}
    if not isinstance(schema, Mapping):
        raise _wrong(place, 'a JSON schema, {"type": "object", "properties": {…}}', schema, "write an object")
    given = schema.get("type")
    types = types_of(schema, schema)
    if (given is not None and types is None and type_name(given) != "object") or "object" not in (types or ["object"]):
        fix = 'describe the arguments as members: {"type": "object", "properties": {…}}'
        raise _wrong(f"{place}.type", '"object"', given if given is not None else list(types or ()), fix)
    parameters = resolve(schema, schema)
    parameters = {**({} if "type" in parameters else {"type": "object"}), **parameters, "type": "object"}
    if "properties" not in parameters and not any(word in parameters for word in ("anyOf", "oneOf", "allOf")):
        parameters["properties"] = {}
    _check_members(parameters, place)
    return parameters


def _check_members(parameters: Mapping[str, Any], place: str) -> None:
    properties, required = parameters.get("properties", {}), parameters.get("required", [])
    if not isinstance(properties, Mapping):
        raise _wrong(f"{place}.properties", "an object of schemas by name", properties, 'write {"city": {…}}')
    for name, one in properties.items():
        if not isinstance(one, (Mapping, bool)):
            fix = 'write {"type": "string"}, say'
            raise _wrong(f"{place}.properties.{name}", "a JSON schema", one, fix)
    if not isinstance(required, (list, tuple)) or not all(isinstance(name, str) for name in required):
        raise _wrong(f"{place}.required", "a list of names", required, 'write ["city"], say')


def _wrong(place: str, expected: str, found: Any, fix: str) -> ToolglotError:
    return ToolglotError(f"{place}: expected {expected}, found {_shown(found)}; {fix}")


def _shown(value: Any) -> str:
    if isinstance(value, type):
        return f"the class {value.__name__}"
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = f"an object of type {type(value).__name__}"
    return text if len(text) <= 80 else text[:79] + "…"


# --- files of tools


def load_tools(path: str | Path) -> tuple[Tool, ...]:
    """The public functions of a Python file, or the tools in a JSON file of any shape that `as_tools` reads.

    Public is what `__all__` names, else every function defined there whose name has no leading underscore.
    The Python file is run. Raises ToolglotError, one line with the file and, where there is one, the line.
    """
    path = Path(path)
    if path.suffix not in (".py", ".json"):
        raise ToolglotError(f"{path}: expected a .py or .json file, found {path.suffix or 'none'}; rename it")
    try:
        source = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ToolglotError(f"{path}: expected a file of tools, found no such file; check the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ToolglotError(f"{path}: expected a text file in UTF-8, found {_line(error)}") from None
    tools = _read_json(source, path) if path.suffix == ".json" else _read_python(source, path)
    if not tools:
        raise ToolglotError(f"{path}: expected at least one tool, found none; {_NONE[path.suffix]}")
    return tools


_NONE = {".py": "define a function whose name does not begin with _", ".json": "put a tool into the list"}


def _read_json(source: str, path: Path) -> tuple[Tool, ...]:
    try:
        found = json.loads(source)
    except json.JSONDecodeError as error:
        raise ToolglotError(f"{path}:{error.lineno}:{error.colno}: expected JSON, found: {error.msg}") from None
    except (RecursionError, ValueError) as error:
        raise ToolglotError(f"{path}: expected JSON that can be read, found {_line(error)}") from None
    return _in_file(found, path)


def _in_file(found: object, path: Path) -> tuple[Tool, ...]:
    try:
        return as_tools(found)
    except ToolglotError as error:
        raise ToolglotError(f"{path}: {error}") from None


def _read_python(source: str, path: Path) -> tuple[Tool, ...]:
    module = _run_file(source, path)
    members = vars(module)
    if "__all__" in members:
        names = list(map(str, members["__all__"]))
        for name in names:
            if name not in members:
                raise ToolglotError(f"{path}: expected what __all__ names, found no {name}; define it or take it out")
        found = [members[name] for name in names if inspect.isroutine(members[name])]
    else:
        public = [one for name, one in members.items() if not name.startswith("_") and inspect.isfunction(one)]
        found = [one for one in public if one.__module__ == module.__name__ and one.__name__ != "<lambda>"]
    return _in_file(list(dict.fromkeys(found)), path)


def _run_file(source: str, path: Path) -> types.ModuleType:
    """The file as a module of a name that no other has; its folder can be imported from while it runs."""
    tries = (f"toolglot_{path.stem}_{n}" for n in range(sys.maxsize))
    module = types.ModuleType(next(name for name in tries if name not in sys.modules))
    module.__file__ = str(path.resolve())
    folder = str(path.resolve().parent)
    sys.modules[module.__name__] = module  # dataclasses and get_type_hints look their module up by name
    sys.path.insert(0, folder)
    try:
        exec(compile(source, module.__file__, "exec", dont_inherit=True), vars(module))
    except SyntaxError as error:
        del sys.modules[module.__name__]
        file = path if error.filename in (module.__file__, None) else error.filename
        where = f"{file}:{error.lineno}" if error.lineno else str(file)
        raise ToolglotError(f"{where}: expected Python, found a syntax error: {error.msg}") from None
    except (Exception, SystemExit) as error:
        del sys.modules[module.__name__]
        said = _report(error, module.__file__)
        raise ToolglotError(f"{path}: expected a file that can be imported, found {said}") from None
    finally:
        if folder in sys.path:
            sys.path.remove(folder)
    return module


# --- running


async def run_call(tool: Tool, arguments: Mapping[str, Any], timeout: float | None = None) -> str:
    """Run the tool's function and give its result as text: a string as it is, else JSON, else `str`.

    `timeout` is in seconds. A function that is not async runs in a daemon thread of its own: nothing waits for one
    that hangs, though nothing can stop it either. Raises ToolRunError with one line for whatever goes wrong.
    """
    import asyncio  # 40 ms, which whoever only reads and writes need not spend

    function = tool.function
    if function is None:
        raise ToolRunError(f"{tool.name}: expected a function behind the tool, found none; load it from a Python file")
    try:
        given = bind(function, arguments)
    except Exception as error:  # a dataclass's own checks may raise anything
        raise ToolRunError(f"{tool.name}: expected arguments that fit the function, found: {_line(error)}") from None
    task = asyncio.ensure_future(_outcome(function, given))
    try:
        await asyncio.wait({task}, timeout=timeout)
    finally:
        late = not task.done()
        task.cancel()
    if late:
        raise ToolRunError(f"{tool.name}: expected a result within {timeout:g} seconds, found none; it was given up")
    result, raised = (None, asyncio.CancelledError("it was cancelled")) if task.cancelled() else task.result()
    if raised is not None:
        raise ToolRunError(_report(raised, _file(function)))
    try:
        return _text(result)
    except Exception as failed:  # a stranger's __str__
        raise ToolRunError(_report(failed, _file(function))) from None


Outcome = tuple[Any, "BaseException | None"]


async def _outcome(function: Callable[..., Any], given: dict[str, Any]) -> Outcome:
    """What the function returned or raised. As a value: SystemExit would end the loop, StopIteration confuse it."""
    is_async = inspect.iscoroutinefunction(function)
    result, error = (function(**given), None) if is_async else await _in_thread(function, given)
    if error is None and inspect.isawaitable(result):
        try:
            return await result, None
        except (Exception, SystemExit) as raised:
            return None, raised
    return result, error


async def _in_thread(function: Callable[..., Any], given: dict[str, Any]) -> Outcome:
    import asyncio
    import contextlib
    import contextvars

    loop = asyncio.get_running_loop()
    done: asyncio.Future[Outcome] = loop.create_future()
    context = contextvars.copy_context()

    def tell(outcome: Outcome) -> None:
        if not done.done():
            done.set_result(outcome)

    def work() -> None:
        try:
            outcome: Outcome = (context.run(function, **given), None)
        except BaseException as error:  # SystemExit among them: it must not end a thread in silence
            outcome = (None, error)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any longer
            loop.call_soon_threadsafe(tell, outcome)

    threading.Thread(target=work, daemon=True).start()
    return await done


def _text(result: Any) -> str:
    if isinstance(result, enum.Enum):
        result = result.value
    if isinstance(result, str):
        return result
    try:
        return json.dumps(result, ensure_ascii=False, allow_nan=False, default=_jsonable)
    except (TypeError, ValueError, RecursionError):
        return str(result)


def _jsonable(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if hasattr(value, "model_dump") and not isinstance(value, type):
        return value.model_dump(mode="json")
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=repr)
    if isinstance(value, Mapping):
        return dict(value)
    if type(value).__module__ in ("datetime", "decimal", "uuid", "pathlib", "pathlib._local"):
        return str(value) if not hasattr(value, "isoformat") else value.isoformat()
    raise TypeError


def _file(function: Callable[..., Any]) -> str:
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code.co_filename if code else ""


def _report(error: BaseException, file: str) -> str:
    """TypeName: message (file:line), the line being the last one of `file` on the way to the error."""
    places = []
    trace = error.__traceback__
    while trace is not None:
        places.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    own = [place for place in places if place[0] == file] or places[-1:]
    where = f" ({Path(own[-1][0]).name}:{own[-1][1]})" if own else ""
    return f"{type(error).__name__}: {_line(error)}{where}" if _line(error) else f"{type(error).__name__}{where}"


def _line(error: BaseException) -> str:
    try:
        text = " ".join(str(error).split())
    except Exception:
        text = "(its message cannot be shown)"
    return text if len(text) <= 500 else text[:499] + "…"
