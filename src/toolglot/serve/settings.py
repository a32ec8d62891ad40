"""What `toolglot serve` can be told: every setting once, with its default, its kind and its help.

The one rule: flags, environment, TOML, `--print-config` and the page of the documentation are all made from the fields
of `Settings`; a flag beats the environment, that beats the file, and what is unknown or of the wrong type is an error that
names its place. No setting is a key: keys stand in a file, or in a variable that a setting names.
"""

from __future__ import annotations

import difflib
import ipaddress
import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from ..engines.opening import Api
from ..message import ToolglotError
from .kinds import (
    ADDRESS,
    HOST,
    KEPT_FOR,
    NAME,
    NAMES,
    ORIGINS,
    PATH,
    SECONDS,
    SIZE,
    STORE,
    SWITCH,
    UNLIMITED,
    VARIABLE,
    Kind,
    number,
    one_of,
    whole,
)

PREFIX = "TOOLGLOT_SERVE_"
FILE = "toolglot.toml"                  # read in the working directory where nobody names another
TABLE = "serve"
HANDED = "TOOLGLOT_SETTINGS"            # the variable in which a server's processes are given its settings
UPSTREAM_KEY = "TOOLGLOT_API_KEY"       # where an upstream's key stands, if no setting says otherwise

Reasoning = Literal["reasoning_content", "reasoning", "both"]
ReasoningEvent = Literal["reasoning_text", "reasoning"]
API, REASONING = one_of(*get_args(Api)), one_of(*get_args(Reasoning))


def _setting(default: Any, kind: Kind, group: str, help: str, unset: str = "") -> Any:
    """`unset`: what it means that the setting has no value."""
    return field(default=default, metadata={"kind": kind, "group": group, "help": help, "unset": unset},
                 repr=not kind.secret)


WHERE, MODEL, WHO, KEPT, LIMITS, REPLIES, TOLD = (
    "where it listens", "the model", "who may ask", "what is kept", "limits of a worker", "replies", "logs and metrics")


@dataclass(frozen=True)
class Settings:
    """Sizes are bytes and times are seconds; None is what each setting's help says."""

    host: str = _setting("127.0.0.1", HOST, WHERE, "the address to listen on; any but this machine's own needs keys")
    port: int = _setting(8000, whole(0, 65535), WHERE, "the port; 0 takes a free one and says which")
    workers: int = _setting(1, whole(1), WHERE, "processes; each one opens the model for itself")
    page: bool = _setting(True, SWITCH, WHERE, "show the arena, a page to try formats on, at /")
    shutdown_timeout: float = _setting(30.0, SECONDS, WHERE, "how long replies may go on after the server is told to stop")

    upstream: str | None = _setting(None, ADDRESS, MODEL, "the URL of the engine to stand in front of",
                                    "the model runs in this process")
    upstream_model: str | None = _setting(None, NAME, MODEL, "the upstream's model, where it serves several",
                                          "the one that it serves")
    upstream_key_env: str | None = _setting(None, VARIABLE, MODEL, "the environment variable with the upstream's key",
                                            f"{UPSTREAM_KEY}, if there is one")
    api: Api | None = _setting(None, API, MODEL, "what kind of server the upstream is", "it is asked")  # noqa: RUF009
    model: str | None = _setting(None, PATH, MODEL, "a GGUF file, or a directory with a model of transformers",
                                 "SmolLM2-135M-Instruct, fetched once")
    dialect: str | None = _setting(None, NAME, MODEL, "a dialect or a model id", "what the model's chat template speaks")
    idiom: str | None = _setting(None, NAME, MODEL, "how a zero-shot dialect tells of the tools; `toolglot evaluate` says "
                                                    "which serves a model best", "the dialect's own")
    model_name: tuple[str, ...] = _setting((), NAMES, MODEL, "the names that the model is served by; * takes every name",
                                           "its own")
    context: int | None = _setting(None, whole(1), MODEL, "tokens of prompt and reply together", "what the model has")
    threads: int | None = _setting(None, whole(1), MODEL, "threads of the engine in this process", "the physical cores")
    slots: int | None = _setting(None, whole(1), MODEL, "requests that llama.cpp in this process answers side by side, as "
                                                    "far as the memory has room for their contexts; others wait", "one")

    keys_file: str | None = _setting(None, PATH, WHO, "a file with the API keys that may ask, one a line, # for comments",
                                     "no file of keys")
    key_env: str | None = _setting(None, VARIABLE, WHO, "the environment variable that holds such a key, or several with "
                                                        "white space between them", "no such variable")
    allow_no_key: bool = _setting(False, SWITCH, WHO, "let everybody who can reach the address ask, without a key")
    cors_origins: tuple[str, ...] = _setting((), ORIGINS, WHO, "the pages that may ask from a browser; * is every page")

    store: str | None = _setting(None, STORE, KEPT, "where responses are kept: a file, the URL of a database, or none",
                                 "a file in this platform's place for data")
    retention: float | None = _setting(30 * 86400.0, KEPT_FOR, KEPT, "how long responses are kept")

    max_body: int = _setting(20 << 20, SIZE, LIMITS, "the largest request")
    max_messages: int = _setting(2000, whole(1), LIMITS, "messages, or items, of a request")
    max_tools: int = _setting(512, whole(1), LIMITS, "tools of a request")
    max_depth: int = _setting(100, whole(1), LIMITS, "how deep the JSON of a request may be nested")
    max_concurrent: int = _setting(1024, whole(1), LIMITS, "requests at work at a time")
    max_queue: int = _setting(1024, whole(0), LIMITS, "requests that wait for their turn; those beyond it are answered 429")
    queue_timeout: float = _setting(60.0, SECONDS, LIMITS, "how long a request waits for its turn; then it is answered 503")
    request_timeout: float | None = _setting(1800.0, UNLIMITED, LIMITS, "how long a request may take, all of its reply "
                                                                        "included; then it is answered 504")

    max_output_tokens: int = _setting(4096, whole(1), REPLIES, "tokens of a reply where the request does not say")
    temperature: float = _setting(0.7, number(0, 2), REPLIES, "how freely the model writes where the request does not say")
    constrain: bool = _setting(True, SWITCH, REPLIES, "hold replies to the tools where the engine can")
    retry: int = _setting(0, whole(0, 10), REPLIES, "how often a call that breaks its schema is sent back to the model")
    hold_calls: bool = _setting(False, SWITCH, REPLIES,
                                "stream a call when it is whole; else, under a constraint, as it is written")
    reasoning_field: Reasoning = _setting("reasoning_content", REASONING, REPLIES,  # noqa: RUF009
                                          "what reasoning is called in chat completions")
    reasoning_event: ReasoningEvent = _setting(  # noqa: RUF009
        "reasoning_text", one_of(*get_args(ReasoningEvent)), REPLIES,
        "what the Responses API's events for it are called: as OpenAI's clients know them, or as Open Responses has them")

    log_level: str = _setting("info", one_of("debug", "info", "warning", "error"), TOLD, "the least that is logged")
    log_format: str = _setting("text", one_of("text", "json"), TOLD, "lines for people, or a JSON object a line")
    metrics: bool = _setting(True, SWITCH, TOLD, "show metrics for Prometheus at /metrics")


