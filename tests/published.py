"""Published chat templates, run as `transformers` runs them, and conversations to run them on.

`published` is the judge of law 6 (a dialect's prompt is byte-equal to its model's own template); `conversations`
generates what it judges. The templates lie in `shared/templates`, beside the repository: without them these tests skip.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import jinja2
import pytest
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment, SandboxedEnvironment

SHARED = Path(__file__).resolve().parents[2] / "shared"
TODAY = datetime(2024, 7, 26)

Message = dict[str, Any]
Tool = dict[str, Any]
Conversation = tuple[list[Message], "list[Tool] | None"]

# -- templates --------------------------------------------------------------------------------------------


def shared_or_skip() -> Path:
    """The directory beside the repository that holds the templates; skips the test where there is none."""
    if not SHARED.is_dir():
        pytest.skip(f"no published chat templates here: {SHARED} does not exist", allow_module_level=True)
    return SHARED


def published(
    name: str,
    messages: Sequence[Mapping[str, Any]],
    tools: Sequence[Mapping[str, Any]] | None = None,
    *,
    add_generation_prompt: bool = False,
    date: datetime = TODAY,
    flatten: bool = False,
    **kwargs: Any,
) -> str:
    """What the template `shared/templates/<name>.jinja` makes of a conversation.

    `kwargs` are template variables, bos_token and eos_token among them: as in transformers, one that is not given
    is undefined. `flatten` takes out the template's own indentation, see `flattened`.
    """
    template = stored(name, flatten)
    return render(template, messages, tools, add_generation_prompt=add_generation_prompt, date=date, **kwargs)


def render(
    template: jinja2.Template,
    messages: Sequence[Mapping[str, Any]],
    tools: Sequence[Mapping[str, Any]] | None = None,
    *,
    add_generation_prompt: bool = False,
    date: datetime = TODAY,
    **kwargs: Any,
) -> str:
    """Run a compiled template with the variables that transformers' apply_chat_template passes."""
    return template.render(
        messages=messages,
        tools=tools,
        documents=None,
        add_generation_prompt=add_generation_prompt,
        strftime_now=date.strftime,
        **kwargs,
    )


def compiled(source: str, sandbox: type[SandboxedEnvironment] = ImmutableSandboxedEnvironment) -> jinja2.Template:
    """A template's text, compiled in transformers' environment (utils/chat_template_utils.py, 4.43 to 5.x)."""
    environment = sandbox(trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols])
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _raise_exception
    return environment.from_string(source)


def flattened(source: str) -> str:
    """The template without white space between two tags: indentation that a copy's editor forgot to trim away.

    Text between tags is kept where it is anything but white space, so this only suits templates that print
    no white space of their own outside `{{ }}`.
    """
    return re.sub(r"(?<=[%}]\})\s+(?=\{[%{]|\Z)", "", source)


def source(name: str) -> str:
    """The text of the template `shared/templates/<name>.jinja`; of macros and a template, where `+` joins their names."""
    files = [part if part.endswith(".jinja2") else f"{part}.jinja" for part in name.split("+")]
    return "".join([(shared_or_skip() / "templates" / file).read_text(encoding="utf-8") for file in files])


@cache
def stored(name: str, flatten: bool) -> jinja2.Template:
    text = source(name)
    # llama.cpp lets a template change its lists, transformers does not
    sandbox = SandboxedEnvironment if name.startswith("llamacpp__") else ImmutableSandboxedEnvironment
    return compiled(flattened(text) if flatten else text, sandbox)


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    # jinja's own filter escapes <>&' for HTML and sorts keys
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _raise_exception(message: str) -> None:
    raise jinja2.TemplateError(message)


class _Generation(Extension):
    """`{% generation %}…{% endgeneration %}` marks what is trained on; it prints what is inside."""

    tags = {"generation"}

    def parse(self, parser: Any) -> Any:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        # transformers makes it a call block, whose variables are scoped to it; so does this
        return jinja2.nodes.CallBlock(self.call_method("_inside"), [], [], body).set_lineno(line)

    def _inside(self, caller: Callable[[], str]) -> str:
        return caller()


# -- strings ----------------------------------------------------------------------------------------------

