"""In CI the laws are tried on the same examples each time, so that a failure is the change's; elsewhere on new ones. And
Ctrl-C is listened to, even where the tests run in the background: what they start would ignore it as well."""

from __future__ import annotations

import os
import signal

from hypothesis import settings

settings.register_profile("ci", derandomize=True, database=None)
if os.environ.get("CI"):
    settings.load_profile("ci")
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
