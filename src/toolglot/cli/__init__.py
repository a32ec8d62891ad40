"""The command line: one function a command.

The one rule: what goes wrong is one line on stderr and an exit code, never a traceback. 0: done; 1: a run that failed;
2: something given is wrong; 3: a call was not allowed; 130: Ctrl-C. TOOLGLOT_DEBUG=1 shows tracebacks all the same.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..message import ToolglotError
from ..registry import look_up
from . import inputs
from .arguments import read_arguments
from .auditing import audit
from .converting import convert
from .evaluating import evaluate
from .exchange import export, import_
from .exchange import show as show_file
from .learning import learn
from .serving import arena, serve
from .synthesizing import synthesize

if TYPE_CHECKING:
    from ..ask import Step
    from ..engines import Chat, Engine
    from ..message import Call, Event, Tool
    from ..model import Model

FAILED, WRONG, DENIED, INTERRUPTED, PIPE = 1, 2, 3, 130, 141


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; gives the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")         # a terminal that cannot show a character still shows the rest
    commands = (ask, evaluate, probe, prompt, parse, audit, learn, serve, arena, convert, synthesize, export, import_,
                dialects, show, pull)
    args = read_arguments(commands, argv)
    try:
        code: int = args.run(args)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        if sys.stdout.isatty():
            print()                                      # the shell's prompt stands on a line of its own
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())      # else the flush at exit complains
        return PIPE
    except Exception as error:
        if os.environ.get("TOOLGLOT_DEBUG"):
            raise
        if isinstance(error, ToolglotError):
            return _fail(error, WRONG)
        return _fail(f"{type(error).__name__}: {error} (this is a bug; TOOLGLOT_DEBUG=1 shows where)", FAILED)


def _fail(why: object, code: int) -> int:
    from .screen import visible

    sys.stdout.flush()
    print("toolglot:", visible(" ".join(str(why).split())), file=sys.stderr)
    return code


# -- ask -------------------------------------------------------------------------------------------------------


def ask(args: argparse.Namespace) -> int:
    """A question, its calls and its answer."""
    from ..ask import model_for
    from ..engines import Chat
    from ..model import model as named

    tools = inputs.tools_of(args.tools)
    choice, answer = inputs.choice_of(args.choice, tools), inputs.answer_of(args.answer)
    if args.dialect:
        named(args.dialect)                              # before anything is fetched or loaded
    question = inputs.read("-").strip() if args.question == "-" else args.question
    messages = [{"role": "system", "content": args.system}] if args.system is not None else []
    messages.append({"role": "user", "content": question})
    engine = open_engine(args)
    try:
        if not isinstance(engine, Chat):
            model = model_for(engine.facts, args.dialect, prompts=args.prompts, idiom=args.idiom)
        elif args.dialect or args.idiom:
            raise ToolglotError(f"{args.engine} is a chat API and writes its own prompts: leave out --dialect and --idiom")
        else:
            model = None
        return asyncio.run(_ask(args, model, engine, messages, tools, choice, answer))
    finally:
        engine.close()


def open_engine(args: argparse.Namespace, slots: int = 1) -> Engine | Chat:
    """The engine that was asked for, with its model loaded."""
    from ..engines import opening
    from .screen import waiting

    where, key = args.engine or args.model, None
    if opening.is_address(where):
        key = inputs.key_of(args.key_env)
        name, words = args.model if args.engine else None, f"asking {where}"
    else:
        if args.engine and args.model:
            raise ToolglotError(f"--engine {args.engine} is no URL: give it or --model, one of the two")
        where = where if where and Path(where).is_dir() else inputs.model_file(where)
        name, words = None, f"loading {Path(where).stem}"
    with waiting(words):
        return asyncio.run(opening.open_engine(where, model=name, key=key, api=args.api, context=args.context,
                                               threads=args.threads, slots=slots))


async def _ask(args: argparse.Namespace, model: Model | None, engine: Engine | Chat, messages: list[dict[str, str]],
               tools: list[Tool], choice: Any, answer: Any) -> int:
    from ..ask import ask as steps_of
    from ..engines import EngineError

    teller = _Teller(args, model, tools)
    steps = steps_of(model, engine, messages, tools, constrain=args.constrain, choice=choice, max_steps=args.max_steps,
                     max_tokens=args.max_tokens, approve=None if args.yes else teller.approve, thinking=args.thinking,
                     temperature=args.temperature, seed=args.seed, run_timeout=args.timeout, answer=answer)
    code = 0
    try:
        async with aclosing(steps):
            async for step in steps:
                code = max(code, teller.tell(step))
                if code == DENIED:
                    break
    except EngineError as error:
        teller.screen.line()
        return _fail(error, FAILED)
    finally:
        teller.close()
    return code


class _Teller:
    """Shows the steps in the way that was asked for, and says what each means for the exit code."""

    def __init__(self, args: argparse.Namespace, model: Model | None, tools: list[Tool]) -> None:
        from .screen import Screen, Story

        self.args, self.model, self.tools = args, model, tools
        self.screen = Screen()
        self.story = Story(self.screen)
        self.spinner = ExitStack()
        self.asked, self.first = 0.0, 0.0                # when the model was asked, and when it began to write

    def tell(self, step: Step) -> int:
        from .. import ask
        from . import screen

        self.spinner.close()
        if self.args.json:
            print(screen.dumps(screen.step_json(step)), flush=True)
        elif self.args.show:
            self._show(step)
        else:
            self.story.tell(step)
        match step:
            case ask.Prompted() | ask.Sent():
                self.asked, self.first = time.perf_counter(), 0.0
                self.spinner.enter_context(screen.waiting("reading the prompt"))
            case ask.Written():
                self.first = self.first or time.perf_counter()
            case ask.Replied():
                self._count(step)
            case ask.Ran(call, result, _, True):
                return _fail(result if result.startswith(f"{call.name}:") else f"{call.name}: {result}", FAILED)
            case ask.Denied(call):
                hint = "" if self._can_ask() else "; nobody is there to allow it: run functions with --yes"
                return _fail(f"not run: {screen.signature(call)}{hint}", DENIED)
            case ask.Handed(call):
                _fail(f"{call.name} has no function behind it: its call is shown, not run", 0)
            case ask.Stopped(why):
                return _fail(why, FAILED)
            case ask.Answered(_, True):
                _fail(f"the answer was cut at {self.args.max_tokens} tokens; allow more with --max-tokens", 0)
        return 0

    def close(self) -> None:
        self.spinner.close()

    def _show(self, step: Step) -> None:
        """The prompt and the raw text, by what each piece is."""
        from .. import ask
        from ..shown import Spans
        from . import screen

        match step:
            case ask.Prompted(prompt, unheld=unheld):
                assert self.model
                self.screen.line()
                if unheld:
                    self.screen.write(f"this reply is held to nothing: {unheld}\n", "label")
                self.screen.legend()
                self.screen.prompt(prompt)
                self.spans = Spans(self.model.stream(self.tools, prompt=prompt))
            case ask.Sent(messages):
                self.screen.line()
                for message in messages:
                    self.screen.write(screen.dumps(message) + "\n", "label")
            case ask.Written(text) if self.model:
                for span in self.spans.feed(text):
                    self.screen.span(*span)
            case ask.Replied() if self.model:
                for span in self.spans.close():
                    self.screen.span(*span)
                self.screen.close_span()
                self.screen.line()
            case _:
                self.story.tell(step)

    def _count(self, step: Any) -> None:
        if sys.stderr.isatty() and not self.args.json:
            now, done = time.perf_counter(), step.done
            first, last = (self.first or now) - self.asked, now - self.asked
            self.screen.line()
            self.screen.write(f"        {done.prompt_tokens} tokens read, {done.completion_tokens} written; "
                              f"the first after {first:.1f} s, the last after {last:.1f} s\n", "label")

    def _can_ask(self) -> bool:
        return sys.stdin.isatty() and sys.stderr.isatty()

    def approve(self, call: Call) -> bool:
        """Asks the user. The event loop waits, so Ctrl-C must come as KeyboardInterrupt, not as a cancelled task."""
        from .screen import signature

        if not self._can_ask():
            return False
        self.spinner.close()
        self.screen.line()
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            print(f"run {signature(call)}? [y/N] ", end="", file=sys.stderr, flush=True)
            return sys.stdin.readline().strip().lower() in ("y", "yes")
        finally:
            signal.signal(signal.SIGINT, before)


# -- the other commands ----------------------------------------------------------------------------------------


def probe(args: argparse.Namespace) -> int:
    """What an engine is, and what it can be held to."""
    from . import describe
    from .screen import Screen

    args.engine = None if args.engine == "default" else args.engine
    engine = open_engine(args)
    try:
        found = describe.engine(engine, args.dialect)
    finally:
        engine.close()
    if args.json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
        return 0
    screen = Screen()
    rows = [("model", found["model"]), ("context", f"{found['context']:,} tokens" if found["context"] else "not known"),
            *(("found", line) for line in found["found"]),
            ("dialect", f"{found['dialect'] or 'none'}: {found['why']}"),
            *((choice, describe.held(rules)) for choice, rules in found["held"].items())]
    last = ""
    for title, words in rows:
        screen.write(f"{title if title != last else '':10}", "call")
        screen.write(f"{words}\n")
        last = title
    return 0


def prompt(args: argparse.Namespace) -> int:
    """The prompt of a conversation, byte for byte."""
    from .screen import Screen, dumps

    if (args.question is None) == (args.messages is None):
        raise ToolglotError("prompt: expected a question or --messages FILE.json, one of the two")
    messages = inputs.messages_of(args.messages) if args.messages else [{"role": "user", "content": args.question}]
    tools, model = inputs.tools_of(args.tools), inputs.named_model(args)
    made = model.prompt(messages, tools, thinking=args.thinking, today=args.today)
    if args.template:
        _fail(model.origin, 0)
    screen = Screen()
    if args.json:
        print(dumps([piece._asdict() for piece in made.pieces]))
    elif args.pieces:
        screen.legend()
        screen.prompt(made)
        screen.line()
    else:
        (screen.write if screen.terminal else sys.stdout.write)(str(made))      # a pipe gets every byte
    return 0


def parse(args: argparse.Namespace) -> int:
    """A model's text, read: the reply as JSON, problems on stderr."""
    from ..message import fold
    from ..shown import event_json, reply_json
    from .screen import dumps

    model = inputs.named_model(args)
    seen = inputs.read(args.prompt) if args.prompt else None
    tools = inputs.tools_of(args.tools) or None
    if args.rescue and tools is None:
        raise ToolglotError("parse: --rescue needs --tools, for a call is believed only where its tool is known")
    parser = model.stream(tools, prompt=seen, strict=args.strict, rescue=args.rescue)
    events: list[Event] = []

    def take(new: list[Event]) -> None:
        events.extend(new)
        for event in new if args.stream else ():
            print(dumps(event_json(event)), flush=True)

    for text in inputs.texts(args.file):
        take(parser.feed(text))
    take(parser.close())
    reply = fold(events)
    if not args.stream:
        print(json.dumps(reply_json(reply), ensure_ascii=False, indent=2))
    for problem in reply.problems:
        _fail(problem, FAILED)
    return FAILED if any(problem.raw for problem in reply.problems) else 0