PHRASES = (
    "What is the weather in Paris?",
    "Get the current weather.",
    "22.0",
    '{"temp": 22.0, "unit": "°C"}',
    "[1, 2]",
    "null",
    "天気はどう？🌧️",
    "Grüße aus Köln",
    "مرحبا",
    'He said "it\'s fine" \\o/',
    "a < b && c > d",
    "<b>bold</b>",
    "two\nlines",
    "\n\tindented\n",
    " spaces ",
    "{{ braces }} {% tag %}",
    "```json\n{}\n```",
    "line\u2028separator",
    "true",
)
MARKUP = (
    "<think>",
    "</think>",
    "<tool_call>",
    "</tool_call>",
    "<tool_response>",
    "</tool_response>",
    "<|im_end|>",
    "<|eot_id|>",
    "<|python_tag|>",
    "[TOOL_CALLS]",
    "[/INST]",
    "</s>",
    "<|channel|>final<|message|>",
    "<|end|>",
    "<function=f>",
    "</parameter>",
    "<tool_call>f\n<arg_key>",
    "<｜tool▁calls▁begin｜>",
    "<｜end▁of▁sentence｜>",
    "/no_think",
)


def strings(
    *, trimmed: bool = False, nonempty: bool = False, avoid: Collection[str] = (), markup: bool = False
) -> st.SearchStrategy[str]:
    """Short strings, realistic and odd. `avoid` names substrings, a quote for instance, that none contains.

    `trimmed`: no white space at either end. `markup`: some hold what dialects mean something by.
    """
    return _strings(trimmed, nonempty, tuple(avoid), markup)


@cache
def _strings(trimmed: bool, nonempty: bool, avoid: tuple[str, ...], markup: bool) -> st.SearchStrategy[str]:
    # cached: to build a strategy takes longer than to draw from it
    pool = _without(PHRASES, avoid)
    letters = st.characters(exclude_categories=["Cs"], exclude_characters=[a for a in avoid if len(a) == 1])
    kinds = [st.text(letters, max_size=8)]
    if pool:
        kinds.insert(0, st.sampled_from(pool))
    if markup:
        bits = _without((*MARKUP, " ", "\n", "words"), avoid)
        kinds.append(st.lists(st.sampled_from(bits), min_size=1, max_size=3).map("".join))
    made = st.one_of(kinds)
    if trimmed:
        made = made.map(str.strip)
    if nonempty:
        made = made.map(lambda text: text or "ok")
    return made.filter(lambda text: not any(a in text for a in avoid))


def _without(pool: Sequence[str], avoid: Collection[str]) -> list[str]:
    return [text for text in pool if not any(a in text for a in avoid)]


# -- tools ------------------------------------------------------------------------------------------------

FUNCTIONS = ("get_weather", "sendEmail", "search-flights", "convert2", "lookup", "a")
PARAMETERS = ("city", "unit", "days", "q", "max_results", "startDate", "options", "tags", "from", "items", "type", "名")
ENUMS = (["celsius", "fahrenheit"], ["a"], ["größer", 'q"uote', "<x>", "z"])
NUMBERS = (22.0, 0.5, -1.25e-07, 1e22, -0.0)


@st.composite
def tool_lists(
    draw: st.DrawFn,
    *,
    min_tools: int = 0,
    max_tools: int = 3,
    any_of: bool = False,
    depth: int = 2,
    descriptions: st.SearchStrategy[str] | None = None,
    avoid: Collection[str] = (),
) -> list[Tool]:
    """Tools in OpenAI's shape, of different names. `any_of` allows anyOf, type lists and nullable in schemas."""
    words = strings(avoid=avoid) if descriptions is None else descriptions
    rest: dict[str, Any] = {"any_of": any_of, "descriptions": words, "avoid": tuple(avoid)}
    names = draw(st.lists(st.sampled_from(FUNCTIONS), min_size=min_tools, max_size=max_tools, unique=True))
    return [
        {
            "type": "function",
            "function": {
                "name": name,
                "description": draw(words),
                "parameters": draw(_objects(depth, rest)),
            },
        }
        for name in names
    ]


@st.composite
def _objects(draw: st.DrawFn, depth: int, rest: dict[str, Any]) -> dict[str, Any]:
    keys = draw(st.lists(st.sampled_from(PARAMETERS), max_size=3, unique=True))
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {key: draw(schemas(depth=depth, **rest)) for key in keys},
    }
    wanted: set[str] = draw(st.sets(st.sampled_from(keys))) if keys else set()
    required = [key for key in keys if key in wanted]
    listed: bool = draw(st.booleans())
    if required or listed:
        schema["required"] = required
    if draw(st.integers(0, 3)) == 3:
        schema["additionalProperties"] = False
    return schema


