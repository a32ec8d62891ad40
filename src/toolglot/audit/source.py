"""Whatever a person has of a model -> its chat template, and what belongs to it.

The one rule: what is not a template is said with where it was looked for, and nothing of a model is loaded but text.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..card import Card
from ..message import ToolglotError

MOST = 64 << 20                                  # bytes of a file that may hold a template
SUFFIXES = (".jinja", ".jinja2", ".j2", ".txt", ".tmpl")
CONFIG, PLAIN, LIST, MORE = ("tokenizer_config.json", "chat_template.jinja", "chat_template.json",
                             "additional_chat_templates")
FOR_TOOLS, USUAL = "tool_use", "default"         # transformers' names


class SourceError(ToolglotError):
    """There is no chat template in what was given: what it is, what was expected, what to do."""


@dataclass(frozen=True)
class Source:
    """A chat template, or a dialect in place of one.

    `text` is the template's; `name` is its own where the source holds several, which `others` names. `card` is the
    dialect's where the source is one.
    """

    title: str
    where: str
    text: str = ""
    name: str = ""
    others: tuple[str, ...] = ()
    bos: str = ""
    eos: str = ""
    card: Card | None = field(default=None, repr=False)


def open_source(given: str | os.PathLike[str], *, template: str | None = None, bos: str | None = None,
                eos: str | None = None) -> Source:
    """The chat template that `given` names or is; `-` is stdin. Raises SourceError."""
    found = _found(given, template)
    return found if bos is None and eos is None else Source(
        found.title, found.where, found.text, found.name, found.others, found.bos if bos is None else bos,
        found.eos if eos is None else eos, found.card)


def _found(given: str | os.PathLike[str], wanted: str | None) -> Source:
    text = os.fspath(given)
    if text == "-":
        return _only("stdin", "stdin", _decoded("stdin", sys.stdin.buffer.read(MOST + 1)), wanted)
    if isinstance(given, str) and _is_template(text):
        return _only("a chat template", "the text that was given", text, wanted)
    path = Path(text).expanduser()
    try:
        folder, file = path.is_dir(), path.is_file()
    except (OSError, ValueError):                # a text that no file can be named
        folder = file = False
    if folder:
        return _of_folder(path, wanted)
    if file:
        return _of_file(path, wanted)
    return _of_dialect(text, wanted)


def _is_template(text: str) -> bool:
    return "{{" in text or "{%" in text or "\n" in text or not text.strip()


def _of_dialect(text: str, wanted: str | None) -> Source:
    from ..registry import UnknownDialect, look_up

    try:
        found = look_up(text)
    except UnknownDialect as error:
        raise SourceError(f"{text[:200]}: expected a Jinja template or a file of one, a tokenizer_config.json, a model "
                          f"folder, a GGUF file or a dialect; there is no such file, and {error}") from None
    name = found.card.dialect.name
    if wanted is not None:
        raise SourceError(f"--template {wanted}: the dialect {name} is one prompt; leave it out")
    return Source(name, f"the dialect {name}", card=found.card)


def _of_file(path: Path, wanted: str | None) -> Source:
    if path.suffix == ".gguf" or _begins(path, b"GGUF"):
        return _of_gguf(path, wanted)
    if path.name == LIST or path.suffix == ".json":
        return _of_config(path, wanted)
    title = path.resolve().parent.name if path.name == PLAIN else path.stem if path.suffix in SUFFIXES else path.name
    return _only(title, str(path), _read(path), wanted)


def _only(title: str, where: str, text: str, wanted: str | None) -> Source:
    if wanted is not None:
        raise SourceError(f"--template {wanted}: {where} is one template; leave it out")
    return Source(title, where, text)


# -- tokenizer_config.json, and the files beside it -----------------------------------------------------------------


def _of_config(path: Path, wanted: str | None) -> Source:
    config = _json(path)
    templates = _templates(config.get("chat_template"), path)
    if not templates:
        raise SourceError(f"{path}: expected a chat_template, found none among its {len(config)} members: this model has "
                          f"none, or has it in a file of its own ({PLAIN})")
    return _chosen(templates, wanted, path, title=_title(config, path.parent), tokens=config)


def _of_folder(path: Path, wanted: str | None) -> Source:
    """As transformers reads it: a template in a file of its own goes before those in tokenizer_config.json."""
    config = _json(path / CONFIG) if (path / CONFIG).is_file() else {}
    templates = _templates(config.get("chat_template"), path / CONFIG)
    if (path / LIST).is_file():
        templates |= _templates(_json(path / LIST).get("chat_template"), path / LIST)
    if (path / PLAIN).is_file():
        templates[USUAL] = _read(path / PLAIN)
    for file in sorted((path / MORE).glob("*.jinja")):
        templates[file.stem] = _read(file)
    if not templates:
        ggufs = sorted(path.glob("*.gguf"))
        if len(ggufs) == 1:
            return _of_gguf(ggufs[0], wanted)
        raise SourceError(f"{path}: expected a model folder, with {PLAIN}, {LIST} or a {CONFIG} that has a chat_template; "
                          f"found {'none of them' if not ggufs else f'{len(ggufs)} GGUF files: give one'}")
    return _chosen(templates, wanted, path, title=_title(config, path), tokens=config)


def _title(config: Mapping[str, Any], folder: Path) -> str:
    named = config.get("name_or_path")
    return named if isinstance(named, str) and named and not os.path.isabs(named) else folder.resolve().name


def _templates(value: Any, path: Path) -> dict[str, str]:
    """The templates by name: one text is the usual one; a list of {"name", "template"} names each."""
    if value is None:
        return {}
    if isinstance(value, str):
        return {USUAL: value}
    found: dict[str, str] = {}
    pairs = value.items() if isinstance(value, dict) else (
        (one.get("name"), one.get("template")) if isinstance(one, dict) else (None, None)
        for one in (value if isinstance(value, list) else [None]))
    for name, text in pairs:
        if not isinstance(name, str) or not isinstance(text, str):
            raise SourceError(f'{path}: chat_template: expected a text or a list of {{"name", "template"}}, found '
                              f"{json.dumps(value)[:80]}")
        found[name] = text
    return found


def _chosen(templates: Mapping[str, str], wanted: str | None, path: Path, *, title: str,
            tokens: Mapping[str, Any]) -> Source:
    """Of several, the one that is wanted, or transformers' choice: tool_use where there are tools, else default."""
    name = wanted if wanted is not None else FOR_TOOLS if FOR_TOOLS in templates else USUAL if USUAL in templates else ""
    if not name and len(templates) == 1:
        name = next(iter(templates))
    if name not in templates:
        raise SourceError(f"{path}: it has no chat template named {name or USUAL!r}; expected one of "
                          f"{', '.join(templates)}: give --template NAME")
    return Source(title, str(path), templates[name], name if len(templates) > 1 else "",
                  tuple(n for n in templates if n != name), _token(tokens.get("bos_token")),
                  _token(tokens.get("eos_token")))


