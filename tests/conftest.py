"""In CI the laws are tried on the same examples each time, so that a failure is the change's; elsewhere on new ones."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("ci", derandomize=True, database=None)
if os.environ.get("CI"):
    settings.load_profile("ci")