@st.composite
def schemas(
    draw: st.DrawFn,
    *,
    depth: int = 2,
    any_of: bool = False,
    descriptions: st.SearchStrategy[str] | None = None,
    avoid: Collection[str] = (),
) -> dict[str, Any]:
    """One parameter's JSON schema, at most `depth` objects and arrays deep."""
    words = strings(avoid=avoid) if descriptions is None else descriptions
    rest: dict[str, Any] = {"any_of": any_of, "descriptions": words, "avoid": avoid}
    kinds = ["string", "integer", "number", "boolean", "enum"]
    kinds += ["array", "object"] * (depth > 0) + ["anyOf", "types", "nullable"] * any_of
    kind = draw(st.sampled_from(kinds))
    schema: dict[str, Any] = {"type": kind}
    if kind == "array":
        schema["items"] = draw(schemas(depth=depth - 1, **rest))
    elif kind == "object":
        schema = draw(_objects(depth - 1, rest))
    elif kind == "enum":
        schema = {"type": "string", "enum": _without(draw(st.sampled_from(ENUMS)), avoid)}
    elif kind == "anyOf":
        schema = {"anyOf": [draw(schemas(depth=0, descriptions=words, avoid=avoid)), {"type": "null"}]}
    elif kind == "types":
        schema = {"type": ["string", "integer"]}
    elif kind == "nullable":
        schema = {"type": "string", "nullable": True}
    if draw(st.integers(0, 3)):
        schema["description"] = draw(words)
    if kind in ("string", "integer", "number", "boolean", "enum") and draw(st.integers(0, 3)) == 3:
        schema["default"] = _value(draw, schema, strings(avoid=avoid))
    return schema


def _arguments(draw: st.DrawFn, schema: Mapping[str, Any], text: st.SearchStrategy[str]) -> dict[str, Any]:
    required = schema.get("required", ())
    return {
        key: _value(draw, spec, text)
        for key, spec in schema.get("properties", {}).items()
        if key in required or draw(st.booleans())
    }


def _value(draw: st.DrawFn, schema: Mapping[str, Any], text: st.SearchStrategy[str]) -> Any:
    """A value that is valid under a schema that `schemas` made."""
    if "anyOf" in schema:
        return _value(draw, draw(st.sampled_from(schema["anyOf"])), text)
    if "enum" in schema:
        return draw(st.sampled_from(schema["enum"]))
    kind = schema["type"]
    if isinstance(kind, list):
        kind = draw(st.sampled_from(kind))
    if schema.get("nullable") and draw(st.booleans()):
        kind = "null"
    if kind == "object":
        return _arguments(draw, schema, text)
    if kind == "array":
        return [_value(draw, schema["items"], text) for _ in range(draw(st.integers(0, 2)))]
    return draw(text if kind == "string" else SCALARS[kind])


SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "integer": st.integers(-20, 20) | st.just(2**53 + 1),
    "number": st.sampled_from(NUMBERS) | st.integers(-5, 5),
    "boolean": st.booleans(),
    "null": st.none(),
}

# -- conversations ----------------------------------------------------------------------------------------

ABSENT = object()
"""In `no_content`: the message has no "content" at all."""


def numbered(count: int, name: str) -> str:
    """The id of a conversation's call number `count`: nine alphanumeric characters, as Mistral wants them."""
    return f"call{count:05d}"


@st.composite
def conversations(
    draw: st.DrawFn,
    *,
    system: bool | str = True,
    parallel: bool = True,
    content_with_calls: bool = True,
    no_content: Sequence[Any] = ("", None),
    reasoning: bool | str = False,
    ends: str | Sequence[str] = "any",
    args: st.SearchStrategy[dict[str, Any]] | None = None,
    arguments_strings: bool = False,
    ids: Callable[[int, str], str] = numbered,
    min_tools: int = 0,
    max_tools: int = 3,
    any_of: bool = False,
    depth: int = 2,
    descriptions: st.SearchStrategy[str] | None = None,
    trimmed: bool = False,
    nonempty: bool = False,
    avoid: Collection[str] = (),
    markup: bool = False,
    rounds: int = 3,
    steps: int = 2,
) -> Conversation:
    """(messages, tools) as OpenAI's API has them, but for `arguments`, which are dicts; no tools are None.

    A conversation is up to `rounds` rounds of: user, up to `steps` times (assistant with calls, their results),
    assistant. The last round stops at its end in `ends`: "user", "tool", "calls" (an assistant turn with calls
    and no results) or "assistant"; "any" is each of them but "calls".

    system: some conversations begin with a system message; "always": all do. parallel: some turns have several calls.
    content_with_calls: some turns with calls say something too; the content of the others is one of `no_content`.
    reasoning: some assistant turns have "reasoning_content", or whichever key is given.
    args: where arguments come from, if not from the tool's schema. arguments_strings: they are JSON text.
    trimmed, nonempty: all contents (and reasoning) are. avoid: nor do they, arguments or descriptions contain these.
    markup: some hold dialects' markers.
    """
    text = strings(trimmed=trimmed, nonempty=nonempty, avoid=avoid, markup=markup)
    loose = strings(avoid=avoid, markup=markup)
    tools = draw(
        tool_lists(
            min_tools=max(min_tools, _needs_tools(ends)),
            max_tools=max_tools,
            any_of=any_of,
            depth=depth,
            descriptions=loose if descriptions is None else descriptions,
            avoid=avoid,
        )
    )
    silence = st.sampled_from(no_content)
    said = _Said(
        text=text,
        beside_calls=text | silence if content_with_calls else silence,
        arguments=args,
        values=loose,
        most_calls=3 if parallel else 1,
        reasoning=_key(reasoning),
        ids=ids,
    )
    end = draw(st.sampled_from(_ends(ends, bool(tools))))
    if system == "always" or (system and draw(st.booleans())):
        said.messages.append({"role": "system", "content": draw(text)})
    for left in reversed(range(draw(st.integers(1, rounds)))):
        said.round(draw, tools, steps, "assistant" if left else end)
    return api_shape(said.messages) if arguments_strings else said.messages, tools or None