class Found(NamedTuple):
    """The settings, and where each that has not its default comes from."""

    settings: Settings
    places: Mapping[str, str]


def read_settings(flags: Mapping[str, str | bool | None] = {}, environ: Mapping[str, str] | None = None,
                  file: str | os.PathLike[str] | None = None) -> Found:
    """The settings in force. `flags` are by the setting's name, None where they are not given; `file` is a TOML file with a
    table [serve], by default `toolglot.toml` where there is one. Errors: ToolglotError that names the place."""
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    places: dict[str, str] = {}
    for name, place, value, is_text in [*_from_file(file), *_from_environment(environ),
                                        *((name, flag(name, value), value, isinstance(value, str))
                                          for name, value in flags.items() if value is not None)]:
        values[name] = kind_of(name).read(value, place, is_text)
        places[name] = place
    settings = Settings(**values)
    _agree(settings)
    return Found(settings, places)


Given = tuple[str, str, Any, bool]      # the setting, its place, its value, and whether that is still a text to be read


def _from_file(file: str | os.PathLike[str] | None) -> list[Given]:
    path = Path(FILE if file is None else file)
    if file is None and not path.is_file():
        return []
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ToolglotError(f"{path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ToolglotError(f"{path}: expected TOML, found: {error}") from None
    loose = [name for name in found if name in KINDS]
    table = found.get(TABLE, {} if file is None else None)
    if loose or not isinstance(table, dict):
        raise ToolglotError(f"{path}: expected the settings in a table [{TABLE}], found "
                            + (f"{loose[0]!r} outside of one" if loose else "no such table"))
    for name in table:
        if name not in KINDS:
            raise ToolglotError(f"{path}, [{TABLE}]: {_unknown(name, KINDS)}")
    return [(name, f"{path}, [{TABLE}] {name}", value, False) for name, value in table.items()]


def _from_environment(environ: Mapping[str, str]) -> list[Given]:
    """An empty variable is none, for that is how compose files leave one out."""
    variables = {variable(name): name for name in KINDS}
    for one in environ:
        if one.startswith(PREFIX) and one not in variables:
            raise ToolglotError(f"the environment: {_unknown(one, variables)}")
    return [(name, one, environ[one], True) for one, name in variables.items() if environ.get(one, "")]


def _unknown(name: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"there is no setting {name}" + (f"; is it {near[0]}?" if near else f": expected one of {', '.join(known)}")


def _agree(s: Settings) -> None:
    """What settings must not be beside each other."""
    for name in ("upstream_model", "upstream_key_env", "api"):
        if s.upstream is None and getattr(s, name) is not None:
            raise ToolglotError(f"{name} is for an upstream, and none is given: expected {flag('upstream')} URL beside it")
    for name in ("model", "threads", "slots"):
        if s.upstream is not None and getattr(s, name) is not None:
            raise ToolglotError(f"{name} is for the engine in this process, and an upstream is given: leave one out"
                                + (f"; its model is named by {flag('upstream_model')}" if name == "model" else ""))


def handed_over(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings that the process which started this one has read, as `handing_over` wrote them."""
    if HANDED not in environ:
        raise ToolglotError(f"the environment has no {HANDED}: start the server with `toolglot serve`")
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value
                             for name, value in json.loads(environ[HANDED]).items()}
    return Settings(**given)


def handing_over(settings: Settings) -> dict[str, str]:
    """The environment variable that hands the settings to another process of the server."""
    return {HANDED: json.dumps(asdict(settings))}


# -- keys ------------------------------------------------------------------------------------------------------


def keys_of(settings: Settings, environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The API keys that may ask. Errors: ToolglotError for a file or a variable that holds none, for without keys the
    server would be open to everybody. No error shows a key."""
    found: dict[str, None] = {}
    if settings.keys_file is not None:
        try:
            lines = Path(settings.keys_file).expanduser().read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise ToolglotError(f"keys_file {settings.keys_file}: {why}") from None
        listed = [(f"keys_file {settings.keys_file}, line {number}", word)
                  for number, line in enumerate(lines, 1) if (word := re.split(r"(?:^|\s)#", line)[0].strip())]
        found.update(_sound(listed, f"keys_file {settings.keys_file}"))
    if settings.key_env is not None:
        words = environ.get(settings.key_env, "").split()
        found.update(_sound([("key_env", word) for word in words], "key_env: the variable that it names"))
    return tuple(found)


def _sound(listed: list[tuple[str, str]], place: str) -> dict[str, None]:
    if not listed:
        raise ToolglotError(f"{place} holds no key: expected one at least")
    for where, word in listed:
        if not re.fullmatch(r"[!-~]+", word):
            raise ToolglotError(f"{where}: expected a key, printable ASCII without spaces; this is none")
    return dict.fromkeys(word for _, word in listed)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_trusting(settings: Settings) -> bool:
    """Whether whoever can ask is trusted with more than asking: they sit at this machine, or have a key."""
    return is_loopback(settings.host) or settings.keys_file is not None or settings.key_env is not None


def upstream_key(settings: Settings, environ: Mapping[str, str] = os.environ) -> str | None:
    """The upstream's key, if it has one."""
    named = settings.upstream_key_env
    if named is not None and not environ.get(named):
        raise ToolglotError("upstream_key_env: the environment has no variable of the name that it gives")
    return environ.get(named or UPSTREAM_KEY) or None if settings.upstream is not None else None


# -- shown -----------------------------------------------------------------------------------------------------


def printed(found: Found, environ: Mapping[str, str] = os.environ) -> str:
    """The settings as TOML that can be read again, each with where it comes from. A password in the store's URL is left
    out of it."""
    lines = [f"[{TABLE}]"]
    for one in SETTINGS:
        name, value, place = one.name, getattr(found.settings, one.name), found.places.get(one.name, "default")
        if value is None and not kind_of(name).none:
            lines.append(f"# {name} is not set: {one.metadata['unset']}")
            continue
        lines.append(f"{name} = {kind_of(name).toml(value)}  # {place}{_counted(found.settings, name, environ)}")
    return "\n".join(lines) + "\n"


def _counted(settings: Settings, name: str, environ: Mapping[str, str]) -> str:
    """How many keys a setting leads to. One that leads to none is an error, so what is shown is surely no key itself."""
    if name == "upstream_key_env":
        return f"; {int(upstream_key(settings, environ) is not None)} key"
    if name not in ("keys_file", "key_env"):
        return ""
    count = len(keys_of(Settings(**{name: getattr(settings, name)}), environ))
    return f"; {count} key{'s' * (count != 1)}"


def flag(name: str, value: Any = None) -> str:
    """The setting's flag; the one that says no, where the value is False."""
    return ("--no-" if value is False else "--") + name.replace("_", "-")


def variable(name: str) -> str:
    return PREFIX + name.upper()


def default_of(one: Field[Any]) -> str:
    """What a setting is where nobody sets it, in words."""
    return str(one.metadata["unset"]) or one.metadata["kind"].shown(one.default)


def kind_of(name: str) -> Kind:
    return KINDS[name]


SETTINGS: tuple[Field[Any], ...] = fields(Settings)
KINDS: dict[str, Kind] = {one.name: one.metadata["kind"] for one in SETTINGS}