def _token(value: Any) -> str:
    """A special token as transformers writes it: a text, or an object that holds it."""
    value = value.get("content") if isinstance(value, dict) else value
    return value if isinstance(value, str) else ""


# -- GGUF -----------------------------------------------------------------------------------------------------------


def _of_gguf(path: Path, wanted: str | None) -> Source:
    from ..engines import EngineError
    from ..engines.weights import read_gguf

    try:
        meta = read_gguf(path)
    except EngineError as error:
        raise SourceError(str(error)) from None
    prefix = "tokenizer.chat_template"
    templates = {USUAL if key == prefix else key[len(prefix) + 1:]: text for key, text in meta.items()
                 if key == prefix or key.startswith(prefix + ".")}
    if not templates or not all(isinstance(text, str) for text in templates.values()):
        raise SourceError(f"{path}: expected {prefix} in its metadata, found none: give the model's "
                          "template as a file of its own")

    def token(key: str) -> str:
        tokens, at = meta.get("tokenizer.ggml.tokens", []), meta.get(f"tokenizer.ggml.{key}_token_id", -1)
        known = isinstance(tokens, list) and isinstance(at, int) and 0 <= at < len(tokens)
        return tokens[at].decode(errors="replace") if known and isinstance(tokens[at], bytes) else ""

    title = meta.get("general.name")
    return _chosen(templates, wanted, path, title=title if isinstance(title, str) and title else path.stem,
                   tokens={"bos_token": token("bos"), "eos_token": token("eos")})


# -- bytes ----------------------------------------------------------------------------------------------------------


def _begins(path: Path, magic: bytes) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(magic)) == magic
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from None


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MOST + 1)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from None
    return _decoded(str(path), data)


def _decoded(where: str, data: bytes) -> str:
    if len(data) > MOST:
        raise SourceError(f"{where}: expected a chat template, found more than {MOST} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"{where}: expected a chat template in UTF-8, found the byte {data[error.start]:#04x} at "
                          f"{error.start}: this is no text") from None
    if "\0" in text:
        raise SourceError(f"{where}: expected a chat template, found a zero byte at {text.index(chr(0))}: this is no text")
    return text


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_read(path))
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{path}: expected JSON, found: {error}") from None
    if not isinstance(found, dict):
        raise SourceError(f"{path}: expected a JSON object, found {type(found).__name__}")
    return found