def api_shape(messages: Sequence[Mapping[str, Any]]) -> list[Message]:
    """The same conversation with each call's arguments as JSON text, as OpenAI's API gives and takes them."""
    return [
        {**message, "tool_calls": [_api_call(call) for call in message["tool_calls"]]}
        if "tool_calls" in message
        else dict(message)
        for message in messages
    ]


def _api_call(call: Mapping[str, Any]) -> dict[str, Any]:
    given = call["function"]["arguments"]
    arguments = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    return {**call, "function": {**call["function"], "arguments": arguments}}


def _key(reasoning: bool | str) -> str:
    return reasoning if isinstance(reasoning, str) else "reasoning_content" if reasoning else ""


def _needs_tools(ends: str | Sequence[str]) -> bool:
    wanted = (ends,) if isinstance(ends, str) else ends
    return not {"any", "user", "assistant"} & set(wanted)


def _ends(ends: str | Sequence[str], tools: bool) -> list[str]:
    wanted = ["user", "tool", "assistant"] if ends == "any" else [ends] if isinstance(ends, str) else list(ends)
    return [end for end in wanted if tools or end in ("user", "assistant")]


@dataclass
class _Said:
    """A conversation while it is being generated."""

    text: st.SearchStrategy[str]
    beside_calls: st.SearchStrategy[Any]
    arguments: st.SearchStrategy[dict[str, Any]] | None
    values: st.SearchStrategy[str]
    most_calls: int
    reasoning: str
    ids: Callable[[int, str], str]
    messages: list[Message] = field(default_factory=list)
    calls: int = 0

    def round(self, draw: st.DrawFn, tools: list[Tool], steps: int, end: str) -> None:
        self.messages.append({"role": "user", "content": draw(self.text)})
        if end == "user":
            return
        least = 1 if end in ("tool", "calls") else 0
        most = draw(st.integers(least, max(steps, least))) if tools else 0
        for step in range(most):
            calls = self._calling(draw, tools)
            if end == "calls" and step == most - 1:
                return
            self.messages.extend(self._result(draw, call) for call in calls)
        if end == "assistant":
            self.messages.append(self._assistant(draw, draw(self.text)))

    def _calling(self, draw: st.DrawFn, tools: list[Tool]) -> list[dict[str, Any]]:
        count = draw(st.integers(1, self.most_calls))
        calls = [self._call(draw, draw(st.sampled_from(tools))) for _ in range(count)]
        self.messages.append({**self._assistant(draw, draw(self.beside_calls)), "tool_calls": calls})
        return calls

    def _call(self, draw: st.DrawFn, tool: Tool) -> dict[str, Any]:
        function = tool["function"]
        if self.arguments is None:
            arguments = _arguments(draw, function["parameters"], self.values)
        else:
            arguments = draw(self.arguments)
        self.calls += 1
        identity = self.ids(self.calls - 1, function["name"])
        return {"id": identity, "type": "function", "function": {"name": function["name"], "arguments": arguments}}

    def _assistant(self, draw: st.DrawFn, content: Any) -> Message:
        message: Message = {"role": "assistant"}
        if content is not ABSENT:
            message["content"] = content
        if self.reasoning and draw(st.booleans()):
            message[self.reasoning] = draw(self.text)
        return message

    def _result(self, draw: st.DrawFn, call: Mapping[str, Any]) -> Message:
        name = call["function"]["name"]
        return {"role": "tool", "tool_call_id": call["id"], "name": name, "content": draw(self.text)}
