"""`toolglot serve`: settings in, the server out."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..message import ToolglotError
from ..serve.settings import KINDS, printed, read_settings
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
