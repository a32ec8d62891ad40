"""A chat template in a process of its own: it may loop, allocate or crash there, and is ended.

The one rule: whatever a template does, its caller gets a text or a TemplateError, in bounded time and memory. The
process sees nothing but the template and what it is given; it is started when it is first asked, and again after one
that had to be ended.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from types import TracebackType
from typing import IO, Any

from .environment import TemplateError, TemplateLimit, run

SECONDS = 5.0                                    # that one rendering may take
STARTING = 60.0                                  # that the process may take to come up
MEMORY = 512 << 20                               # bytes that the process may have
LONGEST_LIFE = 600                               # seconds of work that it may have done in all


class Apart:
    """One chat template, ready to `render` conversations; a context manager, or `close` it.

    `today` (YYYY-MM-DD) is the date that the template is told. `mutable`: see `environment.run`. Not for several
    threads at once.
    """

    def __init__(self, source: str, *, bos: str = "", eos: str = "", today: str = "", mutable: bool = False,
                 seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self.source, self.today, self.mutable = source, today, mutable
        self.seconds, self.memory = seconds, memory
        self.tokens = {"bos_token": bos, "eos_token": eos}
        self._process: subprocess.Popen[bytes] | None = None

    def render(self, messages: Any, tools: Any = None, *, reply_starts: bool = True, **given: Any) -> str:
        """What the template prints of chat messages and tools, in OpenAI's shape; `given` are more of its variables.

        Raises TemplateError: what the template says or does wrong; TemplateLimit: it was ended.
        """
        asked = {**self.tokens, "messages": messages, "tools": tools, "documents": None,
                 "add_generation_prompt": reply_starts, **given}
        answer = _exchange(self._started(), asked, self.seconds)
        if answer is None:
            self.close()
            raise TemplateLimit(f"chat template: it was ended: it took more than {self.seconds:g} seconds, or crashed")
        if "text" in answer:
            text: str = answer["text"]
            return text
        if answer["limit"]:
            self.close()                         # what filled the memory once leaves little of it
        raise (TemplateLimit if answer["limit"] else TemplateError)(answer["error"])

    def close(self) -> None:
        """Ends the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    try:
                        pipe.close()
                    except OSError:
                        pass                     # what was not written any more

    def __enter__(self) -> Apart:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is not None:
            self.close()
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-c", f"from {__name__} import _serve; _serve()"], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                # the child finds the same packages, and none of what the environment holds besides
                env={"PYTHONPATH": os.pathsep.join(p for p in sys.path if p), **{
                    k: os.environ[k] for k in ("SYSTEMROOT", "PATH") if k in os.environ}})
            task = {"source": self.source, "today": self.today, "mutable": self.mutable, "memory": self.memory}
            if _exchange(self._process, task, STARTING) is None:         # none of the template's own time
                self.close()
                raise TemplateError(f"chat template: no process to run it in came up within {STARTING:g} seconds")
        return self._process


def _tell(process: subprocess.Popen[bytes], value: Any) -> None:
    assert process.stdin
    try:
        process.stdin.write(json.dumps(value).encode() + b"\n")
        process.stdin.flush()
    except OSError:
        pass                                     # it has ended: reading says so


def _exchange(process: subprocess.Popen[bytes], asked: Any, seconds: float) -> dict[str, Any] | None:
    """What the process answers; None where it took too long, and was ended, or ended by itself."""
    assert process.stdout
    late = threading.Timer(seconds, process.kill)
    late.start()
    try:
        _tell(process, asked)
        line = process.stdout.readline()
    finally:
        late.cancel()
    return json.loads(line) if line.endswith(b"\n") else None


# -- in the process -----------------------------------------------------------------------------------------------


def _serve() -> None:
    """Reads conversations, one a line, and answers each with the text or with what was wrong."""
    lines, out = sys.stdin.buffer, sys.stdout.buffer
    task = json.loads(lines.readline())
    _limit(task["memory"])
    _tell_back(out, {})
    for line in lines:
        _tell_back(out, _answer(task, json.loads(line)))


def _answer(task: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"text": run(task["source"], today=task["today"], mutable=task["mutable"], **asked)}
    except TemplateError as error:
        return {"error": str(error), "limit": isinstance(error, TemplateLimit)}


def _tell_back(out: IO[bytes], answer: dict[str, Any]) -> None:
    out.write(json.dumps(answer).encode() + b"\n")
    out.flush()


def _limit(memory: int) -> None:
    try:
        import resource
    except ImportError:
        return                                   # Windows: time alone is limited there
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST_LIFE, LONGEST_LIFE))       # where nobody is left to end it
