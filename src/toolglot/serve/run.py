"""From settings to a server that listens, and from there to its end.

The one rule: what can be known to fail fails here, in one line, before a model is loaded; and what has begun is finished,
unless it is not done when the time for that is over, or someone says so twice.
"""

from __future__ import annotations

import errno
import logging
import math
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.importer import import_from_string
from uvicorn.supervisors import Multiprocess

from ..message import ToolglotError
from ..model import model
from .exchange import App
from .logs import log_config
from .metrics import DIRECTORY
from .settings import Settings, flag, handing_over, is_loopback, keys_of, upstream_key

FACTORY = "toolglot.serve.app:from_environment"
KEEP_ALIVE = 75                 # seconds that a silent connection is kept; clients and proxies drop theirs before
SILENT, SILENT_LOADING = 5, 60  # seconds after which a worker that says nothing is replaced; one that loads may be long
PATIENCE = 0.5                  # seconds from being told to stop at once to being gone
log = logging.getLogger("toolglot.serve")
FAILED, INTERRUPTED = 1, 130    # exit codes, as the command line has them


def run(settings: Settings, factory: str = FACTORY, tell: Callable[[str], None] | None = None) -> int:
    """Serves until it is told to stop; gives the exit code. `factory` is what makes the application, in each worker:
    "module:function", which reads its settings with `handed_over`. `tell` is told the address when it answers; without
    one, what is served there is printed. Errors: ToolglotError for what cannot work."""
    checked(settings)
    allow_files()
    with ExitStack() as stack:
        listener = stack.enter_context(_listener(settings))
        stack.enter_context(_environment(settings, stack))
        config = uvicorn.Config(
            partial(_application, factory), factory=True, workers=settings.workers, lifespan="on", ws="none",
            access_log=False, proxy_headers=False, server_header=False,
            log_config=log_config(settings.log_level, settings.log_format),
            timeout_keep_alive=KEEP_ALIVE, timeout_graceful_shutdown=math.ceil(settings.shutdown_timeout),
            timeout_worker_healthcheck=SILENT if settings.upstream else SILENT_LOADING)
        stack.enter_context(_said_when_up(listener, settings, tell or partial(_say, settings)))
        try:
            return (_one if settings.workers == 1 else _several)(config, listener)
        except OSError as error:                         # another program began to listen there in the meantime
            raise _no_address(error, settings) from None


def checked(settings: Settings) -> None:
    """Refuses what cannot work, before anything is fetched, loaded or opened."""
    keys = keys_of(settings)
    if not keys and not settings.allow_no_key and not is_loopback(settings.host):
        raise ToolglotError(f"{settings.host} can be reached from outside, and there are no keys: give {flag('keys_file')} "
                            f"or {flag('key_env')}, or let everybody in with {flag('allow_no_key')}")
    upstream_key(settings)
    if settings.dialect is not None:
        model(settings.dialect)


def allow_files() -> None:
    """As many open files as this process may have: each stream is two, one to the client and one to the engine."""
    if sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        with suppress(ValueError, OSError):              # macOS names a limit that it does not grant
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


# -- the address -----------------------------------------------------------------------------------------------


