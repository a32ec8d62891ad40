"""Running a published Jinja chat template in Jinja's sandbox, exactly as its trainers do.

The one rule: what a template is given and may call is what transformers gives it, nothing more. A template is a
stranger's code and may still loop for ever or fill the memory: `apart` runs it where that does no harm.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ..message import ToolglotError

MOST = 4 << 20                                   # characters that a template may print
LONGEST = 1 << 20                                # characters that a template may have: 30 times the longest known


class TemplateError(ToolglotError):
    """A chat template does not compile, refuses the conversation, or does what it may not: what it says, what to do."""


class TemplateLimit(TemplateError):
    """A chat template takes too long, too much memory, or prints too much."""


def run(source: str, *, today: str = "", mutable: bool = False, **given: Any) -> str:
    """What a chat template prints. `given` is what it sees: messages, tools, add_generation_prompt and the like.

    With `mutable` it may change its lists, which llama.cpp allows and transformers does not. Raises TemplateError.
    """
    from jinja2 import TemplateError as JinjaError

    out: list[str] = []
    size = 0
    try:
        for text in compiled(source, today, mutable).generate(**given):
            size += len(text)
            if size > MOST:
                raise TemplateLimit(f"chat template: it prints more than {MOST} characters")
            out.append(text)
    except TemplateError:
        raise
    except JinjaError as e:
        line = getattr(e, "lineno", None)
        raise TemplateError(f"chat template{f', line {line}' if line else ''}: {e}") from None
    except MemoryError:
        raise TemplateLimit("chat template: it takes too much memory") from None
    except Exception as e:                       # whatever a stranger's code does, it is its fault
        raise TemplateError(f"chat template: {type(e).__name__}: {e}") from None
    return "".join(out)


@lru_cache(maxsize=32)
def compiled(source: str, today: str = "", mutable: bool = False) -> Any:
    """A chat template as transformers compiles it: sandboxed, `tojson` as json.dumps, and the few globals it knows."""
    from jinja2 import TemplateError as JinjaError
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment, SandboxedEnvironment

    _check_length(source)

    def refuse(message: str) -> None:
        raise JinjaError(message)

    def now(form: str) -> str:
        day = datetime.date.fromisoformat(today) if today else datetime.date.today()
        return day.strftime(form)

    def tojson(value: Any, ensure_ascii: bool = False, indent: int | None = None,
               separators: tuple[str, str] | None = None, sort_keys: bool = False) -> str:
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    sandbox = SandboxedEnvironment if mutable else ImmutableSandboxedEnvironment
    environment = sandbox(trim_blocks=True, lstrip_blocks=True, extensions=[_generation(), loopcontrols])
    environment.filters["tojson"] = tojson
    environment.globals |= {"raise_exception": refuse, "strftime_now": now}
    return environment.from_string(source)


def parsed(source: str) -> Any:
    """A chat template's syntax tree: read, not run. Raises TemplateError."""
    from jinja2 import Environment
    from jinja2 import TemplateError as JinjaError
    from jinja2.ext import loopcontrols

    _check_length(source)
    try:
        return Environment(trim_blocks=True, lstrip_blocks=True, extensions=[_generation(), loopcontrols]).parse(source)
    except JinjaError as e:
        raise TemplateError(f"chat template: {e}") from None
    except RecursionError:
        raise TemplateError("chat template: it is nested too deeply") from None


def _check_length(source: str) -> None:
    if len(source) > LONGEST:
        raise TemplateLimit(f"chat template: it has {len(source)} characters, {LONGEST} at most are looked at")


@lru_cache(maxsize=1)
def _generation() -> Any:
    """The tag `{% generation %}…{% endgeneration %}`, which marks what is trained on: it prints what is inside."""
    from jinja2 import nodes
    from jinja2.ext import Extension

    class Generation(Extension):
        tags = {"generation"}

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            # a call block, as in transformers: variables that are set inside stay inside
            return nodes.CallBlock(self.call_method("_inside"), [], [], body).set_lineno(line)

        def _inside(self, caller: Callable[[], str]) -> str:
            return caller()

    return Generation