def dialects(args: argparse.Namespace) -> int:
    """A line a dialect."""
    from . import describe
    from .screen import Screen, dumps

    rows = describe.table()
    if args.json:
        print(dumps([dict(zip(("name", "models", "tier", "call"), row, strict=True)) for row in rows]))
        return 0
    screen, width = Screen(), max(len(row[0]) for row in rows)
    for name, models, tier, call in rows:
        screen.write(f"{name:{width}}  ", "call")
        screen.write(f"{models} ({tier})\n")
        screen.write(" " * width + "  " + call.replace("\n", "\\n") + "\n", "label")
    return 0


def show(args: argparse.Namespace) -> int:
    """All that is known of a dialect."""
    from . import describe
    from .screen import Screen

    if args.name.endswith(".json"):
        from .. import exchange as files

        show_file(*files.read_dialect(args.name)[:2])
        return 0
    found, screen = look_up(args.name), Screen()
    dialect = found.card.dialect

    def section(title: str, text: str) -> None:
        screen.write(f"{title}\n", "call")
        screen.write(text.rstrip("\n") + "\n\n")

    section(dialect.name, describe.facts(found))
    section("notes", describe.notes(dialect))
    section("the whole of it", describe.data(dialect))
    section("a call", describe.example_call(dialect))
    section("a reply ends with", " ".join(dialect.stop) or "the model's own end token")
    section("what is ambiguous in it", describe.proof(dialect))
    screen.write("a prompt\n", "call")
    screen.legend()
    screen.prompt(describe.example_prompt(dialect))
    screen.line()
    return 0


def pull(args: argparse.Namespace) -> int:
    """The default model, fetched ahead of its first use."""
    print(inputs.model_file(None))
    return 0