@contextmanager
def _listener(settings: Settings) -> Iterator[socket.socket]:
    """The socket, bound. Nobody can connect before a worker listens at it, which is when its model is there."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM,
                                                                flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise ToolglotError(f"{flag('host')} {settings.host}: {error.strerror or error}") from None
    with socket.socket(family, kind, protocol) as listener:
        if os.name == "posix":                           # elsewhere it lets two servers have one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
        except OSError as error:
            raise _no_address(error, settings) from None
        listener.set_inheritable(True)
        yield listener


def _no_address(error: OSError, settings: Settings) -> ToolglotError:
    where = _url(settings.host, settings.port)
    if error.errno == errno.EADDRINUSE:
        return ToolglotError(f"{where} is taken by another program: stop that, or choose another port with {flag('port')} "
                             "(0 takes a free one)")
    if error.errno == errno.EADDRNOTAVAIL:
        return ToolglotError(f"{settings.host} is no address of this machine: {flag('host')} 0.0.0.0 is all that it has")
    return ToolglotError(f"cannot listen at {where}: {error.strerror or error}")


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _said_when_up(listener: socket.socket, settings: Settings, tell: Callable[[str], None]) -> Iterator[None]:
    """One line, as soon as the address answers: whoever started the server may be waiting for it."""
    over, port = threading.Event(), listener.getsockname()[1]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listener.getsockname()[0], listener.getsockname()[0])

    def wait() -> None:
        while not over.wait(0.05):
            try:
                socket.create_connection((host, port), 1).close()
            except OSError:
                continue
            tell(_url(settings.host, port))
            return

    teller = threading.Thread(target=wait, daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join(2)


def _say(settings: Settings, url: str) -> None:
    print(f"toolglot serves {served(settings)} at {url}/v1", flush=True)


def served(settings: Settings) -> str:
    """What is served, in words."""
    if settings.upstream is not None:
        return f"{settings.upstream_model or 'the model'} of {settings.upstream}"
    if settings.model is not None:
        return Path(settings.model).name.removesuffix(".gguf")
    from ..engines.weights import DEFAULT_MODEL

    return Path(os.environ.get("TOOLGLOT_MODEL") or DEFAULT_MODEL).name.removesuffix(".gguf")


# -- the processes ---------------------------------------------------------------------------------------------


@contextmanager
def _environment(settings: Settings, stack: ExitStack) -> Iterator[None]:
    """What the workers find in their environment: the settings, among which is no key, and where they count together."""
    given: dict[str, str | None] = {**handing_over(settings), DIRECTORY: None}
    if settings.workers > 1:
        if settings.upstream is None:
            print(f"toolglot: each of the {settings.workers} workers loads the model for itself, so it is in memory "
                  f"{settings.workers} times", file=sys.stderr)
        if settings.metrics:
            given[DIRECTORY] = stack.enter_context(tempfile.TemporaryDirectory(prefix="toolglot-metrics-"))
    before = {name: os.environ.get(name) for name in given}
    _set(given)
    try:
        yield
    finally:
        _set(before)


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _application(factory: str) -> App:
    """What uvicorn serves. One that cannot be made is not tried again, which a worker's supervisor otherwise would."""
    try:
        made: App = import_from_string(factory)()
        return made
    except ToolglotError as error:
        log.error(str(error))
    except Exception as error:
        log.error("the application cannot be made", exc_info=error)
    raise SystemExit(STARTUP_FAILURE)


class _Server(uvicorn.Server):
    """SIGTERM, and the first Ctrl-C, let it finish what has begun; the second Ctrl-C does not, and before it is up there is
    nothing to finish."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if not self.started or (self.should_exit and sig == signal.SIGINT):
            # a model that is loading, or working, in a thread cannot be asked to stop
            now = threading.Timer(PATIENCE, os._exit, (INTERRUPTED if sig == signal.SIGINT else 0,))
            now.daemon = True
            now.start()
        super().handle_exit(sig, frame)


def _one(config: uvicorn.Config, listener: socket.socket) -> int:
    """A server in this process."""
    server, before = _Server(config), signal.signal(signal.SIGTERM, _nothing)    # uvicorn passes on what it caught
    try:
        server.run(sockets=[listener])
    except SystemExit:                                   # which is how uvicorn says that it could not start
        return FAILED
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


def _several(config: uvicorn.Config, listener: socket.socket) -> int:
    """A process that watches over the workers, each of which ends as one alone does."""
    supervisor = Multiprocess(config, sockets=[listener])
    interrupted: list[int] = []
    watching: Callable[[int, FrameType | None], object] = signal.getsignal(signal.SIGINT)      # type: ignore[assignment]

    def interrupt(number: int, frame: FrameType | None) -> None:
        interrupted.append(number)
        watching(number, frame)
        for process in supervisor.processes if len(interrupted) > 1 else ():
            process.process.kill()

    signal.signal(signal.SIGINT, interrupt)
    supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        return FAILED
    return INTERRUPTED if interrupted else 0


def _nothing(number: int, frame: FrameType | None) -> None:
    pass
