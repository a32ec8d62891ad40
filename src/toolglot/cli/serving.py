"""`toolglot serve` and `toolglot arena`: settings in, the server out."""

from __future__ import annotations

import argparse
import os
import sys
import webbrowser
from pathlib import Path

from ..message import ToolglotError
from ..serve.settings import KINDS, Settings, printed, read_settings
from . import inputs


def serve(args: argparse.Namespace) -> int:
    """Answers requests until it is told to stop."""
    found = read_settings({name: getattr(args, name) for name in KINDS}, file=args.config)
    if args.print_config:
        sys.stdout.write(printed(found))
        return 0
    try:
        from ..serve.run import checked, run
    except ModuleNotFoundError as missing:
        raise ToolglotError(f"the server needs {missing.name}: pip install 'toolglot[serve]'") from None
    settings = found.settings
    checked(settings)                                    # before anything is fetched
    if settings.upstream is None and not (settings.model and Path(settings.model).expanduser().is_dir()):
        inputs.model_file(settings.model)                # with a bar, and once: the workers find it
    return run(settings)


ALONE = "toolglot.serve.app:arena_from_environment"


def arena(args: argparse.Namespace) -> int:
    """Shows the page of formats, until it is told to stop."""
    settings = arena_settings(args)
    try:
        from ..serve.run import FACTORY, checked, run
    except ModuleNotFoundError as missing:
        raise ToolglotError(f"the arena needs {missing.name}: pip install 'toolglot[serve]'") from None
    checked(settings)
    engine = bool(args.engine or args.model)
    if engine and settings.upstream is None and not Path(settings.model or "").expanduser().is_dir():
        inputs.model_file(settings.model)

    def tell(url: str) -> None:
        print(f"toolglot arena at {url}/", flush=True)
        if args.open if args.open is not None else _has_browser():
            webbrowser.open(f"{url}/")

    return run(settings, FACTORY if engine else ALONE, tell)


def arena_settings(args: argparse.Namespace) -> Settings:
    """The settings of the arena's server: on this machine alone, and keeping nothing."""
    from ..engines.opening import is_address

    own = {"port": args.port, "store": "none", "log_level": "warning", "metrics": False, "context": args.context,
           "shutdown_timeout": 2.0}
    where = args.engine or args.model
    if where and is_address(where):
        named = args.model if args.engine else None
        return Settings(upstream=where, upstream_model=named, api=args.api, upstream_key_env=args.key_env, **own)
    if args.engine and args.model:
        raise ToolglotError(f"--engine {args.engine} is no URL: give it or --model, one of the two")
    return Settings(model=None if where == "default" else where, threads=args.threads, **own)


def _has_browser() -> bool:
    """Whether a window can be opened: someone looks at this terminal, and a text browser would take it over."""
    shown = sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return sys.stdout.isatty() and shown
